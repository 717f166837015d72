/* wire/remoting.c - a node's remoting endpoint: set-up, accepting, dialling, answering.
 *
 * Source: client.md 2.1 (one connection per address, no back-off), wire.md 7. */
#include "model/wire/remoting_internal.h"

#define SECOND_NS UINT64_C(1000000000)

void remoting_config_default(struct remoting_config *config) {
    *config = (struct remoting_config){
        .version = WIRE_VERSION_4_9_8,
        .language = WIRE_LANGUAGE_OTHER,
        .serialization = WIRE_BINARY,
        .idle_close_ns = 120 * SECOND_NS,
        .connect_timeout_ns = 3 * SECOND_NS,
        .channels_max = 20000,
        .pending_max = 65535,
        .kept_bytes_max = (size_t)256 << 20,
    };
}

void remoting_init(struct remoting *remoting, struct env *env, const struct remoting_config *config,
                   const struct remoting_handler *handler, void *ctx) {
    RMQ_ASSERT(handler->on_request != NULL);
    memset(remoting, 0, sizeof *remoting);
    remoting->env = env;
    remoting->config = *config;
    remoting->handler = handler;
    remoting->ctx = ctx;
    remoting->next_channel_id = 1;
    list_init(&remoting->accepted);
    list_init(&remoting->dialled);
    list_init(&remoting->pending);
    buf_init(&remoting->encode, env);
    buf_init(&remoting->scratch, env);
}

static void end_all(struct list *channels) {
    while (!list_is_empty(channels))
        channel_end(LIST_ENTRY(channels->next, struct channel, link), "ours", RMQ_E_CLOSED);
}

void remoting_deinit(struct remoting *remoting) {
    RMQ_ASSERT(!remoting->stopping);
    remoting->stopping = true;
    if (remoting->listener != NULL)
        env_listener_close(remoting->listener);
    if (remoting->second != NULL)
        env_listener_close(remoting->second);
    remoting->listener = NULL;
    remoting->second = NULL;
    end_all(&remoting->dialled);
    end_all(&remoting->accepted);
    /* Left are requests whose channel is ending right now, in a callback above us. */
    while (!list_is_empty(&remoting->pending))
        pending_finish(LIST_ENTRY(remoting->pending.next, struct remoting_pending, link),
                       RMQ_E_CLOSED, NULL);
    RMQ_ASSERT(remoting->channel_count == 0 && remoting->pending_count == 0);
    RMQ_ASSERT(remoting->kept_bytes == 0);
    env_free(remoting->env, remoting->buckets);
    remoting->buckets = NULL;
    remoting->bucket_count = 0;
    buf_deinit(&remoting->encode);
    buf_deinit(&remoting->scratch);
}

/* ---- connections in ------------------------------------------------------------------------- */

static void on_accept(struct env_listener *listener, void *ctx, struct env_conn *conn) {
    struct remoting *remoting = ctx;
    char peer[ENV_ADDRESS_MAX];
    struct channel *channel = NULL;
    bool second = listener == remoting->second;
    RMQ_ASSERT(remoting->listener == listener || second);
    if (remoting->channel_count < remoting->config.channels_max) {
        env_conn_peer(conn, peer);
        channel = channel_create(remoting, span_of_text(peer), true);
    }
    if (channel == NULL) {
        env_conn_close(conn);
        return;
    }
    channel->second = second;
    channel_accept(channel, conn);
}

int remoting_listen(struct remoting *remoting, uint16_t port) {
    RMQ_ASSERT(remoting->listener == NULL);
    return env_listen(remoting->env, port, on_accept, remoting, &remoting->listener);
}

int remoting_listen_second(struct remoting *remoting, uint16_t port) {
    RMQ_ASSERT(remoting->second == NULL);
    return env_listen(remoting->env, port, on_accept, remoting, &remoting->second);
}

/* ---- connections out ------------------------------------------------------------------------ */

static struct channel *find_dialled(struct remoting *remoting, struct span address) {
    LIST_EACH(&remoting->dialled, link, following) {
        struct channel *channel = LIST_ENTRY(link, struct channel, link);
        if (span_equal(span_of(channel->peer, channel->peer_len), address))
            return channel;
    }
    return NULL;
}

struct channel *remoting_find(struct remoting *remoting, struct span address) {
    struct channel *channel = find_dialled(remoting, address);
    return channel != NULL && channel->state == CHANNEL_OPEN ? channel : NULL;
}

static int dial(struct remoting *remoting, struct span address, struct channel **out) {
    struct channel *channel = channel_create(remoting, address, false);
    if (channel == NULL)
        return RMQ_E_NOMEM;
    int err = channel_dial(channel, address);
    if (err == RMQ_OK)
        *out = channel;
    else
        env_free(remoting->env, channel);
    return err;
}

int remoting_reach(struct remoting *remoting, struct span address, struct channel **out) {
    if (remoting->stopping)
        return RMQ_E_CLOSED;
    struct channel *channel = find_dialled(remoting, address);
    if (channel == NULL)
        return dial(remoting, address, out);
    *out = channel;
    return RMQ_OK;
}

/* ---- frames out ----------------------------------------------------------------------------- */

void remoting_stamp(struct remoting *remoting, struct wire_command *command, int32_t flag) {
    command->version = remoting->config.version;
    command->language = remoting->config.language;
    command->serialization = remoting->config.serialization;
    command->flag = flag;
}

int remoting_answer(struct remoting *remoting, struct channel *channel,
                    const struct wire_command *request, struct wire_command *response) {
    struct outgoing *queued;
    if ((request->flag & WIRE_FLAG_ONEWAY) != 0)
        return RMQ_OK;
    remoting_stamp(remoting, response, WIRE_FLAG_RESPONSE);
    response->opaque = request->opaque;
    response->serialization = request->serialization;
    return channel_send(channel, response, &queued);
}

int remoting_answer_code(struct remoting *remoting, struct channel *channel,
                         const struct wire_command *request, int32_t code, struct span remark) {
    struct wire_command response;
    wire_command_init(&response, code);
    response.remark = remark;
    return remoting_answer(remoting, channel, request, &response);
}
