/* test_codes.c - each request that this codebase sends, compared with recorded ones.
 *
 * For every code of the table below and every recorded request of it: the recorded values go
 * through the typed header and the body writer, and the frame that comes out must have the same
 * fields and the same body. Prints how many were compared and which codes have no record. */
#include <stdio.h>
#include <zlib.h>

#include "model/tests/env_fake.h"
#include "model/tests/suite.h"
#include "model/tests/vectors.h"
#include "model/wire/body.h"
#include "model/wire/codes.h"
#include "model/wire/header.h"

/* Writes the body anew from the decoded one. */
typedef void body_fn(const struct vector_row *row, const struct wire_command *recorded,
                     const struct header_register_broker *header);
static body_fn write_registration, write_data_version, copy_body, no_body;

/* code, header or NULL, body */
static const struct sent_code {
    int32_t code;
    const struct header_info *header;
    body_fn *body;
} SENT[] = {
    {REQUEST_UPDATE_AND_CREATE_TOPIC, &HEADER_create_topic, no_body},
    {REQUEST_PUT_KV_CONFIG, &HEADER_put_kv_config, no_body},
    {REQUEST_GET_KV_CONFIG, &HEADER_kv_key, no_body},
    {REQUEST_DELETE_KV_CONFIG, &HEADER_kv_key, no_body},
    {REQUEST_REGISTER_BROKER, &HEADER_register_broker, write_registration},
    {REQUEST_UNREGISTER_BROKER, &HEADER_broker_identity, no_body},
    {REQUEST_GET_ROUTEINFO_BY_TOPIC, &HEADER_get_route, no_body},
    {REQUEST_GET_BROKER_CLUSTER_INFO, NULL, no_body},
    {REQUEST_WIPE_WRITE_PERM_OF_BROKER, &HEADER_broker_name, no_body},
    {REQUEST_GET_ALL_TOPIC_LIST_FROM_NAMESERVER, NULL, no_body},
    {REQUEST_DELETE_TOPIC_IN_NAMESRV, &HEADER_delete_topic_in_namesrv, no_body},
    {REQUEST_GET_KVLIST_BY_NAMESPACE, &HEADER_kv_namespace, no_body},
    {REQUEST_GET_TOPICS_BY_CLUSTER, &HEADER_topics_by_cluster, no_body},
    {REQUEST_GET_SYSTEM_TOPIC_LIST_FROM_NS, NULL, no_body},
    {REQUEST_GET_UNIT_TOPIC_LIST, NULL, no_body},
    {REQUEST_GET_HAS_UNIT_SUB_TOPIC_LIST, NULL, no_body},
    {REQUEST_GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST, NULL, no_body},
    {REQUEST_UPDATE_NAMESRV_CONFIG, NULL, copy_body},
    {REQUEST_GET_NAMESRV_CONFIG, NULL, no_body},
    {REQUEST_QUERY_DATA_VERSION, &HEADER_broker_identity, write_data_version},
    {REQUEST_ADD_WRITE_PERM_OF_BROKER, &HEADER_broker_name, no_body},
    {REQUEST_GET_BROKER_MEMBER_GROUP, &HEADER_broker_member, no_body},
    {REQUEST_BROKER_HEARTBEAT, &HEADER_broker_member, no_body},
    {REQUEST_NOTIFY_MIN_BROKER_ID_CHANGE, &HEADER_min_broker_id_change, no_body},
};
#define SENT_COUNT (sizeof SENT / sizeof SENT[0])

/* What hooks of clients and client settings add; not part of the requests' headers. */
static const char *const HOOK_KEYS[] = {"ReqT", "Signature", "AccessKey", "OnsChannel"};

#define TOPICS_MAX 256

static struct {
    struct env *env;
    struct buf scratch;
    struct buf numbers;
    struct buf body;
    struct buf frame;
    struct topic_config topics[TOPICS_MAX];
    size_t topic_count;
    size_t compared[SENT_COUNT];
    size_t identical[SENT_COUNT];
} t;

static void setup(void) {
    memset(&t, 0, sizeof t);
    t.env = fake_create();
    buf_init(&t.scratch, t.env);
    buf_init(&t.numbers, t.env);
    buf_init(&t.body, t.env);
    buf_init(&t.frame, t.env);
}

static void teardown(void) {
    buf_deinit(&t.scratch);
    buf_deinit(&t.numbers);
    buf_deinit(&t.body);
    buf_deinit(&t.frame);
    fake_destroy(t.env);
}

