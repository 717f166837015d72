/* broker/locks.c - see locks.h. Source: RebalanceLockManager.java of 4.9.8 and 5.3.3. */
#include "model/broker/locks.h"

#include "model/base/check.h"

#define NS_PER_MS UINT64_C(1000000)

/* The key is group, 0, broker name, 0, topic, 0, queue id in decimal. */
struct lock_entry {
    UT_hash_handle hh;
    bool map_failed;
    uint64_t renewed_ns;
    struct span client; /* its own memory */
    uint32_t key_len;
    uint8_t key[];
};

void locks_init(struct locks *locks, struct env *env) {
    *locks = (struct locks){.env = env, .hash_key = env_random(env)};
}

static void entry_free(struct locks *locks, struct lock_entry *entry) {
    struct env *env = locks->env;
    HASH_DEL(locks->table, entry);
    env_free(env, (void *)entry->client.data);
    env_free(env, entry);
    locks->count--;
}

void locks_deinit(struct locks *locks) {
    struct lock_entry *entry, *following;
    if (locks->env == NULL)
        return;
    HASH_ITER(hh, locks->table, entry, following)
    entry_free(locks, entry);
    *locks = (struct locks){0};
}

static void make_key(struct buf *key, struct span group, const struct body_queue *queue) {
    buf_put_span(key, group);
    buf_put_u8(key, 0);
    buf_put_span(key, queue->broker_name);
    buf_put_u8(key, 0);
    buf_put_span(key, queue->topic);
    buf_put_u8(key, 0);
    buf_put_decimal(key, queue->queue_id);
}

static struct lock_entry *find_entry(const struct locks *locks, struct span key) {
    uint64_t hash_key = locks->hash_key;
    struct lock_entry *found = NULL;
    HASH_FIND(hh, locks->table, key.data, key.len, found);
    return found;
}

static bool is_expired(const struct locks *locks, const struct lock_entry *entry) {
    return env_mono_ns(locks->env) - entry->renewed_ns > LOCK_LIVE_MS * NS_PER_MS;
}

static void drop_expired(struct locks *locks) {
    struct lock_entry *entry, *following;
    HASH_ITER(hh, locks->table, entry, following) {
        if (is_expired(locks, entry))
            entry_free(locks, entry);
    }
}

static bool set_client(struct locks *locks, struct lock_entry *entry, struct span client) {
    uint8_t *copy = env_alloc(locks->env, client.len);
    if (copy == NULL)
        return false;
    span_copy(copy, client);
    env_free(locks->env, (void *)entry->client.data);
    entry->client = span_of(copy, client.len);
    return true;
}

static struct lock_entry *add_entry(struct locks *locks, struct span key, struct span client) {
    struct env *env = locks->env;
    uint64_t hash_key = locks->hash_key;
    if (locks->count == LOCKS_MAX)
        drop_expired(locks);
    if (locks->count == LOCKS_MAX || key.len > UINT32_MAX)
        return NULL;
    struct lock_entry *entry = env_alloc(env, sizeof *entry + key.len);
    if (entry == NULL)
        return NULL;
    *entry = (struct lock_entry){.key_len = (uint32_t)key.len};
    memcpy(entry->key, key.data, key.len);
    if (!set_client(locks, entry, client)) {
        env_free(env, entry);
        return NULL;
    }
    HASH_ADD_KEYPTR(hh, locks->table, entry->key, entry->key_len, entry);
    if (MAP_ADD_FAILED(entry)) {
        env_free(env, (void *)entry->client.data);
        env_free(env, entry);
        return NULL;
    }
    locks->count++;
    return entry;
}

bool locks_take(struct locks *locks, struct span group, const struct body_queue *queue,
                struct span client) {
    struct buf key;
    bool taken = false;
    RMQ_ASSERT(client.len > 0);
    buf_init(&key, locks->env);
    make_key(&key, group, queue);
    struct lock_entry *entry = buf_failed(&key) ? NULL : find_entry(locks, buf_span(&key));
    if (buf_failed(&key))
        taken = false;
    else if (entry == NULL)
        taken = (entry = add_entry(locks, buf_span(&key), client)) != NULL;
    else
        taken = span_equal(entry->client, client) ||
                (is_expired(locks, entry) && set_client(locks, entry, client));
    if (taken)
        entry->renewed_ns = env_mono_ns(locks->env);
    buf_deinit(&key);
    return taken;
}

bool locks_allow(const struct locks *locks, struct span group, const struct body_queue *queue,
                 struct span client) {
    struct buf key;
    if (locks->count == 0)
        return true;
    buf_init(&key, locks->env);
    make_key(&key, group, queue);
    const struct lock_entry *entry = buf_failed(&key) ? NULL : find_entry(locks, buf_span(&key));
    bool allowed =
        entry == NULL || (span_equal(entry->client, client) && !is_expired(locks, entry));
    buf_deinit(&key);
    return allowed;
}

void locks_release(struct locks *locks, struct span group, const struct body_queue *queue,
                   struct span client) {
    struct buf key;
    buf_init(&key, locks->env);
    make_key(&key, group, queue);
    struct lock_entry *entry = buf_failed(&key) ? NULL : find_entry(locks, buf_span(&key));
    if (entry != NULL && span_equal(entry->client, client))
        entry_free(locks, entry);
    buf_deinit(&key);
}
