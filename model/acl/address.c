#include "model/acl/address.h"

#include "model/base/check.h"
#include "model/env.h"

#define EXPECTED_ADDRESS \
    "expected an address, a comma list, a set \"10.0.0.{1,2}\" or parts that are * or a range"

/* ---- numbers --------------------------------------------------------------------------------- */

static int digit_of(uint8_t byte, bool hex) {
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    uint8_t lower = byte | 0x20;
    return hex && lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* One part: decimal up to 255 without leading zeros, or 1 to 4 hexadecimal digits. */
static bool part_value(struct span text, bool hex, uint16_t *out) {
    uint32_t value = 0;
    if (text.len == 0 || text.len > (hex ? 4U : 3U) ||
        (!hex && text.len > 1 && text.data[0] == '0'))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        int digit = digit_of(text.data[i], hex);
        if (digit < 0)
            return false;
        value = value * (hex ? 16 : 10) + (uint32_t)digit;
    }
    *out = (uint16_t)value;
    return hex || value <= 255;
}

static bool has_byte(struct span text, uint8_t byte) {
    return text.len > 0 && memchr(text.data, byte, text.len) != NULL;
}

/* "*", "a-b" or a number. */
static bool part_range(struct span text, bool hex, uint16_t *low, uint16_t *high) {
    if (text.len == 1 && text.data[0] == '*') {
        *low = 0;
        *high = hex ? UINT16_MAX : 255;
        return true;
    }
    const uint8_t *minus = text.len == 0 ? NULL : memchr(text.data, '-', text.len);
    if (minus == NULL)
        return part_value(text, hex, low) && (*high = *low, true);
    struct span first = span_of(text.data, (size_t)(minus - text.data));
    return part_value(first, hex, low) && part_value(span_from(text, first.len + 1), hex, high) &&
           *low <= *high;
}

/* ---- whole patterns -------------------------------------------------------------------------- */

/* Splits at `separator`, empty parts included; 0 when there are more than `max`. */
static size_t split(struct span text, uint8_t separator, struct span *out, size_t max) {
    size_t count = 0;
    for (;;) {
        const uint8_t *at = text.len == 0 ? NULL : memchr(text.data, separator, text.len);
        size_t len = at == NULL ? text.len : (size_t)(at - text.data);
        if (count == max)
            return 0;
        out[count++] = span_of(text.data, len);
        if (at == NULL)
            return count;
        text = span_from(text, len + 1);
    }
}

static bool v4_pattern(struct span text, struct acl_pattern *out) {
    struct span parts[4];
    if (split(text, '.', parts, 4) != 4)
        return false;
    out->parts = 4;
    for (size_t i = 0; i < 4; i++) {
        if (!part_range(parts[i], false, &out->low[i], &out->high[i]))
            return false;
    }
    return true;
}

/* The parts of one side of "::"; none of an empty text. -1: malformed. */
static int v6_side(struct span text, struct span *parts) {
    return text.len == 0 ? 0 : (int)split(text, ':', parts, ACL_PARTS_MAX) - (text.len == 0);
}

static bool v6_pattern(struct span text, struct acl_pattern *out) {
    struct span head[ACL_PARTS_MAX], tail[ACL_PARTS_MAX];
    size_t gap = text.len;
    for (size_t i = 0; i + 1 < text.len; i++) {
        if (text.data[i] == ':' && text.data[i + 1] == ':') {
            gap = i;
            break;
        }
    }
    bool shortened = gap < text.len;
    struct span before = span_of(text.data, gap);
    struct span after = shortened ? span_from(text, gap + 2) : SPAN_NONE;
    int heads = v6_side(before, head), tails = v6_side(after, tail);
    if ((before.len > 0 && heads == 0) || (after.len > 0 && tails == 0) ||
        (shortened ? heads + tails >= ACL_PARTS_MAX : heads != ACL_PARTS_MAX))
        return false;
    out->parts = ACL_PARTS_MAX;
    for (int i = 0; i < ACL_PARTS_MAX; i++) {
        out->low[i] = out->high[i] = 0;
        int from_end = i - (ACL_PARTS_MAX - tails);
        struct span part = i < heads ? head[i] : from_end >= 0 ? tail[from_end] : SPAN_NONE;
        if (!span_is_absent(part) && !part_range(part, true, &out->low[i], &out->high[i]))
            return false;
    }
    return true;
}

static bool parse_pattern(struct span text, struct acl_pattern *out) {
    *out = (struct acl_pattern){0};
    return has_byte(text, ':') ? v6_pattern(text, out) : v4_pattern(text, out);
}

struct acl_address acl_address_parse(struct span text) {
    static const char MAPPED[] = "::ffff:";
    struct acl_address address = {0};
    struct acl_pattern pattern;
    if (text.len > 2 && text.data[0] == '[' && text.data[text.len - 1] == ']')
        text = span_of(text.data + 1, text.len - 2);
    if (span_starts_with(text, SPAN_LITERAL("::ffff:")) && has_byte(text, '.'))
        text = span_from(text, sizeof MAPPED - 1);
    if (text.len == 0 || has_byte(text, '*') || has_byte(text, '-') ||
        !parse_pattern(text, &pattern))
        return address;
    address.parts = pattern.parts;
    memcpy(address.part, pattern.low, sizeof address.part);
    return address;
}

