/* namesrv/config.c - the table of keys, and what reads and checks it. */
#include "model/namesrv/config.h"

#include "model/env.h"
#include "model/quirks.h"

#define BLACK_LIST "configBlackList;configStorePath;kvConfigPath"

/* Keys of NamesrvConfig, NettyServerConfig and (5.3) NettyClientConfig and ControllerConfig
 * (namesrv.md 2), and those of this implementation. A key without a default in a profile does not
 * exist in that release, or depends on the machine; it is accepted all the same. */
/* clang-format off */
static const struct key_row ROWS[] = {
    {"allowQuirks", KEY_BOOL, KEY_START, false, 0, 0, NULL, {NULL, NULL}},
    {"bindAddress", KEY_TEXT, KEY_START, false, 0, 0, NULL, {NULL, "0.0.0.0"}},
    {"channelNotActiveInterval", KEY_INT, KEY_IDLE, false, INT64_MIN, INT64_MAX, NULL, {NULL, NULL}},
    {"clientAsyncSemaphoreValue", KEY_INT, KEY_IDLE, false, INT32_MIN, INT32_MAX, NULL, {NULL, NULL}},
    {"clientCallbackExecutorThreads", KEY_INT, KEY_IDLE, false, INT32_MIN, INT32_MAX, NULL, {NULL, NULL}},
    {"clientChannelMaxIdleTimeSeconds", KEY_INT, KEY_IDLE, false, INT32_MIN, INT32_MAX, NULL, {NULL, NULL}},
    {"clientCloseSocketIfTimeout", KEY_BOOL, KEY_IDLE, false, 0, 0, NULL, {NULL, NULL}},
    {"clientOnewaySemaphoreValue", KEY_INT, KEY_IDLE, false, INT32_MIN, INT32_MAX, NULL, {NULL, NULL}},
    {"clientPooledByteBufAllocatorEnable", KEY_BOOL, KEY_IDLE, false, 0, 0, NULL, {NULL, NULL}},
    {"clientRequestThreadPoolNums", KEY_INT, KEY_IDLE, false, 1, INT32_MAX, NULL, {NULL, "8"}},
    {"clientRequestThreadPoolQueueCapacity", KEY_INT, KEY_IDLE, false, 1, INT32_MAX, NULL, {NULL, "50000"}},
    {"clientSocketRcvBufSize", KEY_INT, KEY_IDLE, false, INT32_MIN, INT32_MAX, NULL, {NULL, NULL}},
    {"clientSocketSndBufSize", KEY_INT, KEY_IDLE, false, INT32_MIN, INT32_MAX, NULL, {NULL, NULL}},
    {"clientWorkerThreads", KEY_INT, KEY_IDLE, false, INT32_MIN, INT32_MAX, NULL, {NULL, NULL}},
    {"clusterTest", KEY_WORD, KEY_FENCED, false, 0, 0, "false", {"false", "false"}},
    {"configBlackList", KEY_TEXT, KEY_NOW, false, 0, 0, NULL, {BLACK_LIST, BLACK_LIST}},
    {"configStorePath", KEY_TEXT, KEY_START, false, 0, 0, NULL, {NULL, NULL}},
    {"connectTimeoutMillis", KEY_INT, KEY_IDLE, false, INT32_MIN, INT32_MAX, NULL, {NULL, NULL}},
    {"controllerDLegerGroup", KEY_TEXT, KEY_IDLE, false, 0, 0, NULL, {NULL, NULL}},
    {"controllerDLegerPeers", KEY_TEXT, KEY_IDLE, false, 0, 0, NULL, {NULL, NULL}},
    {"controllerDLegerSelfId", KEY_TEXT, KEY_IDLE, false, 0, 0, NULL, {NULL, NULL}},
    {"controllerRequestThreadPoolQueueCapacity", KEY_TEXT, KEY_IDLE, false, 0, 0, NULL, {NULL, NULL}},
    {"controllerStorePath", KEY_TEXT, KEY_IDLE, false, 0, 0, NULL, {NULL, NULL}},
    {"controllerThreadPoolNums", KEY_TEXT, KEY_IDLE, false, 0, 0, NULL, {NULL, NULL}},
    {"controllerType", KEY_TEXT, KEY_IDLE, false, 0, 0, NULL, {NULL, NULL}},
    {"defaultThreadPoolNums", KEY_INT, KEY_IDLE, false, 1, INT32_MAX, NULL, {NULL, "16"}},
    {"defaultThreadPoolQueueCapacity", KEY_INT, KEY_IDLE, false, 1, INT32_MAX, NULL, {NULL, "10000"}},
    {"deleteTopicWithBrokerRegistration", KEY_BOOL, KEY_NOW, false, 0, 0, NULL, {NULL, "false"}},
    {"disableCallbackExecutor", KEY_BOOL, KEY_IDLE, false, 0, 0, NULL, {NULL, NULL}},
    {"disableNettyWorkerGroup", KEY_BOOL, KEY_IDLE, false, 0, 0, NULL, {NULL, NULL}},
    {"electMasterMaxRetryCount", KEY_TEXT, KEY_IDLE, false, 0, 0, NULL, {NULL, NULL}},
    {"enableAllTopicList", KEY_BOOL, KEY_NOW, false, 0, 0, NULL, {NULL, "true"}},
    {"enableControllerInNamesrv", KEY_WORD, KEY_FENCED, false, 0, 0, "false", {NULL, "false"}},
    {"enableElectUncleanMaster", KEY_TEXT, KEY_IDLE, false, 0, 0, NULL, {NULL, NULL}},
    {"enableReconnectForGoAway", KEY_BOOL, KEY_IDLE, false, 0, 0, NULL, {NULL, NULL}},
    {"enableShutdownGracefully", KEY_BOOL, KEY_IDLE, false, 0, 0, NULL, {NULL, "false"}},
    {"enableTopicList", KEY_BOOL, KEY_NOW, false, 0, 0, NULL, {NULL, "true"}},
    {"isProcessReadEvent", KEY_TEXT, KEY_IDLE, false, 0, 0, NULL, {NULL, NULL}},
    {"isScanAvailableNameSrv", KEY_BOOL, KEY_IDLE, false, 0, 0, NULL, {NULL, NULL}},
    {"kvConfigPath", KEY_TEXT, KEY_START, false, 0, 0, NULL, {NULL, NULL}},
    {"listenPort", KEY_INT, KEY_START, false, 0, 65535, NULL, {"9876", "9876"}},
    {"mappedFileSize", KEY_TEXT, KEY_IDLE, false, 0, 0, NULL, {NULL, NULL}},
    {"maxReconnectIntervalTimeSeconds", KEY_INT, KEY_IDLE, false, INT64_MIN, INT64_MAX, NULL, {NULL, NULL}},
    {"memoryLimitBytes", KEY_INT, KEY_START, false, 0, INT64_MAX, NULL, {NULL, NULL}},
    {"metricGrpcExporterIntervalInMills", KEY_TEXT, KEY_IDLE, false, 0, 0, NULL, {NULL, NULL}},
    {"metricGrpcExporterTimeOutInMills", KEY_TEXT, KEY_IDLE, false, 0, 0, NULL, {NULL, NULL}},
    {"metricLoggingExporterIntervalInMills", KEY_TEXT, KEY_IDLE, false, 0, 0, NULL, {NULL, NULL}},
    {"metricsGrpcExporterHeader", KEY_TEXT, KEY_IDLE, false, 0, 0, NULL, {NULL, NULL}},
    {"metricsGrpcExporterTarget", KEY_TEXT, KEY_IDLE, false, 0, 0, NULL, {NULL, NULL}},
    {"metricsInDelta", KEY_TEXT, KEY_IDLE, false, 0, 0, NULL, {NULL, NULL}},
    {"metricsLabel", KEY_TEXT, KEY_IDLE, false, 0, 0, NULL, {NULL, NULL}},
    {"metricsPort", KEY_INT, KEY_START, false, 0, 65535, NULL, {NULL, NULL}},
    {"metricsPromExporterHost", KEY_TEXT, KEY_IDLE, false, 0, 0, NULL, {NULL, NULL}},
    {"metricsPromExporterPort", KEY_TEXT, KEY_IDLE, false, 0, 0, NULL, {NULL, NULL}},
    {"needWaitForService", KEY_BOOL, KEY_NOW, false, 0, 0, NULL, {NULL, "false"}},
    {"notifyMinBrokerIdChanged", KEY_BOOL, KEY_NOW, false, 0, 0, NULL, {NULL, "false"}},
    {"orderMessageEnable", KEY_BOOL, KEY_NOW, false, 0, 0, NULL, {"false", "false"}},
    {"productEnvName", KEY_TEXT, KEY_IDLE, false, 0, 0, NULL, {"center", "center"}},
    {"profile", KEY_WORD, KEY_START, false, 0, 0, "4.9|5.3", {NULL, NULL}},
    {"rejectLiveConflict", KEY_BOOL, KEY_START, false, 0, 0, NULL, {NULL, NULL}},
    {"returnOrderTopicConfigToBroker", KEY_BOOL, KEY_NOW, false, 0, 0, NULL, {NULL, "true"}},
    {"rocketmq.serialize.type", KEY_WORD, KEY_START, false, 0, 0, "JSON|ROCKETMQ", {NULL, NULL}},
    {"rocketmqHome", KEY_TEXT, KEY_IDLE, false, 0, 0, NULL, {NULL, NULL}},
    {"scanInactiveMasterInterval", KEY_TEXT, KEY_IDLE, false, 0, 0, NULL, {NULL, NULL}},
    {"scanNotActiveBrokerInterval", KEY_INT, KEY_START, false, 1, INT32_MAX, NULL, {NULL, "5000"}},
    {"serverAsyncSemaphoreValue", KEY_INT, KEY_IDLE, false, 1, INT32_MAX, NULL, {"64", "64"}},
    {"serverCallbackExecutorThreads", KEY_INT, KEY_IDLE, false, 0, INT32_MAX, NULL, {"0", "0"}},
    {"serverChannelMaxIdleTimeSeconds", KEY_INT, KEY_START, false, 0, INT32_MAX, NULL, {"120", "120"}},
    {"serverNettyWorkerGroupEnable", KEY_BOOL, KEY_IDLE, false, 0, 0, NULL, {NULL, "true"}},
    {"serverOnewaySemaphoreValue", KEY_INT, KEY_IDLE, false, 1, INT32_MAX, NULL, {"256", "256"}},
    {"serverPooledByteBufAllocatorEnable", KEY_BOOL, KEY_IDLE, false, 0, 0, NULL, {"true", "true"}},
    {"serverSelectorThreads", KEY_INT, KEY_IDLE, false, 1, INT32_MAX, NULL, {"3", "3"}},
    {"serverSocketBacklog", KEY_INT, KEY_IDLE, false, 1, INT32_MAX, NULL, {"1024", "1024"}},
    {"serverSocketRcvBufSize", KEY_INT, KEY_IDLE, false, 0, INT32_MAX, NULL, {"0", "0"}},
    {"serverSocketSndBufSize", KEY_INT, KEY_IDLE, false, 0, INT32_MAX, NULL, {"0", "0"}},
    {"serverWorkerThreads", KEY_INT, KEY_IDLE, false, 1, INT32_MAX, NULL, {"8", "8"}},
    {"shutdownWaitTimeSeconds", KEY_INT, KEY_IDLE, false, 0, INT32_MAX, NULL, {NULL, "30"}},
    {"socksProxyConfig", KEY_TEXT, KEY_IDLE, false, 0, 0, NULL, {NULL, NULL}},
    {"supportActingMaster", KEY_BOOL, KEY_NOW, false, 0, 0, NULL, {NULL, "false"}},
    {"tls.enable", KEY_WORD, KEY_FENCED, false, 0, 0, "false", {NULL, NULL}},
    {"tls.server.mode", KEY_WORD, KEY_FENCED, false, 0, 0, "disabled|permissive", {NULL, NULL}},
    {"unRegisterBrokerQueueCapacity", KEY_INT, KEY_IDLE, false, 1, INT32_MAX, NULL, {NULL, "3000"}},
    {"useEpollNativeSelector", KEY_BOOL, KEY_IDLE, false, 0, 0, NULL, {"false", "false"}},
    {"useTLS", KEY_WORD, KEY_FENCED, false, 0, 0, "false", {NULL, NULL}},
    {"waitSecondsForService", KEY_INT, KEY_NOW, false, 0, INT32_MAX, NULL, {NULL, "45"}},
    {"writeBufferHighWaterMark", KEY_INT, KEY_IDLE, false, 0, INT32_MAX, NULL, {"0", "0"}},
    {"writeBufferLowWaterMark", KEY_INT, KEY_IDLE, false, 0, INT32_MAX, NULL, {"0", "0"}},
};
/* clang-format on */

