/* store/queue_recover.c - where each queue ends when the store opens (store.md 6.6, 6.7).
 *
 * One scan does both: from the third last file (or an earlier one when all of that is cut off)
 * units count while they are valid and of messages before the cut. What is behind the end in its
 * file is zeroed, so that no later start takes it for units: it becomes durable with the flush that
 * lets the checkpoint move, until then a start cuts it off again. After a clean stop, too: Apache
 * leaves what it has cut off in the files; but not after one of ours that nobody has appended
 * behind (checkpoint.clean_end): there is nothing then, and 40,000 files need not be touched. */
#include "model/store/deleted.h"
#include "model/store/queues.h"

#include "model/wire/message_bytes.h"

#define LAST_FILES 3
#define RUN_UNITS 3000
#define READ_UNITS 800 /* of a run that is not resident */

enum { PHASE_BEGIN, PHASE_SCAN, PHASE_TAIL };

/* ---- the walk ---- */

void queues_walk_start(struct queues *queues, void (*step)(struct queues *queues),
                       store_step_fn *done) {
    struct queues_walk *walk = &queues->walk;
    RMQ_ASSERT(walk->done == NULL && walk->job == NULL);
    walk->done = done;
    walk->step = step;
    walk->index = 0;
    walk->phase = PHASE_BEGIN;
    buf_clear(&walk->read);
    step(queues);
}

void queues_walk_end(struct queues *queues, int status) {
    store_step_fn *done = queues->walk.done;
    queues->walk.done = NULL;
    buf_deinit(&queues->walk.read);
    done(queues->store, status);
}

static void on_names(void *ctx, int status) {
    struct queues *queues = ctx;
    if (status == RMQ_OK) {
        queues->walk.step(queues);
    } else {
        queues_walk_end(queues, status);
    }
}

void queues_walk_names(struct queues *queues) {
    const struct consume_queue *queue = queues->items[queues->walk.index];
    struct span dir = span_of_text(queue->segments.dir);
    dir_sync_free(queues->names);
    queues->names = dir_sync_create(queues->env, dir.len);
    if (queues->names == NULL) {
        on_names(queues, RMQ_E_NOMEM);
        return;
    }
    dir_sync_start(queues->names, dir, false, on_names, queues);
}

static void on_units(void *ctx, int status, struct span bytes) {
    struct queues *queues = ctx;
    struct queues_walk *walk = &queues->walk;
    walk->job = NULL;
    buf_clear(&walk->read);
    if (status == RMQ_OK) {
        buf_put_span(&walk->read, bytes);
        status = buf_failed(&walk->read) ? RMQ_E_NOMEM : RMQ_OK;
    }
    if (status == RMQ_OK) {
        walk->step(queues);
    } else {
        queues_walk_end(queues, status);
    }
}

static void on_walk_timer(struct env *env, struct env_timer *timer) {
    struct queues *queues = RMQ_CONTAINER_OF(timer, struct queues, walk.timer);
    (void)env;
    queues->walk.step(queues);
}

void queues_walk_deleted(struct queues *queues, uint32_t place) {
    struct queues_walk *walk = &queues->walk;
    if (walk->done == NULL || place > walk->index) {
        return;
    }
    if (place < walk->index) {
        walk->index--;
        return;
    }
    walk->phase = PHASE_BEGIN;
    reads_cancel(walk->job);
    walk->job = NULL;
    if (queues->names == NULL ||
        !dir_sync_active(queues->names)) { /* nobody else would run the step */
        env_timer_start(queues->env, &walk->timer, 0, on_walk_timer);
    }
}

/* What the last read brought of `offset` and behind it. */
static bool was_read(const struct queues_walk *walk, int64_t offset, uint32_t count,
                     struct span *out) {
    int64_t units = (int64_t)(walk->read.len / QUEUE_UNIT_BYTES);
    if (offset < walk->read_offset || offset >= walk->read_offset + units) {
        return false;
    }
    int64_t left = walk->read_offset + units - offset;
    *out = span_of(walk->read.data + (offset - walk->read_offset) * QUEUE_UNIT_BYTES,
                   (size_t)(left < count ? left : count) * QUEUE_UNIT_BYTES);
    return true;
}

int queues_walk_view(struct queues *queues, int64_t offset, uint32_t count, struct span *out) {
    struct queues_walk *walk = &queues->walk;
    const struct consume_queue *queue = queues->items[walk->index];
    if (was_read(walk, offset, count, out)) {
        return RMQ_OK;
    }
    int status = queue_view(queue, offset, count, out);
    if (status != RMQ_E_AGAIN) {
        return status;
    }
    uint64_t per_file = queues->units_per_file;
    uint64_t units = per_file - (uint64_t)offset % per_file;
    units = units < READ_UNITS ? units : READ_UNITS;
    units = units < count ? units : count;
    walk->read_offset = offset;
    status = reads_start(&queues->reads, &queue->segments, (uint64_t)offset * QUEUE_UNIT_BYTES,
                         (size_t)units * QUEUE_UNIT_BYTES, on_units, queues, &walk->job);
    return status == RMQ_OK ? RMQ_E_AGAIN : status;
}

