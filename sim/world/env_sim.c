/* sim/world/env_sim.c - env.h over the virtual world: time, timers, chance, record, memory, self.
 * Streams are net_stream.c and net_dial.c. Each function begins with env_enter: it may be the
 * node's last.
 */
#include "sim/world/world_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define MACHINE_BYTES (8ULL << 30)

/* ---- time ---- */

uint64_t env_mono_ns(const struct env *env) {
    env_enter(env);
    return clock_mono_ns(&env->clock, env->world->wheel.now_ns);
}

int64_t env_wall_ms(const struct env *env) {
    env_enter(env);
    return clock_wall_ms(&env->clock, env->world->wheel.now_ns);
}

int env_utc_offset_min(const struct env *env) {
    env_enter(env);
    return env->clock.utc_offset_min;
}

/* ---- timers ---- */

/* When the node's clock runs fast it skips values; a deadline in a gap is at the value after it, so
 * that the order of deadlines is the order of world times. */
static void timer_queue(struct env *env, struct env_timer *timer) {
    uint64_t now = env->world->wheel.now_ns;
    uint64_t at = clock_world_ns(&env->clock, timer->deadline_ns);
    if (at < now) {
        at = now;
    }
    world_queue(env->world, &timer_slot(timer)->item, at);
}

static void timer_disarm(struct env *env, struct env_timer *timer) {
    struct timer_slot *slot = timer_slot(timer);
    RMQ_ASSERT(timer->env == env);
    world_unqueue(env->world, &slot->item);
    list_remove(&slot->of_node);
    timer->fire = NULL;
}

void env_timer_start(struct env *env, struct env_timer *timer, uint64_t delay_ns,
                     env_timer_fn *fire) {
    env_enter(env);
    RMQ_ASSERT(fire != NULL);
    RMQ_ASSERT(env->id != 0);
    if (env_timer_armed(timer)) {
        timer_disarm(env, timer);
    }
    uint64_t now = clock_mono_ns(&env->clock, env->world->wheel.now_ns);
    struct timer_slot *slot = timer_slot(timer);
    timer->fire = fire;
    timer->env = env;
    timer->deadline_ns = delay_ns > UINT64_MAX - now ? UINT64_MAX : now + delay_ns;
    slot->item = (struct item){.kind = ITEM_TIMER};
    slot->start = ++env->timer_starts;
    list_append(&env->timers, &slot->of_node);
    if (env->clock.mono_ppm != 0) {
        uint64_t at = clock_world_ns(&env->clock, timer->deadline_ns);
        uint64_t shown = at == UINT64_MAX - 1 ? UINT64_MAX : clock_mono_ns(&env->clock, at);
        timer->deadline_ns = shown > timer->deadline_ns ? shown : timer->deadline_ns;
    }
    timer_queue(env, timer);
}

void env_timer_stop(struct env *env, struct env_timer *timer) {
    env_enter(env);
    if (env_timer_armed(timer)) {
        timer_disarm(env, timer);
    }
}

void timer_handle(struct env *node, struct item *item) {
    struct timer_slot *slot = RMQ_CONTAINER_OF(item, struct timer_slot, item);
    struct env_timer *timer = timer_of_slot(slot);
    env_timer_fn *fire = timer->fire;
    RMQ_ASSERT(fire != NULL);
    RMQ_ASSERT(clock_mono_ns(&node->clock, node->world->wheel.now_ns) >= timer->deadline_ns);
    RMQ_ASSERT(timer->deadline_ns > node->last_deadline_ns ||
               (timer->deadline_ns == node->last_deadline_ns && slot->start > node->last_start));
    node->last_deadline_ns = timer->deadline_ns;
    node->last_start = slot->start;
    list_remove(&slot->of_node);
    timer->fire = NULL;
    node_begin(node, NULL, STEP_TIMER);
    if (world_wants_steps()) {
        world_record_step(node->world, node, STEP_TIMER, NULL, 0);
    }
    fire(node, timer);
    node_end(node);
}

void timers_drop(struct env *node) {
    LIST_EACH(&node->timers, link, following) {
        struct timer_slot *slot = LIST_ENTRY(link, struct timer_slot, of_node);
        world_unqueue(node->world, &slot->item);
    }
    list_init(&node->timers);
}

static int compare_deadlines(const void *a, const void *b) {
    struct env_timer *x = *(struct env_timer *const *)a, *y = *(struct env_timer *const *)b;
    if (x->deadline_ns != y->deadline_ns) {
        return x->deadline_ns < y->deadline_ns ? -1 : 1;
    }
    return timer_slot(x)->start < timer_slot(y)->start ? -1 : 1; /* never equal */
}

