/* client/pull_loop.c - one pull after the other for one queue.
 *
 * At any time a queue has one pull under way or a timer for the next one (client.md 19, 31.2). An
 * attempt that flow control puts off counts as an attempt, or the repair of lost pulls (120 s)
 * would strike under load. Source: DefaultMQPushConsumerImpl.pullMessage, PullAPIWrapper.java;
 * DefaultLitePullConsumerImpl.PullTaskImpl. */
#include "model/base/check.h"
#include "model/client/consumer_internal.h"
#include "model/events.h"

#define DELAY_EXCEPTION_NS (1000 * CONSUMER_MS) /* T-PULL-EXC */
#define DELAY_FLOW_NS (50 * CONSUMER_MS)        /* T-PULL-FC */
#define DELAY_BROKER_FLOW_NS (20 * CONSUMER_MS) /* T-PULL-BFC */
#define DELAY_SUSPENDED_NS (1000 * CONSUMER_MS) /* T-PULL-PAUSE */
#define DELAY_ILLEGAL_NS (10000 * CONSUMER_MS)  /* T-ILLEGAL of 4.9 */
#define PULL_TIMEOUT_NS (30000 * CONSUMER_MS)   /* T-POLL-CLIENT */
#define PARK_MS 15000                           /* T-POLL-BROKER */
#define LITE_PARK_MS 20000
#define PULL_BYTES 262144 /* pullBatchSizeInBytes of 5.3 */
#define MIB 1048576

static void pull_now(struct consumer_queue *queue);

static void on_pull_due(struct env *env, struct env_timer *timer) {
    (void)env;
    pull_now(RMQ_CONTAINER_OF(timer, struct consumer_queue, timer));
}

static void pull_later(struct consumer_queue *queue, uint64_t delay_ns) {
    RMQ_ASSERT(queue->state == QUEUE_ACTIVE && !queue->in_flight); /* C2 */
    env_timer_start(queue->consumer->env, &queue->timer, delay_ns, on_pull_due);
}

void pull_loop_start(struct consumer_queue *queue, uint64_t delay_ns) {
    queue->last_pull_ns = env_mono_ns(queue->consumer->env);
    pull_later(queue, delay_ns);
}

void pull_loop_stop(struct consumer_queue *queue) {
    if (queue->in_flight)
        remoting_cancel(&queue->consumer->client->remoting, queue);
    queue->in_flight = false;
    env_timer_stop(queue->consumer->env, &queue->timer);
}

/* ---- flow control (17) ----------------------------------------------------------------------- */

/* A bound of the whole consumer is shared out among its queues. */
static uint64_t bound_of(const struct consumer *consumer, int32_t whole, int32_t each) {
    if (whole == -1)
        return (uint64_t)(uint32_t)each;
    uint64_t share =
        (uint64_t)(uint32_t)whole / (consumer->queue_count + (consumer->queue_count == 0));
    return share == 0 ? 1 : share;
}

static bool is_throttled(struct consumer_queue *queue, const char *limit, uint64_t measured,
                         uint64_t bound) {
    const struct consumer *consumer = queue->consumer;
    if (measured <= bound)
        return false;
    if (!queue->throttled)
        event_consumer_throttled(consumer->env, consumer->group, queue->topic->name,
                                 queue->broker_name, (uint64_t)(uint32_t)queue->id,
                                 span_of_text(limit), measured, bound);
    queue->throttled = true;
    return true;
}

/* Lite: requests that wait for poll, times what each asks for. */
static uint64_t lite_waiting(const struct consumer *consumer) {
    uint64_t tasks = 0;
    LIST_EACH(&consumer->ready, link, following)
    tasks++;
    return tasks * consumer->config.pull_messages;
}

static bool flow_controlled(struct consumer_queue *queue) {
    const struct consumer *consumer = queue->consumer;
    const struct consumer_config *config = &consumer->config;
    const struct process_queue *cache = &queue->cache;
    bool stop = (consumer_is_lite(consumer) &&
                 is_throttled(queue, "count", lite_waiting(consumer), config->all_messages)) ||
                is_throttled(queue, "count", cache->count,
                             bound_of(consumer, config->topic_messages, config->queue_messages)) ||
                is_throttled(queue, "size", cache->bytes / MIB,
                             bound_of(consumer, config->topic_mib, config->queue_mib)) ||
                is_throttled(queue, "span", process_queue_span(cache), config->max_span);
    if (!stop)
        queue->throttled = false;
    return stop;
}

/* ---- answers --------------------------------------------------------------------------------- */

/* Nothing was found up to here: with nothing cached that much is consumed. */
static void correct(struct consumer_queue *queue) {
    if (queue->cache.count != 0)
        return;
    if (consumer_is_lite(queue->consumer)) {
        if (queue->next_offset > queue->position)
            queue->position = queue->next_offset;
    } else {
        consumer_queue_progress(queue, queue->next_offset);
    }
}

