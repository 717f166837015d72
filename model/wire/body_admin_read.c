/* wire/body_admin_read.c - reads the bodies of administrators' requests. */
#include "model/wire/body_admin.h"

#include "model/wire/body_internal.h"

static int reader_init(struct body_reader *reader, struct span body, struct buf *scratch,
                       struct wire_error *error) {
    body_reader_init(reader, body, scratch, error);
    buf_clear(scratch);
    return body_texts_reserve(reader, body);
}

/* Decodes a whole document whose members `member` takes. */
static int decode(struct span body, struct buf *scratch, body_step_fn *member, void *ctx,
                  struct wire_error *error) {
    struct body_reader reader;
    int err = reader_init(&reader, body, scratch, error);
    return err == RMQ_OK ? body_document(&reader, member, ctx) : err;
}

/* The members of an array's element that must be an object. */
static int element_members(struct body_reader *reader, body_step_fn *member, void *ctx) {
    if (reader->json.token != JSON_OBJECT_BEGIN)
        return body_refuse(reader, RMQ_E_INVALID, "an object");
    return body_members(reader, member, ctx);
}

/* ---- 220, 222 -------------------------------------------------------------------------------- */

struct offsets {
    queue_offset_fn *each;
    void *ctx;
};

static int on_queue_offset(struct body_reader *reader, void *ctx, const struct body_queue *queue) {
    const struct offsets *offsets = ctx;
    int64_t offset = 0;
    int err = body_i64(reader, &offset);
    return err == RMQ_OK ? offsets->each(offsets->ctx, queue, offset) : err;
}

struct listed_queue {
    struct body_queue queue;
    int64_t offset;
};

static int on_listed_member(struct body_reader *reader, void *ctx) {
    struct listed_queue *listed = ctx;
    if (body_key_is(reader, "offset"))
        return body_i64(reader, &listed->offset);
    if (body_key_is(reader, "brokerName"))
        return body_text_kept(reader, &listed->queue.broker_name);
    if (body_key_is(reader, "topic"))
        return body_text_kept(reader, &listed->queue.topic);
    if (body_key_is(reader, "queueId"))
        return body_i32(reader, &listed->queue.queue_id);
    return body_skip(reader);
}

static int on_listed(struct body_reader *reader, void *ctx) {
    const struct offsets *offsets = ctx;
    struct listed_queue listed = {.offset = 0};
    size_t used = reader->scratch->len;
    int err = element_members(reader, on_listed_member, &listed);
    if (err == RMQ_OK)
        err = offsets->each(offsets->ctx, &listed.queue, listed.offset);
    reader->scratch->len = used;
    return err;
}

static int on_offsets_member(struct body_reader *reader, void *ctx) {
    if (!body_key_is(reader, "offsetTable"))
        return body_skip(reader);
    struct json_reader place = reader->json;
    bool is_list = json_next(&reader->json) == JSON_ARRAY_BEGIN;
    reader->json = place;
    return is_list ? body_array(reader, on_listed, ctx, NULL)
                   : body_queue_table(reader, on_queue_offset, ctx);
}

int reset_offsets_decode(struct span body, struct buf *scratch, queue_offset_fn *each, void *ctx,
                         struct wire_error *error) {
    struct offsets offsets = {each, ctx};
    return decode(body, scratch, on_offsets_member, &offsets, error);
}

/* ---- 221, 223 -------------------------------------------------------------------------------- */

struct status {
    const struct consumer_status_visitor *visitor;
    struct span client_id;
};

static int on_status_offset(struct body_reader *reader, void *ctx, const struct body_queue *queue) {
    const struct status *status = ctx;
    int64_t offset = 0;
    int err = body_i64(reader, &offset);
    if (err != RMQ_OK || status->visitor->on_offset == NULL)
        return err;
    return status->visitor->on_offset(status->visitor->ctx, status->client_id, queue, offset);
}

static int on_status_client(struct body_reader *reader, void *ctx) {
    const struct status *all = ctx;
    struct status one = *all;
    size_t used = reader->scratch->len;
    int err = body_token_text_append(reader, &one.client_id);
    if (err == RMQ_OK && one.visitor->on_client != NULL)
        err = one.visitor->on_client(one.visitor->ctx, one.client_id);
    if (err == RMQ_OK)
        err = body_queue_table(reader, on_status_offset, &one);
    reader->scratch->len = used;
    return err;
}

