/* Life cycle: start, stop, kill between and inside handlers, pause, power, half-open, resets. */
#include "sim/world/world_internal.h"

#include "sim/tests/puppet.h"

#define S WORLD_SECOND_NS

static size_t down_count;
static char down_how[64][16];
static void on_record(struct world *of, void *state, const struct record *record) {
    (void)of;
    (void)state;
    if (record->kind == EVENT_world_node_down) {
        struct span how = record_text(record, 0);
        snprintf(down_how[down_count++ % 64], 16, "%.*s", (int)how.len, (const char *)how.data);
    }
}

static void connected_pair(void) {
    new_pair("", "");
    down_count = 0;
    ck_assert(world_listen(world, on_record, NULL));
    run_until(10 * MS);
    ck_assert_uint_eq(count_of(node_b, ACCEPTED), 1);
}

static void write_a(struct puppet *puppet) {
    write_text(puppet, 0, "a");
}

static void dial_again(struct puppet *puppet) {
    puppet_dial(puppet, SPAN_LITERAL("10.0.0.2:1000"));
}

static void pause_first(struct puppet *puppet) {
    env_conn_pause(puppet->conns[0]);
}

/* ---- kill ---- */

START_TEST(test_kill__sends_fin_and_takes_memory_timers_and_listeners) {
    connected_pair();
    ck_assert_uint_gt(world_node_memory(world, node_b), sizeof(struct puppet));
    ck_assert(world_kill(world, node_b));
    ck_assert(!world_kill(world, node_b));
    ck_assert(!world_node_is_up(world, node_b));
    ck_assert_uint_eq(world_node_memory(world, node_b), 0);
    ck_assert_uint_gt(world_node_memory_peak(world, node_b), sizeof(struct puppet));
    ck_assert_str_eq(down_how[0], "kill");
    run_for(10 * MS);
    ck_assert_int_eq(entry_of(node_a, CLOSED, 0)->value, RMQ_E_CLOSED);
    ck_assert_uint_eq(entry_of(node_a, CLOSED, 0)->at_ns, 11 * MS);
    tell(node_a, dial_again);
    run_for(10 * MS);
    ck_assert_int_eq(entry_of(node_a, CLOSED, 1)->value, RMQ_E_REFUSED);
}
END_TEST

START_TEST(test_kill__with_unread_bytes_sends_rst) {
    connected_pair();
    tell(node_b, pause_first);
    tell(node_a, write_a);
    run_for(10 * MS);
    ck_assert(world_kill(world, node_b));
    run_for(10 * MS);
    ck_assert_int_eq(entry_of(node_a, CLOSED, 0)->value, RMQ_E_RESET);
}
END_TEST

START_TEST(test_kill__delivers_what_was_written) {
    connected_pair();
    tell(node_a, write_a);
    run_for(MS / 2);
    ck_assert(world_kill(world, node_a));
    run_for(10 * MS);
    ck_bytes(node_b, "a");
    ck_assert_int_eq(entry_of(node_b, CLOSED, 0)->value, RMQ_E_CLOSED);
}
END_TEST

START_TEST(test_kill__before_the_cost_is_used_up_undoes_writes) {
    connected_pair();
    struct dist cpu = {.kind = DIST_CONSTANT, .min = 5 * MS};
    ck_assert(world_set_cpu(world, node_a, &cpu));
    tell(node_a, write_a);
    run_for(2 * MS);
    ck_assert(world_kill(world, node_a));
    run_for(20 * MS);
    ck_assert_uint_eq(count_of(node_b, DATA), 0);
    ck_assert_int_eq(entry_of(node_b, CLOSED, 0)->value, RMQ_E_CLOSED);
}
END_TEST

START_TEST(test_kill__answers_bytes_under_way_by_rst) {
    connected_pair();
    tell(node_a, write_a);
    run_for(MS / 2);
    world_block(world, host_b, host_a); /* b's FIN is lost for now */
    ck_assert(world_kill(world, node_b));
    run_for(MS);
    world_unblock(world, host_b, host_a);
    run_for(S);
    ck_assert_uint_eq(count_of(node_a, CLOSED), 1);
}
END_TEST

