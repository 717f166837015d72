/* test_sweep.c - many runs by several processes: all arrive, the same ones whatever the number of
 * processes, and a run that crashes is reported while the others go on. */
#include "sim/tests/scenario_text.h"

#include <signal.h>

#include "sim/run/sweep.h"

#define RUNS_MAX 400

/* What arrived. */
static struct {
    char hash[RUNS_MAX][33];
    char crash[RUNS_MAX][32];
    uint64_t seeds[RUNS_MAX];
    size_t units[RUNS_MAX];
    size_t arrived[RUNS_MAX];
    size_t evictions;
} got;
static volatile sig_atomic_t interrupted;

static void on_outcome(void *ctx, const struct sweep_outcome *outcome) {
    (void)ctx;
    ck_assert_uint_lt(outcome->index, RUNS_MAX);
    got.arrived[outcome->index]++;
    got.seeds[outcome->index] = outcome->seed;
    got.units[outcome->index] = outcome->unit;
    if (outcome->result == NULL) {
        snprintf(got.crash[outcome->index], sizeof got.crash[0], "%s", outcome->crash);
        return;
    }
    strcpy(got.hash[outcome->index], outcome->result->trace_hash);
    ck_assert_uint_eq(outcome->result->seed, outcome->seed);
    ck_assert_uint_gt(outcome->fired->count, 0);
    got.evictions += outcome->sample_counts[METRIC_EVICTION_AFTER_FAULT];
    for (size_t i = 0; i < outcome->sample_counts[METRIC_EVICTION_AFTER_FAULT]; i++)
        ck_assert_uint_lt(outcome->samples[METRIC_EVICTION_AFTER_FAULT][i].value,
                          131 * WORLD_SECOND_NS);
}

static struct scenario *units[2];

static void setup(void) {
    char *silent = read_source_file("scenarios/silent-broker.json");
    char *killed = read_source_file("scenarios/killed-broker.json");
    units[0] = load_text(silent, NULL, 0);
    units[1] = load_text(killed, NULL, 0);
    free(silent);
    free(killed);
    memset(&got, 0, sizeof got);
    interrupted = 0;
}
static void teardown(void) {
    scenario_free(units[0]);
    scenario_free(units[1]);
}

static void sweep(size_t jobs, uint64_t seeds, void (*before)(uint64_t index)) {
    struct sweep_plan plan = {.units = units,
                              .unit_count = 2,
                              .first_seed = 100,
                              .seed_count = seeds,
                              .jobs = jobs,
                              .interrupted = &interrupted,
                              .before = before};
    struct sweep_listener listener = {.outcome = on_outcome};
    const char *error = NULL;
    memset(&got, 0, sizeof got);
    ck_assert_msg(sweep_run(&plan, &listener, &error), "%s", error);
}

START_TEST(test_sweep__runs_each_seed_of_each_unit_once) {
    sweep(2, 50, NULL);
    for (size_t i = 0; i < 100; i++) {
        ck_assert_uint_eq(got.arrived[i], 1);
        ck_assert_uint_eq(got.units[i], i / 50);
        ck_assert_uint_eq(got.seeds[i], 100 + i % 50);
        ck_assert_uint_eq(strlen(got.hash[i]), 32);
    }
    ck_assert_uint_ge(got.evictions, 190);
    ck_assert_str_ne(got.hash[0], got.hash[1]);
}
END_TEST

START_TEST(test_sweep__does_not_depend_on_the_number_of_jobs) {
    static char first[RUNS_MAX][33];
    sweep(1, 60, NULL);
    memcpy(first, got.hash, sizeof first);
    for (size_t jobs = 2; jobs < 5; jobs++) {
        sweep(jobs, 60, NULL);
        ck_assert_int_eq(memcmp(first, got.hash, sizeof first), 0);
    }
}
END_TEST

static void crash_some(uint64_t index) {
    if (index == 0 || index == 17 || index == 18)
        raise(SIGKILL); /* no sanitizer can catch it */
    if (index == 99)
        _Exit(3);
}

START_TEST(test_sweep__reports_a_crash_and_goes_on) {
    static char calm[RUNS_MAX][33];
    sweep(2, 50, NULL);
    memcpy(calm, got.hash, sizeof calm);
    sweep(2, 50, crash_some);
    for (size_t i = 0; i < 100; i++) {
        bool crashed = i == 0 || i == 17 || i == 18 || i == 99;
        ck_assert_uint_eq(got.arrived[i], 1);
        ck_assert_str_eq(got.crash[i], !crashed ? "" : i == 99 ? "exit 3" : "signal 9");
        ck_assert_str_eq(got.hash[i], crashed ? "" : calm[i]);
    }
}
END_TEST

static void interrupt_later(void *ctx, const struct sweep_outcome *outcome) {
    on_outcome(ctx, outcome);
    interrupted = outcome->index > 40;
}

START_TEST(test_sweep__stops_when_interrupted) {
    struct sweep_plan plan = {
        .units = units, .unit_count = 2, .seed_count = 150, .jobs = 2, .interrupted = &interrupted};
    struct sweep_listener listener = {.outcome = interrupt_later};
    const char *error = NULL;
    ck_assert(sweep_run(&plan, &listener, &error));
    size_t arrived = 0;
    for (size_t i = 0; i < 300; i++) {
        ck_assert_uint_le(got.arrived[i], 1);
        arrived += got.arrived[i];
    }
    ck_assert_uint_gt(arrived, 20);
}
END_TEST

START_TEST(test_sweep__runs_units_with_their_own_seeds) {
    struct sweep_plan plan = {.units = units,
                              .unit_count = 2,
                              .own_seeds = true,
                              .seed_count = 1,
                              .jobs = 2,
                              .interrupted = &interrupted};
    struct sweep_listener listener = {.outcome = on_outcome};
    const char *error = NULL;
    units[0]->spec.seed = 77;
    units[1]->spec.seed = 78;
    ck_assert(sweep_run(&plan, &listener, &error));
    ck_assert_uint_eq(got.seeds[0], 77);
    ck_assert_uint_eq(got.seeds[1], 78);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("sweep");
    TCase *tests = tcase_create("all");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_sweep__runs_each_seed_of_each_unit_once);
    tcase_add_test(tests, test_sweep__does_not_depend_on_the_number_of_jobs);
    tcase_add_test(tests, test_sweep__reports_a_crash_and_goes_on);
    tcase_add_test(tests, test_sweep__stops_when_interrupted);
    tcase_add_test(tests, test_sweep__runs_units_with_their_own_seeds);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
