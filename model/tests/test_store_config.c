/* test_store_config.c - each key of the store: its default, its value, its range, and that a wrong
 * one is named. */
#include <check.h>
#include <stddef.h>
#include <stdio.h>

#include "model/base/props.h"
#include "model/quirks.h"
#include "model/store/store.h"
#include "model/tests/env_fake.h"
#include "model/tests/suite.h"

static struct env *env;
static struct store_config config;

static void setup(void) {
    env = fake_create();
}

static void teardown(void) {
    fake_destroy(env);
}

/* Reads `key` = `value` (NULL: no key at all); a wrong key is `bad`. */
static int read(const char *key, const char *value, struct span *bad) {
    static char kept[64]; /* *bad may be borrowed */
    struct props props;
    props_init(&props, env);
    if (key != NULL)
        ck_assert_int_eq(props_set(&props, span_of_text(key), span_of_text(value)), RMQ_OK);
    *bad = SPAN_NONE;
    int err = store_config_read(&props, &config, bad);
    ck_assert_uint_lt(bad->len, sizeof kept);
    if (bad->len > 0)
        memcpy(kept, bad->data, bad->len);
    *bad = span_of(kept, bad->len);
    props_deinit(&props);
    return err;
}

static void check_refused(const char *key, const char *value) {
    struct span bad;
    struct store_config before = config;
    ck_assert_msg(read(key, value, &bad) == RMQ_E_INVALID, "%s=%s", key, value);
    ck_assert_msg(span_equal(bad, span_of_text(key)), "%s=%s names %.*s", key, value, (int)bad.len,
                  (const char *)bad.data);
    ck_assert_mem_eq(&before, &config, sizeof config); /* untouched */
}

/* ---- numbers and booleans ---- */

#define FIELD(name) offsetof(struct store_config, name), sizeof config.name

static const struct {
    const char *key;
    size_t at, size;
    uint64_t fallback, min, max;
} NUMBERS[] = {
    {"mappedFileSizeCommitLog", FIELD(commit_log_file_bytes), 1U << 30, 1024, INT32_MAX},
    {"maxHashSlotNum", FIELD(index_slots), 5000000, 1, 100000000},
    {"maxIndexNum", FIELD(index_entries), 20000000, 2, 90000000},
    {"maxMessageSize", FIELD(max_message_bytes), 4194304, 10, INT32_MAX - 65536},
    {"flushIntervalCommitLog", FIELD(flush_interval_ms), 500, 1, INT32_MAX},
    {"flushCommitLogLeastPages", FIELD(flush_least_pages), 4, 0, INT32_MAX},
    {"flushCommitLogThoroughInterval", FIELD(flush_thorough_ms), 10000, 1, INT32_MAX},
    {"flushIntervalConsumeQueue", FIELD(queue_flush_interval_ms), 1000, 1, INT32_MAX},
    {"flushConsumeQueueLeastPages", FIELD(queue_flush_least_pages), 2, 0, INT32_MAX},
    {"flushConsumeQueueThoroughInterval", FIELD(queue_flush_thorough_ms), 60000, 1, INT32_MAX},
    {"syncFlushTimeout", FIELD(sync_flush_timeout_ms), 5000, 1, INT32_MAX},
    {"fileReservedTime", FIELD(reserved_hours), 72, 0, 1000000},
    {"cleanResourceInterval", FIELD(clean_interval_ms), 10000, 1, INT32_MAX},
    {"deleteCommitLogFilesInterval", FIELD(delete_files_interval_ms), 100, 0, INT32_MAX},
    {"deleteFileBatchMax", FIELD(delete_batch), 10, 1, INT32_MAX},
    {"accessMessageInMemoryMaxRatio", FIELD(memory_percent), 40, 0, 100},
    {"osPageCacheBusyTimeOutMills", FIELD(page_cache_busy_ms), 1000, 1, INT32_MAX},
    {"maxTransferBytesOnMessageInMemory", FIELD(in_memory_bytes), 262144, 1, INT32_MAX},
    {"maxTransferCountOnMessageInMemory", FIELD(in_memory_count), 32, 1, INT32_MAX},
    {"maxTransferBytesOnMessageInDisk", FIELD(in_disk_bytes), 65536, 1, INT32_MAX},
    {"maxTransferCountOnMessageInDisk", FIELD(in_disk_count), 8, 1, INT32_MAX},
};

/* Outside of min to max the nearer one counts. */
static const struct {
    const char *key;
    size_t at, size;
    uint64_t fallback, min, max;
} CLAMPED[] = {
    {"diskMaxUsedSpaceRatio", FIELD(max_used_percent), 75, 10, 95},
    {"diskSpaceCleanForciblyRatio", FIELD(clean_forcibly_percent), 85, 30, 85},
    {"diskSpaceWarningLevelRatio", FIELD(warning_percent), 90, 35, 90},
};

