/* sim/oracle/progress.c - work goes on: a declared count does not stand still for `within` at a
 * node that is healthy.
 *
 * `of` says which count: "registrations" (accepted, per name server, while at least one broker is
 * healthy), "rounds" (registration rounds that sent something, per broker), "polls" (route polls
 * done, per client), or the name of an event, per node that has the role which emits it. Only time
 * during which the node is healthy counts; a node that was healthy too short to be judged is not
 * checked.
 */
#include "sim/oracle/base.h"

static const struct oracle_parameter PARAMETERS[] = {
    {"of", "text", NULL, "registrations, rounds, polls, or the name of an event"},
    {"within", "duration", "65s", "the count must rise at least this often"},
    {"excused", "text", "", "nodes whose count may stand still"},
};

struct progress {
    struct oracle_base base;
    uint64_t within_ns;
    struct span of;
    uint16_t kind;
    enum cluster_role role; /* OTHER: any */
    struct counter {
        uint64_t since_ns; /* of the last event, or of the health; NEVER: not judged now */
        struct oracle_mark last;
        uint64_t events;
    } * counters; /* by node number */
    size_t limit;
    bool brokers_healthy; /* at least one, after the record before */
};

extern const struct oracle_type ORACLE_PROGRESS;

static enum cluster_role role_of_who(const char *who) {
    for (int role = CLUSTER_NAMESRV; role <= CLUSTER_CLIENT; role++)
        if (strcmp(who, cluster_role_name((enum cluster_role)role)) == 0)
            return (enum cluster_role)role;
    return CLUSTER_OTHER;
}

static void read_of(struct progress *oracle) {
    static const struct {
        const char *word;
        uint16_t kind;
    } words[] = {{"registrations", EVENT_route_broker_registered},
                 {"rounds", EVENT_registration_round_done},
                 {"polls", EVENT_client_poll_done}};
    int kind = event_kind_of_name(oracle->of);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (span_equal(oracle->of, span_of_text(words[i].word)))
            kind = words[i].kind;
    if (kind < 0) {
        oracle_refuse(&oracle->base, "of", "is neither registrations, rounds, polls nor an event");
        return;
    }
    oracle->kind = (uint16_t)kind;
    oracle->role = role_of_who(EVENT_INFO[kind].who);
}

static void *create(const struct oracle_host *host, const struct props *parameters,
                    const char **error) {
    struct progress *oracle =
        oracle_begin(host, &ORACLE_PROGRESS, parameters, sizeof *oracle, error);
    if (oracle == NULL)
        return NULL;
    oracle->within_ns = oracle_read_duration(&oracle->base, "within");
    oracle->of = oracle_read_text(&oracle->base, "of");
    read_of(oracle);
    return oracle_ready(oracle, error);
}

/* Is the count of `node` expected to rise now? */
static bool is_expected(const struct progress *oracle, const struct cluster_node *node) {
    return node != NULL && cluster_is_healthy(node) && node->role != CLUSTER_OTHER &&
           (oracle->role == CLUSTER_OTHER || node->role == oracle->role) &&
           (oracle->kind != EVENT_route_broker_registered || oracle->brokers_healthy) &&
           !oracle_excuses(&oracle->base, node);
}

static struct counter *counter_of(struct progress *oracle, uint16_t node) {
    while (node >= oracle->limit) {
        size_t capacity = oracle->limit;
        struct counter *grown = array_room(&oracle->base.host, oracle->counters, oracle->limit,
                                           &capacity, sizeof *grown);
        if (grown == NULL) {
            oracle->base.no_memory = true;
            return NULL;
        }
        for (size_t i = oracle->limit; i < capacity; i++)
            grown[i].since_ns = CLUSTER_NEVER;
        oracle->counters = grown;
        oracle->limit = capacity;
    }
    return &oracle->counters[node];
}

