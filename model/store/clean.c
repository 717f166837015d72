/* store/clean.c - deletes what has expired, and stops writes on a full disk (store.md 16).
 *
 * A round: log files, oldest first, each unlink made durable before the next, with pauses; then
 * what names messages below the log's new first byte: queue files, min offsets, index files. A
 * power-off at any point so leaves no gap in the log, and at worst a queue that names a message
 * that is gone. A file goes only when the queue units of its messages are durable: where all
 * messages of a queue go, nothing else tells the start after a power-off which offsets were given
 * out. (Index and checkpoint may lag behind: they are then too early, which does no harm.)
 * One timer: the disk is looked at 1 s after the start and then each round, files go from 60 s on.
 * A store that opens may wait for space: its queues and index catch up with the log. Then log files
 * behind the dispatch go at once, for want of space only; what follows for queues and index waits
 * until it is open. Differs: Apache cleans nothing before it has started, and a full disk ends it.
 * A forced round that used up its batch is followed by the next one at once, until there is space.
 * Differs: Apache deletes 10 files in 10 s however small they are, and refuses writes meanwhile.
 * Differs: Apache checks the disk by two tasks that disagree about when it is no more full; in
 * effect it is at or below the warning level, as here. */
#include "model/store/index.h"
#include "model/store/queues.h"

#include "model/events.h"

#define NS_PER_MS 1000000U
#define FIRST_LOOK_MS 1000
#define FIRST_CLEAN_MS 60000
#define MANUAL_ROUNDS 20
#define UNITS_POLL_NS 10000000U
#define MS_PER_HOUR 3600000
#define PPM 1000000U

struct clean {
    struct store *store;
    struct env_timer timer;
    struct dir_sync *names;
    uint64_t start_ns; /* of the first round that deletes */
    uint64_t due_ns;   /* of the next round */
    uint32_t manual;   /* rounds left that delete whatever the hour */
    uint32_t batch;    /* files left in this round */
    bool begun;        /* clean_start was called */
    bool active;       /* a round is under way: the timer is a pause between two files */
    bool names_owed;   /* an unlink of a log file is not durable yet */
    bool at_once;      /* ignore the age */
    const char *reason;
    uint64_t trimmed; /* the log's first byte when queues were trimmed last */
};

static void on_timer(struct env *env, struct env_timer *timer);

int clean_create(struct store *store) {
    struct clean *clean = env_alloc(store->env, sizeof *clean);
    if (clean == NULL) {
        return RMQ_E_NOMEM;
    }
    memset(clean, 0, sizeof *clean);
    clean->store = store;
    clean->names = dir_sync_create(store->env, strlen(store->config.commit_log));
    if (clean->names == NULL) {
        env_free(store->env, clean);
        return RMQ_E_NOMEM;
    }
    store->clean = clean;
    return RMQ_OK;
}

void clean_free(struct store *store) {
    struct clean *clean = store->clean;
    store_reads_cancel(store);
    if (clean == NULL) {
        return;
    }
    env_timer_stop(store->env, &clean->timer);
    dir_sync_free(clean->names);
    env_free(store->env, clean);
    store->clean = NULL;
}

void clean_start(struct store *store) {
    struct clean *clean = store->clean;
    uint64_t now = env_mono_ns(store->env);
    uint64_t quiet_ms = store->state == STORE_OPEN ? FIRST_CLEAN_MS : 0;
    clean->start_ns = now + quiet_ms * NS_PER_MS;
    if (!clean->begun) {
        clean->begun = true;
        clean->trimmed = commit_log_min(&store->log);
    }
    if (!clean->active) { /* else a round that began before the store was open goes on */
        clean->due_ns = now + (uint64_t)FIRST_LOOK_MS * NS_PER_MS;
        env_timer_start(store->env, &clean->timer, (uint64_t)FIRST_LOOK_MS * NS_PER_MS, on_timer);
    }
}

void clean_stop(struct store *store) {
    env_timer_stop(store->env, &store->clean->timer);
}

/* Not while the store settles: the queues' first offsets are found then. */
static bool may_clean(const struct store *store) {
    return store->state == STORE_OPEN ||
           (store->state == STORE_LOADING && dispatch_catches_up(store));
}

