/* base/fixed_rate.c - see fixed_rate.h. */
#include "model/base/fixed_rate.h"

#include "model/base/check.h"

static uint64_t start_ns(const struct fixed_rate_task *task) {
    return task->due_ns - task->early_ns;
}

static struct fixed_rate_task *next_task(const struct fixed_rate *worker) {
    struct fixed_rate_task *best = &worker->tasks[0];
    for (size_t i = 1; i < worker->count; i++) {
        if (start_ns(&worker->tasks[i]) < start_ns(best))
            best = &worker->tasks[i];
    }
    return best;
}

static void on_timer(struct env *env, struct env_timer *timer) {
    struct fixed_rate *worker = RMQ_CONTAINER_OF(timer, struct fixed_rate, timer);
    RMQ_ASSERT(worker->env == env && worker->running == NULL);
    worker->running = next_task(worker);
    RMQ_ASSERT(start_ns(worker->running) <= env_mono_ns(env));
    worker->running->early_ns = 0;
    worker->running->run(worker->ctx);
}

static void wait_for_next(struct fixed_rate *worker) {
    uint64_t now = env_mono_ns(worker->env);
    uint64_t due = start_ns(next_task(worker));
    env_timer_start(worker->env, &worker->timer, due > now ? due - now : 0, on_timer);
}

void fixed_rate_start(struct fixed_rate *worker, struct env *env, struct fixed_rate_task *tasks,
                      size_t count, void *ctx) {
    RMQ_ASSERT(count > 0);
    *worker = (struct fixed_rate){.env = env, .tasks = tasks, .count = count, .ctx = ctx};
    for (size_t i = 0; i < count; i++) {
        RMQ_ASSERT(tasks[i].period_ns > 0);
        tasks[i].due_ns += env_mono_ns(env);
        tasks[i].early_ns = 0;
    }
    wait_for_next(worker);
}

void fixed_rate_add(struct fixed_rate *worker, uint64_t origin_ns) {
    struct fixed_rate_task *task = &worker->tasks[worker->count++];
    uint64_t now = env_mono_ns(worker->env);
    RMQ_ASSERT(task->period_ns > 0 && origin_ns <= now);
    task->due_ns += origin_ns;
    task->early_ns = 0;
    if (task->due_ns < now)
        task->due_ns +=
            (now - task->due_ns + task->period_ns - 1) / task->period_ns * task->period_ns;
    if (worker->running == NULL)
        wait_for_next(worker);
}

void fixed_rate_done(struct fixed_rate *worker) {
    RMQ_ASSERT(worker->running != NULL);
    worker->running->due_ns += worker->running->period_ns;
    worker->running = NULL;
    wait_for_next(worker);
}

uint64_t fixed_rate_late_ns(const struct fixed_rate *worker) {
    RMQ_ASSERT(worker->running != NULL);
    uint64_t now = env_mono_ns(worker->env);
    return now > worker->running->due_ns ? now - worker->running->due_ns : 0;
}

void fixed_rate_hasten(struct fixed_rate *worker, size_t index, uint64_t early_ns) {
    struct fixed_rate_task *task = &worker->tasks[index];
    RMQ_ASSERT(index < worker->count && worker->running == NULL);
    RMQ_ASSERT(early_ns <= task->due_ns);
    task->early_ns = early_ns;
    wait_for_next(worker);
}

void fixed_rate_stop(struct fixed_rate *worker) {
    if (worker->env == NULL)
        return;
    env_timer_stop(worker->env, &worker->timer);
    *worker = (struct fixed_rate){0};
}
