/* broker/queue_query.c - see queue_query.h. */
#include "model/broker/queue_query.h"

#include "model/base/check.h"
#include "model/broker/broker_internal.h"

#define RECORDS_KEPT_BYTES 4096

/* ---- operations ------------------------------------------------------------------------------ */

void queries_init(struct queries *queries) {
    *queries = (struct queries){0};
    list_init(&queries->under_way);
    list_init(&queries->idle);
}

static struct query_op *op_begin(struct broker *broker, const struct asker *asker, int32_t code) {
    struct queries *queries = &broker->queries;
    struct query_op *op;
    if (!list_is_empty(&queries->idle)) {
        op = LIST_ENTRY(queries->idle.prev, struct query_op, link);
        list_remove(&op->link);
        queries->idle_count--;
    } else {
        op = env_alloc(broker->env, sizeof *op);
        if (op == NULL)
            return NULL;
        memset(op, 0, sizeof *op);
        buf_init(&op->text, broker->env);
        buf_init(&op->lookup.records, broker->env);
        op->broker = broker;
    }
    op->asker = *asker;
    op->code = code;
    list_append(&queries->under_way, &op->link);
    return op;
}

static void op_free(struct query_op *op) {
    buf_deinit(&op->text);
    buf_deinit(&op->lookup.records);
    env_free(op->broker->env, op);
}

static void op_end(struct query_op *op) {
    struct queries *queries = &op->broker->queries;
    list_remove(&op->link);
    if (queries->idle_count == QUERY_OPS_IDLE_MAX) {
        op_free(op);
        return;
    }
    if (op->lookup.records.capacity > RECORDS_KEPT_BYTES)
        buf_deinit(&op->lookup.records);
    buf_clear(&op->lookup.records);
    buf_clear(&op->text);
    list_append(&queries->idle, &op->link);
    queries->idle_count++;
}

void queries_deinit(struct queries *queries, struct broker *broker) {
    if (queries->under_way.next == NULL)
        return;
    LIST_EACH(&queries->under_way, busy, next) {
        struct query_op *op = LIST_ENTRY(busy, struct query_op, link);
        store_lookup_cancel(broker->store, &op->lookup);
        list_remove(busy);
        op_free(op);
    }
    LIST_EACH(&queries->idle, idle, following) {
        list_remove(idle);
        op_free(LIST_ENTRY(idle, struct query_op, link));
    }
    *queries = (struct queries){0};
}

void queries_forget_channel(struct queries *queries, const struct channel *channel) {
    LIST_EACH(&queries->under_way, link, next) {
        struct query_op *op = LIST_ENTRY(link, struct query_op, link);
        if (op->asker.channel == channel)
            op->asker.channel = NULL;
    }
}

/* ---- answers --------------------------------------------------------------------------------- */

static void answer_header(struct broker *broker, const struct asker *asker,
                          const struct header_info *info, const void *header,
                          struct wire_command *response) {
    uint8_t memory[HEADER_SCRATCH_BYTES];
    struct buf numbers = {.env = broker->env, .data = memory, .capacity = sizeof memory};
    int err = header_encode(info, header, response, &numbers);
    RMQ_ASSERT(err == RMQ_OK && numbers.data == memory);
    answer(&broker->remoting, asker, response);
}

static void answer_number(struct broker *broker, const struct asker *asker,
                          const struct header_info *info, int64_t number) {
    const struct header_offset_response offset = {.offset = number};
    const struct header_timestamp_response timestamp = {.timestamp = number};
    struct wire_command response;
    wire_command_init(&response, RESPONSE_SUCCESS);
    answer_header(broker, asker, info,
                  info == &HEADER_offset_response ? (const void *)&offset : &timestamp, &response);
}

/* Decodes; answers code 1 and gives false when that fails. */
static bool read_header(struct broker *broker, const struct asker *asker,
                        const struct wire_command *request, const struct header_info *info,
                        void *header) {
    const struct header_field_info *bad;
    struct outcome outcome;
    int err = header_decode(info, request, header, &bad);
    if (err == RMQ_OK)
        return true;
    outcome_bad_header(&outcome, err, bad);
    answer_code(&broker->remoting, asker, outcome.code, outcome.remark);
    return false;
}

static void answer_no_memory(struct broker *broker, const struct asker *asker) {
    answer_code(&broker->remoting, asker, RESPONSE_SYSTEM_ERROR, SPAN_LITERAL("out of memory"));
}

/* ---- 30, 31 ---------------------------------------------------------------------------------- */

void query_offset_bound(struct broker *broker, struct channel *channel,
                        const struct wire_command *request) {
    struct asker asker = asker_of(channel, request);
    struct header_queue_query header;
    if (!read_header(broker, &asker, request, &HEADER_queue_query, &header))
        return;
    int64_t offset = request->code == REQUEST_GET_MAX_OFFSET
                         ? store_max_offset(broker->store, header.topic, header.queue_id)
                         : store_min_offset(broker->store, header.topic, header.queue_id);
    offsets_give(&broker->offsets, span_of_text(channel_peer(channel)), header.topic,
                 header.queue_id, offset);
    answer_number(broker, &asker, &HEADER_offset_response, offset);
}

/* ---- 29, 32 ---------------------------------------------------------------------------------- */

