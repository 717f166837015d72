/* test_broker_admin.c - request 17 and the rest: every recorded request, then each check. */
#include "model/broker/broker.h"
#include "model/broker/broker_internal.h"
#include "model/tests/peer.h"
#include "model/tests/suite.h"
#include "model/tests/vectors.h"

#define IDENTITY "brokerClusterName=GoldCluster\nbrokerName=broker-a\nlistenPort=29911\n"

static struct env *env;
static struct peer admin;

static void setup(void) {
    env = fake_create();
    memset(&admin, 0, sizeof admin);
}

static void teardown(void) {
    if (admin.conn != NULL)
        peer_deinit(&admin);
    fake_destroy(env);
}

static void start(const char *config) {
    ck_assert_int_eq(fake_start_text(env, &broker_role, config), RMQ_OK);
    for (int i = 0; i < 1000 && !fake_listening(env, 29911); i++)
        fake_settle(env); /* the store opens */
    peer_init(&admin, fake_accept(env, 29911, "10.0.0.50:4000"));
}

static void stop(void) {
    fake_stop(env);
    for (int i = 0; i < 100 && fake_node(env) != NULL; i++)
        fake_advance_ms(env, 100);
    ck_assert(fake_exited(env, NULL));
}

static const struct broker *broker(void) {
    return fake_node(env);
}

/* ---- every recorded request 17 --------------------------------------------------------------- */

static bool is_request_17(const struct vector_row *row) {
    return vector_is_frame(row) && row->to_server && row->code == REQUEST_UPDATE_AND_CREATE_TOPIC &&
           (row->flag & WIRE_FLAG_RESPONSE) == 0 && strcmp(row->port, "broker") == 0;
}

/* Listed differences. An unknown filter type: Apache's remark carries Java's exception class and
 * line, ours only says what is wrong. Serialization: ours is always the asker's; 5.3.3, and 4.9.7
 * for that exception, answer in the server's own. */
static bool is_transport_error(const struct vector_row *answer) {
    return answer->remark != NULL && strstr(answer->remark, "RemotingCommandException") != NULL;
}

static void compare_answer(const struct vector_row *row, const struct vector_row *want) {
    struct wire_command got;
    fake_deliver(admin.conn, row->bytes);
    if (!peer_take(&admin, &got))
        ck_abort_msg("%s row %d: no answer", row->file, (int)row->n);
    ck_assert_int_eq(got.code, want->code);
    ck_assert_int_eq(got.opaque, want->opaque);
    ck_assert_int_eq(got.flag, want->flag);
    ck_assert_uint_eq(got.field_count, 0);
    ck_assert_ptr_null(want->ext);
    ck_assert(got.body.len == 0 && want->body_len == 0);
    ck_assert_int_eq(got.serialization, row->serialization);
    ck_assert_span_eq(got.remark, is_transport_error(want)
                                      ? "topicFilterType = [BOTH_TAGS] value invalid"
                                      : want->remark);
}

START_TEST(test_update_and_create_topic__answers_as_recorded) {
    size_t file_count, compared = 0;
    const char *const *names = vectors_names(&file_count);
    for (size_t f = 0; f < file_count; f++) {
        struct vector_file *file = vectors_load(names[f]);
        bool v5 = strncmp(names[f], "5.3.3", 5) == 0;
        for (size_t i = 0; i < file->count; i++) {
            const struct vector_row *row = &file->rows[i];
            const struct vector_row *want = is_request_17(row) ? vector_answer(file, row) : NULL;
            if (want == NULL)
                continue;
            setup();
            start(v5 ? IDENTITY "profile=5.3\n" : IDENTITY);
            compare_answer(row, want);
            stop();
            teardown();
            compared++;
        }
        vectors_free(file);
    }
    ck_assert_uint_eq(compared, 48); /* all that were recorded */
}
END_TEST

/* ---- every recorded frame, good or bad --------------------------------------------------------
 */

