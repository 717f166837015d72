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
    uint64_t number;        /* what the listener may set for events; see consumer_listener */
};
/* Messages handed over together; the application ends it with consumer_batch_done. */
struct consume_batch {
    struct consumer *consumer;
    struct incoming *items;
    size_t count;
    void *state; /* the consumer's */
};
struct consumer_listener {
    /* Run it: now, or later (a virtual handler waits for its service time by a timer). Returns
     * nothing; consumer_batch_done follows, perhaps before return. */
    void (*on_messages)(void *ctx, struct consume_batch *batch);
    /* Number and soundness of a message for the event consume.delivered (model/load/body.h):
     * returns false when the body is not what was sent. NULL: number 0, sound. */
    bool (*inspect)(void *ctx, const struct incoming *message, uint64_t *number);
    /* The batch's consumer stops, or its queue moved away: the handler may go on, but its result is
     * not used. May be NULL. */
    void (*on_dropped)(void *ctx, struct consume_batch *batch);
};
/* Keys (client.md 13): consumerGroup, messageModel (CLUSTERING, BROADCASTING), consumeFromWhere,
 * consumeTimestamp, allocateStrategy (AVG, AVG_BY_CIRCLE, MACHINE_ROOM, CONSISTENT_HASH),
 * consumeThreadMin, consumeThreadMax, consumeMessageBatchMaxSize, pullBatchSize, pullInterval,
 * pullThresholdForQueue, pullThresholdSizeForQueue, consumeConcurrentlyMaxSpan,
 * pullThresholdForTopic, pullThresholdSizeForTopic, postSubscriptionWhenPull, maxReconsumeTimes,
 * persistConsumerOffsetInterval, namespace, instanceName; subscription (own): "topic:expression"
 * separated by ';'. */
int consumer_start(struct client *client, const struct props *config,
                   const struct consumer_listener *listener, void *ctx,
                   struct consumer **out) RMQ_CHECK_RESULT;
/* Commits, unregisters (35), drops its queues, frees when the commits are sent. `stopped` (may be
 * NULL) tells when. */
void consumer_stop(struct consumer *consumer, void (*stopped)(void *ctx), void *ctx);
/* result true: consumed. false: comes again (until retry topics are here, after 1 s from this
 * consumer's own memory, and again from the broker when the queue moves). */
void consumer_batch_done(struct consume_batch *batch, bool result);
void consumer_suspend(struct consumer *consumer);
void consumer_resume(struct consumer *consumer);

/* ---- lite pull (25.2) ---- */
/* A consumer without listener. Either subscribed (rebalance) or assigned. */
int lite_assign(struct consumer *consumer, struct span topic, struct span broker_name,
                int32_t queue_id) RMQ_CHECK_RESULT;
int lite_seek(struct consumer *consumer, struct span topic, struct span broker_name,
              int32_t queue_id, int64_t offset) RMQ_CHECK_RESULT;
int lite_pause(struct consumer *consumer, struct span topic, struct span broker_name,
               int32_t queue_id, bool on) RMQ_CHECK_RESULT;
/* Up to pullBatchSize messages that are there now; NULL: none. Ended by consumer_batch_done, which
 * (with autoCommit) counts them as consumed. */
struct consume_batch *lite_poll(struct consumer *consumer);
/* Sends the offsets now (25.2, manual commit). */
void lite_commit(struct consumer *consumer);

/* ---- what the instance needs (client_internal.h's owner calls these) ---- */
struct json_writer;
/* Appends the group's element of consumerDataSet to a heartbeat. */
void consumer_heartbeat(const struct consumer *consumer, struct json_writer *writer);
/* Each topic whose route must be polled. */
void consumer_topics(const struct consumer *consumer, void (*each)(void *ctx, struct span topic),
                     void *ctx);
/* A route changed / request 40 arrived / 5.3: a broker came: rebalance soon. */
void consumer_route_changed(struct consumer *consumer, struct span topic);
void consumer_members_changed(struct consumer *consumer);
struct span consumer_group_name(const struct consumer *consumer);

#endif
