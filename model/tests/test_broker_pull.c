/* test_broker_pull.c - requests 11 and 361 over the fake store: checks, answers, long polling. */
#include "model/tests/message_fixture.h"

/* ---- checks ---------------------------------------------------------------------------------- */

static const struct {
    const char *key;
    const char *value;
    int32_t code_4_9, code_5_3;
    const char *remark;
} REFUSALS[] = {
    {"topic", "NoSuch", 17, 17, "topic[NoSuch] not exist, apply first please! \nSee http"},
    {"topic", "W", 16, 16, "the topic[W] pulling message is forbidden"},
    {"queueId", "4", 1, 29,
     "queueId[4] is illegal, topic:[T] topicConfig.readQueueNums:[4] "
     "consumer:[/10.0.0.50:4000]"},
    {"queueId", "-1", 1, 29, "queueId[-1] is illegal"},
    {"subscription", "||", 23, 23, "parse the consumer's subscription failed"},
    {"expressionType", "SQL92", 1, 1,
     "The broker does not support consumer to filter message by SQL92"},
    {"sysFlag", "0", 24, 24, "the consumer's group info not exist\nSee http"},
    {"consumerGroup", NULL, 1, 1, "header field consumerGroup is missing"},
    {"queueOffset", "x", 1, 1, "header field queueOffset is not valid"},
};

START_TEST(test_pull__refuses) {
    for (int v5 = 0; v5 < 2; v5++) {
        if (v5 == 1) {
            teardown();
            setup();
        }
        start(v5 == 1 ? TOPICS "profile=5.3\n" : TOPICS);
        int32_t code = pull_with(WITH(REFUSALS[_i].key, REFUSALS[_i].value), NO_FIELD);
        ck_assert_int_eq(code, v5 == 1 ? REFUSALS[_i].code_5_3 : REFUSALS[_i].code_4_9);
        expect_remark_begins(REFUSALS[_i].remark);
    }
}
END_TEST

START_TEST(test_pull__needs_read_permission) {
    start(TOPICS "brokerPermission=2\n");
    ck_assert_int_eq(pull_with(NO_FIELD, NO_FIELD), RESPONSE_NO_PERMISSION);
    ck_assert_span_eq(answered.remark, "the broker[10.0.0.9] pulling message is forbidden");
}
END_TEST

START_TEST(test_pull__groups_may_have_to_exist) {
    start(TOPICS "autoCreateSubscriptionGroup=false\n");
    ck_assert_int_eq(pull_with(WITH("consumerGroup", "unknown"), NO_FIELD),
                     RESPONSE_SUBSCRIPTION_GROUP_NOT_EXIST);
    expect_remark_begins("subscription group [unknown] does not exist, \nSee http");
}
END_TEST

/* Neither release has a processor for pulls there: the admin one, which is the default, answers. */
START_TEST(test_pull__fast_port_does_not_know_it) {
    for (int v5 = 0; v5 < 2; v5++) {
        if (v5 == 1) {
            teardown();
            setup();
        }
        start(v5 == 1 ? TOPICS "profile=5.3\n" : TOPICS);
        peer_init(&other, fake_accept(env, PORT - 2, "10.0.0.50:4001"));
        start_pull(&other, NO_FIELD, NO_FIELD);
        take_answer(&other);
        ck_assert_int_eq(answered.code, RESPONSE_REQUEST_CODE_NOT_SUPPORTED);
        ck_assert_span_eq(answered.remark, " request type 11 not supported");
        ck_assert_int_eq(pull_with(NO_FIELD, NO_FIELD), RESPONSE_PULL_NOT_FOUND);
    }
}
END_TEST

/* ---- answers --------------------------------------------------------------------------------- */

static void send_tags(const char *first, const char *second) {
    ck_assert_int_eq(send_with(WITH("i", first), NO_FIELD), RESPONSE_SUCCESS);
    ck_assert_int_eq(send_with(WITH("i", second), NO_FIELD), RESPONSE_SUCCESS);
}