/* ---- the disk ---- */

/* Used part of the file system that holds `path`, millionths; -1: unknown. */
static int64_t used_ppm(const struct store *store, struct span path) {
    struct env_disk_usage usage;
    if (env_disk_usage(store->env, path, &usage) != RMQ_OK || usage.total_bytes == 0) {
        return -1;
    }
    uint64_t unit = usage.total_bytes / PPM + 1; /* without overflow, whatever the size */
    return usage.total_bytes < PPM * 1000ULL
               ? (int64_t)(usage.used_bytes * PPM / usage.total_bytes)
               : (int64_t)(usage.used_bytes / unit * PPM / (usage.total_bytes / unit));
}

/* Rounded up to a whole percent (16.3). */
static bool is_above(int64_t ppm, uint32_t percent) {
    return (ppm + PPM / 100 - 1) / (PPM / 100) > (int64_t)percent;
}

/* Why files are to go for want of space; NULL: there is enough. */
static const char *look_at_disk(struct clean *clean) {
    struct store *store = clean->store;
    const struct store_config *config = &store->config;
    int64_t used = used_ppm(store, span_of_text(config->commit_log));
    int64_t queues = used_ppm(store, span_of_text(config->root));
    used = queues > used ? queues : used; /* the log's directory may not be there yet */
    bool full = used >= 0 && is_above(used, config->warning_percent);
    if (full != ((store->flags & STORE_DISK_FULL) != 0)) {
        store_set_flags(store, STORE_DISK_FULL, full, full ? "disk full" : "disk has space",
                        (uint32_t)(used < 0 ? 0 : used));
    }
    clean->at_once =
        used >= 0 && config->clean_forcibly && is_above(used, config->clean_forcibly_percent);
    if (clean->at_once) {
        return "forced";
    }
    return used < 0 || is_above(used, config->max_used_percent) ? "space" : NULL;
}

static bool is_delete_hour(const struct store *store) {
    int64_t local_ms = env_wall_ms(store->env) + (int64_t)env_utc_offset_min(store->env) * 60000;
    int64_t hour = local_ms / MS_PER_HOUR % 24;
    return hour >= 0 && (store->config.delete_hours >> hour & 1U) != 0;
}

/* ---- a round ---- */

static void sleep_until_due(struct clean *clean) {
    struct env *env = clean->store->env;
    uint64_t now = env_mono_ns(env);
    const struct store_config *config = &clean->store->config;
    uint64_t period = (uint64_t)config->clean_interval_ms * NS_PER_MS;
    bool goes_on = clean->active && clean->at_once && clean->batch == 0;
    clean->active = false;
    if (goes_on) {
        period = ((uint64_t)config->delete_files_interval_ms + 1) * NS_PER_MS;
        clean->due_ns = now;
    }
    clean->due_ns = clean->due_ns + period > now ? clean->due_ns + period : now + period;
    if (clean->store->state == STORE_OPEN || clean->store->state == STORE_LOADING) {
        env_timer_start(env, &clean->timer, clean->due_ns - now, on_timer);
    }
}

static void on_trimmed(struct store *store, int status) {
    struct clean *clean = store->clean;
    uint64_t min = commit_log_min(&store->log);
    if (status == RMQ_OK) {
        clean->trimmed = min;
        index_trim(store->index, (int64_t)min);
    } else {
        env_log(store->env, ENV_LOG_WARN, "queues are not trimmed: %s", rmq_err_text(status));
    }
    sleep_until_due(clean);
}

static void end_round(struct clean *clean) {
    struct store *store = clean->store;
    uint64_t min = commit_log_min(&store->log);
    if (store->state != STORE_OPEN || min == clean->trimmed || clean->names_owed) {
        sleep_until_due(clean);
    } else {
        queues_trim(store->queues, (int64_t)min, on_trimmed);
    }
}

static bool is_expired(const struct clean *clean) {
    const struct store *store = clean->store;
    int64_t age_ms = env_wall_ms(store->env) - segments_modified_ms(&store->log.segments, 0);
    return clean->at_once || age_ms >= (int64_t)store->config.reserved_hours * MS_PER_HOUR;
}

