/* broker/admin.c - administrators' requests: 17, create or update a topic (broker.md 22.1).
 *
 * Order of checks and remarks as in AdminBrokerProcessor.java updateAndCreateTopic of 4.9.8 and
 * 5.3.3, and observed: 4.9.7-probe-all, 5.3.3-probe-all. A good answer has code 0 and the remark
 * that Java responses are born with.
 *
 * Differs: the answer does not wait for the topic's registration, unless the quirk
 * serialRegistration says so (registration.h); 5.3's attributes are ignored with a log line; the
 * remark of an unknown topicFilterType leaves out Java's exception class and line number. */
#include "model/base/check.h"
#include "model/broker/broker_internal.h"
#include "model/events.h"
#include "model/quirks.h"

#define REMARK_UNSET "not set any response code"
#define REMARK_SLAVE                                               \
    "Can't modify topic or subscription group from slave broker, " \
    "please execute it from master broker."

/* A creation whose registration is under way: its answer waits (quirk serialRegistration). */
struct creation {
    struct list link;
    struct broker *broker;
    struct asker asker;
    bool is_command;
    uint16_t topic_len;
    char topic[TOPIC_NAME_MAX];
};

/* Whether `topic` may be created or updated here; else *outcome says why not. */
static bool check_topic(const struct broker *broker, struct span topic, struct outcome *outcome) {
    bool v5 = broker->config.profile_5_3;
    int32_t code = v5 ? RESPONSE_INVALID_PARAMETER : RESPONSE_SYSTEM_ERROR;
    struct span wrong = topic_name_check(topic);
    if (!span_is_absent(wrong))
        return outcome_refuse(outcome, code, "", wrong, "");
    if (topics_is_system(&broker->topics, topic))
        return outcome_refuse(outcome, code, "The topic[", topic,
                              "] is conflict with system topic.");
    return true;
}

static bool same_topic(const struct topic_config *a, const struct topic_config *b) {
    return a->read_queue_nums == b->read_queue_nums && a->write_queue_nums == b->write_queue_nums &&
           a->perm == b->perm && a->sys_flag == b->sys_flag && a->order == b->order &&
           a->multi_tag == b->multi_tag;
}

/* 5.3: an update that changes nothing has no effect. */
static bool changes_nothing(const struct broker *broker, const struct topic_config *topic) {
    struct topic_config old;
    return broker->config.profile_5_3 &&
           topics_find(&broker->topics, topic->name, &old) == RMQ_OK && same_topic(&old, topic);
}

/* Puts the topic into the table and registers it. `done` waits for the round when not NULL; then
 * *waiting tells whether it will be called. */
static void apply(struct broker *broker, const struct topic_config *topic,
                  registration_done_fn *done, void *ctx, struct outcome *outcome, bool *waiting) {
    bool created;
    *waiting = false;
    outcome_init(outcome, RESPONSE_SUCCESS);
    outcome->remark = SPAN_LITERAL(REMARK_UNSET);
    if (changes_nothing(broker, topic))
        return;
    if (topics_put(&broker->topics, topic, &created) != RMQ_OK) {
        outcome_refuse(outcome, RESPONSE_SYSTEM_ERROR, "out of memory", SPAN_NONE, "");
        return;
    }
    event_broker_topic_created(broker->env, topic->name, (uint64_t)topic->read_queue_nums,
                               (uint64_t)topic->write_queue_nums, (uint64_t)topic->perm);
    int err = registration_topic_changed(&broker->registrar, topic, done, ctx);
    if (err != RMQ_OK)
        env_log(broker->env, ENV_LOG_WARN, "broker: topic waits for the next registration: %s",
                rmq_err_text(err));
    *waiting = err == RMQ_OK && done != NULL;
}

/* ---- answers, now or later ------------------------------------------------------------------- */

/* `is_command`: the role command asked, and hears of it by an event. */
static void tell(struct broker *broker, const struct asker *asker, bool is_command,
                 struct span topic, const struct outcome *outcome) {
    if (is_command)
        event_command_done(broker->env, SPAN_LITERAL("create-topic"), topic, outcome->code,
                           outcome->code == RESPONSE_SUCCESS ? SPAN_NONE : outcome->remark);
    else
        answer_code(&broker->remoting, asker, outcome->code, outcome->remark);
}

static void on_registered(void *ctx) {
    struct creation *creation = ctx;
    struct outcome outcome;
    outcome_init(&outcome, RESPONSE_SUCCESS);
    outcome.remark = SPAN_LITERAL(REMARK_UNSET);
    list_remove(&creation->link);
    tell(creation->broker, &creation->asker, creation->is_command,
         span_of(creation->topic, creation->topic_len), &outcome);
    env_free(creation->broker->env, creation);
}

static struct creation *creation_create(struct broker *broker, const struct asker *asker,
                                        bool is_command, struct span topic) {
    struct creation *creation = env_alloc(broker->env, sizeof *creation);
    if (creation == NULL)
        return NULL;
    creation->broker = broker;
    creation->asker = *asker;
    creation->is_command = is_command;
    RMQ_ASSERT(topic.data != NULL && topic.len <= TOPIC_NAME_MAX); /* it was checked */
    creation->topic_len = (uint16_t)topic.len;
    memcpy(creation->topic, topic.data, topic.len);
    list_append(&broker->creations, &creation->link);
    return creation;
}

