/* test_broker_transaction.c - prepared sends, 37, 39, 323 and the check's rounds, over the fake
 * store. */
#include <stdio.h>

#include "model/broker/check_ops.h"
#include "model/tests/message_fixture.h"

#define ROUNDS "transactionCheckInterval=10000\ntransactionTimeOut=3000\ntransactionCheckMax=2\n"
#define V5 "profile=5.3\n"
#define HALF_PROPERTIES \
    "KEYS\001k1\002TRAN_MSG\001true\002UNIQ_KEY\001u1\002PGROUP\001p\002TAGS\001A"
#define BEAT \
    "{\"clientID\":\"c\",\"consumerDataSet\":[],\"producerDataSet\":[{\"groupName\":\"p\"}]}"

static struct message record_at(size_t index) {
    struct message message;
    ck_assert_uint_lt(index, fake_store.store->count);
    const struct fake_record *record = &fake_store.store->records[index];
    ck_assert_int_eq(message_decode(span_of(record->bytes, record->len), true, &message),
                     MESSAGE_OK);
    return message;
}

static void ck_assert_property(const struct message *message, const char *name, const char *value) {
    struct span found = message_property(message->properties, span_of_text(name));
    ck_assert(span_is_absent(found) == (value == NULL));
    if (value != NULL)
        ck_assert_span_eq(found, value);
}

/* A half message that is born now. */
static void prepare(const char *properties) {
    char born[24] = {0};
    format_i64(born, env_wall_ms(env));
    const struct field changes[] = {{"g", born}, {"i", properties}, {"f", "4"}};
    send_request(&client, REQUEST_SEND_MESSAGE_V2, FIELDS(SEND), changes, 3, SPAN_LITERAL("hello"));
    take_answer(&client);
    ck_assert_int_eq(answered.code, RESPONSE_SUCCESS);
}

static const struct field END[] = {
    {"producerGroup", "p"},    {"commitLogOffset", "0"},          {"tranStateTableOffset", "0"},
    {"commitOrRollback", "8"}, {"fromTransactionCheck", "false"}, {"msgId", "u1"},
};

static void send_end(struct field a, struct field b) {
    const struct field changes[] = {a, b};
    send_request(&client, REQUEST_END_TRANSACTION, FIELDS(END), changes,
                 a.key == NULL   ? 0U
                 : b.key == NULL ? 1U
                                 : 2U,
                 SPAN_NONE);
}

static int32_t end_with(struct field a, struct field b) {
    send_end(a, b);
    take_answer(&client);
    return answered.code;
}

static void beat(void) {
    send_request(&client, REQUEST_HEART_BEAT, NULL, 0, NULL, 0, SPAN_LITERAL(BEAT));
    take_answer(&client);
    ck_assert_int_eq(answered.code, RESPONSE_SUCCESS);
}

static int64_t half_offset(void) {
    return offsets_find(&broker()->offsets, HALF_GROUP, HALF_TOPIC, 0);
}
static int64_t op_offset(void) {
    return offsets_find(&broker()->offsets, HALF_GROUP, HALF_OP_TOPIC, 0);
}

static size_t copies(void) {
    size_t count = 0;
    for (size_t i = 0; i < fake_store.store->count; i++)
        count += strcmp(fake_store.store->records[i].topic, "RMQ_SYS_TRANS_HALF_TOPIC") == 0;
    return count;
}

/* ---- what is stored -------------------------------------------------------------------------- */

START_TEST(test_prepared__waits_in_the_half_topic) {
    start(_i == 0 ? TOPICS : TOPICS V5);
    prepare(HALF_PROPERTIES);
    ck_assert_int_eq(number_of("queueId"), 1); /* as it was asked for */
    ck_assert_int_eq(number_of("queueOffset"), 0);
    ck_assert_uint_eq(fake_store.store->count, 1);
    struct message half = record_at(0);
    ck_assert_span_eq(half.topic, "RMQ_SYS_TRANS_HALF_TOPIC");
    ck_assert_int_eq(half.queue_id, 0);
    ck_assert_int_eq(half.sys_flag, 0);
    ck_assert_property(&half, "REAL_TOPIC", "T");
    ck_assert_property(&half, "REAL_QID", "1");
    ck_assert_property(&half, "PGROUP", "p");
    struct topic_config topic;
    ck_assert_int_eq(topics_find(&broker()->topics, HALF_TOPIC, &topic), RMQ_OK);
    ck_assert_int_eq(topic.read_queue_nums, 1);
    ck_assert_uint_eq(fake_event_count(env, EVENT_transaction_stored), 1);
}
END_TEST

