/* broker/send.c - see send.h. */
#include "model/broker/send.h"

#include "model/base/check.h"
#include "model/broker/broker_internal.h"
#include "model/events.h"

/* ---- operations ------------------------------------------------------------------------------ */

void sends_init(struct sends *sends, struct broker *broker) {
    *sends = (struct sends){0};
    list_init(&sends->under_way);
    list_init(&sends->idle);
    buf_init(&sends->properties, broker->env);
    buf_init(&sends->rewritten, broker->env);
}

static struct send_op *op_begin(struct broker *broker) {
    struct sends *sends = &broker->sends;
    struct send_op *op;
    if (!list_is_empty(&sends->idle)) {
        op = LIST_ENTRY(sends->idle.prev, struct send_op, link);
        list_remove(&op->link);
        sends->idle_count--;
    } else {
        op = env_alloc(broker->env, sizeof *op);
        if (op == NULL)
            return NULL;
        memset(op, 0, sizeof *op);
        buf_init(&op->unique_key, broker->env);
        buf_init(&op->topic, broker->env);
        buf_init(&op->put.ids, broker->env);
        op->broker = broker;
    }
    list_append(&sends->under_way, &op->link);
    sends->under_way_count++;
    return op;
}

static void op_free(struct send_op *op) {
    buf_deinit(&op->unique_key);
    buf_deinit(&op->topic);
    buf_deinit(&op->put.ids);
    env_free(op->broker->env, op);
}

static void op_end(struct send_op *op) {
    struct sends *sends = &op->broker->sends;
    RMQ_ASSERT(op->put.done == NULL && sends->under_way_count > 0);
    list_remove(&op->link);
    sends->under_way_count--;
    if (sends->idle_count == SEND_OPS_IDLE_MAX) {
        op_free(op);
        return;
    }
    buf_clear(&op->unique_key);
    buf_clear(&op->topic);
    buf_clear(&op->put.ids);
    list_append(&sends->idle, &op->link);
    sends->idle_count++;
}

void sends_deinit(struct sends *sends, struct broker *broker) {
    if (sends->under_way.next == NULL)
        return;
    LIST_EACH(&sends->under_way, busy, next) {
        struct send_op *op = LIST_ENTRY(busy, struct send_op, link);
        if (op->put.done != NULL)
            store_put_cancel(broker->store, &op->put);
        list_remove(busy);
        op_free(op);
    }
    LIST_EACH(&sends->idle, idle, next) {
        list_remove(idle);
        op_free(LIST_ENTRY(idle, struct send_op, link));
    }
    buf_deinit(&sends->properties);
    buf_deinit(&sends->rewritten);
    *sends = (struct sends){0};
}

void sends_forget_channel(struct sends *sends, const struct channel *channel) {
    LIST_EACH(&sends->under_way, link, next) {
        struct send_op *op = LIST_ENTRY(link, struct send_op, link);
        if (op->asker.channel == channel)
            op->asker.channel = NULL;
    }
}

/* ---- answers --------------------------------------------------------------------------------- */

/* Each answer to a send says where and whether traces are kept. */
static void add_trace_fields(const struct broker *broker, struct wire_command *response) {
    struct span traced = broker->config.trace_on ? SPAN_LITERAL("true") : SPAN_LITERAL("false");
    int err = wire_field_add(response, SPAN_LITERAL("TRACE_ON"), traced);
    if (err == RMQ_OK)
        err = wire_field_add(response, SPAN_LITERAL("MSG_REGION"), broker->config.region);
    RMQ_ASSERT(err == RMQ_OK); /* there is room */
}

static void answer_refused(struct broker *broker, const struct asker *asker,
                           const struct outcome *outcome) {
    struct wire_command response;
    wire_command_init(&response, outcome->code);
    response.remark = outcome->remark;
    add_trace_fields(broker, &response);
    answer(&broker->remoting, asker, &response);
}

static void answer_stored(struct send_op *op, int32_t code) {
    struct broker *broker = op->broker;
    struct wire_command response;
    char id[MESSAGE_ID_MAX];
    uint8_t memory[HEADER_SCRATCH_BYTES];
    struct buf numbers = {.env = broker->env, .data = memory, .capacity = sizeof memory};
    struct header_send_response header = {
        .queue_id = op->queue_id,
        .queue_offset = op->put.queue_offset,
        .transaction_id = op->has_unique_key ? buf_span(&op->unique_key) : SPAN_NONE,
        .trace_on = broker->config.trace_on ? SPAN_LITERAL("true") : SPAN_LITERAL("false"),
        .msg_region = broker->config.region,
        .msg_id = op->batch
                      ? buf_span(&op->put.ids)
                      : span_of(id, message_id_format(&broker->host, op->put.physical_offset, id)),
    };
    wire_command_init(&response, code);
    int err = header_encode(&HEADER_send_response, &header, &response, &numbers);
    RMQ_ASSERT(err == RMQ_OK && numbers.data == memory);
    answer(&broker->remoting, &op->asker, &response);
}

