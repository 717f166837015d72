/* test_broker_send.c - requests 10, 310, 320 over the fake store: every check, answer and refusal.
 */
#include "model/tests/message_fixture.h"

#define V5 TOPICS "profile=5.3\n"

/* ---- checks ---------------------------------------------------------------------------------- */

#define LONG_128                                                       \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define LATER " are not supported by this broker yet, nothing was stored"

static const struct {
    const char *key;
    const char *value;
    int32_t code_4_9;
    int32_t code_5_3;
    const char *remark; /* how it begins */
} REFUSALS[] = {
    {"b", NULL, 1, 29, "The specified topic is blank."},
    {"b", " ", 1, 29, "The specified topic is blank."},
    {"b", "a.b", 1, 29, "The specified topic contains illegal characters"},
    {"b", LONG_128, 1, 29, "The specified topic is longer than topic max length."},
    {"b", "SCHEDULE_TOPIC_XXXX", 16, 16, "Sending message to topic[SCHEDULE_TOPIC_XXXX] is "},
    {"b", "RMQ_SYS_TRANS_HALF_TOPIC", 16, 16, "Sending message to topic[RMQ_SYS_TRANS_HALF"},
    {"b", "RMQ_SYS_TRANS_OP_HALF_TOPIC", 16, 16, "Sending message to topic[RMQ_SYS_TRANS_OP"},
    {"b", "TRANS_CHECK_MAX_TIME_TOPIC", 16, 16, "Sending message to topic[TRANS_CHECK"},
    {"b", "SELF_TEST_TOPIC", 16, 16, "Sending message to topic[SELF_TEST_TOPIC] is forbidden."},
    {"b", "OFFSET_MOVED_EVENT", 16, 16, "Sending message to topic[OFFSET_MOVED_EVENT] is"},
    {"e", "4", 1, 29, "request queueId[4] is illegal, TopicConfig [topicName=T, readQueueNums=4"},
    {"f", "4", 13, 13, "messages with a transaction flag" LATER},
    {"f", "8", 13, 13, "messages with a transaction flag" LATER},
    {"i", "DELAY\001x", 1, 1, "DELAY is no number: x"},
    {"i", "TRAN_MSG\001TRUE", 13, 13, "messages with TRAN_MSG" LATER},
    {"i", "TIMER_DELAY_SEC\0013", 13, 13, "messages with TIMER_DELAY_SEC" LATER},
    {"i", "TIMER_DELAY_MS\0013", 13, 13, "messages with TIMER_DELAY_MS" LATER},
    {"i", "TIMER_DELIVER_MS\0013", 13, 13, "messages with TIMER_DELIVER_MS" LATER},
};

START_TEST(test_send__refuses) {
    for (size_t v5 = 0; v5 < 2; v5++) {
        if (v5 == 1) {
            teardown();
            setup();
        }
        start(v5 == 1 ? V5 : TOPICS);
        int32_t code = send_with(WITH(REFUSALS[_i].key, REFUSALS[_i].value), NO_FIELD);
        ck_assert_int_eq(code, v5 == 1 ? REFUSALS[_i].code_5_3 : REFUSALS[_i].code_4_9);
        expect_remark_begins(REFUSALS[_i].remark);
        ck_assert_span_eq(wire_field(&answered, "MSG_REGION"), "DefaultRegion");
        ck_assert_span_eq(wire_field(&answered, "TRACE_ON"), "true");
        ck_assert_uint_eq(fake_store.store->count, 0);
    }
}
END_TEST

START_TEST(test_send__missing_fields_are_named) {
    static const char *const KEYS[] = {"a", "c", "d", "e", "f", "g", "h"};
    start(TOPICS);
    ck_assert_int_eq(send_with(WITH(KEYS[_i], NULL), NO_FIELD), RESPONSE_SYSTEM_ERROR);
    expect_remark_begins("header field ");
    ck_assert_uint_eq(fake_store.store->count, 0);
}
END_TEST

START_TEST(test_send__not_before_its_time) {
    start(TOPICS "startAcceptSendRequestTimeStamp=4000000000000\n");
    ck_assert_int_eq(send_one(), RESPONSE_SYSTEM_ERROR);
    ck_assert_span_eq(answered.remark, "broker unable to service, until 4000000000000");
}
END_TEST

