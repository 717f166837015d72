/* client/consumer_config.c - settings and names of a consumer.
 *
 * Source: client.md 13, 25.2; DefaultMQPushConsumer.java. */
#include "model/base/check.h"
#include "model/base/settings.h"
#include "model/client/consumer_internal.h"

#define GROUP_LEN_MAX 255
#define NAMESPACE_LEN_MAX 127
#define TIMESTAMP_DEFAULT_MS INT64_C(1800000) /* before the start */

/* The last two are the instance's. */
static const char *const KNOWN_KEYS[] = {
    "consumerGroup",
    "messageModel",
    "consumeFromWhere",
    "consumeTimestamp",
    "allocateStrategy",
    "machineRooms",
    "consumeThreadMin",
    "consumeThreadMax",
    "consumeMessageBatchMaxSize",
    "pullBatchSize",
    "pullInterval",
    "pullThresholdForQueue",
    "pullThresholdSizeForQueue",
    "pullThresholdForTopic",
    "pullThresholdSizeForTopic",
    "pullThresholdForAll",
    "consumeConcurrentlyMaxSpan",
    "postSubscriptionWhenPull",
    "maxReconsumeTimes",
    "autoCommit",
    "autoCommitIntervalMillis",
    "orderly",
    "suspendCurrentQueueTimeMillis",
    "localOffsetStoreDir",
    "namespace",
    "subscription",
    "persistConsumerOffsetInterval",
    "instanceName",
};

/* ---- settings -------------------------------------------------------------------------------- */

static int64_t days_before_year(int64_t year) {
    int64_t past = year - 1;
    return past * 365 + past / 4 - past / 100 + past / 400;
}

/* Two or four digits. */
static bool digits(struct span text, size_t at, size_t count, int64_t min, int64_t max,
                   int64_t *out) {
    return span_to_i64(span_of(text.data + at, count), out) == RMQ_OK && *out >= min && *out <= max;
}

