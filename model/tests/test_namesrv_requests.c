/* test_namesrv_requests.c - requests at the role's edge: malformed ones, KV, configuration, and the
 * 5.3 features that no capture shows. What captures show is in test_namesrv_codes.c. */
#include "model/tests/suite.h"
#include "model/tests/test_namesrv_ask.h"

static struct env *env;
static struct peer peer;

static void start(const char *config) {
    env = fake_create();
    ck_assert_int_eq(fake_start_text(env, &namesrv_role, config), RMQ_OK);
    peer_open(&peer, env, "10.0.0.1:40001");
}

static void finish(void) {
    ck_assert(namesrv_check(fake_node(env)));
    fake_stop(env);
    peer_free(&peer);
    fake_destroy(env);
}

static void setup_4_9(void) {
    start("");
}
static void setup_5_3(void) {
    start("profile=5.3\n");
}

/* ---- malformed ------------------------------------------------------------------------------- */

/* Each required header field of each request, left out. */
static const struct {
    int32_t code;
    const char *fields[4]; /* key, value */
    const char *remark;
} MISSING[] = {
    {103, {"brokerId", "0", NULL, NULL}, "header field clusterName is missing"},
    {103, {"clusterName", "c", NULL, NULL}, "header field brokerId is missing"},
    {103, {"brokerId", "zero", NULL, NULL}, "header field brokerId is not a number of its type"},
    {103,
     {"brokerId", "9223372036854775808", NULL, NULL},
     "header field brokerId is not a number of its type"},
    {104, {"brokerName", "a", NULL, NULL}, "header field brokerId is missing"},
    {322, {"brokerId", "0", NULL, NULL}, "header field clusterName is missing"},
    {904, {"clusterName", "c", "brokerName", "a"}, "header field brokerAddr is missing"},
    {904, {"clusterName", "c", NULL, NULL}, "header field brokerName is missing"},
    {901, {"clusterName", "c", NULL, NULL}, "header field brokerName is missing"},
    {205, {NULL}, "header field brokerName is missing"},
    {327, {NULL}, "header field brokerName is missing"},
    {216, {"clusterName", "c", NULL, NULL}, "header field topic is missing"},
    {217, {NULL}, "header field topic is missing"},
    {224, {NULL}, "header field cluster is missing"},
    {100, {"namespace", "n", NULL, NULL}, "namespace or key is null"},
    {100, {"key", "n", NULL, NULL}, "namespace or key is null"},
    {101, {"namespace", "n", NULL, NULL}, "header field key is missing"},
    {102, {"key", "n", NULL, NULL}, "header field namespace is missing"},
    {219, {NULL}, "header field namespace is missing"},
};

START_TEST(test_requests__missing_fields_are_named) {
    const char *const *fields = MISSING[_i].fields;
    ck_assert_int_eq(
        ask(&peer, MISSING[_i].code, NO_BODY, fields[0], fields[1], fields[2], fields[3], NULL),
        RESPONSE_SYSTEM_ERROR);
    ck_assert_msg(remark_is(&peer, MISSING[_i].remark), "%.*s", (int)peer.answer.remark.len,
                  (const char *)peer.answer.remark.data);
}
END_TEST

/* Bodies that do not parse; the fields are complete. */
static const struct {
    int32_t code;
    const char *body;
    int32_t answer;
    const char *remark; /* its beginning */
} BROKEN[] = {
    {103, "{", 1, "Failed to decode RegisterBrokerBody: offset 1: expected "},
    {103, "{\"topicConfigSerializeWrapper\":7}", 1, "Failed to decode RegisterBrokerBody: offset "},
    {322, "[]", 1, "the body is not a data version"},
    {217, "{\"queueDatas\":", 1, "the body is not a topic route"},
    {318, "a=\\u12", 1, "string2Properties error"},
};

