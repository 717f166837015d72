/* store/queue_trim.c - the front end of queues: files below the log's first byte go, and the min
 * offset is that of the first unit whose message is still there (store.md 6.5, 16.4).
 *
 * Differs: Apache looks in the first file only; here the min offset of a queue all of whose
 * messages have gone is its max offset. */
#include "model/store/queues.h"

#include "model/events.h"

enum { PHASE_BEGIN, PHASE_DROP, PHASE_SEARCH };

/* One unit of the queue at hand. */
static int unit_at(struct queues *queues, int64_t offset, struct queue_unit *out) {
    struct span bytes;
    int status = queues_walk_view(queues, offset, 1, &bytes);
    if (status == RMQ_OK) {
        queue_unit_decode(bytes.data, out);
    }
    return status;
}

/* Leading files, never the last, whose last message is below the log (16.4). */
static int drop_files(struct queues *queues, struct consume_queue *queue) {
    struct segments *segments = &queue->segments;
    int64_t per_file = (int64_t)queues->units_per_file;
    while (segments->count > 1) {
        struct queue_unit last;
        uint64_t from = segments_min(segments);
        int status = unit_at(queues, (int64_t)(from / QUEUE_UNIT_BYTES) + per_file - 1, &last);
        if (status != RMQ_OK) {
            return status;
        }
        uint64_t end = from + segments->file_bytes;
        if (last.physical >= queues->walk.physical || segments->flushed < end ||
            reads_touch(&queues->reads, segments, from, end)) {
            break;
        }
        status = segments_drop_first(segments);
        if (status != RMQ_OK) {
            return status;
        }
        queues_walk_names(queues);
        return RMQ_E_AGAIN;
    }
    return RMQ_OK;
}

/* Binary search between walk->low and ->high; blank units are below everything. */
static int search_min(struct queues *queues) {
    struct queues_walk *walk = &queues->walk;
    while (walk->low < walk->high) {
        int64_t middle = walk->low + (walk->high - walk->low) / 2;
        struct queue_unit unit;
        int status = unit_at(queues, middle, &unit);
        if (status != RMQ_OK) {
            return status;
        }
        if (queue_unit_is_blank(&unit) || unit.physical < walk->physical) {
            walk->low = middle + 1;
        } else {
            walk->high = middle;
        }
    }
    return RMQ_OK;
}

static void begin_search(struct queues *queues, struct consume_queue *queue) {
    struct queues_walk *walk = &queues->walk;
    int64_t first = queue->segments.count > 0
                        ? (int64_t)(segments_min(&queue->segments) / QUEUE_UNIT_BYTES)
                        : (int64_t)(queue->written_from / QUEUE_UNIT_BYTES);
    walk->low = queue->min_offset > first ? queue->min_offset : first;
    walk->high = queue->end_offset;
    if (walk->low > walk->high) {
        walk->low = walk->high;
    }
    walk->phase = PHASE_SEARCH;
}

static int trim_queue(struct queues *queues, struct consume_queue *queue) {
    struct queues_walk *walk = &queues->walk;
    if (walk->phase == PHASE_BEGIN) {
        buf_clear(&walk->read); /* of another queue */
        walk->phase = PHASE_DROP;
    }
    if (walk->phase == PHASE_DROP) {
        int status = drop_files(queues, queue);
        if (status != RMQ_OK) {
            return status;
        }
        begin_search(queues, queue);
    }
    int status = search_min(queues);
    if (status == RMQ_OK && walk->low != queue->min_offset) {
        queue->min_offset = walk->low;
        if (queues->store->state != STORE_LOADING) {
            event_store_queue_trimmed(queues->env, queue_topic(queue), (uint64_t)queue->id,
                                      queue->min_offset);
        }
    }
    return status;
}

static void trim_step(struct queues *queues) {
    struct queues_walk *walk = &queues->walk;
    while (walk->index < queues->count) {
        int status = trim_queue(queues, queues->items[walk->index]);
        if (status == RMQ_E_AGAIN) {
            return;
        }
        if (status != RMQ_OK) {
            queues_walk_end(queues, status);
            return;
        }
        walk->index++;
        walk->phase = PHASE_BEGIN;
    }
    queues_walk_end(queues, RMQ_OK);
}

void queues_trim(struct queues *queues, int64_t physical, store_step_fn *done) {
    queues->walk.physical = physical;
    queues_walk_start(queues, trim_step, done);
}

/* A queue that lost all its units but had files: its offsets are not given out again. Blank units
 * up to its end say so to the next start (6.3). */
static int keep_end(struct queues *queues, struct consume_queue *queue) {
    if (!queue_is_new(queue) || queue->end_offset == 0) {
        return RMQ_OK;
    }
    int64_t per_file = (int64_t)queues->units_per_file, end = queue->end_offset;
    int status = queue_fill_blank(queue, (end - 1) - (end - 1) % per_file, end);
    if (status == RMQ_OK) {
        queues_appended(queues, queue);
    }
    return status;
}

void queues_settle(struct queues *queues, store_step_fn *done) {
    for (uint32_t i = 0; i < queues->count; i++) {
        struct consume_queue *queue = queues->items[i];
        int status = keep_end(queues, queue);
        if (status != RMQ_OK) {
            done(queues->store, status);
            return;
        }
        queue->min_offset = 0;
    }
    queues_write(queues);
    queues_trim(queues, (int64_t)commit_log_min(&queues->store->log), done);
}
