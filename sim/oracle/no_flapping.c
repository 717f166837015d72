/* sim/oracle/no_flapping.c - a broker's address stays: under one (broker name, id) a name server's
 * entry must not change its address more than `changes` times within `within` (INC-10: two live
 * masters under one name take the entry from each other at each registration). */
#include "sim/oracle/base.h"

static const struct oracle_parameter PARAMETERS[] = {
    {"changes", "count", "1", "allowed changes of address, at most 15"},
    {"within", "duration", "120s", "... in any time of this length"},
};

#define CHANGES_MAX 15
struct slot {
    uint32_t address; /* 0: none yet */
    uint64_t count;   /* changes so far; the last of them are kept, in a ring */
    struct oracle_mark changes[CHANGES_MAX + 1];
};

struct no_flapping {
    struct oracle_base base;
    uint64_t changes, within_ns;
    struct intern names;
    struct table table; /* (name server, broker, id) */
    struct slot *slots;
    size_t count, capacity;
};

extern const struct oracle_type ORACLE_NO_FLAPPING;

static void *create(const struct oracle_host *host, const struct props *parameters,
                    const char **error) {
    struct no_flapping *oracle =
        oracle_begin(host, &ORACLE_NO_FLAPPING, parameters, sizeof *oracle, error);
    if (oracle == NULL)
        return NULL;
    oracle->changes = oracle_read_count(&oracle->base, "changes");
    oracle->within_ns = oracle_read_duration(&oracle->base, "within");
    if (oracle->changes > CHANGES_MAX)
        oracle_refuse(&oracle->base, "changes", "is more than 15");
    intern_init(&oracle->names, &oracle->base.host);
    table_init(&oracle->table, &oracle->base.host);
    return oracle_ready(oracle, error);
}

static struct slot *slot_of(struct no_flapping *oracle, const struct record *record) {
    uint32_t broker = intern_add(&oracle->names, record_text(record, 1));
    uint64_t *at = table_put(&oracle->table,
                             table_key(record->node, broker, (uint64_t)record_int(record, 2), 0));
    struct slot *slots = array_room(&oracle->base.host, oracle->slots, oracle->count,
                                    &oracle->capacity, sizeof *slots);
    if (broker == 0 || at == NULL || slots == NULL)
        return NULL;
    oracle->slots = slots;
    if (*at == 0)
        *at = ++oracle->count;
    return &slots[*at - 1];
}

/* The change that was `changes` changes ago and this one are too close. */
static void check(struct no_flapping *oracle, const struct slot *slot,
                  const struct record *record) {
    if (slot->count <= oracle->changes)
        return;
    uint64_t oldest = slot->count - 1 - oracle->changes;
    const struct oracle_mark *from = &slot->changes[oldest % (CHANGES_MAX + 1)];
    uint64_t took_ns = record->world_ns - from->world_ns;
    if (took_ns > oracle->within_ns)
        return;
    if (!oracle_fail(&oracle->base,
                     "the address of broker %.*s id %lld changed %llu times within " SECONDS_FORMAT,
                     TEXT(record_text(record, 1)), (long long)record_int(record, 2),
                     (unsigned long long)oracle->changes + 1, SECONDS(took_ns)))
        return;
    for (uint64_t i = oldest; i < slot->count; i++)
        oracle_witness(&oracle->base, slot->changes[i % (CHANGES_MAX + 1)],
                       "registered from another address");
}

static void on_record(void *self, const struct record *record) {
    struct no_flapping *oracle = self;
    if (record->kind != EVENT_route_broker_registered)
        return;
    struct slot *slot = slot_of(oracle, record);
    uint32_t address = intern_add(&oracle->names, record_text(record, 3));
    if (slot == NULL || address == 0) {
        oracle->base.no_memory = true;
        return;
    }
    oracle->base.verdict.checked++;
    if (slot->address != 0 && slot->address != address) {
        slot->changes[slot->count++ % (CHANGES_MAX + 1)] = oracle_mark(record);
        check(oracle, slot, record);
    }
    slot->address = address;
}

static void finish(void *self, uint64_t end_ns, struct oracle_verdict *out) {
    struct no_flapping *oracle = self;
    (void)end_ns;
    oracle_end(&oracle->base, "no registration at a name server was seen", out);
}

const struct oracle_type ORACLE_NO_FLAPPING = {
    .name = "no-flapping",
    .class_ = ORACLE_SAFETY,
    .about = "the address under one broker name and id does not change to and fro",
    .parameters = PARAMETERS,
    .parameter_count = sizeof PARAMETERS / sizeof PARAMETERS[0],
    .create = create,
    .on_record = on_record,
    .finish = finish,
};