START_TEST(test_send__without_write_permission_only_ordered_topics_are_refused) {
    struct topic_config topic;
    bool created;
    start(TOPICS "brokerPermission=4\nbrokerIP1=10.1.1.1\n");
    ck_assert_int_eq(send_one(), RESPONSE_SUCCESS);
    ck_assert_int_eq(send_with(WITH("b", "R"), NO_FIELD), RESPONSE_SUCCESS); /* perm 4: clients'
                                                                                business */
    ck_assert_int_eq(topics_find(&broker()->topics, SPAN_LITERAL("T"), &topic), RMQ_OK);
    topic.order = true;
    ck_assert_int_eq(topics_put(&broker()->topics, &topic, &created), RMQ_OK);
    ck_assert_int_eq(send_one(), RESPONSE_NO_PERMISSION);
    ck_assert_span_eq(answered.remark, "the broker[10.1.1.1] sending message is forbidden");
}
END_TEST

START_TEST(test_send__rejected_transactions_have_their_own_code) {
    start(TOPICS "rejectTransactionMessage=true\n");
    ck_assert_int_eq(send_with(WITH("i", "TRAN_MSG\001true"), NO_FIELD), RESPONSE_NO_PERMISSION);
    expect_remark_begins("the broker[10.0.0.9] sending transaction message is forbidden");
}
END_TEST

START_TEST(test_send__slaves_take_no_messages) {
    start(TOPICS "brokerId=1\n");
    ck_assert_int_eq(send_one(), RESPONSE_SERVICE_NOT_AVAILABLE);
}
END_TEST

/* ---- what is stored -------------------------------------------------------------------------- */

START_TEST(test_send__stores_all_fields) {
    struct message message;
    start(_i == 0 ? TOPICS : V5);
    ck_assert_int_eq(
        send_with(WITH("j", "2"), WITH("i", "WAIT\001false\002KEYS\001k1\002TAGS\001A")),
        RESPONSE_SUCCESS);
    ck_assert(!fake_store.last_wait);
    const struct fake_record *record = &fake_store.store->records[0];
    ck_assert_int_eq(message_decode(span_of(record->bytes, record->len), true, &message),
                     MESSAGE_OK);
    ck_assert_span_eq(message.body, "hello");
    ck_assert_span_eq(message.topic, "T");
    ck_assert_int_eq(message.queue_id, 1);
    ck_assert_int_eq(message.flag, 7);
    ck_assert_int_eq(message.reconsume_times, 2);
    ck_assert_int_eq(message.born_ms, 1700000000000);
    ck_assert_int_eq(message.born_host.port, 4000);
    ck_assert_int_eq(message.born_host.ip[3], 50);
    ck_assert_int_eq(message.store_host.port, PORT);
    if (_i == 0) /* WAIT is left out, CLUSTER comes last */
        ck_assert_span_eq(message.properties,
                          "KEYS\001k1\002TAGS\001A\002CLUSTER\001DefaultCluster");
    else
        ck_assert_span_eq(message_property(message.properties, SPAN_LITERAL("WAIT")), "false");
    ck_assert_span_eq(message_property(message.properties, SPAN_LITERAL("CLUSTER")),
                      "DefaultCluster");
}
END_TEST

START_TEST(test_send__answers_id_queue_and_offset) {
    char id[MESSAGE_ID_MAX];
    start(TOPICS);
    ck_assert_int_eq(send_one(), RESPONSE_SUCCESS);
    ck_assert_int_eq(send_one(), RESPONSE_SUCCESS);
    ck_assert_int_eq(number_of("queueId"), 1);
    ck_assert_int_eq(number_of("queueOffset"), 1);
    ck_assert(span_is_absent(answered.remark));
    size_t len = message_id_format(&broker()->host, fake_store.store->records[1].physical, id);
    ck_assert(span_equal(wire_field(&answered, "msgId"), span_of(id, len)));
    ck_assert(span_is_absent(wire_field(&answered, "transactionId")));
}
END_TEST

