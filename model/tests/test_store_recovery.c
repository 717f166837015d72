/* test_store_recovery.c - logs with damage of every kind: cut at the first bad record, nothing that
 * was cut comes back, and the store opens. */
#include "model/store/queues.h"
#include "model/tests/store_role_fake.h"
#include "model/tests/suite.h"
#include "model/wire/message_bytes.h"

#define CONFIG                                                \
    "storePathRootDir=/store\nmappedFileSizeCommitLog=8192\n" \
    "mappedFileSizeConsumeQueue=400\nmaxHashSlotNum=4\nmaxIndexNum=8\n"
#define ZERO_NAME "00000000000000000000"
#define FIRST "/store/commitlog/00000000000000000000"
#define SECOND "/store/commitlog/00000000000000008192"
#define THIRD "/store/commitlog/00000000000000016384"
#define RECORD 520 /* bytes of a record: 15 of them and a blank record make a file */
#define PER_FILE 15
#define SENT 35 /* over three files */

static struct env *env;

static void setup(void) {
    env = fake_create();
    memset(&store_log, 0, sizeof store_log);
}

static void teardown(void) {
    if (fake_node(env) != NULL)
        ck_assert(store_stop(env));
    fake_destroy(env);
}

static void put(unsigned count) {
    for (unsigned i = 0; i < count; i++)
        ck_assert_int_eq(fake_command_text(env, "do=put\nsize=409\n"), RMQ_OK);
    fake_settle(env);
}

/* SENT messages, then the end of the process: all is in the files, and `abort`. */
static void fill(void) {
    ck_assert_int_eq(store_start(env, CONFIG), RMQ_OK);
    put(SENT);
    ck_assert_int_eq(store_log.messages[1].physical, RECORD);
    fake_power_off(env, FAKE_KEEP_ALL);
}

static unsigned count_records(void) {
    unsigned count = each_record(store_of(env), NULL, NULL);
    ck_assert_int_eq(store_max_offset(store_of(env), SPAN_LITERAL("T"), 0), (int64_t)count);
    return count;
}

/* Writes `bytes` over a file's content at `at`. */
static void damage(const char *path, size_t at, struct span bytes) {
    static uint8_t copy[1 << 16];
    struct span file;
    ck_assert(fake_get_file(env, path, &file));
    ck_assert_uint_le(at + bytes.len, file.len);
    size_t len = file.len;
    memcpy(copy, file.data, len);
    memcpy(copy + at, bytes.data, bytes.len);
    fake_put_file(env, path, span_of(copy, len));
}

static void flip(const char *path, size_t at) {
    struct span file;
    ck_assert(fake_get_file(env, path, &file));
    uint8_t byte = file.data[at] ^ 1;
    damage(path, at, span_of(&byte, 1));
}

static void resize(const char *path, size_t len) {
    static uint8_t copy[1 << 16];
    struct span file;
    ck_assert(fake_get_file(env, path, &file));
    memset(copy, 0, sizeof copy);
    memcpy(copy, file.data, file.len < len ? file.len : len);
    fake_put_file(env, path, span_of(copy, len));
}

static bool is_zero(const char *path, size_t from) {
    struct span file;
    ck_assert(fake_get_file(env, path, &file));
    for (size_t i = from; i < file.len; i++)
        if (file.data[i] != 0)
            return false;
    return true;
}

/* Opens with `left` records; then appends, over a power-off, and nothing comes back. */
static void check_cut(unsigned left, const char *reason) {
    ck_assert_int_eq(store_start(env, CONFIG), RMQ_OK);
    ck_assert_uint_eq(count_records(), left);
    ck_assert_str_eq(store_of(env)->recovery.cut_reason, reason);
    ck_assert_int_eq(reason[0] != 0, store_of(env)->recovery.cut_bytes > 0);
    put(1);
    ck_assert_int_eq(store_log.messages[store_log.sent - 1].queue_offset, (int64_t)left);
    fake_power_off(env, FAKE_KEEP_ALL);
    ck_assert_int_eq(store_start(env, CONFIG), RMQ_OK);
    ck_assert_uint_eq(count_records(), left + 1);
    ck_assert(store_stop(env));
    ck_assert_int_eq(store_start(env, CONFIG), RMQ_OK);
    ck_assert_uint_eq(count_records(), left + 1);
}

