/* Dials: opened, refused, hanging, unreachable; what a listener's kernel does by itself. */
#include "sim/tests/puppet.h"

static const char *dial_to;
static void dial_it(struct puppet *puppet) {
    puppet_dial(puppet, span_of_text(dial_to));
}

/* a dials `address` at once; how and after how long it ended. */
static const struct puppet_entry *dial_ends(const char *address) {
    dial_to = address;
    size_t before = count_of(node_a, CLOSED);
    tell(node_a, dial_it);
    run_for(200 * WORLD_SECOND_NS);
    return entry_of(node_a, CLOSED, before);
}

static void close_last(struct puppet *puppet) {
    env_conn_close(puppet->conns[puppet->conn_count - 1]);
}

START_TEST(test_dial__is_refused_after_a_round_trip) {
    new_pair("", "");
    run_until(10 * MS);
    const struct puppet_entry *end = dial_ends("10.0.0.2:1001");
    ck_assert_int_eq(end->value, RMQ_E_REFUSED);
    ck_assert_uint_eq(end->at_ns, 12 * MS);
    ck_assert_uint_eq(world_counts(world)->dials_refused, 1);
}
END_TEST

START_TEST(test_dial__resolves_host_names) {
    new_pair("", "");
    run_until(10 * MS);
    dial_to = "b:1000";
    tell(node_a, dial_it);
    run_for(10 * MS);
    ck_assert_uint_eq(count_of(node_a, OPENED), 2);
}
END_TEST

static const struct {
    const char *address;
    int reason;
} BAD[] = {
    {"10.0.0.99:1000", RMQ_E_UNREACHABLE},
    {"nowhere:1000", RMQ_E_INVALID},
    {"10.0.0.2", RMQ_E_INVALID},
    {"10.0.0.2:", RMQ_E_INVALID},
    {":1000", RMQ_E_INVALID},
    {"10.0.0.2:0", RMQ_E_INVALID},
    {"10.0.0.2:65536", RMQ_E_INVALID},
    {"10.0.0.2:-1", RMQ_E_INVALID},
    {"10.0.0.2:1000x", RMQ_E_INVALID},
    {"", RMQ_E_INVALID},
    {":", RMQ_E_INVALID},
    {"10.0.0.2:18446744073709551617", RMQ_E_INVALID},
};

START_TEST(test_dial__names_what_is_wrong_with_an_address) {
    new_pair("", "");
    run_until(10 * MS);
    const struct puppet_entry *end = dial_ends(BAD[_i].address);
    ck_assert_int_eq(end->value, BAD[_i].reason);
    ck_assert_uint_eq(end->at_ns, 10 * MS); /* at once, but in a later handler */
}
END_TEST

START_TEST(test_dial__hangs_while_the_host_is_off) {
    new_pair("", "");
    run_until(10 * MS);
    ck_assert(world_power_off(world, host_b));
    const struct puppet_entry *end = dial_ends("10.0.0.2:1000");
    ck_assert_int_eq(end->value, RMQ_E_TIMEOUT);
    ck_assert_uint_eq(end->at_ns, 10 * MS + 127 * WORLD_SECOND_NS);
    ck_assert_uint_eq(world_counts(world)->dials_hung, 1);
}
END_TEST

START_TEST(test_dial__hangs_or_is_refused_as_told) {
    new_pair("", "");
    run_until(10 * MS);
    world_hang_dials(world, host_b, true);
    ck_assert_int_eq(dial_ends("10.0.0.2:1000")->value, RMQ_E_TIMEOUT);
    world_hang_dials(world, host_b, false);
    world_refuse_dials(world, host_b, true);
    ck_assert_int_eq(dial_ends("10.0.0.2:1000")->value, RMQ_E_REFUSED);
    world_refuse_dials(world, host_b, false);
    tell(node_a, dial_it);
    run_for(10 * MS);
    ck_assert_uint_eq(count_of(node_a, OPENED), 2);
}
END_TEST

/* Seconds after its first SYN when a dial opens whose way is free again after `seconds`. */
static const struct {
    uint64_t blocked_s, opens_s;
} RETRIES[] = {{0, 1}, {1, 3}, {2, 3}, {3, 7}, {6, 7}, {8, 15}, {16, 31}, {32, 63}};

