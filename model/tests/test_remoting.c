/* test_remoting.c - a remoting endpoint against a scripted peer. */
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

static void on_done(void *ctx, int status, const struct wire_command *response) {
    struct outcome *outcome = ctx;
    ck_assert((status == RMQ_OK) || response == NULL);
    outcome->calls++;
    outcome->status = status;
    outcome->code = response == NULL ? -1 : response->code;
    outcome->at_ns = env_mono_ns(t.env);
}

static void deinit(void) {
    remoting_deinit(&t.remoting);
    memset(&t.remoting, 0xEE, sizeof t.remoting); /* nobody may look at it again */
    t.deinited = true;
}

static void on_request(void *ctx, struct channel *channel, const struct wire_command *request) {
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

static void on_channel_closed(void *ctx, struct channel *channel, const char *reason) {
    ck_assert_ptr_eq(ctx, &t);
    ck_assert_uint_gt(strlen(channel_peer(channel)), 0);
    ck_assert_uint_gt(channel_id(channel), 0);
    t.closed++;
    snprintf(t.closed_reason, sizeof t.closed_reason, "%s", reason);
    if (t.reaction == REACT_DEINIT_ON_CLOSED && !t.deinited)
        deinit();
}

static const struct remoting_handler HANDLER = {on_request, on_channel_closed};

static void start(void) {
    remoting_init(&t.remoting, t.env, &t.config, &HANDLER, &t);
}

static void setup(void) {
    memset(&t, 0, sizeof t);
    t.env = fake_create();
    remoting_config_default(&t.config);
    buf_init(&t.frame, NULL);
    buf_init(&t.scratch, t.env);
    start();
}

/* fake_destroy asserts that nothing is left: no memory, timer or connection. */
static void teardown(void) {
    if (!t.deinited)
        remoting_deinit(&t.remoting);
    buf_deinit(&t.scratch);
    fake_destroy(t.env);
}

/* ---- helpers -------------------------------------------------------------------------------- */

static uint8_t FRAME_BYTES[4 * 1024 * 1024];
static const uint8_t LARGE_BODY[3000000];

/* A frame as the peer sends it; valid until the next one. */
static struct span make_frame(int32_t code, int32_t opaque, int32_t flag, struct span body,
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

static struct span make_request(int32_t opaque, int32_t flag) {
    return make_frame(105, opaque, flag, SPAN_LITERAL("body"), WIRE_BINARY);
}

/* The frame at the front of what the node wrote, decoded into t.command. */
static const struct wire_command *next_sent(struct env_conn *conn) {
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

static struct env_conn *accept_peer(void) {
    if (!fake_listening(t.env, PORT))
        ck_assert_int_eq(remoting_listen(&t.remoting, PORT), RMQ_OK);
    struct env_conn *conn = fake_accept(t.env, PORT, "10.0.0.2:50000");
    ck_assert_ptr_nonnull(conn);
    return conn;
}

static void call(struct outcome *outcome, enum remoting_mode mode, uint64_t timeout_ms) {
    struct wire_command request;
    wire_command_init(&request, 103);
    remoting_call(&t.remoting, ADDRESS, &request, mode, timeout_ms * 1000000, on_done, outcome);
}

/* A dialled, open connection. */
static struct env_conn *open_connection(void) {
    struct outcome *outcome = &t.outcomes[7];
    remoting_connect(&t.remoting, ADDRESS, 10 * SECOND_MS * 1000000, on_done, outcome);
    struct env_conn *conn = fake_dialled(t.env, "10.0.0.1:9876");
    ck_assert_ptr_nonnull(conn);
    fake_dial_succeed(conn);
    ck_assert_int_eq(outcome->calls, 1);
    ck_assert_int_eq(outcome->status, RMQ_OK);
    return conn;
}

static void answer(struct env_conn *conn, int32_t opaque) {
    fake_deliver(conn,
                 make_frame(0, opaque, WIRE_FLAG_RESPONSE, SPAN_LITERAL("answer"), WIRE_JSON));
}

#define ck_assert_outcome(outcome, calls_, status_)         \
    do {                                                    \
        ck_assert_int_eq((outcome)->calls, (calls_));       \
        if ((calls_) > 0)                                   \
            ck_assert_int_eq((outcome)->status, (status_)); \
    } while (0)

/* ---- requests in ---------------------------------------------------------------------------- */

START_TEST(test_request__is_answered_in_its_serialization) {
    struct env_conn *conn = accept_peer();
    fake_deliver(conn, make_frame(105, -3, 0, SPAN_LITERAL("body"), (enum wire_serialization)_i));
    const struct wire_command *answered = next_sent(conn);
    ck_assert_int_eq(answered->opaque, -3);
    ck_assert_int_eq(answered->flag, WIRE_FLAG_RESPONSE);
    ck_assert_int_eq((int)answered->serialization, _i);
    ck_assert_int_eq(answered->version, WIRE_VERSION_4_9_8);
    ck_assert(span_equal(answered->body, SPAN_LITERAL("body")));
    ck_assert_uint_eq(t.remoting.frames_in, 1);
    ck_assert_uint_eq(t.remoting.frames_out, 1);
    ck_assert_uint_eq(fake_event_count(t.env, EVENT_channel_opened), 1);
    ck_assert_uint_eq(fake_event_uint(t.env, EVENT_channel_opened, "inbound"), 1);
}
END_TEST

START_TEST(test_request__oneway_is_not_answered) {
    struct env_conn *conn = accept_peer();
    fake_deliver(conn, make_request(1, WIRE_FLAG_ONEWAY));
    ck_assert_uint_eq(t.requests, 1);
    ck_assert_uint_eq(fake_written(conn).len, 0);
}
END_TEST

/* Three frames, cut into chunks of each size, and once at each byte. */
START_TEST(test_framer__takes_any_split) {
    uint8_t stream[512];
    size_t len = 0;
    for (int i = 0; i < 3; i++) {
        struct span frame =
            make_frame(105, i, 0, SPAN_LITERAL("0123456789"), i == 1 ? WIRE_JSON : WIRE_BINARY);
        memcpy(stream + len, frame.data, frame.len);
        len += frame.len;
    }
    struct env_conn *conn = accept_peer();
    size_t expected = 0;
    for (size_t chunk = 1; chunk <= len; chunk++) {
        fake_deliver_chopped(conn, span_of(stream, len), chunk);
        ck_assert_uint_eq(t.requests, expected += 3);
    }
    for (size_t cut = 1; cut < len; cut++) {
        fake_deliver(conn, span_of(stream, cut));
        fake_deliver(conn, span_of(stream + cut, len - cut));
        ck_assert_uint_eq(t.requests, expected += 3);
    }
    for (size_t i = 0; i < expected; i++)
        ck_assert_int_eq(next_sent(conn)->opaque, (int32_t)(i % 3));
    ck_assert_uint_eq(fake_written(conn).len, 0);
}
END_TEST

START_TEST(test_framer__keeps_no_memory_between_frames) {
    struct env_conn *conn = accept_peer();
    fake_deliver(conn, make_request(1, 0));
    size_t idle = fake_memory_used(t.env);
    struct span frame = make_frame(105, 2, 0, span_of(LARGE_BODY, 1000000), WIRE_BINARY);
    fake_deliver(conn, span_of(frame.data, 100));
    ck_assert_uint_lt(fake_memory_used(t.env), idle + 1000); /* its length alone costs nothing */
    fake_deliver(conn, span_of(frame.data + 100, 900000));
    ck_assert_uint_gt(fake_memory_used(t.env), idle + 900000);
    fake_deliver(conn, span_of(frame.data + 900100, frame.len - 900100));
    ck_assert_uint_eq(t.requests, 2);
    ck_assert_uint_le(fake_memory_used(t.env), idle + 1024); /* the scratch of an escape */
}
END_TEST

START_TEST(test_framer__bad_frame_closes_the_channel) {
    static const struct span bad[] = {
        {(const uint8_t *)"\x00\x00\x00\x03zzz", 7},                 /* length */
        {(const uint8_t *)"\x7f\xff\xff\xff", 4},                    /* length */
        {(const uint8_t *)"\x00\x00\x00\x06\x05\x00\x00\x00zz", 10}, /* type */
        {(const uint8_t *)"\x00\x00\x00\x0a\x00\x00\x00\x08not json", 16},
    };
    struct env_conn *conn = accept_peer();
    fake_deliver(conn, make_request(1, WIRE_FLAG_ONEWAY));
    if (_i < 4)
        fake_deliver(conn, bad[_i]);
    else
        fake_deliver_chopped(conn, bad[_i - 4], 1);
    ck_assert(fake_is_closed(conn));
    ck_assert_uint_eq(t.requests, 1);
    ck_assert_uint_eq(t.closed, 1);
    ck_assert_str_eq(t.closed_reason, "protocol");
    ck_assert(span_equal(fake_event_text(t.env, EVENT_channel_closed, "reason"),
                         SPAN_LITERAL("protocol")));
}
END_TEST

/* Two requests in one chunk; the first one's handler closes the channel. */
static void deliver_two(struct env_conn *conn, bool chopped) {
    uint8_t stream[256];
    struct span frame = make_request(1, 0);
    memcpy(stream, frame.data, frame.len);
    memcpy(stream + frame.len, frame.data, frame.len);
    if (chopped)
        fake_deliver_chopped(conn, span_of(stream, 2 * frame.len), 7);
    else
        fake_deliver(conn, span_of(stream, 2 * frame.len));
}

START_TEST(test_channel_close__in_a_handler_stops_parsing) {
    t.reaction = REACT_CLOSE;
    struct env_conn *conn = accept_peer();
    deliver_two(conn, _i == 1);
    ck_assert_uint_eq(t.requests, 1);
    ck_assert_str_eq(t.closed_reason, "test");
    ck_assert(fake_is_closed(conn));
    ck_assert_uint_eq(fake_written(conn).len, 0);
}
END_TEST

START_TEST(test_remoting_deinit__in_a_handler) {
    t.reaction = REACT_DEINIT;
    struct env_conn *conn = accept_peer();
    struct env_conn *out = open_connection();
    call(&t.outcomes[0], REMOTING_ASYNC, 1000);
    deliver_two(conn, _i == 1);
    ck_assert_uint_eq(t.requests, 1);
    ck_assert_uint_eq(t.closed, 0);
    ck_assert(fake_is_closed(conn) && fake_is_closed(out));
    ck_assert_outcome(&t.outcomes[0], 1, RMQ_E_CLOSED);
    ck_assert_uint_eq(fake_event_count_of(t.env, EVENT_channel_closed, "reason", "ours"), 2);
}
END_TEST

START_TEST(test_remoting_deinit__in_on_channel_closed) {
    t.reaction = REACT_DEINIT_ON_CLOSED;
    struct env_conn *conn = open_connection();
    call(&t.outcomes[0], REMOTING_SYNC, 1000);
    call(&t.outcomes[1], REMOTING_SYNC, 1000);
    fake_peer_close(conn);
    ck_assert_outcome(&t.outcomes[0], 1, RMQ_E_CLOSED);
    ck_assert_outcome(&t.outcomes[1], 1, RMQ_E_CLOSED);
    ck_assert_uint_eq(t.closed, 1);
}
END_TEST

static void deinit_on_done(void *ctx, int status, const struct wire_command *response) {
    on_done(ctx, status, response);
    if (!t.deinited)
        deinit();
}

/* The clean stop of a node: its last answer ends the remoting. */
START_TEST(test_remoting_deinit__in_done) {
    struct env_conn *conn = open_connection();
    struct wire_command request;
    wire_command_init(&request, 104);
    call(&t.outcomes[0], REMOTING_ASYNC, 1000);
    remoting_call(&t.remoting, ADDRESS, &request, REMOTING_SYNC, 1000000000, deinit_on_done,
                  &t.outcomes[1]);
    if (_i == 0)
        answer(conn, 1);
    else if (_i == 1)
        fake_peer_reset(conn, RMQ_E_RESET);
    else
        fake_advance_ms(t.env, 1000);
    ck_assert_int_eq(t.outcomes[0].calls, 1);
    ck_assert_int_eq(t.outcomes[1].calls, 1);
    ck_assert(t.deinited);
}
END_TEST

START_TEST(test_listen__closes_above_channels_max) {
    t.config.channels_max = 2;
    remoting_deinit(&t.remoting);
    start();
    struct env_conn *first = accept_peer();
    accept_peer();
    ck_assert_ptr_null(fake_accept(t.env, PORT, "10.0.0.3:1"));
    fake_peer_close(first);
    ck_assert_str_eq(t.closed_reason, "close");
    ck_assert_ptr_nonnull(fake_accept(t.env, PORT, "10.0.0.3:1"));
}
END_TEST

/* ---- requests out --------------------------------------------------------------------------- */

START_TEST(test_call__dials_then_sends_then_answers) {
    call(&t.outcomes[0], REMOTING_SYNC, 3000);
    struct env_conn *conn = fake_dialled(t.env, "10.0.0.1:9876");
    ck_assert_ptr_null(remoting_find(&t.remoting, ADDRESS));
    fake_dial_succeed(conn);
    ck_assert_ptr_nonnull(remoting_find(&t.remoting, ADDRESS));
    const struct wire_command *sent = next_sent(conn);
    ck_assert_int_eq(sent->code, 103);
    ck_assert_int_eq(sent->flag, 0);
    ck_assert_int_eq((int)sent->serialization, WIRE_BINARY);
    ck_assert_int_eq((int)sent->language, WIRE_LANGUAGE_OTHER);
    answer(conn, sent->opaque);
    ck_assert_outcome(&t.outcomes[0], 1, RMQ_OK);
    ck_assert_int_eq(t.outcomes[0].code, 0);
    answer(conn, sent->opaque); /* once more: nobody waits */
    ck_assert_int_eq(t.outcomes[0].calls, 1);
    ck_assert_uint_eq(t.remoting.answers_unmatched, 1);
    ck_assert_uint_eq(t.remoting.pending_count, 0);
}
END_TEST

START_TEST(test_call__one_connection_per_address) {
    call(&t.outcomes[0], REMOTING_SYNC, 3000);
    call(&t.outcomes[1], REMOTING_ASYNC, 3000);
    ck_assert_uint_eq(fake_dial_count(t.env, NULL), 1);
    struct env_conn *conn = fake_dialled(t.env, "10.0.0.1:9876");
    fake_dial_succeed(conn);
    call(&t.outcomes[2], REMOTING_ASYNC, 3000);
    ck_assert_uint_eq(fake_dial_count(t.env, NULL), 1);
    int32_t opaques[3];
    for (int i = 0; i < 3; i++)
        opaques[i] = next_sent(conn)->opaque;
    for (int i = 2; i >= 0; i--) /* answers in any order */
        answer(conn, opaques[i]);
    for (int i = 0; i < 3; i++)
        ck_assert_outcome(&t.outcomes[i], 1, RMQ_OK);
    fake_peer_close(conn);
    ck_assert_ptr_null(remoting_find(&t.remoting, ADDRESS));
    call(&t.outcomes[3], REMOTING_ASYNC, 3000); /* no back-off */
    ck_assert_uint_eq(fake_dial_count(t.env, "10.0.0.1:9876"), 2);
    remoting_cancel(&t.remoting, &t.outcomes[3]);
}
END_TEST

START_TEST(test_call__sync_timeout_is_exact_and_closes) {
    struct env_conn *conn = open_connection();
    uint64_t start_ns = env_mono_ns(t.env);
    call(&t.outcomes[0], REMOTING_SYNC, 3000);
    fake_advance_ms(t.env, 500);
    call(&t.outcomes[1], REMOTING_ASYNC, 30000); /* a parked long poll */
    fake_advance(t.env, UINT64_C(2499999999));
    ck_assert_int_eq(t.outcomes[0].calls, 0);
    fake_advance(t.env, 1);
    ck_assert_outcome(&t.outcomes[0], 1, RMQ_E_TIMEOUT);
    ck_assert_uint_eq(t.outcomes[0].at_ns - start_ns, UINT64_C(3000000000));
    ck_assert(fake_is_closed(conn));
    ck_assert_str_eq(t.closed_reason, "timeout");
    ck_assert_outcome(&t.outcomes[1], 1, RMQ_E_CLOSED);
}
END_TEST

START_TEST(test_call__async_timeout_keeps_the_connection) {
    struct env_conn *conn = open_connection();
    call(&t.outcomes[0], REMOTING_ASYNC, 3000);
    int32_t opaque = next_sent(conn)->opaque;
    fake_advance_ms(t.env, 3000);
    ck_assert_outcome(&t.outcomes[0], 1, RMQ_E_TIMEOUT);
    ck_assert(fake_is_open(conn));
    answer(conn, opaque); /* late */
    ck_assert_int_eq(t.outcomes[0].calls, 1);
    ck_assert_uint_eq(t.remoting.answers_unmatched, 1);
}
END_TEST

START_TEST(test_call__connect_time_counts) {
    call(&t.outcomes[0], _i == 0 ? REMOTING_SYNC : REMOTING_ASYNC, 1000);
    call(&t.outcomes[1], REMOTING_SYNC, 2500);
    struct env_conn *conn = fake_dialled(t.env, "10.0.0.1:9876");
    fake_advance_ms(t.env, 1000);
    ck_assert_outcome(&t.outcomes[0], 1, RMQ_E_TIMEOUT);
    fake_advance_ms(t.env, 1000);
    fake_dial_succeed(conn);
    ck_assert_int_eq(next_sent(conn)->opaque, 1); /* the first is not written any more */
    ck_assert_uint_eq(fake_written(conn).len, 0);
    fake_advance_ms(t.env, 500);
    ck_assert_outcome(&t.outcomes[1], 1, RMQ_E_TIMEOUT);
    ck_assert(fake_is_closed(conn));
}
END_TEST

START_TEST(test_call__connect_timeout) {
    call(&t.outcomes[0], REMOTING_SYNC, 6000);
    struct env_conn *conn = fake_dialled(t.env, "10.0.0.1:9876");
    fake_advance_ms(t.env, 2999);
    ck_assert_int_eq(t.outcomes[0].calls, 0);
    fake_advance_ms(t.env, 1);
    ck_assert_outcome(&t.outcomes[0], 1, RMQ_E_TIMEOUT);
    ck_assert(fake_is_closed(conn));
    ck_assert_uint_eq(t.closed, 0); /* it never opened */
    ck_assert_uint_eq(fake_event_count_of(t.env, EVENT_channel_closed, "reason", "timeout"), 1);
}
END_TEST

START_TEST(test_call__connect_failure) {
    static const struct {
        int reason;
        const char *text;
    } cases[] = {{RMQ_E_REFUSED, "refused"},
                 {RMQ_E_TIMEOUT, "timeout"},
                 {RMQ_E_UNREACHABLE, "unreachable"},
                 {RMQ_E_INVALID, "invalid"}};
    call(&t.outcomes[0], REMOTING_SYNC, 6000);
    remoting_connect(&t.remoting, ADDRESS, 6000, on_done, &t.outcomes[1]);
    fake_dial_fail(fake_dialled(t.env, "10.0.0.1:9876"), cases[_i].reason);
    ck_assert_outcome(&t.outcomes[0], 1, cases[_i].reason);
    ck_assert_outcome(&t.outcomes[1], 1, cases[_i].reason);
    ck_assert_uint_eq(fake_event_count_of(t.env, EVENT_channel_closed, "reason", cases[_i].text),
                      1);
    ck_assert_uint_eq(fake_event_count(t.env, EVENT_channel_opened), 0);
    ck_assert_uint_eq(t.closed, 0);
}
END_TEST

START_TEST(test_call__end_of_the_connection_fails_what_is_in_flight) {
    static const struct {
        int reason, status;
        const char *text;
    } cases[] = {{RMQ_E_CLOSED, RMQ_E_CLOSED, "close"},
                 {RMQ_E_RESET, RMQ_E_RESET, "reset"},
                 {RMQ_E_TIMEOUT, RMQ_E_RESET, "timeout"}};
    struct env_conn *conn = open_connection();
    call(&t.outcomes[0], REMOTING_SYNC, 6000);
    call(&t.outcomes[1], REMOTING_ASYNC, 6000);
    if (cases[_i].reason == RMQ_E_CLOSED)
        fake_peer_close(conn);
    else
        fake_peer_reset(conn, cases[_i].reason);
    ck_assert_outcome(&t.outcomes[0], 1, cases[_i].status);
    ck_assert_outcome(&t.outcomes[1], 1, cases[_i].status);
    ck_assert_str_eq(t.closed_reason, cases[_i].text);
}
END_TEST

START_TEST(test_oneway__is_sent_when_the_connection_opens) {
    struct wire_command request;
    wire_command_init(&request, 904);
    ck_assert_int_eq(remoting_oneway(&t.remoting, ADDRESS, &request), RMQ_OK);
    struct env_conn *conn = fake_dialled(t.env, "10.0.0.1:9876");
    fake_dial_succeed(conn);
    ck_assert_int_eq(next_sent(conn)->flag, WIRE_FLAG_ONEWAY);
    ck_assert_int_eq(remoting_oneway(&t.remoting, ADDRESS, &request), RMQ_OK);
    ck_assert_int_eq(next_sent(conn)->code, 904);
    ck_assert_uint_eq(t.remoting.pending_count, 0);
}
END_TEST

START_TEST(test_connect__done_at_once_when_open) {
    open_connection();
    remoting_connect(&t.remoting, ADDRESS, 1, on_done, &t.outcomes[0]);
    ck_assert_outcome(&t.outcomes[0], 1, RMQ_OK);
}
END_TEST

START_TEST(test_call_channel__asks_the_one_who_connected) {
    t.reaction = REACT_CALL_BACK;
    struct env_conn *conn = accept_peer();
    struct env_conn *other = fake_accept(t.env, PORT, "10.0.0.3:50000");
    fake_deliver(conn, make_request(1, 0));
    int32_t opaque = next_sent(conn)->opaque;
    ck_assert_int_eq(t.command.code, 40);
    answer(other, opaque); /* not the one that was asked */
    ck_assert_outcome(&t.outcomes[0], 0, 0);
    answer(conn, opaque);
    ck_assert_outcome(&t.outcomes[0], 1, RMQ_OK);
    ck_assert_uint_eq(t.remoting.answers_unmatched, 1);
}
END_TEST

START_TEST(test_cancel__forgets) {
    struct env_conn *conn = open_connection();
    call(&t.outcomes[0], REMOTING_ASYNC, 1000);
    call(&t.outcomes[1], REMOTING_ASYNC, 1000);
    remoting_cancel(&t.remoting, &t.outcomes[0]);
    answer(conn, next_sent(conn)->opaque);
    fake_advance_ms(t.env, 1000);
    ck_assert_outcome(&t.outcomes[0], 0, 0);
    ck_assert_outcome(&t.outcomes[1], 1, RMQ_E_TIMEOUT);
}
END_TEST

START_TEST(test_call__bounded_and_found_among_many) {
    enum { MANY = 200 };
    static struct outcome outcomes[MANY + 1];
    static int32_t opaques[MANY];
    memset(outcomes, 0, sizeof outcomes);
    t.config.pending_max = MANY;
    remoting_deinit(&t.remoting);
    start();
    struct env_conn *conn = open_connection();
    for (int i = 0; i <= MANY; i++)
        call(&outcomes[i], REMOTING_ASYNC, 1000);
    ck_assert_outcome(&outcomes[MANY], 1, RMQ_E_FULL);
    for (int i = 0; i < MANY; i++)
        opaques[i] = next_sent(conn)->opaque;
    for (int i = 0; i < MANY; i++)
        answer(conn, opaques[(i * 7) % MANY]);
    for (int i = 0; i < MANY; i++)
        ck_assert_outcome(&outcomes[i], 1, RMQ_OK);
    ck_assert_uint_eq(t.remoting.pending_count, 0);
    call(&t.outcomes[0], REMOTING_ASYNC, 1000); /* the buckets begin anew */
    answer(conn, next_sent(conn)->opaque);
    ck_assert_outcome(&t.outcomes[0], 1, RMQ_OK);
}
END_TEST

START_TEST(test_call__opaque_wraps_and_skips_what_is_in_use) {
    struct env_conn *conn = open_connection();
    t.remoting.next_opaque = INT32_MAX;
    call(&t.outcomes[0], REMOTING_ASYNC, 1000);
    call(&t.outcomes[1], REMOTING_ASYNC, 1000);
    ck_assert_int_eq(next_sent(conn)->opaque, INT32_MAX);
    ck_assert_int_eq(next_sent(conn)->opaque, INT32_MIN);
    t.remoting.next_opaque = INT32_MAX;
    call(&t.outcomes[2], REMOTING_ASYNC, 1000);
    ck_assert_int_eq(next_sent(conn)->opaque, INT32_MIN + 1);
    fake_advance_ms(t.env, 1000);
}
END_TEST

START_TEST(test_call__refuses_what_does_not_encode) {
    struct wire_command request;
    open_connection();
    wire_command_init(&request, 200050);
    remoting_call(&t.remoting, ADDRESS, &request, REMOTING_SYNC, 1000000000, on_done,
                  &t.outcomes[0]);
    ck_assert_outcome(&t.outcomes[0], 1, RMQ_E_RANGE);
    ck_assert_uint_eq(t.remoting.pending_count, 0);
}
END_TEST

/* ---- idle close ----------------------------------------------------------------------------- */

START_TEST(test_idle__closes_after_exactly_120_s) {
    struct env_conn *conn = _i == 0 ? accept_peer() : open_connection();
    fake_advance(t.env, UINT64_C(119999999999));
    ck_assert(fake_is_open(conn));
    fake_advance(t.env, 1);
    ck_assert(fake_is_closed(conn));
    ck_assert_str_eq(t.closed_reason, "idle");
    ck_assert_uint_eq(fake_timer_count(t.env), 0);
}
END_TEST

/* A byte in either direction postpones it; a part of a frame counts. */
START_TEST(test_idle__postponed_by_traffic) {
    struct env_conn *conn = accept_peer();
    fake_advance_ms(t.env, 70 * SECOND_MS);
    fake_deliver(conn, SPAN_LITERAL("\0"));
    size_t timers_before = fake_call_count(t.env);
    fake_advance_ms(t.env, 70 * SECOND_MS);
    ck_assert(fake_is_open(conn));
    ck_assert_uint_gt(fake_call_count(t.env), timers_before);
    struct wire_command request;
    wire_command_init(&request, 40);
    t.reaction = REACT_NOTHING;
    struct span rest = make_request(5, 0);
    fake_deliver(conn, span_of(rest.data + 1, rest.len - 1)); /* at 140 s */
    ck_assert_uint_eq(t.requests, 1);
    fake_advance_ms(t.env, 100 * SECOND_MS);
    ck_assert_int_eq(remoting_oneway_channel(&t.remoting, t.channel, &request), RMQ_OK);
    fake_advance_ms(t.env, 120 * SECOND_MS - 1);
    ck_assert(fake_is_open(conn));
    fake_advance_ms(t.env, 1);
    ck_assert(fake_is_closed(conn));
}
END_TEST

START_TEST(test_idle__never_when_off) {
    t.config.idle_close_ns = 0;
    remoting_deinit(&t.remoting);
    start();
    struct env_conn *conn = accept_peer();
    ck_assert_uint_eq(fake_timer_count(t.env), 0);
    fake_advance_ms(t.env, 3600 * SECOND_MS);
    ck_assert(fake_is_open(conn));
}
END_TEST

/* ---- back-pressure -------------------------------------------------------------------------- */

START_TEST(test_answer__waits_until_the_peer_reads) {
    struct env_conn *conn = accept_peer();
    fake_stall(conn, 0);
    for (int i = 0; i < 3; i++)
        fake_deliver(conn, make_request(i, 0));
    ck_assert_uint_eq(t.requests, 3);
    ck_assert_uint_eq(fake_written(conn).len, 0);
    fake_unstall(conn);
    fake_settle(t.env);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(next_sent(conn)->opaque, i);
    fake_deliver(conn, make_request(3, 0));
    ck_assert_int_eq(next_sent(conn)->opaque, 3);
}
END_TEST

START_TEST(test_answer__closes_a_slow_channel) {
    struct env_conn *conn = accept_peer();
    fake_stall(conn, 0);
    struct span large = make_frame(105, 1, 0, span_of(LARGE_BODY, sizeof LARGE_BODY), WIRE_BINARY);
    for (int i = 0; i < 5; i++)
        fake_deliver(conn, large);
    fake_settle(t.env);
    ck_assert(fake_is_open(conn)); /* 15 MB wait */
    fake_deliver(conn, large);
    fake_settle(t.env);
    ck_assert(fake_is_closed(conn));
    ck_assert_str_eq(t.closed_reason, "slow");
}
END_TEST

/* ---- memory --------------------------------------------------------------------------------- */

START_TEST(test_memory__of_an_idle_channel) {
    size_t before = fake_memory_used(t.env);
    ck_assert_int_eq(remoting_listen(&t.remoting, PORT), RMQ_OK);
    struct env_conn *conns[10];
    for (int i = 0; i < 10; i++)
        conns[i] = fake_accept(t.env, PORT, "10.0.0.2:50000");
    for (int i = 0; i < 10; i++)
        fake_deliver(conns[i], make_request(i, 0));
    size_t each = (fake_memory_used(t.env) - before) / 10;
    ck_assert_uint_lt(each, 400);
    ck_assert_uint_lt(sizeof t.remoting, 512);
}
END_TEST

/* A whole little life; with the n-th allocation failing, for each n, something else goes wrong, but
 * nothing is lost: each call has one outcome and teardown finds nothing left. */
static void little_life(void) {
    if (remoting_listen(&t.remoting, PORT) != RMQ_OK)
        return;
    struct env_conn *in = fake_accept(t.env, PORT, "10.0.0.2:50000");
    if (in != NULL)
        fake_deliver_chopped(in, make_frame(105, 1, 0, SPAN_LITERAL("b"), WIRE_JSON), 11);
    call(&t.outcomes[0], REMOTING_SYNC, 1000);
    remoting_connect(&t.remoting, ADDRESS, 1000000000, on_done, &t.outcomes[1]);
    struct env_conn *out = fake_dialled(t.env, "10.0.0.1:9876");
    if (out != NULL)
        fake_dial_succeed(out);
    if (out != NULL && fake_is_open(out) && fake_written(out).len > 0) {
        fake_stall(out, 0);
        call(&t.outcomes[2], REMOTING_ASYNC, 1000);
        fake_unstall(out);
        fake_settle(t.env);
        for (int i = 3; i < 8; i++)
            call(&t.outcomes[i], REMOTING_ASYNC, 1000);
        answer(out, 0);
    }
    fake_advance_ms(t.env, 2000);
    for (int i = 0; i < 8; i++)
        ck_assert_int_le(t.outcomes[i].calls, 1);
    ck_assert_int_eq(t.outcomes[0].calls, 1);
    ck_assert_int_eq(t.outcomes[1].calls, 1);
}

START_TEST(test_memory__nth_allocation_fails) {
    bool failed = true;
    unsigned n = 1;
    for (; failed; n++) {
        teardown();
        setup();
        fake_fail_at(t.env, FAKE_FAIL_ALLOC, n);
        little_life();
        failed = fake_failed(t.env, FAKE_FAIL_ALLOC);
    }
    ck_assert_uint_gt(n, 10);
    ck_assert_int_eq(t.outcomes[0].status, RMQ_OK);
}
END_TEST

START_TEST(test_dial__fails_at_once) {
    fake_fail_at(t.env, FAKE_FAIL_DIAL, 1);
    call(&t.outcomes[0], REMOTING_SYNC, 1000);
    ck_assert_outcome(&t.outcomes[0], 1, RMQ_E_NOMEM);
    ck_assert_uint_eq(t.remoting.channel_count, 0);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("remoting");
    TCase *tests = suite_case(suite, "in");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, test_request__is_answered_in_its_serialization, 0, 2);
    tcase_add_test(tests, test_request__oneway_is_not_answered);
    tcase_add_test(tests, test_framer__takes_any_split);
    tcase_add_test(tests, test_framer__keeps_no_memory_between_frames);
    tcase_add_loop_test(tests, test_framer__bad_frame_closes_the_channel, 0, 8);
    tcase_add_loop_test(tests, test_channel_close__in_a_handler_stops_parsing, 0, 2);
    tcase_add_loop_test(tests, test_remoting_deinit__in_a_handler, 0, 2);
    tcase_add_test(tests, test_remoting_deinit__in_on_channel_closed);
    tcase_add_loop_test(tests, test_remoting_deinit__in_done, 0, 3);
    tcase_add_test(tests, test_listen__closes_above_channels_max);
    tests = suite_case(suite, "out");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_call__dials_then_sends_then_answers);
    tcase_add_test(tests, test_call__one_connection_per_address);
    tcase_add_test(tests, test_call__sync_timeout_is_exact_and_closes);
    tcase_add_test(tests, test_call__async_timeout_keeps_the_connection);
    tcase_add_loop_test(tests, test_call__connect_time_counts, 0, 2);
    tcase_add_test(tests, test_call__connect_timeout);
    tcase_add_loop_test(tests, test_call__connect_failure, 0, 4);
    tcase_add_loop_test(tests, test_call__end_of_the_connection_fails_what_is_in_flight, 0, 3);
    tcase_add_test(tests, test_oneway__is_sent_when_the_connection_opens);
    tcase_add_test(tests, test_connect__done_at_once_when_open);
    tcase_add_test(tests, test_call_channel__asks_the_one_who_connected);
    tcase_add_test(tests, test_cancel__forgets);
    tcase_add_test(tests, test_call__bounded_and_found_among_many);
    tcase_add_test(tests, test_call__opaque_wraps_and_skips_what_is_in_use);
    tcase_add_test(tests, test_call__refuses_what_does_not_encode);
    tests = suite_case(suite, "idle, slow, memory");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, test_idle__closes_after_exactly_120_s, 0, 2);
    tcase_add_test(tests, test_idle__postponed_by_traffic);
    tcase_add_test(tests, test_idle__never_when_off);
    tcase_add_test(tests, test_answer__waits_until_the_peer_reads);
    tcase_add_test(tests, test_answer__closes_a_slow_channel);
    tcase_add_test(tests, test_memory__of_an_idle_channel);
    tcase_add_test(tests, test_memory__nth_allocation_fails);
    tcase_add_test(tests, test_dial__fails_at_once);
    return suite_run(suite);
}
