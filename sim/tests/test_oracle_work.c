/* Oracles of clients and of work that goes on: progress, client-follows, no-churn,
 * registration-latency, event-count. */
#include "sim/tests/stream.h"

START_TEST(test_progress__passes_while_counts_rise) {
    static const char *const of[] = {"of=registrations", "of=rounds", "of=polls",
                                     "of=registration.answered"};
    for (size_t i = 0; i < sizeof of / sizeof of[0]; i++) {
        struct stream stream = stream_of("progress", of[i]);
        stream_start(&stream);
        stream_run(&stream, 300 * SECOND, 3);
        EXPECT(stream, PASS);
    }
}
END_TEST

/* Nobody registers any more, though all are healthy; broker-a alone stops its rounds. */
START_TEST(test_progress__fails_a_standstill) {
    struct stream stream = stream_of("progress", "of=registrations within=60s");
    stream_start(&stream);
    stream_run(&stream, 90 * SECOND, 3);
    stream_run(&stream, 300 * SECOND, 0);
    EXPECT_REASON(stream, FAIL, "no registrations at ns-1 for 240.000 s");
    stream = stream_of("progress", "of=rounds within=60s");
    stream_start(&stream);
    stream_run(&stream, 90 * SECOND, 3);
    stream_run(&stream, 300 * SECOND, 2);
    EXPECT_REASON(stream, FAIL, "broker-a");
    stream = stream_of("progress", "of=rounds within=60s excused=broker-a");
    stream_start(&stream);
    stream_run(&stream, 90 * SECOND, 3);
    stream_run(&stream, 300 * SECOND, 2);
    EXPECT(stream, PASS);
}
END_TEST

/* A broker whose rounds send nothing makes no progress. */
START_TEST(test_progress__does_not_count_empty_rounds) {
    struct stream stream = stream_of("progress", "of=rounds within=60s");
    stream_start(&stream);
    stream_run(&stream, 90 * SECOND, 3);
    for (int round = 0; round < 3; round++) {
        stream_run(&stream, stream.now_ns + 30 * SECOND, 2);
        s_registration_round_done(&stream, BROKER_A, 0, 0, 0, 0);
    }
    EXPECT_REASON(stream, FAIL, "no rounds at broker-a");
}
END_TEST

/* A gap in the middle is a standstill too, even if work went on after it. */
START_TEST(test_progress__fails_a_gap) {
    struct stream stream = stream_of("progress", "of=polls within=60s");
    stream_start(&stream);
    stream_run(&stream, 90 * SECOND, 3);
    stream.now_ns = 200 * SECOND;
    stream_run(&stream, 300 * SECOND, 3);
    EXPECT_REASON(stream, FAIL, "no polls at client-1 for 140.000 s");
}
END_TEST

START_TEST(test_progress__counts_healthy_time_only) {
    struct stream stream = stream_of("progress", "of=rounds within=60s");
    stream_start(&stream);
    stream_run(&stream, 90 * SECOND, 3);
    s_world_fault(&stream, BROKER_A, 0, "pause", "broker-a", "begin");
    stream_run(&stream, 300 * SECOND, 2);
    s_world_fault(&stream, BROKER_A, 0, "pause", "broker-a", "end");
    stream_run(&stream, 400 * SECOND, 3);
    EXPECT(stream, PASS);
    /* no broker is left to register */
    stream = stream_of("progress", "of=registrations within=60s");
    stream_start(&stream);
    stream_run(&stream, 90 * SECOND, 3);
    s_world_node_down(&stream, BROKER_A, "kill");
    s_world_node_down(&stream, BROKER_B, "kill");
    stream_run(&stream, 400 * SECOND, 0);
    EXPECT(stream, PASS);
}
END_TEST

START_TEST(test_progress__is_unknown_when_nothing_was_counted) {
    struct stream stream = stream_of("progress", "of=rounds within=60s");
    stream_start(&stream);
    stream.now_ns = 50 * SECOND;
    EXPECT(stream, UNKNOWN);
    const char *error = NULL;
    ck_assert_ptr_null(stream_judge("progress", "of=naps", &error));
    stream_end();
}
END_TEST

/* The client believes in both brokers; broker-a is removed at 90 s by ns-1, its name server. */
static struct stream followed(const char *parameters) {
    struct stream stream = stream_of("client-follows", parameters);
    stream_start(&stream);
    stream_run(&stream, 60 * SECOND, 3);
    s_client_broker_believed(&stream, CLIENT, "T", "broker-a", A_ADDRESS);
    s_client_broker_believed(&stream, CLIENT, "T", "broker-b", B_ADDRESS);
    stream_run(&stream, 90 * SECOND, 3);
    stream_evict(&stream, NS1, BROKER_A, "close", 30 * SECOND);
    return stream;
}

