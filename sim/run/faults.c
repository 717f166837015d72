/* sim/run/faults.c - the kinds of faults: one row each. */
#include "sim/run/faults.h"

#include <string.h>

#include "sim/run/faults_disk.h"
#include "sim/scenario/scenario_tables.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* ---- fields ---------------------------------------------------------------------------------- */

#define NODE_FIELD                                                                             \
    {                                                                                          \
        .key = "node", .type = FIELD_TARGETS, .offset = offsetof(struct timeline_entry, node), \
        .required = true, .about = "nodes: a name, a pattern, an array, or some drawn ones"    \
    }
#define PAIR_FIELDS                                                                               \
    {.key = "from",                                                                               \
     .type = FIELD_TARGETS,                                                                       \
     .offset = offsetof(struct timeline_entry, from),                                             \
     .required = true,                                                                            \
     .about = "nodes at one end"},                                                                \
        {.key = "to",                                                                             \
         .type = FIELD_TARGETS,                                                                   \
         .offset = offsetof(struct timeline_entry, to),                                           \
         .required = true,                                                                        \
         .about = "nodes at the other end"},                                                      \
    {                                                                                             \
        .key = "one_way", .type = FIELD_BOOL, .offset = offsetof(struct timeline_entry, one_way), \
        .fallback = "false", .about = "only what goes from \"from\" to \"to\""                    \
    }
#define SETS_FIELD                                                                          \
    {                                                                                       \
        .key = "sets", .type = FIELD_SETS, .offset = offsetof(struct timeline_entry, sets), \
        .required = true, .about = "an array of sets of nodes"                              \
    }

static const struct field NODE_FIELDS[] = {NODE_FIELD};
static const struct field PAIR_ONLY_FIELDS[] = {PAIR_FIELDS};
static const struct field CONNS_FIELDS[] = {
    {.key = "from",
     .type = FIELD_TARGETS,
     .offset = offsetof(struct timeline_entry, from),
     .required = true,
     .about = "nodes at one end; the one that forgets"},
    {.key = "to",
     .type = FIELD_TARGETS,
     .offset = offsetof(struct timeline_entry, to),
     .required = true,
     .about = "nodes at the other end"},
};
static const struct field PARTITION_FIELDS[] = {
    SETS_FIELD,
    {.key = "one_way",
     .type = FIELD_BOOL,
     .offset = offsetof(struct timeline_entry, one_way),
     .fallback = "false",
     .about = "only what goes from an earlier set to a later one"},
};
static const struct field BRIDGE_FIELDS[] = {
    SETS_FIELD,
    {.key = "node",
     .type = FIELD_TARGETS,
     .offset = offsetof(struct timeline_entry, node),
     .required = true,
     .about = "the bridge: nodes that all sets still reach"},
};
static const struct field LINK_CHANGE_FIELDS[] = {PAIR_FIELDS,
                                                  LINK_FIELDS(struct timeline_entry, link)};
static const struct field CLOCK_STEP_FIELDS[] = {
    NODE_FIELD,
    {.key = "by",
     .type = FIELD_SHIFT,
     .offset = offsetof(struct timeline_entry, shift_ns),
     .required = true,
     .about = "how far the wall clock steps; whole milliseconds"},
};
static const struct field DRIFT_FIELDS[] = {
    NODE_FIELD,
    {.key = "drift",
     .type = FIELD_DRIFT,
     .offset = offsetof(struct timeline_entry, drift_ppm),
     .required = true,
     .about = "what the clock gains from now on"},
};
static const struct field CPU_FIELDS[] = {
    NODE_FIELD,
    {.key = "cpu",
     .type = FIELD_DIST,
     .offset = offsetof(struct timeline_entry, cpu),
     .required = true,
     .about = "time that one handler takes from now on"},
};
static const struct field INSIDE_FIELDS[] = {
    NODE_FIELD,
    {.key = "calls",
     .type = FIELD_COUNT,
     .offset = offsetof(struct timeline_entry, calls),
     .required = true,
     .min = 1,
     .max = 1000000,
     .about = "it dies inside its n-th call of the environment from now on"},
};
static const struct field COMMAND_FIELDS[] = {
    NODE_FIELD,
    {.key = "command",
     .type = FIELD_NAME,
     .offset = offsetof(struct timeline_entry, command),
     .required = true,
     .about = "a command of the node's role"},
    {.key = "arguments",
     .type = FIELD_PROPERTIES,
     .offset = offsetof(struct timeline_entry, arguments),
     .about = "of the command"},
};
#define FAULT_FIELDS(id, label)                   \
    static const struct record_type id##_TYPE = { \
        .name = label, .fields = id##_FIELDS, .field_count = COUNT(id##_FIELDS)}
