/* wire/remoting.h - one node's remoting endpoint: connections, requests out, requests in.
 *
 * Symmetric: either end of a connection may send requests. Outgoing connections are kept one per
 * address and opened by the first request to it (client.md 2.1: no back-off, no background
 * reconnect). A connection without a byte in either direction for idle_close_ns is closed, on both
 * sides (client.md T-IDLE, wire.md 8.3). Owner: one struct remoting per node, embedded. */
#ifndef MODEL_WIRE_REMOTING_H
#define MODEL_WIRE_REMOTING_H

#include "model/base/list.h"
#include "model/env.h"
#include "model/wire/codes.h"
#include "model/wire/frame.h"
#include "model/wire/header.h"
#include "model/wire/signature.h"

struct remoting;

/* A connection as its user sees it. Valid until on_channel_closed returned. */
struct channel;
/* Number of this channel in its node, from 1, never reused. */
uint64_t channel_id(const struct channel *channel);
/* Remote address: for a dialled one the text that was dialled, else "ip:port". NUL-terminated. */
const char *channel_peer(const struct channel *channel);
/* It was accepted by the second port. */
bool channel_is_second(const struct channel *channel);
/* The endpoint it belongs to. */
struct remoting *channel_remoting(const struct channel *channel);
void *channel_user(const struct channel *channel);
void channel_set_user(struct channel *channel, void *user);
/* Ends it like channel loss: on_channel_closed follows before this returns, and what was asked over
 * it fails with RMQ_E_CLOSED. `reason` goes into the channel.closed event. Allowed in callbacks. */
void channel_close(struct channel *channel, const char *reason);

struct remoting_handler {
    /* A request arrived. Answer now or later with remoting_answer (not for oneway ones). The
     * command and its spans end with this call, or with a remoting_deinit in it. */
    void (*on_request)(void *ctx, struct channel *channel, const struct wire_command *request);
    /* May be NULL. Not called for a dial that never opened, nor by remoting_deinit. reason: close
     * (FIN), reset, timeout (a sync request was not answered, or the peer no longer acknowledges),
     * idle, protocol (a frame that does not decode), slow (see remoting_answer), greedy (see
     * kept_bytes), memory (none left for what it sent), or what channel_close was given. */
    void (*on_channel_closed)(void *ctx, struct channel *channel, const char *reason);
};

struct remoting_config {
    int32_t version;             /* header version of what we send: WIRE_VERSION_... */
    enum wire_language language; /* default OTHER: CPP changes an answer's shape (wire.md 20.3) */
    enum wire_serialization
        serialization;           /* of requests, default binary; answers copy the asker's */
    uint64_t idle_close_ns;      /* 0: never. Default 120 s */
    uint64_t connect_timeout_ns; /* default 3 s */
    size_t channels_max;         /* default 20,000; above: accepted ones are closed */
    size_t pending_max;          /* outstanding requests, default 65,535 */
    size_t kept_bytes_max;       /* of all channels, default 256 MiB: see remoting.kept_bytes */
};
void remoting_config_default(struct remoting_config *config);

struct remoting_pending;

/* Initialise with remoting_init; the members are remoting's own, the counters anybody's to read. */
struct remoting {
    struct env *env;
    struct remoting_config config;
    const struct remoting_handler *handler;
    void *ctx;
    /* A connection that was dialled is open; NULL after remoting_init. What waited for it has been
     * sent. */
    void (*on_opened)(void *ctx, struct channel *channel);
    /* A request was answered, `took_ns` after it arrived; NULL after remoting_init. Its owner's
     * answer functions call it (broker/answer.c). */
    void (*on_answered)(void *ctx, int32_t code, uint64_t took_ns);
    /* What requests are signed with; its texts are the owner's. All zero after remoting_init: they
     * are not. */
    struct wire_credentials credentials;
    struct env_listener *listener;
    struct env_listener *second; /* remoting_listen_second; NULL: none */
    struct list accepted;        /* channels, in order of creation */
    struct list dialled;
    struct list pending;               /* outstanding requests, in order of start */
    struct remoting_pending **buckets; /* the same by opaque; a power of two, or NULL */
    size_t bucket_count;
    size_t channel_count;
    size_t pending_count;
    /* Beginnings of frames whose rest has not come, and frames that wait for peers to read. Above
     * kept_bytes_max the channel that keeps the most is closed with reason "greedy", in a later
     * handler: peers that send half frames or do not read share a bound instead of having one
     * each. */
    size_t kept_bytes;
    bool shedding; /* one was chosen */
    uint64_t next_channel_id;
    int32_t next_opaque;
    bool stopping;
    struct buf encode;  /* reused for the head of each outgoing frame; kept below 1 KiB */
    struct buf scratch; /* reused by each decode; the same */
    /* counters */
    uint64_t frames_in, frames_out, frames_refused, answers_unmatched;
};

