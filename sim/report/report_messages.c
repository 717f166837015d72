/* sim/report/report_messages.c - the page's tables of messages: counts and latencies by phase, and
 * what rare things were seen. */
#include "sim/judge/sightings.h"
#include "sim/report/report_internal.h"

static const char *const COLUMNS[] = {"phase",
                                      "acknowledged",
                                      "failed",
                                      "delivered",
                                      "duplicates",
                                      "lost before flush",
                                      "lost",
                                      "send: p50 / p99 / p99.9",
                                      "to consumer: p50 / p99 / p99.9"};
#define COLUMN_COUNT (sizeof COLUMNS / sizeof COLUMNS[0])

/* Three digits and a unit: there are many in a row. */
static void short_us(FILE *out, double us) {
    if (us < 1000)
        fprintf(out, "%.0f us", us);
    else
        fprintf(out, us < 1e6 ? "%.3g ms" : "%.3g s", us < 1e6 ? us / 1e3 : us / 1e6);
}

static void latency_cell(FILE *out, const char *column, const cJSON *summary) {
    static const char *const quantiles[] = {"p50", "p99", "p99.9"};
    html_cell_open(out, column);
    if (report_number(summary, "count", 0) == 0)
        fputs("-", out);
    else
        for (size_t i = 0; i < 3; i++) {
            fputs(i == 0 ? "" : " / ", out);
            short_us(out, report_number(summary, quantiles[i], 0));
        }
    fputs("</td>", out);
}

static void phase_row(FILE *out, const cJSON *phase, const char *name) {
    static const char *const counts[] = {"ok",         "failed",         "deliveries",
                                         "duplicates", "lost_in_window", "lost"};
    fputs("<tr class=\"tag\">", out);
    html_cell_open(out, COLUMNS[0]);
    fprintf(out, "%s, %.1f - %.1f s</td>", name, report_number(phase, "from_s", 0),
            report_number(phase, "to_s", 0));
    for (size_t i = 0; i < 6; i++)
        html_cell_number(out, COLUMNS[1 + i], report_number(phase, counts[i], 0));
    latency_cell(out, COLUMNS[7], cJSON_GetObjectItem(phase, "send_latency_us"));
    latency_cell(out, COLUMNS[8], cJSON_GetObjectItem(phase, "produce_to_consume_us"));
    fputs("</tr>\n", out);
}

/* "kill broker-a at 75.465 s: first success after 11 ms", then its phases. */
static void fault_rows(FILE *out, const cJSON *fault) {
    static const char *const phases[] = {"before", "during", "after"};
    double first = report_number(fault, "first_success_ms", -1);
    fprintf(out, "<tr><td class=\"text\" colspan=\"%zu\">", COLUMN_COUNT);
    html_text(out, report_text(fault, "kind"));
    fputs(" ", out);
    html_text(out, report_text(fault, "target"));
    fprintf(out, " at %.3f s: ", report_number(cJSON_GetObjectItem(fault, "during"), "from_s", 0));
    fputs(first < 0 ? "no send begun after it succeeded" : "first success after ", out);
    if (first >= 0)
        html_quantity(out, "_ms", first);
    fputs("</td></tr>\n", out);
    for (size_t i = 0; i < 3; i++) {
        const cJSON *phase = cJSON_GetObjectItem(fault, phases[i]);
        if (phase != NULL)
            phase_row(out, phase, phases[i]);
    }
}

static void count_put(FILE *out, const cJSON *object, const char *member, const char *text) {
    html_number(out, report_number(object, member, 0));
    fputs(text, out);
}

/* "1,382 sends: 1,328 acknowledged, ..." */
static void sentence_put(FILE *out, const cJSON *messages) {
    const cJSON *sends = cJSON_GetObjectItem(messages, "sends");
    const cJSON *cause, *causes = cJSON_GetObjectItem(messages, "duplicates");
    count_put(out, sends, "started", " sends: ");
    count_put(out, sends, "ok", " acknowledged, ");
    count_put(out, sends, "failed", " failed (");
    count_put(out, sends, "timed_out", " timed out, ");
    count_put(out, sends, "maybe_stored", " may be stored), ");
    count_put(out, sends, "one_way", " one-way. ");
    count_put(out, messages, "deliveries", " deliveries, ");
    count_put(out, causes, "all", " duplicates");
    cJSON_ArrayForEach(cause, causes) if (cause != causes->child) {
        fputs(cause == causes->child->next ? " (" : ", ", out);
        html_text(out, cause->string);
        fputs(" ", out);
        html_number(out, cause->valuedouble);
        fputs(cause->next == NULL ? ")" : "", out);
    }
    fputs("; backlog at the end ", out);
    count_put(out, messages, "backlog", ".");
}

void tables_messages(FILE *out, const struct report *report) {
    const cJSON *messages = cJSON_GetObjectItem(report->summary, "messages");
    const cJSON *fault;
    if (messages == NULL)
        return;
    fputs("<section><h2>Messages</h2><p>", out);
    sentence_put(out, messages);
    fputs("</p><div class=\"dense\">", out);
    html_table_open(out, COLUMNS, COLUMN_COUNT);
    phase_row(out, cJSON_GetObjectItem(messages, "all"), "all");
    cJSON_ArrayForEach(fault, cJSON_GetObjectItem(messages, "faults")) fault_rows(out, fault);
    html_table_close(out);
    fputs("</div></section>", out);
}

/* ---- sightings ---- */

static const struct {
    const char *name, *about;
} SEEN[] = {
#define SEEN_ROW(id, name, about) {name, about},
    SIGHTINGS(SEEN_ROW)
#undef SEEN_ROW
};

void tables_sightings(FILE *out, const struct report *report) {
    static const char *const columns[] = {"what", "times", "runs", "meaning"};
    static const char *const columns_of_run[] = {"what", "times", "meaning"};
    const cJSON *seen = cJSON_GetObjectItem(report->summary, "sightings");
    if (cJSON_GetArraySize(seen) == 0)
        return;
    fputs("<section><h2>Rare things that were seen</h2>", out);
    html_table_open(out, report->sweep ? columns : columns_of_run, report->sweep ? 4 : 3);
    for (size_t i = 0; i < sizeof SEEN / sizeof SEEN[0]; i++) {
        const cJSON *item = cJSON_GetObjectItem(seen, SEEN[i].name);
        if (item == NULL)
            continue;
        fputs("<tr>", out);
        html_cell_text(out, columns[0], SEEN[i].name);
        html_cell_number(out, columns[1],
                         report->sweep ? report_number(item, "times", 0) : item->valuedouble);
        if (report->sweep)
            html_cell_number(out, columns[2], report_number(item, "runs", 0));
        fputs("<td class=\"text\" data-label=\"meaning\">", out);
        html_text(out, SEEN[i].about);
        fputs("</td></tr>\n", out);
    }
    html_table_close(out);
    fputs("</section>", out);
}
