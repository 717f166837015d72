/* broker/relay.c - requests that a client answers in the end: 307 and 309 (broker.md 22.3).
 *
 * The request goes to the client over its own connection, with an opaque of ours, and the client's
 * answer goes to whoever asked. 309 gets the stored record as its body first. Source:
 * AdminBrokerProcessor.java callConsumer, Broker2Client.java callClient of 4.9.8 and 5.3.3.
 * Remarks of failures name ours instead of Java's exceptions. */
#include "model/base/check.h"
#include "model/broker/broker_internal.h"

#define CLIENT_TIMEOUT_NS UINT64_C(10000000000)
#define VERSION_3_1_8 62 /* MQVersion.java: the first that knows these requests */

struct relay {
    struct admin_task task;
    struct store_lookup lookup;
    bool reading;             /* the lookup is under way */
    int64_t physical;         /* 309: of the record */
    struct wire_command call; /* its spans are in `text` */
    struct buf text;
    struct span group, client_id; /* in `text` */
};

static void relay_free(struct relay *relay) {
    buf_deinit(&relay->text);
    buf_deinit(&relay->lookup.records);
    admin_task_end(&relay->task);
}

static void relay_drop(struct admin_task *task) {
    struct relay *relay = (struct relay *)task;
    if (relay->reading)
        store_lookup_cancel(task->broker->store, &relay->lookup);
    remoting_cancel(&task->broker->remoting, relay);
    relay_free(relay);
}

/* "<before> <group> <client><after>" */
static void refuse(const struct relay *relay, int32_t code, const char *before, const char *after) {
    struct outcome outcome;
    outcome_refuse(&outcome, code, before, SPAN_LITERAL(" <"), "");
    outcome_span(&outcome, relay->group);
    outcome_text(&outcome, "> <");
    outcome_span(&outcome, relay->client_id);
    outcome_text(&outcome, "> ");
    outcome_text(&outcome, after);
    answer_code(&relay->task.broker->remoting, &relay->task.asker, outcome.code, outcome.remark);
}

static void on_answered(void *ctx, int status, const struct wire_command *response) {
    struct relay *relay = ctx;
    struct outcome why;
    if (status == RMQ_OK) {
        struct wire_command copy = *response;
        answer(&relay->task.broker->remoting, &relay->task.asker, &copy);
    } else if (status == RMQ_E_TIMEOUT) {
        refuse(relay, RESPONSE_CONSUME_MSG_TIMEOUT, "consumer",
               "Timeout: no answer from the client within 10000 ms");
    } else {
        outcome_refuse(&why, 0, "Exception: ", span_of_text(rmq_err_text(status)), "");
        why.text[why.len < sizeof why.text ? why.len : sizeof why.text - 1] = '\0';
        refuse(relay, RESPONSE_SYSTEM_ERROR, "invoke consumer", why.text);
    }
    relay_free(relay);
}

/* The client, as it is connected now; NULL: the request was refused and the relay is gone. */
static const struct client_channel *find_client(struct relay *relay) {
    const struct client_group *group = clients_find(&relay->task.broker->clients, relay->group);
    const struct client_channel *client =
        group == NULL ? NULL : client_group_client(group, relay->client_id);
    if (client != NULL && client->version >= VERSION_3_1_8)
        return client;
    refuse(relay, RESPONSE_SYSTEM_ERROR, "The Consumer",
           client == NULL ? "not online"
                          : "is too old to finish, please upgrade it to V3_1_8_SNAPSHOT");
    relay_free(relay);
    return NULL;
}

static void send_to_client(struct relay *relay) {
    const struct client_channel *client = find_client(relay);
    if (client != NULL)
        remoting_call_channel(&relay->task.broker->remoting, client->channel, &relay->call,
                              REMOTING_ASYNC, CLIENT_TIMEOUT_NS, on_answered, relay);
}

static struct span keep(struct buf *text, struct span value) {
    if (span_is_absent(value))
        return SPAN_NONE;
    uint8_t *at = buf_extend(text, value.len);
    RMQ_ASSERT(at != NULL); /* room was made */
    span_copy(at, value);
    return span_of(at, value.len);
}

