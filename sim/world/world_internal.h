/* sim/world/world_internal.h - what the files of the world share; nobody else includes it.
 *
 * W1  Handlers run inside world_run only, one at a time: `running` is the node, else NULL.
 * W2  An item is in one place: the wheel, a node's inbox, a link's clog, or a connection's lists.
 * W3  Of the packets under way in one direction of a connection only the first is in the wheel.
 * W4  A connection pair lives until both ends are gone and nothing refers to it. */
#ifndef SIM_WORLD_INTERNAL_H
#define SIM_WORLD_INTERNAL_H

#include "model/base/check.h"
#include "model/base/list.h"
#include "model/base/props.h"
#include "sim/world/page_store.h"
#include "sim/world/world.h"

#define LISTENERS_MAX 16
#define BACKLOG_MAX 128
#define BOOT_NS (20 * WORLD_SECOND_NS) /* monotonic time when a host has booted: never 0 */
#define CONNECTIONS_MAX 65000          /* of one node: file descriptors */

/* ---- names ---- */

struct name_link {
    struct name_link *next;
    const char *name;
    uint64_t hash;
};
struct name_table {
    struct name_link **buckets;
    size_t bucket_count;
    size_t count;
};

/* ---- items: what the queue and the inboxes hold ---- */

enum item_kind {
    ITEM_TIMER,
    ITEM_WAKE,       /* drains a node's inbox */
    ITEM_ORDER,      /* start, stop or command of a node */
    ITEM_DATA,       /* packets, from here ... */
    ITEM_FIN,        /* end of the stream */
    ITEM_RST,        /* reset */
    ITEM_ACCEPT,     /* last ACK of a handshake: the listener's side begins */
    ITEM_DRAIN,      /* window opens again */
    ITEM_OPENED,     /* notices of the own kernel: a dial succeeded */
    ITEM_BROKEN,     /* ... failed, or the connection broke */
    ITEM_DIAL,       /* progress of a handshake */
    ITEM_RETRANSMIT, /* a sender's retransmission timer */
    ITEM_DISK,       /* an operation of a disk, and its `done` */
    ITEM_WRITE_BACK, /* what a disk writes by itself */
};
enum item_place { PLACE_NONE, PLACE_WHEEL, PLACE_INBOX, PLACE_CLOG, PLACE_HELD };

struct item {
    struct wheel_event queue; /* links of whatever place it is in */
    uint8_t kind;
    uint8_t place;
    int16_t reason; /* BROKEN: enum rmq_err */
    uint32_t bytes; /* packets: length of the contents */
};

/* A segment of a stream, or a notice about its connection. */
struct packet {
    struct item item;
    struct packet *next; /* behind it in the same list */
    struct packet *last; /* of the list; kept by its first */
    struct env_conn *to; /* the end it is for */
    uint64_t sent_ns;    /* when the sender's kernel got it */
    uint64_t arrival_ns; /* when it comes, if nothing ahead of it is later; UINT64_MAX: never */
    uint8_t contents[];
};

enum order_kind { ORDER_START, ORDER_STOP, ORDER_COMMAND };
struct order {
    struct item item;
    struct env *node;
    uint32_t incarnation; /* it is for; 0 with ORDER_START: boots a new one */
    uint16_t kind;
    uint16_t entry_count;
    uint8_t *packed;              /* arguments of a command; its own */
    struct props_entry entries[]; /* of the arguments or the configuration */
};

/* env_timer.slot */
struct timer_slot {
    struct item item;
    struct list of_node;
    uint64_t start;
};
_Static_assert(sizeof(struct timer_slot) <= sizeof((struct env_timer){0}.slot),
               "a timer's queue entry fits the room that env.h gives it");

/* ---- hosts and links ---- */

struct link {
    struct host *from, *to;
    struct link *next_out; /* of `from` */
    struct link *next_in;  /* of `to` */
    const struct link_profile *profile;
    uint64_t free_ns; /* the wire is busy until then */
    uint16_t blocked;
    uint16_t clogged;
    bool closed; /* packets vanish: blocked, or an end is isolated or off */
};

