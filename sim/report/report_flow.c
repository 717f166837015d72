/* sim/report/report_flow.c - tables for pictures of messages over time: latencies (single ones and
 * quantiles per second), throughput, backlog.
 *
 * Reads series/flow.csv and series/latencies.csv. A long run has more points than a picture has
 * pixels: neighbours are put together, of quantiles the worst one is shown. */
#include <stdlib.h>
#include <string.h>

#include "sim/report/report_internal.h"

#define COLUMNS_WIDE 300
#define COLUMNS_NARROW 120
#define DOTS_WIDE 700
#define DOTS_NARROW 300

#define COLOUR_OK "#2f86d0"
#define COLOUR_P50 "#1f9e89"
#define COLOUR_P99 "#e0861a"
#define COLOUR_P999 "#c2412d"
#define COLOUR_FAILED "#d6336c"
#define COLOUR_OTHER "#a469c9"

/* ---- series/flow.csv ---- */

enum how { TOTAL, RATE, WORST, LAST };

/* Points first .. end - 1 of a column put together; < 0: there is none. */
static double joined(const struct csv *csv, int column, enum how how, size_t first, size_t end) {
    double value = -1, seconds = 0;
    for (size_t row = first; row < end; row++) {
        double one = csv_number(csv, row, column, -1);
        seconds += csv_number(csv, row, csv_column(csv, "to_s"), 0) -
                   csv_number(csv, row, csv_column(csv, "from_s"), 0);
        if (one < 0)
            continue;
        if (how == TOTAL || how == RATE)
            value = value < 0 ? one : value + one;
        else if (how == LAST || one > value)
            value = one;
    }
    return how == RATE && value >= 0 && seconds > 0 ? value / seconds : value;
}

struct column {
    const char *name;
    enum how how;
    double scale;
};

/* Lines "middle value value ..." of joined points; NaN where there is none. The highest
 * value of each column goes to top[]. False with errno. */
static bool points_write(const struct csv *csv, const struct canvas *canvas, const char *folder,
                         const struct column *columns, size_t count, double top[]) {
    FILE *out = figure_table_open(folder, "points");
    if (out == NULL)
        return false;
    size_t most = canvas->narrow ? COLUMNS_NARROW : COLUMNS_WIDE;
    size_t step = (csv->rows + most - 1) / most;
    for (size_t i = 0; i < count; i++)
        top[i] = 0;
    for (size_t row = 0; row < csv->rows; row += step) {
        size_t end = row + step < csv->rows ? row + step : csv->rows;
        double from = csv_number(csv, row, csv_column(csv, "from_s"), 0);
        double to = csv_number(csv, end - 1, csv_column(csv, "to_s"), from);
        fprintf(out, "%.6f", columns[0].how == LAST ? to : (from + to) / 2);
        for (size_t i = 0; i < count; i++) {
            double value = joined(csv, csv_column(csv, columns[i].name), columns[i].how, row, end) *
                           columns[i].scale;
            if (value < 0) {
                fputs(" NaN", out);
                continue;
            }
            fprintf(out, " %.9g", value);
            top[i] = value > top[i] ? value : top[i];
        }
        putc('\n', out);
    }
    return fclose(out) == 0;
}

/* ---- latency ---- */

struct range {
    double low, high; /* 0: nothing yet */
};
static void range_add(struct range *range, double value) {
    if (value <= 0)
        return;
    range->low = range->low == 0 || value < range->low ? value : range->low;
    range->high = value > range->high ? value : range->high;
}

/* Lines "at_s ms" of one kind; how many are in the file. */
static bool dots_write(const struct csv *csv, const struct canvas *canvas, const char *folder,
                       const char *name, const char *kind, struct range *range, size_t *count) {
    FILE *out = figure_table_open(folder, name);
    if (out == NULL)
        return false;
    int kind_column = csv_column(csv, "kind"), at = csv_column(csv, "at_s");
    int latency = csv_column(csv, "latency_us");
    size_t all = 0, most = canvas->narrow ? DOTS_NARROW : DOTS_WIDE;
    *count = 0;
    for (size_t row = 0; row < csv->rows; row++)
        all += strcmp(csv_cell(csv, row, kind_column), kind) == 0;
    size_t every = all == 0 ? 1 : (all + most - 1) / most;
    for (size_t row = 0, seen = 0; row < csv->rows; row++) {
        double us = csv_number(csv, row, latency, -1);
        if (strcmp(csv_cell(csv, row, kind_column), kind) != 0 || seen++ % every != 0 || us < 0)
            continue;
        double ms = us < 1 ? 0.001 : us / 1000; /* a logarithmic axis has no 0 */
        fprintf(out, "%.6f %.9g\n", csv_number(csv, row, at, 0), ms);
        range_add(range, ms);
        (*count)++;
    }
    return fclose(out) == 0;
}

