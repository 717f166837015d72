/* sim/report/report_timeline.c - tables for the route timeline: a lane for each broker as each name
 * server and each client sees it, with what faults hold meanwhile.
 *
 * Reads series/listings.csv (observer, role, broker, from_s, to_s, reason) and series/faults.csv
 * (kind, target, from_s, to_s) - an empty to_s is the end of the run -, and how long the run was
 * from summary.json. With many brokers only those that a fault hit get lanes, and few of many
 * observers; figure->remark counts what is left out. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sim/report/report_internal.h"

#define FAULTS_MAX 512
#define FAULT_LANES_MAX 16
#define FAULT_SHADES_MAX 6
#define BROKERS_ALL 8 /* up to so many all are shown */
#define LANES_MAX 60

/* What a fault does to brokers in its target: nothing that makes them useless; out of reach while
 * it lasts; gone from then on. */
enum hold { HOLDS_NOT, HOLDS_WHILE, HOLDS_FROM };
static const struct {
    const char *kind;
    enum hold hold;
} HOLDS[] = {{"pause", HOLDS_WHILE}, {"black-hole", HOLDS_WHILE}, {"power-off", HOLDS_WHILE},
             {"block", HOLDS_WHILE}, {"partition", HOLDS_WHILE},  {"bridge", HOLDS_WHILE},
             {"clog", HOLDS_WHILE},  {"kill", HOLDS_FROM},        {"kill-inside", HOLDS_FROM},
             {"stop", HOLDS_FROM},   {"restart", HOLDS_FROM}};

struct fault_span {
    const char *kind, *target;
    double from_s, to_s;
    enum hold hold;
};
/* An observer or a broker. */
struct party {
    const char *name;
    bool client, hit, shown;
};
struct timeline {
    struct csv listings, faults_file;
    int from_column, to_column, reason_column; /* of listings */
    struct fault_span faults[FAULTS_MAX];
    size_t fault_count;
    struct party *observers, *brokers; /* in party_order */
    size_t observer_count, broker_count;
    const struct party **row_broker, **row_observer; /* of each row of listings */
    double end_s;
    /* what is written meanwhile */
    FILE *out, *bars, *bands;
    bool narrow;
    int row;     /* next free one */
    double px_s; /* seconds in a pixel */
    int char_px; /* of small labels, about */
};

/* ---- reading ---- */

static void faults_read(struct timeline *timeline) {
    const struct csv *csv = &timeline->faults_file;
    int kind = csv_column(csv, "kind"), target = csv_column(csv, "target");
    int from = csv_column(csv, "from_s"), to = csv_column(csv, "to_s");
    for (size_t row = 0; row < csv->rows && timeline->fault_count < FAULTS_MAX; row++) {
        struct fault_span *fault = &timeline->faults[timeline->fault_count++];
        *fault = (struct fault_span){csv_cell(csv, row, kind), csv_cell(csv, row, target),
                                     csv_number(csv, row, from, 0),
                                     csv_number(csv, row, to, timeline->end_s), HOLDS_NOT};
        for (size_t i = 0; i < sizeof HOLDS / sizeof HOLDS[0]; i++)
            if (strcmp(HOLDS[i].kind, fault->kind) == 0)
                fault->hold = HOLDS[i].hold;
    }
}

/* Where `name` stands in a target: "a,b" is one side; "a,b->c", "a<->c" and "a|b|c" have several.
 * -1: nowhere. */
static int target_side(const char *target, const char *name) {
    size_t len = strlen(name);
    for (const char *at = len == 0 ? NULL : strstr(target, name); at != NULL;
         at = strstr(at + 1, name)) {
        bool starts = at == target || strchr(" ,>|", at[-1]) != NULL;
        bool ends =
            at[len] == '\0' || strchr(" ,<|", at[len]) != NULL || strncmp(at + len, "->", 2) == 0;
        if (!starts || !ends)
            continue;
        int side = 0;
        for (const char *before = target; before < at; before++)
            side += *before == '>' || *before == '|';
        return side;
    }
    return -1;
}

/* True when the fault holds the broker, or what lies between it and the observer. */
static bool fault_holds(const struct fault_span *fault, const char *broker, const char *observer) {
    int side = target_side(fault->target, broker);
    bool between = strpbrk(fault->target, ">|") != NULL;
    int other = between ? target_side(fault->target, observer) : -1;
    return side >= 0 && (!between || (other >= 0 && other != side));
}

/* Name servers before clients; "ns-2" before "ns-10". */
static int party_order(const void *left, const void *right) {
    const struct party *a = left, *b = right;
    size_t a_len = strlen(a->name), b_len = strlen(b->name);
    if (a->client != b->client)
        return a->client ? 1 : -1;
    return a_len != b_len ? (a_len < b_len ? -1 : 1) : strcmp(a->name, b->name);
}

