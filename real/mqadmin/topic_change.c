/* mqadmin/topic_change.c - updateTopic, deleteTopic, updateTopicPerm, updateOrderConf. */
#include "real/mqadmin/topic_change.h"

#include <stdlib.h>

#include "model/wire/body.h"
#include "real/mqadmin/print.h"

struct topic {
    const char *name;
    int64_t reads, writes, perm, sys_flag;
    bool order;
};

static const char *topic_text(struct admin *admin, const struct topic *topic) {
    return arena_format(&admin->arena,
                        "TopicConfig [topicName=%s, readQueueNums=%lld, writeQueueNums=%lld, "
                        "perm=%s, topicFilterType=SINGLE_TAG, topicSysFlag=%lld, order=%s]",
                        topic->name, (long long)topic->reads, (long long)topic->writes,
                        perm_text(admin, topic->perm), (long long)topic->sys_flag,
                        topic->order ? "true" : "false");
}

static void topic_put(struct admin *admin, const struct topic *topic) {
    put_object_begin(admin, "topic");
    put_text(admin, "topicName", topic->name);
    put_number(admin, "readQueueNums", topic->reads);
    put_number(admin, "writeQueueNums", topic->writes);
    put_number(admin, "perm", topic->perm);
    put_number(admin, "topicSysFlag", topic->sys_flag);
    put_bool(admin, "order", topic->order);
    put_object_end(admin);
}

/* 17 to each target, one after the other: what is reached is said at once. `say_done` prints it.
 * Returns how many. */
static size_t create_topic(struct admin *admin, const struct topic *topic,
                           const struct targets *targets,
                           void (*say_done)(struct admin *admin, const char *address, void *ctx),
                           void *ctx) {
    size_t done = 0;
    put_array_begin(admin, "brokers");
    for (size_t i = 0; i < targets->count; i++) {
        struct call call;
        call_init(
            &call, targets->addresses[i], REQUEST_UPDATE_AND_CREATE_TOPIC, "topic", topic->name,
            "defaultTopic", "TBW102", "readQueueNums", call_number(admin, topic->reads),
            "writeQueueNums", call_number(admin, topic->writes), "perm",
            call_number(admin, topic->perm), "topicFilterType", "SINGLE_TAG", "topicSysFlag",
            call_number(admin, topic->sys_flag), "order", topic->order ? "true" : "false", NULL);
        call_one(admin, &call);
        if (!call_ok(admin, &call))
            continue;
        done++;
        put_text(admin, NULL, targets->addresses[i]);
        say_done(admin, targets->addresses[i], ctx);
    }
    put_array_end(admin);
    return done;
}

bool change_kv(struct admin *admin, const char *name_space, const char *key, const char *value) {
    struct call call;
    bool ok = true;
    call_init(&call, NULL, value == NULL ? REQUEST_DELETE_KV_CONFIG : REQUEST_PUT_KV_CONFIG,
              "namespace", name_space, "key", key, "value", value, NULL);
    struct call *calls = call_each_name_server(admin, &call);
    for (size_t i = 0; i < admin->name_server_count; i++) {
        ok &= call_ok(admin, &calls[i]);
    }
    return ok && admin->name_server_count > 0;
}

/* ---- updateTopic ----------------------------------------------------------------------------- */

/* "broker:queues" of the brokers; of one broker it replaces its part of what is there. */
static const char *order_conf(struct admin *admin, const struct topic *topic,
                              const struct broker *const *brokers, size_t count) {
    const char *text = "";
    for (size_t i = 0; i < count; i++) {
        text = arena_format(&admin->arena, "%s%s%s:%lld", text, i == 0 ? "" : ";", brokers[i]->name,
                            (long long)topic->writes);
    }
    return text;
}

