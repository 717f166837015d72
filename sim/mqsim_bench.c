/* sim/mqsim_bench.c - `mqsim bench`: how fast the code is that runs scenarios.
 *
 * Each run is a process of its own (peak memory is its own, the arena is fresh) on the ordinary
 * world, with trace hash and oracles on; nothing here is a special path. */
#define _GNU_SOURCE
#include <cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "model/broker/broker.h"
#include "model/namesrv/namesrv.h"
#include "sim/bench_acl.h"
#include "sim/bench_engine.h"
#include "sim/bench_filter.h"
#include "sim/bench_messages.h"
#include "sim/judge/judge.h"
#include "sim/mqsim.h"
#include "sim/mqsim_bench_disk.h"
#include "sim/scenario/scenario_error.h"

#define RUNS_MAX 100
#define NAME_SERVERS 2

struct bench {
    const char *name;
    const char *about;
    const char *unit;
    const char *key; /* name of the parameter, NULL: none */
    uint64_t parameter;
    const char *serialization; /* NULL: does not matter */
    /* The measured value; below 0: failed, said on stderr. */
    double (*run)(const struct bench *bench);
};

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double failed(const char *what) {
    fprintf(stderr, "mqsim bench: %s\n", what);
    return -1;
}

static struct world *new_world(void) {
    struct world_config config = {.seed = 1, .epoch_ms = 1767225600000};
    return world_create(&config);
}

/* ---- engine, branch: pairs of nodes on the bare link model --------------------------------------
 */

static double run_engine(const struct bench *bench) {
    struct world *world = new_world();
    if (world == NULL || !bench_engine_build(world, 500) || !bench_engine_listen(world)) {
        return failed("engine: out of memory");
    }
    world_run_steps(world, 500000);
    double start = seconds();
    world_run_steps(world, bench->parameter);
    return (double)bench->parameter / (seconds() - start);
}

#define BRANCH_BYTES (5u << 20)

static struct world *branch_world(struct world_snapshot *snapshot) {
    struct world *world = new_world();
    if (world == NULL || !bench_engine_build(world, 500) || !bench_engine_listen(world) ||
        !bench_engine_pad(world, BRANCH_BYTES)) {
        return NULL;
    }
    world_run_steps(world, 100000);
    return world_save(world, snapshot) ? world : NULL;
}

static double run_restore(const struct bench *bench) {
    struct world_snapshot snapshot = {0};
    struct world *world = branch_world(&snapshot);
    if (world == NULL) {
        return failed("restore: out of memory");
    }
    double start = seconds();
    for (uint64_t i = 0; i < bench->parameter; i++) {
        world_restore(world, &snapshot);
    }
    return (seconds() - start) * 1e6 / (double)bench->parameter;
}

static double run_branch(const struct bench *bench) {
    struct world_snapshot snapshot = {0};
    struct world *world = branch_world(&snapshot);
    if (world == NULL) {
        return failed("branch: out of memory");
    }
    double start = seconds();
    for (uint64_t i = 0; i < 1000; i++) {
        world_restore(world, &snapshot);
        world_run_steps(world, bench->parameter);
    }
    return 1000 / (seconds() - start);
}

/* ---- disks: sim/mqsim_bench_disk.c ----------------------------------------------------------- */

static double checked(double value, const char *why) {
    return value < 0 ? failed(why) : value;
}
static double run_disk_append(const struct bench *bench) {
    return checked(bench_disk_append(bench->parameter), "disk-append: out of memory");
}
static double run_disk_snapshot(const struct bench *bench) {
    return checked(bench_disk_snapshot(bench->parameter), "disk-snapshot: out of memory");
}
static double run_disk_scan(const struct bench *bench) {
    return checked(bench_disk_scan(bench->parameter), "disk-scan: out of memory");
}

static double run_acl(const struct bench *bench) {
    return checked(bench_acl(bench->parameter), "acl: out of memory");
}
static double run_filter(const struct bench *bench) {
    return checked(bench_filter(bench->parameter), "filter: out of memory");
}

/* ---- heartbeat, memory: two name servers and many brokers ---------------------------------------
 */

