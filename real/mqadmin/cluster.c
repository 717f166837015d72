/* mqadmin/cluster.c - see cluster.h. */
#include "real/mqadmin/cluster.h"

#include <stdlib.h>

static int by_name(const void *a, const void *b) {
    const struct broker *x = a, *y = b;
    return strcmp(x->name, y->name);
}
static int by_id(const void *a, const void *b) {
    const struct broker_addr *x = a, *y = b;
    return x->id < y->id ? -1 : x->id > y->id;
}
static int by_text(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char *broker_address(const struct broker *broker) {
    return broker->addr_count == 0 ? NULL : broker->addrs[0].text;
}

const char *broker_master(const struct broker *broker) {
    return broker->addr_count > 0 && broker->addrs[0].id == 0 ? broker->addrs[0].text : NULL;
}

/* {"brokerAddrs":{0:"ip:port"},"brokerName":"..","cluster":".."}, keys bare or quoted */
static void read_broker(struct admin *admin, const struct tree *node, struct broker *out) {
    const struct tree *addrs = tree_get(node, "brokerAddrs");
    *out = (struct broker){
        .name = tree_text(node, "brokerName", node->key == NULL ? "" : node->key),
        .cluster = tree_text(node, "cluster", ""),
        .addrs = arena_alloc(&admin->arena, tree_count(addrs) * sizeof(struct broker_addr))};
    for (const struct tree *at = addrs == NULL ? NULL : addrs->first; at != NULL; at = at->next) {
        struct broker_addr addr = {.text = at->text};
        if (at->key != NULL && at->text != NULL &&
            span_to_i64(span_of_text(at->key), &addr.id) == RMQ_OK)
            out->addrs[out->addr_count++] = addr;
    }
    if (out->addr_count > 1)
        qsort(out->addrs, out->addr_count, sizeof(*out->addrs), by_id);
}

static struct broker *read_brokers(struct admin *admin, const struct tree *list, size_t *count) {
    *count = tree_count(list);
    struct broker *brokers = arena_alloc(&admin->arena, *count * sizeof(*brokers));
    size_t i = 0;
    for (const struct tree *at = list == NULL ? NULL : list->first; at != NULL; at = at->next) {
        read_broker(admin, at, &brokers[i++]);
    }
    if (*count > 1)
        qsort(brokers, *count, sizeof(*brokers), by_name);
    return brokers;
}

bool need_name_server(struct admin *admin) {
    if (admin->name_server_count > 0)
        return true;
    admin_fail(admin, "no name server is known: give -n host:port, or set NAMESRV_ADDR");
    return false;
}

const struct route_data *ask_route(struct admin *admin, const char *topic, int32_t *quiet) {
    struct call call;
    if (!need_name_server(admin))
        return NULL;
    call_init(&call, NULL, REQUEST_GET_ROUTEINFO_BY_TOPIC, "topic", topic, NULL);
    call_name_server(admin, &call);
    if (quiet != NULL && call.status == RMQ_OK && call.answer != RESPONSE_SUCCESS) {
        *quiet = call.answer;
        return NULL;
    }
    struct tree *tree = call_tree(admin, &call);
    if (tree == NULL)
        return NULL;
    struct route_data *route = arena_alloc(&admin->arena, sizeof(*route));
    route->tree = tree;
    route->brokers = read_brokers(admin, tree_get(tree, "brokerDatas"), &route->broker_count);
    route->queues = tree_get(tree, "queueDatas");
    route->order_conf = tree_text(tree, "orderTopicConf", NULL);
    return route;
}

const struct broker *route_broker(const struct route_data *route, const char *name) {
    for (size_t i = 0; i < route->broker_count; i++) {
        if (strcmp(route->brokers[i].name, name) == 0)
            return &route->brokers[i];
    }
    return NULL;
}

/* clusterAddrTable rules which cluster a broker is in. */
static void assign_clusters(struct admin *admin, const struct tree *table,
                            struct cluster_data *cluster) {
    cluster->clusters = arena_alloc(&admin->arena, tree_count(table) * sizeof(char *));
    for (const struct tree *at = table == NULL ? NULL : table->first; at != NULL; at = at->next) {
        cluster->clusters[cluster->cluster_count++] = at->key;
        for (const struct tree *name = at->first; name != NULL; name = name->next) {
            for (size_t i = 0; i < cluster->broker_count; i++) {
                if (name->text != NULL && strcmp(cluster->brokers[i].name, name->text) == 0)
                    cluster->brokers[i].cluster = at->key;
            }
        }
    }
    if (cluster->cluster_count > 1)
        qsort(cluster->clusters, cluster->cluster_count, sizeof(char *), by_text);
}

const struct cluster_data *ask_cluster(struct admin *admin) {
    struct call call;
    if (!need_name_server(admin))
        return NULL;
    call_init(&call, NULL, REQUEST_GET_BROKER_CLUSTER_INFO, NULL);
    call_name_server(admin, &call);
    struct tree *tree = call_tree(admin, &call);
    if (tree == NULL)
        return NULL;
    struct cluster_data *cluster = arena_alloc(&admin->arena, sizeof(*cluster));
    cluster->brokers =
        read_brokers(admin, tree_get(tree, "brokerAddrTable"), &cluster->broker_count);
    assign_clusters(admin, tree_get(tree, "clusterAddrTable"), cluster);
    return cluster;
}

bool cluster_has(const struct broker *broker, const char *cluster) {
    return cluster == NULL || strcmp(broker->cluster, cluster) == 0;
}

static void add_target(struct targets *out, const char *address, const struct broker *broker) {
    out->addresses[out->count] = address;
    out->brokers[out->count++] = broker;
}

bool find_cluster_targets(struct admin *admin, const char *name, enum target_brokers which,
                          struct targets *out) {
    const struct cluster_data *cluster = ask_cluster(admin);
    size_t most = 0;
    bool found = false;
    if (cluster == NULL)
        return false;
    for (size_t i = 0; i < cluster->broker_count; i++) {
        most += cluster->brokers[i].addr_count;
    }
    *out = (struct targets){.addresses = arena_alloc(&admin->arena, most * sizeof(char *)),
                            .brokers = arena_alloc(&admin->arena, most * sizeof(void *))};
    for (size_t i = 0; i < cluster->broker_count; i++) {
        const struct broker *broker = &cluster->brokers[i];
        if (!cluster_has(broker, name))
            continue;
        found = true;
        for (size_t j = 0; j < broker->addr_count; j++) {
            if (which == TARGET_ALL || broker->addrs[j].id == 0)
                add_target(out, broker->addrs[j].text, broker);
        }
    }
    if (!found && name != NULL)
        admin_fail(admin,
                   "[error] Make sure the specified clusterName exists or the name server "
                   "connected to is correct. (cluster %s at %s)",
                   name, admin->name_servers[admin->name_server_chosen]);
    return found || name == NULL;
}

bool find_targets(struct admin *admin, const char *cluster_option, enum target_brokers which,
                  struct targets *out) {
    const char *address = options_text(&admin->options, "brokerAddr");
    if (address == NULL)
        return find_cluster_targets(admin, options_text(&admin->options, cluster_option), which,
                                    out);
    *out = (struct targets){.addresses = arena_alloc(&admin->arena, sizeof(char *)),
                            .brokers = arena_alloc(&admin->arena, sizeof(void *))};
    add_target(out, address, NULL);
    return true;
}

struct tree *ask_topics(struct admin *admin) {
    struct call call;
    if (!need_name_server(admin))
        return NULL;
    call_init(&call, NULL, REQUEST_GET_ALL_TOPIC_LIST_FROM_NAMESERVER, NULL);
    call_name_server(admin, &call);
    struct tree *tree = call_tree(admin, &call);
    struct tree *topics = tree_get(tree, "topicList");
    if (tree != NULL && topics == NULL)
        topics = arena_alloc(&admin->arena, sizeof(*topics)); /* an empty list may be left out */
    return topics;
}

struct call *call_each_name_server(struct admin *admin, const struct call *call) {
    struct call *calls = arena_alloc(&admin->arena, admin->name_server_count * sizeof(*calls));
    if (!need_name_server(admin))
        return calls;
    for (size_t i = 0; i < admin->name_server_count; i++) {
        calls[i] = *call;
        calls[i].address = admin->name_servers[i];
    }
    call_all(admin, calls, admin->name_server_count);
    return calls;
}

const char *retry_topic(struct admin *admin, const char *group) {
    return arena_format(&admin->arena, "%%RETRY%%%s", group);
}

bool is_group_topic(const char *topic) {
    return strncmp(topic, "%RETRY%", 7) == 0 || strncmp(topic, "%DLQ%", 5) == 0;
}
