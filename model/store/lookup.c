/* store/lookup.c - offset by time, store time, message by physical offset, messages by key
 * (store.md 6.8, 18, 19).
 *
 * A lookup is a step function that runs until it needs bytes that are not resident, and again, from
 * what it has noted, when they have come. */
#include "model/base/sort.h"
#include "model/store/index.h"
#include "model/store/queues.h"
#include "model/wire/message_bytes.h"

#define QUERY_MAX 64
#define QUERY_ROUNDS 3
#define TIME_BYTES 76 /* of a record, up to its store time whatever the address family */
#define HEAD_BYTES 8

struct lookup_job {
    struct store_lookup *lookup;
    int (*step)(struct lookup_job *job); /* RMQ_OK: the result is there; RMQ_E_AGAIN */
    struct read_job *read;
    struct buf bytes; /* that were read: of `from`, at `position` */
    const struct segments *from;
    uint64_t position;
    /* Offset by time: the search, in queue offsets; -1: none. */
    int64_t low, high, left, right;
    int64_t left_ms, right_ms;
    /* Query. */
    struct index_query query;
    uint32_t rounds, next;
    bool searched;
};

/* ---- one lookup ---- */

static struct lookup_job *job_of(struct store_lookup *lookup) {
    return (struct lookup_job *)(uintptr_t)lookup->state[0];
}

static void job_free(struct store_lookup *lookup) {
    struct lookup_job *job = job_of(lookup);
    reads_cancel(job->read);
    index_query_end(&job->query);
    buf_deinit(&job->bytes);
    env_free(lookup->store->env, job);
    list_remove(&lookup->link);
}

static void finish(struct store_lookup *lookup, int status) {
    store_lookup_fn *done = lookup->done;
    lookup->done = NULL;
    done(lookup, status);
}

static void run(struct lookup_job *job) {
    struct store_lookup *lookup = job->lookup;
    int status = job->step(job);
    if (status == RMQ_E_AGAIN) {
        return;
    }
    job_free(lookup);
    finish(lookup, status);
}

static struct lookup_job *begin(struct store *store, struct store_lookup *lookup,
                                store_lookup_fn *done, int (*step)(struct lookup_job *job)) {
    lookup->done = done;
    lookup->store = store;
    lookup->value = -1;
    lookup->count = 0;
    lookup->last_update_ms = lookup->last_update_physical = 0;
    list_init(&lookup->link);
    struct lookup_job *job = env_alloc(store->env, sizeof *job);
    if (job == NULL || !store_is_readable(store)) {
        env_free(store->env, job);
        finish(lookup, job == NULL ? RMQ_E_NOMEM : RMQ_E_STATE);
        return NULL;
    }
    memset(job, 0, sizeof *job);
    job->lookup = lookup;
    job->step = step;
    buf_init(&job->bytes, store->env);
    lookup->state[0] = (uintptr_t)job;
    list_append(&store->lookups, &lookup->link);
    return job;
}

void store_lookup_cancel(struct store *store, struct store_lookup *lookup) {
    (void)store;
    if (lookup->done != NULL) {
        job_free(lookup);
        lookup->done = NULL;
    }
}

static void on_bytes(void *ctx, int status, struct span bytes) {
    struct lookup_job *job = ctx;
    job->read = NULL;
    buf_clear(&job->bytes);
    if (status == RMQ_OK) {
        buf_put_span(&job->bytes, bytes);
        status = buf_failed(&job->bytes) ? RMQ_E_NOMEM : RMQ_OK;
    }
    if (status == RMQ_OK) {
        run(job);
    } else {
        struct store_lookup *lookup = job->lookup;
        job_free(lookup);
        finish(lookup, status);
    }
}

/* `len` bytes at `position`: out of a view, or of what was read; else a read begins. */
static int fetch(struct lookup_job *job, const struct segments *segments, uint64_t position,
                 size_t len, struct span view, int status, struct span *out) {
    if (job->from == segments && job->position == position && job->bytes.len >= len) {
        *out = span_of(job->bytes.data, len);
        return RMQ_OK;
    }
    if (status == RMQ_OK && view.len >= len) {
        *out = span_of(view.data, len);
        return RMQ_OK;
    }
    if (status != RMQ_OK && status != RMQ_E_AGAIN) {
        return status;
    }
    job->from = segments;
    job->position = position;
    status = reads_start(&job->lookup->store->queues->reads, segments, position, len, on_bytes, job,
                         &job->read);
    return status == RMQ_OK ? RMQ_E_AGAIN : status;
}

