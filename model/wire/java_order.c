/* wire/java_order.c - see java_order.h. */
#include "model/wire/java_order.h"

#include "model/base/check.h"
#include "model/base/sort.h"

static int compare(const void *a, const void *b, void *ctx) {
    uint32_t buckets = *(const uint32_t *)ctx;
    uint32_t first = java_bucket(((const struct java_key *)a)->hash, buckets);
    uint32_t second = java_bucket(((const struct java_key *)b)->hash, buckets);
    return first < second ? -1 : first > second;
}

int java_order(struct env *env, struct java_key *keys, size_t count, uint32_t buckets) {
    RMQ_ASSERT(buckets > 0 && (buckets & (buckets - 1)) == 0);
    buckets = java_buckets(count, buckets);
    return sort_stable(env, keys, count, sizeof *keys, compare, &buckets);
}
