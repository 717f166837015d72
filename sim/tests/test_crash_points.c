/* Crash points of the whole broker: in a window of a run with a producer and a consumer, it is
 * killed, or loses its power, at each env_ call of each of its steps. Then it starts again, the run
 * goes on to its end, and the oracles judge. Each pair (step, call) counts; one of
 * CRASH_POINTS_EVERY (environment, 1: all) is tried, with a kill and with a power-off. */
#include <check.h>

#include "sim/run/run.h"
#include "sim/tests/scenario_text.h"
#include "sim/tests/slow_build.h"

#define MS UINT64_C(1000000)
#define DOWN_NS (300 * MS)
#define FILE_NAME "sim/tests/data/crash-points.json"

static struct world *world;
static struct run *run;
static node_id broker;
static uint64_t every, pairs, tried, failed, steps;
static bool planted;                  /* a bug: runs that fail are counted */
static uint64_t seen[SIGHTING_COUNT]; /* runs in which it was */

static void judge_it(const char *how, uint64_t at_ns, uint64_t call, enum world_stop stop) {
    /* Static: it is large, and is told about when a test fails. */
    static struct run_result result;
    ck_assert_msg(stop != WORLD_ASSERTED, "%s", world_assertion(world));
    memset(&result, 0, sizeof result);
    judge_finish((struct judge *)run_judge(run), &result);
    for (size_t i = 0; i < result.oracle_count && !planted; i++)
        ck_assert_msg(result.oracles[i].verdict.verdict == VERDICT_PASS,
                      "%s at %llu ns, call %llu: %s: %s", how, (unsigned long long)at_ns,
                      (unsigned long long)call, result.oracles[i].name,
                      result.oracles[i].verdict.reason);
    failed += result.verdict == VERDICT_FAIL;
    for (size_t i = 0; i < SIGHTING_COUNT; i++)
        seen[i] += result.sightings.times[i] > 0;
    tried++;
}

/* The broker has just been killed inside a handler. */
static void go_on(bool power, uint64_t call, uint64_t end_ns) {
    struct host *host = world_find_host(world, SPAN_LITERAL("broker-a"));
    uint64_t at_ns = world_now(world);
    ck_assert_ptr_nonnull(host);
    if (power)
        ck_assert(world_power_off(world, host));
    world_run(world, at_ns + DOWN_NS);
    if (power)
        ck_assert(world_power_on(world, host));
    ck_assert(world_start(world, broker));
    judge_it(power ? "power-off" : "kill", at_ns, call, world_run(world, end_ns));
}

/* The next step, from `before` on, at each of its calls; whether the broker did anything in it. */
static bool try_step(const struct world_snapshot *before, uint64_t end_ns) {
    uint64_t kills = world_counts(world)->inside_kills;
    uint64_t call = 1;
    for (bool inside = true; inside; call++) {
        for (int power = 0; power < 2 && inside; power++) {
            world_restore(world, before);
            ck_assert(world_kill_at_call(world, broker, call));
            world_run_steps(world, 1);
            inside = world_counts(world)->inside_kills > kills;
            if (inside && pairs % every == 0)
                go_on(power == 1, call, end_ns);
        }
        pairs += inside;
    }
    world_restore(world, before);
    return call > 2;
}

/* All steps up to `to_ns`. */
static void enumerate(uint64_t to_ns, uint64_t end_ns) {
    while (world_now(world) < to_ns) {
        struct world_snapshot before = {.sink_count = 0};
        ck_assert(world_save(world, &before));
        steps += try_step(&before, end_ns);
        world_snapshot_free(&before);
        world_run_steps(world, 1);
    }
}

static struct scenario *scenario;

static void begin(const char *const *sets, size_t count, uint64_t from_ns) {
    static struct scenario_errors errors;
    const char *error = NULL, *every_text = getenv("CRASH_POINTS_EVERY");
    char *text = read_source_file(FILE_NAME);
    scenario = scenario_load(FILE_NAME, text, strlen(text), sets, count, 0, &errors);
    free(text);
    ck_assert_msg(scenario != NULL, "%s", errors.text[0]);
    run = run_open(scenario, &error);
    ck_assert_msg(run != NULL && run_prepare(run, 1, &error), "%s", error);
    world = run_world(run);
    broker = world_find_node(world, SPAN_LITERAL("broker-a"));
    every = every_text == NULL ? (SLOW_BUILD ? 10 : 1) : strtoull(every_text, NULL, 10);
    pairs = tried = failed = steps = 0;
    memset(seen, 0, sizeof seen);
    world_run(world, from_ns);
}

