/* test_store_queue.c - consume queues, dispatch and gets of a store on the fake's disk. */
#include "model/store/queues.h"
#include "model/tests/store_fixture.h"
#include "model/tests/suite.h"

static struct store_fixture f;

static void setup(void) {
    sf_begin(&f);
}

static void teardown(void) {
    sf_end(&f);
}

static void reopen(void) {
    sf_close(&f);
    sf_open(&f);
    ck_assert_int_eq(f.opened, RMQ_OK);
}

static void put_many(const char *topic, int32_t queue_id, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        ck_assert_int_eq(sf_put(&f, topic, queue_id, "body", "").status, PUT_OK);
    }
}

/* All messages of a queue from `offset` on carry their own queue offset and queue. */
static void check_queue(const char *topic, int32_t queue_id, int64_t offset, int64_t end) {
    while (offset < end) {
        struct sf_get get;
        sf_get(&f, &get, topic, queue_id, offset, 32);
        ck_assert_int_eq(get.status, GET_FOUND);
        ck_assert_uint_gt(get.get.count, 0);
        for (unsigned i = 0; i < get.get.count; i++) {
            struct message message = sf_record(&get, i);
            ck_assert_int_eq(message.queue_offset, offset + i);
            ck_assert_int_eq(message.queue_id, queue_id);
            ck_assert(span_equal(message.topic, span_of_text(topic)));
        }
        offset += get.get.count;
        ck_assert_int_eq(get.get.next_offset, offset);
        buf_deinit(&get.get.records);
    }
    ck_assert_int_eq(offset, end);
}

static enum get_status status_at(const char *topic, int32_t queue_id, int64_t offset,
                                 int64_t *next) {
    struct sf_get get;
    sf_get(&f, &get, topic, queue_id, offset, 32);
    buf_deinit(&get.get.records);
    *next = get.get.next_offset;
    return get.status;
}

/* ---- path ---- */

static int64_t tags_code_of(const char *properties, int64_t *store_ms) {
    struct sf_put put = sf_put(&f, "SCHEDULE_TOPIC_XXXX", 0, "x", properties);
    ck_assert_int_eq(put.status, PUT_OK);
    *store_ms = put.put.store_ms;
    return f.last.tags_code;
}

/* Delivery times, by messageDelayLevel (6.2). */
START_TEST(test_queue__tags_code_of_delayed_messages) {
    int64_t store_ms, code = tags_code_of("DELAY\0013", &store_ms);
    ck_assert_int_eq(code, store_ms + 10000);
    code = tags_code_of("DELAY\00199", &store_ms); /* the highest there is */
    ck_assert_int_eq(code, store_ms + 7200000);
    ck_assert_int_eq(tags_code_of("DELAY\0010\002TAGS\001TagA", &store_ms), 2598919);
    ck_assert_int_eq(tags_code_of("TAGS\001TagA", &store_ms), 2598919);
    sf_close(&f);
    f.config.delay_levels = 2;
    f.config.delay_ms[0] = 5;
    f.config.delay_ms[1] = 86400000;
    sf_open(&f);
    code = tags_code_of("DELAY\0011", &store_ms);
    ck_assert_int_eq(code, store_ms + 5);
    code = tags_code_of("DELAY\0013", &store_ms);
    ck_assert_int_eq(code, store_ms + 86400000);
    code = tags_code_of("DELAY\0012147483647", &store_ms);
    ck_assert_int_eq(code, store_ms + 86400000);
}
END_TEST

START_TEST(test_store__put_dispatch_get) {
    struct sf_put put = sf_put(&f, "T", 3, "hi", "TAGS\001TagA");
    ck_assert(put.done);
    ck_assert_int_eq(put.status, PUT_OK);
    ck_assert_int_eq(put.put.queue_offset, 0);
    ck_assert_uint_eq(f.arrivals, 1);
    ck_assert_str_eq(f.last.topic, "T");
    ck_assert_int_eq(f.last.max_offset, 1);
    ck_assert_int_eq(f.last.tags_code, 2598919);
    ck_assert_int_eq(store_max_offset(f.store, SPAN_LITERAL("T"), 3), 1);
    struct sf_get get;
    sf_get(&f, &get, "T", 3, 0, 32);
    ck_assert_int_eq(get.status, GET_FOUND);
    ck_assert_uint_eq(get.get.count, 1);
    ck_assert_int_eq(get.get.next_offset, 1);
    struct message message = sf_record(&get, 0);
    ck_assert(span_equal(message.body, SPAN_LITERAL("hi")));
    buf_deinit(&get.get.records);
}
END_TEST

