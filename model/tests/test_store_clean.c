/* test_store_clean.c - retention, the full disk, what follows for queues and index. */
#include "model/store/index.h"
#include "model/store/queues.h"
#include "model/tests/store_fixture.h"
#include "model/tests/suite.h"

#define HOUR_MS 3600000ULL
#define GIB (1ULL << 30)

static struct store_fixture f;

static void setup(void) {
    sf_begin(&f);
}

static void teardown(void) {
    sf_end(&f);
}

/* 50 messages fill most of a log file. */
static void put_files(unsigned files) {
    char body[64];
    memset(body, 'b', sizeof body - 1);
    body[sizeof body - 1] = '\0';
    for (unsigned i = 0; i < files * 50; i++) {
        ck_assert_int_eq(sf_put(&f, "T", (int32_t)(i % 2), body, "KEYS\001k").status, PUT_OK);
    }
    fake_advance_ms(f.env, 11000); /* flushed */
}

static unsigned log_files(void) {
    return f.store->log.segments.count;
}

static void rounds(unsigned count) {
    for (unsigned i = 0; i < count * 100; i++) {
        fake_advance_ms(f.env, 100);
    }
}

static void check_consistent(void) {
    int64_t min = store_min_physical(f.store);
    for (int32_t id = 0; id < 2; id++) {
        const struct consume_queue *queue = queues_find(f.store->queues, SPAN_LITERAL("T"), id);
        for (int64_t at = queue->min_offset; at < queue->end_offset; at++) {
            struct sf_get get;
            sf_get(&f, &get, "T", id, at, 1);
            ck_assert_int_eq(get.status, GET_FOUND);
            struct message message = sf_record(&get, 0);
            ck_assert_int_eq(message.queue_offset, at);
            ck_assert_int_ge(message.physical_offset, min);
            buf_deinit(&get.get.records);
        }
    }
}

START_TEST(test_clean__expired_at_the_hour) {
    put_files(5);
    unsigned files = log_files();
    ck_assert_uint_gt(files, 4);
    fake_advance_ms(f.env, 71 * HOUR_MS); /* 23 h: neither the hour nor the age */
    rounds(3);
    ck_assert_uint_eq(log_files(), files);
    fake_advance_ms(f.env, 29 * HOUR_MS); /* 04 h, 100 hours old */
    rounds(10);
    ck_assert_uint_eq(log_files(), 1);
    ck_assert_uint_eq(fake_event_count_of(f.env, EVENT_store_file_deleted, "reason", "expired"),
                      files - 1);
    ck_assert_int_eq(store_min_physical(f.store), (int64_t)(files - 1) * SF_LOG_BYTES);
    ck_assert_int_gt(store_min_offset(f.store, SPAN_LITERAL("T"), 0), 0);
    ck_assert_uint_gt(fake_event_count(f.env, EVENT_store_queue_trimmed), 0);
    check_consistent();
    int64_t min = store_min_offset(f.store, SPAN_LITERAL("T"), 1);
    sf_close(&f);
    sf_open(&f);
    ck_assert_int_eq(f.opened, RMQ_OK);
    ck_assert_int_eq(store_min_offset(f.store, SPAN_LITERAL("T"), 1), min);
    check_consistent();
}
END_TEST

START_TEST(test_clean__manual_request) {
    put_files(3);
    fake_advance_ms(f.env, 73 * HOUR_MS); /* 01 h */
    rounds(2);
    unsigned files = log_files();
    ck_assert_uint_gt(files, 2);
    store_delete_expired(f.store);
    rounds(2);
    ck_assert_uint_eq(log_files(), 1);
    ck_assert_uint_eq(fake_event_count_of(f.env, EVENT_store_file_deleted, "reason", "manual"),
                      files - 1);
}
END_TEST

