/* sim/scenario/scenario_check.c - what the table of fields cannot say: names that must exist, times
 * that must be in order, members that exclude each other. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "model/quirks.h"
#include "sim/judge/judge.h"
#include "sim/report/report.h"
#include "sim/run/faults.h"
#include "sim/scenario/scenario_commands.h"
#include "sim/scenario/scenario_internal.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

struct checker {
    struct scenario *scenario;
    struct field_reader *reader;
    struct scenario_errors *errors;
};

/* ---- nodes ----------------------------------------------------------------------------------- */

static void look_up(void *ctx, const struct field *field, void *member,
                    const struct doc_value *at) {
    struct checker *checker = ctx;
    struct node_names names = checker->scenario->names;
    if (field->type == FIELD_SETS) {
        struct list *list = member;
        struct targets *sets = list->items;
        for (size_t i = 0; i < list->count; i++)
            RMQ_IGNORE(!targets_look_up(checker->reader, &sets[i], &names), "it has reported");
        return;
    }
    if (field->type != FIELD_TARGETS)
        return;
    const struct targets *targets = member;
    bool is_constant =
        strcmp(field->key, "name_servers") == 0 ||
        (at->parent != NULL && at->parent->key != NULL &&
         (strcmp(at->parent->key, "links") == 0 || strcmp(at->parent->key, "nodes") == 0));
    if (is_constant && targets->drawn)
        doc_error(checker->errors, targets->at,
                  "\"%s\" cannot be drawn; expected nodes by name or pattern", field->key);
    if (strcmp(field->key, "name_servers") == 0) { /* they are the first nodes */
        names.count = 0;
        names.what = "name server";
        while (names.count < checker->scenario->node_count &&
               checker->scenario->nodes[names.count].role == ROLE_NAME_SERVER)
            names.count++;
    }
    RMQ_IGNORE(!targets_look_up(checker->reader, member, &names), "it has reported");
}

/* ---- properties ------------------------------------------------------------------------------ */

#define QUIRK_NAME(id, name, releases, reference, about) name,
static const char *const QUIRK_NAMES[] = {QUIRKS(QUIRK_NAME)};

static void check_properties(struct checker *checker, const struct doc_value *at) {
    const struct doc_value *properties = at == NULL ? NULL : doc_member(at, "properties");
    const struct doc_value *member = properties == NULL ? NULL : properties->first;
    for (; member != NULL; member = member->next) {
        if (strncmp(member->key, "quirk.", 6) != 0)
            continue;
        bool known = false;
        for (size_t i = 0; i < COUNT(QUIRK_NAMES); i++)
            known = known || strcmp(QUIRK_NAMES[i], member->key + 6) == 0;
        struct nearest nearest;
        if (!known)
            doc_key_error(checker->errors, member,
                          "unknown quirk \"%.60s\"; expected one that mqsim list quirks shows%s",
                          member->key + 6,
                          nearest_of(&nearest, member->key + 6, QUIRK_NAMES, COUNT(QUIRK_NAMES)));
        bool is_text_bool = member->kind == DOC_STRING && (strcmp(member->text, "true") == 0 ||
                                                           strcmp(member->text, "false") == 0);
        if (member->kind != DOC_BOOL && !is_text_bool)
            RMQ_IGNORE(!wrong_type(checker->reader, member, member->key, "true or false"),
                       "it has reported");
    }
}

static void check_cluster(struct checker *checker) {
    struct scenario_spec *spec = &checker->scenario->spec;
    struct list *lists[] = {&spec->cluster.name_servers, &spec->cluster.brokers,
                            &spec->cluster.clients};
    for (size_t role = 0; role < ROLE_COUNT; role++) {
        const struct group_spec *groups = lists[role]->items;
        check_properties(checker, spec->defaults.role[role].at);
        for (size_t i = 0; i < lists[role]->count; i++)
            check_properties(checker, groups[i].at);
        for (size_t i = 0; i < lists[role]->count; i++)
            loads_check(checker->reader, &groups[i]);
    }
}