struct host {
    const char *ip;
    struct name_link by_name, by_ip;
    struct env *nodes; /* by next_on_host */
    struct link *out, *in;
    struct env_listener *listeners;
    struct disk *disk; /* NULL: nobody has used it */
    uint64_t draw_owner;
    uint16_t next_port;
    uint16_t node_count;
    uint16_t isolated;
    bool off, refuses, hangs;
};

/* ---- connections ---- */

enum conn_state {
    CONN_NEW,       /* the dialled end, before its listener's kernel knows of it */
    CONN_DIALLING,  /* the dialling end */
    CONN_ACCEPTING, /* handshake done, accept handler not run */
    CONN_OPEN,
    CONN_ENDING, /* broken: on_close is on its way, or runs */
    CONN_GONE
};

struct dial {
    struct item item;
    struct env_conn *end;
    uint64_t first_ns;
    uint8_t tries; /* SYNs sent */
    uint8_t phase;
    bool hung; /* a SYN of it was lost */
};
struct retransmit {
    struct item item;
    struct env_conn *end; /* the sender */
    uint64_t first_ns;    /* when the oldest unacknowledged byte was sent */
    uint64_t try_ns;      /* the next one */
    uint64_t step_ns;     /* from it to the one after */
    uint32_t unacked;     /* bytes that arrived but whose acknowledgement is lost */
    bool held;            /* the first packet is not under way */
};

struct env_conn {
    struct env *env; /* NULL: this end is gone (or not accepted yet) */
    const struct env_conn_handler *handler;
    void *ctx;
    struct link *link;     /* towards the peer */
    struct packet *flight; /* from this end, not arrived */
    struct packet *unread; /* for this end, held by env_conn_pause */
    struct list of_node;
    union {
        struct dial *dial;             /* while shaking_hands */
        struct retransmit *retransmit; /* after that; NULL in fair weather */
    };
    uint32_t draws;
    uint32_t flight_bytes; /* written, not acknowledged by the peer's kernel */
    uint32_t unread_bytes; /* arrived at this end, not taken by a handler */
    uint32_t holds;        /* items outside of flight and unread that refer to this end */
    uint64_t taken_bytes;  /* by handlers of this end */
    uint16_t port;         /* of this end */
    node_id node;          /* whose end it is or was */
    uint8_t side;
    uint8_t state;
    bool paused, wants_drain, rst_sent, shaking_hands;
};
struct conn_pair {
    struct env_conn end[2]; /* 0 dialled */
    uint64_t draw_owner;
    uint32_t number;
};

static inline struct env_conn *conn_peer(struct env_conn *end) {
    return end->side == 0 ? end + 1 : end - 1;
}
static inline const struct env_conn *conn_peer_const(const struct env_conn *end) {
    return end->side == 0 ? end + 1 : end - 1;
}
static inline struct conn_pair *conn_pair_of(const struct env_conn *end) {
    return RMQ_CONTAINER_OF(end - end->side, struct conn_pair, end);
}
/* Whose draws decide what happens to packets from `end`. */
static inline uint64_t conn_draw_owner(const struct env_conn *end) {
    return conn_pair_of(end)->draw_owner + end->side;
}
static inline struct retransmit *conn_retransmit(const struct env_conn *end) {
    return end->shaking_hands ? NULL : end->retransmit;
}

struct env_listener {
    struct env *env;
    struct env_listener *next; /* of the host */
    env_accept_fn *accept;
    void *ctx;
    uint16_t port;
    uint16_t backlog; /* handshakes done, accept handler not run */
};

/* Where a node dials, and how often it did: the count keeps draws apart. */
struct target {
    struct target *next;
    struct host *host;
    uint32_t dials;
    uint16_t port;
};

/* ---- nodes ---- */

struct clock {
    uint64_t mono_base_ns, mono_since_ns;
    int64_t wall_base_ns;
    uint64_t wall_since_ns;
    int32_t mono_ppm, wall_ppm, utc_offset_min;
};

