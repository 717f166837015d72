/* store/commit_log.c - runs of records on their way to the log's segments. */
#include "model/store/commit_log.h"

#include "model/base/check.h"
#include "model/events.h"
#include "model/store/store_internal.h"
#include "model/wire/message_bytes.h"

#define SPARE_BYTES_MAX (64U << 10) /* a larger buffer is given back */
#define RECENT_BYTES_MAX (256U << 10)
#define RETRY_NS 1000000000U

static struct log_run *run_of(struct list *link) {
    return LIST_ENTRY(link, struct log_run, link);
}

static struct store_put *put_of(struct list *link) {
    return LIST_ENTRY(link, struct store_put, link);
}

void commit_log_init(struct commit_log *log, struct env *env) {
    *log = (struct commit_log){.segments = {.env = env}};
    list_init(&log->runs);
    list_init(&log->recent);
    list_init(&log->spare);
    list_init(&log->writing);
    list_init(&log->flushing);
    buf_init(&log->scratch, env);
}

static void free_runs(struct env *env, struct list *runs) {
    LIST_EACH(runs, link, following) {
        struct log_run *run = run_of(link);
        list_remove(link);
        buf_deinit(&run->bytes);
        env_free(env, run);
    }
}

static void forget_puts(struct list *puts) {
    LIST_EACH(puts, link, following) {
        put_of(link)->done = NULL;
        list_remove(link);
    }
}

void commit_log_deinit(struct commit_log *log) {
    struct env *env = log->segments.env;
    segments_deinit(&log->segments); /* ends the write, which reads a run */
    env_timer_stop(env, &log->retry_timer);
    free_runs(env, &log->runs);
    free_runs(env, &log->recent);
    free_runs(env, &log->spare);
    forget_puts(&log->writing);
    forget_puts(&log->flushing);
    buf_deinit(&log->scratch);
}

bool commit_log_is_quiet(const struct commit_log *log) {
    return list_is_empty(&log->runs) && !log->repairing && !env_file_op_active(&log->ahead.op);
}

/* ---- runs ---- */

/* Keeps one run for the next time, unless it is large. */
static void recycle(struct commit_log *log, struct log_run *run) {
    list_remove(&run->link);
    if (!list_is_empty(&log->spare) || run->bytes.capacity > SPARE_BYTES_MAX) {
        buf_deinit(&run->bytes);
        env_free(log->segments.env, run);
        return;
    }
    buf_clear(&run->bytes);
    list_append(&log->spare, &run->link);
}

static struct log_run *take_run(struct commit_log *log) {
    struct env *env = log->segments.env;
    struct log_run *run;
    if (!list_is_empty(&log->spare)) {
        run = run_of(log->spare.next);
        list_remove(&run->link);
    } else {
        run = env_alloc(env, sizeof *run);
        if (run == NULL)
            return NULL;
        *run = (struct log_run){.from = 0};
        list_init(&run->link);
        buf_init(&run->bytes, env);
    }
    run->from = run->end = log->segments.accepted;
    run->begun_ns = env_mono_ns(env);
    run->store_ms = 0;
    return run;
}

/* The run that takes what comes next: the last one when it is not being written and ends at
 * `accepted`, in this segment; else a new one. NULL: no memory. */
static struct log_run *open_run(struct commit_log *log) {
    const struct segments *segments = &log->segments;
    if (!list_is_empty(&log->runs)) {
        struct log_run *last = run_of(log->runs.prev);
        bool is_written = log->runs.next == &last->link && env_file_op_active(&log->op);
        RMQ_ASSERT(last->end == segments->accepted); /* L1 */
        if (!is_written && last->end == last->from + last->bytes.len &&
            last->end % segments->file_bytes != 0)
            return last;
    }
    struct log_run *run = take_run(log);
    if (run != NULL)
        list_append(&log->runs, &run->link);
    return run;
}

