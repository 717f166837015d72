/* mqload/stats.c - events of clients become counts and latencies. */
#include "real/mqload/stats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_S UINT64_C(1000000000)

bool dues_init(struct load_dues *dues, uint32_t producers) {
    dues->producers = producers;
    dues->rings = calloc((size_t)producers + 1, sizeof *dues->rings);
    for (uint32_t i = 1; dues->rings != NULL && i <= producers; i++) {
        dues->rings[i] = calloc(DUE_RING, sizeof **dues->rings); /* pages come when written */
        if (dues->rings[i] == NULL)
            return false;
    }
    return dues->rings != NULL;
}

void dues_free(struct load_dues *dues) {
    for (uint32_t i = 1; dues->rings != NULL && i <= dues->producers; i++)
        free(dues->rings[i]);
    free(dues->rings);
}

/* NULL: a message that is not of this run. */
static _Atomic uint64_t *due_of(struct load_dues *dues, uint64_t message) {
    uint64_t producer = message >> 40;
    if (producer == 0 || producer > dues->producers)
        return NULL;
    return &dues->rings[producer][message & (DUE_RING - 1)];
}

/* The second that `now_ns` is in, with room for it; SIZE_MAX: outside of the measured time. */
static size_t second_of(struct load_stats *stats, uint64_t now_ns) {
    if (now_ns < stats->start_ns || now_ns >= stats->end_ns)
        return SIZE_MAX;
    size_t second = (size_t)((now_ns - stats->start_ns) / NS_PER_S);
    if (second < stats->seconds)
        return second;
    size_t more = second + 60;
    void **arrays[] = {(void **)&stats->send_seconds, (void **)&stats->way_seconds,
                       (void **)&stats->sent_seconds, (void **)&stats->failed_seconds,
                       (void **)&stats->consumed_seconds};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++) {
        void *grown = realloc(*arrays[i], more * sizeof(uint64_t));
        if (grown == NULL) {
            stats->out_of_memory = true;
            return SIZE_MAX;
        }
        *arrays[i] = grown;
        memset((char *)grown + stats->seconds * sizeof(uint64_t), 0,
               (more - stats->seconds) * sizeof(uint64_t));
    }
    stats->seconds = more;
    return second;
}

static void add_latency(struct load_stats *stats, struct histogram *all, struct histogram **slot,
                        uint64_t latency_ns) {
    if (*slot == NULL)
        *slot = calloc(1, sizeof **slot);
    if (*slot == NULL) {
        stats->out_of_memory = true;
        return;
    }
    histogram_add(all, latency_ns);
    histogram_add(*slot, latency_ns);
}

/* Places of fields, model/events.h. */
enum { STARTED_MESSAGE = 1, STARTED_LATE = 4 };
enum { ACKED_MESSAGE = 5, ACKED_LATENCY = 8, FAILED_MESSAGE = 1, FAILED_CODE = 3, FAILED_ERROR };
enum { DELIVERED_MESSAGE = 6, DELIVERED_INTACT = 7 };

static void on_acked(struct load_stats *stats, struct load_dues *dues, uint64_t now_ns,
                     const struct event_value *values) {
    size_t second = second_of(stats, now_ns);
    if (second == SIZE_MAX)
        return;
    _Atomic uint64_t *due = due_of(dues, values[ACKED_MESSAGE].number);
    uint64_t began = due == NULL ? 0 : atomic_load_explicit(due, memory_order_relaxed);
    uint64_t latency = began == 0 ? values[ACKED_LATENCY].number : now_ns - began;
    atomic_fetch_add_explicit(&stats->sent, 1, memory_order_relaxed);
    stats->sent_seconds[second]++;
    add_latency(stats, &stats->send, &stats->send_seconds[second], latency);
}

static void on_failed(struct load_stats *stats, uint64_t now_ns, const struct event_value *values) {
    if (stats->first_error[0] == 0)
        snprintf(stats->first_error, sizeof stats->first_error, "%.*s (code %lld)",
                 (int)values[FAILED_ERROR].text.len, (const char *)values[FAILED_ERROR].text.data,
                 (long long)values[FAILED_CODE].number);
    size_t second = second_of(stats, now_ns);
    if (second == SIZE_MAX)
        return;
    atomic_fetch_add_explicit(&stats->failed, 1, memory_order_relaxed);
    stats->failed_seconds[second]++;
}

