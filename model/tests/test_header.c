/* test_header.c - typed headers: each one both ways, and what is wrong with a bad one. */
#include <stdio.h>

#include "model/tests/env_fake.h"
#include "model/tests/suite.h"
#include "model/wire/header.h"

#define HEADERS(X)                 \
    X(register_broker)             \
    X(register_broker_response)    \
    X(broker_identity)             \
    X(query_data_version_response) \
    X(get_route)                   \
    X(broker_name)                 \
    X(wipe_write_perm_response)    \
    X(add_write_perm_response)     \
    X(delete_topic_in_namesrv)     \
    X(put_kv_config)               \
    X(kv_key)                      \
    X(get_kv_config_response)      \
    X(kv_namespace)                \
    X(topics_by_cluster)           \
    X(create_topic)                \
    X(broker_member)               \
    X(min_broker_id_change)
#define HEADER_ROW(name) &HEADER_##name,
static const struct header_info *const INFOS[] = {HEADERS(HEADER_ROW)};
#define INFO_COUNT ((int)(sizeof INFOS / sizeof INFOS[0]))

static struct {
    struct env *env;
    struct buf scratch;
    struct wire_command command;
    const struct header_field_info *bad;
} t;

static void setup(void) {
    memset(&t, 0, sizeof t);
    t.env = fake_create();
    buf_init(&t.scratch, t.env);
    ck_assert_int_eq(buf_reserve(&t.scratch, HEADER_SCRATCH_BYTES), RMQ_OK);
    wire_command_init(&t.command, 0);
}

static void teardown(void) {
    buf_deinit(&t.scratch);
    fake_destroy(t.env);
}

static void add(const char *key, const char *value) {
    ck_assert_int_eq(wire_field_add(&t.command, span_of_text(key), span_of_text(value)), RMQ_OK);
}

/* A text that is valid for the field's type, different for each index. */
static const char *sample_text(const struct header_field_info *field, size_t index) {
    static const char *const strings[] = {"s0", "",   "s 2", "s3", "s4",
                                          "s5", "s6", "s7",  "s8", "s9"};
    static const char *const numbers[] = {"0", "-1", "2147483647", "-2147483648", "4",
                                          "5", "6",  "7",          "8",           "9"};
    static const char *const longs[] = {"9223372036854775807", "-9223372036854775808"};
    switch (field->type) {
    case HEADER_STRING:
        return strings[index];
    case HEADER_I32:
        return numbers[index];
    case HEADER_I64:
        return longs[index % 2];
    default:
        return index % 2 == 0 ? "true" : "false";
    }
}

/* Decoding texts and encoding the result gives the same texts, in the order of declaration, though
 * they came in the opposite order and among unknown ones. */
START_TEST(test_header__both_ways) {
    const struct header_info *info = INFOS[_i];
    _Alignas(16) uint8_t header[512];
    ck_assert_uint_le(info->size, sizeof header);
    memset(header, 0xEE, sizeof header);
    for (size_t i = info->field_count; i-- > 0;) {
        add("unknown", "x");
        add(info->fields[i].key, sample_text(&info->fields[i], i));
    }
    ck_assert_int_eq(header_decode(info, &t.command, header, &t.bad), RMQ_OK);

    struct wire_command again;
    wire_command_init(&again, 0);
    ck_assert_int_eq(header_encode(info, header, &again, &t.scratch), RMQ_OK);
    ck_assert(again.has_fields);
    ck_assert_uint_eq(again.field_count, info->field_count);
    for (size_t i = 0; i < info->field_count; i++) {
        ck_assert(span_equal(again.fields[i].key, span_of_text(info->fields[i].key)));
        ck_assert(
            span_equal(again.fields[i].value, span_of_text(sample_text(&info->fields[i], i))));
    }
}
END_TEST

/* Only the required fields: the others stay absent. Nothing at all: the first required is named. */
START_TEST(test_header__optional_and_required) {
    const struct header_info *info = INFOS[_i];
    const struct header_field_info *first = NULL;
    _Alignas(16) uint8_t header[512];
    size_t required = 0;
    for (size_t i = 0; i < info->field_count; i++) {
        if (info->fields[i].required && first == NULL)
            first = &info->fields[i];
        required += info->fields[i].required;
    }
    memset(header, 0xEE, sizeof header);
    ck_assert_int_eq(header_decode(info, &t.command, header, &t.bad),
                     first == NULL ? RMQ_OK : RMQ_E_MISSING);
    ck_assert_ptr_eq(t.bad, first);

    for (size_t i = 0; i < info->field_count; i++)
        if (info->fields[i].required)
            add(info->fields[i].key, sample_text(&info->fields[i], i));
    ck_assert_int_eq(header_decode(info, &t.command, header, &t.bad), RMQ_OK);
    struct wire_command again;
    wire_command_init(&again, 0);
    ck_assert_int_eq(header_encode(info, header, &again, &t.scratch), RMQ_OK);
    ck_assert_uint_eq(again.field_count, required);
}
END_TEST

