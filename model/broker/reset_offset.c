/* broker/reset_offset.c - request 222: sets a group's progress on a topic to a time (broker.md
 * 22.5).
 *
 * 4.9: the broker computes the offsets and tells the group's clients (220), which apply and commit
 * them; a group that is not online is refused (206), and mqadmin commits by itself then. 5.3
 * (useServerSideResetOffset): the broker sets the offsets, and the next pull of each queue is sent
 * there (offsets_take_reset). Source: Broker2Client.java resetOffset of 4.9.8,
 * AdminBrokerProcessor.java resetOffsetInner of 5.3.3.
 *
 * Differs: a client that is too old is refused before any is told. 5.3: an offset that is asked for
 * may be the queue's max at most (Apache takes one more). */
#include "model/base/check.h"
#include "model/broker/broker_internal.h"
#include "model/wire/body_admin.h"
#include "model/wire/java_order.h"

#define VERSION_3_0_7 28 /* MQVersion.java: the first that knows 220 */
#define QUEUES_MAX 65536

struct reset {
    struct admin_task task;
    struct store_lookup lookup;
    bool reading; /* the lookup is under way */
    bool looping; /* inside reset_run: a lookup may end before it returns */
    bool is_force, as_list;
    int32_t first; /* queue id of offsets[0] */
    uint32_t count, next;
    int64_t timestamp; /* wall ms; -1: to the end */
    int64_t *offsets;
    struct buf text;
    struct span topic, group; /* in `text` */
};

static void reset_free(struct reset *reset) {
    buf_deinit(&reset->text);
    buf_deinit(&reset->lookup.records);
    env_free(reset->task.broker->env, reset->offsets);
    admin_task_end(&reset->task);
}

static void reset_drop(struct admin_task *task) {
    struct reset *reset = (struct reset *)task;
    if (reset->reading)
        store_lookup_cancel(task->broker->store, &reset->lookup);
    reset_free(reset);
}

/* The body, in the order of Java's table of queues: their hashes are those of broker and topic and
 * the id. */
static void write_body(const struct reset *reset, struct buf *body, bool as_list) {
    struct broker *broker = reset->task.broker;
    struct json_writer json;
    int32_t topic_hash = java_string_hash(reset->topic);
    int32_t broker_hash = java_string_hash(broker->config.name);
    struct java_key *keys = env_alloc(broker->env, reset->count * sizeof *keys);
    for (uint32_t i = 0; keys != NULL && i < reset->count; i++) {
        uint32_t hash = 31 + (uint32_t)broker_hash; /* MessageQueue.java hashCode */
        hash = 31 * hash + (uint32_t)reset->first + i;
        hash = 31 * hash + (uint32_t)topic_hash;
        keys[i] = (struct java_key){(int32_t)hash, i};
    }
    if (keys == NULL || java_order(broker->env, keys, reset->count, 16) != RMQ_OK) {
        env_free(broker->env, keys);
        body->failed = true;
        return;
    }
    json_writer_init(&json, body, JSON_STYLE_FASTJSON);
    reset_offsets_begin(&json, as_list);
    for (uint32_t i = 0; i < reset->count; i++) {
        const struct body_queue queue = {broker->config.name, reset->first + (int32_t)keys[i].index,
                                         reset->topic};
        reset_offset_write(&json, as_list, &queue, reset->offsets[keys[i].index]);
    }
    reset_offsets_end(&json, as_list);
    env_free(broker->env, keys);
}

/* ---- 4.9: the clients do it ------------------------------------------------------------------ */

static bool check_members(const struct reset *reset, const struct client_group *group) {
    struct broker *broker = reset->task.broker;
    struct outcome outcome;
    if (group == NULL) {
        outcome_refuse(&outcome, RESPONSE_CONSUMER_NOT_ONLINE,
                       "Consumer not online, so can not reset offset, Group: ", reset->group,
                       " Topic: ");
        outcome_span(&outcome, reset->topic);
        outcome_text(&outcome, " Timestamp: ");
        outcome_number(&outcome, reset->timestamp);
        answer_code(&broker->remoting, &reset->task.asker, outcome.code, outcome.remark);
        return false;
    }
    LIST_EACH(&group->members, link, next) {
        const struct client_channel *client =
            LIST_ENTRY(link, struct client_member, in_group)->client;
        if (client->version >= VERSION_3_0_7)
            continue;
        outcome_refuse(&outcome, RESPONSE_SYSTEM_ERROR, "the client ", client->client_id,
                       " does not support this feature. version=");
        outcome_number(&outcome, client->version);
        answer_code(&broker->remoting, &reset->task.asker, outcome.code, outcome.remark);
        return false;
    }
    return true;
}

