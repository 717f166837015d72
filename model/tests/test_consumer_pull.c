/* test_consumer_pull.c - the pull loop: requests, every answer, flow control, lost brokers
 * (client.md 17, 19; the rows C7, C9 to C12, C18 of 29.2). */
#include "model/tests/consumer_fixture.h"
#include "model/tests/vectors.h"

static void answer_code(const struct held_pull *pull, int32_t code) {
    struct wire_command request = {.opaque = pull->opaque, .serialization = pull->serialization};
    peer_answer_body(&t.brokers[pull->broker], &request, code, "");
    serve();
}

/* ---- the request ----------------------------------------------------------------------------- */

START_TEST(test_request__commits_on_the_way) {
    run("");
    ck_assert_int_eq(t.held[0].sys_flag, PULL_FLAG_SUSPEND);
    ck_assert_int_eq(t.held[0].max_nums, 32);
    ck_assert_str_eq(t.held[0].subscription, "");
    find_messages(0, 2); /* the next pull leaves before the listener runs */
    ck_assert_int_eq(t.held[0].commit, 0);
    struct held_pull pull = take_pull(0);
    answer_pull(&pull, RESPONSE_PULL_NOT_FOUND, 2, 0, 2, SPAN_NONE);
    ck_assert_int_eq(t.held[0].commit, 2);
    ck_assert_int_eq(t.held[0].sys_flag, PULL_FLAG_SUSPEND | PULL_FLAG_COMMIT);
}
END_TEST

START_TEST(test_request__with_the_subscription) {
    t.config = "consumerGroup=g\nsubscription=T:A || B\npostSubscriptionWhenPull=true\n"
               "pullBatchSize=7\n";
    run("");
    ck_assert_int_eq(t.held[0].sys_flag, PULL_FLAG_SUSPEND | PULL_FLAG_SUBSCRIPTION);
    ck_assert_str_eq(t.held[0].subscription, "A || B");
    ck_assert_int_eq(t.held[0].max_nums, 7);
}
END_TEST

/* Keys in the order of a recorded request of the same code, and values that do not depend on the
 * recording. */
static void compare_keys(const char *file_name, int32_t code, const char *skip) {
    struct vector_file *file = vectors_load(file_name);
    char expected[1024] = "";
    for (size_t i = 0; i < file->count && expected[0] == '\0'; i++) {
        const cJSON *field;
        const struct vector_row *row = &file->rows[i];
        if (!vector_is_frame(row) || row->code != code || !row->to_server || (row->flag & 1) != 0)
            continue;
        cJSON_ArrayForEach(field, row->ext) {
            if (strcmp(field->string, skip) != 0)
                snprintf(expected + strlen(expected), sizeof expected - strlen(expected), "%s ",
                         field->string);
        }
    }
    vectors_free(file);
    char got[1024] = "", *at = t.fields[code], *equals;
    while ((equals = strchr(at, '=')) != NULL) {
        snprintf(got + strlen(got), sizeof got - strlen(got), "%.*s ", (int)(equals - at), at);
        at = strchr(equals, ' ') + 1;
    }
    ck_assert_str_eq(got, expected);
}

static const struct {
    const char *config, *file;
    const char *client;
} RECORDED[] = {
    {"consumerGroup=g\nsubscription=T\n", "4.9.7-java497-push", ""},
    {"consumerGroup=g\nsubscription=T\n", "5.3.3-java533-push", "profile=5.3\n"},
};

START_TEST(test_requests__keys_as_recorded) {
    t.config = RECORDED[_i].config;
    run(RECORDED[_i].client);
    compare_keys(RECORDED[_i].file, REQUEST_PULL_MESSAGE, "");
    ck_assert_ptr_nonnull(strstr(t.fields[REQUEST_PULL_MESSAGE], "suspendTimeoutMillis=15000 "));
    ck_assert_ptr_nonnull(strstr(t.fields[REQUEST_PULL_MESSAGE], "expressionType=TAG "));
    pass_ms(9500);
    compare_keys(RECORDED[_i].file, REQUEST_UPDATE_CONSUMER_OFFSET, "");
    notify_members_changed();
    pass_ms(1000);
    compare_keys(RECORDED[_i].file, REQUEST_GET_CONSUMER_LIST_BY_GROUP, "");
    ck_assert_int_eq(consumer_queue_add(t.consumer->topics[1], SPAN_LITERAL("a"), 0), RMQ_OK);
    serve();
    compare_keys(RECORDED[_i].file, REQUEST_QUERY_CONSUMER_OFFSET, "");
    stop();
    compare_keys(RECORDED[_i].file, REQUEST_UNREGISTER_CLIENT, "");
}
END_TEST