START_TEST(test_requests__broken_bodies_are_refused) {
    ck_assert_int_eq(ask(&peer, BROKEN[_i].code, span_of_text(BROKEN[_i].body), "brokerName", "a",
                         "brokerId", "0", "brokerAddr", "x:1", "clusterName", "c", "haServerAddr",
                         "h", "topic", "T", NULL),
                     BROKEN[_i].answer);
    ck_assert_msg(span_starts_with(peer.answer.remark, span_of_text(BROKEN[_i].remark)), "%.*s",
                  (int)peer.answer.remark.len, (const char *)peer.answer.remark.data);
    ck_assert_int_eq(ask(&peer, 106, NO_BODY, NULL), 0);
    ck_assert(body_is(&peer, "{\"brokerAddrTable\":{},\"clusterAddrTable\":{}}"));
}
END_TEST

START_TEST(test_requests__unknown_codes_answer_3) {
    static const int32_t codes[] = {0, 10, 9999, -1, 217, 901, 904};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        ck_assert_int_eq(ask(&peer, codes[i], NO_BODY, NULL), RESPONSE_REQUEST_CODE_NOT_SUPPORTED);
        char remark[64];
        snprintf(remark, sizeof remark, " request type %d not supported", (int)codes[i]);
        ck_assert(remark_is(&peer, remark));
    }
}
END_TEST

START_TEST(test_105__without_a_topic_answers_17_as_apache) {
    ck_assert_int_eq(ask(&peer, 105, NO_BODY, NULL), 17);
    ck_assert(span_starts_with(
        peer.answer.remark,
        SPAN_LITERAL("No topic route info in name server for the topic: null\nSee ")));
}
END_TEST

START_TEST(test_requests__oneway_is_applied_and_not_answered) {
    struct wire_command request;
    wire_command_init(&request, REQUEST_REGISTER_BROKER);
    static const char *const fields[] = {"brokerName",   "a",   "brokerId",    "0",
                                         "brokerAddr",   "x:1", "clusterName", "c",
                                         "haServerAddr", "h"};
    for (size_t i = 0; i < 10; i += 2)
        ck_assert_int_eq(
            wire_field_add(&request, span_of_text(fields[i]), span_of_text(fields[i + 1])), RMQ_OK);
    request.flag = WIRE_FLAG_ONEWAY;
    request.body = peer_body(&peer, 1, 0, "T");
    peer_send(&peer, &request);
    ck_assert(!peer.answered);
    ck_assert_int_eq(peer_route(&peer, "T"), 0);
}
END_TEST

START_TEST(test_register__a_conflict_is_code_1_with_a_remark) {
    ck_assert_int_eq(peer_register(&peer, "a", "0", "x:1", 1, "T"), 0);
    ck_assert_int_eq(peer_register(&peer, "a", "0", "y:1", 1, "T"), 1);
    ck_assert(remark_is(&peer, "another live address holds this broker name and id"));
    ck_assert(peer.answer.has_fields);
}
END_TEST

/* ---- KV and order table ---------------------------------------------------------------------- */

START_TEST(test_kv__put_without_a_value_removes) {
    ck_assert_int_eq(ask(&peer, 100, NO_BODY, "namespace", "n", "key", "k", "value", "v", NULL), 0);
    ck_assert_int_eq(ask(&peer, 100, NO_BODY, "namespace", "n", "key", "k", NULL), 0);
    ck_assert_int_eq(ask(&peer, 101, NO_BODY, "namespace", "n", "key", "k", NULL), 22);
    ck_assert_int_eq(ask(&peer, 219, NO_BODY, "namespace", "n", NULL), 0);
    ck_assert(body_is(&peer, "{\"table\":{}}"));
    ck_assert_int_eq(ask(&peer, 102, NO_BODY, "namespace", "none", "key", "k", NULL), 0);
    ck_assert_int_eq(ask(&peer, 219, NO_BODY, "namespace", "none", NULL), 22);
}
END_TEST

static void put_order(void) {
    ck_assert_int_eq(ask(&peer, 100, NO_BODY, "namespace", "ORDER_TOPIC_CONFIG", "key", "T",
                         "value", "a:4", NULL),
                     0);
}

