/* Oracles of stored and delivered messages: acked-durable, no-duplicates, no-phantom, queue-dense,
 * offsets-forward. */
#include "sim/tests/flow.h"

static const char *const ALL[] = {"acked-durable",     "no-duplicates",   "no-phantom",
                                  "queue-dense",       "offsets-forward", "one-owner",
                                  "messages-progress", "sends-available"};

START_TEST(test_clean_stream__passes) {
    for (size_t i = 0; i < sizeof ALL / sizeof ALL[0]; i++) {
        struct stream stream = flow_of(ALL[i], "");
        flow_through(&stream, 20, 3000);
        s_store_flushed(&stream, BROKER_A, 300000, 1);
        EXPECT(stream, PASS);
        stream = stream_of(ALL[i], "");
        stream_start(&stream);
        EXPECT(stream, UNKNOWN);
    }
}
END_TEST

/* ---- acked-durable ---- */

/* 20 messages, flushed up to the tenth, none of them in 10 s. */
static struct stream stored(const char *parameters) {
    struct stream stream = flow_of("acked-durable", parameters);
    s_store_flushed(&stream, BROKER_A, 1000, 1);
    return stream;
}

/* The same of a broker that flushes before it answers. */
static struct stream synced(const char *parameters) {
    struct stream stream = stream_of("acked-durable", parameters);
    stream_start(&stream);
    stream.now_ns = 100 * SECOND;
    flow_acquire(&stream, CLIENT, BROKER_A, 0, 0);
    s_store_flushed(&stream, BROKER_A, 2000, 1);
    flow_through(&stream, 0, 20);
    return stream;
}

START_TEST(test_acked_durable__after_a_kill_nothing_is_lost) {
    struct stream stream = stored("");
    flow_restart(&stream, BROKER_A, "kill", 20);
    EXPECT(stream, PASS);
    stream = stored("");
    flow_restart(&stream, BROKER_A, "kill", 19);
    struct run_result result = stream_verdict(&stream, VERDICT_FAIL);
    const struct oracle_verdict *verdict = &result.oracles[0].verdict;
    ck_assert_ptr_nonnull(strstr(verdict->reason, "offset 19 of T queue 0 of broker-a"));
    ck_assert_ptr_nonnull(strstr(verdict->reason, "its process ended"));
    ck_assert_uint_eq(verdict->witness_count, 3);
    ck_assert_uint_eq(verdict->witness[0].kind, EVENT_send_acked);
    ck_assert_uint_eq(verdict->witness[1].kind, EVENT_world_node_down);
    ck_assert_uint_eq(verdict->witness[2].kind, EVENT_store_queue_recovered);
}
END_TEST

START_TEST(test_acked_durable__a_power_off_takes_what_was_not_flushed) {
    struct stream stream = stored("");
    flow_restart(&stream, BROKER_A, "power_off", 10);
    EXPECT(stream, PASS);
    stream = stored("");
    flow_restart(&stream, BROKER_A, "power_off", 9);
    EXPECT_REASON(stream, FAIL, "it was flushed");
    stream = synced("sync=broker-a");
    flow_restart(&stream, BROKER_A, "power_off", 19);
    EXPECT_REASON(stream, FAIL, "flushes before it answers");
    stream = stored("sync=broker-b");
    flow_restart(&stream, BROKER_A, "power_off", 19);
    EXPECT(stream, PASS);
    /* an answer that comes too early, even if nothing is lost */
    stream = stored("sync=broker-a");
    EXPECT_REASON(stream, FAIL, "offset 0 of T queue 0 of broker-a was acknowledged before it was");
    /* a machine that goes down after its process was killed */
    stream = stored("");
    s_world_node_down(&stream, BROKER_A, "kill");
    s_world_fault(&stream, 0, 0, "power-off", "broker-a", "once");
    flow_restart(&stream, BROKER_A, "power_off", 15);
    EXPECT(stream, PASS);
}
END_TEST

