/* test_process_queue.c - the ring against a plain table of what is unfinished. */
#include "model/client/process_queue.h"
#include "model/tests/env_fake.h"
#include "model/tests/suite.h"

static struct env *env;
static struct process_queue queue;

static void setup(void) {
    env = fake_create();
    process_queue_init(&queue, env);
}

static void teardown(void) {
    process_queue_deinit(&queue);
    fake_destroy(env);
}

static void put(int64_t offset) {
    ck_assert_int_eq(process_queue_reserve(&queue, 1), RMQ_OK);
    process_queue_put(&queue, offset, 10);
}

START_TEST(test_progress__is_the_lowest_unfinished) {
    ck_assert_int_eq(process_queue_progress(&queue), -1);
    for (int64_t i = 5; i < 10; i++)
        put(i);
    process_queue_finish(&queue, 7);
    process_queue_finish(&queue, 9);
    ck_assert_int_eq(process_queue_progress(&queue), 5);
    ck_assert_uint_eq(process_queue_span(&queue), 3);
    process_queue_finish(&queue, 5);
    ck_assert_int_eq(process_queue_progress(&queue), 6);
    process_queue_finish(&queue, 6);
    ck_assert_int_eq(process_queue_progress(&queue), 8);
    process_queue_finish(&queue, 8);
    ck_assert_int_eq(process_queue_progress(&queue), 10);
    ck_assert_uint_eq(queue.bytes, 0);
    process_queue_clear(&queue);
    ck_assert_int_eq(process_queue_progress(&queue), -1);
}
END_TEST

START_TEST(test_put__twice_counts_once) {
    put(3);
    put(4);
    put(3);
    ck_assert_uint_eq(queue.count, 2);
    process_queue_finish(&queue, 3);
    process_queue_finish(&queue, 3);
    process_queue_finish(&queue, 99);
    ck_assert_uint_eq(queue.count, 1);
    ck_assert_uint_eq(queue.bytes, 10);
}
END_TEST

#define OFFSETS 300

START_TEST(test_ring__as_a_table) {
    bool unfinished[OFFSETS] = {false};
    int64_t max = -1;
    fake_seed(env, (uint64_t)_i + 1);
    for (int step = 0; step < 4000; step++) {
        /* Mostly ascending with gaps, now and then out of order. */
        int64_t offset = (int64_t)env_random_below(env, OFFSETS);
        if (env_random_below(env, 2) == 0) {
            put(offset);
            unfinished[offset] = true;
            max = offset > max ? offset : max;
        } else {
            process_queue_finish(&queue, offset);
            unfinished[offset] = false;
        }
        size_t count = 0;
        int64_t low = max < 0 ? -1 : max + 1, high = -1;
        for (int64_t i = OFFSETS - 1; i >= 0; i--) {
            if (!unfinished[i])
                continue;
            count++;
            low = i;
            high = high < 0 ? i : high;
        }
        ck_assert_uint_eq(queue.count, count);
        ck_assert_uint_eq(queue.bytes, 10 * count);
        ck_assert_int_eq(process_queue_progress(&queue), low);
        ck_assert_uint_eq(process_queue_span(&queue), count == 0 ? 0 : (uint64_t)(high - low));
    }
}
END_TEST

START_TEST(test_reserve__without_memory_changes_nothing) {
    for (int64_t i = 0; i < 32; i++)
        put(i);
    fake_fail_at(env, FAKE_FAIL_ALLOC, 1);
    ck_assert_int_eq(process_queue_reserve(&queue, 1), RMQ_E_NOMEM);
    ck_assert_uint_eq(queue.count, 32);
    ck_assert_int_eq(process_queue_progress(&queue), 0);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("process_queue");
    TCase *tests = suite_case(suite, "process_queue");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_progress__is_the_lowest_unfinished);
    tcase_add_test(tests, test_put__twice_counts_once);
    tcase_add_loop_test(tests, test_ring__as_a_table, 0, 20);
    tcase_add_test(tests, test_reserve__without_memory_changes_nothing);
    return suite_run(suite);
}
