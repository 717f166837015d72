/* tests/test_namesrv_ask.h - a peer of a name server under test: asks, and reads the answer. */
#ifndef MODEL_TESTS_TEST_NAMESRV_ASK_H
#define MODEL_TESTS_TEST_NAMESRV_ASK_H

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/namesrv/namesrv.h"
#include "model/tests/env_fake.h"
#include "model/wire/body.h"
#include "model/wire/codes.h"
#include "model/wire/frame.h"

#define NAMESRV_PORT 9876
#define NO_BODY SPAN_NONE

/* One connection to the name server in `env`. The peer's own memory is that of a second fake, so
 * that failing allocations hit the name server only. */
struct peer {
    struct env *env;
    struct env *self;
    struct env_conn *conn;
    struct buf frame;
    struct buf body;
    struct buf scratch;
    int32_t version; /* header version of its requests */
    bool answered;
    struct wire_command answer; /* of the last request; valid until the next */
};

static inline void peer_open(struct peer *peer, struct env *env, const char *address) {
    memset(peer, 0, sizeof *peer);
    peer->env = env;
    peer->self = fake_create();
    peer->version = WIRE_VERSION_4_9_8;
    buf_init(&peer->frame, peer->self);
    buf_init(&peer->body, peer->self);
    buf_init(&peer->scratch, peer->self);
    peer->conn = fake_accept(env, NAMESRV_PORT, address);
}

static inline void peer_free(struct peer *peer) {
    buf_deinit(&peer->frame);
    buf_deinit(&peer->body);
    buf_deinit(&peer->scratch);
    fake_destroy(peer->self);
}

static inline void peer_read(struct peer *peer) {
    struct span bytes = fake_take(peer->conn);
    struct wire_error error;
    size_t len;
    peer->answered = bytes.len > 0;
    memset(&peer->answer, 0, sizeof peer->answer);
    if (!peer->answered)
        return;
    ck_assert_int_eq(wire_frame_length(bytes, &len), RMQ_OK);
    ck_assert_uint_eq(len, bytes.len);
    ck_assert_int_eq(wire_decode(bytes, &peer->scratch, &peer->answer, &error), RMQ_OK);
}

static inline void peer_send(struct peer *peer, struct wire_command *request) {
    request->opaque = 7;
    request->version = peer->version;
    request->serialization = WIRE_JSON;
    buf_clear(&peer->frame);
    ck_assert_int_eq(wire_encode(request, &peer->frame), RMQ_OK);
    fake_deliver(peer->conn, buf_span(&peer->frame));
    peer_read(peer);
}

/* Sends request `code` with the fields "key", "value", ..., NULL; the answer is peer->answer. Its
 * code, or -1 when there was no answer. */
static inline int32_t ask(struct peer *peer, int32_t code, struct span body, ...) {
    struct wire_command request;
    wire_command_init(&request, code);
    request.body = body;
    va_list fields;
    va_start(fields, body);
    for (const char *key; (key = va_arg(fields, const char *)) != NULL;) {
        const char *value = va_arg(fields, const char *);
        ck_assert_int_eq(wire_field_add(&request, span_of_text(key), span_of_text(value)), RMQ_OK);
    }
    va_end(fields);
    peer_send(peer, &request);
    return peer->answered ? peer->answer.code : -1;
}

/* Registration body with these topics, "A,B,C"; each "name" or "name:perm", 4 queues. */
static inline struct span peer_body(struct peer *peer, int64_t counter, int64_t state_version,
                                    const char *topics) {
    struct register_body_writer writer;
    struct data_version version = {
        .timestamp = 1700000000000, .counter = counter, .state_version = state_version};
    buf_clear(&peer->body);
    register_body_begin(&writer, &peer->body, state_version != 0, &version, &version);
    for (const char *name = topics; *name != '\0';) {
        size_t len = strcspn(name, ",");
        size_t name_len = strcspn(name, ",:");
        struct topic_config topic = {.name = span_of(name, name_len),
                                     .read_queue_nums = 4,
                                     .write_queue_nums = 4,
                                     .perm = name_len < len ? atoi(name + name_len + 1) : 6};
        register_body_topic(&writer, &topic);
        name += len + (name[len] == ',' ? 1 : 0);
    }
    register_body_end(&writer);
    return buf_span(&peer->body);
}

/* Registers `broker` with this id and address, cluster "c". */
static inline int32_t peer_register(struct peer *peer, const char *broker, const char *id,
                                    const char *addr, int64_t counter, const char *topics) {
    return ask(peer, REQUEST_REGISTER_BROKER, peer_body(peer, counter, 0, topics), "brokerName",
               broker, "brokerId", id, "brokerAddr", addr, "clusterName", "c", "haServerAddr",
               "10.9.9.9:10912", NULL);
}

/* Code of the route query for `topic`. */
static inline int32_t peer_route(struct peer *peer, const char *topic) {
    return ask(peer, REQUEST_GET_ROUTEINFO_BY_TOPIC, NO_BODY, "topic", topic, NULL);
}

static inline bool answer_contains(const struct peer *peer, const char *text) {
    struct span body = peer->answer.body;
    size_t len = strlen(text);
    for (size_t i = 0; i + len <= body.len; i++)
        if (memcmp(body.data + i, text, len) == 0)
            return true;
    return false;
}

static inline bool remark_is(const struct peer *peer, const char *text) {
    return span_equal(peer->answer.remark, span_of_text(text));
}

static inline bool body_is(const struct peer *peer, const char *text) {
    return span_equal(peer->answer.body, span_of_text(text));
}

#endif
