/* test_decimal.c - decimal.c and date.c. */
#include "model/base/date.h"
#include "model/base/decimal.h"
#include "model/tests/env_fake.h"
#include "model/tests/suite.h"

static struct env *env;
static struct buf out;

static void setup(void) {
    env = fake_create();
    buf_init(&out, env);
}

static void teardown(void) {
    buf_deinit(&out);
    fake_destroy(env);
}

static void expect_text(const char *text) {
    ck_assert_msg(span_equal(buf_span(&out), span_of_text(text)), "%.*s, not %s", (int)out.len,
                  (const char *)out.data, text);
    buf_clear(&out);
}

START_TEST(test_decimal_ratio__rounds_and_bounds) {
    ck_assert_int_eq(decimal_ratio(14, 1000, 10010), 1398601); /* 1.3986013986013985 */
    ck_assert_int_eq(decimal_ratio(1, 1, 3), 333333);
    ck_assert_int_eq(decimal_ratio(2, 1, 3), 666667);
    ck_assert_int_eq(decimal_ratio(-2, 1, 3), -666667);
    ck_assert_int_eq(decimal_ratio(5, 1, 10000000), 1); /* half of a millionth */
    ck_assert_int_eq(decimal_ratio(4, 1, 10000000), 0);
    ck_assert_int_eq(decimal_ratio(7, 1000, 0), 0);
    ck_assert_int_eq(decimal_ratio(INT64_MAX, 1, INT64_MAX), DECIMAL_ONE);
    ck_assert_int_eq(decimal_ratio(INT64_MAX, 1000, INT64_MAX), 1000 * DECIMAL_ONE);
    ck_assert_int_eq(decimal_ratio(INT64_MAX, 1, 1), INT64_MAX);
    ck_assert_int_eq(decimal_ratio(INT64_MIN, 1, 1), INT64_MIN);
    ck_assert_int_eq(decimal_ratio(1, INT64_MAX, 1), INT64_MAX);
    ck_assert_int_eq(decimal_ratio(INT64_MIN, 1, INT64_MAX), -DECIMAL_ONE);
    /* each remainder at the edge of a half */
    for (int64_t n = 0; n < 2000; n++)
        ck_assert_int_eq(decimal_ratio(n, 1, 2000000), (n + 1) / 2);
}
END_TEST

START_TEST(test_decimal_put__is_javas_text) {
    decimal_put(&out, 0);
    expect_text("0.0");
    decimal_put(&out, 1500000);
    expect_text("1.5");
    decimal_put(&out, -250000);
    expect_text("-0.25");
    decimal_put(&out, 1);
    expect_text("0.000001");
    decimal_put(&out, INT64_MAX);
    expect_text("9223372036854.775807");
    decimal_put(&out, INT64_MIN);
    expect_text("-9223372036854.775808");
}
END_TEST

START_TEST(test_decimal_put_fixed__rounds) {
    decimal_put_fixed(&out, 1234567, 2);
    expect_text("1.23");
    decimal_put_fixed(&out, 1235000, 2);
    expect_text("1.24");
    decimal_put_fixed(&out, 999999, 2);
    expect_text("1.00");
    decimal_put_fixed(&out, 500000, 0);
    expect_text("1");
    decimal_put_fixed(&out, -4999, 2);
    expect_text("0.00");
    decimal_put_fixed(&out, -5000, 2);
    expect_text("-0.01");
    decimal_put_fixed(&out, 42, 6);
    expect_text("0.000042");
}
END_TEST

static const struct {
    const char *text;
    int64_t value;
} READ[] = {
    {"0", 0},
    {"0.0", 0},
    {"-0.0", 0},
    {"1", 1000000},
    {"1.3986013986013985", 1398601},
    {"183.42857142857142", 183428571},
    {"-2.5", -2500000},
    {"1.0E7", 10000000000000},
    {"1.2345678901E10", 12345678901000000},
    {"9.999E-4", 1000},
    {"5.0E-7", 1},
    {"4.9E-7", 0},
    {"4.9E-324", 0},
    {"9223372036854.775807", INT64_C(9223372036854775800)}, /* 18 digits count */
    {"9223372036854", INT64_MAX / 1000000 * 1000000},
    {"0.99999999999999999999999999", 1000000},
    {"1e+3", 1000000000},
    {"NaN", 0},
};

