/* client/consumer_config.c - settings, names and subscriptions of a consumer.
 *
 * Source: client.md 13, 14.2, 25.2; DefaultMQPushConsumer.java, NamespaceUtil.java. */
#include "model/base/check.h"
#include "model/base/json.h"
#include "model/base/settings.h"
#include "model/client/consumer_internal.h"

#define RETRY_PREFIX "%RETRY%"
#define GROUP_LEN_MAX 255
#define NAMESPACE_LEN_MAX 127
#define TIMESTAMP_DEFAULT_MS INT64_C(1800000) /* before the start */

/* The first block is the consumer's; then what a load has in the same set, or its client. */
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
    "localOffsetStoreDir",
    "namespace",
    "subscription",
    "persistConsumerOffsetInterval",
    "instanceName",
    "do",
    "name",
    "lite",
    "run",
    "service_us",
    "fail_ppm",
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
    read_threads(settings, config);
    read_limits(settings, config, lite);
}

/* ---- names ----------------------------------------------------------------------------------- */

static bool is_system(struct span name) {
    static const char *const NAMES[] = {
        "TBW102",
        "SCHEDULE_TOPIC_XXXX",
        "BenchmarkTest",
        "RMQ_SYS_TRANS_HALF_TOPIC",
        "RMQ_SYS_TRACE_TOPIC",
        "RMQ_SYS_TRANS_OP_HALF_TOPIC",
        "TRANS_CHECK_MAX_TIME_TOPIC",
        "SELF_TEST_TOPIC",
        "OFFSET_MOVED_EVENT",
    };
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        if (span_equal(name, span_of_text(NAMES[i])))
            return true;
    }
    return span_starts_with(name, SPAN_LITERAL("rmq_sys_")) ||
           span_starts_with(name, SPAN_LITERAL("CID_RMQ_SYS_"));
}

static bool has_namespace(struct span namespace_, struct span name) {
    return namespace_.len > 0 && name.len > namespace_.len && name.data[namespace_.len] == '%' &&
           span_starts_with(name, namespace_);
}

struct span consumer_without_namespace(struct span namespace_, struct span topic) {
    return has_namespace(namespace_, topic) ? span_from(topic, namespace_.len + 1) : topic;
}

/* X, or N%X (client.md 3.5). */
static void put_wrapped(struct buf *out, struct span namespace_, struct span name) {
    if (namespace_.len > 0 && !is_system(name) && !has_namespace(namespace_, name)) {
        buf_put_span(out, namespace_);
        buf_put_u8(out, '%');
    }
    buf_put_span(out, name);
}

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
    put_wrapped(text, space, group);
    consumer->group = span_of(text->data + space.len, text->len - space.len);
    size_t before = text->len;
    buf_put_span(text, rooms);
    consumer->config.rooms = span_of(text->data + before, rooms.len);
    return RMQ_OK;
}

/* ---- subscriptions --------------------------------------------------------------------------- */

static struct consumer_topic *find(const struct consumer *consumer, struct span name) {
    for (size_t i = 0; i < consumer->topic_count; i++) {
        if (span_equal(consumer->topics[i]->name, name))
            return consumer->topics[i];
    }
    return NULL;
}

struct consumer_topic *consumer_topic_named(struct consumer *consumer, struct span topic) {
    for (size_t i = 0; i < consumer->topic_count; i++) {
        struct span name = consumer->topics[i]->name;
        if (span_equal(consumer_without_namespace(consumer->namespace_, name),
                       consumer_without_namespace(consumer->namespace_, topic)))
            return consumer->topics[i];
    }
    return NULL;
}

static void topic_free(struct consumer_topic *topic) {
    subscription_deinit(&topic->subscription);
    env_free(topic->consumer->env, topic);
}

/* A topic of its own memory; not in the consumer yet. */
static int topic_create(struct consumer *consumer, struct span name, struct span expression,
                        struct consumer_topic **out) {
    struct env *env = consumer->env;
    struct consumer_topic *topic = env_alloc(env, sizeof *topic + name.len + expression.len);
    if (topic == NULL)
        return RMQ_E_NOMEM;
    *topic = (struct consumer_topic){.consumer = consumer, .version = env_wall_ms(env)};
    list_init(&topic->queues);
    memcpy(topic->text, name.data, name.len);
    memcpy(topic->text + name.len, expression.data, expression.len);
    topic->name = span_of(topic->text, name.len);
    topic->expression = span_of(topic->text + name.len, expression.len);
    topic->retry = span_starts_with(name, SPAN_LITERAL(RETRY_PREFIX));
    int err = find(consumer, name) != NULL ? RMQ_E_EXISTS : RMQ_OK;
    if (err == RMQ_OK)
        err = subscription_parse(env, topic->expression, SPAN_LITERAL("TAG"), &topic->subscription);
    if (err == RMQ_OK)
        err = client_topic_get(consumer->client, topic->name, &topic->route);
    if (err != RMQ_OK)
        topic_free(topic);
    else
        *out = topic;
    return err;
}

