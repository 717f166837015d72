/* store/queues.h - all consume queues of a store, by topic and id, and what happens to all of them:
 * loading, recovery, writing, flushing, trimming.
 *
 * Order, wherever there is one: topic by bytes, then id. */
#ifndef MODEL_STORE_QUEUES_H
#define MODEL_STORE_QUEUES_H

#include "model/store/consume_queue.h"
#include "model/store/reads.h"

struct store;
typedef void queues_fn(struct store *store, int status);

struct queues {
    struct store *store;
    struct env *env;
    uint64_t hash_key;
    struct consume_queue *table;
    struct consume_queue **items; /* in order */
    uint32_t count, capacity;
    struct list write_list; /* queues with pending units */
    struct list flush_list; /* queues that are dirty */
    /* A write or the creation of a file failed: dispatch waits, all is tried again each second;
     * after 30 times the store is not writable until it works (13). */
    uint32_t failures;
    struct env_timer retry_timer;
    /* Flush (12.4). */
    struct env_timer flush_timer;
    uint64_t thorough_ns;       /* of the last thorough round */
    bool round, round_thorough; /* under way */
    bool sync_failed;           /* what is durable is unknown until the next start: logics frozen */
    struct consume_queue *syncing;
    struct segments_sync sync;
    struct env_file_op dir_op;
    uint32_t dir_step;
    int64_t round_ms;   /* store time that the round makes durable */
    queues_fn *flushed; /* of queues_flush_all */
    /* Recovery and trimming: one walk over all queues. */
    struct {
        uint32_t index;
        int64_t cut;
        uint64_t position;
        int64_t low, high;
        bool deleted;
        queues_fn *done;
    } walk;
    struct env_timer walk_timer;
    int64_t last_dispatched_ms; /* store time of the last message that got its unit */
};

void queues_init(struct queues *queues, struct store *store);
void queues_deinit(struct queues *queues);

/* Opens all directories below <root>/consumequeue. RMQ_E_INVALID (a file of a wrong size, logged),
 * RMQ_E_NOMEM, RMQ_E_IO. */
int queues_load(struct queues *queues) RMQ_CHECK_RESULT;
/* Finds the end of each queue (6.6) and cuts off units of messages at or behind physical offset
 * `cut` (6.7). `done` may come before it returns. */
void queues_recover(struct queues *queues, int64_t cut, queues_fn *done);
/* End of the last message of any queue; -1 without one. */
int64_t queues_max_physical(const struct queues *queues);
/* After recovery and dispatch: next_offset and min_offset of all queues; an event for each. */
void queues_settle(struct queues *queues, queues_fn *done);
/* The log now begins at `min_physical`: drops files below it and corrects min offsets (16.4). */
void queues_trim(struct queues *queues, int64_t min_physical, queues_fn *done);

/* NULL when there is none. */
struct consume_queue *queues_find(const struct queues *queues, struct span topic, int32_t id);
/* The queue, made in memory when there is none; NULL without memory. */
struct consume_queue *queues_get(struct queues *queues, struct span topic, int32_t id);
/* Deletes it with its files. */
void queues_delete(struct queues *queues, struct consume_queue *queue);

/* Writes what was appended since the last call. */
void queues_write(struct queues *queues);
/* False while units wait for a disk that fails: nothing more is dispatched. */
static inline bool queues_ready(const struct queues *queues) {
    return queues->failures == 0;
}
/* Everything durable, then `done` (RMQ_OK, or what failed: keep `abort`). For a clean stop. */
void queues_flush_all(struct queues *queues, queues_fn *done);

#endif
