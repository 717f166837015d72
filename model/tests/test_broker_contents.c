/* test_broker_contents.c - what is in registrations, against the captures, and what their answers
 * change. */
#include "model/tests/broker_fixture.h"
#include "model/tests/suite.h"

#define IDENTITY                                                                \
    "brokerClusterName=GoldCluster\nbrokerName=broker-a\nbrokerIP1=127.0.0.1\n" \
    "listenPort=29911\ndefaultTopicQueueNums=4\ntraceTopicEnable=true\n"
/* ---- contents -------------------------------------------------------------------------------- */

#define GOLD IDENTITY "timerWheelEnable=false\n" ONE

/* Requests of recorded brokers, and the settings of one that must send the same. */
static const struct {
    const char *file;
    int64_t row;
    const char *config;
} RECORDINGS[] = {
    {"4.9.7-broker-boot", 1, GOLD},
    {"4.9.7-broker-boot", 4,
     "brokerId=1\nlistenPort=29931\nbrokerClusterName=GoldCluster\nbrokerName=broker-a\n"
     "brokerIP1=127.0.0.1\ndefaultTopicQueueNums=4\ntraceTopicEnable=true\n" ONE},
    {"4.9.7-brokerbin-boot", 1, GOLD "compressedRegister=true\nrocketmq.serialize.type=ROCKETMQ\n"},
};

START_TEST(test_registration__has_the_fields_of_the_capture) {
    struct wire_command want, got;
    static struct registered topics_want, topics_got;
    struct buf scratch;
    buf_init(&scratch, env);
    struct vector_file *file = vectors_load(RECORDINGS[_i].file);
    recorded_frame(file, RECORDINGS[_i].row, &scratch, &want);
    start_connected(RECORDINGS[_i].config, 1);
    bool compressed = span_equal(wire_field(&want, "compressed"), SPAN_LITERAL("true"));
    registered_read(&topics_want, want.body, compressed, want.version);
    take_registration(0, &got, &topics_got);
    ck_assert_int_eq(got.flag, want.flag);
    ck_assert_int_eq(got.serialization, want.serialization);
    ck_assert_int_eq(got.version, WIRE_VERSION_4_9_8);
    ck_assert(span_is_absent(got.remark) && span_is_absent(want.remark));
    ck_assert_fields_eq(&got, &want);
    ck_assert_registered_eq(&topics_got, &topics_want);
    stop();
    buf_deinit(&scratch);
    vectors_free(file);
}
END_TEST

START_TEST(test_unregistration__has_the_fields_of_the_capture) {
    struct wire_command want, got;
    struct buf scratch;
    buf_init(&scratch, env);
    struct vector_file *file = vectors_load("4.9.7-brokeradmin-boot");
    recorded_frame(file, 329, &scratch, &want);
    start_connected(GOLD, 1);
    answer_registration(0);
    fake_stop(env);
    peer_expect(&peers[0], REQUEST_UNREGISTER_BROKER, &got);
    ck_assert_int_eq(want.code, REQUEST_UNREGISTER_BROKER);
    ck_assert_fields_eq(&got, &want);
    ck_assert(span_is_absent(got.body));
    answer_ok(0, &got);
    wait_for_the_end();
    expect_exit();
    buf_deinit(&scratch);
    vectors_free(file);
}
END_TEST

/* The same bytes each time while nothing changes; another version, another body. */
START_TEST(test_registration__body_is_kept_per_version) {
    struct wire_command request;
    uint8_t first[4096];
    start_connected(IDENTITY ONE, 1);
    take_registration(0, &request, NULL);
    size_t len = request.body.len;
    ck_assert_uint_le(len, sizeof first);
    memcpy(first, request.body.data, len);
    answer_ok(0, &request);
    const struct broker *broker = fake_node(env);
    const uint8_t *kept = broker->registrar.body.data;
    fake_advance_ms(env, 10 * SECOND_MS);
    take_registration(0, &request, NULL);
    ck_assert(span_equal(request.body, span_of(first, len)));
    ck_assert_ptr_eq(broker->registrar.body.data, kept);
    answer_ok(0, &request);
    stop();
}
END_TEST

