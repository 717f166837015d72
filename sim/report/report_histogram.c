/* sim/report/report_histogram.c - tables for the pictures that show how a metric is distributed:
 * bars of share per bin, stacked by tag, and the share reached so far (ECDF). One row of panels for
 * each combination of what a study varies. A study has 1e5 values and more, so they are counted
 * here and the picture gets bins and at most ECDF_POINTS points.
 *
 * Reads series/METRIC.csv: a column "value_UNIT" (ns, us, ms, s), "tag", and in a sweep one column
 * for each varied parameter. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "model/base/check.h"
#include "sim/report/report_internal.h"

#define PANELS_MAX 48
#define ECDF_POINTS 150
#define BINS_MAX 128 /* panel_axis makes fewer */

/* ---- what removed it ---- */

enum tag { TAG_IDLE, TAG_SCAN, TAG_CLOSE, TAG_OTHER, TAG_COUNT };
static const struct {
    const char *name, *legend, *colour;
} TAGS[TAG_COUNT] = {{"idle", "idle close of the channel", "#2f86d0"},
                     {"scan", "expiry scan", "#e0861a"},
                     {"close", "connection closed", "#a469c9"},
                     {"", "", "#1f9e89"}};

static enum tag tag_of(const char *name) {
    enum tag tag = TAG_IDLE;
    while (tag < TAG_OTHER && strcmp(TAGS[tag].name, name) != 0)
        tag++;
    return tag;
}

/* ---- the two metrics of a figure, and what theory says about them ---- */

/* Where theory puts a value, for one tag. Milliseconds; low = high is a line. */
struct bound {
    enum tag tag;
    double low, high;
};
struct view {
    const char *metric;
    const char *axis;
    bool (*theory)(enum tag tag, bool is_5_3, struct bound *out);
    double shown_low, shown_high; /* range that is always shown when a bound applies */
};

/* incidents.md section 1; the scan is each 10 s in 4.9, each 5 s in 5.3. */
static bool theory_since_registration(enum tag tag, bool is_5_3, struct bound *out) {
    *out = (struct bound){tag, 120000, tag == TAG_IDLE ? 120000 : is_5_3 ? 125000 : 130000};
    return tag == TAG_IDLE || tag == TAG_SCAN;
}
static bool theory_since_fault(enum tag tag, bool is_5_3, struct bound *out) {
    *out = (struct bound){tag, 90000, tag == TAG_IDLE ? 120000 : is_5_3 ? 125000 : 130000};
    return tag == TAG_IDLE || tag == TAG_SCAN;
}
static bool theory_one_poll(enum tag tag, bool is_5_3, struct bound *out) {
    (void)is_5_3;
    *out = (struct bound){tag, 0, 30000};
    return true;
}
static bool theory_none(enum tag tag, bool is_5_3, struct bound *out) {
    (void)tag, (void)is_5_3, (void)out;
    return false;
}

/* What one figure shows. */
struct subject {
    struct view views[2];
    const char *others;  /* legend of values that no mechanism is known for */
    const char *nothing; /* said when there is no value */
};
static const struct subject EVICTION = {
    {{"eviction_after_last_registration_ms", "since the last registration",
      theory_since_registration, 118000, 132000},
     {"eviction_after_fault_ms", "since the fault", theory_since_fault, 85000, 135000}},
    "otherwise",
    "no broker was removed"};
static const struct subject CLIENT_VIEW = {
    {{"client_drop_after_fault_ms", "since the fault", theory_none, 0, 0},
     {"client_drop_after_eviction_ms", "since the name server removed it", theory_one_poll, 0,
      32000}},
    "dropped by a client",
    "no client dropped a broker"};

/* ---- values ---- */

struct value {
    double ms;
    enum tag tag;
};
struct panel {
    const struct view *view;
    char title[96];
    struct value *values; /* sorted by value_order once read */
    size_t count, room;
    bool is_5_3;
    double low, high, bin; /* of the axis, milliseconds */
};

static bool panel_add(struct panel *panel, struct value value) {
    if (panel->count == panel->room) {
        size_t room = panel->room == 0 ? 64 : panel->room * 2;
        struct value *values = realloc(panel->values, room * sizeof *values);
        if (values == NULL)
            return false;
        panel->values = values;
        panel->room = room;
    }
    panel->values[panel->count++] = value;
    return true;
}