/* Whatever arrives, the broker lives on; a connection may end. */
START_TEST(test_request__no_recorded_frame_harms) {
    size_t file_count, delivered = 0;
    const char *const *names = vectors_names(&file_count);
    setup();
    start(_i == 0 ? IDENTITY : IDENTITY "profile=5.3\n");
    for (size_t f = 0; f < file_count; f++) {
        struct vector_file *file = vectors_load(names[f]);
        for (size_t i = 0; i < file->count; i++) {
            const struct vector_row *row = &file->rows[i];
            if (row->event != NULL || strcmp(row->port, "ha") == 0)
                continue;
            if (!fake_is_open(admin.conn)) {
                peer_deinit(&admin);
                peer_init(&admin, fake_accept(env, 29911, "10.0.0.50:4000"));
            }
            fake_deliver(admin.conn, row->bytes);
            fake_take(admin.conn);
            delivered++;
        }
        vectors_free(file);
    }
    ck_assert_uint_ge(delivered, 10000);
    stop();
    teardown();
}
END_TEST

/* ---- each check ------------------------------------------------------------------------------ */

struct field {
    const char *key;
    const char *value;
};

static const struct field GOOD[] = {
    {"topic", "T"},     {"defaultTopic", "TBW102"}, {"readQueueNums", "3"},
    {"perm", "6"},      {"writeQueueNums", "2"},    {"topicFilterType", "SINGLE_TAG"},
    {"order", "false"}, {"topicSysFlag", "1"},
};

/* GOOD with one field replaced (`value` NULL: left out). */
static void send_17(const char *key, const char *value, struct wire_command *answer) {
    struct wire_command request;
    wire_command_init(&request, REQUEST_UPDATE_AND_CREATE_TOPIC);
    request.opaque = 77;
    request.serialization = WIRE_JSON;
    bool replaced = key == NULL;
    for (size_t i = 0; i < sizeof GOOD / sizeof GOOD[0]; i++) {
        const char *used = GOOD[i].value;
        if (key != NULL && strcmp(GOOD[i].key, key) == 0) {
            used = value;
            replaced = true;
        }
        if (used != NULL)
            ck_assert_int_eq(
                wire_field_add(&request, span_of_text(GOOD[i].key), span_of_text(used)), RMQ_OK);
    }
    if (!replaced)
        ck_assert_int_eq(wire_field_add(&request, span_of_text(key), span_of_text(value)), RMQ_OK);
    peer_send(&admin, &request);
    ck_assert(peer_take(&admin, answer));
    ck_assert_int_eq(answer->opaque, 77);
}

#define LONG_128                                                       \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define CHARACTERS                                                    \
    "The specified topic contains illegal characters, allowing only " \
    "^[%|a-zA-Z0-9_-]+$"

static const struct {
    const char *key;
    const char *value;
    int32_t code_4_9;
    int32_t code_5_3;
    const char *remark;
} REFUSALS[] = {
    {"topic", "", 1, 29, "The specified topic is blank."},
    {"topic", " ", 1, 29, "The specified topic is blank."},
    {"topic", "a.b", 1, 29, CHARACTERS},
    {"topic", "a b", 1, 29, CHARACTERS},
    {"topic", LONG_128, 1, 29, "The specified topic is longer than topic max length."},
    {"topic", "TBW102", 1, 29, "The topic[TBW102] is conflict with system topic."},
    {"topic", "broker-a", 1, 29, "The topic[broker-a] is conflict with system topic."},
    {"topic", "rmq_sys_x", 1, 29, "The topic[rmq_sys_x] is conflict with system topic."},
    {"topic", NULL, 1, 1, "header field topic is missing"},
    {"readQueueNums", NULL, 1, 1, "header field readQueueNums is missing"},
    {"writeQueueNums", "x", 1, 1, "header field writeQueueNums is not valid"},
    {"perm", "99999999999", 1, 1, "header field perm is not valid"},
    {"topicFilterType", "BOTH", 1, 1, "topicFilterType = [BOTH] value invalid"},
    {"topicFilterType", NULL, 1, 1, "header field topicFilterType is missing"},
};

START_TEST(test_update_and_create_topic__refuses) {
    static const char *const CONFIGS[] = {IDENTITY, IDENTITY "profile=5.3\n"};
    for (size_t v5 = 0; v5 < 2; v5++) {
        struct wire_command answer;
        if (v5 == 1) {
            teardown();
            setup();
        }
        start(CONFIGS[v5]);
        send_17(REFUSALS[_i].key, REFUSALS[_i].value, &answer);
        ck_assert_int_eq(answer.code, v5 == 1 ? REFUSALS[_i].code_5_3 : REFUSALS[_i].code_4_9);
        ck_assert_span_eq(answer.remark, REFUSALS[_i].remark);
        ck_assert_int_eq(topics_version(&broker()->topics).counter, 0);
        stop();
    }
}
END_TEST

