/* wire/frame_json.c - the JSON header. Source: wire.md sections 3 and 10.1.
 *
 * Written by hand into a buffer of exactly the right size (a header is on the path of every frame);
 * read with base/json, unless frame_json_quick.c can. */
#include "model/base/json.h"
#include "model/wire/frame_internal.h"
#include "model/wire/json_bytes.h"
#include "model/wire/text_append.h"

/* ---- writing ------------------------------------------------------------------------------- */

/* Whether `text` is ASCII that needs no escape; eight bytes at a time, the last eight overlapping.
 */
static bool is_plain(struct span text) {
    if (text.len >= 8) {
        for (size_t i = 0; i + 8 < text.len; i += 8)
            if (json_special_bytes(json_load_word(text.data + i)) != 0)
                return false;
        return json_special_bytes(json_load_word(text.data + text.len - 8)) == 0;
    }
    for (size_t i = 0; i < text.len; i++)
        if (!json_byte_is_plain(text.data[i]))
            return false;
    return true;
}

/* What fastjson escapes as \uXXXX although JSON does not ask for it: U+0080 to U+009F, U+2028,
 * U+2029. Gives the code point at the front of `text` and its length in bytes, or 0. */
static unsigned odd_code_point(struct span text, size_t *len) {
    const uint8_t *at = text.data;
    if (text.len >= 2 && at[0] == 0xC2 && at[1] >= 0x80 && at[1] <= 0x9F) {
        *len = 2;
        return at[1];
    }
    if (text.len >= 3 && at[0] == 0xE2 && at[1] == 0x80 && (at[2] == 0xA8 || at[2] == 0xA9)) {
        *len = 3;
        return 0x2000U + at[2] - 0x80U;
    }
    return 0;
}

/* The letter of a two-byte escape, or 0. */
static uint8_t short_escape(uint8_t byte) {
    switch (byte) {
    case '"':
    case '\\':
        return byte;
    case '\b':
        return 'b';
    case '\t':
        return 't';
    case '\n':
        return 'n';
    case '\f':
        return 'f';
    case '\r':
        return 'r';
    default:
        return 0;
    }
}

/* Writes (at != NULL) or only counts the escaped form of the character at the front of `text`, and
 * says how many bytes of `text` it took. */
static size_t escape_one(struct span text, uint8_t *at, size_t *taken) {
    static const char digits[] = "0123456789ABCDEF";
    uint8_t byte = text.data[0];
    *taken = 1;
    uint8_t letter = short_escape(byte);
    unsigned code = byte < 0x20 || byte == 0x7F ? byte : odd_code_point(text, taken);
    if (letter == 0 && (json_byte_is_plain(byte) || (code == 0 && byte != 0))) {
        if (at != NULL)
            *at = byte;
        return 1;
    }
    if (at != NULL) {
        at[0] = '\\';
        at[1] = letter != 0 ? letter : 'u';
    }
    if (letter != 0)
        return 2;
    for (int i = 0; at != NULL && i < 4; i++)
        at[2 + i] = (uint8_t)digits[code >> (12 - 4 * i) & 0xF];
    return 6;
}

/* Length of `text` once escaped, without quotes. */
static size_t text_size(struct span text) {
    if (is_plain(text))
        return text.len;
    size_t size = 0;
    size_t taken;
    for (size_t i = 0; i < text.len; i += taken)
        size += escape_one(span_from(text, i), NULL, &taken);
    return size;
}

static uint8_t *write_text(uint8_t *at, struct span text) {
    *at++ = '"';
    if (is_plain(text)) {
        at = span_copy(at, text);
    } else {
        size_t taken;
        for (size_t i = 0; i < text.len; i += taken)
            at += escape_one(span_from(text, i), at, &taken);
    }
    *at++ = '"';
    return at;
}

static size_t decimal_size(int32_t value) {
    uint32_t rest = value < 0 ? 0U - (uint32_t)value : (uint32_t)value;
    size_t size = value < 0 ? 2 : 1;
    for (; rest >= 10; rest /= 10)
        size++;
    return size;
}

static uint8_t *write_decimal(uint8_t *at, int32_t value) {
    uint8_t *end = at + decimal_size(value);
    uint32_t rest = value < 0 ? 0U - (uint32_t)value : (uint32_t)value;
    *at = '-';
    uint8_t *digit = end;
    do
        *--digit = (uint8_t)('0' + rest % 10);
    while ((rest /= 10) > 0);
    return end;
}

static bool is_written(const struct wire_field *field) {
    return field->key.data != NULL && field->value.data != NULL;
}

static bool has_ext(const struct wire_command *command) {
    return command->has_fields || command->field_count > 0;
}

