/* wire/body_stats_read.c - reads what brokers of either release say they measured. */
#include "model/wire/body_internal.h"
#include "model/wire/body_stats.h"

static int read_document(struct span body, struct buf *scratch, body_step_fn *member, void *ctx,
                         struct wire_error *error) {
    struct body_reader reader;
    body_reader_init(&reader, body, scratch, error);
    if (scratch != NULL)
        buf_clear(scratch);
    int err = scratch == NULL ? RMQ_OK : body_texts_reserve(&reader, body);
    return err == RMQ_OK ? body_document(&reader, member, ctx) : err;
}

static int read_decimal(struct body_reader *reader, int64_t *out) {
    enum json_token token = json_next(&reader->json);
    if (token == JSON_NULL)
        return RMQ_OK;
    if (token != JSON_NUMBER && token != JSON_STRING)
        return body_refuse(reader, RMQ_E_INVALID, "a number");
    int err = decimal_parse(reader->json.raw, out);
    return err == RMQ_OK ? RMQ_OK : body_refuse(reader, err, "a decimal number");
}

/* The last token begins an object. */
static int read_begun(struct body_reader *reader, body_step_fn *member, void *ctx) {
    if (reader->json.token != JSON_OBJECT_BEGIN)
        return body_refuse(reader, RMQ_E_INVALID, "an object");
    return body_members(reader, member, ctx);
}

/* ---- 28 -------------------------------------------------------------------------------------- */

int runtime_triple_parse(struct span text, int64_t out[3]) {
    int64_t values[3] = {0};
    for (unsigned i = 0; i < 3; i++) {
        size_t len = 0;
        while (len < text.len && text.data[len] != ' ')
            len++;
        if (len > 0 && decimal_parse(span_of(text.data, len), &values[i]) != RMQ_OK)
            return RMQ_E_INVALID;
        if (text.len > 0) /* an absent one has no address to add to */
            text = span_from(text, len < text.len ? len + 1 : len);
    }
    if (text.len > 0)
        return RMQ_E_INVALID;
    memcpy(out, values, sizeof values);
    return RMQ_OK;
}

/* ---- 315 ------------------------------------------------------------------------------------- */

static int on_window_member(struct body_reader *reader, void *ctx) {
    struct broker_stats_window *window = ctx;
    if (body_key_is(reader, "sum"))
        return body_i64(reader, &window->sum);
    if (body_key_is(reader, "tps"))
        return read_decimal(reader, &window->tps);
    if (body_key_is(reader, "avgpt"))
        return read_decimal(reader, &window->avgpt);
    return body_skip(reader);
}

static int on_stats_member(struct body_reader *reader, void *ctx) {
    struct broker_stats_data *data = ctx;
    if (body_key_is(reader, "statsMinute"))
        return body_object(reader, on_window_member, &data->minute, NULL);
    if (body_key_is(reader, "statsHour"))
        return body_object(reader, on_window_member, &data->hour, NULL);
    if (body_key_is(reader, "statsDay"))
        return body_object(reader, on_window_member, &data->day, NULL);
    return body_skip(reader);
}

int broker_stats_data_decode(struct span body, struct broker_stats_data *out,
                             struct wire_error *error) {
    struct broker_stats_data data = {0};
    int err = read_document(body, NULL, on_stats_member, &data, error);
    if (err == RMQ_OK)
        *out = data;
    return err;
}

/* ---- 202 ------------------------------------------------------------------------------------- */

struct topic_reading {
    int (*each)(void *ctx, const struct body_queue *queue, const struct topic_offset *offset);
    void *ctx;
    int64_t tps;
};

static int on_offset_member(struct body_reader *reader, void *ctx) {
    struct topic_offset *offset = ctx;
    if (body_key_is(reader, "minOffset"))
        return body_i64(reader, &offset->min_offset);
    if (body_key_is(reader, "maxOffset"))
        return body_i64(reader, &offset->max_offset);
    if (body_key_is(reader, "lastUpdateTimestamp"))
        return body_i64(reader, &offset->last_update_ms);
    return body_skip(reader);
}

static int on_topic_queue(struct body_reader *reader, void *ctx, const struct body_queue *queue) {
    const struct topic_reading *reading = ctx;
    struct topic_offset offset = {0};
    int err = body_object(reader, on_offset_member, &offset, NULL);
    return err == RMQ_OK ? reading->each(reading->ctx, queue, &offset) : err;
}

static int on_topic_member(struct body_reader *reader, void *ctx) {
    struct topic_reading *reading = ctx;
    if (body_key_is(reader, "offsetTable"))
        return body_queue_table(reader, on_topic_queue, reading);
    if (body_key_is(reader, "topicPutTps"))
        return read_decimal(reader, &reading->tps);
    return body_skip(reader);
}

