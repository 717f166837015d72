/* test_store_reads.c - store directories of RocketMQ 4.9.7 and 5.3.3, read: each answer of the
 * listing that Apache's own classes gave. */
#include "model/store/queues.h"
#include "model/tests/store_archive.h"
#include "model/tests/suite.h"

static const char *const names[ARCHIVE_COUNT] = ARCHIVE_NAMES;
static struct store_fixture f;

struct lookup {
    struct store_lookup lookup;
    bool done;
    int status;
};

static void on_lookup(struct store_lookup *lookup, int status) {
    struct lookup *l = RMQ_CONTAINER_OF(lookup, struct lookup, lookup);
    l->done = true;
    l->status = status;
}

static void begin(struct lookup *l) {
    memset(l, 0, sizeof *l);
    buf_init(&l->lookup.records, f.env);
}

static void wait(struct lookup *l) {
    for (unsigned i = 0; i < 1000 && !l->done; i++) {
        fake_settle(f.env);
    }
    ck_assert(l->done);
    ck_assert_int_eq(l->status, RMQ_OK);
}

static cJSON *open_archive(int index) {
    archive_open(&f, names[index]);
    return archive_listing(names[index]);
}

static void finish(cJSON *listing) {
    cJSON_Delete(listing);
    sf_end(&f);
}

/* ---- the sections of a listing ---- */

static void check_queue(const cJSON *row) {
    struct span topic = span_of_text(json_text(row, "topic"));
    int32_t queue_id = (int32_t)json_number(row, "queueId");
    ck_assert_int_eq(store_min_offset(f.store, topic, queue_id), json_number(row, "minOffset"));
    ck_assert_int_eq(store_max_offset(f.store, topic, queue_id), json_number(row, "maxOffset"));
    struct lookup l;
    begin(&l);
    store_time_of(f.store, topic, queue_id, json_number(row, "minOffset"), &l.lookup, on_lookup);
    wait(&l);
    ck_assert_int_eq(l.lookup.value, json_number(row, "earliestMessageTime"));
    const struct consume_queue *queue = queues_find(f.store->queues, topic, queue_id);
    int64_t offset = json_number(row, "minOffset");
    const cJSON *physical;
    cJSON_ArrayForEach(physical, cJSON_GetObjectItemCaseSensitive(row, "commitLogOffsets")) {
        struct queue_unit unit;
        ck_assert_int_eq(queue_unit_at(queue, offset++, &unit), RMQ_OK);
        ck_assert_int_eq(unit.physical, (int64_t)physical->valuedouble);
    }
}

static bool has_code(void *ctx, int64_t tags_code) {
    return tags_code == *(int64_t *)ctx;
}

static void check_get(const cJSON *row) {
    struct sf_get get;
    int64_t code = 0;
    if (cJSON_HasObjectItem(row, "tag")) {
        code = message_tags_code(span_of_text(json_text(row, "tag")));
    }
    sf_get_filtered(&f, &get, json_text(row, "topic"), (int32_t)json_number(row, "queueId"),
                    json_number(row, "offset"), (uint32_t)json_number(row, "max"),
                    code == 0 ? NULL : has_code, &code);
    ck_assert_str_eq(get_status_text(get.status), json_text(row, "status"));
    ck_assert_int_eq(get.get.next_offset, json_number(row, "nextBeginOffset"));
    ck_assert_int_eq(get.get.min_offset, json_number(row, "minOffset"));
    ck_assert_int_eq(get.get.max_offset, json_number(row, "maxOffset"));
    const cJSON *offset;
    unsigned index = 0;
    cJSON_ArrayForEach(offset, cJSON_GetObjectItemCaseSensitive(row, "queueOffsets")) {
        ck_assert_int_eq(sf_record(&get, index++).queue_offset, (int64_t)offset->valuedouble);
    }
    ck_assert_uint_eq(get.get.count, index);
    buf_deinit(&get.get.records);
}

/* 4.9 chooses a file by its modification time, of which the archives keep seconds only: queues of
 * one file tell. */
