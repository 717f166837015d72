/* sim/oracle/topic_deleted.c - O-DELETE: a topic whose deletion a broker has answered
 * (broker.topic_gone) stays gone, whatever ends the broker: until it is created there again, no
 * name server gets it from there, recovery finds no messages of it, and no offset of it is left to
 * be lowered; created again, it has none of its old messages.
 *
 * A consumer may hand out what it had pulled before, for `cached`. */
#include "sim/oracle/base.h"

static const struct oracle_parameter PARAMETERS[] = {
    {"cached", "duration", "10s", "how long what was pulled before the deletion may be delivered"},
    {"excused", "text", "", "broker nodes whose deletions need not last"},
};

struct deletion {
    uint32_t topic; /* interned */
    uint16_t node;
    bool created; /* again */
    int64_t dead_below;
    struct oracle_mark deleted;
    struct oracle_mark gone; /* kind 0: not answered yet */
};

struct topic_deleted {
    struct oracle_base base;
    struct intern topics;
    uint64_t cached_ns;
    struct deletion *deletions;
    size_t count, capacity;
};

extern const struct oracle_type ORACLE_TOPIC_DELETED;

static void *create(const struct oracle_host *host, const struct props *parameters,
                    const char **error) {
    struct topic_deleted *oracle =
        oracle_begin(host, &ORACLE_TOPIC_DELETED, parameters, sizeof *oracle, error);
    if (oracle == NULL)
        return NULL;
    intern_init(&oracle->topics, &oracle->base.host);
    oracle->cached_ns = oracle_read_duration(&oracle->base, "cached");
    return oracle_ready(oracle, error);
}

/* The latest deletion of `topic` at the broker `node`; NULL: none. */
static struct deletion *find(struct topic_deleted *oracle, uint16_t node, struct span topic) {
    uint32_t name = oracle->count == 0 ? 0 : intern_find(&oracle->topics, topic);
    for (size_t i = 0; name != 0 && i < oracle->count; i++)
        if (oracle->deletions[i].node == node && oracle->deletions[i].topic == name)
            return &oracle->deletions[i];
    return NULL;
}

static void on_deleted(struct topic_deleted *oracle, const struct record *record) {
    struct deletion *deletion = find(oracle, record->node, record_text(record, 0));
    uint32_t topic = intern_add(&oracle->topics, record_text(record, 0));
    if (deletion == NULL) {
        struct deletion *all = array_room(&oracle->base.host, oracle->deletions, oracle->count,
                                          &oracle->capacity, sizeof *all);
        if (all == NULL || topic == 0) {
            oracle->base.no_memory = true;
            return;
        }
        oracle->deletions = all;
        deletion = &all[oracle->count++];
    }
    *deletion = (struct deletion){.topic = topic,
                                  .node = record->node,
                                  .dead_below = record_int(record, 1),
                                  .deleted = oracle_mark(record)};
}

static void fail(struct topic_deleted *oracle, const struct deletion *deletion,
                 const struct record *record, const char *wrong) {
    const struct cluster_node *node = cluster_node(oracle->base.host.cluster, deletion->node);
    if (!oracle_fail(&oracle->base, "topic %.*s, deleted at %.*s: %s",
                     TEXT(intern_text(&oracle->topics, deletion->topic)), TEXT(node->name), wrong))
        return;
    oracle_witness(&oracle->base, deletion->deleted, "deleted");
    oracle_witness(&oracle->base, deletion->gone, "the deletion is answered");
    oracle_witness(&oracle->base, oracle_mark(record), "%s", wrong);
}

/* Of the broker that the record names, or that reports it. */
static void check(struct topic_deleted *oracle, const struct record *record,
                  const struct cluster_node *broker, struct span topic, bool wrong,
                  const char *what) {
    const struct deletion *deletion = broker == NULL ? NULL : find(oracle, broker->node, topic);
    if (deletion == NULL || deletion->gone.kind == 0 || deletion->created ||
        oracle_excuses(&oracle->base, broker))
        return;
    oracle->base.verdict.checked++;
    if (wrong)
        fail(oracle, deletion, record, what);
}

/* Group, topic, broker, queue, offset, physical. */
static void on_delivered(struct topic_deleted *oracle, const struct record *record) {
    const struct cluster_node *broker =
        cluster_find_broker(oracle->base.host.cluster, record_text(record, 2), SPAN_NONE);
    const struct deletion *deletion =
        broker == NULL ? NULL : find(oracle, broker->node, record_text(record, 1));
    if (deletion == NULL || deletion->gone.kind == 0 || oracle_excuses(&oracle->base, broker))
        return;
    oracle->base.verdict.checked++;
    if (record_int(record, 5) < deletion->dead_below &&
        record->world_ns - deletion->gone.world_ns > oracle->cached_ns)
        fail(oracle, deletion, record, "an old message is delivered");
}

static void on_record(void *self, const struct record *record) {
    struct topic_deleted *oracle = self;
    const struct cluster *cluster = oracle->base.host.cluster;
    const struct cluster_node *reporter = cluster_node(cluster, record->node);
    struct deletion *deletion;
    switch (record->kind) {
    case EVENT_broker_topic_deleted:
        on_deleted(oracle, record);
        break;
    case EVENT_broker_topic_gone:
        deletion = find(oracle, record->node, record_text(record, 0));
        if (deletion != NULL && deletion->gone.kind == 0)
            deletion->gone = oracle_mark(record);
        break;
    case EVENT_broker_topic_created:
        deletion = find(oracle, record->node, record_text(record, 0));
        if (deletion != NULL)
            deletion->created = true;
        break;
    case EVENT_route_topic_set:
        check(oracle, record, cluster_find_broker(cluster, record_text(record, 1), SPAN_NONE),
              record_text(record, 0), true, "a name server lists it again");
        break;
    case EVENT_store_queue_recovered:
        check(oracle, record, reporter, record_text(record, 0), record_int(record, 3) > 0,
              "recovery finds messages");
        break;
    case EVENT_offset_lowered:
        check(oracle, record, reporter, record_text(record, 1), true, "an offset is back");
        break;
    default:
        on_delivered(oracle, record);
        break;
    }
}

static void finish(void *self, uint64_t end_ns, struct oracle_verdict *out) {
    struct topic_deleted *oracle = self;
    (void)end_ns;
    for (size_t i = 0; i < oracle->count; i++)
        oracle->base.verdict.checked += oracle->deletions[i].gone.kind != 0;
    oracle_end(&oracle->base, "no deletion was answered", out);
}

static const uint16_t KINDS[] = {EVENT_broker_topic_deleted,  EVENT_broker_topic_gone,
                                 EVENT_broker_topic_created,  EVENT_route_topic_set,
                                 EVENT_store_queue_recovered, EVENT_offset_lowered,
                                 EVENT_consume_delivered,     EVENT_KIND_COUNT};

const struct oracle_type ORACLE_TOPIC_DELETED = {
    .name = "topic-deleted",
    .class_ = ORACLE_SAFETY,
    .about = "a topic whose deletion is answered stays gone, with its messages and offsets",
    .parameters = PARAMETERS,
    .parameter_count = sizeof PARAMETERS / sizeof PARAMETERS[0],
    .kinds = KINDS,
    .create = create,
    .on_record = on_record,
    .finish = finish,
};
