/* Oracles of removals and addresses: no-flapping, eviction-window, detection. */
#include "sim/tests/stream.h"

static void flap(struct stream *stream, int registrations) {
    for (int i = 0; i < registrations; i++) {
        s_route_broker_registered(stream, NS1, "c", "broker-a", 0,
                                  i % 2 == 0 ? A_ADDRESS : B_ADDRESS, 0, 1, 1, 1);
        stream->now_ns += 15 * SECOND;
    }
}

START_TEST(test_no_flapping__passes_a_stable_address) {
    struct stream stream = stream_of("no-flapping", "");
    stream_start(&stream);
    stream_run(&stream, 300 * SECOND, 3);
    EXPECT(stream, PASS);
}
END_TEST

/* A broker that moved to another machine. */
START_TEST(test_no_flapping__allows_one_change) {
    struct stream stream = stream_of("no-flapping", "");
    stream_start(&stream);
    flap(&stream, 2);
    EXPECT(stream, PASS);
}
END_TEST

START_TEST(test_no_flapping__fails_two_masters_under_one_name) {
    struct stream stream = stream_of("no-flapping", "");
    stream_start(&stream);
    flap(&stream, 5);
    EXPECT_REASON(stream, FAIL, "changed 2 times within 15.000 s");
}
END_TEST

START_TEST(test_no_flapping__counts_in_a_window) {
    struct stream stream = stream_of("no-flapping", "changes=3 within=40s");
    stream_start(&stream);
    flap(&stream, 20);
    EXPECT(stream, PASS);
    stream = stream_of("no-flapping", "changes=3 within=45s");
    stream_start(&stream);
    flap(&stream, 20);
    EXPECT(stream, FAIL);
}
END_TEST

START_TEST(test_no_flapping__is_unknown_without_registrations) {
    struct stream stream = stream_of("no-flapping", "");
    stream_start(&stream);
    EXPECT(stream, UNKNOWN);
}
END_TEST

static struct stream evicted(const char *parameters, const char *reason, uint64_t since_ns) {
    struct stream stream = stream_of("eviction-window", parameters);
    stream_start(&stream);
    stream_run(&stream, 60 * SECOND, 3);
    s_world_fault(&stream, BROKER_A, 0, "pause", "broker-a", "begin");
    stream.now_ns = 30 * SECOND + since_ns;
    stream_evict(&stream, NS1, BROKER_A, reason, since_ns);
    return stream;
}

START_TEST(test_eviction_window__judges_from_the_last_registration) {
    struct stream stream = evicted("min=120s max=120.1s", "idle", 120050000000);
    EXPECT(stream, PASS);
    stream = evicted("min=120s max=120.1s", "idle", 120150000000);
    EXPECT_REASON(stream, FAIL, "120.150 s after its last registration");
    stream = evicted("min=120s max=120.1s", "idle", 119990000000);
    EXPECT(stream, FAIL);
}
END_TEST

START_TEST(test_eviction_window__judges_from_the_fault) {
    struct stream stream = evicted("since=fault min=90s max=120s", "idle", 120 * SECOND);
    EXPECT(stream, PASS);
    stream = evicted("since=fault min=91s max=120s", "idle", 120 * SECOND);
    EXPECT(stream, FAIL);
}
END_TEST

START_TEST(test_eviction_window__judges_the_given_reasons_and_brokers) {
    struct stream stream = evicted("reason=close,idle max=1s", "scan", 125 * SECOND);
    EXPECT(stream, UNKNOWN);
    stream = evicted("reason=close,scan max=1s", "scan", 125 * SECOND);
    EXPECT(stream, FAIL);
    stream = evicted("broker=broker-b max=1s", "scan", 125 * SECOND);
    EXPECT(stream, UNKNOWN);
    stream = evicted("broker=broker-a max=1s", "scan", 125 * SECOND);
    EXPECT(stream, FAIL);
}
END_TEST

START_TEST(test_eviction_window__refuses_bad_parameters) {
    const char *error = NULL;
    ck_assert_ptr_null(stream_judge("eviction-window", "", &error));
    ck_assert_str_eq(error, "oracle eviction-window: max: is required");
    ck_assert_ptr_null(stream_judge("eviction-window", "max=1s min=2s", &error));
    ck_assert_ptr_null(stream_judge("eviction-window", "max=1s since=dawn", &error));
    stream_end();
}
END_TEST

/* broker-a pauses at 60 s; ns-1 removes it after `first_s` s, ns-2 after `second_s` (0: never). */
static struct stream detected(const char *parameters, uint64_t first_s, uint64_t second_s) {
    struct stream stream = stream_of("detection", parameters);
    stream_start(&stream);
    stream_run(&stream, 60 * SECOND, 3);
    s_world_fault(&stream, BROKER_A, 0, "pause", "broker-a", "begin");
    for (uint64_t s = 1; s <= 200; s++) {
        stream.now_ns += SECOND;
        if (s == first_s)
            stream_evict(&stream, NS1, BROKER_A, "idle", (s + 30) * SECOND);
        if (s == second_s)
            stream_evict(&stream, NS2, BROKER_A, "scan", (s + 30) * SECOND);
    }
    return stream;
}

START_TEST(test_detection__wants_all_name_servers_in_time) {
    struct stream stream = detected("broker=broker-a within=100s", 90, 99);
    EXPECT(stream, PASS);
    stream = detected("broker=broker-a within=100s", 90, 101);
    EXPECT_REASON(stream, FAIL, "ns-2 removed broker broker-a 101.000 s after the fault");
    stream = detected("broker=broker-a within=100s", 90, 0);
    EXPECT_REASON(stream, FAIL, "ns-2 still lists");
    stream = detected("broker=broker-a within=100s on=ns-1", 90, 0);
    EXPECT(stream, PASS);
}
END_TEST

START_TEST(test_detection__never) {
    struct stream stream = detected("broker=broker-a never=true", 0, 0);
    EXPECT(stream, PASS);
    stream = detected("broker=broker-a never=true", 0, 150);
    EXPECT(stream, FAIL);
}
END_TEST

START_TEST(test_detection__is_unknown_without_a_fault_or_before_the_end_of_its_time) {
    struct stream stream = detected("broker=broker-b", 90, 99);
    EXPECT_REASON(stream, UNKNOWN, "no fault");
    stream = detected("broker=broker-a within=300s", 0, 0);
    EXPECT(stream, UNKNOWN);
}
END_TEST

STREAM_MAIN("oracle_routes", test_no_flapping__passes_a_stable_address,
            test_no_flapping__allows_one_change, test_no_flapping__fails_two_masters_under_one_name,
            test_no_flapping__counts_in_a_window,
            test_no_flapping__is_unknown_without_registrations,
            test_eviction_window__judges_from_the_last_registration,
            test_eviction_window__judges_from_the_fault,
            test_eviction_window__judges_the_given_reasons_and_brokers,
            test_eviction_window__refuses_bad_parameters,
            test_detection__wants_all_name_servers_in_time, test_detection__never,
            test_detection__is_unknown_without_a_fault_or_before_the_end_of_its_time)
