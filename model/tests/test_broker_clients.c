/* test_broker_clients.c - heartbeats, leaving, notices, expiry, consumer lists. */
#include "model/tests/broker_part_fixture.h"

#define SUB(topic, text, version)                                                 \
    "{\"topic\":\"" topic "\",\"subString\":\"" text "\",\"subVersion\":" version \
    ",\"expressionType\":\"TAG\"}"
#define GROUP(name, subs)                                                                 \
    "{\"groupName\":\"" name "\",\"consumeType\":\"CONSUME_PASSIVELY\",\"messageModel\":" \
    "\"CLUSTERING\",\"subscriptionDataSet\":[" subs "]}"
#define BEAT(id, groups) "{\"clientID\":\"" id "\",\"consumerDataSet\":[" groups "]}"

static void beat(size_t c, const char *body) {
    ask(c, REQUEST_HEART_BEAT, "", body);
}

/* Takes notices (40) of `group` to client `c`; how many. */
static unsigned notices(size_t c, const char *group) {
    struct wire_command notice;
    unsigned count = 0;
    struct span written = fake_written(clients[c].conn);
    while (written.len > 0) {
        peer_expect(&clients[c], REQUEST_NOTIFY_CONSUMER_IDS_CHANGED, &notice);
        ck_assert(notice.flag & WIRE_FLAG_ONEWAY);
        ck_assert_span_eq(wire_field(&notice, "consumerGroup"), group);
        count++;
        written = fake_written(clients[c].conn);
    }
    return count;
}

/* A heartbeat that is answered after `told` notices to the sender. */
static void beat_ok(size_t c, const char *body, const char *group, unsigned told) {
    struct wire_command frame;
    beat(c, body);
    for (unsigned i = 0; i < told; i++) {
        peer_expect(&clients[c], REQUEST_NOTIFY_CONSUMER_IDS_CHANGED, &frame);
        ck_assert_span_eq(wire_field(&frame, "consumerGroup"), group);
    }
    expect_answer(c, RESPONSE_SUCCESS, &frame);
    ck_assert_uint_eq(fake_written(clients[c].conn).len, 0);
}

static void expect_list(size_t c, const char *body) {
    struct wire_command response;
    ask(c, REQUEST_GET_CONSUMER_LIST_BY_GROUP, "consumerGroup=g", "");
    expect_answer(c, RESPONSE_SUCCESS, &response);
    ck_assert_span_eq(response.body, body);
}

static void expect_nobody(size_t c) {
    ask(c, REQUEST_GET_CONSUMER_LIST_BY_GROUP, "consumerGroup=g", "");
    expect_code(c, RESPONSE_SYSTEM_ERROR, "no consumer for this group, g");
}

#define ONE_BEAT(id) BEAT(id, GROUP("g", SUB("T", "A || B", "5")))

START_TEST(test_join_and_leave) {
    start(_i == 0 ? NAMES : NAMES V5);
    for (size_t c = 0; c < 3; c++)
        connect_client(c);
    expect_nobody(2);
    beat_ok(0, ONE_BEAT("c0"), "g", 1);
    ck_assert_ptr_nonnull(groups_find(&broker.groups, SPAN_LITERAL("g")));
    struct topic_config retry;
    ck_assert_int_eq(topics_find(&broker.topics, SPAN_LITERAL("%RETRY%g"), &retry), RMQ_OK);
    ck_assert(retry.read_queue_nums == 1 && retry.write_queue_nums == 1 && retry.perm == 6);
    beat_ok(1, ONE_BEAT("c1"), "g", 1);
    ck_assert_uint_eq(notices(0, "g"), 1);
    expect_list(2, "{\"consumerIdList\":[\"c0\",\"c1\"]}");
    beat_ok(0, ONE_BEAT("c0"), "g", 0); /* nothing new */
    ck_assert_uint_eq(notices(1, "g"), 0);
    ck_assert_uint_eq(fake_event_count(env, EVENT_group_joined), 2);
    ck_assert_uint_eq(fake_event_uint(env, EVENT_group_joined, "members"), 2);
    ask(0, REQUEST_UNREGISTER_CLIENT, "clientID=c0 consumerGroup=g", "");
    expect_code(0, RESPONSE_SUCCESS, NULL);
    ck_assert_uint_eq(notices(1, "g"), 1);
    ck_assert_span_eq(fake_event_text(env, EVENT_group_left, "reason"), "unregister");
    expect_list(2, "{\"consumerIdList\":[\"c1\"]}");
    ask(1, REQUEST_UNREGISTER_CLIENT, "clientID=c1 consumerGroup=g producerGroup=p", "");
    expect_code(1, RESPONSE_SUCCESS, NULL);
    expect_nobody(2);
    ck_assert_ptr_null(clients_find(&broker.clients, SPAN_LITERAL("g")));
    stop();
}
END_TEST

