/* broker/slave_sync.h - a slave's copies of its master's tables: topics (21), consumer offsets
 * (43) and groups (201), one after the other, each 10 s, first after 3 s. Source: store.md 23;
 * SlaveSynchronize.java of 4.9.8.
 *
 * Topics and groups are taken whole when the data version differs. Differs from Apache:
 *   - all goes to the master's listen port, topics too (4.9.8 asks the fast port for them)
 *   - it also begins when the HA connection opens, so that a master which comes back is asked, and
 *     told (below), before most of its consumers have found it
 *   - what was committed to this slave while the master was away and is higher than the master's
 *     is kept, and committed to the master (15); Apache overwrites it, and its consumers go back to
 *     where the master stopped (INC-52; quirk slaveOffsetsOverwritten). What was not committed here
 *     is always the master's, so that an administrator's reset there holds */
#ifndef MODEL_BROKER_SLAVE_SYNC_H
#define MODEL_BROKER_SLAVE_SYNC_H

#include "model/env.h"

/* Member of such a 15. Consumers went on at the slave, whose log is a prefix of ours: a master that
 * came back after an unclean stop believes what they reached there (offsets.h). */
#define SLAVE_SYNC_KEY "fromSlave"

struct broker;

struct slave_sync {
    struct broker *broker; /* NULL: not started */
    struct env_timer timer;
    unsigned step; /* what is being asked for; 0: nothing */
    bool again;    /* slave_sync_now was called meanwhile */
    char master[ENV_ADDRESS_MAX];
};

void slave_sync_start(struct slave_sync *sync, struct broker *broker);
void slave_sync_stop(struct slave_sync *sync);
void slave_sync_now(struct slave_sync *sync);
/* A client has committed here: the master, if it is there, is told at once. */
void slave_sync_committed(struct slave_sync *sync, struct span topic, struct span group,
                          int32_t queue_id, int64_t offset);

#endif
