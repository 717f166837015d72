/* test_producer_failures.c - producers without memory, at crash points, stopped while they send;
 * the planted bugs. */
#include "model/tests/producer_fixture.h"

#define SENDS 4
static struct send sends[SENDS];
static unsigned ended;

static void on_end(struct send *send, int status, struct span remark) {
    ck_assert(send >= sends && send < sends + SENDS);
    ck_assert(send->done == NULL);
    ck_assert(status == RMQ_OK || remark.len > 0);
    ended++;
}

/* What the brokers got is answered: stored, or (each third time) a code, or the end. */
static void serve_brokers(unsigned *served) {
    struct wire_command request;
    char broker;
    for (int i = 0; i < 20 && (broker = find_send(&request)) != 0; i++) {
        struct peer *peer = peer_of(broker);
        if (++*served % 3 == 0)
            answer_code(peer, &request, 14, "no");
        else if (*served % 5 == 0)
            fake_peer_reset(peer->conn, RMQ_E_RESET);
        else if ((request.flag & WIRE_FLAG_ONEWAY) == 0)
            answer_stored(peer, &request, 0);
    }
}

static void begin_sends(void) {
    char large[5000];
    struct outgoing messages[] = {hello(), hello()};
    memset(large, (int)120, sizeof large);
    struct outgoing big = hello();
    big.body = span_of(large, sizeof large);
    ended = 0;
    producer_send(producer, &messages[0], NULL, SEND_SYNC, &sends[0], on_end);
    producer_send(producer, &big, NULL, SEND_ASYNC, &sends[1], on_end);
    producer_send(producer, &messages[0], NULL, SEND_ONEWAY, &sends[2], on_end);
    producer_send_batch(producer, messages, 2, &sends[3], on_end);
}

static int try_start(void) {
    struct props props;
    struct env *memory = fake_create();
    props_init(&props, memory);
    ck_assert_int_eq(props_set_text(&props, "producerGroup", "g"), RMQ_OK);
    ck_assert_int_eq(props_set_text(&props, "sendLatencyFaultEnable", "true"), RMQ_OK);
    ck_assert_int_eq(props_set_text(&props, "namespace", "N"), RMQ_OK);
    int err = producer_start(client, &props, &producer);
    props_deinit(&props);
    fake_destroy(memory);
    return err;
}

/* The whole life, whatever fails. */
static void live(void) {
    unsigned served = 0;
    memset(sends, 0, sizeof sends);
    ended = 0;
    producer = NULL;
    if (fake_start_text(env, &client_role, "profile=5.3\ntopics=T\nnamesrvAddr=" NS "\n") != RMQ_OK)
        return;
    client = client_of_node(fake_node(env));
    if (try_start() == RMQ_OK)
        begin_sends();
    for (int i = 0; i < 60 && fake_node(env) != NULL; i++) {
        serve_ns();
        if (fake_node(env) != NULL)
            serve_brokers(&served);
        if (fake_node(env) != NULL)
            fake_advance_ms(env, 100);
    }
    if (fake_node(env) == NULL)
        return;
    if (producer != NULL) {
        ck_assert_uint_eq(ended, SENDS); /* each send ended, once */
        producer_stop(producer);
    }
    fake_stop(env);
    for (int i = 0; i < 20 && !fake_exited(env, NULL) && fake_node(env) != NULL; i++) {
        serve_brokers(&served);
        fake_advance_ms(env, 3000);
    }
}

/* The topic N%T is new: it takes the default topic's route. */
START_TEST(test_producer__survives_each_failure) {
    static const enum fake_failure WHAT[] = {FAKE_FAIL_ALLOC, FAKE_FAIL_DIAL, FAKE_FAIL_WRITE};
    bool failed = true;
    unsigned n = 1;
    for (; failed; n++) {
        ck_assert_uint_lt(n, 2000);
        setup();
        route_default = ROUTE_AB;
        fake_fail_at(env, WHAT[_i], n);
        live();
        failed = fake_failed(env, WHAT[_i]);
        teardown();
    }
    ck_assert_uint_gt(n, 4);
}
END_TEST

START_TEST(test_producer__leaves_nothing_at_any_crash_point) {
    bool crashed = true;
    unsigned n = 1;
    for (; crashed; n++) {
        ck_assert_uint_lt(n, 5000);
        setup();
        route_default = ROUTE_AB;
        fake_crash_at(env, n);
        live();
        crashed = fake_crashed(env);
        teardown();
    }
    ck_assert_uint_gt(n, 50);
}
END_TEST

