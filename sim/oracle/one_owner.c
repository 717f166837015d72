/* sim/oracle/one_owner.c - O-OWN: each queue of a group has one owner: not two for long, and not
 * none for long while the group has members.
 *
 * Owners are those that acquired a queue and neither released it nor ended. Time counts from the
 * last disturbance of the cluster (a fault, a node up or down), and only while the owners
 * (for a missing one: all members of the group) and the broker are healthy: a broker that comes
 * back knows a group's members by their next heartbeats only. */
#include "sim/oracle/base.h"

static const struct oracle_parameter PARAMETERS[] = {
    {"overlap", "duration", "60s",
     "two owners at most this long (heartbeats come each 30 s, rebalances each 20 s)"},
    {"within", "duration", "60s", "an owner at most this long after it could have one"},
    {"ignore", "text", "", "groups that are not judged (assigned by hand)"},
    {"excused", "text", "", "nodes: queues of theirs are not judged"},
};

struct one_owner {
    struct oracle_base base;
    uint64_t overlap_ns, within_ns;
    struct span ignore;
    uint64_t disturbed_ns; /* last fault's begin or end, node up, down or stopping */
    struct queue_state {   /* by the ledger's number of a group's progress on a queue */
        uint64_t two_since_ns;
        uint64_t none_since_ns;
        bool is_known;
    } * states;
    size_t capacity;
    struct member {
        uint32_t group; /* interned by the ledger; 0: free */
        uint16_t node;
        uint64_t since_ns;
    } * members;
    size_t member_count, member_capacity;
};

extern const struct oracle_type ORACLE_ONE_OWNER;

static void *create(const struct oracle_host *host, const struct props *parameters,
                    const char **error) {
    struct one_owner *oracle =
        oracle_begin(host, &ORACLE_ONE_OWNER, parameters, sizeof *oracle, error);
    if (oracle == NULL)
        return NULL;
    oracle->overlap_ns = oracle_read_duration(&oracle->base, "overlap");
    oracle->within_ns = oracle_read_duration(&oracle->base, "within");
    oracle->ignore = oracle_read_text(&oracle->base, "ignore");
    return oracle_ready(oracle, error);
}

static struct queue_state *state_of(struct one_owner *oracle, uint32_t number) {
    struct queue_state *states = array_reach(&oracle->base.host, oracle->states, (size_t)number + 1,
                                             &oracle->capacity, sizeof *states);
    if (states == NULL) {
        oracle->base.no_memory = true;
        return NULL;
    }
    oracle->states = states;
    if (!states[number].is_known)
        states[number] = (struct queue_state){CLUSTER_NEVER, CLUSTER_NEVER, true};
    return &states[number];
}

/* ---- members ---- */

static void join(struct one_owner *oracle, uint32_t group, const struct record *record) {
    size_t free = oracle->member_count;
    for (size_t i = 0; i < oracle->member_count; i++) {
        if (oracle->members[i].group == group && oracle->members[i].node == record->node)
            return;
        free = oracle->members[i].group == 0 ? i : free;
    }
    struct member *members = array_room(&oracle->base.host, oracle->members, oracle->member_count,
                                        &oracle->member_capacity, sizeof *members);
    if (members == NULL) {
        oracle->base.no_memory = true;
        return;
    }
    oracle->members = members;
    oracle->member_count += free == oracle->member_count;
    members[free] = (struct member){group, record->node, record->world_ns};
}

/* Of one group, or (0) of all. */
static void leave(struct one_owner *oracle, uint32_t group, uint16_t node) {
    for (size_t i = 0; i < oracle->member_count; i++)
        if (oracle->members[i].node == node && (group == 0 || oracle->members[i].group == group))
            oracle->members[i].group = 0;
}

/* ---- judging ---- */

static bool excused(const struct one_owner *oracle, const struct cluster_node *node) {
    return node == NULL || !cluster_is_healthy(node) || oracle_excuses(&oracle->base, node);
}

/* The latest time since which all of them are healthy, at least `since_ns`; NEVER: not now. */
static uint64_t healthy_from(const struct one_owner *oracle, uint16_t number, uint64_t since_ns) {
    const struct cluster *cluster = oracle->base.host.cluster;
    const struct cluster_node *node = cluster_node(cluster, number);
    if (since_ns == CLUSTER_NEVER || excused(oracle, node))
        return CLUSTER_NEVER;
    uint64_t healthy_ns = cluster_healthy_since(node);
    since_ns = oracle->disturbed_ns > since_ns ? oracle->disturbed_ns : since_ns;
    return healthy_ns > since_ns ? healthy_ns : since_ns;
}

