/* test_broker_flow.c - what waits in front of the store, and who is refused with which words. */
#include "model/tests/message_fixture.h"

static size_t waiting(enum flow_kind kind) {
    return broker()->flow.queues[kind].count;
}

static void expect_refusal(const char *limit, uint64_t measured, uint64_t bound,
                           const char *waiting_for) {
    ck_assert_int_eq(answered.code, RESPONSE_SYSTEM_BUSY);
    ck_assert_uint_eq(fake_event_count(env, EVENT_flow_refused), 1);
    ck_assert_span_eq(fake_event_text(env, EVENT_flow_refused, "limit"), limit);
    ck_assert_uint_eq(fake_event_uint(env, EVENT_flow_refused, "measured"), measured);
    ck_assert_uint_eq(fake_event_uint(env, EVENT_flow_refused, "bound"), bound);
    ck_assert_span_eq(fake_event_text(env, EVENT_flow_refused, "waiting_for"), waiting_for);
}

START_TEST(test_sends__are_rejected_while_the_page_cache_is_busy) {
    start(TOPICS);
    fake_store.write_age_ms = 1001;
    ck_assert_int_eq(send_one(), RESPONSE_SYSTEM_BUSY);
    ck_assert_span_eq(answered.remark,
                      "[REJECTREQUEST]system busy, start flow control for a while; limit "
                      "osPageCacheBusyTimeOutMills 1000ms, waiting for a write to the commit log, "
                      "under way for 1001ms");
    expect_refusal("page_cache", 1001, 1000, "commit log write");
    ck_assert_uint_eq(fake_store.store->count, 0);
}
END_TEST

START_TEST(test_sends__wait_for_a_slow_write) {
    start(TOPICS);
    fake_store.write_age_ms = FLOW_STALL_MS;
    start_send(&client, NO_FIELD, NO_FIELD);
    start_send(&client, WITH("e", "2"), NO_FIELD);
    expect_no_answer(&client);
    ck_assert_uint_eq(waiting(FLOW_SENDS), 2);
    fake_advance_ms(env, 50);
    ck_assert_uint_eq(fake_store.store->count, 0);
    fake_store.write_age_ms = 0;
    fake_advance_ms(env, 10); /* the next scan */
    ck_assert_uint_eq(fake_store.store->count, 2);
    ck_assert_int_eq(fake_store.store->records[0].queue_id, 1); /* in order */
    ck_assert_int_eq(fake_store.store->records[1].queue_id, 2);
    ck_assert(peer_take(&client, &answered));
    ck_assert_int_eq(answered.code, RESPONSE_SUCCESS);
    ck_assert_int_eq(answered.opaque, last_opaque - 1);
    ck_assert(!env_timer_armed(&broker()->flow.timer));
}
END_TEST

START_TEST(test_sends__wait_200_ms_at_most) {
    start(TOPICS);
    fake_store.write_age_ms = 500;
    start_send(&client, NO_FIELD, NO_FIELD);
    fake_advance_ms(env, 190);
    expect_no_answer(&client);
    fake_advance_ms(env, 10);
    take_answer(&client);
    ck_assert_span_eq(answered.remark,
                      "[TIMEOUT_CLEAN_QUEUE]broker busy, start flow control for a while, period in "
                      "queue: 200ms, size of queue: 1; limit waitTimeMillsInSendQueue 200ms, "
                      "waiting for a write to the commit log, under way for 500ms");
    expect_refusal("send_queue", 200, 200, "commit log write");
    ck_assert_uint_eq(waiting(FLOW_SENDS), 0);
    ck_assert(!env_timer_armed(&broker()->flow.timer));
}
END_TEST

START_TEST(test_sends__that_wait_are_refused_when_the_page_cache_is_busy) {
    start(TOPICS);
    fake_store.write_age_ms = 900;
    start_send(&client, NO_FIELD, NO_FIELD);
    fake_store.write_age_ms = 1100;
    fake_advance_ms(env, 10);
    take_answer(&client);
    expect_remark_begins("[PCBUSY_CLEAN_QUEUE]broker busy, start flow control for a while, period "
                         "in queue: 10ms, size of queue: 1; limit osPageCacheBusyTimeOutMills");
    expect_refusal("page_cache", 1100, 1000, "commit log write");
}
END_TEST

