/* wire/body_register.c - reads registration bodies in all forms.
 *
 * Source: namesrv.md 5.3, 5.4; RegisterBrokerBody.java. A missing filterServerList is Java's empty
 * list; only an explicit null means "leave the filter table alone". */
#include "model/wire/body_internal.h"
#include "model/wire/body_queue.h"

struct decoding {
    const struct register_body_visitor *visitor;
    struct register_body_info *info;
};

static void topic_init(struct topic_config *topic) {
    *topic = (struct topic_config){.read_queue_nums = 16, .write_queue_nums = 16, .perm = 6};
}

static int give_topic(const struct register_body_visitor *visitor,
                      const struct topic_config *topic) {
    return visitor->on_topic == NULL ? RMQ_OK : visitor->on_topic(visitor->ctx, topic);
}

/* ---- JSON ----------------------------------------------------------------------------------- */

/* The filter type, or null; an unknown one is Java's null, which means single. */
static int read_filter_type(struct body_reader *reader, bool *multi_tag) {
    enum json_token token = json_next(&reader->json);
    if (token != JSON_STRING && token != JSON_NULL)
        return body_refuse(reader, RMQ_E_INVALID, "a topic filter type");
    *multi_tag = token == JSON_STRING && json_text_equals(&reader->json, SPAN_LITERAL("MULTI_TAG"));
    return RMQ_OK;
}

static int on_topic_member(struct body_reader *reader, void *ctx) {
    struct topic_config *topic = ctx;
    if (body_key_is(reader, "order"))
        return body_bool(reader, &topic->order);
    if (body_key_is(reader, "perm"))
        return body_i32(reader, &topic->perm);
    if (body_key_is(reader, "readQueueNums"))
        return body_i32(reader, &topic->read_queue_nums);
    if (body_key_is(reader, "topicFilterType"))
        return read_filter_type(reader, &topic->multi_tag);
    if (body_key_is(reader, "topicName"))
        return body_text(reader, &topic->name); /* the only text: it has scratch for itself */
    if (body_key_is(reader, "topicSysFlag"))
        return body_i32(reader, &topic->sys_flag);
    if (body_key_is(reader, "writeQueueNums"))
        return body_i32(reader, &topic->write_queue_nums);
    if (body_key_is(reader, "attributes"))
        return body_raw(reader, &topic->attributes);
    return body_skip(reader);
}

int body_topic_members(struct body_reader *reader, struct topic_config *out) {
    topic_init(out);
    int err = body_members(reader, on_topic_member, out);
    if (err == RMQ_OK && out->name.len == 0)
        return body_refuse(reader, RMQ_E_MISSING, "a topicName in the topic");
    return err;
}

int body_topic_config(struct body_reader *reader, struct topic_config *out) {
    topic_init(out);
    int err = body_object(reader, on_topic_member, out, NULL);
    if (err == RMQ_OK && out->name.len == 0)
        return body_refuse(reader, RMQ_E_MISSING, "a topicName in the topic");
    return err;
}

int topic_config_decode(struct span body, struct buf *scratch, struct topic_config *out,
                        struct wire_error *error) {
    struct body_reader reader;
    body_reader_init(&reader, body, scratch, error);
    buf_clear(scratch);
    int err = body_texts_reserve(&reader, body);
    if (err == RMQ_OK)
        err = body_topic_config(&reader, out);
    if (err == RMQ_OK && json_next(&reader.json) != JSON_END)
        err = body_refuse(&reader, RMQ_E_INVALID, "nothing after the topic");
    return err;
}

/* The map's key is the name again and not looked at. */
static int on_table_entry(struct body_reader *reader, void *ctx) {
    struct decoding *decoding = ctx;
    struct topic_config topic;
    int err = body_topic_config(reader, &topic);
    return err == RMQ_OK ? give_topic(decoding->visitor, &topic) : err;
}

static int on_mapping(struct body_reader *reader, void *ctx) {
    struct decoding *decoding = ctx;
    decoding->info->has_mappings = true;
    return body_skip(reader);
}

