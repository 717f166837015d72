/* broker/send_back.h - request 36: a consumer gives a message back that it could not process.
 *
 * The message is looked up by its physical offset and stored once more, with one more
 * reconsumeTimes: for %RETRY%group, delayed by level 3 + reconsumeTimes (or the level that was
 * asked for), or, tried too often, for %DLQ%group. RETRY_TOPIC and ORIGIN_MESSAGE_ID say what it
 * was. Source: broker.md 13; SendMessageProcessor.java of 4.9.8 (asyncConsumerSendMsgBack),
 * AbstractSendMessageProcessor.java of 5.3.3.
 *
 * Differs: with SYNC_FLUSH the answer waits for the flush (Apache's does not, so that a power-off
 * could take a message whose consumer had gone on); an answer of the flush that comes too late is
 * still code 1 with the status as remark. A message of a queue of the broker's own is not given
 * back: it was never delivered. */
#ifndef MODEL_BROKER_SEND_BACK_H
#define MODEL_BROKER_SEND_BACK_H

#include "model/base/list.h"

struct broker;
struct channel;
struct wire_command;

struct send_backs {
    struct list under_way; /* struct send_back_op; a NULL link: never used */
};

void broker_on_send_back(struct broker *broker, struct channel *channel,
                         const struct wire_command *request);
/* Drops what is under way. Does nothing when it was never used. */
void send_backs_deinit(struct send_backs *backs, struct broker *broker);
void send_backs_forget_channel(struct send_backs *backs, const struct channel *channel);

#endif
