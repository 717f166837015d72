/* Time: frozen in handlers, timers in order, CPU cost, rates, wall clocks. */
#include "sim/tests/puppet.h"

static node_id one_node(struct node_config *config) {
    new_world(1);
    return add_puppet(host_a, "node", "", config);
}

/* Timer numbers in the order they fired. */
static void ck_fired(node_id node, const int *numbers, size_t count) {
    ck_assert_uint_eq(count_of(node, FIRED), count);
    for (size_t i = 0; i < count; i++) {
        ck_assert_int_eq(entry_of(node, FIRED, i)->conn, numbers[i]);
    }
}
#define CK_FIRED(node, ...) \
    ck_fired(node, (const int[]){__VA_ARGS__}, sizeof((const int[]){__VA_ARGS__}) / sizeof(int))

static void start_unordered(struct puppet *puppet) {
    uint64_t before = env_mono_ns(puppet->env);
    int64_t wall = env_wall_ms(puppet->env);
    puppet_timer(puppet, 0, 5000);
    puppet_timer(puppet, 1, 3000);
    puppet_timer(puppet, 2, 5000);
    puppet_timer(puppet, 3, 0);
    puppet_timer(puppet, 4, 3000);
    puppet_timer(puppet, 5, 4000);
    env_timer_stop(puppet->env, &puppet->timers[5].timer);
    puppet_timer(puppet, 1, 3000); /* counts as started now: behind 4 */
    env_timer_stop(puppet->env, &puppet->timers[9].timer);
    ck_assert_uint_eq(env_mono_ns(puppet->env), before); /* E1 */
    ck_assert_int_eq(env_wall_ms(puppet->env), wall);
}

START_TEST(test_timers__fire_by_deadline_then_start) {
    node_id node = one_node(NULL);
    run_until(MS);
    tell(node, start_unordered);
    run_for(MS);
    CK_FIRED(node, 3, 4, 1, 0, 2);
    ck_assert_uint_eq(entry_of(node, FIRED, 0)->at_ns, MS);
    ck_assert_uint_eq(entry_of(node, FIRED, 4)->at_ns, MS + 5000);
}
END_TEST

static void rearm(struct puppet *puppet, int number) {
    ck_assert(!env_timer_armed(&puppet->timers[number].timer));
    if (count_of(puppet->id, FIRED) == 3) {
        env_timer_stop(puppet->env, &puppet->timers[7].timer);
    }
    if (count_of(puppet->id, FIRED) < 5) {
        puppet_timer(puppet, number, 10);
    }
}

static void start_rearming(struct puppet *puppet) {
    puppet->on_timer = rearm;
    puppet_timer(puppet, 7, 35);
    puppet_timer(puppet, 0, 10);
}

START_TEST(test_timers__may_be_rearmed_and_stopped_in_handlers) {
    node_id node = one_node(NULL);
    run_until(MS);
    tell(node, start_rearming);
    run_for(MS);
    CK_FIRED(node, 0, 0, 0, 0, 0);
    ck_assert_uint_eq(entry_of(node, FIRED, 4)->at_ns, MS + 50);
}
END_TEST

static void start_spaced(struct puppet *puppet) {
    for (int i = 0; i < 5; i++) {
        puppet_timer(puppet, i, (uint64_t)(i + 1) * 100);
    }
}

START_TEST(test_cpu__events_wait_for_the_node_in_order) {
    struct node_config config;
    node_config_default(&config);
    config.cpu.min = 250;
    node_id node = one_node(&config);
    run_until(MS);
    tell(node, start_spaced);
    run_for(MS);
    CK_FIRED(node, 0, 1, 2, 3, 4);
    for (size_t i = 0; i < 5; i++) { /* one after the other, each at the end of the one before */
        ck_assert_uint_eq(entry_of(node, FIRED, i)->at_ns, MS + 250 * (i + 1));
    }
}
END_TEST

static void write_now(struct puppet *puppet) {
    write_text(puppet, 0, "late");
}