static struct party party_of(const struct csv *csv, size_t row, int name, int role) {
    return (struct party){.name = csv_cell(csv, row, name),
                          .client = strcmp(csv_cell(csv, row, role), "client") == 0};
}

/* Who is named in a column, each once, with the party of each row. NULL: out of memory. */
static struct party *parties_read(const struct csv *csv, int name, int role, size_t *count,
                                  const struct party ***of_row) {
    struct party *list = calloc(csv->rows + 1, sizeof *list);
    *of_row = calloc(csv->rows + 1, sizeof(void *));
    *count = 0;
    if (list == NULL || *of_row == NULL)
        return list;
    for (size_t row = 0; row < csv->rows; row++)
        list[row] = party_of(csv, row, name, role);
    qsort(list, csv->rows, sizeof *list, party_order);
    for (size_t i = 0; i < csv->rows; i++)
        if (*count == 0 || party_order(&list[*count - 1], &list[i]) != 0)
            list[(*count)++] = list[i];
    for (size_t row = 0; row < csv->rows; row++) {
        struct party key = party_of(csv, row, name, role);
        (*of_row)[row] = bsearch(&key, list, *count, sizeof *list, party_order);
    }
    return list;
}

/* False when memory is out. */
static bool listings_index(struct timeline *timeline) {
    const struct csv *csv = &timeline->listings;
    timeline->from_column = csv_column(csv, "from_s");
    timeline->to_column = csv_column(csv, "to_s");
    timeline->reason_column = csv_column(csv, "reason");
    timeline->observers = parties_read(csv, csv_column(csv, "observer"), csv_column(csv, "role"),
                                       &timeline->observer_count, &timeline->row_observer);
    timeline->brokers = parties_read(csv, csv_column(csv, "broker"), -1, &timeline->broker_count,
                                     &timeline->row_broker);
    for (size_t b = 0; b < timeline->broker_count; b++)
        for (size_t f = 0; f < timeline->fault_count; f++)
            timeline->brokers[b].hit |=
                target_side(timeline->faults[f].target, timeline->brokers[b].name) >= 0;
    return timeline->observers != NULL && timeline->brokers != NULL &&
           timeline->row_observer != NULL && timeline->row_broker != NULL;
}

/* ---- what gets a lane ---- */

static size_t observers_choose(struct timeline *timeline, bool client, size_t most) {
    size_t shown = 0;
    for (size_t i = 0; i < timeline->observer_count && shown < most; i++)
        if (timeline->observers[i].client == client) {
            timeline->observers[i].shown = true;
            shown++;
        }
    return shown;
}

/* All when they are few; else those that a fault hit; else the first. */
static size_t brokers_choose(struct timeline *timeline, size_t most) {
    bool all = timeline->broker_count <= BROKERS_ALL;
    size_t shown = 0, hit = 0;
    for (size_t i = 0; i < timeline->broker_count; i++)
        hit += timeline->brokers[i].hit;
    for (size_t i = 0; i < timeline->broker_count && shown < most; i++)
        if (all || timeline->brokers[i].hit || hit == 0) {
            timeline->brokers[i].shown = true;
            shown++;
        }
    return shown;
}

static void lanes_choose(struct timeline *timeline, struct figure *figure) {
    bool few = timeline->broker_count <= BROKERS_ALL;
    size_t observers = observers_choose(timeline, false, few ? 5 : 2);
    observers += observers_choose(timeline, true, few ? 4 : 1);
    size_t brokers = brokers_choose(timeline, observers == 0 ? 1 : LANES_MAX / observers);
    if (brokers == timeline->broker_count && observers == timeline->observer_count)
        return;
    size_t hit = 0;
    for (size_t i = 0; i < timeline->broker_count; i++)
        hit += timeline->brokers[i].hit;
    snprintf(
        figure->remark, sizeof figure->remark,
        "Shown are %zu of %zu brokers (faults hit %zu) and %zu of %zu name servers and clients.",
        brokers, timeline->broker_count, hit, observers, timeline->observer_count);
}

/* ---- writing ---- */

enum bar { BAR_LISTED = 1, BAR_STALE, BAR_FAULT };

static void bar_write(const struct timeline *timeline, enum bar bar, double from, double to) {
    if (to > from)
        fprintf(timeline->bars, "%d %d %.6f %.6f\n", timeline->row, (int)bar, from, to);
}

/* When a broker that went down at `after_s` is listed anew anywhere. */
static double back_s(const struct timeline *timeline, const struct party *broker, double after_s) {
    double back = timeline->end_s;
    for (size_t row = 0; row < timeline->listings.rows; row++) {
        double from = csv_number(&timeline->listings, row, timeline->from_column, 0);
        if (timeline->row_broker[row] == broker && !timeline->row_observer[row]->client &&
            from > after_s && from < back)
            back = from;
    }
    return back;
}

