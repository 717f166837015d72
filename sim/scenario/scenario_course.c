/* sim/scenario/scenario_course.c - tables of what goes on in a scenario: workload, timeline,
 * expectations. Which members a timeline entry has depends on its "do", an expectation's on its
 * "oracle". */
#include <string.h>

#include "sim/run/faults.h"
#include "sim/scenario/scenario_tables.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const struct field WORKLOAD_FIELDS[] = {
    {.key = "node",
     .type = FIELD_TARGETS,
     .offset = offsetof(struct workload_spec, node),
     .required = true,
     .about = "the nodes that do it"},
    {.key = "do",
     .type = FIELD_NAME,
     .offset = offsetof(struct workload_spec, command),
     .required = true,
     .about = "a command of the node's role"},
    {.key = "every",
     .type = FIELD_DURATION,
     .offset = offsetof(struct workload_spec, every_ns),
     .required = true,
     .min = 1000,
     .about = "the period"},
    {.key = "first",
     .type = FIELD_TIMING,
     .offset = offsetof(struct workload_spec, first),
     .about = "when it is done first; after one period when left out"},
    {.key = "count",
     .type = FIELD_COUNT,
     .offset = offsetof(struct workload_spec, count),
     .min = 1,
     .about = "how often; until the end when left out"},
    {.key = "arguments",
     .type = FIELD_PROPERTIES,
     .offset = offsetof(struct workload_spec, arguments),
     .about = "of the command"},
};
const struct record_type WORKLOAD_TYPE = {.name = "workload",
                                          .about = "A command that is repeated.",
                                          .fields = WORKLOAD_FIELDS,
                                          .field_count = COUNT(WORKLOAD_FIELDS),
                                          .bytes = sizeof(struct workload_spec)};

static void trigger_defaults(void *record) {
    struct trigger_spec *trigger = record;
    trigger->count = 1;
    trigger->kind = -1;
}
static const struct field TRIGGER_FIELDS[] = {
    {.key = "event",
     .type = FIELD_TEXT,
     .offset = offsetof(struct trigger_spec, event),
     .required = true,
     .about = "name of an event, see mqsim list events"},
    {.key = "node",
     .type = FIELD_TARGETS,
     .offset = offsetof(struct trigger_spec, node),
     .about = "who reports it; anyone when left out"},
    {.key = "match",
     .type = FIELD_PROPERTIES,
     .offset = offsetof(struct trigger_spec, match),
     .about = "fields of the event and the values that they must have"},
    {.key = "count",
     .type = FIELD_COUNT,
     .offset = offsetof(struct trigger_spec, count),
     .min = 1,
     .fallback = "1",
     .about = "at the n-th such event"},
    {.key = "after",
     .type = FIELD_DURATION,
     .offset = offsetof(struct trigger_spec, after_ns),
     .fallback = "\"0s\"",
     .about = "so long after it"},
};
const struct record_type TRIGGER_TYPE = {.name = "when",
                                         .about = "An event that sets the fault off, once.",
                                         .fields = TRIGGER_FIELDS,
                                         .field_count = COUNT(TRIGGER_FIELDS),
                                         .bytes = sizeof(struct trigger_spec),
                                         .defaults = trigger_defaults};

static const struct field TIMELINE_FIELDS[] = {
    {.key = "do",
     .type = FIELD_ANY,
     .offset = offsetof(struct timeline_entry, action),
     .required = true,
     .about = "a kind of fault, see mqsim list faults"},
    {.key = "at",
     .type = FIELD_TIMING,
     .offset = offsetof(struct timeline_entry, time),
     .about = "when, from the start of the run; may be drawn"},
    {.key = "when",
     .type = FIELD_RECORD,
     .offset = offsetof(struct timeline_entry, when),
     .record = &TRIGGER_TYPE,
     .about = "instead of \"at\": an event that sets it off"},
    {.key = "for",
     .type = FIELD_TIMING,
     .offset = offsetof(struct timeline_entry, lasts),
     .min = 1,
     .about = "after so long it is undone"},
    {.key = "label",
     .type = FIELD_NAME,
     .offset = offsetof(struct timeline_entry, label),
     .about = "a name for it: its draws stay the same when other entries come or go"},
};
static const struct record_type *timeline_variant(struct field_reader *reader,
                                                  const struct doc_value *object) {
    const struct fault_kind *kind = fault_kind_look_up(reader, object);
    return kind == NULL ? NULL : kind->fields;
}
static void timeline_defaults(void *record) {
    struct timeline_entry *entry = record;
    trigger_defaults(&entry->when);
}
const struct record_type TIMELINE_TYPE = {.name = "timeline entry",
                                          .about = "A fault, or an order to a node.",
                                          .fields = TIMELINE_FIELDS,
                                          .field_count = COUNT(TIMELINE_FIELDS),
                                          .bytes = sizeof(struct timeline_entry),
                                          .defaults = timeline_defaults,
                                          .variant_key = "do",
                                          .variant = timeline_variant};

