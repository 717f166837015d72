/* store/recovery.h - finds the end of the commit log at start (store.md 14). */
#ifndef MODEL_STORE_RECOVERY_H
#define MODEL_STORE_RECOVERY_H

#include "model/base/buf.h"
#include "model/wire/message.h"

struct store;

struct recovery {
    uint64_t from;     /* first byte that was looked at */
    uint64_t position; /* good records up to here */
    uint64_t records;
    uint64_t cut_bytes; /* what was behind the end */
    const char *cut_reason;
    int64_t last_store_ms;
    uint32_t index;     /* file that is looked at, while choosing where to start */
    struct buf read;    /* bytes that are not resident */
    uint64_t read_from; /* position of its first byte */
    void (*done)(struct store *store, int status);
};

/* `done` with RMQ_OK: the log ends at store->recovery.position, and what was behind that is gone,
 * durably. */
void recovery_start(struct store *store, void (*done)(struct store *store, int status));
void recovery_deinit(struct store *store);

#endif
