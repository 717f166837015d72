/* os/node.h - nodes of this process: env.h over the operating system.
 *
 * A loop is one thread of control (a libuv loop, one timer queue) and may carry several nodes, as
 * mqload does with its clients; a daemon has one of each. Several loops, each in a thread of its
 * own, may run in one process; nothing is shared between them. Everything here is called in the
 * thread of its loop but for real_loop_wake.
 *
 * What the simulator does to a node by crash points, a signal does to this process: E4 needs no
 * code here. E1, E2, E3, E5 and E6 are kept and asserted. */
#ifndef REAL_OS_NODE_H
#define REAL_OS_NODE_H

#include "model/env.h"
#include "model/role.h"

struct real_loop;

/* RMQ_E_NOMEM, RMQ_E_IO (no descriptor left). */
int real_loop_create(struct real_loop **out) RMQ_CHECK_RESULT;
/* Turns until no node is left, or real_loop_stop was called. */
void real_loop_run(struct real_loop *loop);
/* One turn: what is due; waits for something at most `wait_ns` (0: does not wait). */
void real_loop_turn(struct real_loop *loop, uint64_t wait_ns);
/* real_loop_run returns after this turn. */
void real_loop_stop(struct real_loop *loop);
/* From any thread or signal handler: the turn that waits ends, and what real_loop_on_wake was given
 * is called in it. */
void real_loop_wake(struct real_loop *loop);
void real_loop_on_wake(struct real_loop *loop, void (*call)(void *ctx), void *ctx);
/* SIGTERM and SIGINT stop every node of this loop cleanly (role->stop); a second one ends the
 * process at once with status 1. `on_hangup` is called on SIGHUP (NULL: ignored). SIGPIPE is
 * ignored. At most one loop of a process. */
int real_loop_signals(struct real_loop *loop, void (*on_hangup)(void *ctx),
                      void *ctx) RMQ_CHECK_RESULT;
/* Its nodes are gone first (real_node_free). */
void real_loop_free(struct real_loop *loop);

struct real_node_options {
    /* env_identity; NULL: the first address of this host that is not loopback, 127.0.0.1 without
     * one. */
    const char *ip;
    /* Listeners bind this address; NULL: all. */
    const char *bind_ip;
    /* Bytes that env_alloc gives at most; 0: no limit. */
    uint64_t memory_limit;
    /* Bytes that wait for one connection before RMQ_E_FULL; 0: 1 MiB (remoting keeps more, with a
     * bound for all). All connections of a loop together keep 256 MiB. */
    uint64_t conn_pending_max;
    /* Accepted and dialled connections; 0: what RLIMIT_NOFILE leaves beside files. */
    uint32_t connections_max;
    /* Each may be NULL: dropped. Called in a handler; spans and text end with the call. `line` has
     * neither time nor level nor line end. */
    void (*on_log)(void *ctx, struct env *env, enum env_log_level level, const char *line);
    void (*on_event)(void *ctx, struct env *env, int kind, const struct event_value *values,
                     size_t count);
    /* The node has ended (env_exit); its env goes after this. Called between handlers, when its
     * file operations have ended: nothing of env.h may be called, clocks neither. Not called after
     * real_node_free, nor when role->start failed. */
    void (*on_exit)(void *ctx, struct env *env, int status);
    void *ctx;
};

/* Makes a node and runs role->start in its first handler. What start returned (then nothing is
 * left), RMQ_E_NOMEM. RMQ_OK does not say that the node lives on: start may have called env_exit
 * (a port in use, say); then on_exit comes with the status in a later turn, and *out is valid until
 * then as always. `role` NULL: a node without one, for programs that call the model's parts
 * themselves by real_node_call (mqadmin, tests). */
int real_node_start(struct real_loop *loop, const struct real_node_options *options,
                    const struct role *role, const struct props *config,
                    struct env **out) RMQ_CHECK_RESULT;
/* role->stop, role->command, or any function, in a handler of the node. */
void real_node_stop(struct env *env);
int real_node_command(struct env *env, const struct props *command) RMQ_CHECK_RESULT;
void real_node_call(struct env *env, void (*call)(void *ctx), void *ctx);
/* What role->start gave. */
void *real_node_role(const struct env *env);
/* Ends it without a word (as kill -9 would, but for this process): connections are reset, file
 * operations under way end first. */
void real_node_free(struct env *env);

/* Bytes of env_alloc in use. */
uint64_t real_node_memory(const struct env *env);

#endif
