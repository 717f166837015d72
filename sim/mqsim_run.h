/* sim/mqsim_run.h - shared by the files of `mqsim run`. */
#ifndef SIM_MQSIM_RUN_H
#define SIM_MQSIM_RUN_H

#include <signal.h>
#include <stdio.h>

#include "sim/report/report.h"
#include "sim/scenario/scenario.h"

/* A scenario of this call: a file, or one combination of its varied parameters. */
struct run_unit {
    struct scenario *scenario;
    const char *file; /* as given */
};

struct run_command {
    const char **files;
    size_t file_count;
    const char **sets;
    size_t set_count;
    bool has_seed, is_range;
    uint64_t first_seed, seed_count;
    size_t jobs;
    uint64_t rewind_ns;
    const char *out;
    bool json, keep, steps;
    struct report_options report;
    struct run_unit *units;
    size_t unit_count;
};

/* Set by Ctrl-C. */
extern volatile sig_atomic_t run_interrupted;

/* One run in this process. `seed` NULL: the scenario's own. `out` NULL: no directory. With `quiet`
 * nothing is printed. */
int run_single(const struct run_command *command, const struct run_unit *unit, const uint64_t *seed,
               const char *out, bool quiet);
int run_sweep(const struct run_command *command);

/* Says what went wrong (with --out: where) on stderr; gives EXIT_USAGE. */
int run_failed(const char *what);
int run_failed_out(const char *out, const char *what);

/* "mqsim run FILE --seed 7 --set a=b": runs just this one. For free(). */
char *replay_of_run(const struct run_command *command, const struct run_unit *unit, uint64_t seed);
char *replay_of_sweep(const struct run_command *command);

/* Verdicts, figures and the replay command of a summary.json, for people. */
void print_run_summary(FILE *out, const char *summary);
void print_sweep_summary(FILE *out, const char *summary);

/* A line that overwrites itself; nothing when stderr is no terminal. */
void progress_print(const char *format, ...) __attribute__((format(printf, 1, 2)));
void progress_clear(void);
/* A few times a second: true, and *printed_ns is now. */
bool progress_is_due(uint64_t *printed_ns);
uint64_t clock_ns(void);

#endif
