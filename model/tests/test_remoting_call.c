/* test_remoting_call.c - requests out: answers, timeouts, failures. */
#include "model/tests/remoting_fixture.h"

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

START_TEST(test_dial__fails_at_once) {
    fake_fail_at(t.env, FAKE_FAIL_DIAL, 1);
    call(&t.outcomes[0], REMOTING_SYNC, 1000);
    ck_assert_outcome(&t.outcomes[0], 1, RMQ_E_NOMEM);
    ck_assert_uint_eq(t.remoting.channel_count, 0);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("remoting_call");
    TCase *tests = suite_case(suite, "requests out");
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
    tcase_add_test(tests, test_dial__fails_at_once);
    return suite_run(suite);
}
