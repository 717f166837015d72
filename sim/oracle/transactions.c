/* sim/oracle/transactions.c - O-TX: each transaction ends, once, and shows what was decided.
 *
 *   safety    no message is delivered that its application rolled back, or never committed; each
 *             commit that a broker takes was decided so; a message is at no more places than it
 *             was committed; what has ended is not asked for; no message is asked for too often;
 *             what was committed is not given up
 *   liveness  within `within` of its acknowledgement a half message has ended, or was given up
 *             (finish also looks: a committed message reaches each group that has the topic)
 *
 * A half message is known by its broker and its place in the half queue, which each check changes;
 * a message by its number. Half messages whose acknowledgement was lost have no number until a
 * broker asks for them. What a power-off may have taken (it was not flushed) is not judged; brokers
 * whose disk lied or failed are not judged. A broker that is away or disturbed has more time. */
#include "sim/oracle/base.h"

static const struct oracle_parameter PARAMETERS[] = {
    {"checks", "count", "15", "how often a half message may be asked for"},
    {"within", "duration", "20m", "time in which each half message ends"},
    {"delivered", "duration", "60s", "time in which a committed message reaches its group"},
    {"excused", "text", "", "broker nodes that are not judged"},
};

#define STATE_COMMIT 8
#define STATE_ROLLBACK 12
#define PLACES_MAX 6

/* A half message: all its copies. */
struct half {
    uint64_t number; /* 0: not known yet */
    struct oracle_mark stored, ended, decided;
    uint32_t checks;
    uint32_t commits; /* that a broker took */
    uint64_t offset;  /* of the newest copy */
    int64_t physical; /* of the first */
    uint16_t broker;  /* node */
    bool over;        /* ended or given up */
    bool not_judged;  /* a power-off may have taken it */
};

/* What the application decided of a message. */
struct decided {
    struct oracle_mark committed, rolled_back; /* kind 0: not */
    struct oracle_mark delivered;
    uint64_t places[PLACES_MAX]; /* where it was delivered: keys of queue and offset */
    uint32_t place_count;
    uint32_t commits;         /* that brokers took */
    struct oracle_mark taken; /* the latest of these */
    bool is_transaction;
    bool excused; /* a broker went down with it: it may have been committed without a word */
};

struct transactions {
    struct oracle_base base;
    uint64_t checks, within_ns, delivered_ns;
    struct table half_of; /* (node, offset) -> index + 1 */
    struct half *halves;
    size_t half_count, half_capacity;
    size_t oldest;           /* what is before it is over */
    struct table decided_of; /* number -> index + 1 */
    struct decided *decisions;
    size_t decided_count, decided_capacity;
};

extern const struct oracle_type ORACLE_TRANSACTIONS;

static void *create(const struct oracle_host *host, const struct props *parameters,
                    const char **error) {
    struct transactions *oracle =
        oracle_begin(host, &ORACLE_TRANSACTIONS, parameters, sizeof *oracle, error);
    if (oracle == NULL)
        return NULL;
    oracle->checks = oracle_read_count(&oracle->base, "checks");
    oracle->within_ns = oracle_read_duration(&oracle->base, "within");
    oracle->delivered_ns = oracle_read_duration(&oracle->base, "delivered");
    table_init(&oracle->half_of, &oracle->base.host);
    table_init(&oracle->decided_of, &oracle->base.host);
    return oracle_ready(oracle, error);
}

/* ---- who and what ---------------------------------------------------------------------------- */

static const struct message_broker *broker_at(const struct transactions *oracle, uint16_t node) {
    const struct messages *messages = oracle->base.host.messages;
    return node < messages->by_node_capacity ? messages->by_node[node] : NULL;
}

static bool is_judged(const struct transactions *oracle, uint16_t node) {
    const struct message_broker *broker = broker_at(oracle, node);
    return (broker == NULL || !broker->disk_fault) &&
           !oracle_excuses(&oracle->base, cluster_node(oracle->base.host.cluster, node));
}

