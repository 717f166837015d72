/* test_broker_limits.c - limits of rates: who is refused, when, and when no more. */
#include "model/broker/metrics.h"
#include "model/tests/broker_fixture.h"
#include "model/tests/suite.h"

static struct peer clients[2];

static void begin(const char *limits) {
    char config[512];
    setup();
    snprintf(config, sizeof config, "%s\ntopics=A:1:1;B:1:1\n" ONE, limits);
    start(config);
    peer_init(&clients[0], fake_accept(env, 10911, "10.0.0.50:4000"));
    peer_init(&clients[1], fake_accept(env, 10911, "10.0.0.60:4000"));
}

static void end(void) {
    peer_deinit(&clients[0]);
    peer_deinit(&clients[1]);
    stop();
    teardown();
}

static struct broker *broker(void) {
    return fake_node(env);
}

static int32_t ask(int client, struct wire_command *request, struct wire_command *answer) {
    peer_send(&clients[client], request);
    for (int i = 0; i < 100 && !peer_take(&clients[client], answer); i++)
        fake_settle(env);
    return answer->code;
}

static void add(struct wire_command *request, const char *key, const char *value) {
    ck_assert_int_eq(wire_field_add(request, span_of_text(key), span_of_text(value)), RMQ_OK);
}

static int32_t send_of(int client, const char *group, const char *topic, const char *body,
                       struct wire_command *answer) {
    static const char *const REST[][2] = {{"c", "TBW102"}, {"d", "4"}, {"e", "0"},
                                          {"f", "0"},      {"g", "1"}, {"h", "0"}};
    struct wire_command request;
    wire_command_init(&request, REQUEST_SEND_MESSAGE_V2);
    add(&request, "a", group);
    add(&request, "b", topic);
    for (size_t i = 0; i < 6; i++)
        add(&request, REST[i][0], REST[i][1]);
    request.body = span_of_text(body);
    return ask(client, &request, answer);
}

static int32_t send(int client, const char *group, const char *topic) {
    struct wire_command answer;
    return send_of(client, group, topic, "body", &answer);
}

static int32_t pull(int client, const char *group, const char *topic, const char *offset) {
    struct wire_command request, answer;
    static const char *const REST[][2] = {
        {"queueId", "0"},      {"maxMsgNums", "32"},          {"sysFlag", "4"},
        {"commitOffset", "0"}, {"suspendTimeoutMillis", "0"}, {"subscription", "*"},
        {"subVersion", "0"}};
    wire_command_init(&request, REQUEST_PULL_MESSAGE);
    add(&request, "consumerGroup", group);
    add(&request, "topic", topic);
    add(&request, "queueOffset", offset);
    for (size_t i = 0; i < 7; i++)
        add(&request, REST[i][0], REST[i][1]);
    return ask(client, &request, &answer);
}

START_TEST(test_sends__per_topic_recover) {
    struct wire_command answer;
    begin("limitSendsPerTopic=5");
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(send(i % 2, "g", "A"), RESPONSE_SUCCESS);
    ck_assert_int_eq(send_of(0, "g", "A", "body", &answer), RESPONSE_SYSTEM_BUSY);
    ck_assert_span_eq(answer.remark,
                      "[LIMIT]limitSendsPerTopic 5 of topic A: there is room again in 1 ms");
    ck_assert_int_eq(send(1, "h", "A"), RESPONSE_SYSTEM_BUSY);
    ck_assert_int_eq(send(0, "g", "B"), RESPONSE_SUCCESS); /* another topic has its own */
    fake_advance_ms(env, 200);
    ck_assert_int_eq(send(0, "g", "A"), RESPONSE_SUCCESS);
    ck_assert_int_eq(send(0, "g", "A"), RESPONSE_SYSTEM_BUSY);
    fake_advance_ms(env, 2000); /* a whole burst again */
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(send(0, "g", "A"), RESPONSE_SUCCESS);
    ck_assert_int_eq(send(0, "g", "A"), RESPONSE_SYSTEM_BUSY);
    ck_assert_uint_eq(fake_event_count(env, EVENT_flow_refused), 4);
    ck_assert_span_eq(fake_event_text(env, EVENT_flow_refused, "limit"), "limitSendsPerTopic");
    ck_assert_span_eq(fake_event_text(env, EVENT_flow_refused, "waiting_for"), "A");
    end();
}
END_TEST

START_TEST(test_sends__per_connection_and_group) {
    begin("limitSendsPerConnection=2\nlimitSendsPerGroup=3");
    ck_assert_int_eq(send(0, "g", "A"), RESPONSE_SUCCESS);
    ck_assert_int_eq(send(0, "g", "B"), RESPONSE_SUCCESS);
    ck_assert_int_eq(send(0, "g", "A"), RESPONSE_SYSTEM_BUSY); /* its connection */
    ck_assert_int_eq(send(1, "g", "A"), RESPONSE_SUCCESS);
    ck_assert_int_eq(send(1, "g", "A"), RESPONSE_SYSTEM_BUSY); /* the group */
    ck_assert_int_eq(send(1, "h", "A"), RESPONSE_SUCCESS);
    ck_assert_uint_eq(broker()->limits.refused[LIMIT_SENDS][LIMIT_CONNECTION], 1);
    ck_assert_uint_eq(broker()->limits.refused[LIMIT_SENDS][LIMIT_GROUP], 1);
    end();
}
END_TEST