START_TEST(test_sends__too_many_are_an_overload) {
    start(TOPICS "sendThreadPoolQueueCapacity=2\n");
    fake_store.slow_puts = true;
    for (int i = 0; i < 4; i++) /* two with the store, two wait */
        start_send(&client, NO_FIELD, NO_FIELD);
    ck_assert_uint_eq(waiting(FLOW_SENDS), 2);
    expect_no_answer(&client);
    ck_assert_int_eq(send_one(), RESPONSE_SYSTEM_BUSY);
    ck_assert_span_eq(answered.remark,
                      "[OVERLOAD]system busy, start flow control for a while; limit "
                      "sendThreadPoolQueueCapacity 2, waiting for 2 puts under way");
    expect_refusal("overload", 2, 2, "puts");
    fake_store_finish_puts(); /* what waited goes at once */
    ck_assert_uint_eq(waiting(FLOW_SENDS), 0);
    fake_store_finish_puts();
    ck_assert_uint_eq(fake_store.store->count, 4);
}
END_TEST

START_TEST(test_sends__without_fast_failure_they_wait) {
    start(TOPICS "brokerFastFailureEnable=false\n");
    fake_store.write_age_ms = 900;
    start_send(&client, NO_FIELD, NO_FIELD);
    fake_advance_ms(env, 60000);
    expect_no_answer(&client);
    fake_store.write_age_ms = 0;
    fake_advance_ms(env, 10);
    take_answer(&client);
    ck_assert_int_eq(answered.code, RESPONSE_SUCCESS);
}
END_TEST

START_TEST(test_sends__the_store_may_be_the_one_that_refuses) {
    start(TOPICS);
    fake_store.put_status = PUT_PAGE_CACHE_BUSY;
    ck_assert_int_eq(send_one(), RESPONSE_SYSTEM_ERROR);
    expect_remark_begins("[PC_SYNCHRONIZED]broker busy, start flow control for a while; limit ");
    ck_assert_span_eq(fake_event_text(env, EVENT_flow_refused, "limit"), "page_cache");
}
END_TEST

START_TEST(test_sends__planted_impatience) {
    start(TOPICS);
    fake_set_plant(env, PLANT_BROKER_BUSY_EARLY, true);
    ck_assert_int_eq(send_one(), RESPONSE_SUCCESS);
    fake_store.write_age_ms = 1;
    ck_assert_int_eq(send_one(), RESPONSE_SYSTEM_BUSY);
    ck_assert_uint_eq(fake_event_uint(env, EVENT_flow_refused, "bound"), 1000);
}
END_TEST

START_TEST(test_sends__oneway_ones_are_refused_in_silence) {
    struct wire_command request;
    start(TOPICS);
    fake_store.write_age_ms = 2000;
    wire_command_init(&request, REQUEST_SEND_MESSAGE_V2);
    request.flag = WIRE_FLAG_ONEWAY;
    add_fields(&request, FIELDS(SEND), NULL, 0);
    peer_send(&client, &request);
    expect_no_answer(&client);
    ck_assert_uint_eq(fake_event_count(env, EVENT_flow_refused), 1);
}
END_TEST

START_TEST(test_sends__that_wait_go_with_their_connection) {
    start(TOPICS);
    fake_store.write_age_ms = 500;
    start_send(&client, NO_FIELD, NO_FIELD);
    fake_peer_close(client.conn);
    ck_assert_uint_eq(waiting(FLOW_SENDS), 0);
    fake_advance_ms(env, 1000);
    ck_assert_uint_eq(fake_event_count(env, EVENT_flow_refused), 0);
}
END_TEST

START_TEST(test_sends__that_wait_may_see_the_broker_stop) {
    start(TOPICS);
    fake_store.write_age_ms = 500;
    start_send(&client, NO_FIELD, NO_FIELD); /* teardown */
    ck_assert_uint_eq(waiting(FLOW_SENDS), 1);
}
END_TEST

