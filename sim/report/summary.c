/* sim/report/summary.c - summary.json of one run. */
#include "sim/report/summary.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdlib.h>

#include "sim/judge/fault_watch.h"
#include "sim/report/figures.h"
#include "sim/report/summary_flow.h"

static const char *text_of(const cJSON *object, const char *key) {
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    return text == NULL ? "" : text;
}

void scenario_texts_open(struct scenario_texts *texts, const char *scenario_json) {
    texts->json = cJSON_Parse(scenario_json);
    texts->name = text_of(texts->json, "name");
    texts->about = text_of(texts->json, "about");
}

void scenario_texts_close(struct scenario_texts *texts) {
    cJSON_Delete(texts->json);
}

void summary_add_seconds(cJSON *summary, const char *key, uint64_t ns) {
    cJSON_AddNumberToObject(summary, key, (double)ns / 1e9);
}

void summary_add_versions(cJSON *summary) {
    cJSON *versions = cJSON_AddObjectToObject(summary, "versions");
    cJSON_AddStringToObject(versions, "source", build_commit());
    cJSON_AddStringToObject(versions, "zlib", build_zlib());
    cJSON_AddStringToObject(versions, "compiler", build_compiler());
}

void summary_signature(const char *oracle, const char *reason, char *out, size_t size) {
    int len = snprintf(out, size, "%s: ", oracle);
    size_t at = len < 0 ? 0 : (size_t)len;
    for (; *reason != '\0' && at + 1 < size; reason++) {
        bool digit = *reason >= '0' && *reason <= '9';
        if (digit && at > 0 && out[at - 1] == '#')
            continue;
        out[at] = *reason;
        if (digit)
            out[at] = '#';
        at++;
    }
    if (at < size)
        out[at] = '\0';
}

void summary_add_fired(cJSON *faults, const struct fired_count *fired, size_t count) {
    cJSON *kinds = cJSON_AddObjectToObject(faults, "fired_by_kind");
    for (size_t i = 0; i < count; i++)
        cJSON_AddNumberToObject(kinds, fired[i].kind, (double)fired[i].times);
}

void summary_add_sightings(cJSON *object, const struct sightings *times,
                           const struct sightings *runs) {
    cJSON *all = cJSON_AddObjectToObject(object, "sightings");
    for (int i = 0; i < SIGHTING_COUNT; i++) {
        const char *name = sighting_name((enum sighting)i);
        if (times->times[i] == 0)
            continue;
        if (runs == NULL) {
            cJSON_AddNumberToObject(all, name, (double)times->times[i]);
            continue;
        }
        cJSON *entry = cJSON_AddObjectToObject(all, name);
        cJSON_AddNumberToObject(entry, "times", (double)times->times[i]);
        cJSON_AddNumberToObject(entry, "runs", (double)runs->times[i]);
    }
}

void summary_add_metric(cJSON *metrics, const char *key, const struct metric_summary *summary) {
    cJSON *object = cJSON_AddObjectToObject(metrics, key);
    cJSON_AddNumberToObject(object, "count", (double)summary->count);
    cJSON_AddNumberToObject(object, "min", (double)summary->min);
    cJSON_AddNumberToObject(object, "p50", (double)summary->p50);
    cJSON_AddNumberToObject(object, "p99", (double)summary->p99);
    cJSON_AddNumberToObject(object, "max", (double)summary->max);
}

/* ---- oracles ---- */

static const char *class_name(enum oracle_class class_) {
    return class_ == ORACLE_SAFETY     ? "safety"
           : class_ == ORACLE_LIVENESS ? "liveness"
                                       : "objective";
}

static void add_witness(cJSON *to, const struct judge *judge,
                        const struct oracle_verdict *verdict) {
    cJSON *chain = cJSON_AddArrayToObject(to, "witness");
    for (size_t i = 0; i < verdict->witness_count; i++) {
        cJSON *link = cJSON_CreateObject();
        summary_add_seconds(link, "at_s", verdict->witness[i].world_ns);
        cJSON_AddStringToObject(link, "node", judge_node_name(judge, verdict->witness[i].node));
        if (verdict->witness[i].kind != 0)
            cJSON_AddStringToObject(link, "event", record_kind_name(verdict->witness[i].kind));
        cJSON_AddStringToObject(link, "what", verdict->witness[i].text);
        cJSON_AddItemToArray(chain, link);
    }
}

void summary_add_oracles(cJSON *summary, const struct judge *judge,
                         const struct run_result *result) {
    cJSON *oracles = cJSON_AddArrayToObject(summary, "oracles");
    for (size_t i = 0; i < result->oracle_count; i++) {
        const struct oracle_verdict *verdict = &result->oracles[i].verdict;
        cJSON *oracle = cJSON_CreateObject();
        cJSON_AddStringToObject(oracle, "name", result->oracles[i].name);
        cJSON_AddStringToObject(oracle, "class", class_name(result->oracles[i].class_));
        cJSON_AddStringToObject(oracle, "verdict", verdict_name(verdict->verdict));
        cJSON_AddNumberToObject(oracle, "checked", (double)verdict->checked);
        cJSON_AddStringToObject(oracle, "reason", verdict->reason);
        add_witness(oracle, judge, verdict);
        cJSON_AddItemToArray(oracles, oracle);
    }
}

/* ---- faults ---- */

static void add_seconds_or_null(cJSON *to, const char *key, uint64_t ns) {
    if (ns == CLUSTER_NEVER)
        cJSON_AddNullToObject(to, key);
    else
        summary_add_seconds(to, key, ns);
}

