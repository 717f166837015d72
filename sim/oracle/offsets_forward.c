/* sim/oracle/offsets_forward.c - O-OFFSET: a group's progress on a queue never goes back, and never
 * beyond the queue's end.
 *
 * It may go back: when a client has a new connection, by what is still under way on the old one
 * (for `handover`: two connections keep no order); by a consumer.offset_reset or offset.lowered;
 * when another client commits while owners change (it may have owned the queue before, or still
 * believe so); and when the broker ends by a fault, to what was committed `window` before that,
 * because offsets are saved each 5 s. What a new owner begins with counts as well: the stored
 * offset is not below that, and is there. */
#include "sim/oracle/base.h"

static const struct oracle_parameter PARAMETERS[] = {
    {"window", "duration", "6s", "a fault may take back commits this young (saved each 5 s)"},
    {"handover", "duration", "30s",
     "another client may commit less this long after owners changed"},
    {"ignore", "text", "", "groups that are not judged"},
    {"excused", "text", "", "broker nodes that are not judged"},
};

#define COMMITS 8
struct commit {
    struct oracle_mark mark;
    uint64_t offset;
};
struct offset_state {
    struct commit commits[COMMITS]; /* but the last one, a sixth of `window` apart */
    size_t count;
    uint32_t lives;  /* of the broker when they were made */
    uint32_t client; /* interned: who committed last; a connection's address */
    uint64_t client_since_ns;
    int64_t dead_below; /* of the queue then: when its topic is deleted, all begins again */
    bool restarted;     /* the first word after a restart is due */
    struct commit floor;
};

struct offsets_forward {
    struct oracle_base base;
    uint64_t window_ns, handover_ns;
    struct span ignore;
    struct intern clients;
    struct offset_state *states; /* by the ledger's number */
    size_t capacity;
};

extern const struct oracle_type ORACLE_OFFSETS_FORWARD;

static void *create(const struct oracle_host *host, const struct props *parameters,
                    const char **error) {
    struct offsets_forward *oracle =
        oracle_begin(host, &ORACLE_OFFSETS_FORWARD, parameters, sizeof *oracle, error);
    if (oracle == NULL)
        return NULL;
    oracle->window_ns = oracle_read_duration(&oracle->base, "window");
    oracle->handover_ns = oracle_read_duration(&oracle->base, "handover");
    oracle->ignore = oracle_read_text(&oracle->base, "ignore");
    intern_init(&oracle->clients, &oracle->base.host);
    return oracle_ready(oracle, error);
}

static struct offset_state *state_of(struct offsets_forward *oracle, uint32_t number) {
    struct offset_state *states = array_reach(
        &oracle->base.host, oracle->states, (size_t)number + 1, &oracle->capacity, sizeof *states);
    if (states == NULL) {
        oracle->base.no_memory = true;
        return NULL;
    }
    oracle->states = states;
    return &states[number];
}

/* Takes the place of the latest one when both are close to the one before. */
static void add_commit(const struct offsets_forward *oracle, struct offset_state *state,
                       const struct record *record, uint64_t offset) {
    const struct commit commit = {oracle_mark(record), offset};
    struct commit *commits = state->commits;
    size_t count = state->count;
    if (count >= 2 &&
        record->world_ns < commits[count - 2].mark.world_ns + oracle->window_ns / (COMMITS - 2)) {
        commits[count - 1] = commit;
        return;
    }
    if (count == COMMITS) {
        memmove(&commits[0], &commits[1], sizeof commits[0] * (COMMITS - 1));
        count--;
    }
    commits[count++] = commit;
    state->count = count;
}

static void begin_anew(struct offset_state *state, const struct record *record, uint64_t offset) {
    state->commits[0] = (struct commit){oracle_mark(record), offset};
    state->count = 1;
    state->restarted = false;
}

/* After an end of the broker: what is surely saved. */
static void note_restart(const struct offsets_forward *oracle, struct offset_state *state,
                         const struct message_broker *broker) {
    if (state->lives == broker->lives)
        return;
    state->lives = broker->lives;
    if (state->restarted) /* once more, before anybody committed */
        return;
    state->floor = (struct commit){.offset = 0};
    state->restarted = state->count > 0;
    for (size_t i = 0; i < state->count; i++) {
        const struct commit *commit = &state->commits[i];
        if (commit->mark.world_ns + oracle->window_ns <= broker->down.world_ns &&
            commit->offset > state->floor.offset)
            state->floor = *commit;
    }
}

static void fail(struct offsets_forward *oracle, const struct record *record,
                 const struct commit *before, uint64_t now, const char *how) {
    struct oracle_base *base = &oracle->base;
    const struct message_facts *facts = &base->host.messages->facts;
    char where[QUEUE_TEXT_MAX];
    messages_queue_text(base->host.messages, facts->queue, where);
    if (!oracle_fail(base, "progress of group %.*s on %s %s: %llu", TEXT(record_text(record, 0)),
                     where, how, (unsigned long long)now))
        return;
    if (before != NULL)
        oracle_witness(base, before->mark, "committed %llu", (unsigned long long)before->offset);
    if (before != NULL && facts->queue->broker->down.world_ns > before->mark.world_ns)
        oracle_witness(base, facts->queue->broker->down, "the broker ends");
    oracle_witness(base, oracle_mark(record), "now %llu; the queue ends at %llu",
                   (unsigned long long)now, (unsigned long long)facts->queue->max);
}

