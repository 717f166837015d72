/* sim/judge/histogram.c - octave 0 holds values below 128 one by one, octave n the 128 equal parts
 * of [2^(n+6), 2^(n+7)). */
#include "sim/judge/histogram.h"

#include "model/base/check.h"

static unsigned octave_of(uint64_t value) {
    return value < HISTOGRAM_BUCKETS ? 0 : 57U - (unsigned)__builtin_clzll(value);
}

static uint64_t width_of(unsigned octave) {
    return octave == 0 ? 1 : UINT64_C(1) << (octave - 1);
}

static uint32_t *buckets_of(struct histogram *histogram, const struct oracle_host *host,
                            unsigned octave) {
    RMQ_ASSERT(octave < HISTOGRAM_OCTAVES);
    if (histogram->octaves[octave] == NULL)
        histogram->octaves[octave] =
            host->alloc(host->ctx, HISTOGRAM_BUCKETS * sizeof *histogram->octaves[octave]);
    return histogram->octaves[octave];
}

static void note(struct histogram *histogram, uint64_t count, uint64_t min, uint64_t max) {
    if (histogram->count == 0 || min < histogram->min)
        histogram->min = min;
    if (max > histogram->max)
        histogram->max = max;
    histogram->count += count;
}

bool histogram_add(struct histogram *histogram, const struct oracle_host *host, uint64_t value) {
    unsigned octave = octave_of(value);
    uint32_t *buckets = buckets_of(histogram, host, octave);
    if (buckets == NULL)
        return false;
    buckets[value / width_of(octave) % HISTOGRAM_BUCKETS]++;
    note(histogram, 1, value, value);
    return true;
}

bool histogram_merge(struct histogram *into, const struct oracle_host *host,
                     const struct histogram *from) {
    for (unsigned octave = 0; octave < HISTOGRAM_OCTAVES; octave++) {
        if (from->octaves[octave] == NULL)
            continue;
        uint32_t *buckets = buckets_of(into, host, octave);
        if (buckets == NULL)
            return false;
        for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
            buckets[i] += from->octaves[octave][i];
    }
    if (from->count > 0)
        note(into, from->count, from->min, from->max);
    return true;
}

static uint64_t middle_of(unsigned octave, size_t bucket) {
    uint64_t width = width_of(octave);
    uint64_t low = octave == 0 ? 0 : HISTOGRAM_BUCKETS * width;
    return low + bucket * width + width / 2;
}

uint64_t histogram_quantile(const struct histogram *histogram, uint32_t ppm) {
    RMQ_ASSERT(ppm <= 1000000);
    uint64_t rank =
        histogram->count / 1000000 * ppm + (histogram->count % 1000000 * ppm + 999999) / 1000000;
    uint64_t seen = 0;
    for (unsigned octave = 0; octave < HISTOGRAM_OCTAVES; octave++) {
        const uint32_t *buckets = histogram->octaves[octave];
        for (size_t i = 0; buckets != NULL && i < HISTOGRAM_BUCKETS; i++) {
            seen += buckets[i];
            if (buckets[i] == 0 || seen < rank)
                continue;
            uint64_t value = middle_of(octave, i);
            value = value < histogram->min ? histogram->min : value;
            return value > histogram->max ? histogram->max : value;
        }
    }
    return histogram->max;
}

void histogram_clear(struct histogram *histogram) {
    for (unsigned octave = 0; octave < HISTOGRAM_OCTAVES; octave++)
        if (histogram->octaves[octave] != NULL)
            memset(histogram->octaves[octave], 0,
                   HISTOGRAM_BUCKETS * sizeof *histogram->octaves[octave]);
    histogram->count = histogram->min = histogram->max = 0;
}

void histogram_free(struct histogram *histogram, const struct oracle_host *host) {
    for (unsigned octave = 0; octave < HISTOGRAM_OCTAVES; octave++)
        host->free(host->ctx, histogram->octaves[octave]);
    *histogram = (struct histogram){.count = 0};
}
