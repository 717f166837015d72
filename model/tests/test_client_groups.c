/* test_client_groups.c - what an instance does for its groups: heartbeats, unregistering, the
 * worker's schedule, brokers it knows (client.md 3 to 5). */
#include "model/tests/producer_fixture.h"
#include "model/wire/body_heartbeat.h"

#define A2 "10.0.1.2:10911"
#define MASTER_SLAVE \
    "{\"brokerAddrs\":{\"0\":\"" A "\",\"1\":\"" A2 "\"},\"brokerName\":\"a\",\"cluster\":\"C\"}"

/* ---- a consumer that only notes what it is told ---------------------------------------------- */

struct probe {
    struct client_consumer member;
    unsigned persisted, changed, routes;
    const char *topic;
};

static void probe_heartbeat(void *ctx, struct heartbeat_writer *writer) {
    const struct heartbeat_consumer consumer = {.group = SPAN_LITERAL("C")};
    ck_assert_ptr_nonnull(ctx);
    heartbeat_consumer_begin(writer, &consumer);
    heartbeat_consumer_end(writer, &consumer);
}
static void probe_topics(void *ctx, void (*each)(void *ctx, struct span topic), void *each_ctx) {
    const struct probe *probe = ctx;
    if (probe->topic != NULL)
        each(each_ctx, span_of_text(probe->topic));
}
static void probe_route_changed(void *ctx, struct span topic) {
    struct probe *probe = ctx;
    ck_assert_uint_gt(topic.len, 0);
    probe->routes++;
}
static void probe_members_changed(void *ctx) {
    struct probe *probe = ctx;
    probe->changed++;
}
static void probe_persist(void *ctx) {
    struct probe *probe = ctx;
    probe->persisted++;
}
static void probe_discard(void *ctx) {
    struct probe *probe = ctx;
    list_remove(&probe->member.link);
}
static const struct client_consumer_hooks PROBE = {.heartbeat = probe_heartbeat,
                                                   .topics = probe_topics,
                                                   .route_changed = probe_route_changed,
                                                   .members_changed = probe_members_changed,
                                                   .persist = probe_persist,
                                                   .discard = probe_discard};

static void join(struct probe *probe, const char *topic) {
    *probe = (struct probe){.member = {.group = SPAN_LITERAL("C"), .hooks = &PROBE}};
    probe->member.consumer = probe;
    probe->topic = topic;
    ck_assert_int_eq(client_consumer_add(client, &probe->member), RMQ_OK);
}

static void learn(const char *config, const char *route) {
    route_t = route;
    start(config, "");
    fake_advance_ms(env, 10);
    serve_ns();
}

/* ---- heartbeats ------------------------------------------------------------------------------ */

START_TEST(test_heartbeat__first_after_1_s_then_each_30_s) {
    struct wire_command request;
    learn("topics=T\n", ROUTE_A);
    fake_advance(env, 990 * 1000000 - 1);
    ck_assert_ptr_null(fake_dialled(env, A));
    fake_advance(env, 1);
    greet(&a, A);
    for (int i = 0; i < 3; i++) {
        peer_expect(&a, REQUEST_HEART_BEAT, &request);
        ck_assert_span_eq(request.body, "{\"clientID\":\"10.0.0.9@4242\",\"consumerDataSet\":[],"
                                        "\"producerDataSet\":[{\"groupName\":\"g\"}]}");
        peer_answer_body(&a, &request, 0, NULL);
        fake_advance(env, 30000000000 - 1);
        serve_ns();
        ck_assert(!peer_take(&a, &request));
        fake_advance(env, 1);
    }
    stop();
}
END_TEST

START_TEST(test_heartbeat__body_of_5_3_with_a_consumer) {
    struct wire_command request;
    struct probe probe;
    learn("topics=T\nprofile=5.3\ninstanceName=x\n", ROUTE_A);
    join(&probe, NULL);
    client_heartbeat_now(client);
    greet(&a, A);
    peer_expect(&a, REQUEST_HEART_BEAT, &request);
    ck_assert_span_eq(request.body,
                      "{\"clientID\":\"10.0.0.9@x\",\"consumerDataSet\":[{\"consumeFromWhere\":"
                      "\"CONSUME_FROM_LAST_OFFSET\",\"consumeType\":\"CONSUME_PASSIVELY\","
                      "\"groupName\":\"C\",\"messageModel\":\"CLUSTERING\","
                      "\"subscriptionDataSet\":[],\"unitMode\":false}],"
                      "\"heartbeatFingerprint\":0,\"producerDataSet\":[{\"groupName\":\"g\"}],"
                      "\"withoutSub\":false}");
    client_consumer_remove(client, &probe.member);
    stop();
}
END_TEST