static int on_status_member(struct body_reader *reader, void *ctx) {
    if (body_key_is(reader, "consumerTable"))
        return body_object(reader, on_status_client, ctx, NULL);
    if (body_key_is(reader, "messageQueueTable"))
        return body_queue_table(reader, on_status_offset, ctx);
    return body_skip(reader);
}

int consumer_status_decode(struct span body, struct buf *scratch,
                           const struct consumer_status_visitor *visitor,
                           struct wire_error *error) {
    struct status status = {.visitor = visitor};
    return decode(body, scratch, on_status_member, &status, error);
}

/* ---- 203, 204 -------------------------------------------------------------------------------- */

struct connections {
    const struct connections_visitor *visitor;
    struct connections_group *group;
};

static int on_connection_member(struct body_reader *reader, void *ctx) {
    struct connection_info *connection = ctx;
    if (body_key_is(reader, "clientAddr"))
        return body_text_kept(reader, &connection->address);
    if (body_key_is(reader, "clientId"))
        return body_text_kept(reader, &connection->client_id);
    if (body_key_is(reader, "language"))
        return body_text_kept(reader, &connection->language);
    if (body_key_is(reader, "version"))
        return body_i32(reader, &connection->version);
    return body_skip(reader);
}

static int on_connection(struct body_reader *reader, void *ctx) {
    const struct connections_visitor *visitor = ((struct connections *)ctx)->visitor;
    struct connection_info connection = {.version = 0};
    size_t used = reader->scratch->len;
    int err = element_members(reader, on_connection_member, &connection);
    if (err == RMQ_OK && visitor->on_connection != NULL)
        err = visitor->on_connection(visitor->ctx, &connection);
    reader->scratch->len = used;
    return err;
}

/* The map's key is the topic again. */
static int on_subscribed(struct body_reader *reader, void *ctx) {
    const struct connections_visitor *visitor = ((struct connections *)ctx)->visitor;
    struct heartbeat_subscription subscription;
    bool present;
    size_t used = reader->scratch->len;
    int err = body_subscription(reader, &subscription, &present);
    if (err == RMQ_OK && present && visitor->on_subscription != NULL)
        err = visitor->on_subscription(visitor->ctx, &subscription);
    reader->scratch->len = used;
    return err;
}

static int on_group_word(struct body_reader *reader, struct connections_group *group) {
    struct heartbeat_consumer words = {.consume_type = group->consume_type,
                                       .model = group->model,
                                       .from_where = group->from_where};
    bool type = body_key_is(reader, "consumeType"), model = body_key_is(reader, "messageModel");
    bool from = body_key_is(reader, "consumeFromWhere"), known;
    int err = body_group_words(reader, &words, &known);
    if (err != RMQ_OK)
        return err;
    if (!known)
        return body_skip(reader);
    bool given = reader->json.token != JSON_NULL;
    group->has_type |= type && given;
    group->has_model |= model && given;
    group->has_from |= from && given;
    group->consume_type = words.consume_type;
    group->model = words.model;
    group->from_where = words.from_where;
    return RMQ_OK;
}

static int on_connections_member(struct body_reader *reader, void *ctx) {
    struct connections *connections = ctx;
    if (body_key_is(reader, "connectionSet"))
        return body_array(reader, on_connection, ctx, NULL);
    if (body_key_is(reader, "subscriptionTable"))
        return body_object(reader, on_subscribed, ctx, NULL);
    return on_group_word(reader, connections->group);
}

int connections_decode(struct span body, struct buf *scratch,
                       const struct connections_visitor *visitor, struct connections_group *group,
                       struct wire_error *error) {
    struct connections connections = {visitor, group};
    *group = (struct connections_group){.has_type = false};
    return decode(body, scratch, on_connections_member, &connections, error);
}

/* ---- 328 ------------------------------------------------------------------------------------- */

struct producers {
    int (*each)(void *ctx, struct span group, const struct producer_info *producer);
    void *ctx;
    struct span group;
};

static int on_producer_member(struct body_reader *reader, void *ctx) {
    struct producer_info *producer = ctx;
    if (body_key_is(reader, "clientId"))
        return body_text_kept(reader, &producer->client_id);
    if (body_key_is(reader, "language"))
        return body_text_kept(reader, &producer->language);
    if (body_key_is(reader, "lastUpdateTimestamp"))
        return body_i64(reader, &producer->last_update);
    if (body_key_is(reader, "remoteIP"))
        return body_text_kept(reader, &producer->remote);
    if (body_key_is(reader, "version"))
        return body_i32(reader, &producer->version);
    return body_skip(reader);
}