/* The first part of a row's bar in which a fault holds its broker. False: none. */
static bool stale_part(const struct timeline *timeline, size_t row, double bar_from, double bar_to,
                       double *from, double *to) {
    const struct party *broker = timeline->row_broker[row];
    for (size_t f = 0; f < timeline->fault_count; f++) {
        const struct fault_span *fault = &timeline->faults[f];
        if (fault->hold == HOLDS_NOT || fault->from_s >= bar_to ||
            !fault_holds(fault, broker->name, timeline->row_observer[row]->name))
            continue;
        double end =
            fault->hold == HOLDS_FROM ? back_s(timeline, broker, fault->from_s) : fault->to_s;
        if (end <= bar_from)
            continue;
        *from = fault->from_s > bar_from ? fault->from_s : bar_from;
        *to = end < bar_to ? end : bar_to;
        return true;
    }
    return false;
}

/* A small label in the row that is being written; `at_s` is its left, center or right. gnuplot 5.4
 * crashes on a table of labels in which none is shown, so labels are commands. */
static void label_put(const struct timeline *timeline, const char *text, double at_s,
                      const char *side, bool on_bar) {
    fputs("set label ", timeline->out);
    gnuplot_quote(timeline->out, text);
    fprintf(timeline->out, " at first %.6f,first %d.5 %s font small front%s\n", at_s, timeline->row,
            side, on_bar ? " textcolor rgb '#ffffff'" : "");
}

/* Seconds that a label takes. */
static double label_s(const struct timeline *timeline, const char *text) {
    return ((double)strlen(text) * timeline->char_px + 8) * timeline->px_s;
}

/* The part of a bar in which a fault holds the broker, and how long that is. */
static void stale_write(const struct timeline *timeline, double from, double to) {
    char text[32];
    snprintf(text, sizeof text, "%.0f s", to - from);
    bar_write(timeline, BAR_STALE, from, to);
    if (to - from > label_s(timeline, text))
        label_put(timeline, text, (from + to) / 2, "center", true);
}

/* The bar of one listing, with what ended it behind. `next` is when the lane's next bar starts. */
static void listing_write(const struct timeline *timeline, size_t row, double next) {
    const struct csv *csv = &timeline->listings;
    double from = csv_number(csv, row, timeline->from_column, 0);
    double to = csv_number(csv, row, timeline->to_column, timeline->end_s);
    double stale_from, stale_to;
    bar_write(timeline, BAR_LISTED, from, to);
    if (stale_part(timeline, row, from, to, &stale_from, &stale_to))
        stale_write(timeline, stale_from, stale_to);
    const char *reason = csv_cell(csv, row, timeline->reason_column);
    if (reason[0] != '\0' && next - to > label_s(timeline, reason))
        label_put(timeline, reason, to + 4 * timeline->px_s, "left", false);
}

static void lane_label(const struct timeline *timeline, const char *text, bool is_name) {
    char label[64];
    figure_text_fit(text, timeline->narrow ? 13 : 20, is_name, label, sizeof label);
    fputs("set ytics add (", timeline->out);
    gnuplot_quote(timeline->out, label);
    fprintf(timeline->out, " %d.5)\n", timeline->row);
}

static void header_write(struct timeline *timeline, const char *name, const char *what) {
    char text[128];
    snprintf(text, sizeof text, "%.80s%s", name, what);
    fputs("set label ", timeline->out);
    gnuplot_quote(timeline->out, text);
    fprintf(timeline->out, " at screen 8.0/width,first %d.5 left\n", timeline->row++);
}

/* A fault's lane of its own: its target stands inside its bar, or on the side that has more room,
 * cut to what fits. */
static void fault_lane_write(const struct timeline *timeline, const struct fault_span *fault) {
    char target[64];
    double px_s = timeline->px_s, after = timeline->end_s - fault->to_s;
    double side = (after > fault->from_s ? after : fault->from_s) / px_s / timeline->char_px;
    size_t most = side > 35 ? 32 : side < 8 ? 5 : (size_t)side - 3;
    lane_label(timeline, fault->kind, false);
    figure_text_fit(fault->target, most, false, target, sizeof target);
    if (fault->to_s - fault->from_s > label_s(timeline, fault->target))
        label_put(timeline, fault->target, fault->to_s - 5 * px_s, "right", true);
    else if (after > fault->from_s)
        label_put(timeline, target, fault->to_s + 8 * px_s, "left", false);
    else
        label_put(timeline, target, fault->from_s - 9 * px_s, "right", false);
}

