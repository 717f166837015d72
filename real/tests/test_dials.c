/* Dials and listeners over the operating system: what fails, and what is bounded. */
#include <sys/resource.h>

#include "real/tests/ends.h"

static struct real_loop *loop;
static struct env *server, *client;
static struct order at_server, at_client;

#define MANY 400
static struct end near[MANY], far[MANY];

static void setup(void) {
    memset(near, 0, sizeof near);
    memset(far, 0, sizeof far);
    loop = new_loop();
    server = new_node(loop, &(struct real_node_options){.bind_ip = "127.0.0.1"});
    client = new_node(loop, NULL);
    at_server = (struct order){.accepted = far, .accepted_max = MANY};
    tell(server, do_listen, &at_server);
    ck_assert_int_eq(at_server.err, RMQ_OK);
}

static void teardown(void) {
    real_node_free(server);
    real_node_free(client);
    real_loop_free(loop);
}

static void dial(size_t i, const char *address) {
    at_client = (struct order){.end = &near[i], .address = address};
    tell(client, do_dial, &at_client);
}

static void close_near(size_t i) {
    at_client = (struct order){.end = &near[i]};
    tell(client, do_close, &at_client);
}

/* ---- what fails ----------------------------------------------------------------------------- */

static const char *const WRONG[] = {"",
                                    "localhost",
                                    "127.0.0.1",
                                    "127.0.0.1:",
                                    ":9876",
                                    "127.0.0.1:0",
                                    "127.0.0.1:65536",
                                    "127.0.0.1:-1",
                                    "127.0.0.1:9876x",
                                    "a name:9876",
                                    "no-such-host.invalid:9876",
                                    "[::1:9876",
                                    "..:1"};

START_TEST(test_dial__to_what_is_no_address) {
    dial(0, WRONG[_i]);
    ck_assert_int_eq(at_client.err, RMQ_OK);
    ck_assert(!near[0].closed); /* E2 */
    turn_until(loop, is_true, &near[0].closed);
    ck_assert(!near[0].opened);
    ck_assert_int_eq(near[0].reason, RMQ_E_INVALID);
}
END_TEST

START_TEST(test_dial__where_nobody_listens_is_refused) {
    tell(server, do_unlisten, &at_server);
    dial(0, own_address(at_server.port));
    turn_until(loop, is_true, &near[0].closed);
    ck_assert_int_eq(near[0].reason, RMQ_E_REFUSED);
}
END_TEST

static bool is_open(void *ctx) {
    return ((const struct end *)ctx)->opened;
}

START_TEST(test_dial__resolves_names) {
    char address[64];
    snprintf(address, sizeof address, "localhost:%u", (unsigned)at_server.port);
    dial(0, address);
    turn_until(loop, is_open, &near[0]); /* perhaps over ::1, where it is refused, to 127.0.0.1 */
    char peer[ENV_ADDRESS_MAX];
    real_address_text(&near[0].conn->peer, peer);
    ck_assert_str_eq(peer, own_address(at_server.port));
}
END_TEST

/* Closed while the resolver is at work, and the node gone before it answers. */
START_TEST(test_dial__given_up_while_resolving) {
    dial(0, "no-such-host.invalid:9876");
    close_near(0);
    dial(1, "other-such-host.invalid:9876");
    real_node_free(client);
    client = new_node(loop, NULL);
    ck_assert(!near[0].closed);
}
END_TEST

/* A listener whose queue is full leaves dials unanswered. */
START_TEST(test_dial__that_hangs_can_be_given_up) {
    uint16_t port;
    int fd = plain_listen(0, &port);
    dial(0, own_address(port));
    dial(1, own_address(port));
    dial(2, own_address(port));
    for (int i = 0; i < 5; i++) {
        real_loop_turn(loop, 5 * MS);
    }
    ck_assert(!near[2].opened && !near[2].closed);
    ck_assert_uint_eq(client->conn_count, 3);
    close_near(2);
    ck_assert_uint_eq(client->conn_count, 2);
    close(fd);
}
END_TEST

