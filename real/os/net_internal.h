/* os/net_internal.h - connections and listeners, as the net files share them.
 *
 * A connection is a non-blocking socket under a uv_poll. It is read once per turn, into the loop's
 * one input buffer, and no more than its share by the number of those that were read in the turn
 * before: endless input of some delays the others by what is done for REAL_TURN_INPUT_BYTES. Those
 * that always have more, and whose bytes take long to handle (requests pipelined by thousands),
 * share REAL_TURN_BUSY_NS of a turn, so that others do not wait behind them. What it writes is kept
 * until the end of the turn and sent by one call. Closed by us, it lingers (linger_ns at most): the
 * rest of its output goes out, then FIN, then what the peer still sends is read and dropped until
 * its FIN, since closing a socket with unread input resets the connection and may take what was
 * written with it. */
#ifndef REAL_OS_NET_INTERNAL_H
#define REAL_OS_NET_INTERNAL_H

#include <netinet/in.h>
#include <uv.h>

#include "model/env.h"
#include "real/os/job.h"

struct real_loop;

#define REAL_INPUT_BYTES (128U << 10)      /* of one connection in a turn, at most */
#define REAL_INPUT_BYTES_MIN (8U << 10)    /* ... when many have something */
#define REAL_TURN_INPUT_BYTES (256U << 10) /* what those that have something share in a turn */
#define REAL_TURN_BUSY_NS 500000U          /* of a turn, for those that always have more */
#define REAL_SHARE_MIN (2U << 10)          /* ... whose own share is never less */
#define REAL_LINGER_NS 30000000000ULL      /* default of linger_ns */
#define REAL_OUTPUT_BYTES (256U << 20)     /* of all connections of a loop, default of output_max */
#define REAL_PENDING_BYTES (1U << 20)      /* conn_pending_max, default */
#define REAL_KEEP_ALIVE_S 120         /* a silent peer is asked after this, again after a quarter */
#define REAL_UNACKNOWLEDGED_MS 120000 /* bytes that the peer does not acknowledge end it */

/* ---- output --------------------------------------------------------------------------------- */

struct real_chunk {
    struct real_chunk *next;
    size_t start, end, capacity; /* bytes [start, end) are not sent yet */
    uint8_t bytes[];
};

/* Bytes that wait for a socket, in chunks. Zero-initialised. */
struct real_output {
    struct real_chunk *first, *last;
    size_t bytes;
};

/* ---- the loop's part ------------------------------------------------------------------------ */

struct real_net {
    struct list dirty;     /* struct env_conn, of_dirty: have output of this turn */
    struct list lingering; /* struct env_conn, of_node: closed by us, the oldest first */
    uint64_t linger_ns;
    size_t output_bytes, output_max; /* of all connections: waiting to be sent */
    uint8_t *input;     /* REAL_INPUT_BYTES; each read's bytes until its on_data returns */
    size_t input_share; /* what one connection reads in a turn */
    size_t readers;     /* connections that were read since the last turn ended */
    size_t backlogged, backlogged_before; /* of them, had more than their share; a turn ago */
    struct real_chunk *spare_chunks;      /* some of the usual size, to be used again */
    size_t spare_chunk_count;
    int spare_fd; /* given up to refuse a connection when no descriptor is left; -1: none */
};

/* ---- addresses ------------------------------------------------------------------------------ */

union real_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static inline socklen_t real_address_bytes(const union real_address *address) {
    return address->any.sa_family == AF_INET6 ? sizeof address->v6 : sizeof address->v4;
}
/* An IPv4 or IPv6 address in text, without a name to resolve. RMQ_E_INVALID. */
int real_address_parse(const char *ip, uint16_t port, union real_address *out) RMQ_CHECK_RESULT;
/* "ip:port"; an IPv6 address in brackets, one that stands for an IPv4 address as that. */
void real_address_text(const union real_address *address, char out[ENV_ADDRESS_MAX]);

/* ---- connections ---------------------------------------------------------------------------- */