/* ---- bad records ---- */

static const struct {
    size_t at; /* in the record */
    const char *reason;
} FLIPS[] = {
    {3, "size"},        /* TOTALSIZE */
    {5, "magic"},       /* */
    {9, "crc"},         /* BODYCRC */
    {35, "place"},      /* PHYSICALOFFSET */
    {87, "size"},       /* BODYLENGTH */
    {100, "crc"},       /* the body */
    {88 + 409, "size"}, /* TOPICLENGTH */
};

/* In the first file, the second, and the last; first, middle and last record of a file. */
static const unsigned NUMBERS[] = {0, 1, 14, 15, 20, 29, 30, 33, 34};

START_TEST(test_bad_record_is_cut) {
    unsigned number = NUMBERS[_i];
    teardown();
    for (size_t i = 0; i < sizeof FLIPS / sizeof FLIPS[0]; i++) {
        char path[64];
        setup();
        fill();
        snprintf(path, sizeof path, "/store/commitlog/%020u", number / PER_FILE * 8192);
        flip(path, number % PER_FILE * RECORD + FLIPS[i].at);
        check_cut(number, FLIPS[i].reason);
        teardown();
    }
    setup();
}
END_TEST

START_TEST(test_blank_record_of_another_length_is_cut) {
    fill();
    flip(FIRST, PER_FILE * RECORD + 3);
    check_cut(PER_FILE, "blank");
}
END_TEST

START_TEST(test_torn_tail) {
    static const uint8_t ZEROS[300];
    fill();
    damage(THIRD, 4 * RECORD + 216, span_of(ZEROS, sizeof ZEROS)); /* the end of the last one */
    check_cut(SENT - 1, "size");
}
END_TEST

START_TEST(test_record_longer_than_its_file) {
    uint8_t head[8];
    fill();
    bytes_put_i32(head, 100000);
    bytes_put_i32(head + 4, MESSAGE_MAGIC_V1);
    damage(THIRD, 5 * RECORD, span_of(head, sizeof head));
    check_cut(SENT, "short");
}
END_TEST

/* ---- torn sectors of any part of a record ---- */

#define SECTOR 512
#define LOG_BYTES 8192

/* Appends a record of topic "Torn" behind what `log` has. */
static void append_record(struct buf *log, size_t body_len, struct span properties) {
    static uint8_t body[1024];
    memset(body, 'b', sizeof body);
    struct message message = {
        .physical_offset = (int64_t)log->len,
        .store_ms = 1700000000000,
        .born_ms = 1700000000000,
        .born_host = {.ip = {10, 0, 0, 1}, .ip_len = 4, .port = 5},
        .store_host = {.ip = {10, 0, 0, 2}, .ip_len = 4, .port = 6},
        .body = span_of(body, body_len),
        .topic = SPAN_LITERAL("Torn"),
        .properties = properties,
    };
    ck_assert_int_eq(message_encode(log, &message), RMQ_OK);
}

struct expected {
    const uint8_t *log;
    uint64_t at;
};

static void check_same(const struct message *message, void *ctx) {
    struct expected *expected = ctx;
    const uint8_t *record = message->body.data - 88;
    ck_assert_uint_eq((uint64_t)message->physical_offset, expected->at);
    ck_assert_mem_eq(record, expected->log + expected->at, message->size);
    expected->at += message->size;
}

/* A node that ended uncleanly and left this log opens; how many records are left, all of them as
 * they were in `log`. */
static unsigned open_left(const uint8_t left[LOG_BYTES], const uint8_t log[LOG_BYTES]) {
    struct expected expected = {.log = log};
    setup();
    fake_put_file(env, FIRST, span_of(left, LOG_BYTES));
    fake_put_file(env, "/store/abort", SPAN_LITERAL(""));
    ck_assert_int_eq(store_start(env, CONFIG "messageIndexEnable=false\n"), RMQ_OK);
    unsigned count = each_record(store_of(env), check_same, &expected);
    ck_assert_int_eq(store_max_offset(store_of(env), SPAN_LITERAL("Torn"), 0) > 0, count > 0);
    fake_discard(env);
    return count;
}

