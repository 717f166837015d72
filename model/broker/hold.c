/* broker/hold.c - see hold.h. */
#include "model/broker/hold.h"

#include "model/base/check.h"
#include "model/base/map.h"
#include "model/broker/broker_internal.h"
#include "model/quirks.h"

#define NS_PER_MS UINT64_C(1000000)
#define SWEEP_MS 5000
#define PARKING_NS UINT64_C(100000)

struct hold_queue {
    UT_hash_handle hh;
    bool map_failed;
    struct list held;
    struct list link; /* in holds.busy while something is held */
    uint32_t topic_len;
    uint32_t key_len;
    uint8_t key[]; /* queue id, topic */
};

void holds_init(struct holds *holds, struct broker *broker) {
    *holds = (struct holds){.broker = broker};
    holds->hash_key = env_random(broker->env);
    holds->sweep_ns =
        (broker->config.long_polling ? SWEEP_MS : broker->config.short_polling_ms) * NS_PER_MS;
    list_init(&holds->busy);
    list_init(&holds->parking);
    list_init(&holds->woken);
}

void holds_deinit(struct holds *holds) {
    if (holds->broker == NULL)
        return;
    struct env *env = holds->broker->env;
    RMQ_ASSERT(holds->count == 0 && list_is_empty(&holds->parking) && list_is_empty(&holds->woken));
    env_timer_stop(env, &holds->sweep);
    env_timer_stop(env, &holds->wake);
    struct hold_queue *queue, *next;
    HASH_ITER(hh, holds->table, queue, next) {
        HASH_DEL(holds->table, queue);
        env_free(env, queue);
    }
    holds->broker = NULL;
}

/* ---- queues ---------------------------------------------------------------------------------- */

#define TOPIC_BYTES_MAX 255

/* Fills `key`, which has room; returns its length. */
static uint32_t make_key(struct span topic, int32_t queue_id, uint8_t *key) {
    RMQ_ASSERT(topic.len > 0 && topic.len <= TOPIC_BYTES_MAX);
    memcpy(key, &queue_id, sizeof queue_id);
    memcpy(key + sizeof queue_id, topic.data, topic.len);
    return (uint32_t)(sizeof queue_id + topic.len);
}

static struct hold_queue *find_queue(const struct holds *holds, struct span topic,
                                     int32_t queue_id) {
    uint8_t key[sizeof queue_id + TOPIC_BYTES_MAX];
    uint32_t len = make_key(topic, queue_id, key);
    uint64_t hash_key = holds->hash_key;
    struct hold_queue *found = NULL;
    HASH_FIND(hh, holds->table, key, len, found);
    return found;
}

static struct hold_queue *need_queue(struct holds *holds, struct span topic, int32_t queue_id) {
    struct env *env = holds->broker->env;
    uint64_t hash_key = holds->hash_key;
    struct hold_queue *queue = find_queue(holds, topic, queue_id);
    if (queue != NULL)
        return queue;
    queue = env_alloc(env, sizeof *queue + sizeof queue_id + topic.len);
    if (queue == NULL)
        return NULL;
    memset(queue, 0, sizeof *queue);
    list_init(&queue->held);
    list_init(&queue->link);
    queue->key_len = make_key(topic, queue_id, queue->key);
    HASH_ADD_KEYPTR(hh, holds->table, queue->key, queue->key_len, queue);
    if (!MAP_ADD_FAILED(queue))
        return queue;
    env_free(env, queue);
    return NULL;
}

static int32_t queue_id_of(const struct hold_queue *queue) {
    int32_t queue_id;
    memcpy(&queue_id, queue->key, sizeof queue_id);
    return queue_id;
}

static int64_t max_offset_of(const struct holds *holds, const struct hold_queue *queue) {
    struct span topic = span_of(queue->key + sizeof(int32_t), queue->key_len - sizeof(int32_t));
    return store_max_offset(holds->broker->store, topic, queue_id_of(queue));
}

/* ---- waking ---------------------------------------------------------------------------------- */

static void leave_queue(struct holds *holds, struct held *held) {
    struct hold_queue *queue = held->queue;
    list_remove(&held->link);
    if (queue == NULL)
        return; /* was parking, or woken already */
    RMQ_ASSERT(holds->count > 0);
    holds->count--;
    held->queue = NULL;
    if (list_is_empty(&queue->held))
        list_remove(&queue->link);
}