static int value_order(const void *left, const void *right) {
    const struct value *a = left, *b = right;
    if (a->ms != b->ms)
        return a->ms < b->ms ? -1 : 1;
    return (int)a->tag - (int)b->tag;
}

static void tags_seen(const struct panel *panels, size_t count, bool seen[TAG_COUNT]) {
    for (size_t p = 0; p < count; p++)
        for (size_t i = 0; i < panels[p].count; i++)
            seen[panels[p].values[i].tag] = true;
}

/* Column "value_UNIT" and the milliseconds in a unit; -1 when there is none. */
static int value_column(const struct csv *csv, double *ms_per_unit) {
    static const struct {
        const char *name;
        double ms;
    } units[] = {{"value_ns", 1e-6}, {"value_us", 1e-3}, {"value_ms", 1}, {"value_s", 1e3}};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        *ms_per_unit = units[i].ms;
        if (csv_column(csv, units[i].name) >= 0)
            return csv_column(csv, units[i].name);
    }
    return -1;
}

/* True when the row belongs to `group` (an object of summary.json's "groups"; NULL: all do). */
bool csv_row_in_group(const struct csv *csv, size_t row, const cJSON *group) {
    const cJSON *parameter;
    cJSON_ArrayForEach(parameter, cJSON_GetObjectItem(group, "parameters")) {
        const char *cell = csv_cell(csv, row, csv_column(csv, parameter->string));
        if (!cJSON_IsString(parameter) || strcmp(cell, parameter->valuestring) != 0)
            return false;
    }
    return true;
}

/* Puts each row into the panel of its group; panels[g * step] is that of group g. Rows of one
 * group tend to follow each other, so the last group is tried first. */
static bool panels_fill(const struct report *report, struct panel *panels, size_t step,
                        size_t group_count, const struct csv *csv) {
    double ms_per_unit;
    int value = value_column(csv, &ms_per_unit), tag = csv_column(csv, "tag");
    const cJSON *groups = cJSON_GetObjectItem(report->summary, "groups");
    const cJSON *group_at[PANELS_MAX] = {0};
    for (size_t g = 0; groups != NULL && g < group_count; g++)
        group_at[g] = cJSON_GetArrayItem(groups, (int)g);
    size_t at = 0;
    for (size_t row = 0; row < csv->rows; row++) {
        size_t tries = 0;
        while (tries < group_count && !csv_row_in_group(csv, row, group_at[at])) {
            at = (at + 1) % group_count;
            tries++;
        }
        double ms = csv_number(csv, row, value, -1) * ms_per_unit;
        if (tries == group_count || ms < 0)
            continue;
        if (!panel_add(&panels[at * step], (struct value){ms, tag_of(csv_cell(csv, row, tag))}))
            return false;
    }
    return true;
}

/* ---- groups ---- */

/* True when a node of the scenario, or `group`, follows 5.3 and none 4.9. */
static void profiles_seen(const cJSON *item, bool *is_4_9, bool *is_5_3) {
    if (cJSON_IsString(item) && item->string != NULL && strstr(item->string, "profile") != NULL) {
        *is_4_9 = *is_4_9 || strstr(item->valuestring, "4.9") != NULL;
        *is_5_3 = *is_5_3 || strstr(item->valuestring, "5.3") != NULL;
    }
    for (const cJSON *child = item == NULL ? NULL : item->child; child != NULL; child = child->next)
        profiles_seen(child, is_4_9, is_5_3);
}

static bool group_is_5_3(const struct report *report, const cJSON *group) {
    bool is_4_9 = false, is_5_3 = false;
    profiles_seen(cJSON_GetObjectItem(group, "parameters"), &is_4_9, &is_5_3);
    if (!is_4_9 && !is_5_3)
        profiles_seen(report->scenario, &is_4_9, &is_5_3);
    return is_5_3 && !is_4_9;
}

void group_title(const cJSON *group, char *out, size_t room) {
    size_t used = 0;
    out[0] = '\0';
    const cJSON *parameter;
    cJSON_ArrayForEach(parameter, cJSON_GetObjectItem(group, "parameters")) {
        int len =
            snprintf(out + used, room - used, "%s%s %s", used == 0 ? "" : ", ", parameter->string,
                     cJSON_IsString(parameter) ? parameter->valuestring : "?");
        if (len < 0 || (size_t)len >= room - used)
            return;
        used += (size_t)len;
    }
}

