/* sim/figures_series.c - histograms and distribution curves, binned here so that a picture of a
 * million values stays small.
 *
 * A panel is one drawn metric of one group. Bins are as wide as the first of a row of round widths,
 * a quarter of a second and up, that needs at most 60 of them. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "sim/figures_internal.h"
#include "sim/files.h"

#define SECOND_NS UINT64_C(1000000000)
#define BINS_MAX 60
#define CURVE_POINTS 240

static const enum metric_id DRAWN[] = {
    METRIC_EVICTION_AFTER_LAST_REGISTRATION,
    METRIC_EVICTION_AFTER_FAULT,
    METRIC_CLIENT_DROP_AFTER_FAULT,
    METRIC_CLIENT_DROP_AFTER_EVICTION,
};
#define DRAWN_COUNT (sizeof DRAWN / sizeof DRAWN[0])
/* Columns of the histogram; what has another tag is "other". */
static const char *const REASONS[] = {"close", "idle", "scan"};
#define REASON_COUNT (sizeof REASONS / sizeof REASONS[0])

struct series_files {
    FILE *panels, *histogram, *curve;
    size_t panel;
};

static uint64_t bin_width(uint64_t span_ns) {
    static const uint64_t widths_ms[] = {250, 500, 1000, 2000, 5000, 10000, 20000, 60000};
    size_t i = 0;
    while (i + 1 < sizeof widths_ms / sizeof widths_ms[0] &&
           span_ns / (widths_ms[i] * 1000000) >= BINS_MAX)
        i++;
    uint64_t width = widths_ms[i] * 1000000;
    while (span_ns / width >= BINS_MAX)
        width *= 2;
    return width;
}

static size_t column_of(const char *tag) {
    size_t column = 0;
    while (column < REASON_COUNT && strcmp(tag, REASONS[column]) != 0)
        column++;
    return column;
}

/* One line per bin; the peak is the highest sum of one. */
static uint64_t write_histogram(const struct series_files *files, const struct bag *bags,
                                uint64_t first_ns, uint64_t width_ns) {
    uint64_t counts[BINS_MAX + 2][REASON_COUNT + 1] = {{0}};
    for (const struct bag *bag = bags; bag != NULL; bag = bag->next)
        for (size_t i = 0; i < bag->count; i++)
            counts[(bag->values[i] - first_ns) / width_ns][column_of(bag->tag)]++;
    uint64_t peak = 0;
    for (size_t bin = 0; bin < BINS_MAX + 2; bin++) {
        uint64_t sum = 0;
        for (size_t column = 0; column <= REASON_COUNT; column++)
            sum += counts[bin][column];
        if (sum == 0)
            continue;
        peak = sum > peak ? sum : peak;
        fprintf(files->histogram, "%zu,%.3f,%.3f,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 "\n",
                files->panel, (double)(first_ns + bin * width_ns) / 1e9, (double)width_ns / 1e9,
                counts[bin][0], counts[bin][1], counts[bin][2], counts[bin][3]);
    }
    return peak;
}

/* Share of values up to each; `sorted`. Begins at 0 % and ends at the panel's right edge. */
static void write_curve(const struct series_files *files, const uint64_t *sorted, size_t count,
                        double from_s, double to_s) {
    fprintf(files->curve, "%zu,%.3f,0\n", files->panel, from_s);
    size_t step = count / CURVE_POINTS + 1;
    for (size_t i = 0; i < count; i += step) {
        double value_s = (double)sorted[i] / 1e9;
        fprintf(files->curve, "%zu,%.4f,%.3f\n", files->panel, value_s,
                100.0 * (double)i / (double)count);
        fprintf(files->curve, "%zu,%.4f,%.3f\n", files->panel, value_s,
                100.0 * (double)(i + 1) / (double)count);
    }
    fprintf(files->curve, "%zu,%.4f,100\n%zu,%.3f,100\n", files->panel,
            (double)sorted[count - 1] / 1e9, files->panel, to_s);
}

static int compare_values(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static bool write_panel(struct series_files *files, const struct figures *figures, int group,
                        enum metric_id metric) {
    size_t count;
    uint64_t *values = figures_collect(figures, group, metric, NULL, &count);
    if (values == NULL)
        return count == 0;
    qsort(values, count, sizeof *values, compare_values);
    uint64_t width_ns = bin_width(values[count - 1] - values[0]);
    uint64_t first_ns = values[0] / width_ns * width_ns;
    double from_s = (double)(values[0] / SECOND_NS) - 2;
    double to_s = (double)(values[count - 1] / SECOND_NS) + 3;
    to_s = to_s < from_s + 14 ? from_s + 14 : to_s;
    uint64_t peak = write_histogram(files, figures->groups[group].bags[metric], first_ns, width_ns);
    write_curve(files, values, count, from_s, to_s);
    fprintf(files->panels, "%zu,", files->panel++);
    csv_text(files->panels, figures->groups[group].label);
    fprintf(files->panels, ",%s,%zu,%.3f,%.3f,%" PRIu64 ",%.3f\n", METRIC_INFO[metric].name, count,
            from_s, to_s, peak, (double)width_ns / 1e9);
    free(values);
    return true;
}

static bool write_panels(struct series_files *files, const struct figures *figures) {
    fprintf(files->panels, "panel,group,metric,count,from_s,to_s,peak,bin_s\n");
    fprintf(files->histogram, "panel,at_s,width_s,close,idle,scan,other\n");
    fprintf(files->curve, "panel,value_s,percent\n");
    for (size_t i = 0; i < figures->count; i++)
        for (size_t metric = 0; metric < DRAWN_COUNT; metric++)
            if (!write_panel(files, figures, (int)figures_in_order(figures, i), DRAWN[metric])) {
                errno = ENOMEM;
                return false;
            }
    return true;
}

bool figures_write_series(struct figures *figures, const char *directory) {
    static const char *const names[] = {"series/panels.csv", "series/histogram.csv",
                                        "series/ecdf.csv"};
    struct new_file files[3];
    size_t opened = 0;
    while (opened < 3 && new_file_open(&files[opened], directory, names[opened]))
        opened++;
    bool written = opened == 3;
    int error = written ? 0 : errno;
    if (written) {
        struct series_files streams = {files[0].stream, files[1].stream, files[2].stream, 0};
        written = write_panels(&streams, figures);
        error = errno;
    }
    for (size_t i = 0; i < opened; i++)
        if (!new_file_close(&files[i]) && written) {
            written = false;
            error = errno;
        }
    errno = error;
    return written;
}
