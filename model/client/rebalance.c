/* client/rebalance.c - which queues are this member's.
 *
 * Every 20 s after the end of the last run, at the start, when brokers say that the members changed
 * and at resume: topic by topic the member list is asked for, every member computes the same shares
 * from it, and the consumer's queues follow its own. What can't be found out leaves everything as
 * it is. A changed route alone does not begin a run (client.md 4.3). Source: client.md 15;
 * RebalanceImpl.java, RebalanceService.java. Differs: consumers do not wait for each other
 * (30.17), nor a run for the questions where new queues start. */
#include "model/base/check.h"
#include "model/base/json.h"
#include "model/client/consumer_internal.h"
#include "model/events.h"

#define WAIT_NS (20000 * CONSUMER_MS)       /* T-REB */
#define MIN_NS (1000 * CONSUMER_MS)         /* T-REB-MIN of 5.3 */
#define PULL_IDLE_NS (120000 * CONSUMER_MS) /* T-PULL-IDLE */

static void run_next(struct consumer *consumer);

/* ---- applying a share (15.3) ----------------------------------------------------------------- */

struct share {
    struct topic_queue *queues; /* all of the topic, sorted */
    bool *mine;                 /* of each; cleared for those that we have */
    size_t count;
    size_t members;
    struct span *ids;
    void *memory;
};

/* An attempt to pull lies this far back: the answer was lost. */
static bool is_idle(const struct consumer_queue *queue) {
    return queue->state == QUEUE_ACTIVE &&
           env_mono_ns(queue->consumer->env) - queue->last_pull_ns > PULL_IDLE_NS;
}

/* Both are in the same order. */
static bool remove_others(struct consumer_topic *topic, struct share *share) {
    bool changed = false;
    size_t at = 0;
    LIST_EACH(&topic->queues, link, following) {
        struct consumer_queue *queue = LIST_ENTRY(link, struct consumer_queue, link);
        struct topic_queue key = {topic->name, queue->broker_name, queue->id};
        while (at < share->count && topic_queue_compare(&share->queues[at], &key) < 0)
            at++;
        bool mine = at < share->count && topic_queue_compare(&share->queues[at], &key) == 0 &&
                    share->mine[at];
        if (mine && !is_idle(queue)) {
            share->mine[at] = false;
        } else if (mine || !env_plant(topic->consumer->env, PLANT_CONSUMER_KEEP_QUEUE)) {
            consumer_queue_release(queue, queue->state == QUEUE_ACTIVE,
                                   mine ? "expired" : "rebalance");
            changed = true;
        }
    }
    return changed;
}

static bool add_mine(struct consumer_topic *topic, const struct share *share) {
    bool changed = false;
    for (size_t i = 0; i < share->count; i++) {
        if (!share->mine[i])
            continue;
        int err = consumer_queue_add(topic, share->queues[i].broker_name, share->queues[i].id);
        if (err != RMQ_OK) /* with the next run */
            env_log(topic->consumer->env, ENV_LOG_WARN, "consumer: queue: %s", rmq_err_text(err));
        changed = true;
    }
    return changed;
}

static size_t count_mine(const struct share *share) {
    size_t count = 0;
    for (size_t i = 0; i < share->count; i++)
        count += share->mine[i];
    return count;
}

static void apply(struct consumer_topic *topic, struct share *share) {
    static const char *const NAMES[] = ALLOCATE_STRATEGY_NAMES;
    struct consumer *consumer = topic->consumer;
    const char *strategy = consumer->config.broadcasting ? "ALL" : NAMES[consumer->config.strategy];
    size_t mine = count_mine(share);
    bool changed = remove_others(topic, share);
    bool more = count_mine(share) > 0;
    if (!changed && !more)
        return;
    event_consumer_rebalanced(consumer->env, consumer->group, topic->name, share->members,
                              share->count, mine, span_of_text(strategy), topic->subscribed);
    topic->version = env_wall_ms(consumer->env);
    consumer->rebalance.ever = true;
    client_heartbeat_now(consumer->client); /* brokers learn it before the new queues' pulls come */
    if (more)
        add_mine(topic, share);
}

/* ---- computing it ---------------------------------------------------------------------------- */

