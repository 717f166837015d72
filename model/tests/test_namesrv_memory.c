/* test_namesrv_memory.c - a scripted session in which the n-th allocation fails, for every n; and
 * one that ends at the n-th call into the environment. Whatever fails: an answer (or a closed
 * connection), invariants, nothing left behind. */
#include "model/tests/suite.h"
#include "model/tests/test_namesrv_ask.h"

static const char *const CONFIGS[] = {
    "profile=4.9\norderMessageEnable=true\n",
    "profile=5.3\nsupportActingMaster=true\nnotifyMinBrokerIdChanged=true\n"
    "deleteTopicWithBrokerRegistration=true\n",
};

/* The connection may have been closed for lack of memory: then the peer dials again. */
static void again(struct peer *peer) {
    ck_assert(namesrv_check(fake_node(peer->env)));
    for (int i = 0; i < 2 && (peer->conn == NULL || !fake_is_open(peer->conn)); i++)
        peer->conn = fake_accept(peer->env, NAMESRV_PORT, "10.0.0.1:40001");
    ck_assert_ptr_nonnull(peer->conn);
}

static void broker_register(struct peer *peer, const char *broker, const char *id, const char *addr,
                            int counter, const char *topics) {
    again(peer);
    ask(peer, 103, peer_body(peer, counter, 1, topics), "brokerName", broker, "brokerId", id,
        "brokerAddr", addr, "clusterName", "c", "haServerAddr", "10.9.9.9:10912",
        "enableActingMaster", "true", "__ZONE_NAME", "z", NULL);
}

static void request(struct peer *peer, int32_t code, const char *body, const char *key,
                    const char *value) {
    again(peer);
    ask(peer, code, span_of_text(body), "brokerName", "a", "clusterName", "c", "brokerId", "0",
        "brokerAddr", "x:1", key, value, NULL);
}

/* Some of everything. */
static void session(struct peer *peer) {
    broker_register(peer, "a", "0", "x:1", 1, "T,U,V");
    broker_register(peer, "a", "1", "x:2", 1, "T");
    broker_register(peer, "b", "0", "y:1", 1, "T,W");
    broker_register(peer, "a", "0", "x:1", 2, "T,U,V,X");
    again(peer);
    ask(peer, 103,
        SPAN_LITERAL("{\"filterServerList\":[\"f:1\",\"f:2\"],\"topicConfigSerializeWrapper\":{}}"),
        "brokerName", "f", "brokerId", "0", "brokerAddr", "f:9", "clusterName", "d", "haServerAddr",
        "h", NULL);
    request(peer, 100, NULL, "namespace", "ORDER_TOPIC_CONFIG");
    again(peer);
    ask(peer, 100, NO_BODY, "namespace", "ORDER_TOPIC_CONFIG", "key", "T", "value", "a:1", NULL);
    request(peer, 105, NULL, "topic", "T");
    request(peer, 105, NULL, "topic", "none");
    request(peer, 106, NULL, "x", "y");
    request(peer, 206, NULL, "x", "y");
    request(peer, 224, NULL, "cluster", "c");
    request(peer, 304, NULL, "x", "y");
    request(peer, 311, NULL, "x", "y");
    request(peer, 901, NULL, "x", "y");
    request(peer, 322, "{\"counter\":2}", "x", "y");
    request(peer, 219, NULL, "namespace", "ORDER_TOPIC_CONFIG");
    again(peer);
    ask(peer, 101, NO_BODY, "namespace", "ORDER_TOPIC_CONFIG", "key", "T", NULL);
    request(peer, 205, NULL, "x", "y");
    request(peer, 327, NULL, "x", "y");
    request(peer, 217, "{\"queueDatas\":[{\"brokerName\":\"a\"}]}", "topic", "N");
    request(peer, 318, "serverWorkerThreads=9\nproductEnvName=elsewhere\n", "x", "y");
    request(peer, 319, NULL, "x", "y");
    request(peer, 216, NULL, "topic", "T");
    fake_set_buggify(peer->env, BUGGIFY_NAMESRV_ANSWER_LATE, true);
    request(peer, 105, NULL, "topic", "U");
    fake_set_buggify(peer->env, BUGGIFY_NAMESRV_ANSWER_LATE, false);
    request(peer, 104, NULL, "x", "y"); /* 905 to the slave */
    fake_advance_ms(peer->env, 400);
    again(peer);
    fake_take(peer->conn); /* the late answer */
    broker_register(peer, "a", "0", "x:1", 3, "T,U,V,X");
    fake_advance_ms(peer->env, 140000);
    again(peer);
}

