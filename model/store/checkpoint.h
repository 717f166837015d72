/* store/checkpoint.h - <root>/checkpoint: up to which store time things are durable (store.md 9).
 *
 * May be too early, never too late: 0 makes recovery begin at the first file. A missing, short or
 * unreadable file counts as zeros. */
#ifndef MODEL_STORE_CHECKPOINT_H
#define MODEL_STORE_CHECKPOINT_H

#include "model/env.h"

#define CHECKPOINT_BYTES 4096
#define CHECKPOINT_USED_BYTES 56
#define CHECKPOINT_MARGIN_MS 3000 /* that times may be out of order by */

typedef void checkpoint_fn(void *ctx, int status);

struct checkpoint {
    struct env *env;
    struct env_file *file;
    int64_t physical_ms;    /* commit log */
    int64_t logics_ms;      /* consume queues */
    int64_t index_physical; /* ours, at byte 40, which Apache leaves alone: index files whose
                               messages are all below it are complete; 0: unknown */
    int64_t index_ms;       /* index files that are complete */
    int64_t clean_end; /* ours, at byte 48: where the log ended at our clean stop; 0: unknown */
    uint8_t bytes[CHECKPOINT_USED_BYTES]; /* being read or written */
    struct env_file_op op;
    bool again;          /* save was called while one is under way */
    checkpoint_fn *done; /* of load, or of the last save */
    void *ctx;
};

/* Opens `path`, made when missing, and reads it; `done` in a later handler, or before
 * the return with an error of env_file_open. RMQ_E_IO: it cannot be read. */
void checkpoint_load(struct checkpoint *checkpoint, struct env *env, struct span path,
                     checkpoint_fn *done, void *ctx);
/* Writes and syncs what the times are now. Calls while one is under way are answered by one more.
 * `done` (may be NULL) replaces that of a call that still waits. */
void checkpoint_save(struct checkpoint *checkpoint, checkpoint_fn *done, void *ctx);
void checkpoint_deinit(struct checkpoint *checkpoint);
/* min(physical, logics) - 3 s, at least 0. */
int64_t checkpoint_min_ms(const struct checkpoint *checkpoint);

#endif
