/* broker/runtime_figures.c - reads the figures of runtime_info.h. */
#include "model/broker/broker_internal.h"
#include "model/broker/runtime_info.h"

#define NS_PER_MS UINT64_C(1000000)
#define QUERY_CAPACITY 20000 /* queryThreadPoolQueueCapacity */

static const uint16_t RATE_SECONDS[3] = {10, 60, 600};

static void read_rates(struct broker *broker, struct runtime_figures *out) {
    for (unsigned i = 0; i < 3; i++) {
        for (unsigned rate = 0; rate < RATES; rate++) {
            out->rates[rate][i] = 0;
            out->has_rate[i] = stats_rate(&broker->stats, (enum stats_rate)rate, RATE_SECONDS[i],
                                          &out->rates[rate][i]);
        }
    }
}

static struct runtime_queue queue_of(const struct flow *flow, enum flow_kind kind,
                                     uint32_t capacity) {
    return (struct runtime_queue){.size = flow_waiting(flow, kind),
                                  .capacity = capacity,
                                  .head_wait_ms = flow_head_wait_ms(flow, kind)};
}

static struct runtime_queue queries_of(const struct broker *broker) {
    struct runtime_queue queue = {.capacity = QUERY_CAPACITY};
    LIST_EACH(&broker->queries.under_way, link, next) {
        const struct query_op *op = LIST_ENTRY(link, struct query_op, link);
        if (queue.size++ == 0)
            queue.head_wait_ms = (env_mono_ns(broker->env) - op->asker.since_ns) / NS_PER_MS;
    }
    return queue;
}

/* As df does, so that what is full shows as 100. */
static uint32_t used_percent(const struct env_disk_usage *usage) {
    if (usage->total_bytes == 0)
        return 0;
    uint64_t hundredth = usage->total_bytes / 100 + (usage->total_bytes % 100 != 0);
    uint64_t percent = (usage->used_bytes + hundredth - 1) / (hundredth == 0 ? 1 : hundredth);
    return percent > 100 ? 100 : (uint32_t)percent;
}

static void read_disk(struct broker *broker, const struct store_figures *store,
                      struct runtime_figures *out) {
    struct env_disk_usage root, log;
    out->commit_log = store->commit_log;
    out->has_disk = env_disk_usage(broker->env, store->root, &root) == RMQ_OK;
    if (!out->has_disk)
        return;
    out->disk_total = root.total_bytes;
    out->disk_free = root.total_bytes - root.used_bytes;
    out->queue_percent = used_percent(&root);
    out->disk_percent = env_disk_usage(broker->env, store->commit_log, &log) == RMQ_OK
                            ? used_percent(&log)
                            : out->queue_percent;
}

int64_t runtime_put_latency(const struct stats_put_minute *minute, uint32_t permille) {
    uint64_t us = minute == NULL ? 0 : latency_percentile_us(&minute->latency, permille);
    return (int64_t)((us + 5) / 10) * 10000;
}

void runtime_figures_read(struct broker *broker, struct runtime_figures *out) {
    struct stats *stats = &broker->stats;
    struct store_figures store;
    stats_refresh(stats);
    store_figures(broker->store, &store);
    int64_t flushed = store_flushed_physical(broker->store);
    *out = (struct runtime_figures){
        .totals = stats->totals,
        .mornings = stats->mornings,
        .boot_ms = stats->start_wall_ms,
        .uptime_s = (env_mono_ns(broker->env) - stats->start_ns) / (1000 * NS_PER_MS),
        .minute = stats_last_minute(stats),
        .sends = queue_of(&broker->flow, FLOW_SENDS, broker->config.send_capacity),
        .pulls = queue_of(&broker->flow, FLOW_PULLS, broker->config.pull_capacity),
        .queries = queries_of(broker),
        .dispatch_behind = store.dispatch_behind,
        .lock_ms = store_write_age_ms(broker->store),
        .accept_sends_ms = broker->config.accept_sends_ms,
        .min_physical = store_min_physical(broker->store),
        .max_physical = store_max_physical(broker->store),
        .average_bytes =
            decimal_ratio((int64_t)stats->totals.put_bytes, 1, (int64_t)stats->totals.put_messages),
    };
    out->to_flush = out->max_physical > flushed ? (uint64_t)(out->max_physical - flushed) : 0;
    out->earliest_ms =
        broker->earliest.physical == out->min_physical ? broker->earliest.ms : INT64_C(-1);
    read_rates(broker, out);
    read_disk(broker, &store, out);
}
