/* test_broker_register.c - registration of a 4.9 broker: schedule, independence of name servers,
 * topics, asking first, goodbye, failures. What is in it: test_broker_contents.c; 5.3:
 * test_broker_profile_5_3.c. */
#include "model/tests/broker_fixture.h"
#include "model/tests/suite.h"

#define IDENTITY                                                                \
    "brokerClusterName=GoldCluster\nbrokerName=broker-a\nbrokerIP1=127.0.0.1\n" \
    "listenPort=29911\ndefaultTopicQueueNums=4\ntraceTopicEnable=true\n"
/* ---- schedule -------------------------------------------------------------------------------- */

START_TEST(test_registration__follows_the_schedule) {
    static const uint64_t WAITS_MS[] = {0, 10000, 30000, 30000, 30000};
    start_connected(IDENTITY TWO, 2);
    for (size_t i = 0; i < 5; i++) {
        if (WAITS_MS[i] > 0) {
            fake_advance(env, WAITS_MS[i] * 1000000 - 1);
            expect_nothing(0);
            fake_advance(env, 1);
        }
        answer_registration(0);
        answer_registration(1);
        expect_nothing(0);
        ck_assert_uint_eq(rounds_done(), i + 1);
        ck_assert_uint_eq(last_round("accepted"), 2);
        ck_assert_uint_eq(last_round("late_ns"), 0);
    }
    stop();
}
END_TEST

static const struct {
    const char *config;
    uint64_t ms;
} PERIODS[] = {
    {IDENTITY ONE "registerNameServerPeriod=20000\n", 20000},
    {IDENTITY ONE "registerNameServerPeriod=1\n", 10000},
    {IDENTITY ONE "registerNameServerPeriod=3600000\n", 60000},
};

START_TEST(test_registration__period_is_clamped) {
    start_connected(PERIODS[_i].config, 1);
    answer_registration(0);
    fake_advance_ms(env, 10 * SECOND_MS);
    answer_registration(0);
    fake_advance_ms(env, PERIODS[_i].ms - 1);
    expect_nothing(0);
    fake_advance_ms(env, 1);
    answer_registration(0);
    stop();
}
END_TEST

/* measured.md: after SIGCONT every missed registration comes at once, each after the former's
 * answer. Due at 40, 70 and 100 s, and the process comes back at 110 s. */
START_TEST(test_registration__missed_ticks_come_at_once) {
    start_connected(IDENTITY ONE, 1);
    answer_registration(0);
    fake_advance_ms(env, 10 * SECOND_MS);
    answer_registration(0);
    fake_pause(env, 100 * SECOND_MS * 1000000);
    fake_settle(env);
    static const uint64_t LATE_S[] = {70, 40, 10};
    for (size_t i = 0; i < 3; i++) {
        struct wire_command request;
        take_registration(0, &request, NULL);
        expect_nothing(0); /* not before the answer */
        answer_ok(0, &request);
        ck_assert_uint_eq(last_round("late_ns"), LATE_S[i] * SECOND_MS * 1000000);
        fake_settle(env);
    }
    expect_nothing(0);
    fake_advance_ms(env, 20 * SECOND_MS);
    answer_registration(0);
    ck_assert_uint_eq(last_round("late_ns"), 0);
    stop();
}
END_TEST

/* ---- name servers that fail ------------------------------------------------------------------ */

START_TEST(test_registration__a_refusing_name_server_delays_nothing) {
    start(IDENTITY TWO);
    fake_dial_fail(fake_dialled(env, ADDRESSES[0]), RMQ_E_REFUSED);
    connect_peer(1);
    answer_registration(1);
    ck_assert_uint_eq(last_round("sent"), 2);
    ck_assert_uint_eq(last_round("accepted"), 1);
    ck_assert_uint_eq(last_round("duration_ns"), 0);
    ck_assert_span_eq(fake_event_text(env, EVENT_registration_failed, "name_server"), ADDRESSES[0]);
    fake_advance_ms(env, 10 * SECOND_MS);
    connect_peer(0); /* it is back: the next round reaches it */
    answer_registration(0);
    answer_registration(1);
    ck_assert_uint_eq(last_round("accepted"), 2);
    stop();
}
END_TEST

