/* os/env_internal.h - what the files of os/ share: the loop, the node, and how a handler is run.
 *
 * One turn of a loop, in this order: what file descriptors and the pool have ready (uv_run), timers
 * that are due, jobs, and the end of the turn, in which each node's file operations are submitted
 * and each connection's output is sent by one call. Only handlers (real_enter to real_leave) call
 * into the model; no handler runs inside another (E2, E5). */
#ifndef REAL_OS_ENV_INTERNAL_H
#define REAL_OS_ENV_INTERNAL_H

#include <netinet/in.h>
#include <signal.h>
#include <uv.h>

#include "model/base/check.h"
#include "model/base/list.h"
#include "real/os/job.h"
#include "real/os/net_internal.h"
#include "real/os/node.h"

/* ---- the loop ------------------------------------------------------------------------------- */

struct real_loop {
    uv_loop_t uv;
    struct env *current; /* whose handler runs; NULL between handlers */
    struct list nodes;   /* struct env, of_loop */
    struct list ending;  /* nodes that are gone and wait for the OS; of_loop */
    struct list active;  /* nodes whose handlers ran in this turn; of_active */
    struct list jobs;    /* struct real_job */
    bool stopping;
    bool in_turn;
    /* timers.c */
    struct env_timer *timers; /* root of the pairing heap */
    uint64_t timer_sequence;
    int timer_fd;
    uint64_t timer_fd_ns; /* what timer_fd is set to; UINT64_MAX: nothing */
    bool timer_fired;     /* timer_fd is readable until it is set again */
    uv_poll_t timer_poll;
    struct real_net net; /* net_internal.h */
    /* signals.c */
    uv_async_t wake;
    void (*on_wake)(void *ctx);
    void *on_wake_ctx;
    uv_signal_t terminate, interrupt, hangup;
    bool has_signals;
    bool terminated; /* the first SIGTERM or SIGINT was seen */
    void (*on_hangup)(void *ctx);
    void *on_hangup_ctx;
};

/* ---- the node ------------------------------------------------------------------------------- */

struct real_block; /* memory.c: the header of an allocation */
struct real_disk;  /* disk_internal.h */

struct env {
    struct real_loop *loop;
    struct list of_loop; /* nodes, or ending when it is gone */
    struct real_node_options options;
    char ip[ENV_ADDRESS_MAX];
    const struct role *role;
    void *node; /* what role->start gave */
    /* of the handler that runs (E1): 0 until asked for */
    uint64_t mono_ns;
    int64_t wall_ms;
    /* memory.c */
    struct list blocks;
    uint64_t memory_bytes;
    /* chance.c */
    uint64_t random[4];
    /* net.c */
    struct list conns;     /* struct env_conn, of_node */
    struct list listeners; /* struct env_listener, of_node */
    uint32_t conn_count;
    union real_address bind_address;
    /* disk*.c */
    struct real_disk *disk;
    /* node.c */
    bool exiting; /* env_exit was called: ends when the handler returns */
    bool gone;    /* its handlers have ended; its memory stays until the OS has let go of it */
    bool killed;  /* real_node_free, or its start failed */
    int status;
    bool active;
    struct list of_active;
};

/* A handler of `env` begins. Not when another runs; not for a node that is gone. */
void real_enter(struct env *env);
/* ... and ends. `env` may be about to go: it is not touched afterwards, nor what belongs to it. */
void real_leave(struct env *env);
/* Asserts that a handler of this node runs (env_ calls come from nowhere else). */
static inline void real_call(const struct env *env) {
    RMQ_ASSERT(env->loop->current == env);
}
/* The monotonic clock, outside of handlers. */
uint64_t real_clock_ns(void);
/* The first address of this host that is not loopback, else 127.0.0.1. */
void real_own_address(char out[ENV_ADDRESS_MAX]);
/* Frees a node that is gone and calls on_exit, if the OS has let go of its memory. */
void real_node_reap(struct env *env);

/* ---- parts, each in its own file ------------------------------------------------------------- */

/* timers.c. Fires what is due by one reading of the clock. */
int real_timers_init(struct real_loop *loop) RMQ_CHECK_RESULT;
void real_timers_deinit(struct real_loop *loop);
void real_timers_fire(struct real_loop *loop);
/* Before the loop waits: it wakes at the earliest deadline, and at `wait_until_ns`. */
void real_timers_arm(struct real_loop *loop, uint64_t wait_until_ns);
bool real_timers_due(const struct real_loop *loop);
/* Disarms all timers of a node that ended. */
void real_timers_drop(struct env *env);
/* Timers of the loop itself, outside of handlers; fired with env NULL. */
void real_timer_start(struct real_loop *loop, struct env_timer *timer, uint64_t delay_ns,
                      env_timer_fn *fire);
void real_timer_stop(struct env_timer *timer);

/* net*.c */
int real_net_init(struct real_loop *loop) RMQ_CHECK_RESULT;
void real_net_deinit(struct real_loop *loop);
void real_net_turn_end(struct real_loop *loop);
/* The node ended: its listeners close, its connections are delivered and closed, or reset. */
void real_net_drop(struct env *env, bool reset);
/* Fills in what the node's options leave open. RMQ_E_INVALID: bind_ip is no address. */
int real_net_options(struct env *env) RMQ_CHECK_RESULT;
/* A connection of a node that ended has bytes that the kernel did not take yet. */
bool real_net_has_last_words(const struct real_loop *loop);

void real_signals_deinit(struct real_loop *loop);

/* memory.c. Frees all of a node's blocks. */
void real_memory_drop(struct env *env);

/* chance.c. RMQ_E_IO: no random bytes. */
int real_chance_init(struct env *env) RMQ_CHECK_RESULT;

/* disk*.c. Makes env->disk (NULL before); RMQ_E_NOMEM, RMQ_E_IO. */
int real_disk_init(struct env *env) RMQ_CHECK_RESULT;
/* At the end of each turn, outside of handlers: submits what the handlers asked for. What is done
 * already is told by a posted job. */
void real_disk_turn_end(struct env *env);
/* The node ended (env->gone): nothing calls back any more, no new operation is started. True when
 * no operation is under way that could touch the node's memory: then everything of it is freed and
 * env->disk is NULL. While false it is asked again after each turn. */
bool real_disk_deinit(struct env *env);

#endif