static const char CODE[] = "{\"code\":";
static const char EXT[] = ",\"extFields\":{";
static const char FLAG[] = ",\"flag\":";
static const char LANGUAGE[] = ",\"language\":";
static const char OPAQUE[] = ",\"opaque\":";
static const char REMARK[] = ",\"remark\":";
static const char VERSION[] = ",\"serializeTypeCurrentRPC\":\"JSON\",\"version\":";
#define LEN(literal) (sizeof(literal) - 1)
#define WRITE(at, literal) span_copy(at, span_of(literal, LEN(literal)))

int frame_json_size(const struct wire_command *command, size_t *size) {
    size_t sum = LEN(CODE) + decimal_size(command->code) + LEN(FLAG) + decimal_size(command->flag) +
                 LEN(OPAQUE) + decimal_size(command->opaque) + LEN(VERSION) +
                 decimal_size(command->version) + LEN("}");
    if (command->language != WIRE_LANGUAGE_UNKNOWN)
        sum += LEN(LANGUAGE) + strlen(wire_language_name(command->language)) + 2;
    if (!span_is_absent(command->remark))
        sum += LEN(REMARK) + text_size(command->remark) + 2;
    if (has_ext(command))
        sum += LEN(EXT) + LEN("}");
    bool first = true;
    for (size_t i = 0; i < command->field_count; i++) {
        const struct wire_field *field = &command->fields[i];
        if (!is_written(field))
            continue;
        sum += text_size(field->key) + text_size(field->value) + LEN("\"\":\"\"") + !first;
        first = false;
    }
    *size = sum;
    return RMQ_OK;
}

static uint8_t *write_ext(const struct wire_command *command, uint8_t *at) {
    at = WRITE(at, EXT);
    bool first = true;
    for (size_t i = 0; i < command->field_count; i++) {
        const struct wire_field *field = &command->fields[i];
        if (!is_written(field))
            continue;
        if (!first)
            *at++ = ',';
        first = false;
        at = write_text(at, field->key);
        *at++ = ':';
        at = write_text(at, field->value);
    }
    *at++ = '}';
    return at;
}

uint8_t *frame_json_write(const struct wire_command *command, uint8_t *at) {
    at = write_decimal(WRITE(at, CODE), command->code);
    if (has_ext(command))
        at = write_ext(command, at);
    at = write_decimal(WRITE(at, FLAG), command->flag);
    if (command->language != WIRE_LANGUAGE_UNKNOWN)
        at = write_text(WRITE(at, LANGUAGE), span_of_text(wire_language_name(command->language)));
    at = write_decimal(WRITE(at, OPAQUE), command->opaque);
    if (!span_is_absent(command->remark))
        at = write_text(WRITE(at, REMARK), command->remark);
    at = write_decimal(WRITE(at, VERSION), command->version);
    *at++ = '}';
    return at;
}

/* ---- reading ------------------------------------------------------------------------------- */

struct header_reader {
    struct json_reader json;
    struct buf *scratch;
    struct wire_command *out;
    struct wire_error *error;
};

/* Refuses the last token. */
static int refuse(struct header_reader *reader, int err, const char *expected) {
    const struct json_reader *json = &reader->json;
    if (json->token == JSON_ERROR)
        expected = json->expected;
    return frame_refuse(reader->error, err, json->token_offset, expected);
}

/* Text of the last key or string token. Escaped ones are decoded one after the other into scratch,
 * which gets room for all of them at the first, so that earlier spans stay. */
static int take_text(struct header_reader *reader, struct span *out) {
    const struct json_reader *json = &reader->json;
    if (!json->escaped) {
        *out = json->raw;
        return RMQ_OK;
    }
    struct buf *scratch = reader->scratch;
    if (scratch->len == 0 && buf_reserve(scratch, json->text.len) != RMQ_OK)
        return refuse(reader, RMQ_E_NOMEM, "memory");
    if (text_append(json, scratch, out) != RMQ_OK)
        return refuse(reader, RMQ_E_INVALID, "valid escapes");
    return RMQ_OK;
}

/* Text of any value: strings decoded, null absent, others as they stand. */
static int take_value_text(struct header_reader *reader, struct span *out) {
    struct json_reader *json = &reader->json;
    switch (json_next(json)) {
    case JSON_STRING:
        return take_text(reader, out);
    case JSON_NULL:
        *out = SPAN_NONE;
        return RMQ_OK;
    case JSON_NUMBER:
        *out = json->raw;
        return RMQ_OK;
    case JSON_TRUE:
        *out = SPAN_LITERAL("true");
        return RMQ_OK;
    case JSON_FALSE:
        *out = SPAN_LITERAL("false");
        return RMQ_OK;
    case JSON_OBJECT_BEGIN:
    case JSON_ARRAY_BEGIN: {
        size_t start = json->token_offset;
        if (json_skip(json) != RMQ_OK)
            return refuse(reader, RMQ_E_INVALID, "a value");
        *out = span_of(json->text.data + start, json->offset - start);
        return RMQ_OK;
    }
    default:
        return refuse(reader, RMQ_E_INVALID, "a value");
    }
}

