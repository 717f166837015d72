/* wire/remoting_call.c - requests out: matching answers, timeouts, failures.
 *
 * Each pending request has its own timer, which is exact and costs nothing when the answer comes
 * first. Opaques are handed out in sequence, so their low bits are a perfect hash. Source: wire.md
 * 7.1, 7.3; client.md 2.2, 2.3. Differs: an async request fails at its timeout, not at the next run
 * of a scan one to two seconds later. */
#include "model/wire/remoting_internal.h"

#define BUCKETS_MIN 4
#define BUCKETS_KEEP 64

/* ---- by opaque ------------------------------------------------------------------------------ */

static struct remoting_pending **bucket_of(const struct remoting *remoting, int32_t opaque) {
    return &remoting->buckets[(uint32_t)opaque & (remoting->bucket_count - 1)];
}

static struct remoting_pending *find(const struct remoting *remoting, int32_t opaque) {
    if (remoting->buckets == NULL)
        return NULL;
    struct remoting_pending *pending = *bucket_of(remoting, opaque);
    while (pending != NULL && pending->opaque != opaque)
        pending = pending->next;
    return pending;
}

static void bucket_insert(struct remoting *remoting, struct remoting_pending *pending) {
    struct remoting_pending **bucket = bucket_of(remoting, pending->opaque);
    pending->next = *bucket;
    *bucket = pending;
}

static void bucket_remove(struct remoting *remoting, struct remoting_pending *pending) {
    struct remoting_pending **at = bucket_of(remoting, pending->opaque);
    while (*at != pending) {
        RMQ_ASSERT(*at != NULL);
        at = &(*at)->next;
    }
    *at = pending->next;
}

/* One bucket per request at least. Without memory the chains get longer, but for the very first. */
static int reserve_bucket(struct remoting *remoting) {
    size_t count = remoting->bucket_count;
    if (remoting->pending_count < count)
        return RMQ_OK;
    size_t grown = count == 0 ? BUCKETS_MIN : 2 * count;
    struct remoting_pending **buckets = env_alloc(remoting->env, grown * sizeof(void *));
    if (buckets == NULL)
        return count == 0 ? RMQ_E_NOMEM : RMQ_OK;
    memset(buckets, 0, grown * sizeof(void *));
    env_free(remoting->env, remoting->buckets);
    remoting->buckets = buckets;
    remoting->bucket_count = grown;
    LIST_EACH(&remoting->pending, link, following) {
        struct remoting_pending *pending = LIST_ENTRY(link, struct remoting_pending, link);
        if (!pending->connect_only)
            bucket_insert(remoting, pending);
    }
    return RMQ_OK;
}

/* ---- life of a pending request -------------------------------------------------------------- */

static void on_timeout(struct env *env, struct env_timer *timer) {
    struct remoting_pending *pending = RMQ_CONTAINER_OF(timer, struct remoting_pending, timer);
    RMQ_ASSERT(env == pending->remoting->env);
    bool open = pending->channel->state == CHANNEL_OPEN;
    pending->status = RMQ_E_TIMEOUT;
    if (pending->mode == REMOTING_SYNC && open)
        channel_end(pending->channel, "timeout", RMQ_E_CLOSED);
    else
        pending_finish(pending, RMQ_E_TIMEOUT, NULL);
}

static struct remoting_pending *pending_create(struct remoting *remoting, struct channel *channel,
                                               remoting_done_fn *done, void *ctx) {
    if (reserve_bucket(remoting) != RMQ_OK)
        return NULL;
    struct remoting_pending *pending = env_alloc(remoting->env, sizeof *pending);
    if (pending == NULL)
        return NULL;
    memset(pending, 0, sizeof *pending);
    pending->remoting = remoting;
    pending->channel = channel;
    pending->done = done;
    pending->ctx = ctx;
    return pending;
}

static void pending_start(struct remoting_pending *pending, uint64_t timeout_ns) {
    struct remoting *remoting = pending->remoting;
    RMQ_ASSERT(pending->channel->state != CHANNEL_CLOSED);
    list_append(&remoting->pending, &pending->link);
    list_append(&pending->channel->pending, &pending->channel_link);
    if (!pending->connect_only)
        bucket_insert(remoting, pending);
    remoting->pending_count++;
    env_timer_start(remoting->env, &pending->timer, timeout_ns, on_timeout);
}

/* Unlinks and frees it. */
static void pending_drop(struct remoting_pending *pending) {
    struct remoting *remoting = pending->remoting;
    RMQ_ASSERT(remoting->pending_count > 0);
    if (pending->queued != NULL)
        channel_unqueue(pending->channel, pending->queued);
    if (!pending->connect_only)
        bucket_remove(remoting, pending);
    list_remove(&pending->link);
    list_remove(&pending->channel_link);
    env_timer_stop(remoting->env, &pending->timer);
    env_free(remoting->env, pending);
    if (--remoting->pending_count == 0 && remoting->bucket_count > BUCKETS_KEEP) {
        env_free(remoting->env, remoting->buckets);
        remoting->buckets = NULL;
        remoting->bucket_count = 0;
    }
}

