/* test_broker_query.c - requests 12 and 29 to 33 over the fake store. */
#include "model/tests/message_fixture.h"

static const struct field QUEUE[] = {{"topic", "T"}, {"queueId", "1"}};

static int32_t ask(int32_t code, const struct field *fields, size_t count) {
    send_request(&client, code, fields, count, NULL, 0, SPAN_NONE);
    take_answer(&client);
    return answered.code;
}

/* Three messages, a second apart; the first at 2026-01-01T00:00:00Z. */
#define FIRST_MS "1767225600000"
#define SECOND_MS "1767225601000"

static void fill(void) {
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(send_one(), RESPONSE_SUCCESS);
        fake_advance_ms(env, 1000);
    }
}

START_TEST(test_30_31__bounds_of_a_queue) {
    static const struct field unknown[] = {{"topic", "Nothing"}, {"queueId", "7"}};
    start(TOPICS);
    fill();
    fake_store.min_is_not_zero = true;
    ck_assert_int_eq(ask(REQUEST_GET_MAX_OFFSET, FIELDS(QUEUE)), RESPONSE_SUCCESS);
    ck_assert_int_eq(number_of("offset"), 3);
    ck_assert_int_eq(ask(REQUEST_GET_MIN_OFFSET, FIELDS(QUEUE)), RESPONSE_SUCCESS);
    ck_assert_int_eq(number_of("offset"), 2);
    ck_assert_int_eq(ask(REQUEST_GET_MAX_OFFSET, FIELDS(unknown)), RESPONSE_SUCCESS);
    ck_assert_int_eq(number_of("offset"), 0);
}
END_TEST

START_TEST(test_29__offset_by_time) {
    static const struct field fields[] = {
        {"topic", "T"}, {"queueId", "1"}, {"timestamp", SECOND_MS}, {"boundaryType", "upper"}};
    start(_i == 0 ? TOPICS : TOPICS "profile=5.3\n");
    fill();
    ck_assert_int_eq(ask(REQUEST_SEARCH_OFFSET_BY_TIMESTAMP, fields, 3), RESPONSE_SUCCESS);
    ck_assert_int_eq(number_of("offset"), 1);
    ck_assert_int_eq(ask(REQUEST_SEARCH_OFFSET_BY_TIMESTAMP, fields, 4), RESPONSE_SUCCESS);
    ck_assert_int_eq(number_of("offset"), 1);
    ck_assert_int_eq(ask(REQUEST_SEARCH_OFFSET_BY_TIMESTAMP, fields, 2), RESPONSE_SYSTEM_ERROR);
}
END_TEST

START_TEST(test_32__earliest_time) {
    static const struct field unknown[] = {{"topic", "Nothing"}, {"queueId", "0"}};
    start(TOPICS);
    fill();
    ck_assert_int_eq(ask(REQUEST_GET_EARLIEST_MSG_STORETIME, FIELDS(QUEUE)), RESPONSE_SUCCESS);
    ck_assert_int_eq(number_of("timestamp"), 1767225600000);
    ck_assert_int_eq(ask(REQUEST_GET_EARLIEST_MSG_STORETIME, FIELDS(unknown)), RESPONSE_SUCCESS);
    ck_assert_int_eq(number_of("timestamp"), -1);
}
END_TEST

START_TEST(test_33__message_by_physical_offset) {
    const struct field first[] = {{"offset", "0"}}, none[] = {{"offset", "12345"}};
    start(TOPICS);
    fill();
    ck_assert_int_eq(ask(REQUEST_VIEW_MESSAGE_BY_ID, FIELDS(first)), RESPONSE_SUCCESS);
    ck_assert_uint_eq(pulled_count(), 1);
    ck_assert_int_eq(ask(REQUEST_VIEW_MESSAGE_BY_ID, FIELDS(none)), RESPONSE_SYSTEM_ERROR);
    ck_assert_span_eq(answered.remark, "can not find message by the offset, 12345");
}
END_TEST

START_TEST(test_12__messages_by_key) {
    static const struct field fields[] = {{"topic", "T"},
                                          {"key", "k1"},
                                          {"maxNum", "2"},
                                          {"beginTimestamp", "0"},
                                          {"endTimestamp", "9999999999999"},
                                          {"_UNIQUE_KEY_QUERY", "true"}};
    start(TOPICS);
    fill();
    ck_assert_int_eq(ask(REQUEST_QUERY_MESSAGE, fields, 5), RESPONSE_SUCCESS);
    ck_assert_uint_eq(pulled_count(), 2);
    ck_assert(number_of("indexLastUpdatePhyoffset") > 0);
    ck_assert_int_eq(ask(REQUEST_QUERY_MESSAGE, fields, 6), RESPONSE_SUCCESS); /* 32 then */
    ck_assert_uint_eq(pulled_count(), 3);
}
END_TEST

START_TEST(test_12__nothing_found) {
    static const struct field fields[] = {{"topic", "T"},
                                          {"key", "other"},
                                          {"maxNum", "2"},
                                          {"beginTimestamp", "0"},
                                          {"endTimestamp", "9999999999999"}};
    start(TOPICS);
    fill();
    ck_assert_int_eq(ask(REQUEST_QUERY_MESSAGE, FIELDS(fields)), RESPONSE_QUERY_NOT_FOUND);
    ck_assert_span_eq(answered.remark, "can not find message, maybe time range not correct");
    number_of("indexLastUpdateTimestamp");
}
END_TEST

START_TEST(test_queries__missing_fields_are_named) {
    static const int32_t CODES[] = {12, 29, 30, 31, 32, 33};
    start(TOPICS);
    ck_assert_int_eq(ask(CODES[_i], NULL, 0), RESPONSE_SYSTEM_ERROR);
    expect_remark_begins("header field ");
}
END_TEST

START_TEST(test_queries__cope_without_memory) {
    static const struct field fields[] = {
        {"topic", "T"},     {"queueId", "1"},        {"key", "k1"},
        {"maxNum", "2"},    {"beginTimestamp", "0"}, {"endTimestamp", "9999999999999"},
        {"timestamp", "0"}, {"offset", "0"}};
    static const int32_t CODES[] = {12, 29, 32, 33};
    for (size_t i = 0; i < 4; i++) {
        bool failed = true;
        for (unsigned n = 1; failed; n++) {
            teardown();
            setup();
            start(TOPICS);
            fill();
            fake_fail_at(env, FAKE_FAIL_ALLOC, n);
            send_request(&client, CODES[i], FIELDS(fields), NULL, 0, SPAN_NONE);
            failed = fake_failed(env, FAKE_FAIL_ALLOC);
            if (fake_is_open(client.conn) && fake_written(client.conn).len > 0)
                take_answer(&client);
        }
        ck_assert_int_eq(answered.code, RESPONSE_SUCCESS);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("broker_query");
    TCase *tests = suite_case(suite, "query");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_30_31__bounds_of_a_queue);
    tcase_add_loop_test(tests, test_29__offset_by_time, 0, 2);
    tcase_add_test(tests, test_32__earliest_time);
    tcase_add_test(tests, test_33__message_by_physical_offset);
    tcase_add_test(tests, test_12__messages_by_key);
    tcase_add_test(tests, test_12__nothing_found);
    tcase_add_loop_test(tests, test_queries__missing_fields_are_named, 0, 6);
    tcase_add_test(tests, test_queries__cope_without_memory);
    return suite_run(suite);
}
