/* mqsim_run.c - `mqsim run`: flags, loading, replay commands. */
#define _GNU_SOURCE /* sigaction */
#include "sim/mqsim_run.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sim/mqsim.h"
#include "sim/report/run_dir.h"
#include "sim/run/sweep.h"
#include "sim/scenario/scenario_units.h"

volatile sig_atomic_t run_interrupted;

enum run_flag {
    RUN_SEED,
    RUN_SEEDS,
    RUN_JOBS,
    RUN_SET,
    RUN_OUT,
    RUN_JSON,
    RUN_KEEP,
    RUN_REWIND,
    RUN_STEPS,
    RUN_PNG,
    RUN_NO_PICTURES,
    RUN_LOG,
    RUN_HELP
};
static const struct flag FLAGS[] = {
    {"--seed", "N", "the seed of all draws; the scenario's when left out"},
    {"--seeds", "A..B", "a sweep: each seed from A to B"},
    {"--jobs", "J", "processes for a sweep (one for each processor)"},
    {"--set", "NAME=VALUE", "a parameter, or a member such as timeline.0.at; may be repeated"},
    {"--out", "DIR", "write a run directory, or one for the sweep"},
    {"--json", NULL, "print summary.json and nothing else on stdout"},
    {"--keep", NULL, "with a sweep and --out: a run directory for each run, not only for failures"},
    {"--rewind", "TIME", "save at TIME, run on, go back, run again: the hash must be the same"},
    {"--steps", NULL, "also record deliveries and timers in events.bin, for mqsim trace and diff"},
    {"--png", NULL, "pictures as PNG too"},
    {"--no-pictures", NULL, "no pictures"},
    {"--log", "LEVEL", "print what nodes log: error, warn, info or debug"},
    {"--help", NULL, "this text"},
};
#define FLAG_COUNT (sizeof FLAGS / sizeof FLAGS[0])

static void help(void) {
    puts("Usage: mqsim run FILE... [flags]\n\n"
         "Runs scenarios. With --seeds, with several files, or with a scenario that varies\n"
         "parameters, it is a sweep: every combination for every seed.\n");
    flag_help(FLAGS, FLAG_COUNT);
    puts("\nExit codes: 0 pass; 1 usage, or a scenario that does not load; 10 assertion or crash;\n"
         "11 safety; 12 liveness; 13 objective missed; 14 nondeterminism; 15 unknown. Of several\n"
         "runs: the first of 10, 14, 11, 12, 13, 15. Ctrl-C ends a run early: the summary covers\n"
         "what was done, says \"interrupted\", and the exit code is 15 unless it is another one.");
}

/* ---- flags ----------------------------------------------------------------------------------- */

static bool read_range(const char *text, struct run_command *command) {
    const char *dots = strstr(text, "..");
    uint64_t first, last;
    if (dots == NULL || span_to_u64(span_of(text, (size_t)(dots - text)), &first) != RMQ_OK ||
        span_to_u64(span_of_text(dots + 2), &last) != RMQ_OK || last < first ||
        last - first >= 1000000000) {
        fprintf(stderr, "mqsim run: --seeds is \"%s\"; expected a range such as 1..1000\n", text);
        return false;
    }
    command->is_range = true;
    command->first_seed = first;
    command->seed_count = last - first + 1;
    return true;
}

static bool read_jobs(const char *text, struct run_command *command) {
    uint64_t jobs;
    if (!flag_u64("run", "--jobs", text, &jobs))
        return false;
    if (jobs < 1 || jobs > SWEEP_JOBS_MAX) {
        fprintf(stderr, "mqsim run: --jobs is %s; expected 1 to %d\n", text, SWEEP_JOBS_MAX);
        return false;
    }
    command->jobs = (size_t)jobs;
    return true;
}

static bool read_rewind(const char *text, struct run_command *command) {
    int64_t ns;
    size_t at;
    char unit[16];
    if (unit_parse(&UNITS_DURATION, text, &ns, &at, unit) != UNIT_OK || ns <= 0) {
        fprintf(stderr, "mqsim run: --rewind is \"%s\"; expected %s\n", text,
                UNITS_DURATION.expected);
        return false;
    }
    command->rewind_ns = (uint64_t)ns;
    return true;
}

