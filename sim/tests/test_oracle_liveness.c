/* Oracles of messages that go on, brokers that start, files that stay whole: messages-progress,
 * one-owner, sends-available, flow-honest, starts, config-atomic. */
#include "sim/tests/flow.h"

/* ---- messages-progress ---- */

START_TEST(test_messages_progress__in_time) {
    struct stream stream = flow_of("messages-progress", "within=1s");
    flow_stored(&stream, BROKER_A, 0, 20, NUMBER(21));
    stream.now_ns += SECOND;
    flow_deliver(&stream, CLIENT, BROKER_A, 0, 20, NUMBER(21));
    EXPECT(stream, PASS);
    stream = flow_of("messages-progress", "within=1s");
    flow_stored(&stream, BROKER_A, 0, 20, NUMBER(21));
    stream.now_ns += SECOND + 1;
    flow_deliver(&stream, CLIENT, BROKER_A, 0, 20, NUMBER(21));
    EXPECT_REASON(stream, FAIL, "was on its way to group G for 1.000 s");
    stream = flow_of("messages-progress", "within=1s");
    flow_stored(&stream, BROKER_A, 0, 20, NUMBER(21));
    stream.now_ns += 3 * SECOND;
    struct run_result result = stream_verdict(&stream, VERDICT_FAIL);
    ck_assert_ptr_nonnull(strstr(result.oracles[0].verdict.reason, "was not delivered to group G"));
    ck_assert_uint_eq(result.oracles[0].verdict.witness_count, 3);
    ck_assert_uint_eq(result.oracles[0].verdict.witness[0].kind, EVENT_send_acked);
    ck_assert_uint_eq(result.oracles[0].verdict.witness[1].kind, EVENT_queue_acquired);
}
END_TEST

START_TEST(test_messages_progress__counts_healthy_time_with_an_owner) {
    static const uint16_t nodes[] = {BROKER_A, CLIENT};
    for (size_t i = 0; i < sizeof nodes / sizeof nodes[0]; i++) {
        struct stream stream = flow_of("messages-progress", "within=1s");
        const char *name = STREAM_NODES[nodes[i] - 1];
        flow_stored(&stream, BROKER_A, 0, 20, NUMBER(21));
        s_world_fault(&stream, nodes[i], 0, "pause", name, "begin");
        stream.now_ns += 60 * SECOND;
        s_world_fault(&stream, nodes[i], 0, "pause", name, "end");
        stream.now_ns += SECOND / 2;
        flow_deliver(&stream, CLIENT, BROKER_A, 0, 20, NUMBER(21));
        EXPECT(stream, PASS);
    }
    struct stream stream = flow_of("messages-progress", "within=1s");
    flow_stored(&stream, BROKER_A, 0, 20, NUMBER(21));
    flow_release(&stream, CLIENT, BROKER_A, 0, 20, "stop");
    stream.now_ns += 60 * SECOND;
    EXPECT(stream, PASS);
    stream = flow_of("messages-progress", "within=1s ignore=G");
    flow_stored(&stream, BROKER_A, 0, 20, NUMBER(21));
    stream.now_ns += 60 * SECOND;
    EXPECT(stream, PASS);
}
END_TEST

/* ---- one-owner ---- */

START_TEST(test_one_owner__two_for_a_while) {
    struct stream stream = flow_of("one-owner", "overlap=30s");
    flow_acquire(&stream, NS2, BROKER_A, 0, 20);
    stream.now_ns += 30 * SECOND;
    flow_release(&stream, CLIENT, BROKER_A, 0, 20, "rebalance");
    EXPECT(stream, PASS);
    stream = flow_of("one-owner", "overlap=30s");
    flow_acquire(&stream, NS2, BROKER_A, 0, 20);
    stream.now_ns += 31 * SECOND;
    flow_release(&stream, CLIENT, BROKER_A, 0, 20, "rebalance");
    EXPECT_REASON(stream, FAIL, "T queue 0 of broker-a had more than one owner in group G for 31");
    stream = flow_of("one-owner", "overlap=30s");
    flow_acquire(&stream, NS2, BROKER_A, 0, 20);
    stream.now_ns += 31 * SECOND;
    EXPECT(stream, FAIL);
    stream = flow_of("one-owner", "overlap=30s ignore=G");
    flow_acquire(&stream, NS2, BROKER_A, 0, 20);
    stream.now_ns += 31 * SECOND;
    EXPECT(stream, UNKNOWN);
}
END_TEST

