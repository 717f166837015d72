/* sim/report/report.c - reads a run or sweep directory, has its pictures drawn and its page made.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/report/report_internal.h"
#include "sim/report/run_dir.h"

const struct report_plot REPORT_PLOT_LIST[] = {
#define PLOT_ROW(name, heading, caption, data, of) {name, heading, caption},
    REPORT_PLOTS(PLOT_ROW)
#undef PLOT_ROW
};
const size_t REPORT_PLOT_COUNT = sizeof REPORT_PLOT_LIST / sizeof REPORT_PLOT_LIST[0];

/* Beside REPORT_PLOT_LIST, row by row. */
static const struct {
    figure_data_fn *data;
    enum { OF_RUN, OF_SWEEP, OF_ANY } of;
} PLOT_DATA[] = {
#define PLOT_ROW(name, heading, caption, data, of) {figure_data_##data, OF_##of},
    REPORT_PLOTS(PLOT_ROW)
#undef PLOT_ROW
};
_Static_assert(sizeof PLOT_DATA / sizeof PLOT_DATA[0] <= REPORT_FIGURES_MAX, "all figures fit");

void report_options_default(struct report_options *options) {
    *options = (struct report_options){.pictures = true, .page = true};
}

const char *report_text(const cJSON *object, const char *name) {
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(object, name));
    return text == NULL ? "" : text;
}

double report_number(const cJSON *object, const char *name, double missing) {
    const cJSON *item = cJSON_GetObjectItem(object, name);
    return cJSON_IsNumber(item) ? item->valuedouble : missing;
}

/* ---- reading ---- */

bool report_series(const struct report *report, const char *name, struct csv *csv) {
    char path[PATH_MAX];
    int len = snprintf(path, sizeof path, "%s/series/%s", report->path, name);
    return len > 0 && (size_t)len < sizeof path && csv_read(path, csv);
}

static cJSON *document_read(struct report *report, const char *name) {
    char path[PATH_MAX];
    int len = snprintf(path, sizeof path, "%s/%s", report->path, name);
    if (len < 0 || (size_t)len >= sizeof path) {
        snprintf(report->error, sizeof report->error, "%.900s: path too long", report->path);
        return NULL;
    }
    char *text = file_read_whole(path, &(size_t){0});
    if (text == NULL) {
        snprintf(report->error, sizeof report->error, "%.900s: %s", path, strerror(errno));
        return NULL;
    }
    cJSON *document = cJSON_Parse(text);
    free(text);
    if (!cJSON_IsObject(document)) {
        snprintf(report->error, sizeof report->error, "%.900s: not a JSON object", path);
        cJSON_Delete(document);
        return NULL;
    }
    return document;
}

static bool report_open(struct report *report) {
    const char *source = report->options->source;
    source = source == NULL ? RMQ_SOURCE_DIR : source;
    if (realpath(source, report->source) == NULL) {
        snprintf(report->error, sizeof report->error, "%.900s: %s", source, strerror(errno));
        return false;
    }
    report->scenario = document_read(report, "scenario.json");
    report->summary = report->scenario == NULL ? NULL : document_read(report, "summary.json");
    report->sweep = cJSON_GetObjectItem(report->summary, "runs") != NULL;
    return report->summary != NULL;
}

/* ---- pictures ---- */

static bool asks_by_name(const struct report *report) {
    return cJSON_GetArraySize(cJSON_GetObjectItem(report->scenario, "plots")) > 0;
}

/* True when the scenario asks for the picture, or asks for none by name. */
static bool plot_wanted(const struct report *report, size_t plot) {
    if (PLOT_DATA[plot].of == (report->sweep ? OF_RUN : OF_SWEEP))
        return false;
    const cJSON *item;
    cJSON_ArrayForEach(item, cJSON_GetObjectItem(report->scenario, "plots")) {
        const char *name = cJSON_GetStringValue(item);
        if (name != NULL && strcmp(name, REPORT_PLOT_LIST[plot].name) == 0)
            return true;
    }
    return !asks_by_name(report);
}

static bool pictures_draw(struct report *report) {
    char path[PATH_MAX];
    int len = snprintf(path, sizeof path, "%s/plots", report->path);
    if (len < 0 || (size_t)len >= sizeof path || !directory_make(path)) {
        snprintf(report->error, sizeof report->error, "%.900s/plots: %s", report->path,
                 strerror(errno));
        return false;
    }
    for (size_t i = 0; i < REPORT_PLOT_COUNT; i++) {
        if (!plot_wanted(report, i))
            continue;
        struct figure *figure = &report->figures[report->figure_count++];
        figure->plot = &REPORT_PLOT_LIST[i];
        if (!figure_draw(report, figure, PLOT_DATA[i].data))
            return false;
        if (figure->state == FIGURE_EMPTY && !asks_by_name(report)) {
            *figure = (struct figure){.plot = NULL}; /* nobody misses it */
            report->figure_count--;
        }
    }
    return true;
}

/* ---- the page ---- */

static bool page_write(struct report *report) {
    char path[PATH_MAX];
    char *page = page_make(report);
    if (page == NULL)
        return false;
    int len = snprintf(path, sizeof path, "%s/index.html", report->path);
    bool ok = len > 0 && (size_t)len < sizeof path && file_write_whole(path, page, strlen(page));
    if (!ok)
        snprintf(report->error, sizeof report->error, "%.900s/index.html: %s", report->path,
                 strerror(errno));
    free(page);
    return ok;
}

static void report_close(struct report *report) {
    for (size_t i = 0; i < report->figure_count; i++) {
        free(report->figures[i].wide);
        free(report->figures[i].narrow);
    }
    cJSON_Delete(report->scenario);
    cJSON_Delete(report->summary);
}

bool report_directory(const char *path, const struct report_options *options, const char **note,
                      const char **error) {
    static char note_text[1024], error_text[1024]; /* as report.h says: until the next call */
    struct report report = {.path = path, .options = options};
    bool ok = report_open(&report) && (!options->pictures || pictures_draw(&report)) &&
              (!options->page || page_write(&report));
    report_close(&report);
    memcpy(note_text, report.note, sizeof note_text);
    memcpy(error_text, report.error, sizeof error_text);
    *note = note_text[0] == '\0' ? NULL : note_text;
    if (!ok)
        *error = error_text;
    return ok;
}
