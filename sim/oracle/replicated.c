/* sim/oracle/replicated.c - O-LOG, and what a SYNC_MASTER promises.
 *
 * Positions are bytes of the commit log. A slave's log is a prefix of its master's as long as all
 * it has, [.., to), is what the master has there. A master that comes back with a shorter log than
 * its slave took (store.recovered) has lost [max, to): from its next message on it has other bytes
 * there, and the slave is ahead. (1) A slave that is ahead must not append to that: its log would
 * be two logs. It may again when its own log was emptied. (2) What a master of `sync` acknowledges
 * with status 0 is in the log of a slave that is not ahead. (3) When such a slave comes back with
 * less after a kill, or after a power-off though it flushes (`durable`), it broke its word. */
#include "sim/oracle/base.h"

#include "model/base/check.h"

static const struct oracle_parameter PARAMETERS[] = {
    {"sync", "text", "none", "masters that wait for a slave: a list of broker names, or none"},
    {"durable", "bool", "false", "slaves acknowledge what is on their disk"},
    {"excused", "text", "", "broker nodes that may do anything"},
};

/* A broker node: a master, or a slave. */
struct replica {
    uint16_t node;          /* 0: not seen */
    int64_t end;            /* of its log, as far as events say */
    bool ahead;             /* a slave: its master has lost what it has */
    struct oracle_mark cut; /* when that was seen */
    int64_t cut_at;
    struct oracle_mark appended; /* the latest */
};

struct replicated {
    struct oracle_base base;
    struct span sync;
    bool durable;
    struct replica *replicas; /* by node */
    size_t limit;
};

extern const struct oracle_type ORACLE_REPLICATED;

static void *create(const struct oracle_host *host, const struct props *parameters,
                    const char **error) {
    struct replicated *oracle =
        oracle_begin(host, &ORACLE_REPLICATED, parameters, sizeof *oracle, error);
    if (oracle == NULL)
        return NULL;
    oracle->sync = oracle_read_text(&oracle->base, "sync");
    oracle->durable = oracle_read_bool(&oracle->base, "durable");
    return oracle_ready(oracle, error);
}

/* NULL: no memory. */
static struct replica *replica_of(struct replicated *oracle, uint16_t node) {
    const struct oracle_host *host = &oracle->base.host;
    if (node >= oracle->limit) {
        size_t limit = (size_t)node + 16;
        struct replica *replicas = host->alloc(host->ctx, limit * sizeof *replicas);
        if (replicas == NULL) {
            oracle->base.no_memory = true;
            return NULL;
        }
        memset(replicas, 0, limit * sizeof *replicas);
        if (oracle->limit > 0)
            memcpy(replicas, oracle->replicas, oracle->limit * sizeof *replicas);
        host->free(host->ctx, oracle->replicas);
        oracle->replicas = replicas;
        oracle->limit = limit;
    }
    oracle->replicas[node].node = node;
    return &oracle->replicas[node];
}

static const struct cluster_node *node_of(const struct replicated *oracle, uint16_t node) {
    return cluster_node(oracle->base.host.cluster, node);
}

/* Whether `node` is a slave of the broker called `broker`. */
static bool is_slave_of(const struct cluster_node *node, struct span broker) {
    return node != NULL && node->broker_id > 0 && span_equal(node->broker, broker);
}

/* From, to. */
static void on_appended(struct replicated *oracle, const struct record *record) {
    struct replica *slave = replica_of(oracle, record->node);
    const struct cluster_node *node = node_of(oracle, record->node);
    if (slave == NULL || node == NULL)
        return;
    oracle->base.verdict.checked++;
    slave->appended = oracle_mark(record);
    slave->end = record_int(record, 1);
    if (!slave->ahead || oracle_excuses(&oracle->base, node))
        return;
    if (!oracle_fail(&oracle->base,
                     "%.*s appends at %lld of its master's log, which went on from %lld: what is "
                     "between them is of two logs",
                     TEXT(node->name), (long long)record_int(record, 0), (long long)slave->cut_at))
        return;
    oracle_witness(&oracle->base, slave->cut, "the master comes back with a log up to %lld",
                   (long long)slave->cut_at);
    oracle_witness(&oracle->base, oracle_mark(record), "appended");
}

