/* sim/report/report_tables.c - the tables of the page. Each cell carries its column's name, so that
 * a phone can show a row as a list. */
#include <string.h>

#include "sim/judge/metrics.h"
#include "sim/report/report_internal.h"

/* ---- cells ---- */

void html_table_open(FILE *out, const char *const *columns, size_t count) {
    fputs("<table><thead><tr>", out);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "<th scope=\"col\">%s</th>", columns[i]);
    fputs("</tr></thead><tbody>\n", out);
}

void html_table_close(FILE *out) {
    fputs("</tbody></table>\n", out);
}

void html_cell_open(FILE *out, const char *column) {
    fprintf(out, "<td data-label=\"%s\">", column);
}

void html_cell_text(FILE *out, const char *column, const char *text) {
    html_cell_open(out, column);
    html_text(out, text);
    fputs("</td>", out);
}

/* 60000 -> 60,000 */
void html_number(FILE *out, double value) {
    char digits[32];
    int len = snprintf(digits, sizeof digits, "%.0f", value);
    for (int i = 0; i < len; i++)
        fprintf(out, "%s%c", i > 0 && (len - i) % 3 == 0 && digits[i - 1] != '-' ? "," : "",
                digits[i]);
}

void html_cell_number(FILE *out, const char *column, double value) {
    html_cell_open(out, column);
    html_number(out, value);
    fputs("</td>", out);
}

/* Seconds of the run, or `missing` when the member is null or not there. */
static void cell_seconds(FILE *out, const char *column, const cJSON *object, const char *name,
                         const char *missing) {
    double value = report_number(object, name, -1);
    html_cell_open(out, column);
    if (value < 0)
        fputs(missing, out);
    else
        fprintf(out, "%.3f s", value);
    fputs("</td>", out);
}

