/* load/produce.c - producers: open loop (messages go out by a schedule, whatever becomes of them)
 * and closed loop (so many threads, each sends when its last send is over). */
#include "model/load/produce.h"

#include "model/base/check.h"

#define NS_PER_KS UINT64_C(1000000000000)

static const char *const OWN_KEYS[] = {
    "do",       "name",        "topic",   "mode", "arrivals", "rate",  "in_flight", "think",
    "bytes",    "bytes_max",   "tags",    "keys", "batch",    "count", "for",       "after",
    "burst_of", "burst_every", "ramp_to", "ramp", "by_key",   "run",   "producer",  "delay_level"};

static struct produce *of_base(struct load *load) {
    return RMQ_CONTAINER_OF(load, struct produce, base);
}
static struct env *env_of(const struct produce *load) {
    return load->base.set->env;
}

/* ---- the end --------------------------------------------------------------------------------- */

static void stop_timers(struct produce *load) {
    struct env *env = env_of(load);
    env_timer_stop(env, &load->arrival);
    env_timer_stop(env, &load->burst);
    env_timer_stop(env, &load->end);
}

static void on_over(struct env *env, struct env_timer *timer) {
    struct produce *load = RMQ_CONTAINER_OF(timer, struct produce, over);
    (void)env;
    producer_stop(load->producer);
    load->producer = NULL;
    load_ended(&load->base, RMQ_OK, SPAN_NONE);
}

/* Nothing is under way any more and nothing will come: it ends, in a later handler, so that no
 * caller finds the load gone. */
static void end_if_over(struct produce *load) {
    if (load->base.stopping && load->busy == 0 && !env_timer_armed(&load->over))
        env_timer_start(env_of(load), &load->over, 0, on_over);
}

static struct produce *load_of(const struct produce_slot *slot) {
    return of_base(slot->base.load);
}

static struct produce_slot *take_slot(struct produce *load) {
    struct produce_slot *slot = load_slots_take(&load->slots, &load->base, sizeof *slot);
    load->busy += slot != NULL;
    return slot;
}

static void give_back(struct produce_slot *slot) {
    struct produce *load = load_of(slot);
    load_slots_give_back(&load->slots, &slot->base);
    load->busy--;
}

/* What is under way is waited for. */
static void begin_end(struct produce *load) {
    load->base.stopping = true;
    load->waiting = 0;
    buf_clear(&load->dues);
    load->dues_at = 0;
    stop_timers(load);
    LIST_EACH(&load->slots.busy, link, next) {
        struct produce_slot *slot = LIST_ENTRY(link, struct produce_slot, base.link);
        if (env_timer_armed(&slot->base.timer))
            give_back(slot);
    }
    end_if_over(load);
}

static void produce_stop(struct load *base) {
    if (!base->stopping)
        begin_end(of_base(base));
}

/* The producer, and with it what is under way, is the client's to free. */
static void produce_free(struct load *base) {
    struct produce *load = of_base(base);
    stop_timers(load);
    env_timer_stop(env_of(load), &load->over);
    load_slots_deinit(&load->slots, env_of(load));
    list_remove(&base->link);
    buf_deinit(&load->text);
    buf_deinit(&load->body);
    buf_deinit(&load->dues);
    env_free(env_of(load), load->items);
    env_free(env_of(load), load->key_texts);
    env_free(env_of(load), load->numbers);
    env_free(env_of(load), load);
}

static const struct load_kind PRODUCE = {"produce", produce_stop, produce_free, NULL};

/* ---- arrivals that wait, first in first out -------------------------------------------------- */

static void due_keep(struct produce *load, uint64_t due_ns) {
    load->waiting++;
    if ((load->dues_at == load->dues.len && load->dues_at > 0) ||
        load->dues_at > 64 * sizeof due_ns * 1024) {
        size_t left = load->dues.len - load->dues_at;
        memmove(load->dues.data, load->dues.data + load->dues_at, left);
        load->dues.len = left;
        load->dues_at = 0;
    }
    uint8_t *at = buf_extend(&load->dues, sizeof due_ns);
    if (at != NULL)
        memcpy(at, &due_ns, sizeof due_ns);
}

/* Without memory for it: now. */
static uint64_t due_take(struct produce *load) {
    uint64_t due_ns = env_mono_ns(env_of(load));
    load->waiting--;
    if (load->dues_at < load->dues.len) {
        memcpy(&due_ns, load->dues.data + load->dues_at, sizeof due_ns);
        load->dues_at += sizeof due_ns;
    }
    return due_ns;
}

