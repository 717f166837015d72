/* namesrv/route_table.c - what ends an entry, and changes by administrators.
 *
 * An address goes when its live entry does, and a broker name with its last address. */
#include "model/namesrv/route_table.h"

#include "model/events.h"

void route_table_init(struct route_table *table, struct env *env, uint64_t hash_key,
                      const struct route_options *options) {
    memset(table, 0, sizeof *table);
    table->env = env;
    table->hash_key = hash_key;
    table->options = *options;
    list_init(&table->by_age);
    list_init(&table->own_timeout);
}

/* ---- removal --------------------------------------------------------------------------------- */

/* 5.3: without a master, a name with acting master is read-only (namesrv.md 8). */
static void clear_write_permission(struct route_table *table, struct route_broker *broker) {
    LIST_EACH(&broker->queues, link, next) {
        struct queue_data *queue = LIST_ENTRY(link, struct queue_data, in_broker);
        if ((queue->perm & PERM_WRITE) == 0)
            continue;
        queue->perm &= ~PERM_WRITE;
        broker->generation++;
        route_queue_report(table, queue);
    }
}

static int64_t smallest_id(const struct route_broker *broker) {
    return LIST_ENTRY(broker->addrs.next, struct route_addr, in_broker)->id;
}

void route_broker_after_removal(struct route_table *table, struct route_broker *broker,
                                int64_t smallest_before, struct span removed_addr) {
    if (list_is_empty(&broker->addrs)) {
        if (!env_plant(table->env, PLANT_NAMESRV_KEEP_TOPICS))
            route_broker_drop(table, broker);
        return;
    }
    int64_t smallest = smallest_id(broker);
    if (!table->options.profile_5_3 || !broker->enable_acting_master)
        return;
    if (smallest != ROUTE_MASTER_ID)
        clear_write_permission(table, broker);
    if (smallest != smallest_before && table->on_min_id_changed != NULL)
        table->on_min_id_changed(table->on_min_id_changed_ctx, broker, removed_addr, SPAN_NONE);
}

void route_live_evict(struct route_table *table, struct route_live *live, const char *reason) {
    LIST_EACH(&live->holders, link, next) {
        struct route_addr *addr = LIST_ENTRY(link, struct route_addr, in_live);
        struct route_broker *broker = addr->broker;
        int64_t smallest_before = smallest_id(broker);
        route_addr_remove(table, addr, reason);
        route_broker_after_removal(table, broker, smallest_before, route_live_addr(live));
    }
    route_live_drop(table, live);
}

void route_table_refresh(struct route_table *table, struct route_live *live) {
    live->refreshed_ns = env_mono_ns(table->env);
    if (live->timeout_ns == ROUTE_EXPIRY_NS) {
        list_remove(&live->in_age);
        list_append(&table->by_age, &live->in_age);
    }
}

/* quirk unregisterById: the id goes whatever its address is (namesrv.md 8, 4.9). */
static void unregister_id(struct route_table *table, struct route_broker *broker, int64_t id) {
    struct route_addr *addr = route_find_addr(broker, id);
    if (addr == NULL)
        return;
    int64_t smallest_before = smallest_id(broker);
    struct span text = route_live_addr(addr->live); /* the live entry stays */
    route_addr_remove(table, addr, "unregister");
    route_broker_after_removal(table, broker, smallest_before, text);
}

void route_table_unregister(struct route_table *table, struct span cluster, struct span broker,
                            struct span addr, int64_t id) {
    struct route_live *live = route_find_live(table, cluster, addr);
    if (live != NULL)
        route_live_evict(table, live, "unregister");
    struct route_broker *named = route_find_broker(table, broker);
    if (named != NULL && list_is_empty(&named->addrs))
        route_broker_drop(table, named); /* what the single topic guard has left */
    else if (named != NULL && quirk_on(table->options.quirks, QUIRK_UNREGISTER_BY_ID))
        unregister_id(table, named, id);
}

void route_table_lose_source(struct route_table *table, struct route_source *source,
                             const char *reason) {
    bool keeps = strcmp(reason, "close") == 0 && env_plant(table->env, PLANT_NAMESRV_KEEP_CLOSED);
    while (!list_is_empty(&source->lives)) {
        struct route_live *live = LIST_ENTRY(source->lives.next, struct route_live, in_source);
        if (!keeps) {
            route_live_evict(table, live, reason);
            continue;
        }
        list_remove(&live->in_source);
        live->source = NULL;
    }
}

static bool is_expired(const struct route_live *live, uint64_t now_ns, uint64_t timeout_ns) {
    return now_ns - live->refreshed_ns > timeout_ns;
}

