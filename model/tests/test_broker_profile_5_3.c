/* test_broker_profile_5_3.c - what a 5.3 broker does otherwise: registers with name servers it has
 * dialled, asks and beats in between; fields and times against the captures. */
#include "model/tests/broker_fixture.h"
#include "model/tests/suite.h"

#define IDENTITY                                                                             \
    "profile=5.3\nbrokerClusterName=GoldCluster\nbrokerName=broker-a\nbrokerIP1=127.0.0.1\n" \
    "listenPort=29911\ndefaultTopicQueueNums=4\ntraceTopicEnable=true\ntimerWheelEnable=false\n"
#define ACTING "enableSlaveActingMaster=true\nbrokerNotActiveTimeoutMillis=4000\n"
#define PLAIN_904 ACTING "compatibleWithOldNameSrv=false\n"
#define MS UINT64_C(1000000)

static void take(size_t p, int32_t code, struct wire_command *request) {
    peer_expect(&peers[p], code, request);
}

static void take_and_answer(size_t p, int32_t code) {
    struct wire_command request;
    take(p, code, &request);
    answer_ok(p, &request);
}

/* ---- registration ---------------------------------------------------------------------------- */

/* The one at start finds no connection; the first to arrive is the one after 10 s. */
START_TEST(test_registration__first_arrives_after_10_s) {
    start_connected(IDENTITY TWO, 2);
    ck_assert_uint_eq(fake_event_count(env, EVENT_registration_round_done), 1);
    ck_assert_uint_eq(fake_event_uint(env, EVENT_registration_round_done, "sent"), 0);
    fake_advance(env, 10000 * MS - 1);
    expect_nothing(0);
    expect_nothing(1);
    fake_advance(env, 1);
    take_and_answer(0, REQUEST_REGISTER_BROKER);
    take_and_answer(1, REQUEST_REGISTER_BROKER);
    stop();
}
END_TEST

/* A name server whose first dial has not ended is left out; one that refused is not. */
START_TEST(test_registration__includes_whom_the_probe_has_dialled) {
    start(IDENTITY TWO);
    fake_dial_fail(fake_dialled(env, ADDRESSES[0]), RMQ_E_REFUSED);
    fake_advance_ms(env, 2999);
    ck_assert_int_eq(fake_command_text(env, "do=create-topic\ntopic=New\n"), RMQ_OK);
    ck_assert_uint_eq(fake_event_count(env, EVENT_registration_sent), 1);
    ck_assert_span_eq(fake_event_text(env, EVENT_registration_sent, "name_server"), ADDRESSES[0]);
    stop();
}
END_TEST

/* 24 s are the budget; the worker is busy for them, so 106 waits too, then comes as often as it was
 * due. */
START_TEST(test_registration__a_silent_name_server_holds_the_worker_for_24_s) {
    struct wire_command request;
    start_connected(IDENTITY ONE, 1);
    fake_advance_ms(env, 10000);
    take(0, REQUEST_REGISTER_BROKER, &request);
    fake_advance_ms(env, 24000 - 1);
    expect_nothing(0);
    fake_advance_ms(env, 1);
    ck_assert(fake_is_closed(peers[0].conn));
    hang_up(0);
    peer_accept(&peers[0], env, ADDRESSES[0]);
    for (size_t i = 0; i < 5; i++) { /* due at 10, 15, 20, 25, 30 s */
        take_and_answer(0, REQUEST_GET_BROKER_CLUSTER_INFO);
        fake_settle(env);
    }
    expect_nothing(0);
    stop();
}
END_TEST

START_TEST(test_registration_topic_auto_created__sends_that_topic_alone) {
    static struct registered table;
    struct wire_command request;
    start_connected(IDENTITY ONE, 1);
    struct broker *broker = fake_node(env);
    struct topic_config topic = {
        .name = SPAN_LITERAL("Auto"), .read_queue_nums = 4, .write_queue_nums = 4, .perm = 6};
    bool created;
    ck_assert_int_eq(topics_put(&broker->topics, &topic, &created), RMQ_OK);
    ck_assert_int_eq(registration_topic_auto_created(&broker->registrar, &topic), RMQ_OK);
    take(0, REQUEST_REGISTER_BROKER, &request);
    ck_assert_int_eq(request.flag, 0);
    registered_read(&table, request.body, false, request.version);
    ck_assert_uint_eq(table.count, 1);
    stop();
}
END_TEST

