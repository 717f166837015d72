/* sim/world/world.c - creates the world and runs it: faults and events in order, one handler at a
 * time.
 *
 * What is not in the arena belongs to the process and not to the run: the sink and the log it
 * writes to, the interrupt flag, and the place where a handler that may not return is left for. */
#include "sim/world/disk_internal.h"

#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static volatile sig_atomic_t interrupted;
static struct world *running_world; /* inside world_run */
static jmp_buf handler_left;

/* ---- creation ---- */

struct world *world_create(const struct world_config *config) {
    if (!arena_open()) {
        return NULL;
    }
    page_store_open();
    struct arena_owner owner = {0};
    struct world *world = arena_alloc_zeroed(&owner, sizeof *world);
    if (world == NULL) {
        return NULL;
    }
    world->owner = owner;
    world->config = *config;
    world->seed = config->seed;
    trace_hash_init(&world->hash);
    wheel_init(&world->wheel, 0);
    item_list_init(&world->clog);
    link_profile_default(&world->default_profile);
    arena_set_root(world);

    world->self = world_need(world, sizeof *world->self);
    world->self->world = world;
    world->self->draw_owner = draw_owner("world");
    world->node_capacity = 16;
    world->nodes = world_need(world, world->node_capacity * sizeof(struct env *));
    world->nodes[0] = world->self;
    return world;
}

void *world_need(struct world *world, size_t size) {
    void *block = arena_alloc_zeroed(&world->owner, size);
    RMQ_ASSERT(block != NULL);
    return block;
}

void *world_alloc(struct world *world, size_t size) {
    return arena_alloc_zeroed(&world->owner, size);
}

void world_free(struct world *world, void *block) {
    arena_free(&world->owner, block);
}

/* Equal distributions are kept once: a thousand nodes have the same. */
const struct dist *world_intern_dist(struct world *world, const struct dist *dist) {
    for (struct dist_entry *entry = world->dists; entry != NULL; entry = entry->next) {
        if (dist_equal(&entry->dist, dist)) {
            return &entry->dist;
        }
    }
    struct dist_entry *entry = world_need(world, sizeof *entry);
    entry->dist = *dist;
    entry->next = world->dists;
    world->dists = entry;
    return &entry->dist;
}

/* ---- faults: a heap by (time, index, order of scheduling) ---- */

static bool fault_before(const struct fault *a, const struct fault *b) {
    if (a->at_ns != b->at_ns) {
        return a->at_ns < b->at_ns;
    }
    return a->index != b->index ? a->index < b->index : a->order < b->order;
}

static void fault_swap(struct fault *a, struct fault *b) {
    struct fault kept = *a;
    *a = *b;
    *b = kept;
}

