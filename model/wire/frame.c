/* wire/frame.c - the frame around a header and its body. Source: wire.md section 2.
 *
 * The header's two serializations are frame_binary.c and frame_json.c. */
#include "model/wire/frame_internal.h"

int wire_frame_length(struct span bytes, size_t *frame_len) {
    if (bytes.len < 4)
        return RMQ_E_AGAIN;
    uint32_t length = load_u32(bytes.data);
    if (length < 4 || length > WIRE_FRAME_BYTES_MAX - 4)
        return RMQ_E_LIMIT;
    *frame_len = length + 4;
    return RMQ_OK;
}

static int decode_header(struct span header, uint8_t type, struct buf *scratch,
                         struct wire_command *out, struct wire_error *error) {
    out->serialization = (enum wire_serialization)type;
    int err = type == WIRE_BINARY ? frame_binary_decode(header, out, error)
                                  : frame_json_decode(header, scratch, out, error);
    if (err != RMQ_OK)
        error->offset += FRAME_PREFIX_BYTES;
    return err;
}

int wire_decode(struct span frame, struct buf *scratch, struct wire_command *out,
                struct wire_error *error) {
    size_t frame_len;
    if (wire_frame_length(frame, &frame_len) != RMQ_OK || frame_len != frame.len)
        return frame_refuse(error, RMQ_E_INVALID, 0, "the length of a whole frame");
    if (frame.len < FRAME_PREFIX_BYTES)
        return frame_refuse(error, RMQ_E_INVALID, 4, "serialization type and header length");
    uint8_t type = frame.data[4];
    if (type != WIRE_JSON && type != WIRE_BINARY)
        return frame_refuse(error, RMQ_E_INVALID, 4, "serialization type 0 or 1");
    size_t header_len = load_u32(frame.data + 4) & 0xFFFFFF;
    if (header_len > frame.len - FRAME_PREFIX_BYTES)
        return frame_refuse(error, RMQ_E_INVALID, 5, "header within the frame");
    if (header_len > WIRE_HEADER_BYTES_MAX)
        return frame_refuse(error, RMQ_E_LIMIT, 5, "header of 1 MiB at most");

    wire_command_init(out, 0);
    buf_clear(scratch);
    struct span body = span_from(frame, FRAME_PREFIX_BYTES + header_len);
    out->body = body.len == 0 ? SPAN_NONE : body;
    return decode_header(span_of(frame.data + FRAME_PREFIX_BYTES, header_len), type, scratch, out,
                         error);
}

struct span wire_field(const struct wire_command *command, const char *key) {
    struct span wanted = span_of_text(key);
    for (size_t i = command->field_count; i-- > 0;)
        if (span_equal(command->fields[i].key, wanted))
            return command->fields[i].value;
    return SPAN_NONE;
}

void wire_command_init(struct wire_command *command, int32_t code) {
    command->code = code;
    command->flag = 0;
    command->opaque = 0;
    command->version = 0;
    command->language = WIRE_LANGUAGE_JAVA;
    command->serialization = WIRE_JSON;
    command->opaque_missing = false;
    command->remark = SPAN_NONE;
    command->body = SPAN_NONE;
    command->has_fields = false;
    command->field_count = 0;
}

int wire_field_add(struct wire_command *command, struct span key, struct span value) {
    int err = frame_add_field(command, key, value);
    if (err == RMQ_OK)
        command->has_fields = true;
    return err;
}

static int header_size(const struct wire_command *command, size_t *size) {
    RMQ_ASSERT(command->field_count <= WIRE_FIELDS_MAX);
    int err = command->serialization == WIRE_BINARY ? frame_binary_size(command, size)
                                                    : frame_json_size(command, size);
    if (err != RMQ_OK)
        return err;
    if (*size > WIRE_HEADER_BYTES_MAX ||
        command->body.len > WIRE_FRAME_BYTES_MAX - FRAME_PREFIX_BYTES - *size)
        return RMQ_E_LIMIT;
    return RMQ_OK;
}

int wire_encode_head(const struct wire_command *command, struct buf *out) {
    size_t size;
    int err = header_size(command, &size);
    if (err != RMQ_OK)
        return err;
    uint8_t *at = buf_extend(out, FRAME_PREFIX_BYTES + size);
    if (at == NULL)
        return RMQ_E_NOMEM;
    store_u32(at, (uint32_t)(4 + size + command->body.len));
    store_u32(at + 4, (uint32_t)command->serialization << 24 | (uint32_t)size);
    at += FRAME_PREFIX_BYTES;
    uint8_t *end = command->serialization == WIRE_BINARY ? frame_binary_write(command, at)
                                                         : frame_json_write(command, at);
    RMQ_ASSERT(end == at + size);
    return RMQ_OK;
}

int wire_encode(const struct wire_command *command, struct buf *out) {
    size_t start = out->len;
    int err = wire_encode_head(command, out);
    if (err != RMQ_OK)
        return err;
    buf_put_span(out, command->body);
    if (!buf_failed(out))
        return RMQ_OK;
    out->len = start;
    return RMQ_E_NOMEM;
}

#define LANGUAGE_NAME(name, number) [number] = {#name, sizeof #name - 1},
static const struct {
    const char *text;
    size_t len;
} LANGUAGE_NAMES[] = {WIRE_LANGUAGES(LANGUAGE_NAME)};
#define LANGUAGE_COUNT (sizeof LANGUAGE_NAMES / sizeof LANGUAGE_NAMES[0])

enum wire_language frame_language_of_number(int64_t number) {
    if (number < 0 || number >= (int64_t)LANGUAGE_COUNT)
        return WIRE_LANGUAGE_UNKNOWN;
    return (enum wire_language)number;
}

enum wire_language frame_language_of_name(struct span name) {
    for (size_t i = 0; i < LANGUAGE_COUNT; i++)
        if (span_equal(name, span_of(LANGUAGE_NAMES[i].text, LANGUAGE_NAMES[i].len)))
            return (enum wire_language)i;
    return WIRE_LANGUAGE_UNKNOWN;
}

const char *wire_language_name(enum wire_language language) {
    return (size_t)language < LANGUAGE_COUNT ? LANGUAGE_NAMES[language].text : "UNKNOWN";
}