/* Producers tell masters only; with a consumer slaves are told, too. One after the other. */
START_TEST(test_heartbeat__goes_to_masters_or_to_all) {
    struct wire_command request, again;
    struct probe probe;
    struct peer slave = {0};
    learn("topics=T\n", ROUTE(MASTER_SLAVE, QUEUES("a", "4")));
    client_heartbeat_now(client);
    greet(&a, A);
    peer_expect(&a, REQUEST_HEART_BEAT, &request);
    client_heartbeat_now(client); /* under way: one follows */
    client_heartbeat_now(client);
    ck_assert(!peer_take(&a, &again));
    peer_answer_body(&a, &request, 0, NULL);
    peer_expect(&a, REQUEST_HEART_BEAT, &request);
    peer_answer_body(&a, &request, 0, NULL);
    ck_assert_ptr_null(fake_dialled(env, A2));
    ck_assert(!peer_take(&a, &request));
    join(&probe, NULL);
    client_heartbeat_now(client);
    peer_expect(&a, REQUEST_HEART_BEAT, &request);
    ck_assert_ptr_null(fake_dialled(env, A2));
    fake_advance_ms(env, 3000); /* silent: T-API */
    peer_accept(&slave, env, A2);
    peer_expect(&slave, REQUEST_HEART_BEAT, &request);
    ck_assert(fake_is_closed(a.conn));
    peer_answer_body(&slave, &request, 0, NULL);
    client_consumer_remove(client, &probe.member);
    fake_peer_close(slave.conn);
    peer_deinit(&slave);
    route_t = NULL;
    producer_stop(producer);
    producer = NULL;
    fake_stop(env);
    fake_dial_fail(fake_dialled(env, A), RMQ_E_REFUSED);
    fake_dial_fail(fake_dialled(env, A2), RMQ_E_REFUSED);
    fake_settle(env);
    ck_assert(fake_exited(env, NULL));
}
END_TEST

/* 5.3: a connection that opens is greeted, and consumers rebalance. */
START_TEST(test_heartbeat__greets_in_5_3) {
    struct wire_command request;
    struct probe probe;
    bool new = _i == 1;
    learn(new ? "topics=T\nprofile=5.3\n" : "topics=T\n", ROUTE_A);
    join(&probe, NULL);
    send_hello(SEND_SYNC);
    greet(&a, A);
    ck_assert(peer_take(&a, &request));
    ck_assert_int_eq(request.code, REQUEST_SEND_MESSAGE_V2);
    answer_stored(&a, &request, 0);
    ck_assert_int_eq(peer_take(&a, &request), new);
    if (new) {
        ck_assert_int_eq(request.code, REQUEST_HEART_BEAT);
        ck_assert_uint_eq(probe.changed, 0);
        peer_answer_body(&a, &request, 0, NULL);
        ck_assert_uint_eq(probe.changed, 1);
    }
    client_consumer_remove(client, &probe.member);
    stop();
}
END_TEST

START_TEST(test_heartbeat__without_memory_is_left_out) {
    struct wire_command request;
    learn("topics=T\n", ROUTE_A);
    fake_fail_at(env, FAKE_FAIL_ALLOC, 1);
    client_heartbeat_now(client);
    ck_assert(fake_failed(env, FAKE_FAIL_ALLOC));
    ck_assert_ptr_null(fake_dialled(env, A));
    client_heartbeat_now(client);
    greet(&a, A);
    peer_expect(&a, REQUEST_HEART_BEAT, &request);
    stop();
}
END_TEST

/* ---- the worker ------------------------------------------------------------------------------ */

