/* client/producer_calls.c - what an application calls: one send, a batch, a cancel. What can fail
 * before anything was tried is told at once. Source: client.md 7, 10.4, 11.1. */
#include "model/base/check.h"
#include "model/client/producer_internal.h"
#include "model/events.h"

static void set_target(struct send_state *state, const struct send_target *target) {
    if (target == NULL || span_is_absent(target->broker_name))
        return;
    state->targeted = true;
    state->queue_id = target->queue_id;
    send_state_set_broker(state, target->broker_name);
}

static void send_init(struct send *send, send_fn *done) {
    *send = (struct send){.done = done, .code = CLIENT_CODE_NONE, .physical_offset = -1};
}

/* Before anything was tried. */
static void fail_early(struct producer *producer, const struct outgoing *messages, size_t count,
                       struct send *send, int status, struct span why) {
    send_fn *done = send->done;
    for (size_t i = 0; i < count; i++)
        event_send_failed(producer->env, messages[i].topic, messages[i].number, SPAN_LITERAL(""),
                          send->code, why, 0, 0, 0);
    send->done = NULL;
    done(send, status, why);
}

static void tell_started(struct producer *producer, struct span topic,
                         const struct outgoing *messages, size_t count) {
    for (size_t i = 0; i < count; i++)
        event_send_started(producer->env, topic, messages[i].number, messages[i].body.len,
                           messages[i].tags, messages[i].late_ns, messages[i].delay_level);
}

/* A state with the topic set. */
static int take_state(struct producer *producer, struct span topic, struct send *send,
                      struct send_state **out) {
    struct producer_topic *found;
    int err = producer->stopping ? RMQ_E_CLOSED : producer_topic_get(producer, topic, &found);
    if (err != RMQ_OK)
        return err;
    struct send_state *state = send_state_take(producer);
    if (state == NULL)
        return RMQ_E_NOMEM;
    state->topic = found;
    state->send = send;
    send->state = state;
    *out = state;
    return RMQ_OK;
}

/* Everything that can fail before the first attempt. */
static int prepare(struct producer *producer, const struct outgoing *message, struct send *send,
                   struct buf *why) {
    struct send_state *state;
    int err = message_validate(producer, message, why, &send->code);
    if (err == RMQ_OK)
        err = take_state(producer, message->topic, send, &state);
    if (err != RMQ_OK)
        return err;
    state->number = message->number;
    state->delay_level = message->delay_level;
    state->body_bytes = message->body.len;
    return send_state_keep(state, message);
}

static int prepare_batch(struct producer *producer, const struct outgoing *messages, size_t count,
                         struct send *send, struct buf *why) {
    struct send_state *state;
    int err = message_validate(producer, &messages[0], why, &send->code);
    if (err == RMQ_OK)
        err = take_state(producer, messages[0].topic, send, &state);
    if (err != RMQ_OK)
        return err;
    state->delay_level = 0;
    for (size_t i = 0; i < count; i++) {
        struct send_member member = {messages[i].number, messages[i].body.len};
        buf_put(&state->members, &member, sizeof member);
    }
    if (buf_failed(&state->members))
        return RMQ_E_NOMEM;
    return send_state_keep_batch(state, messages, count, why);
}

/* Tells of the start, and goes on or ends. */
static void start(struct producer *producer, const struct outgoing *messages, size_t count,
                  struct send *send, int err, struct buf *why) {
    struct send_state *state = send->state;
    struct span topic = state != NULL ? state->topic->topic->name : messages[0].topic;
    tell_started(producer, topic, messages, count);
    if (err == RMQ_OK) {
        send->code = CLIENT_CODE_NONE;
        send_state_begin(state);
    } else {
        if (state != NULL)
            send_state_release(state);
        send->state = NULL;
        struct span text = buf_span(why);
        fail_early(producer, messages, count, send, err,
                   text.len > 0 ? text : span_of_text(rmq_err_text(err)));
    }
    buf_deinit(why);
}

void producer_send(struct producer *producer, const struct outgoing *message,
                   const struct send_target *target, enum send_mode mode, struct send *send,
                   send_fn *done) {
    struct buf why;
    buf_init(&why, producer->env);
    send_init(send, done);
    int err = prepare(producer, message, send, &why);
    if (err == RMQ_OK) {
        send->state->mode = mode;
        set_target(send->state, target);
    }
    start(producer, message, 1, send, err, &why);
}

void producer_send_batch(struct producer *producer, const struct outgoing *messages, size_t count,
                         struct send *send, send_fn *done) {
    struct buf why;
    RMQ_ASSERT(count > 0);
    buf_init(&why, producer->env);
    send_init(send, done);
    int err = prepare_batch(producer, messages, count, send, &why);
    if (err == RMQ_OK)
        send->state->mode = SEND_SYNC;
    start(producer, messages, count, send, err, &why);
}

void producer_send_cancel(struct send *send) {
    RMQ_ASSERT(send->done != NULL && send->state != NULL);
    send_state_drop(send->state);
}

int producer_queue_by_hash(struct producer *producer, struct span topic, int32_t hash,
                           struct send_target *out) {
    struct producer_topic *found;
    const struct route_choice *queues;
    int err = producer_topic_get(producer, topic, &found);
    if (err == RMQ_OK)
        err = client_publish_queues(found->topic, &queues);
    if (err != RMQ_OK || queues->count == 0)
        return err != RMQ_OK ? err : RMQ_E_NOT_FOUND;
    int64_t place = (int64_t)hash % (int64_t)queues->count;
    const struct route_choice_queue *queue = &queues->queues[place < 0 ? -place : place];
    *out = (struct send_target){.broker_name = queue->broker_name, .queue_id = queue->queue_id};
    return RMQ_OK;
}
