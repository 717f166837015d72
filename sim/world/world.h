/* sim/world/world.h - the virtual world: hosts, nodes, links, time.
 *
 * Everything mutable is in the arena (sim/world/arena.h); the world is the arena's root. A world is
 * built (hosts, nodes, links), then run. Nothing here reads a clock, and no function draws except
 * by sim/world/draw.h. Order of work at one instant: faults (by timeline index), then queued events
 * in order of insertion. Fault models: sim/world/net.c, sim/world/node.c, sim/world/clock.c, each
 * at its top. */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "model/role.h"
#include "sim/record/record.h"
#include "sim/world/arena.h"
#include "sim/world/draw.h"
#include "sim/world/page_store.h"
#include "sim/world/trace_hash.h"
#include "sim/world/wheel.h"

#define WORLD_SECOND_NS 1000000000ULL
#define WORLD_NAME_MAX 64

struct world;
struct host;
typedef uint16_t node_id; /* 1.. in order of addition; 0 is the world */

struct world_config {
    uint64_t seed;
    int64_t epoch_ms; /* wall clock of time 0; never near zero */
    bool buggify;     /* rare-but-legal behaviour is drawn */
    uint32_t buggify_ppm;
    uint64_t plants; /* bit set of enum env_plant_id */
};
/* A new, empty world in the (re)opened arena; time 0. One per process. NULL when the arena cannot
 * be mapped. */
struct world *world_create(const struct world_config *config);

/* ---- building ---- */

/* A machine with one address, e.g. "10.0.0.1". Names are unique. NULL: out of arena. */
struct host *world_add_host(struct world *world, const char *name, const char *ip);
struct host *world_find_host(struct world *world, struct span name);

struct node_config {
    const char *name;
    struct host *host;
    const struct role *role;
    const struct props *config; /* copied into the world */
    struct dist cpu;            /* cost of one handler, ns */
    uint64_t memory_limit;      /* bytes, 0: none */
    uint64_t start_ns;          /* when its process first starts; UINT64_MAX: only by world_start */
    int64_t wall_offset_ms;
    int32_t wall_drift_ppm;
    int32_t mono_rate_ppm; /* monotonic clock runs (1e6 + ppm) / 1e6 of world time */
    int32_t utc_offset_min;
};
void node_config_default(struct node_config *config);
/* 0 when out of arena. */
node_id world_add_node(struct world *world, const struct node_config *config);
node_id world_find_node(const struct world *world, struct span name); /* 0: none */
size_t world_node_count(const struct world *world);
const char *world_node_name(const struct world *world, node_id node);

struct link_profile {
    struct dist latency;       /* one way, ns */
    uint64_t bytes_per_second; /* 0: unlimited */
    uint32_t loss_ppm;         /* per chunk: each loss adds a retransmission delay */
    uint32_t chop_ppm;         /* chance that a write is cut into several chunks */
    uint32_t corrupt_ppm;      /* chance that a chunk has one byte flipped */
    uint64_t rto_ns;           /* first retransmission, doubles; default 200 ms */
    uint64_t give_up_ns;       /* unacknowledged this long: reset; default 924 s (tcp_retries2) */
    uint64_t dial_give_up_ns;  /* SYN unanswered this long; default 127 s (tcp_syn_retries) */
    size_t buffer_bytes;       /* send + receive buffer of a connection; default 4 MiB */
};
void link_profile_default(struct link_profile *profile);
/* Profile of all links, and of one direction host -> host. Changing it mid-run is allowed. */
void world_set_default_link(struct world *world, const struct link_profile *profile);
bool world_set_link(struct world *world, struct host *from, struct host *to,
                    const struct link_profile *profile);

/* ---- listening to events ---- */

/* Called for each typed event of a node or the world, in order, before the next one. `state` must
 * be in the arena. The listener may schedule faults, never touch nodes. Up to 16. */
typedef void world_listener_fn(struct world *world, void *state, const struct record *record);
bool world_listen(struct world *world, world_listener_fn *listener, void *state);
/* Sink for records, outside the world; NULL: none. */
void world_set_sink(struct world *world, struct record_sink *to);
/* Where env_log's text goes, up to `level` (enum env_log_level); NULL: nowhere. Of the process. */
void world_set_log(FILE *out, int level);

/* ---- running ---- */

enum world_stop {
    WORLD_REACHED,    /* the asked time */
    WORLD_QUIET,      /* nothing left to do; the asked time is reached all the same */
    WORLD_ASSERTED,   /* an assertion of ours failed in a node: world_assertion(); it stays so */
    WORLD_INTERRUPTED /* world_interrupt was called (from a signal handler); forgotten now */
};
/* Runs all faults and events up to `until_ns`, included. With UINT64_MAX the time stays at the last
 * event's. Never from inside the run. */
enum world_stop world_run(struct world *world, uint64_t until_ns);
/* At most `steps` steps. */
enum world_stop world_run_steps(struct world *world, uint64_t steps);
void world_interrupt(void);
uint64_t world_now(const struct world *world);
uint64_t world_steps(const struct world *world);  /* events popped that ran a handler or a device */
uint64_t world_events(const struct world *world); /* typed events recorded */
const struct trace_hash *world_hash(const struct world *world);
uint64_t world_seed(const struct world *world);
/* The world's own env, for props, buffers and maps of what judges and drives the run: env_alloc,
 * env_realloc, env_free, env_random and env_log work on it at any time, nothing else does. */
