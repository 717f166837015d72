/* client/unregister.c - telling the brokers that a group has left this client (request 35).
 *
 * Source: client.md 3.4: each known broker, masters and slaves, one after the other, T-API each;
 * failures are logged only. It outlives the producer or consumer; the client waits for it. */
#include "model/base/check.h"
#include "model/client/client_internal.h"

struct unregister {
    struct list link;
    struct client *client;
    struct client_round round;
    bool consumer;
    size_t group_len;
    char group[];
};

static void on_answered(void *ctx, struct span address, int status,
                        const struct wire_command *response) {
    const struct unregister *unregister = ctx;
    if (status != RMQ_OK || response->code != RESPONSE_SUCCESS)
        env_log(unregister->client->env, ENV_LOG_WARN, "client: unregister %.*s at %.*s: %s",
                (int)unregister->group_len, unregister->group, (int)address.len,
                (const char *)address.data, status != RMQ_OK ? rmq_err_text(status) : "refused");
}

static void on_ended(void *ctx) {
    struct unregister *unregister = ctx;
    struct client *client = unregister->client;
    list_remove(&unregister->link);
    env_free(client->env, unregister);
    client_group_gone(client);
}

static void build(void *ctx, struct wire_command *request) {
    const struct unregister *unregister = ctx;
    struct span group = span_of(unregister->group, unregister->group_len);
    struct header_unregister_client header = {.client_id = client_id(unregister->client)};
    *(unregister->consumer ? &header.consumer_group : &header.producer_group) = group;
    struct buf numbers; /* the header has none */
    buf_init(&numbers, NULL);
    wire_command_init(request, REQUEST_UNREGISTER_CLIENT);
    int err = header_encode(&HEADER_unregister_client, &header, request, &numbers);
    RMQ_ASSERT(err == RMQ_OK);
}

void client_unregister(struct client *client, struct span group, bool consumer) {
    struct unregister *unregister = env_alloc(client->env, sizeof *unregister + group.len);
    if (unregister == NULL)
        return; /* the brokers find out by themselves */
    *unregister = (struct unregister){
        .client = client,
        .consumer = consumer,
        .round = {.build = build, .answered = on_answered, .ended = on_ended, .ctx = unregister},
        .group_len = group.len};
    memcpy(unregister->group, group.data, group.len);
    list_append(&client->unregisters, &unregister->link);
    client_round_begin(&unregister->round, client, false);
}

void client_unregister_cancel(struct client *client) {
    LIST_EACH(&client->unregisters, link, next) {
        struct unregister *unregister = LIST_ENTRY(link, struct unregister, link);
        client_round_cancel(&unregister->round);
        list_remove(&unregister->link);
        env_free(client->env, unregister);
    }
}