START_TEST(test_cpu__writes_take_effect_when_the_cost_is_used_up) {
    new_pair("", "");
    run_until(10 * MS);
    struct dist cpu = {.kind = DIST_CONSTANT, .min = 300000};
    ck_assert(world_set_cpu(world, node_a, &cpu));
    tell(node_a, write_now);
    run_for(10 * MS);
    ck_assert_uint_eq(entry_of(node_b, DATA, 0)->at_ns, 11 * MS + 300000);
}
END_TEST

START_TEST(test_cpu__draws_its_cost) {
    struct node_config config;
    node_config_default(&config);
    config.cpu = (struct dist){.kind = DIST_UNIFORM, .min = 1000, .max = 2000};
    node_id node = one_node(&config);
    run_until(MS);
    tell(node, start_spaced);
    run_for(MS);
    for (size_t i = 1; i < 5; i++) {
        uint64_t gap = entry_of(node, FIRED, i)->at_ns - entry_of(node, FIRED, i - 1)->at_ns;
        ck_assert_uint_ge(gap, 1000);
        ck_assert_uint_le(gap, 2000);
    }
}
END_TEST

/* ---- rates ---- */

static const int32_t RATES[] = {0, 1, -1, 500, -500, 100000, -100000, 1000000, -900000, 777777};

static void start_many(struct puppet *puppet) {
    for (int i = 0; i < 64; i++) {
        puppet_timer(puppet, i, env_random_below(puppet->env, 40));
    }
}

static void start_long(struct puppet *puppet) {
    for (int i = 0; i < 64; i++) {
        puppet_timer(puppet, i, 100000 + env_random_below(puppet->env, 100000));
    }
}

/* All fired, in the order of the node's clock; that none was early the world asserts. */
static void ck_timers(node_id node) {
    ck_assert_uint_eq(count_of(node, FIRED), 64);
    for (size_t i = 1; i < 64; i++) {
        ck_assert_uint_ge(entry_of(node, FIRED, i)->mono_ns, entry_of(node, FIRED, i - 1)->mono_ns);
    }
}

START_TEST(test_rates__keep_order_and_are_never_early) {
    struct node_config config;
    node_config_default(&config);
    config.mono_rate_ppm = RATES[_i];
    node_id node = one_node(&config);
    run_until(MS);
    tell(node, start_many); /* the world asserts E3 at each */
    run_for(MS);
    ck_timers(node);
}
END_TEST

START_TEST(test_rates__may_change_under_armed_timers) {
    node_id node = one_node(NULL);
    run_until(MS);
    tell(node, start_long);
    run_for(50000);
    ck_assert(world_mono_rate(world, node, RATES[_i]));
    run_for(20000);
    ck_assert(world_mono_rate(world, node, RATES[(size_t)(_i + 3) % 10]));
    run_for(10 * MS);
    ck_timers(node);
}
END_TEST

static void start_second(struct puppet *puppet) {
    puppet_timer(puppet, 0, WORLD_SECOND_NS);
}

START_TEST(test_rates__scale_a_second) {
    struct node_config config;
    node_config_default(&config);
    config.mono_rate_ppm = RATES[_i];
    node_id node = one_node(&config);
    run_until(MS);
    tell(node, start_second);
    run_for(20 * WORLD_SECOND_NS);
    uint64_t factor = (uint64_t)(1000000 + (int64_t)RATES[_i]);
    uint64_t took = entry_of(node, FIRED, 0)->at_ns - MS;
    uint64_t exact = (WORLD_SECOND_NS * 1000000 + factor - 1) / factor;
    ck_assert_uint_le(took, exact + 1);
    ck_assert_uint_ge(took + 2, exact);
}
END_TEST

START_TEST(test_rates__refuse_a_clock_that_stands) {
    node_id node = one_node(NULL);
    ck_assert(!world_mono_rate(world, node, -1000000));
    ck_assert(!world_clock_drift(world, node, -1000000));
}
END_TEST

