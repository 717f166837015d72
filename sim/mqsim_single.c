/* mqsim_single.c - one run in this process, with its directory. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/mqsim.h"
#include "sim/mqsim_run.h"
#include "sim/report/run_dir.h"
#include "sim/run/faults.h"
#include "sim/run/run.h"

/* What the run directory is told about the run before it begins. */
struct single {
    struct run_info info;
    char *effective, *replay;
    const char **nodes;
    struct run_fault_config *faults;
    char **targets;
};

static bool describe(struct single *single, const struct run_command *command,
                     const struct run_unit *unit, uint64_t seed) {
    const struct scenario *scenario = unit->scenario;
    const struct timeline_entry *entries = scenario->spec.timeline.items;
    size_t faults = scenario->spec.timeline.count;
    single->effective = scenario_effective(scenario);
    single->replay = replay_of_run(command, unit, seed);
    single->nodes = calloc(scenario->node_count + 1, sizeof *single->nodes);
    single->faults = calloc(faults + 1, sizeof *single->faults);
    single->targets = calloc(faults + 1, sizeof *single->targets);
    if (single->effective == NULL || single->replay == NULL || single->nodes == NULL ||
        single->faults == NULL || single->targets == NULL)
        return false;
    for (size_t i = 0; i < scenario->node_count; i++)
        single->nodes[i] = scenario->nodes[i].name;
    for (size_t i = 0; i < faults; i++) {
        single->targets[i] = timeline_target_text(scenario, &entries[i]);
        if (single->targets[i] == NULL)
            return false;
        single->faults[i] =
            (struct run_fault_config){(uint32_t)i, entries[i].kind->name, single->targets[i]};
    }
    single->info = (struct run_info){.scenario_json = single->effective,
                                     .seed = seed,
                                     .nodes = single->nodes,
                                     .node_count = scenario->node_count,
                                     .faults = single->faults,
                                     .fault_count = faults,
                                     .replay = single->replay};
    return true;
}

static void forget(struct single *single) {
    for (size_t i = 0; single->targets != NULL && i < single->info.fault_count; i++)
        free(single->targets[i]);
    free(single->targets);
    free(single->faults);
    free(single->nodes);
    free(single->replay);
    free(single->effective);
}

/* ---- crashes --------------------------------------------------------------------------------- */

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1 /* it has handlers of its own, which say more */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif

static char crash_text[1024]; /* made before the run: a signal handler cannot */

static void on_crash(int signal_number) {
    ssize_t written = write(STDERR_FILENO, crash_text, strlen(crash_text));
    (void)written;
    (void)signal_number;
    _exit(EXIT_CRASH);
}

/* A crash is an outcome too: it says how to run it again and has its exit code. */
static void guard(bool on, const char *replay) {
#ifndef SANITIZED
    static const int CRASHES[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    (void)snprintf(crash_text, sizeof crash_text, "mqsim run: crashed\nagain: %s\n", replay);
    for (size_t i = 0; i < sizeof CRASHES / sizeof CRASHES[0]; i++)
        (void)signal(CRASHES[i], on ? on_crash : SIG_DFL);
#else
    (void)on;
    (void)replay;
    (void)on_crash;
#endif
}

struct progress {
    const struct scenario *scenario;
    uint64_t printed_ns; /* by the clock of this machine */
};

static void on_progress(void *ctx, uint64_t now_ns) {
    struct progress *progress = ctx;
    const struct scenario *scenario = progress->scenario;
    if (!progress_is_due(&progress->printed_ns))
        return;
    progress_print("%s: %" PRIu64 " of %" PRIu64 " s", scenario->spec.name,
                   (uint64_t)(now_ns / WORLD_SECOND_NS),
                   (uint64_t)(scenario->spec.duration_ns / WORLD_SECOND_NS));
}

/* Runs with everything prepared; gives the exit code. */
static int execute(const struct run_command *command, struct run *run, struct single *single,
                   const char *out, bool quiet, struct scenario *scenario) {
    const char *error = NULL;
    struct run_dir *dir = run_dir_open(out, &single->info, command->steps, &error);
    struct run_result *result = calloc(1, sizeof *result);
    if (dir == NULL || result == NULL) {
        free(result);
        return run_failed_out(out, error == NULL ? "out of memory" : error);
    }
    struct progress progress = {scenario, 0};
    struct run_options options = {.seed = single->info.seed,
                                  .rewind_ns = command->rewind_ns,
                                  .sink = run_dir_sink(dir),
                                  .progress = quiet ? NULL : on_progress,
                                  .progress_ctx = &progress};
    uint64_t begin_ns = clock_ns();
    guard(true, single->replay);
    bool whole = run_execute(run, &options, result);
    guard(false, "");
    struct run_fired fired;
    run_fired(run, &fired);
    struct run_facts facts = {.wall_ns = clock_ns() - begin_ns,
                              .interrupted = !whole,
                              .fired = fired.kinds,
                              .fired_count = fired.count};
    progress_clear();
    if (!whole && result->exit_code == EXIT_PASS) { /* the rest may have failed */
        result->verdict = VERDICT_UNKNOWN;
        result->exit_code = EXIT_UNKNOWN;
    }
    int code = result->exit_code;
    char *summary = NULL;
    bool written =
        run_dir_finish(dir, run_judge(run), result, &facts, &command->report, &summary, &error);
    if (!written)
        code = run_failed_out(out, error);
    else if (error != NULL && !quiet)
        fprintf(stderr, "mqsim run: %s\n", error);
    if (summary != NULL && !quiet) {
        if (command->json)
            fputs(summary, stdout);
        else
            print_run_summary(stdout, summary);
        if (out != NULL && written)
            fprintf(command->json ? stderr : stdout, "written to %s\n", out);
    }
    free(summary);
    free(result);
    return code;
}

int run_single(const struct run_command *command, const struct run_unit *unit, const uint64_t *seed,
               const char *out, bool quiet) {
    const char *error;
    struct scenario *scenario = unit->scenario;
    struct run *run = run_open(scenario, &error);
    if (run == NULL)
        return run_failed(error);
    uint64_t chosen = seed != NULL ? *seed : scenario->spec.seed;
    struct single single = {.effective = NULL};
    int code;
    if (!run_prepare(run, chosen, &error))
        code = run_failed(error);
    else if (!describe(&single, command, unit, chosen))
        code = run_failed("out of memory");
    else
        code = execute(command, run, &single, out, quiet, scenario);
    forget(&single);
    run_close(run);
    return code;
}
