/* sim/report/report_store.c - tables for the picture of what stores did: a lane per broker, bars
 * for what lasts, marks for what does not. Reads series/store.csv. */
#include <stdlib.h>
#include <string.h>

#include "sim/report/report_internal.h"

#define LANES_MAX 40
#define MARKS_MAX 4000

/* A bar fills the lane; marks stand in thirds of it, so that kinds do not hide each other. */
static const struct {
    const char *what, *text, *colour;
    bool bar;
    double low, high; /* of the lane */
} ACTS[] = {
    {"down", "down", "#8a8f98", true, 0.1, 0.9},
    {"refusing", "refuses messages", "#d6336c", true, 0.25, 0.75},
    {"busy", "busy answers", "#e0861a", false, 0.1, 0.5},
    {"deleted", "file deleted", "#2f86d0", false, 0.5, 0.9},
    {"recovered", "recovered", "#1f9e89", false, 0.1, 0.9},
    {"disk_failed", "write or sync failed", "#a469c9", false, 0.1, 0.5},
    {"failed", "store failed", "#d11f1f", false, 0.1, 0.9},
};
#define ACT_COUNT (sizeof ACTS / sizeof ACTS[0])

struct store_picture {
    struct csv csv;
    const char *brokers[LANES_MAX];
    size_t broker_count, left_out;
    bool seen[ACT_COUNT];
    double end_s;
};

static size_t act_of(const char *what) {
    size_t act = 0;
    while (act < ACT_COUNT && strcmp(ACTS[act].what, what) != 0)
        act++;
    return act;
}

/* The broker's lane, a new one when there is room; LANES_MAX: none. */
static size_t lane_of(struct store_picture *all, const char *broker) {
    size_t lane = 0;
    while (lane < all->broker_count && strcmp(all->brokers[lane], broker) != 0)
        lane++;
    if (lane == all->broker_count && lane < LANES_MAX)
        all->brokers[all->broker_count++] = broker;
    return lane;
}

static bool bars_write(struct store_picture *all, const char *folder, double px_s) {
    const struct csv *csv = &all->csv;
    int broker = csv_column(csv, "broker"), what = csv_column(csv, "what");
    int from_column = csv_column(csv, "from_s"), to_column = csv_column(csv, "to_s");
    FILE *out = figure_table_open(folder, "bars");
    size_t written = 0;
    if (out == NULL)
        return false;
    for (size_t row = 0; row < csv->rows; row++) {
        size_t act = act_of(csv_cell(csv, row, what));
        size_t lane = lane_of(all, csv_cell(csv, row, broker));
        if (act == ACT_COUNT || lane == LANES_MAX || written == MARKS_MAX) {
            all->left_out++;
            continue;
        }
        double from = csv_number(csv, row, from_column, 0);
        double to = csv_number(csv, row, to_column, all->end_s), least = from + 2.5 * px_s;
        fprintf(out, "%.3f %.3f %.6f %.6f 0x%s\n", (double)lane + ACTS[act].low,
                (double)lane + ACTS[act].high, from, to > least ? to : least, ACTS[act].colour + 1);
        all->seen[act] = true;
        written++;
    }
    return fclose(out) == 0;
}

static int picture_write(struct store_picture *all, const struct report *report, const char *folder,
                         FILE *out, struct canvas *canvas, struct figure *figure) {
    struct legend_entry legend[ACT_COUNT];
    struct time_picture picture = {.end_s = all->end_s,
                                   .left = canvas->narrow ? 100 : 150,
                                   .right = canvas->narrow ? 12 : 20,
                                   .footer = 44};
    size_t entries = 0;
    if (!bars_write(all, folder, all->end_s / (canvas->width - picture.left - picture.right)))
        return -1;
    for (size_t act = 0; act < ACT_COUNT; act++)
        if (all->seen[act])
            legend[entries++] = (struct legend_entry){'#', ACTS[act].colour, ACTS[act].text};
    if (all->left_out > 0)
        snprintf(figure->remark, sizeof figure->remark,
                 "%zu lines of series/store.csv are not drawn.", all->left_out);
    picture.header = legend_height(canvas, 0, legend, entries) + 4;
    canvas->height =
        picture.header + time_faults_height(report) + (int)all->broker_count * 24 + picture.footer;
    fputs("set ytics ()\n", out);
    for (size_t i = 0; i < all->broker_count; i++) {
        char label[64];
        figure_text_fit(all->brokers[i], canvas->narrow ? 13 : 20, true, label, sizeof label);
        fputs("set ytics add (", out);
        gnuplot_quote(out, label);
        fprintf(out, " %zu.5)\n", i);
    }
    legend_put(out, canvas, 0, legend, entries);
    time_picture_put(out, report, canvas, &picture);
    fprintf(out, "rows = %zu\n", all->broker_count);
    return 1;
}

int figure_data_store(const struct report *report, const char *folder, FILE *out,
                      struct canvas *canvas, struct figure *figure) {
    struct store_picture all = {.end_s = report_number(report->summary, "simulated_s", 0)};
    int result = 0;
    if (!report_series(report, "store.csv", &all.csv) || all.csv.rows == 0)
        snprintf(figure->remark, sizeof figure->remark,
                 "Nothing to draw: no store did anything but take messages.");
    else
        result = picture_write(&all, report, folder, out, canvas, figure);
    csv_free(&all.csv);
    return result;
}
