/* Every frame recorded from Apache RocketMQ decodes to what the recorder saw, and re-encodes to the
 * same: byte by byte where a Java program wrote it, field by field in the other serialization. */
#include <stdio.h>

#include "model/tests/env_fake.h"
#include "model/tests/suite.h"
#include "model/tests/vectors.h"

static struct {
    struct env *env;
    struct buf scratch;
    struct buf other_scratch;
    struct buf encoded;
    size_t frames, refused, identical, reencoded;
} t;

static void setup(void) {
    memset(&t, 0, sizeof t);
    t.env = fake_create();
    buf_init(&t.scratch, t.env);
    buf_init(&t.other_scratch, t.env);
    buf_init(&t.encoded, t.env);
}

static void teardown(void) {
    buf_deinit(&t.scratch);
    buf_deinit(&t.other_scratch);
    buf_deinit(&t.encoded);
    fake_destroy(t.env);
}

#define ROW_ASSERT(condition, row) \
    ck_assert_msg(condition, "%s row %lld: %s", (row)->file, (long long)(row)->n, #condition)

static bool text_is(struct span span, const char *text) {
    return span_is_absent(span) == (text == NULL) && span_equal(span, span_of_text(text));
}

/* The recorder keeps what JSON says: a client wrote numbers and booleans. */
static void check_ext(const struct vector_row *row, const struct wire_command *command) {
    const cJSON *item;
    size_t fields = 0;
    cJSON_ArrayForEach(item, row->ext) {
        struct span value = wire_field(command, item->string);
        fields++;
        if (cJSON_IsString(item) && item->valuestring[0] == '\0') {
            ROW_ASSERT(value.len == 0, row);
        } else if (cJSON_IsString(item)) {
            ROW_ASSERT(text_is(value, item->valuestring), row);
        } else {
            char *text = cJSON_PrintUnformatted(item);
            ROW_ASSERT(text_is(value, cJSON_IsNull(item) ? NULL : text), row);
            cJSON_free(text);
        }
    }
    ROW_ASSERT(command->field_count >= fields, row); /* a key that occurs twice counts once */
}

static void check_language(const struct vector_row *row, const struct wire_command *command) {
    const char *name = wire_language_name(command->language);
    if (row->language == NULL)
        ROW_ASSERT(command->language == WIRE_LANGUAGE_JAVA, row);
    else if (strcmp(row->language, "COBOL") == 0)
        ROW_ASSERT(command->language == WIRE_LANGUAGE_UNKNOWN, row);
    else
        ROW_ASSERT(strcmp(name, row->language) == 0, row);
}

static void check_decoded(const struct vector_row *row, const struct wire_command *command) {
    ROW_ASSERT(command->code == row->code, row);
    ROW_ASSERT(command->opaque == row->opaque || command->opaque_missing, row);
    ROW_ASSERT(command->flag == row->flag, row);
    ROW_ASSERT(command->version == row->version, row);
    ROW_ASSERT(command->serialization == row->serialization, row);
    ROW_ASSERT(text_is(command->remark, row->remark), row);
    ROW_ASSERT(command->body.len == row->body_len, row);
    check_language(row, command);
    check_ext(row, command);
}

/* Fields that survive: key and value there, and in binary not empty. */
static size_t next_field(const struct wire_command *command, size_t i, bool drop_empty) {
    for (; i < command->field_count; i++) {
        const struct wire_field *field = &command->fields[i];
        if (!span_is_absent(field->key) && !span_is_absent(field->value) &&
            (field->value.len > 0 || !drop_empty))
            break;
    }
    return i;
}

static void check_same(const struct vector_row *row, const struct wire_command *before,
                       const struct wire_command *after) {
    bool binary = after->serialization == WIRE_BINARY;
    ROW_ASSERT(after->code == before->code && after->flag == before->flag, row);
    ROW_ASSERT(after->opaque == before->opaque && after->version == before->version, row);
    ROW_ASSERT(after->language == before->language ||
                   (!binary && before->language == WIRE_LANGUAGE_UNKNOWN),
               row);
    ROW_ASSERT(span_equal(after->remark, before->remark), row);
    ROW_ASSERT(span_equal(after->body, before->body), row);
    size_t i = next_field(before, 0, binary);
    size_t j = next_field(after, 0, binary);
    while (i < before->field_count && j < after->field_count) {
        ROW_ASSERT(span_equal(before->fields[i].key, after->fields[j].key), row);
        ROW_ASSERT(span_equal(before->fields[i].value, after->fields[j].value), row);
        i = next_field(before, i + 1, binary);
        j = next_field(after, j + 1, binary);
    }
    ROW_ASSERT(i == before->field_count && j == after->field_count, row);
}

static void check_reencoded(const struct vector_row *row, struct wire_command *command,
                            enum wire_serialization serialization) {
    struct wire_command again;
    struct wire_error error;
    enum wire_serialization original = command->serialization;
    command->serialization = serialization;
    buf_clear(&t.encoded);
    int err = wire_encode(command, &t.encoded);
    command->serialization = original;
    if (serialization == WIRE_BINARY && (command->code > INT16_MAX)) {
        ROW_ASSERT(err == RMQ_E_RANGE, row);
        return;
    }
    ROW_ASSERT(err == RMQ_OK, row);
    ROW_ASSERT(wire_decode(buf_span(&t.encoded), &t.other_scratch, &again, &error) == RMQ_OK, row);
    ROW_ASSERT(again.serialization == serialization, row);
    check_same(row, command, &again);
    t.reencoded++;
}

/* A blank in front of a JSON header sends it past the quick reader to the general one. */
static void check_general_reader(const struct vector_row *row, const struct wire_command *command) {
    struct wire_command again;
    struct wire_error error;
    if (row->serialization != WIRE_JSON)
        return;
    buf_clear(&t.encoded);
    buf_put(&t.encoded, row->bytes.data, 8);
    buf_put_u8(&t.encoded, ' ');
    buf_put_span(&t.encoded, span_from(row->bytes, 8));
    buf_set_i32(&t.encoded, 0, (int32_t)(t.encoded.len - 4));
    buf_set_i32(&t.encoded, 4, (int32_t)(row->bytes.data[6] << 8 | row->bytes.data[7]) + 1);
    ROW_ASSERT(row->bytes.data[5] == 0, row);
    ROW_ASSERT(wire_decode(buf_span(&t.encoded), &t.other_scratch, &again, &error) == RMQ_OK, row);
    check_same(row, command, &again);
    ROW_ASSERT(again.language == command->language, row);
    ROW_ASSERT(again.has_fields == command->has_fields, row);
    ROW_ASSERT(again.opaque_missing == command->opaque_missing, row);
    ROW_ASSERT(again.field_count == command->field_count, row);
}

/* The other clients and the hand-made frames write other JSON than Java does. */
static bool is_written_by_java(const struct vector_row *row) {
    bool foreign = strstr(row->file, "-alions-") != NULL || strstr(row->file, "-go-") != NULL ||
                   strstr(row->file, "-probe-") != NULL;
    return !foreign || !row->to_server;
}

/* Java's binary writer writes an empty value, its reader takes that for null; ours drops it. */
static bool has_null_value(const struct wire_command *command) {
    for (size_t i = 0; i < command->field_count; i++)
        if (span_is_absent(command->fields[i].value))
            return true;
    return false;
}

static void check_frame(const struct vector_row *row) {
    struct wire_command command;
    struct wire_error error;
    size_t frame_len;
    ROW_ASSERT(wire_frame_length(row->bytes, &frame_len) == RMQ_OK, row);
    ROW_ASSERT(frame_len == row->bytes.len, row);
    int err = wire_decode(row->bytes, &t.scratch, &command, &error);
    ck_assert_msg(err == RMQ_OK, "%s row %lld: expected %s at %zu", row->file, (long long)row->n,
                  error.expected, error.offset);
    check_decoded(row, &command);
    check_general_reader(row, &command);
    check_reencoded(row, &command, (enum wire_serialization) !command.serialization);
    check_reencoded(row, &command, command.serialization);
    t.frames++;
    if (!is_written_by_java(row) || has_null_value(&command))
        return;
    ROW_ASSERT(span_equal(buf_span(&t.encoded), row->bytes), row);
    t.identical++;
}

static void check_refused(const struct vector_row *row) {
    struct wire_command command;
    struct wire_error error = {.expected = NULL};
    size_t frame_len;
    int err = wire_frame_length(row->bytes, &frame_len);
    if (err == RMQ_OK)
        err = wire_decode(row->bytes, &t.scratch, &command, &error);
    ROW_ASSERT(err == RMQ_E_INVALID || err == RMQ_E_LIMIT, row);
    ROW_ASSERT(error.expected == NULL || error.offset <= row->bytes.len, row);
    t.refused++;
}

START_TEST(test_decode__every_recorded_frame) {
    size_t files;
    const char *const *names = vectors_names(&files);
    ck_assert_uint_gt(files, 90);
    for (size_t i = 0; i < files; i++) {
        struct vector_file *file = vectors_load(names[i]);
        for (const struct vector_row *row = file->rows; row < file->rows + file->count; row++) {
            if (row->bad)
                check_refused(row);
            else if (vector_is_frame(row))
                check_frame(row);
        }
        vectors_free(file);
    }
    printf("%zu files: %zu frames decoded, %zu re-encodings compared, %zu identical to the byte, "
           "%zu bad ones refused\n",
           files, t.frames, t.reencoded, t.identical, t.refused);
    ck_assert_uint_gt(t.frames, 20000);
    ck_assert_uint_eq(t.refused, 40);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("vectors");
    TCase *tests = suite_case(suite, "frames");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, test_decode__every_recorded_frame);
    return suite_run(suite);
}