static const struct {
    const char *key;
    size_t at;
    bool fallback;
} BOOLS[] = {
    {"messageIndexEnable", offsetof(struct store_config, index_enable), true},
    {"messageIndexSafe", offsetof(struct store_config, index_safe), false},
    {"checkCRCOnRecover", offsetof(struct store_config, check_crc_on_recover), true},
    {"cleanFileForciblyEnable", offsetof(struct store_config, clean_forcibly), true},
};

static uint64_t number_at(size_t at, size_t size) {
    uint64_t wide = 0;
    uint32_t narrow = 0;
    memcpy(size == sizeof wide ? (void *)&wide : &narrow, (const char *)&config + at, size);
    return size == sizeof wide ? wide : narrow;
}

START_TEST(test_config__numbers) {
    const char *key = NUMBERS[_i].key;
    struct span bad;
    char text[32];
    ck_assert_int_eq(read(NULL, NULL, &bad), RMQ_OK);
    ck_assert_uint_eq(number_at(NUMBERS[_i].at, NUMBERS[_i].size), NUMBERS[_i].fallback);
    const uint64_t values[] = {NUMBERS[_i].min, NUMBERS[_i].min + 1, NUMBERS[_i].max};
    for (unsigned i = 0; i < 3; i++) {
        snprintf(text, sizeof text, "%llu", (unsigned long long)values[i]);
        ck_assert_int_eq(read(key, text, &bad), RMQ_OK);
        ck_assert_uint_eq(number_at(NUMBERS[_i].at, NUMBERS[_i].size), values[i]);
    }
    snprintf(text, sizeof text, "%lld", (long long)NUMBERS[_i].min - 1);
    check_refused(key, text);
    snprintf(text, sizeof text, "%llu", (unsigned long long)NUMBERS[_i].max + 1);
    check_refused(key, text);
    check_refused(key, "many");
    check_refused(key, "1.5");
}
END_TEST

START_TEST(test_config__clamped_numbers) {
    for (size_t i = 0; i < sizeof CLAMPED / sizeof CLAMPED[0]; i++) {
        const uint64_t min = CLAMPED[i].min, max = CLAMPED[i].max;
        const struct {
            int64_t given;
            uint64_t counts;
        } values[] = {{(int64_t)min, min},        {(int64_t)max, max}, {(int64_t)min - 1, min},
                      {(int64_t)max + 1, max},    {INT32_MIN, min},    {INT32_MAX, max},
                      {(int64_t)min + 1, min + 1}};
        struct span bad;
        char text[32];
        ck_assert_int_eq(read(NULL, NULL, &bad), RMQ_OK);
        ck_assert_uint_eq(number_at(CLAMPED[i].at, CLAMPED[i].size), CLAMPED[i].fallback);
        for (size_t v = 0; v < sizeof values / sizeof values[0]; v++) {
            snprintf(text, sizeof text, "%lld", (long long)values[v].given);
            ck_assert_int_eq(read(CLAMPED[i].key, text, &bad), RMQ_OK);
            ck_assert_uint_eq(number_at(CLAMPED[i].at, CLAMPED[i].size), values[v].counts);
        }
        check_refused(CLAMPED[i].key, "2147483648");
        check_refused(CLAMPED[i].key, "many");
    }
}
END_TEST

START_TEST(test_config__booleans) {
    struct span bad;
    for (size_t i = 0; i < sizeof BOOLS / sizeof BOOLS[0]; i++) {
        const bool *value = (const bool *)((const char *)&config + BOOLS[i].at);
        ck_assert_int_eq(read(NULL, NULL, &bad), RMQ_OK);
        ck_assert_int_eq(*value, BOOLS[i].fallback);
        ck_assert_int_eq(read(BOOLS[i].key, BOOLS[i].fallback ? "false" : "true", &bad), RMQ_OK);
        ck_assert_int_eq(*value, !BOOLS[i].fallback);
        check_refused(BOOLS[i].key, "perhaps");
    }
}
END_TEST

/* ---- the others ---- */