/* The monotonic clock changed its rate: deadlines stay, world times move. */
void timers_remap(struct env *node) {
    size_t count = 0;
    LIST_EACH(&node->timers, link, following) {
        count++;
    }
    struct env_timer **timers = world_need(node->world, (count + 1) * sizeof(struct env_timer *));
    size_t waiting = 0;
    LIST_EACH(&node->timers, link, following) {
        struct timer_slot *slot = LIST_ENTRY(link, struct timer_slot, of_node);
        if (slot->item.place == PLACE_WHEEL) {
            world_unqueue(node->world, &slot->item);
            timers[waiting++] = timer_of_slot(slot);
        }
    }
    qsort(timers, waiting, sizeof(struct env_timer *), compare_deadlines);
    for (size_t i = 0; i < waiting; i++) {
        timer_queue(node, timers[i]);
    }
    world_free(node->world, timers);
}

/* ---- chance ---- */

uint64_t env_random(struct env *env) {
    env_enter(env);
    return world_draw(env->world, DRAW_NODE_RANDOM, env->draw_owner, env->randoms++);
}

uint64_t env_random_below(struct env *env, uint64_t bound) {
    env_enter(env);
    RMQ_ASSERT(bound > 0);
    return world_draw_below(env->world, DRAW_NODE_RANDOM, env->draw_owner, env->randoms++, bound);
}

bool env_buggify(struct env *env, enum env_buggify_id id) {
    env_enter(env);
    RMQ_ASSERT(id < BUGGIFY_COUNT);
    struct world *world = env->world;
    if (!world->config.buggify) {
        return false;
    }
    uint64_t owner = draw_owner_pair(env->draw_owner, id);
    bool yes = world_draw_chance(world, DRAW_BUGGIFY, owner, env->buggify_draws[id]++,
                                 world->config.buggify_ppm);
    world->counts.buggified += yes;
    return yes;
}

bool env_plant(struct env *env, enum env_plant_id id) {
    env_enter(env);
    RMQ_ASSERT(id < PLANT_COUNT);
    bool yes = (env->world->config.plants >> id & 1) != 0;
    env->world->counts.planted += yes;
    return yes;
}

/* ---- record ---- */

static FILE *log_to; /* of the process: text for people, not part of a run */
static int log_level;

void world_set_log(FILE *out, int level) {
    log_to = out;
    log_level = level;
}

void env_event(struct env *env, int kind, const struct event_value *values, size_t count) {
    env_enter(env);
    world_record(env->world, env, kind, values, count);
}

void env_log(struct env *env, enum env_log_level level, const char *format, ...) {
    env_enter(env);
    if (log_to == NULL || (int)level > log_level) {
        return;
    }
    static const char *const NAMES[] = {"ERROR", "WARN", "INFO", "DEBUG"};
    uint64_t now = env->world->wheel.now_ns;
    fprintf(log_to, "%llu.%09llu %s %s ", (unsigned long long)(now / WORLD_SECOND_NS),
            (unsigned long long)(now % WORLD_SECOND_NS), world_node_name(env->world, env->id),
            NAMES[level]);
    va_list arguments;
    va_start(arguments, format);
    vfprintf(log_to, format, arguments);
    va_end(arguments);
    fputc('\n', log_to);
}

/* ---- memory and self ---- */

static void *count_memory(struct env *env, void *block) {
    if (env->owner.bytes > env->memory_peak) {
        env->memory_peak = env->owner.bytes;
    }
    return block;
}

void *env_alloc(struct env *env, size_t size) {
    env_enter(env);
    return count_memory(env, arena_alloc(&env->owner, size));
}

void *env_realloc(struct env *env, void *pointer, size_t size) {
    env_enter(env);
    return count_memory(env, arena_realloc(&env->owner, pointer, size));
}

void env_free(struct env *env, void *pointer) {
    env_enter(env);
    arena_free(&env->owner, pointer);
}

uint64_t env_memory_bytes(const struct env *env) {
    env_enter(env);
    return MACHINE_BYTES;
}

void env_identity(const struct env *env, struct env_identity *out) {
    env_enter(env);
    snprintf(out->ip, sizeof out->ip, "%s", env->host->ip);
    out->process_number = env->process_number;
}

void env_exit(struct env *env, int status) {
    env_enter(env);
    (void)status; /* the world does not tell them apart: a node that gave up is down too */
    RMQ_ASSERT(env->id != 0);
    env->exiting = true;
}
