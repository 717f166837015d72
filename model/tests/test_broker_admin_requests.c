/* test_broker_admin_requests.c - administrators' requests: what is answered, what it changes, and
 * what a client that is asked in between may do. `client` is the consumer, `other` the
 * administrator. */
#include <stdio.h>

#include "model/tests/message_fixture.h"

#define V5 "profile=5.3\n"
#define BEAT                                                                                     \
    "{\"clientID\":\"c1\",\"consumerDataSet\":[{\"consumeFromWhere\":\"CONSUME_FROM_FIRST_"      \
    "OFFSET\","                                                                                  \
    "\"consumeType\":\"CONSUME_PASSIVELY\",\"groupName\":\"g\",\"messageModel\":\"CLUSTERING\"," \
    "\"subscriptionDataSet\":[{\"subString\":\"A || B\",\"subVersion\":7,\"topic\":\"T\"}]}],"   \
    "\"producerDataSet\":[{\"groupName\":\"p\"}]}"

static void begin(const char *config) {
    start(config);
    connect_client(&other, "10.0.0.60:5000");
}

static struct field none;

/* The administrator asks; the answer may come later. */
static void request(int32_t code, struct field a, struct field b, struct field c,
                    const char *body) {
    const struct field fields[] = {a, b, c};
    send_request(&other, code, fields, 3, NULL, 0, body == NULL ? SPAN_NONE : span_of_text(body));
}

static void ask(int32_t code, struct field a, struct field b, struct field c, const char *body) {
    request(code, a, b, c, body);
    fake_settle(env); /* 215 waits for files */
    take_answer(&other);
}

static void expect_ok(const char *body) {
    if (answered.code != 0)
        ck_abort_msg("code %d: %.*s", (int)answered.code, (int)answered.remark.len,
                     (const char *)answered.remark.data);
    ck_assert_span_eq(answered.body, body);
}

static void expect_refused(int32_t code, const char *remark) {
    ck_assert_int_eq(answered.code, code);
    expect_remark_begins(remark);
}

static bool body_has(const char *what) {
    size_t len = strlen(what);
    for (size_t i = 0; i + len <= answered.body.len; i++) {
        if (memcmp(answered.body.data + i, what, len) == 0)
            return true;
    }
    return false;
}

static void beat(void) {
    struct wire_command notice;
    send_request(&client, REQUEST_HEART_BEAT, NULL, 0, NULL, 0, SPAN_LITERAL(BEAT));
    do
        ck_assert(peer_take(&client, &notice));
    while (notice.code == REQUEST_NOTIFY_CONSUMER_IDS_CHANGED &&
           (notice.flag & WIRE_FLAG_RESPONSE) == 0);
    ck_assert_int_eq(notice.code, 0);
}

static void commit(const char *group, const char *queue_id, const char *offset) {
    const struct field fields[] = {
        {"consumerGroup", group}, {"topic", "T"}, {"queueId", queue_id}, {"commitOffset", offset}};
    send_request(&other, REQUEST_UPDATE_CONSUMER_OFFSET, fields, 4, NULL, 0, SPAN_NONE);
    take_answer(&other);
    ck_assert_int_eq(answered.code, 0);
}

static int64_t offset_of(const char *group, int32_t queue_id) {
    return offsets_find(&broker()->offsets, span_of_text(group), SPAN_LITERAL("T"), queue_id);
}

/* ---- clients --------------------------------------------------------------------------------- */

