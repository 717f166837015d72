/* sim/oracle/flow_honest.c - O-FLOW: a broker says that it is busy only when it is: what it
 * measured is at the limit it names (of a write's age: above it), and the limit is the configured
 * one. */
#include "sim/oracle/base.h"

static const struct oracle_parameter PARAMETERS[] = {
    {"page_cache", "count", "1000", "ms a write may take (osPageCacheBusyTimeOutMills)"},
    {"send_queue", "count", "200", "ms a send may wait (waitTimeMillsInSendQueue)"},
    {"pull_queue", "count", "5000", "ms a pull may wait (waitTimeMillsInPullQueue)"},
    {"overload", "count", "10000", "requests that may wait (sendThreadPoolQueueCapacity)"},
    {"max", "count", "18446744073709551615", "busy answers that are allowed in all"},
    {"excused", "text", "", "broker nodes that are not judged"},
};
#define LIMITS 4 /* the first ones: fields of the event by these names */

struct flow_honest {
    struct oracle_base base;
    uint64_t bounds[LIMITS], max, refused;
};

extern const struct oracle_type ORACLE_FLOW_HONEST;

static void *create(const struct oracle_host *host, const struct props *parameters,
                    const char **error) {
    struct flow_honest *oracle =
        oracle_begin(host, &ORACLE_FLOW_HONEST, parameters, sizeof *oracle, error);
    if (oracle == NULL)
        return NULL;
    for (size_t i = 0; i < LIMITS; i++)
        oracle->bounds[i] = oracle_read_count(&oracle->base, PARAMETERS[i].key);
    oracle->max = oracle_read_count(&oracle->base, "max");
    return oracle_ready(oracle, error);
}

static const char *wrong_with(const struct flow_honest *oracle, const struct record *record) {
    struct span limit = record_text(record, 0);
    uint64_t measured = record_uint(record, 1), bound = record_uint(record, 2);
    size_t at = 0;
    while (at < LIMITS && !span_equal(limit, span_of_text(PARAMETERS[at].key)))
        at++;
    if (at == LIMITS)
        return "there is no such limit";
    if (bound != oracle->bounds[at])
        return "the limit is another one";
    return measured > bound || (measured == bound && at > 0) ? NULL : "the limit was not reached";
}

static void on_record(void *self, const struct record *record) {
    struct flow_honest *oracle = self;
    struct oracle_base *base = &oracle->base;
    base->verdict.checked++;
    if (record->kind != EVENT_flow_refused ||
        oracle_excuses(base, cluster_node(base->host.cluster, record->node)))
        return;
    const char *wrong = wrong_with(oracle, record);
    if (wrong == NULL && ++oracle->refused > oracle->max)
        wrong = "more busy answers than allowed";
    if (wrong != NULL &&
        oracle_fail(base, "a busy answer names %.*s, %llu of %llu: %s",
                    TEXT(record_text(record, 0)), (unsigned long long)record_uint(record, 1),
                    (unsigned long long)record_uint(record, 2), wrong))
        oracle_witness(base, oracle_mark(record), "refused, waiting for %.*s",
                       TEXT(record_text(record, 3)));
}

static void finish(void *self, uint64_t end_ns, struct oracle_verdict *out) {
    (void)end_ns;
    oracle_end(self, "no send was acknowledged or refused", out);
}

static const uint16_t KINDS[] = {EVENT_flow_refused, EVENT_send_acked, EVENT_KIND_COUNT};

const struct oracle_type ORACLE_FLOW_HONEST = {
    .name = "flow-honest",
    .class_ = ORACLE_SAFETY,
    .about = "a busy answer names a limit that is configured and was exceeded",
    .parameters = PARAMETERS,
    .parameter_count = sizeof PARAMETERS / sizeof PARAMETERS[0],
    .kinds = KINDS,
    .create = create,
    .on_record = on_record,
    .finish = finish,
};
