/* namesrv/route_objects.c - the objects of the route tables: look-up, creation, removal of one.
 *
 * Removal goes bottom up: a topic goes with its last queue data, a cluster with its last member, a
 * broker name takes its memberships and queue data along. */
#include "model/events.h"
#include "model/namesrv/route_table.h"

/* ---- names and look-ups ---------------------------------------------------------------------- */

struct span route_broker_cluster(const struct route_broker *broker) {
    RMQ_ASSERT(!list_is_empty(&broker->memberships));
    const struct route_member *first =
        LIST_ENTRY(broker->memberships.next, struct route_member, in_broker);
    return ROUTE_NAME(first->cluster);
}

struct route_topic *route_find_topic(const struct route_table *table, struct span name) {
    uint64_t hash_key = table->hash_key;
    struct route_topic *found = NULL;
    HASH_FIND(hh, table->topics, name.data, name.len, found);
    return found;
}

struct route_broker *route_find_broker(const struct route_table *table, struct span name) {
    uint64_t hash_key = table->hash_key;
    struct route_broker *found = NULL;
    HASH_FIND(hh, table->brokers, name.data, name.len, found);
    return found;
}

struct route_cluster *route_find_cluster(const struct route_table *table, struct span name) {
    uint64_t hash_key = table->hash_key;
    struct route_cluster *found = NULL;
    HASH_FIND(hh, table->clusters, name.data, name.len, found);
    return found;
}

/* Key of a live entry: 4.9 the address; 5.3 address and cluster, which `text` holds in a row. */
static size_t live_key_len(const struct route_table *table, size_t addr_len, size_t cluster_len) {
    return table->options.profile_5_3 ? addr_len + 1 + cluster_len : addr_len;
}

struct route_live *route_find_live(const struct route_table *table, struct span cluster,
                                   struct span addr) {
    uint64_t hash_key = table->hash_key;
    uint8_t key[ROUTE_KEY_MAX];
    if (addr.len + cluster.len >= sizeof key)
        return NULL;
    memcpy(key, addr.data, addr.len);
    key[addr.len] = 0;
    if (cluster.len > 0)
        memcpy(key + addr.len + 1, cluster.data, cluster.len);
    struct route_live *found = NULL;
    HASH_FIND(hh, table->lives, key, live_key_len(table, addr.len, cluster.len), found);
    return found;
}

struct route_addr *route_find_addr(const struct route_broker *broker, int64_t id) {
    LIST_EACH(&broker->addrs, link, next) {
        struct route_addr *addr = LIST_ENTRY(link, struct route_addr, in_broker);
        if (addr->id == id)
            return addr;
    }
    return NULL;
}

struct queue_data *route_find_queue(const struct route_table *table,
                                    const struct route_topic *topic,
                                    const struct route_broker *broker) {
    return route_pairs_find(&table->queues, topic->number, broker->number);
}

int route_text_set(struct env *env, struct span *owned, struct span value) {
    if (span_is_absent(*owned) == span_is_absent(value) && span_equal(*owned, value))
        return RMQ_OK;
    uint8_t *copy = NULL;
    if (!span_is_absent(value)) {
        copy = env_alloc(env, value.len == 0 ? 1 : value.len);
        if (copy == NULL)
            return RMQ_E_NOMEM;
        if (value.len > 0)
            memcpy(copy, value.data, value.len);
    }
    env_free(env, (void *)owned->data);
    *owned = span_of(copy, copy == NULL ? 0 : value.len);
    return RMQ_OK;
}

/* ---- clusters -------------------------------------------------------------------------------- */

static struct route_cluster *cluster_get(struct route_table *table, struct span name) {
    struct env *env = table->env;
    uint64_t hash_key = table->hash_key;
    struct route_cluster *cluster = route_find_cluster(table, name);
    if (cluster != NULL)
        return cluster;
    cluster = env_alloc(env, sizeof *cluster + name.len);
    if (cluster == NULL)
        return NULL;
    memset(cluster, 0, sizeof *cluster);
    list_init(&cluster->members);
    cluster->name_len = name.len;
    memcpy(cluster->name, name.data, name.len);
    HASH_ADD_KEYPTR(hh, table->clusters, cluster->name, cluster->name_len, cluster);
    if (cluster->map_failed) {
        env_free(env, cluster);
        return NULL;
    }
    return cluster;
}

static void cluster_drop_if_empty(struct route_table *table, struct route_cluster *cluster) {
    struct env *env = table->env;
    if (!list_is_empty(&cluster->members))
        return;
    RMQ_ASSERT(table->clusters != NULL);
    HASH_DELETE(hh, table->clusters, cluster);
    env_free(env, cluster);
}