START_TEST(test_registration__a_hanging_dial_ends_after_3_s) {
    start(IDENTITY TWO);
    connect_peer(1);
    answer_registration(1);
    ck_assert_uint_eq(rounds_done(), 0);
    fake_advance_ms(env, 3 * SECOND_MS);
    ck_assert_uint_eq(rounds_done(), 1);
    ck_assert_uint_eq(last_round("duration_ns"), UINT64_C(3000000000));
    fake_advance_ms(env, 7 * SECOND_MS);
    answer_registration(1); /* the schedule stays */
    stop();
}
END_TEST

START_TEST(test_registration__a_silent_name_server_ends_after_6_s) {
    start_connected(IDENTITY TWO, 2);
    answer_registration(1);
    fake_advance_ms(env, 6 * SECOND_MS - 1);
    ck_assert_uint_eq(rounds_done(), 0);
    ck_assert(fake_is_open(peers[0].conn));
    fake_advance_ms(env, 1);
    ck_assert_uint_eq(last_round("accepted"), 1);
    ck_assert(fake_is_closed(peers[0].conn)); /* clientCloseSocketIfTimeout */
    fake_advance_ms(env, 4 * SECOND_MS);
    answer_registration(1);
    connect_peer(0);
    answer_registration(0);
    ck_assert_uint_eq(last_round("accepted"), 2);
    stop();
}
END_TEST

START_TEST(test_registration__an_error_answer_is_not_accepted) {
    struct wire_command request;
    start_connected(IDENTITY ONE, 1);
    take_registration(0, &request, NULL);
    peer_answer_body(&peers[0], &request, RESPONSE_SYSTEM_ERROR, NULL);
    ck_assert_int_eq(fake_event_int(env, EVENT_registration_answered, "code"), 1);
    ck_assert_uint_eq(last_round("accepted"), 0);
    stop();
}
END_TEST

START_TEST(test_registration__without_name_servers_is_an_empty_round) {
    start(IDENTITY);
    fake_advance_ms(env, 10 * SECOND_MS);
    ck_assert_uint_eq(rounds_done(), 2);
    ck_assert_uint_eq(last_round("sent"), 0);
    stop();
}
END_TEST

/* ---- topics ---------------------------------------------------------------------------------- */

START_TEST(test_registration_topic_changed__sends_that_topic_alone) {
    static struct registered table;
    struct wire_command request;
    start_connected(IDENTITY ONE "topics=Old:4:4\n", 1);
    answer_registration(0);
    ck_assert_int_eq(fake_command_text(env, "do=create-topic\ntopic=New\nreadQueueNums=3\n"
                                            "writeQueueNums=2\nperm=6\n"),
                     RMQ_OK);
    take_registration(0, &request, &table);
    ck_assert_int_eq(request.flag, 0);
    ck_assert_uint_eq(table.count, 1);
    ck_assert_str_eq(table.topics[0].name, "New");
    ck_assert_int_eq(table.topics[0].config.read_queue_nums, 3);
    ck_assert_int_eq(table.topics[0].config.write_queue_nums, 2);
    ck_assert_int_eq(table.info.version.counter, 1);
    ck_assert_uint_eq(fake_event_uint(env, EVENT_registration_sent, "increment"), 1);
    ck_assert_int_eq(fake_event_int(env, EVENT_command_done, "code"), 0);
    answer_ok(0, &request);
    fake_advance_ms(env, 10 * SECOND_MS);
    take_registration(0, &request, &table);
    ck_assert_ptr_nonnull(registered_find(&table, "New"));
    ck_assert_ptr_nonnull(registered_find(&table, "Old"));
    ck_assert_int_eq(table.info.version.counter, 1);
    stop();
}
END_TEST

/* 4.9.7-broker-boot, row 3: all topics, oneway. */
START_TEST(test_registration_topic_auto_created__sends_all_oneway) {
    static struct registered table;
    struct wire_command request;
    start_connected(IDENTITY ONE, 1);
    answer_registration(0);
    struct broker *broker = fake_node(env);
    struct topic_config topic = {
        .name = SPAN_LITERAL("Auto"), .read_queue_nums = 4, .write_queue_nums = 4, .perm = 6};
    bool created;
    ck_assert_int_eq(topics_put(&broker->topics, &topic, &created), RMQ_OK);
    ck_assert_int_eq(registration_topic_auto_created(&broker->registrar, &topic), RMQ_OK);
    take_registration(0, &request, &table);
    ck_assert_int_eq(request.flag, WIRE_FLAG_ONEWAY);
    ck_assert_ptr_nonnull(registered_find(&table, "Auto"));
    ck_assert_uint_ge(table.count, 10);
    stop();
}
END_TEST

