/* store/store_config.c - RocketMQ's keys of the store. Source: broker.md 2.3; what is clamped:
 * MessageStoreConfig.getDiskMaxUsedSpaceRatio, DefaultMessageStore.CleanCommitLogService (5.3.3).
 */
#include "model/base/settings.h"
#include "model/store/store.h"

#define HOUR_MAX 23
#define INT_MAX_VALUE 2147483647
#define UNIT_BYTES 20 /* of a consume queue */

static uint32_t number(struct settings *settings, const char *key, uint32_t fallback, uint32_t min,
                       uint32_t max) {
    return (uint32_t)settings_number(settings, key, fallback, min, max);
}

static void read_path(struct settings *settings, const char *key, struct span fallback,
                      char out[ENV_PATH_MAX / 2]) {
    struct span path = settings_text(settings, key, fallback, ENV_PATH_MAX / 2 - 1);
    if (path.len == 0 || path.data[0] != '/' || path.len >= ENV_PATH_MAX / 2) {
        settings_refuse(settings, span_of_text(key), RMQ_E_INVALID);
        return;
    }
    memcpy(out, path.data, path.len);
    out[path.len] = 0;
}

static void read_paths(struct settings *settings, struct store_config *out) {
    static const char DIRECTORY[] = "/commitlog";
    char log[ENV_PATH_MAX / 2 + sizeof DIRECTORY];
    read_path(settings, "storePathRootDir", SPAN_LITERAL("/store"), out->root);
    size_t len = strlen(out->root);
    memcpy(log, out->root, len);
    memcpy(log + len, DIRECTORY, sizeof DIRECTORY);
    read_path(settings, "storePathCommitLog", span_of_text(log), out->commit_log);
}

/* "04", or several hours: "04;05". */
static uint32_t read_hours(struct settings *settings) {
    struct span rest = settings_text(settings, "deleteWhen", SPAN_LITERAL("04"), 256), hour;
    uint32_t hours = 0;
    while (span_next_part(&rest, ';', &hour)) {
        uint64_t value = 0;
        if (span_to_u64(hour, &value) != RMQ_OK || value > HOUR_MAX)
            settings_refuse(settings, SPAN_LITERAL("deleteWhen"), RMQ_E_INVALID);
        else
            hours |= 1U << value;
    }
    return hours;
}

static void read_files(struct settings *settings, struct store_config *out) {
    out->commit_log_file_bytes =
        number(settings, "mappedFileSizeCommitLog", 1U << 30, 1024, INT_MAX_VALUE);
    uint32_t queue_bytes =
        number(settings, "mappedFileSizeConsumeQueue", 300000 * UNIT_BYTES, UNIT_BYTES, 1U << 30);
    out->queue_file_bytes = (queue_bytes + UNIT_BYTES - 1) / UNIT_BYTES * UNIT_BYTES;
    out->index_slots = number(settings, "maxHashSlotNum", 5000000, 1, 100000000);
    out->index_entries = number(settings, "maxIndexNum", 20000000, 2, 90000000);
    out->index_enable = settings_bool(settings, "messageIndexEnable", true);
    out->index_safe = settings_bool(settings, "messageIndexSafe", false);
    out->max_message_bytes = number(settings, "maxMessageSize", 4194304, 10, INT_MAX_VALUE - 65536);
    out->check_crc_on_recover = settings_bool(settings, "checkCRCOnRecover", true);
}

static void read_flush(struct settings *settings, struct store_config *out) {
    static const char *const DISK_TYPES[] = {"ASYNC_FLUSH", "SYNC_FLUSH"};
    out->sync_flush = settings_word(settings, "flushDiskType", DISK_TYPES, 2) == 1;
    out->warm_files = settings_bool(settings, "warmMapedFileEnable", false);
    out->flush_interval_ms = number(settings, "flushIntervalCommitLog", 500, 1, INT_MAX_VALUE);
    out->flush_least_pages = number(settings, "flushCommitLogLeastPages", 4, 0, INT_MAX_VALUE);
    out->flush_thorough_ms =
        number(settings, "flushCommitLogThoroughInterval", 10000, 1, INT_MAX_VALUE);
    out->queue_flush_interval_ms =
        number(settings, "flushIntervalConsumeQueue", 1000, 1, INT_MAX_VALUE);
    out->queue_flush_least_pages =
        number(settings, "flushConsumeQueueLeastPages", 2, 0, INT_MAX_VALUE);
    out->queue_flush_thorough_ms =
        number(settings, "flushConsumeQueueThoroughInterval", 60000, 1, INT_MAX_VALUE);
    out->sync_flush_timeout_ms = number(settings, "syncFlushTimeout", 5000, 1, INT_MAX_VALUE);
}

