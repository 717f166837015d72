/* sim/world/trace_hash.c - see trace_hash.h. */
#include "sim/world/trace_hash.h"

#include <xxhash.h>

void trace_hash_init(struct trace_hash *hash) {
    hash->lane[0] = 0x243f6a8885a308d3ULL;
    hash->lane[1] = 0x13198a2e03707344ULL;
    hash->folds = 0;
}

#define LONG_BYTES 240 /* from there on XXH3 uses vectors */

uint64_t trace_hash_bytes(const void *data, size_t len) {
#ifdef RMQ_AVX2
    if (len > LONG_BYTES && __builtin_cpu_supports("avx2"))
        return trace_hash_bytes_avx2(data, len);
#endif
    return XXH3_64bits(data, len);
}

void trace_hash_hex(const struct trace_hash *hash, char out[33]) {
    uint64_t high = trace_hash_mix(hash->lane[0] ^ hash->folds, hash->lane[1] | 1);
    uint64_t low = trace_hash_mix(hash->lane[1] ^ 0xa4093822299f31d0ULL, hash->lane[0] | 1) + high;
    for (unsigned i = 0; i < 16; i++) {
        out[i] = "0123456789abcdef"[high >> (60 - 4 * i) & 15];
        out[16 + i] = "0123456789abcdef"[low >> (60 - 4 * i) & 15];
    }
    out[32] = '\0';
}
