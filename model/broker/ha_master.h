/* broker/ha_master.h - a master's side of replication: its log goes to slaves as it grows.
 *
 * A port of its own (haListenPort), without handshake. A slave reports 8 bytes, a position of its
 * log: the first says where to begin, each later one acknowledges. The master sends frames of a
 * position (8 bytes), a length (4) and that many bytes of its log, at most haTransferBatchSize and
 * never over a file's end; length 0 each haSendHeartbeatInterval without another. Source: store.md
 * 22; HAService.java, HAConnection.java of 4.9.8. What waits for acknowledgements is the store's
 * (store_set_slaves).
 *
 * Differs from Apache:
 *   - what was never sent cannot be acknowledged: the first report is a wish, later ones count up
 *     to what was sent, and who claims more, or begins behind the master's end, is sent away
 *     (INC-47; quirk slaveBelieved). So is who begins before the master's first file: it would
 *     wait for ever
 *   - haNewSlaveFromFirstFile (own): a slave without a log gets the first file that is there; else,
 *     as with Apache, the last one (INC-49)
 *   - with flushDiskType=SYNC_FLUSH only what is flushed leaves (store_log_limit)
 *
 * Without a slave it costs the listener: no timer, no memory. */
#ifndef MODEL_BROKER_HA_MASTER_H
#define MODEL_BROKER_HA_MASTER_H

#include "model/base/list.h"
#include "model/env.h"

struct broker;

struct ha_master {
    struct broker *broker; /* NULL: not started */
    struct env_listener *listener;
    struct list slaves; /* connections, in order of arrival */
};

/* The store is open; a slave's broker does not call it. Errors of env_listen. */
int ha_master_start(struct ha_master *ha, struct broker *broker) RMQ_CHECK_RESULT;
/* Closes all. Does nothing when not started. */
void ha_master_stop(struct ha_master *ha);
/* The log's limit has moved. */
void ha_master_on_log(struct ha_master *ha);
/* Bytes that the slave which is furthest still lacks; all of the log without a slave. */
int64_t ha_master_behind(const struct ha_master *ha);
/* Slaves that follow. */
uint32_t ha_master_slaves(const struct ha_master *ha);

#endif
