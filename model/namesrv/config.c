/* namesrv/config.c - the table of keys, and what reads and checks it. */
#include "model/namesrv/config.h"

#include "model/env.h"
#include "model/quirks.h"

enum key_type { KEY_TEXT, KEY_BOOL, KEY_INT };

struct key_row {
    const char *key;
    enum key_type type;
    int64_t min;
    int64_t max;
    const char *default_4_9; /* NULL: no value unless given */
    const char *default_5_3;
};

#define BLACK_LIST "configBlackList;configStorePath;kvConfigPath"
#define INT_MAX_ INT32_MAX

/* Keys of NamesrvConfig and NettyServerConfig (namesrv.md 2), then those of this implementation. A
 * key without a default in a profile does not exist in that release; it is accepted all the same.
 */
static const struct key_row KEYS[] = {
    {"bindAddress", KEY_TEXT, 0, 0, NULL, "0.0.0.0"},
    {"clientRequestThreadPoolNums", KEY_INT, 1, INT_MAX_, NULL, "8"},
    {"clientRequestThreadPoolQueueCapacity", KEY_INT, 1, INT_MAX_, NULL, "50000"},
    {"clusterTest", KEY_BOOL, 0, 0, "false", "false"},
    {"configBlackList", KEY_TEXT, 0, 0, BLACK_LIST, BLACK_LIST},
    {"configStorePath", KEY_TEXT, 0, 0, NULL, NULL},
    {"defaultThreadPoolNums", KEY_INT, 1, INT_MAX_, NULL, "16"},
    {"defaultThreadPoolQueueCapacity", KEY_INT, 1, INT_MAX_, NULL, "10000"},
    {"deleteTopicWithBrokerRegistration", KEY_BOOL, 0, 0, NULL, "false"},
    {"enableAllTopicList", KEY_BOOL, 0, 0, NULL, "true"},
    {"enableControllerInNamesrv", KEY_BOOL, 0, 0, NULL, "false"},
    {"enableShutdownGracefully", KEY_BOOL, 0, 0, NULL, "false"},
    {"enableTopicList", KEY_BOOL, 0, 0, NULL, "true"},
    {"kvConfigPath", KEY_TEXT, 0, 0, NULL, NULL},
    {"listenPort", KEY_INT, 0, 65535, "9876", "9876"},
    {"needWaitForService", KEY_BOOL, 0, 0, NULL, "false"},
    {"notifyMinBrokerIdChanged", KEY_BOOL, 0, 0, NULL, "false"},
    {"orderMessageEnable", KEY_BOOL, 0, 0, "false", "false"},
    {"productEnvName", KEY_TEXT, 0, 0, "center", "center"},
    {"returnOrderTopicConfigToBroker", KEY_BOOL, 0, 0, NULL, "true"},
    {"rocketmqHome", KEY_TEXT, 0, 0, NULL, NULL},
    {"scanNotActiveBrokerInterval", KEY_INT, 1, INT_MAX_, NULL, "5000"},
    {"serverAsyncSemaphoreValue", KEY_INT, 1, INT_MAX_, "64", "64"},
    {"serverCallbackExecutorThreads", KEY_INT, 0, INT_MAX_, "0", "0"},
    {"serverChannelMaxIdleTimeSeconds", KEY_INT, 0, INT_MAX_, "120", "120"},
    {"serverNettyWorkerGroupEnable", KEY_BOOL, 0, 0, NULL, "true"},
    {"serverOnewaySemaphoreValue", KEY_INT, 1, INT_MAX_, "256", "256"},
    {"serverPooledByteBufAllocatorEnable", KEY_BOOL, 0, 0, "true", "true"},
    {"serverSelectorThreads", KEY_INT, 1, INT_MAX_, "3", "3"},
    {"serverSocketBacklog", KEY_INT, 1, INT_MAX_, "1024", "1024"},
    {"serverSocketRcvBufSize", KEY_INT, 0, INT_MAX_, "0", "0"},
    {"serverSocketSndBufSize", KEY_INT, 0, INT_MAX_, "0", "0"},
    {"serverWorkerThreads", KEY_INT, 1, INT_MAX_, "8", "8"},
    {"shutdownWaitTimeSeconds", KEY_INT, 0, INT_MAX_, NULL, "30"},
    {"supportActingMaster", KEY_BOOL, 0, 0, NULL, "false"},
    {"unRegisterBrokerQueueCapacity", KEY_INT, 1, INT_MAX_, NULL, "3000"},
    {"useEpollNativeSelector", KEY_BOOL, 0, 0, "false", "false"},
    {"waitSecondsForService", KEY_INT, 0, INT_MAX_, NULL, "45"},
    {"writeBufferHighWaterMark", KEY_INT, 0, INT_MAX_, "0", "0"},
    {"writeBufferLowWaterMark", KEY_INT, 0, INT_MAX_, "0", "0"},
    {"profile", KEY_TEXT, 0, 0, NULL, NULL},
    {"rejectLiveConflict", KEY_BOOL, 0, 0, NULL, NULL},
    {"rocketmq.serialize.type", KEY_TEXT, 0, 0, NULL, NULL},
};
#define KEY_COUNT (sizeof KEYS / sizeof KEYS[0])

