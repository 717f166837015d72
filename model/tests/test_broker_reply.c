/* test_broker_reply.c - replies (324, 325) are pushed to the requester (326), and stored. */
#include "model/tests/broker_fixture.h"
#include "model/tests/suite.h"

#define BEAT                                                                                 \
    "{\"clientID\":\"10.0.0.60@asker\",\"producerDataSet\":[{\"groupName\":\"p_request\"}]," \
    "\"consumerDataSet\":[]}"
#define PROPERTIES "MSG_TYPE\001reply\002REPLY_TO_CLIENT\00110.0.0.60@asker\002CORRELATION_ID\001c1"
#define PUSHED "\002" PROPERTIES

static struct peer asker, replier;

static void begin(const char *config) {
    struct wire_command beat, answer;
    setup();
    memset(&asker, 0, sizeof asker);
    start(config);
    peer_init(&replier, fake_accept(env, 10911, "10.0.0.50:4000"));
    peer_init(&asker, fake_accept(env, 10911, "10.0.0.60:4000"));
    wire_command_init(&beat, REQUEST_HEART_BEAT);
    beat.body = SPAN_LITERAL(BEAT);
    peer_send(&asker, &beat);
    ck_assert(peer_take(&asker, &answer));
    ck_assert_int_eq(answer.code, RESPONSE_SUCCESS);
}

static void end(void) {
    if (asker.conn != NULL)
        peer_deinit(&asker);
    peer_deinit(&replier);
    stop();
    teardown();
}

static void send_reply(const char *properties, bool long_header) {
    struct wire_command request;
    uint8_t memory[HEADER_SCRATCH_BYTES];
    struct buf numbers = {.env = replier.env, .data = memory, .capacity = sizeof memory};
    wire_command_init(&request,
                      long_header ? REQUEST_SEND_REPLY_MESSAGE : REQUEST_SEND_REPLY_MESSAGE_V2);
    const struct header_send_v2 two = {.producer_group = SPAN_LITERAL("p_reply"),
                                       .topic = SPAN_LITERAL("DefaultCluster_REPLY_TOPIC"),
                                       .default_topic = SPAN_LITERAL("TBW102"),
                                       .default_topic_queue_nums = 4,
                                       .born_timestamp = 1700000000000,
                                       .properties = span_of_text(properties)};
    const struct header_send one = {.producer_group = two.producer_group,
                                    .topic = two.topic,
                                    .default_topic = two.default_topic,
                                    .default_topic_queue_nums = 4,
                                    .born_timestamp = two.born_timestamp,
                                    .properties = two.properties};
    int err = long_header ? header_encode(&HEADER_send, &one, &request, &numbers)
                          : header_encode(&HEADER_send_v2, &two, &request, &numbers);
    ck_assert_int_eq(err, RMQ_OK);
    request.body = SPAN_LITERAL("the reply");
    request.opaque = 77;
    peer_send(&replier, &request);
}

static void take_push(struct wire_command *pushed) {
    peer_expect(&asker, REQUEST_PUSH_REPLY_MESSAGE_TO_CLIENT, pushed);
    ck_assert_span_eq(pushed->body, "the reply");
}

static void take_answer(struct wire_command *answer) {
    for (int i = 0; i < 100 && !peer_take(&replier, answer); i++)
        fake_settle(env);
    ck_assert_int_eq(answer->opaque, 77);
}

static void answer_push(const struct wire_command *pushed, int32_t code) {
    struct wire_command response;
    wire_command_init(&response, code);
    peer_answer(&asker, pushed, &response);
}

static int64_t stored(void) {
    return store_max_offset(((struct broker *)fake_node(env))->store,
                            SPAN_LITERAL("DefaultCluster_REPLY_TOPIC"), 0);
}

START_TEST(test_reply__is_pushed_then_stored_then_answered) {
    struct wire_command pushed, answer;
    begin(ONE);
    send_reply(PROPERTIES, _i == 1);
    take_push(&pushed);
    ck_assert_span_eq(wire_field(&pushed, "topic"), "DefaultCluster_REPLY_TOPIC");
    ck_assert_span_eq(wire_field(&pushed, "producerGroup"), "p_reply");
    ck_assert_span_eq(wire_field(&pushed, "bornHost"), "10.0.0.50:4000");
    ck_assert_span_eq(wire_field(&pushed, "bornTimestamp"), "1700000000000");
    struct span properties = wire_field(&pushed, "properties");
    ck_assert(span_starts_with(properties, SPAN_LITERAL("PUSH_REPLY_TIME\001")));
    const size_t tail = sizeof PUSHED - 1;
    ck_assert(span_equal(span_from(properties, properties.len - tail), SPAN_LITERAL(PUSHED)));
    fake_settle(env);
    ck_assert(!peer_take(&replier, &answer)); /* it waits for the push */
    ck_assert_int_eq(stored(), 0);
    answer_push(&pushed, RESPONSE_SUCCESS);
    take_answer(&answer);
    ck_assert_int_eq(answer.code, RESPONSE_SUCCESS);
    ck_assert_uint_eq(wire_field(&answer, "msgId").len, 32);
    ck_assert_span_eq(wire_field(&answer, "queueOffset"), "0");
    fake_advance_ms(env, 1000);
    ck_assert_int_eq(stored(), 1);
    end();
}
END_TEST