START_TEST(test_connections) {
    begin(TOPICS);
    ask(203, WITH("consumerGroup", "g"), none, none, NULL);
    expect_refused(206, "the consumer group[g] not online");
    ask(204, WITH("producerGroup", "p"), none, none, NULL);
    expect_refused(1, "the producer group[p] not exist");
    ask(203, none, none, none, NULL);
    expect_refused(1, "header field consumerGroup is missing");
    beat();
    ask(203, WITH("consumerGroup", "g"), none, none, NULL);
    expect_ok("{\"connectionSet\":[{\"clientAddr\":\"10.0.0.50:4000\",\"clientId\":\"c1\","
              "\"language\":\"JAVA\",\"version\":409}],\"consumeFromWhere\":"
              "\"CONSUME_FROM_FIRST_OFFSET\",\"consumeType\":\"CONSUME_PASSIVELY\","
              "\"messageModel\":\"CLUSTERING\",\"subscriptionTable\":{\"T\":{\"classFilterMode\":"
              "false,\"codeSet\":[65,66],\"expressionType\":\"TAG\",\"subString\":\"A || B\","
              "\"subVersion\":7,\"tagsSet\":[\"A\",\"B\"],\"topic\":\"T\"}}}");
    ask(204, WITH("producerGroup", "p"), none, none, NULL);
    expect_ok("{\"connectionSet\":[{\"clientAddr\":\"10.0.0.50:4000\",\"clientId\":\"c1\","
              "\"language\":\"JAVA\",\"version\":409}]}");
    fake_advance_ms(env, 1500);
    ask(328, none, none, none, NULL);
    ck_assert(body_has("{\"data\":{\"p\":[{\"clientId\":\"c1\",\"language\":\"JAVA\","
                       "\"lastUpdateTimestamp\":"));
    ck_assert(body_has(",\"remoteIP\":\"/10.0.0.50:4000\",\"version\":409}]}}"));
    ask(345, WITH("group", "g"), WITH("topic", "T"), none, NULL);
    ck_assert(body_has("{\"group\":\"g\",\"subscriptionData\":{\"classFilterMode\":false,"));
    ask(345, WITH("group", "g"), WITH("topic", "X"), none, NULL);
    expect_ok("{\"group\":\"g\",\"topic\":\"X\"}");
    ask(343, WITH("group", "g"), none, none, NULL);
    ck_assert(body_has("\"topicList\":[]}"));
    commit("g", "1", "0");
    commit("g", "2", "0");
    ask(343, WITH("group", "g"), none, none, NULL);
    ck_assert(body_has("\"topicList\":[\"T\"]}"));
}
END_TEST

/* ---- relays ---------------------------------------------------------------------------------- */

#define RUNNING \
    307, WITH("consumerGroup", "g"), WITH("clientId", "c1"), WITH("jstackEnable", "true"), NULL

static void take_relayed(int32_t code, struct wire_command *relayed) {
    peer_expect(&client, code, relayed);
    ck_assert_int_eq(relayed->flag & WIRE_FLAG_ONEWAY, 0);
}

START_TEST(test_running_info) {
    struct wire_command relayed, answer;
    begin(TOPICS);
    ask(RUNNING);
    expect_refused(1, "The Consumer <g> <c1> not online");
    beat();
    request(RUNNING);
    int32_t opaque = last_opaque;
    expect_no_answer(&other);
    take_relayed(307, &relayed);
    ck_assert_span_eq(wire_field(&relayed, "jstackEnable"), "true");
    ck_assert_span_eq(wire_field(&relayed, "clientId"), "c1");
    wire_command_init(&answer, 0);
    answer.remark = SPAN_LITERAL("not set any response code");
    answer.body = SPAN_LITERAL("{\"x\":1}");
    peer_answer(&client, &relayed, &answer);
    take_answer(&other);
    ck_assert_int_eq(answered.opaque, opaque);
    expect_ok("{\"x\":1}");
    ck_assert_span_eq(answered.remark, "not set any response code");
    /* another id of the group */
    ask(307, WITH("consumerGroup", "g"), WITH("clientId", "c2"), none, NULL);
    expect_refused(1, "The Consumer <g> <c2> not online");
}
END_TEST

START_TEST(test_running_info__client_is_silent_gone_or_refuses) {
    struct wire_command relayed, answer;
    begin(TOPICS);
    beat();
    request(RUNNING);
    take_relayed(307, &relayed);
    fake_advance_ms(env, 9999);
    expect_no_answer(&other);
    fake_advance_ms(env, 1);
    take_answer(&other);
    expect_refused(207, "consumer <g> <c1> Timeout: ");
    wire_command_init(&answer, 0);
    peer_answer(&client, &relayed, &answer); /* too late: nobody hears it */
    expect_no_answer(&other);
    ck_assert(fake_is_open(client.conn));
    request(RUNNING);
    take_relayed(307, &relayed);
    wire_command_init(&answer, 1);
    answer.remark = SPAN_LITERAL("The Consumer Group <g> not exist in this consumer");
    peer_answer(&client, &relayed, &answer);
    take_answer(&other);
    expect_refused(1, "The Consumer Group <g> not exist");
    request(RUNNING);
    fake_peer_close(client.conn);
    take_answer(&other);
    expect_refused(1, "invoke consumer <g> <c1> Exception: ");
}
END_TEST

/* Who asked is gone, or the broker stops: nothing is left behind. */
START_TEST(test_running_info__nobody_waits) {
    struct wire_command relayed, answer;
    begin(TOPICS);
    beat();
    request(RUNNING);
    take_relayed(307, &relayed);
    if (_i == 0) {
        fake_peer_close(other.conn);
        wire_command_init(&answer, 0);
        peer_answer(&client, &relayed, &answer);
        ck_assert(list_is_empty(&broker()->admin_tasks));
    }
}
END_TEST

