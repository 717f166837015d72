/* store/store.c - opens, closes and frees a store. Source: store.md 14.1, 15.
 *
 * The abort file says "not stopped cleanly". It is durable before anything else is changed, and it
 * goes, durably, only when log, queues and index are.
 * Differs: Apache creates it last, so a stop in the middle of a start counts as clean. */
#include "model/base/check.h"
#include "model/events.h"
#include "model/store/deleted.h"

/* ---- flags ---- */

#define POLL_NS 1000000U
#define POLLS_MAX 5000
#define UNWRITABLE (STORE_NOT_WRITABLE | STORE_QUEUE_ERROR | STORE_INDEX_ERROR | STORE_DISK_FULL)

bool store_is_writable(const struct store *store) {
    return (store->flags & UNWRITABLE) == 0;
}

bool store_is_readable(const struct store *store) {
    return (store->flags & STORE_NOT_READABLE) == 0;
}

void store_set_flags(struct store *store, unsigned flags, bool on, const char *reason,
                     uint32_t used_ppm) {
    bool before = store_is_writable(store);
    store->flags = on ? store->flags | flags : store->flags & ~flags;
    if (store_is_writable(store) != before)
        event_store_writable(store->env, !before, span_of_text(reason), used_ppm);
}

void store_tell_log(struct store *store) {
    if (store->state == STORE_OPEN && store->handler.on_log != NULL)
        store->handler.on_log(store->ctx);
}

/* ---- positions ---- */

int64_t store_min_physical(const struct store *store) {
    return (int64_t)segments_min(&store->log.segments);
}

int64_t store_max_physical(const struct store *store) {
    return (int64_t)store->log.segments.written;
}

int64_t store_flushed_physical(const struct store *store) {
    return (int64_t)store->log.segments.flushed;
}

void store_figures(const struct store *store, struct store_figures *out) {
    uint64_t limit = store->log.segments.written, at = dispatch_position(store);
    *out = (struct store_figures){.dispatch_behind = limit > at ? limit - at : 0,
                                  .root = span_of_text(store->config.root),
                                  .commit_log = span_of_text(store->config.commit_log)};
}

/* With sync flush a consumer must not see what a power-off can still take back (INC-33). */
uint64_t store_dispatch_limit(const struct store *store) {
    const struct segments *segments = &store->log.segments;
    bool ahead = !store->config.sync_flush || quirk_on(store->config.quirks, QUIRK_DISPATCH_AHEAD);
    return ahead ? segments->written : segments->flushed;
}

/* ---- the checkpoint and a clock that goes back ---- */

int64_t checkpoint_time(const struct store *store, int64_t store_ms) {
    return store_ms + CHECKPOINT_MARGIN_MS >= store->log.latest_ms ? store_ms : 0;
}

void checkpoint_reset(struct store *store) {
    store->checkpoint.physical_ms = store->checkpoint.logics_ms = 0;
    checkpoint_save(&store->checkpoint, NULL, NULL);
}

/* ---- paths ---- */

static struct span root_path(const struct store *store, const char *name, char out[ENV_PATH_MAX]) {
    struct span root = span_of_text(store->config.root), last = span_of_text(name);
    RMQ_ASSERT(root.data != NULL && last.data != NULL && root.len + 1 + last.len < ENV_PATH_MAX);
    memcpy(out, root.data, root.len);
    out[root.len] = '/';
    memcpy(out + root.len + 1, last.data, last.len);
    return span_of(out, root.len + 1 + last.len);
}

/* ---- opening ---- */

static void fail(struct store *store, const char *step, int err) {
    store->state = STORE_FAILED;
    clean_stop(store);
    event_store_failed(store->env, span_of_text(step), span_of_text(rmq_err_text(err)));
    if (store->handler.on_open != NULL)
        store->handler.on_open(store->ctx, err);
}

static void closed(struct store *store) {
    store->state = STORE_CLOSED;
    clean_stop(store);
    if (store->handler.on_closed != NULL)
        store->handler.on_closed(store->ctx);
}

/* Whether the step that has ended was the last: it failed, or the store is being closed. */
static bool is_over(struct store *store, const char *step, int status) {
    if (store->stopping)
        closed(store);
    else if (status != RMQ_OK)
        fail(store, step, status);
    return store->stopping || status != RMQ_OK;
}

static void report_recovery(struct store *store) {
    const struct recovery *recovery = &store->recovery;
    bool empty = recovery->position == 0 && store->was_clean;
    const char *stop = empty ? "empty" : store->was_clean ? "clean" : "unclean";
    event_store_recovered(store->env, span_of_text(stop), store_min_physical(store),
                          store_max_physical(store), recovery->records, dispatch_units(store),
                          recovery->cut_bytes, span_of_text(recovery->cut_reason));
}

static void on_dispatched(struct store *store, int status) {
    if (is_over(store, "dispatch", status))
        return;
    queues_recovered(store);
    deleted_recovered(store);
    report_recovery(store);
    store->state = STORE_OPEN;
    clean_start(store);
    if (store->handler.on_open != NULL)
        store->handler.on_open(store->ctx, RMQ_OK);
}

