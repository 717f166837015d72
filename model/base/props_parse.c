/* base/props_parse.c - reads Java properties text as java.util.Properties.load defines it, but
 * bytes are UTF-8 (wire.md section 25.10), and a lone surrogate is an error. */
#include "model/base/check.h"
#include "model/base/props.h"
#include "model/base/utf8.h"

struct cursor {
    struct span text;
    size_t at;
    size_t line; /* of `at`, 1-based */
};

static bool at_end(const struct cursor *cursor) {
    return cursor->at == cursor->text.len;
}

/* The byte at the cursor; only when not at_end. */
static uint8_t peek(const struct cursor *cursor) {
    RMQ_ASSERT(cursor->at < cursor->text.len);
    return cursor->text.data[cursor->at];
}

static bool is_blank(uint8_t c) {
    return c == ' ' || c == '\t' || c == '\f';
}

static bool is_newline(uint8_t c) {
    return c == '\n' || c == '\r';
}

static void skip_blanks(struct cursor *cursor) {
    while (!at_end(cursor) && is_blank(peek(cursor))) {
        cursor->at++;
    }
}

/* Skips one line end: \n, \r or \r\n. */
static void skip_newline(struct cursor *cursor) {
    bool carriage_return = peek(cursor) == '\r';
    cursor->at++;
    if (carriage_return && !at_end(cursor) && peek(cursor) == '\n') {
        cursor->at++;
    }
    cursor->line++;
}

static bool is_continuation(const struct cursor *cursor) {
    return cursor->text.len - cursor->at >= 2 && peek(cursor) == '\\' &&
           is_newline(cursor->text.data[cursor->at + 1]);
}

/* Skips line continuations (backslash, line end, leading blanks of the next line), any number. */
static void skip_continuations(struct cursor *cursor) {
    while (is_continuation(cursor)) {
        cursor->at++;
        skip_newline(cursor);
        skip_blanks(cursor);
    }
}

/* Skips blank lines and comments up to the first byte of a key. */
static void skip_to_key(struct cursor *cursor) {
    bool comment = false;
    while (!at_end(cursor)) {
        uint8_t c = peek(cursor);
        comment = comment || c == '#' || c == '!';
        if (is_newline(c)) {
            skip_newline(cursor);
            comment = false;
        } else if (comment || is_blank(c)) {
            cursor->at++;
        } else if (is_continuation(cursor)) {
            skip_continuations(cursor);
        } else {
            return;
        }
    }
}

/* \uXXXX, the cursor behind the 'u'; a pair of surrogates is one code point. */
static int take_unicode(struct cursor *cursor, struct buf *out) {
    int32_t unit = hex4_read(span_from(cursor->text, cursor->at));
    if (unit < 0 || utf16_is_low((uint32_t)unit)) {
        return RMQ_E_INVALID;
    }
    uint32_t code = (uint32_t)unit;
    cursor->at += 4;
    if (utf16_is_high(code)) {
        struct span rest = span_from(cursor->text, cursor->at);
        int32_t low =
            span_starts_with(rest, SPAN_LITERAL("\\u")) ? hex4_read(span_from(rest, 2)) : -1;
        if (low < 0 || !utf16_is_low((uint32_t)low)) {
            return RMQ_E_INVALID;
        }
        code = utf16_join(code, (uint32_t)low);
        cursor->at += 6;
    }
    uint8_t encoded[UTF8_LEN_MAX];
    buf_put(out, encoded, utf8_encode(code, encoded));
    return RMQ_OK;
}

/* What follows a backslash. At the end of the text the backslash itself is dropped, as Java does.
 */
static int take_escape(struct cursor *cursor, struct buf *out) {
    if (at_end(cursor)) {
        return RMQ_OK;
    }
    uint8_t c = peek(cursor);
    cursor->at++;
    switch (c) {
    case 'u':
        return take_unicode(cursor, out);
    case 't':
        buf_put_u8(out, '\t');
        return RMQ_OK;
    case 'n':
        buf_put_u8(out, '\n');
        return RMQ_OK;
    case 'r':
        buf_put_u8(out, '\r');
        return RMQ_OK;
    case 'f':
        buf_put_u8(out, '\f');
        return RMQ_OK;
    default:
        buf_put_u8(out, c);
        return RMQ_OK;
    }
}

/* Appends the decoded key, or the decoded value, that begins at the cursor. */
static int take_text(struct cursor *cursor, bool is_key, struct buf *out) {
    for (;;) {
        skip_continuations(cursor);
        if (at_end(cursor) || is_newline(peek(cursor))) {
            return RMQ_OK;
        }
        uint8_t c = peek(cursor);
        if (is_key && (is_blank(c) || c == '=' || c == ':')) {
            return RMQ_OK;
        }
        cursor->at++;
        if (c != '\\') {
            buf_put_u8(out, c);
            continue;
        }
        int err = take_escape(cursor, out);
        if (err != RMQ_OK) {
            return err;
        }
    }
}

/* Blanks, at most one '=' or ':', blanks; continuations may come anywhere among them. */
static void skip_separator(struct cursor *cursor) {
    bool seen = false;
    for (;;) {
        skip_continuations(cursor);
        if (at_end(cursor)) {
            return;
        }
        uint8_t c = peek(cursor);
        bool separates = !seen && (c == '=' || c == ':');
        if (!separates && !is_blank(c)) {
            return;
        }
        seen = seen || separates;
        cursor->at++;
    }
}

static int take_entry(struct cursor *cursor, struct props *props, struct buf *scratch) {
    uint32_t line = (uint32_t)cursor->line;
    buf_clear(scratch);
    int err = take_text(cursor, true, scratch);
    if (err != RMQ_OK) {
        return err;
    }
    size_t key_len = scratch->len;
    skip_separator(cursor);
    err = take_text(cursor, false, scratch);
    if (err != RMQ_OK) {
        return err;
    }
    if (buf_failed(scratch)) {
        return RMQ_E_NOMEM;
    }
    return props_set_line(props, span_of(scratch->data, key_len),
                          span_of(scratch->data + key_len, scratch->len - key_len), line);
}

int props_parse(struct props *props, struct span text, size_t *error_line) {
    struct cursor cursor = {text, 0, 1};
    struct buf scratch;
    int err = RMQ_OK;
    buf_init(&scratch, props->env);
    for (skip_to_key(&cursor); err == RMQ_OK && !at_end(&cursor); skip_to_key(&cursor)) {
        err = take_entry(&cursor, props, &scratch);
        if (err != RMQ_OK) {
            *error_line = cursor.line;
            break;
        }
    }
    buf_deinit(&scratch);
    return err;
}
