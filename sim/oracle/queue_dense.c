/* sim/oracle/queue_dense.c - O-CQ: a consume queue lists the messages of its queue, all of them, in
 * order, each where it was stored.
 *
 * Judged: a pull's records are the queue's own and ascend (consume.pulled: foreign 0, first not
 * before what was asked, next behind last, not more records than places); an owner's deliveries
 * leave out no acknowledged offset; a message that was sent once is delivered from the place that
 * was acknowledged; no two messages are acknowledged at one place; a queue's min is not above its
 * max after a recovery. */
#include "sim/oracle/base.h"

static const struct oracle_parameter PARAMETERS[] = {
    {"filtered", "text", "", "groups that may leave out messages that they want"},
    {"excused", "text", "", "broker nodes whose queues may be wrong"},
};

struct queue_dense {
    struct oracle_base base;
    struct span filtered;
};

extern const struct oracle_type ORACLE_QUEUE_DENSE;

static void *create(const struct oracle_host *host, const struct props *parameters,
                    const char **error) {
    struct queue_dense *oracle =
        oracle_begin(host, &ORACLE_QUEUE_DENSE, parameters, sizeof *oracle, error);
    if (oracle == NULL)
        return NULL;
    oracle->filtered = oracle_read_text(&oracle->base, "filtered");
    return oracle_ready(oracle, error);
}

static void fail(struct queue_dense *oracle, const struct record *record, const char *wrong,
                 uint64_t offset) {
    struct oracle_base *base = &oracle->base;
    const struct message_facts *facts = &base->host.messages->facts;
    char where[QUEUE_TEXT_MAX];
    messages_queue_text(base->host.messages, facts->queue, where);
    if (!oracle_fail(base, "%s: %s at offset %llu", where, wrong, (unsigned long long)offset))
        return;
    if (facts->has_message && facts->message.acked_ns != 0)
        oracle_witness(
            base,
            (struct oracle_mark){facts->message.acked_ns, facts->message.node, EVENT_send_acked},
            "message %llx acknowledged at offset %llu", (unsigned long long)facts->message.number,
            (unsigned long long)facts->message.offset);
    if (facts->progress != NULL && facts->progress->acquired.kind != 0)
        oracle_witness(base, facts->progress->acquired, "its owner begins");
    oracle_witness(base, oracle_mark(record), "%s", wrong);
}

/* Asked, next, count, first, last, foreign. */
static void on_pulled(struct queue_dense *oracle, const struct record *record) {
    int64_t asked = record_int(record, 4), next = record_int(record, 5);
    int64_t first = record_int(record, 7), last = record_int(record, 8);
    uint64_t count = record_uint(record, 6);
    const char *wrong = NULL;
    if (record_uint(record, 9) > 0)
        wrong = "a pull has records of another queue or out of order";
    else if (count == 0)
        return;
    else if (first < asked)
        wrong = "a pull begins before what was asked";
    else if (last < first || count > (uint64_t)(last - first) + 1)
        wrong = "a pull has more records than places";
    else if (next <= last)
        wrong = "a pull's next offset is not behind its last";
    if (wrong != NULL)
        fail(oracle, record, wrong, (uint64_t)asked);
}

static void on_delivered(struct queue_dense *oracle, const struct record *record) {
    const struct messages *messages = oracle->base.host.messages;
    const struct message_facts *facts = &messages->facts;
    const struct group_queue *progress = facts->progress;
    uint64_t offset = (uint64_t)record_int(record, 4);
    const struct message_entry *message = &facts->message;
    if (facts->has_message && message->acked_ns != 0 && message->attempts == 1 &&
        message->delay_level == 0 && /* it waited elsewhere */
        facts->fate == MESSAGE_KNOWN && message->queue != 0 &&
        (message->queue != facts->queue->index + 1 || message->offset != offset)) {
        fail(oracle, record, "a message comes from another place than acknowledged", offset);
        return;
    }
    if (facts->owner == NULL || offset <= facts->owner_next ||
        messages_listed(messages, oracle->filtered, progress->group))
        return;
    uint64_t from = facts->owner_next;
    from = from < progress->floor ? progress->floor : from;
    from = from < facts->queue->min ? facts->queue->min : from;
    for (int looked = 0; from < offset && looked < 1024; looked++, from++) {
        from = number_set_absent(&progress->delivered, from, offset);
        if (from < offset && number_set_has(&facts->queue->acked, from)) {
            fail(oracle, record, "an acknowledged message is left out", from);
            return;
        }
    }
}

static void on_record(void *self, const struct record *record) {
    struct queue_dense *oracle = self;
    struct oracle_base *base = &oracle->base;
    const struct message_facts *facts = &base->host.messages->facts;
    if (facts->queue == NULL || facts->queue->broker->disk_fault ||
        oracle_excuses(base, cluster_node(base->host.cluster, facts->queue->broker->node)))
        return;
    base->verdict.checked++;
    switch (record->kind) {
    case EVENT_consume_pulled:
        on_pulled(oracle, record);
        break;
    case EVENT_consume_delivered:
        on_delivered(oracle, record);
        break;
    case EVENT_send_acked:
        if (facts->offset_taken)
            fail(oracle, record, "two messages are acknowledged", (uint64_t)record_int(record, 3));
        break;
    default:
        if (facts->queue->min > facts->queue->max)
            fail(oracle, record, "min is above max after a recovery", facts->queue->min);
        break;
    }
}

static void finish(void *self, uint64_t end_ns, struct oracle_verdict *out) {
    (void)end_ns;
    oracle_end(self, "no queue was used", out);
}

static const uint16_t KINDS[] = {EVENT_consume_pulled, EVENT_consume_delivered, EVENT_send_acked,
                                 EVENT_store_queue_recovered, EVENT_KIND_COUNT};

const struct oracle_type ORACLE_QUEUE_DENSE = {
    .name = "queue-dense",
    .class_ = ORACLE_SAFETY,
    .about = "a consume queue lists its queue's messages: all, in order, each where it is stored",
    .parameters = PARAMETERS,
    .parameter_count = sizeof PARAMETERS / sizeof PARAMETERS[0],
    .kinds = KINDS,
    .create = create,
    .on_record = on_record,
    .finish = finish,
};