/* Adds one node, on a host of its own; `properties` is "key=value\n" text. */
static bool add_node(struct world *world, const char *name, const char *ip, const struct role *role,
                     const char *properties, uint64_t start_ns) {
    struct props config;
    size_t error_line;
    props_init(&config, world_env(world));
    struct host *host = world_add_host(world, name, ip);
    bool added = false;
    if (host != NULL && props_parse(&config, span_of_text(properties), &error_line) == RMQ_OK) {
        struct node_config node;
        node_config_default(&node);
        node.name = name;
        node.host = host;
        node.role = role;
        node.config = &config;
        node.start_ns = start_ns;
        added = world_add_node(world, &node) != 0;
    }
    props_deinit(&config);
    return added;
}

static struct world *heartbeat_world(uint64_t brokers, const char *serialization) {
    struct world *world = new_world();
    char name[32], ip[32], properties[512];
    if (world == NULL) {
        return NULL;
    }
    struct link_profile link;
    link_profile_default(&link);
    link.latency = (struct dist){.kind = DIST_EXPONENTIAL, .min = 200000, .mean = 300000};
    world_set_default_link(world, &link);
    for (unsigned i = 1; i <= NAME_SERVERS; i++) {
        snprintf(name, sizeof name, "ns-%u", i);
        snprintf(ip, sizeof ip, "10.0.0.%u", i);
        snprintf(properties, sizeof properties, "rocketmq.serialize.type=%s\n", serialization);
        if (!add_node(world, name, ip, &namesrv_role, properties, 0)) {
            return NULL;
        }
    }
    for (uint64_t i = 0; i < brokers; i++) {
        snprintf(name, sizeof name, "broker-%u", (unsigned)i);
        snprintf(ip, sizeof ip, "10.%u.%u.%u", 1 + (unsigned)(i >> 16), (unsigned)(i >> 8) & 255,
                 (unsigned)i & 255);
        snprintf(properties, sizeof properties,
                 "brokerName=%s\nnamesrvAddr=10.0.0.1:9876;10.0.0.2:9876\n"
                 "topics=topic-%u:4:4\nrocketmq.serialize.type=%s\n",
                 name, (unsigned)i, serialization);
        uint64_t start_ns = draw_below(1, DRAW_START_PHASE, i, 0, 30 * WORLD_SECOND_NS);
        if (!add_node(world, name, ip, &broker_role, properties, start_ns)) {
            return NULL;
        }
    }
    return world;
}

/* The oracle that follows every registration; its bounds are the defaults. */
static struct judge *attach_judge(struct world *world) {
    const char *error = NULL;
    struct props none;
    props_init(&none, world_env(world));
    struct judge_expectation expectation = {oracle_find(SPAN_LITERAL("route-bounds")), &none};
    struct judge *judge = judge_create(world, &expectation, 1, &error);
    if (judge == NULL) {
        failed(error == NULL ? "out of memory" : error);
    }
    return judge;
}

static double run_heartbeat(const struct bench *bench) {
    struct world *world = heartbeat_world(bench->parameter, bench->serialization);
    struct judge *judge = world == NULL ? NULL : attach_judge(world);
    if (judge == NULL) {
        return failed("heartbeat: no world");
    }
    world_run(world, 70 * WORLD_SECOND_NS); /* everyone has started and registered */
    /* About the same work for each size: 20 million broker-seconds, at most 500,000 s. */
    uint64_t simulated_s = 20000000 / bench->parameter;
    simulated_s = simulated_s > 500000 ? 500000 : simulated_s < 400 ? 400 : simulated_s;
    double start = seconds();
    world_run(world, (70 + simulated_s) * WORLD_SECOND_NS);
    double took = seconds() - start;
    static struct run_result result; /* large; of this process, not of the world */
    judge_finish(judge, &result);
    if (result.verdict != VERDICT_PASS) {
        fprintf(stderr, "mqsim bench: %s: %s\n", result.oracles[0].name,
                result.oracles[0].verdict.reason);
        return failed("heartbeat: the oracle did not pass");
    }
    return (double)simulated_s / took;
}

/* What the arena holds beyond the name servers' own memory, per broker. */
static double run_memory(const struct bench *bench) {
    struct world *world = heartbeat_world(bench->parameter, bench->serialization);
    if (world == NULL) {
        return failed("memory: no world");
    }
    world_run(world, 130 * WORLD_SECOND_NS);
    size_t name_servers = 0;
    for (node_id node = 1; node <= NAME_SERVERS; node++) {
        name_servers += world_node_memory(world, node);
    }
    return (double)(arena_used() - name_servers) / (double)bench->parameter;
}

