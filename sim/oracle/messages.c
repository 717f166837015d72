/* sim/oracle/messages.c - who and where: names, brokers, topics, queues, groups, producers. */
#include "sim/oracle/messages_internal.h"

#include <stdio.h>

#include "model/base/check.h"

const char *duplicate_name(enum duplicate_cause cause) {
    static const char *const names[] = {"none",
#define DUPLICATE_NAME(id, name, about) name,
                                        DUPLICATE_CAUSES(DUPLICATE_NAME)
#undef DUPLICATE_NAME
    };
    return names[cause];
}

struct messages *messages_create(const struct oracle_host *host) {
    struct messages *messages = host->alloc(host->ctx, sizeof *messages);
    if (messages == NULL)
        return NULL;
    messages->host = *host;
    intern_init(&messages->names, &messages->host);
    table_init(&messages->queue_of, &messages->host);
    table_init(&messages->progress_of, &messages->host);
    table_init(&messages->producer_of, &messages->host);
    table_init(&messages->delivered_of, &messages->host);
    table_init(&messages->subscription_of, &messages->host);
    u64_set_init(&messages->failed, &messages->host);
    u64_set_init(&messages->dead, &messages->host);
    return messages;
}

/* ---- memory ---- */

void *messages_alloc(struct messages *messages, size_t size) {
    void *block = messages->host.alloc(messages->host.ctx, size);
    messages->no_memory |= block == NULL;
    return block;
}

uint32_t messages_intern(struct messages *messages, struct span text) {
    uint32_t number = intern_add(&messages->names, text);
    messages->no_memory |= number == 0;
    return number;
}

struct span messages_name(const struct messages *messages, uint32_t name) {
    return name == 0 ? SPAN_NONE : intern_text(&messages->names, name);
}

/* The place of number `at` in an array of pointers; NULL: no memory. */
static void *reach(struct messages *messages, void *array, size_t at, size_t *capacity) {
    void *reached = array_reach(&messages->host, array, at + 1, capacity, sizeof(void *));
    messages->no_memory |= reached == NULL;
    return reached;
}

/* The number in `table` of a key: index + 1, `count` + 1 for a new one; 0: no memory. */
static size_t number_in(struct messages *messages, struct table *table, uint64_t key, size_t count,
                        bool *is_new) {
    uint64_t *value = table_put(table, key);
    messages->no_memory |= value == NULL;
    *is_new = value != NULL && *value == 0;
    if (*is_new)
        *value = count + 1;
    return value == NULL ? 0 : (size_t)*value;
}

/* ---- brokers ---- */

struct message_broker *messages_broker(struct messages *messages, uint32_t name) {
    struct message_broker **brokers =
        name == 0 ? NULL : reach(messages, messages->brokers, name, &messages->broker_capacity);
    if (brokers == NULL)
        return NULL;
    messages->brokers = brokers;
    if (brokers[name] == NULL) {
        brokers[name] = messages_alloc(messages, sizeof *brokers[name]);
        if (brokers[name] != NULL)
            brokers[name]->name = name;
    }
    return brokers[name];
}

struct message_broker *messages_broker_of(struct messages *messages, uint16_t number) {
    struct message_broker **by_node =
        reach(messages, messages->by_node, number, &messages->by_node_capacity);
    if (by_node == NULL)
        return NULL;
    messages->by_node = by_node;
    if (by_node[number] != NULL)
        return by_node[number];
    const struct cluster_node *node = cluster_node(messages->host.cluster, number);
    if (node == NULL)
        return NULL;
    struct span name = node->broker_id == 0 ? node->broker : node->name;
    struct message_broker *broker = messages_broker(messages, messages_intern(messages, name));
    if (broker != NULL)
        broker->node = number;
    by_node[number] = broker;
    return broker;
}

/* ---- topics and queues ---- */

struct message_topic *messages_topic(const struct messages *messages, uint32_t name) {
    return name < messages->topic_capacity ? messages->topics[name] : NULL;
}

struct message_topic *messages_topic_put(struct messages *messages, uint32_t name) {
    struct message_topic **topics =
        name == 0 ? NULL : reach(messages, messages->topics, name, &messages->topic_capacity);
    if (topics == NULL)
        return NULL;
    messages->topics = topics;
    if (topics[name] == NULL) {
        topics[name] = messages_alloc(messages, sizeof *topics[name]);
        if (topics[name] != NULL)
            topics[name]->name = name;
    }
    return topics[name];
}