/* Three records, the second behind what is durable, at each place in a sector: each sector that it
 * lies in is lost, with all that would have been written there. */
START_TEST(test_torn_sector_is_never_served) {
    static uint8_t log[LOG_BYTES], left[LOG_BYTES];
    char text[700];
    memset(text, 'v', sizeof text);
    memcpy(text, "TAGS\1", 5);
    teardown();
    for (size_t shift = (size_t)_i; shift < SECTOR; shift += 8) {
        struct env *other = fake_create();
        struct buf made;
        buf_init(&made, other);
        append_record(&made, shift, SPAN_LITERAL("KEYS\1k"));
        size_t from = made.len;
        append_record(&made, 40, span_of(text, sizeof text));
        size_t to = made.len;
        append_record(&made, 10, SPAN_NONE);
        memset(log, 0, sizeof log);
        memcpy(log, made.data, made.len);
        for (size_t sector = from / SECTOR * SECTOR; sector < to; sector += SECTOR) {
            size_t begin = sector > from ? sector : from;
            memcpy(left, log, sizeof left);
            memset(left + begin, 0, sector + SECTOR - begin);
            bool second = memcmp(left + from, log + from, to - from) == 0;
            bool third = memcmp(left + to, log + to, made.len - to) == 0;
            ck_assert_uint_eq(open_left(left, log), !second ? 1 : third ? 3 : 2);
        }
        buf_deinit(&made);
        fake_destroy(other);
    }
    setup();
}
END_TEST

/* What Apache stores passes: zeros in values, and no properties at all, wherever the log ends. */
START_TEST(test_zeros_in_properties_are_no_tear) {
    static const char ZEROS[] = "KEYS\1a\0\0b\2TAGS\1\0t\2X\1y\2";
    static uint8_t log[LOG_BYTES];
    teardown();
    for (size_t shift = (size_t)_i; shift < SECTOR; shift += 8) {
        for (unsigned last = 0; last < 2; last++) {
            struct env *other = fake_create();
            struct buf made;
            buf_init(&made, other);
            append_record(&made, shift, SPAN_NONE);
            append_record(&made, 10, last == 0 ? SPAN_NONE : span_of(ZEROS, sizeof ZEROS - 1));
            memset(log, 0, sizeof log);
            memcpy(log, made.data, made.len);
            ck_assert_uint_eq(open_left(log, log), 2);
            buf_deinit(&made);
            fake_destroy(other);
        }
    }
    setup();
}
END_TEST

/* ---- units of messages that another message's place was given to ---- */

static void check_unit(const struct message *message, void *ctx) {
    const struct consume_queue *queue = ctx;
    struct queue_unit unit;
    ck_assert_int_eq(queue_unit_at(queue, message->queue_offset, &unit), RMQ_OK);
    ck_assert_int_eq(unit.physical, message->physical_offset);
    ck_assert_int_eq(unit.size, (int32_t)message->size);
}

/* Units became durable, their messages did not; shorter messages took the places, and became
 * durable before the units did. The next start finds the first units, all of them of places in the
 * log: only the checkpoint can tell, so queues are cut to where recovery began. */
START_TEST(test_units_of_lost_messages) {
    static const char BIG_QUEUE[] =
        "storePathRootDir=/store\nmappedFileSizeCommitLog=8192\nmappedFileSizeConsumeQueue=2000\n";
    static const uint8_t ZEROS[8192];
    ck_assert_int_eq(store_start(env, BIG_QUEUE), RMQ_OK);
    put(PER_FILE + 1);
    fake_advance_ms(env, 130000);
    put(1);
    fake_advance_ms(env, 130000); /* the checkpoint vouches for the first record of SECOND */
    put(8);
    fake_power_off(env, FAKE_KEEP_ALL);
    damage(SECOND, 4 * RECORD, span_of(ZEROS, 8192 - 4 * RECORD));
    ck_assert_int_eq(store_start(env, BIG_QUEUE), RMQ_OK);
    ck_assert_uint_eq(count_records(), PER_FILE + 4);
    for (unsigned i = 0; i < 8; i++)
        ck_assert_int_eq(fake_command_text(env, "do=put\nsize=300\n"), RMQ_OK);
    fake_advance_ms(env, 12000); /* the log is flushed; the queue, too small, only after 60 s */
    ck_assert_int_eq(store_flushed_physical(store_of(env)), store_max_physical(store_of(env)));
    fake_power_off(env, FAKE_KEEP_NONE);
    struct span file;
    struct queue_unit unit;
    ck_assert(fake_get_file(env, "/store/consumequeue/T/0/" ZERO_NAME, &file));
    queue_unit_decode(file.data + (PER_FILE + 9) * QUEUE_UNIT_BYTES, &unit);
    ck_assert_int_eq(unit.physical, 8192 + 9 * RECORD); /* as it was first */
    ck_assert_int_eq(store_start(env, BIG_QUEUE), RMQ_OK);
    ck_assert_uint_eq(store_of(env)->recovery.from, 8192);
    ck_assert_uint_eq(count_records(), PER_FILE + 12);
    const struct consume_queue *queue = queues_find(store_of(env)->queues, SPAN_LITERAL("T"), 0);
    each_record(store_of(env), check_unit, (void *)(uintptr_t)queue);
}
END_TEST