/* A member that was paused does not know yet that it lost the queue. */
START_TEST(test_one_owner__counts_healthy_time) {
    struct stream stream = flow_of("one-owner", "overlap=30s");
    s_world_fault(&stream, CLIENT, 0, "pause", "client-1", "begin");
    flow_acquire(&stream, NS2, BROKER_A, 0, 20);
    stream.now_ns += 300 * SECOND;
    s_world_fault(&stream, CLIENT, 0, "pause", "client-1", "end");
    stream.now_ns += 20 * SECOND;
    flow_release(&stream, CLIENT, BROKER_A, 0, 20, "rebalance");
    EXPECT(stream, PASS);
    stream = flow_of("one-owner", "overlap=30s");
    flow_acquire(&stream, NS2, BROKER_A, 0, 20);
    stream.now_ns += 20 * SECOND;
    s_world_node_down(&stream, CLIENT, "kill");
    stream.now_ns += 300 * SECOND;
    EXPECT(stream, PASS);
}
END_TEST

START_TEST(test_one_owner__somebody_has_it) {
    struct stream stream = flow_of("one-owner", "within=60s");
    flow_acquire(&stream, NS2, BROKER_A, 1, 0);
    flow_release(&stream, CLIENT, BROKER_A, 0, 20, "rebalance");
    stream.now_ns += 60 * SECOND;
    flow_acquire(&stream, NS2, BROKER_A, 0, 20);
    EXPECT(stream, PASS);
    stream = flow_of("one-owner", "within=60s");
    flow_acquire(&stream, NS2, BROKER_A, 1, 0);
    flow_release(&stream, CLIENT, BROKER_A, 0, 20, "rebalance");
    stream.now_ns += 61 * SECOND;
    flow_acquire(&stream, NS2, BROKER_A, 0, 20);
    EXPECT_REASON(stream, FAIL, "had no owner in group G for 61");
    /* the last member stopped */
    stream = flow_of("one-owner", "within=60s");
    flow_release(&stream, CLIENT, BROKER_A, 0, 20, "stop");
    stream.now_ns += 300 * SECOND;
    EXPECT(stream, PASS);
    /* a queue that nobody ever had */
    stream = flow_of("one-owner", "within=60s");
    flow_stored(&stream, BROKER_B, 3, 0, NUMBER(21));
    stream.now_ns += 61 * SECOND;
    EXPECT_REASON(stream, FAIL, "T queue 3 of broker-b had no owner");
}
END_TEST

/* ---- sends-available ---- */

static void fail_send(struct stream *stream, uint64_t number, const char *broker, int64_t code) {
    flow_send(stream, number);
    stream->now_ns += 3 * SECOND;
    s_send_failed(stream, CLIENT, "T", number, broker, code, "timeout", 1, 1, 3 * SECOND);
}

START_TEST(test_sends_available__share_and_gap) {
    struct stream stream = flow_of("sends-available", "max_failed_ppm=50000 retry=false");
    fail_send(&stream, NUMBER(21), "broker-a", -1);
    flow_stored(&stream, BROKER_A, 0, 20, NUMBER(22));
    EXPECT(stream, PASS);
    stream = flow_of("sends-available", "max_failed_ppm=40000 retry=false");
    fail_send(&stream, NUMBER(21), "broker-a", -1);
    EXPECT_REASON(stream, FAIL, "1 of 21 sends failed, allowed are 40000 ppm");
    stream = flow_of("sends-available", "max_failed_ppm=500000 retry=false gap=10s");
    for (uint64_t i = 0; i < 4; i++)
        fail_send(&stream, NUMBER(21 + i), "broker-a", -1);
    flow_stored(&stream, BROKER_A, 0, 20, NUMBER(25));
    EXPECT_REASON(stream, FAIL, "client-1 could not send for 12.002 s");
    stream = flow_of("sends-available", "max_failed_ppm=500000 retry=false gap=10s");
    fail_send(&stream, NUMBER(21), "broker-a", -1);
    stream.now_ns += 8 * SECOND;
    EXPECT(stream, FAIL);
    stream = flow_of("sends-available", "excused=client-1");
    fail_send(&stream, NUMBER(21), "broker-a", -1);
    EXPECT(stream, UNKNOWN);
}
END_TEST

