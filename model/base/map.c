/* base/map.c - the keyed hash behind every table. */
#include "model/base/map.h"

#include <xxhash.h>

uint64_t map_hash(uint64_t hash_key, const void *key, size_t len) {
    return XXH3_64bits_withSeed(key, len, hash_key);
}
