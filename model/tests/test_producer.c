/* test_producer.c - sending: route, queue, attempts, outcomes (client.md 7, 8, 29.1). */
#include "model/tests/producer_fixture.h"

/* ---- the plain way --------------------------------------------------------------------------- */

START_TEST(test_send__looks_up_the_route_and_stores) {
    struct wire_command request;
    start("", "");
    send_hello(SEND_SYNC);
    ck_assert_uint_eq(outcome.calls, 0);
    serve_ns();
    char broker = find_send(&request);
    ck_assert(broker != 0);
    ck_assert_int_eq(request.code, REQUEST_SEND_MESSAGE_V2);
    ck_assert_span_eq(wire_field(&request, "a"), "g");
    ck_assert_span_eq(wire_field(&request, "b"), "T");
    ck_assert_span_eq(wire_field(&request, "c"), "TBW102");
    ck_assert_span_eq(wire_field(&request, "d"), "4");
    ck_assert_span_eq(request.body, "hello");
    fake_advance_ms(env, 3);
    answer_stored(peer_of(broker), &request, 0);
    ck_assert_uint_eq(outcome.calls, 1);
    ck_assert_int_eq(outcome.status, RMQ_OK);
    ck_assert_int_eq(one.physical_offset, 0x123);
    ck_assert_int_eq(one.queue_offset, 5);
    ck_assert_uint_eq(one.attempts, 1);
    ck_assert_uint_eq(one.latency_ns, 3000000);
    ck_assert_uint_eq(count(EVENT_send_started), 1);
    ck_assert_uint_eq(fake_event_uint(env, EVENT_send_started, "bytes"), 5);
    ck_assert_uint_eq(count(EVENT_send_acked), 1);
    ck_assert_uint_eq(fake_event_uint(env, EVENT_send_acked, "message"), 7);
    ck_assert_int_eq(fake_event_int(env, EVENT_send_acked, "physical"), 0x123);
    ck_assert_uint_eq(count(EVENT_send_failed), 0);
    stop();
}
END_TEST

/* Eight queues: each is chosen once in eight sends, in turn (9.1). */
START_TEST(test_send__goes_round_the_queues) {
    struct wire_command request;
    unsigned seen = 0;
    int last = -1;
    start("", "");
    for (int i = 0; i < 16; i++) {
        send_hello(SEND_SYNC);
        serve_ns();
        char broker = find_send(&request);
        int queue = (broker == 'a' ? 0 : 4) + wire_field(&request, "e").data[0] - '0';
        ck_assert(last < 0 || queue == (last + 1) % 8);
        seen += 1U << (4 * (unsigned)queue);
        last = queue;
        answer_stored(peer_of(broker), &request, 0);
        ck_assert_int_eq(outcome.status, RMQ_OK);
    }
    ck_assert_uint_eq(seen, 0x22222222);
    stop();
}
END_TEST

/* 8.2: an unknown topic takes the default topic's route, cut to four queues. */
START_TEST(test_send__takes_the_default_topics_route) {
    struct wire_command request;
    route_t = NULL;
    route_default = ROUTE(MASTER("a", A), QUEUES("a", "8"));
    start("", "");
    send_hello(SEND_SYNC);
    serve_ns();
    ck_assert_int_eq(find_send(&request), 'a');
    answer_stored(&a, &request, 0);
    const struct client_topic *topic = client_topic_find(client, SPAN_LITERAL("T"));
    ck_assert_int_eq(topic->route->queues[0].write_queue_nums, 4);
    ck_assert_int_eq(topic->route->queues[0].read_queue_nums, 4);
    stop();
}
END_TEST

START_TEST(test_send__fails_without_any_route) {
    route_t = NULL;
    start("", "");
    send_hello(SEND_SYNC);
    serve_ns();
    ck_assert_uint_eq(outcome.calls, 1);
    ck_assert_int_eq(outcome.status, RMQ_E_NOT_FOUND);
    ck_assert_int_eq(one.code, 10005);
    ck_assert_uint_eq(fake_event_uint(env, EVENT_send_failed, "maybe_stored"), 0);
    stop();
}
END_TEST

START_TEST(test_send__fails_without_name_servers) {
    start_client("");
    ck_assert_int_eq(start_group("producerGroup=g\n", &producer), RMQ_OK);
    send_hello(SEND_SYNC);
    ck_assert_int_eq(outcome.status, RMQ_E_NOT_FOUND);
    ck_assert_int_eq(one.code, 10004);
    stop();
}
END_TEST

