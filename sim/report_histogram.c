/* sim/report_histogram.c - tables for the pictures that show how a metric is distributed: bars of
 * share per bin, stacked by tag, and the share reached so far (ECDF). One row of panels for each
 * combination of what a study varies.
 *
 * Reads series/panels.csv (panel, group, metric, count), series/histogram.csv (panel, at_s,
 * width_s, close, idle, scan, other: counts) and series/ecdf.csv (panel, value_s, percent), which
 * are binned already. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sim/report_internal.h"

#define PANELS_MAX 64

/* ---- what removed it ---- */

enum tag { TAG_IDLE, TAG_SCAN, TAG_CLOSE, TAG_OTHER, TAG_COUNT };
/* name is the column of histogram.csv */
static const struct {
    const char *name, *legend, *colour;
} TAGS[TAG_COUNT] = {{"idle", "idle close of the channel", "#2f86d0"},
                     {"scan", "expiry scan", "#e0861a"},
                     {"close", "connection closed", "#a469c9"},
                     {"other", "", "#1f9e89"}};

/* ---- the two metrics of a figure, and what theory says about them ---- */

/* Where theory puts a value, for one tag. Seconds; low = high is a line. */
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
    *out = (struct bound){tag, 120, tag == TAG_IDLE ? 120 : is_5_3 ? 125 : 130};
    return tag == TAG_IDLE || tag == TAG_SCAN;
}
static bool theory_since_fault(enum tag tag, bool is_5_3, struct bound *out) {
    *out = (struct bound){tag, 90, tag == TAG_IDLE ? 120 : is_5_3 ? 125 : 130};
    return tag == TAG_IDLE || tag == TAG_SCAN;
}
static bool theory_one_poll(enum tag tag, bool is_5_3, struct bound *out) {
    (void)is_5_3;
    *out = (struct bound){tag, 0, 30};
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
      theory_since_registration, 118, 132},
     {"eviction_after_fault_ms", "since the fault", theory_since_fault, 85, 135}},
    "otherwise",
    "no broker was removed"};
static const struct subject CLIENT_VIEW = {
    {{"client_drop_after_fault_ms", "since the fault", theory_none, 0, 0},
     {"client_drop_after_eviction_ms", "since the name server removed it", theory_one_poll, 0, 32}},
    "dropped by a client",
    "no client dropped a broker"};

/* ---- panels ---- */

struct panel {
    const struct view *view;
    const char *group;
    const char *number; /* in the files; NULL: no value in this combination */
    size_t count;
    bool seen[TAG_COUNT];
    double low, high; /* of the bars, then of the axis, seconds */
    bool is_5_3;
};
struct panels {
    struct csv list, histogram, curve;
    struct panel panels[PANELS_MAX]; /* two of each group */
    size_t count;
    size_t left_out; /* groups that found no room */
};

/* The profiles that values called "profile" name, of a whole document. */
static void profiles_seen(const cJSON *item, bool *is_4_9, bool *is_5_3) {
    if (cJSON_IsString(item) && item->string != NULL && strstr(item->string, "profile") != NULL) {
        *is_4_9 = *is_4_9 || strstr(item->valuestring, "4.9") != NULL;
        *is_5_3 = *is_5_3 || strstr(item->valuestring, "5.3") != NULL;
    }
    for (const cJSON *child = item == NULL ? NULL : item->child; child != NULL; child = child->next)
        profiles_seen(child, is_4_9, is_5_3);
}

/* True when the group, or else the scenario, follows 5.3 and not 4.9. */
static bool group_is_5_3(const struct report *report, const char *group) {
    bool is_4_9 = strstr(group, "4.9") != NULL, is_5_3 = strstr(group, "5.3") != NULL;
    if (!is_4_9 && !is_5_3)
        profiles_seen(report->scenario, &is_4_9, &is_5_3);
    return is_5_3 && !is_4_9;
}

/* The first of the two panels of a group, made when it is new; NULL: no room. */
static struct panel *panels_of_group(struct panels *all, const struct report *report,
                                     const struct subject *subject, const char *group) {
    for (size_t i = 0; i < all->count; i += 2)
        if (strcmp(all->panels[i].group, group) == 0)
            return &all->panels[i];
    if (all->count == PANELS_MAX) {
        all->left_out++;
        return NULL;
    }
    struct panel *pair = &all->panels[all->count];
    for (size_t v = 0; v < 2; v++)
        pair[v] = (struct panel){
            .view = &subject->views[v], .group = group, .is_5_3 = group_is_5_3(report, group)};
    all->count += 2;
    return pair;
}

