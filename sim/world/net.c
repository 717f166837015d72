/* sim/world/net.c - packets between hosts, as a user of TCP sees them.
 *
 * Fault model. A write becomes one packet, or several when it is chopped; packets of one direction
 * of a connection arrive in order. Each arrives at
 *   max(arrival of the one before, start + bytes / bandwidth + latency + retransmissions)
 * where start waits for the wire, which all connections of a directed link share. Faults:
 *  latency     drawn per packet; a packet that is late holds up those behind it, as in TCP.
 *  loss        drawn per packet: each loss costs a retransmission time-out, doubling from rto_ns to
 *              120 s. Losses that add up to give_up_ns: the sender's kernel resets the connection.
 *  chop        a write is cut at random places: whoever frames messages must not rely on writes.
 *  corruption  one byte differs and nothing says so (TCP's 16-bit checksum misses 1 in 65,536).
 *  block       a packet that would arrive while its link is closed (blocked, an end isolated, the
 *              receiving host off) is lost. The sender's kernel tries again by the same schedule;
 *              after give_up_ns (an orphan's kernel: after 8 tries) it resets its end: on_close
 *              RMQ_E_TIMEOUT. The peer learns nothing. Lost acknowledgements count alike: with only
 *              the way back closed, bytes arrive and yet the sender gives up. A lost RST is not
 *              sent again.
 *  clog        what would arrive waits and is released in order; no time-out runs.
 *  half-open   an end that is gone without a word (power-off, give-up, world_half_open) answers
 *              the next bytes that reach its host by RST.
 *  back-pressure  a connection holds buffer_bytes between writer and reader; RMQ_E_FULL above.
 * A cluster must survive these because connections stay established through outages of minutes, and
 * each end learns of the other's death at its own time, or never. */
#include "sim/world/world_internal.h"

#define RTO_MAX_NS (120 * WORLD_SECOND_NS)
#define ORPHAN_STEPS 511 /* rto * (1 + 2 + .. + 256): tcp_orphan_retries = 8 */

/* ---- sending ---- */

struct packet *packet_new(struct world *world, struct env_conn *to, enum item_kind kind,
                          uint32_t bytes) {
    struct packet *packet = arena_alloc(&world->owner, sizeof *packet + bytes);
    RMQ_ASSERT(packet != NULL);
    memset(packet, 0, sizeof *packet);
    packet->item.kind = (uint8_t)kind;
    packet->item.bytes = bytes;
    packet->to = to;
    return packet;
}

bool packet_append(struct packet **list, struct packet *packet) {
    if (*list == NULL) {
        packet->last = packet;
        *list = packet;
        return true;
    }
    (*list)->last->next = packet;
    (*list)->last = packet;
    return false;
}

struct packet *packet_take(struct packet **list) {
    struct packet *packet = *list;
    *list = packet->next;
    if (packet->next != NULL) {
        packet->next->last = packet->last;
        packet->next = NULL;
    }
    return packet;
}

uint64_t link_latency(struct world *world, struct env_conn *from, uint32_t index) {
    return world_draw_ns(world, &from->link->profile->latency, DRAW_LINK_LATENCY,
                         conn_draw_owner(from), index);
}

static uint64_t double_step(uint64_t step_ns) {
    return step_ns * 2 < RTO_MAX_NS ? step_ns * 2 : RTO_MAX_NS;
}

/* What losses cost packet `index`; UINT64_MAX: more than the sender's kernel bears. */
static uint64_t loss_delay(struct world *world, const struct env_conn *from, uint32_t index) {
    const struct link_profile *profile = from->link->profile;
    uint64_t delay = 0, step = profile->rto_ns;
    for (uint64_t i = 0; world_draw_chance(world, DRAW_LINK_LOSS, conn_draw_owner(from),
                                           (uint64_t)index << 6 | i, profile->loss_ppm);
         i++) {
        world->counts.lost++;
        delay += step;
        step = double_step(step);
        if (delay >= profile->give_up_ns || i == 63) {
            return UINT64_MAX;
        }
    }
    return delay;
}

/* When the last byte is on the wire. */
static uint64_t wire_time(struct link *link, uint64_t sent_ns, uint32_t bytes) {
    uint64_t start = sent_ns > link->free_ns ? sent_ns : link->free_ns;
    uint64_t rate = link->profile->bytes_per_second;
    link->free_ns =
        start + bytes / rate * WORLD_SECOND_NS + (bytes % rate) * WORLD_SECOND_NS / rate;
    return link->free_ns;
}

