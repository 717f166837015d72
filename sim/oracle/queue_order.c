/* sim/oracle/queue_order.c - O-ORDER: in orderly groups each queue is consumed by one member at a
 * time, in the order of its offsets.
 *
 * A member may deliver from a queue between its queue.acquired and that of another member; from one
 * acquisition to the next the offsets rise, but that a message which failed comes again; and nobody
 * gets a message while another member's listener still has one. */
#include "sim/oracle/base.h"

static const struct oracle_parameter PARAMETERS[] = {
    {"groups", "text", "", "the orderly groups, separated by commas"},
    {"overlaps", "count", "0",
     "messages that may begin while another member's listener has one of the queue (INC-68)"},
};

struct queue_order {
    struct oracle_base base;
    struct span groups;
    uint64_t overlaps_max, overlaps;
    struct order_state { /* by the ledger's number of a group's progress on a queue */
        uint16_t owner;  /* who acquired it last */
        uint16_t busy;   /* whose listener has `open` messages */
        uint32_t open;
        bool any;    /* `last` was delivered by the owner */
        bool failed; /* and given back as failed */
        uint64_t last;
        struct oracle_mark since; /* of `busy` */
    } * states;
    size_t capacity;
};

extern const struct oracle_type ORACLE_QUEUE_ORDER;

static void *create(const struct oracle_host *host, const struct props *parameters,
                    const char **error) {
    struct queue_order *oracle =
        oracle_begin(host, &ORACLE_QUEUE_ORDER, parameters, sizeof *oracle, error);
    if (oracle == NULL)
        return NULL;
    oracle->groups = oracle_read_text(&oracle->base, "groups");
    oracle->overlaps_max = oracle_read_count(&oracle->base, "overlaps");
    if (oracle->groups.len == 0)
        oracle_refuse(&oracle->base, "groups", "at least one group");
    return oracle_ready(oracle, error);
}

static struct order_state *state_of(struct queue_order *oracle, uint32_t number) {
    size_t before = oracle->capacity;
    struct order_state *states = array_reach(&oracle->base.host, oracle->states, (size_t)number + 1,
                                             &oracle->capacity, sizeof *states);
    if (states == NULL) {
        oracle->base.no_memory = true;
        return NULL;
    }
    oracle->states = states;
    for (size_t i = before; i < oracle->capacity; i++)
        states[i] = (struct order_state){.owner = 0};
    return &states[number];
}

static void fail(struct queue_order *oracle, const struct record *record,
                 const struct group_queue *progress, const struct order_state *state,
                 const char *what) {
    const struct messages *messages = oracle->base.host.messages;
    char where[QUEUE_TEXT_MAX];
    messages_queue_text(messages, progress->queue, where);
    if (!oracle_fail(&oracle->base, "offset %lld of %s in group %.*s: %s",
                     (long long)record_int(record, 4), where,
                     TEXT(messages_name(messages, progress->group)), what))
        return;
    if (state->since.kind != 0)
        oracle_witness(&oracle->base, state->since, "offset %llu of the queue, the one before",
                       (unsigned long long)state->last);
    oracle_witness(&oracle->base, oracle_mark(record), "delivered");
}

static void on_delivered(struct queue_order *oracle, const struct record *record,
                         const struct group_queue *progress, struct order_state *state) {
    uint64_t offset = (uint64_t)record_int(record, 4);
    oracle->base.verdict.checked++;
    if (state->open > 0 && state->busy != record->node) {
        if (++oracle->overlaps > oracle->overlaps_max)
            fail(oracle, record, progress, state, "another member's listener still has one");
        state->open = 0;
    }
    if (state->owner != record->node)
        fail(oracle, record, progress, state, "another member has acquired the queue");
    else if (state->any && offset <= state->last && !(state->failed && offset == state->last))
        fail(oracle, record, progress, state, "not behind the one before");
    if (state->owner == record->node) {
        state->any = true;
        state->failed = false;
        state->last = offset;
    }
    state->busy = record->node;
    state->open++;
    state->since = oracle_mark(record);
}

static void on_down(struct queue_order *oracle, uint16_t node) {
    for (size_t i = 0; i < oracle->capacity; i++)
        if (oracle->states[i].busy == node)
            oracle->states[i].open = 0;
}

static void on_record(void *self, const struct record *record) {
    struct queue_order *oracle = self;
    const struct messages *messages = oracle->base.host.messages;
    const struct group_queue *progress = messages->facts.progress;
    if (record->kind == EVENT_world_node_down) {
        on_down(oracle, record->node);
        return;
    }
    if (progress == NULL || !messages_listed(messages, oracle->groups, progress->group))
        return;
    struct order_state *state = state_of(oracle, progress->index);
    if (state == NULL)
        return;
    switch (record->kind) {
    case EVENT_queue_acquired:
        state->owner = record->node;
        state->any = false;
        break;
    case EVENT_queue_released: /* its listener has lost what it had */
        if (state->busy == record->node)
            state->open = 0;
        break;
    case EVENT_consume_done:
        if (state->busy == record->node && state->open > 0)
            state->open--;
        if (state->owner == record->node && record_uint(record, 6) == 0)
            state->failed = true;
        break;
    default:
        on_delivered(oracle, record, progress, state);
        break;
    }
}

static void finish(void *self, uint64_t end_ns, struct oracle_verdict *out) {
    (void)end_ns;
    oracle_end(self, "no orderly group got a message", out);
}

static const uint16_t KINDS[] = {EVENT_consume_delivered, EVENT_consume_done,
                                 EVENT_queue_acquired,    EVENT_queue_released,
                                 EVENT_world_node_down,   EVENT_KIND_COUNT};

const struct oracle_type ORACLE_QUEUE_ORDER = {
    .name = "queue-order",
    .class_ = ORACLE_SAFETY,
    .about = "an orderly group's queue is consumed by one member at a time, in its order",
    .parameters = PARAMETERS,
    .parameter_count = sizeof PARAMETERS / sizeof PARAMETERS[0],
    .kinds = KINDS,
    .create = create,
    .on_record = on_record,
    .finish = finish,
};