static bool read_log(const char *text) {
    static const char *const LEVELS[] = {"error", "warn", "info", "debug"};
    for (int i = 0; i < 4; i++) {
        if (strcmp(LEVELS[i], text) == 0) {
            world_set_log(stderr, i);
            return true;
        }
    }
    struct nearest nearest;
    fprintf(stderr, "mqsim run: --log is \"%s\"; expected error, warn, info or debug%s\n", text,
            nearest_of(&nearest, text, LEVELS, 4));
    return false;
}

/* False after a message. */
static bool read_flag(enum run_flag flag, const char *value, struct run_command *command) {
    switch (flag) {
    case RUN_SEED:
        command->has_seed = true;
        command->seed_count = 1;
        return flag_u64("run", "--seed", value, &command->first_seed);
    case RUN_SEEDS:
        return read_range(value, command);
    case RUN_JOBS:
        return read_jobs(value, command);
    case RUN_SET:
        command->sets[command->set_count++] = value;
        return true;
    case RUN_OUT:
        command->out = value;
        return true;
    case RUN_JSON:
        command->json = true;
        return true;
    case RUN_KEEP:
        command->keep = true;
        return true;
    case RUN_REWIND:
        return read_rewind(value, command);
    case RUN_STEPS:
        command->steps = true;
        return true;
    case RUN_PNG:
        command->report.png = true;
        return true;
    case RUN_NO_PICTURES:
        command->report.pictures = false;
        return true;
    case RUN_LOG:
        return read_log(value);
    case RUN_HELP:
        return true;
    }
    return false;
}

static bool check_flags(const struct run_command *command) {
    const char *wrong = NULL;
    if (command->file_count == 0)
        wrong = "no scenario; expected FILE...";
    else if (command->has_seed && command->is_range)
        wrong = "--seed and --seeds exclude each other";
    else if (command->keep && command->out == NULL)
        wrong = "--keep needs --out DIR";
    if (wrong != NULL)
        fprintf(stderr, "mqsim run: %s\n", wrong);
    return wrong == NULL;
}

/* 0: go on; else the exit code + 1. */
static int read_arguments(int argc, char **argv, struct run_command *command) {
    for (int i = 1; i < argc;) {
        const char *value;
        int flag = flag_next("run", FLAGS, FLAG_COUNT, argc, argv, &i, &value);
        if (flag == RUN_HELP) {
            help();
            return EXIT_PASS + 1;
        }
        if (flag == -1)
            command->files[command->file_count++] = value;
        else if (flag < 0 || !read_flag((enum run_flag)flag, value, command))
            return EXIT_USAGE + 1;
    }
    return check_flags(command) ? 0 : EXIT_USAGE + 1;
}

/* ---- loading --------------------------------------------------------------------------------- */

int run_failed(const char *what) {
    fprintf(stderr, "mqsim run: %s\n", what);
    return EXIT_USAGE;
}

int run_failed_out(const char *out, const char *what) {
    if (out == NULL)
        return run_failed(what);
    fprintf(stderr, "mqsim run: --out %s: %s\n", out, what);
    return EXIT_USAGE;
}

static void print_errors(const struct scenario_errors *errors) {
    for (size_t i = 0; i < errors->count; i++)
        fprintf(stderr, "%s\n", errors->text[i]);
    if (errors->more > 0)
        fprintf(stderr, "and %zu more errors\n", errors->more);
}

/* Loads all combinations of a file. */
static bool load_file(struct run_command *command, const char *file) {
    size_t len;
    char *text = file_read_whole(file, &len);
    if (text == NULL) {
        fprintf(stderr, "%s: cannot be read: %s\n", file, strerror(errno));
        return false;
    }
    size_t combinations = 1;
    bool ok = true;
    for (size_t i = 0; ok && i < combinations; i++) {
        struct scenario_errors errors = {.count = 0};
        struct scenario *scenario =
            scenario_load(file, text, len, command->sets, command->set_count, i, &errors);
        struct run_unit *units = realloc(command->units, (command->unit_count + 1) * sizeof *units);
        if (units != NULL)
            command->units = units;
        ok = scenario != NULL && units != NULL;
        if (scenario == NULL) {
            print_errors(&errors);
        } else if (units != NULL) {
            combinations = scenario->combination_count;
            units[command->unit_count++] = (struct run_unit){scenario, file};
        }
    }
    free(text);
    return ok;
}

/* ---- replay commands ------------------------------------------------------------------------- */

