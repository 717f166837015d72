/* sim/mqsim_bench_disk.c - see mqsim_bench_disk.h. */
#include "sim/mqsim_bench_disk.h"

#include <time.h>

#include "sim/bench_disk.h"

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static struct world *new_world(uint32_t count, uint32_t keep, uint32_t sync, uint64_t stop) {
    struct world_config config = {.seed = 1, .epoch_ms = 1767225600000};
    struct world *world = world_create(&config);
    return world != NULL && bench_disk_build(world, count, keep, sync, stop) ? world : NULL;
}

double bench_disk_append(uint64_t records) {
    struct world *world = new_world(1, 12, 100, records);
    if (world == NULL) {
        return -1;
    }
    double start = seconds();
    world_run(world, UINT64_MAX);
    return (double)records / (seconds() - start);
}

double bench_disk_snapshot(uint64_t pairs) {
    struct world *world = new_world(4, 16, 100, 0);
    struct world_snapshot snapshot = {0};
    if (world == NULL) {
        return -1;
    }
    world_run_steps(world, 4 * 17 * BENCH_DISK_SEGMENT / BENCH_DISK_RECORD);
    double spent = 0;
    for (uint64_t i = 0; i < pairs; i++) {
        double start = seconds();
        if (!world_save(world, &snapshot)) {
            return -1;
        }
        spent += seconds() - start;
        world_run_steps(world, 10000);
        start = seconds();
        world_restore(world, &snapshot);
        spent += seconds() - start;
        world_run_steps(world, 5000);
    }
    world_snapshot_free(&snapshot);
    return spent * 1e6 / (double)pairs;
}

double bench_disk_scan(uint64_t mebibytes) {
    uint64_t records = mebibytes * (1u << 20) / BENCH_DISK_RECORD;
    struct world *world = new_world(1, (uint32_t)(mebibytes / 16 + 1), 0, records);
    if (world == NULL) {
        return -1;
    }
    world_run(world, UINT64_MAX);
    if (!world_kill(world, 1) || !world_start(world, 1)) {
        return -1;
    }
    double start = seconds();
    world_run(world, UINT64_MAX);
    return (seconds() - start) * 1e3;
}
