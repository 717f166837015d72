/* sim/oracle/sends_available.c - O-AVAIL: sends succeed while they can.
 *
 * Three bounds: the share of failed sends in the run; per client the longest time from the begin of
 * a send that failed to the next success; and (retry) a failed send has tried each broker of its
 * topic that was healthy for `known`, with real time left for an answer (MESSAGE_TRY_NS). Errors
 * that no other broker would answer differently are not judged by the third. */
#include "sim/oracle/base.h"

static const struct oracle_parameter PARAMETERS[] = {
    {"max_failed_ppm", "count", "0", "failed sends per million"},
    {"gap", "duration", "10s", "a client has no success for at most this long while it tries"},
    {"retry", "bool", "true", "a failed send has tried a healthy broker"},
    {"known", "duration", "60s", "a broker healthy this long is known to all clients"},
    {"excused", "text", "", "client nodes whose sends may fail"},
};

struct sends_available {
    struct oracle_base base;
    uint64_t max_failed_ppm, gap_ns, known_ns;
    bool retry;
    uint64_t sends, failed;
    struct oracle_mark last_failed;
    struct sender {
        bool failing;
        struct oracle_mark since; /* begin of the first send that failed since the last success */
    } * senders;                  /* by node */
    size_t capacity;
};

extern const struct oracle_type ORACLE_SENDS_AVAILABLE;

static void *create(const struct oracle_host *host, const struct props *parameters,
                    const char **error) {
    struct sends_available *oracle =
        oracle_begin(host, &ORACLE_SENDS_AVAILABLE, parameters, sizeof *oracle, error);
    if (oracle == NULL)
        return NULL;
    oracle->max_failed_ppm = oracle_read_count(&oracle->base, "max_failed_ppm");
    oracle->gap_ns = oracle_read_duration(&oracle->base, "gap");
    oracle->retry = oracle_read_bool(&oracle->base, "retry");
    oracle->known_ns = oracle_read_duration(&oracle->base, "known");
    return oracle_ready(oracle, error);
}

static struct sender *sender_of(struct sends_available *oracle, uint16_t node) {
    struct sender *senders = array_reach(&oracle->base.host, oracle->senders, (size_t)node + 1,
                                         &oracle->capacity, sizeof *senders);
    if (senders == NULL) {
        oracle->base.no_memory = true;
        return NULL;
    }
    oracle->senders = senders;
    return &senders[node];
}

static void judge_gap(struct sends_available *oracle, const struct sender *sender,
                      struct oracle_mark until) {
    const struct cluster_node *node = cluster_node(oracle->base.host.cluster, until.node);
    uint64_t gap_ns = until.world_ns - sender->since.world_ns;
    if (gap_ns <= oracle->gap_ns ||
        !oracle_fail(&oracle->base, "%.*s could not send for " SECONDS_FORMAT, TEXT(node->name),
                     SECONDS(gap_ns)))
        return;
    oracle_witness(&oracle->base, sender->since, "the first send that failed begins");
    oracle_witness(&oracle->base, until, until.kind == 0 ? "still no success" : "the next success");
}

/* A broker of the topic, healthy long enough before the send, that it did not try; NULL: none. */
static const struct cluster_node *untried(const struct sends_available *oracle,
                                          const struct message_entry *message, uint32_t failed_at) {
    const struct messages *messages = oracle->base.host.messages;
    for (size_t i = 0; i < messages->queue_count; i++) {
        const struct message_queue *queue = messages->queues[i];
        const struct cluster_node *node =
            cluster_node(oracle->base.host.cluster, queue->broker->node);
        uint32_t name = queue->broker->name;
        bool tried = name == failed_at || (message->tried >> name % 64 & 1) != 0;
        if (queue->topic == message->topic && !tried && node != NULL && cluster_is_healthy(node) &&
            message->started_ns > cluster_healthy_since(node) + oracle->known_ns)
            return node;
    }
    return NULL;
}

/* Would another broker have answered the same (MESSAGE_ILLEGAL and such), or was there none? The
 * client's own codes are client.md 6's: 10001 connect, 10002 timeout, 10003 no broker. */