static void add_fault(cJSON *list, const struct judge *judge, const struct fault_seen *fault) {
    cJSON *object = cJSON_CreateObject();
    cJSON_AddNumberToObject(object, "index", fault->index);
    cJSON_AddStringToObject(object, "kind", fault->kind);
    cJSON_AddStringToObject(object, "target", fault->target);
    add_seconds_or_null(object, "fired_s", fault->begin_ns);
    add_seconds_or_null(object, "ended_s", fault->end_ns);
    add_seconds_or_null(object, "noticed_s", fault->noticed_ns);
    if (fault->noticed_ns == CLUSTER_NEVER)
        cJSON_AddNullToObject(object, "noticed_by");
    else
        cJSON_AddStringToObject(object, "noticed_by", judge_node_name(judge, fault->noticed_by));
    cJSON_AddItemToArray(list, object);
}

static bool index_fired(const struct fault_seen *seen, size_t count, uint32_t index,
                        bool *noticed) {
    bool fired = false;
    *noticed = false;
    for (size_t i = 0; i < count; i++) {
        fired |= seen[i].index == index;
        *noticed |= seen[i].index == index && seen[i].noticed_ns != CLUSTER_NEVER;
    }
    return fired;
}

/* Of what the timeline configures (repairs and orders are no faults). */
static void add_faults(cJSON *summary, const struct run_info *info, const struct judge *judge,
                       const struct run_facts *facts, cJSON *warnings) {
    const struct fault_seen *seen;
    size_t seen_count = judge_faults(judge, &seen);
    uint32_t configured = 0, fired = 0, noticed = 0;
    cJSON *faults = cJSON_AddObjectToObject(summary, "faults");
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < info->fault_count; i++) {
        const struct run_fault_config *fault = &info->faults[i];
        bool was_noticed;
        if (fault_is_repair(span_of_text(fault->kind)))
            continue;
        configured++;
        if (index_fired(seen, seen_count, fault->index, &was_noticed)) {
            fired++;
            noticed += was_noticed;
            continue;
        }
        struct fault_seen never = {.index = fault->index,
                                   .begin_ns = CLUSTER_NEVER,
                                   .end_ns = CLUSTER_NEVER,
                                   .noticed_ns = CLUSTER_NEVER};
        snprintf(never.kind, sizeof never.kind, "%s", fault->kind);
        snprintf(never.target, sizeof never.target, "%s", fault->target);
        add_fault(list, judge, &never);
        char text[256];
        snprintf(text, sizeof text, "fault %u (%s %s) never fired", fault->index, fault->kind,
                 fault->target);
        cJSON_AddItemToArray(warnings, cJSON_CreateString(text));
    }
    for (size_t i = 0; i < seen_count; i++)
        add_fault(list, judge, &seen[i]);
    cJSON_AddNumberToObject(faults, "configured", configured);
    cJSON_AddNumberToObject(faults, "fired", fired);
    cJSON_AddNumberToObject(faults, "noticed", noticed);
    summary_add_fired(faults, facts->fired, facts->fired_count);
    cJSON_AddItemToObject(faults, "list", list);
}

/* ---- all of it ---- */

static void add_result(cJSON *summary, const struct run_info *info, const struct run_result *result,
                       const struct run_facts *facts) {
    char seed[24];
    snprintf(seed, sizeof seed, "%" PRIu64, info->seed);
    cJSON_AddStringToObject(summary, "seed", seed);
    cJSON_AddStringToObject(summary, "commit", build_commit());
    cJSON_AddStringToObject(summary, "verdict", verdict_name(result->verdict));
    cJSON_AddNumberToObject(summary, "exit_code", result->exit_code);
    cJSON_AddStringToObject(summary, "trace_hash", result->trace_hash);
    cJSON_AddNumberToObject(summary, "events", (double)result->events);
    cJSON_AddNumberToObject(summary, "steps", (double)result->steps);
    summary_add_seconds(summary, "simulated_s", result->simulated_ns);
    summary_add_seconds(summary, "wall_s", facts->wall_ns);
    cJSON_AddBoolToObject(summary, "interrupted", facts->interrupted);
    if (result->assertion[0] != '\0')
        cJSON_AddStringToObject(summary, "assertion", result->assertion);
    summary_add_sightings(summary, &result->sightings, NULL);
}

char *summary_of_run(const struct run_info *info, const struct judge *judge,
                     const struct run_result *result, const struct run_facts *facts,
                     struct figures *figures) {
    struct scenario_texts texts;
    scenario_texts_open(&texts, info->scenario_json);
    cJSON *summary = cJSON_CreateObject();
    cJSON *warnings = cJSON_CreateArray();
    cJSON_AddStringToObject(summary, "scenario", texts.name);
    add_result(summary, info, result, facts);
    summary_add_oracles(summary, judge, result);
    cJSON *metrics = cJSON_AddObjectToObject(summary, "metrics");
    for (size_t i = 0; i < result->metric_count; i++)
        summary_add_metric(metrics, result->metrics[i].name, &result->metrics[i]);
    cJSON_AddItemToObject(summary, "metrics_by_tag", figures_metrics_by_tag(figures, FIGURES_ALL));
    summary_add_flow(summary, judge, result);
    add_faults(summary, info, judge, facts, warnings);
    if (!judge_is_complete(judge))
        cJSON_AddItemToArray(warnings,
                             cJSON_CreateString("memory ran out: metrics are incomplete"));
    cJSON_AddItemToObject(summary, "warnings", warnings);
    summary_add_versions(summary);
    cJSON_AddStringToObject(summary, "replay", info->replay);
    char *text = cJSON_Print(summary);
    cJSON_Delete(summary);
    scenario_texts_close(&texts);
    return text;
}
