/* filter/bloom.c - see bloom.h. */
#include "model/filter/bloom.h"

#include "model/base/check.h"
#include "model/base/wide.h"

/* ---- murmur3 --------------------------------------------------------------------------------- */

static uint64_t rotate(uint64_t value, unsigned bits) {
    return value << bits | value >> (64 - bits);
}

static uint64_t mix(uint64_t hash) {
    hash ^= hash >> 33;
    hash *= UINT64_C(0xff51afd7ed558ccd);
    hash ^= hash >> 33;
    hash *= UINT64_C(0xc4ceb9fe1a85ec53);
    return hash ^ hash >> 33;
}

/* Up to 8 bytes, little endian. */
static uint64_t word_at(struct span bytes, size_t at) {
    uint64_t word = 0;
    for (size_t i = at; i < at + 8 && i < bytes.len; i++)
        word |= (uint64_t)bytes.data[i] << 8 * (i - at);
    return word;
}

uint64_t murmur3_128_low(struct span bytes) {
    const uint64_t c1 = UINT64_C(0x87c37b91114253d5), c2 = UINT64_C(0x4cf5ad432745937f);
    uint64_t h1 = 0, h2 = 0;
    size_t at = 0;
    for (; bytes.len - at >= 16; at += 16) {
        h1 ^= rotate(word_at(bytes, at) * c1, 31) * c2;
        h1 = (rotate(h1, 27) + h2) * 5 + 0x52dce729;
        h2 ^= rotate(word_at(bytes, at + 8) * c2, 33) * c1;
        h2 = (rotate(h2, 31) + h1) * 5 + 0x38495ab5;
    }
    h1 ^= rotate(word_at(bytes, at) * c1, 31) * c2; /* of what is left; nothing: 0 */
    h2 ^= rotate(word_at(bytes, at + 8) * c2, 33) * c1;
    h1 ^= bytes.len;
    h2 ^= bytes.len;
    h1 += h2;
    h2 += h1;
    return mix(h1) + mix(h2);
}

/* ---- size ------------------------------------------------------------------------------------ */

#define LOG_BITS 40
#define LOG2_E UINT64_C(0x171547652b8) /* log2(e) * 2^40 */

/* log2(100 / percent) * 2^LOG_BITS, bit by bit: what is in [1, 2) is squared. */
static uint64_t log2_of_inverse(uint64_t percent) {
    uint64_t whole = 0, value = (UINT64_C(100) << 56) / percent; /* 8.56, below 100 */
    for (; value >> 57 != 0; value >>= 1)
        whole++;
    value <<= 7; /* 1.63 */
    for (unsigned i = 0; i < LOG_BITS; i++) {
        struct product square = multiply(value, value); /* 2.126 */
        bool two = square.high >> 63 != 0;
        value = two ? square.high : square.high << 1 | square.low >> 63;
        whole = whole << 1 | two;
    }
    return whole;
}

void bloom_size(int32_t error_percent, int32_t count, uint32_t *functions, int32_t *bits) {
    RMQ_ASSERT(error_percent >= 1 && error_percent <= 99 && count >= 1);
    *functions = 1;
    while ((error_percent << *functions) < 100)
        ++*functions;
    struct product each = multiply(log2_of_inverse((uint64_t)error_percent), LOG2_E);
    uint64_t each_40 = each.high << (64 - LOG_BITS) | each.low >> LOG_BITS;
    struct product all = multiply(each_40, (uint64_t)count);
    uint64_t whole = all.high << (64 - LOG_BITS) | all.low >> LOG_BITS;
    whole += (all.low & ((UINT64_C(1) << LOG_BITS) - 1)) != 0;
    whole = (whole + 7) / 8 * 8;
    *bits = whole > INT32_MAX ? INT32_MAX : (int32_t)whole;
}

void bloom_places(struct span name, int32_t error_percent, int32_t count, struct filter_bits *out) {
    uint64_t hash = murmur3_128_low(name);
    uint32_t low = (uint32_t)hash, high = (uint32_t)(hash >> 32);
    bloom_size(error_percent, count, &out->count, &out->bits);
    RMQ_ASSERT(out->count <= FILTER_BITS_MAX);
    for (uint32_t i = 0; i < out->count; i++) {
        uint32_t place = low + (i + 1) * high;
        if (place >> 31 != 0)
            place = ~place;
        out->at[i] = (int32_t)(place % (uint32_t)out->bits);
    }
}
