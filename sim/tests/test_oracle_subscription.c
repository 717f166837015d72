/* What groups want (sim/oracle/messages_subscription.c): tags, broadcasting; and what expires. */
#include "sim/judge/judge_internal.h"
#include "sim/tests/flow.h"

/* The cluster is up, group G of client-1 asks for `expression` and owns queue 0 of broker-a. */
static struct stream subscribed(const char *oracle, const char *strategy, const char *expression) {
    struct stream stream = stream_of(oracle, "");
    stream_start(&stream);
    stream.now_ns = 100 * SECOND;
    s_consumer_rebalanced(&stream, CLIENT, "G", "T", 1, 1, 1, strategy, expression);
    flow_acquire(&stream, CLIENT, BROKER_A, 0, 0);
    return stream;
}

/* Message `offset` + 1 with `tag` is stored, and delivered when `deliver` says so. */
static void tagged(struct stream *stream, uint64_t offset, const char *tag, bool deliver) {
    uint64_t number = NUMBER(offset + 1);
    s_send_started(stream, CLIENT, "T", number, 100, tag, 0, 0);
    stream->now_ns += 2 * MS;
    flow_ack(stream, BROKER_A, 0, offset, number, 1);
    if (deliver)
        s_consume_delivered(stream, CLIENT, "G", "T", "broker-a", 0, (int64_t)offset,
                            (int64_t)offset * 100, number, 1, 0, 0, tag);
}

/* Each third message, of tag "c", is left out rightly; `missing` is left out too. */
static struct stream filtered(const char *oracle, const char *expression, uint64_t missing) {
    static const char *const tags[] = {"a", "b", "c"};
    struct stream stream = subscribed(oracle, "AVG", expression);
    for (uint64_t offset = 0; offset < 300; offset++)
        tagged(&stream, offset, tags[offset % 3], offset % 3 != 2 && offset != missing);
    flow_commit(&stream, BROKER_A, 0, 299);
    stream.now_ns += 100 * SECOND;
    return stream;
}

START_TEST(test_tags__what_is_not_wanted_is_not_missed) {
    static const char *const oracles[] = {"acked-durable", "queue-dense", "messages-progress",
                                          "no-phantom", "no-duplicates"};
    for (size_t i = 0; i < sizeof oracles / sizeof oracles[0]; i++) {
        struct stream stream = filtered(oracles[i], "a || b", UINT64_MAX);
        EXPECT(stream, PASS);
        stream = filtered(oracles[i], "b||a", UINT64_MAX);
        EXPECT(stream, PASS);
    }
}
END_TEST

START_TEST(test_tags__what_is_wanted_is_missed) {
    struct stream stream = filtered("acked-durable", "a || b", 150);
    EXPECT_REASON(stream, FAIL, "passed 1 acknowledged");
    stream = filtered("queue-dense", "a || b", 150);
    EXPECT_REASON(stream, FAIL, "left out at offset 150");
    stream = filtered("acked-durable", "*", UINT64_MAX);
    EXPECT_REASON(stream, FAIL, "passed 99 acknowledged");
    stream = filtered("acked-durable", "a||b || cc", UINT64_MAX);
    EXPECT(stream, PASS);
}
END_TEST

START_TEST(test_tags__what_was_not_asked_for_is_a_phantom) {
    struct stream stream = subscribed("no-phantom", "AVG", "a");
    tagged(&stream, 0, "a", true);
    tagged(&stream, 1, "b", true);
    EXPECT_REASON(stream, FAIL, "did not ask for its tag");
    stream = subscribed("no-phantom", "AVG", "a");
    s_consumer_rebalanced(&stream, CLIENT, "G", "T", 1, 1, 1, "AVG", "b"); /* members differ */
    tagged(&stream, 0, "a", true);
    EXPECT(stream, PASS);
}
END_TEST

/* Entries of what nobody wants do not wait for anything. */
START_TEST(test_tags__what_is_not_wanted_is_settled) {
    struct stream stream = subscribed("acked-durable", "AVG", "a");
    for (uint64_t offset = 0; offset < 10000; offset++)
        tagged(&stream, offset, "b", false);
    ck_assert_uint_eq(stream.judge->messages->live_count, 0);
    EXPECT(stream, PASS);
}
END_TEST

/* Both of two members have the queue, and both get all. */
START_TEST(test_broadcast__each_member_has_all) {
    static const struct {
        const char *oracle;
        enum verdict verdict;
    } cases[] = {{"one-owner", VERDICT_UNKNOWN},
                 {"no-duplicates", VERDICT_UNKNOWN},
                 {"no-phantom", VERDICT_PASS},
                 {"queue-dense", VERDICT_PASS}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct stream stream = subscribed(cases[i].oracle, "ALL", "*");
        flow_acquire(&stream, BROKER_B, BROKER_A, 0, 0);
        for (uint64_t offset = 0; offset < 10; offset++) {
            tagged(&stream, offset, "", true);
            flow_deliver(&stream, BROKER_B, BROKER_A, 0, offset, NUMBER(offset + 1));
        }
        stream.now_ns += 200 * SECOND;
        struct run_result result;
        judge_finish_at(stream.judge, stream.now_ns, &result);
        ck_assert_int_eq(result.verdict, cases[i].verdict);
        stream_end();
    }
}
END_TEST

/* A store that began empty has nothing that is old. */
START_TEST(test_expiry__not_before_its_time) {
    static const struct {
        const char *stop, *reason;
        uint64_t after_ns;
        bool fails;
    } cases[] = {{"empty", "expired", 3600 * SECOND, true},
                 {"empty", "forced", 3600 * SECOND, false},
                 {"clean", "expired", 3600 * SECOND, false},
                 {"empty", "expired", 72 * 3600 * SECOND, false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct stream stream = stream_of("acked-durable", "");
        stream_start(&stream);
        s_store_recovered(&stream, BROKER_A, cases[i].stop, 0, 0, 0, 0, 0, "");
        flow_stored(&stream, BROKER_A, 0, 0, NUMBER(1));
        stream.now_ns += cases[i].after_ns;
        s_store_file_deleted(&stream, BROKER_A, "/store/commitlog/0", 0, 1024, cases[i].reason);
        if (cases[i].fails)
            EXPECT_REASON(stream, FAIL, "as expired, 3600.0");
        else
            EXPECT(stream, PASS);
    }
}
END_TEST

STREAM_MAIN("oracle subscription", test_tags__what_is_not_wanted_is_not_missed,
            test_tags__what_is_wanted_is_missed, test_tags__what_was_not_asked_for_is_a_phantom,
            test_tags__what_is_not_wanted_is_settled, test_broadcast__each_member_has_all,
            test_expiry__not_before_its_time)