START_TEST(test_client_follows__within_a_poll) {
    struct stream stream = followed("");
    stream.now_ns += 30 * SECOND;
    s_client_broker_dropped(&stream, CLIENT, "T", "broker-a", A_ADDRESS);
    stream.now_ns += 300 * SECOND;
    EXPECT(stream, PASS);
    stream = followed("");
    stream.now_ns += 36 * SECOND;
    s_client_broker_dropped(&stream, CLIENT, "T", "broker-a", A_ADDRESS);
    EXPECT_REASON(stream, FAIL, "client-1 uses broker broker-a for topic T 36.000 s after");
    stream = followed("");
    stream.now_ns += 300 * SECOND;
    EXPECT(stream, FAIL);
}
END_TEST

START_TEST(test_client_follows__has_excuses) {
    struct stream stream = followed("excused=client-1");
    stream.now_ns += 300 * SECOND;
    EXPECT(stream, UNKNOWN);
    /* it is back before the next poll */
    stream = followed("");
    stream.now_ns += 20 * SECOND;
    stream_register(&stream, NS1, BROKER_A);
    stream.now_ns += 300 * SECOND;
    EXPECT(stream, PASS);
    /* the name server had no route at all: the cache is kept on purpose */
    stream = followed("");
    stream.now_ns += 20 * SECOND;
    s_client_route_kept(&stream, CLIENT, "T", 17);
    stream.now_ns += 300 * SECOND;
    EXPECT(stream, UNKNOWN);
    /* an error of another kind is no excuse */
    stream = followed("");
    stream.now_ns += 20 * SECOND;
    s_client_route_kept(&stream, CLIENT, "T", 1);
    stream.now_ns += 300 * SECOND;
    EXPECT(stream, FAIL);
}
END_TEST

/* Without a name server nobody can follow; with another one the clock starts anew. */
START_TEST(test_client_follows__to_another_name_server) {
    struct stream stream = followed("");
    stream_evict(&stream, NS2, BROKER_A, "close", 30 * SECOND);
    stream.now_ns += 20 * SECOND;
    s_client_name_server_lost(&stream, CLIENT, NS1_ADDRESS, "reset");
    stream.now_ns += 100 * SECOND;
    s_client_name_server_chosen(&stream, CLIENT, NS2_ADDRESS);
    stream.now_ns += 30 * SECOND;
    s_client_broker_dropped(&stream, CLIENT, "T", "broker-a", A_ADDRESS);
    EXPECT(stream, PASS);
    stream = followed("");
    s_client_name_server_chosen(&stream, CLIENT, "10.9.9.9:1");
    EXPECT_REASON(stream, UNKNOWN, "none of the known nodes");
}
END_TEST

START_TEST(test_no_churn__counts_openings_after_the_warm_up) {
    struct stream stream = stream_of("no-churn", "");
    stream_start(&stream);
    stream.now_ns = 600 * SECOND;
    EXPECT(stream, PASS);
    stream = stream_of("no-churn", "");
    stream_start(&stream);
    stream.now_ns = 100 * SECOND;
    s_channel_opened(&stream, CLIENT, NS2_ADDRESS, 0);
    EXPECT_REASON(stream, FAIL, "client-1 opened 1 connections");
    stream = stream_of("no-churn", "max=1");
    stream_start(&stream);
    stream.now_ns = 100 * SECOND;
    s_channel_opened(&stream, CLIENT, NS2_ADDRESS, 0);
    s_channel_opened(&stream, BROKER_A, NS2_ADDRESS, 0);
    EXPECT(stream, PASS);
    stream = stream_of("no-churn", "");
    stream_start(&stream);
    stream.now_ns = 60 * SECOND;
    EXPECT_REASON(stream, UNKNOWN, "warm-up");
    stream = stream_of("no-churn", "role=namesrv");
    stream_start(&stream);
    stream.now_ns = 600 * SECOND;
    EXPECT(stream, UNKNOWN);
}
END_TEST

START_TEST(test_registration_latency__judges_healthy_name_servers) {
    for (int sick = 0; sick < 2; sick++) {
        struct stream stream = stream_of("registration-latency", "max=100ms");
        stream_start(&stream);
        stream_run(&stream, 60 * SECOND, 3);
        if (sick)
            s_world_fault(&stream, NS2, 0, "black-hole", "ns-2", "begin");
        s_registration_failed(&stream, BROKER_A, NS2_ADDRESS, "timeout", 6 * SECOND);
        stream_run(&stream, 120 * SECOND, 3);
        if (sick)
            EXPECT(stream, PASS);
        else
            EXPECT_REASON(stream, FAIL, "failed");
    }
    struct stream stream = stream_of("registration-latency", "max=100ms");
    stream_start(&stream);
    s_registration_answered(&stream, BROKER_A, NS1_ADDRESS, 0, 101000000);
    EXPECT_REASON(stream, UNKNOWN, "no registration"); /* it was sent before the start */
    stream = stream_of("registration-latency", "max=100ms");
    stream_start(&stream);
    stream.now_ns = 10 * SECOND;
    s_registration_answered(&stream, BROKER_A, NS1_ADDRESS, 0, 101000000);
    EXPECT_REASON(stream, FAIL, "answered after 0.101 s");
}
END_TEST

