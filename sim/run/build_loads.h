/* sim/run/build_loads.h - "loads" of a scenario's clients as properties of their nodes. */
#ifndef SIM_BUILD_LOADS_H
#define SIM_BUILD_LOADS_H

#include "sim/scenario/scenario.h"

/* Number of all message bodies in simulated runs (model/load/body.h). */
#define BUILD_RUN_NUMBER 1
/* Calls `set` with "load.<n>" and its line (model/load/load.h), in the scenario's pool, for each
 * load of node `index`. Producers are numbered by node and load. */
void build_loads(struct scenario *scenario, size_t index,
                 void (*set)(void *ctx, const char *key, const char *value), void *ctx);

#endif