static int on_producer(struct body_reader *reader, void *ctx) {
    const struct producers *producers = ctx;
    struct producer_info producer = {.version = 0};
    size_t used = reader->scratch->len;
    int err = element_members(reader, on_producer_member, &producer);
    if (err == RMQ_OK)
        err = producers->each(producers->ctx, producers->group, &producer);
    reader->scratch->len = used;
    return err;
}

static int on_producer_group(struct body_reader *reader, void *ctx) {
    struct producers *producers = ctx;
    size_t used = reader->scratch->len;
    int err = body_token_text_append(reader, &producers->group);
    if (err == RMQ_OK)
        err = body_array(reader, on_producer, producers, NULL);
    reader->scratch->len = used;
    return err;
}

static int on_producers_member(struct body_reader *reader, void *ctx) {
    if (body_key_is(reader, "data"))
        return body_object(reader, on_producer_group, ctx, NULL);
    return body_skip(reader);
}

int producer_table_decode(struct span body, struct buf *scratch,
                          int (*each)(void *ctx, struct span group,
                                      const struct producer_info *producer),
                          void *ctx, struct wire_error *error) {
    struct producers producers = {.each = each, .ctx = ctx};
    return decode(body, scratch, on_producers_member, &producers, error);
}

/* ---- 41, 42 ---------------------------------------------------------------------------------- */

struct locks {
    struct lock_request *request;
    int (*each)(void *ctx, const struct lock_request *request, const struct body_queue *queue);
    int (*each_locked)(void *ctx, const struct body_queue *queue);
    void *ctx;
    struct json_reader queues;
    bool has_queues;
};

static int on_lock_member(struct body_reader *reader, void *ctx) {
    struct locks *locks = ctx;
    if (body_key_is(reader, "clientId"))
        return body_text_kept(reader, &locks->request->client_id);
    if (body_key_is(reader, "consumerGroup"))
        return body_text_kept(reader, &locks->request->group);
    if (body_key_is(reader, "onlyThisBroker"))
        return body_bool(reader, &locks->request->only_this_broker);
    if (body_key_is(reader, "mqSet")) {
        locks->queues = reader->json;
        locks->has_queues = true;
    }
    return body_skip(reader);
}

static int on_lock_queue(struct body_reader *reader, void *ctx) {
    const struct locks *locks = ctx;
    struct body_queue queue;
    size_t used = reader->scratch->len;
    if (reader->json.token != JSON_OBJECT_BEGIN)
        return body_refuse(reader, RMQ_E_INVALID, "a message queue");
    int err = body_queue_members(reader, &queue);
    if (err == RMQ_OK && (queue.topic.len == 0 || span_is_absent(queue.broker_name)))
        err = body_refuse(reader, RMQ_E_INVALID, "a message queue with topic and brokerName");
    if (err == RMQ_OK)
        err = locks->each_locked != NULL ? locks->each_locked(locks->ctx, &queue)
                                         : locks->each(locks->ctx, locks->request, &queue);
    reader->scratch->len = used;
    return err;
}

int lock_request_decode(struct span body, struct buf *scratch, struct lock_request *request,
                        int (*each)(void *ctx, const struct lock_request *request,
                                    const struct body_queue *queue),
                        void *ctx, struct wire_error *error) {
    struct body_reader reader;
    struct locks locks = {.request = request, .each = each, .ctx = ctx};
    *request = (struct lock_request){.only_this_broker = false};
    int err = reader_init(&reader, body, scratch, error);
    if (err == RMQ_OK)
        err = body_document(&reader, on_lock_member, &locks);
    if (err != RMQ_OK)
        return err;
    if (request->client_id.len == 0 || request->group.len == 0)
        return body_refuse(&reader, RMQ_E_MISSING, "a clientId and a consumerGroup");
    if (!locks.has_queues)
        return RMQ_OK;
    reader.json = locks.queues;
    return body_array(&reader, on_lock_queue, &locks, NULL);
}

static int on_locked_member(struct body_reader *reader, void *ctx) {
    if (body_key_is(reader, "lockOKMQSet"))
        return body_array(reader, on_lock_queue, ctx, NULL);
    return body_skip(reader);
}

int locked_queues_decode(struct span body, struct buf *scratch,
                         int (*each)(void *ctx, const struct body_queue *queue), void *ctx,
                         struct wire_error *error) {
    struct locks locks = {.each_locked = each, .ctx = ctx};
    return decode(body, scratch, on_locked_member, &locks, error);
}

