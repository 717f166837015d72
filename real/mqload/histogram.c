/* mqload/histogram.c - see histogram.h. */
#include "real/mqload/histogram.h"

#define SUB (UINT64_C(1) << HISTOGRAM_SUB_BITS)

static unsigned bucket_of(uint64_t value) {
    if (value < SUB)
        return (unsigned)value;
    unsigned shift = 63 - (unsigned)__builtin_clzll(value) - HISTOGRAM_SUB_BITS;
    return (shift + 1) << HISTOGRAM_SUB_BITS | (unsigned)((value >> shift) & (SUB - 1));
}

/* The largest value of a bucket. */
static uint64_t upper_end(unsigned bucket) {
    if (bucket < SUB)
        return bucket;
    unsigned shift = (bucket >> HISTOGRAM_SUB_BITS) - 1;
    return ((SUB | (bucket & (SUB - 1))) << shift) + ((UINT64_C(1) << shift) - 1);
}

void histogram_add(struct histogram *histogram, uint64_t value) {
    histogram->count++;
    histogram->sum += value;
    if (value > histogram->max)
        histogram->max = value;
    histogram->buckets[bucket_of(value)]++;
}

void histogram_merge(struct histogram *into, const struct histogram *from) {
    into->count += from->count;
    into->sum += from->sum;
    if (from->max > into->max)
        into->max = from->max;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        into->buckets[i] += from->buckets[i];
}

uint64_t histogram_quantile(const struct histogram *histogram, uint32_t ppm) {
    if (histogram->count == 0)
        return 0;
    uint64_t whole = histogram->count / 1000000 * ppm;
    uint64_t rest = histogram->count % 1000000 * ppm;
    uint64_t rank = whole + rest / 1000000 + (rest % 1000000 != 0);
    uint64_t seen = 0;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += histogram->buckets[i];
        if (seen >= rank && seen > 0) {
            uint64_t value = upper_end(i);
            return value < histogram->max ? value : histogram->max;
        }
    }
    return histogram->max;
}
