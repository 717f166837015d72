/* wire/body_heartbeat.c - reads the bodies of 34 and 46.
 *
 * Clients write the members in any order (Go puts the group's name first, Java in the middle), so
 * an object that holds a list is walked for its own members first, and its list after that. */
#include "model/wire/body_heartbeat.h"

#include "model/wire/body_internal.h"

static const char *const CONSUME_TYPES[] = {"CONSUME_PASSIVELY", "CONSUME_ACTIVELY", "CONSUME_POP"};
static const char *const MODELS[] = {"CLUSTERING", "BROADCASTING"};
static const char *const FROM_WHERE[] = {
    "CONSUME_FROM_LAST_OFFSET", "CONSUME_FROM_FIRST_OFFSET",
    "CONSUME_FROM_TIMESTAMP",   "CONSUME_FROM_LAST_OFFSET_AND_FROM_MIN_WHEN_BOOT_FIRST",
    "CONSUME_FROM_MIN_OFFSET",  "CONSUME_FROM_MAX_OFFSET",
};

const char *heartbeat_consume_type_text(enum heartbeat_consume_type type) {
    return CONSUME_TYPES[type];
}

const char *heartbeat_model_text(enum heartbeat_model model) {
    return MODELS[model];
}

const char *heartbeat_from_text(enum heartbeat_from from) {
    return FROM_WHERE[from];
}

int body_word(struct body_reader *reader, const char *const *words, unsigned count, unsigned *out) {
    enum json_token token = json_next(&reader->json);
    if (token == JSON_NULL)
        return RMQ_OK;
    for (unsigned i = 0; token == JSON_STRING && i < count; i++) {
        if (json_text_equals(&reader->json, span_of_text(words[i]))) {
            *out = i;
            return RMQ_OK;
        }
    }
    return body_refuse(reader, RMQ_E_INVALID, "a known word");
}

/* The next value as text that stays valid until the decoding ends (scratch has room for all). */
static int read_text(struct body_reader *reader, struct span *out) {
    enum json_token token = json_next(&reader->json);
    return token == JSON_NULL ? RMQ_OK : body_token_text_append(reader, out);
}

/* Remembers where a list begins, and skips it. */
static int note_list(struct body_reader *reader, struct json_reader *place, bool *noted) {
    *place = reader->json;
    *noted = true;
    return body_skip(reader);
}

/* Walks the list at `place`; the reader is then where it was. */
static int walk_list(struct body_reader *reader, const struct json_reader *place,
                     body_step_fn *element, void *ctx) {
    struct json_reader saved = reader->json;
    reader->json = *place;
    int err = body_array(reader, element, ctx, NULL);
    if (err == RMQ_OK)
        reader->json = saved;
    return err;
}

struct decoding {
    const struct heartbeat_visitor *visitor;
    struct heartbeat_client client;
    struct json_reader consumers, producers;
    bool has_consumers, has_producers;
};

/* The members of an element that must be an object. */
static int element_members(struct body_reader *reader, body_step_fn *member, void *ctx) {
    if (reader->json.token != JSON_OBJECT_BEGIN)
        return body_refuse(reader, RMQ_E_INVALID, "an object");
    return body_members(reader, member, ctx);
}

/* ---- a subscription -------------------------------------------------------------------------- */

static int on_subscription_member(struct body_reader *reader, void *ctx) {
    struct heartbeat_subscription *subscription = ctx;
    if (body_key_is(reader, "topic"))
        return read_text(reader, &subscription->topic);
    if (body_key_is(reader, "subString"))
        return read_text(reader, &subscription->expression);
    if (body_key_is(reader, "expressionType"))
        return read_text(reader, &subscription->type);
    if (body_key_is(reader, "subVersion"))
        return body_i64(reader, &subscription->version);
    if (body_key_is(reader, "classFilterMode"))
        return body_bool(reader, &subscription->class_filter);
    return body_skip(reader); /* codeSet and tagsSet follow from the expression */
}

static int on_subscription(struct body_reader *reader, void *ctx) {
    const struct decoding *decoding = ctx;
    struct heartbeat_subscription subscription = {0};
    size_t used = reader->scratch->len;
    int err = element_members(reader, on_subscription_member, &subscription);
    if (err != RMQ_OK)
        return err;
    if (subscription.topic.len == 0)
        return body_refuse(reader, RMQ_E_INVALID, "a topic in the subscription");
    err = decoding->visitor->on_subscription(decoding->visitor->ctx, &subscription);
    reader->scratch->len = used;
    return err;
}

int body_subscription_members(struct body_reader *reader, struct heartbeat_subscription *out) {
    *out = (struct heartbeat_subscription){.version = 0};
    return element_members(reader, on_subscription_member, out);
}

int body_subscription(struct body_reader *reader, struct heartbeat_subscription *out,
                      bool *present) {
    *out = (struct heartbeat_subscription){.version = 0};
    return body_object(reader, on_subscription_member, out, present);
}

/* ---- groups ---------------------------------------------------------------------------------- */

struct consumer {
    struct heartbeat_consumer given;
    struct json_reader subscriptions;
    bool has_subscriptions;
};