static void expect_offsets(int64_t next, int64_t min, int64_t max) {
    ck_assert_int_eq(number_of("nextBeginOffset"), next);
    ck_assert_int_eq(number_of("minOffset"), min);
    ck_assert_int_eq(number_of("maxOffset"), max);
    ck_assert_int_eq(number_of("suggestWhichBrokerId"), 0);
}

START_TEST(test_pull__finds_messages) {
    start(TOPICS);
    send_tags("TAGS\001A", "TAGS\001B");
    ck_assert_int_eq(pull_with(NO_FIELD, NO_FIELD), RESPONSE_SUCCESS);
    ck_assert_span_eq(answered.remark, "FOUND");
    expect_offsets(2, 0, 2);
    ck_assert_uint_eq(pulled_count(), 2);
    ck_assert_int_eq(pulled(1).queue_offset, 1);
    ck_assert_span_eq(pulled(1).body, "hello");
    ck_assert(span_is_absent(wire_field(&answered, "topicSysFlag")));
}
END_TEST

START_TEST(test_pull__5_3_tells_the_flags) {
    start(TOPICS "profile=5.3\n");
    send_tags("TAGS\001A", "TAGS\001B");
    ck_assert_int_eq(pull_with(NO_FIELD, NO_FIELD), RESPONSE_SUCCESS);
    ck_assert_int_eq(number_of("topicSysFlag"), 0);
    ck_assert_int_eq(number_of("groupSysFlag"), 0);
}
END_TEST

START_TEST(test_pull__361_is_the_same) {
    start(TOPICS);
    send_tags("TAGS\001A", "TAGS\001B");
    send_request(&client, REQUEST_LITE_PULL_MESSAGE, FIELDS(PULL), NULL, 0, SPAN_NONE);
    take_answer(&client);
    ck_assert_int_eq(answered.code, RESPONSE_SUCCESS);
    ck_assert_uint_eq(pulled_count(), 2);
}
END_TEST

static const struct {
    const char *expression;
    int32_t code;
    size_t count;
} FILTERS[] = {
    {"*", 0, 2}, {"", 0, 2}, {"A", 0, 1}, {"A || B", 0, 2}, {"C", 20, 0}, {"|| ||", 20, 0},
};

START_TEST(test_pull__filters_by_tag) {
    start(TOPICS);
    send_tags("TAGS\001A", "TAGS\001B");
    ck_assert_int_eq(pull_with(WITH("subscription", FILTERS[_i].expression), NO_FIELD),
                     FILTERS[_i].code);
    ck_assert_uint_eq(pulled_count(), FILTERS[_i].count);
    expect_offsets(2, 0, 2);
}
END_TEST

START_TEST(test_pull__at_most_what_is_asked_for) {
    start(TOPICS);
    send_tags("TAGS\001A", "TAGS\001B");
    ck_assert_int_eq(pull_with(WITH("maxMsgNums", _i == 0 ? "1" : "0"), NO_FIELD),
                     RESPONSE_SUCCESS);
    ck_assert_uint_eq(pulled_count(), 1);
    expect_offsets(1, 0, 2);
    fake_set_buggify(env, BUGGIFY_BROKER_PULL_SHORT, true);
    ck_assert_int_eq(pull_with(NO_FIELD, NO_FIELD), RESPONSE_SUCCESS);
    ck_assert_uint_eq(pulled_count(), 1);
}
END_TEST

static const struct {
    bool empty, min_is_not_zero;
    const char *offset;
    int32_t code;
    const char *remark;
    int64_t next;
    const char *reason; /* of the event; NULL: none */
} ILLEGAL[] = {
    {false, false, "2", 19, "OFFSET_OVERFLOW_ONE", 2, NULL},
    {false, false, "3", 21, "OFFSET_OVERFLOW_BADLY", 2, "too_large"},
    {false, true, "1", 21, "OFFSET_TOO_SMALL", 2, "too_small"},
    {true, false, "0", 19, "NO_MESSAGE_IN_QUEUE", 0, NULL},
    {true, false, "7", 21, "NO_MESSAGE_IN_QUEUE", 0, "empty_queue"},
};

