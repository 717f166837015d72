/* test_consumer.c - a push consumer: where it starts, what it delivers and commits, how it stops
 * (client.md 14, 18, 20, 23.2; the rows C13 to C20 and C26 of 29.2). */
#include "model/tests/consumer_fixture.h"

/* ---- a life ---------------------------------------------------------------------------------- */

START_TEST(test_consume__pulls_delivers_commits) {
    t.stored[0] = 5;
    run("");
    ck_assert_uint_eq(pulls_of(0), 1);
    ck_assert_int_eq(t.held[0].offset, 5);
    ck_assert_int_eq(fake_event_int(t.env, EVENT_queue_acquired, "from_offset"), 5);
    ck_assert_span_eq(fake_event_text(t.env, EVENT_queue_acquired, "source"), "stored");
    find_messages(0, 3);
    ck_assert_str_eq(t.bodies, "m5;m6;m7;");
    ck_assert_uint_eq(events(EVENT_consume_delivered), 3);
    ck_assert_uint_eq(fake_event_uint(t.env, EVENT_consume_delivered, "message"), 2);
    ck_assert_uint_eq(fake_event_uint(t.env, EVENT_consume_pulled, "count"), 3);
    ck_assert_int_eq(fake_event_int(t.env, EVENT_consume_pulled, "last"), 7);
    ck_assert_uint_eq(fake_event_uint(t.env, EVENT_consume_pulled, "foreign"), 0);
    ck_assert_int_eq(take_pull(0).offset, 8);
    pass_ms(9100);
    ck_assert_int_eq(t.commits[0][0], 8);
    stop();
    ck_assert(t.stopped);
    ck_assert_int_eq(t.asked[REQUEST_UNREGISTER_CLIENT], 1);
    ck_assert_int_eq(fake_event_int(t.env, EVENT_queue_released, "committed"), 8);
    ck_assert_span_eq(fake_event_text(t.env, EVENT_queue_released, "reason"), "stop");
}
END_TEST

START_TEST(test_heartbeat__names_group_and_subscriptions) {
    t.config = "consumerGroup=g\nsubscription=T:A || B\n"
               "consumeFromWhere=CONSUME_FROM_FIRST_OFFSET\n";
    run("");
    ck_assert_ptr_nonnull(
        strstr(t.heartbeat, "{\"consumeFromWhere\":\"CONSUME_FROM_FIRST_OFFSET\","
                            "\"consumeType\":\"CONSUME_PASSIVELY\",\"groupName\":\"g\","
                            "\"messageModel\":\"CLUSTERING\",\"subscriptionDataSet\":["
                            "{\"classFilterMode\":false,\"codeSet\":[65,66],"
                            "\"expressionType\":\"TAG\",\"subString\":\"A || B\",\"subVersion\":"));
    ck_assert_ptr_nonnull(strstr(t.heartbeat, "\"tagsSet\":[\"A\",\"B\"],\"topic\":\"T\"}"));
    ck_assert_ptr_nonnull(strstr(t.heartbeat, "\"tagsSet\":[],\"topic\":\"%RETRY%g\"}"));
    /* The version that the rebalance gave is the one that brokers know by then. */
    char version[64];
    snprintf(version, sizeof version, "\"subVersion\":%lld,\"tagsSet\":[\"A\"",
             (long long)t.held[0].version);
    ck_assert_ptr_nonnull(strstr(t.heartbeat, version));
}
END_TEST

