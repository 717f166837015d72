/* wire/body_heartbeat_write.c - writes the bodies of 34 and 46, as Java clients do. Captures:
 * 4.9.7-java497-push, 5.3.3-java533-push, 4.9.7-java497-sql. */
#include "model/env.h"
#include "model/wire/body_heartbeat.h"
#include "model/wire/body_internal.h"
#include "model/wire/java_order.h"
#include "model/wire/subscription.h"

#define SET_BUCKETS 16 /* of a HashSet */

static void write_text(struct json_writer *json, const char *key, struct span value) {
    json_key_text(json, key);
    json_string(json, value);
}

static void write_word(struct json_writer *json, const char *key, const char *value) {
    json_key_text(json, key);
    json_string_text(json, value);
}

/* ---- a subscription -------------------------------------------------------------------------- */

/* Whether the code of keys[i] is that of an earlier tag: a set has it once. */
static bool is_repeated(const struct java_key *keys, size_t i) {
    for (size_t k = 0; k < i; k++) {
        if (keys[k].hash == keys[i].hash)
            return true;
    }
    return false;
}

/* The two sets hold the same hashes (an Integer's hash is itself), so one order serves both. */
static int write_sets(struct json_writer *json, struct env *env,
                      const struct subscription *compiled, const char *key, bool codes) {
    const struct subscription_tag *tags = subscription_tags(compiled);
    size_t count = compiled->kind == SUBSCRIPTION_TAGS ? compiled->tag_count : 0;
    struct java_key one, *keys = &one;
    if (count > 1)
        keys = env_alloc(env, count * sizeof *keys);
    if (keys == NULL)
        return RMQ_E_NOMEM;
    for (size_t i = 0; i < count; i++)
        keys[i] = (struct java_key){tags[i].code, (uint32_t)i};
    int err = java_order(env, keys, count, SET_BUCKETS);
    json_key_text(json, key);
    json_array_begin(json);
    for (size_t i = 0; err == RMQ_OK && i < count; i++) {
        const struct subscription_tag *tag = &tags[keys[i].index];
        if (!codes)
            json_string(json, tag->text);
        else if (!is_repeated(keys, i))
            json_number(json, tag->code);
    }
    json_array_end(json);
    if (keys != &one)
        env_free(env, keys);
    return err;
}

int subscription_write(struct json_writer *json, struct env *env,
                       const struct heartbeat_subscription *subscription) {
    struct subscription compiled;
    int err = subscription_parse(env, subscription->expression, subscription->type, &compiled);
    if (err != RMQ_OK)
        return err;
    json_object_begin(json);
    body_write_bool(json, "classFilterMode", subscription->class_filter);
    err = write_sets(json, env, &compiled, "codeSet", true);
    write_text(json, "expressionType",
               span_is_absent(subscription->type) ? SPAN_LITERAL("TAG") : subscription->type);
    write_text(json, "subString", subscription->expression);
    json_key_text(json, "subVersion");
    json_number(json, subscription->version);
    if (err == RMQ_OK)
        err = write_sets(json, env, &compiled, "tagsSet", false);
    write_text(json, "topic", subscription->topic);
    json_object_end(json);
    subscription_deinit(&compiled);
    return err;
}

/* ---- 34 -------------------------------------------------------------------------------------- */

void heartbeat_begin(struct heartbeat_writer *writer, struct env *env, struct buf *out,
                     bool profile_5_3, struct span client_id) {
    *writer = (struct heartbeat_writer){.env = env, .profile_5_3 = profile_5_3};
    json_writer_init(&writer->json, out, JSON_STYLE_FASTJSON);
    json_object_begin(&writer->json);
    write_text(&writer->json, "clientID", client_id);
    json_key_text(&writer->json, "consumerDataSet");
    json_array_begin(&writer->json);
}

void heartbeat_consumer_begin(struct heartbeat_writer *writer,
                              const struct heartbeat_consumer *consumer) {
    struct json_writer *json = &writer->json;
    json_object_begin(json);
    write_word(json, "consumeFromWhere", heartbeat_from_text(consumer->from_where));
    write_word(json, "consumeType", heartbeat_consume_type_text(consumer->consume_type));
    write_text(json, "groupName", consumer->group);
    write_word(json, "messageModel", heartbeat_model_text(consumer->model));
    json_key_text(json, "subscriptionDataSet");
    json_array_begin(json);
}

void heartbeat_subscription(struct heartbeat_writer *writer,
                            const struct heartbeat_subscription *subscription) {
    int err = subscription_write(&writer->json, writer->env, subscription);
    if (writer->err == RMQ_OK)
        writer->err = err;
}

void heartbeat_consumer_end(struct heartbeat_writer *writer,
                            const struct heartbeat_consumer *consumer) {
    json_array_end(&writer->json);
    body_write_bool(&writer->json, "unitMode", consumer->unit_mode);
    json_object_end(&writer->json);
}

void heartbeat_producers(struct heartbeat_writer *writer) {
    struct json_writer *json = &writer->json;
    json_array_end(json);
    if (writer->profile_5_3) {
        json_key_text(json, "heartbeatFingerprint");
        json_number(json, 0);
    }
    json_key_text(json, "producerDataSet");
    json_array_begin(json);
}

void heartbeat_producer(struct heartbeat_writer *writer, struct span group) {
    json_object_begin(&writer->json);
    write_text(&writer->json, "groupName", group);
    json_object_end(&writer->json);
}

int heartbeat_end(struct heartbeat_writer *writer) {
    json_array_end(&writer->json);
    if (writer->profile_5_3)
        body_write_bool(&writer->json, "withoutSub", false);
    json_object_end(&writer->json);
    return writer->err == RMQ_OK && buf_failed(writer->json.out) ? RMQ_E_NOMEM : writer->err;
}

/* ---- 46 -------------------------------------------------------------------------------------- */

int check_client_write(struct env *env, struct buf *out, const struct check_client *check) {
    struct json_writer json;
    int err = RMQ_OK;
    json_writer_init(&json, out, JSON_STYLE_FASTJSON);
    json_object_begin(&json);
    write_text(&json, "clientId", check->client_id);
    write_text(&json, "group", check->group);
    if (check->has_subscription) {
        json_key_text(&json, "subscriptionData");
        err = subscription_write(&json, env, &check->subscription);
        if (err != RMQ_OK)
            return err; /* the document ends in the middle */
    }
    json_object_end(&json);
    return err == RMQ_OK && buf_failed(out) ? RMQ_E_NOMEM : err;
}
