/* test_client_names.c - which name server a client asks: choice, stickiness, rotation, probing. */
#include "model/client/client.h"
#include "model/client/client_internal.h"
#include "model/tests/peer.h"
#include "model/tests/suite.h"

#define THREE "namesrvAddr=10.0.0.1:9876;10.0.0.2:9876;10.0.0.3:9876\n"
#define A_TOPIC "topics=A\n"
#define MS UINT64_C(1000000)

static const char *const ADDRESSES[] = {"10.0.0.1:9876", "10.0.0.2:9876", "10.0.0.3:9876"};
static struct env *env;

static void setup(void) {
    env = fake_create();
}

static void teardown(void) {
    fake_destroy(env);
}

static void start(const char *config) {
    ck_assert_int_eq(fake_start_text(env, &client_role, config), RMQ_OK);
}

static void stop(void) {
    fake_stop(env);
    ck_assert(fake_exited(env, NULL));
}

/* Index of the one address that is being dialled; 3 when none. */
static size_t dialled(void) {
    size_t found = 3;
    for (size_t i = 0; i < 3; i++) {
        if (fake_dialled(env, ADDRESSES[i]) == NULL)
            continue;
        ck_assert_uint_eq(found, 3);
        found = i;
    }
    return found;
}

static void refuse(size_t i) {
    fake_dial_fail(fake_dialled(env, ADDRESSES[i]), RMQ_E_REFUSED);
}

static void expect_query(struct peer *peer, struct wire_command *request) {
    peer_expect(peer, REQUEST_GET_ROUTEINFO_BY_TOPIC, request);
}

/* Answers a query with "no such topic", which is as good as any. */
static void answer_query(struct peer *peer) {
    struct wire_command request;
    expect_query(peer, &request);
    peer_answer_body(peer, &request, RESPONSE_TOPIC_NOT_EXIST, NULL);
}

static size_t polls_failed(void) {
    return (size_t)fake_event_uint(env, EVENT_client_poll_done, "failed");
}

/* ---- choice ---------------------------------------------------------------------------------- */

START_TEST(test_choice__is_random_and_one_only) {
    size_t chosen[3] = {0, 0, 0};
    teardown();
    for (uint64_t seed = 1; seed <= 300; seed++) {
        setup();
        fake_seed(env, seed);
        start(THREE A_TOPIC);
        fake_advance_ms(env, 9);
        ck_assert_uint_eq(dialled(), 3);
        fake_advance_ms(env, 1);
        chosen[dialled()]++;
        stop();
        teardown();
    }
    for (size_t i = 0; i < 3; i++)
        ck_assert_uint_ge(chosen[i], 70); /* of 100 expected; sd 8 */
    setup();
}
END_TEST

START_TEST(test_choice__sticks_while_the_connection_lives) {
    struct peer peer;
    start(THREE A_TOPIC);
    fake_advance_ms(env, 10);
    size_t first = dialled();
    peer_accept(&peer, env, ADDRESSES[first]);
    for (size_t i = 0; i < 20; i++) {
        answer_query(&peer);
        fake_advance_ms(env, 30000);
    }
    ck_assert_uint_eq(fake_dial_count(env, NULL), 1);
    ck_assert_uint_eq(fake_event_count(env, EVENT_client_name_server_chosen), 1);
    ck_assert_uint_eq(fake_event_count(env, EVENT_client_name_server_lost), 0);
    ck_assert_span_eq(fake_event_text(env, EVENT_client_name_server_chosen, "name_server"),
                      ADDRESSES[first]);
    stop();
    peer_deinit(&peer);
}
END_TEST

/* ---- rotation, 4.9 --------------------------------------------------------------------------- */

START_TEST(test_rotation__tries_the_whole_list_in_one_call) {
    bool seen[3] = {false, false, false};
    start(THREE A_TOPIC);
    fake_advance_ms(env, 10);
    for (size_t i = 0; i < 3; i++) {
        size_t at = dialled();
        ck_assert_uint_lt(at, 3);
        ck_assert(!seen[at]);
        seen[at] = true;
        ck_assert_uint_eq(fake_event_count(env, EVENT_client_poll_done), 0);
        refuse(at);
    }
    ck_assert_uint_eq(dialled(), 3);
    ck_assert_uint_eq(polls_failed(), 1);
    fake_advance_ms(env, 30000);
    ck_assert_uint_lt(dialled(), 3); /* the next poll begins again */
    stop();
}
END_TEST

START_TEST(test_rotation__goes_on_with_the_next_that_connects) {
    struct peer peer;
    start(THREE A_TOPIC);
    fake_advance_ms(env, 10);
    size_t first = dialled();
    refuse(first);
    size_t second = dialled();
    ck_assert_uint_ne(second, first);
    peer_accept(&peer, env, ADDRESSES[second]);
    answer_query(&peer);
    ck_assert_span_eq(fake_event_text(env, EVENT_client_name_server_chosen, "name_server"),
                      ADDRESSES[second]);
    stop();
    peer_deinit(&peer);
}
END_TEST

