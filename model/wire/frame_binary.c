/* wire/frame_binary.c - the ROCKETMQ binary header. Source: wire.md section 4.
 *
 * Differs: Apache's reader lets a length run past the header into the body and misreads the rest of
 * the frame; here every part must lie inside the header and nothing may follow the ext map. */
#include "model/wire/frame_internal.h"

#define FIXED_BYTES 21

/* Reads the entries of the ext map in [at, end); `start` is the header's first byte. */
static int decode_fields(const uint8_t *start, const uint8_t *at, const uint8_t *end,
                         struct wire_command *out, struct wire_error *error) {
    while (at < end) {
        if (end - at < 2)
            return frame_refuse(error, RMQ_E_INVALID, (size_t)(at - start), "i16 key length");
        size_t key_len = load_u16(at);
        if (key_len > INT16_MAX || key_len + 4 > (size_t)(end - at) - 2)
            return frame_refuse(error, RMQ_E_INVALID, (size_t)(at - start),
                                "key within the ext map");
        struct span key = key_len == 0 ? SPAN_NONE : span_of(at + 2, key_len);
        at += 2 + key_len;
        size_t value_len = load_u32(at);
        if (value_len > (size_t)(end - at) - 4)
            return frame_refuse(error, RMQ_E_INVALID, (size_t)(at - start),
                                "value within the ext map");
        struct span value = value_len == 0 ? SPAN_NONE : span_of(at + 4, value_len);
        if (frame_add_field(out, key, value) != RMQ_OK)
            return frame_refuse(error, RMQ_E_LIMIT, (size_t)(at - start), "64 fields at most");
        at += 4 + value_len;
    }
    return RMQ_OK;
}

int frame_binary_decode(struct span header, struct wire_command *out, struct wire_error *error) {
    const uint8_t *start = header.data;
    if (header.len < FIXED_BYTES)
        return frame_refuse(error, RMQ_E_INVALID, header.len, "21 bytes of fixed header");
    out->code = (int16_t)load_u16(start);
    out->language = frame_language_of_number(start[2]);
    out->version = (int16_t)load_u16(start + 3);
    out->opaque = (int32_t)load_u32(start + 5);
    out->flag = (int32_t)load_u32(start + 9);

    size_t remark_len = load_u32(start + 13);
    if (remark_len > header.len - FIXED_BYTES)
        return frame_refuse(error, RMQ_E_INVALID, 13, "remark within the header");
    out->remark = remark_len == 0 ? SPAN_NONE : span_of(start + 17, remark_len);

    const uint8_t *at = start + 17 + remark_len;
    uint32_t fields_len = load_u32(at);
    at += 4;
    size_t rest = header.len - (size_t)(at - start);
    if (fields_len > INT32_MAX) /* negative: no map */
        fields_len = 0;
    if (fields_len != rest)
        return frame_refuse(error, RMQ_E_INVALID, (size_t)(at - 4 - start),
                            "ext length that ends with the header");
    out->has_fields = fields_len > 0;
    return decode_fields(start, at, at + rest, out, error);
}

/* Entries without a key or a value are not written. */
static bool is_written(const struct wire_field *field) {
    return field->key.data != NULL && field->value.data != NULL;
}

int frame_binary_size(const struct wire_command *command, size_t *size) {
    if (command->code != (int16_t)command->code || command->version != (int16_t)command->version)
        return RMQ_E_RANGE;
    size_t sum = FIXED_BYTES + command->remark.len, longest = 0;
    for (size_t i = 0; i < command->field_count; i++) {
        const struct wire_field *field = &command->fields[i];
        longest = field->key.len > longest ? field->key.len : longest;
        if (is_written(field))
            sum += 2 + field->key.len + 4 + field->value.len;
    }
    *size = sum;
    return longest > INT16_MAX ? RMQ_E_LIMIT : RMQ_OK;
}

uint8_t *frame_binary_write(const struct wire_command *command, uint8_t *at) {
    at = store_u16(at, (uint16_t)command->code);
    *at++ = (uint8_t)command->language;
    at = store_u16(at, (uint16_t)command->version);
    at = store_u32(at, (uint32_t)command->opaque);
    at = store_u32(at, (uint32_t)command->flag);
    at = store_u32(at, (uint32_t)command->remark.len);
    at = span_copy(at, command->remark);
    uint8_t *fields_len = at;
    at += 4;
    for (size_t i = 0; i < command->field_count; i++) {
        const struct wire_field *field = &command->fields[i];
        if (!is_written(field))
            continue;
        at = store_u16(at, (uint16_t)field->key.len);
        at = span_copy(at, field->key);
        at = store_u32(at, (uint32_t)field->value.len);
        at = span_copy(at, field->value);
    }
    store_u32(fields_len, (uint32_t)(at - fields_len - 4));
    return at;
}
