/* broker/half.c - see half.h. */
#include "model/broker/half.h"

#include "model/base/check.h"
#include "model/broker/broker_internal.h"
#include "model/events.h"

#define IDLE_MAX 64
#define RECORDS_KEPT_BYTES 4096
#define PLANT_STEP 10

/* A transaction that is being ended: half message looked up, message stored, op message stored. */
struct end_op {
    struct list link; /* in halves.under_way or halves.idle */
    struct broker *broker;
    struct asker asker;
    struct store_lookup lookup;
    struct store_put put;
    struct buf group;      /* as the request says it */
    struct buf access_key; /* of who asked; empty: anybody may */
    int64_t queue_offset, physical;
    enum transaction_state state;
    bool from_check;
};

/* ---- operations ------------------------------------------------------------------------------ */

void halves_init(struct halves *halves) {
    *halves = (struct halves){0};
    list_init(&halves->under_way);
    list_init(&halves->idle);
}

static struct end_op *op_begin(struct broker *broker) {
    struct halves *halves = &broker->halves;
    struct end_op *op;
    if (!list_is_empty(&halves->idle)) {
        op = LIST_ENTRY(halves->idle.prev, struct end_op, link);
        list_remove(&op->link);
        halves->idle_count--;
    } else {
        op = env_alloc(broker->env, sizeof *op);
        if (op == NULL)
            return NULL;
        memset(op, 0, sizeof *op);
        buf_init(&op->group, broker->env);
        buf_init(&op->access_key, broker->env);
        buf_init(&op->lookup.records, broker->env);
        op->broker = broker;
    }
    list_append(&halves->under_way, &op->link);
    return op;
}

static void op_free(struct end_op *op) {
    buf_deinit(&op->group);
    buf_deinit(&op->access_key);
    buf_deinit(&op->lookup.records);
    env_free(op->broker->env, op);
}

static void op_end(struct end_op *op) {
    struct halves *halves = &op->broker->halves;
    RMQ_ASSERT(op->put.done == NULL);
    list_remove(&op->link);
    if (halves->idle_count == IDLE_MAX) {
        op_free(op);
        return;
    }
    if (op->lookup.records.capacity > RECORDS_KEPT_BYTES)
        buf_deinit(&op->lookup.records);
    buf_clear(&op->lookup.records);
    buf_clear(&op->group);
    buf_clear(&op->access_key);
    list_append(&halves->idle, &op->link);
    halves->idle_count++;
}

void halves_deinit(struct halves *halves, struct broker *broker) {
    if (halves->under_way.next == NULL)
        return;
    LIST_EACH(&halves->under_way, busy, next) {
        struct end_op *op = LIST_ENTRY(busy, struct end_op, link);
        if (op->lookup.done != NULL)
            store_lookup_cancel(broker->store, &op->lookup);
        if (op->put.done != NULL)
            store_put_cancel(broker->store, &op->put);
        list_remove(busy);
        op_free(op);
    }
    LIST_EACH(&halves->idle, idle, following) {
        list_remove(idle);
        op_free(LIST_ENTRY(idle, struct end_op, link));
    }
    *halves = (struct halves){0};
}

void halves_forget_channel(struct halves *halves, const struct channel *channel) {
    LIST_EACH(&halves->under_way, link, next) {
        struct end_op *op = LIST_ENTRY(link, struct end_op, link);
        if (op->asker.channel == channel)
            op->asker.channel = NULL;
    }
}

bool half_is_ending(const struct halves *halves, int64_t queue_offset) {
    LIST_EACH(&halves->under_way, link, next) {
        if (LIST_ENTRY(link, struct end_op, link)->queue_offset == queue_offset)
            return true;
    }
    return false;
}

int half_ensure_topic(struct broker *broker) {
    struct topic_config topic;
    if (topics_find(&broker->topics, HALF_TOPIC, &topic) == RMQ_OK)
        return RMQ_OK;
    topic = (struct topic_config){.name = HALF_TOPIC,
                                  .read_queue_nums = 1,
                                  .write_queue_nums = 1,
                                  .perm = PERM_READ | PERM_WRITE};
    return broker_add_topic(broker, &topic);
}

bool half_place(const struct message *message, struct half_place *out) {
    struct span queue = message_property(message->properties, SPAN_LITERAL("REAL_QID"));
    out->group = message_property(message->properties, SPAN_LITERAL("PGROUP"));
    out->topic = message_property(message->properties, SPAN_LITERAL("REAL_TOPIC"));
    return span_equal(message->topic, HALF_TOPIC) && message->queue_id == 0 && out->topic.len > 0 &&
           !span_is_absent(queue) && span_to_i32(queue, &out->queue_id) == RMQ_OK &&
           out->queue_id >= 0;
}