/* Under way at the stop: waiting for the route, for a connection, for the answer. */
START_TEST(test_stop__closes_what_is_under_way) {
    struct wire_command request;
    start("", "");
    send_hello(_i == 3 ? SEND_ASYNC : SEND_SYNC);
    if (_i > 0)
        serve_ns();
    if (_i > 1)
        ck_assert(find_send(&request) != 0);
    producer_stop(producer);
    producer = NULL;
    ck_assert_uint_eq(outcome.calls, 1);
    ck_assert_int_eq(outcome.status, RMQ_E_CLOSED);
    ck_assert_int_eq(one.maybe_stored, _i > 0);
    stop();
    ck_assert_uint_eq(outcome.calls, 1);
}
END_TEST

static void send_again(struct send *send, int status, struct span remark) {
    on_sent(send, status, remark);
    struct outgoing message = hello();
    if (outcome.calls < 3)
        producer_send(producer, &message, NULL, SEND_SYNC, &one, send_again);
}

/* An application that sends on as soon as it is told. */
START_TEST(test_stop__refuses_new_sends) {
    struct outgoing message = hello();
    start("", "");
    producer_send(producer, &message, NULL, SEND_SYNC, &one, send_again);
    producer_stop(producer);
    producer = NULL;
    ck_assert_uint_eq(outcome.calls, 3);
    ck_assert_int_eq(outcome.status, RMQ_E_CLOSED);
    stop();
}
END_TEST

/* States are pooled: the second round of sends takes no memory but the requests'. */
START_TEST(test_send__allocates_nothing_of_its_own) {
    struct wire_command request;
    size_t blocks = 0;
    start("", "");
    for (int i = 0; i < 20; i++) {
        send_hello(SEND_SYNC);
        serve_ns();
        char broker = find_send(&request);
        answer_stored(peer_of(broker), &request, 0);
        if (i == 10)
            blocks = fake_memory_blocks(env);
    }
    ck_assert_uint_eq(fake_memory_blocks(env), blocks);
    stop();
}
END_TEST

/* ---- planted bugs ---------------------------------------------------------------------------- */

/* Sends `count` messages, all stored; returns how many requests came and (may be NULL) how many
 * bodies were wrong. */
static unsigned send_many(unsigned count, unsigned *wrong) {
    struct wire_command request;
    unsigned requests = 0;
    for (unsigned i = 0; i < count; i++) {
        char broker;
        send_hello(SEND_SYNC);
        serve_ns();
        while ((broker = find_send(&request)) != 0) {
            requests++;
            if (wrong != NULL)
                *wrong += span_equal(request.body, SPAN_LITERAL("hello")) ? 0 : 1;
            answer_stored(peer_of(broker), &request, 0);
        }
        ck_assert_uint_eq(outcome.calls, 1);
        ck_assert_int_eq(outcome.status, RMQ_OK);
    }
    return requests;
}

START_TEST(test_plant__send_twice) {
    start("", "");
    fake_set_plant(env, PLANT_PRODUCER_SEND_TWICE, _i == 1);
    ck_assert_uint_eq(send_many(250, NULL), _i == 1 ? 252 : 250);
    ck_assert_uint_eq(count(EVENT_send_acked), 250);
    ck_assert_uint_eq(count(EVENT_send_started), 250);
    stop();
}
END_TEST

START_TEST(test_plant__flip_byte) {
    unsigned wrong = 0;
    start("", "");
    fake_set_plant(env, PLANT_PRODUCER_FLIP_BYTE, _i == 1);
    ck_assert_uint_eq(send_many(250, &wrong), 250);
    ck_assert_uint_eq(wrong, _i == 1 ? 2 : 0);
    stop();
}
END_TEST

START_TEST(test_plant__same_broker) {
    struct wire_command request;
    start("", "");
    fake_set_plant(env, PLANT_PRODUCER_SAME_BROKER, true);
    send_hello(SEND_SYNC);
    serve_ns();
    char first = find_send(&request);
    answer_code(peer_of(first), &request, 14, "no");
    ck_assert_int_eq(find_send(&request), first);
    stop();
}
END_TEST

int main(void) {
    Suite *suite = suite_create("producer_failures");
    TCase *loops = suite_case(suite, "failures");
    tcase_set_timeout(loops, 120);
    tcase_add_loop_test(loops, test_producer__survives_each_failure, 0, 3);
    tcase_add_test(loops, test_producer__leaves_nothing_at_any_crash_point);
    TCase *tests = suite_case(suite, "stops and plants");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, test_stop__closes_what_is_under_way, 0, 4);
    tcase_add_test(tests, test_stop__refuses_new_sends);
    tcase_add_test(tests, test_send__allocates_nothing_of_its_own);
    tcase_add_loop_test(tests, test_plant__send_twice, 0, 2);
    tcase_add_loop_test(tests, test_plant__flip_byte, 0, 2);
    tcase_add_test(tests, test_plant__same_broker);
    return suite_run(suite);
}
