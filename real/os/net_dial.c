/* os/net_dial.c - dialling: the name is resolved by libuv's pool, the addresses are tried in turn.
 */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "real/os/env_internal.h"

#define HOST_BYTES 256

/* Of a name that has to be resolved. Lives until the resolver has answered. */
struct real_dial {
    struct env_conn *conn; /* NULL: given up */
    uv_getaddrinfo_t request;
    bool resolving;
    struct addrinfo *addresses, *next;
};

/* ---- connecting ----------------------------------------------------------------------------- */

/* Begins to connect to conn->peer. 0, or errno. */
static int try_address(struct env_conn *conn) {
    int fd = socket(conn->peer.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    real_socket_options(fd);
    int error = 0;
    if (connect(fd, &conn->peer.any, real_address_bytes(&conn->peer)) != 0)
        error = errno == EINPROGRESS ? 0 : errno;
    if (error == 0 && real_conn_attach(conn, fd) != RMQ_OK)
        error = ENOMEM;
    if (error != 0) {
        close(fd);
        return error;
    }
    real_conn_watch(conn);
    return 0;
}

/* The next of the resolved addresses; `error` is why the one before failed. 0, or errno. */
static int try_next(struct env_conn *conn, int error) {
    struct real_dial *dial = conn->dial;
    while (dial != NULL && dial->next != NULL) {
        const struct addrinfo *each = dial->next;
        dial->next = each->ai_next;
        if (each->ai_addrlen > sizeof conn->peer)
            continue;
        memcpy(&conn->peer, each->ai_addr, each->ai_addrlen);
        error = try_address(conn);
        if (error == 0)
            return 0;
    }
    return error;
}

/* A dial to a free port of this host that happens to be the one the kernel chose for its own end
 * connects to itself: nobody listens there. */
static bool is_own_end(const struct env_conn *conn) {
    union real_address own;
    socklen_t bytes = sizeof own;
    if (getsockname(conn->fd, &own.any, &bytes) != 0)
        return false;
    return bytes == real_address_bytes(&conn->peer) && memcmp(&own, &conn->peer, bytes) == 0;
}

static void opened(struct env_conn *conn) {
    struct env *env = conn->env;
    real_dial_drop(conn);
    conn->state = REAL_CONN_OPEN;
    real_enter(env);
    if (conn->handler->on_open != NULL)
        conn->handler->on_open(conn, conn->ctx);
    real_leave(env);
    real_conn_watch(conn);
}

void real_dial_ready(struct env_conn *conn) {
    int error = 0;
    socklen_t bytes = sizeof error;
    getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &error, &bytes);
    if (error == 0 && is_own_end(conn))
        error = ECONNREFUSED;
    if (error == 0) {
        opened(conn);
        return;
    }
    real_conn_detach(conn, false);
    error = try_next(conn, error);
    if (error != 0)
        real_conn_end(conn, real_reason(error, false));
}

/* ---- resolving ------------------------------------------------------------------------------ */

static void free_dial(struct real_dial *dial) {
    uv_freeaddrinfo(dial->addresses);
    free(dial);
}

void real_dial_drop(struct env_conn *conn) {
    struct real_dial *dial = conn->dial;
    if (dial == NULL)
        return;
    conn->dial = NULL;
    dial->conn = NULL;
    if (!dial->resolving) {
        free_dial(dial);
    } else {
        uv_cancel((uv_req_t *)&dial->request); /* on_resolved comes in any case */
    }
}

static void on_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *addresses) {
    struct real_dial *dial = RMQ_CONTAINER_OF(request, struct real_dial, request);
    struct env_conn *conn = dial->conn;
    dial->resolving = false;
    dial->addresses = dial->next = addresses;
    if (conn == NULL) {
        free_dial(dial);
        return;
    }
    if (status != 0) {
        real_conn_end(conn, RMQ_E_INVALID);
        return;
    }
    int error = try_next(conn, EHOSTUNREACH);
    if (error != 0)
        real_conn_end(conn, real_reason(error, false));
}

static int resolve(struct env_conn *conn, const char *host, uint16_t port) {
    static const struct addrinfo HINTS = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    char service[8];
    struct real_dial *dial = calloc(1, sizeof *dial);
    if (dial == NULL)
        return RMQ_E_NOMEM;
    snprintf(service, sizeof service, "%u", (unsigned)port);
    if (uv_getaddrinfo(&conn->loop->uv, &dial->request, on_resolved, host, service, &HINTS) != 0) {
        free(dial);
        return RMQ_E_INVALID;
    }
    dial->conn = conn;
    dial->resolving = true;
    conn->dial = dial;
    return RMQ_OK;
}

/* ---- the door ------------------------------------------------------------------------------- */

/* Takes "host:port" or "[v6]:port" apart. */
static int parse(struct span address, char host[HOST_BYTES], uint16_t *port) {
    size_t colon = address.len;
    while (colon > 0 && address.data[colon - 1] != ':') {
        colon--;
    }
    if (colon < 2 || colon - 1 >= HOST_BYTES)
        return RMQ_E_INVALID;
    int32_t number;
    struct span name = span_of(address.data, colon - 1);
    if (span_to_i32(span_from(address, colon), &number) != RMQ_OK || number < 1 || number > 65535)
        return RMQ_E_INVALID;
    if (name.len > 2 && name.data[0] == '[' && name.data[name.len - 1] == ']')
        name = span_of(name.data + 1, name.len - 2);
    if (memchr(name.data, 0, name.len) != NULL)
        return RMQ_E_INVALID;
    memcpy(host, name.data, name.len);
    host[name.len] = '\0';
    *port = (uint16_t)number;
    return RMQ_OK;
}

int env_dial(struct env *env, struct span address, const struct env_conn_handler *handler,
             void *ctx, struct env_conn **out) {
    real_call(env);
    RMQ_ASSERT(handler != NULL);
    if (env->conn_count >= env->options.connections_max)
        return RMQ_E_FULL;
    struct env_conn *conn = real_conn_new(env);
    if (conn == NULL)
        return RMQ_E_NOMEM;
    conn->handler = handler;
    conn->ctx = ctx;
    char host[HOST_BYTES];
    uint16_t port;
    int err = parse(address, host, &port);
    if (err == RMQ_OK && real_address_parse(host, port, &conn->peer) == RMQ_OK) {
        int error = try_address(conn);
        err = error == 0 ? RMQ_OK : error == EMFILE ? RMQ_E_FULL : real_reason(error, false);
    } else if (err == RMQ_OK) {
        err = resolve(conn, host, port);
    }
    if (err == RMQ_E_NOMEM || err == RMQ_E_FULL) {
        real_conn_release(conn, false);
        return err;
    }
    if (err != RMQ_OK)
        real_conn_fail(conn, err);
    *out = conn;
    return RMQ_OK;
}