/* Two sends of a new topic: one query. */
START_TEST(test_send__waits_for_the_query_under_way) {
    struct wire_command request;
    struct outgoing message = hello();
    struct send other = {0};
    start("", "");
    send_hello(SEND_SYNC);
    producer_send(producer, &message, NULL, SEND_SYNC, &other, on_sent);
    greet(&ns, NS);
    ck_assert(peer_take(&ns, &request));
    struct wire_command second;
    struct span topic = wire_field(&request, "topic");
    ck_assert_span_eq(topic, "T");
    peer_answer_body(&ns, &request, 0, ROUTE_A);
    ck_assert(!peer_take(&ns, &second));
    greet(&a, A);
    ck_assert(take_send(&a, &request));
    ck_assert(take_send(&a, &second));
    producer_send_cancel(&other);
    producer_send_cancel(&one);
    ck_assert_uint_eq(outcome.calls, 0);
    stop();
}
END_TEST

/* ---- validation ------------------------------------------------------------------------------ */

#define TEN "0123456789"
static const struct {
    const char *topic, *body, *text;
    int32_t code;
} BAD_MESSAGES[] = {
    {" ", "x", "The specified topic is blank", -1},
    {"", "x", "The specified topic is blank", -1},
    {TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN "12345678", "x",
     "The specified topic is longer than topic max length 127.", -1},
    {"a b", "x",
     "The specified topic[a b] contains illegal characters, allowing only ^[%|a-zA-Z0-9_-]+$", -1},
    {"SCHEDULE_TOPIC_XXXX", "x", "Sending message to topic[SCHEDULE_TOPIC_XXXX] is forbidden.", -1},
    {"T", NULL, "the message body is null", 13},
    {"T", "", "the message body length is zero", 13},
    {"T", TEN "1", "the message body size over max value, MAX: 10", 13},
};

START_TEST(test_send__refuses_bad_messages) {
    struct outgoing message = {.topic = span_of_text(BAD_MESSAGES[_i].topic),
                               .body = span_of_text(BAD_MESSAGES[_i].body)};
    start("", "maxMessageSize=10\n");
    producer_send(producer, &message, NULL, SEND_SYNC, &one, on_sent);
    ck_assert_uint_eq(outcome.calls, 1);
    ck_assert_int_eq(outcome.status, RMQ_E_INVALID);
    ck_assert_str_eq(outcome.remark, BAD_MESSAGES[_i].text);
    ck_assert_int_eq(one.code, BAD_MESSAGES[_i].code);
    ck_assert_uint_eq(count(EVENT_send_started), 1);
    ck_assert_uint_eq(count(EVENT_send_failed), 1);
    ck_assert_uint_eq(fake_dial_count(env, NULL), 0);
    stop();
}
END_TEST

START_TEST(test_send__takes_the_longest_topic_and_body) {
    struct outgoing message = {
        .topic = SPAN_LITERAL(TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN "1234567"),
        .body = SPAN_LITERAL(TEN)};
    start("", "maxMessageSize=10\n");
    producer_send(producer, &message, NULL, SEND_SYNC, &one, on_sent);
    ck_assert_uint_eq(outcome.calls, 0);
    stop();
    ck_assert_int_eq(outcome.status, RMQ_E_CLOSED);
}
END_TEST

/* ---- retries (8.3, 29.1) --------------------------------------------------------------------- */

/* P1: a dead broker: the next attempt goes to the other one at once. */
START_TEST(test_sync__retries_another_broker_when_refused) {
    struct wire_command request;
    teardown();
    for (int i = 0; i < 8; i++) { /* wherever the first goes */
        setup();
        fake_seed(env, (uint64_t)i + 1);
        start("", "");
        send_hello(SEND_SYNC);
        serve_ns();
        bool to_a = fake_dialled(env, A) != NULL;
        fake_dial_fail(fake_dialled(env, to_a ? A : B), RMQ_E_REFUSED);
        ck_assert_int_eq(find_send(&request), to_a ? 'b' : 'a');
        ck_assert_uint_eq(count(EVENT_send_retried), 1);
        ck_assert_uint_eq(fake_event_uint(env, EVENT_send_retried, "attempt"), 2);
        ck_assert_span_eq(fake_event_text(env, EVENT_send_retried, "last_broker"),
                          to_a ? "a" : "b");
        ck_assert_span_eq(fake_event_text(env, EVENT_send_retried, "last_error"),
                          rmq_err_text(RMQ_E_REFUSED));
        answer_stored(peer_of(to_a ? 'b' : 'a'), &request, 0);
        ck_assert_int_eq(outcome.status, RMQ_OK);
        ck_assert_uint_eq(one.attempts, 2);
        stop();
        teardown();
    }
    setup();
}
END_TEST

