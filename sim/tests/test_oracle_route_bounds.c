/* O-ROUTE: listed too long, too short, for a wrong reason, not at all. */
#include "sim/tests/stream.h"

START_TEST(test_route_bounds__passes_a_quiet_cluster) {
    struct stream stream = stream_of("route-bounds", "");
    stream_start(&stream);
    stream_run(&stream, 300 * SECOND, 3);
    EXPECT(stream, PASS);
}
END_TEST

START_TEST(test_route_bounds__is_unknown_without_registrations) {
    struct stream stream = stream_of("route-bounds", "");
    stream_start(&stream);
    stream.now_ns = 20 * SECOND;
    EXPECT(stream, UNKNOWN);
}
END_TEST

/* The host is black-holed at 60 s; both name servers remove the broker when they should. */
START_TEST(test_route_bounds__passes_a_silent_broker_removed_in_time) {
    struct stream stream = stream_of("route-bounds", "");
    stream_start(&stream);
    stream_run(&stream, 60 * SECOND, 3);
    s_world_fault(&stream, BROKER_A, 0, "black-hole", "broker-a", "begin");
    stream_run(&stream, 150 * SECOND, 2);
    stream_evict(&stream, NS1, BROKER_A, "idle", 120 * SECOND);
    stream.now_ns += 9 * SECOND;
    stream_evict(&stream, NS2, BROKER_A, "scan", 129 * SECOND);
    stream_run(&stream, 400 * SECOND, 2);
    s_world_fault(&stream, BROKER_A, 0, "black-hole", "broker-a", "end");
    stream_run(&stream, 420 * SECOND, 2);
    stream_run(&stream, 600 * SECOND, 3);
    EXPECT(stream, PASS);
}
END_TEST

START_TEST(test_route_bounds__fails_an_early_scan) {
    struct stream stream = stream_of("route-bounds", "");
    stream_start(&stream);
    stream_run(&stream, 60 * SECOND, 3);
    s_world_fault(&stream, BROKER_A, 0, "black-hole", "broker-a", "begin");
    stream.now_ns = 100 * SECOND;
    stream_evict(&stream, NS1, BROKER_A, "scan", 70 * SECOND);
    EXPECT_REASON(stream, FAIL, "only 70.000 s after");
}
END_TEST

START_TEST(test_route_bounds__fails_an_entry_that_stays) {
    struct stream stream = stream_of("route-bounds", "");
    stream_start(&stream);
    stream_run(&stream, 60 * SECOND, 3);
    s_world_fault(&stream, BROKER_A, 0, "black-hole", "broker-a", "begin");
    stream_run(&stream, 300 * SECOND, 2);
    EXPECT_REASON(stream, FAIL, "lists broker broker-a");
}
END_TEST

START_TEST(test_route_bounds__fails_a_late_removal) {
    struct stream stream = stream_of("route-bounds", "scan=5s slack=1s");
    stream_start(&stream);
    stream_run(&stream, 60 * SECOND, 3);
    s_world_fault(&stream, BROKER_A, 0, "pause", "broker-a", "begin");
    stream_run(&stream, 157 * SECOND, 2);
    stream_evict(&stream, NS1, BROKER_A, "scan", 127 * SECOND);
    EXPECT(stream, FAIL);
}
END_TEST

/* A paused name server cannot scan: what it removes late afterwards is excused, what it keeps is
 * not. */
START_TEST(test_route_bounds__excuses_a_paused_name_server) {
    for (int keeps = 0; keeps < 2; keeps++) {
        struct stream stream = stream_of("route-bounds", "");
        stream_start(&stream);
        stream_run(&stream, 60 * SECOND, 3);
        s_world_fault(&stream, NS1, 0, "pause", "ns-1", "begin");
        s_world_fault(&stream, BROKER_A, 1, "black-hole", "broker-a", "begin");
        stream.now_ns = 150 * SECOND;
        stream_evict(&stream, NS2, BROKER_A, "idle", 120 * SECOND);
        stream_evict(&stream, NS2, BROKER_B, "idle", 120 * SECOND);
        stream_register_all(&stream, BROKER_B);
        stream.now_ns = 200 * SECOND;
        stream_register_all(&stream, BROKER_B);
        s_world_fault(&stream, NS1, 0, "pause", "ns-1", "end");
        stream.now_ns += 8 * SECOND;
        if (!keeps)
            stream_evict(&stream, NS1, BROKER_A, "scan", 178 * SECOND);
        stream_run(&stream, 280 * SECOND, 2);
        if (keeps)
            EXPECT(stream, FAIL);
        else
            EXPECT(stream, PASS);
    }
}
END_TEST