/* Sends without an answer may have made the queue longer than is known; a slave's grows unseen. */
static bool is_beyond(const struct offsets_forward *oracle, uint64_t offset) {
    const struct messages *messages = oracle->base.host.messages;
    const struct message_queue *queue = messages->facts.queue;
    const struct message_topic *topic = messages_topic(messages, queue->topic);
    const struct cluster_node *node = cluster_node(oracle->base.host.cluster, queue->broker->node);
    if (node != NULL && node->broker_id > 0)
        return false;
    return queue->max > 0 && offset > queue->max + (topic == NULL ? 0 : topic->unresolved);
}

/* Could another client have committed last, and this one go on from less? */
static bool is_handover(const struct offsets_forward *oracle, const struct group_queue *progress,
                        const struct offset_state *state, const struct commit *last) {
    return progress->owner_count > 1 ||
           oracle->base.host.cluster->now_ns <= state->client_since_ns + oracle->handover_ns ||
           progress->acquired.world_ns + oracle->handover_ns >= last->mark.world_ns ||
           progress->released.world_ns + oracle->handover_ns >= last->mark.world_ns;
}

/* Group, topic, queue, offset, client. */
static void on_committed(struct offsets_forward *oracle, const struct record *record,
                         struct offset_state *state) {
    const struct group_queue *progress = oracle->base.host.messages->facts.progress;
    uint64_t offset = (uint64_t)record_int(record, 3);
    uint32_t client = intern_add(&oracle->clients, record_text(record, 4));
    const struct commit *last = state->count == 0 ? NULL : &state->commits[state->count - 1];
    if (is_beyond(oracle, offset))
        fail(oracle, record, NULL, offset, "is beyond the end");
    else if (state->restarted && offset < state->floor.offset)
        fail(oracle, record, &state->floor, offset, "went back further than a fault may take it");
    else if (!state->restarted && last != NULL && offset < last->offset &&
             (client == state->client || !is_handover(oracle, progress, state, last)))
        fail(oracle, record, last, offset, "went back");
    if (client != state->client)
        state->client_since_ns = record->world_ns;
    state->client = client;
    if (last != NULL && offset < last->offset)
        begin_anew(state, record, offset);
    else
        add_commit(oracle, state, record, offset);
    state->restarted = false;
}

/* Group, topic, broker, queue, from, source. */
static void on_acquired(struct offsets_forward *oracle, const struct record *record,
                        struct offset_state *state) {
    uint64_t from = (uint64_t)record_int(record, 4);
    bool stored = span_equal(record_text(record, 5), SPAN_LITERAL("stored"));
    const struct commit *last = state->count == 0 ? NULL : &state->commits[state->count - 1];
    if (stored && is_beyond(oracle, from)) {
        fail(oracle, record, last, from, "is beyond the end");
        return;
    }
    const struct commit *floor = state->restarted ? &state->floor : last;
    bool is_old = floor != NULL && floor->offset > 0 &&
                  floor->mark.world_ns + oracle->window_ns < record->world_ns;
    if (is_old && !stored)
        fail(oracle, record, floor, from, "is gone");
    else if (is_old && from < floor->offset)
        fail(oracle, record, floor, from, "went back for a new owner");
}

static void on_record(void *self, const struct record *record) {
    struct offsets_forward *oracle = self;
    struct oracle_base *base = &oracle->base;
    const struct messages *messages = base->host.messages;
    const struct message_facts *facts = &messages->facts;
    if (facts->progress == NULL || facts->queue->broker->disk_fault ||
        messages_listed(messages, oracle->ignore, facts->progress->group) ||
        oracle_excuses(base, cluster_node(base->host.cluster, facts->queue->broker->node)))
        return;
    struct offset_state *state = state_of(oracle, facts->progress->index);
    if (state == NULL)
        return;
    if (state->dead_below != facts->queue->dead_below)
        *state = (struct offset_state){.dead_below = facts->queue->dead_below,
                                       .lives = facts->queue->broker->lives};
    note_restart(oracle, state, facts->queue->broker);
    base->verdict.checked++;
    switch (record->kind) {
    case EVENT_offset_committed:
        on_committed(oracle, record, state);
        break;
    case EVENT_queue_acquired:
        on_acquired(oracle, record, state);
        break;
    case EVENT_offset_lowered:
        if ((uint64_t)record_int(record, 3) <= facts->queue->max)
            fail(oracle, record, NULL, (uint64_t)record_int(record, 4),
                 "was lowered though it was not beyond the end");
        begin_anew(state, record, (uint64_t)record_int(record, 4));
        break;
    default: /* a reset: the broker hears of it with the next commit, whatever that is */
        state->count = 0;
        state->restarted = false;
        break;
    }
}

static void finish(void *self, uint64_t end_ns, struct oracle_verdict *out) {
    (void)end_ns;
    oracle_end(self, "no offset was committed", out);
}

static const uint16_t KINDS[] = {EVENT_offset_committed, EVENT_queue_acquired, EVENT_offset_lowered,
                                 EVENT_consumer_offset_reset, EVENT_KIND_COUNT};

const struct oracle_type ORACLE_OFFSETS_FORWARD = {
    .name = "offsets-forward",
    .class_ = ORACLE_SAFETY,
    .about = "committed offsets never go back nor beyond the end, but for resets and lost seconds",
    .parameters = PARAMETERS,
    .parameter_count = sizeof PARAMETERS / sizeof PARAMETERS[0],
    .kinds = KINDS,
    .create = create,
    .on_record = on_record,
    .finish = finish,
};
