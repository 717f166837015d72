/* sim/bench_filter.h - the workload of `mqsim bench filter`: one SQL92 expression of three terms
 * over the properties of messages as a Java producer sends them. */
#ifndef SIM_BENCH_FILTER_H
#define SIM_BENCH_FILTER_H

#include "sim/world/world.h"

/* Evaluates for `count` messages when it starts. */
extern const struct role bench_filter_role;
/* CPU nanoseconds of one evaluation; negative: out of memory. */
double bench_filter(uint64_t count);

#endif