struct env {
    struct world *world;
    const struct role *role;
    void *state;              /* role->start's */
    uint64_t free_ns;         /* its CPU is busy until then */
    struct wheel_event inbox; /* head of the items that wait for it */
    const struct dist *cpu;
    uint64_t calls, kill_at; /* env_ calls so far; dies at this one, 0: never */
    struct list timers, conns, files, file_ops;
    struct item wake;
    struct clock clock;
    struct host *host;
    struct env *next_on_host;
    struct target *targets;
    uint8_t *config; /* packed properties */
    struct arena_owner owner;
    size_t memory_peak;
    struct name_link by_name;
    uint64_t draw_owner;
    uint64_t randoms, costs, timer_starts;
    uint64_t last_deadline_ns, last_start; /* of the timer that fired last: E3 */
    uint32_t buggify_draws[BUGGIFY_COUNT];
    uint32_t incarnation, sequence, conn_count;
    uint32_t process_number;
    uint16_t config_count;
    node_id id;
    bool up, paused, exiting;
};

/* ---- the world ---- */

struct fault {
    uint64_t at_ns;
    uint64_t order; /* of scheduling, among equal times and indices */
    world_fault_fn *apply;
    void *args;
    uint32_t index;
};
struct dist_entry {
    struct dist_entry *next;
    struct dist dist;
};
struct profile_entry {
    struct profile_entry *next;
    struct link_profile profile;
};
struct listener {
    world_listener_fn *call;
    void *state;
};

struct world {
    struct env *running;  /* whose handler runs */
    uint64_t effect_ns;   /* when its writes take effect */
    struct item *current; /* what the handler is about; freed after it */
    bool look_up;         /* a fault was scheduled: the loop compares times again */
    uint64_t seed;
    uint64_t steps, events;
    uint64_t impaired;       /* blocks, clogs, lost packets: 0 in fair weather */
    struct wheel_event clog; /* items that wait at a clogged link, in order of arrival */
    struct trace_hash hash;
    struct world_counts counts;
    struct env *self; /* node 0: memory for props and the like of judges and drivers */
    struct env **nodes;
    size_t node_count, node_capacity;
    struct arena_owner owner;
    struct fault *faults; /* binary heap */
    size_t fault_count, fault_capacity;
    uint64_t fault_order;
    struct listener listeners[LISTENERS_MAX];
    size_t listener_count;
    struct name_table nodes_by_name, hosts_by_name, hosts_by_ip;
    struct dist_entry *dists;
    struct profile_entry *profiles;
    struct link_profile default_profile;
    struct disk_profile_entry *disk_profiles;
    const struct disk_profile *default_disk; /* NULL: disk_profile_default */
    struct block_ids blocks;
    struct world_config config;
    uint32_t pair_count;
    char assertion[256];
    struct wheel wheel;
};

/* world.c */
uint64_t world_draw(struct world *world, enum draw_purpose purpose, uint64_t owner, uint64_t index);
/* A sample in nanoseconds, a day at most: no sum of times overflows. */
uint64_t world_draw_ns(struct world *world, const struct dist *dist, enum draw_purpose purpose,
                       uint64_t owner, uint64_t index);
bool world_draw_chance(struct world *world, enum draw_purpose purpose, uint64_t owner,
                       uint64_t index, uint32_t ppm);
uint64_t world_draw_below(struct world *world, enum draw_purpose purpose, uint64_t owner,
                          uint64_t index, uint64_t bound);
/* Memory of the run itself; a full arena is the end. */
void *world_need(struct world *world, size_t size);
void world_record(struct world *world, struct env *node, int kind, const struct event_value *values,
                  size_t count);
/* A step record for the sink, when it wants steps. */
bool world_wants_steps(void);
void world_record_step(struct world *world, struct env *node, int step, const uint64_t *numbers,
                       size_t count);
uint64_t world_sink_count(void);
void world_sink_truncate(uint64_t count);
/* Ends the running handler: the node dies there (E4), or an assertion failed. */
enum world_jump { JUMP_NONE, JUMP_KILL, JUMP_ASSERT };
void world_jump(enum world_jump why) __attribute__((noreturn));
const struct dist *world_intern_dist(struct world *world, const struct dist *dist);

