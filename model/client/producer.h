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
#include "model/client/unique_id.h"
#include "model/env.h"
#include "model/wire/message.h"

struct client;
struct producer;

/* Configuration keys (client.md 6): producerGroup, createTopicKey, defaultTopicQueueNums,
 * sendMsgTimeout, compressMsgBodyOverHowmuch, retryTimesWhenSendFailed,
 * retryTimesWhenSendAsyncFailed, retryAnotherBrokerWhenNotStoreOK, maxMessageSize,
 * sendLatencyFaultEnable, namespace, sendSmartMsg (false: request 10 for single messages); others
 * are left alone. RMQ_E_INVALID (logged with the key), RMQ_E_EXISTS: the instance has this group,
 * RMQ_E_STATE: it is stopping, RMQ_E_NOMEM. */
int producer_start(struct client *client, const struct props *config,
                   struct producer **out) RMQ_CHECK_RESULT;
/* Frees; the brokers are told afterwards (35). Sends under way fail with RMQ_E_CLOSED before
 * return. Not from within a send's done. */
void producer_stop(struct producer *producer);

struct outgoing {
    struct span topic; /* without namespace */
    int32_t flag;
    struct span tags, keys; /* absent: none */
    struct span properties; /* further ones, encoded */
    struct span body;
    bool no_wait;  /* WAIT=false: not for the flush */
    bool prepared; /* a half message, see transaction.h; a delay level does not count */
    int32_t delay_level;
    uint64_t number;  /* the application's, for events; 0: none */
    uint64_t late_ns; /* behind the application's schedule, for events */
};
enum send_mode { SEND_SYNC, SEND_ASYNC, SEND_ONEWAY };
/* Where to: a queue of the application's choice, one attempt (11.1). */
struct send_target {
    struct span broker_name; /* absent: the producer's choice */
    int32_t queue_id;
};
struct send;
/* status RMQ_OK: send->code is 0, 10, 11 or 12 (stored), and the places are set (oneway: handed to
 * the connection, broker and queue_id are set). Else an RMQ_E_ value - RMQ_E_STATE with the
 * broker's code in send->code - and the reason in `remark` (ends with the call); send->code is then
 * a code of Java's clients (10001 to 10005, 13), or -1. */
typedef void send_fn(struct send *send, int status, struct span remark);
struct send {
    send_fn *done; /* NULL when not under way */
    int32_t code;
    int32_t queue_id;
    int64_t queue_offset;
    int64_t physical_offset; /* -1: not told */
    uint64_t latency_ns;
    uint32_t attempts;
    bool maybe_stored;                  /* failed, but an attempt ended without an answer */
    char broker[128];                   /* of the last attempt; "" when there was none */
    char msg_id[MESSAGE_ID_MAX + 1];    /* offset id; of a batch the first; "" when failed */
    char unique_key[UNIQUE_ID_MAX + 1]; /* of a prepared message; else "" */
    struct span topic;                  /* the same: as brokers see it; the client's */
    struct send_state *state;           /* the producer's */
};
/* `message` and `target` (may be NULL) are consumed before return; `send` stays until done, which
 * comes once, perhaps before return (an error known at once; each oneway send). Events, with the
 * topic as brokers see it: send.started, then .retried, then one of .acked and .failed; a oneway
 * send that was handed over ends with .failed, error "oneway", code 0, maybe_stored 1. A batch has
 * .started, and .acked or .failed, once per message. */
void producer_send(struct producer *producer, const struct outgoing *message,
                   const struct send_target *target, enum send_mode mode, struct send *send,
                   send_fn *done);
/* A sync batch to one topic (10.4): one topic and WAIT, no delay, no retry topic. */
void producer_send_batch(struct producer *producer, const struct outgoing *messages, size_t count,
                         struct send *send, send_fn *done);
/* Forgets it: no done, no further event. */
void producer_send_cancel(struct send *send);
/* The queue that `hash` names among the topic's, as Java's SelectMessageQueueByHash (11.1).
 * RMQ_E_NOT_FOUND: no route yet. The name is valid until the route changes. */
int producer_queue_by_hash(struct producer *producer, struct span topic, int32_t hash,
                           struct send_target *out) RMQ_CHECK_RESULT;

#endif
