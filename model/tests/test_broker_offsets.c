/* test_broker_offsets.c - consumer offsets: commits and their bounds, requests 14, 15 and 43, the
 * schedule of saves. */
#include "model/tests/broker_part_fixture.h"

#define CONFIG "/store/config/consumerOffset.json"
#define AT "consumerGroup=g topic=T queueId=0"

static void commit(int32_t queue_id, int64_t offset) {
    ck_assert_int_eq(offsets_commit(&broker.offsets, SPAN_LITERAL("g"), SPAN_LITERAL("T"), queue_id,
                                    offset, SPAN_LITERAL("10.0.1.0:4000")),
                     RMQ_OK);
}

static int64_t committed(int32_t queue_id) {
    return offsets_find(&broker.offsets, SPAN_LITERAL("g"), SPAN_LITERAL("T"), queue_id);
}

static size_t saves(void) {
    return fake_event_count_of(env, EVENT_config_saved, "file", "consumerOffset.json");
}

START_TEST(test_commit) {
    start(NAMES);
    ck_assert_int_eq(committed(0), -1);
    commit(3, 5);
    commit(0, 7);
    commit(1, 6);
    commit(0, 7); /* the same again is no event */
    ck_assert_int_eq(committed(0), 7);
    ck_assert_int_eq(committed(1), 6);
    ck_assert_int_eq(committed(3), 5);
    ck_assert_int_eq(committed(2), -1);
    ck_assert_uint_eq(fake_event_count(env, EVENT_offset_committed), 3);
    ck_assert_span_eq(fake_event_text(env, EVENT_offset_committed, "client"), "10.0.1.0:4000");
    commit(0, 2); /* backwards is allowed */
    ck_assert_int_eq(committed(0), 2);
    ck_assert_int_eq(fake_event_int(env, EVENT_offset_committed, "queue_offset"), 2);
    stop();
}
END_TEST

START_TEST(test_above_max) {
    start(NAMES);
    queue.max = 10;
    commit(0, 10);
    commit(0, 11);
    ck_assert_int_eq(committed(0), 10);
    ck_assert_uint_eq(fake_event_count(env, EVENT_offset_ignored), 1);
    ck_assert_int_eq(fake_event_int(env, EVENT_offset_ignored, "asked"), 11);
    ck_assert_int_eq(fake_event_int(env, EVENT_offset_ignored, "max"), 10);
    stop();
    start(NAMES "quirk.offsetsUnchecked=true\n");
    queue.max = 10;
    commit(0, 11);
    ck_assert_int_eq(committed(0), 11);
    ck_assert_uint_eq(fake_event_count(env, EVENT_offset_ignored), 0);
    stop();
}
END_TEST

static void give(const char *who, int64_t offset) {
    offsets_give(&broker.offsets, span_of_text(who), SPAN_LITERAL("T"), 0, offset);
}

static bool believes(const char *client, int32_t queue_id, int64_t offset) {
    int64_t max;
    return offsets_believe(&broker.offsets, SPAN_LITERAL("g"), SPAN_LITERAL("T"), queue_id, offset,
                           span_of_text(client), &max);
}

/* After an unclean stop: who was not given an offset by this process had it from the last one. */
START_TEST(test_recovered) {
    start(_i == 0 ? NAMES : NAMES "quirk.offsetsUnchecked=true\n");
    bool checked = _i == 0;
    queue.max = 20;
    queue.recovered = 10;
    commit(0, 10);
    commit(0, 11);
    ck_assert_int_eq(committed(0), checked ? 10 : 11);
    ck_assert_uint_eq(fake_event_count(env, EVENT_offset_ignored), checked);
    if (checked)
        ck_assert_int_eq(fake_event_int(env, EVENT_offset_ignored, "max"), 10);
    give("g", 15);
    give("g", 13); /* what was given stays given */
    give("other", 20);
    commit(0, 15);
    ck_assert_int_eq(committed(0), 15);
    commit(0, 16);
    ck_assert_int_eq(committed(0), checked ? 15 : 16);
    ck_assert_int_eq(believes("c:1", 1, 11), !checked); /* another queue */
    give("c:1", 18);
    ck_assert(believes("c:1", 0, 18));
    ck_assert_int_eq(believes("c:2", 0, 18), !checked);
    offsets_forget_client(&broker.offsets, SPAN_LITERAL("c:1"));
    ck_assert_int_eq(believes("c:1", 0, 18), !checked);
    ck_assert(believes("c:1", 0, 15));
    stop();
}
END_TEST

START_TEST(test_recovered_without_memory) {
    for (unsigned n = 1; n <= 4; n++) {
        start(NAMES);
        queue.recovered = 10;
        fake_fail_at(env, FAKE_FAIL_ALLOC, n);
        give("g", 15);
        ck_assert_int_eq(believes("c:1", 0, 15), !fake_failed(env, FAKE_FAIL_ALLOC));
        stop();
    }
}
END_TEST