/* The retry topic is at the name server at once: tools find groups by it. */
START_TEST(test_retry_topic_is_registered) {
    struct peer name_server;
    struct wire_command request;
    struct registered table = {.count = 0};
    start(_i == 0 ? NAMES "namesrvAddr=10.0.0.1:9876\n" : NAMES V5 "namesrvAddr=10.0.0.1:9876\n");
    if (_i == 1) { /* 5.3 registers with the servers that it has reached */
        name_servers_probe(&broker.servers);
        peer_accept(&name_server, env, "10.0.0.1:9876");
    }
    connect_client(0);
    beat_ok(0, ONE_BEAT("c0"), "g", 1);
    if (_i == 0)
        peer_accept(&name_server, env, "10.0.0.1:9876");
    peer_expect(&name_server, REQUEST_REGISTER_BROKER, &request);
    registered_read(&table, request.body, false, request.version);
    unsigned found = 0;
    for (size_t i = 0; i < table.count; i++)
        found += strcmp(table.topics[i].name, "%RETRY%g") == 0;
    ck_assert_uint_eq(found, 1);
    peer_deinit(&name_server);
    stop();
}
END_TEST

START_TEST(test_connection_ends) {
    start(NAMES);
    connect_client(0);
    connect_client(1);
    beat_ok(0, ONE_BEAT("c0"), "g", 1);
    beat_ok(1, ONE_BEAT("c1"), "g", 1);
    ck_assert_uint_eq(notices(0, "g"), 1);
    hang_up(1);
    ck_assert_uint_eq(notices(0, "g"), 1);
    ck_assert_span_eq(fake_event_text(env, EVENT_group_left, "reason"), "close");
    ck_assert_span_eq(fake_event_text(env, EVENT_group_left, "client"), "c1");
    expect_list(0, "{\"consumerIdList\":[\"c0\"]}");
    stop();
}
END_TEST

/* 120 s without heartbeat (but not idle), found by a scan each 10 s, closed, and nobody is told. */
START_TEST(test_expiry) {
    start(NAMES);
    connect_client(0);
    connect_client(1);
    ck_assert(!env_timer_armed(&broker.clients.scan));
    fake_advance_ms(env, 3000);
    beat_ok(0, ONE_BEAT("c0"), "g", 1);
    beat_ok(1, ONE_BEAT("c1"), "g", 1);
    ck_assert_uint_eq(notices(0, "g"), 1);
    for (unsigned i = 0; i < 6; i++) { /* client 0 beats on */
        fake_advance_ms(env, 20000);
        beat_ok(0, ONE_BEAT("c0"), "g", 0);
        expect_list(1, "{\"consumerIdList\":[\"c0\",\"c1\"]}");
    }
    ck_assert(fake_is_open(clients[1].conn));
    fake_advance_ms(env, 6999);
    ck_assert(fake_is_open(clients[1].conn));
    fake_advance_ms(env, 1); /* 127 s after its heartbeat: the scan at 130 s */
    ck_assert(!fake_is_open(clients[1].conn));
    ck_assert_span_eq(fake_event_text(env, EVENT_group_left, "reason"), "expired");
    ck_assert_uint_eq(notices(0, "g"), 0);
    expect_list(0, "{\"consumerIdList\":[\"c0\"]}");
    stop();
}
END_TEST

static const struct client_subscription *wanted(const char *topic) {
    const struct client_group *group = clients_find(&broker.clients, SPAN_LITERAL("g"));
    ck_assert_ptr_nonnull(group);
    return client_group_subscription(group, span_of_text(topic));
}

