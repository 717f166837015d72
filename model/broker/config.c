/* broker/config.c - reads the broker's configuration; see config.h. */
#include "model/broker/config.h"

#include "model/base/check.h"
#include "model/base/settings.h"
#include "model/broker/config_keys.h"
#include "model/env.h"

#define TIME_MS_MAX 600000
#define COUNT_MAX 1000000
#define PULL_THREADS 24    /* 16 + 2 * cores, of a machine with 4 */
#define NAME_BYTES_MAX 255 /* of what ends up in topic names and headers */

/* Masters have id 0 whatever `brokerId` says; a SLAVE needs a positive one (broker.md 1). Without
 * `brokerRole` the id decides: that is Windtunnel's. */
static void read_role(struct settings *settings, struct broker_config *config) {
    static const char *const ROLES[] = {"", "ASYNC_MASTER", "SYNC_MASTER", "SLAVE"};
    config->broker_id = settings_number(settings, "brokerId", 0, 0, INT64_MAX);
    size_t role = settings_word(settings, "brokerRole", ROLES, 4);
    if (role == 1 || role == 2)
        config->broker_id = 0;
    config->sync_master = role == 2;
    if (role == 3 && config->broker_id == 0)
        settings_refuse(settings, SPAN_LITERAL("brokerId"), RMQ_E_INVALID);
}

static void read_switches(struct settings *settings, struct broker_config *config) {
    config->force_register = settings_bool(settings, "forceRegister", true);
    config->compressed_register = settings_bool(settings, "compressedRegister", false);
    config->oneway_register = settings_bool(settings, "onewayRegister", false);
    config->auto_create_group = settings_bool(settings, "autoCreateSubscriptionGroup", true);
    config->notify_ids_changed = settings_bool(settings, "notifyConsumerIdsChangedEnable", true);
    config->auto_create_topic = settings_bool(settings, "autoCreateTopicEnable", true);
    config->cluster_topic = settings_bool(settings, "clusterTopicEnable", true);
    config->broker_topic = settings_bool(settings, "brokerTopicEnable", true);
    config->trace_topic_enabled = settings_bool(settings, "traceTopicEnable", false);
    config->timer_wheel = settings_bool(settings, "timerWheelEnable", true);
    config->acting_master =
        settings_bool(settings, "enableSlaveActingMaster", false) && config->profile_5_3;
    config->compatible_with_old_namesrv = settings_bool(settings, "compatibleWithOldNameSrv", true);
}

static void read_messages(struct settings *settings, struct broker_config *config) {
    config->fast_failure = settings_bool(settings, "brokerFastFailureEnable", true);
    config->long_polling = settings_bool(settings, "longPollingEnable", true);
    config->slave_read = settings_bool(settings, "slaveReadEnable", false);
    config->trace_on = settings_bool(settings, "traceOn", true);
    config->store_replies = settings_bool(settings, "storeReplyMessageEnable", true);
    config->reject_transactions = settings_bool(settings, "rejectTransactionMessage", false);
    config->send_wait_ms =
        (uint32_t)settings_number(settings, "waitTimeMillsInSendQueue", 200, 1, TIME_MS_MAX);
    config->pull_wait_ms =
        (uint32_t)settings_number(settings, "waitTimeMillsInPullQueue", 5000, 1, TIME_MS_MAX);
    config->send_capacity =
        (uint32_t)settings_number(settings, "sendThreadPoolQueueCapacity", 10000, 1, COUNT_MAX);
    config->pull_capacity =
        (uint32_t)settings_number(settings, "pullThreadPoolQueueCapacity", 100000, 1, COUNT_MAX);
    config->pull_threads = (uint32_t)settings_number(settings, "pullMessageThreadPoolNums",
                                                     PULL_THREADS, 1, COUNT_MAX);
    config->short_polling_ms =
        (uint32_t)settings_number(settings, "shortPollingTimeMills", 1000, 1, TIME_MS_MAX);
    config->query_max = (uint32_t)settings_number(settings, "defaultQueryMaxNum", 32, 1, COUNT_MAX);
    config->accept_sends_ms =
        settings_number(settings, "startAcceptSendRequestTimeStamp", 0, 0, INT64_MAX);
}

