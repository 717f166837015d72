/* namesrv/route_check.c - verifies the invariants R1 to R8 of route_table.h. */
#include "model/namesrv/route_table.h"

static size_t list_length(const struct list *head) {
    size_t length = 0;
    for (const struct list *link = head->next; link != head; link = link->next)
        length++;
    return length;
}

static bool list_has(const struct list *head, const struct list *wanted) {
    const struct list *link = head->next;
    while (link != head && link != wanted)
        link = link->next;
    return link == wanted;
}

static bool address_is_unique(const struct route_broker *broker, const struct route_addr *addr) {
    LIST_EACH(&broker->addrs, link, next) {
        const struct route_addr *other = LIST_ENTRY(link, struct route_addr, in_broker);
        if (other != addr && span_equal(route_live_addr(other->live), route_live_addr(addr->live)))
            return false;
    }
    return true;
}

/* R1, R2 */
static bool check_addrs(const struct route_table *table, const struct route_broker *broker) {
    const struct route_addr *before = NULL;
    LIST_EACH(&broker->addrs, link, next) {
        const struct route_addr *addr = LIST_ENTRY(link, struct route_addr, in_broker);
        const struct route_live *live = addr->live;
        if (addr->broker != broker || !list_has(&live->holders, &addr->in_live) ||
            route_find_live(table, route_live_cluster(live), route_live_addr(live)) != live)
            return false;
        if ((before != NULL && before->id >= addr->id) || !address_is_unique(broker, addr))
            return false;
        before = addr;
    }
    return true;
}

/* R5 */
static bool may_be_empty(const struct route_table *table) {
    return quirk_on(table->options.quirks, QUIRK_SINGLE_TOPIC_GUARD) ||
           env_plant(table->env, PLANT_NAMESRV_KEEP_TOPICS);
}

static bool check_brokers(const struct route_table *table, size_t *queues) {
    for (const struct route_broker *broker = table->brokers; broker != NULL;
         broker = broker->hh.next) {
        if (route_find_broker(table, ROUTE_NAME(broker)) != broker ||
            list_is_empty(&broker->memberships) || !check_addrs(table, broker) ||
            (list_is_empty(&broker->addrs) && !may_be_empty(table)))
            return false;
        *queues += list_length(&broker->queues);
    }
    return true;
}

/* R3 */
static bool check_clusters(const struct route_table *table) {
    for (const struct route_cluster *cluster = table->clusters; cluster != NULL;
         cluster = cluster->hh.next) {
        if (list_is_empty(&cluster->members))
            return false;
        LIST_EACH(&cluster->members, link, next) {
            const struct route_member *member = LIST_ENTRY(link, struct route_member, in_cluster);
            if (member->cluster != cluster ||
                route_find_broker(table, ROUTE_NAME(member->broker)) != member->broker)
                return false;
        }
    }
    return true;
}

/* R4 */
static bool check_topics(const struct route_table *table, size_t broker_queues) {
    size_t queues = 0;
    for (const struct route_topic *topic = table->topics; topic != NULL; topic = topic->hh.next) {
        if (list_is_empty(&topic->queues))
            return false;
        LIST_EACH(&topic->queues, link, next) {
            const struct queue_data *queue = LIST_ENTRY(link, struct queue_data, in_topic);
            if (queue->topic != topic || route_find_queue(table, topic, queue->broker) != queue)
                return false;
            queues++;
        }
    }
    return queues == broker_queues && queues == table->queues.count;
}

/* R6 */
static bool check_age(const struct route_table *table) {
    uint64_t before = 0;
    LIST_EACH(&table->by_age, link, next) {
        const struct route_live *live = LIST_ENTRY(link, struct route_live, in_age);
        if (live->refreshed_ns < before || live->timeout_ns != ROUTE_EXPIRY_NS)
            return false;
        before = live->refreshed_ns;
    }
    return list_length(&table->by_age) + list_length(&table->own_timeout) ==
           HASH_COUNT(table->lives);
}

/* R7, R8 */
static bool check_lives(const struct route_table *table) {
    for (const struct route_live *live = table->lives; live != NULL; live = live->hh.next) {
        if (live->source != NULL && !list_has(&live->source->lives, &live->in_source))
            return false;
        const struct route_broker *accepted = live->accepted.broker;
        if (accepted == NULL)
            continue;
        const struct route_addr *addr = route_find_addr(accepted, live->accepted.id);
        if (addr == NULL || addr->live != live)
            return false;
    }
    return true;
}

bool route_table_check(const struct route_table *table) {
    size_t queues = 0;
    return check_brokers(table, &queues) && check_clusters(table) && check_topics(table, queues) &&
           check_age(table) && check_lives(table);
}
