/* base/span.c - comparing spans and reading decimal numbers from them. */
#include "model/base/span.h"

#include "model/base/err.h"

int span_compare(struct span a, struct span b) {
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common == 0 ? 0 : memcmp(a.data, b.data, common);
    if (order != 0) {
        return order;
    }
    return (a.len > b.len) - (a.len < b.len);
}

bool span_starts_with(struct span span, struct span prefix) {
    return span.len >= prefix.len &&
           (prefix.len == 0 || memcmp(span.data, prefix.data, prefix.len) == 0);
}

bool span_next_part(struct span *rest, uint8_t separator, struct span *out) {
    while (rest->len > 0) {
        const uint8_t *end = memchr(rest->data, separator, rest->len);
        size_t len = end == NULL ? rest->len : (size_t)(end - rest->data);
        *out = span_of(rest->data, len);
        *rest = span_from(*rest, end == NULL ? len : len + 1);
        if (len > 0)
            return true;
    }
    return false;
}

#define SAFE_DIGITS 18 /* so many cannot overflow, not even as i64 */

/* Digits only, at least one. A bad character outranks a number that is too large. */
static int digits_to_u64(struct span text, uint64_t *out) {
    uint64_t value = 0;
    bool overflow = false;
    *out = 0;
    if (text.len == 0) {
        return RMQ_E_INVALID;
    }
    for (size_t i = 0; i < text.len; i++) {
        unsigned digit = (unsigned)text.data[i] - '0';
        if (digit > 9) {
            return RMQ_E_INVALID;
        }
        if (i >= SAFE_DIGITS) {
            overflow = overflow || value > (UINT64_MAX - digit) / 10;
        }
        value = value * 10 + digit;
    }
    *out = value;
    return overflow ? RMQ_E_RANGE : RMQ_OK;
}

static int digits_to_i64(struct span span, int64_t *out) {
    bool negative = span.len > 0 && span.data[0] == '-';
    uint64_t limit = negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
    uint64_t magnitude = 0;
    int err = digits_to_u64(negative ? span_from(span, 1) : span, &magnitude);
    /* Negation as unsigned, so that the smallest i64 needs no special case. */
    *out = (int64_t)(negative ? 0 - magnitude : magnitude);
    return err == RMQ_OK && magnitude > limit ? RMQ_E_RANGE : err;
}

int span_to_u64(struct span span, uint64_t *out) {
    uint64_t value;
    int err = digits_to_u64(span, &value);
    if (err == RMQ_OK) {
        *out = value;
    }
    return err;
}

int span_to_i64(struct span span, int64_t *out) {
    int64_t value;
    int err = digits_to_i64(span, &value);
    if (err == RMQ_OK) {
        *out = value;
    }
    return err;
}

int span_to_i32(struct span span, int32_t *out) {
    int64_t value;
    int err = digits_to_i64(span, &value);
    if (err != RMQ_OK) {
        return err;
    }
    if (value < INT32_MIN || value > INT32_MAX) {
        return RMQ_E_RANGE;
    }
    *out = (int32_t)value;
    return RMQ_OK;
}
