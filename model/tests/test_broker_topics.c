/* test_broker_topics.c - the topic table: built-in topics against the captures, changes, checks. */
#include <stdlib.h>

#include "model/broker/messages.h"
#include "model/broker/order_table.h"
#include "model/tests/registrations.h"
#include "model/tests/suite.h"

static struct env *env;
static struct props props;
static struct broker_config config;
static struct topics topics;

static void setup(void) {
    env = fake_create();
}

static void teardown(void) {
    topics_deinit(&topics);
    broker_config_free(env, &config);
    props_deinit(&props);
    fake_destroy(env);
}

static int load_config(const char *text) {
    size_t line;
    props_init(&props, env);
    ck_assert_int_eq(props_parse(&props, span_of_text(text), &line), RMQ_OK);
    return broker_config_read(env, &props, &config);
}

static void load(const char *text) {
    ck_assert_int_eq(load_config(text), RMQ_OK);
    topics_init(&topics, env, &config);
}

/* ---- against the captures -------------------------------------------------------------------- */

#define RECORDED                                                                    \
    "brokerClusterName=GoldCluster\nbrokerName=broker-a\ndefaultTopicQueueNums=4\n" \
    "traceTopicEnable=true\n"

/* First registrations of recorded brokers, and the settings they ran with. */
static const struct {
    const char *file;
    int64_t row;
    bool compressed;
    const char *config;
} RECORDINGS[] = {
    {"4.9.7-broker-boot", 1, false, RECORDED},
    {"4.9.7-broker-boot", 4, false, RECORDED "brokerId=1\n"},
    {"4.9.7-brokerbin-boot", 1, true, RECORDED "compressedRegister=true\n"},
    {"5.3.3-broker-boot", 1, false, RECORDED "profile=5.3\ntimerWheelEnable=false\n"},
    {"5.3.3-broker-boot", 5, false, RECORDED "profile=5.3\ntimerWheelEnable=false\nbrokerId=1\n"},
    {"5.3.3-brokeradmin-boot", 1, false, RECORDED "profile=5.3\ntimerWheelEnable=false\n"},
    {"5.3.3-brokeracting-boot", 1, false, RECORDED "profile=5.3\nenableSlaveActingMaster=true\n"},
    {"5.3.3-brokercompressed-boot", 1, true,
     RECORDED "profile=5.3\ntimerWheelEnable=false\ncompressedRegister=true\n"},
};

START_TEST(test_message_body__has_the_topics_of_the_capture) {
    static struct registered want, got;
    struct wire_command recorded;
    struct buf scratch, body;
    buf_init(&scratch, env);
    buf_init(&body, env);
    struct vector_file *file = vectors_load(RECORDINGS[_i].file);
    recorded_frame(file, RECORDINGS[_i].row, &scratch, &recorded);
    registered_read(&want, recorded.body, RECORDINGS[_i].compressed, recorded.version);
    ck_assert_uint_ge(want.count, 9);

    load(RECORDINGS[_i].config);
    ck_assert_int_eq(broker_message_body(env, &config, &topics, &body), RMQ_OK);
    registered_read(&got, buf_span(&body), RECORDINGS[_i].compressed,
                    config.profile_5_3 ? WIRE_VERSION_5_3_3 : WIRE_VERSION_4_9_8);
    ck_assert_registered_eq(&got, &want);
    ck_assert_int_eq(got.info.version.counter, want.info.version.counter);
    ck_assert_int_eq(got.info.version.state_version, want.info.version.state_version);
    ck_assert_int_eq(got.info.has_filter_servers, want.info.has_filter_servers);
    ck_assert_int_eq(got.info.has_mappings, want.info.has_mappings);
    if (!RECORDINGS[_i].compressed)
        ck_assert_uint_eq(body.len, recorded.body.len); /* members too: same bytes, other order */
    buf_deinit(&body);
    buf_deinit(&scratch);
    vectors_free(file);
}
END_TEST

/* ---- settings -------------------------------------------------------------------------------- */

static void expect_topic(const char *name, int32_t queues, int32_t perm) {
    struct topic_config topic;
    if (topics_find(&topics, span_of_text(name), &topic) != RMQ_OK)
        ck_abort_msg("no topic %s", name);
    ck_assert_int_eq(topic.read_queue_nums, queues);
    ck_assert_int_eq(topic.write_queue_nums, queues);
    ck_assert_int_eq(topic.perm, perm);
}

