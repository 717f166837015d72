/* client/consume_service.c - batches of messages and the listener that consumes them.
 *
 * Up to consumeThreadMax batches are with the listener; the others wait in order of arrival. A
 * batch that fails comes again from memory after 5 s, the figure of client.md 20.4 for a send back
 * that failed, until retry topics are here; it holds the commit offset meanwhile. In BROADCASTING
 * it is gone (29.4 B1). Source: client.md 20; ConsumeMessageConcurrentlyService.java. */
#include "model/base/check.h"
#include "model/client/consumer_internal.h"
#include "model/events.h"

void consume_submit(struct pulled *pulled) {
    struct consumer *consumer = pulled->consumer;
    if (consumer->config.orderly) {
        orderly_submit(pulled);
        return;
    }
    for (size_t i = 0; i < pulled->task_count; i++)
        list_append(&consumer->ready, &pulled->tasks[i].link);
}

void consume_tell(struct consume_task *task) {
    struct consumer *consumer = task->pulled->consumer;
    for (size_t i = 0; i < task->batch.count; i++) {
        struct incoming *item = &task->batch.items[i];
        bool intact = true;
        if (consumer->listener != NULL && consumer->listener->inspect != NULL)
            intact = consumer->listener->inspect(consumer->ctx, item, &item->number);
        event_consume_delivered(consumer->env, consumer->group, item->message.topic,
                                item->broker_name, (uint64_t)(uint32_t)item->message.queue_id,
                                item->message.queue_offset, item->message.physical_offset,
                                item->number, intact, (uint64_t)item->message.reconsume_times,
                                item->message.born_ms,
                                message_property(item->message.properties, SPAN_LITERAL("TAGS")));
    }
}

static void run(struct consume_task *task) {
    struct consumer *consumer = task->pulled->consumer;
    if (!orderly_may_run(task))
        return;
    list_remove(&task->link);
    task->state = TASK_RUNNING;
    consumer->running++;
    consume_tell(task);
    consumer->listener->on_messages(consumer->ctx, &task->batch);
}

void consume_pump(struct consumer *consumer) {
    if (consumer->pumping || consumer_is_lite(consumer))
        return;
    consumer->pumping = true;
    while (consumer->running < consumer->config.threads && !list_is_empty(&consumer->ready))
        run(LIST_ENTRY(consumer->ready.next, struct consume_task, link));
    consumer->pumping = false;
    if (consumer->stopping)
        consumer_stop_step(consumer);
}

/* ---- failed batches -------------------------------------------------------------------------- */

static void on_retry_due(struct env *env, struct env_timer *timer);

static void arm_retry(struct consumer *consumer) {
    if (list_is_empty(&consumer->retries)) {
        env_timer_stop(consumer->env, &consumer->retry_timer);
        return;
    }
    const struct consume_task *first =
        LIST_ENTRY(consumer->retries.next, struct consume_task, link);
    uint64_t now = env_mono_ns(consumer->env);
    env_timer_start(consumer->env, &consumer->retry_timer,
                    first->due_ns > now ? first->due_ns - now : 0, on_retry_due);
}

static void on_retry_due(struct env *env, struct env_timer *timer) {
    struct consumer *consumer = RMQ_CONTAINER_OF(timer, struct consumer, retry_timer);
    LIST_EACH(&consumer->retries, link, following) {
        struct consume_task *task = LIST_ENTRY(link, struct consume_task, link);
        if (task->due_ns > env_mono_ns(env))
            break;
        list_remove(&task->link);
        task->state = TASK_READY;
        list_append(&consumer->ready, &task->link);
    }
    arm_retry(consumer);
    consume_pump(consumer);
}

static void tell_failed(const struct consume_task *task, const char *reason) {
    const struct consumer *consumer = task->pulled->consumer;
    for (size_t i = 0; i < task->batch.count; i++) {
        const struct incoming *item = &task->batch.items[i];
        event_consume_failed(consumer->env, consumer->group, item->message.topic, item->broker_name,
                             (uint64_t)(uint32_t)item->message.queue_id, item->message.queue_offset,
                             item->number, span_of_text(reason));
    }
}

