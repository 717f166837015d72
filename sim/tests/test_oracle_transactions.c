/* O-TX (sim/oracle/transactions.c) on hand-made streams. */
#include "sim/tests/flow.h"

#define PARAMETERS "checks=2 within=20s delivered=10s"

static struct stream begun(void) {
    struct stream stream = stream_of("transactions", PARAMETERS);
    stream_start(&stream);
    stream.now_ns = 100 * SECOND;
    flow_acquire(&stream, CLIENT, BROKER_A, 0, 0);
    return stream;
}

/* Half message `number` is stored at place `number` of the half queue. */
static void prepare(struct stream *stream, uint64_t number) {
    flow_send(stream, NUMBER(number));
    s_transaction_stored(stream, BROKER_A, "broker-a", (int64_t)number, (int64_t)number * 100);
    stream->now_ns += MS;
    s_transaction_prepared(stream, CLIENT, "T", "broker-a", (int64_t)number, NUMBER(number), 0);
    s_send_failed(stream, CLIENT, "T", NUMBER(number), "broker-a", 0, "prepared", 1, 1, MS);
}

static void decide(struct stream *stream, uint64_t offset, uint64_t number, uint64_t state,
                   bool sent) {
    s_transaction_decided(stream, CLIENT, "broker-a", (int64_t)offset, NUMBER(number), state, 0,
                          sent);
    stream->now_ns += MS;
    if (sent && state != 0)
        s_transaction_ended(stream, BROKER_A, "broker-a", (int64_t)offset, state, 0);
}

static void check(struct stream *stream, int64_t from, int64_t to, uint64_t times) {
    s_transaction_checked(stream, BROKER_A, "broker-a", to, from, times, 1);
    stream->now_ns += MS;
}

static void deliver(struct stream *stream, uint64_t offset, uint64_t number) {
    flow_deliver(stream, CLIENT, BROKER_A, 0, offset, NUMBER(number));
}

START_TEST(test_transactions__that_end_as_decided_pass) {
    struct stream stream = begun();
    prepare(&stream, 1);
    decide(&stream, 1, 1, 8, true);
    deliver(&stream, 0, 1);
    prepare(&stream, 2);
    decide(&stream, 2, 2, 12, true);
    prepare(&stream, 3); /* a check finds it */
    decide(&stream, 3, 3, 0, true);
    stream.now_ns += 10 * SECOND;
    check(&stream, 3, 4, 1);
    decide(&stream, 4, 3, 8, true);
    deliver(&stream, 1, 3);
    prepare(&stream, 5); /* nobody knows */
    decide(&stream, 5, 5, 0, true);
    s_transaction_discarded(&stream, BROKER_A, "broker-a", 5, 2, "checks");
    stream.now_ns += 60 * SECOND;
    EXPECT(stream, PASS);
}
END_TEST

START_TEST(test_transactions__none_is_unknown) {
    struct stream stream = begun();
    EXPECT_REASON(stream, UNKNOWN, "no transactions");
}
END_TEST

/* Sent by transactions, delivered though nobody committed it. */
START_TEST(test_transactions__what_was_not_committed_is_not_seen) {
    struct stream stream = begun();
    prepare(&stream, 1);
    if (_i == 0)
        decide(&stream, 1, 1, 12, true);
    deliver(&stream, 0, 1);
    EXPECT_REASON(stream, FAIL, _i == 0 ? "it was rolled back" : "it was not committed");
}
END_TEST

START_TEST(test_transactions__two_places_need_two_commits) {
    struct stream stream = begun();
    prepare(&stream, 1);
    decide(&stream, 1, 1, 8, true);
    if (_i == 1) { /* an older copy was ended, too */
        check(&stream, 1, 2, 1);
        decide(&stream, 2, 1, 8, true);
    }
    deliver(&stream, 0, 1);
    deliver(&stream, 0, 1);
    deliver(&stream, 1, 1);
    if (_i == 0)
        EXPECT_REASON(stream, FAIL, "is at 2 places");
    else /* it had ended when it was asked for */
        EXPECT_REASON(stream, FAIL, "which has ended");
}
END_TEST

START_TEST(test_transactions__checks_have_a_limit) {
    struct stream stream = begun();
    prepare(&stream, 1);
    check(&stream, 1, 2, 1);
    check(&stream, 2, 3, 2);
    check(&stream, 3, 4, 3);
    EXPECT_REASON(stream, FAIL, "more than 2 times");
}
END_TEST

START_TEST(test_transactions__end_in_time) {
    struct stream stream = begun();
    prepare(&stream, 1);
    stream.now_ns += 19 * SECOND;
    if (_i == 1)
        stream.now_ns += 2 * SECOND;
    prepare(&stream, 2);
    if (_i == 1)
        EXPECT_REASON(stream, FAIL, "has not ended");
    else
        EXPECT(stream, PASS);
}
END_TEST

START_TEST(test_transactions__committed_ones_are_not_given_up) {
    struct stream stream = begun();
    prepare(&stream, 1);
    decide(&stream, 1, 1, 8, false);
    s_transaction_discarded(&stream, BROKER_A, "broker-a", 1, 2, "checks");
    EXPECT_REASON(stream, FAIL, "is given up");
}
END_TEST

START_TEST(test_transactions__committed_ones_are_delivered) {
    struct stream stream = begun();
    prepare(&stream, 1);
    decide(&stream, 1, 1, 8, true);
    prepare(&stream, 2);
    decide(&stream, 2, 2, 8, true);
    deliver(&stream, 0, 1);
    stream.now_ns += 11 * SECOND;
    EXPECT_REASON(stream, FAIL, "is not delivered");
}
END_TEST

/* What was not flushed is not expected after a power-off; a kill takes nothing. */
START_TEST(test_transactions__after_a_power_off) {
    struct stream stream = begun();
    prepare(&stream, 1);
    flow_restart(&stream, BROKER_A, _i == 0 ? "power_off" : "kill", 0);
    stream.now_ns += 30 * SECOND;
    s_store_flushed(&stream, BROKER_A, 0, 1);
    if (_i == 0)
        EXPECT(stream, PASS);
    else
        EXPECT_REASON(stream, FAIL, "has not ended");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("oracle_transactions");
    TCase *tests = tcase_create("all");
    tcase_add_test(tests, test_transactions__that_end_as_decided_pass);
    tcase_add_test(tests, test_transactions__none_is_unknown);
    tcase_add_loop_test(tests, test_transactions__what_was_not_committed_is_not_seen, 0, 2);
    tcase_add_loop_test(tests, test_transactions__two_places_need_two_commits, 0, 2);
    tcase_add_test(tests, test_transactions__checks_have_a_limit);
    tcase_add_loop_test(tests, test_transactions__end_in_time, 0, 2);
    tcase_add_test(tests, test_transactions__committed_ones_are_not_given_up);
    tcase_add_test(tests, test_transactions__committed_ones_are_delivered);
    tcase_add_loop_test(tests, test_transactions__after_a_power_off, 0, 2);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