static void on_slave_recovered(struct replicated *oracle, const struct record *record, int64_t max,
                               const struct cluster_node *node) {
    struct replica *slave = replica_of(oracle, record->node);
    if (slave == NULL)
        return;
    slave->end = max;
    if (max <= slave->cut_at)
        slave->ahead = false;
    RMQ_ASSERT(node->broker_id > 0);
}

/* The master's log ends at `max` now: which slave has more? */
static void on_master_recovered(struct replicated *oracle, const struct record *record, int64_t max,
                                struct span broker) {
    for (size_t i = 0; i < oracle->limit; i++) {
        struct replica *slave = &oracle->replicas[i];
        if (slave->node == 0 || slave->end <= max || slave->ahead ||
            !is_slave_of(node_of(oracle, slave->node), broker))
            continue;
        slave->ahead = true;
        slave->cut_at = max;
        slave->cut = oracle_mark(record);
    }
}

/* Stop, min, max. */
static void on_recovered(struct replicated *oracle, const struct record *record) {
    const struct cluster_node *node = node_of(oracle, record->node);
    int64_t max = record_int(record, 2);
    if (node == NULL || span_is_absent(node->broker))
        return;
    if (node->broker_id > 0)
        on_slave_recovered(oracle, record, max, node);
    else
        on_master_recovered(oracle, record, max, node->broker);
}

/* Topic, broker, queue, offset, physical, message, status. */
static void on_acked(struct replicated *oracle, const struct record *record) {
    struct span broker = record_text(record, 1);
    int64_t physical = record_int(record, 4);
    const struct replica *best = NULL;
    if (record_int(record, 6) != 0 || physical < 0 || !name_listed(oracle->sync, broker))
        return;
    oracle->base.verdict.checked++;
    for (size_t i = 0; i < oracle->limit; i++) {
        const struct replica *slave = &oracle->replicas[i];
        if (slave->node == 0 || !is_slave_of(node_of(oracle, slave->node), broker) ||
            oracle_excuses(&oracle->base, node_of(oracle, slave->node)))
            continue;
        if (!slave->ahead && slave->end > physical)
            return;
        best = slave;
    }
    if (!oracle_fail(&oracle->base, "%.*s acknowledged a message at %lld, which no slave has",
                     TEXT(broker), (long long)physical))
        return;
    if (best != NULL && best->ahead)
        oracle_witness(&oracle->base, best->cut,
                       "the master comes back with a log up to %lld, the slave has more",
                       (long long)best->cut_at);
    if (best != NULL && best->appended.kind != 0)
        oracle_witness(&oracle->base, best->appended, "the slave's log goes up to %lld",
                       (long long)best->end);
    oracle_witness(&oracle->base, oracle_mark(record), "acknowledged");
}

static void on_record(void *self, const struct record *record) {
    struct replicated *oracle = self;
    if (record->kind == EVENT_ha_appended)
        on_appended(oracle, record);
    else if (record->kind == EVENT_store_recovered)
        on_recovered(oracle, record);
    else
        on_acked(oracle, record);
}

static void finish(void *self, uint64_t end_ns, struct oracle_verdict *out) {
    (void)end_ns;
    oracle_end(self, "no slave took anything", out);
}

static const uint16_t KINDS[] = {EVENT_ha_appended, EVENT_store_recovered, EVENT_send_acked,
                                 EVENT_KIND_COUNT};

const struct oracle_type ORACLE_REPLICATED = {
    .name = "replicated",
    .class_ = ORACLE_SAFETY,
    .about = "a slave's log is a prefix of its master's, and has what a SYNC_MASTER acknowledges",
    .parameters = PARAMETERS,
    .parameter_count = sizeof PARAMETERS / sizeof PARAMETERS[0],
    .kinds = KINDS,
    .create = create,
    .on_record = on_record,
    .finish = finish,
};
