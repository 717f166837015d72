/* base/sort.c - insertion sort in runs of 16, then bottom-up merges through one scratch array. */
#include "model/base/sort.h"

#include "model/base/check.h"
#include "model/base/err.h"
#include "model/env.h"

#define RUN_MAX 16 /* elements that insertion sort orders in place */

struct sorter {
    size_t size; /* of one element */
    sort_compare_fn *compare;
    void *ctx;
};

static size_t min_of(size_t a, size_t b) {
    return a < b ? a : b;
}

static void swap_bytes(uint8_t *a, uint8_t *b, size_t size) {
    uint8_t kept[64];
    for (size_t done = 0; done < size;) {
        size_t len = min_of(sizeof kept, size - done);
        memcpy(kept, a + done, len);
        memcpy(a + done, b + done, len);
        memcpy(b + done, kept, len);
        done += len;
    }
}

static void insertion_sort(const struct sorter *sorter, uint8_t *base, size_t count) {
    for (size_t i = 1; i < count; i++) {
        uint8_t *at = base + i * sorter->size;
        while (at > base && sorter->compare(at - sorter->size, at, sorter->ctx) > 0) {
            swap_bytes(at - sorter->size, at, sorter->size);
            at -= sorter->size;
        }
    }
}

/* Merges two neighbouring ordered runs into `to`; equal elements of `left` go first. */
static void merge(const struct sorter *sorter, const uint8_t *left, const uint8_t *right,
                  const uint8_t *end, uint8_t *to) {
    const uint8_t *middle = right;
    while (left < middle && right < end) {
        const uint8_t **from = sorter->compare(left, right, sorter->ctx) <= 0 ? &left : &right;
        memcpy(to, *from, sorter->size);
        *from += sorter->size;
        to += sorter->size;
    }
    memcpy(to, left, (size_t)(middle - left));
    to += middle - left;
    memcpy(to, right, (size_t)(end - right));
}

static void merge_sort(const struct sorter *sorter, uint8_t *base, uint8_t *scratch, size_t count) {
    size_t size = sorter->size;
    uint8_t *from = base;
    uint8_t *to = scratch;
    for (size_t start = 0; start < count; start += RUN_MAX) {
        insertion_sort(sorter, base + start * size, min_of(RUN_MAX, count - start));
    }
    for (size_t run = RUN_MAX; run < count; run *= 2) {
        for (size_t start = 0; start < count; start += 2 * run) {
            size_t middle = min_of(start + run, count);
            size_t end = min_of(start + 2 * run, count);
            merge(sorter, from + start * size, from + middle * size, from + end * size,
                  to + start * size);
        }
        uint8_t *swapped = from;
        from = to;
        to = swapped;
    }
    if (from != base) {
        memcpy(base, from, count * size);
    }
}

int sort_stable(struct env *env, void *base, size_t count, size_t size, sort_compare_fn *compare,
                void *ctx) {
    struct sorter sorter = {size, compare, ctx};
    RMQ_ASSERT(size > 0);
    if (count <= RUN_MAX) {
        insertion_sort(&sorter, base, count);
        return RMQ_OK;
    }
    RMQ_ASSERT(count <= SIZE_MAX / 4 / size); /* it is in memory, and 2 * run must not wrap */
    uint8_t *scratch = env_alloc(env, count * size);
    if (scratch == NULL) {
        return RMQ_E_NOMEM;
    }
    merge_sort(&sorter, base, scratch, count);
    env_free(env, scratch);
    return RMQ_OK;
}
