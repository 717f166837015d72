/* sim/report/report_ownership.c - tables for the ownership timeline: per group and topic a row per
 * queue, a bar in the colour of the member that owns it. What lies between two bars is owned by
 * nobody; a time with two owners is drawn over both.
 *
 * Reads series/ownership.csv. With many queues those that changed hands most get rows; the remark
 * says how many, and how long queues were without an owner or had two. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/report/report_internal.h"

#define ROWS_MAX 64
#define BARS_MAX 6000 /* of all rows: a picture of more is megabytes */

/* Told apart on white and on near-black; more owners share them in turn. */
static const char *const COLOURS[] = {"#2f86d0", "#e0861a", "#1f9e89", "#a469c9",
                                      "#8c7a2b", "#d66fa8", "#5f7f95", "#7fae3a"};
#define COLOUR_COUNT (sizeof COLOURS / sizeof COLOURS[0])
#define COLOUR_OVERLAP "#d11f1f"

struct bar {
    const char *group, *topic, *broker;
    double queue;
    size_t owner; /* index in owners */
    double from_s, to_s;
};
struct lane {
    size_t first, end; /* its bars */
    bool shown;
};
struct ownership {
    struct csv csv;
    struct bar *bars; /* sorted by group, topic, broker, queue, time */
    struct lane *lanes;
    const char **owners; /* in order of appearance */
    size_t bar_count, lane_count, owner_count;
    double end_s;
    /* found out on the way */
    size_t gaps, overlaps;
    double longest_gap_s, longest_overlap_s;
};

/* ---- reading ---- */

/* "broker-2" before "broker-10". */
static int name_order(const char *a, const char *b) {
    size_t a_len = strlen(a), b_len = strlen(b);
    return a_len != b_len ? (a_len < b_len ? -1 : 1) : strcmp(a, b);
}

static int lane_order(const struct bar *a, const struct bar *b) {
    int order = strcmp(a->group, b->group);
    order = order != 0 ? order : strcmp(a->topic, b->topic);
    order = order != 0 ? order : name_order(a->broker, b->broker);
    return order != 0 ? order : (a->queue > b->queue) - (a->queue < b->queue);
}

static int bar_order(const void *left, const void *right) {
    const struct bar *a = left, *b = right;
    int order = lane_order(a, b);
    return order != 0 ? order : (a->from_s > b->from_s) - (a->from_s < b->from_s);
}

static size_t owner_of(struct ownership *all, const char *name) {
    size_t i = 0;
    while (i < all->owner_count && strcmp(all->owners[i], name) != 0)
        i++;
    if (i == all->owner_count)
        all->owners[all->owner_count++] = name;
    return i;
}

/* False: out of memory. */
static bool bars_read(struct ownership *all) {
    const struct csv *csv = &all->csv;
    int group = csv_column(csv, "group"), topic = csv_column(csv, "topic");
    int broker = csv_column(csv, "broker"), queue = csv_column(csv, "queue");
    int owner = csv_column(csv, "owner"), from = csv_column(csv, "from_s");
    int to = csv_column(csv, "to_s");
    all->bars = calloc(csv->rows + 1, sizeof *all->bars);
    all->lanes = calloc(csv->rows + 1, sizeof *all->lanes);
    all->owners = calloc(csv->rows + 1, sizeof *all->owners);
    if (all->bars == NULL || all->lanes == NULL || all->owners == NULL)
        return false;
    for (size_t row = 0; row < csv->rows; row++)
        all->bars[all->bar_count++] = (struct bar){csv_cell(csv, row, group),
                                                   csv_cell(csv, row, topic),
                                                   csv_cell(csv, row, broker),
                                                   csv_number(csv, row, queue, 0),
                                                   owner_of(all, csv_cell(csv, row, owner)),
                                                   csv_number(csv, row, from, 0),
                                                   csv_number(csv, row, to, all->end_s)};
    qsort(all->bars, all->bar_count, sizeof *all->bars, bar_order);
    for (size_t i = 0; i < all->bar_count; i++) {
        if (i == 0 || lane_order(&all->bars[i - 1], &all->bars[i]) != 0)
            all->lanes[all->lane_count++].first = i;
        all->lanes[all->lane_count - 1].end = i + 1;
    }
    return true;
}