static void on_wake(struct env *env, struct env_timer *timer) {
    struct holds *holds = RMQ_CONTAINER_OF(timer, struct holds, wake);
    struct list running;
    RMQ_ASSERT(env == holds->broker->env);
    list_init(&running);
    LIST_EACH(&holds->woken, link, next) { /* what they do may wake others: later */
        list_remove(link);
        list_append(&running, link);
    }
    while (!list_is_empty(&running)) {
        struct held *held = LIST_ENTRY(running.next, struct held, link);
        list_remove(&held->link);
        pull_woken(held);
    }
}

static void wake(struct holds *holds, struct held *held) {
    struct env *env = holds->broker->env;
    leave_queue(holds, held);
    list_append(&holds->woken, &held->link);
    if (!env_timer_armed(&holds->wake))
        env_timer_start(env, &holds->wake, 0, on_wake);
}

void holds_arrival(struct holds *holds, struct span topic, int32_t queue_id, int64_t max_offset,
                   int64_t tags_code, struct span properties) {
    if (holds->count == 0 || topic.len > TOPIC_BYTES_MAX ||
        env_plant(holds->broker->env, PLANT_BROKER_HOLD_DEAF))
        return;
    struct hold_queue *queue = find_queue(holds, topic, queue_id);
    if (queue == NULL)
        return;
    LIST_EACH(&queue->held, link, next) {
        struct held *held = LIST_ENTRY(link, struct held, link);
        if (max_offset > held->wanted && subscription_matches_code(held->filter, tags_code) &&
            pull_wants(held, properties))
            wake(holds, held);
    }
}

static void on_sweep(struct env *env, struct env_timer *timer) {
    struct holds *holds = RMQ_CONTAINER_OF(timer, struct holds, sweep);
    uint64_t now_ns = env_mono_ns(env);
    LIST_EACH(&holds->busy, busy, next_busy) {
        struct hold_queue *queue = LIST_ENTRY(busy, struct hold_queue, link);
        int64_t max_offset = max_offset_of(holds, queue);
        LIST_EACH(&queue->held, link, next) {
            struct held *held = LIST_ENTRY(link, struct held, link);
            if (max_offset > held->wanted || now_ns >= held->end_ns ||
                env_buggify(env, BUGGIFY_BROKER_HOLD_WAKES))
                wake(holds, held);
        }
    }
    if (holds->count > 0)
        env_timer_start(env, timer, holds->sweep_ns, on_sweep);
}

/* ---- parking --------------------------------------------------------------------------------- */

static void park(struct holds *holds, struct held *held, struct hold_queue *queue) {
    struct env *env = holds->broker->env;
    held->queue = queue;
    if (list_is_empty(&queue->held))
        list_append(&holds->busy, &queue->link);
    list_append(&queue->held, &held->link);
    holds->count++;
    if (!env_timer_armed(&holds->sweep))
        env_timer_start(env, &holds->sweep, holds->sweep_ns, on_sweep);
}

static void on_parking(struct env *env, struct env_timer *timer) {
    struct held *held = RMQ_CONTAINER_OF(timer, struct held, parking);
    struct holds *holds = pull_holds(held);
    RMQ_ASSERT(env == holds->broker->env);
    list_remove(&held->link);
    struct hold_queue *queue = find_queue(holds, held->topic, held->queue_id);
    RMQ_ASSERT(queue != NULL); /* holds_add made it, and they are kept */
    park(holds, held, queue);
}

int holds_add(struct holds *holds, struct held *held) {
    struct env *env = holds->broker->env;
    struct hold_queue *queue = need_queue(holds, held->topic, held->queue_id);
    if (queue == NULL)
        return RMQ_E_NOMEM;
    held->queue = NULL;
    if (quirk_on(holds->broker->config.quirks, QUIRK_HOLD_NO_RECHECK)) {
        list_append(&holds->parking, &held->link);
        env_timer_start(env, &held->parking, PARKING_NS, on_parking);
        return RMQ_OK;
    }
    park(holds, held, queue);
    if (max_offset_of(holds, queue) > held->wanted)
        wake(holds, held);
    return RMQ_OK;
}

void holds_remove(struct holds *holds, struct held *held) {
    env_timer_stop(holds->broker->env, &held->parking);
    leave_queue(holds, held);
}