START_TEST(test_dial__too_many_are_refused_at_once) {
    client->options.connections_max = 2;
    dial(0, own_address(at_server.port));
    dial(1, own_address(at_server.port));
    dial(2, own_address(at_server.port));
    ck_assert_int_eq(at_client.err, RMQ_E_FULL);
    close_near(1);
    dial(2, own_address(at_server.port));
    ck_assert_int_eq(at_client.err, RMQ_OK);
}
END_TEST

/* ---- listening ------------------------------------------------------------------------------ */

START_TEST(test_listen__a_port_in_use) {
    struct order second = {.port = at_server.port};
    tell(server, do_listen, &second);
    ck_assert_int_eq(second.err, RMQ_E_IN_USE);
}
END_TEST

START_TEST(test_listen__again_at_once_after_a_close) {
    dial(0, own_address(at_server.port));
    turn_until(loop, is_open, &near[0]);
    tell(server, do_unlisten, &at_server);
    tell(server, do_listen, &at_server);
    ck_assert_int_eq(at_server.err, RMQ_OK);
}
END_TEST

START_TEST(test_listen__on_an_address_of_another_host) {
    struct env *odd = new_node(loop, &(struct real_node_options){.bind_ip = "192.0.2.1"});
    struct order order = {0};
    tell(odd, do_listen, &order);
    ck_assert_int_eq(order.err, RMQ_E_INVALID);
    real_node_free(odd);
}
END_TEST

START_TEST(test_start__bind_ip_is_an_address) {
    struct env *odd = NULL;
    struct real_node_options options = {.bind_ip = "localhost"};
    ck_assert_int_eq(real_node_start(loop, &options, NULL, NULL, &odd), RMQ_E_INVALID);
    ck_assert_ptr_null(odd);
}
END_TEST

START_TEST(test_accept__peer_has_address_and_port) {
    struct sockaddr_in own;
    socklen_t bytes = sizeof own;
    char peer[ENV_ADDRESS_MAX];
    int fd = plain_dial(at_server.port);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&own, &bytes), 0);
    while (at_server.accepted_count == 0) {
        real_loop_turn(loop, MS);
    }
    real_address_text(&far[0].conn->peer, peer);
    ck_assert_str_eq(peer, own_address(ntohs(own.sin_port)));
    close(fd);
}
END_TEST

/* Whoever comes when connections_max is reached is ended; when one goes, the next is let in. */
START_TEST(test_accept__not_more_than_connections_max) {
    server->options.connections_max = 2;
    for (size_t i = 0; i < 3; i++) {
        dial(i, own_address(at_server.port));
    }
    turn_until(loop, is_true, &near[2].closed);
    ck_assert_uint_eq(at_server.accepted_count, 2);
    close_near(0);
    turn_until(loop, is_true, &far[0].closed);
    dial(3, own_address(at_server.port));
    while (at_server.accepted_count < 3) {
        real_loop_turn(loop, MS);
    }
    ck_assert(near[3].opened && !near[3].closed);
}
END_TEST

/* Out of descriptors: those that come are ended one by one, the loop does not spin, and service
 * goes on when there are some again. */
START_TEST(test_accept__without_descriptors) {
    struct rlimit limit;
    int used[8], fds[3];
    bool ended = false;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    for (size_t i = 0; i < 3; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM, 0);
    }
    int top = dup(0);
    limit.rlim_cur = (rlim_t)top + 1;
    close(top);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    size_t count = 0;
    while (count < 8 && (used[count] = dup(0)) >= 0) {
        count++;
    }
    ck_assert_uint_lt(count, 8);
    struct sockaddr_in to = loopback(at_server.port);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(connect(fds[i], (const struct sockaddr *)&to, sizeof to), 0);
    }
    while (!ended) {
        real_loop_turn(loop, 10 * MS);
        plain_read(fds[2], &ended);
    }
    ck_assert_uint_eq(at_server.accepted_count, 0);
    close(fds[0]);
    close(fds[1]); /* two free ones: for the socket here and its peer */
    int fd = plain_dial(at_server.port);
    while (at_server.accepted_count == 0) {
        real_loop_turn(loop, 10 * MS);
    }
    close(fd);
    while (count > 0) {
        close(used[--count]);
    }
}
END_TEST