START_TEST(test_consume_directly) {
    struct wire_command relayed, answer;
    struct message message;
    char id[64];
    begin(_i == 0 ? TOPICS : TOPICS V5);
    ck_assert_int_eq(send_one(), 0);
    struct span stored = wire_field(&answered, "msgId");
    snprintf(id, sizeof id, "%.*s", (int)stored.len, (const char *)stored.data);
    beat();
    request(309, WITH("consumerGroup", "g"), WITH("clientId", "c1"), WITH("msgId", id), NULL);
    take_relayed(309, &relayed);
    ck_assert_span_eq(wire_field(&relayed, "msgId"), id);
    ck_assert_span_eq(wire_field(&relayed, "brokerName"), "DEFAULT_BROKER");
    ck_assert_int_eq(span_is_absent(wire_field(&relayed, "groupSysFlag")), _i == 0);
    ck_assert_int_eq(message_decode(relayed.body, true, &message), MESSAGE_OK);
    ck_assert_span_eq(message.body, "hello");
    wire_command_init(&answer, 0);
    answer.body = SPAN_LITERAL("{\"consumeResult\":\"CR_SUCCESS\"}");
    peer_answer(&client, &relayed, &answer);
    take_answer(&other);
    expect_ok("{\"consumeResult\":\"CR_SUCCESS\"}");
    ask(309, WITH("consumerGroup", "g"), WITH("clientId", "c1"), WITH("msgId", "nonsense"), NULL);
    expect_refused(1, "msgId [nonsense]: expected");
    ask(309, WITH("consumerGroup", "g"), WITH("clientId", "c1"),
        WITH("msgId", "0A0000010000000000000000000F4240"), NULL);
    expect_refused(1, "can not find message by the offset, 1000000");
    ask(309, WITH("consumerGroup", "g"), WITH("clientId", "c9"), WITH("msgId", id), NULL);
    expect_refused(1, "The Consumer <g> <c9> not online");
}
END_TEST

/* ---- 223 ------------------------------------------------------------------------------------- */

#define STATUS                                                                          \
    "{\"consumerTable\":{},\"messageQueueTable\":{{\"brokerName\":\"b\",\"queueId\":1," \
    "\"topic\":\"T\"}:5}}"

START_TEST(test_consumer_status) {
    struct wire_command asked, answer;
    begin(TOPICS);
    ask(223, WITH("topic", "T"), WITH("group", "g"), none, NULL);
    expect_refused(1, "No Any Consumer online in the consumer group: [g]");
    beat();
    ask(223, WITH("topic", "T"), WITH("group", "g"), WITH("clientAddr", "c9"), NULL);
    expect_ok("{\"consumerTable\":{},\"messageQueueTable\":{}}");
    ck_assert_span_eq(answered.remark, "not set any response code");
    request(223, WITH("topic", "T"), WITH("group", "g"), none, NULL);
    peer_expect(&client, 221, &asked);
    ck_assert_span_eq(wire_field(&asked, "topic"), "T");
    ck_assert_span_eq(wire_field(&asked, "group"), "g");
    wire_command_init(&answer, 0);
    answer.body = SPAN_LITERAL(STATUS);
    peer_answer(&client, &asked, &answer);
    take_answer(&other);
    expect_ok(
        "{\"consumerTable\":{\"c1\":{{\"brokerName\":\"b\",\"queueId\":1,\"topic\":\"T\"}:5}},"
        "\"messageQueueTable\":{}}");
    /* nonsense, and silence, are left out */
    request(223, WITH("topic", "T"), WITH("group", "g"), none, NULL);
    peer_expect(&client, 221, &asked);
    answer.body = SPAN_LITERAL("{\"messageQueueTable\":{5");
    peer_answer(&client, &asked, &answer);
    take_answer(&other);
    expect_ok("{\"consumerTable\":{},\"messageQueueTable\":{}}");
    request(223, WITH("topic", "T"), WITH("group", "g"), none, NULL);
    fake_advance_ms(env, 4999);
    expect_no_answer(&other);
    fake_advance_ms(env, 1);
    take_answer(&other);
    expect_ok("{\"consumerTable\":{},\"messageQueueTable\":{}}");
}
END_TEST

/* ---- 222 ------------------------------------------------------------------------------------- */

static void request_reset(const char *topic, const char *group, const char *time, const char *force,
                          enum wire_language language) {
    struct wire_command command;
    const struct field fields[] = {
        {"topic", topic}, {"group", group}, {"timestamp", time}, {"isForce", force}};
    wire_command_init(&command, 222);
    command.opaque = ++last_opaque;
    command.language = language;
    add_fields(&command, fields, 4, NULL, 0);
    peer_send(&other, &command);
}