START_TEST(test_update_and_create_topic__applies_all_fields) {
    struct wire_command answer;
    struct topic_config topic;
    start(IDENTITY);
    send_17("topicFilterType", "MULTI_TAG", &answer);
    ck_assert_int_eq(answer.code, 0);
    ck_assert_int_eq(topics_find(&broker()->topics, SPAN_LITERAL("T"), &topic), RMQ_OK);
    ck_assert_int_eq(topic.read_queue_nums, 3);
    ck_assert_int_eq(topic.write_queue_nums, 2);
    ck_assert_int_eq(topic.perm, 6);
    ck_assert_int_eq(topic.sys_flag, 1);
    ck_assert(topic.multi_tag && !topic.order);
    ck_assert_span_eq(fake_event_text(env, EVENT_broker_topic_created, "topic"), "T");
    stop();
}
END_TEST

START_TEST(test_update_and_create_topic__order_counts_in_5_3_only) {
    struct wire_command answer;
    struct topic_config topic;
    start(_i == 0 ? IDENTITY : IDENTITY "profile=5.3\n");
    send_17("order", "true", &answer);
    ck_assert_int_eq(answer.code, 0);
    ck_assert_int_eq(topics_find(&broker()->topics, SPAN_LITERAL("T"), &topic), RMQ_OK);
    ck_assert_int_eq(topic.order, _i);
    stop();
}
END_TEST

START_TEST(test_update_and_create_topic__fields_that_may_be_missing) {
    struct wire_command answer;
    start(_i == 0 ? IDENTITY : IDENTITY "profile=5.3\n");
    send_17("defaultTopic", NULL, &answer);
    ck_assert_int_eq(answer.code, 0);
    send_17("order", NULL, &answer);
    ck_assert_int_eq(answer.code, 0);
    send_17("topicSysFlag", NULL, &answer);
    ck_assert_int_eq(answer.code, 0);
    stop();
}
END_TEST

/* 4.9 counts every update, 5.3 only those that change something. */
START_TEST(test_update_and_create_topic__the_same_again) {
    struct wire_command answer;
    start(_i == 0 ? IDENTITY : IDENTITY "profile=5.3\n");
    send_17(NULL, NULL, &answer);
    send_17(NULL, NULL, &answer);
    ck_assert_int_eq(answer.code, 0);
    ck_assert_int_eq(topics_version(&broker()->topics).counter, _i == 0 ? 2 : 1);
    send_17("perm", "4", &answer);
    ck_assert_int_eq(topics_version(&broker()->topics).counter, _i == 0 ? 3 : 2);
    stop();
}
END_TEST

START_TEST(test_update_and_create_topic__slave_refuses_in_4_9) {
    struct wire_command answer;
    start(_i == 0 ? IDENTITY "brokerId=1\n" : IDENTITY "brokerId=1\nprofile=5.3\n");
    send_17(NULL, NULL, &answer);
    ck_assert_int_eq(answer.code, _i == 0 ? RESPONSE_SYSTEM_ERROR : RESPONSE_SUCCESS);
    ck_assert_span_eq(answer.remark,
                      _i == 0 ? "Can't modify topic or subscription group from slave broker, "
                                "please execute it from master broker."
                              : "not set any response code");
    stop();
}
END_TEST

