/* mqload/workers.c - see workers.h. */
#include "real/mqload/workers.h"
#include "real/daemon/tools_yml.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "model/client/client.h"
#include "real/os/node.h"

struct worker {
    struct workers *all;
    uint32_t index;
    pthread_t thread;
    bool started;
    struct real_loop *loop;
    struct env *notes; /* a node without a role: memory of the orders */
    struct env **nodes;
    size_t node_count;
    _Atomic uint64_t running;   /* clients; and one more while they are being started */
    _Atomic bool ready;         /* its clients have been started */
    _Atomic uint64_t producing; /* loads that have not ended */
    _Atomic int stopping;       /* 1: cleanly, 2: at once */
    struct load_stats stats;
};
struct workers {
    const struct load_options *options;
    struct load_dues dues;
    struct load_stats sum;
    uint64_t start_ns, run;
    uint32_t count;
    struct worker workers[];
};

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* ---- callbacks of the nodes ------------------------------------------------------------------ */

static void on_event(void *ctx, struct env *env, int kind, const struct event_value *values,
                     size_t count) {
    struct worker *worker = ctx;
    (void)count;
    if (kind == EVENT_command_done && span_equal(values[0].text, SPAN_LITERAL("produce")))
        atomic_fetch_sub(&worker->producing, 1);
    stats_event(&worker->stats, &worker->all->dues, env_mono_ns(env), kind, values);
}

static void on_log(void *ctx, struct env *env, enum env_log_level level, const char *line) {
    (void)ctx;
    (void)env;
    if (level <= ENV_LOG_WARN)
        fprintf(stderr, "mqload: %s\n", line);
}

static void on_exit_node(void *ctx, struct env *env, int status) {
    struct worker *worker = ctx;
    (void)status;
    for (size_t i = 0; i < worker->node_count; i++)
        if (worker->nodes[i] == env)
            worker->nodes[i] = NULL;
    if (atomic_fetch_sub(&worker->running, 1) == 1)
        real_loop_stop(worker->loop);
}

static void on_wake(void *ctx) {
    struct worker *worker = ctx;
    int stopping = atomic_load(&worker->stopping);
    if (stopping == 2)
        real_loop_stop(worker->loop);
    if (stopping == 1)
        for (size_t i = 0; i < worker->node_count; i++)
            if (worker->nodes[i] != NULL)
                real_node_stop(worker->nodes[i]);
}

/* ---- orders ---------------------------------------------------------------------------------- */

static void set_text(struct props *props, const char *key, const char *value) {
    if (props_set_text(props, key, value) != RMQ_OK)
        abort(); /* no memory at the start */
}
static void set_number(struct props *props, const char *key, uint64_t value) {
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    set_text(props, key, text);
}
static void set_further(struct props *props, const struct load_options *options) {
    for (size_t i = 0; i < options->set_count; i++) {
        const char *equals = strchr(options->sets[i], '=');
        if (props_set(props, span_of(options->sets[i], (size_t)(equals - options->sets[i])),
                      span_of_text(equals + 1)) != RMQ_OK)
            abort();
    }
}

/* Share of client `index` (from 0) of `count` in `total`. */
static uint64_t share(uint64_t total, uint32_t count, uint32_t index) {
    return total / count + (index < total % count);
}

static void produce_order(struct worker *worker, uint32_t index, struct props *order) {
    const struct load_options *options = worker->all->options;
    bool open = options->rate > 0;
    set_text(order, "do", "produce");
    set_text(order, "producerGroup", "mqload");
    set_text(order, "topic", options->topic);
    set_text(order, "name", "mqload-produce");
    set_text(order, "mode", options->mode);
    set_text(order, "arrivals", !open ? "closed" : options->poisson ? "poisson" : "constant");
    if (open)
        set_number(order, "rate",
                   (options->rate * 1000 + options->connections - 1) / options->connections);
    set_number(order, "in_flight", options->in_flight);
    set_number(order, "bytes", options->bytes);
    set_number(order, "bytes_max", options->bytes_max);
    set_number(order, "batch", options->batch);
    if (options->tags != NULL)
        set_text(order, "tags", options->tags);
    if (options->keys > 0)
        set_number(order, "keys", options->keys);
    if (options->count > 0)
        set_number(order, "count", share(options->count, options->connections, index));
    set_number(order, "run", worker->all->run);
    set_number(order, "producer", index + 1);
    set_further(order, options);
}

