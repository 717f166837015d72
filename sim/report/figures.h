/* sim/report/figures.h - metric samples of one run or of a whole sweep, summed up by group and tag.
 *
 * A group is one combination of what a sweep varies besides the seed; a run has one. Gives the
 * "metrics" and "groups" of summary.json and series/METRIC.csv. Memory from malloc. */
#ifndef SIM_FIGURES_H
#define SIM_FIGURES_H

#include "sim/judge/metrics.h"

struct cJSON;
struct figures;
/* `parameters`: names of what varies; borrowed. NULL: out of memory. */
struct figures *figures_create(const char *const *parameters, size_t count);
void figures_free(struct figures *figures);

/* The group of a run: of this scenario, with these values of the parameters. Groups are put out in
 * order of their least `order`. -1: out of memory. */
int figures_group(struct figures *figures, const char *scenario, const char *const *values,
                  uint64_t order);
/* Samples in nanoseconds. False: out of memory. */
bool figures_add(struct figures *figures, int group, enum metric_id metric,
                 const struct metric_sample *samples, size_t count);

#define FIGURES_ALL (-1)
/* {NAME: {"count", "min", "p50", "p99", "max"}} of a group or of all, of the samples that runs kept
 * (METRIC_SAMPLES_MAX of each metric); metrics without a sample are left out. Of those that have a
 * value per message a sweep adds each run's p50, p99 and max, tagged so: their names are
 * send_latency_p50_us and so on. */
struct cJSON *figures_metrics(const struct figures *figures, int group);
/* {NAME: {TAG: {...}}}; NAME as the metric is called. */
struct cJSON *figures_metrics_by_tag(const struct figures *figures, int group);
/* [{"parameters", "runs", "metrics", "metrics_by_tag"}]; the scenario is among the parameters when
 * there are several. */
struct cJSON *figures_groups(const struct figures *figures);

/* `directory`/series/METRIC.csv for each metric that has samples, except those of which a run has
 * very many in a sweep (registrations, polls): value_ns, tag, scenario, then the parameters. False
 * with errno. */
bool figures_write_series(const struct figures *figures, const char *directory);
/* Those many. */
bool metric_is_frequent(enum metric_id id);

#endif