/* "+k=v,-k" as AttributeUtil.java has it; a refused change leaves the topic as it was. */
static const struct {
    const char *attributes;
    int32_t code;
    const char *remark; /* how it begins */
    const char *after;  /* what the topic has then */
} ATTRIBUTES[] = {
    {"", 0, "not set any response code", ""},
    {"+message.type=NORMAL,+reserve.time=7", 0, "not set",
     "{\"message.type\":\"NORMAL\",\"reserve.time\":\"7\"}"},
    {"-reserve.time,+message.type=FIFO", 0, "not set", "{\"message.type\":\"FIFO\"}"},
    {"-reserve.time", 1, "attempt to delete a nonexistent key: reserve.time",
     "{\"message.type\":\"FIFO\"}"},
    {"+colour=red", 1, "unsupported key: colour", "{\"message.type\":\"FIFO\"}"},
    {"+message.type=BLUE", 1, "value [BLUE] is not one", "{\"message.type\":\"FIFO\"}"},
    {"+message.type=MIXED", 29, "MIXED message type is not supported.",
     "{\"message.type\":\"FIFO\"}"},
    {"+queue.type=SimpleCQ", 1, "attempt to update an unchangeable attribute. key: queue.type",
     "{\"message.type\":\"FIFO\"}"},
    {"+reserve.time=x", 1, "value [x] is not in range", "{\"message.type\":\"FIFO\"}"},
    {"message.type", 1, "attribute [message.type]: expected +key=value or -key",
     "{\"message.type\":\"FIFO\"}"},
    {"+message.type=", 1, "attribute [+message.type=]: expected", "{\"message.type\":\"FIFO\"}"},
    {"+reserve.time=1,-reserve.time", 1, "alter duplication key. key: reserve.time",
     "{\"message.type\":\"FIFO\"}"},
    {"", 0, "not set any response code", "{\"message.type\":\"FIFO\"}"},
    {"-message.type", 0, "not set any response code", ""},
};

START_TEST(test_update_and_create_topic__attributes) {
    struct wire_command answer;
    struct topic_config topic;
    start(IDENTITY "profile=5.3\n");
    for (size_t i = 0; i < sizeof ATTRIBUTES / sizeof ATTRIBUTES[0]; i++) {
        send_17("attributes", ATTRIBUTES[i].attributes, &answer);
        ck_assert_int_eq(answer.code, ATTRIBUTES[i].code);
        ck_assert_msg(span_starts_with(answer.remark, span_of_text(ATTRIBUTES[i].remark)),
                      "%s: %.*s", ATTRIBUTES[i].attributes, (int)answer.remark.len,
                      (const char *)answer.remark.data);
        ck_assert_int_eq(topics_find(&broker()->topics, SPAN_LITERAL("T"), &topic), RMQ_OK);
        ck_assert_span_eq(topic.attributes, ATTRIBUTES[i].after);
    }
    stop();
}
END_TEST

START_TEST(test_request__unknown_codes_are_code_3) {
    struct wire_command request, answer;
    start(IDENTITY);
    wire_command_init(&request, 12345);
    request.serialization = (enum wire_serialization)_i;
    request.opaque = 5;
    peer_send(&admin, &request);
    ck_assert(peer_take(&admin, &answer));
    ck_assert_int_eq(answer.code, RESPONSE_REQUEST_CODE_NOT_SUPPORTED);
    ck_assert_int_eq(answer.serialization, (enum wire_serialization)_i);
    ck_assert_span_eq(answer.remark, " request type 12345 not supported");
    request.flag = WIRE_FLAG_ONEWAY;
    peer_send(&admin, &request);
    ck_assert(!peer_take(&admin, &answer));
    stop();
}
END_TEST

/* ---- the quirk: the answer waits ------------------------------------------------------------- */

#define NAMED IDENTITY "namesrvAddr=10.0.0.1:9876\nquirk.serialRegistration=true\n"

static void send_good_17(void) {
    struct wire_command request;
    wire_command_init(&request, REQUEST_UPDATE_AND_CREATE_TOPIC);
    request.opaque = 9;
    request.serialization = WIRE_BINARY;
    for (size_t i = 0; i < sizeof GOOD / sizeof GOOD[0]; i++)
        ck_assert_int_eq(
            wire_field_add(&request, span_of_text(GOOD[i].key), span_of_text(GOOD[i].value)),
            RMQ_OK);
    peer_send(&admin, &request);
}

START_TEST(test_serial_quirk__answer_waits_for_the_registration) {
    struct wire_command answer;
    start(NAMED);
    send_good_17();
    ck_assert(!peer_take(&admin, &answer));
    fake_dial_fail(fake_dialled(env, "10.0.0.1:9876"), RMQ_E_REFUSED); /* round at start */
    ck_assert(!peer_take(&admin, &answer));
    fake_dial_fail(fake_dialled(env, "10.0.0.1:9876"), RMQ_E_REFUSED); /* its own */
    ck_assert(peer_take(&admin, &answer));
    ck_assert_int_eq(answer.opaque, 9);
    ck_assert_int_eq(answer.code, 0);
    ck_assert_int_eq(answer.serialization, WIRE_BINARY);
    stop();
}
END_TEST

