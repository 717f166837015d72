/* client/consumer_queue.c - one queue of a consumer, from its assignment to its release.
 *
 * Where it starts (client.md 18): at the stored offset; without one, where the configuration says.
 * Only code 22 means that there is none: any other answer, which 4.9 takes for "none" and then
 * jumps to the end (29.2 C13), fails the assignment, and the next rebalance tries again. */
#include "model/base/check.h"
#include "model/client/consumer_internal.h"
#include "model/events.h"

struct consumer_queue *consumer_queue_find(struct consumer_topic *topic, struct span broker_name,
                                           int32_t id) {
    LIST_EACH(&topic->queues, link, following) {
        struct consumer_queue *queue = LIST_ENTRY(link, struct consumer_queue, link);
        if (queue->id == id && span_equal(queue->broker_name, broker_name))
            return queue;
    }
    return NULL;
}

#define LITE_AGAIN_NS (3000 * CONSUMER_MS)

/* ---- release --------------------------------------------------------------------------------- */

static void queue_free(struct consumer_queue *queue) {
    struct consumer *consumer = queue->consumer;
    orderly_end(queue);
    remoting_cancel(&consumer->client->remoting, queue);
    client_route_cancel(&queue->wait);
    pull_loop_stop(queue);
    RMQ_ASSERT(list_is_empty(&queue->pulls));
    process_queue_deinit(&queue->cache);
    list_remove(&queue->link);
    RMQ_ASSERT(consumer->queue_count > 0 && queue->topic->queue_count > 0);
    consumer->queue_count--;
    queue->topic->queue_count--;
    env_free(consumer->env, queue);
}

void consumer_queue_release(struct consumer_queue *queue, bool commit, const char *reason) {
    struct consumer *consumer = queue->consumer;
    if (queue->state != QUEUE_ASKING) {
        if (commit)
            consumer_offset_send(queue);
        event_queue_released(consumer->env, consumer->group, queue->topic->name, queue->broker_name,
                             (uint64_t)(uint32_t)queue->id, queue->has_offset ? queue->offset : -1,
                             queue->cache.count, span_of_text(reason));
    }
    consume_drop(queue);
    queue_free(queue);
}

void consumer_queue_progress(struct consumer_queue *queue, int64_t offset) {
    if (offset < 0 || (queue->has_offset && offset <= queue->offset))
        return;
    queue->offset = offset;
    queue->has_offset = true;
}

/* ---- where it starts ------------------------------------------------------------------------- */

static const char *source_name(enum consume_from from) {
    static const char *const NAMES[] = {"last", "first", "timestamp"};
    return NAMES[from];
}

static void begin(struct consumer_queue *queue, int64_t offset, const char *source) {
    struct consumer *consumer = queue->consumer;
    queue->state = QUEUE_ACTIVE;
    queue->next_offset = offset;
    event_queue_acquired(consumer->env, consumer->group, queue->topic->name, queue->broker_name,
                         (uint64_t)(uint32_t)queue->id, offset, span_of_text(source));
    bool wait = consumer->client->profile_5_3 && !consumer_is_lite(consumer);
    pull_loop_start(queue, wait ? 500 * CONSUMER_MS : 0);
}

static void ask(struct consumer_queue *queue);

static void on_ask_due(struct env *env, struct env_timer *timer) {
    (void)env;
    ask(RMQ_CONTAINER_OF(timer, struct consumer_queue, timer));
}

static void fail(struct consumer_queue *queue, int status) {
    struct consumer *consumer = queue->consumer;
    env_log(consumer->env, ENV_LOG_WARN, "consumer: start offset of %.*s %d at %.*s: %s",
            (int)queue->topic->name.len, (const char *)queue->topic->name.data, (int)queue->id,
            (int)queue->broker_name.len, (const char *)queue->broker_name.data,
            rmq_err_text(status));
    if (queue->topic->assigned) { /* no rebalance brings it back */
        queue->route_asked = false;
        env_timer_start(consumer->env, &queue->timer, LITE_AGAIN_NS, on_ask_due);
        return;
    }
    queue_free(queue);
    if (consumer->client->profile_5_3)
        rebalance_soon(consumer);
}

/* RMQ_OK and the offset that an answer gives. */
static int offset_of_answer(int status, const struct wire_command *response, int64_t *out) {
    struct header_offset_response header = {0};
    const struct header_field_info *bad;
    if (status != RMQ_OK)
        return status;
    if (response->code == RESPONSE_QUERY_NOT_FOUND)
        return RMQ_E_NOT_FOUND;
    if (response->code != RESPONSE_SUCCESS)
        return RMQ_E_STATE;
    int err = header_decode(&HEADER_offset_response, response, &header, &bad);
    if (err == RMQ_OK && header.offset < 0)
        err = RMQ_E_RANGE;
    if (err == RMQ_OK)
        *out = header.offset;
    return err;
}

