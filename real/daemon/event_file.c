/* daemon/event_file.c - see event_file.h. */
#define _GNU_SOURCE /* memmem */
#include "real/daemon/event_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/base/json.h"
#include "model/env.h"
#include "model/events.h"

#define CHUNK_BYTES ((size_t)1 << 20)
#define START_MARK "\"sequence\":1,"

static void unmap(struct event_file *file) {
    if (file->chunk != NULL)
        (void)munmap(file->chunk, CHUNK_BYTES);
    file->chunk = NULL;
}

/* Maps the chunk at `at`, allocated, so that writing to it cannot fail. */
static bool map(struct event_file *file, uint64_t at) {
    unmap(file);
    int err = posix_fallocate(file->fd, (off_t)at, (off_t)CHUNK_BYTES);
    if (err != 0) {
        errno = err;
        return false;
    }
    void *chunk = mmap(NULL, CHUNK_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, file->fd, (off_t)at);
    if (chunk == MAP_FAILED)
        return false;
    file->chunk = chunk;
    file->chunk_at = at;
    return true;
}

/* Where the lines end, and how many starts they tell of. */
static bool scan(int fd, uint64_t *end, uint32_t *starts) {
    static uint8_t part[1 << 16];
    size_t kept = 0;
    *end = 0;
    *starts = 0;
    for (uint64_t at = 0;;) {
        ssize_t len = pread(fd, part + kept, sizeof part - kept, (off_t)at);
        if (len <= 0)
            return len == 0;
        at += (uint64_t)len;
        size_t whole = kept + (size_t)len, line = 0;
        for (size_t i = 0; i < whole; i++) {
            if (part[i] == 0)
                return true;
            if (part[i] != '\n')
                continue;
            *starts += memmem(part + line, i - line, START_MARK, strlen(START_MARK)) != NULL;
            line = i + 1;
            *end = at - whole + line;
        }
        kept = whole - line;
        memmove(part, part + line, kept);
        if (kept == sizeof part)
            return true; /* no line of ours: what is behind is cut off */
    }
}

bool event_file_open(struct event_file *file, const char *path) {
    uint64_t end;
    *file = (struct event_file){.fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644)};
    if (file->fd < 0)
        return false;
    uint64_t at = 0;
    bool good = scan(file->fd, &end, &file->incarnation) && ftruncate(file->fd, (off_t)end) == 0;
    if (good) {
        at = end / CHUNK_BYTES * CHUNK_BYTES;
        good = map(file, at);
    }
    if (!good) {
        int err = errno;
        (void)close(file->fd);
        file->fd = -1;
        errno = err;
        return false;
    }
    file->used = (size_t)(end - at);
    file->incarnation++;
    return true;
}

/* ---- lines ----------------------------------------------------------------------------------- */

static void put_unsigned(struct json_writer *json, uint64_t value) {
    char digits[DECIMAL_BYTES_MAX];
    json_raw(json, span_of(digits, format_u64(digits, value)));
}

static void put_line(struct event_file *file, struct env *env, const char *node, int kind,
                     const struct event_value *values, size_t count) {
    const struct event_info *info = &EVENT_INFO[kind];
    struct json_writer json;
    json_writer_init(&json, &file->line, JSON_STYLE_STANDARD);
    json_object_begin(&json);
    json_key_text(&json, "node");
    json_string_text(&json, node);
    json_key_text(&json, "incarnation");
    json_number(&json, file->incarnation);
    json_key_text(&json, "sequence");
    json_number(&json, file->sequence);
    json_key_text(&json, "mono_ns");
    put_unsigned(&json, env_mono_ns(env));
    json_key_text(&json, "wall_ms");
    json_number(&json, env_wall_ms(env));
    json_key_text(&json, "kind");
    json_string_text(&json, info->name);
    json_key_text(&json, "fields");
    json_object_begin(&json);
    for (size_t i = 0; i < count && i < info->field_count; i++) {
        json_key_text(&json, info->fields[i].name);
        if (values[i].type == EVENT_TEXT)
            json_string(&json, span_is_absent(values[i].text) ? SPAN_LITERAL("") : values[i].text);
        else if (values[i].type == EVENT_INT)
            json_number(&json, (int64_t)values[i].number);
        else
            put_unsigned(&json, values[i].number);
    }
    json_object_end(&json);
    json_object_end(&json);
    buf_put_u8(&file->line, '\n');
}

/* False: no room for all of it; what is there stays whole lines. */
static bool put_bytes(struct event_file *file, struct span bytes) {
    if (bytes.len > CHUNK_BYTES || file->chunk == NULL)
        return false;
    size_t room = CHUNK_BYTES - file->used;
    if (bytes.len > room) { /* the next chunk first, so that nothing is left half */
        int err =
            posix_fallocate(file->fd, (off_t)(file->chunk_at + CHUNK_BYTES), (off_t)CHUNK_BYTES);
        if (err != 0)
            return false;
    }
    size_t first = bytes.len < room ? bytes.len : room;
    memcpy(file->chunk + file->used, bytes.data, first);
    file->used += first;
    if (file->used < CHUNK_BYTES)
        return true;
    if (!map(file, file->chunk_at + CHUNK_BYTES))
        return false;
    memcpy(file->chunk, bytes.data + first, bytes.len - first);
    file->used = bytes.len - first;
    return true;
}

void event_file_put(struct event_file *file, struct env *env, const char *node, int kind,
                    const struct event_value *values, size_t count) {
    if (file->fd < 0)
        return;
    if (file->line.env == NULL)
        buf_init(&file->line, env);
    buf_clear(&file->line);
    file->sequence++;
    put_line(file, env, node, kind, values, count);
    if (buf_failed(&file->line) || !put_bytes(file, buf_span(&file->line)))
        file->dropped++;
}

void event_file_close(struct event_file *file) {
    if (file->fd < 0)
        return;
    uint64_t end = file->chunk_at + file->used;
    unmap(file);
    RMQ_IGNORE(ftruncate(file->fd, (off_t)end), "the rest is NUL bytes, which readers know");
    (void)close(file->fd);
    file->fd = -1;
    buf_deinit(&file->line);
}
