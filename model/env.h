/* env.h - the only door between a state machine and the world.
 *
 * One opaque `struct env` per node. sim/ implements it over a virtual world, real/ over the
 * operating system, model/tests/env_fake for unit tests; which one is chosen at link time.
 *
 * Rules that every implementation keeps and asserts:
 *   E1  Time is frozen while a handler runs: env_mono_ns and env_wall_ms give one value each.
 *   E2  No env_ call calls back before it returns.
 *   E3  Timers fire in order of (deadline, start), never early by the node's own monotonic clock.
 *   E4  Every env_ call is a crash point: in the simulator the world may end the node inside one
 *       and drop its memory whole. A state machine keeps nothing outside its env.
 *   E5  A handler runs to completion, never blocks, and never calls another node.
 *   E6  After env_conn_close (or the on_close callback) a connection handle is gone: no further
 *       callback carries it, and no env_conn_ function takes it.
 * A "handler" is one invocation of a timer, connection, listener or role function. */
#ifndef MODEL_ENV_H
#define MODEL_ENV_H

#include "model/base/err.h"
#include "model/base/span.h"

struct env;

/* ---- time ---------------------------------------------------------------------------------- */

/* Monotonic nanoseconds of this node; never steps. Deadlines use this. Never 0. */
uint64_t env_mono_ns(const struct env *env);
/* Wall clock, milliseconds since 1970 UTC; may step or drift. Only stored or sent, never ordered
 * by. */
int64_t env_wall_ms(const struct env *env);
/* Local time minus UTC, minutes. */
int env_utc_offset_min(const struct env *env);

/* ---- timers -------------------------------------------------------------------------------- */

struct env_timer;
typedef void env_timer_fn(struct env *env, struct env_timer *timer);

/* Embedded in its owner, which finds itself by RMQ_CONTAINER_OF; zero-initialised before first use.
 * Must stay put while armed; an owner that dies with an armed timer is a bug of ours. */
struct env_timer {
    env_timer_fn *fire;   /* NULL when not armed */
    uint64_t deadline_ns; /* by env_mono_ns */
    struct env *env;
    uint64_t slot[7]; /* the implementation's */
};

/* Arms `timer` to fire once, `delay_ns` from now (0: in a later handler at this same time). An
 * armed timer is re-armed, and counts as started now. */
void env_timer_start(struct env *env, struct env_timer *timer, uint64_t delay_ns,
                     env_timer_fn *fire);
/* Does nothing when not armed. */
void env_timer_stop(struct env *env, struct env_timer *timer);
static inline bool env_timer_armed(const struct env_timer *timer) {
    return timer->fire != NULL;
}

/* ---- streams ------------------------------------------------------------------------------- */

/* An ordered byte stream, like TCP: bytes arrive in any split. */
struct env_conn;
struct env_listener;

struct env_conn_handler {
    /* A dialled connection is established. Not called for accepted ones. */
    void (*on_open)(struct env_conn *conn, void *ctx);
    /* Bytes arrived, in order; valid until return. The handler takes them all (or closes). */
    void (*on_data)(struct env_conn *conn, void *ctx, struct span bytes);
    /* After RMQ_E_FULL: half of the bound is free again. */
    void (*on_drain)(struct env_conn *conn, void *ctx);
    /* The end, once, unless we closed first. `reason`: RMQ_E_CLOSED (orderly, FIN), RMQ_E_RESET,
     * RMQ_E_TIMEOUT (peer did not acknowledge), and for a dial that never opened RMQ_E_REFUSED,
     * RMQ_E_TIMEOUT, RMQ_E_UNREACHABLE, RMQ_E_INVALID (address does not parse or resolve). */
    void (*on_close)(struct env_conn *conn, void *ctx, int reason);
};

/* A connection was accepted. The callee binds it (env_conn_bind) or closes it before return. */
typedef void env_accept_fn(struct env_listener *listener, void *ctx, struct env_conn *conn);

/* Listens on `port` of this node's address; port 0 picks a free one. RMQ_E_IN_USE, RMQ_E_NOMEM. */
int env_listen(struct env *env, uint16_t port, env_accept_fn *accept, void *ctx,
               struct env_listener **out) RMQ_CHECK_RESULT;
uint16_t env_listener_port(const struct env_listener *listener);
/* Stops accepting; accepted connections live on. */
void env_listener_close(struct env_listener *listener);

/* Dials "host:port". Can hang for minutes: the caller keeps its own timer. The result comes as
 * on_open or on_close. RMQ_E_NOMEM, RMQ_E_FULL (too many connections) at once. */
int env_dial(struct env *env, struct span address, const struct env_conn_handler *handler,
             void *ctx, struct env_conn **out) RMQ_CHECK_RESULT;
/* Sets (or replaces) who gets the callbacks. */
void env_conn_bind(struct env_conn *conn, const struct env_conn_handler *handler, void *ctx);
/* Queues all spans as one run of bytes; they are copied or sent before return. RMQ_E_FULL: nothing
 * queued, wait for on_drain. RMQ_E_CLOSED: not open (yet). */
