/* Streams over the operating system: what both ends see of each other. */
#include "real/tests/ends.h"

static struct real_loop *loop;
static struct env *server, *client;
static struct order at_server, at_client;
static struct end near, far; /* the client's and the server's end */

static void start_with(struct real_node_options options) {
    options.bind_ip = "127.0.0.1";
    server = new_node(loop, &options);
    client = new_node(loop, NULL);
    at_server = (struct order){.accepted = &far, .accepted_max = 1};
    tell(server, do_listen, &at_server);
    ck_assert_int_eq(at_server.err, RMQ_OK);
    ck_assert_uint_ne(at_server.port, 0);
}

static void setup(void) {
    near = far = (struct end){0};
    loop = new_loop();
    start_with((struct real_node_options){0});
}

static void teardown(void) {
    real_node_free(server);
    real_node_free(client);
    real_loop_free(loop);
}

static bool both_open(void *ctx) {
    (void)ctx;
    return near.opened && far.conn != NULL;
}

static void connect_both(void) {
    at_client = (struct order){.end = &near, .address = own_address(at_server.port)};
    tell(client, do_dial, &at_client);
    ck_assert_int_eq(at_client.err, RMQ_OK);
    ck_assert(!near.opened); /* E2 */
    turn_until(loop, both_open, NULL);
}

/* Asks the owner of `end` to do `what` with it. */
static int with_end(struct end *end, void (*what)(void *ctx), struct span bytes) {
    struct order order = {.end = end, .bytes = bytes};
    tell(end->env, what, &order);
    return order.err;
}

/* ---- bytes ---------------------------------------------------------------------------------- */

#define BIG (5U << 20)

static bool big_came_back(void *ctx) {
    (void)ctx;
    return near.bytes == BIG;
}

START_TEST(test_write__bytes_arrive_whole_and_come_back) {
    uint8_t *bytes = malloc(BIG);
    for (size_t i = 0; i < BIG; i++) {
        bytes[i] = (uint8_t)(i * 7 + (i >> 8));
    }
    connect_both();
    far.echoes = true;
    ck_assert_int_eq(with_end(&near, do_write, span_of(bytes, BIG)), RMQ_OK);
    turn_until(loop, big_came_back, NULL);
    ck_assert_uint_eq(near.sum, sum_bytes(0, span_of(bytes, BIG)));
    ck_assert_uint_le(far.room, REAL_INPUT_BYTES);
    free(bytes);
}
END_TEST

static void write_in_parts(void *ctx) {
    (void)ctx;
    struct span parts[] = {SPAN_LITERAL("ab"), SPAN_NONE, SPAN_LITERAL(""), SPAN_LITERAL("cde")};
    ck_assert_int_eq(env_conn_write(near.conn, parts, 4), RMQ_OK);
    ck_assert_int_eq(env_conn_write(near.conn, parts, 0), RMQ_OK);
    ck_assert_int_eq(env_conn_write(near.conn, parts, 1), RMQ_OK);
    ck_assert_uint_eq(env_conn_pending(near.conn), 7);
}

static bool seven_came(void *ctx) {
    (void)ctx;
    return far.bytes == 7;
}

/* One send for all writes of a turn: they arrive together. */
START_TEST(test_write__parts_of_a_turn_go_together) {
    connect_both();
    real_node_call(client, write_in_parts, NULL);
    turn_until(loop, seven_came, NULL);
    ck_assert_uint_eq(far.handlers, 1);
    ck_assert_uint_eq(far.sum, sum_bytes(0, SPAN_LITERAL("abcdeab")));
}
END_TEST

/* A write larger than a chunk that finds one half full. */
START_TEST(test_write__fills_what_is_begun) {
    static uint8_t bytes[100000];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(i % 251);
    }
    connect_both();
    uint64_t sum = 0, total = 0;
    for (size_t len = 1; len < 50000; len = len * 3 + 1) {
        ck_assert_int_eq(with_end(&near, do_write, span_of(bytes, len)), RMQ_OK);
        sum = sum_bytes(sum, span_of(bytes, len));
        total += len;
    }
    while (far.bytes < total) {
        real_loop_turn(loop, MS);
    }
    ck_assert_uint_eq(far.bytes, total);
    ck_assert_uint_eq(far.sum, sum);
}
END_TEST

