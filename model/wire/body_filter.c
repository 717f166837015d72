/* wire/body_filter.c - see body_filter.h. */
#include "model/wire/body_filter.h"

#include "model/wire/body_internal.h"

struct decoding {
    int (*each)(void *ctx, const struct filter_data *data);
    void *ctx;
    struct filter_data data;
};

/* Next value: a text beside those that scratch has; null leaves *out alone. */
static int read_text(struct body_reader *reader, struct span *out) {
    enum json_token token = json_next(&reader->json);
    if (token == JSON_NULL)
        return RMQ_OK;
    if (token != JSON_STRING)
        return body_refuse(reader, RMQ_E_INVALID, "a string");
    return body_token_text_append(reader, out);
}

static int on_bit(struct body_reader *reader, void *ctx) {
    struct filter_bits *bits = ctx;
    int32_t at;
    int err = json_i32(&reader->json, &at);
    if (err != RMQ_OK)
        return body_refuse(reader, err, "an integer");
    if (bits->count < FILTER_BITS_MAX)
        bits->at[bits->count] = at;
    bits->count++;
    return RMQ_OK;
}

static int on_bits_member(struct body_reader *reader, void *ctx) {
    struct filter_bits *bits = ctx;
    if (body_key_is(reader, "bitNum"))
        return body_i32(reader, &bits->bits);
    if (body_key_is(reader, "bitPos"))
        return body_array(reader, on_bit, bits, NULL);
    return body_skip(reader);
}

static int on_data_member(struct body_reader *reader, void *ctx) {
    struct filter_data *data = &((struct decoding *)ctx)->data;
    if (body_key_is(reader, "topic"))
        return read_text(reader, &data->topic);
    if (body_key_is(reader, "consumerGroup"))
        return read_text(reader, &data->group);
    if (body_key_is(reader, "expression"))
        return read_text(reader, &data->expression);
    if (body_key_is(reader, "expressionType"))
        return read_text(reader, &data->type);
    if (body_key_is(reader, "clientVersion"))
        return body_i64(reader, &data->version);
    if (body_key_is(reader, "bornTime"))
        return body_i64(reader, &data->born_ms);
    if (body_key_is(reader, "deadTime"))
        return body_i64(reader, &data->dead_ms);
    if (body_key_is(reader, "bloomFilterData"))
        return body_object(reader, on_bits_member, &data->bits, NULL);
    return body_skip(reader);
}

static int on_group(struct body_reader *reader, void *ctx) {
    struct decoding *decoding = ctx;
    const struct filter_data *data = &decoding->data;
    decoding->data = (struct filter_data){0};
    buf_clear(reader->scratch);
    int err = body_object(reader, on_data_member, decoding, NULL);
    bool whole = data->topic.len > 0 && data->group.len > 0 && data->expression.len > 0 &&
                 data->type.len > 0;
    if (err != RMQ_OK || !whole || decoding->each == NULL)
        return err;
    return decoding->each(decoding->ctx, data);
}

static int on_topic_member(struct body_reader *reader, void *ctx) {
    if (body_key_is(reader, "groupFilterData"))
        return body_object(reader, on_group, ctx, NULL);
    return body_skip(reader);
}

static int on_topic(struct body_reader *reader, void *ctx) {
    return body_object(reader, on_topic_member, ctx, NULL);
}

static int on_member(struct body_reader *reader, void *ctx) {
    if (body_key_is(reader, "filterDataByTopic"))
        return body_object(reader, on_topic, ctx, NULL);
    return body_skip(reader);
}

int filter_table_decode(struct span body, struct buf *scratch,
                        int (*each)(void *ctx, const struct filter_data *data), void *ctx,
                        struct wire_error *error) {
    struct body_reader reader;
    struct decoding decoding = {.each = each, .ctx = ctx};
    if (buf_reserve(scratch, body.len) != RMQ_OK)
        return RMQ_E_NOMEM;
    body_reader_init(&reader, body, scratch, error);
    return body_document(&reader, on_member, &decoding);
}

void filter_data_write(struct json_writer *json, const struct filter_data *data) {
    json_key(json, data->group);
    json_object_begin(json);
    if (data->bits.bits > 0) {
        json_key_text(json, "bloomFilterData");
        json_object_begin(json);
        json_key_text(json, "bitNum");
        json_number(json, data->bits.bits);
        json_key_text(json, "bitPos");
        json_array_begin(json);
        for (uint32_t i = 0; i < data->bits.count; i++)
            json_number(json, data->bits.at[i]);
        json_array_end(json);
        json_object_end(json);
    }
    json_key_text(json, "bornTime");
    json_number(json, data->born_ms);
    json_key_text(json, "clientVersion");
    json_number(json, data->version);
    json_key_text(json, "consumerGroup");
    json_string(json, data->group);
    json_key_text(json, "dead");
    json_bool(json, filter_is_dead(data));
    json_key_text(json, "deadTime");
    json_number(json, data->dead_ms);
    json_key_text(json, "expression");
    json_string(json, data->expression);
    json_key_text(json, "expressionType");
    json_string(json, data->type);
    json_key_text(json, "topic");
    json_string(json, data->topic);
    json_object_end(json);
}
