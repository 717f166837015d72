/* client/consumer_batch.c - the records of one pull: copied once, decoded in place, cut into tasks.
 *
 * Source: client.md 19.4, 20.1; MessageDecoder.decodes, PullAPIWrapper.processPullResult. Differs:
 * Java leaves out silently what follows a record that does not decode; here the next pull begins
 * there. */
#include "model/base/check.h"
#include "model/client/consumer_internal.h"
#include "model/wire/body_internal.h"

#define INFLATED_HEAD 16 /* struct inflated, and the alignment of what follows */

/* Records in `body`, by their sizes alone. */
static size_t count_records(struct span body) {
    size_t count = 0;
    while (body.len >= 4) {
        struct span_reader reader = {.rest = body};
        int32_t size = read_i32(&reader);
        if (size < 4 || (size_t)size > body.len)
            break;
        body = span_from(body, (size_t)size);
        count++;
    }
    return count;
}

/* Replaces a compressed body; one that does not inflate stays as it came, for the application to
 * judge. */
static int inflate_body(struct pulled *pulled, struct message *message) {
    struct wire_error error;
    struct buf out;
    buf_init(&out, pulled->env);
    int err = RMQ_E_NOMEM;
    if (buf_extend(&out, INFLATED_HEAD) != NULL)
        err = body_inflate(pulled->env, message->body, &out, &error);
    if (err == RMQ_OK) {
        struct inflated *inflated = (struct inflated *)(void *)out.data;
        inflated->next = pulled->inflated;
        pulled->inflated = inflated;
        message->body = span_from(buf_span(&out), INFLATED_HEAD);
        return RMQ_OK;
    }
    buf_deinit(&out);
    if (err == RMQ_E_NOMEM)
        return err;
    env_log(pulled->env, ENV_LOG_WARN, "consumer: a compressed body does not inflate: %s",
            rmq_err_text(err));
    return RMQ_OK;
}

/* A record of another queue, or not after the one before. */
static bool is_foreign(const struct consumer_queue *queue, const struct pulled *pulled,
                       const struct message *message) {
    int64_t after = pulled->records == 0 ? queue->asked_offset - 1 : pulled->last;
    return !span_equal(message->topic, queue->topic->name) || message->queue_id != queue->id ||
           message->queue_offset <= after;
}

/* The broker compared hashes of tags only (client.md 19.4). */
static bool is_wanted(const struct consumer_queue *queue, const struct message *message) {
    const struct subscription *subscription = &queue->topic->subscription;
    if (subscription->kind != SUBSCRIPTION_TAGS)
        return true;
    struct span tag = message_property(message->properties, SPAN_LITERAL("TAGS"));
    return subscription_accepts_tag(subscription, tag) ||
           env_plant(queue->consumer->env, PLANT_CONSUMER_ANY_TAG);
}

static int decode(struct pulled *pulled, struct span body, size_t count, struct span broker_name) {
    const struct consumer_queue *queue = pulled->queue;
    for (size_t i = 0; i < count; i++) {
        struct incoming *item = &pulled->items[pulled->count];
        *item = (struct incoming){.broker_name = broker_name};
        if (message_decode(body, false, &item->message) != MESSAGE_OK) {
            pulled->broken = true;
            return RMQ_OK;
        }
        struct message *message = &item->message;
        body = span_from(body, message->size);
        pulled->foreign += is_foreign(queue, pulled, message);
        if (pulled->records++ == 0)
            pulled->first = message->queue_offset;
        pulled->last = message->queue_offset;
        if (!is_wanted(queue, message))
            continue;
        if ((message->sys_flag & MESSAGE_SYS_COMPRESSED) != 0 &&
            inflate_body(pulled, message) != RMQ_OK)
            return RMQ_E_NOMEM;
        item->topic = consumer_without_namespace(queue->consumer->namespace_, message->topic);
        pulled->count++;
    }
    pulled->broken = body.len > 0;
    return RMQ_OK;
}

static void make_tasks(struct pulled *pulled, size_t each) {
    for (size_t first = 0; first < pulled->count; first += each) {
        struct consume_task *task = &pulled->tasks[pulled->task_count++];
        size_t left = pulled->count - first;
        *task = (struct consume_task){.pulled = pulled,
                                      .state = TASK_READY,
                                      .batch = {.consumer = pulled->consumer,
                                                .items = &pulled->items[first],
                                                .count = left < each ? left : each,
                                                .state = task}};
        list_init(&task->link);
    }
    pulled->open = pulled->task_count;
}

int pulled_create(struct consumer_queue *queue, struct span body, struct pulled **out) {
    struct env *env = queue->consumer->env;
    size_t each = queue->consumer->config.batch_messages;
    size_t count = count_records(body);
    size_t tasks = count / each + (count % each != 0); /* each may be as large as can be */
    size_t head = sizeof(struct pulled) + count * sizeof(struct incoming) +
                  tasks * sizeof(struct consume_task);
    struct pulled *pulled = env_alloc(env, head + queue->broker_name.len + body.len);
    if (pulled == NULL)
        return RMQ_E_NOMEM;
    *pulled = (struct pulled){.env = env, .consumer = queue->consumer, .queue = queue};
    list_init(&pulled->link);
    pulled->items = (struct incoming *)(void *)(pulled + 1);
    pulled->tasks = (struct consume_task *)(void *)(pulled->items + count);
    uint8_t *text = (uint8_t *)pulled + head;
    memcpy(text, queue->broker_name.data, queue->broker_name.len);
    if (body.len > 0)
        memcpy(text + queue->broker_name.len, body.data, body.len);
    int err = decode(pulled, span_of(text + queue->broker_name.len, body.len), count,
                     span_of(text, queue->broker_name.len));
    if (err != RMQ_OK) {
        pulled_free(pulled);
        return err;
    }
    make_tasks(pulled, each);
    *out = pulled;
    return RMQ_OK;
}

void pulled_free(struct pulled *pulled) {
    RMQ_ASSERT(pulled->open == 0);
    list_remove(&pulled->link);
    struct inflated *inflated = pulled->inflated;
    while (inflated != NULL) {
        struct inflated *next = inflated->next;
        env_free(pulled->env, inflated);
        inflated = next;
    }
    env_free(pulled->env, pulled);
}

void task_end(struct consume_task *task) {
    struct pulled *pulled = task->pulled;
    RMQ_ASSERT(task->state != TASK_ENDED && pulled->open > 0);
    list_remove(&task->link);
    task->state = TASK_ENDED;
    if (--pulled->open == 0)
        pulled_free(pulled);
}
