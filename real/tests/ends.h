/* ends.h - for tests of streams: ends of connections that note what they are told, and plain
 * sockets as their peers. */
#ifndef REAL_TESTS_ENDS_H
#define REAL_TESTS_ENDS_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "real/tests/nodes.h"

/* One end in a node: counts and hashes what comes. */
struct end {
    struct env *env;
    struct env_conn *conn; /* NULL: closed */
    bool opened, closed, drained, echoes, closes_at_data;
    int reason;
    uint64_t bytes, sum, handlers;
    uint64_t room; /* largest run of bytes in one handler */
};

UNUSED static uint64_t sum_bytes(uint64_t sum, struct span bytes) {
    for (size_t i = 0; i < bytes.len; i++) {
        sum = sum * 31 + bytes.data[i];
    }
    return sum;
}

UNUSED static void end_opened(struct env_conn *conn, void *ctx) {
    struct end *end = ctx;
    ck_assert_ptr_eq(conn, end->conn);
    ck_assert(!end->opened);
    end->opened = true;
}

UNUSED static void end_data(struct env_conn *conn, void *ctx, struct span bytes) {
    struct end *end = ctx;
    ck_assert_uint_gt(bytes.len, 0);
    end->bytes += bytes.len;
    end->sum = sum_bytes(end->sum, bytes);
    end->handlers++;
    if (bytes.len > end->room)
        end->room = bytes.len;
    if (end->echoes)
        ck_assert_int_eq(env_conn_write(conn, &bytes, 1), RMQ_OK);
    if (end->closes_at_data) {
        env_conn_close(conn);
        end->conn = NULL;
    }
}

UNUSED static void end_drained(struct env_conn *conn, void *ctx) {
    (void)conn;
    ((struct end *)ctx)->drained = true;
}

UNUSED static void end_closed(struct env_conn *conn, void *ctx, int reason) {
    struct end *end = ctx;
    ck_assert_ptr_eq(conn, end->conn);
    ck_assert(!end->closed);
    end->closed = true;
    end->reason = reason;
    end->conn = NULL;
}

static const struct env_conn_handler END_HANDLER = {end_opened, end_data, end_drained, end_closed};

/* ---- what a handler of a node is to do ------------------------------------------------------ */

struct order {
    struct env *env;
    struct env_listener *listener;
    uint16_t port;
    struct end *end;
    const char *address;
    struct span bytes;
    int err;
    struct end *accepted; /* those that are accepted, in turn */
    size_t accepted_count, accepted_max;
    env_accept_fn *accept;
};

UNUSED static void on_accept(struct env_listener *listener, void *ctx, struct env_conn *conn) {
    struct order *order = ctx;
    ck_assert_ptr_eq(listener, order->listener);
    if (order->accepted_count == order->accepted_max) {
        env_conn_close(conn);
        return;
    }
    struct end *end = &order->accepted[order->accepted_count++];
    end->env = order->env;
    end->conn = conn;
    env_conn_bind(conn, &END_HANDLER, end);
}

UNUSED static void do_listen(void *ctx) {
    struct order *order = ctx;
    order->err = env_listen(order->env, order->port, on_accept, order, &order->listener);
    if (order->err == RMQ_OK)
        order->port = env_listener_port(order->listener);
}

UNUSED static void do_unlisten(void *ctx) {
    env_listener_close(((struct order *)ctx)->listener);
}

UNUSED static void do_dial(void *ctx) {
    struct order *order = ctx;
    order->end->env = order->env;
    order->err = env_dial(order->env, span_of_text(order->address), &END_HANDLER, order->end,
                          &order->end->conn);
}

UNUSED static void do_write(void *ctx) {
    struct order *order = ctx;
    order->err = env_conn_write(order->end->conn, &order->bytes, 1);
}

UNUSED static void do_close(void *ctx) {
    struct order *order = ctx;
    env_conn_close(order->end->conn);
    order->end->conn = NULL;
}

UNUSED static void do_pause(void *ctx) {
    env_conn_pause(((struct order *)ctx)->end->conn);
}

UNUSED static void do_resume(void *ctx) {
    env_conn_resume(((struct order *)ctx)->end->conn);
}

UNUSED static void tell(struct env *env, void (*what)(void *ctx), struct order *order) {
    order->env = env;
    real_node_call(env, what, order);
}

/* ---- plain sockets -------------------------------------------------------------------------- */

UNUSED static struct sockaddr_in loopback(uint16_t port) {
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

UNUSED static int plain_dial(uint16_t port) {
    struct sockaddr_in to = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(connect(fd, (const struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

/* A listening socket of its own; *port is where. */
UNUSED static int plain_listen(int backlog, uint16_t *port) {
    struct sockaddr_in at = loopback(0);
    socklen_t bytes = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, (const struct sockaddr *)&at, sizeof at), 0);
    ck_assert_int_eq(listen(fd, backlog), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &bytes), 0);
    *port = ntohs(at.sin_port);
    return fd;
}

/* Closing sends a reset. */
UNUSED static void plain_reset(int fd) {
    struct linger now = {1, 0};
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now), 0);
    close(fd);
}

/* A peer that the loop serves: reads what there is until the end or until it would block; *end says
 * which. Returns the bytes. */
UNUSED static size_t plain_read(int fd, bool *ended) {
    static char bytes[1 << 16];
    size_t total = 0;
    for (;;) {
        ssize_t got = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
        *ended = got == 0;
        if (got <= 0)
            return total;
        total += (size_t)got;
    }
}

UNUSED static char *own_address(uint16_t port) {
    static char text[ENV_ADDRESS_MAX];
    snprintf(text, sizeof text, "127.0.0.1:%u", (unsigned)port);
    return text;
}

#endif
