/* client/consumer.c - start, stop, suspend and resume of a consumer.
 *
 * Start (client.md 14.1): the local offsets where there are some, the routes of all topics,
 * heartbeats, the first rebalance. Stop (14.4): listeners lose what they have, progress is sent
 * (oneway) or written, the brokers are told. */
#include "model/client/consumer.h"

#include "model/base/check.h"
#include "model/client/consumer_internal.h"
#include "model/events.h"
#include "model/wire/body_heartbeat.h"

#define CHECK_TIMEOUT_NS (3000 * CONSUMER_MS)

static void hook_topics(void *ctx, void (*each)(void *ctx, struct span topic), void *each_ctx) {
    const struct consumer *consumer = ctx;
    for (size_t i = 0; i < consumer->topic_count; i++)
        each(each_ctx, consumer->topics[i]->name);
}

/* Seen by the next rebalance, which looks at the cached route (client.md 4.3). */
static void hook_route_changed(void *ctx, struct span topic) {
    (void)ctx;
    (void)topic;
}

static void hook_members_changed(void *ctx) {
    rebalance_soon(ctx);
}

static void hook_discard(void *ctx);

static const struct client_consumer_hooks HOOKS = {
    .heartbeat = consumer_heartbeat,
    .topics = hook_topics,
    .route_changed = hook_route_changed,
    .members_changed = hook_members_changed,
    .persist = consumer_persist,
    .discard = hook_discard,
};

/* ---- start ----------------------------------------------------------------------------------- */

static void on_route(void *ctx, int status);

/* Nothing is consumed: as Java's start, which throws then. */
static void refuse_start(struct consumer *consumer, const struct consumer_topic *topic,
                         const struct wire_command *response) {
    event_consumer_filter_refused(consumer->env, consumer->group, topic->name, response->code,
                                  response->remark);
    env_log(consumer->env, ENV_LOG_ERROR, "consumer: group %.*s, topic %.*s: %.*s",
            (int)consumer->group.len, (const char *)consumer->group.data, (int)topic->name.len,
            (const char *)topic->name.data, (int)response->remark.len,
            (const char *)response->remark.data);
}

static void check_next(struct consumer *consumer);

/* Differs: when no broker answers, the pulls will tell; Java's start throws. */
static void on_checked(void *ctx, int status, const struct wire_command *response) {
    struct consumer *consumer = ctx;
    const struct consumer_topic *topic = consumer->topics[consumer->check_at++];
    consumer->checking = false;
    if (status == RMQ_OK && response->code != RESPONSE_SUCCESS)
        refuse_start(consumer, topic, response);
    else
        check_next(consumer);
}

/* A broker of the topic is asked about its expression (46), as by Java's start. */
static bool ask_broker(struct consumer *consumer, const struct consumer_topic *topic) {
    const struct check_client check = {.client_id = client_id(consumer->client),
                                       .group = consumer->group,
                                       .has_subscription = true,
                                       .subscription = {.topic = topic->name,
                                                        .expression = topic->expression,
                                                        .type = topic->type,
                                                        .version = topic->version}};
    struct span address = client_any_address(consumer->client, topic->name);
    struct wire_command request;
    struct buf body;
    buf_init(&body, consumer->env);
    bool asks = address.len > 0 && check_client_write(consumer->env, &body, &check) == RMQ_OK;
    if (asks) {
        wire_command_init(&request, REQUEST_CHECK_CLIENT_CONFIG);
        request.body = buf_span(&body);
        consumer->checking = true;
        remoting_call(&consumer->client->remoting, address, &request, REMOTING_SYNC,
                      CHECK_TIMEOUT_NS, on_checked, consumer);
    }
    buf_deinit(&body);
    return asks;
}

static void check_next(struct consumer *consumer) {
    while (consumer->check_at < consumer->topic_count) {
        const struct consumer_topic *topic = consumer->topics[consumer->check_at];
        if (!subscription_is_tag_type(topic->type) && ask_broker(consumer, topic))
            return;
        consumer->check_at++;
    }
    client_heartbeat_now(consumer->client);
    consumer->started = true;
    rebalance_soon(consumer);
}

static void check_cancel(struct consumer *consumer) {
    if (consumer->checking)
        remoting_cancel(&consumer->client->remoting, consumer);
    consumer->checking = false;
}

static void start_next(struct consumer *consumer) {
    if (consumer->start_at < consumer->topic_count) {
        consumer_ask_route(consumer->topics[consumer->start_at]->route, &consumer->start_wait,
                           on_route, consumer);
        return;
    }
    check_next(consumer);
}

static void on_route(void *ctx, int status) {
    struct consumer *consumer = ctx;
    (void)status; /* the poll asks again */
    consumer->start_at++;
    start_next(consumer);
}

void consumer_run(struct consumer *consumer) {
    start_next(consumer);
}

