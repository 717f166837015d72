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

#include "sim/oracle.h"

enum cluster_role { CLUSTER_OTHER, CLUSTER_NAMESRV, CLUSTER_BROKER, CLUSTER_CLIENT };
const char *cluster_role_name(enum cluster_role role); /* "namesrv", "broker", "client", "other" */

#define CLUSTER_NEVER UINT64_MAX
struct cluster_node {
    uint16_t node;
    enum cluster_role role;
    uint32_t incarnation;
    bool up;              /* process exists */
    bool stopping;        /* a clean stop began in this incarnation */
    bool network_fault;   /* the last fault that began was one of its links, not of its process */
    uint32_t faults;      /* lasting faults that hold it now */
    uint64_t up_since_ns; /* CLUSTER_NEVER: was never up */
    uint64_t down_since_ns;
    uint64_t fault_begin_ns;       /* of the latest fault; CLUSTER_NEVER: none */
    uint64_t fault_end_ns;         /* latest end of a fault; CLUSTER_NEVER: none */
    uint64_t paused_total_ns;      /* time it spent paused, up to the last resume */
    uint64_t paused_since_ns;      /* CLUSTER_NEVER: it runs */
    char fault_kind[32];           /* of the latest fault */
    char address[ENV_ADDRESS_MAX]; /* "" unknown */
    char broker[128];              /* broker name; the node's name when it did not say */
    int64_t broker_id;
};

struct cluster {
    const struct oracle_host *host;
    struct cluster_node *nodes; /* by node number; grows */
    size_t node_count;          /* highest number seen + 1 */
    uint64_t now_ns;            /* time of the last record */
    uint64_t disturbed_ns;      /* last fault begin/end, node up/down, command, topic creation */
    uint32_t open_faults;       /* lasting faults that have not ended */
    bool no_memory;
};

/* Time of a record: world time, or in logs of real runs the wall clock. */
static inline uint64_t record_time_ns(const struct record *record) {
    return record->world_ns != 0 || record->wall_ms == 0 ? record->world_ns
                                                         : (uint64_t)record->wall_ms * 1000000U;
}

struct cluster *cluster_create(const struct oracle_host *host); /* NULL: no memory */
void cluster_on_record(struct cluster *cluster, const struct record *record);

/* NULL when the number was never seen. */
const struct cluster_node *cluster_node(const struct cluster *cluster, uint16_t node);
/* By name of node. */
const struct cluster_node *cluster_find(const struct cluster *cluster, struct span name);
/* By address: exact "ip:port", else a node whose name or IP is the address's host part. */
const struct cluster_node *cluster_find_address(const struct cluster *cluster, struct span address);
/* The broker node that serves `broker` at `address` (address may be absent: the first one). */
const struct cluster_node *cluster_find_broker(const struct cluster *cluster, struct span broker,
                                               struct span address);
/* Up, no lasting fault, not stopping. */
bool cluster_is_healthy(const struct cluster_node *node);
/* Since when it is; only when it is. */
uint64_t cluster_healthy_since(const struct cluster_node *node);

/* Is `name` in the comma-separated `list`? */
bool name_listed(struct span list, struct span name);

#endif