/* ---- study: the eviction study as a user runs it
 * ------------------------------------------------- */

static double run_study(const struct bench *bench) {
    char program[4096], seeds[32];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (length < 0) {
        return failed("study: no path to this program");
    }
    program[length] = '\0';
    snprintf(seeds, sizeof seeds, "1..%llu", (unsigned long long)bench->parameter);
    double start = seconds();
    pid_t child = fork();
    if (child == 0) {
        if (freopen("/dev/null", "w", stdout) != NULL) {
            execl(program, program, "run", RMQ_SOURCE_DIR "/scenarios/eviction-study.json",
                  "--seeds", seeds, "--jobs", "2", "--json", (char *)NULL);
        }
        _exit(127);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status) ||
        WEXITSTATUS(status) != 0) {
        return failed("study: the sweep did not pass");
    }
    return seconds() - start;
}

/* ---- r0 and recovery: bench_messages.h ----------------------------------------------------------
 */

static double run_r0_figure(const struct bench *bench, enum r0_figure figure) {
    const char *sets[4] = {NULL};
    size_t count = 0;
    char bytes[40];
    double value = 0;
    if (strcmp(bench->key, "bytes") == 0) {
        snprintf(bytes, sizeof bytes, "bytes=%lluB", (unsigned long long)bench->parameter);
        sets[count++] = bytes;
    } else if (strcmp(bench->key, "idle") == 0) {
        sets[count++] = "after=10000h";
    }
    if (bench->serialization != NULL && strcmp(bench->serialization, "JSON") == 0) {
        sets[count++] = "cluster.serialization=json";
    }
    return bench_r0(figure, sets, &value) ? value : -1;
}
static double run_r0(const struct bench *bench) {
    return run_r0_figure(bench, R0_MESSAGES);
}
static double run_r0_steps(const struct bench *bench) {
    return run_r0_figure(bench, R0_STEPS);
}
static double run_r0_steps_each(const struct bench *bench) {
    return run_r0_figure(bench, R0_STEPS_PER_MESSAGE);
}
static double run_r0_idle(const struct bench *bench) {
    return run_r0_figure(bench, R0_SIMULATED);
}
static double run_r0_growth(const struct bench *bench) {
    return run_r0_figure(bench, R0_GROWTH);
}
static double run_r0_save(const struct bench *bench) {
    return run_r0_figure(bench, R0_SAVE);
}
static double run_r0_restore(const struct bench *bench) {
    return run_r0_figure(bench, R0_RESTORE);
}
static double run_recovery(const struct bench *bench) {
    double value = 0;
    return bench_recovery(bench->parameter, &value) ? value : -1;
}

/* ---- the list, and running it
 * -------------------------------------------------------------------- */

