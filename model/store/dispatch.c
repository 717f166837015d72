/* store/dispatch.c - gives each record of the commit log to its consume queue, the index and those
 * who wait for messages (store.md 13).
 *
 * Works as soon as the log's limit moves, in slices: a long way (a rebuild) leaves the handler
 * between them. It waits for a record that is not resident, for an index page, and for queues that
 * cannot be written; whoever ends the wait calls dispatch_run. */
#include "model/store/deleted.h"
#include "model/store/index.h"
#include "model/store/queues.h"

#define SLICE_BYTES (1U << 20)
#define SLICE_RECORDS 2000
#define READ_BYTES (1U << 16)
#define PLANT_EACH 200
#define TRANSACTION_COMMIT 8

struct dispatch {
    struct store *store;
    uint64_t at;         /* next record */
    uint64_t queue_from; /* records before it are indexed only */
    uint64_t index_from; /* records before it get a unit only */
    bool started;
    bool settling;
    bool running, again; /* again: dispatch_run was called from inside itself */
    bool partial;        /* the log ends inside the record at `at`: a replica's may */
    bool unit_done;      /* the record at `at` has its unit and waits for the index */
    uint64_t units;      /* given, and left out by a planted bug */
    struct queue_unit last;
    struct read_job *job;
    struct buf record; /* that was not resident, at `at` */
    struct env_timer timer;
    store_step_fn *done; /* of dispatch_start, until then */
};

int dispatch_create(struct store *store) {
    struct dispatch *dispatch = env_alloc(store->env, sizeof *dispatch);
    if (dispatch == NULL) {
        return RMQ_E_NOMEM;
    }
    memset(dispatch, 0, sizeof *dispatch);
    dispatch->store = store;
    buf_init(&dispatch->record, store->env);
    store->dispatch = dispatch;
    return RMQ_OK;
}

void dispatch_free(struct store *store) {
    struct dispatch *dispatch = store->dispatch;
    if (dispatch == NULL) {
        return;
    }
    env_timer_stop(store->env, &dispatch->timer);
    reads_cancel(dispatch->job);
    buf_deinit(&dispatch->record);
    env_free(store->env, dispatch);
    store->dispatch = NULL;
}

uint64_t dispatch_position(const struct store *store) {
    return store->dispatch->at;
}

bool dispatch_catches_up(const struct store *store) {
    const struct dispatch *dispatch = store->dispatch;
    return dispatch->done != NULL && dispatch->started && !dispatch->settling;
}

bool dispatch_is_partial(const struct store *store) {
    return store->dispatch->partial;
}

void dispatch_begin_at(struct store *store, uint64_t position) {
    struct dispatch *dispatch = store->dispatch;
    RMQ_ASSERT(dispatch->started && dispatch->job == NULL && dispatch->at <= position);
    dispatch->at = position;
}

uint64_t dispatch_units(const struct store *store) {
    return store->dispatch->units;
}

bool dispatch_is_quiet(const struct store *store) {
    return queues_are_quiet(store->queues);
}

/* ---- one record ---- */

/* Delivery time of a delayed message (6.2); -1: it is not delayed. */
static int64_t delay_code(const struct store *store, const struct message *message) {
    int32_t level;
    struct span text = message_property(message->properties, SPAN_LITERAL("DELAY"));
    if (span_is_absent(text) || span_to_i32(text, &level) != RMQ_OK || level <= 0) {
        return -1;
    }
    return message->store_ms + store_delay_ms(store, level);
}

static int64_t tags_code(const struct store *store, const struct message *message) {
    if (span_equal(message->topic, SPAN_LITERAL("SCHEDULE_TOPIC_XXXX"))) {
        int64_t code = delay_code(store, message);
        if (code >= 0) {
            return code;
        }
    }
    return message_tags_code(message_property(message->properties, SPAN_LITERAL("TAGS")));
}

/* A planted bug strikes at this unit. */
static bool plant(const struct dispatch *dispatch, enum env_plant_id id) {
    return dispatch->units % PLANT_EACH == 0 && env_plant(dispatch->store->env, id);
}

/* The unit of the record at `at`, unless it has none (half and rolled back messages). */
static int put_unit(struct dispatch *dispatch, const struct message *message, int64_t *code) {
    struct queues *queues = dispatch->store->queues;
    int32_t transaction = message->sys_flag & MESSAGE_SYS_TRANSACTION;
    *code = tags_code(dispatch->store, message);
    if (dispatch->at < dispatch->queue_from || message->queue_id < 0 ||
        (transaction != 0 && transaction != TRANSACTION_COMMIT)) {
        return RMQ_OK;
    }
    struct consume_queue *queue = queues_get(queues, message->topic, message->queue_id);
    if (queue == NULL) {
        return RMQ_E_NOMEM;
    }
    struct queue_unit unit = {(int64_t)dispatch->at, (int32_t)message->size, *code};
    dispatch->units++;
    if (plant(dispatch, PLANT_STORE_SKIP_DISPATCH)) {
        return RMQ_OK;
    }
    int64_t end = queue->end_offset;
    int status = queue_append(queue, message->queue_offset, &unit);
    if (status != RMQ_OK) {
        dispatch->units--;
        return status;
    }
    bool is_new = queue->end_offset > end;
    if (is_new && dispatch->last.size > 0 && plant(dispatch, PLANT_STORE_WRONG_UNIT)) {
        queue_spoil_last(queue, &dispatch->last);
    }
    dispatch->last = unit;
    queues->dispatched_ms = message->store_ms;
    queue->rebuilt += is_new && dispatch->done != NULL ? 1 : 0;
    return RMQ_OK;
}

