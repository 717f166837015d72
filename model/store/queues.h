/* store/queues.h - all consume queues of a store, by topic and id, and what happens to all of them:
 * loading, recovery, writing, flushing, trimming.
 *
 * What the rest of the store calls is in store_internal.h. Order, wherever there is one: topic by
 * bytes, then id. */
#ifndef MODEL_STORE_QUEUES_H
#define MODEL_STORE_QUEUES_H

#include "model/store/consume_queue.h"
#include "model/store/dir_sync.h"
#include "model/store/reads.h"
#include "model/store/store_internal.h"

/* A walk over all queues, one at a time, that may read: recovery, settling, trimming. */
struct queues_walk {
    store_step_fn *done; /* NULL: none is under way */
    void (*step)(struct queues *queues);
    uint32_t index; /* of the queue at hand */
    uint32_t phase;
    int64_t physical; /* where messages are cut off, or begin */
    bool zero_tail, skip_known;
    int64_t at;  /* offset of the next unit to look at */
    int64_t low; /* recovery: where looking began; else: the search's bounds */
    int64_t high;
    int64_t max_physical;
    struct env_timer timer; /* the queue at hand was deleted: the step runs again */
    struct read_job *job;
    struct buf read; /* units that were not resident, from read_offset on */
    int64_t read_offset;
};

/* Queues that are synced at a time: with 40,000 of them a round takes a third of the time, since
 * file systems put what is asked for together into one journal write. */
#define QUEUE_SYNCS 4
struct queue_sync {
    struct queues *queues;
    struct consume_queue *queue; /* NULL: not in use */
    struct segments_sync sync;
};

struct queues {
    struct store *store;
    struct env *env;
    struct reads reads; /* of the whole store */
    uint64_t hash_key;
    uint64_t units_per_file;
    struct consume_queue *table;
    struct consume_queue *last;   /* found: mostly the one that is wanted next; or NULL */
    struct consume_queue **items; /* in order */
    uint32_t count, capacity;
    struct list write_list;
    struct list flush_list;
    uint32_t writing;      /* writes under way */
    int64_t dispatched_ms; /* store time of the last message that got its unit */
    /* A write or the creation of a file failed: dispatch waits, all is tried again each second;
     * after 30 times the store is not writable until it works (13). Differs: Apache gives the unit
     * up then, which leaves a hole, and stays unwritable until a restart. */
    uint32_t failures;
    struct env_timer retry_timer;
    /* Flush (12.4). */
    struct env_timer flush_timer;
    uint64_t thorough_ns; /* when the last thorough round began */
    bool due;             /* a queue has enough for a round that is not thorough */
    bool round_active, round_thorough;
    bool sync_failed; /* what is durable is unknown until the next start: the checkpoint stays */
    struct queue_sync syncs[QUEUE_SYNCS];
    int64_t round_ms;        /* store time that a thorough round makes durable */
    uint64_t round_physical; /* units of messages before it are durable when that round ends */
    uint64_t durable;        /* and are, since the last such round */
    store_step_fn *flushed;  /* of queues_flush_all */
    struct dir_sync *names;  /* of a queue whose files went; NULL until there is one */
    struct queues_walk walk; /* queue_recover.c, queue_trim.c */
};

/* Forgets all gets and lookups under way; before a store is freed. */
void store_reads_cancel(struct store *store);

/* NULL when there is none. */
struct consume_queue *queues_find(struct queues *queues, struct span topic, int32_t id);
/* The queue, made in memory when there is none; NULL without memory. */
struct consume_queue *queues_get(struct queues *queues, struct span topic, int32_t id);
/* Deletes it with its files; gets of it that read end with GET_FAILED. */
void queues_delete(struct queues *queues, struct consume_queue *queue);

/* The queue got units: they will be written and flushed. */
void queues_appended(struct queues *queues, struct consume_queue *queue);
/* Writes what was appended since the last call. */
void queues_write(struct queues *queues);
/* False while units wait for a disk that fails: nothing more is dispatched. */
static inline bool queues_ready(const struct queues *queues) {
    return queues->failures == 0;
}
/* All units are in the OS cache. */
static inline bool queues_are_quiet(const struct queues *queues) {
    return queues->writing == 0 && list_is_empty(&queues->write_list);
}
/* After recovery and dispatch: min offsets, next offsets. `done` may come before it returns, here
 * and below. */
void queues_settle(struct queues *queues, store_step_fn *done);
/* The log now begins at `physical`: drops files below it and corrects min offsets (16.4). */
void queues_trim(struct queues *queues, int64_t physical, store_step_fn *done);

/* ---- between the files of this module ---- */
/* Units of all messages before it are durable. After a failed sync it stays where it is. */
uint64_t queues_durable(const struct queues *queues);
/* Begins a thorough round, or one is under way: queues_durable() moves when it ends. False: it
 * can't move before the next start, or before the disk takes units again. */
bool queues_flush_now(struct queues *queues);
/* Units of `queue` are written (NULL: it is gone): a round that waits for it goes on, or a timer
 * starts. */
void queues_flush_kick(struct queues *queues, struct consume_queue *queue);
/* Directory of a queue; `parts` 0: consumequeue, 1: with topic, 2: with id. Returns its length. */
size_t queue_path(const struct consume_queue *queue, unsigned parts, char out[ENV_PATH_MAX]);
/* Opens a queue that was found but not loaded: positions as segments_load leaves them. */
int queues_open(struct queues *queues, struct consume_queue *queue) RMQ_CHECK_RESULT;
/* Opens each queue and finds its end (6.6), cuts off units of messages at or behind physical offset
 * `cut` (6.7) and, with zero_tail, zeroes what is left behind the end in its file; with skip_known,
 * queues that an earlier call found to end before the cut stay as they are. */
void queues_find_ends(struct queues *queues, int64_t cut, bool zero_tail, bool skip_known,
                      store_step_fn *done);
/* Starts a walk at the first queue. */
void queues_walk_start(struct queues *queues, void (*step)(struct queues *queues),
                       store_step_fn *done);
/* Makes it durable that files of the queue at hand went, before more go (a gap) and before the
 * checkpoint moves (they would come back behind it); the step runs again. */
void queues_walk_names(struct queues *queues);
/* Ends it. */
void queues_walk_end(struct queues *queues, int status);
/* The queue at index `place` was deleted. */
void queues_walk_deleted(struct queues *queues, uint32_t place);
/* Units of the queue at hand from `offset` on, as queue_view; RMQ_E_AGAIN: they are being read, and
 * the step runs again. */
int queues_walk_view(struct queues *queues, int64_t offset, uint32_t count,
                     struct span *out) RMQ_CHECK_RESULT;

#endif
