/* env_fake.h - env.h for unit tests: records what a state machine asks for, plays scripted answers.
 *
 * The fake *is* the `struct env`. It runs a handler only when a fake_ function is called, and each
 * callback is a handler of its own. Functions of a node may also be called straight from a test;
 * that is no handler, so crash points and "one handler at a time" do not apply to it.
 *
 * The rules of env.h are asserted by rmq_assert_fail, which prints and aborts:
 *   E1, E2, E5  a fake_ function that moves time or starts a handler, called inside a handler
 *   E3          an armed timer that was overwritten, moved or freed
 *   E4          fake_crash_at ends the node inside an env_ call; all of its memory is freed
 *               (and a file operation that is started again while under way, or whose memory or
 *               bytes are freed)
 *   E5          a handler of one node that calls env_ functions of another
 *   E6          a connection used after its close
 *
 * A test in five lines:
 *     struct env *env = fake_create();
 *     ck_assert_int_eq(fake_start_text(env, &broker_role, "namesrvAddr=10.0.0.1:9876\n"), RMQ_OK);
 *     struct env_conn *conn = fake_dialled(env, "10.0.0.1:9876");
 *     fake_dial_succeed(conn);
 *     struct span sent = fake_take(conn);
 *     ...
 *     fake_stop(env); fake_destroy(env);
 * "The n-th fails" is a loop:
 *     for (unsigned n = 1, failed = 1; failed; n++) {
 *         struct env *env = fake_create();
 *         fake_fail_at(env, FAKE_FAIL_ALLOC, n);
 *         ... what is tested, which must cope ...
 *         failed = fake_failed(env, FAKE_FAIL_ALLOC);
 *         fake_destroy(env);
 *     } */
#ifndef MODEL_TESTS_ENV_FAKE_H
#define MODEL_TESTS_ENV_FAKE_H

#include "model/env.h"
#include "model/events.h"
#include "model/role.h"

/* ---- life --------------------------------------------------------------------------------------
 */

/* A node with nothing in it: mono 1 s, wall 2026-01-01T00:00:00Z, UTC, address 10.0.0.9, process
 * 4242, 8 GiB machine, random seed 1. */
struct env *fake_create(void);
/* Asserts that the node has left nothing: no memory, armed timer, connection, listener, open file
 * or operation under way. */
void fake_destroy(struct env *env);
/* The same without the check. */
void fake_discard(struct env *env);

/* Role helpers. Start and command return what the role's function returned, or RMQ_E_STATE when a
 * crash point ended it. Starting again after an exit or a crash is a restart. */
int fake_start(struct env *env, const struct role *role, const struct props *config);
void fake_stop(struct env *env);
int fake_command(struct env *env, const struct props *command);
/* With the properties as text; their memory is not the node's and never fails. */
int fake_start_text(struct env *env, const struct role *role, const char *config);
int fake_command_text(struct env *env, const char *command);
/* What start gave; NULL when no node is up. */
void *fake_node(struct env *env);
/* Whether env_exit was called since the last start, and its status. All of the node has gone. */
bool fake_exited(const struct env *env, int *status);

void fake_set_identity(struct env *env, const char *ip, uint32_t process_number);
void fake_set_memory_bytes(struct env *env, uint64_t bytes);

/* ---- failures ----------------------------------------------------------------------------------
 */

enum fake_failure {
    FAKE_FAIL_ALLOC,  /* env_alloc, env_realloc: NULL */
    FAKE_FAIL_LISTEN, /* RMQ_E_IN_USE */
    FAKE_FAIL_DIAL,   /* RMQ_E_NOMEM at once */
    FAKE_FAIL_WRITE,  /* RMQ_E_FULL; on_drain follows at the next fake_settle */
    /* Files: RMQ_E_IO, or what fake_fail_files_with says. */
    FAKE_FAIL_FILE_OPEN,   /* at once, instead of success */
    FAKE_FAIL_FILE_RENAME, /* at once, instead of success */
    FAKE_FAIL_FILE_WRITE,  /* env_file_write, _zero (half of it is written), _truncate */
    FAKE_FAIL_FILE_READ,
    FAKE_FAIL_FILE_SYNC, /* env_file_sync, env_path_sync_dir: what it covers will never be durable
                            unless it is written again */
    FAKE_FAIL_FILE_VIEW, /* RMQ_E_AGAIN */
    FAKE_FAIL_COUNT
};
/* The n-th such call from now (1: the next) fails, once. 0: none. */
void fake_fail_at(struct env *env, enum fake_failure what, unsigned n);
/* Whether that failure has happened. Forgets it, or takes it back. */
bool fake_failed(struct env *env, enum fake_failure what);

