/* broker/consume_stats.c - requests 202, 208, 303 and 317. Source: AdminBrokerProcessor of both
 * releases. */
#include "model/base/check.h"
#include "model/broker/broker_internal.h"

static struct body_queue queue_of(const struct scan *scan, struct span topic,
                                  const struct scan_row *row) {
    return (struct body_queue){
        .topic = topic, .broker_name = scan->broker->config.name, .queue_id = row->queue_id};
}

static void refuse_topic(struct broker *broker, const struct asker *asker, struct span topic) {
    struct outcome outcome;
    outcome_refuse(&outcome, RESPONSE_TOPIC_NOT_EXIST, "topic[", topic, "] not exist");
    answer_code(&broker->remoting, asker, outcome.code, outcome.remark);
}

/* ---- 202 ------------------------------------------------------------------------------------- */

static void write_topic_stats(struct scan *scan, struct buf *body) {
    struct json_writer json;
    size_t count;
    const struct scan_row *rows = scan_rows(scan, &count);
    struct span topic = scan_name(scan, &rows[0]);
    topic_stats_begin(&json, body);
    for (size_t i = 1; i < count; i++) {
        struct body_queue queue = queue_of(scan, topic, &rows[i]);
        struct topic_offset offset = {.min_offset = rows[i].min,
                                      .max_offset = rows[i].max,
                                      .last_update_ms =
                                          rows[i].max > 0 ? rows[i].ms[SCAN_LAST] : 0};
        topic_stats_queue(&json, &queue, &offset);
    }
    topic_stats_end(&json, scan->broker->config.profile_5_3 ? scan->tps : -1);
}

/* What 202 or 303 asks of a queue. */
typedef void ask_queue_fn(struct scan *scan, struct scan_row *row, struct span topic,
                          struct span group);

/* Answers by `write`, which finds a row of the topic, then one per queue. */
static void scan_topic(struct broker *broker, const struct asker *asker, struct span name,
                       struct span group, void (*write)(struct scan *, struct buf *),
                       ask_queue_fn *ask) {
    struct topic_config topic;
    if (topics_find(&broker->topics, name, &topic) != RMQ_OK) {
        refuse_topic(broker, asker, name);
        return;
    }
    struct scan *scan = scan_begin(broker, asker, write);
    if (scan == NULL)
        return;
    scan->tps = stats_topic_tps(&broker->stats, name);
    RMQ_IGNORE(scan_add(scan, SCAN_TOPIC, name) == NULL, "the scan answers that");
    for (int32_t id = 0; id < topic.write_queue_nums; id++) {
        struct scan_row *row = scan_add(scan, SCAN_QUEUE, SPAN_NONE);
        if (row == NULL)
            break;
        row->queue_id = id;
        row->min = store_min_offset(broker->store, name, id);
        row->max = store_max_offset(broker->store, name, id);
        ask(scan, row, name, group);
    }
    scan_run(scan);
}

static void ask_last(struct scan *scan, struct scan_row *row, struct span topic,
                     struct span group) {
    RMQ_ASSERT(scan != NULL && topic.len > 0 && span_is_absent(group));
    row->ask[SCAN_LAST] = row->max - 1;
}

void broker_on_topic_stats(struct broker *broker, struct channel *channel,
                           const struct wire_command *request) {
    struct asker asker = asker_of(channel, request);
    struct header_topic_stats header;
    if (scan_header(broker, &asker, request, &HEADER_topic_stats, &header))
        scan_topic(broker, &asker, header.topic, SPAN_NONE, write_topic_stats, ask_last);
}

/* ---- 208 and 317 ----------------------------------------------------------------------------- */

/* A group that subscribes something else now has left the topic behind. */
static bool is_left(const struct broker *broker, struct span group, struct span topic) {
    const struct client_group *clients = clients_find(&broker->clients, group);
    return clients != NULL && !list_is_empty(&clients->subscriptions) &&
           client_group_subscription(clients, topic) == NULL;
}

