/* broker/stats.h - what a broker counts: messages and bytes in and out, how long it took.
 *
 * Items (broker.md 25), by name and key as in request 315:
 *
 *   TOPIC_PUT_NUMS, TOPIC_PUT_SIZE      topic
 *   GROUP_GET_NUMS, GROUP_GET_SIZE,
 *   GROUP_GET_LATENCY                   topic@group
 *   SNDBCK_PUT_NUMS                     topic@group
 *   BROKER_PUT_NUMS, BROKER_GET_NUMS    the cluster's name
 *
 * and the figures of the store (StoreStatsService.java, BrokerStats.java): totals, 10 s, 60 s and
 * 600 s rates, times of puts in the last whole minute, totals at midnight.
 *
 * No timer runs: what Apache samples is filled in when it is counted or read next (stats_item.h).
 * Memory: an item per topic and per topic@group that had messages, at most STATS_ITEMS_MAX of them
 * (what has none is counted in the totals only), removed with topic or group; 19 KiB of rates from
 * the first message on.
 *
 * Differs: GROUP_GET_LATENCY has one item per topic@group, as with enableDetailStat=false, and
 * counts ms from the request (or its waking) to the answer; rates are over exactly 10, 60, ... s;
 * sizes of what is got are those of the records that are sent. QUEUE_... (schedule topic only),
 * GROUP_GET_FALL_..., ..._FROM_DISK_... and COMMERCIAL_... do not exist. */
#ifndef MODEL_BROKER_STATS_H
#define MODEL_BROKER_STATS_H

#include "model/base/latency.h"
#include "model/base/map.h"
#include "model/broker/stats_item.h"

#define STATS_ITEMS_MAX 100000
#define STATS_CODES_MAX 64
#define STATS_PUT_TIMES 13 /* buckets of putMessageDistributeTime */

/* What has 10 s, 60 s, 600 s rates. */
enum stats_rate { RATE_PUT, RATE_FOUND, RATE_MISS, RATE_TRANSFERRED, RATES };

/* Totals since the start. */
struct stats_totals {
    uint64_t put_messages, put_bytes, put_failed; /* failed: requests */
    uint64_t put_max_ms, get_max_ms;
    uint64_t found, miss; /* pulls */
    uint64_t transferred; /* messages */
};
/* Messages at local midnight. */
struct stats_mornings {
    uint64_t put_yesterday, put_today, get_yesterday, get_today;
};
/* Puts of one minute. */
struct stats_put_minute {
    uint64_t times[STATS_PUT_TIMES];
    struct latency latency;
};
struct stats_code {
    int32_t code;
    struct latency latency;
};

struct stats_entry;
struct stats {
    struct env *env;
    uint64_t hash_key;
    uint64_t start_ns;
    int64_t start_wall_ms; /* bootTimestamp */
    uint64_t seconds;      /* since the start, up to which everything is filled in */
    uint64_t next_ns;      /* when the next one begins */
    struct stats_grid grid;
    struct stats_totals totals;
    struct stats_mornings mornings;
    int64_t day;                      /* local days since 1970 */
    uint64_t (*samples)[RATES];       /* of each second; NULL: nothing was counted yet */
    uint64_t filled;                  /* second of the last sample */
    struct stats_put_minute *minutes; /* this one and the last; with samples */
    struct stats_item *put, *get;     /* BROKER_...; NULL: nothing was counted yet */
    struct stats_entry *table;
    struct stats_entry *last_put, *last_get; /* found last */
    uint32_t entries;
    uint64_t uncounted;        /* for want of memory, or above STATS_ITEMS_MAX */
    struct stats_code **codes; /* room for STATS_CODES_MAX; NULL: none yet */
    uint32_t code_count;
};

/* `hash_key` as in base/map.h. */
void stats_init(struct stats *stats, struct env *env, uint64_t hash_key);
/* Does nothing for one that is all zero. */
void stats_deinit(struct stats *stats);

/* ---- counting ---- */

/* A put has ended: `messages`, `bytes` in the log, after `took_ns`. */
void stats_put(struct stats *stats, struct span topic, uint32_t messages, uint64_t bytes,
               uint64_t took_ns);
void stats_put_failed(struct stats *stats);
/* A pull has ended: with messages, or without (0). */
void stats_get(struct stats *stats, struct span topic, struct span group, uint32_t messages,
               uint64_t bytes, uint64_t took_ns);
/* `topic`@`group` got a message back. */
void stats_send_back(struct stats *stats, struct span topic, struct span group);
/* A request was answered. */
void stats_answered(struct stats *stats, int32_t code, uint64_t took_ns);
/* The topic, or the group, is deleted: its items go. */
void stats_forget_topic(struct stats *stats, struct span topic);
void stats_forget_group(struct stats *stats, struct span group);

/* ---- reading: figures are as of now ---- */

/* Brings everything up to now; the readers below do. */
void stats_refresh(struct stats *stats);
/* Item of request 315; `cluster`: the key of BROKER_... False: there is none. */
bool stats_find(struct stats *stats, struct span name, struct span key, struct span cluster,
                struct broker_stats_data *out);
/* 0 without an item, as Apache has it. */
int64_t stats_topic_tps(struct stats *stats, struct span topic);                    /* minute */
int64_t stats_group_tps(struct stats *stats, struct span topic, struct span group); /* minute */
/* Average of the last `seconds` (10, 60 or 600). False: the broker runs for less. */
bool stats_rate(struct stats *stats, enum stats_rate rate, uint64_t seconds, int64_t *per_second);
/* Of the last whole minute; NULL in the first. */
const struct stats_put_minute *stats_last_minute(struct stats *stats);

/* Each item, in order of its first count. `group` is absent for TOPIC_PUT_... */
enum stats_kind { STATS_TOPIC_PUT, STATS_GROUP_GET, STATS_SEND_BACK };
typedef void stats_each_fn(void *ctx, enum stats_kind kind, struct span topic, struct span group,
                           struct stats_item *item);
void stats_each(struct stats *stats, stats_each_fn *each, void *ctx);

#endif
