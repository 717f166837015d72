/* broker/reply.c - requests 324 and 325: the reply to a request message goes to whoever asked.
 *
 * The requester is the producer whose client id stands in REPLY_TO_CLIENT; the reply is pushed over
 * its connection (326), and the replier's answer waits for that, 10 s at most. With
 * storeReplyMessageEnable the reply is stored, too, in <cluster>_REPLY_TOPIC, whether it was pushed
 * or not. Source: broker.md 12; ReplyMessageProcessor.java 4.9.8. Differs: properties keep the
 * sender's order, PUSH_REPLY_TIME first; a requester that comes back with the same id over another
 * connection is found by its newest producer group's first one. */
#include "model/base/check.h"
#include "model/broker/broker_internal.h"

#define PUSH_TIMEOUT_NS UINT64_C(10000000000)

struct reply {
    struct admin_task task;
    struct store_put put;
    struct message message;    /* as it is stored; its spans are in `text` */
    int32_t answered_queue_id; /* of the answer */
    struct span requester;     /* in `text` */
    struct outcome outcome;    /* of the push */
    struct buf text;
};

static void reply_free(struct reply *reply) {
    buf_deinit(&reply->text);
    buf_deinit(&reply->put.ids);
    admin_task_end(&reply->task);
}

static void reply_drop(struct admin_task *task) {
    struct reply *reply = (struct reply *)task;
    if (reply->put.done != NULL)
        store_put_cancel(task->broker->store, &reply->put);
    remoting_cancel(&task->broker->remoting, reply);
    reply_free(reply);
}

/* ---- the answer -------------------------------------------------------------------------------
 */

/* With what the store said, when it stored the reply; else as Java's, "0". */
static void answer_replier(struct reply *reply, bool stored) {
    struct broker *broker = reply->task.broker;
    struct wire_command response;
    char id[MESSAGE_ID_MAX];
    uint8_t memory[HEADER_SCRATCH_BYTES];
    struct buf numbers = {.env = broker->env, .data = memory, .capacity = sizeof memory};
    struct header_send_response header = {
        .queue_id = reply->answered_queue_id,
        .trace_on = broker->config.trace_on ? SPAN_LITERAL("true") : SPAN_LITERAL("false"),
        .msg_region = broker->config.region,
        .msg_id = SPAN_LITERAL("0")};
    if (stored) {
        header.msg_id =
            span_of(id, message_id_format(&broker->host, reply->put.physical_offset, id));
        header.queue_offset = reply->put.queue_offset;
    }
    wire_command_init(&response, reply->outcome.code);
    response.remark = reply->outcome.remark;
    int err = header_encode(&HEADER_send_response, &header, &response, &numbers);
    RMQ_ASSERT(err == RMQ_OK && numbers.data == memory);
    answer(&broker->remoting, &reply->task.asker, &response);
    reply_free(reply);
}

static void on_put_done(struct store_put *put, enum put_status status) {
    struct reply *reply = RMQ_CONTAINER_OF(put, struct reply, put);
    struct broker *broker = reply->task.broker;
    bool stored = put_is_stored(status);
    if (stored)
        stats_put(&broker->stats, reply->message.topic, put->count, put->bytes,
                  env_mono_ns(broker->env) - reply->task.asker.since_ns);
    else
        env_log(broker->env, ENV_LOG_WARN, "broker: a reply is not stored, put status %d",
                (int)status);
    answer_replier(reply, stored);
}

static void push_ended(struct reply *reply) {
    struct broker *broker = reply->task.broker;
    if (broker->config.store_replies && broker->config.broker_id == 0)
        store_put(broker->store, &reply->message, true, &reply->put, on_put_done);
    else
        answer_replier(reply, false);
}

/* ---- the push ---------------------------------------------------------------------------------
 */

static void push_failed(struct reply *reply) {
    outcome_refuse(&reply->outcome, RESPONSE_SYSTEM_ERROR, "push reply message to ",
                   reply->requester, "fail.");
}

static void on_pushed(void *ctx, int status, const struct wire_command *response) {
    struct reply *reply = ctx;
    if (status != RMQ_OK || response->code != RESPONSE_SUCCESS)
        push_failed(reply);
    push_ended(reply);
}

/* PUSH_REPLY_TIME, what 5.3 adds, and the sender's properties. */
static void put_pushed_properties(const struct reply *reply, struct buf *out) {
    const struct broker *broker = reply->task.broker;
    buf_put_text(out, "PUSH_REPLY_TIME\001");
    buf_put_decimal(out, env_wall_ms(broker->env));
    if (broker->config.profile_5_3) {
        buf_put_text(out, "\002MSG_REGION\001");
        buf_put_span(out, broker->config.region);
        buf_put_text(out,
                     broker->config.trace_on ? "\002TRACE_ON\001true" : "\002TRACE_ON\001false");
    }
    if (reply->message.properties.len > 0)
        buf_put_u8(out, 2);
    buf_put_span(out, reply->message.properties);
}

