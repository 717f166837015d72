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

/* Listens on `port` of this node's address; port 0 picks a free one. RMQ_E_IN_USE, RMQ_E_NOMEM;
 * in real/ also RMQ_E_INVALID (this machine does not have the address) and RMQ_E_IO (not allowed,
 * no descriptor left), after a log line with what the system said. */
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

/* ---- files ---------------------------------------------------------------------------------- */

/* Paths: absolute, '/' between parts, no "." or "..", at most ENV_PATH_MAX - 1 bytes. Files belong
 * to the machine: they survive their process.
 *
 * What is where: a write's `done` says that its bytes are in the OS cache (readable by all, they
 * survive a kill). Bytes, and a file's size and allocation, are durable only after the `done` of an
 * env_file_sync that was started after the write's `done`; names (creation, rename, unlink, made
 * directories) only after env_path_sync_dir of the directory that holds them. A power-off may keep
 * or lose anything else, page by page, name by name, in any order. After a failed sync the bytes it
 * covered may be gone although a later sync succeeds: what failed once is unknown for ever.
 * Operations on one file may be under way together and end in any order; their effects are not
 * ordered either, so whoever needs an order waits for `done`. */
#define ENV_PATH_MAX 512
struct env_file;
struct env_file_op;
typedef void env_file_fn(struct env_file_op *op, int status);

/* One operation under way. Embedded in its owner, zero-initialised before first use; it and the
 * bytes it names stay put until `done` is called, once, in a later handler (E2), whatever happened.
 * Errors: RMQ_E_IO, RMQ_E_NO_SPACE, RMQ_E_READ_ONLY, RMQ_E_NOMEM. Operations of a closed file, and
 * of a node that ended, are dropped without a call; whether they took effect is open. */
struct env_file_op {
    env_file_fn *done; /* NULL when not under way */
    struct env *env;
    size_t bytes; /* at done: bytes written or read; fewer than asked with a status, or (read) at
                     the end of the file */
    uint64_t slot[6]; /* the implementation's */
};
static inline bool env_file_op_active(const struct env_file_op *op) {
    return op->done != NULL;
}

enum env_open_mode {
    ENV_OPEN_READ,   /* must exist; views and reads only */
    ENV_OPEN_WRITE,  /* must exist */
    ENV_OPEN_CREATE, /* is created when missing */
    ENV_OPEN_NEW     /* RMQ_E_EXISTS when it is there */
};
/* RMQ_E_NOT_FOUND (also a missing directory), RMQ_E_EXISTS, RMQ_E_INVALID (a directory, or no
 * path), RMQ_E_NO_SPACE, RMQ_E_READ_ONLY, RMQ_E_IO, RMQ_E_NOMEM. */
int env_file_open(struct env *env, struct span path, enum env_open_mode mode,
                  struct env_file **out) RMQ_CHECK_RESULT;
/* Drops what is under way. NULL is allowed. Views of it end. */
void env_file_close(struct env_file *file);
uint64_t env_file_size(const struct env_file *file);
/* Modification time, wall ms. */
int64_t env_file_modified_ms(const struct env_file *file);

/* Writes `bytes` at `offset`; what is between the end of the file and `offset` reads as zeros. A
 * failed write may have written a prefix (op->bytes says how much is surely there). */
void env_file_write(struct env_file *file, uint64_t offset, struct span bytes,
                    struct env_file_op *op, env_file_fn *done);
/* Reads up to `len` bytes at `offset` into `into`. */
void env_file_read(struct env_file *file, uint64_t offset, void *into, size_t len,
                   struct env_file_op *op, env_file_fn *done);
/* Bytes at `offset` that are resident: at most `len`, perhaps fewer, at least one. RMQ_E_AGAIN: use
 * env_file_read. RMQ_E_RANGE: at or past the end. Valid until the handler returns, or the file is
 * closed, truncated or written there. */
int env_file_view(struct env_file *file, uint64_t offset, size_t len,
                  struct span *out) RMQ_CHECK_RESULT;
void env_file_sync(struct env_file *file, struct env_file_op *op, env_file_fn *done);
/* Sets the size: new bytes are zeros (sparse), cut ones are gone. At once, not durable. */
int env_file_truncate(struct env_file *file, uint64_t size) RMQ_CHECK_RESULT;
/* Makes [offset, offset + len) zeros and allocated, so that writes there need no more space; size
 * grows where needed. Like a write. */
void env_file_zero(struct env_file *file, uint64_t offset, uint64_t len, struct env_file_op *op,
                   env_file_fn *done);

