/* sim/judge/fault_watch.h - which faults of a run fired, and whether anybody noticed.
 *
 * A fault is noticed by the first node that reacts to a target of it, at most 130 s after its end:
 * a name server removes a broker that last registered before the fault's end, a client loses its
 * name server, a registration fails, a connection with the target's host ends. The only target's
 * own reaction does not count. */
#ifndef SIM_FAULT_WATCH_H
#define SIM_FAULT_WATCH_H

#include "sim/oracle/cluster.h"

struct fault_seen {
    uint32_t index; /* of the timeline */
    uint16_t node;  /* the one affected, 0: the words of `target` */
    char kind[32];
    char target[128];
    uint64_t begin_ns;
    uint64_t end_ns;     /* CLUSTER_NEVER: did not end, or leaves no lasting state */
    uint64_t noticed_ns; /* CLUSTER_NEVER: nobody reacted */
    uint16_t noticed_by;
    bool lasting;
};

struct fault_watch;
struct fault_watch *fault_watch_create(const struct oracle_host *host); /* NULL: no memory */
void fault_watch_on_record(struct fault_watch *watch, const struct record *record);
bool fault_watch_complete(const struct fault_watch *watch); /* false: memory ran out */
/* In order of their begin. */
size_t fault_watch_list(const struct fault_watch *watch, const struct fault_seen **faults);

#endif
