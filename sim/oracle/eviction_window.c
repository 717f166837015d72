/* sim/oracle/eviction_window.c - each removal of a broker falls into a window of time, counted from
 * its last registration (by the name server's own clock) or from the fault that hit the broker.
 *
 * A removal whose reason is not in `reason` is not judged; counted from the fault, neither is one
 * of a broker that no fault has hit. */
#include "sim/oracle/base.h"

static const struct oracle_parameter PARAMETERS[] = {
    {"reason", "text", "any", "close, idle, scan, unregister, superseded (a list), or any"},
    {"since", "text", "registration", "registration, or fault"},
    {"min", "duration", "0s", "not earlier than this"},
    {"max", "duration", NULL, "not later than this"},
    {"broker", "text", "", "only these brokers (names of brokers or their nodes)"},
};

struct eviction_window {
    struct oracle_base base;
    struct span reason, broker;
    bool since_fault;
    uint64_t min_ns, max_ns;
};

extern const struct oracle_type ORACLE_EVICTION_WINDOW;

static void *create(const struct oracle_host *host, const struct props *parameters,
                    const char **error) {
    struct eviction_window *oracle =
        oracle_begin(host, &ORACLE_EVICTION_WINDOW, parameters, sizeof *oracle, error);
    if (oracle == NULL)
        return NULL;
    oracle->reason = oracle_read_text(&oracle->base, "reason");
    oracle->broker = oracle_read_text(&oracle->base, "broker");
    oracle->min_ns = oracle_read_duration(&oracle->base, "min");
    oracle->max_ns = oracle_read_duration(&oracle->base, "max");
    struct span since = oracle_read_text(&oracle->base, "since");
    oracle->since_fault = span_equal(since, SPAN_LITERAL("fault"));
    if (!oracle->since_fault && !span_equal(since, SPAN_LITERAL("registration")))
        oracle_refuse(&oracle->base, "since", "is neither registration nor fault");
    if (oracle->min_ns > oracle->max_ns)
        oracle_refuse(&oracle->base, "max", "is less than min");
    return oracle_ready(oracle, error);
}

static bool is_judged(const struct eviction_window *oracle, const struct cluster_node *broker,
                      const struct record *record) {
    if (!span_equal(oracle->reason, SPAN_LITERAL("any")) &&
        !name_listed(oracle->reason, record_text(record, 4)))
        return false;
    if (oracle->broker.len > 0 && !name_listed(oracle->broker, record_text(record, 1)) &&
        (broker == NULL || !name_listed(oracle->broker, broker->name)))
        return false;
    return !oracle->since_fault || (broker != NULL && broker->fault_begin_ns != CLUSTER_NEVER);
}

static void on_record(void *self, const struct record *record) {
    struct eviction_window *oracle = self;
    if (record->kind != EVENT_route_broker_evicted)
        return;
    const struct cluster *cluster = oracle->base.host.cluster;
    const struct cluster_node *broker =
        cluster_find_broker(cluster, record_text(record, 1), record_text(record, 3));
    if (!is_judged(oracle, broker, record))
        return;
    uint64_t since_ns =
        oracle->since_fault ? record->world_ns - broker->fault_begin_ns : record_uint(record, 5);
    oracle->base.verdict.checked++;
    if (since_ns >= oracle->min_ns && since_ns <= oracle->max_ns)
        return;
    const char *what = oracle->since_fault ? "the fault" : "its last registration";
    if (!oracle_fail(&oracle->base,
                     "%.*s removed broker %.*s (%.*s) " SECONDS_FORMAT
                     " after %s, not " SECONDS_FORMAT " to " SECONDS_FORMAT,
                     TEXT(cluster_node(cluster, record->node)->name), TEXT(record_text(record, 1)),
                     TEXT(record_text(record, 4)), SECONDS(since_ns), what, SECONDS(oracle->min_ns),
                     SECONDS(oracle->max_ns)))
        return;
    oracle_witness(
        &oracle->base,
        (struct oracle_mark){record->world_ns - since_ns, broker == NULL ? 0 : broker->node, 0},
        "%s", what);
    oracle_witness(&oracle->base, oracle_mark(record), "removed by %.*s",
                   TEXT(record_text(record, 4)));
}

static void finish(void *self, uint64_t end_ns, struct oracle_verdict *out) {
    struct eviction_window *oracle = self;
    (void)end_ns;
    oracle_end(&oracle->base, "no removal of this kind was seen", out);
}

const struct oracle_type ORACLE_EVICTION_WINDOW = {
    .name = "eviction-window",
    .class_ = ORACLE_OBJECTIVE,
    .about = "each removal of a broker comes within a window, from its last registration or from "
             "the fault",
    .parameters = PARAMETERS,
    .parameter_count = sizeof PARAMETERS / sizeof PARAMETERS[0],
    .create = create,
    .on_record = on_record,
    .finish = finish,
};