static const char *merged_order_conf(struct admin *admin, const struct topic *topic,
                                     const char *broker, const char *part) {
    struct call call;
    call_init(&call, NULL, REQUEST_GET_KV_CONFIG, "namespace", ORDER_NAMESPACE, "key", topic->name,
              NULL);
    call_name_server(admin, &call);
    const char *old =
        call_answered(&call, RESPONSE_SUCCESS) ? call_field(admin, &call, "value") : NULL;
    struct span rest = span_of_text(old == NULL ? "" : old), item;
    const char *text = part;
    const char *own = arena_format(&admin->arena, "%s:", broker);
    while (span_next_part(&rest, ';', &item)) {
        if (!span_starts_with(item, span_of_text(own)))
            text = arena_format(&admin->arena, "%.*s;%s", (int)item.len, (const char *)item.data,
                                text);
    }
    return text;
}

static const struct broker *broker_at(const struct cluster_data *cluster, const char *address) {
    for (size_t i = 0; i < cluster->broker_count; i++) {
        const char *master = broker_master(&cluster->brokers[i]);
        if (master != NULL && strcmp(master, address) == 0)
            return &cluster->brokers[i];
    }
    return NULL;
}

static void set_broker_order(struct admin *admin, const struct topic *topic, const char *address) {
    const struct cluster_data *cluster = ask_cluster(admin);
    const struct broker *broker = cluster == NULL ? NULL : broker_at(cluster, address);
    if (cluster != NULL && broker == NULL)
        admin_fail(admin, "no master of the cluster has the address %s: order conf not set",
                   address);
    if (broker == NULL)
        return;
    const char *part = order_conf(admin, topic, &broker, 1);
    if (!change_kv(admin, ORDER_NAMESPACE, topic->name,
                   merged_order_conf(admin, topic, broker->name, part)))
        return;
    say(admin, "set broker orderConf. isOrder=true, orderConf=[%s]\n", part);
    put_text(admin, "orderConf", part);
}

static void set_cluster_order(struct admin *admin, const struct topic *topic,
                              const struct targets *targets) {
    const char *conf = order_conf(admin, topic, targets->brokers, targets->count);
    if (!change_kv(admin, ORDER_NAMESPACE, topic->name, conf))
        return;
    say(admin, "set cluster orderConf. isOrder=true, orderConf=[%s]\n", conf);
    put_text(admin, "orderConf", conf);
}

static void say_created(struct admin *admin, const char *address, void *ctx) {
    (void)ctx;
    say(admin, "create topic to %s success.\n", address);
}

static void update_topic(struct admin *admin) {
    const struct options *options = &admin->options;
    struct topic topic = {.name = options_text(options, "topic"),
                          .reads = options_number(options, "readQueueNums"),
                          .writes = options_number(options, "writeQueueNums"),
                          .perm = options_number(options, "perm"),
                          .order = options_bool(options, "order")};
    topic.sys_flag = (options_bool(options, "unit") ? TOPIC_SYS_FLAG_UNIT : 0) |
                     (options_bool(options, "hasUnitSub") ? TOPIC_SYS_FLAG_UNIT_SUB : 0);
    struct targets targets;
    if (!find_targets(admin, "clusterName", TARGET_MASTERS, &targets))
        return;
    if (create_topic(admin, &topic, &targets, say_created, NULL) < targets.count)
        return;
    if (topic.order && options_given(options, "brokerAddr"))
        set_broker_order(admin, &topic, targets.addresses[0]);
    else if (topic.order)
        set_cluster_order(admin, &topic, &targets);
    say(admin, "%s\n", topic_text(admin, &topic));
    topic_put(admin, &topic);
}

/* ---- deleteTopic ----------------------------------------------------------------------------- */

void delete_topic(struct admin *admin, const char *cluster, const char *topic) {
    struct targets targets;
    bool ok = true;
    if (!find_cluster_targets(admin, cluster, TARGET_MASTERS, &targets))
        return;
    for (size_t i = 0; i < targets.count; i++) {
        struct call call;
        call_init(&call, targets.addresses[i], REQUEST_DELETE_TOPIC_IN_BROKER, "topic", topic,
                  NULL);
        call_one(admin, &call);
        ok &= call_ok(admin, &call);
    }
    if (!ok)
        return; /* the name servers would have it back with the next registration */
    say(admin, "delete topic [%s] from cluster [%s] success.\n", topic, cluster);
    struct call call;
    call_init(&call, NULL, REQUEST_DELETE_TOPIC_IN_NAMESRV, "topic", topic, "clusterName", cluster,
              NULL);
    struct call *calls = call_each_name_server(admin, &call);
    for (size_t i = 0; i < admin->name_server_count; i++) {
        ok &= call_ok(admin, &calls[i]);
    }
    if (ok)
        say(admin, "delete topic [%s] from NameServer success.\n", topic);
}