/* ---- answers --------------------------------------------------------------------------------- */

START_TEST(test_no_match__raises_the_progress) {
    int32_t code = _i == 0 ? RESPONSE_PULL_NOT_FOUND : RESPONSE_PULL_RETRY_IMMEDIATELY;
    run("");
    struct held_pull pull = take_pull(0);
    answer_pull(&pull, code, 30, 0, 30, SPAN_NONE);
    ck_assert_int_eq(t.held[0].offset, 30);
    ck_assert_int_eq(t.held[0].commit, 30);
    t.mode = LISTENER_HOLDS; /* with something cached it does not */
    find_messages(0, 1);
    pull = take_pull(0);
    answer_pull(&pull, code, 90, 0, 90, SPAN_NONE);
    ck_assert_int_eq(t.held[0].offset, 90);
    ck_assert_int_eq(t.held[0].commit, 30);
    end_batch(0, true);
    ck_assert_int_eq(next_commit(), 31);
}
END_TEST

static const struct {
    int32_t code;
    uint64_t delay_ms;
} ERRORS[] = {
    {RESPONSE_FLOW_CONTROL, 20},
    {RESPONSE_SYSTEM_BUSY, 1000},
    {RESPONSE_SYSTEM_ERROR, 1000},
    {RESPONSE_SUBSCRIPTION_NOT_EXIST, 1000},
    {RESPONSE_SUBSCRIPTION_NOT_LATEST, 1000},
    {RESPONSE_NO_PERMISSION, 1000},
    {RESPONSE_SUCCESS, 1000}, /* without its header */
};

START_TEST(test_error__pauses) {
    run("");
    struct held_pull pull = take_pull(0);
    answer_code(&pull, ERRORS[_i].code);
    uint64_t begin = env_mono_ns(t.env);
    while (pulls_of(0) == 0)
        pass_ms(10);
    uint64_t waited = (env_mono_ns(t.env) - begin) / 1000000;
    ck_assert_uint_ge(waited, ERRORS[_i].delay_ms);
    ck_assert_uint_le(waited, ERRORS[_i].delay_ms + 20);
    ck_assert_int_eq(t.held[0].offset, 0);
}
END_TEST

static void answer_illegal(int64_t next, int64_t min, int64_t max) {
    struct held_pull pull = take_pull(0);
    answer_pull(&pull, RESPONSE_PULL_OFFSET_MOVED, next, min, max, SPAN_NONE);
}

/* C12, 4.9: 10 s, then the next rebalance. */
START_TEST(test_illegal__4_9_repairs_after_10_s) {
    t.stored[0] = 500;
    t.mode = LISTENER_HOLDS;
    run("");
    find_messages(0, 1);
    answer_illegal(100, 0, 100);
    ck_assert_span_eq(fake_event_text(t.env, EVENT_consumer_offset_reset, "reason"), "too_large");
    ck_assert_int_eq(fake_event_int(t.env, EVENT_consumer_offset_reset, "asked"), 501);
    ck_assert_int_eq(fake_event_int(t.env, EVENT_consumer_offset_reset, "now"), 100);
    ck_assert_uint_eq(t.dropped, 1); /* what is cached is abandoned */
    ck_assert_uint_eq(events(EVENT_queue_released), 0);
    t.commit_count = 0;
    pass_ms(9900);
    ck_assert_int_eq(t.commit_count, 0);
    pass_ms(200);
    ck_assert_int_eq(t.commits[0][0], 100);
    ck_assert_span_eq(fake_event_text(t.env, EVENT_queue_released, "reason"), "illegal");
    t.stored[0] = 100;
    pass_ms(20000);
    ck_assert_int_eq(take_pull(0).offset, 100);
}
END_TEST

START_TEST(test_illegal__5_3_repairs_at_once) {
    t.stored[0] = 5;
    run("profile=5.3\n");
    pass_ms(2000);
    t.stored[0] = 40;
    answer_illegal(40, 40, 90);
    ck_assert_span_eq(fake_event_text(t.env, EVENT_consumer_offset_reset, "reason"), "too_small");
    ck_assert_int_eq(t.commits[0][0], 40);
    pass_ms(1000);
    ck_assert_int_eq(take_pull(0).offset, 40);
}
END_TEST