START_TEST(test_pull__tells_illegal_offsets) {
    start(TOPICS);
    if (!ILLEGAL[_i].empty)
        send_tags("TAGS\001A", "TAGS\001B");
    fake_store.min_is_not_zero = ILLEGAL[_i].min_is_not_zero;
    ck_assert_int_eq(pull_with(WITH("queueOffset", ILLEGAL[_i].offset), NO_FIELD),
                     ILLEGAL[_i].code);
    ck_assert_span_eq(answered.remark, ILLEGAL[_i].remark);
    ck_assert_int_eq(number_of("nextBeginOffset"), ILLEGAL[_i].next);
    ck_assert_uint_eq(fake_event_count(env, EVENT_offset_moved), ILLEGAL[_i].reason != NULL);
    if (ILLEGAL[_i].reason != NULL)
        ck_assert_span_eq(fake_event_text(env, EVENT_offset_moved, "reason"), ILLEGAL[_i].reason);
}
END_TEST

/* What the group has read was lost, and other messages are there now. */
START_TEST(test_pull__goes_back_to_the_recovered_end) {
    static const struct field max[] = {{"topic", "T"}, {"queueId", "1"}};
    start(TOPICS);
    send_tags("TAGS\001A", "TAGS\001B");
    fake_store.was_unclean = true;
    /* also before the group's heartbeat: without a subscription */
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(
            pull_with(WITH("queueOffset", "1"), i == 0 ? WITH("sysFlag", "0") : NO_FIELD),
            RESPONSE_PULL_OFFSET_MOVED);
        expect_offsets(0, 0, 2);
        ck_assert_uint_eq(fake_event_count(env, EVENT_offset_moved), (size_t)i + 1);
        ck_assert_span_eq(fake_event_text(env, EVENT_offset_moved, "reason"), "recovered");
    }
    ck_assert_int_eq(pull_with(NO_FIELD, NO_FIELD), RESPONSE_SUCCESS); /* gives 2 */
    ck_assert_int_eq(pull_with(WITH("queueOffset", "2"), NO_FIELD), RESPONSE_PULL_NOT_FOUND);
    /* another group begins at the end, which its connection has asked for */
    ck_assert_int_eq(pull_with(WITH("queueOffset", "2"), WITH("consumerGroup", "new")),
                     RESPONSE_PULL_OFFSET_MOVED);
    send_request(&client, REQUEST_GET_MAX_OFFSET, FIELDS(max), NULL, 0, SPAN_NONE);
    take_answer(&client);
    ck_assert_int_eq(pull_with(WITH("queueOffset", "2"), WITH("consumerGroup", "new")),
                     RESPONSE_PULL_NOT_FOUND);
    fake_store.min_is_not_zero = true; /* retention has removed it since */
    ck_assert_int_eq(pull_with(WITH("queueOffset", "3"), WITH("consumerGroup", "late")),
                     RESPONSE_PULL_OFFSET_MOVED);
    expect_offsets(2, 2, 2);
}
END_TEST

START_TEST(test_pull__the_quirk_stores_a_message) {
    start(TOPICS "quirk.offsetMovedMessage=true\n");
    ck_assert_int_eq(pull_with(WITH("queueOffset", "9"), NO_FIELD), RESPONSE_PULL_OFFSET_MOVED);
    ck_assert_uint_eq(fake_store.store->count, 1);
    ck_assert_int_eq(pull_with(WITH("topic", "OFFSET_MOVED_EVENT"), WITH("queueId", "0")),
                     RESPONSE_SUCCESS);
    struct message message = pulled(0);
    ck_assert_span_eq(message.body,
                      "{\"consumerGroup\":\"g\",\"messageQueue\":{\"brokerName\":"
                      "\"DEFAULT_BROKER\",\"queueId\":1,\"topic\":\"T\"},\"offsetNew\":0,"
                      "\"offsetRequest\":9}");
    ck_assert_span_eq(message_property(message.properties, SPAN_LITERAL("TAGS")), "g");
}
END_TEST