/* P2: the only broker: three fast attempts, 10001, not stored. */
START_TEST(test_sync__fails_after_three_refused_attempts) {
    route_t = ROUTE_A;
    start("", "");
    send_hello(SEND_SYNC);
    serve_ns();
    for (int i = 0; i < 3; i++)
        fake_dial_fail(fake_dialled(env, A), RMQ_E_REFUSED);
    ck_assert_ptr_null(fake_dialled(env, A));
    ck_assert_uint_eq(outcome.calls, 1);
    ck_assert_int_eq(outcome.status, RMQ_E_REFUSED);
    ck_assert_int_eq(one.code, 10001);
    ck_assert_uint_eq(one.attempts, 3);
    ck_assert(!one.maybe_stored);
    stop();
}
END_TEST

/* P3, INC-24: a silent broker has a third of the budget; then the other one is tried. */
START_TEST(test_sync__a_silent_broker_leaves_time_for_another) {
    struct wire_command request;
    start("", "");
    send_hello(SEND_SYNC);
    serve_ns();
    char first = find_send(&request);
    fake_advance(env, 1000000000 - 1);
    ck_assert(fake_is_open(peer_of(first)->conn));
    fake_advance(env, 1);
    ck_assert(fake_is_closed(peer_of(first)->conn)); /* clientCloseSocketIfTimeout */
    char second = find_send(&request);
    ck_assert(second != 0 && second != first);
    ck_assert_uint_eq(fake_event_uint(env, EVENT_send_retried, "left_ns"), 2000000000);
    answer_stored(peer_of(second), &request, 0);
    ck_assert_int_eq(outcome.status, RMQ_OK);
    ck_assert(!one.maybe_stored);
    stop();
}
END_TEST

/* P4: a connect that hangs has its share, too. */
START_TEST(test_sync__a_hanging_connect_leaves_time_for_another) {
    struct wire_command request;
    start("", "");
    send_hello(SEND_SYNC);
    serve_ns();
    char first = fake_dialled(env, A) != NULL ? 'a' : 'b';
    fake_advance_ms(env, 1000);
    struct peer *other = peer_of(first == 'a' ? 'b' : 'a');
    greet(other, first == 'a' ? B : A);
    ck_assert(take_send(other, &request));
    answer_stored(other, &request, 0);
    ck_assert_int_eq(outcome.status, RMQ_OK);
    ck_assert_uint_eq(one.attempts, 2);
    stop();
}
END_TEST

/* P6: an answer after the budget changes nothing. */
START_TEST(test_sync__a_late_answer_is_dropped) {
    struct wire_command request;
    start("", "retryTimesWhenSendFailed=0\n");
    send_hello(SEND_ASYNC);
    serve_ns();
    char first = find_send(&request);
    fake_advance_ms(env, 1000); /* goes on at the other one */
    struct wire_command second;
    char other = find_send(&second);
    answer_stored(peer_of(first), &request, 0);
    ck_assert_uint_eq(outcome.calls, 0);
    answer_stored(peer_of(other), &second, 0);
    ck_assert_uint_eq(outcome.calls, 1);
    ck_assert_uint_eq(client->remoting.answers_unmatched, 1);
    stop();
}
END_TEST

START_TEST(test_sync__silent_brokers_use_up_the_budget) {
    struct wire_command request;
    start("", "");
    send_hello(SEND_SYNC);
    serve_ns();
    for (int i = 0; i < 3; i++) {
        ck_assert(find_send(&request) != 0);
        ck_assert_uint_eq(outcome.calls, 0);
        fake_advance_ms(env, 1000);
    }
    ck_assert_uint_eq(outcome.calls, 1);
    ck_assert_int_eq(outcome.status, RMQ_E_TIMEOUT);
    ck_assert_int_eq(one.code, 10002);
    ck_assert_uint_eq(one.latency_ns, 3000000000);
    ck_assert(one.maybe_stored);
    stop();
}
END_TEST

