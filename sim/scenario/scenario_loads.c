/* sim/scenario/scenario_loads.c - "loads" of clients: what their application does, one order of
 * model/load/load.h each. To add an argument: one line here, and its reading there. */
#include <string.h>

#include "sim/scenario/scenario_tables.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define ARGUMENT .offset = offsetof(struct load_spec, order), .property = true

static const char *const MODE_WORDS[] = {"sync", "async", "oneway", NULL};
static const char *const ARRIVAL_WORDS[] = {"closed", "constant", "poisson", NULL};
static const char *const MODEL_WORDS[] = {"CLUSTERING", "BROADCASTING", NULL};
static const char *const FROM_WORDS[] = {"CONSUME_FROM_LAST_OFFSET", "CONSUME_FROM_FIRST_OFFSET",
                                         "CONSUME_FROM_TIMESTAMP", NULL};
static const char *const STRATEGY_WORDS[] = {"AVG", "AVG_BY_CIRCLE", "MACHINE_ROOM",
                                             "CONSISTENT_HASH", NULL};

static const struct field PRODUCE_FIELDS[] = {
    {.key = "topic",
     .type = FIELD_TEXT,
     ARGUMENT,
     .required = true,
     .about = "one topic, or several separated by ';', which take turns"},
    {.key = "producerGroup",
     .type = FIELD_NAME,
     ARGUMENT,
     .required = true,
     .about = "its group; one per client and group"},
    {.key = "mode",
     .type = FIELD_WORD,
     ARGUMENT,
     .words = MODE_WORDS,
     .fallback = "\"sync\"",
     .about = "how it sends"},
    {.key = "arrivals",
     .type = FIELD_WORD,
     ARGUMENT,
     .words = ARRIVAL_WORDS,
     .fallback = "\"closed\"",
     .about = "closed: the next send waits for the one before; constant, poisson: by the rate"},
    {.key = "rate",
     .type = FIELD_FREQUENCY,
     ARGUMENT,
     .min = 1,
     .about = "messages of an open loop, each client"},
    {.key = "ramp_to",
     .type = FIELD_FREQUENCY,
     ARGUMENT,
     .min = 1,
     .about = "the rate moves evenly to this one"},
    {.key = "ramp", .type = FIELD_DURATION, ARGUMENT, .about = "in this time"},
    {.key = "burst_of",
     .type = FIELD_COUNT,
     ARGUMENT,
     .min = 1,
     .max = 1000000,
     .about = "so many at once, besides the rate"},
    {.key = "burst_every", .type = FIELD_DURATION, ARGUMENT, .min = 1, .about = "so often"},
    {.key = "in_flight",
     .type = FIELD_COUNT,
     ARGUMENT,
     .min = 1,
     .max = 65535,
     .about = "sends at a time: of a closed loop (1 when left out); the limit of an open one"},
    {.key = "think", .type = FIELD_DIST, ARGUMENT, .about = "pause of a closed loop's thread"},
    {.key = "bytes",
     .type = FIELD_SIZE,
     ARGUMENT,
     .fallback = "\"1KiB\"",
     .max = 16 << 20,
     .about = "of a body"},
    {.key = "bytes_max",
     .type = FIELD_SIZE,
     ARGUMENT,
     .max = 16 << 20,
     .about = "bodies are evenly between \"bytes\" and this"},
    {.key = "tags",
     .type = FIELD_TEXT,
     ARGUMENT,
     .about = "tags separated by ';', one of them drawn for each message"},
    {.key = "keys",
     .type = FIELD_COUNT,
     ARGUMENT,
     .min = 1,
     .max = 4294967295,
     .about = "how many distinct keys; none when left out"},
    {.key = "by_key", .type = FIELD_BOOL, ARGUMENT, .about = "the key chooses the queue"},
    {.key = "delay_level",
     .type = FIELD_COUNT,
     ARGUMENT,
     .min = 1,
     .max = 1000,
     .about = "delay level of each message; none when left out"},
    {.key = "number",
     .type = FIELD_BOOL,
     ARGUMENT,
     .about = "a property \"number\": the message's sequence, for filters"},
    {.key = "batch",
     .type = FIELD_COUNT,
     ARGUMENT,
     .min = 1,
     .max = 1000,
     .fallback = "1",
     .about = "messages in one send"},
    {.key = "count",
     .type = FIELD_COUNT,
     ARGUMENT,
     .min = 1,
     .max = 4294967295,
     .about = "messages of each client; no end when left out"},
    {.key = "after", .type = FIELD_DURATION, ARGUMENT, .about = "wait before the first"},
    {.key = "for", .type = FIELD_DURATION, ARGUMENT, .min = 1, .about = "ends after this time"},
};
static const struct field CONSUME_FIELDS[] = {
    {.key = "consumerGroup", .type = FIELD_NAME, ARGUMENT, .required = true, .about = "its group"},
    {.key = "subscription",
     .type = FIELD_TEXT,
     ARGUMENT,
     .required = true,
     .about =
         "\"topic\", \"topic:tag || tag\" or \"topic:sql92:number > 5 AND TAGS = 'x'\", several "
         "separated by ';'"},
    {.key = "messageModel",
     .type = FIELD_WORD,
     ARGUMENT,
     .words = MODEL_WORDS,
     .fallback = "\"CLUSTERING\"",
     .about = "each message to one member, or to all"},
    {.key = "consumeFromWhere",
     .type = FIELD_WORD,
     ARGUMENT,
     .words = FROM_WORDS,
     .fallback = "\"CONSUME_FROM_LAST_OFFSET\"",
     .about = "where a new group begins"},
    {.key = "allocateStrategy",
     .type = FIELD_WORD,
     ARGUMENT,
     .words = STRATEGY_WORDS,
     .fallback = "\"AVG\"",
     .about = "how queues are shared out"},
    {.key = "service", .type = FIELD_DIST, ARGUMENT, .about = "time that a message takes"},
    {.key = "fail", .type = FIELD_RATIO, ARGUMENT, .about = "share of messages that fail"},
    {.key = "lite", .type = FIELD_BOOL, ARGUMENT, .about = "a lite pull consumer"},
    {.key = "poll", .type = FIELD_DURATION, ARGUMENT, .min = 1, .about = "lite: pause when empty"},
    {.key = "after", .type = FIELD_DURATION, ARGUMENT, .about = "wait before it joins"},
    {.key = "for",
     .type = FIELD_DURATION,
     ARGUMENT,
     .min = 1,
     .about = "leaves cleanly after this time"},
};
static const struct record_type PRODUCE_TYPE = {.name = "load \"produce\"",
                                                .about = "A producer.",
                                                .fields = PRODUCE_FIELDS,
                                                .field_count = COUNT(PRODUCE_FIELDS)};
