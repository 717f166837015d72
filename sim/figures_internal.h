/* sim/figures_internal.h - what figures.c (sums) and figures_series.c (series) share. */
#ifndef SIM_FIGURES_INTERNAL_H
#define SIM_FIGURES_INTERNAL_H

#include "sim/figures.h"

struct bag {
    struct bag *next;
    char tag[sizeof((struct metric_sample *)0)->tag];
    uint64_t *values; /* ns */
    size_t count, capacity;
};
struct group {
    char *label;
    uint64_t order;
    struct bag *bags[METRIC_COUNT]; /* by tag, in order of appearance */
};
struct figures {
    struct group *groups;
    size_t count, capacity;
};

/* All values of a metric (and of `tag`, when not NULL), for free(). NULL when there are none. */
uint64_t *figures_collect(const struct figures *figures, int group, enum metric_id metric,
                          const char *tag, size_t *count);

#endif
