/* wire/json_bytes.h - which bytes of a JSON string are plain: ASCII that needs no escape, eight at
 * a time. */
#ifndef MODEL_WIRE_JSON_BYTES_H
#define MODEL_WIRE_JSON_BYTES_H

#include "model/base/span.h"

#define JSON_BYTES_OF(byte) (UINT64_C(0x0101010101010101) * (byte))

static inline bool json_byte_is_plain(uint8_t byte) {
    return byte >= 0x20 && byte < 0x7F && byte != '"' && byte != '\\';
}

static inline uint64_t json_load_word(const uint8_t *at) {
    uint64_t word;
    memcpy(&word, at, 8);
    return word;
}

/* Not 0 when a byte of `word` is 0 (which one, it does not always say). */
static inline uint64_t json_zero_bytes(uint64_t word) {
    return (word - JSON_BYTES_OF(0x01)) & ~word & JSON_BYTES_OF(0x80);
}

/* Not 0 when a byte of `word` is not plain. */
static inline uint64_t json_special_bytes(uint64_t word) {
    uint64_t special = word | ((word - JSON_BYTES_OF(0x20)) & ~word);
    return (special & JSON_BYTES_OF(0x80)) | json_zero_bytes(word ^ JSON_BYTES_OF('"')) |
           json_zero_bytes(word ^ JSON_BYTES_OF('\\')) |
           json_zero_bytes(word ^ JSON_BYTES_OF(0x7F));
}

#endif