/* Above 75 %: what has expired goes at any hour. Above 85 %: everything but the last file. */
START_TEST(test_clean__disk_ratio) {
    put_files(4);
    unsigned files = log_files();
    fake_set_disk_usage(f.env, 100 * GIB, 76 * GIB);
    rounds(8);
    ck_assert_uint_eq(log_files(), files); /* not 72 hours old */
    ck_assert(store_is_writable(f.store));
    fake_set_disk_usage(f.env, 100 * GIB, 86 * GIB);
    rounds(3);
    ck_assert_uint_eq(log_files(), 1);
    ck_assert(store_is_writable(f.store));
    ck_assert_uint_eq(fake_event_count_of(f.env, EVENT_store_file_deleted, "reason", "forced"),
                      files - 1);
    ck_assert_uint_gt(fake_event_count(f.env, EVENT_store_queue_trimmed), 0);
    check_consistent();
}
END_TEST

START_TEST(test_clean__full_disk_refuses_and_recovers) {
    fake_set_disk_usage(f.env, 100 * GIB, 91 * GIB);
    rounds(2);
    ck_assert(!store_is_writable(f.store));
    ck_assert_uint_eq(fake_event_uint(f.env, EVENT_store_writable, "writable"), 0);
    ck_assert_uint_eq(fake_event_uint(f.env, EVENT_store_writable, "used_ppm"), 910000);
    ck_assert_int_eq(sf_put(&f, "T", 0, "x", "").status, PUT_SERVICE_NOT_AVAILABLE);
    fake_set_disk_usage(f.env, 100 * GIB, 90 * GIB);
    rounds(2);
    ck_assert(store_is_writable(f.store));
    ck_assert_int_eq(sf_put(&f, "T", 0, "x", "").status, PUT_OK);
}
END_TEST

START_TEST(test_clean__queue_and_index_files_go) {
    struct span file;
    for (unsigned i = 0; i < 5; i++) {
        put_files(2); /* 250 messages of each queue */
    }
    unsigned before = 0, after = 0;
    LIST_EACH(&f.store->index->files, link, next) {
        before++;
    }
    fake_set_disk_usage(f.env, 100 * GIB, 86 * GIB);
    rounds(10);
    ck_assert_uint_eq(log_files(), 1);
    ck_assert(!fake_get_file(f.env, "/store/consumequeue/T/0/00000000000000000000", &file));
    ck_assert(fake_get_file(f.env, "/store/consumequeue/T/0/00000000000000004000", &file));
    LIST_EACH(&f.store->index->files, link, next) {
        after++;
    }
    ck_assert_uint_lt(after, before / 2);
    check_consistent();
    sf_close(&f);
    sf_open(&f);
    ck_assert_int_eq(f.opened, RMQ_OK);
    check_consistent();
}
END_TEST

START_TEST(test_clean__planted_eager) {
    put_files(3);
    fake_set_plant(f.env, PLANT_STORE_CLEAN_EAGER, true);
    rounds(8);
    ck_assert_uint_eq(log_files(), 1);
}
END_TEST

/* A power-off at any env_ call of a clean-up leaves a store that opens, without a gap. */
START_TEST(test_clean__crash_points) {
    unsigned crashed = 1;
    for (unsigned n = 1; crashed && n < 400; n += 1 + n / 10) {
        put_files(3);
        fake_advance_ms(f.env, 60000);
        fake_set_disk_usage(f.env, 100 * GIB, 86 * GIB);
        fake_crash_at(f.env, n);
        for (unsigned i = 0; i < 20 && !fake_crashed(f.env); i++) {
            fake_advance_ms(f.env, 1000);
        }
        crashed = fake_crashed(f.env);
        fake_power_off(f.env, (enum fake_keep)_i);
        fake_crash_at(f.env, 0);
        fake_set_disk_usage(f.env, 100 * GIB, GIB);
        sf_open(&f);
        ck_assert_int_eq(f.opened, RMQ_OK);
        check_consistent();
    }
}
END_TEST

/* Units are not durable yet when a full disk makes log files go (the next thorough round is far).
 * A power-off at any env_ call: a queue all of whose messages have gone still knows its end. */