static const struct {
    const char *config;
    const char *key; /* that is named */
} WRONG[] = {
    {"subscription=T\n", "consumerGroup"},
    {"consumerGroup=DEFAULT_CONSUMER\nsubscription=T\n", "consumerGroup"},
    {"consumerGroup=a b\nsubscription=T\n", "consumerGroup"},
    {"consumerGroup=g\n", "subscription"},
    {"consumerGroup=g\nsubscription=T:||\n", "subscription"},
    {"consumerGroup=g\nsubscription=T;T:A\n", "subscription"},
    {"consumerGroup=g\nsubscription=T\nconsumeTimestamp=2026010100000\n", "consumeTimestamp"},
    {"consumerGroup=g\nsubscription=T\nconsumeTimestamp=20261301000000\n", "consumeTimestamp"},
    {"consumerGroup=g\nsubscription=T\nconsumeThreadMax=1001\n", "consumeThreadMax"},
    {"consumerGroup=g\nsubscription=T\nconsumeThreadMin=9\nconsumeThreadMax=8\n",
     "consumeThreadMin"},
    {"consumerGroup=g\nsubscription=T\npullThresholdForTopic=0\n", "pullThresholdForTopic"},
    {"consumerGroup=g\nsubscription=T\nmessageModel=ALL\n", "messageModel"},
};

START_TEST(test_start__refuses_wrong_settings) {
    t.config = WRONG[_i].config;
    start("");
    ck_assert_int_ne(t.start_status, RMQ_OK);
    ck_assert(fake_log_contains(t.env, WRONG[_i].key));
    serve();
}
END_TEST

START_TEST(test_start__one_consumer_per_group) {
    struct props config;
    struct consumer *other;
    size_t line;
    run("");
    props_init(&config, t.memory);
    ck_assert_int_eq(props_parse(&config, span_of_text(t.config), &line), RMQ_OK);
    ck_assert_int_eq(
        consumer_start(client_of_node(fake_node(t.env)), &config, &LISTENER, &t, &other),
        RMQ_E_EXISTS);
    props_deinit(&config);
}
END_TEST

START_TEST(test_namespace__on_the_wire_only) {
    t.config = "consumerGroup=g\nsubscription=T\nnamespace=N\n";
    start("");
    serve();
    ck_assert_ptr_nonnull(consumer_topic_named(t.consumer, SPAN_LITERAL("T")));
    ck_assert_span_eq(consumer_topic_named(t.consumer, SPAN_LITERAL("T"))->name, "N%T");
    ck_assert_span_eq(consumer_group_name(t.consumer), "N%g");
    ck_assert_span_eq(t.consumer->topics[1]->name, "%RETRY%N%g");
    ck_assert_span_eq(consumer_without_namespace(SPAN_LITERAL("N"), SPAN_LITERAL("N%T")), "T");
    ck_assert_span_eq(consumer_without_namespace(SPAN_LITERAL("N"), SPAN_LITERAL("NT")), "NT");
}
END_TEST

/* ---- where it starts (18) -------------------------------------------------------------------- */

static const struct {
    const char *from;
    int64_t stored;
    int64_t expected;
    const char *source;
} STARTS[] = {
    {"LAST_OFFSET", 7, 7, "stored"},  {"FIRST_OFFSET", 7, 7, "stored"},
    {"TIMESTAMP", 7, 7, "stored"},    {"LAST_OFFSET", -1, 900, "last"},
    {"FIRST_OFFSET", -1, 0, "first"}, {"TIMESTAMP", -1, 450, "timestamp"},
};

START_TEST(test_start_offset__decision_table) {
    char config[200];
    snprintf(config, sizeof config,
             "consumerGroup=g\nsubscription=T\nconsumeFromWhere=CONSUME_FROM_%s\n"
             "consumeTimestamp=20260101120000\n",
             STARTS[_i].from);
    t.config = config;
    t.stored[0] = STARTS[_i].stored;
    t.max = 900;
    t.by_time = 450;
    run("");
    ck_assert_int_eq(take_pull(0).offset, STARTS[_i].expected);
    ck_assert_span_eq(fake_event_text(t.env, EVENT_queue_acquired, "source"), STARTS[_i].source);
    pass_ms(10000); /* what was not stored is not committed before something is consumed */
    ck_assert_int_eq(t.commits[0][0], STARTS[_i].stored < 0 ? NOTHING : STARTS[_i].stored);
}
END_TEST

