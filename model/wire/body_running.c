/* wire/body_running.c - see body_running.h. Captures: java497-stay, java533-stay. */
#include "model/wire/body_running.h"

#include "model/wire/body_internal.h"

/* ---- writing --------------------------------------------------------------------------------- */

static void write_rate(struct json_writer *json, const char *key, struct span value) {
    json_key_text(json, key);
    json_raw(json, span_is_absent(value) ? SPAN_LITERAL("0.0") : value);
}

static void write_empty(struct json_writer *json, const char *key) {
    json_key_text(json, key);
    json_object_begin(json);
    json_object_end(json);
}

void running_begin(struct json_writer *json, bool profile_5_3, struct span jstack) {
    json_object_begin(json);
    if (!span_is_absent(jstack)) {
        json_key_text(json, "jstack");
        json_string(json, jstack);
    }
    if (profile_5_3)
        write_empty(json, "mqPopTable");
    json_key_text(json, "mqTable");
    json_object_begin(json);
}

void running_queue_write(struct json_writer *json, const struct body_queue *queue,
                         const struct running_queue *info) {
    body_queue_key(json, queue);
    json_object_begin(json);
    body_write_number(json, "cachedMsgCount", info->cached_count);
    body_write_number(json, "cachedMsgMaxOffset", info->cached_max);
    body_write_number(json, "cachedMsgMinOffset", info->cached_min);
    body_write_number(json, "cachedMsgSizeInMiB", info->cached_mib);
    body_write_number(json, "commitOffset", info->commit_offset);
    body_write_bool(json, "droped", info->dropped);
    body_write_number(json, "lastConsumeTimestamp", info->last_consume);
    body_write_number(json, "lastLockTimestamp", info->last_lock);
    body_write_number(json, "lastPullTimestamp", info->last_pull);
    body_write_bool(json, "locked", info->locked);
    body_write_number(json, "transactionMsgCount", info->transaction_count);
    body_write_number(json, "transactionMsgMaxOffset", info->transaction_max);
    body_write_number(json, "transactionMsgMinOffset", info->transaction_min);
    body_write_number(json, "tryUnlockTimes", info->unlock_tries);
    json_object_end(json);
}

void running_properties(struct json_writer *json) {
    json_object_end(json);
    json_key_text(json, "properties");
    json_object_begin(json);
}

void running_property_write(struct json_writer *json, const char *key, struct span value) {
    json_key_text(json, key);
    json_string(json, value);
}

void running_statuses(struct json_writer *json) {
    json_object_end(json);
    json_key_text(json, "statusTable");
    json_object_begin(json);
}

void running_status_write(struct json_writer *json, struct span topic,
                          const struct running_status *status) {
    json_key(json, topic);
    json_object_begin(json);
    body_write_number(json, "consumeFailedMsgs", status->failed);
    write_rate(json, "consumeFailedTPS", status->failed_tps);
    write_rate(json, "consumeOKTPS", status->ok_tps);
    write_rate(json, "consumeRT", status->consume_rt);
    write_rate(json, "pullRT", status->pull_rt);
    write_rate(json, "pullTPS", status->pull_tps);
    json_object_end(json);
}

void running_subscriptions(struct json_writer *json) {
    json_object_end(json);
    json_key_text(json, "subscriptionSet");
    json_array_begin(json);
}

void running_end(struct json_writer *json, bool profile_5_3) {
    json_array_end(json);
    if (profile_5_3)
        write_empty(json, "userConsumerInfo");
    json_object_end(json);
}

/* ---- reading --------------------------------------------------------------------------------- */

static int on_queue_member(struct body_reader *reader, void *ctx) {
    struct running_queue *info = ctx;
    const struct {
        const char *key;
        int64_t *value;
    } numbers[] = {
        {"cachedMsgCount", &info->cached_count},
        {"cachedMsgMaxOffset", &info->cached_max},
        {"cachedMsgMinOffset", &info->cached_min},
        {"cachedMsgSizeInMiB", &info->cached_mib},
        {"commitOffset", &info->commit_offset},
        {"lastConsumeTimestamp", &info->last_consume},
        {"lastLockTimestamp", &info->last_lock},
        {"lastPullTimestamp", &info->last_pull},
        {"transactionMsgCount", &info->transaction_count},
        {"transactionMsgMaxOffset", &info->transaction_max},
        {"transactionMsgMinOffset", &info->transaction_min},
        {"tryUnlockTimes", &info->unlock_tries},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (body_key_is(reader, numbers[i].key))
            return body_i64(reader, numbers[i].value);
    }
    if (body_key_is(reader, "droped"))
        return body_bool(reader, &info->dropped);
    if (body_key_is(reader, "locked"))
        return body_bool(reader, &info->locked);
    return body_skip(reader);
}

