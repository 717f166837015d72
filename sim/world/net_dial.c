/* sim/world/net_dial.c - listeners and handshakes.
 *
 * A SYN takes one latency, the answer another. A SYN that is lost (closed link, host off or told to
 * hang, drawn loss, full backlog), or whose answer is, is sent again 1, 3, 7, 15, 31, 63 s after
 * the first; at dial_give_up_ns the dial ends with RMQ_E_TIMEOUT. Where nothing listens a live host
 * answers RST: RMQ_E_REFUSED after one round trip. The listening kernel completes handshakes by
 * itself, so a paused process is reachable, up to 128 connections; above, SYNs and last ACKs are
 * dropped. The dialled end exists from the last ACK on, which travels ahead of the dialler's first
 * bytes. */
#include "sim/world/world_internal.h"

enum dial_phase { DIAL_SYN, DIAL_SYN_ACK, DIAL_RST, DIAL_RETRY, DIAL_GIVE_UP };

/* ---- listeners ---- */

struct env_listener *listener_find(const struct host *host, uint16_t port) {
    struct env_listener *listener = host->listeners;
    while (listener != NULL && listener->port != port) {
        listener = listener->next;
    }
    return listener;
}

static uint16_t free_port(struct host *host) {
    uint16_t port = host_take_port(host);
    while (listener_find(host, port) != NULL) {
        port = host_take_port(host);
    }
    return port;
}

int env_listen(struct env *env, uint16_t port, env_accept_fn *accept, void *ctx,
               struct env_listener **out) {
    env_enter(env);
    RMQ_ASSERT(accept != NULL);
    if (port == 0) {
        port = free_port(env->host);
    } else if (listener_find(env->host, port) != NULL) {
        return RMQ_E_IN_USE;
    }
    struct env_listener *listener = world_alloc(env->world, sizeof *listener);
    if (listener == NULL) {
        return RMQ_E_NOMEM;
    }
    listener->env = env;
    listener->accept = accept;
    listener->ctx = ctx;
    listener->port = port;
    listener->next = env->host->listeners;
    env->host->listeners = listener;
    *out = listener;
    return RMQ_OK;
}

uint16_t env_listener_port(const struct env_listener *listener) {
    env_enter(listener->env);
    return listener->port;
}

static void listener_free(struct world *world, struct env_listener *listener) {
    struct env_listener **at = &listener->env->host->listeners;
    while (*at != listener) {
        at = &(*at)->next;
    }
    *at = listener->next;
    world_free(world, listener);
}

void env_listener_close(struct env_listener *listener) {
    env_enter(listener->env);
    listener_free(listener->env->world, listener);
}

void listeners_close_all(struct world *world, struct env *node) {
    for (struct env_listener *listener = node->host->listeners, *next; listener != NULL;
         listener = next) {
        next = listener->next;
        if (listener->env == node) {
            listener_free(world, listener);
        }
    }
}

/* ---- accepting ---- */

bool backlog_is_full(const struct env_conn *end) {
    const struct env_listener *listener = listener_find(end->link->from, end->port);
    return listener != NULL && listener->backlog >= BACKLOG_MAX;
}

void accept_arrives(struct world *world, struct packet *packet) {
    struct env_conn *end = packet->to;
    struct env_listener *listener = listener_find(end->link->from, end->port);
    if (listener == NULL) { /* it died while the handshake was under way */
        end->state = CONN_GONE;
        end->rst_sent = true;
        packet_send_control(world, end, ITEM_RST);
        world_free(world, packet);
        conn_free_if_over(world, end);
        return;
    }
    listener->backlog++;
    end->state = CONN_ACCEPTING;
    end->holds++;
    conn_attach(end, listener->env);
    node_arrive(listener->env, &packet->item);
}