const struct key_table NAMESRV_KEYS = {ROWS, sizeof ROWS / sizeof ROWS[0]};

/* ---- members from text ----------------------------------------------------------------------- */

/* Values were checked when they came in; only a missing one is left to the fallback. */
static bool get_bool(const struct namesrv_config *config, const char *key, bool fallback) {
    bool value = fallback;
    RMQ_IGNORE(props_get_bool(&config->values, key, fallback, &value),
               "checked by key_value_is_good");
    return value;
}

static int64_t get_i64(const struct namesrv_config *config, const char *key, int64_t fallback) {
    int64_t value = fallback;
    RMQ_IGNORE(props_get_i64(&config->values, key, fallback, &value),
               "checked by key_value_is_good");
    return value;
}

static void read_live_members(struct namesrv_config *config) {
    config->order_message_enable = get_bool(config, "orderMessageEnable", false);
    config->return_order_topic_config = get_bool(config, "returnOrderTopicConfigToBroker", true);
    config->support_acting_master = get_bool(config, "supportActingMaster", false);
    config->notify_min_broker_id_changed = get_bool(config, "notifyMinBrokerIdChanged", false);
    config->enable_all_topic_list = get_bool(config, "enableAllTopicList", true);
    config->enable_topic_list = get_bool(config, "enableTopicList", true);
    config->need_wait_for_service = get_bool(config, "needWaitForService", false);
    config->wait_seconds_for_service = get_i64(config, "waitSecondsForService", 45);
    config->delete_topic_with_registration =
        get_bool(config, "deleteTopicWithBrokerRegistration", false);
}