static void read_filters(struct settings *settings, struct broker_config *config) {
    config->property_filter = settings_bool(settings, "enablePropertyFilter", false);
    config->filter_retry = settings_bool(settings, "filterSupportRetry", false);
    config->bloom_error_percent =
        (uint8_t)settings_number(settings, "maxErrorRateOfBloomFilter", 20, 1, 99);
    config->bloom_names =
        (uint32_t)settings_number(settings, "expectConsumerNumUseFilter", 32, 1, 10000000);
    config->filter_clean_ms =
        settings_number(settings, "filterDataCleanTimeSpan", 86400000, 0, INT64_MAX);
}

static void read_numbers(struct settings *settings, struct broker_config *config) {
    config->period_ms =
        (uint32_t)settings_clamped(settings, "registerNameServerPeriod", 30000, 10000, 60000);
    config->timeout_ms = (uint32_t)settings_number(
        settings, "registerBrokerTimeoutMills", config->profile_5_3 ? 24000 : 6000, 1, TIME_MS_MAX);
    config->heartbeat_ms =
        (uint32_t)settings_number(settings, "brokerHeartbeatInterval", 1000, 1, TIME_MS_MAX);
    config->member_ms =
        (uint32_t)settings_number(settings, "syncBrokerMemberGroupPeriod", 1000, 1, TIME_MS_MAX);
    config->not_active_ms =
        (uint32_t)settings_number(settings, "brokerNotActiveTimeoutMillis", 10000, 1, INT32_MAX);
    config->offsets_save_ms =
        (uint32_t)settings_number(settings, "flushConsumerOffsetInterval", 5000, 1, TIME_MS_MAX);
    config->listen_port = (uint16_t)settings_number(settings, "listenPort", 10911, 1, 65534);
    config->topic_queues =
        (uint16_t)settings_number(settings, "defaultTopicQueueNums", 8, 1, 65535);
    config->permission = (uint8_t)settings_number(settings, "brokerPermission", 6, 0, 15);
}

/* 4.9 forces listenPort + 1; 5.3 keeps a configured positive value. */
static int64_t ha_port(struct settings *settings, const struct broker_config *config) {
    int64_t port = settings_number(settings, "haListenPort", 0, 0, 65535);
    return config->profile_5_3 && port > 0 ? port : config->listen_port + 1;
}

static void read_replication(struct settings *settings, struct broker_config *config) {
    static const char *const DISK_TYPES[] = {"ASYNC_FLUSH", "SYNC_FLUSH"};
    config->sync_flush = settings_word(settings, "flushDiskType", DISK_TYPES, 2) == 1;
    config->log_file_bytes =
        (uint64_t)settings_number(settings, "mappedFileSizeCommitLog", 1 << 30, 1024, INT32_MAX);
    config->ha_from_first_file = settings_bool(settings, "haNewSlaveFromFirstFile", false);
    config->ha_batch_bytes =
        (uint32_t)settings_number(settings, "haTransferBatchSize", 32768, 1, 64 << 20);
    config->ha_heartbeat_ms =
        (uint32_t)settings_number(settings, "haSendHeartbeatInterval", 5000, 1, TIME_MS_MAX);
    config->ha_silence_ms =
        (uint32_t)settings_number(settings, "haHousekeepingInterval", 20000, 1, TIME_MS_MAX);
}

/* Appends to the block, which has room and does not move. */
static struct span put(struct buf *text, struct span first, struct span second, struct span third) {
    size_t start = text->len;
    RMQ_ASSERT(first.len + second.len + third.len <= text->capacity - start);
    buf_put_span(text, first);
    buf_put_span(text, second);
    buf_put_span(text, third);
    return span_of(text->data + start, text->len - start);
}

static struct span put_address(struct buf *text, struct span ip, int64_t port) {
    char digits[DECIMAL_BYTES_MAX];
    return put(text, ip, SPAN_LITERAL(":"), span_of(digits, format_i64(digits, port)));
}

/* Lays all names out in one block; topic names made of the cluster's and the broker's contain them:
 * rmq_sys_REVIVE_LOG_<cluster>_REPLY_TOPIC holds three. */
