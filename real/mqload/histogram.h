/* mqload/histogram.h - latencies in log-linear buckets: 32 per power of two, so a quantile is at
 * most 3.2 % above the true one. */
#ifndef REAL_MQLOAD_HISTOGRAM_H
#define REAL_MQLOAD_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_SUB_BITS 5
#define HISTOGRAM_BUCKETS ((64 - HISTOGRAM_SUB_BITS + 1) << HISTOGRAM_SUB_BITS)

struct histogram {
    uint64_t count, max, sum;
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *histogram, uint64_t value);
void histogram_merge(struct histogram *into, const struct histogram *from);
/* The value below or at which `ppm` of all are: the upper end of its bucket, never above max. 0
 * when empty. */
uint64_t histogram_quantile(const struct histogram *histogram, uint32_t ppm);

#endif
