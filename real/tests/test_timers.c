/* Timers over the operating system: order, never early, and what a node's end does to them. */
#include <signal.h>

#include "real/tests/nodes.h"

#define TIMER_COUNT 3000

static struct real_loop *loop;
static struct env *node;

static void setup(void) {
    loop = new_loop();
    node = new_node(loop, NULL);
}

static void teardown(void) {
    real_node_free(node);
    real_loop_free(loop);
}

/* A timer that notes when it fired, and what came before. */
struct alarm {
    struct env_timer timer;
    uint64_t asked_ns; /* its deadline as the test reckons it; 0: not armed */
    uint64_t order;    /* number of its last start */
    bool fired;
};

static struct alarm alarms[TIMER_COUNT];
static uint64_t starts, fired_count, last_deadline_ns, last_order;

static void on_alarm(struct env *env, struct env_timer *timer) {
    struct alarm *alarm = RMQ_CONTAINER_OF(timer, struct alarm, timer);
    uint64_t now_ns = env_mono_ns(env);
    ck_assert(!env_timer_armed(timer));
    ck_assert_uint_ne(alarm->asked_ns, 0);
    ck_assert_uint_eq(timer->deadline_ns, alarm->asked_ns);
    ck_assert_uint_ge(now_ns, alarm->asked_ns);
    ck_assert(alarm->asked_ns > last_deadline_ns ||
              (alarm->asked_ns == last_deadline_ns && alarm->order > last_order));
    last_deadline_ns = alarm->asked_ns;
    last_order = alarm->order;
    alarm->asked_ns = 0;
    alarm->fired = true;
    fired_count++;
}

static void start_alarm(struct alarm *alarm, uint64_t delay_ns) {
    alarm->asked_ns = env_mono_ns(node) + delay_ns;
    alarm->order = ++starts;
    env_timer_start(node, &alarm->timer, delay_ns, on_alarm);
}

static void stop_alarm(struct alarm *alarm) {
    env_timer_stop(node, &alarm->timer);
    ck_assert(!env_timer_armed(&alarm->timer));
    alarm->asked_ns = 0;
}

/* ---- order ---------------------------------------------------------------------------------- */

/* Starts all with few different delays, so that many are equal; starts some again, stops some. */
static void start_many(void *ctx) {
    (void)ctx;
    for (size_t i = 0; i < TIMER_COUNT; i++) {
        start_alarm(&alarms[i], env_random_below(node, 40) * MS / 4);
    }
    for (size_t i = 0; i < TIMER_COUNT; i++) {
        struct alarm *alarm = &alarms[env_random_below(node, TIMER_COUNT)];
        if (env_random_below(node, 2) == 0) {
            start_alarm(alarm, env_random_below(node, 40) * MS / 4);
        } else {
            stop_alarm(alarm);
        }
    }
}

static bool all_fired(void *ctx) {
    (void)ctx;
    for (size_t i = 0; i < TIMER_COUNT; i++) {
        if (alarms[i].asked_ns != 0)
            return false;
    }
    return true;
}

START_TEST(test_timers__fire_in_order_of_deadline_and_start) {
    real_node_call(node, start_many, NULL);
    turn_until(loop, all_fired, NULL);
    ck_assert_uint_gt(fired_count, TIMER_COUNT / 4);
    ck_assert_ptr_null(loop->timers);
}
END_TEST

/* ---- timers in timers' handlers ------------------------------------------------------------- */

static struct env_timer chain;
static size_t chain_left;
static uint64_t chain_ns;

static void on_link(struct env *env, struct env_timer *timer) {
    uint64_t now_ns = env_mono_ns(env);
    ck_assert_uint_ge(now_ns, chain_ns);
    chain_ns = now_ns;
    if (--chain_left > 0) {
        env_timer_start(env, timer, 0, on_link);
        ck_assert_uint_eq(timer->deadline_ns, now_ns); /* E1: the same moment */
    }
    ck_assert_uint_eq(env_mono_ns(env), now_ns);
}

static void start_chain(void *ctx) {
    (void)ctx;
    env_timer_start(node, &chain, 0, on_link);
    ck_assert_uint_eq(chain_left, 1000); /* E2: not before this handler returned */
}

static bool chain_ended(void *ctx) {
    (void)ctx;
    return chain_left == 0;
}

START_TEST(test_timers__without_delay_fire_in_a_later_handler) {
    chain_left = 1000;
    real_node_call(node, start_chain, NULL);
    turn_until(loop, chain_ended, NULL);
}
END_TEST

static void on_victim(struct env *env, struct env_timer *timer) {
    (void)env, (void)timer;
    ck_abort_msg("a stopped timer fired");
}

