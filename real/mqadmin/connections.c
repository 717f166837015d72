/* mqadmin/connections.c - consumerConnection, producerConnection, producer. */
#include "real/mqadmin/print.h"
#include "real/mqadmin/queues.h"

static const struct column CONNECTION_COLUMNS[] = {
    {"clientId", "%-36s ", "#ClientId"},
    {"clientAddr", "%-22s ", "#ClientAddr"},
    {"language", "%-10s ", "#Language"},
    {"version", "%s", "#Version"},
};

static void print_connections(struct admin *admin, const struct tree *connections,
                              const struct table *table) {
    for (const struct tree *at = connections == NULL ? NULL : connections->first; at != NULL;
         at = at->next) {
        ROW(table, cell_text(tree_text(at, "clientId", "")),
            cell_text(tree_text(at, "clientAddr", "")), cell_text(tree_text(at, "language", "")),
            cell_text(version_text(admin, tree_number(at, "version", 0))));
    }
    table_end(table);
}

static const struct column SUBSCRIPTION_COLUMNS[] = {
    {"topic", "%-20s ", "#Topic"},
    {"subString", "%s", "#SubExpression"},
    {"expressionType", NULL, NULL},
};

static void print_subscriptions(struct admin *admin, const struct tree *group) {
    const struct tree *table_of = tree_get(group, "subscriptionTable");
    say(admin, "\nBelow is subscription:\n");
    struct table table = TABLE(admin, "subscriptions", SUBSCRIPTION_COLUMNS);
    for (const struct tree *at = table_of == NULL ? NULL : table_of->first; at != NULL;
         at = at->next) {
        ROW(&table, cell_text(tree_text(at, "topic", "")),
            cell_text(tree_text(at, "subString", "")),
            cell_text(tree_text(at, "expressionType", NULL)));
    }
    table_end(&table);
}

static void consumer_connection(struct admin *admin) {
    static const char *const MEMBERS[][2] = {{"consumeType", "ConsumeType"},
                                             {"messageModel", "MessageModel"},
                                             {"consumeFromWhere", "ConsumeFromWhere"}};
    const struct tree *group =
        ask_group_connections(admin, options_text(&admin->options, "consumerGroup"),
                              options_text(&admin->options, "brokerAddr"), NULL);
    if (group == NULL)
        return;
    struct table table = TABLE(admin, "connections", CONNECTION_COLUMNS);
    print_connections(admin, tree_get(group, "connectionSet"), &table);
    print_subscriptions(admin, group);
    say(admin, "\n");
    for (size_t i = 0; i < sizeof(MEMBERS) / sizeof(MEMBERS[0]); i++) {
        const char *text = tree_text(group, MEMBERS[i][0], NULL);
        say(admin, "%s: %s\n", MEMBERS[i][1], text == NULL ? "null" : text);
        put_text(admin, MEMBERS[i][0], text);
    }
}

/* ---- producerConnection ---------------------------------------------------------------------- */

static const struct column PRODUCER_COLUMNS[] = {
    {NULL, "%s  ", NULL},        {"clientId", "%-32s ", NULL}, {"clientAddr", "%-22s ", NULL},
    {"language", "%-8s ", NULL}, {"version", "%s", NULL},
};

static struct tree *ask_producers(struct admin *admin, const struct route_data *route,
                                  const char *group) {
    struct call call;
    call_init(&call, NULL, REQUEST_GET_PRODUCER_CONNECTION_LIST, "producerGroup", group, NULL);
    /* One broker tells; when it knows nobody, the next may. */
    for (size_t i = 0; i < route->broker_count; i++) {
        call.address = broker_address(&route->brokers[i]);
        if (call.address == NULL)
            continue;
        call_one(admin, &call);
        if (call_answered(&call, RESPONSE_SUCCESS))
            break;
    }
    if (call.address == NULL) {
        admin_fail(admin, "no broker of the topic has an address");
        return NULL;
    }
    return call_tree(admin, &call);
}