START_TEST(test_acked_durable__a_flush_is_due_in_time) {
    struct stream stream = stored("");
    stream.now_ns += 13 * SECOND;
    flow_restart(&stream, BROKER_A, "power_off", 19);
    EXPECT_REASON(stream, FAIL, "overdue");
    stream = stored("window=20s");
    stream.now_ns += 13 * SECOND;
    flow_restart(&stream, BROKER_A, "power_off", 19);
    EXPECT(stream, PASS);
    /* years without a flush: nothing is kept one by one, and still known */
    stream = stored("window=1h");
    stream.now_ns += 7200 * SECOND;
    flow_stored(&stream, BROKER_A, 0, 20, NUMBER(21));
    flow_restart(&stream, BROKER_A, "power_off", 19);
    EXPECT_REASON(stream, FAIL, "overdue");
}
END_TEST

START_TEST(test_acked_durable__has_excuses) {
    static const char *const faults[] = {"lying-sync", "bit-rot", "disk-errors",
                                         "misdirected-write"};
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct stream stream = synced("sync=all");
        s_world_fault(&stream, BROKER_A, 0, faults[i], "broker-a", "once");
        flow_restart(&stream, BROKER_A, "power_off", 5);
        EXPECT(stream, PASS);
    }
    struct stream stream = synced("sync=all");
    s_world_fault(&stream, BROKER_A, 0, "slow-disk", "broker-a", "once");
    flow_restart(&stream, BROKER_A, "power_off", 5);
    EXPECT(stream, FAIL);
    stream = synced("sync=all");
    s_store_sync_failed(&stream, BROKER_A, "/commitlog/0", "io");
    flow_restart(&stream, BROKER_A, "power_off", 5);
    EXPECT(stream, PASS);
    stream = synced("sync=all excused=broker-a");
    flow_restart(&stream, BROKER_A, "power_off", 5);
    EXPECT(stream, PASS);
    /* retention took all of it */
    stream = synced("sync=all");
    s_store_file_deleted(&stream, BROKER_A, "/store/commitlog/0", 0, 5000, "expired");
    flow_restart(&stream, BROKER_A, "kill", 0);
    EXPECT(stream, PASS);
}
END_TEST

/* An answer that comes late is about a place that recovery gave back. */
START_TEST(test_acked_durable__late_answers_promise_nothing) {
    struct stream stream = stored("");
    flow_send(&stream, NUMBER(21));
    flow_restart(&stream, BROKER_A, "power_off", 20);
    flow_ack(&stream, BROKER_A, 0, 20, NUMBER(21), 1);
    flow_stored(&stream, BROKER_A, 0, 20, NUMBER(22));
    flow_restart(&stream, BROKER_A, "kill", 21);
    EXPECT(stream, PASS);
}
END_TEST

START_TEST(test_acked_durable__a_queue_that_is_not_found_again) {
    struct stream stream = stored("");
    s_world_node_down(&stream, BROKER_A, "kill");
    stream.now_ns += SECOND;
    stream.incarnation[BROKER_A]++;
    s_node_started(&stream, BROKER_A, "broker", "4.9");
    s_store_recovered(&stream, BROKER_A, "unclean", 0, 2000, 0, 0, 0, "");
    s_node_serves(&stream, BROKER_A, A_ADDRESS, "broker-a", 0);
    EXPECT_REASON(stream, FAIL, "is lost");
}
END_TEST