/* The codes of what was not stored (broker.md 11.3). */
static void refuse_status(struct broker *broker, enum put_status status, struct outcome *outcome) {
    outcome_init(outcome, RESPONSE_SYSTEM_ERROR);
    switch (status) {
    case PUT_CREATE_FILE_FAILED:
        outcome_text(outcome, "create mapped file failed, server is busy or broken.");
        break;
    case PUT_MESSAGE_ILLEGAL:
    case PUT_PROPERTIES_SIZE_EXCEEDED:
        outcome->code = RESPONSE_MESSAGE_ILLEGAL;
        outcome_text(outcome, "the message is illegal, maybe msg body or properties length not "
                              "matched. msg body length limit ");
        outcome_number(outcome, broker->max_message_bytes);
        outcome_text(outcome, "B, msg properties length limit 32KB.");
        break;
    case PUT_SERVICE_NOT_AVAILABLE:
        outcome->code = RESPONSE_SERVICE_NOT_AVAILABLE;
        outcome_text(outcome, "service not available now. It may be caused by one of the following "
                              "reasons: the broker's disk is full, messages are put to the slave, "
                              "message store has been shut down, etc.");
        break;
    case PUT_PAGE_CACHE_BUSY:
        if (broker->config.profile_5_3)
            outcome->code = RESPONSE_SYSTEM_BUSY;
        outcome_text(outcome, "[PC_SYNCHRONIZED]broker busy, start flow control for a while");
        flow_store_refused(&broker->flow, outcome);
        break;
    default:
        outcome_text(outcome, "UNKNOWN_ERROR");
    }
}

static void count_put(const struct send_op *op, enum put_status status) {
    struct broker *broker = op->broker;
    if (!put_is_stored(status)) {
        stats_put_failed(&broker->stats);
        return;
    }
    stats_put(&broker->stats, buf_span(&op->topic), op->put.count, op->put.bytes,
              env_mono_ns(broker->env) - op->begun_ns);
    earliest_stored(broker, op->put.physical_offset, op->put.store_ms);
}

static void answer_put(struct send_op *op, enum put_status status) {
    struct outcome outcome;
    switch (status) {
    case PUT_OK:
        answer_stored(op, RESPONSE_SUCCESS);
        break;
    case PUT_FLUSH_DISK_TIMEOUT:
        answer_stored(op, RESPONSE_FLUSH_DISK_TIMEOUT);
        break;
    case PUT_FLUSH_SLAVE_TIMEOUT:
        answer_stored(op, RESPONSE_FLUSH_SLAVE_TIMEOUT);
        break;
    case PUT_SLAVE_NOT_AVAILABLE:
        answer_stored(op, RESPONSE_SLAVE_NOT_AVAILABLE);
        break;
    default:
        refuse_status(op->broker, status, &outcome);
        answer_refused(op->broker, &op->asker, &outcome);
    }
}

static void on_put_done(struct store_put *put, enum put_status status) {
    struct send_op *op = RMQ_CONTAINER_OF(put, struct send_op, put);
    struct broker *broker = op->broker;
    count_put(op, status);
    if (op->half && put_is_stored(status)) {
        event_transaction_stored(broker->env, broker->config.name, put->queue_offset,
                                 put->physical_offset);
        transaction_check_wake(&broker->check);
    }
    answer_put(op, status);
    op_end(op);
    flow_resume(&broker->flow, FLOW_SENDS);
}

/* ---- requests -------------------------------------------------------------------------------- */

/* The header of 10 as that of 310, whose members are the same. */
static void widen(const struct header_send *from, struct header_send_v2 *to) {
    *to = (struct header_send_v2){
        .producer_group = from->producer_group,
        .topic = from->topic,
        .default_topic = from->default_topic,
        .default_topic_queue_nums = from->default_topic_queue_nums,
        .queue_id = from->queue_id,
        .sys_flag = from->sys_flag,
        .born_timestamp = from->born_timestamp,
        .flag = from->flag,
        .properties = from->properties,
        .reconsume_times = from->reconsume_times,
        .has_reconsume_times = from->has_reconsume_times,
        .unit_mode = from->unit_mode,
        .max_reconsume_times = from->max_reconsume_times,
        .has_max_reconsume_times = from->has_max_reconsume_times,
        .batch = from->batch,
    };
}

