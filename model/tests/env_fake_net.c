/* env_fake_net.c - connections and listeners of the fake node, and two fakes tied together. */
#include <stdio.h>
#include <stdlib.h>

#include "model/tests/env_fake_internal.h"

/* ---- bytes -------------------------------------------------------------------------------------
 */

static void bytes_add(struct bytes *bytes, const uint8_t *data, size_t len) {
    while (bytes->capacity - bytes->len < len) {
        bytes->data = fake_grow(bytes->data, bytes->capacity, &bytes->capacity, 1);
    }
    if (len > 0) {
        memcpy(bytes->data + bytes->len, data, len);
        bytes->len += len;
    }
}

static void bytes_drop_front(struct bytes *bytes, size_t len) {
    RMQ_ASSERT(len <= bytes->len);
    if (len > 0) {
        memmove(bytes->data, bytes->data + len, bytes->len - len);
        bytes->len -= len;
    }
}

/* ---- the node's side ---------------------------------------------------------------------------
 */

/* Entry of each env_conn_ function: the handle must not be gone (E6). */
static void conn_call(const struct env_conn *conn) {
    fake_call(conn->env);
    RMQ_ASSERT(conn->state != CONN_ENDED);  /* E6: used after on_close */
    RMQ_ASSERT(conn->state != CONN_CLOSED); /* E6: used after env_conn_close */
}

static struct env_conn *add_conn(struct env *env, const char *address, size_t len) {
    struct env_conn *conn = fake_must_alloc(sizeof *conn);
    struct env_conn **last = &env->conns;
    while (*last != NULL) {
        last = &(*last)->following;
    }
    *last = conn;
    conn->env = env;
    if (len >= ENV_ADDRESS_MAX) {
        len = ENV_ADDRESS_MAX - 1;
    }
    memcpy(conn->address, address, len);
    return conn;
}

int env_dial(struct env *env, struct span address, const struct env_conn_handler *handler,
             void *ctx, struct env_conn **out) {
    fake_call(env);
    if (fake_fails(env, FAKE_FAIL_DIAL)) {
        return RMQ_E_NOMEM;
    }
    struct env_conn *conn = add_conn(env, (const char *)address.data, address.len);
    conn->state = CONN_DIALLING;
    conn->dialled = true;
    conn->bound = true;
    conn->handler = handler;
    conn->ctx = ctx;
    *out = conn;
    return RMQ_OK;
}

void env_conn_bind(struct env_conn *conn, const struct env_conn_handler *handler, void *ctx) {
    conn_call(conn);
    conn->bound = true;
    conn->handler = handler;
    conn->ctx = ctx;
}

static size_t spans_len(const struct span *spans, size_t count) {
    size_t len = 0;
    for (size_t i = 0; i < count; i++) {
        len += spans[i].len;
    }
    return len;
}

int env_conn_write(struct env_conn *conn, const struct span *spans, size_t count) {
    size_t len = spans_len(spans, count);
    conn_call(conn);
    if (conn->state != CONN_OPEN) {
        return RMQ_E_CLOSED;
    }
    if (fake_fails(conn->env, FAKE_FAIL_WRITE) || (conn->stalled && len > conn->room)) {
        conn->refused = true;
        return RMQ_E_FULL;
    }
    for (size_t i = 0; i < count; i++) {
        bytes_add(&conn->written, spans[i].data, spans[i].len);
    }
    if (conn->stalled) {
        conn->room -= len;
        conn->pending += len;
    }
    return RMQ_OK;
}

void env_conn_pause(struct env_conn *conn) {
    conn_call(conn);
    conn->paused = true;
}

void env_conn_resume(struct env_conn *conn) {
    conn_call(conn);
    conn->paused = false;
}

size_t env_conn_pending(const struct env_conn *conn) {
    conn_call(conn);
    return conn->pending;
}

void env_conn_close(struct env_conn *conn) {
    conn_call(conn);
    RMQ_ASSERT(conn->state != CONN_ENDING); /* on_close is the end already */
    conn->state = CONN_CLOSED;
}

