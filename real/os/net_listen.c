/* os/net_listen.c - listeners: accepting, and what happens when there is no room. */
#define _GNU_SOURCE /* accept4 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "real/os/env_internal.h"

#define BACKLOG 1024
#define ACCEPTS_PER_TURN 64
#define RETRY_NS 100000000ULL          /* after an error that would come again at once */
#define REFUSED_EACH_NS 10000000000ULL /* a line of the log at most this often */

/* ---- without room --------------------------------------------------------------------------- */

static void log_refused(struct env_listener *listener, const char *why) {
    struct env *env = listener->env;
    uint64_t now_ns = real_clock_ns();
    listener->refused++;
    if (listener->refused_at_ns != 0 && now_ns - listener->refused_at_ns < REFUSED_EACH_NS)
        return;
    real_enter(env);
    env_log(env, ENV_LOG_WARN, "port %u: %llu connections refused: %s", (unsigned)listener->port,
            (unsigned long long)listener->refused, why);
    real_leave(env);
    listener->refused = 0;
    listener->refused_at_ns = now_ns;
}

/* No descriptor is left: the spare one serves to take a connection from the queue and end it; what
 * lingers goes first. False: it could not be done now. */
static bool refuse_one(struct env_listener *listener) {
    struct real_net *net = &listener->loop->net;
    if (!list_is_empty(&net->lingering)) {
        real_conn_release(LIST_ENTRY(net->lingering.next, struct env_conn, of_node), false);
        return true;
    }
    log_refused(listener, "no file descriptor is left");
    if (net->spare_fd < 0 || listener->closed)
        return false;
    close(net->spare_fd);
    int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0)
        close(fd);
    net->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return fd >= 0;
}

/* ---- accepting ------------------------------------------------------------------------------ */

static void on_ready(uv_poll_t *poll, int status, int events);

static void resume(struct env *env, struct env_timer *timer) {
    struct env_listener *listener = RMQ_CONTAINER_OF(timer, struct env_listener, resume);
    (void)env;
    uv_poll_start(listener->poll, UV_READABLE, on_ready);
}

static void rest(struct env_listener *listener) {
    if (listener->closed)
        return;
    uv_poll_stop(listener->poll);
    real_timer_start(listener->loop, &listener->resume, RETRY_NS, resume);
}

static void welcome(struct env_listener *listener, int fd, const union real_address *peer) {
    struct env *env = listener->env;
    struct env_conn *conn = NULL;
    bool room = env->conn_count < env->options.connections_max;
    if (room)
        conn = real_conn_new(env);
    if (conn == NULL) {
        close(fd);
        log_refused(listener, room ? "no memory is left" : "connections_max is reached");
        return;
    }
    if (real_conn_attach(conn, fd) != RMQ_OK) {
        real_conn_release(conn, false);
        close(fd);
        return;
    }
    conn->state = REAL_CONN_OPEN;
    conn->peer = *peer;
    real_enter(env);
    listener->accept(listener, listener->ctx, conn);
    RMQ_ASSERT(conn->state != REAL_CONN_OPEN || conn->handler != NULL); /* it binds or closes it */
    real_leave(env);
    real_conn_watch(conn);
}

/* True: there may be another. */
static bool accept_one(struct env_listener *listener) {
    union real_address peer;
    socklen_t bytes = sizeof peer;
    int fd = accept4(listener->fd, &peer.any, &bytes, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        welcome(listener, fd, &peer);
        return true;
    }
    switch (errno) {
    case EAGAIN:
        return false;
    case EMFILE:
    case ENFILE:
        if (refuse_one(listener))
            return true;
        rest(listener);
        return false;
    case ENOBUFS:
    case ENOMEM:
        rest(listener);
        return false;
    default: /* errors of the connection that was to be taken */
        return true;
    }
}

static void on_ready(uv_poll_t *poll, int status, int events) {
    struct env_listener *listener = poll->data;
    (void)status, (void)events;
    for (int i = 0; i < ACCEPTS_PER_TURN && !listener->closed && accept_one(listener);) {
        i++;
    }
}

/* ---- beginning and end ---------------------------------------------------------------------- */

/* A bound and listening socket, and its address. -1 with errno. */
static int open_socket(union real_address *address) {
    int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    int yes = 1;
    socklen_t bytes = sizeof *address;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    real_socket_options(fd);
    if (bind(fd, &address->any, real_address_bytes(address)) == 0 && listen(fd, BACKLOG) == 0 &&
        getsockname(fd, &address->any, &bytes) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

static int listen_error(struct env *env, const union real_address *address, int error) {
    char text[ENV_ADDRESS_MAX], reason[80];
    if (error == EADDRINUSE)
        return RMQ_E_IN_USE;
    real_address_text(address, text);
    env_log(env, ENV_LOG_ERROR, "cannot listen on %s: %s", text,
            strerror_r(error, reason, sizeof reason));
    return error == EADDRNOTAVAIL ? RMQ_E_INVALID : RMQ_E_IO;
}

static void free_handle(uv_handle_t *handle) {
    free(handle);
}

int env_listen(struct env *env, uint16_t port, env_accept_fn *accept, void *ctx,
               struct env_listener **out) {
    real_call(env);
    union real_address address = env->bind_address;
    address.v4.sin_port = htons(port); /* an IPv6 address has it at the same place */
    struct env_listener *listener = calloc(1, sizeof *listener);
    uv_poll_t *poll = malloc(sizeof *poll);
    if (listener == NULL || poll == NULL) {
        free(listener);
        free(poll);
        return RMQ_E_NOMEM;
    }
    int fd = open_socket(&address);
    if (fd < 0) {
        free(listener);
        free(poll);
        return listen_error(env, &address, errno);
    }
    *listener = (struct env_listener){.env = env,
                                      .loop = env->loop,
                                      .poll = poll,
                                      .fd = fd,
                                      .port = ntohs(address.v4.sin_port),
                                      .accept = accept,
                                      .ctx = ctx};
    list_append(&env->listeners, &listener->of_node);
    int err = uv_poll_init(&env->loop->uv, poll, fd);
    RMQ_ASSERT(err == 0); /* it is a socket, and not polled yet */
    poll->data = listener;
    uv_poll_start(poll, UV_READABLE, on_ready);
    *out = listener;
    return RMQ_OK;
}

uint16_t env_listener_port(const struct env_listener *listener) {
    RMQ_ASSERT(!listener->closed);
    return listener->port;
}

static void free_listener(struct real_job *job) {
    free(RMQ_CONTAINER_OF(job, struct env_listener, job));
}

void real_listener_release(struct env_listener *listener) {
    RMQ_ASSERT(!listener->closed);
    listener->closed = true;
    list_remove(&listener->of_node);
    real_timer_stop(&listener->resume);
    uv_close((uv_handle_t *)listener->poll, free_handle);
    close(listener->fd);
    real_post(listener->loop, &listener->job, free_listener);
}

void env_listener_close(struct env_listener *listener) {
    real_call(listener->env);
    real_listener_release(listener);
}