int env_conn_write(struct env_conn *conn, const struct span *spans, size_t count) RMQ_CHECK_RESULT;
/* Stops and resumes on_data; the peer feels it as back-pressure. */
void env_conn_pause(struct env_conn *conn);
void env_conn_resume(struct env_conn *conn);
/* Bytes accepted by env_conn_write and not yet handed to the peer's kernel. */
size_t env_conn_pending(const struct env_conn *conn);
/* Ends it: what was written is still delivered, then FIN. No further callback. */
void env_conn_close(struct env_conn *conn);
/* Remote "ip:port" into `out` (>= ENV_ADDRESS_MAX, NUL-terminated). */
#define ENV_ADDRESS_MAX 64
void env_conn_peer(const struct env_conn *conn, char out[ENV_ADDRESS_MAX]);

/* ---- chance -------------------------------------------------------------------------------- */

/* 64 random bits: seeded in the simulator, from the OS in real/. Never two in one expression. */
uint64_t env_random(struct env *env);
/* Uniform in [0, bound), bound > 0, without modulo bias. */
uint64_t env_random_below(struct env *env, uint64_t bound);

/* Rare but legal behaviour (buggify) and planted bugs (plant). Constant false in real/. */
#define ENV_BUGGIFY_POINTS(X)                                                            \
    X(BUGGIFY_NAMESRV_ANSWER_LATE, "namesrv.answer_late", "a route answer waits 200 ms") \
    X(BUGGIFY_CLIENT_POLL_EARLY, "client.poll_early", "a route poll comes 1 s early")
#define ENV_PLANT_POINTS(X)                                                                \
    X(PLANT_NAMESRV_SCAN_NEVER, "namesrv.scan_never", "the expiry scan never runs")        \
    X(PLANT_NAMESRV_EVICT_EARLY, "namesrv.evict_early", "the scan evicts after 60 s")      \
    X(PLANT_NAMESRV_KEEP_TOPICS, "namesrv.keep_topics", "an evicted broker's topics stay") \
    X(PLANT_NAMESRV_KEEP_CLOSED, "namesrv.keep_closed",                                    \
      "a broker whose connection closes stays listed")                                     \
    X(PLANT_NAMESRV_CLOSE_TAKES_ALL, "namesrv.close_takes_all",                            \
      "a closed connection removes all brokers")                                           \
    X(PLANT_NAMESRV_PERM_RETURNS, "namesrv.perm_returns",                                  \
      "each registration brings a wiped write permission back")                            \
    X(PLANT_BROKER_REGISTER_FIRST_ONLY, "broker.register_first_only",                      \
      "registers with the first name server only")                                         \
    X(PLANT_BROKER_REGISTER_SERIALLY, "broker.register_serially",                          \
      "registers with a name server when the one before has answered")                     \
    X(PLANT_BROKER_STOP_REGISTERING, "broker.stop_registering",                            \
      "registers five times, then never")                                                  \
    X(PLANT_BROKER_SKIP_MISSED, "broker.skip_missed",                                      \
      "never sends the registrations that it missed in a pause")                           \
    X(PLANT_CLIENT_KEEP_ROUTE, "client.keep_route",                                        \
      "a cached route is never replaced by one with fewer brokers")                        \
    X(PLANT_CLIENT_RECONNECT, "client.reconnect",                                          \
      "opens a new connection for each request to a name server")                          \
    X(PLANT_CLIENT_STOP_POLLING, "client.stop_polling", "polls five times, then never")
enum env_buggify_id {
#define ENV_ENUM(id, name, about) id,
    ENV_BUGGIFY_POINTS(ENV_ENUM) BUGGIFY_COUNT
};
enum env_plant_id {
    ENV_PLANT_POINTS(ENV_ENUM) PLANT_COUNT
#undef ENV_ENUM
};
bool env_buggify(struct env *env, enum env_buggify_id id);
bool env_plant(struct env *env, enum env_plant_id id);

/* ---- record -------------------------------------------------------------------------------- */

/* One field of a typed event; see model/events.h, whose functions are what callers use. */
enum event_field_type { EVENT_TEXT, EVENT_UINT, EVENT_INT };
struct event_value {
    enum event_field_type type;
    struct span text;
    uint64_t number; /* INT: two's complement */
};
/* Records event `kind` (enum event_kind). Values are consumed before return. */
void env_event(struct env *env, int kind, const struct event_value *values, size_t count);

enum env_log_level { ENV_LOG_ERROR, ENV_LOG_WARN, ENV_LOG_INFO, ENV_LOG_DEBUG };
/* Text for people; never part of a trace hash, never parsed. printf-like, without floating point.
 */
void env_log(struct env *env, enum env_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- memory and self ------------------------------------------------------------------------ */

/* 16-byte aligned, not zeroed; NULL when the node's limit is reached. env_free(NULL) is allowed. */
void *env_alloc(struct env *env, size_t size);
void *env_realloc(struct env *env, void *pointer, size_t size);
void env_free(struct env *env, void *pointer);
/* Memory of the machine. */
uint64_t env_memory_bytes(const struct env *env);

struct env_identity {
    char ip[ENV_ADDRESS_MAX]; /* the address others reach this node at, no port */
    uint32_t process_number;
};
void env_identity(const struct env *env, struct env_identity *out);

/* The node is done (status 0: clean stop). Everything of the env goes after this handler returns.
 */
void env_exit(struct env *env, int status);

#endif