uint64_t messages_group_bit(struct messages *messages, struct message_topic *topic,
                            uint32_t group) {
    size_t at = 0;
    while (at < topic->group_count && topic->groups[at] != group)
        at++;
    if (at >= 64)
        return 0;
    if (at < topic->group_count)
        return UINT64_C(1) << at;
    uint32_t *groups = array_room(&messages->host, topic->groups, topic->group_count,
                                  &topic->group_capacity, sizeof *groups);
    messages->no_memory |= groups == NULL;
    if (groups == NULL)
        return 0;
    topic->groups = groups;
    groups[topic->group_count++] = group;
    return UINT64_C(1) << at;
}

struct message_queue *messages_queue(struct messages *messages, struct message_broker *broker,
                                     uint32_t topic, uint64_t number) {
    if (broker == NULL || topic == 0)
        return NULL;
    bool is_new;
    size_t at = number_in(messages, &messages->queue_of, table_key(broker->name, topic, number, 1),
                          messages->queue_count, &is_new);
    if (at == 0 || !is_new)
        return at == 0 ? NULL : messages->queues[at - 1];
    struct message_queue **queues =
        reach(messages, messages->queues, at - 1, &messages->queue_capacity);
    struct message_queue *queue = messages_alloc(messages, sizeof *queue);
    if (queues == NULL || queue == NULL)
        return NULL;
    messages->queues = queues;
    *queue = (struct message_queue){.index = (uint32_t)(at - 1),
                                    .topic = topic,
                                    .queue = (uint32_t)number,
                                    .broker = broker,
                                    .recovered_max = UINT64_MAX,
                                    .recovered_lives = UINT32_MAX,
                                    .first_seen_ns = messages->host.cluster->now_ns};
    number_set_begin(&queue->acked, &messages->host, UINT64_MAX);
    queues[messages->queue_count++] = queue;
    return queue;
}

/* ---- groups ---- */

struct group_queue *messages_progress(const struct messages *messages, uint32_t group,
                                      const struct message_queue *queue) {
    const uint64_t *at = table_get(&messages->progress_of, table_key(group, queue->index, 0, 2));
    return at == NULL || *at > messages->progress_count ? NULL : messages->progress[*at - 1];
}

struct group_queue *messages_progress_put(struct messages *messages, uint32_t group,
                                          struct message_queue *queue, bool *is_new) {
    *is_new = false;
    if (group == 0 || queue == NULL)
        return NULL;
    size_t at = number_in(messages, &messages->progress_of, table_key(group, queue->index, 0, 2),
                          messages->progress_count, is_new);
    if (at == 0 || !*is_new)
        return at == 0 ? NULL : messages->progress[at - 1];
    struct group_queue **all =
        reach(messages, messages->progress, at - 1, &messages->progress_capacity);
    struct group_queue *progress = messages_alloc(messages, sizeof *progress);
    struct message_topic *topic = messages_topic_put(messages, queue->topic);
    if (all == NULL || progress == NULL || topic == NULL)
        return NULL;
    messages->progress = all;
    *progress = (struct group_queue){.index = (uint32_t)(at - 1), .group = group, .queue = queue};
    all[messages->progress_count++] = progress;
    (void)messages_group_bit(messages, topic, group);
    return progress;
}

/* ---- producers ---- */

struct message_producer *messages_producer(const struct messages *messages, uint64_t number) {
    const uint64_t *at = table_get(&messages->producer_of, message_producer_id(number));
    return at == NULL ? NULL : messages->producers[*at - 1];
}

struct message_producer *messages_producer_put(struct messages *messages, uint64_t number) {
    bool is_new;
    size_t at = number_in(messages, &messages->producer_of, message_producer_id(number),
                          messages->producer_count, &is_new);
    if (at == 0 || !is_new)
        return at == 0 ? NULL : messages->producers[at - 1];
    struct message_producer **producers =
        reach(messages, messages->producers, at - 1, &messages->producer_capacity);
    struct message_producer *producer = messages_alloc(messages, sizeof *producer);
    if (producers == NULL || producer == NULL)
        return NULL;
    messages->producers = producers;
    producer->id = message_producer_id(number);
    number_set_begin(&producer->once, &messages->host, message_sequence(number));
    producers[messages->producer_count++] = producer;
    return producer;
}

