/* client/poll.c - the route poll (T-ROUTE).
 *
 * Source: client.md 4.2, 4.3; MQClientInstance.java updateTopicRouteInfoFromNameServer. First after
 * 10 ms, then at a fixed rate; no jitter but the moment of the start. A transport error ends the
 * round (the exception leaves the loop), an error answer does not; nor, here as there, does an
 * answer that cannot be read go on. Polled are the configured topics and those that a producer
 * sends to or a consumer subscribes, in the order in which the instance first heard of them. */
#include "model/base/check.h"
#include "model/client/client_internal.h"
#include "model/events.h"

#define POLL_EARLY_NS (1000 * CLIENT_NS_PER_MS)

static void poll_end(struct client *client, size_t failed) {
    struct client_poll *poll = &client->poll;
    event_client_poll_done(client->env, poll->topics, poll->answered, failed,
                           env_mono_ns(client->env) - poll->begin_ns);
    fixed_rate_done(&client->worker);
    if (env_buggify(client->env, BUGGIFY_CLIENT_POLL_EARLY))
        fixed_rate_hasten(&client->worker, CLIENT_TASK_POLL, POLL_EARLY_NS);
}

/* Asks for the first topic from `topic` on that is to be polled. */
static void poll_from(struct client *client, struct client_topic *topic) {
    while (topic != NULL && !topic->polled)
        topic = topic->hh.next;
    client->poll.at = topic;
    if (topic == NULL) {
        poll_end(client, 0);
        return;
    }
    client->poll.asked = ++client->route_queries;
    name_servers_call(&client->servers, &client->poll.call);
}

static void build_query(void *ctx, struct wire_command *request) {
    const struct client *client = ctx;
    client_route_request(client->poll.at->name, request);
}

static void on_route(void *ctx, int status, const struct wire_command *response) {
    struct client *client = ctx;
    struct client_topic *topic = client->poll.at;
    if (status == RMQ_OK)
        status = client_route_answered(topic, client->poll.asked, response, 0);
    if (status != RMQ_OK) {
        env_log(client->env, ENV_LOG_WARN, "client: route of %.*s: %s", (int)topic->name.len,
                (const char *)topic->name.data, rmq_err_text(status));
        poll_end(client, 1);
        return;
    }
    client->poll.answered++;
    poll_from(client, topic->hh.next);
}

static void mark(void *ctx, struct span name) {
    struct client *client = ctx;
    struct client_topic *topic;
    if (client_topic_get(client, name, &topic) == RMQ_OK)
        topic->polled = true; /* else the next round may have memory for it */
}

static void mark_topics(struct client *client) {
    for (struct client_topic *topic = client->topics; topic != NULL; topic = topic->hh.next)
        topic->polled = topic->configured;
    LIST_EACH(&client->consumers, link, next) {
        struct client_consumer *member = LIST_ENTRY(link, struct client_consumer, link);
        member->hooks->topics(member->consumer, mark, client);
    }
    LIST_EACH(&client->producers, link, next) {
        struct client_producer *member = LIST_ENTRY(link, struct client_producer, link);
        member->topics(member->producer, mark, client);
    }
    client->poll.topics = 0;
    for (struct client_topic *topic = client->topics; topic != NULL; topic = topic->hh.next)
        client->poll.topics += topic->polled ? 1 : 0;
}

void client_poll_run(void *ctx) {
    struct client *client = ctx;
    if (++client->poll.rounds > 5 && env_plant(client->env, PLANT_CLIENT_STOP_POLLING))
        return; /* the worker waits for its end for ever */
    mark_topics(client);
    client->poll.answered = 0;
    client->poll.begin_ns = env_mono_ns(client->env);
    poll_from(client, client->topics);
}

void client_poll_init(struct client *client) {
    client->poll.call =
        (struct name_server_call){.build = build_query,
                                  .done = on_route,
                                  .ctx = client,
                                  .timeout_ns = client->api_timeout_ms * CLIENT_NS_PER_MS};
}
