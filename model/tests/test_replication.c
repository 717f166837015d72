/* test_replication.c - both sides of the HA protocol, byte by byte, with the test as the other one.
 * What a cluster makes of it is the simulator's business (scenarios/replication.json and others).
 */
#include "model/tests/broker_fixture.h"
#include "model/tests/suite.h"
#include "model/wire/message_bytes.h"

#define HA "10.7.7.7:10912"
#define SMALL_FILES "mappedFileSizeCommitLog=4096\nmappedFileSizeConsumeQueue=400\n"
#define SLAVE "brokerId=1\nbrokerRole=SLAVE\nhaMasterAddress=" HA "\n" SMALL_FILES

static struct env_conn *other;

static struct broker *broker(void) {
    return fake_node(env);
}

static void settle(void) {
    for (int i = 0; i < 20; i++)
        fake_settle(env);
}

static void report(int64_t position) {
    uint8_t bytes[8];
    bytes_put_i64(bytes, position);
    fake_deliver_chopped(other, span_of(bytes, sizeof bytes), 3);
    settle();
}

/* A frame is next: its position and length; returns its body, which ends with the next call. */
static struct span expect_frame(int64_t position) {
    static uint8_t kept[8192];
    struct span written = fake_written(other);
    ck_assert_uint_ge(written.len, 12);
    ck_assert_int_eq(bytes_i64(written.data), position);
    size_t len = (size_t)bytes_i32(written.data + 8);
    ck_assert_uint_ge(written.len, 12 + len);
    ck_assert_uint_le(len, sizeof kept);
    memcpy(kept, written.data + 12, len);
    fake_consume(other, 12 + len);
    return span_of(kept, len);
}

static void expect_silence(void) {
    ck_assert_uint_eq(fake_written(other).len, 0);
}

static void store_one(const char *body) {
    const struct message message = {.topic = SPAN_LITERAL("T"),
                                    .body = span_of_text(body),
                                    .born_host = broker()->host,
                                    .store_host = broker()->host};
    send_own(broker(), &message);
    settle();
}

static void start_master(const char *more) {
    char config[512];
    snprintf(config, sizeof config, "topics=T:1:1\n%s%s", SMALL_FILES, more);
    start(config);
    ck_assert(fake_listening(env, 10912));
    other = fake_accept(env, 10912, "10.8.8.8:4711");
}

/* ---- a master ---- */

START_TEST(test_master__sends_its_log_as_it_grows) {
    start_master("");
    store_one("first");
    expect_silence(); /* nothing before the first report */
    report(0);
    struct span record = expect_frame(0);
    ck_assert_uint_eq(record.len, (size_t)store_max_physical(broker()->store));
    expect_silence();
    ck_assert_int_eq(store_replicated(broker()->store), 0);
    report((int64_t)record.len);
    ck_assert_int_eq(store_replicated(broker()->store), (int64_t)record.len);
    int64_t before = (int64_t)record.len;
    store_one("second");
    record = expect_frame(before);
    ck_assert_int_eq(before + (int64_t)record.len, store_max_physical(broker()->store));
    fake_advance_ms(env, 4999);
    report(before);
    expect_silence();
    fake_advance_ms(env, 1);
    ck_assert_uint_eq(expect_frame(before + (int64_t)record.len).len, 0);
    stop();
}
END_TEST

START_TEST(test_master__frames_do_not_cross_files) {
    start_master("haTransferBatchSize=1000\n");
    for (int i = 0; i < 60; i++)
        store_one("0123456789012345678901234567890123456789012345678901234567890123456789");
    ck_assert_int_gt(store_max_physical(broker()->store), 2 * 4096);
    report(1);
    for (int64_t at = 1, end = store_max_physical(broker()->store); at < end;) {
        struct span body = expect_frame(at);
        ck_assert_uint_gt(body.len, 0);
        ck_assert_uint_le(body.len, 1000);
        ck_assert_int_eq(at / 4096, (at + (int64_t)body.len - 1) / 4096);
        at += (int64_t)body.len;
    }
    expect_silence();
    stop();
}
END_TEST

