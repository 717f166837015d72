/* base/json_read.c - the pull reader: tokens in document order, no allocation.
 *
 * state[d] says what may come next at depth d. A container's state is set to what follows the value
 * before the value itself is entered, so that leaving a container is one decrement. */
#include "model/base/check.h"
#include "model/base/json.h"
#include "model/base/utf8.h"

enum expect {
    EXPECT_VALUE, /* the document's value, or one after ',' in an array */
    EXPECT_END,   /* of the document */
    EXPECT_FIRST_VALUE,
    EXPECT_NEXT_VALUE, /* ',' or ']' */
    EXPECT_FIRST_KEY,
    EXPECT_COLON,    /* and a value */
    EXPECT_NEXT_KEY, /* ',' or '}' */
};

const struct json_limits JSON_LIMITS_DEFAULT = {JSON_DEPTH_MAX, 4000000};

void json_reader_init(struct json_reader *reader, struct span text) {
    memset(reader, 0, sizeof *reader);
    reader->text = text;
    reader->limits = JSON_LIMITS_DEFAULT;
    reader->state[0] = EXPECT_VALUE;
    reader->token = JSON_NULL; /* neither END nor ERROR, which are final */
}

void json_strict(struct json_reader *reader) {
    reader->strict = true;
}

/* ---- errors ------------------------------------------------------------------------------------
 */

static enum json_token fail(struct json_reader *reader, int error, size_t offset,
                            const char *expected) {
    reader->error = error;
    reader->token_offset = offset;
    reader->raw = SPAN_NONE;
    reader->expected = expected;
    reader->token = JSON_ERROR;
    return JSON_ERROR;
}

static enum json_token fail_here(struct json_reader *reader, const char *expected) {
    return fail(reader, RMQ_E_INVALID, reader->offset, expected);
}

/* ---- bytes -------------------------------------------------------------------------------------
 */

/* The byte at the offset, or -1 at the end of the text. */
static int peek(const struct json_reader *reader) {
    return reader->offset < reader->text.len ? reader->text.data[reader->offset] : -1;
}

static bool is_digit(int c) {
    return c >= '0' && c <= '9';
}

static void skip_blanks(struct json_reader *reader) {
    int c = peek(reader);
    while (c == ' ' || c == '\n' || c == '\r' || c == '\t') {
        reader->offset++;
        c = peek(reader);
    }
}

/* ---- scalars -----------------------------------------------------------------------------------
 */

static enum json_token scalar(struct json_reader *reader, enum json_token token, struct span raw) {
    reader->raw = raw;
    reader->token = token;
    return token;
}

/* Checks the escape whose backslash is at the offset and moves behind it. */
static bool scan_escape(struct json_reader *reader) {
    reader->escaped = true;
    reader->offset++;
    switch (peek(reader)) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        reader->offset++;
        return true;
    case 'u':
        reader->offset++;
        for (int i = 0; i < 4; i++) {
            int c = peek(reader);
            if (!is_digit(c) && ((c | 0x20) < 'a' || (c | 0x20) > 'f')) {
                fail_here(reader, "four hexadecimal digits after \\u");
                return false;
            }
            reader->offset++;
        }
        return true;
    default:
        fail_here(reader, "one of \" \\ / b f n r t u after a backslash");
        return false;
    }
}

/* Strict mode: the bytes at the offset must be UTF-8. */
static bool scan_utf8(struct json_reader *reader) {
    uint32_t code = 0;
    size_t len = utf8_decode(span_from(reader->text, reader->offset), &code);
    if (len == 0) {
        fail_here(reader, "valid UTF-8");
        return false;
    }
    reader->offset += len;
    return true;
}

/* Which bytes end a run of plain string bytes: always (1), in strict mode only (2). */
static const uint8_t STRING_STOPS[256] = {
#define STRICT_16 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2
    STRICT_16, STRICT_16, ['"'] = 1, ['\\'] = 1, [0x80] = STRICT_16, STRICT_16,
    STRICT_16, STRICT_16, STRICT_16, STRICT_16,  STRICT_16,          STRICT_16,
#undef STRICT_16
};