START_TEST(test_allocation__any_may_fail) {
    unsigned n = 1, failed = 1;
    for (; failed; n++) {
        struct env *env = fake_create();
        struct peer peer;
        fake_fail_at(env, FAKE_FAIL_ALLOC, n);
        int err = fake_start_text(env, &namesrv_role, CONFIGS[_i]);
        if (err == RMQ_OK) {
            peer_open(&peer, env, "10.0.0.1:40001");
            session(&peer);
            fake_stop(env);
            peer_free(&peer);
        } else {
            ck_assert_int_eq(err, RMQ_E_NOMEM);
        }
        failed = fake_failed(env, FAKE_FAIL_ALLOC);
        fake_destroy(env);
    }
    ck_assert_uint_gt(n, 100);
}
END_TEST

/* After a failed registration the same broker's next one makes the tables complete. */
START_TEST(test_allocation__the_next_registration_repairs) {
    unsigned failed = 1;
    for (unsigned n = 1; failed; n++) {
        struct env *env = fake_create();
        struct peer peer;
        ck_assert_int_eq(fake_start_text(env, &namesrv_role, CONFIGS[_i]), RMQ_OK);
        peer_open(&peer, env, "10.0.0.1:40001");
        fake_fail_at(env, FAKE_FAIL_ALLOC, n);
        broker_register(&peer, "a", "0", "x:1", 1, "T,U,V");
        failed = fake_failed(env, FAKE_FAIL_ALLOC);
        broker_register(&peer, "a", "0", "x:1", 1, "T,U,V");
        ck_assert_int_eq(peer.answer.code, 0);
        static const char *const topics[] = {"T", "U", "V"};
        for (int i = 0; i < 3; i++)
            ck_assert_int_eq(peer_route(&peer, topics[i]), 0);
        fake_stop(env);
        peer_free(&peer);
        fake_destroy(env);
    }
}
END_TEST

/* A version that was applied in part does not count: the older one that follows is a change. */
START_TEST(test_allocation__a_failed_version_is_not_remembered) {
    unsigned failed = 1;
    for (unsigned n = 1; failed; n++) {
        struct env *env = fake_create();
        struct peer peer;
        ck_assert_int_eq(fake_start_text(env, &namesrv_role, CONFIGS[_i]), RMQ_OK);
        peer_open(&peer, env, "10.0.0.1:40001");
        broker_register(&peer, "a", "0", "x:1", 1, "T:6,U:6");
        fake_fail_at(env, FAKE_FAIL_ALLOC, n);
        broker_register(&peer, "a", "0", "x:1", 2, "T:4,U:4,New1,New2");
        failed = fake_failed(env, FAKE_FAIL_ALLOC);
        broker_register(&peer, "a", "0", "x:1", 1, "T:6,U:6");
        ck_assert_int_eq(peer_route(&peer, "T"), 0);
        ck_assert(answer_contains(&peer, "\"perm\":6"));
        fake_stop(env);
        peer_free(&peer);
        fake_destroy(env);
    }
}
END_TEST

/* E4: every call is a crash point; the fake drops the node's memory whole. */
START_TEST(test_crash__at_any_call) {
    bool crashed = true;
    for (unsigned n = 1; crashed; n += 3) {
        struct env *env = fake_create();
        struct peer peer;
        ck_assert_int_eq(fake_start_text(env, &namesrv_role, CONFIGS[_i]), RMQ_OK);
        peer_open(&peer, env, "10.0.0.1:40001");
        fake_crash_at(env, n);
        ask(&peer, 103, peer_body(&peer, 1, 0, "T,U,V"), "brokerName", "a", "brokerId", "0",
            "brokerAddr", "x:1", "clusterName", "c", "haServerAddr", "h", NULL);
        crashed = fake_crashed(env);
        if (!crashed)
            fake_stop(env);
        peer_free(&peer);
        fake_destroy(env);
    }
}
END_TEST

static Suite *memory_suite(void) {
    Suite *suite = suite_create("namesrv_memory");
    TCase *tests = suite_case(suite, "failures");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, test_allocation__any_may_fail, 0, 2);
    tcase_add_loop_test(tests, test_allocation__the_next_registration_repairs, 0, 2);
    tcase_add_loop_test(tests, test_allocation__a_failed_version_is_not_remembered, 0, 2);
    tcase_add_loop_test(tests, test_crash__at_any_call, 0, 2);
    return suite;
}

int main(void) {
    return suite_run(memory_suite());
}
