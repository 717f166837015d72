/* sim/world/net_stream.c - the life of an end of a connection: env_conn_* and its callbacks. */
#include "sim/world/world_internal.h"

#include <stdio.h>

/* ---- writing ---- */

/* Copies `len` bytes of `spans` from `offset` on. */
static void gather(uint8_t *out, const struct span *spans, size_t offset, size_t len) {
    while (offset >= spans->len && len > 0) {
        offset -= spans->len;
        spans++;
    }
    while (len > 0) {
        size_t part = spans->len - offset < len ? spans->len - offset : len;
        if (part > 0) {
            memcpy(out, spans->data + offset, part);
        }
        out += part;
        len -= part;
        offset = 0;
        spans++;
    }
}

static void maybe_corrupt(struct world *world, const struct env_conn *conn, struct packet *packet) {
    uint64_t index = (uint64_t)conn->draws << 1;
    if (world_draw_chance(world, DRAW_LINK_CORRUPT, conn_draw_owner(conn), index,
                          conn->link->profile->corrupt_ppm)) {
        uint64_t u = world_draw(world, DRAW_LINK_CORRUPT, conn_draw_owner(conn), index | 1);
        packet->contents[(u >> 8) % packet->item.bytes] ^= (uint8_t)(u % 255 + 1);
        world->counts.corrupted++;
    }
}

static void send_piece(struct env_conn *conn, const struct span *spans, size_t offset, size_t len) {
    struct world *world = conn->env->world;
    struct packet *packet = packet_new(world, conn_peer(conn), ITEM_DATA, (uint32_t)len);
    gather(packet->contents, spans, offset, len);
    if (conn->link->profile->corrupt_ppm != 0) {
        maybe_corrupt(world, conn, packet);
    }
    packet_send(world, conn, packet, world->effect_ns);
}

#define PIECES_MAX 8

/* Draws where to cut `total` bytes; `ends` gets the increasing ends, the last one is total. */
static size_t draw_cuts(struct env_conn *conn, size_t total, size_t ends[PIECES_MAX]) {
    struct world *world = conn->env->world;
    uint64_t index = (uint64_t)conn->draws << 4, owner = conn_draw_owner(conn);
    ends[0] = total;
    if (total < 2 ||
        !world_draw_chance(world, DRAW_LINK_CHOP, owner, index, conn->link->profile->chop_ppm)) {
        return 1;
    }
    size_t pieces = 2 + (size_t)world_draw_below(world, DRAW_LINK_CHOP, owner, index | 1, 7);
    size_t count = 1;
    for (size_t i = 1; i < pieces; i++) { /* insertion into the sorted, distinct cuts */
        size_t cut =
            1 + (size_t)world_draw_below(world, DRAW_LINK_CHOP, owner, index | (i + 1), total - 1);
        size_t at = count - 1; /* the last end, total, is above every cut */
        while (at > 0 && ends[at - 1] >= cut) {
            at--;
        }
        if (ends[at] != cut) {
            memmove(&ends[at + 1], &ends[at], (count - at) * sizeof ends[0]);
            ends[at] = cut;
            count++;
        }
    }
    world->counts.chopped++;
    return count;
}

static void send_chopped(struct env_conn *conn, const struct span *spans, size_t total) {
    size_t ends[PIECES_MAX];
    size_t count = draw_cuts(conn, total, ends);
    for (size_t i = 0, start = 0; i < count; i++) {
        send_piece(conn, spans, start, ends[i] - start);
        start = ends[i];
    }
}

int env_conn_write(struct env_conn *conn, const struct span *spans, size_t count) {
    conn_enter(conn);
    if (conn->state != CONN_OPEN) {
        return RMQ_E_CLOSED;
    }
    size_t total = 0;
    for (size_t i = 0; i < count; i++) {
        total += spans[i].len;
    }
    RMQ_ASSERT(total <= INT32_MAX);
    const struct link_profile *profile = conn->link->profile;
    size_t used = conn->flight_bytes + (size_t)conn_peer(conn)->unread_bytes;
    if (used != 0 && used + total > profile->buffer_bytes) { /* one write of any size fits */
        conn->wants_drain = true;
        return RMQ_E_FULL;
    }
    if (total == 0) {
        return RMQ_OK;
    }
    if (profile->chop_ppm != 0) {
        send_chopped(conn, spans, total);
    } else {
        send_piece(conn, spans, 0, total);
    }
    return RMQ_OK;
}

