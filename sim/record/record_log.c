/* sim/record/record_log.c - reads an event log back. A log is input: what is wrong with it is said
 * with its offset, and never more than one record is in memory. */
#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/record/record.h"

#define HEADER_BYTES_MAX ((size_t)64 << 20)

struct record_log {
    FILE *file;
    char *header;
    cJSON *json;
    const char **nodes; /* by number - 1; owned by json */
    size_t node_count;
    bool wall_clock; /* a log of a real run: world_ns comes from wall_ms */
    bool first_seen;
    int64_t first_wall_ms;
    uint64_t offset;    /* of the next record */
    const char *damage; /* set once damaged */
    uint8_t *bytes;     /* of the last record */
    size_t capacity;
};

/* One line without its newline; NULL when there is none or it is too long. */
static char *read_line(FILE *file, size_t limit, size_t *len) {
    char *line = NULL;
    size_t capacity = 0;
    *len = 0;
    for (;;) {
        int byte = getc(file);
        if (byte == '\n' && line != NULL) {
            line[*len] = '\0';
            return line;
        }
        if (byte == EOF || byte == '\n' || *len == limit)
            break;
        if (*len + 2 > capacity) {
            capacity = capacity == 0 ? 256 : capacity * 2;
            char *grown = realloc(line, capacity);
            if (grown == NULL)
                break;
            line = grown;
        }
        line[(*len)++] = (char)byte;
    }
    free(line);
    return NULL;
}

static bool read_nodes(struct record_log *log) {
    const cJSON *nodes = cJSON_GetObjectItemCaseSensitive(log->json, "nodes");
    if (nodes == NULL)
        return true;
    int count = cJSON_IsArray(nodes) ? cJSON_GetArraySize(nodes) : 0;
    log->nodes = calloc((size_t)count + 1, sizeof *log->nodes);
    if (log->nodes == NULL)
        return false;
    for (const cJSON *node = nodes->child; count > 0 && node != NULL; node = node->next)
        log->nodes[log->node_count++] = cJSON_IsString(node) ? node->valuestring : "?";
    return true;
}

static const char *read_header(struct record_log *log) {
    size_t magic_len, header_len;
    char *magic = read_line(log->file, 64, &magic_len);
    bool is_log = magic != NULL && strcmp(magic, "windtunnel-events 1") == 0;
    bool is_other = magic != NULL && strncmp(magic, "windtunnel-events ", 18) == 0;
    free(magic);
    if (!is_log)
        return is_other ? "an event log of another format version" : "not an event log";
    log->header = read_line(log->file, HEADER_BYTES_MAX, &header_len);
    if (log->header == NULL)
        return "the header line is cut off";
    log->json = cJSON_ParseWithLength(log->header, header_len);
    if (!cJSON_IsObject(log->json))
        return "the header line is not a JSON object";
    const cJSON *clock = cJSON_GetObjectItemCaseSensitive(log->json, "clock");
    log->wall_clock = cJSON_IsString(clock) && strcmp(clock->valuestring, "wall") == 0;
    if (!read_nodes(log))
        return "out of memory";
    log->offset = magic_len + 1 + header_len + 1;
    return NULL;
}

struct record_log *record_log_open(const char *path, const char **error) {
    struct record_log *log = calloc(1, sizeof *log);
    if (log == NULL) {
        *error = "out of memory";
        return NULL;
    }
    log->file = fopen(path, "rbe");
    *error = log->file == NULL ? strerror(errno) : read_header(log);
    if (*error == NULL)
        return log;
    record_log_close(log);
    return NULL;
}

const char *record_log_header(const struct record_log *log) {
    return log->header;
}

size_t record_log_nodes(const struct record_log *log) {
    return log->node_count;
}

const char *record_log_node(const struct record_log *log, uint16_t node) {
    if (node == 0)
        return "world";
    return node <= log->node_count ? log->nodes[node - 1] : "?";
}

static int damaged(struct record_log *log, const char *what, uint64_t *offset) {
    log->damage = what;
    *offset = log->offset;
    return -1;
}

static bool make_room(struct record_log *log, size_t len) {
    if (len <= log->capacity)
        return true;
    uint8_t *grown = realloc(log->bytes, len);
    if (grown == NULL)
        return false;
    log->bytes = grown;
    log->capacity = len;
    return true;
}

/* Time since the first record; what seems to come before it (clocks of several machines) is at 0.
 */
static void set_time(struct record_log *log, struct record *record) {
    if (!log->first_seen)
        log->first_wall_ms = record->wall_ms;
    log->first_seen = true;
    uint64_t since_ms = (uint64_t)record->wall_ms - (uint64_t)log->first_wall_ms;
    record->world_ns = record->wall_ms <= log->first_wall_ms ? 0 : since_ms * 1000000U;
}

int record_log_next(struct record_log *log, struct record *out, uint64_t *offset) {
    if (log->damage != NULL)
        return damaged(log, log->damage, offset);
    uint8_t prefix[4];
    size_t got = fread(prefix, 1, sizeof prefix, log->file);
    if (got == 0 && !ferror(log->file))
        return 0;
    if (got < sizeof prefix)
        return damaged(log, ferror(log->file) ? "cannot be read" : "cut off inside a record",
                       offset);
    uint32_t length = (uint32_t)prefix[0] | (uint32_t)prefix[1] << 8 | (uint32_t)prefix[2] << 16 |
                      (uint32_t)prefix[3] << 24;
    if (length < RECORD_HEADER_BYTES || length > RECORD_BYTES_MAX)
        return damaged(log, "impossible record length", offset);
    if (!make_room(log, length))
        return damaged(log, "out of memory", offset);
    memcpy(log->bytes, prefix, sizeof prefix);
    size_t rest = length - sizeof prefix;
    if (fread(log->bytes + sizeof prefix, 1, rest, log->file) < rest)
        return damaged(log, ferror(log->file) ? "cannot be read" : "cut off inside a record",
                       offset);
    if (!record_decode(span_of(log->bytes, length), out))
        return damaged(log, "a record whose kind or fields do not fit", offset);
    if (log->wall_clock)
        set_time(log, out);
    *offset = log->offset;
    log->offset += length;
    return 1;
}

const char *record_log_damage(const struct record_log *log) {
    return log->damage;
}

void record_log_close(struct record_log *log) {
    if (log->file != NULL)
        fclose(log->file);
    cJSON_Delete(log->json);
    free(log->header);
    free(log->nodes);
    free(log->bytes);
    free(log);
}
