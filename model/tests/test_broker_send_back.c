/* test_broker_send_back.c - request 36 over the real store: where a message that failed goes, what
 * is refused, what restarts leave. */
#include "model/tests/delay_fixture.h"

static int64_t physical; /* of the message in T */

/* Sends one to T and finds it there. */
static void begin_with_message(const char *config) {
    begin(config);
    ck_assert_int_eq(send_to("T", "KEYS\001k1\002TAGS\001A\002WAIT\001true", "hello"),
                     RESPONSE_SUCCESS);
    ck_assert_uint_eq(pull_from("T", 0, 0), 1);
    physical = pulled.physical_offset;
}

static int32_t give_back(int64_t offset, int level, const char *maximum) {
    struct wire_command request;
    char number[2][24];
    snprintf(number[0], sizeof number[0], "%lld", (long long)offset);
    snprintf(number[1], sizeof number[1], "%d", level);
    wire_command_init(&request, REQUEST_CONSUMER_SEND_MSG_BACK);
    add(&request, "offset", number[0]);
    add(&request, "group", "g");
    add(&request, "delayLevel", number[1]);
    add(&request, "originMsgId", "id");
    add(&request, "originTopic", "T");
    add(&request, "unitMode", "false");
    if (maximum != NULL)
        add(&request, "maxReconsumeTimes", maximum);
    return ask(&request);
}

/* ---- where it goes --------------------------------------------------------------------------- */

START_TEST(test_send_back__comes_again_after_its_delay) {
    struct topic_config topic;
    char id[MESSAGE_ID_MAX];
    begin_with_message(CONFIG);
    size_t len = message_id_format(&pulled.store_host, physical, id);
    ck_assert_int_eq(give_back(physical, 0, "16"), RESPONSE_SUCCESS);
    ck_assert(span_is_absent(answered.remark));
    fake_advance_ms(env, 9990);
    ck_assert_uint_eq(pull_from("%RETRY%g", 0, 0), 0);
    fake_advance_ms(env, 30);
    ck_assert_uint_eq(pull_from("%RETRY%g", 0, 0), 1);
    ck_assert_span_eq(pulled.body, "hello");
    ck_assert_int_eq(pulled.reconsume_times, 1);
    ck_assert_int_eq(pulled.born_ms, 1700000000000);
    expect_property("RETRY_TOPIC", "T");
    expect_property("DELAY", "3");
    expect_property("WAIT", "false");
    expect_property("KEYS", "k1");
    expect_property("TAGS", "A");
    expect_property("REAL_TOPIC", "%RETRY%g");
    ck_assert(span_equal(message_property(pulled.properties, SPAN_LITERAL("ORIGIN_MESSAGE_ID")),
                         span_of(id, len)));
    const struct broker *broker = fake_node(env);
    ck_assert_int_eq(topics_find(&broker->topics, SPAN_LITERAL("%RETRY%g"), &topic), RMQ_OK);
    ck_assert_int_eq(topic.read_queue_nums, 1);
    ck_assert_int_eq(topic.perm, 6);
    end_broker();
}
END_TEST

/* The delay grows, the message stays what it was, and after the last time it is dead. */
START_TEST(test_send_back__again_and_again) {
    static const int SECONDS[] = {10, 30, 60};
    begin_with_message(CONFIG);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(give_back(physical, 0, "3"), RESPONSE_SUCCESS);
        fake_advance_ms(env, (uint64_t)SECONDS[i] * 1000 - 10);
        ck_assert_uint_eq(pull_from("%RETRY%g", 0, i), 0);
        fake_advance_ms(env, 30);
        ck_assert_uint_eq(pull_from("%RETRY%g", 0, i), 1);
        ck_assert_int_eq(pulled.reconsume_times, i + 1);
        expect_property("RETRY_TOPIC", "T");
        physical = pulled.physical_offset;
    }
    ck_assert_int_eq(give_back(physical, 0, "3"), RESPONSE_SUCCESS);
    ck_assert_uint_eq(pull_from("%DLQ%g", 0, 0), 1);
    ck_assert_span_eq(pulled.body, "hello");
    ck_assert_int_eq(pulled.reconsume_times, 4);
    expect_property("RETRY_TOPIC", "T");
    expect_property("DELAY", "0");
    ck_assert_uint_eq(fake_event_uint(env, EVENT_retry_stored, "dead"), 1);
    ck_assert_uint_eq(fake_event_count(env, EVENT_retry_stored), 4);
    end_broker();
}
END_TEST

START_TEST(test_send_back__level_and_maximum) {
    static const struct {
        int level;
        const char *maximum; /* NULL: the group's, 16 */
        bool dead;
        int queue_id; /* of SCHEDULE_TOPIC_XXXX */
    } CASES[] = {{0, NULL, false, 2},   {7, NULL, false, 6}, {99, NULL, false, 17},
                 {-1, NULL, true, -1},  {0, "0", true, -1},  {5, "1", false, 4},
                 {-1, "100", true, -1}, {0, "-1", true, -1}};
    begin_with_message(CONFIG);
    ck_assert_int_eq(give_back(physical, CASES[_i].level, CASES[_i].maximum), RESPONSE_SUCCESS);
    if (CASES[_i].dead)
        ck_assert_uint_eq(pull_from("%DLQ%g", 0, 0), 1);
    else
        ck_assert_uint_eq(pull_from("SCHEDULE_TOPIC_XXXX", CASES[_i].queue_id, 0), 1);
    end_broker();
}
END_TEST