static struct half *half_put(struct transactions *oracle, uint16_t node, uint64_t offset,
                             bool again) {
    uint64_t *index = table_put(&oracle->half_of, table_key(node, offset, 1, 0));
    struct half *halves = index == NULL
                              ? NULL
                              : array_room(&oracle->base.host, oracle->halves, oracle->half_count,
                                           &oracle->half_capacity, sizeof *halves);
    if (halves == NULL) {
        oracle->base.no_memory = true;
        return NULL;
    }
    oracle->halves = halves;
    if (*index == 0 || again) {
        halves[oracle->half_count] = (struct half){.broker = node, .offset = offset};
        *index = ++oracle->half_count;
    }
    return &halves[*index - 1];
}

static struct half *half_get(const struct transactions *oracle, uint16_t node, uint64_t offset) {
    const uint64_t *index = table_get(&oracle->half_of, table_key(node, offset, 1, 0));
    return index == NULL || *index == 0 ? NULL : &oracle->halves[*index - 1];
}

static struct decided *decided_put(struct transactions *oracle, uint64_t number) {
    uint64_t *index = table_put(&oracle->decided_of, number);
    struct decided *decisions =
        index == NULL ? NULL
                      : array_room(&oracle->base.host, oracle->decisions, oracle->decided_count,
                                   &oracle->decided_capacity, sizeof *decisions);
    if (decisions == NULL) {
        oracle->base.no_memory = true;
        return NULL;
    }
    oracle->decisions = decisions;
    if (*index == 0)
        *index = ++oracle->decided_count;
    return &decisions[*index - 1];
}

static struct decided *decided_get(const struct transactions *oracle, uint64_t number) {
    const uint64_t *index = table_get(&oracle->decided_of, number);
    return index == NULL || *index == 0 ? NULL : &oracle->decisions[*index - 1];
}

/* The node that serves under a broker's name. */
static uint16_t node_of(const struct transactions *oracle, struct span broker) {
    const struct cluster_node *node =
        cluster_find_broker(oracle->base.host.cluster, broker, SPAN_NONE);
    return node == NULL ? 0 : node->node;
}

static void count_commits(struct transactions *oracle, const struct half *half) {
    struct decided *decided = half->number == 0 ? NULL : decided_get(oracle, half->number);
    if (decided != NULL)
        decided->commits += half->commits;
}

/* ---- clients --------------------------------------------------------------------------------- */

/* Topic, broker, queue_offset, message, status. */
static void on_prepared(struct transactions *oracle, const struct record *record) {
    uint16_t node = node_of(oracle, record_text(record, 1));
    struct half *half = half_put(oracle, node, (uint64_t)record_int(record, 2), false);
    struct decided *decided = decided_put(oracle, record_uint(record, 3));
    if (half == NULL || decided == NULL)
        return;
    half->number = record_uint(record, 3);
    decided->is_transaction = true;
    count_commits(oracle, half);
}

/* Broker, queue_offset, message, state, from_check, sent. */
static void on_decided(struct transactions *oracle, const struct record *record) {
    uint64_t state = record_uint(record, 3), number = record_uint(record, 2);
    struct span broker = record_text(record, 0);
    struct decided *decided = decided_put(oracle, number);
    if (decided == NULL)
        return;
    decided->is_transaction = true;
    if (state == STATE_COMMIT && decided->committed.kind == 0)
        decided->committed = oracle_mark(record);
    if (state == STATE_ROLLBACK && decided->rolled_back.kind == 0)
        decided->rolled_back = oracle_mark(record);
    struct half *half = broker.len == 0 ? NULL
                                        : half_get(oracle, node_of(oracle, broker),
                                                   (uint64_t)record_int(record, 1));
    if (half != NULL && half->number == 0) {
        half->number = number;
        count_commits(oracle, half);
    }
    if (half != NULL)
        half->decided = oracle_mark(record);
}