static void ask_reset(const char *topic, const char *group, const char *time, const char *force) {
    request_reset(topic, group, time, force, WIRE_LANGUAGE_JAVA);
    take_answer(&other);
}

#define QUEUE(id) "{\"brokerName\":\"DEFAULT_BROKER\",\"queueId\":" #id ",\"topic\":\"T\"}"

START_TEST(test_reset__by_clients) {
    struct wire_command told;
    begin("topics=T:2:2\n");
    ask_reset("X", "g", "-1", "true");
    expect_refused(1, "[reset-offset] reset offset failed, no topic in this broker. topic=X");
    ask_reset("T", "g", "-1", "true");
    expect_refused(1, "THe consumer group <g> not exist");
    ck_assert_int_eq(send_with(WITH("e", "0"), NO_FIELD), 0);
    ck_assert_int_eq(send_with(WITH("e", "0"), NO_FIELD), 0);
    commit("g", "0", "1");
    commit("g", "1", "0");
    ask_reset("T", "g", "-1", "true");
    expect_refused(206, "Consumer not online, so can not reset offset, Group: g Topic: T "
                        "Timestamp: -1");
    beat();
    for (int cpp = 0; cpp < 2; cpp++) {
        request_reset("T", "g", "-1", "true", cpp ? WIRE_LANGUAGE_CPP : WIRE_LANGUAGE_JAVA);
        take_answer(&other);
        ck_assert_int_eq(answered.code, 0);
        ck_assert_span_eq(answered.remark, "not set any response code");
        ck_assert(body_has(QUEUE(0) ":2"));
        ck_assert(body_has(QUEUE(1) ":0"));
        peer_expect(&client, 220, &told);
        ck_assert_int_eq(told.flag & WIRE_FLAG_ONEWAY, WIRE_FLAG_ONEWAY);
        ck_assert_span_eq(wire_field(&told, "isForce"), "false");
        ck_assert_span_eq(wire_field(&told, "timestamp"), "-1");
        if (cpp == 0)
            ck_assert(span_starts_with(told.body, SPAN_LITERAL("{\"offsetTable\":{{")));
        else
            ck_assert(span_starts_with(
                told.body, SPAN_LITERAL("{\"offsetTable\":[{\"brokerName\":\"DEFAULT_BROKER\","
                                        "\"offset\":")));
    }
    ck_assert_int_eq(offset_of("g", 0), 1); /* the clients commit */
    ask_reset("T", "g", "-1", "false");     /* only back, unless forced */
    ck_assert(body_has(QUEUE(0) ":1"));
    ask_reset("T", "g", "0", "false");
    ck_assert(body_has(QUEUE(0) ":0"));
}
END_TEST

static void ask_5_3(const char *queue_id, const char *offset) {
    const struct field fields[] = {{"topic", "T"},      {"group", "g"},        {"timestamp", "0"},
                                   {"isForce", "true"}, {"queueId", queue_id}, {"offset", offset}};
    send_request(&other, 222, fields, 6, NULL, 0, SPAN_NONE);
    take_answer(&other);
}

START_TEST(test_reset__by_the_broker) {
    begin("topics=T:2:2\n" V5);
    ask_reset("X", "g", "-1", "true");
    expect_refused(17, "Topic X does not exist");
    ask_reset("T", "g", "-1", "true");
    expect_refused(26, "Group g does not exist");
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(send_with(WITH("e", "1"), NO_FIELD), 0);
    beat();
    ask_reset("T", "g", "-1", "true");
    ck_assert_int_eq(answered.code, 0);
    ck_assert(body_has(QUEUE(1) ":3"));
    ck_assert_int_eq(offset_of("g", 1), 3);
    ask_5_3("1", "4");
    expect_refused(1, "Target offset 4 not in consume queue range [0-3]");
    ask_5_3("1", "2");
    expect_ok("{\"offsetTable\":{" QUEUE(1) ":2}}");
    /* what the group commits is ignored until its pull was sent there, once */
    commit("g", "1", "1");
    expect_remark_begins("Offset has been previously reset");
    ck_assert_int_eq(offset_of("g", 1), 2);
    ck_assert_int_eq(pull_with(WITH("queueOffset", "0"), WITH("sysFlag", "5")),
                     RESPONSE_PULL_OFFSET_MOVED);
    expect_remark_begins("OFFSET_RESET");
    ck_assert_int_eq(number_of("nextBeginOffset"), 2);
    ck_assert_int_eq(offset_of("g", 1), 2);
    ck_assert_int_eq(pull_with(WITH("queueOffset", "2"), NO_FIELD), 0);
    commit("g", "1", "1");
    ck_assert_int_eq(offset_of("g", 1), 1);
}
END_TEST

/* ---- 308, 314 -------------------------------------------------------------------------------- */