/* RMQ_OK: goes on behind it. Otherwise it waits (RMQ_E_AGAIN), or tries again (RMQ_E_NOMEM). */
static int take(struct dispatch *dispatch, const struct message *message) {
    struct store *store = dispatch->store;
    int64_t code = 0;
    int status = RMQ_OK;
    bool dead = deleted_is_dead(store, message->topic, (int64_t)dispatch->at);
    if (!dispatch->unit_done && !dead) {
        status = put_unit(dispatch, message, &code);
        if (status != RMQ_OK) {
            return status;
        }
        dispatch->unit_done = true;
        if (store->state == STORE_OPEN && store->handler.on_arrival != NULL &&
            dispatch->done == NULL) {
            store->handler.on_arrival(store->ctx, message->topic, message->queue_id,
                                      message->queue_offset + 1, code, message->properties);
        }
    }
    if (store->config.index_enable && dispatch->at >= dispatch->index_from) {
        status = index_put(store->index, (int64_t)dispatch->at, message);
    }
    if (status == RMQ_OK) {
        dispatch->unit_done = false;
        dispatch->at += message->size;
        if (store->config.replica) { /* its writes do not know records */
            store->log.written_ms = message->store_ms;
            if (message->store_ms > store->log.latest_ms) {
                store->log.latest_ms = message->store_ms;
            }
        }
        RMQ_ASSERT(dispatch->at <= store_dispatch_limit(store));
    }
    return status;
}

/* ---- slices ---- */

static void on_timer(struct env *env, struct env_timer *timer) {
    struct dispatch *dispatch = RMQ_CONTAINER_OF(timer, struct dispatch, timer);
    (void)env;
    dispatch_run(dispatch->store);
}

static void again_in(struct dispatch *dispatch, uint64_t ns) {
    env_timer_start(dispatch->store->env, &dispatch->timer, ns, on_timer);
}

static void on_record(void *ctx, int status, struct span bytes) {
    struct dispatch *dispatch = ctx;
    dispatch->job = NULL;
    buf_clear(&dispatch->record);
    if (status == RMQ_OK) {
        buf_put_span(&dispatch->record, bytes);
    }
    if (status != RMQ_OK || buf_failed(&dispatch->record)) {
        env_log(dispatch->store->env, ENV_LOG_WARN, "cannot read the commit log at %llu: %s",
                (unsigned long long)dispatch->at, rmq_err_text(status));
        buf_clear(&dispatch->record);
        again_in(dispatch, 1000000000);
        return;
    }
    dispatch_run(dispatch->store);
}

/* Bytes from `at` on: as many as are resident, at most to the limit and the file's end. A record
 * that is longer than the view is read as a whole: `need` bytes. */
static int view(struct dispatch *dispatch, size_t need, struct span *out) {
    struct store *store = dispatch->store;
    const struct segments *log = &store->log.segments;
    if (dispatch->record.len >= need) {
        *out = buf_span(&dispatch->record);
        return RMQ_OK;
    }
    uint64_t left = log->file_bytes - dispatch->at % log->file_bytes;
    uint64_t limit = store_dispatch_limit(store) - dispatch->at;
    dispatch->partial = need > limit && need <= left && store->config.replica;
    if (dispatch->partial) {
        return RMQ_E_AGAIN;
    }
    left = left < limit ? left : limit;
    if (need > left) {
        return RMQ_E_RANGE;
    }
    size_t len = left < SLICE_BYTES ? (size_t)left : need < SLICE_BYTES ? SLICE_BYTES : need;
    int status = store_log_view(store, dispatch->at, len, out);
    if (status == RMQ_OK && out->len < need) {
        status = RMQ_E_AGAIN;
    }
    if (status == RMQ_E_AGAIN) {
        len = left < READ_BYTES ? (size_t)left : need < READ_BYTES ? READ_BYTES : need;
        int started = reads_start(&store->queues->reads, log, dispatch->at, len, on_record,
                                  dispatch, &dispatch->job);
        status = started == RMQ_OK ? RMQ_E_AGAIN : started;
    }
    return status;
}

static void next_file(struct dispatch *dispatch) {
    uint64_t file_bytes = dispatch->store->log.segments.file_bytes;
    dispatch->at += file_bytes - dispatch->at % file_bytes;
}

/* A record that recovery has let pass, or that was written just now, is bad: rot, or a misdirected
 * write. Its length, when it has one, says where to go on (13, step 5). */
