/* base/json_copy.c - hands a value from a reader to a writer, token by token. */
#include "model/base/check.h"
#include "model/base/json.h"

static int copy_text(const struct json_reader *reader, struct json_writer *writer,
                     struct buf *scratch, void (*write)(struct json_writer *, struct span)) {
    struct span text;
    int err = json_text(reader, scratch, &text);
    if (err == RMQ_OK)
        write(writer, text);
    return err;
}

/* Bare numeric keys stay numbers. */
static int copy_key(const struct json_reader *reader, struct json_writer *writer,
                    struct buf *scratch) {
    int64_t number;
    bool bare = reader->text.data[reader->token_offset] != '"';
    if (bare && json_i64(reader, &number) == RMQ_OK) {
        json_key_i64(writer, number);
        return RMQ_OK;
    }
    return copy_text(reader, writer, scratch, json_key);
}

static int copy_token(struct json_reader *reader, struct json_writer *writer, struct buf *scratch) {
    switch (reader->token) {
    case JSON_OBJECT_BEGIN:
        json_object_begin(writer);
        return RMQ_OK;
    case JSON_KEY_OBJECT:
        json_key_object(writer);
        json_object_begin(writer);
        return RMQ_OK;
    case JSON_OBJECT_END:
        json_object_end(writer);
        return RMQ_OK;
    case JSON_ARRAY_BEGIN:
        json_array_begin(writer);
        return RMQ_OK;
    case JSON_ARRAY_END:
        json_array_end(writer);
        return RMQ_OK;
    case JSON_KEY:
        return copy_key(reader, writer, scratch);
    case JSON_STRING:
        return copy_text(reader, writer, scratch, json_string);
    case JSON_NUMBER:
        json_raw(writer, reader->raw);
        return RMQ_OK;
    case JSON_TRUE:
    case JSON_FALSE:
        json_bool(writer, reader->token == JSON_TRUE);
        return RMQ_OK;
    case JSON_NULL:
        json_null(writer);
        return RMQ_OK;
    case JSON_END:
    case JSON_ERROR:
        break;
    }
    return reader->token == JSON_ERROR ? reader->error : RMQ_E_INVALID;
}

int json_copy(struct json_reader *reader, struct json_writer *writer) {
    struct buf scratch;
    size_t depth = reader->depth;
    int err = RMQ_OK;
    buf_init(&scratch, writer->out->env);
    do {
        json_next(reader);
        if (reader->depth > depth + JSON_COPY_DEPTH_MAX)
            err = RMQ_E_LIMIT;
        else
            err = copy_token(reader, writer, &scratch);
    } while (err == RMQ_OK && reader->depth > depth);
    buf_deinit(&scratch);
    return err == RMQ_OK && buf_failed(writer->out) ? RMQ_E_NOMEM : err;
}
