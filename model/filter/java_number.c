/* filter/java_number.c - see java_number.h.
 *
 * A decimal fraction becomes a double by one division of integers: of 64-bit words where they hold
 * it, as nearly always, else of long ones. */
#include "model/filter/java_number.h"

#include "model/base/check.h"
#include "model/base/wide.h"

#define FRACTION_BITS 52
#define EXPONENT_MIN (-1074) /* of the last place of the smallest doubles */
#define EXPONENT_MAX 971     /* of the largest */
#define DIGITS_MAX 800       /* 767 decide, and whether anything follows them */
#define POWERS_10 20

static bool is_digit(uint8_t byte) {
    return byte >= '0' && byte <= '9';
}

/* ---- integers -------------------------------------------------------------------------------- */

static int parse_integer(struct span text, uint64_t max, int64_t *out) {
    bool negative = text.len > 0 && text.data[0] == '-';
    size_t at = text.len > 0 && (negative || text.data[0] == '+');
    uint64_t value = 0;
    if (at == text.len)
        return RMQ_E_INVALID;
    max += negative;
    for (; at < text.len; at++) {
        uint8_t digit = (uint8_t)(text.data[at] - '0');
        if (digit > 9 || value > (max - digit) / 10)
            return RMQ_E_INVALID;
        value = value * 10 + digit;
    }
    *out = (int64_t)(negative ? 0 - value : value);
    return RMQ_OK;
}

int java_long_parse(struct span text, int64_t *out) {
    return parse_integer(text, INT64_MAX, out);
}

int java_int_parse(struct span text, int64_t *out) {
    return parse_integer(text, INT32_MAX, out);
}

/* ---- rounding -------------------------------------------------------------------------------- */

static unsigned bits_of(uint64_t value) {
    RMQ_ASSERT(value != 0);
    return 64U - (unsigned)__builtin_clzll(value);
}

/* value * 2^exponent, and a little more if `rest`. */
static java_double round_double(uint64_t value, int exponent, bool rest) {
    if (value == 0)
        return JAVA_DOUBLE_ZERO;
    int drop = (int)bits_of(value) - (FRACTION_BITS + 1);
    if (exponent + drop < EXPONENT_MIN)
        drop = EXPONENT_MIN - exponent;
    uint64_t kept;
    if (drop <= 0) {
        RMQ_ASSERT(!rest); /* a quotient has more bits than a double */
        kept = value << -drop;
    } else if (drop > 64) {
        return JAVA_DOUBLE_ZERO;
    } else {
        uint64_t half = UINT64_C(1) << (drop - 1), lost = value & (half | (half - 1));
        kept = drop == 64 ? 0 : value >> drop;
        kept += lost > half || (lost == half && (rest || (kept & 1) != 0));
    }
    exponent += drop;
    if (kept >> (FRACTION_BITS + 1) != 0) {
        kept >>= 1;
        exponent++;
    }
    if (exponent > EXPONENT_MAX)
        return JAVA_DOUBLE_INFINITY;
    if (kept >> FRACTION_BITS == 0) /* subnormal */
        return (java_double)kept;
    uint64_t biased = (uint64_t)(exponent - EXPONENT_MIN + 1);
    return (java_double)(biased << FRACTION_BITS | (kept & ((UINT64_C(1) << FRACTION_BITS) - 1)));
}

java_double java_double_of(int64_t value) {
    uint64_t size = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    java_double rounded = round_double(size, 0, false);
    return value < 0 ? java_double_negate(rounded) : rounded;
}

/* ---- short decimals -------------------------------------------------------------------------- */

static const uint64_t TENS[POWERS_10] = {1,
                                         10,
                                         100,
                                         1000,
                                         10000,
                                         100000,
                                         1000000,
                                         10000000,
                                         100000000,
                                         1000000000,
                                         10000000000,
                                         100000000000,
                                         1000000000000,
                                         10000000000000,
                                         100000000000000,
                                         1000000000000000,
                                         10000000000000000,
                                         100000000000000000,
                                         1000000000000000000,
                                         UINT64_C(10000000000000000000)};

/* One half of a division of 128 by 64 bits: the next 32 bits of the quotient. divisor has its top
 * bit set, high < divisor. */
static uint64_t next_half(uint64_t *high, uint64_t low, uint64_t divisor) {
    uint64_t top = divisor >> 32, bottom = (uint32_t)divisor;
    uint64_t digit = *high / top, left = *high % top;
    while (digit >> 32 != 0 || digit * bottom > (left << 32 | low)) {
        digit--;
        left += top;
        if (left >> 32 != 0)
            break;
    }
    *high = (*high << 32 | low) - digit * divisor; /* what overflows cancels out */
    return digit;
}