/* ---- topics ---------------------------------------------------------------------------------- */

/* Offers every topic that some broker will have; true when `name` is one. */
static bool find_topic(const struct scenario *scenario, const char *name, struct nearest *nearest) {
    static const char *const BUILT_IN[] = {"TBW102", "SELF_TEST_TOPIC", "BenchmarkTest",
                                           "OFFSET_MOVED_EVENT", "RMQ_SYS_TRACE_TOPIC"};
    bool found = false;
    for (size_t i = 0; i < COUNT(BUILT_IN); i++)
        found = found || strcmp(name, BUILT_IN[i]) == 0;
    const struct group_spec *brokers = scenario->spec.cluster.brokers.items;
    for (size_t i = 0; i < scenario->spec.cluster.brokers.count; i++) {
        const struct topic_spec *topics = brokers[i].topics.items;
        for (size_t k = 0; k < brokers[i].topics.count; k++) {
            nearest_offer(nearest, topics[k].name);
            found = found || strcmp(name, topics[k].name) == 0;
        }
        found = found || strcmp(name, brokers[i].cluster) == 0;
    }
    for (size_t i = 0; i < scenario->node_count; i++)
        found = found || (scenario->nodes[i].role == ROLE_BROKER &&
                          strcmp(name, scenario->nodes[i].name) == 0);
    return found;
}

static bool creates_topic(const char *command, const struct props *arguments, const char *name) {
    if (command == NULL || strcmp(command, "create-topic") != 0)
        return false;
    for (size_t i = 0; i < arguments->count; i++)
        if (span_equal(arguments->entries[i].key, SPAN_LITERAL("topic")))
            return span_equal(arguments->entries[i].value, span_of_text(name));
    return false;
}

static bool topic_is_created(const struct scenario *scenario, const char *name) {
    const struct timeline_entry *entries = scenario->spec.timeline.items;
    for (size_t i = 0; i < scenario->spec.timeline.count; i++)
        if (creates_topic(entries[i].command, &entries[i].arguments, name))
            return true;
    const struct workload_spec *work = scenario->spec.workload.items;
    for (size_t i = 0; i < scenario->spec.workload.count; i++)
        if (creates_topic(work[i].command, &work[i].arguments, name))
            return true;
    return false;
}

static void check_topics(struct checker *checker) {
    const struct scenario *scenario = checker->scenario;
    const struct group_spec *clients = scenario->spec.cluster.clients.items;
    for (size_t i = 0; i < scenario->spec.cluster.clients.count; i++) {
        const struct doc_value *topics = doc_member(clients[i].at, "topics");
        for (size_t k = 0; k < clients[i].topic_names.count; k++) {
            const char *name = clients[i].topic_names.items[k];
            struct nearest nearest;
            nearest_begin(&nearest, name);
            if (!find_topic(scenario, name, &nearest) && !topic_is_created(scenario, name))
                doc_error(checker->errors, doc_item(topics, k),
                          "unknown topic \"%.60s\"; expected a topic of a broker, or one that a "
                          "create-topic makes%s",
                          name, nearest_hint(&nearest));
        }
    }
}

/* ---- times ----------------------------------------------------------------------------------- */

static const char *time_text(struct checker *checker, uint64_t ns) {
    char text[32];
    duration_print(ns, text);
    return pool_format(checker->reader->pool, "%s", text);
}

static bool check_end(struct checker *checker, const struct doc_value *at, const char *what,
                      uint64_t latest) {
    uint64_t end = checker->scenario->spec.duration_ns;
    if (latest <= end)
        return true;
    doc_error(checker->errors, at,
              "%s is after the end of the run; expected at most its duration, "
              "%s",
              what, time_text(checker, end));
    return false;
}

