/* base/sort.h - stable merge sort without recursion limits or hidden allocation.
 *
 * glibc's qsort may allocate and is not stable; order must never depend on either. */
#ifndef MODEL_BASE_SORT_H
#define MODEL_BASE_SORT_H

#include <stddef.h>

struct env;

typedef int sort_compare_fn(const void *a, const void *b, void *ctx);

/* Sorts `count` elements of `size` bytes. Scratch memory comes from env_alloc (insertion sort and
 * no scratch up to 16 elements). RMQ_E_NOMEM leaves the array as it was. */
int sort_stable(struct env *env, void *base, size_t count, size_t size, sort_compare_fn *compare,
                void *ctx);

#endif
