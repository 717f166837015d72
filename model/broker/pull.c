/* broker/pull.c - see pull.h. */
#include "model/broker/pull.h"

#include "model/base/check.h"
#include "model/base/json.h"
#include "model/broker/broker_internal.h"
#include "model/events.h"
#include "model/quirks.h"

#define NS_PER_MS UINT64_C(1000000)

/* ---- operations ------------------------------------------------------------------------------ */

void pulls_init(struct pulls *pulls, struct broker *broker) {
    *pulls = (struct pulls){0};
    list_init(&pulls->live);
    list_init(&pulls->idle);
    for (size_t i = 0; i < PULL_BUFFERS_IDLE; i++)
        buf_init(&pulls->buffers[i], broker->env);
}

static struct pull_op *op_begin(struct broker *broker) {
    struct pulls *pulls = &broker->pulls;
    struct pull_op *op;
    if (!list_is_empty(&pulls->idle)) {
        op = LIST_ENTRY(pulls->idle.prev, struct pull_op, link);
        list_remove(&op->link);
        pulls->idle_count--;
    } else {
        op = env_alloc(broker->env, sizeof *op);
        if (op == NULL)
            return NULL;
        memset(op, 0, sizeof *op);
        buf_init(&op->text, broker->env);
        buf_init(&op->get.records, broker->env);
        list_init(&op->held.link);
        op->broker = broker;
    }
    list_append(&pulls->live, &op->link);
    return op;
}

static void op_free(struct pull_op *op) {
    buf_deinit(&op->text);
    buf_deinit(&op->get.records);
    env_free(op->broker->env, op);
}

/* The buffer of records is lent for one read. */
static void lend_buffer(struct pull_op *op) {
    struct pulls *pulls = &op->broker->pulls;
    RMQ_ASSERT(op->get.records.data == NULL);
    if (pulls->buffer_count == 0)
        return;
    pulls->buffer_count--;
    op->get.records = pulls->buffers[pulls->buffer_count];
    buf_init(&pulls->buffers[pulls->buffer_count], op->broker->env);
}

static void return_buffer(struct pull_op *op) {
    struct pulls *pulls = &op->broker->pulls;
    struct buf *records = &op->get.records;
    if (records->data == NULL || pulls->buffer_count == PULL_BUFFERS_IDLE ||
        records->capacity > PULL_BUFFER_KEPT_BYTES) {
        buf_deinit(records);
        return;
    }
    buf_clear(records);
    pulls->buffers[pulls->buffer_count++] = *records;
    buf_init(records, op->broker->env);
}

static void op_end(struct pull_op *op) {
    struct pulls *pulls = &op->broker->pulls;
    RMQ_ASSERT(!op->reading && list_is_empty(&op->held.link));
    list_remove(&op->link);
    subscription_deinit(&op->filter);
    expression_unref(op->expression);
    op->expression = NULL;
    if (pulls->idle_count == PULL_OPS_IDLE_MAX) {
        op_free(op);
        return;
    }
    list_append(&pulls->idle, &op->link);
    pulls->idle_count++;
}

/* Takes it out of whatever it is in. */
static void op_drop(struct pull_op *op) {
    struct broker *broker = op->broker;
    if (op->reading) {
        store_get_cancel(broker->store, &op->get);
        broker->pulls.reading--;
        op->reading = false;
        return_buffer(op);
    } else {
        holds_remove(&broker->holds, &op->held);
    }
    op_end(op);
}

void pulls_deinit(struct pulls *pulls, struct broker *broker) {
    if (pulls->live.next == NULL)
        return;
    LIST_EACH(&pulls->live, live, next)
    op_drop(LIST_ENTRY(live, struct pull_op, link));
    RMQ_ASSERT(pulls->reading == 0 && broker->pulls.live.next == &pulls->live);
    LIST_EACH(&pulls->idle, idle, following) {
        list_remove(idle);
        op_free(LIST_ENTRY(idle, struct pull_op, link));
    }
    for (size_t i = 0; i < PULL_BUFFERS_IDLE; i++)
        buf_deinit(&pulls->buffers[i]);
    *pulls = (struct pulls){0};
}