/* A hung name server: creation is answered and registered with the others at once. */
START_TEST(test_registration__a_silent_name_server_does_not_delay_creation) {
    start_connected(IDENTITY TWO, 2);
    answer_registration(1);
    ck_assert_int_eq(fake_command_text(env, "do=create-topic\ntopic=New\n"), RMQ_OK);
    ck_assert_uint_eq(fake_event_count(env, EVENT_command_done), 1);
    answer_registration(1);
    stop();
}
END_TEST

/* INC-12: Apache's lock. The creation waits for the running round, then for its own. */
START_TEST(test_registration__serial_quirk_makes_creation_wait) {
    static struct registered table;
    struct wire_command request;
    start_connected(IDENTITY TWO "quirk.serialRegistration=true\n", 2);
    answer_registration(1);
    ck_assert_int_eq(fake_command_text(env, "do=create-topic\ntopic=New\n"), RMQ_OK);
    fake_advance_ms(env, 6 * SECOND_MS - 1);
    ck_assert_uint_eq(fake_event_count(env, EVENT_command_done), 0);
    expect_nothing(1);
    fake_advance_ms(env, 1); /* name server 1 is given up */
    take_registration(1, &request, &table);
    ck_assert_uint_eq(table.count, 1);
    ck_assert_uint_eq(fake_event_uint(env, EVENT_registration_sent, "after_ns"),
                      6000 * UINT64_C(1000000));
    answer_ok(1, &request);
    ck_assert_uint_eq(fake_event_count(env, EVENT_command_done), 0);
    fake_advance_ms(env, 3 * SECOND_MS); /* its dial hangs */
    ck_assert_uint_eq(fake_event_count(env, EVENT_command_done), 1);
    stop();
}
END_TEST

/* What the oracle of registration latency must catch: the second waits for the first. */
START_TEST(test_registration__planted_bug_makes_it_serial) {
    start_connected(IDENTITY TWO, 2);
    fake_set_plant(env, PLANT_BROKER_REGISTER_SERIALLY, true);
    answer_registration(0);
    answer_registration(1);
    fake_advance_ms(env, 10 * SECOND_MS);
    expect_nothing(1);
    fake_advance_ms(env, SECOND_MS);
    answer_registration(0);
    answer_registration(1);
    ck_assert_uint_eq(fake_event_uint(env, EVENT_registration_sent, "after_ns"),
                      1000 * UINT64_C(1000000));
    stop();
}
END_TEST

/* ---- forceRegister=false --------------------------------------------------------------------- */

/* Version 0 of 2026-01-01T00:00:00Z, which is when the fake node starts. */
#define OUR_VERSION "{\"counter\":0,\"timestamp\":1767225600000}"

static void answer_version(size_t p, const struct wire_command *request, const char *changed,
                           const char *body) {
    struct wire_command response;
    wire_command_init(&response, RESPONSE_SUCCESS);
    ck_assert_int_eq(wire_field_add(&response, SPAN_LITERAL("changed"), span_of_text(changed)),
                     RMQ_OK);
    response.body = span_of_text(body);
    peer_answer(&peers[p], request, &response);
}

static void start_unforced(void) {
    start_connected(IDENTITY TWO "forceRegister=false\n", 2);
    answer_registration(0); /* the one at start is forced */
    answer_registration(1);
    fake_advance_ms(env, 10 * SECOND_MS);
}

START_TEST(test_registration_unforced__nobody_wants_it) {
    struct wire_command request;
    start_unforced();
    for (size_t p = 0; p < 2; p++) {
        peer_expect(&peers[p], REQUEST_QUERY_DATA_VERSION, &request);
        ck_assert_span_eq(request.body, OUR_VERSION);
        ck_assert_span_eq(wire_field(&request, "brokerAddr"), "127.0.0.1:29911");
        answer_version(p, &request, "false", OUR_VERSION);
    }
    expect_nothing(0);
    ck_assert_uint_eq(rounds_done(), 2);
    ck_assert_uint_eq(last_round("sent"), 0);
    stop();
}
END_TEST

static const struct {
    const char *changed;
    const char *body;
} WISHES[] = {
    {"true", NULL},
    {"false", "{\"counter\":1,\"timestamp\":1767225600000}"},
    {"false", "{\"counter\":"},
};

