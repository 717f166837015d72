/* wire/remoting_channel.c - one connection: frames in, frames out, idle close, its end.
 *
 * A frame that lies whole in a delivered chunk is decoded where it is; only the beginning of one
 * that does not is kept. Traffic stores a timestamp and leaves the idle timer alone, which looks at
 * it when it fires. Source: wire.md 2, 7.1, 8.3. */
#include "model/wire/remoting_internal.h"

static const struct env_conn_handler CONN_HANDLER;

uint64_t channel_id(const struct channel *channel) {
    return channel->id;
}

const char *channel_peer(const struct channel *channel) {
    return channel->peer;
}

bool channel_is_second(const struct channel *channel) {
    return channel->second;
}

struct remoting *channel_remoting(const struct channel *channel) {
    return channel->remoting;
}

void *channel_user(const struct channel *channel) {
    return channel->user;
}

void channel_set_user(struct channel *channel, void *user) {
    channel->user = user;
}

void channel_close(struct channel *channel, const char *reason) {
    channel_end(channel, reason, RMQ_E_CLOSED);
}

/* Frees a buffer that one large frame has grown. */
static void trim(struct buf *buf) {
    if (buf->capacity > REMOTING_BUFFER_KEEP_BYTES)
        buf_deinit(buf);
}

/* ---- begin and end -------------------------------------------------------------------------- */

struct channel *channel_create(struct remoting *remoting, struct span peer, bool inbound) {
    struct channel *channel = env_alloc(remoting->env, sizeof *channel + peer.len + 1);
    if (channel == NULL)
        return NULL;
    memset(channel, 0, sizeof *channel);
    list_init(&channel->link);
    list_init(&channel->pending);
    list_init(&channel->queue);
    channel->remoting = remoting;
    channel->id = remoting->next_channel_id++;
    channel->inbound = inbound;
    channel->peer_len = (uint32_t)peer.len;
    memcpy(channel->peer, peer.data, peer.len);
    channel->peer[peer.len] = '\0';
    return channel;
}

static void on_timer(struct env *env, struct env_timer *timer) {
    struct channel *channel = RMQ_CONTAINER_OF(timer, struct channel, timer);
    RMQ_ASSERT(channel->state != CHANNEL_CLOSED);
    if (channel->slow || channel->greedy) {
        channel_end(channel, channel->greedy ? "greedy" : "slow", RMQ_E_CLOSED);
        return;
    }
    if (channel->state == CHANNEL_CONNECTING) {
        channel_end(channel, "timeout", RMQ_E_TIMEOUT);
        return;
    }
    uint64_t quiet_ns = env_mono_ns(env) - channel->last_io_ns;
    uint64_t limit_ns = channel->remoting->config.idle_close_ns;
    if (quiet_ns >= limit_ns)
        channel_end(channel, "idle", RMQ_E_CLOSED);
    else
        env_timer_start(env, timer, limit_ns - quiet_ns, on_timer);
}

static void channel_opened(struct channel *channel) {
    struct remoting *remoting = channel->remoting;
    channel->state = CHANNEL_OPEN;
    channel->last_io_ns = env_mono_ns(remoting->env);
    env_timer_stop(remoting->env, &channel->timer);
    if (remoting->config.idle_close_ns > 0)
        env_timer_start(remoting->env, &channel->timer, remoting->config.idle_close_ns, on_timer);
    event_channel_opened(remoting->env, span_of_text(channel->peer), channel->inbound);
}

static void channel_added(struct channel *channel, struct list *channels) {
    list_append(channels, &channel->link);
    channel->remoting->channel_count++;
}

void channel_accept(struct channel *channel, struct env_conn *conn) {
    channel->conn = conn;
    env_conn_bind(conn, &CONN_HANDLER, channel);
    channel_added(channel, &channel->remoting->accepted);
    channel_opened(channel);
}

int channel_dial(struct channel *channel, struct span address) {
    struct remoting *remoting = channel->remoting;
    int err = env_dial(remoting->env, address, &CONN_HANDLER, channel, &channel->conn);
    if (err != RMQ_OK)
        return err;
    channel_added(channel, &remoting->dialled);
    env_timer_start(remoting->env, &channel->timer, remoting->config.connect_timeout_ns, on_timer);
    return RMQ_OK;
}

/* Keeps the channel's memory while a callback runs. */
static void enter(struct channel *channel) {
    channel->depth++;
    RMQ_ASSERT(channel->depth > 0);
}