START_TEST(test_order__table_goes_to_brokers_always) {
    ck_assert_int_eq(peer_register(&peer, "a", "0", "x:1", 1, "T"), 0);
    ck_assert_uint_eq(peer.answer.body.len, 0);
    put_order();
    ck_assert_int_eq(peer_register(&peer, "a", "0", "x:1", 1, "T"), 0);
    ck_assert(body_is(&peer, "{\"table\":{\"T\":\"a:4\"}}"));
    ck_assert_int_eq(peer_route(&peer, "T"), 0);
    ck_assert(!answer_contains(&peer, "orderTopicConf"));
    ck_assert_int_eq(ask(&peer, 318, SPAN_LITERAL("orderMessageEnable=true\n"), NULL), 0);
    ck_assert_int_eq(peer_route(&peer, "T"), 0);
    ck_assert(answer_contains(&peer, "\"orderTopicConf\":\"a:4\",\"queueDatas\""));
}
END_TEST

START_TEST(test_order_5_3__not_to_brokers_if_switched_off) {
    put_order();
    ck_assert_int_eq(ask(&peer, 318, SPAN_LITERAL("returnOrderTopicConfigToBroker=false\n"), NULL),
                     0);
    ck_assert_int_eq(peer_register(&peer, "a", "0", "x:1", 1, "T"), 0);
    ck_assert_uint_eq(peer.answer.body.len, 0);
}
END_TEST

/* ---- configuration --------------------------------------------------------------------------- */

START_TEST(test_config__update_applies_known_and_ignores_bad_values) {
    ck_assert_int_eq(ask(&peer, 318, NO_BODY, NULL), 0);
    ck_assert_int_eq(ask(&peer, 318,
                         SPAN_LITERAL("orderMessageEnable=maybe\nserverWorkerThreads=9\nfoo=1\n"),
                         NULL),
                     0);
    ck_assert_int_eq(ask(&peer, 319, NO_BODY, NULL), 0);
    ck_assert(answer_contains(&peer, "orderMessageEnable=false\n"));
    ck_assert(answer_contains(&peer, "serverWorkerThreads=9\n"));
    ck_assert(!answer_contains(&peer, "foo"));
}
END_TEST

START_TEST(test_config__black_list) {
    static const char *const bodies[] = {
        "configBlackList=x\n",        "configStorePath=/x\n",
        "kvConfigPath=/x\n",          "rocketmqHome=/x\n",
        "quirk.masterFlip=true\n",    "serverWorkerThreads=9\nprofile=5.3\n",
        "rejectLiveConflict=false\n",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        ck_assert_int_eq(ask(&peer, 318, span_of_text(bodies[i]), NULL), 16);
        ck_assert(remark_is(&peer, "Can not update config in black list."));
    }
    ck_assert_int_eq(ask(&peer, 319, NO_BODY, NULL), 0);
    ck_assert(answer_contains(&peer, "serverWorkerThreads=8\n")); /* all or nothing */
}
END_TEST

/* Not kept either: the next start would refuse it. */
START_TEST(test_config__what_is_not_built_is_refused) {
    ck_assert_int_eq(
        ask(&peer, 318, SPAN_LITERAL("serverWorkerThreads=9\nclusterTest=true\n"), NULL), 1);
    ck_assert(remark_is(&peer, "clusterTest=true: not built yet: expected one of false"));
    ck_assert_int_eq(ask(&peer, 319, NO_BODY, NULL), 0);
    ck_assert(answer_contains(&peer, "serverWorkerThreads=8\n"));
    ck_assert(answer_contains(&peer, "clusterTest=false\n"));
    ck_assert_int_eq(ask(&peer, 318, SPAN_LITERAL("clusterTest=false\n"), NULL), 0);
}
END_TEST