/* The n-th env_ call made by handlers from now on (1: the next) does not return: the node ends and
 * everything of it goes, as E4 says. 0: none. */
void fake_crash_at(struct env *env, unsigned n);
/* Whether that has happened since the last start. */
bool fake_crashed(const struct env *env);

/* ---- time --------------------------------------------------------------------------------------
 */

/* Moves on by `ns`: timers due on the way fire at their deadlines in the order (deadline, start),
 * each as its own handler. Wall time moves along. First does what fake_settle does. */
void fake_advance(struct env *env, uint64_t ns);
static inline void fake_advance_ms(struct env *env, uint64_t ms) {
    fake_advance(env, ms * 1000000);
}
/* What is due without time passing: bytes held back for connections that resumed, drain callbacks,
 * file operations, timers of delay 0. */
void fake_settle(struct env *env);
/* Moves on to the next deadline and fires the timers of it. False when none is armed. */
bool fake_advance_to_timer(struct env *env);
/* Lets all of the time pass at once, as a pause does: the clock jumps, then timers fire late. */
void fake_pause(struct env *env, uint64_t ns);
void fake_set_wall_ms(struct env *env, int64_t ms);
void fake_set_utc_offset_min(struct env *env, int minutes);
/* Armed timers; number `index` of them in firing order; deadline of the first (UINT64_MAX: none).
 */
size_t fake_timer_count(const struct env *env);
const struct env_timer *fake_timer(const struct env *env, size_t index);
uint64_t fake_next_deadline_ns(const struct env *env);

/* ---- connections -------------------------------------------------------------------------------
 */
/* A `struct env_conn *` stays readable for the test until the fake is destroyed, closed or not. */

/* The oldest dial to `address` that nobody has answered, or NULL. A hanging dial is one that the
 * test does not answer. */
struct env_conn *fake_dialled(struct env *env, const char *address);
/* How often `address` (NULL: anything) was dialled so far. */
size_t fake_dial_count(const struct env *env, const char *address);
void fake_dial_succeed(struct env_conn *conn);
/* `reason`: RMQ_E_REFUSED, RMQ_E_TIMEOUT, RMQ_E_UNREACHABLE, RMQ_E_INVALID. */
void fake_dial_fail(struct env_conn *conn, int reason);

bool fake_listening(const struct env *env, uint16_t port);
/* A peer connects to `port`. NULL when the node closed it at once. */
struct env_conn *fake_accept(struct env *env, uint16_t port, const char *peer);

/* Bytes from the peer, as one chunk, or in chunks of `chunk` bytes. A paused connection holds them
 * until it resumes (fake_settle); one that the node closes drops the rest. */
void fake_deliver(struct env_conn *conn, struct span bytes);
void fake_deliver_chopped(struct env_conn *conn, struct span bytes, size_t chunk);
/* What the node wrote and the test has not taken; valid until it writes again. */
struct span fake_written(const struct env_conn *conn);
/* The same, and counts `len` of it / all of it as taken. */
void fake_consume(struct env_conn *conn, size_t len);
struct span fake_take(struct env_conn *conn);
/* The peer takes nothing any more: `room` more bytes are accepted (and pending), then RMQ_E_FULL.
 */
void fake_stall(struct env_conn *conn, size_t room);
/* It takes all again; on_drain if a write was refused meanwhile. */
void fake_unstall(struct env_conn *conn);
/* The peer ends it: FIN, or with a reason (RMQ_E_RESET, RMQ_E_TIMEOUT). */
void fake_peer_close(struct env_conn *conn);
void fake_peer_reset(struct env_conn *conn, int reason);

bool fake_is_open(const struct env_conn *conn);
/* The node closed it (or died); fake_is_open and this are both false after the peer's close. */
bool fake_is_closed(const struct env_conn *conn);
bool fake_is_paused(const struct env_conn *conn);
const char *fake_address(const struct env_conn *conn);
/* Connections that are dialling or open. */
size_t fake_conn_count(const struct env *env);

/* Two nodes: answers the dial from `from` to `address` by connecting to `port` of `to`, and ties
 * the two ends together. RMQ_E_NOT_FOUND: no such dial; RMQ_E_REFUSED (told to the dialler): not
 * listening. fake_pump moves bytes and closes across all tied ends until nothing moves. */