static int on_wrapper_member(struct body_reader *reader, void *ctx) {
    struct decoding *decoding = ctx;
    if (body_key_is(reader, "dataVersion"))
        return body_data_version(reader, &decoding->info->version);
    if (body_key_is(reader, "topicConfigTable"))
        return body_object(reader, on_table_entry, decoding, NULL);
    if (body_key_is(reader, "topicQueueMappingInfoMap"))
        return body_object(reader, on_mapping, decoding, NULL);
    return body_skip(reader);
}

static int on_filter_server(struct body_reader *reader, void *ctx) {
    const struct register_body_visitor *visitor = ctx;
    struct span address;
    int err = body_token_text(reader, &address);
    if (err != RMQ_OK || visitor->on_filter_server == NULL)
        return err;
    return visitor->on_filter_server(visitor->ctx, address);
}

static int on_body_member(struct body_reader *reader, void *ctx) {
    struct decoding *decoding = ctx;
    if (body_key_is(reader, "filterServerList"))
        return body_array(reader, on_filter_server, (void *)decoding->visitor,
                          &decoding->info->has_filter_servers);
    if (body_key_is(reader, "topicConfigSerializeWrapper"))
        return body_object(reader, on_wrapper_member, decoding, NULL);
    return body_skip(reader);
}

/* ---- the compressed form, inflated ---------------------------------------------------------- */

struct parts_reader {
    struct span all;
    struct span_reader at;
    struct wire_error *error;
};

static size_t parts_offset(const struct parts_reader *parts) {
    return parts->all.len - parts->at.rest.len;
}

static int parts_refuse(struct parts_reader *parts, size_t offset, const char *expected) {
    parts->error->offset = offset;
    parts->error->expected = expected;
    return RMQ_E_INVALID;
}

static int parts_count(struct parts_reader *parts, int32_t *count, const char *expected) {
    size_t offset = parts_offset(parts);
    *count = read_i32(&parts->at);
    return parts->at.failed || *count < 0 ? parts_refuse(parts, offset, expected) : RMQ_OK;
}

/* i32 length and that many bytes; `expected` says of what. */
static int parts_piece(struct parts_reader *parts, struct span *piece, const char *expected) {
    int32_t len;
    size_t offset = parts_offset(parts);
    int err = parts_count(parts, &len, expected);
    if (err != RMQ_OK)
        return err;
    *piece = read_span(&parts->at, (size_t)len);
    return parts->at.failed ? parts_refuse(parts, offset, expected) : RMQ_OK;
}

/* Takes the text up to the next blank (or the end) from the front of *text. */
static struct span take_word(struct span *text) {
    const uint8_t *blank = text->len == 0 ? NULL : memchr(text->data, ' ', text->len);
    size_t len = blank == NULL ? text->len : (size_t)(blank - text->data);
    struct span word = span_of(text->data, len);
    *text = span_from(*text, blank == NULL ? len : len + 1);
    return word;
}

/* Attributes are not read from this form. "name readQueueNums writeQueueNums perm topicFilterType
 * [attributes]". Differs: 4.9's reader
 * fails on the sixth field that 5.3 sends. */
static bool parse_topic(struct span text, struct topic_config *topic) {
    topic_init(topic);
    topic->name = take_word(&text);
    if (topic->name.len == 0 || span_to_i32(take_word(&text), &topic->read_queue_nums) != RMQ_OK ||
        span_to_i32(take_word(&text), &topic->write_queue_nums) != RMQ_OK ||
        span_to_i32(take_word(&text), &topic->perm) != RMQ_OK)
        return false;
    struct span type = take_word(&text);
    topic->multi_tag = span_equal(type, SPAN_LITERAL("MULTI_TAG"));
    return topic->multi_tag || span_equal(type, SPAN_LITERAL("SINGLE_TAG"));
}

static int decode_topics(struct parts_reader *parts, const struct register_body_visitor *visitor) {
    int32_t count;
    int err = parts_count(parts, &count, "a topic count");
    for (int32_t i = 0; i < count && err == RMQ_OK; i++) {
        struct span text;
        struct topic_config topic;
        size_t offset = parts_offset(parts);
        err = parts_piece(parts, &text, "a topic");
        if (err != RMQ_OK)
            return err;
        if (!parse_topic(text, &topic))
            return parts_refuse(parts, offset, "a topic of at least five fields");
        err = give_topic(visitor, &topic);
    }
    return err;
}

