/* test_store_index.c - index files: bytes, rolling, queries, rebuilding, failures. */
#include "model/store/index.h"
#include "model/tests/store_fixture.h"
#include "model/tests/suite.h"
#include "model/wire/message_bytes.h"

static struct store_fixture f;

static void setup(void) {
    sf_begin(&f);
}

static void teardown(void) {
    sf_end(&f);
}

static void put_keyed(const char *topic, unsigned number) {
    char properties[64];
    snprintf(properties, sizeof properties, "UNIQ_KEY\001u%u\002KEYS\001k%u all", number, number);
    ck_assert_int_eq(sf_put(&f, topic, 0, "body", properties).status, PUT_OK);
}

struct query {
    struct store_lookup lookup;
    bool done;
    int status;
};

static void on_query(struct store_lookup *lookup, int status) {
    struct query *query = RMQ_CONTAINER_OF(lookup, struct query, lookup);
    query->done = true;
    query->status = status;
}

/* Messages found by `key`; the queue offset of the first one is noted. */
static unsigned found(const char *topic, const char *key, int64_t *first) {
    struct query query;
    memset(&query, 0, sizeof query);
    buf_init(&query.lookup.records, f.env);
    store_query(f.store, span_of_text(topic), span_of_text(key), 64, 0, INT64_MAX, &query.lookup,
                on_query);
    for (unsigned i = 0; i < 2000 && !query.done; i++) {
        fake_settle(f.env);
    }
    ck_assert(query.done);
    ck_assert_int_eq(query.status, RMQ_OK);
    struct message message;
    if (query.lookup.count > 0 && first != NULL) {
        ck_assert_int_eq(message_decode(buf_span(&query.lookup.records), true, &message),
                         MESSAGE_OK);
        *first = message.queue_offset;
    }
    buf_deinit(&query.lookup.records);
    return query.lookup.count;
}

/* The checksum of a record covers its body: the properties of one that was torn may be gone. */
static bool has_keys(unsigned number) {
    struct sf_get get;
    sf_get(&f, &get, "T", 0, number, 1);
    struct span properties = sf_record(&get, 0).properties;
    bool has = message_property(properties, SPAN_LITERAL("KEYS")).len > 5 &&
               memchr(properties.data, 0, properties.len) == NULL;
    buf_deinit(&get.get.records);
    return has;
}

/* Each of `count` messages is found by both of its keys, once. */
static void check_found(unsigned count) {
    unsigned lost = 0;
    for (unsigned i = 0; i < count; i++) {
        char key[16];
        if (!has_keys(i)) {
            lost++;
            continue;
        }
        int64_t first = -1;
        snprintf(key, sizeof key, "k%u", i);
        unsigned matches = found("T", key, &first);
        ck_assert_msg(matches == 1, "%s of %u: %u", key, count, matches);
        ck_assert_int_eq(first, i);
        snprintf(key, sizeof key, "u%u", i);
        ck_assert_uint_eq(found("T", key, NULL), 1);
    }
    ck_assert_uint_eq(found("T", "none", NULL), 0);
    count -= lost;
    ck_assert_uint_eq(found("T", "all", NULL), count < 64 ? count : 64);
}

START_TEST(test_index__bytes) {
    char path[128];
    sf_put(&f, "TopicTest", 0, "x", "KEYS\001key1");
    sf_put(&f, "TopicTest", 0, "x", "UNIQ_KEY\001u\002KEYS\001key1");
    sf_close(&f);
    struct buf names;
    buf_init(&names, f.env);
    ck_assert_int_eq(env_path_list(f.env, SPAN_LITERAL("/store/index"), &names), RMQ_OK);
    ck_assert_uint_eq(names.len, 18); /* one */
    ck_assert_str_eq((const char *)names.data, "20260101000000000");
    snprintf(path, sizeof path, "/store/index/%s", (const char *)names.data);
    buf_deinit(&names);
    struct span file;
    ck_assert(fake_get_file(f.env, path, &file));
    ck_assert_uint_eq(file.len, 40 + 5 * 4 + 4 * 20);
    const uint8_t *bytes = file.data;
    ck_assert_int_eq(bytes_i64(bytes), 1767225600000); /* begin time */
    ck_assert_int_eq(bytes_i64(bytes + 16), 0);        /* begin offset */
    ck_assert_int_gt(bytes_i64(bytes + 24), 0);        /* end offset */
    ck_assert_int_eq(bytes_i32(bytes + 36), 4);        /* count, from 1 */
    const uint8_t *entries = bytes + 40 + 20;
    ck_assert_int_eq(bytes_i32(entries), 0);
    ck_assert_int_eq(bytes_i32(entries + 20), 1655984460); /* of "TopicTest#key1" */
    ck_assert_int_eq(bytes_i64(entries + 24), 0);
    ck_assert_int_eq(bytes_i32(entries + 36), 0);
    ck_assert_int_eq(bytes_i32(entries + 60), 1655984460);
    ck_assert_int_eq(bytes_i32(entries + 76), 1); /* the first one is before it */
    ck_assert_int_eq(bytes_i32(bytes + 40 + 4 * (1655984460 % 5)), 3);
    sf_open(&f);
}
END_TEST

