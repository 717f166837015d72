/* broker/ha_slave.h - a slave's side of replication: its log grows by what its master sends.
 *
 * The master's address is haMasterAddress, or what name servers answer to registrations
 * (haServerAddr). Protocol: ha_master.h. Bytes are appended as they come, whole frames or not, at
 * the position they have in the master's log; dispatch takes records as they become whole. What is
 * reported is written, with flushDiskType=SYNC_FLUSH durable. Source: store.md 22.4;
 * HAService.HAClient of 4.9.8.
 *
 * Differs from Apache:
 *   - it reports at once, not after 5 s, and dials again after 1 s, then after 2, 4 and 5 s
 *   - it asks for the last HA_OVERLAP_BYTES that it has once more and compares them: a master that
 *     lost the end of its log and went on has other bytes there. Then it takes nothing, with an
 *     event (ha.diverged) and a log line, until an operator empties its store; Apache appends
 *     behind them what belongs elsewhere (quirk slaveBelieved)
 *   - while its disk takes less than comes, it does not read on, instead of growing */
#ifndef MODEL_BROKER_HA_SLAVE_H
#define MODEL_BROKER_HA_SLAVE_H

#include "model/env.h"

#define HA_OVERLAP_BYTES 32768

struct broker;
struct read_job;

enum ha_slave_state { HA_IDLE, HA_READING, HA_DIALLING, HA_OPEN };

struct ha_slave {
    struct broker *broker; /* NULL: not started */
    enum ha_slave_state state;
    struct env_conn *conn;  /* dialling and open */
    struct env_timer timer; /* idle: dial; dialling: give up; open: report */
    struct read_job *job;   /* reading: of the overlap */
    uint8_t *overlap;       /* until it is compared */
    size_t overlap_len;
    int64_t overlap_from;
    int64_t at; /* place of the next byte of a body; -1: an empty log takes any */
    uint32_t body_left;
    uint8_t head[12];
    size_t head_len;
    int64_t reported;
    uint64_t heard_ns, again_ns;
    bool paused;
    bool diverged; /* the event was given */
    bool met;      /* a frame came over this connection */
    char master[ENV_ADDRESS_MAX];
};

/* The store is open. */
void ha_slave_start(struct ha_slave *ha, struct broker *broker);
/* Does nothing when not started. */
void ha_slave_stop(struct ha_slave *ha);
/* Writes or syncs of the log have ended. */
void ha_slave_on_log(struct ha_slave *ha);

#endif
