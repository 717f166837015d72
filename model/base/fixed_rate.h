/* base/fixed_rate.h - one worker that runs tasks at fixed rates, as Java's single-threaded
 * ScheduledThreadPoolExecutor does for brokers and clients (scheduleAtFixedRate).
 *
 * A task is due at first, first + period, first + 2 periods, ... whatever happened before. One task
 * runs at a time, and it lasts until its owner says fixed_rate_done(), in a later handler or at
 * once. What became due meanwhile (a slow task, a paused process) runs afterwards, in order of due
 * time, each after the former's end: no tick is lost or merged. measured.md: a broker that was
 * stopped sends every missed registration within a second of SIGCONT. Ties: the lower index first.
 *
 * One timer per worker, however many tasks. Owner: embedded in a node, tasks are the owner's. */
#ifndef MODEL_BASE_FIXED_RATE_H
#define MODEL_BASE_FIXED_RATE_H

#include "model/env.h"

typedef void fixed_rate_fn(void *ctx);

struct fixed_rate_task {
    fixed_rate_fn *run;
    uint64_t period_ns; /* > 0 */
    uint64_t due_ns;    /* of the run that is next or under way; before start: delay of the first */
    uint64_t early_ns;  /* the next run comes this much before it is due, once */
};

struct fixed_rate {
    struct env *env;
    struct fixed_rate_task *tasks;
    size_t count;
    void *ctx;
    struct fixed_rate_task *running; /* NULL while waiting */
    struct env_timer timer;
};

/* Starts `count` (> 0) tasks whose due_ns hold the delay of their first run, from now. The worker
 * and `tasks` stay put until fixed_rate_stop. */
void fixed_rate_start(struct fixed_rate *worker, struct env *env, struct fixed_rate_task *tasks,
                      size_t count, void *ctx);
/* The task behind the last one joins; its due_ns holds the delay of its first run from `origin_ns`
 * (the start), and it comes when its schedule says from now on. */
void fixed_rate_add(struct fixed_rate *worker, uint64_t origin_ns);
/* The running task has ended; the next one is started from a later handler. */
void fixed_rate_done(struct fixed_rate *worker);
/* How far the running task began behind its schedule. */
uint64_t fixed_rate_late_ns(const struct fixed_rate *worker);
/* The next run of waiting task `index` comes `early_ns` earlier (but not in the past), this once:
 * the schedule stays. */
void fixed_rate_hasten(struct fixed_rate *worker, size_t index, uint64_t early_ns);
/* Forgets everything; does nothing when never started. */
void fixed_rate_stop(struct fixed_rate *worker);

#endif
