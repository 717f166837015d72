/* sim/scenario/scenario_nodes.c - groups become nodes on hosts.
 *
 * Addresses are 10.ROLE.x.y, counted within the role, so that a client more or less changes no
 * broker's address; shared machines are 10.3.x.y. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "model/base/check.h"
#include "sim/scenario/scenario_internal.h"

#define NODES_MAX 60000
#define HOST_SHARED ROLE_COUNT
#define PER_NET 250

struct expander {
    struct scenario *scenario;
    struct field_reader *reader;
    size_t used[ROLE_COUNT + 1]; /* addresses given */
    struct name_slot *slots;     /* hash table of names of nodes */
    size_t slot_count;
};
struct name_slot {
    const char *name;
    size_t index;
};

static struct list *groups_of(struct scenario *scenario, enum scenario_role role) {
    struct cluster_spec *cluster = &scenario->spec.cluster;
    return role == ROLE_NAME_SERVER ? &cluster->name_servers
           : role == ROLE_BROKER    ? &cluster->brokers
                                    : &cluster->clients;
}

static struct name_slot *find_slot(struct expander *expander, const char *name) {
    size_t at = (size_t)draw_owner(name) & (expander->slot_count - 1);
    while (expander->slots[at].name != NULL && strcmp(expander->slots[at].name, name) != 0)
        at = (at + 1) & (expander->slot_count - 1);
    return &expander->slots[at];
}

static size_t add_host(struct expander *expander, const char *name, int net) {
    struct scenario *scenario = expander->scenario;
    size_t index = expander->used[net]++;
    scenario->hosts[scenario->host_count] =
        (struct scenario_host){name, pool_format(&scenario->pool, "10.%d.%zu.%zu", net,
                                                 index / PER_NET, index % PER_NET + 1)};
    return scenario->host_count++;
}

/* The host that a group names, by the group that named it first. */
static size_t shared_host(struct expander *expander, const char *name) {
    struct scenario *scenario = expander->scenario;
    for (size_t i = 0; i < scenario->host_count; i++)
        if (strcmp(scenario->hosts[i].name, name) == 0)
            return i;
    return add_host(expander, name, HOST_SHARED);
}

static void add_node(struct expander *expander, enum scenario_role role,
                     const struct group_spec *group, size_t place) {
    struct scenario *scenario = expander->scenario;
    const char *name = group->count == 1 && !record_has(group->at, "count")
                           ? group->name
                           : pool_format(&scenario->pool, "%s-%zu", group->name, place + 1);
    struct name_slot *slot = find_slot(expander, name);
    if (slot->name != NULL) {
        doc_error(expander->reader->errors, record_at(group->at, "name"),
                  "duplicate node \"%s\"; expected a name that no other node has", name);
        return;
    }
    *slot = (struct name_slot){name, scenario->node_count};
    struct scenario_node *node = &scenario->nodes[scenario->node_count++];
    *node = (struct scenario_node){.name = name, .role = role, .place = place, .group = group};
    node->host = group->host != NULL ? shared_host(expander, group->host)
                                     : add_host(expander, name, (int)role);
    if (group->start.count > 0)
        node->start = group->start.items[group->start.each ? place : 0];
}

static void check_group(struct expander *expander, const struct group_spec *group) {
    if (group->start.each && group->start.count != (size_t)group->count)
        doc_error(expander->reader->errors, group->start.at,
                  "\"start\" has %zu moments; expected one for each of the %" PRId64 " nodes",
                  group->start.count, group->count);
    for (size_t i = 0; i < group->start.count; i++)
        if (timing_max(&group->start.items[i]) > expander->scenario->spec.duration_ns)
            doc_error(expander->reader->errors, group->start.items[i].at,
                      "\"start\" is after the end of the run; expected at most its duration");
    if (group->clock.offset_ns % 1000000 != 0)
        doc_error(expander->reader->errors, record_at(group->clock.at, "offset"),
                  "\"offset\" is finer than a wall clock; expected whole milliseconds");
    if (group->clock.utc_offset_ns % INT64_C(60000000000) != 0)
        doc_error(expander->reader->errors, record_at(group->clock.at, "utc_offset"),
                  "\"utc_offset\" is no whole number of minutes; expected one such as \"8h\"");
}

static void allocate(struct expander *expander, size_t count) {
    struct scenario *scenario = expander->scenario;
    scenario->nodes = pool_alloc(&scenario->pool, count * sizeof *scenario->nodes);
    scenario->hosts = pool_alloc(&scenario->pool, count * sizeof *scenario->hosts);
    expander->slot_count = 64;
    while (expander->slot_count < count * 2)
        expander->slot_count *= 2;
    expander->slots = pool_alloc(&scenario->pool, expander->slot_count * sizeof *expander->slots);
}

static void name_nodes(struct scenario *scenario) {
    struct node_names *names = &scenario->names;
    size_t count = scenario->node_count;
    names->names = pool_alloc(&scenario->pool, (count + 1) * sizeof(char *));
    names->hosts = pool_alloc(&scenario->pool, (count + 1) * sizeof(char *));
    names->count = count;
    names->what = "node or host";
    for (size_t i = 0; i < count; i++) {
        names->names[i] = scenario->nodes[i].name;
        names->hosts[i] = scenario->hosts[scenario->nodes[i].host].name;
    }
    scenario->marks =
        pool_alloc(&scenario->pool, (scenario->host_count + 1) * sizeof *scenario->marks);
}

void scenario_expand(struct scenario *scenario, struct field_reader *reader) {
    struct expander expander = {.scenario = scenario, .reader = reader};
    size_t before = reader->errors->count;
    int64_t count = 0;
    for (int role = 0; role < ROLE_COUNT; role++) {
        struct list *list = groups_of(scenario, (enum scenario_role)role);
        const struct group_spec *groups = list->items;
        for (size_t i = 0; i < list->count; i++) {
            check_group(&expander, &groups[i]);
            count += groups[i].count;
        }
    }
    if (count > NODES_MAX)
        doc_error(reader->errors, scenario->spec.cluster.at,
                  "the cluster has %" PRId64 " nodes; expected at most %d", count, NODES_MAX);
    if (scenario->spec.cluster.name_servers.count == 0)
        doc_error(reader->errors, record_at(scenario->spec.cluster.at, "name_servers"),
                  "the cluster has no name server; expected at least one");
    if (reader->errors->count != before)
        return;
    allocate(&expander, (size_t)count);
    for (int role = 0; role < ROLE_COUNT; role++) {
        struct list *list = groups_of(scenario, (enum scenario_role)role);
        const struct group_spec *groups = list->items;
        for (size_t i = 0; i < list->count; i++)
            for (int64_t place = 0; place < groups[i].count; place++)
                add_node(&expander, (enum scenario_role)role, &groups[i], (size_t)place);
    }
    name_nodes(scenario);
}
