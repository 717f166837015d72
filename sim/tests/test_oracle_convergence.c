/* O-CONV: tables agree with each other and with the brokers. */
#include "sim/tests/stream.h"

START_TEST(test_convergence__passes_equal_tables) {
    struct stream stream = stream_of("convergence", "");
    stream_start(&stream);
    stream_run(&stream, 120 * SECOND, 3);
    EXPECT(stream, PASS);
}
END_TEST

START_TEST(test_convergence__is_unknown_too_early_and_during_a_fault) {
    struct stream stream = stream_of("convergence", "");
    stream_start(&stream);
    stream_run(&stream, 59 * SECOND, 3);
    EXPECT_REASON(stream, UNKNOWN, "too soon");

    stream = stream_of("convergence", "");
    stream_start(&stream);
    stream_run(&stream, 120 * SECOND, 3);
    s_world_fault(&stream, BROKER_A, 0, "black-hole", "broker-a", "begin");
    stream_run(&stream, 300 * SECOND, 3);
    EXPECT_REASON(stream, UNKNOWN, "still holds");
}
END_TEST

START_TEST(test_convergence__fails_when_a_broker_is_missing_at_one) {
    struct stream stream = stream_of("convergence", "");
    stream_start(&stream);
    stream_run(&stream, 30 * SECOND, 3);
    stream_evict(&stream, NS2, BROKER_B, "scan", 120 * SECOND);
    stream.now_ns = 90 * SECOND;
    EXPECT_REASON(stream, FAIL, "ns-2 does not list an address of broker broker-b");
}
END_TEST

/* A server that comes up ends a long quiet time that it did not see: its empty tables are not
 * judged, the other's are. */
START_TEST(test_convergence__a_long_kill_is_no_quiet_time_of_the_killed) {
    for (int missing = 0; missing < 2; missing++) {
        struct stream stream = stream_of("convergence", "");
        stream_start(&stream);
        stream_run(&stream, 60 * SECOND, 3);
        s_world_node_down(&stream, NS1, "kill");
        stream.now_ns = 70 * SECOND;
        if (missing)
            stream_evict(&stream, NS2, BROKER_A, "close", 10 * SECOND);
        stream.now_ns = 600 * SECOND;
        stream_up(&stream, NS1);
        stream.now_ns = 601 * SECOND;
        stream_register(&stream, NS1, BROKER_A);
        s_route_topic_set(&stream, NS1, "T", "broker-a", 4, 4, 6);
        stream_register_all(&stream, BROKER_B);
        stream.now_ns = 650 * SECOND;
        if (missing)
            EXPECT_REASON(stream, FAIL, "ns-2 does not list an address of broker broker-a");
        else
            EXPECT_REASON(stream, UNKNOWN, "too soon");
    }
}
END_TEST

/* INC-06: after a restart of ns-1 it only learns the topic that was created early. */
START_TEST(test_convergence__fails_hidden_topics) {
    for (int quirk = 0; quirk < 2; quirk++) {
        struct stream stream = stream_of("convergence", "");
        stream_start(&stream);
        stream_run(&stream, 60 * SECOND, 3);
        s_world_node_down(&stream, NS1, "kill");
        stream_up(&stream, NS1);
        stream.now_ns = 62 * SECOND;
        s_broker_topic_created(&stream, BROKER_A, "T21", 4, 4, 6);
        for (uint16_t server = NS1; server <= NS2; server++) {
            s_registration_sent(&stream, BROKER_A, server == NS1 ? NS1_ADDRESS : NS2_ADDRESS, 1, 1,
                                0, 2, 0);
            stream_register(&stream, server, BROKER_A);
            s_route_topic_set(&stream, server, "T21", "broker-a", 4, 4, 6);
        }
        stream.now_ns = 90 * SECOND;
        for (uint16_t server = NS1; server <= NS2; server++) {
            s_registration_sent(&stream, BROKER_A, server == NS1 ? NS1_ADDRESS : NS2_ADDRESS, 2, 0,
                                0, 2, 0);
            stream_register(&stream, server, BROKER_A);
            if (!quirk || server == NS2)
                s_route_topic_set(&stream, server, "T", "broker-a", 4, 4, 6);
        }
        stream_register_all(&stream, BROKER_B);
        stream.now_ns = 150 * SECOND;
        if (quirk)
            EXPECT_REASON(stream, FAIL, "broker-a");
        else
            EXPECT(stream, PASS);
    }
}
END_TEST