/* The first file may go but for its units: it is not the last, durable, dispatched, and nobody
 * reads it. */
static bool is_free(const struct store *store) {
    const struct segments *log = &store->log.segments;
    uint64_t from = segments_min(log), end = from + log->file_bytes;
    return log->count > 1 && log->flushed >= end && dispatch_position(store) >= end &&
           !reads_touch(&store->queues->reads, log, from, end);
}

/* Units of the first file's messages are durable. Where queues can't be written, only the log can
 * give them space: then being dispatched must do. */
static bool has_units(const struct store *store) {
    const struct segments *log = &store->log.segments;
    return queues_durable(store->queues) >= segments_min(log) + log->file_bytes ||
           !queues_ready(store->queues);
}

static void on_names(void *ctx, int status) {
    struct clean *clean = ctx;
    struct store *store = clean->store;
    if (status == RMQ_OK && clean->batch > 0 && may_clean(store)) {
        clean->names_owed = false;
        env_timer_start(store->env, &clean->timer,
                        (uint64_t)store->config.delete_files_interval_ms * NS_PER_MS, on_timer);
        return;
    }
    if (status == RMQ_OK) {
        clean->names_owed = false;
    } else {
        event_store_sync_failed(store->env, span_of_text(store->config.commit_log),
                                span_of_text(rmq_err_text(status)));
    }
    end_round(clean);
}

static void sync_names(struct clean *clean) {
    dir_sync_start(clean->names, span_of_text(clean->store->config.commit_log), false, on_names,
                   clean);
}

static void next_file(struct clean *clean) {
    struct store *store = clean->store;
    struct segments *log = &store->log.segments;
    if (clean->names_owed) { /* else this one could come back and the next one not */
        sync_names(clean);
        return;
    }
    if (clean->batch == 0 || !may_clean(store) || !is_free(store) || !is_expired(clean)) {
        end_round(clean);
        return;
    }
    if (!has_units(store)) {
        if (queues_flush_now(store->queues)) {
            env_timer_start(store->env, &clean->timer, UNITS_POLL_NS, on_timer);
        } else {
            end_round(clean);
        }
        return;
    }
    char path[ENV_PATH_MAX];
    uint64_t from = segments_min(log), end = from + log->file_bytes;
    size_t len = segments_path(log, from, path);
    int status = segments_drop_first(log);
    if (status != RMQ_OK) {
        env_log(store->env, ENV_LOG_WARN, "%s is not deleted: %s", path, rmq_err_text(status));
        end_round(clean);
        return;
    }
    event_store_file_deleted(store->env, span_of(path, len), (int64_t)from, (int64_t)end,
                             span_of_text(clean->reason));
    clean->batch--;
    clean->names_owed = true;
    sync_names(clean);
}

static void begin_round(struct clean *clean) {
    struct store *store = clean->store;
    const char *reason = look_at_disk(clean);
    bool loading = store->state != STORE_OPEN;
    if (env_mono_ns(store->env) < clean->start_ns || (loading && reason == NULL)) {
        sleep_until_due(clean);
        return;
    }
    if (env_plant(store->env, PLANT_STORE_CLEAN_EAGER)) {
        clean->at_once = true;
    }
    if (reason == NULL && is_delete_hour(store)) {
        reason = "expired";
    }
    if (reason == NULL && clean->manual > 0) {
        reason = "manual";
    }
    clean->manual -= clean->manual > 0 ? 1 : 0;
    clean->reason = reason == NULL ? "expired" : reason;
    clean->batch = reason == NULL && !clean->at_once ? 0 : store->config.delete_batch;
    clean->active = true;
    next_file(clean);
}

static void on_timer(struct env *env, struct env_timer *timer) {
    struct clean *clean = RMQ_CONTAINER_OF(timer, struct clean, timer);
    (void)env;
    if (clean->active) {
        next_file(clean);
    } else {
        begin_round(clean);
    }
}

void store_delete_expired(struct store *store) {
    store->clean->manual = MANUAL_ROUNDS;
}