/* 3 s of dialling use up the call: it fails without being sent, and 4.9.8 closes the good
 * connection too. The next poll takes the third. */
START_TEST(test_rotation__a_hanging_dial_uses_up_the_call) {
    struct peer second, third;
    start(THREE A_TOPIC);
    fake_advance_ms(env, 10);
    size_t first_at = dialled();
    fake_advance_ms(env, 3000);
    size_t second_at = dialled();
    ck_assert_uint_ne(second_at, first_at);
    peer_accept(&second, env, ADDRESSES[second_at]);
    ck_assert_uint_eq(polls_failed(), 1);
    ck_assert(fake_is_closed(second.conn));
    ck_assert_uint_eq(fake_written(second.conn).len, 0);
    fake_advance_ms(env, 27000);
    size_t third_at = dialled();
    ck_assert_uint_ne(third_at, first_at);
    ck_assert_uint_ne(third_at, second_at);
    peer_accept(&third, env, ADDRESSES[third_at]);
    answer_query(&third);
    ck_assert_uint_eq(polls_failed(), 0);
    stop();
    peer_deinit(&second);
    peer_deinit(&third);
}
END_TEST

START_TEST(test_rotation__a_silent_name_server_is_left_after_3_s) {
    struct peer first, second;
    struct wire_command request;
    start(THREE A_TOPIC);
    fake_advance_ms(env, 10);
    size_t first_at = dialled();
    peer_accept(&first, env, ADDRESSES[first_at]);
    expect_query(&first, &request);
    fake_advance_ms(env, 2999);
    ck_assert(fake_is_open(first.conn));
    fake_advance_ms(env, 1);
    ck_assert(fake_is_closed(first.conn));
    ck_assert_uint_eq(polls_failed(), 1);
    ck_assert_span_eq(fake_event_text(env, EVENT_client_name_server_lost, "reason"), "timeout");
    ck_assert_uint_eq(dialled(), 3); /* no reconnect in between */
    fake_advance_ms(env, 27000);
    ck_assert_uint_lt(dialled(), 3);
    ck_assert_uint_ne(dialled(), first_at);
    peer_accept(&second, env, ADDRESSES[dialled()]);
    answer_query(&second);
    stop();
    peer_deinit(&first);
    peer_deinit(&second);
}
END_TEST

START_TEST(test_rotation__a_closed_connection_is_left_at_the_next_poll) {
    struct peer first;
    start(THREE A_TOPIC);
    fake_advance_ms(env, 10);
    size_t first_at = dialled();
    peer_accept(&first, env, ADDRESSES[first_at]);
    answer_query(&first);
    fake_peer_reset(first.conn, RMQ_E_RESET);
    ck_assert_span_eq(fake_event_text(env, EVENT_client_name_server_lost, "reason"), "reset");
    fake_advance_ms(env, 29999);
    ck_assert_uint_eq(dialled(), 3);
    fake_advance_ms(env, 1);
    ck_assert_uint_ne(dialled(), first_at);
    ck_assert_uint_lt(dialled(), 3);
    stop();
    peer_deinit(&first);
}
END_TEST

START_TEST(test_rotation__an_empty_list_fails_each_poll) {
    start(A_TOPIC);
    fake_advance_ms(env, 30010);
    ck_assert_uint_eq(fake_event_count(env, EVENT_client_poll_done), 2);
    ck_assert_uint_eq(polls_failed(), 1);
    stop();
}
END_TEST

/* A second call does not open a second connection; it follows when the first has chosen. */
START_TEST(test_calls__wait_for_the_one_that_connects) {
    struct peer peer;
    struct wire_command first, second;
    start(THREE A_TOPIC);
    fake_advance_ms(env, 10);
    size_t at = dialled();
    ck_assert_int_eq(fake_command_text(env, "do=get-route\ntopic=B\n"), RMQ_OK);
    ck_assert_uint_eq(fake_dial_count(env, NULL), 1);
    peer_accept(&peer, env, ADDRESSES[at]);
    expect_query(&peer, &first);
    ck_assert_span_eq(wire_field(&first, "topic"), "A");
    peer_expect(&peer, REQUEST_GET_ROUTEINFO_BY_TOPIC, &second);
    ck_assert_span_eq(wire_field(&second, "topic"), "B");
    stop();
    peer_deinit(&peer);
}
END_TEST

START_TEST(test_calls__may_be_given_up_while_connecting) {
    start(THREE A_TOPIC);
    fake_advance_ms(env, 10);
    ck_assert_int_eq(fake_command_text(env, "do=get-route\ntopic=B\n"), RMQ_OK);
    stop();
}
END_TEST

