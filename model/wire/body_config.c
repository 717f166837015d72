/* wire/body_config.c - see body_config.h. */
#include "model/wire/body_config.h"

#include "model/wire/body_internal.h"

struct decoding {
    int (*on_topic)(void *ctx, const struct topic_config *topic);
    int (*on_group)(void *ctx, const struct group *group);
    int (*on_offset)(void *ctx, struct span key, int32_t queue_id, int64_t offset);
    int (*on_level)(void *ctx, int32_t level, int64_t offset);
    void *ctx;
    struct data_version *version;
    struct span key; /* of the offsets being read */
};

static int decode(struct span body, struct buf *scratch, body_step_fn *member,
                  struct decoding *decoding, struct wire_error *error) {
    struct body_reader reader;
    body_reader_init(&reader, body, scratch, error);
    data_version_init(decoding->version);
    return body_document(&reader, member, decoding);
}

/* A null counts as absent. */
static int read_version(struct body_reader *reader, const struct decoding *decoding) {
    struct json_reader place = reader->json;
    if (json_next(&reader->json) == JSON_NULL)
        return RMQ_OK;
    reader->json = place;
    return body_data_version(reader, decoding->version);
}

/* ---- topics ---------------------------------------------------------------------------------- */

static int on_topic(struct body_reader *reader, void *ctx) {
    const struct decoding *decoding = ctx;
    struct topic_config topic;
    int err = body_topic_config(reader, &topic);
    if (err != RMQ_OK || decoding->on_topic == NULL)
        return err;
    return decoding->on_topic(decoding->ctx, &topic);
}

static int on_topics_member(struct body_reader *reader, void *ctx) {
    struct decoding *decoding = ctx;
    if (body_key_is(reader, "dataVersion"))
        return read_version(reader, decoding);
    if (body_key_is(reader, "topicConfigTable"))
        return body_object(reader, on_topic, decoding, NULL);
    return body_skip(reader);
}

int topic_table_decode(struct span body, struct buf *scratch,
                       int (*each)(void *ctx, const struct topic_config *topic), void *ctx,
                       struct data_version *version, struct wire_error *error) {
    struct decoding decoding = {.on_topic = each, .ctx = ctx, .version = version};
    return decode(body, scratch, on_topics_member, &decoding, error);
}

static int on_listed_topic(struct body_reader *reader, void *ctx) {
    const struct decoding *decoding = ctx;
    struct topic_config topic;
    if (reader->json.token != JSON_OBJECT_BEGIN)
        return body_refuse(reader, RMQ_E_INVALID, "a topic");
    int err = body_topic_members(reader, &topic);
    return err == RMQ_OK ? decoding->on_topic(decoding->ctx, &topic) : err;
}

static int on_topic_list_member(struct body_reader *reader, void *ctx) {
    if (body_key_is(reader, "topicConfigList"))
        return body_array(reader, on_listed_topic, ctx, NULL);
    return body_skip(reader);
}

int topic_configs_decode(struct span body, struct buf *scratch,
                         int (*each)(void *ctx, const struct topic_config *topic), void *ctx,
                         struct wire_error *error) {
    struct body_reader reader;
    struct decoding decoding = {.on_topic = each, .ctx = ctx};
    body_reader_init(&reader, body, scratch, error);
    return body_document(&reader, on_topic_list_member, &decoding);
}

/* ---- groups ---------------------------------------------------------------------------------- */

void group_default(struct group *group, struct span name) {
    *group = (struct group){.name = name,
                            .consume_enable = true,
                            .consume_from_min_enable = true,
                            .consume_broadcast_enable = true,
                            .notify_ids_changed = true,
                            .retry_queues = 1,
                            .retry_max = 16,
                            .consume_timeout_min = 15,
                            .slow_broker_id = 1};
}

static bool comes(struct json_reader *json, enum json_token token) {
    return json_next(json) == token;
}

