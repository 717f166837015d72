/* broker/locks_requests.c - requests 41 and 42. Source: AdminBrokerProcessor.java of 4.9.8
 * and 5.3.3. Differs: a body that does not decode locks and frees nothing. */
#include "model/base/check.h"
#include "model/broker/broker_internal.h"

struct lock_call {
    struct locks *locks;
    struct json_writer json;
};

static int check_only(void *ctx, const struct lock_request *request,
                      const struct body_queue *queue) {
    RMQ_ASSERT(ctx == NULL && request != NULL && queue != NULL);
    return RMQ_OK;
}

static int on_lock(void *ctx, const struct lock_request *request, const struct body_queue *queue) {
    struct lock_call *call = ctx;
    if (locks_take(call->locks, request->group, queue, request->client_id))
        body_queue_write(&call->json, queue);
    return RMQ_OK;
}

static int on_unlock(void *ctx, const struct lock_request *request,
                     const struct body_queue *queue) {
    struct lock_call *call = ctx;
    locks_release(call->locks, request->group, queue, request->client_id);
    return RMQ_OK;
}

static void handle(struct broker *broker, struct channel *channel,
                   const struct wire_command *request, bool lock) {
    struct asker asker = asker_of(channel, request);
    struct lock_call call = {.locks = &broker->locks};
    struct lock_request header;
    struct wire_error error = {0};
    struct buf scratch, body;
    buf_init(&scratch, broker->env);
    buf_init(&body, broker->env);
    int err = lock_request_decode(request->body, &scratch, &header, check_only, NULL, &error);
    if (err == RMQ_OK) {
        json_writer_init(&call.json, &body, JSON_STYLE_FASTJSON);
        locked_queues_begin(&call.json);
        err = lock_request_decode(request->body, &scratch, &header, lock ? on_lock : on_unlock,
                                  &call, &error);
        locked_queues_end(&call.json);
    }
    if (err == RMQ_OK)
        admin_answer(broker, &asker, SPAN_NONE, lock ? &body : NULL);
    else
        admin_refuse_body(broker, &asker, err, &error);
    buf_deinit(&scratch);
    buf_deinit(&body);
}

void broker_on_lock_batch(struct broker *broker, struct channel *channel,
                          const struct wire_command *request) {
    handle(broker, channel, request, true);
}

void broker_on_unlock_batch(struct broker *broker, struct channel *channel,
                            const struct wire_command *request) {
    handle(broker, channel, request, false);
}