void pulls_forget_channel(struct pulls *pulls, struct broker *broker,
                          const struct channel *channel) {
    RMQ_ASSERT(pulls == &broker->pulls);
    LIST_EACH(&pulls->live, link, next) {
        struct pull_op *op = LIST_ENTRY(link, struct pull_op, link);
        if (op->asker.channel != channel)
            continue;
        if (op->reading)
            op->asker.channel = NULL;
        else
            op_drop(op);
    }
}

/* ---- answers --------------------------------------------------------------------------------- */

/* broker.md 14.3. */
static int32_t code_of(enum get_status status, int64_t asked) {
    switch (status) {
    case GET_FOUND:
        return RESPONSE_SUCCESS;
    case GET_MESSAGE_WAS_REMOVING:
    case GET_NO_MATCHED_MESSAGE:
        return RESPONSE_PULL_RETRY_IMMEDIATELY;
    case GET_NO_MATCHED_LOGIC_QUEUE:
    case GET_NO_MESSAGE_IN_QUEUE:
        return asked != 0 ? RESPONSE_PULL_OFFSET_MOVED : RESPONSE_PULL_NOT_FOUND;
    case GET_OFFSET_FOUND_NULL:
    case GET_OFFSET_OVERFLOW_ONE:
        return RESPONSE_PULL_NOT_FOUND;
    case GET_OFFSET_OVERFLOW_BADLY:
    case GET_OFFSET_TOO_SMALL:
        return RESPONSE_PULL_OFFSET_MOVED;
    case GET_FAILED:
        return RESPONSE_SYSTEM_ERROR;
    }
    RMQ_UNREACHABLE();
}

static bool is_slave(const struct broker *broker) {
    return broker->config.broker_id > 0;
}

/* Which broker the client should ask next. */
static int64_t suggestion(const struct pull_op *op, const struct group *group) {
    if (!op->broker->config.slave_read || group == NULL)
        return 0;
    return op->get.suggest_slave ? group->slow_broker_id : group->broker_id;
}

static void answer_pull_with(struct pull_op *op, const char *remark, int32_t code) {
    struct broker *broker = op->broker;
    bool v5 = broker->config.profile_5_3;
    const struct group *group = groups_find(&broker->groups, op->group);
    struct topic_config topic = {0};
    uint8_t memory[HEADER_SCRATCH_BYTES];
    struct buf numbers = {.env = broker->env, .data = memory, .capacity = sizeof memory};
    struct wire_command response;
    struct header_pull_response header = {
        .suggest_which_broker_id = suggestion(op, group),
        .next_begin_offset = op->get.next_offset,
        .max_offset = op->get.max_offset,
        .min_offset = op->get.min_offset,
    };
    if (v5) {
        RMQ_IGNORE(topics_find(&broker->topics, op->topic, &topic), "no flags then");
        header.topic_sys_flag = topic.sys_flag;
        header.group_sys_flag = group == NULL ? 0 : group->sys_flag;
        header.has_topic_sys_flag = header.has_group_sys_flag = true;
    }
    if (code == RESPONSE_PULL_OFFSET_MOVED && is_slave(broker)) { /* it may be behind */
        code = RESPONSE_PULL_RETRY_IMMEDIATELY;
        header.suggest_which_broker_id = group == NULL ? 0 : group->broker_id;
    }
    offsets_give(&broker->offsets, op->group, op->topic, op->get.queue_id, op->get.next_offset);
    wire_command_init(&response, code);
    response.remark = span_of_text(remark);
    if (code == RESPONSE_SUCCESS)
        response.body = buf_span(&op->get.records);
    int err = header_encode(&HEADER_pull_response, &header, &response, &numbers);
    RMQ_ASSERT(err == RMQ_OK && numbers.data == memory);
    answer(&broker->remoting, &op->asker, &response);
}

static void answer_pull(struct pull_op *op, enum get_status status, int32_t code) {
    answer_pull_with(op, get_status_text(status), code);
}

/* ---- illegal offsets ------------------------------------------------------------------------- */