static inline void world_queue(struct world *world, struct item *item, uint64_t time_ns) {
    item->place = PLACE_WHEEL;
    wheel_insert(&world->wheel, &item->queue, time_ns);
}
/* Takes it out of wheel, inbox or clog. */
static inline void world_unqueue(struct world *world, struct item *item) {
    if (item->place == PLACE_WHEEL) {
        wheel_remove(&world->wheel, &item->queue);
    } else if (item->place != PLACE_NONE) {
        item->queue.prev->next = item->queue.next;
        item->queue.next->prev = item->queue.prev;
        item->queue.prev = item->queue.next = NULL;
    }
    item->place = PLACE_NONE;
}
/* Lists of items outside of the wheel. */
static inline void item_list_init(struct wheel_event *head) {
    head->prev = head->next = head;
}
static inline bool item_list_is_empty(const struct wheel_event *head) {
    return head->next == head;
}
static inline void item_insert_before(struct wheel_event *position, struct item *item,
                                      enum item_place place) {
    item->place = (uint8_t)place;
    item->queue.prev = position->prev;
    item->queue.next = position;
    position->prev->next = &item->queue;
    position->prev = &item->queue;
}
static inline struct item *item_of(struct wheel_event *event) {
    return RMQ_CONTAINER_OF(event, struct item, queue);
}

/* world_check.c: asserts the invariants; for tests */
void world_check(struct world *world);

/* names.c */
void name_add(struct world *world, struct name_table *table, struct name_link *link,
              const char *name);
struct name_link *name_find(const struct name_table *table, struct span name);

/* clock.c */
#define CLOCK_MILLION 1000000

/* floor(elapsed * (1e6 + ppm) / 1e6) without overflow. */
static inline uint64_t clock_scale(uint64_t elapsed, int32_t ppm) {
    if (ppm == 0) {
        return elapsed;
    }
    RMQ_ASSERT(ppm > -CLOCK_MILLION);
    uint64_t factor = (uint64_t)(CLOCK_MILLION + (int64_t)ppm);
    return elapsed / CLOCK_MILLION * factor + elapsed % CLOCK_MILLION * factor / CLOCK_MILLION;
}

static inline uint64_t clock_mono_ns(const struct clock *clock, uint64_t world_ns) {
    RMQ_ASSERT(world_ns >= clock->mono_since_ns);
    return clock->mono_base_ns + clock_scale(world_ns - clock->mono_since_ns, clock->mono_ppm);
}

static inline int64_t clock_wall_ms(const struct clock *clock, uint64_t world_ns) {
    RMQ_ASSERT(world_ns >= clock->wall_since_ns);
    int64_t ns = clock->wall_base_ns +
                 (int64_t)clock_scale(world_ns - clock->wall_since_ns, clock->wall_ppm);
    int64_t ms = ns / CLOCK_MILLION;
    return ns % CLOCK_MILLION < 0 ? ms - 1 : ms;
}
/* Earliest world time at which the monotonic clock shows `mono_ns` or more. */
uint64_t clock_world_ns(const struct clock *clock, uint64_t mono_ns);
void clock_set_mono_rate(struct clock *clock, uint64_t world_ns, int32_t ppm);
void clock_set_wall_drift(struct clock *clock, uint64_t world_ns, int32_t ppm);

/* hosts.c */
struct host *host_find_ip(struct world *world, struct span ip);
uint16_t host_take_port(struct host *host);

/* node.c */
struct env *node_get(const struct world *world, node_id node);
/* A new incarnation exists from now on; its start function has yet to run. */
void node_boot(struct env *node);
/* An item for a node has arrived: runs it, or lets it wait in the inbox. */
void node_arrive(struct env *node, struct item *item);
/* The wake item left the wheel. */
void node_wake_up(struct env *node);
/* Brackets of every handler. `item` (may be NULL) is what it is about. */
void node_begin(struct env *node, struct item *item, int step);
void node_end(struct env *node);
/* Frees an item that left its place for good. */
void item_release(struct world *world, struct item *item);
/* Sees to it that a waiting inbox is drained. */
void node_schedule_wake(struct env *node);
/* The end of the process: `how` as in world.node_down; `silent`: the machine lost its power. */
void node_die(struct env *node, const char *how, bool silent);
static inline struct timer_slot *timer_slot(struct env_timer *timer) {
    return (struct timer_slot *)(void *)timer->slot;
}
static inline struct env_timer *timer_of_slot(struct timer_slot *slot) {
    return RMQ_CONTAINER_OF((uint64_t(*)[7])(void *)slot, struct env_timer, slot);
}