#define ROW_ASSERT(condition, row) \
    ck_assert_msg(condition, "%s row %lld: %s", (row)->file, (long long)(row)->n, #condition)

/* ---- bodies --------------------------------------------------------------------------------- */

static void no_body(const struct vector_row *row, const struct wire_command *recorded,
                    const struct header_register_broker *header) {
    (void)header;
    ROW_ASSERT(recorded->body.len == 0, row);
}

static void copy_body(const struct vector_row *row, const struct wire_command *recorded,
                      const struct header_register_broker *header) {
    (void)row, (void)header;
    buf_put_span(&t.body, recorded->body);
}

static void write_data_version(const struct vector_row *row, const struct wire_command *recorded,
                               const struct header_register_broker *header) {
    struct data_version version;
    struct wire_error error;
    struct json_writer json;
    (void)header;
    ROW_ASSERT(data_version_decode(recorded->body, &version, &error) == RMQ_OK, row);
    json_writer_init(&json, &t.body, JSON_STYLE_FASTJSON);
    data_version_write(&json, &version, row->version >= WIRE_VERSION_5_0_0);
    ROW_ASSERT(span_equal(buf_span(&t.body), recorded->body), row);
}

/* Names are copied: those of a compressed body end with its decoding. */
static int keep_topic(void *ctx, const struct topic_config *topic) {
    (void)ctx;
    ck_assert_uint_lt(t.topic_count, TOPICS_MAX);
    struct topic_config *kept = &t.topics[t.topic_count++];
    *kept = *topic;
    kept->name = span_of(strndup((const char *)topic->name.data, topic->name.len), topic->name.len);
    return RMQ_OK;
}

static void forget_topics(void) {
    while (t.topic_count > 0)
        free((void *)(uintptr_t)t.topics[--t.topic_count].name.data);
}

/* The tests' own look at "mappingDataVersion", which the decoder does not give. */
static struct data_version mapping_version_of(struct span body) {
    struct data_version version = {.timestamp = 0};
    cJSON *document = cJSON_ParseWithLength((const char *)body.data, body.len);
    const cJSON *wrapper = cJSON_GetObjectItem(document, "topicConfigSerializeWrapper");
    const cJSON *mapping = cJSON_GetObjectItem(wrapper, "mappingDataVersion");
    if (mapping != NULL) {
        version.timestamp = (int64_t)cJSON_GetObjectItem(mapping, "timestamp")->valuedouble;
        version.counter = (int64_t)cJSON_GetObjectItem(mapping, "counter")->valuedouble;
    }
    cJSON_Delete(document);
    return version;
}

static void check_compressed(const struct vector_row *row, struct span recorded) {
    static uint8_t plain[2][65536];
    uLongf lens[2] = {sizeof plain[0], sizeof plain[1]};
    ROW_ASSERT(uncompress(plain[0], &lens[0], recorded.data, recorded.len) == Z_OK, row);
    ROW_ASSERT(uncompress(plain[1], &lens[1], t.body.data, t.body.len) == Z_OK, row);
    ROW_ASSERT(span_equal(span_of(plain[0], lens[0]), span_of(plain[1], lens[1])), row);
}

static void write_registration(const struct vector_row *row, const struct wire_command *recorded,
                               const struct header_register_broker *header) {
    static const struct register_body_visitor visitor = {.on_topic = keep_topic};
    struct register_body_info info;
    struct register_body_writer writer;
    struct wire_error error;
    struct span body = recorded->body;
    bool profile_5_3 = row->version >= WIRE_VERSION_5_0_0;
    bool compressed = body.len > 0 && body.data[0] == 0x78;
    enum register_body_form form = header->compressed ? REGISTER_BODY_ZLIB : REGISTER_BODY_JSON;
    ROW_ASSERT(register_body_decode(t.env, body, form, row->version, &visitor, &info, &error) ==
                   RMQ_OK,
               row);
    ROW_ASSERT(header->body_crc32 == wire_crc32(body), row);
    if (compressed) {
        ROW_ASSERT(register_body_compress(t.env, &t.body, profile_5_3, &info.version, t.topics,
                                          t.topic_count) == RMQ_OK,
                   row);
        check_compressed(row, body);
    } else {
        struct data_version mapping = mapping_version_of(body);
        register_body_begin(&writer, &t.body, profile_5_3, &info.version, &mapping);
        for (size_t i = 0; i < t.topic_count; i++)
            register_body_topic(&writer, &t.topics[i]);
        register_body_end(&writer);
        ROW_ASSERT(span_equal(buf_span(&t.body), body), row);
    }
    forget_topics();
}

/* ---- headers -------------------------------------------------------------------------------- */

static bool is_hook_key(struct span key) {
    for (size_t i = 0; i < sizeof HOOK_KEYS / sizeof HOOK_KEYS[0]; i++)
        if (span_equal(key, span_of_text(HOOK_KEYS[i])))
            return true;
    return false;
}

static struct span field_of(const struct wire_command *command, struct span key) {
    for (size_t i = command->field_count; i-- > 0;)
        if (span_equal(command->fields[i].key, key))
            return command->fields[i].value;
    return SPAN_NONE;
}

/* Every recorded field is built, and nothing else. */
static void check_fields(const struct vector_row *row, const struct wire_command *recorded,
                         const struct wire_command *built) {
    for (size_t i = 0; i < recorded->field_count; i++) {
        const struct wire_field *field = &recorded->fields[i];
        if (!is_hook_key(field->key))
            ck_assert_msg(span_equal(field_of(built, field->key), field->value),
                          "%s row %lld: field %.*s", row->file, (long long)row->n,
                          (int)field->key.len, (const char *)field->key.data);
    }
    for (size_t i = 0; i < built->field_count; i++) {
        const struct wire_field *field = &built->fields[i];
        ck_assert_msg(span_equal(field_of(recorded, field->key), field->value),
                      "%s row %lld: extra field %.*s", row->file, (long long)row->n,
                      (int)field->key.len, (const char *)field->key.data);
    }
}

static void compare(const struct vector_row *row, size_t index) {
    _Alignas(16) uint8_t header[512] = {0};
    const struct sent_code *sent = &SENT[index];
    const struct header_field_info *bad = NULL;
    struct wire_command recorded;
    struct wire_command built;
    struct wire_error error;
    ROW_ASSERT(wire_decode(row->bytes, &t.scratch, &recorded, &error) == RMQ_OK, row);
    wire_command_init(&built, sent->code);
    buf_clear(&t.numbers);
    ROW_ASSERT(buf_reserve(&t.numbers, HEADER_SCRATCH_BYTES) == RMQ_OK, row);
    if (sent->header != NULL) {
        int err = header_decode(sent->header, &recorded, header, &bad);
        ck_assert_msg(err == RMQ_OK, "%s row %lld: %s of %s", row->file, (long long)row->n,
                      rmq_err_text(err), bad == NULL ? "" : bad->key);
        ROW_ASSERT(header_encode(sent->header, header, &built, &t.numbers) == RMQ_OK, row);
    }
    check_fields(row, &recorded, &built);
    buf_clear(&t.body);
    sent->body(row, &recorded, (const struct header_register_broker *)(void *)header);

    built.opaque = recorded.opaque;
    built.flag = recorded.flag;
    built.version = recorded.version;
    built.language = recorded.language;
    built.serialization = recorded.serialization;
    built.body = buf_span(&t.body);
    buf_clear(&t.frame);
    ROW_ASSERT(wire_encode(&built, &t.frame) == RMQ_OK, row);
    t.compared[index]++;
    t.identical[index] += span_equal(buf_span(&t.frame), row->bytes);
}

/* The hand-made requests of the probes leave fields out on purpose; a header without any field is
 * one of these, too (a Java client always sends the required ones). */
static bool is_sent_by_apache(const struct vector_row *row) {
    return vector_is_frame(row) && (row->flag & WIRE_FLAG_RESPONSE) == 0 &&
           strstr(row->file, "-probe-") == NULL;
}

START_TEST(test_codes__equal_the_recorded_requests) {
    size_t files;
    const char *const *names = vectors_names(&files);
    for (size_t i = 0; i < files; i++) {
        struct vector_file *file = vectors_load(names[i]);
        for (const struct vector_row *row = file->rows; row < file->rows + file->count; row++)
            for (size_t k = 0; k < SENT_COUNT && is_sent_by_apache(row); k++)
                if (SENT[k].code == row->code)
                    compare(row, k);
        vectors_free(file);
    }
    size_t without = 0;
    for (size_t k = 0; k < SENT_COUNT; k++) {
        printf("%4d %-36s %5zu requests compared, %5zu identical to the byte%s\n", SENT[k].code,
               wire_request_name(SENT[k].code), t.compared[k], t.identical[k],
               t.compared[k] == 0 ? "  NOT RECORDED" : "");
        without += t.compared[k] == 0;
    }
    fflush(stdout);
    ck_assert_uint_lt(without, SENT_COUNT / 2);
}
END_TEST

START_TEST(test_code_names__of_both_tables) {
    ck_assert_str_eq(wire_request_name(103), "REGISTER_BROKER");
    ck_assert_str_eq(wire_request_name(200050), "POP_MESSAGE");
    ck_assert_str_eq(wire_request_name(9999), "UNKNOWN");
    ck_assert_str_eq(wire_response_name(0), "SUCCESS");
    ck_assert_str_eq(wire_response_name(17), "TOPIC_NOT_EXIST");
    ck_assert_str_eq(wire_response_name(-1), "UNKNOWN");
    for (size_t k = 0; k < SENT_COUNT; k++)
        ck_assert_str_ne(wire_request_name(SENT[k].code), "UNKNOWN");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("codes");
    TCase *tests = suite_case(suite, "codes");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, test_codes__equal_the_recorded_requests);
    tcase_add_test(tests, test_code_names__of_both_tables);
    return suite_run(suite);
}
