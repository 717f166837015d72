/* test_subscription.c - tag expressions against what both releases make of them. */
#include <cjson/cJSON.h>
#include <stdio.h>

#include "model/tests/env_fake.h"
#include "model/tests/peer.h"
#include "model/tests/suite.h"
#include "model/wire/message.h"
#include "model/wire/subscription.h"

static struct env *env;

static void setup(void) {
    env = fake_create();
}

static void teardown(void) {
    fake_destroy(env);
}

static struct span text_of(const cJSON *row, const char *key) {
    const cJSON *item = cJSON_GetObjectItem(row, key);
    if (item == NULL || strcmp(item->valuestring, "(null)") == 0)
        return SPAN_NONE;
    return span_of_text(item->valuestring);
}

static bool array_has_text(const cJSON *array, struct span text) {
    const cJSON *item;
    cJSON_ArrayForEach(item, array) {
        if (span_equal(span_of_text(item->valuestring), text))
            return true;
    }
    return false;
}

static bool array_has_number(const cJSON *array, int32_t number) {
    const cJSON *item;
    cJSON_ArrayForEach(item, array) {
        if (item->valuedouble == (double)number)
            return true;
    }
    return false;
}

/* Recorded sets have no order: every tag is in them, and there are as many. */
static void compare(const cJSON *row, const struct subscription *got) {
    const cJSON *result = cJSON_GetObjectItem(row, "result");
    const cJSON *tags = cJSON_GetObjectItem(result, "tagsSet");
    const cJSON *codes = cJSON_GetObjectItem(result, "codeSet");
    ck_assert_uint_eq(got->tag_count, (unsigned)cJSON_GetArraySize(tags));
    for (size_t i = 0; i < got->tag_count; i++) {
        ck_assert(array_has_text(tags, subscription_tags(got)[i].text));
        ck_assert(array_has_number(codes, subscription_tags(got)[i].code));
    }
    const cJSON *code;
    cJSON_ArrayForEach(code, codes)
        ck_assert(subscription_matches_code(got, (int64_t)code->valuedouble));
    bool all = strcmp(cJSON_GetObjectItem(result, "subString")->valuestring, "*") == 0;
    ck_assert_int_eq(got->kind == SUBSCRIPTION_ALL, all);
}

START_TEST(test_subscription_parse__as_recorded) {
    char line[1024];
    size_t rows = 0;
    FILE *file = fopen(RMQ_SOURCE_DIR "/model/tests/vectors/expr/subscription.jsonl", "r");
    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof line, file) != NULL) {
        struct subscription got;
        cJSON *row = cJSON_Parse(line);
        int err = subscription_parse(env, text_of(row, "expression"), text_of(row, "type"), &got);
        bool refused = cJSON_GetObjectItem(row, "error") != NULL;
        if (refused != (err == RMQ_E_INVALID))
            ck_abort_msg("row: %s", line);
        if (err == RMQ_OK) {
            compare(row, &got);
            subscription_deinit(&got);
        }
        cJSON_Delete(row);
        rows++;
    }
    fclose(file);
    ck_assert_uint_eq(rows, 35);
}
END_TEST

static const struct {
    const char *expression;
    const char *tag; /* NULL: none */
    bool broker, client;
} MATCHES[] = {
    {"*", "A", true, true},        {"*", NULL, true, true},   {"A", "A", true, true},
    {"A", "B", false, false},      {"A", NULL, false, false}, {"A || B", "B", true, true},
    {"AaAa", "BBBB", true, false}, /* the same hash */
    {"|| ||", "A", false, true},   /* no tags: the broker finds none, a client takes all */
    {" A ", "A", true, true},
};

START_TEST(test_subscription_matches__codes_and_texts) {
    struct subscription got;
    struct span tag = span_of_text(MATCHES[_i].tag);
    ck_assert_int_eq(subscription_parse(env, span_of_text(MATCHES[_i].expression), SPAN_NONE, &got),
                     RMQ_OK);
    ck_assert_int_eq(subscription_matches_code(&got, message_tags_code(tag)), MATCHES[_i].broker);
    ck_assert_int_eq(subscription_accepts_tag(&got, tag), MATCHES[_i].client);
    subscription_deinit(&got);
}
END_TEST

START_TEST(test_subscription_parse__copes_without_memory) {
    struct subscription got;
    fake_fail_at(env, FAKE_FAIL_ALLOC, 1);
    ck_assert_int_eq(subscription_parse(env, SPAN_LITERAL("A || B"), SPAN_NONE, &got), RMQ_E_NOMEM);
    ck_assert_int_eq(subscription_parse(env, SPAN_LITERAL("A || B"), SPAN_NONE, &got), RMQ_OK);
    subscription_deinit(&got);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("subscription");
    TCase *tests = suite_case(suite, "subscription");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_subscription_parse__as_recorded);
    tcase_add_loop_test(tests, test_subscription_matches__codes_and_texts, 0,
                        (int)(sizeof MATCHES / sizeof MATCHES[0]));
    tcase_add_test(tests, test_subscription_parse__copes_without_memory);
    return suite_run(suite);
}
