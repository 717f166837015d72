/* sim/run/build.h - a loaded scenario becomes a world at time 0: hosts, nodes with their
 * properties, links. */
#ifndef SIM_BUILD_H
#define SIM_BUILD_H

#include "sim/scenario/scenario.h"

/* A new world for the present settling of the scenario; nodes are down, nothing is scheduled. NULL
 * and *error (static) when the arena cannot hold it. */
struct world *build_world(struct scenario *scenario, const char **error);
/* Sets again what a settling can change in a built world: link profiles, CPU costs. */
void build_settled(struct world *world, const struct scenario *scenario);

#endif