static void read_texts(struct env *env, struct settings *settings, struct broker_config *config) {
    const struct span revive = SPAN_LITERAL("rmq_sys_REVIVE_LOG_");
    const struct span reply = SPAN_LITERAL("_REPLY_TOPIC");
    const struct span member = SPAN_LITERAL("rmq_sys_SYNC_BROKER_MEMBER_");
    struct env_identity self;
    env_identity(env, &self);
    struct span cluster = settings_text(settings, "brokerClusterName",
                                        SPAN_LITERAL("DefaultCluster"), NAME_BYTES_MAX);
    struct span name =
        settings_text(settings, "brokerName", SPAN_LITERAL("DEFAULT_BROKER"), NAME_BYTES_MAX);
    struct span trace = settings_text(settings, "msgTraceTopicName",
                                      SPAN_LITERAL("RMQ_SYS_TRACE_TOPIC"), NAME_BYTES_MAX);
    struct span ip1 = settings_text(settings, "brokerIP1", span_of_text(self.ip), NAME_BYTES_MAX);
    struct span ip2 = settings_text(settings, "brokerIP2", ip1, NAME_BYTES_MAX);
    struct span region =
        settings_text(settings, "regionId", SPAN_LITERAL("DefaultRegion"), NAME_BYTES_MAX);
    const struct span config_dir = SPAN_LITERAL("/config");
    struct span root =
        settings_text(settings, "storePathRootDir", SPAN_LITERAL("/store"), NAME_BYTES_MAX);
    struct span ha_master = /* Apache takes what has 6 characters */
        settings_text(settings, "haMasterAddress", SPAN_NONE, ENV_ADDRESS_MAX - 1);
    const size_t ports = 2 * (sizeof ":65535" - 1);
    size_t size = revive.len + cluster.len + reply.len + member.len + name.len + trace.len +
                  ip1.len + ip2.len + region.len + ha_master.len + root.len + config_dir.len +
                  ports;
    struct buf text = {.env = env, .data = env_alloc(env, size), .capacity = size};
    if (text.data == NULL) {
        settings_refuse(settings, SPAN_LITERAL("brokerName"), RMQ_E_NOMEM);
        return;
    }
    config->text = (char *)text.data;
    struct span names = put(&text, revive, cluster, reply);
    config->revive_topic = span_of(names.data, revive.len + cluster.len);
    config->reply_topic = span_from(names, revive.len);
    config->cluster = span_of(config->reply_topic.data, cluster.len);
    config->member_topic = put(&text, member, name, SPAN_NONE);
    config->name = span_from(config->member_topic, member.len);
    config->trace_topic = put(&text, trace, SPAN_NONE, SPAN_NONE);
    config->region = put(&text, region, SPAN_NONE, SPAN_NONE);
    config->config_dir = put(&text, root, config_dir, SPAN_NONE);
    config->addr = put_address(&text, ip1, config->listen_port);
    config->ha_port = (uint16_t)ha_port(settings, config);
    config->ha_addr = put_address(&text, ip2, config->ha_port);
    config->ha_master = put(&text, ha_master, SPAN_NONE, SPAN_NONE);
}

/* Wrong values are found above; what is not built is the daemon's to refuse (the simulator
 * registers slaves, for instance). */
static void log_finding(void *ctx, enum key_finding finding, const struct props_entry *entry,
                        struct span text) {
    RMQ_ASSERT(entry->key.data != NULL);
    if (!key_finding_is_error(finding))
        env_log(ctx, ENV_LOG_WARN, "broker: %.*s", (int)text.len, (const char *)text.data);
}

int broker_config_read(struct env *env, const struct props *props, struct broker_config *config) {
    static const char *const PROFILES[] = {"4.9", "5.3"};
    static const char *const SERIALIZATIONS[] = {"JSON", "ROCKETMQ"};
    struct settings settings = settings_of(props);
    struct broker_config read = {0};
    read.profile_5_3 = settings_word(&settings, "profile", PROFILES, 2) == 1;
    read.serialization = (enum wire_serialization)settings_word(
        &settings, "rocketmq.serialize.type", SERIALIZATIONS, 2);
    read.quirks = settings_quirks(&settings);
    read_role(&settings, &read);
    read_switches(&settings, &read);
    read_numbers(&settings, &read);
    read_messages(&settings, &read);
    read_replication(&settings, &read);
    read_filters(&settings, &read);
    read_texts(env, &settings, &read);
    int err = settings_refused(&settings, env, "broker");
    if (err == RMQ_OK)
        err = key_table_check(&BROKER_KEYS, env, props, read.profile_5_3, log_finding, env);
    if (err == RMQ_OK)
        *config = read;
    else
        broker_config_free(env, &read);
    return err;
}

void broker_config_free(struct env *env, struct broker_config *config) {
    env_free(env, config->text);
    *config = (struct broker_config){0};
}
