/* mqadmin/consume_queue.c - queryCq. */
#include "real/mqadmin/cluster.h"
#include "real/mqadmin/print.h"

#define LINE "======================================\n"

static const char *or_null(const char *text) {
    return text == NULL ? "null" : text;
}

static void print_unit(struct admin *admin, int64_t index, const struct tree *unit) {
    say(admin,
        "idx: %lld\nConsumeQueueData{physicOffset=%s, physicSize=%s, tagsCode=%s, "
        "extendDataJson='%s', bitMap='%s', eval=%s, msg='%s'}\n" LINE,
        (long long)index, tree_text(unit, "physicOffset", "0"), tree_text(unit, "physicSize", "0"),
        tree_text(unit, "tagsCode", "0"), or_null(tree_text(unit, "extendDataJson", NULL)),
        or_null(tree_text(unit, "bitMap", NULL)), tree_text(unit, "eval", "false"),
        or_null(tree_text(unit, "msg", NULL)));
}

static void print_subscription(struct admin *admin, const struct tree *subscription) {
    struct buf text;
    struct json_writer json;
    buf_init(&text, admin->env);
    json_writer_init(&json, &text, JSON_STYLE_FASTJSON);
    json.pretty = true;
    tree_write(subscription, &json);
    say(admin, "Subscription data: \n%.*s\n" LINE, (int)text.len, (const char *)text.data);
    buf_deinit(&text);
}

static const char *queue_broker(struct admin *admin, const char *topic) {
    const char *address = options_text(&admin->options, "broker");
    if (address != NULL)
        return address;
    const struct route_data *route = ask_route(admin, topic, NULL);
    if (route == NULL)
        return NULL;
    address = route->broker_count == 0 ? NULL : broker_address(&route->brokers[0]);
    if (address == NULL)
        admin_fail(admin, "No topic route data!");
    return address;
}

static void query_cq(struct admin *admin) {
    const struct options *options = &admin->options;
    const char *topic = options_text(options, "topic");
    const char *address = queue_broker(admin, topic);
    struct call call;
    if (address == NULL)
        return;
    call_init(&call, address, REQUEST_QUERY_CONSUME_QUEUE, "topic", topic, "queueId",
              options_text(options, "queue"), "index", options_text(options, "index"), "count",
              options_text(options, "count"), "consumerGroup", options_text(options, "consumer"),
              NULL);
    const struct tree *body = call_for_tree(admin, &call);
    if (body == NULL)
        return;
    if (tree_get(body, "subscriptionData") != NULL)
        print_subscription(admin, tree_get(body, "subscriptionData"));
    if (tree_get(body, "filterData") != NULL)
        say(admin, "Filter data: \n%s\n" LINE, tree_text(body, "filterData", ""));
    say(admin, "Queue data: \nmax: %s, min: %s\n" LINE, tree_text(body, "maxQueueIndex", "0"),
        tree_text(body, "minQueueIndex", "0"));
    const struct tree *units = tree_get(body, "queueData");
    int64_t index = options_number(options, "index");
    for (const struct tree *at = units == NULL ? NULL : units->first; at != NULL; at = at->next) {
        print_unit(admin, index++, at);
    }
    put_tree(admin, "queue", body);
}

static const struct option OPTIONS[] = {
    {'t', "topic", OPTION_TEXT, REQUIRED, NULL, "topic name"},
    {'q', "queue", OPTION_NUMBER, REQUIRED, NULL, "queue num, ie. 1"},
    {'i', "index", OPTION_NUMBER, REQUIRED, NULL, "start queue index."},
    {'c', "count", OPTION_NUMBER, OPTIONAL, "10", "how many."},
    {'b', "broker", OPTION_TEXT, OPTIONAL, NULL, "broker addr."},
    {'g', "consumer", OPTION_TEXT, OPTIONAL, NULL, "consumer group."},
};
static const struct command COMMANDS[] = {
    COMMAND("queryCq", "Query cq command.", query_cq, OPTIONS),
};
const struct command_table QUEUE_COMMANDS = {COMMANDS, sizeof(COMMANDS) / sizeof(COMMANDS[0])};
