/* test_broker_register.c - registration: schedule, independence of name servers, contents. */
#include "model/broker/broker.h"
#include "model/tests/peer.h"
#include "model/tests/suite.h"

#define CONFIG                        \
    "brokerClusterName=GoldCluster\n" \
    "brokerName=broker-a\n"           \
    "brokerIP1=127.0.0.1\n"           \
    "listenPort=29911\n"              \
    "defaultTopicQueueNums=4\n"       \
    "traceTopicEnable=true\n"
#define ONE "namesrvAddr=10.0.0.1:9876\n"
#define TWO "namesrvAddr=10.0.0.1:9876;10.0.0.2:9876\n"

static struct env *env;
static struct peer peers[2];

static void setup(void) {
    env = fake_create();
    memset(peers, 0, sizeof peers);
}

static void teardown(void) {
    for (size_t i = 0; i < 2; i++) {
        if (peers[i].conn != NULL)
            peer_deinit(&peers[i]);
    }
    fake_destroy(env);
}

static void answer_ok(struct peer *peer, const struct wire_command *request) {
    struct wire_command response;
    wire_command_init(&response, RESPONSE_SUCCESS);
    peer_answer(peer, request, &response);
}

static void expect_registration(struct peer *peer, struct wire_command *request) {
    peer_expect(peer, REQUEST_REGISTER_BROKER, request);
}

static void expect_nothing(struct peer *peer) {
    struct wire_command request;
    ck_assert(!peer_take(peer, &request));
}

static void stop(void) {
    int status = -1;
    fake_stop(env);
    fake_advance_ms(env, 3000); /* 104 of a name server that does not answer */
    ck_assert(fake_exited(env, &status));
    ck_assert_int_eq(status, 0);
}

/* At start, 10 s later, then each 30 s, to every name server. */
START_TEST(test_registration__follows_the_schedule) {
    struct wire_command request;
    ck_assert_int_eq(fake_start_text(env, &broker_role, CONFIG TWO), RMQ_OK);
    peer_accept(&peers[0], env, "10.0.0.1:9876");
    peer_accept(&peers[1], env, "10.0.0.2:9876");
    static const uint64_t WAITS_MS[] = {0, 10000, 30000, 30000, 30000};
    for (size_t i = 0; i < 5; i++) {
        if (WAITS_MS[i] > 0) {
            fake_advance(env, WAITS_MS[i] * 1000000 - 1);
            expect_nothing(&peers[0]);
            fake_advance(env, 1);
        }
        for (size_t p = 0; p < 2; p++) {
            expect_registration(&peers[p], &request);
            answer_ok(&peers[p], &request);
            expect_nothing(&peers[p]);
        }
        ck_assert_uint_eq(fake_event_count(env, EVENT_registration_round_done), i + 1);
        ck_assert_uint_eq(fake_event_uint(env, EVENT_registration_round_done, "accepted"), 2);
        ck_assert_uint_eq(fake_event_uint(env, EVENT_registration_round_done, "late_ns"), 0);
    }
    stop();
}
END_TEST

int main(void) {
    Suite *suite = suite_create("broker_register");
    TCase *tests = suite_case(suite, "schedule");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_registration__follows_the_schedule);
    return suite_run(suite);
}