/* First after 10 s, then each 5 s, counted from the instance's start. */
START_TEST(test_persist__each_5_s) {
    struct probe probe;
    route_t = NULL;
    start("", "");
    fake_advance_ms(env, 12000);
    serve_ns();
    join(&probe, NULL);
    fake_advance(env, 3000000000 - 1);
    ck_assert_uint_eq(probe.persisted, 0);
    fake_advance(env, 1);
    ck_assert_uint_eq(probe.persisted, 1);
    fake_advance_ms(env, 10000);
    ck_assert_uint_eq(probe.persisted, 3);
    client_consumer_remove(client, &probe.member);
    stop();
}
END_TEST

/* A heartbeat to a silent broker delays what is due behind it: one worker. */
START_TEST(test_worker__runs_one_task_at_a_time) {
    struct wire_command request;
    struct probe probe;
    learn("topics=T\nheartbeatBrokerInterval=9000\n", ROUTE_A);
    join(&probe, NULL);
    fake_advance_ms(env, 990);
    greet(&a, A);
    peer_expect(&a, REQUEST_HEART_BEAT, &request);
    peer_answer_body(&a, &request, 0, NULL);
    fake_advance_ms(env, 9000); /* 10 s: heartbeat and persist are due, the former first */
    peer_expect(&a, REQUEST_HEART_BEAT, &request);
    ck_assert_uint_eq(probe.persisted, 0);
    fake_advance_ms(env, 2999);
    ck_assert_uint_eq(probe.persisted, 0);
    fake_advance_ms(env, 1);
    ck_assert_uint_eq(probe.persisted, 1);
    client_consumer_remove(client, &probe.member);
    stop();
}
END_TEST

START_TEST(test_poll__includes_the_topics_of_groups) {
    struct wire_command request;
    struct probe probe;
    static const char *const TOPICS[] = {"X", "TBW102"};
    start("topics=X\n", "");
    join(&probe, "T");
    fake_advance_ms(env, 10);
    greet(&ns, NS);
    for (size_t i = 0; i < 3; i++) {
        peer_expect(&ns, REQUEST_GET_ROUTEINFO_BY_TOPIC, &request);
        ck_assert_span_eq(wire_field(&request, "topic"), i == 0   ? TOPICS[0]
                                                         : i == 1 ? "T"
                                                                  : TOPICS[1]);
        peer_answer_body(&ns, &request, i == 1 ? 0 : 17, i == 1 ? ROUTE_A : NULL);
    }
    ck_assert_uint_eq(fake_event_uint(env, EVENT_client_poll_done, "topics"), 3);
    ck_assert_uint_eq(probe.routes, 1);
    client_consumer_remove(client, &probe.member);
    fake_advance_ms(env, 30000);
    peer_expect(&ns, REQUEST_GET_ROUTEINFO_BY_TOPIC, &request);
    ck_assert_span_eq(wire_field(&request, "topic"), "X");
    peer_answer_body(&ns, &request, 17, NULL);
    peer_expect(&ns, REQUEST_GET_ROUTEINFO_BY_TOPIC, &request);
    ck_assert_span_eq(wire_field(&request, "topic"), "TBW102");
    stop();
}
END_TEST

/* ---- brokers --------------------------------------------------------------------------------- */

static void ck_assert_address(struct span got, const char *want) {
    if (want == NULL)
        ck_assert(span_is_absent(got));
    else
        ck_assert_span_eq(got, want);
}