START_TEST(test_start__makes_a_new_incarnation) {
    connected_pair();
    ck_assert(!world_start(world, node_b));
    ck_assert(world_kill(world, node_b));
    ck_assert(world_start(world, node_b));
    ck_assert(world_node_is_up(world, node_b));
    run_for(10 * MS);
    ck_assert_uint_eq(count_of(node_b, STARTED), 2);
    tell(node_a, dial_again);
    run_for(10 * MS);
    ck_assert_uint_eq(count_of(node_a, OPENED), 2);
    ck_assert(world_kill(world, node_b));
    ck_assert(world_start(world, node_b));
    ck_assert(world_kill(world, node_b)); /* before its start ran */
    run_for(10 * MS);
    ck_assert_uint_eq(count_of(node_b, STARTED), 2);
    ck_assert_uint_eq(world_counts(world)->starts, 4);
}
END_TEST

/* ---- kill inside a handler, at each env_ call of a workload ---- */

static void ping_pong(struct puppet *puppet, int conn, struct span bytes) {
    void *block = env_alloc(puppet->env, 100);
    event_channel_opened(puppet->env, bytes, 0);
    if (bytes.len < 5) {
        uint8_t more[8] = "xxxxxxx";
        struct span span = span_of(more, bytes.len + 1);
        RMQ_IGNORE(env_conn_write(puppet->conns[conn], &span, 1), "the peer may be gone");
    } else {
        env_conn_close(puppet->conns[conn]);
    }
    puppet_timer(puppet, 1, MS);
    block = env_realloc(puppet->env, block, 5000);
    env_free(puppet->env, block);
}

static void begin_ping_pong(struct puppet *puppet) {
    puppet->on_bytes = ping_pong;
}

static void serve(struct puppet *puppet) {
    puppet->on_bytes = ping_pong;
    write_text(puppet, 0, "x");
}

/* Runs the workload; node b dies at its n-th call. Returns whether it got that far. */
static bool run_killed_at(uint64_t n) {
    new_world(1);
    struct link_profile profile;
    link_profile_default(&profile);
    world_set_default_link(world, &profile);
    down_count = 0;
    ck_assert(world_listen(world, on_record, NULL));
    struct node_config config;
    node_config_default(&config);
    config.start_ns = UINT64_MAX;
    node_b = add_puppet(host_b, "node-b", "listen=1000\n", &config);
    node_a = add_puppet(host_a, "node-a", "dial=10.0.0.2:1000\n", NULL);
    ck_assert(!world_kill_at_call(world, node_b, n));
    ck_assert(world_start(world, node_b));
    ck_assert(world_kill_at_call(world, node_b, n));
    run_for(20 * MS);
    if (world_node_is_up(world, node_b)) {
        tell(node_b, begin_ping_pong);
        run_for(MS);
    }
    if (count_of(node_a, OPENED) == 1 && count_of(node_a, CLOSED) == 0) {
        tell(node_a, serve);
    }
    run_for(200 * S);
    bool killed = world_counts(world)->inside_kills == 1;
    ck_assert_int_eq(world_node_is_up(world, node_b), !killed);
    if (killed) {
        ck_assert_uint_eq(world_node_memory(world, node_b), 0);
        ck_assert_uint_eq(down_count, 1);
        ck_assert_str_eq(down_how[0], "kill");
        /* a's dial was refused, or it saw the end of its connection, or had closed it itself */
        ck_assert(list_is_empty(&world->nodes[node_a]->conns));
        ck_assert(list_is_empty(&world->nodes[node_b]->timers));
        ck_assert(world_start(world, node_b)); /* nothing is in its way */
        run_for(MS);
        ck_assert_int_eq(entry_of(node_b, STARTED, count_of(node_b, STARTED) - 1)->conn, 0);
        ck_assert(world_node_is_up(world, node_b));
    }
    return killed;
}

START_TEST(test_kill_at_call__works_at_every_call) {
    uint64_t n = 1;
    while (run_killed_at(n)) {
        n++;
        ck_assert_uint_lt(n, 1000);
    }
    ck_assert_uint_gt(n, 25);
}
END_TEST

static void write_twice(struct puppet *puppet) {
    write_text(puppet, 0, "a");
    write_text(puppet, 0, "b");
}

