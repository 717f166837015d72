/* mqsim_sweep.c - a sweep from the command line: outcomes into its directory, and the directories
 * of runs that are worth one. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/mqsim.h"
#include "sim/mqsim_run.h"
#include "sim/report/run_dir.h"
#include "sim/run/sweep.h"

#define KEPT_FAILURES_MAX 10

struct kept_run {
    size_t unit;
    uint64_t seed;
};

struct sweeper {
    const struct run_command *command;
    struct sweep_dir *dir;
    const char **parameters; /* names, of all units */
    size_t parameter_count;
    uint64_t runs, failed, crashed, total, begin_ns, printed_ns;
    struct kept_run kept[KEPT_FAILURES_MAX];
    size_t kept_count;
    bool no_memory;
};

static const char *value_of(const struct scenario *scenario, const char *parameter) {
    for (size_t i = 0; i < scenario->vary_count; i++)
        if (strcmp(scenario->vary_names[i], parameter) == 0)
            return scenario->vary_values[i];
    return "";
}

static void on_outcome(void *ctx, const struct sweep_outcome *outcome) {
    struct sweeper *sweeper = ctx;
    const struct run_unit *unit = &sweeper->command->units[outcome->unit];
    const char *values[64];
    for (size_t i = 0; i < sweeper->parameter_count && i < 64; i++)
        values[i] = value_of(unit->scenario, sweeper->parameters[i]);
    struct sweep_samples metrics[METRIC_COUNT];
    for (int i = 0; i < METRIC_COUNT; i++)
        metrics[i] = (struct sweep_samples){METRIC_INFO[i].name, outcome->samples[i],
                                            outcome->sample_counts[i]};
    bool bad = outcome->result == NULL || outcome->result->exit_code != EXIT_PASS;
    char *replay = replay_of_run(sweeper->command, unit, outcome->seed);
    struct sweep_run run = {.index = outcome->index,
                            .scenario = unit->scenario->spec.name,
                            .values = values,
                            .seed = outcome->seed,
                            .result = outcome->result,
                            .crash = outcome->crash,
                            .metrics = metrics,
                            .metric_count = METRIC_COUNT,
                            .replay = replay,
                            .fired = outcome->fired == NULL ? NULL : outcome->fired->kinds,
                            .fired_count = outcome->fired == NULL ? 0 : outcome->fired->count};
    if (replay == NULL || !sweep_dir_add(sweeper->dir, &run))
        sweeper->no_memory = true;
    free(replay);
    sweeper->runs++;
    sweeper->failed += bad;
    sweeper->crashed += outcome->result == NULL;
    if (bad && sweeper->kept_count < KEPT_FAILURES_MAX)
        sweeper->kept[sweeper->kept_count++] = (struct kept_run){outcome->unit, outcome->seed};
}

static void on_progress(void *ctx, uint64_t done) {
    struct sweeper *sweeper = ctx;
    if (!progress_is_due(&sweeper->printed_ns))
        return;
    uint64_t spent_s = (clock_ns() - sweeper->begin_ns) / 1000000000u;
    uint64_t left_s = done == 0 ? 0 : spent_s * (sweeper->total - done) / done;
    progress_print("%" PRIu64 " of %" PRIu64 " runs, %" PRIu64 " not passed, %" PRIu64 " s left",
                   done, sweeper->total, sweeper->failed, left_s);
}

/* ---- directories of single runs -------------------------------------------------------------- */

/* Runs one again in a process of its own, since it may crash. */
static void keep_run(const struct run_command *command, size_t unit, uint64_t seed) {
    const struct run_unit *of = &command->units[unit];
    struct run_command quiet = *command;
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/runs/%s-%zu-%" PRIu64, command->out,
                   of->scenario->spec.name, of->scenario->combination, seed);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        _exit(run_single(&quiet, of, &seed, path, true));
    if (pid > 0)
        while (waitpid(pid, NULL, 0) < 0)
            continue;
}

static void keep_runs(struct sweeper *sweeper, const struct sweep_plan *plan) {
    const struct run_command *command = sweeper->command;
    if (command->out == NULL)
        return;
    for (size_t i = 0; !command->keep && i < sweeper->kept_count && !run_interrupted; i++)
        keep_run(command, sweeper->kept[i].unit, sweeper->kept[i].seed);
    if (!command->keep)
        return;
    for (uint64_t i = 0; i < sweeper->total && !run_interrupted; i++) {
        progress_print("keeping run %" PRIu64 " of %" PRIu64, i + 1, sweeper->total);
        keep_run(command, (size_t)(i / plan->seed_count), sweep_seed(plan, i));
    }
    progress_clear();
}

