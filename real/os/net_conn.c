/* os/net_conn.c - the life of a connection: reading, sending, its end. */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "real/os/env_internal.h"

static void conn_job(struct real_job *job);

/* ---- sockets -------------------------------------------------------------------------------- */

int real_reason(int error, bool open) {
    switch (error) {
    case ECONNREFUSED:
        return open ? RMQ_E_RESET : RMQ_E_REFUSED;
    case ETIMEDOUT:
        return RMQ_E_TIMEOUT;
    case EHOSTUNREACH: /* of an open one: what a retransmission met before it gave up */
    case ENETUNREACH:
        return open ? RMQ_E_TIMEOUT : RMQ_E_UNREACHABLE;
    default:
        return open ? RMQ_E_RESET : RMQ_E_UNREACHABLE;
    }
}

static void set(int fd, int level, int option, int value) {
    int err = setsockopt(fd, level, option, &value, sizeof value);
    RMQ_ASSERT(err == 0);
}

void real_socket_options(int fd) {
    set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set(fd, IPPROTO_TCP, TCP_KEEPIDLE, REAL_KEEP_ALIVE_S);
    set(fd, IPPROTO_TCP, TCP_KEEPINTVL, REAL_KEEP_ALIVE_S / 4);
    set(fd, IPPROTO_TCP, TCP_KEEPCNT, 4);
    set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, REAL_UNACKNOWLEDGED_MS);
}

static void free_handle(uv_handle_t *handle) {
    free(handle);
}

int real_conn_attach(struct env_conn *conn, int fd) {
    uv_poll_t *poll = malloc(sizeof *poll);
    if (poll == NULL)
        return RMQ_E_NOMEM;
    if (uv_poll_init(&conn->loop->uv, poll, fd) != 0) {
        free(poll);
        return RMQ_E_IO;
    }
    poll->data = conn;
    conn->poll = poll;
    conn->fd = fd;
    conn->events = 0;
    return RMQ_OK;
}

