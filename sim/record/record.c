/* sim/record/record.c - records: kinds, fields, encoding; and the sink that appends them to a file.
 *
 * The sink keeps its own buffer and writes whole buffers. A failed write (disk full) is remembered
 * and reported at close; the run goes on. To cut the file at an event number, an offset is kept for
 * each 256th record and the rest is found by reading lengths. */
#include "sim/record/record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "model/base/check.h"

/* ---- kinds ---- */

static const struct {
    const char *name;
    const char *fields;
} STEPS[] = {
#define STEP_ROW(id, name, fields) {name, fields},
    RECORD_STEPS(STEP_ROW)
#undef STEP_ROW
};

static bool kind_is_step(uint16_t kind) {
    return kind >= RECORD_STEP && kind < RECORD_STEP_END;
}

const char *record_kind_name(uint16_t kind) {
    if (kind < EVENT_KIND_COUNT)
        return EVENT_INFO[kind].name;
    return kind_is_step(kind) ? STEPS[kind - RECORD_STEP].name : NULL;
}

int record_kind_of_name(struct span name) {
    for (int step = RECORD_STEP; step < RECORD_STEP_END; step++)
        if (span_equal(name, span_of_text(STEPS[step - RECORD_STEP].name)))
            return step;
    return event_kind_of_name(name);
}

/* The field names of a step are one comma-separated text. */
static struct span step_field(uint16_t kind, size_t index) {
    const char *rest = STEPS[kind - RECORD_STEP].fields;
    for (; index > 0; index--)
        rest = strchr(rest, ',') + 1;
    return span_of(rest, strcspn(rest, ","));
}

size_t record_kind_fields(uint16_t kind) {
    if (kind < EVENT_KIND_COUNT)
        return EVENT_INFO[kind].field_count;
    RMQ_ASSERT(kind_is_step(kind));
    const char *fields = STEPS[kind - RECORD_STEP].fields;
    size_t count = *fields != '\0';
    for (; *fields != '\0'; fields++)
        count += *fields == ',';
    return count;
}

struct span record_field_name(uint16_t kind, size_t index) {
    RMQ_ASSERT(index < record_kind_fields(kind));
    if (kind < EVENT_KIND_COUNT)
        return span_of_text(EVENT_INFO[kind].fields[index].name);
    return step_field(kind, index);
}

enum event_field_type record_field_type(uint16_t kind, size_t index) {
    RMQ_ASSERT(index < record_kind_fields(kind));
    return kind < EVENT_KIND_COUNT ? EVENT_INFO[kind].fields[index].type : EVENT_UINT;
}

/* ---- fields ---- */

/* ---- encoding ---- */

static uint8_t *put_le(uint8_t *out, uint64_t value, size_t bytes) {
    for (size_t i = 0; i < bytes; i++)
        out[i] = (uint8_t)(value >> (8 * i));
    return out + bytes;
}

static uint64_t get_le(const uint8_t *in, size_t bytes) {
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++)
        value |= (uint64_t)in[i] << (8 * i);
    return value;
}

size_t record_size(const struct record *record) {
    RMQ_ASSERT(record->field_count == record_kind_fields(record->kind));
    RMQ_ASSERT(record->field_count <= RECORD_FIELDS_MAX);
    size_t size = RECORD_HEADER_BYTES;
    for (size_t i = 0; i < record->field_count; i++) {
        RMQ_ASSERT(record->fields[i].type == record_field_type(record->kind, i));
        size += record->fields[i].type == EVENT_TEXT ? 4 + record->fields[i].text.len : 8;
    }
    return size;
}

