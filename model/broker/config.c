/* broker/config.c - reads the broker's configuration; see config.h. */
#include "model/broker/config.h"

#include "model/base/buf.h"
#include "model/env.h"
#include "model/quirks.h"
#include "model/wire/body.h"

#define MINUTE_MS 60000
#define NAME_BYTES_MAX 255

/* One key of a number: where it goes, what it is when absent, and its range. */
struct number_key {
    const char *key;
    int64_t fallback, min, max;
};

static const struct number_key BROKER_ID = {"brokerId", 0, 0, INT64_MAX};
static const struct number_key LISTEN_PORT = {"listenPort", 10911, 1, 65535};
static const struct number_key HA_PORT = {"haListenPort", 0, 0, 65535};
static const struct number_key TOPIC_QUEUES = {"defaultTopicQueueNums", 8, 1, 65535};
static const struct number_key PERMISSION = {"brokerPermission", 6, 0, 15};
static const struct number_key PERIOD = {"registerNameServerPeriod", 30000, 0, INT32_MAX};
static const struct number_key TIMEOUT_4_9 = {"registerBrokerTimeoutMills", 6000, 1,
                                              10 * MINUTE_MS};
static const struct number_key TIMEOUT_5_3 = {"registerBrokerTimeoutMills", 24000, 1,
                                              10 * MINUTE_MS};
static const struct number_key HEARTBEAT = {"brokerHeartbeatInterval", 1000, 1, 10 * MINUTE_MS};
static const struct number_key MEMBERS = {"syncBrokerMemberGroupPeriod", 1000, 1, 10 * MINUTE_MS};
static const struct number_key NOT_ACTIVE = {"brokerNotActiveTimeoutMillis", 10000, 1, INT32_MAX};

/* Every key that is read; the rest is logged. `namesrvAddr` and `topics` are read by their owners.
 */
static const char *const KNOWN_KEYS[] = {
    "profile",
    "brokerClusterName",
    "brokerName",
    "brokerId",
    "brokerRole",
    "brokerIP1",
    "brokerIP2",
    "listenPort",
    "haListenPort",
    "namesrvAddr",
    "defaultTopicQueueNums",
    "autoCreateTopicEnable",
    "clusterTopicEnable",
    "brokerTopicEnable",
    "traceTopicEnable",
    "msgTraceTopicName",
    "timerWheelEnable",
    "registerNameServerPeriod",
    "registerBrokerTimeoutMills",
    "forceRegister",
    "compressedRegister",
    "onewayRegister",
    "brokerPermission",
    "enableSlaveActingMaster",
    "compatibleWithOldNameSrv",
    "brokerNotActiveTimeoutMillis",
    "brokerHeartbeatInterval",
    "syncBrokerMemberGroupPeriod",
    "topics",
    "rocketmq.serialize.type",
};

/* The state of a reading: the first error stays. */
struct reading {
    const struct props *props;
    struct span bad_key;
    int err;
};

static void refuse(struct reading *reading, const char *key, int err) {
    if (reading->err != RMQ_OK)
        return;
    reading->err = err;
    reading->bad_key = span_of_text(key);
}

static int64_t read_number(struct reading *reading, const struct number_key *key) {
    int64_t value = key->fallback;
    int err = props_get_i64(reading->props, key->key, key->fallback, &value);
    if (err == RMQ_OK && (value < key->min || value > key->max))
        err = RMQ_E_INVALID;
    if (err != RMQ_OK)
        refuse(reading, key->key, RMQ_E_INVALID);
    return err == RMQ_OK ? value : key->fallback;
}

static bool read_bool(struct reading *reading, const char *key, bool fallback) {
    bool value = fallback;
    if (props_get_bool(reading->props, key, fallback, &value) != RMQ_OK)
        refuse(reading, key, RMQ_E_INVALID);
    return value;
}

/* A name that ends up in topic names and headers: 1 to 255 bytes. */
static struct span read_name(struct reading *reading, const char *key, struct span fallback) {
    struct span value = props_get(reading->props, key);
    if (span_is_absent(value))
        return fallback;
    if (value.len == 0 || value.len > NAME_BYTES_MAX)
        refuse(reading, key, RMQ_E_INVALID);
    return value;
}