START_TEST(test_acked_durable__progress_passes_no_message) {
    struct stream stream = flow_of("acked-durable", "");
    flow_stored(&stream, BROKER_A, 0, 20, NUMBER(21));
    flow_stored(&stream, BROKER_A, 0, 21, NUMBER(22));
    flow_deliver(&stream, CLIENT, BROKER_A, 0, 21, NUMBER(22));
    flow_commit(&stream, BROKER_A, 0, 22);
    struct run_result result = stream_verdict(&stream, VERDICT_FAIL);
    ck_assert_ptr_nonnull(
        strstr(result.oracles[0].verdict.reason, "passed 1 acknowledged messages of T queue 0"));
    ck_assert_uint_eq(result.oracles[0].verdict.witness[0].kind, EVENT_send_acked);
    /* a handler that failed got nothing */
    stream = flow_of("acked-durable", "");
    flow_stored(&stream, BROKER_A, 0, 20, NUMBER(21));
    flow_deliver(&stream, CLIENT, BROKER_A, 0, 20, NUMBER(21));
    s_consume_failed(&stream, CLIENT, "G", "T", "broker-a", 0, 20, NUMBER(21), "handler");
    flow_commit(&stream, BROKER_A, 0, 21);
    EXPECT(stream, FAIL);
    /* another group wants some tags only; a reset skips on purpose */
    stream = flow_of("acked-durable", "filtered=G");
    flow_stored(&stream, BROKER_A, 0, 20, NUMBER(21));
    flow_commit(&stream, BROKER_A, 0, 21);
    EXPECT(stream, PASS);
    stream = flow_of("acked-durable", "");
    flow_stored(&stream, BROKER_A, 0, 20, NUMBER(21));
    s_consumer_offset_reset(&stream, CLIENT, "G", "T", "broker-a", 0, 20, 21, "illegal");
    flow_commit(&stream, BROKER_A, 0, 21);
    EXPECT(stream, PASS);
}
END_TEST

/* An owner that had read 20 goes on there though 15 to 19 are new. */
START_TEST(test_acked_durable__places_read_before_a_power_off) {
    struct stream stream = flow_of("acked-durable", "");
    flow_restart(&stream, BROKER_A, "power_off", 15);
    s_offset_lowered(&stream, BROKER_A, "G", "T", 0, 20, 15);
    for (uint64_t offset = 15; offset < 21; offset++)
        flow_stored(&stream, BROKER_A, 0, offset, NUMBER(offset + 101));
    flow_deliver(&stream, CLIENT, BROKER_A, 0, 20, NUMBER(121));
    flow_commit(&stream, BROKER_A, 0, 21);
    EXPECT(stream, FAIL);
}
END_TEST

/* ---- no-duplicates ---- */

START_TEST(test_no_duplicates__fails_what_nothing_explains) {
    struct stream stream = flow_of("no-duplicates", "");
    flow_deliver(&stream, CLIENT, BROKER_A, 0, 5, NUMBER(6));
    EXPECT_REASON(stream, FAIL, "message 10000000006 of T queue 0 of broker-a again");
    /* the same message from another place, though it was sent once */
    stream = flow_of("no-duplicates", "");
    flow_deliver(&stream, CLIENT, BROKER_A, 0, 20, NUMBER(6));
    EXPECT(stream, FAIL);
    /* somebody who owns nothing */
    stream = flow_of("no-duplicates", "");
    flow_deliver(&stream, NS2, BROKER_A, 0, 5, NUMBER(6));
    EXPECT(stream, FAIL);
    stream = flow_of("no-duplicates", "ignore=G");
    flow_deliver(&stream, CLIENT, BROKER_A, 0, 5, NUMBER(6));
    EXPECT(stream, UNKNOWN);
}
END_TEST

/* Message 21 is sent twice, at places 20 and 21. */
static void send_again(struct stream *stream) {
    flow_send(stream, NUMBER(21));
    s_send_retried(stream, CLIENT, "T", NUMBER(21), 2, "broker-a", "broker-a", "timeout", SECOND);
    flow_ack(stream, BROKER_A, 0, 21, NUMBER(21), 2);
    flow_deliver(stream, CLIENT, BROKER_A, 0, 20, NUMBER(21));
    flow_deliver(stream, CLIENT, BROKER_A, 0, 21, NUMBER(21));
}