/* Each number field, with text that is no number and with one that its type cannot hold. */
START_TEST(test_header__bad_numbers_name_their_field) {
    const struct header_info *info = INFOS[_i];
    _Alignas(16) uint8_t header[512];
    for (size_t i = 0; i < info->field_count; i++) {
        const struct header_field_info *field = &info->fields[i];
        if (field->type != HEADER_I32 && field->type != HEADER_I64)
            continue;
        wire_command_init(&t.command, 0);
        for (size_t k = 0; k < info->field_count; k++)
            add(info->fields[k].key, sample_text(&info->fields[k], k));
        struct span *value = &t.command.fields[i].value;
        *value = SPAN_LITERAL("1x");
        t.bad = NULL;
        ck_assert_int_eq(header_decode(info, &t.command, header, &t.bad), RMQ_E_INVALID);
        ck_assert_ptr_eq(t.bad, field);
        *value = field->type == HEADER_I32 ? SPAN_LITERAL("2147483648")
                                           : SPAN_LITERAL("9223372036854775808");
        ck_assert_int_eq(header_decode(info, &t.command, header, &t.bad), RMQ_E_RANGE);
        ck_assert_ptr_eq(t.bad, field);
    }
}
END_TEST

START_TEST(test_header_decode__takes_the_last_of_a_key) {
    struct header_broker_identity header;
    add("brokerId", "not a number");
    add("clusterName", "c1");
    add("brokerAddr", "a");
    add("brokerName", "n");
    add("clusterName", "c2");
    add("brokerId", "3");
    ck_assert_int_eq(header_decode(&HEADER_broker_identity, &t.command, &header, &t.bad), RMQ_OK);
    ck_assert_int_eq(header.broker_id, 3);
    ck_assert(header.has_broker_id);
    ck_assert(span_equal(header.cluster_name, SPAN_LITERAL("c2")));
    add("brokerName", NULL); /* null is absent */
    ck_assert_int_eq(header_decode(&HEADER_broker_identity, &t.command, &header, &t.bad),
                     RMQ_E_MISSING);
    ck_assert_str_eq(t.bad->key, "brokerName");
}
END_TEST

START_TEST(test_header_decode__booleans_as_java) {
    static const struct {
        const char *text;
        bool value;
    } cases[] = {{"true", true}, {"TRUE", true},   {"tRuE", true}, {"false", false},
                 {"", false},    {"yes", false},   {"1", false},   {" true", false},
                 {"truE", true}, {"truex", false}, {"tr", false}};
    struct header_query_data_version_response header;
    add("changed", cases[_i].text);
    ck_assert_int_eq(
        header_decode(&HEADER_query_data_version_response, &t.command, &header, &t.bad), RMQ_OK);
    ck_assert_int_eq(header.changed, cases[_i].value);
}
END_TEST

START_TEST(test_header_encode__required_numbers_without_their_flag) {
    struct header_wipe_write_perm_response header = {.wipe_topic_count = 0};
    ck_assert_int_eq(
        header_encode(&HEADER_wipe_write_perm_response, &header, &t.command, &t.scratch), RMQ_OK);
    ck_assert(span_equal(wire_field(&t.command, "wipeTopicCount"), SPAN_LITERAL("0")));
}
END_TEST

START_TEST(test_header_encode__an_empty_header_has_fields) {
    struct header_register_broker_response header = {.ha_server_addr = SPAN_NONE};
    ck_assert_int_eq(
        header_encode(&HEADER_register_broker_response, &header, &t.command, &t.scratch), RMQ_OK);
    ck_assert(t.command.has_fields);
    ck_assert_uint_eq(t.command.field_count, 0);
}
END_TEST

START_TEST(test_header_encode__limits) {
    struct header_get_route header = {.topic = SPAN_LITERAL("T")};
    for (int i = 0; i < WIRE_FIELDS_MAX; i++)
        add("k", "v");
    ck_assert_int_eq(header_encode(&HEADER_get_route, &header, &t.command, &t.scratch),
                     RMQ_E_LIMIT);
    struct buf failed;
    buf_init(&failed, t.env);
    fake_fail_at(t.env, FAKE_FAIL_ALLOC, 1);
    ck_assert_int_eq(buf_reserve(&failed, HEADER_SCRATCH_BYTES), RMQ_E_NOMEM);
    wire_command_init(&t.command, 0);
    ck_assert_int_eq(header_encode(&HEADER_get_route, &header, &t.command, &failed), RMQ_E_NOMEM);
    buf_deinit(&failed);
}
END_TEST

START_TEST(test_header_infos__are_well_formed) {
    const struct header_info *info = INFOS[_i];
    ck_assert_uint_gt(strlen(info->name), 0);
    for (size_t i = 0; i < info->field_count; i++) {
        const struct header_field_info *field = &info->fields[i];
        ck_assert_uint_eq(field->key_len, strlen(field->key));
        ck_assert_uint_lt(field->offset, info->size);
        for (size_t k = 0; k < i; k++)
            ck_assert_str_ne(field->key, info->fields[k].key);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("header");
    TCase *tests = suite_case(suite, "header");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, test_header__both_ways, 0, INFO_COUNT);
    tcase_add_loop_test(tests, test_header__optional_and_required, 0, INFO_COUNT);
    tcase_add_loop_test(tests, test_header__bad_numbers_name_their_field, 0, INFO_COUNT);
    tcase_add_loop_test(tests, test_header_infos__are_well_formed, 0, INFO_COUNT);
    tcase_add_test(tests, test_header_decode__takes_the_last_of_a_key);
    tcase_add_loop_test(tests, test_header_decode__booleans_as_java, 0, 11);
    tcase_add_test(tests, test_header_encode__required_numbers_without_their_flag);
    tcase_add_test(tests, test_header_encode__an_empty_header_has_fields);
    tcase_add_test(tests, test_header_encode__limits);
    return suite_run(suite);
}
