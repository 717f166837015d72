/* sim/bench_messages.c - see bench_messages.h. */
#define _GNU_SOURCE
#include "sim/bench_messages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sim/run/run.h"

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool failed(const char *what) {
    fprintf(stderr, "mqsim bench: %s\n", what);
    return false;
}

/* ---- a scenario's world, counted ------------------------------------------------------------- */

struct bench_counts {
    uint64_t acked, delivered, recovered_at_ns;
};
struct bench_run {
    struct scenario *scenario;
    struct run *run;
    struct world *world;
    struct bench_counts *counts; /* in the arena */
};

static void count(struct world *world, void *state, const struct record *record) {
    struct bench_counts *counts = state;
    counts->acked += record->kind == EVENT_send_acked;
    counts->delivered += record->kind == EVENT_consume_delivered;
    if (record->kind == EVENT_store_recovered)
        counts->recovered_at_ns = world_now(world);
}

static char *read_text(const char *path, size_t *len) {
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return NULL;
    char *text = malloc(1 << 16);
    *len = text == NULL ? 0 : fread(text, 1, 1 << 16, file);
    fclose(file);
    return text;
}

static bool open_text(struct bench_run *bench, const char *name, const char *text, size_t len,
                      const char *const *sets) {
    static struct scenario_errors errors;
    const char *error = NULL;
    size_t set_count = 0;
    while (sets[set_count] != NULL)
        set_count++;
    bench->scenario = scenario_load(name, text, len, sets, set_count, 0, &errors);
    if (bench->scenario == NULL)
        return failed(errors.text[0]);
    bench->run = run_open(bench->scenario, &error);
    if (bench->run == NULL || !run_prepare(bench->run, 1, &error))
        return failed(error);
    bench->world = run_world(bench->run);
    bench->counts = world_alloc(bench->world, sizeof *bench->counts);
    return bench->counts != NULL && world_listen(bench->world, count, bench->counts);
}

static bool open_r0(struct bench_run *bench, const char *const *sets) {
    size_t len = 0;
    char *text = read_text(RMQ_SOURCE_DIR "/scenarios/r0.json", &len);
    bool opened = text != NULL && open_text(bench, "r0.json", text, len, sets);
    free(text);
    return opened;
}

/* Everything that was measured must be right, too. */
static bool passes(const struct bench_run *bench) {
    static struct run_result result; /* large */
    judge_finish((struct judge *)(uintptr_t)run_judge(bench->run), &result);
    for (size_t i = 0; i < result.oracle_count; i++)
        if (result.oracles[i].verdict.verdict == VERDICT_FAIL) {
            fprintf(stderr, "mqsim bench: r0: %s: %s\n", result.oracles[i].name,
                    result.oracles[i].verdict.reason);
            return false;
        }
    return true;
}

/* ---- r0 -------------------------------------------------------------------------------------- */

#define WARM_NS (300 * WORLD_SECOND_NS)
#define WINDOW_S 120

static bool rates(enum r0_figure figure, struct bench_run *bench, double *out) {
    uint64_t window_s = figure == R0_SIMULATED ? 100 * WINDOW_S : WINDOW_S;
    world_run(bench->world, WARM_NS);
    struct bench_counts before = *bench->counts;
    uint64_t steps = world_steps(bench->world);
    double start = seconds();
    world_run(bench->world, WARM_NS + window_s * WORLD_SECOND_NS);
    double took = seconds() - start;
    uint64_t acked = bench->counts->acked - before.acked;
    uint64_t delivered = bench->counts->delivered - before.delivered;
    double messages = (double)(acked < delivered ? acked : delivered);
    double stepped = (double)(world_steps(bench->world) - steps);
    if (figure == R0_SIMULATED) {
        *out = (double)window_s / took;
        return true;
    }
    if (messages == 0)
        return failed("r0: no message came through");
    *out = figure == R0_MESSAGES ? messages / took
           : figure == R0_STEPS  ? stepped / took
                                 : stepped / messages;
    return passes(bench);
}

static double resident_pages(void) {
    double total = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%lf %lf", &total, &resident) != 2)
        resident = 0;
    if (file != NULL)
        fclose(file);
    return resident;
}

