/* load/body.c - see body.h. */
#include "model/load/body.h"

#define IS_LITTLE_ENDIAN (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
#define BIG_ENDIAN_64(word) (IS_LITTLE_ENDIAN ? __builtin_bswap64(word) : (word))
#define LITTLE_ENDIAN_64(word) (IS_LITTLE_ENDIAN ? (word) : __builtin_bswap64(word))

/* The i-th 8 bytes behind the header, little endian, are multiples of an odd number, folded so that
 * every bit moves. They do not depend on each other: filling and checking bodies is a good part of
 * what a message costs, and goes by QUAD of them, in two vectors (which a compiler makes of plain
 * registers where there are none). */
#define STEP UINT64_C(0x9e3779b97f4a7c15)
#define QUAD 4
typedef uint64_t pair __attribute__((vector_size(16)));
struct quad {
    pair low, high;
};
_Static_assert(sizeof(struct quad) == QUAD * sizeof(uint64_t), "no padding");

static uint64_t word_at(uint64_t x) {
    return LITTLE_ENDIAN_64(x ^ x >> 29);
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
    uint64_t x = base_of(run, number);
    size_t at = BODY_HEADER_BYTES;
    put_word(out, BIG_ENDIAN_64(run), len);
    if (len > sizeof run)
        put_word(out + sizeof run, BIG_ENDIAN_64(number), len - sizeof run);
    struct quad quad = {{x, x + STEP}, {x + 2 * STEP, x + 3 * STEP}}, words;
    for (; IS_LITTLE_ENDIAN && at + sizeof words <= len; at += sizeof words, x += QUAD * STEP) {
        words.low = quad.low ^ quad.low >> 29;
        words.high = quad.high ^ quad.high >> 29;
        memcpy(out + at, &words, sizeof words);
        quad.low += QUAD * STEP;
        quad.high += QUAD * STEP;
    }
    for (; at < len; at += 8, x += STEP)
        put_word(out + at, word_at(x), len - at);
}

bool body_check(struct span body, uint64_t run, uint64_t *number) {
    *number = 0;
    if (body.len < BODY_HEADER_BYTES)
        return true;
    uint64_t claimed = get_number(body.data + 8);
    if (get_number(body.data) != run)
        return false;
    *number = claimed;
    uint64_t x = base_of(run, claimed);
    size_t at = BODY_HEADER_BYTES;
    struct quad quad = {{x, x + STEP}, {x + 2 * STEP, x + 3 * STEP}}, given;
    pair wrong = {0};
    for (; IS_LITTLE_ENDIAN && at + sizeof given <= body.len;
         at += sizeof given, x += QUAD * STEP) {
        memcpy(&given, body.data + at, sizeof given);
        wrong |= given.low ^ quad.low ^ quad.low >> 29;
        wrong |= given.high ^ quad.high ^ quad.high >> 29;
        quad.low += QUAD * STEP;
        quad.high += QUAD * STEP;
    }
    uint64_t wrong_tail = 0;
    for (; at < body.len; at += 8, x += STEP) {
        size_t len = body.len - at < 8 ? body.len - at : 8;
        uint64_t word = word_at(x), rest = word;
        memcpy(&rest, body.data + at, len);
        wrong_tail |= rest ^ word;
    }
    return (wrong[0] | wrong[1] | wrong_tail) == 0;
}
