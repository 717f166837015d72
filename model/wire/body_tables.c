/* wire/body_tables.c - reads KV tables and topic lists. Source: wire.md 25.3, 25.4. */
#include "model/wire/body_internal.h"

struct pairs {
    int (*on_pair)(void *ctx, struct span key, struct span value);
    void *ctx;
};

/* Makes room for the unescaped key and value, which are there together. */
static int on_entry(struct body_reader *reader, void *ctx) {
    const struct pairs *pairs = ctx;
    struct span key;
    struct span value = SPAN_NONE;
    buf_clear(reader->scratch);
    if (reader->json.escaped && buf_reserve(reader->scratch, reader->json.raw.len) != RMQ_OK)
        return body_refuse(reader, RMQ_E_NOMEM, "memory");
    int err = body_token_text_append(reader, &key);
    if (err != RMQ_OK)
        return err;
    bool key_moved = reader->json.escaped;
    if (json_next(&reader->json) == JSON_NULL)
        return pairs->on_pair(pairs->ctx, key, SPAN_NONE);
    if (reader->json.token == JSON_STRING && reader->json.escaped) {
        if (buf_reserve(reader->scratch, reader->json.raw.len) != RMQ_OK)
            return body_refuse(reader, RMQ_E_NOMEM, "memory");
        if (key_moved)
            key.data = reader->scratch->data;
    }
    err = body_token_text_append(reader, &value);
    return err == RMQ_OK ? pairs->on_pair(pairs->ctx, key, value) : err;
}

static int on_table_member(struct body_reader *reader, void *ctx) {
    if (body_key_is(reader, "table"))
        return body_object(reader, on_entry, ctx, NULL);
    return body_skip(reader);
}

int kv_table_decode(struct span body, struct buf *scratch,
                    int (*on_pair)(void *ctx, struct span key, struct span value), void *ctx,
                    struct wire_error *error) {
    struct body_reader reader;
    struct pairs pairs = {on_pair, ctx};
    body_reader_init(&reader, body, scratch, error);
    return body_document(&reader, on_table_member, &pairs);
}

struct topics {
    int (*on_topic)(void *ctx, struct span topic);
    void *ctx;
};

static int on_element(struct body_reader *reader, void *ctx) {
    const struct topics *topics = ctx;
    struct span topic;
    int err = body_token_text(reader, &topic);
    return err == RMQ_OK ? topics->on_topic(topics->ctx, topic) : err;
}

static int on_list_member(struct body_reader *reader, void *ctx) {
    if (body_key_is(reader, "topicList"))
        return body_array(reader, on_element, ctx, NULL);
    return body_skip(reader);
}

int topic_list_decode(struct span body, struct buf *scratch,
                      int (*on_topic)(void *ctx, struct span topic), void *ctx,
                      struct wire_error *error) {
    struct body_reader reader;
    struct topics topics = {on_topic, ctx};
    body_reader_init(&reader, body, scratch, error);
    return body_document(&reader, on_list_member, &topics);
}