static void add_topic(struct scan *scan, struct span group, struct span name, bool write_queues) {
    struct broker *broker = scan->broker;
    struct topic_config topic;
    if (topics_find(&broker->topics, name, &topic) != RMQ_OK || is_left(broker, group, name))
        return;
    struct scan_row *row = scan_add(scan, SCAN_TOPIC, name);
    if (row == NULL)
        return;
    row->tps = stats_group_tps(&broker->stats, name, group);
    scan->tps += row->tps;
    int32_t queues = write_queues ? topic.write_queue_nums : topic.read_queue_nums;
    for (int32_t id = 0; id < queues; id++) {
        row = scan_add(scan, SCAN_QUEUE, SPAN_NONE);
        if (row == NULL)
            return;
        int64_t consumer = offsets_find(&broker->offsets, group, name, id);
        row->queue_id = id;
        row->max = store_max_offset(broker->store, name, id);
        row->consumer = consumer < 0 ? 0 : consumer;
        row->ask[SCAN_CONSUMED] = row->consumer - 1;
    }
}

/* The topics that a group has offsets of, which come one behind the other. */
struct topics_of_group {
    struct scan *scan;
    struct span group;
    struct span last; /* topic */
    bool write_queues;
    bool ordered_only;
};

static void on_offset(void *ctx, struct span topic, struct span group, int32_t queue_id,
                      int64_t offset) {
    struct topics_of_group *topics = ctx;
    RMQ_IGNORE(queue_id < 0 || offset < 0, "the queues are those of the topic");
    if (!span_equal(group, topics->group) || span_equal(topic, topics->last))
        return;
    struct topic_config config;
    topics->last = topic;
    if (topics->ordered_only &&
        (topics_find(&topics->scan->broker->topics, topic, &config) != RMQ_OK || !config.order))
        return;
    add_topic(topics->scan, group, topic, topics->write_queues);
}

static void write_queue(struct scan *scan, struct json_writer *json, struct span topic,
                        const struct scan_row *row) {
    struct body_queue queue = queue_of(scan, topic, row);
    struct consume_offset offset = {
        .broker_offset = row->max,
        .consumer_offset = row->consumer,
        .pull_offset = scan->broker->config.profile_5_3 ? row->consumer : INT64_C(-1),
        .last_ms = row->ms[SCAN_CONSUMED] > 0 ? row->ms[SCAN_CONSUMED] : 0};
    consume_stats_queue(json, &queue, &offset);
}

static void write_consume_stats(struct scan *scan, struct buf *body) {
    struct json_writer json;
    size_t count;
    const struct scan_row *rows = scan_rows(scan, &count);
    struct span topic = SPAN_NONE;
    json_writer_init(&json, body, JSON_STYLE_FASTJSON);
    consume_stats_begin(&json, scan->tps);
    for (size_t i = 0; i < count; i++) {
        if (rows[i].kind == SCAN_TOPIC)
            topic = scan_name(scan, &rows[i]);
        else
            write_queue(scan, &json, topic, &rows[i]);
    }
    consume_stats_end(&json);
}

void broker_on_consume_stats(struct broker *broker, struct channel *channel,
                             const struct wire_command *request) {
    struct asker asker = asker_of(channel, request);
    struct header_consume_stats header;
    if (!scan_header(broker, &asker, request, &HEADER_consume_stats, &header))
        return;
    struct scan *scan = scan_begin(broker, &asker, write_consume_stats);
    if (scan == NULL)
        return;
    struct topics_of_group topics = {.scan = scan, .group = header.consumer_group};
    if (header.topic.len > 0)
        add_topic(scan, header.consumer_group, header.topic, false);
    else
        offsets_each(&broker->offsets, on_offset, &topics);
    scan_run(scan);
}

static void on_group(void *ctx, const struct group *group) {
    struct topics_of_group *topics = ctx;
    topics->group = group->name;
    topics->last = SPAN_NONE;
    if (scan_add(topics->scan, SCAN_GROUP, group->name) != NULL)
        offsets_each(&topics->scan->broker->offsets, on_offset, topics);
}

