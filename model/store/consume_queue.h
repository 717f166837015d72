/* store/consume_queue.h - one queue: 20-byte units (physical offset, record length, tags code) in
 * segments (store.md 6).
 *
 * Appended units are readable at once, from memory; they go to the file in runs, one write at a
 * time. Nothing exists on disk before the first unit is written, and a file is created together
 * with its first unit. Queue offsets count units. */
#ifndef MODEL_STORE_CONSUME_QUEUE_H
#define MODEL_STORE_CONSUME_QUEUE_H

#include "model/base/buf.h"
#include "model/base/map.h"
#include "model/store/segments.h"

#define QUEUE_UNIT_BYTES 20
#define QUEUE_KEY_MAX (4 + 256)

struct queue_unit {
    int64_t physical;
    int32_t size;
    int64_t tags_code;
};

struct queues;
struct consume_queue {
    UT_hash_handle hh;
    bool map_failed;
    struct queues *queues;
    struct segments segments; /* not loaded before the first unit: dir is "" */
    int64_t next_offset;      /* of the next put; the commit log's */
    int64_t min_offset;
    int64_t end_offset;       /* of the next unit: max offset */
    int64_t max_physical;     /* end of the last unit's message; -1 without one */
    int64_t recovered_offset; /* end_offset when the store opened; 0: came later */
    /* Units from pending_from on, not yet given to a write; before them those of the last write,
     * under way or done. Byte positions. */
    struct buf pending, written;
    uint64_t pending_from, written_from;
    struct env_file_op op;  /* of the write (or zeroing) under way */
    bool failed;            /* the last write failed and is to be repeated */
    struct list write_link; /* in write_list: pending or failed, and no write under way */
    struct list flush_link; /* in flush_list: not all of it is durable */
    uint64_t flush_target;  /* byte that the round under way makes durable */
    uint32_t rebuilt;       /* units appended while the store opens */
    int32_t id;
    uint16_t topic_len;
    uint8_t key[]; /* id (4 bytes), topic */
};

static inline struct span queue_topic(const struct consume_queue *queue) {
    return span_of(queue->key + 4, queue->topic_len);
}

/* Appends the unit of the message with queue offset `queue_offset` (6.4): RMQ_OK also when it is
 * there already. RMQ_E_NOMEM. */
int queue_append(struct consume_queue *queue, int64_t queue_offset,
                 const struct queue_unit *unit) RMQ_CHECK_RESULT;

/* Nothing was ever appended, or all of it was cut off. */
bool queue_is_new(const struct consume_queue *queue);
/* Gives a new queue blank units [from, to) (6.3); the next offset is `to`. They go to disk with the
 * first unit. RMQ_E_NOMEM. */
int queue_fill_blank(struct consume_queue *queue, int64_t from, int64_t to) RMQ_CHECK_RESULT;

/* A planted bug: the unit that was appended just now becomes `unit`. */
void queue_spoil_last(struct consume_queue *queue, const struct queue_unit *unit);

void queue_unit_decode(const uint8_t *bytes, struct queue_unit *out);
/* Bytes of at most `count` units from `offset` on, inside one file, at least one unit.
 * RMQ_E_RANGE: there is none; RMQ_E_AGAIN: use reads_start on `segments`. */
int queue_view(const struct consume_queue *queue, int64_t offset, uint32_t count,
               struct span *out) RMQ_CHECK_RESULT;
/* One unit, as queue_view. */
int queue_unit_at(const struct consume_queue *queue, int64_t offset,
                  struct queue_unit *out) RMQ_CHECK_RESULT;
/* A blank unit (6.3). */
static inline bool queue_unit_is_blank(const struct queue_unit *unit) {
    return unit->physical == 0 && unit->size == INT32_MAX;
}

#endif
