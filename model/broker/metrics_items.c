/* broker/metrics_items.c - what the exporter makes of 315, 202, 208 and 328. */
#include "model/broker/metrics_items.h"

#include "model/base/exposition.h"
#include "model/broker/broker_internal.h"

static void label_broker(struct exposition *x, const struct broker *broker) {
    exposition_label(x, "cluster", broker->config.cluster);
    exposition_label(x, "broker", broker->config.name);
}

/* ---- items of the statistics (315) ----------------------------------------------------------- */

struct item_metric {
    const char *name;
    enum stats_kind kind;
    enum stats_field field;
    bool is_sum; /* of the last minute; else per second */
    const char *help;
};
static const struct item_metric ITEM_METRICS[] = {
    {"rocketmq_producer_tps", STATS_TOPIC_PUT, STATS_NUMS, false, "Messages stored per second."},
    {"rocketmq_producer_message_size", STATS_TOPIC_PUT, STATS_SIZE, false,
     "Bytes stored per second."},
    {"rocketmq_consumer_tps", STATS_GROUP_GET, STATS_NUMS, false, "Messages pulled per second."},
    {"rocketmq_consumer_message_size", STATS_GROUP_GET, STATS_SIZE, false,
     "Bytes pulled per second."},
    {"rocketmq_send_back_nums", STATS_SEND_BACK, STATS_NUMS, true,
     "Messages sent back in the last minute."},
};

struct items {
    struct broker *broker;
    const struct item_metric *metric;
    struct exposition x;
};

static void on_item(void *ctx, enum stats_kind kind, struct span topic, struct span group,
                    struct stats_item *item) {
    struct items *items = ctx;
    struct stats *stats = &items->broker->stats;
    if (kind != items->metric->kind)
        return;
    struct broker_stats_window window =
        stats_item_window(item, &stats->grid, items->metric->field, STATS_MINUTE);
    exposition_sample(&items->x, "");
    label_broker(&items->x, items->broker);
    exposition_label(&items->x, "topic", topic);
    if (!span_is_absent(group))
        exposition_label(&items->x, "group", group);
    if (items->metric->is_sum)
        exposition_number(&items->x, window.sum);
    else
        exposition_decimal(&items->x, window.tps);
}

static void put_broker_rate(struct broker *broker, const char *name, const char *help,
                            struct stats_item *item, struct buf *out) {
    struct exposition x;
    exposition_metric(&x, out, name, "gauge", help);
    if (item == NULL)
        return;
    exposition_sample(&x, "");
    exposition_label(&x, "cluster", broker->config.cluster);
    exposition_label(&x, "brokerIP", broker->config.addr);
    exposition_label(&x, "broker", broker->config.name);
    exposition_decimal(&x,
                       stats_item_window(item, &broker->stats.grid, STATS_NUMS, STATS_MINUTE).tps);
}

/* ---- offsets (202, 208) ---------------------------------------------------------------------- */

static const struct {
    const char *name, *prefix, *label;
} TOPIC_OFFSETS[] = {
    {"rocketmq_producer_offset", "", "topic"},
    {"rocketmq_topic_retry_offset", "%RETRY%", "topic"},
    {"rocketmq_topic_dlq_offset", "%DLQ%", "group"},
};

/* Which of the three a topic is. */
static size_t class_of(struct span topic) {
    if (span_starts_with(topic, SPAN_LITERAL("%RETRY%")))
        return 1;
    return span_starts_with(topic, SPAN_LITERAL("%DLQ%")) ? 2 : 0;
}

static void put_topic_offsets(const struct broker *broker, size_t of, struct buf *out) {
    struct exposition x;
    exposition_metric(&x, out, TOPIC_OFFSETS[of].name, "gauge", "Sum of the queues' max offsets.");
    for (size_t i = 0; i < topics_count(&broker->topics); i++) {
        struct topic_config topic = topics_at(&broker->topics, i);
        int64_t sum = 0;
        if (class_of(topic.name) != of)
            continue;
        for (int32_t id = 0; id < topic.write_queue_nums; id++)
            sum += store_max_offset(broker->store, topic.name, id);
        exposition_sample(&x, "");
        label_broker(&x, broker);
        exposition_label(&x, TOPIC_OFFSETS[of].label,
                         span_from(topic.name, of == 2 ? strlen(TOPIC_OFFSETS[of].prefix) : 0));
        exposition_number(&x, sum);
    }
}

static const char *const DIFFS[] = {"rocketmq_group_diff", "rocketmq_group_retrydiff",
                                    "rocketmq_group_dlqdiff"};

struct progress_metric {
    const struct broker *broker;
    struct exposition x;
    struct span topic, group; /* of the last entry */
    bool diff;                /* else the sum of offsets */
    size_t of;                /* diff: class of topics */
};

