/* broker/queue_query.h - requests about queues and single messages: 12, 29 to 33 (broker.md 17,
 * 18.2). What needs a read is a query_op, taken from a pool.
 *
 * 5.3: 29 knows boundaryType; 30's `committed` makes no difference here, since what is put shows up
 * in its queue as soon as it may be seen. Unknown queues are no errors: 0, 0, 0 and -1. */
#ifndef MODEL_BROKER_QUEUE_QUERY_H
#define MODEL_BROKER_QUEUE_QUERY_H

#include "model/broker/answer.h"
#include "model/store/store.h"

#define QUERY_OPS_IDLE_MAX 8

struct broker;

struct query_op {
    struct store_lookup lookup;
    struct list link; /* in queries.under_way or queries.idle */
    struct broker *broker;
    struct asker asker;
    int32_t code;     /* of the request */
    int64_t offset;   /* 33: what was asked for */
    int32_t queue_id; /* 29, 32 */
    struct buf text;  /* behind topic and key */
};
struct queries {
    struct list under_way;
    struct list idle;
    uint32_t idle_count;
};

void queries_init(struct queries *queries);
/* Drops what is under way. Does nothing when never initialised. */
void queries_deinit(struct queries *queries, struct broker *broker);
void queries_forget_channel(struct queries *queries, const struct channel *channel);

/* 30, 31. */
void query_offset_bound(struct broker *broker, struct channel *channel,
                        const struct wire_command *request);
/* 29, 32. */
void query_by_time(struct broker *broker, struct channel *channel,
                   const struct wire_command *request);
/* 33. */
void query_by_offset(struct broker *broker, struct channel *channel,
                     const struct wire_command *request);
/* 12. */
void query_by_key(struct broker *broker, struct channel *channel,
                  const struct wire_command *request);

#endif
