/* mqadmin/groups.c - updateSubGroup, deleteSubGroup, getConsumerConfig. */
#include "real/mqadmin/print.h"
#include "real/mqadmin/topic_change.h"

/* ---- updateSubGroup -------------------------------------------------------------------------- */

enum member_kind { MEMBER_TEXT, MEMBER_NUMBER, MEMBER_BOOL };
/* Members of SubscriptionGroupConfig in the order in which Java declares and prints them, and the
 * option of each. */
static const struct member {
    const char *name, *option;
    enum member_kind kind;
} MEMBERS[] = {
    {"groupName", "groupName", MEMBER_TEXT},
    {"consumeEnable", "consumeEnable", MEMBER_BOOL},
    {"consumeFromMinEnable", "consumeFromMinEnable", MEMBER_BOOL},
    {"consumeBroadcastEnable", "consumeBroadcastEnable", MEMBER_BOOL},
    {"retryQueueNums", "retryQueueNums", MEMBER_NUMBER},
    {"retryMaxTimes", "retryMaxTimes", MEMBER_NUMBER},
    {"brokerId", "brokerId", MEMBER_NUMBER},
    {"whichBrokerWhenConsumeSlowly", "whichBrokerWhenConsumeSlowly", MEMBER_NUMBER},
    {"notifyConsumerIdsChangedEnable", "notifyConsumerIdsChanged", MEMBER_BOOL},
};
#define MEMBER_COUNT (sizeof(MEMBERS) / sizeof(MEMBERS[0]))

static void write_group(const struct options *options, struct json_writer *json) {
    json_object_begin(json);
    for (size_t i = 0; i < MEMBER_COUNT; i++) {
        json_key_text(json, MEMBERS[i].name);
        if (MEMBERS[i].kind == MEMBER_TEXT)
            json_string_text(json, options_text(options, MEMBERS[i].option));
        else if (MEMBERS[i].kind == MEMBER_NUMBER)
            json_number(json, options_number(options, MEMBERS[i].option));
        else
            json_bool(json, options_bool(options, MEMBERS[i].option));
    }
    json_object_end(json);
}

static struct span group_body(struct admin *admin) {
    struct buf text;
    struct json_writer json;
    buf_init(&text, admin->env);
    json_writer_init(&json, &text, JSON_STYLE_FASTJSON);
    write_group(&admin->options, &json);
    struct span body = span_of(arena_text(&admin->arena, buf_span(&text)), text.len);
    buf_deinit(&text);
    return body;
}

static void say_group(struct admin *admin) {
    say(admin, "SubscriptionGroupConfig [");
    for (size_t i = 0; i < MEMBER_COUNT; i++) {
        const char *option = MEMBERS[i].option;
        const char *value = options_text(&admin->options, option);
        if (MEMBERS[i].kind == MEMBER_BOOL) /* in small letters */
            value = options_bool(&admin->options, option) ? "true" : "false";
        say(admin, "%s%s=%s", i == 0 ? "" : ", ", MEMBERS[i].name, value);
    }
    say(admin, "]\n");
}

static void update_sub_group(struct admin *admin) {
    struct targets targets;
    size_t done = 0;
    if (!find_targets(admin, "clusterName", TARGET_MASTERS, &targets))
        return;
    struct span body = group_body(admin);
    put_array_begin(admin, "brokers");
    for (size_t i = 0; i < targets.count; i++) {
        struct call call;
        call_init(&call, targets.addresses[i], REQUEST_UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, NULL);
        call.body = body;
        call_one(admin, &call);
        if (!call_ok(admin, &call))
            continue;
        say(admin, "create subscription group to %s success.\n", call.address);
        put_text(admin, NULL, call.address);
        done++;
    }
    put_array_end(admin);
    if (done == 0)
        return;
    say_group(admin);
    if (admin->options.json) {
        json_key_text(&admin->json, "group");
        json_raw(&admin->json, body);
    }
}

/* ---- deleteSubGroup -------------------------------------------------------------------------- */

static void delete_sub_group(struct admin *admin) {
    const char *group = options_text(&admin->options, "groupName");
    const char *cluster = options_text(&admin->options, "clusterName");
    struct targets targets;
    if (!find_targets(admin, "clusterName", TARGET_MASTERS, &targets))
        return;
    put_text(admin, "group", group);
    put_array_begin(admin, "brokers");
    for (size_t i = 0; i < targets.count; i++) {
        struct call call;
        /* removeOffset as 4.9 has it, cleanOffset as 5.3 */
        const char *remove = options_bool(&admin->options, "removeOffset") ? "true" : "false";
        call_init(&call, targets.addresses[i], REQUEST_DELETE_SUBSCRIPTIONGROUP, "groupName", group,
                  "removeOffset", remove, "cleanOffset", remove, NULL);
        call_one(admin, &call);
        if (!call_ok(admin, &call))
            continue;
        if (cluster == NULL)
            say(admin, "delete subscription group [%s] from broker [%s] success.\n", group,
                call.address);
        else
            say(admin, "delete subscription group [%s] from broker [%s] in cluster [%s] success.\n",
                group, call.address, cluster);
        put_text(admin, NULL, call.address);
    }
    put_array_end(admin);
    if (cluster == NULL || admin_failed(admin))
        return;
    delete_topic(admin, cluster, retry_topic(admin, group));
    delete_topic(admin, cluster, arena_format(&admin->arena, "%%DLQ%%%s", group));
}

