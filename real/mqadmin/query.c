/* mqadmin/query.c - queryMsgById, queryMsgByKey, queryMsgByUniqueKey. */
#include <stdlib.h>

#include "real/mqadmin/messages.h"
#include "real/mqadmin/print.h"
#include "real/mqadmin/send.h"

/* ---- direct consumption (309) ---------------------------------------------------------------- */

/* ConsumeMessageDirectlyResult.toString */
static void print_direct(struct admin *admin, const struct tree *result) {
    const char *remark = tree_text(result, "remark", NULL);
    say(admin,
        "ConsumeMessageDirectlyResult [order=%s, autoCommit=%s, consumeResult=%s, remark=%s, "
        "spentTimeMills=%s]\n",
        tree_text(result, "order", "false"), tree_text(result, "autoCommit", "true"),
        tree_text(result, "consumeResult", "null"), remark == NULL ? "null" : remark,
        tree_text(result, "spentTimeMills", "0"));
    put_tree(admin, NULL, result);
}

/* The broker at `address` has the message and relays it to the client. */
static void consume_directly(struct admin *admin, const char *address, const struct shown *shown) {
    struct call call;
    call_init(&call, address, REQUEST_CONSUME_MESSAGE_DIRECTLY, "consumerGroup",
              options_text(&admin->options, "consumerGroup"), "clientId",
              options_text(&admin->options, "clientId"), "msgId", shown->offset_id, "topic",
              shown->topic, NULL);
    call.timeout_ms = CALL_TIMEOUT_LONG_MS;
    const struct tree *result = call_for_tree(admin, &call);
    if (result != NULL)
        print_direct(admin, result);
}

static bool wants_direct(const struct admin *admin) {
    return options_given(&admin->options, "consumerGroup") &&
           options_given(&admin->options, "clientId");
}

/* ---- queryMsgById ---------------------------------------------------------------------------- */

/* The message of an offset id, from the broker whose address is in the id (33). */
static bool view_message(struct admin *admin, const char *id, struct shown *out,
                         const char **address) {
    struct message_host host;
    int64_t offset;
    struct call call;
    if (message_id_parse(span_of_text(id), &host, &offset) != RMQ_OK) {
        admin_fail(admin,
                   "'%s' is no offset message id (32 or 56 hexadecimal digits); unique keys are "
                   "for queryMsgByUniqueKey",
                   id);
        return false;
    }
    *address = host_text(admin, &host);
    call_init(&call, *address, REQUEST_VIEW_MESSAGE_BY_ID, "offset", call_number(admin, offset),
              NULL);
    call_one(admin, &call);
    if (!call_ok(admin, &call))
        return false;
    struct span rest = call.reply;
    if (shown_next(admin, &rest, out))
        return true;
    if (rest.len == 0)
        admin_fail(admin, "%s answered %s without a message", *address,
                   wire_request_name(call.code));
    return false;
}

static void resend(struct admin *admin, const char *id, const struct shown *shown) {
    struct sender sender;
    struct send_message message = {.body = shown->body,
                                   .keys = shown_property(shown, "KEYS"),
                                   .tags = shown_property(shown, "TAGS")};
    struct sent sent;
    say(admin, "prepare resend msg. originalMsgId=%s\n", id);
    if (!sender_init(&sender, admin, "ReSendMsgById", shown->topic))
        return;
    sender_send(&sender, &message, &sent);
    if (!sent_ok(admin, &sent))
        return;
    say(admin, "%s\n", sent_text(admin, &sender, &sent));
    put_object_begin(admin, NULL);
    put_text(admin, "originalMsgId", id);
    put_text(admin, "msgId", sent.msg_id);
    put_text(admin, "offsetMsgId", sent.offset_id);
    put_object_end(admin);
}

static void query_one(struct admin *admin, const char *id) {
    struct shown shown;
    const char *address;
    if (!view_message(admin, id, &shown, &address))
        return;
    if (wants_direct(admin))
        consume_directly(admin, address, &shown);
    else if (options_bool(&admin->options, "sendMessage"))
        resend(admin, id, &shown);
    else
        print_message_detail(admin, &shown, 0, true);
}

static void query_msg_by_id(struct admin *admin) {
    struct span rest = span_of_text(options_text(&admin->options, "msgId")), part;
    put_array_begin(admin, "messages");
    while (span_next_part(&rest, ',', &part)) {
        query_one(admin, arena_text(&admin->arena, part));
    }
    put_array_end(admin);
}

/* ---- by key (12) ----------------------------------------------------------------------------- */

struct found {
    struct shown *messages;
    size_t count;
};

static bool has_key(const struct shown *shown, const char *key) {
    struct span rest = span_of_text(shown_property(shown, "KEYS")), part;
    while (span_next_part(&rest, ' ', &part)) {
        if (span_equal(part, span_of_text(key)))
            return true;
    }
    return false;
}

/* What an index finds may be of another key with the same hash. */
static void keep_matches(struct admin *admin, const struct call *call, const char *topic,
                         const char *key, bool unique, struct found *found) {
    struct span rest = call->reply;
    struct shown shown;
    while (shown_next(admin, &rest, &shown)) {
        bool match = unique ? strcmp(shown.msg_id, key) == 0 : has_key(&shown, key);
        if (!match || strcmp(shown.topic, topic) != 0)
            continue;
        struct shown *grown = arena_alloc(&admin->arena, (found->count + 1) * sizeof(*grown));
        if (found->count > 0)
            memcpy(grown, found->messages, found->count * sizeof(*grown));
        grown[found->count++] = shown;
        found->messages = grown;
    }
}