static void delete_topic_command(struct admin *admin) {
    const char *topic = options_text(&admin->options, "topic");
    put_text(admin, "topic", topic);
    delete_topic(admin, options_text(&admin->options, "clusterName"), topic);
}

/* ---- updateTopicPerm ------------------------------------------------------------------------- */

struct perm_change {
    int64_t before, after;
};
static void say_perm(struct admin *admin, const char *address, void *ctx) {
    const struct perm_change *change = ctx;
    say(admin, "update topic perm from %lld to %lld in %s success.\n", (long long)change->before,
        (long long)change->after, address);
}

/* The queues of the broker whose master has this address. */
static const struct tree *queues_at(const struct route_data *route, const char *address) {
    for (size_t i = 0; i < route->broker_count; i++) {
        const char *master = broker_master(&route->brokers[i]);
        if (master == NULL || strcmp(master, address) != 0)
            continue;
        for (const struct tree *at = route->queues->first; at != NULL; at = at->next) {
            if (strcmp(tree_text(at, "brokerName", ""), route->brokers[i].name) == 0)
                return at;
        }
    }
    return NULL;
}

/* Differs: each broker keeps its own numbers of queues; Apache's gives all brokers those of the
 * first one of the route (admin.md 3). */
static void change_perm(struct admin *admin, const struct route_data *route, const char *address) {
    const struct tree *queues = queues_at(route, address);
    if (queues == NULL) {
        admin_fail(admin, "updateTopicPerm error broker not exit or broker is not master!. (%s)",
                   address);
        return;
    }
    struct perm_change change = {tree_number(queues, "perm", 0),
                                 options_number(&admin->options, "perm")};
    if (change.before == change.after) {
        say(admin, "new perm equals to the old one!\n");
        return;
    }
    struct topic topic = {.name = options_text(&admin->options, "topic"),
                          .reads = tree_number(queues, "readQueueNums", 0),
                          .writes = tree_number(queues, "writeQueueNums", 0),
                          .sys_flag = tree_number(queues, "topicSysFlag", 0),
                          .perm = change.after};
    struct targets one = {.addresses = &address, .count = 1};
    put_object_begin(admin, NULL);
    if (create_topic(admin, &topic, &one, say_perm, &change) == 1) {
        put_number(admin, "permBefore", change.before);
        topic_put(admin, &topic);
        if (options_given(&admin->options, "brokerAddr"))
            say(admin, "%s.\n", topic_text(admin, &topic));
    }
    put_object_end(admin);
}

static void update_topic_perm(struct admin *admin) {
    const struct route_data *route = ask_route(admin, options_text(&admin->options, "topic"), NULL);
    struct targets targets;
    if (route == NULL || !find_targets(admin, "clusterName", TARGET_MASTERS, &targets))
        return;
    put_array_begin(admin, "changes");
    for (size_t i = 0; i < targets.count; i++) {
        /* of a cluster, those that have the topic */
        if (targets.brokers[i] == NULL || queues_at(route, targets.addresses[i]) != NULL)
            change_perm(admin, route, targets.addresses[i]);
    }
    put_array_end(admin);
}

/* ---- updateOrderConf ------------------------------------------------------------------------- */

static void get_order_conf(struct admin *admin, const char *topic) {
    struct call call;
    call_init(&call, NULL, REQUEST_GET_KV_CONFIG, "namespace", ORDER_NAMESPACE, "key", topic, NULL);
    if (!need_name_server(admin))
        return;
    call_name_server(admin, &call);
    if (!call_ok(admin, &call))
        return;
    const char *conf = call_field(admin, &call, "value");
    say(admin, "get orderConf success. topic=[%s], orderConf=[%s] \n", topic, conf);
    put_text(admin, "orderConf", conf);
}

