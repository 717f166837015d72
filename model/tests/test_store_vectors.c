/* test_store_vectors.c - the logs that RocketMQ 4.9.7 and 5.3.3 wrote: every record as listed, also
 * after appending; and the same messages put here make the same bytes.
 *
 * What may differ in the directory, because it follows from other times or other choices:
 *   checkpoint         times of flushes
 *   abort, lock        5.3.3 writes its process number; a stop that was not clean
 *   index/<name>       the name is a time; what each holds is compared by queries (store_reads)
 *   consumequeue       tags codes of SCHEDULE_TOPIC_XXXX: delivery times of the recorded broker's
 *                      own delay levels
 *   commitlog          files behind the last record, which Apache prepares */
#include "model/store/consume_queue.h"
#include "model/store/store_internal.h"
#include "model/tests/store_archive.h"
#include "model/tests/suite.h"

static const char *const NAMES[] = ARCHIVE_NAMES;
#define EXTRA 5

static struct store_fixture f;

/* ---- records ---- */

typedef void record_fn(const struct message *message, void *ctx);

static unsigned each_record(record_fn *each, void *ctx) {
    static uint8_t bytes[1 << 20];
    const struct segments *segments = &f.store->log.segments;
    unsigned count = 0;
    for (uint64_t at = segments_min(segments); at < segments->written;) {
        struct message message;
        size_t len = (size_t)(segments->file_bytes - at % segments->file_bytes);
        ck_assert_int_eq(segments_copy(segments, at, len, bytes), RMQ_OK);
        enum message_check check = message_decode(span_of(bytes, len), true, &message);
        ck_assert(check == MESSAGE_OK || (check == MESSAGE_BLANK && message.size == len));
        if (check == MESSAGE_OK) {
            each(&message, ctx);
            count++;
        }
        at += message.size;
    }
    return count;
}

static void check_text(struct span text, const char *expected) {
    ck_assert_msg(span_equal(text, span_of_text(expected)), "%.*s, not %s", (int)text.len,
                  (const char *)text.data, expected);
}

static void check_host(const struct message_host *host, const char *expected) {
    char text[MESSAGE_HOST_TEXT_MAX];
    check_text(span_of(text, message_host_format(host, text)), expected);
}

static void check_properties(const struct message *message, const cJSON *row) {
    const cJSON *pair, *properties = cJSON_GetObjectItemCaseSensitive(row, "properties");
    struct span rest = message->properties, name, value;
    while (message_property_next(&rest, &name, &value)) { /* some are there twice */
        char key[256];
        snprintf(key, sizeof key, "%.*s", (int)name.len, (const char *)name.data);
        ck_assert(cJSON_HasObjectItem(properties, key));
    }
    cJSON_ArrayForEach(pair, properties) {
        check_text(message_property(message->properties, span_of_text(pair->string)),
                   pair->valuestring);
    }
}

/* Next row of the listing, without blank records. */
static const cJSON *next_row(const cJSON *row) {
    while (row != NULL && cJSON_HasObjectItem(row, "blank"))
        row = row->next;
    return row;
}

static void check_record(const struct message *message, void *ctx) {
    const cJSON **row = ctx;
    char id[MESSAGE_ID_MAX];
    *row = next_row(*row);
    if (*row == NULL) {
        ck_assert(span_equal(message->topic, SPAN_LITERAL("Extra")));
        return;
    }
    ck_assert_int_eq(message->physical_offset, json_number(*row, "physicalOffset"));
    ck_assert_int_eq((int64_t)message->size, json_number(*row, "size"));
    ck_assert_int_eq(message->magic, json_number(*row, "magic"));
    check_text(message->topic, json_text(*row, "topic"));
    ck_assert_int_eq(message->queue_id, json_number(*row, "queueId"));
    ck_assert_int_eq(message->queue_offset, json_number(*row, "queueOffset"));
    ck_assert_int_eq(message->sys_flag, json_number(*row, "sysFlag"));
    ck_assert_int_eq(message->flag, json_number(*row, "flag"));
    ck_assert_int_eq(message->born_ms, json_number(*row, "bornTimestamp"));
    ck_assert_int_eq(message->store_ms, json_number(*row, "storeTimestamp"));
    check_host(&message->born_host, json_text(*row, "bornHost"));
    check_host(&message->store_host, json_text(*row, "storeHost"));
    ck_assert_int_eq(message->reconsume_times, json_number(*row, "reconsumeTimes"));
    ck_assert_int_eq(message->prepared_transaction_offset,
                     json_number(*row, "preparedTransactionOffset"));
    ck_assert_int_eq(message->body_crc, json_number(*row, "bodyCRC"));
    ck_assert_int_eq((int64_t)message->body.len, json_number(*row, "bodyLength"));
    check_text(span_of(id, message_id_format(&message->store_host, message->physical_offset, id)),
               json_text(*row, "msgId"));
    check_properties(message, *row);
    *row = (*row)->next;
}

