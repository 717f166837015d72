/* test_scenario_effective.c - a run can be done again: the same seed, the effective scenario, a
 * restored world, all give the same trace hash. */
#include "sim/tests/scenario_text.h"

#include "sim/run/run.h"

static const char *const FILES[] = {
    "scenarios/silent-broker.json",  "scenarios/killed-broker.json",
    "scenarios/paused-broker.json",  "scenarios/eviction-study.json",
    "scenarios/early-topic.json",    "scenarios/det-nodes.json",
    "scenarios/det-links.json",      "scenarios/det-hosts.json",
    "scenarios/talking-broker.json", "scenarios/drain-write-perm.json",
};
#define FILE_COUNT ((int)(sizeof FILES / sizeof FILES[0]))

static struct run_result result;

static void run_one(struct run *run, uint64_t seed, uint64_t rewind_ns, char hash[33]) {
    const char *error = NULL;
    struct run_options options = {.seed = seed, .rewind_ns = rewind_ns};
    ck_assert_msg(run_prepare(run, seed, &error), "%s", error);
    ck_assert(run_execute(run, &options, &result));
    ck_assert_str_eq(result.assertion, "");
    strcpy(hash, result.trace_hash);
}

static struct run *open_run(struct scenario *scenario) {
    const char *error = NULL;
    struct run *run = run_open(scenario, &error);
    ck_assert_msg(run != NULL, "%s", error);
    return run;
}

START_TEST(test_scenario_effective__replays_to_the_same_hash) {
    char *text = read_source_file(FILES[_i]);
    struct scenario *scenario = load_text(text, NULL, 0);
    for (uint64_t seed = 3; seed < 6; seed++) {
        char hash[33], again[33];
        struct run *run = open_run(scenario);
        run_one(run, seed, 0, hash);
        char *effective = scenario_effective(scenario);
        run_close(run);
        struct scenario *settled = load_text(effective, NULL, 0);
        ck_assert_uint_eq(settled->spec.seed, seed);
        ck_assert_ptr_null(strstr(effective, "uniform\": [{")); /* nothing is drawn twice */
        struct run *replay = open_run(settled);
        run_one(replay, settled->spec.seed, 0, again);
        ck_assert_str_eq(hash, again);
        char *fixed_point = scenario_effective(settled);
        ck_assert_msg(strcmp(effective, fixed_point) == 0, "the second effective scenario differs");
        free(fixed_point);
        run_close(replay);
        scenario_free(settled);
        free(effective);
    }
    scenario_free(scenario);
    free(text);
}
END_TEST

START_TEST(test_run__goes_back_to_the_same_hash) {
    char *text = read_source_file(FILES[_i]);
    struct scenario *scenario = load_text(text, NULL, 0);
    struct run *run = open_run(scenario);
    char first[33], second[33], third[33], other[33];
    run_one(run, 1, 0, first);
    run_one(run, 2, 0, other);
    run_one(run, 1, 0, second);
    run_one(run, 1, scenario->spec.duration_ns / 2, third);
    ck_assert_str_eq(first, second);
    ck_assert_str_eq(first, third);
    ck_assert_str_ne(first, other);
    run_close(run);
    scenario_free(scenario);
    free(text);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("scenario_effective");
    TCase *tests = tcase_create("all");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, test_scenario_effective__replays_to_the_same_hash, 0, FILE_COUNT);
    tcase_add_loop_test(tests, test_run__goes_back_to_the_same_hash, 0, FILE_COUNT);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