START_TEST(test_registration__permission_is_what_both_allow) {
    static struct registered table;
    struct wire_command request;
    start_connected(IDENTITY ONE "brokerPermission=4\n", 1);
    fake_advance_ms(env, 10000);
    take(0, REQUEST_REGISTER_BROKER, &request);
    registered_read(&table, request.body, false, request.version);
    ck_assert_int_eq(registered_find(&table, "SELF_TEST_TOPIC")->config.perm, 4);
    ck_assert_int_eq(registered_find(&table, "rmq_sys_SYNC_BROKER_MEMBER_broker-a")->config.perm,
                     0);
    stop();
}
END_TEST

/* ---- the probe ------------------------------------------------------------------------------- */

START_TEST(test_probe__dials_what_is_missing_each_3_s) {
    start_connected(IDENTITY TWO, 1);
    fake_dial_fail(fake_dialled(env, ADDRESSES[1]), RMQ_E_REFUSED);
    fake_advance_ms(env, 2999);
    ck_assert_uint_eq(fake_dial_count(env, ADDRESSES[1]), 1);
    fake_advance_ms(env, 1);
    ck_assert_uint_eq(fake_dial_count(env, ADDRESSES[1]), 2);
    peer_accept(&peers[1], env, ADDRESSES[1]);
    fake_advance_ms(env, 4000); /* 7 s: nothing is missing */
    ck_assert_uint_eq(fake_dial_count(env, NULL), 3);
    fake_peer_close(peers[0].conn);
    fake_advance_ms(env, 1999);
    ck_assert_uint_eq(fake_dial_count(env, ADDRESSES[0]), 1);
    fake_advance_ms(env, 1); /* 9 s */
    ck_assert_uint_eq(fake_dial_count(env, ADDRESSES[0]), 2);
    stop();
}
END_TEST

/* ---- fields ---------------------------------------------------------------------------------- */

/* Requests of recorded brokers; the broker of these settings sends the same `ms` after its start.
 */
static const struct {
    const char *file;
    int64_t row;
    const char *config;
    uint64_t ms;
    size_t skip; /* frames before it */
} RECORDINGS[] = {
    {"5.3.3-broker-boot", 1, IDENTITY ONE, 10000, 0},
    {"5.3.3-broker-boot", 3, IDENTITY ONE, 10000, 1},
    {"5.3.3-brokerbin-boot", 1, IDENTITY ONE "rocketmq.serialize.type=ROCKETMQ\n", 10000, 0},
    {"5.3.3-brokerbin-boot", 3, IDENTITY ONE "rocketmq.serialize.type=ROCKETMQ\n", 10000, 1},
    {"5.3.3-brokercompressed-boot", 1, IDENTITY ONE "compressedRegister=true\n", 10000, 0},
    {"5.3.3-brokeracting-boot", 3, IDENTITY ONE PLAIN_904, 1000, 1},
    {"5.3.3-brokeracting-boot", 4, IDENTITY ONE PLAIN_904, 1000, 0},
    {"5.3.3-brokeracting-boot", 1, IDENTITY ONE PLAIN_904, 10000, 18},
    {"5.3.3-brokeractingcompat-boot", 1, IDENTITY ONE ACTING, 1000, 1},
    {"5.3.3-brokeractingcompat-boot", 2, IDENTITY ONE ACTING, 1000, 0},
};

START_TEST(test_requests__have_the_fields_of_the_capture) {
    struct wire_command want, got;
    struct buf scratch;
    buf_init(&scratch, env);
    struct vector_file *file = vectors_load(RECORDINGS[_i].file);
    recorded_frame(file, RECORDINGS[_i].row, &scratch, &want);
    start_connected(RECORDINGS[_i].config, 1);
    size_t seen = 0;
    bool found = false;
    for (uint64_t ms = 0; !found && ms <= RECORDINGS[_i].ms; ms += 1000) {
        if (ms > 0)
            fake_advance_ms(env, 1000);
        while (!found && peer_take(&peers[0], &got)) {
            found = seen++ == RECORDINGS[_i].skip;
            if (!found && (got.flag & WIRE_FLAG_ONEWAY) == 0)
                answer_ok(0, &got);
            fake_settle(env);
        }
    }
    ck_assert(found);
    ck_assert_int_eq(got.code, want.code);
    ck_assert_int_eq(got.flag, want.flag);
    ck_assert_int_eq(got.version, want.version);
    ck_assert_int_eq(got.serialization, want.serialization);
    ck_assert_fields_eq(&got, &want);
    if (want.code == REQUEST_REGISTER_BROKER &&
        span_equal(wire_field(&want, "heartbeatTimeoutMillis"), SPAN_NONE))
        ck_assert_int_eq(span_is_absent(got.body), span_is_absent(want.body));
    if (want.code == REQUEST_QUERY_DATA_VERSION)
        ck_assert_uint_eq(got.body.len, want.body.len); /* counter, stateVersion, timestamp */
    stop();
    buf_deinit(&scratch);
    vectors_free(file);
}
END_TEST