/* The index of the value of `key` among `words`; 0 when absent. */
static size_t read_word(struct reading *reading, const char *key, const char *const *words,
                        size_t count) {
    struct span value = props_get(reading->props, key);
    if (span_is_absent(value))
        return 0;
    for (size_t i = 0; i < count; i++) {
        if (span_equal(value, span_of_text(words[i])))
            return i;
    }
    refuse(reading, key, RMQ_E_INVALID);
    return 0;
}

/* Masters have id 0 whatever `brokerId` says; a SLAVE needs a positive one (broker.md 1). Without
 * `brokerRole` the id decides: that is Windtunnel's. */
static void read_role(struct reading *reading, struct broker_config *config) {
    static const char *const ROLES[] = {"", "ASYNC_MASTER", "SYNC_MASTER", "SLAVE"};
    config->broker_id = read_number(reading, &BROKER_ID);
    size_t role = read_word(reading, "brokerRole", ROLES, 4);
    if (role == 1 || role == 2)
        config->broker_id = 0;
    if (role == 3 && config->broker_id == 0)
        refuse(reading, "brokerId", RMQ_E_INVALID);
}

static void read_switches(struct reading *reading, struct broker_config *config) {
    config->force_register = read_bool(reading, "forceRegister", true);
    config->compressed_register = read_bool(reading, "compressedRegister", false);
    config->oneway_register = read_bool(reading, "onewayRegister", false);
    config->auto_create_topic = read_bool(reading, "autoCreateTopicEnable", true);
    config->cluster_topic = read_bool(reading, "clusterTopicEnable", true);
    config->broker_topic = read_bool(reading, "brokerTopicEnable", true);
    config->trace_topic_enabled = read_bool(reading, "traceTopicEnable", false);
    config->timer_wheel = read_bool(reading, "timerWheelEnable", true);
    config->acting_master =
        read_bool(reading, "enableSlaveActingMaster", false) && config->profile_5_3;
    config->compatible_with_old_namesrv = read_bool(reading, "compatibleWithOldNameSrv", true);
}

static void read_numbers(struct reading *reading, struct broker_config *config) {
    int64_t period = read_number(reading, &PERIOD);
    config->period_ms = (uint32_t)(period < 10000       ? 10000
                                   : period > MINUTE_MS ? MINUTE_MS
                                                        : period);
    config->timeout_ms =
        (uint32_t)read_number(reading, config->profile_5_3 ? &TIMEOUT_5_3 : &TIMEOUT_4_9);
    config->heartbeat_ms = (uint32_t)read_number(reading, &HEARTBEAT);
    config->member_ms = (uint32_t)read_number(reading, &MEMBERS);
    config->not_active_ms = (uint32_t)read_number(reading, &NOT_ACTIVE);
    config->listen_port = (uint16_t)read_number(reading, &LISTEN_PORT);
    config->topic_queues = (uint16_t)read_number(reading, &TOPIC_QUEUES);
    config->permission = (uint8_t)read_number(reading, &PERMISSION);
}

/* 4.9 forces listenPort + 1; 5.3 keeps a configured positive value. */
static int64_t ha_port(struct reading *reading, const struct broker_config *config) {
    int64_t port = read_number(reading, &HA_PORT);
    return config->profile_5_3 && port > 0 ? port : config->listen_port + 1;
}

static size_t put_address(struct buf *text, struct span ip, int64_t port) {
    size_t start = text->len;
    buf_put_span(text, ip);
    buf_put_u8(text, ':');
    buf_put_decimal(text, port);
    return text->len - start;
}

/* Lays all names out in one block; topic names made of the cluster's and the broker's contain them:
 * rmq_sys_REVIVE_LOG_<cluster>_REPLY_TOPIC holds three. */
