/* sim/oracle/no_duplicates.c - O-DUP: a message that a group gets twice has a reason.
 *
 * Reasons (sim/oracle/messages.h, DUPLICATE_CAUSES): its send was tried again, its queue changed
 * owners or its owner came back, the broker went down with unsaved progress, progress was set back,
 * its handler failed. How many there may be is a matter of the scenario: `max`, `max_ppm`. */
#include "sim/oracle/base.h"

static const struct oracle_parameter PARAMETERS[] = {
    {"max", "count", "18446744073709551615", "at most this many duplicates that have a reason"},
    {"max_ppm", "count", "1000000", "... and at most this many per million deliveries"},
    {"ignore", "text", "", "groups that are not judged"},
    {"excused", "text", "", "consumer nodes that may get duplicates"},
};

struct no_duplicates {
    struct oracle_base base;
    struct span ignore;
    uint64_t max, max_ppm;
    uint64_t explained, deliveries;
    struct oracle_mark last;
};

extern const struct oracle_type ORACLE_NO_DUPLICATES;

static void *create(const struct oracle_host *host, const struct props *parameters,
                    const char **error) {
    struct no_duplicates *oracle =
        oracle_begin(host, &ORACLE_NO_DUPLICATES, parameters, sizeof *oracle, error);
    if (oracle == NULL)
        return NULL;
    oracle->max = oracle_read_count(&oracle->base, "max");
    oracle->max_ppm = oracle_read_count(&oracle->base, "max_ppm");
    oracle->ignore = oracle_read_text(&oracle->base, "ignore");
    return oracle_ready(oracle, error);
}

static void fail(struct no_duplicates *oracle, const struct record *record) {
    struct oracle_base *base = &oracle->base;
    const struct messages *messages = base->host.messages;
    const struct message_facts *facts = &messages->facts;
    char where[QUEUE_TEXT_MAX];
    messages_queue_text(messages, facts->queue, where);
    if (!oracle_fail(base, "group %.*s got message %llx of %s again, and nothing explains it",
                     TEXT(record_text(record, 0)), (unsigned long long)record_uint(record, 6),
                     where))
        return;
    if (facts->progress->acquired.kind != 0)
        oracle_witness(base, facts->progress->acquired, "the latest owner of the queue begins");
    oracle_witness(base, oracle_mark(record),
                   "delivered again, offset %lld; it was to go on at "
                   "%llu",
                   (long long)record_int(record, 4), (unsigned long long)facts->owner_next);
}

static void on_record(void *self, const struct record *record) {
    struct no_duplicates *oracle = self;
    const struct messages *messages = oracle->base.host.messages;
    const struct message_facts *facts = &messages->facts;
    if (facts->progress == NULL ||
        messages_listed(messages, oracle->ignore, facts->progress->group))
        return;
    oracle->base.verdict.checked++;
    oracle->deliveries++;
    if (facts->duplicate == DUPLICATE_NONE ||
        oracle_excuses(&oracle->base, cluster_node(oracle->base.host.cluster, record->node)))
        return;
    if (facts->duplicate == DUPLICATE_UNEXPLAINED) {
        fail(oracle, record);
        return;
    }
    oracle->explained++;
    oracle->last = oracle_mark(record);
    if (oracle->explained == oracle->max + 1 && oracle->max != UINT64_MAX &&
        oracle_fail(&oracle->base, "more than %llu duplicates", (unsigned long long)oracle->max))
        oracle_witness(&oracle->base, oracle_mark(record), "one more, for the reason %s",
                       duplicate_name(facts->duplicate));
}

static void finish(void *self, uint64_t end_ns, struct oracle_verdict *out) {
    struct no_duplicates *oracle = self;
    (void)end_ns;
    if (oracle->explained * 1000000 > oracle->max_ppm * oracle->deliveries &&
        oracle_fail(&oracle->base, "%llu duplicates in %llu deliveries, allowed are %llu ppm",
                    (unsigned long long)oracle->explained, (unsigned long long)oracle->deliveries,
                    (unsigned long long)oracle->max_ppm))
        oracle_witness(&oracle->base, oracle->last, "the last one");
    oracle_end(&oracle->base, "nothing was delivered", out);
}

static const uint16_t KINDS[] = {EVENT_consume_delivered, EVENT_KIND_COUNT};

const struct oracle_type ORACLE_NO_DUPLICATES = {
    .name = "no-duplicates",
    .class_ = ORACLE_SAFETY,
    .about = "a message that a group gets twice has a known reason, and there are not too many",
    .parameters = PARAMETERS,
    .parameter_count = sizeof PARAMETERS / sizeof PARAMETERS[0],
    .kinds = KINDS,
    .create = create,
    .on_record = on_record,
    .finish = finish,
};