/* ---- answers --------------------------------------------------------------------------------- */

static void finish(struct end_op *op, int32_t code, struct span remark) {
    answer_code(&op->broker->remoting, &op->asker, code, remark);
    op_end(op);
}

static void refuse(struct end_op *op, const char *remark) {
    finish(op, RESPONSE_SYSTEM_ERROR, span_of_text(remark));
}

static void refuse_put(struct end_op *op, enum put_status status) {
    struct outcome outcome;
    outcome_init(&outcome, RESPONSE_SYSTEM_ERROR);
    switch (status) {
    case PUT_CREATE_FILE_FAILED:
        outcome_text(&outcome, "Create mapped file failed.");
        break;
    case PUT_MESSAGE_ILLEGAL:
    case PUT_PROPERTIES_SIZE_EXCEEDED:
        outcome.code = RESPONSE_MESSAGE_ILLEGAL;
        outcome_text(&outcome, "The message is illegal, maybe msg body or properties length not "
                               "matched. msg body length limit ");
        outcome_number(&outcome, op->broker->max_message_bytes);
        outcome_text(&outcome, "B, msg properties length limit 32KB.");
        break;
    case PUT_SERVICE_NOT_AVAILABLE:
        outcome.code = RESPONSE_SERVICE_NOT_AVAILABLE;
        outcome_text(&outcome, "Service not available now.");
        break;
    case PUT_PAGE_CACHE_BUSY:
        outcome_text(&outcome, "OS page cache busy, please try another machine");
        break;
    default:
        outcome_text(&outcome, "UNKNOWN_ERROR");
    }
    finish(op, outcome.code, outcome.remark);
}

/* ---- the op message -------------------------------------------------------------------------- */

static void on_op_stored(struct store_put *put, enum put_status status) {
    struct end_op *op = RMQ_CONTAINER_OF(put, struct end_op, put);
    struct broker *broker = op->broker;
    if (put_is_stored(status)) {
        if (put->queue_offset >= broker->halves.op_end)
            broker->halves.op_end = put->queue_offset + 1;
        transaction_check_note(&broker->check, op->queue_offset);
        event_transaction_ended(broker->env, broker->config.name, op->queue_offset,
                                (uint64_t)op->state, op->from_check);
        finish(op, RESPONSE_SUCCESS, SPAN_NONE);
    } else if (op->state == TRANSACTION_COMMIT) {
        env_log(broker->env, ENV_LOG_WARN,
                "a committed transaction is not marked (%s): it will be asked for again",
                put_status_text(status));
        finish(op, RESPONSE_SUCCESS, SPAN_NONE);
    } else {
        refuse_put(op, status);
    }
}

static void put_op(struct end_op *op) {
    struct broker *broker = op->broker;
    char digits[DECIMAL_BYTES_MAX];
    const struct message mark = {
        .topic = HALF_OP_TOPIC,
        .born_ms = env_wall_ms(broker->env),
        .born_host = broker->host,
        .body = span_of(digits, format_i64(digits, op->queue_offset)),
        .properties = SPAN_LITERAL("TAGS\001d\002WAIT\001true"),
    };
    store_put(broker->store, &mark, false, &op->put, on_op_stored);
}

/* ---- commit and rollback --------------------------------------------------------------------- */

static void on_committed(struct store_put *put, enum put_status status) {
    struct end_op *op = RMQ_CONTAINER_OF(put, struct end_op, put);
    struct broker *broker = op->broker;
    if (!put_is_stored(status)) {
        refuse_put(op, status);
        return;
    }
    if (++broker->halves.commits % PLANT_STEP == 0 &&
        env_plant(broker->env, PLANT_BROKER_FORGET_OP)) {
        event_transaction_ended(broker->env, broker->config.name, op->queue_offset,
                                (uint64_t)op->state, op->from_check);
        finish(op, RESPONSE_SUCCESS, SPAN_NONE);
        return;
    }
    put_op(op);
}

static void commit(struct end_op *op, const struct message *half, const struct half_place *place) {
    struct broker *broker = op->broker;
    struct message real = *half;
    const struct put_wish wish = {.delay_level = put_delay_level(half->properties)};
    real.magic = 0;
    real.topic = place->topic;
    real.queue_id = place->queue_id;
    real.sys_flag |= MESSAGE_SYS_COMMIT;
    real.prepared_transaction_offset = op->physical;
    if (put_rewrite(broker, &wish, &real) != RMQ_OK) {
        refuse(op, "out of memory");
        return;
    }
    store_put(broker->store, &real, false, &op->put, on_committed);
}

