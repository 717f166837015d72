/* sim/report/report_runs.c - tables for the picture of how the runs of a sweep differ: shares so
 * far (ECDF) of send latency, time to the first success after a fault, duplicates and losses. A row
 * of panels for each combination of what the sweep varies.
 *
 * Reads series/send_latency_us.csv and series/first_success_after_fault_ms.csv (value_ns, tag) and
 * runs.csv (duplicates, lost_in_window). Scales are logarithmic, the same in all rows; what is 0
 * stands at the left edge. */
#include <stdlib.h>
#include <string.h>

#include "sim/report/report_internal.h"

#define GROUPS_MAX 8
#define ECDF_POINTS 120

/* A line of a panel: what a column of a file says, of rows with the tag. */
struct line {
    const char *tag; /* NULL: all rows */
    const char *colour;
};
static const struct view {
    const char *file; /* of the directory */
    const char *column;
    double scale;
    const char *title;
    double zero; /* where 0 stands */
    struct line lines[3];
} VIEWS[] = {
    {"series/send_latency_us.csv",
     "value_ns",
     1e-6,
     "send latency, ms",
     0.001,
     {{"p50", "#1f9e89"}, {"p99", "#e0861a"}, {"max", "#c2412d"}}},
    {"series/produce_to_consume_us.csv",
     "value_ns",
     1e-6,
     "produce to consume, ms",
     0.001,
     {{"p50", "#1f9e89"}, {"p99", "#e0861a"}, {"max", "#c2412d"}}},
    {"series/first_success_after_fault_ms.csv",
     "value_ns",
     1e-6,
     "first success after a fault, ms",
     0.1,
     {{NULL, "#2f86d0"}}},
    {"runs.csv", "duplicates", 1, "duplicates in a run", 0.5, {{NULL, "#2f86d0"}}},
    {"runs.csv", "lost_in_window", 1, "lost before flush in a run", 0.5, {{NULL, "#2f86d0"}}},
};
#define VIEW_COUNT (sizeof VIEWS / sizeof VIEWS[0])

struct runs {
    struct csv files[VIEW_COUNT];
    bool shown[VIEW_COUNT];
    double low[VIEW_COUNT], high[VIEW_COUNT];
    const cJSON *groups;
    size_t group_count;
    double *values; /* room for the longest file */
};

static double value_at(const struct runs *runs, size_t view, size_t row) {
    const struct csv *csv = &runs->files[view];
    double value = csv_number(csv, row, csv_column(csv, VIEWS[view].column), -1);
    value = value < 0 ? value : value * VIEWS[view].scale;
    return value >= 0 && value < VIEWS[view].zero ? VIEWS[view].zero : value;
}

/* The power of ten next below or above a positive value. */
static double power_of_ten(double value, bool above) {
    double power = 1e-6;
    while (power * 10 <= value * 1.0000001)
        power *= 10;
    return above && power < value ? power * 10 : power;
}

/* Whole powers of ten around all values; a view in which all are 0 is not shown. */
static void range_find(struct runs *runs, size_t view) {
    double low = 0, high = 0;
    for (size_t row = 0; row < runs->files[view].rows; row++) {
        double value = value_at(runs, view, row);
        if (value < 0)
            continue;
        low = low == 0 || value < low ? value : low;
        high = value > high ? value : high;
    }
    runs->shown[view] = high > VIEWS[view].zero;
    if (!runs->shown[view])
        return;
    runs->low[view] = VIEWS[view].zero == 0.5 ? 0.5 : power_of_ten(low, false);
    runs->high[view] = power_of_ten(high * 1.0001, true);
}

static bool runs_read(struct runs *runs, const struct report *report) {
    size_t most = 0;
    for (size_t v = 0; v < VIEW_COUNT; v++) {
        char path[PATH_MAX];
        int len = snprintf(path, sizeof path, "%s/%s", report->path, VIEWS[v].file);
        if (len < 0 || (size_t)len >= sizeof path || !csv_read(path, &runs->files[v]))
            continue;
        range_find(runs, v);
        most = runs->files[v].rows > most ? runs->files[v].rows : most;
    }
    runs->groups = cJSON_GetObjectItem(report->summary, "groups");
    int groups = cJSON_GetArraySize(runs->groups);
    runs->group_count = groups > GROUPS_MAX ? GROUPS_MAX : groups < 1 ? 1 : (size_t)groups;
    runs->values = calloc(most + 1, sizeof *runs->values);
    return runs->values != NULL;
}

