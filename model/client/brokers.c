/* client/brokers.c - the brokers that an instance knows, and which address of one is used for what.
 *
 * Source: client.md 4.1, 4.5, 4.6; MQClientInstance.java brokerAddrTable, findBrokerAddress*. */
#include "model/base/check.h"
#include "model/client/client_internal.h"

/* Names come from name servers that the node trusts with more than this. */
static const uint64_t hash_key = 0;

static struct client_broker *find(const struct client *client, struct span name) {
    struct client_broker *found = NULL;
    HASH_FIND(hh, client->brokers, name.data, name.len, found);
    return found;
}

static void remove_broker(struct client *client, struct client_broker *broker) {
    struct env *env = client->env;
    HASH_DEL(client->brokers, broker);
    env_free(env, broker->addrs);
    env_free(env, broker);
}

void client_brokers_free(struct client *client) {
    struct client_broker *broker, *following;
    HASH_ITER(hh, client->brokers, broker, following) {
        remove_broker(client, broker);
    }
}

static int add(struct client *client, struct span name, struct client_broker **out) {
    struct env *env = client->env;
    struct client_broker *broker = env_alloc(env, sizeof *broker + name.len);
    if (broker == NULL)
        return RMQ_E_NOMEM;
    memset(broker, 0, sizeof *broker);
    memcpy(broker->text, name.data, name.len);
    broker->name = span_of(broker->text, name.len);
    HASH_ADD_KEYPTR(hh, client->brokers, broker->name.data, broker->name.len, broker);
    if (MAP_ADD_FAILED(broker)) {
        env_free(env, broker);
        return RMQ_E_NOMEM;
    }
    *out = broker;
    return RMQ_OK;
}

/* The first `count` of `from` become the broker's addresses. */
static int set_addrs(struct client *client, struct client_broker *broker,
                     const struct route_broker_addr *from, size_t count) {
    size_t array = count * sizeof(struct client_broker_addr), text = 0;
    for (size_t i = 0; i < count; i++)
        text += from[i].addr.len;
    char *memory = env_alloc(client->env, array + text + 1);
    if (memory == NULL)
        return RMQ_E_NOMEM;
    env_free(client->env, broker->addrs);
    broker->addrs = (struct client_broker_addr *)(void *)memory;
    broker->addr_count = count;
    memory += array;
    for (size_t i = 0; i < count; i++) {
        struct span addr = from[i].addr;
        if (addr.len > 0)
            memcpy(memory, addr.data, addr.len);
        broker->addrs[i] =
            (struct client_broker_addr){from[i].broker_id, span_of(memory, addr.len)};
        memory += addr.len;
    }
    return RMQ_OK;
}

int client_brokers_learn(struct client *client, const struct route *route) {
    for (size_t i = 0, end; i < route->addr_count; i = end) {
        struct span name = route->addrs[i].broker_name;
        for (end = i + 1; end < route->addr_count; end++) {
            if (!span_equal(route->addrs[end].broker_name, name))
                break;
        }
        size_t empty = route->addrs[i].broker_id < 0 ? 1 : 0; /* stands for "no address" */
        struct client_broker *broker = find(client, name);
        int err = broker != NULL ? RMQ_OK : add(client, name, &broker);
        if (err == RMQ_OK)
            err = set_addrs(client, broker, &route->addrs[i + empty], end - i - empty);
        if (err != RMQ_OK)
            return err;
    }
    return RMQ_OK;
}

/* Has any cached route this address, under whatever name? */
static bool in_a_route(const struct client *client, struct span addr) {
    const struct client_topic *topic;
    for (topic = client->topics; topic != NULL; topic = topic->hh.next) {
        for (size_t i = 0; topic->route != NULL && i < topic->route->addr_count; i++) {
            if (span_equal(topic->route->addrs[i].addr, addr))
                return true;
        }
    }
    return false;
}

void client_brokers_remove_offline(struct client *client) {
    struct client_broker *broker, *following;
    HASH_ITER(hh, client->brokers, broker, following) {
        size_t kept = 0;
        for (size_t i = 0; i < broker->addr_count; i++) {
            if (in_a_route(client, broker->addrs[i].addr))
                broker->addrs[kept++] = broker->addrs[i];
        }
        broker->addr_count = kept;
        if (kept == 0)
            remove_broker(client, broker);
    }
}

/* ---- look-ups -------------------------------------------------------------------------------- */

static const struct client_broker_addr *with_id(const struct client_broker *broker, int64_t id) {
    for (size_t i = 0; i < broker->addr_count; i++) {
        if (broker->addrs[i].id == id)
            return &broker->addrs[i];
    }
    return NULL;
}

struct span client_master_address(const struct client *client, struct span broker_name) {
    const struct client_broker *broker = find(client, broker_name);
    const struct client_broker_addr *master = broker == NULL ? NULL : with_id(broker, 0);
    return master == NULL ? SPAN_NONE : master->addr;
}

struct span client_pull_address(const struct client *client, struct span broker_name, int64_t id,
                                bool only_this, int64_t *found) {
    const struct client_broker *broker = find(client, broker_name);
    if (broker == NULL || broker->addr_count == 0)
        return SPAN_NONE;
    const struct client_broker_addr *addr = with_id(broker, id);
    if (addr == NULL && id != 0)
        addr = with_id(broker, id + 1);
    if (addr == NULL && !only_this)
        addr = &broker->addrs[0];
    if (addr == NULL)
        return SPAN_NONE;
    if (found != NULL)
        *found = addr->id;
    return addr->addr;
}

/* The master among `count` addresses of one broker, or a random one. */
static struct span select_addr(struct env *env, const struct route_broker_addr *addrs,
                               size_t count) {
    RMQ_ASSERT(count > 0);
    if (addrs[0].broker_id == 0)
        return addrs[0].addr;
    return addrs[env_random_below(env, count)].addr;
}

struct span client_any_address(const struct client *client, struct span topic) {
    const struct client_topic *found = client_topic_find(client, topic);
    const struct route *route = found == NULL ? NULL : found->route;
    size_t brokers = route == NULL ? 0 : route_broker_count(route);
    if (brokers == 0)
        return SPAN_NONE;
    size_t wanted = (size_t)env_random_below(client->env, brokers), first = 0, count = 0;
    for (size_t i = 0, number = 0; i < route->addr_count; i++) {
        if (i > 0 && !span_equal(route->addrs[i].broker_name, route->addrs[i - 1].broker_name))
            number++;
        if (number == wanted && count++ == 0)
            first = i;
    }
    return select_addr(client->env, &route->addrs[first], count);
}
