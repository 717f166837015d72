/* base/json.h - pull reader and writer for RocketMQ's JSON dialect. No allocation in the reader.
 *
 * Reads what fastjson writes and accepts (wire.md section 10): standard JSON plus bare numeric map
 * keys ({0:"a"}), whole objects as map keys ({{"queueId":0,..}:1}), exact 64-bit integers, numbers
 * as quoted strings where the caller asks for one. Each token carries its source offset.
 *
 * Usage: json_next() returns tokens in document order: for an object JSON_OBJECT_BEGIN, then per
 * member a key token (JSON_KEY for a string or bare key, JSON_KEY_OBJECT for an object key,
 * followed by that object's members up to its JSON_OBJECT_END) and the value's tokens, then
 * JSON_OBJECT_END. Strict mode (json_strict) accepts standard JSON only (RFC 8259: UTF-8, no raw
 * control characters in strings, quoted keys); it is what scenario files use. Duplicate keys are
 * the caller's business in both. */
#ifndef MODEL_BASE_JSON_H
#define MODEL_BASE_JSON_H

#include "model/base/buf.h"

#define JSON_DEPTH_MAX 64

enum json_token {
    JSON_END, /* document complete, nothing but blanks follows */
    JSON_ERROR,
    JSON_OBJECT_BEGIN,
    JSON_OBJECT_END,
    JSON_ARRAY_BEGIN,
    JSON_ARRAY_END,
    JSON_KEY,
    JSON_KEY_OBJECT, /* an object as map key begins; its members and JSON_OBJECT_END follow */
    JSON_STRING,
    JSON_NUMBER,
    JSON_TRUE,
    JSON_FALSE,
    JSON_NULL,
};

struct json_limits {
    size_t depth_max;  /* <= JSON_DEPTH_MAX */
    size_t tokens_max; /* counts every token */
};

extern const struct json_limits JSON_LIMITS_DEFAULT; /* 64 deep, 4,000,000 tokens */

struct json_reader {
    struct span text;
    size_t offset; /* next byte to look at */
    struct json_limits limits;
    bool strict;
    size_t tokens;
    size_t depth;
    uint8_t state[JSON_DEPTH_MAX + 1]; /* what is expected at each depth; private */
    /* The last token: */
    enum json_token token;
    size_t token_offset; /* of its first byte in the text */
    struct span raw;     /* string and key: between the quotes, still escaped; number: its text */
    bool escaped;        /* raw contains a backslash */
    /* After JSON_ERROR, which is final: token_offset is where, and */
    int error;            /* RMQ_E_INVALID or RMQ_E_LIMIT */
    const char *expected; /* what was expected there, static text */
};

void json_reader_init(struct json_reader *reader, struct span text);
void json_strict(struct json_reader *reader);
enum json_token json_next(struct json_reader *reader);
/* After a token that begins a value: skips the rest of it (nothing for a scalar). After a key
 * token: skips the rest of the member, that is of an object key (JSON_KEY_OBJECT) too, and its
 * value. RMQ_E_INVALID on a syntax error, RMQ_E_LIMIT. */
int json_skip(struct json_reader *reader);

/* Text of the last string/key token. Without escapes this is `raw` itself; else it is decoded into
 * `scratch` (UTF-8; lone surrogates give RMQ_E_INVALID). The span is valid until scratch changes.
 */
int json_text(const struct json_reader *reader, struct buf *scratch, struct span *out);
/* Compares the last string/key token with `text` (escapes considered, nothing allocated). */
bool json_text_equals(const struct json_reader *reader, struct span text);
/* Value of the last token as integer: a number, or a string holding decimal digits. A fraction or
 * an exponent is RMQ_E_INVALID, out of i64 RMQ_E_RANGE. */
int json_i64(const struct json_reader *reader, int64_t *out);
int json_i32(const struct json_reader *reader, int32_t *out);

/* Writer: commas and quoting are its business. Misuse (value without key, unbalanced end) asserts.
 */
enum json_style {
    JSON_STYLE_FASTJSON, /* bare numeric keys, raw UTF-8, '/' plain: wire.md 10.1 */
    JSON_STYLE_STANDARD, /* quoted numeric keys, non-ASCII as \uXXXX, '/' as \/: route answers >=
                            401 */
};

struct json_writer {
    struct buf *out;
    enum json_style style;
    bool pretty; /* set after init: as fastjson's PrettyFormat, tabs; bare keys and arrays stay on
                    their line */
    bool pretty_lists; /* with it: each element of an array on a line of its own, as fastjson has
                          Java's lists (its sets stay on their line) */
    size_t depth;
    uint8_t state[JSON_DEPTH_MAX + 1];
};

void json_writer_init(struct json_writer *writer, struct buf *out, enum json_style style);
void json_object_begin(struct json_writer *writer);
void json_object_end(struct json_writer *writer);
void json_array_begin(struct json_writer *writer);
void json_array_end(struct json_writer *writer);
void json_key(struct json_writer *writer, struct span key);
void json_key_text(struct json_writer *writer, const char *key);
/* Bare in the fastjson style, quoted in the standard style. */
void json_key_i64(struct json_writer *writer, int64_t key);
/* An object as key follows: the caller writes one object, then the value. fastjson style only. */
void json_key_object(struct json_writer *writer);
void json_string(struct json_writer *writer, struct span text);
void json_string_text(struct json_writer *writer, const char *text);
void json_number(struct json_writer *writer, int64_t value);
void json_bool(struct json_writer *writer, bool value);
void json_null(struct json_writer *writer);
/* Bytes that are one complete JSON value already. */
void json_raw(struct json_writer *writer, struct span value);
/* The reader's next value becomes the writer's next value, in the writer's style. RMQ_E_INVALID,
 * RMQ_E_LIMIT (also: nested deeper than JSON_COPY_DEPTH_MAX), RMQ_E_NOMEM; after an error the
 * writer's document is broken. */
#define JSON_COPY_DEPTH_MAX 16
int json_copy(struct json_reader *reader, struct json_writer *writer) RMQ_CHECK_RESULT;

#endif