/* ---- back-pressure -------------------------------------------------------------------------- */

static bool is_full_now(void *ctx) {
    (void)ctx;
    static const uint8_t bytes[50000];
    return with_end(&near, do_write, span_of(bytes, sizeof bytes)) == RMQ_E_FULL;
}

START_TEST(test_pause__is_felt_by_the_writer_until_resume) {
    client->options.conn_pending_max = 200000;
    connect_both();
    with_end(&far, do_pause, SPAN_NONE);
    while (!is_full_now(NULL)) { /* the sockets take some, too */
        real_loop_turn(loop, 0);
    }
    real_loop_turn(loop, 5 * MS);
    ck_assert(!near.drained);
    ck_assert_uint_eq(far.bytes, 0);
    with_end(&far, do_resume, SPAN_NONE);
    turn_until(loop, is_true, &near.drained);
    ck_assert_uint_le(near.conn->output.bytes, 100000);
}
END_TEST

/* A write of any size fits when nothing waits; the next one does not. */
START_TEST(test_write__one_beyond_the_bound) {
    static uint8_t bytes[300000];
    client->options.conn_pending_max = 1000;
    connect_both();
    ck_assert_int_eq(with_end(&near, do_write, span_of(bytes, sizeof bytes)), RMQ_OK);
    ck_assert_int_eq(with_end(&near, do_write, span_of(bytes, 1)), RMQ_E_FULL);
    turn_until(loop, is_true, &near.drained);
    while (far.bytes < sizeof bytes) {
        real_loop_turn(loop, MS);
    }
    ck_assert_uint_eq(far.bytes, sizeof bytes);
}
END_TEST

/* The bound of all connections together: a peer that does not read takes no more of it, another one
 * is served, and what only lingers goes first. */
START_TEST(test_write__all_connections_together_are_bounded) {
    static uint8_t bytes[6U << 20]; /* more than the sockets take */
    static struct end more[2];
    at_server.accepted = more;
    at_server.accepted_max = 2;
    loop->net.output_max = 100000;
    int fds[2] = {plain_dial(at_server.port), plain_dial(at_server.port)};
    while (at_server.accepted_count < 2) {
        real_loop_turn(loop, MS);
    }
    ck_assert_int_eq(with_end(&more[0], do_write, span_of(bytes, sizeof bytes)), RMQ_OK);
    real_loop_turn(loop, MS);
    ck_assert_int_eq(with_end(&more[0], do_write, span_of(bytes, sizeof bytes)), RMQ_E_FULL);
    ck_assert_int_eq(with_end(&more[1], do_write, span_of(bytes, 100)), RMQ_OK); /* nothing waits */
    ck_assert_int_eq(with_end(&more[1], do_write, span_of(bytes, 100)), RMQ_E_FULL);
    with_end(&more[0], do_close, SPAN_NONE);
    ck_assert_int_eq(with_end(&more[1], do_write, span_of(bytes, 100)), RMQ_OK);
    ck_assert_uint_eq(loop->net.output_bytes, 200);
    close(fds[0]);
    close(fds[1]);
}
END_TEST

/* ---- the end -------------------------------------------------------------------------------- */

START_TEST(test_close__delivers_and_then_ends) {
    static uint8_t bytes[3U << 20];
    connect_both();
    ck_assert_int_eq(with_end(&near, do_write, span_of(bytes, sizeof bytes)), RMQ_OK);
    with_end(&near, do_close, SPAN_NONE);
    turn_until(loop, is_true, &far.closed);
    ck_assert_uint_eq(far.bytes, sizeof bytes);
    ck_assert_int_eq(far.reason, RMQ_E_CLOSED);
    ck_assert(!near.closed); /* E6: who closes is not called */
}
END_TEST