/* ---- 308 ------------------------------------------------------------------------------------- */

struct corrections {
    int (*each)(void *ctx, int32_t queue_id, int64_t offset);
    void *ctx;
};

static int on_correction(struct body_reader *reader, void *ctx) {
    const struct corrections *corrections = ctx;
    int32_t queue_id = 0;
    int64_t offset = 0;
    int err = json_i32(&reader->json, &queue_id);
    if (err != RMQ_OK)
        return body_refuse(reader, err, "a queue id as key");
    err = body_i64(reader, &offset);
    return err == RMQ_OK ? corrections->each(corrections->ctx, queue_id, offset) : err;
}

static int on_corrections_member(struct body_reader *reader, void *ctx) {
    if (body_key_is(reader, "correctionOffsets"))
        return body_object(reader, on_correction, ctx, NULL);
    return body_skip(reader);
}

int correction_offsets_decode(struct span body, struct buf *scratch,
                              int (*each)(void *ctx, int32_t queue_id, int64_t offset), void *ctx,
                              struct wire_error *error) {
    struct corrections corrections = {each, ctx};
    return decode(body, scratch, on_corrections_member, &corrections, error);
}

/* ---- 309 ------------------------------------------------------------------------------------- */

#define CONSUME_RESULTS 6
static const char *const RESULT_WORDS[CONSUME_RESULTS] = {
    "CR_SUCCESS", "CR_LATER", "CR_ROLLBACK", "CR_COMMIT", "CR_THROW_EXCEPTION", "CR_RETURN_NULL"};

const char *consume_result_text(enum consume_result result) {
    return RESULT_WORDS[result];
}

static int on_directly_member(struct body_reader *reader, void *ctx) {
    struct consume_directly *result = ctx;
    unsigned word = CONSUME_RESULTS;
    if (body_key_is(reader, "autoCommit"))
        return body_bool(reader, &result->auto_commit);
    if (body_key_is(reader, "order"))
        return body_bool(reader, &result->order);
    if (body_key_is(reader, "remark"))
        return body_text_kept(reader, &result->remark);
    if (body_key_is(reader, "spentTimeMills"))
        return body_i64(reader, &result->spent_ms);
    if (!body_key_is(reader, "consumeResult"))
        return body_skip(reader);
    int err = body_word(reader, RESULT_WORDS, CONSUME_RESULTS, &word);
    result->has_result = word < CONSUME_RESULTS;
    if (result->has_result)
        result->result = (enum consume_result)word;
    return err;
}

int consume_directly_decode(struct span body, struct buf *scratch, struct consume_directly *out,
                            struct wire_error *error) {
    *out = (struct consume_directly){.auto_commit = true};
    return decode(body, scratch, on_directly_member, out, error);
}

/* ---- lists of names -------------------------------------------------------------------------- */

struct names {
    const char *member;
    name_fn *each;
    void *ctx;
};

static int on_name(struct body_reader *reader, void *ctx) {
    const struct names *names = ctx;
    struct span name;
    size_t used = reader->scratch->len;
    int err = body_token_text_append(reader, &name);
    if (err == RMQ_OK)
        err = names->each(names->ctx, name);
    reader->scratch->len = used;
    return err;
}

static int on_names_member(struct body_reader *reader, void *ctx) {
    const struct names *names = ctx;
    if (body_key_is(reader, names->member))
        return body_array(reader, on_name, ctx, NULL);
    return body_skip(reader);
}

int name_list_decode(struct span body, struct buf *scratch, const char *member, name_fn *each,
                     void *ctx, struct wire_error *error) {
    struct names names = {member, each, ctx};
    return decode(body, scratch, on_names_member, &names, error);
}

/* ---- 345 ------------------------------------------------------------------------------------- */

static int on_group_subscription_member(struct body_reader *reader, void *ctx) {
    struct group_subscription *out = ctx;
    if (body_key_is(reader, "group"))
        return body_text_kept(reader, &out->group);
    if (body_key_is(reader, "topic"))
        return body_text_kept(reader, &out->topic);
    if (body_key_is(reader, "subscriptionData"))
        return body_subscription(reader, &out->subscription, &out->has_subscription);
    return body_skip(reader);
}

int group_subscription_decode(struct span body, struct buf *scratch, struct group_subscription *out,
                              struct wire_error *error) {
    *out = (struct group_subscription){.has_subscription = false};
    return decode(body, scratch, on_group_subscription_member, out, error);
}
