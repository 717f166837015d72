/* base/decimal.c - see decimal.h. */
#include "model/base/decimal.h"

#include "model/base/check.h"
#include "model/base/wide.h"

#define PLACES 6

/* ---- ratios ---------------------------------------------------------------------------------- */

/* product / divisor, rounded to the nearest; UINT64_MAX where it is more. */
static uint64_t divide(struct product product, uint64_t divisor) {
    if (product.high >= divisor)
        return UINT64_MAX;
    uint64_t quotient = 0, rest = product.high;
    for (int bit = 63; bit >= 0; bit--) {
        bool carry = rest >> 63 != 0;
        rest = rest << 1 | (product.low >> bit & 1);
        quotient <<= 1;
        if (carry || rest >= divisor) {
            rest -= divisor;
            quotient |= 1;
        }
    }
    bool up = rest >= divisor - rest;
    return up && quotient < UINT64_MAX ? quotient + 1 : quotient;
}

int64_t decimal_ratio(int64_t numerator, int64_t factor, int64_t denominator) {
    RMQ_ASSERT(factor >= 0 && denominator >= 0);
    if (denominator == 0)
        return 0;
    uint64_t size = numerator < 0 ? 0 - (uint64_t)numerator : (uint64_t)numerator;
    struct product scaled = multiply((uint64_t)factor, (uint64_t)DECIMAL_ONE);
    if (scaled.high != 0)
        return numerator < 0 ? INT64_MIN : INT64_MAX;
    uint64_t quotient = divide(multiply(size, scaled.low), (uint64_t)denominator);
    if (quotient > INT64_MAX)
        return numerator < 0 ? INT64_MIN : INT64_MAX;
    return numerator < 0 ? -(int64_t)quotient : (int64_t)quotient;
}

/* ---- out ------------------------------------------------------------------------------------- */

static void put_digits(struct buf *out, uint64_t fraction, unsigned digits) {
    char text[PLACES];
    for (unsigned i = digits; i-- > 0; fraction /= 10)
        text[i] = (char)('0' + fraction % 10);
    buf_put(out, text, digits);
}

static void put_parts(struct buf *out, bool negative, uint64_t whole, uint64_t fraction,
                      unsigned digits) {
    char text[DECIMAL_BYTES_MAX];
    if (negative)
        buf_put_u8(out, '-');
    buf_put(out, text, format_u64(text, whole));
    if (digits == 0)
        return;
    buf_put_u8(out, '.');
    put_digits(out, fraction, digits);
}

static uint64_t size_of(int64_t value) {
    return value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
}

void decimal_put(struct buf *out, int64_t value) {
    uint64_t size = size_of(value), fraction = size % DECIMAL_ONE;
    unsigned digits = PLACES;
    for (; digits > 1 && fraction % 10 == 0; digits--)
        fraction /= 10;
    put_parts(out, value < 0, size / DECIMAL_ONE, fraction, digits);
}

void decimal_put_fixed(struct buf *out, int64_t value, unsigned digits) {
    RMQ_ASSERT(digits <= PLACES);
    uint64_t unit = 1;
    for (unsigned i = digits; i < PLACES; i++)
        unit *= 10;
    uint64_t size = (size_of(value) + unit / 2) / unit, one = DECIMAL_ONE / unit;
    put_parts(out, value < 0 && size > 0, size / one, size % one, digits);
}

/* ---- in -------------------------------------------------------------------------------------- */

/* The digits of a number without its point, and where that was. */
struct digits {
    uint64_t value; /* of the first 18 that count */
    int scale;      /* value * 10^scale */
    unsigned count;
    bool any;
};

static void take_digit(struct digits *digits, uint8_t digit, bool behind_point) {
    digits->any = true;
    if (digits->count >= 18) {
        if (!behind_point && digits->scale < 10000)
            digits->scale++;
        return;
    }
    digits->value = digits->value * 10 + digit;
    if (digits->value > 0)
        digits->count++;
    if (behind_point)
        digits->scale--;
}

static bool is_digit(uint8_t byte) {
    return byte >= '0' && byte <= '9';
}

static int take_exponent(struct span rest, int *scale) {
    int64_t exponent;
    if (rest.len > 1 && rest.data[0] == '+')
        rest = span_from(rest, 1);
    if (span_to_i64(rest, &exponent) != RMQ_OK)
        return RMQ_E_INVALID;
    if (exponent > 1000 || exponent < -1000)
        return RMQ_E_RANGE;
    *scale += (int)exponent;
    return RMQ_OK;
}

static int scaled(struct digits digits, bool negative, int64_t *out) {
    int scale = digits.scale + PLACES;
    for (; scale > 0 && digits.value > 0; scale--) {
        if (digits.value > INT64_MAX / 10)
            return RMQ_E_RANGE;
        digits.value *= 10;
    }
    uint64_t last = 0;
    for (; scale < 0 && (digits.value > 0 || last > 0); scale++) {
        last = digits.value % 10;
        digits.value /= 10;
    }
    digits.value += last >= 5;
    *out = negative ? -(int64_t)digits.value : (int64_t)digits.value;
    return RMQ_OK;
}

int decimal_parse(struct span text, int64_t *out) {
    struct digits digits = {0};
    bool negative = text.len > 0 && text.data[0] == '-', behind_point = false;
    if (span_equal(text, SPAN_LITERAL("NaN"))) {
        *out = 0;
        return RMQ_OK;
    }
    size_t at = negative;
    if (span_equal(span_from(text, at), SPAN_LITERAL("Infinity")))
        return RMQ_E_RANGE;
    for (; at < text.len; at++) {
        uint8_t byte = text.data[at];
        if (byte == '.' && digits.any && !behind_point)
            behind_point = true;
        else if (is_digit(byte))
            take_digit(&digits, (uint8_t)(byte - '0'), behind_point);
        else
            break;
    }
    if (!digits.any || text.data[at - 1] == '.')
        return RMQ_E_INVALID;
    int err = RMQ_OK;
    if (at < text.len && (text.data[at] == 'E' || text.data[at] == 'e'))
        err = take_exponent(span_from(text, at + 1), &digits.scale);
    else if (at < text.len)
        err = RMQ_E_INVALID;
    return err == RMQ_OK ? scaled(digits, negative, out) : err;
}
