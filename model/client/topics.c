/* client/topics.c - the topics of an instance: their cached routes, and asking for them.
 *
 * Source: client.md 4.1, 4.3, 8.2; MQClientInstance.java updateTopicRouteInfoFromNameServer. An
 * error answer keeps the cached route for ever. Differs: Java asks under one lock for the whole
 * instance; here each topic has at most one query under way besides the poll's, who needs the topic
 * meanwhile waits for that one, and of the two the one asked later counts, whichever answer comes
 * last. */
#include "model/base/check.h"
#include "model/client/client_internal.h"
#include "model/events.h"

/* Topics are named by the node's own application: nobody can flood the table. */
static const uint64_t hash_key = 0;

struct client_topic *client_topic_find(const struct client *client, struct span name) {
    struct client_topic *found = NULL;
    HASH_FIND(hh, client->topics, name.data, name.len, found);
    return found;
}

int client_topic_get(struct client *client, struct span name, struct client_topic **out) {
    struct env *env = client->env;
    struct client_topic *topic = client_topic_find(client, name);
    if (topic == NULL) {
        topic = env_alloc(env, sizeof *topic + name.len);
        if (topic == NULL)
            return RMQ_E_NOMEM;
        memset(topic, 0, sizeof *topic);
        memcpy(topic->text, name.data, name.len);
        topic->name = span_of(topic->text, name.len);
        topic->client = client;
        list_init(&topic->waits);
        HASH_ADD_KEYPTR(hh, client->topics, topic->name.data, topic->name.len, topic);
        if (MAP_ADD_FAILED(topic)) {
            env_free(env, topic);
            return RMQ_E_NOMEM;
        }
    }
    *out = topic;
    return RMQ_OK;
}

static void forget_choices(struct client_topic *topic) {
    env_free(topic->client->env, topic->publish.queues);
    env_free(topic->client->env, topic->subscribe.queues);
    topic->publish = topic->subscribe = (struct route_choice){0};
}

void client_topics_free(struct client *client) {
    struct env *env = client->env;
    struct client_topic *topic, *following;
    HASH_ITER(hh, client->topics, topic, following) {
        HASH_DEL(client->topics, topic);
        name_servers_cancel(&client->servers, &topic->query);
        forget_choices(topic);
        env_free(env, topic->route);
        env_free(env, topic);
    }
}

/* ---- what is made of a route ----------------------------------------------------------------- */

static const struct route_choice NO_CHOICE = {0};

int client_publish_queues(struct client_topic *topic, const struct route_choice **out) {
    int err = RMQ_OK;
    *out = &NO_CHOICE;
    if (topic->route != NULL && topic->publish.queues == NULL)
        err = route_publish(topic->client->env, topic->route, &topic->publish);
    if (err == RMQ_OK)
        *out = &topic->publish;
    return err;
}

int client_subscribe_queues(struct client_topic *topic, const struct route_choice **out) {
    int err = RMQ_OK;
    *out = &NO_CHOICE;
    if (topic->route != NULL && topic->subscribe.queues == NULL)
        err = route_subscribe(topic->client->env, topic->route, &topic->subscribe);
    if (err == RMQ_OK)
        *out = &topic->subscribe;
    return err;
}

/* ---- a new route ----------------------------------------------------------------------------- */

static void on_dropped(void *ctx, const struct route_broker_addr *addr) {
    const struct client_topic *topic = ctx;
    event_client_broker_dropped(topic->client->env, topic->name, addr->broker_name, addr->addr);
}

static void on_believed(void *ctx, const struct route_broker_addr *addr) {
    const struct client_topic *topic = ctx;
    event_client_broker_believed(topic->client->env, topic->name, addr->broker_name, addr->addr);
}

/* Puts a route that differs from the cached one in its place. */
static int replace(struct client_topic *topic, struct route *fresh) {
    struct client *client = topic->client;
    int err = client_brokers_learn(client, fresh);
    if (err != RMQ_OK)
        return err;
    event_client_route_changed(client->env, topic->name, route_broker_count(fresh),
                               route_write_queues(fresh));
    route_difference(topic->route, fresh, on_dropped, topic);
    route_difference(fresh, topic->route, on_believed, topic);
    env_free(client->env, topic->route);
    topic->route = fresh;
    topic->version++;
    forget_choices(topic);
    LIST_EACH(&client->consumers, link, next) {
        struct client_consumer *member = LIST_ENTRY(link, struct client_consumer, link);
        member->hooks->route_changed(member->consumer, topic->name);
    }
    return RMQ_OK;
}