/* The request with all its fields, and room for `more` bytes of others. */
static struct relay *relay_create(struct broker *broker, const struct asker *asker,
                                  const struct wire_command *request, struct span group,
                                  struct span client_id, size_t more) {
    struct relay *relay = admin_task_create(broker, asker, sizeof *relay, relay_drop);
    size_t len = request->body.len + group.len + client_id.len + more;
    if (relay == NULL)
        return NULL;
    buf_init(&relay->text, broker->env);
    buf_init(&relay->lookup.records, broker->env);
    for (size_t i = 0; i < request->field_count; i++)
        len += request->fields[i].key.len + request->fields[i].value.len;
    if (buf_reserve(&relay->text, len + 1) != RMQ_OK) {
        answer_code(&broker->remoting, asker, RESPONSE_SYSTEM_ERROR, SPAN_LITERAL("out of memory"));
        relay_free(relay);
        return NULL;
    }
    wire_command_init(&relay->call, request->code);
    for (size_t i = 0; i < request->field_count; i++)
        relay->call.fields[i] = (struct wire_field){keep(&relay->text, request->fields[i].key),
                                                    keep(&relay->text, request->fields[i].value)};
    relay->call.field_count = request->field_count;
    relay->call.has_fields = request->has_fields;
    relay->call.body = keep(&relay->text, request->body);
    relay->group = keep(&relay->text, group);
    relay->client_id = keep(&relay->text, client_id);
    return relay;
}

/* ---- 307 ------------------------------------------------------------------------------------- */

void broker_on_running_info(struct broker *broker, struct channel *channel,
                            const struct wire_command *request) {
    struct asker asker = asker_of(channel, request);
    struct header_running_info header;
    if (!admin_header(broker, &asker, request, &HEADER_running_info, &header))
        return;
    struct relay *relay =
        relay_create(broker, &asker, request, header.consumer_group, header.client_id, 0);
    if (relay != NULL)
        send_to_client(relay);
}

/* ---- 309 ------------------------------------------------------------------------------------- */

#define FLAG_TEXT_BYTES (2 * DECIMAL_BYTES_MAX)

/* Sets a field, in place of one that the request has. */
static void set_field(struct relay *relay, struct span key, struct span value) {
    struct wire_command *call = &relay->call;
    for (size_t i = 0; i < call->field_count; i++) {
        if (span_equal(call->fields[i].key, key)) {
            call->fields[i].value = value;
            return;
        }
    }
    RMQ_IGNORE(wire_field_add(call, key, value), "a request with so many fields goes without");
    call->has_fields = true;
}

static void set_number(struct relay *relay, struct span key, int64_t number) {
    char digits[DECIMAL_BYTES_MAX];
    set_field(relay, key, keep(&relay->text, span_of(digits, format_i64(digits, number))));
}

static void on_record(struct store_lookup *lookup, int status) {
    struct relay *relay = RMQ_CONTAINER_OF(lookup, struct relay, lookup);
    relay->reading = false;
    if (status != RMQ_OK) {
        struct outcome outcome;
        outcome_init(&outcome, RESPONSE_SYSTEM_ERROR);
        outcome_text(&outcome, "can not find message by the offset, ");
        outcome_number(&outcome, relay->physical);
        answer_code(&relay->task.broker->remoting, &relay->task.asker, outcome.code,
                    outcome.remark);
        relay_free(relay);
        return;
    }
    relay->call.body = buf_span(&lookup->records);
    send_to_client(relay);
}

void broker_on_consume_directly(struct broker *broker, struct channel *channel,
                                const struct wire_command *request) {
    struct asker asker = asker_of(channel, request);
    struct header_consume_directly header;
    struct message_host host;
    struct topic_config topic;
    int64_t physical = 0;
    if (!admin_header(broker, &asker, request, &HEADER_consume_directly, &header))
        return;
    if (message_id_parse(header.msg_id, &host, &physical) != RMQ_OK) {
        admin_refuse(broker, &asker, RESPONSE_SYSTEM_ERROR, "msgId [", header.msg_id,
                     "]: expected the 32 or 56 hex digits of a stored message's id");
        return;
    }
    struct relay *relay = relay_create(broker, &asker, request, header.consumer_group,
                                       header.client_id, FLAG_TEXT_BYTES);
    if (relay == NULL)
        return;
    set_field(relay, SPAN_LITERAL("brokerName"), broker->config.name);
    const struct group *group = groups_find(&broker->groups, header.consumer_group);
    if (broker->config.profile_5_3 && group != NULL)
        set_number(relay, SPAN_LITERAL("groupSysFlag"), group->sys_flag);
    if (broker->config.profile_5_3 && header.topic.len > 0 &&
        topics_find(&broker->topics, header.topic, &topic) == RMQ_OK)
        set_number(relay, SPAN_LITERAL("topicSysFlag"), topic.sys_flag);
    if (find_client(relay) == NULL) /* again when the record was read: it may go meanwhile */
        return;
    relay->reading = true;
    relay->physical = physical;
    store_message_at(broker->store, physical, &relay->lookup, on_record);
}
