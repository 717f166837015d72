/* store/store_internal.h - one store, and what its parts ask of each other.
 *
 * Opening: the abort file is made durable, files are opened, the end of the log is found and what
 * is behind it zeroed, queues are cut to it and catch up; then open. Closing: the same backwards,
 * and the abort file goes when everything is durable. What fails on the way: failed, or the abort
 * file stays. */
#ifndef MODEL_STORE_STORE_INTERNAL_H
#define MODEL_STORE_STORE_INTERNAL_H

#include "model/quirks.h"
#include "model/store/checkpoint.h"
#include "model/store/commit_log.h"
#include "model/store/dir_sync.h"
#include "model/store/flush.h"
#include "model/store/recovery.h"
#include "model/store/store.h"

enum store_state {
    STORE_LOADING, /* also recovering, and dispatching for the first time */
    STORE_OPEN,
    STORE_CLOSING,
    STORE_CLOSED,
    STORE_FAILED
};

/* Running flags (11.4); writable: none but NOT_READABLE. */
#define STORE_NOT_READABLE 1U
#define STORE_NOT_WRITABLE 2U /* what was flushed is not known any more */
#define STORE_QUEUE_ERROR 4U
#define STORE_INDEX_ERROR 8U
#define STORE_DISK_FULL 16U

/* Puts of a SYNC_MASTER that are stored and wait for a slave, in order of end_physical. */
struct replication {
    struct list puts;
    struct env_timer timer; /* the oldest one's end */
    int64_t acked;
    uint32_t slaves;
    bool stalled; /* one of them timed out, and nothing was acknowledged since */
};

struct store {
    struct env *env;
    struct store_config config;
    struct store_handler handler;
    void *ctx;
    enum store_state state;
    unsigned flags;
    struct commit_log log;
    struct flush flush;
    struct replication replication;
    struct checkpoint checkpoint;
    struct recovery recovery;
    bool was_clean;  /* no abort file was there */
    bool stopping;   /* store_close was called */
    bool draining;   /* closing: waits for the log */
    bool keep_abort; /* closing: something is not durable */
    uint32_t polls;  /* closing: looks at the dispatch */
    struct env_file *lock;
    struct env_file *abort;     /* open only while it is written */
    char abort_text[24];        /* a process number */
    struct env_file_op lock_op; /* of both */
    struct dir_sync *root_sync; /* of config.root */
    struct env_timer timer;     /* steps of closing */
    /* The parts below have their own headers. */
    struct queues *queues;
    struct index *index;
    struct dispatch *dispatch;
    struct clean *clean;
    struct deleted *deleted;
    struct list gets;    /* of struct store_get, under way */
    struct list lookups; /* of struct store_lookup, under way */
};

/* handler.on_log, while the store is open. */
void store_tell_log(struct store *store);
/* Sets or clears running flags; emits store.writable when that changes the answer. */
void store_set_flags(struct store *store, unsigned flags, bool on, const char *reason,
                     uint32_t used_ppm);
/* Writes, repairs or syncs of the log have ended: a clean stop may wait for that. */
void store_on_quiet(struct store *store);
/* Written bytes of the log at `position`, inside one file: at most `len`, perhaps fewer; from
 * memory when they were written just now. Errors of segments_view. */
int store_log_view(const struct store *store, uint64_t position, size_t len,
                   struct span *out) RMQ_CHECK_RESULT;
/* Where dispatch may go: `written`; with sync flush only what is flushed, since a consumer must not
 * see what a power-off can take back (INC-33). Quirk dispatchAhead: written. */
uint64_t store_dispatch_limit(const struct store *store);

/* A checkpoint says "all records up to this store time", so it can't be told while the wall clock
 * is behind that of older records: recovery would begin at a file whose records are early and not
 * durable. Then, and until the clock has caught up, it is 0. `store_ms`: of a durable record.
 * Differs: Apache believes the clock. */
int64_t checkpoint_time(const struct store *store, int64_t store_ms);
/* The clock has gone back by more than the checkpoint's margin: saves 0. */
void checkpoint_reset(struct store *store);

/* ---- replication (replica.c) ---- */
void replication_init(struct store *store);
void replication_deinit(struct store *store);
/* A put is stored, and flushed where it asked for that: tells it, or lets it wait for a slave. */
void replication_settle(struct store *store, struct store_put *put);
/* The store is being closed: who waits is told that no slave has it. */
void replication_give_up(struct store *store);

/* ---- consume queues (queues.h) ---- */
int queues_create(struct store *store) RMQ_CHECK_RESULT; /* sets store->queues */
void queues_free(struct store *store);
/* Opens all queues below <root>/consumequeue and finds the end of each (6.6). */
typedef void store_step_fn(struct store *store, int status);
void queues_load(struct store *store, store_step_fn *done);
/* After queues_load, before queues are cut: files with units of dead records go (deleted.h). */
void queues_drop_dead(struct store *store, store_step_fn *done);
/* After queues_load: the end of the last message that any queue has; -1 without one. */
int64_t queues_max_physical(const struct store *store);
/* Cuts all queues to messages before `physical` (6.7). `ours`: the store is as our clean stop left
 * it, behind the ends there are zeros. */
void queues_truncate(struct store *store, int64_t physical, bool ours, store_step_fn *done);
/* After the first dispatch: emits store.queue_recovered of each; next offsets are the maxima. */
void queues_recovered(struct store *store);
/* The queue offset that the next put gets; the queue is made (in memory) when missing. The pointer
 * is good until the next call of a queues_ function. NULL: no memory. */
int64_t *queues_next_offset(struct store *store, struct span topic, int32_t queue_id);
/* Units that are not flushed: flushes them; done when all that was dispatched is durable, with
 * names. Sets checkpoint.logics_ms. */
void queues_flush_all(struct store *store, store_step_fn *done);

/* ---- index (index.h) ---- */
int index_create(struct store *store) RMQ_CHECK_RESULT;
void index_free(struct store *store);
/* Opens the index files; after an unclean stop those above the checkpoint are deleted (14.1). */
void index_load(struct store *store, store_step_fn *done);
void index_flush_all(struct store *store, store_step_fn *done);

/* ---- dispatch (dispatch.h): from the log to queues and index, in order ---- */
int dispatch_create(struct store *store) RMQ_CHECK_RESULT;
void dispatch_free(struct store *store);
/* Begins at `position`. `done` once, when it has reached store_dispatch_limit() and its units are
 * written. on_arrival is called only when the store is open. */
void dispatch_start(struct store *store, uint64_t position, store_step_fn *done);
/* A replica's log begins at `position`: nothing was dispatched yet. */
void dispatch_begin_at(struct store *store, uint64_t position);
/* A replica's log ends inside a record (22): dispatch waits for the rest. */
bool dispatch_is_partial(const struct store *store);
/* The limit has moved: goes on. Cheap when there is nothing to do. */
void dispatch_run(struct store *store);
uint64_t dispatch_position(const struct store *store);
/* Between dispatch_start and the end of its way, before queues settle. */
bool dispatch_catches_up(const struct store *store);
/* Units that were written to queues, or were there already, since the start. */
uint64_t dispatch_units(const struct store *store);
/* Everything up to `dispatch_position` is written to the queues. */
bool dispatch_is_quiet(const struct store *store);

/* ---- upkeep (clean.c): runs while the store is open, and while the first dispatch goes on ---- */
int clean_create(struct store *store) RMQ_CHECK_RESULT;
/* Before the first dispatch, and when the store is open. */
void clean_start(struct store *store);
void clean_stop(struct store *store);
void clean_free(struct store *store);

#endif