/* ---- wall clock ---- */

static int64_t seen_wall_ms;
static uint64_t seen_mono_ns;
static int seen_offset;
static void look(struct puppet *puppet) {
    seen_wall_ms = env_wall_ms(puppet->env);
    seen_mono_ns = env_mono_ns(puppet->env);
    seen_offset = env_utc_offset_min(puppet->env);
}

static int64_t wall_after(node_id node, uint64_t ns) {
    run_for(ns);
    tell(node, look);
    run_for(1);
    return seen_wall_ms - 1767225600000;
}

START_TEST(test_wall__has_offset_drift_and_steps) {
    struct node_config config;
    node_config_default(&config);
    config.wall_offset_ms = -5000;
    config.utc_offset_min = 480;
    node_id node = one_node(&config);
    ck_assert_int_eq(wall_after(node, 10 * WORLD_SECOND_NS), 5000);
    ck_assert_int_eq(seen_offset, 480);
    uint64_t mono = seen_mono_ns;
    ck_assert(world_clock_step(world, node, -60000));
    ck_assert_int_eq(wall_after(node, WORLD_SECOND_NS), -54000);
    ck_assert_uint_eq(seen_mono_ns - mono, WORLD_SECOND_NS + 1); /* the other clock never steps */
    ck_assert(world_clock_drift(world, node, 1000));
    ck_assert_int_eq(wall_after(node, 1000 * WORLD_SECOND_NS), -54000 + 1001000);
    ck_assert(world_clock_drift(world, node, 0));
    ck_assert_int_eq(wall_after(node, WORLD_SECOND_NS), -54000 + 1002000);
}
END_TEST

START_TEST(test_mono__differs_between_hosts_and_restarts_with_power) {
    new_world(1);
    node_id first = add_puppet(host_a, "first", "", NULL);
    node_id second = add_puppet(host_b, "second", "", NULL);
    run_until(MS);
    tell(first, look);
    run_for(0);
    uint64_t mono = seen_mono_ns;
    tell(second, look);
    run_for(0);
    ck_assert_uint_ne(mono, seen_mono_ns);
    ck_assert(world_power_off(world, host_b));
    run_for(WORLD_SECOND_NS);
    ck_assert(world_power_on(world, host_b));
    ck_assert(world_start(world, second));
    tell(second, look);
    run_for(0);
    ck_assert_uint_eq(seen_mono_ns, 20 * WORLD_SECOND_NS);
}
END_TEST

/* ---- the loop ---- */

static uint64_t fault_times[8];
static size_t fault_count;
static int fault_order[8];
static void note_fault(struct world *of, void *args) {
    fault_times[fault_count] = world_now(of);
    fault_order[fault_count++] = *(int *)args;
}

static int *number(int value) {
    int *block = world_alloc(world, sizeof *block);
    *block = value;
    return block;
}

START_TEST(test_faults__run_by_time_and_index_before_events) {
    node_id node = one_node(NULL);
    fault_count = 0;
    run_until(MS);
    tell(node, start_unordered); /* timers at MS, MS + 3000, .. */
    ck_assert(world_schedule(world, MS + 3000, 7, note_fault, number(1)));
    ck_assert(world_schedule(world, MS + 3000, 2, note_fault, number(2)));
    ck_assert(world_schedule(world, MS + 2000, 9, note_fault, number(3)));
    ck_assert(world_schedule(world, MS + 3000, 2, note_fault, number(4)));
    ck_assert(world_schedule(world, MS, 1, note_fault, number(5)));
    ck_assert(!world_schedule(world, MS - 1, 0, note_fault, NULL));
    uint64_t steps = world_steps(world);
    run_until(MS + 2999);
    ck_assert_uint_eq(world_steps(world) - steps, 2); /* the command, the timer of delay 0 */
    ck_assert_uint_eq(fault_count, 2);
    run_until(MS + 3000);
    ck_assert_uint_eq(fault_count, 5);
    ck_assert_int_eq(fault_order[0], 5);
    ck_assert_int_eq(fault_order[1], 3);
    ck_assert_int_eq(fault_order[2], 2);
    ck_assert_int_eq(fault_order[3], 4);
    ck_assert_int_eq(fault_order[4], 1);
    ck_assert_uint_eq(fault_times[4], MS + 3000);
}
END_TEST

