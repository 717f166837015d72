/* sim/judge/histogram.h - counts of values in buckets that are log-linear: 128 to each power of
 * two, so that a value is known to better than 0.8 %, below 128 exactly. Integers only. Memory
 * grows with the powers of two that occur, not with the values. */
#ifndef SIM_HISTOGRAM_H
#define SIM_HISTOGRAM_H

#include "sim/oracle/oracle.h"

#define HISTOGRAM_BUCKETS 128
#define HISTOGRAM_OCTAVES 58
struct histogram {
    uint64_t count, min, max;             /* min and max are exact; 0 without values */
    uint32_t *octaves[HISTOGRAM_OCTAVES]; /* HISTOGRAM_BUCKETS each; NULL: no value there */
};
/* False: no memory, the value is lost. Memory is the host's. */
bool histogram_add(struct histogram *histogram, const struct oracle_host *host, uint64_t value);
/* Adds all of `from`. False: no memory. */
bool histogram_merge(struct histogram *into, const struct oracle_host *host,
                     const struct histogram *from);
/* The value that `ppm` parts of a million of all do not exceed (nearest rank): the middle of its
 * bucket, within [min, max]. 0 without values. */
uint64_t histogram_quantile(const struct histogram *histogram, uint32_t ppm);
/* No values; keeps the memory. */
void histogram_clear(struct histogram *histogram);
void histogram_free(struct histogram *histogram, const struct oracle_host *host);

#endif