START_TEST(test_config__operator_extends_the_black_list) {
    finish();
    start("configBlackList=configBlackList;listenPort;productEnvName\n");
    ck_assert_int_eq(ask(&peer, 318, SPAN_LITERAL("productEnvName=x\n"), NULL), 16);
    ck_assert_int_eq(ask(&peer, 318, SPAN_LITERAL("serverWorkerThreads=9\n"), NULL), 0);
}
END_TEST

/* A start with one bad value, and what the log must name. */
static const char *const BAD_STARTS[][2] = {
    {"listenPort=70000\n", "listenPort=70000: expected"},
    {"listenPort=http\n", "listenPort=http: expected"},
    {"serverChannelMaxIdleTimeSeconds=-1\n", "serverChannelMaxIdleTimeSeconds=-1"},
    {"orderMessageEnable=yes\n", "orderMessageEnable=yes: expected true or false"},
    {"scanNotActiveBrokerInterval=0\n", "scanNotActiveBrokerInterval=0"},
    {"profile=5\n", "profile=5: expected 4.9 or 5.3"},
    {"rocketmq.serialize.type=XML\n", "rocketmq.serialize.type=XML: expected JSON or ROCKETMQ"},
    {"quirk.nothing=true\n", "quirk.nothing=true"},
    {"quirk.masterFlip=1\n", "quirk.masterFlip=1"},
};

START_TEST(test_start__a_wrong_value_is_named) {
    struct env *other = fake_create();
    ck_assert_int_eq(fake_start_text(other, &namesrv_role, BAD_STARTS[_i][0]), RMQ_E_INVALID);
    ck_assert_msg(fake_log_contains(other, BAD_STARTS[_i][1]), "%s", BAD_STARTS[_i][1]);
    fake_destroy(other);
}
END_TEST

START_TEST(test_start__port_in_use) {
    struct env *other = fake_create();
    fake_fail_at(other, FAKE_FAIL_LISTEN, 1);
    ck_assert_int_eq(fake_start_text(other, &namesrv_role, ""), RMQ_E_IN_USE);
    ck_assert(fake_log_contains(other, "listenPort=9876"));
    fake_destroy(other);
}
END_TEST

START_TEST(test_stop__evicts_nobody_and_exits) {
    ck_assert_int_eq(peer_register(&peer, "a", "0", "x:1", 1, "T"), 0);
    fake_stop(env);
    int status;
    ck_assert(fake_exited(env, &status));
    ck_assert_int_eq(status, 0);
    ck_assert_uint_eq(fake_event_count(env, EVENT_route_broker_evicted), 0);
    ck_assert_int_eq(fake_start_text(env, &namesrv_role, ""), RMQ_OK);
    peer.conn = fake_accept(env, NAMESRV_PORT, "10.0.0.1:40002");
    ck_assert_int_eq(peer_route(&peer, "T"), 17); /* restarted empty */
}
END_TEST

/* ---- 5.3 ------------------------------------------------------------------------------------- */

START_TEST(test_5_3__topic_lists_can_be_disabled) {
    ck_assert_int_eq(
        ask(&peer, 318, SPAN_LITERAL("enableTopicList=false\nenableAllTopicList=false\n"), NULL),
        0);
    static const int32_t codes[] = {206, 224, 311, 312, 313};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        ck_assert_int_eq(ask(&peer, codes[i], NO_BODY, "cluster", "c", NULL), 1);
        ck_assert(remark_is(&peer, "disable"));
    }
    ck_assert_int_eq(ask(&peer, 304, NO_BODY, NULL), 0);
}
END_TEST

START_TEST(test_5_3__routes_wait_for_service) {
    finish();
    start("profile=5.3\nneedWaitForService=true\nwaitSecondsForService=45\n");
    ck_assert_int_eq(peer_register(&peer, "a", "0", "x:1", 1, "T"), 0);
    fake_advance_ms(env, 44999);
    ck_assert_int_eq(peer_route(&peer, "T"), 1);
    ck_assert(remark_is(&peer, "name server not ready"));
    ck_assert_int_eq(ask(&peer, 105, NO_BODY, NULL), 1);
    fake_advance_ms(env, 1);
    ck_assert_int_eq(peer_route(&peer, "T"), 0);
}
END_TEST

