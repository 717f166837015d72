/* base/date.h - milliseconds as date and time of day. */
#ifndef MODEL_BASE_DATE_H
#define MODEL_BASE_DATE_H

#include <stdint.h>

#define DAY_MS INT64_C(86400000)
#define HOUR_MS INT64_C(3600000)

struct date {
    int32_t year;
    uint8_t month, day; /* from 1 */
    uint8_t hour, minute, second;
    uint16_t millisecond;
};
/* `ms` since 1970, in whatever zone the caller added to it; year 1 to 9999 is what callers print.
 */
struct date date_of_ms(int64_t ms);

#endif
