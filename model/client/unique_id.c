/* client/unique_id.c - see unique_id.h. */
#include "model/client/unique_id.h"

#include "model/base/check.h"
#include "model/wire/message.h"

#define MS_PER_DAY INT64_C(86400000)
#define BACK_MAX_MS INT64_C(1000000) /* a clock that went back by less counts as at the start */

void unique_ids_init(struct unique_ids *ids, struct env *env) {
    struct env_identity self;
    struct message_host host = {.ip_len = 4};
    char text[ENV_ADDRESS_MAX + 2];
    env_identity(env, &self);
    size_t len = strlen(self.ip);
    memcpy(text, self.ip, len);
    text[len] = ':';
    text[len + 1] = '0';
    int err = message_host_parse(span_of(text, len + 2), &host);
    if (err != RMQ_OK) /* a node without a numeric address: Java makes one up, too */
        host = (struct message_host){.ip_len = 4};
    uint64_t own = env_random(env);
    uint8_t *out = ids->fixed;
    memcpy(out, host.ip, host.ip_len);
    out += host.ip_len;
    *out++ = (uint8_t)(self.process_number >> 8);
    *out++ = (uint8_t)self.process_number;
    for (int shift = 24; shift >= 0; shift -= 8)
        *out++ = (uint8_t)(own >> shift);
    ids->fixed_len = (uint8_t)(out - ids->fixed);
}

/* Days from 1970-01-01 to the first of a month (March-based years, so that a leap day is last). */
static int64_t days_to_month(int64_t year, int64_t month) {
    int64_t y = month > 2 ? year : year - 1, m = month > 2 ? month - 3 : month + 9;
    int64_t era = (y >= 0 ? y : y - 399) / 400, of_era = y - era * 400;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + (153 * m + 2) / 5 - 719468;
}

/* The month that holds local time `ms`. */
static void set_month(struct unique_ids *ids, int64_t ms, int64_t offset_ms) {
    int64_t day = (ms + offset_ms) / MS_PER_DAY;
    int64_t year = 1970 + day / 366, month = 1; /* not later than the right one */
    while (days_to_month(year + 1, 1) <= day)
        year++;
    while (month < 12 && days_to_month(year, month + 1) <= day)
        month++;
    int64_t next = month < 12 ? days_to_month(year, month + 1) : days_to_month(year + 1, 1);
    ids->month_begin_ms = days_to_month(year, month) * MS_PER_DAY - offset_ms;
    ids->month_end_ms = next * MS_PER_DAY - offset_ms;
}

size_t unique_id_next(struct unique_ids *ids, const struct env *env, char *out) {
    static const char DIGITS[] = "0123456789ABCDEF";
    RMQ_ASSERT(ids->fixed_len > 0);
    int64_t now = env_wall_ms(env);
    if (now >= ids->month_end_ms)
        set_month(ids, now, (int64_t)env_utc_offset_min(env) * 60000);
    int64_t diff = now - ids->month_begin_ms;
    if (diff < 0 && diff > -BACK_MAX_MS)
        diff = 0;
    uint8_t bytes[sizeof ids->fixed + 6];
    size_t len = ids->fixed_len;
    memcpy(bytes, ids->fixed, len);
    for (int shift = 24; shift >= 0; shift -= 8)
        bytes[len++] = (uint8_t)((uint64_t)diff >> shift);
    bytes[len++] = (uint8_t)(ids->counter >> 8);
    bytes[len++] = (uint8_t)ids->counter;
    ids->counter++;
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = DIGITS[bytes[i] >> 4];
        out[2 * i + 1] = DIGITS[bytes[i] & 15];
    }
    return 2 * len;
}
