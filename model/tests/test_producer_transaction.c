/* test_producer_transaction.c - transactional sends of our client (client.md 12), against the
 * captured frames of Java's. */
#include "model/client/transaction.h"
#include "model/tests/producer_fixture.h"
#include "model/tests/vectors.h"

static enum transaction_decision answer_with;
static unsigned checks;

static enum transaction_decision on_check(void *ctx, const struct message *message,
                                          uint64_t *number) {
    ck_assert_ptr_eq(ctx, &checks);
    ck_assert_span_eq(message->body, "hello");
    checks++;
    *number = 7;
    return answer_with;
}

static void send_prepared(int32_t delay_level) {
    struct outgoing message = hello();
    message.prepared = true;
    message.delay_level = delay_level;
    memset(&outcome, 0, sizeof outcome);
    producer_send(producer, &message, NULL, SEND_SYNC, &one, on_sent);
    serve_ns();
}

static struct wire_command prepared;

/* The half message is at broker "a" or "b". */
static struct peer *begin(const char *config) {
    checks = 0;
    start(config, "");
    producer_set_checker(producer, on_check, &checks);
    send_prepared(0);
    return peer_of(find_send(&prepared));
}

static void expect_same_keys(const struct wire_command *got, const char *file, int64_t n) {
    struct vector_file *vectors = vectors_load(file);
    const struct vector_row *want = NULL;
    for (size_t i = 0; i < vectors->count && want == NULL; i++)
        want = vectors->rows[i].n == n ? &vectors->rows[i] : NULL;
    ck_assert_ptr_nonnull(want);
    ck_assert_int_eq(want->code, got->code);
    ck_assert_int_eq(want->flag, got->flag);
    size_t i = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, want->ext) {
        ck_assert_uint_lt(i, got->field_count);
        ck_assert_span_eq(got->fields[i++].key, item->string);
    }
    ck_assert_uint_eq(i, got->field_count);
    vectors_free(vectors);
}

START_TEST(test_transaction__is_prepared_and_ended) {
    struct wire_command end;
    bool v5 = _i == 1;
    struct peer *broker = begin(v5 ? "profile=5.3\n" : "");
    struct span properties = wire_field(&prepared, "i");
    ck_assert_span_eq(wire_field(&prepared, "f"), "4");
    ck_assert_span_eq(message_property(properties, SPAN_LITERAL("TRAN_MSG")), "true");
    ck_assert_span_eq(message_property(properties, SPAN_LITERAL("PGROUP")), "g");
    answer_stored(broker, &prepared, 0);
    ck_assert_uint_eq(outcome.calls, 1);
    ck_assert_int_eq(outcome.status, RMQ_OK);
    ck_assert_uint_eq(count(EVENT_transaction_prepared), 1);
    ck_assert_uint_eq(count(EVENT_send_acked), 0);
    ck_assert_span_eq(fake_event_text(env, EVENT_send_failed, "error"), "prepared");
    ck_assert_int_eq(transaction_end(producer, &one, 7, DECIDED_COMMIT, true), RMQ_OK);
    do
        ck_assert(peer_take(broker, &end)); /* 5.3 greets a broker first */
    while (end.code == REQUEST_HEART_BEAT);
    ck_assert_int_eq(end.code, REQUEST_END_TRANSACTION);
    ck_assert_int_eq(end.flag, WIRE_FLAG_ONEWAY);
    ck_assert_span_eq(wire_field(&end, "producerGroup"), "g");
    ck_assert_span_eq(wire_field(&end, "tranStateTableOffset"), "5");
    ck_assert_span_eq(wire_field(&end, "commitLogOffset"), "291");
    ck_assert_span_eq(wire_field(&end, "commitOrRollback"), "8");
    ck_assert_span_eq(wire_field(&end, "fromTransactionCheck"), "false");
    ck_assert_uint_eq(wire_field(&end, "msgId").len, 32);
    expect_same_keys(&end, v5 ? "5.3.3-java533-tran" : "4.9.7-java497-tran", 13);
    stop();
}
END_TEST

START_TEST(test_transaction__that_is_lost_is_not_told) {
    struct wire_command end;
    struct peer *broker = begin("");
    answer_stored(broker, &prepared, 0);
    ck_assert_int_eq(transaction_end(producer, &one, 7, DECIDED_ROLLBACK, false), RMQ_OK);
    ck_assert_uint_eq(fake_event_uint(env, EVENT_transaction_decided, "sent"), 0);
    ck_assert(!peer_take(broker, &end));
    stop();
}
END_TEST