START_TEST(test_registration_unforced__one_that_wants_it_is_enough) {
    struct wire_command request;
    start_unforced();
    peer_expect(&peers[1], REQUEST_QUERY_DATA_VERSION, &request);
    answer_version(1, &request, WISHES[_i].changed, WISHES[_i].body);
    answer_registration(1); /* and the other, silent so far, gets it too */
    peer_expect(&peers[0], REQUEST_QUERY_DATA_VERSION, &request);
    answer_registration(0);
    ck_assert_uint_eq(rounds_done(), 2);
    ck_assert_uint_eq(last_round("accepted"), 2);
    stop();
}
END_TEST

START_TEST(test_registration_unforced__one_that_cannot_be_asked_is_enough) {
    struct wire_command request;
    start_unforced();
    peer_expect(&peers[0], REQUEST_QUERY_DATA_VERSION, &request);
    answer_version(0, &request, "false", OUR_VERSION);
    expect_nothing(0);
    fake_peer_reset(peers[1].conn, RMQ_E_RESET);
    answer_registration(0);
    connect_peer(1);
    answer_registration(1);
    stop();
}
END_TEST

/* All dials fail at once: asking ends inside the loop that asks. */
START_TEST(test_registration_unforced__asking_may_fail_at_once) {
    start(IDENTITY ONE "forceRegister=false\n");
    fake_dial_fail(fake_dialled(env, ADDRESSES[0]), RMQ_E_REFUSED);
    fake_fail_at(env, FAKE_FAIL_DIAL, 1);
    fake_advance_ms(env, 10 * SECOND_MS);
    ck_assert(fake_failed(env, FAKE_FAIL_DIAL));
    connect_peer(0); /* the registration dialled again */
    answer_registration(0);
    stop();
}
END_TEST

/* ---- stop ------------------------------------------------------------------------------------ */

START_TEST(test_stop__says_goodbye_to_all_and_waits_3_s) {
    struct wire_command request;
    start_connected(IDENTITY TWO, 2);
    answer_registration(0);
    answer_registration(1);
    fake_stop(env);
    fake_stop(env); /* once is enough */
    for (size_t p = 0; p < 2; p++)
        peer_expect(&peers[p], REQUEST_UNREGISTER_BROKER, &request);
    answer_ok(1, &request);
    ck_assert(!fake_exited(env, NULL));
    fake_advance_ms(env, 3 * SECOND_MS);
    expect_exit();
}
END_TEST

START_TEST(test_stop__ends_rounds_that_are_under_way) {
    start_connected(IDENTITY TWO "quirk.serialRegistration=true\n", 1);
    ck_assert_int_eq(fake_command_text(env, "do=create-topic\ntopic=New\n"), RMQ_OK);
    stop();
}
END_TEST

/* ---- plants ---------------------------------------------------------------------------------- */

START_TEST(test_plant__register_first_only) {
    fake_set_plant(env, PLANT_BROKER_REGISTER_FIRST_ONLY, true);
    start(IDENTITY TWO);
    connect_peer(0);
    answer_registration(0);
    ck_assert_ptr_null(fake_dialled(env, ADDRESSES[1]));
    stop();
}
END_TEST

START_TEST(test_plant__stop_registering) {
    fake_set_plant(env, PLANT_BROKER_STOP_REGISTERING, true);
    start_connected(IDENTITY ONE, 1);
    answer_registration(0);
    for (size_t i = 1; i < 5; i++) {
        fake_advance_ms(env, i == 1 ? 10 * SECOND_MS : 30 * SECOND_MS);
        answer_registration(0);
    }
    fake_advance_ms(env, 90 * SECOND_MS);
    expect_nothing(0);
    stop();
}
END_TEST

/* ---- failures and crashes -------------------------------------------------------------------- */

/* A life with one of everything. Whatever fails on the way, it must end cleanly. */
static void live(void) {
    struct wire_command request;
    if (fake_start_text(env, &broker_role, IDENTITY ONE "topics=A:2:2\nbrokerId=1\n") != RMQ_OK)
        return;
    settle_until_it_serves();
    for (size_t i = 0; i < 3 && fake_node(env) != NULL; i++) {
        if (fake_dialled(env, ADDRESSES[0]) != NULL)
            connect_peer(0);
        if (fake_node(env) != NULL)
            (void)fake_command_text(env, "do=create-topic\ntopic=New\n");
        while (peers[0].conn != NULL && fake_is_open(peers[0].conn) &&
               peer_take(&peers[0], &request)) {
            struct wire_command response;
            wire_command_init(&response, RESPONSE_SUCCESS);
            response.body = SPAN_LITERAL("{\"table\":{\"A\":\"broker-a:2\"}}");
            ck_assert_int_eq(
                wire_field_add(&response, SPAN_LITERAL("masterAddr"), SPAN_LITERAL("h:1")), RMQ_OK);
            peer_answer(&peers[0], &request, &response);
        }
        fake_advance_ms(env, 10 * SECOND_MS);
    }
    if (fake_node(env) == NULL)
        return;
    fake_stop(env);
    wait_for_the_end();
}