static void push(struct reply *reply, const struct client_channel *client,
                 const struct header_send_v2 *sent, struct span replier) {
    struct broker *broker = reply->task.broker;
    const struct message *message = &reply->message;
    struct wire_command request;
    struct buf properties, numbers;
    buf_init(&properties, broker->env);
    buf_init(&numbers, broker->env);
    put_pushed_properties(reply, &properties);
    const struct header_push_reply header = {.producer_group = sent->producer_group,
                                             .topic = message->topic,
                                             .default_topic = sent->default_topic,
                                             .default_topic_queue_nums =
                                                 sent->default_topic_queue_nums,
                                             .queue_id = sent->queue_id,
                                             .sys_flag = sent->sys_flag,
                                             .born_timestamp = sent->born_timestamp,
                                             .flag = sent->flag,
                                             .properties = buf_span(&properties),
                                             .reconsume_times = message->reconsume_times,
                                             .has_reconsume_times = sent->has_reconsume_times,
                                             .unit_mode = sent->unit_mode,
                                             .has_unit_mode = true,
                                             .born_host = replier,
                                             .store_host = broker->config.addr,
                                             .store_timestamp = env_wall_ms(broker->env)};
    wire_command_init(&request, REQUEST_PUSH_REPLY_MESSAGE_TO_CLIENT);
    int err = buf_reserve(&numbers, HEADER_SCRATCH_BYTES);
    if (err == RMQ_OK)
        err = header_encode(&HEADER_push_reply, &header, &request, &numbers);
    request.body = message->body;
    if (err == RMQ_OK && !buf_failed(&properties)) {
        remoting_call_channel(&broker->remoting, client->channel, &request, REMOTING_ASYNC,
                              PUSH_TIMEOUT_NS, on_pushed, reply);
    } else {
        push_failed(reply);
        push_ended(reply);
    }
    buf_deinit(&numbers);
    buf_deinit(&properties);
}

/* ---- 324, 325 ---------------------------------------------------------------------------------
 */

static struct span keep(struct buf *text, struct span value) {
    size_t start = text->len;
    RMQ_ASSERT(value.len <= text->capacity - start); /* room was made */
    buf_put_span(text, value);
    return span_of(text->data + start, value.len);
}

/* REPLY_TO_CLIENT; absent: there is none. */
static struct span requester_of(struct span properties) {
    struct span name, value, found = SPAN_NONE;
    while (message_property_next(&properties, &name, &value)) {
        if (span_equal(name, SPAN_LITERAL("REPLY_TO_CLIENT")))
            found = value;
    }
    return found;
}

static struct reply *reply_create(struct broker *broker, const struct asker *asker,
                                  const struct wire_command *request,
                                  const struct header_send_v2 *header,
                                  const struct send_target *target) {
    struct span requester = requester_of(header->properties);
    size_t len = request->body.len + header->topic.len + header->properties.len + requester.len;
    struct reply *reply = admin_task_create(broker, asker, sizeof *reply, reply_drop);
    if (reply == NULL)
        return NULL;
    buf_init(&reply->text, broker->env);
    buf_init(&reply->put.ids, broker->env);
    if (buf_reserve(&reply->text, len + 1) != RMQ_OK) {
        answer_code(&broker->remoting, asker, RESPONSE_SYSTEM_ERROR, SPAN_LITERAL("out of memory"));
        reply_free(reply);
        return NULL;
    }
    reply->answered_queue_id = target->answered_queue_id;
    if (!span_is_absent(requester))
        reply->requester = keep(&reply->text, requester);
    reply->message = (struct message){.queue_id = target->queue_id,
                                      .flag = header->flag,
                                      .born_ms = header->born_timestamp,
                                      .born_host = broker->host,
                                      .reconsume_times =
                                          header->has_reconsume_times ? header->reconsume_times : 0,
                                      .body = keep(&reply->text, request->body),
                                      .topic = keep(&reply->text, header->topic),
                                      .properties = keep(&reply->text, header->properties)};
    outcome_init(&reply->outcome, RESPONSE_SUCCESS);
    return reply;
}

void broker_on_send_reply(struct broker *broker, struct channel *channel,
                          const struct wire_command *request) {
    struct asker asker = asker_of(channel, request);
    struct span replier = span_of_text(channel_peer(channel));
    struct header_send_v2 header = {0};
    struct send_target target;
    struct outcome outcome;
    if (!send_read_header(broker, request, &header, &outcome) ||
        !send_check(broker, &header, request->version, replier, &target, &outcome)) {
        answer_code(&broker->remoting, &asker, outcome.code, outcome.remark);
        return;
    }
    struct reply *reply = reply_create(broker, &asker, request, &header, &target);
    if (reply == NULL)
        return;
    if (message_host_parse(replier, &reply->message.born_host) != RMQ_OK)
        reply->message.born_host = broker->host;
    const struct client_channel *client =
        span_is_absent(reply->requester)
            ? NULL
            : clients_find_producer(&broker->clients, reply->requester);
    if (client != NULL) {
        push(reply, client, &header, replier);
        return;
    }
    if (span_is_absent(reply->requester))
        outcome_refuse(&reply->outcome, RESPONSE_SYSTEM_ERROR,
                       "reply message properties[REPLY_TO_CLIENT] is null", SPAN_NONE, "");
    else
        outcome_refuse(&reply->outcome, RESPONSE_SYSTEM_ERROR,
                       "push reply message fail, channel of <", reply->requester, "> not found.");
    push_ended(reply);
}
