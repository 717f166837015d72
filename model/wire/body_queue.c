/* wire/body_queue.c - see body_queue.h. */
#include "model/wire/body_queue.h"

#include "model/wire/body_internal.h"

static void write_object(struct json_writer *json, const struct body_queue *queue) {
    json_object_begin(json);
    json_key_text(json, "brokerName");
    json_string(json, queue->broker_name);
    json_key_text(json, "queueId");
    json_number(json, queue->queue_id);
    json_key_text(json, "topic");
    json_string(json, queue->topic);
    json_object_end(json);
}

void body_queue_write(struct json_writer *json, const struct body_queue *queue) {
    write_object(json, queue);
}

void body_queue_key(struct json_writer *json, const struct body_queue *queue) {
    json_key_object(json);
    write_object(json, queue);
}

/* ---- reading --------------------------------------------------------------------------------- */

/* A key that is a string with the object's text is decoded, and its texts are once more. */
int body_texts_reserve(struct body_reader *reader, struct span body) {
    if (body.len <= SIZE_MAX / 2 && buf_reserve(reader->scratch, 2 * body.len) == RMQ_OK)
        return RMQ_OK;
    reader->error->expected = "memory for the texts of the body";
    return RMQ_E_NOMEM;
}

int body_text_kept(struct body_reader *reader, struct span *out) {
    if (json_next(&reader->json) == JSON_NULL)
        return RMQ_OK;
    return body_token_text_append(reader, out);
}

static int on_member(struct body_reader *reader, void *ctx) {
    struct body_queue *queue = ctx;
    if (body_key_is(reader, "brokerName"))
        return body_text_kept(reader, &queue->broker_name);
    if (body_key_is(reader, "topic"))
        return body_text_kept(reader, &queue->topic);
    if (body_key_is(reader, "queueId"))
        return body_i32(reader, &queue->queue_id);
    return body_skip(reader);
}

int body_queue_members(struct body_reader *reader, struct body_queue *out) {
    *out = (struct body_queue){.queue_id = 0};
    return body_members(reader, on_member, out);
}

/* The reader's last token is a string that holds the text of a queue. */
static int queue_in_text(struct body_reader *reader, struct body_queue *out) {
    struct span text;
    struct wire_error inner_error = {0};
    struct body_reader inner;
    int err = body_token_text_append(reader, &text);
    if (err != RMQ_OK)
        return err;
    body_reader_init(&inner, text, reader->scratch, &inner_error);
    *out = (struct body_queue){.queue_id = 0};
    err = body_document(&inner, on_member, out);
    return err == RMQ_OK ? RMQ_OK : body_refuse(reader, err, "a message queue as key");
}

int body_queue_table(struct body_reader *reader, body_queue_fn *entry, void *ctx) {
    enum json_token token = json_next(&reader->json);
    if (token == JSON_NULL)
        return RMQ_OK;
    if (token != JSON_OBJECT_BEGIN)
        return body_refuse(reader, RMQ_E_INVALID, "an object");
    while ((token = json_next(&reader->json)) == JSON_KEY_OBJECT || token == JSON_KEY) {
        struct body_queue queue;
        size_t used = reader->scratch->len;
        int err =
            token == JSON_KEY ? queue_in_text(reader, &queue) : body_queue_members(reader, &queue);
        if (err == RMQ_OK)
            err = entry(reader, ctx, &queue);
        if (err != RMQ_OK)
            return err;
        reader->scratch->len = used;
    }
    if (token != JSON_OBJECT_END)
        return body_refuse(reader, RMQ_E_INVALID, "a message queue as key");
    return RMQ_OK;
}
