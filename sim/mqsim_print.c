/* mqsim_print.c - summary.json as text for people. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "sim/mqsim_run.h"

static const char *text_of(const cJSON *object, const char *key) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsString(item) ? item->valuestring : "";
}
static double number_of(const cJSON *object, const char *key) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNumber(item) ? item->valuedouble : 0;
}
static const cJSON *member(const cJSON *object, const char *key) {
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

static void print_metrics(FILE *out, const cJSON *metrics) {
    const cJSON *metric;
    cJSON_ArrayForEach(metric, metrics) {
        if (number_of(metric, "count") > 0)
            fprintf(out, "  %-38s %8.0f values: min %.0f, p50 %.0f, p99 %.0f, max %.0f\n",
                    metric->string, number_of(metric, "count"), number_of(metric, "min"),
                    number_of(metric, "p50"), number_of(metric, "p99"), number_of(metric, "max"));
    }
}

static void print_witness(FILE *out, const cJSON *witness) {
    const cJSON *step;
    cJSON_ArrayForEach(step, witness) {
        char *text = cJSON_IsString(step) ? NULL : cJSON_PrintUnformatted(step);
        fprintf(out, "      %s\n", text == NULL ? step->valuestring : text);
        cJSON_free(text);
    }
}

static void print_oracles(FILE *out, const cJSON *oracles) {
    const cJSON *oracle;
    cJSON_ArrayForEach(oracle, oracles) {
        fprintf(out, "  %-8s%s (%.0f checked)", text_of(oracle, "verdict"), text_of(oracle, "name"),
                number_of(oracle, "checked"));
        const char *reason = text_of(oracle, "reason");
        fprintf(out, reason[0] == 0 ? "\n" : ": %s\n", reason);
        print_witness(out, member(oracle, "witness"));
    }
}

static void print_faults(FILE *out, const cJSON *faults) {
    if (number_of(faults, "configured") > 0)
        fprintf(out, "faults: %.0f configured, %.0f fired, %.0f noticed\n",
                number_of(faults, "configured"), number_of(faults, "fired"),
                number_of(faults, "noticed"));
}

/* ---- messages ---- */

static void print_phase(FILE *out, const char *name, const cJSON *phase) {
    const cJSON *send = member(phase, "send_latency_us");
    const cJSON *consume = member(phase, "produce_to_consume_us");
    if (phase == NULL)
        return;
    fprintf(out, "  %-24s %9.0f %7.0f", name, number_of(phase, "ok"), number_of(phase, "failed"));
    const cJSON *const both[] = {send, consume};
    for (int i = 0; i < 2; i++) {
        if (number_of(both[i], "count") > 0)
            fprintf(out, " |%9.0f %9.0f %9.0f", number_of(both[i], "p50"),
                    number_of(both[i], "p99"), number_of(both[i], "p99.9"));
        else
            fprintf(out, " |%9s %9s %9s", "-", "-", "-");
    }
    putc('\n', out);
}

static void print_message_fault(FILE *out, const cJSON *fault) {
    const cJSON *success = member(fault, "first_success_ms");
    fprintf(out, "  %s %s at %.3f s: ", text_of(fault, "kind"), text_of(fault, "target"),
            number_of(member(fault, "during"), "from_s"));
    if (cJSON_IsNumber(success))
        fprintf(out, "first success after %.0f ms\n", success->valuedouble);
    else
        fputs("no success after it\n", out);
    print_phase(out, "  before", member(fault, "before"));
    print_phase(out, "  during", member(fault, "during"));
    print_phase(out, "  after", member(fault, "after"));
}

static void print_messages(FILE *out, const cJSON *messages) {
    const cJSON *sends = member(messages, "sends"), *duplicates = member(messages, "duplicates");
    const cJSON *item;
    if (messages == NULL)
        return;
    fprintf(out,
            "messages: %.0f sent, %.0f ok, %.0f failed (%.0f timed out, %.0f may be stored), "
            "%.0f one-way\n",
            number_of(sends, "started"), number_of(sends, "ok"), number_of(sends, "failed"),
            number_of(sends, "timed_out"), number_of(sends, "maybe_stored"),
            number_of(sends, "one_way"));
    fprintf(out, "          %.0f deliveries, %.0f duplicates", number_of(messages, "deliveries"),
            number_of(duplicates, "all"));
    cJSON_ArrayForEach(item, duplicates) {
        if (strcmp(item->string, "all") != 0)
            fprintf(out, ", %s %.0f", item->string, item->valuedouble);
    }
    fprintf(out, "; %.0f lost, %.0f lost before their flush; backlog %.0f\n",
            number_of(messages, "lost"), number_of(messages, "lost_in_window"),
            number_of(messages, "backlog"));
    fprintf(out, "  %-24s %9s %7s |%29s |%29s\n", "", "sends", "", "send latency, us",
            "produce to consume, us");
    fprintf(out, "  %-24s %9s %7s |%9s %9s %9s |%9s %9s %9s\n", "", "ok", "failed", "p50", "p99",
            "p99.9", "p50", "p99", "p99.9");
    print_phase(out, "all", member(messages, "all"));
    cJSON_ArrayForEach(item, member(messages, "faults")) {
        print_message_fault(out, item);
    }
}

