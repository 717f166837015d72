/* store/commit_log.h - the append path of the commit log (store.md 3, 11.2).
 *
 * Records are encoded straight into a run: bytes that go to one place of one segment by one write.
 * One write is under way; what arrives meanwhile gathers in the next run, so that a slow disk makes
 * larger writes, not more of them. Positions: segments.accepted >= written >= flushed.
 *
 * Invariants
 *   L1  The runs are in order and without gaps from `written` to `accepted`, but for the rest of a
 *       segment behind a blank record.
 *   L2  `writing` and `flushing` are in order of end_physical; a put is in `writing` while its
 * bytes are in a run, in `flushing` while it waits for their sync. L3  A put is told PUT_OK only
 * when its bytes are written, and flushed where it asked for that. L4  What failed to be written
 * leaves no trace: the log is cut back to `written`, all puts behind it fail, their queue offsets
 * are given again, and the bytes are zeros, durably, before the next put is taken. Else a later
 * record could end where one of them begins. */
#ifndef MODEL_STORE_COMMIT_LOG_H
#define MODEL_STORE_COMMIT_LOG_H

#include "model/base/buf.h"
#include "model/base/list.h"
#include "model/store/log_ahead.h"
#include "model/store/segments.h"

struct store;

/* Bytes on their way to one segment. */
struct log_run {
    struct list link;
    uint64_t from;
    uint64_t end; /* `written` when it is done: behind the bytes, or the segment's end */
    uint64_t begun_ns;
    int64_t store_ms; /* of its last record */
    struct buf bytes;
};

struct commit_log {
    struct segments segments;
    struct list runs;     /* of struct log_run; the first is being written */
    struct list recent;   /* written ones that are likely to be read soon, see store_log_view */
    struct list spare;    /* for the next ones */
    struct list writing;  /* of struct store_put (L2) */
    struct list flushing; /* of struct store_put (L2) */
    size_t recent_bytes;
    struct env_file_op op;
    struct buf scratch; /* properties of a batch's message */
    bool repairing;     /* a write failed, its place is not clean yet (L4) */
    struct env_timer retry_timer;
    struct log_ahead ahead;
    int64_t written_ms; /* store time of the last record written; 0: none since the start */
    int64_t latest_ms;  /* latest store time of any record accepted, or checked by recovery */
};

/* The segments are loaded by recovery. */
void commit_log_init(struct commit_log *log, struct env *env);
/* Frees; puts that wait are forgotten. */
void commit_log_deinit(struct commit_log *log);

/* Room for `bytes` at the log's end, after a blank record where they do not fit in the segment.
 * NULL with *status: PUT_CREATE_FILE_FAILED, PUT_UNKNOWN_ERROR (memory). The caller encodes exactly
 * `bytes` into run->bytes, then calls commit_log_accept. */
struct store_put;
struct log_run *commit_log_place(struct store *store, size_t bytes, int *status);
void commit_log_accept(struct store *store, struct log_run *run, struct store_put *put);

/* A replica: appends bytes of its master's log, whatever they are. Errors of segments_grow,
 * RMQ_E_NOMEM; `accepted` says how much was taken. */
int commit_log_append(struct store *store, struct span bytes) RMQ_CHECK_RESULT;

/* `flushed` has moved: puts that waited for it are told. */
void commit_log_on_flushed(struct store *store);
/* Ends puts that wait for a flush and began to before `before_ns`. */
void commit_log_give_up(struct store *store, uint64_t before_ns);
/* Drops what store_log_view keeps and dispatch has passed. */
void commit_log_trim_recent(struct store *store);
/* First byte of the log that is there. */
static inline uint64_t commit_log_min(const struct commit_log *log) {
    return segments_min(&log->segments);
}
/* Writes what waits, if nothing is in its way. */
void commit_log_go_on(struct store *store);
/* Nothing is being written, zeroed or repaired. */
bool commit_log_is_quiet(const struct commit_log *log);

#endif
