/* sim/world/node.c - a node's process: start to end, one handler after the other.
 *
 * Fault model.
 *  kill     kill -9: memory gone at once, between two handlers or inside one, at an env_ call. The
 *           kernel lives on: it delivers what was written, then FIN, or RST when bytes were unread.
 *           A handler whose CPU cost is not used up has not written yet: those bytes never leave.
 *           What it leaves of files: disk.c.
 *  power    the host goes: as kill, but nothing is said. Peers learn by their own time-outs.
 *  stop     SIGTERM: the role's stop function; ends at env_exit.
 *  pause    SIGSTOP, a long collection, a starved machine: no handler runs, all clocks go on. Bytes
 *           are acknowledged into the bounded receive buffer, handshakes complete up to the
 *           backlog. On resume, what waited runs in order of arrival.
 *  load     each handler costs CPU time drawn from the node's distribution; what arrives meanwhile
 *           waits in order of arrival. Writes and dials take effect when the handler's cost is
 *           used up; a pause begins between handlers.
 * A cluster must survive all of these because processes are killed, paged out and overloaded
 * daily; silence, slowness and death look alike from outside. */
#include "sim/world/disk_internal.h"

/* ---- running handlers ---- */

void node_begin(struct env *node, struct item *item, int step) {
    struct world *world = node->world;
    uint64_t now = world->wheel.now_ns;
    RMQ_ASSERT(world->running == NULL); /* E2, E5 */
    RMQ_ASSERT(node->up);
    world->running = node;
    world->current = item;
    world->effect_ns = now;
    if (node->cpu->kind != DIST_CONSTANT || node->cpu->min != 0) {
        world->effect_ns +=
            world_draw_ns(world, node->cpu, DRAW_CPU_COST, node->draw_owner, node->costs++);
        node->free_ns = world->effect_ns;
    }
    world->steps++;
    trace_hash_fold(&world->hash, now, (uint64_t)node->id << 16 | (uint64_t)step);
}

void node_end(struct env *node) {
    struct world *world = node->world;
    RMQ_ASSERT(world->running == node);
    world->running = NULL;
    world->current = NULL;
    if (__builtin_expect(node->exiting, 0)) {
        node_die(node, "exit", false);
    } else if (!item_list_is_empty(&node->inbox)) {
        node_schedule_wake(node);
    }
}

void node_schedule_wake(struct env *node) {
    if (node->paused || node->wake.place != PLACE_NONE || item_list_is_empty(&node->inbox)) {
        return;
    }
    uint64_t now = world_now(node->world);
    world_queue(node->world, &node->wake, node->free_ns > now ? node->free_ns : now);
}

static void node_runs(struct env *node, struct item *item) {
    struct world *world = node->world;
    switch ((enum item_kind)item->kind) {
    case ITEM_TIMER:
        timer_handle(node, item);
        break;
    case ITEM_ORDER:
        order_handle(world, RMQ_CONTAINER_OF(item, struct order, item));
        break;
    case ITEM_DISK:
        disk_op_handle(node, RMQ_CONTAINER_OF(item, struct disk_op, item));
        break;
    case ITEM_ACCEPT:
        accept_handle(world, RMQ_CONTAINER_OF(item, struct packet, item));
        break;
    case ITEM_WAKE:
    case ITEM_DIAL:
    case ITEM_RETRANSMIT:
    case ITEM_WRITE_BACK:
        RMQ_UNREACHABLE();
    default:
        conn_handle(world, RMQ_CONTAINER_OF(item, struct packet, item));
    }
}

void node_arrive(struct env *node, struct item *item) {
    if (node->free_ns <= node->world->wheel.now_ns && !node->paused &&
        item_list_is_empty(&node->inbox)) {
        node_runs(node, item);
        return;
    }
    item_insert_before(&node->inbox, item, PLACE_INBOX);
    node_schedule_wake(node);
}

void node_wake_up(struct env *node) {
    RMQ_ASSERT(!node->paused);
    RMQ_ASSERT(node->free_ns <= world_now(node->world));
    if (!item_list_is_empty(&node->inbox)) {
        struct item *item = item_of(node->inbox.next);
        world_unqueue(node->world, item);
        node_runs(node, item);
    }
    node_schedule_wake(node);
}

void item_release(struct world *world, struct item *item) {
    RMQ_ASSERT(item->place == PLACE_NONE);
    if (item->kind == ITEM_ORDER) {
        order_free(world, RMQ_CONTAINER_OF(item, struct order, item));
    } else if (item->kind == ITEM_DISK) {
        disk_op_free(world, RMQ_CONTAINER_OF(item, struct disk_op, item));
    } else if (item->kind != ITEM_TIMER) {
        packet_release(world, RMQ_CONTAINER_OF(item, struct packet, item));
    }
}

/* ---- beginning and end ---- */

struct env *node_get(const struct world *world, node_id node) {
    RMQ_ASSERT(node >= 1);
    RMQ_ASSERT(node <= world->node_count);
    return world->nodes[node];
}