/* store.md 21.2, 21.3 */
START_TEST(test_commit__stores_message_and_op) {
    start(TOPICS);
    prepare(HALF_PROPERTIES);
    struct message half = record_at(0);
    ck_assert_int_eq(end_with(NO_FIELD, NO_FIELD), RESPONSE_SUCCESS);
    ck_assert_uint_eq(fake_store.store->count, 3);
    struct message real = record_at(1), op = record_at(2);
    ck_assert_span_eq(real.topic, "T");
    ck_assert_int_eq(real.queue_id, 1);
    ck_assert_int_eq(real.sys_flag, MESSAGE_SYS_COMMIT);
    ck_assert_int_eq(real.prepared_transaction_offset, half.physical_offset);
    ck_assert_int_eq(real.flag, 7);
    ck_assert_int_eq(real.born_ms, half.born_ms);
    ck_assert_span_eq(real.body, "hello");
    ck_assert(span_equal(real.properties, half.properties));
    ck_assert_span_eq(op.topic, "RMQ_SYS_TRANS_OP_HALF_TOPIC");
    ck_assert_int_eq(op.queue_id, 0);
    ck_assert_int_eq(op.sys_flag, 0);
    ck_assert_span_eq(op.body, "0");
    ck_assert_span_eq(op.properties, "TAGS\001d\002WAIT\001true");
    ck_assert_int_eq(op.born_host.port, 10911);
    ck_assert_uint_eq(fake_event_uint(env, EVENT_transaction_ended, "state"), 8);
}
END_TEST

START_TEST(test_commit__of_a_delayed_message_is_delayed) {
    start(TOPICS);
    prepare(HALF_PROPERTIES "\002DELAY\0013");
    ck_assert_span_eq(record_at(0).topic, "RMQ_SYS_TRANS_HALF_TOPIC");
    ck_assert_int_eq(end_with(NO_FIELD, NO_FIELD), RESPONSE_SUCCESS);
    struct message real = record_at(1);
    ck_assert_span_eq(real.topic, "SCHEDULE_TOPIC_XXXX");
    ck_assert_int_eq(real.queue_id, 2);
    ck_assert_property(&real, "REAL_TOPIC", "T");
    ck_assert_property(&real, "REAL_QID", "1");
}
END_TEST

START_TEST(test_rollback__stores_the_op_alone) {
    start(TOPICS);
    prepare(HALF_PROPERTIES);
    ck_assert_int_eq(end_with(WITH("commitOrRollback", "12"), NO_FIELD), RESPONSE_SUCCESS);
    ck_assert_uint_eq(fake_store.store->count, 2);
    ck_assert_span_eq(record_at(1).topic, "RMQ_SYS_TRANS_OP_HALF_TOPIC");
}
END_TEST

START_TEST(test_unknown__changes_nothing) {
    start(TOPICS);
    prepare(HALF_PROPERTIES);
    send_end(WITH("commitOrRollback", "0"), NO_FIELD);
    expect_no_answer(&client);
    ck_assert_uint_eq(fake_store.store->count, 1);
}
END_TEST

static const struct {
    const char *key, *value;
    int32_t code;
    const char *remark;
} REFUSED[] = {
    {"producerGroup", "q", 1, "The producer group wrong"},
    {"tranStateTableOffset", "1", 1, "The transaction state table offset wrong"},
    {"commitLogOffset", "12345", 1, "Find prepared transaction message failed"},
    {"commitOrRollback", "5", 1, "commitOrRollback field wrong"},
    {"commitLogOffset", NULL, 1, "header field commitLogOffset"},
};

START_TEST(test_end__refuses) {
    start(TOPICS);
    prepare(HALF_PROPERTIES);
    ck_assert_int_eq(end_with(WITH(REFUSED[_i].key, REFUSED[_i].value), NO_FIELD),
                     REFUSED[_i].code);
    expect_remark_begins(REFUSED[_i].remark);
    ck_assert_uint_eq(fake_store.store->count, 1);
}
END_TEST

