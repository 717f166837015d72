/* wire/remoting_internal.h - channels and pending requests, as the remoting files share them.
 *
 * remoting.c: set-up, accept, dial, answers. remoting_channel.c: one connection: framing, writing,
 * idle close, its end. remoting_call.c: requests out and what becomes of them.
 *
 *   R1  A channel is in `accepted` or `dialled` until it is closed, in no list afterwards.
 *   R2  A closed channel has no connection, timer, queue or pending request; its memory lives until
 *       the last callback that it runs has returned (depth).
 *   R3  A pending request is in the remoting's list, in its channel's list and, unless it only
 * waits for the connection, in its bucket; its timer is armed. R4  After a callback, the remoting
 * may be gone; the channel that made it is not. */
#ifndef MODEL_WIRE_REMOTING_INTERNAL_H
#define MODEL_WIRE_REMOTING_INTERNAL_H

#include "model/base/check.h"
#include "model/events.h"
#include "model/wire/remoting.h"

#define REMOTING_QUEUE_BYTES_MAX WIRE_FRAME_BYTES_MAX
#define REMOTING_BUFFER_KEEP_BYTES 1024

enum channel_state { CHANNEL_CONNECTING, CHANNEL_OPEN, CHANNEL_CLOSED };

struct channel {
    struct list link;    /* R1 */
    struct list pending; /* requests over it, in order of start */
    struct list queue;   /* frames that wait: for the connection, or for the peer to read */
    struct remoting *remoting;
    struct env_conn *conn;
    void *user;
    uint64_t id;
    uint64_t last_io_ns;    /* mono; a byte came or went */
    struct env_timer timer; /* connecting: connect timeout; open: idle close, or "slow" at once */
    uint8_t *tail;          /* the beginning of a frame whose rest has not come; else NULL */
    uint32_t tail_len;
    uint32_t tail_room;
    uint32_t queue_bytes;
    uint32_t peer_len;
    uint16_t depth; /* callbacks that run now */
    uint8_t state;
    bool inbound : 1;
    bool second : 1; /* accepted by the second port */
    bool slow : 1;   /* its queue overflowed, the timer closes it */
    bool greedy : 1; /* it keeps too much, the timer closes it */
    char peer[];
};

struct outgoing {
    struct list link;
    struct remoting_pending *pending; /* whose request it is, or NULL */
    size_t len;
    uint8_t bytes[];
};

struct remoting_pending {
    struct list link;              /* in the remoting */
    struct list channel_link;      /* in the channel */
    struct remoting_pending *next; /* in the bucket */
    struct remoting *remoting;
    struct channel *channel;
    remoting_done_fn *done;
    void *ctx;
    struct outgoing *queued; /* its frame, while that waits */
    struct env_timer timer;
    int32_t opaque;
    int status; /* what it ends with when its channel does, if not the channel's */
    uint8_t mode;
    bool connect_only; /* waits for the connection, has no frame */
};

/* ---- remoting_channel.c ---- */
/* NULL without memory. Until accepted or dialled, env_free undoes it. */
struct channel *channel_create(struct remoting *remoting, struct span peer, bool inbound);
/* Takes an open connection of the listener. */
void channel_accept(struct channel *channel, struct env_conn *conn);
/* Begins to connect; on error nothing has happened. */
int channel_dial(struct channel *channel, struct span address) RMQ_CHECK_RESULT;
/* Ends it: event, on_channel_closed, then its pending requests fail with `status`. */
void channel_end(struct channel *channel, const char *reason, int status);
/* Writes or queues one frame; *queued is its place in the queue, else NULL. */
int channel_send(struct channel *channel, const struct wire_command *command,
                 struct outgoing **queued) RMQ_CHECK_RESULT;
/* Takes a frame out of the queue, unsent. */
void channel_unqueue(struct channel *channel, struct outgoing *frame);

/* ---- remoting_call.c ---- */
/* Ends a pending request: unlinks, frees, calls done. */
void pending_finish(struct remoting_pending *pending, int status,
                    const struct wire_command *response);
/* Gives a response to who waits for it; false when nobody does. */
bool pending_answer(struct remoting *remoting, struct channel *channel,
                    const struct wire_command *response);
/* Calls those that only waited for the connection. */
void pending_connected(struct channel *channel);

/* ---- remoting.c ---- */
/* The dialled channel to `address`, connecting or open, or a new one. */
int remoting_reach(struct remoting *remoting, struct span address,
                   struct channel **out) RMQ_CHECK_RESULT;
/* Fills in what every request of ours carries. */
void remoting_stamp(struct remoting *remoting, struct wire_command *command, int32_t flag);

#endif