START_TEST(test_pull__suggests_a_slave_to_slow_readers) {
    start(_i == 0 ? TOPICS : TOPICS "slaveReadEnable=true\n");
    send_tags("TAGS\001A", "TAGS\001B");
    fake_store.suggest_slave = true;
    ck_assert_int_eq(pull_with(NO_FIELD, NO_FIELD), RESPONSE_SUCCESS);
    ck_assert_int_eq(number_of("suggestWhichBrokerId"), _i);
}
END_TEST

START_TEST(test_pull__commits_where_asked) {
    start(TOPICS);
    send_tags("TAGS\001A", "TAGS\001B");
    ck_assert_int_eq(pull_with(WITH("sysFlag", "4"), WITH("commitOffset", "1")), RESPONSE_SUCCESS);
    ck_assert_uint_eq(fake_event_count(env, EVENT_offset_committed), 0);
    ck_assert_int_eq(pull_with(WITH("sysFlag", "5"), WITH("commitOffset", "1")), RESPONSE_SUCCESS);
    ck_assert_uint_eq(fake_event_count(env, EVENT_offset_committed), 1);
    ck_assert_int_eq(fake_event_int(env, EVENT_offset_committed, "queue_offset"), 1);
}
END_TEST

START_TEST(test_pull__records_are_not_allocated_each_time) {
    start(TOPICS);
    send_tags("TAGS\001A", "TAGS\001B");
    ck_assert_int_eq(pull_with(NO_FIELD, NO_FIELD), RESPONSE_SUCCESS);
    size_t blocks = fake_memory_blocks(env);
    ck_assert_int_eq(pull_with(NO_FIELD, NO_FIELD), RESPONSE_SUCCESS);
    ck_assert_uint_eq(fake_memory_blocks(env), blocks);
    ck_assert_uint_eq(broker()->pulls.buffer_count, 1);
}
END_TEST

/* ---- what the group subscribed -----------------------------------------------------------------
 */

#define SUBSCRIPTION(topic, text, type)                                    \
    "{\"classFilterMode\":false,\"codeSet\":[],\"expressionType\":\"" type \
    "\",\"subString\":\"" text "\",\"subVersion\":10,\"tagsSet\":[],\"topic\":\"" topic "\"}"

static void heartbeat(void) {
    static const char BODY[] =
        "{\"clientID\":\"c\",\"consumerDataSet\":[{\"consumeFromWhere\":\"CONSUME_FROM_LAST_"
        "OFFSET\","
        "\"consumeType\":\"CONSUME_PASSIVELY\",\"groupName\":\"g\",\"messageModel\":\"CLUSTERING\","
        "\"subscriptionDataSet\":[" SUBSCRIPTION("T", "A", "TAG") "," SUBSCRIPTION(
            "R", "a > 3", "SQL92") "],\"unitMode\":false}],\"producerDataSet\":[]}";
    send_request(&client, REQUEST_HEART_BEAT, NULL, 0, NULL, 0, span_of_text(BODY));
    do
        ck_assert(peer_take(&client, &answered));
    while (answered.opaque != last_opaque);
    ck_assert_int_eq(answered.code, RESPONSE_SUCCESS);
}

static const struct {
    const char *topic, *version;
    int32_t code;
    const char *remark;
} SUBSCRIBED[] = {
    {"T", "10", 0, "FOUND"},
    {"T", "9", 0, "FOUND"},
    {"T", "11", 25, "the consumer's subscription not latest"},
    {"Other", "10", 24, "the consumer's subscription not exist\nSee http"},
    {"R", "10", 1, "The broker does not support consumer to filter message by SQL92"},
};

