/* filter/token.c - the words of an expression, and what the messages about them say.
 *
 * Longest match, keywords in any case; Source: SelectorParser.jj, TokenMgrError.java,
 * ParseException.java, SimpleCharStream.java (lines and columns). */
#include "model/base/check.h"
#include "model/base/utf8.h"
#include "model/filter/expression_internal.h"

static const char *const IMAGES[TOKEN_KINDS] = {"<EOF>",
                                                "\"NOT\"",
                                                "\"AND\"",
                                                "\"OR\"",
                                                "\"BETWEEN\"",
                                                "\"IN\"",
                                                "\"TRUE\"",
                                                "\"FALSE\"",
                                                "\"NULL\"",
                                                "\"IS\"",
                                                "\"CONTAINS\"",
                                                "\"STARTSWITH\"",
                                                "\"ENDSWITH\"",
                                                "<DECIMAL_LITERAL>",
                                                "<FLOATING_POINT_LITERAL>",
                                                "<STRING_LITERAL>",
                                                "<ID>",
                                                "\"=\"",
                                                "\"<>\"",
                                                "\">\"",
                                                "\">=\"",
                                                "\"<\"",
                                                "\"<=\"",
                                                "\"(\"",
                                                "\",\"",
                                                "\")\"",
                                                "\"+\"",
                                                "\"-\"",
                                                ""};

const char *token_image(enum token_kind kind) {
    return IMAGES[kind];
}

static bool is_digit(uint8_t byte) {
    return byte >= '0' && byte <= '9';
}

static bool is_name_start(uint8_t byte) {
    uint8_t lower = byte | 0x20;
    return (lower >= 'a' && lower <= 'z') || byte == '_' || byte == '$';
}

static uint8_t byte_at(struct span text, size_t at) {
    return at < text.len ? text.data[at] : 0;
}

/* ---- blanks and comments --------------------------------------------------------------------- */

/* End of the comment that begins at `at`, or `at`. A line comment needs its line's end. */
static size_t comment_end(struct span text, size_t at) {
    uint8_t first = byte_at(text, at), second = byte_at(text, at + 1);
    if (first == '-' && second == '-') {
        for (size_t i = at + 2; i < text.len; i++) {
            if (text.data[i] == '\n' || text.data[i] == '\r')
                return i + 1;
        }
    } else if (first == '/' && second == '*') {
        for (size_t i = at + 3; i < text.len; i++) {
            if (text.data[i] == '/' && text.data[i - 1] == '*' && i > at + 2)
                return i + 1;
        }
    }
    return at;
}

