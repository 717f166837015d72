/* broker/send_checks.c - whether a message may be stored, where, and with which properties.
 *
 * Order and remarks: AbstractSendMessageProcessor.java msgCheck, SendMessageProcessor.java of 4.9.8
 * and 5.3.3; the captures of java497-produce, -noauto, probe-all and their 5.3.3 twins. */
#include "model/base/check.h"
#include "model/broker/broker_internal.h"
#include "model/broker/send.h"

#define RETRY_PREFIX "%RETRY%"
#define DLQ_PREFIX "%DLQ%"

static bool is_true(struct span text) {
    static const char TRUE[] = "true";
    if (text.len != sizeof TRUE - 1)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if ((text.data[i] | 0x20) != TRUE[i])
            return false;
    }
    return true;
}

struct check {
    struct broker *broker;
    const struct header_send_v2 *header;
    int32_t version;
    struct span peer;
    struct send_target *target;
    struct outcome *outcome;
};

/* 5.3 calls it what it is. */
static int32_t bad_parameter(const struct broker *broker) {
    return broker->config.profile_5_3 ? RESPONSE_INVALID_PARAMETER : RESPONSE_SYSTEM_ERROR;
}

/* TopicValidator.java: topics that only servers write to. */
static bool is_forbidden(struct span topic) {
    static const struct span FORBIDDEN[] = {
        SPAN_LITERAL("SCHEDULE_TOPIC_XXXX"),
        SPAN_LITERAL("RMQ_SYS_TRANS_HALF_TOPIC"),
        SPAN_LITERAL("RMQ_SYS_TRANS_OP_HALF_TOPIC"),
        SPAN_LITERAL("TRANS_CHECK_MAX_TIME_TOPIC"),
        SPAN_LITERAL("SELF_TEST_TOPIC"),
        SPAN_LITERAL("OFFSET_MOVED_EVENT"),
    };
    for (size_t i = 0; i < sizeof FORBIDDEN / sizeof FORBIDDEN[0]; i++) {
        if (span_equal(FORBIDDEN[i], topic))
            return true;
    }
    return false;
}

static bool check_broker(const struct check *check) {
    const struct broker *broker = check->broker;
    struct topic_config topic;
    if (env_wall_ms(broker->env) < broker->config.accept_sends_ms) {
        outcome_init(check->outcome, RESPONSE_SYSTEM_ERROR);
        outcome_text(check->outcome, "broker unable to service, until ");
        outcome_number(check->outcome, broker->config.accept_sends_ms);
        return false;
    }
    if ((broker->config.permission & PERM_WRITE) == 0 &&
        topics_find(&broker->topics, check->header->topic, &topic) == RMQ_OK && topic.order)
        return outcome_refuse(check->outcome, RESPONSE_NO_PERMISSION, "the broker[",
                              broker_ip(broker), "] sending message is forbidden");
    return true;
}

static bool check_name(const struct check *check) {
    struct span topic = check->header->topic;
    struct span wrong = topic_name_check(topic);
    if (!span_is_absent(wrong))
        return outcome_refuse(check->outcome, bad_parameter(check->broker), "", wrong, "");
    if (is_forbidden(topic))
        return outcome_refuse(check->outcome, RESPONSE_NO_PERMISSION, "Sending message to topic[",
                              topic, "] is forbidden.");
    return true;
}

/* ---- topics that come to be ------------------------------------------------------------------ */

/* broker.md 7.4: a topic like `default_topic`, with as many queues as the client wants at most. */
static int create_like_default(const struct check *check, int32_t sys_flag) {
    struct topic_config model;
    const struct header_send_v2 *header = check->header;
    int32_t queues = header->default_topic_queue_nums;
    if (topics_find(&check->broker->topics, header->default_topic, &model) != RMQ_OK ||
        (model.perm & PERM_INHERIT) == 0)
        return RMQ_E_NOT_FOUND;
    if (queues > model.write_queue_nums)
        queues = model.write_queue_nums;
    if (queues < 0)
        queues = 0;
    const struct topic_config topic = {.name = header->topic,
                                       .read_queue_nums = queues,
                                       .write_queue_nums = queues,
                                       .perm = model.perm & ~PERM_INHERIT,
                                       .sys_flag = sys_flag,
                                       .multi_tag = model.multi_tag};
    return broker_add_topic(check->broker, &topic);
}

