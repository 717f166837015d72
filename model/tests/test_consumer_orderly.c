/* test_consumer_orderly.c - orderly consumption: locks, one batch at a time, failures in place. */
#include "model/tests/consumer_fixture.h"

#define ORDERLY "consumerGroup=g\nsubscription=T\norderly=true\n"

static void begin_orderly(int queues) {
    t.queues = queues;
    t.config = ORDERLY;
    run("");
}

START_TEST(test_orderly__locks_before_it_asks_and_pulls) {
    t.locks_refused = true;
    begin_orderly(1);
    ck_assert_int_eq(t.asked[REQUEST_LOCK_BATCH_MQ], 1);
    ck_assert_int_eq(t.asked[REQUEST_QUERY_CONSUMER_OFFSET], 0);
    ck_assert_uint_eq(pulls_of(0), 0);
    t.locks_refused = false; /* found by the next rebalance */
    pass_ms(21000);
    ck_assert_int_eq(t.asked[REQUEST_QUERY_CONSUMER_OFFSET], 1);
    ck_assert_uint_eq(pulls_of(0), 1);
    int before = t.asked[REQUEST_LOCK_BATCH_MQ];
    pass_ms(60000); /* renewed each 20 s */
    ck_assert_int_eq(t.asked[REQUEST_LOCK_BATCH_MQ], before + 3);
}
END_TEST

START_TEST(test_orderly__one_batch_of_a_queue_at_a_time) {
    t.mode = LISTENER_HOLDS;
    begin_orderly(2);
    find_messages(0, 3);
    find_messages(1, 1);
    ck_assert_str_eq(t.bodies, "m0;m0;"); /* one of each queue */
    end_batch(1, true);
    ck_assert_str_eq(t.bodies, "m0;m0;");
    end_batch(0, true);
    ck_assert_str_eq(t.bodies, "m0;m0;m1;");
    find_messages(0, 1);
    ck_assert_str_eq(t.bodies, "m0;m0;m1;");
    end_batch(2, true);
    end_batch(3, true);
    ck_assert_str_eq(t.bodies, "m0;m0;m1;m2;m3;");
    end_batch(4, true);
    pass_ms(15000);
    ck_assert_int_eq(t.commits[0][0], 4);
}
END_TEST

START_TEST(test_orderly__a_failed_one_comes_again_first) {
    t.mode = LISTENER_FAILS;
    begin_orderly(1);
    find_messages(0, 2);
    ck_assert_str_eq(t.bodies, "m0;");
    pass_ms(900);
    ck_assert_str_eq(t.bodies, "m0;");
    pass_ms(200); /* suspendCurrentQueueTimeMillis: 1000 */
    ck_assert_str_eq(t.bodies, "m0;m0;");
    t.mode = LISTENER_OK;
    pass_ms(1000);
    ck_assert_str_eq(t.bodies, "m0;m0;m0;m1;");
}
END_TEST

/* 29.3 Q4: kept until the listener ends, whose result counts; then unlocked. */
START_TEST(test_orderly__a_queue_that_moves_waits_for_its_listener) {
    t.mode = LISTENER_HOLDS;
    begin_orderly(2);
    find_messages(1, 2);
    t.members = "{\"consumerIdList\":[\"10.0.0.9@c0\",\"10.0.0.9@c1\"]}"; /* ours: queue 1 */
    pass_ms(20000);
    ck_assert_int_eq(t.asked[REQUEST_UNLOCK_BATCH_MQ], 1);                /* queue 0 was idle */
    t.members = "{\"consumerIdList\":[\"10.0.0.9@c1\",\"10.0.0.9@c2\"]}"; /* ours: queue 0 */
    pass_ms(20000);
    ck_assert_int_eq(t.asked[REQUEST_UNLOCK_BATCH_MQ], 1);
    ck_assert_uint_eq(t.dropped, 0);
    end_batch(0, true);
    serve();
    ck_assert_int_eq(t.asked[REQUEST_UNLOCK_BATCH_MQ], 2);
    ck_assert_int_eq(t.commits[0][1], 1);
    ck_assert_str_eq(t.bodies, "m0;"); /* the next one is the other member's */
}
END_TEST

/* 31.4: without an answer for 30 s nothing more is consumed, and the queue begins anew. */
START_TEST(test_orderly__a_stale_lock_stops_it) {
    t.mode = LISTENER_HOLDS;
    begin_orderly(1);
    find_messages(0, 2);
    t.deaf[0] = true;
    pass_ms(51000);
    end_batch(0, true);
    pass_ms(200);
    ck_assert_str_eq(t.bodies, "m0;");
    ck_assert_uint_gt(fake_event_count(t.env, EVENT_queue_released), 0);
    t.deaf[0] = false;
    t.stored[0] = 1;
    t.held_count = 0;
    pass_ms(45000);
    ck_assert_uint_eq(pulls_of(0), 1);
    ck_assert_int_eq(t.held[t.held_count - 1].offset, 1);
}
END_TEST

START_TEST(test_orderly__a_refused_renewal_gives_the_queue_up) {
    begin_orderly(1);
    ck_assert_uint_eq(pulls_of(0), 1);
    t.locks_refused = true;
    int commits = t.commit_count;
    pass_ms(20000);
    ck_assert_uint_gt(fake_event_count(t.env, EVENT_queue_released), 0);
    ck_assert_int_ge(t.commit_count, commits);
    ck_assert_int_eq(t.asked[REQUEST_UNLOCK_BATCH_MQ], 0); /* it is not ours */
}
END_TEST

START_TEST(test_orderly__unlocks_at_the_stop) {
    begin_orderly(2);
    stop();
    ck_assert_int_eq(t.asked[REQUEST_UNLOCK_BATCH_MQ], 2);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("consumer_orderly");
    TCase *tests = suite_case(suite, "orderly");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_orderly__locks_before_it_asks_and_pulls);
    tcase_add_test(tests, test_orderly__one_batch_of_a_queue_at_a_time);
    tcase_add_test(tests, test_orderly__a_failed_one_comes_again_first);
    tcase_add_test(tests, test_orderly__a_queue_that_moves_waits_for_its_listener);
    tcase_add_test(tests, test_orderly__a_stale_lock_stops_it);
    tcase_add_test(tests, test_orderly__a_refused_renewal_gives_the_queue_up);
    tcase_add_test(tests, test_orderly__unlocks_at_the_stop);
    return suite_run(suite);
}
