/* base/latency.c - see latency.h. */
#include "model/base/latency.h"

#include "model/base/check.h"

/* 0 to 7 as they are, then four per power of two. */
static uint32_t bucket_of(uint64_t us) {
    if (us < 8)
        return (uint32_t)us;
    uint32_t octave = 63U - (uint32_t)__builtin_clzll(us);
    uint32_t index = 4 * (octave - 1) + (uint32_t)(us >> (octave - 2) & 3);
    return index < LATENCY_BUCKETS ? index : LATENCY_BUCKETS - 1;
}

uint64_t latency_bound_us(uint32_t index) {
    RMQ_ASSERT(index < LATENCY_BUCKETS);
    if (index < 8)
        return index;
    uint32_t octave = index / 4 + 1;
    return ((UINT64_C(5) + index % 4) << (octave - 2)) - 1;
}

void latency_add(struct latency *latency, uint64_t us) {
    latency->count++;
    latency->sum_us += us;
    if (us > latency->max_us)
        latency->max_us = us;
    uint32_t *bucket = &latency->buckets[bucket_of(us)];
    if (*bucket < UINT32_MAX)
        (*bucket)++;
}

uint64_t latency_percentile_us(const struct latency *latency, uint32_t permille) {
    RMQ_ASSERT(permille >= 1 && permille <= 1000);
    uint64_t total = 0, seen = 0;
    for (uint32_t i = 0; i < LATENCY_BUCKETS; i++)
        total += latency->buckets[i];
    uint64_t wanted = (total * permille + 999) / 1000;
    for (uint32_t i = 0; i < LATENCY_BUCKETS && total > 0; i++) {
        seen += latency->buckets[i];
        if (seen < wanted)
            continue;
        uint64_t bound = latency_bound_us(i);
        bool last = i == LATENCY_BUCKETS - 1 || bound > latency->max_us;
        return last ? latency->max_us : bound;
    }
    return 0;
}

uint64_t latency_count_until(const struct latency *latency, uint64_t bound_us) {
    uint64_t count = 0;
    for (uint32_t i = 0; i < LATENCY_BUCKETS && latency_bound_us(i) <= bound_us; i++)
        count += latency->buckets[i];
    return count;
}