/* yyyyMMddHHmmss in local time; wall ms. */
static bool read_timestamp(struct env *env, struct span text, int64_t *out) {
    static const int BEFORE_MONTH[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    int64_t year, month, day, hour, minute, second;
    if (text.len != 14 || !digits(text, 0, 4, 1970, 9999, &year) ||
        !digits(text, 4, 2, 1, 12, &month) || !digits(text, 6, 2, 1, 31, &day) ||
        !digits(text, 8, 2, 0, 23, &hour) || !digits(text, 10, 2, 0, 59, &minute) ||
        !digits(text, 12, 2, 0, 59, &second))
        return false;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    int64_t days = days_before_year(year) - days_before_year(1970) + BEFORE_MONTH[month - 1] +
                   (leap && month > 2) + day - 1;
    int64_t minutes = (days * 24 + hour) * 60 + minute - env_utc_offset_min(env);
    *out = (minutes * 60 + second) * 1000;
    return true;
}

static uint32_t number(struct settings *settings, const char *key, int64_t fallback, int64_t min,
                       int64_t max) {
    return (uint32_t)settings_number(settings, key, fallback, min, max);
}

static void read_limits(struct settings *settings, struct consumer_config *config, bool lite) {
    config->queue_messages =
        (int32_t)settings_number(settings, "pullThresholdForQueue", 1000, 1, 65535);
    config->queue_mib =
        (int32_t)settings_number(settings, "pullThresholdSizeForQueue", 100, 1, 1024);
    config->topic_messages =
        (int32_t)settings_number(settings, "pullThresholdForTopic", -1, -1, 6553500);
    config->topic_mib =
        (int32_t)settings_number(settings, "pullThresholdSizeForTopic", -1, -1, 102400);
    if (config->topic_messages == 0)
        settings_refuse(settings, SPAN_LITERAL("pullThresholdForTopic"), RMQ_E_RANGE);
    if (config->topic_mib == 0)
        settings_refuse(settings, SPAN_LITERAL("pullThresholdSizeForTopic"), RMQ_E_RANGE);
    config->all_messages = number(settings, "pullThresholdForAll", 10000, 1, INT32_MAX);
    config->max_span = number(settings, "consumeConcurrentlyMaxSpan", 2000, 1, 65535);
    config->pull_messages = number(settings, "pullBatchSize", lite ? 10 : 32, 1, 1024);
    config->pull_interval_ms = number(settings, "pullInterval", 0, 0, 65535);
}

/* As many as consumeThreadMin says, when it is there: Java's pool never grows beyond it. */
static void read_threads(struct settings *settings, struct consumer_config *config) {
    uint32_t max = number(settings, "consumeThreadMax", 20, 1, 1000);
    uint32_t min = number(settings, "consumeThreadMin", max, 1, 1000);
    if (min > max)
        settings_refuse(settings, SPAN_LITERAL("consumeThreadMin"), RMQ_E_RANGE);
    config->threads = min;
}

static void read_config(struct consumer *consumer, struct settings *settings) {
    static const char *const MODELS[] = {"CLUSTERING", "BROADCASTING"};
    static const char *const STRATEGIES[] = ALLOCATE_STRATEGY_NAMES;
    static const char *const FROM[] = {
        "CONSUME_FROM_LAST_OFFSET", "CONSUME_FROM_FIRST_OFFSET",
        "CONSUME_FROM_TIMESTAMP",   "CONSUME_FROM_LAST_OFFSET_AND_FROM_MIN_WHEN_BOOT_FIRST",
        "CONSUME_FROM_MIN_OFFSET",  "CONSUME_FROM_MAX_OFFSET"};
    struct consumer_config *config = &consumer->config;
    bool lite = consumer_is_lite(consumer);
    config->broadcasting = settings_word(settings, "messageModel", MODELS, 2) == 1;
    size_t from = settings_word(settings, "consumeFromWhere", FROM, sizeof FROM / sizeof FROM[0]);
    config->from = from <= CONSUME_FROM_TIMESTAMP ? (enum consume_from)from : CONSUME_FROM_LAST;
    config->strategy = (enum allocate_strategy)settings_word(settings, "allocateStrategy",
                                                             STRATEGIES, ALLOCATE_STRATEGY_COUNT);
    struct span time = settings_text(settings, "consumeTimestamp", SPAN_NONE, 14);
    config->timestamp_ms = env_wall_ms(consumer->env) - TIMESTAMP_DEFAULT_MS;
    if (!span_is_absent(time) && !read_timestamp(consumer->env, time, &config->timestamp_ms))
        settings_refuse(settings, SPAN_LITERAL("consumeTimestamp"), RMQ_E_INVALID);
    config->post_subscription = settings_bool(settings, "postSubscriptionWhenPull", false);
    config->auto_commit = settings_bool(settings, "autoCommit", true);
    config->auto_commit_ms = number(settings, "autoCommitIntervalMillis", 5000, 1000, INT32_MAX);
    uint32_t batch = number(settings, "consumeMessageBatchMaxSize", 1, 1, 1024);
    config->batch_messages = lite ? UINT32_MAX : batch; /* lite: what a pull found */
    settings_number(settings, "maxReconsumeTimes", -1, -1, INT32_MAX);
    config->orderly = settings_bool(settings, "orderly", false) && !lite;
    config->suspend_ms =
        (uint32_t)settings_clamped(settings, "suspendCurrentQueueTimeMillis", 1000, 10, 30000);
    read_threads(settings, config);
    read_limits(settings, config, lite);
}

/* ---- names ---------------------------------------------------------------------------------- */

static bool is_group(struct span group) {
    for (size_t i = 0; i < group.len; i++) {
        uint8_t c = group.data[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
            c != '%' && c != '|' && c != '_' && c != '-')
            return false;
    }
    return group.len > 0 && !span_equal(group, SPAN_LITERAL("DEFAULT_CONSUMER"));
}

/* Group and namespace into one block that does not move. */
static int read_names(struct consumer *consumer, struct settings *settings) {
    struct span group = settings_text(settings, "consumerGroup", SPAN_NONE, GROUP_LEN_MAX);
    struct span space = settings_text(settings, "namespace", SPAN_NONE, NAMESPACE_LEN_MAX);
    struct span rooms = settings_text(settings, "machineRooms", SPAN_NONE, GROUP_LEN_MAX);
    if (!is_group(group))
        settings_refuse(settings, SPAN_LITERAL("consumerGroup"), RMQ_E_INVALID);
    struct buf *text = &consumer->text;
    if (buf_reserve(text, group.len + 2 * space.len + rooms.len + 2) != RMQ_OK)
        return RMQ_E_NOMEM;
    buf_put_span(text, space);
    consumer->namespace_ = span_of(text->data, space.len);
    consumer_put_wrapped(text, space, group);
    consumer->group = span_of(text->data + space.len, text->len - space.len);
    size_t before = text->len;
    buf_put_span(text, rooms);
    consumer->config.rooms = span_of(text->data + before, rooms.len);
    return RMQ_OK;
}

int consumer_configure(struct consumer *consumer, const struct props *props) {
    struct settings settings = settings_of(props);
    struct span topics = props_get(props, "subscription");
    buf_init(&consumer->text, consumer->env);
    read_config(consumer, &settings);
    int err = read_names(consumer, &settings);
    if (err == RMQ_OK && settings.err == RMQ_OK) {
        err = consumer_subscribe(consumer, topics);
        bool none = topics.len == 0 && !consumer_is_lite(consumer);
        if (none || (err != RMQ_OK && err != RMQ_E_NOMEM)) {
            settings_refuse(&settings, SPAN_LITERAL("subscription"),
                            none ? RMQ_E_MISSING : RMQ_E_INVALID);
            err = RMQ_OK;
        }
    }
    if (err != RMQ_OK)
        return err;
    return settings_finish(&settings, consumer->env, "consumer", KNOWN_KEYS,
                           sizeof KNOWN_KEYS / sizeof KNOWN_KEYS[0]);
}

void consumer_config_free(struct consumer *consumer) {
    consumer_topics_free(consumer);
    buf_deinit(&consumer->text);
}
