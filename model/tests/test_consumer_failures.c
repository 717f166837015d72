/* test_consumer_failures.c - no memory at any allocation, a crash at any env_ call, refused writes:
 * a consumer survives or ends, and what it was to consume is consumed in the end. */
#include "model/tests/consumer_fixture.h"

/* A life with a bit of everything. False: the node does not run (any more). */
static bool live(const char *client_config) {
    int status;
    if (try_start(client_config) != RMQ_OK || t.start_status != RMQ_OK)
        return false;
    serve();
    pass_ms(23000);
    for (int round = 0; round < 3 && !fake_crashed(t.env); round++) {
        for (int32_t queue = 0; queue < 2; queue++) {
            if (pulls_of(queue) > 0)
                find_messages(queue, 3);
        }
        pass_ms(4000);
    }
    t.members = "{\"consumerIdList\":[\"10.0.0.9@c1\",\"10.0.0.9@c2\"]}";
    pass_ms(21000);
    if (fake_crashed(t.env) || fake_exited(t.env, &status))
        return false;
    t.mode = LISTENER_OK;
    fake_stop(t.env);
    serve();
    pass_ms(7000);
    return !fake_crashed(t.env);
}

static const struct {
    const char *client, *consumer;
    bool lite;
} LIVES[] = {
    {"", "consumerGroup=g\nsubscription=T:A || B\n", false},
    {"profile=5.3\nrocketmq.serialize.type=ROCKETMQ\n",
     "consumerGroup=g\nsubscription=T\nallocateStrategy=CONSISTENT_HASH\n"
     "consumeMessageBatchMaxSize=2\n",
     false},
    {"", "consumerGroup=g\nsubscription=T\nmessageModel=BROADCASTING\n", false},
    {"", "consumerGroup=g\nsubscription=T\n", true},
    {"", "consumerGroup=g\nsubscription=T\norderly=true\n", false},
};

static void begin(int life) {
    set_defaults();
    t.queues = 2;
    t.config = LIVES[life].consumer;
    t.lite = LIVES[life].lite;
}

static void end(void) {
    int status;
    if (fake_node(t.env) != NULL && !fake_exited(t.env, &status) && !fake_crashed(t.env)) {
        fake_stop(t.env);
        serve();
        pass_ms(7000);
    }
    hang_up_all();
    props_deinit(&t.props);
    fake_destroy(t.env);
    fake_destroy(t.memory);
}

START_TEST(test_live__each_allocation_fails) {
    bool failed = true;
    for (unsigned n = 1; failed; n++) {
        begin(_i);
        fake_fail_at(t.env, FAKE_FAIL_ALLOC, n);
        bool lived = live(LIVES[_i].client);
        failed = fake_failed(t.env, FAKE_FAIL_ALLOC);
        if (lived && !LIVES[_i].lite) /* everything that was found came through */
            ck_assert_msg(strstr(t.bodies, "m2;") != NULL, "allocation %u: %s", n, t.bodies);
        end();
    }
}
END_TEST

START_TEST(test_live__each_write_is_refused) {
    bool failed = true;
    for (unsigned n = 1; failed; n++) {
        begin(_i);
        fake_fail_at(t.env, FAKE_FAIL_WRITE, n);
        bool lived = live(LIVES[_i].client);
        failed = fake_failed(t.env, FAKE_FAIL_WRITE);
        ck_assert(lived);
        end();
    }
}
END_TEST

START_TEST(test_live__a_crash_at_each_call) {
    bool crashed = true;
    for (unsigned n = 1; crashed; n += 1 + n / 64) { /* denser at the beginning */
        begin(_i);
        fake_crash_at(t.env, n);
        live(LIVES[_i].client);
        crashed = fake_crashed(t.env);
        end();
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("consumer_failures");
    TCase *tests = suite_case(suite, "failures");
    tcase_set_timeout(tests, 240);
    tcase_add_loop_test(tests, test_live__each_allocation_fails, 0, 5);
    tcase_add_loop_test(tests, test_live__each_write_is_refused, 0, 5);
    tcase_add_loop_test(tests, test_live__a_crash_at_each_call, 0, 5);
    return suite_run(suite);
}
