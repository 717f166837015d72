/* sim/report/summary_flow.c - counts, and latencies before, during and after each fault. */
#include "sim/report/summary_flow.h"

#include <cjson/cJSON.h>

#include "sim/judge/fault_watch.h"
#include "sim/judge/flow_series.h"
#include "sim/report/summary.h"

#define FAULTS_MAX 32

static void add_number(cJSON *to, const char *key, uint64_t number) {
    cJSON_AddNumberToObject(to, key, (double)number);
}

static void add_latency(cJSON *phase, const char *key, const struct histogram *histogram) {
    cJSON *object = cJSON_AddObjectToObject(phase, key);
    add_number(object, "count", histogram->count);
    add_number(object, "p50", histogram_quantile(histogram, 500000) / 1000);
    add_number(object, "p99", histogram_quantile(histogram, 990000) / 1000);
    add_number(object, "p99.9", histogram_quantile(histogram, 999000) / 1000);
    add_number(object, "max", histogram->max / 1000);
}

static void add_phase(cJSON *to, const char *key, const struct flow_series *flow, uint64_t from_ns,
                      uint64_t to_ns) {
    struct flow_phase sum = {.begin_ns = from_ns};
    cJSON *phase = cJSON_AddObjectToObject(to, key);
    (void)flow_series_sum(flow, from_ns, to_ns, &sum); /* what there is memory for */
    summary_add_seconds(phase, "from_s", from_ns);
    summary_add_seconds(phase, "to_s", to_ns);
    add_number(phase, "ok", sum.acked);
    add_number(phase, "failed", sum.failed);
    add_number(phase, "deliveries", sum.delivered);
    add_number(phase, "duplicates", sum.duplicates);
    add_number(phase, "lost_in_window", sum.lost_in_window);
    add_number(phase, "lost", sum.lost);
    add_latency(phase, "send_latency_us", &sum.send);
    add_latency(phase, "produce_to_consume_us", &sum.consume);
    histogram_free(&sum.send, &flow->host);
    histogram_free(&sum.consume, &flow->host);
}

static void add_counts(cJSON *messages, const struct flow_series *flow) {
    const struct flow_counts *counts = &flow->counts;
    cJSON *sends = cJSON_AddObjectToObject(messages, "sends");
    add_number(sends, "started", counts->started);
    add_number(sends, "ok", counts->acked);
    add_number(sends, "failed", counts->failed);
    add_number(sends, "timed_out", counts->timed_out);
    add_number(sends, "maybe_stored", counts->maybe_stored);
    add_number(sends, "one_way", counts->one_way);
    add_number(messages, "deliveries", counts->delivered);
    cJSON *duplicates = cJSON_AddObjectToObject(messages, "duplicates");
    add_number(duplicates, "all", flow_duplicates(counts));
    for (int cause = DUPLICATE_NONE + 1; cause < DUPLICATE_COUNT; cause++)
        if (counts->duplicates[cause] > 0)
            cJSON_AddNumberToObject(duplicates, duplicate_name((enum duplicate_cause)cause),
                                    (double)counts->duplicates[cause]);
    add_number(messages, "lost", counts->lost);
    add_number(messages, "lost_in_window", counts->lost_in_window);
    add_number(messages, "backlog", messages_backlog(flow->host.messages));
}

static void add_fault(cJSON *list, const struct flow_series *flow, const struct fault_seen *seen,
                      size_t at, uint64_t end_ns) {
    const struct flow_fault *fault = &flow->faults[at];
    uint64_t over_ns = fault->end_ns == CLUSTER_NEVER ? end_ns : fault->end_ns;
    uint64_t before_ns = 0, after_ns = end_ns;
    for (size_t i = 0; i < at; i++)
        if (flow->faults[i].end_ns <= fault->begin_ns && flow->faults[i].end_ns > before_ns)
            before_ns = flow->faults[i].end_ns;
    for (size_t i = flow->fault_count; i-- > at + 1;)
        if (flow->faults[i].begin_ns >= over_ns)
            after_ns = flow->faults[i].begin_ns;
    cJSON *object = cJSON_CreateObject();
    cJSON_AddNumberToObject(object, "index", seen->index);
    cJSON_AddStringToObject(object, "kind", seen->kind);
    cJSON_AddStringToObject(object, "target", seen->target);
    if (fault->success_ns == CLUSTER_NEVER)
        cJSON_AddNullToObject(object, "first_success_ms");
    else
        add_number(object, "first_success_ms", (fault->success_ns - fault->begin_ns) / 1000000);
    add_phase(object, "before", flow, before_ns, fault->begin_ns);
    add_phase(object, "during", flow, fault->begin_ns, over_ns);
    if (over_ns < after_ns)
        add_phase(object, "after", flow, over_ns, after_ns);
    cJSON_AddItemToArray(list, object);
}

void summary_add_flow(cJSON *summary, const struct judge *judge, const struct run_result *result) {
    const struct flow_series *flow = judge_flow(judge);
    if (flow->counts.started + flow->counts.delivered == 0)
        return;
    cJSON *messages = cJSON_AddObjectToObject(summary, "messages");
    add_counts(messages, flow);
    add_phase(messages, "all", flow, 0, result->simulated_ns);
    const struct fault_seen *seen;
    size_t count = judge_faults(judge, &seen);
    cJSON *faults = cJSON_AddArrayToObject(messages, "faults");
    for (size_t i = 0; i < count && i < flow->fault_count && i < FAULTS_MAX; i++)
        add_fault(faults, flow, &seen[i], i, result->simulated_ns);
}
