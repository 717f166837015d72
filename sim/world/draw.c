/* sim/world/draw.c - see draw.h. Pure functions of integers. */
#include "sim/world/draw.h"

#include <string.h>

#include "model/base/check.h"
#include "model/base/wide.h"
#include "sim/world/trace_hash.h"

uint64_t draw(uint64_t seed, enum draw_purpose purpose, uint64_t owner, uint64_t index) {
    uint64_t a = trace_hash_mix(seed ^ 0xa0761d6478bd642fULL, owner ^ 0xe7037ed1a0b428dbULL);
    uint64_t b =
        trace_hash_mix(index ^ 0x8ebc6af09c88c6e3ULL, (uint64_t)purpose ^ 0x589965cc75374cc3ULL);
    return trace_hash_mix(a ^ 0x1d8e4e27c47d124fULL ^ index, b ^ owner ^ 0xeb44accab455d165ULL);
}

uint64_t draw_below(uint64_t seed, enum draw_purpose purpose, uint64_t owner, uint64_t index,
                    uint64_t bound) {
    RMQ_ASSERT(bound > 0);
    uint64_t reject_below = (0 - bound) % bound; /* 2^64 mod bound */
    for (uint64_t again = 0;; again++) {
        struct product p = multiply(draw(seed, purpose, owner, index ^ again << 56), bound);
        if (p.low >= reject_below) {
            return p.high;
        }
    }
}

bool draw_chance(uint64_t seed, enum draw_purpose purpose, uint64_t owner, uint64_t index,
                 uint32_t ppm) {
    RMQ_ASSERT(ppm <= 1000000);
    return multiply(draw(seed, purpose, owner, index), 1000000).high < ppm;
}

uint64_t draw_owner(const char *name) {
    return trace_hash_bytes(name, strlen(name));
}

uint64_t draw_owner_pair(uint64_t a, uint64_t b) {
    return trace_hash_mix(a ^ 0x2545f4914f6cdd1dULL, b) + 0x9e3779b97f4a7c15ULL * b;
}