/* What every group of 5.3 has unless somebody changed it counts as absent. */
static bool is_customized(struct span policy) {
    struct json_reader json;
    json_reader_init(&json, policy);
    return comes(&json, JSON_OBJECT_BEGIN) && comes(&json, JSON_KEY) &&
           json_text_equals(&json, SPAN_LITERAL("type")) && comes(&json, JSON_STRING) &&
           json_text_equals(&json, SPAN_LITERAL("CUSTOMIZED")) && comes(&json, JSON_OBJECT_END);
}

static int read_retry_policy(struct body_reader *reader, struct span *out) {
    int err = body_raw(reader, out);
    if (err == RMQ_OK && is_customized(*out))
        *out = SPAN_NONE;
    return err;
}

static int on_group_member(struct body_reader *reader, void *ctx) {
    struct group *group = ctx;
    if (body_key_is(reader, "brokerId"))
        return body_i64(reader, &group->broker_id);
    if (body_key_is(reader, "consumeBroadcastEnable"))
        return body_bool(reader, &group->consume_broadcast_enable);
    if (body_key_is(reader, "consumeEnable"))
        return body_bool(reader, &group->consume_enable);
    if (body_key_is(reader, "consumeFromMinEnable"))
        return body_bool(reader, &group->consume_from_min_enable);
    if (body_key_is(reader, "consumeMessageOrderly"))
        return body_bool(reader, &group->consume_orderly);
    if (body_key_is(reader, "consumeTimeoutMinute"))
        return body_i32(reader, &group->consume_timeout_min);
    if (body_key_is(reader, "groupName"))
        return body_text(reader, &group->name); /* the only text: it has scratch for itself */
    if (body_key_is(reader, "groupSysFlag"))
        return body_i32(reader, &group->sys_flag);
    if (body_key_is(reader, "notifyConsumerIdsChangedEnable"))
        return body_bool(reader, &group->notify_ids_changed);
    if (body_key_is(reader, "retryMaxTimes"))
        return body_i32(reader, &group->retry_max);
    if (body_key_is(reader, "retryQueueNums"))
        return body_i32(reader, &group->retry_queues);
    if (body_key_is(reader, "whichBrokerWhenConsumeSlowly"))
        return body_i64(reader, &group->slow_broker_id);
    if (body_key_is(reader, "attributes"))
        return body_raw(reader, &group->attributes);
    if (body_key_is(reader, "groupRetryPolicy"))
        return read_retry_policy(reader, &group->retry_policy);
    if (body_key_is(reader, "subscriptionDataSet"))
        return body_raw(reader, &group->subscriptions);
    return body_skip(reader);
}

static int check_group(struct body_reader *reader, const struct group *group) {
    return group->name.len > 0 ? RMQ_OK
                               : body_refuse(reader, RMQ_E_INVALID, "a groupName in the group");
}

static int on_group(struct body_reader *reader, void *ctx) {
    const struct decoding *decoding = ctx;
    struct group group;
    group_default(&group, SPAN_NONE);
    int err = body_object(reader, on_group_member, &group, NULL);
    if (err == RMQ_OK)
        err = check_group(reader, &group);
    if (err != RMQ_OK || decoding->on_group == NULL)
        return err;
    return decoding->on_group(decoding->ctx, &group);
}

int group_decode(struct span body, struct buf *scratch, struct group *out,
                 struct wire_error *error) {
    struct body_reader reader;
    body_reader_init(&reader, body, scratch, error);
    group_default(out, SPAN_NONE);
    int err = body_document(&reader, on_group_member, out);
    return err == RMQ_OK ? check_group(&reader, out) : err;
}

static int on_listed_group(struct body_reader *reader, void *ctx) {
    const struct decoding *decoding = ctx;
    struct group group;
    group_default(&group, SPAN_NONE);
    if (reader->json.token != JSON_OBJECT_BEGIN)
        return body_refuse(reader, RMQ_E_INVALID, "a group");
    int err = body_members(reader, on_group_member, &group);
    if (err == RMQ_OK)
        err = check_group(reader, &group);
    return err == RMQ_OK ? decoding->on_group(decoding->ctx, &group) : err;
}