START_TEST(test_broker__survives_each_failure) {
    enum fake_failure what = (enum fake_failure)_i;
    bool failed = true;
    unsigned n = 1;
    teardown(); /* a node per run */
    for (; failed; n++) {
        ck_assert_uint_lt(n, 1000);
        setup();
        fake_fail_at(env, what, n);
        live();
        failed = fake_failed(env, what);
        teardown();
    }
    ck_assert_uint_gt(n, 2); /* it did happen */
    setup();
}
END_TEST

START_TEST(test_broker__leaves_nothing_at_any_crash_point) {
    bool crashed = true;
    teardown();
    for (unsigned n = 1; crashed; n++) {
        ck_assert_uint_lt(n, 2000);
        setup();
        fake_crash_at(env, n);
        live();
        crashed = fake_crashed(env);
        teardown();
    }
    setup();
}
END_TEST

/* ---- memory ---------------------------------------------------------------------------------- */

/* With its store: 8 KiB are the aim, 24 the limit (10,000 brokers). Two name servers, one topic of
 * its own; connections, files and timers of the world not counted. */
START_TEST(test_broker__is_small_when_idle) {
    start_connected(IDENTITY TWO "topics=Bench:4:4\nrocketmq.serialize.type=ROCKETMQ\n", 2);
    answer_registration(0);
    answer_registration(1);
    fake_advance_ms(env, 10 * SECOND_MS);
    answer_registration(0);
    answer_registration(1);
    size_t used = fake_memory_used(env);
    printf("idle broker: %zu bytes in %zu blocks\n", used, fake_memory_blocks(env));
    ck_assert_uint_le(used, 16384);
    stop();
}
END_TEST

#define COUNT(array) ((int)(sizeof array / sizeof array[0]))

int main(void) {
    Suite *suite = suite_create("broker_register");
    TCase *tests = suite_case(suite, "registration");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, test_registration__follows_the_schedule);
    tcase_add_loop_test(tests, test_registration__period_is_clamped, 0, COUNT(PERIODS));
    tcase_add_test(tests, test_registration__missed_ticks_come_at_once);
    tcase_add_test(tests, test_registration__a_refusing_name_server_delays_nothing);
    tcase_add_test(tests, test_registration__a_hanging_dial_ends_after_3_s);
    tcase_add_test(tests, test_registration__a_silent_name_server_ends_after_6_s);
    tcase_add_test(tests, test_registration__an_error_answer_is_not_accepted);
    tcase_add_test(tests, test_registration__without_name_servers_is_an_empty_round);
    tcase_add_test(tests, test_registration_topic_changed__sends_that_topic_alone);
    tcase_add_test(tests, test_registration_topic_auto_created__sends_all_oneway);
    tcase_add_test(tests, test_registration__a_silent_name_server_does_not_delay_creation);
    tcase_add_test(tests, test_registration__serial_quirk_makes_creation_wait);
    tcase_add_test(tests, test_registration__planted_bug_makes_it_serial);
    tcase_add_test(tests, test_registration_unforced__nobody_wants_it);
    tcase_add_loop_test(tests, test_registration_unforced__one_that_wants_it_is_enough, 0,
                        COUNT(WISHES));
    tcase_add_test(tests, test_registration_unforced__one_that_cannot_be_asked_is_enough);
    tcase_add_test(tests, test_registration_unforced__asking_may_fail_at_once);
    tcase_add_test(tests, test_stop__says_goodbye_to_all_and_waits_3_s);
    tcase_add_test(tests, test_stop__ends_rounds_that_are_under_way);
    tcase_add_test(tests, test_plant__register_first_only);
    tcase_add_test(tests, test_plant__stop_registering);
    tcase_add_loop_test(tests, test_broker__survives_each_failure, FAKE_FAIL_ALLOC,
                        FAKE_FAIL_FILE_VIEW);
    tcase_add_test(tests, test_broker__leaves_nothing_at_any_crash_point);
    tcase_add_test(tests, test_broker__is_small_when_idle);
    return suite_run(suite);
}