static void producer_connection(struct admin *admin) {
    const struct route_data *route = ask_route(admin, options_text(&admin->options, "topic"), NULL);
    const struct tree *group =
        route == NULL ? NULL
                      : ask_producers(admin, route, options_text(&admin->options, "producerGroup"));
    const struct tree *set = tree_get(group, "connectionSet");
    int index = 1;
    if (group == NULL)
        return;
    struct table table = TABLE(admin, "connections", PRODUCER_COLUMNS);
    for (const struct tree *at = set == NULL ? NULL : set->first; at != NULL; at = at->next) {
        ROW(&table, cell_text(arena_format(&admin->arena, "%04d", index++)),
            cell_text(tree_text(at, "clientId", "")), cell_text(tree_text(at, "clientAddr", "")),
            cell_text(tree_text(at, "language", "")),
            cell_text(version_text(admin, tree_number(at, "version", 0))));
    }
    table_end(&table);
}

/* ---- producer -------------------------------------------------------------------------------- */

static const struct column INSTANCE_COLUMNS[] = {
    {NULL, "%s", NULL},
    {"group", NULL, NULL},
    {"clientId", NULL, NULL},
    {"remoteIP", NULL, NULL},
    {"language", NULL, NULL},
    {"version", NULL, NULL},
    {"lastUpdateTimestamp", NULL, NULL},
};

static void print_instance(const struct table *table, const char *group,
                           const struct tree *instance) {
    struct admin *admin = table->admin;
    const char *id = tree_text(instance, "clientId", "");
    const char *ip = tree_text(instance, "remoteIP", "");
    const char *language = tree_text(instance, "language", "");
    int64_t version = tree_number(instance, "version", 0);
    int64_t updated = tree_number(instance, "lastUpdateTimestamp", 0);
    const char *line =
        arena_format(&admin->arena,
                     "producer group (%s) instance : clientId=%s,remoteIP=%s, "
                     "language=%s, version=%lld, lastUpdateTimestamp=%lld",
                     group, id, ip, language, (long long)version, (long long)updated);
    ROW(table, cell_text(line), cell_text(group), cell_text(id), cell_text(ip), cell_text(language),
        cell_text(version_text(admin, version)), cell_number(admin, updated));
}

static void producer(struct admin *admin) {
    struct call call;
    call_init(&call, options_text(&admin->options, "broker"), REQUEST_GET_ALL_PRODUCER_INFO, NULL);
    const struct tree *body = call_for_tree(admin, &call);
    const struct tree *groups = tree_get(body, "data");
    if (body == NULL)
        return;
    struct table table = TABLE(admin, "producers", INSTANCE_COLUMNS);
    for (const struct tree *at = groups == NULL ? NULL : groups->first; at != NULL; at = at->next) {
        if (at->first == NULL)
            say(admin, "producer group (%s) instances are empty\n", at->key);
        for (const struct tree *instance = at->first; instance != NULL; instance = instance->next) {
            print_instance(&table, at->key, instance);
        }
    }
    table_end(&table);
}

/* ---- table ----------------------------------------------------------------------------------- */

static const struct option CONSUMER_OPTIONS[] = {
    {'g', "consumerGroup", OPTION_TEXT, REQUIRED, NULL, "consumer group name"},
    {'b', "brokerAddr", OPTION_TEXT, OPTIONAL, NULL, "broker address"},
};
static const struct option PRODUCER_OPTIONS[] = {
    {'g', "producerGroup", OPTION_TEXT, REQUIRED, NULL, "producer group name"},
    {'t', "topic", OPTION_TEXT, REQUIRED, NULL, "topic name"},
};
static const struct option INSTANCE_OPTIONS[] = {
    {'b', "broker", OPTION_TEXT, REQUIRED, NULL, "broker address"},
};
static const struct command COMMANDS[] = {
    COMMAND("producerConnection", "Query producer's socket connection and client version",
            producer_connection, PRODUCER_OPTIONS),
    COMMAND("consumerConnection",
            "Query consumer's socket connection, client version and subscription",
            consumer_connection, CONSUMER_OPTIONS),
    COMMAND("producer", "Query producer's instances, connection, status, etc.", producer,
            INSTANCE_OPTIONS),
};
const struct command_table CONNECTION_COMMANDS = {COMMANDS, sizeof(COMMANDS) / sizeof(COMMANDS[0])};
