/* client/consumer.h - consuming: one consumer group of a client instance, push or lite pull.
 *
 * Source: client.md 13 to 20, 23, 25. A push consumer pulls from the queues that rebalance gives it
 * and hands messages to its listener, up to consumeThreadMax at a time; a lite pull consumer hands
 * out what was asked for. */
#ifndef MODEL_CLIENT_CONSUMER_H
#define MODEL_CLIENT_CONSUMER_H

#include "model/base/list.h"
#include "model/base/props.h"
#include "model/env.h"
#include "model/wire/message.h"

struct client;
struct consumer;

/* A message as the application gets it. Spans end when its batch is done. */
struct incoming {
    struct span topic; /* without namespace */
    struct span broker_name;
    struct message message; /* body uncompressed */
    uint64_t number;        /* as `inspect` told it */
};
/* Messages handed over together; the application ends it with consumer_batch_done. */
struct consume_batch {
    struct consumer *consumer;
    struct incoming *items;
    size_t count;
    void *state; /* the consumer's */
};
struct consumer_listener {
    /* Run it: now, or later (a virtual handler waits for its service time by a timer).
     * consumer_batch_done follows, perhaps before return. NULL: a lite pull consumer, whose
     * batches are asked for by lite_poll. */
    void (*on_messages)(void *ctx, struct consume_batch *batch);
    /* Number and soundness of a message for the event consume.delivered (model/load/body.h):
     * returns false when the body is not what was sent. NULL: number 0, sound. */
    bool (*inspect)(void *ctx, const struct incoming *message, uint64_t *number);
    /* The batch's consumer stops, or its queue moved away: the batch ends when this returns, and
     * consumer_batch_done does not follow. NULL: it is awaited as ever, also after the stop, and
     * has no effect. Nothing of this header may be called in here. */
    void (*on_dropped)(void *ctx, struct consume_batch *batch);
};
/* Keys (client.md 13, 25.2): consumerGroup, messageModel (CLUSTERING, BROADCASTING),
 * consumeFromWhere, consumeTimestamp, allocateStrategy (AVG, AVG_BY_CIRCLE, MACHINE_ROOM,
 * CONSISTENT_HASH), machineRooms (own: of MACHINE_ROOM, separated by ';'), consumeThreadMin,
 * consumeThreadMax (as many batches at a time as Min says, or Max when only that is given),
 * consumeMessageBatchMaxSize, pullBatchSize, pullInterval, pullThresholdForQueue,
 * pullThresholdSizeForQueue, consumeConcurrentlyMaxSpan, pullThresholdForTopic,
 * pullThresholdSizeForTopic, postSubscriptionWhenPull, maxReconsumeTimes (no effect yet),
 * localOffsetStoreDir, namespace; lite: autoCommit, autoCommitIntervalMillis, pullThresholdForAll;
 * subscription (own): "topic:expression" separated by ';', an expression of tags or, behind
 * "sql92:", of properties (client.md 14.2; MessageSelector.bySql; no ';' in it).
 * persistConsumerOffsetInterval and instanceName are the instance's.
 *
 * `listener` stays valid until the stop; NULL: a lite pull consumer without any of its functions.
 * RMQ_E_INVALID (logged with the key), RMQ_E_EXISTS: the instance has this group; RMQ_E_NOMEM. */
int consumer_start(struct client *client, const struct props *config,
                   const struct consumer_listener *listener, void *ctx,
                   struct consumer **out) RMQ_CHECK_RESULT;
/* Commits, unregisters (35), drops its queues, frees when the commits are on their way. `stopped`
 * (may be NULL) tells when, perhaps before return. */
void consumer_stop(struct consumer *consumer, void (*stopped)(void *ctx), void *ctx);
/* result true: consumed. false: comes again (until retry topics are here, after 5 s from this
 * consumer's own memory, and again from the broker when the queue moves). BROADCASTING: a failed
 * one is skipped, as in Java. */
void consumer_batch_done(struct consume_batch *batch, bool result);
void consumer_suspend(struct consumer *consumer);
void consumer_resume(struct consumer *consumer);

/* ---- lite pull (25.2) ---- */
/* A topic is either subscribed (rebalance) or assigned: RMQ_E_STATE. RMQ_E_EXISTS: is ours. */
int lite_assign(struct consumer *consumer, struct span topic, struct span broker_name,
                int32_t queue_id) RMQ_CHECK_RESULT;
/* Drops what is cached. An offset that the broker has not is put right by its answer. RMQ_E_RANGE:
 * negative; RMQ_E_NOT_FOUND: not ours, or its start is not known yet. */
int lite_seek(struct consumer *consumer, struct span topic, struct span broker_name,
              int32_t queue_id, int64_t offset) RMQ_CHECK_RESULT;
int lite_pause(struct consumer *consumer, struct span topic, struct span broker_name,
               int32_t queue_id, bool on) RMQ_CHECK_RESULT;
/* Up to pullBatchSize messages that are there now; NULL: none. Ended by consumer_batch_done, which
 * (with autoCommit) counts them as consumed. */
struct consume_batch *lite_poll(struct consumer *consumer);
/* Sends the offsets now (25.2, manual commit). */
void lite_commit(struct consumer *consumer);

struct span consumer_group_name(const struct consumer *consumer);

#endif