/* isForce is always false, as Apache's: the offsets are decided. */
static void tell_members(const struct reset *reset, const struct client_group *group,
                         struct span body) {
    struct broker *broker = reset->task.broker;
    const struct header_reset_offset header = {.topic = reset->topic,
                                               .group = reset->group,
                                               .timestamp = reset->timestamp,
                                               .is_force = false};
    uint8_t memory[HEADER_SCRATCH_BYTES];
    LIST_EACH(&group->members, link, next) {
        struct buf numbers = {.env = broker->env, .data = memory, .capacity = sizeof memory};
        struct wire_command call;
        wire_command_init(&call, REQUEST_RESET_CONSUMER_CLIENT_OFFSET);
        int err = header_encode(&HEADER_reset_offset, &header, &call, &numbers);
        RMQ_ASSERT(err == RMQ_OK && numbers.data == memory);
        call.body = body;
        RMQ_IGNORE(remoting_oneway_channel(
                       &broker->remoting,
                       LIST_ENTRY(link, struct client_member, in_group)->client->channel, &call),
                   "a client that is not reached goes on where it is");
    }
}

static void finish_by_clients(struct reset *reset) {
    struct broker *broker = reset->task.broker;
    const struct client_group *group = clients_find(&broker->clients, reset->group);
    struct buf told, body;
    if (!check_members(reset, group))
        return;
    buf_init(&told, broker->env);
    buf_init(&body, broker->env);
    write_body(reset, &told, reset->as_list);
    write_body(reset, &body, false);
    body.failed |= buf_failed(&told);
    if (!buf_failed(&body))
        tell_members(reset, group, buf_span(&told));
    admin_answer(broker, &reset->task.asker, SPAN_LITERAL(REMARK_UNSET), &body);
    buf_deinit(&told);
    buf_deinit(&body);
}

/* ---- 5.3: the broker does it ----------------------------------------------------------------- */

static void finish_here(struct reset *reset) {
    struct broker *broker = reset->task.broker;
    struct buf body;
    int err = RMQ_OK;
    buf_init(&body, broker->env);
    write_body(reset, &body, false);
    for (uint32_t i = 0; !buf_failed(&body) && err == RMQ_OK && i < reset->count; i++)
        err = offsets_reset(&broker->offsets, reset->group, reset->topic, reset->first + (int32_t)i,
                            reset->offsets[i]);
    body.failed |= err != RMQ_OK;
    admin_answer(broker, &reset->task.asker, SPAN_NONE, &body);
    buf_deinit(&body);
}

/* ---- the offsets ----------------------------------------------------------------------------- */

static void finish(struct reset *reset) {
    if (reset->task.broker->config.profile_5_3)
        finish_here(reset);
    else
        finish_by_clients(reset);
    reset_free(reset);
}

/* 4.9: what the group has stays where it is earlier, unless forced. */
static void take(struct reset *reset, int64_t target) {
    struct broker *broker = reset->task.broker;
    int32_t queue_id = reset->first + (int32_t)reset->next;
    int64_t committed = offsets_find(&broker->offsets, reset->group, reset->topic, queue_id);
    target = target < 0 ? 0 : target;
    bool keep =
        !broker->config.profile_5_3 && !reset->is_force && committed >= 0 && target >= committed;
    reset->offsets[reset->next++] = keep ? committed : target;
}

static void on_offset(struct store_lookup *lookup, int status);

static void reset_run(struct reset *reset) {
    struct broker *broker = reset->task.broker;
    bool to_end = broker->config.profile_5_3 ? reset->timestamp < 0 : reset->timestamp == -1;
    reset->looping = true;
    while (!reset->reading && reset->next < reset->count) {
        int32_t queue_id = reset->first + (int32_t)reset->next;
        if (to_end) {
            take(reset, store_max_offset(broker->store, reset->topic, queue_id));
            continue;
        }
        reset->reading = true;
        store_offset_by_time(broker->store, reset->topic, queue_id, reset->timestamp, false,
                             &reset->lookup, on_offset);
    }
    reset->looping = false;
    if (!reset->reading)
        finish(reset);
}

static void on_offset(struct store_lookup *lookup, int status) {
    struct reset *reset = RMQ_CONTAINER_OF(lookup, struct reset, lookup);
    reset->reading = false;
    /* A queue that cannot be read is not moved. */
    int64_t committed = offsets_find(&reset->task.broker->offsets, reset->group, reset->topic,
                                     reset->first + (int32_t)reset->next);
    take(reset, status == RMQ_OK ? lookup->value : committed);
    if (!reset->looping)
        reset_run(reset);
}

/* ---- the request ----------------------------------------------------------------------------- */

static bool check_4_9(struct broker *broker, const struct header_reset_offset *header,
                      const struct topic_config *topic, struct outcome *outcome) {
    for (int32_t i = 0; i < topic->write_queue_nums; i++) {
        if (offsets_find(&broker->offsets, header->group, header->topic, i) < 0)
            return outcome_refuse(outcome, RESPONSE_SYSTEM_ERROR, "THe consumer group <",
                                  header->group, "> not exist");
    }
    return true;
}

