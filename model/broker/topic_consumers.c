/* broker/topic_consumers.c - requests 300 (who consumes a topic) and 315 (one item of the
 * statistics). Source: AdminBrokerProcessor of both releases. */
#include "model/base/check.h"
#include "model/broker/broker_internal.h"

/* ---- 300 ------------------------------------------------------------------------------------- */

struct consumers {
    const struct broker *broker;
    struct json_writer json;
    struct span topic;
    struct span last; /* group */
};

static bool subscribes(const struct broker *broker, struct span group, struct span topic) {
    const struct client_group *clients = clients_find(&broker->clients, group);
    return clients != NULL && client_group_subscription(clients, topic) != NULL;
}

/* Those that subscribe it are written already. */
static void on_offset(void *ctx, struct span topic, struct span group, int32_t queue_id,
                      int64_t offset) {
    struct consumers *consumers = ctx;
    RMQ_IGNORE(queue_id < 0 || offset < 0, "only names count");
    if (!span_equal(topic, consumers->topic) || span_equal(group, consumers->last))
        return;
    consumers->last = group;
    if (!subscribes(consumers->broker, group, topic))
        json_string(&consumers->json, group);
}

void broker_on_topic_consumers(struct broker *broker, struct channel *channel,
                               const struct wire_command *request) {
    struct asker asker = asker_of(channel, request);
    struct header_topic_stats header;
    struct buf body;
    if (!scan_header(broker, &asker, request, &HEADER_topic_stats, &header))
        return;
    struct consumers consumers = {.broker = broker, .topic = header.topic};
    buf_init(&body, broker->env);
    group_list_begin(&consumers.json, &body);
    struct client_group *group, *following;
    HASH_ITER(hh, broker->clients.consumers, group, following) {
        if (client_group_subscription(group, header.topic) != NULL)
            json_string(&consumers.json, group->name);
    }
    offsets_each(&broker->offsets, on_offset, &consumers);
    group_list_end(&consumers.json);
    answer_body(&broker->remoting, &asker, &body);
    buf_deinit(&body);
}

/* ---- 315 ------------------------------------------------------------------------------------- */

void broker_on_stats_data(struct broker *broker, struct channel *channel,
                          const struct wire_command *request) {
    struct asker asker = asker_of(channel, request);
    struct header_stats_data header;
    struct broker_stats_data data;
    struct outcome outcome;
    struct buf body;
    if (!scan_header(broker, &asker, request, &HEADER_stats_data, &header))
        return;
    if (!stats_find(&broker->stats, header.stats_name, header.stats_key, broker->config.cluster,
                    &data)) {
        outcome_refuse(&outcome, RESPONSE_SYSTEM_ERROR, "The stats <", header.stats_name, "> <");
        outcome_span(&outcome, header.stats_key);
        outcome_text(&outcome, "> not exist");
        answer_code(&broker->remoting, &asker, outcome.code, outcome.remark);
        return;
    }
    buf_init(&body, broker->env);
    broker_stats_data_write(&body, &data);
    answer_body(&broker->remoting, &asker, &body);
    buf_deinit(&body);
}