static bool ends_with(const char *text, const char *end) {
    size_t len = strlen(text), end_len = strlen(end);
    return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

void html_quantity(FILE *out, const char *metric, double value) {
    double us = ends_with(metric, "_us") ? value : ends_with(metric, "_ms") ? value * 1e3 : -1;
    if (us < 0)
        html_number(out, value);
    else if (us == 0) /* rounded down */
        fputs(ends_with(metric, "_ms") ? "&lt; 1 ms" : "&lt; 1 us", out);
    else if (us >= 1e6)
        fprintf(out, "%.2f s", us / 1e6);
    else if (us >= 1e3 || ends_with(metric, "_ms"))
        fprintf(out, "%.6g ms", us / 1e3);
    else
        fprintf(out, "%.0f us", us);
}

static void cell_quantity(FILE *out, const char *column, const char *metric, const cJSON *summary,
                          const char *member) {
    html_cell_open(out, column);
    if (report_number(summary, "count", 0) > 0)
        html_quantity(out, metric, report_number(summary, member, 0));
    else
        fputs("-", out);
    fputs("</td>", out);
}

/* ---- oracles and faults ---- */

/* How often each oracle said what. */
static void oracles_of_sweep(FILE *out, const cJSON *oracles) {
    static const char *const columns[] = {"oracle", "pass", "fail", "unknown"};
    const cJSON *oracle;
    fputs("<section><h2>Oracles</h2>", out);
    html_table_open(out, columns, 4);
    cJSON_ArrayForEach(oracle, oracles) {
        fputs("<tr>", out);
        html_cell_text(out, columns[0], report_text(oracle, "name"));
        for (size_t i = 1; i < 4; i++)
            html_cell_number(out, columns[i], report_number(oracle, columns[i], 0));
        fputs("</tr>\n", out);
    }
    html_table_close(out);
    fputs("</section>", out);
}

/* The chain of events that shows a failure, one on a line. */
static void witness_put(FILE *out, const cJSON *witness) {
    const cJSON *link;
    cJSON_ArrayForEach(link, witness) {
        const char *event = report_text(link, "event");
        fprintf(out, "\n%.6f s ", report_number(link, "at_s", 0));
        html_text(out, report_text(link, "node"));
        fputs(event[0] == '\0' ? "" : " ", out);
        html_text(out, event);
        fputs(": ", out);
        html_text(out, report_text(link, "what"));
    }
}

void tables_oracles(FILE *out, const struct report *report) {
    static const char *const columns[] = {"oracle", "verdict", "checked", "reason, witness"};
    const cJSON *oracle, *oracles = cJSON_GetObjectItem(report->summary, "oracles");
    if (cJSON_GetArraySize(oracles) == 0)
        return;
    if (report->sweep) {
        oracles_of_sweep(out, oracles);
        return;
    }
    fputs("<section><h2>Oracles</h2>", out);
    html_table_open(out, columns, 4);
    cJSON_ArrayForEach(oracle, oracles) {
        const char *verdict = report_text(oracle, "verdict");
        fputs("<tr>", out);
        html_cell_text(out, columns[0], report_text(oracle, "name"));
        html_cell_open(out, columns[1]);
        fprintf(out, "<span class=\"verdict %s\">",
                strcmp(verdict, "pass") == 0 || strcmp(verdict, "fail") == 0 ? verdict : "unknown");
        html_text(out, verdict);
        fputs("</span></td>", out);
        html_cell_number(out, columns[2], report_number(oracle, "checked", 0));
        fputs("<td class=\"text\" data-label=\"reason\">", out);
        html_text(out, report_text(oracle, "reason"));
        witness_put(out, cJSON_GetObjectItem(oracle, "witness"));
        fputs("</td></tr>\n", out);
    }
    html_table_close(out);
    fputs("</section>", out);
}

static void fault_row(FILE *out, const cJSON *fault) {
    fputs("<tr>", out);
    html_cell_text(out, "kind", report_text(fault, "kind"));
    html_cell_text(out, "target", report_text(fault, "target"));
    cell_seconds(out, "fired", fault, "fired_s", "<strong>never</strong>");
    cell_seconds(out, "ended", fault, "ended_s", "-");
    cell_seconds(out, "noticed", fault, "noticed_s", "by nobody");
    html_cell_text(out, "noticed by", report_text(fault, "noticed_by"));
    fputs("</tr>\n", out);
}

/* "3 configured, 2 fired, 1 noticed." of a run, and how often each kind took effect. */
static void fault_counts(FILE *out, const cJSON *faults) {
    static const char *const counts[] = {"configured", "fired", "noticed"};
    const cJSON *kind, *kinds = cJSON_GetObjectItem(faults, "fired_by_kind");
    for (size_t i = 0; i < 3 && cJSON_GetObjectItem(faults, counts[i]) != NULL; i++) {
        fputs(i == 0 ? "" : ", ", out);
        html_number(out, report_number(faults, counts[i], 0));
        fprintf(out, " %s%s", counts[i], i == 2 ? ". " : "");
    }
    bool first = true;
    cJSON_ArrayForEach(kind, kinds) {
        if (kind->valuedouble == 0)
            continue;
        fputs(first ? "Took effect: " : ", ", out);
        html_text(out, kind->string);
        fputs(" ", out);
        html_number(out, kind->valuedouble);
        first = false;
    }
    fputs(first ? "" : ".", out);
}

#define FAULT_ROWS_OPEN 12 /* more are folded away */
#define FAULT_ROWS_MAX 1000
void tables_faults(FILE *out, const struct report *report) {
    static const char *const columns[] = {"kind",  "target",  "fired",
                                          "ended", "noticed", "noticed by"};
    const cJSON *faults = cJSON_GetObjectItem(report->summary, "faults");
    const cJSON *fault, *list = cJSON_GetObjectItem(faults, "list");
    if (faults == NULL)
        return;
    fputs("<section><h2>Faults</h2><p>", out);
    fault_counts(out, faults);
    fputs("</p>", out);
    int row = 0, rows = cJSON_GetArraySize(list);
    if (rows > FAULT_ROWS_OPEN)
        fputs("<details><summary>Each of them</summary>", out);
    if (rows > 0) {
        html_table_open(out, columns, 6);
        cJSON_ArrayForEach(fault, list) if (row++ < FAULT_ROWS_MAX) fault_row(out, fault);
        html_table_close(out);
    }
    if (rows > FAULT_ROWS_MAX)
        fprintf(out, "<p>%d more are in summary.json.</p>", rows - FAULT_ROWS_MAX);
    fputs(rows > FAULT_ROWS_OPEN ? "</details></section>" : "</section>", out);
}

/* ---- metrics ---- */

static const char *const METRIC_COLUMNS[] = {"metric", "count", "min",   "p50",
                                             "p99",    "max",   "theory"};

/* `tag` NULL: values of all tags; `only` the tag that all of them have, or NULL. */
static void metric_row(FILE *out, const char *name, const char *tag, const char *only,
                       const cJSON *summary) {
    fprintf(out, "<tr%s>", tag == NULL ? "" : " class=\"tag\"");
    html_cell_open(out, "metric");
    html_text(out, tag == NULL ? name : tag);
    if (only != NULL) {
        fputs(", all ", out);
        html_text(out, only);
    }
    fputs("</td>", out);
    html_cell_number(out, "count", report_number(summary, "count", 0));
    for (size_t i = 2; i < 6; i++)
        cell_quantity(out, METRIC_COLUMNS[i], name, summary, METRIC_COLUMNS[i]);
    int id = tag == NULL ? metric_find(name) : -1;
    fputs("<td class=\"text\" data-label=\"theory\">", out);
    html_text(out, id < 0 ? "" : METRIC_INFO[id].theory);
    fputs("</td></tr>\n", out);
}

void tables_metrics(FILE *out, const struct report *report) {
    const cJSON *by_tag = cJSON_GetObjectItem(report->summary, "metrics_by_tag");
    const cJSON *metric, *metrics = cJSON_GetObjectItem(report->summary, "metrics");
    if (cJSON_GetArraySize(metrics) == 0)
        return;
    fputs("<section><h2>Metrics</h2>", out);
    html_table_open(out, METRIC_COLUMNS, 7);
    cJSON_ArrayForEach(metric, metrics) {
        const cJSON *tag, *tags = cJSON_GetObjectItem(by_tag, metric->string);
        bool one = cJSON_GetArraySize(tags) == 1;
        metric_row(out, metric->string, NULL, one ? tags->child->string : NULL, metric);
        if (one)
            continue;
        cJSON_ArrayForEach(tag, tags) metric_row(out, metric->string, tag->string, NULL, tag);
    }
    html_table_close(out);
    fputs("</section>", out);
}

/* ---- sweep ---- */

#define SINCE_REGISTRATION "eviction_after_last_registration_ms"
#define SINCE_FAULT "eviction_after_fault_ms"
static const char *const RANGE_COLUMNS[] = {"since the last registration: min / p50 / max",
                                            "since the fault: min / p50 / max"};

/* min, p50, max of a metric. */
static void range_cell(FILE *out, const char *column, const char *metric, const cJSON *summary) {
    static const char *const members[] = {"min", "p50", "max"};
    html_cell_open(out, column);
    for (size_t i = 0; i < 3 && summary != NULL; i++) {
        fputs(i == 0 ? "" : " / ", out);
        html_quantity(out, metric, report_number(summary, members[i], 0));
    }
    fputs(summary == NULL ? "-</td>" : "</td>", out);
}

/* How many, and their share of all that were removed in the group. */
static void removals_cell(FILE *out, const cJSON *tags, const cJSON *tag) {
    double all = 0, count = report_number(tag, "count", 0);
    const cJSON *other;
    cJSON_ArrayForEach(other, tags) all += report_number(other, "count", 0);
    html_cell_open(out, "removals");
    html_number(out, count);
    if (all > 0)
        fprintf(out, " (%.3g %%)", 100 * count / all);
    fputs("</td>", out);
}

/* What the group stands for: "pause, 4.9". */
static void combination_cell(FILE *out, const cJSON *group) {
    const cJSON *parameter, *parameters = cJSON_GetObjectItem(group, "parameters");
    html_cell_open(out, "combination");
    if (cJSON_GetArraySize(parameters) == 0)
        fputs("all", out);
    cJSON_ArrayForEach(parameter, parameters) {
        fputs(parameter == parameters->child ? "" : ", ", out);
        html_text(out, cJSON_IsString(parameter) ? parameter->valuestring : "?");
    }
    fputs("</td>", out);
}

/* One row for each mechanism that removed brokers in the group; one with "nothing" if none did. */
static void group_rows(FILE *out, const cJSON *group) {
    const cJSON *by_tag = cJSON_GetObjectItem(group, "metrics_by_tag");
    const cJSON *tags = cJSON_GetObjectItem(by_tag, SINCE_REGISTRATION);
    const cJSON *since_fault = cJSON_GetObjectItem(by_tag, SINCE_FAULT);
    const cJSON *tag = tags == NULL ? NULL : tags->child;
    do {
        fputs("<tr>", out);
        combination_cell(out, group);
        html_cell_number(out, "runs", report_number(group, "runs", 0));
        html_cell_text(out, "removed by", tag == NULL ? "nothing" : tag->string);
        removals_cell(out, tags, tag);
        range_cell(out, RANGE_COLUMNS[0], SINCE_REGISTRATION, tag);
        range_cell(out, RANGE_COLUMNS[1], SINCE_FAULT,
                   tag == NULL ? NULL : cJSON_GetObjectItem(since_fault, tag->string));
        fputs("</tr>\n", out);
        tag = tag == NULL ? NULL : tag->next;
    } while (tag != NULL);
}

void tables_groups(FILE *out, const struct report *report) {
    const cJSON *group, *groups = cJSON_GetObjectItem(report->summary, "groups");
    const cJSON *parameter;
    if (cJSON_GetArraySize(groups) == 0)
        return;
    fputs("<section><h2>What removed brokers</h2><table><thead><tr><th scope=\"col\">", out);
    size_t parameters = 0;
    cJSON_ArrayForEach(parameter, cJSON_GetObjectItem(groups->child, "parameters")) {
        fputs(parameters++ == 0 ? "" : ", ", out);
        html_text(out, parameter->string);
    }
    fputs(parameters == 0 ? "runs of</th>" : "</th>", out);
    fputs("<th scope=\"col\">runs</th><th scope=\"col\">removed by</th><th "
          "scope=\"col\">removals</th>",
          out);
    for (size_t i = 0; i < 2; i++)
        fprintf(out, "<th scope=\"col\">%s</th>", RANGE_COLUMNS[i]);
    fputs("</tr></thead><tbody>\n", out);
    cJSON_ArrayForEach(group, groups) group_rows(out, group);
    html_table_close(out);
    fputs("</section>", out);
}

#define FAILURE_ROWS_MAX 50
void tables_failures(FILE *out, const struct report *report) {
    static const char *const columns[] = {"seed", "oracle", "signature", "replay"};
    const cJSON *failure, *failures = cJSON_GetObjectItem(report->summary, "failures");
    if (cJSON_GetArraySize(failures) == 0)
        return;
    fputs("<section><h2>Failures</h2>", out);
    html_table_open(out, columns, 4);
    int row = 0;
    cJSON_ArrayForEach(failure, failures) {
        if (row++ >= FAILURE_ROWS_MAX)
            continue;
        fputs("<tr>", out);
        for (size_t i = 0; i < 2; i++)
            html_cell_text(out, columns[i], report_text(failure, columns[i]));
        fputs("<td class=\"text\" data-label=\"signature\">", out);
        html_text(out, report_text(failure, columns[2]));
        fputs("</td><td class=\"text\" data-label=\"replay\"><code>", out);
        html_text(out, report_text(failure, "replay"));
        fputs("</code></td></tr>\n", out);
    }
    html_table_close(out);
    if (row > FAILURE_ROWS_MAX)
        fprintf(out, "<p>%d more are in summary.json.</p>", row - FAILURE_ROWS_MAX);
    fputs("</section>", out);
}

static void version_put(FILE *out, const char *name, const char *value) {
    if (value[0] == '\0')
        return;
    fprintf(out, "<div><dt>%s</dt><dd>", name);
    html_text(out, value);
    fputs("</dd></div>", out);
}

void tables_versions(FILE *out, const struct report *report) {
    const cJSON *version, *versions = cJSON_GetObjectItem(report->summary, "versions");
    fputs("<dl class=\"versions\">", out);
    version_put(out, "trace hash", report_text(report->summary, "trace_hash"));
    version_put(out, "commit", report_text(report->summary, "commit"));
    cJSON_ArrayForEach(version, versions) if (cJSON_IsString(version))
        version_put(out, version->string, version->valuestring);
    fputs("</dl>", out);
}