static void pause_from_listener(struct world *of, void *args) {
    ck_assert(world_pause(of, *(node_id *)args));
}

static void on_record(struct world *of, void *state, const struct record *record) {
    if (record->kind == EVENT_node_stopping) {
        ck_assert(world_schedule(of, world_now(of), 0, pause_from_listener, state));
    }
}

static void report_twice(struct puppet *puppet) {
    event_node_stopping(puppet->env, SPAN_LITERAL("x"));
    puppet_timer(puppet, 0, 0);
}

START_TEST(test_faults__of_a_listener_come_before_the_next_event) {
    node_id node = one_node(NULL);
    node_id *target = world_alloc(world, sizeof *target);
    *target = node;
    ck_assert(world_listen(world, on_record, target));
    run_until(MS);
    tell(node, report_twice);
    run_for(MS);
    ck_assert(world_node_is_paused(world, node));
    ck_assert_uint_eq(count_of(node, FIRED), 0); /* it was due at the same time */
    ck_assert(world_resume(world, node));
    run_for(0);
    CK_FIRED(node, 0);
}
END_TEST

START_TEST(test_run__stops_at_the_asked_time_or_step) {
    node_id node = one_node(NULL);
    ck_assert_int_eq(world_run(world, 5 * MS), WORLD_QUIET);
    ck_assert_uint_eq(world_now(world), 5 * MS);
    tell(node, start_spaced);
    ck_assert_int_eq(world_run_steps(world, 3), WORLD_REACHED);
    ck_assert_uint_eq(count_of(node, FIRED), 2);
    ck_assert_uint_eq(world_now(world), 5 * MS + 200);
    ck_assert_int_eq(world_run(world, 5 * MS + 400), WORLD_REACHED);
    ck_assert_uint_eq(count_of(node, FIRED), 4);
    world_interrupt();
    ck_assert_int_eq(world_run(world, 6 * MS), WORLD_INTERRUPTED);
    ck_assert_uint_eq(count_of(node, FIRED), 4);
    ck_assert_int_eq(world_run(world, UINT64_MAX), WORLD_QUIET);
    ck_assert_uint_eq(world_now(world), 5 * MS + 500);
}
END_TEST

static void fill(TCase *cases) {
    tcase_add_test(cases, test_timers__fire_by_deadline_then_start);
    tcase_add_test(cases, test_timers__may_be_rearmed_and_stopped_in_handlers);
    tcase_add_test(cases, test_cpu__events_wait_for_the_node_in_order);
    tcase_add_test(cases, test_cpu__writes_take_effect_when_the_cost_is_used_up);
    tcase_add_test(cases, test_cpu__draws_its_cost);
    tcase_add_loop_test(cases, test_rates__keep_order_and_are_never_early, 0, 10);
    tcase_add_loop_test(cases, test_rates__may_change_under_armed_timers, 0, 10);
    tcase_add_loop_test(cases, test_rates__scale_a_second, 0, 10);
    tcase_add_test(cases, test_rates__refuse_a_clock_that_stands);
    tcase_add_test(cases, test_wall__has_offset_drift_and_steps);
    tcase_add_test(cases, test_mono__differs_between_hosts_and_restarts_with_power);
    tcase_add_test(cases, test_faults__run_by_time_and_index_before_events);
    tcase_add_test(cases, test_faults__of_a_listener_come_before_the_next_event);
    tcase_add_test(cases, test_run__stops_at_the_asked_time_or_step);
}

int main(void) {
    return run_suite("world_time", fill);
}
