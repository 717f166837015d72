/* sim/oracle/registration_latency.c - registration with healthy name servers is quick, whatever the
 * sick ones do (INC-12: one black-holed name server must not delay the others).
 *
 * Judged, while broker and name server are healthy: how long after its round began a registration
 * is sent to a name server of `on`, each answered or failed one, and each round's delay behind its
 * schedule. A broker that asks first (forceRegister=false) waits for the answers before it sends:
 * expect nothing of it here while one hangs. */
#include "sim/oracle/base.h"

static const struct oracle_parameter PARAMETERS[] = {
    {"max", "duration", "1s", "longest wait before it is sent, and longest answer"},
    {"late_max", "duration", "1s", "a round starts at most this much behind its schedule"},
    {"on", "text", "all", "name servers (a list of nodes), or all healthy ones"},
    {"after", "duration", "0s", "earlier ones are not judged"},
    {"excused", "text", "", "brokers that are not judged"},
};

struct registration_latency {
    struct oracle_base base;
    uint64_t max_ns, late_max_ns, after_ns;
    struct span on;
    uint64_t answers; /* judged */
};

extern const struct oracle_type ORACLE_REGISTRATION_LATENCY;

static void *create(const struct oracle_host *host, const struct props *parameters,
                    const char **error) {
    struct registration_latency *oracle =
        oracle_begin(host, &ORACLE_REGISTRATION_LATENCY, parameters, sizeof *oracle, error);
    if (oracle == NULL)
        return NULL;
    oracle->max_ns = oracle_read_duration(&oracle->base, "max");
    oracle->late_max_ns = oracle_read_duration(&oracle->base, "late_max");
    oracle->after_ns = oracle_read_duration(&oracle->base, "after");
    oracle->on = oracle_read_text(&oracle->base, "on");
    return oracle_ready(oracle, error);
}

/* A name server that is asked about, and was healthy when the registration was sent. */
static bool is_judged(const struct registration_latency *oracle, struct span address,
                      uint64_t sent_ns) {
    const struct cluster_node *server = cluster_find_address(oracle->base.host.cluster, address);
    return server != NULL && cluster_is_healthy(server) &&
           cluster_healthy_since(server) <= sent_ns &&
           (span_equal(oracle->on, SPAN_LITERAL("all")) || name_listed(oracle->on, server->name));
}

static void check(struct registration_latency *oracle, const struct record *record,
                  const char *what, uint64_t took_ns, uint64_t max_ns) {
    oracle->base.verdict.checked++;
    if (took_ns <= max_ns)
        return;
    const struct cluster_node *broker = cluster_node(oracle->base.host.cluster, record->node);
    if (oracle_fail(&oracle->base, "%.*s: %s " SECONDS_FORMAT ", allowed are " SECONDS_FORMAT,
                    TEXT(broker->name), what, SECONDS(took_ns), SECONDS(max_ns)))
        oracle_witness(&oracle->base, oracle_mark(record), "%s " SECONDS_FORMAT, what,
                       SECONDS(took_ns));
}

static void on_answer(struct registration_latency *oracle, const struct record *record) {
    uint64_t took_ns = record_uint(record, 2);
    uint64_t sent_ns = record->world_ns - took_ns;
    if (took_ns > record->world_ns || !is_judged(oracle, record_text(record, 0), sent_ns))
        return;
    oracle->answers++;
    if (record->kind == EVENT_registration_answered) {
        check(oracle, record, "registration was answered after", took_ns, oracle->max_ns);
        return;
    }
    oracle->base.verdict.checked++;
    const struct cluster_node *broker = cluster_node(oracle->base.host.cluster, record->node);
    if (oracle_fail(&oracle->base, "%.*s: registration with the healthy %.*s failed: %.*s",
                    TEXT(broker->name), TEXT(record_text(record, 0)), TEXT(record_text(record, 1))))
        oracle_witness(&oracle->base, oracle_mark(record), "failed after " SECONDS_FORMAT,
                       SECONDS(took_ns));
}

/* What lasted during a pause is late by nature. */
static bool is_awake_for(const struct cluster_node *broker, const struct record *record,
                         uint64_t took_ns) {
    return record->world_ns - cluster_healthy_since(broker) >= took_ns;
}

static void on_sent(struct registration_latency *oracle, const struct record *record,
                    const struct cluster_node *broker) {
    uint64_t after_ns = record_uint(record, 5);
    if (is_judged(oracle, record_text(record, 0), record->world_ns) &&
        is_awake_for(broker, record, after_ns))
        check(oracle, record, "registration was sent after", after_ns, oracle->max_ns);
}

static void on_record(void *self, const struct record *record) {
    struct registration_latency *oracle = self;
    if (record->kind != EVENT_registration_sent && record->kind != EVENT_registration_answered &&
        record->kind != EVENT_registration_failed && record->kind != EVENT_registration_round_done)
        return;
    const struct cluster_node *broker = cluster_node(oracle->base.host.cluster, record->node);
    if (record->world_ns < oracle->after_ns || !cluster_is_healthy(broker) ||
        oracle_excuses(&oracle->base, broker))
        return;
    if (record->kind == EVENT_registration_sent)
        on_sent(oracle, record, broker);
    else if (record->kind != EVENT_registration_round_done)
        on_answer(oracle, record);
    else if (is_awake_for(broker, record, record_uint(record, 3)))
        check(oracle, record, "a registration round was late by", record_uint(record, 3),
              oracle->late_max_ns);
}

static void finish(void *self, uint64_t end_ns, struct oracle_verdict *out) {
    struct registration_latency *oracle = self;
    (void)end_ns;
    if (oracle->answers == 0)
        oracle->base.unknown = "no registration with a healthy name server was seen";
    oracle_end(&oracle->base, "no registration with a healthy name server was seen", out);
}

const struct oracle_type ORACLE_REGISTRATION_LATENCY = {
    .name = "registration-latency",
    .class_ = ORACLE_OBJECTIVE,
    .about = "registration with healthy name servers is quick, whatever the sick ones do",
    .parameters = PARAMETERS,
    .parameter_count = sizeof PARAMETERS / sizeof PARAMETERS[0],
    .create = create,
    .on_record = on_record,
    .finish = finish,
};