static void leave(struct channel *channel, struct env *env) {
    RMQ_ASSERT(channel->depth > 0);
    channel->depth--;
    if (channel->state != CHANNEL_CLOSED || channel->depth > 0)
        return;
    RMQ_ASSERT(list_is_empty(&channel->link) && list_is_empty(&channel->pending));
    RMQ_ASSERT(channel->conn == NULL && channel->tail == NULL);
    env_free(env, channel);
}

/* Counts what channels keep. */
static void kept(struct remoting *remoting, size_t less, size_t more) {
    RMQ_ASSERT(remoting->kept_bytes >= less);
    remoting->kept_bytes = remoting->kept_bytes - less + more;
}

static void drop_tail(struct channel *channel) {
    kept(channel->remoting, channel->tail_room, 0);
    env_free(channel->remoting->env, channel->tail);
    channel->tail = NULL;
    channel->tail_len = channel->tail_room = 0;
}

/* Takes it out of the world, silently: no list, connection, timer or buffer is left. */
static void detach(struct channel *channel) {
    struct remoting *remoting = channel->remoting;
    channel->state = CHANNEL_CLOSED;
    list_remove(&channel->link);
    RMQ_ASSERT(remoting->channel_count > 0);
    remoting->channel_count--;
    env_timer_stop(remoting->env, &channel->timer);
    if (channel->conn != NULL)
        env_conn_close(channel->conn);
    channel->conn = NULL;
    drop_tail(channel);
    if (channel->greedy)
        remoting->shedding = false;
    LIST_EACH(&channel->queue, link, following)
    channel_unqueue(channel, LIST_ENTRY(link, struct outgoing, link));
}

void channel_end(struct channel *channel, const char *reason, int status) {
    if (channel->state == CHANNEL_CLOSED)
        return;
    struct remoting *remoting = channel->remoting;
    struct env *env = remoting->env;
    bool was_open = channel->state == CHANNEL_OPEN;
    enter(channel);
    detach(channel);
    event_channel_closed(env, span_of_text(channel->peer), channel->inbound, span_of_text(reason));
    if (was_open && !remoting->stopping && remoting->handler->on_channel_closed != NULL)
        remoting->handler->on_channel_closed(remoting->ctx, channel, reason);
    while (!list_is_empty(&channel->pending)) { /* R4 */
        struct remoting_pending *pending =
            LIST_ENTRY(channel->pending.next, struct remoting_pending, channel_link);
        pending_finish(pending, pending->status != RMQ_OK ? pending->status : status, NULL);
    }
    leave(channel, env);
}

/* ---- frames out ----------------------------------------------------------------------------- */

void channel_unqueue(struct channel *channel, struct outgoing *frame) {
    RMQ_ASSERT(channel->queue_bytes >= frame->len);
    channel->queue_bytes -= (uint32_t)frame->len;
    kept(channel->remoting, frame->len, 0);
    list_remove(&frame->link);
    if (frame->pending != NULL)
        frame->pending->queued = NULL;
    env_free(channel->remoting->env, frame);
}

/* No room: an open channel ends for it, in a later handler. */
static int overflow(struct channel *channel) {
    if (channel->state == CHANNEL_OPEN && !channel->slow) {
        channel->slow = true;
        env_timer_start(channel->remoting->env, &channel->timer, 0, on_timer);
    }
    return RMQ_E_FULL;
}

static size_t keeps(const struct channel *channel) {
    size_t pending = channel->state == CHANNEL_OPEN ? env_conn_pending(channel->conn) : 0;
    return pending + channel->tail_room + channel->queue_bytes;
}

static struct channel *greediest(struct list *channels, struct channel *most) {
    LIST_EACH(channels, link, following) {
        struct channel *channel = LIST_ENTRY(link, struct channel, link);
        if (most == NULL || keeps(channel) > keeps(most))
            most = channel;
    }
    return most;
}

/* All channels together keep too much: the greediest ends, one in a handler's time. */
static void shed(struct remoting *remoting) {
    if (remoting->kept_bytes <= remoting->config.kept_bytes_max || remoting->shedding)
        return;
    struct channel *most = greediest(&remoting->accepted, greediest(&remoting->dialled, NULL));
    if (most == NULL)
        return;
    remoting->shedding = most->greedy = true;
    env_timer_start(remoting->env, &most->timer, 0, on_timer);
}

