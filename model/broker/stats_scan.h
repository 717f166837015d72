/* broker/stats_scan.h - requests that walk queues and need store times on the way: 202, 208, 303,
 * 317; and 300, 315, 321, which need one thing only (broker.md 22.1, 22.2, 22.4).
 *
 * A scan notes what it will say (names, offsets as of the request), then asks the store for one
 * time after the other, then answers. It is bound by memory alone: 104 bytes per queue.
 *
 * Differs: pullOffset (5.3) is the committed offset, since offsets of pulls are not kept; 303 of a
 * group without an offset measures from the first message, where Apache counts from 1970; 321
 * says eval for the group's tag filter, Apache for its bit map only. */
#ifndef MODEL_BROKER_STATS_SCAN_H
#define MODEL_BROKER_STATS_SCAN_H

#include "model/broker/answer.h"
#include "model/store/store.h"

struct broker;

struct scans {
    struct list under_way; /* of struct scan */
};
void scans_init(struct scans *scans);
/* Drops what is under way. Does nothing when never initialised. */
void scans_deinit(struct scans *scans, struct broker *broker);
void scans_forget_channel(struct scans *scans, const struct channel *channel);

/* 202. */
void broker_on_topic_stats(struct broker *broker, struct channel *channel,
                           const struct wire_command *request);
/* 208. */
void broker_on_consume_stats(struct broker *broker, struct channel *channel,
                             const struct wire_command *request);
/* 317. */
void broker_on_all_consume_stats(struct broker *broker, struct channel *channel,
                                 const struct wire_command *request);
/* 303. */
void broker_on_consume_time_span(struct broker *broker, struct channel *channel,
                                 const struct wire_command *request);
/* 300 (topic_consumers.c). */
void broker_on_topic_consumers(struct broker *broker, struct channel *channel,
                               const struct wire_command *request);
/* 315 (topic_consumers.c). */
void broker_on_stats_data(struct broker *broker, struct channel *channel,
                          const struct wire_command *request);
/* 321 (queue_units.c). */
void broker_on_queue_units(struct broker *broker, struct channel *channel,
                           const struct wire_command *request);

/* ---- the scan itself, for its files ---- */

enum scan_kind { SCAN_GROUP, SCAN_TOPIC, SCAN_QUEUE };
/* Times of a queue that are asked for. */
enum scan_time { SCAN_FIRST, SCAN_LAST, SCAN_CONSUMED, SCAN_NEXT, SCAN_TIMES };
struct scan_row {
    enum scan_kind kind;
    int32_t queue_id;
    size_t text_at, text_len; /* GROUP, TOPIC: its name, in `text` */
    int64_t tps;              /* TOPIC: of the group there */
    int64_t min, max, consumer;
    int64_t ask[SCAN_TIMES]; /* queue offsets; negative: not asked */
    int64_t ms[SCAN_TIMES];  /* -1: no such message */
};
struct scan {
    struct store_lookup lookup;
    struct list link;
    struct broker *broker;
    struct asker asker;
    struct buf text;
    struct buf rows;   /* of struct scan_row */
    size_t next;       /* ask number: row * SCAN_TIMES + time */
    struct span topic; /* of the row at hand */
    bool waiting, looping;
    int64_t tps;
    int64_t index; /* 321 */
    int32_t queue_id;
    size_t topic_len;
    void (*finish)(struct scan *scan, struct buf *body);
};
/* Decodes the header; answers and gives false when that fails. */
bool scan_header(struct broker *broker, const struct asker *asker,
                 const struct wire_command *request, const struct header_info *info, void *header);
/* NULL: no memory, which has been answered. */
struct scan *scan_begin(struct broker *broker, const struct asker *asker,
                        void (*finish)(struct scan *scan, struct buf *body));
void scan_end(struct scan *scan);
/* A row; NULL without memory. Rows move. */
struct scan_row *scan_add(struct scan *scan, enum scan_kind kind, struct span name);
/* Asks for the times, calls finish, answers, ends. */
void scan_run(struct scan *scan);
struct scan_row *scan_rows(const struct scan *scan, size_t *count);
struct span scan_name(const struct scan *scan, const struct scan_row *row);

#endif