START_TEST(test_brokers__addresses_by_use) {
    int64_t id = -1;
    struct span name = SPAN_LITERAL("a");
    learn("topics=T\n", ROUTE(MASTER_SLAVE, QUEUES("a", "4")));
    ck_assert_address(client_master_address(client, name), A);
    ck_assert_address(client_pull_address(client, name, 0, false, &id), A);
    ck_assert_int_eq(id, 0);
    ck_assert_address(client_pull_address(client, name, 1, false, &id), A2);
    ck_assert_int_eq(id, 1);
    ck_assert_address(client_pull_address(client, name, 5, false, &id), A); /* any */
    ck_assert_int_eq(id, 0);
    ck_assert_address(client_pull_address(client, name, 5, true, NULL), NULL);
    ck_assert_address(client_pull_address(client, SPAN_LITERAL("z"), 0, false, NULL), NULL);
    ck_assert_address(client_any_address(client, SPAN_LITERAL("T")), A);
    ck_assert_address(client_any_address(client, SPAN_LITERAL("U")), NULL);
    route_t = ROUTE("{\"brokerAddrs\":{\"1\":\"" A2 "\"},\"brokerName\":\"a\",\"cluster\":\"C\"}",
                    QUEUES("a", "4"));
    fake_advance_ms(env, 990); /* the heartbeat */
    greet(&a, A);
    struct wire_command request;
    take_send(&a, &request);
    fake_advance_ms(env, 29010);
    serve_ns();
    ck_assert_address(client_master_address(client, name), NULL);
    ck_assert_address(client_pull_address(client, name, 0, false, &id), A2);
    ck_assert_int_eq(id, 1);
    ck_assert_address(client_pull_address(client, name, 0, true, NULL), NULL);
    ck_assert_address(client_any_address(client, SPAN_LITERAL("T")), A2);
    hang_up(&b);
    producer_stop(producer);
    producer = NULL;
    fake_stop(env);
    fake_dial_fail(fake_dialled(env, A2), RMQ_E_REFUSED);
    fake_settle(env);
    ck_assert(fake_exited(env, NULL));
}
END_TEST

/* 4.5: what no route has any more is forgotten before a heartbeat. */
START_TEST(test_brokers__offline_ones_are_forgotten) {
    struct wire_command request;
    learn("topics=T\n", ROUTE_AB);
    ck_assert_address(client_master_address(client, SPAN_LITERAL("b")), B);
    fake_advance_ms(env, 990);
    greet(&a, A);
    take_send(&a, &request);
    greet(&b, B);
    take_send(&b, &request);
    route_t = ROUTE_A;
    fake_advance_ms(env, 29010);
    serve_ns(); /* the poll; the address stays until the next heartbeat */
    ck_assert_address(client_master_address(client, SPAN_LITERAL("b")), B);
    fake_advance_ms(env, 990);
    ck_assert_address(client_master_address(client, SPAN_LITERAL("b")), NULL);
    peer_expect(&a, REQUEST_HEART_BEAT, &request);
    peer_answer_body(&a, &request, 0, NULL);
    ck_assert(!peer_take(&b, &request));
    stop();
}
END_TEST

/* ---- start and stop of groups ---------------------------------------------------------------- */

START_TEST(test_groups__are_unique) {
    struct producer *other;
    struct probe probe, again = {.member = {.group = SPAN_LITERAL("C"), .hooks = &PROBE}};
    start("", "");
    ck_assert_int_eq(start_group("producerGroup=g\n", &other), RMQ_E_EXISTS);
    ck_assert_int_eq(start_group("producerGroup=C\n", &other), RMQ_OK);
    join(&probe, NULL);
    ck_assert_int_eq(client_consumer_add(client, &again.member), RMQ_E_EXISTS);
    client_consumer_remove(client, &probe.member);
    producer_stop(other);
    stop();
}
END_TEST

static const char *const BAD_GROUPS[] = {
    "",
    "producerGroup=\n",
    "producerGroup=DEFAULT_PRODUCER\n",
    "producerGroup=a b\n",
    "producerGroup=g\nsendMsgTimeout=0\n",
    "producerGroup=g\nretryTimesWhenSendFailed=-1\n",
    "producerGroup=g\nsendLatencyFaultEnable=yes\n",
    "producerGroup=g\nmaxMessageSize=x\n",
};

START_TEST(test_groups__refuse_bad_settings) {
    start_client("");
    ck_assert_int_eq(start_group(BAD_GROUPS[_i], &producer), RMQ_E_INVALID);
    ck_assert(fake_log_contains(env, "producer: value of "));
    producer = NULL;
    stop();
}
END_TEST