/* quirk.sharedBudget: as Apache, no retry follows, and none is written with no time (8.3). */
START_TEST(test_sync__shared_budget_leaves_nothing) {
    struct wire_command request;
    start("quirk.sharedBudget=true\n", "");
    send_hello(SEND_SYNC);
    serve_ns();
    ck_assert(find_send(&request) != 0);
    fake_advance(env, 3000000000 - 1);
    ck_assert_uint_eq(outcome.calls, 0);
    fake_advance(env, 1);
    ck_assert_uint_eq(outcome.calls, 1);
    ck_assert_int_eq(outcome.status, RMQ_E_TIMEOUT);
    ck_assert_str_eq(outcome.remark, "sendDefaultImpl call timeout");
    ck_assert_uint_eq(count(EVENT_send_retried), 0);
    ck_assert(one.maybe_stored);
    stop();
}
END_TEST

/* P5, P7: the connection ends before the answer: at once again, with the same unique key. */
START_TEST(test_sync__retries_when_the_connection_ends) {
    struct wire_command request;
    char key[64];
    start("", "");
    send_hello(SEND_SYNC);
    serve_ns();
    char first = find_send(&request);
    struct span unique = message_property(wire_field(&request, "i"), SPAN_LITERAL("UNIQ_KEY"));
    snprintf(key, sizeof key, "%.*s", (int)unique.len, (const char *)unique.data);
    if (_i == 0)
        fake_peer_close(peer_of(first)->conn);
    else
        fake_peer_reset(peer_of(first)->conn, RMQ_E_RESET);
    char second = find_send(&request);
    ck_assert(second != 0 && second != first);
    ck_assert_span_eq(message_property(wire_field(&request, "i"), SPAN_LITERAL("UNIQ_KEY")), key);
    answer_code(peer_of(second), &request, 13, "no");
    ck_assert_int_eq(outcome.status, RMQ_E_STATE);
    ck_assert_int_eq(one.code, 13);
    ck_assert_str_eq(outcome.remark, "no");
    ck_assert(one.maybe_stored);
    ck_assert_uint_eq(fake_event_uint(env, EVENT_send_failed, "maybe_stored"), 1);
    ck_assert_span_eq(fake_event_text(env, EVENT_send_failed, "error"), "no");
    stop();
}
END_TEST

/* P11, P12 and the rest of the codes: retried or not, by release. */
static const struct {
    int32_t code;
    bool retried_4_9, retried_5_3, maybe_stored;
} CODES[] = {
    {1, true, true, true},      {2, false, true, false},    {3, false, false, false},
    {13, false, false, false},  {14, true, true, false},    {16, true, true, false},
    {17, true, true, false},    {204, true, true, false},   {205, true, true, false},
    {1500, false, true, false}, {215, false, false, false},
};

START_TEST(test_sync__retries_some_codes) {
    struct wire_command request;
    bool new = _i % 2 == 1;
    int32_t code = CODES[_i / 2].code;
    bool retried = new ? CODES[_i / 2].retried_5_3 : CODES[_i / 2].retried_4_9;
    start(new ? "profile=5.3\n" : "", "");
    serve_ns();
    send_hello(SEND_SYNC);
    serve_ns();
    char first = find_send(&request);
    answer_code(peer_of(first), &request, code, "because");
    if (retried) {
        char second = find_send(&request);
        ck_assert(second != 0 && second != first);
        ck_assert_span_eq(fake_event_text(env, EVENT_send_retried, "last_error"), "because");
        answer_code(peer_of(second), &request, code, "because");
        char third = find_send(&request);
        ck_assert_int_eq(third, first);
        answer_code(peer_of(third), &request, code, "because");
    }
    ck_assert_uint_eq(outcome.calls, 1);
    ck_assert_int_eq(outcome.status, RMQ_E_STATE);
    ck_assert_int_eq(one.code, code);
    ck_assert_str_eq(outcome.remark, "because");
    ck_assert_int_eq(one.maybe_stored, CODES[_i / 2].maybe_stored);
    ck_assert_uint_eq(one.attempts, retried ? 3 : 1);
    stop();
}
END_TEST