START_TEST(test_dial__tries_again_as_linux_does) {
    new_pair("", "");
    run_until(10 * MS);
    bool back = _i % 2 != 0; /* it does not matter which way is lost */
    world_block(world, back ? host_b : host_a, back ? host_a : host_b);
    dial_to = "10.0.0.2:1000";
    tell(node_a, dial_it);
    run_for(RETRIES[_i].blocked_s * WORLD_SECOND_NS + 5 * MS);
    world_unblock(world, back ? host_b : host_a, back ? host_a : host_b);
    run_for(200 * WORLD_SECOND_NS);
    ck_assert_uint_eq(entry_of(node_a, OPENED, 1)->at_ns,
                      10 * MS + RETRIES[_i].opens_s * WORLD_SECOND_NS + 2 * MS);
}
END_TEST

START_TEST(test_dial__may_be_given_up_by_the_dialler) {
    new_pair("", "");
    run_until(10 * MS);
    world_block(world, host_a, host_b);
    dial_to = "10.0.0.2:1000";
    tell(node_a, dial_it);
    run_for(2 * WORLD_SECOND_NS);
    tell(node_a, close_last);
    world_unblock(world, host_a, host_b);
    run_for(200 * WORLD_SECOND_NS);
    ck_assert_uint_eq(count_of(node_a, CLOSED) + count_of(node_a, OPENED), 1);
    ck_assert_uint_eq(count_of(node_b, ACCEPTED), 1);
}
END_TEST

static void ck_not_open(struct puppet *puppet) {
    struct span span = span_of_text("x");
    struct env_conn *conn;
    ck_assert_int_eq(
        env_dial(puppet->env, SPAN_LITERAL("10.0.0.2:1000"), &PUPPET_HANDLER, puppet, &conn),
        RMQ_OK);
    ck_assert_int_eq(env_conn_write(conn, &span, 1), RMQ_E_CLOSED);
    env_conn_close(conn);
}

START_TEST(test_dial__cannot_write_before_it_is_open) {
    new_pair("", "");
    run_until(10 * MS);
    tell(node_a, ck_not_open);
    run_for(WORLD_SECOND_NS);
    ck_assert_uint_eq(count_of(node_b, ACCEPTED), 1);
}
END_TEST

static void write_last(struct puppet *puppet) {
    write_text(puppet, puppet->conn_count - 1, "hello");
}

START_TEST(test_dial__to_a_stopped_process_opens) {
    new_pair("", "");
    run_until(10 * MS);
    ck_assert(world_pause(world, node_b));
    dial_to = "10.0.0.2:1000";
    tell(node_a, dial_it);
    run_for(10 * MS);
    tell(node_a, write_last);
    run_for(WORLD_SECOND_NS);
    ck_assert_uint_eq(count_of(node_a, OPENED), 2);
    ck_assert_uint_eq(count_of(node_b, ACCEPTED), 1);
    ck_assert(world_resume(world, node_b));
    run_for(10 * MS);
    ck_assert_uint_eq(count_of(node_b, ACCEPTED), 2);
    ck_bytes(node_b, "hello");
}
END_TEST

static void dial_200(struct puppet *puppet) {
    for (int i = 0; i < 200; i++) {
        puppet_dial(puppet, SPAN_LITERAL("10.0.0.2:1000"));
    }
}

START_TEST(test_dial__to_a_stopped_process_is_bounded_by_the_backlog) {
    new_pair("", "");
    run_until(10 * MS);
    ck_assert(world_pause(world, node_b));
    tell(node_a, dial_200); /* all SYNs are answered; 128 last ACKs are taken, the others dropped */
    run_for(WORLD_SECOND_NS);
    ck_assert_uint_eq(count_of(node_a, OPENED), 201);
    ck_assert_int_eq(dial_ends("10.0.0.2:1000")->value, RMQ_E_TIMEOUT);
    ck_assert(world_resume(world, node_b));
    run_for(MS);
    ck_assert_uint_eq(count_of(node_b, ACCEPTED), 1 + 128);
    run_for(200 * WORLD_SECOND_NS);
    ck_assert_uint_eq(count_of(node_b, ACCEPTED), 1 + 200);
}
END_TEST

START_TEST(test_dial__to_a_process_killed_during_the_handshake_is_reset) {
    new_pair("", "");
    run_until(10 * MS);
    dial_to = "10.0.0.2:1000";
    tell(node_a, dial_it);
    run_for(2 * MS + MS / 2); /* SYN-ACK has arrived, the last ACK has not */
    ck_assert(world_kill(world, node_b));
    run_for(10 * MS);
    ck_assert_int_eq(entry_of(node_a, CLOSED, 1)->value, RMQ_E_RESET);
    ck_assert_uint_eq(count_of(node_a, OPENED), 2);
}
END_TEST

