/* load/consume.c - consumers: each message takes its service time in a virtual handler, and fails
 * by chance. */
#include "model/client/consumer.h"
#include "model/load/body.h"
#include "model/load/load_internal.h"

#include "model/base/check.h"

#define NS_MAX INT64_C(1000000000000000000)

static const char *const OWN_KEYS[] = {"do",   "name",  "service", "fail", "lite",
                                       "poll", "after", "for",     "run"};

/* A handler under way. */
struct consume_slot {
    struct load_slot base; /* its timer: the service time */
    struct consume_batch *batch;
    bool fails;
};

struct consume {
    struct load base;
    struct consumer *consumer; /* NULL before after_ns, and when it has stopped */
    struct props order;        /* for consumer_start */
    struct dist service_ns;
    uint32_t fail_ppm;
    bool lite, suspended;
    uint64_t poll_ns, for_ns;
    uint64_t run;
    struct load_slots slots;
    struct env_timer begin, end, poll, over;
};

static struct consume *of_base(struct load *load) {
    return RMQ_CONTAINER_OF(load, struct consume, base);
}
static struct env *env_of(const struct consume *load) {
    return load->base.set->env;
}

/* ---- handlers -------------------------------------------------------------------------------- */

static void give_back(struct consume_slot *slot) {
    slot->batch = NULL;
    load_slots_give_back(&of_base(slot->base.load)->slots, &slot->base);
}

static void on_poll(struct env *env, struct env_timer *timer);

static void on_handled(struct env *env, struct env_timer *timer) {
    struct consume_slot *slot = RMQ_CONTAINER_OF(timer, struct consume_slot, base.timer);
    struct consume *load = of_base(slot->base.load);
    struct consume_batch *batch = slot->batch;
    bool fails = slot->fails;
    (void)env;
    give_back(slot);
    consumer_batch_done(batch, !fails);
    if (load->lite && !load->base.stopping && !load->suspended && !env_timer_armed(&load->poll))
        env_timer_start(env_of(load), &load->poll, 0, on_poll);
}

/* How long the messages of a batch take, one after the other, and whether one of them fails. */
static uint64_t draw_service(struct consume *load, size_t count, bool *fails) {
    uint64_t total = 0;
    *fails = false;
    for (size_t i = 0; i < count; i++) {
        bool constant = load->service_ns.kind == DIST_CONSTANT;
        total += dist_sample(&load->service_ns, constant ? 0 : env_random(env_of(load)));
        if (load->fail_ppm > 0 && env_random_below(env_of(load), 1000000) < load->fail_ppm)
            *fails = true;
    }
    return total;
}

static void on_messages(void *ctx, struct consume_batch *batch) {
    struct consume *load = ctx;
    bool fails;
    uint64_t service = draw_service(load, batch->count, &fails);
    if (service == 0) {
        consumer_batch_done(batch, !fails);
        return;
    }
    struct consume_slot *slot = load_slots_take(&load->slots, &load->base, sizeof *slot);
    if (slot == NULL) {
        consumer_batch_done(batch, false); /* no memory for a handler: it comes again */
        return;
    }
    slot->batch = batch;
    slot->fails = fails;
    env_timer_start(env_of(load), &slot->base.timer, service, on_handled);
}

static bool inspect(void *ctx, const struct incoming *message, uint64_t *number) {
    const struct consume *load = ctx;
    return body_check(message->message.body, load->run, number);
}

static void on_dropped(void *ctx, struct consume_batch *batch) {
    struct consume *load = ctx;
    LIST_EACH(&load->slots.busy, link, next) {
        struct consume_slot *slot = LIST_ENTRY(link, struct consume_slot, base.link);
        if (slot->batch == batch)
            give_back(slot);
    }
    if (load->lite && !load->base.stopping && !load->suspended && !env_timer_armed(&load->poll))
        env_timer_start(env_of(load), &load->poll, 0, on_poll);
}

static const struct consumer_listener LISTENER = {on_messages, inspect, on_dropped};
static const struct consumer_listener LITE_LISTENER = {NULL, inspect, on_dropped};

/* ---- lite pull ------------------------------------------------------------------------------- */

static void on_poll(struct env *env, struct env_timer *timer) {
    struct consume *load = RMQ_CONTAINER_OF(timer, struct consume, poll);
    struct consume_batch *batch = lite_poll(load->consumer);
    if (batch == NULL) {
        env_timer_start(env, timer, load->poll_ns, on_poll);
        return;
    }
    on_messages(load, batch);
    if (list_is_empty(&load->slots.busy)) /* it took no time */
        env_timer_start(env, timer, 0, on_poll);
}

/* ---- begin and end --------------------------------------------------------------------------- */

