/* client/consume_orderly.c - one queue after the other: locks, and batches in their order.
 *
 * A queue is consumed while its broker's master has granted the group's lock to this client (41):
 * at its assignment before anything else, again every 20 s, valid here for 30 s (60 s at the
 * broker). One batch of a queue is with the listener at a time; one that fails comes again after
 * suspendCurrentQueueTimeMillis, before all others. A queue that moves away while the listener has
 * a batch of it is kept until that ends, and then released and unlocked (42).
 *
 *   OR1  At most one task of a queue is in consumer->ready or running; the others are in
 *        queue->order, in the order of their offsets.
 *   OR2  The timer of a queue runs while it pauses; then no task of it is in consumer->ready or
 *        running.
 *
 * Source: client.md 21, 29.3, 31.4; ConsumeMessageOrderlyService.java, RebalanceImpl.java. Differs:
 * a request per queue, not per broker; a queue whose lock is another member's, or has not been
 * renewed for 30 s, is released and begins anew (Java waits for the lock and goes on with what it
 * has, although another member may have consumed it meanwhile); a batch that ends after
 * its queue moved counts (Java forgets its result); unlocked at release, not 20 s later. */
#include "model/base/check.h"
#include "model/client/consumer_internal.h"
#include "model/wire/body_admin.h"

#define RENEW_NS (20000 * CONSUMER_MS)   /* T-LOCK */
#define VALID_NS (30000 * CONSUMER_MS)   /* T-LOCK-CLIENT */
#define LOCK_RPC_NS (1000 * CONSUMER_MS) /* of 41 */
#define STALE_NS (100 * CONSUMER_MS)     /* a run without lock */

static bool holds(const struct consumer_queue *queue) {
    return queue->consumer->config.broadcasting ||
           env_plant(queue->consumer->env, PLANT_CONSUMER_KEEP_LOCK) ||
           (queue->locked && env_mono_ns(queue->consumer->env) - queue->locked_ns <= VALID_NS);
}

/* ---- requests -------------------------------------------------------------------------------- */

static int write_request(const struct consumer_queue *queue, struct buf *body) {
    const struct consumer *consumer = queue->consumer;
    const struct lock_request request = {.client_id = client_id(consumer->client),
                                         .group = consumer->group};
    const struct body_queue name = {
        .topic = queue->topic->name, .broker_name = queue->broker_name, .queue_id = queue->id};
    struct json_writer json;
    json_writer_init(&json, body, JSON_STYLE_FASTJSON);
    lock_request_begin(&json, &request);
    body_queue_write(&json, &name);
    lock_request_end(&json, &request, consumer->client->profile_5_3);
    return buf_failed(body) ? RMQ_E_NOMEM : RMQ_OK;
}

static int on_granted(void *ctx, const struct body_queue *granted) {
    const struct consumer_queue *queue = *(struct consumer_queue *const *)ctx;
    if (granted->queue_id == queue->id && span_equal(granted->topic, queue->topic->name) &&
        span_equal(granted->broker_name, queue->broker_name))
        *(struct consumer_queue **)ctx = NULL;
    return queue == NULL ? RMQ_E_INVALID : RMQ_OK;
}

/* RMQ_OK and whether the queue is among those that were granted. */
static int read_answer(struct consumer_queue *queue, int status,
                       const struct wire_command *response, bool *granted) {
    struct wire_error error;
    struct buf scratch;
    struct consumer_queue *wanted = queue;
    if (status != RMQ_OK)
        return status;
    if (response->code != RESPONSE_SUCCESS)
        return RMQ_E_STATE;
    buf_init(&scratch, queue->consumer->env);
    int err = locked_queues_decode(response->body, &scratch, on_granted, &wanted, &error);
    buf_deinit(&scratch);
    *granted = wanted == NULL;
    return err;
}

/* Another member has the lock, or may have had it. */
static void lose(struct consumer_queue *queue) {
    struct consumer *consumer = queue->consumer;
    queue->locked = false;
    if (queue->consuming) {
        queue->leaving = true;
        pull_loop_stop(queue);
        return;
    }
    consumer_queue_release(queue, false, "lock");
    rebalance_soon(consumer);
}

static void on_locked(void *ctx, int status, const struct wire_command *response) {
    struct consumer_queue *queue = RMQ_CONTAINER_OF(ctx, struct consumer_queue, turn);
    struct consumer *consumer = queue->consumer;
    bool granted = false, asking = queue->state == QUEUE_ASKING;
    int err = read_answer(queue, status, response, &granted);
    queue->locking = false;
    if (err == RMQ_OK && granted) {
        queue->locked = true;
        queue->locked_ns = env_mono_ns(consumer->env);
        if (asking)
            consumer_queue_ask(queue);
    } else if (asking) {
        consumer_queue_give_up(queue); /* the next rebalance tries again */
    } else if (err == RMQ_OK) {
        lose(queue);
    }
    consume_pump(consumer);
}

/* Asks for the lock. RMQ_E_NOT_FOUND: no master is known; RMQ_E_NOMEM. */
static int lock(struct consumer_queue *queue) {
    struct consumer *consumer = queue->consumer;
    struct span address = client_master_address(consumer->client, queue->broker_name);
    struct wire_command request;
    struct buf body;
    if (address.len == 0)
        return RMQ_E_NOT_FOUND;
    buf_init(&body, consumer->env);
    int err = write_request(queue, &body);
    if (err == RMQ_OK) {
        wire_command_init(&request, REQUEST_LOCK_BATCH_MQ);
        request.body = buf_span(&body);
        queue->locking = true;
        remoting_call(&consumer->client->remoting, address, &request, REMOTING_SYNC, LOCK_RPC_NS,
                      on_locked, &queue->turn);
    }
    buf_deinit(&body);
    return err;
}

