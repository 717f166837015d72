/* mqadmin/queues.h - tables whose keys are queues (202, 208, 222), and what groups say of
 * themselves (203, 208, 300). */
#ifndef REAL_MQADMIN_QUEUES_H
#define REAL_MQADMIN_QUEUES_H

#include "real/mqadmin/cluster.h"

struct queue_row {
    const char *topic, *broker;
    int64_t id;
    const struct tree *value; /* what the table holds for it */
};
struct queue_rows {
    struct queue_row *rows;
    size_t count;
};
/* Adds the entries of a table; keys are objects, or texts that hold one. */
void queue_rows_add(struct admin *admin, struct queue_rows *rows, const struct tree *table);
/* By topic, broker name, id (MessageQueue.compareTo). */
void queue_rows_sort(struct queue_rows *rows);
/* The row of that queue, or NULL. */
const struct queue_row *queue_rows_find(const struct queue_rows *rows, const char *topic,
                                        const char *broker, int64_t id);

/* How to ask for a group: loudly (what goes wrong is a failure of the command), or quietly: then
 * the code of the answer, -1 without one, and its remark. */
struct quiet {
    int32_t code;
    const char *remark;
};

/* consumeStats (208) of a group from each broker of its retry topic. */
struct group_stats {
    struct queue_rows rows; /* sorted; values: brokerOffset, consumerOffset, lastTimestamp */
    double tps;
    int64_t diff; /* sum over rows */
};
bool ask_group_stats(struct admin *admin, const char *group, const char *topic, struct quiet *quiet,
                     struct group_stats *out);
int64_t queue_row_diff(const struct queue_row *row);

/* Connections of a group (203), from `address`, or (NULL) from the first broker of its retry topic
 * that knows members; NULL after a failure. */
struct tree *ask_group_connections(struct admin *admin, const char *group, const char *address,
                                   struct quiet *quiet);
/* groupList of a topic (300), from the first broker of `route`. NULL after a failure. */
struct tree *ask_topic_groups(struct admin *admin, const struct route_data *route,
                              const char *topic, struct quiet *quiet);
/* Running information of a member (307), through `address`. */
struct tree *ask_running_info(struct admin *admin, const char *address, const char *group,
                              const char *client_id, bool stack, struct quiet *quiet);
/* call_ok, or with `quiet` no failure but its code. */
bool call_ok_or(struct admin *admin, const struct call *call, struct quiet *quiet);

#endif