#define QUEUE(broker)                                                                     \
    "{\"brokerName\":\"" broker "\",\"perm\":4,\"readQueueNums\":2,\"topicSysFlag\":3,\"" \
    "writeQueueNums\":2}"

START_TEST(test_217__registers_a_topic_on_known_brokers_only) {
    ck_assert_int_eq(peer_register(&peer, "a", "0", "x:1", 1, "T"), 0);
    ck_assert_int_eq(ask(&peer, 217,
                         SPAN_LITERAL("{\"queueDatas\":[" QUEUE("a") "," QUEUE("nobody") "]}"),
                         "topic", "New", NULL),
                     0);
    ck_assert_int_eq(peer_route(&peer, "New"), 17);
    ck_assert_int_eq(
        ask(&peer, 217, SPAN_LITERAL("{\"queueDatas\":[" QUEUE("a") "]}"), "topic", "New", NULL),
        0);
    ck_assert_int_eq(peer_route(&peer, "New"), 0);
    ck_assert(answer_contains(&peer, "\"queueDatas\":[" QUEUE("a") "]"));
    ck_assert_int_eq(ask(&peer, 217, NO_BODY, "topic", "New", NULL), 0);
    /* flags 3: unit and unit-sub */
    ck_assert_int_eq(ask(&peer, 311, NO_BODY, NULL), 0);
    ck_assert(body_is(&peer, "{\"topicList\":[\"New\"]}"));
    ck_assert_int_eq(ask(&peer, 312, NO_BODY, NULL), 0);
    ck_assert(body_is(&peer, "{\"topicList\":[\"New\"]}"));
    ck_assert_int_eq(ask(&peer, 313, NO_BODY, NULL), 0);
    ck_assert(body_is(&peer, "{\"topicList\":[]}"));
}
END_TEST

START_TEST(test_322__echoes_the_state_version) {
    ck_assert_int_eq(ask(&peer, 103, peer_body(&peer, 3, 7, "T,U"), "brokerName", "a", "brokerId",
                         "0", "brokerAddr", "x:1", "clusterName", "c", "haServerAddr", "h", NULL),
                     0);
    ck_assert_int_eq(ask(&peer, 322, SPAN_LITERAL("{\"counter\":3,\"timestamp\":1700000000000}"),
                         "brokerName", "a", "brokerId", "0", "brokerAddr", "x:1", "clusterName",
                         "c", NULL),
                     0);
    ck_assert(span_equal(wire_field(&peer.answer, "changed"), SPAN_LITERAL("true")));
    ck_assert(body_is(&peer, "{\"counter\":3,\"stateVersion\":7,\"timestamp\":1700000000000}"));
}
END_TEST

START_TEST(test_105__zone_of_the_asker) {
    ck_assert_int_eq(ask(&peer, 103, peer_body(&peer, 1, 0, "T,U"), "brokerName", "a", "brokerId",
                         "0", "brokerAddr", "x:1", "clusterName", "c", "haServerAddr", "h",
                         "__ZONE_NAME", "east", NULL),
                     0);
    ck_assert_int_eq(
        ask(&peer, 105, NO_BODY, "topic", "T", "__ZONE_MODE", "true", "__ZONE_NAME", "west", NULL),
        0);
    ck_assert(body_is(&peer, "{\"brokerDatas\":[],\"filterServerTable\":{},\"queueDatas\":[]}"));
    ck_assert_int_eq(
        ask(&peer, 105, NO_BODY, "topic", "T", "__ZONE_MODE", "true", "__ZONE_NAME", "EAST", NULL),
        0);
    ck_assert(answer_contains(&peer, "{0:\"x:1\"}")); /* the default form */
    ck_assert_int_eq(
        ask(&peer, 105, NO_BODY, "topic", "T", "__ZONE_MODE", "true", "__ZONE_NAME", " ", NULL), 0);
    ck_assert(answer_contains(&peer, "{\"0\":\"x:1\"}"));
}
END_TEST

