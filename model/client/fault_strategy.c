/* client/fault_strategy.c - see fault_strategy.h. */
#include "model/client/fault_strategy.h"

#include "model/base/check.h"

#define NS_PER_MS UINT64_C(1000000)
#define MASK_31 0x7fffffffU

static const uint64_t hash_key = 0; /* names come from name servers, which are trusted with more */

struct fault_step {
    uint32_t latency_ms, out_ms;
};
static const struct fault_step STEPS_4_9[] = {{15000, 600000}, {3000, 180000}, {2000, 120000},
                                              {1000, 60000},   {550, 30000},   {0, 0}};
static const struct fault_step STEPS_5_3[] = {{15000, 30000}, {5000, 10000}, {3000, 6000},
                                              {1800, 5000},   {550, 2000},   {0, 0}};
#define ISOLATED_4_9_MS 30000
#define ISOLATED_5_3_MS 10000

uint32_t queue_counter_next(struct queue_counter *counter, struct env *env) {
    if (!counter->drawn) {
        counter->value = (uint32_t)env_random(env) & MASK_31;
        counter->drawn = true;
    }
    counter->value = (counter->value + 1) & MASK_31;
    return counter->value;
}

void fault_strategy_init(struct fault_strategy *faults, struct env *env, bool enabled,
                         bool profile_5_3) {
    *faults = (struct fault_strategy){.env = env, .enabled = enabled, .profile_5_3 = profile_5_3};
}

static void forget(struct fault_strategy *faults, struct fault_item *item) {
    struct env *env = faults->env;
    HASH_DEL(faults->items, item);
    env_free(env, item);
}

void fault_strategy_deinit(struct fault_strategy *faults) {
    struct fault_item *item, *following;
    HASH_ITER(hh, faults->items, item, following) {
        forget(faults, item);
    }
}

static struct fault_item *find(const struct fault_strategy *faults, struct span name) {
    struct fault_item *found = NULL;
    HASH_FIND(hh, faults->items, name.data, name.len, found);
    return found;
}

static struct fault_item *find_or_add(struct fault_strategy *faults, struct span name) {
    struct env *env = faults->env;
    struct fault_item *item = find(faults, name);
    if (item != NULL)
        return item;
    item = env_alloc(env, sizeof *item + name.len);
    if (item == NULL)
        return NULL;
    memset(item, 0, sizeof *item);
    memcpy(item->text, name.data, name.len);
    item->name = span_of(item->text, name.len);
    HASH_ADD_KEYPTR(hh, faults->items, item->name.data, item->name.len, item);
    if (!MAP_ADD_FAILED(item))
        return item;
    env_free(env, item);
    return NULL;
}

void fault_update(struct fault_strategy *faults, struct span broker_name, uint64_t latency_ns,
                  bool isolated) {
    if (!faults->enabled)
        return;
    struct fault_item *item = find_or_add(faults, broker_name);
    if (item == NULL)
        return;
    const struct fault_step *step = faults->profile_5_3 ? STEPS_5_3 : STEPS_4_9;
    uint64_t latency_ms = latency_ns / NS_PER_MS;
    item->latency_ms = latency_ms;
    if (isolated)
        latency_ms = faults->profile_5_3 ? ISOLATED_5_3_MS : ISOLATED_4_9_MS;
    while (latency_ms < step->latency_ms)
        step++;
    uint64_t until = env_mono_ns(faults->env) + step->out_ms * NS_PER_MS;
    if (!faults->profile_5_3 || (step->out_ms > 0 && until > item->until_ns))
        item->until_ns = until;
}

static bool available(const struct fault_strategy *faults, struct span name) {
    const struct fault_item *item = find(faults, name);
    return item == NULL || env_mono_ns(faults->env) >= item->until_ns;
}

/* ---- choosing -------------------------------------------------------------------------------- */

/* The next queue, up to once around, whose broker is not `last` and (if asked) is available. */
static const struct route_choice_queue *next_good(const struct fault_strategy *faults,
                                                  const struct route_choice *queues,
                                                  struct queue_counter *counter, struct span last,
                                                  bool only_available) {
    for (size_t i = 0; i < queues->count; i++) {
        size_t at = queue_counter_next(counter, faults->env) % queues->count;
        struct span name = queues->queues[at].broker_name;
        if ((span_is_absent(last) || !span_equal(name, last)) &&
            (!only_available || available(faults, name)))
            return &queues->queues[at];
    }
    return NULL;
}

