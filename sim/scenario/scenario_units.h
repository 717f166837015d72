/* sim/scenario/scenario_units.h - texts with units: "1.5s", "64KiB", "100Mbit/s", "0.5%", "-50ppm".
 *
 * A quantity is digits, perhaps a decimal fraction, and a unit without a blank between them;
 * durations may be a row of them ("1m30s"). Values are exact integers of the base unit: a fraction
 * that is none (0.3ns) is refused. */
#ifndef SIM_SCENARIO_UNITS_H
#define SIM_SCENARIO_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct unit {
    const char *name;
    uint64_t factor;
};
struct unit_system {
    const char *what;     /* "a duration" */
    const char *expected; /* "such as \"30s\" (ns, us, ms, s, m, h)" */
    const char *pattern;  /* regular expression for the schema */
    const struct unit *units;
    size_t count;
    bool sign;     /* may be negative */
    bool compound; /* a row of quantities */
};
extern const struct unit_system UNITS_DURATION;  /* ns */
extern const struct unit_system UNITS_SHIFT;     /* ns, signed */
extern const struct unit_system UNITS_SIZE;      /* bytes */
extern const struct unit_system UNITS_RATE;      /* bytes per second */
extern const struct unit_system UNITS_FREQUENCY; /* per 1,000 s */
extern const struct unit_system UNITS_RATIO;     /* parts per million */
extern const struct unit_system UNITS_DRIFT;     /* parts per million, signed */

enum unit_error {
    UNIT_OK,
    UNIT_NOT_A_NUMBER,
    UNIT_MISSING,
    UNIT_UNKNOWN,
    UNIT_NOT_WHOLE,
    UNIT_TOO_LARGE
};
/* Parses all of `text`. On an error *at is the offset in `text` of what is wrong, and for
 * UNIT_UNKNOWN `unit` holds the unknown one. */
enum unit_error unit_parse(const struct unit_system *system, const char *text, int64_t *out,
                           size_t *at, char unit[16]);
/* Shortest text of a duration with one unit, exact: "1500ms". `out` >= 32 bytes. */
void duration_print(uint64_t ns, char *out);

/* "2026-01-01T00:00:00Z" (also with milliseconds) to milliseconds since 1970; years 1971 to 2199.
 */
bool date_parse(const char *text, int64_t *out_ms);

#endif