/* ---- late answers ---------------------------------------------------------------------------- */

START_TEST(test_buggify__a_route_answer_waits_200_ms) {
    ck_assert_int_eq(peer_register(&peer, "a", "0", "x:1", 1, "T"), 0);
    fake_set_buggify(env, BUGGIFY_NAMESRV_ANSWER_LATE, true);
    ck_assert_int_eq(peer_route(&peer, "T"), -1);
    fake_advance_ms(env, 199);
    ck_assert_uint_eq(fake_written(peer.conn).len, 0);
    fake_advance_ms(env, 1);
    peer_read(&peer);
    ck_assert_int_eq(peer.answer.code, 0);
    ck_assert_int_eq(peer.answer.opaque, 7);
    ck_assert(answer_contains(&peer, "x:1"));
    ck_assert_int_eq(peer_route(&peer, "none"), -1);
    fake_advance_ms(env, 200);
    peer_read(&peer);
    ck_assert_int_eq(peer.answer.code, 17);
    ck_assert_uint_gt(peer.answer.remark.len, 0);
    ck_assert_int_eq(peer_route(&peer, "T"), -1);
    fake_peer_close(peer.conn); /* nobody left to answer */
    fake_advance_ms(env, 300);
    peer.conn = fake_accept(env, NAMESRV_PORT, "10.0.0.1:40002");
    ck_assert_int_eq(peer_route(&peer, "T"), -1); /* pending at the stop */
}
END_TEST

static Suite *requests_suite(void) {
    Suite *suite = suite_create("namesrv_requests");
    TCase *tests = suite_case(suite, "4.9");
    tcase_add_checked_fixture(tests, setup_4_9, finish);
    tcase_add_test(tests, test_requests__unknown_codes_answer_3);
    tcase_add_test(tests, test_105__without_a_topic_answers_17_as_apache);
    tcase_add_test(tests, test_requests__oneway_is_applied_and_not_answered);
    tcase_add_test(tests, test_register__a_conflict_is_code_1_with_a_remark);
    tcase_add_test(tests, test_kv__put_without_a_value_removes);
    tcase_add_test(tests, test_order__table_goes_to_brokers_always);
    tcase_add_test(tests, test_config__update_applies_known_and_ignores_bad_values);
    tcase_add_test(tests, test_config__black_list);
    tcase_add_test(tests, test_config__what_is_not_built_is_refused);
    tcase_add_test(tests, test_config__operator_extends_the_black_list);
    tcase_add_loop_test(tests, test_start__a_wrong_value_is_named, 0,
                        sizeof BAD_STARTS / sizeof BAD_STARTS[0]);
    tcase_add_test(tests, test_start__port_in_use);
    tcase_add_test(tests, test_stop__evicts_nobody_and_exits);
    tcase_add_test(tests, test_322__echoes_the_state_version);
    tcase_add_test(tests, test_buggify__a_route_answer_waits_200_ms);
    tests = suite_case(suite, "5.3");
    tcase_add_checked_fixture(tests, setup_5_3, finish);
    tcase_add_loop_test(tests, test_requests__missing_fields_are_named, 0,
                        sizeof MISSING / sizeof MISSING[0]);
    tcase_add_loop_test(tests, test_requests__broken_bodies_are_refused, 0,
                        sizeof BROKEN / sizeof BROKEN[0]);
    tcase_add_test(tests, test_order_5_3__not_to_brokers_if_switched_off);
    tcase_add_test(tests, test_5_3__topic_lists_can_be_disabled);
    tcase_add_test(tests, test_5_3__routes_wait_for_service);
    tcase_add_test(tests, test_217__registers_a_topic_on_known_brokers_only);
    tcase_add_test(tests, test_105__zone_of_the_asker);
    return suite;
}

int main(void) {
    return suite_run(requests_suite());
}