void accept_handle(struct world *world, struct packet *packet) {
    struct env_conn *end = packet->to;
    struct env *node = end->env;
    if (node == NULL) {
        packet_release(world, packet);
        return;
    }
    struct env_listener *listener = listener_find(node->host, end->port);
    if (listener == NULL || listener->env != node || listener->backlog == 0) {
        packet_send_control(world, end, ITEM_RST); /* closed before it was accepted */
        conn_detach(world, end);
        packet_release(world, packet);
        return;
    }
    listener->backlog--;
    if (end->state == CONN_ACCEPTING) {
        end->state = CONN_OPEN;
    }
    node_begin(node, &packet->item, STEP_ACCEPT);
    if (world_wants_steps()) {
        const uint64_t numbers[] = {conn_peer(end)->node, conn_pair_of(end)->number};
        world_record_step(world, node, STEP_ACCEPT, numbers, 2);
    }
    listener->accept(listener, listener->ctx, end);
    RMQ_ASSERT(end->env == NULL || end->handler != NULL);
    node_end(node);
    packet_release(world, packet);
}

/* ---- dialling ---- */

/* Splits "host:port". */
static bool parse_address(struct span address, struct span *name, uint16_t *port) {
    size_t colon = address.len;
    while (colon > 0 && address.data[colon - 1] != ':') {
        colon--;
    }
    uint64_t number;
    if (colon < 2 || span_to_u64(span_from(address, colon), &number) != RMQ_OK || number == 0 ||
        number > UINT16_MAX) {
        return false;
    }
    *name = span_of(address.data, colon - 1);
    *port = (uint16_t)number;
    return true;
}

static bool is_ip(struct span name) {
    for (size_t i = 0; i < name.len; i++) {
        if (name.data[i] != '.' && (name.data[i] < '0' || name.data[i] > '9')) {
            return false;
        }
    }
    return true;
}

static struct target *find_target(struct env *env, struct host *host, uint16_t port) {
    struct target *target = env->targets;
    while (target != NULL && (target->host != host || target->port != port)) {
        target = target->next;
    }
    if (target == NULL) {
        target = world_need(env->world, sizeof *target);
        target->host = host;
        target->port = port;
        target->next = env->targets;
        env->targets = target;
    }
    return target;
}

/* Both ends, unconnected, with the links between them. */
static struct env_conn *pair_new(struct env *env, struct host *to, uint16_t port) {
    struct world *world = env->world;
    struct conn_pair *pair = world_need(world, sizeof *pair);
    pair->number = ++world->pair_count;
    pair->end[1].side = 1;
    pair->end[0].link = link_between(world, env->host, to);
    pair->end[1].link = link_between(world, to, env->host);
    pair->end[0].port = host_take_port(env->host);
    pair->end[1].port = port;
    pair->end[1].state = CONN_NEW;
    struct target *target = find_target(env, to, port);
    uint64_t ordinal = (uint64_t)port << 32 | target->dials++;
    uint64_t names = draw_owner_pair(env->draw_owner, to->draw_owner);
    pair->draw_owner = draw_owner_pair(names, ordinal);
    return &pair->end[0];
}

static void send_syn(struct world *world, struct dial *dial, uint64_t at_ns) {
    struct env_conn *end = dial->end;
    dial->phase = DIAL_SYN;
    dial->tries++;
    world_queue(world, &dial->item, at_ns + link_latency(world, end, end->draws++));
}

int env_dial(struct env *env, struct span address, const struct env_conn_handler *handler,
             void *ctx, struct env_conn **out) {
    env_enter(env);
    RMQ_ASSERT(handler != NULL);
    if (env->conn_count >= CONNECTIONS_MAX) {
        return RMQ_E_FULL;
    }
    struct world *world = env->world;
    struct span name = SPAN_NONE;
    uint16_t port = 1;
    bool parses = parse_address(address, &name, &port);
    struct host *host = NULL;
    if (parses) {
        host = host_find_ip(world, name);
        host = host != NULL ? host : world_find_host(world, name);
    }
    struct env_conn *end = pair_new(env, host != NULL ? host : env->host, port);
    end->handler = handler;
    end->ctx = ctx;
    end->state = CONN_DIALLING;
    conn_attach(end, env);
    world->counts.dials++;
    *out = end;
    if (host == NULL) {
        int reason = parses && is_ip(name) ? RMQ_E_UNREACHABLE : RMQ_E_INVALID;
        end->state = CONN_ENDING;
        conn_notify(world, end, ITEM_BROKEN, reason, world->effect_ns);
        return RMQ_OK;
    }
    struct dial *dial = world_need(world, sizeof *dial);
    dial->item.kind = ITEM_DIAL;
    dial->end = end;
    dial->first_ns = world->effect_ns;
    end->dial = dial;
    end->shaking_hands = true;
    send_syn(world, dial, world->effect_ns);
    return RMQ_OK;
}