/* ---- files that are not as they were ---- */

START_TEST(test_middle_name_is_missing) {
    fill();
    fake_remove_file(env, SECOND);
    check_cut(PER_FILE, "");
    struct span file;
    ck_assert(!fake_get_file(env, THIRD, &file));
}
END_TEST

START_TEST(test_short_files) {
    static const size_t LENGTHS[] = {0, 4096, 8191};
    static const unsigned LEFT[] = {15, 15 + 7, 30}; /* of the second file */
    teardown();
    for (size_t i = 0; i < 3; i++) {
        setup();
        fill();
        resize(SECOND, LENGTHS[i]);
        ck_assert_int_eq(store_start(env, CONFIG), RMQ_OK);
        ck_assert_uint_eq(count_records(), LENGTHS[i] == 8191 ? SENT : LEFT[i]);
        teardown();
        setup();
        fill();
        resize(THIRD, LENGTHS[i]);
        ck_assert_int_eq(store_start(env, CONFIG), RMQ_OK);
        ck_assert_uint_eq(count_records(), LENGTHS[i] == 0 ? 30 : SENT);
        teardown();
    }
    setup();
}
END_TEST

START_TEST(test_last_file_all_zero) {
    static const uint8_t ZEROS[8192];
    fill();
    fake_put_file(env, "/store/commitlog/00000000000000024576", span_of(ZEROS, sizeof ZEROS));
    check_cut(SENT, "");
    teardown();
    setup();
    fill();
    fake_put_file(env, THIRD, span_of(ZEROS, sizeof ZEROS));
    check_cut(30, "");
}
END_TEST

START_TEST(test_checkpoint_of_any_length) {
    static const size_t LENGTHS[] = {0, 17, 4096, 5000};
    teardown();
    for (size_t i = 0; i < 4; i++) {
        setup();
        fill();
        resize("/store/checkpoint", LENGTHS[i]);
        check_cut(SENT, "");
        teardown();
    }
    setup();
    fill();
    fake_remove_file(env, "/store/checkpoint");
    check_cut(SENT, "");
}
END_TEST

/* A clean stop vouches for the files: one of another size, or missing, is an error of people. */
START_TEST(test_wrong_files_after_a_clean_stop) {
    ck_assert_int_eq(store_start(env, CONFIG), RMQ_OK);
    put(SENT);
    ck_assert(store_stop(env));
    fake_remove_file(env, SECOND);
    ck_assert_int_eq(store_start(env, CONFIG), RMQ_E_INVALID);
    ck_assert_int_eq(store_log.open_status, RMQ_E_INVALID);
    ck_assert(store_stop(env));
}
END_TEST

START_TEST(test_another_process_has_the_store) {
    fake_put_file(env, "/store/lock", SPAN_LITERAL("lock"));
    fake_set_locked(env, "/store/lock", true);
    ck_assert_int_eq(store_start(env, CONFIG), RMQ_E_IN_USE);
    fake_set_locked(env, "/store/lock", false);
}
END_TEST