/* ---- brokers --------------------------------------------------------------------------------- */

static void witness_half(struct oracle_base *base, const struct half *half) {
    if (half->stored.kind != 0)
        oracle_witness(base, half->stored, "the half message is stored");
    if (half->decided.kind != 0)
        oracle_witness(base, half->decided, "the application decides");
    if (half->ended.kind != 0)
        oracle_witness(base, half->ended, "the broker has ended it");
}

static void on_stored(struct transactions *oracle, const struct record *record) {
    struct half *half = half_put(oracle, record->node, (uint64_t)record_int(record, 1), true);
    if (half == NULL)
        return;
    oracle->base.verdict.checked++;
    half->stored = oracle_mark(record);
    half->physical = record_int(record, 2);
}

/* Broker, queue_offset, old_offset, times, told. */
static void on_checked(struct transactions *oracle, const struct record *record) {
    struct oracle_base *base = &oracle->base;
    uint64_t offset = (uint64_t)record_int(record, 1);
    struct half *half = half_put(oracle, record->node, (uint64_t)record_int(record, 2), false);
    uint64_t *index = table_put(&oracle->half_of, table_key(record->node, offset, 1, 0));
    if (half == NULL || index == NULL)
        return;
    if (half->stored.kind == 0) { /* of an earlier life */
        half->stored = oracle_mark(record);
        half->not_judged = true;
    }
    *index = (uint64_t)(half - oracle->halves) + 1;
    bool newest = half->offset == (uint64_t)record_int(record, 2);
    half->offset = offset;
    half->checks = (uint32_t)record_uint(record, 3);
    base->verdict.checked++;
    if (!is_judged(oracle, record->node))
        return;
    /* an older copy that was ended says nothing of the newer one (store.md 21.4) */
    if (half->over && newest && half->ended.kind != 0 && !half->not_judged &&
        oracle_fail(base, "%s asks for half message %lld, which has ended",
                    base->host.node_name(base->host.ctx, record->node),
                    (long long)record_int(record, 2))) {
        witness_half(base, half);
        oracle_witness(base, oracle_mark(record), "check %llu of it",
                       (unsigned long long)record_uint(record, 3));
    }
    if (record_uint(record, 3) > oracle->checks &&
        oracle_fail(base, "%s asks for half message %lld more than %llu times",
                    base->host.node_name(base->host.ctx, record->node),
                    (long long)record_int(record, 2), (unsigned long long)oracle->checks)) {
        witness_half(base, half);
        oracle_witness(base, oracle_mark(record), "check %llu of it",
                       (unsigned long long)record_uint(record, 3));
    }
    half->over = false;
    half->ended.kind = 0;
}

/* Broker, queue_offset, state, from_check. */
static void on_ended(struct transactions *oracle, const struct record *record) {
    struct oracle_base *base = &oracle->base;
    uint64_t offset = (uint64_t)record_int(record, 1);
    bool commits = record_uint(record, 2) == STATE_COMMIT;
    struct half *half = half_put(oracle, record->node, offset, false);
    if (half == NULL)
        return;
    base->verdict.checked++;
    struct decided *decided = half->number == 0 ? NULL : decided_get(oracle, half->number);
    if (commits && decided != NULL) {
        decided->commits++;
        decided->taken = oracle_mark(record);
    }
    half->commits += commits;
    if (half->offset != offset)
        return; /* an older copy: the newest still waits */
    half->over = true;
    half->ended = oracle_mark(record);
    if (commits && decided != NULL && decided->committed.kind == 0 &&
        is_judged(oracle, record->node) &&
        oracle_fail(base, "message %llx is committed and nobody decided so",
                    (unsigned long long)half->number))
        witness_half(base, half);
}