START_TEST(test_pull__uses_the_subscription_of_the_group) {
    const struct field changes[] = {{"topic", SUBSCRIBED[_i].topic},
                                    {"subVersion", SUBSCRIBED[_i].version},
                                    {"sysFlag", "0"},
                                    {"subscription", NULL}};
    start("topics=T:4:4:6;R:2:2:4;Other:4:4\n");
    send_tags("TAGS\001A", "TAGS\001B");
    heartbeat();
    send_request(&client, REQUEST_PULL_MESSAGE, FIELDS(PULL), FIELDS(changes), SPAN_NONE);
    take_answer(&client);
    ck_assert_int_eq(answered.code, SUBSCRIBED[_i].code);
    expect_remark_begins(SUBSCRIBED[_i].remark);
    ck_assert_uint_eq(pulled_count(), SUBSCRIBED[_i].code == 0 ? 1 : 0);
}
END_TEST

/* ---- long polling ---------------------------------------------------------------------------- */

#define HOLD "6" /* subscription and suspend */

static void hold_pull(struct peer *peer, const char *subscription) {
    start_pull(peer, WITH("sysFlag", HOLD), WITH("subscription", subscription));
    expect_no_answer(peer);
}

static uint32_t held_count(void) {
    return broker()->holds.count;
}

START_TEST(test_hold__a_message_wakes_it) {
    start(TOPICS);
    connect_client(&other, "10.0.0.51:4000");
    hold_pull(&other, "*");
    int32_t opaque = last_opaque;
    ck_assert_uint_eq(held_count(), 1);
    fake_advance_ms(env, 1000);
    ck_assert_int_eq(send_one(), RESPONSE_SUCCESS);
    fake_settle(env);
    last_opaque = opaque;
    take_answer(&other);
    ck_assert_int_eq(answered.code, RESPONSE_SUCCESS);
    ck_assert_uint_eq(pulled_count(), 1);
    ck_assert_uint_eq(held_count(), 0);
}
END_TEST

START_TEST(test_hold__only_what_matches_wakes_it) {
    start(TOPICS);
    connect_client(&other, "10.0.0.51:4000");
    hold_pull(&other, "B");
    ck_assert_int_eq(send_with(WITH("e", "0"), NO_FIELD), RESPONSE_SUCCESS); /* another queue */
    ck_assert_int_eq(send_one(), RESPONSE_SUCCESS);                          /* tag A */
    fake_settle(env);
    expect_no_answer(&other);
    ck_assert_int_eq(send_with(WITH("i", "TAGS\001B"), NO_FIELD), RESPONSE_SUCCESS);
    fake_settle(env);
    ck_assert(peer_take(&other, &answered));
    ck_assert_uint_eq(pulled_count(), 1);
}
END_TEST

START_TEST(test_hold__the_sweep_finds_what_no_arrival_told) {
    start(TOPICS);
    fake_store.silent = true;
    connect_client(&other, "10.0.0.51:4000");
    hold_pull(&other, "B"); /* the sweep knows no tags: any message wakes */
    ck_assert_int_eq(send_one(), RESPONSE_SUCCESS);
    fake_advance_ms(env, 4990);
    expect_no_answer(&other);
    fake_advance_ms(env, 10);
    ck_assert(peer_take(&other, &answered));
    ck_assert_int_eq(answered.code, RESPONSE_PULL_RETRY_IMMEDIATELY);
}
END_TEST

START_TEST(test_hold__ends_after_its_time) {
    static const char *const CONFIGS[] = {TOPICS, TOPICS "longPollingEnable=false\n"};
    static const uint64_t ENDS_MS[] = {15000, 1000};
    start(CONFIGS[_i]);
    connect_client(&other, "10.0.0.51:4000");
    hold_pull(&other, "*");
    fake_advance_ms(env, ENDS_MS[_i] - 10);
    expect_no_answer(&other);
    fake_advance_ms(env, 10);
    ck_assert(peer_take(&other, &answered));
    ck_assert_int_eq(answered.code, RESPONSE_PULL_NOT_FOUND);
    expect_offsets(0, 0, 0);
    ck_assert(!env_timer_armed(&broker()->holds.sweep) || held_count() > 0);
}
END_TEST

