/* sim/record/event_lines.c - see event_lines.h. */
#define _GNU_SOURCE /* asprintf */
#include "sim/record/event_lines.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/base/json.h"
#include "sim/record/record.h"
#include "sim/report/files.h"

#define ERROR_BYTES 256
#define NODES_MAX 65000
#define SAME_CLOCK_NS 50000000
#define TEXT_BYTES ((size_t)1 << 16)

struct line_node {
    size_t file;
    char *name; /* in the log */
    size_t plain_len;
    bool stopping;
};

struct line_file {
    const char *path;
    char *content;
    struct span rest;
    size_t line; /* of `next`, from 1 */
    bool more;   /* `next` is there */
    int64_t offset_ns;
    bool offset_known;
    uint32_t offset_incarnation;
    struct record next; /* node 0: its node is new */
    int64_t at_ns;      /* by the common clock */
    uint8_t texts[TEXT_BYTES];
    size_t texts_used;
};

struct merge {
    struct line_file *files;
    size_t count;
    struct line_node *nodes;
    size_t node_count;
    bool base_known;
    int64_t base_offset_ns; /* wall - monotonic, of the first file */
    char *error;
};

/* ---- one line -------------------------------------------------------------------------------- */

static bool wrong(struct merge *merge, const struct line_file *file, const char *what) {
    snprintf(merge->error, ERROR_BYTES, "%.150s:%zu: %s", file->path, file->line, what);
    return false;
}

/* The text of the last token, kept until the next line. */
static bool take_text(struct line_file *file, const struct json_reader *reader, struct span *out) {
    struct buf room = {.data = file->texts + file->texts_used,
                       .capacity = TEXT_BYTES - file->texts_used};
    if (reader->token != JSON_STRING || json_text(reader, &room, out) != RMQ_OK)
        return false;
    file->texts_used += room.len;
    return true;
}

static bool take_value(struct line_file *file, const struct json_reader *reader,
                       struct event_value *value) {
    int64_t number;
    if (value->type == EVENT_TEXT)
        return take_text(file, reader, &value->text);
    if (reader->token != JSON_NUMBER)
        return false;
    if (value->type == EVENT_UINT)
        return span_to_u64(reader->raw, &value->number) == RMQ_OK;
    if (json_i64(reader, &number) != RMQ_OK)
        return false;
    value->number = (uint64_t)number;
    return true;
}

/* {"name":value,...}, in the kind's order. */
static bool take_fields(struct line_file *file, struct json_reader *reader) {
    struct record *record = &file->next;
    if (json_next(reader) != JSON_OBJECT_BEGIN)
        return false;
    record->field_count = record_kind_fields(record->kind);
    for (size_t i = 0; i < record->field_count; i++) {
        record->fields[i].type = record_field_type(record->kind, i);
        if (json_next(reader) != JSON_KEY ||
            !json_text_equals(reader, record_field_name(record->kind, i)))
            return false;
        json_next(reader);
        if (!take_value(file, reader, &record->fields[i]))
            return false;
    }
    return json_next(reader) == JSON_OBJECT_END;
}

static bool take_number(struct json_reader *reader, const char *key, int64_t *out) {
    return json_next(reader) == JSON_KEY && json_text_equals(reader, span_of_text(key)) &&
           json_next(reader) == JSON_NUMBER && json_i64(reader, out) == RMQ_OK;
}

/* The number of the node `name` of this file; 0: no more fit. */
static uint16_t node_of(struct merge *merge, const struct line_file *file, struct span name) {
    size_t number = (size_t)(file - merge->files);
    bool taken = false;
    for (size_t i = 0; i < merge->node_count; i++) {
        const struct line_node *node = &merge->nodes[i];
        if (!span_equal(span_of(node->name, node->plain_len), name))
            continue;
        if (node->file == number)
            return (uint16_t)(i + 1);
        taken = true;
    }
    const char *slash = strrchr(file->path, '/');
    char *text = NULL;
    int len = asprintf(&text, "%.*s%s%s", (int)name.len, (const char *)name.data, taken ? "@" : "",
                       !taken          ? ""
                       : slash == NULL ? file->path
                                       : slash + 1);
    struct line_node *nodes = len < 0 || merge->node_count == NODES_MAX
                                  ? NULL
                                  : realloc(merge->nodes, (merge->node_count + 1) * sizeof *nodes);
    if (nodes == NULL) {
        free(text);
        return 0;
    }
    merge->nodes = nodes;
    nodes[merge->node_count++] =
        (struct line_node){.file = number, .name = text, .plain_len = name.len};
    return (uint16_t)merge->node_count;
}

