/* sim/run/timeline.c - the course of faults, orders and starts in a run. Everything it needs later
 * is in the arena; times and targets were settled before. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/base/check.h"
#include "sim/run/faults.h"

/* Ranks among what happens at one instant: the timeline first, then starts, then workload. */
#define INDEX_STARTS 0x10000u
#define INDEX_WORKLOAD 0x40000u

/* ---- events ---------------------------------------------------------------------------------- */

static void record_fault(struct world *world, const struct fault *fault, node_id about,
                         const char *target, const char *phase) {
    const struct event_value values[] = {
        {EVENT_UINT, SPAN_NONE, fault->index},
        {EVENT_TEXT, span_of_text(fault->kind->name), 0},
        {EVENT_TEXT, span_of_text(target), 0},
        {EVENT_TEXT, span_of_text(phase), 0},
    };
    world_event(world, about, EVENT_world_fault, values, sizeof values / sizeof values[0]);
}

/* About the node of a target, or each node of its machine. Links are reported as a whole. */
static void record_target(struct world *world, const struct fault *fault,
                          const struct fault_target *target, const char *phase) {
    const struct scenario *scenario = fault->scenario;
    if (fault->kind->scope == FAULT_NODES) {
        record_fault(world, fault, target->node, scenario->nodes[target->node - 1].name, phase);
    } else if (fault->kind->scope == FAULT_HOSTS) {
        for (size_t i = 0; i < scenario->node_count; i++)
            if (scenario->nodes[i].host == target->host_index)
                record_fault(world, fault, (node_id)(i + 1), scenario->nodes[i].name, phase);
    }
}

static bool is_about_links(const struct fault *fault) {
    return fault->kind->scope != FAULT_NODES && fault->kind->scope != FAULT_HOSTS;
}

static bool is_active(const struct fault *fault) {
    for (size_t i = 0; i < fault->target_count; i++)
        if (fault->targets[i].active)
            return true;
    return false;
}

/* ---- course ---------------------------------------------------------------------------------- */

/* A target's fault is over, by its own time or by a repair. */
static void end_target(struct world *world, struct fault *fault, struct fault_target *target) {
    RMQ_IGNORE(!fault->kind->end(world, fault, target), "what is gone needs no repair");
    target->active = false;
    if (!fault->kind->lasting)
        return;
    if (!is_about_links(fault))
        record_target(world, fault, target, "end");
    else if (!is_active(fault))
        record_fault(world, fault, 0, fault->text, "end");
}

static void end_fault(struct world *world, void *args) {
    struct fault *fault = args;
    for (size_t i = 0; i < fault->target_count; i++)
        if (fault->targets[i].active)
            end_target(world, fault, &fault->targets[i]);
}

static bool word_listed(const char *list, const char *word) {
    size_t len = strlen(word);
    for (const char *at = strstr(list, word); at != NULL; at = strstr(at + 1, word))
        if ((at == list || at[-1] == ' ') && (at[len] == 0 || at[len] == ' '))
            return true;
    return false;
}

static bool same_target(const struct fault_target *a, const struct fault_target *b) {
    return a->node == b->node && a->host == b->host && a->to == b->to;
}

/* Ends the faults that `repair` is for, where they are at its target. False: there is none. */
static bool end_repaired(struct world *world, const struct fault *repair,
                         const struct fault_target *target) {
    bool found = false;
    for (struct fault *fault = *repair->all; fault != NULL; fault = fault->next) {
        if (!word_listed(repair->kind->repairs, fault->kind->name))
            continue;
        for (size_t i = 0; i < fault->target_count; i++) {
            if (!fault->targets[i].active || !same_target(&fault->targets[i], target))
                continue;
            end_target(world, fault, &fault->targets[i]);
            found = true;
        }
    }
    return found;
}

