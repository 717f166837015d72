/* sim/oracle/delay_times.c - O-DELAY: a delayed message comes when it is due, in true time.
 *
 * Never early: not before its level's delay from the begin of its send. Late by `within` at most,
 * counted from the latest of: due (its acknowledgement and the delay), its owner's acquisition of
 * the queue, and since when broker and owner are healthy; while one of them is not, lateness is not
 * judged. At the end what is overdue and was never delivered is late, too, unless a restart has
 * shown that it was lost (acked-durable judges that). That it comes to its own topic is
 * no-phantom's. */
#include "sim/oracle/base.h"

#define NS_PER_S UINT64_C(1000000000)
#define LEVELS_MAX 64

static const struct oracle_parameter PARAMETERS[] = {
    {"levels", "text", "1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 60m 120m",
     "the brokers' messageDelayLevel, in s and m"},
    {"within", "duration", "1s", "from the due time to the delivery"},
    {"early", "duration", "0s", "as much too early is allowed (clocks that run fast)"},
    {"ignore", "text", "", "groups that are not judged"},
    {"excused", "text", "", "nodes: a broker's or an owner's messages may be late"},
};

struct delay_times {
    struct oracle_base base;
    uint64_t within_ns, early_ns;
    uint64_t delay_ns[LEVELS_MAX];
    size_t levels;
    struct span ignore;
};

extern const struct oracle_type ORACLE_DELAY_TIMES;

static void read_levels(struct delay_times *oracle) {
    struct span list = oracle_read_text(&oracle->base, "levels"), word;
    while (span_next_part(&list, ' ', &word)) {
        if (oracle->levels == LEVELS_MAX ||
            !duration_parse(word, &oracle->delay_ns[oracle->levels++])) {
            oracle_refuse(&oracle->base, "levels", "is no list of durations");
            return;
        }
    }
    if (oracle->levels == 0)
        oracle_refuse(&oracle->base, "levels", "has no level");
}

static void *create(const struct oracle_host *host, const struct props *parameters,
                    const char **error) {
    struct delay_times *oracle =
        oracle_begin(host, &ORACLE_DELAY_TIMES, parameters, sizeof *oracle, error);
    if (oracle == NULL)
        return NULL;
    oracle->within_ns = oracle_read_duration(&oracle->base, "within");
    oracle->early_ns = oracle_read_duration(&oracle->base, "early");
    oracle->ignore = oracle_read_text(&oracle->base, "ignore");
    read_levels(oracle);
    return oracle_ready(oracle, error);
}