/* Queues of the topic and room for `members` ids. RMQ_E_NOT_FOUND: no queue is known. */
static int share_init(struct share *share, struct consumer_topic *topic, size_t members) {
    struct env *env = topic->consumer->env;
    const struct route_choice *choice;
    int err = client_subscribe_queues(topic->route, &choice);
    if (err != RMQ_OK)
        return err;
    if (choice->count == 0)
        return RMQ_E_NOT_FOUND;
    size_t queues = choice->count * sizeof(struct topic_queue);
    size_t ids = members * sizeof(struct span);
    uint8_t *memory = env_alloc(env, queues + ids + choice->count * sizeof(bool));
    if (memory == NULL)
        return RMQ_E_NOMEM;
    *share = (struct share){.queues = (struct topic_queue *)(void *)memory,
                            .ids = (struct span *)(void *)(memory + queues),
                            .mine = (bool *)(memory + queues + ids),
                            .count = choice->count,
                            .members = members,
                            .memory = memory};
    for (size_t i = 0; i < choice->count; i++) {
        share->queues[i] = (struct topic_queue){topic->name, choice->queues[i].broker_name,
                                                choice->queues[i].queue_id};
        share->mine[i] = true;
    }
    err = allocate_sort_queues(env, share->queues, share->count);
    if (err != RMQ_OK)
        env_free(env, memory);
    return err;
}

static void take_all(struct consumer_topic *topic) {
    struct share share;
    if (share_init(&share, topic, 0) != RMQ_OK)
        return;
    apply(topic, &share);
    env_free(topic->consumer->env, share.memory);
}

/* `ids`: "id\0" each. */
static int take_share(struct consumer_topic *topic, struct span ids, size_t members) {
    struct consumer *consumer = topic->consumer;
    struct share share;
    int err = share_init(&share, topic, members);
    if (err != RMQ_OK)
        return err;
    for (size_t i = 0; i < members; i++) {
        share.ids[i] = span_of_text((const char *)ids.data);
        ids = span_from(ids, share.ids[i].len + 1);
    }
    err = allocate_sort_members(consumer->env, share.ids, members);
    struct allocation input = {.strategy = consumer->config.strategy,
                               .rooms = consumer->config.rooms,
                               .virtual_nodes = ALLOCATE_VIRTUAL_NODES,
                               .queues = share.queues,
                               .queue_count = share.count,
                               .members = share.ids,
                               .member_count = members,
                               .self = client_id(consumer->client)};
    if (err == RMQ_OK)
        err = allocate(consumer->env, &input, share.mine);
    if (err == RMQ_OK)
        apply(topic, &share);
    env_free(consumer->env, share.memory);
    return err;
}

/* {"consumerIdList":["id",...]}: appends "id\0" each to `out`. */
static int read_ids(struct span body, struct buf *scratch, struct buf *out, size_t *count) {
    struct json_reader reader;
    bool inside = false;
    json_reader_init(&reader, body);
    for (;;) {
        struct span text;
        switch (json_next(&reader)) {
        case JSON_END:
            return buf_failed(out) ? RMQ_E_NOMEM : RMQ_OK;
        case JSON_ERROR:
            return reader.error;
        case JSON_KEY:
            inside = json_text_equals(&reader, SPAN_LITERAL("consumerIdList"));
            break;
        case JSON_STRING:
            if (!inside)
                break;
            buf_clear(scratch);
            int err = json_text(&reader, scratch, &text);
            if (err != RMQ_OK)
                return err;
            if (text.len == 0 || memchr(text.data, 0, text.len) != NULL)
                return RMQ_E_INVALID;
            buf_put_span(out, text);
            buf_put_u8(out, 0);
            (*count)++;
            break;
        default:
            break;
        }
    }
}

static void take_members(struct consumer_topic *topic, const struct wire_command *response) {
    struct env *env = topic->consumer->env;
    struct buf scratch, ids;
    size_t count = 0;
    buf_init(&scratch, env);
    buf_init(&ids, env);
    int err = read_ids(response->body, &scratch, &ids, &count);
    if (err == RMQ_OK && count > 0)
        err = take_share(topic, buf_span(&ids), count);
    if (err != RMQ_OK)
        env_log(env, ENV_LOG_WARN, "consumer: members of %.*s: %s", (int)topic->consumer->group.len,
                (const char *)topic->consumer->group.data, rmq_err_text(err));
    buf_deinit(&scratch);
    buf_deinit(&ids);
}

/* ---- a run ----------------------------------------------------------------------------------- */

static void on_due(struct env *env, struct env_timer *timer);