/* Where a slave without a log begins. */
START_TEST(test_master__gives_a_new_slave_the_last_file_or_the_first) {
    start_master(_i == 0 ? "" : "haNewSlaveFromFirstFile=true\n");
    for (int i = 0; i < 60; i++)
        store_one("0123456789012345678901234567890123456789012345678901234567890123456789");
    int64_t end = store_max_physical(broker()->store);
    report(0);
    ck_assert_int_gt(end, 4096);
    expect_frame(_i == 0 ? end - end % 4096 : 0);
    stop();
}
END_TEST

/* What was not sent cannot be acknowledged (INC-47). */
START_TEST(test_master__sends_away_who_claims_too_much) {
    start_master("");
    store_one("first");
    int64_t end = store_max_physical(broker()->store);
    report(_i == 0 ? end + 1 : _i == 1 ? -1 : end);
    if (_i == 2) {
        ck_assert(!fake_is_closed(other));
        report(end + 1);
        ck_assert_uint_eq(fake_event_count(env, EVENT_ha_slave_left), 1);
    } else {
        ck_assert_uint_eq(fake_event_count(env, EVENT_ha_slave_refused), 1);
        ck_assert_uint_eq(fake_event_count(env, EVENT_ha_slave_joined), 0);
    }
    ck_assert(fake_is_closed(other));
    ck_assert_int_eq(store_replicated(broker()->store), 0);
    stop();
}
END_TEST

START_TEST(test_master__drops_a_silent_slave) {
    start_master("");
    if (_i == 1)
        report(0);
    fake_advance_ms(env, 19999);
    ck_assert(!fake_is_closed(other));
    fake_advance_ms(env, 1);
    ck_assert(fake_is_closed(other));
    ck_assert_uint_eq(ha_master_slaves(&broker()->ha_master), 0);
    stop();
}
END_TEST

/* ---- a slave ---- */

static uint8_t log_bytes[3 * 4096];
static size_t log_len;

/* A master's log: what a broker of its own stores. */
static void make_log(void) {
    struct span file;
    start("topics=T:1:1\n" SMALL_FILES);
    for (int i = 0; i < 20; i++)
        store_one("0123456789012345678901234567890123456789012345678901234567890123456789");
    log_len = (size_t)store_max_physical(broker()->store);
    ck_assert_uint_lt(log_len, 4096);
    ck_assert(fake_get_file(env, "/store/commitlog/00000000000000000000", &file));
    memcpy(log_bytes, file.data, log_len);
    stop();
    fake_destroy(env);
    setup();
}

static void frame(int64_t position, struct span body, size_t chunk) {
    uint8_t bytes[12 + sizeof log_bytes];
    bytes_put_i64(bytes, position);
    bytes_put_i32(bytes + 8, (int32_t)body.len);
    memcpy(bytes + 12, body.data, body.len);
    fake_deliver_chopped(other, span_of(bytes, 12 + body.len), chunk);
    settle();
}

static int64_t take_report(void) {
    struct span written = fake_written(other);
    ck_assert_uint_ge(written.len, 8);
    ck_assert_uint_eq(written.len % 8, 0);
    int64_t position = bytes_i64(written.data + written.len - 8);
    fake_consume(other, written.len);
    return position;
}

static void connect_slave(void) {
    settle();
    other = fake_dialled(env, HA);
    ck_assert_ptr_nonnull(other);
    fake_dial_succeed(other);
    settle();
}

START_TEST(test_slave__appends_what_comes_and_reports_it) {
    make_log();
    start(SLAVE);
    connect_slave();
    ck_assert_int_eq(take_report(), 0); /* at once */
    size_t half = log_len / 2 + 7;      /* inside a record */
    frame(0, span_of(log_bytes, half), (size_t)_i);
    ck_assert_int_eq(take_report(), (int64_t)half);
    int64_t readable = store_max_offset(broker()->store, SPAN_LITERAL("T"), 0);
    ck_assert(readable > 5 && readable < 20);
    frame((int64_t)half, span_of(log_bytes + half, log_len - half), (size_t)_i);
    ck_assert_int_eq(take_report(), (int64_t)log_len);
    ck_assert_int_eq(store_max_offset(broker()->store, SPAN_LITERAL("T"), 0), 20);
    struct span file;
    ck_assert(fake_get_file(env, "/store/commitlog/00000000000000000000", &file));
    ck_assert_int_eq(memcmp(file.data, log_bytes, log_len), 0);
    fake_advance_ms(env, 5000);
    ck_assert_int_eq(take_report(), (int64_t)log_len);
    stop();
}
END_TEST

