/* mqadmin/topics.c - topicList, topicRoute, topicStatus, topicClusterList. */
#include "real/mqadmin/print.h"
#include "real/mqadmin/queues.h"

/* ---- topicList ------------------------------------------------------------------------------- */

static void print_topic_names(struct admin *admin, const struct tree *topics) {
    put_array_begin(admin, "topics");
    for (const struct tree *at = topics->first; at != NULL; at = at->next) {
        say(admin, "%s\n", at->text);
        put_text(admin, NULL, at->text);
    }
    put_array_end(admin);
}

static const struct column TOPIC_COLUMNS[] = {
    {"clusterName", "%-20.20s  ", NULL},
    {"topic", "%-64.64s  ", NULL},
    {"consumerGroup", "%-64.64s", NULL},
};

static void print_topic_groups(const struct table *table, const char *topic) {
    struct admin *admin = table->admin;
    struct quiet quiet;
    int32_t code;
    const struct route_data *route = ask_route(admin, topic, &code);
    const struct tree *groups =
        route == NULL ? NULL : ask_topic_groups(admin, route, topic, &quiet);
    const char *cluster =
        route == NULL || route->broker_count == 0 ? "" : route->brokers[0].cluster;
    if (tree_count(groups) == 0)
        ROW(table, cell_text(cluster), cell_text(topic), cell_text(NULL));
    for (const struct tree *at = groups == NULL ? NULL : groups->first; at != NULL; at = at->next) {
        ROW(table, cell_text(cluster), cell_text(topic), cell_text(at->text));
    }
}

static void topic_list(struct admin *admin) {
    const struct tree *topics = ask_topics(admin);
    if (topics == NULL)
        return;
    if (!options_bool(&admin->options, "clusterModel")) {
        print_topic_names(admin, topics);
        return;
    }
    say(admin, "%-20s  %-48s  %-48s\n", "#Cluster Name", "#Topic", "#Consumer Group");
    struct table table = TABLE(admin, "topics", TOPIC_COLUMNS);
    for (const struct tree *at = topics->first; at != NULL; at = at->next) {
        if (!is_group_topic(at->text))
            print_topic_groups(&table, at->text);
    }
    table_end(&table);
}

/* ---- topicRoute ------------------------------------------------------------------------------ */

static void write_broker(struct json_writer *json, const struct broker *broker) {
    json_object_begin(json);
    json_key_text(json, "brokerAddrs");
    json_object_begin(json);
    for (size_t i = 0; i < broker->addr_count; i++) {
        json_key_i64(json, broker->addrs[i].id);
        json_string_text(json, broker->addrs[i].text);
    }
    json_object_end(json);
    json_key_text(json, "brokerName");
    json_string_text(json, broker->name);
    json_key_text(json, "cluster");
    json_string_text(json, broker->cluster);
    json_object_end(json);
}

static void write_queue(struct json_writer *json, const struct tree *queue) {
    static const char *const MEMBERS[] = {"perm", "readQueueNums", "topicSysFlag",
                                          "writeQueueNums"};
    json_object_begin(json);
    json_key_text(json, "brokerName");
    json_string_text(json, tree_text(queue, "brokerName", ""));
    for (size_t i = 0; i < sizeof(MEMBERS) / sizeof(MEMBERS[0]); i++) {
        json_key_text(json, MEMBERS[i]);
        json_number(json, tree_number(queue, MEMBERS[i], 0));
    }
    json_object_end(json);
}