static struct env_timer victim, killer;
static bool killed;

static void on_killer(struct env *env, struct env_timer *timer) {
    (void)timer;
    ck_assert(env_timer_armed(&victim));
    env_timer_stop(env, &victim);
    env_timer_stop(env, &victim); /* does nothing */
    killed = true;
}

static void start_killer(void *ctx) {
    (void)ctx;
    env_timer_start(node, &killer, MS, on_killer);
    env_timer_start(node, &victim, MS, on_victim); /* due at the same moment, after it */
}

START_TEST(test_timers__stop_one_that_is_due) {
    real_node_call(node, start_killer, NULL);
    turn_until(loop, is_true, &killed);
    real_loop_turn(loop, 2 * MS);
    ck_assert(!env_timer_armed(&victim));
}
END_TEST

/* ---- waiting -------------------------------------------------------------------------------- */

static void start_far(void *ctx) {
    start_alarm(&alarms[0], *(const uint64_t *)ctx);
}

/* The delay needs more than 63 bits with the present added: it is never. */
START_TEST(test_timers__a_delay_without_end_does_not_fire) {
    uint64_t delay = UINT64_MAX;
    real_node_call(node, start_far, &delay);
    real_loop_turn(loop, 5 * MS);
    ck_assert(!alarms[0].fired);
}
END_TEST

static void restart_far(void *ctx) {
    (void)ctx;
    start_alarm(&alarms[0], 3600 * SECOND);
}

/* What is taken back leaves at most one wake for nothing behind, then the loop sleeps. */
START_TEST(test_timers__a_stopped_one_wakes_once) {
    uint64_t delay = 2 * MS;
    real_node_call(node, start_far, &delay);
    real_loop_turn(loop, 0);
    real_node_call(node, restart_far, NULL);
    real_loop_turn(loop, 1 * MS);
    uint64_t before_ns = real_clock_ns();
    real_loop_turn(loop, 50 * MS); /* the wake for nothing */
    real_loop_turn(loop, 50 * MS);
    ck_assert_uint_ge(real_clock_ns() - before_ns, 50 * MS);
    ck_assert(!alarms[0].fired);
}
END_TEST

START_TEST(test_turn__waits_as_long_as_it_is_told) {
    uint64_t before_ns = real_clock_ns();
    real_loop_turn(loop, 20 * MS);
    ck_assert_uint_ge(real_clock_ns() - before_ns, 20 * MS);
}
END_TEST

/* ---- the end of a node ---------------------------------------------------------------------- */

static struct env *other;
static struct env_timer others[100];

static void start_others(void *ctx) {
    (void)ctx;
    for (size_t i = 0; i < 100; i++) {
        env_timer_start(other, &others[i], i * MS / 10, on_victim);
    }
}

START_TEST(test_timers__go_with_their_node) {
    other = new_node(loop, NULL);
    real_node_call(other, start_others, NULL);
    real_node_call(node, start_many, NULL);
    real_node_free(other);
    turn_until(loop, all_fired, NULL);
    ck_assert_uint_gt(fired_count, TIMER_COUNT / 4);
}
END_TEST

/* ---- rules ---------------------------------------------------------------------------------- */

START_TEST(test_rules__the_door_is_for_handlers) {
    env_timer_start(node, &victim, 0, on_victim); /* aborts */
}
END_TEST

static void nest(void *ctx) {
    real_node_call(ctx, nest, ctx); /* E2, E5: aborts */
}

START_TEST(test_rules__no_handler_in_a_handler) {
    real_node_call(node, nest, node);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("timers");
    TCase *topic = tcase_create("timers");
    tcase_add_checked_fixture(topic, setup, teardown);
    tcase_set_timeout(topic, 120);
    tcase_add_test(topic, test_timers__fire_in_order_of_deadline_and_start);
    tcase_add_test(topic, test_timers__without_delay_fire_in_a_later_handler);
    tcase_add_test(topic, test_timers__stop_one_that_is_due);
    tcase_add_test(topic, test_timers__a_delay_without_end_does_not_fire);
    tcase_add_test(topic, test_timers__a_stopped_one_wakes_once);
    tcase_add_test(topic, test_turn__waits_as_long_as_it_is_told);
    tcase_add_test(topic, test_timers__go_with_their_node);
    tcase_add_test_raise_signal(topic, test_rules__the_door_is_for_handlers, SIGABRT);
    tcase_add_test_raise_signal(topic, test_rules__no_handler_in_a_handler, SIGABRT);
    suite_add_tcase(suite, topic);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