void pending_finish(struct remoting_pending *pending, int status,
                    const struct wire_command *response) {
    remoting_done_fn *done = pending->done;
    void *ctx = pending->ctx;
    pending_drop(pending);
    done(ctx, status, response);
}

bool pending_answer(struct remoting *remoting, struct channel *channel,
                    const struct wire_command *response) {
    struct remoting_pending *pending = find(remoting, response->opaque);
    if (pending == NULL || pending->channel != channel || pending->queued != NULL)
        return false;
    pending_finish(pending, RMQ_OK, response);
    return true;
}

static struct remoting_pending *first_connect_only(struct channel *channel) {
    LIST_EACH(&channel->pending, link, following) {
        struct remoting_pending *pending = LIST_ENTRY(link, struct remoting_pending, channel_link);
        if (pending->connect_only)
            return pending;
    }
    return NULL;
}

void pending_connected(struct channel *channel) {
    struct remoting_pending *pending;
    while ((pending = first_connect_only(channel)) != NULL)
        pending_finish(pending, RMQ_OK, NULL);
}

/* ---- the calls ------------------------------------------------------------------------------ */

static int32_t take_opaque(struct remoting *remoting) {
    int32_t opaque;
    do {
        opaque = remoting->next_opaque;
        remoting->next_opaque = (int32_t)((uint32_t)opaque + 1);
    } while (find(remoting, opaque) != NULL);
    return opaque;
}

static int start_call(struct remoting *remoting, struct channel *channel,
                      struct wire_command *request, enum remoting_mode mode, uint64_t timeout_ns,
                      remoting_done_fn *done, void *ctx) {
    if (remoting->pending_count >= remoting->config.pending_max)
        return RMQ_E_FULL;
    struct remoting_pending *pending = pending_create(remoting, channel, done, ctx);
    if (pending == NULL)
        return RMQ_E_NOMEM;
    remoting_stamp(remoting, request, 0);
    request->opaque = take_opaque(remoting);
    int err = channel_send(channel, request, &pending->queued);
    if (err != RMQ_OK) {
        env_free(remoting->env, pending);
        return err;
    }
    pending->opaque = request->opaque;
    pending->mode = (uint8_t)mode;
    if (pending->queued != NULL)
        pending->queued->pending = pending;
    pending_start(pending, timeout_ns);
    return RMQ_OK;
}

void remoting_call_channel(struct remoting *remoting, struct channel *channel,
                           struct wire_command *request, enum remoting_mode mode,
                           uint64_t timeout_ns, remoting_done_fn *done, void *ctx) {
    int err = RMQ_E_CLOSED;
    if (!remoting->stopping && channel->state != CHANNEL_CLOSED)
        err = start_call(remoting, channel, request, mode, timeout_ns, done, ctx);
    if (err != RMQ_OK)
        done(ctx, err, NULL);
}

void remoting_call(struct remoting *remoting, struct span address, struct wire_command *request,
                   enum remoting_mode mode, uint64_t timeout_ns, remoting_done_fn *done,
                   void *ctx) {
    struct channel *channel;
    int err = remoting_reach(remoting, address, &channel);
    if (err == RMQ_OK)
        remoting_call_channel(remoting, channel, request, mode, timeout_ns, done, ctx);
    else
        done(ctx, err, NULL);
}

void remoting_connect(struct remoting *remoting, struct span address, uint64_t timeout_ns,
                      remoting_done_fn *done, void *ctx) {
    struct channel *channel;
    int err = remoting_reach(remoting, address, &channel);
    if (err != RMQ_OK || channel->state == CHANNEL_OPEN) {
        done(ctx, err, NULL);
        return;
    }
    struct remoting_pending *pending = pending_create(remoting, channel, done, ctx);
    if (pending == NULL) {
        done(ctx, RMQ_E_NOMEM, NULL);
        return;
    }
    pending->mode = REMOTING_ASYNC;
    pending->connect_only = true;
    pending_start(pending, timeout_ns);
}

int remoting_oneway_channel(struct remoting *remoting, struct channel *channel,
                            struct wire_command *request) {
    struct outgoing *queued;
    remoting_stamp(remoting, request, WIRE_FLAG_ONEWAY);
    request->opaque = take_opaque(remoting);
    return channel_send(channel, request, &queued);
}

int remoting_oneway(struct remoting *remoting, struct span address, struct wire_command *request) {
    struct channel *channel;
    int err = remoting_reach(remoting, address, &channel);
    return err == RMQ_OK ? remoting_oneway_channel(remoting, channel, request) : err;
}

void remoting_cancel(struct remoting *remoting, void *ctx) {
    LIST_EACH(&remoting->pending, link, following) {
        struct remoting_pending *pending = LIST_ENTRY(link, struct remoting_pending, link);
        if (pending->ctx == ctx)
            pending_drop(pending);
    }
}