static void expect_none(const char *name) {
    struct topic_config topic;
    ck_assert_int_eq(topics_find(&topics, span_of_text(name), &topic), RMQ_E_NOT_FOUND);
}

START_TEST(test_topics_init__follows_the_switches) {
    load("brokerClusterName=C\nbrokerName=b\nautoCreateTopicEnable=false\n"
         "clusterTopicEnable=false\nbrokerTopicEnable=false\n");
    expect_none("TBW102");
    expect_none("RMQ_SYS_TRACE_TOPIC");
    expect_topic("C", 16, PERM_INHERIT);
    expect_topic("b", 1, PERM_INHERIT);
    expect_topic("C_REPLY_TOPIC", 1, 6);
    ck_assert_uint_eq(topics_count(&topics), 7);
}
END_TEST

START_TEST(test_topics_init__has_defaults) {
    load("traceTopicEnable=true\nmsgTraceTopicName=mine\n");
    expect_topic("TBW102", 8, 7);
    expect_topic("DefaultCluster", 16, 7);
    expect_topic("DEFAULT_BROKER", 1, 7);
    expect_topic("mine", 1, 6);
    expect_none("rmq_sys_wheel_timer");
}
END_TEST

/* Like Java's map: the broker's topic, put later, replaces the cluster's of the same name. */
START_TEST(test_topics_init__a_name_is_there_once) {
    load("brokerClusterName=same\nbrokerName=same\n");
    expect_topic("same", 1, 7);
    ck_assert_uint_eq(topics_count(&topics), 7);
}
END_TEST

/* ---- changes --------------------------------------------------------------------------------- */

static struct topic_config plain(const char *name) {
    return (struct topic_config){
        .name = span_of_text(name), .read_queue_nums = 4, .write_queue_nums = 4, .perm = 6};
}

START_TEST(test_topics_put__creates_and_replaces) {
    bool created;
    load("");
    size_t before = topics_count(&topics);
    static const char *const NAMES[] = {"m", "a", "z", "b", "mm"};
    for (size_t i = 0; i < 5; i++) {
        struct topic_config topic = plain(NAMES[i]);
        ck_assert_int_eq(topics_put(&topics, &topic, &created), RMQ_OK);
        ck_assert(created);
    }
    struct topic_config topic = plain("mm");
    topic.perm = 4;
    topic.read_queue_nums = topic.write_queue_nums = 2;
    ck_assert_int_eq(topics_put(&topics, &topic, &created), RMQ_OK);
    ck_assert(!created);
    expect_topic("mm", 2, 4);
    expect_topic("m", 4, 6);
    ck_assert_uint_eq(topics_count(&topics), before + 5);
    struct span previous = SPAN_NONE; /* T2 */
    for (size_t i = before; i < before + 5; i++) {
        struct topic_config at = topics_at(&topics, i);
        ck_assert_int_lt(span_compare(previous, at.name), 0);
        previous = at.name;
    }
}
END_TEST

START_TEST(test_topics_put__counts_the_version_up) {
    bool created;
    load("");
    ck_assert_int_eq(topics_version(&topics).counter, 0);
    ck_assert_int_eq(topics_version(&topics).timestamp, env_wall_ms(env));
    fake_advance_ms(env, 5000);
    struct topic_config topic = plain("T");
    ck_assert_int_eq(topics_put(&topics, &topic, &created), RMQ_OK);
    ck_assert_int_eq(topics_version(&topics).counter, 1);
    ck_assert_int_eq(topics_version(&topics).timestamp, env_wall_ms(env));
}
END_TEST

START_TEST(test_topics_put__without_memory_changes_nothing) {
    bool created;
    load("");
    size_t before = topics_count(&topics);
    for (unsigned n = 1; n <= 2; n++) {
        struct topic_config topic = plain("T");
        fake_fail_at(env, FAKE_FAIL_ALLOC, n);
        ck_assert_int_eq(topics_put(&topics, &topic, &created), RMQ_E_NOMEM);
        ck_assert_uint_eq(topics_count(&topics), before);
        ck_assert_int_eq(topics_version(&topics).counter, 0);
    }
}
END_TEST

