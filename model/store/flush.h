/* store/flush.h - when written records become durable (store.md 12).
 *
 * Sync: a sync starts with the first written record, one at a time; all that was written at its
 * start shares it. Async: a timer runs while something is written and not flushed.
 *
 * A failed sync: the kernel may have dropped the pages and reported it once, so a later sync that
 * succeeds proves nothing (the PostgreSQL "fsyncgate" of 2018). `flushed` then never moves again,
 * no further sync is tried, the store takes no more puts, and the abort file stays. */
#ifndef MODEL_STORE_FLUSH_H
#define MODEL_STORE_FLUSH_H

#include "model/store/segments.h"

struct store;

struct flush {
    struct segments_sync sync;
    bool syncing, failed;
    struct env_timer timer;   /* async: the next look. sync: when the oldest put is given up */
    uint64_t thorough_ns;     /* of the last thorough flush */
    uint64_t begun_ns;        /* of the sync under way */
    int64_t begun_written_ms; /* store time of the last record that it covers */
    void (*idle)(struct store *store); /* called when a sync has ended, at the clean stop */
};

/* `written` has moved. */
void flush_on_written(struct store *store);
/* Flushes whatever is not, now; at the clean stop. store->flush.idle is called at the end of it, or
 * at once when there is nothing. */
void flush_all(struct store *store, void (*idle)(struct store *store));
/* Stops the timer. */
void flush_stop(struct store *store);

#endif