int body_group_words(struct body_reader *reader, struct heartbeat_consumer *consumer, bool *known) {
    unsigned word = UINT32_MAX;
    int err = RMQ_OK;
    *known = true;
    if (body_key_is(reader, "consumeType")) {
        err = body_word(reader, CONSUME_TYPES, 3, &word);
        if (word != UINT32_MAX)
            consumer->consume_type = (enum heartbeat_consume_type)word;
    } else if (body_key_is(reader, "messageModel")) {
        err = body_word(reader, MODELS, 2, &word);
        if (word != UINT32_MAX)
            consumer->model = (enum heartbeat_model)word;
    } else if (body_key_is(reader, "consumeFromWhere")) {
        err = body_word(reader, FROM_WHERE, 6, &word);
        if (word != UINT32_MAX)
            consumer->from_where = (enum heartbeat_from)word;
    } else {
        *known = false;
    }
    return err;
}

static int on_consumer_member(struct body_reader *reader, void *ctx) {
    struct consumer *consumer = ctx;
    bool known;
    if (body_key_is(reader, "groupName"))
        return read_text(reader, &consumer->given.group);
    int err = body_group_words(reader, &consumer->given, &known);
    if (err != RMQ_OK || known)
        return err;
    if (body_key_is(reader, "unitMode"))
        return body_bool(reader, &consumer->given.unit_mode);
    if (body_key_is(reader, "subscriptionDataSet"))
        return note_list(reader, &consumer->subscriptions, &consumer->has_subscriptions);
    return body_skip(reader);
}

static int on_consumer(struct body_reader *reader, void *ctx) {
    struct decoding *decoding = ctx;
    const struct heartbeat_visitor *visitor = decoding->visitor;
    struct consumer consumer = {.has_subscriptions = false};
    int err = element_members(reader, on_consumer_member, &consumer);
    if (err != RMQ_OK)
        return err;
    if (consumer.given.group.len == 0)
        return body_refuse(reader, RMQ_E_INVALID, "a groupName in the consumer");
    err = visitor->on_consumer(visitor->ctx, &consumer.given);
    if (err == RMQ_OK && consumer.has_subscriptions)
        err = walk_list(reader, &consumer.subscriptions, on_subscription, decoding);
    return err == RMQ_OK ? visitor->on_consumer_end(visitor->ctx) : err;
}

static int on_producer_member(struct body_reader *reader, void *ctx) {
    if (body_key_is(reader, "groupName"))
        return read_text(reader, ctx);
    return body_skip(reader);
}

static int on_producer(struct body_reader *reader, void *ctx) {
    const struct decoding *decoding = ctx;
    struct span group = SPAN_NONE;
    int err = element_members(reader, on_producer_member, &group);
    if (err != RMQ_OK)
        return err;
    if (group.len == 0)
        return body_refuse(reader, RMQ_E_INVALID, "a groupName in the producer");
    return decoding->visitor->on_producer(decoding->visitor->ctx, group);
}

/* ---- 34 -------------------------------------------------------------------------------------- */

static int on_client_member(struct body_reader *reader, void *ctx) {
    struct decoding *decoding = ctx;
    if (body_key_is(reader, "clientID"))
        return read_text(reader, &decoding->client.client_id);
    if (body_key_is(reader, "heartbeatFingerprint"))
        return body_i32(reader, &decoding->client.fingerprint);
    if (body_key_is(reader, "withoutSub"))
        return body_bool(reader, &decoding->client.without_sub);
    if (body_key_is(reader, "consumerDataSet"))
        return note_list(reader, &decoding->consumers, &decoding->has_consumers);
    if (body_key_is(reader, "producerDataSet"))
        return note_list(reader, &decoding->producers, &decoding->has_producers);
    return body_skip(reader);
}

/* A reader whose scratch has room for every text of the body. */
static int reader_init(struct body_reader *reader, struct span body, struct buf *scratch,
                       struct wire_error *error) {
    body_reader_init(reader, body, scratch, error);
    buf_clear(scratch);
    bool escapes = body.len > 0 && memchr(body.data, '\\', body.len) != NULL;
    return escapes ? buf_reserve(scratch, body.len) : RMQ_OK;
}

int heartbeat_decode(struct span body, struct buf *scratch, const struct heartbeat_visitor *visitor,
                     struct wire_error *error) {
    struct body_reader reader;
    struct decoding decoding = {.visitor = visitor};
    int err = reader_init(&reader, body, scratch, error);
    if (err == RMQ_OK)
        err = body_document(&reader, on_client_member, &decoding);
    if (err != RMQ_OK)
        return err;
    if (span_is_absent(decoding.client.client_id))
        return body_refuse(&reader, RMQ_E_MISSING, "a clientID");
    err = visitor->on_client(visitor->ctx, &decoding.client);
    if (err == RMQ_OK && decoding.has_consumers)
        err = walk_list(&reader, &decoding.consumers, on_consumer, &decoding);
    if (err == RMQ_OK && decoding.has_producers)
        err = walk_list(&reader, &decoding.producers, on_producer, &decoding);
    return err;
}

/* ---- 46 -------------------------------------------------------------------------------------- */

static int on_check_member(struct body_reader *reader, void *ctx) {
    struct check_client *check = ctx;
    if (body_key_is(reader, "clientId"))
        return read_text(reader, &check->client_id);
    if (body_key_is(reader, "group"))
        return read_text(reader, &check->group);
    if (body_key_is(reader, "subscriptionData"))
        return body_object(reader, on_subscription_member, &check->subscription,
                           &check->has_subscription);
    return body_skip(reader);
}

int check_client_decode(struct span body, struct buf *scratch, struct check_client *out,
                        struct wire_error *error) {
    struct body_reader reader;
    struct check_client check = {.has_subscription = false};
    int err = reader_init(&reader, body, scratch, error);
    if (err == RMQ_OK)
        err = body_document(&reader, on_check_member, &check);
    if (err == RMQ_OK)
        *out = check;
    return err;
}
