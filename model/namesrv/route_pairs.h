/* namesrv/route_pairs.h - finds the queue data of a (topic, broker) pair.
 *
 * Ten thousand brokers share the built-in topics, so a map inside each topic would cost a hash
 * handle of 56 bytes per pair; this open-addressing set costs 8 to 16. Keys are the numbers that
 * the table gave to topic and broker, so peers cannot choose colliding ones. */
#ifndef MODEL_NAMESRV_ROUTE_PAIRS_H
#define MODEL_NAMESRV_ROUTE_PAIRS_H

#include <stddef.h>
#include <stdint.h>

struct env;
struct queue_data;

struct route_pairs {
    struct queue_data **slots; /* NULL: free */
    size_t capacity;           /* power of two, or 0 */
    size_t count;
};

/* Makes room for one more; RMQ_E_NOMEM leaves it as it was. */
int route_pairs_reserve(struct env *env, struct route_pairs *pairs);
/* Adds; the pair must be absent and room reserved. */
void route_pairs_add(struct route_pairs *pairs, struct queue_data *queue);
struct queue_data *route_pairs_find(const struct route_pairs *pairs, uint32_t topic,
                                    uint32_t broker);
/* Removes; the pair must be present. Memory goes with the last one. */
void route_pairs_remove(struct env *env, struct route_pairs *pairs, const struct queue_data *queue);

#endif