static struct retransmit *retransmit_start(struct world *world, struct env_conn *end,
                                           uint64_t first_ns);

/* Puts the first packet of the direction on its way. */
static void flight_start(struct world *world, struct env_conn *from) {
    struct packet *packet = from->flight;
    if (packet->arrival_ns == UINT64_MAX) { /* all tries are lost */
        retransmit_start(world, from, packet->sent_ns)->held = true;
        return;
    }
    uint64_t now = world->wheel.now_ns;
    world_queue(world, &packet->item, packet->arrival_ns > now ? packet->arrival_ns : now);
}

void packet_send(struct world *world, struct env_conn *from, struct packet *packet,
                 uint64_t sent_ns) {
    const struct link_profile *profile = from->link->profile;
    uint32_t index = from->draws++;
    uint64_t arrival = sent_ns;
    if (profile->bytes_per_second != 0 && packet->item.bytes > 0) {
        arrival = wire_time(from->link, sent_ns, packet->item.bytes);
    }
    arrival += link_latency(world, from, index);
    if (profile->loss_ppm != 0) {
        uint64_t delay = loss_delay(world, from, index);
        arrival = delay == UINT64_MAX ? UINT64_MAX : arrival + delay;
    }
    packet->sent_ns = sent_ns;
    packet->arrival_ns = arrival;
    from->flight_bytes += packet->item.bytes;
    if (packet_append(&from->flight, packet)) {
        flight_start(world, from); /* else its turn comes when those ahead have arrived */
    }
}

void packet_send_control(struct world *world, struct env_conn *from, enum item_kind kind) {
    packet_send(world, from, packet_new(world, conn_peer(from), kind, 0), world->wheel.now_ns);
}

/* ---- a sender's retransmission timer: exists while something is lost ---- */

static uint64_t give_up_ns(const struct env_conn *from) {
    const struct link_profile *profile = from->link->profile;
    uint64_t orphan = profile->rto_ns * ORPHAN_STEPS;
    return from->env == NULL && orphan < profile->give_up_ns ? orphan : profile->give_up_ns;
}

static void retransmit_queue(struct world *world, struct retransmit *retransmit) {
    uint64_t end_ns = retransmit->first_ns + give_up_ns(retransmit->end);
    uint64_t at = retransmit->try_ns < end_ns ? retransmit->try_ns : end_ns;
    world_queue(world, &retransmit->item, at > world->wheel.now_ns ? at : world->wheel.now_ns);
}

/* The first try that is still to come. */
static void next_try(struct world *world, struct retransmit *retransmit) {
    while (retransmit->try_ns <= world->wheel.now_ns) {
        retransmit->try_ns += retransmit->step_ns;
        retransmit->step_ns = double_step(retransmit->step_ns);
    }
}

static struct retransmit *retransmit_start(struct world *world, struct env_conn *end,
                                           uint64_t first_ns) {
    RMQ_ASSERT(!end->shaking_hands);
    if (end->retransmit != NULL) {
        return end->retransmit;
    }
    struct retransmit *retransmit = world_need(world, sizeof *retransmit);
    retransmit->item.kind = ITEM_RETRANSMIT;
    retransmit->end = end;
    retransmit->first_ns = retransmit->try_ns = first_ns;
    retransmit->step_ns = end->link->profile->rto_ns;
    end->retransmit = retransmit;
    world->impaired++;
    next_try(world, retransmit);
    retransmit_queue(world, retransmit);
    return retransmit;
}

static void retransmit_end(struct world *world, struct env_conn *end) {
    struct retransmit *retransmit = conn_retransmit(end);
    if (retransmit == NULL) {
        return;
    }
    end->flight_bytes -= retransmit->unacked;
    end->retransmit = NULL;
    world->impaired--;
    world_unqueue(world, &retransmit->item);
    world_free(world, retransmit);
}

/* The sender's kernel has no hope left. */
static void give_up(struct world *world, struct env_conn *from) {
    if (from->env != NULL && from->state != CONN_ENDING) {
        world->counts.retransmit_timeouts++;
        conn_break(world, from, RMQ_E_TIMEOUT);
        return;
    }
    conn_drop_flight(world, from);
    conn_free_if_over(world, from);
}

