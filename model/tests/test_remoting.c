/* test_remoting.c - requests in, framing, idle close, back-pressure, memory. */
#include "model/tests/remoting_fixture.h"

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

/* Peers that send half frames, or do not read: together they keep no more than kept_bytes_max; the
 * one that keeps the most goes, the others stay. */
START_TEST(test_kept__the_greediest_channel_is_closed) {
    struct env_conn *conns[3];
    t.remoting.config.kept_bytes_max = 8U << 20;
    for (int i = 0; i < 3; i++)
        conns[i] = i == 0 ? accept_peer() : fake_accept(t.env, PORT, "10.0.0.2:50000");
    fake_stall(conns[1], 0);
    struct span large = make_frame(105, 1, 0, span_of(LARGE_BODY, sizeof LARGE_BODY), WIRE_BINARY);
    fake_deliver(conns[0], span_of(large.data, large.len - 1)); /* 3 MB: half a frame */
    fake_deliver(conns[1], large);                              /* 3 MB: an answer not read */
    ck_assert(!t.remoting.shedding);
    ck_assert_uint_ge(t.remoting.kept_bytes, 2 * sizeof LARGE_BODY);
    fake_deliver(conns[1], large); /* 9 MB */
    ck_assert(t.remoting.shedding);
    ck_assert(fake_is_open(conns[1]));
    fake_settle(t.env);
    ck_assert(fake_is_closed(conns[1]));
    ck_assert_str_eq(t.closed_reason, "greedy");
    ck_assert(!t.remoting.shedding);
    fake_deliver(conns[0], span_of(large.data + large.len - 1, 1));
    ck_assert_int_eq(next_sent(conns[0])->opaque, 1);
    ck_assert_uint_eq(t.remoting.kept_bytes, 0);
    fake_deliver(conns[2], make_request(7, 0));
    ck_assert_int_eq(next_sent(conns[2])->opaque, 7);
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

int main(void) {
    Suite *suite = suite_create("remoting");
    TCase *tests = suite_case(suite, "requests in");
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
    tests = suite_case(suite, "idle, slow, memory");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, test_idle__closes_after_exactly_120_s, 0, 2);
    tcase_add_test(tests, test_idle__postponed_by_traffic);
    tcase_add_test(tests, test_idle__never_when_off);
    tcase_add_test(tests, test_answer__waits_until_the_peer_reads);
    tcase_add_test(tests, test_answer__closes_a_slow_channel);
    tcase_add_test(tests, test_kept__the_greediest_channel_is_closed);
    tcase_add_test(tests, test_memory__of_an_idle_channel);
    tcase_add_test(tests, test_memory__nth_allocation_fails);
    return suite_run(suite);
}
