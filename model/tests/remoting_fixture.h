/* remoting_fixture.h - a remoting endpoint and a scripted peer, for test_remoting.c and
 * test_remoting_call.c. */
#ifndef MODEL_TESTS_REMOTING_FIXTURE_H
#define MODEL_TESTS_REMOTING_FIXTURE_H

#include <stdio.h>

#include "model/tests/env_fake.h"
#include "model/tests/suite.h"
#include "model/wire/remoting.h"

#define SECOND_MS UINT64_C(1000)
#define ADDRESS SPAN_LITERAL("10.0.0.1:9876")
#define PORT 9876

enum reaction {
    REACT_ANSWER,
    REACT_NOTHING,
    REACT_CLOSE,            /* the channel, then an answer that must fail */
    REACT_DEINIT,           /* the whole remoting */
    REACT_CALL_BACK,        /* a request to the asker */
    REACT_DEINIT_ON_CLOSED, /* in on_channel_closed */
};

struct outcome {
    int calls;
    int status;
    int32_t code; /* of the response */
    uint64_t at_ns;
};

static struct {
    struct env *env;
    struct remoting remoting;
    struct remoting_config config;
    enum reaction reaction;
    struct channel *channel; /* of the last request */
    size_t requests;
    size_t closed;
    char closed_reason[32];
    int32_t last_code;
    struct buf frame;
    struct buf scratch;
    struct wire_command command;
    bool deinited;
    struct outcome outcomes[8];
} t;

static inline void on_done(void *ctx, int status, const struct wire_command *response) {
    struct outcome *outcome = ctx;
    ck_assert((status == RMQ_OK) || response == NULL);
    outcome->calls++;
    outcome->status = status;
    outcome->code = response == NULL ? -1 : response->code;
    outcome->at_ns = env_mono_ns(t.env);
}

static inline void deinit(void) {
    remoting_deinit(&t.remoting);
    memset(&t.remoting, 0xEE, sizeof t.remoting); /* nobody may look at it again */
    t.deinited = true;
}

static inline void on_request(void *ctx, struct channel *channel,
                              const struct wire_command *request) {
    struct wire_command command;
    ck_assert_ptr_eq(ctx, &t);
    t.channel = channel;
    t.requests++;
    t.last_code = request->code;
    switch (t.reaction) {
    case REACT_ANSWER:
        wire_command_init(&command, 0);
        command.body = request->body;
        (void)remoting_answer(&t.remoting, channel, request, &command); /* may fail by plan */
        break;
    case REACT_CLOSE:
        channel_close(channel, "test");
        ck_assert_int_eq(
            remoting_answer_code(&t.remoting, channel, request, 1, SPAN_LITERAL("late")),
            (request->flag & WIRE_FLAG_ONEWAY) != 0 ? RMQ_OK : RMQ_E_CLOSED);
        break;
    case REACT_DEINIT:
        deinit();
        break;
    case REACT_CALL_BACK:
        wire_command_init(&command, 40);
        remoting_call_channel(&t.remoting, channel, &command, REMOTING_ASYNC, 1000000000, on_done,
                              &t.outcomes[0]);
        break;
    default:
        break;
    }
}

static inline void on_channel_closed(void *ctx, struct channel *channel, const char *reason) {
    ck_assert_ptr_eq(ctx, &t);
    ck_assert_uint_gt(strlen(channel_peer(channel)), 0);
    ck_assert_uint_gt(channel_id(channel), 0);
    t.closed++;
    snprintf(t.closed_reason, sizeof t.closed_reason, "%s", reason);
    if (t.reaction == REACT_DEINIT_ON_CLOSED && !t.deinited)
        deinit();
}

static const struct remoting_handler HANDLER = {on_request, on_channel_closed};

static inline void start(void) {
    remoting_init(&t.remoting, t.env, &t.config, &HANDLER, &t);
}