/* ---- many ----------------------------------------------------------------------------------- */

static bool all_echoed(void *ctx) {
    (void)ctx;
    for (size_t i = 0; i < MANY; i++) {
        if (near[i].bytes != 1000)
            return false;
    }
    return true;
}

static void write_all(void *ctx) {
    static uint8_t bytes[1000];
    (void)ctx;
    for (size_t i = 0; i < MANY; i++) {
        struct span span = span_of(bytes, sizeof bytes);
        ck_assert_int_eq(env_conn_write(near[i].conn, &span, 1), RMQ_OK);
    }
}

START_TEST(test_many__connections_at_once) {
    for (size_t i = 0; i < MANY; i++) {
        far[i].echoes = true;
        dial(i, own_address(at_server.port));
        ck_assert_int_eq(at_client.err, RMQ_OK);
    }
    for (size_t i = 0; i < MANY; i++) {
        turn_until(loop, is_open, &near[i]);
    }
    real_node_call(client, write_all, NULL);
    turn_until(loop, all_echoed, NULL);
    for (size_t i = 0; i < MANY; i += 2) {
        close_near(i);
    }
    for (size_t i = 0; i < MANY; i++) {
        while (server->conn_count != MANY / 2) {
            real_loop_turn(loop, MS);
        }
    }
    ck_assert_uint_eq(client->conn_count, MANY / 2);
}
END_TEST

/* Endless input of one connection leaves the others their share of each turn. */
START_TEST(test_fairness__endless_input_starves_nobody) {
    static uint8_t bytes[1U << 20];
    int flood = plain_dial(at_server.port), quiet = plain_dial(at_server.port);
    while (at_server.accepted_count < 2) {
        real_loop_turn(loop, MS);
    }
    ck_assert_int_eq(fcntl(flood, F_SETFL, O_NONBLOCK), 0);
    ck_assert_int_eq(send(quiet, "?", 1, 0), 1);
    for (int i = 0; i < 3 && far[0].bytes + far[1].bytes < sizeof bytes; i++) {
        RMQ_IGNORE(send(flood, bytes, sizeof bytes, 0) < 0, "as much as it takes");
        real_loop_turn(loop, 0);
    }
    ck_assert(far[0].bytes == 1 || far[1].bytes == 1);
    ck_assert_uint_le(far[0].room, REAL_INPUT_BYTES);
    ck_assert_uint_le(far[1].room, REAL_INPUT_BYTES);
    close(flood);
    close(quiet);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("dials");
    TCase *topic = tcase_create("dials");
    tcase_add_checked_fixture(topic, setup, teardown);
    tcase_set_timeout(topic, 120);
    tcase_add_loop_test(topic, test_dial__to_what_is_no_address, 0,
                        (int)(sizeof WRONG / sizeof WRONG[0]));
    tcase_add_test(topic, test_dial__where_nobody_listens_is_refused);
    tcase_add_test(topic, test_dial__resolves_names);
    tcase_add_test(topic, test_dial__given_up_while_resolving);
    tcase_add_test(topic, test_dial__that_hangs_can_be_given_up);
    tcase_add_test(topic, test_dial__too_many_are_refused_at_once);
    tcase_add_test(topic, test_listen__a_port_in_use);
    tcase_add_test(topic, test_listen__again_at_once_after_a_close);
    tcase_add_test(topic, test_listen__on_an_address_of_another_host);
    tcase_add_test(topic, test_start__bind_ip_is_an_address);
    tcase_add_test(topic, test_accept__peer_has_address_and_port);
    tcase_add_test(topic, test_accept__not_more_than_connections_max);
    tcase_add_test(topic, test_accept__without_descriptors);
    tcase_add_test(topic, test_many__connections_at_once);
    tcase_add_test(topic, test_fairness__endless_input_starves_nobody);
    suite_add_tcase(suite, topic);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