/* 3.4: each broker in turn, masters and slaves; the client's stop waits for it. */
START_TEST(test_stop__unregisters_at_each_broker) {
    struct wire_command request;
    struct peer slave = {0};
    learn("topics=T\n", ROUTE(MASTER_SLAVE, QUEUES("a", "4")));
    fake_stop(env); /* nothing ends before its groups do */
    ck_assert(!fake_exited(env, NULL));
    producer_stop(producer);
    producer = NULL;
    greet(&a, A);
    peer_expect(&a, REQUEST_UNREGISTER_CLIENT, &request);
    ck_assert_span_eq(wire_field(&request, "clientID"), "10.0.0.9@4242");
    ck_assert_span_eq(wire_field(&request, "producerGroup"), "g");
    ck_assert_uint_eq(request.field_count, 2);
    ck_assert_ptr_null(fake_dialled(env, A2));
    peer_answer_body(&a, &request, 0, NULL);
    peer_accept(&slave, env, A2);
    peer_expect(&slave, REQUEST_UNREGISTER_CLIENT, &request);
    ck_assert(!fake_exited(env, NULL));
    fake_advance_ms(env, 3000);
    ck_assert(fake_exited(env, NULL));
    peer_deinit(&slave);
}
END_TEST

START_TEST(test_request_40__rebalances) {
    struct wire_command request, got;
    struct probe probe;
    learn("topics=T\n", ROUTE_A);
    join(&probe, NULL);
    client_heartbeat_now(client);
    greet(&a, A);
    ck_assert(!take_send(&a, &got));
    wire_command_init(&request, REQUEST_NOTIFY_CONSUMER_IDS_CHANGED);
    request.flag = WIRE_FLAG_ONEWAY;
    peer_send(&a, &request);
    ck_assert_uint_eq(probe.changed, 1);
    ck_assert(!peer_take(&a, &got));
    client_consumer_remove(client, &probe.member);
    stop();
}
END_TEST

/* A later load of the configuration is wrong: what the earlier ones began goes without a word. */
static const char *const BAD_LOADS[] = {
    "load.1=do=produce,topic=T,producerGroup=g\nload.2=do=nothing\n",
    "load.1=do=consume,consumerGroup=C,subscription=T:*\nload.2=do=nothing\n",
    "load.1=do=consume,consumerGroup=C,subscription=T:*,lite=true\nload.2=do=nothing\n",
    ("load.1=do=consume,consumerGroup=C,subscription=T:*,messageModel=BROADCASTING,"
     "localOffsetStoreDir=/o\nload.2=do=nothing\n"),
    "load.1=do=produce,topic=T,producerGroup=a b\n",
};

START_TEST(test_start__fails_with_a_wrong_load) {
    char text[400];
    snprintf(text, sizeof text, "namesrvAddr=" NS "\n%s", BAD_LOADS[_i]);
    ck_assert_int_eq(fake_start_text(env, &client_role, text), RMQ_E_INVALID);
    ck_assert(fake_log_contains(env, _i == 4 ? "value of load.1" : "value of load.2"));
}
END_TEST

#define COUNT(array) ((int)(sizeof array / sizeof array[0]))

int main(void) {
    Suite *suite = suite_create("client_groups");
    TCase *tests = suite_case(suite, "groups");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_heartbeat__first_after_1_s_then_each_30_s);
    tcase_add_test(tests, test_heartbeat__body_of_5_3_with_a_consumer);
    tcase_add_test(tests, test_heartbeat__goes_to_masters_or_to_all);
    tcase_add_loop_test(tests, test_heartbeat__greets_in_5_3, 0, 2);
    tcase_add_test(tests, test_heartbeat__without_memory_is_left_out);
    tcase_add_test(tests, test_persist__each_5_s);
    tcase_add_test(tests, test_worker__runs_one_task_at_a_time);
    tcase_add_test(tests, test_poll__includes_the_topics_of_groups);
    tcase_add_test(tests, test_brokers__addresses_by_use);
    tcase_add_test(tests, test_brokers__offline_ones_are_forgotten);
    tcase_add_test(tests, test_groups__are_unique);
    tcase_add_loop_test(tests, test_groups__refuse_bad_settings, 0, COUNT(BAD_GROUPS));
    tcase_add_test(tests, test_stop__unregisters_at_each_broker);
    tcase_add_test(tests, test_request_40__rebalances);
    tcase_add_loop_test(tests, test_start__fails_with_a_wrong_load, 0, COUNT(BAD_LOADS));
    return suite_run(suite);
}
