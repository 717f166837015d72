/* wire/body_running.h - what a consumer says of itself: the body of answers to 307
 * (ConsumerRunningInfo.java; wire.md 25.9), both ways.
 *
 * Rates are doubles in Java; here they stay the JSON number's text, since model/ has no floats. */
#ifndef MODEL_WIRE_BODY_RUNNING_H
#define MODEL_WIRE_BODY_RUNNING_H

#include "model/wire/body_heartbeat.h"
#include "model/wire/body_queue.h"

/* A queue as a push consumer has it (ProcessQueueInfo.java). Timestamps: wall ms. */
struct running_queue {
    int64_t cached_count;           /* cachedMsgCount */
    int64_t cached_max, cached_min; /* cachedMsgMaxOffset, cachedMsgMinOffset */
    int64_t cached_mib;             /* cachedMsgSizeInMiB */
    int64_t commit_offset;
    bool dropped; /* "droped" */
    int64_t last_consume, last_lock, last_pull;
    bool locked;
    int64_t transaction_count, transaction_max, transaction_min;
    int64_t unlock_tries; /* tryUnlockTimes */
};
/* A topic's rates (ConsumeStatus.java), as texts of JSON numbers. */
struct running_status {
    int64_t failed; /* consumeFailedMsgs */
    struct span failed_tps, ok_tps, consume_rt, pull_rt, pull_tps;
};
struct running_visitor {
    /* A property's value that is no string is the text of its number or word. */
    int (*on_property)(void *ctx, struct span key, struct span value);
    int (*on_queue)(void *ctx, const struct body_queue *queue, const struct running_queue *info);
    int (*on_status)(void *ctx, struct span topic, const struct running_status *status);
    int (*on_subscription)(void *ctx, const struct heartbeat_subscription *subscription);
    int (*on_jstack)(void *ctx, struct span text);
    void *ctx;
};
/* Calls what is not NULL, in the order of the body; spans end with each call. RMQ_E_INVALID,
 * RMQ_E_LIMIT, RMQ_E_RANGE, RMQ_E_NOMEM with *error. */
int running_info_decode(struct span body, struct buf *scratch,
                        const struct running_visitor *visitor,
                        struct wire_error *error) RMQ_CHECK_RESULT;

/* A whole body: begin, queues (TreeMap: by topic, broker, id), properties, property ..., statuses,
 * status ... (by topic), subscriptions, subscription ... (by topic), end. jstack may be absent. */
void running_begin(struct json_writer *json, bool profile_5_3, struct span jstack);
void running_queue_write(struct json_writer *json, const struct body_queue *queue,
                         const struct running_queue *info);
void running_properties(struct json_writer *json);
void running_property_write(struct json_writer *json, const char *key, struct span value);
void running_statuses(struct json_writer *json);
void running_status_write(struct json_writer *json, struct span topic,
                          const struct running_status *status);
/* Each subscription by subscription_write. */
void running_subscriptions(struct json_writer *json);
void running_end(struct json_writer *json, bool profile_5_3);

#endif
