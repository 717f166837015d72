/* message_fixture.h - a broker over the fake store, and clients that send and pull. */
#ifndef MODEL_TESTS_MESSAGE_FIXTURE_H
#define MODEL_TESTS_MESSAGE_FIXTURE_H

#include "model/broker/broker.h"
#include "model/broker/broker_internal.h"
#include "model/tests/peer.h"
#include "model/tests/store_fake.h"
#include "model/tests/suite.h"
#include "model/wire/header.h"

#define PORT 10911
#define TOPICS "topics=T:4:4:6;R:2:2:4;W:2:2:2\n"

static struct env *env;
static struct peer client, other;
static struct wire_command answered; /* by ask */
static int32_t last_opaque;

static inline void setup(void) {
    env = fake_create();
    memset(&client, 0, sizeof client);
    memset(&other, 0, sizeof other);
    fake_store_reset();
    last_opaque = 0;
}

static inline void connect_client(struct peer *peer, const char *address) {
    peer_init(peer, fake_accept(env, PORT, address));
}

static inline void start(const char *config) {
    ck_assert_int_eq(fake_start_text(env, &broker_role, config), RMQ_OK);
    for (int i = 0; i < 100 && !fake_listening(env, PORT); i++)
        fake_settle(env);
    ck_assert(fake_listening(env, PORT));
    connect_client(&client, "10.0.0.50:4000");
}

static inline void teardown(void) {
    if (client.conn != NULL)
        peer_deinit(&client);
    if (other.conn != NULL)
        peer_deinit(&other);
    if (fake_node(env) != NULL) {
        fake_stop(env);
        for (int i = 0; i < 100 && fake_node(env) != NULL; i++)
            fake_advance_ms(env, 100);
    }
    fake_destroy(env);
}

static inline struct broker *broker(void) {
    return fake_node(env);
}

struct field {
    const char *key;
    const char *value; /* NULL: left out */
};

/* Replaces the value of `change->key` in `fields`, or adds it. */
static inline void add_fields(struct wire_command *request, const struct field *fields,
                              size_t count, const struct field *changes, size_t change_count) {
    for (size_t i = 0; i < count + change_count; i++) {
        struct field field = i < count ? fields[i] : changes[i - count];
        for (size_t j = 0; i < count && j < change_count; j++) {
            if (strcmp(changes[j].key, field.key) == 0)
                field.value = NULL;
        }
        if (field.value != NULL)
            ck_assert_int_eq(
                wire_field_add(request, span_of_text(field.key), span_of_text(field.value)),
                RMQ_OK);
    }
}

static inline void send_request(struct peer *peer, int32_t code, const struct field *fields,
                                size_t count, const struct field *changes, size_t change_count,
                                struct span body) {
    struct wire_command request;
    wire_command_init(&request, code);
    request.opaque = ++last_opaque;
    request.version = WIRE_VERSION_4_9_8;
    request.body = body;
    add_fields(&request, fields, count, changes, change_count);
    peer_send(peer, &request);
}

/* The answer to the last request, in `answered`. */
static inline void take_answer(struct peer *peer) {
    ck_assert(peer_take(peer, &answered));
    ck_assert_int_eq(answered.opaque, last_opaque);
    ck_assert_int_eq(answered.flag & WIRE_FLAG_RESPONSE, WIRE_FLAG_RESPONSE);
}

static inline void expect_no_answer(struct peer *peer) {
    struct wire_command frame;
    if (peer_take(peer, &frame))
        ck_abort_msg("answer %d: %.*s", (int)frame.code, (int)frame.remark.len,
                     (const char *)frame.remark.data);
}

static inline int64_t number_of(const char *key) {
    int64_t value = 0;
    if (span_to_i64(wire_field(&answered, key), &value) != RMQ_OK)
        ck_abort_msg("no number %s", key);
    return value;
}

static const struct field SEND[] = {
    {"a", "p"},
    {"b", "T"},
    {"c", "TBW102"},
    {"d", "4"},
    {"e", "1"},
    {"f", "0"},
    {"g", "1700000000000"},
    {"h", "7"},
    {"i", "KEYS\001k1\002TAGS\001A"},
    {"j", "0"},
    {"k", "false"},
    {"m", "false"},
};
static const struct field PULL[] = {
    {"consumerGroup", "g"}, {"topic", "T"},
    {"queueId", "1"},       {"queueOffset", "0"},
    {"maxMsgNums", "32"},   {"sysFlag", "4"},
    {"commitOffset", "0"},  {"suspendTimeoutMillis", "15000"},
    {"subscription", "*"},  {"subVersion", "0"},
};
#define FIELDS(array) array, sizeof array / sizeof array[0]

/* 310 with up to two fields changed (key NULL: none), not yet answered. */
static inline void start_send(struct peer *peer, struct field a, struct field b) {
    const struct field changes[] = {a, b};
    send_request(peer, REQUEST_SEND_MESSAGE_V2, FIELDS(SEND), changes,
                 a.key == NULL   ? 0U
                 : b.key == NULL ? 1U
                                 : 2U,
                 SPAN_LITERAL("hello"));
}

#define NO_FIELD ((struct field){NULL, NULL})
#define WITH(key, value) ((struct field){key, value})

static inline int32_t send_with(struct field a, struct field b) {
    start_send(&client, a, b);
    take_answer(&client);
    return answered.code;
}

static inline int32_t send_one(void) {
    return send_with(NO_FIELD, NO_FIELD);
}

static inline void start_pull(struct peer *peer, struct field a, struct field b) {
    const struct field changes[] = {a, b};
    send_request(peer, REQUEST_PULL_MESSAGE, FIELDS(PULL), changes,
                 a.key == NULL   ? 0U
                 : b.key == NULL ? 1U
                                 : 2U,
                 SPAN_NONE);
}

static inline int32_t pull_with(struct field a, struct field b) {
    start_pull(&client, a, b);
    take_answer(&client);
    return answered.code;
}

/* Message `index` of the body in `answered`. */
static inline struct message pulled(size_t index) {
    struct message message;
    struct span rest = answered.body;
    for (size_t i = 0; i <= index; i++) {
        ck_assert_int_eq(message_decode(rest, true, &message), MESSAGE_OK);
        rest = span_from(rest, message.size);
    }
    return message;
}

static inline size_t pulled_count(void) {
    size_t count = 0;
    struct message message;
    for (struct span rest = answered.body; rest.len > 0; count++) {
        ck_assert_int_eq(message_decode(rest, true, &message), MESSAGE_OK);
        rest = span_from(rest, message.size);
    }
    return count;
}

static inline void expect_remark_begins(const char *text) {
    if (!span_starts_with(answered.remark, span_of_text(text)))
        ck_abort_msg("remark \"%.*s\", expected \"%s...\"", (int)answered.remark.len,
                     (const char *)answered.remark.data, text);
}

#endif