/* A lane for each fault while they are few, one for all of them otherwise. */
static void fault_lanes_write(struct timeline *timeline) {
    if (timeline->fault_count == 0)
        return;
    bool few = timeline->fault_count <= FAULT_LANES_MAX;
    char count[32];
    snprintf(count, sizeof count, "%zu faults", timeline->fault_count);
    header_write(timeline, "faults", "");
    if (!few)
        lane_label(timeline, count, false);
    for (size_t f = 0; f < timeline->fault_count; f++) {
        const struct fault_span *fault = &timeline->faults[f];
        if (few)
            fault_lane_write(timeline, fault);
        bar_write(timeline, BAR_FAULT, fault->from_s, fault->to_s);
        fprintf(timeline->bands, "%d %.6f %.6f\n", timeline->row, fault->from_s, fault->to_s);
        timeline->row += few;
    }
    timeline->row += !few;
}

/* The lane of one broker as one observer sees it. */
static void lane_write(struct timeline *timeline, const struct party *observer,
                       const struct party *broker) {
    const struct csv *csv = &timeline->listings;
    size_t last = SIZE_MAX;
    for (size_t row = 0; row < csv->rows; row++) {
        if (timeline->row_observer[row] != observer || timeline->row_broker[row] != broker)
            continue;
        if (last != SIZE_MAX)
            listing_write(timeline, last, csv_number(csv, row, timeline->from_column, 0));
        last = row;
    }
    if (last != SIZE_MAX)
        listing_write(timeline, last, timeline->end_s);
}

static void observer_lanes_write(struct timeline *timeline) {
    for (size_t o = 0; o < timeline->observer_count; o++) {
        const struct party *observer = &timeline->observers[o];
        if (!observer->shown)
            continue;
        header_write(timeline, observer->name, observer->client ? " believes in" : " lists");
        for (size_t b = 0; b < timeline->broker_count; b++) {
            if (!timeline->brokers[b].shown)
                continue;
            lane_label(timeline, timeline->brokers[b].name, true);
            lane_write(timeline, observer, &timeline->brokers[b]);
            timeline->row++;
        }
    }
}

static void picture_write(struct timeline *timeline, FILE *out, struct canvas *canvas) {
    int row_px = 19, header = canvas->narrow ? 44 : 30, footer = 46;
    int left = canvas->narrow ? 96 : 150, right = canvas->narrow ? 14 : 24;
    timeline->out = out;
    timeline->narrow = canvas->narrow;
    timeline->px_s = timeline->end_s / (canvas->width - left - right);
    timeline->char_px = (canvas->font_px + 1) / 2;
    fprintf(out, "set ytics ()\n");
    fault_lanes_write(timeline);
    observer_lanes_write(timeline);
    canvas->height = header + timeline->row * row_px + footer;
    fprintf(out,
            "rows = %d\nend_s = %.6f\nleft = %d\nright = %d\nheader = %d\nfooter = %d\n"
            "shade = %d\nfaults = %d\n",
            timeline->row, timeline->end_s, left, right, header, footer,
            timeline->fault_count > 0 && timeline->fault_count <= FAULT_SHADES_MAX,
            timeline->fault_count > 0);
}

static int timeline_write(struct timeline *timeline, const char *folder, FILE *out,
                          struct canvas *canvas) {
    timeline->bars = figure_table_open(folder, "bars");
    timeline->bands = figure_table_open(folder, "bands");
    int result = timeline->bars != NULL && timeline->bands != NULL ? 1 : -1;
    if (result == 1)
        picture_write(timeline, out, canvas);
    if (timeline->bars != NULL && fclose(timeline->bars) != 0)
        result = -1;
    if (timeline->bands != NULL && fclose(timeline->bands) != 0)
        result = -1;
    return result;
}

static void timeline_destroy(struct timeline *timeline) {
    csv_free(&timeline->listings);
    csv_free(&timeline->faults_file);
    free(timeline->observers);
    free(timeline->brokers);
    free((void *)timeline->row_broker);
    free((void *)timeline->row_observer);
    free(timeline);
}

int figure_data_timeline(const struct report *report, const char *folder, FILE *out,
                         struct canvas *canvas, struct figure *figure) {
    struct timeline *timeline = calloc(1, sizeof *timeline);
    if (timeline == NULL)
        return -1;
    int result = 0;
    timeline->end_s = report_number(report->summary, "simulated_s", 0);
    if (!report_series(report, "listings.csv", &timeline->listings) ||
        !report_series(report, "faults.csv", &timeline->faults_file) ||
        timeline->listings.rows == 0 || timeline->end_s <= 0)
        snprintf(figure->remark, sizeof figure->remark, "Nothing to draw: nobody listed a broker.");
    else {
        faults_read(timeline);
        result = -1;
        if (listings_index(timeline)) {
            lanes_choose(timeline, figure);
            result = timeline_write(timeline, folder, out, canvas);
        }
    }
    timeline_destroy(timeline);
    return result;
}
