/* broker/topic_delete.c - topics and files that go: 215, 306, 316, 329 (broker.md 22.1, store.md
 * 16.5).
 *
 * 215 removes a topic's configuration, its offsets and its consume queues, and registers the rest
 * at once. A crash at any point leaves either: the topic, or an unknown topic's queues, which 316
 * removes. Source: AdminBrokerProcessor.java deleteTopic of 4.9.8 and 5.3.3. Differs: names are
 * checked in both releases; offsets go in both (4.9 leaves them, and a topic of the same name would
 * then be consumed from where the old one was); no NullPointerException (5.3.3 with the timer wheel
 * off); name servers hear of it at once, not at the next registration. Messages stay in the log
 * until it expires. */
#include "model/base/check.h"
#include "model/broker/broker_internal.h"
#include "model/events.h"

static void on_registered(void *ctx) {
    RMQ_ASSERT(ctx != NULL); /* nobody waits for it */
}

static bool is_other_topic(void *ctx, struct span topic) {
    const struct span *deleted = ctx;
    return !span_equal(topic, *deleted);
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
    int err = topics_remove(&broker->topics, header.topic);
    offsets_remove_topic(&broker->offsets, header.topic);
    stats_forget_topic(&broker->stats, header.topic);
    store_clean_topics(broker->store, is_other_topic, &header.topic);
    if (err == RMQ_OK) {
        event_broker_topic_deleted(broker->env, header.topic);
        registration_scheduled(&broker->registrar, true, 0, on_registered, broker);
    }
    admin_answer(broker, &asker, SPAN_NONE, NULL);
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
    store_clean_topics(broker->store, is_known_topic, &broker->topics);
    admin_answer(broker, &asker, SPAN_NONE, NULL);
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
