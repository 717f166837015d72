/* test_namesrv_scan.c - when a broker leaves the tables, to the millisecond: scan, idle close,
 * closing connections. The fake's clock starts at 1 s; the name server starts at that moment. */
#include "model/tests/suite.h"
#include "model/tests/test_namesrv_ask.h"

/* 322 keeps the channel busy, and with another version does not refresh (4.9). */
#define NO_IDLE "serverChannelMaxIdleTimeSeconds=0\n"

static struct env *env;
static struct peer broker;

static void start(const char *config) {
    env = fake_create();
    ck_assert_int_eq(fake_start_text(env, &namesrv_role, config), RMQ_OK);
    peer_open(&broker, env, "10.0.0.1:40001");
}

static void finish(void) {
    ck_assert(namesrv_check(fake_node(env)));
    fake_stop(env);
    peer_free(&broker);
    fake_destroy(env);
}

static void register_at(uint64_t at_ms) {
    uint64_t now_ms = (env_mono_ns(env) - 1000000000) / 1000000;
    fake_advance_ms(env, at_ms - now_ms);
    ck_assert_int_eq(peer_register(&broker, "a", "0", "10.0.0.1:10911", 1, "T"), 0);
}

/* Lets time pass until `until_ms` after the start; when the last eviction was, or 0. */
static uint64_t evicted_at_ms(uint64_t until_ms, const char *reason) {
    uint64_t end_ns = 1000000000 + until_ms * 1000000;
    fake_advance(env, end_ns - env_mono_ns(env));
    if (fake_event_count(env, EVENT_route_broker_evicted) == 0)
        return 0;
    struct span given = fake_event_text(env, EVENT_route_broker_evicted, "reason");
    ck_assert(span_equal(given, span_of_text(reason)));
    const struct fake_event *event = fake_event_last(env, EVENT_route_broker_evicted);
    return (event->mono_ns - 1000000000) / 1000000;
}

/* First scan (5 s + k * 10 s) strictly later than 120 s after the registration. */
static const struct {
    uint64_t registered_ms;
    uint64_t evicted_ms;
} SCANS_4_9[] = {
    {0, 125000},    {1, 125000},     {4999, 125000},  {5000, 135000}, /* exactly 120 s: not yet */
    {5001, 135000}, {14999, 135000}, {15000, 145000}, {30000, 155000},
};

START_TEST(test_scan__drops_at_the_first_scan_later_than_120_s) {
    start(NO_IDLE);
    register_at(SCANS_4_9[_i].registered_ms);
    uint64_t at_ms = evicted_at_ms(200000, "scan");
    ck_assert_uint_eq(at_ms, SCANS_4_9[_i].evicted_ms);
    uint64_t age_ms =
        fake_event_uint(env, EVENT_route_broker_evicted, "since_registration_ns") / 1000000;
    ck_assert_uint_eq(age_ms, at_ms - SCANS_4_9[_i].registered_ms);
    ck_assert_uint_gt(age_ms, 120000);
    ck_assert_uint_le(age_ms, 130000);
    ck_assert(fake_is_closed(broker.conn));
    ck_assert_uint_eq(fake_event_count(env, EVENT_route_scanned), 1);
    finish();
}
END_TEST

static const struct {
    uint64_t registered_ms;
    uint64_t evicted_ms;
} SCANS_5_3[] = {
    {0, 120005}, {4, 120005}, {5, 125005}, {6, 125005}, {5004, 125005}, {5005, 130005},
};

START_TEST(test_scan_5_3__scans_at_5_ms_and_each_5_s) {
    start(NO_IDLE "profile=5.3\n");
    register_at(SCANS_5_3[_i].registered_ms);
    ck_assert_uint_eq(evicted_at_ms(200000, "scan"), SCANS_5_3[_i].evicted_ms);
    finish();
}
END_TEST

START_TEST(test_scan__interval_is_configurable) {
    start(NO_IDLE "profile=5.3\nscanNotActiveBrokerInterval=60000\n");
    register_at(1000);
    ck_assert_uint_eq(evicted_at_ms(300000, "scan"), 180005);
    finish();
}
END_TEST

START_TEST(test_scan_5_3__uses_the_timeout_that_the_broker_gave) {
    start(NO_IDLE "profile=5.3\n");
    fake_advance_ms(env, 1000);
    ck_assert_int_eq(ask(&broker, REQUEST_REGISTER_BROKER, peer_body(&broker, 1, 0, "T"),
                         "brokerName", "a", "brokerId", "0", "brokerAddr", "10.0.0.1:10911",
                         "clusterName", "c", "haServerAddr", "h", "heartbeatTimeoutMillis", "10000",
                         NULL),
                     0);
    ck_assert_uint_eq(evicted_at_ms(100000, "scan"), 15005);
    finish();
}
END_TEST