START_TEST(test_hold__commits_once) {
    start(TOPICS);
    connect_client(&other, "10.0.0.51:4000");
    start_pull(&other, WITH("sysFlag", "7"), NO_FIELD);
    ck_assert_uint_eq(fake_event_count(env, EVENT_offset_committed), 1);
    ck_assert_int_eq(send_one(), RESPONSE_SUCCESS);
    fake_settle(env);
    ck_assert(peer_take(&other, &answered));
    ck_assert_uint_eq(fake_event_count(env, EVENT_offset_committed), 1);
}
END_TEST

START_TEST(test_hold__its_connection_may_end) {
    start(TOPICS);
    connect_client(&other, "10.0.0.51:4000");
    hold_pull(&other, "A || B");
    fake_peer_close(other.conn);
    ck_assert_uint_eq(held_count(), 0);
    ck_assert_int_eq(send_one(), RESPONSE_SUCCESS);
    fake_advance_ms(env, 20000);
}
END_TEST

/* It may also end between the message and the handler that would have answered. */
START_TEST(test_hold__its_connection_may_end_when_woken) {
    start(TOPICS);
    connect_client(&other, "10.0.0.51:4000");
    hold_pull(&other, "*");
    ck_assert_int_eq(send_one(), RESPONSE_SUCCESS);
    fake_peer_close(other.conn);
    fake_settle(env);
    ck_assert_uint_eq(broker()->pulls.reading, 0);
}
END_TEST

START_TEST(test_hold__the_broker_may_stop) {
    start(TOPICS);
    connect_client(&other, "10.0.0.51:4000");
    hold_pull(&other, "A || B"); /* teardown */
    ck_assert_uint_eq(held_count(), 1);
}
END_TEST

START_TEST(test_hold__planted_deafness_waits_for_the_sweep) {
    start(TOPICS);
    fake_set_plant(env, PLANT_BROKER_HOLD_DEAF, true);
    connect_client(&other, "10.0.0.51:4000");
    hold_pull(&other, "*");
    ck_assert_int_eq(send_one(), RESPONSE_SUCCESS);
    fake_settle(env);
    expect_no_answer(&other);
    fake_advance_ms(env, 5000);
    ck_assert(peer_take(&other, &answered));
    ck_assert_int_eq(answered.code, RESPONSE_SUCCESS);
}
END_TEST

START_TEST(test_hold__buggify_answers_early) {
    start(TOPICS);
    fake_set_buggify(env, BUGGIFY_BROKER_HOLD_WAKES, true);
    connect_client(&other, "10.0.0.51:4000");
    hold_pull(&other, "*");
    fake_advance_ms(env, 5000);
    ck_assert(peer_take(&other, &answered));
    ck_assert_int_eq(answered.code, RESPONSE_PULL_NOT_FOUND);
}
END_TEST

/* INC-69: the read said "empty", a message came, then the pull was parked. */
START_TEST(test_hold__no_message_is_missed_while_a_read_ends) {
    start(TOPICS);
    connect_client(&other, "10.0.0.51:4000");
    fake_store.slow_gets = true;
    hold_pull(&other, "*");
    ck_assert_int_eq(send_one(), RESPONSE_SUCCESS);
    fake_store_finish_gets(); /* of what was there when it began */
    fake_store.slow_gets = false;
    fake_settle(env);
    ck_assert(peer_take(&other, &answered));
    ck_assert_int_eq(answered.code, RESPONSE_SUCCESS);
}
END_TEST

START_TEST(test_hold__the_quirk_misses_what_comes_before_it_is_parked) {
    start(TOPICS "quirk.holdNoRecheck=true\n");
    connect_client(&other, "10.0.0.51:4000");
    hold_pull(&other, "*");
    ck_assert_int_eq(send_one(), RESPONSE_SUCCESS); /* within 0.1 ms */
    fake_advance_ms(env, 4000);
    expect_no_answer(&other);
    fake_advance_ms(env, 1100);
    ck_assert(peer_take(&other, &answered));
    ck_assert_int_eq(answered.code, RESPONSE_SUCCESS);
    ck_assert_uint_eq(held_count(), 0);
}
END_TEST

