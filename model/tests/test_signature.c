/* test_signature.c - HMAC-SHA1 of requests, against what Java computed, and what holds. */
#include <cjson/cJSON.h>
#include <stdio.h>

#include "model/tests/env_fake.h"
#include "model/tests/suite.h"
#include "model/wire/codes.h"
#include "model/wire/signature.h"

static struct env *env; /* what wire/ is linked with */

static void setup(void) {
    env = fake_create();
}
static void teardown(void) {
    fake_destroy(env);
}

static size_t unhex(const char *hex, uint8_t *out) {
    size_t len = strlen(hex) / 2;
    for (size_t i = 0; i < len; i++) {
        unsigned byte;
        ck_assert_int_eq(sscanf(hex + 2 * i, "%2x", &byte), 1);
        out[i] = (uint8_t)byte;
    }
    return len;
}

static struct wire_command request_of(int32_t code, struct span body) {
    struct wire_command command;
    wire_command_init(&command, code);
    command.body = body;
    return command;
}

static void add(struct wire_command *command, const char *key, const char *value) {
    ck_assert_int_eq(wire_field_add(command, span_of_text(key), span_of_text(value)), RMQ_OK);
}

static void check_signature(const struct wire_command *command, const char *secret,
                            const char *want) {
    char got[WIRE_SIGNATURE_BYTES];
    wire_signature(command, span_of_text(secret), SPAN_NONE, got);
    ck_assert_mem_eq(got, want, sizeof got);
}

START_TEST(test_signature__is_java_s) {
    static uint8_t data[65536];
    char line[1 << 17];
    size_t rows = 0;
    FILE *file = fopen(RMQ_SOURCE_DIR "/model/tests/vectors/hash/signature.jsonl", "r");
    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof line, file) != NULL) {
        cJSON *row = cJSON_Parse(line);
        size_t len = unhex(cJSON_GetObjectItem(row, "data")->valuestring, data);
        struct wire_command command = request_of(REQUEST_SEND_MESSAGE, span_of(data, len));
        check_signature(&command, cJSON_GetObjectItem(row, "secretKey")->valuestring,
                        cJSON_GetObjectItem(row, "signature")->valuestring);
        cJSON_Delete(row);
        rows++;
    }
    fclose(file);
    ck_assert_uint_eq(rows, 20);
}
END_TEST

/* wire.md 9.2: the values in the order of their keys, then the body. */
START_TEST(test_signature__sorts_fields_by_key) {
    struct wire_command command = request_of(REQUEST_SEND_MESSAGE, SPAN_LITERAL("hello"));
    add(&command, "topic", "TopicTest");
    add(&command, "Signature", "does not count");
    add(&command, "AccessKey", "rocketmq2");
    check_signature(&command, "12345678", "VCoakk8D+zaEPRCyxQHvWUF4988=");
}
END_TEST

START_TEST(test_signature__counts_the_last_of_equal_keys) {
    struct wire_command command = request_of(REQUEST_SEND_MESSAGE, SPAN_LITERAL("hello"));
    add(&command, "topic", "first");
    add(&command, "AccessKey", "rocketmq2");
    add(&command, "topic", "TopicTest");
    check_signature(&command, "12345678", "VCoakk8D+zaEPRCyxQHvWUF4988=");
}
END_TEST

START_TEST(test_signature__null_is_a_text) {
    struct wire_command with = request_of(REQUEST_SEND_MESSAGE, SPAN_NONE);
    struct wire_command text = request_of(REQUEST_SEND_MESSAGE, SPAN_LITERAL("null"));
    char wants[WIRE_SIGNATURE_BYTES + 1] = "";
    ck_assert_int_eq(wire_field_add(&with, SPAN_LITERAL("k"), SPAN_NONE), RMQ_OK);
    wire_signature(&text, SPAN_LITERAL("12345678"), SPAN_NONE, wants);
    check_signature(&with, "12345678", wants);
}
END_TEST

static const struct wire_credentials KEYS = {.access_key = {(const uint8_t *)"rocketmq2", 9},
                                             .secret_key = {(const uint8_t *)"12345678", 8}};

static bool holds(const struct wire_command *command, const char *secret) {
    return wire_signature_holds(command, span_of_text(secret), wire_field(command, "Signature"));
}

