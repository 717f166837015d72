/* sim/world/draw.h - counted draws; the distributions sampled from them are in model/base/dist.h.
 *
 * value = f(seed, purpose, owner, index). The owner is a stable number (a directed link and
 * connection, a node, a client - made from names, never from addresses or order of creation), the
 * index its own count. Taking one message, node or fault away leaves every other draw as it was.
 * Integers only; the routines are fixed: a change of one changes every trace hash. */
#ifndef SIM_DRAW_H
#define SIM_DRAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/base/dist.h"

enum draw_purpose {                       /* append only */
                    DRAW_NODE_RANDOM = 1, /* env_random */
                    DRAW_LINK_LATENCY,
                    DRAW_LINK_LOSS,
                    DRAW_LINK_CHOP,
                    DRAW_LINK_CORRUPT,
                    DRAW_BUGGIFY,
                    DRAW_CPU_COST,
                    DRAW_SWARM,
                    DRAW_WORKLOAD,
                    DRAW_START_PHASE,
                    DRAW_PARAMETER, /* a scenario's drawn values */
                    DRAW_TEST,
                    DRAW_DISK_LATENCY,
                    DRAW_DISK_FAIL,
                    DRAW_DISK_CUT,   /* what a kill leaves of an operation */
                    DRAW_DISK_POWER, /* what a power-off leaves of a file */
                    DRAW_DISK_NAME,  /* ... and of a directory */
                    DRAW_DISK_ROT
};

uint64_t draw(uint64_t seed, enum draw_purpose purpose, uint64_t owner, uint64_t index);
/* Uniform in [0, bound), bound > 0: multiply-shift with rejection, re-drawn by an inner counter. */
uint64_t draw_below(uint64_t seed, enum draw_purpose purpose, uint64_t owner, uint64_t index,
                    uint64_t bound);
/* True with probability ppm / 1,000,000. */
bool draw_chance(uint64_t seed, enum draw_purpose purpose, uint64_t owner, uint64_t index,
                 uint32_t ppm);
/* Stable owner numbers from names. */
uint64_t draw_owner(const char *name);
uint64_t draw_owner_pair(uint64_t a, uint64_t b); /* directed */

#endif