/* Over the queues that 208 lists; false: it does not list the topic. */
static bool sum_up(const struct broker *broker, struct span name, struct span group,
                   int64_t *committed, int64_t *behind) {
    struct topic_config topic;
    const struct client_group *clients = clients_find(&broker->clients, group);
    if (topics_find(&broker->topics, name, &topic) != RMQ_OK ||
        (clients != NULL && !list_is_empty(&clients->subscriptions) &&
         client_group_subscription(clients, name) == NULL))
        return false;
    *committed = *behind = 0;
    for (int32_t id = 0; id < topic.read_queue_nums; id++) {
        int64_t offset = offsets_find(&broker->offsets, group, name, id);
        offset = offset < 0 ? 0 : offset;
        *committed += offset;
        *behind += store_max_offset(broker->store, name, id) - offset;
    }
    return true;
}

static void on_progress(void *ctx, struct span topic, struct span group, int32_t queue_id,
                        int64_t offset) {
    struct progress_metric *m = ctx;
    int64_t committed, behind;
    RMQ_IGNORE(queue_id < 0 || offset < 0, "one sample per topic and group");
    if (span_equal(topic, m->topic) && span_equal(group, m->group))
        return;
    m->topic = topic;
    m->group = group;
    if ((m->diff && class_of(topic) != m->of) ||
        !sum_up(m->broker, topic, group, &committed, &behind))
        return;
    const struct client_group *clients = clients_find(&m->broker->clients, group);
    exposition_sample(&m->x, "");
    if (!m->diff)
        label_broker(&m->x, m->broker);
    exposition_label(&m->x, "topic", topic);
    exposition_label(&m->x, "group", group);
    if (m->diff) {
        exposition_label_number(&m->x, "countOfOnlineConsumers",
                                clients == NULL ? 0 : (int64_t)clients->member_count);
        exposition_label_number(&m->x, "msgModel",
                                clients == NULL || clients->model == MODEL_CLUSTERING);
    }
    exposition_number(&m->x, m->diff ? behind : committed);
}

/* ---- clients (328, 203) ---------------------------------------------------------------------- */

static void put_producers(const struct broker *broker, struct buf *out) {
    struct exposition x;
    struct client_group *group, *following;
    exposition_metric(&x, out, "rocketmq_producer_count", "gauge",
                      "Connections of a producer group.");
    HASH_ITER(hh, broker->clients.producers, group, following) {
        exposition_sample(&x, "");
        label_broker(&x, broker);
        exposition_label(&x, "group", group->name);
        exposition_count(&x, group->member_count);
    }
}

static void put_consumers(const struct broker *broker, struct buf *out) {
    struct exposition x;
    struct client_group *group, *following;
    struct buf addresses;
    buf_init(&addresses, broker->env);
    exposition_metric(&x, out, "rocketmq_group_count", "gauge", "Members of a consumer group.");
    HASH_ITER(hh, broker->clients.consumers, group, following) {
        buf_clear(&addresses);
        LIST_EACH(&group->members, link, next) {
            const struct client_member *member = LIST_ENTRY(link, struct client_member, in_group);
            if (addresses.len > 0)
                buf_put_u8(&addresses, ',');
            buf_put_text(&addresses, channel_peer(member->client->channel));
        }
        out->failed |= buf_failed(&addresses);
        exposition_sample(&x, "");
        exposition_label(&x, "caddr", buf_span(&addresses));
        exposition_label(&x, "localaddr", broker->config.addr);
        exposition_label(&x, "group", group->name);
        exposition_count(&x, group->member_count);
    }
    buf_deinit(&addresses);
}

void metrics_items_write(struct broker *broker, struct buf *out) {
    struct stats *stats = &broker->stats;
    put_broker_rate(broker, "rocketmq_broker_tps", "Messages stored per second.", stats->put, out);
    put_broker_rate(broker, "rocketmq_broker_qps", "Messages pulled per second.", stats->get, out);
    for (size_t i = 0; i < sizeof ITEM_METRICS / sizeof ITEM_METRICS[0]; i++) {
        struct items items = {.broker = broker, .metric = &ITEM_METRICS[i]};
        exposition_metric(&items.x, out, ITEM_METRICS[i].name, "gauge", ITEM_METRICS[i].help);
        stats_each(stats, on_item, &items);
    }
    for (size_t of = 0; of < 3; of++)
        put_topic_offsets(broker, of, out);
    struct progress_metric progress = {.broker = broker};
    exposition_metric(&progress.x, out, "rocketmq_consumer_offset", "gauge",
                      "Sum of the committed offsets.");
    offsets_each(&broker->offsets, on_progress, &progress);
    for (size_t of = 0; of < 3; of++) {
        struct progress_metric diff = {.broker = broker, .diff = true, .of = of};
        exposition_metric(&diff.x, out, DIFFS[of], "gauge", "Messages that wait for the group.");
        offsets_each(&broker->offsets, on_progress, &diff);
    }
    put_producers(broker, out);
    put_consumers(broker, out);
}