/* Bytes of the commit log. RMQ_E_RANGE: not (or no more) there. */
static int fetch_log(struct lookup_job *job, int64_t physical, size_t len, struct span *out) {
    const struct store *store = job->lookup->store;
    const struct segments *log = &store->log.segments;
    uint64_t at = (uint64_t)physical;
    if (physical < 0 || at < segments_min(log) || at + len > log->written ||
        at % log->file_bytes + len > log->file_bytes) {
        return RMQ_E_RANGE;
    }
    struct span view = SPAN_NONE;
    int status = store_log_view(store, at, len, &view);
    return fetch(job, log, at, len, view, status, out);
}

static int fetch_unit(struct lookup_job *job, const struct consume_queue *queue, int64_t offset,
                      struct queue_unit *out) {
    struct span view = SPAN_NONE, bytes;
    int status = queue_view(queue, offset, 1, &view);
    status = fetch(job, &queue->segments, (uint64_t)offset * QUEUE_UNIT_BYTES, QUEUE_UNIT_BYTES,
                   view, status, &bytes);
    if (status == RMQ_OK) {
        queue_unit_decode(bytes.data, out);
    }
    return status;
}

/* Store time of the record at `physical`, whose unit says `size` bytes (3.2). */
static int fetch_time(struct lookup_job *job, int64_t physical, int32_t size, int64_t *out) {
    struct span bytes;
    if (size < TIME_BYTES) {
        return RMQ_E_RANGE;
    }
    int status = fetch_log(job, physical, TIME_BYTES, &bytes);
    if (status == RMQ_OK) {
        bool v6 = (bytes_i32(bytes.data + 36) & MESSAGE_SYS_BORN_V6) != 0;
        *out = bytes_i64(bytes.data + (v6 ? 68 : 56));
    }
    return status;
}

static const struct consume_queue *queue_of(const struct lookup_job *job) {
    const struct store_lookup *lookup = job->lookup;
    return queues_find(lookup->store->queues, lookup->topic, (int32_t)lookup->args[0]);
}

/* Unit and record of a queue offset are there: RMQ_OK with the time; RMQ_E_RANGE: one is not. Both
 * may have to be read: the record's bytes take the unit's place, so they are asked for again. */
static int time_at(struct lookup_job *job, const struct consume_queue *queue, int64_t offset,
                   int64_t *ms) {
    struct store_lookup *lookup = job->lookup;
    if (lookup->args[4] != offset + 1) { /* the unit is not known yet */
        struct queue_unit unit;
        int status = fetch_unit(job, queue, offset, &unit);
        if (status != RMQ_OK) {
            return status;
        }
        lookup->args[4] = offset + 1;
        lookup->args[3] = unit.physical;
        lookup->args[5] = unit.size;
    }
    return fetch_time(job, lookup->args[3], (int32_t)lookup->args[5], ms);
}

/* ---- store time of a queue offset ---- */

static int step_time(struct lookup_job *job) {
    const struct consume_queue *queue = queue_of(job);
    struct store_lookup *lookup = job->lookup;
    int64_t ms, offset = lookup->args[1];
    if (queue == NULL || offset < 0 || offset >= queue->end_offset) {
        return RMQ_OK;
    }
    int status = time_at(job, queue, offset, &ms);
    lookup->value = status == RMQ_OK ? ms : -1;
    return status == RMQ_E_RANGE ? RMQ_OK : status;
}

void store_time_of(struct store *store, struct span topic, int32_t queue_id, int64_t offset,
                   struct store_lookup *lookup, store_lookup_fn *done) {
    lookup->topic = topic;
    memset(lookup->args, 0, sizeof lookup->args);
    lookup->args[0] = queue_id;
    lookup->args[1] = offset;
    struct lookup_job *job = begin(store, lookup, done, step_time);
    if (job != NULL) {
        run(job);
    }
}

