/* test_buf.c - the growing buffer, the reader, decimal formatting. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#include "model/base/buf.h"
#include "model/tests/env_fake.h"
#include "model/tests/suite.h"

static struct env *env;
static struct buf buf;

static void setup(void) {
    env = fake_create();
    buf_init(&buf, env);
}

static void teardown(void) {
    buf_deinit(&buf);
    fake_destroy(env);
}

START_TEST(test_buf_init__allocates_nothing) {
    ck_assert_uint_eq(fake_memory_blocks(env), 0);
    ck_assert(span_is_absent(buf_span(&buf)));
    buf_put_span(&buf, SPAN_NONE);
    ck_assert_uint_eq(fake_memory_blocks(env), 0);
}
END_TEST

START_TEST(test_buf_put__keeps_bytes_over_growth) {
    for (unsigned i = 0; i < 5000; i++) {
        buf_put_u8(&buf, (uint8_t)(i * 7));
    }
    ck_assert(!buf_failed(&buf));
    ck_assert_uint_eq(buf.len, 5000);
    for (unsigned i = 0; i < 5000; i++) {
        ck_assert_uint_eq(buf.data[i], (uint8_t)(i * 7));
    }
}
END_TEST

START_TEST(test_buf_put_integers__are_big_endian) {
    static const uint8_t EXPECTED[] = {0x80, 0xFF, 0xFE, 0x01, 0x02, 0x03, 0x04, 0x80,
                                       0,    0,    0,    0,    0,    0,    1,    'x'};
    buf_put_u8(&buf, 0x80);
    buf_put_i16(&buf, -2);
    buf_put_i32(&buf, 0x01020304);
    buf_put_i64(&buf, INT64_MIN + 1);
    buf_put_text(&buf, "x");
    ck_assert(span_equal(buf_span(&buf), span_of(EXPECTED, sizeof EXPECTED)));
}
END_TEST

START_TEST(test_buf_set_i32__overwrites_in_place) {
    buf_put_text(&buf, "abcdefgh");
    buf_set_i32(&buf, 4, -1);
    ck_assert(span_equal(buf_span(&buf), SPAN_LITERAL("abcd\xFF\xFF\xFF\xFF")));
}
END_TEST

START_TEST(test_buf_set_i32__asserts_on_a_wrong_offset) {
    buf_put_text(&buf, "abcdefgh");
    buf_set_i32(&buf, 5, 0);
}
END_TEST

START_TEST(test_buf_consume__drops_from_the_front) {
    buf_put_text(&buf, "abcdef");
    buf_consume(&buf, 0);
    buf_consume(&buf, 4);
    ck_assert(span_equal(buf_span(&buf), SPAN_LITERAL("ef")));
    buf_consume(&buf, 2);
    ck_assert_uint_eq(buf.len, 0);
    buf_consume(&buf, 0);
}
END_TEST

START_TEST(test_buf_extend__gives_memory_even_for_nothing) {
    ck_assert_ptr_nonnull(buf_extend(&buf, 0));
    ck_assert_uint_eq(buf.len, 0);
}
END_TEST

START_TEST(test_buf_put__does_nothing_after_a_failed_growth) {
    buf_put_text(&buf, "abc");
    fake_fail_at(env, FAKE_FAIL_ALLOC, 1);
    ck_assert_ptr_null(buf_extend(&buf, 1000));
    ck_assert(fake_failed(env, FAKE_FAIL_ALLOC));
    ck_assert(buf_failed(&buf));
    buf_put_text(&buf, "d"); /* there is room, but a hole in the content would be worse */
    buf_set_i32(&buf, 1000, 1);
    ck_assert_int_eq(buf_reserve(&buf, 0), RMQ_E_NOMEM);
    ck_assert(span_equal(buf_span(&buf), SPAN_LITERAL("abc")));
    buf_clear(&buf);
    buf_put_text(&buf, "new");
    ck_assert(!buf_failed(&buf));
    ck_assert(span_equal(buf_span(&buf), SPAN_LITERAL("new")));
}
END_TEST

