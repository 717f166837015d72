/* wire/body_register_write.c - writes registration bodies. Source: namesrv.md 5.3, 5.4; captures
 * 4.9.7-broker-boot, 4.9.7-brokerbin-boot, 5.3.3-broker-boot, 5.3.3-brokercompressed-boot. */
#include "model/wire/body_config.h"
#include "model/wire/body_internal.h"

static void write_empty_object(struct json_writer *json, const char *key) {
    json_key_text(json, key);
    json_object_begin(json);
    json_object_end(json);
}

void register_body_begin(struct register_body_writer *writer, struct buf *out, bool profile_5_3,
                         const struct data_version *version,
                         const struct data_version *mapping_version) {
    struct json_writer *json = &writer->json;
    writer->profile_5_3 = profile_5_3;
    json_writer_init(json, out, JSON_STYLE_FASTJSON);
    json_object_begin(json);
    json_key_text(json, "filterServerList");
    json_array_begin(json);
    json_array_end(json);
    json_key_text(json, "topicConfigSerializeWrapper");
    json_object_begin(json);
    json_key_text(json, "dataVersion");
    data_version_write(json, version, profile_5_3);
    if (profile_5_3) {
        json_key_text(json, "mappingDataVersion");
        data_version_write(json, mapping_version, true);
    }
    json_key_text(json, "topicConfigTable");
    json_object_begin(json);
}

void register_body_topic(struct register_body_writer *writer, const struct topic_config *topic) {
    topic_config_write(&writer->json, topic, writer->profile_5_3);
}

void register_body_end(struct register_body_writer *writer) {
    struct json_writer *json = &writer->json;
    json_object_end(json);
    if (writer->profile_5_3) {
        write_empty_object(json, "topicQueueMappingDetailMap");
        write_empty_object(json, "topicQueueMappingInfoMap");
    }
    json_object_end(json);
    json_object_end(json);
}

/* ---- compressed ----------------------------------------------------------------------------- */

/* Begins a piece: room for its length, to be set by piece_end. */
static size_t piece_begin(struct buf *out) {
    buf_put_i32(out, 0);
    return out->len;
}

static void piece_end(struct buf *out, size_t start) {
    if (!buf_failed(out))
        buf_set_i32(out, start - 4, (int32_t)(out->len - start));
}

static void put_topic(struct buf *out, const struct topic_config *topic, bool profile_5_3) {
    size_t start = piece_begin(out);
    buf_put_span(out, topic->name);
    buf_put_u8(out, ' ');
    buf_put_decimal(out, topic->read_queue_nums);
    buf_put_u8(out, ' ');
    buf_put_decimal(out, topic->write_queue_nums);
    buf_put_u8(out, ' ');
    buf_put_decimal(out, topic->perm);
    buf_put_text(out, topic->multi_tag ? " MULTI_TAG" : " SINGLE_TAG");
    if (profile_5_3) {
        buf_put_u8(out, ' ');
        if (span_is_absent(topic->attributes))
            buf_put_text(out, "{}");
        else
            buf_put_span(out, topic->attributes); /* compact: without blanks, as Java's are */
    }
    piece_end(out, start);
}

static void put_parts(struct buf *out, bool profile_5_3, const struct data_version *version,
                      const struct topic_config *topics, size_t topic_count) {
    struct json_writer json;
    size_t start = piece_begin(out);
    json_writer_init(&json, out, JSON_STYLE_FASTJSON);
    data_version_write(&json, version, profile_5_3);
    piece_end(out, start);
    buf_put_i32(out, (int32_t)topic_count);
    for (size_t i = 0; i < topic_count; i++)
        put_topic(out, &topics[i], profile_5_3);
    start = piece_begin(out);
    buf_put_text(out, "[]");
    piece_end(out, start);
    if (profile_5_3)
        buf_put_i32(out, 0); /* no mappings */
}

int register_body_compress(struct env *env, struct buf *out, bool profile_5_3,
                           const struct data_version *version, const struct topic_config *topics,
                           size_t topic_count) {
    struct buf parts;
    buf_init(&parts, env);
    put_parts(&parts, profile_5_3, version, topics, topic_count);
    int err = buf_failed(&parts) ? RMQ_E_NOMEM
                                 : body_deflate(env, buf_span(&parts), BODY_DEFLATE_REGISTER, out);
    buf_deinit(&parts);
    return err;
}