START_TEST(test_subscriptions) {
    start(NAMES);
    connect_client(0);
    connect_client(1);
    beat_ok(0, BEAT("c0", GROUP("g", SUB("T", "A || B", "5") "," SUB("U", "*", "5"))), "g", 1);
    ck_assert_int_eq(wanted("T")->compiled.kind, SUBSCRIPTION_TAGS);
    ck_assert_uint_eq(wanted("T")->compiled.tag_count, 2);
    ck_assert_int_eq(wanted("U")->compiled.kind, SUBSCRIPTION_ALL);
    /* older: stays; a newer expression: replaced without a notice */
    beat_ok(0, BEAT("c0", GROUP("g", SUB("T", "C", "4") "," SUB("U", "*", "5"))), "g", 0);
    ck_assert_span_eq(wanted("T")->expression, "A || B");
    beat_ok(0, BEAT("c0", GROUP("g", SUB("T", "C", "6") "," SUB("U", "*", "5"))), "g", 0);
    ck_assert_span_eq(wanted("T")->expression, "C");
    ck_assert_int_eq(wanted("T")->version, 6);
    /* a topic goes, one comes */
    beat_ok(0, BEAT("c0", GROUP("g", SUB("T", "C", "6"))), "g", 1);
    ck_assert_ptr_null(wanted("U"));
    /* INC-41: the members evict each other's topics, and are told each time */
    for (unsigned i = 0; i < 3; i++) {
        beat_ok(1, BEAT("c1", GROUP("g", SUB("V", "*", "1"))), "g", 1);
        ck_assert_ptr_null(wanted("T"));
        ck_assert_uint_eq(notices(0, "g"), 1);
        beat_ok(0, BEAT("c0", GROUP("g", SUB("T", "C", "6"))), "g", 1);
        ck_assert_ptr_null(wanted("V"));
        ck_assert_uint_eq(notices(1, "g"), 1);
    }
    /* what does not parse is kept, and is not a tag expression */
    beat_ok(0, BEAT("c0", GROUP("g", SUB("T", "||", "7"))), "g", 0);
    ck_assert_int_eq(wanted("T")->compiled.kind, SUBSCRIPTION_OTHER);
    ck_assert_ptr_nonnull(
        client_group_client(clients_find(&broker.clients, SPAN_LITERAL("g")), SPAN_LITERAL("c1")));
    ck_assert_ptr_null(
        client_group_client(clients_find(&broker.clients, SPAN_LITERAL("g")), SPAN_LITERAL("c2")));
    stop();
}
END_TEST

START_TEST(test_notices_switched_off) {
    start(NAMES "notifyConsumerIdsChangedEnable=false\n");
    connect_client(0);
    beat_ok(0, ONE_BEAT("c0"), "g", 0);
    stop();
    start(NAMES);
    struct group group;
    group_default(&group, SPAN_LITERAL("g"));
    group.notify_ids_changed = false;
    ck_assert_int_eq(groups_put(&broker.groups, &group), RMQ_OK);
    connect_client(0);
    connect_client(1);
    beat_ok(0, ONE_BEAT("c0"), "g", 0);
    beat_ok(1, ONE_BEAT("c1"), "g", 0);
    hang_up(1); /* this one does not look at the group's switch */
    ck_assert_uint_eq(notices(0, "g"), 1);
    stop();
}
END_TEST

/* Broadcasting groups are told by 4.9 only. */
START_TEST(test_broadcasting) {
    start(_i == 0 ? NAMES : NAMES V5);
    connect_client(0);
    beat_ok(0,
            "{\"clientID\":\"c0\",\"consumerDataSet\":[{\"groupName\":\"g\",\"messageModel\":"
            "\"BROADCASTING\"}]}",
            "g", _i == 0 ? 1 : 0);
    ck_assert_int_eq(clients_find(&broker.clients, SPAN_LITERAL("g"))->model, MODEL_BROADCASTING);
    stop();
}
END_TEST

/* Without the group's configuration 4.9 takes the member, without retry topic; 5.3 does not. */
START_TEST(test_group_not_allowed) {
    struct topic_config retry;
    start(_i == 0 ? NAMES "autoCreateSubscriptionGroup=false\n"
                  : NAMES V5 "autoCreateSubscriptionGroup=false\n");
    connect_client(0);
    beat_ok(0, ONE_BEAT("c0"), "g", _i == 0 ? 1 : 0);
    ck_assert_int_eq(clients_find(&broker.clients, SPAN_LITERAL("g")) != NULL, _i == 0);
    ck_assert_int_eq(topics_find(&broker.topics, SPAN_LITERAL("%RETRY%g"), &retry),
                     RMQ_E_NOT_FOUND);
    stop();
}
END_TEST

START_TEST(test_heartbeat_answers) {
    struct wire_command response;
    start(_i == 0 ? NAMES : NAMES V5);
    connect_client(0);
    beat(0, "{\"clientID\":\"c0\",\"producerDataSet\":[{\"groupName\":\"p\"}]}");
    expect_answer(0, RESPONSE_SUCCESS, &response);
    ck_assert_uint_eq(response.field_count, _i == 0 ? 0 : 2);
    ck_assert(span_is_absent(response.remark));
    if (_i == 1) {
        ck_assert_span_eq(wire_field(&response, "IS_SUPPORT_HEART_BEAT_V2"), "true");
        ck_assert_span_eq(wire_field(&response, "IS_SUB_CHANGE"), "true");
    }
    ck_assert_ptr_nonnull(broker.clients.producers);
    /* malformed at its end: nothing of it counts */
    beat(0, "{\"clientID\":\"c0\",\"consumerDataSet\":[{\"groupName\":\"x\"},{}]}");
    expect_code(0, RESPONSE_SYSTEM_ERROR,
                "malformed input: expected a groupName in the consumer at byte 55");
    ck_assert_ptr_null(groups_find(&broker.groups, SPAN_LITERAL("x")));
    beat(0, "");
    expect_answer(0, RESPONSE_SYSTEM_ERROR, &response);
    stop();
}
END_TEST

