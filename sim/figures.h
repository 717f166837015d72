/* sim/figures.h - metric samples of one run or of a whole sweep, summed up by group and tag.
 *
 * A group is one combination of what a sweep varies besides the seed; a run has one. Gives the
 * "metrics" of summary.json and the series that the pictures are drawn from. Memory from malloc. */
#ifndef SIM_FIGURES_H
#define SIM_FIGURES_H

#include "sim/metrics.h"

struct cJSON;
struct figures;
struct figures *figures_create(void); /* NULL: out of memory */
void figures_free(struct figures *figures);

/* The group called `label`, made when it is new; groups are put out in order of their least
 * `order`. -1: out of memory. */
int figures_group(struct figures *figures, const char *label, uint64_t order);
/* Samples in nanoseconds. False: out of memory. */
bool figures_add(struct figures *figures, int group, enum metric_id metric,
                 const struct metric_sample *samples, size_t count);

/* The group at place `at` of that order, and what a group is called. */
size_t figures_in_order(const struct figures *figures, size_t at);
const char *figures_label(const struct figures *figures, int group);

#define FIGURES_ALL (-1)
/* {NAME: {"count", "min", "p50", "p99", "max"}} of a group or of all; metrics without a sample are
 * left out. NULL: out of memory. */
struct cJSON *figures_metrics(struct figures *figures, int group);
/* {NAME: {TAG: {...}}}. */
struct cJSON *figures_metrics_by_tag(struct figures *figures, int group);

/* series/panels.csv, series/histogram.csv, series/ecdf.csv in `directory`: for each group and each
 * metric that is drawn (evictions, what clients see). False with errno. */
bool figures_write_series(struct figures *figures, const char *directory);

#endif
