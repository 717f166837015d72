/* sim/judge/judge.c - gives a stream of records to the view of the cluster, the metrics and the
 * oracles, in this order, and sums their verdicts up. */
#include "sim/judge/judge_internal.h"

#include <inttypes.h>
#include <stdio.h>

int exit_code_of(enum verdict verdict, enum oracle_class class_) {
    if (verdict == VERDICT_PASS)
        return 0;
    return verdict == VERDICT_FAIL ? (int)class_ : 15;
}

/* architecture.md section 9 */
int exit_code_worse(int a, int b) {
    static const int order[] = {10, 14, 11, 12, 13, 15};
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
        if (a == order[i] || b == order[i])
            return order[i];
    return 0;
}

static void listen_to(struct judge *judge, const struct oracle_type *type) {
    uint32_t bit = UINT32_C(1) << judge->oracle_count;
    for (int kind = 0; kind < EVENT_KIND_COUNT; kind++) {
        bool listens = type->kinds == NULL;
        for (size_t i = 0; !listens && type->kinds[i] != EVENT_KIND_COUNT; i++)
            listens = type->kinds[i] == kind;
        if (listens)
            judge->listeners[kind] |= bit;
    }
}

static bool add_oracles(struct judge *judge, const struct judge_expectation *expectations,
                        size_t count, const char **error) {
    if (count > RUN_ORACLES_MAX) {
        *error = "more expectations than one run can have (32)";
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const struct oracle_type *type = expectations[i].type;
        void *oracle = type->create(&judge->host, expectations[i].parameters, error);
        if (oracle == NULL)
            return false;
        listen_to(judge, type);
        judge->oracles[judge->oracle_count].type = type;
        judge->oracles[judge->oracle_count++].oracle = oracle;
    }
    return true;
}

struct judge *judge_create_on(const struct oracle_host *host,
                              const struct judge_expectation *expectations, size_t count,
                              const char **error) {
    *error = "out of memory";
    struct judge *judge = host->alloc(host->ctx, sizeof *judge);
    if (judge == NULL)
        return NULL;
    judge->host = *host;
    judge->cluster = cluster_create(host);
    judge->host.cluster = judge->cluster;
    judge->messages = judge->cluster == NULL ? NULL : messages_create(&judge->host);
    judge->host.messages = judge->messages;
    judge->flow = flow_series_create(&judge->host);
    judge->metrics = judge->flow == NULL ? NULL : metrics_create(&judge->host, judge->flow);
    judge->faults = fault_watch_create(&judge->host);
    if (judge->messages == NULL || judge->metrics == NULL || judge->faults == NULL ||
        !add_oracles(judge, expectations, count, error))
        return NULL;
    return judge;
}

static void note_assertion(struct judge *judge, const struct record *record) {
    struct span expression = record_text(record, 0), file = record_text(record, 1);
    if (judge->assertion[0] == '\0')
        snprintf(judge->assertion, sizeof judge->assertion, "%.*s:%" PRIu64 ": %.*s", (int)file.len,
                 (const char *)file.data, record_uint(record, 2), (int)expression.len,
                 (const char *)expression.data);
}

void judge_on_record(struct judge *judge, const struct record *record) {
    if (record->kind >= RECORD_STEP)
        return;
    judge->events++;
    judge->end_ns = record->world_ns;
    if (record->kind == EVENT_world_assert)
        note_assertion(judge, record);
    cluster_on_record(judge->cluster, record);
    messages_on_record(judge->messages, record);
    if (judge->cluster->no_memory || judge->messages->no_memory)
        return; /* each verdict will be unknown */
    flow_series_on_record(judge->flow, record);
    metrics_on_record(judge->metrics, record);
    fault_watch_on_record(judge->faults, record);
    sightings_on_record(&judge->sightings, record, judge->messages);
    for (uint32_t left = judge->listeners[record->kind]; left != 0; left &= left - 1) {
        int i = __builtin_ctz(left);
        judge->oracles[i].type->on_record(judge->oracles[i].oracle, record);
    }
}

/* fail before unknown before pass; without an oracle nothing is known. */
static void finish_oracles(struct judge *judge, uint64_t end_ns, struct run_result *result) {
    result->verdict = judge->oracle_count == 0 ? VERDICT_UNKNOWN : VERDICT_PASS;
    result->exit_code = judge->oracle_count == 0 ? 15 : 0;
    result->oracle_count = judge->oracle_count;
    for (size_t i = 0; i < judge->oracle_count; i++) {
        const struct oracle_type *type = judge->oracles[i].type;
        struct oracle_verdict *verdict = &result->oracles[i].verdict;
        result->oracles[i].name = type->name;
        result->oracles[i].class_ = type->class_;
        type->finish(judge->oracles[i].oracle, end_ns, verdict);
        result->exit_code =
            exit_code_worse(result->exit_code, exit_code_of(verdict->verdict, type->class_));
        if (verdict->verdict == VERDICT_FAIL ||
            (verdict->verdict == VERDICT_UNKNOWN && result->verdict == VERDICT_PASS))
            result->verdict = verdict->verdict;
    }
    if (judge->assertion[0] == '\0')
        return;
    result->verdict = VERDICT_FAIL;
    result->exit_code = 10;
    memcpy(result->assertion, judge->assertion, sizeof result->assertion);
}

static void finish_metrics(struct judge *judge, struct run_result *result) {
    _Static_assert(METRIC_COUNT <= RUN_METRICS_MAX, "a result holds all metrics");
    for (int id = 0; id < METRIC_COUNT; id++) {
        const struct metric_sample *samples;
        size_t kept = metrics_samples(judge->metrics, (enum metric_id)id, &samples);
        uint64_t *scratch =
            kept == 0 ? NULL : judge->host.alloc(judge->host.ctx, kept * sizeof *scratch);
        judge->metrics_lost |= kept > 0 && scratch == NULL;
        if (scratch == NULL)
            continue;
        metrics_summarise(judge->metrics, (enum metric_id)id, scratch,
                          &result->metrics[result->metric_count++]);
        judge->host.free(judge->host.ctx, scratch);
    }
}

void judge_finish_at(struct judge *judge, uint64_t end_ns, struct run_result *result) {
    memset(result, 0, sizeof *result);
    flow_series_finish(judge->flow, end_ns);
    finish_oracles(judge, end_ns, result);
    finish_metrics(judge, result);
    result->events = judge->events;
    result->simulated_ns = end_ns;
    result->sightings = judge->sightings;
}

size_t judge_samples(const struct judge *judge, const char *name,
                     const struct metric_sample **samples) {
    int id = metric_find(name);
    *samples = NULL;
    return id < 0 ? 0 : metrics_samples(judge->metrics, (enum metric_id)id, samples);
}

bool judge_is_complete(const struct judge *judge) {
    return !judge->cluster->no_memory && !judge->messages->no_memory && !judge->flow->no_memory &&
           !judge->metrics_lost && metrics_complete(judge->metrics) &&
           fault_watch_complete(judge->faults);
}

size_t judge_faults(const struct judge *judge, const struct fault_seen **faults) {
    return fault_watch_list(judge->faults, faults);
}

const struct flow_series *judge_flow(const struct judge *judge) {
    return judge->flow;
}

const char *judge_node_name(const struct judge *judge, uint16_t node) {
    return node == 0 ? "world" : judge->host.node_name(judge->host.ctx, node);
}
