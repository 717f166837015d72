/* store/get.c - messages of a queue from an offset on (store.md 17).
 *
 * Units and records come from memory and from views; only what is not resident is read, and then
 * the get goes on where it was. */
#include "model/store/queues.h"

#define UNITS_BYTES 16000U /* examined at least, in one file */

struct get_state {
    struct read_job *job;
    uint8_t *units; /* that were not resident, from units_offset on */
    int64_t units_offset;
    uint32_t units_count;
    uint32_t left;     /* units that may be examined */
    int64_t next_file; /* records below it are known to be gone */
    int64_t last_physical;
    uint32_t bytes; /* of records */
    uint16_t status;
    bool cold;        /* the next record is read, not viewed (buggify) */
    bool have_record; /* the last read was of the record at hand, at the end of `records` */
};
_Static_assert(sizeof(struct get_state) <= sizeof(((struct store_get *)NULL)->state), "fits");

static struct get_state *state_of(struct store_get *get) {
    return (struct get_state *)(void *)get->state;
}

static void run(struct store_get *get);

static void finish(struct store_get *get, enum get_status status) {
    struct get_state *state = state_of(get);
    store_get_fn *done = get->done;
    env_free(get->store->env, state->units);
    state->units = NULL;
    list_remove(&get->link);
    get->done = NULL;
    done(get, status);
}

static void finish_at(struct store_get *get, enum get_status status, int64_t next) {
    get->next_offset = next;
    finish(get, status);
}

/* Bytes of the log's end that count as in memory (17.2). */
static int64_t memory_bound(const struct store *store) {
    return (int64_t)(env_memory_bytes(store->env) / 100 * store->config.memory_percent);
}

/* All units that may be examined are, or the batch is full. */
static void complete(struct store_get *get) {
    const struct store *store = get->store;
    struct get_state *state = state_of(get);
    int64_t behind = store_max_physical(store) - state->last_physical;
    get->suggest_slave = behind > memory_bound(store);
    finish(get, (enum get_status)state->status);
}

static bool is_full(const struct store_get *get, const struct queue_unit *unit) {
    const struct store_config *config = &get->store->config;
    const struct get_state *state = (const struct get_state *)(const void *)get->state;
    if (get->count == 0) {
        return false;
    }
    uint64_t bytes = (uint64_t)state->bytes + (uint32_t)unit->size;
    int64_t behind = store_max_physical(get->store) - unit->physical;
    bool on_disk = behind > memory_bound(get->store);
    return get->count >= get->max_count ||
           bytes > (on_disk ? config->in_disk_bytes : config->in_memory_bytes) ||
           get->count >= (on_disk ? config->in_disk_count : config->in_memory_count);
}

/* ---- what is not resident ---- */

static void on_record(void *ctx, int status, struct span bytes) {
    struct store_get *get = ctx;
    struct get_state *state = state_of(get);
    state->job = NULL;
    if (status == RMQ_OK) {
        buf_put_span(&get->records, bytes);
        status = buf_failed(&get->records) ? RMQ_E_NOMEM : RMQ_OK;
    }
    if (status != RMQ_OK) {
        finish(get, GET_FAILED);
        return;
    }
    state->have_record = true;
    run(get);
}

static void on_units(void *ctx, int status, struct span bytes) {
    struct store_get *get = ctx;
    struct get_state *state = state_of(get);
    state->job = NULL;
    env_free(get->store->env, state->units);
    state->units = status == RMQ_OK ? env_alloc(get->store->env, bytes.len) : NULL;
    if (state->units == NULL) {
        finish(get, GET_FAILED);
        return;
    }
    memcpy(state->units, bytes.data, bytes.len);
    state->units_count = (uint32_t)(bytes.len / QUEUE_UNIT_BYTES);
    run(get);
}

/* Starts a read; the get is found by a cancel or a closing store from now on. */
static int start_read(struct store_get *get, const struct segments *segments, uint64_t position,
                      size_t len, read_fn *done) {
    struct reads *reads = &get->store->queues->reads;
    if (list_is_empty(&get->link)) {
        list_append(&get->store->gets, &get->link);
    }
    int status = reads_start(reads, segments, position, len, done, get, &state_of(get)->job);
    return status == RMQ_OK ? RMQ_E_AGAIN : status;
}