/* P13 */
START_TEST(test_sync__stored_but_not_as_asked_is_a_result) {
    static const int32_t STORED[] = {10, 11, 12};
    struct wire_command request;
    start("", "");
    send_hello(SEND_SYNC);
    serve_ns();
    char first = find_send(&request);
    answer_stored(peer_of(first), &request, STORED[_i]);
    ck_assert_int_eq(outcome.status, RMQ_OK);
    ck_assert_int_eq(one.code, STORED[_i]);
    ck_assert_int_eq(fake_event_int(env, EVENT_send_acked, "status"), STORED[_i]);
    stop();
}
END_TEST

START_TEST(test_sync__another_broker_when_not_store_ok) {
    struct wire_command request;
    start("", "retryAnotherBrokerWhenNotStoreOK=true\n");
    send_hello(SEND_SYNC);
    serve_ns();
    char first = find_send(&request);
    answer_stored(peer_of(first), &request, 11);
    ck_assert_uint_eq(outcome.calls, 0);
    char second = find_send(&request);
    ck_assert(second != 0 && second != first);
    answer_code(peer_of(second), &request, 13, "no"); /* the earlier result is returned */
    ck_assert_int_eq(outcome.status, RMQ_OK);
    ck_assert_int_eq(one.code, 11);
    ck_assert_int_eq(one.broker[0], first);
    ck_assert_uint_eq(count(EVENT_send_acked), 1);
    stop();
}
END_TEST

/* A chosen queue: one attempt (11.1). */
START_TEST(test_sync__to_a_chosen_queue_once) {
    struct wire_command request;
    struct outgoing message = hello();
    struct send_target target = {.broker_name = SPAN_LITERAL("b"), .queue_id = 3};
    start("", "");
    producer_send(producer, &message, &target, SEND_SYNC, &one, on_sent);
    serve_ns(); /* its address was not known */
    ck_assert_int_eq(find_send(&request), 'b');
    ck_assert_span_eq(wire_field(&request, "e"), "3");
    answer_code(&b, &request, 14, "no");
    ck_assert_int_eq(outcome.status, RMQ_E_STATE);
    ck_assert_uint_eq(one.attempts, 1);
    target.broker_name = SPAN_LITERAL("c");
    memset(&outcome, 0, sizeof outcome);
    producer_send(producer, &message, &target, SEND_SYNC, &one, on_sent);
    serve_ns();
    ck_assert_int_eq(outcome.status, RMQ_E_NOT_FOUND);
    ck_assert_int_eq(one.code, 10003);
    stop();
}
END_TEST

START_TEST(test_queue_by_hash__as_java) {
    static const struct {
        int32_t hash;
        char broker;
        int32_t queue;
    } CASES[] = {{0, 'a', 0}, {5, 'b', 1}, {-5, 'b', 1}, {15, 'b', 3}, {INT32_MIN, 'a', 0}};
    struct send_target target;
    start("", "");
    ck_assert_int_eq(producer_queue_by_hash(producer, SPAN_LITERAL("T"), 1, &target),
                     RMQ_E_NOT_FOUND);
    fake_advance_ms(env, 10);
    serve_ns(); /* the poll: the topic is the producer's now */
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        ck_assert_int_eq(
            producer_queue_by_hash(producer, SPAN_LITERAL("T"), CASES[i].hash, &target), RMQ_OK);
        ck_assert_int_eq(target.broker_name.data[0], CASES[i].broker);
        ck_assert_int_eq(target.queue_id, CASES[i].queue);
    }
    stop();
}
END_TEST

/* ---- async, oneway --------------------------------------------------------------------------- */

/* P9: refused or reset: up to two retries, with the queue of the first choice (8.4). */
START_TEST(test_async__retries_with_the_first_queue) {
    struct wire_command request;
    char queue, name;
    start("", "");
    send_hello(SEND_ASYNC);
    serve_ns();
    char first = find_send(&request);
    queue = (char)wire_field(&request, "e").data[0];
    name = (char)wire_field(&request, "n").data[0];
    fake_peer_reset(peer_of(first)->conn, RMQ_E_RESET);
    char second = find_send(&request);
    ck_assert(second != 0 && second != first);
    ck_assert_int_eq(wire_field(&request, "e").data[0], queue);
    ck_assert_int_eq(wire_field(&request, "n").data[0], name);
    fake_peer_reset(peer_of(second)->conn, RMQ_E_RESET);
    char third = find_send(&request);
    fake_peer_reset(peer_of(third)->conn, RMQ_E_RESET);
    ck_assert_int_eq(find_send(&request), 0);
    ck_assert_uint_eq(outcome.calls, 1);
    ck_assert_int_eq(outcome.status, RMQ_E_RESET);
    ck_assert_uint_eq(one.attempts, 3);
    stop();
}
END_TEST