static const struct bench BENCHES[] = {
    {"engine", "1,000 nodes in pairs, 64 B through the full link model; a step = one chunk",
     "steps/s", "steps", 20000000, NULL, run_engine},
    {"heartbeat", "2 name servers, brokers with 1 topic each, binary headers", "simulated s/s",
     "brokers", 10, "ROCKETMQ", run_heartbeat},
    {"heartbeat", "the same", "simulated s/s", "brokers", 1000, "ROCKETMQ", run_heartbeat},
    {"heartbeat", "the same", "simulated s/s", "brokers", 10000, "ROCKETMQ", run_heartbeat},
    {"heartbeat", "with JSON headers", "simulated s/s", "brokers", 10, "JSON", run_heartbeat},
    {"heartbeat", "with JSON headers", "simulated s/s", "brokers", 1000, "JSON", run_heartbeat},
    {"heartbeat", "with JSON headers", "simulated s/s", "brokers", 10000, "JSON", run_heartbeat},
    {"memory", "memory of an idle simulated broker, its connections and its events included",
     "bytes", "brokers", 10000, "ROCKETMQ", run_memory},
    {"restore", "restore of a 5 MB world", "us", "restores", 2000, NULL, run_restore},
    {"branch", "restore of a 5 MB world, then steps of engine", "branches/s", "steps", 10000, NULL,
     run_branch},
    {"r0", "scenarios/r0.json with all oracles: messages sent, stored, consumed and committed",
     "messages/s", "bytes", 1024, "ROCKETMQ", run_r0},
    {"r0", "with small bodies", "messages/s", "bytes", 100, "ROCKETMQ", run_r0},
    {"r0", "with JSON headers", "messages/s", "bytes", 1024, "JSON", run_r0},
    {"r0-steps", "steps of r0", "steps/s", "bytes", 1024, "ROCKETMQ", run_r0_steps},
    {"r0-steps-each", "steps of r0 for one message", "steps", "bytes", 1024, "ROCKETMQ",
     run_r0_steps_each},
    {"r0-idle", "r0 without a message", "simulated s/s", "idle", 1, "ROCKETMQ", run_r0_idle},
    {"r0-growth", "resident memory of r0 after 1 h against after 5 min", "%", "bytes", 1024,
     "ROCKETMQ", run_r0_growth},
    {"r0-save", "snapshot of r0 after 60 s", "ms", "bytes", 1024, "ROCKETMQ", run_r0_save},
    {"r0-restore", "restore of it", "ms", "bytes", 1024, "ROCKETMQ", run_r0_restore},
    {"recovery", "recovery of a store after a power-off, all of it read", "s", "MiB", 1024,
     "ROCKETMQ", run_recovery},
    {"disk-append", "1 KiB appended to a simulated disk, a sync for each 100", "records/s",
     "records", 2000000, NULL, run_disk_append},
    {"disk-snapshot", "save and restore with four disks of 256 MiB", "us", "pairs", 100, NULL,
     run_disk_snapshot},
    {"disk-scan", "reading of so many MiB by views when a node starts", "ms", "MiB", 1024, NULL,
     run_disk_scan},
    {"filter", "one SQL92 expression of three terms over a message's eight properties", "ns (CPU)",
     "messages", 2000000, NULL, run_filter},
    {"acl", "the check of a signed send of 1 KiB against 100 accounts", "ns (CPU)", "requests",
     500000, NULL, run_acl},
    {"study", "the eviction study: 6 x seeds runs, 2 jobs", "s", "seeds", 10000, NULL, run_study},
};
#define BENCH_COUNT (sizeof BENCHES / sizeof BENCHES[0])

/* One run in a process of its own. False: it failed. */
static bool run_once(const struct bench *bench, double *value, long *rss_kib) {
    int ends[2];
    if (pipe(ends) != 0) {
        return false;
    }
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        double measured = bench->run(bench);
        ssize_t written = write(ends[1], &measured, sizeof measured);
        _exit(written == sizeof measured && measured >= 0 ? 0 : 1);
    }
    close(ends[1]);
    ssize_t got = read(ends[0], value, sizeof *value);
    close(ends[0]);
    int status = 0;
    struct rusage usage = {0};
    bool ended = child > 0 && wait4(child, &status, 0, &usage) == child;
    *rss_kib = usage.ru_maxrss;
    return ended && WIFEXITED(status) && WEXITSTATUS(status) == 0 && got == sizeof *value;
}

