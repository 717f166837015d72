/* sim/oracle/acked_durable.c - O-ACK: what was acknowledged is there.
 *
 * Four ways to lose a message are looked for. (1) A broker comes back and a queue ends before an
 * acknowledged offset. After a kill nothing may be missing. After a power-off a broker that flushes
 * before it answers (`sync`) loses nothing; another one loses only what its log had not flushed
 * (physical offset at or behind the last store.flushed) and what is younger than `window`. (2) A
 * group's progress passes an acknowledged message that none of its members got, be it one that took
 * the place of a lost one which the group had. (3) A part of the log is deleted as expired, though
 * even its store is younger than `retention`. (4) A `sync` broker answers before its log says that
 * the message is flushed, even if nothing comes of it.
 *
 * Not promised: an answer with a status other than 0, a one-way send, what retention removed, and
 * anything of a broker whose disk lied, failed a sync, or rotted. */
#include "sim/oracle/base.h"

static const struct oracle_parameter PARAMETERS[] = {
    {"sync", "text", "none", "brokers that flush before they answer: a list, all, or none"},
    {"window", "duration", "12s",
     "an asynchronous flush comes at most this long after the answer (10 s and its duration)"},
    {"retention", "duration", "72h", "what is younger does not expire (fileReservedTime)"},
    {"filtered", "text", "", "groups that may leave out messages that they want"},
    {"excused", "text", "", "broker nodes that may lose messages"},
};

struct acked_durable {
    struct oracle_base base;
    struct span sync, filtered;
    uint64_t window_ns, retention_ns;
};

extern const struct oracle_type ORACLE_ACKED_DURABLE;

static void *create(const struct oracle_host *host, const struct props *parameters,
                    const char **error) {
    struct acked_durable *oracle =
        oracle_begin(host, &ORACLE_ACKED_DURABLE, parameters, sizeof *oracle, error);
    if (oracle == NULL)
        return NULL;
    oracle->sync = oracle_read_text(&oracle->base, "sync");
    oracle->window_ns = oracle_read_duration(&oracle->base, "window");
    oracle->retention_ns = oracle_read_duration(&oracle->base, "retention");
    oracle->filtered = oracle_read_text(&oracle->base, "filtered");
    return oracle_ready(oracle, error);
}

static bool is_sync(const struct acked_durable *oracle, const struct message_broker *broker) {
    const struct messages *messages = oracle->base.host.messages;
    return span_equal(oracle->sync, SPAN_LITERAL("all")) ||
           messages_listed(messages, oracle->sync, broker->name);
}

/* NULL: it may be lost. */
static const char *promise(const struct acked_durable *oracle, const struct message_broker *broker,
                           const struct lost_message *lost) {
    const struct acked_message *ack = &lost->ack;
    if (ack->status != 0 || (ack->physical >= 0 && ack->physical < broker->deleted_to))
        return NULL;
    if (!broker->power_lost)
        return "its process ended, its machine did not";
    if (is_sync(oracle, broker))
        return "its broker flushes before it answers";
    if (lost->flushed)
        return "it was flushed";
    if (broker->down.world_ns > ack->mark.world_ns + oracle->window_ns)
        return "its flush was overdue";
    return NULL;
}

static void on_lost(struct acked_durable *oracle, const struct record *record,
                    const struct lost_message *lost) {
    struct oracle_base *base = &oracle->base;
    const struct messages *messages = base->host.messages;
    const struct message_queue *queue = messages->queues[lost->ack.queue];
    const struct message_broker *broker = queue->broker;
    const char *why = promise(oracle, broker, lost);
    char where[QUEUE_TEXT_MAX];
    if (why == NULL || broker->disk_fault ||
        oracle_excuses(base, cluster_node(base->host.cluster, broker->node)))
        return;
    messages_queue_text(messages, queue, where);
    if (!oracle_fail(base, "offset %llu of %s was acknowledged and is lost: %s",
                     (unsigned long long)lost->ack.offset, where, why))
        return;
    oracle_witness(base, lost->ack.mark, "message %llx acknowledged at offset %llu, physical %lld",
                   (unsigned long long)lost->ack.number, (unsigned long long)lost->ack.offset,
                   (long long)lost->ack.physical);
    oracle_witness(base, broker->down, "%s; the log was flushed up to %lld",
                   broker->power_lost ? "power-off" : "end of the process",
                   (long long)broker->down_flushed_to);
    oracle_witness(base, oracle_mark(record), "the queue ends at %llu",
                   (unsigned long long)queue->max);
}

