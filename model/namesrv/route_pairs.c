/* namesrv/route_pairs.c - linear probing, at most three quarters full; removal closes the gap, so
 * there are no tombstones. Nothing depends on the order of the slots. */
#include "model/namesrv/route_pairs.h"

#include "model/namesrv/route_table.h"

#define CAPACITY_FIRST 16

/* Finaliser of splitmix64: spreads consecutive numbers. */
static size_t hash_of(uint32_t topic, uint32_t broker) {
    uint64_t x = (uint64_t)topic << 32 | broker;
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return (size_t)(x ^ x >> 31);
}

static size_t home_of(const struct route_pairs *pairs, const struct queue_data *queue) {
    return hash_of(queue->topic->number, queue->broker->number) & (pairs->capacity - 1);
}

static void place(struct route_pairs *pairs, struct queue_data *queue) {
    size_t i = home_of(pairs, queue);
    while (pairs->slots[i] != NULL)
        i = (i + 1) & (pairs->capacity - 1);
    pairs->slots[i] = queue;
}

int route_pairs_reserve(struct env *env, struct route_pairs *pairs) {
    if (pairs->count + 1 <= pairs->capacity / 4 * 3)
        return RMQ_OK;
    struct route_pairs grown = {NULL, pairs->capacity == 0 ? CAPACITY_FIRST : pairs->capacity * 2,
                                pairs->count};
    size_t bytes = grown.capacity * sizeof(struct queue_data *);
    grown.slots = env_alloc(env, bytes);
    if (grown.slots == NULL)
        return RMQ_E_NOMEM;
    memset(grown.slots, 0, bytes);
    for (size_t i = 0; i < pairs->capacity; i++)
        if (pairs->slots[i] != NULL)
            place(&grown, pairs->slots[i]);
    env_free(env, pairs->slots);
    *pairs = grown;
    return RMQ_OK;
}

void route_pairs_add(struct route_pairs *pairs, struct queue_data *queue) {
    RMQ_ASSERT(pairs->count < pairs->capacity);
    RMQ_CHECK_EXPENSIVE(route_pairs_find(pairs, queue->topic->number, queue->broker->number) ==
                        NULL);
    place(pairs, queue);
    pairs->count++;
}

struct queue_data *route_pairs_find(const struct route_pairs *pairs, uint32_t topic,
                                    uint32_t broker) {
    if (pairs->count == 0)
        return NULL;
    size_t i = hash_of(topic, broker) & (pairs->capacity - 1);
    for (; pairs->slots[i] != NULL; i = (i + 1) & (pairs->capacity - 1)) {
        struct queue_data *queue = pairs->slots[i];
        if (queue->topic->number == topic && queue->broker->number == broker)
            return queue;
    }
    return NULL;
}

/* Moves later entries of the same run into the gap when their home is not after it. */
static void close_gap(struct route_pairs *pairs, size_t gap) {
    size_t mask = pairs->capacity - 1;
    for (size_t i = (gap + 1) & mask; pairs->slots[i] != NULL; i = (i + 1) & mask) {
        size_t home = home_of(pairs, pairs->slots[i]);
        if (((i - home) & mask) >= ((i - gap) & mask)) {
            pairs->slots[gap] = pairs->slots[i];
            gap = i;
        }
    }
    pairs->slots[gap] = NULL;
}

void route_pairs_remove(struct env *env, struct route_pairs *pairs,
                        const struct queue_data *queue) {
    RMQ_ASSERT(pairs->count > 0);
    size_t i = home_of(pairs, queue);
    while (pairs->slots[i] != queue) {
        RMQ_ASSERT(pairs->slots[i] != NULL);
        i = (i + 1) & (pairs->capacity - 1);
    }
    close_gap(pairs, i);
    if (--pairs->count == 0) {
        env_free(env, pairs->slots);
        *pairs = (struct route_pairs){NULL, 0, 0};
    }
}
