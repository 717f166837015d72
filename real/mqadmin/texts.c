/* mqadmin/texts.c - times, versions and permissions as Java prints them. */
#include <time.h>

#include "model/wire/body.h"
#include "real/mqadmin/print.h"

int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static const char *format_time(struct admin *admin, int64_t time_ms, const char *format) {
    time_t seconds = (time_t)(time_ms / 1000);
    struct tm local;
    char text[64];
    if (time_ms < 0 || localtime_r(&seconds, &local) == NULL)
        return arena_format(&admin->arena, "%lld", (long long)time_ms);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    strftime(text, sizeof(text), format, &local);
#pragma GCC diagnostic pop
    return arena_text(&admin->arena, span_of_text(text));
}

static int millis_of(int64_t time_ms) {
    return (int)(time_ms < 0 ? 0 : time_ms % 1000);
}

const char *time_text(struct admin *admin, int64_t time_ms) {
    return format_time(admin, time_ms, "%Y-%m-%d %H:%M:%S");
}

const char *time_text_ms(struct admin *admin, int64_t time_ms) {
    return arena_format(&admin->arena, "%s,%03d", time_text(admin, time_ms), millis_of(time_ms));
}

const char *time_text_compact(struct admin *admin, int64_t time_ms) {
    return arena_format(&admin->arena, "%s%03d", format_time(admin, time_ms, "%Y%m%d%H%M%S"),
                        millis_of(time_ms));
}

/* Ordinals of one long enumeration: each release takes two, its SNAPSHOT and itself (wire.md 6).
 * Named here are those that 4.x and 5.x clients send. */
const char *version_text(struct admin *admin, int64_t version) {
    if (version >= 612)
        return "HIGHER_VERSION";
    int64_t major = version >= 412 ? 5 : 4, base = major == 5 ? 412 : 212;
    if (version < 212)
        return arena_format(&admin->arena, "version %lld", (long long)version);
    int64_t step = version - base;
    return arena_format(&admin->arena, "V%lld_%lld_%lld%s", (long long)major,
                        (long long)(step / 20), (long long)(step % 20 / 2),
                        step % 2 == 0 ? "_SNAPSHOT" : "");
}

const char *perm_text(struct admin *admin, int64_t perm) {
    return arena_format(&admin->arena, "%c%c%c", perm & PERM_READ ? 'R' : '-',
                        perm & PERM_WRITE ? 'W' : '-', perm & PERM_INHERIT ? 'X' : '-');
}
