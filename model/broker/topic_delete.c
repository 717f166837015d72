/* broker/topic_delete.c - topics and files that go: 215, 306, 316, 329 (broker.md 22.1, store.md
 * 16.5).
 *
 * 215 deletes a topic's messages (store/deleted.h), then its configuration and its offsets,
 * registers the rest at once, and answers when topics.json and consumerOffset.json are durable. A
 * crash at any point leaves either the topic, or none of its messages; before the answer, its
 * configuration may stay. Where the store refuses, all is as it was; where a file cannot be saved,
 * the answer says so, and the broker goes on trying. Source: AdminBrokerProcessor.java deleteTopic
 * of 4.9.8 and 5.3.3. Differs: names are checked in both releases; offsets go in both (4.9 leaves
 * them, and a topic of the same name would then be consumed from where the old one was); no
 * NullPointerException (5.3.3 with the timer wheel off); name servers hear of it at once, not at
 * the next registration; old messages do not come back with the topic's name after an unclean stop;
 * an answer promises that. Records stay in the log until it expires.
 */
#include "model/base/check.h"
#include "model/broker/broker_internal.h"
#include "model/events.h"

static void on_registered(void *ctx) {
    RMQ_ASSERT(ctx != NULL); /* nobody waits for it */
}

/* 215, or 316 without a topic. */
struct deletion {
    struct admin_task task;
    struct store_delete operation;
    struct config_wait wait; /* then for topics.json, then for consumerOffset.json */
    bool began;              /* the store has it until its done */
    size_t topic_len;
    uint8_t topic[];
};

static void deletion_drop(struct admin_task *task) {
    struct deletion *deletion = (struct deletion *)task;
    if (deletion->began)
        store_delete_cancel(task->broker->store, &deletion->operation);
    config_wait_cancel(&deletion->wait);
    admin_task_end(task);
}

static void refuse(struct deletion *deletion, const char *what, int status) {
    admin_refuse(deletion->task.broker, &deletion->task.asker, RESPONSE_SYSTEM_ERROR, what,
                 span_of_text(rmq_err_text(status)), "");
    admin_task_end(&deletion->task);
}

static void succeed(struct deletion *deletion) {
    struct broker *broker = deletion->task.broker;
    if (deletion->topic_len > 0)
        event_broker_topic_gone(broker->env, span_of(deletion->topic, deletion->topic_len));
    admin_answer(broker, &deletion->task.asker, SPAN_NONE, NULL);
    admin_task_end(&deletion->task);
}

static void on_offsets_saved(void *ctx, int status) {
    struct deletion *deletion = ctx;
    if (status == RMQ_OK)
        succeed(deletion);
    else
        refuse(deletion, "deleted, but consumerOffset.json is not saved yet: ", status);
}

static void on_topics_saved(void *ctx, int status) {
    struct deletion *deletion = ctx;
    if (status != RMQ_OK) {
        refuse(deletion, "deleted, but topics.json is not saved yet: ", status);
        return;
    }
    deletion->wait = (struct config_wait){.done = on_offsets_saved, .ctx = deletion};
    config_file_await(&deletion->task.broker->offsets.file, &deletion->wait);
}

/* Its messages are gone: so do its configuration and its offsets. */
static void forget_topic(struct broker *broker, struct span topic) {
    offsets_remove_topic(&broker->offsets, topic);
    offsets_save_now(&broker->offsets);
    stats_forget_topic(&broker->stats, topic);
    if (topics_remove(&broker->topics, topic) != RMQ_OK)
        return;
    event_broker_topic_deleted(broker->env, topic, store_dead_below(broker->store, topic));
    registration_scheduled(&broker->registrar, true, 0, on_registered, broker);
}

static void on_deleted(struct store_delete *operation, int status) {
    struct deletion *deletion = RMQ_CONTAINER_OF(operation, struct deletion, operation);
    struct broker *broker = deletion->task.broker;
    struct span topic = span_of(deletion->topic, deletion->topic_len);
    deletion->began = false;
    if (status != RMQ_OK) {
        refuse(deletion, "nothing is deleted: ", status);
        return;
    }
    if (topic.len > 0)
        forget_topic(broker, topic);
    if (topic.len == 0 || env_plant(broker->env, PLANT_BROKER_DELETE_EARLY)) {
        succeed(deletion);
        return;
    }
    deletion->wait = (struct config_wait){.done = on_topics_saved, .ctx = deletion};
    config_file_await(broker->topics.file, &deletion->wait);
}

/* NULL: it was answered. */
static struct deletion *deletion_create(struct broker *broker, const struct asker *asker,
                                        struct span topic) {
    struct deletion *deletion =
        admin_task_create(broker, asker, sizeof *deletion + topic.len, deletion_drop);
    if (deletion == NULL)
        return NULL;
    deletion->began = true;
    deletion->topic_len = topic.len;
    memcpy(deletion->topic, topic.data, topic.len);
    return deletion;
}

void broker_on_delete_topic(struct broker *broker, struct channel *channel,
                            const struct wire_command *request) {
    struct asker asker = asker_of(channel, request);
    struct header_topic_name header;
    struct outcome outcome;
    if (!admin_master(broker, &asker) ||
        !admin_header(broker, &asker, request, &HEADER_topic_name, &header))
        return;
    if (!admin_check_topic(broker, header.topic, &outcome)) {
        answer_code(&broker->remoting, &asker, outcome.code, outcome.remark);
        return;
    }
    struct deletion *deletion = deletion_create(broker, &asker, header.topic);
    if (deletion != NULL)
        store_delete_topic(broker->store, header.topic, &deletion->operation, on_deleted);
}

/* ---- 306, 316, 329 --------------------------------------------------------------------------- */

static bool is_known_topic(void *ctx, struct span topic) {
    const struct topics *topics = ctx;
    struct topic_config config;
    return topics_find(topics, topic, &config) == RMQ_OK || topics_is_system(topics, topic);
}

void broker_on_clean_unused_topic(struct broker *broker, struct channel *channel,
                                  const struct wire_command *request) {
    struct asker asker = asker_of(channel, request);
    struct deletion *deletion = deletion_create(broker, &asker, SPAN_LITERAL(""));
    if (deletion != NULL)
        store_clean_topics(broker->store, is_known_topic, &broker->topics, &deletion->operation,
                           on_deleted);
}

/* Queue files below the log's first byte go with the log's own files (store.md 16.4): none is left
 * to clean. Differs: a queue all of whose messages have expired keeps its end; Apache removes it,
 * so that its offsets begin again at 0. */
void broker_on_clean_expired_queue(struct broker *broker, struct channel *channel,
                                   const struct wire_command *request) {
    struct asker asker = asker_of(channel, request);
    admin_answer(broker, &asker, SPAN_NONE, NULL);
}

void broker_on_delete_expired_log(struct broker *broker, struct channel *channel,
                                  const struct wire_command *request) {
    struct asker asker = asker_of(channel, request);
    store_delete_expired(broker->store);
    admin_answer(broker, &asker, SPAN_NONE, NULL);
}