static uint64_t sum(uint64_t a, uint64_t b) {
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static void check_lasts(struct checker *checker, const struct timeline_entry *entry) {
    if (entry->lasts.at == NULL)
        return;
    if (entry->kind->end == NULL) {
        doc_error(checker->errors, entry->lasts.at, "\"%s\" cannot be undone; expected no \"for\"",
                  entry->kind->name);
        return;
    }
    if (entry->time.at != NULL)
        check_end(checker, entry->lasts.at, "the end of \"for\"",
                  sum(timing_max(&entry->time), timing_max(&entry->lasts)));
}

static void check_order(struct checker *checker) {
    const struct timeline_entry *entries = checker->scenario->spec.timeline.items;
    const struct timing *last = NULL;
    if (checker->scenario->spec.timeline_order == ORDER_ANY)
        return;
    for (size_t i = 0; i < checker->scenario->spec.timeline.count; i++) {
        const struct timing *time = &entries[i].time;
        if (time->at == NULL || time->drawn != NULL)
            continue;
        if (last != NULL && time->ns < last->ns)
            doc_error(checker->errors, time->at,
                      "\"at\" is %s, earlier than the entry above it (%s); expected entries in "
                      "order of time",
                      time->at->text, last->at->text);
        else
            last = time;
    }
}

/* ---- timeline -------------------------------------------------------------------------------- */

static void check_match(struct checker *checker, const struct doc_value *match,
                        const struct event_info *info) {
    for (const struct doc_value *member = match->first; member != NULL; member = member->next) {
        struct nearest nearest;
        nearest_begin(&nearest, member->key);
        const struct event_field_info *field = NULL;
        for (size_t i = 0; i < info->field_count; i++) {
            nearest_offer(&nearest, info->fields[i].name);
            if (strcmp(info->fields[i].name, member->key) == 0)
                field = &info->fields[i];
        }
        int64_t number;
        if (field == NULL)
            doc_key_error(checker->errors, member,
                          "the event %s has no field \"%.60s\"; expected one that mqsim list "
                          "events shows%s",
                          info->name, member->key, nearest_hint(&nearest));
        else if (field->type != EVENT_TEXT &&
                 span_to_i64(span_of_text(member->text), &number) != RMQ_OK)
            RMQ_IGNORE(!wrong_type(checker->reader, member, member->key, "a whole number"),
                       "it has reported");
    }
}

static int find_event(struct checker *checker, const char *name, const struct doc_value *at) {
    int kind = event_kind_of_name(span_of_text(name));
    if (kind >= 0)
        return kind;
    struct nearest nearest;
    nearest_begin(&nearest, name);
    for (size_t i = 0; i < EVENT_KIND_COUNT; i++)
        nearest_offer(&nearest, EVENT_INFO[i].name);
    doc_error(checker->errors, at,
              "unknown event \"%.60s\"; expected one that mqsim list events shows%s", name,
              nearest_hint(&nearest));
    return -1;
}

static void check_trigger(struct checker *checker, struct trigger_spec *trigger) {
    trigger->kind = find_event(checker, trigger->event, record_at(trigger->at, "event"));
    const struct doc_value *match = doc_member(trigger->at, "match");
    if (trigger->kind >= 0 && match != NULL)
        check_match(checker, match, &EVENT_INFO[trigger->kind]);
    check_end(checker, record_at(trigger->at, "after"), "\"after\"", trigger->after_ns);
    if (trigger->node.drawn)
        RMQ_IGNORE(!wrong_type(checker->reader, trigger->node.at, "node", "nodes by name"),
                   "it has reported");
}

static void check_entry(struct checker *checker, struct timeline_entry *entry) {
    bool timed = entry->time.at != NULL, triggered = entry->when.at != NULL;
    entry->kind = fault_kind_find(entry->action->text);
    entry->link.at = entry->disk.at = entry->at;
    if (timed == triggered)
        doc_error(checker->errors, triggered ? entry->when.at : entry->at,
                  "a timeline entry has %s; expected one of \"at\" and \"when\"",
                  timed ? "\"at\" and \"when\"" : "neither \"at\" nor \"when\"");
    if (timed)
        check_end(checker, entry->time.at, "\"at\"", timing_max(&entry->time));
    if (triggered)
        check_trigger(checker, &entry->when);
    check_lasts(checker, entry);
    if (entry->shift_ns % 1000000 != 0)
        doc_error(checker->errors, record_at(entry->at, "by"),
                  "\"by\" is finer than a wall clock; expected whole milliseconds");
    if (entry->command != NULL)
        command_check(checker->scenario, checker->reader, record_at(entry->at, "command"),
                      entry->command, &entry->node, entry->at, &entry->arguments,
                      &entry->command_props);
}

/* A topology needs nodes that differ. */
static void check_sets(struct checker *checker, const struct timeline_entry *entry) {
    if (entry->kind->scope == FAULT_RING && entry->node.chosen_count < 4)
        doc_error(checker->errors, entry->node.at,
                  "a ring of %zu nodes cuts no link; expected four or more",
                  entry->node.chosen_count);
    if (entry->kind->scope != FAULT_SETS)
        return;
    const struct targets *sets = entry->sets.items;
    /* The number of the set that a node is in, from 1. */
    size_t *member_of =
        pool_alloc(checker->reader->pool, checker->scenario->node_count * sizeof *member_of);
    for (size_t i = 0; i < entry->sets.count; i++) {
        for (size_t k = 0; k < sets[i].candidate_count; k++) {
            size_t *of = &member_of[sets[i].candidates[k]];
            if (*of != 0 && *of != i + 1) {
                doc_error(checker->errors, sets[i].at,
                          "the node \"%s\" is in two sets; expected sets that do not overlap",
                          checker->scenario->nodes[sets[i].candidates[k]].name);
                return;
            }
            *of = i + 1;
        }
    }
}

static void check_workload(struct checker *checker, struct workload_spec *work) {
    check_end(checker, record_at(work->at, "first"), "\"first\"", timing_max(&work->first));
    command_check(checker->scenario, checker->reader, record_at(work->at, "do"), work->command,
                  &work->node, work->at, &work->arguments, &work->command_props);
}

/* ---- expectations ---------------------------------------------------------------------------- */

/* A broker is meant by its node's name, or by its brokerName. */
static bool is_broker_name(const struct scenario *scenario, const char *word) {
    const struct group_spec *brokers = scenario->spec.cluster.brokers.items;
    for (size_t i = 0; i < scenario->spec.cluster.brokers.count; i++)
        for (size_t k = 0; k < brokers[i].properties.count; k++)
            if (span_equal(brokers[i].properties.entries[k].key, SPAN_LITERAL("brokerName")) &&
                span_equal(brokers[i].properties.entries[k].value, span_of_text(word)))
                return true;
    return false;
}

static void check_node_word(struct checker *checker, const struct doc_value *at, const char *word) {
    const struct scenario *scenario = checker->scenario;
    struct nearest nearest;
    nearest_begin(&nearest, word);
    if (strcmp(at->key, "broker") == 0 && is_broker_name(scenario, word))
        return;
    for (size_t i = 0; i < scenario->node_count; i++) {
        if (strcmp(scenario->nodes[i].name, word) == 0)
            return;
        nearest_offer(&nearest, scenario->nodes[i].name);
    }
    doc_error(checker->errors, at,
              "unknown node \"%.60s\" in \"%s\"; expected a node of this "
              "cluster%s",
              word, at->key, nearest_hint(&nearest));
}

/* "a, b": each must be a node; "any" and "all" stand alone. */
static void check_node_list(struct checker *checker, const struct doc_value *at) {
    if (strcmp(at->text, "any") == 0 || strcmp(at->text, "all") == 0)
        return;
    for (const char *cursor = at->text; *cursor != 0;) {
        size_t len = strcspn(cursor, ", ");
        if (len > 0)
            check_node_word(checker, at, pool_text(checker->reader->pool, cursor, len));
        cursor += len + (cursor[len] != 0);
    }
}

static bool names_nodes(const char *key) {
    static const char *const KEYS[] = {"excused", "node", "on", "broker"};
    for (size_t i = 0; i < COUNT(KEYS); i++)
        if (strcmp(KEYS[i], key) == 0)
            return true;
    return false;
}

static void *host_alloc(void *ctx, size_t size) {
    return pool_alloc(ctx, size);
}
static void host_free(void *ctx, void *block) {
    (void)ctx;
    (void)block;
}
static const char *host_node_name(void *ctx, uint16_t node) {
    (void)ctx;
    (void)node;
    return "?";
}

static void check_expectation(struct checker *checker, struct expectation_spec *spec) {
    spec->type = oracle_find(span_of_text(spec->name));
    for (const struct doc_value *member = spec->at->first; member != NULL; member = member->next) {
        if (names_nodes(member->key))
            check_node_list(checker, member);
        else if (strcmp(member->key, "event") == 0)
            RMQ_IGNORE(find_event(checker, member->text, member) < 0, "it has reported");
    }
    struct oracle_host host = {.alloc = host_alloc,
                               .free = host_free,
                               .node_name = host_node_name,
                               .ctx = checker->reader->pool};
    struct judge_expectation expectation = {spec->type, &spec->parameters};
    const char *error = NULL;
    if (judge_create_on(&host, &expectation, 1, &error) == NULL)
        doc_error(checker->errors, record_at(spec->at, "oracle"),
                  "the oracle refuses its parameters: %s; expected what mqsim list oracles shows",
                  error == NULL ? "no reason given" : error);
}

/* ---- names of plots and plants --------------------------------------------------------------- */

static void check_words(struct checker *checker, const struct names *names, const char *key,
                        const char *const *words, size_t count) {
    const struct doc_value *at = doc_member(checker->scenario->doc, key);
    for (size_t i = 0; i < names->count; i++) {
        bool known = false;
        for (size_t k = 0; k < count; k++)
            known = known || strcmp(words[k], names->items[i]) == 0;
        struct nearest nearest;
        if (!known)
            doc_error(checker->errors, doc_item(at, i),
                      "unknown word \"%.60s\" in \"%s\"; expected one that mqsim list shows%s",
                      names->items[i], key, nearest_of(&nearest, names->items[i], words, count));
    }
}

static void check_names(struct checker *checker) {
#define PLOT_NAME(name, heading, caption, tables, single) name,
#define PLANT_NAME(id, name, about) name,
    static const char *const PLOTS[] = {REPORT_PLOTS(PLOT_NAME)};
    static const char *const PLANTS[] = {ENV_PLANT_POINTS(PLANT_NAME)};
    check_words(checker, &checker->scenario->spec.plots, "plots", PLOTS, COUNT(PLOTS));
    check_words(checker, &checker->scenario->spec.plants, "plant", PLANTS, COUNT(PLANTS));
}

/* ---- all ------------------------------------------------------------------------------------- */

void scenario_check(struct scenario *scenario, struct field_reader *reader) {
    struct checker checker = {scenario, reader, reader->errors};
    struct scenario_spec *spec = &scenario->spec;
    record_visit(reader, &SCENARIO_TYPE, spec, look_up, &checker);
    if (reader->errors->count > 0)
        return;
    check_cluster(&checker);
    check_topics(&checker);
    struct timeline_entry *entries = spec->timeline.items;
    for (size_t i = 0; i < spec->timeline.count; i++) {
        check_entry(&checker, &entries[i]);
        check_sets(&checker, &entries[i]);
    }
    check_order(&checker);
    struct link_pair *pairs = spec->network.links.items;
    for (size_t i = 0; i < spec->network.links.count; i++)
        pairs[i].link.at = pairs[i].at;
    struct disk_of *disks = spec->disks.nodes.items;
    for (size_t i = 0; i < spec->disks.nodes.count; i++)
        disks[i].disk.at = disks[i].at;
    struct workload_spec *work = spec->workload.items;
    for (size_t i = 0; i < spec->workload.count; i++)
        check_workload(&checker, &work[i]);
    struct expectation_spec *expectations = spec->expect.items;
    for (size_t i = 0; i < spec->expect.count; i++)
        check_expectation(&checker, &expectations[i]);
    check_names(&checker);
}
