/* os/signals.c - the signals that a daemon's loop takes. */
#include <stdlib.h>

#include "real/os/env_internal.h"

static void on_terminate(uv_signal_t *signal, int number) {
    struct real_loop *loop = signal->data;
    (void)number;
    if (loop->terminated)
        _Exit(1);
    loop->terminated = true;
    LIST_EACH(&loop->nodes, link, following) {
        real_node_stop(LIST_ENTRY(link, struct env, of_loop));
    }
}

static void on_hangup(uv_signal_t *signal, int number) {
    struct real_loop *loop = signal->data;
    (void)number;
    if (loop->on_hangup != NULL)
        loop->on_hangup(loop->on_hangup_ctx);
}

static int take_signal(struct real_loop *loop, uv_signal_t *handle, uv_signal_cb call, int number) {
    uv_signal_init(&loop->uv, handle);
    handle->data = loop;
    return uv_signal_start(handle, call, number) == 0 ? RMQ_OK : RMQ_E_IO;
}

int real_loop_signals(struct real_loop *loop, void (*hangup)(void *ctx), void *ctx) {
    RMQ_ASSERT(!loop->has_signals);
    loop->has_signals = true;
    loop->on_hangup = hangup;
    loop->on_hangup_ctx = ctx;
    signal(SIGPIPE, SIG_IGN);
    int err = take_signal(loop, &loop->terminate, on_terminate, SIGTERM);
    if (err == RMQ_OK)
        err = take_signal(loop, &loop->interrupt, on_terminate, SIGINT);
    if (err == RMQ_OK)
        err = take_signal(loop, &loop->hangup, on_hangup, SIGHUP);
    return err;
}

void real_signals_deinit(struct real_loop *loop) {
    uv_signal_t *const handles[] = {&loop->terminate, &loop->interrupt, &loop->hangup};
    for (size_t i = 0; i < 3; i++) {
        if (loop->has_signals && uv_handle_get_type((uv_handle_t *)handles[i]) == UV_SIGNAL)
            uv_close((uv_handle_t *)handles[i], NULL);
    }
}