/* What was seen, and of a sweep in how many runs. */
static void print_sightings(FILE *out, const cJSON *sightings) {
    const cJSON *seen;
    const char *before = "seen:";
    cJSON_ArrayForEach(seen, sightings) {
        if (cJSON_IsNumber(seen))
            fprintf(out, "%s %s %.0f", before, seen->string, seen->valuedouble);
        else
            fprintf(out, "%s %s %.0f in %.0f runs", before, seen->string, number_of(seen, "times"),
                    number_of(seen, "runs"));
        before = ",";
    }
    if (sightings != NULL && sightings->child != NULL)
        fputc('\n', out);
}

static void print_texts(FILE *out, const cJSON *texts, const char *before) {
    const cJSON *text;
    cJSON_ArrayForEach(text, texts) {
        if (cJSON_IsString(text))
            fprintf(out, "%s%s\n", before, text->valuestring);
    }
}

void print_run_summary(FILE *out, const char *summary) {
    cJSON *run = cJSON_Parse(summary);
    fprintf(out, "%s, seed %s: %s%s\n", text_of(run, "scenario"), text_of(run, "seed"),
            text_of(run, "verdict"),
            cJSON_IsTrue(member(run, "interrupted")) ? " (interrupted)" : "");
    if (text_of(run, "assertion")[0] != 0)
        fprintf(out, "  assertion failed: %s\n", text_of(run, "assertion"));
    print_oracles(out, member(run, "oracles"));
    print_metrics(out, member(run, "metrics"));
    print_messages(out, member(run, "messages"));
    print_faults(out, member(run, "faults"));
    print_sightings(out, member(run, "sightings"));
    print_texts(out, member(run, "warnings"), "warning: ");
    fprintf(out, "%.0f events in %.1f simulated s, %.3f wall s, trace hash %s\nagain: %s\n",
            number_of(run, "events"), number_of(run, "simulated_s"), number_of(run, "wall_s"),
            text_of(run, "trace_hash"), text_of(run, "replay"));
    cJSON_Delete(run);
}

#define FAILURES_PRINTED 10

static void print_failures(FILE *out, const cJSON *failures) {
    int printed = 0;
    const cJSON *failure;
    cJSON_ArrayForEach(failure, failures) {
        if (printed++ == FAILURES_PRINTED) {
            fprintf(out, "  and %d more\n", cJSON_GetArraySize(failures) - FAILURES_PRINTED);
            return;
        }
        fprintf(out, "  seed %s, %s: %s\n    again: %s\n", text_of(failure, "seed"),
                text_of(failure, "oracle"), text_of(failure, "reason"), text_of(failure, "replay"));
    }
}

static void print_group(FILE *out, const cJSON *group) {
    const cJSON *parameter;
    const char *comma = "";
    cJSON_ArrayForEach(parameter, member(group, "parameters")) {
        fprintf(out, "%s%s=%s", comma, parameter->string,
                cJSON_IsString(parameter) ? parameter->valuestring : "");
        comma = ", ";
    }
    fprintf(out, ": %.0f runs\n", number_of(group, "runs"));
    print_metrics(out, member(group, "metrics"));
}

void print_sweep_summary(FILE *out, const char *summary) {
    cJSON *sweep = cJSON_Parse(summary);
    fprintf(out, "%s: %.0f runs, %.0f pass, %.0f fail, %.0f unknown, %.0f crashed%s\n",
            text_of(sweep, "scenario"), number_of(sweep, "runs"), number_of(sweep, "pass"),
            number_of(sweep, "fail"), number_of(sweep, "unknown"), number_of(sweep, "crashed"),
            cJSON_IsTrue(member(sweep, "interrupted")) ? " (interrupted)" : "");
    print_failures(out, member(sweep, "failures"));
    const cJSON *groups = member(sweep, "groups");
    const cJSON *group;
    if (cJSON_GetArraySize(groups) < 2)
        print_metrics(out, member(sweep, "metrics"));
    else
        cJSON_ArrayForEach(group, groups) {
            print_group(out, group);
        }
    print_sightings(out, member(sweep, "sightings"));
    print_texts(out, member(sweep, "warnings"), "warning: ");
    fprintf(out, "%.1f wall s\nagain: %s\n", number_of(sweep, "wall_s"), text_of(sweep, "replay"));
    cJSON_Delete(sweep);
}
