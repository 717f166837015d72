/* client/allocate.h - which queues of a topic each member of a group takes.
 *
 * Each member computes its share alone, from the same sorted inputs; only then are the shares
 * disjoint and complete. Pure. Source: client.md 16. */
#ifndef MODEL_CLIENT_ALLOCATE_H
#define MODEL_CLIENT_ALLOCATE_H

#include "model/base/err.h"
#include "model/base/span.h"

struct env;

struct topic_queue {
    struct span topic, broker_name;
    int32_t id;
};
/* Order of queues: topic, broker name, id (MessageQueue.compareTo). */
int topic_queue_compare(const struct topic_queue *a, const struct topic_queue *b);

enum allocate_strategy {
    ALLOCATE_AVG,
    ALLOCATE_AVG_BY_CIRCLE,
    ALLOCATE_MACHINE_ROOM,
    ALLOCATE_CONSISTENT_HASH,
    ALLOCATE_STRATEGY_COUNT
};
#define ALLOCATE_STRATEGY_NAMES \
    { "AVG", "AVG_BY_CIRCLE", "MACHINE_ROOM", "CONSISTENT_HASH" }
#define ALLOCATE_VIRTUAL_NODES 10

struct allocation {
    enum allocate_strategy strategy;
    struct span rooms;      /* MACHINE_ROOM: names separated by ';' */
    uint32_t virtual_nodes; /* CONSISTENT_HASH, per member */
    const struct topic_queue *queues;
    size_t queue_count;
    const struct span *members; /* client ids */
    size_t member_count;
    struct span self;
};
/* Sorts as every member must: queues by topic_queue_compare, ids by String.compareTo (UTF-16 units;
 * ids are ASCII, where bytes give the same). RMQ_E_NOMEM leaves the array as it was. */
int allocate_sort_queues(struct env *env, struct topic_queue *queues,
                         size_t count) RMQ_CHECK_RESULT;
int allocate_sort_members(struct env *env, struct span *members, size_t count) RMQ_CHECK_RESULT;

/* Sets mine[i] for each of the queues. None when `self` is not a member. RMQ_E_INVALID: no own id,
 * queue or member (`mine` is untouched); RMQ_E_NOMEM. */
int allocate(struct env *env, const struct allocation *input, bool *mine) RMQ_CHECK_RESULT;

#endif