static const struct field EXPECTATION_FIELDS[] = {
    {.key = "oracle",
     .type = FIELD_TEXT,
     .offset = offsetof(struct expectation_spec, name),
     .required = true,
     .about = "name of an oracle, see mqsim list oracles"},
};
static const struct oracle_type *oracle_look_up(struct field_reader *reader,
                                                const struct doc_value *object) {
    const struct doc_value *name = doc_member(object, "oracle");
    if (name == NULL || name->kind != DOC_STRING) {
        doc_error(reader->errors, name == NULL ? object : name,
                  "\"oracle\" is %s; expected the name of an oracle",
                  name == NULL ? "missing" : doc_describe(reader->pool, name));
        return NULL;
    }
    const struct oracle_type *type = oracle_find(span_of_text(name->text));
    if (type != NULL)
        return type;
    struct nearest nearest;
    nearest_begin(&nearest, name->text);
    for (size_t i = 0; i < ORACLE_COUNT; i++)
        nearest_offer(&nearest, ORACLES[i]->name);
    doc_error(reader->errors, name,
              "unknown oracle \"%.60s\"; expected one that mqsim list oracles "
              "shows%s",
              name->text, nearest_hint(&nearest));
    return NULL;
}
static enum field_type type_of_unit(const char *unit) {
    static const struct {
        const char *unit;
        enum field_type type;
    } TYPES[] = {{"duration", FIELD_DURATION},
                 {"count", FIELD_COUNT},
                 {"bool", FIELD_BOOL},
                 {"ratio", FIELD_RATIO}};
    for (size_t i = 0; i < COUNT(TYPES); i++)
        if (strcmp(TYPES[i].unit, unit) == 0)
            return TYPES[i].type;
    return FIELD_TEXT;
}
const struct record_type *expectation_variant(struct pool *pool, const struct oracle_type *oracle) {
    struct record_type *type = pool_alloc(pool, sizeof *type);
    struct field *fields = pool_alloc(pool, (oracle->parameter_count + 1) * sizeof *fields);
    for (size_t i = 0; i < oracle->parameter_count; i++) {
        const struct oracle_parameter *parameter = &oracle->parameters[i];
        fields[i] = (struct field){.key = parameter->key,
                                   .type = type_of_unit(parameter->unit),
                                   .offset = offsetof(struct expectation_spec, parameters),
                                   .required = parameter->fallback == NULL,
                                   .about = parameter->about,
                                   .property = true};
    }
    *type = (struct record_type){.name = oracle->name,
                                 .about = oracle->about,
                                 .fields = fields,
                                 .field_count = oracle->parameter_count};
    return type;
}
static const struct record_type *oracle_variant(struct field_reader *reader,
                                                const struct doc_value *object) {
    const struct oracle_type *type = oracle_look_up(reader, object);
    return type == NULL ? NULL : expectation_variant(reader->pool, type);
}
const struct record_type EXPECTATION_TYPE = {.name = "expectation",
                                             .about = "A judge of the run, with its parameters.",
                                             .fields = EXPECTATION_FIELDS,
                                             .field_count = COUNT(EXPECTATION_FIELDS),
                                             .bytes = sizeof(struct expectation_spec),
                                             .variant_key = "oracle",
                                             .variant = oracle_variant};
