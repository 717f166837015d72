/* test_store_queue.c - consume queues, dispatch and gets of a store on the fake's disk. */
#include "model/tests/store_fixture.h"
#include "model/tests/suite.h"

static struct store_fixture f;

static void setup(void) {
    sf_begin(&f);
}

static void teardown(void) {
    sf_end(&f);
}

START_TEST(test_store__put_dispatch_get) {
    struct sf_put put = sf_put(&f, "T", 3, "hi", "TAGS\001TagA");
    ck_assert(put.done);
    ck_assert_int_eq(put.status, PUT_OK);
    ck_assert_int_eq(put.put.queue_offset, 0);
    ck_assert_uint_eq(f.arrivals, 1);
    ck_assert_str_eq(f.last.topic, "T");
    ck_assert_int_eq(f.last.max_offset, 1);
    ck_assert_int_eq(f.last.tags_code, 2598919);
    ck_assert_int_eq(store_max_offset(f.store, SPAN_LITERAL("T"), 3), 1);
    struct sf_get get;
    sf_get(&f, &get, "T", 3, 0, 32);
    ck_assert_int_eq(get.status, GET_FOUND);
    ck_assert_uint_eq(get.get.count, 1);
    ck_assert_int_eq(get.get.next_offset, 1);
    struct message message = sf_record(&get, 0);
    ck_assert(span_equal(message.body, SPAN_LITERAL("hi")));
    buf_deinit(&get.get.records);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("store_queue");
    TCase *tests = suite_case(suite, "path");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_store__put_dispatch_get);
    return suite_run(suite);
}
