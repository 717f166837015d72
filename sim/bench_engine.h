/* sim/bench_engine.h - the workload of `mqsim bench engine` and `branch`: pairs of nodes, one
 * 64-byte message under way in each.
 *
 * It is a role like others (env.h only), on the full link model; one step is one delivered chunk.
 * Source of the workload: the lead's comparison with madsim and ns-3 (harness/bench). */
#ifndef SIM_BENCH_ENGINE_H
#define SIM_BENCH_ENGINE_H

#include "sim/world/world.h"

#define BENCH_ENGINE_BYTES 64

/* `peer=HOST:PORT` dials and serves the first ball; `listen=PORT` waits for it. */
extern const struct role engine_role;

/* Adds `pairs` x 2 nodes, each on its own host, and sets the default link: latency exponential,
 * floor 1 ms, mean 2 ms. False when out of arena. */
bool bench_engine_build(struct world *world, uint32_t pairs);
/* A listener that counts events: what oracles cost at least. */
bool bench_engine_listen(struct world *world);
/* Fills the arena up, so that a snapshot has about `bytes`. */
bool bench_engine_pad(struct world *world, size_t bytes);

#endif
