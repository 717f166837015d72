/* sim/bench_of_model.h - CPU time of one function of the model, called many times by a role's start
 * in a world of its own. */
#ifndef SIM_BENCH_OF_MODEL_H
#define SIM_BENCH_OF_MODEL_H

#include "sim/world/world.h"

/* Starts `role` with the property `count`, so many calls. CPU nanoseconds of one; negative: out of
 * memory. */
double bench_of_model(const struct role *role, uint64_t count);

#endif