static void unlock(struct consumer_queue *queue) {
    struct consumer *consumer = queue->consumer;
    struct span address = client_master_address(consumer->client, queue->broker_name);
    struct wire_command request;
    struct buf body;
    buf_init(&body, consumer->env);
    if (address.len > 0 && write_request(queue, &body) == RMQ_OK) {
        wire_command_init(&request, REQUEST_UNLOCK_BATCH_MQ);
        request.body = buf_span(&body);
        RMQ_IGNORE(remoting_oneway(&consumer->client->remoting, address, &request),
                   "it expires at the broker");
    }
    buf_deinit(&body);
    queue->locked = false;
}

/* ---- renewals -------------------------------------------------------------------------------- */

static void on_renew(struct env *env, struct env_timer *timer) {
    struct consumer *consumer = RMQ_CONTAINER_OF(timer, struct consumer, renew_timer);
    for (size_t i = 0; i < consumer->topic_count; i++) {
        LIST_EACH(&consumer->topics[i]->queues, link, following) {
            struct consumer_queue *queue = LIST_ENTRY(link, struct consumer_queue, link);
            if (queue->state == QUEUE_ACTIVE && !queue->locking)
                RMQ_IGNORE(lock(queue), "30 s without one decide");
        }
    }
    env_timer_start(env, timer, RENEW_NS, on_renew);
}

void orderly_stop(struct consumer *consumer) {
    env_timer_stop(consumer->env, &consumer->renew_timer);
}

/* ---- a queue --------------------------------------------------------------------------------- */

bool orderly_begin(struct consumer_queue *queue) {
    struct consumer *consumer = queue->consumer;
    if (!consumer->config.orderly || consumer->config.broadcasting)
        return false;
    if (!env_timer_armed(&consumer->renew_timer))
        env_timer_start(consumer->env, &consumer->renew_timer, RENEW_NS, on_renew);
    if (lock(queue) != RMQ_OK)
        consumer_queue_give_up(queue);
    return true;
}

void orderly_end(struct consumer_queue *queue) {
    if (!queue->consumer->config.orderly)
        return;
    env_timer_stop(queue->consumer->env, &queue->turn);
    if (queue->locking)
        remoting_cancel(&queue->consumer->client->remoting, &queue->turn);
    queue->locking = false;
    if (queue->locked)
        unlock(queue);
}

bool orderly_keeps(struct consumer_queue *queue) {
    if (!queue->consuming || queue->state != QUEUE_ACTIVE)
        return false;
    if (!queue->leaving)
        pull_loop_stop(queue);
    queue->leaving = true;
    return true;
}

void orderly_returns(struct consumer_queue *queue) {
    if (!queue->leaving || !queue->locked)
        return;
    queue->leaving = false;
    pull_loop_start(queue, 0);
}

/* ---- turns ----------------------------------------------------------------------------------- */

static void on_turn(struct env *env, struct env_timer *timer);

static void wait_for(struct consumer_queue *queue, uint64_t delay_ns) {
    env_timer_start(queue->consumer->env, &queue->turn, delay_ns, on_turn);
}

static void next_turn(struct consumer_queue *queue) {
    if (queue->consuming || env_timer_armed(&queue->turn) || list_is_empty(&queue->order))
        return;
    if (!holds(queue)) {
        wait_for(queue, STALE_NS);
        return;
    }
    struct list *first = queue->order.next;
    list_remove(first);
    list_append(&queue->consumer->ready, first);
    queue->consuming = true;
}

/* Without a valid lock another member may have consumed what is here: the queue begins anew. */
static void on_turn(struct env *env, struct env_timer *timer) {
    struct consumer_queue *queue = RMQ_CONTAINER_OF(timer, struct consumer_queue, turn);
    struct consumer *consumer = queue->consumer;
    RMQ_ASSERT(env == consumer->env && !queue->consuming); /* OR2 */
    if (holds(queue))
        next_turn(queue);
    else
        lose(queue);
    consume_pump(consumer);
}

void orderly_submit(struct pulled *pulled) {
    struct consumer_queue *queue = pulled->queue;
    for (size_t i = 0; i < pulled->task_count; i++)
        list_append(&queue->order, &pulled->tasks[i].link);
    next_turn(queue);
}

static void put_back(struct consumer_queue *queue, struct consume_task *task) {
    task->state = TASK_READY;
    list_insert_before(queue->order.next, &task->link);
    queue->consuming = false;
}

bool orderly_may_run(struct consume_task *task) {
    struct consumer_queue *queue = task->pulled->queue;
    if (!queue->consumer->config.orderly || holds(queue))
        return true;
    list_remove(&task->link);
    put_back(queue, task);
    wait_for(queue, STALE_NS);
    return false;
}

void orderly_done(struct consumer_queue *queue) {
    queue->consuming = false;
    if (queue->leaving)
        consumer_queue_release(queue, queue->locked, "rebalance");
    else
        next_turn(queue);
}

void orderly_again(struct consume_task *task) {
    struct consumer_queue *queue = task->pulled->queue;
    for (size_t i = 0; i < task->batch.count; i++)
        task->batch.items[i].message.reconsume_times++;
    put_back(queue, task);
    if (queue->leaving)
        consumer_queue_release(queue, queue->locked, "rebalance");
    else
        wait_for(queue, queue->consumer->config.suspend_ms * CONSUMER_MS);
}
