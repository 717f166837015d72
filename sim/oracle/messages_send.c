/* sim/oracle/messages_send.c - sends: begun, tried again, acknowledged, failed. */
#include "sim/oracle/messages_internal.h"

/* The entry goes when nothing is left to wait for; facts keep a copy. */
static void conclude(struct messages *messages, struct message_entry *message) {
    messages->facts.has_message = true;
    messages->facts.message = *message;
    if (messages_is_settled(messages, message))
        messages_live_drop(messages, message);
}

void messages_on_send_started(struct messages *messages, const struct record *record) {
    uint64_t number = record_uint(record, 1);
    uint32_t name = messages_intern(messages, record_text(record, 0));
    struct message_topic *topic = messages_topic_put(messages, name);
    if (topic == NULL || number == 0)
        return;
    struct message_producer *producer = messages_producer_put(messages, number);
    if (producer == NULL)
        return;
    bool first = producer->top == 0;
    producer->topic = first || producer->topic == name ? name : 0;
    producer->node = record->node;
    if (message_sequence(number) > producer->top)
        producer->top = message_sequence(number);
    struct message_entry *message = messages_live_put(messages, number);
    if (message == NULL)
        return;
    message->started_ns = record->world_ns;
    message->topic = name;
    struct span tag = record_text(record, 3);
    message->tag = tag.len == 0 ? 0 : messages_intern(messages, tag);
    message->node = record->node;
    message->attempts = 1;
    message->delay_level = (uint16_t)record_int(record, 5);
    topic->unresolved++;
    messages->facts.has_message = true;
    messages->facts.message = *message;
}

void messages_on_send_retried(struct messages *messages, const struct record *record) {
    struct message_entry *message = messages_live_get(messages, record_uint(record, 1));
    if (message == NULL)
        return;
    uint32_t broker = messages_intern(messages, record_text(record, 3));
    uint32_t last = messages_intern(messages, record_text(record, 4));
    if (message->attempts == 1)
        message->tried |= UINT64_C(1) << last % 64; /* the first one had all the time */
    message->attempts = (uint16_t)record_uint(record, 2);
    if (record_uint(record, 6) >= MESSAGE_TRY_NS)
        message->tried |= UINT64_C(1) << broker % 64;
    messages->facts.has_message = true;
    messages->facts.message = *message;
}

static void resolve(struct messages *messages, uint32_t topic_name) {
    struct message_topic *topic = messages_topic(messages, topic_name);
    if (topic != NULL && topic->unresolved > 0)
        topic->unresolved--;
}

/* An answer that its broker gave before it went down, about a place that recovery took back: the
 * place may be another message's by now. */
static bool is_stale(const struct message_queue *queue, const struct message_entry *message,
                     uint64_t offset) {
    const struct message_broker *broker = queue->broker;
    return message != NULL && message->started_ns < broker->down.world_ns &&
           queue->recovered_lives == broker->lives && offset >= queue->recovered_max;
}

/* Stored before its topic was deleted: its place is open to others. */
static bool is_deleted(const struct message_queue *queue, int64_t physical) {
    return physical >= 0 && physical < queue->dead_below;
}

/* Topic, broker, queue, offset, physical, message, status, attempts. */
static void note_place(struct messages *messages, const struct record *record,
                       struct message_queue *queue, struct message_entry *message) {
    uint64_t offset = (uint64_t)record_int(record, 3);
    messages->facts.queue = queue;
    if (is_stale(queue, message, offset) || is_deleted(queue, record_int(record, 4)))
        return;
    if (queue->acked.first == UINT64_MAX)
        number_set_begin(&queue->acked, &messages->host, offset);
    messages->facts.offset_taken = !number_set_add(&queue->acked, offset);
    messages->no_memory |= queue->acked.holes.no_memory;
    queue->max = offset >= queue->max ? offset + 1 : queue->max;
    const struct acked_message ack = {.number = record_uint(record, 5),
                                      .offset = offset,
                                      .physical = record_int(record, 4),
                                      .mark = oracle_mark(record),
                                      .queue = queue->index,
                                      .status = (int32_t)record_int(record, 6)};
    messages_keep_ack(messages, queue, &ack);
}

void messages_on_send_acked(struct messages *messages, const struct record *record) {
    uint64_t number = record_uint(record, 5);
    struct message_entry *message = messages_live_get(messages, number);
    int64_t offset = record_int(record, 3);
    struct message_queue *queue = NULL;
    if (offset >= 0) { /* a one-way send has no place */
        uint32_t topic = messages_intern(messages, record_text(record, 0));
        uint32_t broker = messages_intern(messages, record_text(record, 1));
        queue = messages_queue(messages, messages_broker(messages, broker), topic,
                               record_uint(record, 2));
    }
    if (queue != NULL)
        note_place(messages, record, queue, message);
    if (message == NULL)
        return;
    resolve(messages, message->topic);
    struct message_producer *producer = messages_producer(messages, number);
    if (producer != NULL && record_uint(record, 7) <= 1 && message->attempts == 1) {
        (void)number_set_add(&producer->once, message_sequence(number));
        messages->no_memory |= producer->once.holes.no_memory;
    }
    message->acked_ns = record->world_ns;
    message->offset = (uint64_t)offset;
    message->physical = record_int(record, 4);
    message->queue = queue == NULL ? 0 : queue->index + 1;
    if (queue != NULL)
        messages_note_unwanted(messages, message, queue);
    if (queue == NULL || is_deleted(queue, message->physical)) { /* nothing is promised */
        messages->facts.has_message = true;
        messages->facts.message = *message;
        messages_live_drop(messages, message);
        return;
    }
    conclude(messages, message);
}

void messages_on_send_failed(struct messages *messages, const struct record *record) {
    struct message_entry *message = messages_live_get(messages, record_uint(record, 1));
    if (message == NULL)
        return;
    if (record_uint(record, 6) == 0)
        resolve(messages, message->topic);
    messages->facts.has_message = true;
    messages->facts.message = *message;
    messages_live_drop(messages, message);
}