/* Whatever the code, no retry. */
START_TEST(test_async__a_refusal_ends_it) {
    struct wire_command request;
    start("", "");
    send_hello(SEND_ASYNC);
    serve_ns();
    char first = find_send(&request);
    answer_code(peer_of(first), &request, 14, "no");
    ck_assert_int_eq(outcome.status, RMQ_E_STATE);
    ck_assert_uint_eq(one.attempts, 1);
    stop();
}
END_TEST

/* P8: the timeout does not close the connection. */
START_TEST(test_async__a_silent_broker) {
    struct wire_command request;
    start(_i == 0 ? "quirk.sharedBudget=true\n" : "", "");
    send_hello(SEND_ASYNC);
    serve_ns();
    char first = find_send(&request);
    fake_advance_ms(env, _i == 0 ? 3000 : 1000);
    ck_assert(fake_is_open(peer_of(first)->conn));
    if (_i == 0) {
        ck_assert_int_eq(outcome.status, RMQ_E_TIMEOUT);
        ck_assert_uint_eq(one.attempts, 1);
    } else {
        char second = find_send(&request);
        ck_assert(second != 0 && second != first);
        answer_stored(peer_of(second), &request, 0);
        ck_assert_int_eq(outcome.status, RMQ_OK);
    }
    stop();
}
END_TEST

/* P10 */
START_TEST(test_oneway__ends_when_handed_over) {
    struct wire_command request;
    start("", "");
    send_hello(SEND_ONEWAY);
    serve_ns();
    ck_assert_uint_eq(outcome.calls, 1);
    ck_assert_int_eq(outcome.status, RMQ_OK);
    char first = find_send(&request);
    ck_assert(first != 0);
    ck_assert_int_eq(request.flag, WIRE_FLAG_ONEWAY);
    ck_assert_uint_eq(count(EVENT_send_acked), 0);
    ck_assert_span_eq(fake_event_text(env, EVENT_send_failed, "error"), "oneway");
    ck_assert_uint_eq(fake_event_uint(env, EVENT_send_failed, "maybe_stored"), 1);
    stop();
}
END_TEST

/* ---- name servers (P17, P18, P20) ------------------------------------------------------------ */

START_TEST(test_send__all_name_servers_down) {
    struct wire_command request;
    start("", "");
    send_hello(SEND_SYNC);
    fake_dial_fail(fake_dialled(env, NS), RMQ_E_REFUSED); /* unknown topic: raw error */
    ck_assert_int_eq(outcome.status, RMQ_E_REFUSED);
    send_hello(SEND_SYNC);
    serve_ns();
    char first = find_send(&request);
    answer_stored(peer_of(first), &request, 0);
    ck_assert_int_eq(outcome.status, RMQ_OK);
    fake_peer_close(ns.conn); /* known: nothing is noticed */
    fake_advance_ms(env, 60000);
    for (int i = 0; i < 4; i++) {
        send_hello(SEND_SYNC);
        char broker = find_send(&request);
        ck_assert(broker != 0);
        answer_stored(peer_of(broker), &request, 0);
        ck_assert_int_eq(outcome.status, RMQ_OK);
    }
    stop();
}
END_TEST

/* ---- what is sent ---------------------------------------------------------------------------- */