static bool growth(struct bench_run *bench, double *out) {
    world_run(bench->world, 300 * WORLD_SECOND_NS);
    double early = resident_pages();
    world_run(bench->world, 3600 * WORLD_SECOND_NS);
    double late = resident_pages();
    if (early == 0)
        return failed("r0: /proc/self/statm cannot be read");
    *out = (late - early) * 100 / early;
    return passes(bench);
}

/* The world goes on between two restores, so that there is something to undo. */
static bool snapshots(enum r0_figure figure, struct bench_run *bench, double *out) {
    struct world_snapshot snapshot = {.sink_count = 0};
    double save = 0, restore = 0;
    const int rounds = 20;
    world_run(bench->world, 60 * WORLD_SECOND_NS);
    for (int i = 0; i < rounds; i++) {
        double start = seconds();
        if (!world_save(bench->world, &snapshot))
            return failed("r0: out of memory");
        save += seconds() - start;
        world_run(bench->world, (61 + (uint64_t)i) * WORLD_SECOND_NS);
        start = seconds();
        world_restore(bench->world, &snapshot);
        restore += seconds() - start;
        world_run(bench->world, (61 + (uint64_t)i) * WORLD_SECOND_NS);
    }
    world_snapshot_free(&snapshot);
    *out = (figure == R0_SAVE ? save : restore) * 1000 / rounds;
    return true;
}

bool bench_r0(enum r0_figure figure, const char *const *sets, double *out) {
    struct bench_run bench;
    if (!open_r0(&bench, sets))
        return false;
    if (figure == R0_GROWTH)
        return growth(&bench, out);
    if (figure == R0_SAVE || figure == R0_RESTORE)
        return snapshots(figure, &bench, out);
    return rates(figure, &bench, out);
}

/* ---- recovery -------------------------------------------------------------------------------- */

/* The disk keeps all at the power-off, so that all of it is there to be read; index files are off,
 * as they would be written anew rather than read. */
static const char RECOVERY[] =
    "{\"name\": \"recovery\", \"about\": \"A store fills up, loses power, recovers.\","
    " \"duration\": \"10000s\","
    " \"cluster\": {\"name_servers\": [{\"name\": \"ns\"}], \"brokers\": [{\"name\": \"broker\","
    " \"topics\": [{\"name\": \"Load\"}], \"properties\": {\"messageIndexEnable\": false,"
    " \"mappedFileSizeConsumeQueue\": 300000}}],"
    " \"clients\": [{\"name\": \"producer\", \"start\": \"12s\", \"loads\": [{\"do\": \"produce\","
    " \"topic\": \"Load\", \"producerGroup\": \"out\", \"in_flight\": 64, \"mode\": \"async\"}]}]},"
    " \"disk\": {\"default\": {\"keep\": \"100%\", \"keep_names\": \"100%\"}}, \"expect\": []}";

bool bench_recovery(uint64_t mib, double *out) {
    static const char *const NO_SETS[] = {NULL};
    struct bench_run bench;
    if (!open_text(&bench, "recovery", RECOVERY, sizeof RECOVERY - 1, NO_SETS))
        return false;
    uint64_t messages = (mib << 20) / 1200; /* a record with its properties */
    uint64_t at = 12 * WORLD_SECOND_NS;
    while (bench.counts->acked < messages) {
        at += WORLD_SECOND_NS;
        if (world_run(bench.world, at) != WORLD_REACHED || at > 9000 * WORLD_SECOND_NS)
            return failed("recovery: the store does not fill");
    }
    struct host *host = world_find_host(bench.world, SPAN_LITERAL("broker"));
    node_id broker = world_find_node(bench.world, SPAN_LITERAL("broker"));
    bench.counts->recovered_at_ns = 0;
    world_power_off(bench.world, host);
    world_power_on(bench.world, host);
    double start = seconds();
    world_start(bench.world, broker);
    for (int i = 0; bench.counts->recovered_at_ns == 0; i++)
        if (i == 100000000 || world_run_steps(bench.world, 1) != WORLD_REACHED)
            return failed("recovery: it does not end");
    *out = seconds() - start;
    return true;
}
