/* broker/topic_delete.c - topics and files that go: 215, 306, 316, 329 (broker.md 22.1, store.md
 * 16.5).
 *
 * 215 deletes a topic's messages (store/deleted.h), then its configuration and its offsets, and
 * registers the rest at once. A crash at any point leaves either the topic, or none of its
 * messages; before topics.json is saved, its configuration may stay. Where the store refuses, all
 * is as it was. Source: AdminBrokerProcessor.java deleteTopic of 4.9.8 and 5.3.3. Differs: names
 * are checked in both releases; offsets go in both (4.9 leaves them, and a topic of the same name
 * would then be consumed from where the old one was); no NullPointerException (5.3.3 with the timer
 * wheel off); name servers hear of it at once, not at the next registration; old messages do not
 * come back with the topic's name after an unclean stop. Records stay in the log until it expires.
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
    bool began; /* the store has it until its done */
    size_t topic_len;
    uint8_t topic[];
};

static void deletion_drop(struct admin_task *task) {
    struct deletion *deletion = (struct deletion *)task;
    if (deletion->began)
        store_delete_cancel(task->broker->store, &deletion->operation);
    admin_task_end(task);
}

static void on_deleted(struct store_delete *operation, int status) {
    struct deletion *deletion = RMQ_CONTAINER_OF(operation, struct deletion, operation);
    struct broker *broker = deletion->task.broker;
    struct span topic = span_of(deletion->topic, deletion->topic_len);
    deletion->began = false;
    if (status != RMQ_OK) {
        admin_refuse(broker, &deletion->task.asker, RESPONSE_SYSTEM_ERROR,
                     "nothing is deleted: ", span_of_text(rmq_err_text(status)), "");
        admin_task_end(&deletion->task);
        return;
    }
    if (topic.len > 0) {
        offsets_remove_topic(&broker->offsets, topic);
        offsets_save_now(&broker->offsets); /* else a power-off brings the old ones back */
        stats_forget_topic(&broker->stats, topic);
        if (topics_remove(&broker->topics, topic) == RMQ_OK) {
            event_broker_topic_deleted(broker->env, topic);
            registration_scheduled(&broker->registrar, true, 0, on_registered, broker);
        }
    }
    admin_answer(broker, &deletion->task.asker, SPAN_NONE, NULL);
    admin_task_end(&deletion->task);
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