/* ---- finding the end ---- */

static int64_t files_end(const struct consume_queue *queue) {
    return (int64_t)(segments_end(&queue->segments) / QUEUE_UNIT_BYTES);
}

static int64_t files_begin(const struct consume_queue *queue) {
    return (int64_t)(segments_min(&queue->segments) / QUEUE_UNIT_BYTES);
}

static void begin(struct queues *queues, struct consume_queue *queue) {
    struct queues_walk *walk = &queues->walk;
    int64_t from = files_end(queue) - LAST_FILES * (int64_t)queues->units_per_file;
    int64_t first = files_begin(queue);
    walk->low = walk->at = from > first ? from : first;
    walk->max_physical = -1;
    walk->phase = PHASE_SCAN;
    buf_clear(&walk->read);
}

/* Counts good units; whether all of `run` are. */
static bool scan_run(struct queues_walk *walk, struct span run) {
    for (size_t i = 0; i < run.len; i += QUEUE_UNIT_BYTES) {
        struct queue_unit unit;
        queue_unit_decode(run.data + i, &unit);
        if (unit.physical < 0 || unit.size <= 0 || unit.physical >= walk->physical) {
            return false;
        }
        if (!queue_unit_is_blank(&unit)) {
            walk->max_physical = unit.physical + unit.size;
        }
        walk->at++;
    }
    return true;
}

/* RMQ_OK: the end is walk->at. */
static int scan(struct queues *queues, const struct consume_queue *queue) {
    struct queues_walk *walk = &queues->walk;
    for (;;) {
        bool more = walk->at < queue->end_offset;
        struct span run;
        if (more) {
            int status = queues_walk_view(queues, walk->at, RUN_UNITS, &run);
            if (status != RMQ_OK) {
                return status;
            }
            more = scan_run(walk, run);
        }
        if (more) {
            continue;
        }
        if (walk->at > walk->low || walk->low == files_begin(queue)) {
            return RMQ_OK;
        }
        walk->low -= (int64_t)queues->units_per_file; /* all of these files went: further back */
        walk->at = walk->low;
    }
}

/* Drops the files behind the end; a queue without any unit keeps its end in memory. RMQ_E_AGAIN:
 * the step runs again. */
static int set_end(struct queues *queues, struct consume_queue *queue) {
    struct queues_walk *walk = &queues->walk;
    uint64_t end = (uint64_t)walk->at * QUEUE_UNIT_BYTES;
    uint32_t files = queue->segments.count;
    int status = segments_drop_from(&queue->segments, end);
    queue->end_offset = walk->at;
    queue->max_physical = walk->max_physical;
    queue->pending_from = queue->written_from = end;
    queue->segments.accepted = queue->segments.written = queue->segments.flushed = end;
    walk->phase = PHASE_TAIL;
    if (status == RMQ_OK && queue->segments.count < files) {
        queues_walk_names(queues);
        status = RMQ_E_AGAIN;
    }
    return status;
}

/* ---- what is behind it ---- */

/* Cuts the file behind the end and gives it its size back: sparse zeros, without looking at what is
 * there, and without space on a full disk. */
static int zero_tail(struct queues *queues, struct consume_queue *queue) {
    struct segments *segments = &queue->segments;
    uint64_t at = segments->written % segments->file_bytes;
    if (segments->count == 0 || at == 0) {
        return RMQ_OK;
    }
    struct env_file *file = segments->items[segments->count - 1].file;
    int status = env_file_truncate(file, at);
    if (status == RMQ_OK) {
        status = env_file_truncate(file, segments->file_bytes);
    }
    segments->flushed = segments->written - at;
    if (queue->flush_link.next == &queue->flush_link) {
        list_append(&queues->flush_list, &queue->flush_link);
    }
    return status;
}

/* RMQ_E_AGAIN: the step runs again. */
static int find_end(struct queues *queues, struct consume_queue *queue) {
    struct queues_walk *walk = &queues->walk;
    int status = RMQ_OK;
    if (walk->phase == PHASE_BEGIN) {
        begin(queues, queue);
    }
    if (walk->phase == PHASE_SCAN) {
        status = scan(queues, queue);
        if (status == RMQ_OK) {
            status = set_end(queues, queue);
        }
    }
    return status == RMQ_OK && walk->zero_tail ? zero_tail(queues, queue) : status;
}