static int decode_filter_servers(struct parts_reader *parts, struct buf *scratch,
                                 const struct register_body_visitor *visitor, bool *present) {
    struct span text;
    int err = parts_piece(parts, &text, "filter servers");
    if (err != RMQ_OK)
        return err;
    size_t start = (size_t)(text.data - parts->all.data);
    struct body_reader reader;
    body_reader_init(&reader, text, scratch, parts->error);
    err = body_array(&reader, on_filter_server, (void *)visitor, present);
    if (err == RMQ_OK && json_next(&reader.json) != JSON_END)
        err = body_refuse(&reader, RMQ_E_INVALID, "nothing after the filter servers");
    if (err != RMQ_OK)
        parts->error->offset += start;
    return err;
}

static int decode_mappings(struct parts_reader *parts, bool *present) {
    int32_t count;
    int err = parts_count(parts, &count, "a mapping count");
    *present = err == RMQ_OK && count > 0;
    for (int32_t i = 0; i < count && err == RMQ_OK; i++) {
        struct span ignored;
        err = parts_piece(parts, &ignored, "a mapping");
    }
    return err;
}

static int decode_parts(struct parts_reader *parts, struct buf *scratch, int32_t request_version,
                        const struct decoding *decoding) {
    struct span text;
    int err = parts_piece(parts, &text, "a data version");
    if (err != RMQ_OK)
        return err;
    err = data_version_decode(text, &decoding->info->version, parts->error);
    if (err != RMQ_OK) {
        parts->error->offset += (size_t)(text.data - parts->all.data);
        return err;
    }
    err = decode_topics(parts, decoding->visitor);
    if (err == RMQ_OK)
        err = decode_filter_servers(parts, scratch, decoding->visitor,
                                    &decoding->info->has_filter_servers);
    if (err == RMQ_OK && request_version >= WIRE_VERSION_5_0_0)
        err = decode_mappings(parts, &decoding->info->has_mappings);
    return err;
}

static int decode_compressed(struct env *env, struct span body, struct buf *scratch,
                             int32_t request_version, const struct decoding *decoding,
                             struct wire_error *error) {
    struct buf plain;
    buf_init(&plain, env);
    int err = body_inflate(env, body, &plain, error);
    if (err == RMQ_OK) {
        struct parts_reader parts = {
            .all = buf_span(&plain), .at = {.rest = buf_span(&plain)}, .error = error};
        err = decode_parts(&parts, scratch, request_version, decoding);
    }
    buf_deinit(&plain);
    return err;
}

/* ---- both ----------------------------------------------------------------------------------- */

#define ZLIB_FIRST_BYTE 0x78

int register_body_decode(struct env *env, struct span body, enum register_body_form form,
                         int32_t request_version, const struct register_body_visitor *visitor,
                         struct register_body_info *info, struct wire_error *error) {
    struct register_body_info found = {.has_filter_servers = form != REGISTER_BODY_TABLE_ONLY};
    struct decoding decoding = {visitor, &found};
    data_version_init(&found.version);
    if (form == REGISTER_BODY_JSON && body.len > 0 && body.data[0] == ZLIB_FIRST_BYTE)
        form = REGISTER_BODY_ZLIB;

    struct buf scratch;
    struct body_reader reader;
    buf_init(&scratch, env);
    body_reader_init(&reader, body, &scratch, error);
    int err = RMQ_OK;
    if (body.len == 0)
        found.version.timestamp_missing = false; /* Java then sets both members to 0 */
    else if (form == REGISTER_BODY_ZLIB)
        err = decode_compressed(env, body, &scratch, request_version, &decoding, error);
    else
        err = body_document(&reader,
                            form == REGISTER_BODY_TABLE_ONLY ? on_wrapper_member : on_body_member,
                            &decoding);
    buf_deinit(&scratch);
    if (err == RMQ_OK)
        *info = found;
    return err;
}