START_TEST(test_clean__units_are_durable_first) {
    unsigned crashed = 1, gone = 0;
    for (unsigned n = 1; crashed && n < 400; n += 1 + n / 20) {
        sf_end(&f);
        sf_begin(&f);
        fake_advance_ms(f.env, 58000);
        sf_put(&f, "T", 0, "x", "");
        sf_put(&f, "T", 1, "x", "");
        fake_advance_ms(f.env, 4000); /* a thorough round */
        for (unsigned i = 0; i < 3; i++) {
            ck_assert_int_eq(sf_put(&f, "Quiet", 0, "x", "").status, PUT_OK);
        }
        put_files(3);
        fake_set_disk_usage(f.env, 100 * GIB, 86 * GIB);
        fake_crash_at(f.env, n);
        for (unsigned i = 0; i < 20 && !fake_crashed(f.env); i++) {
            fake_advance_ms(f.env, 1000);
        }
        crashed = fake_crashed(f.env);
        fake_power_off(f.env, (enum fake_keep)_i);
        fake_crash_at(f.env, 0);
        fake_set_disk_usage(f.env, 100 * GIB, GIB);
        sf_open(&f);
        ck_assert_int_eq(f.opened, RMQ_OK);
        gone += store_min_physical(f.store) > 0;
        ck_assert_int_eq(store_max_offset(f.store, SPAN_LITERAL("Quiet"), 0), 3);
        check_consistent();
    }
    ck_assert_uint_gt(gone, 0);
}
END_TEST

/* What a failed sync leaves of the units is unknown: nothing goes before the next start. */
START_TEST(test_clean__nothing_goes_after_a_failed_sync) {
    fake_advance_ms(f.env, 58000);
    sf_put(&f, "T", 0, "x", "");
    fake_advance_ms(f.env, 4000);
    put_files(3);
    unsigned files = log_files();
    f.store->queues->sync_failed = true;
    fake_set_disk_usage(f.env, 100 * GIB, 86 * GIB);
    rounds(3);
    ck_assert_uint_eq(log_files(), files);
    f.store->queues->sync_failed = false;
    rounds(3);
    ck_assert_uint_eq(log_files(), 1);
}
END_TEST

static bool keep_only_t(void *ctx, struct span topic) {
    (void)ctx;
    return span_equal(topic, SPAN_LITERAL("T"));
}

START_TEST(test_store_clean_topics__deletes_queues) {
    struct span file;
    sf_put(&f, "T", 0, "x", "");
    sf_put(&f, "U", 0, "x", "");
    sf_put(&f, "U", 1, "x", "");
    sf_put(&f, "SCHEDULE_TOPIC_XXXX", 0, "x", "");
    sf_settle(&f);
    struct sf_delete deletion = {0};
    store_clean_topics(f.store, keep_only_t, NULL, &deletion.operation, sf_on_delete);
    sf_settle(&f);
    ck_assert(deletion.done);
    ck_assert_int_eq(deletion.status, RMQ_OK);
    ck_assert_int_eq(store_max_offset(f.store, SPAN_LITERAL("U"), 0), 0);
    ck_assert_int_eq(store_max_offset(f.store, SPAN_LITERAL("T"), 0), 1);
    ck_assert_int_eq(store_max_offset(f.store, SPAN_LITERAL("SCHEDULE_TOPIC_XXXX"), 0), 1);
    ck_assert(!fake_get_file(f.env, "/store/consumequeue/U/0/00000000000000000000", &file));
    struct sf_put put = sf_put(&f, "U", 0, "y", "");
    ck_assert_int_eq(put.put.queue_offset, 0);
    struct sf_get get;
    sf_get(&f, &get, "U", 0, 0, 1);
    ck_assert_int_eq(get.status, GET_FOUND);
    buf_deinit(&get.get.records);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("store_clean");
    TCase *tests = suite_case(suite, "clean");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, test_clean__expired_at_the_hour);
    tcase_add_test(tests, test_clean__manual_request);
    tcase_add_test(tests, test_clean__disk_ratio);
    tcase_add_test(tests, test_clean__full_disk_refuses_and_recovers);
    tcase_add_test(tests, test_clean__queue_and_index_files_go);
    tcase_add_test(tests, test_clean__planted_eager);
    tcase_add_loop_test(tests, test_clean__crash_points, 0, FAKE_KEEP_COUNT);
    tcase_add_loop_test(tests, test_clean__units_are_durable_first, 0, FAKE_KEEP_COUNT);
    tcase_add_test(tests, test_clean__nothing_goes_after_a_failed_sync);
    tcase_add_test(tests, test_store_clean_topics__deletes_queues);
    return suite_run(suite);
}
