/* client/heartbeat.c - heartbeats (request 34): to each known broker, one after the other.
 *
 * Source: client.md 5, 4.5; MQClientInstance.java sendHeartbeatToAllBrokerWithLock. First after
 * 1 s, then each heartbeatBrokerInterval, where a round that would begin while another one runs is
 * left out, and when a group starts or its queues changed. An instance with producers only sends to
 * masters. Before each round of the worker the brokers that no route has any more are forgotten.
 * 5.3 also greets each broker whose connection opens, and lets consumers rebalance then. */
#include "model/base/check.h"
#include "model/client/client_internal.h"
#include "model/wire/body_heartbeat.h"

/* RMQ_E_NOMEM: `out` is of no use. */
static int write_body(const struct client *client, struct buf *out) {
    struct heartbeat_writer writer;
    heartbeat_begin(&writer, client->env, out, client->profile_5_3, client_id(client));
    LIST_EACH(&client->consumers, link, next) {
        const struct client_consumer *member = LIST_ENTRY(link, struct client_consumer, link);
        member->hooks->heartbeat(member->consumer, &writer);
    }
    heartbeat_producers(&writer);
    LIST_EACH(&client->producers, link, next) {
        const struct client_producer *member = LIST_ENTRY(link, struct client_producer, link);
        heartbeat_producer(&writer, member->group);
    }
    return heartbeat_end(&writer);
}

static void build(void *ctx, struct wire_command *request) {
    const struct client *client = ctx;
    wire_command_init(request, REQUEST_HEART_BEAT);
    request->body = buf_span(&client->heartbeat.body);
}

static void on_answered(void *ctx, struct span address, int status,
                        const struct wire_command *response) {
    const struct client *client = ctx;
    if (status != RMQ_OK || response->code != RESPONSE_SUCCESS)
        env_log(client->env, ENV_LOG_WARN, "client: heartbeat to %.*s: %s", (int)address.len,
                (const char *)address.data, status != RMQ_OK ? rmq_err_text(status) : "refused");
}

static void on_ended(void *ctx) {
    struct client *client = ctx;
    struct client_heartbeat *heartbeat = &client->heartbeat;
    bool worker_waits = heartbeat->worker_waits, again = heartbeat->again;
    heartbeat->running = heartbeat->worker_waits = heartbeat->again = false;
    buf_deinit(&heartbeat->body);
    if (worker_waits)
        fixed_rate_done(&client->worker);
    if (again)
        client_heartbeat_now(client);
}

void client_heartbeat_now(struct client *client) {
    struct client_heartbeat *heartbeat = &client->heartbeat;
    bool alone = list_is_empty(&client->producers) && list_is_empty(&client->consumers);
    heartbeat->again = heartbeat->running;
    if (heartbeat->running || alone || client->brokers == NULL)
        return;
    heartbeat->running = true;
    buf_init(&heartbeat->body, client->env);
    if (write_body(client, &heartbeat->body) != RMQ_OK) {
        on_ended(client); /* this round is left out */
        return;
    }
    heartbeat->round = (struct client_round){
        .build = build, .answered = on_answered, .ended = on_ended, .ctx = client};
    client_round_begin(&heartbeat->round, client, list_is_empty(&client->consumers));
}

void client_heartbeat_run(void *ctx) {
    struct client *client = ctx;
    client_brokers_remove_offline(client);
    if (client->heartbeat.running) { /* somebody's: Java's worker does not wait for it */
        fixed_rate_done(&client->worker);
        return;
    }
    client->heartbeat.worker_waits = true;
    client_heartbeat_now(client);
    if (!client->heartbeat.running && client->heartbeat.worker_waits) {
        client->heartbeat.worker_waits = false; /* nobody to send to */
        fixed_rate_done(&client->worker);
    }
}

/* ---- 5.3: to a broker whose connection has just opened ----------------------------------------
 */

struct greeting {
    struct list link;
    struct client *client;
    struct client_round round;
    struct buf body;
};

static void build_greeting(void *ctx, struct wire_command *request) {
    const struct greeting *greeting = ctx;
    wire_command_init(request, REQUEST_HEART_BEAT);
    request->body = buf_span(&greeting->body);
}

static void on_greeted(void *ctx, struct span address, int status,
                       const struct wire_command *response) {
    const struct greeting *greeting = ctx;
    on_answered(greeting->client, address, status, response);
    if (status == RMQ_OK && response->code == RESPONSE_SUCCESS)
        client_members_changed(greeting->client);
}

static void greeting_free(struct greeting *greeting) {
    list_remove(&greeting->link);
    buf_deinit(&greeting->body);
    env_free(greeting->client->env, greeting);
}

static void on_greeting_ended(void *ctx) {
    greeting_free(ctx);
}

static bool is_broker(const struct client *client, struct span address) {
    const struct client_broker *broker;
    for (broker = client->brokers; broker != NULL; broker = broker->hh.next) {
        for (size_t i = 0; i < broker->addr_count; i++) {
            if (span_equal(broker->addrs[i].addr, address))
                return true;
        }
    }
    return false;
}

void client_heartbeat_greet(struct client *client, struct span address) {
    bool alone = list_is_empty(&client->producers) && list_is_empty(&client->consumers);
    if (alone || client->stopping || !is_broker(client, address))
        return;
    struct greeting *greeting = env_alloc(client->env, sizeof *greeting);
    if (greeting == NULL)
        return; /* the next round comes anyway */
    *greeting = (struct greeting){.client = client,
                                  .round = {.build = build_greeting,
                                            .answered = on_greeted,
                                            .ended = on_greeting_ended,
                                            .ctx = greeting}};
    buf_init(&greeting->body, client->env);
    list_append(&client->heartbeat.greetings, &greeting->link);
    if (write_body(client, &greeting->body) != RMQ_OK)
        greeting_free(greeting);
    else
        client_round_to(&greeting->round, client, address);
}

void client_heartbeat_free(struct client *client) {
    LIST_EACH(&client->heartbeat.greetings, link, next) {
        struct greeting *greeting = LIST_ENTRY(link, struct greeting, link);
        client_round_cancel(&greeting->round);
        greeting_free(greeting);
    }
    client_round_cancel(&client->heartbeat.round);
    if (client->heartbeat.running)
        buf_deinit(&client->heartbeat.body);
    client->heartbeat.running = false;
}