size_t env_conn_pending(const struct env_conn *conn) {
    conn_enter(conn);
    return conn->flight_bytes;
}

void env_conn_peer(const struct env_conn *conn, char out[ENV_ADDRESS_MAX]) {
    conn_enter(conn);
    snprintf(out, ENV_ADDRESS_MAX, "%s:%u", conn->link->to->ip,
             (unsigned)conn_peer_const(conn)->port);
}

void env_conn_bind(struct env_conn *conn, const struct env_conn_handler *handler, void *ctx) {
    conn_enter(conn);
    RMQ_ASSERT(handler != NULL);
    conn->handler = handler;
    conn->ctx = ctx;
}

/* ---- pausing ---- */

void env_conn_pause(struct env_conn *conn) {
    conn_enter(conn);
    conn->paused = true;
}

/* What waited came before everything of this connection that is in the inbox: it goes ahead. */
void env_conn_resume(struct env_conn *conn) {
    conn_enter(conn);
    conn->paused = false;
    struct wheel_event *first = conn->env->inbox.next;
    while (conn->unread != NULL) {
        item_insert_before(first, &packet_take(&conn->unread)->item, PLACE_INBOX);
    }
}

/* ---- beginning and end ---- */

void conn_attach(struct env_conn *end, struct env *env) {
    end->env = env;
    end->node = env->id;
    list_append(&env->conns, &end->of_node);
    env->conn_count++;
}

void conn_detach(struct world *world, struct env_conn *end) {
    RMQ_ASSERT(end->env != NULL);
    list_remove(&end->of_node);
    end->env->conn_count--;
    end->env = NULL;
    end->state = CONN_GONE;
    end->holds++; /* the pair stays until the caller is done */
    while (end->unread != NULL) {
        packet_release(world, packet_take(&end->unread));
    }
    end->holds--;
}

static bool end_is_over(const struct env_conn *end, const struct env_conn *peer) {
    bool awaited = peer->state == CONN_NEW && end->flight != NULL;
    return end->env == NULL && end->holds == 0 && !end->shaking_hands && !awaited;
}

void conn_free_if_over(struct world *world, struct env_conn *end) {
    struct conn_pair *pair = conn_pair_of(end);
    if (!end_is_over(&pair->end[0], &pair->end[1]) || !end_is_over(&pair->end[1], &pair->end[0])) {
        return;
    }
    conn_drop_flight(world, &pair->end[0]); /* nobody would notice it */
    conn_drop_flight(world, &pair->end[1]);
    world_free(world, pair);
}

void conn_notify(struct world *world, struct env_conn *end, enum item_kind kind, int reason,
                 uint64_t time_ns) {
    struct packet *notice = packet_new(world, end, kind, 0);
    notice->item.reason = (int16_t)reason;
    end->holds++;
    world_queue(world, &notice->item, time_ns);
}

void conn_break(struct world *world, struct env_conn *end, int reason) {
    RMQ_ASSERT(end->env != NULL);
    RMQ_ASSERT(end->state != CONN_ENDING);
    end->state = CONN_ENDING;
    conn_drop_flight(world, end);
    conn_notify(world, end, ITEM_BROKEN, reason, world->wheel.now_ns);
}

void env_conn_close(struct env_conn *conn) {
    conn_enter(conn);
    struct world *world = conn->env->world;
    if (conn->shaking_hands) {
        dial_cancel(world, conn);
    } else if (conn->state != CONN_ENDING) {
        packet_send(world, conn, packet_new(world, conn_peer(conn), ITEM_FIN, 0), world->effect_ns);
    }
    conn_detach(world, conn);
    conn_free_if_over(world, conn);
}

void conn_owner_died(struct world *world, struct env_conn *end, bool silent) {
    struct retransmit *retransmit = conn_retransmit(end);
    bool held = retransmit != NULL && retransmit->held;
    bool resets = end->unread_bytes > 0 || end->state == CONN_ACCEPTING;
    if (end->shaking_hands) {
        dial_cancel(world, end);
    } else if (silent) {
        conn_drop_unsent(world, end);
        if (retransmit != NULL) {
            conn_drop_flight(world, end);
        }
    } else if (end->state != CONN_ENDING) {
        if (resets && held) {
            conn_drop_flight(world, end);
        }
        packet_send_control(world, end, resets ? ITEM_RST : ITEM_FIN);
    }
    conn_detach(world, end);
    conn_free_if_over(world, end);
}