START_TEST(test_send__properties_and_namespace) {
    struct wire_command request;
    struct outgoing message = hello();
    message.keys = SPAN_LITERAL("k1 k2");
    message.tags = SPAN_LITERAL("TagA");
    message.properties = SPAN_LITERAL("color\001red");
    message.no_wait = true;
    message.delay_level = 3;
    start("", "namespace=N\n");
    producer_send(producer, &message, NULL, SEND_SYNC, &one, on_sent);
    greet(&ns, NS);
    ck_assert(peer_take(&ns, &request));
    ck_assert_span_eq(wire_field(&request, "topic"), "N%T");
    peer_answer_body(&ns, &request, 0, ROUTE_A);
    ck_assert_int_eq(find_send(&request), 'a');
    ck_assert_span_eq(wire_field(&request, "a"), "N%g");
    ck_assert_span_eq(wire_field(&request, "b"), "N%T");
    char want[200];
    struct span properties = wire_field(&request, "i");
    struct span unique = message_property(properties, SPAN_LITERAL("UNIQ_KEY"));
    ck_assert_uint_eq(unique.len, 32);
    snprintf(want, sizeof want,
             "color\001red\002KEYS\001k1 k2\002UNIQ_KEY\001%.*s\002WAIT\001false\002DELAY\0013\002"
             "TAGS\001TagA\002INSTANCE_ID\001N",
             (int)unique.len, (const char *)unique.data);
    ck_assert_span_eq(properties, want);
    stop();
}
END_TEST

START_TEST(test_send__bad_tag_is_refused) {
    struct outgoing message = hello();
    message.tags = SPAN_LITERAL("a\001b");
    start("", "");
    producer_send(producer, &message, NULL, SEND_SYNC, &one, on_sent);
    ck_assert_int_eq(outcome.status, RMQ_E_INVALID);
    stop();
}
END_TEST

START_TEST(test_send__old_header) {
    struct wire_command request;
    route_t = ROUTE_A;
    start("", "sendSmartMsg=false\n");
    send_hello(SEND_SYNC);
    serve_ns();
    ck_assert_int_eq(find_send(&request), 'a');
    ck_assert_int_eq(request.code, REQUEST_SEND_MESSAGE);
    ck_assert_span_eq(wire_field(&request, "topic"), "T");
    answer_stored(&a, &request, 0);
    ck_assert_int_eq(outcome.status, RMQ_OK);
    stop();
}
END_TEST

/* ---- batches --------------------------------------------------------------------------------- */

START_TEST(test_batch__is_one_request_and_one_event_each) {
    struct wire_command request, response;
    struct outgoing messages[] = {hello(), hello(), hello()};
    for (uint64_t i = 0; i < 3; i++)
        messages[i].number = 100 + i;
    route_t = ROUTE_A;
    start("", "");
    producer_send_batch(producer, messages, 3, &one, on_sent);
    serve_ns();
    ck_assert_int_eq(find_send(&request), 'a');
    ck_assert_int_eq(request.code, REQUEST_SEND_BATCH_MESSAGE);
    ck_assert_span_eq(wire_field(&request, "m"), "true");
    ck_assert_span_eq(wire_field(&request, "i"), "WAIT\001true");
    struct span rest = request.body;
    struct batch_item item;
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(batch_next(&rest, &item), RMQ_OK);
        ck_assert_span_eq(item.body, "hello");
        ck_assert(!span_is_absent(message_property(item.properties, SPAN_LITERAL("UNIQ_KEY"))));
    }
    ck_assert_int_eq(batch_next(&rest, &item), RMQ_E_NOT_FOUND);
    wire_command_init(&response, 0);
    ck_assert_int_eq(wire_field_add(&response, SPAN_LITERAL("queueId"), SPAN_LITERAL("1")), 0);
    ck_assert_int_eq(wire_field_add(&response, SPAN_LITERAL("queueOffset"), SPAN_LITERAL("5")), 0);
    ck_assert_int_eq(wire_field_add(&response, SPAN_LITERAL("msgId"),
                                    SPAN_LITERAL("0A00010100002A9F0000000000000100,"
                                                 "0A00010100002A9F0000000000000200,"
                                                 "0A00010100002A9F0000000000000300")),
                     0);
    peer_answer(&a, &request, &response);
    ck_assert_int_eq(outcome.status, RMQ_OK);
    ck_assert_uint_eq(count(EVENT_send_started), 3);
    ck_assert_uint_eq(count(EVENT_send_acked), 3);
    ck_assert_uint_eq(fake_event_uint(env, EVENT_send_acked, "message"), 102);
    ck_assert_int_eq(fake_event_int(env, EVENT_send_acked, "physical"), 0x300);
    ck_assert_int_eq(fake_event_int(env, EVENT_send_acked, "queue_offset"), 7);
    stop();
}
END_TEST