/* ---- the key `topics` ------------------------------------------------------------------------ */

START_TEST(test_topics_load__reads_a_list) {
    load("");
    ck_assert_int_eq(topics_load(&topics, SPAN_LITERAL("B:2:2;;A:3:3:4;")), RMQ_OK);
    expect_topic("A", 3, 4);
    expect_topic("B", 2, 6);
    ck_assert_int_eq(topics_version(&topics).counter, 0);
}
END_TEST

static const char *const BAD_LISTS[] = {
    "A",    "A:1",     "A:x:1",       "A:1:1:x",    "A:1:1:16",     "A:-1:1",
    ":1:1", "A b:1:1", "A:1:1;A:1:1", "TBW102:1:1", "broker-x:1:1", "A:1:1:6:7",
};

START_TEST(test_topics_load__refuses_what_is_wrong) {
    load("brokerName=broker-x\n");
    ck_assert_int_eq(topics_load(&topics, span_of_text(BAD_LISTS[_i])), RMQ_E_INVALID);
}
END_TEST

/* ---- names ----------------------------------------------------------------------------------- */

START_TEST(test_topic_name_check__gives_apaches_remarks) {
    load("");
    char name[TOPIC_NAME_MAX + 2];
    memset(name, 'a', sizeof name);
    ck_assert(span_is_absent(topic_name_check(span_of(name, TOPIC_NAME_MAX))));
    ck_assert(span_equal(topic_name_check(span_of(name, TOPIC_NAME_MAX + 1)),
                         SPAN_LITERAL("The specified topic is longer than topic max length.")));
    ck_assert(span_equal(topic_name_check(SPAN_LITERAL(" \t")),
                         SPAN_LITERAL("The specified topic is blank.")));
    ck_assert(
        span_equal(topic_name_check(SPAN_NONE), SPAN_LITERAL("The specified topic is blank.")));
    ck_assert(span_equal(topic_name_check(SPAN_LITERAL("P T")),
                         SPAN_LITERAL("The specified topic contains illegal characters, allowing "
                                      "only ^[%|a-zA-Z0-9_-]+$")));
    ck_assert(span_is_absent(topic_name_check(SPAN_LITERAL("%RETRY%a|b-c_D9"))));
}
END_TEST

START_TEST(test_topics_is_system__knows_the_set) {
    load("brokerClusterName=C\nbrokerName=b\nprofile=5.3\n");
    static const char *const SYSTEM[] = {"TBW102",
                                         "SCHEDULE_TOPIC_XXXX",
                                         "BenchmarkTest",
                                         "RMQ_SYS_TRANS_HALF_TOPIC",
                                         "RMQ_SYS_TRACE_TOPIC",
                                         "RMQ_SYS_TRANS_OP_HALF_TOPIC",
                                         "TRANS_CHECK_MAX_TIME_TOPIC",
                                         "SELF_TEST_TOPIC",
                                         "OFFSET_MOVED_EVENT",
                                         "C",
                                         "b",
                                         "C_REPLY_TOPIC",
                                         "rmq_sys_anything",
                                         "CHECKPOINT_TOPIC"};
    for (size_t i = 0; i < sizeof SYSTEM / sizeof SYSTEM[0]; i++)
        ck_assert_msg(topics_is_system(&topics, span_of_text(SYSTEM[i])), "%s", SYSTEM[i]);
    ck_assert(!topics_is_system(&topics, SPAN_LITERAL("T")));
    ck_assert(!topics_is_system(&topics, SPAN_LITERAL("%RETRY%g")));
}
END_TEST

/* ---- order ----------------------------------------------------------------------------------- */

static int apply(const char *body) {
    return order_table_apply(env, span_of_text(body), &topics);
}

static bool is_ordered(const char *name) {
    struct topic_config topic;
    ck_assert_int_eq(topics_find(&topics, span_of_text(name), &topic), RMQ_OK);
    return topic.order;
}