static void arm(struct consumer *consumer, uint64_t delay_ns) {
    env_timer_start(consumer->env, &consumer->rebalance.timer, delay_ns, on_due);
}

static void run_end(struct consumer *consumer) {
    struct rebalance *rebalance = &consumer->rebalance;
    rebalance->running = false;
    arm(consumer, env_buggify(consumer->env, BUGGIFY_CONSUMER_REBALANCE) ? CONSUMER_MS : WAIT_NS);
    if (rebalance->again)
        rebalance_soon(consumer);
    consume_pump(consumer);
}

static void topic_done(struct consumer *consumer) {
    consumer->rebalance.at++;
    consumer->rebalance.route_asked = false;
    run_next(consumer);
}

static void on_members(void *ctx, int status, const struct wire_command *response) {
    struct rebalance *rebalance = ctx;
    struct consumer *consumer = RMQ_CONTAINER_OF(rebalance, struct consumer, rebalance);
    if (status == RMQ_OK && response->code == RESPONSE_SUCCESS)
        take_members(consumer->topics[rebalance->at], response);
    topic_done(consumer);
}

static void on_route(void *ctx, int status) {
    (void)status; /* what is known now decides */
    run_next(ctx);
}

/* Asks a broker of the topic who is in the group. */
static void ask_members(struct consumer *consumer, struct consumer_topic *topic) {
    struct rebalance *rebalance = &consumer->rebalance;
    struct client *client = consumer->client;
    struct span address = client_any_address(client, topic->name);
    if (address.len == 0 && !rebalance->route_asked) {
        rebalance->route_asked = true;
        consumer_ask_route(topic->route, &rebalance->wait, on_route, consumer);
        return;
    }
    if (address.len == 0) {
        topic_done(consumer);
        return;
    }
    struct header_consumer_group header = {.consumer_group = consumer->group};
    struct wire_command request;
    struct buf numbers; /* the header has none */
    buf_init(&numbers, NULL);
    wire_command_init(&request, REQUEST_GET_CONSUMER_LIST_BY_GROUP);
    int err = header_encode(&HEADER_consumer_group, &header, &request, &numbers);
    RMQ_ASSERT(err == RMQ_OK);
    remoting_call(&client->remoting, address, &request, REMOTING_SYNC,
                  client->api_timeout_ms * CONSUMER_MS, on_members, rebalance);
}

static void run_next(struct consumer *consumer) {
    struct rebalance *rebalance = &consumer->rebalance;
    while (rebalance->at < consumer->topic_count) {
        struct consumer_topic *topic = consumer->topics[rebalance->at];
        if (!topic->assigned && !consumer->config.broadcasting) {
            ask_members(consumer, topic);
            return;
        }
        if (!topic->assigned)
            take_all(topic);
        rebalance->at++;
    }
    run_end(consumer);
}

static void on_due(struct env *env, struct env_timer *timer) {
    struct rebalance *rebalance = RMQ_CONTAINER_OF(timer, struct rebalance, timer);
    struct consumer *consumer = RMQ_CONTAINER_OF(rebalance, struct consumer, rebalance);
    RMQ_ASSERT(!rebalance->running);
    if (rebalance->ever && env_plant(env, PLANT_CONSUMER_NO_REBALANCE))
        return;
    rebalance->running = true;
    rebalance->again = rebalance->route_asked = false;
    rebalance->begin_ns = env_mono_ns(env);
    rebalance->at = consumer->suspended ? consumer->topic_count : 0;
    run_next(consumer);
}

void rebalance_soon(struct consumer *consumer) {
    struct rebalance *rebalance = &consumer->rebalance;
    uint64_t now = env_mono_ns(consumer->env), delay = 0;
    if (consumer->stopping || !consumer->started)
        return;
    if (rebalance->running) {
        rebalance->again = true;
        return;
    }
    if (consumer->client->profile_5_3 && rebalance->begin_ns != 0 &&
        now - rebalance->begin_ns < MIN_NS)
        delay = rebalance->begin_ns + MIN_NS - now;
    arm(consumer, delay);
}

void rebalance_stop(struct consumer *consumer) {
    struct rebalance *rebalance = &consumer->rebalance;
    env_timer_stop(consumer->env, &rebalance->timer);
    client_route_cancel(&rebalance->wait);
    remoting_cancel(&consumer->client->remoting, rebalance);
    rebalance->running = false;
}
