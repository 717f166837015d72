/* test_broker_store.c - a broker over the real store: messages survive restarts, crashes and what
 * fails on the way; starts that cannot be, stops that come early. */
#include "model/tests/broker_fixture.h"
#include "model/tests/suite.h"
#include "model/wire/message.h"

#define CONFIG                                                                       \
    "topics=T:2:2\nmappedFileSizeCommitLog=65536\nmappedFileSizeConsumeQueue=4000\n" \
    "maxHashSlotNum=100\nmaxIndexNum=400\n"
#define PORT 10911

static struct peer client;
static struct wire_command answered;

static void connect_client(void) {
    if (client.conn != NULL)
        peer_deinit(&client);
    client.conn = NULL;
    struct env_conn *conn = fake_accept(env, PORT, "10.0.0.50:4000");
    if (conn != NULL)
        peer_init(&client, conn);
}

static void begin(const char *config) {
    start(config);
    connect_client();
}

static void hang_up_client(void) {
    if (client.conn != NULL)
        peer_deinit(&client);
    client.conn = NULL;
}

static void store_teardown(void) {
    hang_up_client();
    teardown();
}

static void add(struct wire_command *request, const char *key, const char *value) {
    ck_assert_int_eq(wire_field_add(request, span_of_text(key), span_of_text(value)), RMQ_OK);
}

/* Whether an answer came within 10 s; it is in `answered`. */
static bool ask(struct wire_command *request) {
    request->opaque++;
    request->version = WIRE_VERSION_4_9_8;
    if (client.conn == NULL || !fake_is_open(client.conn))
        return false;
    peer_send(&client, request);
    for (int i = 0; i < 100 && fake_node(env) != NULL; i++) {
        if (peer_take(&client, &answered))
            return true;
        fake_advance_ms(env, i < 10 ? 1 : 100);
    }
    return false;
}

static bool send_message(const char *body) {
    static const char *const FIELDS[][2] = {
        {"a", "p"},
        {"b", "T"},
        {"c", "TBW102"},
        {"d", "4"},
        {"e", "1"},
        {"f", "0"},
        {"g", "1700000000000"},
        {"h", "0"},
        {"i", "KEYS\001k1\002TAGS\001A"},
    };
    struct wire_command request;
    wire_command_init(&request, REQUEST_SEND_MESSAGE_V2);
    for (size_t i = 0; i < sizeof FIELDS / sizeof FIELDS[0]; i++)
        add(&request, FIELDS[i][0], FIELDS[i][1]);
    request.body = span_of_text(body);
    return ask(&request) && answered.code == RESPONSE_SUCCESS;
}

static int32_t pull(const char *offset) {
    static const char *const FIELDS[][2] = {
        {"consumerGroup", "g"}, {"topic", "T"},      {"queueId", "1"},
        {"maxMsgNums", "32"},   {"sysFlag", "4"},    {"commitOffset", "0"},
        {"subscription", "A"},  {"subVersion", "0"}, {"suspendTimeoutMillis", "0"},
    };
    struct wire_command request;
    wire_command_init(&request, REQUEST_PULL_MESSAGE);
    for (size_t i = 0; i < sizeof FIELDS / sizeof FIELDS[0]; i++)
        add(&request, FIELDS[i][0], FIELDS[i][1]);
    add(&request, "queueOffset", offset);
    return ask(&request) ? answered.code : -1;
}

static size_t pulled_count(void) {
    size_t count = 0;
    struct message message;
    for (struct span rest = answered.body; rest.len > 0; count++) {
        ck_assert_int_eq(message_decode(rest, true, &message), MESSAGE_OK);
        ck_assert_int_eq(message.queue_offset, (int64_t)count);
        rest = span_from(rest, message.size);
    }
    return count;
}

START_TEST(test_broker__stores_and_serves_messages) {
    begin(_i == 0 ? CONFIG : CONFIG "flushDiskType=SYNC_FLUSH\n");
    for (int i = 0; i < 20; i++)
        ck_assert(send_message("hello"));
    ck_assert_int_eq(pull("0"), RESPONSE_SUCCESS);
    ck_assert_uint_eq(pulled_count(), 20);
    stop();
    begin(CONFIG);
    ck_assert_span_eq(fake_event_text(env, EVENT_store_recovered, "stop"), "clean");
    ck_assert_int_eq(pull("0"), RESPONSE_SUCCESS);
    ck_assert_uint_eq(pulled_count(), 20);
    ck_assert(send_message("again"));
    ck_assert_int_eq(pull("20"), RESPONSE_SUCCESS);
    stop();
}
END_TEST