static struct span moved_reason(enum get_status status) {
    switch (status) {
    case GET_OFFSET_TOO_SMALL:
        return SPAN_LITERAL("too_small");
    case GET_OFFSET_OVERFLOW_BADLY:
        return SPAN_LITERAL("too_large");
    case GET_NO_MATCHED_LOGIC_QUEUE:
        return SPAN_LITERAL("no_queue");
    default:
        return SPAN_LITERAL("empty_queue");
    }
}

static void write_moved_body(const struct pull_op *op, struct buf *out) {
    struct json_writer json;
    json_writer_init(&json, out, JSON_STYLE_FASTJSON);
    json_object_begin(&json);
    json_key_text(&json, "consumerGroup");
    json_string(&json, op->group);
    json_key_text(&json, "messageQueue");
    json_object_begin(&json);
    json_key_text(&json, "brokerName");
    json_string(&json, op->broker->config.name);
    json_key_text(&json, "queueId");
    json_number(&json, op->get.queue_id);
    json_key_text(&json, "topic");
    json_string(&json, op->topic);
    json_object_end(&json);
    json_key_text(&json, "offsetNew");
    json_number(&json, op->get.next_offset);
    json_key_text(&json, "offsetRequest");
    json_number(&json, op->get.offset);
    json_object_end(&json);
}

/* Quirk offsetMovedMessage: 4.9 stores a message about it (and so can fill its log). */
static void store_moved_message(const struct pull_op *op) {
    struct broker *broker = op->broker;
    struct buf body, properties;
    buf_init(&body, broker->env);
    buf_init(&properties, broker->env);
    write_moved_body(op, &body);
    int err = message_property_put(&properties, 0, SPAN_LITERAL("KEYS"), op->group);
    if (err == RMQ_OK)
        err = message_property_put(&properties, 0, SPAN_LITERAL("TAGS"), op->group);
    if (err == RMQ_OK && !buf_failed(&body)) {
        const struct message message = {
            .born_ms = env_wall_ms(broker->env),
            .born_host = broker->host,
            .body = buf_span(&body),
            .topic = SPAN_LITERAL("OFFSET_MOVED_EVENT"),
            .properties = buf_span(&properties),
        };
        send_own(broker, &message);
    }
    buf_deinit(&body);
    buf_deinit(&properties);
}

static void tell_moved(const struct pull_op *op, struct span reason) {
    struct broker *broker = op->broker;
    event_offset_moved(broker->env, op->group, op->topic, (uint64_t)op->get.queue_id,
                       op->get.offset, op->get.next_offset, reason);
    if (quirk_on(broker->config.quirks, QUIRK_OFFSET_MOVED_MESSAGE) && !is_slave(broker))
        store_moved_message(op);
}

/* ---- reading --------------------------------------------------------------------------------- */

static bool passes(void *ctx, int64_t tags_code) {
    return subscription_matches_code(ctx, tags_code);
}

#define RETRY_PREFIX SPAN_LITERAL("%RETRY%")

/* What came back is filtered by what its group wants of the topic that it was in. */
static bool wants_returned(const struct pull_op *op, struct span properties) {
    struct consumer_filters *filters = &op->broker->filters;
    struct span group = span_from(op->topic, RETRY_PREFIX.len);
    struct span origin = message_property(properties, SPAN_LITERAL("RETRY_TOPIC"));
    const struct consumer_filter *filter = consumer_filters_find(filters, origin, group);
    return filter == NULL || expression_evaluate(filter->expression, properties) == EXPRESSION_TRUE;
}

static bool wants(const struct pull_op *op, struct span properties) {
    if (env_plant(op->broker->env, PLANT_BROKER_FILTER_BLIND))
        return true;
    if (op->by_origin)
        return wants_returned(op, properties);
    return op->expression == NULL ||
           expression_evaluate(op->expression, properties) == EXPRESSION_TRUE;
}

bool pull_wants(const struct held *held, struct span properties) {
    return wants(RMQ_CONTAINER_OF(held, struct pull_op, held), properties);
}