/* Units from `offset` on, out of what was read, memory or a view. */
static int units_at(struct store_get *get, struct consume_queue *queue, int64_t offset,
                    struct span *out) {
    struct get_state *state = state_of(get);
    int64_t in = offset - state->units_offset;
    if (state->units != NULL && in >= 0 && in < state->units_count) {
        *out = span_of(state->units + in * QUEUE_UNIT_BYTES,
                       (state->units_count - (size_t)in) * QUEUE_UNIT_BYTES);
        return RMQ_OK;
    }
    int status = queue_view(queue, offset, state->left, out);
    if (status == RMQ_E_AGAIN) {
        uint64_t position = (uint64_t)offset * QUEUE_UNIT_BYTES;
        uint64_t file_bytes = queue->segments.file_bytes;
        uint64_t len = (uint64_t)state->left * QUEUE_UNIT_BYTES;
        uint64_t to_file_end = file_bytes - position % file_bytes;
        uint64_t to_memory = queue->written_from - position;
        len = len < to_file_end ? len : to_file_end;
        len = len < to_memory ? len : to_memory;
        state->units_offset = offset;
        status = start_read(get, &queue->segments, position, (size_t)len, on_units);
    }
    return status;
}

/* Appends the record of `unit`. RMQ_E_RANGE: it is gone. */
static int add_record(struct store_get *get, const struct queue_unit *unit) {
    struct store *store = get->store;
    struct get_state *state = state_of(get);
    const struct segments *log = &store->log.segments;
    uint64_t from = (uint64_t)unit->physical, size = (uint32_t)unit->size;
    if (from < segments_min(log) || from + size > log->written ||
        from % log->file_bytes + size > log->file_bytes) {
        return RMQ_E_RANGE;
    }
    struct span bytes;
    int status = state->cold ? RMQ_E_AGAIN : store_log_view(store, from, (size_t)size, &bytes);
    state->cold = false;
    if (status == RMQ_OK && bytes.len < size) {
        status = RMQ_E_AGAIN;
    }
    if (status == RMQ_E_AGAIN) {
        return start_read(get, log, from, (size_t)size, on_record);
    }
    if (status == RMQ_OK) {
        buf_put_span(&get->records, bytes);
        status = buf_failed(&get->records) ? RMQ_E_NOMEM : RMQ_OK;
    }
    return status;
}

/* ---- the loop of 17.2 ---- */

static void examined(struct store_get *get, const struct queue_unit *unit) {
    struct get_state *state = state_of(get);
    state->last_physical = unit->physical;
    state->left--;
    get->next_offset++;
}

/* Whether the record just added is the one that its unit names; else it goes again. A unit that has
 * rotted must not send a reader into the middle of other bytes. */
static bool keep_record(struct store_get *get, const struct queue_unit *unit) {
    size_t size = (uint32_t)unit->size;
    struct span bytes = span_of(get->records.data + get->records.len - size, size);
    if (message_is_at(bytes, unit->physical))
        return true;
    get->records.len -= size;
    env_log(get->store->env, ENV_LOG_ERROR, "queue %.*s/%d offset %lld: names no message",
            (int)get->topic.len, (const char *)get->topic.data, (int)get->queue_id,
            (long long)get->next_offset);
    return false;
}

/* Whether the record just added is wanted; else it goes again. */
static bool wants_record(struct store_get *get, const struct queue_unit *unit) {
    size_t size = (uint32_t)unit->size;
    struct span bytes = span_of(get->records.data + get->records.len - size, size);
    if (get->record_filter == NULL || get->record_filter(get->filter_ctx, bytes))
        return true;
    get->records.len -= size;
    return false;
}

/* One unit. RMQ_OK: go on; RMQ_E_FULL: the batch is. */
static int examine(struct store_get *get, const struct queue_unit *unit) {
    struct get_state *state = state_of(get);
    if (unit->size <= 0 || unit->physical < 0) { /* its page was lost, or has rotted */
        state->status = get->count == 0 ? GET_MESSAGE_WAS_REMOVING : state->status;
        examined(get, unit);
        return RMQ_OK;
    }
    if (unit->physical < state->next_file) {
        examined(get, unit);
        return RMQ_OK;
    }
    int status = RMQ_OK;
    if (!state->have_record) {
        if (is_full(get, unit)) {
            return RMQ_E_FULL;
        }
        if (get->filter != NULL && !get->filter(get->filter_ctx, unit->tags_code)) {
            state->status = get->count == 0 ? GET_NO_MATCHED_MESSAGE : state->status;
            examined(get, unit);
            return RMQ_OK;
        }
        status = add_record(get, unit);
    }
    state->have_record = false;
    if (status == RMQ_OK && !keep_record(get, unit)) {
        state->status = get->count == 0 ? GET_MESSAGE_WAS_REMOVING : state->status;
    } else if (status == RMQ_OK && !wants_record(get, unit)) {
        state->status = get->count == 0 ? GET_NO_MATCHED_MESSAGE : state->status;
    } else if (status == RMQ_OK) {
        get->count++;
        state->bytes += (uint32_t)unit->size;
        state->status = GET_FOUND;
        state->next_file = 0;
    } else if (status == RMQ_E_RANGE) {
        int64_t file_bytes = (int64_t)get->store->log.segments.file_bytes;
        state->status = get->count == 0 ? GET_MESSAGE_WAS_REMOVING : state->status;
        state->next_file = unit->physical - unit->physical % file_bytes + file_bytes;
        status = RMQ_OK;
    }
    if (status == RMQ_OK) {
        examined(get, unit);
    }
    return status;
}