START_TEST(test_broker__queries_go_through_the_index) {
    struct wire_command request;
    begin(CONFIG);
    ck_assert(send_message("hello"));
    fake_advance_ms(env, 100);
    wire_command_init(&request, REQUEST_QUERY_MESSAGE);
    add(&request, "topic", "T");
    add(&request, "key", "k1");
    add(&request, "maxNum", "32");
    add(&request, "beginTimestamp", "0");
    add(&request, "endTimestamp", "9999999999999");
    ck_assert(ask(&request));
    ck_assert_int_eq(answered.code, RESPONSE_SUCCESS);
    ck_assert_uint_eq(pulled_count(), 1);
    stop();
}
END_TEST

/* What a message or an administrator created is there after a restart, under its data version. */
START_TEST(test_broker__topics_survive) {
    struct topic_config topic;
    start(CONFIG);
    ck_assert_int_eq(fake_command_text(env, "do=create-topic\ntopic=New\nreadQueueNums=3\n"),
                     RMQ_OK);
    fake_advance_ms(env, 100);
    stop();
    start(CONFIG);
    const struct broker *broker = fake_node(env);
    ck_assert_int_eq(topics_find(&broker->topics, SPAN_LITERAL("New"), &topic), RMQ_OK);
    ck_assert_int_eq(topic.read_queue_nums, 3);
    ck_assert_int_eq(topics_find(&broker->topics, SPAN_LITERAL("T"), &topic), RMQ_OK);
    ck_assert_int_eq(topics_version(&broker->topics).counter, 1);
    stop();
}
END_TEST

START_TEST(test_broker__a_store_in_use_ends_it) {
    int status = 0;
    start(CONFIG);
    stop();
    fake_set_locked(env, "/store/lock", true);
    ck_assert_int_eq(fake_start_text(env, &broker_role, CONFIG), RMQ_OK);
    settle_until_it_serves();
    ck_assert(fake_exited(env, &status));
    ck_assert_int_eq(status, 1);
    ck_assert(!fake_listening(env, PORT));
}
END_TEST

START_TEST(test_broker__a_port_in_use_ends_it) {
    int status = 0;
    fake_fail_at(env, FAKE_FAIL_LISTEN, 1);
    ck_assert_int_eq(fake_start_text(env, &broker_role, CONFIG), RMQ_OK);
    settle_until_it_serves();
    ck_assert(fake_exited(env, &status));
    ck_assert_int_eq(status, 1);
    ck_assert_uint_eq(fake_event_count(env, EVENT_node_serves), 0);
}
END_TEST

START_TEST(test_broker__may_stop_before_it_serves) {
    ck_assert_int_eq(fake_start_text(env, &broker_role, CONFIG), RMQ_OK);
    fake_stop(env);
    wait_for_the_end();
    expect_exit();
    begin(CONFIG);
    ck_assert(send_message("hello"));
    stop();
}
END_TEST

/* A life with one of everything; `acked` messages were acknowledged. */
static size_t live(void) {
    size_t acked = 0;
    if (fake_start_text(env, &broker_role, CONFIG "flushDiskType=SYNC_FLUSH\n") != RMQ_OK)
        return 0;
    settle_until_it_serves();
    if (fake_node(env) == NULL || !fake_listening(env, PORT))
        return 0;
    connect_client();
    for (int i = 0; i < 3; i++)
        acked += send_message("hello");
    (void)pull("0");
    (void)pull("9");
    if (fake_node(env) != NULL)
        (void)fake_command_text(env, "do=create-topic\ntopic=New\n");
    if (fake_node(env) != NULL) {
        fake_stop(env);
        wait_for_the_end();
    }
    return acked;
}

/* What was acknowledged is there after a restart on the same disk. */
static void expect_messages(size_t acked) {
    hang_up_client();
    if (fake_node(env) != NULL) {
        fake_stop(env);
        wait_for_the_end();
    }
    begin(CONFIG);
    if (acked == 0 && pull("0") != RESPONSE_SUCCESS) {
        stop();
        return;
    }
    ck_assert_int_eq(pull("0"), RESPONSE_SUCCESS);
    ck_assert_uint_ge(pulled_count(), acked);
    stop();
}

START_TEST(test_broker__keeps_acknowledged_messages_at_any_crash_point) {
    bool crashed = true;
    unsigned n = 1;
    size_t most = 0;
    store_teardown();
    for (; crashed; n += 3) { /* each third, beginning at _i */
        setup();
        fake_crash_at(env, n + (unsigned)_i);
        size_t acked = live();
        crashed = fake_crashed(env);
        most = acked > most ? acked : most;
        fake_crash_at(env, 0);
        expect_messages(acked);
        store_teardown();
    }
    ck_assert_uint_eq(most, 3);
    ck_assert_uint_gt(n, 300); /* it did crash */
    setup();
}
END_TEST

