/* env_fake_time.c - clocks and timers of the fake node. */
#include "model/tests/env_fake_internal.h"

/* ---- clocks ------------------------------------------------------------------------------------
 */

uint64_t env_mono_ns(const struct env *env) {
    fake_call(env);
    return env->mono_ns;
}

int64_t env_wall_ms(const struct env *env) {
    fake_call(env);
    return (int64_t)(env->mono_ns / 1000000) + env->wall_offset_ms;
}

int env_utc_offset_min(const struct env *env) {
    fake_call(env);
    return env->utc_offset_min;
}

void fake_set_wall_ms(struct env *env, int64_t ms) {
    fake_outside_handler(env);
    env->wall_offset_ms = ms - (int64_t)(env->mono_ns / 1000000);
}

void fake_set_utc_offset_min(struct env *env, int minutes) {
    fake_outside_handler(env);
    env->utc_offset_min = minutes;
}

/* ---- timers ------------------------------------------------------------------------------------
 */

static size_t index_of(const struct env *env, const struct env_timer *timer) {
    size_t index = 0;
    while (index < env->timer_count && env->timers[index].timer != timer) {
        index++;
    }
    return index;
}

static bool fires_before(const struct fake_armed *a, const struct fake_armed *b) {
    return a->deadline_ns != b->deadline_ns ? a->deadline_ns < b->deadline_ns
                                            : a->sequence < b->sequence;
}

/* The timer's own fields are as env_timer_start left them (E3). */
static void check_armed(const struct env *env, const struct fake_armed *armed) {
    RMQ_ASSERT(armed->timer->fire != NULL);
    RMQ_ASSERT(armed->timer->env == env);
    RMQ_ASSERT(armed->timer->deadline_ns == armed->deadline_ns);
    RMQ_ASSERT(armed->timer->slot[0] == armed->sequence);
}

static void disarm(struct env *env, size_t index) {
    struct env_timer *timer = env->timers[index].timer;
    check_armed(env, &env->timers[index]);
    env->timers[index] = env->timers[--env->timer_count];
    timer->fire = NULL;
}

void env_timer_start(struct env *env, struct env_timer *timer, uint64_t delay_ns,
                     env_timer_fn *fire) {
    fake_call(env);
    RMQ_ASSERT(fire != NULL);
    RMQ_ASSERT(delay_ns <= UINT64_MAX - env->mono_ns);
    size_t index = index_of(env, timer);
    if (index < env->timer_count) {
        disarm(env, index);
    }
    RMQ_ASSERT(timer->fire == NULL); /* zero-initialised before first use */
    timer->fire = fire;
    timer->env = env;
    timer->deadline_ns = env->mono_ns + delay_ns;
    timer->slot[0] = ++env->timer_sequence;
    env->timers =
        fake_grow(env->timers, env->timer_count, &env->timer_capacity, sizeof *env->timers);
    env->timers[env->timer_count++] =
        (struct fake_armed){timer, timer->deadline_ns, env->timer_sequence};
}

void env_timer_stop(struct env *env, struct env_timer *timer) {
    fake_call(env);
    size_t index = index_of(env, timer);
    if (index < env->timer_count) {
        disarm(env, index);
    }
    RMQ_ASSERT(timer->fire == NULL);
}

void fake_timers_drop(struct env *env) {
    env->timer_count = 0;
}

void fake_timers_check_free(const struct env *env, const void *start, size_t size) {
    uintptr_t low = (uintptr_t)start;
    for (size_t i = 0; i < env->timer_count; i++) {
        uintptr_t at = (uintptr_t)env->timers[i].timer;
        RMQ_ASSERT(at < low || at >= low + size); /* its owner dies with an armed timer */
    }
}

/* The timer that fires next, or NULL. */
static const struct fake_armed *first_armed(const struct env *env) {
    const struct fake_armed *first = NULL;
    for (size_t i = 0; i < env->timer_count; i++) {
        if (first == NULL || fires_before(&env->timers[i], first)) {
            first = &env->timers[i];
        }
    }
    return first;
}

size_t fake_timer_count(const struct env *env) {
    return env->timer_count;
}

const struct env_timer *fake_timer(const struct env *env, size_t index) {
    const struct env_timer *found = NULL;
    for (size_t i = 0; i < env->timer_count; i++) {
        size_t before = 0;
        for (size_t k = 0; k < env->timer_count; k++) {
            before += fires_before(&env->timers[k], &env->timers[i]);
        }
        found = before == index ? env->timers[i].timer : found;
    }
    RMQ_ASSERT(found != NULL); /* index < fake_timer_count */
    return found;
}

uint64_t fake_next_deadline_ns(const struct env *env) {
    const struct fake_armed *first = first_armed(env);
    return first == NULL ? UINT64_MAX : first->deadline_ns;
}

static void run_fire(const struct fake_step *step) {
    step->fire(step->env, step->timer);
}

/* Fires the first timer if it is due now. */
static bool fire_due(struct env *env) {
    const struct fake_armed *first = first_armed(env);
    if (first == NULL || first->deadline_ns > env->mono_ns) {
        return false;
    }
    struct env_timer *timer = first->timer;
    struct fake_step step = {.env = env, .timer = timer, .fire = timer->fire};
    RMQ_ASSERT(fires_before(&env->last_fired, first)); /* E3 */
    env->last_fired = *first;
    disarm(env, (size_t)(first - env->timers));
    fake_run(run_fire, &step);
    return true;
}

void fake_settle(struct env *env) {
    fake_outside_handler(env);
    while (fake_net_settle(env) || fake_files_settle(env) || fire_due(env)) {
    }
}

void fake_advance(struct env *env, uint64_t ns) {
    fake_outside_handler(env);
    uint64_t end = env->mono_ns + ns;
    fake_settle(env);
    while (fake_next_deadline_ns(env) <= end) {
        env->mono_ns = fake_next_deadline_ns(env);
        fake_settle(env);
    }
    env->mono_ns = end;
}

bool fake_advance_to_timer(struct env *env) {
    fake_settle(env);
    uint64_t deadline = fake_next_deadline_ns(env);
    if (deadline == UINT64_MAX) {
        return false;
    }
    fake_advance(env, deadline - env->mono_ns);
    return true;
}

void fake_pause(struct env *env, uint64_t ns) {
    fake_outside_handler(env);
    env->mono_ns += ns;
    fake_settle(env);
}