START_TEST(test_start_offset__retry_topic_at_its_beginning) {
    run("");
    ck_assert_uint_eq(t.consumer->topic_count, 2);
    ck_assert(t.consumer->topics[1]->retry);
    ck_assert(!t.consumer->topics[0]->retry);
    t.stored[0] = -1;
    ck_assert_int_eq(consumer_queue_add(t.consumer->topics[1], SPAN_LITERAL("a"), 0), RMQ_OK);
    serve();
    pass_ms(10);
    bool found = false;
    for (size_t i = 0; i < t.held_count; i++) {
        if (t.held[i].retry_topic) {
            found = true;
            ck_assert_int_eq(t.held[i].offset, 0);
        }
    }
    ck_assert(found);
    ck_assert_int_eq(t.asked[REQUEST_GET_MAX_OFFSET], 0);
}
END_TEST

/* C13: a code that is not 22 says nothing about the offset. */
START_TEST(test_start_offset__error_is_not_none) {
    t.stored_code = 2;
    run("");
    ck_assert_uint_eq(t.held_count, 0);
    ck_assert_uint_eq(events(EVENT_queue_acquired), 0);
    ck_assert_int_eq(t.asked[REQUEST_GET_MAX_OFFSET], 0);
    t.stored_code = 0;
    t.stored[0] = 3;
    pass_ms(21000); /* C15: with the next rebalance */
    ck_assert_int_eq(take_pull(0).offset, 3);
}
END_TEST

START_TEST(test_start_offset__5_3_tries_again_after_a_second) {
    t.stored_code = 2;
    run("profile=5.3\n");
    ck_assert_uint_eq(t.held_count, 0);
    t.stored_code = 0;
    pass_ms(2000);
    ck_assert_uint_eq(pulls_of(0), 1);
}
END_TEST

/* ---- results (20) ---------------------------------------------------------------------------- */

START_TEST(test_progress__stays_at_the_lowest_unfinished) {
    t.mode = LISTENER_HOLDS;
    run("");
    find_messages(0, 4);
    ck_assert_uint_eq(t.batch_count, 4);
    end_batch(1, true);
    end_batch(3, true);
    ck_assert_int_eq(next_commit(), 0);
    end_batch(0, true);
    ck_assert_int_eq(next_commit(), 2);
    end_batch(2, true);
    ck_assert_int_eq(next_commit(), 4);
}
END_TEST

/* C16, C20: until retry topics are here, every 5 s, and never committed past. */
START_TEST(test_failed__comes_again_after_5_s) {
    t.mode = LISTENER_FAILS;
    run("");
    find_messages(0, 1);
    ck_assert_uint_eq(events(EVENT_consume_failed), 1);
    pass_ms(4900);
    ck_assert_str_eq(t.bodies, "m0;");
    pass_ms(200);
    ck_assert_str_eq(t.bodies, "m0;m0;");
    ck_assert_uint_eq(fake_event_uint(t.env, EVENT_consume_delivered, "reconsume"), 1);
    ck_assert_int_eq(next_commit(), 0);
    t.mode = LISTENER_OK;
    pass_ms(5000);
    ck_assert_int_eq(next_commit(), 1);
    ck_assert_uint_eq(fake_event_uint(t.env, EVENT_consume_delivered, "reconsume"), 2);
}
END_TEST

START_TEST(test_failed__planted_drop) {
    fake_set_plant(t.env, PLANT_CONSUMER_DROP_FAILED, true);
    t.mode = LISTENER_FAILS;
    run("");
    find_messages(0, 2);
    pass_ms(10000);
    ck_assert_str_eq(t.bodies, "m0;m1;");
    ck_assert_int_eq(t.commits[0][0], 2);
}
END_TEST

START_TEST(test_commit__planted_ahead) {
    fake_set_plant(t.env, PLANT_CONSUMER_COMMIT_AHEAD, true);
    t.mode = LISTENER_HOLDS;
    run("");
    find_messages(0, 3);
    pass_ms(10000);
    ck_assert_int_eq(t.commits[0][0], 3);
}
END_TEST

START_TEST(test_commit__buggify_at_once) {
    fake_set_buggify(t.env, BUGGIFY_CONSUMER_COMMIT, true);
    run("");
    find_messages(0, 3);
    ck_assert_int_eq(t.commits[0][0], 3);
    ck_assert_int_eq(t.commit_count, 3);
}
END_TEST