static void consume_order(struct worker *worker, struct props *order) {
    const struct load_options *options = worker->all->options;
    char subscription[4096];
    set_text(order, "do", "consume");
    set_text(order, "consumerGroup", options->group);
    snprintf(subscription, sizeof subscription, "%s:*", options->topic);
    set_text(order, "subscription", subscription);
    set_text(order, "consumeFromWhere",
             strcmp(options->from, "first") == 0 ? "CONSUME_FROM_FIRST_OFFSET"
                                                 : "CONSUME_FROM_LAST_OFFSET");
    set_number(order, "run", worker->all->run);
    set_further(order, options);
}

/* Who asks, where the brokers want to know; --set says it too. */
static int set_credentials(struct worker *worker, struct props *props) {
    struct acl_file *tools;
    int err = tools_yml_read(worker->notes, &tools);
    if (err != RMQ_OK || tools == NULL)
        return err;
    err = props_set(props, SPAN_LITERAL("accessKey"), tools->accounts[0].access_key);
    if (err == RMQ_OK)
        err = props_set(props, SPAN_LITERAL("secretKey"), tools->accounts[0].secret_key);
    acl_file_free(tools);
    return err;
}

static int start_client(struct worker *worker, bool consumer, uint32_t index) {
    const struct load_options *options = worker->all->options;
    struct real_node_options node = {
        .on_event = on_event, .on_log = on_log, .on_exit = on_exit_node, .ctx = worker};
    char name[64];
    struct props props;
    struct env *env = NULL;
    snprintf(name, sizeof name, "mqload-%s%u-%ld", consumer ? "c" : "p", index, (long)getpid());
    props_init(&props, worker->notes);
    set_text(&props, "namesrvAddr", options->namesrv);
    set_text(&props, "instanceName", name);
    set_text(&props, "rocketmq.serialize.type", options->serialize);
    int err = set_credentials(worker, &props);
    set_further(&props, options);
    if (err == RMQ_OK)
        err = real_node_start(worker->loop, &node, &client_role, &props, &env);
    props_deinit(&props);
    if (err != RMQ_OK)
        return err;
    worker->nodes[worker->node_count++] = env;
    atomic_fetch_add(&worker->running, 1);
    props_init(&props, worker->notes);
    if (consumer)
        consume_order(worker, &props);
    else
        produce_order(worker, index, &props);
    atomic_fetch_add(&worker->producing, !consumer);
    err = real_node_command(env, &props);
    props_deinit(&props);
    return err;
}

/* Clients go round the threads, consumers first. */
static int start_clients(struct worker *worker) {
    const struct load_options *options = worker->all->options;
    uint32_t consumers = options->consume ? options->consumers : 0;
    uint32_t producers = options->produce ? options->connections : 0;
    for (uint32_t i = worker->index; i < consumers + producers; i += worker->all->count) {
        if (options->count > 0 && i >= consumers &&
            share(options->count, producers, i - consumers) == 0)
            continue;
        int err = start_client(worker, i < consumers, i < consumers ? i : i - consumers);
        if (err != RMQ_OK)
            return err;
    }
    return RMQ_OK;
}

/* ---- threads --------------------------------------------------------------------------------- */