static int create_one_queue(struct broker *broker, struct span name, int32_t sys_flag) {
    const struct topic_config topic = {.name = name,
                                       .read_queue_nums = 1,
                                       .write_queue_nums = 1,
                                       .perm = PERM_READ | PERM_WRITE,
                                       .sys_flag = sys_flag};
    return broker_add_topic(broker, &topic);
}

static bool find_topic(const struct check *check) {
    struct broker *broker = check->broker;
    const struct header_send_v2 *header = check->header;
    bool retry = span_starts_with(header->topic, SPAN_LITERAL(RETRY_PREFIX));
    if (topics_find(&broker->topics, header->topic, &check->target->topic) == RMQ_OK)
        return true;
    int32_t sys_flag = !header->unit_mode ? 0
                       : retry            ? TOPIC_SYS_FLAG_UNIT_SUB
                                          : TOPIC_SYS_FLAG_UNIT;
    int err = create_like_default(check, sys_flag);
    if (err == RMQ_E_NOT_FOUND && retry)
        err = create_one_queue(broker, header->topic, sys_flag);
    if (err == RMQ_OK)
        err = topics_find(&broker->topics, header->topic, &check->target->topic);
    if (err == RMQ_OK)
        return true;
    if (err == RMQ_E_NOMEM)
        return outcome_refuse(check->outcome, RESPONSE_SYSTEM_ERROR, "out of memory", SPAN_NONE,
                              "");
    outcome_refuse(check->outcome, RESPONSE_TOPIC_NOT_EXIST, "topic[", header->topic,
                   "] not exist, apply first please!");
    outcome_text(check->outcome, answer_help(broker->config.profile_5_3));
    return false;
}

/* ---- queue ----------------------------------------------------------------------------------- */

/* As PermName.perm2String and TopicConfig.toString. */
static void describe_topic(const struct check *check) {
    const struct topic_config *topic = &check->target->topic;
    struct outcome *out = check->outcome;
    outcome_text(out, "TopicConfig [topicName=");
    outcome_span(out, topic->name);
    outcome_text(out, ", readQueueNums=");
    outcome_number(out, topic->read_queue_nums);
    outcome_text(out, ", writeQueueNums=");
    outcome_number(out, topic->write_queue_nums);
    outcome_text(out, ", perm=");
    outcome_text(out, (topic->perm & PERM_READ) != 0 ? "R" : "-");
    outcome_text(out, (topic->perm & PERM_WRITE) != 0 ? "W" : "-");
    outcome_text(out, (topic->perm & PERM_INHERIT) != 0 ? "X" : "-");
    outcome_text(out,
                 topic->multi_tag ? ", topicFilterType=MULTI_TAG" : ", topicFilterType=SINGLE_TAG");
    outcome_text(out, ", topicSysFlag=");
    outcome_number(out, topic->sys_flag);
    outcome_text(out, topic->order ? ", order=true" : ", order=false");
    outcome_text(out, check->broker->config.profile_5_3 ? ", attributes={}]" : "]");
}

static bool check_queue(const struct check *check) {
    const struct topic_config *topic = &check->target->topic;
    int32_t queue_id = check->header->queue_id;
    int32_t bound = topic->write_queue_nums > topic->read_queue_nums ? topic->write_queue_nums
                                                                     : topic->read_queue_nums;
    if (queue_id >= bound) {
        outcome_init(check->outcome, bad_parameter(check->broker));
        outcome_text(check->outcome, "request queueId[");
        outcome_number(check->outcome, queue_id);
        outcome_text(check->outcome, "] is illegal, ");
        describe_topic(check);
        outcome_text(check->outcome, " Producer: ");
        outcome_span(check->outcome, check->peer);
        return false;
    }
    if (queue_id < 0) /* Java's random number of a bound of 0 is an exception, ours queue 0 */
        queue_id =
            topic->write_queue_nums <= 0
                ? 0
                : (int32_t)env_random_below(check->broker->env, (uint64_t)topic->write_queue_nums);
    check->target->queue_id = queue_id;
    check->target->answered_queue_id = queue_id;
    return true;
}

/* ---- retry topics ---------------------------------------------------------------------------- */