START_TEST(test_send__5_3_tells_the_unique_key) {
    struct message message;
    start(V5);
    ck_assert_int_eq(send_with(WITH("i", "UNIQ_KEY\001u1"), NO_FIELD), RESPONSE_SUCCESS);
    ck_assert_span_eq(wire_field(&answered, "transactionId"), "u1");
    ck_assert_int_eq(send_one(), RESPONSE_SUCCESS); /* has none: gets one */
    ck_assert_uint_eq(wire_field(&answered, "transactionId").len, 32);
    const struct fake_record *record = &fake_store.store->records[1];
    ck_assert_int_eq(message_decode(span_of(record->bytes, record->len), true, &message),
                     MESSAGE_OK);
    ck_assert(span_equal(message_property(message.properties, SPAN_LITERAL("UNIQ_KEY")),
                         wire_field(&answered, "transactionId")));
}
END_TEST

START_TEST(test_send__a_negative_queue_is_any) {
    bool seen[4] = {false};
    start(TOPICS);
    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(send_with(WITH("e", "-1"), NO_FIELD), RESPONSE_SUCCESS);
        ck_assert_int_lt(number_of("queueId"), 4);
        seen[number_of("queueId")] = true;
    }
    ck_assert(seen[0] && seen[1] && seen[2] && seen[3]);
}
END_TEST

START_TEST(test_send__oneway_is_stored_and_not_answered) {
    struct wire_command request;
    start(TOPICS);
    wire_command_init(&request, REQUEST_SEND_MESSAGE_V2);
    request.flag = WIRE_FLAG_ONEWAY;
    add_fields(&request, FIELDS(SEND), NULL, 0);
    peer_send(&client, &request);
    expect_no_answer(&client);
    ck_assert_uint_eq(fake_store.store->count, 1);
}
END_TEST

START_TEST(test_send__version_1_has_long_names) {
    static const struct field V1[] = {
        {"producerGroup", "p"},         {"topic", "T"},   {"defaultTopic", "TBW102"},
        {"defaultTopicQueueNums", "4"}, {"queueId", "3"}, {"sysFlag", "0"},
        {"bornTimestamp", "5"},         {"flag", "1"},
    };
    start(TOPICS);
    send_request(&client, REQUEST_SEND_MESSAGE, FIELDS(V1), NULL, 0, SPAN_LITERAL("v1"));
    take_answer(&client);
    ck_assert_int_eq(answered.code, RESPONSE_SUCCESS);
    ck_assert_int_eq(number_of("queueId"), 3);
}
END_TEST

START_TEST(test_send__a_batch_has_an_id_per_message) {
    static const char BODY[] = "\0\0\0\030\0\0\0\0\0\0\0\0\0\0\0\001\0\0\0\002ab\0\0"
                               "\0\0\0\027\0\0\0\0\0\0\0\0\0\0\0\001\0\0\0\001c\0\0";
    const struct field changes[] = {{"m", "true"}};
    start(TOPICS);
    send_request(&client, REQUEST_SEND_BATCH_MESSAGE, FIELDS(SEND), FIELDS(changes),
                 span_of(BODY, sizeof BODY - 1));
    take_answer(&client);
    ck_assert_int_eq(answered.code, RESPONSE_SUCCESS);
    ck_assert_uint_eq(fake_store.store->count, 2);
    struct span ids = wire_field(&answered, "msgId");
    ck_assert_uint_eq(ids.len, 65);
    ck_assert_int_eq(ids.data[32], ',');
}
END_TEST

/* ---- put statuses ---------------------------------------------------------------------------- */

static const struct {
    enum put_status status;
    int32_t code_4_9, code_5_3;
    const char *remark; /* NULL: none, and a header */
} STATUSES[] = {
    {PUT_FLUSH_DISK_TIMEOUT, 10, 10, NULL},
    {PUT_SLAVE_NOT_AVAILABLE, 11, 11, NULL},
    {PUT_FLUSH_SLAVE_TIMEOUT, 12, 12, NULL},
    {PUT_CREATE_FILE_FAILED, 1, 1, "create mapped file failed, server is busy or broken."},
    {PUT_MESSAGE_ILLEGAL, 13, 13,
     "the message is illegal, maybe msg body or properties length not matched. msg body length "
     "limit 131072B, msg properties length limit 32KB."},
    {PUT_PROPERTIES_SIZE_EXCEEDED, 13, 13, "the message is illegal"},
    {PUT_SERVICE_NOT_AVAILABLE, 14, 14, "service not available now."},
    {PUT_PAGE_CACHE_BUSY, 1, 2, "[PC_SYNCHRONIZED]broker busy, start flow control for a while"},
    {PUT_UNKNOWN_ERROR, 1, 1, "UNKNOWN_ERROR"},
};