static const struct {
    const char *permission;
    int32_t perm; /* of SELF_TEST_TOPIC, else 6 */
} PERMISSIONS[] = {
    {"brokerPermission=6\n", 6}, {"brokerPermission=4\n", 4}, {"brokerPermission=2\n", 2}};

START_TEST(test_registration__carries_the_brokers_permission) {
    static struct registered table;
    struct wire_command request;
    char config[1024];
    snprintf(config, sizeof config, "%s%s", IDENTITY ONE "topics=T:2:2:4\n",
             PERMISSIONS[_i].permission);
    start_connected(config, 1);
    take_registration(0, &request, &table);
    ck_assert_int_eq(registered_find(&table, "SELF_TEST_TOPIC")->config.perm, PERMISSIONS[_i].perm);
    ck_assert_int_eq(registered_find(&table, "T")->config.perm,
                     PERMISSIONS[_i].perm == 6 ? 4 : PERMISSIONS[_i].perm);
    stop();
}
END_TEST

START_TEST(test_registration__oneway_expects_no_answer) {
    struct wire_command request;
    start_connected(IDENTITY ONE "onewayRegister=true\n", 1);
    take_registration(0, &request, NULL);
    ck_assert_int_eq(request.flag & WIRE_FLAG_ONEWAY, WIRE_FLAG_ONEWAY);
    ck_assert_uint_eq(rounds_done(), 1);
    ck_assert_uint_eq(last_round("sent"), 1);
    fake_advance_ms(env, 10 * SECOND_MS);
    take_registration(0, &request, NULL);
    ck_assert_uint_eq(fake_event_count(env, EVENT_registration_failed), 0);
    stop();
}
END_TEST

/* ---- what answers change --------------------------------------------------------------------- */

START_TEST(test_registration__order_table_reaches_the_next_registration) {
    static struct registered table;
    struct wire_command request;
    start_connected(IDENTITY ONE "topics=A:2:2;B:2:2\n", 1);
    take_registration(0, &request, &table);
    ck_assert(!registered_find(&table, "A")->config.order);
    peer_answer_body(&peers[0], &request, 0, "{\"table\":{\"A\":\"broker-a:2\"}}");
    fake_advance_ms(env, 10 * SECOND_MS);
    take_registration(0, &request, &table);
    ck_assert(registered_find(&table, "A")->config.order);
    ck_assert(!registered_find(&table, "B")->config.order);
    ck_assert_int_eq(table.info.version.counter, 1);
    peer_answer_body(&peers[0], &request, 0, "{\"table\":{\"A\":\"broker-a:2\"}}");
    fake_advance_ms(env, 30 * SECOND_MS);
    take_registration(0, &request, &table);
    ck_assert_int_eq(table.info.version.counter, 1); /* no change, no bump */
    answer_ok(0, &request);                          /* no body: no change */
    fake_advance_ms(env, 30 * SECOND_MS);
    take_registration(0, &request, &table);
    ck_assert(registered_find(&table, "A")->config.order);
    peer_answer_body(&peers[0], &request, 0, "{\"table\":{}}");
    fake_advance_ms(env, 30 * SECOND_MS);
    take_registration(0, &request, &table);
    ck_assert(!registered_find(&table, "A")->config.order);
    ck_assert_int_eq(table.info.version.counter, 2);
    stop();
}
END_TEST

static void answer_slave(size_t p, const struct wire_command *request, const char *master,
                         const char *ha) {
    struct wire_command response;
    wire_command_init(&response, RESPONSE_SUCCESS);
    if (ha != NULL)
        ck_assert_int_eq(wire_field_add(&response, SPAN_LITERAL("haServerAddr"), span_of_text(ha)),
                         RMQ_OK);
    if (master != NULL)
        ck_assert_int_eq(
            wire_field_add(&response, SPAN_LITERAL("masterAddr"), span_of_text(master)), RMQ_OK);
    peer_answer(&peers[p], request, &response);
}

