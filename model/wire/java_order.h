/* wire/java_order.h - the order in which Java's hash tables hand out their keys, which is that of
 * the members in config files and of the sets in bodies.
 *
 * Keys are in order of bucket, then of insertion; a table begins with a given number of buckets and
 * doubles them when it is three quarters full. (HashMap, HashSet, ConcurrentHashMap; trees of long
 * buckets left aside.) */
#ifndef MODEL_WIRE_JAVA_ORDER_H
#define MODEL_WIRE_JAVA_ORDER_H

#include "model/base/err.h"
#include "model/base/span.h"

struct env;

struct java_key {
    int32_t hash;   /* java_string_hash, or an Integer's value */
    uint32_t index; /* the caller's */
};
/* How many buckets a table of `count` keys has that began with `buckets`, a power of two, and the
 * bucket of a hash among them. */
static inline uint32_t java_buckets(size_t count, uint32_t buckets) {
    while (count > (size_t)buckets / 4 * 3 && buckets < UINT32_C(1) << 30)
        buckets *= 2;
    return buckets;
}
static inline uint32_t java_bucket(int32_t hash, uint32_t buckets) {
    uint32_t bits = (uint32_t)hash;
    return (bits ^ bits >> 16) & (buckets - 1);
}

/* Sorts `count` keys, given in order of insertion. `buckets` is a power of two. RMQ_E_NOMEM leaves
 * them as they are. */
int java_order(struct env *env, struct java_key *keys, size_t count,
               uint32_t buckets) RMQ_CHECK_RESULT;

#endif
