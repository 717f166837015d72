/* json_diff.h - base/json against cJSON on the common subset; used by test_json_diff.c and
 * fuzz_json.c.
 *
 * Where the two legitimately differ, a document is "outside" and only our own rules are checked.
 * cJSON 1.7.15 takes: a byte order mark, any control character as blank, raw control characters and
 * invalid UTF-8 in strings, \u with any letters, numbers such as 01, 1. and -.5; it cuts numbers
 * at 63 characters, keeps them as doubles, nests 1,000 deep, and refuses lone surrogate escapes
 * while parsing (we do when the text is asked for). It ends a string at \u0000. */
#ifndef MODEL_TESTS_JSON_DIFF_H
#define MODEL_TESTS_JSON_DIFF_H

#include <cJSON.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/base/json.h"
#include "model/base/utf8.h"

enum json_diff { DIFF_BOTH_ACCEPT, DIFF_BOTH_REFUSE, DIFF_OUTSIDE, DIFF_WRONG };

/* ---- the common subset, told from the bytes alone
 * ------------------------------------------------- */

static bool diff_is_number_byte(uint8_t c) {
    return (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.' || c == 'e' || c == 'E';
}

static size_t diff_digits(struct span text, size_t at) {
    while (at < text.len && text.data[at] >= '0' && text.data[at] <= '9') {
        at++;
    }
    return at;
}

/* Whether `text`, all number bytes, is a number by RFC 8259 that cJSON reads whole. */
static bool diff_number_is_common(struct span text) {
    size_t start = text.len > 0 && text.data[0] == '-';
    size_t at = diff_digits(text, start);
    if (at == start || (text.data[start] == '0' && at > start + 1) || text.len > 63) {
        return false;
    }
    if (at < text.len && text.data[at] == '.') {
        size_t fraction = ++at;
        at = diff_digits(text, at);
        if (at == fraction) {
            return false;
        }
    }
    if (at < text.len && (text.data[at] == 'e' || text.data[at] == 'E')) {
        at++;
        at += at < text.len && (text.data[at] == '+' || text.data[at] == '-');
        size_t exponent = at;
        at = diff_digits(text, at);
        if (at == exponent) {
            return false;
        }
    }
    return at == text.len;
}

/* Length of the string at the start of `text` (its quote) with both quotes; 0: outside. An
 * unterminated string is common: both refuse it. */
static size_t diff_string(struct span text) {
    size_t at = 1;
    while (at < text.len && text.data[at] != '"') {
        uint32_t code = 0;
        size_t len = utf8_decode(span_from(text, at), &code);
        if (len == 0 || text.data[at] < 0x20) {
            return 0;
        }
        at += len;
        if (code == '\\' && at < text.len && text.data[at] == 'u' &&
            hex4_read(span_from(text, at + 1)) < 0) {
            return 0;
        }
        if (code == '\\' && at < text.len && text.data[at] < 0x80) {
            at++;
        }
    }
    return at < text.len ? at + 1 : at;
}

static bool diff_is_common(struct span text) {
    for (size_t at = 0; at < text.len;) {
        uint8_t c = text.data[at];
        size_t len = 1;
        if (c == '"') {
            len = diff_string(span_from(text, at));
        } else if (diff_is_number_byte(c) && c != 'e' && c != 'E') {
            while (at + len < text.len && diff_is_number_byte(text.data[at + len])) {
                len++;
            }
            len = diff_number_is_common(span_of(text.data + at, len)) ? len : 0;
        } else if (c < 0x20 && c != '\n' && c != '\r' && c != '\t') {
            return false;
        }
        if (len == 0) {
            return false;
        }
        at += len;
    }
    return !span_starts_with(text, SPAN_LITERAL("\xEF\xBB\xBF"));
}

/* ---- trees -------------------------------------------------------------------------------------
 */

static bool diff_text_equal(struct json_reader *reader, struct buf *scratch, const char *theirs) {
    struct span ours = SPAN_NONE;
    if (json_text(reader, scratch, &ours) != RMQ_OK || !json_text_equals(reader, ours)) {
        return false;
    }
    const uint8_t *nul = ours.len == 0 ? NULL : memchr(ours.data, 0, ours.len);
    size_t len = nul == NULL ? ours.len : (size_t)(nul - ours.data);
    return span_equal(span_of(ours.data, len), span_of_text(theirs));
}

static bool diff_number_equal(const struct json_reader *reader, double theirs) {
    char text[64];
    int64_t integer = 0;
    memcpy(text, reader->raw.data, reader->raw.len);
    text[reader->raw.len] = '\0';
    if (json_i64(reader, &integer) == RMQ_OK && (double)integer != theirs) {
        return false;
    }
    double ours = strtod(text, NULL);
    return !(ours < theirs) && !(ours > theirs);
}

/* The value whose first token is the reader's last one, against the tree. */
static bool diff_value_equal(struct json_reader *reader, struct buf *scratch, const cJSON *theirs) {
    const cJSON *child = theirs->child;
    switch (reader->token) {
    case JSON_OBJECT_BEGIN:
        for (; json_next(reader) == JSON_KEY; child = child->next) {
            if (!cJSON_IsObject(theirs) || child == NULL ||
                !diff_text_equal(reader, scratch, child->string) ||
                json_next(reader) == JSON_ERROR || !diff_value_equal(reader, scratch, child)) {
                return false;
            }
        }
        return cJSON_IsObject(theirs) && reader->token == JSON_OBJECT_END && child == NULL;
    case JSON_ARRAY_BEGIN:
        for (; json_next(reader) != JSON_ARRAY_END; child = child->next) {
            if (!cJSON_IsArray(theirs) || child == NULL ||
                !diff_value_equal(reader, scratch, child)) {
                return false;
            }
        }
        return cJSON_IsArray(theirs) && child == NULL;
    case JSON_STRING:
        return cJSON_IsString(theirs) && diff_text_equal(reader, scratch, theirs->valuestring);
    case JSON_NUMBER:
        return cJSON_IsNumber(theirs) && diff_number_equal(reader, theirs->valuedouble);
    case JSON_TRUE:
        return cJSON_IsTrue(theirs);
    case JSON_FALSE:
        return cJSON_IsFalse(theirs);
    case JSON_NULL:
        return cJSON_IsNull(theirs);
    default:
        return false;
    }
}

/* ---- both --------------------------------------------------------------------------------------
 */

/* RMQ_OK when the strict reader and json_text take all of `text`. */
static int diff_accept(struct span text, struct buf *scratch) {
    struct json_reader reader;
    struct span ignored;
    json_reader_init(&reader, text);
    json_strict(&reader);
    while (json_next(&reader) != JSON_END) {
        if (reader.token == JSON_ERROR) {
            return reader.error;
        }
        if ((reader.token == JSON_STRING || reader.token == JSON_KEY) &&
            json_text(&reader, scratch, &ignored) != RMQ_OK) {
            return RMQ_E_INVALID;
        }
    }
    return RMQ_OK;
}

/* cJSON's tree of all of `text`, or NULL. */
static cJSON *diff_parse_theirs(struct span text) {
    const char *end = NULL;
    const char *start = (const char *)text.data;
    cJSON *tree = text.len == 0 ? NULL : cJSON_ParseWithLengthOpts(start, text.len, &end, 0);
    if (tree == NULL) {
        return NULL;
    }
    while (end < start + text.len && strchr(" \n\r\t", *end) != NULL && *end != '\0') {
        end++;
    }
    if (end < start + text.len) {
        cJSON_Delete(tree);
        return NULL;
    }
    return tree;
}

/* Whether both accept or refuse `text`, and read the same tree from it. */
static inline enum json_diff json_diff(struct span text, struct buf *scratch) {
    int err = diff_accept(text, scratch);
    if (!diff_is_common(text) || err == RMQ_E_LIMIT) {
        return DIFF_OUTSIDE;
    }
    cJSON *theirs = diff_parse_theirs(text);
    if (theirs == NULL || err != RMQ_OK) {
        bool same = theirs == NULL && err != RMQ_OK;
        cJSON_Delete(theirs);
        return same ? DIFF_BOTH_REFUSE : DIFF_WRONG;
    }
    struct json_reader reader;
    json_reader_init(&reader, text);
    json_next(&reader);
    bool same = diff_value_equal(&reader, scratch, theirs) && json_next(&reader) == JSON_END;
    cJSON_Delete(theirs);
    return same ? DIFF_BOTH_ACCEPT : DIFF_WRONG;
}

/* ---- our own rules, for any bytes
 * ------------------------------------------------------------------ */

/* json_skip after token number `index` ends where walking ends. False: it does not. */
static bool diff_skip_is_walk(struct span text, size_t index) {
    struct json_reader skipped;
    json_reader_init(&skipped, text);
    for (size_t i = 0; i <= index; i++) {
        json_next(&skipped);
    }
    struct json_reader walked = skipped;
    size_t depth = walked.depth;
    switch (walked.token) {
    case JSON_KEY_OBJECT:
        while (walked.depth >= depth && walked.token != JSON_ERROR) {
            json_next(&walked);
        }
        depth--;
        json_next(&walked);
        break;
    case JSON_KEY:
        json_next(&walked);
        break;
    case JSON_OBJECT_BEGIN:
    case JSON_ARRAY_BEGIN:
        depth--;
        break;
    default:
        break;
    }
    while (walked.depth > depth && walked.token != JSON_ERROR) {
        json_next(&walked);
    }
    int err = json_skip(&skipped);
    return skipped.token == walked.token && skipped.offset == walked.offset &&
           skipped.depth == walked.depth &&
           err == (walked.token == JSON_ERROR ? walked.error : RMQ_OK);
}

/* Copies the token that `reader` has read into `writer`. */
static void diff_copy_token(struct json_reader *reader, struct json_writer *writer,
                            struct buf *scratch) {
    struct span text = reader->raw;
    int64_t number = 0;
    bool is_text = reader->token == JSON_KEY || reader->token == JSON_STRING;
    if (is_text && json_text(reader, scratch, &text) != RMQ_OK) {
        text = SPAN_LITERAL("lone surrogate");
    }
    switch (reader->token) {
    case JSON_OBJECT_BEGIN:
        json_object_begin(writer);
        break;
    case JSON_KEY_OBJECT:
        json_key_object(writer);
        json_object_begin(writer);
        break;
    case JSON_OBJECT_END:
        json_object_end(writer);
        break;
    case JSON_ARRAY_BEGIN:
        json_array_begin(writer);
        break;
    case JSON_ARRAY_END:
        json_array_end(writer);
        break;
    case JSON_KEY:
        json_key(writer, text);
        break;
    case JSON_STRING:
        json_string(writer, text);
        break;
    case JSON_NUMBER:
        if (json_i64(reader, &number) == RMQ_OK) {
            json_number(writer, number);
        } else {
            json_raw(writer, text);
        }
        break;
    case JSON_NULL:
        json_null(writer);
        break;
    default:
        json_bool(writer, reader->token == JSON_TRUE);
    }
}

/* Writes `text`, which the lenient reader accepts, through the writer into `out`; false: it does
 * not accept it. */
static bool diff_rewrite(struct span text, struct buf *out, struct buf *scratch) {
    struct json_reader reader;
    struct json_writer writer;
    json_reader_init(&reader, text);
    json_writer_init(&writer, out, JSON_STYLE_FASTJSON);
    buf_clear(out);
    while (json_next(&reader) != JSON_END) {
        if (reader.token == JSON_ERROR) {
            return false;
        }
        diff_copy_token(&reader, &writer, scratch);
    }
    return true;
}

#define DIFF_SKIPS_MAX 200 /* tokens at which skipping is tried: the work is quadratic */

/* What holds for any bytes: skipping is walking, and what the writer made of an accepted document
 * is accepted and written the same again. NULL, or what is wrong. */
static inline const char *json_own_rules(struct span text, struct buf *once, struct buf *twice,
                                         struct buf *scratch) {
    struct json_reader reader;
    json_reader_init(&reader, text);
    for (size_t i = 0; i < DIFF_SKIPS_MAX; i++) {
        json_next(&reader);
        if (reader.offset > text.len || reader.token_offset > text.len) {
            return "an offset beyond the text";
        }
        if (!diff_skip_is_walk(text, i)) {
            return "skipping is not walking";
        }
        if (reader.token == JSON_END || reader.token == JSON_ERROR) {
            break;
        }
    }
    if (!diff_rewrite(text, once, scratch)) {
        return NULL;
    }
    if (!diff_rewrite(buf_span(once), twice, scratch)) {
        return "the writer's document is refused";
    }
    return span_equal(buf_span(once), buf_span(twice)) ? NULL : "not the same again";
}

#endif
