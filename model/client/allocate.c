/* client/allocate.c - the strategies.
 *
 * Source: client.md 16; AllocateMessageQueueAveragely.java and its neighbours,
 * ConsistentHashRouter.java. */
#include "model/client/allocate.h"

#include <nettle/md5.h>

#include "model/base/buf.h"
#include "model/base/check.h"
#include "model/base/sort.h"
#include "model/env.h"

int topic_queue_compare(const struct topic_queue *a, const struct topic_queue *b) {
    int order = span_compare(a->topic, b->topic);
    if (order == 0)
        order = span_compare(a->broker_name, b->broker_name);
    if (order == 0)
        order = (a->id > b->id) - (a->id < b->id);
    return order;
}

static int compare_queues(const void *a, const void *b, void *ctx) {
    (void)ctx;
    return topic_queue_compare(a, b);
}

static int compare_members(const void *a, const void *b, void *ctx) {
    (void)ctx;
    return span_compare(*(const struct span *)a, *(const struct span *)b);
}

int allocate_sort_queues(struct env *env, struct topic_queue *queues, size_t count) {
    return sort_stable(env, queues, count, sizeof *queues, compare_queues, NULL);
}

int allocate_sort_members(struct env *env, struct span *members, size_t count) {
    return sort_stable(env, members, count, sizeof *members, compare_members, NULL);
}

/* ---- averagely, by circle, by machine room --------------------------------------------------- */

static void averagely(const struct allocation *input, size_t index, bool *mine) {
    size_t queues = input->queue_count, members = input->member_count;
    size_t more = queues % members; /* so many members take one more */
    size_t size = queues <= members ? 1 : queues / members + (index < more);
    size_t start = more > 0 && index < more ? index * size : index * size + more;
    for (size_t i = start; i < start + size && i < queues; i++)
        mine[i] = true;
}

static void by_circle(const struct allocation *input, size_t index, bool *mine) {
    for (size_t i = index; i < input->queue_count; i += input->member_count)
        mine[i] = true;
}

/* Is the queue's broker named "room@name", room being one of `rooms`? */
static bool in_rooms(struct span rooms, struct span broker_name) {
    struct span rest = broker_name, room, name, one;
    if (!span_next_part(&rest, '@', &room) || !span_next_part(&rest, '@', &name) ||
        span_next_part(&rest, '@', &one))
        return false;
    while (span_next_part(&rooms, ';', &one)) {
        if (span_equal(one, room))
            return true;
    }
    return false;
}

static void by_machine_room(const struct allocation *input, size_t index, bool *mine) {
    size_t count = 0, place = 0;
    for (size_t i = 0; i < input->queue_count; i++)
        count += in_rooms(input->rooms, input->queues[i].broker_name);
    size_t each = count / input->member_count, more = count % input->member_count;
    for (size_t i = 0; i < input->queue_count; i++) {
        if (!in_rooms(input->rooms, input->queues[i].broker_name))
            continue;
        mine[i] = (place >= index * each && place < (index + 1) * each) ||
                  (index < more && place == index + each * input->member_count);
        place++;
    }
}

/* ---- consistent hash ------------------------------------------------------------------------- */

struct virtual_node {
    uint32_t hash;
    uint32_t member;
};

static int compare_nodes(const void *a, const void *b, void *ctx) {
    const struct virtual_node *x = a, *y = b;
    (void)ctx;
    return (x->hash > y->hash) - (x->hash < y->hash);
}

static uint32_t ring_hash(const struct span *parts, size_t count) {
    struct md5_ctx md5;
    uint8_t digest[4];
    nettle_md5_init(&md5);
    for (size_t i = 0; i < count; i++)
        nettle_md5_update(&md5, parts[i].len, parts[i].data);
    nettle_md5_digest(&md5, sizeof digest, digest);
    return (uint32_t)digest[0] << 24 | (uint32_t)digest[1] << 16 | (uint32_t)digest[2] << 8 |
           digest[3];
}

static uint32_t node_hash(struct span member, uint32_t number) {
    char text[24];
    size_t len = format_u64(text, number);
    const struct span parts[] = {member, SPAN_LITERAL("-"), span_of(text, len)};
    return ring_hash(parts, 3);
}

static uint32_t queue_hash(const struct topic_queue *queue) {
    char text[24];
    size_t len = format_i64(text, queue->id);
    const struct span parts[] = {SPAN_LITERAL("MessageQueue [topic="),
                                 queue->topic,
                                 SPAN_LITERAL(", brokerName="),
                                 queue->broker_name,
                                 SPAN_LITERAL(", queueId="),
                                 span_of(text, len),
                                 SPAN_LITERAL("]")};
    return ring_hash(parts, sizeof parts / sizeof parts[0]);
}

/* Who owns `hash`: the first node at or after it, around the ring. Of equal nodes the last one,
 * which in Java has replaced the others. */
static uint32_t ring_owner(const struct virtual_node *nodes, size_t count, uint32_t hash) {
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (nodes[middle].hash < hash)
            low = middle + 1;
        else
            high = middle;
    }
    size_t at = low == count ? 0 : low;
    while (at + 1 < count && nodes[at + 1].hash == nodes[at].hash)
        at++;
    return nodes[at].member;
}

static int by_consistent_hash(struct env *env, const struct allocation *input, size_t index,
                              bool *mine) {
    size_t count = input->member_count * input->virtual_nodes, made = 0;
    if (count == 0)
        return RMQ_OK; /* nobody owns anything */
    struct virtual_node *nodes = env_alloc(env, count * sizeof *nodes);
    if (nodes == NULL)
        return RMQ_E_NOMEM;
    for (size_t i = 0; i < input->member_count; i++) {
        for (uint32_t k = 0; k < input->virtual_nodes; k++)
            nodes[made++] = (struct virtual_node){node_hash(input->members[i], k), (uint32_t)i};
    }
    int err = sort_stable(env, nodes, count, sizeof *nodes, compare_nodes, NULL);
    for (size_t i = 0; err == RMQ_OK && i < input->queue_count; i++)
        mine[i] = ring_owner(nodes, count, queue_hash(&input->queues[i])) == index;
    env_free(env, nodes);
    return err;
}

/* ---- all ------------------------------------------------------------------------------------- */

int allocate(struct env *env, const struct allocation *input, bool *mine) {
    size_t index = 0;
    if (input->self.len == 0 || input->queue_count == 0 || input->member_count == 0)
        return RMQ_E_INVALID;
    memset(mine, 0, input->queue_count * sizeof *mine);
    while (index < input->member_count && !span_equal(input->members[index], input->self))
        index++;
    if (index == input->member_count)
        return RMQ_OK;
    switch (input->strategy) {
    case ALLOCATE_AVG:
        averagely(input, index, mine);
        return RMQ_OK;
    case ALLOCATE_AVG_BY_CIRCLE:
        by_circle(input, index, mine);
        return RMQ_OK;
    case ALLOCATE_MACHINE_ROOM:
        by_machine_room(input, index, mine);
        return RMQ_OK;
    case ALLOCATE_CONSISTENT_HASH:
        return by_consistent_hash(env, input, index, mine);
    default:
        RMQ_UNREACHABLE();
    }
}
