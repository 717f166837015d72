/* test_transaction_restart.c - what a broker knows of transactions over the real store: restarts,
 * clean and unclean, keep it. */
#include "model/tests/broker_fixture.h"
#include "model/tests/suite.h"
#include "model/wire/message.h"

#define ROUNDS "transactionCheckInterval=10000\ntransactionTimeOut=3000\ntransactionCheckMax=3\n"
#define CONFIG                                                                              \
    ROUNDS "topics=T:2:2\nmappedFileSizeCommitLog=65536\nmappedFileSizeConsumeQueue=4000\n" \
           "maxHashSlotNum=100\nmaxIndexNum=400\n"
#define PORT 10911
#define BEAT \
    "{\"clientID\":\"c\",\"consumerDataSet\":[],\"producerDataSet\":[{\"groupName\":\"p\"}]}"

static struct peer client;
static struct wire_command answered;

static void hang_up_client(void) {
    if (client.conn != NULL)
        peer_deinit(&client);
    client.conn = NULL;
}

static void end_test(void) {
    hang_up_client();
    teardown();
}

/* In steps, and a little more, so that the disk keeps up. */
static void pass_ms(uint64_t ms) {
    for (uint64_t i = 0; i < ms + 300; i += 100)
        fake_advance_ms(env, 100);
}

static void add(struct wire_command *request, const char *key, const char *value) {
    ck_assert_int_eq(wire_field_add(request, span_of_text(key), span_of_text(value)), RMQ_OK);
}

static void add_number(struct wire_command *request, const char *key, int64_t value,
                       char text[DECIMAL_BYTES_MAX + 1]) {
    text[format_i64(text, value)] = 0;
    add(request, key, text);
}

/* The answer is in `answered`; requests of the broker on the way are left out. */
static void ask(struct wire_command *request) {
    request->opaque = answered.opaque + 1;
    request->version = WIRE_VERSION_4_9_8;
    peer_send(&client, request);
    for (int i = 0; i < 100; i++) {
        while (peer_take(&client, &answered))
            if ((answered.flag & WIRE_FLAG_RESPONSE) != 0)
                return;
        fake_advance_ms(env, 1);
    }
    ck_abort_msg("no answer to %d", (int)request->code);
}

static void connect_producer(void) {
    struct wire_command request;
    hang_up_client();
    peer_init(&client, fake_accept(env, PORT, "10.0.0.50:4000"));
    wire_command_init(&request, REQUEST_HEART_BEAT);
    request.body = SPAN_LITERAL(BEAT);
    ask(&request);
}

struct prepared {
    int64_t queue_offset, physical;
};

static struct prepared prepare(void) {
    static const char *const FIELDS[][2] = {
        {"a", "p"},      {"b", "T"},
        {"c", "TBW102"}, {"d", "4"},
        {"e", "1"},      {"f", "4"},
        {"h", "0"},      {"i", "TRAN_MSG\001true\002UNIQ_KEY\001u1\002PGROUP\001p"},
    };
    struct wire_command request;
    char born[DECIMAL_BYTES_MAX + 1];
    struct message_host host;
    struct prepared out;
    wire_command_init(&request, REQUEST_SEND_MESSAGE_V2);
    for (size_t i = 0; i < sizeof FIELDS / sizeof FIELDS[0]; i++)
        add(&request, FIELDS[i][0], FIELDS[i][1]);
    add_number(&request, "g", env_wall_ms(env), born);
    request.body = SPAN_LITERAL("hello");
    ask(&request);
    ck_assert_int_eq(answered.code, RESPONSE_SUCCESS);
    ck_assert_int_eq(span_to_i64(wire_field(&answered, "queueOffset"), &out.queue_offset), RMQ_OK);
    ck_assert_int_eq(message_id_parse(wire_field(&answered, "msgId"), &host, &out.physical),
                     RMQ_OK);
    return out;
}

static void end_as(struct prepared half, const char *state) {
    struct wire_command request;
    char offset[DECIMAL_BYTES_MAX + 1], physical[DECIMAL_BYTES_MAX + 1];
    wire_command_init(&request, REQUEST_END_TRANSACTION);
    add(&request, "producerGroup", "p");
    add(&request, "commitOrRollback", state);
    add(&request, "msgId", "u1");
    add_number(&request, "tranStateTableOffset", half.queue_offset, offset);
    add_number(&request, "commitLogOffset", half.physical, physical);
    ask(&request);
    ck_assert_int_eq(answered.code, RESPONSE_SUCCESS);
}