static void on_queues_cut(struct store *store, int status) {
    int64_t have = queues_max_physical(store);
    if (is_over(store, "recover queues", status))
        return;
    uint64_t from = !store->was_clean ? store->recovery.from : have < 0 ? 0 : (uint64_t)have;
    uint64_t min = commit_log_min(&store->log);
    clean_start(store);
    dispatch_start(store, from < min ? min : from, on_dispatched);
}

/* After an unclean stop the checkpoint vouches for units of messages before the point where
 * recovery began, and for no others: they are written again. */
static void on_log_recovered(struct store *store, int status) {
    const struct recovery *recovery = &store->recovery;
    if (is_over(store, "recover log", status))
        return;
    int64_t cut = (int64_t)(store->was_clean ? recovery->position : recovery->from);
    bool ours = store->was_clean && cut > 0 && cut == store->checkpoint.clean_end;
    store->checkpoint.clean_end = 0;
    queues_truncate(store, cut, ours, on_queues_cut);
}

static void on_index_loaded(struct store *store, int status) {
    if (!is_over(store, "load index", status))
        recovery_start(store, on_log_recovered);
}

static void on_dead_dropped(struct store *store, int status) {
    if (!is_over(store, "drop queues of deleted topics", status))
        index_load(store, on_index_loaded);
}

static void on_queues_loaded(struct store *store, int status) {
    if (!is_over(store, "load queues", status))
        queues_drop_dead(store, on_dead_dropped);
}

static void on_deleted_loaded(struct store *store, int status) {
    if (!is_over(store, "load config/deletedTopics.json", status))
        queues_load(store, on_queues_loaded);
}

static void on_checkpoint_loaded(void *ctx, int status) {
    struct store *store = ctx;
    if (!is_over(store, "load checkpoint", status))
        deleted_load(store, on_deleted_loaded);
}

static void on_abort_durable(void *ctx, int status) {
    struct store *store = ctx;
    if (is_over(store, "create abort", status))
        return;
    int err = segments_load(
        &store->log.segments, store->env, span_of_text(store->config.commit_log),
        store->config.commit_log_file_bytes, store->was_clean ? SEGMENTS_CLEAN : SEGMENTS_UNCLEAN);
    char path[ENV_PATH_MAX];
    if (!is_over(store, "load log", err))
        checkpoint_load(&store->checkpoint, store->env, root_path(store, "checkpoint", path),
                        on_checkpoint_loaded, store);
}

static void sync_abort(struct store *store) {
    env_file_close(store->abort);
    store->abort = NULL;
    dir_sync_start(store->root_sync, span_of_text(store->config.root), true, on_abort_durable,
                   store);
}

static void on_abort_written(struct env_file_op *op, int status) {
    struct store *store = RMQ_CONTAINER_OF(op, struct store, lock_op);
    if (status != RMQ_OK)
        env_log(store->env, ENV_LOG_WARN, "abort has no process number: %s", rmq_err_text(status));
    sync_abort(store);
}

/* 5.3 writes its process number, for people (9); that the file is there is all that counts. */
static void write_abort(struct store *store) {
    struct env_identity identity;
    env_identity(store->env, &identity);
    size_t len = format_u64(store->abort_text, identity.process_number);
    if (env_file_truncate(store->abort, 0) == RMQ_OK)
        env_file_write(store->abort, 0, span_of(store->abort_text, len), &store->lock_op,
                       on_abort_written);
    else
        sync_abort(store);
}

static void on_lock_written(struct env_file_op *op, int status) {
    struct store *store = RMQ_CONTAINER_OF(op, struct store, lock_op);
    char path[ENV_PATH_MAX];
    struct span abort = root_path(store, "abort", path);
    if (is_over(store, "write lock", status))
        return;
    int err = env_file_open(store->env, abort, ENV_OPEN_NEW, &store->abort);
    store->was_clean = err == RMQ_OK;
    if (err == RMQ_E_EXISTS)
        err = store->config.profile_5_3
                  ? env_file_open(store->env, abort, ENV_OPEN_WRITE, &store->abort)
                  : RMQ_OK;
    if (is_over(store, "create abort", err))
        return;
    if (store->config.profile_5_3)
        write_abort(store);
    else
        sync_abort(store);
}

static void init(struct store *store, struct env *env, const struct store_config *config,
                 const struct store_handler *handler, void *ctx) {
    *store = (struct store){.env = env, .config = *config, .ctx = ctx};
    if (handler != NULL)
        store->handler = *handler;
    commit_log_init(&store->log, env);
    replication_init(store);
    list_init(&store->gets);
    list_init(&store->lookups);
}

