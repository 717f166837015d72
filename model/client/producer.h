/* client/producer.h - sending: one producer group of a client instance.
 *
 * Source: client.md 6 to 11. A send is one operation: route (looked up, or the default topic's when
 * the topic is new), queue, up to 1 + retries attempts within one time budget. Differs: each
 * attempt has its share of the budget, so that a silent broker leaves time for another one
 * (quirk.sharedBudget: as Apache). */
#ifndef MODEL_CLIENT_PRODUCER_H
#define MODEL_CLIENT_PRODUCER_H

#include "model/base/list.h"
#include "model/base/props.h"
#include "model/env.h"
#include "model/wire/message.h"

struct client;
struct producer;

/* Configuration keys (client.md 6): producerGroup, createTopicKey, defaultTopicQueueNums,
 * sendMsgTimeout, compressMsgBodyOverHowmuch, retryTimesWhenSendFailed,
 * retryTimesWhenSendAsyncFailed, retryAnotherBrokerWhenNotStoreOK, maxMessageSize,
 * sendLatencyFaultEnable, sendMessageWithVIPChannel (not here), namespace. RMQ_E_INVALID (logged
 * with the key), RMQ_E_EXISTS: the instance has this group. */
int producer_start(struct client *client, const struct props *config,
                   struct producer **out) RMQ_CHECK_RESULT;
/* Unregisters (35) and frees; sends under way fail with RMQ_E_CLOSED before return. */
void producer_stop(struct producer *producer);

struct outgoing {
    struct span topic; /* without namespace */
    int32_t flag;
    struct span tags, keys; /* absent: none */
    struct span properties; /* further ones, encoded */
    struct span body;
    bool no_wait; /* WAIT=false: not for the flush */
    int32_t delay_level;
    uint64_t number; /* the application's, for events; 0: none */
};
enum send_mode { SEND_SYNC, SEND_ASYNC, SEND_ONEWAY };
/* Where to: -1 / absent: the producer's choice; else that queue, one attempt (11.1). */
struct send_target {
    struct span broker_name;
    int32_t queue_id;
};
struct send;
/* status RMQ_OK: send->code is 0, 10, 11 or 12 (stored), and the places are set (oneway: handed to
 * the connection). Else an RMQ_E_ value, or RMQ_E_STATE with the broker's code in send->code and
 * its remark in `remark` (ends with the call). maybe_stored: an attempt ended without an answer. */
typedef void send_fn(struct send *send, int status, struct span remark);
struct send {
    send_fn *done; /* NULL when not under way */
    int32_t code;
    int32_t queue_id;
    int64_t queue_offset;
    int64_t physical_offset;
    uint64_t latency_ns;
    uint32_t attempts;
    bool maybe_stored;
    char broker[128];
    char msg_id[MESSAGE_ID_MAX + 1];
    /* the producer's */
    struct list link;
    struct producer *producer;
    void *state;
};
/* `message` and `target` (may be NULL) are consumed before return; `send` stays until done, which
 * comes once, perhaps before return. Events: send.started, .retried, .acked, .failed. */
void producer_send(struct producer *producer, const struct outgoing *message,
                   const struct send_target *target, enum send_mode mode, struct send *send,
                   send_fn *done);
/* A batch to one topic (10.4): same flags, no delay, no retry topic. RMQ_E_INVALID by done. */
void producer_send_batch(struct producer *producer, const struct outgoing *messages, size_t count,
                         struct send *send, send_fn *done);
void producer_send_cancel(struct send *send);
/* The queue that `hash` names among the topic's, as Java's SelectMessageQueueByHash (11.1).
 * RMQ_E_NOT_FOUND: no route yet. The name is valid until the route changes. */
int producer_queue_by_hash(struct producer *producer, struct span topic, int32_t hash,
                           struct send_target *out) RMQ_CHECK_RESULT;

#endif