START_TEST(test_found__without_what_was_asked_for) {
    struct buf body;
    run("");
    struct held_pull pull = take_pull(0);
    buf_init(&body, t.memory);
    put_record(&body, 0, 0, "A");
    put_record(&body, 3, 1, "A"); /* of another queue */
    put_record(&body, 0, 0, "A"); /* again */
    answer_pull(&pull, RESPONSE_SUCCESS, 2, 0, 2, buf_span(&body));
    buf_deinit(&body);
    ck_assert_uint_eq(fake_event_uint(t.env, EVENT_consume_pulled, "foreign"), 2);
    ck_assert_str_eq(t.bodies, "m0;m1;m0;");
    ck_assert_int_eq(next_commit(), 2);
}
END_TEST

/* What follows a broken record is asked for again, not left out. */
START_TEST(test_found__broken_record) {
    struct buf body;
    run("");
    struct held_pull pull = take_pull(0);
    buf_init(&body, t.memory);
    put_record(&body, 0, 0, "A");
    size_t good = body.len;
    put_record(&body, 0, 1, "A");
    body.data[good + 4] ^= 0xFF; /* its magic */
    answer_pull(&pull, RESPONSE_SUCCESS, 2, 0, 2, buf_span(&body));
    buf_deinit(&body);
    ck_assert_str_eq(t.bodies, "m0;");
    ck_assert_uint_eq(pulls_of(0), 0);
    pass_ms(1000);
    ck_assert_int_eq(take_pull(0).offset, 1);
}
END_TEST

START_TEST(test_found__pull_interval) {
    t.config = "consumerGroup=g\nsubscription=T\npullInterval=300\n";
    run("");
    find_messages(0, 1);
    pass_ms(290);
    ck_assert_uint_eq(pulls_of(0), 0);
    pass_ms(20);
    ck_assert_uint_eq(pulls_of(0), 1);
}
END_TEST

/* ---- flow control ---------------------------------------------------------------------------- */

START_TEST(test_flow__messages) {
    t.config = "consumerGroup=g\nsubscription=T\npullThresholdForQueue=10\nconsumeThreadMax=50\n";
    t.mode = LISTENER_HOLDS;
    run("");
    find_messages(0, 10);
    find_messages(0, 1); /* 10 are not more than 10 */
    ck_assert_uint_eq(pulls_of(0), 0);
    pass_ms(200);
    ck_assert_uint_eq(pulls_of(0), 0);
    ck_assert_uint_eq(events(EVENT_consumer_throttled), 1); /* once per episode */
    ck_assert_span_eq(fake_event_text(t.env, EVENT_consumer_throttled, "limit"), "count");
    ck_assert_uint_eq(fake_event_uint(t.env, EVENT_consumer_throttled, "measured"), 11);
    end_batch(4, true);
    pass_ms(60);
    ck_assert_uint_eq(pulls_of(0), 1);
    find_messages(0, 1);
    ck_assert_uint_eq(events(EVENT_consumer_throttled), 2);
}
END_TEST

/* C18: a handler that hangs holds the queue at 2000 behind it. */
START_TEST(test_flow__span) {
    t.config = "consumerGroup=g\nsubscription=T\nconsumeConcurrentlyMaxSpan=100\n"
               "consumeThreadMax=50\n";
    t.mode = LISTENER_HOLDS;
    run("");
    find_messages(0, 1);
    t.mode = LISTENER_OK;
    for (int i = 0; i < 4; i++)
        find_messages(0, 30);
    pass_ms(60); /* the pull after the last was put off before they were consumed */
    ck_assert_uint_eq(pulls_of(0), 1); /* all later ones are finished: the span is 0 */
    t.mode = LISTENER_HOLDS;
    find_messages(0, 1);
    ck_assert_uint_eq(pulls_of(0), 0);
    ck_assert_span_eq(fake_event_text(t.env, EVENT_consumer_throttled, "limit"), "span");
    ck_assert_int_eq(next_commit(), 0);
    end_batch(0, true);
    ck_assert_int_eq(next_commit(), 121);
    ck_assert_uint_eq(pulls_of(0), 1);
}
END_TEST

START_TEST(test_flow__bytes) {
    static char text[900000];
    struct buf body;
    t.config = "consumerGroup=g\nsubscription=T\npullThresholdSizeForQueue=1\n";
    t.mode = LISTENER_HOLDS;
    run("");
    memset(text, 'x', sizeof text - 1);
    for (int i = 0; i < 3; i++) {
        struct held_pull pull = take_pull(0);
        struct message message = make_message(0, i, NULL, NULL, text);
        buf_init(&body, t.memory);
        ck_assert_int_eq(message_encode(&body, &message), RMQ_OK);
        answer_pull(&pull, RESPONSE_SUCCESS, i + 1, 0, i + 1, buf_span(&body));
        buf_deinit(&body);
    }
    ck_assert_uint_eq(pulls_of(0), 0);
    ck_assert_span_eq(fake_event_text(t.env, EVENT_consumer_throttled, "limit"), "size");
    end_batch(0, true);
    pass_ms(60);
    ck_assert_uint_eq(pulls_of(0), 1);
}
END_TEST