struct env *world_env(struct world *world);
/* Allocation for what judges and drives the run (oracles, triggers, faults). */
void *world_alloc(struct world *world, size_t size); /* zeroed */
void world_free(struct world *world, void *block);
/* Text of the failed assertion, "file:line: expression", or NULL. */
const char *world_assertion(const struct world *world);
/* Records an event of the world itself (node 0), e.g. world.fault. */
void world_event(struct world *world, node_id about, int kind, const struct event_value *values,
                 size_t count);

/* Memory of a node, bytes: now, and the most it ever had. */
size_t world_node_memory(const struct world *world, node_id id);
size_t world_node_memory_peak(const struct world *world, node_id id);

/* Reseeds: all later draws use `seed`. Meant for a loaded world at time 0. */
void world_set_seed(struct world *world, uint64_t seed);

/* ---- snapshots ---- */

struct world_snapshot {
    struct arena_snapshot arena;
    struct page_snapshot pages;
    uint64_t sink_count;
};
bool world_save(struct world *world, struct world_snapshot *snapshot);
/* Back to the snapshot; the sink is cut to its length then. Pointers into the arena stay valid when
 * they were valid at the snapshot. */
void world_restore(struct world *world, const struct world_snapshot *snapshot);
void world_snapshot_free(struct world_snapshot *snapshot);

/* Snapshots along a run, so that any time can be visited: forwards by running, backwards from the
 * nearest snapshot before it. */
struct world_tape;
struct world_tape *world_tape_create(struct world *world, uint64_t every_ns, size_t snapshots_max);
/* Brings the world to the state before the first event later than `time_ns`. */
enum world_stop world_goto(struct world_tape *tape, uint64_t time_ns);
void world_tape_free(struct world_tape *tape);

/* ---- faults and life cycle ---- */

/* Runs `apply` at `at_ns`, before events of that time; index orders faults of one time. `args` (may
 * be NULL) must be in the arena. Usable before and during the run, from listeners too. */
typedef void world_fault_fn(struct world *world, void *args);
bool world_schedule(struct world *world, uint64_t at_ns, uint32_t index, world_fault_fn *apply,
                    void *args);

/* All return false when the state does not allow it (a dead node cannot crash): "did not fire". */
bool world_start(struct world *world, node_id node); /* a new incarnation */
bool world_stop(struct world *world, node_id node);  /* clean: role->stop; ends at env_exit */
bool world_kill(struct world *world, node_id node); /* kill -9: memory gone, kernel sends FIN/RST */
/* Kill at the n-th env_ call (1..) of its next handlers: inside one. That call has no effect, those
 * before it have. */
bool world_kill_at_call(struct world *world, node_id node, uint64_t calls);
bool world_pause(struct world *world, node_id node); /* SIGSTOP: the kernel still acknowledges */
bool world_resume(struct world *world, node_id node);
bool world_power_off(struct world *world,
                     struct host *host);                     /* all nodes; no FIN, packets vanish */
bool world_power_on(struct world *world, struct host *host); /* nodes stay down until world_start */
bool world_node_is_up(const struct world *world, node_id node);
bool world_node_is_paused(const struct world *world, node_id node);
bool world_command(struct world *world, node_id node, const struct props *command); /* copied */
bool world_set_cpu(struct world *world, node_id node, const struct dist *cpu);
bool world_clock_step(struct world *world, node_id node, int64_t ms);
bool world_clock_drift(struct world *world, node_id node, int32_t ppm);
bool world_mono_rate(struct world *world, node_id node, int32_t ppm);

/* Links, directed. Blocked: packets vanish (TCP retransmits, gives up after give_up_ns; dials
 * hang). Counted: two blocks need two unblocks. Clogged: held, released in order. */
void world_block(struct world *world, struct host *from, struct host *to);
void world_unblock(struct world *world, struct host *from, struct host *to);
void world_clog(struct world *world, struct host *from, struct host *to);
void world_unclog(struct world *world, struct host *from, struct host *to);
/* All links of a host, both directions (a black-holed host). */
void world_isolate(struct world *world, struct host *host);
void world_rejoin(struct world *world, struct host *host);
/* Dials to this host hang / are refused, whatever listens. */
void world_refuse_dials(struct world *world, struct host *host, bool on);
void world_hang_dials(struct world *world, struct host *host, bool on);
/* Reset of every connection between two hosts, now. */
size_t world_reset_connections(struct world *world, struct host *a, struct host *b);
/* Half-open: this end of every connection from `host` to `peer` is gone without a word to the peer;
 * its node gets on_close RMQ_E_RESET (as by `ss -K` whose RST is lost). The peer learns of it by
 * the RST that answers its next write. */
size_t world_half_open(struct world *world, struct host *host, struct host *peer);

/* What network, nodes and disks did, for reports ("a configured fault never fired"). */
struct world_counts {
    uint64_t chunks, bytes, chopped, corrupted, lost, held, blocked, resets, dials, dials_refused,
        dials_hung, retransmit_timeouts, kills, pauses, starts, commands, inside_kills, buggified,
        planted;
    /* Disks: operations, and bytes written to the cache; of failed: RMQ_E_IO; full, read_only: that
     * error; held: by a stall; lied: syncs that made nothing durable and said that they did. */
    uint64_t disk_writes, disk_bytes, disk_reads, disk_syncs, disk_failed, disk_full,
        disk_read_only, disk_held, disk_lied;
    /* What became of un-synced pages, names and sizes at a power-off; dropped: by a failed sync;
     * cut: operations that took effect in part, or not, because their process was killed. */
    uint64_t pages_kept, pages_lost, pages_torn, pages_dropped, names_kept, names_lost, sizes_kept,
        sizes_lost, disk_cut, rotted, misdirected;
};
const struct world_counts *world_counts(const struct world *world);

#endif