/* The object begins, with its member `key`. */
static bool begins_with(struct json_reader *reader, struct span key) {
    if (json_next(reader) != JSON_OBJECT_BEGIN)
        return false;
    return json_next(reader) == JSON_KEY && json_text_equals(reader, key);
}

static bool parse_line(struct merge *merge, struct line_file *file, struct span line) {
    struct json_reader reader;
    struct span name = SPAN_NONE, kind;
    int64_t incarnation, sequence, mono_ns;
    struct record *record = &file->next;
    file->texts_used = 0;
    json_reader_init(&reader, line);
    json_strict(&reader);
    if (!begins_with(&reader, SPAN_LITERAL("node")) || json_next(&reader) != JSON_STRING ||
        !take_text(file, &reader, &name) || !take_number(&reader, "incarnation", &incarnation) ||
        !take_number(&reader, "sequence", &sequence) ||
        !take_number(&reader, "mono_ns", &mono_ns) ||
        !take_number(&reader, "wall_ms", &record->wall_ms) || json_next(&reader) != JSON_KEY ||
        !json_text_equals(&reader, SPAN_LITERAL("kind")) || json_next(&reader) != JSON_STRING ||
        !take_text(file, &reader, &kind))
        return wrong(merge, file,
                     "expected an event: node, incarnation, sequence, mono_ns, "
                     "wall_ms, kind, fields");
    int number = event_kind_of_name(kind);
    if (number < 0)
        return wrong(merge, file, "this program does not know its kind of event");
    record->kind = (uint16_t)number;
    record->incarnation = (uint32_t)incarnation;
    record->node_sequence = (uint32_t)sequence;
    record->mono_ns = (uint64_t)mono_ns;
    if (json_next(&reader) != JSON_KEY || !json_text_equals(&reader, SPAN_LITERAL("fields")) ||
        !take_fields(file, &reader) || json_next(&reader) != JSON_OBJECT_END)
        return wrong(merge, file, "its fields are not those of its kind");
    record->node = node_of(merge, file, name);
    return record->node != 0 || wrong(merge, file, "out of memory, or too many nodes");
}

/* ---- time ------------------------------------------------------------------------------------ */

/* A clock that agrees with the first file's is that one: its monotonic time orders all. */
static void set_time(struct merge *merge, struct line_file *file) {
    const struct record *record = &file->next;
    int64_t offset_ns = record->wall_ms * 1000000 - (int64_t)record->mono_ns;
    if (!merge->base_known) {
        merge->base_known = true;
        merge->base_offset_ns = offset_ns;
    }
    if (!file->offset_known || file->offset_incarnation != record->incarnation) {
        int64_t apart = offset_ns - merge->base_offset_ns;
        file->offset_known = true;
        file->offset_incarnation = record->incarnation;
        file->offset_ns =
            apart > -SAME_CLOCK_NS && apart < SAME_CLOCK_NS ? merge->base_offset_ns : offset_ns;
    }
    file->at_ns = (int64_t)record->mono_ns + file->offset_ns;
}

/* Reads the next line into `next`; no line: more is false. */
static bool advance(struct merge *merge, struct line_file *file) {
    const uint8_t *end = file->rest.len == 0 ? NULL : memchr(file->rest.data, '\n', file->rest.len);
    file->more = end != NULL && file->rest.data[0] != 0;
    if (!file->more)
        return true;
    size_t len = (size_t)(end - file->rest.data);
    struct span line = span_of(file->rest.data, len);
    file->rest = span_from(file->rest, len + 1);
    file->line++;
    if (!parse_line(merge, file, line))
        return false;
    set_time(merge, file);
    return true;
}

/* ---- all of them ----------------------------------------------------------------------------- */

/* What the simulator's world says of a node. */
static void put_world(struct record_sink *sink, const struct record *like, uint16_t kind,
                      uint32_t incarnation, struct span text) {
    struct record record = {.kind = kind,
                            .node = like->node,
                            .incarnation = incarnation,
                            .world_ns = like->world_ns,
                            .mono_ns = like->mono_ns,
                            .wall_ms = like->wall_ms,
                            .field_count = 1};
    record.fields[0] = (struct event_value){EVENT_TEXT, text, 0};
    record_sink_put(sink, &record);
}

/* The file's process ended; all its nodes with it. */
static void put_ends(struct merge *merge, struct record_sink *sink, size_t file,
                     const struct record *last) {
    for (size_t i = 0; i < merge->node_count; i++) {
        struct record like = *last;
        if (merge->nodes[i].file != file)
            continue;
        like.node = (uint16_t)(i + 1);
        put_world(sink, &like, EVENT_world_node_down, last->incarnation,
                  merge->nodes[i].stopping ? SPAN_LITERAL("exit") : SPAN_LITERAL("kill"));
        merge->nodes[i].stopping = false;
    }
}

