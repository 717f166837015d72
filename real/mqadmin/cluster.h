/* mqadmin/cluster.h - what most commands ask first: routes (105), the cluster (106), topics (206),
 * and who "the masters of cluster c" or "the broker of -b" are. */
#ifndef REAL_MQADMIN_CLUSTER_H
#define REAL_MQADMIN_CLUSTER_H

#include "real/mqadmin/call.h"

/* Whether a name server is known; if not, a failure that says how to name one. */
bool need_name_server(struct admin *admin);

struct broker_addr {
    int64_t id;
    const char *text;
};
struct broker {
    const char *name, *cluster;
    struct broker_addr *addrs; /* in order of id */
    size_t addr_count;
};
/* The master's address, else that of the slave with the lowest id, else NULL. */
const char *broker_address(const struct broker *broker);
/* NULL without a master. */
const char *broker_master(const struct broker *broker);

struct route_data {
    struct broker *brokers; /* in order of name */
    size_t broker_count;
    struct tree *queues;    /* queueDatas: brokerName, readQueueNums, writeQueueNums, perm, ... */
    const char *order_conf; /* NULL: none */
    struct tree *tree;
};
/* The route of `topic`. NULL after a failure; with `quiet` an answer that is no success is not one,
 * and *quiet is its code. */
const struct route_data *ask_route(struct admin *admin, const char *topic, int32_t *quiet);
const struct broker *route_broker(const struct route_data *route, const char *name);

struct cluster_data {
    struct broker *brokers; /* in order of name; cluster: as clusterAddrTable says */
    size_t broker_count;
    const char **clusters; /* names, sorted */
    size_t cluster_count;
};
/* NULL after a failure. */
const struct cluster_data *ask_cluster(struct admin *admin);
/* Whether the cluster has `broker`. */
bool cluster_has(const struct broker *broker, const char *cluster);

/* Addresses that a command acts on. */
struct targets {
    const char **addresses;
    const struct broker **brokers; /* NULL for -b */
    size_t count;
};
enum target_brokers { TARGET_MASTERS, TARGET_ALL };
/* -b (brokerAddr) or the brokers of cluster -c (option `cluster_option`); an unknown cluster, and a
 * name server that does not answer, are failures: false. Neither: all clusters. */
bool find_targets(struct admin *admin, const char *cluster_option, enum target_brokers which,
                  struct targets *out);
/* The same for a cluster by name (NULL: all). */
bool find_cluster_targets(struct admin *admin, const char *cluster, enum target_brokers which,
                          struct targets *out);

/* topicList of 206; NULL after a failure. */
struct tree *ask_topics(struct admin *admin);
/* Sends `call` (made by call_init; its address does not count) to each name server, side by side;
 * the calls are left in the arena, as many as there are name servers. */
struct call *call_each_name_server(struct admin *admin, const struct call *call);

/* %RETRY%group */
const char *retry_topic(struct admin *admin, const char *group);
bool is_group_topic(const char *topic); /* %RETRY% or %DLQ% */

#endif