/* broker-b has queues of the topic too, and is healthy. */
static struct stream two_brokers(void) {
    struct stream stream = flow_of("sends-available", "max_failed_ppm=500000");
    flow_stored(&stream, BROKER_B, 0, 0, NUMBER(21));
    return stream;
}

START_TEST(test_sends_available__asks_a_healthy_broker) {
    struct stream stream = two_brokers();
    fail_send(&stream, NUMBER(22), "broker-a", -1);
    EXPECT_REASON(stream, FAIL, "after 1 attempts, and broker-b was never asked");
    stream = two_brokers();
    fail_send(&stream, NUMBER(22), "broker-a", 13); /* illegal everywhere */
    EXPECT(stream, PASS);
    stream = two_brokers(); /* asked, with time left */
    flow_send(&stream, NUMBER(22));
    s_send_retried(&stream, CLIENT, "T", NUMBER(22), 2, "broker-b", "broker-a", "timeout",
                   1000 * MS);
    s_send_failed(&stream, CLIENT, "T", NUMBER(22), "broker-b", -1, "timeout", 2, 1, 3 * SECOND);
    EXPECT(stream, PASS);
    stream = two_brokers(); /* no time left */
    flow_send(&stream, NUMBER(22));
    s_send_retried(&stream, CLIENT, "T", NUMBER(22), 2, "broker-b", "broker-a", "timeout", MS);
    s_send_failed(&stream, CLIENT, "T", NUMBER(22), "broker-a", -1, "timeout", 2, 1, 3 * SECOND);
    EXPECT(stream, FAIL);
    stream = two_brokers(); /* it just came back */
    flow_restart(&stream, BROKER_B, "kill", 1);
    fail_send(&stream, NUMBER(22), "broker-a", -1);
    EXPECT(stream, PASS);
}
END_TEST

/* ---- flow-honest ---- */