static void end(const char *what) {
    printf("%s: %llu steps of the broker, %llu crash points, %llu runs\n", what,
           (unsigned long long)steps, (unsigned long long)pairs, (unsigned long long)tried);
    for (size_t i = 0; i < SIGHTING_COUNT; i++)
        if (seen[i] > 0)
            printf("    %s in %llu runs\n", sighting_name((enum sighting)i),
                   (unsigned long long)seen[i]);
    fflush(stdout);
    run_close(run);
    scenario_free(scenario);
}

#define ASYNC 0
#define SYNC 1
static const char *const SETS[][2] = {{"flush=ASYNC_FLUSH", "sync=none"},
                                      {"flush=SYNC_FLUSH", "sync=all"}};
#define END_NS (UINT64_C(18000) * MS)

/* Messages, flushes, files of log, queues and index that end, and consumer offsets that are saved
 * (10 s after the start). */
START_TEST(test_messages) {
    begin(SETS[_i], 2, UINT64_C(8500) * MS);
    enumerate(UINT64_C(11500) * MS, END_NS);
    ck_assert_uint_gt(pairs, 1000);
    ck_assert_uint_ge(tried, 2 * (pairs / every));
    end(_i == SYNC ? "messages, sync flush" : "messages, async flush");
}
END_TEST

/* The same finds a planted bug. */
START_TEST(test_planted) {
    static const char *const SETS_WITH[][3] = {
        {"flush=SYNC_FLUSH", "sync=all", "plant=[\"store.ack_early\"]"},
        {"flush=ASYNC_FLUSH", "sync=none", "plant=[\"config.unsynced\"]"},
    };
    begin(SETS_WITH[_i], 3, UINT64_C(9500) * MS);
    planted = true;
    every = 1; /* few of them may show it */
    enumerate(UINT64_C(10100) * MS, END_NS);
    ck_assert_uint_gt(failed, 0);
    if (_i > 0) /* an early answer is seen without any crash */
        ck_assert_uint_lt(failed, tried);
    printf("%llu of %llu runs fail, ", (unsigned long long)failed, (unsigned long long)tried);
    end(SETS_WITH[_i][2]);
}
END_TEST

/* The first start, on an empty disk, and the first registration. */
START_TEST(test_first_start) {
    begin(SETS[ASYNC], 2, 0);
    enumerate(100 * MS, END_NS);
    ck_assert_uint_gt(pairs, 50);
    end("first start");
}
END_TEST

/* A start after a power-off, at several moments: the crash strikes in the recovery. */
START_TEST(test_recovery) {
    begin(SETS[_i], 2, UINT64_C(9600) * MS);
    struct world_snapshot before = {.sink_count = 0};
    struct host *host = world_find_host(world, SPAN_LITERAL("broker-a"));
    ck_assert(world_save(world, &before));
    for (uint64_t moment = 0; moment < 20; moment++) {
        world_restore(world, &before);
        world_run(world, world_now(world) + moment * 47 * MS);
        ck_assert(world_power_off(world, host));
        world_run(world, world_now(world) + DOWN_NS);
        ck_assert(world_power_on(world, host) && world_start(world, broker));
        enumerate(world_now(world) + 50 * MS, END_NS);
    }
    world_snapshot_free(&before);
    ck_assert_uint_gt(pairs, 1000);
    end(_i == SYNC ? "recovery, sync flush" : "recovery, async flush");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("crash points");
    TCase *tests = tcase_create("broker");
    tcase_set_timeout(tests, 250);
    tcase_add_loop_test(tests, test_messages, ASYNC, SYNC + 1);
    tcase_add_loop_test(tests, test_planted, 0, 2);
    tcase_add_test(tests, test_first_start);
    tcase_add_loop_test(tests, test_recovery, ASYNC, SYNC + 1);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int wrong = srunner_ntests_failed(runner);
    srunner_free(runner);
    return wrong == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