START_TEST(test_kill_at_call__keeps_what_was_written_before) {
    connected_pair();
    ck_assert(world_kill_at_call(world, node_a, 2));
    tell(node_a, write_twice);
    run_for(10 * MS);
    ck_bytes(node_b, "a");
    ck_assert_int_eq(entry_of(node_b, CLOSED, 0)->value, RMQ_E_CLOSED);
    ck_assert_uint_eq(world_counts(world)->kills, 1);
}
END_TEST

/* ---- stop, exit, commands ---- */

START_TEST(test_stop__ends_at_env_exit) {
    connected_pair();
    ck_assert(world_stop(world, node_b));
    run_for(10 * MS);
    ck_assert(!world_node_is_up(world, node_b));
    ck_assert_str_eq(down_how[0], "exit");
    ck_assert_int_eq(entry_of(node_a, CLOSED, 0)->value, RMQ_E_CLOSED);
    ck_assert(!world_stop(world, node_b));
    ck_assert(!world_pause(world, node_b));
    ck_assert(!world_resume(world, node_b));
}
END_TEST

static int failing_start(struct env *env, const struct props *config, void **node) {
    (void)config;
    (void)node;
    struct env_listener *listener;
    int err = env_listen(env, 1000, puppet_accepts, NULL, &listener);
    return err == RMQ_OK ? RMQ_E_INVALID : err;
}

static const struct role FAILING = {"failing", failing_start, puppet_stop, NULL};

START_TEST(test_start__that_fails_leaves_nothing) {
    new_world(1);
    down_count = 0;
    ck_assert(world_listen(world, on_record, NULL));
    struct node_config config;
    node_config_default(&config);
    config.name = "failing";
    config.host = host_a;
    config.role = &FAILING;
    node_id node = world_add_node(world, &config);
    run_until(MS);
    ck_assert(!world_node_is_up(world, node));
    ck_assert_str_eq(down_how[0], "exit");
    ck_assert_ptr_null(host_a->listeners);
    ck_assert(world_start(world, node)); /* the port is free again, so it fails the same way */
    struct props props;
    props_init(&props, world_env(world));
    ck_assert(!world_command(world, node, &props));
    run_for(MS);
    ck_assert_uint_eq(down_count, 2);
}
END_TEST

static int64_t refusal;
static void on_refusal(struct world *of, void *state, const struct record *record) {
    (void)of;
    (void)state;
    if (record->kind == EVENT_command_done) {
        refusal = record_int(record, 2);
        ck_assert(span_equal(record_text(record, 0), SPAN_LITERAL("dance")));
    }
}

START_TEST(test_command__that_is_not_understood_is_an_event) {
    connected_pair();
    ck_assert(world_listen(world, on_refusal, NULL));
    struct props props;
    props_init(&props, world_env(world));
    set(&props, "do", "dance");
    ck_assert(world_command(world, node_a, &props));
    props_deinit(&props);
    run_for(MS);
    ck_assert_int_eq(refusal, RMQ_E_INVALID);
}
END_TEST

static uint32_t numbers_seen[8];
static size_t number_count;
static void see_identity(struct puppet *puppet) {
    struct env_identity identity;
    env_identity(puppet->env, &identity);
    ck_assert_str_eq(identity.ip, "10.0.0.1");
    numbers_seen[number_count++] = identity.process_number;
    ck_assert_uint_ge(env_memory_bytes(puppet->env), 1ULL << 30);
}

START_TEST(test_identity__differs_by_process) {
    new_world(1);
    node_id first = add_puppet(host_a, "first", "", NULL);
    node_id second = add_puppet(host_a, "second", "", NULL);
    run_until(MS);
    number_count = 0;
    tell(first, see_identity);
    tell(second, see_identity);
    run_for(MS);
    ck_assert(world_kill(world, first));
    ck_assert(world_start(world, first));
    tell(first, see_identity);
    run_for(MS);
    ck_assert_uint_ne(numbers_seen[0], numbers_seen[1]);
    ck_assert_uint_ne(numbers_seen[0], numbers_seen[2]);
    ck_assert_uint_ne(numbers_seen[1], numbers_seen[2]);
}
END_TEST