static void begin_fault(struct world *world, void *args) {
    struct fault *fault = args;
    const char *phase = fault->kind->lasting ? "begin" : "once";
    bool fired = false;
    for (size_t i = 0; i < fault->target_count; i++) {
        struct fault_target *target = &fault->targets[i];
        if (target->active)
            continue;
        bool acted = fault->kind->repairs != NULL ? end_repaired(world, fault, target)
                                                  : fault->kind->begin(world, fault, target);
        if (!acted)
            continue;
        target->active = fault->kind->end != NULL;
        if (!is_about_links(fault))
            record_target(world, fault, target, phase);
        fired = true;
    }
    if (fired && is_about_links(fault))
        record_fault(world, fault, 0, fault->text, phase);
    fault->fired += fired;
    uint64_t lasts = fault->entry->lasts.ns;
    if (fired && lasts != 0)
        RMQ_ASSERT(world_schedule(world, world_now(world) + lasts, fault->index, end_fault, fault));
}

/* ---- triggers -------------------------------------------------------------------------------- */

static bool value_matches(const struct event_value *value, struct span wanted) {
    char digits[24];
    size_t len;
    switch (value->type) {
    case EVENT_TEXT:
        return span_equal(value->text, wanted);
    case EVENT_UINT:
        len = format_u64(digits, value->number);
        break;
    case EVENT_INT:
        len = format_i64(digits, (int64_t)value->number);
        break;
    default:
        RMQ_UNREACHABLE();
    }
    return span_equal(span_of(digits, len), wanted);
}

static bool node_matches(const struct targets *targets, uint16_t node) {
    if (targets->at == NULL)
        return true;
    for (size_t i = 0; i < targets->chosen_count; i++)
        if (targets->chosen[i] + 1 == node)
            return true;
    return false;
}

static bool record_matches(const struct trigger_spec *trigger, const struct record *record) {
    if (record->kind != trigger->kind || !node_matches(&trigger->node, record->node))
        return false;
    const struct event_info *info = &EVENT_INFO[record->kind];
    for (size_t i = 0; i < trigger->match.count; i++) {
        const struct props_entry *entry = &trigger->match.entries[i];
        size_t f = 0;
        while (f < info->field_count && !span_equal(span_of_text(info->fields[f].name), entry->key))
            f++;
        if (f == info->field_count || !value_matches(&record->fields[f], entry->value))
            return false;
    }
    return true;
}

static void on_record(struct world *world, void *state, const struct record *record) {
    struct fault **all = state;
    for (struct fault *fault = *all; fault != NULL; fault = fault->next) {
        const struct trigger_spec *trigger = &fault->entry->when;
        if (trigger->at == NULL || !record_matches(trigger, record))
            continue;
        if (++fault->seen == (uint64_t)trigger->count)
            RMQ_ASSERT(world_schedule(world, world_now(world) + trigger->after_ns, fault->index,
                                      begin_fault, fault));
    }
}

/* ---- which links ----------------------------------------------------------------------------- */

/* Marks of hosts: bit 0 "from", bit 1 "to"; or the number of the set or the place in the ring, from
 * 1. */
static void mark(const struct scenario *scenario, const struct targets *targets, uint32_t value,
                 bool bits) {
    for (size_t i = 0; i < targets->chosen_count; i++) {
        uint32_t *slot = &scenario->marks[scenario->nodes[targets->chosen[i]].host];
        *slot = bits ? *slot | value : value;
    }
}

static uint32_t mark_hosts(const struct scenario *scenario, const struct timeline_entry *entry) {
    memset(scenario->marks, 0, scenario->host_count * sizeof *scenario->marks);
    uint32_t places = 0;
    switch (entry->kind->scope) {
    case FAULT_NODES:
    case FAULT_HOSTS:
        break;
    case FAULT_LINKS:
    case FAULT_CONNS:
        mark(scenario, &entry->from, 1, true);
        mark(scenario, &entry->to, 2, true);
        break;
    case FAULT_SETS: {
        const struct targets *sets = entry->sets.items;
        for (size_t i = 0; i < entry->sets.count; i++)
            mark(scenario, &sets[i], (uint32_t)i + 1, false);
        mark(scenario, &entry->node, 0, false); /* a bridge is in no set */
        break;
    }
    case FAULT_RING:
        for (size_t i = 0; i < entry->node.chosen_count; i++) {
            uint32_t *slot = &scenario->marks[scenario->nodes[entry->node.chosen[i]].host];
            if (*slot == 0)
                *slot = ++places;
        }
        break;
    }
    return places;
}

