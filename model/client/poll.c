/* client/poll.c - the route poll (T-ROUTE) and its update rule.
 *
 * Source: client.md 4.2, 4.3; MQClientInstance.java updateTopicRouteInfoFromNameServer. First after
 * 10 ms, then at a fixed rate; no jitter but the moment of the start. A transport error ends the
 * round (the exception leaves the loop), an error answer does not and keeps the cached route for
 * ever; so does an answer that cannot be read. */
#include "model/base/check.h"
#include "model/client/client_internal.h"
#include "model/events.h"

#define NS_PER_MS UINT64_C(1000000)
#define POLL_FIRST_NS (10 * NS_PER_MS)
#define POLL_EARLY_NS (1000 * NS_PER_MS)

struct difference {
    struct env *env;
    struct span topic;
};

static void on_dropped(void *ctx, const struct route_broker_addr *addr) {
    const struct difference *difference = ctx;
    event_client_broker_dropped(difference->env, difference->topic, addr->broker_name, addr->addr);
}

static void on_believed(void *ctx, const struct route_broker_addr *addr) {
    const struct difference *difference = ctx;
    event_client_broker_believed(difference->env, difference->topic, addr->broker_name, addr->addr);
}

/* Puts a route that differs from the cached one in its place. */
static void replace(struct client *client, struct client_topic *topic, struct route *fresh) {
    struct difference difference = {client->env, topic->name};
    event_client_route_changed(client->env, topic->name, route_broker_count(fresh),
                               route_write_queues(fresh));
    route_difference(topic->route, fresh, on_dropped, &difference);
    route_difference(fresh, topic->route, on_believed, &difference);
    env_free(client->env, topic->route);
    topic->route = fresh;
}

/* Is it the planted bug's turn? */
static bool keeps(const struct client *client, const struct client_topic *topic,
                  const struct route *fresh) {
    return route_broker_count(fresh) < route_broker_count(topic->route) &&
           env_plant(client->env, PLANT_CLIENT_KEEP_ROUTE);
}

static int take_answer(struct client *client, struct client_topic *topic,
                       const struct wire_command *response) {
    struct route *fresh;
    if (response->code != RESPONSE_SUCCESS || response->body.len == 0) {
        event_client_route_kept(client->env, topic->name, response->code);
        return RMQ_OK;
    }
    int err = route_read(client->env, response->body, &fresh);
    if (err != RMQ_OK)
        return err;
    if (topic->route != NULL && (route_equal(topic->route, fresh) || keeps(client, topic, fresh)))
        env_free(client->env, fresh);
    else
        replace(client, topic, fresh);
    return RMQ_OK;
}

static void poll_end(struct client *client, size_t failed) {
    struct client_poll *poll = &client->poll;
    event_client_poll_done(client->env, client->topic_count, poll->answered, failed,
                           env_mono_ns(client->env) - poll->begin_ns);
    fixed_rate_done(&client->worker);
    if (env_buggify(client->env, BUGGIFY_CLIENT_POLL_EARLY))
        fixed_rate_hasten(&client->worker, 0, POLL_EARLY_NS);
}

static void poll_next(struct client *client) {
    if (client->poll.next == client->topic_count)
        poll_end(client, 0);
    else
        name_servers_call(&client->servers, &client->poll.call);
}

static void build_query(void *ctx, struct wire_command *request) {
    struct client *client = ctx;
    struct buf numbers;
    buf_init(&numbers, client->env); /* the header has no numbers: stays empty */
    struct header_get_route header = {.topic = client->topics[client->poll.next].name};
    wire_command_init(request, REQUEST_GET_ROUTEINFO_BY_TOPIC);
    int err = header_encode(&HEADER_get_route, &header, request, &numbers);
    RMQ_ASSERT(err == RMQ_OK && numbers.data == NULL);
}

static void on_route(void *ctx, int status, const struct wire_command *response) {
    struct client *client = ctx;
    struct client_topic *topic = &client->topics[client->poll.next];
    if (status == RMQ_OK)
        status = take_answer(client, topic, response);
    if (status != RMQ_OK) {
        env_log(client->env, ENV_LOG_WARN, "client: route of %.*s: %s", (int)topic->name.len,
                (const char *)topic->name.data, rmq_err_text(status));
        poll_end(client, 1);
        return;
    }
    client->poll.answered++;
    client->poll.next++;
    poll_next(client);
}

static void on_poll_due(void *ctx) {
    struct client *client = ctx;
    if (++client->poll.rounds > 5 && env_plant(client->env, PLANT_CLIENT_STOP_POLLING))
        return; /* the worker waits for its end for ever */
    client->poll.next = 0;
    client->poll.answered = 0;
    client->poll.begin_ns = env_mono_ns(client->env);
    poll_next(client);
}

void client_poll_start(struct client *client, uint32_t interval_ms) {
    client->poll.call = (struct name_server_call){.build = build_query,
                                                  .done = on_route,
                                                  .ctx = client,
                                                  .timeout_ns = client->api_timeout_ms * NS_PER_MS};
    client->poll_task = (struct fixed_rate_task){
        .run = on_poll_due, .period_ns = interval_ms * NS_PER_MS, .due_ns = POLL_FIRST_NS};
    fixed_rate_start(&client->worker, client->env, &client->poll_task, 1, client);
}
