/* base/settings.h - a node's configuration read value by value, with its range and its fallback.
 *
 * The first wrong value is remembered with its key; reading goes on with the fallback, so that a
 * role reads everything and asks once at the end. */
#ifndef MODEL_BASE_SETTINGS_H
#define MODEL_BASE_SETTINGS_H

#include "model/base/props.h"

struct settings {
    const struct props *props;
    int err;             /* RMQ_OK, or of the first wrong value */
    struct span bad_key; /* its key: static text, or borrowed from the props */
};

static inline struct settings settings_of(const struct props *props) {
    return (struct settings){.props = props};
}

int64_t settings_number(struct settings *settings, const char *key, int64_t fallback, int64_t min,
                        int64_t max);
/* Any number of 32 bits; below `min` it counts as `min`, above `max` as `max`. */
int64_t settings_clamped(struct settings *settings, const char *key, int64_t fallback, int64_t min,
                         int64_t max);
bool settings_bool(struct settings *settings, const char *key, bool fallback);
/* A text of 1 to `len_max` bytes, borrowed from the props; `fallback` may be absent. */
struct span settings_text(struct settings *settings, const char *key, struct span fallback,
                          size_t len_max);
/* The index of the value among `words`; 0 when the key is missing. */
size_t settings_word(struct settings *settings, const char *key, const char *const *words,
                     size_t count);
/* Bit set of the quirks that are on (model/quirks.h). */
uint32_t settings_quirks(struct settings *settings);
/* Marks `key` as wrong, for checks of the caller. */
void settings_refuse(struct settings *settings, struct span key, int err);

/* Logs the wrong value, if there is one. Returns settings->err. */
int settings_refused(const struct settings *settings, struct env *env,
                     const char *role) RMQ_CHECK_RESULT;
/* The same; without one logs each key that is not among `known` (one that ends in '.' stands for
 * all that begin with it) and does not begin with "quirk."; they have no effect, as in RocketMQ. */
int settings_finish(const struct settings *settings, struct env *env, const char *role,
                    const char *const *known, size_t known_count) RMQ_CHECK_RESULT;

#endif
