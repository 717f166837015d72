/* sim/report/figures_internal.h - what figures.c (sums) and figures_series.c (series) share. */
#ifndef SIM_FIGURES_INTERNAL_H
#define SIM_FIGURES_INTERNAL_H

#include "sim/report/figures.h"

struct bag {
    struct bag *next;
    char tag[sizeof((struct metric_sample *)0)->tag];
    uint64_t *values; /* ns */
    size_t count, capacity;
};
struct group {
    char *scenario;
    char **values; /* of the parameters */
    uint64_t order, runs;
    struct bag *bags[METRIC_COUNT]; /* by tag, in order of appearance */
};
struct figures {
    const char *const *parameters;
    size_t parameter_count;
    struct group *groups;
    size_t count, capacity;
};

/* The group at place `at` of the order. */
size_t figures_in_order(const struct figures *figures, size_t at);
/* All values of a metric (and of `tag`, when not NULL), for free(). NULL when there are none. */
uint64_t *figures_collect(const struct figures *figures, int group, enum metric_id metric,
                          const char *tag, size_t *count);

#endif
