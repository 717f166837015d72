/* wire/body_route.c - reads routes and cluster info. Source: namesrv.md 10.2, 11; wire.md 25.1. */
#include "model/wire/body_internal.h"

/* ---- queue data ----------------------------------------------------------------------------- */

static int on_queue_member(struct body_reader *reader, void *ctx) {
    struct route_queue *queue = ctx;
    if (body_key_is(reader, "brokerName"))
        return body_text(reader, &queue->broker_name); /* the only text */
    if (body_key_is(reader, "perm"))
        return body_i32(reader, &queue->perm);
    if (body_key_is(reader, "readQueueNums"))
        return body_i32(reader, &queue->read_queue_nums);
    if (body_key_is(reader, "writeQueueNums"))
        return body_i32(reader, &queue->write_queue_nums);
    if (body_key_is(reader, "topicSysFlag") || body_key_is(reader, "topicSynFlag"))
        return body_i32(reader, &queue->topic_sys_flag); /* 4.x before 4.9 spelled it Syn */
    return body_skip(reader);
}

static int on_queue(struct body_reader *reader, void *ctx) {
    const struct route_visitor *visitor = ctx;
    struct route_queue queue = {.broker_name = SPAN_NONE};
    if (reader->json.token != JSON_OBJECT_BEGIN)
        return body_refuse(reader, RMQ_E_INVALID, "queue data");
    int err = body_members(reader, on_queue_member, &queue);
    if (err != RMQ_OK)
        return err;
    if (queue.broker_name.len == 0)
        return body_refuse(reader, RMQ_E_MISSING, "a brokerName in the queue data");
    return visitor->on_queue == NULL ? RMQ_OK : visitor->on_queue(visitor->ctx, &queue);
}

/* ---- broker data: read twice, since the addresses come before the names ---------------------- */

struct broker_reading {
    const struct route_visitor *visitor;
    struct route_broker_addr addr; /* the names, then each address */
    bool any_addr;
};

static int read_name(struct body_reader *reader, struct span *out) {
    if (json_next(&reader->json) == JSON_NULL)
        return RMQ_OK;
    return body_token_text_append(reader, out);
}

static int on_name_member(struct body_reader *reader, void *ctx) {
    struct broker_reading *reading = ctx;
    if (body_key_is(reader, "brokerName"))
        return read_name(reader, &reading->addr.broker_name);
    if (body_key_is(reader, "cluster"))
        return read_name(reader, &reading->addr.cluster);
    return body_skip(reader);
}

static int give_addr(struct broker_reading *reading) {
    const struct route_visitor *visitor = reading->visitor;
    reading->any_addr = true;
    if (visitor->on_broker_addr == NULL)
        return RMQ_OK;
    return visitor->on_broker_addr(visitor->ctx, &reading->addr);
}

static int on_addr(struct body_reader *reader, void *ctx) {
    struct broker_reading *reading = ctx;
    size_t names_len = reader->scratch->len;
    if (json_i64(&reader->json, &reading->addr.broker_id) != RMQ_OK)
        return body_refuse(reader, RMQ_E_INVALID, "a broker id");
    reading->addr.addr = SPAN_NONE;
    int err = read_name(reader, &reading->addr.addr);
    if (err == RMQ_OK && span_is_absent(reading->addr.addr))
        return RMQ_OK;
    if (err == RMQ_OK)
        err = give_addr(reading);
    reader->scratch->len = names_len;
    return err;
}

static int on_addrs_member(struct body_reader *reader, void *ctx) {
    if (body_key_is(reader, "brokerAddrs"))
        return body_object(reader, on_addr, ctx, NULL);
    return body_skip(reader);
}

/* The last token begins a broker data object. */
static int read_broker(struct body_reader *reader, const struct route_visitor *visitor) {
    struct broker_reading reading = {.visitor = visitor, .addr = {.broker_id = -1}};
    struct json_reader start = reader->json;
    if (start.token != JSON_OBJECT_BEGIN || json_skip(&reader->json) != RMQ_OK)
        return body_refuse(reader, RMQ_E_INVALID, "broker data");
    size_t text_len = reader->json.offset - start.token_offset;
    buf_clear(reader->scratch);
    if (buf_reserve(reader->scratch, text_len * 2) != RMQ_OK) /* names, and an address of each id */
        return body_refuse(reader, RMQ_E_NOMEM, "memory");

    reader->json = start;
    int err = body_members(reader, on_name_member, &reading);
    if (err != RMQ_OK)
        return err;
    if (reading.addr.broker_name.len == 0)
        return body_refuse(reader, RMQ_E_MISSING, "a brokerName in the broker data");
    reader->json = start;
    err = body_members(reader, on_addrs_member, &reading);
    if (err != RMQ_OK || reading.any_addr)
        return err;
    reading.addr.broker_id = -1;
    reading.addr.addr = SPAN_NONE;
    return give_addr(&reading);
}

static int on_broker(struct body_reader *reader, void *ctx) {
    return read_broker(reader, ctx);
}

/* ---- documents ------------------------------------------------------------------------------ */

static int on_route_member(struct body_reader *reader, void *ctx) {
    const struct route_visitor *visitor = ctx;
    if (body_key_is(reader, "brokerDatas"))
        return body_array(reader, on_broker, ctx, NULL);
    if (body_key_is(reader, "queueDatas"))
        return body_array(reader, on_queue, ctx, NULL);
    if (!body_key_is(reader, "orderTopicConf"))
        return body_skip(reader);
    struct span conf = SPAN_NONE;
    int err = body_text(reader, &conf);
    if (err != RMQ_OK || span_is_absent(conf) || visitor->on_order_conf == NULL)
        return err;
    return visitor->on_order_conf(visitor->ctx, conf);
}

int route_decode(struct span body, struct buf *scratch, const struct route_visitor *visitor,
                 struct wire_error *error) {
    struct body_reader reader;
    body_reader_init(&reader, body, scratch, error);
    return body_document(&reader, on_route_member, (void *)(uintptr_t)visitor);
}

/* The map's key is the broker name again. */
static int on_broker_entry(struct body_reader *reader, void *ctx) {
    if (json_next(&reader->json) == JSON_NULL)
        return RMQ_OK;
    return read_broker(reader, ctx);
}

static int on_cluster_member(struct body_reader *reader, void *ctx) {
    if (body_key_is(reader, "brokerAddrTable"))
        return body_object(reader, on_broker_entry, ctx, NULL);
    return body_skip(reader);
}

int cluster_info_decode(struct span body, struct buf *scratch, const struct route_visitor *visitor,
                        struct wire_error *error) {
    struct body_reader reader;
    body_reader_init(&reader, body, scratch, error);
    return body_document(&reader, on_cluster_member, (void *)(uintptr_t)visitor);
}