static const struct record_type CONSUME_TYPE = {.name = "load \"consume\"",
                                                .about = "A consumer.",
                                                .fields = CONSUME_FIELDS,
                                                .field_count = COUNT(CONSUME_FIELDS)};
const struct record_type *const LOAD_VARIANTS[] = {&PRODUCE_TYPE, &CONSUME_TYPE};
const char *const LOAD_WORDS[] = {"produce", "consume", NULL};

static const struct field LOAD_FIELDS[] = {
    {.key = "do",
     .type = FIELD_WORD,
     .offset = offsetof(struct load_spec, kind),
     .required = true,
     .words = LOAD_WORDS,
     .about = "what the application does"},
    {.key = "name",
     .type = FIELD_NAME,
     .offset = offsetof(struct load_spec, name),
     .about = "for stop-load, suspend-load, resume-load; left out: the topic or the group"},
    {.key = "properties",
     .type = FIELD_PROPERTIES,
     .offset = offsetof(struct load_spec, properties),
     .about = "further settings of RocketMQ's producer or consumer"},
};
static const struct record_type *load_variant(struct field_reader *reader,
                                              const struct doc_value *object) {
    const struct doc_value *word = doc_member(object, "do");
    struct nearest nearest;
    if (word == NULL || word->kind != DOC_STRING) {
        doc_error(reader->errors, word == NULL ? object : word,
                  "\"do\" of a load is %s; expected \"produce\" or \"consume\"",
                  word == NULL ? "missing" : doc_describe(reader->pool, word));
        return NULL;
    }
    nearest_begin(&nearest, word->text);
    for (size_t i = 0; LOAD_WORDS[i] != NULL; i++) {
        if (strcmp(LOAD_WORDS[i], word->text) == 0)
            return LOAD_VARIANTS[i];
        nearest_offer(&nearest, LOAD_WORDS[i]);
    }
    doc_error(reader->errors, word, "unknown load \"%.60s\"; expected produce or consume%s",
              word->text, nearest_hint(&nearest));
    return NULL;
}
const struct record_type LOAD_TYPE = {.name = "load",
                                      .about = "What the application in a client does.",
                                      .fields = LOAD_FIELDS,
                                      .field_count = COUNT(LOAD_FIELDS),
                                      .bytes = sizeof(struct load_spec),
                                      .variant_key = "do",
                                      .variant = load_variant};