/* ---- times ----------------------------------------------------------------------------------- */

#define TIMES_MAX 64
struct times {
    uint64_t ms[TIMES_MAX];
    size_t count;
};

/* Files, one connection of a broker in each, and when it started: 10 s before its first scheduled
 * registration (row). */
static const struct {
    const char *file;
    int64_t conn;
    int64_t row;
    const char *config;
    int32_t code;
    size_t count; /* requests compared */
} TIMINGS[] = {
    {"5.3.3-brokeradmin-boot", 1, 3, IDENTITY ONE, REQUEST_GET_BROKER_CLUSTER_INFO, 20},
    {"5.3.3-brokeracting-boot", 2, 124, IDENTITY ONE PLAIN_904 "brokerId=1\n",
     REQUEST_BROKER_HEARTBEAT, 30},
    {"5.3.3-brokeracting-boot", 2, 124, IDENTITY ONE PLAIN_904 "brokerId=1\n",
     REQUEST_GET_BROKER_CLUSTER_INFO, 6},
    {"5.3.3-broker-boot", 1, 1, IDENTITY ONE, REQUEST_GET_BROKER_CLUSTER_INFO, 20},
    {"5.3.3-brokeracting-boot", 1, 33, IDENTITY ONE PLAIN_904, REQUEST_BROKER_HEARTBEAT, 30},
    {"5.3.3-brokeracting-boot", 1, 33, IDENTITY ONE PLAIN_904, REQUEST_GET_BROKER_MEMBER_GROUP, 30},
    {"5.3.3-brokeracting-boot", 1, 33, IDENTITY ONE PLAIN_904, REQUEST_GET_BROKER_CLUSTER_INFO, 6},
    {"5.3.3-brokeractingcompat-boot", 1, 31, IDENTITY ONE ACTING, REQUEST_QUERY_DATA_VERSION, 30},
    {"5.3.3-brokeractingcompat-boot", 1, 31, IDENTITY ONE ACTING, REQUEST_GET_ROUTEINFO_BY_TOPIC,
     30},
};

static void record_times(const struct vector_file *file, int64_t conn, int64_t row, int32_t code,
                         struct times *times) {
    int64_t start_ms = INT64_MIN;
    times->count = 0;
    for (size_t i = 0; i < file->count; i++) {
        if (file->rows[i].n == row) {
            ck_assert_int_eq(file->rows[i].code, REQUEST_REGISTER_BROKER);
            start_ms = file->rows[i].t_ms - 10000;
        }
    }
    ck_assert_int_ne(start_ms, INT64_MIN);
    for (size_t i = 0; i < file->count && times->count < TIMES_MAX; i++) {
        const struct vector_row *at = &file->rows[i];
        if (vector_is_frame(at) && at->conn == conn && at->to_server && at->code == code)
            times->ms[times->count++] = (uint64_t)(at->t_ms - start_ms);
    }
}

static void measure_times(int32_t code, struct times *times) {
    struct wire_command request;
    times->count = 0;
    for (uint64_t ms = 100; times->count < TIMES_MAX && ms < 200000; ms += 100) {
        fake_advance_ms(env, 100);
        while (peer_take(&peers[0], &request)) {
            if (request.code == code && times->count < TIMES_MAX)
                times->ms[times->count++] = ms;
            if ((request.flag & WIRE_FLAG_ONEWAY) == 0)
                answer_ok(0, &request);
            fake_settle(env);
        }
    }
}

/* A busy Java process is late at times, by up to 0.3 s, but never skips or shifts. */
START_TEST(test_requests__come_when_the_captures_say) {
    struct times want, got;
    struct vector_file *file = vectors_load(TIMINGS[_i].file);
    record_times(file, TIMINGS[_i].conn, TIMINGS[_i].row, TIMINGS[_i].code, &want);
    start_connected(TIMINGS[_i].config, 1);
    measure_times(TIMINGS[_i].code, &got);
    ck_assert_uint_ge(want.count, TIMINGS[_i].count);
    ck_assert_uint_ge(got.count, TIMINGS[_i].count);
    for (size_t i = 0; i < TIMINGS[_i].count; i++) {
        if (want.ms[i] + 50 < got.ms[i] || want.ms[i] > got.ms[i] + 300)
            ck_abort_msg("request %zu: recorded at %d ms, sent at %d ms", i, (int)want.ms[i],
                         (int)got.ms[i]);
    }
    stop();
    vectors_free(file);
}
END_TEST

