/* sim/scenario/scenario_error.c - positions, messages, edit distance. */
#include "sim/scenario/scenario_error.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

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