START_TEST(test_flow_honest__measured_is_above_a_known_bound) {
    static const struct {
        const char *parameters, *limit;
        uint64_t measured, bound;
        bool good;
    } rows[] = {
        {"", "page_cache", 1001, 1000, true},
        {"", "page_cache", 1000, 1000, false},
        {"", "page_cache", 1, 1000, false},
        {"", "page_cache", 2, 1, false},
        {"page_cache=1", "page_cache", 2, 1, true},
        {"", "send_queue", 201, 200, true},
        {"", "pull_queue", 5001, 5000, true},
        {"", "overload", 10000, 10000, true},
        {"", "mood", 2, 1, false},
        {"max=0", "send_queue", 201, 200, false},
        {"excused=broker-a", "mood", 2, 1, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct stream stream = flow_of("flow-honest", rows[i].parameters);
        s_flow_refused(&stream, BROKER_A, rows[i].limit, rows[i].measured, rows[i].bound, "sync");
        (void)stream_verdict(&stream, rows[i].good ? VERDICT_PASS : VERDICT_FAIL);
    }
}
END_TEST

/* ---- starts ---- */

static struct stream starting(const char *parameters) {
    struct stream stream = flow_of("starts", parameters);
    s_world_node_down(&stream, BROKER_A, "power_off");
    stream.now_ns += SECOND;
    stream.incarnation[BROKER_A]++;
    s_world_node_up(&stream, BROKER_A, "broker");
    return stream;
}

START_TEST(test_starts__serves_in_time) {
    struct stream stream = starting("");
    stream.now_ns += 60 * SECOND;
    s_node_serves(&stream, BROKER_A, A_ADDRESS, "broker-a", 0);
    EXPECT(stream, PASS);
    stream = starting("");
    stream.now_ns += 61 * SECOND;
    s_node_serves(&stream, BROKER_A, A_ADDRESS, "broker-a", 0);
    EXPECT_REASON(stream, FAIL, "broker-a does not start: it serves only 61.000 s");
    stream = starting("");
    stream.now_ns += 61 * SECOND;
    EXPECT(stream, FAIL);
    stream = starting("");
    s_world_fault(&stream, BROKER_A, 0, "pause", "broker-a", "begin");
    stream.now_ns += 61 * SECOND;
    EXPECT(stream, PASS);
}
END_TEST

START_TEST(test_starts__a_store_opens) {
    struct stream stream = starting("");
    s_store_failed(&stream, BROKER_A, "recovery", "torn record");
    EXPECT_REASON(stream, FAIL, "its store does not open");
    stream = starting("");
    s_world_node_down(&stream, BROKER_A, "exit");
    EXPECT_REASON(stream, FAIL, "it ended by itself");
    stream = starting("");
    s_world_node_down(&stream, BROKER_A, "kill");
    EXPECT(stream, PASS);
    stream = flow_of("starts", "");
    s_world_disk(&stream, BROKER_A, "/commitlog/0", "rot", 0, 1);
    flow_restart(&stream, BROKER_A, "kill", 20);
    s_world_node_down(&stream, BROKER_A, "kill");
    s_world_node_up(&stream, BROKER_A, "broker");
    s_store_failed(&stream, BROKER_A, "recovery", "bad record");
    EXPECT(stream, PASS);
    stream = starting("");
    s_world_fault(&stream, BROKER_A, 0, "full-disk", "broker-a", "begin");
    s_store_failed(&stream, BROKER_A, "recovery", "no space");
    EXPECT(stream, PASS);
    stream = starting("excused=broker-a");
    s_store_failed(&stream, BROKER_A, "recovery", "torn record");
    EXPECT(stream, PASS);
}
END_TEST

/* ---- config-atomic ---- */

/* Content 1 was saved, 2 begun, and the machine went down. */
static struct stream begun(const char *parameters) {
    struct stream stream = flow_of("config-atomic", parameters);
    s_config_saving(&stream, BROKER_A, "topics.json", 1);
    s_config_saved(&stream, BROKER_A, "topics.json", 1);
    s_config_saving(&stream, BROKER_A, "topics.json", 2);
    flow_restart(&stream, BROKER_A, "power_off", 20);
    return stream;
}

START_TEST(test_config_atomic__the_last_one_or_a_later_one) {
    static const struct {
        const char *file, *source;
        uint64_t hash;
        bool good;
    } rows[] = {
        {"topics.json", "main", 1, true},   {"topics.json", "main", 2, true},
        {"topics.json", "backup", 1, true}, {"topics.json", "backup", 7, false},
        {"topics.json", "main", 3, false},  {"topics.json", "none", 0, false},
        {"offsets.json", "none", 0, true},  {"offsets.json", "main", 9, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct stream stream = begun("");
        s_config_loaded(&stream, BROKER_A, rows[i].file, rows[i].source, rows[i].hash);
        (void)stream_verdict(&stream, rows[i].good ? VERDICT_PASS : VERDICT_FAIL);
    }
    struct stream stream = begun("");
    s_config_saved(&stream, BROKER_A, "topics.json", 2);
    s_config_loaded(&stream, BROKER_A, "topics.json", "main", 1);
    EXPECT_REASON(stream, FAIL, "broker-a loads what it did not save last from topics.json");
    stream = begun("files=offsets.json");
    s_config_loaded(&stream, BROKER_A, "topics.json", "none", 0);
    EXPECT(stream, UNKNOWN);
    stream = begun("");
    s_world_disk(&stream, BROKER_A, "/config/topics.json", "rot", 0, 1);
    s_config_loaded(&stream, BROKER_A, "topics.json", "none", 0);
    EXPECT(stream, PASS);
}
END_TEST

STREAM_MAIN("oracle liveness", test_messages_progress__in_time,
            test_messages_progress__counts_healthy_time_with_an_owner,
            test_one_owner__two_for_a_while, test_one_owner__counts_healthy_time,
            test_one_owner__somebody_has_it, test_sends_available__share_and_gap,
            test_sends_available__asks_a_healthy_broker,
            test_flow_honest__measured_is_above_a_known_bound, test_starts__serves_in_time,
            test_starts__a_store_opens, test_config_atomic__the_last_one_or_a_later_one)
