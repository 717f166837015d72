/* sim/scenario/scenario_units.c - one parser for all quantities, driven by tables of units. */
#include "sim/scenario/scenario_units.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const struct unit DURATION[] = {
    {"ns", 1},          {"us", 1000},         {"ms", 1000000},       {"s", 1000000000},
    {"m", 60000000000}, {"h", 3600000000000}, {"d", 86400000000000},
};
static const struct unit SIZE[] = {
    {"B", 1},      {"kB", 1000},     {"MB", 1000000},     {"GB", 1000000000},
    {"KiB", 1024}, {"MiB", 1048576}, {"GiB", 1073741824},
};
/* A bit is an eighth of a byte: bits per second need a factor of 1,000 at least. */
static const struct unit RATE[] = {
    {"B/s", 1},         {"kB/s", 1000},  {"MB/s", 1000000},  {"GB/s", 1000000000},  {"KiB/s", 1024},
    {"MiB/s", 1048576}, {"kbit/s", 125}, {"Mbit/s", 125000}, {"Gbit/s", 125000000},
};
static const struct unit FREQUENCY[] = {{"/s", 1000}, {"/ks", 1}};
static const struct unit RATIO[] = {{"%", 10000}, {"ppm", 1}};

#define DURATION_EXPECTED "a duration such as \"30s\" (units ns, us, ms, s, m, h, d)"
const struct unit_system UNITS_DURATION = {
    "a duration", DURATION_EXPECTED, "^([0-9]+([.][0-9]+)?(ns|us|ms|s|m|h|d))+$",
    DURATION,     COUNT(DURATION),   false,
    true};
const struct unit_system UNITS_SHIFT = {
    "a duration, perhaps negative",
    "a duration such as \"-30s\" (units ns, us, ms, s, m, h, d)",
    "^[+-]?([0-9]+([.][0-9]+)?(ns|us|ms|s|m|h|d))+$",
    DURATION,
    COUNT(DURATION),
    true,
    true};
const struct unit_system UNITS_SIZE = {
    "a size",
    "a size such as \"64KiB\" (units B, kB, MB, GB, KiB, MiB, GiB)",
    "^[0-9]+([.][0-9]+)?(B|kB|MB|GB|KiB|MiB|GiB)$",
    SIZE,
    COUNT(SIZE),
    false,
    false};
const struct unit_system UNITS_RATE = {
    "a rate",
    "a rate such as \"100Mbit/s\" (units B/s, kB/s, MB/s, GB/s, KiB/s, MiB/s, kbit/s, "
    "Mbit/s, Gbit/s)",
    "^[0-9]+([.][0-9]+)?(B/s|kB/s|MB/s|GB/s|KiB/s|MiB/s|kbit/s|Mbit/s|Gbit/s)$",
    RATE,
    COUNT(RATE),
    false,
    false};
const struct unit_system UNITS_FREQUENCY = {
    "a frequency",
    "a frequency such as \"100/s\" or \"0.5/s\" (units /s, /ks: per 1,000 s)",
    "^[0-9]+([.][0-9]+)?/k?s$",
    FREQUENCY,
    COUNT(FREQUENCY),
    false,
    false};
const struct unit_system UNITS_RATIO = {"a ratio",
                                        "a ratio such as \"1%\" or \"100ppm\"",
                                        "^[0-9]+([.][0-9]+)?(%|ppm)$",
                                        RATIO,
                                        COUNT(RATIO),
                                        false,
                                        false};
const struct unit_system UNITS_DRIFT = {"a drift",
                                        "a drift such as \"-50ppm\" or \"0.1%\"",
                                        "^[+-]?[0-9]+([.][0-9]+)?(%|ppm)$",
                                        RATIO,
                                        COUNT(RATIO),
                                        true,
                                        false};

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* Digits with a fraction, as a number of 10^-scale. */
static enum unit_error parse_number(const char **cursor, uint64_t *value, uint64_t *scale) {
    if (!is_digit(**cursor))
        return UNIT_NOT_A_NUMBER;
    bool fraction = false;
    for (*value = 0, *scale = 1;; ++*cursor) {
        if (**cursor == '.' && !fraction && is_digit((*cursor)[1])) {
            fraction = true;
            continue;
        }
        if (!is_digit(**cursor))
            return UNIT_OK;
        if (*value > (UINT64_MAX >> 2) / 10 || (fraction && *scale > 100000000000))
            return UNIT_TOO_LARGE;
        *value = *value * 10 + (uint64_t)(**cursor - '0');
        if (fraction)
            *scale *= 10;
    }
}

