/* sim/run/sweep.h - many runs by several processes.
 *
 * A sweep is units (a scenario, or one combination of its varied parameters) times seeds. Workers
 * are forks that take blocks of runs and send outcomes through pipes; a worker that dies is
 * reported as a crash of the run it was in, and another one goes on behind it. Outcomes come in any
 * order; what each run does depends on its unit and seed alone. */
#ifndef SIM_SWEEP_H
#define SIM_SWEEP_H

#include <signal.h>

#include "sim/judge/metrics.h"
#include "sim/run/run.h"

struct sweep_plan {
    struct scenario *const *units;
    size_t unit_count;
    bool own_seeds; /* each unit runs once, with its scenario's seed; seed_count is 1 */
    uint64_t first_seed, seed_count;
    size_t jobs; /* 1.. SWEEP_JOBS_MAX */
    uint64_t rewind_ns;
    const volatile sig_atomic_t *interrupted; /* set by a signal handler: stop soon */
    void (*before)(uint64_t index); /* called in the worker before each run; NULL but in tests */
};
#define SWEEP_JOBS_MAX 256

/* One run's outcome; valid until the callback returns. */
struct sweep_outcome {
    uint64_t index; /* unit * seed_count + place of the seed */
    size_t unit;
    uint64_t seed;
    const struct run_result *result; /* NULL: crashed */
    const char *crash;               /* "signal 11" */
    const struct run_fired *fired;
    const struct metric_sample *samples[METRIC_COUNT];
    size_t sample_counts[METRIC_COUNT];
};

struct sweep_listener {
    void (*outcome)(void *ctx, const struct sweep_outcome *outcome);
    void (*progress)(void *ctx, uint64_t done); /* a few times a second */
    void *ctx;
};
uint64_t sweep_seed(const struct sweep_plan *plan, uint64_t index);
/* False with *error when it could not be carried out; interrupted: true, with what was done. */
bool sweep_run(const struct sweep_plan *plan, const struct sweep_listener *listener,
               const char **error);

#endif