START_TEST(test_route_bounds__asks_for_proof_of_a_close) {
    for (int proof = 0; proof < 3; proof++) {
        struct stream stream = stream_of("route-bounds", "");
        stream_start(&stream);
        stream_run(&stream, 60 * SECOND, 3);
        s_world_node_down(&stream, BROKER_A, "kill");
        if (proof == 1)
            s_channel_closed(&stream, NS1, "10.0.0.3:40000", 1, "closed");
        stream_evict(&stream, NS1, BROKER_A, "close", 30 * SECOND);
        stream.now_ns += 1000;
        if (proof == 2)
            s_channel_closed(&stream, NS1, "10.0.0.3:40000", 1, "reset");
        s_channel_closed(&stream, NS2, "10.0.0.3:40001", 1, "closed");
        stream_evict(&stream, NS2, BROKER_A, "close", 30 * SECOND);
        stream_run(&stream, 90 * SECOND, 2);
        if (proof == 0)
            EXPECT_REASON(stream, FAIL, "none of its host closed");
        else
            EXPECT(stream, PASS);
    }
}
END_TEST

START_TEST(test_route_bounds__knows_who_may_be_unregistered) {
    for (int stops = 0; stops < 2; stops++) {
        struct stream stream = stream_of("route-bounds", "");
        stream_start(&stream);
        stream_run(&stream, 60 * SECOND, 3);
        if (stops)
            s_node_stopping(&stream, BROKER_A, "broker");
        stream_evict(&stream, NS1, BROKER_A, "unregister", 30 * SECOND);
        stream.now_ns += SECOND;
        if (stops)
            EXPECT(stream, PASS);
        else
            EXPECT_REASON(stream, FAIL, "although it does not stop");
    }
}
END_TEST

/* The stop was sent to a name server that stood still, which reads it when the broker is back; or
 * the broker is back and registered for long. */
START_TEST(test_route_bounds__knows_a_late_unregistration) {
    for (int paused = 0; paused < 2; paused++) {
        struct stream stream = stream_of("route-bounds", "excused=ns-2,broker-b");
        stream_start(&stream);
        stream_run(&stream, 60 * SECOND, 3);
        if (paused)
            s_world_fault(&stream, NS1, 0, "pause", "ns-1", "begin");
        s_node_stopping(&stream, BROKER_A, "broker");
        s_world_node_down(&stream, BROKER_A, "exit");
        stream.now_ns += 10 * SECOND;
        stream_up(&stream, BROKER_A);
        if (paused)
            s_world_fault(&stream, NS1, 0, "pause", "ns-1", "end");
        stream_register(&stream, NS1, BROKER_A);
        stream_evict(&stream, NS1, BROKER_A, "unregister", 0);
        stream_register(&stream, NS1, BROKER_A);
        if (paused)
            EXPECT(stream, PASS);
        else
            EXPECT_REASON(stream, FAIL, "although it does not stop");
    }
}
END_TEST

/* Another fault's end is not the pause's. */
START_TEST(test_route_bounds__follows_a_pause_to_its_end) {
    struct stream stream = stream_of("route-bounds", "excused=ns-2,broker-b");
    stream_start(&stream);
    stream_run(&stream, 60 * SECOND, 3);
    s_world_fault(&stream, NS1, 0, "pause", "ns-1", "begin");
    s_world_fault(&stream, NS1, 1, "cpu", "ns-1", "begin");
    stream.now_ns += 30 * SECOND;
    s_world_fault(&stream, NS1, 1, "cpu", "ns-1", "end");
    stream.now_ns += 150 * SECOND;
    s_world_fault(&stream, NS1, 0, "pause", "ns-1", "end");
    stream_evict(&stream, NS1, BROKER_A, "scan", 180 * SECOND);
    EXPECT(stream, PASS);
}
END_TEST

/* A name server restarts: within a period its brokers must be back. */
START_TEST(test_route_bounds__wants_brokers_back_after_a_restart) {
    for (int back = 0; back < 2; back++) {
        struct stream stream = stream_of("route-bounds", "");
        stream_start(&stream);
        stream_run(&stream, 90 * SECOND, 3);
        s_world_fault(&stream, NS1, 0, "restart", "ns-1", "once");
        s_world_node_down(&stream, NS1, "kill");
        stream.now_ns += SECOND;
        stream_up(&stream, NS1);
        stream.now_ns += 29 * SECOND;
        for (int i = 0; i < 4; i++) {
            for (uint16_t broker = BROKER_A; broker <= BROKER_B; broker++) {
                stream_register(&stream, NS2, broker);
                if (back || broker == BROKER_B)
                    stream_register(&stream, NS1, broker);
            }
            stream.now_ns += 30 * SECOND;
        }
        if (back)
            EXPECT(stream, PASS);
        else
            EXPECT_REASON(stream, FAIL, "ns-1 does not list the healthy broker broker-a");
    }
}
END_TEST

