/* test_latency.c - latency.c and exposition.c. */
#include "model/base/exposition.h"
#include "model/tests/env_fake.h"
#include "model/tests/suite.h"

START_TEST(test_latency__buckets_hold_what_they_say) {
    struct latency latency = {0};
    uint64_t before = 0;
    for (uint32_t i = 1; i < LATENCY_BUCKETS; i++) {
        uint64_t bound = latency_bound_us(i);
        ck_assert_uint_gt(bound, before);
        ck_assert_uint_le(bound, before + 1 + before / 4); /* a quarter above at most */
        before = bound;
    }
    for (uint64_t us = 0; us < 5000; us++) {
        latency_add(&latency, us);
        ck_assert_uint_eq(latency_count_until(&latency, UINT64_MAX), us + 1);
    }
    for (uint32_t i = 0; i < LATENCY_BUCKETS && latency_bound_us(i) < 5000; i++)
        ck_assert_uint_eq(latency_count_until(&latency, latency_bound_us(i)),
                          latency_bound_us(i) + 1);
    latency_add(&latency, UINT64_MAX / 2);
    ck_assert_uint_eq(latency.buckets[LATENCY_BUCKETS - 1], 1);
    ck_assert_uint_eq(latency_percentile_us(&latency, 1000), UINT64_MAX / 2);
}
END_TEST

START_TEST(test_latency__percentiles) {
    struct latency latency = {0};
    ck_assert_uint_eq(latency_percentile_us(&latency, 990), 0);
    for (int i = 0; i < 990; i++)
        latency_add(&latency, 5);
    for (int i = 0; i < 10; i++)
        latency_add(&latency, 1000);
    ck_assert_uint_eq(latency_percentile_us(&latency, 500), 5);
    ck_assert_uint_eq(latency_percentile_us(&latency, 990), 5);
    ck_assert_uint_eq(latency_percentile_us(&latency, 991), 1000); /* no more than the maximum */
    ck_assert_uint_eq(latency.count, 1000);
    ck_assert_uint_eq(latency.sum_us, 990 * 5 + 10 * 1000);
}
END_TEST

START_TEST(test_exposition__escapes_and_counts_up) {
    struct env *env = fake_create();
    struct exposition x;
    struct latency latency = {0};
    struct buf out;
    buf_init(&out, env);
    exposition_metric(&x, &out, "m", "gauge", "Help.");
    exposition_sample(&x, "");
    exposition_label(&x, "a", SPAN_LITERAL("q\"b\\n\n"));
    exposition_label_number(&x, "b", -3);
    exposition_decimal(&x, 1500000);
    exposition_sample(&x, "");
    exposition_count(&x, UINT64_MAX);
    ck_assert(span_equal(buf_span(&out), SPAN_LITERAL("# HELP m Help.\n# TYPE m gauge\n"
                                                      "m{a=\"q\\\"b\\\\n\\n\",b=\"-3\"} 1.5\n"
                                                      "m 9223372036854775807\n")));
    buf_clear(&out);
    latency_add(&latency, 7);
    latency_add(&latency, 8);
    exposition_metric(&x, &out, "h", "histogram", "Help.");
    exposition_latency(&x, "code", SPAN_LITERAL("310"), &latency);
    buf_put_u8(&out, '\0');
    const char *text = (const char *)out.data;
    ck_assert_ptr_nonnull(strstr(text, "h_bucket{code=\"310\",le=\"7\"} 1\n"));
    ck_assert_ptr_nonnull(strstr(text, "h_bucket{code=\"310\",le=\"15\"} 2\n"));
    ck_assert_ptr_nonnull(strstr(text, "h_bucket{code=\"310\",le=\"+Inf\"} 2\n"));
    ck_assert_ptr_nonnull(strstr(text, "h_sum{code=\"310\"} 15\nh_count{code=\"310\"} 2\n"));
    buf_deinit(&out);
    fake_destroy(env);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("latency");
    TCase *tests = suite_case(suite, "latency");
    tcase_add_test(tests, test_latency__buckets_hold_what_they_say);
    tcase_add_test(tests, test_latency__percentiles);
    tcase_add_test(tests, test_exposition__escapes_and_counts_up);
    return suite_run(suite);
}