START_TEST(test_queue__file_bytes) {
    put_many("T", 3, 2);
    sf_put(&f, "T", 3, "x", "TAGS\001TagB");
    sf_settle(&f);
    struct span file;
    ck_assert(fake_get_file(f.env, "/store/consumequeue/T/3/00000000000000000000", &file));
    ck_assert_uint_eq(file.len, SF_QUEUE_UNITS * QUEUE_UNIT_BYTES);
    struct queue_unit unit;
    queue_unit_decode(file.data + 40, &unit);
    struct sf_get get;
    sf_get(&f, &get, "T", 3, 2, 1);
    struct message message = sf_record(&get, 0);
    ck_assert_int_eq(unit.physical, message.physical_offset);
    ck_assert_uint_eq((size_t)unit.size, message.size);
    ck_assert_int_eq(unit.tags_code, 2598920);
    buf_deinit(&get.get.records);
    for (size_t i = 60; i < file.len; i++) {
        ck_assert_uint_eq(file.data[i], 0);
    }
}
END_TEST

START_TEST(test_queue__no_file_before_a_unit) {
    struct span file;
    int64_t next;
    ck_assert_int_eq(status_at("none", 0, 5, &next), GET_NO_MESSAGE_IN_QUEUE);
    ck_assert_int_eq(next, 0);
    ck_assert(!fake_get_file(f.env, "/store/consumequeue/none/0/00000000000000000000", &file));
    put_many("T", 0, SF_QUEUE_UNITS); /* exactly full */
    sf_settle(&f);
    ck_assert(fake_get_file(f.env, "/store/consumequeue/T/0/00000000000000000000", &file));
    ck_assert(!fake_get_file(f.env, "/store/consumequeue/T/0/00000000000000002000", &file));
    put_many("T", 0, 1);
    sf_settle(&f);
    ck_assert(fake_get_file(f.env, "/store/consumequeue/T/0/00000000000000002000", &file));
    check_queue("T", 0, 0, SF_QUEUE_UNITS + 1);
}
END_TEST

START_TEST(test_queue__several_queues_and_restart) {
    for (unsigned i = 0; i < 250; i++) {
        put_many("A", (int32_t)(i % 3), 1);
        put_many("B", 0, 1);
    }
    reopen();
    check_queue("A", 0, 0, 84);
    check_queue("A", 2, 0, 83);
    check_queue("B", 0, 0, 250);
    ck_assert_int_eq(sf_put(&f, "B", 0, "x", "").put.queue_offset, 250);
    check_queue("B", 0, 200, 251);
    ck_assert_uint_eq(fake_event_count(f.env, EVENT_store_queue_recovered), 4);
    ck_assert_int_eq(fake_event_int(f.env, EVENT_store_queue_recovered, "max"), 250);
    ck_assert_uint_eq(fake_event_uint(f.env, EVENT_store_queue_recovered, "rebuilt"), 0);
}
END_TEST

static char order[256];
static void each(void *ctx, struct span topic, int32_t queue_id, int64_t min, int64_t max) {
    (void)ctx;
    char line[64];
    snprintf(line, sizeof line, "%.*s/%d %d-%d;", (int)topic.len, (const char *)topic.data,
             (int)queue_id, (int)min, (int)max);
    strcat(order, line);
}

START_TEST(test_store_each_queue__in_order) {
    put_many("b", 10, 1);
    put_many("b", 2, 2);
    put_many("a", 0, 1);
    put_many("bb", 0, 1);
    order[0] = '\0';
    store_each_queue(f.store, each, NULL);
    ck_assert_str_eq(order, "a/0 0-1;b/2 0-2;b/10 0-1;bb/0 0-1;");
}
END_TEST

