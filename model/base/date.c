/* base/date.c - see date.h. Days to date as in Howard Hinnant's civil_from_days. */
#include "model/base/date.h"

struct date date_of_ms(int64_t ms) {
    int64_t days = ms / DAY_MS, of_day = ms % DAY_MS;
    if (of_day < 0) {
        days--;
        of_day += DAY_MS;
    }
    int64_t z = days + 719468, era = (z < 0 ? z - 146096 : z) / 146097, of_era = z - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t shifted = (5 * of_year + 2) / 153;
    int64_t month = shifted < 10 ? shifted + 3 : shifted - 9;
    return (struct date){
        .year = (int32_t)(year + era * 400 + (month <= 2 ? 1 : 0)),
        .month = (uint8_t)month,
        .day = (uint8_t)(of_year - (153 * shifted + 2) / 5 + 1),
        .hour = (uint8_t)(of_day / HOUR_MS),
        .minute = (uint8_t)(of_day / 60000 % 60),
        .second = (uint8_t)(of_day / 1000 % 60),
        .millisecond = (uint16_t)(of_day % 1000),
    };
}
