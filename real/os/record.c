/* os/record.c - what a node says: log lines and events, handed to the program. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "real/os/env_internal.h"

#define LINE_MAX_BYTES 2048

void env_log(struct env *env, enum env_log_level level, const char *format, ...) {
    if (env->options.on_log == NULL)
        return;
    char line[LINE_MAX_BYTES];
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (len >= (int)sizeof line)
        memcpy(line + sizeof line - 4, "...", 4);
    env->options.on_log(env->options.ctx, env, level, line);
}

void env_event(struct env *env, int kind, const struct event_value *values, size_t count) {
    if (env->options.on_event != NULL)
        env->options.on_event(env->options.ctx, env, kind, values, count);
}

void rmq_assert_fail(const char *expression, const char *file, int line) {
    fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, expression);
    abort();
}
