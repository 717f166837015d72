/* base/json_write.c - the writer, in the two spellings of fastjson (wire.md section 10.1). */
#include "model/base/check.h"
#include "model/base/json.h"
#include "model/base/utf8.h"

enum place {
    PLACE_DOCUMENT, /* nothing written yet */
    PLACE_COMPLETE, /* the document's value is written */
    PLACE_ARRAY_EMPTY,
    PLACE_ARRAY,
    PLACE_OBJECT_EMPTY,
    PLACE_OBJECT,
    PLACE_OBJECT_KEYED,      /* a key is written, its value follows */
    PLACE_OBJECT_KEY_OBJECT, /* the object that is the key follows */
};

static enum place place_of(const struct json_writer *writer) {
    return (enum place)writer->state[writer->depth];
}

static void set_place(struct json_writer *writer, enum place place) {
    writer->state[writer->depth] = (uint8_t)place;
}

void json_writer_init(struct json_writer *writer, struct buf *out, enum json_style style) {
    memset(writer, 0, sizeof *writer);
    writer->out = out;
    writer->style = style;
    set_place(writer, PLACE_DOCUMENT);
}

/* ---- structure ---------------------------------------------------------------------------------
 */

static void new_line(struct json_writer *writer, size_t tabs) {
    if (writer->pretty) {
        buf_put_u8(writer->out, '\n');
        for (size_t i = 0; i < tabs; i++) {
            buf_put_u8(writer->out, '\t');
        }
    }
}

static void new_element(struct json_writer *writer) {
    if (writer->pretty_lists)
        new_line(writer, writer->depth);
}

/* A value is about to be written: writes its comma, and moves on. */
static void before_value(struct json_writer *writer) {
    switch (place_of(writer)) {
    case PLACE_DOCUMENT:
        set_place(writer, PLACE_COMPLETE);
        return;
    case PLACE_ARRAY:
        buf_put_u8(writer->out, ',');
        new_element(writer);
        return;
    case PLACE_ARRAY_EMPTY:
        set_place(writer, PLACE_ARRAY);
        new_element(writer);
        return;
    case PLACE_OBJECT_KEYED:
        set_place(writer, PLACE_OBJECT);
        return;
    case PLACE_COMPLETE:
    case PLACE_OBJECT_EMPTY:
    case PLACE_OBJECT:
    case PLACE_OBJECT_KEY_OBJECT:
        break;
    }
    RMQ_UNREACHABLE(); /* no value belongs here */
}

static void before_key(struct json_writer *writer, enum place after) {
    RMQ_ASSERT(place_of(writer) == PLACE_OBJECT_EMPTY || place_of(writer) == PLACE_OBJECT);
    if (place_of(writer) == PLACE_OBJECT) {
        buf_put_u8(writer->out, ',');
    }
    set_place(writer, after);
}

static void begin(struct json_writer *writer, char bracket, enum place inside) {
    RMQ_ASSERT(writer->depth < JSON_DEPTH_MAX);
    buf_put_u8(writer->out, (uint8_t)bracket);
    writer->depth++;
    set_place(writer, inside);
}

static void end(struct json_writer *writer, char bracket) {
    RMQ_ASSERT(writer->depth > 0);
    buf_put_u8(writer->out, (uint8_t)bracket);
    writer->depth--;
}

void json_object_begin(struct json_writer *writer) {
    if (place_of(writer) != PLACE_OBJECT_KEY_OBJECT) {
        before_value(writer);
    }
    begin(writer, '{', PLACE_OBJECT_EMPTY);
}

void json_object_end(struct json_writer *writer) {
    RMQ_ASSERT(place_of(writer) == PLACE_OBJECT_EMPTY || place_of(writer) == PLACE_OBJECT);
    if (place_of(writer) == PLACE_OBJECT) {
        new_line(writer, writer->depth - 1);
    }
    end(writer, '}');
    if (place_of(writer) == PLACE_OBJECT_KEY_OBJECT) {
        buf_put_u8(writer->out, ':');
        set_place(writer, PLACE_OBJECT_KEYED);
    }
}

void json_array_begin(struct json_writer *writer) {
    before_value(writer);
    begin(writer, '[', PLACE_ARRAY_EMPTY);
}

void json_array_end(struct json_writer *writer) {
    RMQ_ASSERT(place_of(writer) == PLACE_ARRAY_EMPTY || place_of(writer) == PLACE_ARRAY);
    if (place_of(writer) == PLACE_ARRAY && writer->pretty_lists) {
        new_line(writer, writer->depth - 1);
    }
    end(writer, ']');
}

/* ---- strings -----------------------------------------------------------------------------------
 */

static void put_unicode(struct buf *out, uint32_t unit) {
    static const char HEX[] = "0123456789ABCDEF";
    uint8_t *at = buf_extend(out, 6);
    if (at == NULL) {
        return;
    }
    at[0] = '\\';
    at[1] = 'u';
    for (unsigned i = 0; i < 4; i++) {
        at[2 + i] = (uint8_t)HEX[unit >> (12 - 4 * i) & 0xF];
    }
}

/* The letter of a two-character escape of an ASCII character, or 0. */
static char letter_escape(enum json_style style, uint8_t c) {
    switch (c) {
    case '"':
    case '\\':
        return (char)c;
    case '/':
        return style == JSON_STYLE_STANDARD ? '/' : 0;
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    default:
        return 0;
    }
}

