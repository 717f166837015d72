/* sim/report/report_page.c - fills in reports/page.html: {{name}} is replaced by a part below.
 * Everything that comes from a scenario or a run is escaped; the page refers to nothing outside
 * itself. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/report/report_internal.h"
#include "sim/report/run_dir.h"

void html_text(FILE *out, const char *text) {
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        switch (c) {
        case '&':
            fputs("&amp;", out);
            break;
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        case '\'':
            fputs("&#39;", out);
            break;
        default:
            fputc(c < ' ' && c != '\n' && c != '\t' ? '?' : c, out);
        }
    }
}

/* Text of reports/NAME or DIRECTORY/NAME; NULL with report->error. */
static char *file_text(struct report *report, const char *folder, const char *name) {
    char path[PATH_MAX];
    int len = snprintf(path, sizeof path, "%s/%s", folder, name);
    errno = ENAMETOOLONG;
    char *text = len < 0 || (size_t)len >= sizeof path ? NULL : file_read_whole(path, &(size_t){0});
    if (text == NULL)
        snprintf(report->error, sizeof report->error, "%.900s: %s", path, strerror(errno));
    return text;
}

/* ---- parts ---- */

static void part_title(FILE *out, struct report *report) {
    const char *name = report_text(report->scenario, "name");
    html_text(out, name[0] != '\0' ? name : report_text(report->summary, "scenario"));
}

static void part_about(FILE *out, struct report *report) {
    html_text(out, report_text(report->scenario, "about"));
}

/* "one run, seed 7" or "60,000 runs". */
static void part_kind(FILE *out, struct report *report) {
    if (report->sweep) {
        fputs("study of ", out);
        html_number(out, report_number(report->summary, "runs", 0));
        fputs(" runs", out);
    } else {
        fputs("one run, seed ", out);
        html_text(out, report_text(report->summary, "seed"));
        fprintf(out, ", %.0f simulated seconds", report_number(report->summary, "simulated_s", 0));
    }
    double wall_s = report_number(report->summary, "wall_s", 0);
    fprintf(out, wall_s < 1 ? " in %.3g ms" : " in %.1f s", wall_s < 1 ? wall_s * 1000 : wall_s);
    if (cJSON_IsTrue(cJSON_GetObjectItem(report->summary, "interrupted")))
        fputs(", <strong>interrupted: results up to then</strong>", out);
}

/* The verdict's word; a sweep without one is as bad as its worst run. */
static const char *verdict_word(const struct report *report) {
    const char *word = report_text(report->summary, "verdict");
    if (word[0] != '\0')
        return word;
    if (report_number(report->summary, "fail", 0) + report_number(report->summary, "crashed", 0) >
        0)
        return "fail";
    return report_number(report->summary, "unknown", 0) > 0 ? "unknown" : "pass";
}

static void part_verdict(FILE *out, struct report *report) {
    const char *word = verdict_word(report);
    bool known = strcmp(word, "pass") == 0 || strcmp(word, "fail") == 0;
    fprintf(out, "<span class=\"badge %s\">", known ? word : "unknown");
    html_text(out, word);
    fputs("</span>", out);
}

static void reasons_of_run(FILE *out, const struct report *report) {
    const char *assertion = report_text(report->summary, "assertion");
    const cJSON *oracle, *oracles = cJSON_GetObjectItem(report->summary, "oracles");
    size_t bad = 0;
    if (assertion[0] != '\0') {
        fputs("An assertion failed: ", out);
        html_text(out, assertion);
        fputs(". ", out);
    }
    cJSON_ArrayForEach(oracle, oracles) {
        const char *verdict = report_text(oracle, "verdict");
        if (strcmp(verdict, "pass") == 0)
            continue;
        fputs(bad++ == 0 ? "" : "; ", out);
        html_text(out, report_text(oracle, "name"));
        fputs(strcmp(verdict, "fail") == 0 ? " failed" : " could not decide", out);
    }
    if (bad == 0 && assertion[0] == '\0')
        fprintf(out, "Oracles passed: %d of %d", cJSON_GetArraySize(oracles),
                cJSON_GetArraySize(oracles));
    fputs(".", out);
}

static void part_reasons(FILE *out, struct report *report) {
    static const char *const counts[] = {"pass", "fail", "unknown", "crashed"};
    if (!report->sweep)
        reasons_of_run(out, report);
    for (size_t i = 0; report->sweep && i < sizeof counts / sizeof counts[0]; i++) {
        fputs(i == 0 ? "" : ", ", out);
        html_number(out, report_number(report->summary, counts[i], 0));
        fprintf(out, " %s", counts[i]);
    }
    const cJSON *warning;
    cJSON_ArrayForEach(warning, cJSON_GetObjectItem(report->summary, "warnings")) {
        fputs("</p><p class=\"warning\">", out);
        html_text(out, cJSON_IsString(warning) ? warning->valuestring : "");
    }
}