int route_broker_join(struct route_table *table, struct route_broker *broker, struct span cluster) {
    LIST_EACH(&broker->memberships, link, next) {
        struct route_member *member = LIST_ENTRY(link, struct route_member, in_broker);
        if (span_equal(ROUTE_NAME(member->cluster), cluster))
            return RMQ_OK;
    }
    struct route_cluster *home = cluster_get(table, cluster);
    if (home == NULL)
        return RMQ_E_NOMEM;
    struct route_member *member = env_alloc(table->env, sizeof *member);
    if (member == NULL) {
        cluster_drop_if_empty(table, home);
        return RMQ_E_NOMEM;
    }
    member->cluster = home;
    member->broker = broker;
    list_append(&home->members, &member->in_cluster);
    list_append(&broker->memberships, &member->in_broker);
    return RMQ_OK;
}

/* ---- topics and queue data ------------------------------------------------------------------- */

static struct route_topic *topic_get(struct route_table *table, struct span name) {
    struct env *env = table->env;
    uint64_t hash_key = table->hash_key;
    struct route_topic *topic = route_find_topic(table, name);
    if (topic != NULL)
        return topic;
    topic = env_alloc(env, sizeof *topic + name.len);
    if (topic == NULL)
        return NULL;
    memset(topic, 0, sizeof *topic);
    topic->number = table->next_number++;
    list_init(&topic->queues);
    topic->name_len = name.len;
    memcpy(topic->name, name.data, name.len);
    HASH_ADD_KEYPTR(hh, table->topics, topic->name, topic->name_len, topic);
    if (topic->map_failed) {
        env_free(env, topic);
        return NULL;
    }
    return topic;
}

static void topic_drop_if_empty(struct route_table *table, struct route_topic *topic) {
    struct env *env = table->env;
    if (!list_is_empty(&topic->queues))
        return;
    HASH_DELETE(hh, table->topics, topic);
    env_free(env, topic);
}

static struct queue_data *queue_create(struct route_table *table, struct route_topic *topic,
                                       struct route_broker *broker) {
    if (route_pairs_reserve(table->env, &table->queues) != RMQ_OK)
        return NULL;
    struct queue_data *queue = env_alloc(table->env, sizeof *queue);
    if (queue == NULL)
        return NULL;
    memset(queue, 0, sizeof *queue);
    queue->topic = topic;
    queue->broker = broker;
    list_append(&topic->queues, &queue->in_topic);
    list_append(&broker->queues, &queue->in_broker);
    route_pairs_add(&table->queues, queue);
    return queue;
}

static bool queue_assign(struct queue_data *queue, const struct topic_config *config) {
    bool same = queue->read_queue_nums == config->read_queue_nums &&
                queue->write_queue_nums == config->write_queue_nums &&
                queue->perm == config->perm && queue->sys_flag == config->sys_flag;
    queue->read_queue_nums = config->read_queue_nums;
    queue->write_queue_nums = config->write_queue_nums;
    queue->perm = config->perm;
    queue->sys_flag = config->sys_flag;
    return !same;
}

void route_queue_report(const struct route_table *table, const struct queue_data *queue) {
    event_route_topic_set(table->env, ROUTE_NAME(queue->topic), ROUTE_NAME(queue->broker),
                          (uint64_t)queue->read_queue_nums, (uint64_t)queue->write_queue_nums,
                          (uint64_t)queue->perm);
}

int route_queue_set(struct route_table *table, struct route_broker *broker,
                    const struct topic_config *config, bool *changed) {
    struct route_topic *topic = topic_get(table, config->name);
    if (topic == NULL)
        return RMQ_E_NOMEM;
    struct queue_data *queue = route_find_queue(table, topic, broker);
    bool created = queue == NULL;
    if (created)
        queue = queue_create(table, topic, broker);
    if (queue == NULL) {
        topic_drop_if_empty(table, topic);
        return RMQ_E_NOMEM;
    }
    *changed = queue_assign(queue, config) || created;
    if (*changed) {
        broker->generation++;
        route_queue_report(table, queue);
    }
    return RMQ_OK;
}

void route_queue_remove(struct route_table *table, struct queue_data *queue, const char *reason) {
    event_route_topic_removed(table->env, ROUTE_NAME(queue->topic), ROUTE_NAME(queue->broker),
                              span_of_text(reason));
    queue->broker->generation++;
    route_pairs_remove(table->env, &table->queues, queue);
    list_remove(&queue->in_topic);
    list_remove(&queue->in_broker);
    topic_drop_if_empty(table, queue->topic);
    env_free(table->env, queue);
}

/* ---- brokers and their addresses ------------------------------------------------------------- */

struct route_broker *route_broker_get(struct route_table *table, struct span name) {
    struct env *env = table->env;
    uint64_t hash_key = table->hash_key;
    struct route_broker *broker = route_find_broker(table, name);
    if (broker != NULL)
        return broker;
    broker = env_alloc(env, sizeof *broker + name.len);
    if (broker == NULL)
        return NULL;
    memset(broker, 0, sizeof *broker);
    broker->number = table->next_number++;
    list_init(&broker->memberships);
    list_init(&broker->addrs);
    list_init(&broker->queues);
    broker->name_len = name.len;
    memcpy(broker->name, name.data, name.len);
    HASH_ADD_KEYPTR(hh, table->brokers, broker->name, broker->name_len, broker);
    if (broker->map_failed) {
        env_free(env, broker);
        return NULL;
    }
    return broker;
}