FAULT_FIELDS(NODE, "fault of nodes");
FAULT_FIELDS(PAIR_ONLY, "fault of links");
FAULT_FIELDS(CONNS, "fault of connections");
FAULT_FIELDS(PARTITION, "partition");
FAULT_FIELDS(BRIDGE, "bridge");
FAULT_FIELDS(LINK_CHANGE, "link");
FAULT_FIELDS(CLOCK_STEP, "clock-step");
FAULT_FIELDS(DRIFT, "drift");
FAULT_FIELDS(CPU, "cpu");
FAULT_FIELDS(INSIDE, "kill-inside");
FAULT_FIELDS(COMMAND, "command");

/* ---- effects --------------------------------------------------------------------------------- */

#define EFFECT(name) \
    static bool name(struct world *world, struct fault *fault, struct fault_target *target)
#define EFFECT_ON_NODE(name, call)        \
    EFFECT(name) {                        \
        (void)fault;                      \
        return call(world, target->node); \
    }
#define EFFECT_ON_HOST(name, call) \
    EFFECT(name) {                 \
        (void)fault;               \
        call(world, target->host); \
        return true;               \
    }
#define EFFECT_ON_LINK(name, call)             \
    EFFECT(name) {                             \
        (void)fault;                           \
        call(world, target->host, target->to); \
        return true;                           \
    }

EFFECT_ON_NODE(kill_node, world_kill)
EFFECT_ON_NODE(stop_node, world_stop)
EFFECT_ON_NODE(start_node, world_start)
EFFECT_ON_NODE(pause_node, world_pause)
EFFECT_ON_NODE(resume_node, world_resume)
EFFECT_ON_HOST(isolate_host, world_isolate)
EFFECT_ON_HOST(rejoin_host, world_rejoin)
EFFECT_ON_LINK(block_link, world_block)
EFFECT_ON_LINK(unblock_link, world_unblock)
EFFECT_ON_LINK(clog_link, world_clog)
EFFECT_ON_LINK(unclog_link, world_unclog)

EFFECT(restart_node) {
    (void)fault;
    bool was_up = world_kill(world, target->node);
    return world_start(world, target->node) && was_up;
}

EFFECT(power_off) {
    (void)fault;
    return world_power_off(world, target->host);
}

/* The machine boots and starts its services. */
EFFECT(power_on) {
    if (!world_power_on(world, target->host))
        return false;
    const struct scenario *scenario = fault->scenario;
    for (size_t i = 0; i < scenario->node_count; i++)
        if (scenario->nodes[i].host == target->host_index)
            RMQ_IGNORE(!world_start(world, (node_id)(i + 1)), "one that is up stays up");
    return true;
}

EFFECT(refuse_dials) {
    (void)fault;
    world_refuse_dials(world, target->host, true);
    return true;
}
EFFECT(accept_dials) {
    (void)fault;
    world_refuse_dials(world, target->host, false);
    return true;
}
EFFECT(hang_dials) {
    (void)fault;
    world_hang_dials(world, target->host, true);
    return true;
}
EFFECT(unhang_dials) {
    (void)fault;
    world_hang_dials(world, target->host, false);
    return true;
}

EFFECT(reset_connections) {
    (void)fault;
    return world_reset_connections(world, target->host, target->to) > 0;
}
EFFECT(half_open) {
    (void)fault;
    return world_half_open(world, target->host, target->to) > 0;
}

EFFECT(change_link) {
    struct link_profile profile;
    scenario_link_profile(fault->scenario, target->host_index, target->to_index, &profile);
    link_spec_apply(&fault->entry->link, &profile);
    return world_set_link(world, target->host, target->to, &profile);
}
EFFECT(restore_link) {
    struct link_profile profile;
    scenario_link_profile(fault->scenario, target->host_index, target->to_index, &profile);
    return world_set_link(world, target->host, target->to, &profile);
}

#define NS_PER_MS 1000000
EFFECT(step_clock) {
    return world_clock_step(world, target->node, fault->entry->shift_ns / NS_PER_MS);
}
EFFECT(step_clock_back) {
    return world_clock_step(world, target->node, -(fault->entry->shift_ns / NS_PER_MS));
}