START_TEST(test_scan_4_9__ignores_a_timeout) {
    start(NO_IDLE);
    ck_assert_int_eq(ask(&broker, REQUEST_REGISTER_BROKER, peer_body(&broker, 1, 0, "T"),
                         "brokerName", "a", "brokerId", "0", "brokerAddr", "10.0.0.1:10911",
                         "clusterName", "c", "haServerAddr", "h", "heartbeatTimeoutMillis", "10000",
                         NULL),
                     0);
    ck_assert_uint_eq(evicted_at_ms(200000, "scan"), 125000);
    finish();
}
END_TEST

START_TEST(test_idle_close__is_first_when_nothing_else_is_sent) {
    start("");
    register_at(3000);
    ck_assert_uint_eq(evicted_at_ms(200000, "idle"), 123000);
    ck_assert_uint_eq(fake_event_count(env, EVENT_route_scanned), 0);
    finish();
}
END_TEST

START_TEST(test_idle_close__other_traffic_leaves_it_to_the_scan) {
    start("");
    register_at(3000);
    fake_advance_ms(env, 60000);
    ck_assert_int_eq(peer_route(&broker, "T"), 0); /* does not refresh, but is traffic */
    ck_assert_uint_eq(evicted_at_ms(200000, "scan"), 125000);
    finish();
}
END_TEST

START_TEST(test_close__evicts_at_once) {
    start("");
    register_at(3000);
    fake_advance_ms(env, 777);
    fake_peer_close(broker.conn);
    ck_assert_uint_eq(evicted_at_ms(4000, "close"), 3777);
    finish();
}
END_TEST

START_TEST(test_close__of_an_older_connection_evicts_nobody) {
    start("");
    register_at(3000);
    struct peer second;
    peer_open(&second, env, "10.0.0.1:40002");
    ck_assert_int_eq(peer_register(&second, "a", "0", "10.0.0.1:10911", 1, "T"), 0);
    fake_peer_close(broker.conn);
    ck_assert_uint_eq(evicted_at_ms(5000, "close"), 0);
    fake_peer_reset(second.conn, RMQ_E_RESET);
    ck_assert_uint_eq(evicted_at_ms(6000, "close"), 5000);
    peer_free(&second);
    finish();
}
END_TEST

START_TEST(test_close__evicts_all_brokers_of_the_connection) {
    start("");
    register_at(1000);
    ck_assert_int_eq(peer_register(&broker, "b", "0", "10.0.0.1:10921", 1, "T"), 0);
    fake_peer_close(broker.conn);
    ck_assert_uint_eq(fake_event_count(env, EVENT_route_broker_evicted), 2);
    finish();
}
END_TEST

START_TEST(test_refresh__322_counts_only_when_nothing_changed_4_9) {
    for (int changed = 0; changed < 2; changed++) {
        start(NO_IDLE);
        register_at(0);
        fake_advance_ms(env, 50000);
        ask(&broker, REQUEST_QUERY_DATA_VERSION,
            changed ? SPAN_LITERAL("{\"counter\":9,\"timestamp\":1700000000000}")
                    : SPAN_LITERAL("{\"counter\":1,\"timestamp\":1700000000000}"),
            "brokerName", "a", "brokerId", "0", "brokerAddr", "10.0.0.1:10911", "clusterName", "c",
            NULL);
        ck_assert_uint_eq(fake_event_count(env, EVENT_route_broker_refreshed), changed ? 0 : 1);
        ck_assert_uint_eq(evicted_at_ms(300000, "scan"), changed ? 125000 : 175000);
        finish();
    }
}
END_TEST

START_TEST(test_refresh_5_3__322_and_904_always_count) {
    for (int code = 322; code <= 904; code += 904 - 322) {
        start(NO_IDLE "profile=5.3\n");
        register_at(0);
        fake_advance_ms(env, 50000);
        ck_assert_int_eq(ask(&broker, code, NO_BODY, "brokerName", "a", "brokerId", "0",
                             "brokerAddr", "10.0.0.1:10911", "clusterName", "c", NULL),
                         0);
        ck_assert_uint_eq(evicted_at_ms(300000, "scan"), 170005);
        finish();
    }
}
END_TEST

START_TEST(test_scan__costs_nothing_while_nobody_is_registered) {
    start(NO_IDLE);
    ck_assert_uint_eq(fake_timer_count(env), 0);
    register_at(61234);
    ck_assert_uint_eq(fake_timer_count(env), 1);
    ck_assert_uint_eq(fake_next_deadline_ns(env), UINT64_C(66000000000)); /* 1 s + 65 s */
    fake_peer_close(broker.conn);
    fake_advance_ms(env, 10000);
    ck_assert_uint_eq(fake_timer_count(env), 0);
    finish();
}
END_TEST