/* "500 us", "20 ms", "5 s" */
static void tick_text(FILE *out, double ms) {
    if (ms < 0.9999)
        fprintf(out, "'%.0f us' %.9g", ms * 1000, ms);
    else if (ms < 999.99)
        fprintf(out, "'%.0f ms' %.9g", ms, ms);
    else
        fprintf(out, "'%.0f s' %.9g", ms / 1000, ms);
}

/* The marks of the axis, in order: 1 us, 2 us, 5 us, 10 us, ... */
#define MARKS 33
static double mark_ms(size_t at) {
    static const double steps[] = {0.001, 0.002, 0.005};
    double mark = steps[at % 3];
    for (size_t i = 0; i < at / 3; i++)
        mark *= 10;
    return mark;
}

/* Bounds, and marks at 1, (2, 5,) 10, ...; those between only while the range is small. */
static void log_axis_put(FILE *out, double bottom, double top) {
    size_t low = 0, high = MARKS - 1;
    while (low + 1 < MARKS && mark_ms(low + 1) <= bottom * 0.97)
        low++;
    while (high > 0 && mark_ms(high - 1) >= top * 1.03)
        high--;
    fprintf(out, "low = %.9g\nhigh = %.9g\nset ytics (", mark_ms(low), mark_ms(high));
    const char *before = "";
    for (size_t at = low; at <= high; at++)
        if (at % 3 == 0 || top / bottom < 300) {
            fputs(before, out);
            tick_text(out, mark_ms(at));
            before = ", ";
        }
    fputs(")\n", out);
}

struct latency_view {
    struct column quantiles[3];
    const char *kind, *failed; /* of series/latencies.csv */
    const char *dot_text, *nothing;
};

static void field_put(FILE *out, const struct report *report, struct canvas *canvas,
                      const struct legend_entry *legend, size_t count, int field_px) {
    struct time_picture picture = {.end_s = report_number(report->summary, "simulated_s", 0),
                                   .left = canvas->narrow ? 56 : 66,
                                   .right = canvas->narrow ? 12 : 20,
                                   .header = legend_height(canvas, 0, legend, count) + 4,
                                   .footer = 44};
    canvas->height = picture.header + time_faults_height(report) + field_px + picture.footer;
    legend_put(out, canvas, 0, legend, count);
    time_picture_put(out, report, canvas, &picture);
}

static int latency_write(const struct latency_view *view, const struct report *report,
                         const struct csv *flow, const struct csv *latencies, const char *folder,
                         FILE *out, struct canvas *canvas, struct figure *figure) {
    double top[3];
    struct range range = {0, 0};
    size_t dots = 0, failed = 0;
    if (!points_write(flow, canvas, folder, view->quantiles, 3, top) ||
        !dots_write(latencies, canvas, folder, "dots", view->kind, &range, &dots) ||
        !dots_write(latencies, canvas, folder, "failed", view->failed, &range, &failed))
        return -1;
    for (size_t i = 0; i < 3; i++)
        range_add(&range, top[i]);
    if (range.high == 0) {
        snprintf(figure->remark, sizeof figure->remark, "Nothing to draw: %s.", view->nothing);
        return 0;
    }
    const struct legend_entry legend[] = {{'.', COLOUR_OK, view->dot_text},
                                          {'-', COLOUR_P50, "p50"},
                                          {'-', COLOUR_P99, "p99"},
                                          {'-', COLOUR_P999, "p99.9"},
                                          {'x', COLOUR_FAILED, "failed: when it gave up"}};
    field_put(out, report, canvas, legend, failed > 0 ? 5 : 4, canvas->narrow ? 240 : 300);
    log_axis_put(out, range.low, range.high);
    fprintf(out, "dots = %zu\nfailed = %zu\n", dots, failed);
    return 1;
}

