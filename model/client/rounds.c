/* client/rounds.c - see rounds.h. */
#include "model/client/rounds.h"

#include "model/base/check.h"
#include "model/client/client_internal.h"

static void go_on(struct client_round *round);

static void on_answer(void *ctx, int status, const struct wire_command *response) {
    struct client_round *round = ctx;
    RMQ_ASSERT(round->waiting);
    round->waiting = false;
    round->answered(round->ctx, round->at, status, response);
    if (!round->sending)
        go_on(round);
}

/* An answer may come before the call returns, so this is a loop. */
static void go_on(struct client_round *round) {
    struct client *client = round->client;
    round->sending = true;
    while (!round->waiting && round->next < round->addresses.len) {
        struct wire_command request;
        round->at = span_of_text((const char *)round->addresses.data + round->next);
        round->next += round->at.len + 1;
        round->build(round->ctx, &request);
        round->waiting = true;
        remoting_call(&client->remoting, round->at, &request, REMOTING_SYNC,
                      client->api_timeout_ms * CLIENT_NS_PER_MS, on_answer, round);
    }
    round->sending = false;
    if (round->waiting)
        return;
    buf_deinit(&round->addresses);
    round->client = NULL;
    round->ended(round->ctx);
}

static void prepare(struct client_round *round, struct client *client) {
    RMQ_ASSERT(round->client == NULL);
    round->client = client;
    round->next = 0;
    round->sending = round->waiting = false;
    buf_init(&round->addresses, client->env);
}

static void add_address(struct client_round *round, struct span address) {
    buf_put_span(&round->addresses, address);
    buf_put_u8(&round->addresses, 0);
}

static void begin(struct client_round *round) {
    if (buf_failed(&round->addresses))
        buf_deinit(&round->addresses); /* nobody is asked */
    go_on(round);
}

void client_round_begin(struct client_round *round, struct client *client, bool masters_only) {
    prepare(round, client);
    for (struct client_broker *broker = client->brokers; broker != NULL; broker = broker->hh.next) {
        for (size_t i = 0; i < broker->addr_count; i++) {
            if (!masters_only || broker->addrs[i].id == 0)
                add_address(round, broker->addrs[i].addr);
        }
    }
    begin(round);
}

void client_round_to(struct client_round *round, struct client *client, struct span address) {
    prepare(round, client);
    add_address(round, address);
    begin(round);
}

void client_round_cancel(struct client_round *round) {
    if (round->client == NULL)
        return;
    remoting_cancel(&round->client->remoting, round);
    buf_deinit(&round->addresses);
    round->client = NULL;
}