static void allocate_too_much(struct puppet *puppet) {
    ck_assert_ptr_null(env_alloc(puppet->env, 1 << 20));
    ck_assert_ptr_nonnull(env_alloc(puppet->env, 1 << 10));
    env_free(puppet->env, NULL);
}

START_TEST(test_memory__is_limited_per_node) {
    new_world(1);
    struct node_config config;
    node_config_default(&config);
    config.memory_limit = 1 << 18;
    node_id node = add_puppet(host_a, "node", "", &config);
    run_until(MS);
    tell(node, allocate_too_much);
    run_for(MS);
    ck_assert_uint_le(world_node_memory_peak(world, node), 1 << 18);
}
END_TEST

/* ---- pause ---- */

static void three_timers(struct puppet *puppet) {
    puppet_timer(puppet, 0, 30 * MS);
    puppet_timer(puppet, 1, 10 * MS);
    puppet_timer(puppet, 2, 200 * MS);
}

static void stop_waiting_timer(struct puppet *puppet, int number) {
    if (number == 1) {
        env_timer_stop(puppet->env, &puppet->timers[0].timer);
    }
}

static void will_stop(struct puppet *puppet) {
    puppet->on_timer = stop_waiting_timer;
}

START_TEST(test_pause__lets_the_world_go_on_and_catches_up_in_order) {
    connected_pair();
    tell(node_b, three_timers);
    run_for(MS);
    ck_assert(world_pause(world, node_b));
    ck_assert(world_node_is_paused(world, node_b));
    ck_assert(!world_pause(world, node_b));
    run_for(15 * MS);
    tell(node_a, write_a); /* arrives between the two timers */
    run_for(100 * MS);
    ck_assert_uint_eq(count_of(node_b, FIRED) + count_of(node_b, DATA), 0);
    size_t before = log_of(node_b)->count;
    uint64_t at = world_now(world);
    ck_assert(world_resume(world, node_b));
    run_for(S);
    const struct puppet_entry *entries = &log_of(node_b)->entries[before];
    ck_assert_int_eq(entries[0].what, FIRED);
    ck_assert_int_eq(entries[0].conn, 1);
    ck_assert_int_eq(entries[1].what, DATA);
    ck_assert_int_eq(entries[2].what, FIRED);
    ck_assert_int_eq(entries[2].conn, 0);
    ck_assert_uint_eq(entries[2].at_ns, at);
    ck_assert_uint_eq(entries[2].mono_ns - entries[0].mono_ns, 0);
    ck_assert_int_eq(entries[3].conn, 2);
    ck_assert_uint_eq(entries[3].at_ns, 210 * MS); /* CLOCK_MONOTONIC went on */
}
END_TEST

START_TEST(test_pause__a_waiting_timer_can_be_stopped) {
    connected_pair();
    tell(node_b, three_timers);
    tell(node_b, will_stop);
    run_for(MS);
    ck_assert(world_pause(world, node_b));
    run_for(100 * MS);
    ck_assert(world_resume(world, node_b));
    run_for(S);
    ck_assert_uint_eq(count_of(node_b, FIRED), 2);
}
END_TEST

START_TEST(test_pause__a_stopped_process_can_be_killed) {
    connected_pair();
    tell(node_b, three_timers);
    run_for(MS);
    ck_assert(world_pause(world, node_b));
    tell(node_a, write_a);
    ck_assert(world_stop(world, node_b)); /* SIGTERM waits */
    run_for(100 * MS);
    ck_assert(world_node_is_up(world, node_b));
    ck_assert(world_kill(world, node_b));
    run_for(S);
    ck_assert_int_eq(entry_of(node_a, CLOSED, 0)->value, RMQ_E_RESET);
    ck_assert(world_start(world, node_b));
    run_for(S);
    ck_assert(!world_node_is_paused(world, node_b));
    ck_assert_uint_eq(count_of(node_b, STARTED), 2);
    ck_assert_uint_eq(count_of(node_b, FIRED), 0);
}
END_TEST

/* ---- power ---- */