static uint64_t later(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

static uint64_t delay_of(const struct delay_times *oracle, const struct message_entry *message) {
    size_t level = message->delay_level < oracle->levels ? message->delay_level : oracle->levels;
    return oracle->delay_ns[level - 1];
}

/* Since when it could have been delivered, at the earliest when it was due. False: it cannot be
 * now, or nobody knows. */
static bool since(const struct delay_times *oracle, const struct message_entry *message,
                  const struct message_broker *broker, const struct queue_owner *owner,
                  uint64_t *since_ns) {
    const struct cluster *cluster = oracle->base.host.cluster;
    const struct cluster_node *server = cluster_node(cluster, broker->node);
    const struct cluster_node *client = owner == NULL ? NULL : cluster_node(cluster, owner->node);
    if (message->acked_ns == 0 || server == NULL || client == NULL || !cluster_is_healthy(server) ||
        !cluster_is_healthy(client) || oracle_excuses(&oracle->base, server) ||
        oracle_excuses(&oracle->base, client))
        return false;
    *since_ns = later(message->acked_ns + delay_of(oracle, message), owner->since_ns);
    *since_ns = later(*since_ns, cluster_healthy_since(client));
    *since_ns = later(*since_ns, cluster_healthy_since(server));
    return true;
}

static void witness(struct delay_times *oracle, const struct message_entry *message,
                    struct oracle_mark mark, const char *what) {
    struct oracle_base *base = &oracle->base;
    oracle_witness(base,
                   (struct oracle_mark){message->started_ns, message->node, EVENT_send_started},
                   "message %llx is sent with level %u: a delay of " SECONDS_FORMAT,
                   (unsigned long long)message->number, (unsigned)message->delay_level,
                   SECONDS(delay_of(oracle, message)));
    if (message->acked_ns != 0)
        oracle_witness(base,
                       (struct oracle_mark){message->acked_ns, message->node, EVENT_send_acked},
                       "acknowledged");
    oracle_witness(base, mark, "%s", what);
}

static void on_record(void *self, const struct record *record) {
    struct delay_times *oracle = self;
    struct oracle_base *base = &oracle->base;
    const struct message_facts *facts = &base->host.messages->facts;
    uint64_t since_ns;
    if (!facts->has_message || facts->message.delay_level == 0 || facts->progress == NULL)
        return;
    const struct message_entry *message = &facts->message;
    uint64_t due_ns = message->started_ns + delay_of(oracle, message);
    base->verdict.checked++;
    if (record->world_ns + oracle->early_ns < due_ns &&
        oracle_fail(base, "a message of delay level %u came " SECONDS_FORMAT " early",
                    (unsigned)message->delay_level, SECONDS(due_ns - record->world_ns)))
        witness(oracle, message, oracle_mark(record), "delivered");
    if (!facts->first_delivery ||
        messages_listed(base->host.messages, oracle->ignore, facts->progress->group) ||
        !since(oracle, message, facts->queue->broker, facts->owner, &since_ns) ||
        record->world_ns <= since_ns + oracle->within_ns)
        return;
    if (oracle_fail(base, "a message of delay level %u came " SECONDS_FORMAT " late",
                    (unsigned)message->delay_level, SECONDS(record->world_ns - since_ns)))
        witness(oracle, message, oracle_mark(record), "delivered");
}

/* The latest owner that the group has of a queue of the topic at that broker. */
static const struct queue_owner *owner_at(const struct messages *messages, uint32_t group,
                                          uint32_t topic, const struct message_broker *broker) {
    const struct queue_owner *latest = NULL;
    for (size_t i = 0; i < messages->progress_count; i++) {
        const struct group_queue *progress = messages->progress[i];
        if (progress->group != group || progress->queue->topic != topic ||
            progress->queue->broker != broker || progress->owner_count == 0)
            continue;
        const struct queue_owner *owner = &progress->owners[progress->owner_count - 1];
        if (latest == NULL || owner->since_ns > latest->since_ns)
            latest = owner;
    }
    return latest;
}

static void judge_missing(struct delay_times *oracle, const struct message_entry *message,
                          uint32_t group, uint64_t end_ns) {
    const struct messages *messages = oracle->base.host.messages;
    const struct message_broker *broker = messages->queues[message->queue - 1]->broker;
    const struct queue_owner *owner = owner_at(messages, group, message->topic, broker);
    uint64_t since_ns;
    if (messages_listed(messages, oracle->ignore, group) || broker->disk_fault ||
        !since(oracle, message, broker, owner, &since_ns) || end_ns <= since_ns + oracle->within_ns)
        return;
    oracle->base.verdict.checked++;
    if (oracle_fail(&oracle->base,
                    "a message of delay level %u did not come to group %.*s for " SECONDS_FORMAT,
                    (unsigned)message->delay_level, TEXT(messages_name(messages, group)),
                    SECONDS(end_ns - since_ns)))
        witness(oracle, message, (struct oracle_mark){end_ns, owner->node, 0}, "not delivered");
}

static void finish(void *self, uint64_t end_ns, struct oracle_verdict *out) {
    struct delay_times *oracle = self;
    const struct messages *messages = oracle->base.host.messages;
    for (size_t i = 0; i < messages->live_capacity; i++) {
        const struct message_entry *message = &messages->live[i];
        if (message->number == 0 || message->acked_ns == 0 || message->queue == 0 ||
            message->delay_level == 0 || u64_set_has(&messages->dead, message->number))
            continue;
        const struct message_topic *topic = messages_topic(messages, message->topic);
        for (size_t g = 0; g < topic->group_count && g < 64; g++)
            if ((message->delivered >> g & 1) == 0)
                judge_missing(oracle, message, topic->groups[g], end_ns);
    }
    oracle_end(&oracle->base, "no delayed message was delivered", out);
}

static const uint16_t KINDS[] = {EVENT_consume_delivered, EVENT_KIND_COUNT};

const struct oracle_type ORACLE_DELAY_TIMES = {
    .name = "delay-times",
    .class_ = ORACLE_SAFETY,
    .about = "a delayed message is delivered when it is due: never early, late by a bound",
    .parameters = PARAMETERS,
    .parameter_count = sizeof PARAMETERS / sizeof PARAMETERS[0],
    .kinds = KINDS,
    .create = create,
    .on_record = on_record,
    .finish = finish,
};