START_TEST(test_registration_latency__judges_late_rounds) {
    struct stream stream = stream_of("registration-latency", "");
    stream_start(&stream);
    stream_run(&stream, 60 * SECOND, 3);
    s_registration_round_done(&stream, BROKER_A, 2, 2, 1000, 3 * SECOND);
    EXPECT_REASON(stream, FAIL, "late by 3.000 s");
    /* after a pause, what was missed is late by nature */
    stream = stream_of("registration-latency", "");
    stream_start(&stream);
    stream_run(&stream, 60 * SECOND, 3);
    s_world_fault(&stream, BROKER_A, 0, "pause", "broker-a", "begin");
    stream.now_ns += 50 * SECOND;
    s_world_fault(&stream, BROKER_A, 0, "pause", "broker-a", "end");
    s_registration_round_done(&stream, BROKER_A, 2, 2, 1000, 20 * SECOND);
    EXPECT(stream, PASS);
}
END_TEST

/* A round that waits for a sick name server before it tells the healthy one. */
START_TEST(test_registration_latency__judges_the_wait_within_a_round) {
    for (int slow = 0; slow < 2; slow++) {
        struct stream stream = stream_of("registration-latency", "");
        stream_start(&stream);
        stream_run(&stream, 60 * SECOND, 3);
        s_registration_sent(&stream, BROKER_A, NS1_ADDRESS, 1, 0, 0, 1, slow ? 6 * SECOND : SECOND);
        if (slow)
            EXPECT_REASON(stream, FAIL, "sent after 6.000 s");
        else
            EXPECT(stream, PASS);
    }
    struct stream stream = stream_of("registration-latency", "");
    stream_start(&stream);
    stream_run(&stream, 60 * SECOND, 3);
    s_world_fault(&stream, NS2, 0, "black-hole", "ns-2", "begin");
    s_registration_sent(&stream, BROKER_A, NS2_ADDRESS, 1, 0, 0, 1, 6 * SECOND);
    EXPECT(stream, PASS); /* a sick one may be told late */
}
END_TEST

START_TEST(test_event_count__counts_what_matches) {
    static const struct {
        const char *parameters;
        enum verdict verdict;
    } cases[] = {
        {"event=registration.sent min=16 max=16", VERDICT_PASS},
        {"event=registration.sent min=17", VERDICT_FAIL},
        {"event=registration.sent max=15", VERDICT_FAIL},
        {"event=registration.sent node=broker-a min=8 max=8", VERDICT_PASS},
        {"event=registration.sent from=30s until=60s min=8 max=8", VERDICT_PASS},
        {"event=registration.sent until=500s min=8", VERDICT_UNKNOWN},
        {"event=world.node_up field=role value=broker min=2 max=2", VERDICT_PASS},
        {"event=node.serves field=broker_id value=0 min=4 max=4", VERDICT_PASS},
        {"event=client.route_kept max=0", VERDICT_PASS},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct stream stream = stream_of("event-count", cases[i].parameters);
        stream_start(&stream);
        stream_run(&stream, 120 * SECOND, 3);
        struct run_result result;
        judge_finish_at(stream.judge, stream.now_ns, &result);
        ck_assert_msg(result.verdict == cases[i].verdict, "%s: %s", cases[i].parameters,
                      result.oracles[0].verdict.reason);
        stream_end();
    }
    const char *error = NULL;
    ck_assert_ptr_null(stream_judge("event-count", "event=registration.sent", &error));
    ck_assert_ptr_null(stream_judge("event-count", "event=nothing max=1", &error));
    ck_assert_ptr_null(
        stream_judge("event-count", "event=registration.sent field=x max=1", &error));
    stream_end();
}
END_TEST

STREAM_MAIN("oracle_work", test_progress__passes_while_counts_rise,
            test_progress__fails_a_standstill, test_progress__fails_a_gap,
            test_progress__does_not_count_empty_rounds, test_progress__counts_healthy_time_only,
            test_progress__is_unknown_when_nothing_was_counted, test_client_follows__within_a_poll,
            test_client_follows__has_excuses, test_client_follows__to_another_name_server,
            test_no_churn__counts_openings_after_the_warm_up,
            test_registration_latency__judges_healthy_name_servers,
            test_registration_latency__judges_late_rounds,
            test_registration_latency__judges_the_wait_within_a_round,
            test_event_count__counts_what_matches)
