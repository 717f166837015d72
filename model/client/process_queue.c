/* client/process_queue.c - the ring. */
#include "model/client/process_queue.h"

#include "model/base/check.h"
#include "model/env.h"

#define SLOTS_MIN 32

void process_queue_init(struct process_queue *queue, struct env *env) {
    *queue = (struct process_queue){.env = env, .max_offset = -1};
}

void process_queue_deinit(struct process_queue *queue) {
    env_free(queue->env, queue->slots);
    process_queue_init(queue, queue->env);
}

void process_queue_clear(struct process_queue *queue) {
    queue->head = queue->len = queue->count = 0;
    queue->bytes = 0;
    queue->max_offset = -1;
}

static struct process_slot *slot_at(const struct process_queue *queue, size_t index) {
    return &queue->slots[(queue->head + index) & (queue->capacity - 1)];
}

int process_queue_reserve(struct process_queue *queue, size_t count) {
    size_t capacity = queue->capacity == 0 ? SLOTS_MIN : queue->capacity;
    while (capacity < queue->len + count)
        capacity *= 2;
    if (capacity == queue->capacity)
        return RMQ_OK;
    struct process_slot *slots = env_alloc(queue->env, capacity * sizeof *slots);
    if (slots == NULL)
        return RMQ_E_NOMEM;
    for (size_t i = 0; i < queue->len; i++)
        slots[i] = *slot_at(queue, i);
    env_free(queue->env, queue->slots);
    queue->slots = slots;
    queue->capacity = capacity;
    queue->head = 0;
    return RMQ_OK;
}

/* Index of the first slot at or above `offset`, perhaps len. Without gaps it is a subtraction. */
static size_t find(const struct process_queue *queue, int64_t offset) {
    size_t low = 0, high = queue->len;
    if (high > 0 && offset > slot_at(queue, high - 1)->offset)
        return high;
    if (high > 0 && offset >= slot_at(queue, 0)->offset) {
        uint64_t guess = (uint64_t)offset - (uint64_t)slot_at(queue, 0)->offset;
        if (guess < high && slot_at(queue, (size_t)guess)->offset == offset)
            return (size_t)guess;
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (slot_at(queue, middle)->offset < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Only an answer out of order needs to shift. */
static void insert(struct process_queue *queue, size_t at, int64_t offset, uint32_t bytes) {
    RMQ_ASSERT(queue->len < queue->capacity);
    queue->len++;
    for (size_t i = queue->len - 1; i > at; i--)
        *slot_at(queue, i) = *slot_at(queue, i - 1);
    *slot_at(queue, at) = (struct process_slot){.offset = offset, .bytes = bytes};
}

void process_queue_put(struct process_queue *queue, int64_t offset, uint32_t bytes) {
    size_t at = find(queue, offset);
    if (at == queue->len || slot_at(queue, at)->offset != offset) {
        insert(queue, at, offset, bytes);
    } else {
        struct process_slot *slot = slot_at(queue, at);
        if (!slot->done)
            return;
        slot->done = false;
        slot->bytes = bytes;
    }
    queue->count++;
    queue->bytes += bytes;
    if (offset > queue->max_offset)
        queue->max_offset = offset;
}

void process_queue_finish(struct process_queue *queue, int64_t offset) {
    size_t at = find(queue, offset);
    if (at == queue->len)
        return;
    struct process_slot *slot = slot_at(queue, at);
    if (slot->offset != offset || slot->done)
        return;
    slot->done = true;
    RMQ_ASSERT(queue->count > 0 && queue->bytes >= slot->bytes);
    queue->count--;
    queue->bytes -= slot->bytes;
    while (queue->len > 0 && slot_at(queue, 0)->done) {
        queue->head = (queue->head + 1) & (queue->capacity - 1);
        queue->len--;
    }
    while (queue->len > 0 && slot_at(queue, queue->len - 1)->done)
        queue->len--;
    RMQ_ASSERT((queue->len == 0) == (queue->count == 0)); /* Q1, Q2 */
}

int64_t process_queue_progress(const struct process_queue *queue) {
    if (queue->len > 0)
        return slot_at(queue, 0)->offset;
    return queue->max_offset < 0 ? -1 : queue->max_offset + 1;
}

uint64_t process_queue_span(const struct process_queue *queue) {
    if (queue->len == 0)
        return 0;
    return (uint64_t)slot_at(queue, queue->len - 1)->offset - (uint64_t)slot_at(queue, 0)->offset;
}
