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
/* Sorts `count` keys, given in order of insertion. `buckets` is a power of two. RMQ_E_NOMEM leaves
 * them as they are. */
int java_order(struct env *env, struct java_key *keys, size_t count,
               uint32_t buckets) RMQ_CHECK_RESULT;

#endif
