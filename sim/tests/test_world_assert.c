/* Assertions: of a node they stop the world, not the process; the rules of env.h are among them. */
#include <signal.h>

#include "sim/tests/puppet.h"

static size_t assert_events;
static uint16_t assert_node;
static void on_record(struct world *of, void *state, const struct record *record) {
    (void)of;
    (void)state;
    if (record->kind == EVENT_world_assert) {
        assert_events++;
        assert_node = record->node;
        ck_assert(span_equal(record_text(record, 0), SPAN_LITERAL("puppet->conn_count == 77")));
        ck_assert(
            span_equal(record_text(record, 1), SPAN_LITERAL("sim/tests/test_world_assert.c")));
        ck_assert_uint_gt(record_uint(record, 2), 10);
    }
}

static void assert_wrong(struct puppet *puppet) {
    RMQ_ASSERT(puppet->conn_count == 77);
}

static void connected_pair(void) {
    new_pair("", "");
    run_until(10 * MS);
}

START_TEST(test_assert__in_a_handler_stops_the_world) {
    connected_pair();
    assert_events = 0;
    ck_assert(world_listen(world, on_record, NULL));
    struct world_snapshot before = {0};
    ck_assert(world_save(world, &before));
    ck_assert_ptr_null(world_assertion(world));
    tell(node_a, assert_wrong);
    ck_assert_int_eq(world_run(world, WORLD_SECOND_NS), WORLD_ASSERTED);
    const char *end = ": puppet->conn_count == 77";
    const char *text = world_assertion(world);
    ck_assert_int_eq(strncmp(text, "sim/tests/test_world_assert.c:", 30), 0);
    ck_assert_str_eq(text + strlen(text) - strlen(end), end);
    ck_assert_uint_eq(assert_events, 1);
    ck_assert_uint_eq(assert_node, node_a);
    ck_assert_uint_eq(world_now(world), 10 * MS);
    ck_assert_int_eq(world_run(world, WORLD_SECOND_NS), WORLD_ASSERTED);
    ck_assert_int_eq(world_run_steps(world, 10), WORLD_ASSERTED);

    world_restore(world, &before); /* and another branch goes on */
    ck_assert_ptr_null(world_assertion(world));
    run_until(WORLD_SECOND_NS);
    ck_assert(world_node_is_up(world, node_a));
    world_snapshot_free(&before);
}
END_TEST

/* ---- what a node must not do ---- */

static struct puppet *other;
static void remember_self(struct puppet *puppet) {
    other = puppet;
}

static void call_another_node(struct puppet *puppet) {
    (void)puppet;
    (void)env_random(other->env);
}

static void use_closed(struct puppet *puppet) {
    env_conn_close(puppet->conns[0]);
    env_conn_pause(puppet->conns[0]);
}

static void close_twice(struct puppet *puppet) {
    env_conn_close(puppet->conns[0]);
    env_conn_close(puppet->conns[0]);
}

static void fire_nothing(struct puppet *puppet) {
    env_timer_start(puppet->env, &puppet->timers[0].timer, 1, NULL);
}

static void random_of_nothing(struct puppet *puppet) {
    (void)env_random_below(puppet->env, 0);
}

static void run_the_world(struct puppet *puppet) {
    (void)puppet;
    (void)world_run(world, UINT64_MAX);
}

static void kill_oneself(struct puppet *puppet) {
    (void)world_kill(world, puppet->id);
}

static void free_twice(struct puppet *puppet) {
    void *block = env_alloc(puppet->env, 10);
    env_free(puppet->env, block);
    env_free(puppet->env, block);
}

static puppet_fn *const MISTAKES[] = {call_another_node, use_closed,    close_twice,  fire_nothing,
                                      random_of_nothing, run_the_world, kill_oneself, free_twice};

START_TEST(test_rules__are_asserted) {
    connected_pair();
    tell(node_b, remember_self);
    run_for(MS);
    tell(node_a, MISTAKES[_i]);
    ck_assert_int_eq(world_run(world, WORLD_SECOND_NS), WORLD_ASSERTED);
    ck_assert_ptr_nonnull(world_assertion(world));
}
END_TEST

static int start_unbound(struct env *env, const struct props *config, void **node);
static void accept_unbound(struct env_listener *listener, void *ctx, struct env_conn *conn) {
    (void)listener;
    (void)ctx;
    (void)conn;
}
static const struct role UNBOUND = {"unbound", start_unbound, puppet_stop, NULL};
static int start_unbound(struct env *env, const struct props *config, void **node) {
    (void)config;
    *node = NULL;
    struct env_listener *listener;
    return env_listen(env, 3000, accept_unbound, NULL, &listener);
}

static void dial_unbound(struct puppet *puppet) {
    puppet_dial(puppet, SPAN_LITERAL("10.0.0.2:3000"));
}

START_TEST(test_rules__an_accepted_connection_is_bound_or_closed) {
    connected_pair();
    struct node_config config;
    node_config_default(&config);
    config.name = "unbound";
    config.host = host_b;
    config.role = &UNBOUND;
    ck_assert_uint_ne(world_add_node(world, &config), 0);
    run_for(MS);
    tell(node_a, dial_unbound);
    ck_assert_int_eq(world_run(world, WORLD_SECOND_NS), WORLD_ASSERTED);
}
END_TEST

/* ---- outside of handlers an assertion is the end ---- */

START_TEST(test_assert__outside_a_handler_aborts) {
    connected_pair();
    RMQ_ASSERT(world_now(world) == 0);
}
END_TEST

START_TEST(test_assert__env_calls_belong_into_handlers) {
    connected_pair();
    tell(node_b, remember_self);
    run_for(MS);
    (void)env_mono_ns(other->env);
}
END_TEST

static void fill(TCase *cases) {
    tcase_add_test(cases, test_assert__in_a_handler_stops_the_world);
    tcase_add_loop_test(cases, test_rules__are_asserted, 0, sizeof MISTAKES / sizeof MISTAKES[0]);
    tcase_add_test(cases, test_rules__an_accepted_connection_is_bound_or_closed);
    tcase_add_test_raise_signal(cases, test_assert__outside_a_handler_aborts, SIGABRT);
    tcase_add_test_raise_signal(cases, test_assert__env_calls_belong_into_handlers, SIGABRT);
}

int main(void) {
    return run_suite("world_assert", fill);
}