void real_conn_detach(struct env_conn *conn, bool reset) {
    if (conn->poll == NULL)
        return;
    uv_close((uv_handle_t *)conn->poll, free_handle);
    conn->poll = NULL;
    if (reset) {
        struct linger now = {1, 0};
        setsockopt(conn->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    }
    close(conn->fd);
}

/* ---- beginning and end ---------------------------------------------------------------------- */

struct env_conn *real_conn_new(struct env *env) {
    struct env_conn *conn = calloc(1, sizeof *conn);
    if (conn == NULL)
        return NULL;
    conn->env = env;
    conn->loop = env->loop;
    conn->pending_max = env->options.conn_pending_max;
    list_init(&conn->of_dirty);
    list_append(&env->conns, &conn->of_node);
    env->conn_count++;
    return conn;
}

/* The node's handle is gone (E6). */
static void disown(struct env_conn *conn) {
    if (conn->env == NULL)
        return;
    conn->env->conn_count--;
    conn->env = NULL;
    list_remove(&conn->of_node);
}

void real_conn_release(struct env_conn *conn, bool reset) {
    disown(conn);
    list_remove(&conn->of_node);
    list_remove(&conn->of_dirty);
    real_timer_stop(&conn->linger);
    real_dial_drop(conn);
    real_conn_detach(conn, reset);
    real_output_drop(&conn->loop->net, &conn->output);
    conn->state = REAL_CONN_GONE;
    real_post(conn->loop, &conn->job, conn_job); /* its callers may still look at it */
}

void real_conn_end(struct env_conn *conn, int reason) {
    struct env *env = conn->env;
    RMQ_ASSERT(conn->state == REAL_CONN_DIALLING || conn->state == REAL_CONN_OPEN);
    bool delivers = reason == RMQ_E_CLOSED && conn->output.bytes > 0 && conn->failed == RMQ_OK;
    conn->state = REAL_CONN_ENDING;
    list_remove(&conn->of_node); /* if the node exits now, this one is not its any more */
    real_enter(env);
    conn->handler->on_close(conn, conn->ctx, reason);
    real_leave(env);
    if (delivers) {
        real_conn_linger(conn);
    } else {
        real_conn_release(conn, false);
    }
}

void real_conn_fail(struct env_conn *conn, int reason) {
    conn->failed = reason;
    real_output_drop(&conn->loop->net, &conn->output);
    real_post(conn->loop, &conn->job, conn_job);
}

static void give_up(struct env *env, struct env_timer *timer) {
    (void)env;
    real_conn_release(RMQ_CONTAINER_OF(timer, struct env_conn, linger), true);
}

static void mark_dirty(struct env_conn *conn) {
    if (list_is_empty(&conn->of_dirty))
        list_append(&conn->loop->net.dirty, &conn->of_dirty);
}

void real_conn_linger(struct env_conn *conn) {
    disown(conn);
    if (conn->failed != RMQ_OK) {
        real_conn_release(conn, false);
        return;
    }
    conn->state = REAL_CONN_LINGERING;
    list_append(&conn->loop->net.lingering, &conn->of_node);
    real_timer_start(conn->loop, &conn->linger, conn->loop->net.linger_ns, give_up);
    mark_dirty(conn); /* its FIN goes at the end of the turn */
}

/* ---- sending -------------------------------------------------------------------------------- */

static bool may_drain(const struct env_conn *conn) {
    const struct real_net *net = &conn->loop->net;
    size_t pending = conn->output.bytes;
    bool half = pending <= conn->pending_max / 2 && net->output_bytes <= net->output_max;
    return conn->wants_drain && (half || pending == 0);
}

static void send_failed(struct env_conn *conn, int error) {
    conn->blocked = false;
    if (conn->state == REAL_CONN_LINGERING) {
        real_conn_release(conn, false);
    } else {
        real_conn_fail(conn, real_reason(error, true));
    }
}

void real_conn_flush(struct env_conn *conn) {
    if (conn->blocked || conn->failed != RMQ_OK)
        return;
    int error = real_output_send(&conn->loop->net, &conn->output, conn->fd);
    if (error != 0 && error != EAGAIN) {
        send_failed(conn, error);
        return;
    }
    conn->blocked = error == EAGAIN;
    if (conn->state == REAL_CONN_LINGERING && !conn->blocked && !conn->fin_sent) {
        conn->fin_sent = true;
        shutdown(conn->fd, SHUT_WR);
    }
    if (may_drain(conn))
        real_post(conn->loop, &conn->job, conn_job);
    real_conn_watch(conn);
}

/* ---- receiving ------------------------------------------------------------------------------ */

/* It had `got` bytes of `asked`, handled in `took_ns`: how many it gets the next time. */
static void set_own_share(struct env_conn *conn, size_t asked, size_t got, uint64_t took_ns) {
    struct real_net *net = &conn->loop->net;
    if (got < asked) {
        conn->share = 0;
        return;
    }
    net->backlogged++;
    size_t others = net->backlogged_before;
    uint64_t budget_ns = REAL_TURN_BUSY_NS / (others == 0 ? 1 : others);
    uint64_t share = got;
    if (took_ns > budget_ns)
        share = share * budget_ns / took_ns;
    else if (conn->share != 0 && took_ns < budget_ns / 2)
        share *= 2;
    else if (conn->share == 0)
        return;
    conn->share = (uint32_t)(share < REAL_SHARE_MIN     ? REAL_SHARE_MIN
                             : share > REAL_INPUT_BYTES ? REAL_INPUT_BYTES
                                                        : share);
}

/* One read of an open connection. False: there is nothing to read now. */
static bool take_input(struct env_conn *conn) {
    struct env *env = conn->env;
    uint8_t *input = conn->loop->net.input;
    size_t asked = conn->loop->net.input_share;
    if (conn->share != 0 && conn->share < asked)
        asked = conn->share;
    ssize_t got = recv(conn->fd, input, asked, MSG_DONTWAIT);
    conn->loop->net.readers++;
    if (got > 0) {
        uint64_t begun_ns = real_clock_ns();
        real_enter(env);
        conn->handler->on_data(conn, conn->ctx, span_of(input, (size_t)got));
        real_leave(env);
        set_own_share(conn, asked, (size_t)got, real_clock_ns() - begun_ns);
    } else if (got == 0) {
        real_conn_end(conn, conn->failed != RMQ_OK ? conn->failed : RMQ_E_CLOSED);
    } else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
        real_conn_end(conn, conn->failed != RMQ_OK ? conn->failed : real_reason(errno, true));
    } else {
        return false;
    }
    return true;
}