static bool check_range(struct broker *broker, const struct header_reset_offset *header,
                        struct outcome *outcome) {
    int64_t min = store_min_offset(broker->store, header->topic, header->queue_id);
    int64_t max = store_max_offset(broker->store, header->topic, header->queue_id);
    if (header->offset >= min && header->offset <= max)
        return true;
    outcome_init(outcome, RESPONSE_SYSTEM_ERROR);
    outcome_text(outcome, "Target offset ");
    outcome_number(outcome, header->offset);
    outcome_text(outcome, " not in consume queue range [");
    outcome_number(outcome, min);
    outcome_text(outcome, "-");
    outcome_number(outcome, max);
    outcome_text(outcome, "]");
    return false;
}

static bool check_5_3(struct broker *broker, const struct header_reset_offset *header,
                      struct outcome *outcome) {
    bool given =
        header->has_queue_id && header->queue_id >= 0 && header->has_offset && header->offset != -1;
    if (groups_find(&broker->groups, header->group) == NULL)
        return outcome_refuse(outcome, RESPONSE_SUBSCRIPTION_GROUP_NOT_EXIST, "Group ",
                              header->group, " does not exist");
    return !given || check_range(broker, header, outcome);
}

static bool check_request(struct broker *broker, const struct header_reset_offset *header,
                          struct topic_config *topic, struct outcome *outcome) {
    bool v5 = broker->config.profile_5_3;
    if (v5 && broker->config.broker_id > 0)
        return outcome_refuse(outcome, RESPONSE_SYSTEM_ERROR,
                              "Can not reset offset in slave broker", SPAN_NONE, "");
    if (topics_find(&broker->topics, header->topic, topic) != RMQ_OK)
        return v5 ? outcome_refuse(outcome, RESPONSE_TOPIC_NOT_EXIST, "Topic ", header->topic,
                                   " does not exist")
                  : outcome_refuse(
                        outcome, RESPONSE_SYSTEM_ERROR,
                        "[reset-offset] reset offset failed, no topic in this broker. topic=",
                        header->topic, "");
    int32_t queues = v5 ? topic->read_queue_nums : topic->write_queue_nums;
    if (queues <= 0 || queues > QUEUES_MAX)
        return outcome_refuse(outcome, RESPONSE_SYSTEM_ERROR, "No queues to reset.", SPAN_NONE, "");
    return v5 ? check_5_3(broker, header, outcome) : check_4_9(broker, header, topic, outcome);
}

static bool reset_prepare(struct reset *reset, const struct header_reset_offset *header,
                          const struct topic_config *topic) {
    struct env *env = reset->task.broker->env;
    bool v5 = reset->task.broker->config.profile_5_3;
    bool one = v5 && header->has_queue_id && header->queue_id >= 0;
    reset->first = one ? header->queue_id : 0;
    reset->count = one ? 1 : (uint32_t)(v5 ? topic->read_queue_nums : topic->write_queue_nums);
    reset->offsets = env_alloc(env, reset->count * sizeof *reset->offsets);
    reset->timestamp = header->timestamp;
    reset->is_force = header->is_force;
    buf_init(&reset->text, env);
    buf_init(&reset->lookup.records, env);
    buf_put_span(&reset->text, header->topic);
    buf_put_span(&reset->text, header->group);
    if (reset->offsets == NULL || buf_failed(&reset->text))
        return false;
    reset->topic = span_of(reset->text.data, header->topic.len);
    reset->group = span_of(reset->text.data + header->topic.len, header->group.len);
    if (one && header->has_offset && header->offset != -1)
        reset->offsets[reset->next++] = header->offset;
    return true;
}

void broker_on_reset_offset(struct broker *broker, struct channel *channel,
                            const struct wire_command *request) {
    struct asker asker = asker_of(channel, request);
    struct header_reset_offset header;
    struct topic_config topic = {0};
    struct outcome outcome;
    if (!admin_header(broker, &asker, request, &HEADER_reset_offset, &header))
        return;
    if (!check_request(broker, &header, &topic, &outcome)) {
        answer_code(&broker->remoting, &asker, outcome.code, outcome.remark);
        return;
    }
    struct reset *reset = admin_task_create(broker, &asker, sizeof *reset, reset_drop);
    if (reset == NULL)
        return;
    if (reset_prepare(reset, &header, &topic)) {
        reset->as_list = request->language == WIRE_LANGUAGE_CPP;
        reset_run(reset);
        return;
    }
    answer_code(&broker->remoting, &asker, RESPONSE_SYSTEM_ERROR, SPAN_LITERAL("out of memory"));
    reset_free(reset);
}
