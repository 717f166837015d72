/* test_store_ahead.c - zeros ahead of the log's end: when, and that nothing else changes. */
#include "model/store/store_internal.h"
#include "model/tests/store_fixture.h"
#include "model/tests/suite.h"

#define BODY_BYTES (64U << 10)
#define MESSAGES_MAX 128

static struct store_fixture f;
static struct sf_put calls[MESSAGES_MAX];
static char body[BODY_BYTES + 1];

static void open_with(bool sync_flush, bool warm_files) {
    memset(&f, 0, sizeof f);
    memset(calls, 0, sizeof calls);
    memset(body, 'b', BODY_BYTES);
    f.env = fake_create();
    sf_config(&f);
    f.config.commit_log_file_bytes = 64U << 20;
    f.config.sync_flush = sync_flush;
    f.config.warm_files = warm_files;
    sf_open(&f);
    ck_assert_int_eq(f.opened, RMQ_OK);
}

static void teardown(void) {
    sf_end(&f);
}

static const struct log_ahead *ahead(void) {
    return &f.store->log.ahead;
}

static void start_put(unsigned number) {
    struct message message = sf_message("T", 0, body, "");
    store_put(f.store, &message, false, &calls[number].put, sf_on_put);
}

static void put_all(unsigned from, unsigned to) {
    for (unsigned i = from; i < to; i++) {
        start_put(i);
        for (unsigned turn = 0; turn < 50 && !calls[i].done; turn++)
            fake_settle(f.env);
        ck_assert(calls[i].done);
        ck_assert_int_eq(calls[i].status, PUT_OK);
    }
    sf_settle(&f);
}

/* All messages are there, byte for byte, in order. */
static void check_messages(unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        struct sf_get get;
        sf_get(&f, &get, "T", 0, i, 1);
        ck_assert_int_eq(get.status, GET_FOUND);
        ck_assert(span_equal(sf_record(&get, 0).body, span_of_text(body)));
        buf_deinit(&get.get.records);
    }
}

START_TEST(test_ahead__comes_with_use) {
    open_with(true, false);
    put_all(0, 8); /* half a MiB */
    ck_assert_uint_eq(ahead()->to, 0);
    put_all(8, 32); /* two: the window is as large */
    uint64_t end = f.store->log.segments.accepted;
    ck_assert_uint_ge(ahead()->to, end + (1U << 20));
    ck_assert_uint_le(ahead()->to, end + (2U << 20) + (256U << 10));
    check_messages(32);
    uint64_t before = ahead()->to;
    put_all(32, 64);
    ck_assert_uint_gt(ahead()->to, before);
    check_messages(64);
    sf_close(&f);
    sf_open(&f); /* zeros end a log: the next process sees what was put, and nothing else */
    ck_assert_int_eq(f.opened, RMQ_OK);
    ck_assert_uint_eq(f.store->log.segments.accepted, end * 2);
    ck_assert_uint_eq(ahead()->to, 0);
    check_messages(64);
}
END_TEST

START_TEST(test_ahead__not_with_asynchronous_flush_unless_asked) {
    open_with(false, _i == 1);
    put_all(0, 32);
    ck_assert((ahead()->to > 0) == (_i == 1));
}
END_TEST

/* Puts until a piece is under way, the oldest of the held operations; how many there were. */
static unsigned put_until_piece(void) {
    for (unsigned count = 0; count < MESSAGES_MAX; count++) {
        fake_hold_files(f.env, true);
        start_put(count);
        while (!calls[count].done && !env_file_op_active(&ahead()->op))
            fake_complete(f.env, 0);
        if (env_file_op_active(&ahead()->op))
            return count + 1;
        fake_hold_files(f.env, false);
        sf_settle(&f);
    }
    ck_abort_msg("no piece came");
    return 0;
}

/* A1 */
START_TEST(test_ahead__log_waits_for_a_piece_in_its_way) {
    open_with(true, false);
    unsigned count = put_until_piece();
    uint64_t from = ahead()->from;
    for (unsigned last = count + 40; count < last; count++) { /* past the piece */
        start_put(count);
        for (unsigned turn = 0; turn < 20 && fake_file_ops(f.env) > 1; turn++)
            fake_complete(f.env, 1);
        ck_assert(env_file_op_active(&ahead()->op) && ahead()->from == from);
        ck_assert_uint_le(f.store->log.segments.written, from);
    }
    ck_assert(!calls[count - 1].done);
    ck_assert_uint_gt(f.store->log.segments.accepted, ahead()->to);
    fake_hold_files(f.env, false);
    sf_settle(&f);
    for (unsigned i = 0; i < count; i++)
        ck_assert(calls[i].done && calls[i].status == PUT_OK);
    check_messages(count);
}
END_TEST

START_TEST(test_ahead__full_disk_ends_it_and_nothing_else) {
    open_with(true, false);
    put_all(0, 1);
    fake_fail_files_with(f.env, RMQ_E_NO_SPACE);
    unsigned count = 1;
    while (ahead()->given_up == 0) {
        ck_assert_uint_lt(count, 40);
        uint64_t begins = ahead()->begun + (1U << 20);
        bool is_due = f.store->log.segments.accepted + BODY_BYTES > begins;
        if (is_due)
            fake_fail_at(f.env, FAKE_FAIL_FILE_WRITE, 2); /* behind the message's own */
        put_all(count, count + 1);
        count++;
        ck_assert(!is_due || ahead()->given_up != 0);
    }
    ck_assert(fake_failed(f.env, FAKE_FAIL_FILE_WRITE));
    uint64_t to = ahead()->to;
    put_all(count, 64);
    ck_assert_uint_eq(ahead()->to, to);
    ck_assert(store_is_writable(f.store));
    check_messages(64);
}
END_TEST

START_TEST(test_ahead__clean_stop_waits_for_a_piece) {
    open_with(true, false);
    unsigned count = put_until_piece();
    store_close(f.store);
    for (unsigned turn = 0; turn < 50 && fake_file_ops(f.env) > 1; turn++)
        fake_complete(f.env, 1);
    ck_assert(env_file_op_active(&ahead()->op));
    ck_assert(!f.closed);
    fake_hold_files(f.env, false);
    sf_settle(&f);
    fake_advance_ms(f.env, 100);
    sf_settle(&f);
    ck_assert(f.closed);
    store_free(f.store);
    sf_open(&f);
    ck_assert_int_eq(f.opened, RMQ_OK);
    check_messages(count);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("store ahead");
    TCase *tests = suite_case(suite, "ahead");
    tcase_add_checked_fixture(tests, NULL, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, test_ahead__comes_with_use);
    tcase_add_loop_test(tests, test_ahead__not_with_asynchronous_flush_unless_asked, 0, 2);
    tcase_add_test(tests, test_ahead__log_waits_for_a_piece_in_its_way);
    tcase_add_test(tests, test_ahead__full_disk_ends_it_and_nothing_else);
    tcase_add_test(tests, test_ahead__clean_stop_waits_for_a_piece);
    return suite_run(suite);
}
