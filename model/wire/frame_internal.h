/* wire/frame_internal.h - the two header serializations, as frame.c calls them. */
#ifndef MODEL_WIRE_FRAME_INTERNAL_H
#define MODEL_WIRE_FRAME_INTERNAL_H

#include "model/base/check.h"
#include "model/wire/frame.h"

#define FRAME_PREFIX_BYTES 8 /* length, type and header length */

static inline uint16_t load_u16(const uint8_t *at) {
    return (uint16_t)(at[0] << 8 | at[1]);
}
static inline uint32_t load_u32(const uint8_t *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}
static inline uint8_t *store_u16(uint8_t *at, uint16_t value) {
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
    return at + 2;
}
static inline uint8_t *store_u32(uint8_t *at, uint32_t value) {
    at[0] = (uint8_t)(value >> 24);
    at[1] = (uint8_t)(value >> 16);
    at[2] = (uint8_t)(value >> 8);
    at[3] = (uint8_t)value;
    return at + 4;
}

static inline int frame_refuse(struct wire_error *error, int err, size_t offset,
                               const char *expected) {
    error->offset = offset;
    error->expected = expected;
    return err;
}

/* Languages by their number, WIRE_LANGUAGE_UNKNOWN for others. */
enum wire_language frame_language_of_number(int64_t number);
enum wire_language frame_language_of_name(struct span name);

/* Appends a decoded field; RMQ_E_LIMIT at WIRE_FIELDS_MAX. */
static inline int frame_add_field(struct wire_command *out, struct span key, struct span value) {
    if (out->field_count == WIRE_FIELDS_MAX)
        return RMQ_E_LIMIT;
    out->fields[out->field_count++] = (struct wire_field){key, value};
    return RMQ_OK;
}

/* Each decodes `header` into *out (initialised by wire_command_init); offsets in *error count from
 * the header's first byte. */
int frame_binary_decode(struct span header, struct wire_command *out, struct wire_error *error);
int frame_json_decode(struct span header, struct buf *scratch, struct wire_command *out,
                      struct wire_error *error);

/* The same for a header that looks as Java writes it; false: not one of these, *out is spoiled. */
bool frame_json_quick(struct span header, struct buf *scratch, struct wire_command *out);

/* Exact size of the encoded header: RMQ_OK, RMQ_E_RANGE, RMQ_E_LIMIT. */
int frame_binary_size(const struct wire_command *command, size_t *size);
int frame_json_size(const struct wire_command *command, size_t *size);
/* Writes exactly that many bytes at `at`; returns their end. */
uint8_t *frame_binary_write(const struct wire_command *command, uint8_t *at);
uint8_t *frame_json_write(const struct wire_command *command, uint8_t *at);

#endif
