/* client/client_internal.h - the parts of one client instance. */
#ifndef MODEL_CLIENT_CLIENT_INTERNAL_H
#define MODEL_CLIENT_CLIENT_INTERNAL_H

#include "model/base/fixed_rate.h"
#include "model/base/props.h"
#include "model/client/name_servers.h"
#include "model/client/route_cache.h"

/* A topic and its cached route. Routes are replaced, never removed (client.md 4.3, rule 2). */
struct client_topic {
    struct span name;
    struct route *route; /* NULL: none yet */
};

/* Polls all topics, one after the other, on the client's serial worker. */
struct client_poll {
    struct name_server_call call;
    size_t next; /* the topic that is asked for */
    size_t answered;
    uint32_t rounds; /* begun */
    uint64_t begin_ns;
};

struct client {
    struct env *env;
    struct remoting remoting;
    bool remoting_up;
    struct name_servers servers;
    struct client_topic *topics; /* one block with their names */
    size_t topic_count;
    struct fixed_rate worker;
    struct fixed_rate_task poll_task;
    struct client_poll poll;
    struct list orders; /* administrators' orders under way (admin.c) */
    uint32_t api_timeout_ms;
};

/* ---- poll.c ---------------------------------------------------------------------------------- */
void client_poll_start(struct client *client, uint32_t interval_ms);

/* ---- admin.c --------------------------------------------------------------------------------- */
/* Begins the order of a role command. RMQ_E_INVALID: unknown, or an argument is missing or wrong;
 * RMQ_E_NOMEM. */
int client_order(struct client *client, const struct props *command) RMQ_CHECK_RESULT;
/* Ends all orders without a word. */
void client_orders_cancel(struct client *client);

#endif