START_TEST(test_no_duplicates__knows_the_reasons) {
    struct stream stream = flow_of("no-duplicates", "max=1");
    send_again(&stream);
    EXPECT(stream, PASS);
    stream = flow_of("no-duplicates", "max=0");
    send_again(&stream);
    EXPECT_REASON(stream, FAIL, "more than 0 duplicates");
    stream = flow_of("no-duplicates", "max_ppm=1000");
    send_again(&stream);
    EXPECT_REASON(stream, FAIL, "1 duplicates in 22 deliveries");
    /* a failed send that was stored, and sent again by the application under another number */
    stream = flow_of("no-duplicates", "");
    flow_send(&stream, NUMBER(21));
    s_send_failed(&stream, CLIENT, "T", NUMBER(21), "broker-a", -1, "timeout", 3, 1, SECOND);
    flow_deliver(&stream, CLIENT, BROKER_A, 0, 20, NUMBER(21));
    flow_deliver(&stream, CLIENT, BROKER_A, 0, 21, NUMBER(21));
    EXPECT(stream, PASS);
    /* its handler failed */
    stream = flow_of("no-duplicates", "");
    s_consume_failed(&stream, CLIENT, "G", "T", "broker-a", 0, 5, NUMBER(6), "handler");
    flow_deliver(&stream, CLIENT, BROKER_A, 0, 5, NUMBER(6));
    EXPECT(stream, PASS);
    stream = flow_of("no-duplicates", "");
    s_consume_failed(&stream, CLIENT, "G", "T", "broker-a", 0, 5, NUMBER(6), "handler");
    flow_deliver(&stream, CLIENT, BROKER_A, 0, 5, NUMBER(6));
    flow_deliver(&stream, CLIENT, BROKER_A, 0, 5, NUMBER(6));
    EXPECT(stream, FAIL);
    /* a reset */
    stream = flow_of("no-duplicates", "");
    s_consumer_offset_reset(&stream, CLIENT, "G", "T", "broker-a", 0, 20, 3, "seek");
    for (uint64_t offset = 3; offset < 20; offset++)
        flow_deliver(&stream, CLIENT, BROKER_A, 0, offset, NUMBER(offset + 1));
    EXPECT(stream, PASS);
}
END_TEST

START_TEST(test_no_duplicates__owners_begin_where_progress_is) {
    struct stream stream = flow_of("no-duplicates", "");
    flow_commit(&stream, BROKER_A, 0, 15);
    flow_release(&stream, CLIENT, BROKER_A, 0, 15, "rebalance");
    stream.now_ns += 20 * SECOND;
    flow_acquire(&stream, NS2, BROKER_A, 0, 15);
    for (uint64_t offset = 15; offset < 20; offset++)
        flow_deliver(&stream, NS2, BROKER_A, 0, offset, NUMBER(offset + 1));
    EXPECT(stream, PASS);
    /* but once only */
    stream = flow_of("no-duplicates", "");
    flow_release(&stream, CLIENT, BROKER_A, 0, 20, "rebalance");
    stream.now_ns += 20 * SECOND;
    flow_acquire(&stream, NS2, BROKER_A, 0, 20);
    flow_deliver(&stream, NS2, BROKER_A, 0, 17, NUMBER(18));
    EXPECT(stream, FAIL);
    /* progress had gone further */
    stream = flow_of("no-duplicates", "");
    flow_release(&stream, CLIENT, BROKER_A, 0, 20, "rebalance");
    stream.now_ns += 20 * SECOND;
    flow_acquire(&stream, NS2, BROKER_A, 0, 10);
    flow_deliver(&stream, NS2, BROKER_A, 0, 10, NUMBER(11));
    EXPECT(stream, FAIL);
    /* a broker that ended lost it */
    stream = flow_of("no-duplicates", "");
    flow_release(&stream, CLIENT, BROKER_A, 0, 20, "rebalance");
    flow_restart(&stream, BROKER_A, "kill", 20);
    flow_acquire(&stream, NS2, BROKER_A, 0, 10);
    flow_deliver(&stream, NS2, BROKER_A, 0, 10, NUMBER(11));
    EXPECT(stream, PASS);
}
END_TEST

/* Lost places are given to other messages; the dead ones must not return. */
START_TEST(test_no_duplicates__dead_records_stay_dead) {
    struct stream stream = flow_of("no-duplicates", "");
    flow_restart(&stream, BROKER_A, "power_off", 10);
    s_consumer_offset_reset(&stream, CLIENT, "G", "T", "broker-a", 0, 20, 10, "illegal");
    for (uint64_t offset = 10; offset < 30; offset++) {
        flow_stored(&stream, BROKER_A, 0, offset, NUMBER(offset + 101));
        flow_deliver(&stream, CLIENT, BROKER_A, 0, offset, NUMBER(offset + 101));
    }
    EXPECT(stream, PASS);
    stream = flow_of("no-duplicates", "");
    flow_restart(&stream, BROKER_A, "power_off", 10);
    flow_deliver(&stream, CLIENT, BROKER_A, 0, 20, NUMBER(15));
    EXPECT(stream, FAIL);
}
END_TEST

