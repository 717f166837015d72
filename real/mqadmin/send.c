/* mqadmin/send.c - see send.h. Source: client.md 6 to 10. */
#include "real/mqadmin/send.h"

#include "model/base/check.h"
#include "model/wire/body.h"
#include "model/wire/message.h"
#include "real/mqadmin/print.h"

#define DEFAULT_TOPIC "TBW102"
#define DEFAULT_QUEUES 4 /* defaultTopicQueueNums */
#define ATTEMPTS 3

/* ---- queues ---------------------------------------------------------------------------------- */

static size_t count_queues(const struct route_data *route, int64_t most) {
    size_t count = 0;
    for (const struct tree *at = route->queues == NULL ? NULL : route->queues->first; at != NULL;
         at = at->next) {
        int64_t writes = tree_number(at, "writeQueueNums", 0);
        count += (size_t)(writes < 0 ? 0 : writes < most ? writes : most);
    }
    return count;
}

/* Writable queues of brokers with a master, in order of broker and id. */
static void find_queues(struct sender *sender, const struct route_data *route, int64_t most) {
    struct admin *admin = sender->admin;
    sender->queues =
        arena_alloc(&admin->arena, count_queues(route, most) * sizeof(*sender->queues));
    sender->queue_count = 0;
    for (size_t i = 0; i < route->broker_count; i++) {
        const struct broker *broker = &route->brokers[i];
        const char *master = broker_master(broker);
        for (const struct tree *at = route->queues == NULL ? NULL : route->queues->first;
             at != NULL && master != NULL; at = at->next) {
            if (strcmp(tree_text(at, "brokerName", ""), broker->name) != 0 ||
                (tree_number(at, "perm", 0) & PERM_WRITE) == 0)
                continue;
            int64_t writes = tree_number(at, "writeQueueNums", 0);
            for (int64_t id = 0; id < writes && id < most; id++) {
                sender->queues[sender->queue_count++] =
                    (struct send_queue){broker->name, master, id};
            }
        }
    }
}

/* False after a failure. */
static bool find_route(struct sender *sender) {
    struct admin *admin = sender->admin;
    int32_t code = 0;
    const struct route_data *route = ask_route(admin, sender->topic, &code);
    sender->is_new = route == NULL && code == RESPONSE_TOPIC_NOT_EXIST;
    if (sender->is_new)
        route = ask_route(admin, DEFAULT_TOPIC, &code);
    else if (route == NULL && !admin_failed(admin))
        route = ask_route(admin, sender->topic, NULL); /* again, to say why not */
    if (route == NULL) {
        if (!admin_failed(admin))
            admin_fail(admin, "No route info of this topic: %s", sender->topic);
        return false;
    }
    find_queues(sender, route, sender->is_new ? DEFAULT_QUEUES : INT32_MAX);
    if (sender->queue_count == 0)
        admin_fail(admin, "topic %s has no writable queue at a broker with a master",
                   sender->topic);
    return sender->queue_count > 0;
}

bool sender_init(struct sender *sender, struct admin *admin, const char *group, const char *topic) {
    *sender = (struct sender){.admin = admin, .group = group, .topic = topic};
    if (!find_route(sender))
        return false;
    sender->next = (size_t)env_random_below(admin->env, sender->queue_count);
    return true;
}

/* The next queue in turn among those the message allows, at another broker than the one that
 * failed where there is one. */
static const struct send_queue *choose(struct sender *sender, const struct send_message *message,
                                       const struct send_queue *failed) {
    const struct send_queue *found = NULL;
    for (size_t i = 0; i < sender->queue_count; i++) {
        const struct send_queue *queue = &sender->queues[(sender->next + i) % sender->queue_count];
        if ((message->broker != NULL && strcmp(queue->broker, message->broker) != 0) ||
            (message->broker != NULL && message->queue_id >= 0 && queue->id != message->queue_id))
            continue;
        bool other = failed == NULL || strcmp(queue->broker, failed->broker) != 0;
        if (found == NULL || other)
            found = queue;
        if (other)
            break;
    }
    if (found != NULL)
        sender->next = (size_t)(found - sender->queues) + 1;
    return found;
}

/* ---- requests -------------------------------------------------------------------------------- */

struct preparing {
    struct sender *sender;
    const struct send_message *message;
    char id[UNIQUE_ID_MAX + 1];
    struct buf properties;
};

