/* sim/oracle/messages_progress.c - O-PROG: an acknowledged message is delivered within a time.
 *
 * Counted per group from the latest of: the acknowledgement, the owner's acquisition of the queue,
 * and since when broker and owner are healthy. While one of them is not, nothing is judged; without
 * an owner one-owner judges. */
#include "sim/oracle/base.h"

static const struct oracle_parameter PARAMETERS[] = {
    {"within", "duration", "60s",
     "from the acknowledgement to the first delivery (a pull that is not answered ends after 30 "
     "s)"},
    {"ignore", "text", "", "groups that are not judged (suspended, slow on purpose)"},
    {"excused", "text", "", "nodes: a broker's or an owner's messages may be late"},
};

struct messages_progress {
    struct oracle_base base;
    uint64_t within_ns;
    struct span ignore;
};

extern const struct oracle_type ORACLE_MESSAGES_PROGRESS;

static void *create(const struct oracle_host *host, const struct props *parameters,
                    const char **error) {
    struct messages_progress *oracle =
        oracle_begin(host, &ORACLE_MESSAGES_PROGRESS, parameters, sizeof *oracle, error);
    if (oracle == NULL)
        return NULL;
    oracle->within_ns = oracle_read_duration(&oracle->base, "within");
    oracle->ignore = oracle_read_text(&oracle->base, "ignore");
    return oracle_ready(oracle, error);
}

static uint64_t later(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

/* Since when could it have been delivered? False: it cannot be now. */
static bool since(const struct messages_progress *oracle, const struct message_entry *message,
                  const struct message_queue *queue, const struct queue_owner *owner,
                  uint64_t *since_ns) {
    const struct cluster *cluster = oracle->base.host.cluster;
    const struct cluster_node *broker = cluster_node(cluster, queue->broker->node);
    const struct cluster_node *client = owner == NULL ? NULL : cluster_node(cluster, owner->node);
    if (client == NULL || !cluster_is_healthy(client) ||
        (broker != NULL && !cluster_is_healthy(broker)) || oracle_excuses(&oracle->base, client) ||
        oracle_excuses(&oracle->base, broker))
        return false;
    *since_ns = later(later(message->acked_ns, owner->since_ns), cluster_healthy_since(client));
    if (broker != NULL)
        *since_ns = later(*since_ns, cluster_healthy_since(broker));
    return true;
}

static void fail(struct messages_progress *oracle, const struct message_entry *message,
                 const struct message_queue *queue, const struct queue_owner *owner,
                 struct oracle_mark mark, uint64_t waited_ns, uint32_t group) {
    struct oracle_base *base = &oracle->base;
    const struct messages *messages = base->host.messages;
    char where[QUEUE_TEXT_MAX];
    messages_queue_text(messages, queue, where);
    if (!oracle_fail(base, "a message of %s was %s group %.*s for " SECONDS_FORMAT, where,
                     mark.kind == 0 ? "not delivered to" : "on its way to",
                     TEXT(messages_name(messages, group)), SECONDS(waited_ns)))
        return;
    oracle_witness(base, (struct oracle_mark){message->acked_ns, message->node, EVENT_send_acked},
                   "message %llx acknowledged at offset %llu", (unsigned long long)message->number,
                   (unsigned long long)message->offset);
    oracle_witness(base, (struct oracle_mark){owner->since_ns, owner->node, EVENT_queue_acquired},
                   "its owner begins at offset %llu", (unsigned long long)owner->from);
    oracle_witness(base, mark, mark.kind == 0 ? "still not delivered" : "delivered");
}

static void on_record(void *self, const struct record *record) {
    struct messages_progress *oracle = self;
    const struct messages *messages = oracle->base.host.messages;
    const struct message_facts *facts = &messages->facts;
    uint64_t since_ns;
    if (!facts->has_message || !facts->first_delivery || facts->message.acked_ns == 0 ||
        facts->message.delay_level > 0 || /* delay-times judges them */
        messages_listed(messages, oracle->ignore, facts->progress->group) ||
        !since(oracle, &facts->message, facts->queue, facts->owner, &since_ns)) {
        oracle->base.verdict.checked += facts->progress != NULL;
        return;
    }
    oracle->base.verdict.checked++;
    if (record->world_ns > since_ns + oracle->within_ns)
        fail(oracle, &facts->message, facts->queue, facts->owner, oracle_mark(record),
             record->world_ns - since_ns, facts->progress->group);
}

/* Of one group that still misses a message. */
static void judge_waiting(struct messages_progress *oracle, const struct message_entry *message,
                          uint32_t group, uint64_t end_ns) {
    const struct messages *messages = oracle->base.host.messages;
    const struct message_queue *queue = messages->queues[message->queue - 1];
    const struct group_queue *progress = messages_progress(messages, group, queue);
    uint64_t since_ns;
    if (progress == NULL || progress->owner_count == 0 || message->offset < progress->floor ||
        message->offset < progress->progress || message->offset < queue->min ||
        messages_listed(messages, oracle->ignore, group))
        return;
    const struct queue_owner *owner = &progress->owners[progress->owner_count - 1];
    if (since(oracle, message, queue, owner, &since_ns) && end_ns > since_ns + oracle->within_ns)
        fail(oracle, message, queue, owner, (struct oracle_mark){end_ns, owner->node, 0},
             end_ns - since_ns, group);
}

static void finish(void *self, uint64_t end_ns, struct oracle_verdict *out) {
    struct messages_progress *oracle = self;
    const struct messages *messages = oracle->base.host.messages;
    for (size_t i = 0; i < messages->live_capacity; i++) {
        const struct message_entry *message = &messages->live[i];
        if (message->number == 0 || message->acked_ns == 0 || message->queue == 0)
            continue;
        const struct message_topic *topic = messages_topic(messages, message->topic);
        for (size_t g = 0; g < topic->group_count && g < 64; g++)
            if ((message->delivered >> g & 1) == 0)
                judge_waiting(oracle, message, topic->groups[g], end_ns);
    }
    oracle_end(&oracle->base, "nothing was delivered", out);
}

static const uint16_t KINDS[] = {EVENT_consume_delivered, EVENT_KIND_COUNT};

const struct oracle_type ORACLE_MESSAGES_PROGRESS = {
    .name = "messages-progress",
    .class_ = ORACLE_LIVENESS,
    .about = "an acknowledged message is delivered in time while its broker and owner are healthy",
    .parameters = PARAMETERS,
    .parameter_count = sizeof PARAMETERS / sizeof PARAMETERS[0],
    .kinds = KINDS,
    .create = create,
    .on_record = on_record,
    .finish = finish,
};
