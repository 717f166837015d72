/* wire/body_admin.h - bodies of the administrators' requests to a broker, both ways.
 *
 * Each decoder takes what 4.9 and 5.3 write: unknown members are skipped, null is absent. It calls
 * `each` per element, in the order of the body; a non-zero result ends it with that error. Spans
 * last until the call returns, unless said otherwise. Errors: RMQ_E_INVALID, RMQ_E_LIMIT,
 * RMQ_E_RANGE, RMQ_E_NOMEM, with *error saying where and what was expected. `scratch` is any
 * initialised buffer; its content is lost.
 *
 * Writers write one value or member at the writer's place; the caller writes what is around it.
 *
 * Elsewhere: tables of topics, groups and offsets (21, 43, 45, 201, 351, 352, 200): body_config.h;
 * running info (307): body_running.h. Source: wire.md 16, 20, 22, 25; the captures of mqadmin. */
#ifndef MODEL_WIRE_BODY_ADMIN_H
#define MODEL_WIRE_BODY_ADMIN_H

#include "model/wire/body_heartbeat.h"
#include "model/wire/body_queue.h"

typedef int queue_offset_fn(void *ctx, const struct body_queue *queue, int64_t offset);
typedef int name_fn(void *ctx, struct span name);

/* ---- 220, 222: {"offsetTable":{{queue}:n}}; for C++ clients [{brokerName,offset,queueId,topic}]
 */

/* Takes both forms. */
int reset_offsets_decode(struct span body, struct buf *scratch, queue_offset_fn *each, void *ctx,
                         struct wire_error *error) RMQ_CHECK_RESULT;
/* begin, one call per queue, end: a whole body. */
void reset_offsets_begin(struct json_writer *json, bool as_list);
void reset_offset_write(struct json_writer *json, bool as_list, const struct body_queue *queue,
                        int64_t offset);
void reset_offsets_end(struct json_writer *json, bool as_list);

/* ---- 221, 223: {"consumerTable":{"clientId":{{queue}:n}},"messageQueueTable":{{queue}:n}} ---- */

/* 221 answers fill the second table, 223 answers the first. `client_id` is absent for entries of
 * messageQueueTable. NULL functions call nothing; on_client comes before the client's queues. */
struct consumer_status_visitor {
    int (*on_client)(void *ctx, struct span client_id);
    int (*on_offset)(void *ctx, struct span client_id, const struct body_queue *queue,
                     int64_t offset);
    void *ctx;
};
int consumer_status_decode(struct span body, struct buf *scratch,
                           const struct consumer_status_visitor *visitor,
                           struct wire_error *error) RMQ_CHECK_RESULT;
/* The answer to 221: begin, json_key per queue by body_queue_key and json_number, end. */
void client_status_begin(struct json_writer *json);
void client_status_end(struct json_writer *json);

/* ---- 203, 204: connections ------------------------------------------------------------------- */

struct connection_info {
    struct span address; /* clientAddr, "ip:port" */
    struct span client_id;
    struct span language; /* "JAVA" */
    int32_t version;
};
struct connections_visitor {
    int (*on_connection)(void *ctx, const struct connection_info *connection);
    /* 203 only: what the group subscribes. */
    int (*on_subscription)(void *ctx, const struct heartbeat_subscription *subscription);
    void *ctx;
};
/* 203's other members; false: the body has none. */
struct connections_group {
    bool has_type, has_model, has_from;
    enum heartbeat_consume_type consume_type;
    enum heartbeat_model model;
    enum heartbeat_from from_where;
};
/* *group may be used after the call only (a visitor may be called before it is complete). */
int connections_decode(struct span body, struct buf *scratch,
                       const struct connections_visitor *visitor, struct connections_group *group,
                       struct wire_error *error) RMQ_CHECK_RESULT;
void connection_write(struct json_writer *json, const struct connection_info *connection);

/* ---- 328: {"data":{"group":[..]}} ------------------------------------------------------------ */

struct producer_info {
    struct span client_id;
    struct span language;
    int64_t last_update; /* wall ms */
    struct span remote;  /* remoteIP, "/ip:port" */
    int32_t version;
};
int producer_table_decode(struct span body, struct buf *scratch,
                          int (*each)(void *ctx, struct span group,
                                      const struct producer_info *producer),
                          void *ctx, struct wire_error *error) RMQ_CHECK_RESULT;
void producer_info_write(struct json_writer *json, const struct producer_info *producer);

/* ---- 41, 42 ---------------------------------------------------------------------------------- */

struct lock_request {
    struct span client_id;
    struct span group;
    bool only_this_broker; /* 5.3 */
};
/* *request is complete, and its texts valid (until scratch changes), when `each` is called: the
 * list is walked last. RMQ_E_MISSING: no clientId or no consumerGroup. */
int lock_request_decode(struct span body, struct buf *scratch, struct lock_request *request,
                        int (*each)(void *ctx, const struct lock_request *request,
                                    const struct body_queue *queue),
                        void *ctx, struct wire_error *error) RMQ_CHECK_RESULT;
/* begin, body_queue_write per queue, end: a whole body. */
void lock_request_begin(struct json_writer *json, const struct lock_request *request);
void lock_request_end(struct json_writer *json, const struct lock_request *request,
                      bool profile_5_3);
/* The answer to 41: {"lockOKMQSet":[..]} */
int locked_queues_decode(struct span body, struct buf *scratch,
                         int (*each)(void *ctx, const struct body_queue *queue), void *ctx,
                         struct wire_error *error) RMQ_CHECK_RESULT;
void locked_queues_begin(struct json_writer *json);
void locked_queues_end(struct json_writer *json);

/* ---- 308: {"correctionOffsets":{0:n}} -------------------------------------------------------- */

int correction_offsets_decode(struct span body, struct buf *scratch,
                              int (*each)(void *ctx, int32_t queue_id, int64_t offset), void *ctx,
                              struct wire_error *error) RMQ_CHECK_RESULT;

/* ---- 309 ------------------------------------------------------------------------------------- */

enum consume_result { /* CMResult.java, by ordinal */
                      CR_SUCCESS,
                      CR_LATER,
                      CR_ROLLBACK,
                      CR_COMMIT,
                      CR_THROW_EXCEPTION,
                      CR_RETURN_NULL
};
const char *consume_result_text(enum consume_result result);
struct consume_directly {
    bool order;
    bool auto_commit; /* true when the body does not say */
    bool has_result;
    enum consume_result result;
    struct span remark; /* absent: none; valid until scratch or the body changes */
    int64_t spent_ms;   /* spentTimeMills */
};
int consume_directly_decode(struct span body, struct buf *scratch, struct consume_directly *out,
                            struct wire_error *error) RMQ_CHECK_RESULT;
void consume_directly_write(struct json_writer *json, const struct consume_directly *result);

/* ---- lists of names -------------------------------------------------------------------------- */

/* {"<member>":["a","b"]}: topicList (305, 343), groupList (300), consumerIdList (38). */
int name_list_decode(struct span body, struct buf *scratch, const char *member, name_fn *each,
                     void *ctx, struct wire_error *error) RMQ_CHECK_RESULT;

/* ---- 345: {"group":s,"subscriptionData":{..},"topic":s} -------------------------------------- */

struct group_subscription {
    struct span group;
    struct span topic;
    bool has_subscription; /* false: the group is not online, or does not subscribe the topic */
    struct heartbeat_subscription subscription;
};
/* Texts are valid until scratch or the body changes. */
int group_subscription_decode(struct span body, struct buf *scratch, struct group_subscription *out,
                              struct wire_error *error) RMQ_CHECK_RESULT;

#endif
