/* broker/queue_units.c - request 321: units of a consume queue, for those who look into a store.
 * Source: AdminBrokerProcessor.queryConsumeQueue of both releases; observed: queryCq in the
 * captures. */
#include "model/base/check.h"
#include "model/broker/broker_internal.h"

#define UNIT_BYTES 20

static const struct client_subscription *subscription_of(const struct scan *scan, struct span topic,
                                                         struct span group) {
    const struct client_group *clients = clients_find(&scan->broker->clients, group);
    return clients == NULL ? NULL : client_group_subscription(clients, topic);
}

/* SubscriptionData as JSON, absent without one. */
static struct span write_subscription(struct scan *scan, const struct client_subscription *from,
                                      struct buf *out) {
    struct json_writer json;
    const struct heartbeat_subscription subscription = {.topic = from->topic,
                                                        .expression = from->expression,
                                                        .type = from->type,
                                                        .version = from->version,
                                                        .class_filter = from->class_filter};
    json_writer_init(&json, out, JSON_STYLE_FASTJSON);
    int err = subscription_write(&json, scan->broker->env, &subscription);
    return err == RMQ_OK && !buf_failed(out) ? buf_span(out) : SPAN_NONE;
}

static void write_units(struct scan *scan, struct buf *body) {
    struct span texts = buf_span(&scan->text), topic = span_of(texts.data, scan->topic_len);
    struct span group = span_from(texts, scan->topic_len), why = SPAN_NONE;
    const struct client_subscription *wanted =
        group.len == 0 ? NULL : subscription_of(scan, topic, group);
    struct queue_units_info info = {
        .min_index = store_min_offset(scan->broker->store, topic, scan->queue_id),
        .max_index = store_max_offset(scan->broker->store, topic, scan->queue_id)};
    struct json_writer json;
    struct outcome offline;
    struct buf subscription;
    buf_init(&subscription, scan->broker->env);
    if (wanted != NULL) {
        why = SPAN_LITERAL("null"); /* no filter data beside the subscription */
    } else if (group.len > 0) {
        outcome_refuse(&offline, RESPONSE_SUCCESS, "", group, "@");
        outcome_span(&offline, topic);
        outcome_text(&offline, " is not online!");
        why = offline.remark;
    }
    info.filter_data = why;
    queue_units_begin(&json, body, &info);
    struct span_reader units = {.rest = buf_span(&scan->lookup.records)};
    for (uint32_t i = 0; i < scan->lookup.count; i++) {
        struct queue_unit_data unit = {.physic_offset = read_i64(&units)};
        unit.physic_size = read_i32(&units);
        unit.tags_code = read_i64(&units);
        unit.eval = wanted != NULL && subscription_matches_code(&wanted->compiled, unit.tags_code);
        queue_units_unit(&json, &unit);
    }
    queue_units_end(&json,
                    wanted == NULL ? SPAN_NONE : write_subscription(scan, wanted, &subscription));
    buf_deinit(&subscription);
}

static void answer_not_there(struct scan *scan) {
    struct outcome outcome;
    outcome_init(&outcome, RESPONSE_SUCCESS);
    outcome_text(&outcome, "Index ");
    outcome_number(&outcome, scan->index);
    outcome_text(&outcome, " of ");
    outcome_number(&outcome, scan->queue_id);
    outcome_text(&outcome, "@");
    outcome_span(&outcome, span_of(scan->text.data, scan->topic_len));
    outcome_text(&outcome, " is not exist!");
    answer_code(&scan->broker->remoting, &scan->asker, outcome.code, outcome.remark);
}

static void on_units(struct store_lookup *lookup, int status) {
    struct scan *scan = RMQ_CONTAINER_OF(lookup, struct scan, lookup);
    struct remoting *remoting = &scan->broker->remoting;
    struct buf body;
    buf_init(&body, scan->broker->env);
    if (status == RMQ_OK)
        write_units(scan, &body);
    if (status == RMQ_OK)
        answer_body(remoting, &scan->asker, &body);
    else if (status == RMQ_E_NOT_FOUND)
        answer_not_there(scan);
    else
        answer_code(remoting, &scan->asker, RESPONSE_SYSTEM_ERROR,
                    span_of_text(rmq_err_text(status)));
    buf_deinit(&body);
    scan_end(scan);
}

static void refuse_queue(struct broker *broker, const struct asker *asker,
                         const struct header_queue_units *header) {
    struct outcome outcome;
    outcome_init(&outcome, RESPONSE_SYSTEM_ERROR);
    outcome_number(&outcome, header->queue_id);
    outcome_text(&outcome, "@");
    outcome_span(&outcome, header->topic);
    outcome_text(&outcome, " is not exist!");
    answer_code(&broker->remoting, asker, outcome.code, outcome.remark);
}

void broker_on_queue_units(struct broker *broker, struct channel *channel,
                           const struct wire_command *request) {
    struct asker asker = asker_of(channel, request);
    struct header_queue_units header;
    if (!scan_header(broker, &asker, request, &HEADER_queue_units, &header))
        return;
    if (!store_has_queue(broker->store, header.topic, header.queue_id)) {
        refuse_queue(broker, &asker, &header);
        return;
    }
    struct scan *scan = scan_begin(broker, &asker, NULL);
    if (scan == NULL)
        return;
    scan->queue_id = header.queue_id;
    scan->index = header.index;
    scan->topic_len = header.topic.len;
    buf_put_span(&scan->text, header.topic);
    buf_put_span(&scan->text, header.consumer_group);
    if (buf_failed(&scan->text)) {
        answer_code(&broker->remoting, &asker, RESPONSE_SYSTEM_ERROR,
                    SPAN_LITERAL("out of memory"));
        scan_end(scan);
        return;
    }
    store_queue_units(broker->store, span_of(scan->text.data, scan->topic_len), header.queue_id,
                      header.index, header.count > 0 ? (uint32_t)header.count : 0, &scan->lookup,
                      on_units);
}
