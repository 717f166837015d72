/* store/queue_write.c - units on their way to their files.
 *
 * One write per queue is under way; what is appended meanwhile goes with the next. A disk that
 * fails stops all of it until the next try: what was appended stays in memory, nothing is skipped.
 */
#include "model/store/queues.h"

#include "model/events.h"

#define RETRY_NS 1000000000U
#define RETRIES_MAX 30
#define KEEP_BYTES 4096 /* of buffers of a queue that is idle */

static void on_written(struct env_file_op *op, int status);

static void on_retry(struct env *env, struct env_timer *timer) {
    struct queues *queues = RMQ_CONTAINER_OF(timer, struct queues, retry_timer);
    (void)env;
    queues_write(queues);
}

/* `queue` keeps what it has for the next try. */
static void failed(struct queues *queues, struct consume_queue *queue, int status) {
    list_append(&queues->write_list, &queue->write_link);
    event_store_write_failed(queues->env, span_of_text(queue->segments.dir),
                             span_of_text(rmq_err_text(status)), -1);
    if (env_timer_armed(&queues->retry_timer)) {
        return;
    }
    queues->failures++;
    if (queues->failures == RETRIES_MAX) {
        store_set_flags(queues->store, STORE_QUEUE_ERROR, true, "consume queue", 0);
    }
    env_timer_start(queues->env, &queues->retry_timer, RETRY_NS, on_retry);
    store_step_fn *flushed = queues->flushed;
    if (flushed != NULL) { /* a clean stop does not wait for a disk that fails */
        queues->flushed = NULL;
        flushed(queues->store, RMQ_E_IO);
    }
}

/* A file for the byte at `position`, made when it is the first of one. */
static int make_file(struct consume_queue *queue, uint64_t position) {
    struct queues *queues = queue->queues;
    struct segments *segments = &queue->segments;
    uint64_t file_bytes = queues->units_per_file * QUEUE_UNIT_BYTES;
    if (segments->dir == NULL) {
        char path[ENV_PATH_MAX];
        size_t len = queue_path(queue, 2, path);
        int status =
            segments_load(segments, queues->env, span_of(path, len), file_bytes, SEGMENTS_CLEAN);
        if (status != RMQ_OK) {
            return status;
        }
        RMQ_ASSERT(segments->count == 0);
    }
    if (segments->count > 0 && position < segments_end(segments)) {
        return RMQ_OK;
    }
    int status = segments_grow(segments, position - position % file_bytes);
    if (status == RMQ_OK && segments->count == 1) {
        segments->written = segments->flushed = segments->accepted = position;
    }
    return status;
}

/* Moves what fits into the file at hand from `pending` to `written`. RMQ_E_NOMEM: as it was. */
static int take_run(struct consume_queue *queue) {
    uint64_t file_bytes = queue->queues->units_per_file * QUEUE_UNIT_BYTES;
    uint64_t room = file_bytes - queue->pending_from % file_bytes;
    size_t len = queue->pending.len < room ? queue->pending.len : (size_t)room;
    struct buf rest = queue->written;
    buf_clear(&rest);
    buf_put_span(&rest, span_of(queue->pending.data + len, queue->pending.len - len));
    if (buf_failed(&rest)) {
        rest.failed = false;
        rest.len = 0;
        queue->written = rest; /* its content is in the file */
        queue->written_from = queue->pending_from;
        return RMQ_E_NOMEM;
    }
    queue->written = queue->pending;
    queue->written.len = len;
    queue->written_from = queue->pending_from;
    queue->pending = rest;
    queue->pending_from += len;
    return RMQ_OK;
}

static void write_next(struct queues *queues, struct consume_queue *queue) {
    RMQ_ASSERT(!env_file_op_active(&queue->op));
    if (!queue->failed) {
        int status = make_file(queue, queue->pending_from);
        if (status == RMQ_OK) {
            status = take_run(queue);
        }
        if (status != RMQ_OK) {
            failed(queues, queue, status);
            return;
        }
        queue->segments.accepted = queue->pending_from;
    }
    queues->writing++;
    segments_write(&queue->segments, queue->written_from, buf_span(&queue->written), &queue->op,
                   on_written);
}

static void shrink(struct consume_queue *queue) {
    if (queue->pending.len > 0) {
        return;
    }
    if (queue->pending.capacity > KEEP_BYTES) {
        buf_deinit(&queue->pending);
    }
    if (queue->written.capacity > KEEP_BYTES) {
        buf_deinit(&queue->written);
        queue->written_from = queue->pending_from;
    }
}

static void on_written(struct env_file_op *op, int status) {
    struct consume_queue *queue = RMQ_CONTAINER_OF(op, struct consume_queue, op);
    struct queues *queues = queue->queues;
    queues->writing--;
    queue->failed = status != RMQ_OK;
    if (queue->failed) {
        failed(queues, queue, status);
        return;
    }
    queue->segments.written = queue->written_from + queue->written.len;
    RMQ_ASSERT(queue->segments.written == queue->pending_from);
    if (queue->pending.len > 0) {
        list_append(&queues->write_list, &queue->write_link);
    } else {
        shrink(queue);
    }
    if (!env_timer_armed(&queues->retry_timer)) {
        queues_write(queues);
    }
    if (queues->failures > 0 && queues_are_quiet(queues)) {
        if (queues->failures >= RETRIES_MAX) {
            store_set_flags(queues->store, STORE_QUEUE_ERROR, false, "consume queue", 0);
        }
        queues->failures = 0;
    }
    queues_flush_kick(queues, queue);
    if (queues_are_quiet(queues)) {
        dispatch_run(queues->store);
    }
}

void queues_appended(struct queues *queues, struct consume_queue *queue) {
    if (queue->write_link.next == &queue->write_link && !env_file_op_active(&queue->op)) {
        list_append(&queues->write_list, &queue->write_link);
    }
    if (queue->flush_link.next == &queue->flush_link) {
        list_append(&queues->flush_list, &queue->flush_link);
    }
}

void queues_write(struct queues *queues) {
    struct list ready; /* a failure puts its queue into write_list again */
    list_init(&ready);
    LIST_EACH(&queues->write_list, link, following) {
        list_remove(link);
        list_append(&ready, link);
    }
    LIST_EACH(&ready, link, following) {
        struct consume_queue *queue = LIST_ENTRY(link, struct consume_queue, write_link);
        list_remove(link);
        if (env_timer_armed(&queues->retry_timer)) {
            list_append(&queues->write_list, link); /* not before the next try */
        } else {
            write_next(queues, queue);
        }
    }
}
