/* env_fake_record.c - the events and log lines of the fake node. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/tests/env_fake_internal.h"

/* ---- events ------------------------------------------------------------------------------------
 */

void env_event(struct env *env, int kind, const struct event_value *values, size_t count) {
    fake_call(env);
    RMQ_ASSERT(kind >= 0 && kind < EVENT_KIND_COUNT);
    RMQ_ASSERT(count == EVENT_INFO[kind].field_count);
    struct fake_event event = {kind, env->mono_ns, count, NULL};
    event.values = fake_must_alloc(count * sizeof *values);
    for (size_t i = 0; i < count; i++) {
        RMQ_ASSERT(values[i].type == EVENT_INFO[kind].fields[i].type);
        struct span text = values[i].text;
        event.values[i] = values[i];
        event.values[i].text = span_of(fake_copy_text((const char *)text.data, text.len), text.len);
    }
    env->events =
        fake_grow(env->events, env->event_count, &env->event_capacity, sizeof *env->events);
    env->events[env->event_count++] = event;
}

void fake_events_clear(struct env *env) {
    for (size_t i = 0; i < env->event_count; i++) {
        for (size_t k = 0; k < env->events[i].count; k++) {
            free((void *)env->events[i].values[k].text.data);
        }
        free(env->events[i].values);
    }
    env->event_count = 0;
}

size_t fake_event_total(const struct env *env) {
    return env->event_count;
}

const struct fake_event *fake_event_at(const struct env *env, size_t index) {
    RMQ_ASSERT(index < env->event_count);
    return &env->events[index];
}

size_t fake_event_count(const struct env *env, int kind) {
    size_t count = 0;
    for (size_t i = 0; i < env->event_count; i++) {
        count += env->events[i].kind == kind;
    }
    return count;
}

static const struct event_value *find_field(const struct fake_event *event, const char *field) {
    const struct event_info *info = &EVENT_INFO[event->kind];
    size_t index = 0;
    while (index < info->field_count && strcmp(info->fields[index].name, field) != 0) {
        index++;
    }
    RMQ_ASSERT(index < info->field_count); /* the test names a field of this kind */
    return &event->values[index];
}

size_t fake_event_count_of(const struct env *env, int kind, const char *field, const char *text) {
    size_t count = 0;
    for (size_t i = 0; i < env->event_count; i++) {
        if (env->events[i].kind == kind) {
            const struct event_value *value = find_field(&env->events[i], field);
            RMQ_ASSERT(value->type == EVENT_TEXT);
            count += span_equal(value->text, span_of_text(text));
        }
    }
    return count;
}

const struct fake_event *fake_event_last(const struct env *env, int kind) {
    for (size_t i = env->event_count; i > 0; i--) {
        if (env->events[i - 1].kind == kind) {
            return &env->events[i - 1];
        }
    }
    return NULL;
}

static const struct event_value *last_field(const struct env *env, int kind, const char *field,
                                            enum event_field_type type) {
    const struct fake_event *event = fake_event_last(env, kind);
    RMQ_ASSERT(event != NULL);
    const struct event_value *value = find_field(event, field);
    RMQ_ASSERT(value->type == type);
    return value;
}

struct span fake_event_text(const struct env *env, int kind, const char *field) {
    return last_field(env, kind, field, EVENT_TEXT)->text;
}

uint64_t fake_event_uint(const struct env *env, int kind, const char *field) {
    return last_field(env, kind, field, EVENT_UINT)->number;
}

int64_t fake_event_int(const struct env *env, int kind, const char *field) {
    return (int64_t)last_field(env, kind, field, EVENT_INT)->number;
}

/* ---- log ---------------------------------------------------------------------------------------
 */

void env_log(struct env *env, enum env_log_level level, const char *format, ...) {
    char line[1024];
    va_list args;
    fake_call(env);
    va_start(args, format);
    int len = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    RMQ_ASSERT(len >= 0);
    env->logs = fake_grow(env->logs, env->log_count, &env->log_capacity, sizeof *env->logs);
    env->logs[env->log_count++] = (struct fake_log){level, fake_copy_text(line, strlen(line))};
}

size_t fake_log_count(const struct env *env, enum env_log_level level) {
    size_t count = 0;
    for (size_t i = 0; i < env->log_count; i++) {
        count += env->logs[i].level == level;
    }
    return count;
}

bool fake_log_contains(const struct env *env, const char *text) {
    for (size_t i = 0; i < env->log_count; i++) {
        if (strstr(env->logs[i].text, text) != NULL) {
            return true;
        }
    }
    return false;
}

void fake_record_free(struct env *env) {
    fake_events_clear(env);
    free(env->events);
    for (size_t i = 0; i < env->log_count; i++) {
        free(env->logs[i].text);
    }
    free(env->logs);
}