/* What comes after our FIN is dropped; its own FIN ends the matter. */
static void drop_input(struct env_conn *conn) {
    ssize_t got = recv(conn->fd, conn->loop->net.input, REAL_INPUT_BYTES, MSG_DONTWAIT);
    bool over = got < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR;
    if (over || (got == 0 && conn->output.bytes == 0)) {
        real_conn_release(conn, false);
    } else if (got == 0) {
        conn->paused = true; /* half closed: the rest goes out */
    }
}

/* While paused, only errors are of interest; what else wakes it (urgent data) would do so again. */
static void look_for_error(struct env_conn *conn) {
    int error = 0;
    socklen_t bytes = sizeof error;
    getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &error, &bytes);
    if (error != 0) {
        real_conn_end(conn, real_reason(error, true));
    } else if ((conn->events & UV_WRITABLE) == 0) {
        uv_poll_stop(conn->poll);
        conn->deaf = true;
    }
}

static void on_ready(uv_poll_t *poll, int status, int events) {
    struct env_conn *conn = poll->data;
    if (status < 0) { /* an error is to be fetched, and libuv has stopped polling */
        conn->events = 0;
        events = UV_READABLE | UV_WRITABLE;
    }
    if (conn->state == REAL_CONN_DIALLING) {
        real_dial_ready(conn);
        return;
    }
    if ((events & UV_WRITABLE) != 0 && conn->blocked) {
        conn->blocked = false;
        real_conn_flush(conn);
    }
    if (conn->state == REAL_CONN_OPEN && conn->paused && (events & ~UV_WRITABLE) != 0) {
        look_for_error(conn);
    } else if (conn->state == REAL_CONN_OPEN && (events & UV_READABLE) != 0) {
        take_input(conn);
    } else if (conn->state == REAL_CONN_LINGERING && (events & UV_READABLE) != 0) {
        drop_input(conn);
    }
    real_conn_watch(conn);
}

static int wanted_events(const struct env_conn *conn) {
    if (conn->state == REAL_CONN_DIALLING)
        return UV_WRITABLE;
    int input = !conn->paused ? UV_READABLE : conn->deaf ? 0 : UV_PRIORITIZED;
    return input | (conn->blocked ? UV_WRITABLE : 0);
}

void real_conn_watch(struct env_conn *conn) {
    if (conn->poll == NULL)
        return;
    int events = wanted_events(conn);
    if (events == conn->events)
        return;
    int err = events == 0 ? uv_poll_stop(conn->poll) : uv_poll_start(conn->poll, events, on_ready);
    RMQ_ASSERT(err == 0);
    conn->events = events;
}

/* ---- handlers that come later --------------------------------------------------------------- */

static void tell_drain(struct env_conn *conn) {
    struct env *env = conn->env;
    conn->wants_drain = false;
    real_enter(env);
    if (conn->handler->on_drain != NULL)
        conn->handler->on_drain(conn, conn->ctx);
    real_leave(env);
}