/* 5.3's second form: a fingerprint, and perhaps no subscriptions. */
START_TEST(test_second_form) {
#define V2(print, without, subs)                                                      \
    "{\"clientID\":\"c0\",\"heartbeatFingerprint\":" print ",\"withoutSub\":" without \
    ",\"consumerDataSet\":[" GROUP("g", subs) "]}"
    static const struct {
        const char *body, *changed;
    } STEPS[] = {
        {V2("11", "false", SUB("T", "A", "5")), "false"},
        {V2("11", "true", ""), "false"},
        {V2("12", "true", ""), "true"},
        {V2("12", "true", ""), "false"},
    };
    start(NAMES V5);
    connect_client(0);
    for (size_t i = 0; i < 4; i++) {
        struct wire_command frame;
        beat(0, STEPS[i].body);
        if (i == 0)
            peer_expect(&clients[0], REQUEST_NOTIFY_CONSUMER_IDS_CHANGED, &frame);
        expect_answer(0, RESPONSE_SUCCESS, &frame);
        ck_assert_span_eq(wire_field(&frame, "IS_SUB_CHANGE"), STEPS[i].changed);
        ck_assert_ptr_nonnull(wanted("T"));
    }
    stop();
}
END_TEST

START_TEST(test_check_client_config) {
    start(NAMES);
    connect_client(0);
    ask(0, REQUEST_CHECK_CLIENT_CONFIG, "",
        "{\"subscriptionData\":{\"topic\":\"T\",\"expressionType\":\"TAG\"}}");
    expect_code(0, RESPONSE_SUCCESS, NULL);
    ask(0, REQUEST_CHECK_CLIENT_CONFIG, "",
        "{\"subscriptionData\":{\"expressionType\":\"SQL92\"}}");
    expect_code(0, RESPONSE_SYSTEM_ERROR,
                "The broker does not support consumer to filter message by SQL92");
    ask(0, REQUEST_CHECK_CLIENT_CONFIG, "", "");
    expect_code(0, RESPONSE_SUCCESS, NULL);
    ask(0, REQUEST_CHECK_CLIENT_CONFIG, "", "[");
    struct wire_command response;
    expect_answer(0, RESPONSE_SYSTEM_ERROR, &response);
    stop();
}
END_TEST

START_TEST(test_no_memory) {
    unsigned n = 1;
    for (bool failed = true; failed; n++) {
        struct wire_command frame;
        start(NAMES);
        connect_client(0);
        fake_fail_at(env, FAKE_FAIL_ALLOC, n);
        beat(0, "{\"clientID\":\"c0\",\"consumerDataSet\":[" GROUP(
                    "g", SUB("T", "A || B || C", "5") "," SUB(
                             "U", "*", "5")) "],"
                                             "\"producerDataSet\":[{\"groupName\":\"p\"}]}");
        failed = fake_failed(env, FAKE_FAIL_ALLOC);
        while (fake_is_open(clients[0].conn) && peer_take(&clients[0], &frame)) {
        }
        if (fake_is_open(clients[0].conn)) { /* once more, with memory */
            beat(0, ONE_BEAT("c0"));
            bool answered = false;
            while (peer_take(&clients[0], &frame))
                answered = frame.opaque == 7 && frame.code == RESPONSE_SUCCESS;
            ck_assert(answered);
            ck_assert_ptr_nonnull(wanted("T"));
            ck_assert_ptr_null(wanted("U"));
        }
        stop();
    }
    ck_assert_uint_gt(n, 10);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("broker_clients");
    TCase *tests = suite_case(suite, "clients");
    tcase_add_loop_test(tests, test_join_and_leave, 0, 2);
    tcase_add_loop_test(tests, test_retry_topic_is_registered, 0, 2);
    tcase_add_test(tests, test_connection_ends);
    tcase_add_test(tests, test_expiry);
    tcase_add_test(tests, test_subscriptions);
    tcase_add_test(tests, test_notices_switched_off);
    tcase_add_loop_test(tests, test_broadcasting, 0, 2);
    tcase_add_loop_test(tests, test_group_not_allowed, 0, 2);
    tcase_add_loop_test(tests, test_heartbeat_answers, 0, 2);
    tcase_add_test(tests, test_second_form);
    tcase_add_test(tests, test_check_client_config);
    tcase_add_test(tests, test_no_memory);
    return suite_run(suite);
}