/* At start: the log may have lost messages that were consumed (INC-33). */
START_TEST(test_lower) {
    static const struct {
        const char *config;
        bool plant;
        int64_t left;
    } CASES[] = {
        {NAMES, false, 4}, {NAMES, true, 9}, {NAMES "quirk.offsetsUnchecked=true\n", false, 9}};
    start(CASES[_i].config);
    fake_set_plant(env, PLANT_BROKER_KEEP_OFFSETS, CASES[_i].plant);
    commit(0, 9);
    commit(1, 3);
    queue.max = 4;
    offsets_lower(&broker.offsets);
    ck_assert_int_eq(committed(0), CASES[_i].left);
    ck_assert_int_eq(committed(1), 3);
    ck_assert_uint_eq(fake_event_count(env, EVENT_offset_lowered), CASES[_i].left == 4);
    if (CASES[_i].left == 4) {
        ck_assert_span_eq(fake_event_text(env, EVENT_offset_lowered, "topic"), "T");
        ck_assert_span_eq(fake_event_text(env, EVENT_offset_lowered, "group"), "g");
        ck_assert_int_eq(fake_event_int(env, EVENT_offset_lowered, "old"), 9);
        ck_assert_int_eq(fake_event_int(env, EVENT_offset_lowered, "now"), 4);
    }
    stop();
}
END_TEST

/* First after 10 s, then each 5 s, only when something changed. */
START_TEST(test_schedule) {
    start(NAMES);
    fake_advance_ms(env, 4000);
    ck_assert(!env_timer_armed(&broker.offsets.save));
    commit(0, 1);
    fake_advance_ms(env, 5999);
    ck_assert_uint_eq(saves(), 0);
    fake_advance_ms(env, 1);
    ck_assert_uint_eq(saves(), 1);
    ck_assert(!env_timer_armed(&broker.offsets.save));
    fake_advance_ms(env, 60000);
    ck_assert_uint_eq(saves(), 1);
    fake_advance_ms(env, 1234); /* 71.234 s */
    commit(0, 2);
    commit(0, 2);
    fake_advance_ms(env, 3765);
    ck_assert_uint_eq(saves(), 1);
    fake_advance_ms(env, 1);
    ck_assert_uint_eq(saves(), 2);
    commit(0, 2);
    fake_advance_ms(env, 60000);
    ck_assert_uint_eq(saves(), 2);
    struct span content;
    ck_assert(fake_get_file(env, CONFIG, &content));
    ck_assert_span_eq(content, "{\n\t\"offsetTable\":{\n\t\t\"T@g\":{0:2\n\t\t}\n\t}\n}");
    stop();
}
END_TEST

static unsigned all_saved;

static void on_all_saved(void *ctx, int status) {
    ck_assert_ptr_eq(ctx, &broker);
    ck_assert_int_eq(status, RMQ_OK);
    all_saved++;
}

START_TEST(test_clean_stop) {
    start(NAMES);
    fake_set_plant(env, PLANT_BROKER_FORGET_OFFSETS, _i == 1);
    all_saved = 0;
    commit(0, 1);
    config_files_save_all(&broker.files, on_all_saved, &broker);
    fake_settle(env);
    ck_assert_uint_eq(all_saved, 1);
    ck_assert_uint_eq(saves(), _i == 0);
    fake_advance_ms(env, 20000);
    ck_assert_uint_eq(saves(), _i == 0);
    stop();
}
END_TEST

START_TEST(test_plant_forgets) {
    start(NAMES);
    fake_set_plant(env, PLANT_BROKER_FORGET_OFFSETS, true);
    for (int64_t i = 1; i < 10; i++) {
        commit(0, i);
        fake_advance_ms(env, 7000);
    }
    ck_assert_uint_eq(saves(), 0);
    stop();
}
END_TEST

START_TEST(test_plant_commits_back) {
    start(NAMES);
    fake_set_plant(env, PLANT_BROKER_COMMIT_BACK, true);
    for (int64_t i = 1; i <= 49; i++)
        commit(0, 100 + i);
    ck_assert_int_eq(committed(0), 149);
    commit(0, 150);
    ck_assert_int_eq(committed(0), 140);
    stop();
}
END_TEST

/* ---- requests ----------------------------------------------------------------------------------
 */

static void expect_offset(size_t c, const char *offset) {
    struct wire_command response;
    expect_answer(c, RESPONSE_SUCCESS, &response);
    ck_assert_span_eq(wire_field(&response, "offset"), offset);
    ck_assert_uint_eq(response.field_count, 1);
}

#define NOT_FOUND "Not found, V3_0_6_SNAPSHOT maybe this group consumer boot first"

