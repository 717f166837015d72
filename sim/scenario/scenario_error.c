/* sim/scenario/scenario_error.c - positions, messages, edit distance. */
#include "sim/scenario/scenario_error.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define WORD_MAX 48

void doc_position(const struct doc_source *source, size_t offset, size_t *line, size_t *column) {
    *line = source->first_line;
    *column = 1;
    for (size_t i = 0; i < offset && i < source->len; i++) {
        unsigned char byte = (unsigned char)source->text[i];
        if (byte == '\n') {
            ++*line;
            *column = 1;
        } else if ((byte & 0xc0) != 0x80) {
            ++*column;
        }
    }
}

void scenario_error(struct scenario_errors *errors, const struct doc_source *source, size_t offset,
                    const char *format, ...) {
    if (errors->count == SCENARIO_ERRORS_MAX) {
        errors->more++;
        return;
    }
    char *out = errors->text[errors->count++];
    size_t line, column;
    doc_position(source, offset, &line, &column);
    int len = snprintf(out, SCENARIO_ERROR_TEXT_MAX, "%s:%zu:%zu: ", source->name, line, column);
    if (len < 0 || len >= SCENARIO_ERROR_TEXT_MAX)
        return;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(out + len, SCENARIO_ERROR_TEXT_MAX - (size_t)len, format, arguments);
    va_end(arguments);
}

/* Upper and lower case, '_' and '-' count as equal: people mix them up. */
static int fold(char c) {
    return c == '_' ? '-' : tolower((unsigned char)c);
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
    if (nearest->best == NULL)
        return "";
    (void)snprintf(nearest->hint, sizeof nearest->hint, "; did you mean \"%s\"?", nearest->best);
    return nearest->hint;
}

const char *nearest_of(struct nearest *nearest, const char *word, const char *const *words,
                       size_t count) {
    nearest_begin(nearest, word);
    for (size_t i = 0; i < count; i++)
        nearest_offer(nearest, words[i]);
    return nearest_hint(nearest);
}