/* TopicRouteData as fastjson writes it. */
static void write_route(struct json_writer *json, const struct route_data *route) {
    json_object_begin(json);
    json_key_text(json, "brokerDatas");
    json_array_begin(json);
    for (size_t i = 0; i < route->broker_count; i++) {
        write_broker(json, &route->brokers[i]);
    }
    json_array_end(json);
    json_key_text(json, "filterServerTable");
    json_object_begin(json);
    const struct tree *filters = tree_get(route->tree, "filterServerTable");
    for (const struct tree *at = filters == NULL ? NULL : filters->first; at != NULL;
         at = at->next) {
        json_key_text(json, at->key);
        tree_write(at, json);
    }
    json_object_end(json);
    if (route->order_conf != NULL) {
        json_key_text(json, "orderTopicConf");
        json_string_text(json, route->order_conf);
    }
    json_key_text(json, "queueDatas");
    json_array_begin(json);
    for (const struct tree *at = route->queues == NULL ? NULL : route->queues->first; at != NULL;
         at = at->next) {
        write_queue(json, at);
    }
    json_array_end(json);
    json_object_end(json);
}

static void print_route(struct admin *admin, const struct route_data *route) {
    struct buf text;
    struct json_writer json;
    buf_init(&text, admin->env);
    json_writer_init(&json, &text, JSON_STYLE_FASTJSON);
    json.pretty = json.pretty_lists = true;
    write_route(&json, route);
    say(admin, "%.*s\n", (int)text.len, (const char *)text.data);
    buf_deinit(&text);
}

static const char *addresses_text(struct admin *admin, const struct broker *broker) {
    const char *text = "{";
    for (size_t i = 0; i < broker->addr_count; i++) {
        text = arena_format(&admin->arena, "%s%s%lld=%s", text, i == 0 ? "" : ", ",
                            (long long)broker->addrs[i].id, broker->addrs[i].text);
    }
    return arena_format(&admin->arena, "%s}", text);
}

static const struct tree *queues_of(const struct route_data *route, const char *broker) {
    const struct tree *found = NULL;
    for (const struct tree *at = route->queues == NULL ? NULL : route->queues->first; at != NULL;
         at = at->next) {
        if (strcmp(tree_text(at, "brokerName", ""), broker) == 0)
            found = at;
    }
    return found;
}

#define ROUTE_FORMAT "%-45s %-32s %-50s %-10s %-11s %-5s\n"
static void print_route_list(struct admin *admin, const struct route_data *route) {
    int64_t reads = 0, writes = 0;
    say(admin, ROUTE_FORMAT, "#ClusterName", "#BrokerName", "#BrokerAddrs", "#ReadQueue",
        "#WriteQueue", "#Perm");
    for (size_t i = 0; i < route->broker_count; i++) {
        const struct broker *broker = &route->brokers[i];
        const struct tree *queues = queues_of(route, broker->name);
        int64_t read = tree_number(queues, "readQueueNums", 0);
        int64_t write = tree_number(queues, "writeQueueNums", 0);
        reads += read;
        writes += write;
        say(admin, ROUTE_FORMAT, broker->cluster, broker->name, addresses_text(admin, broker),
            call_number(admin, read), call_number(admin, write), tree_text(queues, "perm", "0"));
    }
    for (int i = 0; i < 158; i++) {
        say(admin, "-");
    }
    say(admin, "\n" ROUTE_FORMAT, "Total:", call_number(admin, (int64_t)route->broker_count), "",
        call_number(admin, reads), call_number(admin, writes), "");
}

static void topic_route(struct admin *admin) {
    const struct route_data *route = ask_route(admin, options_text(&admin->options, "topic"), NULL);
    if (route == NULL)
        return;
    if (admin->options.json)
        put_tree(admin, "route", route->tree);
    else if (options_bool(&admin->options, "list"))
        print_route_list(admin, route);
    else
        print_route(admin, route);
}

/* ---- topicStatus ----------------------------------------------------------------------------- */

static const struct column STATUS_COLUMNS[] = {
    {"brokerName", "%-32.32s  ", "#Broker Name"},
    {"queueId", "%-4s  ", "#QID"},
    {"minOffset", "%-20s  ", "#Min Offset"},
    {"maxOffset", "%-20s    ", "#Max Offset"},
    {NULL, "%s", "#Last Updated"},
    {"lastUpdateTimestamp", NULL, NULL},
};