static const struct key_row *find_row(struct span key) {
    for (size_t i = 0; i < KEY_COUNT; i++)
        if (span_equal(span_of_text(KEYS[i].key), key))
            return &KEYS[i];
    return NULL;
}

static bool value_is_good(const struct key_row *row, struct span value) {
    int64_t number;
    switch (row->type) {
    case KEY_BOOL:
        return span_equal(value, SPAN_LITERAL("true")) || span_equal(value, SPAN_LITERAL("false"));
    case KEY_INT:
        return span_to_i64(value, &number) == RMQ_OK && number >= row->min && number <= row->max;
    case KEY_TEXT:
        break;
    }
    return true;
}

/* ---- members from text ----------------------------------------------------------------------- */

/* Values were checked when they came in; only a missing one is left to the fallback. */
static bool get_bool(const struct namesrv_config *config, const char *key, bool fallback) {
    bool value = fallback;
    RMQ_IGNORE(props_get_bool(&config->values, key, fallback, &value), "checked by value_is_good");
    return value;
}

static int64_t get_i64(const struct namesrv_config *config, const char *key, int64_t fallback) {
    int64_t value = fallback;
    RMQ_IGNORE(props_get_i64(&config->values, key, fallback, &value), "checked by value_is_good");
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
    for (size_t i = 0; i < KEY_COUNT; i++) {
        const char *value = config->profile_5_3 ? KEYS[i].default_5_3 : KEYS[i].default_4_9;
        if (value != NULL && props_set_text(&config->values, KEYS[i].key, value) != RMQ_OK)
            return RMQ_E_NOMEM;
    }
    return RMQ_OK;
}

static const char *expectation(const struct key_row *row) {
    return row->type == KEY_BOOL ? "true or false" : "an integer in its range";
}

static int set_given(struct namesrv_config *config, struct env *env, const struct props *given) {
    for (size_t i = 0; i < given->count; i++) {
        struct span key = given->entries[i].key;
        struct span value = given->entries[i].value;
        const struct key_row *row = find_row(key);
        if (row != NULL && !value_is_good(row, value))
            return refuse(env, key, value, expectation(row));
        if (row == NULL && !span_starts_with(key, SPAN_LITERAL("quirk.")))
            env_log(env, ENV_LOG_WARN, "name server configuration: %.*s: unknown key, kept",
                    (int)key.len, (const char *)key.data);
        if (props_set(&config->values, key, value) != RMQ_OK)
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

int namesrv_config_update(struct namesrv_config *config, const struct props *changes) {
    for (size_t i = 0; i < changes->count; i++)
        if (is_black_listed(config, changes->entries[i].key))
            return RMQ_E_STATE;
    for (size_t i = 0; i < changes->count; i++) {
        struct span key = changes->entries[i].key;
        struct span value = changes->entries[i].value;
        const struct key_row *row = find_row(key);
        bool exists = row != NULL && !span_is_absent(props_get_span(&config->values, key));
        if (exists && value_is_good(row, value) && props_set(&config->values, key, value) != RMQ_OK)
            return RMQ_E_NOMEM;
    }
    read_live_members(config);
    return RMQ_OK;
}