/* ---- statuses and limits of gets ---- */

START_TEST(test_store_get__statuses) {
    int64_t next;
    put_many("T", 0, 3);
    ck_assert_int_eq(status_at("T", 0, -1, &next), GET_OFFSET_TOO_SMALL);
    ck_assert_int_eq(next, 0);
    ck_assert_int_eq(status_at("T", 0, 3, &next), GET_OFFSET_OVERFLOW_ONE);
    ck_assert_int_eq(next, 3);
    ck_assert_int_eq(status_at("T", 0, 9, &next), GET_OFFSET_OVERFLOW_BADLY);
    ck_assert_int_eq(next, 3);
    ck_assert_int_eq(status_at("T", 1, 0, &next), GET_NO_MESSAGE_IN_QUEUE);
    ck_assert_int_eq(status_at("T", 0, 2, &next), GET_FOUND);
    ck_assert_int_eq(next, 3);
}
END_TEST

START_TEST(test_store_get__limits) {
    struct sf_get get;
    put_many("T", 0, 50);
    sf_get(&f, &get, "T", 0, 0, 100);
    ck_assert_uint_eq(get.get.count, 32);
    ck_assert_int_eq(get.get.max_offset, 50);
    ck_assert(!get.get.suggest_slave);
    buf_deinit(&get.get.records);
    sf_get(&f, &get, "T", 0, 0, 5);
    ck_assert_uint_eq(get.get.count, 5);
    ck_assert_int_eq(get.get.next_offset, 5);
    buf_deinit(&get.get.records);
    f.store->config.in_memory_bytes = 250;
    sf_get(&f, &get, "T", 0, 0, 32);
    ck_assert_uint_eq(get.get.count, 2); /* of 96 bytes */
    buf_deinit(&get.get.records);
    f.store->config.in_memory_bytes = 1;
    sf_get(&f, &get, "T", 0, 0, 32);
    ck_assert_uint_eq(get.get.count, 1); /* the first one always */
    buf_deinit(&get.get.records);
    fake_set_memory_bytes(f.env, 1000); /* 400 bytes of the log count as in memory */
    sf_get(&f, &get, "T", 0, 0, 32);
    ck_assert_uint_eq(get.get.count, 8);
    ck_assert(get.get.suggest_slave);
    buf_deinit(&get.get.records);
    ck_assert(store_is_on_disk_only(f.store, SPAN_LITERAL("T"), 0, 0));
    ck_assert(!store_is_on_disk_only(f.store, SPAN_LITERAL("T"), 0, 49));
    ck_assert(!store_is_on_disk_only(f.store, SPAN_LITERAL("T"), 0, 50));
}
END_TEST

static bool only_tag_b(void *ctx, int64_t tags_code) {
    (void)ctx;
    return tags_code == 2598920;
}

static void get_filtered(struct sf_get *get, int64_t offset) {
    sf_get_filtered(&f, get, "T", 0, offset, 32, only_tag_b, NULL);
}

START_TEST(test_store_get__filter) {
    struct sf_get get;
    for (unsigned i = 0; i < 10; i++) {
        sf_put(&f, "T", 0, "x", i % 5 == 4 ? "TAGS\001TagB" : "TAGS\001TagA");
    }
    get_filtered(&get, 0);
    ck_assert_int_eq(get.status, GET_FOUND);
    ck_assert_uint_eq(get.get.count, 2);
    ck_assert_int_eq(sf_record(&get, 1).queue_offset, 9);
    ck_assert_int_eq(get.get.next_offset, 10);
    buf_deinit(&get.get.records);
    sf_put(&f, "T", 0, "x", "");
    get_filtered(&get, 10);
    ck_assert_int_eq(get.status, GET_NO_MATCHED_MESSAGE);
    ck_assert_int_eq(get.get.next_offset, 11);
    buf_deinit(&get.get.records);
}
END_TEST