/* Broker, queue_offset, times, reason. */
static void on_discarded(struct transactions *oracle, const struct record *record) {
    struct half *half = half_get(oracle, record->node, (uint64_t)record_int(record, 1));
    const struct decided *decided =
        half == NULL || half->number == 0 ? NULL : decided_get(oracle, half->number);
    oracle->base.verdict.checked++;
    if (half == NULL)
        return;
    half->over = true;
    if (decided == NULL || decided->committed.kind == 0 || !is_judged(oracle, record->node) ||
        !oracle_fail(&oracle->base, "message %llx is given up, and it was committed",
                     (unsigned long long)half->number))
        return;
    oracle_witness(&oracle->base, half->stored, "the half message is stored");
    oracle_witness(&oracle->base, decided->committed, "the application commits it");
    oracle_witness(&oracle->base, oracle_mark(record), "given up after %llu checks",
                   (unsigned long long)record_uint(record, 2));
}

/* A broker is back. What was not flushed at a power-off is not expected any more, and what has
 * ended may wait again; what was being ended at any end may be committed without a word. */
static void on_recovered(struct transactions *oracle, const struct record *record) {
    const struct message_broker *broker = broker_at(oracle, record->node);
    if (broker == NULL || broker->down.kind == 0)
        return;
    for (size_t i = 0; i < oracle->half_count; i++) {
        struct half *half = &oracle->halves[i];
        struct decided *decided = half->number == 0 ? NULL : decided_get(oracle, half->number);
        if (half->broker != record->node)
            continue;
        if (decided != NULL && (!half->over || broker->power_lost))
            decided->excused = true;
        if (broker->power_lost) {
            half->not_judged |= half->physical >= broker->down_flushed_to;
            half->ended.kind = 0;
        }
    }
}

/* ---- deliveries ------------------------------------------------------------------------------ */

/* Whether it is a new one. */
static bool add_place(struct decided *decided, uint64_t place) {
    for (uint32_t i = 0; i < decided->place_count; i++)
        if (decided->places[i] == place)
            return false;
    if (decided->place_count == PLACES_MAX)
        return false;
    decided->places[decided->place_count++] = place;
    return true;
}

static void on_delivered(struct transactions *oracle, const struct record *record) {
    struct oracle_base *base = &oracle->base;
    const struct message_facts *facts = &base->host.messages->facts;
    uint64_t number = record_uint(record, 6);
    struct decided *decided = decided_get(oracle, number);
    if (decided == NULL || !decided->is_transaction || facts->queue == NULL)
        return;
    uint64_t place = table_key(facts->queue->index, (uint64_t)record_int(record, 4), 2, 0);
    base->verdict.checked++;
    if (decided->delivered.kind == 0)
        decided->delivered = oracle_mark(record);
    bool moved = add_place(decided, place);
    bool never = decided->committed.kind == 0;
    if ((never || (decided->rolled_back.kind != 0 &&
                   decided->rolled_back.world_ns < decided->committed.world_ns)) &&
        oracle_fail(base, "message %llx is delivered, and it was %s", (unsigned long long)number,
                    decided->rolled_back.kind != 0 ? "rolled back" : "not committed")) {
        if (decided->rolled_back.kind != 0)
            oracle_witness(base, decided->rolled_back, "rolled back");
        oracle_witness(base, oracle_mark(record), "delivered to group %.*s",
                       TEXT(record_text(record, 0)));
    }
    if (moved && decided->place_count > 1 && decided->place_count > decided->commits &&
        !decided->excused &&
        oracle_fail(base, "message %llx is at %u places, and was committed %u times",
                    (unsigned long long)number, decided->place_count, decided->commits)) {
        oracle_witness(base, decided->delivered, "delivered first");
        oracle_witness(base, oracle_mark(record), "delivered from another place");
    }
}

/* ---- time ------------------------------------------------------------------------------------ */