static void read_start_members(struct namesrv_config *config) {
    const uint64_t ms = 1000000;
    bool is_5_3 = config->profile_5_3;
    config->listen_port = (uint16_t)get_i64(config, "listenPort", 9876);
    config->idle_close_ns =
        (uint64_t)get_i64(config, "serverChannelMaxIdleTimeSeconds", 120) * 1000 * ms;
    config->scan_first_ns = is_5_3 ? 5 * ms : 5000 * ms;
    config->scan_period_ns =
        (uint64_t)get_i64(config, "scanNotActiveBrokerInterval", is_5_3 ? 5000 : 10000) * ms;
    config->reject_live_conflict = get_bool(config, "rejectLiveConflict", true);
}

/* ---- start ----------------------------------------------------------------------------------- */

static int refuse(struct env *env, struct span key, struct span value, const char *expected) {
    env_log(env, ENV_LOG_ERROR, "name server configuration: %.*s=%.*s: expected %s", (int)key.len,
            (const char *)key.data, (int)value.len, (const char *)value.data, expected);
    return RMQ_E_INVALID;
}

static int read_profile(struct namesrv_config *config, struct env *env, const struct props *given) {
    struct span profile = props_get(given, "profile");
    config->profile_5_3 = span_equal(profile, SPAN_LITERAL("5.3"));
    if (!config->profile_5_3 && !span_is_absent(profile) &&
        !span_equal(profile, SPAN_LITERAL("4.9")))
        return refuse(env, SPAN_LITERAL("profile"), profile, "4.9 or 5.3");
    struct span type = props_get(given, "rocketmq.serialize.type");
    config->serialization = span_equal(type, SPAN_LITERAL("ROCKETMQ")) ? WIRE_BINARY : WIRE_JSON;
    if (config->serialization == WIRE_JSON && !span_is_absent(type) &&
        !span_equal(type, SPAN_LITERAL("JSON")))
        return refuse(env, SPAN_LITERAL("rocketmq.serialize.type"), type, "JSON or ROCKETMQ");
    struct span bad_key = SPAN_NONE;
    int err = quirks_read(given, &config->quirks, &bad_key);
    if (err == RMQ_E_INVALID)
        return refuse(env, bad_key, props_get_span(given, bad_key),
                      "a quirk of model/quirks.h, and true or false");
    return err;
}