static const struct broker *node(void) {
    return fake_node(env);
}
static int64_t visible(void) {
    return store_max_offset(node()->store, SPAN_LITERAL("T"), 1);
}
static int64_t halves(void) {
    return store_max_offset(node()->store, HALF_TOPIC, 0);
}
static int64_t settled(struct span topic) {
    return offsets_find(&node()->offsets, HALF_GROUP, topic, 0);
}
static bool is_armed(void) {
    return env_timer_armed(&node()->check.timer);
}

/* One committed, one rolled back, one open. */
static struct prepared three(void) {
    start(CONFIG);
    connect_producer();
    end_as(prepare(), "8");
    end_as(prepare(), "12");
    return prepare();
}

static void die(void) {
    fake_crash_at(env, 1);
    for (int i = 0; i < 1000 && !fake_crashed(env); i++)
        fake_advance_ms(env, 100);
    ck_assert(fake_crashed(env));
    fake_crash_at(env, 0);
}

static void again(bool clean) {
    hang_up_client();
    if (clean)
        stop();
    else
        die();
    start(CONFIG);
    ck_assert_span_eq(fake_event_text(env, EVENT_store_recovered, "stop"),
                      clean ? "clean" : "unclean");
    connect_producer();
}

/* The new process asks for the open one alone, the producer commits what it was asked for. */
START_TEST(test_restart__keeps_open_transactions) {
    struct wire_command asked;
    struct prepared copy = {0, 0};
    three();
    again(_i == 0);
    ck_assert_int_eq(halves(), 3);
    ck_assert_int_eq(visible(), 1);
    ck_assert(is_armed());
    pass_ms(10000);
    ck_assert_int_eq(halves(), 4);
    ck_assert(peer_take(&client, &asked));
    ck_assert_int_eq(asked.code, REQUEST_CHECK_TRANSACTION_STATE);
    ck_assert_int_eq(span_to_i64(wire_field(&asked, "tranStateTableOffset"), &copy.queue_offset),
                     RMQ_OK);
    ck_assert_int_eq(span_to_i64(wire_field(&asked, "commitLogOffset"), &copy.physical), RMQ_OK);
    ck_assert_int_eq(copy.queue_offset, 3);
    end_as(copy, "8");
    pass_ms(10000);
    ck_assert_int_eq(halves(), 4);
    ck_assert_int_eq(visible(), 2);
    ck_assert_int_eq(settled(HALF_TOPIC), 4);
    ck_assert_int_eq(settled(HALF_OP_TOPIC), 3);
    ck_assert(!is_armed());
    hang_up_client();
    stop();
}
END_TEST

/* An old place ends it in a new process, too. */
START_TEST(test_restart__an_old_place_is_good) {
    struct prepared open = three();
    again(_i == 0);
    end_as(open, "8");
    pass_ms(10000);
    ck_assert_int_eq(halves(), 3);
    ck_assert_int_eq(visible(), 2);
    ck_assert(!is_armed());
    hang_up_client();
    stop();
}
END_TEST

/* Offsets that were saved are where the next process begins; how often it was asked for is in the
 * message. */
START_TEST(test_restart__keeps_the_count_of_checks) {
    three();
    pass_ms(26000); /* two checks, and the offsets are saved */
    ck_assert_int_eq(halves(), 5);
    again(_i == 0);
    ck_assert_int_eq(settled(HALF_TOPIC), 4);
    pass_ms(20000); /* the third, then it is given up */
    ck_assert_int_eq(halves(), 6);
    ck_assert_int_eq(store_max_offset(node()->store, SPAN_LITERAL("TRANS_CHECK_MAX_TIME_TOPIC"), 0),
                     1);
    ck_assert_int_eq(settled(HALF_TOPIC), 6);
    ck_assert(!is_armed());
    hang_up_client();
    stop();
}
END_TEST

/* Nothing to ask for: no timer. */
START_TEST(test_restart__without_open_transactions_is_idle) {
    start(CONFIG);
    ck_assert(!is_armed());
    connect_producer();
    end_as(prepare(), "8");
    pass_ms(10000);
    ck_assert(!is_armed());
    again(true);
    ck_assert(!is_armed());
    hang_up_client();
    stop();
}
END_TEST

int main(void) {
    Suite *suite = suite_create("transaction_restart");
    TCase *tests = suite_case(suite, "restart");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, end_test);
    tcase_add_loop_test(tests, test_restart__keeps_open_transactions, 0, 2);
    tcase_add_loop_test(tests, test_restart__an_old_place_is_good, 0, 2);
    tcase_add_loop_test(tests, test_restart__keeps_the_count_of_checks, 0, 2);
    tcase_add_test(tests, test_restart__without_open_transactions_is_idle);
    return suite_run(suite);
}