/* 5.3: with CHECK_IMMUNITY_TIME_IN_SECONDS the sender itself has only that long. */
static bool is_too_late(const struct end_op *op, const struct message *half) {
    const struct broker *broker = op->broker;
    struct span text =
        message_property(half->properties, SPAN_LITERAL("CHECK_IMMUNITY_TIME_IN_SECONDS"));
    if (!broker->config.profile_5_3 || op->from_check || text.len == 0)
        return false;
    return env_wall_ms(broker->env) - half->born_ms >
           transaction_immunity_ms(text, broker->config.transaction_timeout_ms);
}

static void on_half(struct store_lookup *lookup, int status) {
    struct end_op *op = RMQ_CONTAINER_OF(lookup, struct end_op, lookup);
    struct halves *halves = &op->broker->halves;
    struct message half;
    struct half_place place;
    if (status == RMQ_E_NOMEM)
        refuse(op, "out of memory");
    else if (status != RMQ_OK ||
             message_decode(buf_span(&lookup->records), false, &half) != MESSAGE_OK ||
             !half_place(&half, &place))
        refuse(op, "Find prepared transaction message failed");
    else if (is_too_late(op, &half))
        finish(op, RESPONSE_ILLEGAL_OPERATION, SPAN_NONE);
    else if (!span_equal(place.group, buf_span(&op->group)))
        refuse(op, "The producer group wrong");
    else if (half.queue_offset != op->queue_offset)
        refuse(op, "The transaction state table offset wrong");
    else if (half.physical_offset != op->physical)
        refuse(op, "The commit log offset wrong");
    else if (op->access_key.len > 0 &&
             !access_may_publish(op->broker->access, buf_span(&op->access_key), place.topic))
        refuse(op, "No default permission for the transaction's topic");
    else if (op->state == TRANSACTION_COMMIT ||
             (++halves->rollbacks % PLANT_STEP == 0 &&
              env_plant(op->broker->env, PLANT_BROKER_SHOW_ROLLBACK)))
        commit(op, &half, &place);
    else
        put_op(op);
}

/* ---- 37 -------------------------------------------------------------------------------------- */

static void begin(struct broker *broker, const struct asker *asker,
                  const struct header_end_transaction *header) {
    struct end_op *op = op_begin(broker);
    if (op != NULL)
        buf_put_span(&op->group, header->producer_group);
    if (op != NULL)
        buf_put_span(&op->access_key, access_admitted_as(broker->access));
    if (op == NULL || buf_failed(&op->group) || buf_failed(&op->access_key)) {
        answer_code(&broker->remoting, asker, RESPONSE_SYSTEM_ERROR, SPAN_LITERAL("out of memory"));
        if (op != NULL)
            op_end(op);
        return;
    }
    op->asker = *asker;
    op->queue_offset = header->state_table_offset;
    op->physical = header->commit_log_offset;
    op->state = (enum transaction_state)header->commit_or_rollback;
    op->from_check = header->from_check;
    store_message_at(broker->store, op->physical, &op->lookup, on_half);
}

void broker_on_end_transaction(struct broker *broker, struct channel *channel,
                               const struct wire_command *request) {
    struct asker asker = asker_of(channel, request);
    struct header_end_transaction header = {0};
    const struct header_field_info *bad;
    struct outcome outcome;
    outcome_init(&outcome, RESPONSE_SUCCESS);
    int err = header_decode(&HEADER_end_transaction, request, &header, &bad);
    if (err != RMQ_OK)
        outcome_bad_header(&outcome, err, bad);
    else if (broker->config.broker_id > 0)
        outcome_init(&outcome, RESPONSE_SLAVE_NOT_AVAILABLE);
    else if (header.commit_or_rollback == TRANSACTION_UNKNOWN)
        return; /* the check will ask */
    else if (header.commit_or_rollback != TRANSACTION_COMMIT &&
             header.commit_or_rollback != TRANSACTION_ROLLBACK)
        outcome_refuse(&outcome, RESPONSE_SYSTEM_ERROR, "commitOrRollback field wrong", SPAN_NONE,
                       "");
    if (outcome.code != RESPONSE_SUCCESS)
        answer_code(&broker->remoting, &asker, outcome.code, outcome.remark);
    else
        begin(broker, &asker, &header);
}
