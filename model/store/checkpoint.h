/* store/checkpoint.h - <root>/checkpoint: up to which store time things are durable (store.md 9).
 *
 * Only ever too early, never too late: 0 makes recovery scan from the first file. Missing, short or
 * unreadable counts as zeros. */
#ifndef MODEL_STORE_CHECKPOINT_H
#define MODEL_STORE_CHECKPOINT_H

#include "model/env.h"

#define CHECKPOINT_BYTES 4096

struct checkpoint {
    struct env *env;
    struct env_file *file;
    int64_t physical_ms; /* commit log */
    int64_t logics_ms;   /* consume queues */
    int64_t index_ms;    /* index files that are complete */
    uint8_t *page;       /* CHECKPOINT_BYTES while being read or written */
    struct env_file_op op;
    bool again; /* save was called meanwhile */
    void (*done)(void *ctx, int status);
    void *ctx;
};

/* Reads <root>/checkpoint; `done` always with RMQ_OK, or RMQ_E_NOMEM, RMQ_E_IO... when it cannot be
 * opened for writing. */
void checkpoint_load(struct checkpoint *checkpoint, struct env *env, const char *root,
                     void (*done)(void *ctx, int status), void *ctx);
/* Writes and syncs what the times are now; one call at a time, later ones follow. `done` may be
 * NULL: then a failure is logged only (the file stays too early). */
void checkpoint_save(struct checkpoint *checkpoint, void (*done)(void *ctx, int status), void *ctx);
void checkpoint_deinit(struct checkpoint *checkpoint);
/* min(physical, logics) - 3 s, at least 0. */
int64_t checkpoint_min_ms(const struct checkpoint *checkpoint);

#endif
