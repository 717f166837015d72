/* base/settings.c - see settings.h. */
#include "model/base/settings.h"

#include "model/env.h"
#include "model/quirks.h"

void settings_refuse(struct settings *settings, struct span key, int err) {
    if (settings->err != RMQ_OK)
        return;
    settings->err = err;
    settings->bad_key = key;
}

int64_t settings_number(struct settings *settings, const char *key, int64_t fallback, int64_t min,
                        int64_t max) {
    int64_t value = fallback;
    int err = props_get_i64(settings->props, key, fallback, &value);
    if (err == RMQ_OK && value >= min && value <= max)
        return value;
    settings_refuse(settings, span_of_text(key), RMQ_E_INVALID);
    return fallback;
}

int64_t settings_clamped(struct settings *settings, const char *key, int64_t fallback, int64_t min,
                         int64_t max) {
    int64_t value = settings_number(settings, key, fallback, INT32_MIN, INT32_MAX);
    return value < min ? min : value > max ? max : value;
}

bool settings_bool(struct settings *settings, const char *key, bool fallback) {
    bool value = fallback;
    if (props_get_bool(settings->props, key, fallback, &value) != RMQ_OK)
        settings_refuse(settings, span_of_text(key), RMQ_E_INVALID);
    return value;
}

struct span settings_text(struct settings *settings, const char *key, struct span fallback,
                          size_t len_max) {
    struct span value = props_get(settings->props, key);
    if (span_is_absent(value))
        return fallback;
    if (value.len > 0 && value.len <= len_max)
        return value;
    settings_refuse(settings, span_of_text(key), RMQ_E_INVALID);
    return fallback;
}

size_t settings_word(struct settings *settings, const char *key, const char *const *words,
                     size_t count) {
    struct span value = props_get(settings->props, key);
    if (span_is_absent(value))
        return 0;
    for (size_t i = 0; i < count; i++) {
        if (span_equal(value, span_of_text(words[i])))
            return i;
    }
    settings_refuse(settings, span_of_text(key), RMQ_E_INVALID);
    return 0;
}

uint32_t settings_quirks(struct settings *settings) {
    unsigned set = 0;
    struct span bad_key = SPAN_NONE;
    if (quirks_read(settings->props, &set, &bad_key) == RMQ_OK)
        return set;
    settings_refuse(settings, bad_key, RMQ_E_INVALID);
    return 0;
}

static bool is_known(struct span key, const char *const *known, size_t known_count) {
    for (size_t i = 0; i < known_count; i++) {
        struct span name = span_of_text(known[i]);
        bool prefix = name.len > 0 && name.data[name.len - 1] == '.';
        if (prefix ? span_starts_with(key, name) : span_equal(key, name))
            return true;
    }
    return span_starts_with(key, SPAN_LITERAL("quirk."));
}

int settings_refused(const struct settings *settings, struct env *env, const char *role) {
    if (settings->err != RMQ_OK)
        env_log(env, ENV_LOG_ERROR, "%s: value of %.*s: %s", role, (int)settings->bad_key.len,
                (const char *)settings->bad_key.data, rmq_err_text(settings->err));
    return settings->err;
}

int settings_finish(const struct settings *settings, struct env *env, const char *role,
                    const char *const *known, size_t known_count) {
    int err = settings_refused(settings, env, role);
    if (err != RMQ_OK)
        return err;
    for (size_t i = 0; i < settings->props->count; i++) {
        struct span key = settings->props->entries[i].key;
        if (!is_known(key, known, known_count))
            env_log(env, ENV_LOG_INFO, "%s: key %.*s has no effect", role, (int)key.len,
                    (const char *)key.data);
    }
    return RMQ_OK;
}
