/* filter/java_number.h - numbers in text as Java reads them, without floating point.
 *
 * A double is its IEEE bits mapped to an integer that Double.compareTo orders the same way: -0.0
 * below 0.0, NaN above everything. So comparisons are exact and the same on every machine, whatever
 * its compiler does with floats. Source: the documentation of Integer.valueOf, Double.valueOf. */
#ifndef MODEL_FILTER_JAVA_NUMBER_H
#define MODEL_FILTER_JAVA_NUMBER_H

#include "model/base/err.h"
#include "model/base/span.h"

typedef int64_t java_double;
#define JAVA_DOUBLE_ZERO INT64_C(0)
#define JAVA_DOUBLE_INFINITY INT64_C(0x7ff0000000000000)
#define JAVA_DOUBLE_NAN INT64_C(0x7ff8000000000000)

/* Long.valueOf: [+-]digits, nothing around them. RMQ_E_INVALID, also out of range. Differs: digits
 * of other scripts than ASCII are none. */
int java_long_parse(struct span text, int64_t *out) RMQ_CHECK_RESULT;
/* The same of Integer.valueOf. */
int java_int_parse(struct span text, int64_t *out) RMQ_CHECK_RESULT;
/* Double.valueOf: blanks around it, decimal and hexadecimal forms, NaN, Infinity, the suffixes d
 * and f; rounded to the nearest, halves to even. RMQ_E_INVALID. */
int java_double_parse(struct span text, java_double *out) RMQ_CHECK_RESULT;
/* (double)value. */
java_double java_double_of(int64_t value);
/* -value; of what is not NaN. */
static inline java_double java_double_negate(java_double value) {
    return ~value;
}

#endif
