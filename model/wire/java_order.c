/* wire/java_order.c - see java_order.h. */
#include "model/wire/java_order.h"

#include "model/base/check.h"
#include "model/base/sort.h"

/* What Java makes of a hash before it takes a bucket. */
static uint32_t spread(int32_t hash) {
    uint32_t bits = (uint32_t)hash;
    return bits ^ bits >> 16;
}

static int compare(const void *a, const void *b, void *ctx) {
    uint32_t mask = *(const uint32_t *)ctx;
    uint32_t first = spread(((const struct java_key *)a)->hash) & mask;
    uint32_t second = spread(((const struct java_key *)b)->hash) & mask;
    return first < second ? -1 : first > second;
}

int java_order(struct env *env, struct java_key *keys, size_t count, uint32_t buckets) {
    RMQ_ASSERT(buckets > 0 && (buckets & (buckets - 1)) == 0);
    while (count > (size_t)buckets / 4 * 3 && buckets < UINT32_C(1) << 30)
        buckets *= 2;
    uint32_t mask = buckets - 1;
    return sort_stable(env, keys, count, sizeof *keys, compare, &mask);
}