/* The walk that loaded it has found this end: all units are of messages before the cut. */
static bool is_known(const struct queues_walk *walk, const struct consume_queue *queue) {
    return walk->skip_known && queue->max_physical >= 0 && queue->max_physical <= walk->physical;
}

static void find_step(struct queues *queues) {
    struct queues_walk *walk = &queues->walk;
    while (walk->index < queues->count) {
        struct consume_queue *queue = queues->items[walk->index];
        int status = queue->segments.dir == NULL ? queues_open(queues, queue) : RMQ_OK;
        if (status == RMQ_OK &&
            (walk->phase != PHASE_BEGIN || (queue->segments.count > 0 && !is_known(walk, queue)))) {
            status = find_end(queues, queue);
        }
        if (status == RMQ_E_AGAIN) {
            return;
        }
        if (status != RMQ_OK) {
            queues_walk_end(queues, status);
            return;
        }
        walk->index++;
        walk->phase = PHASE_BEGIN;
    }
    queues_walk_end(queues, RMQ_OK);
}

void queues_find_ends(struct queues *queues, int64_t cut, bool zero_tail, bool skip_known,
                      store_step_fn *done) {
    queues->walk.physical = cut;
    queues->walk.zero_tail = zero_tail;
    queues->walk.skip_known = skip_known;
    queues_walk_start(queues, find_step, done);
}

/* ---- queues of deleted topics ---- */

/* Whether file walk->low has a unit, blank ones aside, and its first is of a message at or behind
 * `mark`. Of a deleted topic's files a power-off can bring back any: in a file they are never mixed
 * with units of the topic that has its name now. RMQ_E_AGAIN. */
static int is_alive(struct queues *queues, const struct consume_queue *queue, int64_t mark,
                    bool *out) {
    struct queues_walk *walk = &queues->walk;
    int64_t first = (int64_t)(queue->segments.items[walk->low].from / QUEUE_UNIT_BYTES);
    int64_t end = first + (int64_t)queues->units_per_file;
    *out = false;
    for (walk->at = walk->at > first ? walk->at : first;
         walk->at < end && walk->at < queue->end_offset; walk->at++) {
        struct span bytes;
        struct queue_unit unit;
        int status = queues_walk_view(queues, walk->at, 1, &bytes);
        if (status != RMQ_OK)
            return status;
        queue_unit_decode(bytes.data, &unit);
        if (!queue_unit_is_blank(&unit)) {
            *out = unit.physical >= mark;
            break;
        }
    }
    return RMQ_OK;
}

/* From the first dead file on all go: units behind it are not vouched for, dispatch writes them
 * again. RMQ_E_AGAIN: the step runs again. */
static int drop_dead(struct queues *queues, struct consume_queue *queue, int64_t mark) {
    struct queues_walk *walk = &queues->walk;
    bool alive = true;
    if (walk->phase == PHASE_TAIL)
        return RMQ_OK;
    if (walk->phase == PHASE_BEGIN) {
        walk->low = walk->at = 0;
        walk->phase = PHASE_SCAN;
        buf_clear(&walk->read);
    }
    for (; walk->low < queue->segments.count; walk->low++) {
        int status = is_alive(queues, queue, mark, &alive);
        if (status != RMQ_OK)
            return status;
        if (!alive)
            break;
    }
    bool empty = queue->segments.count == 0 && queue->end_offset == 0; /* its directory came back */
    if (alive && !empty)
        return RMQ_OK;
    if (walk->low == 0) {
        queues_delete(queues, queue); /* the step runs again, for what is in its place then */
        return RMQ_E_AGAIN;
    }
    walk->at = (int64_t)(queue->segments.items[walk->low].from / QUEUE_UNIT_BYTES);
    walk->max_physical = -1; /* found when the queue is cut */
    return set_end(queues, queue);
}

static void drop_step(struct queues *queues) {
    struct queues_walk *walk = &queues->walk;
    while (walk->index < queues->count) {
        struct consume_queue *queue = queues->items[walk->index];
        int64_t mark = deleted_mark_of(queues->store, queue_topic(queue));
        int status = mark > 0 ? drop_dead(queues, queue, mark) : RMQ_OK;
        if (status == RMQ_E_AGAIN)
            return;
        if (status != RMQ_OK) {
            queues_walk_end(queues, status);
            return;
        }
        walk->index++;
        walk->phase = PHASE_BEGIN;
    }
    queues_walk_end(queues, RMQ_OK);
}

void queues_drop_dead(struct store *store, store_step_fn *done) {
    queues_walk_start(store->queues, drop_step, done);
}

void queues_truncate(struct store *store, int64_t physical, bool ours, store_step_fn *done) {
    queues_find_ends(store->queues, physical, true, ours, done);
}