static int queue_frame(struct channel *channel, struct span head, struct span body,
                       struct outgoing **queued) {
    size_t len = head.len + body.len;
    if (channel->slow || len > REMOTING_QUEUE_BYTES_MAX - channel->queue_bytes)
        return overflow(channel);
    struct outgoing *frame = env_alloc(channel->remoting->env, sizeof *frame + len);
    if (frame == NULL)
        return RMQ_E_NOMEM;
    frame->pending = NULL;
    frame->len = len;
    memcpy(frame->bytes, head.data, head.len);
    if (body.len > 0)
        memcpy(frame->bytes + head.len, body.data, body.len);
    list_append(&channel->queue, &frame->link);
    channel->queue_bytes += (uint32_t)len;
    *queued = frame;
    kept(channel->remoting, 0, len);
    shed(channel->remoting);
    return RMQ_OK;
}

static int write_spans(struct channel *channel, const struct span *spans, size_t count) {
    int err = env_conn_write(channel->conn, spans, count);
    if (err != RMQ_OK)
        return err;
    channel->last_io_ns = env_mono_ns(channel->remoting->env);
    channel->remoting->frames_out++;
    return RMQ_OK;
}

static int send_encoded(struct channel *channel, struct span head, struct span body,
                        struct outgoing **queued) {
    if (channel->state == CHANNEL_OPEN && list_is_empty(&channel->queue)) {
        struct span spans[] = {head, body};
        int err = write_spans(channel, spans, body.len > 0 ? 2 : 1);
        if (err != RMQ_E_FULL)
            return err;
    }
    return queue_frame(channel, head, body, queued);
}

/* A request is signed when there is something to sign with; answers never are. */
static int encode_head(const struct remoting *remoting, const struct wire_command *command,
                       struct buf *out) {
    if (span_is_absent(remoting->credentials.access_key) ||
        (command->flag & WIRE_FLAG_RESPONSE) != 0)
        return wire_encode_head(command, out);
    char signature[WIRE_SIGNATURE_BYTES];
    struct wire_command with_signature = *command;
    int err = wire_sign(&remoting->credentials, &with_signature, signature);
    return err != RMQ_OK ? err : wire_encode_head(&with_signature, out);
}

int channel_send(struct channel *channel, const struct wire_command *command,
                 struct outgoing **queued) {
    *queued = NULL;
    if (channel->state == CHANNEL_CLOSED)
        return RMQ_E_CLOSED;
    struct buf *encode = &channel->remoting->encode;
    buf_clear(encode);
    int err = encode_head(channel->remoting, command, encode);
    if (err == RMQ_OK)
        err = send_encoded(channel, buf_span(encode), command->body, queued);
    trim(encode);
    return err;
}

/* Writes what waits, as far as the peer takes it. After another error on_close follows. */
static void flush(struct channel *channel) {
    LIST_EACH(&channel->queue, link, following) {
        struct outgoing *frame = LIST_ENTRY(link, struct outgoing, link);
        struct span bytes = span_of(frame->bytes, frame->len);
        if (write_spans(channel, &bytes, 1) != RMQ_OK)
            return;
        channel_unqueue(channel, frame);
    }
}

/* ---- frames in ------------------------------------------------------------------------------ */

static int handle_frame(struct channel *channel, struct span frame) {
    struct remoting *remoting = channel->remoting;
    struct wire_command command;
    struct wire_error error;
    int err = wire_decode(frame, &remoting->scratch, &command, &error);
    if (err != RMQ_OK) {
        remoting->frames_refused++;
        env_log(remoting->env, ENV_LOG_WARN, "%s: frame refused at byte %lu, expected %s",
                channel->peer, (unsigned long)error.offset, error.expected);
        return err;
    }
    remoting->frames_in++;
    if ((command.flag & WIRE_FLAG_RESPONSE) == 0)
        remoting->handler->on_request(remoting->ctx, channel, &command);
    else if (!pending_answer(remoting, channel, &command))
        remoting->answers_unmatched++;
    if (channel->state != CHANNEL_CLOSED) /* R4 */
        trim(&remoting->scratch);
    return RMQ_OK;
}

/* Appends to the tail; its room doubles, so that a length alone costs nothing. */
static int keep(struct channel *channel, struct span bytes) {
    size_t len = channel->tail_len + bytes.len;
    if (len > channel->tail_room) {
        size_t room = len > 2 * (size_t)channel->tail_room ? len : 2 * (size_t)channel->tail_room;
        uint8_t *tail = env_realloc(channel->remoting->env, channel->tail, room);
        if (tail == NULL)
            return RMQ_E_NOMEM;
        kept(channel->remoting, channel->tail_room, room);
        channel->tail = tail;
        channel->tail_room = (uint32_t)room;
        shed(channel->remoting);
    }
    memcpy(channel->tail + channel->tail_len, bytes.data, bytes.len);
    channel->tail_len = (uint32_t)len;
    return RMQ_OK;
}