START_TEST(test_offsets_among_groups) {
    begin("topics=T:2:2\n");
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(send_with(WITH("e", "0"), NO_FIELD), 0);
    commit("g", "0", "3");
    commit("h", "0", "5");
    ask(308, WITH("topic", "T"), WITH("compareGroup", "h"), none, NULL);
    expect_ok("{\"correctionOffsets\":{0:3}}");
    ask(308, WITH("topic", "T"), WITH("compareGroup", "g"), WITH("filterGroups", "x,g"), NULL);
    expect_ok("{\"correctionOffsets\":{0:9223372036854775807}}");
    ck_assert_int_eq(offset_of("g", 0), 3); /* it is still there */
    ask(314, WITH("srcGroup", "g"), WITH("destGroup", "k"), none, NULL);
    expect_ok("");
    ck_assert_int_eq(offset_of("k", 0), 3);
    ask(314, WITH("srcGroup", "g"), WITH("destGroup", "../k"), WITH("topic", "T"), NULL);
    expect_refused(1, "destGroup [../k]");
}
END_TEST

/* ---- groups ---------------------------------------------------------------------------------- */

START_TEST(test_groups) {
    begin(_i == 0 ? TOPICS : TOPICS V5);
    ask(352, WITH("group", "g"), none, none, NULL);
    expect_refused(26, "No group in this broker");
    ask(200, none, none, none,
        "{\"groupName\":\"g\",\"retryMaxTimes\":3,\"groupRetryPolicy\":{\"type\":\"EXPONENTIAL\"}"
        "}");
    expect_ok("");
    const struct group *group = groups_find(&broker()->groups, SPAN_LITERAL("g"));
    ck_assert(group != NULL && group->retry_max == 3 && group->consume_broadcast_enable);
    ck_assert_span_eq(group->retry_policy, "{\"type\":\"EXPONENTIAL\"}");
    ask(352, WITH("group", "g"), none, none, NULL);
    ck_assert(body_has("\"groupRetryPolicy\":{\"type\":\"EXPONENTIAL\"},"));
    ask(201, none, none, none, NULL);
    ck_assert(body_has("\"g\":{"));
    ck_assert(body_has("\"groupRetryPolicy\":{\"type\":\"EXPONENTIAL\"},"));
    /* the whole configuration is replaced */
    ask(200, none, none, none, "{\"groupName\":\"g\",\"consumeEnable\":false}");
    group = groups_find(&broker()->groups, SPAN_LITERAL("g"));
    ck_assert(group->retry_max == 16 && !group->consume_enable);
    ck_assert(span_is_absent(group->retry_policy));
    /* 225 changes nothing when one of its groups is refused */
    ask(225, none, none, none,
        "{\"groupConfigList\":[{\"groupName\":\"h\"},{\"groupName\":\"../h\"}]}");
    expect_refused(1, "groupName [../h] contains illegal characters");
    ck_assert_ptr_null(groups_find(&broker()->groups, SPAN_LITERAL("h")));
    ask(225, none, none, none,
        "{\"groupConfigList\":[{\"groupName\":\"h\"},{\"groupName\":\"i\"}]}");
    expect_ok("");
    ck_assert_ptr_nonnull(groups_find(&broker()->groups, SPAN_LITERAL("i")));
    commit("g", "0", "0");
    ask(207, WITH("groupName", "g"), WITH("removeOffset", "false"), none, NULL);
    expect_ok("");
    ck_assert_ptr_null(groups_find(&broker()->groups, SPAN_LITERAL("g")));
    ck_assert_int_eq(offset_of("g", 0), 0);
    ask(207, WITH("groupName", "g"), WITH(_i == 0 ? "removeOffset" : "cleanOffset", "true"), none,
        NULL);
    expect_ok("");
    ck_assert_int_eq(offset_of("g", 0), -1);
}
END_TEST

static const struct {
    const char *body, *remark;
} BAD_GROUPS[] = {
    {"", "the body: malformed input: expected a value at byte 0"},
    {"{\"retryMaxTimes\":3}", "the body: malformed input: expected a groupName in the group"},
    {"{\"groupName\":\"a b\"}", "groupName [a b] contains illegal characters"},
    {"{\"groupName\":\"a\",\"retryQueueNums\":-1}", "group a: expected retryQueueNums >= 0"},
    {"{\"groupName\":\"a\",\"retryQueueNums\":\"x\"}",
     "the body: malformed input: expected a 32-bit integer at byte 34"},
    {"{\"groupName\":\"a\",\"attributes\":{\"+x\":\"y\"}}", "group a: unsupported key"},
};