START_TEST(test_threads__bound_what_the_listener_has) {
    t.config = "consumerGroup=g\nsubscription=T\nconsumeThreadMax=3\n";
    t.mode = LISTENER_HOLDS;
    run("");
    find_messages(0, 10);
    ck_assert_uint_eq(t.batch_count, 3);
    end_batch(1, true);
    ck_assert_uint_eq(t.batch_count, 4);
    ck_assert_str_eq(t.bodies, "m0;m1;m2;m3;");
}
END_TEST

START_TEST(test_batches__of_one_pull) {
    t.config = "consumerGroup=g\nsubscription=T\nconsumeMessageBatchMaxSize=4\n";
    t.mode = LISTENER_HOLDS;
    run("");
    find_messages(0, 10);
    ck_assert_uint_eq(t.batch_count, 3);
    ck_assert_uint_eq(t.batches[0]->count, 4);
    ck_assert_uint_eq(t.batches[2]->count, 2);
    ck_assert_span_eq(t.batches[2]->items[1].message.body, "m9");
    ck_assert_span_eq(t.batches[2]->items[1].topic, "T");
    ck_assert_span_eq(t.batches[2]->items[1].broker_name, "a");
}
END_TEST

START_TEST(test_tags__compared_as_text) {
    fake_set_plant(t.env, PLANT_CONSUMER_ANY_TAG, _i == 1);
    t.config = "consumerGroup=g\nsubscription=T:BB || C\n";
    run("");
    struct held_pull pull = take_pull(0);
    struct buf body;
    buf_init(&body, t.memory);
    put_record(&body, 0, 0, "BB");
    put_record(&body, 0, 1, "Aa"); /* the same hash */
    put_record(&body, 0, 2, NULL);
    put_record(&body, 0, 3, "C");
    answer_pull(&pull, RESPONSE_SUCCESS, 4, 0, 4, buf_span(&body));
    buf_deinit(&body);
    ck_assert_str_eq(t.bodies, _i == 1 ? "m0;m1;m2;m3;" : "m0;m3;");
    ck_assert_uint_eq(fake_event_uint(t.env, EVENT_consume_pulled, "count"), 4);
}
END_TEST

START_TEST(test_compressed_body__arrives_plain) {
    static const uint8_t HELLO[] = {0x78, 0x9c, 0xcb, 0x48, 0xcd, 0xc9, 0xc9,
                                    0x07, 0x00, 0x06, 0x2c, 0x02, 0x15};
    struct buf body;
    run("");
    for (int i = 0; i < 2; i++) { /* the second is cut short: as it came */
        struct held_pull pull = take_pull(0);
        struct message message = make_message(0, i, NULL, NULL, "");
        message.body = span_of(HELLO, i == 0 ? sizeof HELLO : 5);
        message.sys_flag = MESSAGE_SYS_COMPRESSED;
        buf_init(&body, t.memory);
        ck_assert_int_eq(message_encode(&body, &message), RMQ_OK);
        answer_pull(&pull, RESPONSE_SUCCESS, i + 1, 0, i + 1, buf_span(&body));
        buf_deinit(&body);
    }
    ck_assert(strncmp(t.bodies, "hello;", 6) == 0);
    ck_assert_uint_eq(events(EVENT_consume_delivered), 2);
}
END_TEST

/* ---- stop ------------------------------------------------------------------------------------ */

START_TEST(test_stop__commits_and_tells_listeners) {
    t.mode = LISTENER_HOLDS;
    run("");
    find_messages(0, 3);
    end_batch(0, true);
    stop();
    ck_assert_int_eq(t.commits[0][0], 1);
    ck_assert_uint_eq(t.dropped, 2);
    ck_assert_uint_eq(fake_event_uint(t.env, EVENT_queue_released, "in_flight"), 2);
}
END_TEST

static const struct consumer_listener NO_DROP = {on_messages, NULL, NULL};

