/* test_sort.c - the stable merge sort against a plain oracle. */
#include "model/base/sort.h"
#include "model/tests/env_fake.h"
#include "model/tests/suite.h"

/* Large on purpose: longer than the swap buffer of insertion sort. */
struct item {
    uint32_t key;
    uint32_t place; /* where it was: equal keys must keep this order */
    uint8_t filler[92];
};

#define COUNT_MAX 1000

static struct env *env;
static struct item items[COUNT_MAX];
static size_t compared;

static void setup(void) {
    env = fake_create();
    compared = 0;
}

static void teardown(void) {
    fake_destroy(env);
}

static int by_key(const void *a, const void *b, void *ctx) {
    const struct item *left = a;
    const struct item *right = b;
    ++*(size_t *)ctx;
    return (left->key > right->key) - (left->key < right->key);
}

static void fill(size_t count, uint64_t keys) {
    for (size_t i = 0; i < count; i++) {
        memset(&items[i], 0, sizeof items[i]);
        items[i].key = (uint32_t)env_random_below(env, keys);
        items[i].place = (uint32_t)i;
        memset(items[i].filler, (int)items[i].key, sizeof items[i].filler);
    }
}

static void check_sorted(size_t count) {
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < sizeof items[i].filler; k++) {
            ck_assert_uint_eq(items[i].filler[k], (uint8_t)items[i].key);
        }
        if (i > 0) {
            ck_assert(items[i - 1].key <= items[i].key);
            if (items[i - 1].key == items[i].key) {
                ck_assert(items[i - 1].place < items[i].place);
            }
        }
    }
}

/* Every length around the runs and their merges, few and many equal keys. */
START_TEST(test_sort_stable__orders_and_keeps_equal_ones) {
    static const uint64_t KEYS[] = {1, 3, 50, 1000000};
    fill((size_t)_i, KEYS[_i % 4]);
    ck_assert_int_eq(sort_stable(env, items, (size_t)_i, sizeof items[0], by_key, &compared),
                     RMQ_OK);
    check_sorted((size_t)_i);
    uint64_t places = 0;
    for (int i = 0; i < _i; i++) {
        places += items[i].place;
    }
    ck_assert(places == (uint64_t)_i * (uint64_t)(_i > 0 ? _i - 1 : 0) / 2);
}
END_TEST

START_TEST(test_sort_stable__needs_no_memory_up_to_16) {
    fake_fail_at(env, FAKE_FAIL_ALLOC, 1);
    fill(16, 1000);
    ck_assert_int_eq(sort_stable(env, items, 16, sizeof items[0], by_key, &compared), RMQ_OK);
    ck_assert(!fake_failed(env, FAKE_FAIL_ALLOC));
    check_sorted(16);
}
END_TEST

START_TEST(test_sort_stable__leaves_the_array_alone_without_memory) {
    static struct item before[COUNT_MAX];
    fill(17, 1000);
    memcpy(before, items, sizeof items);
    fake_fail_at(env, FAKE_FAIL_ALLOC, 1);
    ck_assert_int_eq(sort_stable(env, items, 17, sizeof items[0], by_key, &compared), RMQ_E_NOMEM);
    ck_assert_mem_eq(before, items, sizeof items);
}
END_TEST

START_TEST(test_sort_stable__compares_about_n_log_n_times) {
    fill(COUNT_MAX, 1000000);
    ck_assert_int_eq(sort_stable(env, items, COUNT_MAX, sizeof items[0], by_key, &compared),
                     RMQ_OK);
    check_sorted(COUNT_MAX);
    ck_assert_uint_lt(compared, COUNT_MAX * 15); /* log2(1000) is 10; runs of 16 cost a little */
}
END_TEST

int main(void) {
    Suite *suite = suite_create("sort");
    TCase *tests = suite_case(suite, "sort");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, test_sort_stable__orders_and_keeps_equal_ones, 0, 140);
    tcase_add_test(tests, test_sort_stable__needs_no_memory_up_to_16);
    tcase_add_test(tests, test_sort_stable__leaves_the_array_alone_without_memory);
    tcase_add_test(tests, test_sort_stable__compares_about_n_log_n_times);
    return suite_run(suite);
}
