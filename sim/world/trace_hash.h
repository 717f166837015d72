/* sim/world/trace_hash.h - the 128-bit hash of everything a run did. Always on.
 *
 * Two 64-bit lanes, folded with a multiply-and-mix per word; byte order and word size independent.
 * Folded: steps (time, node, kind), contents of delivered chunks and disk writes, typed events'
 * fields, each draw's purpose, owner and value. Not folded: log text, addresses, padding. */
#ifndef SIM_TRACE_HASH_H
#define SIM_TRACE_HASH_H

#include <stddef.h>
#include <stdint.h>

struct trace_hash {
    uint64_t lane[2];
    uint64_t folds;
};

void trace_hash_init(struct trace_hash *hash);
static inline uint64_t trace_hash_mix(uint64_t a, uint64_t b) {
    /* 64x64 -> xor of the 128-bit product's halves */
#ifdef __SIZEOF_INT128__
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
#else
    uint64_t a0 = (uint32_t)a, a1 = a >> 32, b0 = (uint32_t)b, b1 = b >> 32;
    uint64_t p00 = a0 * b0, p01 = a0 * b1, p10 = a1 * b0, p11 = a1 * b1;
    uint64_t mid = (p00 >> 32) + (uint32_t)p01 + (uint32_t)p10;
    uint64_t low = (mid << 32) | (uint32_t)p00;
    uint64_t high = p11 + (p01 >> 32) + (p10 >> 32) + (mid >> 32);
    return low ^ high;
#endif
}
/* Folds two words. */
static inline void trace_hash_fold(struct trace_hash *hash, uint64_t a, uint64_t b) {
    hash->lane[0] = trace_hash_mix(hash->lane[0] ^ a, 0x9e3779b97f4a7c15ULL ^ b) + hash->lane[1];
    hash->lane[1] = (hash->lane[1] ^ b) * 0xff51afd7ed558ccdULL + (a << 23 | a >> 41);
    hash->folds++;
}
/* XXH3 of bytes, for contents. */
uint64_t trace_hash_bytes(const void *data, size_t len);
uint64_t trace_hash_bytes_avx2(const void *data, size_t len); /* of trace_hash_bytes */
/* Final value as 32 hex digits and NUL; does not change the state. */
void trace_hash_hex(const struct trace_hash *hash, char out[33]);

#endif
