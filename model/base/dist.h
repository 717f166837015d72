/* base/dist.h - distributions over unsigned integers, sampled from 64-bit draws.
 *
 * Integers only; the routines are fixed: a change of one changes every trace hash. */
#ifndef MODEL_BASE_DIST_H
#define MODEL_BASE_DIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/base/buf.h"

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

/* Text form of the first three kinds: "constant:V", "uniform:MIN:MAX", "exponential:FLOOR:MEAN:MAX"
 * (MAX 0: not cut); a number alone is a constant. RMQ_E_INVALID. */
int dist_parse(struct span text, struct dist *out) RMQ_CHECK_RESULT;

#endif