int topic_stats_decode(struct span body, struct buf *scratch,
                       int (*each)(void *ctx, const struct body_queue *queue,
                                   const struct topic_offset *offset),
                       void *ctx, int64_t *tps, struct wire_error *error) {
    struct topic_reading reading = {each, ctx, 0};
    int err = read_document(body, scratch, on_topic_member, &reading, error);
    if (err == RMQ_OK)
        *tps = reading.tps;
    return err;
}

/* ---- 208 ------------------------------------------------------------------------------------- */

struct consume_reading {
    const struct consume_stats_visitor *visitor;
    struct broker_consume_stats totals; /* 317 */
    int64_t tps;                        /* 208 */
};

static int on_progress_member(struct body_reader *reader, void *ctx) {
    struct consume_offset *offset = ctx;
    if (body_key_is(reader, "brokerOffset"))
        return body_i64(reader, &offset->broker_offset);
    if (body_key_is(reader, "consumerOffset"))
        return body_i64(reader, &offset->consumer_offset);
    if (body_key_is(reader, "pullOffset"))
        return body_i64(reader, &offset->pull_offset);
    if (body_key_is(reader, "lastTimestamp"))
        return body_i64(reader, &offset->last_ms);
    return body_skip(reader);
}

static int on_consume_queue(struct body_reader *reader, void *ctx, const struct body_queue *queue) {
    const struct consume_stats_visitor *visitor = ctx;
    struct consume_offset offset = {.pull_offset = -1};
    int err = body_object(reader, on_progress_member, &offset, NULL);
    if (err != RMQ_OK || visitor->on_queue == NULL)
        return err;
    return visitor->on_queue(visitor->ctx, queue, &offset);
}

static int on_consume_member(struct body_reader *reader, void *ctx) {
    struct consume_reading *reading = ctx;
    /* the visitor outlives the reading and is only called */
    if (body_key_is(reader, "offsetTable"))
        return body_queue_table(reader, on_consume_queue, (void *)reading->visitor);
    if (body_key_is(reader, "consumeTps"))
        return read_decimal(reader, &reading->tps);
    return body_skip(reader);
}

int consume_stats_decode(struct span body, struct buf *scratch,
                         const struct consume_stats_visitor *visitor, int64_t *tps,
                         struct wire_error *error) {
    struct consume_reading reading = {.visitor = visitor};
    int err = read_document(body, scratch, on_consume_member, &reading, error);
    if (err == RMQ_OK)
        *tps = reading.tps;
    return err;
}

/* ---- 317 ------------------------------------------------------------------------------------- */

static int on_list_topic_member(struct body_reader *reader, void *ctx) {
    struct consume_reading *reading = ctx;
    const struct consume_stats_visitor *visitor = reading->visitor;
    bool is_tps = body_key_is(reader, "consumeTps");
    int err = on_consume_member(reader, ctx);
    if (err != RMQ_OK || !is_tps || visitor->on_topic == NULL)
        return err;
    return visitor->on_topic(visitor->ctx, reading->tps);
}

static int on_list_topic(struct body_reader *reader, void *ctx) {
    return read_begun(reader, on_list_topic_member, ctx);
}

static int on_list_group(struct body_reader *reader, void *ctx) {
    const struct consume_reading *reading = ctx;
    const struct consume_stats_visitor *visitor = reading->visitor;
    struct span group;
    int err = body_token_text_append(reader, &group);
    if (err == RMQ_OK && visitor->on_group != NULL)
        err = visitor->on_group(visitor->ctx, group);
    return err == RMQ_OK ? body_array(reader, on_list_topic, ctx, NULL) : err;
}

static int on_list_element(struct body_reader *reader, void *ctx) {
    return read_begun(reader, on_list_group, ctx);
}

static int on_list_member(struct body_reader *reader, void *ctx) {
    struct consume_reading *reading = ctx;
    if (body_key_is(reader, "brokerAddr"))
        return body_text_kept(reader, &reading->totals.broker_addr);
    if (body_key_is(reader, "consumeStatsList"))
        return body_array(reader, on_list_element, reading, NULL);
    if (body_key_is(reader, "totalDiff"))
        return body_i64(reader, &reading->totals.total_diff);
    if (body_key_is(reader, "totalInflightDiff"))
        return body_i64(reader, &reading->totals.total_inflight);
    return body_skip(reader);
}

int broker_consume_stats_decode(struct span body, struct buf *scratch,
                                const struct consume_stats_visitor *visitor,
                                struct broker_consume_stats *totals, struct wire_error *error) {
    struct consume_reading reading = {.visitor = visitor};
    int err = read_document(body, scratch, on_list_member, &reading, error);
    if (err == RMQ_OK)
        *totals = reading.totals;
    return err;
}

/* ---- 300 ------------------------------------------------------------------------------------- */

struct groups_reading {
    int (*on_group)(void *ctx, struct span group);
    void *ctx;
};