static void put_ascii(struct json_writer *writer, uint8_t c) {
    char letter = letter_escape(writer->style, c);
    if (letter != 0) {
        buf_put_u8(writer->out, '\\');
        buf_put_u8(writer->out, (uint8_t)letter);
    } else if (c < 0x20 || c == 0x7F) {
        put_unicode(writer->out, c);
    } else {
        buf_put_u8(writer->out, c);
    }
}

/* Writes the character that begins `text`, which is not ASCII; returns the bytes it took. A byte
 * that is not UTF-8 becomes U+FFFD, so that what we write is always valid JSON. */
static size_t put_non_ascii(struct json_writer *writer, struct span text) {
    uint32_t code = 0xFFFD;
    size_t len = utf8_decode(text, &code);
    bool escape =
        writer->style == JSON_STYLE_STANDARD || code < 0xA0 || code == 0x2028 || code == 0x2029;
    if (!escape) {
        uint8_t encoded[UTF8_LEN_MAX];
        buf_put(writer->out, encoded, utf8_encode(code, encoded));
    } else if (code < 0x10000) {
        put_unicode(writer->out, code);
    } else {
        put_unicode(writer->out, 0xD800 + ((code - 0x10000) >> 10));
        put_unicode(writer->out, 0xDC00 + ((code - 0x10000) & 0x3FF));
    }
    return len == 0 ? 1 : len;
}

/* Per byte, which styles write it as it is: 1 for fastjson's, 2 for the standard one. */
static const uint8_t PLAIN[256] = {
#define PLAIN_16 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3
    /* 0x00 */ 0,        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    /* 0x10 */ 0,        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    /* 0x20 */ 3,        3, 0, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 1, /* quote, slash */
    /* 0x30 */ PLAIN_16,
    /* 0x40 */ PLAIN_16,
    /* 0x50 */ 3,        3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 0, 3, 3, 3, /* backslash */
    /* 0x60 */ PLAIN_16,
    /* 0x70 */ 3,        3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 0,
#undef PLAIN_16
};

static size_t plain_len(enum json_style style, struct span text) {
    uint8_t bit = style == JSON_STYLE_FASTJSON ? 1 : 2;
    size_t len = 0;
    while (len < text.len && (PLAIN[text.data[len]] & bit) != 0) {
        len++;
    }
    return len;
}

/* The text without quotes: runs of plain bytes, and characters that need an escape. */
static void put_escaped(struct json_writer *writer, struct span text) {
    while (text.len > 0) {
        size_t plain = plain_len(writer->style, text);
        buf_put(writer->out, text.data, plain);
        text = span_from(text, plain);
        if (text.len > 0 && text.data[0] < 0x80) {
            put_ascii(writer, text.data[0]);
            text = span_from(text, 1);
        } else if (text.len > 0) {
            text = span_from(text, put_non_ascii(writer, text));
        }
    }
}

static void put_quoted(struct json_writer *writer, struct span text) {
    if (plain_len(writer->style, text) < text.len) {
        buf_put_u8(writer->out, '"');
        put_escaped(writer, text);
        buf_put_u8(writer->out, '"');
        return;
    }
    uint8_t *at = buf_extend(writer->out, text.len + 2);
    if (at != NULL) {
        at[0] = '"';
        if (text.len > 0) {
            memcpy(at + 1, text.data, text.len);
        }
        at[text.len + 1] = '"';
    }
}

/* ---- keys and values ---------------------------------------------------------------------------
 */

void json_key(struct json_writer *writer, struct span key) {
    before_key(writer, PLACE_OBJECT_KEYED);
    new_line(writer, writer->depth);
    put_quoted(writer, key);
    buf_put_u8(writer->out, ':');
}

void json_key_text(struct json_writer *writer, const char *key) {
    json_key(writer, span_of_text(key));
}

void json_key_i64(struct json_writer *writer, int64_t key) {
    bool quoted = writer->style == JSON_STYLE_STANDARD;
    before_key(writer, PLACE_OBJECT_KEYED);
    if (quoted) {
        buf_put_u8(writer->out, '"');
    }
    buf_put_decimal(writer->out, key);
    buf_put_text(writer->out, quoted ? "\":" : ":");
}

void json_key_object(struct json_writer *writer) {
    RMQ_ASSERT(writer->style == JSON_STYLE_FASTJSON);
    before_key(writer, PLACE_OBJECT_KEY_OBJECT);
}

void json_string(struct json_writer *writer, struct span text) {
    before_value(writer);
    put_quoted(writer, text);
}

void json_string_text(struct json_writer *writer, const char *text) {
    json_string(writer, span_of_text(text));
}

void json_number(struct json_writer *writer, int64_t value) {
    before_value(writer);
    buf_put_decimal(writer->out, value);
}

void json_bool(struct json_writer *writer, bool value) {
    before_value(writer);
    buf_put_text(writer->out, value ? "true" : "false");
}

void json_null(struct json_writer *writer) {
    before_value(writer);
    buf_put_text(writer->out, "null");
}

void json_raw(struct json_writer *writer, struct span value) {
    before_value(writer);
    buf_put_span(writer->out, value);
}