/* ---- offset by time ---- */

/* One probe: the unit in the middle is gone, or earlier, later than, or at the time asked for. */
enum probe { PROBE_GONE, PROBE_EARLIER, PROBE_EQUAL, PROBE_LATER };
static int probe(struct lookup_job *job, const struct consume_queue *queue, int64_t offset,
                 enum probe *out, int64_t *ms) {
    struct store *store = job->lookup->store;
    int64_t wanted = job->lookup->args[1];
    int status = time_at(job, queue, offset, ms);
    if (status == RMQ_E_RANGE && job->lookup->args[3] < store_min_physical(store)) {
        *out = PROBE_GONE;
        return RMQ_OK;
    }
    if (status != RMQ_OK) {
        return status;
    }
    *out = *ms < wanted ? PROBE_EARLIER : *ms > wanted ? PROBE_LATER : PROBE_EQUAL;
    return RMQ_OK;
}

/* [5.3.3]: the first at or after the time; or the last at or before it. */
static int step_boundary(struct lookup_job *job) {
    const struct consume_queue *queue = queue_of(job);
    bool upper = job->lookup->args[2] != 0;
    while (queue != NULL && job->low < job->high) {
        int64_t middle = job->low + (job->high - job->low) / 2, ms;
        enum probe seen;
        int status = probe(job, queue, middle, &seen, &ms);
        if (status != RMQ_OK) {
            job->lookup->value = 0;
            return status == RMQ_E_RANGE ? RMQ_OK : status;
        }
        if (seen == PROBE_LATER || (seen == PROBE_EQUAL && !upper)) {
            job->high = middle;
        } else {
            job->low = middle + 1;
            job->left = seen == PROBE_GONE ? job->left : middle;
        }
    }
    job->lookup->value = !upper ? job->low : job->left < 0 ? 0 : job->left;
    return RMQ_OK;
}

static int64_t nearest(const struct lookup_job *job) {
    int64_t wanted = job->lookup->args[1];
    if (job->left_ms < 0) {
        return job->right < 0 ? 0 : job->right;
    }
    if (job->right_ms < 0) {
        return job->left;
    }
    return wanted - job->left_ms > job->right_ms - wanted ? job->right : job->left;
}

/* 4.9 (6.8): any with this very time, or the nearest in time that the search has seen. */
static int step_nearest(struct lookup_job *job) {
    const struct consume_queue *queue = queue_of(job);
    while (queue != NULL && job->low < job->high) {
        int64_t middle = job->low + (job->high - 1 - job->low) / 2, ms = -1;
        enum probe seen;
        int status = probe(job, queue, middle, &seen, &ms);
        if (status != RMQ_OK) {
            job->lookup->value = 0;
            return status == RMQ_E_RANGE ? RMQ_OK : status;
        }
        if (seen == PROBE_EQUAL) {
            job->lookup->value = middle;
            return RMQ_OK;
        }
        if (seen == PROBE_LATER) {
            job->high = middle;
            job->right = middle;
            job->right_ms = ms;
        } else {
            job->low = middle + 1;
            job->left = middle;
            job->left_ms = seen == PROBE_GONE ? job->left_ms : ms;
        }
    }
    job->lookup->value = nearest(job);
    return RMQ_OK;
}

/* 4.9 searches one file: the first that was written to at or after the time, or the last. */
static void narrow_to_file(struct lookup_job *job, const struct consume_queue *queue) {
    const struct segments *segments = &queue->segments;
    int64_t per_file = (int64_t)queue->queues->units_per_file;
    uint32_t index = 0;
    while (index + 1 < segments->count &&
           segments_modified_ms(segments, index) < job->lookup->args[1]) {
        index++;
    }
    if (segments->count > 0) {
        int64_t from = (int64_t)(segments->items[index].from / QUEUE_UNIT_BYTES);
        job->low = job->low > from ? job->low : from;
        bool last = index + 1 == segments->count; /* and what is not written yet */
        job->high = last || job->high < from + per_file ? job->high : from + per_file;
    }
}

