/* broker/consumer_status.c - request 223: asks a group's clients (221) how far each has come, and
 * puts their answers together (broker.md 22.2).
 *
 * Source: Broker2Client.java getConsumeStatus of 4.9.8 and 5.3.3. Differs: all clients are asked
 * side by side; a group nobody is in is answered with the remark that the source means to give
 * (Apache answers a NullPointerException); a client that is too old, does not answer within 5 s or
 * answers nonsense is left out of the table, as one is in Apache that answers an error. */
#include "model/base/check.h"
#include "model/broker/broker_internal.h"
#include "model/wire/body_admin.h"

#define CLIENT_TIMEOUT_NS UINT64_C(5000000000)
#define VERSION_3_0_7 28 /* MQVersion.java: the first that knows 221 */

struct status_task;
struct status_call {
    struct status_task *task;
    struct span client_id; /* in the task's text */
};

struct status_task {
    struct admin_task task;
    struct buf body; /* of the answer */
    struct json_writer json;
    struct buf text;
    uint32_t open; /* calls under way, plus one while they are made */
    uint32_t count;
    struct status_call *calls;
};

static void status_free(struct status_task *status) {
    buf_deinit(&status->body);
    buf_deinit(&status->text);
    env_free(status->task.broker->env, status->calls);
    admin_task_end(&status->task);
}

static void status_drop(struct admin_task *task) {
    struct status_task *status = (struct status_task *)task;
    for (uint32_t i = 0; i < status->count; i++)
        remoting_cancel(&task->broker->remoting, &status->calls[i]);
    status_free(status);
}

static void finish(struct status_task *status) {
    json_object_end(&status->json);
    json_key_text(&status->json, "messageQueueTable");
    json_object_begin(&status->json);
    json_object_end(&status->json);
    json_object_end(&status->json);
    admin_answer(status->task.broker, &status->task.asker, SPAN_LITERAL(REMARK_UNSET),
                 &status->body);
    status_free(status);
}

static int check_offset(void *ctx, struct span client_id, const struct body_queue *queue,
                        int64_t offset) {
    RMQ_IGNORE(ctx != NULL || client_id.len > 0 || queue == NULL || offset < 0, "only reads");
    return RMQ_OK;
}

static int write_offset(void *ctx, struct span client_id, const struct body_queue *queue,
                        int64_t offset) {
    struct json_writer *json = ctx;
    if (!span_is_absent(client_id))
        return RMQ_OK; /* an entry of consumerTable */
    body_queue_key(json, queue);
    json_number(json, offset);
    return RMQ_OK;
}

/* One client's table. Its body is read twice: a broken one writes nothing. */
static void add_client(struct status_task *status, struct span client_id, struct span body) {
    const struct consumer_status_visitor check = {NULL, check_offset, NULL};
    const struct consumer_status_visitor write = {NULL, write_offset, &status->json};
    struct wire_error error = {0};
    struct buf scratch;
    buf_init(&scratch, status->task.broker->env);
    int err = consumer_status_decode(body, &scratch, &check, &error);
    if (err == RMQ_OK) {
        json_key(&status->json, client_id);
        json_object_begin(&status->json);
        err = consumer_status_decode(body, &scratch, &write, &error);
        json_object_end(&status->json);
        RMQ_ASSERT(err == RMQ_OK || err == RMQ_E_NOMEM);
        status->body.failed |= err != RMQ_OK;
    }
    buf_deinit(&scratch);
}

static void on_status(void *ctx, int err, const struct wire_command *response) {
    struct status_call *call = ctx;
    struct status_task *status = call->task;
    if (err == RMQ_OK && response->code == RESPONSE_SUCCESS && response->body.len > 0)
        add_client(status, call->client_id, response->body);
    else
        env_log(status->task.broker->env, ENV_LOG_WARN, "broker: no status from consumer %.*s: %s",
                (int)call->client_id.len, (const char *)call->client_id.data,
                err == RMQ_OK ? "it refuses" : rmq_err_text(err));
    RMQ_ASSERT(status->open > 0);
    if (--status->open == 0)
        finish(status);
}