/* Takes back a run that got nothing. */
static void close_run(struct commit_log *log, struct log_run *run) {
    if (run->bytes.len == 0)
        recycle(log, run);
}

/* Fills the segment up: a blank record says how much is left, and nobody reads the rest (3.5). */
static bool put_blank(struct commit_log *log, uint64_t rest) {
    RMQ_ASSERT(rest >= MESSAGE_BLANK_BYTES && rest <= INT32_MAX);
    struct log_run *run = open_run(log);
    if (run == NULL)
        return false;
    if (buf_reserve(&run->bytes, MESSAGE_BLANK_BYTES) != RMQ_OK) {
        run->bytes.failed = false; /* what it has is whole */
        close_run(log, run);
        return false;
    }
    buf_put_i32(&run->bytes, (int32_t)rest);
    buf_put_i32(&run->bytes, MESSAGE_MAGIC_BLANK);
    log->segments.accepted += rest;
    run->end = log->segments.accepted;
    return true;
}

static void write_next(struct commit_log *log);

static int grow(struct store *store) {
    struct segments *segments = &store->log.segments;
    int err = segments_grow(segments, segments->accepted);
    if (err != RMQ_OK) {
        char path[ENV_PATH_MAX];
        size_t len = segments_path(segments, segments->accepted, path);
        event_store_write_failed(store->env, span_of(path, len), span_of_text(rmq_err_text(err)),
                                 (int64_t)segments->accepted);
    }
    return err;
}

struct log_run *commit_log_place(struct store *store, size_t bytes, int *status) {
    struct commit_log *log = &store->log;
    struct segments *segments = &log->segments;
    RMQ_ASSERT(bytes + MESSAGE_BLANK_BYTES <= segments->file_bytes);
    uint64_t rest = segments->file_bytes - segments->accepted % segments->file_bytes;
    if (segments_at(segments, segments->accepted) != NULL && bytes + MESSAGE_BLANK_BYTES > rest &&
        !put_blank(log, rest)) {
        *status = PUT_UNKNOWN_ERROR;
        return NULL;
    }
    if (segments_at(segments, segments->accepted) == NULL && grow(store) != RMQ_OK) {
        write_next(log); /* the blank record */
        *status = PUT_CREATE_FILE_FAILED;
        return NULL;
    }
    struct log_run *run = open_run(log);
    if (run != NULL && buf_reserve(&run->bytes, bytes) != RMQ_OK) {
        run->bytes.failed = false; /* what it has is whole */
        close_run(log, run);
        run = NULL;
    }
    *status = PUT_UNKNOWN_ERROR;
    return run;
}

/* ---- puts are told ---- */

static void tell(struct store_put *put, enum put_status status) {
    store_put_fn *done = put->done;
    list_remove(&put->link);
    put->done = NULL;
    done(put, status);
}

static bool waits_for_flush(const struct store *store, const struct store_put *put) {
    return put->wait && store->config.sync_flush &&
           (uint64_t)put->end_physical > store->log.segments.flushed &&
           !env_plant(store->env, PLANT_STORE_ACK_EARLY);
}

/* Those whose bytes are written now. A call of `done` may put and cancel. */
static void tell_written(struct store *store) {
    struct commit_log *log = &store->log;
    while (!list_is_empty(&log->writing)) {
        struct store_put *put = put_of(log->writing.next);
        if ((uint64_t)put->end_physical > log->segments.written)
            return;
        if (!waits_for_flush(store, put)) {
            replication_settle(store, put);
        } else if (store->flush.failed) {
            tell(put, PUT_FLUSH_DISK_TIMEOUT);
        } else {
            put->begun_ns = env_mono_ns(store->env);
            list_remove(&put->link);
            list_append(&log->flushing, &put->link);
            flush_watch(store);
        }
    }
}

void commit_log_on_flushed(struct store *store) {
    struct commit_log *log = &store->log;
    while (!list_is_empty(&log->flushing)) {
        struct store_put *put = put_of(log->flushing.next);
        if ((uint64_t)put->end_physical > log->segments.flushed)
            return;
        replication_settle(store, put);
    }
}

