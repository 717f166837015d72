/* wire/body_stats.h - what a broker measures, as JSON: bodies of 28, 202, 208, 300, 303, 315, 317,
 * 321. Writers and readers.
 *
 * Rates and averages are in millionths (base/decimal.h). Tables are keyed by whole queue objects,
 * which is fastjson's habit and no standard JSON; a Java admin tool reads nothing else.
 *
 * Writers: members in Java's order (by name). Entries come in the order the caller gives them,
 * where Java has that of its hash tables. What cannot be written for want of memory shows in the
 * buf. Readers take what 4.9 and 5.3 write: members in any order, unknown ones skipped, numbers
 * also quoted, null as absent. They call the caller's function per element; a non-zero result stops
 * them with that error. Spans end with the call; those of a result with the body or `scratch`,
 * which is for texts with escapes. Errors: RMQ_E_INVALID, RMQ_E_LIMIT, RMQ_E_RANGE with *error,
 * RMQ_E_NOMEM.
 *
 * The body of 28 is {"table":{key:text}}: kv_table_decode (body.h) reads it; for its values see
 * runtime_triple_parse. Source: broker.md 22, 23; observed: tests/vectors/wire, *-mqadmin*. */
#ifndef MODEL_WIRE_BODY_STATS_H
#define MODEL_WIRE_BODY_STATS_H

#include "model/base/decimal.h"
#include "model/wire/body_queue.h"

/* ---- 28: values that are not plain numbers ---- */

/* "a b c" of putTps and its like: 10 s, 60 s, 600 s averages. A part that is empty, as in "1.5  "
 * of a broker that runs for less, is 0. RMQ_E_INVALID. */
int runtime_triple_parse(struct span text, int64_t out[3]) RMQ_CHECK_RESULT;

/* ---- 315: one item of the broker's statistics ---- */
struct broker_stats_window {
    int64_t sum;
    int64_t tps;   /* millionths per second */
    int64_t avgpt; /* millionths: value per time counted */
};
struct broker_stats_data {
    struct broker_stats_window minute, hour, day;
};
void broker_stats_data_write(struct buf *out, const struct broker_stats_data *data);
int broker_stats_data_decode(struct span body, struct broker_stats_data *out,
                             struct wire_error *error) RMQ_CHECK_RESULT;

/* ---- 202: where a topic's queues are ---- */
struct topic_offset {
    int64_t min_offset, max_offset;
    int64_t last_update_ms; /* 0: no message */
};
/* `tps` (5.3, topicPutTps): negative leaves it out. */
void topic_stats_begin(struct json_writer *json, struct buf *out);
void topic_stats_queue(struct json_writer *json, const struct body_queue *queue,
                       const struct topic_offset *offset);
void topic_stats_end(struct json_writer *json, int64_t tps);
/* *tps: 0 where the body has none. */
int topic_stats_decode(struct span body, struct buf *scratch,
                       int (*each)(void *ctx, const struct body_queue *queue,
                                   const struct topic_offset *offset),
                       void *ctx, int64_t *tps, struct wire_error *error) RMQ_CHECK_RESULT;

/* ---- 208: how far a group is ---- */
struct consume_offset {
    int64_t broker_offset, consumer_offset;
    int64_t pull_offset; /* 5.3; negative: not there */
    int64_t last_ms;     /* store time of the last consumed message; 0: none */
};
struct consume_stats_visitor {
    /* Each may be NULL. */
    int (*on_queue)(void *ctx, const struct body_queue *queue, const struct consume_offset *offset);
    /* 317 only: a group, before its topics; then per topic its rate, before its queues (behind them
     * if some other writer puts consumeTps there). A topic's name is in its queues only. */
    int (*on_group)(void *ctx, struct span group);
    int (*on_topic)(void *ctx, int64_t tps);
    void *ctx;
};
/* A whole body of 208 (the caller begins with json_writer_init), or one topic of 317. */
void consume_stats_begin(struct json_writer *json, int64_t tps);
void consume_stats_queue(struct json_writer *json, const struct body_queue *queue,
                         const struct consume_offset *offset);
void consume_stats_end(struct json_writer *json);
int consume_stats_decode(struct span body, struct buf *scratch,
                         const struct consume_stats_visitor *visitor, int64_t *tps,
                         struct wire_error *error) RMQ_CHECK_RESULT;

/* ---- 317: the same of all groups ---- */
struct broker_consume_stats {
    struct span broker_addr; /* in the body or in scratch */
    int64_t total_diff;
    int64_t total_inflight; /* 5.3; 0 where absent */
};
void broker_consume_stats_begin(struct json_writer *json, struct buf *out, struct span broker_addr);
void broker_consume_stats_group(struct json_writer *json, struct span group);
/* Between: consume_stats_begin, ..._queue, ..._end per topic. */
void broker_consume_stats_group_end(struct json_writer *json);
/* `total_inflight` (5.3) may be NULL. */
void broker_consume_stats_end(struct json_writer *json, int64_t total_diff,
                              const int64_t *total_inflight);
int broker_consume_stats_decode(struct span body, struct buf *scratch,
                                const struct consume_stats_visitor *visitor,
                                struct broker_consume_stats *totals,
                                struct wire_error *error) RMQ_CHECK_RESULT;

/* ---- 300: {"groupList":[..]} ---- */
void group_list_begin(struct json_writer *json, struct buf *out);
void group_list_end(struct json_writer *json); /* between: json_string per group */
int group_list_decode(struct span body, struct buf *scratch,
                      int (*on_group)(void *ctx, struct span group), void *ctx,
                      struct wire_error *error) RMQ_CHECK_RESULT;

/* ---- 303: how old what a group consumes is ---- */
struct consume_time_span {
    struct body_queue queue;
    int64_t min_ms, max_ms; /* store times of the first and the last message; -1: not known */
    int64_t consume_ms;     /* of the last consumed one */
    int64_t delay_ms;       /* now - store time of the next one; 0: none waits */
};
void time_span_begin(struct json_writer *json, struct buf *out);
/* Times are written as numbers and as local text, yyyy-MM-dd#HH:mm:ss:SSS. */
void time_span_queue(struct json_writer *json, const struct consume_time_span *span,
                     int utc_offset_min);
void time_span_end(struct json_writer *json);
int time_span_decode(struct span body, struct buf *scratch,
                     int (*each)(void *ctx, const struct consume_time_span *span), void *ctx,
                     struct wire_error *error) RMQ_CHECK_RESULT;

/* ---- 321: units of a consume queue ---- */
struct queue_unit_data {
    int64_t physic_offset, tags_code;
    int32_t physic_size;
    bool eval;       /* whether the group's filter lets it pass */
    struct span msg; /* what went wrong; absent: nothing */
};
struct queue_units_info {
    int64_t min_index, max_index;
    struct span filter_data; /* absent: none */
};
/* `subscription` (may be absent) is a SubscriptionData as JSON. */
void queue_units_begin(struct json_writer *json, struct buf *out,
                       const struct queue_units_info *info);
void queue_units_unit(struct json_writer *json, const struct queue_unit_data *unit);
void queue_units_end(struct json_writer *json, struct span subscription);
int queue_units_decode(struct span body, struct buf *scratch,
                       int (*each)(void *ctx, const struct queue_unit_data *unit), void *ctx,
                       struct queue_units_info *info, struct wire_error *error) RMQ_CHECK_RESULT;

#endif
