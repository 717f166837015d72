/* store_archive.h - store directories that RocketMQ wrote, put on the fake's disk, and their JSON
 * listings (vectors/store). */
#ifndef MODEL_TESTS_STORE_ARCHIVE_H
#define MODEL_TESTS_STORE_ARCHIVE_H

#include <cJSON.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/tests/store_fixture.h"

#define ARCHIVE_NAMES \
    { "4.9.7-clean", "4.9.7-kill", "5.3.3-clean", "5.3.3-kill" }
#define ARCHIVE_COUNT 4

/* What xz unpacks; the caller frees it. */
static inline char *archive_unpack(const char *name, const char *suffix, size_t *len) {
    char command[512];
    snprintf(command, sizeof command, "xz -dc '%s/model/tests/vectors/store/%s%s'", RMQ_SOURCE_DIR,
             name, suffix);
    FILE *pipe = popen(command, "r");
    ck_assert_ptr_nonnull(pipe);
    size_t room = 1 << 16;
    char *bytes = malloc(room);
    *len = 0;
    for (size_t got; (got = fread(bytes + *len, 1, room - *len, pipe)) > 0;) {
        *len += got;
        if (*len == room) {
            room *= 2;
            bytes = realloc(bytes, room);
        }
    }
    ck_assert_int_eq(pclose(pipe), 0);
    bytes = realloc(bytes, *len + 1);
    bytes[*len] = '\0';
    return bytes;
}

/* A tar file's regular files go to "/<name>", below /store. */
static inline void archive_put(struct env *env, const char *name) {
    size_t len;
    char *tar = archive_unpack(name, ".tar.xz", &len);
    for (size_t at = 0; at + 512 <= len && tar[at] != '\0';) {
        const char *header = tar + at;
        size_t size = strtoul(header + 124, NULL, 8);
        char path[ENV_PATH_MAX];
        snprintf(path, sizeof path, "/%.100s", header);
        if (header[156] == '0' || header[156] == '\0') {
            fake_set_wall_ms(env, (int64_t)strtoul(header + 136, NULL, 8) * 1000 + 999);
            fake_put_file(env, path, span_of(header + 512, size));
        }
        at += 512 + (size + 511) / 512 * 512;
    }
    free(tar);
}

static inline cJSON *archive_listing(const char *name) {
    size_t len;
    char *text = archive_unpack(name, ".json.xz", &len);
    cJSON *listing = cJSON_Parse(text);
    ck_assert_ptr_nonnull(listing);
    free(text);
    return listing;
}

static inline int64_t json_number(const cJSON *object, const char *name) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    ck_assert_msg(cJSON_IsNumber(item), "no number %s", name);
    return (int64_t)item->valuedouble;
}

static inline const char *json_text(const cJSON *object, const char *name) {
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
    ck_assert_msg(text != NULL, "no text %s", name);
    return text;
}

/* A store with the archive's settings, opened. */
static inline void archive_open(struct store_fixture *fixture, const char *name) {
    memset(fixture, 0, sizeof *fixture);
    fixture->env = fake_create();
    sf_config(fixture);
    fixture->config.commit_log_file_bytes = 1 << 20;
    fixture->config.queue_file_bytes = 6000;
    fixture->config.index_slots = 100;
    fixture->config.index_entries = 400;
    fixture->config.profile_5_3 = name[0] == '5';
    archive_put(fixture->env, name);
    sf_open(fixture);
    ck_assert_int_eq(fixture->opened, RMQ_OK);
}

#endif
