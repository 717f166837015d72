/* test_store_deleted.c - topics that are deleted, and what comes back of them: nothing
 * (store/deleted.h). */
#include "model/events.h"
#include "model/store/deleted.h"
#include "model/store/queues.h"
#include "model/tests/store_fixture.h"
#include "model/tests/suite.h"

#define OLD 12
#define NEW 5
#define MARKS "/store/config/deletedTopics.json"

static struct store_fixture f;
static bool lost; /* count() leaves offsets aside */

static void setup(void) {
    sf_begin(&f);
    lost = false;
}

static void teardown(void) {
    sf_end(&f);
}

static unsigned put(const char *topic, unsigned count, const char *body) {
    unsigned stored = 0;
    for (unsigned i = 0; i < count; i++)
        stored += sf_put(&f, topic, (int32_t)(i % 2), body, "").status == PUT_OK;
    return stored;
}

/* All messages of the topic, whose bodies are `body`; in order, without gaps. */
static unsigned count(const char *topic, const char *body) {
    unsigned found = 0;
    for (int32_t id = 0; id < 2; id++) {
        int64_t max = store_max_offset(f.store, span_of_text(topic), id);
        for (int64_t at = store_min_offset(f.store, span_of_text(topic), id); at < max; at++) {
            struct sf_get get;
            sf_get(&f, &get, topic, id, at, 1);
            ck_assert_int_eq(get.status, GET_FOUND);
            struct message message = sf_record(&get, 0);
            ck_assert(lost || message.queue_offset == at);
            found += span_equal(message.body, span_of_text(body));
            buf_deinit(&get.get.records);
        }
    }
    return found;
}

static unsigned all(const char *topic) {
    return (unsigned)(store_max_offset(f.store, span_of_text(topic), 0) +
                      store_max_offset(f.store, span_of_text(topic), 1));
}

static bool has_queue(const char *topic) {
    return store_has_queue(f.store, span_of_text(topic), 0) ||
           store_has_queue(f.store, span_of_text(topic), 1);
}

static void flush_log(void) {
    fake_advance_ms(f.env, 11000);
    ck_assert_int_eq(store_flushed_physical(f.store), store_max_physical(f.store));
}

static void delete_topic(const char *topic) {
    struct sf_delete deletion = {0};
    store_delete_topic(f.store, span_of_text(topic), &deletion.operation, sf_on_delete);
    sf_settle(&f);
    ck_assert(deletion.done);
    ck_assert_int_eq(deletion.status, RMQ_OK);
}

static void power_off(enum fake_keep keep) {
    fake_power_off(f.env, keep);
    fake_crash_at(f.env, 0);
}

static void reopen(void) {
    sf_open(&f);
    ck_assert_int_eq(f.opened, RMQ_OK);
}

static void forget_marks(void) {
    struct span text;
    ck_assert(fake_get_file(f.env, MARKS, &text));
    fake_remove_file(f.env, MARKS);
    if (fake_get_file(f.env, MARKS ".bak", &text))
        fake_remove_file(f.env, MARKS ".bak");
}

/* `thorough`: units of the old topic are durable, and the checkpoint says so. */
static void delete_and_create_again(bool thorough) {
    ck_assert_uint_eq(put("T", OLD, "old"), OLD);
    ck_assert_uint_eq(put("U", 4, "other"), 4);
    flush_log();
    if (thorough)
        fake_advance_ms(f.env, 61000);
    delete_topic("T");
    ck_assert(!has_queue("T"));
    ck_assert_uint_eq(put("T", NEW, "new"), NEW);
    flush_log();
    ck_assert_uint_eq(count("T", "new"), NEW);
}

START_TEST(test_deleted__power_off) {
    for (unsigned thorough = 0; thorough < 2; thorough++) {
        sf_end(&f);
        sf_begin(&f);
        delete_and_create_again(thorough);
        for (unsigned again = 0; again < 3; again++) {
            power_off((enum fake_keep)_i);
            reopen();
            ck_assert_uint_eq(count("T", "new"), NEW + again);
            ck_assert_uint_eq(all("T"), NEW + again);
            ck_assert_uint_eq(count("U", "other"), 4);
            ck_assert_uint_eq(put("T", 1, "new"), 1); /* queue 0 */
            flush_log();
        }
        sf_close(&f);
        reopen();
        ck_assert_uint_eq(count("T", "new"), NEW + 3);
        ck_assert_uint_eq(all("T"), NEW + 3);
    }
}
END_TEST