static const struct group_spec *group_of(const struct fault *fault,
                                         const struct fault_target *target) {
    return fault->scenario->nodes[target->node - 1].group;
}
EFFECT(drift_clock) {
    return world_clock_drift(world, target->node, fault->entry->drift_ppm);
}
EFFECT(restore_drift) {
    return world_clock_drift(world, target->node, group_of(fault, target)->clock.drift_ppm);
}
EFFECT(change_rate) {
    return world_mono_rate(world, target->node, fault->entry->drift_ppm);
}
EFFECT(restore_rate) {
    return world_mono_rate(world, target->node, group_of(fault, target)->clock.rate_ppm);
}
EFFECT(change_cpu) {
    return world_set_cpu(world, target->node, &fault->entry->cpu.dist);
}
EFFECT(restore_cpu) {
    return world_set_cpu(world, target->node,
                         scenario_cpu_of(fault->scenario, (size_t)(target->node - 1)));
}

EFFECT(kill_inside) {
    return world_kill_at_call(world, target->node, (uint64_t)fault->entry->calls);
}
EFFECT(give_command) {
    return world_command(world, target->node, &fault->entry->command_props);
}

/* ---- the table ------------------------------------------------------------------------------- */

#define LASTING true
#define ONCE false
const struct fault_kind FAULT_KINDS[] = {
    {"kill", "kill -9: the process is gone, its kernel closes the connections", FAULT_NODES, ONCE,
     kill_node, start_node, NULL, &NODE_TYPE},
    {"stop", "a clean stop, as by mqshutdown", FAULT_NODES, ONCE, stop_node, start_node, NULL,
     &NODE_TYPE},
    {"start", "a process starts that is down", FAULT_NODES, ONCE, start_node, NULL, NULL,
     &NODE_TYPE},
    {"restart", "kill -9 and at once a new process", FAULT_NODES, ONCE, restart_node, NULL, NULL,
     &NODE_TYPE},
    {"pause", "SIGSTOP, or a long collection: the kernel still acknowledges", FAULT_NODES, LASTING,
     pause_node, resume_node, NULL, &NODE_TYPE},
    {"resume", "ends a pause", FAULT_NODES, ONCE, NULL, NULL, "pause", &NODE_TYPE},
    {"power-off", "the machine loses power: no FIN, nothing answers", FAULT_HOSTS, LASTING,
     power_off, power_on, NULL, &NODE_TYPE},
    {"power-on", "the machine boots and starts its nodes", FAULT_HOSTS, ONCE, NULL, NULL,
     "power-off", &NODE_TYPE},
    {"black-hole", "all packets of the machine vanish, both ways", FAULT_HOSTS, LASTING,
     isolate_host, rejoin_host, NULL, &NODE_TYPE},
    {"rejoin", "ends a black hole", FAULT_HOSTS, ONCE, NULL, NULL, "black-hole", &NODE_TYPE},
    {"block", "packets between two sets of nodes vanish", FAULT_LINKS, LASTING, block_link,
     unblock_link, NULL, &PAIR_ONLY_TYPE},
    {"unblock", "ends a block", FAULT_LINKS, ONCE, NULL, NULL, "block", &PAIR_ONLY_TYPE},
    {"partition", "no packets between different sets of nodes", FAULT_SETS, LASTING, block_link,
     unblock_link, NULL, &PARTITION_TYPE},
    {"bridge", "a partition whose sets all still reach some nodes", FAULT_SETS, LASTING, block_link,
     unblock_link, NULL, &BRIDGE_TYPE},
    {"ring", "each node reaches only its two neighbours", FAULT_RING, LASTING, block_link,
     unblock_link, NULL, &NODE_TYPE},
    {"clog", "packets are held, and released in order at the end", FAULT_LINKS, LASTING, clog_link,
     unclog_link, NULL, &PAIR_ONLY_TYPE},
    {"unclog", "ends a clog", FAULT_LINKS, ONCE, NULL, NULL, "clog", &PAIR_ONLY_TYPE},
    {"link", "links change their latency, loss, ...", FAULT_LINKS, LASTING, change_link,
     restore_link, NULL, &LINK_CHANGE_TYPE},
    {"refuse-dials", "the machine refuses connections", FAULT_HOSTS, LASTING, refuse_dials,
     accept_dials, NULL, &NODE_TYPE},
    {"hang-dials", "connecting to the machine hangs", FAULT_HOSTS, LASTING, hang_dials,
     unhang_dials, NULL, &NODE_TYPE},
    {"reset-connections", "connections between two sets of nodes are reset", FAULT_CONNS, ONCE,
     reset_connections, NULL, NULL, &CONNS_TYPE},
    {"half-open", "one end of connections forgets them without a word", FAULT_CONNS, ONCE,
     half_open, NULL, NULL, &CONNS_TYPE},
    {"slow-disk", "disks change their latency, bandwidth, chances of errors, ...", FAULT_HOSTS,
     LASTING, slow_disk, unslow_disk, NULL, &SLOW_DISK_TYPE},
    {"full-disk", "no page and no name more fits on the disk", FAULT_HOSTS, LASTING, fill_disk,
     free_disk, NULL, &NODE_TYPE},
    {"read-only-disk", "nothing on the disk can be changed", FAULT_HOSTS, LASTING, lock_disk,
     unlock_disk, NULL, &NODE_TYPE},
    {"stall-disk", "no operation of the disk ends", FAULT_HOSTS, LASTING, stall_disk, unstall_disk,
     NULL, &NODE_TYPE},
    {"disk-errors", "reads, writes or syncs fail", FAULT_HOSTS, LASTING, break_disk, mend_disk,
     NULL, &DISK_ERRORS_TYPE},
    {"lying-sync", "syncs succeed and make nothing durable", FAULT_HOSTS, LASTING, lie_disk,
     unlie_disk, NULL, &NODE_TYPE},
    {"bit-rot", "one bit of a file is wrong from now on", FAULT_HOSTS, ONCE, rot_disk, NULL, NULL,
     &DISK_FILE_TYPE},
    {"misdirected-write", "the next write to a file lands a page further", FAULT_HOSTS, ONCE,
     misdirect_disk, NULL, NULL, &DISK_FILE_TYPE},
    {"clock-step", "the wall clock jumps", FAULT_NODES, ONCE, step_clock, step_clock_back, NULL,
     &CLOCK_STEP_TYPE},
    {"clock-drift", "the wall clock runs fast or slow", FAULT_NODES, LASTING, drift_clock,
     restore_drift, NULL, &DRIFT_TYPE},
    {"mono-rate", "the monotonic clock runs fast or slow", FAULT_NODES, LASTING, change_rate,
     restore_rate, NULL, &DRIFT_TYPE},
    {"cpu", "handlers take longer or shorter", FAULT_NODES, LASTING, change_cpu, restore_cpu, NULL,
     &CPU_TYPE},
    {"kill-inside", "kill -9 in the middle of a handler", FAULT_NODES, ONCE, kill_inside,
     start_node, NULL, &INSIDE_TYPE},
    {"command", "an order to a node, as by mqadmin", FAULT_NODES, ONCE, give_command, NULL, NULL,
     &COMMAND_TYPE},
};
const size_t FAULT_KIND_COUNT = COUNT(FAULT_KINDS);

const struct fault_kind *fault_kind_find(const char *name) {
    for (size_t i = 0; i < FAULT_KIND_COUNT; i++)
        if (strcmp(FAULT_KINDS[i].name, name) == 0)
            return &FAULT_KINDS[i];
    return NULL;
}

const struct fault_kind *fault_kind_look_up(struct field_reader *reader,
                                            const struct doc_value *object) {
    const struct doc_value *name = doc_member(object, "do");
    if (name == NULL || name->kind != DOC_STRING) {
        doc_error(reader->errors, name == NULL ? object : name,
                  "\"do\" is %s; expected a kind of fault such as \"kill\"",
                  name == NULL ? "missing" : doc_describe(reader->pool, name));
        return NULL;
    }
    const struct fault_kind *kind = fault_kind_find(name->text);
    if (kind != NULL)
        return kind;
    struct nearest nearest;
    nearest_begin(&nearest, name->text);
    for (size_t i = 0; i < FAULT_KIND_COUNT; i++)
        nearest_offer(&nearest, FAULT_KINDS[i].name);
    doc_error(reader->errors, name,
              "unknown fault \"%.60s\"; expected one that mqsim list faults "
              "shows%s",
              name->text, nearest_hint(&nearest));
    return NULL;
}