START_TEST(test_query) {
    start(_i == 0 ? NAMES : NAMES V5);
    connect_client(0);
    ask(0, REQUEST_QUERY_CONSUMER_OFFSET, AT, "");
    expect_offset(0, "0"); /* message 0 is there, in memory */
    queue.max = 0;         /* an empty queue: 5.3 does not find message 0 */
    ask(0, REQUEST_QUERY_CONSUMER_OFFSET, AT, "");
    if (_i == 0)
        expect_offset(0, "0");
    else
        expect_code(0, RESPONSE_QUERY_NOT_FOUND, NOT_FOUND);
    queue.max = 1000;
    queue.on_disk_only = true;
    ask(0, REQUEST_QUERY_CONSUMER_OFFSET, AT, "");
    expect_code(0, RESPONSE_QUERY_NOT_FOUND, NOT_FOUND);
    queue.on_disk_only = false;
    queue.min = 1;
    ask(0, REQUEST_QUERY_CONSUMER_OFFSET, AT, "");
    expect_code(0, RESPONSE_QUERY_NOT_FOUND, NOT_FOUND);
    queue.min = 0;
    ask(0, REQUEST_QUERY_CONSUMER_OFFSET, AT " setZeroIfNotFound=false", "");
    if (_i == 0)
        expect_offset(0, "0");
    else
        expect_code(0, RESPONSE_QUERY_NOT_FOUND,
                    "Not found, do not set to zero, maybe this group boot first");
    commit(0, 33);
    ask(0, REQUEST_QUERY_CONSUMER_OFFSET, AT, "");
    expect_offset(0, "33");
    ask(0, REQUEST_QUERY_CONSUMER_OFFSET, "topic=T queueId=0", "");
    expect_code(0, RESPONSE_SYSTEM_ERROR, "header field consumerGroup is missing");
    stop();
}
END_TEST

START_TEST(test_update) {
    start(_i == 0 ? NAMES : NAMES V5);
    connect_client(0);
    ask(0, REQUEST_UPDATE_CONSUMER_OFFSET, AT " commitOffset=5", "");
    if (_i == 1) {
        const struct group *group;
        expect_code(0, RESPONSE_SUBSCRIPTION_GROUP_NOT_EXIST, "Group g not exist!");
        ck_assert_int_eq(groups_find_or_create(&broker.groups, SPAN_LITERAL("g"), &group), RMQ_OK);
        ask(0, REQUEST_UPDATE_CONSUMER_OFFSET, AT " commitOffset=5", "");
        expect_code(0, RESPONSE_TOPIC_NOT_EXIST, "Topic T not exist!");
        ask(0, REQUEST_UPDATE_CONSUMER_OFFSET,
            "consumerGroup=g topic=BenchmarkTest queueId=0 commitOffset=5", "");
    }
    expect_code(0, RESPONSE_SUCCESS, NULL);
    ck_assert_uint_eq(fake_event_count(env, EVENT_offset_committed), 1);
    ck_assert_span_eq(fake_event_text(env, EVENT_offset_committed, "client"), "10.0.1.0:4000");
    ask(0, REQUEST_UPDATE_CONSUMER_OFFSET, AT, "");
    expect_code(0, RESPONSE_SYSTEM_ERROR, "header field commitOffset is missing");
    stop();
}
END_TEST

START_TEST(test_all_offsets) {
    struct wire_command response;
    start(_i == 0 ? NAMES : NAMES V5);
    connect_client(0);
    commit(1, 5);
    ask(0, REQUEST_GET_ALL_CONSUMER_OFFSET, "", "");
    expect_answer(0, RESPONSE_SUCCESS, &response);
    ck_assert_span_eq(response.body,
                      _i == 0 ? "{\"offsetTable\":{\"T@g\":{1:5}}}"
                              : "{\"dataVersion\":{\"counter\":0,\"stateVersion\":0,\"timestamp\":"
                                "1767225600000},\"groupTopicMap\":{\"g\":[\"T\"]},"
                                "\"offsetTable\":{\"T@g\":{1:5}}}");
    stop();
}
END_TEST

/* 5.3's version moves with each 500th commit. */
START_TEST(test_version) {
    start(NAMES V5);
    for (int64_t i = 0; i < 499; i++)
        commit(0, i);
    ck_assert_int_eq(broker.offsets.version_counter, 0);
    commit(0, 0);
    ck_assert_int_eq(broker.offsets.version_counter, 1);
    stop();
}
END_TEST

int main(void) {
    Suite *suite = suite_create("broker_offsets");
    TCase *tests = suite_case(suite, "table");
    tcase_add_test(tests, test_commit);
    tcase_add_test(tests, test_above_max);
    tcase_add_loop_test(tests, test_recovered, 0, 2);
    tcase_add_test(tests, test_recovered_without_memory);
    tcase_add_loop_test(tests, test_lower, 0, 3);
    tcase_add_test(tests, test_schedule);
    tcase_add_loop_test(tests, test_clean_stop, 0, 2);
    tcase_add_test(tests, test_plant_forgets);
    tcase_add_test(tests, test_plant_commits_back);
    tcase_add_test(tests, test_version);
    tests = suite_case(suite, "requests");
    tcase_add_loop_test(tests, test_query, 0, 2);
    tcase_add_loop_test(tests, test_update, 0, 2);
    tcase_add_loop_test(tests, test_all_offsets, 0, 2);
    return suite_run(suite);
}