static void conn_job(struct real_job *job) {
    struct env_conn *conn = RMQ_CONTAINER_OF(job, struct env_conn, job);
    if (conn->state == REAL_CONN_GONE) {
        free(conn);
    } else if (conn->env == NULL) {
        return; /* lingers */
    } else if (conn->failed != RMQ_OK && (conn->state == REAL_CONN_DIALLING || conn->paused)) {
        real_conn_end(conn, conn->failed);
    } else if (conn->failed != RMQ_OK) {
        /* What arrived before is taken first, and then the end. */
        if (!take_input(conn))
            real_conn_end(conn, conn->failed);
        if (conn->state == REAL_CONN_OPEN)
            real_post(conn->loop, &conn->job, conn_job);
    } else if (may_drain(conn)) {
        tell_drain(conn);
    }
}

/* ---- the door ------------------------------------------------------------------------------- */

/* E6: the handle is not gone; calls come from handlers of its node only. */
static void conn_call(const struct env_conn *conn) {
    RMQ_ASSERT(conn->env != NULL);
    real_call(conn->env);
}

void env_conn_bind(struct env_conn *conn, const struct env_conn_handler *handler, void *ctx) {
    conn_call(conn);
    RMQ_ASSERT(handler != NULL);
    conn->handler = handler;
    conn->ctx = ctx;
}

/* All connections together have written more than the loop keeps: what lingers goes first. */
static bool is_over_all_full(struct real_net *net, size_t more) {
    LIST_EACH(&net->lingering, link, following) {
        struct env_conn *conn = LIST_ENTRY(link, struct env_conn, of_node);
        if (net->output_bytes + more <= net->output_max)
            return false;
        if (conn->output.bytes > 0)
            real_conn_release(conn, true);
    }
    return net->output_bytes + more > net->output_max;
}

/* One write of any size fits when nothing waits. */
static bool is_full(const struct env_conn *conn, size_t more) {
    struct real_net *net = &conn->loop->net;
    size_t pending = conn->output.bytes;
    if (pending == 0)
        return false;
    if (pending > conn->pending_max || more > conn->pending_max - pending)
        return true;
    return net->output_bytes + more > net->output_max && is_over_all_full(net, more);
}

int env_conn_write(struct env_conn *conn, const struct span *spans, size_t count) {
    conn_call(conn);
    if (conn->state != REAL_CONN_OPEN || conn->failed != RMQ_OK)
        return RMQ_E_CLOSED;
    size_t total = 0;
    for (size_t i = 0; i < count; i++) {
        total += spans[i].len;
    }
    if (total == 0)
        return RMQ_OK;
    if (is_full(conn, total)) {
        conn->wants_drain = true;
        return RMQ_E_FULL;
    }
    mark_dirty(conn);
    if (real_output_add(&conn->loop->net, &conn->output, spans, count, total) != RMQ_OK) {
        real_conn_fail(conn, RMQ_E_RESET); /* the machine has no memory: the stream is broken */
        return RMQ_E_CLOSED;
    }
    return RMQ_OK;
}

void env_conn_pause(struct env_conn *conn) {
    conn_call(conn);
    conn->paused = true;
    real_conn_watch(conn);
}

void env_conn_resume(struct env_conn *conn) {
    conn_call(conn);
    conn->paused = conn->deaf = false;
    real_conn_watch(conn);
}

size_t env_conn_pending(const struct env_conn *conn) {
    conn_call(conn);
    return conn->output.bytes;
}

void env_conn_close(struct env_conn *conn) {
    conn_call(conn);
    RMQ_ASSERT(conn->state != REAL_CONN_ENDING); /* on_close is the end already */
    if (conn->state == REAL_CONN_DIALLING) {
        real_conn_release(conn, false);
    } else {
        conn->paused = false;
        real_conn_linger(conn);
    }
}

void env_conn_peer(const struct env_conn *conn, char out[ENV_ADDRESS_MAX]) {
    conn_call(conn);
    real_address_text(&conn->peer, out);
}
