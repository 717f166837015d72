/* store/flush.c - syncs the commit log. Source: store.md 12.1, 12.2.
 *
 * Differs: Apache's flush thread flushes one file a round; here a round covers all files. */
#include "model/store/flush.h"

#include "model/base/check.h"
#include "model/events.h"
#include "model/store/deleted.h"

#define PAGE 4096
#define NS_PER_MS 1000000U

static void on_timer(struct env *env, struct env_timer *timer);

static bool is_syncing(const struct flush *flush) {
    return flush->sync.segments != NULL;
}

static bool is_behind(const struct store *store) {
    return store->log.segments.flushed < store->log.segments.written;
}

/* The pages, or the file, that Apache waits for (2). */
static bool has_least_pages(const struct store *store) {
    const struct segments *segments = &store->log.segments;
    uint64_t file_bytes = segments->file_bytes;
    return segments->written / PAGE - segments->flushed / PAGE >= store->config.flush_least_pages ||
           segments->written / file_bytes != segments->flushed / file_bytes;
}

/* ---- syncs ---- */

static void go_on(struct store *store);

void flush_fail(struct store *store, int err) {
    struct flush *flush = &store->flush;
    if (flush->failed)
        return;
    flush->failed = true;
    event_store_sync_failed(store->env, span_of_text(store->config.commit_log),
                            span_of_text(rmq_err_text(err)));
    flush_stop(store);
    store_set_flags(store, STORE_NOT_WRITABLE, true, "sync failed", 0);
    commit_log_give_up(store, UINT64_MAX);
    store_on_quiet(store);
}

static void on_synced(struct segments_sync *sync, int status) {
    struct store *store = RMQ_CONTAINER_OF(sync, struct store, flush.sync);
    struct flush *flush = &store->flush;
    if (status != RMQ_OK) {
        flush_fail(store, status);
        return;
    }
    if (flush->covers_ms != 0)
        store->checkpoint.physical_ms = checkpoint_time(store, flush->covers_ms);
    event_store_flushed(store->env, (int64_t)store->log.segments.flushed,
                        env_mono_ns(store->env) - flush->begun_ns);
    go_on(store); /* the next sync is under way while the puts of this one are told */
    commit_log_on_flushed(store);
    dispatch_run(store);
    store_tell_log(store);
    commit_log_trim_recent(store);
    deleted_run(store);
    if (!is_syncing(flush))
        store_on_quiet(store);
}

static void start_sync(struct store *store) {
    struct flush *flush = &store->flush;
    RMQ_ASSERT(!flush->failed && !is_syncing(flush) && is_behind(store));
    flush->begun_ns = env_mono_ns(store->env);
    flush->covers_ms = store->log.written_ms;
    segments_sync(&store->log.segments, &flush->sync, on_synced);
}

/* ---- when ---- */

static void watch_oldest(struct store *store) {
    const struct list *flushing = &store->log.flushing;
    if (list_is_empty(flushing) || env_timer_armed(&store->flush.timer))
        return;
    uint64_t age_ns =
        env_mono_ns(store->env) - LIST_ENTRY(flushing->next, struct store_put, link)->begun_ns;
    uint64_t timeout_ns = (uint64_t)store->config.sync_flush_timeout_ms * NS_PER_MS;
    env_timer_start(store->env, &store->flush.timer, timeout_ns > age_ns ? timeout_ns - age_ns : 0,
                    on_timer);
}

/* Starts a sync, or sees to it that one starts later. */
static void go_on(struct store *store) {
    struct flush *flush = &store->flush;
    if (flush->failed || is_syncing(flush) || !is_behind(store))
        return;
    bool at_once =
        store->config.sync_flush || store->state == STORE_CLOSING || deleted_wants_flush(store);
    if (!at_once && env_plant(store->env, PLANT_STORE_FLUSH_NEVER))
        return;
    if (at_once || env_buggify(store->env, BUGGIFY_STORE_FLUSH_NOW))
        start_sync(store);
    else if (!env_timer_armed(&flush->timer))
        env_timer_start(store->env, &flush->timer,
                        (uint64_t)store->config.flush_interval_ms * NS_PER_MS, on_timer);
}

static void look_async(struct store *store) {
    struct flush *flush = &store->flush;
    uint64_t now = env_mono_ns(store->env);
    bool thorough =
        now - flush->thorough_ns >= (uint64_t)store->config.flush_thorough_ms * NS_PER_MS;
    if (thorough)
        flush->thorough_ns = now;
    if (is_behind(store) && !is_syncing(flush) && (thorough || has_least_pages(store)))
        start_sync(store);
    else
        go_on(store);
}

static void on_timer(struct env *env, struct env_timer *timer) {
    struct store *store = RMQ_CONTAINER_OF(timer, struct store, flush.timer);
    if (!store->config.sync_flush) {
        look_async(store);
        return;
    }
    uint64_t timeout_ns = (uint64_t)store->config.sync_flush_timeout_ms * NS_PER_MS;
    uint64_t now = env_mono_ns(env);
    commit_log_give_up(store, now > timeout_ns ? now - timeout_ns + 1 : 0);
    watch_oldest(store);
}

void flush_on_written(struct store *store) {
    go_on(store);
}

void flush_watch(struct store *store) {
    watch_oldest(store);
}

bool flush_all(struct store *store) {
    go_on(store);
    return is_syncing(&store->flush);
}

void flush_stop(struct store *store) {
    env_timer_stop(store->env, &store->flush.timer);
}