static const struct route_choice_queue *next_queue(const struct fault_strategy *faults,
                                                   const struct route_choice *queues,
                                                   struct queue_counter *counter) {
    return &queues->queues[queue_counter_next(counter, faults->env) % queues->count];
}

/* Is `a` a better choice than `b`? Available first, then the quicker, then the sooner. */
static bool better(const struct fault_strategy *faults, const struct fault_item *a,
                   const struct fault_item *b) {
    uint64_t now = env_mono_ns(faults->env);
    bool a_out = now < a->until_ns, b_out = now < b->until_ns;
    if (a_out != b_out)
        return b_out;
    if (a->latency_ms != b->latency_ms)
        return a->latency_ms < b->latency_ms;
    return a->until_ns < b->until_ns;
}

/* The item that `rank` others precede, equal ones in order of appearance. */
static struct fault_item *item_of_rank(const struct fault_strategy *faults, size_t rank) {
    struct fault_item *item, *other;
    for (item = faults->items; item != NULL; item = item->hh.next) {
        size_t before = 0;
        bool earlier = true;
        for (other = faults->items; other != NULL; other = other->hh.next) {
            if (other == item)
                earlier = false;
            else if (better(faults, other, item) || (earlier && !better(faults, item, other)))
                before++;
        }
        if (before == rank)
            return item;
    }
    RMQ_UNREACHABLE();
    return NULL;
}

/* One of the better half, in turn; NULL when nothing is known. */
static struct fault_item *pick_at_least(struct fault_strategy *faults) {
    size_t count = HASH_COUNT(faults->items);
    if (count == 0)
        return NULL;
    if (count < 2)
        return faults->items;
    struct queue_counter worst = {faults->worst, faults->worst_drawn};
    size_t rank = queue_counter_next(&worst, faults->env) % (count / 2);
    faults->worst = worst.value;
    faults->worst_drawn = true;
    return item_of_rank(faults, rank);
}

/* Write queues of the broker in the route; its name as the route has it. */
static int32_t write_queues_of(const struct route *route, struct span name, struct span *own) {
    for (size_t i = 0; route != NULL && i < route->queue_count; i++) {
        if (span_equal(route->queues[i].broker_name, name)) {
            *own = route->queues[i].broker_name;
            return route->queues[i].write_queue_nums;
        }
    }
    return 0;
}

static void select_4_9(struct fault_strategy *faults, const struct route_choice *queues,
                       const struct route *route, struct queue_counter *counter,
                       struct route_choice_queue *out) {
    size_t first = queue_counter_next(counter, faults->env);
    for (size_t i = 0; i < queues->count; i++) {
        *out = queues->queues[(first + i) % queues->count];
        if (available(faults, out->broker_name))
            return;
    }
    struct fault_item *item = pick_at_least(faults);
    struct span name = SPAN_NONE;
    int32_t count = item == NULL ? 0 : write_queues_of(route, item->name, &name);
    if (count > 0) {
        next_queue(faults, queues, counter); /* Java takes one and overwrites it */
        uint32_t id = queue_counter_next(counter, faults->env);
        *out = (struct route_choice_queue){name, (int32_t)(id % (uint32_t)count)};
        return;
    }
    if (item != NULL)
        forget(faults, item);
    *out = *next_queue(faults, queues, counter);
}

void fault_select(struct fault_strategy *faults, const struct route_choice *queues,
                  const struct route *route, struct queue_counter *counter, struct span last,
                  struct route_choice_queue *out) {
    const struct route_choice_queue *chosen = NULL;
    RMQ_ASSERT(queues->count > 0);
    if (faults->enabled && !faults->profile_5_3) {
        select_4_9(faults, queues, route, counter, out);
        return;
    }
    if (faults->enabled && !span_is_absent(last))
        counter->drawn = false;
    if (faults->enabled)
        chosen = next_good(faults, queues, counter, last, true);
    if (chosen == NULL && (faults->enabled || !span_is_absent(last)))
        chosen = next_good(faults, queues, counter, last, false);
    if (chosen == NULL)
        chosen = next_queue(faults, queues, counter);
    *out = *chosen;
}