static void consumer_free(struct consumer *consumer) {
    local_offsets_close(consumer->local_offsets);
    consumer_config_free(consumer);
    env_free(consumer->env, consumer);
}

static void consumer_init(struct consumer *consumer, struct client *client,
                          const struct consumer_listener *listener, void *ctx) {
    *consumer =
        (struct consumer){.client = client, .env = client->env, .listener = listener, .ctx = ctx};
    list_init(&consumer->ready);
    list_init(&consumer->retries);
    list_init(&consumer->orphans);
    list_init(&consumer->start_wait.link);
    list_init(&consumer->rebalance.wait.link);
}

/* The client's start fails: it has no queue yet. */
static void hook_discard(void *ctx) {
    struct consumer *consumer = ctx;
    RMQ_ASSERT(consumer->queue_count == 0 && list_is_empty(&consumer->ready));
    rebalance_stop(consumer);
    client_route_cancel(&consumer->start_wait);
    check_cancel(consumer);
    env_timer_stop(consumer->env, &consumer->retry_timer);
    list_remove(&consumer->member.link);
    consumer_free(consumer);
}

/* The instance takes it, unless its group is there already. */
static int join(struct consumer *consumer) {
    consumer->member =
        (struct client_consumer){.group = consumer->group, .hooks = &HOOKS, .consumer = consumer};
    return client_consumer_add(consumer->client, &consumer->member);
}

int consumer_start(struct client *client, const struct props *config,
                   const struct consumer_listener *listener, void *ctx, struct consumer **out) {
    struct consumer *consumer = env_alloc(client->env, sizeof *consumer);
    if (consumer == NULL)
        return RMQ_E_NOMEM;
    consumer_init(consumer, client, listener, ctx);
    int err = consumer_configure(consumer, config);
    bool broadcasting = consumer->config.broadcasting;
    if (err == RMQ_OK && broadcasting)
        err = local_offsets_open(consumer, props_get(config, "localOffsetStoreDir"));
    if (err == RMQ_OK)
        err = join(consumer);
    if (err != RMQ_OK) {
        consumer_free(consumer);
        return err;
    }
    *out = consumer;
    if (broadcasting)
        local_offsets_load(consumer->local_offsets);
    else
        consumer_run(consumer);
    return RMQ_OK;
}

/* ---- stop ------------------------------------------------------------------------------------ */

static void release_all(struct consumer *consumer) {
    rebalance_stop(consumer);
    client_route_cancel(&consumer->start_wait);
    check_cancel(consumer);
    if (consumer_is_lite(consumer) && consumer->config.auto_commit)
        lite_auto_commit(consumer);
    if (consumer->config.broadcasting)
        local_offsets_save(consumer);
    for (size_t i = 0; i < consumer->topic_count; i++) {
        LIST_EACH(&consumer->topics[i]->queues, link, following) {
            struct consumer_queue *queue = LIST_ENTRY(link, struct consumer_queue, link);
            consumer_queue_release(queue, queue->state == QUEUE_ACTIVE, "stop");
        }
    }
    RMQ_ASSERT(consumer->queue_count == 0 && list_is_empty(&consumer->ready));
    env_timer_stop(consumer->env, &consumer->retry_timer);
}

/* What listeners still have no longer knows it (C4). */
static void leave_orphans(struct consumer *consumer) {
    while (!list_is_empty(&consumer->orphans)) {
        struct pulled *pulled = LIST_ENTRY(consumer->orphans.next, struct pulled, link);
        list_remove(&pulled->link);
        pulled->consumer = NULL;
    }
}

void consumer_stop_step(struct consumer *consumer) {
    void (*stopped)(void *ctx) = consumer->stopped;
    void *ctx = consumer->stopped_ctx;
    RMQ_ASSERT(consumer->stopping);
    if (!consumer->released) {
        consumer->released = true;
        release_all(consumer);
    }
    if (local_offsets_saving(consumer->local_offsets))
        return;
    leave_orphans(consumer);
    client_unregister(consumer->client, consumer->group, true);
    client_consumer_remove(consumer->client, &consumer->member);
    consumer_free(consumer);
    if (stopped != NULL)
        stopped(ctx);
}

void consumer_stop(struct consumer *consumer, void (*stopped)(void *ctx), void *ctx) {
    RMQ_ASSERT(!consumer->stopping);
    consumer->stopping = true;
    consumer->stopped = stopped;
    consumer->stopped_ctx = ctx;
    if (!consumer->pumping)
        consumer_stop_step(consumer);
}

/* ---- suspend --------------------------------------------------------------------------------- */

void consumer_suspend(struct consumer *consumer) {
    consumer->suspended = true;
}

void consumer_resume(struct consumer *consumer) {
    consumer->suspended = false;
    rebalance_soon(consumer);
}

struct span consumer_group_name(const struct consumer *consumer) {
    return consumer->group;
}
