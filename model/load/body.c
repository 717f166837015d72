/* load/body.c - see body.h. */
#include "model/load/body.h"

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define BIG_ENDIAN_64(word) __builtin_bswap64(word)
#define LITTLE_ENDIAN_64(word) (word)
#else
#define BIG_ENDIAN_64(word) (word)
#define LITTLE_ENDIAN_64(word) __builtin_bswap64(word)
#endif

/* The i-th 8 bytes behind the header, little endian: multiples of an odd number, folded so that
 * every bit moves. They do not depend on each other, and compilers make vectors of QUAD of them:
 * filling and checking bodies is a good part of what a message costs. */
#define STEP UINT64_C(0x9e3779b97f4a7c15)
#define QUAD 4
static inline uint64_t fold(uint64_t x) {
    return LITTLE_ENDIAN_64(x ^ x >> 29);
}
static inline void quad_at(uint64_t words[QUAD], uint64_t x) {
    const uint64_t steps[QUAD] = {0, STEP, 2 * STEP, 3 * STEP};
    for (unsigned i = 0; i < QUAD; i++)
        words[i] = fold(x + steps[i]);
}

static uint64_t base_of(uint64_t run, uint64_t number) {
    uint64_t x = (run ^ UINT64_C(0xd6e8feb86659fd93)) * UINT64_C(0xff51afd7ed558ccd);
    x ^= number * UINT64_C(0xc4ceb9fe1a85ec53);
    return x ^ x >> 33;
}

static uint64_t get_number(const uint8_t *in) {
    uint64_t word;
    memcpy(&word, in, sizeof word);
    return BIG_ENDIAN_64(word);
}

/* As much of `word` as there is room for. */
static void put_word(uint8_t *out, uint64_t word, size_t len) {
    memcpy(out, &word, len < sizeof word ? len : sizeof word);
}

void body_fill(uint8_t *out, size_t len, uint64_t run, uint64_t number) {
    uint64_t x = base_of(run, number), words[QUAD];
    size_t at = BODY_HEADER_BYTES;
    put_word(out, BIG_ENDIAN_64(run), len);
    if (len > sizeof run)
        put_word(out + sizeof run, BIG_ENDIAN_64(number), len - sizeof run);
    for (; at + sizeof words <= len; at += sizeof words, x += QUAD * STEP) {
        quad_at(words, x);
        memcpy(out + at, words, sizeof words);
    }
    for (; at < len; at += 8, x += STEP)
        put_word(out + at, fold(x), len - at);
}

bool body_check(struct span body, uint64_t run, uint64_t *number) {
    *number = 0;
    if (body.len < BODY_HEADER_BYTES)
        return true;
    uint64_t claimed = get_number(body.data + 8);
    if (get_number(body.data) != run)
        return false;
    *number = claimed;
    uint64_t x = base_of(run, claimed), words[QUAD], given[QUAD], wrong[QUAD] = {0};
    size_t at = BODY_HEADER_BYTES;
    for (; at + sizeof words <= body.len; at += sizeof words, x += QUAD * STEP) {
        quad_at(words, x);
        memcpy(given, body.data + at, sizeof given);
        for (unsigned i = 0; i < QUAD; i++)
            wrong[i] |= given[i] ^ words[i];
    }
    for (; at < body.len; at += 8, x += STEP) {
        size_t len = body.len - at < 8 ? body.len - at : 8;
        uint64_t word = fold(x), rest = word;
        memcpy(&rest, body.data + at, len);
        wrong[0] |= rest ^ word;
    }
    return (wrong[0] | wrong[1] | wrong[2] | wrong[3]) == 0;
}
