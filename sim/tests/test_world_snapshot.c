/* Snapshots: restore, run again, and compare worlds byte for byte; the tape and goto. */
#include <unistd.h>

#include "sim/bench_engine.h"
#include "sim/tests/puppet.h"

#define S WORLD_SECOND_NS

/* A world in which all kinds of things happen by themselves: the log of the puppets is outside, so
 * these nodes keep none. */
static void block_both(struct world *of, void *args) {
    (void)args;
    world_block(of, host_a, host_b);
    world_isolate(of, host_b);
}

static void heal_both(struct world *of, void *args) {
    (void)args;
    world_unblock(of, host_a, host_b);
    world_rejoin(of, host_b);
}

static void kill_first(struct world *of, void *args) {
    (void)args;
    ck_assert(world_kill(of, 1));
    ck_assert(world_start(of, 1));
}

static void kill_inside(struct world *of, void *args) {
    (void)args;
    ck_assert(world_kill_at_call(of, 3, 7));
}

static void pause_second(struct world *of, void *args) {
    (void)args;
    ck_assert(world_pause(of, 2));
}

static void resume_second(struct world *of, void *args) {
    (void)args;
    ck_assert(world_resume(of, 2));
}

static void change_clock(struct world *of, void *args) {
    (void)args;
    ck_assert(world_mono_rate(of, 5, 1000));
    ck_assert(world_clock_step(of, 5, -1000));
}

static void build(uint64_t seed) {
    world = world_create(&(struct world_config){.seed = seed, .epoch_ms = 1767225600000});
    ck_assert_ptr_nonnull(world);
    ck_assert(bench_engine_build(world, 20));
    ck_assert(bench_engine_listen(world));
    struct link_profile profile;
    link_profile_default(&profile);
    profile.latency = (struct dist){.kind = DIST_EXPONENTIAL, .min = MS, .mean = MS};
    profile.loss_ppm = 10000;
    profile.bytes_per_second = 10000000;
    world_set_default_link(world, &profile);
    host_a = world_find_host(world, SPAN_LITERAL("waits-3"));
    host_b = world_find_host(world, SPAN_LITERAL("serves-3"));
    struct dist cpu = {.kind = DIST_UNIFORM, .min = 1000, .max = 100000};
    for (node_id i = 1; i <= 10; i++) {
        ck_assert(world_set_cpu(world, i, &cpu));
    }
    static const struct {
        uint64_t at_ms;
        world_fault_fn *apply;
    } FAULTS[] = {{1000, block_both},  {1500, kill_first},   {2000, heal_both},
                  {2100, kill_inside}, {2500, pause_second}, {3500, resume_second},
                  {3600, change_clock}};
    for (uint32_t i = 0; i < sizeof FAULTS / sizeof FAULTS[0]; i++) {
        ck_assert(world_schedule(world, FAULTS[i].at_ms * MS, i, FAULTS[i].apply, NULL));
    }
}

static void hex_now(char out[33]) {
    trace_hash_hex(world_hash(world), out);
}

START_TEST(test_snapshot__restores_and_reruns_byte_for_byte) {
    build(1);
    struct world_snapshot start = {0}, end = {0};
    run_until((uint64_t)_i * 500 * MS);
    ck_assert(world_save(world, &start));
    ck_assert(arena_equals(&start.arena));
    run_until(5 * S);
    char first[33], second[33];
    hex_now(first);
    uint64_t steps = world_steps(world);
    ck_assert(world_save(world, &end));
    world_restore(world, &start);
    ck_assert(arena_equals(&start.arena));
    ck_assert_uint_eq(world_now(world), (uint64_t)_i * 500 * MS);
    run_until(5 * S);
    hex_now(second);
    ck_assert_str_eq(first, second);
    ck_assert_uint_eq(world_steps(world), steps);
    ck_assert(arena_equals(&end.arena));
    world_snapshot_free(&start);
    world_snapshot_free(&end);
}
END_TEST

START_TEST(test_snapshot__branches_differ_and_come_back) {
    build(1);
    struct world_snapshot start = {0}, end = {0};
    run_until(S);
    ck_assert(world_save(world, &start));
    run_until(3 * S);
    ck_assert(world_save(world, &end));
    char hash[33], other[33];
    hex_now(hash);
    for (int branch = 0; branch < 5; branch++) {
        world_restore(world, &start);
        ck_assert(world_kill(world, (node_id)(10 + branch)));
        run_until(3 * S);
        hex_now(other);
        ck_assert_str_ne(hash, other);
        ck_assert(!arena_equals(&end.arena));
    }
    world_restore(world, &start);
    run_until(3 * S);
    ck_assert(arena_equals(&end.arena));
    world_snapshot_free(&start);
    world_snapshot_free(&end);
}
END_TEST