START_TEST(test_batch__refuses_mixtures) {
    struct outgoing messages[] = {hello(), hello()};
    static const char *const TEXTS[] = {
        "Failed to initiate the MessageBatch: TimeDelayLevel is not supported for batching",
        "Failed to initiate the MessageBatch: The topic of the messages in one batch should be the "
        "same",
        "Failed to initiate the MessageBatch: The waitStoreMsgOK of the messages in one batch "
        "should the same",
        "Failed to initiate the MessageBatch: Retry Group is not supported for batching",
        "the message body size over max value, MAX: 100",
    };
    start("", "maxMessageSize=100\n");
    if (_i == 0)
        messages[1].delay_level = 1;
    else if (_i == 1)
        messages[1].topic = SPAN_LITERAL("U");
    else if (_i == 2)
        messages[1].no_wait = true;
    else if (_i == 3)
        messages[0].topic = messages[1].topic = SPAN_LITERAL("%RETRY%g");
    producer_send_batch(producer, messages, 2, &one, on_sent);
    ck_assert_int_eq(outcome.status, RMQ_E_INVALID);
    ck_assert_str_eq(outcome.remark, TEXTS[_i]);
    ck_assert_uint_eq(count(EVENT_send_failed), 2);
    stop();
}
END_TEST

#define COUNT(array) ((int)(sizeof array / sizeof array[0]))

int main(void) {
    Suite *suite = suite_create("producer");
    TCase *sends = suite_case(suite, "sends");
    tcase_add_checked_fixture(sends, setup, teardown);
    tcase_add_test(sends, test_send__looks_up_the_route_and_stores);
    tcase_add_test(sends, test_send__goes_round_the_queues);
    tcase_add_test(sends, test_send__takes_the_default_topics_route);
    tcase_add_test(sends, test_send__fails_without_any_route);
    tcase_add_test(sends, test_send__fails_without_name_servers);
    tcase_add_test(sends, test_send__waits_for_the_query_under_way);
    tcase_add_loop_test(sends, test_send__refuses_bad_messages, 0, COUNT(BAD_MESSAGES));
    tcase_add_test(sends, test_send__takes_the_longest_topic_and_body);
    tcase_add_test(sends, test_send__all_name_servers_down);
    tcase_add_test(sends, test_send__properties_and_namespace);
    tcase_add_test(sends, test_send__bad_tag_is_refused);
    tcase_add_test(sends, test_send__old_header);
    TCase *retries = suite_case(suite, "retries");
    tcase_add_checked_fixture(retries, setup, teardown);
    tcase_add_test(retries, test_sync__retries_another_broker_when_refused);
    tcase_add_test(retries, test_sync__fails_after_three_refused_attempts);
    tcase_add_test(retries, test_sync__a_silent_broker_leaves_time_for_another);
    tcase_add_test(retries, test_sync__a_hanging_connect_leaves_time_for_another);
    tcase_add_test(retries, test_sync__a_late_answer_is_dropped);
    tcase_add_test(retries, test_sync__silent_brokers_use_up_the_budget);
    tcase_add_test(retries, test_sync__shared_budget_leaves_nothing);
    tcase_add_loop_test(retries, test_sync__retries_when_the_connection_ends, 0, 2);
    tcase_add_loop_test(retries, test_sync__retries_some_codes, 0, 2 * COUNT(CODES));
    tcase_add_loop_test(retries, test_sync__stored_but_not_as_asked_is_a_result, 0, 3);
    tcase_add_test(retries, test_sync__another_broker_when_not_store_ok);
    tcase_add_test(retries, test_sync__to_a_chosen_queue_once);
    tcase_add_test(retries, test_queue_by_hash__as_java);
    TCase *others = suite_case(suite, "async, oneway, batch");
    tcase_add_checked_fixture(others, setup, teardown);
    tcase_add_test(others, test_async__retries_with_the_first_queue);
    tcase_add_test(others, test_async__a_refusal_ends_it);
    tcase_add_loop_test(others, test_async__a_silent_broker, 0, 2);
    tcase_add_test(others, test_oneway__ends_when_handed_over);
    tcase_add_test(others, test_batch__is_one_request_and_one_event_each);
    tcase_add_loop_test(others, test_batch__refuses_mixtures, 0, 5);
    return suite_run(suite);
}
