/* client/fault_strategy.h - which queue a send goes to, and what is remembered of slow brokers.
 *
 * Off (default): round robin, a retry avoids the broker that failed. On (sendLatencyFaultEnable): a
 * broker that was slow or failed is left out for a while. The two releases differ in their tables
 * and rules. Source: client.md 9; MQFaultStrategy.java, LatencyFaultToleranceImpl.java,
 * TopicPublishInfo.java. Differs: 4.9 writes the "least bad" choice into its queue list, so that
 * the list is wrong from then on; not here. */
#ifndef MODEL_CLIENT_FAULT_STRATEGY_H
#define MODEL_CLIENT_FAULT_STRATEGY_H

#include "model/base/map.h"
#include "model/client/route_cache.h"

struct fault_item {
    UT_hash_handle hh;
    bool map_failed;
    struct span name;
    uint64_t latency_ms;
    uint64_t until_ns; /* not used before this */
    char text[];
};

struct fault_strategy {
    struct env *env;
    struct fault_item *items; /* in order of appearance */
    bool enabled;
    bool profile_5_3;
    uint32_t worst; /* counter of the choice among bad ones; see worst_drawn */
    bool worst_drawn;
};

/* Position counter of one topic: starts at random when first used. */
struct queue_counter {
    uint32_t value;
    bool drawn;
};
uint32_t queue_counter_next(struct queue_counter *counter, struct env *env);

void fault_strategy_init(struct fault_strategy *faults, struct env *env, bool enabled,
                         bool profile_5_3);
void fault_strategy_deinit(struct fault_strategy *faults);
/* After an attempt at `broker_name`. `isolated`: it failed. Without memory it is forgotten. */
void fault_update(struct fault_strategy *faults, struct span broker_name, uint64_t latency_ns,
                  bool isolated);
/* Chooses among the `count` > 0 queues. `last` is the broker that the attempt before failed at;
 * absent: first attempt. `route` may be NULL. The spans of *out are the route's. */
void fault_select(struct fault_strategy *faults, const struct route_choice *queues,
                  const struct route *route, struct queue_counter *counter, struct span last,
                  struct route_choice_queue *out);

#endif