START_TEST(test_send__put_statuses_have_their_codes) {
    for (int v5 = 0; v5 < 2; v5++) {
        if (v5 == 1) {
            teardown();
            setup();
        }
        start(v5 == 1 ? V5 "maxMessageSize=131072\n" : TOPICS "maxMessageSize=131072\n");
        fake_store.put_status = STATUSES[_i].status;
        int32_t code = send_one();
        ck_assert_int_eq(code, v5 == 1 ? STATUSES[_i].code_5_3 : STATUSES[_i].code_4_9);
        ck_assert_span_eq(wire_field(&answered, "MSG_REGION"), "DefaultRegion");
        if (STATUSES[_i].remark == NULL)
            ck_assert_int_eq(number_of("queueOffset"), 0);
        else
            expect_remark_begins(STATUSES[_i].remark);
    }
}
END_TEST

START_TEST(test_send__the_asker_may_leave) {
    start(TOPICS);
    fake_store.slow_puts = true;
    start_send(&client, NO_FIELD, NO_FIELD);
    fake_peer_close(client.conn);
    fake_store_finish_puts();
    ck_assert_uint_eq(broker()->sends.under_way_count, 0);
}
END_TEST

START_TEST(test_send__the_broker_may_stop) {
    start(TOPICS);
    fake_store.slow_puts = true;
    start_send(&client, NO_FIELD, NO_FIELD); /* teardown stops, and finds nothing left */
    ck_assert_uint_eq(broker()->sends.under_way_count, 1);
}
END_TEST

START_TEST(test_send__a_warm_pool_allocates_nothing) {
    start(TOPICS);
    ck_assert_int_eq(send_one(), RESPONSE_SUCCESS);
    size_t blocks = fake_memory_blocks(env);
    ck_assert_int_eq(send_one(), RESPONSE_SUCCESS);
    ck_assert_uint_eq(fake_memory_blocks(env), blocks + 1); /* the fake's record */
}
END_TEST

START_TEST(test_send__copes_without_memory) {
    bool failed = true;
    for (unsigned n = 1; failed; n++) {
        if (n > 1) {
            teardown();
            setup();
        }
        start(TOPICS);
        fake_fail_at(env, FAKE_FAIL_ALLOC, n);
        start_send(&client, WITH("b", "New"), NO_FIELD);
        failed = fake_failed(env, FAKE_FAIL_ALLOC);
        if (fake_is_open(client.conn) && fake_written(client.conn).len > 0)
            take_answer(&client);
    }
    ck_assert_int_eq(answered.code, RESPONSE_SUCCESS);
}
END_TEST

/* ---- topics that come to be ------------------------------------------------------------------ */

START_TEST(test_auto_create__like_the_default_topic) {
    struct topic_config topic;
    start(_i == 0 ? "" : "namesrvAddr=10.0.0.1:9876\n");
    ck_assert_int_eq(send_with(WITH("b", "New"), NO_FIELD), RESPONSE_SUCCESS);
    ck_assert_int_eq(topics_find(&broker()->topics, SPAN_LITERAL("New"), &topic), RMQ_OK);
    ck_assert_int_eq(topic.read_queue_nums, 4);
    ck_assert_int_eq(topic.write_queue_nums, 4);
    ck_assert_int_eq(topic.perm, 6);
    ck_assert_int_eq(topics_version(&broker()->topics).counter, 1);
    ck_assert_span_eq(fake_event_text(env, EVENT_broker_topic_created, "topic"), "New");
}
END_TEST

static const struct {
    const char *key, *value;
    int32_t code;
    int32_t queues;
} CREATIONS[] = {
    {"d", "100", 0, 8}, /* as many as TBW102 has */
    {"d", "2", 0, 2},
    {"c", "T", 17, 0}, /* nothing to inherit */
    {"c", "NoSuchTopic", 17, 0},
    {"c", "DefaultCluster", 0, 4},
    {"b", "%RETRY%g", 0, 4},
};