START_TEST(test_store_get__when_nothing_is_resident) {
    put_many("T", 0, 150);
    reopen();
    fake_set_cold(f.env, true);
    check_queue("T", 0, 0, 150);
    fake_set_cold(f.env, false);
    fake_set_view_max(f.env, 30); /* no whole record, one unit */
    check_queue("T", 0, 0, 150);
    fake_set_view_max(f.env, 10);
    check_queue("T", 0, 0, 150);
    fake_set_view_max(f.env, 0);
    fake_set_buggify(f.env, BUGGIFY_STORE_SMALL_VIEW, true);
    check_queue("T", 0, 0, 150);
}
END_TEST

START_TEST(test_store_get__cancelled_while_it_reads) {
    put_many("T", 0, 3);
    reopen();
    fake_set_cold(f.env, true);
    struct sf_get get;
    memset(&get, 0, sizeof get);
    buf_init(&get.get.records, f.env);
    get.get.topic = SPAN_LITERAL("T");
    get.get.max_count = 32;
    store_get(f.store, &get.get, sf_on_get);
    ck_assert(!get.done);
    store_get_cancel(f.store, &get.get);
    store_get_cancel(f.store, &get.get);
    memset(&get, 0xee, sizeof get);
    sf_settle(&f);
    fake_set_cold(f.env, false);
    check_queue("T", 0, 0, 3);
}
END_TEST

/* ---- recovery ---- */

static void kill_and_open(void) {
    fake_power_off(f.env, FAKE_KEEP_ALL);
    f.store = NULL;
    sf_open(&f);
    ck_assert_int_eq(f.opened, RMQ_OK);
}

START_TEST(test_queues__rebuilt_from_the_log) {
    put_many("T", 0, 130);
    put_many("U", 1, 5);
    sf_settle(&f);
    fake_remove_file(f.env, "/store/consumequeue/T/0/00000000000000000000");
    fake_remove_file(f.env, "/store/consumequeue/T/0/00000000000000002000");
    kill_and_open();
    check_queue("T", 0, 0, 130);
    check_queue("U", 1, 0, 5);
    ck_assert_int_eq(sf_put(&f, "T", 0, "x", "").put.queue_offset, 130);
}
END_TEST

/* A power-off that keeps any part of what was not durable: what the log has is in the queues. */
START_TEST(test_queues__power_off) {
    for (unsigned round = 0; round < 6; round++) {
        int64_t base = store_max_offset(f.store, SPAN_LITERAL("T"), 0);
        put_many("T", 0, 37);
        put_many("U", 1, 3);
        if (round % 2 == 1) {
            fake_advance_ms(f.env, 61000);
        }
        put_many("T", 0, 20);
        fake_power_off(f.env, (enum fake_keep)_i);
        f.store = NULL;
        sf_open(&f);
        ck_assert_int_eq(f.opened, RMQ_OK);
        int64_t end = store_max_offset(f.store, SPAN_LITERAL("T"), 0);
        ck_assert_int_le(end, base + 57);
        if (_i == FAKE_KEEP_ALL) {
            ck_assert_int_eq(end, base + 57);
        }
        if (round % 2 == 1) {
            ck_assert_int_ge(end, base + 37); /* was flushed */
        }
        check_queue("T", 0, 0, end);
        check_queue("U", 1, 0, store_max_offset(f.store, SPAN_LITERAL("U"), 1));
        ck_assert_int_eq(sf_put(&f, "T", 0, "x", "").put.queue_offset, end);
    }
}
END_TEST

/* ---- failures ---- */

/* What a planted bug of the dispatch does: the unit at 199 is left out, or names another message.
 */
START_TEST(test_dispatch__planted) {
    fake_set_plant(f.env, _i == 0 ? PLANT_STORE_SKIP_DISPATCH : PLANT_STORE_WRONG_UNIT, true);
    put_many("T", 0, 210);
    ck_assert_int_eq(store_max_offset(f.store, SPAN_LITERAL("T"), 0), _i == 0 ? 209 : 210);
    struct sf_get get;
    sf_get(&f, &get, "T", 0, 199, 1);
    ck_assert_int_eq(sf_record(&get, 0).queue_offset, _i == 0 ? 200 : 198);
    buf_deinit(&get.get.records);
}
END_TEST

