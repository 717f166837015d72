/* mqadmin/topic_change.h - what the commands about topics and groups share. */
#ifndef REAL_MQADMIN_TOPIC_CHANGE_H
#define REAL_MQADMIN_TOPIC_CHANGE_H

#include "real/mqadmin/cluster.h"

#define ORDER_NAMESPACE "ORDER_TOPIC_CONFIG"

/* Deletes a topic at the masters of `cluster` (215) and each name server (216), and says so. */
void delete_topic(struct admin *admin, const char *cluster, const char *topic);
/* Puts, or with `value` NULL deletes, a KV pair at each name server. False after a failure. */
bool change_kv(struct admin *admin, const char *name_space, const char *key, const char *value);

#endif