static bool record_passes(void *ctx, struct span record) {
    struct message message;
    return message_decode(record, false, &message) != MESSAGE_OK ||
           wants(RMQ_CONTAINER_OF(ctx, struct pull_op, filter), message.properties);
}

static bool hold(struct pull_op *op) {
    struct broker *broker = op->broker;
    uint64_t suspend_ms =
        broker->config.long_polling ? op->suspend_ms : broker->config.short_polling_ms;
    op->held.wanted = op->get.offset;
    op->held.end_ns = env_mono_ns(broker->env) + suspend_ms * NS_PER_MS;
    op->held.filter = &op->filter;
    op->held.topic = op->topic;
    op->held.queue_id = op->get.queue_id;
    return holds_add(&broker->holds, &op->held) == RMQ_OK;
}

/* Differs: Apache commits after the read. Here progress does not depend on how long that takes, so
 * that a commit which the client sends later is not undone. */
static void commit(struct broker *broker, const struct header_pull *header, struct span client) {
    if ((header->sys_flag & PULL_FLAG_COMMIT) == 0 || is_slave(broker))
        return;
    RMQ_IGNORE(offsets_commit(&broker->offsets, header->consumer_group, header->topic,
                              header->queue_id, header->commit_offset, client),
               "the next commit makes up for it");
}

static void on_get_done(struct store_get *get, enum get_status status) {
    struct pull_op *op = RMQ_CONTAINER_OF(get, struct pull_op, get);
    struct broker *broker = op->broker;
    int32_t code = code_of(status, get->offset);
    bool first = op->first;
    RMQ_ASSERT(op->reading && broker->pulls.reading > 0);
    op->reading = false;
    broker->pulls.reading--;
    op->first = false;
    if (status != GET_FAILED)
        stats_get(&broker->stats, op->topic, op->group, status == GET_FOUND ? get->count : 0,
                  get->records.len, env_mono_ns(broker->env) - op->asker.since_ns);
    bool held = code == RESPONSE_PULL_NOT_FOUND && first && op->suspend &&
                op->asker.channel != NULL && !broker->stopping;
    if (held) {
        return_buffer(op);
        held = hold(op);
    }
    if (!held) {
        if (code == RESPONSE_PULL_OFFSET_MOVED)
            tell_moved(op, moved_reason(status));
        if (status == GET_FAILED)
            answer_code(&broker->remoting, &op->asker, code,
                        SPAN_LITERAL("store getMessage return null"));
        else
            answer_pull(op, status, code);
        return_buffer(op);
        op_end(op);
    }
    flow_resume(&broker->flow, FLOW_PULLS);
}

static void read_messages(struct pull_op *op) {
    struct broker *broker = op->broker;
    op->reading = true;
    broker->pulls.reading++;
    lend_buffer(op);
    store_get(broker->store, &op->get, on_get_done);
}

void pull_woken(struct held *held) {
    struct pull_op *op = RMQ_CONTAINER_OF(held, struct pull_op, held);
    op->asker.since_ns = env_mono_ns(op->broker->env); /* the hold is no slowness */
    read_messages(op);
}

struct holds *pull_holds(const struct held *held) {
    return &RMQ_CONTAINER_OF(held, struct pull_op, held)->broker->holds;
}

/* The group was never given this offset (offsets.h): it is sent back to `recovered`. */
static void send_back(struct pull_op *op, int64_t recovered) {
    const struct store *store = op->broker->store;
    struct store_get *get = &op->get;
    get->min_offset = store_min_offset(store, get->topic, get->queue_id);
    get->max_offset = store_max_offset(store, get->topic, get->queue_id);
    get->next_offset = recovered < get->min_offset ? get->min_offset : recovered;
    get->suggest_slave = false;
    tell_moved(op, SPAN_LITERAL("recovered"));
    answer_pull(op, GET_OFFSET_OVERFLOW_BADLY, RESPONSE_PULL_OFFSET_MOVED);
    op_end(op);
}

