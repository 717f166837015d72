/* broker/topics.c - the table of topics.h.
 *
 * Built-in rows and their order of creation: TopicConfigManager.java of 4.9.8 and 5.3.3; values as
 * in the first registration of captures 4.9.7-broker-boot, 5.3.3-broker-boot and (timer wheel)
 * 5.3.3-brokeracting-boot. */
#include "model/broker/topics.h"

#include "model/base/check.h"
#include "model/base/config_file.h"
#include "model/events.h"

enum builtin_name {
    NAME_FIXED,
    NAME_CLUSTER,
    NAME_BROKER,
    NAME_TRACE,
    NAME_REPLY,
    NAME_REVIVE,
    NAME_MEMBER
};
enum builtin_when { WHEN_ALWAYS, WHEN_AUTO_CREATE, WHEN_TRACE, WHEN_5_3, WHEN_TIMER_WHEEL };

struct builtin {
    enum builtin_name kind;
    const char *name;
    uint16_t queues; /* 0: defaultTopicQueueNums */
    uint8_t perm;    /* 0: inherit, and all if the switch of the cluster's/broker's topic is on */
    enum builtin_when when;
};

/* In Apache's order of creation: a later row takes the name from an earlier one. */
static const struct builtin BUILTINS[] = {
    {NAME_FIXED, "SELF_TEST_TOPIC", 1, 6, WHEN_ALWAYS},
    {NAME_FIXED, "TBW102", 0, 7, WHEN_AUTO_CREATE},
    {NAME_FIXED, "BenchmarkTest", 1024, 6, WHEN_ALWAYS},
    {NAME_CLUSTER, NULL, 16, 0, WHEN_ALWAYS},
    {NAME_BROKER, NULL, 1, 0, WHEN_ALWAYS},
    {NAME_FIXED, "OFFSET_MOVED_EVENT", 1, 6, WHEN_ALWAYS},
    {NAME_FIXED, "SCHEDULE_TOPIC_XXXX", 18, 6, WHEN_ALWAYS},
    {NAME_TRACE, NULL, 1, 6, WHEN_TRACE},
    {NAME_REPLY, NULL, 1, 6, WHEN_ALWAYS},
    {NAME_REVIVE, NULL, 8, 6, WHEN_5_3},
    {NAME_MEMBER, NULL, 1, PERM_INHERIT, WHEN_5_3},
    {NAME_FIXED, "RMQ_SYS_TRANS_HALF_TOPIC", 1, 6, WHEN_5_3},
    {NAME_FIXED, "RMQ_SYS_TRANS_OP_HALF_TOPIC", 1, 6, WHEN_5_3},
    {NAME_FIXED, "rmq_sys_wheel_timer", 1, 6, WHEN_TIMER_WHEEL},
};
#define BUILTIN_COUNT (sizeof BUILTINS / sizeof BUILTINS[0])
_Static_assert(BUILTIN_COUNT <= 32, "topics.builtins is a bit set of 32");