START_TEST(test_registration__slave_learns_its_master_from_the_first_answer) {
    struct wire_command request;
    start_connected(IDENTITY TWO "brokerId=1\n", 2);
    const struct broker *broker = fake_node(env);
    take_registration(1, &request, NULL);
    ck_assert_span_eq(wire_field(&request, "brokerId"), "1");
    answer_slave(1, &request, "10.1.1.1:10911", "10.1.1.1:10912");
    ck_assert_span_eq(broker->registrar.master_addr, "10.1.1.1:10911");
    ck_assert_span_eq(broker->registrar.master_ha_addr, "10.1.1.1:10912");
    take_registration(0, &request, NULL);
    answer_slave(0, &request, "10.2.2.2:10911", "10.2.2.2:10912");
    ck_assert_span_eq(broker->registrar.master_addr, "10.1.1.1:10911");
    fake_advance_ms(env, 10 * SECOND_MS);
    take_registration(0, &request, NULL);
    answer_slave(0, &request, NULL, NULL); /* the master has gone */
    ck_assert(span_is_absent(broker->registrar.master_addr));
    ck_assert_span_eq(broker->registrar.master_ha_addr, "10.1.1.1:10912");
    answer_registration(1);
    stop();
}
END_TEST

/* Every seventh recorded answer, to a registration: the broker lives on and registers again. */
START_TEST(test_registration__no_recorded_answer_harms) {
    size_t file_count, rounds = 1;
    struct wire_command request, answered;
    struct wire_error error;
    struct buf scratch;
    struct env *other = fake_create();
    buf_init(&scratch, other);
    const char *const *names = vectors_names(&file_count);
    start_connected(IDENTITY ONE "brokerId=1\nforceRegister=false\n", 1);
    answer_registration(0);
    for (size_t f = 0; f < file_count; f++) {
        struct vector_file *file = vectors_load(names[f]);
        for (size_t i = 0; i < file->count; i += 7) {
            const struct vector_row *row = &file->rows[i];
            if (!vector_is_frame(row) || row->to_server || (row->flag & WIRE_FLAG_RESPONSE) == 0)
                continue;
            fake_advance_ms(env, rounds == 1 ? 10000 : 30000);
            ck_assert_int_eq(wire_decode(row->bytes, &scratch, &answered, &error), RMQ_OK);
            peer_expect(&peers[0], REQUEST_QUERY_DATA_VERSION, &request);
            peer_answer(&peers[0], &request, &answered);
            if (peer_take(&peers[0], &request)) { /* it looked as if the version had changed */
                ck_assert_int_eq(request.code, REQUEST_REGISTER_BROKER);
                peer_answer(&peers[0], &request, &answered);
            }
            ck_assert_uint_eq(rounds_done(), ++rounds);
        }
        vectors_free(file);
    }
    buf_deinit(&scratch);
    fake_destroy(other);
    ck_assert_uint_ge(rounds, 200);
    stop();
}
END_TEST

#define COUNT(array) ((int)(sizeof array / sizeof array[0]))

int main(void) {
    Suite *suite = suite_create("broker_contents");
    TCase *tests = suite_case(suite, "contents");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, test_registration__has_the_fields_of_the_capture, 0,
                        COUNT(RECORDINGS));
    tcase_add_test(tests, test_unregistration__has_the_fields_of_the_capture);
    tcase_add_test(tests, test_registration__body_is_kept_per_version);
    tcase_add_loop_test(tests, test_registration__carries_the_brokers_permission, 0,
                        COUNT(PERMISSIONS));
    tcase_add_test(tests, test_registration__oneway_expects_no_answer);
    tcase_add_test(tests, test_registration__order_table_reaches_the_next_registration);
    tcase_add_test(tests, test_registration__slave_learns_its_master_from_the_first_answer);
    tcase_add_test(tests, test_registration__no_recorded_answer_harms);
    return suite_run(suite);
}
