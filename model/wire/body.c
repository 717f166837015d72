/* wire/body.c - the walk that all body decoders share, and data versions. */
#include <libdeflate.h>

#include "model/wire/body_internal.h"
#include "model/wire/text_append.h"

void body_reader_init(struct body_reader *reader, struct span body, struct buf *scratch,
                      struct wire_error *error) {
    json_reader_init(&reader->json, body);
    reader->scratch = scratch;
    reader->error = error;
}

int body_refuse(struct body_reader *reader, int err, const char *expected) {
    const struct json_reader *json = &reader->json;
    bool syntax = json->token == JSON_ERROR;
    reader->error->offset = json->token_offset;
    reader->error->expected = syntax ? json->expected : expected;
    return syntax ? RMQ_E_INVALID : err;
}

int body_members(struct body_reader *reader, body_step_fn *member, void *ctx) {
    while (json_next(&reader->json) == JSON_KEY) {
        int err = member(reader, ctx);
        if (err != RMQ_OK)
            return err;
    }
    if (reader->json.token != JSON_OBJECT_END)
        return body_refuse(reader, RMQ_E_INVALID, "a member name");
    return RMQ_OK;
}

int body_object(struct body_reader *reader, body_step_fn *member, void *ctx, bool *present) {
    enum json_token token = json_next(&reader->json);
    if (present != NULL)
        *present = token == JSON_OBJECT_BEGIN;
    if (token == JSON_NULL)
        return RMQ_OK;
    if (token != JSON_OBJECT_BEGIN)
        return body_refuse(reader, RMQ_E_INVALID, "an object");
    return body_members(reader, member, ctx);
}

int body_array(struct body_reader *reader, body_step_fn *element, void *ctx, bool *present) {
    enum json_token token = json_next(&reader->json);
    if (present != NULL)
        *present = token == JSON_ARRAY_BEGIN;
    if (token == JSON_NULL)
        return RMQ_OK;
    if (token != JSON_ARRAY_BEGIN)
        return body_refuse(reader, RMQ_E_INVALID, "an array");
    while ((token = json_next(&reader->json)) != JSON_ARRAY_END) {
        if (token == JSON_ERROR)
            return body_refuse(reader, RMQ_E_INVALID, "a value");
        int err = element(reader, ctx);
        if (err != RMQ_OK)
            return err;
    }
    return RMQ_OK;
}

int body_document(struct body_reader *reader, body_step_fn *member, void *ctx) {
    bool present;
    int err = body_object(reader, member, ctx, &present);
    if (err != RMQ_OK)
        return err;
    if (!present)
        return body_refuse(reader, RMQ_E_INVALID, "an object");
    if (json_next(&reader->json) != JSON_END)
        return body_refuse(reader, RMQ_E_INVALID, "nothing after the document");
    return RMQ_OK;
}

bool body_key_is(const struct body_reader *reader, const char *name) {
    return json_text_equals(&reader->json, span_of_text(name));
}

int body_skip(struct body_reader *reader) {
    int err = json_skip(&reader->json);
    return err == RMQ_OK ? RMQ_OK : body_refuse(reader, err, "a value");
}

int body_token_text(struct body_reader *reader, struct span *out) {
    enum json_token token = reader->json.token;
    if (token != JSON_STRING && token != JSON_KEY)
        return body_refuse(reader, RMQ_E_INVALID, "a string");
    int err = json_text(&reader->json, reader->scratch, out);
    return err == RMQ_OK ? RMQ_OK : body_refuse(reader, err, "valid escapes");
}

int body_token_text_append(struct body_reader *reader, struct span *out) {
    enum json_token token = reader->json.token;
    if (token != JSON_STRING && token != JSON_KEY)
        return body_refuse(reader, RMQ_E_INVALID, "a string");
    int err = text_append(&reader->json, reader->scratch, out);
    return err == RMQ_OK ? RMQ_OK : body_refuse(reader, err, "valid escapes");
}

int body_text(struct body_reader *reader, struct span *out) {
    if (json_next(&reader->json) == JSON_NULL)
        return RMQ_OK;
    return body_token_text(reader, out);
}

/* The next token is a number, or a string that may hold one; null gives false. */
static int next_number(struct body_reader *reader, bool *present) {
    enum json_token token = json_next(&reader->json);
    *present = token != JSON_NULL;
    if (token == JSON_NUMBER || token == JSON_STRING || token == JSON_NULL)
        return RMQ_OK;
    return body_refuse(reader, RMQ_E_INVALID, "an integer");
}

int body_i32(struct body_reader *reader, int32_t *out) {
    bool present;
    int err = next_number(reader, &present);
    if (err != RMQ_OK || !present)
        return err;
    err = json_i32(&reader->json, out);
    return err == RMQ_OK ? RMQ_OK : body_refuse(reader, err, "a 32-bit integer");
}

int body_i64(struct body_reader *reader, int64_t *out) {
    bool present;
    int err = next_number(reader, &present);
    if (err != RMQ_OK || !present)
        return err;
    err = json_i64(&reader->json, out);
    return err == RMQ_OK ? RMQ_OK : body_refuse(reader, err, "a 64-bit integer");
}

