/* sim/oracle/cluster.h - what the event stream says about the cluster itself: which nodes there
 * are, what they are called by others, which are up, which a fault holds.
 *
 * One per judge, updated before each record is given to oracles and metrics, which read it. Nodes
 * are learned from node.started (role), node.serves (address; broker name and id) and world.node_up
 * / node_down. A node without node.serves is known by its node name alone.
 *
 * world.fault: phase "begin" .. "end" for what lasts, "once" for what does not (a kill). The
 * record's node is the affected one; with node 0, each node whose name is a word of `target` is
 * ("ns-1", "a,b", "broker-a->ns-2"). */
#ifndef SIM_ORACLE_CLUSTER_H
#define SIM_ORACLE_CLUSTER_H

#include "sim/oracle/table.h"

enum cluster_role { CLUSTER_OTHER, CLUSTER_NAMESRV, CLUSTER_BROKER, CLUSTER_CLIENT };
const char *cluster_role_name(enum cluster_role role); /* "namesrv", "broker", "client", "other" */

#define CLUSTER_NEVER UINT64_MAX
struct cluster_node {
    uint16_t node;
    enum cluster_role role;
    uint32_t incarnation;      /* how often it came up: 1, 2, ... */
    uint32_t seen_incarnation; /* as its records have it */
    bool up;                   /* process exists */
    bool stopping;             /* a clean stop began in this incarnation */
    bool clock_fault;          /* a fault of its clocks was there: its durations are its own */
    uint32_t faults;           /* lasting faults that hold it now */
    uint64_t up_since_ns;      /* CLUSTER_NEVER: was never up */
    uint64_t down_since_ns;
    uint64_t stopped_ns; /* when the latest clean stop began; CLUSTER_NEVER: none */
    /* latest begin or end of a fault that leaves peers old connections; CLUSTER_NEVER: none */
    uint64_t network_fault_ns;
    uint64_t fault_begin_ns;  /* of the latest fault; CLUSTER_NEVER: none */
    uint64_t fault_end_ns;    /* latest end of a fault; CLUSTER_NEVER: none */
    uint64_t paused_since_ns; /* CLUSTER_NEVER: it runs */
    uint64_t resumed_ns;      /* latest end of a pause; CLUSTER_NEVER: none */
    struct span fault_kind;   /* of the latest fault */
    struct span name;
    struct span address; /* absent: unknown */
    struct span broker;  /* broker name; the node's name when it did not say */
    int64_t broker_id;
};

struct cluster {
    struct oracle_host host;
    struct intern names; /* of nodes, addresses, brokers, kinds */
    struct table by_name;
    struct table by_address;
    struct table by_host;        /* host part of an address */
    struct table by_broker;      /* (broker, address) and (broker, 0) */
    struct table listings;       /* (name server, broker name, id) -> number from 1 on */
    uint32_t listing;            /* of a route.broker_registered or _evicted at hand; else 0 */
    struct cluster_node **nodes; /* by node number; NULL where none was seen */
    uint16_t *servers;           /* name servers, in order of appearance */
    size_t server_count, server_capacity;
    size_t node_limit; /* highest number seen + 1 */
    uint64_t now_ns;   /* time of the last record */
    uint64_t
        disturbed_ns; /* last fault begin/end, node up/down, command, topic or permission change */
    uint32_t open_faults; /* lasting faults that have not ended */
    bool no_memory;
};

struct cluster *cluster_create(const struct oracle_host *host); /* NULL: no memory */
void cluster_on_record(struct cluster *cluster, const struct record *record);

/* NULL when the number was never seen. */
const struct cluster_node *cluster_node(const struct cluster *cluster, uint16_t node);
/* By name of node. */
const struct cluster_node *cluster_find(const struct cluster *cluster, struct span name);
/* By address: exact "ip:port", else a node whose name is the address's host part. */
const struct cluster_node *cluster_find_address(const struct cluster *cluster, struct span address);
/* The first node that serves at the host of `peer`, "ip:port" of any connection; NULL: none does.
 */
const struct cluster_node *cluster_find_host(const struct cluster *cluster, struct span peer);
/* "ip" of "ip:port". */
struct span host_of_address(struct span address);
/* The broker node that serves `broker` at `address` (address may be absent: the first one). */
const struct cluster_node *cluster_find_broker(const struct cluster *cluster, struct span broker,
                                               struct span address);
/* Number of the place where `server` lists `broker` under `id`; 0: never seen there. Numbers are
 * given in order of first appearance in route.broker_registered and route.broker_evicted. */
uint32_t cluster_find_listing(const struct cluster *cluster, uint16_t server, struct span broker,
                              int64_t id);
/* Faults name what they concern by words: is `name` one in `target`? */
bool fault_concerns(struct span target, struct span name);
/* Does a world.fault of this kind only end another one, or give an order? Nothing is measured from
 * such a one. */
bool fault_is_repair(struct span kind);
/* Up, no lasting fault, not stopping. */
bool cluster_is_healthy(const struct cluster_node *node);
/* Since when it is; only when it is. */
uint64_t cluster_healthy_since(const struct cluster_node *node);

/* Is `name` in the comma-separated `list`? */
bool name_listed(struct span list, struct span name);

#endif
