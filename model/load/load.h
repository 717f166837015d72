/* load/load.h - workloads: what an application does with a client, as orders to a client node.
 *
 * An order is a set of properties with "do" (role.h command), given while the node runs, or in the
 * node's configuration as `load.<n>=key=value,key=value,...` (n from 1): then it begins when the
 * node starts, and again after each restart. Numbers are decimal; distributions are
 * "constant:V", "uniform:A:B", "exponential:FLOOR:MEAN:MAX" in the unit of the key.
 *
 *   do=produce    name (of this load; default topic), producerGroup, topic (several: ';', in turn),
 *                 mode=sync|async|oneway, arrivals=closed|constant|poisson, rate_per_ks (messages
 *                 per 1000 s, open loop), in_flight (closed loop: concurrent sends, default 1;
 *                 open loop: limit, 0 none), think_us (closed loop: distribution), bytes
 *                 (distribution, default constant:1024), tags ("A;B", drawn; default none), keys
 *                 (how many distinct, 0: one per message), batch (messages per send), count
 *                 (0: no end), for_ms (0: no end), burst_of, burst_every_ms, ramp_to_per_ks,
 *                 ramp_ms, queue=robin|key, run (number of the run, body.h), producer (this
 *                 producer's number); further keys go to producer_start
 *   do=consume    name, consumerGroup, subscription, service_us (distribution, default constant:0),
 *                 fail_ppm (share of messages whose handler fails), lite=true|false, run; further
 *                 keys go to consumer_start
 *   do=stop-load  name: ends it cleanly; do=suspend-load, do=resume-load: name
 * command.done follows each (produce with an end: when the last send is over). */
#ifndef MODEL_LOAD_LOAD_H
#define MODEL_LOAD_LOAD_H

#include "model/base/props.h"
#include "model/env.h"

struct client;
struct load_set; /* the loads of one node */
int load_set_create(struct client *client, struct load_set **out) RMQ_CHECK_RESULT;
/* RMQ_E_INVALID: not an order of this file, or a wrong argument (logged). */
int load_order(struct load_set *set, const struct props *order) RMQ_CHECK_RESULT;
/* Begins the orders of the configuration. */
int load_configured(struct load_set *set, const struct props *config) RMQ_CHECK_RESULT;
/* Ends all; `stopped` follows, perhaps before return. */
void load_stop_all(struct load_set *set, void (*stopped)(void *ctx), void *ctx);
void load_set_free(struct load_set *set);

#endif