static bool is_final(int64_t code) {
    static const int64_t retried[] = {1, 2, 14, 16, 17, 204, 205, 10001, 10002, 10003};
    bool may_differ = code <= 0;
    for (size_t i = 0; i < sizeof retried / sizeof retried[0]; i++)
        may_differ |= code == retried[i];
    return !may_differ;
}

/* Topic, message, broker, code, error, attempts. */
static void on_failed(struct sends_available *oracle, const struct record *record) {
    struct oracle_base *base = &oracle->base;
    const struct message_facts *facts = &base->host.messages->facts;
    const struct cluster_node *client = cluster_node(base->host.cluster, record->node);
    struct sender *sender = sender_of(oracle, record->node);
    uint64_t started_ns = facts->has_message ? facts->message.started_ns : record->world_ns;
    oracle->failed++;
    oracle->last_failed = oracle_mark(record);
    if (sender != NULL && !sender->failing)
        *sender = (struct sender){true, {started_ns, record->node, EVENT_send_started}};
    if (!oracle->retry || !facts->has_message || is_final(record_int(record, 3)) ||
        !cluster_is_healthy(client) || cluster_healthy_since(client) > started_ns)
        return;
    uint32_t failed_at = intern_find(&base->host.messages->names, record_text(record, 2));
    const struct cluster_node *node = untried(oracle, &facts->message, failed_at);
    if (node == NULL ||
        !oracle_fail(base, "a send of %.*s failed after %llu attempts, and %.*s was never asked",
                     TEXT(client->name), (unsigned long long)record_uint(record, 5),
                     TEXT(node->name)))
        return;
    oracle_witness(base, (struct oracle_mark){started_ns, record->node, EVENT_send_started},
                   "message %llx begins", (unsigned long long)facts->message.number);
    oracle_witness(base, oracle_mark(record), "failed: %.*s", TEXT(record_text(record, 4)));
}

static void on_record(void *self, const struct record *record) {
    struct sends_available *oracle = self;
    const struct cluster_node *client = cluster_node(oracle->base.host.cluster, record->node);
    if (client == NULL || oracle_excuses(&oracle->base, client) ||
        (record->kind == EVENT_send_failed && is_one_way(record)))
        return;
    oracle->base.verdict.checked++;
    oracle->sends++;
    if (record->kind == EVENT_send_failed) {
        on_failed(oracle, record);
        return;
    }
    struct sender *sender = sender_of(oracle, record->node);
    if (sender == NULL || !sender->failing)
        return;
    judge_gap(oracle, sender, oracle_mark(record));
    sender->failing = false;
}

static void finish(void *self, uint64_t end_ns, struct oracle_verdict *out) {
    struct sends_available *oracle = self;
    for (size_t i = 0; i < oracle->capacity; i++)
        if (oracle->senders[i].failing)
            judge_gap(oracle, &oracle->senders[i], (struct oracle_mark){end_ns, (uint16_t)i, 0});
    if (oracle->failed * 1000000 > oracle->max_failed_ppm * oracle->sends &&
        oracle_fail(&oracle->base, "%llu of %llu sends failed, allowed are %llu ppm",
                    (unsigned long long)oracle->failed, (unsigned long long)oracle->sends,
                    (unsigned long long)oracle->max_failed_ppm))
        oracle_witness(&oracle->base, oracle->last_failed, "the last one");
    oracle_end(&oracle->base, "no send ended", out);
}

static const uint16_t KINDS[] = {EVENT_send_acked, EVENT_send_failed, EVENT_KIND_COUNT};

const struct oracle_type ORACLE_SENDS_AVAILABLE = {
    .name = "sends-available",
    .class_ = ORACLE_OBJECTIVE,
    .about = "sends succeed: few fail, none for long, and none without asking a healthy broker",
    .parameters = PARAMETERS,
    .parameter_count = sizeof PARAMETERS / sizeof PARAMETERS[0],
    .kinds = KINDS,
    .create = create,
    .on_record = on_record,
    .finish = finish,
};