/* Creates a checked topic and answers. */
static void create_topic(struct broker *broker, const struct asker *asker, bool is_command,
                         const struct topic_config *topic) {
    struct outcome outcome;
    bool waiting;
    struct creation *creation = NULL;
    if (quirk_on(broker->config.quirks, QUIRK_SERIAL_REGISTRATION))
        creation = creation_create(broker, asker, is_command, topic->name);
    apply(broker, topic, creation == NULL ? NULL : on_registered, creation, &outcome, &waiting);
    if (waiting)
        return;
    if (creation != NULL) {
        list_remove(&creation->link);
        env_free(broker->env, creation);
    }
    tell(broker, asker, is_command, topic->name, &outcome);
}

void broker_forget_channel_creations(struct broker *broker, const struct channel *channel) {
    LIST_EACH(&broker->creations, link, next) {
        struct creation *creation = LIST_ENTRY(link, struct creation, link);
        if (creation->asker.channel == channel)
            creation->asker.channel = NULL;
    }
}

void broker_forget_creations(struct broker *broker) {
    LIST_EACH(&broker->creations, link, next) {
        list_remove(link);
        env_free(broker->env, LIST_ENTRY(link, struct creation, link));
    }
}

int broker_add_topic(struct broker *broker, const struct topic_config *topic) {
    bool created;
    int err = topics_put(&broker->topics, topic, &created);
    if (err != RMQ_OK)
        return err;
    event_broker_topic_created(broker->env, topic->name, (uint64_t)topic->read_queue_nums,
                               (uint64_t)topic->write_queue_nums, (uint64_t)topic->perm);
    err = registration_topic_auto_created(&broker->registrar, topic);
    if (err != RMQ_OK)
        env_log(broker->env, ENV_LOG_WARN, "broker: topic waits for the next registration: %s",
                rmq_err_text(err));
    return RMQ_OK;
}

/* ---- request 17 ------------------------------------------------------------------------------ */

static bool read_filter_type(struct span text, bool *multi_tag, struct outcome *outcome) {
    *multi_tag = span_equal(text, SPAN_LITERAL("MULTI_TAG"));
    if (*multi_tag || span_equal(text, SPAN_LITERAL("SINGLE_TAG")))
        return true;
    return outcome_refuse(outcome, RESPONSE_SYSTEM_ERROR, "topicFilterType = [", text,
                          "] value invalid");
}

static bool read_request(struct broker *broker, const struct wire_command *request,
                         struct topic_config *topic, struct outcome *outcome) {
    struct header_create_topic header;
    const struct header_field_info *bad;
    if (!broker->config.profile_5_3 && broker->config.broker_id > 0)
        return outcome_refuse(outcome, RESPONSE_SYSTEM_ERROR, REMARK_SLAVE, SPAN_NONE, "");
    int err = header_decode(&HEADER_create_topic, request, &header, &bad);
    if (err != RMQ_OK) {
        outcome_bad_header(outcome, err, bad);
        return false;
    }
    *topic =
        (struct topic_config){.name = header.topic,
                              .read_queue_nums = header.read_queue_nums,
                              .write_queue_nums = header.write_queue_nums,
                              .perm = header.perm,
                              .sys_flag = header.has_topic_sys_flag ? header.topic_sys_flag : 0,
                              .order = broker->config.profile_5_3 && header.order};
    if (!read_filter_type(header.topic_filter_type, &topic->multi_tag, outcome) ||
        !check_topic(broker, header.topic, outcome))
        return false;
    if (header.attributes.len > 0)
        env_log(broker->env, ENV_LOG_WARN, "broker: attributes of topic %.*s are ignored",
                (int)header.topic.len, (const char *)header.topic.data);
    return true;
}

void broker_on_update_and_create_topic(struct broker *broker, struct channel *channel,
                                       const struct wire_command *request) {
    struct topic_config topic = {0};
    struct asker asker = asker_of(channel, request);
    struct outcome outcome;
    if (read_request(broker, request, &topic, &outcome))
        create_topic(broker, &asker, false, &topic);
    else
        tell(broker, &asker, false, topic.name, &outcome);
}

/* ---- the role command ------------------------------------------------------------------------ */

static int read_count(const struct props *command, const char *key, int64_t fallback,
                      int32_t *out) {
    int64_t value;
    int err = props_get_i64(command, key, fallback, &value);
    if (err == RMQ_OK && (value < 0 || value > INT32_MAX))
        err = RMQ_E_INVALID;
    if (err == RMQ_OK)
        *out = (int32_t)value;
    return err;
}

int broker_command_create_topic(struct broker *broker, const struct props *command) {
    struct topic_config topic = {.name = props_get(command, "topic")};
    if (span_is_absent(topic.name) ||
        read_count(command, "readQueueNums", 8, &topic.read_queue_nums) != RMQ_OK ||
        read_count(command, "writeQueueNums", 8, &topic.write_queue_nums) != RMQ_OK ||
        read_count(command, "perm", 6, &topic.perm) != RMQ_OK)
        return RMQ_E_INVALID;
    const struct asker nobody = {0};
    struct outcome outcome;
    if (check_topic(broker, topic.name, &outcome))
        create_topic(broker, &nobody, true, &topic);
    else
        tell(broker, &nobody, true, topic.name, &outcome);
    return RMQ_OK;
}
