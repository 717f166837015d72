/* sim/judge/sightings.h - rare things that a run met, counted: a sweep's summary shows whether it
 * tried what it was meant to try. None of them is a failure. */
#ifndef SIM_SIGHTINGS_H
#define SIM_SIGHTINGS_H

#include "sim/record/record.h"

/* id, name, what was seen */
#define SIGHTINGS(X)                                                                           \
    X(TORN_CUT, "torn-record-cut", "recovery cut off a damaged record at the log's end")       \
    X(WINDOW_LOSS, "acked-lost-in-window", "acknowledged messages lost before their flush")    \
    X(NAME_LOST, "directory-entry-lost", "a power-off lost a name, a size or an unlink")       \
    X(KILL_INSIDE, "crash-inside-handler", "a process ended inside a handler")                 \
    X(QUEUE_REBUILT, "queue-rebuilt", "recovery wrote units of a consume queue from the log")  \
    X(PAGE_LOST, "page-lost", "a power-off lost pages of a file")                              \
    X(PAGE_TORN, "page-torn", "a power-off left part of a page")                               \
    X(UNCLEAN, "unclean-recovery", "a store opened after an unclean stop")                     \
    X(FILE_DELETED, "log-file-deleted", "retention deleted a file of the log")                 \
    X(REFUSED, "writes-refused", "a store stopped accepting messages")                         \
    X(FLOW, "flow-refused", "a busy answer")                                                   \
    X(OFFSET_LOWERED, "offset-lowered", "progress above a queue's end was lowered at a start") \
    X(OFFSET_IGNORED, "offset-ignored", "a commit above a queue's end")                        \
    X(BACKUP_READ, "config-from-backup", "a configuration file was read from its .bak")        \
    X(RETRIED, "send-retried", "a send had another attempt")                                   \
    X(REBALANCED, "rebalanced", "an allocation of queues changed")                             \
    X(DUPLICATE, "duplicate-delivery", "a message was delivered again")
enum sighting {
#define SIGHTING_ENUM(id, name, about) SIGHTING_##id,
    SIGHTINGS(SIGHTING_ENUM) SIGHTING_COUNT
#undef SIGHTING_ENUM
};
struct sightings {
    uint64_t times[SIGHTING_COUNT];
};
const char *sighting_name(enum sighting sighting);

struct messages;
/* Counts what the record shows; `messages` is up to date with it. KILL_INSIDE is the world's to
 * add. */
void sightings_on_record(struct sightings *sightings, const struct record *record,
                         const struct messages *messages);

#endif