static int on_group_list_member(struct body_reader *reader, void *ctx) {
    if (body_key_is(reader, "groupConfigList"))
        return body_array(reader, on_listed_group, ctx, NULL);
    return body_skip(reader);
}

int group_configs_decode(struct span body, struct buf *scratch,
                         int (*each)(void *ctx, const struct group *group), void *ctx,
                         struct wire_error *error) {
    struct body_reader reader;
    struct decoding decoding = {.on_group = each, .ctx = ctx};
    body_reader_init(&reader, body, scratch, error);
    return body_document(&reader, on_group_list_member, &decoding);
}

static int on_groups_member(struct body_reader *reader, void *ctx) {
    struct decoding *decoding = ctx;
    if (body_key_is(reader, "dataVersion"))
        return read_version(reader, decoding);
    if (body_key_is(reader, "subscriptionGroupTable"))
        return body_object(reader, on_group, decoding, NULL);
    return body_skip(reader);
}

int group_table_decode(struct span body, struct buf *scratch,
                       int (*each)(void *ctx, const struct group *group), void *ctx,
                       struct data_version *version, struct wire_error *error) {
    struct decoding decoding = {.on_group = each, .ctx = ctx, .version = version};
    return decode(body, scratch, on_groups_member, &decoding, error);
}

/* ---- offsets --------------------------------------------------------------------------------- */

/* An integer key and the offset behind it. */
static int read_pair(struct body_reader *reader, int32_t *key, int64_t *offset) {
    int err = json_i32(&reader->json, key);
    if (err != RMQ_OK)
        return body_refuse(reader, err, "an integer as key");
    return body_i64(reader, offset);
}

static int on_queue(struct body_reader *reader, void *ctx) {
    const struct decoding *decoding = ctx;
    int32_t queue_id = 0;
    int64_t offset = 0;
    int err = read_pair(reader, &queue_id, &offset);
    if (err != RMQ_OK || decoding->on_offset == NULL)
        return err;
    return decoding->on_offset(decoding->ctx, decoding->key, queue_id, offset);
}

static int on_offsets(struct body_reader *reader, void *ctx) {
    struct decoding *decoding = ctx;
    int err = body_token_text(reader, &decoding->key); /* the only text below it */
    return err == RMQ_OK ? body_object(reader, on_queue, decoding, NULL) : err;
}

static int on_offsets_member(struct body_reader *reader, void *ctx) {
    struct decoding *decoding = ctx;
    if (body_key_is(reader, "dataVersion"))
        return read_version(reader, decoding);
    if (body_key_is(reader, "offsetTable"))
        return body_object(reader, on_offsets, decoding, NULL);
    return body_skip(reader);
}

int offset_table_decode(struct span body, struct buf *scratch,
                        int (*each)(void *ctx, struct span key, int32_t queue_id, int64_t offset),
                        void *ctx, struct data_version *version, struct wire_error *error) {
    struct decoding decoding = {.on_offset = each, .ctx = ctx, .version = version};
    return decode(body, scratch, on_offsets_member, &decoding, error);
}

static int on_level(struct body_reader *reader, void *ctx) {
    const struct decoding *decoding = ctx;
    int32_t level = 0;
    int64_t offset = 0;
    int err = read_pair(reader, &level, &offset);
    if (err != RMQ_OK || decoding->on_level == NULL)
        return err;
    return decoding->on_level(decoding->ctx, level, offset);
}

static int on_delays_member(struct body_reader *reader, void *ctx) {
    struct decoding *decoding = ctx;
    if (body_key_is(reader, "dataVersion"))
        return read_version(reader, decoding);
    if (body_key_is(reader, "offsetTable"))
        return body_object(reader, on_level, decoding, NULL);
    return body_skip(reader);
}