START_TEST(test_power_off__is_silent_and_found_out_by_writing) {
    connected_pair();
    ck_assert(world_power_off(world, host_b));
    ck_assert(!world_power_off(world, host_b));
    ck_assert_str_eq(down_how[0], "power_off");
    ck_assert(!world_start(world, node_b));
    run_for(100 * S);
    ck_assert_uint_eq(count_of(node_a, CLOSED), 0);
    tell(node_a, write_a);
    run_for(1000 * S);
    ck_assert_int_eq(entry_of(node_a, CLOSED, 0)->value, RMQ_E_TIMEOUT);
    ck_assert_uint_eq(entry_of(node_a, CLOSED, 0)->at_ns, 10 * MS + 1024 * S);
}
END_TEST

START_TEST(test_power_off__after_power_on_bytes_are_answered_by_rst) {
    connected_pair();
    ck_assert(world_power_off(world, host_b));
    tell(node_a, write_a);
    run_for(10 * S);
    ck_assert(world_power_on(world, host_b));
    ck_assert(!world_power_on(world, host_b));
    ck_assert(!world_node_is_up(world, node_b));
    run_for(30 * S); /* the next retransmission */
    ck_assert_int_eq(entry_of(node_a, CLOSED, 0)->value, RMQ_E_RESET);
    ck_assert(world_start(world, node_b));
    tell(node_a, dial_again);
    run_for(S);
    ck_assert_uint_eq(count_of(node_a, OPENED), 2);
}
END_TEST

START_TEST(test_power_off__sends_nothing_but_what_was_under_way) {
    connected_pair();
    struct dist cpu = {.kind = DIST_CONSTANT, .min = 5 * MS};
    tell(node_a, write_a); /* under way */
    run_for(MS / 2);
    ck_assert(world_set_cpu(world, node_a, &cpu));
    tell(node_a, write_a); /* not written yet */
    run_for(MS / 4);
    ck_assert(world_power_off(world, host_a));
    run_for(1000 * S);
    ck_bytes(node_b, "a");
    ck_assert_uint_eq(count_of(node_b, CLOSED), 0);
}
END_TEST

/* ---- half-open, resets ---- */

START_TEST(test_half_open__one_end_forgets_the_other_learns_by_writing) {
    connected_pair();
    ck_assert_uint_eq(world_half_open(world, host_b, host_a), 1);
    ck_assert_uint_eq(world_half_open(world, host_b, host_a), 0);
    run_for(100 * S);
    ck_assert_int_eq(entry_of(node_b, CLOSED, 0)->value, RMQ_E_RESET);
    ck_assert_uint_eq(count_of(node_a, CLOSED), 0);
    tell(node_a, write_a);
    run_for(5 * MS);
    ck_assert_int_eq(entry_of(node_a, CLOSED, 0)->value, RMQ_E_RESET);
}
END_TEST

START_TEST(test_reset_connections__ends_both_ends_at_once) {
    connected_pair();
    tell(node_a, dial_again);
    run_for(10 * MS);
    ck_assert_uint_eq(world_reset_connections(world, host_b, host_a), 2);
    ck_assert_uint_eq(world_reset_connections(world, host_b, host_a), 0);
    run_for(0);
    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_eq(entry_of(node_a, CLOSED, i)->value, RMQ_E_RESET);
        ck_assert_int_eq(entry_of(node_b, CLOSED, i)->value, RMQ_E_RESET);
    }
}
END_TEST

/* ---- nothing is left behind ---- */

static void chatter(struct puppet *puppet, int number) {
    struct span span = span_of_text("chatter");
    for (int i = 0; i < puppet->conn_count; i++) {
        if (puppet->conns[i] != NULL) {
            RMQ_IGNORE(env_conn_write(puppet->conns[i], &span, 1), "it may not be open");
        }
    }
    puppet_timer(puppet, number, 500000);
}

static void begin_chatter(struct puppet *puppet) {
    puppet->on_timer = chatter;
    puppet_timer(puppet, 0, MS);
    if (puppet->listener == NULL) {
        dial_again(puppet);
    } else {
        puppet->echo = true;
    }
}

static void pause_last(struct puppet *puppet) {
    if (puppet->conn_count > 0 && puppet->conns[puppet->conn_count - 1] != NULL) {
        env_conn_pause(puppet->conns[puppet->conn_count - 1]);
    }
}