static void run(struct store_get *get) {
    struct get_state *state = state_of(get);
    struct consume_queue *queue = queues_find(get->store->queues, get->topic, get->queue_id);
    int64_t per_file = (int64_t)get->store->queues->units_per_file;
    int64_t file_end = get->offset - get->offset % per_file + per_file;
    int status = queue == NULL ? RMQ_E_NOT_FOUND : RMQ_OK;
    while (status == RMQ_OK && state->left > 0 && get->next_offset < file_end) {
        struct span units;
        int64_t at = get->next_offset;
        status = units_at(get, queue, at, &units);
        for (size_t i = 0; status == RMQ_OK && i < units.len && state->left > 0;
             i += QUEUE_UNIT_BYTES) {
            struct queue_unit unit;
            queue_unit_decode(units.data + i, &unit);
            status = examine(get, &unit);
        }
    }
    bool none = get->next_offset == get->offset;
    if (status == RMQ_E_AGAIN) {
        return;
    }
    if (status == RMQ_E_RANGE && none) {
        finish_at(get, GET_OFFSET_FOUND_NULL, file_end);
    } else if (status == RMQ_OK || status == RMQ_E_FULL || status == RMQ_E_RANGE) {
        complete(get);
    } else {
        finish(get, GET_FAILED);
    }
}

void store_get(struct store *store, struct store_get *get, store_get_fn *done) {
    struct get_state *state = state_of(get);
    RMQ_ASSERT(get->records.env != NULL);
    get->done = done;
    get->store = store;
    get->count = 0;
    get->suggest_slave = false;
    get->min_offset = get->max_offset = get->next_offset = 0;
    list_init(&get->link);
    memset(get->state, 0, sizeof get->state);
    if (!store_is_readable(store)) {
        finish(get, GET_FAILED);
        return;
    }
    const struct consume_queue *queue = queues_find(store->queues, get->topic, get->queue_id);
    int64_t min = queue == NULL ? 0 : queue->min_offset;
    int64_t max = queue == NULL ? 0 : queue->end_offset;
    get->min_offset = min;
    get->max_offset = max;
    if (max == 0) {
        finish_at(get, GET_NO_MESSAGE_IN_QUEUE, 0);
    } else if (get->offset < min) {
        finish_at(get, GET_OFFSET_TOO_SMALL, min);
    } else if (get->offset >= max) {
        finish_at(get, get->offset == max ? GET_OFFSET_OVERFLOW_ONE : GET_OFFSET_OVERFLOW_BADLY,
                  max);
    } else {
        uint32_t units = UNITS_BYTES / QUEUE_UNIT_BYTES;
        state->left = get->max_count > units ? get->max_count : units;
        state->status = GET_NO_MATCHED_MESSAGE;
        state->cold = env_buggify(store->env, BUGGIFY_STORE_SMALL_VIEW);
        get->next_offset = get->offset;
        run(get);
    }
}

void store_get_cancel(struct store *store, struct store_get *get) {
    if (get->done == NULL) {
        return;
    }
    struct get_state *state = state_of(get);
    reads_cancel(state->job);
    env_free(store->env, state->units);
    list_remove(&get->link);
    get->done = NULL;
}

void store_reads_cancel(struct store *store) {
    LIST_EACH(&store->gets, link, following) {
        store_get_cancel(store, LIST_ENTRY(link, struct store_get, link));
    }
    LIST_EACH(&store->lookups, link, following) {
        store_lookup_cancel(store, LIST_ENTRY(link, struct store_lookup, link));
    }
}

const char *get_status_text(enum get_status status) {
    static const char *const texts[] = {[GET_FOUND] = "FOUND",
                                        [GET_NO_MATCHED_MESSAGE] = "NO_MATCHED_MESSAGE",
                                        [GET_MESSAGE_WAS_REMOVING] = "MESSAGE_WAS_REMOVING",
                                        [GET_OFFSET_FOUND_NULL] = "OFFSET_FOUND_NULL",
                                        [GET_OFFSET_OVERFLOW_BADLY] = "OFFSET_OVERFLOW_BADLY",
                                        [GET_OFFSET_OVERFLOW_ONE] = "OFFSET_OVERFLOW_ONE",
                                        [GET_OFFSET_TOO_SMALL] = "OFFSET_TOO_SMALL",
                                        [GET_NO_MATCHED_LOGIC_QUEUE] = "NO_MATCHED_LOGIC_QUEUE",
                                        [GET_NO_MESSAGE_IN_QUEUE] = "NO_MESSAGE_IN_QUEUE",
                                        [GET_FAILED] = "FAILED"};
    RMQ_ASSERT((unsigned)status < sizeof texts / sizeof texts[0]);
    return texts[status];
}