/* One broker of each name, side by side. False after a failure or when there is no message. */
static bool query_key(struct admin *admin, const char *topic, const char *key, const char *most,
                      bool unique, struct found *found) {
    const struct route_data *route = ask_route(admin, topic, NULL);
    size_t count = 0;
    *found = (struct found){0};
    if (route == NULL)
        return false;
    struct call *calls = arena_alloc(&admin->arena, route->broker_count * sizeof(*calls));
    for (size_t i = 0; i < route->broker_count; i++) {
        const char *address = broker_address(&route->brokers[i]);
        if (address == NULL)
            continue;
        call_init(&calls[count], address, REQUEST_QUERY_MESSAGE, "topic", topic, "key", key,
                  "maxNum", most, "beginTimestamp", "0", "endTimestamp",
                  call_number(admin, INT64_MAX), "_UNIQUE_KEY_QUERY", unique ? "true" : NULL, NULL);
        calls[count++].timeout_ms = CALL_TIMEOUT_LONG_MS;
    }
    call_all(admin, calls, count);
    for (size_t i = 0; i < count; i++) {
        if (call_answered(&calls[i], RESPONSE_QUERY_NOT_FOUND) || !call_ok(admin, &calls[i]))
            continue;
        keep_matches(admin, &calls[i], topic, key, unique, found);
    }
    if (found->count == 0 && !admin_failed(admin))
        admin_fail(admin, "query message by key finished, but no message. (topic %s, key %s)",
                   topic, key);
    return found->count > 0;
}

static const struct column KEY_COLUMNS[] = {
    {"msgId", "%-50s ", "#Message ID"}, {"queueId", "%4s ", "#QID"},
    {"queueOffset", "%40s", "#Offset"}, {"storeTimestamp", NULL, NULL},
    {"offsetMsgId", NULL, NULL},
};

static void query_msg_by_key(struct admin *admin) {
    struct found found;
    if (!query_key(admin, options_text(&admin->options, "topic"),
                   options_text(&admin->options, "msgKey"), "64", false, &found))
        return;
    struct table table = TABLE(admin, "messages", KEY_COLUMNS);
    for (size_t i = 0; i < found.count; i++) {
        const struct shown *shown = &found.messages[i];
        ROW(&table, cell_text(shown->msg_id), cell_number(admin, shown->message.queue_id),
            cell_number(admin, shown->message.queue_offset),
            cell_number(admin, shown->message.store_ms), cell_text(shown->offset_id));
    }
    table_end(&table);
}

static int by_store_time(const void *a, const void *b) {
    const struct shown *x = a, *y = b;
    return x->message.store_ms < y->message.store_ms ? -1
                                                     : x->message.store_ms > y->message.store_ms;
}

static void query_msg_by_unique_key(struct admin *admin) {
    struct found found;
    if (!query_key(admin, options_text(&admin->options, "topic"),
                   options_text(&admin->options, "msgId"), "32", true, &found))
        return;
    if (found.count > 1)
        qsort(found.messages, found.count, sizeof(*found.messages), by_store_time);
    put_array_begin(admin, "messages");
    if (wants_direct(admin)) {
        consume_directly(admin, host_text(admin, &found.messages[0].message.store_host),
                         &found.messages[0]);
    } else {
        size_t shown = options_bool(&admin->options, "showAll") ? found.count : 1;
        for (size_t i = 0; i < shown; i++) {
            print_message_detail(admin, &found.messages[i], (int)i, false);
        }
    }
    put_array_end(admin);
}

/* ---- table ----------------------------------------------------------------------------------- */

static const struct option ID_OPTIONS[] = {
    {'i', "msgId", OPTION_TEXT, REQUIRED, NULL, "Message Id; several: separated by ','"},
    {'g', "consumerGroup", OPTION_TEXT, OPTIONAL, NULL,
     "consumer group name; with -d: the client consumes the message"},
    {'d', "clientId", OPTION_TEXT, OPTIONAL, NULL, "The consumer's client id"},
    {'s', "sendMessage", OPTION_BOOL, OPTIONAL, "false", "resend message"},
    {'u', "unitName", OPTION_TEXT, OPTIONAL, NULL, "unit name (no effect)"},
};
static const struct option KEY_OPTIONS[] = {
    {'t', "topic", OPTION_TEXT, REQUIRED, NULL, "topic name"},
    {'k', "msgKey", OPTION_TEXT, REQUIRED, NULL, "Message Key"},
};
static const struct option UNIQUE_OPTIONS[] = {
    {'i', "msgId", OPTION_TEXT, REQUIRED, NULL, "Message Id"},
    {'g', "consumerGroup", OPTION_TEXT, OPTIONAL, NULL,
     "consumer group name; with -d: the client consumes the message"},
    {'d', "clientId", OPTION_TEXT, OPTIONAL, NULL, "The consumer's client id"},
    {'t', "topic", OPTION_TEXT, REQUIRED, NULL, "The topic of msg"},
    {'a', "showAll", OPTION_FLAG, OPTIONAL, NULL, "Print all message, the limit is 32"},
};
static const struct command COMMANDS[] = {
    COMMAND("queryMsgById", "Query Message by Id", query_msg_by_id, ID_OPTIONS),
    COMMAND("queryMsgByKey", "Query Message by Key", query_msg_by_key, KEY_OPTIONS),
    COMMAND("queryMsgByUniqueKey", "Query Message by Unique key", query_msg_by_unique_key,
            UNIQUE_OPTIONS),
};
const struct command_table QUERY_COMMANDS = {COMMANDS, sizeof(COMMANDS) / sizeof(COMMANDS[0])};