/* What has been committed is no half message, whatever its properties say. */
START_TEST(test_end__takes_half_messages_only) {
    char physical[24] = {0};
    start(TOPICS);
    prepare(HALF_PROPERTIES);
    ck_assert_int_eq(end_with(NO_FIELD, NO_FIELD), RESPONSE_SUCCESS);
    format_i64(physical, record_at(1).physical_offset);
    ck_assert_int_eq(end_with(WITH("commitLogOffset", physical), NO_FIELD), RESPONSE_SYSTEM_ERROR);
    ck_assert_span_eq(answered.remark, "Find prepared transaction message failed");
    ck_assert_uint_eq(fake_store.store->count, 3);
}
END_TEST

START_TEST(test_end__slaves_end_nothing) {
    start(TOPICS "brokerId=1\n");
    ck_assert_int_eq(end_with(NO_FIELD, NO_FIELD), RESPONSE_SLAVE_NOT_AVAILABLE);
}
END_TEST

START_TEST(test_end__says_why_nothing_was_stored) {
    start(TOPICS);
    prepare(HALF_PROPERTIES);
    fake_store.put_status = PUT_SERVICE_NOT_AVAILABLE;
    ck_assert_int_eq(end_with(NO_FIELD, NO_FIELD), RESPONSE_SERVICE_NOT_AVAILABLE);
    ck_assert_int_eq(end_with(WITH("commitOrRollback", "12"), NO_FIELD),
                     RESPONSE_SERVICE_NOT_AVAILABLE);
    fake_store.put_status = PUT_OK;
    ck_assert_int_eq(end_with(NO_FIELD, NO_FIELD), RESPONSE_SUCCESS);
}
END_TEST

/* 5.3: the sender has its immunity time, the check has any. */
START_TEST(test_end__after_its_immunity_only_the_check_ends_it) {
    start(TOPICS V5);
    prepare(HALF_PROPERTIES "\002CHECK_IMMUNITY_TIME_IN_SECONDS\0012");
    fake_advance_ms(env, 2001);
    ck_assert_int_eq(end_with(NO_FIELD, NO_FIELD), RESPONSE_ILLEGAL_OPERATION);
    ck_assert_int_eq(end_with(WITH("fromTransactionCheck", "true"), NO_FIELD), RESPONSE_SUCCESS);
}
END_TEST

/* ---- checks ---------------------------------------------------------------------------------- */

/* As the captured ones (4.9.7-java497-tran row 28, 5.3.3-java533-tran row 28). */
START_TEST(test_check__asks_the_producer) {
    struct wire_command asked;
    struct message body;
    bool v5 = _i == 1;
    start(v5 ? TOPICS ROUNDS V5 "brokerName=b\n" : TOPICS ROUNDS);
    beat();
    prepare(HALF_PROPERTIES);
    fake_advance_ms(env, 10000);
    ck_assert_uint_eq(copies(), 2);
    struct message copy = record_at(1);
    ck_assert_property(&copy, "TRANSACTION_CHECK_TIMES", "1");
    ck_assert_int_eq(copy.flag, 7);
    peer_expect(&client, REQUEST_CHECK_TRANSACTION_STATE, &asked);
    ck_assert_int_eq(asked.flag, WIRE_FLAG_ONEWAY);
    ck_assert_uint_eq(asked.field_count, v5 ? 7 : 5);
    ck_assert_span_eq(wire_field(&asked, "tranStateTableOffset"), "1");
    ck_assert_span_eq(wire_field(&asked, "msgId"), "u1");
    ck_assert_span_eq(wire_field(&asked, "transactionId"), "u1");
    if (v5) {
        ck_assert_span_eq(wire_field(&asked, "bname"), "b");
        ck_assert_span_eq(wire_field(&asked, "topic"), "RMQ_SYS_TRANS_HALF_TOPIC");
    }
    ck_assert_int_eq(message_decode(asked.body, true, &body), MESSAGE_OK);
    ck_assert_span_eq(body.topic, "T");
    ck_assert_int_eq(body.queue_id, 1);
    ck_assert_int_eq(body.queue_offset, 1);
    ck_assert_int_eq(body.physical_offset, copy.physical_offset);
    ck_assert_span_eq(body.body, "hello");
    ck_assert_int_eq(half_offset(), 1);
}
END_TEST

