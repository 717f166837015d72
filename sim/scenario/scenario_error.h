/* sim/scenario/scenario_error.h - what is wrong with a scenario, where, and the nearest right word.
 *
 * Text of an error: "file:line:column: what; expected ...; did you mean \"x\"?". Lines and columns
 * count from 1, columns in characters (UTF-8). */
#ifndef SIM_SCENARIO_ERROR_H
#define SIM_SCENARIO_ERROR_H

#include <stdbool.h>
#include <stddef.h>

#include "model/base/nearest.h"

/* A text with positions: a scenario file, or one --set argument. */
struct doc_source {
    const char *name; /* as printed; "--set" for arguments */
    const char *text;
    size_t len;
    size_t start;      /* where the document begins: behind "name=" of a --set argument */
    size_t first_line; /* 1; the ordinal of a --set argument, so that "--set:2:7" finds it */
};

#define SCENARIO_ERRORS_MAX 20
#define SCENARIO_ERROR_TEXT_MAX 512
struct scenario_errors {
    size_t count;
    size_t more; /* beyond the maximum, not kept */
    char text[SCENARIO_ERRORS_MAX][SCENARIO_ERROR_TEXT_MAX];
};

void scenario_error(struct scenario_errors *errors, const struct doc_source *source, size_t offset,
                    const char *format, ...) __attribute__((format(printf, 4, 5)));
void doc_position(const struct doc_source *source, size_t offset, size_t *line, size_t *column);

#endif