static void tell_pulled(const struct consumer_queue *queue, const struct pulled *pulled) {
    const struct consumer *consumer = queue->consumer;
    event_consume_pulled(consumer->env, consumer->group, queue->topic->name, queue->broker_name,
                         (uint64_t)(uint32_t)queue->id, queue->asked_offset, queue->next_offset,
                         pulled->records, pulled->first, pulled->last, pulled->foreign);
}

/* Puts what is wanted into the cache; returns whether there was any. */
static bool keep(struct consumer_queue *queue, struct pulled *pulled) {
    if (pulled->count == 0) {
        pulled_free(pulled);
        return false;
    }
    for (size_t i = 0; i < pulled->count; i++)
        process_queue_put(&queue->cache, pulled->items[i].message.queue_offset,
                          (uint32_t)pulled->items[i].message.body.len);
    list_append(&queue->pulls, &pulled->link);
    consume_submit(pulled);
    return true;
}

/* 19.4. The next pull is on its way before the listener gets anything. */
static void on_found(struct consumer_queue *queue, const struct wire_command *response,
                     int64_t next) {
    struct consumer *consumer = queue->consumer;
    struct pulled *pulled;
    int err = pulled_create(queue, response->body, &pulled);
    if (err == RMQ_OK && process_queue_reserve(&queue->cache, pulled->count) != RMQ_OK) {
        pulled->open = 0;
        pulled_free(pulled);
        err = RMQ_E_NOMEM;
    }
    if (err != RMQ_OK) {
        pull_later(queue, DELAY_EXCEPTION_NS);
        return;
    }
    bool broken = pulled->broken;
    queue->next_offset = next;
    if (broken) { /* what was decoded counts, the rest is asked for again */
        queue->next_offset = pulled->records == 0 ? queue->asked_offset : pulled->last + 1;
        env_log(consumer->env, ENV_LOG_ERROR, "consumer: a record of %.*s %d after %lld is broken",
                (int)queue->topic->name.len, (const char *)queue->topic->name.data, (int)queue->id,
                (long long)queue->next_offset);
    }
    if (pulled->records > 0)
        tell_pulled(queue, pulled);
    bool any = keep(queue, pulled);
    if (broken)
        pull_later(queue, DELAY_EXCEPTION_NS);
    else if (any && consumer->config.pull_interval_ms > 0)
        pull_later(queue, consumer->config.pull_interval_ms * CONSUMER_MS);
    else
        pull_now(queue);
    consume_pump(consumer);
}

/* 19.5, second step. The next rebalance takes the queue again. */
static void repair(struct consumer_queue *queue) {
    struct consumer *consumer = queue->consumer;
    queue->offset = queue->next_offset;
    queue->has_offset = true;
    consumer_queue_release(queue, true, "illegal");
    if (consumer->client->profile_5_3)
        rebalance_soon(consumer);
}

static void on_repair_due(struct env *env, struct env_timer *timer) {
    (void)env;
    struct consumer_queue *queue = RMQ_CONTAINER_OF(timer, struct consumer_queue, timer);
    struct consumer *consumer = queue->consumer;
    repair(queue);
    consume_pump(consumer);
}

static void on_illegal(struct consumer_queue *queue, const struct header_pull_response *header) {
    struct consumer *consumer = queue->consumer;
    const char *reason = queue->asked_offset < header->min_offset   ? "too_small"
                         : queue->asked_offset > header->max_offset ? "too_large"
                         : header->max_offset == 0                  ? "empty"
                                                                    : "recovered";
    event_consumer_offset_reset(consumer->env, consumer->group, queue->topic->name,
                                queue->broker_name, (uint64_t)(uint32_t)queue->id,
                                queue->asked_offset, header->next_begin_offset,
                                span_of_text(reason));
    queue->next_offset = header->next_begin_offset;
    if (consumer_is_lite(consumer)) { /* 25.2: goes on from there */
        queue->position = queue->next_offset;
        pull_now(queue);
        return;
    }
    queue->state = QUEUE_ILLEGAL;
    consume_drop(queue); /* cached messages are abandoned */
    process_queue_clear(&queue->cache);
    if (consumer->client->profile_5_3)
        repair(queue);
    else
        env_timer_start(consumer->env, &queue->timer, DELAY_ILLEGAL_NS, on_repair_due);
    consume_pump(consumer);
}