/* From when on the broker has had nothing to wait for. */
static uint64_t begin_of(const struct transactions *oracle, const struct half *half,
                         uint64_t now_ns) {
    const struct cluster_node *node = cluster_node(oracle->base.host.cluster, half->broker);
    if (node == NULL || !cluster_is_healthy(node))
        return now_ns;
    uint64_t since = cluster_healthy_since(node);
    return since > half->stored.world_ns ? since : half->stored.world_ns;
}

static void look(struct transactions *oracle, uint64_t now_ns) {
    while (oracle->oldest < oracle->half_count) {
        const struct half *half = &oracle->halves[oracle->oldest];
        if (half->stored.kind != 0 && !half->over && !half->not_judged &&
            is_judged(oracle, half->broker)) {
            uint64_t begin = begin_of(oracle, half, now_ns);
            if (now_ns - begin <= oracle->within_ns)
                return;
            if (oracle_fail(&oracle->base,
                            "half message %llu of %s has not ended within " SECONDS_FORMAT,
                            (unsigned long long)half->offset,
                            oracle->base.host.node_name(oracle->base.host.ctx, half->broker),
                            SECONDS(oracle->within_ns)))
                witness_half(&oracle->base, half);
        }
        oracle->oldest++;
    }
}

static void on_record(void *self, const struct record *record) {
    struct transactions *oracle = self;
    switch (record->kind) {
    case EVENT_transaction_prepared:
        on_prepared(oracle, record);
        break;
    case EVENT_transaction_decided:
        on_decided(oracle, record);
        break;
    case EVENT_transaction_stored:
        on_stored(oracle, record);
        break;
    case EVENT_transaction_checked:
        on_checked(oracle, record);
        break;
    case EVENT_transaction_ended:
        on_ended(oracle, record);
        break;
    case EVENT_transaction_discarded:
        on_discarded(oracle, record);
        break;
    case EVENT_store_recovered:
        on_recovered(oracle, record);
        break;
    default:
        on_delivered(oracle, record);
    }
    look(oracle, record->world_ns);
}

/* Committed and taken, but at no group: only where somebody consumes. */
static void look_for_lost(struct transactions *oracle, uint64_t end_ns) {
    bool consumed = false;
    for (size_t i = 0; i < oracle->decided_count; i++)
        consumed |= oracle->decisions[i].delivered.kind != 0;
    for (size_t i = 0; consumed && i < oracle->decided_count; i++) {
        const struct decided *decided = &oracle->decisions[i];
        if (decided->taken.kind != 0 && decided->delivered.kind == 0 && !decided->excused &&
            end_ns - decided->taken.world_ns > oracle->delivered_ns &&
            oracle_fail(&oracle->base,
                        "a committed message is not delivered within " SECONDS_FORMAT,
                        SECONDS(oracle->delivered_ns)))
            oracle_witness(&oracle->base, decided->taken, "committed");
    }
}

static void finish(void *self, uint64_t end_ns, struct oracle_verdict *out) {
    struct transactions *oracle = self;
    look(oracle, end_ns);
    look_for_lost(oracle, end_ns);
    oracle_end(&oracle->base, "there were no transactions", out);
}

static const uint16_t KINDS[] = {
    EVENT_transaction_prepared, EVENT_transaction_decided,   EVENT_transaction_stored,
    EVENT_transaction_checked,  EVENT_transaction_discarded, EVENT_transaction_ended,
    EVENT_consume_delivered,    EVENT_store_recovered,       EVENT_KIND_COUNT};

const struct oracle_type ORACLE_TRANSACTIONS = {
    .name = "transactions",
    .class_ = ORACLE_SAFETY,
    .about = "each transaction ends, once, and shows what was decided",
    .parameters = PARAMETERS,
    .parameter_count = sizeof PARAMETERS / sizeof PARAMETERS[0],
    .kinds = KINDS,
    .create = create,
    .on_record = on_record,
    .finish = finish,
};