static void ask(struct peer *broker, const char *group, const char *body) {
    struct wire_command request;
    struct buf record;
    char properties[64];
    snprintf(properties, sizeof properties, "PGROUP\001%s\002UNIQ_KEY\001u1", group);
    const struct message message = {.topic = SPAN_LITERAL("T"),
                                    .born_host.ip_len = 4,
                                    .store_host.ip_len = 4,
                                    .body = span_of_text(body),
                                    .properties = span_of_text(properties)};
    buf_init(&record, broker->env);
    ck_assert_int_eq(message_encode(&record, &message), RMQ_OK);
    wire_command_init(&request, REQUEST_CHECK_TRANSACTION_STATE);
    request.flag = WIRE_FLAG_ONEWAY;
    static const char *const FIELDS[][2] = {{"commitLogOffset", "777"},
                                            {"tranStateTableOffset", "9"},
                                            {"msgId", "u1"},
                                            {"transactionId", "u1"},
                                            {"offsetMsgId", "0A00010100002A9F0000000000000309"}};
    for (size_t i = 0; i < sizeof FIELDS / sizeof FIELDS[0]; i++)
        ck_assert_int_eq(
            wire_field_add(&request, span_of_text(FIELDS[i][0]), span_of_text(FIELDS[i][1])),
            RMQ_OK);
    request.body = buf_span(&record);
    peer_send(broker, &request);
    buf_deinit(&record);
}

START_TEST(test_check__is_answered_on_its_connection) {
    static const enum transaction_decision DECISIONS[] = {DECIDED_COMMIT, DECIDED_ROLLBACK,
                                                          DECIDED_UNKNOWN};
    static const char *const TEXTS[] = {"8", "12", "0"};
    struct wire_command end;
    struct peer *broker = begin("");
    answer_stored(broker, &prepared, 0);
    answer_with = DECISIONS[_i];
    ask(broker, "g", "hello");
    ck_assert_uint_eq(checks, 1);
    peer_expect(broker, REQUEST_END_TRANSACTION, &end);
    ck_assert_span_eq(wire_field(&end, "commitOrRollback"), TEXTS[_i]);
    ck_assert_span_eq(wire_field(&end, "tranStateTableOffset"), "9");
    ck_assert_span_eq(wire_field(&end, "commitLogOffset"), "777");
    ck_assert_span_eq(wire_field(&end, "fromTransactionCheck"), "true");
    ck_assert_span_eq(wire_field(&end, "transactionId"), "u1");
    ck_assert_uint_eq(fake_event_uint(env, EVENT_transaction_decided, "from_check"), 1);
    stop();
}
END_TEST

/* Another group, and what cannot be read: nobody answers, and nothing breaks. */
START_TEST(test_check__of_others_is_left_alone) {
    struct wire_command end, request;
    struct peer *broker = begin("");
    answer_stored(broker, &prepared, 0);
    ask(broker, "other", "hello");
    wire_command_init(&request, REQUEST_CHECK_TRANSACTION_STATE);
    request.flag = WIRE_FLAG_ONEWAY;
    request.body = SPAN_LITERAL("nonsense");
    peer_send(broker, &request);
    ck_assert_uint_eq(checks, 0);
    ck_assert(!peer_take(broker, &end));
    ck_assert(fake_log_contains(env, "request 39 cannot be read"));
    stop();
}
END_TEST

START_TEST(test_prepared__needs_a_checker) {
    start("", "");
    send_prepared(0);
    ck_assert_int_eq(outcome.status, RMQ_E_STATE);
    ck_assert_str_eq(outcome.remark, "tranExecutor is null");
    stop();
}
END_TEST

/* client.md 12.1: the delay level is removed. */
START_TEST(test_prepared__has_no_delay) {
    start("", "");
    producer_set_checker(producer, on_check, &checks);
    send_prepared(3);
    ck_assert(find_send(&prepared) != 0);
    ck_assert(span_is_absent(message_property(wire_field(&prepared, "i"), SPAN_LITERAL("DELAY"))));
    stop();
}
END_TEST

START_TEST(test_end__without_a_known_master) {
    struct peer *broker = begin("");
    answer_stored(broker, &prepared, 0);
    memcpy(one.broker, "gone", sizeof "gone");
    ck_assert_int_eq(transaction_end(producer, &one, 7, DECIDED_COMMIT, true), RMQ_E_NOT_FOUND);
    ck_assert_uint_eq(fake_event_uint(env, EVENT_transaction_decided, "sent"), 0);
    stop();
}
END_TEST

int main(void) {
    Suite *suite = suite_create("producer_transaction");
    TCase *tests = suite_case(suite, "transactions");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, test_transaction__is_prepared_and_ended, 0, 2);
    tcase_add_test(tests, test_transaction__that_is_lost_is_not_told);
    tcase_add_loop_test(tests, test_check__is_answered_on_its_connection, 0, 3);
    tcase_add_test(tests, test_check__of_others_is_left_alone);
    tcase_add_test(tests, test_prepared__needs_a_checker);
    tcase_add_test(tests, test_prepared__has_no_delay);
    tcase_add_test(tests, test_end__without_a_known_master);
    return suite_run(suite);
}
