/* broker/send_back.c - see send_back.h. */
#include "model/broker/send_back.h"

#include "model/base/check.h"
#include "model/broker/broker_internal.h"
#include "model/events.h"
#include "model/wire/header.h"

#define FIRST_LEVEL 3 /* of a message that failed for the first time */

struct send_back_op {
    struct list link;
    struct broker *broker;
    struct asker asker;
    struct store_lookup lookup; /* then `put` */
    struct store_put put;
    int64_t physical;    /* of the message that is given back */
    int32_t delay_level; /* that was asked for; then the new message's */
    int32_t maximum;     /* reconsume times */
    int32_t reconsume;   /* the new message's */
    int32_t queue_id;
    bool dead;
    uint64_t begun_ns;
    struct buf properties;
    struct span back_topic; /* for the statistics: where it came from; in lookup.records */
    uint8_t group_len;
    char group[GROUP_NAME_MAX];
    char topic[TOPIC_NAME_MAX]; /* where it goes to, without the broker's own detour */
    uint8_t topic_len;
};

/* ---- operations ------------------------------------------------------------------------------ */

static struct send_back_op *op_begin(struct broker *broker, const struct asker *asker,
                                     struct span group) {
    struct send_backs *backs = &broker->send_backs;
    struct send_back_op *op = env_alloc(broker->env, sizeof *op);
    if (op == NULL)
        return NULL;
    memset(op, 0, sizeof *op);
    op->broker = broker;
    op->asker = *asker;
    op->begun_ns = env_mono_ns(broker->env);
    RMQ_ASSERT(group.len <= GROUP_NAME_MAX);
    memcpy(op->group, group.data, group.len);
    op->group_len = (uint8_t)group.len;
    buf_init(&op->lookup.records, broker->env);
    buf_init(&op->properties, broker->env);
    if (backs->under_way.next == NULL)
        list_init(&backs->under_way);
    list_append(&backs->under_way, &op->link);
    return op;
}

static void op_end(struct send_back_op *op) {
    list_remove(&op->link);
    buf_deinit(&op->lookup.records);
    buf_deinit(&op->properties);
    env_free(op->broker->env, op);
}

void send_backs_deinit(struct send_backs *backs, struct broker *broker) {
    if (backs->under_way.next == NULL)
        return;
    LIST_EACH(&backs->under_way, link, next) {
        struct send_back_op *op = LIST_ENTRY(link, struct send_back_op, link);
        if (op->lookup.done != NULL)
            store_lookup_cancel(broker->store, &op->lookup);
        if (op->put.done != NULL)
            store_put_cancel(broker->store, &op->put);
        op_end(op);
    }
}

void send_backs_forget_channel(struct send_backs *backs, const struct channel *channel) {
    if (backs->under_way.next == NULL)
        return;
    LIST_EACH(&backs->under_way, link, next) {
        struct send_back_op *op = LIST_ENTRY(link, struct send_back_op, link);
        if (op->asker.channel == channel)
            op->asker.channel = NULL;
    }
}

static struct span group_of(const struct send_back_op *op) {
    return span_of(op->group, op->group_len);
}

static struct span topic_of(const struct send_back_op *op) {
    return span_of(op->topic, op->topic_len);
}

static void refuse(struct send_back_op *op, const struct outcome *outcome) {
    answer_code(&op->broker->remoting, &op->asker, outcome->code, outcome->remark);
    op_end(op);
}

static void refuse_text(struct send_back_op *op, const char *remark) {
    struct outcome outcome;
    outcome_refuse(&outcome, RESPONSE_SYSTEM_ERROR, remark, SPAN_NONE, "");
    refuse(op, &outcome);
}

/* ---- where it goes --------------------------------------------------------------------------- */

