/* sim/report/report_time.c - what pictures over time share: a legend, and faults shaded over the
 * whole height with their names above. */
#include <errno.h>
#include <string.h>

#include "sim/report/report_internal.h"

FILE *figure_table_open(const char *folder, const char *name) {
    char path[PATH_MAX];
    int len = snprintf(path, sizeof path, "%s/%s", folder, name);
    if (len < 0 || (size_t)len >= sizeof path) {
        errno = ENAMETOOLONG;
        return NULL;
    }
    return fopen(path, "w");
}

void figure_text_fit(const char *text, size_t most, bool is_name, char *out, size_t room) {
    size_t len = strlen(text);
    if (len <= most)
        snprintf(out, room, "%s", text);
    else if (is_name)
        snprintf(out, room, "..%s", text + len - most + 2);
    else
        snprintf(out, room, "%.*s..", (int)most - 2, text);
}

static int text_px(const struct canvas *canvas, const char *text) {
    return (int)(strlen(text) * (size_t)canvas->font_px * 52 / 100);
}

/* ---- the legend ---- */

#define LEGEND_LINE_PX 17

/* Where an entry stands; moves on to the next place. */
static void legend_place(const struct canvas *canvas, const struct legend_entry *entry, int *x,
                         int *y) {
    if (*x > 8 && *x + 20 + text_px(canvas, entry->text) > canvas->width - 4) {
        *x = 8;
        *y += LEGEND_LINE_PX;
    }
}

static void legend_mark(FILE *out, const struct canvas *canvas, const struct legend_entry *entry,
                        int x, int y) {
    double w = canvas->width, h = canvas->height;
    if (entry->shape == '#')
        fprintf(out,
                "set object rectangle from screen %.6f,%.6f to screen %.6f,%.6f "
                "fillcolor rgb '%s' fillstyle solid noborder\n",
                x / w, 1 - (y + 5) / h, (x + 14) / w, 1 - (y - 5) / h, entry->colour);
    else if (entry->shape == '-')
        fprintf(out,
                "set arrow from screen %.6f,%.6f to screen %.6f,%.6f nohead lw 2 lc rgb '%s'\n",
                x / w, 1 - y / h, (x + 14) / w, 1 - y / h, entry->colour);
    else
        fprintf(out, "set label '' at screen %.6f,%.6f point pt %d ps %.1f lc rgb '%s' front\n",
                (x + 8) / w, 1 - y / h, entry->shape == 'x' ? 2 : 7,
                entry->shape == 'x' ? 0.6 : 0.3, entry->colour);
}

static int legend_walk(FILE *out, const struct canvas *canvas, int top,
                       const struct legend_entry *entries, size_t count) {
    int x = 8, y = top + 12;
    for (size_t i = 0; i < count; i++) {
        legend_place(canvas, &entries[i], &x, &y);
        if (out != NULL) {
            legend_mark(out, canvas, &entries[i], x, y);
            fputs("set label ", out);
            gnuplot_quote(out, entries[i].text);
            fprintf(out, " at screen %.6f,%.6f left\n", (x + 19) / (double)canvas->width,
                    1 - y / (double)canvas->height);
        }
        x += 36 + text_px(canvas, entries[i].text);
    }
    return y + 12;
}

int legend_put(FILE *out, const struct canvas *canvas, int top, const struct legend_entry *entries,
               size_t count) {
    return legend_walk(out, canvas, top, entries, count);
}

int legend_height(const struct canvas *canvas, int top, const struct legend_entry *entries,
                  size_t count) {
    return legend_walk(NULL, canvas, top, entries, count);
}

/* ---- faults ---- */

#define FAULT_NAMES_MAX 8 /* more are shaded without a name */
#define FAULT_LINE_PX 14

static const cJSON *faults_of(const struct report *report) {
    return cJSON_GetObjectItem(cJSON_GetObjectItem(report->summary, "messages"), "faults");
}

/* Names stand on two lines: that of a near neighbour on the upper one. */
static int name_lines(const struct report *report) {
    int count = cJSON_GetArraySize(faults_of(report));
    return count == 0 || count > FAULT_NAMES_MAX ? 0 : count == 1 ? 1 : 2;
}

int time_faults_height(const struct report *report) {
    return name_lines(report) * FAULT_LINE_PX;
}

/* Line by line: up to where names reach. */
struct name_room {
    double taken[2];
};

static void name_put(FILE *out, const struct canvas *canvas, const struct time_picture *picture,
                     const cJSON *fault, double from_s, int lines, struct name_room *room) {
    char text[64], whole[200];
    double field = canvas->width - picture->left - picture->right;
    double x = picture->left + field * from_s / picture->end_s;
    snprintf(whole, sizeof whole, "%s %s", report_text(fault, "kind"),
             report_text(fault, "target"));
    figure_text_fit(whole, canvas->narrow ? 22 : 36, false, text, sizeof text);
    double px = text_px(canvas, text) * 0.9;
    x = x + px > canvas->width - 4 ? canvas->width - 4 - px : x;
    int line = x >= room->taken[0] ? 0 : 1;
    if (line >= lines || x < room->taken[line])
        return;
    room->taken[line] = x + px + 8;
    fputs("set label ", out);
    gnuplot_quote(out, text);
    fprintf(out, " at screen %.6f,%.6f left font small\n", x / canvas->width,
            1 - (picture->header - 8.0 - FAULT_LINE_PX * line) / canvas->height);
}

void time_picture_put(FILE *out, const struct report *report, const struct canvas *canvas,
                      struct time_picture *picture) {
    int lines = name_lines(report);
    struct name_room room = {{0}};
    const cJSON *fault;
    picture->header += time_faults_height(report);
    fprintf(out, "left = %d\nright = %d\nheader = %d\nfooter = %d\nend_s = %.6f\n", picture->left,
            picture->right, picture->header, picture->footer, picture->end_s);
    cJSON_ArrayForEach(fault, faults_of(report)) {
        const cJSON *during = cJSON_GetObjectItem(fault, "during");
        double from = report_number(during, "from_s", 0), to = report_number(during, "to_s", from);
        if (to > from)
            fprintf(out,
                    "set object rectangle from first %.6f,graph 0 to first %.6f,graph 1 behind "
                    "fillcolor rgb '#8a8f98' fillstyle transparent solid 0.18 noborder\n",
                    from, to);
        fprintf(out,
                "set arrow from first %.6f,graph 0 to first %.6f,graph 1 nohead lw 1 dt (3,3) "
                "lc rgb '#8a8f98'\n",
                from, from);
        if (lines > 0)
            name_put(out, canvas, picture, fault, from, lines, &room);
    }
}
