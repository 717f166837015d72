/* broker/put_rewrite.h - what a message becomes on its way into the store, when it is not to be
 * seen yet: it goes to a queue of the broker's own, and REAL_TOPIC and REAL_QID say where it
 * belongs (CommitLog.java, asyncPutMessage; TransactionalMessageBridge.java,
 * parseHalfMessageInner).
 *
 *     const struct put_wish wish = {.delay_level = 3};
 *     err = put_rewrite(broker, &wish, &message);
 *     if (err == RMQ_OK)
 *         store_put(broker->store, &message, wait, &op->put, on_done);
 *
 * Whoever stores on behalf of a client goes through here: send.c, send_back.c, the commit of a
 * transaction. What the broker itself brings back to its real topic does not. A new kind of place
 * is a member of put_wish and a step in put_rewrite, in Apache's order: half before delayed. */
#ifndef MODEL_BROKER_PUT_REWRITE_H
#define MODEL_BROKER_PUT_REWRITE_H

#include "model/base/err.h"
#include "model/wire/message.h"

#define SCHEDULE_TOPIC SPAN_LITERAL("SCHEDULE_TOPIC_XXXX")

struct broker;

/* What the message's properties (or its sender) ask for. Zero: nothing. */
struct put_wish {
    int32_t delay_level; /* DELAY, above 0; above the highest level: that one */
};

/* DELAY of `properties`: 0 when absent, not a number (Apache fails such a send with code 1; it is
 * stored as a plain message here) or not above 0. */
int32_t put_delay_level(struct span properties);

/* Changes topic, queue and properties of `message` where `wish` asks for it; otherwise it stays as
 * it is. What changed points into the broker's memory until the next call: store at once. A message
 * that is delayed is told to the delay service (schedule.h). RMQ_E_NOMEM, RMQ_E_INVALID
 * (a topic that cannot be a property's value): `message` is as it was. */
int put_rewrite(struct broker *broker, const struct put_wish *wish,
                struct message *message) RMQ_CHECK_RESULT;

#endif
