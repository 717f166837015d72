/* broker/locks.h - which client of a group may consume which queue in order (broker.md 20).
 *
 * In memory only: a restart frees all locks. A lock is a client's for 60 s from its last request
 * (rocketmq.broker.rebalance.lockMaxLiveTime), by the broker's own monotonic clock. Not checked, as
 * in Apache: that queue, group and client exist. Bounded: LOCKS_MAX entries, then requests for
 * queues that have none are not granted; expired entries make room. */
#ifndef MODEL_BROKER_LOCKS_H
#define MODEL_BROKER_LOCKS_H

#include "model/base/map.h"
#include "model/wire/body_admin.h"

#define LOCKS_MAX 1000000
#define LOCK_LIVE_MS 60000

struct lock_entry;

struct locks {
    struct env *env;
    uint64_t hash_key;
    struct lock_entry *table; /* by group and queue */
    size_t count;
};

void locks_init(struct locks *locks, struct env *env);
/* Does nothing for one that is all zero. */
void locks_deinit(struct locks *locks);

/* Whether `client` has the lock now: it was free, expired, or its own. False also without memory.
 */
bool locks_take(struct locks *locks, struct span group, const struct body_queue *queue,
                struct span client);
/* Whether `client` may commit: nobody has asked for the lock since it was last freed, or it is
 * `client`'s and has not expired. */
bool locks_allow(const struct locks *locks, struct span group, const struct body_queue *queue,
                 struct span client);
/* Frees it, if it is `client`'s. */
void locks_release(struct locks *locks, struct span group, const struct body_queue *queue,
                   struct span client);

#endif