/* Each tie: the registration first, 106 after its answer. */
START_TEST(test_metadata__follows_the_registration) {
    struct wire_command request;
    start_connected(IDENTITY ONE, 1);
    fake_advance_ms(env, 10000);
    take(0, REQUEST_REGISTER_BROKER, &request);
    expect_nothing(0);
    answer_ok(0, &request);
    fake_settle(env);
    take_and_answer(0, REQUEST_GET_BROKER_CLUSTER_INFO);
    stop();
}
END_TEST

START_TEST(test_metadata__goes_to_one_name_server) {
    struct wire_command request;
    size_t asked[2] = {0, 0};
    start_connected(IDENTITY TWO, 2);
    for (uint64_t s = 0; s < 60; s += 5) {
        fake_advance_ms(env, 5000);
        for (size_t i = 0; i < 4; i++) { /* 106 follows the answers of both registrations */
            while (peer_take(&peers[i % 2], &request)) {
                asked[i % 2] += request.code == REQUEST_GET_BROKER_CLUSTER_INFO;
                answer_ok(i % 2, &request);
                fake_settle(env);
            }
        }
    }
    ck_assert_uint_eq(asked[0] + asked[1], 11);
    ck_assert(asked[0] == 0 || asked[1] == 0);
    stop();
}
END_TEST

START_TEST(test_acting_master__is_nothing_to_a_4_9_broker) {
    struct wire_command request;
    start_connected("namesrvAddr=10.0.0.1:9876\nenableSlaveActingMaster=true\n", 1);
    take(0, REQUEST_REGISTER_BROKER, &request);
    ck_assert(span_is_absent(wire_field(&request, "enableActingMaster")));
    ck_assert(span_is_absent(wire_field(&request, "heartbeatTimeoutMillis")));
    answer_ok(0, &request);
    fake_advance_ms(env, 9000);
    expect_nothing(0);
    stop();
}
END_TEST

/* ---- failures and crashes -------------------------------------------------------------------- */

static void live(void) {
    struct wire_command request;
    if (fake_start_text(env, &broker_role, IDENTITY ONE ACTING) != RMQ_OK)
        return;
    settle_until_it_serves();
    for (size_t i = 0; i < 6 && fake_node(env) != NULL; i++) {
        if (fake_dialled(env, ADDRESSES[0]) != NULL) {
            hang_up(0);
            peer_accept(&peers[0], env, ADDRESSES[0]);
        }
        while (peers[0].conn != NULL && fake_is_open(peers[0].conn) &&
               peer_take(&peers[0], &request)) {
            if ((request.flag & WIRE_FLAG_ONEWAY) == 0)
                answer_ok(0, &request);
        }
        fake_advance_ms(env, 2000);
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
    ck_assert_uint_gt(n, 2);
    setup();
}
END_TEST

START_TEST(test_broker__leaves_nothing_at_any_crash_point) {
    bool crashed = true;
    teardown();
    for (unsigned n = 1; crashed; n++) {
        ck_assert_uint_lt(n, 3000);
        setup();
        fake_crash_at(env, n);
        live();
        crashed = fake_crashed(env);
        teardown();
    }
    setup();
}
END_TEST

#define COUNT(array) ((int)(sizeof array / sizeof array[0]))

int main(void) {
    Suite *suite = suite_create("broker_profile_5_3");
    TCase *tests = suite_case(suite, "profile 5.3");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, test_registration__first_arrives_after_10_s);
    tcase_add_test(tests, test_registration__includes_whom_the_probe_has_dialled);
    tcase_add_test(tests, test_registration__a_silent_name_server_holds_the_worker_for_24_s);
    tcase_add_test(tests, test_registration_topic_auto_created__sends_that_topic_alone);
    tcase_add_test(tests, test_registration__permission_is_what_both_allow);
    tcase_add_test(tests, test_probe__dials_what_is_missing_each_3_s);
    tcase_add_loop_test(tests, test_requests__have_the_fields_of_the_capture, 0, COUNT(RECORDINGS));
    tcase_add_loop_test(tests, test_requests__come_when_the_captures_say, 0, COUNT(TIMINGS));
    tcase_add_test(tests, test_metadata__follows_the_registration);
    tcase_add_test(tests, test_metadata__goes_to_one_name_server);
    tcase_add_test(tests, test_acting_master__is_nothing_to_a_4_9_broker);
    tcase_add_loop_test(tests, test_broker__survives_each_failure, FAKE_FAIL_ALLOC,
                        FAKE_FAIL_FILE_OPEN);
    tcase_add_test(tests, test_broker__leaves_nothing_at_any_crash_point);
    return suite_run(suite);
}