static struct line_file *earliest(struct merge *merge) {
    struct line_file *first = NULL;
    for (size_t i = 0; i < merge->count; i++) {
        struct line_file *file = &merge->files[i];
        if (file->more && (first == NULL || file->at_ns < first->at_ns))
            first = file;
    }
    return first;
}

static bool write_records(struct merge *merge, struct record_sink *sink) {
    struct line_file *file = earliest(merge);
    int64_t begin_ns = file == NULL ? 0 : file->at_ns, now_ns = begin_ns;
    for (; file != NULL; file = earliest(merge)) {
        struct record *record = &file->next;
        now_ns = file->at_ns > now_ns ? file->at_ns : now_ns;
        record->world_ns = (uint64_t)(now_ns - begin_ns);
        struct line_node *node = &merge->nodes[record->node - 1];
        if (record->kind == EVENT_node_started)
            put_world(sink, record, EVENT_world_node_up, record->incarnation,
                      record_text(record, 0));
        node->stopping |= record->kind == EVENT_node_stopping;
        record_sink_put(sink, record);
        const struct record last = *record;
        if (!advance(merge, file))
            return false;
        bool ended = file->more ? file->next.incarnation != last.incarnation
                                : merge->nodes[last.node - 1].stopping;
        if (ended)
            put_ends(merge, sink, (size_t)(file - merge->files), &last);
    }
    return true;
}

/* The log's second line names the nodes, which are known when all has been read. */
static char *header_of(const struct merge *merge) {
    cJSON *header = cJSON_CreateObject();
    cJSON *nodes = cJSON_AddArrayToObject(header, "nodes");
    for (size_t i = 0; i < merge->node_count; i++)
        cJSON_AddItemToArray(nodes, cJSON_CreateString(merge->nodes[i].name));
    char *text = cJSON_PrintUnformatted(header);
    cJSON_Delete(header);
    return text;
}

static bool rewind_all(struct merge *merge, size_t lengths[]) {
    for (size_t i = 0; i < merge->count; i++) {
        struct line_file *file = &merge->files[i];
        file->rest = span_of(file->content, lengths[i]);
        file->line = 0;
        file->offset_known = false;
        if (!advance(merge, file))
            return false;
    }
    return true;
}

/* Reads all once for the nodes' names, and once more to write. */
static bool merge_all(struct merge *merge, size_t lengths[], const char *out) {
    if (!rewind_all(merge, lengths))
        return false;
    for (size_t i = 0; i < merge->count; i++)
        while (merge->files[i].more)
            if (!advance(merge, &merge->files[i]))
                return false;
    if (!rewind_all(merge, lengths))
        return false;
    char *header = header_of(merge);
    struct record_sink *sink = header == NULL ? NULL : record_sink_open(out, header, false);
    free(header);
    bool written = sink != NULL && write_records(merge, sink);
    if (sink == NULL || (!record_sink_close(sink) && written)) {
        snprintf(merge->error, ERROR_BYTES, "%.200s cannot be written", out);
        return false;
    }
    return written;
}

bool event_lines_is(const char *path) {
    FILE *file = fopen(path, "rbe");
    int first = file == NULL ? EOF : getc(file);
    if (file != NULL)
        fclose(file);
    return first == '{';
}

bool event_lines_merge(const char *const *paths, size_t count, const char *out,
                       char error[ERROR_BYTES]) {
    struct merge merge = {.files = calloc(count, sizeof *merge.files), .error = error};
    size_t *lengths = calloc(count, sizeof *lengths);
    bool good = merge.files != NULL && lengths != NULL;
    snprintf(error, ERROR_BYTES, "out of memory");
    for (size_t i = 0; good && i < count; i++) {
        merge.files[i].path = paths[i];
        merge.files[i].content = file_read_whole(paths[i], &lengths[i]);
        merge.count++;
        good = merge.files[i].content != NULL;
        if (!good)
            snprintf(error, ERROR_BYTES, "%.200s cannot be read", paths[i]);
    }
    good = good && merge_all(&merge, lengths, out);
    for (size_t i = 0; i < merge.count; i++)
        free(merge.files[i].content);
    for (size_t i = 0; i < merge.node_count; i++)
        free(merge.nodes[i].name);
    free(merge.nodes);
    free(merge.files);
    free(lengths);
    return good;
}