START_TEST(test_broker__keeps_acknowledged_messages_when_something_fails) {
    enum fake_failure what = (enum fake_failure)_i;
    bool failed = true;
    store_teardown();
    for (unsigned n = 1; failed; n++) {
        setup();
        fake_fail_at(env, what, n);
        size_t acked = live();
        failed = fake_failed(env, what);
        expect_messages(acked);
        store_teardown();
    }
    setup();
}
END_TEST

static bool offsets_file_has(const char *text) {
    struct span file;
    if (!fake_get_file(env, "/store/config/consumerOffset.json", &file))
        return false;
    while (file.len > 0 && !span_starts_with(file, span_of_text(text)))
        file = span_from(file, 1);
    return file.len > 0;
}

/* A group that committed 9 of a queue that now ends at 3. While the port is open, offset 3 is
 * durable, whichever call of the save fails. */
START_TEST(test_broker__lowered_offsets_are_durable_before_the_port_opens) {
    enum fake_failure what = (enum fake_failure)_i;
    unsigned waited = 0;
    bool failed = true;
    for (unsigned n = 1; failed; n++) {
        store_teardown();
        setup();
        begin(CONFIG);
        for (int i = 0; i < 3; i++)
            ck_assert(send_message("hello"));
        stop();
        fake_put_file(env, "/store/config/consumerOffset.json",
                      SPAN_LITERAL("{\"offsetTable\":{\"T@g\":{1:9}}}"));
        fake_keep_all(env);
        fake_fail_at(env, what, n);
        int err = fake_start_text(env, &broker_role, CONFIG);
        settle_until_it_serves();
        if (err == RMQ_OK && fake_node(env) != NULL && !fake_listening(env, PORT)) {
            waited++;
            ck_assert(fake_failed(env, what));
            fake_advance_ms(env, 900);
            ck_assert(!fake_listening(env, PORT));
            fake_advance_ms(env, 200);
            ck_assert(fake_listening(env, PORT));
            failed = true;
        } else {
            failed = fake_failed(env, what);
        }
        bool lowered = fake_event_count(env, EVENT_offset_lowered) > 0; /* it was read */
        if (fake_node(env) != NULL) {
            fake_power_off(env, FAKE_KEEP_NONE);
            ck_assert(!lowered || (offsets_file_has("1:3") && !offsets_file_has("1:9")));
        }
    }
    ck_assert_uint_gt(waited, 0);
}
END_TEST

/* It may be stopped while it waits. */
START_TEST(test_broker__may_stop_while_lowered_offsets_wait) {
    begin(CONFIG);
    ck_assert(send_message("hello"));
    stop();
    fake_put_file(env, "/store/config/consumerOffset.json",
                  SPAN_LITERAL("{\"offsetTable\":{\"T@g\":{1:9}}}"));
    fake_fail_at(env, FAKE_FAIL_FILE_RENAME, 1);
    ck_assert_int_eq(fake_start_text(env, &broker_role, CONFIG), RMQ_OK);
    settle_until_it_serves();
    ck_assert(!fake_listening(env, PORT));
    fake_stop(env);
    wait_for_the_end();
    expect_exit();
}
END_TEST

int main(void) {
    Suite *suite = suite_create("broker_store");
    TCase *tests = suite_case(suite, "store");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, setup, store_teardown);
    tcase_add_loop_test(tests, test_broker__stores_and_serves_messages, 0, 2);
    tcase_add_test(tests, test_broker__queries_go_through_the_index);
    tcase_add_test(tests, test_broker__topics_survive);
    tcase_add_test(tests, test_broker__a_store_in_use_ends_it);
    tcase_add_test(tests, test_broker__a_port_in_use_ends_it);
    tcase_add_test(tests, test_broker__may_stop_before_it_serves);
    tcase_add_loop_test(tests, test_broker__lowered_offsets_are_durable_before_the_port_opens,
                        FAKE_FAIL_FILE_OPEN, FAKE_FAIL_FILE_WRITE + 1);
    tcase_add_loop_test(tests, test_broker__lowered_offsets_are_durable_before_the_port_opens,
                        FAKE_FAIL_FILE_SYNC, FAKE_FAIL_FILE_SYNC + 1);
    tcase_add_test(tests, test_broker__may_stop_while_lowered_offsets_wait);
    tcase_add_loop_test(tests, test_broker__keeps_acknowledged_messages_at_any_crash_point, 0, 3);
    tcase_add_loop_test(tests, test_broker__keeps_acknowledged_messages_when_something_fails,
                        FAKE_FAIL_ALLOC, FAKE_FAIL_COUNT);
    return suite_run(suite);
}
