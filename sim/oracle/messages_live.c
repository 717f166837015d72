/* sim/oracle/messages_live.c - entries of messages under way: open addressing by number, in place,
 * removed by closing the gap. Before the table grows, what is settled by a commit goes. */
#include "sim/oracle/messages_internal.h"

#include "model/base/check.h"

/* No send waits that long for its answers. */
#define UNANSWERED_NS (300 * UINT64_C(1000000000))

static size_t home_of(size_t capacity, uint64_t number) {
    return (size_t)((number * 0x9e3779b97f4a7c15ULL) >> 32) & (capacity - 1);
}

static struct message_entry *slot_of(struct message_entry *live, size_t capacity, uint64_t number) {
    size_t at = home_of(capacity, number);
    while (live[at].number != 0 && live[at].number != number)
        at = (at + 1) & (capacity - 1);
    return &live[at];
}

struct message_entry *messages_live_get(const struct messages *messages, uint64_t number) {
    if (messages->live_capacity == 0 || number == 0)
        return NULL;
    struct message_entry *message = slot_of(messages->live, messages->live_capacity, number);
    return message->number == 0 ? NULL : message;
}

const struct message_entry *messages_find(const struct messages *messages, uint64_t number) {
    return messages_live_get(messages, number);
}

void messages_live_drop(struct messages *messages, struct message_entry *message) {
    size_t mask = messages->live_capacity - 1;
    size_t gap = (size_t)(message - messages->live);
    for (size_t at = (gap + 1) & mask; messages->live[at].number != 0; at = (at + 1) & mask) {
        size_t home = home_of(messages->live_capacity, messages->live[at].number);
        if (((at - home) & mask) < ((at - gap) & mask))
            continue;
        messages->live[gap] = messages->live[at];
        gap = at;
    }
    messages->live[gap].number = 0;
    messages->live_count--;
}

bool messages_is_settled(const struct messages *messages, const struct message_entry *message) {
    const struct message_topic *topic = messages_topic(messages, message->topic);
    if (message->acked_ns == 0 || topic == NULL)
        return false;
    uint64_t all = topic->group_count >= 64 ? UINT64_MAX : (UINT64_C(1) << topic->group_count) - 1;
    return (message->delivered & all) == all;
}

/* Has the group nothing more to do with it: it passed it, or never wanted it? */
static bool is_passed(const struct messages *messages, const struct message_entry *message,
                      uint32_t group) {
    const struct message_queue *queue = messages->queues[message->queue - 1];
    const struct group_queue *progress = messages_progress(messages, group, queue);
    return message->offset < queue->min ||
           (progress != NULL &&
            (message->offset < progress->progress || message->offset < progress->floor));
}

static bool is_over(const struct messages *messages, const struct message_entry *message) {
    const struct message_topic *topic = messages_topic(messages, message->topic);
    if (message->acked_ns == 0) /* its client ended */
        return message->started_ns + UNANSWERED_NS < messages->host.cluster->now_ns;
    if (message->queue == 0 || topic == NULL)
        return false;
    for (size_t i = 0; i < topic->group_count && i < 64; i++)
        if ((message->delivered >> i & 1) == 0 && !is_passed(messages, message, topic->groups[i]))
            return false;
    return true;
}

/* A new table of `capacity` with what is not over. */
static bool rebuild(struct messages *messages, size_t capacity) {
    struct message_entry *live = messages_alloc(messages, capacity * sizeof *live);
    if (live == NULL)
        return false;
    size_t count = 0;
    for (size_t i = 0; i < messages->live_capacity; i++) {
        const struct message_entry *message = &messages->live[i];
        if (message->number == 0 || is_over(messages, message))
            continue;
        *slot_of(live, capacity, message->number) = *message;
        count++;
    }
    messages->host.free(messages->host.ctx, messages->live);
    messages->live = live;
    messages->live_capacity = capacity;
    messages->live_count = count;
    return true;
}

/* Grows only when sweeping leaves it more than a quarter full. */
static bool make_room(struct messages *messages) {
    size_t capacity = messages->live_capacity;
    if (messages->live_count * 2 < capacity)
        return true;
    if (capacity == 0)
        return rebuild(messages, 256);
    return rebuild(messages, capacity) &&
           (messages->live_count * 4 < capacity || rebuild(messages, capacity * 2));
}

struct message_entry *messages_live_put(struct messages *messages, uint64_t number) {
    if (number == 0 || !make_room(messages))
        return NULL;
    struct message_entry *message = slot_of(messages->live, messages->live_capacity, number);
    messages->live_count += message->number == 0;
    *message = (struct message_entry){.number = number};
    return message;
}
