/* env_fake_internal.h - the node as the fake's own files see it. */
#ifndef MODEL_TESTS_ENV_FAKE_INTERNAL_H
#define MODEL_TESTS_ENV_FAKE_INTERNAL_H

#include <setjmp.h>

#include "model/base/check.h"
#include "model/tests/env_fake.h"

struct fake_block; /* env_fake_memory.c */

struct fake_armed {
    struct env_timer *timer;
    uint64_t deadline_ns;
    uint64_t sequence;
};

enum fake_conn_state {
    CONN_DIALLING,
    CONN_OPEN,
    CONN_ENDING, /* inside on_close */
    CONN_ENDED,  /* by the peer or the network */
    CONN_CLOSED, /* by the node */
};

struct bytes {
    uint8_t *data;
    size_t len;
    size_t capacity;
};

struct env_conn {
    struct env *env;
    struct env_conn *following; /* in env->conns, oldest first */
    enum fake_conn_state state;
    bool bound;
    const struct env_conn_handler *handler;
    void *ctx;
    char address[ENV_ADDRESS_MAX];
    bool dialled;
    bool paused;
    struct bytes written; /* by the node */
    size_t taken;         /* of it, by the test */
    bool stalled;
    size_t room;    /* while stalled */
    size_t pending; /* while stalled */
    bool refused;   /* a write got RMQ_E_FULL: owes on_drain */
    struct bytes held;
    struct env_conn *twin; /* the other end, when two fakes are tied */
};

struct env_listener {
    struct env *env;
    struct env_listener *following;
    uint16_t port;
    bool open;
    env_accept_fn *accept;
    void *ctx;
};

struct fake_log {
    enum env_log_level level;
    char *text;
};

struct fake_op;    /* env_fake_files.c */
struct fake_inode; /* env_fake_disk.c */
struct fake_name;

/* The machine's disk: it outlives the node. */
struct fake_disk {
    uint64_t sequence; /* of changes and operations */
    struct fake_inode *inodes;
    struct fake_name *names;
    size_t name_count, name_capacity;
    const struct fake_name **listing; /* of the last env_path_list */
    struct env_file *files;           /* all that were ever opened */
    struct fake_op *ops;              /* under way, in order of their start */
    size_t op_count, op_capacity;
    bool held;       /* they complete one by one, when the test says so */
    int error;       /* of scripted failures */
    size_t view_max; /* 0: none */
    bool cold;       /* no view is resident */
    struct env_disk_usage usage;
};

struct env {
    /* Handlers. */
    bool in_handler;
    uint64_t handler_mono_ns;
    jmp_buf crash_exit;
    unsigned crash_in; /* calls until the crash; 0: none */
    bool crashed;
    bool exiting;
    bool exited;
    int exit_status;
    size_t calls;
    const struct role *role;
    void *node;
    int result; /* of the role function that ran last */
    /* Time. */
    uint64_t mono_ns;
    int64_t wall_offset_ms; /* wall = mono in ms + this */
    int utc_offset_min;
    struct fake_armed *timers; /* unordered */
    size_t timer_count;
    size_t timer_capacity;
    uint64_t timer_sequence;
    struct fake_armed last_fired;
    /* Memory. */
    struct fake_block *blocks;
    size_t memory_used;
    size_t memory_blocks;
    uint64_t memory_bytes;
    /* Failures. */
    unsigned fail_in[FAKE_FAIL_COUNT];
    bool failed[FAKE_FAIL_COUNT];
    bool failures_off;
    /* Files. */
    struct fake_disk disk;
    /* Network. */
    struct env_conn *conns;
    struct env_listener *listeners;
    struct env_identity identity;
    uint16_t next_port;
    /* Chance. */
    uint64_t random_state;
    bool buggify[BUGGIFY_COUNT];
    bool plant[PLANT_COUNT];
    /* Record. */
    struct fake_event *events;
    size_t event_count;
    size_t event_capacity;
    struct fake_log *logs;
    size_t log_count;
    size_t log_capacity;
};

/* Entry of each env_ function: a crash point, and the check that no other node's handler runs. */
void fake_call(const struct env *env);
/* Whether a scripted failure is due now. */
bool fake_fails(struct env *env, enum fake_failure what);

/* What one handler is about: each body uses the members it needs. */
struct fake_step {
    struct env *env;
    struct env_conn *conn;
    struct env_listener *listener;
    struct env_timer *timer;
    env_timer_fn *fire;
    struct env_file_op *op;
    env_file_fn *done;
    struct span bytes;
    int reason; /* why, or with which status */
    const struct props *props;
};
/* Runs `body` as one handler of step->env; a crash point in it comes back here. */
void fake_run(void (*body)(const struct fake_step *step), const struct fake_step *step);
/* A test moves time or the network: no handler may be running. */
void fake_outside_handler(const struct env *env);

/* libc memory for the fake's own records; aborts when there is none. */
void *fake_must_alloc(size_t size);
/* Room for one more element in a growing array. */
void *fake_grow(void *array, size_t count, size_t *capacity, size_t size);
char *fake_copy_text(const char *text, size_t len);

/* Ends the node: everything of it goes, its files stay. */
void fake_end_node(struct env *env);
/* Each part drops what the node holds in it (its memory, timers, connections). */
void fake_memory_drop(struct env *env);
void fake_timers_drop(struct env *env);
void fake_net_drop(struct env *env);
void fake_files_drop(struct env *env);
/* And frees its own records at the end. */
void fake_net_free(struct env *env);
void fake_files_free(struct env *env);
void fake_record_free(struct env *env);
/* Held bytes of resumed connections and owed drains; true when a handler ran. */
bool fake_net_settle(struct env *env);
/* Completes the oldest file operation unless they are held; true when a handler ran. */
bool fake_files_settle(struct env *env);
/* Asserts that no armed timer lies in the memory [start, start + size). */
void fake_timers_check_free(const struct env *env, const void *start, size_t size);
/* The same of file operations and the bytes they use. */
void fake_files_check_free(const struct env *env, const void *start, size_t size);
size_t fake_listener_count(const struct env *env);

#endif