/* value / 10^places, where 10^places fits. */
static java_double divide_short(uint64_t value, unsigned places) {
    uint64_t divisor = TENS[places];
    int up = __builtin_clzll(value), divisor_up = __builtin_clzll(divisor);
    value = value << up >> 1; /* so that value < divisor, the quotient has 63 or 64 bits */
    divisor <<= divisor_up;
    uint64_t rest = value, quotient = next_half(&rest, 0, divisor) << 32;
    quotient |= next_half(&rest, 0, divisor);
    return round_double(quotient, divisor_up - up + 1 - 64, rest != 0);
}

/* ---- long decimals --------------------------------------------------------------------------- */

#define LIMBS 144 /* 10^1150, and 64 bits more */
struct big {
    uint32_t limbs[LIMBS]; /* lowest first */
    unsigned count;
};

static void big_multiply_add(struct big *big, uint32_t factor, uint32_t more) {
    uint64_t carry = more;
    for (unsigned i = 0; i < big->count; i++) {
        carry += (uint64_t)big->limbs[i] * factor;
        big->limbs[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry != 0) {
        RMQ_ASSERT(big->count < LIMBS);
        big->limbs[big->count++] = (uint32_t)carry;
    }
}

static void big_times_tens(struct big *big, int exponent) {
    for (; exponent > 0; exponent -= exponent < 9 ? exponent : 9)
        big_multiply_add(big, (uint32_t)TENS[exponent < 9 ? exponent : 9], 0);
}

static void big_shift_left(struct big *big, unsigned bits) {
    for (; bits >= 31; bits -= 31)
        big_multiply_add(big, UINT32_C(1) << 31, 0);
    big_multiply_add(big, UINT32_C(1) << bits, 0);
}

static unsigned big_bits(const struct big *big) {
    return big->count == 0 ? 0 : (big->count - 1) * 32 + bits_of(big->limbs[big->count - 1]);
}

static int big_compare(const struct big *a, const struct big *b) {
    if (a->count != b->count)
        return a->count < b->count ? -1 : 1;
    for (unsigned i = a->count; i-- > 0;) {
        if (a->limbs[i] != b->limbs[i])
            return a->limbs[i] < b->limbs[i] ? -1 : 1;
    }
    return 0;
}

/* a >= b. */
static void big_subtract(struct big *a, const struct big *b) {
    uint64_t borrow = 0;
    for (unsigned i = 0; i < a->count; i++) {
        uint64_t less = (i < b->count ? b->limbs[i] : 0) + borrow;
        borrow = a->limbs[i] < less;
        a->limbs[i] = (uint32_t)(a->limbs[i] - less);
    }
    while (a->count > 0 && a->limbs[a->count - 1] == 0)
        a->count--;
}

/* digits[0..count) * 10^exponent, and a little more if `rest`. */
static java_double divide_long(const uint8_t *digits, unsigned count, int exponent, bool rest) {
    struct big value = {.count = 0}, divisor = {.limbs = {1}, .count = 1};
    if (exponent + (int)count > 310)
        return JAVA_DOUBLE_INFINITY;
    if (exponent + (int)count < -324)
        return JAVA_DOUBLE_ZERO;
    for (unsigned i = 0; i < count; i++)
        big_multiply_add(&value, 10, digits[i]);
    big_times_tens(exponent > 0 ? &value : &divisor, exponent > 0 ? exponent : -exponent);
    int shift = 63 + (int)big_bits(&divisor) - (int)big_bits(&value); /* 2^62 < quotient < 2^64 */
    big_shift_left(shift > 0 ? &value : &divisor, (unsigned)(shift > 0 ? shift : -shift));
    uint64_t quotient = 0;
    for (int i = 0; i < 64; i++) { /* its bits from the top: value / (divisor * 2^63) */
        quotient <<= 1;
        if (i == 0)
            big_shift_left(&divisor, 63);
        else
            big_multiply_add(&value, 2, 0);
        if (big_compare(&value, &divisor) >= 0) {
            big_subtract(&value, &divisor);
            quotient |= 1;
        }
    }
    return round_double(quotient, -shift, rest || value.count > 0);
}

/* ---- text ------------------------------------------------------------------------------------ */

struct decimal {
    uint8_t digits[DIGITS_MAX]; /* without zeros in front */
    unsigned count;
    uint64_t value; /* of the first 19 */
    int64_t scale;  /* digits * 10^scale */
    bool any, more; /* digits at all; one that is not 0 behind those that are kept */
};

static void take_digit(struct decimal *decimal, uint8_t digit, bool behind_point) {
    decimal->any = true;
    decimal->scale -= behind_point;
    if (decimal->count == 0 && digit == 0)
        return;
    if (decimal->count == DIGITS_MAX) {
        decimal->more |= digit != 0;
        decimal->scale++;
        return;
    }
    if (decimal->count < 19)
        decimal->value = decimal->value * 10 + digit;
    decimal->digits[decimal->count++] = digit;
}

/* [+-]digits, to the end. Far out of range is far enough. */
static int take_exponent(struct span text, int64_t *scale) {
    bool negative = text.len > 0 && text.data[0] == '-';
    int64_t exponent = 0;
    if (text.len > 0 && (negative || text.data[0] == '+'))
        text = span_from(text, 1);
    if (text.len == 0)
        return RMQ_E_INVALID;
    for (size_t i = 0; i < text.len; i++) {
        if (!is_digit(text.data[i]))
            return RMQ_E_INVALID;
        if (exponent < 1000000)
            exponent = exponent * 10 + (text.data[i] - '0');
    }
    *scale += negative ? -exponent : exponent;
    return RMQ_OK;
}

static java_double decimal_value(const struct decimal *decimal) {
    int64_t scale = decimal->scale;
    if (decimal->count == 0)
        return JAVA_DOUBLE_ZERO;
    if (scale < -100000 || scale > 100000)
        return scale < 0 ? JAVA_DOUBLE_ZERO : JAVA_DOUBLE_INFINITY;
    if (decimal->count <= 19 && scale <= 0 && scale > -POWERS_10)
        return scale == 0 ? round_double(decimal->value, 0, false)
                          : divide_short(decimal->value, (unsigned)-scale);
    if (decimal->count <= 19 && scale > 0 && scale < POWERS_10) {
        struct product product = multiply(decimal->value, TENS[scale]);
        if (product.high == 0)
            return round_double(product.low, 0, false);
    }
    return divide_long(decimal->digits, decimal->count, (int)scale, decimal->more);
}

static int parse_decimal(struct span text, java_double *out) {
    struct decimal decimal;
    bool behind_point = false;
    size_t at = 0;
    decimal.count = 0;
    decimal.value = 0;
    decimal.scale = 0;
    decimal.any = decimal.more = false;
    for (; at < text.len; at++) {
        if (text.data[at] == '.' && !behind_point)
            behind_point = true;
        else if (is_digit(text.data[at]))
            take_digit(&decimal, (uint8_t)(text.data[at] - '0'), behind_point);
        else
            break;
    }
    if (!decimal.any)
        return RMQ_E_INVALID;
    if (at < text.len) {
        if ((text.data[at] | 0x20) != 'e' ||
            take_exponent(span_from(text, at + 1), &decimal.scale) != RMQ_OK)
            return RMQ_E_INVALID;
    }
    *out = decimal_value(&decimal);
    return RMQ_OK;
}

static int hex_digit(uint8_t byte) {
    uint8_t lower = byte | 0x20;
    return is_digit(byte) ? byte - '0' : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Behind "0x": digits with a point somewhere, p and an exponent of 2. */
static int parse_hexadecimal(struct span text, java_double *out) {
    uint64_t value = 0;
    int64_t scale = 0;
    bool any = false, behind_point = false, rest = false;
    size_t at = 0;
    for (; at < text.len; at++) {
        int digit = hex_digit(text.data[at]);
        if (text.data[at] == '.' && !behind_point) {
            behind_point = true;
            continue;
        }
        if (digit < 0)
            break;
        any = true;
        bool full = value >> 60 != 0;
        rest |= full && digit != 0;
        value = full ? value : value << 4 | (unsigned)digit;
        scale += (full ? 4 : 0) - (behind_point ? 4 : 0);
    }
    if (!any || at == text.len || (text.data[at] | 0x20) != 'p' ||
        take_exponent(span_from(text, at + 1), &scale) != RMQ_OK)
        return RMQ_E_INVALID;
    bool huge = scale > 100000, tiny = scale < -100000;
    *out = value == 0 || tiny ? JAVA_DOUBLE_ZERO
           : huge             ? JAVA_DOUBLE_INFINITY
                              : round_double(value, (int)scale, rest);
    return RMQ_OK;
}

int java_double_parse(struct span text, java_double *out) {
    while (text.len > 0 && text.data[0] <= ' ')
        text = span_from(text, 1);
    while (text.len > 0 && text.data[text.len - 1] <= ' ')
        text.len--;
    bool negative = text.len > 0 && text.data[0] == '-';
    if (text.len > 0 && (negative || text.data[0] == '+'))
        text = span_from(text, 1);
    if (span_equal(text, SPAN_LITERAL("NaN"))) {
        *out = JAVA_DOUBLE_NAN;
        return RMQ_OK;
    }
    bool infinite = span_equal(text, SPAN_LITERAL("Infinity"));
    uint8_t last = text.len > 0 ? text.data[text.len - 1] | 0x20 : 0;
    bool hexadecimal = text.len > 1 && text.data[0] == '0' && (text.data[1] | 0x20) == 'x';
    int err = RMQ_OK;
    if (!infinite && text.len > 1 && (last == 'f' || last == 'd'))
        text.len--;
    if (infinite)
        *out = JAVA_DOUBLE_INFINITY;
    else if (hexadecimal)
        err = parse_hexadecimal(span_from(text, 2), out);
    else
        err = parse_decimal(text, out);
    if (err == RMQ_OK && negative)
        *out = java_double_negate(*out);
    return err;
}
