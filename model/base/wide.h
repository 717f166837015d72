/* base/wide.h - 64 x 64 bits to 128, on every word size. */
#ifndef MODEL_BASE_WIDE_H
#define MODEL_BASE_WIDE_H

#include <stdint.h>

/* A 128-bit product. */
struct product {
    uint64_t high;
    uint64_t low;
};

static inline struct product multiply(uint64_t a, uint64_t b) {
#ifdef __SIZEOF_INT128__
    unsigned __int128 p = (unsigned __int128)a * b;
    return (struct product){(uint64_t)(p >> 64), (uint64_t)p};
#else
    uint64_t a0 = (uint32_t)a, a1 = a >> 32, b0 = (uint32_t)b, b1 = b >> 32;
    uint64_t p00 = a0 * b0, p01 = a0 * b1, p10 = a1 * b0, p11 = a1 * b1;
    uint64_t mid = (p00 >> 32) + (uint32_t)p01 + (uint32_t)p10;
    return (struct product){p11 + (p01 >> 32) + (p10 >> 32) + (mid >> 32),
                            (mid << 32) | (uint32_t)p00};
#endif
}

#endif