/* One life of both nodes with the faults that `i` selects. */
static void live_and_die(uint64_t i) {
    struct host *from = i % 2 == 0 ? host_a : host_b, *to = i % 2 == 0 ? host_b : host_a;
    ck_assert(world_start(world, node_a));
    ck_assert(world_start(world, node_b));
    tell(node_a, begin_chatter);
    tell(node_b, begin_chatter);
    run_for((i % 40) * MS / 8);
    if (i % 3 == 0) {
        ck_assert(world_pause(world, node_b));
    } else {
        tell(node_b, pause_last);
    }
    if (i % 5 == 0) {
        world_block(world, from, to);
    }
    if (i % 6 == 0) {
        world_clog(world, to, from);
    }
    run_for((i % 11) * MS / 3);
    if (i % 4 == 0) {
        ck_assert_uint_le(world_reset_connections(world, host_a, host_b), 2);
    }
    run_for((i % 13) * MS / 4);
    if (i % 7 == 0) {
        ck_assert(world_power_off(world, host_a));
        ck_assert(world_power_on(world, host_a));
    } else {
        ck_assert(world_kill(world, node_a));
    }
    ck_assert(world_kill(world, node_b));
    if (i % 5 == 0) {
        world_unblock(world, from, to);
    }
    if (i % 6 == 0) {
        world_unclog(world, to, from);
    }
    run_for(1000 * S);
}

START_TEST(test_life__leaves_no_blocks_behind) {
    connected_pair();
    ck_assert(world_kill(world, node_a));
    ck_assert(world_kill(world, node_b));
    run_for(1000 * S);
    size_t blocks = world->owner.blocks;
    for (uint64_t i = 0; i < 1000; i++) {
        live_and_die(i);
        ck_assert_uint_eq(world->owner.blocks, blocks);
        ck_assert_uint_eq(world->wheel.count, 0);
        ck_assert_uint_eq(world->impaired, 0);
        log_of(node_a)->count = log_of(node_b)->count = 0;
    }
    ck_assert_uint_gt(world_counts(world)->chunks, 5000);
    ck_assert_uint_gt(world_counts(world)->resets, 100);
    ck_assert_uint_gt(world_counts(world)->held, 100);
    ck_assert_uint_gt(world_counts(world)->blocked, 100);
}
END_TEST

static void fill(TCase *cases) {
    tcase_add_test(cases, test_kill__sends_fin_and_takes_memory_timers_and_listeners);
    tcase_add_test(cases, test_kill__with_unread_bytes_sends_rst);
    tcase_add_test(cases, test_kill__delivers_what_was_written);
    tcase_add_test(cases, test_kill__before_the_cost_is_used_up_undoes_writes);
    tcase_add_test(cases, test_kill__answers_bytes_under_way_by_rst);
    tcase_add_test(cases, test_start__makes_a_new_incarnation);
    tcase_add_test(cases, test_kill_at_call__works_at_every_call);
    tcase_add_test(cases, test_kill_at_call__keeps_what_was_written_before);
    tcase_add_test(cases, test_stop__ends_at_env_exit);
    tcase_add_test(cases, test_start__that_fails_leaves_nothing);
    tcase_add_test(cases, test_command__that_is_not_understood_is_an_event);
    tcase_add_test(cases, test_identity__differs_by_process);
    tcase_add_test(cases, test_memory__is_limited_per_node);
    tcase_add_test(cases, test_pause__lets_the_world_go_on_and_catches_up_in_order);
    tcase_add_test(cases, test_pause__a_waiting_timer_can_be_stopped);
    tcase_add_test(cases, test_pause__a_stopped_process_can_be_killed);
    tcase_add_test(cases, test_power_off__is_silent_and_found_out_by_writing);
    tcase_add_test(cases, test_power_off__after_power_on_bytes_are_answered_by_rst);
    tcase_add_test(cases, test_power_off__sends_nothing_but_what_was_under_way);
    tcase_add_test(cases, test_half_open__one_end_forgets_the_other_learns_by_writing);
    tcase_add_test(cases, test_reset_connections__ends_both_ends_at_once);
    tcase_add_test(cases, test_life__leaves_no_blocks_behind);
}

int main(void) {
    return run_suite("world_life", fill);
}