START_TEST(test_decimal_parse__reads) {
    int64_t value = -1;
    ck_assert_int_eq(decimal_parse(span_of_text(READ[_i].text), &value), RMQ_OK);
    ck_assert_msg(value == READ[_i].value, "%s: %lld", READ[_i].text, (long long)value);
}
END_TEST

static const struct {
    const char *text;
    int err;
} BAD[] = {
    {"", RMQ_E_INVALID},
    {"-", RMQ_E_INVALID},
    {".5", RMQ_E_INVALID},
    {"1.", RMQ_E_INVALID},
    {"1.E2", RMQ_E_INVALID},
    {"1..2", RMQ_E_INVALID},
    {"1 ", RMQ_E_INVALID},
    {"1E", RMQ_E_INVALID},
    {"1Ex", RMQ_E_INVALID},
    {"0x10", RMQ_E_INVALID},
    {"+1", RMQ_E_INVALID},
    {"1,5", RMQ_E_INVALID},
    {"Infinity", RMQ_E_RANGE},
    {"-Infinity", RMQ_E_RANGE},
    {"1E99", RMQ_E_RANGE},
    {"1E1001", RMQ_E_RANGE},
    {"9223372036855", RMQ_E_RANGE},
    {"99999999999999999999999999999999", RMQ_E_RANGE},
};

START_TEST(test_decimal_parse__refuses) {
    int64_t value = -7;
    ck_assert_msg(decimal_parse(span_of_text(BAD[_i].text), &value) == BAD[_i].err, "%s",
                  BAD[_i].text);
    ck_assert_int_eq(value, -7);
}
END_TEST

START_TEST(test_decimal__comes_back) {
    for (int i = 0; i < 5000; i++) {
        int64_t value = (int64_t)env_random(env) >> env_random_below(env, 63), back;
        if (value > INT64_MAX - 1000 || value < -INT64_MAX + 1000)
            continue;
        decimal_put(&out, value);
        int err = decimal_parse(buf_span(&out), &back);
        ck_assert_int_eq(err, RMQ_OK);
        /* 18 digits count: the last ones of 19 do not */
        int64_t size = value < 0 ? -value : value, off = value > back ? value - back : back - value;
        ck_assert_int_le(off, size > 100000000000000000 ? 10 : 0);
        buf_clear(&out);
    }
}
END_TEST

static const struct {
    int64_t ms;
    struct date date;
} DATES[] = {
    {0, {1970, 1, 1, 0, 0, 0, 0}},
    {-1, {1969, 12, 31, 23, 59, 59, 999}},
    {951782400000, {2000, 2, 29, 0, 0, 0, 0}},
    {951868799999, {2000, 2, 29, 23, 59, 59, 999}},
    {1795513510053, {2026, 11, 24, 9, 45, 10, 53}},
    {253402300799999, {9999, 12, 31, 23, 59, 59, 999}},
    {-62135596800000, {1, 1, 1, 0, 0, 0, 0}},
    {-11676096000000, {1600, 1, 1, 0, 0, 0, 0}},
};

START_TEST(test_date_of_ms__is_the_calendar) {
    struct date got = date_of_ms(DATES[_i].ms), want = DATES[_i].date;
    ck_assert_int_eq(got.year, want.year);
    ck_assert_int_eq(got.month, want.month);
    ck_assert_int_eq(got.day, want.day);
    ck_assert_int_eq(got.hour, want.hour);
    ck_assert_int_eq(got.minute, want.minute);
    ck_assert_int_eq(got.second, want.second);
    ck_assert_int_eq(got.millisecond, want.millisecond);
}
END_TEST

#define COUNT(array) (int)(sizeof(array) / sizeof(array)[0])

int main(void) {
    Suite *suite = suite_create("decimal");
    TCase *tests = suite_case(suite, "decimals");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_decimal_ratio__rounds_and_bounds);
    tcase_add_test(tests, test_decimal_put__is_javas_text);
    tcase_add_test(tests, test_decimal_put_fixed__rounds);
    tcase_add_loop_test(tests, test_decimal_parse__reads, 0, COUNT(READ));
    tcase_add_loop_test(tests, test_decimal_parse__refuses, 0, COUNT(BAD));
    tcase_add_test(tests, test_decimal__comes_back);
    tests = suite_case(suite, "dates");
    tcase_add_loop_test(tests, test_date_of_ms__is_the_calendar, 0, COUNT(DATES));
    return suite_run(suite);
}