START_TEST(test_rebuilds_all_queues) {
    fill();
    ck_assert_int_eq(store_start(env, CONFIG), RMQ_OK);
    ck_assert(store_stop(env));
    for (unsigned at = 0; at < 2 * 400; at += 400) {
        char path[64];
        snprintf(path, sizeof path, "/store/consumequeue/T/0/%020u", at);
        fake_remove_file(env, path);
    }
    check_cut(SENT, "");
}
END_TEST

/* Views that end early, or never succeed: reads do. */
START_TEST(test_cold_log) {
    fill();
    fake_set_cold(env, _i == 0);
    fake_set_view_max(env, _i == 0 ? 0 : 100);
    ck_assert_int_eq(store_start(env, CONFIG), RMQ_OK);
    fake_set_cold(env, false);
    ck_assert_uint_eq(count_records(), SENT);
}
END_TEST

/* ---- what old releases do, and planted bugs ---- */

/* Cuts off the last three records, puts one of the same length, and ends. */
static void cut_and_put(const char *config) {
    fill();
    flip(THIRD, 2 * RECORD + 100);
    ck_assert_int_eq(store_start(env, config), RMQ_OK);
    ck_assert_uint_eq(count_records(), 32);
    put(1);
    fake_power_off(env, FAKE_KEEP_ALL);
    ck_assert_int_eq(store_start(env, config), RMQ_OK);
}

START_TEST(test_tail_is_zeroed) {
    cut_and_put(CONFIG);
    ck_assert_uint_eq(count_records(), 33);
    ck_assert(is_zero(THIRD, 3 * RECORD));
}
END_TEST

START_TEST(test_stale_tail_comes_back) {
    if (_i == 0)
        fake_set_plant(env, PLANT_STORE_KEEP_TAIL, true);
    cut_and_put(_i == 0 ? CONFIG : CONFIG "quirk.staleTail=true\n");
    ck_assert_uint_eq(each_record(store_of(env), NULL, NULL), 35);
}
END_TEST

START_TEST(test_read_past_bad) {
    fill();
    flip(FIRST, 10 * RECORD + 100);
    ck_assert_int_eq(store_start(env, CONFIG "quirk.readPastBad=true\n"), RMQ_OK);
    ck_assert_uint_eq(store_of(env)->log.segments.written, 2 * 8192 + 5 * RECORD);
}
END_TEST

START_TEST(test_plants) {
    fake_set_plant(env, PLANT_STORE_NO_CRC, true);
    fill();
    flip(THIRD, 4 * RECORD + 100);
    ck_assert_int_eq(store_start(env, CONFIG), RMQ_OK);
    ck_assert_uint_eq(store_of(env)->recovery.records, SENT);
    ck_assert(store_stop(env));
    fake_discard(env);
    setup();
    fake_set_plant(env, PLANT_STORE_REFUSE_TORN, true);
    fill();
    flip(THIRD, 4 * RECORD + 100);
    ck_assert_int_eq(store_start(env, CONFIG), RMQ_E_INVALID);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("store_recovery");
    TCase *tests = suite_case(suite, "store_recovery");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, test_bad_record_is_cut, 0, sizeof NUMBERS / sizeof NUMBERS[0]);
    tcase_add_test(tests, test_blank_record_of_another_length_is_cut);
    tcase_add_test(tests, test_torn_tail);
    tcase_add_test(tests, test_record_longer_than_its_file);
    tcase_add_loop_test(tests, test_torn_sector_is_never_served, 0, 8);
    tcase_add_loop_test(tests, test_zeros_in_properties_are_no_tear, 0, 8);
    tcase_add_test(tests, test_units_of_lost_messages);
    tcase_add_test(tests, test_middle_name_is_missing);
    tcase_add_test(tests, test_short_files);
    tcase_add_test(tests, test_last_file_all_zero);
    tcase_add_test(tests, test_checkpoint_of_any_length);
    tcase_add_test(tests, test_wrong_files_after_a_clean_stop);
    tcase_add_test(tests, test_another_process_has_the_store);
    tcase_add_test(tests, test_rebuilds_all_queues);
    tcase_add_loop_test(tests, test_cold_log, 0, 2);
    tcase_add_test(tests, test_tail_is_zeroed);
    tcase_add_loop_test(tests, test_stale_tail_comes_back, 0, 2);
    tcase_add_test(tests, test_read_past_bad);
    tcase_add_test(tests, test_plants);
    return suite_run(suite);
}