static void skip_bad(struct dispatch *dispatch, enum message_check check,
                     const struct message *message) {
    env_log(dispatch->store->env, ENV_LOG_ERROR, "commit log at %llu: %s",
            (unsigned long long)dispatch->at, message_check_text(check));
    uint64_t file_bytes = dispatch->store->log.segments.file_bytes;
    bool has_size = check == MESSAGE_BAD_SIZE || check == MESSAGE_BAD_PLACE;
    if (has_size && message->size > 0 && message->size <= file_bytes - dispatch->at % file_bytes) {
        dispatch->at += message->size;
    } else {
        next_file(dispatch);
    }
}

/* Records at the front of `bytes`; *need: bytes that the next one has, when it is cut short. */
static int take_run(struct dispatch *dispatch, struct span bytes, size_t *need, unsigned *records) {
    *need = 0;
    while (bytes.len > 0 && *records > 0) {
        struct message message;
        memset(&message, 0, sizeof message);
        enum message_check check = message_decode(bytes, false, &message);
        if (check == MESSAGE_SHORT) {
            *need = message.size > 8 ? message.size : 8;
            return RMQ_OK;
        }
        if (check != MESSAGE_OK) {
            if (check == MESSAGE_BLANK) {
                next_file(dispatch);
            } else {
                skip_bad(dispatch, check, &message);
            }
            return RMQ_OK; /* the view ends with the file */
        }
        int status = take(dispatch, &message);
        if (status != RMQ_OK) {
            return status;
        }
        bytes = span_from(bytes, message.size);
        --*records;
    }
    return RMQ_OK;
}

/* RMQ_OK: up to the limit, or the slice is over. */
static int run_slice(struct dispatch *dispatch, unsigned *records) {
    struct store *store = dispatch->store;
    size_t need = 8;
    while (dispatch->at < store_dispatch_limit(store) && *records > 0) {
        if (!queues_ready(store->queues)) {
            return RMQ_E_AGAIN;
        }
        struct span bytes;
        uint64_t before = dispatch->at;
        int status = view(dispatch, need, &bytes);
        if (status == RMQ_E_RANGE || status == RMQ_E_LIMIT) {
            struct message none = {0};
            skip_bad(dispatch, MESSAGE_SHORT, &none);
            need = 8;
            continue;
        }
        if (status == RMQ_OK) {
            status = take_run(dispatch, bytes, &need, records);
        }
        if (dispatch->at != before) {
            buf_clear(&dispatch->record);
        }
        if (status != RMQ_OK) {
            return status;
        }
        need = need < 8 ? 8 : need;
    }
    return RMQ_OK;
}

static void on_settled(struct store *store, int status) {
    struct dispatch *dispatch = store->dispatch;
    store_step_fn *done = dispatch->done;
    dispatch->done = NULL;
    dispatch->settling = false;
    done(store, status);
}

void dispatch_run(struct store *store) {
    struct dispatch *dispatch = store->dispatch;
    if (dispatch == NULL || !dispatch->started || dispatch->job != NULL || dispatch->settling) {
        return;
    }
    if (dispatch->running) {
        dispatch->again = true;
        return;
    }
    dispatch->running = true;
    dispatch->again = false;
    unsigned records = SLICE_RECORDS;
    bool more = dispatch->at < store_dispatch_limit(store);
    int status = more ? run_slice(dispatch, &records) : RMQ_OK;
    if (more) {
        queues_write(store->queues);
    }
    dispatch->running = false;
    if (status == RMQ_E_NOMEM) {
        again_in(dispatch, 1000000000);
    } else if (status == RMQ_E_AGAIN && dispatch->again) {
        again_in(dispatch, 0);
    } else if (status == RMQ_OK && dispatch->at < store_dispatch_limit(store)) {
        again_in(dispatch, 0);
    } else if (status == RMQ_OK && dispatch->done != NULL && queues_are_quiet(store->queues)) {
        dispatch->settling = true;
        queues_settle(store->queues, on_settled);
    }
}

static void begin(struct dispatch *dispatch) {
    struct store *store = dispatch->store;
    if (store->config.index_enable) {
        int64_t min = (int64_t)commit_log_min(&store->log);
        dispatch->index_from = (uint64_t)index_resume(store->index, min);
        dispatch->at = dispatch->index_from < dispatch->at ? dispatch->index_from : dispatch->at;
    }
    dispatch->started = true;
    dispatch_run(store);
}

static void on_index_cut(struct store *store, int status) {
    if (status == RMQ_OK) {
        begin(store->dispatch);
    } else {
        on_settled(store, status);
    }
}

void dispatch_start(struct store *store, uint64_t position, store_step_fn *done) {
    struct dispatch *dispatch = store->dispatch;
    uint64_t min = commit_log_min(&store->log);
    dispatch->queue_from = position > min ? position : min;
    dispatch->at = dispatch->queue_from;
    dispatch->done = done;
    if (store->config.index_enable) {
        index_cut(store->index, (int64_t)store->log.segments.written, on_index_cut);
    } else {
        begin(dispatch);
    }
}