/* order.c */
/* Properties in one run of bytes: u32 length and bytes of each key and value. */
uint8_t *props_pack(struct world *world, const struct props *props);
void props_unpack(const uint8_t *packed, struct props_entry *entries, size_t count);
/* Boots `node` at `at_ns` and runs its start function. */
void order_start_at(struct env *node, uint64_t at_ns);
void order_arrives(struct world *world, struct order *order);
void order_handle(struct world *world, struct order *order);
void order_free(struct world *world, struct order *order);

/* links.c */
struct link *link_between(struct world *world, struct host *from, struct host *to);
void link_refresh(struct world *world, struct link *link);
void host_refresh_links(struct world *world, struct host *host);
void clog_hold(struct world *world, struct item *item);

/* net.c: packets */
struct packet *packet_new(struct world *world, struct env_conn *to, enum item_kind kind,
                          uint32_t bytes);
/* Lists of packets. Append says whether it became the first; take takes the first. */
bool packet_append(struct packet **list, struct packet *packet);
struct packet *packet_take(struct packet **list);
/* Sends `packet` behind what is under way; it leaves at `sent_ns`. */
void packet_send(struct world *world, struct env_conn *from, struct packet *packet,
                 uint64_t sent_ns);
void packet_send_control(struct world *world, struct env_conn *from, enum item_kind kind);
void packet_arrives(struct world *world, struct packet *packet);
/* Frees a packet that had arrived. */
void packet_release(struct world *world, struct packet *packet);
/* One latency of the link of `from`; draw `index` of its own. */
uint64_t link_latency(struct world *world, struct env_conn *from, uint32_t index);
void retransmit_fires(struct world *world, struct retransmit *retransmit);
/* Drops what `end` has under way: all of it, or what leaves after now. */
void conn_drop_flight(struct world *world, struct env_conn *end);
void conn_drop_unsent(struct world *world, struct env_conn *end);

/* net_stream.c: an end's life */
/* Runs the callback for a packet, or drops it when its end is gone. */
void conn_handle(struct world *world, struct packet *packet);
/* A notice of the end's own kernel, in a later handler at `time_ns`. */
void conn_notify(struct world *world, struct env_conn *end, enum item_kind kind, int reason,
                 uint64_t time_ns);
/* It broke: on_close(reason) follows, and nothing more is sent. */
void conn_break(struct world *world, struct env_conn *end, int reason);
void conn_attach(struct env_conn *end, struct env *env);
void conn_detach(struct world *world, struct env_conn *end);
void conn_free_if_over(struct world *world, struct env_conn *end);
/* The process of `end` is gone; its kernel says FIN or RST, or nothing. */
void conn_owner_died(struct world *world, struct env_conn *end, bool silent);

/* net_dial.c */
void dial_progresses(struct world *world, struct dial *dial);
void dial_cancel(struct world *world, struct env_conn *end);
struct link *dial_link(const struct dial *dial);
/* Would the listener's kernel drop the last ACK of `end`'s handshake? */
bool backlog_is_full(const struct env_conn *end);
void accept_arrives(struct world *world, struct packet *packet);
void accept_handle(struct world *world, struct packet *packet);
struct env_listener *listener_find(const struct host *host, uint16_t port);
void listeners_close_all(struct world *world, struct env *node);

/* env_sim.c */
void timer_handle(struct env *node, struct item *item);
void timers_drop(struct env *node);
void timers_remap(struct env *node);
static inline void env_enter(const struct env *env_const) {
    struct env *env = (struct env *)(uintptr_t)env_const;
    RMQ_ASSERT(env->world->running == env || env->id == 0);
    if (__builtin_expect(++env->calls == env->kill_at, 0)) {
        world_jump(JUMP_KILL);
    }
}
/* The same for what is called on a connection, which must not be gone (E6). */
static inline void conn_enter(const struct env_conn *conn) {
    RMQ_ASSERT(conn->env != NULL);
    env_enter(conn->env);
}

#endif