START_TEST(test_index__rolls_and_finds) {
    for (unsigned i = 0; i < 20; i++) {
        put_keyed("T", i);
    }
    check_found(20);
    ck_assert_uint_eq(found("U", "k1", NULL), 0);
    sf_settle(&f);
    ck_assert_int_gt(f.store->checkpoint.index_ms, 0);
    fake_set_cold(f.env, true);
    check_found(20);
    fake_set_cold(f.env, false);
}
END_TEST

START_TEST(test_index__restart) {
    for (unsigned i = 0; i < 30; i++) {
        put_keyed("T", i);
        if (i % 7 == 3) {
            sf_close(&f);
            sf_open(&f);
            ck_assert_int_eq(f.opened, RMQ_OK);
        }
    }
    check_found(30);
}
END_TEST

/* What an unclean stop leaves is indexed again, each key once. */
START_TEST(test_index__unclean_stop) {
    for (unsigned i = 0; i < 24; i++) {
        put_keyed("T", i);
        if (i % 5 == 4) {
            fake_power_off(f.env, i % 2 == 0 ? FAKE_KEEP_ALL : FAKE_KEEP_ALL);
            sf_open(&f);
            ck_assert_int_eq(f.opened, RMQ_OK);
            check_found(i + 1);
        }
    }
}
END_TEST

START_TEST(test_index__power_off) {
    unsigned count = 0;
    for (unsigned round = 0; round < 5; round++) {
        for (unsigned i = 0; i < 9; i++) {
            put_keyed("T", count++);
        }
        fake_power_off(f.env, (enum fake_keep)_i);
        sf_open(&f);
        ck_assert_int_eq(f.opened, RMQ_OK);
        count = (unsigned)store_max_offset(f.store, SPAN_LITERAL("T"), 0);
        check_found(count);
    }
}
END_TEST

/* A bigger index than its cache: pages come and go. */
START_TEST(test_index__more_pages_than_the_cache) {
    sf_close(&f);
    f.config.index_slots = 400000; /* 390 pages */
    f.config.index_entries = 3000;
    f.config.commit_log_file_bytes = 1 << 20;
    fake_destroy(f.env);
    f.env = fake_create();
    sf_open(&f);
    for (unsigned i = 0; i < 1200; i++) {
        put_keyed("T", i);
    }
    ck_assert_uint_le(index_last(f.store->index)->page_count, INDEX_PAGES_MAX);
    for (unsigned i = 0; i < 1200; i += 13) {
        char key[16];
        int64_t first = -1;
        snprintf(key, sizeof key, "k%u", i);
        ck_assert_uint_eq(found("T", key, &first), 1);
        ck_assert_int_eq(first, i);
    }
    sf_close(&f);
    sf_open(&f);
    ck_assert_uint_eq(found("T", "k1100", NULL), 1);
    ck_assert_uint_eq(found("T", "u3", NULL), 1);
}
END_TEST

/* Each failing write, open, sync and view: nothing is lost from the index. */
START_TEST(test_index__nth_failure) {
    static const enum fake_failure kinds[] = {FAKE_FAIL_FILE_OPEN, FAKE_FAIL_FILE_VIEW};
    for (unsigned n = 1, failed = 1; failed; n++) {
        fake_fail_at(f.env, kinds[_i], n);
        for (unsigned i = 0; i < 8; i++) {
            sf_put(&f, "T", 0, "body", "KEYS\001same");
        }
        for (unsigned i = 0; i < 20; i++) {
            fake_advance_ms(f.env, 1000);
        }
        failed = fake_failed(f.env, kinds[_i]);
        int64_t end = store_max_offset(f.store, SPAN_LITERAL("T"), 0);
        ck_assert_uint_eq(found("T", "same", NULL), end < 64 ? (unsigned)end : 64);
        ck_assert_uint_lt(n, 100);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("store_index");
    TCase *tests = suite_case(suite, "index");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, test_index__bytes);
    tcase_add_test(tests, test_index__rolls_and_finds);
    tcase_add_test(tests, test_index__restart);
    tcase_add_test(tests, test_index__unclean_stop);
    tcase_add_loop_test(tests, test_index__power_off, 0, FAKE_KEEP_COUNT);
    tcase_add_test(tests, test_index__more_pages_than_the_cache);
    tcase_add_loop_test(tests, test_index__nth_failure, 0, 2);
    return suite_run(suite);
}