/* `prefix` and the group, with so many queues when it is new. */
static bool choose_topic(struct send_back_op *op, const char *prefix, int32_t queues,
                         int32_t sys_flag, struct outcome *outcome) {
    struct broker *broker = op->broker;
    struct topic_config topic;
    struct buf name = {.data = (uint8_t *)op->topic, .capacity = sizeof op->topic};
    buf_put_text(&name, prefix);
    buf_put_span(&name, group_of(op));
    op->topic_len = (uint8_t)name.len;
    struct span text = topic_of(op);
    int err = buf_failed(&name) ? RMQ_E_LIMIT : topics_find(&broker->topics, text, &topic);
    if (err == RMQ_E_NOT_FOUND) {
        const struct topic_config config = {.name = text,
                                            .read_queue_nums = queues,
                                            .write_queue_nums = queues,
                                            .perm = PERM_READ | PERM_WRITE,
                                            .sys_flag = sys_flag};
        err = broker_add_topic(broker, &config);
        topic = config;
    }
    if (err != RMQ_OK)
        return outcome_refuse(outcome, RESPONSE_SYSTEM_ERROR, "topic[", text, "] not exist");
    if (!op->dead && (topic.perm & PERM_WRITE) == 0)
        return outcome_refuse(outcome, RESPONSE_NO_PERMISSION, "the topic[", text,
                              "] sending message is forbidden");
    op->queue_id = (int32_t)env_random_below(broker->env, (uint64_t)queues);
    return true;
}

/* ---- the new message ------------------------------------------------------------------------- */

static int put(struct buf *out, const char *name, struct span value) {
    return message_property_put(out, 0, span_of_text(name), value);
}

/* Those of the old one, with WAIT, DELAY, RETRY_TOPIC and ORIGIN_MESSAGE_ID as they are to be. */
static int make_properties(struct send_back_op *op, const struct message *old, int32_t level) {
    char id[MESSAGE_ID_MAX], digits[24];
    struct span rest = old->properties, name, value;
    struct span retry = message_property(rest, SPAN_LITERAL("RETRY_TOPIC"));
    struct span origin = message_property(rest, SPAN_LITERAL("ORIGIN_MESSAGE_ID"));
    struct buf *out = &op->properties;
    int err = buf_reserve(out, rest.len + old->topic.len + 256);
    while (err == RMQ_OK && message_property_next(&rest, &name, &value)) {
        if (!span_equal(name, SPAN_LITERAL("DELAY")) && !span_equal(name, SPAN_LITERAL("WAIT")))
            err = message_property_put(out, 0, name, value);
    }
    if (err == RMQ_OK && span_is_absent(retry))
        err = put(out, "RETRY_TOPIC", old->topic);
    if (err == RMQ_OK)
        err = put(out, "WAIT", SPAN_LITERAL("false"));
    if (err == RMQ_OK)
        err = put(out, "DELAY", span_of(digits, format_i64(digits, level)));
    if (err == RMQ_OK && span_is_absent(origin))
        err = put(out, "ORIGIN_MESSAGE_ID",
                  span_of(id, message_id_format(&old->store_host, old->physical_offset, id)));
    op->back_topic = span_is_absent(retry) ? old->topic : retry;
    return err;
}

static void on_put(struct store_put *put_, enum put_status status) {
    struct send_back_op *op = RMQ_CONTAINER_OF(put_, struct send_back_op, put);
    struct broker *broker = op->broker;
    if (status != PUT_OK) {
        refuse_text(op, put_status_text(status));
        return;
    }
    event_retry_stored(broker->env, group_of(op), topic_of(op), op->physical, op->reconsume,
                       op->delay_level, op->dead);
    stats_put(&broker->stats, op->dead ? topic_of(op) : SCHEDULE_TOPIC, put_->count, put_->bytes,
              env_mono_ns(broker->env) - op->begun_ns);
    stats_send_back(&broker->stats, op->back_topic, group_of(op));
    earliest_stored(broker, put_->physical_offset, put_->store_ms);
    answer_code(&broker->remoting, &op->asker, RESPONSE_SUCCESS, SPAN_NONE);
    op_end(op);
}