/* A topic that is not there is a blank one (observed: 4.9.7-probe-all, row 748). */
static bool is_topic(const struct header_field_info *field) {
    return strcmp(field->key, "b") == 0 || strcmp(field->key, "topic") == 0;
}

bool send_read_header(const struct broker *broker, const struct wire_command *request,
                      struct header_send_v2 *out, struct outcome *outcome) {
    const struct header_field_info *bad;
    struct header_send plain;
    int err;
    if (request->code == REQUEST_SEND_MESSAGE || request->code == REQUEST_SEND_REPLY_MESSAGE) {
        err = header_decode(&HEADER_send, request, &plain, &bad);
        if (err == RMQ_OK)
            widen(&plain, out);
    } else {
        err = header_decode(&HEADER_send_v2, request, out, &bad);
    }
    if (err == RMQ_OK)
        return true;
    if (err == RMQ_E_MISSING && is_topic(bad))
        return outcome_refuse(outcome,
                              broker->config.profile_5_3 ? RESPONSE_INVALID_PARAMETER
                                                         : RESPONSE_SYSTEM_ERROR,
                              "", topic_name_check(SPAN_NONE), "");
    outcome_bad_header(outcome, err, bad);
    return false;
}

static bool keep_texts(struct send_op *op, struct span topic, struct span key) {
    op->has_unique_key = op->broker->config.profile_5_3 && !span_is_absent(key);
    if (op->has_unique_key)
        buf_put_span(&op->unique_key, key);
    buf_put_span(&op->topic, topic);
    return !buf_failed(&op->unique_key) && !buf_failed(&op->topic);
}

/* `message` may be changed on the way. */
static void store_message(struct broker *broker, const struct asker *asker, struct message *message,
                          int32_t queue_id, bool batch, const struct send_properties *read) {
    struct outcome outcome;
    if (broker->config.broker_id > 0) { /* only masters take messages */
        refuse_status(broker, PUT_SERVICE_NOT_AVAILABLE, &outcome);
        answer_refused(broker, asker, &outcome);
        return;
    }
    struct send_op *op = op_begin(broker);
    if (op == NULL || (read->wish.half && half_ensure_topic(broker) != RMQ_OK) ||
        put_rewrite(broker, &read->wish, message) != RMQ_OK ||
        !keep_texts(op, message->topic, read->unique_key)) {
        if (op != NULL)
            op_end(op);
        outcome_refuse(&outcome, RESPONSE_SYSTEM_ERROR, "out of memory", SPAN_NONE, "");
        answer_refused(broker, asker, &outcome);
        return;
    }
    op->asker = *asker;
    op->queue_id = queue_id;
    op->batch = batch;
    op->half = read->wish.half;
    op->begun_ns = env_mono_ns(broker->env);
    if (batch)
        store_put_batch(broker->store, message, read->wait, &op->put, on_put_done);
    else
        store_put(broker->store, message, read->wait, &op->put, on_put_done);
}

/* Born host: where the connection comes from. */
static struct message_host born_host(const struct broker *broker, struct channel *channel) {
    struct message_host host;
    if (message_host_parse(span_of_text(channel_peer(channel)), &host) != RMQ_OK)
        host = broker->host;
    return host;
}

void send_process(struct broker *broker, struct channel *channel,
                  const struct wire_command *request) {
    struct asker asker = asker_of(channel, request);
    struct header_send_v2 header = {0};
    struct outcome outcome;
    struct send_target target;
    struct send_properties read;
    struct buf *properties = &broker->sends.properties;
    if (!send_read_header(broker, request, &header, &outcome) ||
        !send_check(broker, &header, request->version, span_of_text(channel_peer(channel)), &target,
                    &outcome) ||
        !send_read_properties(broker, header.properties, target.sys_flag, header.batch, properties,
                              &read, &outcome)) {
        answer_refused(broker, &asker, &outcome);
        return;
    }
    if (target.dead)
        read.wish.delay_level = 0;
    struct message message = {
        .queue_id = target.queue_id,
        .flag = header.flag,
        .sys_flag = target.sys_flag & ~MESSAGE_SYS_TRANSACTION,
        .born_ms = header.born_timestamp,
        .born_host = born_host(broker, channel),
        .reconsume_times = header.has_reconsume_times ? header.reconsume_times : 0,
        .body = request->body,
        .topic = target.topic.name,
        .properties = buf_span(properties),
    };
    store_message(broker, &asker, &message, target.answered_queue_id, header.batch, &read);
}

void send_own(struct broker *broker, const struct message *message) {
    const struct asker nobody = {0};
    const struct send_properties read = {0};
    struct message own = *message;
    store_message(broker, &nobody, &own, message->queue_id, false, &read);
}