static bool all_begun(const struct produce *load) {
    return load->config.count > 0 && load->begun >= load->config.count;
}

static void send_from(struct produce_slot *slot);

static void on_thought(struct env *env, struct env_timer *timer) {
    (void)env;
    send_from(RMQ_CONTAINER_OF(timer, struct produce_slot, base.timer));
}

/* A closed loop's thread goes on in a later handler: no recursion, whatever ends at once. */
static void think(struct produce_slot *slot) {
    struct produce *load = load_of(slot);
    const struct dist *time = &load->config.think_ns;
    uint64_t u = time->kind == DIST_CONSTANT ? 0 : env_random(env_of(load));
    env_timer_start(env_of(load), &slot->base.timer, dist_sample(time, u), on_thought);
}

/* A slot is free: a closed loop thinks, an open one sends what in_flight held back. */
static void go_on(struct produce_slot *slot) {
    struct produce *load = load_of(slot);
    bool ends = load->base.stopping || (all_begun(load) && load->waiting == 0);
    if (!ends && load->config.arrivals == ARRIVALS_CLOSED) {
        think(slot);
    } else if (!ends && load->waiting > 0) {
        slot->due_ns = due_take(load);
        env_timer_start(env_of(load), &slot->base.timer, 0, on_thought);
    } else {
        give_back(slot);
        if (ends && !load->base.stopping)
            begin_end(load);
        end_if_over(load);
    }
}

static void on_sent(struct send *send, int status, struct span remark) {
    (void)remark;
    struct produce_slot *slot = RMQ_CONTAINER_OF(send, struct produce_slot, send);
    if (status == RMQ_OK)
        load_of(slot)->acked++;
    else
        load_of(slot)->failed++;
    go_on(slot);
}

/* The queue that a key's hash names, as Java's SelectMessageQueueByHash; its broker is the route's.
 */
static bool target_of_key(struct produce *load, struct send_target *target) {
    if (!load->config.by_key)
        return false;
    return producer_queue_by_hash(load->producer, load->items[0].topic,
                                  java_string_hash(load->items[0].keys), target) == RMQ_OK;
}

static void send_from(struct produce_slot *slot) {
    struct produce *load = load_of(slot);
    uint64_t left = load->config.count == 0 ? UINT64_MAX : load->config.count - load->begun;
    uint32_t count = left < load->config.batch ? (uint32_t)left : load->config.batch;
    struct send_target target;
    load->late_ns = slot->due_ns == 0 ? 0 : env_mono_ns(env_of(load)) - slot->due_ns;
    if (count == 0 || produce_messages(load, count) != RMQ_OK) {
        go_on(slot);
        return;
    }
    if (load->config.batch > 1)
        producer_send_batch(load->producer, load->items, count, &slot->send, on_sent);
    else
        producer_send(load->producer, load->items, target_of_key(load, &target) ? &target : NULL,
                      load->config.mode, &slot->send, on_sent);
}

/* One arrival of an open loop, due at `due_ns` (not in the future). */
static void arrive(struct produce *load, uint64_t due_ns) {
    bool full = load->config.in_flight > 0 && load->busy >= load->config.in_flight;
    struct produce_slot *slot = full ? NULL : take_slot(load);
    if (slot == NULL) {
        due_keep(load, due_ns);
        return;
    }
    slot->due_ns = due_ns;
    send_from(slot);
}

/* ---- the schedule of an open loop ------------------------------------------------------------ */

/* Messages per 1000 s at `at_ns` after the begin: moves evenly through the ramp. */
static uint64_t rate_at(const struct produce_config *config, uint64_t at_ns) {
    if (config->ramp_ns == 0)
        return config->rate_per_ks;
    if (at_ns >= config->ramp_ns)
        return config->ramp_to_per_ks;
    uint64_t permille = at_ns / (config->ramp_ns / 1000 + 1);
    return (config->rate_per_ks * (1000 - permille) + config->ramp_to_per_ks * permille) / 1000;
}