/* What ends is not asked for; both offsets follow, and then no timer runs. */
START_TEST(test_check__passes_what_has_ended) {
    start(TOPICS ROUNDS);
    beat();
    ck_assert(!env_timer_armed(&broker()->check.timer));
    prepare(HALF_PROPERTIES);
    ck_assert(env_timer_armed(&broker()->check.timer));
    ck_assert_int_eq(end_with(NO_FIELD, NO_FIELD), RESPONSE_SUCCESS);
    fake_advance_ms(env, 10000);
    ck_assert_uint_eq(copies(), 1);
    expect_no_answer(&client);
    ck_assert_int_eq(half_offset(), 1);
    ck_assert_int_eq(op_offset(), 1);
    ck_assert(!env_timer_armed(&broker()->check.timer));
}
END_TEST

START_TEST(test_check__waits_for_its_age) {
    start(TOPICS ROUNDS);
    fake_advance_ms(env, 8000);
    prepare(HALF_PROPERTIES);
    fake_advance_ms(env, 2000);
    ck_assert_uint_eq(copies(), 1);
    fake_advance_ms(env, 9999);
    ck_assert_uint_eq(copies(), 1);
    fake_advance_ms(env, 1);
    ck_assert_uint_eq(copies(), 2);
    ck_assert_uint_eq(fake_event_uint(env, EVENT_transaction_checked, "told"),
                      0); /* nobody there */
}
END_TEST

/* After two checks it goes to the discard topic, unchanged; a 323 brings it back. */
START_TEST(test_check__gives_up) {
    start(TOPICS ROUNDS);
    prepare(HALF_PROPERTIES);
    fake_advance_ms(env, 30000);
    ck_assert_uint_eq(copies(), 3);
    struct message last = record_at(2), dead = record_at(3);
    ck_assert_property(&last, "TRANSACTION_CHECK_TIMES", "2");
    ck_assert_span_eq(dead.topic, "TRANS_CHECK_MAX_TIME_TOPIC");
    ck_assert_int_eq(dead.queue_id, 0);
    ck_assert(span_equal(dead.properties, last.properties));
    ck_assert_span_eq(fake_event_text(env, EVENT_transaction_discarded, "reason"), "checks");
    ck_assert_uint_eq(fake_event_uint(env, EVENT_transaction_discarded, "times"), 2);
    ck_assert_int_eq(half_offset(), 3);
    ck_assert(!env_timer_armed(&broker()->check.timer));
    struct topic_config topic;
    ck_assert_int_eq(topics_find(&broker()->topics, dead.topic, &topic), RMQ_OK);

    char id[MESSAGE_ID_MAX + 1] = {0};
    message_id_format(&dead.store_host, dead.physical_offset, id);
    const struct field fields[] = {{"msgId", id}};
    send_request(&client, REQUEST_RESUME_CHECK_HALF_MESSAGE, fields, 1, NULL, 0, SPAN_NONE);
    take_answer(&client);
    ck_assert_int_eq(answered.code, RESPONSE_SUCCESS);
    struct message again = record_at(4);
    ck_assert_span_eq(again.topic, "RMQ_SYS_TRANS_HALF_TOPIC");
    ck_assert_property(&again, "TRANSACTION_CHECK_TIMES", "0");
    fake_advance_ms(env, 10000);
    ck_assert_uint_eq(copies(), 5);
}
END_TEST

START_TEST(test_resume__refuses) {
    static const char *const IDS[] = {"x", "0A00000900002A9F0000000000000000",
                                      "0A00000900002A9F0000000000000777"};
    start(TOPICS);
    ck_assert_int_eq(send_one(), RESPONSE_SUCCESS); /* no half message, at 0 */
    const struct field fields[] = {{"msgId", IDS[_i]}};
    send_request(&client, REQUEST_RESUME_CHECK_HALF_MESSAGE, fields, 1, NULL, 0, SPAN_NONE);
    take_answer(&client);
    ck_assert_int_eq(answered.code, RESPONSE_SYSTEM_ERROR);
    expect_remark_begins(_i == 0 ? "msgId: expected" : "no half message has this msgId");
    ck_assert_uint_eq(fake_store.store->count, 1);
}
END_TEST

/* An older copy may still be ended; the newer one is asked for again (store.md 21.4). */
START_TEST(test_check__older_copies_end_too) {
    start(TOPICS ROUNDS);
    prepare(HALF_PROPERTIES);
    fake_advance_ms(env, 10000);
    ck_assert_int_eq(end_with(NO_FIELD, NO_FIELD), RESPONSE_SUCCESS);
    fake_advance_ms(env, 10000);
    ck_assert_uint_eq(copies(), 3);
}
END_TEST