/* An administrator set the group's offset (offsets_reset). */
static void send_to_reset(struct pull_op *op, int64_t offset) {
    const struct store *store = op->broker->store;
    struct store_get *get = &op->get;
    get->min_offset = store_min_offset(store, get->topic, get->queue_id);
    get->max_offset = store_max_offset(store, get->topic, get->queue_id);
    get->next_offset = offset;
    get->suggest_slave = false;
    tell_moved(op, SPAN_LITERAL("reset"));
    answer_pull_with(op, "OFFSET_RESET", RESPONSE_PULL_OFFSET_MOVED);
    op_end(op);
}

/* ---- requests -------------------------------------------------------------------------------- */

/* Copies what outlives the request. */
static bool fill(struct pull_op *op, const struct header_pull *header, const struct asker *asker) {
    struct env *env = op->broker->env;
    buf_clear(&op->text);
    buf_put_span(&op->text, header->topic);
    buf_put_span(&op->text, header->consumer_group);
    if (buf_failed(&op->text))
        return false;
    op->asker = *asker;
    op->topic = span_of(op->text.data, header->topic.len);
    op->group = span_of(op->text.data + header->topic.len, header->consumer_group.len);
    op->suspend_ms =
        header->suspend_timeout_millis < 0 ? 0 : (uint64_t)header->suspend_timeout_millis;
    if (op->suspend_ms > UINT32_MAX)
        op->suspend_ms = UINT32_MAX;
    op->first = true;
    op->suspend = (header->sys_flag & PULL_FLAG_SUSPEND) != 0;
    op->get.topic = op->topic;
    op->get.queue_id = header->queue_id;
    op->get.offset = header->queue_offset;
    op->get.max_count = header->max_msg_nums > 1 ? (uint32_t)header->max_msg_nums : 1;
    if (env_buggify(env, BUGGIFY_BROKER_PULL_SHORT))
        op->get.max_count = 1;
    op->get.filter = op->filter.kind == SUBSCRIPTION_ALL ? NULL : passes;
    op->get.filter_ctx = &op->filter;
    op->by_origin = op->broker->config.filter_retry && span_starts_with(op->topic, RETRY_PREFIX);
    op->get.record_filter = op->expression == NULL && !op->by_origin ? NULL : record_passes;
    return true;
}

void pull_process(struct broker *broker, struct channel *channel,
                  const struct wire_command *request) {
    struct asker asker = asker_of(channel, request);
    const struct header_field_info *bad;
    struct header_pull header;
    struct subscription filter = {0};
    struct expression *expression = NULL;
    struct outcome outcome;
    int err = header_decode(&HEADER_pull, request, &header, &bad);
    if (err != RMQ_OK) {
        outcome_bad_header(&outcome, err, bad);
        answer_code(&broker->remoting, &asker, outcome.code, outcome.remark);
        return;
    }
    struct span peer = span_of_text(channel_peer(channel));
    int64_t recovered;
    bool allowed = pull_check(broker, &header, peer, &outcome);
    bool believed =
        allowed && offsets_believe(&broker->offsets, header.consumer_group, header.topic,
                                   header.queue_id, header.queue_offset, peer, &recovered);
    /* Whoever is sent back is told before its next heartbeat, see offsets.h. */
    if (!allowed || (believed && !pull_filter(broker, &header, &filter, &expression, &outcome))) {
        answer_code(&broker->remoting, &asker, outcome.code, outcome.remark);
        return;
    }
    int64_t reset =
        offsets_take_reset(&broker->offsets, header.consumer_group, header.topic, header.queue_id);
    if (reset < 0)
        commit(broker, &header, peer);
    struct pull_op *op = op_begin(broker);
    if (op != NULL) {
        op->filter = filter;
        op->expression = expression;
        if (fill(op, &header, &asker)) {
            if (reset >= 0)
                send_to_reset(op, reset);
            else if (believed)
                read_messages(op);
            else
                send_back(op, recovered);
            return;
        }
        op_end(op);
    } else {
        subscription_deinit(&filter);
        expression_unref(expression);
    }
    answer_code(&broker->remoting, &asker, RESPONSE_SYSTEM_ERROR, SPAN_LITERAL("out of memory"));
}