/* Differs: 5.3 waits for its slaves only with inSyncReplicas > 1; here SYNC_MASTER means it. */
static void read_replication(struct settings *settings, struct store_config *out, bool v5) {
    static const char *const ROLES[] = {"", "ASYNC_MASTER", "SYNC_MASTER", "SLAVE"};
    size_t role = settings_word(settings, "brokerRole", ROLES, 4);
    out->sync_master = role == 2;
    out->replica =
        role == 3 || (role == 0 && settings_number(settings, "brokerId", 0, 0, INT64_MAX) > 0);
    out->slave_timeout_ms = number(settings, "slaveTimeout", 3000, 1, INT_MAX_VALUE);
    uint32_t behind = number(settings, "haSlaveFallbehindMax", 256U << 20, 1, INT_MAX_VALUE);
    uint32_t gap = number(settings, "haMaxGapNotInSync", 256U << 20, 1, INT_MAX_VALUE);
    out->slave_behind_max = v5 ? gap : behind;
}

static void read_upkeep(struct settings *settings, struct store_config *out) {
    out->reserved_hours = number(settings, "fileReservedTime", 72, 0, 1000000);
    out->delete_hours = read_hours(settings);
    out->clean_interval_ms = number(settings, "cleanResourceInterval", 10000, 1, INT_MAX_VALUE);
    out->delete_files_interval_ms =
        number(settings, "deleteCommitLogFilesInterval", 100, 0, INT_MAX_VALUE);
    out->delete_batch = number(settings, "deleteFileBatchMax", 10, 1, INT_MAX_VALUE);
    out->max_used_percent =
        (uint32_t)settings_clamped(settings, "diskMaxUsedSpaceRatio", 75, 10, 95);
    out->clean_forcibly_percent =
        (uint32_t)settings_clamped(settings, "diskSpaceCleanForciblyRatio", 85, 30, 85);
    out->warning_percent =
        (uint32_t)settings_clamped(settings, "diskSpaceWarningLevelRatio", 90, 35, 90);
    out->clean_forcibly = settings_bool(settings, "cleanFileForciblyEnable", true);
}

static void read_limits(struct settings *settings, struct store_config *out) {
    out->memory_percent = number(settings, "accessMessageInMemoryMaxRatio", 40, 0, 100);
    out->page_cache_busy_ms =
        number(settings, "osPageCacheBusyTimeOutMills", 1000, 1, INT_MAX_VALUE);
    out->in_memory_bytes =
        number(settings, "maxTransferBytesOnMessageInMemory", 262144, 1, INT_MAX_VALUE);
    out->in_memory_count =
        number(settings, "maxTransferCountOnMessageInMemory", 32, 1, INT_MAX_VALUE);
    out->in_disk_bytes =
        number(settings, "maxTransferBytesOnMessageInDisk", 65536, 1, INT_MAX_VALUE);
    out->in_disk_count = number(settings, "maxTransferCountOnMessageInDisk", 8, 1, INT_MAX_VALUE);
}

/* "30s", "2h": milliseconds. -1: not one. */
static int64_t delay_ms(struct span word) {
    static const struct {
        uint8_t letter;
        int64_t ms;
    } UNITS[] = {{'s', 1000}, {'m', 60000}, {'h', 3600000}, {'d', 86400000}};
    uint64_t number;
    if (word.len < 2 || span_to_u64(span_of(word.data, word.len - 1), &number) != RMQ_OK ||
        number > INT_MAX_VALUE)
        return -1;
    for (size_t i = 0; i < sizeof UNITS / sizeof UNITS[0]; i++)
        if (word.data[word.len - 1] == UNITS[i].letter)
            return (int64_t)number * UNITS[i].ms;
    return -1;
}

static void read_delays(struct settings *settings, struct store_config *out) {
    static const char LEVELS[] = "1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h";
    struct span rest = settings_text(settings, "messageDelayLevel", span_of_text(LEVELS), 1024);
    struct span word;
    bool good = true;
    while (good && span_next_part(&rest, ' ', &word)) {
        int64_t ms = delay_ms(word);
        good = ms >= 0 && out->delay_levels < STORE_DELAY_LEVELS_MAX;
        if (good)
            out->delay_ms[out->delay_levels++] = ms;
    }
    if (!good || out->delay_levels == 0)
        settings_refuse(settings, SPAN_LITERAL("messageDelayLevel"), RMQ_E_INVALID);
}

int store_config_read(const struct props *config, struct store_config *out, struct span *bad_key) {
    static const char *const PROFILES[] = {"4.9", "5.3"};
    struct settings settings = settings_of(config);
    struct store_config read = {.host = {.ip = {127, 0, 0, 1}, .ip_len = 4, .port = 10911}};
    read_paths(&settings, &read);
    read_files(&settings, &read);
    read_flush(&settings, &read);
    read_upkeep(&settings, &read);
    read_limits(&settings, &read);
    read_delays(&settings, &read);
    read.profile_5_3 = settings_word(&settings, "profile", PROFILES, 2) == 1;
    read_replication(&settings, &read, read.profile_5_3);
    read.quirks = settings_quirks(&settings);
    if (settings.err != RMQ_OK) {
        *bad_key = settings.bad_key;
        return settings.err;
    }
    *out = read;
    return RMQ_OK;
}
