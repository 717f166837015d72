/* load/body.c - see body.h. */
#include "model/load/body.h"

/* The i-th 8 bytes behind the header: an odd multiple, folded so that every bit moves. */
static uint64_t word_at(uint64_t base, uint64_t i) {
    uint64_t x = base + i * UINT64_C(0x9e3779b97f4a7c15);
    return x ^ x >> 29;
}

static uint64_t base_of(uint64_t run, uint64_t number) {
    uint64_t x = (run ^ UINT64_C(0xd6e8feb86659fd93)) * UINT64_C(0xff51afd7ed558ccd);
    x ^= number * UINT64_C(0xc4ceb9fe1a85ec53);
    return x ^ x >> 33;
}

static void put_word(uint8_t *out, uint64_t word, size_t len) {
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)(word >> (56 - 8 * i));
}

static uint64_t get_word(const uint8_t *in) {
    uint64_t word = 0;
    for (size_t i = 0; i < 8; i++)
        word = word << 8 | in[i];
    return word;
}

void body_fill(uint8_t *out, size_t len, uint64_t run, uint64_t number) {
    uint64_t base = base_of(run, number);
    size_t at = 0;
    for (uint64_t i = 0; at < len; i++, at += 8) {
        uint64_t word = i == 0 ? run : i == 1 ? number : word_at(base, i);
        put_word(out + at, word, len - at < 8 ? len - at : 8);
    }
}

bool body_check(struct span body, uint64_t run, uint64_t *number) {
    *number = 0;
    if (body.len < BODY_HEADER_BYTES)
        return true;
    uint64_t claimed = get_word(body.data + 8);
    if (get_word(body.data) != run)
        return false;
    *number = claimed;
    uint64_t base = base_of(run, claimed), i = 2;
    size_t at = BODY_HEADER_BYTES;
    for (; at + 8 <= body.len; i++, at += 8)
        if (get_word(body.data + at) != word_at(base, i))
            return false;
    uint64_t last = word_at(base, i);
    for (unsigned shift = 56; at < body.len; at++, shift -= 8)
        if (body.data[at] != (uint8_t)(last >> shift))
            return false;
    return true;
}