START_TEST(test_sign__is_what_holds) {
    char text[WIRE_SIGNATURE_BYTES];
    struct wire_command command = request_of(REQUEST_PULL_MESSAGE, SPAN_LITERAL("body"));
    add(&command, "topic", "T");
    ck_assert_int_eq(wire_sign(&KEYS, &command, text), RMQ_OK);
    ck_assert(span_equal(wire_field(&command, "AccessKey"), KEYS.access_key));
    ck_assert(holds(&command, "12345678"));
    ck_assert(!holds(&command, "12345679"));
    command.body = SPAN_LITERAL("bodY");
    ck_assert(!holds(&command, "12345678"));
    command.body = SPAN_LITERAL("body");
    command.fields[0].value = SPAN_LITERAL("U");
    ck_assert(!holds(&command, "12345678"));
}
END_TEST

START_TEST(test_sign__token_counts) {
    char text[WIRE_SIGNATURE_BYTES];
    struct wire_credentials keys = KEYS;
    keys.security_token = SPAN_LITERAL("token");
    struct wire_command command = request_of(REQUEST_PULL_MESSAGE, SPAN_NONE);
    ck_assert_int_eq(wire_sign(&keys, &command, text), RMQ_OK);
    ck_assert(span_equal(wire_field(&command, "SecurityToken"), keys.security_token));
    ck_assert(holds(&command, "12345678"));
    command.fields[1].value = SPAN_LITERAL("other");
    ck_assert(!holds(&command, "12345678"));
}
END_TEST

START_TEST(test_sign__nobody_signs_nothing) {
    char text[WIRE_SIGNATURE_BYTES];
    const struct wire_credentials nobody = {0};
    struct wire_command command = request_of(REQUEST_PULL_MESSAGE, SPAN_NONE);
    ck_assert_int_eq(wire_sign(&nobody, &command, text), RMQ_OK);
    ck_assert_uint_eq(command.field_count, 0);
}
END_TEST

/* 4.9's clients count _UNIQUE_KEY_QUERY of a key query, its brokers do not: both are taken, but for
 * key queries alone. */
START_TEST(test_signature__of_a_key_query_either_way) {
    for (int code = 0; code < 2; code++) {
        char without[WIRE_SIGNATURE_BYTES + 1] = "";
        int32_t number = code == 0 ? REQUEST_QUERY_MESSAGE : REQUEST_PULL_MESSAGE;
        struct wire_command command = request_of(number, SPAN_NONE);
        add(&command, "topic", "T");
        wire_signature(&command, SPAN_LITERAL("12345678"), SPAN_NONE, without);
        add(&command, "_UNIQUE_KEY_QUERY", "true");
        add(&command, "Signature", without);
        ck_assert(holds(&command, "12345678") == (number == REQUEST_QUERY_MESSAGE));
    }
}
END_TEST

/* A signature of another length is none: no read past its end, no match by prefix. */
START_TEST(test_signature__has_its_length) {
    char text[WIRE_SIGNATURE_BYTES];
    struct wire_command command = request_of(REQUEST_PULL_MESSAGE, SPAN_NONE);
    ck_assert_int_eq(wire_sign(&KEYS, &command, text), RMQ_OK);
    for (size_t len = 0; len < sizeof text; len++)
        ck_assert(!wire_signature_holds(&command, KEYS.secret_key, span_of(text, len)));
    ck_assert(!wire_signature_holds(&command, KEYS.secret_key, SPAN_NONE));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("signature");
    TCase *tests = suite_case(suite, "signature");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_signature__is_java_s);
    tcase_add_test(tests, test_signature__sorts_fields_by_key);
    tcase_add_test(tests, test_signature__counts_the_last_of_equal_keys);
    tcase_add_test(tests, test_signature__null_is_a_text);
    tcase_add_test(tests, test_sign__is_what_holds);
    tcase_add_test(tests, test_sign__token_counts);
    tcase_add_test(tests, test_sign__nobody_signs_nothing);
    tcase_add_test(tests, test_signature__of_a_key_query_either_way);
    tcase_add_test(tests, test_signature__has_its_length);
    return suite_run(suite);
}