/* Younger than its own immunity: written again with its first place, and passed once that ends. */
START_TEST(test_check__immunity) {
    start(TOPICS ROUNDS);
    beat();
    prepare(HALF_PROPERTIES "\002CHECK_IMMUNITY_TIME_IN_SECONDS\00125");
    fake_advance_ms(env, 10000);
    ck_assert_uint_eq(copies(), 2);
    struct message copy = record_at(1);
    ck_assert_property(&copy, "TRAN_PREPARED_QUEUE_OFFSET", "0");
    ck_assert_property(&copy, "TRANSACTION_CHECK_TIMES", NULL);
    expect_no_answer(&client);
    if (_i == 0) { /* nobody ends it */
        fake_advance_ms(env, 20000);
        ck_assert_uint_eq(copies(), 4);
        struct message asked = record_at(3);
        ck_assert_property(&asked, "TRAN_PREPARED_QUEUE_OFFSET", "0");
        ck_assert_property(&asked, "TRANSACTION_CHECK_TIMES", "1");
        return;
    }
    ck_assert_int_eq(end_with(NO_FIELD, NO_FIELD), RESPONSE_SUCCESS);
    fake_advance_ms(env, 20000);
    ck_assert_uint_eq(copies(), 2);
    ck_assert_int_eq(half_offset(), 2);
}
END_TEST

/* INC-84: what cannot be written again does not stop what is behind it; Apache's way does. */
START_TEST(test_check__one_that_is_too_large) {
    bool quirk = _i == 1;
    static char full[32768];
    const char begin[] = HALF_PROPERTIES "\002padding\001";
    const size_t added = sizeof "\002CLUSTER\001DefaultCluster" - 1 +
                         sizeof "\002REAL_TOPIC\001T\002REAL_QID\0011" - 1;
    start(quirk ? TOPICS ROUNDS "quirk.checkStuck=true\n" : TOPICS ROUNDS);
    memcpy(full, begin, sizeof begin - 1);
    memset(full + sizeof begin - 1, 'x', 32767 - added - (sizeof begin - 1));
    prepare(full);
    ck_assert_uint_eq(record_at(0).properties.len, 32767);
    prepare(HALF_PROPERTIES);
    fake_advance_ms(env, 10000);
    ck_assert_uint_eq(copies(), quirk ? 2 : 4);
    ck_assert_int_eq(half_offset(), quirk ? 0 : 2);
    if (!quirk)
        ck_assert_uint_eq(record_at(2).properties.len, 32767);
    fake_advance_ms(env, 10000);
    ck_assert_uint_eq(copies(), quirk ? 2 : 6);
}
END_TEST

START_TEST(test_check__goes_on_where_a_put_failed) {
    start(TOPICS ROUNDS);
    prepare(HALF_PROPERTIES);
    ck_assert_int_eq(end_with(NO_FIELD, NO_FIELD), RESPONSE_SUCCESS);
    prepare(HALF_PROPERTIES);
    fake_store.put_status = PUT_SERVICE_NOT_AVAILABLE;
    fake_advance_ms(env, 10000);
    ck_assert_uint_eq(copies(), 2);
    ck_assert_int_eq(half_offset(), 1);
    ck_assert_int_eq(op_offset(), 1);
    fake_store.put_status = PUT_OK;
    fake_advance_ms(env, 10000);
    ck_assert_uint_eq(copies(), 3);
}
END_TEST

/* fileReservedTime (72 h) also ends it, whatever the count. */
START_TEST(test_check__gives_up_what_is_too_old) {
    start(TOPICS ROUNDS);
    prepare(HALF_PROPERTIES);
    broker()->reserved_hours = 1;
    fake_set_wall_ms(env, env_wall_ms(env) + 3600001);
    fake_advance_ms(env, 10000);
    ck_assert_uint_eq(copies(), 1);
    ck_assert_span_eq(record_at(1).topic, "TRANS_CHECK_MAX_TIME_TOPIC");
    ck_assert_span_eq(fake_event_text(env, EVENT_transaction_discarded, "reason"), "age");
}
END_TEST

/* Many at once: no recursion, one round. */
START_TEST(test_check__many) {
    start(TOPICS ROUNDS);
    for (int i = 0; i < 500; i++)
        prepare(HALF_PROPERTIES);
    for (int i = 0; i < 500; i += 2) {
        char offset[24] = {0}, physical[24] = {0};
        format_i64(offset, i);
        format_i64(physical, fake_store.store->records[i].physical);
        ck_assert_int_eq(
            end_with(WITH("tranStateTableOffset", offset), WITH("commitLogOffset", physical)), 0);
    }
    fake_advance_ms(env, 10000);
    ck_assert_uint_eq(copies(), 750);
    ck_assert_int_eq(half_offset(), 500);
    ck_assert_int_eq(op_offset(), 250);
}
END_TEST