static int set_defaults(struct namesrv_config *config) {
    for (size_t i = 0; i < NAMESRV_KEYS.count; i++) {
        const char *value = ROWS[i].defaults[config->profile_5_3 ? 1 : 0];
        if (value != NULL && props_set_text(&config->values, ROWS[i].name, value) != RMQ_OK)
            return RMQ_E_NOMEM;
    }
    return RMQ_OK;
}

static int refuse_value(struct env *env, const struct key_row *row, struct span value) {
    char text[128];
    struct buf expected = {.data = (uint8_t *)text, .capacity = sizeof text - 1};
    key_expectation(row, &expected);
    text[expected.len] = 0;
    return refuse(env, span_of_text(row->name), value, text);
}

static int set_given(struct namesrv_config *config, struct env *env, const struct props *given) {
    for (size_t i = 0; i < given->count; i++) {
        struct span key = given->entries[i].key;
        struct span value = given->entries[i].value;
        const struct key_row *row = key_table_find(&NAMESRV_KEYS, key);
        if (row != NULL && !key_value_is_good(row, value))
            return refuse_value(env, row, value);
        if (row == NULL && !span_starts_with(key, SPAN_LITERAL("quirk.")))
            env_log(env, ENV_LOG_WARN, "name server configuration: %.*s: unknown key, kept",
                    (int)key.len, (const char *)key.data);
        if (props_set_line(&config->values, key, value, given->entries[i].line) != RMQ_OK)
            return RMQ_E_NOMEM;
    }
    return RMQ_OK;
}

