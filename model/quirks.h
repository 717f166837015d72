/* quirks.h - known defects of RocketMQ releases, as named switches.
 *
 * Off by default. A node reads `quirk.<name>=true` from its properties at start only. Each is a
 * planted bug that some oracle must catch. In real/ they need allowQuirks=true and are logged. */
#ifndef MODEL_QUIRKS_H
#define MODEL_QUIRKS_H

/* id, name, releases, reference, what it does */
#define QUIRKS(X)                                                                                  \
    X(QUIRK_INCREMENT_HIDES_TOPICS, "incrementHidesTopics", "4.x up to 4.9.8",                     \
      "apache/rocketmq#4522, #9411, INC-06",                                                       \
      "name server: a registration with an unchanged data version adds no topics, even those it "  \
      "does not know from this broker")                                                            \
    X(QUIRK_UNREGISTER_BY_ID, "unregisterById", "4.x", "namesrv.md 21.3",                          \
      "name server: unregistration removes by broker id without comparing the address")            \
    X(QUIRK_SINGLE_TOPIC_GUARD, "singleTopicGuard", "5.0 to 5.3.3", "namesrv.md 6.2 step 5",       \
      "name server: refuses the first registration of a broker whose table has exactly one topic") \
    X(QUIRK_MASTER_FLIP, "masterFlip", "4.x", "apache/rocketmq#3991, INC-10",                      \
      "name server: a registration under a live broker's name and id silently takes it over")      \
    X(QUIRK_SERIAL_REGISTRATION, "serialRegistration", "4.9.8, 5.x",                               \
      "apache/rocketmq#7870, "                                                                     \
      "INC-12",                                                                                    \
      "broker: a registration round holds a lock, so a hung name server delays topic "             \
      "creation by up to 6 s")                                                                     \
    X(QUIRK_UNSYNCED_CONFIG, "unsyncedConfig", "4.9.8 to 5.3.3", "apache/rocketmq#5905, INC-39",   \
      "broker: config files are written, copied, deleted and renamed without a sync")              \
    X(QUIRK_HOLD_NO_RECHECK, "holdNoRecheck", "4.x, 5.x", "apache/rocketmq#7358, INC-69",          \
      "broker: a message that arrives just before its pull is parked waits for the 5 s sweep")     \
    X(QUIRK_DISPATCH_AHEAD, "dispatchAhead", "before 5.3.0", "apache/rocketmq#8239, INC-33",       \
      "broker: with sync flush, consumers see messages before they are durable")                   \
    X(QUIRK_STALE_TAIL, "staleTail", "4.9.8, 5.3.3", "store.md 14.3",                              \
      "broker: bytes behind the cut of a recovery stay in the file")                               \
    X(QUIRK_READ_PAST_BAD, "readPastBad", "before 4.3.2", "apache/rocketmq#467, INC-34",           \
      "broker: recovery takes a bad record for the end of its file and goes on with the next")     \
    X(QUIRK_OFFSETS_UNCHECKED, "offsetsUnchecked", "4.9.8, 5.3.3", "INC-33",                       \
      "broker: consumer offsets above a queue's max are kept at start and accepted in commits")    \
    X(QUIRK_OFFSET_MOVED_MESSAGE, "offsetMovedMessage", "4.9.8", "broker.md 14.3",                 \
      "broker: each pull at an illegal offset stores a message in OFFSET_MOVED_EVENT")             \
    X(QUIRK_DELAY_BY_WALL, "delayByWall", "4.9.8, 5.3.3", "apache/rocketmq#2949, INC-81",          \
      "broker: a step of the wall clock brings delayed messages early or late")                    \
    X(QUIRK_SHARED_BUDGET, "sharedBudget", "4.3 to 5.3.3", "apache/rocketmq#1921, INC-24",         \
      "producer: one try may use up the time of all, so that a silent broker leaves no retry")     \
    X(QUIRK_SLAVE_STALL_WAITS, "slaveStallWaits", "4.x, 5.x", "apache/rocketmq#3484, INC-46",      \
      "broker: while a slave stands still each send of a SYNC_MASTER waits for its timeout")       \
    X(QUIRK_SLAVE_BELIEVED, "slaveBelieved", "4.x, 5.x", "apache/rocketmq#3015, INC-47",           \
      "broker: a slave's first report counts as an acknowledgement and may lie behind the "        \
      "master's end; a slave does not compare its log with what its master sends")                 \
    X(QUIRK_SLAVE_OFFSETS_OVERWRITTEN, "slaveOffsetsOverwritten", "4.9.8, 5.3.3",                  \
      "apache/rocketmq#1094, INC-52",                                                              \
      "broker: a slave's copy of consumer offsets overwrites what was committed to it while its "  \
      "master was away")

enum quirk_id {
#define QUIRK_ENUM(id, name, releases, reference, about) id,
    QUIRKS(QUIRK_ENUM) QUIRK_COUNT
#undef QUIRK_ENUM
};

struct props;
/* Bit set of the quirks that `config` switches on. RMQ_E_INVALID for an unknown quirk.* key or a
 * value that is neither true nor false; *bad_key then names it (points into config). */
#include "model/base/span.h"
int quirks_read(const struct props *config, unsigned *set, struct span *bad_key);
static inline bool quirk_on(unsigned set, enum quirk_id id) {
    return (set >> id & 1U) != 0;
}

#endif
