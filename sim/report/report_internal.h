/* sim/report/report_internal.h - what the files of sim/report*.c share. Floating point is fine
 * here: nothing of it goes back into a run. */
#ifndef SIM_REPORT_INTERNAL_H
#define SIM_REPORT_INTERNAL_H

#include <cjson/cJSON.h>
#include <limits.h>
#include <stdio.h>

#include "sim/report/report.h"

/* ---- comma-separated files (report_csv.c) ---- */

/* First line: names. Cells are NUL-terminated inside `text`; quoted cells may hold commas, line
 * breaks and doubled quotes. */
struct csv {
    char *text;
    const char **cells; /* names, then the rows; a short row's missing cells are "" */
    size_t columns, rows;
};
/* False with errno when it cannot be read; EINVAL when it has no first line. */
bool csv_read(const char *path, struct csv *csv);
void csv_free(struct csv *csv);
int csv_column(const struct csv *csv, const char *name); /* -1: none */
/* Cell of a row; "" for column -1. */
const char *csv_cell(const struct csv *csv, size_t row, int column);
/* Its number; `missing` when it is empty or no number. */
double csv_number(const struct csv *csv, size_t row, int column, double missing);

/* ---- one page in the making ---- */

enum figure_state { FIGURE_DRAWN, FIGURE_EMPTY, FIGURE_FAILED };
struct figure {
    const struct report_plot *plot;
    enum figure_state state;
    char *wide, *narrow; /* SVG to be put into the page; both when drawn */
    char remark[256];    /* what is left out, or why there is nothing to see */
};

#define REPORT_FIGURES_MAX 16
struct report {
    const char *path; /* of the directory */
    const struct report_options *options;
    char source[PATH_MAX]; /* that of reports/, absolute */
    cJSON *scenario, *summary;
    bool sweep;
    struct figure figures[REPORT_FIGURES_MAX];
    size_t figure_count;
    char note[1024];
    char error[1024];
};

/* Text member of an object, "" when there is none. */
const char *report_text(const cJSON *object, const char *name);
/* Number member; `missing` when there is none or it is null. */
double report_number(const cJSON *object, const char *name, double missing);

/* Reads series/NAME of the directory; false with errno. */
bool report_series(const struct report *report, const char *name, struct csv *csv);

/* ---- pictures ---- */

/* Size of the picture being made; text is drawn in `font_px`. */
struct canvas {
    bool narrow;
    int width, height; /* pixels; the data function sets the height */
    int font_px;
};
/* Writes what reports/NAME.gp reads: the variables to `out` (figure.gp), tables as further files
 * into `folder`. 1: there is something to draw; 0: nothing, figure->remark says why; -1: files
 * cannot be written (errno). */
typedef int figure_data_fn(const struct report *report, const char *folder, FILE *out,
                           struct canvas *canvas, struct figure *figure);
figure_data_fn figure_data_timeline;     /* report_timeline.c */
figure_data_fn figure_data_eviction;     /* report_histogram.c */
figure_data_fn figure_data_client_view;  /* report_histogram.c */
figure_data_fn figure_data_send_latency; /* report_flow.c */
figure_data_fn figure_data_produce_to_consume;
figure_data_fn figure_data_throughput;
figure_data_fn figure_data_backlog;
figure_data_fn figure_data_ownership;      /* report_ownership.c */
figure_data_fn figure_data_message_counts; /* report_counts.c */
figure_data_fn figure_data_store;          /* report_store.c */
figure_data_fn figure_data_runs;           /* report_runs.c */

/* Groups of a sweep's summary: true when the row of a table has the group's parameters. */
bool csv_row_in_group(const struct csv *csv, size_t row, const cJSON *group);
/* "fault pause, profile 4.9" */
void group_title(const cJSON *group, char *out, size_t room);

/* Opens folder/NAME for writing. NULL with errno. */
FILE *figure_table_open(const char *folder, const char *name);
/* Text made to fit `most` characters (> 2); names keep their end, "..ker-0042", other texts their
 * beginning. */
void figure_text_fit(const char *text, size_t most, bool is_name, char *out, size_t room);

/* ---- what pictures over time share (report_time.c) ---- */

struct legend_entry {
    char shape; /* '#' box, '-' line, '.' dot, 'x' cross */
    const char *colour, *text;
};
/* Puts the entries from `top` pixels on, wrapped to the picture's width. Returns the pixels from
 * the top that are taken. To be called once canvas->height is known. */
int legend_put(FILE *out, const struct canvas *canvas, int top, const struct legend_entry *entries,
               size_t count);
/* The same without putting anything: how high it will be. */
int legend_height(const struct canvas *canvas, int top, const struct legend_entry *entries,
                  size_t count);

/* Time from left to right, faults shaded from top to bottom with their names above. */
struct time_picture {
    double end_s;
    int left, right, header, footer; /* pixels around the field */
};
/* canvas->height and the legend's height are known. Writes the variables (left, right, header,
 * footer, end_s) and the faults of summary.json; `picture`'s header grows by their names. */
void time_picture_put(FILE *out, const struct report *report, const struct canvas *canvas,
                      struct time_picture *picture);
/* Pixels that the names of faults take above the field. */
int time_faults_height(const struct report *report);

/* Draws one figure: both sizes, and the PNG when asked for. False when a file cannot be written
 * (report->error); gnuplot's own failures only end up in report->note (report_gnuplot.c). */
bool figure_draw(struct report *report, struct figure *figure, figure_data_fn *data);
/* Writes `text` as gnuplot's 'quoted' text, control characters as blanks. */
void gnuplot_quote(FILE *out, const char *text);

/* gnuplot's SVG made fit for light and dark pages: black becomes currentColor, ids get `prefix`, a
 * title for screen readers. `standalone` is a file of its own; otherwise it is for a page: no XML
 * header, no name spaces, no fixed size. For free(); NULL: out of memory (report_svg.c). */
char *svg_adapt(const char *svg, const char *prefix, const char *title, bool standalone);

/* ---- the page (report_page.c, report_tables.c, report_messages.c) ---- */

void html_text(FILE *out, const char *text); /* escaped, for content and quoted attributes */
void html_number(FILE *out, double value);   /* whole, with commas: 60,000 */
/* A value of metric `name` in the unit that suits it: "120.03 s", "12 ms", "850 us". */
void html_quantity(FILE *out, const char *metric, double value);
/* Tables; each cell carries its column's name, so that a phone can show a row as a list. */
void html_table_open(FILE *out, const char *const *columns, size_t count);
void html_table_close(FILE *out);
void html_cell_open(FILE *out, const char *column); /* to be ended by </td> */
void html_cell_text(FILE *out, const char *column, const char *text);
void html_cell_number(FILE *out, const char *column, double value);
/* reports/page.html filled in; for free(). NULL with report->error. */
char *page_make(struct report *report);

void tables_messages(FILE *out, const struct report *report);  /* report_messages.c */
void tables_sightings(FILE *out, const struct report *report); /* report_messages.c */
void tables_oracles(FILE *out, const struct report *report);
void tables_faults(FILE *out, const struct report *report);
void tables_metrics(FILE *out, const struct report *report);
void tables_groups(FILE *out, const struct report *report);
void tables_failures(FILE *out, const struct report *report);
void tables_versions(FILE *out, const struct report *report);

#endif