/* The same, when the missing broker comes at last: late is late. */
START_TEST(test_route_bounds__fails_a_late_return) {
    struct stream stream = stream_of("route-bounds", "");
    stream_start(&stream);
    stream_run(&stream, 60 * SECOND, 2);
    stream_run(&stream, 120 * SECOND, 3);
    EXPECT_REASON(stream, FAIL, "does not list the healthy broker broker-a for 60.000 s");
}
END_TEST

START_TEST(test_route_bounds__gives_two_periods_after_a_network_fault) {
    for (int late = 0; late < 2; late++) {
        struct stream stream = stream_of("route-bounds", "");
        stream_start(&stream);
        stream_run(&stream, 60 * SECOND, 3);
        s_world_fault(&stream, WORLD, 0, "block", "broker-a->ns-1", "begin");
        stream_run(&stream, 150 * SECOND, 2);
        stream_evict(&stream, NS1, BROKER_A, "idle", 120 * SECOND);
        stream_register(&stream, NS2, BROKER_A);
        stream_run(&stream, 180 * SECOND, 2);
        s_world_fault(&stream, WORLD, 0, "block", "broker-a->ns-1", "end");
        stream_register(&stream, NS2, BROKER_A);
        stream_run(&stream, (late ? 250 : 245) * SECOND, 2);
        stream_run(&stream, 300 * SECOND, 3);
        if (late)
            EXPECT(stream, FAIL);
        else
            EXPECT(stream, PASS);
    }
}
END_TEST

/* A name server's machine loses power: what its brokers send first gets a reset. A killed one's
 * connections are closed, so its brokers have to be back after one period. */
START_TEST(test_route_bounds__gives_two_periods_after_a_name_servers_power_failure) {
    for (int power = 0; power < 2; power++) {
        struct stream stream = stream_of("route-bounds", "excused=ns-2,broker-b");
        stream_start(&stream);
        stream_run(&stream, 60 * SECOND, 3);
        s_world_node_down(&stream, NS1, power ? "power_off" : "kill");
        s_world_fault(&stream, NS1, 0, power ? "power-off" : "kill", "ns-1", "begin");
        stream.now_ns += SECOND;
        stream_up(&stream, NS1);
        s_world_fault(&stream, NS1, 0, power ? "power-off" : "kill", "ns-1", "end");
        stream.now_ns += 55 * SECOND;
        stream_register(&stream, NS1, BROKER_A);
        if (power)
            EXPECT(stream, PASS);
        else
            EXPECT_REASON(stream, FAIL, "ns-1 does not list the healthy broker broker-a");
    }
}
END_TEST

START_TEST(test_route_bounds__excuses_what_is_listed) {
    struct stream stream = stream_of("route-bounds", "excused=broker-x,broker-a");
    stream_start(&stream);
    stream_run(&stream, 60 * SECOND, 3);
    stream_run(&stream, 300 * SECOND, 2);
    EXPECT(stream, PASS);
}
END_TEST

/* A name that chance has changed on the wire: summary.json stays UTF-8. */
START_TEST(test_route_bounds__gives_reasons_that_can_be_read) {
    struct stream stream = stream_of("route-bounds", "");
    stream_start(&stream);
    s_route_broker_registered(&stream, NS1, "c", "br\xc4k\x01r-a", 0, "10.9.9.9:1", 1, 1, 0, 1);
    stream_run(&stream, 300 * SECOND, 3);
    EXPECT_REASON(stream, FAIL, "lists broker br?k?r-a");
}
END_TEST

START_TEST(test_route_bounds__refuses_bad_parameters) {
    const char *error = NULL;
    ck_assert_ptr_null(stream_judge("route-bounds", "expiry=soon", &error));
    ck_assert_str_eq(error, "oracle route-bounds: expiry: is not a duration");
    ck_assert_ptr_null(stream_judge("route-bounds", "expire=1s", &error));
    ck_assert_str_eq(error, "oracle route-bounds: expire: no such parameter");
    stream_end();
}
END_TEST

STREAM_MAIN(
    "oracle_route_bounds", test_route_bounds__passes_a_quiet_cluster,
    test_route_bounds__is_unknown_without_registrations,
    test_route_bounds__passes_a_silent_broker_removed_in_time,
    test_route_bounds__fails_an_early_scan, test_route_bounds__fails_an_entry_that_stays,
    test_route_bounds__fails_a_late_removal, test_route_bounds__excuses_a_paused_name_server,
    test_route_bounds__asks_for_proof_of_a_close, test_route_bounds__knows_who_may_be_unregistered,
    test_route_bounds__knows_a_late_unregistration, test_route_bounds__follows_a_pause_to_its_end,
    test_route_bounds__wants_brokers_back_after_a_restart, test_route_bounds__fails_a_late_return,
    test_route_bounds__gives_two_periods_after_a_network_fault,
    test_route_bounds__gives_two_periods_after_a_name_servers_power_failure,
    test_route_bounds__excuses_what_is_listed, test_route_bounds__gives_reasons_that_can_be_read,
    test_route_bounds__refuses_bad_parameters)