/* ---- the sweep ------------------------------------------------------------------------------- */

/* Names of all varied parameters, in order of appearance. */
static bool collect_parameters(struct sweeper *sweeper) {
    const struct run_command *command = sweeper->command;
    size_t room = 1;
    for (size_t i = 0; i < command->unit_count; i++)
        room += command->units[i].scenario->vary_count;
    sweeper->parameters = calloc(room, sizeof *sweeper->parameters);
    for (size_t i = 0; sweeper->parameters != NULL && i < command->unit_count; i++) {
        const struct scenario *scenario = command->units[i].scenario;
        for (size_t k = 0; k < scenario->vary_count; k++) {
            size_t known = 0;
            while (known < sweeper->parameter_count &&
                   strcmp(sweeper->parameters[known], scenario->vary_names[k]) != 0)
                known++;
            if (known == sweeper->parameter_count)
                sweeper->parameters[sweeper->parameter_count++] = scenario->vary_names[k];
        }
    }
    return sweeper->parameters != NULL && sweeper->parameter_count <= 64;
}

static int finish(struct sweeper *sweeper, const struct sweep_plan *plan) {
    const struct run_command *command = sweeper->command;
    struct run_facts facts = {.wall_ns = clock_ns() - sweeper->begin_ns,
                              .interrupted = run_interrupted != 0};
    char *summary = NULL;
    const char *error = NULL;
    int code = EXIT_USAGE;
    progress_clear();
    keep_runs(sweeper, plan);
    bool written =
        sweep_dir_finish(sweeper->dir, &facts, &command->report, &code, &summary, &error);
    if (!written)
        code = run_failed_out(command->out, error);
    else if (error != NULL)
        fprintf(stderr, "mqsim run: %s\n", error);
    if (summary != NULL) {
        if (command->json)
            fputs(summary, stdout);
        else
            print_sweep_summary(stdout, summary);
        if (command->out != NULL && written)
            fprintf(command->json ? stderr : stdout, "written to %s\n", command->out);
    }
    free(summary);
    return sweeper->no_memory ? run_failed("out of memory") : code;
}

static int sweep(struct sweeper *sweeper, const char *effective, const char *replay) {
    const struct run_command *command = sweeper->command;
    struct sweep_info info = {.scenario_json = effective,
                              .parameters = sweeper->parameters,
                              .parameter_count = sweeper->parameter_count,
                              .replay = replay};
    const char *error = NULL;
    sweeper->dir = sweep_dir_open(command->out, &info, &error);
    if (sweeper->dir == NULL)
        return run_failed_out(command->out, error);
    struct scenario **units = calloc(command->unit_count, sizeof(struct scenario *));
    if (units == NULL)
        return run_failed("out of memory");
    for (size_t i = 0; i < command->unit_count; i++)
        units[i] = command->units[i].scenario;
    struct sweep_plan plan = {.units = units,
                              .unit_count = command->unit_count,
                              .own_seeds = !command->is_range && !command->has_seed,
                              .first_seed = command->first_seed,
                              .seed_count = command->seed_count,
                              .jobs = command->jobs,
                              .rewind_ns = command->rewind_ns,
                              .interrupted = &run_interrupted};
    struct sweep_listener listener = {on_outcome, on_progress, sweeper};
    sweeper->total = plan.unit_count * plan.seed_count;
    sweeper->begin_ns = clock_ns();
    bool ok = sweep_run(&plan, &listener, &error);
    if (!ok)
        run_failed(error);
    int code = finish(sweeper, &plan);
    free(units);
    return ok ? code : EXIT_CRASH;
}

int run_sweep(const struct run_command *command) {
    struct sweeper *sweeper = calloc(1, sizeof *sweeper);
    char *effective = scenario_effective(command->units[0].scenario);
    char *replay = replay_of_sweep(command);
    int code;
    if (sweeper == NULL || effective == NULL || replay == NULL) {
        code = run_failed("out of memory");
    } else {
        sweeper->command = command;
        code = collect_parameters(sweeper) ? sweep(sweeper, effective, replay)
                                           : run_failed("too many varied parameters");
        free(sweeper->parameters);
    }
    free(replay);
    free(effective);
    free(sweeper);
    return code;
}