/* 11.2 step 7: what was retried too often goes to the group's dead letter queue. */
static bool redirect_retry(const struct check *check) {
    const struct header_send_v2 *header = check->header;
    const size_t retry = sizeof RETRY_PREFIX - 1, dlq = sizeof DLQ_PREFIX - 1;
    struct broker *broker = check->broker;
    struct span group = span_from(header->topic, retry);
    const struct group *config;
    if (groups_find_or_create(&broker->groups, group, &config) != RMQ_OK) {
        outcome_refuse(check->outcome, RESPONSE_SUBSCRIPTION_GROUP_NOT_EXIST,
                       "subscription group not exist, ", group, " ");
        outcome_text(check->outcome, answer_help(broker->config.profile_5_3));
        return false;
    }
    int32_t maximum = config->retry_max;
    if (check->version >= WIRE_VERSION_3_4_9 && header->has_max_reconsume_times)
        maximum = header->max_reconsume_times;
    int32_t times = header->has_reconsume_times ? header->reconsume_times : 0;
    bool dead = broker->config.profile_5_3 ? times > maximum : times >= maximum;
    if (!dead)
        return true;
    char name[TOPIC_NAME_MAX];
    RMQ_ASSERT(dlq <= retry && header->topic.len <= TOPIC_NAME_MAX);
    memcpy(name, DLQ_PREFIX, dlq);
    memcpy(name + dlq, group.data, group.len);
    struct span topic = span_of(name, dlq + group.len);
    if (topics_find(&broker->topics, topic, &check->target->topic) != RMQ_OK &&
        (create_one_queue(broker, topic, 0) != RMQ_OK ||
         topics_find(&broker->topics, topic, &check->target->topic) != RMQ_OK))
        return outcome_refuse(check->outcome, RESPONSE_SYSTEM_ERROR, "topic[", topic,
                              "] not exist");
    check->target->queue_id = 0;
    check->target->dead = true;
    return true;
}

bool send_check(struct broker *broker, const struct header_send_v2 *header, int32_t version,
                struct span peer, struct send_target *target, struct outcome *outcome) {
    const struct check check = {.broker = broker,
                                .header = header,
                                .version = version,
                                .peer = peer,
                                .target = target,
                                .outcome = outcome};
    target->dead = false;
    if (!check_broker(&check) || !check_name(&check) || !find_topic(&check) || !check_queue(&check))
        return false;
    if (!header->batch && span_starts_with(header->topic, SPAN_LITERAL(RETRY_PREFIX)) &&
        !redirect_retry(&check))
        return false;
    target->sys_flag = header->sys_flag;
    if (target->topic.multi_tag)
        target->sys_flag |= MESSAGE_SYS_MULTI_TAGS;
    return true;
}

/* ---- properties ------------------------------------------------------------------------------ */

enum property {
    PROPERTY_OTHER,
    PROPERTY_WAIT,
    PROPERTY_CLUSTER,
    PROPERTY_UNIQ_KEY,
    PROPERTY_DELAY,
    PROPERTY_LATER
};

static enum property property_of(struct span name, struct span value) {
    static const struct {
        const char *name;
        enum property what;
    } KNOWN[] = {
        {"WAIT", PROPERTY_WAIT},
        {"CLUSTER", PROPERTY_CLUSTER},
        {"UNIQ_KEY", PROPERTY_UNIQ_KEY},
        {"DELAY", PROPERTY_DELAY},
        {"TRAN_MSG", PROPERTY_LATER},
        {"TIMER_DELAY_SEC", PROPERTY_LATER},
        {"TIMER_DELAY_MS", PROPERTY_LATER},
        {"TIMER_DELIVER_MS", PROPERTY_LATER},
    };
    for (size_t i = 0; i < sizeof KNOWN / sizeof KNOWN[0]; i++) {
        if (!span_equal(name, span_of_text(KNOWN[i].name)))
            continue;
        if (span_equal(name, SPAN_LITERAL("TRAN_MSG")))
            return is_true(value) ? PROPERTY_LATER : PROPERTY_OTHER;
        return KNOWN[i].what;
    }
    return PROPERTY_OTHER;
}

static bool refuse_later(const struct broker *broker, struct span what, struct outcome *outcome) {
    if (broker->config.reject_transactions && span_equal(what, SPAN_LITERAL("TRAN_MSG")))
        return outcome_refuse(outcome, RESPONSE_NO_PERMISSION, "the broker[", broker_ip(broker),
                              "] sending transaction message is forbidden");
    return outcome_refuse(outcome, RESPONSE_MESSAGE_ILLEGAL, "messages with ", what,
                          " are not supported by this broker yet, nothing was stored");
}

