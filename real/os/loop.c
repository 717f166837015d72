/* os/loop.c - the turns of a loop. */
#include <stdlib.h>
#include <sys/resource.h>

#include "real/os/env_internal.h"

/* ---- jobs ----------------------------------------------------------------------------------- */

void real_post(struct real_loop *loop, struct real_job *job, void (*run)(struct real_job *job)) {
    if (job->run != NULL)
        return;
    job->run = run;
    list_append(&loop->jobs, &job->link);
}

void real_unpost(struct real_job *job) {
    if (job->run == NULL)
        return;
    list_remove(&job->link);
    job->run = NULL;
}

/* Those posted by these come in the next turn, which does not wait. */
static void run_jobs(struct real_loop *loop) {
    struct list now, *first = loop->jobs.next;
    if (list_is_empty(&loop->jobs))
        return;
    list_remove(&loop->jobs); /* the same list, under another head */
    list_init(&now);
    list_insert_before(first, &now);
    while (!list_is_empty(&now)) {
        struct real_job *job = LIST_ENTRY(now.next, struct real_job, link);
        void (*run)(struct real_job *) = job->run;
        real_unpost(job);
        run(job);
    }
}

/* ---- a turn --------------------------------------------------------------------------------- */

static void end_turn(struct real_loop *loop) {
    while (!list_is_empty(&loop->active)) {
        struct env *env = LIST_ENTRY(loop->active.next, struct env, of_active);
        list_remove(&env->of_active);
        env->active = false;
        if (!env->gone)
            real_disk_turn_end(env);
    }
    real_net_turn_end(loop);
    LIST_EACH(&loop->ending, link, following) {
        real_node_reap(LIST_ENTRY(link, struct env, of_loop));
    }
}

static void turn(struct real_loop *loop, uint64_t wait_until_ns) {
    RMQ_ASSERT(!loop->in_turn);
    loop->in_turn = true;
    end_turn(loop); /* of what was done outside of turns */
    bool wait = wait_until_ns > 0 && list_is_empty(&loop->jobs) && !loop->stopping &&
                !real_timers_due(loop);
    if (wait)
        real_timers_arm(loop, wait_until_ns);
    uv_run(&loop->uv, wait ? UV_RUN_ONCE : UV_RUN_NOWAIT);
    real_timers_fire(loop);
    run_jobs(loop);
    end_turn(loop);
    if (!list_is_empty(&loop->jobs)) { /* writes that are done already: their answers go now */
        run_jobs(loop);
        end_turn(loop);
    }
    loop->in_turn = false;
}

void real_loop_turn(struct real_loop *loop, uint64_t wait_ns) {
    uint64_t now_ns = wait_ns == 0 ? 0 : real_clock_ns();
    turn(loop, wait_ns < INT64_MAX - now_ns ? now_ns + wait_ns : INT64_MAX);
}

static bool has_nodes(const struct real_loop *loop) {
    return !list_is_empty(&loop->nodes) || !list_is_empty(&loop->ending);
}

/* What the last words of nodes may take to be handed to the kernel when all are gone. */
#define LAST_WORDS_NS 3000000000ULL

void real_loop_run(struct real_loop *loop) {
    end_turn(loop); /* of what was done outside of turns: nodes may have ended already */
    while (has_nodes(loop) && !loop->stopping) {
        turn(loop, INT64_MAX);
    }
    uint64_t until_ns = real_clock_ns() + LAST_WORDS_NS;
    while (!loop->stopping && real_net_has_last_words(loop) && real_clock_ns() < until_ns) {
        turn(loop, until_ns);
    }
    loop->stopping = false;
}

void real_loop_stop(struct real_loop *loop) {
    loop->stopping = true;
}

/* ---- beginning and end ---------------------------------------------------------------------- */

static void on_wake(uv_async_t *wake) {
    struct real_loop *loop = wake->data;
    if (loop->on_wake != NULL)
        loop->on_wake(loop->on_wake_ctx);
}

void real_loop_wake(struct real_loop *loop) {
    uv_async_send(&loop->wake);
}

void real_loop_on_wake(struct real_loop *loop, void (*call)(void *ctx), void *ctx) {
    loop->on_wake = call;
    loop->on_wake_ctx = ctx;
}

/* As many descriptors as this process may have. */
static void raise_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static int init_parts(struct real_loop *loop) {
    loop->wake.data = loop;
    if (uv_async_init(&loop->uv, &loop->wake, on_wake) != 0)
        return RMQ_E_IO;
    int err = real_timers_init(loop);
    if (err == RMQ_OK) {
        err = real_net_init(loop);
        if (err != RMQ_OK)
            real_timers_deinit(loop);
    }
    if (err != RMQ_OK)
        uv_close((uv_handle_t *)&loop->wake, NULL);
    return err;
}

static void close_uv(struct real_loop *loop) {
    int err = UV_EBUSY;
    while (err == UV_EBUSY) { /* a resolver's answer may be under way */
        uv_run(&loop->uv, UV_RUN_ONCE);
        err = uv_loop_close(&loop->uv);
    }
    RMQ_ASSERT(err == 0);
}

int real_loop_create(struct real_loop **out) {
    struct real_loop *loop = calloc(1, sizeof *loop);
    if (loop == NULL)
        return RMQ_E_NOMEM;
    raise_limit();
    list_init(&loop->nodes);
    list_init(&loop->ending);
    list_init(&loop->active);
    list_init(&loop->jobs);
    if (uv_loop_init(&loop->uv) != 0) {
        free(loop);
        return RMQ_E_IO;
    }
    int err = init_parts(loop);
    if (err != RMQ_OK) {
        close_uv(loop);
        free(loop);
        return err;
    }
    *out = loop;
    return RMQ_OK;
}

void real_loop_free(struct real_loop *loop) {
    RMQ_ASSERT(list_is_empty(&loop->nodes)); /* real_node_free comes first */
    end_turn(loop);
    while (has_nodes(loop)) {
        turn(loop, INT64_MAX);
    }
    real_net_deinit(loop);
    run_jobs(loop); /* frees what went last */
    real_timers_deinit(loop);
    real_signals_deinit(loop);
    uv_close((uv_handle_t *)&loop->wake, NULL);
    close_uv(loop);
    free(loop);
}