static void panels_list(struct panels *all, const struct report *report,
                        const struct subject *subject) {
    const struct csv *list = &all->list;
    int number = csv_column(list, "panel"), group = csv_column(list, "group");
    int metric = csv_column(list, "metric"), count = csv_column(list, "count");
    for (size_t row = 0; row < list->rows; row++)
        for (size_t v = 0; v < 2; v++) {
            if (strcmp(csv_cell(list, row, metric), subject->views[v].metric) != 0)
                continue;
            struct panel *pair = panels_of_group(all, report, subject, csv_cell(list, row, group));
            if (pair == NULL)
                continue;
            pair[v].number = csv_cell(list, row, number);
            pair[v].count = (size_t)csv_number(list, row, count, 0);
        }
}

/* Goes through the bins: which tags there are, and from where to where. */
static void panel_measure(struct panel *panel, const struct csv *histogram) {
    int number = csv_column(histogram, "panel"), at = csv_column(histogram, "at_s");
    int width = csv_column(histogram, "width_s");
    bool first = true;
    for (size_t row = 0; row < histogram->rows; row++) {
        if (strcmp(csv_cell(histogram, row, number), panel->number) != 0)
            continue;
        double low = csv_number(histogram, row, at, 0);
        double bin = csv_number(histogram, row, width, 0);
        panel->low = first || low < panel->low ? low : panel->low;
        panel->high = first || low + bin > panel->high ? low + bin : panel->high;
        first = false;
        for (enum tag tag = 0; tag < TAG_COUNT; tag++)
            panel->seen[tag] |=
                csv_number(histogram, row, csv_column(histogram, TAGS[tag].name), 0) > 0;
    }
}

/* Room around the bars, and for the bounds; from 0 when that is not far away. */
static void panel_axis(struct panel *panel) {
    for (enum tag tag = 0; tag < TAG_COUNT; tag++) {
        struct bound bound;
        if (!panel->seen[tag] || !panel->view->theory(tag, panel->is_5_3, &bound))
            continue;
        if (panel->low > panel->view->shown_low)
            panel->low = panel->view->shown_low;
        if (panel->high < panel->view->shown_high)
            panel->high = panel->view->shown_high;
    }
    double room = (panel->high - panel->low) * 0.03;
    panel->low = panel->low - room < panel->high * 0.4 ? 0 : panel->low - room;
    panel->high += room;
}

/* ---- tables ---- */

static FILE *table_open(const char *folder, size_t panel, const char *kind) {
    char path[PATH_MAX];
    int len = snprintf(path, sizeof path, "%s/panel-%zu.%s", folder, panel, kind);
    if (len < 0 || (size_t)len >= sizeof path) {
        errno = ENAMETOOLONG;
        return NULL;
    }
    return fopen(path, "w");
}

/* Lines "tag left right bottom top", percent of all values, stacked in the order of tags. */
static bool bars_write(const struct panel *panel, const struct csv *histogram, size_t index,
                       const char *folder, double scale) {
    FILE *out = table_open(folder, index, "bars");
    if (out == NULL)
        return false;
    int number = csv_column(histogram, "panel"), at = csv_column(histogram, "at_s");
    int width = csv_column(histogram, "width_s");
    for (size_t row = 0; row < histogram->rows; row++) {
        if (strcmp(csv_cell(histogram, row, number), panel->number) != 0)
            continue;
        double bottom = 0, left = csv_number(histogram, row, at, 0);
        double right = left + csv_number(histogram, row, width, 0);
        for (enum tag tag = 0; tag < TAG_COUNT; tag++) {
            int column = csv_column(histogram, TAGS[tag].name);
            double share = 100.0 * csv_number(histogram, row, column, 0) / (double)panel->count;
            if (share > 0)
                fprintf(out, "%d %.9g %.9g %.6g %.6g\n", (int)tag + 1, left * scale, right * scale,
                        bottom, bottom + share);
            bottom += share;
        }
    }
    return fclose(out) == 0;
}

/* Lines "value percent": the share of values up to it, from one end of the axis to the other. */
static bool ecdf_write(const struct panel *panel, const struct csv *curve, size_t index,
                       const char *folder, double scale) {
    FILE *out = table_open(folder, index, "ecdf");
    if (out == NULL)
        return false;
    int number = csv_column(curve, "panel"), value = csv_column(curve, "value_s");
    int percent = csv_column(curve, "percent");
    fprintf(out, "%.9g 0\n", panel->low * scale);
    for (size_t row = 0; row < curve->rows; row++) {
        double at = csv_number(curve, row, value, 0);
        if (strcmp(csv_cell(curve, row, number), panel->number) == 0 && at > panel->low &&
            at < panel->high)
            fprintf(out, "%.9g %.6g\n", at * scale, csv_number(curve, row, percent, 0));
    }
    fprintf(out, "%.9g 100\n", panel->high * scale);
    return fclose(out) == 0;
}

