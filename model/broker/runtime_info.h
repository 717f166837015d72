/* broker/runtime_info.h - what a broker says of itself: the table of request 28 (broker.md 23,
 * admin.md 5), and the same figures for metrics.h.
 *
 * A broker of events has no pools of threads and no lock around its log. What their keys mean here:
 *
 *   send..., pullThreadPoolQueueSize, ...HeadWaitTimeMills
 *             requests that wait in front of the store (flow.h), and for how long the first does
 *   query...  queries that wait for the disk
 *   pageCacheLockTimeMills
 *             age of the oldest write to the commit log that has not completed
 *   EndTransaction..., litePull..., ack...: nothing ever waits; Apache's capacities
 *
 * earliestMessageTimeStamp needs a record that may have to be read: it is kept from the first
 * message on, and asked for again when the log begins elsewhere. Until that is known it is -1 in
 * the metrics; 28 waits for it. */
#ifndef MODEL_BROKER_RUNTIME_INFO_H
#define MODEL_BROKER_RUNTIME_INFO_H

#include "model/broker/answer.h"
#include "model/broker/stats.h"
#include "model/store/store.h"

struct broker;

/* Requests that wait for what the disk says. */
struct earliest {
    int64_t physical; /* of the record that `ms` belongs to; -1: none */
    int64_t ms;
    struct store_lookup lookup;
    struct list waiting; /* of struct runtime_asker */
};
void earliest_init(struct earliest *earliest);
/* Drops who waits. Does nothing when never initialised. */
void earliest_deinit(struct earliest *earliest, struct broker *broker);
void earliest_forget_channel(struct earliest *earliest, const struct channel *channel);
/* A message was stored. */
void earliest_stored(struct broker *broker, int64_t physical, int64_t store_ms);
/* Asks the store when it is not known; nothing when that is under way. */
void earliest_refresh(struct broker *broker);

struct runtime_queue {
    uint64_t size, capacity, head_wait_ms;
};
/* As of now; rates in millionths. */
struct runtime_figures {
    struct stats_totals totals;
    struct stats_mornings mornings;
    int64_t boot_ms;
    uint64_t uptime_s;
    bool has_rate[3];
    int64_t rates[RATES][3];               /* 10, 60, 600 s */
    const struct stats_put_minute *minute; /* NULL: not known yet */
    struct runtime_queue sends, pulls, queries;
    uint64_t dispatch_behind, lock_ms, to_flush;
    int64_t earliest_ms, accept_sends_ms;
    int64_t min_physical, max_physical;
    bool has_disk;
    uint64_t disk_total, disk_free;
    uint32_t disk_percent, queue_percent; /* used, rounded up */
    int64_t average_bytes;                /* of a message, millionths */
    struct span commit_log;
};
/* ms in millionths, with two places behind the point; 0 for NULL. */
int64_t runtime_put_latency(const struct stats_put_minute *minute, uint32_t permille);
void runtime_figures_read(struct broker *broker, struct runtime_figures *out);

/* Calls `each` per key of request 28 with its text. RMQ_E_NOMEM. */
int runtime_info_each(struct broker *broker,
                      void (*each)(void *ctx, const char *key, struct span value),
                      void *ctx) RMQ_CHECK_RESULT;

/* Request 28. */
void broker_on_runtime_info(struct broker *broker, struct channel *channel,
                            const struct wire_command *request);

#endif