static int latency_data(const struct latency_view *view, const struct report *report,
                        const char *folder, FILE *out, struct canvas *canvas,
                        struct figure *figure) {
    struct csv flow = {0}, latencies = {0};
    int result = 0;
    if (!report_series(report, "flow.csv", &flow) ||
        !report_series(report, "latencies.csv", &latencies) || flow.rows == 0)
        snprintf(figure->remark, sizeof figure->remark, "Nothing to draw: %s.", view->nothing);
    else
        result = latency_write(view, report, &flow, &latencies, folder, out, canvas, figure);
    csv_free(&flow);
    csv_free(&latencies);
    return result;
}

int figure_data_send_latency(const struct report *report, const char *folder, FILE *out,
                             struct canvas *canvas, struct figure *figure) {
    static const struct latency_view view = {{{"send_p50_us", WORST, 0.001},
                                              {"send_p99_us", WORST, 0.001},
                                              {"send_p99.9_us", WORST, 0.001}},
                                             "send",
                                             "send_failed",
                                             "one send",
                                             "no message was sent"};
    return latency_data(&view, report, folder, out, canvas, figure);
}

int figure_data_produce_to_consume(const struct report *report, const char *folder, FILE *out,
                                   struct canvas *canvas, struct figure *figure) {
    static const struct latency_view view = {{{"consume_p50_us", WORST, 0.001},
                                              {"consume_p99_us", WORST, 0.001},
                                              {"consume_p99.9_us", WORST, 0.001}},
                                             "consume",
                                             "",
                                             "one message",
                                             "no message was delivered"};
    return latency_data(&view, report, folder, out, canvas, figure);
}

/* ---- throughput, backlog ---- */

struct count_view {
    struct column columns[4]; /* the first ones share a field, the last one has one of its own */
    struct legend_entry legend[4];
    size_t count;
    int field_px, field_2_px; /* 0: one field */
};

static int count_data(const struct count_view *view, const struct report *report,
                      const char *folder, FILE *out, struct canvas *canvas, struct figure *figure) {
    struct csv flow = {0};
    double top[4];
    int result = 0;
    if (!report_series(report, "flow.csv", &flow) || flow.rows == 0)
        snprintf(figure->remark, sizeof figure->remark,
                 "Nothing to draw: no message was sent or delivered.");
    else
        result = points_write(&flow, canvas, folder, view->columns, view->count, top) ? 1 : -1;
    csv_free(&flow);
    if (result != 1)
        return result;
    field_put(out, report, canvas, view->legend, view->count, view->field_px + view->field_2_px);
    if (view->count == 1 && top[0] == 0)
        snprintf(figure->remark, sizeof figure->remark, "There was none at the end of any second.");
    for (size_t i = 1; view->field_2_px > 0 && i + 1 < view->count; i++)
        top[0] = top[i] > top[0] ? top[i] : top[0];
    fprintf(out, "high = %.9g\nhigh_2 = %.9g\nfield_px = %d\n", top[0] > 0 ? top[0] * 1.05 : 1,
            top[view->count - 1] > 0 ? top[view->count - 1] * 1.05 : 1, view->field_px);
    return 1;
}

int figure_data_throughput(const struct report *report, const char *folder, FILE *out,
                           struct canvas *canvas, struct figure *figure) {
    static const struct count_view view = {{{"sends_started", RATE, 1},
                                            {"sends_acked", RATE, 1},
                                            {"sends_failed", RATE, 1},
                                            {"delivered", RATE, 1}},
                                           {{'-', COLOUR_OTHER, "sent"},
                                            {'-', COLOUR_OK, "acknowledged"},
                                            {'-', COLOUR_FAILED, "failed"},
                                            {'-', COLOUR_P50, "delivered (lower field)"}},
                                           4,
                                           170,
                                           130};
    return count_data(&view, report, folder, out, canvas, figure);
}

int figure_data_backlog(const struct report *report, const char *folder, FILE *out,
                        struct canvas *canvas, struct figure *figure) {
    static const struct count_view view = {
        {{"backlog", LAST, 1}},
        {{'#', COLOUR_P99, "in queues, not yet delivered (all groups)"}},
        1,
        160,
        0};
    return count_data(&view, report, folder, out, canvas, figure);
}