void node_boot(struct env *node) {
    RMQ_ASSERT(!node->up);
    RMQ_ASSERT(!node->host->off);
    node->up = true;
    node->paused = node->exiting = false;
    node->incarnation++;
    node->sequence = 0;
    node->kill_at = 0;
    node->free_ns = 0;
    node->process_number++;
    node->last_deadline_ns = 0;
    node->last_start = 0;
    node->world->counts.starts++;
    const struct event_value values[] = {{EVENT_TEXT, span_of_text(node->role->name), 0}};
    world_record(node->world, node, EVENT_world_node_up, values, 1);
}

void node_die(struct env *node, const char *how, bool silent) {
    struct world *world = node->world;
    RMQ_ASSERT(node->up);
    RMQ_ASSERT(world->running != node);
    node->up = node->paused = false;
    listeners_close_all(world, node);
    LIST_EACH(&node->conns, link, following) {
        conn_owner_died(world, LIST_ENTRY(link, struct env_conn, of_node), silent);
    }
    RMQ_ASSERT(node->conn_count == 0);
    timers_drop(node);
    disk_owner_died(node);
    while (!item_list_is_empty(&node->inbox)) {
        struct item *item = item_of(node->inbox.next);
        world_unqueue(world, item);
        item_release(world, item);
    }
    world_unqueue(world, &node->wake);
    arena_drop(&node->owner);
    node->state = NULL;
    const struct event_value values[] = {{EVENT_TEXT, span_of_text(how), 0}};
    world_record(world, node, EVENT_world_node_down, values, 1);
}

bool world_kill(struct world *world, node_id id) {
    struct env *node = node_get(world, id);
    if (!node->up) {
        return false;
    }
    LIST_EACH(&node->conns, link, following) {
        conn_drop_unsent(world, LIST_ENTRY(link, struct env_conn, of_node));
    }
    disk_drop_unsent(node);
    world->counts.kills++;
    node_die(node, "kill", false);
    return true;
}

bool world_kill_at_call(struct world *world, node_id id, uint64_t calls) {
    struct env *node = node_get(world, id);
    if (!node->up || calls == 0) {
        return false;
    }
    node->kill_at = node->calls + calls;
    return true;
}

bool world_power_off(struct world *world, struct host *host) {
    if (host->off) {
        return false;
    }
    host->off = true;
    for (struct env *node = host->nodes; node != NULL; node = node->next_on_host) {
        if (node->up) {
            disk_drop_unsent(node);
            node_die(node, "power_off", true);
        }
    }
    if (host->disk != NULL) {
        disk_power_off(host->disk);
    }
    host_refresh_links(world, host);
    return true;
}

bool world_power_on(struct world *world, struct host *host) {
    if (!host->off) {
        return false;
    }
    host->off = false;
    for (struct env *node = host->nodes; node != NULL; node = node->next_on_host) {
        node->clock.mono_base_ns = BOOT_NS;
        node->clock.mono_since_ns = world_now(world);
    }
    host_refresh_links(world, host);
    return true;
}

/* ---- pause, load, clocks ---- */

bool world_pause(struct world *world, node_id id) {
    struct env *node = node_get(world, id);
    if (!node->up || node->paused) {
        return false;
    }
    node->paused = true;
    world_unqueue(world, &node->wake);
    world->counts.pauses++;
    return true;
}

bool world_resume(struct world *world, node_id id) {
    struct env *node = node_get(world, id);
    if (!node->up || !node->paused) {
        return false;
    }
    node->paused = false;
    node_schedule_wake(node);
    return true;
}

bool world_set_cpu(struct world *world, node_id id, const struct dist *cpu) {
    node_get(world, id)->cpu = world_intern_dist(world, cpu);
    return true;
}

bool world_clock_step(struct world *world, node_id id, int64_t ms) {
    node_get(world, id)->clock.wall_base_ns += ms * 1000000;
    return true;
}

bool world_clock_drift(struct world *world, node_id id, int32_t ppm) {
    if (ppm <= -1000000) {
        return false;
    }
    clock_set_wall_drift(&node_get(world, id)->clock, world_now(world), ppm);
    return true;
}

bool world_mono_rate(struct world *world, node_id id, int32_t ppm) {
    if (ppm <= -1000000) {
        return false;
    }
    struct env *node = node_get(world, id);
    clock_set_mono_rate(&node->clock, world_now(world), ppm);
    timers_remap(node);
    return true;
}

/* ---- questions ---- */

bool world_node_is_up(const struct world *world, node_id id) {
    return node_get(world, id)->up;
}

bool world_node_is_paused(const struct world *world, node_id id) {
    return node_get(world, id)->paused;
}

size_t world_node_memory(const struct world *world, node_id id) {
    return node_get(world, id)->owner.bytes;
}

size_t world_node_memory_peak(const struct world *world, node_id id) {
    return node_get(world, id)->memory_peak;
}