static void print_word(FILE *out, const char *word) {
    static const char PLAIN[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_./=:@%+,-";
    if (word[0] != 0 && word[strspn(word, PLAIN)] == 0) {
        fprintf(out, " %s", word);
        return;
    }
    fputs(" '", out);
    for (; *word != 0; word++)
        fputs(*word == '\'' ? "'\\''" : (char[]){*word, 0}, out);
    putc('\'', out);
}

/* Arguments that a run and a sweep have alike. */
static void print_options(FILE *out, const struct run_command *command) {
    char text[32];
    duration_print(command->rewind_ns, text);
    if (command->rewind_ns != 0)
        fprintf(out, " --rewind %s", text);
    for (size_t i = 0; i < command->set_count; i++) {
        fputs(" --set", out);
        print_word(out, command->sets[i]);
    }
}

char *replay_of_run(const struct run_command *command, const struct run_unit *unit, uint64_t seed) {
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    if (out == NULL)
        return NULL;
    fprintf(out, "%s run", mqsim_program);
    print_word(out, unit->file);
    fprintf(out, " --seed %" PRIu64, seed);
    print_options(out, command);
    for (size_t i = 0; i < unit->scenario->vary_count; i++) {
        fputs(" --set", out);
        print_word(out, unit->scenario->vary_sets[i]);
    }
    return fclose(out) == 0 ? text : NULL;
}

char *replay_of_sweep(const struct run_command *command) {
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    if (out == NULL)
        return NULL;
    fprintf(out, "%s run", mqsim_program);
    for (size_t i = 0; i < command->file_count; i++)
        print_word(out, command->files[i]);
    if (command->is_range)
        fprintf(out, " --seeds %" PRIu64 "..%" PRIu64, command->first_seed,
                command->first_seed + command->seed_count - 1);
    else if (command->has_seed)
        fprintf(out, " --seed %" PRIu64, command->first_seed);
    print_options(out, command);
    return fclose(out) == 0 ? text : NULL;
}

/* ---- progress, clock, signals ---------------------------------------------------------------- */

uint64_t clock_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void progress_print(const char *format, ...) {
    if (!isatty(STDERR_FILENO))
        return;
    va_list arguments;
    va_start(arguments, format);
    fputs("\r\033[K", stderr);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fflush(stderr);
}

bool progress_is_due(uint64_t *printed_ns) {
    uint64_t now_ns = clock_ns();
    if (now_ns - *printed_ns < 200000000)
        return false;
    *printed_ns = now_ns;
    return true;
}

void progress_clear(void) {
    if (isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
}

static void on_interrupt(int signal_number) {
    (void)signal_number;
    run_interrupted = 1;
    world_interrupt();
}

static void catch_interrupts(void) {
    struct sigaction action = {.sa_handler = on_interrupt}; /* no SA_RESTART: poll returns */
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

/* ---- mqsim run ------------------------------------------------------------------------------- */

static int run_units(const struct run_command *command) {
    if (command->unit_count == 1 && !command->is_range)
        return run_single(command, &command->units[0],
                          command->has_seed ? &command->first_seed : NULL, command->out, false);
    return run_sweep(command);
}

int mqsim_run(int argc, char **argv) {
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    struct run_command command = {
        .files = calloc((size_t)argc + 1, sizeof(char *)),
        .sets = calloc((size_t)argc + 1, sizeof(char *)),
        .seed_count = 1,
        .jobs = processors < 1                ? 1
                : processors > SWEEP_JOBS_MAX ? SWEEP_JOBS_MAX
                                              : (size_t)processors,
    };
    report_options_default(&command.report);
    int code = EXIT_USAGE + 1;
    if (command.files == NULL || command.sets == NULL)
        fputs("mqsim run: out of memory\n", stderr);
    else
        code = read_arguments(argc, argv, &command);
    bool ok = code == 0;
    for (size_t i = 0; ok && i < command.file_count; i++)
        ok = load_file(&command, command.files[i]);
    if (code == 0)
        code = EXIT_USAGE + 1;
    if (ok) {
        catch_interrupts();
        code = run_units(&command) + 1;
    }
    for (size_t i = 0; i < command.unit_count; i++)
        scenario_free(command.units[i].scenario);
    free(command.units);
    free(command.sets);
    free(command.files);
    return code - 1;
}