/* ---- no-phantom ---- */

START_TEST(test_no_phantom__fails_what_was_not_sent) {
    struct stream stream = flow_of("no-phantom", "");
    flow_deliver(&stream, CLIENT, BROKER_A, 0, 20, NUMBER(21));
    EXPECT_REASON(stream, FAIL,
                  "message 10000000015 at offset 20 of T queue 0 of broker-a: nobody");
    stream = flow_of("no-phantom", "");
    flow_deliver(&stream, CLIENT, BROKER_A, 0, 20, UINT64_C(5) << 40 | 1);
    EXPECT(stream, FAIL);
    stream = flow_of("no-phantom", "");
    s_consume_delivered(&stream, CLIENT, "G", "T", "broker-a", 0, 19, 1900, NUMBER(20), 0, 0, 0,
                        "");
    EXPECT_REASON(stream, FAIL, "its body is not what was sent");
    stream = flow_of("no-phantom", "");
    s_consume_delivered(&stream, CLIENT, "G", "U", "broker-a", 0, 19, 1900, NUMBER(20), 1, 0, 0,
                        "");
    EXPECT_REASON(stream, FAIL, "another topic");
}
END_TEST

/* Read again after a restart without it; cached from before; sent again by its producer. */
START_TEST(test_no_phantom__fails_what_was_lost) {
    for (int i = 0; i < 3; i++) {
        struct stream stream = flow_of("no-phantom", "");
        flow_send(&stream, NUMBER(21));
        flow_ack(&stream, BROKER_A, 0, 20, NUMBER(21), i == 2 ? 2 : 1);
        flow_restart(&stream, BROKER_A, "power_off", 20);
        if (i != 1)
            s_consume_pulled(&stream, CLIENT, "G", "T", "broker-a", 0, 20, 21, 1, 20, 20, 0);
        flow_deliver(&stream, CLIENT, BROKER_A, 0, 20, NUMBER(21));
        if (i == 0)
            EXPECT_REASON(stream, FAIL, "it was lost, and is back");
        else
            EXPECT(stream, PASS);
    }
}
END_TEST

START_TEST(test_no_phantom__has_excuses) {
    struct stream stream = flow_of("no-phantom", "");
    s_world_disk(&stream, BROKER_A, "/commitlog/0", "rot", 0, 1);
    s_consume_delivered(&stream, CLIENT, "G", "T", "broker-a", 0, 19, 1900, NUMBER(20), 0, 0, 0,
                        "");
    EXPECT(stream, PASS);
    stream = flow_of("no-phantom", ""); /* too short for a number */
    s_consume_delivered(&stream, CLIENT, "G", "T", "broker-a", 0, 19, 1900, 0, 1, 0, 0, "");
    EXPECT(stream, PASS);
}
END_TEST

/* ---- queue-dense ---- */

static struct stream pulled(int64_t asked, int64_t next, uint64_t count, int64_t first,
                            int64_t last, uint64_t foreign) {
    struct stream stream = flow_of("queue-dense", "");
    s_consume_pulled(&stream, CLIENT, "G", "T", "broker-a", 0, asked, next, count, first, last,
                     foreign);
    return stream;
}

START_TEST(test_queue_dense__judges_pulls) {
    struct stream stream = pulled(20, 23, 3, 20, 22, 0);
    EXPECT(stream, PASS);
    stream = pulled(20, 23, 2, 20, 22, 0); /* one was of another tag */
    EXPECT(stream, PASS);
    stream = pulled(20, 23, 3, 20, 22, 1);
    EXPECT_REASON(stream, FAIL, "of another queue or out of order at offset 20");
    stream = pulled(20, 22, 3, 20, 22, 0);
    EXPECT_REASON(stream, FAIL, "next offset");
    stream = pulled(20, 23, 4, 19, 22, 0);
    EXPECT_REASON(stream, FAIL, "before what was asked");
    stream = pulled(20, 23, 4, 20, 22, 0);
    EXPECT_REASON(stream, FAIL, "more records than places");
}
END_TEST