START_TEST(test_reply__without_a_store) {
    struct wire_command pushed, answer;
    begin("storeReplyMessageEnable=false\n" ONE);
    send_reply(PROPERTIES, false);
    take_push(&pushed);
    answer_push(&pushed, RESPONSE_SUCCESS);
    take_answer(&answer);
    ck_assert_int_eq(answer.code, RESPONSE_SUCCESS);
    ck_assert_span_eq(wire_field(&answer, "msgId"), "0");
    fake_advance_ms(env, 1000);
    ck_assert_int_eq(stored(), 0);
    end();
}
END_TEST

/* What was not pushed is told, and stored all the same. */
static void check_failure(const char *remark) {
    struct wire_command answer;
    take_answer(&answer);
    ck_assert_int_eq(answer.code, RESPONSE_SYSTEM_ERROR);
    ck_assert_span_eq(answer.remark, remark);
    fake_advance_ms(env, 1000);
    ck_assert_int_eq(stored(), 1);
    end();
}

START_TEST(test_reply__that_the_requester_refuses) {
    struct wire_command pushed;
    begin(ONE);
    send_reply(PROPERTIES, false);
    take_push(&pushed);
    answer_push(&pushed, RESPONSE_SYSTEM_ERROR);
    check_failure("push reply message to 10.0.0.60@askerfail.");
}
END_TEST

START_TEST(test_reply__that_the_requester_never_takes) {
    struct wire_command pushed, answer;
    begin(ONE);
    send_reply(PROPERTIES, false);
    take_push(&pushed);
    fake_advance_ms(env, 9999);
    ck_assert(!peer_take(&replier, &answer));
    fake_advance_ms(env, 1);
    check_failure("push reply message to 10.0.0.60@askerfail.");
}
END_TEST

START_TEST(test_reply__to_one_who_left_meanwhile) {
    struct wire_command pushed;
    begin(ONE);
    send_reply(PROPERTIES, false);
    take_push(&pushed);
    fake_peer_close(asker.conn);
    check_failure("push reply message to 10.0.0.60@askerfail.");
}
END_TEST

START_TEST(test_reply__to_nobody) {
    begin(ONE);
    send_reply("MSG_TYPE\001reply", false);
    check_failure("reply message properties[REPLY_TO_CLIENT] is null");
}
END_TEST

START_TEST(test_reply__to_a_stranger) {
    begin(ONE);
    send_reply("REPLY_TO_CLIENT\001somebody", false);
    check_failure("push reply message fail, channel of <somebody> not found.");
}
END_TEST

/* The replier leaves, or the broker stops, while the push waits: nothing leaks. */
START_TEST(test_reply__whose_replier_leaves) {
    struct wire_command pushed;
    begin(ONE);
    send_reply(PROPERTIES, false);
    take_push(&pushed);
    if (_i == 0) {
        fake_peer_close(replier.conn);
        answer_push(&pushed, RESPONSE_SUCCESS);
        fake_advance_ms(env, 1000);
        ck_assert_int_eq(stored(), 1);
    }
    end();
}
END_TEST

START_TEST(test_reply__copes_without_memory) {
    for (unsigned n = 1, failed = 1; failed; n++) {
        struct wire_command pushed, answer;
        begin(ONE);
        fake_fail_at(env, FAKE_FAIL_ALLOC, n);
        send_reply(PROPERTIES, false);
        if (peer_take(&asker, &pushed))
            answer_push(&pushed, RESPONSE_SUCCESS);
        for (int i = 0; i < 100 && !peer_take(&replier, &answer); i++)
            fake_settle(env);
        failed = fake_failed(env, FAKE_FAIL_ALLOC);
        end();
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("broker_reply");
    TCase *tests = suite_case(suite, "reply");
    tcase_set_timeout(tests, 60); /* the loops over failing allocations, instrumented */
    tcase_add_loop_test(tests, test_reply__is_pushed_then_stored_then_answered, 0, 2);
    tcase_add_test(tests, test_reply__without_a_store);
    tcase_add_test(tests, test_reply__that_the_requester_refuses);
    tcase_add_test(tests, test_reply__that_the_requester_never_takes);
    tcase_add_test(tests, test_reply__to_one_who_left_meanwhile);
    tcase_add_test(tests, test_reply__to_nobody);
    tcase_add_test(tests, test_reply__to_a_stranger);
    tcase_add_loop_test(tests, test_reply__whose_replier_leaves, 0, 2);
    tcase_add_test(tests, test_reply__copes_without_memory);
    return suite_run(suite);
}
