/* sim/judge/judge_internal.h - what judge.c (any stream) and judge_world.c (a run) share. */
#ifndef SIM_JUDGE_INTERNAL_H
#define SIM_JUDGE_INTERNAL_H

#include "sim/judge/fault_watch.h"
#include "sim/judge/judge.h"
#include "sim/judge/metrics.h"
#include "sim/oracle/messages.h"

struct judge {
    struct oracle_host host; /* with the cluster below */
    struct cluster *cluster;
    struct messages *messages;
    struct flow_series *flow;
    struct metrics *metrics;
    struct fault_watch *faults;
    struct sightings sightings;
    struct world *world; /* NULL offline */
    bool metrics_lost;   /* no memory to sum them up */
    uint64_t events;     /* typed ones seen */
    uint64_t end_ns;     /* time of the last one */
    char assertion[256]; /* first one of ours that failed */
    size_t oracle_count;
    uint32_t listeners[EVENT_KIND_COUNT]; /* bit per oracle that listens to the kind */
    struct {
        const struct oracle_type *type;
        void *oracle;
    } oracles[RUN_ORACLES_MAX];
};

#endif
