/* sim/run/faults_disk.c - faults of disks: their fields and effects. */
#include "sim/run/faults_disk.h"

#include "sim/scenario/scenario_tables.h"
#include "sim/world/disk.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* ---- fields ---------------------------------------------------------------------------------- */

#define DISK_NODE_FIELD                                                                        \
    {                                                                                          \
        .key = "node", .type = FIELD_TARGETS, .offset = offsetof(struct timeline_entry, node), \
        .required = true,                                                                      \
        .about = "nodes on whose machines the disks are: names, patterns, some drawn"          \
    }
static const struct field SLOW_DISK_FIELDS[] = {DISK_NODE_FIELD,
                                                DISK_FIELDS(struct timeline_entry, disk)};
const struct record_type SLOW_DISK_TYPE = {
    .name = "slow-disk", .fields = SLOW_DISK_FIELDS, .field_count = COUNT(SLOW_DISK_FIELDS)};

static const char *const OPERATION_WORDS[] = {"all", "read", "write", "sync", NULL};
static const unsigned OPERATIONS[] = {DISK_READ | DISK_WRITE | DISK_SYNC, DISK_READ, DISK_WRITE,
                                      DISK_SYNC};
static const struct field DISK_ERRORS_FIELDS[] = {
    DISK_NODE_FIELD,
    {.key = "operations",
     .type = FIELD_WORD,
     .offset = offsetof(struct timeline_entry, operations),
     .words = OPERATION_WORDS,
     .fallback = "\"all\"",
     .about = "which of them fail"},
};
const struct record_type DISK_ERRORS_TYPE = {
    .name = "disk-errors", .fields = DISK_ERRORS_FIELDS, .field_count = COUNT(DISK_ERRORS_FIELDS)};

static const struct field DISK_FILE_FIELDS[] = {
    DISK_NODE_FIELD,
    {.key = "file",
     .type = FIELD_TEXT,
     .offset = offsetof(struct timeline_entry, file),
     .required = true,
     .max = 255,
     .about = "what the path of the file holds, such as \"/commitlog/\""},
};
const struct record_type DISK_FILE_TYPE = {
    .name = "fault of files", .fields = DISK_FILE_FIELDS, .field_count = COUNT(DISK_FILE_FIELDS)};

/* ---- effects --------------------------------------------------------------------------------- */

#define EFFECT(name) \
    bool name(struct world *world, struct fault *fault, struct fault_target *target)
#define EFFECT_OF_SWITCH(begin, end, call)       \
    EFFECT(begin) {                              \
        (void)fault;                             \
        return call(world, target->host, true);  \
    }                                            \
    EFFECT(end) {                                \
        (void)fault;                             \
        return call(world, target->host, false); \
    }
EFFECT_OF_SWITCH(fill_disk, free_disk, world_disk_full)
EFFECT_OF_SWITCH(lock_disk, unlock_disk, world_disk_read_only)
EFFECT_OF_SWITCH(stall_disk, unstall_disk, world_disk_stall)
EFFECT_OF_SWITCH(lie_disk, unlie_disk, world_disk_lie)

EFFECT(slow_disk) {
    struct disk_profile profile;
    scenario_disk_profile(fault->scenario, target->host_index, &profile);
    disk_spec_apply(&fault->entry->disk, &profile);
    world_set_disk(world, target->host, &profile);
    return true;
}
EFFECT(unslow_disk) {
    struct disk_profile profile;
    scenario_disk_profile(fault->scenario, target->host_index, &profile);
    world_set_disk(world, target->host, &profile);
    return true;
}

EFFECT(break_disk) {
    return world_disk_fail(world, target->host, OPERATIONS[fault->entry->operations], true);
}
EFFECT(mend_disk) {
    return world_disk_fail(world, target->host, OPERATIONS[fault->entry->operations], false);
}

EFFECT(rot_disk) {
    uint64_t owner = draw_owner(fault->scenario->hosts[target->host_index].name);
    uint64_t where = draw(world_seed(world), DRAW_DISK_ROT, owner, fault->index);
    return world_disk_rot(world, target->host, span_of_text(fault->entry->file), where);
}
EFFECT(misdirect_disk) {
    return world_disk_misdirect(world, target->host, span_of_text(fault->entry->file));
}