static struct route_live *next_expired(const struct route_table *table, uint64_t default_ns) {
    uint64_t now_ns = env_mono_ns(table->env);
    if (!list_is_empty(&table->by_age)) {
        struct route_live *oldest = LIST_ENTRY(table->by_age.next, struct route_live, in_age);
        if (is_expired(oldest, now_ns, default_ns))
            return oldest;
    }
    LIST_EACH(&table->own_timeout, link, next) {
        struct route_live *live = LIST_ENTRY(link, struct route_live, in_age);
        if (is_expired(live, now_ns, live->timeout_ns))
            return live;
    }
    return NULL;
}

size_t route_table_scan(struct route_table *table,
                        void (*on_expired)(void *ctx, struct route_source *source), void *ctx) {
    uint64_t default_ns =
        env_plant(table->env, PLANT_NAMESRV_EVICT_EARLY) ? ROUTE_EXPIRY_NS / 2 : ROUTE_EXPIRY_NS;
    size_t expired = 0;
    struct route_live *live;
    while ((live = next_expired(table, default_ns)) != NULL) {
        struct route_source *source = live->source;
        route_live_evict(table, live, "scan");
        expired++;
        if (source != NULL)
            on_expired(ctx, source);
    }
    return expired;
}

/* ---- administration -------------------------------------------------------------------------- */

static bool is_in_cluster(const struct route_broker *broker, struct span cluster) {
    LIST_EACH(&broker->memberships, link, next) {
        struct route_member *member = LIST_ENTRY(link, struct route_member, in_broker);
        if (span_equal(ROUTE_NAME(member->cluster), cluster))
            return true;
    }
    return false;
}

void route_table_delete_topic(struct route_table *table, struct span topic, struct span cluster) {
    struct route_topic *named = route_find_topic(table, topic);
    if (named == NULL)
        return;
    /* The last removal frees `named`: collect the end of the list before each step. */
    struct list *end = &named->queues;
    for (struct list *link = end->next, *next; link != end; link = next) {
        struct queue_data *queue = LIST_ENTRY(link, struct queue_data, in_topic);
        next = link->next;
        if (cluster.len == 0 || is_in_cluster(queue->broker, cluster))
            route_queue_remove(table, queue, "deleted");
    }
}

size_t route_table_set_writable(struct route_table *table, struct span broker, bool writable) {
    struct route_broker *named = route_find_broker(table, broker);
    if (named == NULL)
        return 0;
    size_t topics = 0;
    LIST_EACH(&named->queues, link, next) {
        struct queue_data *queue = LIST_ENTRY(link, struct queue_data, in_broker);
        topics++;
        int32_t perm = writable ? PERM_READ | PERM_WRITE : queue->perm & ~PERM_WRITE;
        if (queue->perm == perm)
            continue;
        queue->perm = perm;
        route_queue_report(table, queue);
    }
    named->generation++;
    event_route_perm_changed(table->env, broker, topics, writable);
    return topics;
}

int route_table_set_queue(struct route_table *table, struct span broker,
                          const struct topic_config *config) {
    struct route_broker *named = route_find_broker(table, broker);
    if (named == NULL)
        return RMQ_E_NOT_FOUND;
    bool changed;
    return route_queue_set(table, named, config, &changed);
}

/* ---- the end --------------------------------------------------------------------------------- */

static void broker_free(struct route_table *table, struct route_broker *broker) {
    struct env *env = table->env;
    LIST_EACH(&broker->queues, link, next) {
        env_free(env, LIST_ENTRY(link, struct queue_data, in_broker));
    }
    LIST_EACH(&broker->addrs, link, next) {
        env_free(env, LIST_ENTRY(link, struct route_addr, in_broker));
    }
    LIST_EACH(&broker->memberships, link, next) {
        env_free(env, LIST_ENTRY(link, struct route_member, in_broker));
    }
    env_free(env, (void *)broker->zone.data);
    env_free(env, broker);
}

void route_table_deinit(struct route_table *table) {
    struct env *env = table->env;
    struct route_broker *broker, *next_broker;
    HASH_ITER(hh, table->brokers, broker, next_broker) {
        HASH_DELETE(hh, table->brokers, broker);
        broker_free(table, broker);
    }
    struct route_topic *topic, *next_topic;
    HASH_ITER(hh, table->topics, topic, next_topic) {
        HASH_DELETE(hh, table->topics, topic);
        env_free(env, topic);
    }
    struct route_cluster *cluster, *next_cluster;
    HASH_ITER(hh, table->clusters, cluster, next_cluster) {
        HASH_DELETE(hh, table->clusters, cluster);
        env_free(env, cluster);
    }
    struct route_live *live, *next_live;
    HASH_ITER(hh, table->lives, live, next_live) {
        list_init(&live->holders); /* freed above */
        route_live_drop(table, live);
    }
    env_free(env, table->queues.slots);
    memset(table, 0, sizeof *table);
}