/* ---- axis ---- */

/* The least of 1, 2, 2.5, 5 times a power of ten that is not below `at_least` (> 0). */
static double nice_step(double at_least) {
    static const double steps[] = {1, 2, 2.5, 5, 10};
    double power = 1;
    while (power > at_least)
        power /= 10;
    while (power * 10 <= at_least)
        power *= 10;
    size_t i = 0;
    while (i + 1 < sizeof steps / sizeof steps[0] && steps[i] * power < at_least)
        i++;
    return steps[i] * power;
}

static double whole_bins(double value, double bin) {
    return (double)(uint64_t)(value / bin) * bin;
}

static void panel_axis(struct panel *panel, bool narrow) {
    double low = panel->values[0].ms, high = panel->values[panel->count - 1].ms;
    bool seen[TAG_COUNT] = {false};
    tags_seen(panel, 1, seen);
    for (enum tag tag = 0; tag < TAG_COUNT; tag++) {
        struct bound bound;
        if (seen[tag] && panel->view->theory(tag, panel->is_5_3, &bound)) {
            low = low < panel->view->shown_low ? low : panel->view->shown_low;
            high = high > panel->view->shown_high ? high : panel->view->shown_high;
        }
    }
    if (low < (high - low) * 0.5)
        low = 0;
    double least = high * 0.01 < 0.05 ? 0.05 : high * 0.01; /* all alike: that much around them */
    if (high - low < least)
        high = low + least;
    panel->bin = nice_step((high - low) / (narrow ? 32 : 48) * 0.8);
    panel->low = whole_bins(low < panel->bin ? 0 : low - panel->bin / 2, panel->bin);
    panel->high = whole_bins(high + panel->bin / 2, panel->bin) + panel->bin;
}

/* ---- tables ---- */

static FILE *table_open(const char *folder, size_t panel, const char *kind) {
    char path[PATH_MAX];
    int len = snprintf(path, sizeof path, "%s/panel-%zu-%s", folder, panel, kind);
    if (len < 0 || (size_t)len >= sizeof path) {
        errno = ENAMETOOLONG;
        return NULL;
    }
    return fopen(path, "w");
}

/* Percent of all values in each bin, stacked in the order of tags: tag t reaches from top[t] to
 * top[t + 1]. */
struct bin {
    double top[TAG_COUNT + 1];
};

/* Returns how many there are up to the last value. */
static size_t bins_count(const struct panel *panel, struct bin bins[BINS_MAX]) {
    size_t i = 0, count = 0;
    for (double left = panel->low; i < panel->count && count < BINS_MAX; left += panel->bin) {
        size_t counts[TAG_COUNT] = {0};
        /* half a millionth of a bin: sums of the bin's width are not exact */
        for (; i < panel->count && panel->values[i].ms < left + panel->bin * 0.9999995; i++)
            counts[panel->values[i].tag]++;
        bins[count].top[0] = 0;
        for (enum tag tag = 0; tag < TAG_COUNT; tag++)
            bins[count].top[tag + 1] =
                bins[count].top[tag] + 100.0 * (double)counts[tag] / (double)panel->count;
        count++;
    }
    RMQ_ASSERT(i == panel->count);
    return count;
}

/* A polygon "x percent" around neighbouring bins from `first` to before `end`. One shape for all of
 * them keeps the picture small and without hairlines. */
static void outline_write(const struct panel *panel, const struct bin *bins, enum tag tag,
                          size_t first, size_t end, FILE *out, double scale) {
    for (size_t i = first; i < end; i++) {
        double left = panel->low + (double)i * panel->bin;
        fprintf(out, "%.9g %.6g\n%.9g %.6g\n", left * scale, bins[i].top[tag + 1],
                (left + panel->bin) * scale, bins[i].top[tag + 1]);
    }
    for (size_t i = end; i-- > first;) {
        double left = panel->low + (double)i * panel->bin;
        fprintf(out, "%.9g %.6g\n%.9g %.6g\n", (left + panel->bin) * scale, bins[i].top[tag],
                left * scale, bins[i].top[tag]);
    }
    fputs("\n", out);
}

static bool bin_has(const struct bin *bin, enum tag tag) {
    return bin->top[tag + 1] > bin->top[tag];
}