static bool link_is_concerned(const struct timeline_entry *entry, uint32_t a, uint32_t b,
                              uint32_t places) {
    if (a == 0 || b == 0)
        return false;
    switch (entry->kind->scope) {
    case FAULT_NODES:
    case FAULT_HOSTS:
        return false;
    case FAULT_LINKS:
        return ((a & 1) != 0 && (b & 2) != 0) || (!entry->one_way && (a & 2) != 0 && (b & 1) != 0);
    case FAULT_CONNS:
        return (a & 1) != 0 && (b & 2) != 0;
    case FAULT_SETS:
        return entry->one_way ? a < b : a != b;
    case FAULT_RING:
        return a % places + 1 != b && b % places + 1 != a;
    }
    RMQ_UNREACHABLE();
}

/* Calls that collect targets: first with out NULL, to count them. */
static size_t collect_links(const struct scenario *scenario, const struct timeline_entry *entry,
                            struct fault_target *out) {
    uint32_t places = mark_hosts(scenario, entry);
    const uint32_t *marks = scenario->marks;
    size_t count = 0;
    for (size_t i = 0; i < scenario->host_count; i++) {
        for (size_t j = 0; marks[i] != 0 && j < scenario->host_count; j++) {
            if (i == j || !link_is_concerned(entry, marks[i], marks[j], places))
                continue;
            if (out != NULL)
                out[count] = (struct fault_target){.host_index = i, .to_index = j};
            count++;
        }
    }
    return count;
}

static size_t collect_hosts(const struct scenario *scenario, const struct timeline_entry *entry,
                            struct fault_target *out) {
    memset(scenario->marks, 0, scenario->host_count * sizeof *scenario->marks);
    size_t count = 0;
    for (size_t i = 0; i < entry->node.chosen_count; i++) {
        size_t host = scenario->nodes[entry->node.chosen[i]].host;
        if (scenario->marks[host] != 0)
            continue;
        scenario->marks[host] = 1;
        if (out != NULL)
            out[count] = (struct fault_target){.host_index = host};
        count++;
    }
    return count;
}

static size_t collect(const struct scenario *scenario, const struct timeline_entry *entry,
                      struct fault_target *out) {
    if (entry->kind->scope == FAULT_HOSTS)
        return collect_hosts(scenario, entry, out);
    if (entry->kind->scope != FAULT_NODES)
        return collect_links(scenario, entry, out);
    for (size_t i = 0; out != NULL && i < entry->node.chosen_count; i++)
        out[i] = (struct fault_target){.node = (node_id)(entry->node.chosen[i] + 1),
                                       .host_index = scenario->nodes[entry->node.chosen[i]].host};
    return entry->node.chosen_count;
}

/* ---- texts ----------------------------------------------------------------------------------- */

static void print_nodes(FILE *out, const struct scenario *scenario, const struct targets *targets) {
    for (size_t i = 0; i < targets->chosen_count; i++)
        fprintf(out, "%s%s", i == 0 ? "" : ",", scenario->nodes[targets->chosen[i]].name);
}

char *timeline_target_text(const struct scenario *scenario, const struct timeline_entry *entry) {
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    if (out == NULL)
        return NULL;
    if (entry->kind->scope == FAULT_LINKS || entry->kind->scope == FAULT_CONNS) {
        print_nodes(out, scenario, &entry->from);
        fputs(entry->one_way || entry->kind->scope == FAULT_CONNS ? "->" : "<->", out);
        print_nodes(out, scenario, &entry->to);
    } else if (entry->kind->scope == FAULT_SETS) {
        const struct targets *sets = entry->sets.items;
        for (size_t i = 0; i < entry->sets.count; i++) {
            fputs(i == 0 ? "" : "|", out);
            print_nodes(out, scenario, &sets[i]);
        }
    } else {
        print_nodes(out, scenario, &entry->node);
    }
    return fclose(out) == 0 ? text : NULL;
}

static const char *text_in_arena(struct world *world, const struct scenario *scenario,
                                 const struct timeline_entry *entry) {
    char *text = timeline_target_text(scenario, entry);
    char *copy = text == NULL ? NULL : world_alloc(world, strlen(text) + 1);
    if (copy != NULL)
        memcpy(copy, text, strlen(text) + 1);
    free(text);
    return copy;
}

