/* test_consumer_lite.c - the lite pull consumer (client.md 25.2). */
#include "model/tests/consumer_fixture.h"

static void setup_lite(void) {
    set_defaults();
    t.lite = true;
    t.config = "consumerGroup=g\nsubscription=T:A\n";
}

static struct consume_batch *poll_batch(size_t count) {
    struct consume_batch *batch = lite_poll(t.consumer);
    ck_assert_ptr_nonnull(batch);
    ck_assert_uint_eq(batch->count, count);
    return batch;
}

START_TEST(test_request__as_recorded) {
    run(_i == 0 ? "" : "profile=5.3\n");
    struct held_pull pull = take_pull(0);
    ck_assert_int_eq(pull.code, _i == 0 ? REQUEST_PULL_MESSAGE : REQUEST_LITE_PULL_MESSAGE);
    ck_assert_int_eq(pull.sys_flag, 22);
    ck_assert_int_eq(pull.max_nums, 10);
    ck_assert_int_eq(pull.version, 0);
    ck_assert_int_eq(pull.commit, 0);
    ck_assert_str_eq(pull.subscription, "A");
    ck_assert_ptr_nonnull(strstr(t.fields[pull.code], "suspendTimeoutMillis=20000 "));
    ck_assert_ptr_nonnull(strstr(t.heartbeat, "\"CONSUME_ACTIVELY\""));
    ck_assert_ptr_null(strstr(t.heartbeat, "%RETRY%"));
}
END_TEST

START_TEST(test_poll__a_later_one_commits) {
    run("");
    ck_assert_ptr_null(lite_poll(t.consumer));
    find_messages(0, 3);
    find_messages(0, 2);
    struct consume_batch *first = poll_batch(3);
    ck_assert_uint_eq(events(EVENT_consume_delivered), 3);
    ck_assert_uint_eq(fake_event_uint(t.env, EVENT_consume_delivered, "message"), 2);
    struct consume_batch *second = poll_batch(2);
    consumer_batch_done(second, true);
    pass_ms(6000);
    ck_assert_ptr_null(lite_poll(t.consumer));
    ck_assert_int_eq(next_commit(), 0); /* the first is still worked on */
    consumer_batch_done(first, true);
    pass_ms(6000);
    ck_assert_int_eq(next_commit(), 0); /* no poll yet */
    ck_assert_ptr_null(lite_poll(t.consumer));
    ck_assert_int_eq(next_commit(), 5);
}
END_TEST

START_TEST(test_commit__by_hand) {
    t.config = "consumerGroup=g\nsubscription=T:A\nautoCommit=false\n";
    run("");
    find_messages(0, 3);
    consumer_batch_done(poll_batch(3), true);
    pass_ms(12000);
    ck_assert_ptr_null(lite_poll(t.consumer));
    ck_assert_int_eq(next_commit(), 0);
    lite_commit(t.consumer);
    serve();
    ck_assert_int_eq(t.commits[0][0], 3);
}
END_TEST

START_TEST(test_assign__without_rebalance) {
    t.config = "consumerGroup=g\n";
    t.queues = 4;
    run(_i == 0 ? "" : "profile=5.3\n");
    t.stored[2] = 8;
    ck_assert_int_eq(lite_assign(t.consumer, SPAN_LITERAL("T"), SPAN_LITERAL("a"), 2), RMQ_OK);
    ck_assert_int_eq(lite_assign(t.consumer, SPAN_LITERAL("T"), SPAN_LITERAL("a"), 2),
                     RMQ_E_EXISTS);
    serve();
    pass_ms(100);
    ck_assert_int_eq(take_pull(2).offset, 8);
    ck_assert_int_eq(t.asked[REQUEST_GET_CONSUMER_LIST_BY_GROUP], 0);
    pass_ms(60000);
    ck_assert_uint_eq(t.consumer->queue_count, 1);
}
END_TEST

START_TEST(test_assign__excludes_subscribe) {
    run("");
    ck_assert_int_eq(lite_assign(t.consumer, SPAN_LITERAL("T"), SPAN_LITERAL("a"), 0), RMQ_E_STATE);
}
END_TEST

/* No rebalance would bring the queue back. */
START_TEST(test_assign__asks_again_after_3_s) {
    t.config = "consumerGroup=g\n";
    t.stored_code = RESPONSE_SYSTEM_ERROR;
    run("");
    ck_assert_int_eq(lite_assign(t.consumer, SPAN_LITERAL("T"), SPAN_LITERAL("a"), 0), RMQ_OK);
    serve();
    pass_ms(2900);
    ck_assert_uint_eq(t.held_count, 0);
    t.stored_code = 0;
    pass_ms(200);
    ck_assert_uint_eq(pulls_of(0), 1);
}
END_TEST

