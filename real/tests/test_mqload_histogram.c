/* Quantiles of mqload: exact below 32, within 3.2 % above, never below the true one. */
#include "model/tests/suite.h"
#include "real/mqload/histogram.h"

static struct histogram histogram;

static uint64_t next_number(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 11;
}

START_TEST(quantiles_of_small_numbers_are_exact) {
    histogram = (struct histogram){0};
    for (uint64_t i = 1; i <= 20; i++)
        histogram_add(&histogram, i);
    ck_assert_uint_eq(histogram_quantile(&histogram, 500000), 10);
    ck_assert_uint_eq(histogram_quantile(&histogram, 950000), 19);
    ck_assert_uint_eq(histogram_quantile(&histogram, 1000000), 20);
    ck_assert_uint_eq(histogram.max, 20);
}
END_TEST

START_TEST(an_empty_one_has_quantile_zero) {
    histogram = (struct histogram){0};
    ck_assert_uint_eq(histogram_quantile(&histogram, 990000), 0);
}
END_TEST

static int compare(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

START_TEST(quantiles_of_large_numbers_are_near) {
    static uint64_t values[10000];
    static const uint32_t PPM[] = {1, 100000, 500000, 990000, 999000, 1000000};
    uint64_t state = 7;
    histogram = (struct histogram){0};
    for (size_t i = 0; i < 10000; i++) {
        values[i] = next_number(&state) >> (next_number(&state) % 50);
        histogram_add(&histogram, values[i]);
    }
    qsort(values, 10000, sizeof values[0], compare);
    for (size_t i = 0; i < sizeof PPM / sizeof PPM[0]; i++) {
        uint64_t rank = (10000ull * PPM[i] + 999999) / 1000000;
        uint64_t exact = values[rank - 1];
        uint64_t told = histogram_quantile(&histogram, PPM[i]);
        ck_assert_uint_ge(told, exact);
        ck_assert_uint_le(told, exact + exact / 31);
    }
}
END_TEST

START_TEST(merged_is_as_if_added_to_one) {
    static struct histogram a, b;
    histogram = (struct histogram){0};
    uint64_t state = 3;
    for (size_t i = 0; i < 1000; i++) {
        uint64_t value = next_number(&state) >> 30;
        histogram_add(&histogram, value);
        histogram_add(i % 3 == 0 ? &a : &b, value);
    }
    histogram_merge(&a, &b);
    ck_assert_mem_eq(&a, &histogram, sizeof a);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("mqload_histogram");
    TCase *tests = suite_case(suite, "histogram");
    tcase_add_test(tests, quantiles_of_small_numbers_are_exact);
    tcase_add_test(tests, an_empty_one_has_quantile_zero);
    tcase_add_test(tests, quantiles_of_large_numbers_are_near);
    tcase_add_test(tests, merged_is_as_if_added_to_one);
    return suite_run(suite);
}