START_TEST(test_buf_reserve__refuses_a_size_that_wraps) {
    buf_put_text(&buf, "abc");
    ck_assert_int_eq(buf_reserve(&buf, SIZE_MAX - 1), RMQ_E_NOMEM);
    ck_assert(buf_failed(&buf));
}
END_TEST

START_TEST(test_read__gives_back_what_was_put) {
    buf_put_u8(&buf, 200);
    buf_put_i16(&buf, -300);
    buf_put_i32(&buf, INT32_MIN);
    buf_put_i64(&buf, INT64_MAX);
    buf_put_text(&buf, "rest");
    struct span_reader reader = {buf_span(&buf), false};
    ck_assert_uint_eq(read_u8(&reader), 200);
    ck_assert_int_eq(read_i16(&reader), -300);
    ck_assert_int_eq(read_i32(&reader), INT32_MIN);
    ck_assert_int_eq(read_i64(&reader), INT64_MAX);
    ck_assert(span_equal(read_span(&reader, 4), SPAN_LITERAL("rest")));
    ck_assert(!reader.failed);
    ck_assert_uint_eq(reader.rest.len, 0);
}
END_TEST

START_TEST(test_read__fails_once_and_for_all) {
    struct span_reader reader = {SPAN_LITERAL("\x01\x02\x03"), false};
    ck_assert_int_eq(read_i32(&reader), 0);
    ck_assert(reader.failed);
    ck_assert_uint_eq(read_u8(&reader), 0); /* though a byte would be there */
    ck_assert(span_is_absent(read_span(&reader, 0)));
    ck_assert(reader.failed);
}
END_TEST

START_TEST(test_format__agrees_with_printf) {
    static const int64_t VALUES[] = {0, 1, -1, 9, 10, -10, 123456789, INT64_MAX, INT64_MIN};
    char out[DECIMAL_BYTES_MAX];
    char expected[32];
    for (size_t i = 0; i < sizeof VALUES / sizeof VALUES[0]; i++) {
        snprintf(expected, sizeof expected, "%" PRId64, VALUES[i]);
        ck_assert(span_equal(span_of(out, format_i64(out, VALUES[i])), span_of_text(expected)));
        snprintf(expected, sizeof expected, "%" PRIu64, (uint64_t)VALUES[i]);
        ck_assert(
            span_equal(span_of(out, format_u64(out, (uint64_t)VALUES[i])), span_of_text(expected)));
        buf_clear(&buf);
        buf_put_decimal(&buf, VALUES[i]);
        int64_t read = 0;
        ck_assert_int_eq(span_to_i64(buf_span(&buf), &read), RMQ_OK);
        ck_assert(read == VALUES[i]);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("buf");
    TCase *tests = suite_case(suite, "buf");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_buf_init__allocates_nothing);
    tcase_add_test(tests, test_buf_put__keeps_bytes_over_growth);
    tcase_add_test(tests, test_buf_put_integers__are_big_endian);
    tcase_add_test(tests, test_buf_set_i32__overwrites_in_place);
    tcase_add_test_raise_signal(tests, test_buf_set_i32__asserts_on_a_wrong_offset, SIGABRT);
    tcase_add_test(tests, test_buf_consume__drops_from_the_front);
    tcase_add_test(tests, test_buf_extend__gives_memory_even_for_nothing);
    tcase_add_test(tests, test_buf_put__does_nothing_after_a_failed_growth);
    tcase_add_test(tests, test_buf_reserve__refuses_a_size_that_wraps);
    tcase_add_test(tests, test_read__gives_back_what_was_put);
    tcase_add_test(tests, test_read__fails_once_and_for_all);
    tcase_add_test(tests, test_format__agrees_with_printf);
    return suite_run(suite);
}