START_TEST(test_scan__evicts_in_order_of_last_registration) {
    start(NO_IDLE);
    static const char *const names[] = {"x", "m", "b"};
    static const char *const addrs[] = {"10.0.0.3:1", "10.0.0.2:1", "10.0.0.1:1"};
    struct peer peers[3];
    for (int i = 0; i < 3; i++) {
        peer_open(&peers[i], env, addrs[i]);
        ck_assert_int_eq(peer_register(&peers[i], names[i], "0", addrs[i], 1, "T"), 0);
    }
    fake_advance_ms(env, 1);
    ck_assert_int_eq(peer_register(&peers[0], "x", "0", addrs[0], 1, "T"), 0); /* now the last */
    fake_advance_ms(env, 124998);
    ck_assert_uint_eq(fake_event_count(env, EVENT_route_broker_evicted), 0);
    fake_advance_ms(env, 1);
    static const char *const order[] = {"m", "b", "x"};
    for (size_t i = 0, k = 0; i < fake_event_total(env); i++) {
        const struct fake_event *event = fake_event_at(env, i);
        if (event->kind == EVENT_route_broker_evicted)
            ck_assert(span_equal(event->values[1].text, span_of_text(order[k++])));
    }
    for (int i = 0; i < 3; i++)
        peer_free(&peers[i]);
    ck_assert_uint_eq(fake_event_count(env, EVENT_route_broker_evicted), 3);
    finish();
}
END_TEST

START_TEST(test_scan__after_a_pause_runs_late_but_once) {
    start(NO_IDLE);
    register_at(0);
    fake_pause(env, UINT64_C(500000000000));
    ck_assert_uint_eq(fake_event_count(env, EVENT_route_scanned), 1);
    ck_assert_uint_eq(fake_event_count(env, EVENT_route_broker_evicted), 1);
    finish();
}
END_TEST

START_TEST(test_plants__change_what_the_oracles_see) {
    start(NO_IDLE);
    fake_set_plant(env, PLANT_NAMESRV_SCAN_NEVER, true);
    register_at(0);
    ck_assert_uint_eq(evicted_at_ms(1000000, "scan"), 0);
    fake_set_plant(env, PLANT_NAMESRV_SCAN_NEVER, false);
    finish();

    start(NO_IDLE);
    fake_set_plant(env, PLANT_NAMESRV_EVICT_EARLY, true);
    register_at(0);
    ck_assert_uint_eq(evicted_at_ms(1000000, "scan"), 65000);
    finish();

    start(NO_IDLE);
    fake_set_plant(env, PLANT_NAMESRV_KEEP_TOPICS, true);
    register_at(0);
    fake_peer_close(broker.conn);
    ck_assert_uint_eq(fake_event_count(env, EVENT_route_broker_evicted), 1);
    ck_assert_uint_eq(fake_event_count(env, EVENT_route_topic_removed), 0);
    struct peer client;
    peer_open(&client, env, "10.0.0.7:1");
    ck_assert_int_eq(peer_route(&client, "T"), 0);
    ck_assert(answer_contains(&client, "\"brokerAddrs\":{}"));
    ck_assert_int_eq(peer_register(&client, "a", "0", "10.0.0.1:10911", 1, "T"), 0);
    peer_free(&client);
    finish();
}
END_TEST

static Suite *scan_suite(void) {
    Suite *suite = suite_create("namesrv_scan");
    TCase *tests = suite_case(suite, "expiry");
    tcase_add_loop_test(tests, test_scan__drops_at_the_first_scan_later_than_120_s, 0,
                        sizeof SCANS_4_9 / sizeof SCANS_4_9[0]);
    tcase_add_loop_test(tests, test_scan_5_3__scans_at_5_ms_and_each_5_s, 0,
                        sizeof SCANS_5_3 / sizeof SCANS_5_3[0]);
    tcase_add_test(tests, test_scan__interval_is_configurable);
    tcase_add_test(tests, test_scan_5_3__uses_the_timeout_that_the_broker_gave);
    tcase_add_test(tests, test_scan_4_9__ignores_a_timeout);
    tcase_add_test(tests, test_refresh__322_counts_only_when_nothing_changed_4_9);
    tcase_add_test(tests, test_refresh_5_3__322_and_904_always_count);
    tcase_add_test(tests, test_scan__costs_nothing_while_nobody_is_registered);
    tcase_add_test(tests, test_scan__evicts_in_order_of_last_registration);
    tcase_add_test(tests, test_scan__after_a_pause_runs_late_but_once);
    tests = suite_case(suite, "channels");
    tcase_add_test(tests, test_idle_close__is_first_when_nothing_else_is_sent);
    tcase_add_test(tests, test_idle_close__other_traffic_leaves_it_to_the_scan);
    tcase_add_test(tests, test_close__evicts_at_once);
    tcase_add_test(tests, test_close__of_an_older_connection_evicts_nobody);
    tcase_add_test(tests, test_close__evicts_all_brokers_of_the_connection);
    tests = suite_case(suite, "plants");
    tcase_add_test(tests, test_plants__change_what_the_oracles_see);
    return suite;
}

int main(void) {
    return suite_run(scan_suite());
}
