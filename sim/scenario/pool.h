/* sim/scenario/pool.h - memory of a loaded scenario: many small blocks that are freed together.
 *
 * Outside the world's arena: what is here does not change while a world runs. */
#ifndef SIM_POOL_H
#define SIM_POOL_H

#include <stddef.h>
#include <stdint.h>

struct pool_chunk;
struct pool {
    struct pool_chunk *chunks;
    size_t left; /* free bytes at the end of the newest chunk */
};

void pool_init(struct pool *pool);
void pool_deinit(struct pool *pool);
/* Zeroed and aligned for anything. Never NULL: without memory the program says so and ends with
 * exit code 1, because a loader has nothing else to do then. */
void *pool_alloc(struct pool *pool, size_t size);
/* Copy of `len` bytes with a NUL behind them. */
char *pool_text(struct pool *pool, const void *data, size_t len);
char *pool_format(struct pool *pool, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
