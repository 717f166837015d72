/* sim/scenario/scenario_write.c - a document back to JSON text, some values replaced. */
#include <stdlib.h>
#include <string.h>

#include "sim/scenario/scenario_doc.h"

#define LINE_WIDTH 88

struct writer {
    FILE *out;
    const struct doc_replacement *replacements;
    size_t count;
};

void doc_write_text(FILE *out, const char *text) {
    putc('"', out);
    for (const unsigned char *byte = (const unsigned char *)text; *byte != 0; byte++) {
        if (*byte == '"' || *byte == '\\')
            fprintf(out, "\\%c", *byte);
        else if (*byte == '\n')
            fputs("\\n", out);
        else if (*byte < 0x20)
            fprintf(out, "\\u%04x", *byte);
        else
            putc(*byte, out);
    }
    putc('"', out);
}

static const char *replacement_of(const struct writer *writer, const struct doc_value *value) {
    for (size_t i = 0; i < writer->count; i++)
        if (writer->replacements[i].value == value)
            return writer->replacements[i].json;
    return NULL;
}

/* Length of the value on one line, or more than LINE_WIDTH. */
static size_t flat_length(const struct writer *writer, const struct doc_value *value) {
    const char *json = replacement_of(writer, value);
    size_t len = value->key == NULL ? 0 : strlen(value->key) + 4;
    if (json != NULL)
        return len + strlen(json);
    if (value->kind != DOC_OBJECT && value->kind != DOC_ARRAY)
        return len +
               (value->kind == DOC_NUMBER   ? 0
                : value->kind == DOC_STRING ? 2
                                            : 5) +
               strlen(value->text);
    for (const struct doc_value *child = value->first; child != NULL && len <= LINE_WIDTH;
         child = child->next)
        len += flat_length(writer, child) + (child->next == NULL ? 0 : 2);
    return len + 2;
}

static void write_value(const struct writer *writer, const struct doc_value *value, size_t indent,
                        bool flat);

/* An array of texts is a line, however long: what is drawn for many nodes looks like that. */
static bool holds_texts(const struct doc_value *value) {
    for (const struct doc_value *child = value->first; child != NULL; child = child->next)
        if (child->kind != DOC_STRING)
            return false;
    return value->kind == DOC_ARRAY;
}

static void new_line(const struct writer *writer, size_t indent, bool flat) {
    if (!flat)
        fprintf(writer->out, "\n%*s", (int)indent, "");
}

static void write_members(const struct writer *writer, const struct doc_value *value, size_t indent,
                          bool flat) {
    bool object = value->kind == DOC_OBJECT;
    flat = flat || holds_texts(value) || indent + flat_length(writer, value) <= LINE_WIDTH;
    putc(object ? '{' : '[', writer->out);
    for (const struct doc_value *child = value->first; child != NULL; child = child->next) {
        new_line(writer, indent + 2, flat);
        if (object) {
            doc_write_text(writer->out, child->key);
            fputs(": ", writer->out);
        }
        write_value(writer, child, indent + 2, flat);
        if (child->next != NULL)
            fputs(flat ? ", " : ",", writer->out);
    }
    if (value->first != NULL)
        new_line(writer, indent, flat);
    putc(object ? '}' : ']', writer->out);
}

static void write_value(const struct writer *writer, const struct doc_value *value, size_t indent,
                        bool flat) {
    const char *json = replacement_of(writer, value);
    if (json != NULL) {
        fputs(json, writer->out);
        return;
    }
    switch (value->kind) {
    case DOC_NULL:
        fputs("null", writer->out);
        break;
    case DOC_BOOL:
        fputs(value->boolean ? "true" : "false", writer->out);
        break;
    case DOC_NUMBER:
        fputs(value->text, writer->out);
        break;
    case DOC_STRING:
        doc_write_text(writer->out, value->text);
        break;
    case DOC_ARRAY:
    case DOC_OBJECT:
        write_members(writer, value, indent, flat);
        break;
    }
}

void doc_write(FILE *out, const struct doc_value *value, const struct doc_replacement *replacements,
               size_t count) {
    struct writer writer = {out, replacements, count};
    write_value(&writer, value, 0, false);
    putc('\n', out);
}

const char *doc_flat(struct pool *pool, const struct doc_value *value) {
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    if (out == NULL)
        return "";
    struct writer writer = {out, NULL, 0};
    write_value(&writer, value, 0, true);
    const char *copy = fclose(out) == 0 ? pool_text(pool, text, len) : "";
    free(text);
    return copy;
}