static void check_listed(const cJSON *listing, unsigned extra) {
    const cJSON *row = cJSON_GetObjectItemCaseSensitive(listing, "messages")->child;
    unsigned rows = 0;
    for (const cJSON *each = next_row(row); each != NULL; each = next_row(each->next))
        rows++;
    ck_assert_uint_eq(each_record(check_record, &row), rows + extra);
    ck_assert_ptr_null(next_row(row));
    ck_assert_int_eq(store_max_offset(f.store, SPAN_LITERAL("Extra"), 0), (int64_t)extra);
}

START_TEST(test_records_are_listed_and_survive) {
    archive_open(&f, NAMES[_i]);
    cJSON *listing = archive_listing(NAMES[_i]);
    ck_assert_int_eq(f.store->was_clean, strstr(NAMES[_i], "clean") != NULL);
    check_listed(listing, 0);
    for (int i = 0; i < EXTRA; i++)
        ck_assert_int_eq(sf_put(&f, "Extra", 0, "body", "TAGS\1a").status, PUT_OK);
    check_listed(listing, EXTRA);
    sf_close(&f);
    sf_open(&f);
    check_listed(listing, EXTRA);
    store_free(f.store); /* not a clean stop */
    sf_open(&f);
    ck_assert(!f.store->was_clean);
    check_listed(listing, EXTRA);
    cJSON_Delete(listing);
    sf_end(&f);
}
END_TEST

/* ---- the same messages make the same bytes ---- */

static void put_again(const struct message *message, void *ctx) {
    struct store_fixture *copy = ctx;
    struct sf_put p;
    memset(&p, 0, sizeof p);
    copy->store->config.host = message->store_host;
    fake_set_wall_ms(copy->env, message->store_ms);
    store_put(copy->store, message, false, &p.put, sf_on_put);
    while (!p.done)
        fake_settle(copy->env);
    ck_assert_int_eq(p.status, PUT_OK);
    ck_assert_int_eq(p.put.physical_offset, message->physical_offset);
    ck_assert_int_eq(p.put.queue_offset, message->queue_offset);
}

static bool is_zero(struct span bytes) {
    while (bytes.len > 0 && bytes.data[bytes.len - 1] == 0)
        bytes.len--;
    return bytes.len == 0;
}

/* Tags codes of delayed messages become zeros. */
static void mask(uint8_t *units, size_t len) {
    for (size_t at = 0; at + QUEUE_UNIT_BYTES <= len; at += QUEUE_UNIT_BYTES)
        memset(units + at + 12, 0, 8);
}

static void check_file(struct env *copy, const char *path) {
    static uint8_t theirs[1 << 20], ours[1 << 20];
    char full[ENV_PATH_MAX];
    struct span file, again;
    snprintf(full, sizeof full, "/store/%s", path);
    if (!fake_get_file(f.env, full, &file)) { /* prepared, and dropped by recovery */
        ck_assert(strncmp(path, "commitlog/", 10) == 0 && !fake_get_file(copy, full, &again));
        return;
    }
    ck_assert_uint_le(file.len, sizeof theirs);
    if (file.len > 0)
        memcpy(theirs, file.data, file.len);
    file = span_of(theirs, file.len);
    if (!fake_get_file(copy, full, &again)) {
        ck_assert_msg(is_zero(file), "%s is missing", path);
        return;
    }
    ck_assert_uint_eq(again.len, file.len);
    memcpy(ours, again.data, again.len);
    if (strstr(path, "SCHEDULE_TOPIC_XXXX") != NULL) {
        mask(theirs, file.len);
        mask(ours, file.len);
    }
    for (size_t at = 0; at < file.len; at++)
        ck_assert_msg(ours[at] == theirs[at], "%s differs at %zu", path, at);
}

START_TEST(test_same_messages_same_bytes) {
    struct store_fixture copy;
    archive_open(&f, NAMES[_i]);
    cJSON *listing = archive_listing(NAMES[_i]);
    memset(&copy, 0, sizeof copy);
    copy.env = fake_create();
    copy.config = f.config;
    sf_open(&copy);
    each_record(put_again, &copy);
    sf_close(&copy);
    const cJSON *file;
    unsigned compared = 0;
    cJSON_ArrayForEach(file, cJSON_GetObjectItemCaseSensitive(listing, "files")) {
        const char *path = json_text(file, "path");
        if (strncmp(path, "commitlog/", 10) == 0 || strncmp(path, "consumequeue/", 13) == 0) {
            check_file(copy.env, path);
            compared++;
        }
    }
    ck_assert_uint_gt(compared, 20);
    cJSON_Delete(listing);
    fake_destroy(copy.env);
    sf_end(&f);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("store_vectors");
    TCase *tests = suite_case(suite, "store_vectors");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, test_records_are_listed_and_survive, 0, ARCHIVE_COUNT);
    tcase_add_loop_test(tests, test_same_messages_same_bytes, 0, ARCHIVE_COUNT);
    return suite_run(suite);
}