static void come_again(struct consume_task *task) {
    struct consumer *consumer = task->pulled->consumer;
    for (size_t i = 0; i < task->batch.count; i++)
        task->batch.items[i].message.reconsume_times++;
    task->state = TASK_WAITING;
    task->due_ns = env_mono_ns(consumer->env) + CONSUMER_LOCAL_RETRY_NS;
    list_append(&consumer->retries, &task->link);
    if (!env_timer_armed(&consumer->retry_timer))
        arm_retry(consumer);
}

/* ---- results --------------------------------------------------------------------------------- */

static void finish(struct consume_task *task) {
    struct consumer_queue *queue = task->pulled->queue;
    struct env *env = queue->consumer->env;
    for (size_t i = 0; i < task->batch.count; i++)
        process_queue_finish(&queue->cache, task->batch.items[i].message.queue_offset);
    consumer_queue_progress(queue, process_queue_progress(&queue->cache));
    task_end(task);
    if (env_buggify(env, BUGGIFY_CONSUMER_COMMIT))
        consumer_offset_send(queue);
}

static void tell_done(const struct consume_task *task, bool result) {
    const struct consumer *consumer = task->pulled->consumer;
    for (size_t i = 0; i < task->batch.count; i++) {
        const struct incoming *item = &task->batch.items[i];
        event_consume_done(consumer->env, consumer->group, item->message.topic, item->broker_name,
                           (uint64_t)(uint32_t)item->message.queue_id, item->message.queue_offset,
                           item->number, result);
    }
}

static void take_orderly(struct consume_task *task, bool result) {
    struct consumer_queue *queue = task->pulled->queue;
    tell_done(task, result);
    if (!result)
        tell_failed(task, "listener");
    if (!result && !env_plant(queue->consumer->env, PLANT_CONSUMER_DROP_FAILED)) {
        orderly_again(task);
        return;
    }
    finish(task);
    orderly_done(queue);
}

static void take_result(struct consume_task *task, bool result) {
    struct consumer *consumer = task->pulled->consumer;
    bool broadcasting = consumer->config.broadcasting;
    if (!result)
        tell_failed(task, broadcasting ? "broadcasting: not again" : "listener");
    if (result || broadcasting || env_plant(consumer->env, PLANT_CONSUMER_DROP_FAILED))
        finish(task);
    else
        come_again(task);
}

void consumer_batch_done(struct consume_batch *batch, bool result) {
    struct consume_task *task = batch->state;
    struct consumer *consumer = task->pulled->consumer;
    RMQ_ASSERT(task->state == TASK_RUNNING);
    if (consumer == NULL) { /* C4 */
        task_end(task);
        return;
    }
    RMQ_ASSERT(consumer->running > 0);
    consumer->running--;
    if (task->pulled->queue == NULL)
        task_end(task);
    else if (consumer_is_lite(consumer))
        lite_done(task);
    else if (consumer->config.orderly)
        take_orderly(task, result);
    else
        take_result(task, result);
    consume_pump(consumer);
}

/* What the application has of a queue that moved away: it ends with on_dropped, or without that
 * function when the application says so. */
static void drop_running(struct consume_task *task) {
    struct consumer *consumer = task->pulled->consumer;
    const struct consumer_listener *listener = consumer->listener;
    if (listener == NULL || listener->on_dropped == NULL)
        return;
    listener->on_dropped(consumer->ctx, &task->batch);
    RMQ_ASSERT(task->state == TASK_RUNNING && consumer->running > 0);
    consumer->running--;
    task_end(task);
}

void consume_drop(struct consumer_queue *queue) {
    struct consumer *consumer = queue->consumer;
    while (!list_is_empty(&queue->pulls)) {
        struct pulled *pulled = LIST_ENTRY(queue->pulls.next, struct pulled, link);
        list_remove(&pulled->link);
        list_append(&consumer->orphans, &pulled->link);
        pulled->queue = NULL;
        pulled->open++; /* ours */
        for (size_t i = 0; i < pulled->task_count; i++) {
            struct consume_task *task = &pulled->tasks[i];
            if (task->state == TASK_READY || task->state == TASK_WAITING)
                task_end(task);
            else if (task->state == TASK_RUNNING)
                drop_running(task);
        }
        if (--pulled->open == 0)
            pulled_free(pulled);
    }
    queue->consuming = false;
    arm_retry(consumer);
}