/* A body larger than a second's worth passes, and those after it wait for its debt. */
START_TEST(test_send_bytes__owe) {
    struct wire_command answer;
    char body[1001];
    memset(body, 'x', 1000);
    body[1000] = '\0';
    begin("limitSendBytesPerGroup=500");
    ck_assert_int_eq(send_of(0, "g", "A", body, &answer), RESPONSE_SUCCESS);
    fake_advance_ms(env, 999);
    ck_assert_int_eq(send(0, "g", "A"), RESPONSE_SYSTEM_BUSY);
    fake_advance_ms(env, 2);
    ck_assert_int_eq(send(0, "g", "A"), RESPONSE_SUCCESS);
    end();
}
END_TEST

START_TEST(test_pulls__are_refused_with_215) {
    begin("limitPullsPerGroup=2");
    ck_assert_int_eq(pull(0, "g", "A", "0"), RESPONSE_PULL_NOT_FOUND);
    ck_assert_int_eq(pull(1, "g", "A", "0"), RESPONSE_PULL_NOT_FOUND);
    ck_assert_int_eq(pull(0, "g", "A", "0"), RESPONSE_FLOW_CONTROL);
    ck_assert_int_eq(pull(0, "h", "A", "0"), RESPONSE_PULL_NOT_FOUND);
    fake_advance_ms(env, 500);
    ck_assert_int_eq(pull(0, "g", "A", "0"), RESPONSE_PULL_NOT_FOUND);
    end();
}
END_TEST

START_TEST(test_pull_bytes__are_paid_afterwards) {
    begin("limitPullBytesPerTopic=100");
    ck_assert_int_eq(send(0, "g", "A"), RESPONSE_SUCCESS);
    fake_advance_ms(env, 100);
    ck_assert_int_eq(pull(0, "c", "A", "0"), RESPONSE_SUCCESS); /* a record is over 100 bytes */
    ck_assert_int_eq(pull(0, "c", "A", "0"), RESPONSE_FLOW_CONTROL);
    fake_advance_ms(env, 3000);
    ck_assert_int_eq(pull(0, "c", "A", "0"), RESPONSE_SUCCESS);
    end();
}
END_TEST

START_TEST(test_limits__change_at_run_time_and_show) {
    struct wire_command request, answer;
    struct buf page;
    begin("");
    for (int i = 0; i < 50; i++)
        ck_assert_int_eq(send(0, "g", "A"), RESPONSE_SUCCESS);
    wire_command_init(&request, REQUEST_UPDATE_BROKER_CONFIG);
    request.body = SPAN_LITERAL("limitSendsPerTopic=1\n");
    ck_assert_int_eq(ask(0, &request, &answer), RESPONSE_SUCCESS);
    ck_assert_int_eq(send(0, "g", "A"), RESPONSE_SUCCESS);
    ck_assert_int_eq(send(0, "g", "A"), RESPONSE_SYSTEM_BUSY);
    buf_init(&page, clients[0].env);
    ck_assert_int_eq(broker_metrics_write(broker(), &page), RMQ_OK);
    buf_put_u8(&page, '\0');
    ck_assert_ptr_nonnull(strstr((const char *)page.data, "windtunnel_limit_refused_total{"
                                                          "limit=\"limitSendsPerTopic\"} 1\n"));
    buf_deinit(&page);
    request.body = SPAN_LITERAL("limitSendsPerTopic=0\n");
    ck_assert_int_eq(ask(0, &request, &answer), RESPONSE_SUCCESS);
    ck_assert_int_eq(send(0, "g", "A"), RESPONSE_SUCCESS);
    end();
}
END_TEST

/* Subjects that owe nothing are forgotten. */
START_TEST(test_limits__remember_only_debtors) {
    char topic[32];
    struct wire_command answer;
    begin("limitSendsPerGroup=1000");
    for (int i = 0; i < 2000; i++) {
        snprintf(topic, sizeof topic, "group%d", i);
        ck_assert_int_eq(send_of(0, topic, "A", "b", &answer), RESPONSE_SUCCESS);
        fake_advance_ms(env, 1);
    }
    ck_assert_uint_le(broker()->limits.count, 130);
    end();
}
END_TEST

START_TEST(test_limits__admit_without_memory) {
    for (unsigned n = 1, failed = 1; failed && n < 60; n++) {
        struct wire_command answer;
        begin("limitSendsPerTopic=1000\nlimitSendsPerGroup=1000");
        fake_fail_at(env, FAKE_FAIL_ALLOC, n);
        send_of(0, "g", "A", "b", &answer);
        failed = fake_failed(env, FAKE_FAIL_ALLOC);
        ck_assert_int_ne(answer.code, RESPONSE_SYSTEM_BUSY);
        end();
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("broker_limits");
    TCase *tests = suite_case(suite, "limits");
    tcase_set_timeout(tests, 60); /* the loops over failing allocations, instrumented */
    tcase_add_test(tests, test_sends__per_topic_recover);
    tcase_add_test(tests, test_sends__per_connection_and_group);
    tcase_add_test(tests, test_send_bytes__owe);
    tcase_add_test(tests, test_pulls__are_refused_with_215);
    tcase_add_test(tests, test_pull_bytes__are_paid_afterwards);
    tcase_add_test(tests, test_limits__change_at_run_time_and_show);
    tcase_add_test(tests, test_limits__remember_only_debtors);
    tcase_add_test(tests, test_limits__admit_without_memory);
    return suite_run(suite);
}
