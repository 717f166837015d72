/* client/rounds.h - one request to each of many brokers, one after the other, as Java's loops of
 * blocking calls do (heartbeats, unregistering).
 *
 * Owner: embedded. Addresses are those known when the round began. */
#ifndef MODEL_CLIENT_ROUNDS_H
#define MODEL_CLIENT_ROUNDS_H

#include "model/wire/remoting.h"

struct client;

struct client_round {
    /* Fills the request; its spans live until the round ends. */
    void (*build)(void *ctx, struct wire_command *request);
    void (*answered)(void *ctx, struct span address, int status,
                     const struct wire_command *response);
    void (*ended)(void *ctx); /* may free the round */
    void *ctx;
    struct client *client; /* private from here on */
    struct buf addresses;  /* "addr\0" each */
    size_t next;
    struct span at;
    bool sending;
    bool waiting;
};

/* Begins, with the first four members set: to all known brokers, or their masters only. `ended`
 * comes once, perhaps before return; at once when no broker is known, or without memory. */
void client_round_begin(struct client_round *round, struct client *client, bool masters_only);
/* The same to one address. */
void client_round_to(struct client_round *round, struct client *client, struct span address);
/* Ends it without a word; safe when it never began or has ended. */
void client_round_cancel(struct client_round *round);

#endif
