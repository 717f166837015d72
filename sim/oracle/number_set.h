/* sim/oracle/number_set.h - sets of 64-bit numbers.
 *
 * number_set: of numbers that come nearly in order and end up nearly dense (sequences, offsets).
 * Its memory depends on the holes only: a window of bits at its top, below that every number is in
 * it but for the holes, kept in a hash set. Holes beyond NUMBER_SET_HOLES_MAX are forgotten (they
 * count as absent, with all that is below). u64_set: any numbers, with removal. */
#ifndef SIM_ORACLE_NUMBER_SET_H
#define SIM_ORACLE_NUMBER_SET_H

#include "sim/oracle/table.h"

struct u64_set {
    const struct oracle_host *host;
    uint64_t *slots; /* number + 1; 0: free */
    size_t capacity; /* power of two, or 0 */
    size_t count;
    bool no_memory; /* an addition was lost */
};
void u64_set_init(struct u64_set *set, const struct oracle_host *host);
bool u64_set_has(const struct u64_set *set, uint64_t number);
void u64_set_add(struct u64_set *set, uint64_t number); /* not UINT64_MAX */
/* Whether it was there. */
bool u64_set_remove(struct u64_set *set, uint64_t number);
void u64_set_clear(struct u64_set *set); /* frees its memory */

#define NUMBER_SET_WORDS 32
#define NUMBER_SET_HOLES_MAX 65536
struct number_set {
    uint64_t first;       /* what is below is not in the set */
    uint64_t base;        /* first word (64 numbers) of the window */
    uint64_t top;         /* highest number ever added + 1 */
    struct u64_set holes; /* in [first, base * 64) */
    uint64_t bits[NUMBER_SET_WORDS];
};
/* Empties it; numbers from `first` on are expected. */
void number_set_begin(struct number_set *set, const struct oracle_host *host, uint64_t first);
bool number_set_has(const struct number_set *set, uint64_t number);
/* Whether it is new. */
bool number_set_add(struct number_set *set, uint64_t number);
void number_set_remove(struct number_set *set, uint64_t number);
/* Removes all from `from` on. */
void number_set_cut(struct number_set *set, uint64_t from);
/* The first number in [from, to) that is not in the set; `to`: none. */
uint64_t number_set_absent(const struct number_set *set, uint64_t from, uint64_t to);

#endif