/* The same without marks, as Apache has it: new messages are left out for old ones. */
START_TEST(test_deleted__lost_without_marks) {
    delete_and_create_again(_i % 2 == 1);
    power_off(_i < 2 ? FAKE_KEEP_NONE : FAKE_KEEP_ALL);
    forget_marks();
    reopen();
    lost = true;
    ck_assert_uint_lt(count("T", "new"), NEW);
}
END_TEST

/* After a clean stop dispatch begins behind the last unit of any queue. */
START_TEST(test_deleted__clean_stop) {
    put("U", 4, "other");
    put("T", OLD, "old");
    sf_settle(&f);
    delete_topic("T");
    sf_close(&f);
    if (_i == 1)
        forget_marks();
    reopen();
    ck_assert(has_queue("T") == (_i == 1));
    ck_assert_uint_eq(count("U", "other"), 4);
}
END_TEST

/* A crash at each env_ call of a deletion: all of the topic or none; told means none. */
START_TEST(test_deleted__crash_points) {
    unsigned crashed = 1, whole = 0, gone = 0;
    for (unsigned n = 1; crashed; n++) {
        struct sf_delete deletion = {0};
        sf_end(&f);
        sf_begin(&f);
        ck_assert_uint_eq(put("T", OLD, "old"), OLD);
        ck_assert_uint_eq(put("U", 4, "other"), 4);
        flush_log();
        if (n % 2 == 0) {
            fake_advance_ms(f.env, 61000);
            fake_keep_all(f.env);
        }
        fake_crash_at(f.env, n);
        if (!fake_crashed(f.env))
            store_delete_topic(f.store, SPAN_LITERAL("T"), &deletion.operation, sf_on_delete);
        for (unsigned i = 0; i < 60 && !fake_crashed(f.env); i++)
            fake_settle(f.env);
        crashed = fake_crashed(f.env);
        power_off((enum fake_keep)_i);
        reopen();
        unsigned left = count("T", "old");
        ck_assert_uint_eq(left, all("T"));
        ck_assert_msg(left == 0 || left == OLD, "%u messages left at call %u", left, n);
        ck_assert(!deletion.done || left == 0);
        ck_assert(left == OLD || !has_queue("T"));
        ck_assert_uint_eq(count("U", "other"), 4);
        whole += left == OLD;
        gone += left == 0;
        put("T", NEW, "new"); /* whichever it is, what comes then stays */
        flush_log();
        power_off((enum fake_keep)_i);
        reopen();
        ck_assert_uint_eq(count("T", "new"), NEW);
        ck_assert_uint_eq(all("T"), left + NEW);
    }
    ck_assert_uint_gt(whole, 0);
    ck_assert_uint_gt(gone, 0);
}
END_TEST

/* Names of many old queue files come back, behind the new topic's first. */
START_TEST(test_deleted__old_files_come_back) {
    for (unsigned i = 0; i < 10; i++) { /* the checkpoint vouches for most of it */
        put("T", SF_QUEUE_UNITS, "old");
        fake_advance_ms(f.env, 5000);
    }
    flush_log();
    fake_advance_ms(f.env, 61000);
    fake_keep_all(f.env); /* also the checkpoint's name */
    delete_topic("T");
    ck_assert_uint_eq(put("T", NEW, "new"), NEW);
    delete_topic("V"); /* flushes the log, at this time: not the units */
    ck_assert_int_eq(store_flushed_physical(f.store), store_max_physical(f.store));
    if (_i >= FAKE_KEEP_COUNT)
        fake_advance_ms(f.env, 61000); /* and the checkpoint vouches for the new units */
    power_off((enum fake_keep)(_i % FAKE_KEEP_COUNT));
    reopen();
    ck_assert_uint_eq(count("T", "new"), NEW);
    ck_assert_uint_eq(all("T"), NEW);
}
END_TEST

/* Until the mark is durable, the topic takes no message; nor is anything gone. */
START_TEST(test_deleted__puts_wait_for_the_mark) {
    struct sf_delete first = {0}, second = {0}, third = {0};
    put("T", OLD, "old");
    flush_log();
    fake_hold_files(f.env, true);
    store_delete_topic(f.store, SPAN_LITERAL("T"), &first.operation, sf_on_delete);
    fake_settle(f.env);
    ck_assert(!first.done);
    ck_assert_int_eq(sf_put(&f, "T", 0, "x", "").status, PUT_SERVICE_NOT_AVAILABLE);
    ck_assert_uint_eq(all("T"), OLD);
    store_delete_topic(f.store, SPAN_LITERAL("T"), &second.operation, sf_on_delete);
    store_delete_topic(f.store, SPAN_LITERAL("Other"), &third.operation, sf_on_delete);
    store_delete_cancel(f.store, &third.operation);
    fake_hold_files(f.env, false);
    sf_settle(&f);
    ck_assert(first.done && second.done && !third.done);
    ck_assert_int_eq(first.status, RMQ_OK);
    ck_assert_int_eq(second.status, RMQ_OK);
    ck_assert_int_eq(sf_put(&f, "T", 0, "x", "").put.queue_offset, 0);
    ck_assert_int_eq(sf_put(&f, "Other", 0, "x", "").put.queue_offset, 0);
}
END_TEST