/* ---- what is refused ------------------------------------------------------------------------- */

static void expect_remark(const char *text) {
    ck_assert(span_starts_with(answered.remark, span_of_text(text)));
}

static void set_group(int32_t retry_queues) {
    struct broker *broker = fake_node(env);
    struct group group;
    group_default(&group, SPAN_LITERAL("g"));
    group.retry_queues = retry_queues;
    ck_assert_int_eq(groups_put(&broker->groups, &group), RMQ_OK);
}

START_TEST(test_send_back__group_must_be_there) {
    begin(CONFIG "autoCreateSubscriptionGroup=false\n");
    ck_assert_int_eq(send_to("T", "", "hello"), RESPONSE_SUCCESS);
    ck_assert_int_eq(give_back(0, 0, "16"), RESPONSE_SUBSCRIPTION_GROUP_NOT_EXIST);
    expect_remark("subscription group not exist, g ");
    end_broker();
}
END_TEST

START_TEST(test_send_back__without_retry_queues_it_is_dropped) {
    begin_with_message(CONFIG);
    set_group(0);
    ck_assert_int_eq(give_back(physical, 0, "16"), RESPONSE_SUCCESS);
    const struct broker *broker = fake_node(env);
    ck_assert_int_eq(store_max_offset(broker->store, SPAN_LITERAL("SCHEDULE_TOPIC_XXXX"), 2), 0);
    end_broker();
}
END_TEST

START_TEST(test_send_back__queues_of_the_group) {
    struct topic_config topic;
    begin_with_message(CONFIG);
    set_group(3);
    ck_assert_int_eq(give_back(physical, 0, "16"), RESPONSE_SUCCESS);
    const struct broker *broker = fake_node(env);
    ck_assert_int_eq(topics_find(&broker->topics, SPAN_LITERAL("%RETRY%g"), &topic), RMQ_OK);
    ck_assert_int_eq(topic.write_queue_nums, 3);
    end_broker();
}
END_TEST

START_TEST(test_send_back__offset_must_be_a_message_s) {
    static const int64_t OFFSETS[] = {1, -1, 1000000, INT64_MAX, INT64_MIN};
    begin_with_message(CONFIG);
    ck_assert_int_eq(give_back(OFFSETS[_i], 0, "16"), RESPONSE_SYSTEM_ERROR);
    expect_remark("look message by offset failed, ");
    end_broker();
}
END_TEST

START_TEST(test_send_back__not_what_still_waits) {
    begin(CONFIG);
    ck_assert_int_eq(send_delayed(5, "m"), RESPONSE_SUCCESS);
    ck_assert_int_eq(give_back(0, 0, "16"), RESPONSE_SYSTEM_ERROR);
    end_broker();
}
END_TEST

START_TEST(test_send_back__needs_permission) {
    begin_with_message(CONFIG);
    struct broker *broker = fake_node(env);
    broker->config.permission = PERM_READ;
    ck_assert_int_eq(give_back(physical, 0, "16"), RESPONSE_NO_PERMISSION);
    expect_remark("the broker[10.0.0.9] sending message is forbidden");
    broker->config.permission = PERM_READ | PERM_WRITE;
    const struct topic_config topic = {.name = SPAN_LITERAL("%RETRY%g"),
                                       .read_queue_nums = 1,
                                       .write_queue_nums = 1,
                                       .perm = PERM_READ};
    bool created;
    ck_assert_int_eq(topics_put(&broker->topics, &topic, &created), RMQ_OK);
    ck_assert_int_eq(give_back(physical, 0, "16"), RESPONSE_NO_PERMISSION);
    expect_remark("the topic[%RETRY%g] sending message is forbidden");
    end_broker();
}
END_TEST

START_TEST(test_send_back__says_what_the_store_says) {
    begin_with_message(CONFIG);
    fake_set_disk_usage(env, 1000, 990);
    fake_advance_ms(env, 20000);
    ck_assert_int_eq(give_back(physical, 0, "16"), RESPONSE_SYSTEM_ERROR);
    expect_remark("SERVICE_NOT_AVAILABLE");
    end_broker();
}
END_TEST

START_TEST(test_send_back__a_client_that_goes_is_not_answered) {
    begin_with_message(CONFIG "flushDiskType=SYNC_FLUSH\n");
    fake_hold_files(env, true);
    struct wire_command request;
    wire_command_init(&request, REQUEST_CONSUMER_SEND_MSG_BACK);
    add(&request, "offset", "0");
    add(&request, "group", "g");
    add(&request, "delayLevel", "0");
    request.version = WIRE_VERSION_4_9_8;
    peer_send(&client, &request);
    if (_i == 0) {
        fake_peer_close(client.conn);
        fake_hold_files(env, false);
        fake_advance_ms(env, 11000);
        connect_client();
        ck_assert_uint_eq(pull_from("%RETRY%g", 0, 0), 1);
        end_broker();
    } else { /* the broker goes, too */
        fake_hold_files(env, false);
        hang_up_client();
        fake_power_off(env, FAKE_KEEP_ALL);
    }
}
END_TEST