static void update_order_conf(struct admin *admin) {
    const char *topic = options_text(&admin->options, "topic");
    const char *method = options_text(&admin->options, "method");
    const char *conf = options_text(&admin->options, "orderConf");
    put_text(admin, "topic", topic);
    if (strcmp(method, "get") == 0) {
        get_order_conf(admin, topic);
    } else if (strcmp(method, "put") == 0) {
        if (conf == NULL || *conf == '\0') {
            admin_fail(admin, "please set orderConf with option -v.");
        } else if (change_kv(admin, ORDER_NAMESPACE, topic, conf)) {
            say(admin, "update orderConf success. topic=[%s], orderConf=[%s]\n", topic, conf);
            put_text(admin, "orderConf", conf);
        }
    } else if (strcmp(method, "delete") == 0) {
        if (change_kv(admin, ORDER_NAMESPACE, topic, NULL))
            say(admin, "delete orderConf success. topic=[%s]\n", topic);
    } else {
        admin_fail(admin, "-m/--method is put, get or delete, not '%s'", method);
    }
}

/* ---- table ----------------------------------------------------------------------------------- */

static const struct option UPDATE_OPTIONS[] = {
    {'b', "brokerAddr", OPTION_TEXT, ONE_OF, NULL, "create topic to which broker"},
    {'c', "clusterName", OPTION_TEXT, ONE_OF, NULL, "create topic to which cluster"},
    {'t', "topic", OPTION_TEXT, REQUIRED, NULL, "topic name"},
    {'r', "readQueueNums", OPTION_NUMBER, OPTIONAL, "8", "set read queue nums"},
    {'w', "writeQueueNums", OPTION_NUMBER, OPTIONAL, "8", "set write queue nums"},
    {'p', "perm", OPTION_NUMBER, OPTIONAL, "6",
     "set topic's permission(2|4|6), intro[2:W 4:R; 6:RW]"},
    {'o', "order", OPTION_BOOL, OPTIONAL, "false", "set topic's order(true|false)"},
    {'u', "unit", OPTION_BOOL, OPTIONAL, "false", "is unit topic (true|false)"},
    {'s', "hasUnitSub", OPTION_BOOL, OPTIONAL, "false", "has unit sub (true|false)"},
};
static const struct option DELETE_OPTIONS[] = {
    {'t', "topic", OPTION_TEXT, REQUIRED, NULL, "topic name"},
    {'c', "clusterName", OPTION_TEXT, REQUIRED, NULL, "delete topic from which cluster"},
};
static const struct option PERM_OPTIONS[] = {
    {'b', "brokerAddr", OPTION_TEXT, ONE_OF, NULL, "create topic to which broker"},
    {'c', "clusterName", OPTION_TEXT, ONE_OF, NULL, "create topic to which cluster"},
    {'t', "topic", OPTION_TEXT, REQUIRED, NULL, "topic name"},
    {'p', "perm", OPTION_NUMBER, REQUIRED, NULL,
     "set topic's permission(2|4|6), intro[2:W; 4:R; 6:RW]"},
};
static const struct option ORDER_OPTIONS[] = {
    {'t', "topic", OPTION_TEXT, REQUIRED, NULL, "topic name"},
    {'v', "orderConf", OPTION_TEXT, OPTIONAL, NULL,
     "set order conf [eg. brokerName1:num;brokerName2:num]"},
    {'m', "method", OPTION_TEXT, REQUIRED, NULL, "option type [eg. put|get|delete]"},
};

static const struct command COMMANDS[] = {
    COMMAND("updateTopic", "Update or create topic", update_topic, UPDATE_OPTIONS),
    COMMAND("deleteTopic", "Delete topic from broker and NameServer.", delete_topic_command,
            DELETE_OPTIONS),
    COMMAND("updateTopicPerm", "Update topic perm", update_topic_perm, PERM_OPTIONS),
    COMMAND("updateOrderConf", "Create or update or delete order conf", update_order_conf,
            ORDER_OPTIONS),
};
const struct command_table TOPIC_CHANGE_COMMANDS = {COMMANDS,
                                                    sizeof(COMMANDS) / sizeof(COMMANDS[0])};
