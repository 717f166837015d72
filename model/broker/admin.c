/* broker/admin.c - topics by administrators: 17 and 5.3's 18, create or update (broker.md 22.1).
 *
 * Order of checks and remarks as in AdminBrokerProcessor.java updateAndCreateTopic of 4.9.8 and
 * 5.3.3, and observed: 4.9.7-probe-all, 5.3.3-probe-all. A good answer has code 0 and the remark
 * that Java responses are born with.
 *
 * Differs: the answer does not wait for the topic's registration, unless the quirk
 * serialRegistration says so (registration.h); the remark of an unknown topicFilterType leaves out
 * Java's exception class and line number; counts of queues and perm are checked (Apache takes
 * anything); 18 changes nothing when one of its topics is refused, and is known to both profiles.
 * Attributes are 5.3's (attributes.h): in 4.9 those that a topic was loaded with stay. */
#include "model/base/check.h"
#include "model/broker/attributes.h"
#include "model/broker/broker_internal.h"
#include "model/events.h"
#include "model/quirks.h"

#define QUEUES_MAX 65536

/* A creation whose registration is under way: its answer waits (quirk serialRegistration). */
struct creation {
    struct list link;
    struct broker *broker;
    struct asker asker;
    bool is_command;
    uint16_t topic_len;
    char topic[TOPIC_NAME_MAX];
};

bool admin_check_topic(const struct broker *broker, struct span topic, struct outcome *outcome) {
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

static bool check_numbers(const struct topic_config *topic, struct outcome *outcome) {
    bool good = topic->read_queue_nums >= 0 && topic->read_queue_nums <= QUEUES_MAX &&
                topic->write_queue_nums >= 0 && topic->write_queue_nums <= QUEUES_MAX &&
                topic->perm >= 0 && topic->perm <= 15;
    return good || outcome_refuse(outcome, RESPONSE_SYSTEM_ERROR, "topic ", topic->name,
                                  ": expected 0 to 65536 queues and a perm of 0 to 15");
}

static bool same_topic(const struct topic_config *a, const struct topic_config *b) {
    return a->read_queue_nums == b->read_queue_nums && a->write_queue_nums == b->write_queue_nums &&
           a->perm == b->perm && a->sys_flag == b->sys_flag && a->order == b->order &&
           a->multi_tag == b->multi_tag && span_equal(a->attributes, b->attributes);
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

/* What the topic's attributes become; `text` holds them. */
static bool alter_attributes(struct broker *broker, struct topic_config *topic,
                             const struct attribute_changes *changes, struct buf *text,
                             struct outcome *outcome) {
    struct topic_config old = {0};
    bool exists = topics_find(&broker->topics, topic->name, &old) == RMQ_OK;
    topic->attributes = old.attributes;
    if (!broker->config.profile_5_3 || changes->count == 0)
        return true;
    if (!attributes_alter(broker->env, old.attributes, !exists, changes, text, outcome))
        return false;
    topic->attributes = text->len == 0 ? SPAN_NONE : buf_span(text);
    return true;
}

static bool read_request(struct broker *broker, const struct wire_command *request,
                         struct topic_config *topic, struct buf *text, struct outcome *outcome) {
    struct attribute_changes changes = {.count = 0};
    struct header_create_topic header;
    const struct header_field_info *bad;
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
        !admin_check_topic(broker, header.topic, outcome) || !check_numbers(topic, outcome))
        return false;
    if (broker->config.profile_5_3 && !attributes_parse(header.attributes, &changes, outcome))
        return false;
    return alter_attributes(broker, topic, &changes, text, outcome);
}

void broker_on_update_and_create_topic(struct broker *broker, struct channel *channel,
                                       const struct wire_command *request) {
    struct topic_config topic = {0};
    struct asker asker = asker_of(channel, request);
    struct outcome outcome;
    struct buf text;
    if (!broker->config.profile_5_3 && !admin_master(broker, &asker))
        return;
    buf_init(&text, broker->env);
    if (read_request(broker, request, &topic, &text, &outcome))
        create_topic(broker, &asker, false, &topic);
    else
        tell(broker, &asker, false, topic.name, &outcome);
    buf_deinit(&text);
}

/* ---- request 18 ------------------------------------------------------------------------------ */

struct topic_list {
    struct broker *broker;
    struct buf text; /* attributes of the topic at hand */
    struct outcome outcome;
};

static bool check_listed(struct topic_list *list, struct topic_config *topic) {
    struct attribute_changes changes = {.count = 0};
    buf_clear(&list->text);
    return admin_check_topic(list->broker, topic->name, &list->outcome) &&
           check_numbers(topic, &list->outcome) &&
           (!list->broker->config.profile_5_3 ||
            attributes_parse_json(topic->attributes, &changes, &list->outcome)) &&
           alter_attributes(list->broker, topic, &changes, &list->text, &list->outcome);
}

static int on_listed_checked(void *ctx, const struct topic_config *topic) {
    struct topic_config copy = *topic;
    return check_listed(ctx, &copy) ? RMQ_OK : RMQ_E_STATE;
}

static int on_listed(void *ctx, const struct topic_config *topic) {
    struct topic_list *list = ctx;
    struct topic_config copy = *topic;
    bool waiting;
    if (!check_listed(list, &copy))
        return RMQ_E_STATE;
    apply(list->broker, &copy, NULL, NULL, &list->outcome, &waiting);
    return list->outcome.code == RESPONSE_SUCCESS ? RMQ_OK : RMQ_E_STATE;
}

void broker_on_update_and_create_topic_list(struct broker *broker, struct channel *channel,
                                            const struct wire_command *request) {
    struct asker asker = asker_of(channel, request);
    struct topic_list list = {.broker = broker};
    struct wire_error error = {0};
    struct buf scratch;
    if (!admin_master(broker, &asker))
        return;
    buf_init(&scratch, broker->env);
    buf_init(&list.text, broker->env);
    int err = topic_configs_decode(request->body, &scratch, on_listed_checked, &list, &error);
    if (err == RMQ_OK)
        err = topic_configs_decode(request->body, &scratch, on_listed, &list, &error);
    if (err == RMQ_OK)
        admin_answer(broker, &asker, SPAN_LITERAL(REMARK_UNSET), NULL);
    else if (err == RMQ_E_STATE)
        answer_code(&broker->remoting, &asker, list.outcome.code, list.outcome.remark);
    else
        admin_refuse_body(broker, &asker, err, &error);
    buf_deinit(&scratch);
    buf_deinit(&list.text);
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
    if (admin_check_topic(broker, topic.name, &outcome) && check_numbers(&topic, &outcome))
        create_topic(broker, &nobody, true, &topic);
    else
        tell(broker, &nobody, true, topic.name, &outcome);
    return RMQ_OK;
}
