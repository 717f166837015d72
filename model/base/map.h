/* base/map.h - uthash, set up for the model: memory from the node's env, a keyed hash,
 * out-of-memory as a value, insertion-order iteration.
 *
 * Include this and never <uthash.h>. A function that adds, finds or deletes must have in scope a
 * `struct env *env`, and for adding and finding a `uint64_t hash_key`: the node's, from env_random
 * at start, so that peers cannot flood a table with colliding names. Iteration (HASH_ITER) is in
 * order of insertion, so nothing that a node does depends on the key. A failed add leaves the
 * table as it was and says so by MAP_ADD_FAILED(element). Usage:
 *
 *     struct topic {
 *         UT_hash_handle hh;
 *         bool map_failed;           // false before adding
 *         struct span name;          // the key, owned by the topic, must not change while added
 *     };
 *     struct topics { struct env *env; uint64_t hash_key; struct topic *table; };
 *
 *     struct topic *topics_find(const struct topics *topics, struct span name) {
 *         uint64_t hash_key = topics->hash_key;
 *         struct topic *found = NULL;
 *         HASH_FIND(hh, topics->table, name.data, name.len, found);
 *         return found;
 *     }
 *     int topics_add(struct topics *topics, struct topic *topic) {   // not yet in the table
 *         struct env *env = topics->env;
 *         uint64_t hash_key = topics->hash_key;
 *         HASH_ADD_KEYPTR(hh, topics->table, topic->name.data, topic->name.len, topic);
 *         return MAP_ADD_FAILED(topic) ? RMQ_E_NOMEM : RMQ_OK;
 *     }
 *     void topics_clear(struct topics *topics) {
 *         struct env *env = topics->env;
 *         struct topic *topic, *following;
 *         HASH_ITER(hh, topics->table, topic, following) {
 *             HASH_DEL(topics->table, topic);
 *             topic_destroy(env, topic);
 *         }
 *     } */
#ifndef MODEL_BASE_MAP_H
#define MODEL_BASE_MAP_H

#include "model/base/span.h"
#include "model/env.h"

#define HASH_NONFATAL_OOM 1
#define uthash_malloc(size) env_alloc(env, size)
#define uthash_free(pointer, size) env_free(env, pointer)
#define uthash_bzero(pointer, size) memset(pointer, 0, size)
#define uthash_strlen(text) strlen(text)
#define uthash_nonfatal_oom(element) ((element)->map_failed = true)
/* Elements must carry: UT_hash_handle hh; bool map_failed (false before adding). */
#define HASH_FUNCTION(key, len, hash) ((hash) = (unsigned)map_hash(hash_key, key, len))

/* Keyed 64-bit hash of bytes (XXH3 with seed). */
uint64_t map_hash(uint64_t hash_key, const void *key, size_t len);

#include <uthash.h>

/* A small table costs 64 + 4 * 16 bytes on a 64-bit machine; with uthash's own 32 buckets it would
 * be 64 + 32 * 16. Buckets double as usual, when one of them gets its tenth entry. */
#undef HASH_INITIAL_NUM_BUCKETS
#undef HASH_INITIAL_NUM_BUCKETS_LOG2
#define HASH_INITIAL_NUM_BUCKETS 4U
#define HASH_INITIAL_NUM_BUCKETS_LOG2 2U

/* After HASH_ADD*: whether it failed; the element is then in no table and still the caller's. */
#define MAP_ADD_FAILED(element) ((element)->map_failed)

#endif