enum real_conn_state {
    REAL_CONN_DIALLING, /* being resolved or connected */
    REAL_CONN_OPEN,
    REAL_CONN_ENDING,    /* in on_close */
    REAL_CONN_LINGERING, /* closed by us: E6, the node's handle is gone */
    REAL_CONN_GONE       /* its memory goes in a later job */
};

struct real_dial; /* net_dial.c */

struct env_conn {
    struct env *env; /* NULL once the node's handle is gone */
    struct real_loop *loop;
    struct list of_node; /* env->conns or loop->net.lingering */
    struct list of_dirty;
    uv_poll_t *poll; /* NULL: no socket yet */
    int fd;
    int events;     /* that are polled for */
    uint32_t share; /* what it reads in a turn; 0: net->input_share */
    enum real_conn_state state;
    bool paused;
    bool deaf; /* paused, and polling for errors would spin */
    bool wants_drain;
    bool blocked; /* the socket is full: output waits for it to be writable */
    bool fin_sent;
    bool last_words; /* lingers for a node that ended */
    int failed;      /* RMQ_E_ of a dial, or of a send: told when what has arrived is read */
    size_t pending_max;
    const struct env_conn_handler *handler;
    void *ctx;
    struct real_output output;
    struct real_dial *dial;
    struct real_job job;
    struct env_timer linger; /* of the loop */
    union real_address peer;
};

struct env_listener {
    struct env *env;
    struct real_loop *loop;
    struct list of_node;
    uv_poll_t *poll;
    int fd;
    uint16_t port;
    bool closed; /* its memory goes in a later job */
    struct real_job job;
    env_accept_fn *accept;
    void *ctx;
    struct env_timer resume; /* of the loop: accepting goes on */
    uint64_t refused;        /* connections that were ended for want of room since the last word */
    uint64_t refused_at_ns;
};

/* net_conn.c */

/* A connection of `env` without a socket, among its own. NULL: no memory. */
struct env_conn *real_conn_new(struct env *env);
/* It gets the non-blocking socket `fd`. RMQ_E_NOMEM, RMQ_E_IO: the caller keeps it. */
int real_conn_attach(struct env_conn *conn, int fd) RMQ_CHECK_RESULT;
/* Closes its socket, with a reset if `reset`. */
void real_conn_detach(struct env_conn *conn, bool reset);
/* Polls for what the state asks for. */
void real_conn_watch(struct env_conn *conn);
/* It is over for `reason`: a later handler is on_close. */
void real_conn_fail(struct env_conn *conn, int reason);
/* Tells on_close and ends it. Outside of handlers. */
void real_conn_end(struct env_conn *conn, int reason);
/* Ends it without a word and lets the socket go, with a reset if `reset`. */
void real_conn_release(struct env_conn *conn, bool reset);
/* Ours no more: what was written is delivered, then FIN. */
void real_conn_linger(struct env_conn *conn);
/* Sends what it has written, as far as the socket takes it. */
void real_conn_flush(struct env_conn *conn);
/* errno of a socket as the reason of on_close. */
int real_reason(int error, bool open);
/* What every stream socket is set to (listeners hand it down). */
void real_socket_options(int fd);

/* net_output.c */

/* Appends all spans, `total` bytes, counted in net->output_bytes. RMQ_E_NOMEM: nothing. */
int real_output_add(struct real_net *net, struct real_output *output, const struct span *spans,
                    size_t count, size_t total) RMQ_CHECK_RESULT;
/* Sends what the socket takes, by one call if it can. 0, or errno: EAGAIN when something is left.
 */
int real_output_send(struct real_net *net, struct real_output *output, int fd);
void real_output_drop(struct real_net *net, struct real_output *output);

/* net_dial.c: what becomes of a connection that dials when its socket is ready, and when it goes.
 */
void real_dial_ready(struct env_conn *conn);
void real_dial_drop(struct env_conn *conn);

/* net_listen.c */
void real_listener_release(struct env_listener *listener);

#endif