void dial_cancel(struct world *world, struct env_conn *end) {
    struct dial *dial = end->dial;
    end->dial = NULL;
    end->shaking_hands = false;
    world_unqueue(world, &dial->item);
    world_free(world, dial);
}

/* The SYN or its answer is lost: waits for the next try, or the end. */
static void dial_retry(struct world *world, struct dial *dial) {
    uint64_t now = world_now(world);
    uint64_t end_ns = dial->first_ns + dial->end->link->profile->dial_give_up_ns;
    uint64_t at;
    while ((at = dial->first_ns + ((1ULL << dial->tries) - 1) * WORLD_SECOND_NS) < now) {
        dial->tries++;
    }
    if (!dial->hung) {
        dial->hung = true;
        world->counts.dials_hung++;
    }
    dial->phase = at < end_ns ? DIAL_RETRY : DIAL_GIVE_UP;
    at = at < end_ns ? at : end_ns;
    world_queue(world, &dial->item, at > now ? at : now);
}

static void dial_fails(struct world *world, struct dial *dial, int reason) {
    struct env_conn *end = dial->end;
    dial_cancel(world, end);
    end->state = CONN_ENDING;
    conn_notify(world, end, ITEM_BROKEN, reason, world_now(world));
}

/* The end from which the SYN or its answer travels. */
static struct env_conn *dial_sender(const struct dial *dial) {
    return dial->phase == DIAL_SYN ? dial->end : conn_peer(dial->end);
}

struct link *dial_link(const struct dial *dial) {
    return dial_sender(dial)->link;
}

/* Is what travels lost or held? Then it has been taken care of. */
static bool dial_is_stopped(struct world *world, struct dial *dial) {
    struct env_conn *end = dial_sender(dial);
    const struct link_profile *profile = end->link->profile;
    if (end->link->closed || (profile->loss_ppm != 0 &&
                              world_draw_chance(world, DRAW_LINK_LOSS, conn_draw_owner(end),
                                                (uint64_t)end->draws++ << 6, profile->loss_ppm))) {
        dial_retry(world, dial);
        return true;
    }
    if (end->link->clogged > 0) {
        clog_hold(world, &dial->item);
        return true;
    }
    return false;
}

static void syn_arrives(struct world *world, struct dial *dial) {
    struct env_conn *end = dial->end, *peer = conn_peer(end);
    struct host *host = end->link->to;
    if (dial_is_stopped(world, dial)) {
        return;
    }
    struct env_listener *listener = listener_find(host, peer->port);
    if (host->hangs || (!host->refuses && listener != NULL && listener->backlog >= BACKLOG_MAX)) {
        dial_retry(world, dial);
        return;
    }
    dial->phase = host->refuses || listener == NULL ? DIAL_RST : DIAL_SYN_ACK;
    world_queue(world, &dial->item, world_now(world) + link_latency(world, peer, peer->draws++));
}

static void answer_arrives(struct world *world, struct dial *dial) {
    struct env_conn *end = dial->end;
    if (dial_is_stopped(world, dial)) {
        return;
    }
    if (dial->phase == DIAL_RST) {
        world->counts.dials_refused++;
        dial_fails(world, dial, RMQ_E_REFUSED);
        return;
    }
    dial_cancel(world, end); /* done */
    packet_send_control(world, end, ITEM_ACCEPT);
    conn_notify(world, end, ITEM_OPENED, RMQ_OK, world_now(world));
}

void dial_progresses(struct world *world, struct dial *dial) {
    switch ((enum dial_phase)dial->phase) {
    case DIAL_SYN:
        syn_arrives(world, dial);
        break;
    case DIAL_SYN_ACK:
    case DIAL_RST:
        answer_arrives(world, dial);
        break;
    case DIAL_RETRY:
        send_syn(world, dial, world_now(world));
        break;
    case DIAL_GIVE_UP:
        dial_fails(world, dial, RMQ_E_TIMEOUT);
        break;
    }
}