static void on_number(struct store_lookup *lookup, int status) {
    struct query_op *op = RMQ_CONTAINER_OF(lookup, struct query_op, lookup);
    bool by_time = op->code == REQUEST_SEARCH_OFFSET_BY_TIMESTAMP;
    if (status == RMQ_OK && by_time && op->asker.channel != NULL)
        offsets_give(&op->broker->offsets, span_of_text(channel_peer(op->asker.channel)),
                     buf_span(&op->text), op->queue_id, lookup->value);
    if (status == RMQ_OK)
        answer_number(op->broker, &op->asker,
                      by_time ? &HEADER_offset_response : &HEADER_timestamp_response,
                      lookup->value);
    else
        answer_code(&op->broker->remoting, &op->asker, RESPONSE_SYSTEM_ERROR,
                    span_of_text(rmq_err_text(status)));
    op_end(op);
}

void query_by_time(struct broker *broker, struct channel *channel,
                   const struct wire_command *request) {
    struct asker asker = asker_of(channel, request);
    struct header_queue_query header;
    bool by_time = request->code == REQUEST_SEARCH_OFFSET_BY_TIMESTAMP;
    if (!read_header(broker, &asker, request, &HEADER_queue_query, &header))
        return;
    if (by_time && !header.has_timestamp) {
        answer_code(&broker->remoting, &asker, RESPONSE_SYSTEM_ERROR,
                    SPAN_LITERAL("header field timestamp is missing"));
        return;
    }
    struct query_op *op = op_begin(broker, &asker, request->code);
    if (op == NULL) {
        answer_no_memory(broker, &asker);
        return;
    }
    op->queue_id = header.queue_id;
    buf_put_span(&op->text, header.topic);
    if (buf_failed(&op->text)) {
        answer_no_memory(broker, &asker);
        op_end(op);
        return;
    }
    struct span topic = buf_span(&op->text);
    bool upper =
        broker->config.profile_5_3 && (span_equal(header.boundary_type, SPAN_LITERAL("upper")) ||
                                       span_equal(header.boundary_type, SPAN_LITERAL("UPPER")));
    if (by_time)
        store_offset_by_time(broker->store, topic, header.queue_id, header.timestamp, upper,
                             &op->lookup, on_number);
    else
        store_time_of(broker->store, topic, header.queue_id,
                      store_min_offset(broker->store, topic, header.queue_id), &op->lookup,
                      on_number);
}

/* ---- 33 -------------------------------------------------------------------------------------- */

static void on_message(struct store_lookup *lookup, int status) {
    struct query_op *op = RMQ_CONTAINER_OF(lookup, struct query_op, lookup);
    struct outcome outcome;
    struct wire_command response;
    wire_command_init(&response, RESPONSE_SUCCESS);
    if (status == RMQ_OK) {
        response.body = buf_span(&lookup->records);
    } else {
        outcome_init(&outcome, RESPONSE_SYSTEM_ERROR);
        outcome_text(&outcome, "can not find message by the offset, ");
        outcome_number(&outcome, op->offset);
        response.code = outcome.code;
        response.remark = outcome.remark;
    }
    answer(&op->broker->remoting, &op->asker, &response);
    op_end(op);
}

void query_by_offset(struct broker *broker, struct channel *channel,
                     const struct wire_command *request) {
    struct asker asker = asker_of(channel, request);
    struct header_view_message header;
    if (!read_header(broker, &asker, request, &HEADER_view_message, &header))
        return;
    struct query_op *op = op_begin(broker, &asker, request->code);
    if (op == NULL) {
        answer_no_memory(broker, &asker);
        return;
    }
    op->offset = header.offset;
    store_message_at(broker->store, header.offset, &op->lookup, on_message);
}

/* ---- 12 -------------------------------------------------------------------------------------- */

static void on_messages(struct store_lookup *lookup, int status) {
    struct query_op *op = RMQ_CONTAINER_OF(lookup, struct query_op, lookup);
    const struct header_query_message_response header = {
        .index_last_update_phyoffset = lookup->last_update_physical,
        .index_last_update_timestamp = lookup->last_update_ms,
    };
    struct wire_command response;
    bool found = status == RMQ_OK && lookup->count > 0;
    wire_command_init(&response, found ? RESPONSE_SUCCESS : RESPONSE_QUERY_NOT_FOUND);
    if (found)
        response.body = buf_span(&lookup->records);
    else
        response.remark = SPAN_LITERAL("can not find message, maybe time range not correct");
    answer_header(op->broker, &op->asker, &HEADER_query_message_response, &header, &response);
    op_end(op);
}

void query_by_key(struct broker *broker, struct channel *channel,
                  const struct wire_command *request) {
    struct asker asker = asker_of(channel, request);
    struct header_query_message header;
    if (!read_header(broker, &asker, request, &HEADER_query_message, &header))
        return;
    struct query_op *op = op_begin(broker, &asker, request->code);
    if (op == NULL) {
        answer_no_memory(broker, &asker);
        return;
    }
    buf_put_span(&op->text, header.topic);
    buf_put_span(&op->text, header.key);
    if (buf_failed(&op->text)) {
        answer_no_memory(broker, &asker);
        op_end(op);
        return;
    }
    uint32_t max_count = header.max_num > 0 ? (uint32_t)header.max_num : 0;
    if (span_equal(header.unique_key_query, SPAN_LITERAL("true")))
        max_count = broker->config.query_max;
    store_query(broker->store, span_of(op->text.data, header.topic.len),
                span_of(op->text.data + header.topic.len, header.key.len), max_count,
                header.begin_timestamp, header.end_timestamp, &op->lookup, on_messages);
}