static void check_time(const cJSON *row) {
    struct lookup l;
    const struct consume_queue *queue =
        queues_find(f.store->queues, span_of_text(json_text(row, "topic")),
                    (int32_t)json_number(row, "queueId"));
    if (!f.config.profile_5_3 && queue != NULL && queue->segments.count > 1) {
        return;
    }
    begin(&l);
    store_offset_by_time(f.store, span_of_text(json_text(row, "topic")),
                         (int32_t)json_number(row, "queueId"), json_number(row, "timestamp"), false,
                         &l.lookup, on_lookup);
    wait(&l);
    ck_assert_msg(l.lookup.value == json_number(row, "offset"), "%s/%d at %lld: %lld, not %lld",
                  json_text(row, "topic"), (int)json_number(row, "queueId"),
                  (long long)json_number(row, "timestamp"), (long long)l.lookup.value,
                  (long long)json_number(row, "offset"));
}

static void check_query(const cJSON *row, bool last_update) {
    struct lookup l;
    begin(&l);
    store_query(f.store, span_of_text(json_text(row, "topic")), span_of_text(json_text(row, "key")),
                (uint32_t)json_number(row, "max"), 0, INT64_MAX, &l.lookup, on_lookup);
    wait(&l);
    const cJSON *offset;
    struct span rest = buf_span(&l.lookup.records);
    unsigned count = 0;
    cJSON_ArrayForEach(offset, cJSON_GetObjectItemCaseSensitive(row, "physicalOffsets")) {
        struct message message;
        ck_assert_msg(message_decode(rest, true, &message) == MESSAGE_OK, "%s/%s: %u found",
                      json_text(row, "topic"), json_text(row, "key"), count);
        ck_assert_int_eq(message.physical_offset, (int64_t)offset->valuedouble);
        rest = span_from(rest, message.size);
        count++;
    }
    ck_assert_uint_eq(l.lookup.count, count);
    if (last_update) {
        ck_assert_int_eq(l.lookup.last_update_ms, json_number(row, "indexLastUpdateTimestamp"));
        ck_assert_int_eq(l.lookup.last_update_physical,
                         json_number(row, "indexLastUpdatePhyoffset"));
    }
    buf_deinit(&l.lookup.records);
}

static void check_message(const cJSON *row) {
    struct lookup l;
    begin(&l);
    store_message_at(f.store, json_number(row, "physicalOffset"), &l.lookup, on_lookup);
    ck_assert_msg(!l.done || l.status == RMQ_OK, "no message at %lld",
                  (long long)json_number(row, "physicalOffset"));
    wait(&l);
    struct message message;
    ck_assert_int_eq(message_decode(buf_span(&l.lookup.records), true, &message), MESSAGE_OK);
    ck_assert_uint_eq(message.size, (size_t)json_number(row, "size"));
    ck_assert_int_eq(message.queue_offset, json_number(row, "queueOffset"));
    ck_assert(span_equal(message.topic, span_of_text(json_text(row, "topic"))));
    buf_deinit(&l.lookup.records);
}

static void check_all(const cJSON *listing, bool cold) {
    const cJSON *row;
    fake_set_cold(f.env, cold);
    cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(listing, "messages")) {
        if (cJSON_HasObjectItem(row, "size")) { /* no blank record */
            check_message(row);
        }
    }
    cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(listing, "getMessage")) {
        check_get(row);
    }
    cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(listing, "offsetByTime")) {
        check_time(row);
    }
    cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(listing, "queryMessage")) {
        check_query(row, true);
    }
    fake_set_cold(f.env, false);
    cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(listing, "queues")) {
        check_queue(row);
    }
}

START_TEST(test_archive__reads_as_listed) {
    cJSON *listing = open_archive(_i);
    ck_assert_int_eq(store_min_physical(f.store), json_number(listing, "minPhyOffset"));
    ck_assert_int_eq(store_max_physical(f.store), json_number(listing, "maxPhyOffset"));
    check_all(listing, false);
    check_all(listing, true);
    finish(listing);
}
END_TEST

START_TEST(test_archive__reads_the_same_after_a_restart) {
    cJSON *listing = open_archive(_i);
    sf_close(&f);
    sf_open(&f);
    ck_assert_int_eq(f.opened, RMQ_OK);
    check_all(listing, false);
    finish(listing);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("store_reads");
    TCase *tests = suite_case(suite, "archives");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, test_archive__reads_as_listed, 0, ARCHIVE_COUNT);
    tcase_add_loop_test(tests, test_archive__reads_the_same_after_a_restart, 0, ARCHIVE_COUNT);
    return suite_run(suite);
}
