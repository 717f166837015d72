/* client/route_cache.h - one topic's route as a client keeps it: read, compared, made use of.
 *
 * Pure: no network, no clock. A route is one block of memory, sorted by broker name (queues) and by
 * broker name and id (addresses), so that two answers with the same content are equal whatever the
 * order of the name server's tables. Source: client.md 4.3, 4.4, TopicRouteData.java. */
#ifndef MODEL_CLIENT_ROUTE_CACHE_H
#define MODEL_CLIENT_ROUTE_CACHE_H

#include "model/wire/body.h"

struct route {
    struct route_queue *queues;            /* by broker name */
    const struct route_broker_addr *addrs; /* by broker name, id; id -1: a broker without any */
    size_t queue_count;
    size_t addr_count;
    struct span order_conf; /* absent when none */
};

/* Reads the body of an answer to 105. *out is freed by env_free. RMQ_E_INVALID, RMQ_E_LIMIT,
 * RMQ_E_NOMEM. */
int route_read(struct env *env, struct span body, struct route **out) RMQ_CHECK_RESULT;

/* Same order configuration, queues and addresses. The cluster does not count (BrokerData.equals of
 * 4.9). */
bool route_equal(const struct route *a, const struct route *b);

/* Distinct broker names among the addresses. */
size_t route_broker_count(const struct route *route);

/* Queues a producer would use: those of the order configuration, else of each writable entry whose
 * broker has a master. */
uint64_t route_write_queues(const struct route *route);

/* One queue that a client may choose. */
struct route_choice_queue {
    struct span broker_name; /* the route's */
    int32_t queue_id;
};
struct route_choice {
    struct route_choice_queue *queues; /* NULL: not made */
    size_t count;
};
/* The queues counted by route_write_queues, in Java's order (client.md 4.4). Freed by env_free of
 * out->queues. RMQ_E_LIMIT: more than ROUTE_CHOICE_MAX; RMQ_E_NOMEM. */
#define ROUTE_CHOICE_MAX 1000000
int route_publish(struct env *env, const struct route *route,
                  struct route_choice *out) RMQ_CHECK_RESULT;
/* Queues that can be read: 0 to readQueueNums - 1 of each readable entry. */
int route_subscribe(struct env *env, const struct route *route,
                    struct route_choice *out) RMQ_CHECK_RESULT;
/* Cuts each entry to min(count, its read count) queues for both directions: a default topic's route
 * for a new topic (client.md 4.3, rule 1). */
void route_cut(struct route *route, int32_t count);

/* Calls `on_addr` for each address of `route` (may be NULL: none) that `other` (may be NULL) has
 * not under the same broker name and id. Brokers without an address are left out. */
typedef void route_addr_fn(void *ctx, const struct route_broker_addr *addr);
void route_difference(const struct route *route, const struct route *other, route_addr_fn *on_addr,
                      void *ctx);

#endif
