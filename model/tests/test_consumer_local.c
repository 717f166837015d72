/* test_consumer_local.c - BROADCASTING: all queues, and progress in a file (client.md 23.3; the
 * rows of 29.4). */
#include "model/tests/consumer_fixture.h"

#define BROADCAST "consumerGroup=g\nsubscription=T\nmessageModel=BROADCASTING\n"
#define FOLDER "/rocketmq_offsets/10.0.0.9@c1/g/"
#define FILE_PATH FOLDER "offsets.json"
#define ENTRY(broker, id, topic, offset)                                                           \
    "{\n\t\t\t\"brokerName\":\"" broker "\",\n\t\t\t\"queueId\":" id ",\n\t\t\t\"topic\":\"" topic \
    "\"\n\t\t}:" offset
#define TABLE(entries) "{\n\t\"offsetTable\":{" entries "\n\t}\n}"

static void setup_broadcast(void) {
    set_defaults();
    t.config = BROADCAST;
    t.members = "";
}

static void put_file(const char *path, const char *text) {
    fake_put_file(t.env, path, span_of_text(text));
}

static void assert_file(const char *expected) {
    struct span content;
    ck_assert(fake_get_file(t.env, FILE_PATH, &content));
    ck_assert_span_eq(content, expected);
}

START_TEST(test_all_queues__nothing_at_brokers) {
    t.queues = 2;
    t.broker_count = 2;
    t.max = 7;
    run("");
    ck_assert_uint_eq(t.consumer->queue_count, 4);
    ck_assert_uint_eq(t.consumer->topic_count, 1); /* no retries */
    ck_assert_int_eq(t.asked[REQUEST_GET_CONSUMER_LIST_BY_GROUP], 0);
    ck_assert_int_eq(t.asked[REQUEST_QUERY_CONSUMER_OFFSET], 0);
    ck_assert_int_eq(t.held[0].offset, 7); /* from the end */
    ck_assert_span_eq(fake_event_text(t.env, EVENT_consumer_rebalanced, "strategy"), "ALL");
    find_messages(0, 1);
    pass_ms(12000);
    ck_assert_int_eq(t.commit_count, 0);
    struct held_pull pull = take_pull(1);
    ck_assert_int_eq(pull.commit, 0);
    ck_assert_int_eq(pull.sys_flag, PULL_FLAG_SUSPEND);
}
END_TEST

START_TEST(test_file__written_as_java_does) {
    t.queues = 2;
    run("");
    find_messages(0, 3);
    find_messages(1, 1);
    pass_ms(12000);
    assert_file(TABLE(ENTRY("a", "0", "T", "3") "," ENTRY("a", "1", "T", "1")));
    find_messages(0, 2);
    stop();
    assert_file(TABLE(ENTRY("a", "0", "T", "5") "," ENTRY("a", "1", "T", "1")));
}
END_TEST

START_TEST(test_file__read_at_the_start) {
    put_file(FILE_PATH, TABLE(ENTRY("b", "0", "T", "9") "," ENTRY("a", "0", "T", "41")));
    run("");
    ck_assert_int_eq(take_pull(0).offset, 41);
    ck_assert_span_eq(fake_event_text(t.env, EVENT_queue_acquired, "source"), "stored");
}
END_TEST

/* B3 */
START_TEST(test_file__backup_when_broken) {
    static const char *const BROKEN[] = {NULL, "", "{", "{\"offsetTable\":{{}:1}}",
                                         TABLE(ENTRY("a", "0", "T", "\"x\""))};
    if (BROKEN[_i] != NULL)
        put_file(FILE_PATH, BROKEN[_i]);
    put_file(FILE_PATH ".bak", TABLE(ENTRY("a", "0", "T", "40")));
    run("");
    ck_assert_int_eq(take_pull(0).offset, 40);
}
END_TEST

START_TEST(test_file__both_broken_does_not_begin) {
    put_file(FILE_PATH, "{");
    put_file(FILE_PATH ".bak", "[");
    run("");
    pass_ms(60000);
    ck_assert_uint_eq(t.held_count, 0);
    ck_assert(fake_log_contains(t.env, "not started"));
}
END_TEST

/* B5, milder: what another process wrote about other queues stays. */
START_TEST(test_file__merged_before_each_write) {
    run("");
    find_messages(0, 3);
    pass_ms(12000);
    put_file(FILE_PATH, TABLE(ENTRY("a", "0", "T", "1") "," ENTRY("z", "5", "U", "77")));
    pass_ms(6000);
    assert_file(TABLE(ENTRY("a", "0", "T", "3") "," ENTRY("z", "5", "U", "77")));
}
END_TEST

/* B1 */
START_TEST(test_failed__is_skipped) {
    t.mode = LISTENER_FAILS;
    run("");
    find_messages(0, 2);
    pass_ms(12000);
    ck_assert_str_eq(t.bodies, "m0;m1;");
    ck_assert_uint_eq(events(EVENT_consume_failed), 2);
    assert_file(TABLE(ENTRY("a", "0", "T", "2")));
}
END_TEST

START_TEST(test_stop__while_a_write_is_under_way) {
    run("");
    find_messages(0, 3);
    pass_ms(8500);
    fake_hold_files(t.env, true);
    pass_ms(1500); /* the write of 10 s waits */
    find_messages(0, 2);
    fake_stop(t.env);
    serve();
    ck_assert(!t.stopped);
    fake_hold_files(t.env, false);
    serve();
    pass_ms(100);
    ck_assert(t.stopped);
    assert_file(TABLE(ENTRY("a", "0", "T", "5")));
}
END_TEST

START_TEST(test_writes_fail__the_next_one_brings_it) {
    run("");
    find_messages(0, 3);
    pass_ms(8500);
    fake_fail_at(t.env, (enum fake_failure)_i, 1);
    pass_ms(2000);
    ck_assert(fake_failed(t.env, (enum fake_failure)_i));
    pass_ms(5000);
    assert_file(TABLE(ENTRY("a", "0", "T", "3")));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("consumer_local");
    TCase *tests = suite_case(suite, "local");
    tcase_add_checked_fixture(tests, setup_broadcast, teardown);
    tcase_add_test(tests, test_all_queues__nothing_at_brokers);
    tcase_add_test(tests, test_file__written_as_java_does);
    tcase_add_test(tests, test_file__read_at_the_start);
    tcase_add_loop_test(tests, test_file__backup_when_broken, 0, 5);
    tcase_add_test(tests, test_file__both_broken_does_not_begin);
    tcase_add_test(tests, test_file__merged_before_each_write);
    tcase_add_test(tests, test_failed__is_skipped);
    tcase_add_test(tests, test_stop__while_a_write_is_under_way);
    tcase_add_loop_test(tests, test_writes_fail__the_next_one_brings_it, FAKE_FAIL_FILE_WRITE,
                        FAKE_FAIL_FILE_WRITE + 1);
    tcase_add_loop_test(tests, test_writes_fail__the_next_one_brings_it, FAKE_FAIL_FILE_SYNC,
                        FAKE_FAIL_FILE_SYNC + 1);
    return suite_run(suite);
}