static inline void setup(void) {
    memset(&t, 0, sizeof t);
    t.env = fake_create();
    remoting_config_default(&t.config);
    buf_init(&t.frame, NULL);
    buf_init(&t.scratch, t.env);
    start();
}

/* fake_destroy asserts that nothing is left: no memory, timer or connection. */
static inline void teardown(void) {
    if (!t.deinited)
        remoting_deinit(&t.remoting);
    buf_deinit(&t.scratch);
    fake_destroy(t.env);
}

/* ---- helpers -------------------------------------------------------------------------------- */

static uint8_t FRAME_BYTES[4 * 1024 * 1024];
static const uint8_t LARGE_BODY[3000000];

/* A frame as the peer sends it; valid until the next one. */
static inline struct span make_frame(int32_t code, int32_t opaque, int32_t flag, struct span body,
                                     enum wire_serialization serialization) {
    struct wire_command command;
    struct buf frame = {.env = t.env, .data = FRAME_BYTES, .capacity = sizeof FRAME_BYTES};
    wire_command_init(&command, code);
    command.opaque = opaque;
    command.flag = flag;
    command.body = body;
    command.serialization = serialization;
    command.remark = SPAN_LITERAL("a \"remark\"");
    ck_assert_int_eq(wire_encode(&command, &frame), RMQ_OK);
    ck_assert_ptr_eq(frame.data, FRAME_BYTES);
    return buf_span(&frame);
}

static inline struct span make_request(int32_t opaque, int32_t flag) {
    return make_frame(105, opaque, flag, SPAN_LITERAL("body"), WIRE_BINARY);
}

/* The frame at the front of what the node wrote, decoded into t.command. */
static inline const struct wire_command *next_sent(struct env_conn *conn) {
    struct span written = fake_written(conn);
    struct wire_error error;
    size_t len = 0;
    ck_assert_int_eq(wire_frame_length(written, &len), RMQ_OK);
    ck_assert_uint_le(len, written.len);
    ck_assert_int_eq(wire_decode(span_of(written.data, len), &t.scratch, &t.command, &error),
                     RMQ_OK);
    fake_consume(conn, len);
    return &t.command;
}

static inline struct env_conn *accept_peer(void) {
    if (!fake_listening(t.env, PORT))
        ck_assert_int_eq(remoting_listen(&t.remoting, PORT), RMQ_OK);
    struct env_conn *conn = fake_accept(t.env, PORT, "10.0.0.2:50000");
    ck_assert_ptr_nonnull(conn);
    return conn;
}

static inline void call(struct outcome *outcome, enum remoting_mode mode, uint64_t timeout_ms) {
    struct wire_command request;
    wire_command_init(&request, 103);
    remoting_call(&t.remoting, ADDRESS, &request, mode, timeout_ms * 1000000, on_done, outcome);
}

/* A dialled, open connection. */
static inline struct env_conn *open_connection(void) {
    struct outcome *outcome = &t.outcomes[7];
    remoting_connect(&t.remoting, ADDRESS, 10 * SECOND_MS * 1000000, on_done, outcome);
    struct env_conn *conn = fake_dialled(t.env, "10.0.0.1:9876");
    ck_assert_ptr_nonnull(conn);
    fake_dial_succeed(conn);
    ck_assert_int_eq(outcome->calls, 1);
    ck_assert_int_eq(outcome->status, RMQ_OK);
    return conn;
}

static inline void answer(struct env_conn *conn, int32_t opaque) {
    fake_deliver(conn,
                 make_frame(0, opaque, WIRE_FLAG_RESPONSE, SPAN_LITERAL("answer"), WIRE_JSON));
}

#define ck_assert_outcome(outcome, calls_, status_)         \
    do {                                                    \
        ck_assert_int_eq((outcome)->calls, (calls_));       \
        if ((calls_) > 0)                                   \
            ck_assert_int_eq((outcome)->status, (status_)); \
    } while (0)

#endif