/* A clean stop inside a record: it is cut off, and asked for again. */
START_TEST(test_slave__begins_again_at_a_record) {
    make_log();
    start(SLAVE);
    connect_slave();
    frame(0, span_of(log_bytes, log_len - 5), 999);
    stop();
    ck_assert_int_eq(fake_start_text(env, &broker_role, SLAVE), RMQ_OK);
    settle_until_it_serves();
    int64_t end = store_max_physical(broker()->store);
    ck_assert(end < (int64_t)log_len - 5 && end > 0);
    connect_slave();
    ck_assert_int_eq(take_report(), 1); /* the overlap, never 0 */
    frame(1, span_of(log_bytes + 1, log_len - 1), 100);
    ck_assert_int_eq(take_report(), (int64_t)log_len);
    ck_assert_int_eq(store_max_offset(broker()->store, SPAN_LITERAL("T"), 0), 20);
    stop();
}
END_TEST

/* Its master has other bytes where it has some: nothing is taken. */
START_TEST(test_slave__sees_that_the_logs_differ) {
    make_log();
    start(SLAVE);
    connect_slave();
    frame(0, span_of(log_bytes, log_len), 999);
    fake_peer_close(other);
    fake_advance_ms(env, 1000);
    connect_slave();
    ck_assert_int_eq(take_report(), 1);
    log_bytes[log_len - 3] ^= 1;
    frame(1, span_of(log_bytes + 1, log_len - 1), 999);
    ck_assert_uint_eq(fake_event_count(env, EVENT_ha_diverged), 1);
    ck_assert_int_eq(fake_event_int(env, EVENT_ha_diverged, "at"), (int64_t)log_len - 3);
    ck_assert_int_eq(store_max_physical(broker()->store), (int64_t)log_len);
    stop();
}
END_TEST

/* A new slave's log begins where the master says; elsewhere nothing fits. */
START_TEST(test_slave__begins_at_a_file) {
    make_log();
    start(SLAVE);
    connect_slave();
    ck_assert_int_eq(take_report(), 0);
    frame(_i == 0 ? 4095 : INT64_MIN, span_of(log_bytes, 100), 999);
    ck_assert_uint_eq(fake_event_count(env, EVENT_ha_master_left), 1);
    ck_assert_int_eq(store_max_physical(broker()->store), 0);
    stop();
}
END_TEST

START_TEST(test_slave__takes_no_messages) {
    start(SLAVE "topics=T:1:1\n");
    store_one("no");
    ck_assert_int_eq(store_max_physical(broker()->store), 0);
    ck_assert(!fake_listening(env, 10912));
    stop();
}
END_TEST

int main(void) {
    Suite *suite = suite_create("replication");
    TCase *master = suite_case(suite, "master"), *slave = suite_case(suite, "slave");
    tcase_add_checked_fixture(master, setup, teardown);
    tcase_add_checked_fixture(slave, setup, teardown);
    tcase_add_test(master, test_master__sends_its_log_as_it_grows);
    tcase_add_test(master, test_master__frames_do_not_cross_files);
    tcase_add_loop_test(master, test_master__gives_a_new_slave_the_last_file_or_the_first, 0, 2);
    tcase_add_loop_test(master, test_master__sends_away_who_claims_too_much, 0, 3);
    tcase_add_loop_test(master, test_master__drops_a_silent_slave, 0, 2);
    tcase_add_loop_test(slave, test_slave__appends_what_comes_and_reports_it, 1, 14);
    tcase_add_test(slave, test_slave__begins_again_at_a_record);
    tcase_add_test(slave, test_slave__sees_that_the_logs_differ);
    tcase_add_loop_test(slave, test_slave__begins_at_a_file, 0, 2);
    tcase_add_test(slave, test_slave__takes_no_messages);
    return suite_run(suite);
}
