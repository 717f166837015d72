/* base/decimal.h - decimal fractions as integers, in millionths.
 *
 * Java's rates and averages are doubles in text: "0.0", "1.3986013986013985", "1.0E7". Here they
 * are int64_t counts of 1/1,000,000: exact, and the same on every machine. */
#ifndef MODEL_BASE_DECIMAL_H
#define MODEL_BASE_DECIMAL_H

#include "model/base/buf.h"

#define DECIMAL_ONE INT64_C(1000000)

/* numerator * factor / denominator in millionths, rounded to the nearest (halves away from 0);
 * 0 when denominator is 0; INT64_MAX or INT64_MIN where that does not hold it. factor and
 * denominator >= 0. */
int64_t decimal_ratio(int64_t numerator, int64_t factor, int64_t denominator);

/* Appends it as Java writes a double of that value between 10^-3 and 10^7: at least one digit on
 * either side of the point, no zeros at the end. Differs: never with an exponent. */
void decimal_put(struct buf *out, int64_t value);
/* Appends it with exactly `digits` (0 to 6) behind the point, rounded to the nearest (halves away
 * from 0); as %.2f. */
void decimal_put_fixed(struct buf *out, int64_t value, unsigned digits);

/* Reads what Double.toString or a person writes: [-]digits[.digits][E[-]digits]; the seventh digit
 * behind the point is rounded, 18 digits count. "NaN" is 0. RMQ_E_INVALID, RMQ_E_RANGE (also
 * Infinity). */
int decimal_parse(struct span text, int64_t *out) RMQ_CHECK_RESULT;

#endif