static bool ask_topic_status(struct admin *admin, const struct route_data *route, const char *topic,
                             struct queue_rows *rows) {
    for (size_t i = 0; i < route->broker_count; i++) {
        struct call call;
        const char *address = broker_address(&route->brokers[i]);
        if (address == NULL)
            continue;
        call_init(&call, address, REQUEST_GET_TOPIC_STATS_INFO, "topic", topic, NULL);
        struct tree *stats = call_for_tree(admin, &call);
        if (stats == NULL)
            return false;
        queue_rows_add(admin, rows, tree_get(stats, "offsetTable"));
    }
    queue_rows_sort(rows);
    return true;
}

static void topic_status(struct admin *admin) {
    const char *topic = options_text(&admin->options, "topic");
    const struct route_data *route = ask_route(admin, topic, NULL);
    struct queue_rows rows = {0};
    if (route == NULL || !ask_topic_status(admin, route, topic, &rows))
        return;
    if (rows.count == 0) {
        admin_fail(admin, "Not found the topic stats info of %s: no broker has queues of it",
                   topic);
        return;
    }
    struct table table = TABLE(admin, "queues", STATUS_COLUMNS);
    for (size_t i = 0; i < rows.count; i++) {
        const struct queue_row *row = &rows.rows[i];
        int64_t updated = tree_number(row->value, "lastUpdateTimestamp", 0);
        ROW(&table, cell_text(row->broker), cell_number(admin, row->id),
            cell_number(admin, tree_number(row->value, "minOffset", 0)),
            cell_number(admin, tree_number(row->value, "maxOffset", 0)),
            cell_text(updated > 0 ? time_text_ms(admin, updated) : ""),
            cell_number(admin, updated));
    }
    table_end(&table);
}

/* ---- topicClusterList ------------------------------------------------------------------------ */

static void topic_cluster_list(struct admin *admin) {
    const struct route_data *route = ask_route(admin, options_text(&admin->options, "topic"), NULL);
    const struct cluster_data *cluster = route == NULL ? NULL : ask_cluster(admin);
    if (cluster == NULL)
        return;
    put_array_begin(admin, "clusters");
    for (size_t i = 0; i < cluster->cluster_count; i++) {
        bool has = false;
        for (size_t j = 0; j < cluster->broker_count; j++) {
            const struct broker *broker = &cluster->brokers[j];
            has |= cluster_has(broker, cluster->clusters[i]) &&
                   route_broker(route, broker->name) != NULL;
        }
        if (has) {
            say(admin, "%s\n", cluster->clusters[i]);
            put_text(admin, NULL, cluster->clusters[i]);
        }
    }
    put_array_end(admin);
}

/* ---- table ----------------------------------------------------------------------------------- */

static const struct option LIST_OPTIONS[] = {
    {'c', "clusterModel", OPTION_FLAG, OPTIONAL, NULL, "clusterModel"},
};
static const struct option ROUTE_OPTIONS[] = {
    {'t', "topic", OPTION_TEXT, REQUIRED, NULL, "topic name"},
    {'l', "list", OPTION_FLAG, OPTIONAL, NULL, "Use list format to print data"},
};
static const struct option TOPIC_OPTIONS[] = {
    {'t', "topic", OPTION_TEXT, REQUIRED, NULL, "topic name"},
};

static const struct command COMMANDS[] = {
    COMMAND("topicRoute", "Examine topic route info", topic_route, ROUTE_OPTIONS),
    COMMAND("topicStatus", "Examine topic Status info", topic_status, TOPIC_OPTIONS),
    COMMAND("topicClusterList", "get cluster info for topic", topic_cluster_list, TOPIC_OPTIONS),
    COMMAND("topicList", "Fetch all topic list from name server", topic_list, LIST_OPTIONS),
};
const struct command_table TOPIC_COMMANDS = {COMMANDS, sizeof(COMMANDS) / sizeof(COMMANDS[0])};