/* Lines "tag low high" of what theory says. */
static bool bounds_write(const struct panel *panel, size_t index, const char *folder,
                         double scale) {
    FILE *out = table_open(folder, index, "bounds");
    if (out == NULL)
        return false;
    for (enum tag tag = 0; tag < TAG_COUNT; tag++) {
        struct bound bound;
        if (panel->seen[tag] && panel->view->theory(tag, panel->is_5_3, &bound))
            fprintf(out, "%d %.9g %.9g\n", (int)tag + 1, bound.low * scale, bound.high * scale);
    }
    return fclose(out) == 0;
}

static bool panel_write(struct panel *panel, const struct panels *all, size_t index,
                        const char *folder, FILE *out) {
    panel_axis(panel);
    bool seconds = panel->high >= 2;
    double scale = seconds ? 1 : 1000;
    fprintf(out, "title_%zu = ", index);
    gnuplot_quote(out, all->count > 2 ? panel->group : "");
    fprintf(out, "\ncount_%zu = '", index);
    html_number(out, (double)panel->count);
    fprintf(out, "'\naxis_%zu = '%s %s'\nlow_%zu = %.9g\nhigh_%zu = %.9g\n", index,
            seconds ? "seconds" : "milliseconds", panel->view->axis, index, panel->low * scale,
            index, panel->high * scale);
    return bars_write(panel, &all->histogram, index, folder, scale) &&
           ecdf_write(panel, &all->curve, index, folder, scale) &&
           bounds_write(panel, index, folder, scale);
}

/* ---- a figure ---- */

/* Returns how many entries it has, the line and the bounds with them. */
static int legend_write(FILE *out, const struct panels *all, const char *others) {
    int entries = 2;
    fprintf(out, "tag_count = %d\narray tag_colour[%d]\narray tag_legend[%d]\n", (int)TAG_COUNT,
            (int)TAG_COUNT, (int)TAG_COUNT);
    for (enum tag tag = 0; tag < TAG_COUNT; tag++) {
        bool seen = false;
        for (size_t i = 0; i < all->count; i++)
            seen |= all->panels[i].seen[tag];
        entries += seen;
        fprintf(out, "tag_colour[%d] = '%s'\ntag_legend[%d] = '%s'\n", (int)tag + 1,
                TAGS[tag].colour, (int)tag + 1,
                !seen              ? ""
                : tag == TAG_OTHER ? others
                                   : TAGS[tag].legend);
    }
    return entries;
}

/* Panels are numbered from 1. False with errno. */
static bool panels_write(struct panels *all, const struct subject *subject, const char *folder,
                         FILE *out, struct canvas *canvas) {
    for (size_t i = 0; i < all->count; i++)
        if (all->panels[i].number != NULL)
            panel_measure(&all->panels[i], &all->histogram);
    int entries = legend_write(out, all, subject->others);
    for (size_t i = 0; i < all->count; i++)
        if (all->panels[i].number == NULL)
            fprintf(out, "count_%zu = '0'\n", i + 1);
        else if (!panel_write(&all->panels[i], all, i + 1, folder, out))
            return false;
    int columns = canvas->narrow ? 1 : 2, header = canvas->narrow ? 16 * entries + 6 : 34;
    int panel_height = canvas->narrow ? 200 : 210;
    fprintf(out, "panels = %zu\ncolumns = %d\nheader = %d\npanel_height = %d\n", all->count,
            columns, header, panel_height);
    canvas->height = header + panel_height * ((int)all->count / columns);
    return true;
}

static int figure_data(const struct subject *subject, const struct report *report,
                       const char *folder, FILE *out, struct canvas *canvas,
                       struct figure *figure) {
    struct panels *all = calloc(1, sizeof *all);
    if (all == NULL)
        return -1;
    int result = 0;
    if (report_series(report, "panels.csv", &all->list) &&
        report_series(report, "histogram.csv", &all->histogram) &&
        report_series(report, "ecdf.csv", &all->curve))
        panels_list(all, report, subject);
    if (all->count > 0)
        result = panels_write(all, subject, folder, out, canvas) ? 1 : -1;
    else
        snprintf(figure->remark, sizeof figure->remark, "Nothing to draw: %s.", subject->nothing);
    if (all->left_out > 0)
        snprintf(figure->remark, sizeof figure->remark, "Only the first %d combinations are drawn.",
                 PANELS_MAX / 2);
    csv_free(&all->list);
    csv_free(&all->histogram);
    csv_free(&all->curve);
    free(all);
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
