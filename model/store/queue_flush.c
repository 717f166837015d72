/* store/queue_flush.c - when units become durable (store.md 12.4).
 *
 * A timer runs only while something is not durable: the next second when a queue has two pages (or
 * a full file), else the next thorough round, 60 s after the last. A thorough round makes all
 * durable that had a unit when it began, then the checkpoint may say
 * so. After a failed sync the checkpoint stays where it is until the next start: pages may be gone
 * although later syncs succeed (env.h), and a start from the old checkpoint writes all units behind
 * it again. */
#include "model/store/queues.h"

#include "model/events.h"

#define PAGE 4096

static void round_step(struct queues *queues);

static uint64_t end_byte(const struct consume_queue *queue) {
    return queue->pending_from + queue->pending.len;
}

/* Full file or least pages (2). */
static bool is_due(const struct queues *queues, const struct consume_queue *queue) {
    uint64_t file_bytes = queues->units_per_file * QUEUE_UNIT_BYTES;
    uint64_t written = queue->segments.written, flushed = queue->segments.flushed;
    uint64_t least = queues->store->config.queue_flush_least_pages;
    return queue->segments.count > 0 && written > flushed &&
           (written / file_bytes > flushed / file_bytes ||
            written / PAGE - flushed / PAGE >= least);
}

static void on_timer(struct env *env, struct env_timer *timer);

static void arm(struct queues *queues) {
    const struct store_config *config = &queues->store->config;
    if (queues->round_active || list_is_empty(&queues->flush_list)) {
        return;
    }
    uint64_t now = env_mono_ns(queues->env);
    uint64_t thorough = queues->thorough_ns + (uint64_t)config->queue_flush_thorough_ms * 1000000;
    uint64_t soon = now + (uint64_t)config->queue_flush_interval_ms * 1000000;
    uint64_t at = queues->due || thorough < soon ? soon : thorough;
    struct env_timer *timer = &queues->flush_timer;
    if (!env_timer_armed(timer) || at < timer->deadline_ns) {
        env_timer_start(queues->env, timer, at - now, on_timer);
    }
}

static void round_end(struct queues *queues) {
    struct store *store = queues->store;
    queues->round_active = false;
    if (queues->round_thorough && !queues->sync_failed) {
        queues->durable = queues->round_physical;
    }
    if (queues->round_thorough && !queues->sync_failed &&
        queues->round_ms > store->checkpoint.logics_ms) {
        store->checkpoint.logics_ms = queues->round_ms;
        checkpoint_save(&store->checkpoint, NULL, NULL);
    }
    store_step_fn *flushed = queues->flushed;
    if (flushed == NULL) {
        arm(queues);
    } else if (queues->sync_failed || list_is_empty(&queues->flush_list)) {
        queues->flushed = NULL;
        flushed(store, queues->sync_failed ? RMQ_E_IO : RMQ_OK);
    } else { /* it was asked for in the middle of a round */
        queues_flush_all(store, flushed);
    }
}

static void sync_failed(struct queues *queues, struct consume_queue *queue, int status) {
    queues->sync_failed = true;
    queue->flush_target = 0; /* the next round tries again */
    event_store_sync_failed(queues->env, span_of_text(queue->segments.dir),
                            span_of_text(rmq_err_text(status)));
}

static void on_synced(struct segments_sync *sync, int status) {
    struct queue_sync *slot = RMQ_CONTAINER_OF(sync, struct queue_sync, sync);
    struct queues *queues = slot->queues;
    struct consume_queue *queue = slot->queue;
    slot->queue = NULL;
    list_remove(&queue->flush_link);
    if (status != RMQ_OK) {
        sync_failed(queues, queue, status);
    }
    if (status != RMQ_OK || queue->segments.flushed != end_byte(queue)) {
        list_append(&queues->flush_list, &queue->flush_link); /* behind those that wait */
    }
    round_step(queues);
}

static struct queue_sync *free_slot(struct queues *queues) {
    struct queue_sync *slot = queues->syncs;
    while (slot < queues->syncs + QUEUE_SYNCS && slot->queue != NULL) {
        slot++;
    }
    return slot < queues->syncs + QUEUE_SYNCS ? slot : NULL;
}

static bool is_syncing(const struct queues *queues, const struct consume_queue *queue) {
    bool found = false;
    for (unsigned i = 0; i < QUEUE_SYNCS; i++) {
        found |= queues->syncs[i].queue == queue;
    }
    return found;
}

/* Takes the next queues of the round, or waits for their writes, or ends the round. */
static void round_step(struct queues *queues) {
    struct queue_sync *slot = free_slot(queues);
    bool waits = slot == NULL;
    LIST_EACH(&queues->flush_list, link, following) {
        struct consume_queue *queue = LIST_ENTRY(link, struct consume_queue, flush_link);
        if (slot == NULL) {
            return;
        }
        if (queue->flush_target <= queue->segments.flushed || queue->flush_target == 0) {
            continue;
        }
        waits = true;
        if (queue->segments.written < queue->flush_target || queue->segments.count == 0 ||
            is_syncing(queues, queue)) {
            continue;
        }
        slot->queue = queue;
        segments_sync(&queue->segments, &slot->sync, on_synced);
        RMQ_ASSERT(slot->queue == queue); /* there is something to do */
        slot = free_slot(queues);
    }
    if (!waits) {
        round_end(queues);
    }
}

static void round_begin(struct queues *queues, bool thorough) {
    queues->round_active = true;
    queues->round_thorough = thorough;
    queues->due = false;
    if (thorough) {
        queues->thorough_ns = env_mono_ns(queues->env);
        queues->round_ms = queues->dispatched_ms;
        queues->round_physical = dispatch_position(queues->store);
    }
    LIST_EACH(&queues->flush_list, link, following) {
        struct consume_queue *queue = LIST_ENTRY(link, struct consume_queue, flush_link);
        queue->flush_target = thorough                ? end_byte(queue)
                              : is_due(queues, queue) ? queue->segments.written
                                                      : 0;
    }
    round_step(queues);
}

static void on_timer(struct env *env, struct env_timer *timer) {
    struct queues *queues = RMQ_CONTAINER_OF(timer, struct queues, flush_timer);
    uint64_t thorough_ms = queues->store->config.queue_flush_thorough_ms;
    round_begin(queues, env_mono_ns(env) >= queues->thorough_ns + thorough_ms * 1000000);
}

void queues_flush_kick(struct queues *queues, struct consume_queue *queue) {
    if (!queues->due && queue != NULL && is_due(queues, queue)) {
        queues->due = true;
    }
    if (queues->round_active) {
        round_step(queues);
    } else {
        arm(queues);
    }
}

uint64_t queues_durable(const struct queues *queues) {
    bool all = list_is_empty(&queues->flush_list) && !queues->sync_failed;
    return all ? dispatch_position(queues->store) : queues->durable;
}

bool queues_flush_now(struct queues *queues) {
    if (queues->sync_failed || queues->failures > 0) {
        return false;
    }
    if (!queues->round_active) {
        env_timer_stop(queues->env, &queues->flush_timer);
        round_begin(queues, true);
    }
    return true;
}

void queues_flush_all(struct store *store, store_step_fn *done) {
    struct queues *queues = store->queues;
    if (queues->failures > 0) {
        done(store, RMQ_E_IO);
        return;
    }
    queues->flushed = done;
    env_timer_stop(queues->env, &queues->flush_timer);
    if (!queues->round_active) {
        round_begin(queues, true);
    }
}