/* The time from the last event (or from health) to now, of a node that was healthy all along. */
static void check(struct progress *oracle, const struct counter *counter,
                  const struct cluster_node *node, uint64_t now_ns, bool event) {
    uint64_t still_ns = now_ns - counter->since_ns;
    oracle->base.verdict.checked += event || still_ns > oracle->within_ns;
    if (still_ns <= oracle->within_ns)
        return;
    if (!oracle_fail(&oracle->base, "no %.*s at %.*s for " SECONDS_FORMAT, TEXT(oracle->of),
                     TEXT(node->name), SECONDS(still_ns)))
        return;
    if (counter->events > 0 && counter->last.world_ns == counter->since_ns)
        oracle_witness(&oracle->base, counter->last, "the last one, number %llu",
                       (unsigned long long)counter->events);
    else
        oracle_witness(&oracle->base, (struct oracle_mark){counter->since_ns, node->node, 0},
                       "healthy since then");
    oracle_witness(&oracle->base, (struct oracle_mark){now_ns, node->node, 0},
                   event ? "the next one" : "none up to here");
}

static void follow(struct progress *oracle, uint16_t number, uint64_t now_ns) {
    struct counter *counter = counter_of(oracle, number);
    const struct cluster_node *node = cluster_node(oracle->base.host.cluster, number);
    if (counter == NULL || node == NULL)
        return;
    bool expected = is_expected(oracle, node);
    if (counter->since_ns != CLUSTER_NEVER && !expected) {
        check(oracle, counter, node, now_ns, false);
        counter->since_ns = CLUSTER_NEVER;
    } else if (counter->since_ns == CLUSTER_NEVER && expected) {
        counter->since_ns = now_ns;
    }
}

static bool any_broker_healthy(const struct cluster *cluster) {
    for (size_t i = 1; i < cluster->node_limit; i++) {
        const struct cluster_node *node = cluster_node(cluster, (uint16_t)i);
        if (node != NULL && node->role == CLUSTER_BROKER && cluster_is_healthy(node))
            return true;
    }
    return false;
}

/* Somebody's health may have changed. One broker more or less changes what is expected of others
 * only when it is the first or the last. */
static void follow_health(struct progress *oracle, const struct record *record) {
    const struct cluster *cluster = oracle->base.host.cluster;
    uint64_t now_ns = record->world_ns;
    const struct cluster_node *node = cluster_node(cluster, record->node);
    bool before = oracle->brokers_healthy;
    bool comes = node != NULL && node->role == CLUSTER_BROKER && cluster_is_healthy(node);
    if (!(before && comes))
        oracle->brokers_healthy = any_broker_healthy(cluster);
    if (record->node != 0 && oracle->brokers_healthy == before) {
        follow(oracle, record->node, now_ns);
        return;
    }
    for (size_t i = 1; i < cluster->node_limit; i++)
        follow(oracle, (uint16_t)i, now_ns);
}

/* A round that sent nothing is none. */
static bool is_empty_round(const struct record *record) {
    return record->kind == EVENT_registration_round_done && record_uint(record, 0) == 0;
}

static void on_record(void *self, const struct record *record) {
    struct progress *oracle = self;
    switch (record->kind) {
    case EVENT_world_node_up:
    case EVENT_world_node_down:
    case EVENT_world_fault:
    case EVENT_node_started:
    case EVENT_node_stopping:
        follow_health(oracle, record);
        break;
    default:
        break;
    }
    if (record->kind != oracle->kind || is_empty_round(record))
        return;
    struct counter *counter = counter_of(oracle, record->node);
    const struct cluster_node *node = cluster_node(oracle->base.host.cluster, record->node);
    if (counter == NULL || node == NULL || counter->since_ns == CLUSTER_NEVER)
        return;
    check(oracle, counter, node, record->world_ns, true);
    counter->since_ns = record->world_ns;
    counter->last = oracle_mark(record);
    counter->events++;
}

static void finish(void *self, uint64_t end_ns, struct oracle_verdict *out) {
    struct progress *oracle = self;
    for (size_t i = 1; i < oracle->limit; i++) {
        const struct cluster_node *node = cluster_node(oracle->base.host.cluster, (uint16_t)i);
        if (oracle->counters[i].since_ns != CLUSTER_NEVER)
            check(oracle, &oracle->counters[i], node, end_ns, false);
    }
    oracle_end(&oracle->base, "nothing of what is counted was seen", out);
}

const struct oracle_type ORACLE_PROGRESS = {
    .name = "progress",
    .class_ = ORACLE_LIVENESS,
    .about = "a declared count does not stand still at a healthy node",
    .parameters = PARAMETERS,
    .parameter_count = sizeof PARAMETERS / sizeof PARAMETERS[0],
    .create = create,
    .on_record = on_record,
    .finish = finish,
};
