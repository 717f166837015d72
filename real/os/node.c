/* os/node.c - the life of a node, and the frame of each of its handlers. */
#include <stdio.h>
#include <stdlib.h>

#include "real/os/env_internal.h"

/* ---- handlers ------------------------------------------------------------------------------- */

void real_enter(struct env *env) {
    struct real_loop *loop = env->loop;
    RMQ_ASSERT(loop->current == NULL); /* E2, E5: no handler runs inside another */
    RMQ_ASSERT(!env->gone);
    loop->current = env;
    env->mono_ns = 0;
    env->wall_ms = 0;
    if (!env->active) {
        env->active = true;
        list_append(&loop->active, &env->of_active);
    }
}

/* Handlers have ended; memory stays until the OS has let go of it (real_node_reap). */
static void retire(struct env *env) {
    env->gone = true;
    real_timers_drop(env);
    real_net_drop(env, env->killed);
    list_remove(&env->of_loop);
    list_append(&env->loop->ending, &env->of_loop);
}

void real_leave(struct env *env) {
    RMQ_ASSERT(env->loop->current == env);
    env->loop->current = NULL;
    if (env->exiting)
        retire(env);
}

void env_exit(struct env *env, int status) {
    real_call(env);
    env->status = status;
    env->exiting = true;
}

/* ---- beginning and end ---------------------------------------------------------------------- */

static void free_node(struct env *env) {
    if (env->active)
        list_remove(&env->of_active);
    list_remove(&env->of_loop);
    real_memory_drop(env);
    free(env);
}

void real_node_reap(struct env *env) {
    RMQ_ASSERT(env->gone);
    if (!real_disk_deinit(env))
        return;
    RMQ_ASSERT(env->disk == NULL);
    if (!env->killed && env->options.on_exit != NULL)
        env->options.on_exit(env->options.ctx, env, env->status);
    free_node(env);
}

static struct env *new_node(struct real_loop *loop, const struct real_node_options *options) {
    struct env *env = calloc(1, sizeof *env);
    if (env == NULL)
        return NULL;
    env->loop = loop;
    env->options = *options;
    if (options->ip != NULL) {
        snprintf(env->ip, sizeof env->ip, "%s", options->ip);
    } else {
        real_own_address(env->ip);
    }
    list_init(&env->blocks);
    list_init(&env->conns);
    list_init(&env->listeners);
    list_init(&env->of_active);
    list_append(&loop->nodes, &env->of_loop);
    return env;
}

static int init_parts(struct env *env) {
    int err = real_net_options(env);
    if (err == RMQ_OK)
        err = real_chance_init(env);
    if (err == RMQ_OK)
        err = real_disk_init(env);
    return err;
}

static int start_role(struct env *env, const struct props *config) {
    if (env->role == NULL)
        return RMQ_OK;
    real_enter(env);
    int err = env->role->start(env, config, &env->node);
    if (err != RMQ_OK) {
        env->exiting = true;
        env->killed = true;
    }
    real_leave(env);
    return err;
}

int real_node_start(struct real_loop *loop, const struct real_node_options *options,
                    const struct role *role, const struct props *config, struct env **out) {
    static const struct real_node_options DEFAULTS;
    struct env *env = new_node(loop, options == NULL ? &DEFAULTS : options);
    if (env == NULL)
        return RMQ_E_NOMEM;
    env->role = role;
    int err = init_parts(env);
    if (err != RMQ_OK) {
        free_node(env);
        return err;
    }
    err = start_role(env, config);
    if (err == RMQ_OK)
        *out = env;
    return err;
}

/* ---- orders from the program ---------------------------------------------------------------- */

void real_node_stop(struct env *env) {
    if (env->gone)
        return;
    real_enter(env);
    if (env->role != NULL && env->node != NULL) {
        env->role->stop(env->node);
    } else {
        env_exit(env, 0);
    }
    real_leave(env);
}

int real_node_command(struct env *env, const struct props *command) {
    RMQ_ASSERT(env->role != NULL);
    if (env->role->command == NULL)
        return RMQ_E_INVALID;
    real_enter(env);
    int err = env->role->command(env->node, command);
    real_leave(env);
    return err;
}

void real_node_call(struct env *env, void (*call)(void *ctx), void *ctx) {
    real_enter(env);
    call(ctx);
    real_leave(env);
}

void *real_node_role(const struct env *env) {
    return env->node;
}

void real_node_free(struct env *env) {
    RMQ_ASSERT(env->loop->current != env);
    env->killed = true;
    if (!env->gone)
        retire(env);
}
