/* sim/oracle/no_churn.c - connections stay: after a warm-up no node of `role` opens more than `max`
 * of them (200 idle clients keep one each for hours). */
#include "sim/oracle/base.h"

static const struct oracle_parameter PARAMETERS[] = {
    {"role", "text", "client", "namesrv, broker, client (a list), or any"},
    {"after", "duration", "60s", "connections opened until then are not counted"},
    {"max", "count", "0", "allowed openings per node after that"},
    {"excused", "text", "", "nodes that may reconnect"},
};

struct no_churn {
    struct oracle_base base;
    struct span role;
    uint64_t after_ns, max;
    struct table opened; /* by node: openings after the warm-up */
};

extern const struct oracle_type ORACLE_NO_CHURN;

static void *create(const struct oracle_host *host, const struct props *parameters,
                    const char **error) {
    struct no_churn *oracle =
        oracle_begin(host, &ORACLE_NO_CHURN, parameters, sizeof *oracle, error);
    if (oracle == NULL)
        return NULL;
    oracle->role = oracle_read_text(&oracle->base, "role");
    oracle->after_ns = oracle_read_duration(&oracle->base, "after");
    oracle->max = oracle_read_count(&oracle->base, "max");
    table_init(&oracle->opened, &oracle->base.host);
    return oracle_ready(oracle, error);
}

static void on_record(void *self, const struct record *record) {
    struct no_churn *oracle = self;
    if (record->kind != EVENT_channel_opened)
        return;
    const struct cluster_node *node = cluster_node(oracle->base.host.cluster, record->node);
    if (!span_equal(oracle->role, SPAN_LITERAL("any")) &&
        !name_listed(oracle->role, span_of_text(cluster_role_name(node->role))))
        return;
    oracle->base.verdict.checked++;
    if (record->world_ns < oracle->after_ns || oracle_excuses(&oracle->base, node))
        return;
    uint64_t *opened = table_put(&oracle->opened, record->node);
    if (opened == NULL) {
        oracle->base.no_memory = true;
        return;
    }
    if (++*opened <= oracle->max)
        return;
    if (oracle_fail(&oracle->base,
                    "%.*s opened %llu connections after the warm-up, allowed are %llu",
                    TEXT(node->name), (unsigned long long)*opened, (unsigned long long)oracle->max))
        oracle_witness(&oracle->base, oracle_mark(record), "connection %s %.*s",
                       record_uint(record, 1) != 0 ? "from" : "to", TEXT(record_text(record, 0)));
}

/* Openings before the warm-up are what shows that there were connections at all. */
static void finish(void *self, uint64_t end_ns, struct oracle_verdict *out) {
    struct no_churn *oracle = self;
    if (end_ns <= oracle->after_ns)
        oracle->base.unknown = "the run ends within the warm-up";
    oracle_end(&oracle->base, "no connection was seen", out);
}

const struct oracle_type ORACLE_NO_CHURN = {
    .name = "no-churn",
    .class_ = ORACLE_OBJECTIVE,
    .about = "after a warm-up nodes keep their connections",
    .parameters = PARAMETERS,
    .parameter_count = sizeof PARAMETERS / sizeof PARAMETERS[0],
    .create = create,
    .on_record = on_record,
    .finish = finish,
};
