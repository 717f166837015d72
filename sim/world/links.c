/* sim/world/links.c - directed links between hosts: profiles, blocks, clogs, machines cut off.
 *
 * A link exists from its first use on. What goes wrong on it is in net.c's fault model. */
#include "sim/world/world_internal.h"

#define MS 1000000ULL

void link_profile_default(struct link_profile *profile) {
    memset(profile, 0, sizeof *profile);
    profile->latency.kind = DIST_CONSTANT;
    profile->latency.min = MS / 2;
    profile->rto_ns = 200 * MS;
    profile->give_up_ns = 924 * WORLD_SECOND_NS;
    profile->dial_give_up_ns = 127 * WORLD_SECOND_NS;
    profile->buffer_bytes = (size_t)4 << 20;
}

/* Walks the shorter of the two lists: of two machines one rarely talks to many. */
static struct link *find(struct host *from, struct host *to) {
    struct link *out = from->out, *in = to->in;
    while (out != NULL && in != NULL) {
        if (out->to == to) {
            return out;
        }
        if (in->from == from) {
            return in;
        }
        out = out->next_out;
        in = in->next_in;
    }
    return NULL;
}

struct link *link_between(struct world *world, struct host *from, struct host *to) {
    struct link *link = find(from, to);
    if (link != NULL) {
        return link;
    }
    link = world_need(world, sizeof *link);
    link->from = from;
    link->to = to;
    link->profile = &world->default_profile;
    link->next_out = from->out;
    from->out = link;
    link->next_in = to->in;
    to->in = link;
    link_refresh(world, link);
    return link;
}

/* ---- profiles ---- */

void world_set_default_link(struct world *world, const struct link_profile *profile) {
    world->default_profile = *profile;
}

static bool is_same_profile(const struct link_profile *a, const struct link_profile *b) {
    return dist_equal(&a->latency, &b->latency) && a->bytes_per_second == b->bytes_per_second &&
           a->loss_ppm == b->loss_ppm && a->chop_ppm == b->chop_ppm &&
           a->corrupt_ppm == b->corrupt_ppm && a->rto_ns == b->rto_ns &&
           a->give_up_ns == b->give_up_ns && a->dial_give_up_ns == b->dial_give_up_ns &&
           a->buffer_bytes == b->buffer_bytes;
}

bool world_set_link(struct world *world, struct host *from, struct host *to,
                    const struct link_profile *profile) {
    struct profile_entry *entry = world->profiles;
    while (entry != NULL && !is_same_profile(&entry->profile, profile)) {
        entry = entry->next;
    }
    if (entry == NULL) {
        entry = world_alloc(world, sizeof *entry);
        if (entry == NULL) {
            return false;
        }
        entry->profile = *profile;
        entry->next = world->profiles;
        world->profiles = entry;
    }
    link_between(world, from, to)->profile = &entry->profile;
    return true;
}

/* ---- blocks and clogs ---- */

/* A host talks to itself whatever happens to its network. */
void link_refresh(struct world *world, struct link *link) {
    bool cut = link->from != link->to && (link->from->isolated > 0 || link->to->isolated > 0);
    bool closed = link->blocked > 0 || cut || link->to->off;
    if (closed != link->closed) {
        link->closed = closed;
        world->impaired += closed ? 1 : UINT64_MAX;
    }
}

void host_refresh_links(struct world *world, struct host *host) {
    for (struct link *link = host->out; link != NULL; link = link->next_out) {
        link_refresh(world, link);
    }
    for (struct link *link = host->in; link != NULL; link = link->next_in) {
        link_refresh(world, link);
    }
}

void world_block(struct world *world, struct host *from, struct host *to) {
    struct link *link = link_between(world, from, to);
    link->blocked++;
    link_refresh(world, link);
}

void world_unblock(struct world *world, struct host *from, struct host *to) {
    struct link *link = link_between(world, from, to);
    RMQ_ASSERT(link->blocked > 0);
    link->blocked--;
    link_refresh(world, link);
}

void world_clog(struct world *world, struct host *from, struct host *to) {
    struct link *link = link_between(world, from, to);
    world->impaired += link->clogged == 0;
    link->clogged++;
}

/* The link that `item` (a packet or a handshake) travels on. */
static const struct link *link_of_item(struct item *item) {
    if (item->kind == ITEM_DIAL) {
        return dial_link(RMQ_CONTAINER_OF(item, struct dial, item));
    }
    return conn_peer(RMQ_CONTAINER_OF(item, struct packet, item)->to)->link;
}

void world_unclog(struct world *world, struct host *from, struct host *to) {
    struct link *link = link_between(world, from, to);
    RMQ_ASSERT(link->clogged > 0);
    link->clogged--;
    if (link->clogged > 0) {
        return;
    }
    world->impaired--;
    for (struct wheel_event *event = world->clog.next, *next; event != &world->clog; event = next) {
        next = event->next;
        if (link_of_item(item_of(event)) == link) {
            world_unqueue(world, item_of(event));
            world_queue(world, item_of(event), world_now(world));
        }
    }
}

void clog_hold(struct world *world, struct item *item) {
    world->counts.held++;
    item_insert_before(&world->clog, item, PLACE_CLOG);
}

void world_isolate(struct world *world, struct host *host) {
    host->isolated++;
    host_refresh_links(world, host);
}

void world_rejoin(struct world *world, struct host *host) {
    RMQ_ASSERT(host->isolated > 0);
    host->isolated--;
    host_refresh_links(world, host);
}

void world_refuse_dials(struct world *world, struct host *host, bool on) {
    (void)world;
    host->refuses = on;
}

void world_hang_dials(struct world *world, struct host *host, bool on) {
    (void)world;
    host->hangs = on;
}

/* ---- connections between two hosts ---- */

typedef void end_fn(struct world *world, struct env_conn *end);

/* Calls `each` for every end on `host` that is connected to `peer`. */
static size_t for_each_end(struct world *world, struct host *host, struct host *peer,
                           end_fn *each) {
    size_t count = 0;
    for (struct env *node = host->nodes; node != NULL; node = node->next_on_host) {
        LIST_EACH(&node->conns, link, following) {
            struct env_conn *end = LIST_ENTRY(link, struct env_conn, of_node);
            if (end->link->to == peer && end->state == CONN_OPEN) {
                each(world, end);
                count++;
            }
        }
    }
    return count;
}

static void reset_both(struct world *world, struct env_conn *end) {
    struct env_conn *peer = conn_peer(end);
    conn_break(world, end, RMQ_E_RESET);
    if (peer->env != NULL && peer->state != CONN_ENDING) {
        conn_break(world, peer, RMQ_E_RESET);
    }
}

size_t world_reset_connections(struct world *world, struct host *a, struct host *b) {
    size_t count = for_each_end(world, a, b, reset_both);
    return a == b ? count : count + for_each_end(world, b, a, reset_both);
}

static void forget(struct world *world, struct env_conn *end) {
    conn_break(world, end, RMQ_E_RESET);
}

size_t world_half_open(struct world *world, struct host *host, struct host *peer) {
    return for_each_end(world, host, peer, forget);
}
