/* wire/body_config.h - the tables of a broker as JSON: config files, and bodies of 21, 43, 45, 201.
 *
 * Readers take what either release writes: unknown members are skipped, integer keys may be bare or
 * quoted. Writers give fastjson's members in its order, and the caller the order of entries
 * (java_order.h). Source: store.md 10; the files in tests/vectors/store-config. */
#ifndef MODEL_WIRE_BODY_CONFIG_H
#define MODEL_WIRE_BODY_CONFIG_H

#include "model/wire/body.h"

/* Buckets that Java's tables begin with (java_order.h). */
#define TOPIC_TABLE_BUCKETS 2048
#define GROUP_TABLE_BUCKETS 2048
#define OFFSET_TABLE_BUCKETS 1024

/* A subscription group (broker.md 8). */
struct group {
    struct span name;
    bool consume_enable;
    bool consume_from_min_enable;
    bool consume_broadcast_enable;
    bool notify_ids_changed; /* notifyConsumerIdsChangedEnable */
    bool consume_orderly;    /* 5.3: consumeMessageOrderly */
    int32_t retry_queues;
    int32_t retry_max;
    int32_t consume_timeout_min; /* 5.3 */
    int32_t sys_flag;            /* 5.3: groupSysFlag */
    int64_t broker_id;
    int64_t slow_broker_id; /* whichBrokerWhenConsumeSlowly */
    /* 5.3's, as JSON; absent: {}, {"type":"CUSTOMIZED"}, none. Borrowed like the name. */
    struct span attributes;
    struct span retry_policy;  /* groupRetryPolicy */
    struct span subscriptions; /* subscriptionDataSet */
};
/* A group as it is created. */
void group_default(struct group *group, struct span name);

/* Each decoder calls `each` per entry, in order; a non-zero result stops it with that error. NULL
 * calls nothing. Spans end with the call. *version has timestamp_missing where the body has none.
 * Errors: RMQ_E_INVALID, RMQ_E_LIMIT, RMQ_E_RANGE with *error, RMQ_E_NOMEM. */
int topic_table_decode(struct span body, struct buf *scratch,
                       int (*each)(void *ctx, const struct topic_config *topic), void *ctx,
                       struct data_version *version, struct wire_error *error) RMQ_CHECK_RESULT;
int group_table_decode(struct span body, struct buf *scratch,
                       int (*each)(void *ctx, const struct group *group), void *ctx,
                       struct data_version *version, struct wire_error *error) RMQ_CHECK_RESULT;
/* key: "topic@group" */
int offset_table_decode(struct span body, struct buf *scratch,
                        int (*each)(void *ctx, struct span key, int32_t queue_id, int64_t offset),
                        void *ctx, struct data_version *version,
                        struct wire_error *error) RMQ_CHECK_RESULT;
/* delayOffset.json: delay level -> next offset */
int delay_table_decode(struct span body, struct buf *scratch,
                       int (*each)(void *ctx, int32_t level, int64_t offset), void *ctx,
                       struct data_version *version, struct wire_error *error) RMQ_CHECK_RESULT;

/* One group (200, 352), or a list {"<member>":[..]}: topicConfigList (18), groupConfigList (225).
 * Errors as above; RMQ_E_MISSING / RMQ_E_INVALID without a name. *out lasts until scratch or the
 * body changes. */
int group_decode(struct span body, struct buf *scratch, struct group *out,
                 struct wire_error *error) RMQ_CHECK_RESULT;
int group_configs_decode(struct span body, struct buf *scratch,
                         int (*each)(void *ctx, const struct group *group), void *ctx,
                         struct wire_error *error) RMQ_CHECK_RESULT;
int topic_configs_decode(struct span body, struct buf *scratch,
                         int (*each)(void *ctx, const struct topic_config *topic), void *ctx,
                         struct wire_error *error) RMQ_CHECK_RESULT;
/* The next value: one group. 5.3's members also where there is something in them. */
void group_write_value(struct json_writer *json, const struct group *group, bool profile_5_3);

/* One entry: its key and value, in the object of the table. */
void topic_config_write(struct json_writer *json, const struct topic_config *topic,
                        bool profile_5_3);
void group_write(struct json_writer *json, const struct group *group, bool profile_5_3);
/* delayOffset.json: begin, json_key_i64 and json_number per level, then end. */
void delay_table_begin(struct json_writer *json, const struct data_version *version,
                       bool profile_5_3);
void delay_table_end(struct json_writer *json);

#endif