static void close_listener(struct puppet *puppet) {
    env_listener_close(puppet->listener);
}

START_TEST(test_listener__closed_refuses_new_and_resets_unaccepted) {
    new_pair("", "");
    run_until(10 * MS);
    struct dist cpu = {.kind = DIST_CONSTANT, .min = 20 * MS};
    ck_assert(world_set_cpu(world, node_b, &cpu));
    dial_to = "10.0.0.2:1000";
    tell(node_a, dial_it);
    run_for(2 * MS);
    tell(node_b, close_listener); /* runs now; the connection arrives while b is busy */
    run_for(100 * MS);
    ck_assert_int_eq(entry_of(node_a, CLOSED, 0)->value, RMQ_E_RESET);
    ck_assert_int_eq(dial_ends("10.0.0.2:1000")->value, RMQ_E_REFUSED);
    ck_assert_uint_eq(count_of(node_b, ACCEPTED), 1); /* the first one lives on */
}
END_TEST

static void listen_twice(struct puppet *puppet) {
    struct env_listener *listener;
    ck_assert_int_eq(env_listen(puppet->env, 1000, puppet_accepts, puppet, &listener),
                     RMQ_E_IN_USE);
    ck_assert_int_eq(env_listen(puppet->env, 0, puppet_accepts, puppet, &listener), RMQ_OK);
    ck_assert_uint_ge(env_listener_port(listener), 32768);
}

START_TEST(test_listen__refuses_a_port_in_use_and_picks_a_free_one) {
    new_pair("", "");
    run_until(10 * MS);
    tell(node_b, listen_twice);
    run_for(MS);
}
END_TEST

static void fill_connections(struct puppet *puppet) {
    struct env_conn *conn;
    int err = RMQ_OK;
    int opened = 0;
    while (err == RMQ_OK) {
        err = env_dial(puppet->env, SPAN_LITERAL("10.0.0.2:1000"), &PUPPET_HANDLER, puppet, &conn);
        opened += err == RMQ_OK;
    }
    ck_assert_int_eq(err, RMQ_E_FULL);
    ck_assert_int_eq(opened, 64999);
}

START_TEST(test_dial__is_bounded_per_node) {
    new_pair("", "");
    run_until(10 * MS);
    tell(node_a, fill_connections);
    ck_assert_int_eq(world_run_steps(world, 1), WORLD_REACHED);
}
END_TEST

START_TEST(test_dial__to_itself) {
    new_pair("", "");
    run_until(10 * MS);
    world_isolate(world, host_b); /* a host reaches itself whatever its network does */
    dial_to = "10.0.0.2:1000";
    tell(node_b, dial_it);
    run_for(10 * MS);
    ck_assert_uint_eq(count_of(node_b, OPENED), 1);
    ck_assert_uint_eq(count_of(node_b, ACCEPTED), 2);
    ck_assert(world_kill(world, node_b));
    run_for(WORLD_SECOND_NS);
}
END_TEST

static void fill(TCase *cases) {
    tcase_add_test(cases, test_dial__is_refused_after_a_round_trip);
    tcase_add_test(cases, test_dial__resolves_host_names);
    tcase_add_loop_test(cases, test_dial__names_what_is_wrong_with_an_address, 0,
                        sizeof BAD / sizeof BAD[0]);
    tcase_add_test(cases, test_dial__hangs_while_the_host_is_off);
    tcase_add_test(cases, test_dial__hangs_or_is_refused_as_told);
    tcase_add_loop_test(cases, test_dial__tries_again_as_linux_does, 0,
                        sizeof RETRIES / sizeof RETRIES[0]);
    tcase_add_test(cases, test_dial__may_be_given_up_by_the_dialler);
    tcase_add_test(cases, test_dial__cannot_write_before_it_is_open);
    tcase_add_test(cases, test_dial__to_a_stopped_process_opens);
    tcase_add_test(cases, test_dial__to_a_stopped_process_is_bounded_by_the_backlog);
    tcase_add_test(cases, test_dial__to_a_process_killed_during_the_handshake_is_reset);
    tcase_add_test(cases, test_listener__closed_refuses_new_and_resets_unaccepted);
    tcase_add_test(cases, test_listen__refuses_a_port_in_use_and_picks_a_free_one);
    tcase_add_test(cases, test_dial__is_bounded_per_node);
    tcase_add_test(cases, test_dial__to_itself);
}

int main(void) {
    return run_suite("world_dial", fill);
}