/* Ends what the rows before row `i` have begun. */
static void end_open(struct json_writer *json, bool *topic, bool *group, bool group_too) {
    if (*topic)
        consume_stats_end(json);
    *topic = false;
    if (*group && group_too)
        broker_consume_stats_group_end(json);
    *group = *group && !group_too;
}

static void write_all_consume_stats(struct scan *scan, struct buf *body) {
    struct json_writer json;
    size_t count;
    const struct scan_row *rows = scan_rows(scan, &count);
    struct span topic = SPAN_NONE;
    bool in_topic = false, in_group = false;
    int64_t diff = 0, inflight = 0;
    broker_consume_stats_begin(&json, body, scan->broker->config.addr);
    for (size_t i = 0; i < count; i++) {
        if (rows[i].kind == SCAN_QUEUE) {
            write_queue(scan, &json, topic, &rows[i]);
            diff += rows[i].max - rows[i].consumer;
            continue;
        }
        end_open(&json, &in_topic, &in_group, rows[i].kind == SCAN_GROUP);
        if (rows[i].kind == SCAN_GROUP) {
            broker_consume_stats_group(&json, scan_name(scan, &rows[i]));
            in_group = true;
        } else {
            topic = scan_name(scan, &rows[i]);
            consume_stats_begin(&json, rows[i].tps);
            in_topic = true;
        }
    }
    end_open(&json, &in_topic, &in_group, true);
    broker_consume_stats_end(&json, diff, scan->broker->config.profile_5_3 ? &inflight : NULL);
}

void broker_on_all_consume_stats(struct broker *broker, struct channel *channel,
                                 const struct wire_command *request) {
    struct asker asker = asker_of(channel, request);
    struct header_broker_consume_stats header;
    if (!scan_header(broker, &asker, request, &HEADER_broker_consume_stats, &header))
        return;
    struct scan *scan = scan_begin(broker, &asker, write_all_consume_stats);
    if (scan == NULL)
        return;
    struct topics_of_group topics = {
        .scan = scan, .write_queues = true, .ordered_only = header.is_order};
    groups_each(&broker->groups, on_group, &topics);
    scan_run(scan);
}

/* ---- 303 ------------------------------------------------------------------------------------- */

static void write_time_spans(struct scan *scan, struct buf *body) {
    struct env *env = scan->broker->env;
    struct json_writer json;
    size_t count;
    const struct scan_row *rows = scan_rows(scan, &count);
    struct span topic = scan_name(scan, &rows[0]);
    time_span_begin(&json, body);
    for (size_t i = 1; i < count; i++) {
        const int64_t *ms = rows[i].ms;
        struct consume_time_span span = {
            .queue = queue_of(scan, topic, &rows[i]),
            .min_ms = ms[SCAN_FIRST],
            .max_ms = ms[SCAN_LAST],
            .consume_ms = rows[i].consumer > 0 ? ms[SCAN_CONSUMED] : ms[SCAN_FIRST],
            .delay_ms = ms[SCAN_NEXT] < 0 ? 0 : env_wall_ms(env) - ms[SCAN_NEXT]};
        time_span_queue(&json, &span, env_utc_offset_min(env));
    }
    time_span_end(&json);
}

static void ask_times(struct scan *scan, struct scan_row *row, struct span topic,
                      struct span group) {
    row->consumer = offsets_find(&scan->broker->offsets, group, topic, row->queue_id);
    row->ask[SCAN_FIRST] = row->max > row->min ? row->min : INT64_C(-1);
    row->ask[SCAN_LAST] = row->max - 1;
    row->ask[SCAN_CONSUMED] = row->consumer - 1;
    int64_t next = row->consumer < 0 ? row->min : row->consumer;
    row->ask[SCAN_NEXT] = next < row->max ? next : INT64_C(-1);
}

void broker_on_consume_time_span(struct broker *broker, struct channel *channel,
                                 const struct wire_command *request) {
    struct asker asker = asker_of(channel, request);
    struct header_consume_time_span header;
    if (scan_header(broker, &asker, request, &HEADER_consume_time_span, &header))
        scan_topic(broker, &asker, header.topic, header.group, write_time_spans, ask_times);
}