static enum unit_error parse_unit(const struct unit_system *system, const char **cursor,
                                  uint64_t *factor, char unit[16]) {
    size_t len = strcspn(*cursor, "0123456789");
    if (len == 0)
        return UNIT_MISSING;
    (void)snprintf(unit, 16, "%.*s", (int)(len < 15 ? len : 15), *cursor);
    for (size_t i = 0; i < system->count; i++) {
        if (strlen(system->units[i].name) == len &&
            memcmp(*cursor, system->units[i].name, len) == 0) {
            *factor = system->units[i].factor;
            *cursor += len;
            return UNIT_OK;
        }
    }
    return UNIT_UNKNOWN;
}

/* One quantity, added to *sum (at most 2^62). */
static enum unit_error parse_one(const struct unit_system *system, const char **cursor,
                                 uint64_t *sum, char unit[16]) {
    uint64_t value, scale, factor;
    enum unit_error error = parse_number(cursor, &value, &scale);
    if (error == UNIT_OK)
        error = parse_unit(system, cursor, &factor, unit);
    if (error != UNIT_OK)
        return error;
    uint64_t whole = value / scale, part = value % scale;
    /* part < 10^12; the largest factor has a common divisor of 10^9 with any scale we accept */
    uint64_t divisor = 1;
    while (scale % (divisor * 10) == 0 && factor % (divisor * 10) == 0)
        divisor *= 10;
    uint64_t step = factor / divisor, rest = scale / divisor;
    if (part * step % rest != 0)
        return UNIT_NOT_WHOLE;
    uint64_t limit = (uint64_t)1 << 62;
    if (factor != 0 && whole > limit / factor)
        return UNIT_TOO_LARGE;
    *sum += whole * factor + part * step / rest;
    return *sum > limit ? UNIT_TOO_LARGE : UNIT_OK;
}

enum unit_error unit_parse(const struct unit_system *system, const char *text, int64_t *out,
                           size_t *at, char unit[16]) {
    const char *cursor = text;
    bool negative = system->sign && *cursor == '-';
    if (system->sign && (*cursor == '-' || *cursor == '+'))
        cursor++;
    uint64_t sum = 0;
    enum unit_error error;
    do
        error = parse_one(system, &cursor, &sum, unit);
    while (error == UNIT_OK && system->compound && *cursor != 0);
    if (error == UNIT_OK && *cursor != 0)
        error = UNIT_NOT_A_NUMBER;
    *at = (size_t)(cursor - text);
    if (error == UNIT_OK)
        *out = negative ? -(int64_t)sum : (int64_t)sum;
    return error;
}

void duration_print(uint64_t ns, char *out) {
    static const struct unit PRINTED[] = {
        {"s", 1000000000}, {"ms", 1000000}, {"us", 1000}, {"ns", 1}};
    for (size_t i = 0; i < COUNT(PRINTED); i++) {
        if (ns % PRINTED[i].factor == 0) {
            (void)snprintf(out, 32, "%" PRIu64 "%s", ns / PRINTED[i].factor, PRINTED[i].name);
            return;
        }
    }
}

/* Days since 1970-01-01 of a date of the Gregorian calendar; March-based years, so that the leap
 * day comes last. */
static int64_t days_of(int year, int month, int day) {
    int y = month <= 2 ? year - 1 : year;
    int m = month <= 2 ? month + 9 : month - 3;
    return 365LL * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

static bool two_digits(const char *text, int low, int high, int *out) {
    if (!is_digit(text[0]) || !is_digit(text[1]))
        return false;
    *out = (text[0] - '0') * 10 + text[1] - '0';
    return *out >= low && *out <= high;
}

bool date_parse(const char *text, int64_t *out_ms) {
    static const int DAYS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    size_t len = strlen(text);
    int century, year, month, day, hour, minute, second, ms = 0;
    if ((len != 20 && len != 24) || text[len - 1] != 'Z' || text[4] != '-' || text[7] != '-' ||
        text[10] != 'T' || text[13] != ':' || text[16] != ':')
        return false;
    if (!two_digits(text, 19, 21, &century) || !two_digits(text + 2, 0, 99, &year) ||
        !two_digits(text + 5, 1, 12, &month) || !two_digits(text + 8, 1, 31, &day) ||
        !two_digits(text + 11, 0, 23, &hour) || !two_digits(text + 14, 0, 59, &minute) ||
        !two_digits(text + 17, 0, 59, &second))
        return false;
    if (len == 24) {
        if (text[19] != '.' || !two_digits(text + 20, 0, 99, &ms) || !is_digit(text[22]))
            return false;
        ms = ms * 10 + text[22] - '0';
    }
    year += century * 100;
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (year < 1971 || day > DAYS[month - 1] + (month == 2 && leap))
        return false;
    *out_ms =
        ((days_of(year, month, day) * 24 + hour) * 60 + minute) * 60000LL + second * 1000LL + ms;
    return true;
}
