/* test_load_body.c - bodies that know whose they are; distributions as text. */
#include "model/base/dist.h"
#include "model/load/body.h"
#include "model/tests/env_fake.h"
#include "model/tests/suite.h"

#define BYTES_MAX 4096
static struct env *env;
static uint8_t *bytes;

static void setup(void) {
    env = fake_create();
    bytes = env_alloc(env, BYTES_MAX);
}
static void teardown(void) {
    env_free(env, bytes);
    fake_destroy(env);
}

START_TEST(test_body__comes_back_with_its_number) {
    static const size_t LENGTHS[] = {16, 17, 23, 24, 100, 1024, BYTES_MAX};
    for (size_t i = 0; i < sizeof LENGTHS / sizeof LENGTHS[0]; i++) {
        uint64_t sent = body_number(5, 300, (uint32_t)i + 1), number;
        body_fill(bytes, LENGTHS[i], 77, sent);
        ck_assert(body_check(span_of(bytes, LENGTHS[i]), 77, &number));
        ck_assert_uint_eq(number, sent);
        ck_assert(!body_check(span_of(bytes, LENGTHS[i]), 78, &number));
    }
    ck_assert_uint_eq(body_number(5, 300, 1), 5ULL << 40 | 44ULL << 32 | 1);
}
END_TEST

/* Every single bit matters. */
START_TEST(test_body__notices_each_flipped_bit) {
    uint64_t number;
    size_t len = 61;
    body_fill(bytes, len, 1, 42);
    for (size_t bit = 0; bit < len * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
        bool sound = body_check(span_of(bytes, len), 1, &number);
        ck_assert_msg(!sound, "bit %zu", bit);
        bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    ck_assert(body_check(span_of(bytes, len), 1, &number));
}
END_TEST

START_TEST(test_body__short_ones_are_nameless) {
    uint64_t number = 9;
    body_fill(bytes, 15, 1, 42);
    ck_assert(body_check(span_of(bytes, 15), 1, &number));
    ck_assert_uint_eq(number, 0);
    ck_assert(body_check(SPAN_NONE, 1, &number));
}
END_TEST

START_TEST(test_dist_parse__takes_what_it_says) {
    struct dist dist;
    ck_assert_int_eq(dist_parse(SPAN_LITERAL("7"), &dist), RMQ_OK);
    ck_assert(dist.kind == DIST_CONSTANT && dist.min == 7);
    ck_assert_int_eq(dist_parse(SPAN_LITERAL("constant:8"), &dist), RMQ_OK);
    ck_assert(dist.kind == DIST_CONSTANT && dist.min == 8);
    ck_assert_int_eq(dist_parse(SPAN_LITERAL("uniform:1:9"), &dist), RMQ_OK);
    ck_assert(dist.kind == DIST_UNIFORM && dist.min == 1 && dist.max == 9);
    ck_assert_int_eq(dist_parse(SPAN_LITERAL("exponential:1:2:30"), &dist), RMQ_OK);
    ck_assert(dist.kind == DIST_EXPONENTIAL && dist.min == 1 && dist.mean == 2 && dist.max == 30);
    static const char *const BAD[] = {"",
                                      "x",
                                      "constant",
                                      "constant:",
                                      "uniform:9:1",
                                      "uniform:1",
                                      "uniform:1:2:3",
                                      "-1",
                                      "exponential:1:2",
                                      "pareto:1:2:3"};
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++)
        ck_assert_msg(dist_parse(span_of_text(BAD[i]), &dist) == RMQ_E_INVALID, "%s", BAD[i]);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("load_body");
    TCase *tests = suite_case(suite, "bodies and distributions");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_body__comes_back_with_its_number);
    tcase_add_test(tests, test_body__notices_each_flipped_bit);
    tcase_add_test(tests, test_body__short_ones_are_nameless);
    tcase_add_test(tests, test_dist_parse__takes_what_it_says);
    return suite_run(suite);
}