START_TEST(test_groups__bad_bodies) {
    begin(TOPICS V5);
    ask(200, none, none, none, BAD_GROUPS[_i].body);
    expect_refused(1, BAD_GROUPS[_i].remark);
    ck_assert_ptr_null(groups_find(&broker()->groups, SPAN_LITERAL("a")));
}
END_TEST

/* ---- topics ---------------------------------------------------------------------------------- */

START_TEST(test_topics) {
    struct topic_config topic;
    begin(TOPICS);
    ask(351, WITH("topic", "T"), none, none, NULL);
    expect_ok("{\"attributes\":{},\"order\":false,\"perm\":6,\"readQueueNums\":4,"
              "\"topicFilterType\":\"SINGLE_TAG\",\"topicName\":\"T\",\"topicSysFlag\":0,"
              "\"writeQueueNums\":4}");
    ask(351, WITH("topic", "X"), none, none, NULL);
    expect_refused(17, "No topic in this broker. topic: X");
    ask(18, none, none, none,
        "{\"topicConfigList\":[{\"topicName\":\"A\"},{\"topicName\":\"A/../B\"}]}");
    expect_refused(1, "The specified topic contains illegal characters");
    ck_assert_int_ne(topics_find(&broker()->topics, SPAN_LITERAL("A"), &topic), RMQ_OK);
    ask(18, none, none, none,
        "{\"topicConfigList\":[{\"topicName\":\"A\",\"readQueueNums\":3},{\"topicName\":\"B\"}]}");
    expect_ok("");
    ck_assert_int_eq(topics_find(&broker()->topics, SPAN_LITERAL("A"), &topic), RMQ_OK);
    ck_assert_int_eq(topic.read_queue_nums, 3);
    ask(18, none, none, none, "{\"topicConfigList\":[{\"topicName\":\"A\",\"perm\":99}]}");
    expect_refused(1, "topic A: expected 0 to 65536 queues and a perm of 0 to 15");
    ask(21, none, none, none, NULL);
    ck_assert(body_has("\"A\":{\"order\":false,\"perm\":6,\"readQueueNums\":3,"));
    ask(45, none, none, none, NULL);
    expect_ok("{\"offsetTable\":{}}");
    ask(305, none, none, none, NULL);
    ck_assert(body_has("\"TBW102\""));
    ask(323, none, none, none, NULL);
    expect_refused(3, "request 323 waits for transactions");
}
END_TEST

START_TEST(test_delete_topic) {
    struct topic_config topic;
    begin(_i == 0 ? TOPICS : TOPICS V5);
    beat();
    int64_t counter = topics_version(&broker()->topics).counter;
    ck_assert_int_eq(send_with(WITH("e", "1"), NO_FIELD), 0);
    commit("g", "1", "1");
    fake_store.delete_status = RMQ_E_NO_SPACE; /* all is as it was */
    ask(215, WITH("topic", "T"), none, none, NULL);
    fake_store.delete_status = RMQ_OK;
    expect_refused(1, "nothing is deleted: ");
    ck_assert_int_eq(topics_find(&broker()->topics, SPAN_LITERAL("T"), &topic), RMQ_OK);
    ck_assert_int_eq(topics_version(&broker()->topics).counter, counter);
    ask(215, WITH("topic", "T"), none, none, NULL);
    expect_ok("");
    ck_assert_int_ne(topics_find(&broker()->topics, SPAN_LITERAL("T"), &topic), RMQ_OK);
    ck_assert_int_eq(topics_version(&broker()->topics).counter, counter + 1);
    ck_assert_int_eq(offset_of("g", 1), -1);
    ck_assert_int_eq(store_max_offset(broker()->store, SPAN_LITERAL("T"), 1), 0);
    ck_assert_uint_eq(fake_event_count(env, EVENT_broker_topic_deleted), 1);
    ask(215, WITH("topic", "T"), none, none, NULL); /* it is gone already */
    expect_ok("");
    ck_assert_uint_eq(fake_event_count(env, EVENT_broker_topic_deleted), 1);
    int32_t code = _i == 0 ? RESPONSE_SYSTEM_ERROR : RESPONSE_INVALID_PARAMETER;
    ask(215, WITH("topic", "TBW102"), none, none, NULL);
    expect_refused(code, "The topic[TBW102] is conflict with system topic.");
    ask(215, WITH("topic", "../R"), none, none, NULL);
    expect_refused(code, "The specified topic contains illegal characters");
    ask(215, none, none, none, NULL);
    expect_refused(1, "header field topic is missing");
    ask(316, none, none, none, NULL);
    expect_ok("");
    ask(306, none, none, none, NULL);
    expect_ok("");
    ask(329, none, none, none, NULL);
    expect_ok("");
    ck_assert_uint_eq(fake_store.deletes, 1);
}
END_TEST