void record_encode(const struct record *record, uint8_t *out) {
    uint8_t *at = put_le(out, record_size(record), 4);
    at = put_le(at, record->kind, 2);
    at = put_le(at, record->node, 2);
    at = put_le(at, record->incarnation, 4);
    at = put_le(at, record->node_sequence, 4);
    at = put_le(at, record->world_ns, 8);
    at = put_le(at, record->mono_ns, 8);
    at = put_le(at, (uint64_t)record->wall_ms, 8);
    for (size_t i = 0; i < record->field_count; i++) {
        const struct event_value *field = &record->fields[i];
        if (field->type != EVENT_TEXT) {
            at = put_le(at, field->number, 8);
            continue;
        }
        at = put_le(at, field->text.len, 4);
        if (field->text.len > 0)
            memcpy(at, field->text.data, field->text.len);
        at += field->text.len;
    }
}

static bool decode_field(struct span *rest, enum event_field_type type, struct event_value *out) {
    size_t prefix = type == EVENT_TEXT ? 4 : 8;
    if (rest->len < prefix)
        return false;
    uint64_t number = get_le(rest->data, prefix);
    *rest = span_from(*rest, prefix);
    *out = (struct event_value){type, SPAN_NONE, number};
    if (type != EVENT_TEXT)
        return true;
    if (number > rest->len)
        return false;
    out->text = span_of(rest->data, (size_t)number);
    out->number = 0;
    *rest = span_from(*rest, (size_t)number);
    return true;
}

bool record_decode(struct span bytes, struct record *out) {
    if (bytes.len < RECORD_HEADER_BYTES || get_le(bytes.data, 4) != bytes.len)
        return false;
    const uint8_t *at = bytes.data;
    *out = (struct record){
        .kind = (uint16_t)get_le(at + 4, 2),
        .node = (uint16_t)get_le(at + 6, 2),
        .incarnation = (uint32_t)get_le(at + 8, 4),
        .node_sequence = (uint32_t)get_le(at + 12, 4),
        .world_ns = get_le(at + 16, 8),
        .mono_ns = get_le(at + 24, 8),
        .wall_ms = (int64_t)get_le(at + 32, 8),
    };
    if (record_kind_name(out->kind) == NULL)
        return false;
    out->field_count = record_kind_fields(out->kind);
    RMQ_ASSERT(out->field_count <= RECORD_FIELDS_MAX);
    struct span rest = span_from(bytes, RECORD_HEADER_BYTES);
    for (size_t i = 0; i < out->field_count; i++)
        if (!decode_field(&rest, record_field_type(out->kind, i), &out->fields[i]))
            return false;
    return rest.len == 0;
}

/* ---- sink ---- */

#define SINK_BUFFER_BYTES ((size_t)256 << 10)
#define SINK_INDEX_EVERY 256

struct record_sink {
    int fd;
    bool steps;
    int error;          /* errno of the first failure; nothing is written after it */
    uint64_t count;     /* records */
    uint64_t flushed;   /* bytes in the file */
    size_t used;        /* bytes in the buffer */
    uint64_t *index;    /* file offset of record 0, 256, 512, ... */
    size_t index_count; /* entries in use */
    size_t index_capacity;
    uint8_t buffer[SINK_BUFFER_BYTES];
};

static void sink_write(struct record_sink *sink, const uint8_t *bytes, size_t len) {
    while (len > 0 && sink->error == 0) {
        ssize_t wrote = write(sink->fd, bytes, len);
        if (wrote > 0) {
            bytes += wrote;
            len -= (size_t)wrote;
            sink->flushed += (uint64_t)wrote;
        } else if (wrote == 0 || errno != EINTR) {
            sink->error = wrote == 0 ? ENOSPC : errno;
        }
    }
}

static void sink_flush(struct record_sink *sink) {
    size_t used = sink->used;
    sink->used = 0;
    sink_write(sink, sink->buffer, used);
}

static void sink_append(struct record_sink *sink, const uint8_t *bytes, size_t len) {
    if (len > SINK_BUFFER_BYTES - sink->used)
        sink_flush(sink);
    if (len > SINK_BUFFER_BYTES) {
        sink_write(sink, bytes, len);
        return;
    }
    memcpy(sink->buffer + sink->used, bytes, len);
    sink->used += len;
}