/* panel-N-T.bars, the polygons of each tag T that there is; which and how high goes to `gp`. */
static bool bars_write(const struct panel *panel, size_t index, const char *folder, FILE *gp,
                       double scale) {
    struct bin bins[BINS_MAX];
    size_t count = bins_count(panel, bins);
    double highest = 0;
    bool seen[TAG_COUNT] = {false};
    tags_seen(panel, 1, seen);
    fprintf(gp, "tags_%zu = '", index);
    for (enum tag tag = 0; tag < TAG_COUNT; tag++) {
        if (!seen[tag])
            continue;
        char kind[16];
        snprintf(kind, sizeof kind, "%d.bars", (int)tag + 1);
        FILE *out = table_open(folder, index, kind);
        if (out == NULL)
            return false;
        fprintf(gp, " %d", (int)tag + 1);
        for (size_t first = 0, end; first < count; first = end + 1) {
            for (end = first; end < count && bin_has(&bins[end], tag); end++)
                continue;
            if (end > first)
                outline_write(panel, bins, tag, first, end, out, scale);
        }
        if (fclose(out) != 0)
            return false;
    }
    for (size_t i = 0; i < count; i++)
        highest = bins[i].top[TAG_COUNT] > highest ? bins[i].top[TAG_COUNT] : highest;
    fprintf(gp, "'\ntop_%zu = %.6g\n", index, highest);
    return true;
}

/* Lines "value percent": the share of values up to it. */
static bool ecdf_write(const struct panel *panel, size_t index, const char *folder, double scale) {
    FILE *out = table_open(folder, index, "0.ecdf");
    if (out == NULL)
        return false;
    size_t points = panel->count < ECDF_POINTS ? panel->count : ECDF_POINTS;
    fprintf(out, "%.9g 0\n%.9g 0\n", panel->low * scale, panel->values[0].ms * scale);
    for (size_t i = 1; i <= points; i++) {
        size_t upto = i * panel->count / points;
        fprintf(out, "%.9g %.6g\n", panel->values[upto - 1].ms * scale,
                100.0 * (double)upto / (double)panel->count);
    }
    fprintf(out, "%.9g 100\n", panel->high * scale);
    return fclose(out) == 0;
}

/* Lines "tag low high" of what theory says. */
static bool bounds_write(const struct panel *panel, size_t index, const char *folder,
                         double scale) {
    FILE *out = table_open(folder, index, "0.bounds");
    if (out == NULL)
        return false;
    bool seen[TAG_COUNT] = {false};
    tags_seen(panel, 1, seen);
    for (enum tag tag = 0; tag < TAG_COUNT; tag++) {
        struct bound bound;
        if (seen[tag] && panel->view->theory(tag, panel->is_5_3, &bound))
            fprintf(out, "%d %.9g %.9g\n", (int)tag + 1, bound.low * scale, bound.high * scale);
    }
    return fclose(out) == 0;
}

static bool panel_write(struct panel *panel, size_t index, const char *folder, FILE *out,
                        bool narrow) {
    qsort(panel->values, panel->count, sizeof *panel->values, value_order);
    panel_axis(panel, narrow);
    bool seconds = panel->high >= 2000;
    double scale = seconds ? 0.001 : 1;
    fprintf(out, "title_%zu = ", index);
    gnuplot_quote(out, panel->title);
    fprintf(out, "\ncount_%zu = '", index);
    html_number(out, (double)panel->count);
    fprintf(out, "'\naxis_%zu = '%s %s'\nlow_%zu = %.9g\nhigh_%zu = %.9g\nstep_%zu = %.9g\n", index,
            seconds ? "seconds" : "milliseconds", panel->view->axis, index, panel->low * scale,
            index, panel->high * scale, index,
            nice_step((panel->high - panel->low) * scale / (narrow ? 5 : 8)));
    return bars_write(panel, index, folder, out, scale) &&
           ecdf_write(panel, index, folder, scale) && bounds_write(panel, index, folder, scale);
}

/* ---- a figure ---- */