/* The log is flushed first: a mark above a log that a power-off cut would kill new messages. */
START_TEST(test_deleted__flushes_the_log_first) {
    struct sf_delete deletion = {0};
    put("T", OLD, "old");
    ck_assert_int_eq(store_flushed_physical(f.store), 0);
    fake_hold_files(f.env, true);
    store_delete_topic(f.store, SPAN_LITERAL("T"), &deletion.operation, sf_on_delete);
    fake_settle(f.env);
    ck_assert_uint_eq(fake_event_count(f.env, EVENT_config_saving), 0);
    fake_hold_files(f.env, false);
    sf_settle(&f);
    ck_assert(deletion.done && deletion.status == RMQ_OK);
    ck_assert_uint_eq(fake_event_count(f.env, EVENT_config_saving), 1);
    ck_assert_int_eq(store_flushed_physical(f.store), store_max_physical(f.store));
    power_off(FAKE_KEEP_NONE);
    reopen();
    ck_assert(!has_queue("T"));
    ck_assert_uint_eq(put("T", NEW, "new"), NEW);
    flush_log();
    power_off(FAKE_KEEP_NONE);
    reopen();
    ck_assert_uint_eq(count("T", "new"), NEW);
}
END_TEST

START_TEST(test_deleted__marks_go_with_the_log) {
    struct span text;
    char body[400];
    memset(body, 'b', sizeof body - 1);
    body[sizeof body - 1] = '\0';
    put("T", OLD, "old");
    delete_topic("T");
    ck_assert(fake_get_file(f.env, MARKS, &text));
    ck_assert_int_gt(deleted_mark_of(f.store, SPAN_LITERAL("T")), 0);
    put("U", 60, body);
    flush_log();
    fake_set_disk_usage(f.env, 100ULL << 30, 86ULL << 30);
    for (unsigned i = 0; i < 1000; i++)
        fake_advance_ms(f.env, 100);
    ck_assert_int_gt(store_min_physical(f.store), 0);
    sf_close(&f);
    reopen();
    sf_settle(&f);
    ck_assert_int_eq(deleted_mark_of(f.store, SPAN_LITERAL("T")), 0);
    ck_assert(fake_get_file(f.env, MARKS, &text));
    ck_assert(span_equal(text, SPAN_LITERAL("{\n\t\"deletedTopics\":{}\n}")));
}
END_TEST

/* What is no table of marks stops the start: dead records would come back. */
START_TEST(test_deleted__bad_files) {
    static const char *const BAD[] = {"[]",
                                      "{\"deletedTopics\":[]}",
                                      "{\"deletedTopics\":{\"T\":\"x\"}}",
                                      "{\"deletedTopics\":{\"T\":-1}}",
                                      "{\"deletedTopics\":{\"T\":1",
                                      "{\"deletedTopics\":{\"T\":1}} x"};
    put("T", 1, "old");
    sf_close(&f);
    fake_put_file(f.env, MARKS, span_of_text(BAD[_i]));
    sf_open(&f);
    ck_assert_int_ne(f.opened, RMQ_OK);
    ck_assert_int_ne(f.opened, 1);
    store_free(f.store);
    f.store = NULL;
    fake_put_file(f.env, MARKS, SPAN_LITERAL("{\"other\":[1],\"deletedTopics\":{\"A\\u0042\":7}}"));
    reopen();
    ck_assert_uint_eq(count("T", "old"), 1);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("store_deleted");
    TCase *tests = suite_case(suite, "deleted");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, test_deleted__power_off, 0, FAKE_KEEP_COUNT);
    tcase_add_loop_test(tests, test_deleted__lost_without_marks, 0, 4);
    tcase_add_loop_test(tests, test_deleted__clean_stop, 0, 2);
    tcase_add_loop_test(tests, test_deleted__crash_points, 0, FAKE_KEEP_COUNT);
    tcase_add_loop_test(tests, test_deleted__old_files_come_back, 0, 2 * FAKE_KEEP_COUNT);
    tcase_add_test(tests, test_deleted__puts_wait_for_the_mark);
    tcase_add_test(tests, test_deleted__flushes_the_log_first);
    tcase_add_test(tests, test_deleted__marks_go_with_the_log);
    tcase_add_loop_test(tests, test_deleted__bad_files, 0, 6);
    return suite_run(suite);
}