START_TEST(test_order_table_apply__bumps_the_version_on_change_only) {
    load("brokerName=b\n");
    ck_assert_int_eq(topics_load(&topics, SPAN_LITERAL("A:2:2;B:2:2;C:2:2")), RMQ_OK);
    ck_assert_int_eq(apply("{\"table\":{\"C\":\"b:2\",\"A\":\"b:2\",\"no\":\"x\"}}"), RMQ_OK);
    ck_assert(is_ordered("A") && !is_ordered("B") && is_ordered("C"));
    ck_assert_int_eq(topics_version(&topics).counter, 1);
    ck_assert_uint_eq(fake_event_count(env, EVENT_broker_order_changed), 2);
    ck_assert_int_eq(apply("{\"table\":{\"A\":\"b:4\",\"C\":\"b:2\"}}"), RMQ_OK);
    ck_assert_int_eq(topics_version(&topics).counter, 1);
    ck_assert_int_eq(apply("{\"table\":{\"b\":\"b:1\"}}"), RMQ_OK); /* a built-in one */
    ck_assert(!is_ordered("A") && !is_ordered("C") && is_ordered("b"));
    ck_assert_int_eq(topics_version(&topics).counter, 2);
    ck_assert_int_eq(apply("{\"table\":{}}"), RMQ_OK);
    ck_assert(!is_ordered("b"));
    ck_assert_int_eq(topics_version(&topics).counter, 3);
}
END_TEST

START_TEST(test_order_table_apply__refuses_garbage) {
    load("");
    ck_assert_int_eq(topics_load(&topics, SPAN_LITERAL("A:2:2")), RMQ_OK);
    ck_assert_int_ne(apply("{\"table\":{\"A\":"), RMQ_OK);
    ck_assert_int_ne(apply("x"), RMQ_OK);
    ck_assert(!is_ordered("A"));
    ck_assert_int_eq(topics_version(&topics).counter, 0);
}
END_TEST

START_TEST(test_order_table_apply__survives_each_failed_allocation) {
    char body[4096] = "{\"table\":{\"A\":\"b:1\"";
    for (int i = 0; i < 40; i++)
        snprintf(body + strlen(body), sizeof body - strlen(body), ",\"T%d\":\"b:1\"", i);
    strcat(body, "}}");
    load("");
    ck_assert_int_eq(topics_load(&topics, SPAN_LITERAL("A:2:2")), RMQ_OK);
    bool failed = true;
    for (unsigned n = 1; failed; n++) {
        ck_assert_uint_lt(n, 100);
        fake_fail_at(env, FAKE_FAIL_ALLOC, n);
        int err = apply(body);
        failed = fake_failed(env, FAKE_FAIL_ALLOC);
        ck_assert_int_eq(err, failed ? RMQ_E_NOMEM : RMQ_OK);
        ck_assert_int_eq(is_ordered("A"), !failed);
    }
}
END_TEST

/* ---- configuration --------------------------------------------------------------------------- */

static const struct {
    const char *text;
    const char *key;
} BAD_VALUES[] = {
    {"profile=4.8", "profile"},
    {"brokerClusterName=", "brokerClusterName"},
    {"brokerName=", "brokerName"},
    {"brokerId=x", "brokerId"},
    {"brokerId=-1", "brokerId"},
    {"brokerRole=SLAVE", "brokerId"},
    {"brokerRole=slave", "brokerRole"},
    {"brokerIP1=", "brokerIP1"},
    {"listenPort=0", "listenPort"},
    {"listenPort=65536", "listenPort"},
    {"haListenPort=abc", "haListenPort"},
    {"defaultTopicQueueNums=0", "defaultTopicQueueNums"},
    {"autoCreateTopicEnable=yes", "autoCreateTopicEnable"},
    {"clusterTopicEnable=1", "clusterTopicEnable"},
    {"brokerTopicEnable=TRUE", "brokerTopicEnable"},
    {"traceTopicEnable=", "traceTopicEnable"},
    {"timerWheelEnable=x", "timerWheelEnable"},
    {"msgTraceTopicName=", "msgTraceTopicName"},
    {"registerNameServerPeriod=30s", "registerNameServerPeriod"},
    {"registerBrokerTimeoutMills=0", "registerBrokerTimeoutMills"},
    {"forceRegister=x", "forceRegister"},
    {"compressedRegister=x", "compressedRegister"},
    {"onewayRegister=x", "onewayRegister"},
    {"brokerPermission=16", "brokerPermission"},
    {"enableSlaveActingMaster=x", "enableSlaveActingMaster"},
    {"compatibleWithOldNameSrv=x", "compatibleWithOldNameSrv"},
    {"brokerNotActiveTimeoutMillis=0", "brokerNotActiveTimeoutMillis"},
    {"brokerHeartbeatInterval=0", "brokerHeartbeatInterval"},
    {"syncBrokerMemberGroupPeriod=0", "syncBrokerMemberGroupPeriod"},
    {"rocketmq.serialize.type=XML", "rocketmq.serialize.type"},
    {"quirk.serialRegistration=maybe", "quirk.serialRegistration"},
    {"quirk.noSuch=true", "quirk.noSuch"},
};