/* All when they are few, else those with the most bars; in order. */
static size_t lanes_choose(struct ownership *all) {
    size_t shown = 0, bars = 0;
    for (size_t most = all->bar_count; most > 0 && shown < ROWS_MAX; most--)
        for (size_t i = 0; i < all->lane_count && shown < ROWS_MAX; i++) {
            struct lane *lane = &all->lanes[i];
            size_t count = lane->end - lane->first;
            if (count != most || bars + count > BARS_MAX)
                continue;
            lane->shown = true;
            shown++;
            bars += count;
        }
    return shown;
}

/* ---- writing ---- */

struct rows {
    const struct ownership *all;
    struct canvas *canvas;
    FILE *out, *bars, *overlaps;
    double px_s; /* seconds in a pixel */
    int row;
};

/* Times with no owner or two, of all lanes; those of shown ones are drawn. */
static void lane_check(struct ownership *all, const struct rows *rows, const struct lane *lane) {
    double reached = all->bars[lane->first].to_s;
    for (size_t i = lane->first + 1; i < lane->end; i++) {
        const struct bar *bar = &all->bars[i];
        double end = bar->to_s < reached ? bar->to_s : reached;
        if (bar->from_s > reached) {
            double gap = bar->from_s - reached;
            all->gaps++;
            all->longest_gap_s = gap > all->longest_gap_s ? gap : all->longest_gap_s;
        } else if (end > bar->from_s) {
            double overlap = end - bar->from_s;
            all->overlaps++;
            all->longest_overlap_s =
                overlap > all->longest_overlap_s ? overlap : all->longest_overlap_s;
            if (lane->shown) /* 3 pixels at least, to be seen */
                fprintf(rows->overlaps, "%d %.6f %.6f\n", rows->row, bar->from_s,
                        overlap < 3 * rows->px_s ? bar->from_s + 3 * rows->px_s : end);
        }
        reached = bar->to_s > reached ? bar->to_s : reached;
    }
}

static void header_put(struct rows *rows, const struct bar *bar) {
    char text[200], fitted[160];
    snprintf(text, sizeof text, "%s: %s", bar->group, bar->topic);
    figure_text_fit(text, rows->canvas->narrow ? 50 : 120, false, fitted, sizeof fitted);
    fputs("set label ", rows->out);
    gnuplot_quote(rows->out, fitted);
    fprintf(rows->out, " at screen 8.0/%d,first %d.5 left\n", rows->canvas->width, rows->row++);
}

static void lane_put(struct rows *rows, const struct lane *lane) {
    const struct bar *first = &rows->all->bars[lane->first];
    char text[200], label[64];
    snprintf(text, sizeof text, "%s %.0f", first->broker, first->queue);
    figure_text_fit(text, rows->canvas->narrow ? 13 : 20, true, label, sizeof label);
    fputs("set ytics add (", rows->out);
    gnuplot_quote(rows->out, label);
    fprintf(rows->out, " %d.5)\n", rows->row);
    for (size_t i = lane->first; i < lane->end; i++) {
        const struct bar *bar = &rows->all->bars[i];
        double least = bar->from_s + rows->px_s;
        fprintf(rows->bars, "%d %.6f %.6f 0x%s\n", rows->row, bar->from_s,
                bar->to_s > least ? bar->to_s : least, COLOURS[bar->owner % COLOUR_COUNT] + 1);
    }
}

static void rows_write(struct ownership *all, struct rows *rows) {
    const struct bar *last = NULL;
    for (size_t i = 0; i < all->lane_count; i++) {
        const struct lane *lane = &all->lanes[i];
        const struct bar *first = &all->bars[lane->first];
        bool same = last != NULL && strcmp(last->group, first->group) == 0 &&
                    strcmp(last->topic, first->topic) == 0;
        if (lane->shown && !same) {
            header_put(rows, first);
            last = first;
        }
        lane_check(all, rows, lane);
        if (!lane->shown)
            continue;
        lane_put(rows, lane);
        rows->row++;
    }
}

/* "3.20 s", "12 ms", "40 us" */
static const char *time_text(double seconds, char out[24]) {
    if (seconds >= 1)
        snprintf(out, 24, "%.2f s", seconds);
    else if (seconds >= 0.001)
        snprintf(out, 24, "%.3g ms", seconds * 1e3);
    else
        snprintf(out, 24, "%.0f us", seconds * 1e6);
    return out;
}