/* ---- callbacks ---- */

static void record_conn_step(struct env_conn *end, int step, uint64_t third) {
    const uint64_t numbers[] = {conn_peer(end)->node, conn_pair_of(end)->number, third};
    world_record_step(end->env->world, end->env, step, numbers, step == STEP_CLOSE ? 3 : 2);
}

static void record_chunk_step(struct env_conn *end, uint64_t bytes, uint64_t hash) {
    const uint64_t numbers[] = {conn_peer(end)->node, conn_pair_of(end)->number, end->taken_bytes,
                                bytes, hash};
    world_record_step(end->env->world, end->env, STEP_CHUNK, numbers, 5);
}

/* The reader made room: the writer that was refused hears of it. */
static void drain_peer(struct world *world, struct env_conn *end) {
    struct env_conn *peer = conn_peer(end);
    size_t used = peer->flight_bytes + (size_t)end->unread_bytes;
    if (used <= peer->link->profile->buffer_bytes / 2) {
        peer->wants_drain = false;
        packet_send_control(world, end, ITEM_DRAIN);
    }
}

static void conn_takes(struct world *world, struct env_conn *end, struct packet *packet) {
    struct env *node = end->env;
    uint32_t bytes = packet->item.bytes;
    uint64_t hash = trace_hash_bytes(packet->contents, bytes);
    RMQ_ASSERT(end->handler != NULL);
    world->counts.chunks++;
    world->counts.bytes += bytes;
    end->unread_bytes -= bytes;
    node_begin(node, &packet->item, STEP_CHUNK);
    trace_hash_fold(&world->hash, hash, bytes);
    if (world_wants_steps()) {
        record_chunk_step(end, bytes, hash);
    }
    end->taken_bytes += bytes;
    if (conn_peer(end)->wants_drain) {
        drain_peer(world, end);
    }
    end->handler->on_data(end, end->ctx, span_of(packet->contents, bytes));
    node_end(node);
}

static void conn_ends(struct world *world, struct env_conn *end, struct packet *packet,
                      int reason) {
    struct env *node = end->env;
    RMQ_ASSERT(end->handler != NULL);
    end->state = CONN_ENDING;
    world->counts.resets += reason == RMQ_E_RESET;
    node_begin(node, &packet->item, STEP_CLOSE);
    if (world_wants_steps()) {
        record_conn_step(end, STEP_CLOSE, (uint64_t)-reason);
    }
    end->handler->on_close(end, end->ctx, reason);
    node_end(node);
    if (end->env != NULL) {
        conn_drop_flight(world, end); /* the peer's kernel would not take it */
        conn_detach(world, end);
    }
}

static void conn_calls(struct env_conn *end, struct packet *packet, int step,
                       void (*call)(struct env_conn *, void *)) {
    struct env *node = end->env;
    node_begin(node, &packet->item, step);
    if (world_wants_steps()) {
        record_conn_step(end, step, 0);
    }
    if (call != NULL) {
        call(end, end->ctx);
    }
    node_end(node);
}

void conn_handle(struct world *world, struct packet *packet) {
    struct env_conn *end = packet->to;
    enum item_kind kind = packet->item.kind;
    if (end->env == NULL) {
        packet_release(world, packet);
        return;
    }
    if (end->paused && (kind == ITEM_DATA || kind == ITEM_FIN)) {
        packet_append(&end->unread, packet);
        return;
    }
    if (kind == ITEM_DATA) {
        conn_takes(world, end, packet);
    } else if (kind == ITEM_FIN) {
        conn_ends(world, end, packet, RMQ_E_CLOSED);
    } else if (kind == ITEM_RST) {
        conn_ends(world, end, packet, RMQ_E_RESET);
    } else if (kind == ITEM_BROKEN) {
        conn_ends(world, end, packet, packet->item.reason);
    } else if (kind == ITEM_OPENED && end->state == CONN_DIALLING) {
        end->state = CONN_OPEN;
        conn_calls(end, packet, STEP_OPEN, end->handler->on_open);
    } else if (kind == ITEM_DRAIN && end->state == CONN_OPEN) {
        conn_calls(end, packet, STEP_DRAIN, end->handler->on_drain);
    }
    packet_release(world, packet);
}
