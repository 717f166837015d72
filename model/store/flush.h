/* store/flush.h - when written records become durable (store.md 12).
 *
 * Sync: a sync starts with the first written record, one at a time; all that was written at its
 * start shares it. Async: a timer runs while something is written and not flushed.
 *
 * A failed sync: the kernel may have dropped the pages and told it once, so a later sync that
 * succeeds proves nothing (PostgreSQL's "fsyncgate", 2018). What was not flushed is unknown for
 * ever: `flushed` never moves again, nothing more is synced, the store takes no more puts, and the
 * abort file stays, so that the next start looks at what is really there. */
#ifndef MODEL_STORE_FLUSH_H
#define MODEL_STORE_FLUSH_H

#include "model/store/segments.h"

struct store;

struct flush {
    struct segments_sync sync; /* under way when sync.segments is set */
    bool failed;
    struct env_timer timer; /* async: the next look. sync: when the oldest put is given up */
    uint64_t thorough_ns;   /* of the last thorough flush */
    uint64_t begun_ns;      /* of the sync under way */
    int64_t covers_ms;      /* store time of the last record in it */
};

/* `written` has moved. */
void flush_on_written(struct store *store);
/* Puts wait for a flush: they are given up in time. */
void flush_watch(struct store *store);
/* Flushes what is written, now; store_on_quiet follows when that has ended. Nothing to do: false.
 */
bool flush_all(struct store *store);
/* A sync of the log failed (above). */
void flush_fail(struct store *store, int err);
void flush_stop(struct store *store);

#endif