void store_offset_by_time(struct store *store, struct span topic, int32_t queue_id, int64_t wall_ms,
                          bool upper, struct store_lookup *lookup, store_lookup_fn *done) {
    bool boundary = store->config.profile_5_3;
    lookup->topic = topic;
    memset(lookup->args, 0, sizeof lookup->args);
    lookup->args[0] = queue_id;
    lookup->args[1] = wall_ms;
    lookup->args[2] = upper ? 1 : 0;
    struct lookup_job *job = begin(store, lookup, done, boundary ? step_boundary : step_nearest);
    if (job == NULL) {
        return;
    }
    job->left = job->right = job->left_ms = job->right_ms = -1;
    const struct consume_queue *queue = queue_of(job);
    if (queue != NULL) {
        job->low = queue->min_offset;
        job->high = queue->end_offset;
        if (!boundary) {
            narrow_to_file(job, queue);
        }
    }
    run(job);
}

/* ---- units of a queue ---- */

/* As many of the `count` as lie in the file of the first. */
static int step_units(struct lookup_job *job) {
    struct store_lookup *lookup = job->lookup;
    const struct consume_queue *queue = queue_of(job);
    int64_t index = lookup->args[1], left = lookup->args[2];
    if (queue == NULL || index < queue->min_offset || index >= queue->end_offset) {
        return RMQ_E_NOT_FOUND;
    }
    int64_t per_file = (int64_t)queue->queues->units_per_file;
    int64_t in_file = per_file - index % per_file, there = queue->end_offset - index;
    left = left < in_file ? left : in_file;
    left = left < there ? left : there;
    if (left == 0) {
        return RMQ_OK;
    }
    size_t len = (size_t)left * QUEUE_UNIT_BYTES;
    struct span view = SPAN_NONE, bytes;
    int status = queue_view(queue, index, (uint32_t)left, &view);
    status =
        fetch(job, &queue->segments, (uint64_t)index * QUEUE_UNIT_BYTES, len, view, status, &bytes);
    if (status == RMQ_OK) {
        buf_put_span(&lookup->records, bytes);
        lookup->count = (uint32_t)left;
        status = buf_failed(&lookup->records) ? RMQ_E_NOMEM : RMQ_OK;
    }
    return status == RMQ_E_RANGE ? RMQ_E_NOT_FOUND : status;
}

void store_queue_units(struct store *store, struct span topic, int32_t queue_id, int64_t index,
                       uint32_t count, struct store_lookup *lookup, store_lookup_fn *done) {
    lookup->topic = topic;
    memset(lookup->args, 0, sizeof lookup->args);
    lookup->args[0] = queue_id;
    lookup->args[1] = index;
    lookup->args[2] = count;
    struct lookup_job *job = begin(store, lookup, done, step_units);
    if (job != NULL) {
        run(job);
    }
}

/* ---- one message ---- */

/* Appends the record at `physical` to the lookup's. RMQ_E_RANGE, RMQ_E_NOT_FOUND: there is none. */
static int take_record(struct lookup_job *job, int64_t physical) {
    struct store_lookup *lookup = job->lookup;
    struct span bytes;
    struct message message;
    if (physical == INT64_MAX) { /* of a client's request */
        return RMQ_E_RANGE;
    }
    if (lookup->args[4] != physical + 1) { /* its size is not known yet */
        int status = fetch_log(job, physical, HEAD_BYTES, &bytes);
        if (status != RMQ_OK) {
            return status;
        }
        lookup->args[4] = physical + 1;
        lookup->args[5] = bytes_i32(bytes.data);
    }
    if (lookup->args[5] < HEAD_BYTES) {
        return RMQ_E_NOT_FOUND;
    }
    int status = fetch_log(job, physical, (size_t)lookup->args[5], &bytes);
    if (status == RMQ_OK && message_decode(bytes, false, &message) != MESSAGE_OK) {
        status = RMQ_E_NOT_FOUND;
    }
    if (status == RMQ_OK) {
        buf_put_span(&lookup->records, bytes);
        status = buf_failed(&lookup->records) ? RMQ_E_NOMEM : RMQ_OK;
    }
    if (status == RMQ_OK) {
        lookup->count++;
        lookup->args[3] = message.store_ms;
    }
    return status;
}

static int step_message(struct lookup_job *job) {
    int status = take_record(job, job->lookup->args[0]);
    return status == RMQ_E_RANGE ? RMQ_E_NOT_FOUND : status;
}