int namesrv_config_init(struct namesrv_config *config, struct env *env, const struct props *given) {
    memset(config, 0, sizeof *config);
    props_init(&config->values, env);
    int err = read_profile(config, env, given);
    if (err == RMQ_OK)
        err = set_defaults(config);
    if (err == RMQ_OK)
        err = set_given(config, env, given);
    if (err != RMQ_OK) {
        props_deinit(&config->values);
        return err;
    }
    read_start_members(config);
    read_live_members(config);
    return RMQ_OK;
}

void namesrv_config_deinit(struct namesrv_config *config) {
    props_deinit(&config->values);
}

/* ---- update (318) ---------------------------------------------------------------------------- */

/* Whether `key` is an element of the ';' list. */
static bool list_names(struct span list, struct span key) {
    size_t start = 0;
    for (size_t i = 0; i <= list.len; i++) {
        if (i < list.len && list.data[i] != ';')
            continue;
        if (i > start && span_equal(span_of(list.data + start, i - start), key))
            return true;
        start = i + 1;
    }
    return false;
}

/* Differs: profile, rejectLiveConflict and quirks are of this implementation and read at start
 * only, so that no request can switch them. */
static bool is_black_listed(const struct namesrv_config *config, struct span key) {
    return list_names(SPAN_LITERAL(BLACK_LIST ";rocketmqHome;profile;rejectLiveConflict"), key) ||
           span_starts_with(key, SPAN_LITERAL("quirk.")) ||
           list_names(props_get(&config->values, "configBlackList"), key);
}

int namesrv_config_update(struct namesrv_config *config, const struct props *changes,
                          const struct props_entry **bad) {
    for (size_t i = 0; i < changes->count; i++) {
        const struct props_entry *change = &changes->entries[i];
        const struct key_row *row = key_table_find(&NAMESRV_KEYS, change->key);
        if (is_black_listed(config, change->key))
            return RMQ_E_STATE;
        if (row == NULL || row->effect != KEY_FENCED || key_value_is_good(row, change->value))
            continue;
        *bad = change;
        return RMQ_E_RANGE;
    }
    for (size_t i = 0; i < changes->count; i++) {
        struct span key = changes->entries[i].key;
        struct span value = changes->entries[i].value;
        const struct key_row *row = key_table_find(&NAMESRV_KEYS, key);
        bool exists = row != NULL && !span_is_absent(props_get_span(&config->values, key));
        if (exists && key_value_is_good(row, value) &&
            props_set_line(&config->values, key, value, changes->entries[i].line) != RMQ_OK)
            return RMQ_E_NOMEM;
    }
    read_live_members(config);
    return RMQ_OK;
}
