/* base/json_value.c - what a token of the reader means: decoded text, integers. */
#include "model/base/check.h"
#include "model/base/json.h"
#include "model/base/utf8.h"

static bool is_text(const struct json_reader *reader) {
    return reader->token == JSON_STRING || reader->token == JSON_KEY;
}

static uint8_t simple_escape(uint8_t c) {
    switch (c) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return c; /* quote, backslash, slash: the reader let nothing else through */
    }
}

/* Decodes the \uXXXX (or the pair of them) that begins `raw`; returns the bytes it took, 0 for a
 * lone surrogate. */
static size_t unicode_escape(struct span raw, uint32_t *code) {
    int32_t unit = hex4_read(span_from(raw, 2));
    RMQ_ASSERT(unit >= 0);
    *code = (uint32_t)unit;
    if (utf16_is_low(*code)) {
        return 0;
    }
    if (!utf16_is_high(*code)) {
        return 6;
    }
    if (raw.len < 12 || raw.data[6] != '\\' || raw.data[7] != 'u') {
        return 0;
    }
    int32_t low = hex4_read(span_from(raw, 8));
    if (low < 0 || !utf16_is_low((uint32_t)low)) {
        return 0;
    }
    *code = utf16_join(*code, (uint32_t)low);
    return 12;
}

/* Decodes what begins `raw` - a run of plain bytes or one escape - as a span, which may be in
 * `encoded`. Returns the bytes it took, 0 for a lone surrogate. */
static size_t decode_piece(struct span raw, uint8_t encoded[UTF8_LEN_MAX], struct span *out) {
    if (raw.data[0] != '\\') {
        const uint8_t *backslash = memchr(raw.data, '\\', raw.len);
        *out = span_of(raw.data, backslash == NULL ? raw.len : (size_t)(backslash - raw.data));
        return out->len;
    }
    RMQ_ASSERT(raw.len >= 2);
    if (raw.data[1] != 'u') {
        encoded[0] = simple_escape(raw.data[1]);
        *out = span_of(encoded, 1);
        return 2;
    }
    uint32_t code = 0;
    size_t taken = unicode_escape(raw, &code);
    if (taken > 0) {
        *out = span_of(encoded, utf8_encode(code, encoded));
    }
    return taken;
}

int json_text(const struct json_reader *reader, struct buf *scratch, struct span *out) {
    RMQ_ASSERT(is_text(reader));
    if (!reader->escaped) {
        *out = reader->raw;
        return RMQ_OK;
    }
    buf_clear(scratch);
    for (struct span rest = reader->raw; rest.len > 0;) {
        uint8_t encoded[UTF8_LEN_MAX];
        struct span piece = SPAN_NONE;
        size_t taken = decode_piece(rest, encoded, &piece);
        if (taken == 0) {
            return RMQ_E_INVALID;
        }
        buf_put_span(scratch, piece);
        rest = span_from(rest, taken);
    }
    if (buf_failed(scratch)) {
        return RMQ_E_NOMEM;
    }
    *out = buf_span(scratch);
    return RMQ_OK;
}

bool json_text_equals(const struct json_reader *reader, struct span text) {
    RMQ_ASSERT(is_text(reader));
    if (!reader->escaped) {
        return span_equal(reader->raw, text);
    }
    for (struct span rest = reader->raw; rest.len > 0;) {
        uint8_t encoded[UTF8_LEN_MAX];
        struct span piece = SPAN_NONE;
        size_t taken = decode_piece(rest, encoded, &piece);
        if (taken == 0 || !span_starts_with(text, piece)) {
            return false;
        }
        text = span_from(text, piece.len);
        rest = span_from(rest, taken);
    }
    return text.len == 0;
}

int json_i64(const struct json_reader *reader, int64_t *out) {
    if (reader->token != JSON_NUMBER && !is_text(reader)) {
        return RMQ_E_INVALID;
    }
    return span_to_i64(reader->raw, out);
}

int json_i32(const struct json_reader *reader, int32_t *out) {
    int64_t value = 0;
    int err = json_i64(reader, &value);
    if (err != RMQ_OK) {
        return err;
    }
    if (value < INT32_MIN || value > INT32_MAX) {
        return RMQ_E_RANGE;
    }
    *out = (int32_t)value;
    return RMQ_OK;
}
