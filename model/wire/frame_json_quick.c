/* wire/frame_json_quick.c - reads a JSON header that looks as Java writes it.
 *
 * No blanks, plain ASCII; only the members of wire.md 3; strings and integers; escapes of ASCII in
 * the remark and in values of fields (each send has some: properties are separated by \u0001 and
 * \u0002). That is nearly every header there is, and takes half of the general reader's time.
 * Whatever else comes is not judged here: the general reader begins anew, so that what is accepted,
 * and as what, is defined by that one alone (test_frame, test_vectors and fuzz_frame compare them).
 */
#include "model/base/utf8.h"
#include "model/wire/frame_internal.h"
#include "model/wire/json_bytes.h"

struct quick {
    const uint8_t *at;
    const uint8_t *end;
    struct span header;
    struct buf *scratch; /* decoded text; room for the whole header from the first escape on */
};

static bool take_byte(struct quick *quick, uint8_t byte) {
    if (quick->at == quick->end || *quick->at != byte)
        return false;
    quick->at++;
    return true;
}

static void skip_plain(struct quick *quick) {
    const uint8_t *at = quick->at;
    while (quick->end - at >= 8 && json_special_bytes(json_load_word(at)) == 0)
        at += 8;
    while (at < quick->end && json_byte_is_plain(*at))
        at++;
    quick->at = at;
}

/* Without escapes. */
static bool take_string(struct quick *quick, struct span *out) {
    if (!take_byte(quick, '"'))
        return false;
    out->data = quick->at;
    skip_plain(quick);
    out->len = (size_t)(quick->at - out->data);
    return take_byte(quick, '"');
}

/* The ASCII character behind a backslash; -1: something else. */
static int take_escape(struct quick *quick) {
    static const char letters[] = "\"\\/bfnrt";
    static const char meant[] = "\"\\/\b\f\n\r\t";
    const uint8_t *at = quick->at;
    if (quick->end - at >= 6 && at[1] == 'u') {
        int32_t code = hex4_read(span_of(at + 2, 4));
        quick->at += 6;
        return code < 0x80 ? code : -1;
    }
    const char *letter = quick->end - at < 2 ? NULL : memchr(letters, at[1], sizeof letters - 1);
    quick->at += 2;
    return letter == NULL ? -1 : meant[letter - letters];
}

/* The rest of a string whose text before the first escape is *out. */
static bool take_escaped(struct quick *quick, struct span *out) {
    struct buf *scratch = quick->scratch;
    if (scratch->len == 0 && buf_reserve(scratch, quick->header.len) != RMQ_OK)
        return false; /* the general reader says so */
    uint8_t *start = scratch->data + scratch->len;
    uint8_t *into = span_copy(start, *out);
    while (quick->at < quick->end && *quick->at == '\\') {
        int byte = take_escape(quick);
        if (byte < 0)
            return false;
        *into++ = (uint8_t)byte;
        const uint8_t *plain = quick->at;
        skip_plain(quick);
        into = span_copy(into, span_of(plain, (size_t)(quick->at - plain)));
    }
    *out = span_of(start, (size_t)(into - start));
    scratch->len += out->len;
    return take_byte(quick, '"');
}

/* With escapes of ASCII. */
static bool take_text(struct quick *quick, struct span *out) {
    if (!take_byte(quick, '"'))
        return false;
    out->data = quick->at;
    skip_plain(quick);
    out->len = (size_t)(quick->at - out->data);
    bool escaped = quick->at < quick->end && *quick->at == '\\';
    return escaped ? take_escaped(quick, out) : take_byte(quick, '"');
}

/* At most nine digits, so that nothing overflows. */
static bool take_i32(struct quick *quick, int32_t *out) {
    bool negative = take_byte(quick, '-');
    const uint8_t *start = quick->at;
    int32_t value = 0;
    while (quick->at < quick->end && *quick->at >= '0' && *quick->at <= '9') {
        if (quick->at - start == 9)
            return false;
        value = value * 10 + (*quick->at++ - '0');
    }
    size_t digits = (size_t)(quick->at - start);
    if (digits == 0 || (*start == '0' && (digits > 1 || negative)))
        return false;
    *out = negative ? -value : value;
    return true;
}

static bool take_ext(struct quick *quick, struct wire_command *out) {
    if (!take_byte(quick, '{'))
        return false;
    out->has_fields = true;
    if (take_byte(quick, '}'))
        return true;
    do {
        if (out->field_count == WIRE_FIELDS_MAX)
            return false;
        struct wire_field *field = &out->fields[out->field_count];
        if (!take_string(quick, &field->key) || !take_byte(quick, ':') ||
            !take_text(quick, &field->value))
            return false;
        out->field_count++;
    } while (take_byte(quick, ','));
    return take_byte(quick, '}');
}

#define KEY_IS(literal) (key.len == sizeof(literal) - 1 && memcmp(key.data, literal, key.len) == 0)

static bool take_member(struct quick *quick, struct wire_command *out) {
    struct span key;
    struct span text;
    if (!take_string(quick, &key) || !take_byte(quick, ':'))
        return false;
    if (KEY_IS("code"))
        return take_i32(quick, &out->code);
    if (KEY_IS("extFields"))
        return take_ext(quick, out);
    if (KEY_IS("flag"))
        return take_i32(quick, &out->flag);
    if (KEY_IS("language")) {
        bool taken = take_string(quick, &text);
        out->language = taken ? frame_language_of_name(text) : WIRE_LANGUAGE_UNKNOWN;
        return taken;
    }
    if (KEY_IS("opaque")) {
        out->opaque_missing = false;
        return take_i32(quick, &out->opaque);
    }
    if (KEY_IS("remark"))
        return take_text(quick, &out->remark);
    if (KEY_IS("serializeTypeCurrentRPC"))
        return take_string(quick, &text);
    return KEY_IS("version") && take_i32(quick, &out->version);
}

static bool take_header(struct quick *quick, struct wire_command *out) {
    if (!take_byte(quick, '{'))
        return false;
    do {
        if (!take_member(quick, out))
            return false;
    } while (take_byte(quick, ','));
    return take_byte(quick, '}') && quick->at == quick->end;
}

bool frame_json_quick(struct span header, struct buf *scratch, struct wire_command *out) {
    struct quick quick = {header.data, header.data + header.len, header, scratch};
    size_t before = scratch->len;
    if (take_header(&quick, out))
        return true;
    scratch->len = before;
    return false;
}