/* A number or decimal digits as string; null leaves *out alone. */
static int take_i32(struct header_reader *reader, int32_t *out) {
    enum json_token token = json_next(&reader->json);
    if (token == JSON_NULL)
        return RMQ_OK;
    if ((token != JSON_NUMBER && token != JSON_STRING) || json_i32(&reader->json, out) != RMQ_OK)
        return refuse(reader, RMQ_E_INVALID, "a 32-bit integer");
    return RMQ_OK;
}

/* A name or an ordinal; Java takes null for an unknown name. */
static int take_language(struct header_reader *reader) {
    struct json_reader *json = &reader->json;
    struct wire_command *out = reader->out;
    int64_t number = -1;
    switch (json_next(json)) {
    case JSON_STRING:
        out->language = json->escaped ? WIRE_LANGUAGE_UNKNOWN : frame_language_of_name(json->raw);
        return RMQ_OK;
    case JSON_NUMBER:
        if (json_i64(json, &number) != RMQ_OK)
            return refuse(reader, RMQ_E_INVALID, "a language");
        out->language = frame_language_of_number(number);
        return RMQ_OK;
    case JSON_NULL:
        out->language = WIRE_LANGUAGE_UNKNOWN;
        return RMQ_OK;
    default:
        return refuse(reader, RMQ_E_INVALID, "a language");
    }
}

static int take_ext(struct header_reader *reader) {
    struct json_reader *json = &reader->json;
    enum json_token token = json_next(json);
    if (token == JSON_NULL)
        return RMQ_OK;
    if (token != JSON_OBJECT_BEGIN)
        return refuse(reader, RMQ_E_INVALID, "an object of fields");
    reader->out->has_fields = true;
    while ((token = json_next(json)) == JSON_KEY) {
        struct span key;
        struct span value;
        size_t offset = json->token_offset;
        int err = take_text(reader, &key);
        if (err == RMQ_OK)
            err = take_value_text(reader, &value);
        if (err != RMQ_OK)
            return err;
        if (frame_add_field(reader->out, key, value) != RMQ_OK)
            return frame_refuse(reader->error, RMQ_E_LIMIT, offset, "64 fields at most");
    }
    return token == JSON_OBJECT_END ? RMQ_OK : refuse(reader, RMQ_E_INVALID, "a field name");
}

static bool key_is(const struct json_reader *json, const char *name, size_t len) {
    return json->raw.len == len && memcmp(json->raw.data, name, len) == 0;
}
#define KEY_IS(name) key_is(json, name, LEN(name))

/* The value of the member whose key was just read. A key with escapes is none of ours. */
static int take_member(struct header_reader *reader) {
    struct json_reader *json = &reader->json;
    struct wire_command *out = reader->out;
    if (KEY_IS("code"))
        return take_i32(reader, &out->code);
    if (KEY_IS("extFields"))
        return take_ext(reader);
    if (KEY_IS("flag"))
        return take_i32(reader, &out->flag);
    if (KEY_IS("language"))
        return take_language(reader);
    if (KEY_IS("opaque")) {
        int err = take_i32(reader, &out->opaque);
        out->opaque_missing = json->token == JSON_NULL;
        return err;
    }
    if (KEY_IS("remark"))
        return take_value_text(reader, &out->remark);
    if (KEY_IS("version"))
        return take_i32(reader, &out->version);
    return json_skip(json) == RMQ_OK ? RMQ_OK : refuse(reader, RMQ_E_INVALID, "a value");
}

/* What a header without any member gives. */
static void set_defaults(struct wire_command *out) {
    out->code = out->flag = out->opaque = out->version = 0;
    out->language = WIRE_LANGUAGE_JAVA;
    out->opaque_missing = true;
    out->remark = SPAN_NONE;
    out->has_fields = false;
    out->field_count = 0;
}

int frame_json_decode(struct span header, struct buf *scratch, struct wire_command *out,
                      struct wire_error *error) {
    set_defaults(out);
    if (frame_json_quick(header, scratch, out))
        return RMQ_OK;
    struct header_reader reader;
    reader.scratch = scratch;
    reader.out = out;
    reader.error = error;
    set_defaults(out);
    json_reader_init(&reader.json, header);
    enum json_token token = json_next(&reader.json);
    if (token != JSON_OBJECT_BEGIN)
        return refuse(&reader, RMQ_E_INVALID, "'{'");
    while ((token = json_next(&reader.json)) == JSON_KEY) {
        int err = take_member(&reader);
        if (err != RMQ_OK)
            return err;
    }
    if (token != JSON_OBJECT_END)
        return refuse(&reader, RMQ_E_INVALID, "a member name");
    if (json_next(&reader.json) != JSON_END)
        return refuse(&reader, RMQ_E_INVALID, "nothing after '}'");
    return RMQ_OK;
}