/* Returns how many entries it has, the line and the bounds with them. */
static int legend_write(FILE *out, const struct panel *panels, size_t count, const char *others) {
    bool seen[TAG_COUNT] = {false};
    tags_seen(panels, count, seen);
    int entries = 2;
    fprintf(out, "tag_count = %d\narray tag_colour[%d]\narray tag_legend[%d]\n", (int)TAG_COUNT,
            (int)TAG_COUNT, (int)TAG_COUNT);
    for (enum tag tag = 0; tag < TAG_COUNT; tag++) {
        entries += seen[tag];
        fprintf(out, "tag_colour[%d] = '%s'\ntag_legend[%d] = '%s'\n", (int)tag + 1,
                TAGS[tag].colour, (int)tag + 1,
                !seen[tag]         ? ""
                : tag == TAG_OTHER ? others
                                   : TAGS[tag].legend);
    }
    return entries;
}

/* Writes the panels that have values, in order, numbered from 1, below the legend (canvas->height).
 * -1, 0 or 1 as figure_data_fn. */
static int panels_write(struct panel *panels, size_t count, const struct subject *subject,
                        const char *folder, FILE *out, struct canvas *canvas,
                        struct figure *figure) {
    size_t shown = 0, empty = 0;
    for (size_t p = 0; p < count; p += 2) {
        if (panels[p].count == 0 && panels[p + 1].count == 0) {
            empty++;
            continue;
        }
        for (size_t i = p; i < p + 2; i++) {
            shown++;
            if (panels[i].count == 0)
                fprintf(out, "count_%zu = '0'\ntitle_%zu = ''\naxis_%zu = ''\n", shown, shown,
                        shown);
            else if (!panel_write(&panels[i], shown, folder, out, canvas->narrow))
                return -1;
        }
    }
    if (empty != 0 && shown != 0)
        snprintf(figure->remark, sizeof figure->remark,
                 "%zu of %zu combinations are not drawn: nothing was removed there.", empty,
                 count / 2);
    if (shown == 0)
        snprintf(figure->remark, sizeof figure->remark, "Nothing to draw: %s.", subject->nothing);
    int columns = canvas->narrow ? 1 : 2, header = canvas->height;
    int panel_height = canvas->narrow ? 200 : 210;
    fprintf(out, "panels = %zu\ncolumns = %d\nheader = %d\npanel_height = %d\n", shown, columns,
            header, panel_height);
    canvas->height += panel_height * ((int)shown / columns);
    return shown != 0;
}

static int figure_data(const struct subject *subject, const struct report *report,
                       const char *folder, FILE *out, struct canvas *canvas,
                       struct figure *figure) {
    const cJSON *groups = cJSON_GetObjectItem(report->summary, "groups");
    size_t group_count = groups == NULL ? 1 : (size_t)cJSON_GetArraySize(groups);
    group_count = group_count == 0 ? 1 : group_count;
    group_count = group_count > PANELS_MAX / 2 ? PANELS_MAX / 2 : group_count;
    struct panel panels[PANELS_MAX] = {0};
    int result = 0;
    for (size_t v = 0; v < 2 && result == 0; v++) {
        char name[96];
        struct csv csv;
        for (size_t g = 0; g < group_count; g++) {
            const cJSON *group = cJSON_GetArrayItem(groups, (int)g);
            struct panel *panel = &panels[2 * g + v];
            panel->view = &subject->views[v];
            panel->is_5_3 = group_is_5_3(report, group);
            group_title(group, panel->title, sizeof panel->title);
        }
        snprintf(name, sizeof name, "%s.csv", subject->views[v].metric);
        if (!report_series(report, name, &csv))
            continue; /* a run in which nothing was measured has no such file */
        result = panels_fill(report, &panels[v], 2, group_count, &csv) ? 0 : -1;
        csv_free(&csv);
    }
    if (result == 0) {
        int entries = legend_write(out, panels, 2 * group_count, subject->others);
        canvas->height = canvas->narrow ? 16 * entries + 6 : 34;
        result = panels_write(panels, 2 * group_count, subject, folder, out, canvas, figure);
    }
    for (size_t p = 0; p < PANELS_MAX; p++)
        free(panels[p].values);
    return result;
}

int figure_data_eviction(const struct report *report, const char *folder, FILE *out,
                         struct canvas *canvas, struct figure *figure) {
    return figure_data(&EVICTION, report, folder, out, canvas, figure);
}

int figure_data_client_view(const struct report *report, const char *folder, FILE *out,
                            struct canvas *canvas, struct figure *figure) {
    return figure_data(&CLIENT_VIEW, report, folder, out, canvas, figure);
}
