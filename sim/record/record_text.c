/* sim/record/record_text.c - records as text and as JSON lines, for people and scripts. */
#include <inttypes.h>

#include "sim/record/record.h"

static bool is_plain(uint8_t byte) {
    return byte > 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
}

/* Plain words as they are, anything else quoted with \xHH for what does not print. */
static void print_text(FILE *out, struct span text) {
    bool plain = text.len > 0;
    for (size_t i = 0; i < text.len; i++)
        plain = plain && is_plain(text.data[i]);
    if (plain) {
        fwrite(text.data, 1, text.len, out);
        return;
    }
    putc('"', out);
    for (size_t i = 0; i < text.len; i++) {
        uint8_t byte = text.data[i];
        if (is_plain(byte) || byte == ' ')
            putc(byte, out);
        else
            fprintf(out, "\\x%02x", byte);
    }
    putc('"', out);
}

static void print_number(FILE *out, const struct event_value *field) {
    if (field->type == EVENT_INT)
        fprintf(out, "%" PRId64, (int64_t)field->number);
    else
        fprintf(out, "%" PRIu64, field->number);
}

/* `node` of a step and `from` are node numbers; events name nodes in their texts. */
void record_print(FILE *out, const struct record_log *log, const struct record *record) {
    fprintf(out, "%6" PRIu64 ".%09" PRIu64 "  %-14s %-*s", record->world_ns / 1000000000U,
            record->world_ns % 1000000000U, record_log_node(log, record->node),
            record->field_count > 0 ? 26 : 0, record_kind_name(record->kind));
    for (size_t i = 0; i < record->field_count; i++) {
        struct span name = record_field_name(record->kind, i);
        fprintf(out, " %.*s=", (int)name.len, (const char *)name.data);
        if (record->fields[i].type == EVENT_TEXT)
            print_text(out, record->fields[i].text);
        else
            print_number(out, &record->fields[i]);
    }
}

static void print_json_text(FILE *out, struct span text) {
    putc('"', out);
    for (size_t i = 0; i < text.len; i++) {
        uint8_t byte = text.data[i];
        if (byte == '"' || byte == '\\')
            fprintf(out, "\\%c", byte);
        else if (byte < 0x20 ||
                 byte >= 0x7f) /* bytes, not code points: a log is not always UTF-8 */
            fprintf(out, "\\u%04x", byte);
        else
            putc(byte, out);
    }
    putc('"', out);
}

void record_print_json(FILE *out, const struct record_log *log, const struct record *record) {
    fprintf(out, "{\"world_ns\":%" PRIu64 ",\"mono_ns\":%" PRIu64 ",\"wall_ms\":%" PRId64,
            record->world_ns, record->mono_ns, record->wall_ms);
    fprintf(out, ",\"node\":");
    print_json_text(out, span_of_text(record_log_node(log, record->node)));
    fprintf(out, ",\"incarnation\":%" PRIu32 ",\"sequence\":%" PRIu32 ",\"kind\":\"%s\"",
            record->incarnation, record->node_sequence, record_kind_name(record->kind));
    for (size_t i = 0; i < record->field_count; i++) {
        struct span name = record_field_name(record->kind, i);
        /* an event's own field may be called "kind" too */
        bool taken =
            span_equal(name, SPAN_LITERAL("kind")) || span_equal(name, SPAN_LITERAL("node"));
        fprintf(out, ",\"%s%.*s\":", taken ? "field_" : "", (int)name.len, (const char *)name.data);
        if (record->fields[i].type == EVENT_TEXT)
            print_json_text(out, record->fields[i].text);
        else
            print_number(out, &record->fields[i]);
    }
    putc('}', out);
}
