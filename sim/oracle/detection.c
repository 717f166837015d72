/* sim/oracle/detection.c - a fault of a broker is noticed in time, or (never=true) not at all.
 *
 * Counted from the first fault that hits `broker`: each name server of `on` that is healthy at the
 * end of `within` must have removed it by then; a name server where it was not listed when the
 * fault came is not judged. With never, none of them may remove it from the fault to the end of the
 * run. */
#include "sim/oracle/base.h"

static const struct oracle_parameter PARAMETERS[] = {
    {"broker", "text", NULL, "the broker: its name or its node's"},
    {"on", "text", "all", "name servers (a list of nodes), or all"},
    {"within", "duration", "130s", "removed at most this long after the fault"},
    {"never", "bool", "false", "it must not be removed at all"},
};

struct detection {
    struct oracle_base base;
    struct span broker, on;
    uint64_t within_ns;
    bool never;
    struct oracle_mark fault; /* world_ns NEVER: none yet */
    struct server {
        uint16_t node;
        bool listed;
        bool judged; /* listed it when the fault came, and has not removed it since */
    } * servers;
    size_t count, capacity;
};

extern const struct oracle_type ORACLE_DETECTION;

static void *create(const struct oracle_host *host, const struct props *parameters,
                    const char **error) {
    struct detection *oracle =
        oracle_begin(host, &ORACLE_DETECTION, parameters, sizeof *oracle, error);
    if (oracle == NULL)
        return NULL;
    oracle->broker = oracle_read_text(&oracle->base, "broker");
    oracle->on = oracle_read_text(&oracle->base, "on");
    oracle->within_ns = oracle_read_duration(&oracle->base, "within");
    oracle->never = oracle_read_bool(&oracle->base, "never");
    oracle->fault.world_ns = CLUSTER_NEVER;
    return oracle_ready(oracle, error);
}

/* Is the broker of this route event the one that is meant? */
static bool is_meant(const struct detection *oracle, const struct record *record) {
    struct span broker = record_text(record, 1);
    if (span_equal(broker, oracle->broker))
        return true;
    const struct cluster_node *node =
        cluster_find_broker(oracle->base.host.cluster, broker, record_text(record, 3));
    return node != NULL && span_equal(node->name, oracle->broker);
}

static struct server *server_of(struct detection *oracle, uint16_t node) {
    for (size_t i = 0; i < oracle->count; i++)
        if (oracle->servers[i].node == node)
            return &oracle->servers[i];
    struct server *servers = array_room(&oracle->base.host, oracle->servers, oracle->count,
                                        &oracle->capacity, sizeof *servers);
    if (servers == NULL) {
        oracle->base.no_memory = true;
        return NULL;
    }
    oracle->servers = servers;
    servers[oracle->count] = (struct server){.node = node};
    return &servers[oracle->count++];
}

static void on_fault(struct detection *oracle, const struct record *record) {
    const struct cluster *cluster = oracle->base.host.cluster;
    if (oracle->fault.world_ns != CLUSTER_NEVER)
        return;
    const struct cluster_node *broker = cluster_find(cluster, oracle->broker);
    if (broker == NULL)
        broker = cluster_find_broker(cluster, oracle->broker, SPAN_NONE);
    if (broker == NULL || broker->fault_begin_ns != record->world_ns)
        return;
    oracle->fault = oracle_mark(record);
    for (size_t i = 0; i < oracle->count; i++)
        oracle->servers[i].judged = oracle->servers[i].listed;
}

static void fail_late(struct detection *oracle, const struct server *server, uint64_t now_ns,
                      bool removed) {
    const struct cluster_node *node = cluster_node(oracle->base.host.cluster, server->node);
    if (!oracle_fail(&oracle->base, "%.*s %s broker %.*s " SECONDS_FORMAT " after the fault",
                     TEXT(node->name), removed ? "removed" : "still lists", TEXT(oracle->broker),
                     SECONDS(now_ns - oracle->fault.world_ns)))
        return;
    oracle_witness(&oracle->base, oracle->fault, "the fault");
    oracle_witness(
        &oracle->base,
        (struct oracle_mark){now_ns, server->node, removed ? EVENT_route_broker_evicted : 0},
        removed ? "removed" : "still listed");
}

static void on_evicted(struct detection *oracle, const struct record *record) {
    struct server *server = server_of(oracle, record->node);
    if (server == NULL)
        return;
    server->listed = false;
    if (!server->judged)
        return;
    uint64_t now_ns = record->world_ns;
    bool late = now_ns - oracle->fault.world_ns > oracle->within_ns;
    oracle->base.verdict.checked++;
    server->judged = false;
    if (oracle->never || late)
        fail_late(oracle, server, now_ns, true);
}

static bool is_asked(const struct detection *oracle, uint16_t node) {
    const struct cluster_node *server = cluster_node(oracle->base.host.cluster, node);
    return span_equal(oracle->on, SPAN_LITERAL("all")) || name_listed(oracle->on, server->name);
}

static void on_record(void *self, const struct record *record) {
    struct detection *oracle = self;
    struct server *server;
    switch (record->kind) {
    case EVENT_world_fault:
        on_fault(oracle, record);
        break;
    case EVENT_route_broker_registered:
        if (is_asked(oracle, record->node) && is_meant(oracle, record) &&
            (server = server_of(oracle, record->node)) != NULL)
            server->listed = true;
        break;
    case EVENT_route_broker_evicted:
        if (is_asked(oracle, record->node) && is_meant(oracle, record))
            on_evicted(oracle, record);
        break;
    case EVENT_world_node_down:
        for (size_t i = 0; i < oracle->count; i++)
            if (oracle->servers[i].node == record->node)
                oracle->servers[i].listed = oracle->servers[i].judged = false;
        break;
    default:
        break;
    }
}

static void finish(void *self, uint64_t end_ns, struct oracle_verdict *out) {
    struct detection *oracle = self;
    const struct cluster *cluster = oracle->base.host.cluster;
    bool over = oracle->fault.world_ns != CLUSTER_NEVER &&
                end_ns - oracle->fault.world_ns > oracle->within_ns;
    for (size_t i = 0; i < oracle->count; i++) {
        const struct server *server = &oracle->servers[i];
        if (!server->judged || (!over && !oracle->never) ||
            !cluster_is_healthy(cluster_node(cluster, server->node)))
            continue;
        oracle->base.verdict.checked++;
        if (!oracle->never)
            fail_late(oracle, server, end_ns, false);
    }
    if (oracle->fault.world_ns == CLUSTER_NEVER)
        oracle->base.unknown = "no fault hit the broker";
    oracle_end(&oracle->base, "no name server listed the broker when the fault came", out);
}

const struct oracle_type ORACLE_DETECTION = {
    .name = "detection",
    .class_ = ORACLE_OBJECTIVE,
    .about = "a broker that a fault hits is removed in time by the name servers, or never",
    .parameters = PARAMETERS,
    .parameter_count = sizeof PARAMETERS / sizeof PARAMETERS[0],
    .create = create,
    .on_record = on_record,
    .finish = finish,
};
