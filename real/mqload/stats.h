/* mqload/stats.h - what the clients of one thread saw, second by second, and how it is added up.
 *
 * A latency counts from when the message was due (open loop) or its send began, so that waiting
 * behind a slow answer is not left out (coordinated omission). */
#ifndef REAL_MQLOAD_STATS_H
#define REAL_MQLOAD_STATS_H

#include <stdatomic.h>
#include <stdbool.h>

#include "model/events.h"
#include "real/mqload/histogram.h"

/* Sends of one producer whose times are kept; older ones have no produce-to-consume latency. */
#define DUE_RING (UINT64_C(1) << 18)

struct load_second {
    uint64_t sent, failed, consumed;
    uint64_t send_p50, send_p99, send_max; /* ns */
    uint64_t way_p50, way_p99;
};

/* Of one thread; only the counters are read by others while it runs. */
struct load_stats {
    uint64_t start_ns, end_ns; /* measured time, by CLOCK_MONOTONIC; end UINT64_MAX: open */
    _Atomic uint64_t sent, failed, consumed, warm_consumed; /* in the measured time; before it */
    _Atomic uint64_t damaged;
    uint64_t first_consumed_ns, last_consumed_ns;
    char first_error[256]; /* of a failed send */
    struct histogram send, way;
    /* one per second of the measured time */
    struct histogram **send_seconds, **way_seconds;
    uint64_t *sent_seconds, *failed_seconds, *consumed_seconds;
    size_t seconds;
    bool out_of_memory;
};

/* When sends were due, by producer and sequence; shared by all threads. */
struct load_dues {
    _Atomic uint64_t **rings; /* by producer number, from 1 */
    uint32_t producers;
};
bool dues_init(struct load_dues *dues, uint32_t producers);
void dues_free(struct load_dues *dues);

/* An event of a client. */
void stats_event(struct load_stats *stats, struct load_dues *dues, uint64_t now_ns, int kind,
                 const struct event_value *values);
void stats_merge(struct load_stats *into, const struct load_stats *from);
/* The row of second `index`. */
struct load_second stats_second(const struct load_stats *stats, size_t index);
void stats_free(struct load_stats *stats);

#endif