struct number_set *messages_delivered(struct messages *messages, uint32_t group,
                                      const struct message_producer *producer) {
    bool is_new;
    size_t at = number_in(messages, &messages->delivered_of, table_key(group, producer->id, 0, 3),
                          messages->delivered_count, &is_new);
    if (at == 0 || !is_new)
        return at == 0 ? NULL : messages->delivered[at - 1];
    struct number_set **all =
        reach(messages, messages->delivered, at - 1, &messages->delivered_capacity);
    struct number_set *set = messages_alloc(messages, sizeof *set);
    if (all == NULL || set == NULL)
        return NULL;
    messages->delivered = all;
    number_set_begin(set, &messages->host, producer->once.first);
    all[messages->delivered_count++] = set;
    return set;
}

/* ---- asking ---- */

const char *messages_queue_text(const struct messages *messages, const struct message_queue *queue,
                                char out[QUEUE_TEXT_MAX]) {
    struct span topic = messages_name(messages, queue->topic);
    struct span broker = messages_name(messages, queue->broker->name);
    snprintf(out, QUEUE_TEXT_MAX, "%.*s queue %u of %.*s", topic.len > 60 ? 60 : (int)topic.len,
             (const char *)topic.data, queue->queue, broker.len > 60 ? 60 : (int)broker.len,
             (const char *)broker.data);
    return out;
}

bool messages_listed(const struct messages *messages, struct span list, uint32_t name) {
    return list.len > 0 && name_listed(list, messages_name(messages, name));
}

uint64_t messages_backlog(const struct messages *messages) {
    uint64_t backlog = 0;
    for (size_t i = 0; i < messages->progress_count; i++) {
        const struct group_queue *progress = messages->progress[i];
        if (progress->queue->max > progress->delivered_top)
            backlog += progress->queue->max - progress->delivered_top;
    }
    return backlog;
}

/* ---- events ---- */

void messages_on_record(struct messages *messages, const struct record *record) {
    struct lost_message *lost = messages->facts.lost;
    static const struct {
        void (*handle)(struct messages *messages, const struct record *record);
    } handlers[EVENT_KIND_COUNT] = {
        [EVENT_send_started] = {messages_on_send_started},
        [EVENT_send_retried] = {messages_on_send_retried},
        [EVENT_send_acked] = {messages_on_send_acked},
        [EVENT_send_failed] = {messages_on_send_failed},
        [EVENT_consumer_rebalanced] = {messages_on_rebalanced},
        [EVENT_queue_acquired] = {messages_on_acquired},
        [EVENT_queue_released] = {messages_on_released},
        [EVENT_consume_pulled] = {messages_on_pulled},
        [EVENT_consume_delivered] = {messages_on_delivered},
        [EVENT_consume_failed] = {messages_on_failed},
        [EVENT_consumer_offset_reset] = {messages_on_reset},
        [EVENT_offset_committed] = {messages_on_committed},
        [EVENT_offset_lowered] = {messages_on_lowered},
        [EVENT_store_flushed] = {messages_on_flushed},
        [EVENT_store_recovered] = {messages_on_recovered},
        [EVENT_store_queue_recovered] = {messages_on_queue_recovered},
        [EVENT_store_queue_trimmed] = {messages_on_trimmed},
        [EVENT_store_file_deleted] = {messages_on_deleted},
        [EVENT_broker_topic_deleted] = {messages_on_topic_deleted},
        [EVENT_store_sync_failed] = {messages_on_disk_fault},
        [EVENT_world_disk] = {messages_on_disk_fault},
        [EVENT_world_fault] = {messages_on_disk_fault},
        [EVENT_world_node_down] = {messages_on_node_down},
        [EVENT_node_serves] = {messages_on_serves},
    };
    if (record->kind >= EVENT_KIND_COUNT || handlers[record->kind].handle == NULL ||
        messages->no_memory)
        return;
    memset(&messages->facts, 0, sizeof messages->facts);
    messages->facts.lost = lost;
    handlers[record->kind].handle(messages, record);
    messages->no_memory |= messages->failed.no_memory || messages->dead.no_memory;
}
