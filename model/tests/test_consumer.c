/* test_consumer.c - a push consumer from its start to its stop. */
#include "model/tests/consumer_fixture.h"

START_TEST(test_consume__pulls_delivers_commits) {
    t.stored[0] = 5;
    run("");
    ck_assert_uint_eq(pulls_of(0), 1);
    ck_assert_int_eq(t.held[0].offset, 5);
    ck_assert_int_eq(fake_event_int(t.env, EVENT_queue_acquired, "from_offset"), 5);
    ck_assert_span_eq(fake_event_text(t.env, EVENT_queue_acquired, "source"), "stored");
    find_messages(0, 3);
    ck_assert_str_eq(t.bodies, "m5;m6;m7;");
    ck_assert_uint_eq(events(EVENT_consume_delivered), 3);
    ck_assert_uint_eq(fake_event_uint(t.env, EVENT_consume_pulled, "count"), 3);
    ck_assert_int_eq(fake_event_int(t.env, EVENT_consume_pulled, "last"), 7);
    ck_assert_uint_eq(fake_event_uint(t.env, EVENT_consume_pulled, "foreign"), 0);
    ck_assert_int_eq(take_pull(0).offset, 8);
    pass_ms(9100);
    ck_assert_int_eq(t.commits[0][0], 8);
    stop();
    ck_assert(t.stopped);
    ck_assert_int_eq(t.asked[REQUEST_UNREGISTER_CLIENT], 1);
    ck_assert_int_eq(fake_event_int(t.env, EVENT_queue_released, "committed"), 8);
    ck_assert_span_eq(fake_event_text(t.env, EVENT_queue_released, "reason"), "stop");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("consumer");
    TCase *tests = suite_case(suite, "life");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_consume__pulls_delivers_commits);
    return suite_run(suite);
}