START_TEST(test_queue_dense__leaves_nothing_out) {
    struct stream stream = flow_of("queue-dense", "");
    flow_stored(&stream, BROKER_A, 0, 20, NUMBER(21));
    flow_stored(&stream, BROKER_A, 0, 21, NUMBER(22));
    flow_deliver(&stream, CLIENT, BROKER_A, 0, 21, NUMBER(22));
    EXPECT_REASON(stream, FAIL, "an acknowledged message is left out at offset 20");
    /* nobody knows what is at place 20 */
    stream = flow_of("queue-dense", "");
    flow_stored(&stream, BROKER_A, 0, 21, NUMBER(22));
    flow_deliver(&stream, CLIENT, BROKER_A, 0, 21, NUMBER(22));
    EXPECT(stream, PASS);
    stream = flow_of("queue-dense", "filtered=G");
    flow_stored(&stream, BROKER_A, 0, 20, NUMBER(21));
    flow_stored(&stream, BROKER_A, 0, 21, NUMBER(22));
    flow_deliver(&stream, CLIENT, BROKER_A, 0, 21, NUMBER(22));
    EXPECT(stream, PASS);
    /* retention removed it */
    stream = flow_of("queue-dense", "");
    flow_stored(&stream, BROKER_A, 0, 20, NUMBER(21));
    flow_stored(&stream, BROKER_A, 0, 21, NUMBER(22));
    s_store_queue_trimmed(&stream, BROKER_A, "T", 0, 21);
    flow_deliver(&stream, CLIENT, BROKER_A, 0, 21, NUMBER(22));
    EXPECT(stream, PASS);
}
END_TEST

START_TEST(test_queue_dense__places_belong_to_one_message) {
    struct stream stream = flow_of("queue-dense", "");
    flow_stored(&stream, BROKER_A, 0, 19, NUMBER(21));
    EXPECT_REASON(stream, FAIL, "two messages are acknowledged at offset 19");
    stream = flow_of("queue-dense", "");
    flow_stored(&stream, BROKER_A, 0, 21, NUMBER(21));
    flow_deliver(&stream, CLIENT, BROKER_A, 0, 20, NUMBER(21));
    EXPECT_REASON(stream, FAIL, "another place than acknowledged");
    stream = flow_of("queue-dense", "");
    s_store_queue_recovered(&stream, BROKER_A, "T", 0, 30, 20, 0);
    EXPECT_REASON(stream, FAIL, "min is above max");
}
END_TEST

/* ---- offsets-forward ---- */

START_TEST(test_offsets_forward__never_back) {
    struct stream stream = flow_of("offsets-forward", "");
    flow_commit(&stream, BROKER_A, 0, 10);
    EXPECT_REASON(stream, FAIL, "progress of group G on T queue 0 of broker-a went back: 10");
    stream = flow_of("offsets-forward", "ignore=G");
    flow_commit(&stream, BROKER_A, 0, 10);
    EXPECT(stream, UNKNOWN);
    stream = flow_of("offsets-forward", "");
    s_consumer_offset_reset(&stream, CLIENT, "G", "T", "broker-a", 0, 20, 10, "seek");
    flow_commit(&stream, BROKER_A, 0, 10);
    flow_commit(&stream, BROKER_A, 0, 12);
    EXPECT(stream, PASS);
    /* the owner before still had a word to say */
    stream = flow_of("offsets-forward", "");
    flow_acquire(&stream, NS2, BROKER_A, 0, 20);
    s_offset_committed(&stream, BROKER_A, "G", "T", 0, 18, "c2");
    EXPECT(stream, PASS);
    /* a stranger */
    stream = flow_of("offsets-forward", "handover=1ms");
    s_offset_committed(&stream, BROKER_A, "G", "T", 0, 18, "c2");
    EXPECT(stream, FAIL);
}
END_TEST