/* ---- 5.3 ------------------------------------------------------------------------------------- */

#define V5 "profile=5.3\n" THREE A_TOPIC

START_TEST(test_profile_5_3__tries_one_per_call) {
    start(V5);
    for (size_t i = 0; i < 3; i++)
        refuse(i); /* the probe's */
    fake_advance_ms(env, 10);
    size_t first = dialled();
    ck_assert_uint_lt(first, 3);
    refuse(first);
    ck_assert_uint_eq(dialled(), 3);
    ck_assert_uint_eq(polls_failed(), 1);
    stop();
}
END_TEST

START_TEST(test_profile_5_3__probes_all_each_3_s) {
    struct peer peers[3];
    start(V5);
    for (size_t i = 0; i < 3; i++)
        peer_accept(&peers[i], env, ADDRESSES[i]);
    fake_advance_ms(env, 10);
    for (size_t poll = 0; poll < 4; poll++) {
        size_t asked = 0;
        for (size_t i = 0; i < 3; i++) {
            if (fake_written(peers[i].conn).len == 0)
                continue;
            asked++;
            answer_query(&peers[i]);
        }
        ck_assert_uint_eq(asked, 1);
        fake_advance_ms(env, poll < 3 ? 30000 : 29990);
    }
    /* 120 s: the client itself closes the two that were idle */
    ck_assert_uint_eq(fake_event_count(env, EVENT_channel_closed), 2);
    fake_advance_ms(env, 3000);
    ck_assert_uint_eq(fake_dial_count(env, NULL), 5);
    stop();
    for (size_t i = 0; i < 3; i++)
        peer_deinit(&peers[i]);
}
END_TEST

/* The rest of a call that waited for its connection is short: 5.3 keeps the connection then. */
START_TEST(test_profile_5_3__a_late_call_keeps_the_connection) {
    struct peer peer;
    struct wire_command request;
    start("profile=5.3\nnamesrvAddr=10.0.0.1:9876\n" A_TOPIC);
    fake_advance_ms(env, 10 + 2950);
    peer_accept(&peer, env, ADDRESSES[0]);
    expect_query(&peer, &request);
    fake_advance_ms(env, 50);
    ck_assert_uint_eq(polls_failed(), 1);
    ck_assert(fake_is_open(peer.conn));
    stop();
    peer_deinit(&peer);
}
END_TEST

/* ---- addresses ------------------------------------------------------------------------------- */

static const struct {
    const char *text;
    bool valid;
} TEXTS[] = {
    {"10.0.0.1:9876", true}, {"host:1", true},   {"[::1]:65535", true}, {"", false},
    {"host", false},         {":9876", false},   {"host:", false},      {"host:0", false},
    {"host:65536", false},   {"host:-1", false}, {"host:98x", false},   {"host:00000001", true},
};

START_TEST(test_name_server_address_valid__wants_host_and_port) {
    ck_assert_int_eq(name_server_address_valid(span_of_text(TEXTS[_i].text)), TEXTS[_i].valid);
}
END_TEST

START_TEST(test_name_servers_init__refuses_a_bad_list) {
    ck_assert_int_eq(fake_start_text(env, &client_role, "namesrvAddr=10.0.0.1:9876;nope\n"),
                     RMQ_E_INVALID);
    ck_assert(fake_log_contains(env, "value of namesrvAddr"));
}
END_TEST

#define COUNT(array) ((int)(sizeof array / sizeof array[0]))

int main(void) {
    Suite *suite = suite_create("client_names");
    TCase *tests = suite_case(suite, "name servers");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, test_choice__is_random_and_one_only);
    tcase_add_test(tests, test_choice__sticks_while_the_connection_lives);
    tcase_add_test(tests, test_rotation__tries_the_whole_list_in_one_call);
    tcase_add_test(tests, test_rotation__goes_on_with_the_next_that_connects);
    tcase_add_test(tests, test_rotation__a_hanging_dial_uses_up_the_call);
    tcase_add_test(tests, test_rotation__a_silent_name_server_is_left_after_3_s);
    tcase_add_test(tests, test_rotation__a_closed_connection_is_left_at_the_next_poll);
    tcase_add_test(tests, test_rotation__an_empty_list_fails_each_poll);
    tcase_add_test(tests, test_calls__wait_for_the_one_that_connects);
    tcase_add_test(tests, test_calls__may_be_given_up_while_connecting);
    tcase_add_test(tests, test_profile_5_3__tries_one_per_call);
    tcase_add_test(tests, test_profile_5_3__probes_all_each_3_s);
    tcase_add_test(tests, test_profile_5_3__a_late_call_keeps_the_connection);
    tcase_add_loop_test(tests, test_name_server_address_valid__wants_host_and_port, 0,
                        COUNT(TEXTS));
    tcase_add_test(tests, test_name_servers_init__refuses_a_bad_list);
    return suite_run(suite);
}