void env_conn_peer(const struct env_conn *conn, char out[ENV_ADDRESS_MAX]) {
    conn_call(conn);
    memcpy(out, conn->address, ENV_ADDRESS_MAX);
}

int env_listen(struct env *env, uint16_t port, env_accept_fn *accept, void *ctx,
               struct env_listener **out) {
    fake_call(env);
    if (port == 0) {
        port = env->next_port++;
    }
    if (fake_fails(env, FAKE_FAIL_LISTEN) || fake_listening(env, port)) {
        return RMQ_E_IN_USE;
    }
    struct env_listener *listener = fake_must_alloc(sizeof *listener);
    *listener = (struct env_listener){env, env->listeners, port, true, accept, ctx};
    env->listeners = listener;
    *out = listener;
    return RMQ_OK;
}

uint16_t env_listener_port(const struct env_listener *listener) {
    fake_call(listener->env);
    RMQ_ASSERT(listener->open);
    return listener->port;
}

void env_listener_close(struct env_listener *listener) {
    fake_call(listener->env);
    RMQ_ASSERT(listener->open);
    listener->open = false;
}

/* ---- handlers ----------------------------------------------------------------------------------
 */

static void run_open(const struct fake_step *step) {
    step->conn->handler->on_open(step->conn, step->conn->ctx);
}

static void run_data(const struct fake_step *step) {
    step->conn->handler->on_data(step->conn, step->conn->ctx, step->bytes);
}

static void run_drain(const struct fake_step *step) {
    step->conn->handler->on_drain(step->conn, step->conn->ctx);
}

static void run_close(const struct fake_step *step) {
    step->conn->handler->on_close(step->conn, step->conn->ctx, step->reason);
}

static void run_accept(const struct fake_step *step) {
    step->listener->accept(step->listener, step->listener->ctx, step->conn);
}

static void run_conn(void (*body)(const struct fake_step *step), struct env_conn *conn) {
    fake_run(body, &(struct fake_step){.env = conn->env, .conn = conn});
}

/* ---- the test's side: dials and accepts --------------------------------------------------------
 */

static bool is_live(const struct env_conn *conn) {
    return conn->state == CONN_DIALLING || conn->state == CONN_OPEN;
}

struct env_conn *fake_dialled(struct env *env, const char *address) {
    for (struct env_conn *conn = env->conns; conn != NULL; conn = conn->following) {
        if (conn->state == CONN_DIALLING && strcmp(conn->address, address) == 0) {
            return conn;
        }
    }
    return NULL;
}

size_t fake_dial_count(const struct env *env, const char *address) {
    size_t count = 0;
    for (const struct env_conn *conn = env->conns; conn != NULL; conn = conn->following) {
        count += conn->dialled && (address == NULL || strcmp(conn->address, address) == 0);
    }
    return count;
}

/* The end as the node sees it; the handle is gone afterwards. */
static void end_conn(struct env_conn *conn, int reason) {
    conn->state = CONN_ENDING;
    fake_run(run_close, &(struct fake_step){.env = conn->env, .conn = conn, .reason = reason});
    if (conn->state == CONN_ENDING) {
        conn->state = CONN_ENDED;
    }
}

void fake_dial_succeed(struct env_conn *conn) {
    RMQ_ASSERT(conn->state == CONN_DIALLING);
    fake_outside_handler(conn->env);
    conn->state = CONN_OPEN;
    run_conn(run_open, conn);
}

void fake_dial_fail(struct env_conn *conn, int reason) {
    RMQ_ASSERT(conn->state == CONN_DIALLING);
    fake_outside_handler(conn->env);
    end_conn(conn, reason);
}

static struct env_listener *find_listener(const struct env *env, uint16_t port) {
    struct env_listener *listener = env->listeners;
    while (listener != NULL && !(listener->open && listener->port == port)) {
        listener = listener->following;
    }
    return listener;
}