static void stop_timers(struct consume *load) {
    struct env *env = env_of(load);
    env_timer_stop(env, &load->begin);
    env_timer_stop(env, &load->end);
    env_timer_stop(env, &load->poll);
}

static void on_over(struct env *env, struct env_timer *timer) {
    (void)env;
    load_ended(&RMQ_CONTAINER_OF(timer, struct consume, over)->base, RMQ_OK, SPAN_NONE);
}

static void on_stopped(void *ctx) {
    struct consume *load = ctx;
    load->consumer = NULL;
    env_timer_start(env_of(load), &load->over, 0, on_over);
}

static void consume_stop(struct load *base) {
    struct consume *load = of_base(base);
    if (base->stopping)
        return;
    base->stopping = true;
    stop_timers(load);
    if (load->consumer != NULL)
        consumer_stop(load->consumer, on_stopped, load);
    else
        on_stopped(load);
}

/* The consumer is the client's to free. */
static void consume_free(struct load *base) {
    struct consume *load = of_base(base);
    stop_timers(load);
    env_timer_stop(env_of(load), &load->over);
    load_slots_deinit(&load->slots, env_of(load));
    props_deinit(&load->order);
    list_remove(&base->link);
    env_free(env_of(load), load);
}

static void consume_suspend(struct load *base, bool on) {
    struct consume *load = of_base(base);
    load->suspended = on;
    if (load->consumer == NULL)
        return;
    if (load->lite && on)
        env_timer_stop(env_of(load), &load->poll);
    else if (load->lite && list_is_empty(&load->slots.busy))
        env_timer_start(env_of(load), &load->poll, 0, on_poll);
    else if (on)
        consumer_suspend(load->consumer);
    else
        consumer_resume(load->consumer);
}

static const struct load_kind CONSUME = {"consume", consume_stop, consume_free, consume_suspend};

static void on_end(struct env *env, struct env_timer *timer) {
    (void)env;
    consume_stop(&RMQ_CONTAINER_OF(timer, struct consume, end)->base);
}

static int start_consumer(struct consume *load) {
    int err = consumer_start(load->base.set->client, &load->order,
                             load->lite ? &LITE_LISTENER : &LISTENER, load, &load->consumer);
    if (err != RMQ_OK)
        return err;
    if (load->for_ns > 0)
        env_timer_start(env_of(load), &load->end, load->for_ns, on_end);
    if (load->lite)
        env_timer_start(env_of(load), &load->poll, 0, on_poll);
    return RMQ_OK;
}

static void on_begin(struct env *env, struct env_timer *timer) {
    struct consume *load = RMQ_CONTAINER_OF(timer, struct consume, begin);
    (void)env;
    int err = start_consumer(load);
    if (err != RMQ_OK)
        load_ended(&load->base, err, span_of_text(rmq_err_text(err)));
}

static int read_order(struct consume *load, const struct props *order, uint64_t *after_ns) {
    struct settings settings = settings_of(order);
    load->service_ns = load_dist(&settings, "service", 0);
    load->fail_ppm = (uint32_t)settings_number(&settings, "fail", 0, 0, 1000000);
    load->lite = settings_bool(&settings, "lite", false);
    load->poll_ns = (uint64_t)settings_number(&settings, "poll", 100000000, 1, NS_MAX);
    *after_ns = (uint64_t)settings_number(&settings, "after", 0, 0, NS_MAX);
    load->for_ns = (uint64_t)settings_number(&settings, "for", 0, 0, NS_MAX);
    load->run = (uint64_t)settings_number(&settings, "run", 0, INT64_MIN, INT64_MAX);
    if (settings.err != RMQ_OK) {
        env_log(env_of(load), ENV_LOG_ERROR, "consume: value of %.*s: %s",
                (int)settings.bad_key.len, (const char *)settings.bad_key.data,
                rmq_err_text(settings.err));
        return settings.err;
    }
    return load_foreign_keys(order, OWN_KEYS, sizeof OWN_KEYS / sizeof OWN_KEYS[0], &load->order);
}

int consume_begin(struct load_set *set, const struct props *order) {
    struct consume *load = env_alloc(set->env, sizeof *load);
    uint64_t after_ns;
    if (load == NULL)
        return RMQ_E_NOMEM;
    memset(load, 0, sizeof *load);
    load_slots_init(&load->slots);
    props_init(&load->order, set->env);
    int err = load_init(&load->base, set, &CONSUME, order, "consumerGroup");
    if (err != RMQ_OK) {
        env_free(set->env, load);
        return err;
    }
    err = read_order(load, order, &after_ns);
    if (err == RMQ_OK && after_ns > 0)
        env_timer_start(set->env, &load->begin, after_ns, on_begin);
    else if (err == RMQ_OK)
        err = start_consumer(load);
    if (err != RMQ_OK)
        consume_free(&load->base);
    return err;
}
