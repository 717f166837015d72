/* sim/oracle/table.h - small containers for oracles: growing arrays, a hash table from 64-bit keys
 * to 64-bit values, and interned names. Memory comes from the oracle's host (the arena, in a run);
 * nothing is ever removed, order of iteration is order of insertion. */
#ifndef SIM_ORACLE_TABLE_H
#define SIM_ORACLE_TABLE_H

#include "sim/oracle/oracle.h"

/* Room for one more element of `size` bytes in an array of `count`: the array, moved if it had to
 * grow; NULL when there is no memory (the old one stays valid). New elements are zero. */
void *array_room(const struct oracle_host *host, void *array, size_t count, size_t *capacity,
                 size_t size);

/* The same for an array that is reached by number: at least `count` elements. */
void *array_reach(const struct oracle_host *host, void *array, size_t count, size_t *capacity,
                  size_t size);

struct table {
    const struct oracle_host *host;
    struct table_slot {
        uint64_t key;
        uint64_t value;
        bool used;
    } * slots;
    size_t capacity; /* power of two, or 0 */
    size_t count;
};
void table_init(struct table *table, const struct oracle_host *host);
/* NULL when absent. Valid until the next put. */
uint64_t *table_get(const struct table *table, uint64_t key);
/* The value of `key`, 0 when it is new; NULL: no memory. */
uint64_t *table_put(struct table *table, uint64_t key);

/* A well-mixed key of up to four numbers. Different numbers give different keys but for a 64-bit
 * accident. */
uint64_t table_key(uint64_t a, uint64_t b, uint64_t c, uint64_t d);

/* Texts to numbers 1, 2, ... in order of appearance. */
#define INTERN_RECENT 64
struct intern {
    struct table table;
    struct span *texts; /* by number - 1; owned */
    size_t count;
    size_t capacity;
    uint32_t recent[INTERN_RECENT]; /* numbers asked for last, by a hash that costs nothing */
};
void intern_init(struct intern *intern, const struct oracle_host *host);
uint32_t intern_find(const struct intern *intern, struct span text); /* 0: not there */
uint32_t intern_add(struct intern *intern, struct span text);        /* 0: no memory */
struct span intern_text(const struct intern *intern, uint32_t number);

#endif