static int compare_values(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static cJSON *measure(const struct bench *bench, unsigned runs) {
    double values[RUNS_MAX], sorted[RUNS_MAX];
    long peak_kib = 0;
    for (unsigned i = 0; i < runs; i++) {
        long rss_kib = 0;
        if (isatty(STDERR_FILENO)) {
            fprintf(stderr, "\r%s %u/%u \r", bench->name, i + 1, runs);
        }
        if (!run_once(bench, &values[i], &rss_kib)) {
            fprintf(stderr, "mqsim bench: %s failed\n", bench->name);
            return NULL;
        }
        peak_kib = rss_kib > peak_kib ? rss_kib : peak_kib;
    }
    memcpy(sorted, values, sizeof sorted);
    qsort(sorted, runs, sizeof sorted[0], compare_values);
    cJSON *row = cJSON_CreateObject();
    cJSON_AddStringToObject(row, "bench", bench->name);
    cJSON *params = cJSON_AddObjectToObject(row, "params");
    cJSON_AddNumberToObject(params, bench->key, (double)bench->parameter);
    if (bench->serialization != NULL) {
        cJSON_AddStringToObject(params, "serialization", bench->serialization);
    }
    cJSON_AddStringToObject(row, "unit", bench->unit);
    cJSON_AddNumberToObject(row, "median", (sorted[(runs - 1) / 2] + sorted[runs / 2]) / 2);
    cJSON_AddItemToObject(row, "runs", cJSON_CreateDoubleArray(values, (int)runs));
    cJSON_AddNumberToObject(row, "peak_rss_bytes", (double)peak_kib * 1024);
    return row;
}

static void print_row(const struct bench *bench, const cJSON *row) {
    char parameter[64];
    snprintf(parameter, sizeof parameter, "%s=%llu%s%s", bench->key,
             (unsigned long long)bench->parameter, bench->serialization == NULL ? "" : " ",
             bench->serialization == NULL ? "" : bench->serialization);
    printf("%-10s %-24s %14.1f %-14s peak %.0f MB\n", bench->name, parameter,
           cJSON_GetObjectItem(row, "median")->valuedouble, bench->unit,
           cJSON_GetObjectItem(row, "peak_rss_bytes")->valuedouble / 1e6);
    fflush(stdout);
}

enum { FLAG_RUNS, FLAG_JSON, FLAG_HELP, FLAG_COUNT };
static const struct flag FLAGS[FLAG_COUNT] = {
    [FLAG_RUNS] = {"--runs", "N", "runs of each, 1 to 100 (5); the figure is their median"},
    [FLAG_JSON] = {"--json", NULL,
                   "an array of {bench, params, unit, median, runs, peak_rss_bytes}"},
    [FLAG_HELP] = {"--help", NULL, "this text"},
};

static void help(void) {
    printf("Usage: mqsim bench [NAME...] [flags]\n\n"
           "Measures the simulator, each run in a process of its own. Names (all when none):\n\n");
    for (size_t i = 0; i < BENCH_COUNT; i++) {
        printf("  %-10s %-14s %s\n", BENCHES[i].name, BENCHES[i].unit, BENCHES[i].about);
    }
    printf("\n");
    flag_help(FLAGS, FLAG_COUNT);
}

/* Marks the benches of this name; false after a message when there is none. */
static bool choose(const char *name, bool chosen[BENCH_COUNT]) {
    struct nearest nearest;
    bool any = false;
    nearest_begin(&nearest, name);
    for (size_t i = 0; i < BENCH_COUNT; i++) {
        nearest_offer(&nearest, BENCHES[i].name);
        if (strcmp(BENCHES[i].name, name) == 0) {
            chosen[i] = any = true;
        }
    }
    if (!any) {
        fprintf(stderr, "mqsim bench: unknown bench \"%s\"; see mqsim bench --help%s\n", name,
                nearest_hint(&nearest));
    }
    return any;
}

static bool runs_of(const char *text, unsigned *runs) {
    uint64_t value;
    if (!flag_u64("bench", "--runs", text, &value)) {
        return false;
    }
    if (value < 1 || value > RUNS_MAX) {
        fprintf(stderr, "mqsim bench: --runs takes 1 to %d, not \"%s\"\n", RUNS_MAX, text);
        return false;
    }
    *runs = (unsigned)value;
    return true;
}

static int run_benches(const bool chosen[BENCH_COUNT], unsigned runs, bool json) {
    cJSON *rows = cJSON_CreateArray();
    int exit_code = EXIT_PASS;
    for (size_t i = 0; i < BENCH_COUNT; i++) {
        cJSON *row = chosen[i] ? measure(&BENCHES[i], runs) : NULL;
        if (row == NULL) {
            exit_code = chosen[i] ? EXIT_USAGE : exit_code;
            continue;
        }
        if (!json) {
            print_row(&BENCHES[i], row);
        }
        cJSON_AddItemToArray(rows, row);
    }
    if (json) {
        char *text = cJSON_Print(rows);
        puts(text);
        cJSON_free(text);
    }
    cJSON_Delete(rows);
    return exit_code;
}

int mqsim_bench(int argc, char **argv) {
    bool chosen[BENCH_COUNT] = {false}, json = false, named = false;
    unsigned runs = 5;
    const char *value;
    for (int i = 1; i < argc;) {
        switch (flag_next("bench", FLAGS, FLAG_COUNT, argc, argv, &i, &value)) {
        case FLAG_RUNS:
            if (!runs_of(value, &runs)) {
                return EXIT_USAGE;
            }
            break;
        case FLAG_JSON:
            json = true;
            break;
        case FLAG_HELP:
            help();
            return EXIT_PASS;
        case -1:
            if (!choose(value, chosen)) {
                return EXIT_USAGE;
            }
            named = true;
            break;
        default:
            return EXIT_USAGE;
        }
    }
    for (size_t i = 0; i < BENCH_COUNT && !named; i++) {
        chosen[i] = true;
    }
    return run_benches(chosen, runs, json);
}
