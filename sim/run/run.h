/* sim/run/run.h - one scenario, run for one seed after the other.
 *
 * The world is built once and snapshot at time 0 with its judge; a run restores it, sets the seed,
 * settles what is drawn, schedules the timeline, and runs to the end. Nothing is parsed or written
 * on the way. One per process at a time: the world's arena is the process's. */
#ifndef SIM_RUN_H
#define SIM_RUN_H

#include "sim/judge/judge.h"
#include "sim/report/summary.h"
#include "sim/scenario/scenario.h"

struct run;
/* Ready to run; `scenario` must outlive it. NULL and *error (static, or of the oracle that refused
 * its parameters, valid until the next run_open). */
struct run *run_open(struct scenario *scenario, const char **error);
void run_close(struct run *run);

/* What fired: the kinds of the timeline, and chop, corruption, loss, what disks did, buggify,
 * json-header, binary-header, snapshot when the run can have them; 0 times: configured, but it
 * never did. */
#define RUN_FIRED_MAX 64
struct run_fired {
    size_t count;
    struct fired_count kinds[RUN_FIRED_MAX]; /* names are static */
};

struct run_options {
    uint64_t seed;
    uint64_t rewind_ns; /* not 0: save there, run to the end, go back, run again: the same hash */
    struct record_sink *sink; /* NULL: none */
    /* Called now and then with the simulated time; NULL: nobody is told. */
    void (*progress)(void *ctx, uint64_t now_ns);
    void *progress_ctx;
};

/* Steps of a run, so that a caller can set up a sink for what is settled:
 * run_prepare, then run_execute. */
bool run_prepare(struct run *run, uint64_t seed, const char **error);
/* False: interrupted; *result is of what happened until then. */
bool run_execute(struct run *run, const struct run_options *options, struct run_result *result);
/* Of the last run: valid until the next run_prepare. */
const struct judge *run_judge(const struct run *run);
struct world *run_world(const struct run *run);
void run_fired(const struct run *run, struct run_fired *out);

#endif
