/* tests/vectors.c - reads the recorded frames: JSON lines, unpacked by xz(1). */
#define _GNU_SOURCE
#include "model/tests/vectors.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#define DIRECTORY RMQ_SOURCE_DIR "/model/tests/vectors/wire"
#define SUFFIX ".jsonl.xz"

static void fail(const char *what, const char *name) {
    fprintf(stderr, "vectors: %s: %s\n", what, name);
    exit(1);
}

static int compare_names(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char *const *vectors_names(size_t *count) {
    static const char *names[256];
    static size_t found;
    DIR *directory = found > 0 ? NULL : opendir(DIRECTORY);
    if (found == 0 && directory == NULL)
        fail("cannot open", DIRECTORY);
    for (struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;) {
        const char *suffix = strstr(entry->d_name, SUFFIX);
        if (suffix == NULL || found == sizeof names / sizeof names[0])
            continue;
        names[found++] = strndup(entry->d_name, (size_t)(suffix - entry->d_name));
    }
    if (directory != NULL) {
        closedir(directory);
        qsort(names, found, sizeof names[0], compare_names);
    }
    *count = found;
    return names;
}

static const char *text_of(const cJSON *row, const char *key) {
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(row, key));
}

/* A number, or one that was sent as text. */
static int64_t number_of(const cJSON *row, const char *key) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(row, key);
    if (cJSON_IsString(item))
        return strtoll(item->valuestring, NULL, 10);
    return cJSON_IsNumber(item) ? (int64_t)item->valuedouble : 0;
}

static uint8_t hex_digit(char c) {
    return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/* In place: the bytes are half as long as their text. */
static struct span unhex(char *hex) {
    if (hex == NULL)
        return SPAN_NONE;
    size_t len = strlen(hex) / 2;
    for (size_t i = 0; i < len; i++)
        hex[i] = (char)(hex_digit(hex[2 * i]) << 4 | hex_digit(hex[2 * i + 1]));
    return span_of(hex, len);
}

/* A name, or a number. */
static const char *language_of(const cJSON *row) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(row, "lang");
    if (cJSON_IsNumber(item))
        return wire_language_name((enum wire_language)item->valueint);
    return cJSON_GetStringValue(item);
}

static struct vector_row parse_row(const char *file, const cJSON *row) {
    const char *dir = text_of(row, "dir");
    const char *step = text_of(row, "step");
    const char *serialization = text_of(row, "ser");
    bool binary = serialization != NULL && strcmp(serialization, "ROCKETMQ") == 0;
    return (struct vector_row){
        .file = file,
        .n = number_of(row, "n"),
        .t_ms = number_of(row, "t_ms"),
        .conn = number_of(row, "conn"),
        .to_server = dir != NULL && strcmp(dir, "c2s") == 0,
        .port = text_of(row, "port"),
        .step = step == NULL ? "" : step,
        .event = text_of(row, "event"),
        .bad = cJSON_HasObjectItem(row, "bad"),
        .bytes = unhex(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(row, "hex"))),
        .code = (int32_t)number_of(row, "code"),
        .opaque = (int32_t)number_of(row, "opaque"),
        .flag = (int32_t)number_of(row, "flag"),
        .version = (int32_t)number_of(row, "ver"),
        .serialization = binary ? WIRE_BINARY : WIRE_JSON,
        .language = language_of(row),
        .remark = text_of(row, "remark"),
        .ext = cJSON_GetObjectItemCaseSensitive(row, "ext"),
        .body_len = (size_t)number_of(row, "body_len"),
    };
}

static void add_line(struct vector_file *file, const char *name, const char *line) {
    if ((file->count & (file->count + 1)) == 0) { /* room for the next power of two */
        size_t room = 2 * (file->count + 1);
        file->rows = realloc(file->rows, room * sizeof *file->rows);
        file->documents = realloc(file->documents, room * sizeof(void *));
        if (file->rows == NULL || file->documents == NULL)
            fail("out of memory", name);
    }
    cJSON *document = cJSON_Parse(line);
    if (document == NULL)
        fail("a line that is not JSON", name);
    file->documents[file->count] = document;
    file->rows[file->count++] = parse_row(name, document);
}

struct vector_file *vectors_load(const char *name) {
    char command[1024];
    struct vector_file *file = calloc(1, sizeof *file);
    snprintf(command, sizeof command, "xz -dc '%s/%s%s'", DIRECTORY, name, SUFFIX);
    FILE *pipe = popen(command, "r");
    if (file == NULL || pipe == NULL)
        fail("cannot run xz for", name);
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, pipe) > 0)
        add_line(file, name, line);
    free(line);
    if (pclose(pipe) != 0 || file->count == 0)
        fail("xz failed for", name);
    return file;
}

void vectors_free(struct vector_file *file) {
    for (size_t i = 0; i < file->count; i++)
        cJSON_Delete(file->documents[i]);
    free(file->documents);
    free(file->rows);
    free(file);
}

bool vector_is_frame(const struct vector_row *row) {
    return row->event == NULL && !row->bad && strcmp(row->port, "ha") != 0;
}

const struct vector_row *vector_answer(const struct vector_file *file,
                                       const struct vector_row *row) {
    for (const struct vector_row *answer = row + 1; answer < file->rows + file->count; answer++)
        if (vector_is_frame(answer) && answer->conn == row->conn && answer->opaque == row->opaque &&
            answer->to_server != row->to_server && (answer->flag & WIRE_FLAG_RESPONSE) != 0)
            return answer;
    return NULL;
}

const char *vector_ext(const struct vector_row *row, const char *key) {
    return row->ext == NULL ? NULL : text_of(row->ext, key);
}