static void store_again(struct send_back_op *op, const struct message *old) {
    struct broker *broker = op->broker;
    struct outcome outcome;
    op->dead = old->reconsume_times >= op->maximum || op->delay_level < 0;
    if (op->dead && !choose_topic(op, "%DLQ%", 1, 0, &outcome)) {
        refuse(op, &outcome);
        return;
    }
    int32_t level = op->dead               ? 0
                    : op->delay_level == 0 ? FIRST_LEVEL + old->reconsume_times
                                           : op->delay_level;
    struct put_wish wish = {.delay_level = level};
    int err = make_properties(op, old, level);
    struct message message = *old;
    message.magic = 0;
    message.topic = topic_of(op);
    message.queue_id = op->queue_id;
    message.reconsume_times++;
    message.properties = buf_span(&op->properties);
    if (err == RMQ_OK)
        err = put_rewrite(broker, &wish, &message);
    if (err != RMQ_OK) {
        refuse_text(op, rmq_err_text(err));
        return;
    }
    op->delay_level = level;
    op->reconsume = message.reconsume_times;
    store_put(broker->store, &message, true, &op->put, on_put);
}

static void on_found(struct store_lookup *lookup, int status) {
    struct send_back_op *op = RMQ_CONTAINER_OF(lookup, struct send_back_op, lookup);
    struct message old;
    struct outcome outcome;
    if (status == RMQ_OK &&
        (message_decode(buf_span(&lookup->records), false, &old) != MESSAGE_OK ||
         span_equal(old.topic, SCHEDULE_TOPIC) || !message_takes_offset(&old)))
        status = RMQ_E_NOT_FOUND;
    if (status == RMQ_OK) {
        store_again(op, &old);
        return;
    }
    outcome_init(&outcome, RESPONSE_SYSTEM_ERROR);
    outcome_text(&outcome, "look message by offset failed, ");
    outcome_number(&outcome, op->physical);
    refuse(op, &outcome);
}

/* ---- the request ----------------------------------------------------------------------------- */

/* Everything that is known before the message is. True: there is something to do. */
static bool check(struct broker *broker, const struct header_send_back *header,
                  const struct group **group, struct outcome *outcome) {
    if (broker->config.broker_id > 0)
        return outcome_refuse(outcome, RESPONSE_SYSTEM_ERROR, "messages are given back to a master",
                              SPAN_NONE, "");
    if (header->group.len > GROUP_NAME_MAX ||
        groups_find_or_create(&broker->groups, header->group, group) != RMQ_OK) {
        outcome_refuse(outcome, RESPONSE_SUBSCRIPTION_GROUP_NOT_EXIST,
                       "subscription group not exist, ", header->group, " ");
        outcome_text(outcome, answer_help(broker->config.profile_5_3));
        return false;
    }
    if ((broker->config.permission & PERM_WRITE) == 0)
        return outcome_refuse(outcome, RESPONSE_NO_PERMISSION, "the broker[", broker_ip(broker),
                              "] sending message is forbidden");
    if ((*group)->retry_queues > 0)
        return true;
    outcome_init(outcome, RESPONSE_SUCCESS); /* the group wants none: it is dropped */
    return false;
}

void broker_on_send_back(struct broker *broker, struct channel *channel,
                         const struct wire_command *request) {
    struct asker asker = asker_of(channel, request);
    const struct header_field_info *bad;
    struct header_send_back header;
    struct outcome outcome;
    const struct group *group;
    int err = header_decode(&HEADER_send_back, request, &header, &bad);
    if (err != RMQ_OK)
        outcome_bad_header(&outcome, err, bad);
    if (err != RMQ_OK || !check(broker, &header, &group, &outcome)) {
        answer_code(&broker->remoting, &asker, outcome.code,
                    outcome.code == RESPONSE_SUCCESS ? SPAN_NONE : outcome.remark);
        return;
    }
    struct send_back_op *op = op_begin(broker, &asker, header.group);
    if (op == NULL) {
        answer_code(&broker->remoting, &asker, RESPONSE_SYSTEM_ERROR,
                    SPAN_LITERAL("out of memory"));
        return;
    }
    op->delay_level = header.delay_level;
    op->maximum = group->retry_max;
    if (request->version >= WIRE_VERSION_3_4_9 && header.has_max_reconsume_times)
        op->maximum = header.max_reconsume_times;
    int32_t sys_flag = header.unit_mode ? TOPIC_SYS_FLAG_UNIT_SUB : 0;
    if (!choose_topic(op, "%RETRY%", group->retry_queues, sys_flag, &outcome)) {
        refuse(op, &outcome);
        return;
    }
    op->physical = header.offset;
    store_message_at(broker->store, header.offset, &op->lookup, on_found);
}