/* Makes the directory and its parents; there already is RMQ_OK. */
int env_path_make_dir(struct env *env, struct span path) RMQ_CHECK_RESULT;
/* Replaces `to` when it exists. RMQ_E_NOT_FOUND. */
int env_path_rename(struct env *env, struct span from, struct span to) RMQ_CHECK_RESULT;
/* A file, or an empty directory (RMQ_E_STATE: not empty). RMQ_E_NOT_FOUND. */
int env_path_unlink(struct env *env, struct span path) RMQ_CHECK_RESULT;
/* Names in directory `path`, each ended by a NUL, sorted by bytes, directories with '/' before the
 * NUL. RMQ_E_NOT_FOUND, RMQ_E_NOMEM. */
struct buf;
int env_path_list(struct env *env, struct span path, struct buf *out) RMQ_CHECK_RESULT;
/* Also of "/". No file owns it: it ends with its `done` or with the node only. */
void env_path_sync_dir(struct env *env, struct span path, struct env_file_op *op,
                       env_file_fn *done);

struct env_disk_usage {
    uint64_t total_bytes, used_bytes;
};
/* Of the file system that holds `path`. RMQ_E_NOT_FOUND, RMQ_E_IO. */
int env_disk_usage(struct env *env, struct span path, struct env_disk_usage *out) RMQ_CHECK_RESULT;

/* Exclusive lock on `path` (created when missing) against other processes, until the process ends
 * or the file is closed (Java: FileLock on byte 0). RMQ_E_IN_USE: another process has it. */
int env_file_lock(struct env *env, struct span path, struct env_file **out) RMQ_CHECK_RESULT;

/* ---- chance -------------------------------------------------------------------------------- */

/* 64 random bits: seeded in the simulator, from the OS in real/. Never two in one expression. */
uint64_t env_random(struct env *env);
/* Uniform in [0, bound), bound > 0, without modulo bias. */
uint64_t env_random_below(struct env *env, uint64_t bound);

/* Rare but legal behaviour (buggify) and planted bugs (plant). Constant false in real/. */
#define ENV_BUGGIFY_POINTS(X)                                                            \
    X(BUGGIFY_NAMESRV_ANSWER_LATE, "namesrv.answer_late", "a route answer waits 200 ms") \
    X(BUGGIFY_CLIENT_POLL_EARLY, "client.poll_early", "a route poll comes 1 s early")    \
    X(BUGGIFY_STORE_SMALL_VIEW, "store.small_view", "a view of the log is cut short")    \
    X(BUGGIFY_STORE_FLUSH_NOW, "store.flush_now", "a flush comes at once")               \
    X(BUGGIFY_STORE_SMALL_AHEAD, "store.small_ahead", "zeros go ahead in a small file")  \
    X(BUGGIFY_BROKER_PULL_SHORT, "broker.pull_short", "a pull finds one message only")   \
    X(BUGGIFY_BROKER_HOLD_WAKES, "broker.hold_wakes", "a held pull is answered early")   \
    X(BUGGIFY_CONSUMER_REBALANCE, "consumer.rebalance", "a rebalance comes at once")     \
    X(BUGGIFY_CONSUMER_COMMIT, "consumer.commit", "an offset commit comes at once")
