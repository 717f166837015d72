/* The power-off scenarios, 2,000 seeds in all: every run passes, and what they are about happens:
 * torn records are cut, acknowledged messages lost in the window of the asynchronous flush,
 * directory entries lost, processes killed inside handlers, consume queues rebuilt. */
#include <check.h>

#include "sim/run/run.h"
#include "sim/tests/scenario_text.h"
#include "sim/tests/slow_build.h"

#define TINY \
    { NULL }
#define NORMAL \
    { "log_file=1048576", "index_entries=1000" }
static const struct {
    const char *file;
    const char *sets[2];
    uint64_t first, count; /* seeds */
    bool loses;            /* with asynchronous flush */
} SWEEPS[] = {
    {"scenarios/power-off-async.json", TINY, 1, 600, true},
    {"scenarios/power-off-async.json", TINY, 601, 600, true},
    {"scenarios/power-off-sync.json", TINY, 1, 600, false},
    {"scenarios/power-off-async.json", NORMAL, 1, 100, true},
    {"scenarios/power-off-sync.json", NORMAL, 1, 100, false},
};
#define SWEEP_COUNT (sizeof SWEEPS / sizeof SWEEPS[0])

static uint64_t runs_with[SIGHTING_COUNT];

static void run_seed(struct run *run, uint64_t seed) {
    struct run_result result;
    const char *error = NULL;
    ck_assert_msg(run_prepare(run, seed, &error), "%s", error);
    ck_assert(run_execute(run, &(struct run_options){.seed = seed}, &result));
    ck_assert_msg(result.assertion[0] == '\0', "seed %u: %s", (unsigned)seed, result.assertion);
    for (size_t i = 0; i < result.oracle_count; i++)
        ck_assert_msg(result.oracles[i].verdict.verdict == VERDICT_PASS, "seed %u, %s: %s",
                      (unsigned)seed, result.oracles[i].name, result.oracles[i].verdict.reason);
    for (size_t i = 0; i < SIGHTING_COUNT; i++)
        runs_with[i] += result.sightings.times[i] > 0;
}

START_TEST(test_sweep) {
    static struct scenario_errors errors;
    const char *file = SWEEPS[_i].file, *error = NULL;
    size_t sets = SWEEPS[_i].sets[0] == NULL ? 0 : 2;
    uint64_t count = SWEEPS[_i].count / (SLOW_BUILD ? 10 : 1);
    char *text = read_source_file(file);
    struct scenario *scenario =
        scenario_load(file, text, strlen(text), SWEEPS[_i].sets, sets, 0, &errors);
    ck_assert_msg(scenario != NULL, "%s", errors.text[0]);
    struct run *run = run_open(scenario, &error);
    ck_assert_msg(run != NULL, "%s", error);
    for (uint64_t seed = 0; seed < count; seed++)
        run_seed(run, SWEEPS[_i].first + seed);
    run_close(run);
    scenario_free(scenario);
    free(text);
    printf("%s %s, %u seeds; runs with", file, sets == 0 ? "tiny files" : SWEEPS[_i].sets[0],
           (unsigned)count);
    for (size_t i = 0; i < SIGHTING_COUNT; i++)
        if (runs_with[i] > 0)
            printf(" %s %u", sighting_name((enum sighting)i), (unsigned)runs_with[i]);
    printf("\n");
    fflush(stdout);
    ck_assert_uint_eq(runs_with[SIGHTING_KILL_INSIDE], count);
    ck_assert_uint_eq(runs_with[SIGHTING_QUEUE_REBUILT], count);
    ck_assert_uint_ge(runs_with[SIGHTING_PAGE_LOST], count / 2);
    if (SWEEPS[_i].loses && sets == 0) {
        ck_assert_uint_ge(runs_with[SIGHTING_TORN_CUT], count / 20);
        ck_assert_uint_ge(runs_with[SIGHTING_WINDOW_LOSS], count / 4);
        ck_assert_uint_ge(runs_with[SIGHTING_NAME_LOST], count / 2);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("power-off");
    TCase *tests = tcase_create("sweeps");
    tcase_set_timeout(tests, 600);
    tcase_add_loop_test(tests, test_sweep, 0, (int)SWEEP_COUNT);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