/* ---- op messages ----------------------------------------------------------------------------- */

static void put_op(struct buf *out, const char *body, const char *tag) {
    char properties[32];
    snprintf(properties, sizeof properties, "TAGS\001%s", tag);
    const struct message op = {.topic = HALF_OP_TOPIC,
                               .born_host.ip_len = 4,
                               .store_host.ip_len = 4,
                               .body = span_of_text(body),
                               .properties = span_of_text(properties)};
    ck_assert_int_eq(message_encode(out, &op), RMQ_OK);
}

/* Bodies of both releases; what is nonsense is left out. */
START_TEST(test_ops__bodies) {
    struct check_ops ops;
    struct buf first, second;
    buf_init(&first, env);
    buf_init(&second, env);
    check_ops_init(&ops, env);
    check_ops_begin(&ops, 10, 3);
    put_op(&first, "12", "d");
    put_op(&first, "14,15,", "d");
    put_op(&first, "16", "x");
    put_op(&first, "9223372036854775807,abc,-1,", "d");
    put_op(&second, "10", "d");
    put_op(&second, "9", "d");
    ck_assert_int_eq(check_ops_take(&ops, 3, buf_span(&first)), RMQ_OK);
    ck_assert_int_eq(check_ops_take(&ops, 7, buf_span(&second)), RMQ_OK);
    for (int64_t half = 5; half < 40; half++)
        ck_assert_int_eq(check_ops_done(&ops, half),
                         half == 9 || half == 10 || half == 12 || half == 14 || half == 15);
    check_ops_begin(&ops, 10, 3);
    ck_assert(!check_ops_done(&ops, 10));
    buf_clear(&first);
    put_op(&first, "12", "d");
    ck_assert_int_eq(check_ops_take(&ops, 3, buf_span(&first)), RMQ_OK);
    ck_assert_int_eq(check_ops_take(&ops, 4, buf_span(&second)), RMQ_OK);
    ck_assert_int_eq(check_ops_next(&ops, 12, 6), 3);
    ck_assert_int_eq(check_ops_next(&ops, 13, 6), 6);
    check_ops_deinit(&ops);
    buf_deinit(&first);
    buf_deinit(&second);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("broker_transaction");
    TCase *ends = suite_case(suite, "ends");
    tcase_add_checked_fixture(ends, setup, teardown);
    tcase_add_loop_test(ends, test_prepared__waits_in_the_half_topic, 0, 2);
    tcase_add_test(ends, test_commit__stores_message_and_op);
    tcase_add_test(ends, test_commit__of_a_delayed_message_is_delayed);
    tcase_add_test(ends, test_rollback__stores_the_op_alone);
    tcase_add_test(ends, test_unknown__changes_nothing);
    tcase_add_loop_test(ends, test_end__refuses, 0, sizeof REFUSED / sizeof REFUSED[0]);
    tcase_add_test(ends, test_end__takes_half_messages_only);
    tcase_add_test(ends, test_end__slaves_end_nothing);
    tcase_add_test(ends, test_end__says_why_nothing_was_stored);
    tcase_add_test(ends, test_end__after_its_immunity_only_the_check_ends_it);
    TCase *checks = suite_case(suite, "checks");
    tcase_add_checked_fixture(checks, setup, teardown);
    tcase_add_loop_test(checks, test_check__asks_the_producer, 0, 2);
    tcase_add_test(checks, test_check__passes_what_has_ended);
    tcase_add_test(checks, test_check__waits_for_its_age);
    tcase_add_test(checks, test_check__gives_up);
    tcase_add_loop_test(checks, test_resume__refuses, 0, 3);
    tcase_add_test(checks, test_check__older_copies_end_too);
    tcase_add_loop_test(checks, test_check__immunity, 0, 2);
    tcase_add_loop_test(checks, test_check__one_that_is_too_large, 0, 2);
    tcase_add_test(checks, test_check__goes_on_where_a_put_failed);
    tcase_add_test(checks, test_check__gives_up_what_is_too_old);
    tcase_add_test(checks, test_check__many);
    tcase_add_test(checks, test_ops__bodies);
    return suite_run(suite);
}