bool fake_listening(const struct env *env, uint16_t port) {
    return find_listener(env, port) != NULL;
}

struct env_conn *fake_accept(struct env *env, uint16_t port, const char *peer) {
    struct env_listener *listener = find_listener(env, port);
    RMQ_ASSERT(listener != NULL);
    fake_outside_handler(env);
    struct env_conn *conn = add_conn(env, peer, strlen(peer));
    conn->state = CONN_OPEN;
    fake_run(run_accept, &(struct fake_step){.env = env, .conn = conn, .listener = listener});
    RMQ_ASSERT(conn->bound || conn->state == CONN_CLOSED); /* it binds it or closes it */
    return conn->state == CONN_OPEN ? conn : NULL;
}

/* ---- the test's side: bytes --------------------------------------------------------------------
 */

/* Delivers `len` held bytes as one handler, from memory that goes when the handler returns. */
static void deliver_some(struct env_conn *conn, size_t len) {
    uint8_t *copy = fake_must_alloc(len);
    memcpy(copy, conn->held.data, len);
    bytes_drop_front(&conn->held, len);
    fake_run(run_data,
             &(struct fake_step){.env = conn->env, .conn = conn, .bytes = span_of(copy, len)});
    free(copy);
}

static bool deliver_held(struct env_conn *conn, size_t chunk) {
    bool any = false;
    while (conn->held.len > 0 && conn->state == CONN_OPEN && !conn->paused) {
        deliver_some(conn, conn->held.len < chunk ? conn->held.len : chunk);
        any = true;
    }
    return any;
}

void fake_deliver_chopped(struct env_conn *conn, struct span bytes, size_t chunk) {
    RMQ_ASSERT(chunk > 0);
    RMQ_ASSERT(conn->state == CONN_OPEN);
    fake_outside_handler(conn->env);
    bytes_add(&conn->held, bytes.data, bytes.len);
    deliver_held(conn, chunk);
}

void fake_deliver(struct env_conn *conn, struct span bytes) {
    fake_deliver_chopped(conn, bytes, SIZE_MAX);
}

struct span fake_written(const struct env_conn *conn) {
    return span_of(conn->written.len == 0 ? NULL : conn->written.data + conn->taken,
                   conn->written.len - conn->taken);
}

void fake_consume(struct env_conn *conn, size_t len) {
    RMQ_ASSERT(len <= conn->written.len - conn->taken);
    conn->taken += len;
}

struct span fake_take(struct env_conn *conn) {
    struct span bytes = fake_written(conn);
    fake_consume(conn, bytes.len);
    return bytes;
}

void fake_stall(struct env_conn *conn, size_t room) {
    conn->stalled = true;
    conn->room = room;
}

static bool drain(struct env_conn *conn) {
    if (!conn->refused || conn->stalled || conn->state != CONN_OPEN) {
        return false;
    }
    conn->refused = false;
    run_conn(run_drain, conn);
    return true;
}

void fake_unstall(struct env_conn *conn) {
    fake_outside_handler(conn->env);
    conn->stalled = false;
    conn->pending = 0;
    drain(conn);
}

bool fake_net_settle(struct env *env) {
    for (struct env_conn *conn = env->conns; conn != NULL; conn = conn->following) {
        if (deliver_held(conn, SIZE_MAX) || drain(conn)) {
            return true;
        }
    }
    return false;
}

void fake_peer_reset(struct env_conn *conn, int reason) {
    RMQ_ASSERT(conn->state == CONN_OPEN);
    fake_outside_handler(conn->env);
    end_conn(conn, reason);
}

void fake_peer_close(struct env_conn *conn) {
    fake_peer_reset(conn, RMQ_E_CLOSED);
}

bool fake_is_open(const struct env_conn *conn) {
    return conn->state == CONN_OPEN;
}

bool fake_is_closed(const struct env_conn *conn) {
    return conn->state == CONN_CLOSED;
}