int body_bool(struct body_reader *reader, bool *out) {
    switch (json_next(&reader->json)) {
    case JSON_TRUE:
        *out = true;
        return RMQ_OK;
    case JSON_FALSE:
        *out = false;
        return RMQ_OK;
    case JSON_NULL:
        return RMQ_OK;
    case JSON_STRING: /* fastjson takes the words as strings, too */
        if (!json_text_equals(&reader->json, SPAN_LITERAL("true")) &&
            !json_text_equals(&reader->json, SPAN_LITERAL("false")))
            break;
        *out = json_text_equals(&reader->json, SPAN_LITERAL("true"));
        return RMQ_OK;
    default:
        break;
    }
    return body_refuse(reader, RMQ_E_INVALID, "true or false");
}

/* Whether the last token's escapes, if it has any, can be decoded. */
static int check_escapes(struct body_reader *reader) {
    struct buf own; /* scratch belongs to another text */
    struct span text;
    if (!reader->json.escaped)
        return RMQ_OK;
    buf_init(&own, reader->scratch->env);
    int err = json_text(&reader->json, &own, &text);
    buf_deinit(&own);
    return err == RMQ_OK ? RMQ_OK : body_refuse(reader, err, "valid escapes");
}

int body_raw(struct body_reader *reader, struct span *out) {
    struct json_reader *json = &reader->json;
    size_t depth = json->depth, tokens = 0;
    enum json_token token = json_next(json);
    size_t start = json->token_offset;
    bool reference = false;
    *out = SPAN_NONE;
    if (token == JSON_NULL)
        return RMQ_OK;
    if (token != JSON_OBJECT_BEGIN && token != JSON_ARRAY_BEGIN)
        return body_refuse(reader, RMQ_E_INVALID, "an object or an array");
    while (json->depth > depth) {
        token = json_next(json);
        if (token == JSON_ERROR || token == JSON_END)
            return body_refuse(reader, RMQ_E_INVALID, "a value");
        if (json->depth > depth + JSON_COPY_DEPTH_MAX)
            return body_refuse(reader, RMQ_E_LIMIT, "a value that is not so deep");
        if (token == JSON_STRING || token == JSON_KEY) { /* what json_copy will decode */
            int err = check_escapes(reader);
            if (err != RMQ_OK)
                return err;
        }
        reference |= tokens++ == 0 && token == JSON_KEY && body_key_is(reader, "$ref");
    }
    if (tokens > 1 && !reference)
        *out = span_of(json->text.data + start, json->offset - start);
    return RMQ_OK;
}

void body_raw_write(struct json_writer *json, const char *key, struct span value,
                    const char *otherwise) {
    struct json_reader reader;
    json_key_text(json, key);
    if (span_is_absent(value)) {
        json_raw(json, span_of_text(otherwise));
        return;
    }
    json_reader_init(&reader, value);
    int err = json_copy(&reader, json);
    RMQ_ASSERT(err == RMQ_OK || buf_failed(json->out)); /* body_raw has read it */
}

/* ---- data versions -------------------------------------------------------------------------- */

void data_version_init(struct data_version *version) {
    *version = (struct data_version){.timestamp_missing = true};
}

bool data_version_equal(const struct data_version *a, const struct data_version *b) {
    if (a->timestamp_missing || b->timestamp_missing || a->counter_null != b->counter_null)
        return false;
    return a->timestamp == b->timestamp && a->state_version == b->state_version &&
           (a->counter_null || a->counter == b->counter);
}

static int on_version_member(struct body_reader *reader, void *ctx) {
    struct data_version *version = ctx;
    int err;
    if (body_key_is(reader, "timestamp")) {
        err = body_i64(reader, &version->timestamp);
        if (reader->json.token != JSON_NULL)
            version->timestamp_missing = false;
        return err;
    }
    if (body_key_is(reader, "counter")) {
        err = body_i64(reader, &version->counter);
        version->counter_null = reader->json.token == JSON_NULL;
        if (version->counter_null)
            version->counter = 0;
        return err;
    }
    if (body_key_is(reader, "stateVersion"))
        return body_i64(reader, &version->state_version);
    return body_skip(reader);
}

int body_data_version(struct body_reader *reader, struct data_version *out) {
    bool present;
    struct data_version version;
    data_version_init(&version);
    int err = body_object(reader, on_version_member, &version, &present);
    if (err != RMQ_OK)
        return err;
    if (!present)
        return body_refuse(reader, RMQ_E_INVALID, "a data version");
    *out = version;
    return RMQ_OK;
}

int data_version_decode(struct span body, struct data_version *out, struct wire_error *error) {
    struct body_reader reader;
    struct data_version version;
    data_version_init(&version);
    body_reader_init(&reader, body, NULL, error); /* no text is taken, so no scratch */
    int err = body_document(&reader, on_version_member, &version);
    if (err == RMQ_OK)
        *out = version;
    return err;
}

void data_version_write(struct json_writer *writer, const struct data_version *version,
                        bool with_state_version) {
    json_object_begin(writer);
    if (!version->counter_null) {
        json_key_text(writer, "counter");
        json_number(writer, version->counter);
    }
    if (with_state_version) {
        json_key_text(writer, "stateVersion");
        json_number(writer, version->state_version);
    }
    json_key_text(writer, "timestamp");
    json_number(writer, version->timestamp);
    json_object_end(writer);
}

int32_t wire_crc32(struct span bytes) {
    return (int32_t)(libdeflate_crc32(0, bytes.data, bytes.len) & 0x7FFFFFFF);
}