static void on_delivered(struct load_stats *stats, struct load_dues *dues, uint64_t now_ns,
                         const struct event_value *values) {
    size_t second = second_of(stats, now_ns);
    if (values[DELIVERED_INTACT].number == 0)
        atomic_fetch_add_explicit(&stats->damaged, 1, memory_order_relaxed);
    if (second == SIZE_MAX) {
        if (now_ns < stats->start_ns)
            atomic_fetch_add_explicit(&stats->warm_consumed, 1, memory_order_relaxed);
        return;
    }
    if (stats->first_consumed_ns == 0)
        stats->first_consumed_ns = now_ns;
    stats->last_consumed_ns = now_ns;
    atomic_fetch_add_explicit(&stats->consumed, 1, memory_order_relaxed);
    stats->consumed_seconds[second]++;
    _Atomic uint64_t *due = due_of(dues, values[DELIVERED_MESSAGE].number);
    uint64_t began = due == NULL ? 0 : atomic_load_explicit(due, memory_order_relaxed);
    if (began >= stats->start_ns && began <= now_ns) /* not what the warm-up left behind */
        add_latency(stats, &stats->way, &stats->way_seconds[second], now_ns - began);
}

void stats_event(struct load_stats *stats, struct load_dues *dues, uint64_t now_ns, int kind,
                 const struct event_value *values) {
    switch (kind) {
    case EVENT_send_started: {
        _Atomic uint64_t *due = due_of(dues, values[STARTED_MESSAGE].number);
        if (due != NULL)
            atomic_store_explicit(due, now_ns - values[STARTED_LATE].number, memory_order_relaxed);
        break;
    }
    case EVENT_send_acked:
        on_acked(stats, dues, now_ns, values);
        break;
    case EVENT_send_failed:
        on_failed(stats, now_ns, values);
        break;
    case EVENT_consume_delivered:
        on_delivered(stats, dues, now_ns, values);
        break;
    default:
        break;
    }
}

static uint64_t at(const uint64_t *counts, const struct load_stats *stats, size_t index) {
    return index < stats->seconds ? counts[index] : 0;
}

static void merge_seconds(struct load_stats *into, const struct load_stats *from) {
    for (size_t i = 0; i < from->seconds; i++) {
        size_t second = second_of(into, into->start_ns + i * NS_PER_S);
        if (second == SIZE_MAX)
            return;
        into->sent_seconds[i] += from->sent_seconds[i];
        into->failed_seconds[i] += from->failed_seconds[i];
        into->consumed_seconds[i] += from->consumed_seconds[i];
        struct histogram **to[] = {&into->send_seconds[i], &into->way_seconds[i]};
        const struct histogram *of[] = {from->send_seconds[i], from->way_seconds[i]};
        for (int k = 0; k < 2; k++) {
            if (of[k] != NULL && *to[k] == NULL)
                *to[k] = calloc(1, sizeof **to[k]);
            if (of[k] != NULL && *to[k] != NULL)
                histogram_merge(*to[k], of[k]);
        }
    }
}

void stats_merge(struct load_stats *into, const struct load_stats *from) {
    into->sent += from->sent;
    into->failed += from->failed;
    into->consumed += from->consumed;
    into->warm_consumed += from->warm_consumed;
    into->damaged += from->damaged;
    if (into->first_consumed_ns == 0 ||
        (from->first_consumed_ns != 0 && from->first_consumed_ns < into->first_consumed_ns))
        into->first_consumed_ns = from->first_consumed_ns;
    if (from->last_consumed_ns > into->last_consumed_ns)
        into->last_consumed_ns = from->last_consumed_ns;
    if (into->first_error[0] == 0)
        memcpy(into->first_error, from->first_error, sizeof into->first_error);
    histogram_merge(&into->send, &from->send);
    histogram_merge(&into->way, &from->way);
    merge_seconds(into, from);
    into->out_of_memory |= from->out_of_memory;
}

struct load_second stats_second(const struct load_stats *stats, size_t index) {
    struct load_second row = {.sent = at(stats->sent_seconds, stats, index),
                              .failed = at(stats->failed_seconds, stats, index),
                              .consumed = at(stats->consumed_seconds, stats, index)};
    if (index < stats->seconds && stats->send_seconds[index] != NULL) {
        const struct histogram *send = stats->send_seconds[index];
        row.send_p50 = histogram_quantile(send, 500000);
        row.send_p99 = histogram_quantile(send, 990000);
        row.send_max = send->max;
    }
    if (index < stats->seconds && stats->way_seconds[index] != NULL) {
        row.way_p50 = histogram_quantile(stats->way_seconds[index], 500000);
        row.way_p99 = histogram_quantile(stats->way_seconds[index], 990000);
    }
    return row;
}

void stats_free(struct load_stats *stats) {
    for (size_t i = 0; i < stats->seconds; i++) {
        free(stats->send_seconds[i]);
        free(stats->way_seconds[i]);
    }
    free(stats->send_seconds);
    free(stats->way_seconds);
    free(stats->sent_seconds);
    free(stats->failed_seconds);
    free(stats->consumed_seconds);
}