/* `handler` must outlive the remoting. */
void remoting_init(struct remoting *remoting, struct env *env, const struct remoting_config *config,
                   const struct remoting_handler *handler, void *ctx);
/* Serves `port`. Errors of env_listen. */
int remoting_listen(struct remoting *remoting, uint16_t port) RMQ_CHECK_RESULT;
/* Serves another port as well, whose channels tell (a broker's "fast" port, wire.md 8.2). */
int remoting_listen_second(struct remoting *remoting, uint16_t port) RMQ_CHECK_RESULT;
/* Closes everything (channel.closed with reason "ours", no on_channel_closed), fails pending
 * requests with RMQ_E_CLOSED, frees. Allowed in a callback, whose command ends with it, but not in
 * a done function that it calls itself. */
void remoting_deinit(struct remoting *remoting);

/* Outcome of a request: status RMQ_OK and the response, or an error and NULL: RMQ_E_TIMEOUT,
 * RMQ_E_REFUSED/UNREACHABLE/INVALID (connect; RMQ_E_TIMEOUT after connect_timeout_ns),
 * RMQ_E_CLOSED/RESET (connection ended; a FIN fails what is in flight at once, as 5.3.3 does,
 * client.md 2.3), RMQ_E_FULL (pending_max, or the bytes that wait for the connection),
 * RMQ_E_RANGE/LIMIT (does not encode), RMQ_E_NOMEM. The response ends with the call. */
typedef void remoting_done_fn(void *ctx, int status, const struct wire_command *response);

enum remoting_mode {
    REMOTING_SYNC, /* as a thread waiting in Java: fires exactly at the timeout and closes the
                      connection if it is open (clientCloseSocketIfTimeout as 4.9 has it), which
                      fails everything else on it */
    REMOTING_ASYNC /* only fails the request */
};

/* Sends `request` (opaque, version, language, serialization and flag are filled in) to "host:port",
 * connecting first where needed; connect time counts against timeout_ns. `done` comes once, in a
 * later handler or (E2 does not bind the model) before return for errors known at once. */
void remoting_call(struct remoting *remoting, struct span address, struct wire_command *request,
                   enum remoting_mode mode, uint64_t timeout_ns, remoting_done_fn *done, void *ctx);
/* Same over an existing channel (a server asking its client). */
void remoting_call_channel(struct remoting *remoting, struct channel *channel,
                           struct wire_command *request, enum remoting_mode mode,
                           uint64_t timeout_ns, remoting_done_fn *done, void *ctx);
/* Oneway; a connection is opened where needed and the frame follows when it opens. */
int remoting_oneway(struct remoting *remoting, struct span address,
                    struct wire_command *request) RMQ_CHECK_RESULT;
int remoting_oneway_channel(struct remoting *remoting, struct channel *channel,
                            struct wire_command *request) RMQ_CHECK_RESULT;
/* Forgets outstanding requests whose ctx is `ctx`: their done is not called. What still waits for
 * its connection is not sent. */
void remoting_cancel(struct remoting *remoting, void *ctx);

/* The channel to `address` when it is open, else NULL. */
struct channel *remoting_find(struct remoting *remoting, struct span address);
/* Opens (or finds) a connection to `address`; `done` says when it is usable (at once when it is
 * open) or why not; its response is NULL. */
void remoting_connect(struct remoting *remoting, struct span address, uint64_t timeout_ns,
                      remoting_done_fn *done, void *ctx);

/* Answers `request` (its flag, opaque and serialization are all that is used of it, so that a later
 * answer needs only these): response flag, opaque and the asker's serialization are filled in;
 * nothing is sent for a oneway request.
 *
 * Back-pressure: what the peer does not take waits in a queue of this channel, 16 MiB at most. What
 * does not fit is RMQ_E_FULL, and the channel is closed with reason "slow" in a later handler.
 * While frames wait, requests are still read: two peers that both stopped reading would wait for
 * each other for ever. Other errors: RMQ_E_CLOSED, RMQ_E_NOMEM, and those of wire_encode. */
int remoting_answer(struct remoting *remoting, struct channel *channel,
                    const struct wire_command *request, struct wire_command *response);
/* Shorthand: a code and a remark (may be absent), no fields, no body. */
int remoting_answer_code(struct remoting *remoting, struct channel *channel,
                         const struct wire_command *request, int32_t code, struct span remark);

#endif
