/* base/nearest.c - see nearest.h. */
#include "model/base/nearest.h"

#include <stdbool.h>
#include <string.h>

#define WORD_MAX 48

/* Upper and lower case, '_' and '-' count as equal: people mix them up. */
static int fold(char c) {
    if (c >= 'A' && c <= 'Z')
        return c - 'A' + 'a';
    return c == '_' ? '-' : c;
}

/* Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`. */
static size_t edit_distance(const char *a, const char *b) {
    size_t a_len = strlen(a), b_len = strlen(b);
    size_t rows[3][WORD_MAX + 1];
    for (size_t j = 0; j <= b_len; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        size_t *now = rows[i % 3], *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t best = last[j - 1] + (fold(a[i - 1]) != fold(b[j - 1]));
            if (last[j] + 1 < best)
                best = last[j] + 1;
            if (now[j - 1] + 1 < best)
                best = now[j - 1] + 1;
            if (i > 1 && j > 1 && fold(a[i - 1]) == fold(b[j - 2]) &&
                fold(a[i - 2]) == fold(b[j - 1]) && before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            now[j] = best;
        }
    }
    return rows[a_len % 3][b_len];
}

void nearest_begin(struct nearest *nearest, const char *word) {
    size_t len = strlen(word);
    nearest->word = word;
    nearest->best = NULL;
    nearest->distance = len > WORD_MAX ? 0 : len / 3 + 2; /* what is nearer than this is near */
}

/* One is the other's beginning: "bin" for "binary", "permission" for "perm". */
static bool is_beginning(const char *a, const char *b) {
    size_t len = strlen(a) < strlen(b) ? strlen(a) : strlen(b);
    return len >= 2 && strncmp(a, b, len) == 0;
}

void nearest_offer(struct nearest *nearest, const char *candidate) {
    if (nearest->distance == 0 || strlen(candidate) > WORD_MAX)
        return;
    size_t distance = edit_distance(nearest->word, candidate);
    if (distance > 2 && is_beginning(nearest->word, candidate))
        distance = 2;
    /* A word of which every letter was replaced is not near. */
    if (distance < nearest->distance && distance < strlen(candidate)) {
        nearest->best = candidate;
        nearest->distance = distance;
    }
}

const char *nearest_hint(struct nearest *nearest) {
    const char *parts[] = {"; did you mean \"", nearest->best, "\"?"};
    size_t len = 0;
    if (nearest->best == NULL)
        return "";
    for (size_t i = 0; i < 3; i++) { /* a candidate has at most WORD_MAX bytes */
        size_t part_len = strlen(parts[i]);
        memcpy(nearest->hint + len, parts[i], part_len);
        len += part_len;
    }
    nearest->hint[len] = 0;
    return nearest->hint;
}

const char *nearest_of(struct nearest *nearest, const char *word, const char *const *words,
                       size_t count) {
    nearest_begin(nearest, word);
    for (size_t i = 0; i < count; i++)
        nearest_offer(nearest, words[i]);
    return nearest_hint(nearest);
}
