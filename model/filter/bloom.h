/* filter/bloom.h - the bloom filter whose places consumerFilter.json has for each group and topic.
 *
 * Nothing here looks into bit maps; an Apache broker that gets the file back refuses all of it when
 * its places are not those of its own filter. Source: BloomFilter.java of 4.9.8, Guava's
 * murmur3_128. */
#ifndef MODEL_FILTER_BLOOM_H
#define MODEL_FILTER_BLOOM_H

#include "model/wire/body_filter.h"

/* Hash functions and bits for an error rate of 1 to 99 % and `count` (1 and more) names. */
void bloom_size(int32_t error_percent, int32_t count, uint32_t *functions, int32_t *bits);
/* The places of a name in such a filter. */
void bloom_places(struct span name, int32_t error_percent, int32_t count, struct filter_bits *out);
/* MurmurHash3_x64_128 with seed 0: its first half. */
uint64_t murmur3_128_low(struct span bytes);

#endif