static int create_parts(struct store *store) {
    store->root_sync = dir_sync_create(store->env, strlen(store->config.root));
    int err = store->root_sync == NULL ? RMQ_E_NOMEM : queues_create(store);
    if (err == RMQ_OK)
        err = index_create(store);
    if (err == RMQ_OK)
        err = deleted_create(store);
    if (err == RMQ_OK)
        err = dispatch_create(store);
    return err == RMQ_OK ? clean_create(store) : err;
}

int store_open(struct env *env, const struct store_config *config,
               const struct store_handler *handler, void *ctx, struct store **out) {
    char path[ENV_PATH_MAX];
    struct store *store = env_alloc(env, sizeof *store);
    if (store == NULL)
        return RMQ_E_NOMEM;
    init(store, env, config, handler, ctx);
    int err = create_parts(store);
    if (err == RMQ_OK)
        err = env_path_make_dir(env, span_of_text(config->root));
    if (err == RMQ_OK)
        err = env_file_lock(env, root_path(store, "lock", path), &store->lock);
    if (err != RMQ_OK) {
        store_free(store);
        return err;
    }
    env_file_write(store->lock, 0, SPAN_LITERAL("lock"), &store->lock_op, on_lock_written);
    *out = store;
    return RMQ_OK;
}

/* ---- closing ---- */

static void on_abort_gone(void *ctx, int status) {
    struct store *store = ctx;
    if (status != RMQ_OK)
        env_log(store->env, ENV_LOG_WARN, "the abort file may stay: %s", rmq_err_text(status));
    closed(store);
}

static void on_checkpoint_saved(void *ctx, int status) {
    struct store *store = ctx;
    char path[ENV_PATH_MAX];
    store->keep_abort |= status != RMQ_OK || !store_is_writable(store);
    int err = store->keep_abort ? RMQ_E_STATE
                                : env_path_unlink(store->env, root_path(store, "abort", path));
    if (err == RMQ_OK)
        dir_sync_start(store->root_sync, span_of_text(store->config.root), false, on_abort_gone,
                       store);
    else
        closed(store);
}

static void on_index_flushed(struct store *store, int status) {
    store->keep_abort |= status != RMQ_OK;
    if (!store->flush.failed && store->log.written_ms != 0)
        store->checkpoint.physical_ms = checkpoint_time(store, store->log.written_ms);
    if (!store->keep_abort)
        store->checkpoint.clean_end = (int64_t)store->log.segments.written;
    checkpoint_save(&store->checkpoint, on_checkpoint_saved, store);
}

static void on_queues_flushed(struct store *store, int status) {
    store->keep_abort |= status != RMQ_OK;
    index_flush_all(store, on_index_flushed);
}

static void poll_dispatch(struct store *store);

static void on_poll(struct env *env, struct env_timer *timer) {
    (void)env;
    poll_dispatch(RMQ_CONTAINER_OF(timer, struct store, timer));
}

/* Waits for the dispatch, a bounded time: Apache looks 50 times, each 100 ms. */
static void poll_dispatch(struct store *store) {
    bool behind =
        dispatch_position(store) < store_dispatch_limit(store) && !dispatch_is_partial(store);
    if ((behind || !dispatch_is_quiet(store)) && store->polls++ < POLLS_MAX) {
        env_timer_start(store->env, &store->timer, POLL_NS, on_poll);
        return;
    }
    store->keep_abort |= behind || !dispatch_is_quiet(store);
    queues_flush_all(store, on_queues_flushed);
}

void store_on_quiet(struct store *store) {
    deleted_run(store);
    if (!store->draining)
        return;
    if (!store->log.repairing && !store->flush.failed &&
        (!commit_log_is_quiet(&store->log) || flush_all(store)))
        return;
    store->draining = false;
    store->keep_abort |= store->log.repairing || store->flush.failed;
    poll_dispatch(store);
}

static void on_close(struct env *env, struct env_timer *timer) {
    struct store *store = RMQ_CONTAINER_OF(timer, struct store, timer);
    (void)env;
    if (store->state == STORE_CLOSING)
        store_on_quiet(store);
    else
        closed(store);
}

void store_close(struct store *store) {
    RMQ_ASSERT(!store->stopping);
    store->stopping = true;
    if (store->state == STORE_LOADING)
        return; /* the step under way ends it */
    if (store->state == STORE_OPEN) {
        store->state = STORE_CLOSING;
        store->draining = true;
        replication_give_up(store);
        clean_stop(store);
    }
    env_timer_start(store->env, &store->timer, 0, on_close);
}

void store_free(struct store *store) {
    if (store == NULL)
        return;
    struct env *env = store->env;
    env_timer_stop(env, &store->timer);
    flush_stop(store);
    replication_deinit(store);
    recovery_deinit(store);
    commit_log_deinit(&store->log); /* the parts below may read it */
    clean_free(store);
    dispatch_free(store);
    index_free(store);
    queues_free(store);
    deleted_free(store);
    checkpoint_deinit(&store->checkpoint);
    env_file_close(store->abort);
    env_file_close(store->lock);
    dir_sync_free(store->root_sync);
    env_free(env, store);
}
