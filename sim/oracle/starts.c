/* sim/oracle/starts.c - O-START: a broker that starts serves in time. It may fail to open its store
 * only when its disk was faulty, full, read-only or stalled. An end that a fault or an order brings
 * is no failure. */
#include "sim/oracle/base.h"

static const struct oracle_parameter PARAMETERS[] = {
    {"within", "duration", "60s", "from the process's start to node.serves"},
    {"excused", "text", "", "broker nodes that may fail to start"},
};

struct starts {
    struct oracle_base base;
    uint64_t within_ns;
    struct start {
        struct oracle_mark up; /* world_ns CLUSTER_NEVER: not starting */
        struct oracle_mark failed;
    } * starts; /* by node */
    size_t capacity;
};

extern const struct oracle_type ORACLE_STARTS;

static void *create(const struct oracle_host *host, const struct props *parameters,
                    const char **error) {
    struct starts *oracle = oracle_begin(host, &ORACLE_STARTS, parameters, sizeof *oracle, error);
    if (oracle == NULL)
        return NULL;
    oracle->within_ns = oracle_read_duration(&oracle->base, "within");
    return oracle_ready(oracle, error);
}

static struct start *start_of(struct starts *oracle, uint16_t node) {
    size_t before = oracle->capacity;
    struct start *starts = array_reach(&oracle->base.host, oracle->starts, (size_t)node + 1,
                                       &oracle->capacity, sizeof *starts);
    if (starts == NULL) {
        oracle->base.no_memory = true;
        return NULL;
    }
    oracle->starts = starts;
    for (size_t i = before; i < oracle->capacity; i++)
        starts[i].up.world_ns = CLUSTER_NEVER;
    return &starts[node];
}

static bool disk_is_bad(const struct starts *oracle, uint16_t node) {
    const struct messages *messages = oracle->base.host.messages;
    return node < messages->by_node_capacity && messages->by_node[node] != NULL &&
           messages->by_node[node]->disk_trouble;
}

static void fail(struct starts *oracle, const struct start *start, struct oracle_mark mark,
                 const char *what) {
    struct oracle_base *base = &oracle->base;
    const struct cluster_node *node = cluster_node(base->host.cluster, start->up.node);
    if (disk_is_bad(oracle, start->up.node) || oracle_excuses(base, node) ||
        !oracle_fail(base, "%.*s does not start: %s " SECONDS_FORMAT " after its start",
                     TEXT(node->name), what, SECONDS(mark.world_ns - start->up.world_ns)))
        return;
    oracle_witness(base, start->up, "started");
    oracle_witness(base, mark, "%s", what);
}

static void on_down(struct starts *oracle, struct start *start, const struct record *record) {
    struct span how = record_text(record, 0);
    const struct cluster_node *node = cluster_node(oracle->base.host.cluster, record->node);
    if (start->up.world_ns == CLUSTER_NEVER)
        return;
    bool own = span_equal(how, SPAN_LITERAL("exit")) || span_equal(how, SPAN_LITERAL("assert"));
    if (own && node != NULL && !node->stopping)
        fail(oracle, start, oracle_mark(record), "it ended by itself");
    start->up.world_ns = CLUSTER_NEVER;
}

static void on_serves(struct starts *oracle, struct start *start, const struct record *record) {
    const struct cluster_node *node = cluster_node(oracle->base.host.cluster, record->node);
    if (start->up.world_ns == CLUSTER_NEVER)
        return;
    oracle->base.verdict.checked++;
    bool disturbed = node->faults > 0 || (node->fault_end_ns != CLUSTER_NEVER &&
                                          node->fault_end_ns > start->up.world_ns);
    if (!disturbed && record->world_ns - start->up.world_ns > oracle->within_ns)
        fail(oracle, start, oracle_mark(record), "it serves only");
    start->up.world_ns = CLUSTER_NEVER;
}

static void on_record(void *self, const struct record *record) {
    struct starts *oracle = self;
    const struct cluster_node *node = cluster_node(oracle->base.host.cluster, record->node);
    if (node == NULL || record->node == 0)
        return;
    struct start *start = start_of(oracle, record->node);
    if (start == NULL)
        return;
    switch (record->kind) {
    case EVENT_world_node_up:
        if (span_equal(record_text(record, 0), SPAN_LITERAL("broker")))
            start->up = oracle_mark(record);
        break;
    case EVENT_node_started: /* logs of real runs have no world.node_up */
        if (node->role == CLUSTER_BROKER && start->up.world_ns == CLUSTER_NEVER)
            start->up = oracle_mark(record);
        break;
    case EVENT_store_failed:
        if (start->up.world_ns != CLUSTER_NEVER) {
            fail(oracle, start, oracle_mark(record), "its store does not open");
            start->up.world_ns = CLUSTER_NEVER;
        }
        break;
    case EVENT_world_node_down:
        on_down(oracle, start, record);
        break;
    default:
        on_serves(oracle, start, record);
        break;
    }
}

static void finish(void *self, uint64_t end_ns, struct oracle_verdict *out) {
    struct starts *oracle = self;
    for (size_t i = 0; i < oracle->capacity; i++) {
        const struct start *start = &oracle->starts[i];
        if (start->up.world_ns == CLUSTER_NEVER || end_ns - start->up.world_ns <= oracle->within_ns)
            continue;
        const struct cluster_node *node = cluster_node(oracle->base.host.cluster, (uint16_t)i);
        if (cluster_is_healthy(node) && end_ns - cluster_healthy_since(node) > oracle->within_ns)
            fail(oracle, start, (struct oracle_mark){end_ns, (uint16_t)i, 0}, "it serves not yet");
    }
    oracle_end(&oracle->base, "no broker started", out);
}

static const uint16_t KINDS[] = {EVENT_world_node_up, EVENT_node_started,    EVENT_node_serves,
                                 EVENT_store_failed,  EVENT_world_node_down, EVENT_KIND_COUNT};

const struct oracle_type ORACLE_STARTS = {
    .name = "starts",
    .class_ = ORACLE_LIVENESS,
    .about = "a broker that starts serves in time, whatever its last end left on disk",
    .parameters = PARAMETERS,
    .parameter_count = sizeof PARAMETERS / sizeof PARAMETERS[0],
    .kinds = KINDS,
    .create = create,
    .on_record = on_record,
    .finish = finish,
};
