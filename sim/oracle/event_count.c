/* sim/oracle/event_count.c - between two times, events of a kind (of some nodes, with a value in a
 * field) occur at least `min` and at most `max` times. For what no other oracle says. */
#include "sim/oracle/base.h"

static const struct oracle_parameter PARAMETERS[] = {
    {"event", "text", NULL, "name of the event"},
    {"node", "text", "any", "reported by these nodes (a list), or any"},
    {"field", "text", "", "only those in which this field ..."},
    {"value", "text", "", "... has this value"},
    {"from", "duration", "0s", "counted from this time on"},
    {"until", "duration", "18446744073709551615", "... and up to this time, included"},
    {"min", "count", "0", "at least this many"},
    {"max", "count", "18446744073709551615", "at most this many"},
};

struct event_count {
    struct oracle_base base;
    struct span node, value;
    uint16_t kind;
    int field; /* -1: any */
    uint64_t from_ns, until_ns, min, max;
    uint64_t count;
    struct oracle_mark last;
};

extern const struct oracle_type ORACLE_EVENT_COUNT;

static void read_event(struct event_count *oracle) {
    struct span event = oracle_read_text(&oracle->base, "event");
    struct span field = oracle_read_text(&oracle->base, "field");
    int kind = event_kind_of_name(event);
    oracle->field = -1;
    if (kind < 0) {
        oracle_refuse(&oracle->base, "event", "is not an event");
        return;
    }
    oracle->kind = (uint16_t)kind;
    for (size_t i = 0; i < EVENT_INFO[kind].field_count; i++)
        if (span_equal(field, span_of_text(EVENT_INFO[kind].fields[i].name)))
            oracle->field = (int)i;
    if (field.len > 0 && oracle->field < 0)
        oracle_refuse(&oracle->base, "field", "is not a field of this event");
}

static void *create(const struct oracle_host *host, const struct props *parameters,
                    const char **error) {
    struct event_count *oracle =
        oracle_begin(host, &ORACLE_EVENT_COUNT, parameters, sizeof *oracle, error);
    if (oracle == NULL)
        return NULL;
    struct oracle_base *base = &oracle->base;
    bool bounded = oracle_has(base, "min") || oracle_has(base, "max");
    read_event(oracle);
    oracle->node = oracle_read_text(base, "node");
    oracle->value = oracle_read_text(base, "value");
    oracle->from_ns = oracle_read_duration(base, "from");
    oracle->until_ns = oracle_read_duration(base, "until");
    oracle->min = oracle_read_count(base, "min");
    oracle->max = oracle_read_count(base, "max");
    if (!bounded)
        oracle_refuse(base, "min", "neither min nor max is given");
    if (oracle->min > oracle->max)
        oracle_refuse(base, "max", "is less than min");
    if (oracle->from_ns > oracle->until_ns)
        oracle_refuse(base, "until", "is before from");
    return oracle_ready(oracle, error);
}

static bool field_has(const struct event_value *field, struct span value) {
    int64_t number;
    uint64_t natural;
    switch (field->type) {
    case EVENT_TEXT:
        return span_equal(field->text, value);
    case EVENT_INT:
        return span_to_i64(value, &number) == RMQ_OK && (uint64_t)number == field->number;
    default:
        return span_to_u64(value, &natural) == RMQ_OK && natural == field->number;
    }
}

static void on_record(void *self, const struct record *record) {
    struct event_count *oracle = self;
    if (record->kind != oracle->kind || record->world_ns < oracle->from_ns ||
        record->world_ns > oracle->until_ns)
        return;
    struct span node =
        span_of_text(oracle->base.host.node_name(oracle->base.host.ctx, record->node));
    if (!span_equal(oracle->node, SPAN_LITERAL("any")) && !name_listed(oracle->node, node))
        return;
    if (oracle->field >= 0 && !field_has(&record->fields[oracle->field], oracle->value))
        return;
    oracle->last = oracle_mark(record);
    oracle->count++;
    if (oracle->count == oracle->max + 1 && oracle->max != UINT64_MAX &&
        oracle_fail(&oracle->base, "more than %llu %s", (unsigned long long)oracle->max,
                    EVENT_INFO[oracle->kind].name))
        oracle_witness(&oracle->base, oracle->last, "number %llu",
                       (unsigned long long)oracle->count);
}

/* That nothing happened is a fact too: what is checked is the time that was watched. */
static void finish(void *self, uint64_t end_ns, struct oracle_verdict *out) {
    struct event_count *oracle = self;
    oracle->base.verdict.checked = oracle->count + (end_ns >= oracle->from_ns);
    bool open = oracle->until_ns != UINT64_MAX && end_ns < oracle->until_ns;
    if (open)
        oracle->base.unknown = "the run ends before the time that is watched";
    if (!open && oracle->count < oracle->min &&
        oracle_fail(&oracle->base, "only %llu %s, expected at least %llu",
                    (unsigned long long)oracle->count, EVENT_INFO[oracle->kind].name,
                    (unsigned long long)oracle->min) &&
        oracle->count > 0)
        oracle_witness(&oracle->base, oracle->last, "the last one");
    oracle_end(&oracle->base, "the run ends before the time that is watched", out);
}

const struct oracle_type ORACLE_EVENT_COUNT = {
    .name = "event-count",
    .class_ = ORACLE_OBJECTIVE,
    .about = "events of a kind occur at least and at most so many times between two times",
    .parameters = PARAMETERS,
    .parameter_count = sizeof PARAMETERS / sizeof PARAMETERS[0],
    .create = create,
    .on_record = on_record,
    .finish = finish,
};