/* ---- restarts -------------------------------------------------------------------------------- */

START_TEST(test_send_back__survives_restarts) {
    begin_with_message(CONFIG "flushDiskType=SYNC_FLUSH\n");
    ck_assert_int_eq(give_back(physical, 0, "16"), RESPONSE_SUCCESS);
    ck_assert_int_eq(give_back(physical, -1, "16"), RESPONSE_SUCCESS);
    hang_up_client();
    if (_i == 0)
        end_broker();
    else
        fake_power_off(env, _i == 1 ? FAKE_KEEP_ALL : FAKE_KEEP_NONE);
    begin(CONFIG);
    ck_assert_uint_eq(pull_from("%DLQ%g", 0, 0), 1);
    fake_advance_ms(env, 10010);
    ck_assert_uint_eq(pull_from("%RETRY%g", 0, 0), 1);
    ck_assert_int_eq(pulled.reconsume_times, 1);
    end_broker();
}
END_TEST

START_TEST(test_send_back__memory_that_is_out_is_an_error) {
    bool failed = true;
    delay_teardown();
    for (unsigned n = 1; failed; n++) {
        setup();
        begin_with_message(CONFIG);
        fake_fail_at(env, FAKE_FAIL_ALLOC, n);
        int32_t code = give_back(physical, -1, "16");
        failed = fake_failed(env, FAKE_FAIL_ALLOC);
        fake_fail_at(env, FAKE_FAIL_ALLOC, 0);
        if (code == RESPONSE_SUCCESS) {
            fake_advance_ms(env, 2000);
            ck_assert_uint_eq(pull_from("%DLQ%g", 0, 0), 1);
        }
        end_broker();
        delay_teardown();
    }
    setup();
}
END_TEST

/* A client's own send to its retry topic: 11.2, step 7. */
START_TEST(test_send_back__own_send_to_the_retry_topic) {
    struct wire_command request;
    begin(CONFIG);
    const char *const fields[][2] = {{"a", "p"},
                                     {"b", "%RETRY%g"},
                                     {"c", "TBW102"},
                                     {"d", "4"},
                                     {"e", "0"},
                                     {"f", "0"},
                                     {"h", "0"},
                                     {"g", "1700000000000"},
                                     {"l", "2"},
                                     {"j", _i == 0 ? "1" : "2"},
                                     {"i", "DELAY\0014\002RETRY_TOPIC\001T"}};
    wire_command_init(&request, REQUEST_SEND_MESSAGE_V2);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        add(&request, fields[i][0], fields[i][1]);
    ck_assert_int_eq(ask(&request), RESPONSE_SUCCESS);
    if (_i == 0) {
        fake_advance_ms(env, 30010);
        ck_assert_uint_eq(pull_from("%RETRY%g", 0, 0), 1);
        ck_assert_int_eq(pulled.reconsume_times, 1);
    } else {
        ck_assert_uint_eq(pull_from("%DLQ%g", 0, 0), 1);
    }
    end_broker();
}
END_TEST

int main(void) {
    Suite *suite = suite_create("broker_send_back");
    TCase *goes = suite_case(suite, "goes");
    tcase_add_checked_fixture(goes, setup, delay_teardown);
    tcase_set_timeout(goes, 60);
    tcase_add_test(goes, test_send_back__comes_again_after_its_delay);
    tcase_add_test(goes, test_send_back__again_and_again);
    tcase_add_loop_test(goes, test_send_back__level_and_maximum, 0, 8);
    tcase_add_loop_test(goes, test_send_back__own_send_to_the_retry_topic, 0, 2);
    TCase *refused = suite_case(suite, "refused");
    tcase_add_checked_fixture(refused, setup, delay_teardown);
    tcase_set_timeout(refused, 60);
    tcase_add_test(refused, test_send_back__group_must_be_there);
    tcase_add_test(refused, test_send_back__without_retry_queues_it_is_dropped);
    tcase_add_test(refused, test_send_back__queues_of_the_group);
    tcase_add_loop_test(refused, test_send_back__offset_must_be_a_message_s, 0, 5);
    tcase_add_test(refused, test_send_back__not_what_still_waits);
    tcase_add_test(refused, test_send_back__needs_permission);
    tcase_add_test(refused, test_send_back__says_what_the_store_says);
    tcase_add_loop_test(refused, test_send_back__a_client_that_goes_is_not_answered, 0, 2);
    TCase *restarts = suite_case(suite, "restarts");
    tcase_add_checked_fixture(restarts, setup, delay_teardown);
    tcase_set_timeout(restarts, 120);
    tcase_add_loop_test(restarts, test_send_back__survives_restarts, 0, 3);
    tcase_add_test(restarts, test_send_back__memory_that_is_out_is_an_error);
    return suite_run(suite);
}