static void figure_put(FILE *out, const struct figure *figure) {
    fputs("<figure><h3>", out);
    html_text(out, figure->plot->heading);
    fputs("</h3>", out);
    if (figure->state == FIGURE_DRAWN)
        fprintf(out, "<div class=\"wide\">%s</div><div class=\"narrow\">%s</div>", figure->wide,
                figure->narrow);
    fputs("<figcaption>", out);
    if (figure->state == FIGURE_DRAWN)
        html_text(out, figure->plot->caption);
    else if (figure->state == FIGURE_FAILED)
        fputs("Not drawn. ", out);
    fputs(" ", out);
    html_text(out, figure->remark);
    fputs("</figcaption></figure>\n", out);
}

static void part_figures(FILE *out, struct report *report) {
    if (report->note[0] != '\0') {
        fputs("<p class=\"warning\">", out);
        html_text(out, report->note);
        fputs("</p>", out);
    }
    for (size_t i = 0; i < report->figure_count; i++)
        figure_put(out, &report->figures[i]);
    if (report->figure_count == 0)
        fputs("<p>None were asked for.</p>", out);
}

/* Apache's own figures stand beside ours where brokers were removed. */
static void part_apache(FILE *out, struct report *report) {
    const cJSON *metrics = cJSON_GetObjectItem(report->summary, "metrics");
    if (cJSON_GetObjectItem(metrics, "eviction_after_last_registration_ms") == NULL)
        return;
    char folder[PATH_MAX + 16];
    snprintf(folder, sizeof folder, "%s/reports", report->source);
    char *text = file_text(report, folder, "apache.html");
    if (text != NULL)
        fputs(text, out);
    free(text);
}

static void part_replay(FILE *out, struct report *report) {
    html_text(out, report_text(report->summary, "replay"));
}

static void part_scenario(FILE *out, struct report *report) {
    char *text = file_text(report, report->path, "scenario.json");
    html_text(out, text == NULL ? "" : text);
    free(text);
}

static void part_css(FILE *out, struct report *report) {
    char folder[PATH_MAX + 16];
    snprintf(folder, sizeof folder, "%s/reports", report->source);
    char *text = file_text(report, folder, "page.css");
    fputs(text == NULL ? "" : text, out);
    free(text);
}

static void part_messages(FILE *out, struct report *report) {
    tables_messages(out, report);
}
static void part_sightings(FILE *out, struct report *report) {
    tables_sightings(out, report);
}
static void part_oracles(FILE *out, struct report *report) {
    tables_oracles(out, report);
}
static void part_faults(FILE *out, struct report *report) {
    tables_faults(out, report);
}
static void part_metrics(FILE *out, struct report *report) {
    tables_metrics(out, report);
}
static void part_groups(FILE *out, struct report *report) {
    tables_groups(out, report);
}
static void part_failures(FILE *out, struct report *report) {
    tables_failures(out, report);
}
static void part_versions(FILE *out, struct report *report) {
    tables_versions(out, report);
}

static const struct {
    const char *name;
    void (*put)(FILE *out, struct report *report);
} PARTS[] = {
    {"title", part_title},       {"about", part_about},       {"kind", part_kind},
    {"verdict", part_verdict},   {"reasons", part_reasons},   {"figures", part_figures},
    {"apache", part_apache},     {"replay", part_replay},     {"scenario", part_scenario},
    {"css", part_css},           {"oracles", part_oracles},   {"faults", part_faults},
    {"metrics", part_metrics},   {"groups", part_groups},     {"failures", part_failures},
    {"versions", part_versions}, {"messages", part_messages}, {"sightings", part_sightings},
};

/* ---- template ---- */

/* Puts the part that `at` ("name}}...") names; behind its braces, or NULL with report->error. */
static const char *part_put(FILE *out, struct report *report, const char *at) {
    const char *end = strstr(at, "}}");
    size_t len = end == NULL ? 0 : (size_t)(end - at);
    for (size_t i = 0; i < sizeof PARTS / sizeof PARTS[0]; i++)
        if (strlen(PARTS[i].name) == len && memcmp(PARTS[i].name, at, len) == 0) {
            PARTS[i].put(out, report);
            return report->error[0] == '\0' ? end + 2 : NULL;
        }
    snprintf(report->error, sizeof report->error, "reports/page.html: no part \"%.*s\"",
             len > 40 ? 40 : (int)len, at);
    return NULL;
}

char *page_make(struct report *report) {
    char folder[PATH_MAX + 16], *page = NULL;
    size_t len;
    snprintf(folder, sizeof folder, "%s/reports", report->source);
    char *template = file_text(report, folder, "page.html");
    FILE *out = template == NULL ? NULL : open_memstream(&page, &len);
    const char *at = template;
    while (out != NULL && at != NULL && *at != '\0') {
        const char *braces = strstr(at, "{{");
        size_t plain = braces == NULL ? strlen(at) : (size_t)(braces - at);
        fwrite(at, 1, plain, out);
        at = braces == NULL ? at + plain : part_put(out, report, braces + 2);
    }
    bool bad = out == NULL || at == NULL || ferror(out) != 0;
    if (out != NULL && fclose(out) != 0)
        bad = true;
    if (bad && report->error[0] == '\0')
        snprintf(report->error, sizeof report->error, "index.html: out of memory");
    free(template);
    if (!bad)
        return page;
    free(page);
    return NULL;
}