static void read_texts(struct env *env, struct reading *reading, struct broker_config *config) {
    struct env_identity self;
    env_identity(env, &self);
    struct span cluster = read_name(reading, "brokerClusterName", SPAN_LITERAL("DefaultCluster"));
    struct span name = read_name(reading, "brokerName", SPAN_LITERAL("DEFAULT_BROKER"));
    struct span trace =
        read_name(reading, "msgTraceTopicName", SPAN_LITERAL("RMQ_SYS_TRACE_TOPIC"));
    struct span ip1 = read_name(reading, "brokerIP1", span_of_text(self.ip));
    struct span ip2 = read_name(reading, "brokerIP2", ip1);
    static const char REVIVE[] = "rmq_sys_REVIVE_LOG_", MEMBER[] = "rmq_sys_SYNC_BROKER_MEMBER_";
    const size_t revive_len = sizeof REVIVE - 1, member_len = sizeof MEMBER - 1;

    struct buf text;
    buf_init(&text, env);
    if (buf_reserve(&text, revive_len + cluster.len + 12 + member_len + name.len + trace.len +
                               ip1.len + ip2.len + 12) != RMQ_OK) {
        refuse(reading, "brokerName", RMQ_E_NOMEM);
        return;
    }
    buf_put(&text, REVIVE, revive_len);
    buf_put_span(&text, cluster);
    buf_put_text(&text, "_REPLY_TOPIC");
    size_t member = text.len;
    buf_put(&text, MEMBER, member_len);
    buf_put_span(&text, name);
    size_t trace_at = text.len;
    buf_put_span(&text, trace);
    size_t addr = text.len;
    size_t addr_len = put_address(&text, ip1, config->listen_port);
    size_t ha = text.len;
    size_t ha_len = put_address(&text, ip2, ha_port(reading, config));

    config->text = (char *)text.data;
    config->revive_topic = span_of(text.data, revive_len + cluster.len);
    config->cluster = span_of(text.data + revive_len, cluster.len);
    config->reply_topic = span_of(text.data + revive_len, cluster.len + 12);
    config->member_topic = span_of(text.data + member, member_len + name.len);
    config->name = span_of(text.data + member + member_len, name.len);
    config->trace_topic = span_of(text.data + trace_at, trace.len);
    config->addr = span_of(text.data + addr, addr_len);
    config->ha_addr = span_of(text.data + ha, ha_len);
}

static bool is_known(struct span key) {
    for (size_t i = 0; i < sizeof KNOWN_KEYS / sizeof KNOWN_KEYS[0]; i++) {
        if (span_equal(key, span_of_text(KNOWN_KEYS[i])))
            return true;
    }
    return span_starts_with(key, SPAN_LITERAL("quirk."));
}

static void log_unknown(struct env *env, const struct props *props) {
    for (size_t i = 0; i < props->count; i++) {
        struct span key = props->entries[i].key;
        if (!is_known(key))
            env_log(env, ENV_LOG_INFO, "broker: key %.*s has no effect", (int)key.len,
                    (const char *)key.data);
    }
}

int broker_config_read(struct env *env, const struct props *props, struct broker_config *config,
                       struct span *bad_key) {
    static const char *const PROFILES[] = {"4.9", "5.3"};
    static const char *const SERIALIZATIONS[] = {"JSON", "ROCKETMQ"};
    struct reading reading = {.props = props};
    struct broker_config read = {0};
    read.profile_5_3 = read_word(&reading, "profile", PROFILES, 2) == 1;
    read.serialization =
        (enum wire_serialization)read_word(&reading, "rocketmq.serialize.type", SERIALIZATIONS, 2);
    unsigned quirks = 0;
    struct span quirk_key = SPAN_NONE;
    if (quirks_read(props, &quirks, &quirk_key) != RMQ_OK && reading.err == RMQ_OK) {
        reading.err = RMQ_E_INVALID;
        reading.bad_key = quirk_key;
    }
    read.quirks = quirks;
    read_role(&reading, &read);
    read_switches(&reading, &read);
    read_numbers(&reading, &read);
    read_texts(env, &reading, &read);
    if (reading.err != RMQ_OK) {
        broker_config_free(env, &read);
        env_log(env, ENV_LOG_ERROR, "broker: value of %.*s: %s", (int)reading.bad_key.len,
                (const char *)reading.bad_key.data, rmq_err_text(reading.err));
        *bad_key = reading.bad_key;
        return reading.err;
    }
    log_unknown(env, props);
    *config = read;
    return RMQ_OK;
}

void broker_config_free(struct env *env, struct broker_config *config) {
    env_free(env, config->text);
    *config = (struct broker_config){0};
}
