/* load/body.c - see body.h. */
#include "model/load/body.h"

/* Eight bytes as they stand in a body: big endian. */
static uint64_t swapped(uint64_t word) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return __builtin_bswap64(word);
#else
    return word;
#endif
}

/* The i-th 8 bytes behind the header: multiples of an odd number, folded so that every bit moves;
 * independent of each other, so that the loops below are quick. */
static uint64_t word_at(uint64_t base, uint64_t i) {
    uint64_t x = base + i * UINT64_C(0x9e3779b97f4a7c15);
    return x ^ x >> 29;
}

static uint64_t base_of(uint64_t run, uint64_t number) {
    uint64_t x = (run ^ UINT64_C(0xd6e8feb86659fd93)) * UINT64_C(0xff51afd7ed558ccd);
    x ^= number * UINT64_C(0xc4ceb9fe1a85ec53);
    return x ^ x >> 33;
}

static uint64_t get_word(const uint8_t *in) {
    uint64_t word;
    memcpy(&word, in, sizeof word);
    return swapped(word);
}

/* As much of `word` as there is room for. */
static void put_word(uint8_t *out, uint64_t word, size_t len) {
    word = swapped(word);
    memcpy(out, &word, len < sizeof word ? len : sizeof word);
}

void body_fill(uint8_t *out, size_t len, uint64_t run, uint64_t number) {
    uint64_t base = base_of(run, number), i = 2;
    size_t at = BODY_HEADER_BYTES;
    put_word(out, run, len);
    if (len > sizeof run)
        put_word(out + sizeof run, number, len - sizeof run);
    for (; at + 8 <= len; i++, at += 8)
        put_word(out + at, word_at(base, i), 8);
    if (at < len)
        put_word(out + at, word_at(base, i), len - at);
}

bool body_check(struct span body, uint64_t run, uint64_t *number) {
    *number = 0;
    if (body.len < BODY_HEADER_BYTES)
        return true;
    uint64_t claimed = get_word(body.data + 8);
    if (get_word(body.data) != run)
        return false;
    *number = claimed;
    uint64_t base = base_of(run, claimed), i = 2, wrong = 0;
    size_t at = BODY_HEADER_BYTES;
    for (; at + 8 <= body.len; i++, at += 8)
        wrong |= get_word(body.data + at) ^ word_at(base, i);
    uint64_t last = word_at(base, i);
    for (unsigned shift = 56; at < body.len; at++, shift -= 8)
        wrong |= body.data[at] ^ (last >> shift & 0xff);
    return wrong == 0;
}