START_TEST(test_snapshot__a_reset_world_runs_another_seed_as_a_new_one_does) {
    struct world_snapshot loaded = {0};
    build(1);
    ck_assert(world_save(world, &loaded));
    run_until(2 * S);
    world_restore(world, &loaded);
    world_set_seed(world, 77);
    ck_assert_uint_eq(world_seed(world), 77);
    run_until(3 * S);
    char reset[33], fresh[33];
    hex_now(reset);
    build(77);
    run_until(3 * S);
    hex_now(fresh);
    ck_assert_str_eq(reset, fresh);
    world_snapshot_free(&loaded);
}
END_TEST

/* ---- tape ---- */

static const uint64_t VISITS_MS[] = {3000, 1000, 1001, 999, 0, 4500, 2500, 2499, 2501, 5000, 100};

START_TEST(test_tape__visits_any_time_in_any_order) {
    enum { VISITS = sizeof VISITS_MS / sizeof VISITS_MS[0] };
    char expected[VISITS][33];
    for (size_t i = 0; i < VISITS; i++) {
        build(3);
        run_until(VISITS_MS[i] * MS);
        hex_now(expected[i]);
    }
    build(3);
    struct world_tape *tape = world_tape_create(world, 100 * MS, _i == 0 ? 100 : 4);
    ck_assert_ptr_nonnull(tape);
    for (size_t i = 0; i < VISITS; i++) {
        ck_assert_int_eq(world_goto(tape, VISITS_MS[i] * MS), WORLD_REACHED);
        ck_assert_uint_eq(world_now(world), VISITS_MS[i] * MS);
        char hash[33];
        hex_now(hash);
        ck_assert_str_eq(hash, expected[i]);
    }
    world_tape_free(tape);
}
END_TEST

START_TEST(test_tape__forgets_a_history_that_was_changed) {
    build(3);
    struct world_tape *tape = world_tape_create(world, 100 * MS, 100);
    ck_assert_ptr_nonnull(tape);
    ck_assert_int_eq(world_goto(tape, 2 * S), WORLD_REACHED);
    char before[33], changed[33], again[33];
    hex_now(before);
    ck_assert_int_eq(world_goto(tape, S), WORLD_REACHED);
    ck_assert(world_kill(world, 20));
    ck_assert_int_eq(world_goto(tape, 2 * S), WORLD_REACHED);
    hex_now(changed);
    ck_assert_str_ne(before, changed);
    ck_assert_int_eq(world_goto(tape, S + 500 * MS), WORLD_REACHED);
    ck_assert_int_eq(world_goto(tape, 2 * S), WORLD_REACHED);
    hex_now(again);
    ck_assert_str_eq(changed, again);
    world_tape_free(tape);
}
END_TEST

/* ---- sink ---- */

START_TEST(test_restore__cuts_the_sink) {
    char path[] = "/tmp/world_sink_XXXXXX";
    int file = mkstemp(path);
    ck_assert_int_ge(file, 0);
    close(file);
    struct record_sink *sink = record_sink_open(path, "{\"nodes\":[]}", true);
    ck_assert_ptr_nonnull(sink);
    build(1);
    world_set_sink(world, sink);
    run_until(S);
    struct world_snapshot snapshot = {0};
    ck_assert(world_save(world, &snapshot));
    uint64_t count = record_sink_count(sink);
    ck_assert_uint_gt(count, world_steps(world) / 2);
    run_until(2 * S);
    uint64_t later = record_sink_count(sink);
    ck_assert_uint_gt(later, count);
    world_restore(world, &snapshot);
    ck_assert_uint_eq(record_sink_count(sink), count);
    run_until(2 * S);
    ck_assert_uint_eq(record_sink_count(sink), later);
    world_set_sink(world, NULL);
    ck_assert(record_sink_close(sink));
    world_snapshot_free(&snapshot);
    unlink(path);
}
END_TEST

static void fill(TCase *cases) {
    tcase_add_loop_test(cases, test_snapshot__restores_and_reruns_byte_for_byte, 0, 9);
    tcase_add_test(cases, test_snapshot__branches_differ_and_come_back);
    tcase_add_test(cases, test_snapshot__a_reset_world_runs_another_seed_as_a_new_one_does);
    tcase_add_loop_test(cases, test_tape__visits_any_time_in_any_order, 0, 2);
    tcase_add_test(cases, test_tape__forgets_a_history_that_was_changed);
    tcase_add_test(cases, test_restore__cuts_the_sink);
}

int main(void) {
    return run_suite("world_snapshot", fill);
}