/* The n-th call of a kind fails while messages are put, read and flushed: what was acknowledged is
 * in its queue, in order, then and after a restart. */
START_TEST(test_store__nth_failure) {
    static const enum fake_failure kinds[] = {FAKE_FAIL_ALLOC, FAKE_FAIL_FILE_OPEN,
                                              FAKE_FAIL_FILE_WRITE, FAKE_FAIL_FILE_SYNC,
                                              FAKE_FAIL_FILE_VIEW};
    for (unsigned n = 1, failed = 1; failed && n < 200; n++) {
        int64_t end = store_max_offset(f.store, SPAN_LITERAL("T"), 0);
        fake_fail_at(f.env, kinds[_i], n);
        for (unsigned i = 0; i < 12; i++) {
            struct sf_put put = sf_put(&f, "T", 0, "body", "KEYS\001k");
            end = put.status == PUT_OK ? put.put.queue_offset + 1 : end;
        }
        for (unsigned i = 0; i < 70; i++) { /* also a thorough flush */
            fake_advance_ms(f.env, 1000);
        }
        failed = fake_failed(f.env, kinds[_i]);
        ck_assert_int_ge(store_max_offset(f.store, SPAN_LITERAL("T"), 0), end);
        check_queue("T", 0, 0, end);
        reopen();
        ck_assert_int_ge(store_max_offset(f.store, SPAN_LITERAL("T"), 0), end);
        check_queue("T", 0, 0, end);
    }
}
END_TEST

/* A disk that takes no queue file for long: not writable after 30 tries, no hole, and all is well
 * when it has room again. */
START_TEST(test_queue__waits_for_the_disk) {
    put_many("T", 0, SF_QUEUE_UNITS);
    fake_fail_files_with(f.env, RMQ_E_NO_SPACE);
    fake_fail_at(f.env, FAKE_FAIL_FILE_OPEN, 1);
    ck_assert_int_eq(sf_put(&f, "T", 0, "x", "").status, PUT_OK);
    for (unsigned i = 0; i < 35; i++) {
        fake_fail_at(f.env, FAKE_FAIL_FILE_OPEN, 1);
        fake_advance_ms(f.env, 1000);
        if (i == 20) {
            ck_assert(store_is_writable(f.store));
        }
    }
    ck_assert(!store_is_writable(f.store));
    ck_assert_int_eq(store_max_offset(f.store, SPAN_LITERAL("T"), 0), SF_QUEUE_UNITS + 1);
    fake_fail_at(f.env, FAKE_FAIL_FILE_OPEN, 0);
    fake_advance_ms(f.env, 2000);
    ck_assert(store_is_writable(f.store));
    put_many("T", 0, 5);
    check_queue("T", 0, 0, SF_QUEUE_UNITS + 6);
    reopen();
    check_queue("T", 0, 0, SF_QUEUE_UNITS + 6);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("store_queue");
    TCase *tests = suite_case(suite, "path");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_store__put_dispatch_get);
    tcase_add_test(tests, test_queue__file_bytes);
    tcase_add_test(tests, test_queue__tags_code_of_delayed_messages);
    tcase_add_test(tests, test_queue__no_file_before_a_unit);
    tcase_add_test(tests, test_queue__several_queues_and_restart);
    tcase_add_test(tests, test_store_each_queue__in_order);
    tests = suite_case(suite, "get");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_store_get__statuses);
    tcase_add_test(tests, test_store_get__limits);
    tcase_add_test(tests, test_store_get__filter);
    tcase_add_test(tests, test_store_get__when_nothing_is_resident);
    tcase_add_test(tests, test_store_get__cancelled_while_it_reads);
    tests = suite_case(suite, "recovery");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, test_queues__rebuilt_from_the_log);
    tcase_add_loop_test(tests, test_queues__power_off, 0, FAKE_KEEP_COUNT);
    tests = suite_case(suite, "failures");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, test_dispatch__planted, 0, 2);
    tcase_add_loop_test(tests, test_store__nth_failure, 0, 5);
    tcase_add_test(tests, test_queue__waits_for_the_disk);
    return suite_run(suite);
}