static void put_property(struct buf *out, struct span name, struct span value) {
    if (out->len > 0 && out->data[out->len - 1] != 2)
        buf_put_u8(out, 2);
    buf_put_span(out, name);
    buf_put_u8(out, 1);
    buf_put_span(out, value);
}

/* 32 hexadecimal digits as clients make them: address, process, class loader (0 here), time and
 * counter (MessageClientIDSetter.java). */
static void put_unique_key(struct broker *broker, struct buf *out, struct send_properties *read) {
    static const char HEX[] = "0123456789ABCDEF";
    struct env_identity self;
    uint8_t bytes[16] = {0};
    char text[32];
    env_identity(broker->env, &self);
    memcpy(bytes, broker->host.ip, 4);
    bytes[4] = (uint8_t)(self.process_number >> 8);
    bytes[5] = (uint8_t)self.process_number;
    uint32_t time = (uint32_t)(uint64_t)env_wall_ms(broker->env);
    uint32_t counter = broker->sends.unique_counter++;
    for (unsigned i = 0; i < 4; i++)
        bytes[10 + i] = (uint8_t)(time >> (24 - 8 * i));
    bytes[14] = (uint8_t)(counter >> 8);
    bytes[15] = (uint8_t)counter;
    for (size_t i = 0; i < sizeof bytes; i++) {
        text[2 * i] = HEX[bytes[i] >> 4];
        text[2 * i + 1] = HEX[bytes[i] & 15];
    }
    put_property(out, SPAN_LITERAL("UNIQ_KEY"), span_of(text, sizeof text));
    read->unique_key =
        buf_failed(out) ? SPAN_NONE : span_of(out->data + out->len - sizeof text, sizeof text);
}

/* A level that is no number fails as in Java (NumberFormatException); a batch is not delayed. */
static bool read_delay(const struct broker *broker, struct span value, bool batch,
                       struct send_properties *read, struct outcome *outcome) {
    if (span_to_i32(value, &read->wish.delay_level) != RMQ_OK)
        return outcome_refuse(outcome, RESPONSE_SYSTEM_ERROR, "DELAY is no number: ", value, "");
    if (!batch || read->wish.delay_level <= 0)
        return true;
    outcome_init(outcome, RESPONSE_MESSAGE_ILLEGAL);
    outcome_text(outcome, "the message is illegal, maybe msg body or properties length not "
                          "matched. msg body length limit ");
    outcome_number(outcome, broker->max_message_bytes);
    outcome_text(outcome, "B, msg properties length limit 32KB.");
    return false;
}

bool send_read_properties(struct broker *broker, struct span properties, int32_t sys_flag,
                          bool batch, struct buf *out, struct send_properties *read,
                          struct outcome *outcome) {
    bool v5 = broker->config.profile_5_3;
    struct span name, value;
    const struct span cluster = broker->config.cluster;
    *read = (struct send_properties){.wait = true};
    if ((sys_flag & MESSAGE_SYS_TRANSACTION) != 0)
        return refuse_later(broker, SPAN_LITERAL("a transaction flag"), outcome);
    buf_clear(out);
    RMQ_IGNORE(buf_reserve(out, properties.len + cluster.len + 64), "buf_failed says it");
    while (message_property_next(&properties, &name, &value)) {
        enum property what = property_of(name, value);
        if (what == PROPERTY_LATER)
            return refuse_later(broker, name, outcome);
        if (what == PROPERTY_CLUSTER)
            continue;
        if (what == PROPERTY_WAIT)
            read->wait = is_true(value);
        if (what == PROPERTY_UNIQ_KEY)
            read->unique_key = value;
        if (what == PROPERTY_DELAY && !read_delay(broker, value, batch, read, outcome))
            return false;
        if (what != PROPERTY_WAIT || v5 || batch)
            put_property(out, name, value);
    }
    if (v5 && !batch && span_is_absent(read->unique_key))
        put_unique_key(broker, out, read);
    put_property(out, SPAN_LITERAL("CLUSTER"), cluster);
    if (v5)
        buf_put_u8(out, 2);
    if (!buf_failed(out))
        return true;
    return outcome_refuse(outcome, RESPONSE_SYSTEM_ERROR, "out of memory", SPAN_NONE, "");
}
