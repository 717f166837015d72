/* os/net.c - a loop's and a node's share in streams. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "real/os/env_internal.h"

int real_net_init(struct real_loop *loop) {
    struct real_net *net = &loop->net;
    list_init(&net->dirty);
    list_init(&net->lingering);
    net->input_share = REAL_INPUT_BYTES;
    net->linger_ns = REAL_LINGER_NS;
    net->output_max = REAL_OUTPUT_BYTES;
    net->input = malloc(REAL_INPUT_BYTES);
    net->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (net->input == NULL || net->spare_fd < 0) {
        free(net->input);
        return net->input == NULL ? RMQ_E_NOMEM : RMQ_E_IO;
    }
    return RMQ_OK;
}

/* What has arrived is read, so that closing resets nothing that was sent. */
static void last_look(struct env_conn *conn) {
    ssize_t got = recv(conn->fd, conn->loop->net.input, REAL_INPUT_BYTES, MSG_DONTWAIT);
    real_conn_release(conn, got > 0 && conn->output.bytes > 0);
}

void real_net_deinit(struct real_loop *loop) {
    struct real_net *net = &loop->net;
    LIST_EACH(&net->lingering, link, following) {
        last_look(LIST_ENTRY(link, struct env_conn, of_node));
    }
    while (net->spare_chunks != NULL) {
        struct real_chunk *chunk = net->spare_chunks;
        net->spare_chunks = chunk->next;
        free(chunk);
    }
    free(net->input);
    if (net->spare_fd >= 0)
        close(net->spare_fd);
}

static void set_share(struct real_net *net) {
    if (net->readers == 0)
        return;
    net->backlogged_before = net->backlogged;
    net->backlogged = 0;
    size_t share = net->readers < 2 ? REAL_INPUT_BYTES : REAL_TURN_INPUT_BYTES / net->readers;
    net->input_share = share > REAL_INPUT_BYTES       ? REAL_INPUT_BYTES
                       : share < REAL_INPUT_BYTES_MIN ? REAL_INPUT_BYTES_MIN
                                                      : share;
    net->readers = 0;
}

void real_net_turn_end(struct real_loop *loop) {
    struct list *dirty = &loop->net.dirty;
    while (!list_is_empty(dirty)) {
        struct env_conn *conn = LIST_ENTRY(dirty->next, struct env_conn, of_dirty);
        list_remove(&conn->of_dirty);
        real_conn_flush(conn);
    }
    set_share(&loop->net);
}

bool real_net_has_last_words(const struct real_loop *loop) {
    const struct list *lingering = &loop->net.lingering;
    for (const struct list *link = lingering->next; link != lingering; link = link->next) {
        const struct env_conn *conn =
            LIST_ENTRY((struct list *)(uintptr_t)link, struct env_conn, of_node);
        if (conn->last_words && !conn->fin_sent)
            return true;
    }
    return false;
}

/* ---- a node --------------------------------------------------------------------------------- */

/* Three quarters of the descriptors; the others are for files. */
static uint32_t default_connections(void) {
    struct rlimit limit;
    rlim_t files = getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 1024;
    if (files > UINT32_MAX) /* also RLIM_INFINITY */
        files = UINT32_MAX;
    return (uint32_t)(files - files / 4);
}

int real_net_options(struct env *env) {
    struct real_node_options *options = &env->options;
    if (options->conn_pending_max == 0)
        options->conn_pending_max = REAL_PENDING_BYTES;
    if (options->conn_pending_max > SIZE_MAX)
        options->conn_pending_max = SIZE_MAX;
    if (options->connections_max == 0)
        options->connections_max = default_connections();
    return real_address_parse(options->bind_ip == NULL ? "0.0.0.0" : options->bind_ip, 0,
                              &env->bind_address);
}

void real_net_drop(struct env *env, bool reset) {
    LIST_EACH(&env->listeners, link, following) {
        real_listener_release(LIST_ENTRY(link, struct env_listener, of_node));
    }
    LIST_EACH(&env->conns, link, following) {
        struct env_conn *conn = LIST_ENTRY(link, struct env_conn, of_node);
        if (reset || conn->state == REAL_CONN_DIALLING) {
            real_conn_release(conn, reset);
        } else {
            conn->last_words = true;
            conn->paused = false;
            real_conn_linger(conn);
        }
    }
}