int fake_connect(struct env *from, const char *address, struct env *to, uint16_t port);
void fake_pump(struct env *a, struct env *b);
/* Moves both on by `ns`, from deadline to deadline, pumping after each. */
void fake_advance_both(struct env *a, struct env *b, uint64_t ns);

/* ---- files -------------------------------------------------------------------------------------
 */
/* The disk is the machine's: it survives exits, crashes (with all that completed) and power-offs.
 * An operation takes effect when it completes: at the next fake_settle or fake_advance, in the
 * order of starts, unless they are held. */

/* Makes (or replaces) a file with this content, and its directories. All that is on the disk counts
 * as durable from then on. */
void fake_put_file(struct env *env, const char *path, struct span bytes);
/* What processes see of it, until the next env_ or fake_ call; false: no such file. */
bool fake_get_file(const struct env *env, const char *path, struct span *out);
void fake_remove_file(struct env *env, const char *path);

/* Held operations complete one by one: number `index` (0: the oldest), or all that are under way
 * now, the last one first. */
void fake_hold_files(struct env *env, bool on);
size_t fake_file_ops(const struct env *env);
void fake_complete(struct env *env, size_t index);
void fake_complete_reverse(struct env *env);

/* What scripted failures of files end with; RMQ_E_IO at first. */
void fake_fail_files_with(struct env *env, int status);
/* Views give at most `bytes`; 0: all. */
void fake_set_view_max(struct env *env, size_t bytes);
/* While on, each view is RMQ_E_AGAIN. */
void fake_set_cold(struct env *env, bool on);
/* What env_disk_usage gives. `used_bytes` 0: the sum of the file sizes (and 64 GiB in all at
 * first). */
void fake_set_disk_usage(struct env *env, uint64_t total_bytes, uint64_t used_bytes);
/* Another process holds, or gives back, the lock of an existing file. */
void fake_set_locked(struct env *env, const char *path, bool on);
size_t fake_open_files(const struct env *env);

/* What survives a power-off of what was not synced: pages (4 KiB), sizes and names, one by one. */
enum fake_keep {
    FAKE_KEEP_NONE,
    FAKE_KEEP_ALL,  /* also of writes under way */
    FAKE_KEEP_EVEN, /* the first, the third ... */
    FAKE_KEEP_ODD,  /* the second, the fourth ... */
    FAKE_KEEP_TORN, /* all, but every second sector (512 bytes) of a page only */
    FAKE_KEEP_COUNT
};
/* Ends the node as a crash does; fake_start starts it again. */
void fake_power_off(struct env *env, enum fake_keep keep);
/* Makes all that is in the cache durable. */
void fake_keep_all(struct env *env);

/* ---- chance ------------------------------------------------------------------------------------
 */

void fake_seed(struct env *env, uint64_t seed);
void fake_set_buggify(struct env *env, enum env_buggify_id id, bool on);
void fake_set_plant(struct env *env, enum env_plant_id id, bool on);

/* ---- record ------------------------------------------------------------------------------------
 */

struct fake_event {
    int kind;
    uint64_t mono_ns;
    size_t count; /* fields, as EVENT_INFO says */
    struct event_value *values;
};
/* All events so far, in order. */
size_t fake_event_total(const struct env *env);
const struct fake_event *fake_event_at(const struct env *env, size_t index);
size_t fake_event_count(const struct env *env, int kind);
/* How many events of `kind` have `text` in field `field`. */
size_t fake_event_count_of(const struct env *env, int kind, const char *field, const char *text);
/* The last one of its kind, or NULL. */
const struct fake_event *fake_event_last(const struct env *env, int kind);
/* A field of the last event of `kind`; asserts that there is one and that the type is right. */
struct span fake_event_text(const struct env *env, int kind, const char *field);
uint64_t fake_event_uint(const struct env *env, int kind, const char *field);
int64_t fake_event_int(const struct env *env, int kind, const char *field);
void fake_events_clear(struct env *env);

size_t fake_log_count(const struct env *env, enum env_log_level level);
/* Whether a line so far contains `text`. */
bool fake_log_contains(const struct env *env, const char *text);

/* ---- memory ------------------------------------------------------------------------------------
 */

size_t fake_memory_used(const struct env *env);   /* bytes asked for and not freed */
size_t fake_memory_blocks(const struct env *env); /* the same in blocks */
/* env_ calls made by handlers so far (the range of fake_crash_at). */
size_t fake_call_count(const struct env *env);

#endif
