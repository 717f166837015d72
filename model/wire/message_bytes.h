/* wire/message_bytes.h - big-endian integers at a place in memory. */
#ifndef MODEL_WIRE_MESSAGE_BYTES_H
#define MODEL_WIRE_MESSAGE_BYTES_H

#include <stdint.h>
#include <string.h>

static inline void bytes_put_i16(uint8_t *at, int16_t value) {
    uint16_t swapped = __builtin_bswap16((uint16_t)value);
    memcpy(at, &swapped, sizeof swapped);
}
static inline void bytes_put_i32(uint8_t *at, int32_t value) {
    uint32_t swapped = __builtin_bswap32((uint32_t)value);
    memcpy(at, &swapped, sizeof swapped);
}
static inline void bytes_put_i64(uint8_t *at, int64_t value) {
    uint64_t swapped = __builtin_bswap64((uint64_t)value);
    memcpy(at, &swapped, sizeof swapped);
}
static inline int16_t bytes_i16(const uint8_t *at) {
    uint16_t value;
    memcpy(&value, at, sizeof value);
    return (int16_t)__builtin_bswap16(value);
}
static inline int32_t bytes_i32(const uint8_t *at) {
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return (int32_t)__builtin_bswap32(value);
}
static inline int64_t bytes_i64(const uint8_t *at) {
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return (int64_t)__builtin_bswap64(value);
}

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "a big-endian machine needs no swap");

#endif
