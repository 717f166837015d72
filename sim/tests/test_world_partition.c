/* Blocks in one and both directions, clogs, isolation, give-up, lost acknowledgements, healing. */
#include "sim/tests/puppet.h"

#define S WORLD_SECOND_NS

static void connected_pair(void) {
    new_pair("", "");
    run_until(10 * MS);
    ck_assert_uint_eq(count_of(node_b, ACCEPTED), 1);
}

static void write_a(struct puppet *puppet) {
    write_text(puppet, 0, "a");
}

static void write_b(struct puppet *puppet) {
    write_text(puppet, 0, "b");
}

static void close_first(struct puppet *puppet) {
    env_conn_close(puppet->conns[0]);
}

static size_t pending;
static void see_pending(struct puppet *puppet) {
    pending = env_conn_pending(puppet->conns[0]);
}

static size_t pending_of(node_id node) {
    tell(node, see_pending);
    run_for(0);
    return pending;
}

/* After how many ms a byte arrives that is written when a block of `blocked_ms` begins: the
 * time-out of 200 ms doubles. */
static const struct {
    uint64_t blocked_ms, arrives_ms;
} RETRIES[] = {{0, 1},          {2, 201},         {199, 201},       {200, 601},      {202, 601},
               {601, 1401},     {1399, 1401},     {3001, 6201},     {12599, 12601},  {25000, 25401},
               {60000, 102201}, {102300, 204601}, {300000, 324601}, {800000, 804601}};

START_TEST(test_block__delays_until_the_next_retransmission) {
    connected_pair();
    world_block(world, host_a, host_b);
    tell(node_a, write_a);
    run_for(RETRIES[_i].blocked_ms * MS);
    world_unblock(world, host_a, host_b);
    run_for(1000 * S);
    ck_assert_uint_eq(entry_of(node_b, DATA, 0)->at_ns, (10 + RETRIES[_i].arrives_ms) * MS);
    ck_assert_uint_eq(count_of(node_a, CLOSED), 0);
    ck_assert_uint_eq(pending_of(node_a), 0);
}
END_TEST

START_TEST(test_block__longer_than_give_up_resets_the_sender_alone) {
    connected_pair();
    world_block(world, host_a, host_b);
    tell(node_a, write_a);
    run_for(923 * S);
    ck_assert_uint_eq(count_of(node_a, CLOSED), 0);
    run_for(2 * S);
    const struct puppet_entry *end = entry_of(node_a, CLOSED, 0);
    ck_assert_int_eq(end->value, RMQ_E_TIMEOUT);
    ck_assert_uint_eq(end->at_ns, 10 * MS + 924 * S);
    ck_assert_uint_eq(world_counts(world)->retransmit_timeouts, 1);
    world_unblock(world, host_a, host_b);
    run_for(1000 * S);
    ck_assert_uint_eq(count_of(node_b, DATA) + count_of(node_b, CLOSED), 0); /* half-open */
    tell(node_b, write_b);
    run_for(5 * MS);
    ck_assert_int_eq(entry_of(node_b, CLOSED, 0)->value, RMQ_E_RESET);
}
END_TEST

START_TEST(test_block__is_not_noticed_by_an_idle_connection) {
    connected_pair();
    world_isolate(world, host_b);
    run_for(10000 * S);
    world_rejoin(world, host_b);
    tell(node_a, write_a);
    tell(node_b, write_b);
    run_for(2 * MS);
    ck_bytes(node_b, "a");
    ck_bytes(node_a, "b");
}
END_TEST

START_TEST(test_block__one_way_lets_the_other_pass_until_acknowledgements_are_missed) {
    connected_pair();
    world_block(world, host_b, host_a); /* a's bytes arrive, b's acknowledgements do not */
    tell(node_a, write_a);
    tell(node_b, write_b);
    run_for(S);
    ck_bytes(node_b, "a");
    ck_assert_uint_eq(count_of(node_a, DATA), 0);
    ck_assert_uint_eq(pending_of(node_a), 1);
    run_for(925 * S);
    ck_assert_int_eq(entry_of(node_a, CLOSED, 0)->value, RMQ_E_TIMEOUT);
    ck_assert_int_eq(entry_of(node_b, CLOSED, 0)->value, RMQ_E_TIMEOUT);
    ck_bytes(node_b, "a");
}
END_TEST