struct acl_address acl_address_of_peer(const char *peer) {
    struct span text = span_of_text(peer);
    size_t len = text.len;
    while (len > 0 && text.data[len - 1] != ':')
        len--;
    return acl_address_parse(len == 0 ? text : span_of(text.data, len - 1));
}

/* ---- lists ----------------------------------------------------------------------------------- */

static struct span trim(struct span text) {
    while (text.len > 0 && (text.data[0] == ' ' || text.data[0] == '\t'))
        text = span_from(text, 1);
    while (text.len > 0 && (text.data[text.len - 1] == ' ' || text.data[text.len - 1] == '\t'))
        text.len--;
    return text;
}

static int append(struct acl_addresses *list, struct env *env, const struct acl_pattern *pattern) {
    struct acl_pattern *grown = env_alloc(env, (list->count + 1) * sizeof *grown);
    if (grown == NULL)
        return RMQ_E_NOMEM;
    if (list->count > 0)
        memcpy(grown, list->patterns, list->count * sizeof *grown);
    env_free(env, list->patterns);
    grown[list->count++] = *pattern;
    list->patterns = grown;
    return RMQ_OK;
}

static int append_text(struct acl_addresses *list, struct env *env, struct span text) {
    struct acl_pattern pattern;
    return parse_pattern(text, &pattern) ? append(list, env, &pattern) : RMQ_E_INVALID;
}

/* "10.0.0.{1,2}": the part in braces is the last one. */
static int append_set(struct acl_addresses *list, struct env *env, struct span text) {
    const uint8_t *brace = memchr(text.data, '{', text.len);
    if (brace == NULL || brace == text.data || (brace[-1] != '.' && brace[-1] != ':'))
        return RMQ_E_INVALID;
    size_t head = (size_t)(brace - text.data);
    struct span rest = span_of(brace + 1, text.len - head - 2), part;
    char whole[64];
    int err = rest.len == 0 ? RMQ_E_INVALID : RMQ_OK;
    while (err == RMQ_OK && span_next_part(&rest, ',', &part)) {
        part = trim(part);
        if (head + part.len > sizeof whole)
            return RMQ_E_INVALID;
        memcpy(whole, text.data, head);
        span_copy((uint8_t *)whole + head, part);
        struct span address = span_of(whole, head + part.len);
        err =
            acl_address_parse(address).parts == 0 ? RMQ_E_INVALID : append_text(list, env, address);
    }
    return err;
}

static int append_commas(struct acl_addresses *list, struct env *env, struct span text) {
    struct span part;
    int err = RMQ_OK;
    while (err == RMQ_OK && span_next_part(&text, ',', &part))
        err = append_text(list, env, trim(part));
    return err;
}

int acl_addresses_add(struct acl_addresses *list, struct env *env, struct span text,
                      const char **expected) {
    static const struct acl_pattern ALL = {0};
    struct acl_addresses grown = {0};
    text = trim(text);
    if (text.len == 0)
        return RMQ_OK;
    int err = RMQ_OK;
    for (size_t i = 0; err == RMQ_OK && i < list->count; i++)
        err = append(&grown, env, &list->patterns[i]);
    if (err != RMQ_OK) {
        /* nothing */
    } else if (span_equal(text, SPAN_LITERAL("*")) || span_equal(text, SPAN_LITERAL("*.*.*.*")) ||
               span_equal(text, SPAN_LITERAL("*:*:*:*:*:*:*:*"))) {
        err = append(&grown, env, &ALL);
    } else if (text.data[text.len - 1] == '}') {
        err = append_set(&grown, env, text);
    } else {
        err = append_commas(&grown, env, text);
    }
    if (err != RMQ_OK) {
        acl_addresses_free(&grown, env);
        *expected = EXPECTED_ADDRESS;
        return err;
    }
    acl_addresses_free(list, env);
    *list = grown;
    return RMQ_OK;
}

void acl_addresses_free(struct acl_addresses *list, struct env *env) {
    env_free(env, list->patterns);
    *list = (struct acl_addresses){0};
}

static bool pattern_matches(const struct acl_pattern *pattern, const struct acl_address *address) {
    if (pattern->parts == 0)
        return true;
    if (pattern->parts != address->parts)
        return false;
    for (size_t i = 0; i < pattern->parts; i++) {
        if (address->part[i] < pattern->low[i] || address->part[i] > pattern->high[i])
            return false;
    }
    return true;
}

bool acl_addresses_match(const struct acl_addresses *list, const struct acl_address *address) {
    for (size_t i = 0; i < list->count; i++) {
        if (pattern_matches(&list->patterns[i], address))
            return true;
    }
    return false;
}