/* C4 of consumer_internal.h. */
START_TEST(test_stop__a_batch_outlives_its_consumer) {
    struct props config;
    struct consumer *consumer;
    size_t line;
    t.mode = LISTENER_HOLDS;
    t.config = "";
    start("");
    props_init(&config, t.memory);
    ck_assert_int_eq(props_parse(&config, SPAN_LITERAL("consumerGroup=g\nsubscription=T\n"), &line),
                     RMQ_OK);
    ck_assert_int_eq(
        consumer_start(client_of_node(fake_node(t.env)), &config, &NO_DROP, &t, &consumer), RMQ_OK);
    props_deinit(&config);
    serve();
    pass_ms(1000);
    find_messages(0, 2);
    ck_assert_uint_eq(t.batch_count, 2);
    consumer_stop(consumer, on_stopped, &t);
    ck_assert(t.stopped);
    serve();
    end_batch(1, true);
    end_batch(0, false);
    ck_assert_uint_eq(events(EVENT_consume_failed), 0);
}
END_TEST

static void stop_inside(void *ctx, struct consume_batch *batch) {
    struct consumer *consumer = batch->consumer;
    on_messages(ctx, batch);
    if (!consumer->stopping)
        consumer_stop(consumer, on_stopped, &t);
    ck_assert(!t.stopped); /* not under the feet of who calls this */
}
static const struct consumer_listener STOPS = {stop_inside, NULL, on_dropped};

START_TEST(test_stop__from_the_listener) {
    run("");
    t.consumer->listener = &STOPS;
    find_messages(0, 5);
    ck_assert(t.stopped);
    serve();
}
END_TEST

START_TEST(test_suspend__pulls_wait) {
    run("");
    consumer_suspend(t.consumer);
    find_messages(0, 1);
    ck_assert_str_eq(t.bodies, "m0;"); /* what is there is consumed */
    pass_ms(60000);
    ck_assert_uint_eq(pulls_of(0), 0);
    int asked = t.asked[REQUEST_GET_CONSUMER_LIST_BY_GROUP];
    consumer_resume(t.consumer);
    pass_ms(1000);
    ck_assert_int_gt(t.asked[REQUEST_GET_CONSUMER_LIST_BY_GROUP], asked);
    ck_assert_uint_eq(pulls_of(0), 1);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("consumer");
    TCase *tests = suite_case(suite, "consumer");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_consume__pulls_delivers_commits);
    tcase_add_test(tests, test_heartbeat__names_group_and_subscriptions);
    tcase_add_loop_test(tests, test_start__refuses_wrong_settings, 0,
                        sizeof WRONG / sizeof WRONG[0]);
    tcase_add_test(tests, test_start__one_consumer_per_group);
    tcase_add_test(tests, test_namespace__on_the_wire_only);
    tcase_add_loop_test(tests, test_start_offset__decision_table, 0,
                        sizeof STARTS / sizeof STARTS[0]);
    tcase_add_test(tests, test_start_offset__retry_topic_at_its_beginning);
    tcase_add_test(tests, test_start_offset__error_is_not_none);
    tcase_add_test(tests, test_start_offset__5_3_tries_again_after_a_second);
    tcase_add_test(tests, test_progress__stays_at_the_lowest_unfinished);
    tcase_add_test(tests, test_failed__comes_again_after_5_s);
    tcase_add_test(tests, test_failed__planted_drop);
    tcase_add_test(tests, test_commit__planted_ahead);
    tcase_add_test(tests, test_commit__buggify_at_once);
    tcase_add_test(tests, test_threads__bound_what_the_listener_has);
    tcase_add_test(tests, test_batches__of_one_pull);
    tcase_add_loop_test(tests, test_tags__compared_as_text, 0, 2);
    tcase_add_test(tests, test_compressed_body__arrives_plain);
    tcase_add_test(tests, test_stop__commits_and_tells_listeners);
    tcase_add_test(tests, test_stop__a_batch_outlives_its_consumer);
    tcase_add_test(tests, test_stop__from_the_listener);
    tcase_add_test(tests, test_suspend__pulls_wait);
    return suite_run(suite);
}