/* Topic, broker, queue, offset, physical, message, status. */
static void on_acked(struct acked_durable *oracle, const struct record *record) {
    struct oracle_base *base = &oracle->base;
    const struct messages *messages = base->host.messages;
    const struct message_queue *queue = messages->facts.queue;
    char where[QUEUE_TEXT_MAX];
    if (queue == NULL)
        return;
    base->verdict.checked++;
    const struct message_broker *broker = queue->broker;
    if (!is_sync(oracle, broker) || record_int(record, 6) != 0 ||
        record_int(record, 4) < broker->flushed_to || broker->node == 0 || broker->disk_fault ||
        oracle_excuses(base, cluster_node(base->host.cluster, broker->node)))
        return;
    messages_queue_text(messages, queue, where);
    if (oracle_fail(base, "offset %lld of %s was acknowledged before it was flushed",
                    (long long)record_int(record, 3), where))
        oracle_witness(base, oracle_mark(record),
                       "acknowledged at physical %lld; the log is flushed up to %lld",
                       (long long)record_int(record, 4), (long long)broker->flushed_to);
}

static void on_committed(struct acked_durable *oracle, const struct record *record) {
    struct oracle_base *base = &oracle->base;
    const struct messages *messages = base->host.messages;
    const struct message_facts *facts = &messages->facts;
    char where[QUEUE_TEXT_MAX];
    if (facts->skipped == 0 || facts->queue->broker->disk_fault ||
        messages_listed(messages, oracle->filtered, facts->progress->group))
        return;
    messages_queue_text(messages, facts->queue, where);
    if (!oracle_fail(base, "group %.*s passed %llu acknowledged messages of %s that it never got",
                     TEXT(record_text(record, 0)), (unsigned long long)facts->skipped, where))
        return;
    for (size_t i = 0; i < messages->live_capacity; i++) {
        const struct message_entry *message = &messages->live[i];
        if (message->number != 0 && message->queue == facts->queue->index + 1 &&
            message->offset == facts->skipped_first)
            oracle_witness(
                base, (struct oracle_mark){message->acked_ns, message->node, EVENT_send_acked},
                "message %llx acknowledged at offset %llu", (unsigned long long)message->number,
                (unsigned long long)message->offset);
    }
    oracle_witness(base, facts->progress->acquired, "its owner begins");
    oracle_witness(base, oracle_mark(record), "progress goes from %llu to %lld past offset %llu",
                   (unsigned long long)facts->old_progress, (long long)record_int(record, 3),
                   (unsigned long long)facts->skipped_first);
}

/* Path, from, to, reason. */
static void on_deleted(struct acked_durable *oracle, const struct record *record) {
    struct oracle_base *base = &oracle->base;
    const struct message_broker *broker = base->host.messages->facts.broker;
    const struct cluster_node *node = cluster_node(base->host.cluster, record->node);
    if (broker == NULL || broker->begun.kind == 0 || node->clock_fault ||
        oracle_excuses(base, node) ||
        !span_equal(record_text(record, 3), SPAN_LITERAL("expired")) ||
        record->world_ns - broker->begun.world_ns >= oracle->retention_ns ||
        !oracle_fail(base,
                     "%.*s deletes a part of its log as expired, " SECONDS_FORMAT " after it began",
                     TEXT(node->name), SECONDS(record->world_ns - broker->begun.world_ns)))
        return;
    oracle_witness(base, broker->begun, "its store is empty");
    oracle_witness(base, oracle_mark(record), "%.*s is deleted", TEXT(record_text(record, 0)));
}

static void on_record(void *self, const struct record *record) {
    struct acked_durable *oracle = self;
    const struct message_facts *facts = &oracle->base.host.messages->facts;
    if (record->kind == EVENT_send_acked)
        on_acked(oracle, record);
    else if (record->kind == EVENT_store_file_deleted)
        on_deleted(oracle, record);
    else if (record->kind == EVENT_offset_committed && facts->progress != NULL)
        on_committed(oracle, record);
    else
        for (size_t i = 0; i < facts->lost_count; i++)
            on_lost(oracle, record, &facts->lost[i]);
}

static void finish(void *self, uint64_t end_ns, struct oracle_verdict *out) {
    (void)end_ns;
    oracle_end(self, "no send was acknowledged", out);
}

static const uint16_t KINDS[] = {
    EVENT_send_acked,  EVENT_offset_committed,   EVENT_store_queue_recovered,
    EVENT_node_serves, EVENT_store_file_deleted, EVENT_KIND_COUNT};

const struct oracle_type ORACLE_ACKED_DURABLE = {
    .name = "acked-durable",
    .class_ = ORACLE_SAFETY,
    .about = "an acknowledged message is never lost, but in the window of an asynchronous flush",
    .parameters = PARAMETERS,
    .parameter_count = sizeof PARAMETERS / sizeof PARAMETERS[0],
    .kinds = KINDS,
    .create = create,
    .on_record = on_record,
    .finish = finish,
};