START_TEST(test_block__of_acknowledgements_heals) {
    connected_pair();
    world_block(world, host_b, host_a);
    tell(node_a, write_a);
    run_for(100 * S);
    tell(node_a, write_a);
    run_for(100 * S);
    ck_bytes(node_b, "aa");
    ck_assert_uint_eq(pending_of(node_a), 2);
    world_unblock(world, host_b, host_a);
    run_for(121 * S); /* tries are 120 s apart at most */
    ck_assert_uint_eq(pending_of(node_a), 0);
    run_for(1000 * S);
    ck_assert_uint_eq(count_of(node_a, CLOSED), 0);
}
END_TEST

START_TEST(test_block__of_acknowledgements_is_timed_from_the_oldest_byte) {
    connected_pair();
    world_block(world, host_b, host_a);
    tell(node_a, write_a);
    run_for(500 * S);
    tell(node_a, write_a);
    run_for(500 * S);
    ck_assert_uint_eq(entry_of(node_a, CLOSED, 0)->at_ns, 10 * MS + 924 * S);
}
END_TEST

START_TEST(test_block__keeps_the_order_of_held_bytes) {
    connected_pair();
    for (int round = 0; round < 20; round++) {
        bool blocked = round % 3 != 0;
        if (blocked) {
            world_block(world, host_a, host_b);
        }
        tell(node_a, round % 2 == 0 ? write_a : write_b);
        run_for((uint64_t)round * 37 * MS);
        if (blocked) {
            world_unblock(world, host_a, host_b);
        }
    }
    run_for(100 * S);
    ck_bytes(node_b, "abababababababababab");
}
END_TEST

START_TEST(test_block__is_counted) {
    connected_pair();
    world_block(world, host_a, host_b);
    world_block(world, host_a, host_b);
    world_unblock(world, host_a, host_b);
    tell(node_a, write_a);
    run_for(10 * S);
    ck_assert_uint_eq(count_of(node_b, DATA), 0);
    world_isolate(world, host_a);
    world_unblock(world, host_a, host_b);
    run_for(10 * S);
    ck_assert_uint_eq(count_of(node_b, DATA), 0);
    world_rejoin(world, host_a);
    run_for(60 * S);
    ck_bytes(node_b, "a");
}
END_TEST

START_TEST(test_block__holds_the_end_and_an_orphan_gives_up_sooner) {
    connected_pair();
    world_block(world, host_a, host_b);
    tell(node_a, write_a);
    tell(node_a, close_first);
    run_for(50 * S);
    world_unblock(world, host_a, host_b);
    run_for(60 * S);
    ck_bytes(node_b, "a");
    ck_assert_int_eq(entry_of(node_b, CLOSED, 0)->value, RMQ_E_CLOSED);

    connected_pair();
    world_block(world, host_a, host_b);
    tell(node_a, write_a);
    tell(node_a, close_first);
    run_for(103 * S); /* 8 tries: 102.2 s */
    world_unblock(world, host_a, host_b);
    run_for(1000 * S);
    ck_assert_uint_eq(count_of(node_b, DATA) + count_of(node_b, CLOSED), 0);
    tell(node_b, write_b);
    run_for(5 * MS);
    ck_assert_int_eq(entry_of(node_b, CLOSED, 0)->value, RMQ_E_RESET);
}
END_TEST

START_TEST(test_block__swallows_a_reset) {
    connected_pair();
    ck_assert(world_pause(world, node_b));
    tell(node_a, write_a); /* unread bytes: the kill will send RST */
    run_for(10 * MS);
    world_block(world, host_b, host_a);
    ck_assert(world_kill(world, node_b));
    run_for(S);
    world_unblock(world, host_b, host_a);
    run_for(S);
    ck_assert_uint_eq(count_of(node_a, CLOSED), 0);
    tell(node_a, write_a);
    run_for(5 * MS);
    ck_assert_int_eq(entry_of(node_a, CLOSED, 0)->value, RMQ_E_RESET);
}
END_TEST

START_TEST(test_block__in_flight_bytes_are_lost_at_arrival) {
    connected_pair();
    tell(node_a, write_a);
    run_for(MS / 2);
    world_block(world, host_a, host_b);
    run_for(MS);
    world_unblock(world, host_a, host_b);
    run_for(S);
    ck_assert_uint_eq(entry_of(node_b, DATA, 0)->at_ns, (10 + 201) * MS);
    ck_assert_uint_eq(world_counts(world)->blocked, 1);
}
END_TEST