static void fail(struct one_owner *oracle, uint32_t group, const struct message_queue *queue,
                 const struct group_queue *progress, uint64_t lasted_ns, struct oracle_mark now,
                 bool two) {
    struct oracle_base *base = &oracle->base;
    char where[QUEUE_TEXT_MAX];
    messages_queue_text(base->host.messages, queue, where);
    if (!oracle_fail(base, "%s had %s owner in group %.*s for " SECONDS_FORMAT, where,
                     two ? "more than one" : "no", TEXT(messages_name(base->host.messages, group)),
                     SECONDS(lasted_ns)))
        return;
    for (size_t i = 0; progress != NULL && i < progress->owner_count; i++)
        oracle_witness(base,
                       (struct oracle_mark){progress->owners[i].since_ns, progress->owners[i].node,
                                            EVENT_queue_acquired},
                       "acquired at offset %llu", (unsigned long long)progress->owners[i].from);
    if (!two && progress != NULL && progress->released.kind != 0)
        oracle_witness(base, progress->released, "the last owner ends");
    oracle_witness(base, now, two ? "both have it until now" : "nobody has had it until now");
}

static void judge_two(struct one_owner *oracle, const struct group_queue *progress,
                      uint64_t since_ns, struct oracle_mark now) {
    for (size_t i = 0; i < progress->owner_count; i++)
        since_ns = healthy_from(oracle, progress->owners[i].node, since_ns);
    if (now.node != 0) /* the one that released it */
        since_ns = healthy_from(oracle, now.node, since_ns);
    if (since_ns != CLUSTER_NEVER && now.world_ns > since_ns + oracle->overlap_ns)
        fail(oracle, progress->group, progress->queue, progress, now.world_ns - since_ns, now,
             true);
}

static void judge_none(struct one_owner *oracle, uint32_t group, const struct message_queue *queue,
                       const struct group_queue *progress, uint64_t since_ns,
                       struct oracle_mark now) {
    uint64_t first_ns = CLUSTER_NEVER;
    for (size_t i = 0; i < oracle->member_count; i++) {
        const struct member *member = &oracle->members[i];
        if (member->group != group)
            continue;
        since_ns = healthy_from(oracle, member->node, since_ns);
        first_ns = member->since_ns < first_ns ? member->since_ns : first_ns;
    }
    if (first_ns == CLUSTER_NEVER)
        return;
    since_ns = since_ns < first_ns ? first_ns : since_ns;
    if (queue->broker->node != 0)
        since_ns = healthy_from(oracle, queue->broker->node, since_ns);
    if (since_ns != CLUSTER_NEVER && now.world_ns > since_ns + oracle->within_ns)
        fail(oracle, group, queue, progress, now.world_ns - since_ns, now, false);
}

/* What was wrong until now is judged before it ends; owners are already the new ones. */
static void update(struct one_owner *oracle, const struct group_queue *progress,
                   struct oracle_mark now) {
    struct queue_state *state = state_of(oracle, progress->index);
    if (state == NULL)
        return;
    if (state->none_since_ns != CLUSTER_NEVER && progress->owner_count > 0) {
        judge_none(oracle, progress->group, progress->queue, progress, state->none_since_ns, now);
        state->none_since_ns = CLUSTER_NEVER;
    }
    if (state->none_since_ns == CLUSTER_NEVER && progress->owner_count == 0)
        state->none_since_ns = now.world_ns;
    if (state->two_since_ns != CLUSTER_NEVER && progress->owner_count < 2) {
        if (now.kind != EVENT_world_node_down) /* a dead one was perhaps long silent */
            judge_two(oracle, progress, state->two_since_ns, now);
        state->two_since_ns = CLUSTER_NEVER;
    }
    if (state->two_since_ns == CLUSTER_NEVER && progress->owner_count >= 2)
        state->two_since_ns = now.world_ns;
}