START_TEST(test_broker_config_read__names_the_bad_key) {
    ck_assert_int_eq(load_config(BAD_VALUES[_i].text), RMQ_E_INVALID);
    char line[128];
    snprintf(line, sizeof line, "value of %s:", BAD_VALUES[_i].key);
    ck_assert_msg(fake_log_contains(env, line), "no log line with \"%s\"", line);
}
END_TEST

START_TEST(test_broker_config_read__applies_apaches_rules) {
    ck_assert_int_eq(load_config("brokerRole=SYNC_MASTER\nbrokerId=3\nlistenPort=1234\n"
                                 "haListenPort=99\nregisterNameServerPeriod=1\nnoSuchKey=1\n"),
                     RMQ_OK);
    ck_assert_int_eq(config.broker_id, 0);
    ck_assert_uint_eq(config.period_ms, 10000);
    ck_assert_uint_eq(config.timeout_ms, 6000);
    ck_assert(span_equal(config.addr, SPAN_LITERAL("10.0.0.9:1234")));
    ck_assert(span_equal(config.ha_addr, SPAN_LITERAL("10.0.0.9:1235")));
    ck_assert(fake_log_contains(env, "noSuchKey"));
    broker_config_free(env, &config);
    props_deinit(&props);
    ck_assert_int_eq(load_config("profile=5.3\nbrokerRole=SLAVE\nbrokerId=3\nbrokerIP1=h1\n"
                                 "brokerIP2=h2\nhaListenPort=99\nregisterNameServerPeriod=90000\n"),
                     RMQ_OK);
    ck_assert_int_eq(config.broker_id, 3);
    ck_assert_uint_eq(config.period_ms, 60000);
    ck_assert_uint_eq(config.timeout_ms, 24000);
    ck_assert(span_equal(config.addr, SPAN_LITERAL("h1:10911")));
    ck_assert(span_equal(config.ha_addr, SPAN_LITERAL("h2:99")));
}
END_TEST

#define COUNT(array) ((int)(sizeof array / sizeof array[0]))

int main(void) {
    Suite *suite = suite_create("broker_topics");
    TCase *tests = suite_case(suite, "topics");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, test_message_body__has_the_topics_of_the_capture, 0,
                        COUNT(RECORDINGS));
    tcase_add_test(tests, test_topics_init__follows_the_switches);
    tcase_add_test(tests, test_topics_init__has_defaults);
    tcase_add_test(tests, test_topics_init__a_name_is_there_once);
    tcase_add_test(tests, test_topics_put__creates_and_replaces);
    tcase_add_test(tests, test_topics_put__counts_the_version_up);
    tcase_add_test(tests, test_topics_put__without_memory_changes_nothing);
    tcase_add_test(tests, test_topics_load__reads_a_list);
    tcase_add_loop_test(tests, test_topics_load__refuses_what_is_wrong, 0, COUNT(BAD_LISTS));
    tcase_add_test(tests, test_topic_name_check__gives_apaches_remarks);
    tcase_add_test(tests, test_topics_is_system__knows_the_set);
    tcase_add_test(tests, test_order_table_apply__bumps_the_version_on_change_only);
    tcase_add_test(tests, test_order_table_apply__refuses_garbage);
    tcase_add_test(tests, test_order_table_apply__survives_each_failed_allocation);
    tcase_add_loop_test(tests, test_broker_config_read__names_the_bad_key, 0, COUNT(BAD_VALUES));
    tcase_add_test(tests, test_broker_config_read__applies_apaches_rules);
    return suite_run(suite);
}