/* What the peer still sends does not turn our FIN into a reset. */
START_TEST(test_close__with_unread_input_is_orderly) {
    bool ended = false;
    int fd = plain_dial(at_server.port);
    while (far.conn == NULL) {
        real_loop_turn(loop, MS);
    }
    with_end(&far, do_pause, SPAN_NONE);
    ck_assert_int_eq(send(fd, "never read", 10, 0), 10);
    ck_assert_int_eq(with_end(&far, do_write, SPAN_LITERAL("answer")), RMQ_OK);
    with_end(&far, do_close, SPAN_NONE);
    size_t got = 0;
    while (!ended) {
        real_loop_turn(loop, MS);
        got += plain_read(fd, &ended);
    }
    ck_assert_uint_eq(got, 6);
    ck_assert_int_eq(send(fd, "more", 4, MSG_NOSIGNAL), 4);
    ck_assert(!list_is_empty(&loop->net.lingering));
    close(fd);
    while (!list_is_empty(&loop->net.lingering)) {
        real_loop_turn(loop, MS);
    }
}
END_TEST

/* A peer that half-closes after its request gets its answer. */
START_TEST(test_close__of_the_peers_half_lets_the_answer_through) {
    static uint8_t bytes[3U << 20];
    bool ended = false;
    int fd = plain_dial(at_server.port);
    while (far.conn == NULL) {
        real_loop_turn(loop, MS);
    }
    ck_assert_int_eq(with_end(&far, do_write, span_of(bytes, sizeof bytes)), RMQ_OK);
    ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
    turn_until(loop, is_true, &far.closed);
    ck_assert_int_eq(far.reason, RMQ_E_CLOSED);
    size_t got = 0;
    while (!ended) {
        real_loop_turn(loop, MS);
        got += plain_read(fd, &ended);
    }
    ck_assert_uint_eq(got, sizeof bytes);
    close(fd);
}
END_TEST

START_TEST(test_close__a_peer_that_never_reads_is_given_up) {
    static uint8_t bytes[8U << 20];
    loop->net.linger_ns = 20 * MS;
    int fd = plain_dial(at_server.port);
    while (far.conn == NULL) {
        real_loop_turn(loop, MS);
    }
    ck_assert_int_eq(with_end(&far, do_write, span_of(bytes, sizeof bytes)), RMQ_OK);
    with_end(&far, do_close, SPAN_NONE);
    ck_assert_uint_eq(loop->net.output_bytes, sizeof bytes);
    while (!list_is_empty(&loop->net.lingering)) {
        real_loop_turn(loop, MS);
    }
    ck_assert_uint_eq(loop->net.output_bytes, 0);
    close(fd);
}
END_TEST

START_TEST(test_close__in_the_handler_of_data) {
    far.closes_at_data = true;
    far.echoes = true;
    connect_both();
    ck_assert_int_eq(with_end(&near, do_write, SPAN_LITERAL("once")), RMQ_OK);
    turn_until(loop, is_true, &near.closed);
    ck_assert_uint_eq(near.bytes, 4);
    ck_assert_int_eq(near.reason, RMQ_E_CLOSED);
    ck_assert(!far.closed);
}
END_TEST

START_TEST(test_reset__is_told_after_what_came_before) {
    int fd = plain_dial(at_server.port);
    while (far.conn == NULL) {
        real_loop_turn(loop, MS);
    }
    if (_i == 1)
        with_end(&far, do_pause, SPAN_NONE); /* an error is told in a pause, too */
    plain_reset(fd);
    turn_until(loop, is_true, &far.closed);
    ck_assert_int_eq(far.reason, RMQ_E_RESET);
}
END_TEST

/* Bytes, then a close of the peer while we write: its bytes come, then the end. */
START_TEST(test_reset__by_writing_to_a_closed_peer) {
    int fd = plain_dial(at_server.port);
    while (far.conn == NULL) {
        real_loop_turn(loop, MS);
    }
    ck_assert_int_eq(send(fd, "last words", 10, 0), 10);
    close(fd);
    ck_assert_int_eq(with_end(&far, do_write, SPAN_LITERAL("x")), RMQ_OK);
    turn_until(loop, is_true, &far.closed);
    ck_assert_uint_eq(far.bytes, 10);
    ck_assert(far.reason == RMQ_E_CLOSED || far.reason == RMQ_E_RESET);
}
END_TEST