static void on_queue(struct one_owner *oracle, const struct record *record) {
    const struct messages *messages = oracle->base.host.messages;
    const struct group_queue *progress = messages->facts.progress;
    if (progress == NULL || messages_listed(messages, oracle->ignore, progress->group))
        return;
    oracle->base.verdict.checked++;
    if (record->kind == EVENT_queue_acquired)
        join(oracle, progress->group, record);
    update(oracle, progress, oracle_mark(record));
    if (record->kind == EVENT_queue_released &&
        span_equal(record_text(record, 6), SPAN_LITERAL("stop")))
        leave(oracle, progress->group, record->node);
}

/* What lasts now is judged up to here. */
static void judge_all(struct one_owner *oracle, struct oracle_mark now) {
    const struct messages *messages = oracle->base.host.messages;
    for (size_t i = 0; i < messages->progress_count; i++) {
        const struct group_queue *progress = messages->progress[i];
        if (progress->index >= oracle->capacity || !oracle->states[progress->index].is_known)
            continue;
        const struct queue_state *state = &oracle->states[progress->index];
        if (state->two_since_ns != CLUSTER_NEVER && progress->owner_count > 1)
            judge_two(oracle, progress, state->two_since_ns, now);
        if (state->none_since_ns != CLUSTER_NEVER)
            judge_none(oracle, progress->group, progress->queue, progress, state->none_since_ns,
                       now);
    }
}

static void on_disturbance(struct one_owner *oracle, const struct record *record) {
    const struct messages *messages = oracle->base.host.messages;
    judge_all(oracle, (struct oracle_mark){record->world_ns, 0, 0});
    oracle->disturbed_ns = record->world_ns;
    if (record->kind != EVENT_node_stopping && record->kind != EVENT_world_node_down)
        return;
    leave(oracle, 0, record->node);
    for (size_t i = 0; i < messages->progress_count; i++)
        if (!messages_listed(messages, oracle->ignore, messages->progress[i]->group))
            update(oracle, messages->progress[i], oracle_mark(record));
}

static void on_record(void *self, const struct record *record) {
    struct one_owner *oracle = self;
    const struct messages *messages = oracle->base.host.messages;
    switch (record->kind) {
    case EVENT_queue_acquired:
    case EVENT_queue_released:
        on_queue(oracle, record);
        break;
    case EVENT_consumer_rebalanced: {
        uint32_t group = intern_find(&messages->names, record_text(record, 0));
        uint32_t topic = intern_find(&messages->names, record_text(record, 1));
        if (group != 0 && !messages_listed(messages, oracle->ignore, group) &&
            !messages_is_broadcast(messages, group, topic))
            join(oracle, group, record);
        break;
    }
    default:
        on_disturbance(oracle, record);
        break;
    }
}

/* Queues with messages that a group of their topic never had. */
static void judge_unowned(struct one_owner *oracle, struct oracle_mark end) {
    const struct messages *messages = oracle->base.host.messages;
    for (size_t i = 0; i < messages->queue_count; i++) {
        const struct message_queue *queue = messages->queues[i];
        const struct message_topic *topic = messages_topic(messages, queue->topic);
        for (size_t g = 0; topic != NULL && g < topic->group_count; g++) {
            const struct group_queue *progress =
                messages_progress(messages, topic->groups[g], queue);
            if ((progress == NULL || progress->acquired.kind == 0) && queue->max > queue->min &&
                !messages_listed(messages, oracle->ignore, topic->groups[g]))
                judge_none(oracle, topic->groups[g], queue, NULL, queue->first_seen_ns, end);
        }
    }
}

static void finish(void *self, uint64_t end_ns, struct oracle_verdict *out) {
    struct one_owner *oracle = self;
    const struct oracle_mark end = {end_ns, 0, 0};
    judge_all(oracle, end);
    judge_unowned(oracle, end);
    oracle_end(&oracle->base, "no queue was acquired", out);
}

static const uint16_t KINDS[] = {
    EVENT_queue_acquired,  EVENT_queue_released, EVENT_consumer_rebalanced, EVENT_node_stopping,
    EVENT_world_node_down, EVENT_world_node_up,  EVENT_world_fault,         EVENT_KIND_COUNT};

const struct oracle_type ORACLE_ONE_OWNER = {
    .name = "one-owner",
    .class_ = ORACLE_LIVENESS,
    .about = "each queue of a group has one owner: not two for long, nor none for long",
    .parameters = PARAMETERS,
    .parameter_count = sizeof PARAMETERS / sizeof PARAMETERS[0],
    .kinds = KINDS,
    .create = create,
    .on_record = on_record,
    .finish = finish,
};
