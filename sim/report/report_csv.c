/* sim/report/report_csv.c - reads the series of a run directory. One pass splits the text in place.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/report/report_internal.h"
#include "sim/report/run_dir.h"

/* Ends the cell at *at with a NUL, taking quotes away; *at moves to the next cell. The separator
 * that ended it: ',' or '\n'. */
static char cell_end(char **at) {
    char *from = *at, *to = *at;
    bool quoted = *from == '"';
    from += quoted;
    while (*from != '\0') {
        if (quoted && from[0] == '"' && from[1] == '"')
            from++;
        else if (quoted && *from == '"') {
            quoted = false;
            from++;
            continue;
        } else if (!quoted && (*from == ',' || *from == '\n'))
            break;
        *to++ = *from++;
    }
    char separator = *from == ',' ? ',' : '\n';
    *at = from + (*from != '\0');
    *to = '\0';
    return separator;
}

static bool cells_grow(struct csv *csv, size_t *room, size_t count) {
    if (count < *room)
        return true;
    *room = *room == 0 ? 256 : *room * 2;
    const char **cells = realloc(csv->cells, *room * sizeof *cells);
    if (cells == NULL)
        return false;
    csv->cells = cells;
    return true;
}

/* Splits csv->text; false when memory is out. */
static bool split(struct csv *csv) {
    size_t count = 0, room = 0, column = 0;
    for (char *at = csv->text; *at != '\0';) {
        const char *cell = at;
        char separator = cell_end(&at);
        if (csv->columns == 0 || column < csv->columns) { /* cells past the names are dropped */
            if (!cells_grow(csv, &room, count))
                return false;
            csv->cells[count++] = cell;
        }
        column++;
        if (separator == ',')
            continue;
        if (csv->columns == 0)
            csv->columns = column;
        for (; column < csv->columns; column++) {
            if (!cells_grow(csv, &room, count))
                return false;
            csv->cells[count++] = "";
        }
        column = 0;
    }
    csv->rows = csv->columns == 0 ? 0 : count / csv->columns - 1;
    return true;
}

bool csv_read(const char *path, struct csv *csv) {
    *csv = (struct csv){0};
    size_t len;
    csv->text = file_read_whole(path, &len);
    if (csv->text == NULL)
        return false;
    bool ok = split(csv);
    if (ok && csv->columns != 0)
        return true;
    csv_free(csv);
    errno = ok ? EINVAL : ENOMEM;
    return false;
}

void csv_free(struct csv *csv) {
    free(csv->text);
    free(csv->cells);
    *csv = (struct csv){0};
}

int csv_column(const struct csv *csv, const char *name) {
    for (size_t i = 0; i < csv->columns; i++)
        if (strcmp(csv->cells[i], name) == 0)
            return (int)i;
    return -1;
}

const char *csv_cell(const struct csv *csv, size_t row, int column) {
    return column < 0 ? "" : csv->cells[(row + 1) * csv->columns + (size_t)column];
}

double csv_number(const struct csv *csv, size_t row, int column, double missing) {
    const char *cell = csv_cell(csv, row, column);
    char *end;
    double value = strtod(cell, &end);
    return end == cell || *end != '\0' ? missing : value;
}