static void put(struct buf *out, const char *name, const char *value) {
    if (value != NULL && *value != '\0')
        RMQ_IGNORE(message_property_put(out, 0, span_of_text(name), span_of_text(value)),
                   "a value with a separator is left out");
}

/* In a handler: the id takes its time from the env. */
static void prepare(void *ctx) {
    struct preparing *preparing = ctx;
    struct admin *admin = preparing->sender->admin;
    struct buf *out = &preparing->properties;
    preparing->id[unique_id_next(&admin->ids, admin->env, preparing->id)] = '\0';
    put(out, "KEYS", preparing->message->keys);
    put(out, "UNIQ_KEY", preparing->id);
    put(out, "WAIT", "true");
    put(out, "TAGS", preparing->message->tags);
    if (preparing->message->properties != NULL) {
        struct span rest = span_of_text(preparing->message->properties), name, value;
        while (message_property_next(&rest, &name, &value)) {
            RMQ_IGNORE(message_property_put(out, 0, name, value), "it was one before");
        }
    }
}

static const char *status_text(int32_t code) {
    switch (code) {
    case RESPONSE_SUCCESS:
        return "SEND_OK";
    case RESPONSE_FLUSH_DISK_TIMEOUT:
    case RESPONSE_SLAVE_NOT_AVAILABLE:
    case RESPONSE_FLUSH_SLAVE_TIMEOUT:
        return wire_response_name(code); /* stored all the same */
    default:
        return NULL;
    }
}

static void attempt(struct sender *sender, const struct send_message *message,
                    const char *properties, struct sent *out) {
    struct admin *admin = sender->admin;
    struct call *call = arena_alloc(&admin->arena, sizeof(*call));
    int64_t begin = now_ms();
    call_init(call, out->queue->address, REQUEST_SEND_MESSAGE_V2, "a", sender->group, "b",
              sender->topic, "c", DEFAULT_TOPIC, "d", call_number(admin, DEFAULT_QUEUES), "e",
              call_number(admin, out->queue->id), "f", "0", "g", call_number(admin, begin), "h",
              "0", "i", properties, "j", "0", "k", "false", "m", "false", NULL);
    call->body = message->body;
    call_one(admin, call);
    out->millis = now_ms() - begin;
    out->call = call;
    out->status = call->status == RMQ_OK ? status_text(call->answer) : NULL;
    out->ok = out->status != NULL;
    if (!out->ok)
        return;
    const char *offset = call_field(admin, call, "queueOffset");
    out->offset_id = call_field(admin, call, "msgId");
    RMQ_IGNORE(span_to_i64(span_of_text(offset == NULL ? "0" : offset), &out->queue_offset),
               "0 then");
}

void sender_send(struct sender *sender, const struct send_message *message, struct sent *out) {
    struct admin *admin = sender->admin;
    struct preparing preparing = {.sender = sender, .message = message};
    *out = (struct sent){0};
    if (sender->is_new && sender->next > 0)
        RMQ_IGNORE(find_route(sender) ? 0 : -1, "then there is no queue");
    buf_init(&preparing.properties, admin->env);
    real_node_call(admin->env, prepare, &preparing);
    const char *properties = arena_text(&admin->arena, buf_span(&preparing.properties));
    buf_deinit(&preparing.properties);
    out->msg_id = arena_text(&admin->arena, span_of_text(preparing.id));
    bool named = message->broker != NULL && message->queue_id >= 0;
    for (int i = 0; i < (named ? 1 : ATTEMPTS) && !out->ok; i++) {
        out->queue = choose(sender, message, out->queue);
        if (out->queue == NULL)
            return;
        attempt(sender, message, properties, out);
    }
}

bool sent_ok(struct admin *admin, const struct sent *sent) {
    if (!sent->ok && sent->call == NULL)
        admin_fail(admin, "no queue of the topic is where the message should go");
    else if (!sent->ok)
        RMQ_IGNORE(call_ok(admin, sent->call) ? 0 : -1, "it says why not");
    return sent->ok;
}

const char *sent_text(struct admin *admin, const struct sender *sender, const struct sent *sent) {
    return arena_format(&admin->arena,
                        "SendResult [sendStatus=%s, msgId=%s, offsetMsgId=%s, "
                        "messageQueue=MessageQueue [topic=%s, brokerName=%s, queueId=%lld], "
                        "queueOffset=%lld]",
                        sent->status, sent->msg_id, sent->offset_id, sender->topic,
                        sent->queue->broker, (long long)sent->queue->id,
                        (long long)sent->queue_offset);
}