/* The tail is a whole frame. */
static int handle_tail(struct channel *channel) {
    struct env *env = channel->remoting->env;
    uint8_t *bytes = channel->tail;
    struct span frame = span_of(bytes, channel->tail_len);
    kept(channel->remoting, channel->tail_room, 0);
    channel->tail = NULL;
    channel->tail_len = channel->tail_room = 0;
    int err = handle_frame(channel, frame);
    env_free(env, bytes);
    return err;
}

/* Bytes that the tail is to have: those of the length, then those of the frame. */
static int tail_target(const struct channel *channel, size_t *target) {
    *target = 4;
    if (channel->tail_len < 4)
        return RMQ_OK;
    return wire_frame_length(span_of(channel->tail, channel->tail_len), target);
}

/* Takes from *bytes what the frame in the tail still lacks. */
static int continue_tail(struct channel *channel, struct span *bytes) {
    size_t target;
    int err = tail_target(channel, &target);
    if (err != RMQ_OK)
        return err;
    size_t missing = target - channel->tail_len;
    size_t taken = bytes->len < missing ? bytes->len : missing;
    err = keep(channel, span_of(bytes->data, taken));
    *bytes = span_from(*bytes, taken);
    if (err == RMQ_OK)
        err = tail_target(channel, &target);
    return err == RMQ_OK && channel->tail_len == target ? handle_tail(channel) : err;
}

/* Takes one frame from *bytes, or keeps the beginning of one. */
static int take_frame(struct channel *channel, struct span *bytes) {
    if (channel->tail_len > 0)
        return continue_tail(channel, bytes);
    size_t frame_len;
    struct span all = *bytes;
    int err = wire_frame_length(all, &frame_len);
    if (err == RMQ_OK && frame_len <= all.len) {
        *bytes = span_from(all, frame_len);
        return handle_frame(channel, span_of(all.data, frame_len));
    }
    *bytes = span_from(all, all.len);
    return err == RMQ_OK || err == RMQ_E_AGAIN ? keep(channel, all) : err;
}

/* ---- the connection's callbacks ------------------------------------------------------------- */

static void on_open(struct env_conn *conn, void *ctx) {
    struct channel *channel = ctx;
    struct env *env = channel->remoting->env;
    RMQ_ASSERT(channel->state == CHANNEL_CONNECTING && channel->conn == conn);
    channel_opened(channel);
    flush(channel);
    enter(channel);
    pending_connected(channel);
    if (channel->state == CHANNEL_OPEN && channel->remoting->on_opened != NULL) /* R4 */
        channel->remoting->on_opened(channel->remoting->ctx, channel);
    leave(channel, env);
}

static void on_data(struct env_conn *conn, void *ctx, struct span bytes) {
    struct channel *channel = ctx;
    struct env *env = channel->remoting->env;
    RMQ_ASSERT(channel->state == CHANNEL_OPEN && channel->conn == conn);
    channel->last_io_ns = env_mono_ns(env);
    enter(channel);
    while (bytes.len > 0 && channel->state == CHANNEL_OPEN) {
        int err = take_frame(channel, &bytes);
        if (err != RMQ_OK)
            channel_end(channel, err == RMQ_E_NOMEM ? "memory" : "protocol", RMQ_E_CLOSED);
    }
    leave(channel, env);
}

static void on_drain(struct env_conn *conn, void *ctx) {
    struct channel *channel = ctx;
    RMQ_ASSERT(channel->conn == conn);
    flush(channel);
}

static const char *reason_text(int reason) {
    switch (reason) {
    case RMQ_E_CLOSED:
        return "close";
    case RMQ_E_TIMEOUT:
        return "timeout";
    case RMQ_E_REFUSED:
        return "refused";
    case RMQ_E_UNREACHABLE:
        return "unreachable";
    case RMQ_E_INVALID:
        return "invalid";
    default:
        return "reset";
    }
}

static void on_close(struct env_conn *conn, void *ctx, int reason) {
    struct channel *channel = ctx;
    RMQ_ASSERT(channel->conn == conn);
    channel->conn = NULL;
    int status = reason;
    if (channel->state == CHANNEL_OPEN && reason == RMQ_E_TIMEOUT)
        status = RMQ_E_RESET; /* the connection's timeout is not the request's */
    channel_end(channel, reason_text(reason), status);
}

static const struct env_conn_handler CONN_HANDLER = {on_open, on_data, on_drain, on_close};