START_TEST(test_flow__shared_by_all_queues) {
    t.config = "consumerGroup=g\nsubscription=T\npullThresholdForTopic=20\nconsumeThreadMax=50\n";
    t.queues = 4;
    t.mode = LISTENER_HOLDS;
    run("");
    find_messages(2, 6); /* 20 / 4 are 5 */
    ck_assert_uint_eq(pulls_of(2), 0);
    ck_assert_uint_eq(pulls_of(1), 1);
    ck_assert_uint_eq(fake_event_uint(t.env, EVENT_consumer_throttled, "bound"), 5);
}
END_TEST

/* ---- lost brokers ---------------------------------------------------------------------------- */

/* C7, C9: in flight fails with the connection; then every second. */
START_TEST(test_broker_gone__pulls_again_each_second) {
    run("");
    take_pull(0);
    fake_peer_close(t.brokers[0].conn);
    fake_settle(t.env);
    pass_ms(1000);
    ck_assert_uint_eq(pulls_of(0), 1); /* connected again */
    take_pull(0);
    fake_peer_close(t.brokers[0].conn);
    for (int i = 0; i < 5; i++) {
        fake_advance_ms(t.env, 1001);
        struct env_conn *dial = fake_dialled(t.env, BROKER_ADDRESSES[0]);
        ck_assert_ptr_nonnull(dial);
        fake_dial_fail(dial, RMQ_E_REFUSED);
    }
    pass_ms(1000);
    ck_assert_int_eq(take_pull(0).offset, 0);
}
END_TEST

/* C10: what ends a silent connection is a question that waits: the rebalance here. */
START_TEST(test_broker_silent__until_a_question_times_out) {
    run("");
    t.deaf[0] = true;
    take_pull(0);
    int pulls = t.asked[REQUEST_PULL_MESSAGE];
    pass_ms(19000);
    ck_assert_int_eq(t.asked[REQUEST_PULL_MESSAGE], pulls);
    pass_ms(5000);
    ck_assert_int_gt(t.asked[REQUEST_PULL_MESSAGE], pulls);
    t.deaf[0] = false;
    pass_ms(40000);
    ck_assert_uint_ge(pulls_of(0), 1);
}
END_TEST

/* C11: without a master in the route, from a slave, and nothing is committed on the way. */
START_TEST(test_master_absent__pulls_from_the_slave) {
    run("");
    find_messages(0, 2);
    struct held_pull pull = take_pull(0);
    struct client *client = client_of_node(fake_node(t.env));
    client->brokers->addrs[0].id = 1;
    answer_pull(&pull, RESPONSE_PULL_NOT_FOUND, 2, 0, 2, SPAN_NONE);
    ck_assert_int_eq(t.held[0].commit, 2);
    ck_assert_int_eq(t.held[0].sys_flag, PULL_FLAG_SUSPEND);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("consumer_pull");
    TCase *tests = suite_case(suite, "pull");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_request__commits_on_the_way);
    tcase_add_test(tests, test_request__with_the_subscription);
    tcase_add_loop_test(tests, test_requests__keys_as_recorded, 0,
                        sizeof RECORDED / sizeof RECORDED[0]);
    tcase_add_loop_test(tests, test_no_match__raises_the_progress, 0, 2);
    tcase_add_loop_test(tests, test_error__pauses, 0, sizeof ERRORS / sizeof ERRORS[0]);
    tcase_add_test(tests, test_illegal__4_9_repairs_after_10_s);
    tcase_add_test(tests, test_illegal__5_3_repairs_at_once);
    tcase_add_test(tests, test_found__without_what_was_asked_for);
    tcase_add_test(tests, test_found__broken_record);
    tcase_add_test(tests, test_found__pull_interval);
    tcase_add_test(tests, test_flow__messages);
    tcase_add_test(tests, test_flow__span);
    tcase_add_test(tests, test_flow__bytes);
    tcase_add_test(tests, test_flow__shared_by_all_queues);
    tcase_add_test(tests, test_broker_gone__pulls_again_each_second);
    tcase_add_test(tests, test_broker_silent__until_a_question_times_out);
    tcase_add_test(tests, test_master_absent__pulls_from_the_slave);
    return suite_run(suite);
}