void commit_log_give_up(struct store *store, uint64_t before_ns) {
    struct commit_log *log = &store->log;
    while (!list_is_empty(&log->flushing)) {
        struct store_put *put = put_of(log->flushing.next);
        if (put->begun_ns >= before_ns)
            return;
        tell(put, PUT_FLUSH_DISK_TIMEOUT);
    }
}

/* ---- writes ---- */

static void on_written(struct env_file_op *op, int status);

static void write_next(struct commit_log *log) {
    if (list_is_empty(&log->runs) || env_file_op_active(&log->op) || log->repairing)
        return;
    struct log_run *run = run_of(log->runs.next);
    RMQ_ASSERT(run->from == log->segments.written); /* L1 */
    if (log_ahead_blocks(&log->ahead, run->from, run->bytes.len))
        return;
    segments_write(&log->segments, run->from, buf_span(&run->bytes), &log->op, on_written);
}

void commit_log_go_on(struct store *store) {
    write_next(&store->log);
}

void commit_log_accept(struct store *store, struct log_run *run, struct store_put *put) {
    struct commit_log *log = &store->log;
    RMQ_ASSERT(!buf_failed(&run->bytes) && run->from + run->bytes.len > run->end);
    run->end = run->from + run->bytes.len;
    run->store_ms = put->store_ms;
    log->segments.accepted = run->end;
    put->end_physical = (int64_t)run->end;
    list_append(&log->writing, &put->link);
    if (put->store_ms > log->latest_ms)
        log->latest_ms = put->store_ms;
    else if (store->checkpoint.physical_ms != 0 && checkpoint_time(store, put->store_ms) == 0)
        checkpoint_reset(store);
    write_next(log);
}

int commit_log_append(struct store *store, struct span bytes) {
    struct commit_log *log = &store->log;
    struct segments *segments = &log->segments;
    while (bytes.len > 0) {
        int err = segments_at(segments, segments->accepted) == NULL ? grow(store) : RMQ_OK;
        if (err != RMQ_OK)
            return err;
        uint64_t room = segments->file_bytes - segments->accepted % segments->file_bytes;
        size_t len = bytes.len < room ? bytes.len : (size_t)room;
        struct log_run *run = open_run(log);
        if (run == NULL)
            return RMQ_E_NOMEM;
        if (buf_reserve(&run->bytes, len) != RMQ_OK) {
            run->bytes.failed = false; /* what it has is whole */
            close_run(log, run);
            return RMQ_E_NOMEM;
        }
        buf_put(&run->bytes, bytes.data, len);
        run->end = segments->accepted = run->from + run->bytes.len;
        bytes = span_from(bytes, len);
        write_next(log);
    }
    return RMQ_OK;
}

/* Dispatch reads what was just written; it is still here. */
static void keep_recent(struct commit_log *log, struct log_run *run) {
    list_remove(&run->link);
    list_append(&log->recent, &run->link);
    log->recent_bytes += run->bytes.len;
}

static void drop_recent(struct commit_log *log) {
    struct log_run *run = run_of(log->recent.next);
    log->recent_bytes -= run->bytes.len;
    recycle(log, run);
}

void commit_log_trim_recent(struct store *store) {
    struct commit_log *log = &store->log;
    while (!list_is_empty(&log->recent) &&
           (log->recent_bytes > RECENT_BYTES_MAX ||
            run_of(log->recent.next)->end <= dispatch_position(store)))
        drop_recent(log);
}

int store_log_view(const struct store *store, uint64_t position, size_t len, struct span *out) {
    const struct commit_log *log = &store->log;
    if (position >= log->segments.written)
        return RMQ_E_RANGE;
    for (struct list *link = log->recent.prev; link != &log->recent; link = link->prev) {
        const struct log_run *run = run_of(link);
        if (position < run->from || position >= run->from + run->bytes.len)
            continue;
        struct span rest = span_from(buf_span(&run->bytes), (size_t)(position - run->from));
        *out = span_of(rest.data, rest.len < len ? rest.len : len);
        return RMQ_OK;
    }
    return segments_view(&log->segments, position, len, out);
}

