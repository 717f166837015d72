/* registrations.h - registration bodies in tests: read into a table and compared as sets of topics.
 */
#ifndef MODEL_TESTS_REGISTRATIONS_H
#define MODEL_TESTS_REGISTRATIONS_H

#include <check.h>
#include <stdio.h>

#include "model/tests/env_fake.h"
#include "model/tests/vectors.h"
#include "model/wire/body.h"

struct registered_topic {
    char name[256];
    struct topic_config config; /* but its name */
};
struct registered {
    struct registered_topic topics[64];
    size_t count;
    struct register_body_info info;
};

static inline int registered_add(void *ctx, const struct topic_config *topic) {
    struct registered *table = ctx;
    ck_assert_uint_lt(table->count, 64);
    struct registered_topic *added = &table->topics[table->count++];
    snprintf(added->name, sizeof added->name, "%.*s", (int)topic->name.len,
             (const char *)topic->name.data);
    added->config = *topic;
    return RMQ_OK;
}

/* Reads a registration's body, in the form its header says. */
static inline void registered_read(struct registered *table, struct span body, bool compressed,
                                   int32_t version) {
    struct env *env = fake_create();
    const struct register_body_visitor visitor = {.on_topic = registered_add, .ctx = table};
    struct wire_error error = {0};
    table->count = 0;
    int err = register_body_decode(env, body, compressed ? REGISTER_BODY_ZLIB : REGISTER_BODY_JSON,
                                   version, &visitor, &table->info, &error);
    if (err != RMQ_OK)
        ck_abort_msg("body does not decode at %zu: %s", error.offset, error.expected);
    fake_destroy(env);
}

static inline const struct registered_topic *registered_find(const struct registered *table,
                                                             const char *name) {
    for (size_t i = 0; i < table->count; i++) {
        if (strcmp(table->topics[i].name, name) == 0)
            return &table->topics[i];
    }
    return NULL;
}

static inline void ck_assert_topic_eq(const struct topic_config *got,
                                      const struct topic_config *want) {
    ck_assert_int_eq(got->read_queue_nums, want->read_queue_nums);
    ck_assert_int_eq(got->write_queue_nums, want->write_queue_nums);
    ck_assert_int_eq(got->perm, want->perm);
    ck_assert_int_eq(got->sys_flag, want->sys_flag);
    ck_assert_int_eq(got->order, want->order);
    ck_assert_int_eq(got->multi_tag, want->multi_tag);
}

/* Same topics with the same settings, in any order. */
static inline void ck_assert_registered_eq(const struct registered *got,
                                           const struct registered *want) {
    for (size_t i = 0; i < want->count; i++) {
        const struct registered_topic *same = registered_find(got, want->topics[i].name);
        if (same == NULL)
            ck_abort_msg("topic %s is missing", want->topics[i].name);
        ck_assert_topic_eq(&same->config, &want->topics[i].config);
    }
    ck_assert_uint_eq(got->count, want->count);
}

/* Row `n` of a recorded file, decoded. `scratch` as in wire_decode. */
static inline void recorded_frame(const struct vector_file *file, int64_t n, struct buf *scratch,
                                  struct wire_command *out) {
    struct wire_error error;
    for (size_t i = 0; i < file->count; i++) {
        if (file->rows[i].n != n)
            continue;
        ck_assert_int_eq(wire_decode(file->rows[i].bytes, scratch, out, &error), RMQ_OK);
        return;
    }
    ck_abort_msg("no row %d", (int)n);
}

/* Every field but bodyCrc32, which is of our body: topics in another order, another time. Listed
 * differences: version 409 (recorded: 407), language OTHER (recorded: JAVA). */
static inline void ck_assert_fields_eq(const struct wire_command *got,
                                       const struct wire_command *want) {
    for (size_t i = 0; i < want->field_count; i++) {
        const struct wire_field *field = &want->fields[i];
        char key[64];
        snprintf(key, sizeof key, "%.*s", (int)field->key.len, (const char *)field->key.data);
        struct span value = wire_field(got, key);
        if (strcmp(key, "bodyCrc32") == 0) {
            int32_t crc;
            ck_assert_int_eq(span_to_i32(value, &crc), RMQ_OK);
            ck_assert_int_eq(crc, wire_crc32(got->body));
        } else if (!span_equal(value, field->value) || span_is_absent(value)) {
            ck_abort_msg("field %s differs: %.*s", key, (int)value.len, (const char *)value.data);
        }
    }
    ck_assert_uint_eq(got->field_count, want->field_count);
}

#endif