START_TEST(test_auto_create__follows_the_request) {
    struct topic_config topic;
    const char *name = strcmp(CREATIONS[_i].key, "b") == 0 ? CREATIONS[_i].value : "New";
    start(TOPICS);
    ck_assert_int_eq(
        send_with(WITH(CREATIONS[_i].key, CREATIONS[_i].value),
                  strcmp(CREATIONS[_i].key, "b") == 0 ? WITH("e", "0") : WITH("b", "New")),
        CREATIONS[_i].code);
    int err = topics_find(&broker()->topics, span_of_text(name), &topic);
    ck_assert_int_eq(err, CREATIONS[_i].code == 0 ? RMQ_OK : RMQ_E_NOT_FOUND);
    if (err == RMQ_OK)
        ck_assert_int_eq(topic.write_queue_nums, CREATIONS[_i].queues);
    else
        expect_remark_begins("topic[New] not exist, apply first please!\nSee http");
}
END_TEST

START_TEST(test_auto_create__may_be_off) {
    start("autoCreateTopicEnable=false\n");
    ck_assert_int_eq(send_with(WITH("b", "New"), NO_FIELD), RESPONSE_TOPIC_NOT_EXIST);
    ck_assert_int_eq(send_with(WITH("b", "%RETRY%g"), WITH("e", "0")), RESPONSE_SUCCESS);
}
END_TEST

/* ---- retry topics ---------------------------------------------------------------------------- */

static const struct {
    const char *config;
    const char *times;
    const char *maximum; /* NULL: the group's 16 */
    const char *topic;   /* where it ends up */
} RETRIES[] = {
    {"", "15", NULL, "%RETRY%g"},
    {"", "16", NULL, "%DLQ%g"},
    {"", "3", "3", "%DLQ%g"},
    {"", "2", "3", "%RETRY%g"},
    {"profile=5.3\n", "16", NULL, "%RETRY%g"},
    {"profile=5.3\n", "17", NULL, "%DLQ%g"},
};

START_TEST(test_retry__too_often_is_dead) {
    const struct field changes[] = {
        {"b", "%RETRY%g"}, {"e", "0"}, {"j", RETRIES[_i].times}, {"l", RETRIES[_i].maximum}};
    start(RETRIES[_i].config);
    send_request(&client, REQUEST_SEND_MESSAGE_V2, FIELDS(SEND), FIELDS(changes),
                 SPAN_LITERAL("again"));
    take_answer(&client);
    ck_assert_int_eq(answered.code, RESPONSE_SUCCESS);
    ck_assert_str_eq(fake_store.store->records[0].topic, RETRIES[_i].topic);
}
END_TEST

#define COUNT(array) ((int)(sizeof array / sizeof array[0]))

int main(void) {
    Suite *suite = suite_create("broker_send");
    TCase *tests = suite_case(suite, "send");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, test_send__refuses, 0, COUNT(REFUSALS));
    tcase_add_loop_test(tests, test_send__missing_fields_are_named, 0, 7);
    tcase_add_test(tests, test_send__not_before_its_time);
    tcase_add_test(tests, test_send__without_write_permission_only_ordered_topics_are_refused);
    tcase_add_test(tests, test_send__rejected_transactions_have_their_own_code);
    tcase_add_test(tests, test_send__slaves_take_no_messages);
    tcase_add_loop_test(tests, test_send__stores_all_fields, 0, 2);
    tcase_add_test(tests, test_send__answers_id_queue_and_offset);
    tcase_add_test(tests, test_send__5_3_tells_the_unique_key);
    tcase_add_test(tests, test_send__a_negative_queue_is_any);
    tcase_add_test(tests, test_send__oneway_is_stored_and_not_answered);
    tcase_add_test(tests, test_send__version_1_has_long_names);
    tcase_add_test(tests, test_send__a_batch_has_an_id_per_message);
    tcase_add_loop_test(tests, test_send__put_statuses_have_their_codes, 0, COUNT(STATUSES));
    tcase_add_test(tests, test_send__the_asker_may_leave);
    tcase_add_test(tests, test_send__the_broker_may_stop);
    tcase_add_test(tests, test_send__a_warm_pool_allocates_nothing);
    tcase_add_test(tests, test_send__copes_without_memory);
    tcase_add_loop_test(tests, test_auto_create__like_the_default_topic, 0, 2);
    tcase_add_loop_test(tests, test_auto_create__follows_the_request, 0, COUNT(CREATIONS));
    tcase_add_test(tests, test_auto_create__may_be_off);
    tcase_add_loop_test(tests, test_retry__too_often_is_dead, 0, COUNT(RETRIES));
    return suite_run(suite);
}
