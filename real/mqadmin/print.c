/* mqadmin/print.c - see print.h. */
#include "real/mqadmin/print.h"

#include <stdarg.h>

void say(struct admin *admin, const char *format, ...) {
    if (admin->options.json)
        return;
    va_list arguments;
    va_start(arguments, format);
    vfprintf(admin->out, format, arguments);
    va_end(arguments);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static struct json_writer *writer_at(struct admin *admin, const char *key) {
    if (!admin->options.json)
        return NULL;
    if (key != NULL)
        json_key_text(&admin->json, key);
    return &admin->json;
}

void put_text(struct admin *admin, const char *key, const char *value) {
    struct json_writer *writer = writer_at(admin, key);
    if (writer != NULL && value != NULL)
        json_string_text(writer, value);
    else if (writer != NULL)
        json_null(writer);
}

void put_number(struct admin *admin, const char *key, int64_t value) {
    struct json_writer *writer = writer_at(admin, key);
    if (writer != NULL)
        json_number(writer, value);
}

void put_double(struct admin *admin, const char *key, double value) {
    struct json_writer *writer = writer_at(admin, key);
    if (writer != NULL)
        json_raw(writer, span_of_text(arena_format(&admin->arena, "%.2f", value)));
}

void put_bool(struct admin *admin, const char *key, bool value) {
    struct json_writer *writer = writer_at(admin, key);
    if (writer != NULL)
        json_bool(writer, value);
}

void put_tree(struct admin *admin, const char *key, const struct tree *value) {
    struct json_writer *writer = writer_at(admin, key);
    if (writer != NULL)
        tree_write(value, writer);
}

void put_object_begin(struct admin *admin, const char *key) {
    struct json_writer *writer = writer_at(admin, key);
    if (writer != NULL)
        json_object_begin(writer);
}

void put_object_end(struct admin *admin) {
    if (admin->options.json)
        json_object_end(&admin->json);
}

void put_array_begin(struct admin *admin, const char *key) {
    struct json_writer *writer = writer_at(admin, key);
    if (writer != NULL)
        json_array_begin(writer);
}

void put_array_end(struct admin *admin) {
    if (admin->options.json)
        json_array_end(&admin->json);
}

void print_begin(struct admin *admin) {
    put_object_begin(admin, NULL);
    put_text(admin, "command", admin->command->name);
}

static void put_failure(struct admin *admin, const struct admin_failure *failure) {
    put_object_begin(admin, NULL);
    if (failure->address != NULL)
        put_text(admin, "address", failure->address);
    if (failure->request != 0) {
        put_number(admin, "request", failure->request);
        put_text(admin, "requestName", wire_request_name(failure->request));
        if (failure->status == RMQ_OK) {
            put_number(admin, "code", failure->code);
            put_text(admin, "codeName", wire_response_name(failure->code));
        }
    }
    put_text(admin, "text", failure->text);
    put_object_end(admin);
}

void print_end(struct admin *admin) {
    if (!admin->options.json)
        return;
    put_bool(admin, "ok", !admin_failed(admin));
    if (admin_failed(admin)) {
        put_array_begin(admin, "failures");
        for (const struct admin_failure *at = admin->failures; at != NULL; at = at->next) {
            put_failure(admin, at);
        }
        put_array_end(admin);
    }
    put_object_end(admin);
    fwrite(admin->document.data, 1, admin->document.len, admin->out);
    fputc('\n', admin->out);
}

/* ---- tables ---------------------------------------------------------------------------------- */

struct cell cell_number(struct admin *admin, int64_t value) {
    return (struct cell){arena_format(&admin->arena, "%lld", (long long)value), true};
}

struct cell cell_double(struct admin *admin, double value, int digits) {
    return (struct cell){arena_format(&admin->arena, "%.*f", digits, value), true};
}

/* `format` is one of ours: a single %s with widths. */
static void print_cell(FILE *out, const char *format, const char *text) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    fprintf(out, format, text == NULL ? "" : text);
#pragma GCC diagnostic pop
}

struct table table_begin(struct admin *admin, const char *key, const struct column *columns,
                         size_t count) {
    bool titles = false;
    put_array_begin(admin, key);
    for (size_t i = 0; i < count && !admin->options.json; i++) {
        if (columns[i].title != NULL) {
            print_cell(admin->out, columns[i].format, columns[i].title);
            titles = true;
        }
    }
    if (titles)
        fputc('\n', admin->out);
    return (struct table){admin, columns, count};
}

static void put_cell(struct admin *admin, const char *key, const struct cell *cell) {
    if (cell->text == NULL || !cell->bare)
        put_text(admin, key, cell->text);
    else
        json_raw(writer_at(admin, key), span_of_text(cell->text));
}

void table_row(const struct table *table, const struct cell *cells) {
    struct admin *admin = table->admin;
    bool printed = false;
    put_object_begin(admin, NULL);
    for (size_t i = 0; i < table->count; i++) {
        const struct column *column = &table->columns[i];
        if (admin->options.json && column->key != NULL)
            put_cell(admin, column->key, &cells[i]);
        if (!admin->options.json && column->format != NULL) {
            print_cell(admin->out, column->format, cells[i].text);
            printed = true;
        }
    }
    put_object_end(admin);
    if (printed)
        fputc('\n', admin->out);
}

void table_end(const struct table *table) {
    put_array_end(table->admin);
}
