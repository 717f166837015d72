/* store/commit_log.h - the append path of the commit log (store.md 3, 11.2).
 *
 * Records are encoded straight into a run: bytes that go to one place of one segment by one write.
 * One write is under way; what arrives meanwhile gathers in the next run, so a slow disk makes
 * larger writes, not more of them. Positions: segments.accepted >= written >= flushed.
 *
 * Invariants
 *   L1  The runs are in order and without gaps from `written` to `accepted`, but for the unwritten
 *       rest behind a blank record.
 *   L2  Puts are in order of end_physical; those up to `written` wait for a flush only.
 *   L3  A put is told PUT_OK only when its bytes are written, and flushed where it asked for that.
 *   L4  What failed to be written is never skipped: the log is cut back to `written`, and all puts
 *       behind it fail. */
#ifndef MODEL_STORE_COMMIT_LOG_H
#define MODEL_STORE_COMMIT_LOG_H

#include "model/base/buf.h"
#include "model/base/list.h"
#include "model/store/segments.h"

struct store;

/* Bytes on their way to one segment. */
struct log_run {
    struct list link;
    uint64_t from;
    uint64_t end; /* `written` when it is done: behind the bytes, or the segment's end */
    uint64_t begun_ns;
    struct buf bytes;
};

struct commit_log {
    struct segments segments;
    struct list runs;  /* of struct log_run; the first is being written */
    struct list spare; /* runs for re-use */
    struct list puts;  /* of struct store_put */
    struct env_file_op write;
    int64_t last_store_ms; /* of the last record accepted */
    int64_t written_ms;    /* store time of the last record written; 0: none since the start */
};

void commit_log_init(struct commit_log *log, struct env *env);
/* Frees; puts that wait are forgotten. */
void commit_log_deinit(struct commit_log *log);

/* First byte of the log that is there. */
static inline uint64_t commit_log_min(const struct commit_log *log) {
    return segments_min(&log->segments);
}
/* Tells the puts that wait for nothing any more; after `flushed` or the mode changed. */
void commit_log_complete(struct store *store);
/* Ends all puts that wait for a flush with PUT_FLUSH_DISK_TIMEOUT, those that began before
 * `before_ns` only. */
void commit_log_give_up(struct store *store, uint64_t before_ns);
/* Nothing is being written and nothing waits for it. */
static inline bool commit_log_is_quiet(const struct commit_log *log) {
    return log->segments.written == log->segments.accepted;
}

#endif