/* With one name server only, the broker's own count is what tells. */
START_TEST(test_convergence__compares_with_the_brokers_count) {
    struct stream stream = stream_of("convergence", "excused=ns-2");
    stream_start(&stream);
    stream_run(&stream, 30 * SECOND, 3);
    s_registration_sent(&stream, BROKER_A, NS1_ADDRESS, 21, 0, 0, 7, 0);
    stream_register(&stream, NS1, BROKER_A);
    stream.now_ns = 90 * SECOND;
    EXPECT_REASON(stream, FAIL, "ns-1 knows 1 topics of broker broker-a, which registers 21");
}
END_TEST

START_TEST(test_convergence__fails_topics_without_addresses) {
    struct stream stream = stream_of("convergence", "");
    stream_start(&stream);
    stream_run(&stream, 60 * SECOND, 3);
    s_world_node_down(&stream, BROKER_A, "kill");
    for (uint16_t server = NS1; server <= NS2; server++)
        stream_evict(&stream, server, BROKER_A, "close", 30 * SECOND);
    stream_run(&stream, 121 * SECOND, 2);
    EXPECT_REASON(stream, FAIL, "keeps topics without any address of broker broker-a");
}
END_TEST

START_TEST(test_convergence__fails_other_queues) {
    struct stream stream = stream_of("convergence", "");
    stream_start(&stream);
    stream_run(&stream, 30 * SECOND, 3);
    s_route_topic_set(&stream, NS2, "T", "broker-b", 4, 4, 4);
    stream.now_ns = 90 * SECOND;
    EXPECT_REASON(stream, FAIL, "ns-2 has other queues for topic T of broker broker-b");
}
END_TEST

/* Tables that part while nothing happens are caught at the end of the quiet time. */
START_TEST(test_convergence__looks_again_at_the_end) {
    struct stream stream = stream_of("convergence", "");
    stream_start(&stream);
    stream_run(&stream, 120 * SECOND, 3);
    stream_evict(&stream, NS1, BROKER_A, "scan", 30 * SECOND);
    stream.now_ns = 130 * SECOND;
    s_world_node_down(&stream, CLIENT, "kill");
    stream_run(&stream, 240 * SECOND, 3);
    EXPECT(stream, FAIL);
}
END_TEST

/* A fault in between: judged is only what comes `within` after its end. */
START_TEST(test_convergence__does_not_judge_while_a_fault_holds) {
    struct stream stream = stream_of("convergence", "");
    stream_start(&stream);
    stream_run(&stream, 30 * SECOND, 3);
    s_world_fault(&stream, BROKER_A, 0, "black-hole", "broker-a", "begin");
    stream_run(&stream, 150 * SECOND, 2);
    stream_evict(&stream, NS1, BROKER_A, "idle", 150 * SECOND);
    stream_run(&stream, 300 * SECOND, 2);
    s_world_fault(&stream, BROKER_A, 0, "black-hole", "broker-a", "end");
    stream_run(&stream, 361 * SECOND, 3);
    EXPECT(stream, PASS);
}
END_TEST

STREAM_MAIN("oracle_convergence", test_convergence__passes_equal_tables,
            test_convergence__is_unknown_too_early_and_during_a_fault,
            test_convergence__fails_when_a_broker_is_missing_at_one,
            test_convergence__a_long_kill_is_no_quiet_time_of_the_killed,
            test_convergence__fails_hidden_topics,
            test_convergence__compares_with_the_brokers_count,
            test_convergence__fails_topics_without_addresses, test_convergence__fails_other_queues,
            test_convergence__looks_again_at_the_end,
            test_convergence__does_not_judge_while_a_fault_holds)
