/* sim/world/world_check.c - the invariants of world_internal.h, checked by walking the whole world.
 * Tests call it between events; a run never does. */
#include "sim/world/disk_internal.h"

/* W3: the first packet under way is in the wheel, in a clog, or held back for retransmission. */
static uint32_t check_flight(const struct env_conn *end) {
    uint32_t bytes = 0;
    for (const struct packet *packet = end->flight; packet != NULL; packet = packet->next) {
        bool first = packet == end->flight;
        bool held = conn_retransmit(end) != NULL && conn_retransmit(end)->held;
        RMQ_ASSERT(packet->to == conn_peer_const(end));
        RMQ_ASSERT((packet->item.place != PLACE_NONE) == (first && !held));
        RMQ_ASSERT(packet->item.place != PLACE_INBOX);
        RMQ_ASSERT(packet->next != NULL || packet == end->flight->last);
        bytes += packet->item.bytes;
    }
    return bytes;
}

static uint32_t check_unread(const struct env_conn *end, uint32_t *holds) {
    uint32_t bytes = 0;
    for (const struct packet *packet = end->unread; packet != NULL; packet = packet->next) {
        RMQ_ASSERT(packet->to == end);
        RMQ_ASSERT(packet->item.place == PLACE_NONE);
        bytes += packet->item.bytes;
        ++*holds;
    }
    const struct wheel_event *inbox = &end->env->inbox;
    for (const struct wheel_event *event = inbox->next; event != inbox; event = event->next) {
        const struct item *item = RMQ_CONTAINER_OF(event, struct item, queue);
        RMQ_ASSERT(item->place == PLACE_INBOX);
        if (item->kind == ITEM_TIMER || item->kind == ITEM_ORDER || item->kind == ITEM_DISK) {
            continue;
        }
        const struct packet *packet = RMQ_CONTAINER_OF(item, struct packet, item);
        if (packet->to == end) {
            bytes += packet->item.bytes;
            ++*holds;
        }
    }
    return bytes;
}

static void check_end(const struct env *node, const struct env_conn *end) {
    RMQ_ASSERT(end->env == node);
    RMQ_ASSERT(end->node == node->id);
    RMQ_ASSERT(end->link->from == node->host);
    RMQ_ASSERT(conn_peer_const(end)->link->to == node->host);
    RMQ_ASSERT(end->state != CONN_NEW);
    RMQ_ASSERT(end->state != CONN_GONE);
    const struct retransmit *retransmit = conn_retransmit(end);
    RMQ_ASSERT(!end->shaking_hands || end->state == CONN_DIALLING);
    RMQ_ASSERT(!end->shaking_hands || end->dial->end == end);
    RMQ_ASSERT(retransmit == NULL || retransmit->end == end);
    uint32_t unacked = retransmit == NULL ? 0 : retransmit->unacked;
    RMQ_ASSERT(end->flight_bytes == check_flight(end) + unacked);
    uint32_t holds = 0;
    RMQ_ASSERT(end->unread_bytes == check_unread(end, &holds));
    RMQ_ASSERT(end->holds >= holds); /* notices in the wheel come on top */
    RMQ_ASSERT(end->paused || end->unread == NULL);
}

static void check_node(const struct world *world, struct env *node) {
    RMQ_ASSERT(node->world == world);
    RMQ_ASSERT(!node->up || !node->host->off);
    RMQ_ASSERT(node->up || !node->paused);
    RMQ_ASSERT(node->up || (node->owner.blocks == 0 && node->conn_count == 0));
    bool waits = !item_list_is_empty(&node->inbox);
    RMQ_ASSERT((waits && !node->paused) == (node->wake.place == PLACE_WHEEL));
    uint32_t conns = 0;
    LIST_EACH(&node->conns, link, following) {
        check_end(node, LIST_ENTRY(link, struct env_conn, of_node));
        conns++;
    }
    RMQ_ASSERT(conns == node->conn_count);
    LIST_EACH(&node->timers, link, following) {
        struct timer_slot *slot = LIST_ENTRY(link, struct timer_slot, of_node);
        RMQ_ASSERT(timer_of_slot(slot)->fire != NULL);
        RMQ_ASSERT(timer_of_slot(slot)->env == node);
        RMQ_ASSERT(slot->item.place == PLACE_WHEEL || slot->item.place == PLACE_INBOX);
    }
}

static void check_host(const struct host *host) {
    if (host->disk != NULL) {
        disk_check(host->disk);
    }
    for (const struct env_listener *listener = host->listeners; listener != NULL;
         listener = listener->next) {
        RMQ_ASSERT(listener->env->up);
        RMQ_ASSERT(listener->env->host == host);
        RMQ_ASSERT(listener->backlog <= BACKLOG_MAX);
    }
    for (const struct link *link = host->out; link != NULL; link = link->next_out) {
        bool cut = link->from != link->to && (link->from->isolated > 0 || link->to->isolated > 0);
        RMQ_ASSERT(link->from == host);
        RMQ_ASSERT(link->closed == (link->blocked > 0 || cut || link->to->off));
    }
}

void world_check(struct world *world) {
    RMQ_ASSERT(world->running == NULL);
    RMQ_ASSERT(world->current == NULL);
    for (size_t i = 1; i <= world->node_count; i++) {
        check_node(world, world->nodes[i]);
        check_host(world->nodes[i]->host);
    }
}