/* TopicValidator.java: system topics besides the built-in ones and rmq_sys_*. */
static const char *const SYSTEM_TOPICS[] = {
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

static struct span builtin_name(const struct broker_config *config, const struct builtin *builtin) {
    switch (builtin->kind) {
    case NAME_FIXED:
        return span_of_text(builtin->name);
    case NAME_CLUSTER:
        return config->cluster;
    case NAME_BROKER:
        return config->name;
    case NAME_TRACE:
        return config->trace_topic;
    case NAME_REPLY:
        return config->reply_topic;
    case NAME_REVIVE:
        return config->revive_topic;
    case NAME_MEMBER:
        return config->member_topic;
    }
    RMQ_UNREACHABLE();
}

static bool builtin_exists(const struct broker_config *config, const struct builtin *builtin) {
    switch (builtin->when) {
    case WHEN_ALWAYS:
        return true;
    case WHEN_AUTO_CREATE:
        return config->auto_create_topic;
    case WHEN_TRACE:
        return config->trace_topic_enabled;
    case WHEN_5_3:
        return config->profile_5_3;
    case WHEN_TIMER_WHEEL:
        return config->profile_5_3 && config->timer_wheel;
    }
    RMQ_UNREACHABLE();
}

static int32_t builtin_perm(const struct broker_config *config, const struct builtin *builtin) {
    if (builtin->when == WHEN_AUTO_CREATE && !config->auto_create_topic)
        return PERM_READ | PERM_WRITE; /* switched off by request 25 */
    if (builtin->perm != 0)
        return builtin->perm;
    bool open = builtin->kind == NAME_CLUSTER ? config->cluster_topic : config->broker_topic;
    return open ? PERM_INHERIT | PERM_READ | PERM_WRITE : PERM_INHERIT;
}

static struct topic_config builtin_config(const struct topics *topics, size_t i) {
    const struct builtin *builtin = &BUILTINS[i];
    int32_t queues = builtin->queues == 0 ? topics->config->topic_queues : builtin->queues;
    return (struct topic_config){.name = builtin_name(topics->config, builtin),
                                 .read_queue_nums = queues,
                                 .write_queue_nums = queues,
                                 .perm = builtin_perm(topics->config, builtin),
                                 .order = (topics->builtin_order >> i & 1U) != 0};
}

static struct topic_config topic_config_of(const struct topic *topic) {
    return (struct topic_config){.name = span_of(topic->name, topic->name_len),
                                 .read_queue_nums = topic->read_queues,
                                 .write_queue_nums = topic->write_queues,
                                 .perm = topic->perm,
                                 .sys_flag = topic->sys_flag,
                                 .order = topic->order,
                                 .multi_tag = topic->multi_tag,
                                 .attributes = kept_json_span(&topic->attributes)};
}

/* Index of the built-in of that name, or BUILTIN_COUNT. */
static size_t find_builtin(const struct topics *topics, struct span name) {
    for (size_t i = 0; i < BUILTIN_COUNT; i++) {
        if ((topics->builtins >> i & 1U) != 0 &&
            span_equal(builtin_name(topics->config, &BUILTINS[i]), name))
            return i;
    }
    return BUILTIN_COUNT;
}

void topics_init(struct topics *topics, struct env *env, const struct broker_config *config) {
    *topics = (struct topics){.env = env, .config = config, .version_timestamp = env_wall_ms(env)};
    for (size_t i = BUILTIN_COUNT; i-- > 0;) {
        if (builtin_exists(config, &BUILTINS[i]) &&
            find_builtin(topics, builtin_name(config, &BUILTINS[i])) == BUILTIN_COUNT)
            topics->builtins |= 1U << i;
    }
}

static void topic_free(struct env *env, struct topic *topic) {
    kept_json_free(env, &topic->attributes);
    env_free(env, topic);
}

void topics_clear(struct topics *topics) {
    for (size_t i = 0; i < topics->count; i++)
        topic_free(topics->env, topics->by_name[i]);
    topics->count = 0;
    topics->builtin_order = 0;
}

void topics_deinit(struct topics *topics) {
    if (topics->env == NULL)
        return;
    if (topics->file != NULL)
        config_file_deinit(topics->file);
    for (size_t i = 0; i < topics->count; i++)
        topic_free(topics->env, topics->by_name[i]);
    env_free(topics->env, topics->by_name);
    *topics = (struct topics){0};
}

static size_t builtin_count(const struct topics *topics) {
    size_t count = 0;
    for (size_t i = 0; i < BUILTIN_COUNT; i++)
        count += topics->builtins >> i & 1U;
    return count;
}

size_t topics_count(const struct topics *topics) {
    return builtin_count(topics) + topics->count;
}

struct topic_config topics_at(const struct topics *topics, size_t index) {
    for (size_t i = 0; i < BUILTIN_COUNT; i++) {
        if ((topics->builtins >> i & 1U) == 0)
            continue;
        if (index == 0)
            return builtin_config(topics, i);
        index--;
    }
    RMQ_ASSERT(index < topics->count);
    return topic_config_of(topics->by_name[index]);
}

/* Where `name` is in by_name, or where it would be inserted. */
static size_t position_of(const struct topics *topics, struct span name, bool *found) {
    size_t low = 0, high = topics->count;
    *found = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct topic *topic = topics->by_name[middle];
        int order = span_compare(span_of(topic->name, topic->name_len), name);
        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int topics_find(const struct topics *topics, struct span name, struct topic_config *out) {
    bool found;
    size_t position = position_of(topics, name, &found);
    if (found) { /* first: messages go to these */
        *out = topic_config_of(topics->by_name[position]);
        return RMQ_OK;
    }
    size_t builtin = find_builtin(topics, name);
    if (builtin == BUILTIN_COUNT)
        return RMQ_E_NOT_FOUND;
    *out = builtin_config(topics, builtin);
    return RMQ_OK;
}

void topics_touch(struct topics *topics) {
    topics->version_counter++;
    topics->version_timestamp = env_wall_ms(topics->env);
}

static void next_version(struct topics *topics) {
    topics_touch(topics);
    if (topics->file != NULL)
        config_file_save(topics->file);
}

static int grow(struct topics *topics) {
    if (topics->count < topics->capacity)
        return RMQ_OK;
    uint32_t capacity = topics->capacity == 0 ? 1 : topics->capacity * 2;
    void *bigger = env_realloc(topics->env, topics->by_name, capacity * sizeof(struct topic *));
    if (bigger == NULL)
        return RMQ_E_NOMEM;
    topics->by_name = bigger;
    topics->capacity = capacity;
    return RMQ_OK;
}

/* Nothing changes when it fails. `config` may be the topic's own. */
static int fill(struct env *env, struct topic *topic, const struct topic_config *config) {
    int err = kept_json_set(env, &topic->attributes, config->attributes);
    if (err != RMQ_OK)
        return err;
    topic->read_queues = config->read_queue_nums;
    topic->write_queues = config->write_queue_nums;
    topic->perm = config->perm;
    topic->sys_flag = config->sys_flag;
    topic->order = config->order;
    topic->multi_tag = config->multi_tag;
    return RMQ_OK;
}

static int insert(struct topics *topics, size_t position, const struct topic_config *config) {
    RMQ_ASSERT(config->name.len > 0 && config->name.len <= TOPIC_NAME_MAX);
    int err = grow(topics);
    if (err != RMQ_OK)
        return err;
    struct topic *topic = env_alloc(topics->env, sizeof *topic + config->name.len);
    if (topic == NULL)
        return RMQ_E_NOMEM;
    topic->name_len = (uint16_t)config->name.len;
    memcpy(topic->name, config->name.data, config->name.len);
    topic->attributes = (struct kept_json){NULL, 0};
    err = fill(topics->env, topic, config);
    if (err != RMQ_OK) {
        env_free(topics->env, topic);
        return err;
    }
    memmove(&topics->by_name[position + 1], &topics->by_name[position],
            (topics->count - position) * sizeof(struct topic *));
    topics->by_name[position] = topic;
    topics->count++;
    return RMQ_OK;
}

int topics_put(struct topics *topics, const struct topic_config *config, bool *created) {
    RMQ_ASSERT(find_builtin(topics, config->name) == BUILTIN_COUNT); /* T1 */
    bool found;
    size_t position = position_of(topics, config->name, &found);
    int err = found ? fill(topics->env, topics->by_name[position], config)
                    : insert(topics, position, config);
    if (err != RMQ_OK)
        return err;
    next_version(topics);
    *created = !found;
    return RMQ_OK;
}

/* Takes what is before the next `separator` from *rest, and the separator. */
static struct span next_part(struct span *rest, uint8_t separator) {
    const uint8_t *end = rest->len == 0 ? NULL : memchr(rest->data, separator, rest->len);
    size_t len = end == NULL ? rest->len : (size_t)(end - rest->data);
    struct span part = span_of(rest->data, len);
    *rest = span_from(*rest, end == NULL ? len : len + 1);
    return part;
}

/* name:read:write[:perm] */
static int parse_topic(struct span item, struct topic_config *out) {
    struct span name = next_part(&item, ':');
    struct span read = next_part(&item, ':');
    struct span write = next_part(&item, ':');
    /* what is left of `item` is the permission, if any */
    struct topic_config topic = {.name = name, .perm = PERM_READ | PERM_WRITE};
    if (!span_is_absent(topic_name_check(name)) ||
        span_to_i32(read, &topic.read_queue_nums) != RMQ_OK ||
        span_to_i32(write, &topic.write_queue_nums) != RMQ_OK ||
        (item.len > 0 && span_to_i32(item, &topic.perm) != RMQ_OK))
        return RMQ_E_INVALID;
    if (topic.read_queue_nums < 0 || topic.write_queue_nums < 0 || topic.perm < 0 ||
        topic.perm > 15)
        return RMQ_E_INVALID;
    *out = topic;
    return RMQ_OK;
}

int topics_load(struct topics *topics, struct span list) {
    struct span item;
    while (span_next_part(&list, ';', &item)) {
        struct topic_config topic;
        int err = parse_topic(item, &topic);
        if (err != RMQ_OK)
            return err;
        bool found;
        size_t position = position_of(topics, topic.name, &found);
        if (found || find_builtin(topics, topic.name) < BUILTIN_COUNT)
            return RMQ_E_INVALID;
        err = insert(topics, position, &topic);
        if (err != RMQ_OK)
            return err;
    }
    return RMQ_OK;
}

int topics_restore(struct topics *topics, const struct topic_config *config) {
    size_t builtin = find_builtin(topics, config->name);
    bool found;
    if (builtin < BUILTIN_COUNT) {
        topics->builtin_order &= ~(1U << builtin);
        topics->builtin_order |= config->order ? 1U << builtin : 0;
        return RMQ_OK;
    }
    size_t position = position_of(topics, config->name, &found);
    if (!found)
        return insert(topics, position, config);
    return fill(topics->env, topics->by_name[position], config);
}

int topics_remove(struct topics *topics, struct span name) {
    bool found;
    size_t position = position_of(topics, name, &found);
    if (!found)
        return RMQ_E_NOT_FOUND;
    topic_free(topics->env, topics->by_name[position]);
    topics->count--;
    memmove(&topics->by_name[position], &topics->by_name[position + 1],
            (topics->count - position) * sizeof(struct topic *));
    next_version(topics);
    return RMQ_OK;
}

void topics_restore_version(struct topics *topics, const struct data_version *version) {
    topics->version_counter = version->counter;
    topics->version_timestamp = version->timestamp;
}

bool topics_set_order(struct topics *topics, topics_ordered_fn *is_ordered, void *ctx) {
    bool changed = false;
    for (size_t i = 0; i < BUILTIN_COUNT; i++) {
        if ((topics->builtins >> i & 1U) == 0)
            continue;
        struct span name = builtin_name(topics->config, &BUILTINS[i]);
        uint32_t order = is_ordered(ctx, name) ? 1U << i : 0;
        if ((topics->builtin_order & 1U << i) == order)
            continue;
        topics->builtin_order ^= 1U << i;
        event_broker_order_changed(topics->env, name, order != 0);
        changed = true;
    }
    for (size_t i = 0; i < topics->count; i++) {
        struct topic *topic = topics->by_name[i];
        struct span name = span_of(topic->name, topic->name_len);
        bool order = is_ordered(ctx, name);
        if (topic->order == order)
            continue;
        topic->order = order;
        event_broker_order_changed(topics->env, name, order);
        changed = true;
    }
    if (changed)
        next_version(topics);
    return changed;
}

struct data_version topics_version(const struct topics *topics) {
    return (struct data_version){.timestamp = topics->version_timestamp,
                                 .counter = topics->version_counter};
}

static bool is_name_byte(uint8_t c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '%' ||
           c == '|' || c == '_' || c == '-';
}

static bool is_blank(struct span name) {
    for (size_t i = 0; i < name.len; i++) {
        if (name.data[i] != ' ' && (name.data[i] < '\t' || name.data[i] > '\r'))
            return false;
    }
    return true;
}

bool topic_name_bytes(struct span name) {
    for (size_t i = 0; i < name.len; i++) {
        if (!is_name_byte(name.data[i]))
            return false;
    }
    return true;
}

struct span topic_name_check(struct span name) {
    if (is_blank(name))
        return SPAN_LITERAL("The specified topic is blank.");
    if (!topic_name_bytes(name))
        return SPAN_LITERAL("The specified topic contains illegal characters, "
                            "allowing only ^[%|a-zA-Z0-9_-]+$");
    if (name.len > TOPIC_NAME_MAX)
        return SPAN_LITERAL("The specified topic is longer than topic max length.");
    return SPAN_NONE;
}

bool topics_is_system(const struct topics *topics, struct span name) {
    for (size_t i = 0; i < sizeof SYSTEM_TOPICS / sizeof SYSTEM_TOPICS[0]; i++) {
        if (span_equal(span_of_text(SYSTEM_TOPICS[i]), name))
            return true;
    }
    if (topics->config->profile_5_3 && span_equal(name, SPAN_LITERAL("CHECKPOINT_TOPIC")))
        return true;
    return find_builtin(topics, name) < BUILTIN_COUNT ||
           span_starts_with(name, SPAN_LITERAL("rmq_sys_"));
}

size_t topics_system(const struct topics *topics, struct span names[TOPICS_SYSTEM_MAX]) {
    const size_t fixed = sizeof SYSTEM_TOPICS / sizeof SYSTEM_TOPICS[0];
    size_t count = 0;
    _Static_assert(sizeof SYSTEM_TOPICS / sizeof SYSTEM_TOPICS[0] + 1 + BUILTIN_COUNT <=
                       TOPICS_SYSTEM_MAX,
                   "all fit");
    for (size_t i = 0; i < fixed; i++)
        names[count++] = span_of_text(SYSTEM_TOPICS[i]);
    if (topics->config->profile_5_3)
        names[count++] = SPAN_LITERAL("CHECKPOINT_TOPIC");
    for (size_t i = 0; i < BUILTIN_COUNT; i++) {
        struct span name = builtin_name(topics->config, &BUILTINS[i]);
        bool known = (topics->builtins >> i & 1U) == 0;
        for (size_t k = 0; !known && k < count; k++)
            known = span_equal(names[k], name);
        if (!known)
            names[count++] = name;
    }
    return count;
}