/* The group's members with that id (absent: all) and a version that knows the request. */
static uint32_t wanted(const struct client_group *group, struct span client_id,
                       struct status_task *status, size_t *text_len) {
    uint32_t count = 0;
    *text_len = 0;
    LIST_EACH(&group->members, link, next) {
        const struct client_channel *client =
            LIST_ENTRY(link, struct client_member, in_group)->client;
        if (client->version < VERSION_3_0_7 ||
            (client_id.len > 0 && !span_equal(client->client_id, client_id)))
            continue;
        if (status != NULL && count < status->count) {
            uint8_t *at = buf_extend(&status->text, client->client_id.len);
            RMQ_ASSERT(at != NULL); /* room was made */
            span_copy(at, client->client_id);
            status->calls[count] = (struct status_call){status, span_of(at, client->client_id.len)};
        }
        count++;
        *text_len += client->client_id.len;
    }
    return count;
}

static int status_prepare(struct status_task *status, const struct client_group *group,
                          struct span client_id) {
    struct env *env = status->task.broker->env;
    size_t text_len;
    buf_init(&status->body, env);
    buf_init(&status->text, env);
    status->count = wanted(group, client_id, NULL, &text_len);
    status->calls = env_alloc(env, (status->count + 1) * sizeof *status->calls);
    if (status->calls == NULL || buf_reserve(&status->text, text_len + 1) != RMQ_OK)
        return RMQ_E_NOMEM;
    wanted(group, client_id, status, &text_len);
    json_writer_init(&status->json, &status->body, JSON_STYLE_FASTJSON);
    json_object_begin(&status->json);
    json_key_text(&status->json, "consumerTable");
    json_object_begin(&status->json);
    return RMQ_OK;
}

static void ask(struct status_task *status, struct span group_name, struct span topic) {
    struct broker *broker = status->task.broker;
    const struct header_consumer_status header = {.topic = topic, .group = group_name};
    status->open = 1;
    for (uint32_t i = 0; i < status->count; i++) {
        struct wire_command call;
        struct buf numbers;
        const struct client_group *group = clients_find(&broker->clients, group_name);
        const struct client_channel *client =
            group == NULL ? NULL : client_group_client(group, status->calls[i].client_id);
        if (client == NULL)
            continue; /* its connection ended while others were asked */
        buf_init(&numbers, broker->env);
        wire_command_init(&call, REQUEST_GET_CONSUMER_STATUS_FROM_CLIENT);
        int err = header_encode(&HEADER_consumer_status, &header, &call, &numbers);
        RMQ_ASSERT(err == RMQ_OK); /* two texts */
        status->open++;
        remoting_call_channel(&broker->remoting, client->channel, &call, REMOTING_ASYNC,
                              CLIENT_TIMEOUT_NS, on_status, &status->calls[i]);
        buf_deinit(&numbers);
    }
    if (--status->open == 0)
        finish(status);
}

void broker_on_consumer_status(struct broker *broker, struct channel *channel,
                               const struct wire_command *request) {
    struct asker asker = asker_of(channel, request);
    struct header_consumer_status header;
    if (!admin_header(broker, &asker, request, &HEADER_consumer_status, &header))
        return;
    const struct client_group *group = clients_find(&broker->clients, header.group);
    if (group == NULL) {
        admin_refuse(broker, &asker, RESPONSE_SYSTEM_ERROR,
                     "No Any Consumer online in the consumer group: [", header.group, "]");
        return;
    }
    struct status_task *status = admin_task_create(broker, &asker, sizeof *status, status_drop);
    if (status == NULL)
        return;
    if (status_prepare(status, group, header.client_addr) == RMQ_OK) {
        ask(status, header.group, header.topic);
        return;
    }
    answer_code(&broker->remoting, &asker, RESPONSE_SYSTEM_ERROR, SPAN_LITERAL("out of memory"));
    status_free(status);
}