/* ---- what members mean together -------------------------------------------------------------- */

static bool is_given(const struct props *order, const char *key) {
    return !span_is_absent(props_get(order, key));
}

static bool is_open(const struct props *order) {
    struct span arrivals = props_get(order, "arrivals");
    return span_equal(arrivals, SPAN_LITERAL("constant")) ||
           span_equal(arrivals, SPAN_LITERAL("poisson"));
}

/* An order is one line, its members separated by commas. */
static void check_commas(struct field_reader *reader, const struct doc_value *object) {
    for (const struct doc_value *member = object->first; member != NULL; member = member->next)
        if (member->kind == DOC_STRING && strchr(member->text, ',') != NULL)
            doc_error(reader->errors, member, "\"%.60s\" holds a comma; expected a text without",
                      member->key);
}

static void check_load(struct field_reader *reader, const struct load_spec *load) {
    const struct doc_value *properties = doc_member(load->at, "properties");
    check_commas(reader, load->at);
    if (properties != NULL)
        check_commas(reader, properties);
    bool produces = LOAD_VARIANTS[load->kind] == &PRODUCE_TYPE;
    if (produces && is_open(&load->order) != is_given(&load->order, "rate"))
        doc_error(reader->errors, load->at,
                  "\"rate\" and \"arrivals\" do not fit; expected a rate with \"constant\" or "
                  "\"poisson\" arrivals, and none with \"closed\" ones");
    if (is_given(&load->order, "ramp") != is_given(&load->order, "ramp_to"))
        doc_error(reader->errors, load->at, "expected \"ramp\" and \"ramp_to\" together");
    if (is_given(&load->order, "burst_of") != is_given(&load->order, "burst_every"))
        doc_error(reader->errors, load->at, "expected \"burst_of\" and \"burst_every\" together");
    if (is_given(&load->order, "by_key") && !is_given(&load->order, "keys"))
        doc_error(reader->errors, record_at(load->at, "by_key"),
                  "\"by_key\" without keys; expected \"keys\", how many distinct ones");
}

void loads_check(struct field_reader *reader, const struct group_spec *group) {
    const struct load_spec *loads = group->loads.items;
    if (group->loads.count > LOADS_MAX)
        doc_error(reader->errors, record_at(group->at, "loads"),
                  "%zu loads; expected at most %d of one client", group->loads.count, LOADS_MAX);
    for (size_t i = 0; i < group->loads.count; i++)
        check_load(reader, &loads[i]);
}
