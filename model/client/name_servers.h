/* client/name_servers.h - the list of name servers of one node, and which one it asks.
 *
 * Clients (and 5.3 brokers, for what they ask one name server only) keep to one: it is chosen at
 * random, stays chosen as long as its connection is open, and is left for the next of the shuffled
 * list when it is not (client.md 2.4, namesrv.md 18.1; NettyRemotingClient.java,
 * getAndCreateNameserverChannel). Within one call a 4.9 node tries up to the whole list, up to 3 s
 * each; a 5.3 node tries one. Connecting counts against the call's timeout: when it is used up, the
 * call fails without being sent, and 4.9 even closes the new connection.
 *
 * 5.3 nodes also probe all of the list every 3 s: a missing connection is dialled
 * (scanAvailableNameSrv). Registrations go to name servers whose first dial has ended; in 5.3.3 it
 * does not matter how it ended. Differs: the probe's timer runs only while a connection is missing,
 * at the same instants.
 *
 * Owner: embedded in a node. Calls are embedded in their owners, nothing is allocated per call. */
#ifndef MODEL_CLIENT_NAME_SERVERS_H
#define MODEL_CLIENT_NAME_SERVERS_H

#include "model/wire/remoting.h"

struct name_servers;

struct name_server {
    struct name_servers *owner;
    struct span address;
    uint64_t accepted_ns; /* a broker's: it last said yes to a registration; 0: never */
    uint32_t shuffled;    /* index of the server at this place of the shuffled order */
    bool probed;          /* its first dial has ended: registrations of 5.3 include it */
    bool probing;         /* a dial of the probe is under way */
};

/* One request to the chosen name server, sent when it is known and connected. */
struct name_server_call {
    struct list link;
    /* Fills the request: code, fields, body; spans must live until return of `build`'s caller, so
     * they point into the owner or static text. */
    void (*build)(void *ctx, struct wire_command *request);
    remoting_done_fn *done;
    void *ctx;
    uint64_t timeout_ns;
    uint64_t begin_ns; /* private from here on */
    uint32_t tries;
    int last_error;
    bool active;
};

struct name_servers {
    struct env *env;
    struct remoting *remoting;
    struct name_server *servers; /* in configured order */
    uint32_t count;
    uint32_t next;   /* the rotating index */
    uint32_t chosen; /* index into servers; count: none */
    bool profile_5_3;
    bool chosen_open;                    /* and reported as such */
    bool report;                         /* client.name_server_* events */
    struct list waiting;                 /* calls behind the one that connects */
    struct name_server_call *connecting; /* NULL: none */
    struct list sent;                    /* calls that wait for their answer */
    struct env_timer probe;              /* 5.3 */
    uint64_t probe_origin_ns;            /* 0: not probing */
};

#define NAME_SERVER_CONNECT_NS UINT64_C(3000000000)

/* Takes a copy of `list` ("host:port" separated by ';', empty parts skipped; may be absent or
 * empty), shuffles it and draws where to begin. RMQ_E_INVALID, RMQ_E_NOMEM. */
int name_servers_init(struct name_servers *servers, struct env *env, struct remoting *remoting,
                      struct span list, bool profile_5_3, bool report) RMQ_CHECK_RESULT;
/* Cancels all calls (no done) and frees. */
void name_servers_deinit(struct name_servers *servers);

/* Sends `call` (its first five members set) to the chosen name server. done comes once: with the
 * answer, or RMQ_E_TIMEOUT, a connection's error, or RMQ_E_UNREACHABLE for an empty list. */
void name_servers_call(struct name_servers *servers, struct name_server_call *call);

/* Forgets `call` if it is under way: its done is not called. */
void name_servers_cancel(struct name_servers *servers, struct name_server_call *call);

/* 5.3: starts probing, at once and then every 3 s. */
void name_servers_probe(struct name_servers *servers);

/* The node's on_channel_closed passes every closed channel here. */
void name_servers_channel_closed(struct name_servers *servers, const char *peer,
                                 const char *reason);

/* Does `text` look like "host:port" with a port of 1 to 65535? */
bool name_server_address_valid(struct span text);

#endif