static void next_due(struct produce *load) {
    uint64_t rate = rate_at(&load->config, load->due_ns - load->begin_ns);
    if (rate == 0)
        rate = 1;
    if (load->config.arrivals == ARRIVALS_POISSON) {
        struct dist gap = {.kind = DIST_EXPONENTIAL, .mean = NS_PER_KS / rate};
        load->due_ns += dist_sample(&gap, env_random(env_of(load)));
        return;
    }
    load->due_ns += NS_PER_KS / rate;
    load->due_fraction += NS_PER_KS % rate;
    if (load->due_fraction >= rate) {
        load->due_fraction -= rate;
        load->due_ns++;
    }
}

static void on_arrival_due(struct env *env, struct env_timer *timer) {
    struct produce *load = RMQ_CONTAINER_OF(timer, struct produce, arrival);
    uint64_t now = env_mono_ns(env);
    while (load->due_ns <= now && !load->base.stopping && !all_begun(load)) {
        uint64_t due_ns = load->due_ns;
        next_due(load);
        arrive(load, due_ns);
    }
    if (!load->base.stopping && !all_begun(load))
        env_timer_start(env, timer, load->due_ns - now, on_arrival_due);
}

static void on_burst(struct env *env, struct env_timer *timer) {
    struct produce *load = RMQ_CONTAINER_OF(timer, struct produce, burst);
    env_timer_start(env, timer, load->config.burst_every_ns, on_burst);
    for (uint64_t i = 0; i < load->config.burst_of && !load->base.stopping; i++)
        arrive(load, env_mono_ns(env));
}

static void on_end(struct env *env, struct env_timer *timer) {
    (void)env;
    produce_stop(&RMQ_CONTAINER_OF(timer, struct produce, end)->base);
}

/* ---- the begin ------------------------------------------------------------------------------- */

/* The first message: open loops count from here on. */
static void on_begin(struct env *env, struct env_timer *timer) {
    struct produce *load = RMQ_CONTAINER_OF(timer, struct produce, arrival);
    const struct produce_config *config = &load->config;
    load->begin_ns = load->due_ns = env_mono_ns(env);
    if (config->for_ns > 0)
        env_timer_start(env, &load->end, config->for_ns, on_end);
    if (config->burst_of > 0)
        env_timer_start(env, &load->burst, config->burst_every_ns, on_burst);
    if (config->arrivals != ARRIVALS_CLOSED) {
        next_due(load);
        env_timer_start(env, timer, load->due_ns - load->begin_ns, on_arrival_due);
        return;
    }
    for (uint32_t i = 0; i < config->in_flight; i++) {
        struct produce_slot *slot = take_slot(load);
        if (slot == NULL)
            break; /* fewer threads */
        env_timer_start(env, &slot->base.timer, 0, on_thought);
    }
}

static int prepare(struct produce *load, const struct props *order) {
    struct env *env = env_of(load);
    struct env_identity identity;
    int err = produce_config_read(load, order);
    if (err != RMQ_OK)
        return err;
    env_identity(env, &identity);
    load->incarnation = identity.process_number;
    load->items = env_alloc(env, load->config.batch * sizeof *load->items);
    load->key_texts = env_alloc(env, (size_t)load->config.batch * KEY_TEXT_MAX);
    if (load->config.number)
        load->numbers = env_alloc(env, load->config.batch * sizeof *load->numbers);
    if (load->items == NULL || load->key_texts == NULL ||
        (load->config.number && load->numbers == NULL))
        return RMQ_E_NOMEM;
    struct props foreign;
    props_init(&foreign, env);
    err = load_foreign_keys(order, OWN_KEYS, sizeof OWN_KEYS / sizeof OWN_KEYS[0], &foreign);
    if (err == RMQ_OK)
        err = producer_start(load->base.set->client, &foreign, &load->producer);
    props_deinit(&foreign);
    return err;
}

int produce_begin(struct load_set *set, const struct props *order) {
    struct produce *load = env_alloc(set->env, sizeof *load);
    if (load == NULL)
        return RMQ_E_NOMEM;
    memset(load, 0, sizeof *load);
    load_slots_init(&load->slots);
    buf_init(&load->text, set->env);
    buf_init(&load->body, set->env);
    buf_init(&load->dues, set->env);
    int err = load_init(&load->base, set, &PRODUCE, order, "topic");
    if (err != RMQ_OK) {
        env_free(set->env, load);
        return err;
    }
    err = prepare(load, order);
    if (err != RMQ_OK) {
        produce_free(&load->base);
        return err;
    }
    env_timer_start(set->env, &load->arrival, load->config.after_ns, on_begin);
    return RMQ_OK;
}