/* The answer promises that topics.json and consumerOffset.json are durable, or says that not. */
START_TEST(test_delete_topic__durable) {
    struct wire_command early;
    begin(TOPICS);
    beat();
    commit("g", "1", "1");
    fake_hold_files(env, true);
    request(215, WITH("topic", "T"), none, none, NULL);
    fake_settle(env);
    ck_assert(!peer_take(&other, &early));
    ck_assert_uint_eq(fake_event_count(env, EVENT_broker_topic_deleted), 1);
    ck_assert_uint_eq(fake_event_count(env, EVENT_broker_topic_gone), 0);
    fake_hold_files(env, false);
    fake_settle(env);
    take_answer(&other);
    expect_ok("");
    ck_assert_uint_eq(fake_event_count(env, EVENT_broker_topic_gone), 1);
    size_t saved = fake_event_count(env, EVENT_config_saved);
    ck_assert_uint_ge(saved, 2);
    unsigned refused = 0;
    for (unsigned n = 1; n <= 4; n++) { /* some of them are topics.json's */
        ck_assert_int_eq(send_with(WITH("e", "1"), NO_FIELD), 0); /* creates it again */
        fake_advance_ms(env, 10);
        fake_fail_at(env, FAKE_FAIL_FILE_RENAME, n);
        ask(215, WITH("topic", "T"), none, none, NULL);
        fake_fail_at(env, FAKE_FAIL_FILE_RENAME, 0);
        if (answered.code != 0) {
            expect_refused(1, "deleted, but topics.json is not saved yet: ");
            refused++;
        }
        ask(215, WITH("topic", "T"), none, none, NULL); /* it is tried again */
        expect_ok("");
    }
    ck_assert_uint_gt(refused, 0);
}
END_TEST

START_TEST(test_slave_refuses) {
    static const int32_t CODES[] = {18, 200, 207, 215, 225};
    begin("brokerId=1\n");
    for (size_t i = 0; i < sizeof CODES / sizeof CODES[0]; i++) {
        ask(CODES[i], WITH("topic", "T"), WITH("groupName", "g"), none, "{\"groupName\":\"g\"}");
        expect_refused(1, "Can't modify topic or subscription group from slave broker");
    }
}
END_TEST

/* ---- locks ----------------------------------------------------------------------------------- */

#define LOCK(id) \
    "{\"clientId\":\"" id "\",\"consumerGroup\":\"g\",\"mqSet\":[" QUEUE(0) "," QUEUE(1) "]}"
#define LOCKED "{\"lockOKMQSet\":[" QUEUE(0) "," QUEUE(1) "]}"

START_TEST(test_locks) {
    begin(TOPICS);
    ask(41, none, none, none, LOCK("c1"));
    expect_ok(LOCKED);
    ask(41, none, none, none, LOCK("c2"));
    expect_ok("{\"lockOKMQSet\":[]}");
    ask(42, none, none, none, LOCK("c2")); /* not its own */
    expect_ok("");
    fake_advance_ms(env, 40000);
    ask(41, none, none, none, LOCK("c1")); /* renewed */
    expect_ok(LOCKED);
    fake_advance_ms(env, 60000);
    ask(41, none, none, none, LOCK("c2"));
    expect_ok("{\"lockOKMQSet\":[]}");
    fake_advance_ms(env, 1);
    ask(41, none, none, none, LOCK("c2")); /* expired */
    expect_ok(LOCKED);
    ask(41, none, none, none, LOCK("c1"));
    expect_ok("{\"lockOKMQSet\":[]}");
    ask(42, none, none, none, LOCK("c2"));
    expect_ok("");
    ck_assert_uint_eq(broker()->locks.count, 0);
    ask(41, none, none, none, LOCK("c1"));
    expect_ok(LOCKED);
    ask(41, none, none, none, "{\"clientId\":\"c3\",\"mqSet\":[]}");
    expect_refused(1, "the body: a required member is missing: expected a clientId and a "
                      "consumerGroup");
    ask(41, none, none, none, NULL);
    expect_refused(1, "the body: malformed input: expected a value at byte 0");
}
END_TEST

/* ---- memory ---------------------------------------------------------------------------------- */