struct record_sink *record_sink_open(const char *path, const char *header_json, bool steps) {
    RMQ_ASSERT(strchr(header_json, '\n') == NULL);
    struct record_sink *sink = malloc(sizeof *sink);
    if (sink == NULL)
        return NULL;
    memset(sink, 0, offsetof(struct record_sink, buffer));
    sink->steps = steps;
    sink->fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (sink->fd < 0) {
        free(sink);
        return NULL;
    }
    static const char magic[] = "windtunnel-events 1\n";
    sink_append(sink, (const uint8_t *)magic, sizeof magic - 1);
    sink_append(sink, (const uint8_t *)header_json, strlen(header_json));
    sink_append(sink, (const uint8_t *)"\n", 1);
    return sink;
}

bool record_sink_wants_steps(const struct record_sink *sink) {
    return sink->steps;
}

/* Remembers where record number `count` begins. Without memory the file cannot be cut any more, so
 * that is a failure like a full disk. */
static void sink_index_add(struct record_sink *sink) {
    if (sink->index_count == sink->index_capacity) {
        size_t capacity = sink->index_capacity == 0 ? 64 : sink->index_capacity * 2;
        uint64_t *grown = realloc(sink->index, capacity * sizeof *grown);
        if (grown == NULL) {
            sink->error = ENOMEM;
            return;
        }
        sink->index = grown;
        sink->index_capacity = capacity;
    }
    sink->index[sink->index_count++] = sink->flushed + sink->used;
}

void record_sink_put(struct record_sink *sink, const struct record *record) {
    size_t size = record_size(record);
    if (sink->error == 0 && size > RECORD_BYTES_MAX)
        sink->error = EFBIG;
    if (sink->error == 0 && sink->count % SINK_INDEX_EVERY == 0)
        sink_index_add(sink);
    sink->count++;
    if (sink->error != 0)
        return;
    if (size <= SINK_BUFFER_BYTES - sink->used) {
        record_encode(record, sink->buffer + sink->used);
        sink->used += size;
        return;
    }
    uint8_t *bytes = malloc(size);
    if (bytes == NULL) {
        sink->error = ENOMEM;
        return;
    }
    record_encode(record, bytes);
    sink_append(sink, bytes, size);
    free(bytes);
}

uint64_t record_sink_count(const struct record_sink *sink) {
    return sink->count;
}

/* Offset of record number `target`, which is in the file: `offset` is that of number `number`. */
static bool sink_seek(const struct record_sink *sink, uint64_t number, uint64_t target,
                      uint64_t *offset) {
    for (; number < target; number++) {
        uint8_t length[4];
        if (pread(sink->fd, length, sizeof length, (off_t)*offset) != (ssize_t)sizeof length)
            return false;
        *offset += get_le(length, sizeof length);
    }
    return true;
}

bool record_sink_truncate(struct record_sink *sink, uint64_t count) {
    RMQ_ASSERT(count <= sink->count);
    if (count == sink->count)
        return sink->error == 0;
    sink_flush(sink);
    if (sink->error != 0)
        return false;
    size_t entry = (size_t)(count / SINK_INDEX_EVERY);
    RMQ_ASSERT(entry < sink->index_count);
    uint64_t offset = sink->index[entry];
    if (!sink_seek(sink, (uint64_t)entry * SINK_INDEX_EVERY, count, &offset) ||
        ftruncate(sink->fd, (off_t)offset) != 0 ||
        lseek(sink->fd, (off_t)offset, SEEK_SET) != (off_t)offset) {
        sink->error = errno != 0 ? errno : EIO;
        return false;
    }
    sink->flushed = offset;
    sink->count = count;
    sink->index_count = entry + (count % SINK_INDEX_EVERY != 0);
    return true;
}

bool record_sink_close(struct record_sink *sink) {
    sink_flush(sink);
    if (close(sink->fd) != 0 && sink->error == 0)
        sink->error = errno;
    int error = sink->error;
    free(sink->index);
    free(sink);
    errno = error;
    return error == 0;
}
