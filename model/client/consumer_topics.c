/* client/consumer_topics.c - what a consumer subscribes, and how brokers learn it.
 *
 * Source: client.md 3.5, 5, 14.2; NamespaceUtil.java, FilterAPI.java, SubscriptionData.java. */
#include "model/base/check.h"
#include "model/client/consumer_internal.h"
#include "model/wire/body_heartbeat.h"

#define RETRY_PREFIX "%RETRY%"
#define SQL_PREFIX SPAN_LITERAL("sql92:")

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

void consumer_put_wrapped(struct buf *out, struct span namespace_, struct span name) {
    if (namespace_.len > 0 && !is_system(name) && !has_namespace(namespace_, name)) {
        buf_put_span(out, namespace_);
        buf_put_u8(out, '%');
    }
    buf_put_span(out, name);
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
    RMQ_ASSERT(name.data != NULL);
    struct consumer_topic *topic = env_alloc(env, sizeof *topic + name.len + expression.len);
    if (topic == NULL)
        return RMQ_E_NOMEM;
    *topic = (struct consumer_topic){.consumer = consumer, .version = env_wall_ms(env)};
    list_init(&topic->queues);
    memcpy(topic->text, name.data, name.len);
    if (expression.len > 0)
        memcpy(topic->text + name.len, expression.data, expression.len);
    topic->name = span_of(topic->text, name.len);
    topic->subscribed = topic->expression = span_of(topic->text + name.len, expression.len);
    bool sql = span_starts_with(expression, SQL_PREFIX);
    if (sql)
        topic->expression = span_from(topic->subscribed, SQL_PREFIX.len);
    topic->type = sql ? SPAN_LITERAL("SQL92") : SPAN_LITERAL("TAG");
    topic->retry = span_starts_with(name, SPAN_LITERAL(RETRY_PREFIX));
    int err = find(consumer, name) != NULL ? RMQ_E_EXISTS : RMQ_OK;
    if (err == RMQ_OK)
        err = subscription_parse(env, topic->expression, topic->type, &topic->subscription);
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
    consumer_put_wrapped(&name, consumer->namespace_, topic);
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

int consumer_subscribe(struct consumer *consumer, struct span rest) {
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

void consumer_topics_free(struct consumer *consumer) {
    for (size_t i = 0; i < consumer->topic_count; i++)
        topic_free(consumer->topics[i]);
    env_free(consumer->env, consumer->topics);
}

/* ---- heartbeats ------------------------------------------------------------------------------ */

void consumer_heartbeat(void *ctx, struct heartbeat_writer *writer) {
    static const enum heartbeat_from FROM[] = {FROM_LAST_OFFSET, FROM_FIRST_OFFSET, FROM_TIMESTAMP};
    const struct consumer *consumer = ctx;
    const struct heartbeat_consumer group = {
        .group = consumer->group,
        .consume_type = consumer_is_lite(consumer) ? CONSUME_ACTIVELY : CONSUME_PASSIVELY,
        .model = consumer->config.broadcasting ? MODEL_BROADCASTING : MODEL_CLUSTERING,
        .from_where = FROM[consumer->config.from]};
    heartbeat_consumer_begin(writer, &group);
    for (size_t i = 0; i < consumer->topic_count; i++) {
        const struct consumer_topic *topic = consumer->topics[i];
        const struct heartbeat_subscription subscription = {.topic = topic->name,
                                                            .expression = topic->expression,
                                                            .type = topic->type,
                                                            .version = topic->version};
        heartbeat_subscription(writer, &subscription);
    }
    heartbeat_consumer_end(writer, &group);
}