static int number_order(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* Sorted values of a line in a group. */
static size_t values_of(struct runs *runs, size_t view, const struct line *line, size_t group) {
    const struct csv *csv = &runs->files[view];
    const cJSON *of = cJSON_GetArrayItem(runs->groups, (int)group);
    int tag = csv_column(csv, "tag");
    size_t count = 0;
    for (size_t row = 0; row < csv->rows; row++) {
        double value = value_at(runs, view, row);
        if (value >= 0 && csv_row_in_group(csv, row, of) &&
            (line->tag == NULL || strcmp(csv_cell(csv, row, tag), line->tag) == 0))
            runs->values[count++] = value;
    }
    qsort(runs->values, count, sizeof *runs->values, number_order);
    return count;
}

/* panel-N-L: lines "value percent". */
static bool ecdf_write(const struct runs *runs, size_t count, double high, const char *folder,
                       size_t panel, size_t line) {
    char name[48];
    snprintf(name, sizeof name, "panel-%zu-%zu", panel, line);
    FILE *out = figure_table_open(folder, name);
    if (out == NULL)
        return false;
    size_t points = count < ECDF_POINTS ? count : ECDF_POINTS;
    if (count > 0)
        fprintf(out, "%.9g 0\n", runs->values[0]);
    for (size_t i = 1; i <= points; i++) {
        size_t upto = i * count / points;
        fprintf(out, "%.9g %.6g\n", runs->values[upto - 1], 100.0 * (double)upto / (double)count);
    }
    if (count > 0)
        fprintf(out, "%.9g 100\n", high);
    return fclose(out) == 0;
}

/* One panel with its variables; false when a file cannot be written. */
static bool panel_write(struct runs *runs, size_t view, size_t group, size_t panel,
                        const char *folder, FILE *out) {
    size_t values = 0, lines = 0;
    for (; lines < 3 && VIEWS[view].lines[lines].colour != NULL; lines++) {
        size_t count = values_of(runs, view, &VIEWS[view].lines[lines], group);
        values = count > values ? count : values;
        if (!ecdf_write(runs, count, runs->high[view], folder, panel, lines + 1))
            return false;
        fprintf(out, "colour_%zu_%zu = '%s'\n", panel, lines + 1, VIEWS[view].lines[lines].colour);
    }
    char title[96] = "";
    const cJSON *of = cJSON_GetArrayItem(runs->groups, (int)group);
    group_title(of, title, sizeof title);
    fprintf(out, "lines_%zu = %zu\ncount_%zu = %zu\ntitle_%zu = ", panel, lines, panel, values,
            panel);
    gnuplot_quote(out, title);
    fprintf(out, "\naxis_%zu = '%s'\nlow_%zu = %.9g\nhigh_%zu = %.9g\nzero_%zu = %d\n", panel,
            VIEWS[view].title, panel, runs->low[view], panel, runs->high[view], panel,
            VIEWS[view].zero == 0.5);
    return true;
}

static int panels_write(struct runs *runs, const char *folder, FILE *out, struct canvas *canvas,
                        struct figure *figure) {
    static const struct legend_entry legend[] = {{'-', "#1f9e89", "p50 of a run"},
                                                 {'-', "#e0861a", "p99 of a run"},
                                                 {'-', "#c2412d", "highest of a run"},
                                                 {'-', "#2f86d0", "of all runs"}};
    size_t panel = 0;
    for (size_t g = 0; g < runs->group_count; g++)
        for (size_t v = 0; v < VIEW_COUNT; v++)
            if (runs->shown[v] && !panel_write(runs, v, g, ++panel, folder, out))
                return -1;
    int all = cJSON_GetArraySize(runs->groups);
    if (all > GROUPS_MAX)
        snprintf(figure->remark, sizeof figure->remark, "Shown are %d of %d combinations.",
                 GROUPS_MAX, all);
    if (panel == 0) {
        snprintf(figure->remark, sizeof figure->remark,
                 "Nothing to draw: no run sent or delivered a message.");
        return 0;
    }
    size_t shown = panel / runs->group_count;
    size_t columns = canvas->narrow ? 1 : shown < 3 ? shown : shown == 4 ? 2 : 3;
    size_t lines_of_group = (shown + columns - 1) / columns;
    int header = legend_height(canvas, 0, legend, 4), panel_px = 190;
    canvas->height = header + (int)(lines_of_group * runs->group_count) * panel_px;
    legend_put(out, canvas, 0, legend, 4);
    fprintf(out,
            "panels = %zu\nof_group = %zu\ncolumns = %zu\nrows_of_group = %zu\nheader = %d\n"
            "panel_height = %d\n",
            panel, shown, columns, lines_of_group, header, panel_px);
    return 1;
}

int figure_data_runs(const struct report *report, const char *folder, FILE *out,
                     struct canvas *canvas, struct figure *figure) {
    struct runs runs = {.group_count = 0};
    int result = runs_read(&runs, report) ? panels_write(&runs, folder, out, canvas, figure) : -1;
    for (size_t v = 0; v < VIEW_COUNT; v++)
        csv_free(&runs.files[v]);
    free(runs.values);
    return result;
}