static void on_answer(struct consumer_queue *queue, const struct wire_command *response) {
    struct header_pull_response header = {0};
    const struct header_field_info *bad;
    bool expected = response->code == RESPONSE_SUCCESS ||
                    response->code == RESPONSE_PULL_NOT_FOUND ||
                    response->code == RESPONSE_PULL_RETRY_IMMEDIATELY ||
                    response->code == RESPONSE_PULL_OFFSET_MOVED;
    if (!expected || header_decode(&HEADER_pull_response, response, &header, &bad) != RMQ_OK ||
        header.next_begin_offset < 0) { /* never pull with a negative offset (30.4) */
        pull_later(queue, response->code == RESPONSE_FLOW_CONTROL ? DELAY_BROKER_FLOW_NS
                                                                  : DELAY_EXCEPTION_NS);
        return;
    }
    queue->suggested_id = header.suggest_which_broker_id;
    if (response->code == RESPONSE_SUCCESS) {
        on_found(queue, response, header.next_begin_offset);
    } else if (response->code == RESPONSE_PULL_OFFSET_MOVED) {
        on_illegal(queue, &header);
    } else {
        queue->next_offset = header.next_begin_offset;
        correct(queue);
        pull_now(queue);
    }
}

static void on_pulled(void *ctx, int status, const struct wire_command *response) {
    struct consumer_queue *queue = ctx;
    queue->in_flight = false;
    if (status == RMQ_OK)
        on_answer(queue, response);
    else
        pull_later(queue, DELAY_EXCEPTION_NS);
}

/* ---- the request ----------------------------------------------------------------------------- */

static struct header_pull header_of(const struct consumer_queue *queue, bool from_master) {
    const struct consumer *consumer = queue->consumer;
    bool lite = consumer_is_lite(consumer);
    struct header_pull header = {.queue_id = queue->id,
                                 .max_msg_nums = (int32_t)consumer->config.pull_messages,
                                 .sys_flag = PULL_FLAG_SUSPEND,
                                 .suspend_timeout_millis = lite ? LITE_PARK_MS : PARK_MS,
                                 .broker_name = queue->broker_name,
                                 .topic = queue->topic->name,
                                 .queue_offset = queue->next_offset,
                                 .expression_type = queue->topic->type,
                                 .sub_version = lite ? 0 : queue->topic->version,
                                 .consumer_group = consumer->group};
    if (consumer->client->profile_5_3) {
        header.max_msg_bytes = lite ? INT32_MAX : PULL_BYTES;
        header.has_max_msg_bytes = true;
    }
    if (lite)
        header.sys_flag |= PULL_FLAG_LITE;
    if (lite || consumer->config.post_subscription) {
        header.sys_flag |= PULL_FLAG_SUBSCRIPTION;
        header.subscription = queue->topic->expression;
    }
    if (!lite && !consumer->config.broadcasting)
        header.commit_offset = queue->has_offset ? queue->offset : -1;
    if (header.commit_offset > 0 && from_master)
        header.sys_flag |= PULL_FLAG_COMMIT;
    return header;
}

static void send_pull(struct consumer_queue *queue, struct span address, bool from_master) {
    struct consumer *consumer = queue->consumer;
    uint8_t bytes[HEADER_SCRATCH_BYTES];
    struct buf numbers = {.env = consumer->env, .data = bytes, .capacity = sizeof bytes};
    struct header_pull header = header_of(queue, from_master);
    struct wire_command request;
    bool lite = consumer_is_lite(consumer) && consumer->client->profile_5_3;
    wire_command_init(&request, lite ? REQUEST_LITE_PULL_MESSAGE : REQUEST_PULL_MESSAGE);
    if (header_encode(&HEADER_pull, &header, &request, &numbers) != RMQ_OK) {
        pull_later(queue, DELAY_EXCEPTION_NS);
        return;
    }
    queue->in_flight = true;
    queue->asked_offset = queue->next_offset;
    remoting_call(&consumer->client->remoting, address, &request, REMOTING_ASYNC, PULL_TIMEOUT_NS,
                  on_pulled, queue);
}

static void on_route(void *ctx, int status) {
    struct consumer_queue *queue = ctx;
    int64_t id;
    (void)status; /* what is known now decides */
    queue->in_flight = false;
    struct span address = client_pull_address(queue->consumer->client, queue->broker_name,
                                              queue->suggested_id, false, &id);
    if (address.len > 0)
        send_pull(queue, address, id == 0);
    else
        pull_later(queue, DELAY_EXCEPTION_NS);
}

static void pull_now(struct consumer_queue *queue) {
    struct consumer *consumer = queue->consumer;
    struct client *client = consumer->client;
    int64_t id;
    RMQ_ASSERT(queue->state == QUEUE_ACTIVE && !queue->in_flight); /* C2 */
    queue->last_pull_ns = env_mono_ns(consumer->env);
    if (consumer->suspended || queue->paused) {
        pull_later(queue, DELAY_SUSPENDED_NS);
        return;
    }
    if (flow_controlled(queue)) {
        pull_later(queue, DELAY_FLOW_NS);
        return;
    }
    struct span address =
        client_pull_address(client, queue->broker_name, queue->suggested_id, false, &id);
    if (address.len > 0) {
        send_pull(queue, address, id == 0);
    } else { /* the route, once more */
        queue->in_flight = true;
        consumer_ask_route(queue->topic->route, &queue->wait, on_route, queue);
    }
}
