/* base/utf8.h - code points to and from UTF-8 and \uXXXX digits. */
#ifndef MODEL_BASE_UTF8_H
#define MODEL_BASE_UTF8_H

#include "model/base/buf.h"

#define UTF8_LEN_MAX 4

/* Writes code point `code` (<= 0x10FFFF, no surrogate) to `out`; returns its length, 1 to 4. */
size_t utf8_encode(uint32_t code, uint8_t out[UTF8_LEN_MAX]);
/* Reads the code point that begins `text` (len > 0); returns its length, or 0 when the bytes are
 * not UTF-8 (overlong forms, surrogates and codes above 0x10FFFF are not). */
size_t utf8_decode(struct span text, uint32_t *code);

static inline bool utf16_is_high(uint32_t unit) {
    return unit >= 0xD800 && unit <= 0xDBFF;
}
static inline bool utf16_is_low(uint32_t unit) {
    return unit >= 0xDC00 && unit <= 0xDFFF;
}
/* The code point of a surrogate pair. */
static inline uint32_t utf16_join(uint32_t high, uint32_t low) {
    return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
}

/* The four hex digits that begin `text`, or -1. */
int32_t hex4_read(struct span text);

#endif
