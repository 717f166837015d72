/* store/consume_queue.c - units of one queue in memory and in views; see consume_queue.h. Writing
 * and flushing are queues.c's. */
#include "model/store/consume_queue.h"

#include "model/store/queues.h"
#include "model/wire/message_bytes.h"

void queue_unit_decode(const uint8_t *bytes, struct queue_unit *out) {
    out->physical = bytes_i64(bytes);
    out->size = bytes_i32(bytes + 8);
    out->tags_code = bytes_i64(bytes + 12);
}

static void unit_encode(uint8_t *bytes, const struct queue_unit *unit) {
    bytes_put_i64(bytes, unit->physical);
    bytes_put_i32(bytes + 8, unit->size);
    bytes_put_i64(bytes + 12, unit->tags_code);
}

static uint64_t unit_position(int64_t offset) {
    return (uint64_t)offset * QUEUE_UNIT_BYTES;
}

int queue_fill_blank(struct consume_queue *queue, int64_t from, int64_t to) {
    RMQ_ASSERT(queue->segments.count == 0 && queue->pending.len == 0 && from <= to);
    struct buf *pending = &queue->pending;
    uint8_t *units = buf_extend(pending, (size_t)(to - from) * QUEUE_UNIT_BYTES);
    if (units == NULL && to > from) {
        buf_clear(pending);
        return RMQ_E_NOMEM;
    }
    const struct queue_unit blank = {0, INT32_MAX, 0};
    for (int64_t at = from; at < to; at++) {
        unit_encode(units + (at - from) * QUEUE_UNIT_BYTES, &blank);
    }
    queue->pending_from = unit_position(from);
    queue->written.len = 0;
    queue->written_from = queue->pending_from;
    queue->min_offset = queue->end_offset = to;
    return RMQ_OK;
}

bool queue_is_new(const struct consume_queue *queue) {
    return queue->segments.count == 0 && queue->pending.len == 0 && !env_file_op_active(&queue->op);
}

/* The first unit begins in the file that holds its offset (6.3), whatever recovery kept as the end
 * of a queue that lost all of its units. */
static int begin_at(struct consume_queue *queue, int64_t offset) {
    int64_t per_file = (int64_t)queue->queues->units_per_file;
    return queue_fill_blank(queue, offset - offset % per_file, offset);
}

static bool is_elsewhere(struct consume_queue *queue, int64_t queue_offset) {
    bool elsewhere = queue_offset != 0 && queue_offset != queue->end_offset;
    if (elsewhere && queue_offset > queue->end_offset) {
        env_log(queue->queues->env, ENV_LOG_ERROR, "queue %.*s/%d is at %lld, a message says %lld",
                (int)queue->topic_len, (const char *)queue->key + 4, (int)queue->id,
                (long long)queue->end_offset, (long long)queue_offset);
    }
    return elsewhere;
}

int queue_append(struct consume_queue *queue, int64_t queue_offset, const struct queue_unit *unit) {
    RMQ_ASSERT(unit->size > 0 && unit->physical >= 0);
    if (unit->physical + unit->size <= queue->max_physical) {
        return RMQ_OK;
    }
    if (queue_is_new(queue)) {
        int status = begin_at(queue, queue_offset);
        if (status != RMQ_OK) {
            return status;
        }
    } else if (is_elsewhere(queue, queue_offset) && queue_offset < queue->end_offset) {
        return RMQ_OK; /* a duplicate */
    }
    uint8_t *bytes = buf_extend(&queue->pending, QUEUE_UNIT_BYTES);
    if (bytes == NULL) {
        queue->pending.failed = false; /* its content is whole: the next try may find memory */
        return RMQ_E_NOMEM;
    }
    unit_encode(bytes, unit);
    queue->end_offset++;
    queue->max_physical = unit->physical + unit->size;
    queues_appended(queue->queues, queue);
    return RMQ_OK;
}

void queue_spoil_last(struct consume_queue *queue, const struct queue_unit *unit) {
    RMQ_ASSERT(queue->pending.len >= QUEUE_UNIT_BYTES);
    unit_encode(queue->pending.data + queue->pending.len - QUEUE_UNIT_BYTES, unit);
}

/* Part of [position, end of `from` + bytes) that is in memory. */
static bool in_memory(const struct buf *bytes, uint64_t from, uint64_t position, size_t len,
                      struct span *out) {
    if (position < from || position >= from + bytes->len) {
        return false;
    }
    size_t left = (size_t)(from + bytes->len - position);
    *out = span_of(bytes->data + (position - from), len < left ? len : left);
    return true;
}

int queue_view(const struct consume_queue *queue, int64_t offset, uint32_t count,
               struct span *out) {
    if (offset < 0 || offset >= queue->end_offset || count == 0) {
        return RMQ_E_RANGE;
    }
    uint64_t position = unit_position(offset);
    uint64_t per_file = queue->queues->units_per_file;
    uint64_t to_file_end = per_file - (uint64_t)offset % per_file;
    uint64_t to_end = (uint64_t)(queue->end_offset - offset);
    uint64_t units = count;
    units = units < to_file_end ? units : to_file_end;
    units = units < to_end ? units : to_end;
    size_t len = (size_t)units * QUEUE_UNIT_BYTES;
    if (in_memory(&queue->pending, queue->pending_from, position, len, out) ||
        in_memory(&queue->written, queue->written_from, position, len, out)) {
        return RMQ_OK;
    }
    if (position + len > queue->written_from) {
        len = (size_t)(queue->written_from - position); /* the rest is in memory */
    }
    int status = segments_view(&queue->segments, position, len, out);
    if (status == RMQ_OK) {
        out->len -= out->len % QUEUE_UNIT_BYTES;
        if (out->len == 0) { /* a unit over two pages, the second not resident */
            status = RMQ_E_AGAIN;
        }
    }
    return status;
}

int queue_unit_at(const struct consume_queue *queue, int64_t offset, struct queue_unit *out) {
    struct span bytes;
    int status = queue_view(queue, offset, 1, &bytes);
    if (status == RMQ_OK) {
        queue_unit_decode(bytes.data, out);
    }
    return status;
}