static int on_group_element(struct body_reader *reader, void *ctx) {
    const struct groups_reading *reading = ctx;
    struct span group;
    int err = body_token_text_append(reader, &group);
    return err == RMQ_OK ? reading->on_group(reading->ctx, group) : err;
}

static int on_groups_member(struct body_reader *reader, void *ctx) {
    if (body_key_is(reader, "groupList"))
        return body_array(reader, on_group_element, ctx, NULL);
    return body_skip(reader);
}

int group_list_decode(struct span body, struct buf *scratch,
                      int (*on_group)(void *ctx, struct span group), void *ctx,
                      struct wire_error *error) {
    struct groups_reading reading = {on_group, ctx};
    return read_document(body, scratch, on_groups_member, &reading, error);
}

/* ---- 303 ------------------------------------------------------------------------------------- */

struct spans_reading {
    int (*each)(void *ctx, const struct consume_time_span *span);
    void *ctx;
};

static int read_queue(struct body_reader *reader, struct body_queue *out) {
    enum json_token token = json_next(&reader->json);
    if (token == JSON_NULL)
        return RMQ_OK;
    if (token != JSON_OBJECT_BEGIN)
        return body_refuse(reader, RMQ_E_INVALID, "a queue");
    return body_queue_members(reader, out);
}

static int on_span_member(struct body_reader *reader, void *ctx) {
    struct consume_time_span *span = ctx;
    if (body_key_is(reader, "messageQueue"))
        return read_queue(reader, &span->queue);
    if (body_key_is(reader, "minTimeStamp"))
        return body_i64(reader, &span->min_ms);
    if (body_key_is(reader, "maxTimeStamp"))
        return body_i64(reader, &span->max_ms);
    if (body_key_is(reader, "consumeTimeStamp"))
        return body_i64(reader, &span->consume_ms);
    if (body_key_is(reader, "delayTime"))
        return body_i64(reader, &span->delay_ms);
    return body_skip(reader);
}

static int on_span(struct body_reader *reader, void *ctx) {
    const struct spans_reading *reading = ctx;
    struct consume_time_span span = {0};
    int err = read_begun(reader, on_span_member, &span);
    return err == RMQ_OK ? reading->each(reading->ctx, &span) : err;
}

static int on_spans_member(struct body_reader *reader, void *ctx) {
    if (body_key_is(reader, "consumeTimeSpanSet"))
        return body_array(reader, on_span, ctx, NULL);
    return body_skip(reader);
}

int time_span_decode(struct span body, struct buf *scratch,
                     int (*each)(void *ctx, const struct consume_time_span *span), void *ctx,
                     struct wire_error *error) {
    struct spans_reading reading = {each, ctx};
    return read_document(body, scratch, on_spans_member, &reading, error);
}

/* ---- 321 ------------------------------------------------------------------------------------- */

struct units_reading {
    int (*each)(void *ctx, const struct queue_unit_data *unit);
    void *ctx;
    struct queue_units_info info;
};

static int on_unit_member(struct body_reader *reader, void *ctx) {
    struct queue_unit_data *unit = ctx;
    if (body_key_is(reader, "physicOffset"))
        return body_i64(reader, &unit->physic_offset);
    if (body_key_is(reader, "physicSize"))
        return body_i32(reader, &unit->physic_size);
    if (body_key_is(reader, "tagsCode"))
        return body_i64(reader, &unit->tags_code);
    if (body_key_is(reader, "eval"))
        return body_bool(reader, &unit->eval);
    if (body_key_is(reader, "msg"))
        return body_text_kept(reader, &unit->msg);
    return body_skip(reader);
}

static int on_unit(struct body_reader *reader, void *ctx) {
    const struct units_reading *reading = ctx;
    struct queue_unit_data unit = {0};
    int err = read_begun(reader, on_unit_member, &unit);
    return err == RMQ_OK ? reading->each(reading->ctx, &unit) : err;
}

static int on_units_member(struct body_reader *reader, void *ctx) {
    struct units_reading *reading = ctx;
    if (body_key_is(reader, "queueData"))
        return body_array(reader, on_unit, reading, NULL);
    if (body_key_is(reader, "minQueueIndex"))
        return body_i64(reader, &reading->info.min_index);
    if (body_key_is(reader, "maxQueueIndex"))
        return body_i64(reader, &reading->info.max_index);
    if (body_key_is(reader, "filterData"))
        return body_text_kept(reader, &reading->info.filter_data);
    return body_skip(reader);
}

int queue_units_decode(struct span body, struct buf *scratch,
                       int (*each)(void *ctx, const struct queue_unit_data *unit), void *ctx,
                       struct queue_units_info *info, struct wire_error *error) {
    struct units_reading reading = {each, ctx, {0}};
    int err = read_document(body, scratch, on_units_member, &reading, error);
    if (err == RMQ_OK)
        *info = reading.info;
    return err;
}