void store_message_at(struct store *store, int64_t physical, struct store_lookup *lookup,
                      store_lookup_fn *done) {
    memset(lookup->args, 0, sizeof lookup->args);
    lookup->args[0] = physical;
    struct lookup_job *job = begin(store, lookup, done, step_message);
    if (job != NULL) {
        run(job);
    }
}

/* ---- by key ---- */

static void on_query(struct index_query *query) {
    run(RMQ_CONTAINER_OF(query, struct lookup_job, query));
}

static int compare(const void *a, const void *b, void *ctx) {
    int64_t left, right;
    (void)ctx;
    memcpy(&left, a, sizeof left);
    memcpy(&right, b, sizeof right);
    return left < right ? -1 : left > right ? 1 : 0;
}

static void begin_round(struct lookup_job *job) {
    const struct store_lookup *lookup = job->lookup;
    struct index *index = lookup->store->index;
    memset(&job->query, 0, sizeof job->query);
    job->query.index = index;
    job->query.hash = message_key_hash(lookup->topic, lookup->key);
    job->query.max = (uint32_t)lookup->args[0];
    job->query.begin_ms = lookup->args[1];
    job->query.end_ms = lookup->args[2];
    job->query.wake = on_query;
    job->searched = false;
    job->next = 0;
    job->rounds++;
}

static int search(struct lookup_job *job) {
    struct index_query *query = &job->query;
    int status = index_query_step(query);
    const struct index_file *last = index_last(query->index);
    if (status == RMQ_OK && query->count > 0) {
        job->lookup->last_update_ms = last->end_ms;
        job->lookup->last_update_physical = last->end_physical;
        status = sort_stable(query->index->env, query->found, query->count, sizeof query->found[0],
                             compare, NULL);
    }
    job->searched = status == RMQ_OK;
    return status;
}

/* Reads what the index has found; hash collisions too, the client compares (19). */
static int step_query(struct lookup_job *job) {
    struct store_lookup *lookup = job->lookup;
    for (;;) {
        int status = job->searched ? RMQ_OK : search(job);
        while (status == RMQ_OK && job->next < job->query.count) {
            int64_t physical = job->query.found[job->next];
            bool first = job->next == 0;
            status = take_record(job, physical);
            if (status == RMQ_OK && first) {
                lookup->args[2] = lookup->args[3];
            }
            if (status == RMQ_E_RANGE || status == RMQ_E_NOT_FOUND) {
                status = RMQ_OK; /* deleted meanwhile */
            }
            job->next += status == RMQ_OK ? 1 : 0;
        }
        if (status != RMQ_OK) {
            return status;
        }
        if (lookup->count > 0 || job->query.count == 0 || lookup->args[2] < lookup->args[1] ||
            job->rounds == QUERY_ROUNDS) {
            return RMQ_OK;
        }
        begin_round(job);
    }
}

void store_query(struct store *store, struct span topic, struct span key, uint32_t max_count,
                 int64_t begin_ms, int64_t end_ms, struct store_lookup *lookup,
                 store_lookup_fn *done) {
    lookup->topic = topic;
    lookup->key = key;
    memset(lookup->args, 0, sizeof lookup->args);
    lookup->args[0] = max_count < QUERY_MAX ? max_count : QUERY_MAX;
    lookup->args[1] = begin_ms;
    lookup->args[2] = end_ms;
    struct lookup_job *job = begin(store, lookup, done, step_query);
    if (job == NULL) {
        return;
    }
    begin_round(job);
    run(job);
}

bool store_is_on_disk_only(const struct store *store, struct span topic, int32_t queue_id,
                           int64_t offset) {
    const struct consume_queue *queue = queues_find(store->queues, topic, queue_id);
    struct queue_unit unit;
    int status = queue == NULL ? RMQ_E_RANGE : queue_unit_at(queue, offset, &unit);
    if (status != RMQ_OK) {
        return status == RMQ_E_AGAIN; /* a unit that is not resident is old */
    }
    int64_t bound = (int64_t)(env_memory_bytes(store->env) / 100 * store->config.memory_percent);
    return store_max_physical(store) - unit.physical > bound;
}