START_TEST(test_seek__drops_and_pulls_from_there) {
    run("");
    find_messages(0, 3);
    find_messages(0, 3);
    struct consume_batch *batch = poll_batch(3);
    t.held_count = 0;
    ck_assert_int_eq(lite_seek(t.consumer, SPAN_LITERAL("T"), SPAN_LITERAL("a"), 0, 2), RMQ_OK);
    serve();
    ck_assert_int_eq(take_pull(0).offset, 2);
    ck_assert_ptr_null(lite_poll(t.consumer));
    (void)batch; /* ended by on_dropped */
    ck_assert_uint_eq(t.dropped, 1);
    lite_commit(t.consumer);
    serve();
    ck_assert_int_eq(t.commits[0][0], 2);
    ck_assert_int_eq(lite_seek(t.consumer, SPAN_LITERAL("T"), SPAN_LITERAL("a"), 0, -1),
                     RMQ_E_RANGE);
    ck_assert_int_eq(lite_seek(t.consumer, SPAN_LITERAL("U"), SPAN_LITERAL("a"), 0, 1),
                     RMQ_E_NOT_FOUND);
}
END_TEST

START_TEST(test_pause__messages_wait) {
    run("");
    find_messages(0, 3);
    ck_assert_int_eq(lite_pause(t.consumer, SPAN_LITERAL("T"), SPAN_LITERAL("a"), 0, true), RMQ_OK);
    ck_assert_ptr_null(lite_poll(t.consumer));
    find_messages(0, 1);
    pass_ms(3000);
    ck_assert_uint_eq(pulls_of(0), 0);
    ck_assert_int_eq(lite_pause(t.consumer, SPAN_LITERAL("T"), SPAN_LITERAL("a"), 0, false),
                     RMQ_OK);
    consumer_batch_done(poll_batch(3), true);
    pass_ms(1100);
    ck_assert_uint_eq(pulls_of(0), 1);
}
END_TEST

START_TEST(test_illegal__goes_on_from_there) {
    t.stored[0] = 50;
    run("");
    struct held_pull pull = take_pull(0);
    answer_pull(&pull, RESPONSE_PULL_OFFSET_MOVED, 20, 0, 20, SPAN_NONE);
    ck_assert_int_eq(take_pull(0).offset, 20);
    ck_assert_uint_eq(events(EVENT_queue_released), 0);
}
END_TEST

START_TEST(test_threshold__of_all_queues) {
    t.config = "consumerGroup=g\nsubscription=T:A\npullThresholdForAll=20\n";
    run("");
    find_messages(0, 1);
    find_messages(0, 1);
    ck_assert_uint_eq(pulls_of(0), 1); /* two requests, times ten, are not more than 20 */
    find_messages(0, 1);
    ck_assert_uint_eq(pulls_of(0), 0);
    consumer_batch_done(poll_batch(1), true);
    pass_ms(60);
    ck_assert_uint_eq(pulls_of(0), 1);
}
END_TEST

START_TEST(test_stop__commits_what_is_done) {
    run("");
    find_messages(0, 3);
    consumer_batch_done(poll_batch(3), true);
    stop();
    ck_assert_int_eq(t.commits[0][0], 3);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("consumer_lite");
    TCase *tests = suite_case(suite, "lite");
    tcase_add_checked_fixture(tests, setup_lite, teardown);
    tcase_add_loop_test(tests, test_request__as_recorded, 0, 2);
    tcase_add_test(tests, test_poll__a_later_one_commits);
    tcase_add_test(tests, test_commit__by_hand);
    tcase_add_loop_test(tests, test_assign__without_rebalance, 0, 2);
    tcase_add_test(tests, test_assign__excludes_subscribe);
    tcase_add_test(tests, test_assign__asks_again_after_3_s);
    tcase_add_test(tests, test_seek__drops_and_pulls_from_there);
    tcase_add_test(tests, test_pause__messages_wait);
    tcase_add_test(tests, test_illegal__goes_on_from_there);
    tcase_add_test(tests, test_threshold__of_all_queues);
    tcase_add_test(tests, test_stop__commits_what_is_done);
    return suite_run(suite);
}
