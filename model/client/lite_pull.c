/* client/lite_pull.c - the consumer without a listener: queues given or shared out, messages asked
 * for.
 *
 * What a poll has handed out counts when its batch is done; it is committed by a later poll, or at
 * the stop, when autoCommit is on (client.md 25.2; DefaultLitePullConsumerImpl.java). Differs: Java
 * counts it at the poll itself, so that a later poll may commit what is still being worked on. */
#include "model/base/check.h"
#include "model/client/consumer_internal.h"

static struct consumer_queue *find(struct consumer *consumer, struct span topic,
                                   struct span broker_name, int32_t queue_id) {
    struct consumer_topic *found = consumer_topic_named(consumer, topic);
    return found == NULL ? NULL : consumer_queue_find(found, broker_name, queue_id);
}

int lite_assign(struct consumer *consumer, struct span topic, struct span broker_name,
                int32_t queue_id) {
    struct consumer_topic *found = consumer_topic_named(consumer, topic);
    if (!consumer_is_lite(consumer) || (found != NULL && !found->assigned))
        return RMQ_E_STATE; /* subscribe and assign exclude each other */
    if (found == NULL) {
        int err = consumer_topic_add(consumer, topic, SPAN_NONE, &found);
        if (err != RMQ_OK)
            return err;
        found->assigned = true;
    }
    if (consumer_queue_find(found, broker_name, queue_id) != NULL)
        return RMQ_E_EXISTS;
    return consumer_queue_add(found, broker_name, queue_id);
}

int lite_seek(struct consumer *consumer, struct span topic, struct span broker_name,
              int32_t queue_id, int64_t offset) {
    struct consumer_queue *queue = find(consumer, topic, broker_name, queue_id);
    if (queue == NULL || queue->state != QUEUE_ACTIVE || !consumer_is_lite(consumer))
        return RMQ_E_NOT_FOUND;
    if (offset < 0)
        return RMQ_E_RANGE;
    pull_loop_stop(queue);
    client_route_cancel(&queue->wait);
    consume_drop(queue);
    process_queue_clear(&queue->cache);
    queue->next_offset = offset;
    queue->position = offset;
    pull_loop_start(queue, 0);
    return RMQ_OK;
}

int lite_pause(struct consumer *consumer, struct span topic, struct span broker_name,
               int32_t queue_id, bool on) {
    struct consumer_queue *queue = find(consumer, topic, broker_name, queue_id);
    if (queue == NULL)
        return RMQ_E_NOT_FOUND;
    queue->paused = on;
    return RMQ_OK;
}

/* Positions become the progress that is sent. */
static void commit_positions(struct consumer *consumer, bool send) {
    for (size_t i = 0; i < consumer->topic_count; i++) {
        LIST_EACH(&consumer->topics[i]->queues, link, following) {
            struct consumer_queue *queue = LIST_ENTRY(link, struct consumer_queue, link);
            if (queue->state != QUEUE_ACTIVE || queue->position < 0)
                continue;
            queue->offset = queue->position;
            queue->has_offset = true;
            if (send)
                consumer_offset_send(queue);
        }
    }
}

void lite_auto_commit(struct consumer *consumer) {
    consumer->auto_commit_due_ns =
        env_mono_ns(consumer->env) + consumer->config.auto_commit_ms * CONSUMER_MS;
    commit_positions(consumer, false);
}

void lite_commit(struct consumer *consumer) {
    commit_positions(consumer, true);
    if (consumer->config.broadcasting)
        local_offsets_save(consumer);
}

/* Messages of a paused queue wait. */
static struct consume_task *first_ready(struct consumer *consumer) {
    LIST_EACH(&consumer->ready, link, following) {
        struct consume_task *task = LIST_ENTRY(link, struct consume_task, link);
        if (!task->pulled->queue->paused)
            return task;
    }
    return NULL;
}

struct consume_batch *lite_poll(struct consumer *consumer) {
    RMQ_ASSERT(consumer_is_lite(consumer));
    if (consumer->config.auto_commit && env_mono_ns(consumer->env) >= consumer->auto_commit_due_ns)
        lite_auto_commit(consumer);
    struct consume_task *task = first_ready(consumer);
    if (task == NULL)
        return NULL;
    list_remove(&task->link);
    task->state = TASK_RUNNING;
    consumer->running++;
    consume_tell(task);
    return &task->batch;
}

void lite_done(struct consume_task *task) {
    struct consumer_queue *queue = task->pulled->queue;
    for (size_t i = 0; i < task->batch.count; i++)
        process_queue_finish(&queue->cache, task->batch.items[i].message.queue_offset);
    int64_t progress = process_queue_progress(&queue->cache);
    if (progress > queue->position)
        queue->position = progress;
    task_end(task);
}
