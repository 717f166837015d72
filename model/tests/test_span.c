/* test_span.c - comparing spans, decimal numbers, error texts. */
#include "model/base/err.h"
#include "model/base/span.h"
#include "model/tests/suite.h"

START_TEST(test_span_compare__orders_by_bytes_then_length) {
    static const char *const ORDERED[] = {"", "a", "aa", "ab", "b", "\xC3\xA4"};
    for (size_t i = 0; i < 6; i++) {
        for (size_t k = 0; k < 6; k++) {
            int order = span_compare(span_of_text(ORDERED[i]), span_of_text(ORDERED[k]));
            ck_assert_int_eq((order > 0) - (order < 0), (i > k) - (i < k));
        }
    }
    ck_assert_int_eq(span_compare(SPAN_NONE, SPAN_LITERAL("")), 0);
}
END_TEST

START_TEST(test_span_equal__takes_absent_as_empty) {
    ck_assert(span_equal(SPAN_NONE, SPAN_LITERAL("")));
    ck_assert(!span_is_absent(SPAN_LITERAL("")));
    ck_assert(span_is_absent(span_of_text(NULL)));
    ck_assert(!span_equal(SPAN_LITERAL("a"), SPAN_LITERAL("b")));
}
END_TEST

START_TEST(test_span_next_part__skips_empty_parts) {
    struct span rest = SPAN_LITERAL(";a;;bc;"), part;
    ck_assert(span_next_part(&rest, ';', &part) && span_equal(part, SPAN_LITERAL("a")));
    ck_assert(span_next_part(&rest, ';', &part) && span_equal(part, SPAN_LITERAL("bc")));
    ck_assert(!span_next_part(&rest, ';', &part));
    rest = SPAN_LITERAL("one");
    ck_assert(span_next_part(&rest, ';', &part) && span_equal(part, SPAN_LITERAL("one")));
    ck_assert(!span_next_part(&rest, ';', &part));
    rest = SPAN_NONE;
    ck_assert(!span_next_part(&rest, ';', &part));
}
END_TEST

START_TEST(test_span_starts_with__compares_whole_prefix) {
    ck_assert(span_starts_with(SPAN_LITERAL("quirk.x"), SPAN_LITERAL("quirk.")));
    ck_assert(span_starts_with(SPAN_LITERAL("x"), SPAN_NONE));
    ck_assert(!span_starts_with(SPAN_LITERAL("qui"), SPAN_LITERAL("quirk.")));
    ck_assert(!span_starts_with(SPAN_LITERAL("quirkx"), SPAN_LITERAL("quirk.")));
}
END_TEST

static const struct {
    const char *text;
    int err;
    int64_t value;
} I64_CASES[] = {
    {"0", RMQ_OK, 0},
    {"-0", RMQ_OK, 0},
    {"007", RMQ_OK, 7},
    {"9223372036854775807", RMQ_OK, INT64_MAX},
    {"-9223372036854775808", RMQ_OK, INT64_MIN},
    {"9223372036854775808", RMQ_E_RANGE, 0},
    {"-9223372036854775809", RMQ_E_RANGE, 0},
    {"18446744073709551616", RMQ_E_RANGE, 0},
    {"99999999999999999999999", RMQ_E_RANGE, 0},
    {"99999999999999999999999x", RMQ_E_INVALID, 0},
    {"", RMQ_E_INVALID, 0},
    {"-", RMQ_E_INVALID, 0},
    {"--1", RMQ_E_INVALID, 0},
    {"+1", RMQ_E_INVALID, 0},
    {" 1", RMQ_E_INVALID, 0},
    {"1 ", RMQ_E_INVALID, 0},
    {"1.0", RMQ_E_INVALID, 0},
    {"0x1", RMQ_E_INVALID, 0},
};

START_TEST(test_span_to_i64__reads_exactly_i64) {
    int64_t value = -77;
    ck_assert_int_eq(span_to_i64(span_of_text(I64_CASES[_i].text), &value), I64_CASES[_i].err);
    ck_assert_int_eq(value, I64_CASES[_i].err == RMQ_OK ? I64_CASES[_i].value : -77);
}
END_TEST

START_TEST(test_span_to_i32__refuses_what_i32_cannot_hold) {
    int32_t value = -77;
    ck_assert_int_eq(span_to_i32(SPAN_LITERAL("2147483648"), &value), RMQ_E_RANGE);
    ck_assert_int_eq(span_to_i32(SPAN_LITERAL("-2147483649"), &value), RMQ_E_RANGE);
    ck_assert_int_eq(span_to_i32(SPAN_LITERAL("x"), &value), RMQ_E_INVALID);
    ck_assert_int_eq(value, -77);
    ck_assert_int_eq(span_to_i32(SPAN_LITERAL("-2147483648"), &value), RMQ_OK);
    ck_assert_int_eq(value, INT32_MIN);
    ck_assert_int_eq(span_to_i32(SPAN_LITERAL("2147483647"), &value), RMQ_OK);
    ck_assert_int_eq(value, INT32_MAX);
}
END_TEST

START_TEST(test_span_to_u64__reads_exactly_u64) {
    uint64_t value = 77;
    ck_assert_int_eq(span_to_u64(SPAN_LITERAL("18446744073709551616"), &value), RMQ_E_RANGE);
    ck_assert_int_eq(span_to_u64(SPAN_LITERAL("-1"), &value), RMQ_E_INVALID);
    ck_assert_uint_eq(value, 77);
    ck_assert_int_eq(span_to_u64(SPAN_LITERAL("18446744073709551615"), &value), RMQ_OK);
    ck_assert(value == UINT64_MAX);
}
END_TEST

START_TEST(test_rmq_err_text__names_every_error) {
    ck_assert_str_eq(rmq_err_text(RMQ_OK), "success");
    ck_assert_str_eq(rmq_err_text(RMQ_E_STATE), "not possible in this state");
    ck_assert_str_eq(rmq_err_text(1), "unknown error");
    ck_assert_str_eq(rmq_err_text(-1000), "unknown error");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("span");
    TCase *tests = suite_case(suite, "span");
    tcase_add_test(tests, test_span_compare__orders_by_bytes_then_length);
    tcase_add_test(tests, test_span_equal__takes_absent_as_empty);
    tcase_add_test(tests, test_span_next_part__skips_empty_parts);
    tcase_add_test(tests, test_span_starts_with__compares_whole_prefix);
    tcase_add_loop_test(tests, test_span_to_i64__reads_exactly_i64, 0,
                        sizeof I64_CASES / sizeof I64_CASES[0]);
    tcase_add_test(tests, test_span_to_i32__refuses_what_i32_cannot_hold);
    tcase_add_test(tests, test_span_to_u64__reads_exactly_u64);
    tcase_add_test(tests, test_rmq_err_text__names_every_error);
    return suite_run(suite);
}