/* ---- getConsumerConfig ----------------------------------------------------------------------- */

static bool is_known(const char *name) {
    for (size_t i = 0; i < MEMBER_COUNT; i++) {
        if (strcmp(MEMBERS[i].name, name) == 0)
            return true;
    }
    return false;
}

static const char *member_text(struct admin *admin, const struct tree *group, const char *name) {
    const char *text = tree_text(group, name, NULL);
    const struct tree *node = tree_get(group, name);
    if (text != NULL || node == NULL)
        return text == NULL ? "" : text;
    struct buf json;
    struct json_writer writer;
    buf_init(&json, admin->env);
    json_writer_init(&writer, &json, JSON_STYLE_FASTJSON);
    tree_write(node, &writer);
    text = arena_text(&admin->arena, buf_span(&json));
    buf_deinit(&json);
    return text;
}

static void say_member(struct admin *admin, const struct tree *group, const char *name) {
    say(admin, "%-40s=  %s\n", name, member_text(admin, group, name));
}

static void print_group(struct admin *admin, const struct broker *broker,
                        const struct tree *group) {
    say(admin, "=============================%s:%s=============================\n", broker->cluster,
        broker->name);
    for (size_t i = 0; i < MEMBER_COUNT; i++) {
        say_member(admin, group, MEMBERS[i].name);
    }
    for (const struct tree *at = group->first; at != NULL; at = at->next) {
        if (!is_known(at->key)) /* what 5.3 adds */
            say_member(admin, group, at->key);
    }
    put_object_begin(admin, NULL);
    put_text(admin, "clusterName", broker->cluster);
    put_text(admin, "brokerName", broker->name);
    put_tree(admin, "group", group);
    put_object_end(admin);
}

static void get_consumer_config(struct admin *admin) {
    const char *name = options_text(&admin->options, "groupName");
    const struct cluster_data *cluster = ask_cluster(admin);
    size_t found = 0;
    if (cluster == NULL)
        return;
    put_array_begin(admin, "groups");
    for (size_t i = 0; i < cluster->broker_count; i++) {
        struct call call;
        const char *address = broker_address(&cluster->brokers[i]);
        if (address == NULL)
            continue;
        call_init(&call, address, REQUEST_GET_ALL_SUBSCRIPTIONGROUP_CONFIG, NULL);
        const struct tree *group =
            tree_get(tree_get(call_for_tree(admin, &call), "subscriptionGroupTable"), name);
        if (group == NULL)
            continue;
        print_group(admin, &cluster->brokers[i], group);
        found++;
    }
    put_array_end(admin);
    if (found == 0 && !admin_failed(admin))
        admin_fail(admin, "no broker has a subscription group %s", name);
}

/* ---- table ----------------------------------------------------------------------------------- */

static const struct option UPDATE_OPTIONS[] = {
    {'b', "brokerAddr", OPTION_TEXT, ONE_OF, NULL, "create subscription group to which broker"},
    {'c', "clusterName", OPTION_TEXT, ONE_OF, NULL, "create subscription group to which cluster"},
    {'g', "groupName", OPTION_TEXT, REQUIRED, NULL, "consumer group name"},
    {'s', "consumeEnable", OPTION_BOOL, OPTIONAL, "true", "consume enable"},
    {'m', "consumeFromMinEnable", OPTION_BOOL, OPTIONAL, "false", "from min offset"},
    {'d', "consumeBroadcastEnable", OPTION_BOOL, OPTIONAL, "false", "broadcast"},
    {'q', "retryQueueNums", OPTION_NUMBER, OPTIONAL, "1", "retry queue nums"},
    {'r', "retryMaxTimes", OPTION_NUMBER, OPTIONAL, "16", "retry max times"},
    {'i', "brokerId", OPTION_NUMBER, OPTIONAL, "0", "consumer from which broker id"},
    {'w', "whichBrokerWhenConsumeSlowly", OPTION_NUMBER, OPTIONAL, "1",
     "which broker id when consume slowly"},
    {'a', "notifyConsumerIdsChanged", OPTION_BOOL, OPTIONAL, "true", "notify consumerId changed"},
};
static const struct option DELETE_OPTIONS[] = {
    {'b', "brokerAddr", OPTION_TEXT, ONE_OF, NULL, "delete subscription group from which broker"},
    {'c', "clusterName", OPTION_TEXT, ONE_OF, NULL, "delete subscription group from which cluster"},
    {'g', "groupName", OPTION_TEXT, REQUIRED, NULL, "subscription group name"},
    {'r', "removeOffset", OPTION_BOOL, OPTIONAL, "false", "remove offset"},
};
static const struct option GET_OPTIONS[] = {
    {'g', "groupName", OPTION_TEXT, REQUIRED, NULL, "subscription group name"},
};
static const struct command COMMANDS[] = {
    COMMAND("updateSubGroup", "Update or create subscription group", update_sub_group,
            UPDATE_OPTIONS),
    COMMAND("deleteSubGroup", "Delete subscription group from broker.", delete_sub_group,
            DELETE_OPTIONS),
    COMMAND("getConsumerConfig", "Get consumer config by subscription group name!",
            get_consumer_config, GET_OPTIONS),
};
const struct command_table GROUP_COMMANDS = {COMMANDS, sizeof(COMMANDS) / sizeof(COMMANDS[0])};