static const struct {
    int32_t code;
    struct field a, b, c;
    const char *body;
} REQUESTS[] = {
    {203, {"consumerGroup", "g"}, {NULL, NULL}, {NULL, NULL}, NULL},
    {204, {"producerGroup", "p"}, {NULL, NULL}, {NULL, NULL}, NULL},
    {328, {NULL, NULL}, {NULL, NULL}, {NULL, NULL}, NULL},
    {343, {"group", "g"}, {NULL, NULL}, {NULL, NULL}, NULL},
    {345, {"group", "g"}, {"topic", "T"}, {NULL, NULL}, NULL},
    {21, {NULL, NULL}, {NULL, NULL}, {NULL, NULL}, NULL},
    {45, {NULL, NULL}, {NULL, NULL}, {NULL, NULL}, NULL},
    {201, {NULL, NULL}, {NULL, NULL}, {NULL, NULL}, NULL},
    {305, {NULL, NULL}, {NULL, NULL}, {NULL, NULL}, NULL},
    {351, {"topic", "T"}, {NULL, NULL}, {NULL, NULL}, NULL},
    {352, {"group", "g"}, {NULL, NULL}, {NULL, NULL}, NULL},
    {200,
     {NULL, NULL},
     {NULL, NULL},
     {NULL, NULL},
     "{\"groupName\":\"n\",\"subscriptionDataSet\":[{\"topic\":\"T\"}]}"},
    {225,
     {NULL, NULL},
     {NULL, NULL},
     {NULL, NULL},
     "{\"groupConfigList\":[{\"groupName\":\"n\"}]}"},
    {18, {NULL, NULL}, {NULL, NULL}, {NULL, NULL}, "{\"topicConfigList\":[{\"topicName\":\"N\"}]}"},
    {207, {"groupName", "g"}, {"removeOffset", "true"}, {NULL, NULL}, NULL},
    {215, {"topic", "T"}, {NULL, NULL}, {NULL, NULL}, NULL},
    {308, {"topic", "T"}, {"compareGroup", "g"}, {NULL, NULL}, NULL},
    {314, {"srcGroup", "g"}, {"destGroup", "k"}, {NULL, NULL}, NULL},
    {41, {NULL, NULL}, {NULL, NULL}, {NULL, NULL}, LOCK("c1")},
    {42, {NULL, NULL}, {NULL, NULL}, {NULL, NULL}, LOCK("c1")},
    {307, {"consumerGroup", "g"}, {"clientId", "c1"}, {NULL, NULL}, NULL},
    {223, {"topic", "T"}, {"group", "g"}, {NULL, NULL}, NULL},
};

/* Whatever allocation fails: an answer, a closed connection, or one to come later; then all of the
 * broker ends well. */
START_TEST(test_no_memory) {
    bool failed = true;
    for (unsigned n = 1; failed; n++) {
        struct wire_command frame;
        setup();
        begin(_i % 2 == 0 ? TOPICS : TOPICS V5);
        beat();
        commit("g", "1", "0");
        fake_fail_at(env, FAKE_FAIL_ALLOC, n);
        request(REQUESTS[_i].code, REQUESTS[_i].a, REQUESTS[_i].b, REQUESTS[_i].c,
                REQUESTS[_i].body);
        failed = fake_failed(env, FAKE_FAIL_ALLOC);
        fake_fail_at(env, FAKE_FAIL_ALLOC, 0);
        fake_advance_ms(env, 10000);
        bool any = !fake_is_open(other.conn) || peer_take(&other, &frame);
        ck_assert(any || failed);
        teardown();
        memset(&client, 0, sizeof client);
        memset(&other, 0, sizeof other);
        ck_assert_uint_lt(n, 200);
    }
    setup();
}
END_TEST

int main(void) {
    Suite *suite = suite_create("broker_admin_requests");
    TCase *tests = suite_case(suite, "requests");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, test_connections);
    tcase_add_test(tests, test_running_info);
    tcase_add_test(tests, test_running_info__client_is_silent_gone_or_refuses);
    tcase_add_loop_test(tests, test_running_info__nobody_waits, 0, 2);
    tcase_add_loop_test(tests, test_consume_directly, 0, 2);
    tcase_add_test(tests, test_consumer_status);
    tcase_add_test(tests, test_reset__by_clients);
    tcase_add_test(tests, test_reset__by_the_broker);
    tcase_add_test(tests, test_offsets_among_groups);
    tcase_add_loop_test(tests, test_groups, 0, 2);
    tcase_add_loop_test(tests, test_groups__bad_bodies, 0,
                        sizeof BAD_GROUPS / sizeof BAD_GROUPS[0]);
    tcase_add_test(tests, test_topics);
    tcase_add_loop_test(tests, test_delete_topic, 0, 2);
    tcase_add_test(tests, test_delete_topic__durable);
    tcase_add_test(tests, test_slave_refuses);
    tcase_add_test(tests, test_locks);
    TCase *memory = suite_case(suite, "memory");
    tcase_set_timeout(memory, 60);
    tcase_add_loop_test(memory, test_no_memory, 0, sizeof REQUESTS / sizeof REQUESTS[0]);
    return suite_run(suite);
}
