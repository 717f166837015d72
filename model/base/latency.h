/* base/latency.h - how long things took, in microseconds: a histogram of integers.
 *
 * Buckets are a quarter of a power of two wide, so that a percentile is at most 25 % above the
 * truth; below 8 us they are exact. What is above the last bucket (134 s) counts there. */
#ifndef MODEL_BASE_LATENCY_H
#define MODEL_BASE_LATENCY_H

#include <stdbool.h>
#include <stdint.h>

#define LATENCY_BUCKETS 104

struct latency {
    uint64_t count, sum_us, max_us;
    uint32_t buckets[LATENCY_BUCKETS];
};

void latency_add(struct latency *latency, uint64_t us);
/* The largest value that counts in bucket `index`. */
uint64_t latency_bound_us(uint32_t index);
/* The bound of the bucket where `permille` (1 to 1000) of what was counted ends, but no more than
 * the maximum; 0 without any. */
uint64_t latency_percentile_us(const struct latency *latency, uint32_t permille);
/* How many took `bound_us` or less; exact where that is a bucket's bound. */
uint64_t latency_count_until(const struct latency *latency, uint64_t bound_us);

#endif