/* ---- a write failed (L4) ---- */

static void repair(struct store *store);

/* The next put of each queue gets the offset that the first failed record had. */
static void give_offsets_back(struct store *store, const struct log_run *run) {
    struct span rest = buf_span(&run->bytes);
    struct message message;
    while (rest.len > 0 && message_decode(rest, false, &message) == MESSAGE_OK) {
        int64_t *next = queues_next_offset(store, message.topic, message.queue_id);
        if (next != NULL && message_takes_offset(&message) && *next > message.queue_offset)
            *next = message.queue_offset;
        rest = span_from(rest, message.size);
    }
}

static enum put_status failed_status(int err) {
    return err == RMQ_E_NO_SPACE || err == RMQ_E_READ_ONLY ? PUT_SERVICE_NOT_AVAILABLE
                                                           : PUT_UNKNOWN_ERROR;
}

static void cut_back(struct store *store, int err) {
    struct commit_log *log = &store->log;
    char path[ENV_PATH_MAX];
    const struct segment *segment = segments_at(&log->segments, log->segments.written);
    size_t len = segments_path(&log->segments, segment->from, path);
    event_store_write_failed(store->env, span_of(path, len), span_of_text(rmq_err_text(err)),
                             (int64_t)log->segments.written);
    LIST_EACH(&log->runs, link, following) {
        give_offsets_back(store, run_of(link));
        recycle(log, run_of(link));
    }
    log->segments.accepted = log->segments.written;
    log->repairing = true;
    struct list failed; /* `done` may put again, which is refused while repairing */
    list_init(&failed);
    LIST_EACH(&log->writing, link, following) {
        list_remove(link);
        list_append(&failed, link);
    }
    repair(store);
    store_tell_log(store);
    while (!list_is_empty(&failed))
        tell(put_of(failed.next), failed_status(err));
}

static void on_retry(struct env *env, struct env_timer *timer) {
    (void)env;
    repair(RMQ_CONTAINER_OF(timer, struct store, log.retry_timer));
}

static void on_repaired(struct env_file_op *op, int status) {
    struct store *store = RMQ_CONTAINER_OF(op, struct store, log.op);
    if (status != RMQ_OK) {
        flush_fail(store, status);
        return;
    }
    store->log.repairing = false;
    store_on_quiet(store);
}

/* Cuts the file behind `written` and gives it its size back, sparse: needs no space, so it works on
 * a full disk too. */
static void repair(struct store *store) {
    struct commit_log *log = &store->log;
    const struct segment *segment = segments_at(&log->segments, log->segments.written);
    int err = env_file_truncate(segment->file, log->segments.written - segment->from);
    if (err == RMQ_OK)
        err = env_file_truncate(segment->file, log->segments.file_bytes);
    if (err == RMQ_OK)
        env_file_sync(segment->file, &log->op, on_repaired);
    else
        env_timer_start(store->env, &log->retry_timer, RETRY_NS, on_retry);
}

static void on_written(struct env_file_op *op, int status) {
    struct store *store = RMQ_CONTAINER_OF(op, struct store, log.op);
    struct commit_log *log = &store->log;
    if (status != RMQ_OK) {
        cut_back(store, status);
        return;
    }
    struct log_run *run = run_of(log->runs.next);
    log->segments.written = run->end;
    if (run->store_ms != 0)
        log->written_ms = run->store_ms;
    keep_recent(log, run);
    write_next(log);
    log_ahead_run(store);
    flush_on_written(store);
    tell_written(store);
    dispatch_run(store);
    store_tell_log(store);
    commit_log_trim_recent(store);
    if (commit_log_is_quiet(log))
        store_on_quiet(store);
}