/* Differs: 4.9 takes it out of
 * one cluster only and so leaves a ghost in the others. */
void route_broker_drop(struct route_table *table, struct route_broker *broker) {
    struct env *env = table->env;
    RMQ_ASSERT(list_is_empty(&broker->addrs));
    LIST_EACH(&broker->queues, link, next) {
        route_queue_remove(table, LIST_ENTRY(link, struct queue_data, in_broker), "evicted");
    }
    LIST_EACH(&broker->memberships, link, next) {
        struct route_member *member = LIST_ENTRY(link, struct route_member, in_broker);
        list_remove(&member->in_cluster);
        cluster_drop_if_empty(table, member->cluster);
        env_free(env, member);
    }
    HASH_DELETE(hh, table->brokers, broker);
    env_free(env, (void *)broker->zone.data);
    env_free(env, broker);
}

int route_addr_add(struct route_table *table, struct route_broker *broker, int64_t id,
                   struct route_live *live) {
    struct route_addr *addr = env_alloc(table->env, sizeof *addr);
    if (addr == NULL)
        return RMQ_E_NOMEM;
    addr->broker = broker;
    addr->live = live;
    addr->id = id;
    struct list *position = broker->addrs.next;
    while (position != &broker->addrs &&
           LIST_ENTRY(position, struct route_addr, in_broker)->id < id)
        position = position->next;
    RMQ_ASSERT(position == &broker->addrs ||
               LIST_ENTRY(position, struct route_addr, in_broker)->id != id);
    list_insert_before(position, &addr->in_broker);
    list_append(&live->holders, &addr->in_live);
    broker->generation++;
    return RMQ_OK;
}

const char *const ROUTE_REASON_TEXTS[ROUTE_REASONS] = {"scan", "close", "idle", "unregister",
                                                       "superseded"};

void route_addr_remove(struct route_table *table, struct route_addr *addr, const char *reason) {
    for (unsigned i = 0; i < ROUTE_REASONS; i++)
        table->evicted[i] += strcmp(reason, ROUTE_REASON_TEXTS[i]) == 0;
    event_route_broker_evicted(table->env, route_broker_cluster(addr->broker),
                               ROUTE_NAME(addr->broker), addr->id, route_live_addr(addr->live),
                               span_of_text(reason),
                               env_mono_ns(table->env) - addr->live->registered_ns);
    addr->broker->generation++;
    if (addr->live->accepted.broker == addr->broker)
        addr->live->accepted.broker = NULL;
    list_remove(&addr->in_broker);
    list_remove(&addr->in_live);
    env_free(table->env, addr);
}

/* ---- live entries ---------------------------------------------------------------------------- */

static struct route_live *live_create(struct env *env, struct span cluster, struct span addr) {
    struct route_live *live = env_alloc(env, sizeof *live + addr.len + 1 + cluster.len);
    if (live == NULL)
        return NULL;
    memset(live, 0, sizeof *live);
    list_init(&live->in_age);
    list_init(&live->in_source);
    list_init(&live->holders);
    live->timeout_ns = ROUTE_EXPIRY_NS;
    live->registered_ns = live->refreshed_ns = env_mono_ns(env);
    live->addr_len = (uint32_t)addr.len;
    live->cluster_len = (uint32_t)cluster.len;
    memcpy(live->text, addr.data, addr.len);
    live->text[addr.len] = 0;
    memcpy(live->text + addr.len + 1, cluster.data, cluster.len);
    return live;
}

struct route_live *route_live_get(struct route_table *table, struct span cluster,
                                  struct span addr) {
    struct env *env = table->env;
    uint64_t hash_key = table->hash_key;
    struct route_live *live = route_find_live(table, cluster, addr);
    if (live != NULL)
        return live;
    live = live_create(env, cluster, addr);
    if (live == NULL)
        return NULL;
    HASH_ADD_KEYPTR(hh, table->lives, live->text, live_key_len(table, addr.len, cluster.len), live);
    if (live->map_failed) {
        env_free(env, live);
        return NULL;
    }
    list_append(&table->by_age, &live->in_age);
    return live;
}

static void filter_servers_free(struct env *env, struct route_live *live) {
    for (size_t i = 0; i < live->filter_server_count; i++)
        env_free(env, (void *)live->filter_servers[i].data);
    env_free(env, live->filter_servers);
}

void route_live_drop(struct route_table *table, struct route_live *live) {
    struct env *env = table->env;
    RMQ_ASSERT(list_is_empty(&live->holders));
    HASH_DELETE(hh, table->lives, live);
    list_remove(&live->in_age);
    list_remove(&live->in_source);
    env_free(env, (void *)live->ha_addr.data);
    filter_servers_free(env, live);
    env_free(env, live);
}
