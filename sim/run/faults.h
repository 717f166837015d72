/* sim/run/faults.h - the kinds of faults that a timeline can hold, and their course in a run.
 *
 * To add a kind: one row in FAULT_KINDS (faults.c) - its name, its fields, what begins and what
 * ends it - and a scenario and a test that show its effect. A fault acts on targets: nodes, hosts,
 * or directed links. Nothing is drawn here: times and targets are settled before the run.
 *
 * Events: world.fault with phase "begin" and later "end" for what lasts, "once" for what does not,
 * about each node concerned, or about node 0 and "a,b->c" for links. A fault that finds nothing to
 * act on (a dead node cannot be killed) is silent: it did not fire. */
#ifndef SIM_FAULTS_H
#define SIM_FAULTS_H

#include "sim/scenario/scenario.h"

enum fault_scope {
    FAULT_NODES, /* each chosen node */
    FAULT_HOSTS, /* each host of the chosen nodes */
    FAULT_LINKS, /* each directed pair of hosts: "from" to "to", and back unless one way */
    FAULT_CONNS, /* connections from each of "from" to each of "to" */
    FAULT_SETS,  /* links between nodes of different sets */
    FAULT_RING   /* links between nodes that are no neighbours in a ring */
};

struct fault;
struct fault_target {
    node_id node;      /* NODES; else 0 */
    size_t host_index; /* of the scenario: the machine; links: where they begin */
    size_t to_index;   /* links: where they end */
    struct host *host, *to;
    bool active; /* begun and not ended */
};

struct fault_kind {
    const char *name;
    const char *about;
    enum fault_scope scope;
    bool lasting; /* has phases "begin" and "end", else "once" */
    /* NULL for a repair: it ends what it is for, where that is. */
    bool (*begin)(struct world *world, struct fault *fault, struct fault_target *target);
    /* Undoes it, for "for" and for a repair; NULL: it cannot be undone. */
    bool (*end)(struct world *world, struct fault *fault, struct fault_target *target);
    const char *repairs; /* kinds, separated by blanks, that this one ends; NULL: none */
    const struct record_type *fields; /* in struct timeline_entry */
};
extern const struct fault_kind FAULT_KINDS[];
extern const size_t FAULT_KIND_COUNT;
const struct fault_kind *fault_kind_find(const char *name);
/* The kind that "do" of a timeline entry names; NULL after reporting. */
const struct fault_kind *fault_kind_look_up(struct field_reader *reader,
                                            const struct doc_value *object);

/* A fault of a run; in the arena. `entry` and `scenario` are outside and constant during a run. */
struct fault {
    struct fault *next;
    struct fault **all; /* the run's faults, in order of the timeline */
    const struct fault_kind *kind;
    const struct timeline_entry *entry;
    const struct scenario *scenario;
    const char *text; /* links: "a,b->c" */
    uint64_t seen;    /* events that matched "when" */
    uint64_t fired;   /* times that it acted on something */
    uint32_t index;   /* in the timeline */
    size_t target_count;
    struct fault_target targets[];
};

/* Schedules the start of nodes, the workload and the timed faults, and listens for the events that
 * set others off. After scenario_settle, at time 0 of a built world. The faults' list, in the
 * arena; NULL: out of arena. */
struct fault *const *timeline_start(struct world *world, const struct scenario *scenario);
/* "a,b", "a->b" or "a|b": what an entry is about, after scenario_settle. For free(); NULL: out of
 * memory. */
char *timeline_target_text(const struct scenario *scenario, const struct timeline_entry *entry);

#endif