static void on_bound(void *ctx, int status, const struct wire_command *response) {
    struct consumer_queue *queue = ctx;
    int64_t offset = 0;
    status = offset_of_answer(status, response, &offset);
    if (status != RMQ_OK)
        fail(queue, status);
    else
        begin(queue, offset, source_name(queue->consumer->config.from));
}

/* The group has no offset here (18.1): %RETRY% topics start at 0, but by time at their end. */
static void begin_without_offset(struct consumer_queue *queue) {
    enum consume_from from = queue->consumer->config.from;
    bool retry = queue->topic->retry;
    if (from == CONSUME_FROM_FIRST || (retry && from == CONSUME_FROM_LAST)) {
        begin(queue, 0, source_name(CONSUME_FROM_FIRST));
        return;
    }
    int err = consumer_bound_query(queue, from == CONSUME_FROM_TIMESTAMP && !retry, on_bound);
    if (err != RMQ_OK)
        fail(queue, err);
}

static void begin_stored(struct consumer_queue *queue, int64_t offset) {
    queue->offset = offset;
    queue->has_offset = true;
    begin(queue, offset, "stored");
}

static void on_stored(void *ctx, int status, const struct wire_command *response) {
    struct consumer_queue *queue = ctx;
    int64_t offset = 0;
    status = offset_of_answer(status, response, &offset);
    if (status == RMQ_OK)
        begin_stored(queue, offset);
    else if (status == RMQ_E_NOT_FOUND)
        begin_without_offset(queue);
    else
        fail(queue, status);
}

static void on_route(void *ctx, int status) {
    (void)status; /* what is known now decides */
    ask(ctx);
}

/* The master is asked, or (5.3: at once; 4.9: after a look at the route) any broker of that name.
 */
static bool must_refresh(const struct consumer_queue *queue) {
    const struct client *client = queue->consumer->client;
    struct span address = client->profile_5_3
                              ? client_pull_address(client, queue->broker_name, 0, false, NULL)
                              : client_master_address(client, queue->broker_name);
    return address.len == 0 && !queue->route_asked;
}

static void ask_local(struct consumer_queue *queue) {
    int64_t offset = local_offsets_get(queue->consumer->local_offsets, queue->topic->name,
                                       queue->broker_name, queue->id);
    if (offset >= 0)
        begin_stored(queue, offset);
    else
        begin_without_offset(queue);
}

static void ask(struct consumer_queue *queue) {
    if (queue->consumer->config.broadcasting) {
        ask_local(queue);
        return;
    }
    if (must_refresh(queue)) {
        queue->route_asked = true;
        consumer_ask_route(queue->topic->route, &queue->wait, on_route, queue);
        return;
    }
    int err = consumer_offset_query(queue, on_stored);
    if (err != RMQ_OK)
        fail(queue, err);
}

void consumer_queue_ask(struct consumer_queue *queue) {
    ask(queue);
}

void consumer_queue_give_up(struct consumer_queue *queue) {
    struct consumer *consumer = queue->consumer;
    queue_free(queue);
    if (consumer->client->profile_5_3)
        rebalance_soon(consumer);
}

static void insert_in_order(struct consumer_topic *topic, struct consumer_queue *queue) {
    struct topic_queue key = {topic->name, queue->broker_name, queue->id};
    LIST_EACH(&topic->queues, link, following) {
        const struct consumer_queue *other = LIST_ENTRY(link, struct consumer_queue, link);
        struct topic_queue other_key = {topic->name, other->broker_name, other->id};
        if (topic_queue_compare(&key, &other_key) < 0) {
            list_insert_before(link, &queue->link);
            return;
        }
    }
    list_append(&topic->queues, &queue->link);
}

int consumer_queue_add(struct consumer_topic *topic, struct span broker_name, int32_t id) {
    struct consumer *consumer = topic->consumer;
    struct consumer_queue *queue = env_alloc(consumer->env, sizeof *queue + broker_name.len);
    if (queue == NULL)
        return RMQ_E_NOMEM;
    *queue = (struct consumer_queue){.consumer = consumer,
                                     .topic = topic,
                                     .id = id,
                                     .state = QUEUE_ASKING,
                                     .position = -1,
                                     .last_pull_ns = env_mono_ns(consumer->env)};
    memcpy(queue->text, broker_name.data, broker_name.len);
    queue->broker_name = span_of(queue->text, broker_name.len);
    process_queue_init(&queue->cache, consumer->env);
    list_init(&queue->pulls);
    list_init(&queue->order);
    list_init(&queue->wait.link);
    insert_in_order(topic, queue);
    topic->queue_count++;
    consumer->queue_count++;
    if (!orderly_begin(queue))
        ask(queue);
    return RMQ_OK;
}
