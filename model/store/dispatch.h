/* store/dispatch.h - gives each record of the commit log to its consume queue, the index and those
 * who wait for messages (store.md 13).
 *
 * Works as soon as the log's limit moves, in slices: a long way (a rebuild) leaves the handler
 * between them. A record of which a page is not resident, an index page that is being read, a
 * queue that cannot be written: all make it wait, and dispatch_kick goes on. */
#ifndef MODEL_STORE_DISPATCH_H
#define MODEL_STORE_DISPATCH_H

#include "model/store/reads.h"

struct store;
typedef void dispatch_fn(struct store *store, int status);

struct dispatch {
    struct store *store;
    int64_t at;         /* next record */
    int64_t queue_from; /* records before it are indexed only */
    int64_t index_from; /* records before it get a unit only */
    bool started, live; /* live: arrivals are told */
    bool running;
    bool unit_done;        /* the record at `at` has its unit, only the index waits */
    uint64_t count;        /* of units, for plants */
    int64_t last_physical; /* for plants */
    int32_t last_size;
    uint64_t dispatched; /* records since the start */
    struct read_job *job;
    struct buf record; /* that was read because it was not resident */
    bool has_record;
    struct env_timer timer; /* next slice */
    dispatch_fn *done;      /* of dispatch_open or dispatch_drain */
};

void dispatch_init(struct dispatch *dispatch, struct store *store);
void dispatch_deinit(struct dispatch *dispatch);
/* After recovery: dispatches from min(queue_from, index_from) up to the log's end, then `done`
 * (may come before it returns). From then on arrivals are told. */
void dispatch_open(struct dispatch *dispatch, int64_t queue_from, int64_t index_from,
                   dispatch_fn *done);
/* The limit has moved, or what it waited for has come. */
void dispatch_kick(struct dispatch *dispatch);
/* `done` when all up to the limit is dispatched (at once when it is). */
void dispatch_drain(struct dispatch *dispatch, dispatch_fn *done);

#endif
