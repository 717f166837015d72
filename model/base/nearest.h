/* base/nearest.h - the nearest right word to a mistyped one, for error texts. */
#ifndef MODEL_BASE_NEAREST_H
#define MODEL_BASE_NEAREST_H

#include <stddef.h>

/* Begin, offer each candidate, then ask. Words end with a NUL and stay put; those of more than 48
 * bytes are near to nothing. */
struct nearest {
    const char *word;
    const char *best; /* NULL: nothing is near */
    size_t distance;
    char hint[128];
};
void nearest_begin(struct nearest *nearest, const char *word);
void nearest_offer(struct nearest *nearest, const char *candidate);
/* "; did you mean \"x\"?" or "". Lives as long as `nearest`. */
const char *nearest_hint(struct nearest *nearest);
const char *nearest_of(struct nearest *nearest, const char *word, const char *const *words,
                       size_t count);

#endif