bool world_schedule(struct world *world, uint64_t at_ns, uint32_t index, world_fault_fn *apply,
                    void *args) {
    if (at_ns < world_now(world)) {
        return false;
    }
    if (world->fault_count == world->fault_capacity) {
        size_t capacity = world->fault_capacity == 0 ? 16 : world->fault_capacity * 2;
        void *moved = arena_realloc(&world->owner, world->faults, capacity * sizeof *world->faults);
        if (moved == NULL) {
            return false;
        }
        world->faults = moved;
        world->fault_capacity = capacity;
    }
    size_t at = world->fault_count++;
    memset(&world->faults[at], 0, sizeof world->faults[at]); /* padding too: it is compared */
    world->faults[at].at_ns = at_ns;
    world->faults[at].order = world->fault_order++;
    world->faults[at].apply = apply;
    world->faults[at].args = args;
    world->faults[at].index = index;
    while (at > 0 && fault_before(&world->faults[at], &world->faults[(at - 1) / 2])) {
        fault_swap(&world->faults[at], &world->faults[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    world->look_up = true;
    return true;
}

static struct fault fault_take(struct world *world) {
    struct fault first = world->faults[0];
    size_t count = --world->fault_count;
    world->faults[0] = world->faults[count];
    for (size_t at = 0;;) {
        size_t least = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < count; child++) {
            if (fault_before(&world->faults[child], &world->faults[least])) {
                least = child;
            }
        }
        if (least == at) {
            return first;
        }
        fault_swap(&world->faults[at], &world->faults[least]);
        at = least;
    }
}

/* Runs the next fault if it is due: not later than `until_ns` nor than any event. */
static bool fault_runs(struct world *world, uint64_t until_ns) {
    if (world->fault_count == 0 || world->faults[0].at_ns > until_ns ||
        world->faults[0].at_ns > wheel_next_time(&world->wheel)) {
        return false;
    }
    struct fault fault = fault_take(world);
    wheel_advance(&world->wheel, fault.at_ns);
    trace_hash_fold(&world->hash, fault.at_ns, 0xfa010000ULL << 32 | fault.index);
    fault.apply(world, fault.args);
    return true;
}

/* ---- running ---- */

static void item_runs(struct world *world, struct item *item) {
    item->place = PLACE_NONE;
    switch ((enum item_kind)item->kind) {
    case ITEM_DATA:
    case ITEM_FIN:
    case ITEM_RST:
    case ITEM_ACCEPT:
    case ITEM_DRAIN:
        packet_arrives(world, RMQ_CONTAINER_OF(item, struct packet, item));
        break;
    case ITEM_TIMER: {
        struct timer_slot *slot = RMQ_CONTAINER_OF(item, struct timer_slot, item);
        node_arrive(timer_of_slot(slot)->env, item);
        break;
    }
    case ITEM_WAKE:
        node_wake_up(RMQ_CONTAINER_OF(item, struct env, wake));
        break;
    case ITEM_OPENED:
    case ITEM_BROKEN: {
        struct packet *notice = RMQ_CONTAINER_OF(item, struct packet, item);
        if (notice->to->env != NULL) {
            node_arrive(notice->to->env, item);
        } else {
            packet_release(world, notice);
        }
        break;
    }
    case ITEM_ORDER:
        order_arrives(world, RMQ_CONTAINER_OF(item, struct order, item));
        break;
    case ITEM_DIAL:
        dial_progresses(world, RMQ_CONTAINER_OF(item, struct dial, item));
        break;
    case ITEM_RETRANSMIT:
        retransmit_fires(world, RMQ_CONTAINER_OF(item, struct retransmit, item));
        break;
    case ITEM_DISK:
        disk_op_ends(world, RMQ_CONTAINER_OF(item, struct disk_op, item));
        break;
    case ITEM_WRITE_BACK:
        write_back_fires(RMQ_CONTAINER_OF(item, struct disk, write_back));
        break;
    }
}

void world_jump(enum world_jump why) {
    RMQ_ASSERT(running_world != NULL);
    longjmp(handler_left, (int)why);
}

void rmq_assert_fail(const char *expression, const char *file, int line) {
    struct world *world = running_world;
    if (world == NULL || world->running == NULL || world->assertion[0] != '\0') {
        fprintf(stderr, "assertion failed: %s:%d: %s\n", file, line, expression);
        abort();
    }
    /* The path from the source tree on, so that every build says the same. */
    const char *model = strstr(file, "model/"), *sim = strstr(file, "sim/");
    file = model != NULL ? model : sim != NULL ? sim : file;
    snprintf(world->assertion, sizeof world->assertion, "%s:%d: %s", file, line, expression);
    world_jump(JUMP_ASSERT);
}

static void record_assertion(struct world *world, struct env *node) {
    struct span text = span_of_text(world->assertion);
    const uint8_t *colon = memchr(text.data, ':', text.len);
    struct span file = span_of(text.data, (size_t)(colon - text.data));
    char *rest;
    uint64_t line = strtoul((const char *)colon + 1, &rest, 10);
    const struct event_value values[] = {{EVENT_TEXT, span_of_text(rest + 2), 0},
                                         {EVENT_TEXT, file, 0},
                                         {EVENT_UINT, SPAN_NONE, line}};
    world_record(world, node, EVENT_world_assert, values, 3);
}

/* The running handler did not return. */
static void after_jump(struct world *world, enum world_jump why) {
    struct env *node = world->running;
    struct item *item = world->current;
    world->running = NULL;
    world->current = NULL;
    if (why == JUMP_ASSERT) {
        record_assertion(world, node);
        return;
    }
    world->counts.inside_kills++;
    world->counts.kills++;
    node_die(node, "kill", false);
    if (item != NULL) {
        item_release(world, item);
    }
}

static bool fault_is_due(const struct world *world, uint64_t until_ns) {
    return world->fault_count > 0 && world->faults[0].at_ns <= until_ns;
}

/* Takes events until one makes it necessary to look up; the last one, NULL when none was due. */
static struct wheel_event *events_run(struct world *world, uint64_t until_ns, uint64_t steps_max) {
    /* A fault due now has run, so the first one's time is > 0. */
    uint64_t limit_ns = fault_is_due(world, until_ns) ? world->faults[0].at_ns - 1 : until_ns;
    struct wheel_event *event = NULL;
    world->look_up = false;
    while (world->steps < steps_max && !interrupted && !world->look_up) {
        event = wheel_take(&world->wheel, limit_ns);
        if (event == NULL) {
            break;
        }
        item_runs(world, item_of(event));
    }
    return event;
}

static enum world_stop run_loop(struct world *world, uint64_t until_ns, uint64_t steps_max) {
    while (world->assertion[0] == '\0') {
        if (interrupted) {
            interrupted = 0;
            return WORLD_INTERRUPTED;
        }
        if (world->steps >= steps_max) {
            return WORLD_REACHED;
        }
        if (fault_runs(world, until_ns)) {
            continue;
        }
        struct wheel_event *last = events_run(world, until_ns, steps_max);
        if (last == NULL && !interrupted && !fault_is_due(world, until_ns)) {
            bool quiet = world->wheel.count == 0 && world->fault_count == 0;
            return quiet ? WORLD_QUIET : WORLD_REACHED;
        }
    }
    return WORLD_ASSERTED;
}

static enum world_stop run(struct world *world, uint64_t until_ns, uint64_t steps_max) {
    RMQ_ASSERT(running_world == NULL);
    running_world = world;
    int why = setjmp(handler_left);
    if (why != 0) {
        after_jump(running_world, (enum world_jump)why);
    }
    enum world_stop stop = run_loop(world, until_ns, steps_max);
    running_world = NULL;
    return stop;
}

enum world_stop world_run(struct world *world, uint64_t until_ns) {
    enum world_stop stop = run(world, until_ns, UINT64_MAX);
    if ((stop == WORLD_REACHED || stop == WORLD_QUIET) && until_ns != UINT64_MAX &&
        until_ns > world_now(world)) {
        wheel_advance(&world->wheel, until_ns);
    }
    return stop;
}

enum world_stop world_run_steps(struct world *world, uint64_t steps) {
    bool all = steps > UINT64_MAX - world->steps;
    return run(world, UINT64_MAX, all ? UINT64_MAX : world->steps + steps);
}

void world_interrupt(void) {
    interrupted = 1;
}

/* ---- questions ---- */

uint64_t world_now(const struct world *world) {
    return world->wheel.now_ns;
}

uint64_t world_steps(const struct world *world) {
    return world->steps;
}

uint64_t world_events(const struct world *world) {
    return world->events;
}

const struct trace_hash *world_hash(const struct world *world) {
    return &world->hash;
}

uint64_t world_seed(const struct world *world) {
    return world->seed;
}

void world_set_seed(struct world *world, uint64_t seed) {
    world->seed = seed;
}

const char *world_assertion(const struct world *world) {
    return world->assertion[0] == '\0' ? NULL : world->assertion;
}

const struct world_counts *world_counts(const struct world *world) {
    return &world->counts;
}

struct env *world_env(struct world *world) {
    return world->self;
}