/* ---- the beginning --------------------------------------------------------------------------- */

static struct fault *fault_create(struct world *world, const struct scenario *scenario,
                                  const struct timeline_entry *entry, uint32_t index) {
    size_t count = collect(scenario, entry, NULL);
    struct fault *fault = world_alloc(world, sizeof *fault + count * sizeof(struct fault_target));
    if (fault == NULL)
        return NULL;
    fault->kind = entry->kind;
    fault->entry = entry;
    fault->scenario = scenario;
    fault->index = index;
    fault->target_count = collect(scenario, entry, fault->targets);
    for (size_t i = 0; i < count; i++) {
        struct fault_target *target = &fault->targets[i];
        target->host =
            world_find_host(world, span_of_text(scenario->hosts[target->host_index].name));
        if (is_about_links(fault))
            target->to =
                world_find_host(world, span_of_text(scenario->hosts[target->to_index].name));
    }
    fault->text = is_about_links(fault) ? text_in_arena(world, scenario, entry) : "";
    return fault->text == NULL ? NULL : fault;
}

static bool start_faults(struct world *world, const struct scenario *scenario, struct fault **all) {
    const struct timeline_entry *entries = scenario->spec.timeline.items;
    struct fault **tail = all;
    bool triggers = false;
    for (size_t i = 0; i < scenario->spec.timeline.count; i++) {
        struct fault *fault = fault_create(world, scenario, &entries[i], (uint32_t)i);
        if (fault == NULL)
            return false;
        fault->all = all;
        *tail = fault;
        tail = &fault->next;
        triggers = triggers || entries[i].when.at != NULL;
        if (entries[i].when.at == NULL &&
            !world_schedule(world, entries[i].time.ns, fault->index, begin_fault, fault))
            return false;
    }
    return !triggers || world_listen(world, on_record, all);
}

struct node_start {
    node_id node;
};
static void start_one(struct world *world, void *args) {
    const struct node_start *start = args;
    RMQ_IGNORE(!world_start(world, start->node), "its machine may be off by now");
}

static bool start_nodes(struct world *world, const struct scenario *scenario) {
    struct node_start *starts = world_alloc(world, (scenario->node_count + 1) * sizeof *starts);
    if (starts == NULL)
        return false;
    for (size_t i = 0; i < scenario->node_count; i++) {
        starts[i].node = (node_id)(i + 1);
        if (!world_schedule(world, scenario->nodes[i].start.ns, INDEX_STARTS + (uint32_t)i,
                            start_one, &starts[i]))
            return false;
    }
    return true;
}

struct workload {
    const struct workload_spec *spec;
    uint32_t index;
    int64_t done;
};
static void work(struct world *world, void *args) {
    struct workload *workload = args;
    const struct workload_spec *spec = workload->spec;
    for (size_t i = 0; i < spec->node.chosen_count; i++)
        RMQ_IGNORE(!world_command(world, (node_id)(spec->node.chosen[i] + 1), &spec->command_props),
                   "a node that is down does nothing");
    workload->done++;
    if (spec->count == 0 || workload->done < spec->count)
        RMQ_ASSERT(world_schedule(world, world_now(world) + spec->every_ns, workload->index, work,
                                  workload));
}

static bool start_workload(struct world *world, const struct scenario *scenario) {
    const struct workload_spec *specs = scenario->spec.workload.items;
    for (size_t i = 0; i < scenario->spec.workload.count; i++) {
        struct workload *workload = world_alloc(world, sizeof *workload);
        if (workload == NULL)
            return false;
        *workload = (struct workload){&specs[i], INDEX_WORKLOAD + (uint32_t)i, 0};
        uint64_t first = specs[i].first.at == NULL ? specs[i].every_ns : specs[i].first.ns;
        if (!world_schedule(world, first, workload->index, work, workload))
            return false;
    }
    return true;
}

struct fault *const *timeline_start(struct world *world, const struct scenario *scenario) {
    struct fault **all = world_alloc(world, sizeof(struct fault *));
    if (all == NULL || !start_faults(world, scenario, all) || !start_nodes(world, scenario) ||
        !start_workload(world, scenario))
        return NULL;
    return all;
}
