/* load/load.h - workloads: what an application does with a client, as orders to a client node.
 *
 * An order is a set of properties with "do" (role.h command), given while the node runs, or in the
 * node's configuration as `load.<n>=key=value,key=value,...` (n from 1): then it begins when the
 * node starts, and again after each restart. Durations are ns, rates messages per 1000 s;
 * distributions as dist_parse reads them.
 *
 *   do=produce    name (of this load; default: the topic), producerGroup, topic (several: ';', in
 *                 turn), mode=sync|async|oneway, arrivals=closed|constant|poisson, rate (of an open
 *                 loop), in_flight (closed loop: sends at a time, 1; open loop: limit, 0 none),
 *                 think (closed loop: distribution), bytes (1024; with bytes_max: uniform between),
 *                 tags ("A;B", drawn; none), keys (how many distinct ones, 0: no keys), batch
 *                 (messages per send, 1), count (messages, 0: no end), for (0: no end), after
 *                 (wait before the first, 0), burst_of and burst_every (that many at once, each so
 *                 often, on top), ramp_to and ramp (the rate moves there evenly in that time),
 *                 delay_level (of each message, 0: none), by_key=true|false (the key chooses the
 * queue: needs keys), number=true|false (a property "number": the message's sequence, from 1), run
 * (number of the run, body.h), producer (this producer's number) do=consume    name (default: the
 * group), consumerGroup, subscription, service (distribution, 0), fail (share of messages whose
 * handler fails, ppm), lite=true|false, poll (lite: pause after an empty poll, 100 ms), after, for
 * (stops cleanly then, 0: no end), run do=stop-load  name: ends it cleanly; do=suspend-load,
 * do=resume-load: name (consume only) Further keys go to producer_start or consumer_start.
 * command.done follows each: of produce when its last send is over, of consume when it has stopped.
 */
#ifndef MODEL_LOAD_LOAD_H
#define MODEL_LOAD_LOAD_H

#include "model/base/props.h"
#include "model/env.h"

struct client;
struct load_set; /* the loads of one node */
int load_set_create(struct client *client, struct env *env, struct load_set **out) RMQ_CHECK_RESULT;
/* Is `word` the "do" of an order here? */
bool load_is_order(struct span word);
/* RMQ_E_INVALID: not an order of this file, or a wrong argument (logged). */
int load_order(struct load_set *set, const struct props *order) RMQ_CHECK_RESULT;
/* Begins the orders of the configuration. */
int load_configured(struct load_set *set, const struct props *config) RMQ_CHECK_RESULT;
/* Ends all; `stopped` follows, perhaps before return. */
void load_stop_all(struct load_set *set, void (*stopped)(void *ctx), void *ctx);
/* Frees without a word to anybody; NULL is allowed. The client's producers and consumers are gone
 * then. */
void load_set_free(struct load_set *set);

#endif
