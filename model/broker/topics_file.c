/* broker/topics_file.c - topics.json (store.md 10.1). */
#include "model/base/check.h"
#include "model/base/config_file.h"
#include "model/broker/topics.h"
#include "model/quirks.h"
#include "model/wire/body_config.h"
#include "model/wire/java_order.h"
#include "model/wire/message.h"

/* `mapping`: 5.3's answer to 21 has more members than the file. */
static int write_table(const struct topics *topics, struct json_writer *json, bool mapping) {
    const struct data_version version = topics_version(topics);
    bool v5 = topics->config->profile_5_3;
    size_t count = topics_count(topics);
    struct java_key *keys = env_alloc(topics->env, count * sizeof *keys);
    if (keys == NULL)
        return RMQ_E_NOMEM;
    for (size_t i = 0; i < count; i++)
        keys[i] = (struct java_key){java_string_hash(topics_at(topics, i).name), (uint32_t)i};
    int err = java_order(topics->env, keys, count, TOPIC_TABLE_BUCKETS);
    if (err == RMQ_OK) {
        json_object_begin(json);
        json_key_text(json, "dataVersion");
        data_version_write(json, &version, v5);
        if (mapping) {
            const struct data_version none = {.timestamp = topics->version_timestamp};
            json_key_text(json, "mappingDataVersion");
            data_version_write(json, &none, true);
        }
        json_key_text(json, "topicConfigTable");
        json_object_begin(json);
        for (size_t i = 0; i < count; i++) {
            struct topic_config topic = topics_at(topics, keys[i].index);
            topic_config_write(json, &topic, v5);
        }
        json_object_end(json);
        if (mapping) {
            json_key_text(json, "topicQueueMappingDetailMap");
            json_raw(json, SPAN_LITERAL("{}"));
            json_key_text(json, "topicQueueMappingInfoMap");
            json_raw(json, SPAN_LITERAL("{}"));
        }
        json_object_end(json);
    }
    env_free(topics->env, keys);
    return err;
}

static int topics_write(void *ctx, struct json_writer *json) {
    return write_table(ctx, json, false);
}

int topics_write_compact(const struct topics *topics, struct buf *out) {
    struct json_writer json;
    json_writer_init(&json, out, JSON_STYLE_FASTJSON);
    int err = write_table(topics, &json, topics->config->profile_5_3);
    return err == RMQ_OK && buf_failed(out) ? RMQ_E_NOMEM : err;
}

static int on_topic(void *ctx, const struct topic_config *topic) {
    struct topics *topics = ctx;
    if (topic->name.len <= TOPIC_NAME_MAX)
        return topics_restore(topics, topic);
    env_log(topics->env, ENV_LOG_WARN, "broker: a topic's name of %u bytes is left out",
            (unsigned)topic->name.len);
    return RMQ_OK;
}

/* Parses twice: a text that is not whole changes nothing. */
static int topics_read(void *ctx, struct span text, size_t *error_offset) {
    struct topics *topics = ctx;
    struct data_version version;
    struct wire_error error = {0};
    struct buf scratch;
    buf_init(&scratch, topics->env);
    int err = topic_table_decode(text, &scratch, NULL, NULL, &version, &error);
    if (err == RMQ_OK)
        err = topic_table_decode(text, &scratch, on_topic, topics, &version, &error);
    buf_deinit(&scratch);
    *error_offset = error.offset;
    if (err == RMQ_OK && !version.timestamp_missing)
        topics_restore_version(topics, &version);
    return err;
}

int topics_replace(struct topics *topics, struct span body) {
    struct data_version version, ours = topics_version(topics);
    struct wire_error error = {0};
    struct buf scratch;
    buf_init(&scratch, topics->env);
    int err = topic_table_decode(body, &scratch, NULL, NULL, &version, &error);
    if (err == RMQ_OK && !data_version_equal(&version, &ours)) {
        topics_clear(topics);
        err = topic_table_decode(body, &scratch, on_topic, topics, &version, &error);
        topics_restore_version(topics, &version);
        if (topics->file != NULL)
            config_file_save(topics->file);
    }
    buf_deinit(&scratch);
    return err;
}

void topics_file_init(struct config_file *file, struct topics *topics) {
    static const struct config_table TABLE = {
        .file_name = "topics.json", .write = topics_write, .read = topics_read};
    config_file_init(file, topics->env, &TABLE, topics, topics->config->config_dir,
                     quirk_on(topics->config->quirks, QUIRK_UNSYNCED_CONFIG));
    topics->file = file;
}