static size_t skip_blanks(struct span text, size_t at) {
    for (;;) {
        size_t end = comment_end(text, at);
        uint8_t byte = byte_at(text, at);
        if (end == at && at < text.len &&
            (byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r' || byte == '\f'))
            end = at + 1;
        if (end == at)
            return at;
        at = end;
    }
}

/* ---- numbers, strings, words ----------------------------------------------------------------- */

static size_t skip_digits(struct span text, size_t at) {
    while (at < text.len && is_digit(text.data[at]))
        at++;
    return at;
}

/* End of "E", a sign or none, digits; `at` when that is not there. */
static size_t skip_exponent(struct span text, size_t at) {
    size_t digits = at + 1;
    if ((byte_at(text, at) | 0x20) != 'e')
        return at;
    digits += byte_at(text, digits) == '+' || byte_at(text, digits) == '-';
    size_t end = skip_digits(text, digits);
    return end > digits ? end : at;
}

static enum token_kind take_number(struct span text, size_t *at) {
    size_t begin = *at, digits = skip_digits(text, begin), end = digits;
    bool point = byte_at(text, digits) == '.';
    if (point)
        end = skip_digits(text, digits + 1);
    if (point && end == digits + 1 && digits == begin)
        return TOKEN_BAD; /* a point alone */
    size_t exponent_end = skip_exponent(text, end);
    if (point || exponent_end > end) {
        *at = exponent_end;
        return TOKEN_FLOAT;
    }
    bool zero = text.data[begin] == '0';
    *at = zero ? begin + 1 : digits + ((byte_at(text, digits) | 0x20) == 'l');
    return TOKEN_DECIMAL;
}

/* The longest text in quotes that begins here, where '' does not end it; false: there is none. */
static bool take_string(struct span text, size_t *at) {
    size_t end = 0;
    for (size_t i = *at + 1; i < text.len; i++) {
        if (text.data[i] != '\'')
            continue;
        end = i + 1;
        if (byte_at(text, i + 1) != '\'')
            break;
        i++;
    }
    if (end > 0)
        *at = end;
    return end > 0;
}

static bool same_word(struct span word, const char *keyword) {
    size_t i = 0;
    for (; i < word.len && keyword[i] != 0; i++) {
        if ((word.data[i] & 0xdf) != (uint8_t)keyword[i])
            return false;
    }
    return i == word.len && keyword[i] == 0;
}

static enum token_kind word_kind(struct span word, bool profile_5_3) {
    static const struct {
        const char *word;
        enum token_kind kind;
    } KEYWORDS[] = {{"NOT", TOKEN_NOT},
                    {"AND", TOKEN_AND},
                    {"OR", TOKEN_OR},
                    {"BETWEEN", TOKEN_BETWEEN},
                    {"IN", TOKEN_IN},
                    {"TRUE", TOKEN_TRUE},
                    {"FALSE", TOKEN_FALSE},
                    {"NULL", TOKEN_NULL},
                    {"IS", TOKEN_IS},
                    {"CONTAINS", TOKEN_CONTAINS},
                    {"STARTSWITH", TOKEN_STARTSWITH},
                    {"ENDSWITH", TOKEN_ENDSWITH}};
    size_t count = sizeof KEYWORDS / sizeof KEYWORDS[0] - (profile_5_3 ? 0 : 3);
    for (size_t i = 0; i < count; i++) {
        if (same_word(word, KEYWORDS[i].word))
            return KEYWORDS[i].kind;
    }
    return TOKEN_ID;
}

static enum token_kind take_sign(struct span text, size_t *at) {
    uint8_t next = byte_at(text, *at + 1);
    switch (text.data[(*at)++]) {
    case '=':
        return TOKEN_EQUAL;
    case '(':
        return TOKEN_OPEN;
    case ',':
        return TOKEN_COMMA;
    case ')':
        return TOKEN_CLOSE;
    case '+':
        return TOKEN_PLUS;
    case '-':
        return TOKEN_MINUS;
    case '>':
        *at += next == '=';
        return next == '=' ? TOKEN_GREATER_EQUAL : TOKEN_GREATER;
    case '<':
        *at += next == '=' || next == '>';
        return next == '=' ? TOKEN_LESS_EQUAL : next == '>' ? TOKEN_NOT_EQUAL : TOKEN_LESS;
    default:
        --*at;
        return TOKEN_BAD;
    }
}

struct token token_next(struct span text, size_t *at, bool profile_5_3) {
    size_t begin = skip_blanks(text, *at), end = begin;
    struct token token = {.at = begin};
    uint8_t byte = byte_at(text, begin);
    if (begin >= text.len) {
        token.kind = TOKEN_EOF;
    } else if (is_digit(byte) || byte == '.') {
        token.kind = take_number(text, &end);
    } else if (byte == '\'') {
        token.kind = take_string(text, &end) ? TOKEN_STRING : TOKEN_BAD;
    } else if (is_name_start(byte)) {
        while (end < text.len && (is_name_start(text.data[end]) || is_digit(text.data[end])))
            end++;
        token.kind = word_kind(span_of(text.data + begin, end - begin), profile_5_3);
    } else {
        token.kind = take_sign(text, &end);
    }
    if (token.kind == TOKEN_BAD &&
        (byte == '\'' || (byte == '/' && byte_at(text, begin + 1) == '*')))
        token.at = end = text.len; /* its end is missing */
    else if (token.kind == TOKEN_BAD && (byte == '.' || byte == '/'))
        token.at = end = begin + 1;
    token.image = span_of(text.data == NULL ? (const uint8_t *)"" : text.data + begin, end - begin);
    *at = end;
    return token;
}

/* ---- messages -------------------------------------------------------------------------------- */

void token_put_place(struct buf *out, struct span text, size_t at) {
    int64_t line = 1, column = 0;
    bool after_lf = false, after_cr = false;
    for (size_t i = 0; i <= at && i < text.len; i++) {
        uint8_t byte = text.data[i];
        if ((byte & 0xc0) == 0x80)
            continue; /* in the middle of a character */
        column++;
        if (after_lf || (after_cr && byte != '\n')) {
            line++;
            column = 1;
        }
        after_lf = byte == '\n';
        after_cr = byte == '\r';
        if (byte == '\t')
            column += 7 - (column - 1) % 8;
    }
    buf_put_text(out, " at line ");
    buf_put_decimal(out, line);
    buf_put_text(out, ", column ");
    buf_put_decimal(out, at >= text.len ? column + 1 : column);
}

void token_put_escaped(struct buf *out, struct span text) {
    static const char ESCAPED[] = "\b\t\n\f\r\"'\\", NAMES[] = "btnfr\"'\\",
                      HEX[] = "0123456789abcdef";
    for (size_t i = 0; i < text.len; i++) {
        uint8_t byte = text.data[i];
        const char *escaped = memchr(ESCAPED, byte, sizeof ESCAPED - 1);
        if (escaped != NULL) {
            buf_put_u8(out, '\\');
            buf_put_u8(out, (uint8_t)NAMES[escaped - ESCAPED]);
        } else if (byte >= 0x80) { /* Differs: as it is, not as \uXXXX */
            buf_put_u8(out, byte);
        } else if (byte < 0x20 || byte == 0x7f) {
            if (byte == 0)
                continue;
            buf_put_text(out, "\\u00");
            buf_put_u8(out, (uint8_t)HEX[byte >> 4]);
            buf_put_u8(out, (uint8_t)HEX[byte & 15]);
        } else {
            buf_put_u8(out, byte);
        }
    }
}

void token_put_lexical_error(struct buf *out, struct span text, const struct token *token) {
    struct span after = token->image, bad = span_from(text, token->at);
    buf_put_text(out, "org.apache.rocketmq.filter.parser.TokenMgrError: Lexical error");
    token_put_place(out, text, token->at);
    buf_put_text(out, ".  Encountered: ");
    if (bad.len == 0) {
        buf_put_text(out, "<EOF> ");
    } else {
        uint32_t code = 0xfffd;
        size_t len = utf8_decode(bad, &code);
        buf_put_u8(out, '"');
        token_put_escaped(out, span_of(bad.data, len == 0 ? 1 : len));
        buf_put_text(out, "\" (");
        buf_put_decimal(out, code);
        buf_put_text(out, "), ");
    }
    buf_put_text(out, "after : \"");
    token_put_escaped(out, after);
    buf_put_u8(out, '"');
}