static void scan_plain(struct json_reader *reader) {
    uint8_t stops = reader->strict ? 1 | 2 : 1;
    size_t at = reader->offset;
    while (at < reader->text.len && (STRING_STOPS[reader->text.data[at]] & stops) == 0) {
        at++;
    }
    reader->offset = at;
}

/* A string whose opening quote is at the offset. */
static enum json_token scan_string(struct json_reader *reader, enum json_token token) {
    size_t start = ++reader->offset;
    reader->escaped = false;
    for (;;) {
        scan_plain(reader);
        int c = peek(reader);
        if (c == '"') {
            reader->offset++;
            return scalar(reader, token,
                          span_of(reader->text.data + start, reader->offset - 1 - start));
        }
        if (c < 0) {
            return fail_here(reader, "a closing '\"'");
        }
        if (c < 0x20) {
            return fail_here(reader, "no control character in a string (write \\n, \\u0000, ...)");
        }
        if (!(c == '\\' ? scan_escape(reader) : scan_utf8(reader))) {
            return JSON_ERROR;
        }
    }
}

static bool scan_digits(struct json_reader *reader) {
    if (!is_digit(peek(reader))) {
        fail_here(reader, "a digit");
        return false;
    }
    while (is_digit(peek(reader))) {
        reader->offset++;
    }
    return true;
}

/* An optional '-' and an integer without leading zeros. */
static bool scan_integer(struct json_reader *reader) {
    if (peek(reader) == '-') {
        reader->offset++;
    }
    if (peek(reader) == '0') {
        reader->offset++;
        return true;
    }
    return scan_digits(reader);
}

static bool scan_fraction_and_exponent(struct json_reader *reader) {
    if (peek(reader) == '.') {
        reader->offset++;
        if (!scan_digits(reader)) {
            return false;
        }
    }
    if (peek(reader) == 'e' || peek(reader) == 'E') {
        reader->offset++;
        if (peek(reader) == '+' || peek(reader) == '-') {
            reader->offset++;
        }
        return scan_digits(reader);
    }
    return true;
}

/* A number, or a bare numeric key (which is an integer). */
static enum json_token scan_number(struct json_reader *reader, enum json_token token) {
    size_t start = reader->offset;
    reader->escaped = false;
    if (!scan_integer(reader) || (token == JSON_NUMBER && !scan_fraction_and_exponent(reader))) {
        return JSON_ERROR;
    }
    return scalar(reader, token, span_of(reader->text.data + start, reader->offset - start));
}

static enum json_token scan_word(struct json_reader *reader, struct span word,
                                 enum json_token token) {
    if (!span_starts_with(span_from(reader->text, reader->offset), word)) {
        return fail_here(reader, "a value");
    }
    reader->offset += word.len;
    return scalar(reader, token, SPAN_NONE);
}

/* ---- structure ---------------------------------------------------------------------------------
 */

static enum json_token begin(struct json_reader *reader, enum json_token token,
                             enum expect inside) {
    if (reader->depth >= reader->limits.depth_max || reader->depth >= JSON_DEPTH_MAX) {
        return fail(reader, RMQ_E_LIMIT, reader->offset, "less deep nesting");
    }
    reader->offset++;
    reader->depth++;
    reader->state[reader->depth] = (uint8_t)inside;
    return scalar(reader, token, SPAN_NONE);
}

static enum json_token end(struct json_reader *reader, enum json_token token) {
    RMQ_ASSERT(reader->depth > 0);
    reader->offset++;
    reader->depth--;
    return scalar(reader, token, SPAN_NONE);
}

/* A value at the offset, after which the present container expects `after`. */
static enum json_token value(struct json_reader *reader, enum expect after) {
    reader->state[reader->depth] = (uint8_t)after;
    switch (peek(reader)) {
    case '{':
        return begin(reader, JSON_OBJECT_BEGIN, EXPECT_FIRST_KEY);
    case '[':
        return begin(reader, JSON_ARRAY_BEGIN, EXPECT_FIRST_VALUE);
    case '"':
        return scan_string(reader, JSON_STRING);
    case 't':
        return scan_word(reader, SPAN_LITERAL("true"), JSON_TRUE);
    case 'f':
        return scan_word(reader, SPAN_LITERAL("false"), JSON_FALSE);
    case 'n':
        return scan_word(reader, SPAN_LITERAL("null"), JSON_NULL);
    default:
        if (peek(reader) == '-' || is_digit(peek(reader))) {
            return scan_number(reader, JSON_NUMBER);
        }
        return fail_here(reader, "a value");
    }
}

