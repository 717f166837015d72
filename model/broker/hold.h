/* broker/hold.h - pulls that found nothing and wait for a message (long polling, broker.md 15).
 *
 * They are kept per queue, in order of arrival. A message wakes those it may interest (its tags
 * code and properties are known); every 5 s (1 s with short polling) all are looked at again: a
 * queue that has grown wakes them, and so does the end of their time. Woken pulls run in a later
 * handler, once each. With nothing held there is no timer, so the 5 s count from the first pull
 * that is held.
 *
 * Differs: a pull looks at its queue once more when it is parked, so that no message that came
 * between its empty read and the parking is missed (INC-69, #7358). The quirk holdNoRecheck leaves
 * that out and parks 0.1 ms after the read, which in Apache is the time from one thread to another.
 */
#ifndef MODEL_BROKER_HOLD_H
#define MODEL_BROKER_HOLD_H

#include "model/base/list.h"
#include "model/env.h"
#include "model/wire/subscription.h"

struct broker;
struct hold_queue;

/* One held pull; embedded in it. */
struct held {
    struct list link; /* in its queue, or among the woken or the parking ones */
    struct hold_queue *queue;
    int64_t wanted; /* queue offset */
    uint64_t end_ns;
    const struct subscription *filter;
    struct span topic; /* the owner's, until it is woken */
    int32_t queue_id;
    struct env_timer parking; /* quirk holdNoRecheck */
};

struct holds {
    struct broker *broker;
    uint64_t hash_key;
    struct hold_queue *table; /* by topic and queue id; kept when they become empty */
    struct list busy;         /* queues with held pulls, in order of their first */
    struct list parking;
    struct list woken;
    uint32_t count; /* held, in queues */
    uint64_t sweep_ns;
    struct env_timer sweep;
    struct env_timer wake;
};

void holds_init(struct holds *holds, struct broker *broker);
/* Frees; what is held is its owner's. Does nothing when never initialised. */
void holds_deinit(struct holds *holds);

/* Parks `held` (wanted, end_ns, filter, topic, queue_id are set). It comes back by pull_woken.
 * RMQ_E_NOMEM. */
int holds_add(struct holds *holds, struct held *held) RMQ_CHECK_RESULT;
/* Its owner goes. */
void holds_remove(struct holds *holds, struct held *held);
/* A message has come: the queue's max offset is `max_offset` now. */
void holds_arrival(struct holds *holds, struct span topic, int32_t queue_id, int64_t max_offset,
                   int64_t tags_code, struct span properties);

#endif
