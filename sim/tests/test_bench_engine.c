/* The engine workload, small; with a number of steps as argument it says how fast it went. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "model/base/check.h"
#include "sim/bench_engine.h"

static struct world *build(uint32_t pairs) {
    struct world *world =
        world_create(&(struct world_config){.seed = 1, .epoch_ms = 1767225600000});
    RMQ_ASSERT(world != NULL);
    bool built = bench_engine_build(world, pairs) && bench_engine_listen(world);
    RMQ_ASSERT(built);
    return world;
}

START_TEST(test_engine__a_step_is_a_chunk) {
    struct world *world = build(50);
    ck_assert_int_eq(world_run(world, WORLD_SECOND_NS / 10), WORLD_REACHED);
    uint64_t steps = world_steps(world), chunks = world_counts(world)->chunks;
    ck_assert_int_eq(world_run_steps(world, 20000), WORLD_REACHED);
    ck_assert_uint_eq(world_steps(world) - steps, 20000);
    ck_assert_uint_eq(world_counts(world)->chunks - chunks, 20000);
    ck_assert_uint_eq(world_counts(world)->bytes, world_counts(world)->chunks * 64);
}
END_TEST

static double cpu_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static int measure(uint64_t steps) {
    struct world *world = build(500);
    (void)world_run(world, WORLD_SECOND_NS);
    double start = cpu_seconds();
    (void)world_run_steps(world, steps);
    double took = cpu_seconds() - start;
    char hex[33];
    trace_hash_hex(world_hash(world), hex);
    printf("%.2f M steps/s, %s\n", (double)steps / took / 1e6, hex);

    struct world_snapshot snapshot = {0};
    if (!bench_engine_pad(world, (size_t)5 << 20) || !world_save(world, &snapshot)) {
        return 1;
    }
    enum { BRANCHES = 500 };
    start = cpu_seconds();
    for (int i = 0; i < BRANCHES; i++) {
        world_restore(world, &snapshot);
    }
    double restore = (cpu_seconds() - start) / BRANCHES;
    start = cpu_seconds();
    for (int i = 0; i < BRANCHES; i++) {
        world_restore(world, &snapshot);
        (void)world_run_steps(world, 10000);
    }
    double branch = (cpu_seconds() - start) / BRANCHES;
    printf("snapshot %zu bytes, restore %.0f us, %.0f branches/s\n", snapshot.arena.used,
           restore * 1e6, 1 / branch);
    world_snapshot_free(&snapshot);
    return 0;
}

int main(int argc, char **argv) {
    if (argc > 1) {
        return measure(strtoull(argv[1], NULL, 10));
    }
    Suite *suite = suite_create("bench_engine");
    TCase *cases = tcase_create("engine");
    tcase_add_test(cases, test_engine__a_step_is_a_chunk);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