static int on_queue(struct body_reader *reader, void *ctx, const struct body_queue *queue) {
    const struct running_visitor *visitor = ctx;
    struct running_queue info = {.locked = false};
    int err = body_object(reader, on_queue_member, &info, NULL);
    if (err != RMQ_OK || visitor->on_queue == NULL)
        return err;
    return visitor->on_queue(visitor->ctx, queue, &info);
}

/* A number's text; null leaves *out alone. */
static int read_rate(struct body_reader *reader, struct span *out) {
    enum json_token token = json_next(&reader->json);
    if (token == JSON_NULL)
        return RMQ_OK;
    bool is_text = token == JSON_STRING && !reader->json.escaped; /* "NaN" */
    if (token != JSON_NUMBER && !is_text)
        return body_refuse(reader, RMQ_E_INVALID, "a number");
    *out = reader->json.raw;
    return RMQ_OK;
}

static int on_status_member(struct body_reader *reader, void *ctx) {
    struct running_status *status = ctx;
    if (body_key_is(reader, "consumeFailedMsgs"))
        return body_i64(reader, &status->failed);
    if (body_key_is(reader, "consumeFailedTPS"))
        return read_rate(reader, &status->failed_tps);
    if (body_key_is(reader, "consumeOKTPS"))
        return read_rate(reader, &status->ok_tps);
    if (body_key_is(reader, "consumeRT"))
        return read_rate(reader, &status->consume_rt);
    if (body_key_is(reader, "pullRT"))
        return read_rate(reader, &status->pull_rt);
    if (body_key_is(reader, "pullTPS"))
        return read_rate(reader, &status->pull_tps);
    return body_skip(reader);
}

static int on_status(struct body_reader *reader, void *ctx) {
    const struct running_visitor *visitor = ctx;
    struct running_status status = {.failed = 0};
    struct span topic;
    size_t used = reader->scratch->len;
    int err = body_token_text_append(reader, &topic);
    if (err == RMQ_OK)
        err = body_object(reader, on_status_member, &status, NULL);
    if (err == RMQ_OK && visitor->on_status != NULL)
        err = visitor->on_status(visitor->ctx, topic, &status);
    reader->scratch->len = used;
    return err;
}

static int on_property(struct body_reader *reader, void *ctx) {
    const struct running_visitor *visitor = ctx;
    struct span key, value = SPAN_NONE;
    size_t used = reader->scratch->len;
    int err = body_token_text_append(reader, &key);
    if (err != RMQ_OK)
        return err;
    enum json_token token = json_next(&reader->json);
    if (token == JSON_STRING)
        err = body_token_text_append(reader, &value);
    else if (token == JSON_NUMBER)
        value = reader->json.raw;
    else if (token == JSON_TRUE || token == JSON_FALSE)
        value = token == JSON_TRUE ? SPAN_LITERAL("true") : SPAN_LITERAL("false");
    else if (token != JSON_NULL)
        err = body_refuse(reader, RMQ_E_INVALID, "a property's text");
    if (err == RMQ_OK && visitor->on_property != NULL && !span_is_absent(value))
        err = visitor->on_property(visitor->ctx, key, value);
    reader->scratch->len = used;
    return err;
}

static int on_subscription(struct body_reader *reader, void *ctx) {
    const struct running_visitor *visitor = ctx;
    struct heartbeat_subscription subscription;
    size_t used = reader->scratch->len;
    int err = body_subscription_members(reader, &subscription);
    if (err == RMQ_OK && visitor->on_subscription != NULL)
        err = visitor->on_subscription(visitor->ctx, &subscription);
    reader->scratch->len = used;
    return err;
}

static int read_jstack(struct body_reader *reader, const struct running_visitor *visitor) {
    struct span text = SPAN_NONE;
    int err = body_text_kept(reader, &text);
    if (err != RMQ_OK || span_is_absent(text) || visitor->on_jstack == NULL)
        return err;
    return visitor->on_jstack(visitor->ctx, text);
}

static int on_member(struct body_reader *reader, void *ctx) {
    if (body_key_is(reader, "properties"))
        return body_object(reader, on_property, ctx, NULL);
    if (body_key_is(reader, "mqTable"))
        return body_queue_table(reader, on_queue, ctx);
    if (body_key_is(reader, "statusTable"))
        return body_object(reader, on_status, ctx, NULL);
    if (body_key_is(reader, "subscriptionSet"))
        return body_array(reader, on_subscription, ctx, NULL);
    if (body_key_is(reader, "jstack"))
        return read_jstack(reader, ctx);
    return body_skip(reader); /* mqPopTable, userConsumerInfo */
}

int running_info_decode(struct span body, struct buf *scratch,
                        const struct running_visitor *visitor, struct wire_error *error) {
    struct body_reader reader;
    struct running_visitor copy = *visitor;
    body_reader_init(&reader, body, scratch, error);
    buf_clear(scratch);
    int err = body_texts_reserve(&reader, body);
    return err == RMQ_OK ? body_document(&reader, on_member, &copy) : err;
}