/* Is it the planted bug's turn? */
static bool keeps(const struct client_topic *topic, const struct route *fresh) {
    return route_broker_count(fresh) < route_broker_count(topic->route) &&
           env_plant(topic->client->env, PLANT_CLIENT_KEEP_ROUTE);
}

int client_route_answered(struct client_topic *topic, uint64_t asked,
                          const struct wire_command *response, int32_t queues_max) {
    struct env *env = topic->client->env;
    struct route *fresh;
    if (asked < topic->known)
        return RMQ_OK;
    if (response->code != RESPONSE_SUCCESS || response->body.len == 0) {
        event_client_route_kept(env, topic->name, response->code);
        return RMQ_OK;
    }
    int err = route_read(env, response->body, &fresh);
    if (err != RMQ_OK)
        return err;
    if (queues_max > 0)
        route_cut(fresh, queues_max);
    bool same = topic->route != NULL && (route_equal(topic->route, fresh) || keeps(topic, fresh));
    if (!same)
        err = replace(topic, fresh);
    if (err == RMQ_OK)
        topic->known = asked;
    if (same || err != RMQ_OK)
        env_free(env, fresh);
    return err;
}

/* ---- asking ---------------------------------------------------------------------------------- */

void client_route_request(struct span name, struct wire_command *request) {
    struct buf numbers; /* the header has no numbers: stays empty */
    buf_init(&numbers, NULL);
    struct header_get_route header = {.topic = name};
    wire_command_init(request, REQUEST_GET_ROUTEINFO_BY_TOPIC);
    int err = header_encode(&HEADER_get_route, &header, request, &numbers);
    RMQ_ASSERT(err == RMQ_OK && numbers.data == NULL);
}

/* The first that waits for a default topic's route; NULL: none. */
static struct client_route_wait *default_wait(const struct client_topic *topic) {
    LIST_EACH(&topic->waits, link, next) {
        struct client_route_wait *wait = LIST_ENTRY(link, struct client_route_wait, link);
        if (!span_is_absent(wait->default_topic))
            return wait;
    }
    return NULL;
}

static void build_query(void *ctx, struct wire_command *request) {
    const struct client_topic *topic = ctx;
    const struct client_route_wait *wait = topic->asks_default ? default_wait(topic) : NULL;
    client_route_request(wait != NULL ? wait->default_topic : topic->name, request);
}

static void complete(struct client_topic *topic, int status) {
    struct list waits;
    list_init(&waits);
    LIST_EACH(&topic->waits, link, next) {
        list_remove(link);
        list_append(&waits, link);
    }
    topic->asks_default = false;
    while (!list_is_empty(&waits)) { /* done may ask again, or cancel others */
        struct client_route_wait *wait = LIST_ENTRY(waits.next, struct client_route_wait, link);
        list_remove(&wait->link);
        wait->done(wait->ctx, status);
    }
}

static void on_query_done(void *ctx, int status, const struct wire_command *response) {
    struct client_topic *topic = ctx;
    const struct client_route_wait *wait = default_wait(topic);
    int32_t queues_max = topic->asks_default && wait != NULL ? wait->default_queue_nums : 0;
    if (status == RMQ_OK && (!topic->asks_default || queues_max > 0))
        status = client_route_answered(topic, topic->asked, response, queues_max);
    if (status == RMQ_OK && topic->route == NULL && !topic->asks_default && wait != NULL) {
        topic->asks_default = true;
        topic->asked = ++topic->client->route_queries;
        name_servers_call(&topic->client->servers, &topic->query);
        return;
    }
    complete(topic, status);
}

void client_route_ask(struct client_topic *topic, struct client_route_wait *wait) {
    struct client *client = topic->client;
    RMQ_ASSERT(span_is_absent(wait->default_topic) || wait->default_queue_nums > 0);
    list_append(&topic->waits, &wait->link);
    if (topic->query.active)
        return;
    topic->query =
        (struct name_server_call){.build = build_query,
                                  .done = on_query_done,
                                  .ctx = topic,
                                  .timeout_ns = client->api_timeout_ms * CLIENT_NS_PER_MS};
    topic->asked = ++client->route_queries;
    name_servers_call(&client->servers, &topic->query);
}

void client_route_cancel(struct client_route_wait *wait) {
    list_remove(&wait->link);
}