/* Urgent data is no reason to spin while paused. */
START_TEST(test_pause__urgent_data_does_not_keep_the_loop_awake) {
    int fd = plain_dial(at_server.port);
    while (far.conn == NULL) {
        real_loop_turn(loop, MS);
    }
    with_end(&far, do_pause, SPAN_NONE);
    ck_assert_int_eq(send(fd, "!", 1, MSG_OOB), 1);
    for (int i = 0; i < 3; i++) { /* accepting, the urgent byte, what the turn before waited for */
        real_loop_turn(loop, 20 * MS);
    }
    uint64_t before_ns = real_clock_ns();
    real_loop_turn(loop, 20 * MS);
    ck_assert_uint_ge(real_clock_ns() - before_ns, 20 * MS);
    ck_assert(!far.closed);
    close(fd);
}
END_TEST

/* ---- the end of a node ---------------------------------------------------------------------- */

static void exit_node(void *ctx) {
    env_exit(ctx, 0);
}

START_TEST(test_exit__last_words_are_delivered) {
    static uint8_t bytes[6U << 20];
    connect_both();
    ck_assert_int_eq(with_end(&far, do_write, span_of(bytes, sizeof bytes)), RMQ_OK);
    real_node_call(server, exit_node, server);
    server = new_node(loop, NULL); /* the other one is gone */
    turn_until(loop, is_true, &near.closed);
    ck_assert_uint_eq(near.bytes, sizeof bytes);
    ck_assert_int_eq(near.reason, RMQ_E_CLOSED);
}
END_TEST

START_TEST(test_free__resets) {
    connect_both();
    real_node_free(server);
    server = new_node(loop, NULL);
    turn_until(loop, is_true, &near.closed);
    ck_assert_int_eq(near.reason, RMQ_E_RESET);
}
END_TEST

/* ---- rules ---------------------------------------------------------------------------------- */

static void close_twice(void *ctx) {
    struct env_conn *conn = ctx;
    env_conn_close(conn);
    env_conn_close(conn); /* E6: aborts */
}

START_TEST(test_rules__a_closed_connection_is_gone) {
    connect_both();
    real_node_call(client, close_twice, near.conn);
}
END_TEST

static TCase *streams_case(void) {
    TCase *topic = tcase_create("streams");
    tcase_add_checked_fixture(topic, setup, teardown);
    tcase_set_timeout(topic, 120);
    tcase_add_test(topic, test_write__bytes_arrive_whole_and_come_back);
    tcase_add_test(topic, test_write__parts_of_a_turn_go_together);
    tcase_add_test(topic, test_write__fills_what_is_begun);
    tcase_add_test(topic, test_pause__is_felt_by_the_writer_until_resume);
    tcase_add_test(topic, test_write__one_beyond_the_bound);
    tcase_add_test(topic, test_write__all_connections_together_are_bounded);
    tcase_add_test(topic, test_close__delivers_and_then_ends);
    tcase_add_test(topic, test_close__with_unread_input_is_orderly);
    tcase_add_test(topic, test_close__of_the_peers_half_lets_the_answer_through);
    tcase_add_test(topic, test_close__a_peer_that_never_reads_is_given_up);
    tcase_add_test(topic, test_close__in_the_handler_of_data);
    tcase_add_loop_test(topic, test_reset__is_told_after_what_came_before, 0, 2);
    tcase_add_test(topic, test_reset__by_writing_to_a_closed_peer);
    tcase_add_test(topic, test_pause__urgent_data_does_not_keep_the_loop_awake);
    tcase_add_test(topic, test_exit__last_words_are_delivered);
    tcase_add_test(topic, test_free__resets);
    tcase_add_test_raise_signal(topic, test_rules__a_closed_connection_is_gone, SIGABRT);
    return topic;
}

int main(void) {
    Suite *suite = suite_create("streams");
    suite_add_tcase(suite, streams_case());
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