#define ENV_PLANT_POINTS(X)                                                                    \
    X(PLANT_NAMESRV_SCAN_NEVER, "namesrv.scan_never", "the expiry scan never runs")            \
    X(PLANT_NAMESRV_EVICT_EARLY, "namesrv.evict_early", "the scan evicts after 60 s")          \
    X(PLANT_NAMESRV_KEEP_TOPICS, "namesrv.keep_topics", "an evicted broker's topics stay")     \
    X(PLANT_NAMESRV_KEEP_CLOSED, "namesrv.keep_closed",                                        \
      "a broker whose connection closes stays listed")                                         \
    X(PLANT_NAMESRV_CLOSE_TAKES_ALL, "namesrv.close_takes_all",                                \
      "a closed connection removes all brokers")                                               \
    X(PLANT_NAMESRV_PERM_RETURNS, "namesrv.perm_returns",                                      \
      "each registration brings a wiped write permission back")                                \
    X(PLANT_BROKER_REGISTER_FIRST_ONLY, "broker.register_first_only",                          \
      "registers with the first name server only")                                             \
    X(PLANT_BROKER_REGISTER_SERIALLY, "broker.register_serially",                              \
      "registers with a name server when the one before has answered")                         \
    X(PLANT_BROKER_STOP_REGISTERING, "broker.stop_registering",                                \
      "registers five times, then never")                                                      \
    X(PLANT_BROKER_SKIP_MISSED, "broker.skip_missed",                                          \
      "never sends the registrations that it missed in a pause")                               \
    X(PLANT_CLIENT_KEEP_ROUTE, "client.keep_route",                                            \
      "a cached route is never replaced by one with fewer brokers")                            \
    X(PLANT_CLIENT_RECONNECT, "client.reconnect",                                              \
      "opens a new connection for each request to a name server")                              \
    X(PLANT_CLIENT_STOP_POLLING, "client.stop_polling", "polls five times, then never")        \
    X(PLANT_STORE_ACK_EARLY, "store.ack_early", "sync flush answers before the sync")          \
    X(PLANT_STORE_KEEP_TAIL, "store.keep_tail",                                                \
      "what recovery cuts off is not zeroed and can come back")                                \
    X(PLANT_STORE_NO_CRC, "store.no_crc", "recovery does not compare checksums")               \
    X(PLANT_STORE_SKIP_DISPATCH, "store.skip_dispatch",                                        \
      "each 200th message gets no consume queue unit")                                         \
    X(PLANT_STORE_WRONG_UNIT, "store.wrong_unit",                                              \
      "each 200th consume queue unit points at the message before")                            \
    X(PLANT_STORE_FLUSH_NEVER, "store.flush_never", "the asynchronous flush never comes")      \
    X(PLANT_STORE_CLEAN_EAGER, "store.clean_eager", "retention ignores age and disk")          \
    X(PLANT_STORE_REFUSE_TORN, "store.refuse_torn", "a torn last record makes the start fail") \
    X(PLANT_BROKER_KEEP_OFFSETS, "broker.keep_offsets",                                        \
      "offsets above a queue's max are kept at start")                                         \
    X(PLANT_BROKER_COMMIT_BACK, "broker.commit_back", "each 50th commit goes 10 back")         \
    X(PLANT_BROKER_FORGET_OFFSETS, "broker.forget_offsets", "offsets are never saved")         \
    X(PLANT_BROKER_BUSY_EARLY, "broker.busy_early", "page cache busy is answered after 1 ms")  \
    X(PLANT_BROKER_HOLD_DEAF, "broker.hold_deaf", "arrivals do not wake held pulls")           \
    X(PLANT_DELAY_EARLY, "delay.early", "delayed messages are delivered 1 s early")            \
    X(PLANT_DELAY_SAVE_AHEAD, "delay.save_ahead",                                              \
      "delay offsets are saved before the delivered copies are flushed")                       \
    X(PLANT_BROKER_FILTER_BLIND, "broker.filter_blind", "SQL filters let everything through")  \
    X(PLANT_BROKER_DELETE_EARLY, "broker.delete_early",                                        \
      "the deletion of a topic is answered before topics.json is durable")                     \
    X(PLANT_STORE_FORGET_DELETED, "store.forget_deleted",                                      \
      "recovery dispatches records of topics that were deleted")                               \
    X(PLANT_ACL_OPEN, "acl.open", "refused requests are served all the same")                  \
    X(PLANT_CONFIG_UNSYNCED, "config.unsynced", "config files are replaced without syncs")     \
    X(PLANT_PRODUCER_SEND_TWICE, "producer.send_twice",                                        \
      "each 100th acknowledged message is sent again")                                         \
    X(PLANT_PRODUCER_SAME_BROKER, "producer.same_broker",                                      \
      "a retry goes to the broker that failed")                                                \
    X(PLANT_PRODUCER_FLIP_BYTE, "producer.flip_byte", "each 100th body has a wrong byte")      \
    X(PLANT_CONSUMER_DROP_FAILED, "consumer.drop_failed",                                      \
      "a message whose handler fails is counted as consumed")                                  \
    X(PLANT_CONSUMER_COMMIT_AHEAD, "consumer.commit_ahead",                                    \
      "commits what was pulled, not what was consumed")                                        \
    X(PLANT_CONSUMER_KEEP_QUEUE, "consumer.keep_queue",                                        \
      "a queue that moved to another member is kept")                                          \
    X(PLANT_CONSUMER_NO_REBALANCE, "consumer.no_rebalance", "rebalances once, then never")     \
    X(PLANT_CONSUMER_ANY_TAG, "consumer.any_tag", "tags are not compared as text")
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
