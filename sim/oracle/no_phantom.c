/* sim/oracle/no_phantom.c - nothing is delivered that was not sent: the body is sound, its number
 * was given out by a producer, its topic is the one it was sent to, its tag one that was asked for,
 * and it is not one that was lost: the broker had come back without it, and it was stored once.
 *
 * A damaged body is nobody's fault when the disk of its broker rotted. */
#include "sim/oracle/base.h"

static const struct oracle_parameter PARAMETERS[] = {
    {"excused", "text", "", "consumer nodes that are not judged"},
};

struct no_phantom {
    struct oracle_base base;
};

extern const struct oracle_type ORACLE_NO_PHANTOM;

static void *create(const struct oracle_host *host, const struct props *parameters,
                    const char **error) {
    struct no_phantom *oracle =
        oracle_begin(host, &ORACLE_NO_PHANTOM, parameters, sizeof *oracle, error);
    return oracle == NULL ? NULL : oracle_ready(oracle, error);
}

/* NULL: it is what was sent. */
static const char *wrong_with(const struct message_facts *facts, const struct record *record) {
    if (record_uint(record, 7) == 0)
        return facts->queue->broker->disk_fault ? NULL : "its body is not what was sent";
    if (facts->fate == MESSAGE_WRONG_TOPIC)
        return "it was sent to another topic";
    if (facts->dead)
        return "it was lost, and is back";
    if (facts->fate == MESSAGE_UNKNOWN)
        return "nobody sent it";
    return facts->unwanted ? "the group did not ask for its tag or number" : NULL;
}

static void on_record(void *self, const struct record *record) {
    struct no_phantom *oracle = self;
    struct oracle_base *base = &oracle->base;
    const struct message_facts *facts = &base->host.messages->facts;
    if (facts->queue == NULL ||
        oracle_excuses(base, cluster_node(base->host.cluster, record->node)))
        return;
    base->verdict.checked++;
    const char *wrong = wrong_with(facts, record);
    if (wrong == NULL)
        return;
    char where[QUEUE_TEXT_MAX];
    messages_queue_text(base->host.messages, facts->queue, where);
    if (!oracle_fail(base, "message %llx at offset %lld of %s: %s",
                     (unsigned long long)record_uint(record, 6), (long long)record_int(record, 4),
                     where, wrong))
        return;
    if (facts->has_message)
        oracle_witness(base,
                       (struct oracle_mark){facts->message.started_ns, facts->message.node,
                                            EVENT_send_started},
                       "sent");
    oracle_witness(base, oracle_mark(record), "delivered to group %.*s",
                   TEXT(record_text(record, 0)));
}

static void finish(void *self, uint64_t end_ns, struct oracle_verdict *out) {
    (void)end_ns;
    oracle_end(self, "nothing was delivered", out);
}

static const uint16_t KINDS[] = {EVENT_consume_delivered, EVENT_KIND_COUNT};

const struct oracle_type ORACLE_NO_PHANTOM = {
    .name = "no-phantom",
    .class_ = ORACLE_SAFETY,
    .about =
        "nothing is delivered that was not sent: sound body, known number, right topic and tag",
    .parameters = PARAMETERS,
    .parameter_count = sizeof PARAMETERS / sizeof PARAMETERS[0],
    .kinds = KINDS,
    .create = create,
    .on_record = on_record,
    .finish = finish,
};