START_TEST(test_isolate__cuts_a_host_from_all_and_later_links) {
    connected_pair();
    struct host *host_c = world_add_host(world, "c", "10.0.0.3");
    world_isolate(world, host_b);
    node_id node_c = add_puppet(host_c, "node-c", "dial=10.0.0.2:1000\n", NULL);
    run_for(10 * S);
    ck_assert_uint_eq(count_of(node_c, OPENED), 0);
    world_rejoin(world, host_b);
    run_for(10 * S);
    ck_assert_uint_eq(count_of(node_c, OPENED), 1);
}
END_TEST

/* ---- clog ---- */

static void write_ab(struct puppet *puppet) {
    write_text(puppet, 0, "a");
    write_text(puppet, 0, "b");
}

static void dial_again(struct puppet *puppet) {
    puppet_dial(puppet, SPAN_LITERAL("10.0.0.2:1000"));
}

static void write_second(struct puppet *puppet) {
    write_text(puppet, 1, "c");
}

START_TEST(test_clog__holds_and_releases_in_order) {
    connected_pair();
    tell(node_a, dial_again);
    run_for(10 * MS);
    world_clog(world, host_a, host_b);
    world_clog(world, host_a, host_b);
    tell(node_a, write_ab);
    run_for(S);
    tell(node_a, write_second);
    run_for(S);
    world_unclog(world, host_a, host_b);
    run_for(S);
    ck_assert_uint_eq(count_of(node_b, DATA), 0);
    uint64_t at = world_now(world);
    world_unclog(world, host_a, host_b);
    run_for(S);
    ck_bytes(node_b, "acb"); /* b follows a when a has arrived */
    ck_assert_uint_eq(entry_of(node_b, DATA, 2)->at_ns, at);
    ck_assert_uint_ge(world_counts(world)->held, 2);
}
END_TEST

START_TEST(test_clog__holds_dials) {
    connected_pair();
    world_clog(world, host_b, host_a);
    tell(node_a, dial_again);
    run_for(20 * S);
    ck_assert_uint_eq(count_of(node_a, OPENED), 1);
    uint64_t at = world_now(world);
    world_unclog(world, host_b, host_a);
    run_for(S);
    ck_assert_uint_eq(entry_of(node_a, OPENED, 1)->at_ns, at);
}
END_TEST

START_TEST(test_clog__survives_the_death_of_either_end) {
    for (int who = 0; who < 2; who++) {
        connected_pair();
        world_clog(world, host_a, host_b);
        tell(node_a, write_ab);
        run_for(S);
        ck_assert(world_kill(world, who == 0 ? node_a : node_b));
        run_for(S);
        world_unclog(world, host_a, host_b);
        run_for(S);
        if (who == 0) {
            ck_bytes(node_b, "ab");
            ck_assert_int_eq(entry_of(node_b, CLOSED, 0)->value, RMQ_E_CLOSED);
        } else {
            ck_assert_int_eq(entry_of(node_a, CLOSED, 0)->value, RMQ_E_CLOSED);
        }
    }
}
END_TEST

static void fill(TCase *cases) {
    tcase_add_loop_test(cases, test_block__delays_until_the_next_retransmission, 0,
                        sizeof RETRIES / sizeof RETRIES[0]);
    tcase_add_test(cases, test_block__longer_than_give_up_resets_the_sender_alone);
    tcase_add_test(cases, test_block__is_not_noticed_by_an_idle_connection);
    tcase_add_test(cases,
                   test_block__one_way_lets_the_other_pass_until_acknowledgements_are_missed);
    tcase_add_test(cases, test_block__of_acknowledgements_heals);
    tcase_add_test(cases, test_block__of_acknowledgements_is_timed_from_the_oldest_byte);
    tcase_add_test(cases, test_block__keeps_the_order_of_held_bytes);
    tcase_add_test(cases, test_block__is_counted);
    tcase_add_test(cases, test_block__holds_the_end_and_an_orphan_gives_up_sooner);
    tcase_add_test(cases, test_block__swallows_a_reset);
    tcase_add_test(cases, test_block__in_flight_bytes_are_lost_at_arrival);
    tcase_add_test(cases, test_isolate__cuts_a_host_from_all_and_later_links);
    tcase_add_test(cases, test_clog__holds_and_releases_in_order);
    tcase_add_test(cases, test_clog__holds_dials);
    tcase_add_test(cases, test_clog__survives_the_death_of_either_end);
}

int main(void) {
    return run_suite("world_partition", fill);
}