/* The name is complete. */
static int add_topic(struct consumer *consumer, struct span name, struct span expression,
                     struct consumer_topic **out) {
    struct consumer_topic **topics =
        env_realloc(consumer->env, consumer->topics, (consumer->topic_count + 1) * sizeof(void *));
    if (topics == NULL)
        return RMQ_E_NOMEM;
    consumer->topics = topics;
    int err = topic_create(consumer, name, expression, out);
    if (err == RMQ_OK)
        topics[consumer->topic_count++] = *out;
    return err;
}

int consumer_topic_add(struct consumer *consumer, struct span topic, struct span expression,
                       struct consumer_topic **out) {
    struct buf name;
    buf_init(&name, consumer->env);
    put_wrapped(&name, consumer->namespace_, topic);
    int err = buf_failed(&name) ? RMQ_E_NOMEM : topic.len == 0 ? RMQ_E_INVALID : RMQ_OK;
    if (err == RMQ_OK)
        err = add_topic(consumer, buf_span(&name),
                        expression.len == 0 ? SPAN_LITERAL("*") : expression, out);
    buf_deinit(&name);
    return err;
}

/* %RETRY%group, with everything: what others send back. */
static int add_retry_topic(struct consumer *consumer) {
    struct consumer_topic *topic;
    struct buf name;
    buf_init(&name, consumer->env);
    buf_put_text(&name, RETRY_PREFIX);
    buf_put_span(&name, consumer->group);
    int err = buf_failed(&name) ? RMQ_E_NOMEM
                                : add_topic(consumer, buf_span(&name), SPAN_LITERAL("*"), &topic);
    buf_deinit(&name);
    return err;
}

/* "topic:expression" separated by ';'. */
static int add_topics(struct consumer *consumer, struct span rest) {
    struct consumer_topic *topic;
    struct span part;
    int err = RMQ_OK;
    while (err == RMQ_OK && span_next_part(&rest, ';', &part)) {
        const uint8_t *colon = memchr(part.data, ':', part.len);
        size_t len = colon == NULL ? part.len : (size_t)(colon - part.data);
        struct span expression = colon == NULL ? SPAN_NONE : span_from(part, len + 1);
        err = consumer_topic_add(consumer, span_of(part.data, len), expression, &topic);
    }
    if (err == RMQ_OK && !consumer->config.broadcasting && !consumer_is_lite(consumer))
        err = add_retry_topic(consumer);
    return err;
}

int consumer_configure(struct consumer *consumer, const struct props *props) {
    struct settings settings = settings_of(props);
    struct span topics = props_get(props, "subscription");
    buf_init(&consumer->text, consumer->env);
    read_config(consumer, &settings);
    int err = read_names(consumer, &settings);
    if (err == RMQ_OK && settings.err == RMQ_OK) {
        err = add_topics(consumer, topics);
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
    for (size_t i = 0; i < consumer->topic_count; i++)
        topic_free(consumer->topics[i]);
    env_free(consumer->env, consumer->topics);
    buf_deinit(&consumer->text);
}

/* ---- heartbeats ------------------------------------------------------------------------------ */

static void write_subscription(const struct consumer_topic *topic, struct json_writer *writer) {
    const struct subscription *subscription = &topic->subscription;
    const struct subscription_tag *tags = subscription_tags(subscription);
    size_t count = subscription->kind == SUBSCRIPTION_TAGS ? subscription->tag_count : 0;
    json_object_begin(writer);
    json_key_text(writer, "classFilterMode");
    json_bool(writer, false);
    json_key_text(writer, "codeSet");
    json_array_begin(writer);
    for (size_t i = 0; i < count; i++)
        json_number(writer, tags[i].code);
    json_array_end(writer);
    json_key_text(writer, "expressionType");
    json_string_text(writer, "TAG");
    json_key_text(writer, "subString");
    json_string(writer, topic->expression);
    json_key_text(writer, "subVersion");
    json_number(writer, topic->version);
    json_key_text(writer, "tagsSet");
    json_array_begin(writer);
    for (size_t i = 0; i < count; i++)
        json_string(writer, tags[i].text);
    json_array_end(writer);
    json_key_text(writer, "topic");
    json_string(writer, topic->name);
    json_object_end(writer);
}

/* Members as fastjson writes them, by name. */
void consumer_heartbeat(void *ctx, struct json_writer *writer) {
    static const char *const FROM[] = {"CONSUME_FROM_LAST_OFFSET", "CONSUME_FROM_FIRST_OFFSET",
                                       "CONSUME_FROM_TIMESTAMP"};
    const struct consumer *consumer = ctx;
    json_object_begin(writer);
    json_key_text(writer, "consumeFromWhere");
    json_string_text(writer, FROM[consumer->config.from]);
    json_key_text(writer, "consumeType");
    json_string_text(writer, consumer_is_lite(consumer) ? "CONSUME_ACTIVELY" : "CONSUME_PASSIVELY");
    json_key_text(writer, "groupName");
    json_string(writer, consumer->group);
    json_key_text(writer, "messageModel");
    json_string_text(writer, consumer->config.broadcasting ? "BROADCASTING" : "CLUSTERING");
    json_key_text(writer, "subscriptionDataSet");
    json_array_begin(writer);
    for (size_t i = 0; i < consumer->topic_count; i++)
        write_subscription(consumer->topics[i], writer);
    json_array_end(writer);
    json_key_text(writer, "unitMode");
    json_bool(writer, false);
    json_object_end(writer);
}