START_TEST(test_pulls__wait_for_reads) {
    start(TOPICS "pullMessageThreadPoolNums=1\n");
    ck_assert_int_eq(send_one(), RESPONSE_SUCCESS);
    fake_store.slow_gets = true;
    start_pull(&client, NO_FIELD, NO_FIELD);
    start_pull(&client, NO_FIELD, NO_FIELD);
    ck_assert_uint_eq(waiting(FLOW_PULLS), 1);
    fake_store_finish_gets();
    ck_assert_uint_eq(waiting(FLOW_PULLS), 0);
    ck_assert(peer_take(&client, &answered));
    fake_store_finish_gets();
    take_answer(&client);
    ck_assert_int_eq(answered.code, RESPONSE_SUCCESS);
    ck_assert(!env_timer_armed(&broker()->flow.timer));
}
END_TEST

START_TEST(test_pulls__wait_5_s_at_most) {
    start(TOPICS "pullMessageThreadPoolNums=1\n");
    fake_store.slow_gets = true;
    start_pull(&client, NO_FIELD, NO_FIELD);
    start_pull(&client, NO_FIELD, NO_FIELD);
    fake_advance_ms(env, 4999);
    expect_no_answer(&client);
    fake_advance_ms(env, 1);
    take_answer(&client);
    ck_assert_span_eq(answered.remark,
                      "[TIMEOUT_CLEAN_QUEUE]broker busy, start flow control for a while, period in "
                      "queue: 5000ms, size of queue: 1; limit waitTimeMillsInPullQueue 5000ms, "
                      "waiting for 1 reads of other pulls");
    expect_refusal("pull_queue", 5000, 5000, "reads");
}
END_TEST

START_TEST(test_pulls__too_many_are_an_overload) {
    start(TOPICS "pullMessageThreadPoolNums=1\npullThreadPoolQueueCapacity=1\n");
    fake_store.slow_gets = true;
    for (int i = 0; i < 3; i++)
        start_pull(&client, NO_FIELD, NO_FIELD);
    take_answer(&client);
    expect_remark_begins("[OVERLOAD]system busy, start flow control for a while; limit "
                         "pullThreadPoolQueueCapacity 1, waiting for 1 reads of other pulls");
    expect_refusal("overload", 1, 1, "reads");
}
END_TEST

/* Requests that wait are copies: what they came in is gone when they are looked at. */
START_TEST(test_flow__copes_without_memory) {
    bool failed = true;
    for (unsigned n = 1; failed; n++) {
        if (n > 1) {
            teardown();
            setup();
        }
        start(TOPICS);
        fake_store.write_age_ms = 500;
        fake_fail_at(env, FAKE_FAIL_ALLOC, n);
        start_send(&client, NO_FIELD, NO_FIELD);
        fake_store.write_age_ms = 0;
        fake_advance_ms(env, 20);
        failed = fake_failed(env, FAKE_FAIL_ALLOC);
        if (fake_is_open(client.conn) && fake_written(client.conn).len > 0)
            take_answer(&client);
    }
    ck_assert_int_eq(answered.code, RESPONSE_SUCCESS);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("broker_flow");
    TCase *tests = suite_case(suite, "flow");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_sends__are_rejected_while_the_page_cache_is_busy);
    tcase_add_test(tests, test_sends__wait_for_a_slow_write);
    tcase_add_test(tests, test_sends__wait_200_ms_at_most);
    tcase_add_test(tests, test_sends__that_wait_are_refused_when_the_page_cache_is_busy);
    tcase_add_test(tests, test_sends__too_many_are_an_overload);
    tcase_add_test(tests, test_sends__without_fast_failure_they_wait);
    tcase_add_test(tests, test_sends__the_store_may_be_the_one_that_refuses);
    tcase_add_test(tests, test_sends__planted_impatience);
    tcase_add_test(tests, test_sends__oneway_ones_are_refused_in_silence);
    tcase_add_test(tests, test_sends__that_wait_go_with_their_connection);
    tcase_add_test(tests, test_sends__that_wait_may_see_the_broker_stop);
    tcase_add_test(tests, test_pulls__wait_for_reads);
    tcase_add_test(tests, test_pulls__wait_5_s_at_most);
    tcase_add_test(tests, test_pulls__too_many_are_an_overload);
    tcase_add_test(tests, test_flow__copes_without_memory);
    return suite_run(suite);
}