START_TEST(test_serial_quirk__asker_may_leave) {
    start(NAMED);
    send_good_17();
    fake_peer_close(admin.conn);
    fake_dial_fail(fake_dialled(env, "10.0.0.1:9876"), RMQ_E_REFUSED);
    fake_dial_fail(fake_dialled(env, "10.0.0.1:9876"), RMQ_E_REFUSED);
    ck_assert_int_eq(topics_version(&broker()->topics).counter, 1);
    stop();
}
END_TEST

START_TEST(test_serial_quirk__broker_may_stop) {
    start(NAMED);
    send_good_17();
    stop();
}
END_TEST

/* ---- the role command ------------------------------------------------------------------------ */

static const char *const BAD_COMMANDS[] = {
    "do=nothing",
    "topic=T",
    "do=create-topic",
    "do=create-topic\ntopic=T\nperm=x",
    "do=create-topic\ntopic=T\nreadQueueNums=-1",
    "do=create-topic\ntopic=T\nwriteQueueNums=9999999999",
};

START_TEST(test_command__refuses_what_it_does_not_understand) {
    start(IDENTITY);
    ck_assert_int_eq(fake_command_text(env, BAD_COMMANDS[_i]), RMQ_E_INVALID);
    ck_assert_uint_eq(fake_event_count(env, EVENT_command_done), 0);
    stop();
}
END_TEST

START_TEST(test_command__tells_the_outcome) {
    struct topic_config topic;
    start(IDENTITY);
    ck_assert_int_eq(fake_command_text(env, "do=create-topic\ntopic=T\n"), RMQ_OK);
    ck_assert_int_eq(fake_event_int(env, EVENT_command_done, "code"), 0);
    ck_assert_span_eq(fake_event_text(env, EVENT_command_done, "target"), "T");
    ck_assert_int_eq(topics_find(&broker()->topics, SPAN_LITERAL("T"), &topic), RMQ_OK);
    ck_assert_int_eq(topic.read_queue_nums, 8);
    ck_assert_int_eq(topic.write_queue_nums, 8);
    ck_assert_int_eq(fake_command_text(env, "do=create-topic\ntopic=a b\n"), RMQ_OK);
    ck_assert_int_eq(fake_event_int(env, EVENT_command_done, "code"), 1);
    ck_assert_span_eq(fake_event_text(env, EVENT_command_done, "detail"), CHARACTERS);
    stop();
}
END_TEST

#define COUNT(array) ((int)(sizeof array / sizeof array[0]))

int main(void) {
    Suite *suite = suite_create("broker_admin");
    TCase *recorded = suite_case(suite, "recorded");
    tcase_set_timeout(recorded, 60);
    tcase_add_test(recorded, test_update_and_create_topic__answers_as_recorded);
    tcase_add_loop_test(recorded, test_request__no_recorded_frame_harms, 0, 2);
    TCase *tests = suite_case(suite, "admin");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, test_update_and_create_topic__refuses, 0, COUNT(REFUSALS));
    tcase_add_test(tests, test_update_and_create_topic__applies_all_fields);
    tcase_add_loop_test(tests, test_update_and_create_topic__order_counts_in_5_3_only, 0, 2);
    tcase_add_loop_test(tests, test_update_and_create_topic__fields_that_may_be_missing, 0, 2);
    tcase_add_loop_test(tests, test_update_and_create_topic__the_same_again, 0, 2);
    tcase_add_loop_test(tests, test_update_and_create_topic__slave_refuses_in_4_9, 0, 2);
    tcase_add_test(tests, test_update_and_create_topic__attributes);
    tcase_add_loop_test(tests, test_request__unknown_codes_are_code_3, 0, 2);
    tcase_add_test(tests, test_serial_quirk__answer_waits_for_the_registration);
    tcase_add_test(tests, test_serial_quirk__asker_may_leave);
    tcase_add_test(tests, test_serial_quirk__broker_may_stop);
    tcase_add_loop_test(tests, test_command__refuses_what_it_does_not_understand, 0,
                        COUNT(BAD_COMMANDS));
    tcase_add_test(tests, test_command__tells_the_outcome);
    return suite_run(suite);
}