static void remark_put(const struct ownership *all, size_t shown, struct figure *figure) {
    char gaps[80] = "No queue lost its owner before another took it up.";
    char time[24], overlaps[80] = "None had two owners.", left_out[80] = "";
    if (all->gaps > 0)
        snprintf(gaps, sizeof gaps, "Without an owner: %zu times, at most %s.", all->gaps,
                 time_text(all->longest_gap_s, time));
    if (all->overlaps > 0)
        snprintf(overlaps, sizeof overlaps, "With two: %zu times, at most %s.", all->overlaps,
                 time_text(all->longest_overlap_s, time));
    if (shown < all->lane_count)
        snprintf(left_out, sizeof left_out, " Shown are %zu of %zu queues.", shown,
                 all->lane_count);
    snprintf(figure->remark, sizeof figure->remark, "%s %s%s", gaps, overlaps, left_out);
}

#define LEGEND_OWNERS (COLOUR_COUNT + 2)
/* Owners in their colours; the last entry is what more of them, or two at a time, look like. */
static size_t legend_of(const struct ownership *all, struct legend_entry out[LEGEND_OWNERS],
                        char names[COLOUR_COUNT][40], char *more, size_t room) {
    size_t count = 0;
    for (; count < all->owner_count && count < COLOUR_COUNT; count++) {
        figure_text_fit(all->owners[count], 24, true, names[count], 40);
        out[count] = (struct legend_entry){'#', COLOURS[count], names[count]};
    }
    if (all->owner_count > COLOUR_COUNT) {
        snprintf(more, room, "%zu more in the same colours", all->owner_count - COLOUR_COUNT);
        out[count++] = (struct legend_entry){'#', "#8a8f98", more};
    }
    out[count++] = (struct legend_entry){'#', COLOUR_OVERLAP, "two owners"};
    return count;
}

static int picture_write(struct ownership *all, const struct report *report, const char *folder,
                         FILE *out, struct canvas *canvas, struct figure *figure) {
    struct legend_entry legend[LEGEND_OWNERS];
    char names[COLOUR_COUNT][40], more[64];
    size_t entries = legend_of(all, legend, names, more, sizeof more);
    struct time_picture picture = {.end_s = all->end_s,
                                   .left = canvas->narrow ? 100 : 150,
                                   .right = canvas->narrow ? 12 : 20,
                                   .header = legend_height(canvas, 0, legend, entries) + 4,
                                   .footer = 44};
    struct rows rows = {.all = all,
                        .canvas = canvas,
                        .out = out,
                        .bars = figure_table_open(folder, "bars"),
                        .overlaps = figure_table_open(folder, "overlaps"),
                        .px_s = all->end_s / (canvas->width - picture.left - picture.right)};
    bool written = rows.bars != NULL && rows.overlaps != NULL;
    if (written) {
        size_t shown = lanes_choose(all);
        fputs("set ytics ()\n", out);
        rows_write(all, &rows);
        remark_put(all, shown, figure);
        canvas->height =
            picture.header + time_faults_height(report) + rows.row * 17 + picture.footer;
        legend_put(out, canvas, 0, legend, entries);
        time_picture_put(out, report, canvas, &picture);
        fprintf(out, "rows = %d\noverlaps = %zu\noverlap_colour = '%s'\n", rows.row, all->overlaps,
                COLOUR_OVERLAP);
    }
    if (rows.bars != NULL && fclose(rows.bars) != 0)
        written = false;
    if (rows.overlaps != NULL && fclose(rows.overlaps) != 0)
        written = false;
    return written ? 1 : -1;
}

int figure_data_ownership(const struct report *report, const char *folder, FILE *out,
                          struct canvas *canvas, struct figure *figure) {
    struct ownership all = {.end_s = report_number(report->summary, "simulated_s", 0)};
    int result = 0;
    if (!report_series(report, "ownership.csv", &all.csv) || all.csv.rows == 0)
        snprintf(figure->remark, sizeof figure->remark, "Nothing to draw: nobody owned a queue.");
    else
        result = bars_read(&all) ? picture_write(&all, report, folder, out, canvas, figure) : -1;
    csv_free(&all.csv);
    free(all.bars);
    free(all.lanes);
    free(all.owners);
    return result;
}