static enum json_token key(struct json_reader *reader, const char *expected) {
    int c = peek(reader);
    reader->state[reader->depth] = EXPECT_COLON;
    if (c == '"') {
        return scan_string(reader, JSON_KEY);
    }
    if (!reader->strict && (c == '-' || is_digit(c))) {
        return scan_number(reader, JSON_KEY);
    }
    if (!reader->strict && c == '{') {
        return begin(reader, JSON_KEY_OBJECT, EXPECT_FIRST_KEY);
    }
    return fail_here(reader, expected);
}

/* After ',' the next key or value; after the closing bracket the container's end. */
static enum json_token next_member(struct json_reader *reader, bool in_object) {
    int c = peek(reader);
    if (c == (in_object ? '}' : ']')) {
        return end(reader, in_object ? JSON_OBJECT_END : JSON_ARRAY_END);
    }
    if (c != ',') {
        return fail_here(reader, in_object ? "',' or '}'" : "',' or ']'");
    }
    reader->offset++;
    skip_blanks(reader);
    reader->token_offset = reader->offset;
    return in_object ? key(reader, "a key") : value(reader, EXPECT_NEXT_VALUE);
}

static enum json_token colon_and_value(struct json_reader *reader) {
    if (peek(reader) != ':') {
        return fail_here(reader, "':'");
    }
    reader->offset++;
    skip_blanks(reader);
    reader->token_offset = reader->offset;
    return value(reader, EXPECT_NEXT_KEY);
}

static enum json_token document_end(struct json_reader *reader) {
    if (peek(reader) >= 0) {
        return fail_here(reader, "the end of the document");
    }
    return scalar(reader, JSON_END, SPAN_NONE);
}

enum json_token json_next(struct json_reader *reader) {
    if (reader->token == JSON_END || reader->token == JSON_ERROR) {
        return reader->token;
    }
    skip_blanks(reader);
    reader->token_offset = reader->offset;
    reader->escaped = false;
    if (reader->tokens >= reader->limits.tokens_max) {
        return fail(reader, RMQ_E_LIMIT, reader->offset, "fewer tokens");
    }
    reader->tokens++;
    switch ((enum expect)reader->state[reader->depth]) {
    case EXPECT_VALUE:
        return value(reader, EXPECT_END);
    case EXPECT_END:
        return document_end(reader);
    case EXPECT_FIRST_VALUE:
        return peek(reader) == ']' ? end(reader, JSON_ARRAY_END) : value(reader, EXPECT_NEXT_VALUE);
    case EXPECT_NEXT_VALUE:
        return next_member(reader, false);
    case EXPECT_FIRST_KEY:
        return peek(reader) == '}' ? end(reader, JSON_OBJECT_END) : key(reader, "a key or '}'");
    case EXPECT_COLON:
        return colon_and_value(reader);
    case EXPECT_NEXT_KEY:
        return next_member(reader, true);
    }
    RMQ_UNREACHABLE();
}

/* Reads on until the container that has just begun at `depth` has ended. */
static int skip_container(struct json_reader *reader, size_t depth) {
    while (reader->depth >= depth) {
        if (json_next(reader) == JSON_ERROR) {
            return reader->error;
        }
    }
    return RMQ_OK;
}

int json_skip(struct json_reader *reader) {
    if (reader->token == JSON_KEY_OBJECT) {
        int err = skip_container(reader, reader->depth);
        if (err != RMQ_OK) {
            return err;
        }
        json_next(reader);
    } else if (reader->token == JSON_KEY) {
        json_next(reader);
    }
    switch (reader->token) {
    case JSON_ERROR:
        return reader->error;
    case JSON_OBJECT_BEGIN:
    case JSON_ARRAY_BEGIN:
        return skip_container(reader, reader->depth);
    default:
        return RMQ_OK;
    }
}