int delay_table_decode(struct span body, struct buf *scratch,
                       int (*each)(void *ctx, int32_t level, int64_t offset), void *ctx,
                       struct data_version *version, struct wire_error *error) {
    struct decoding decoding = {.on_level = each, .ctx = ctx, .version = version};
    return decode(body, scratch, on_delays_member, &decoding, error);
}

/* ---- writing --------------------------------------------------------------------------------- */

void topic_config_write(struct json_writer *json, const struct topic_config *topic,
                        bool profile_5_3) {
    json_key(json, topic->name);
    topic_config_write_value(json, topic, profile_5_3);
}

void topic_config_write_value(struct json_writer *json, const struct topic_config *topic,
                              bool profile_5_3) {
    json_object_begin(json);
    if (profile_5_3 || !span_is_absent(topic->attributes))
        body_raw_write(json, "attributes", topic->attributes, "{}");
    body_write_bool(json, "order", topic->order);
    body_write_number(json, "perm", topic->perm);
    body_write_number(json, "readQueueNums", topic->read_queue_nums);
    json_key_text(json, "topicFilterType");
    json_string_text(json, topic->multi_tag ? "MULTI_TAG" : "SINGLE_TAG");
    json_key_text(json, "topicName");
    json_string(json, topic->name);
    body_write_number(json, "topicSysFlag", topic->sys_flag);
    body_write_number(json, "writeQueueNums", topic->write_queue_nums);
    json_object_end(json);
}

void group_write(struct json_writer *json, const struct group *group, bool profile_5_3) {
    json_key(json, group->name);
    group_write_value(json, group, profile_5_3);
}

/* 5.3's default, spelled as the writer at hand does. */
static void write_retry_policy(struct json_writer *json) {
    json_key_text(json, "groupRetryPolicy");
    json_object_begin(json);
    json_key_text(json, "type");
    json_string_text(json, "CUSTOMIZED");
    json_object_end(json);
}

void group_write_value(struct json_writer *json, const struct group *group, bool profile_5_3) {
    json_object_begin(json);
    if (profile_5_3 || !span_is_absent(group->attributes))
        body_raw_write(json, "attributes", group->attributes, "{}");
    body_write_number(json, "brokerId", group->broker_id);
    body_write_bool(json, "consumeBroadcastEnable", group->consume_broadcast_enable);
    body_write_bool(json, "consumeEnable", group->consume_enable);
    body_write_bool(json, "consumeFromMinEnable", group->consume_from_min_enable);
    if (profile_5_3) {
        body_write_bool(json, "consumeMessageOrderly", group->consume_orderly);
        body_write_number(json, "consumeTimeoutMinute", group->consume_timeout_min);
    }
    json_key_text(json, "groupName");
    json_string(json, group->name);
    if (!span_is_absent(group->retry_policy))
        body_raw_write(json, "groupRetryPolicy", group->retry_policy, "");
    else if (profile_5_3)
        write_retry_policy(json);
    if (profile_5_3)
        body_write_number(json, "groupSysFlag", group->sys_flag);
    body_write_bool(json, "notifyConsumerIdsChangedEnable", group->notify_ids_changed);
    body_write_number(json, "retryMaxTimes", group->retry_max);
    body_write_number(json, "retryQueueNums", group->retry_queues);
    if (!span_is_absent(group->subscriptions))
        body_raw_write(json, "subscriptionDataSet", group->subscriptions, "");
    body_write_number(json, "whichBrokerWhenConsumeSlowly", group->slow_broker_id);
    json_object_end(json);
}

void delay_table_begin(struct json_writer *json, const struct data_version *version,
                       bool profile_5_3) {
    json_object_begin(json);
    if (profile_5_3) {
        json_key_text(json, "dataVersion");
        data_version_write(json, version, true);
    }
    json_key_text(json, "offsetTable");
    json_object_begin(json);
}

void delay_table_end(struct json_writer *json) {
    json_object_end(json);
    json_object_end(json);
}