void retransmit_fires(struct world *world, struct retransmit *retransmit) {
    struct env_conn *from = retransmit->end;
    uint64_t now = world->wheel.now_ns;
    if (now >= retransmit->first_ns + give_up_ns(from)) {
        give_up(world, from);
        return;
    }
    bool forth = !from->link->closed && from->link->clogged == 0;
    bool back = !conn_peer(from)->link->closed;
    if (retransmit->held && forth && from->flight->arrival_ns != UINT64_MAX) {
        retransmit->held = false;
        from->flight->arrival_ns = now + link_latency(world, from, from->draws++);
        flight_start(world, from);
    } else if (!retransmit->held && forth && back) {
        retransmit_end(world, from); /* this try is acknowledged */
        return;
    }
    next_try(world, retransmit);
    retransmit_queue(world, retransmit);
}

/* ---- arriving ---- */

/* The link is closed: the packet is lost. */
static void packet_is_lost(struct world *world, struct env_conn *from, struct packet *packet) {
    world->counts.blocked++;
    if (from->link->from->off) { /* nobody is left to send it again */
        conn_drop_flight(world, from);
        conn_free_if_over(world, from);
    } else if (packet->item.kind == ITEM_RST) {
        conn_drop_flight(world, from); /* it was the last one */
        conn_free_if_over(world, from);
    } else {
        retransmit_start(world, from, packet->sent_ns)->held = true;
    }
}

/* Foul weather: does the packet get through, and its acknowledgement back? */
static bool packet_passes(struct world *world, struct env_conn *from, struct packet *packet) {
    if (from->link->closed) {
        packet_is_lost(world, from, packet);
        return false;
    }
    if (from->link->clogged > 0) {
        clog_hold(world, &packet->item);
        return false;
    }
    if (conn_peer(from)->link->closed) {
        retransmit_start(world, from, packet->sent_ns)->unacked += packet->item.bytes;
        from->flight_bytes += packet->item.bytes;
    } else {
        retransmit_end(world, from);
    }
    return true;
}

/* Nobody has this end (any more). */
static void arrives_at_nobody(struct world *world, struct packet *packet) {
    struct env_conn *to = packet->to, *from = conn_peer(to);
    if (packet->item.kind == ITEM_ACCEPT && to->state == CONN_NEW) {
        accept_arrives(world, packet);
        return;
    }
    if (packet->item.kind == ITEM_DATA && from->env != NULL && !to->rst_sent) {
        to->rst_sent = true;
        packet_send_control(world, to, ITEM_RST);
    }
    world_free(world, packet);
    conn_free_if_over(world, to);
}

void packet_arrives(struct world *world, struct packet *packet) {
    struct env_conn *to = packet->to, *from = conn_peer(to);
    RMQ_ASSERT(from->flight == packet);
    if (__builtin_expect(world->impaired != 0, 0) && !packet_passes(world, from, packet)) {
        return;
    }
    if (__builtin_expect(to->env == NULL, 0) && packet->item.kind == ITEM_ACCEPT &&
        backlog_is_full(to)) {
        retransmit_start(world, from, packet->sent_ns)->held = true; /* as if it were lost */
        return;
    }
    from->flight_bytes -= packet->item.bytes;
    packet_take(&from->flight);
    if (from->flight != NULL) {
        flight_start(world, from);
    }
    if (__builtin_expect(to->env == NULL, 0)) {
        arrives_at_nobody(world, packet);
        return;
    }
    to->holds++;
    to->unread_bytes += packet->item.bytes;
    if (packet->item.kind == ITEM_RST) {
        to->state = CONN_ENDING;
        conn_drop_flight(world, to);
    }
    node_arrive(to->env, &packet->item);
}

void packet_release(struct world *world, struct packet *packet) {
    struct env_conn *end = packet->to;
    world_free(world, packet);
    RMQ_ASSERT(end->holds > 0);
    end->holds--;
    if (end->env == NULL) {
        conn_free_if_over(world, end);
    }
}

/* ---- dropping ---- */

static void flight_drop_first(struct world *world, struct env_conn *end) {
    struct packet *packet = packet_take(&end->flight);
    end->flight_bytes -= packet->item.bytes;
    world_unqueue(world, &packet->item);
    world_free(world, packet);
}

void conn_drop_flight(struct world *world, struct env_conn *end) {
    while (end->flight != NULL) {
        flight_drop_first(world, end);
    }
    retransmit_end(world, end);
    RMQ_ASSERT(end->flight_bytes == 0);
}

void conn_drop_unsent(struct world *world, struct env_conn *end) {
    struct packet *sent = NULL;
    while (end->flight != NULL) { /* what is sent is put aside */
        if (end->flight->sent_ns <= world->wheel.now_ns) {
            packet_append(&sent, packet_take(&end->flight));
        } else {
            flight_drop_first(world, end);
        }
    }
    end->flight = sent;
}