START_TEST(test_offsets_forward__not_beyond_the_end) {
    struct stream stream = flow_of("offsets-forward", "");
    flow_commit(&stream, BROKER_A, 0, 21);
    EXPECT_REASON(stream, FAIL, "is beyond the end: 21");
    stream = flow_of("offsets-forward", ""); /* a message may be there */
    flow_send(&stream, NUMBER(21));
    flow_commit(&stream, BROKER_A, 0, 21);
    EXPECT(stream, PASS);
    stream = flow_of("offsets-forward", "");
    flow_restart(&stream, BROKER_A, "power_off", 15);
    flow_acquire(&stream, CLIENT, BROKER_A, 0, 20);
    EXPECT_REASON(stream, FAIL, "is beyond the end: 20");
    stream = flow_of("offsets-forward", "");
    flow_restart(&stream, BROKER_A, "power_off", 15);
    s_offset_lowered(&stream, BROKER_A, "G", "T", 0, 20, 15);
    flow_acquire(&stream, CLIENT, BROKER_A, 0, 15);
    EXPECT(stream, PASS);
    stream = flow_of("offsets-forward", "");
    flow_restart(&stream, BROKER_A, "kill", 20);
    s_offset_lowered(&stream, BROKER_A, "G", "T", 0, 20, 15);
    EXPECT_REASON(stream, FAIL, "was lowered");
}
END_TEST

START_TEST(test_offsets_forward__an_end_takes_seconds_only) {
    struct stream stream = flow_of("offsets-forward", "");
    flow_through(&stream, 20, 40);
    flow_restart(&stream, BROKER_A, "kill", 40); /* all within 6 s */
    flow_commit(&stream, BROKER_A, 0, 10);
    EXPECT(stream, PASS);
    stream = flow_of("offsets-forward", "");
    stream.now_ns += 10 * SECOND;
    flow_through(&stream, 20, 40);
    flow_restart(&stream, BROKER_A, "kill", 40);
    flow_commit(&stream, BROKER_A, 0, 20);
    EXPECT(stream, PASS);
    stream = flow_of("offsets-forward", "");
    stream.now_ns += 10 * SECOND;
    flow_through(&stream, 20, 40);
    flow_restart(&stream, BROKER_A, "kill", 40);
    flow_commit(&stream, BROKER_A, 0, 19);
    EXPECT_REASON(stream, FAIL, "went back further");
    /* the stored offset is not there any more */
    stream = flow_of("offsets-forward", "");
    stream.now_ns += 10 * SECOND;
    flow_restart(&stream, BROKER_A, "kill", 20);
    s_queue_acquired(&stream, CLIENT, "G", "T", "broker-a", 0, 0, "first");
    EXPECT_REASON(stream, FAIL, "is gone: 0");
    /* ends that follow each other take no more */
    stream = flow_of("offsets-forward", "");
    stream.now_ns += 3 * SECOND;
    flow_restart(&stream, BROKER_A, "kill", 20);
    flow_acquire(&stream, CLIENT, BROKER_A, 0, 0);
    flow_restart(&stream, BROKER_A, "kill", 20);
    flow_commit(&stream, BROKER_A, 0, 0);
    EXPECT(stream, PASS);
}
END_TEST

STREAM_MAIN("oracle safety", test_clean_stream__passes,
            test_acked_durable__after_a_kill_nothing_is_lost,
            test_acked_durable__a_power_off_takes_what_was_not_flushed,
            test_acked_durable__a_flush_is_due_in_time, test_acked_durable__has_excuses,
            test_acked_durable__late_answers_promise_nothing,
            test_acked_durable__a_queue_that_is_not_found_again,
            test_acked_durable__progress_passes_no_message,
            test_acked_durable__places_read_before_a_power_off,
            test_no_duplicates__fails_what_nothing_explains, test_no_duplicates__knows_the_reasons,
            test_no_duplicates__owners_begin_where_progress_is,
            test_no_duplicates__dead_records_stay_dead, test_no_phantom__fails_what_was_not_sent,
            test_no_phantom__fails_what_was_lost, test_no_phantom__has_excuses,
            test_queue_dense__judges_pulls, test_queue_dense__leaves_nothing_out,
            test_queue_dense__places_belong_to_one_message, test_offsets_forward__never_back,
            test_offsets_forward__not_beyond_the_end,
            test_offsets_forward__an_end_takes_seconds_only)