START_TEST(test_config__paths) {
    struct span bad;
    char path[ENV_PATH_MAX];
    ck_assert_int_eq(read(NULL, NULL, &bad), RMQ_OK);
    ck_assert_str_eq(config.root, "/store");
    ck_assert_str_eq(config.commit_log, "/store/commitlog");
    ck_assert_int_eq(read("storePathRootDir", "/data/store", &bad), RMQ_OK);
    ck_assert_str_eq(config.root, "/data/store");
    ck_assert_str_eq(config.commit_log, "/data/store/commitlog");
    ck_assert_int_eq(read("storePathCommitLog", "/fast/log", &bad), RMQ_OK);
    ck_assert_str_eq(config.root, "/store");
    ck_assert_str_eq(config.commit_log, "/fast/log");
    memset(path, 'p', sizeof path);
    path[0] = '/';
    path[ENV_PATH_MAX / 2] = '\0';
    check_refused("storePathRootDir", "here");
    check_refused("storePathRootDir", path);
    check_refused("storePathCommitLog", "");
    check_refused("storePathCommitLog", path);
}
END_TEST

START_TEST(test_config__queue_file_is_whole_units) {
    struct span bad;
    ck_assert_int_eq(read(NULL, NULL, &bad), RMQ_OK);
    ck_assert_uint_eq(config.queue_file_bytes, 6000000);
    ck_assert_int_eq(read("mappedFileSizeConsumeQueue", "401", &bad), RMQ_OK);
    ck_assert_uint_eq(config.queue_file_bytes, 420);
    check_refused("mappedFileSizeConsumeQueue", "19");
}
END_TEST

START_TEST(test_config__words) {
    struct span bad;
    ck_assert_int_eq(read(NULL, NULL, &bad), RMQ_OK);
    ck_assert(!config.sync_flush && !config.profile_5_3);
    ck_assert_uint_eq(config.quirks, 0);
    ck_assert_int_eq(read("flushDiskType", "SYNC_FLUSH", &bad), RMQ_OK);
    ck_assert(config.sync_flush);
    ck_assert_int_eq(read("flushDiskType", "ASYNC_FLUSH", &bad), RMQ_OK);
    ck_assert(!config.sync_flush);
    ck_assert_int_eq(read("profile", "5.3", &bad), RMQ_OK);
    ck_assert(config.profile_5_3);
    ck_assert_int_eq(read("quirk.staleTail", "true", &bad), RMQ_OK);
    ck_assert(quirk_on(config.quirks, QUIRK_STALE_TAIL));
    check_refused("flushDiskType", "sync");
    check_refused("profile", "6.0");
    check_refused("quirk.staleTail", "2");
}
END_TEST

START_TEST(test_config__hours) {
    struct span bad;
    ck_assert_int_eq(read(NULL, NULL, &bad), RMQ_OK);
    ck_assert_uint_eq(config.delete_hours, 1U << 4);
    ck_assert_int_eq(read("deleteWhen", "00;4;23", &bad), RMQ_OK);
    ck_assert_uint_eq(config.delete_hours, 1U | 1U << 4 | 1U << 23);
    check_refused("deleteWhen", "24");
    check_refused("deleteWhen", "4;five");
    check_refused("deleteWhen", "-1");
}
END_TEST

START_TEST(test_config__delay_levels) {
    struct span bad;
    char many[512] = "";
    ck_assert_int_eq(read(NULL, NULL, &bad), RMQ_OK);
    ck_assert_uint_eq(config.delay_levels, 18);
    ck_assert_int_eq(config.delay_ms[0], 1000);
    ck_assert_int_eq(config.delay_ms[4], 60000);
    ck_assert_int_eq(config.delay_ms[17], 7200000);
    ck_assert_int_eq(read("messageDelayLevel", "2s 3m 4h 5d", &bad), RMQ_OK);
    ck_assert_uint_eq(config.delay_levels, 4);
    ck_assert_int_eq(config.delay_ms[0], 2000);
    ck_assert_int_eq(config.delay_ms[1], 180000);
    ck_assert_int_eq(config.delay_ms[2], 14400000);
    ck_assert_int_eq(config.delay_ms[3], 432000000);
    static const char *const WRONG[] = {"", " ", "1", "s", "1s 2w", "1s -1s", "99999999999d"};
    for (size_t i = 0; i < sizeof WRONG / sizeof WRONG[0]; i++)
        check_refused("messageDelayLevel", WRONG[i]);
    for (unsigned i = 0; i <= STORE_DELAY_LEVELS_MAX; i++)
        memcpy(many + (size_t)i * 3, "1s ", 4);
    check_refused("messageDelayLevel", many);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("store_config");
    TCase *tests = suite_case(suite, "store_config");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, test_config__numbers, 0, sizeof NUMBERS / sizeof NUMBERS[0]);
    tcase_add_test(tests, test_config__clamped_numbers);
    tcase_add_test(tests, test_config__booleans);
    tcase_add_test(tests, test_config__paths);
    tcase_add_test(tests, test_config__queue_file_is_whole_units);
    tcase_add_test(tests, test_config__words);
    tcase_add_test(tests, test_config__hours);
    tcase_add_test(tests, test_config__delay_levels);
    return suite_run(suite);
}
