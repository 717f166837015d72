/* sim/report/report_counts.c - tables for the picture of counts: a row for each phase (before,
 * during, after each fault), a column for each count, with a bar as long as its share of the
 * column's highest. Numbers stand beside the bars, since 3 lost ones matter beside 60,000.
 *
 * Reads "messages" of summary.json. */
#include <string.h>

#include "sim/report/report_internal.h"

#define FAULTS_SHOWN 10

static const struct {
    const char *member, *title, *title_narrow, *colour;
} COLUMNS[] = {
    {"ok", "acknowledged", "acked", "#2f86d0"},
    {"failed", "failed", "failed", "#d6336c"},
    {"deliveries", "delivered", "deliv.", "#1f9e89"},
    {"duplicates", "duplicates", "dupl.", "#e0861a"},
    {"lost_in_window", "lost before flush", "window", "#8c7a2b"},
    {"lost", "lost", "lost", "#d11f1f"},
};
#define COLUMN_COUNT (sizeof COLUMNS / sizeof COLUMNS[0])

struct counts {
    const struct canvas *canvas;
    FILE *out, *bars;
    double top[COLUMN_COUNT];
    int row;
};

static void tops_find(struct counts *counts, const cJSON *phase) {
    for (size_t i = 0; i < COLUMN_COUNT; i++) {
        double value = report_number(phase, COLUMNS[i].member, 0);
        counts->top[i] = value > counts->top[i] ? value : counts->top[i];
    }
}

static void label_put(const struct counts *counts, const char *text, double x, const char *where) {
    fputs("set label ", counts->out);
    gnuplot_quote(counts->out, text);
    fprintf(counts->out, " at first %.4f,first %d.5 %s\n", x, counts->row, where);
}

/* 1234 -> "1,234", or "12k", "123M" where there is no room. */
static void number_text(const struct counts *counts, double value, char *out, size_t room) {
    FILE *file = fmemopen(out, room, "w");
    out[0] = '\0';
    if (file == NULL)
        return;
    if (value >= (counts->canvas->narrow ? 1e6 : 1e7))
        fprintf(file, "%.3gM", value / 1e6);
    else if (counts->canvas->narrow && value >= 1e4)
        fprintf(file, "%.0fk", value / 1e3);
    else
        html_number(file, value);
    fclose(file);
    out[room - 1] = '\0';
}

static void phase_put(struct counts *counts, const cJSON *phase, const char *name) {
    double bar = counts->canvas->narrow ? 0.25 : 0.5;
    char text[80];
    snprintf(text, sizeof text, "%s %.0f - %.0f s", name, report_number(phase, "from_s", 0),
             report_number(phase, "to_s", 0));
    fputs("set ytics add (", counts->out);
    gnuplot_quote(counts->out, counts->canvas->narrow ? name : text);
    fprintf(counts->out, " %d.5)\n", counts->row);
    for (size_t i = 0; i < COLUMN_COUNT; i++) {
        double value = report_number(phase, COLUMNS[i].member, 0);
        double width = counts->top[i] > 0 ? bar * value / counts->top[i] : 0;
        if (value > 0)
            fprintf(counts->bars, "%d %.4f %.4f 0x%s\n", counts->row, (double)i,
                    (double)i + (width < 0.01 ? 0.01 : width), COLUMNS[i].colour + 1);
        number_text(counts, value, text, sizeof text);
        label_put(counts, text, (double)i + width + 0.03, "left");
    }
    counts->row++;
}

static void fault_put(struct counts *counts, const cJSON *fault) {
    static const char *const phases[] = {"before", "during", "after"};
    char whole[200], text[160];
    snprintf(whole, sizeof whole, "%s %s", report_text(fault, "kind"),
             report_text(fault, "target"));
    figure_text_fit(whole, counts->canvas->narrow ? 48 : 120, false, text, sizeof text);
    fputs("set label ", counts->out);
    gnuplot_quote(counts->out, text);
    fprintf(counts->out, " at screen 8.0/%d,first %d.5 left\n", counts->canvas->width,
            counts->row++);
    for (size_t i = 0; i < 3; i++) {
        const cJSON *phase = cJSON_GetObjectItem(fault, phases[i]);
        if (phase != NULL)
            phase_put(counts, phase, phases[i]);
    }
}

static void titles_put(const struct counts *counts) {
    for (size_t i = 0; i < COLUMN_COUNT; i++) {
        fputs("set label ", counts->out);
        gnuplot_quote(counts->out,
                      counts->canvas->narrow ? COLUMNS[i].title_narrow : COLUMNS[i].title);
        fprintf(counts->out, " at first %zu,screen 1-14.0/%d left\n", i, counts->canvas->height);
    }
}

static void faults_put(struct counts *counts, const cJSON *faults, struct figure *figure) {
    const cJSON *fault;
    int shown = 0, count = cJSON_GetArraySize(faults);
    cJSON_ArrayForEach(fault, faults) if (shown < FAULTS_SHOWN) {
        fault_put(counts, fault);
        shown++;
    }
    if (shown < count)
        snprintf(figure->remark, sizeof figure->remark,
                 "Shown are the first %d of %d faults; series/phases.csv has all.", shown, count);
}

int figure_data_message_counts(const struct report *report, const char *folder, FILE *out,
                               struct canvas *canvas, struct figure *figure) {
    const cJSON *messages = cJSON_GetObjectItem(report->summary, "messages");
    const cJSON *all = cJSON_GetObjectItem(messages, "all");
    if (all == NULL) {
        snprintf(figure->remark, sizeof figure->remark,
                 "Nothing to draw: no message was sent or delivered.");
        return 0;
    }
    struct counts counts = {
        .canvas = canvas, .out = out, .bars = figure_table_open(folder, "bars")};
    if (counts.bars == NULL)
        return -1;
    tops_find(&counts, all);
    fprintf(out, "set ytics ()\n");
    phase_put(&counts, all, "all");
    faults_put(&counts, cJSON_GetObjectItem(messages, "faults"), figure);
    canvas->height = 26 + counts.row * 19 + 8;
    titles_put(&counts);
    fprintf(out, "rows = %d\ncolumns = %zu\nleft = %d\nheader = 26\n", counts.row, COLUMN_COUNT,
            canvas->narrow ? 64 : 170);
    return fclose(counts.bars) == 0 ? 1 : -1;
}
