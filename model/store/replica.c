/* store/replica.c - the store's side of replication: what leaves a master's log, what a slave's log
 * takes, and puts that wait for a slave. Source: store.md 22. */
#include "model/base/check.h"
#include "model/store/queues.h"

#define NS_PER_MS 1000000U

/* ---- bytes leave ---- */

int64_t store_log_end(const struct store *store) {
    return (int64_t)store->log.segments.accepted;
}

int64_t store_log_limit(const struct store *store) {
    return (int64_t)store_dispatch_limit(store);
}

/* At most `len`, to the limit and the file's end; 0: there is none. */
static size_t part_at(const struct store *store, uint64_t position, size_t len) {
    const struct segments *log = &store->log.segments;
    uint64_t limit = store_dispatch_limit(store);
    uint64_t to_file_end = log->file_bytes - position % log->file_bytes;
    if (position < segments_min(log) || position >= limit)
        return 0;
    len = len < to_file_end ? len : (size_t)to_file_end;
    return len < limit - position ? len : (size_t)(limit - position);
}

int store_log_bytes(const struct store *store, int64_t position, size_t len, struct span *out) {
    size_t part = part_at(store, (uint64_t)position, len);
    return part == 0 ? RMQ_E_RANGE : store_log_view(store, (uint64_t)position, part, out);
}

int store_log_read(struct store *store, int64_t position, size_t len, store_log_fn *done, void *ctx,
                   struct read_job **out) {
    size_t part = part_at(store, (uint64_t)position, len);
    if (part == 0)
        return RMQ_E_RANGE;
    return reads_start(&store->queues->reads, &store->log.segments, (uint64_t)position, part, done,
                       ctx, out);
}

void store_log_read_cancel(struct read_job *job) {
    reads_cancel(job);
}

/* ---- bytes come ---- */

bool store_log_is_empty(const struct store *store) {
    const struct segments *log = &store->log.segments;
    return log->accepted == segments_min(log);
}

int store_log_begin(struct store *store, int64_t position) {
    struct segments *log = &store->log.segments;
    RMQ_ASSERT(store->config.replica);
    if (store->state != STORE_OPEN || !store_log_is_empty(store) || store->log.repairing)
        return RMQ_E_STATE;
    if (position < 0 || (uint64_t)position % log->file_bytes != 0)
        return RMQ_E_INVALID;
    int err = segments_drop_from(log, 0);
    if (err == RMQ_OK) {
        log->accepted = log->written = log->flushed = (uint64_t)position;
        dispatch_begin_at(store, (uint64_t)position);
    }
    return err;
}

int store_log_append(struct store *store, struct span bytes) {
    RMQ_ASSERT(store->config.replica);
    if (store->state != STORE_OPEN || store->log.repairing || !store_is_writable(store))
        return RMQ_E_STATE;
    return commit_log_append(store, bytes);
}

size_t store_log_unwritten(const struct store *store) {
    return (size_t)(store->log.segments.accepted - store->log.segments.written);
}

/* ---- puts wait for a slave ---- */

static struct store_put *first_put(struct replication *replication) {
    return LIST_ENTRY(replication->puts.next, struct store_put, link);
}

static void end(struct store_put *put, enum put_status status) {
    store_put_fn *done = put->done;
    list_remove(&put->link);
    put->done = NULL;
    done(put, status);
}

static void watch(struct store *store);

/* The slaves that are there have not taken it in time: they stand still, and who comes now is not
 * made to wait as well (INC-46), until one of them takes something. */
static void on_timeout(struct env *env, struct env_timer *timer) {
    struct store *store = RMQ_CONTAINER_OF(timer, struct store, replication.timer);
    struct replication *replication = &store->replication;
    uint64_t now = env_mono_ns(env);
    uint64_t timeout_ns = (uint64_t)store->config.slave_timeout_ms * NS_PER_MS;
    while (!list_is_empty(&replication->puts) &&
           first_put(replication)->begun_ns + timeout_ns <= now) {
        if (!quirk_on(store->config.quirks, QUIRK_SLAVE_STALL_WAITS))
            replication->stalled = true;
        end(first_put(replication), PUT_FLUSH_SLAVE_TIMEOUT);
    }
    watch(store);
}

static void watch(struct store *store) {
    struct replication *replication = &store->replication;
    if (list_is_empty(&replication->puts) || env_timer_armed(&replication->timer))
        return;
    uint64_t due =
        first_put(replication)->begun_ns + (uint64_t)store->config.slave_timeout_ms * NS_PER_MS;
    uint64_t now = env_mono_ns(store->env);
    env_timer_start(store->env, &replication->timer, due > now ? due - now : 0, on_timeout);
}

void replication_init(struct store *store) {
    list_init(&store->replication.puts);
}

void replication_deinit(struct store *store) {
    struct replication *replication = &store->replication;
    env_timer_stop(store->env, &replication->timer);
    LIST_EACH(&replication->puts, link, following) {
        LIST_ENTRY(link, struct store_put, link)->done = NULL;
        list_remove(link);
    }
}

void replication_settle(struct store *store, struct store_put *put) {
    struct replication *replication = &store->replication;
    if (!store->config.sync_master || !put->wait || put->end_physical <= replication->acked) {
        end(put, PUT_OK);
        return;
    }
    bool far = put->end_physical - replication->acked >= (int64_t)store->config.slave_behind_max;
    if (replication->slaves == 0 || replication->stalled || far) {
        end(put, PUT_SLAVE_NOT_AVAILABLE);
        return;
    }
    put->begun_ns = env_mono_ns(store->env);
    list_remove(&put->link);
    list_append(&replication->puts, &put->link);
    watch(store);
}

void store_set_slaves(struct store *store, uint32_t count, int64_t acked) {
    struct replication *replication = &store->replication;
    replication->slaves = count;
    if (acked <= replication->acked)
        return;
    replication->acked = acked;
    replication->stalled = false;
    while (!list_is_empty(&replication->puts) &&
           first_put(replication)->end_physical <= replication->acked)
        end(first_put(replication), PUT_OK);
    if (list_is_empty(&replication->puts))
        env_timer_stop(store->env, &replication->timer);
}

int64_t store_replicated(const struct store *store) {
    return store->replication.acked;
}

void replication_give_up(struct store *store) {
    struct replication *replication = &store->replication;
    while (!list_is_empty(&replication->puts))
        end(first_put(replication), PUT_FLUSH_SLAVE_TIMEOUT);
    env_timer_stop(store->env, &replication->timer);
}