bool fake_is_paused(const struct env_conn *conn) {
    return conn->paused;
}

const char *fake_address(const struct env_conn *conn) {
    return conn->address;
}

size_t fake_conn_count(const struct env *env) {
    size_t count = 0;
    for (const struct env_conn *conn = env->conns; conn != NULL; conn = conn->following) {
        count += is_live(conn);
    }
    return count;
}

size_t fake_listener_count(const struct env *env) {
    size_t count = 0;
    for (const struct env_listener *each = env->listeners; each != NULL; each = each->following) {
        count += each->open;
    }
    return count;
}

/* ---- the node's end ----------------------------------------------------------------------------
 */

void fake_net_drop(struct env *env) {
    for (struct env_conn *conn = env->conns; conn != NULL; conn = conn->following) {
        if (is_live(conn) || conn->state == CONN_ENDING) {
            conn->state = CONN_CLOSED;
        }
    }
    for (struct env_listener *each = env->listeners; each != NULL; each = each->following) {
        each->open = false;
    }
}

void fake_net_free(struct env *env) {
    while (env->conns != NULL) {
        struct env_conn *conn = env->conns;
        env->conns = conn->following;
        if (conn->twin != NULL) {
            conn->twin->twin = NULL;
        }
        free(conn->written.data);
        free(conn->held.data);
        free(conn);
    }
    while (env->listeners != NULL) {
        struct env_listener *listener = env->listeners;
        env->listeners = listener->following;
        free(listener);
    }
}

/* ---- two nodes ---------------------------------------------------------------------------------
 */

int fake_connect(struct env *from, const char *address, struct env *to, uint16_t port) {
    char peer[ENV_ADDRESS_MAX];
    struct env_conn *near = fake_dialled(from, address);
    if (near == NULL) {
        return RMQ_E_NOT_FOUND;
    }
    if (!fake_listening(to, port)) {
        fake_dial_fail(near, RMQ_E_REFUSED);
        return RMQ_E_REFUSED;
    }
    snprintf(peer, sizeof peer, "%.50s:%u", from->identity.ip, (unsigned)from->next_port++);
    struct env_conn *far = fake_accept(to, port, peer);
    fake_dial_succeed(near);
    if (far == NULL) {
        fake_peer_close(near);
        return RMQ_OK;
    }
    near->twin = far;
    far->twin = near;
    return RMQ_OK;
}

/* Moves what one end wrote, and its close, to the other; true when something moved. */
static bool pump_one(struct env_conn *conn) {
    struct env_conn *twin = conn->twin;
    if (twin == NULL || twin->state != CONN_OPEN) {
        return false;
    }
    struct span bytes = fake_take(conn);
    if (bytes.len > 0) {
        fake_deliver(twin, bytes);
        return true;
    }
    if (conn->state == CONN_CLOSED && twin->held.len == 0) {
        fake_peer_close(twin);
        return true;
    }
    return false;
}

static bool pump_node(struct env *env) {
    bool any = false;
    for (struct env_conn *conn = env->conns; conn != NULL; conn = conn->following) {
        any = pump_one(conn) || any;
    }
    return any;
}

void fake_pump(struct env *a, struct env *b) {
    bool any = true;
    while (any) {
        any = pump_node(a);
        any = pump_node(b) || any;
        fake_settle(a);
        fake_settle(b);
    }
}

void fake_advance_both(struct env *a, struct env *b, uint64_t ns) {
    uint64_t left = ns;
    fake_pump(a, b);
    for (;;) {
        uint64_t to_a = fake_next_deadline_ns(a) - a->mono_ns;
        uint64_t to_b = fake_next_deadline_ns(b) - b->mono_ns;
        uint64_t step = to_a < to_b ? to_a : to_b;
        step = step < left ? step : left;
        fake_advance(a, step);
        fake_advance(b, step);
        fake_pump(a, b);
        left -= step;
        if (left == 0) {
            return;
        }
    }
}