static void *run(void *ctx) {
    struct worker *worker = ctx;
    int err = start_clients(worker);
    atomic_store(&worker->ready, true);
    if (err != RMQ_OK)
        fprintf(stderr, "mqload: a client does not start: %s\n", rmq_err_text(err));
    else if (atomic_fetch_sub(&worker->running, 1) > 1)
        real_loop_run(worker->loop);
    for (size_t i = 0; i < worker->node_count; i++)
        if (worker->nodes[i] != NULL)
            real_node_free(worker->nodes[i]);
    atomic_store(&worker->running, 0);
    real_node_free(worker->notes);
    return NULL;
}

static bool prepare(struct workers *all, struct worker *worker, uint32_t index) {
    const struct load_options *options = all->options;
    struct real_node_options notes = {.on_log = on_log};
    worker->all = all;
    worker->index = index;
    worker->running = 1;
    worker->stats.start_ns = all->start_ns;
    worker->stats.end_ns = UINT64_MAX;
    worker->nodes = calloc((size_t)options->connections + options->consumers, sizeof(struct env *));
    if (worker->nodes == NULL || real_loop_create(&worker->loop) != RMQ_OK)
        return false;
    real_loop_on_wake(worker->loop, on_wake, worker);
    return real_node_start(worker->loop, &notes, NULL, NULL, &worker->notes) == RMQ_OK;
}

struct workers *workers_start(const struct load_options *options) {
    struct workers *all = calloc(1, sizeof *all + options->threads * sizeof(struct worker));
    if (all == NULL)
        return NULL;
    all->options = options;
    all->count = options->threads;
    all->run = now_ns() / 1000; /* bodies of another run are not ours */
    all->start_ns = now_ns() + options->warmup_ns;
    all->sum.start_ns = all->start_ns;
    all->sum.end_ns = UINT64_MAX;
    bool ok = dues_init(&all->dues, options->connections);
    for (uint32_t i = 0; ok && i < all->count; i++)
        ok = prepare(all, &all->workers[i], i);
    if (!ok) {
        fputs("mqload: out of memory, or of file descriptors (ulimit -n)\n", stderr);
        return NULL;
    }
    for (uint32_t i = 0; i < all->count; i++)
        all->workers[i].started =
            pthread_create(&all->workers[i].thread, NULL, run, &all->workers[i]) == 0;
    return all;
}

struct workers_progress workers_progress(const struct workers *workers) {
    struct workers_progress sum = {.started = true};
    for (uint32_t i = 0; i < workers->count; i++) {
        const struct worker *worker = &workers->workers[i];
        sum.started &= worker->ready;
        sum.sent += worker->stats.sent;
        sum.failed += worker->stats.failed;
        sum.consumed += worker->stats.consumed + worker->stats.warm_consumed;
        sum.running += worker->running;
        sum.producing += worker->producing;
    }
    return sum;
}

uint64_t workers_start_ns(const struct workers *workers) {
    return workers->start_ns;
}

static void tell(struct workers *workers, int stopping) {
    for (uint32_t i = 0; i < workers->count; i++) {
        atomic_store(&workers->workers[i].stopping, stopping);
        real_loop_wake(workers->workers[i].loop);
    }
}

struct load_stats *workers_stop(struct workers *workers, uint64_t grace_ns) {
    uint64_t end = now_ns() + grace_ns;
    tell(workers, 1);
    while (workers_progress(workers).running > 0 && now_ns() < end)
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    tell(workers, 2);
    for (uint32_t i = 0; i < workers->count; i++) {
        if (workers->workers[i].started)
            pthread_join(workers->workers[i].thread, NULL);
        stats_merge(&workers->sum, &workers->workers[i].stats);
    }
    return &workers->sum;
}

void workers_free(struct workers *workers) {
    for (uint32_t i = 0; i < workers->count; i++) {
        real_loop_free(workers->workers[i].loop);
        stats_free(&workers->workers[i].stats);
        free(workers->workers[i].nodes);
    }
    stats_free(&workers->sum);
    dues_free(&workers->dues);
    free(workers);
}