START_TEST(test_hold__the_quirk_copes_with_ends_while_parking) {
    start(TOPICS "quirk.holdNoRecheck=true\n");
    connect_client(&other, "10.0.0.51:4000");
    hold_pull(&other, "*");
    fake_peer_close(other.conn);
    fake_advance_ms(env, 10);
    ck_assert_uint_eq(held_count(), 0);
    hold_pull(&client, "*"); /* and teardown */
}
END_TEST

START_TEST(test_pull__copes_without_memory) {
    bool failed = true;
    for (unsigned n = 1; failed; n++) {
        if (n > 1) {
            teardown();
            setup();
        }
        start(TOPICS);
        send_tags("TAGS\001A", "TAGS\001B");
        fake_fail_at(env, FAKE_FAIL_ALLOC, n);
        start_pull(&client, WITH("subscription", "A || B"), WITH("sysFlag", HOLD));
        if (fake_is_open(client.conn) && fake_written(client.conn).len > 0)
            take_answer(&client);
        start_pull(&client, WITH("queueOffset", "2"), WITH("sysFlag", HOLD));
        failed = fake_failed(env, FAKE_FAIL_ALLOC);
    }
    ck_assert_int_eq(answered.code, RESPONSE_SUCCESS);
    ck_assert_uint_eq(held_count(), 1);
}
END_TEST

#define COUNT(array) ((int)(sizeof array / sizeof array[0]))

int main(void) {
    Suite *suite = suite_create("broker_pull");
    TCase *tests = suite_case(suite, "pull");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, test_pull__refuses, 0, COUNT(REFUSALS));
    tcase_add_test(tests, test_pull__fast_port_does_not_know_it);
    tcase_add_test(tests, test_pull__needs_read_permission);
    tcase_add_test(tests, test_pull__groups_may_have_to_exist);
    tcase_add_test(tests, test_pull__finds_messages);
    tcase_add_test(tests, test_pull__5_3_tells_the_flags);
    tcase_add_test(tests, test_pull__361_is_the_same);
    tcase_add_loop_test(tests, test_pull__filters_by_tag, 0, COUNT(FILTERS));
    tcase_add_loop_test(tests, test_pull__at_most_what_is_asked_for, 0, 2);
    tcase_add_loop_test(tests, test_pull__tells_illegal_offsets, 0, COUNT(ILLEGAL));
    tcase_add_test(tests, test_pull__goes_back_to_the_recovered_end);
    tcase_add_test(tests, test_pull__the_quirk_stores_a_message);
    tcase_add_loop_test(tests, test_pull__suggests_a_slave_to_slow_readers, 0, 2);
    tcase_add_test(tests, test_pull__commits_where_asked);
    tcase_add_test(tests, test_pull__records_are_not_allocated_each_time);
    tcase_add_loop_test(tests, test_pull__uses_the_subscription_of_the_group, 0, COUNT(SUBSCRIBED));
    tcase_add_test(tests, test_hold__a_message_wakes_it);
    tcase_add_test(tests, test_hold__only_what_matches_wakes_it);
    tcase_add_test(tests, test_hold__the_sweep_finds_what_no_arrival_told);
    tcase_add_loop_test(tests, test_hold__ends_after_its_time, 0, 2);
    tcase_add_test(tests, test_hold__commits_once);
    tcase_add_test(tests, test_hold__its_connection_may_end);
    tcase_add_test(tests, test_hold__its_connection_may_end_when_woken);
    tcase_add_test(tests, test_hold__the_broker_may_stop);
    tcase_add_test(tests, test_hold__planted_deafness_waits_for_the_sweep);
    tcase_add_test(tests, test_hold__buggify_answers_early);
    tcase_add_test(tests, test_hold__no_message_is_missed_while_a_read_ends);
    tcase_add_test(tests, test_hold__the_quirk_misses_what_comes_before_it_is_parked);
    tcase_add_test(tests, test_hold__the_quirk_copes_with_ends_while_parking);
    tcase_add_test(tests, test_pull__copes_without_memory);
    return suite_run(suite);
}
