/* sim/world/draw.h - counted draws and the distributions sampled from them.
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
                    DRAW_TEST
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

enum dist_kind { DIST_CONSTANT, DIST_UNIFORM, DIST_EXPONENTIAL, DIST_PARETO, DIST_TABLE };
#define DIST_TABLE_MAX 32
/* A distribution over unsigned integers (nanoseconds in most uses). */
struct dist {
    enum dist_kind kind;
    uint64_t min;  /* CONSTANT: the value; UNIFORM: lower end; EXPONENTIAL: floor; PARETO: scale */
    uint64_t max;  /* UNIFORM: upper end, included; others: cut there when not 0 */
    uint64_t mean; /* EXPONENTIAL: mean of what is added to the floor */
    uint32_t alpha_milli; /* PARETO: tail index x 1000, 1,001 .. 20,000 */
    /* TABLE: value[i] at cumulative weight upto[i] (of 2^32), increasing; linear in between */
    uint32_t count;
    uint64_t value[DIST_TABLE_MAX];
    uint32_t upto[DIST_TABLE_MAX];
};
/* Sample for `u`, a 64-bit draw; pure integer arithmetic. */
uint64_t dist_sample(const struct dist *dist, uint64_t u);
bool dist_equal(const struct dist *a, const struct dist *b);
/* Mean of the distribution as the routine samples it, rounded (for tests and reports). */
uint64_t dist_mean(const struct dist *dist);

#endif
