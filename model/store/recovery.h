/* store/recovery.h - finds the end of the commit log at start, and cleans what is behind it
 * (store.md 14).
 *
 * Records are checked in sequence from a file of which all before is durable; the first that is not
 * whole, or not one of this place, ends the log. Differs: Apache does not compare a record's
 * PHYSICALOFFSET and a blank record's length with their place, does not see torn topics and
 * properties, and leaves the bytes behind the cut in the file (14.3, "stale tail"). */
#ifndef MODEL_STORE_RECOVERY_H
#define MODEL_STORE_RECOVERY_H

#include "model/base/buf.h"
#include "model/store/segments.h"

struct store;
typedef void recovery_fn(struct store *store, int status);

enum recovery_step { STEP_ON, STEP_MORE, STEP_NEXT_FILE, STEP_CUT };

struct recovery {
    uint64_t from;     /* where checking began */
    uint64_t position; /* the log's end so far */
    uint64_t records;
    uint64_t cut_bytes;      /* from the end to the last byte that is not zero, near it */
    const char *cut_reason;  /* "": nothing was there */
    uint64_t unsure;         /* the first record that may not be durable although it can be read */
    enum recovery_step step; /* what ended the slice */
    const char *reason;      /* of that */
    int64_t last_store_ms;
    uint32_t index;   /* file where checking begins */
    size_t need;      /* bytes of a record that is larger than a slice */
    struct buf bytes; /* that are looked at */
    uint64_t read_from;
    bool was_read; /* by an operation, just now */
    int status;    /* of that */
    struct env_file_op op;
    struct segments_sync sync;
    struct env_timer timer;            /* the next slice */
    void (*next)(struct store *store); /* what goes on when the operation has ended */
    recovery_fn *done;
};

/* The log's segments and the checkpoint are loaded. `done` with RMQ_OK: the log ends at `position`,
 * all before it is durable, and behind it are zeros, durably. RMQ_E_NOMEM, errors of the disk. */
void recovery_start(struct store *store, recovery_fn *done);
/* Stops; what is under way is the log's and ends with its files. */
void recovery_deinit(struct store *store);

#endif
