/* sim/scenario/scenario_disk.c - the disks of a scenario: what may stand in "disk", and the profile
 * of each machine's. */
#include "sim/scenario/scenario_tables.h"
#include "sim/world/disk.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

struct disk_record {
    struct disk_spec disk;
};
static const struct field DISK_ONLY_FIELDS[] = {DISK_FIELDS(struct disk_record, disk)};
static const struct record_type DISK_TYPE = {.name = "disk",
                                             .about = "Profile of a machine's disk.",
                                             .fields = DISK_ONLY_FIELDS,
                                             .field_count = COUNT(DISK_ONLY_FIELDS),
                                             .bytes = sizeof(struct disk_spec)};

static const struct field DISK_OF_FIELDS[] = {
    {.key = "node",
     .type = FIELD_TARGETS,
     .offset = offsetof(struct disk_of, node),
     .required = true,
     .about = "nodes on whose machines they are"},
    DISK_FIELDS(struct disk_of, disk),
};
static const struct record_type DISK_OF_TYPE = {
    .name = "disk",
    .about = "Disks of some nodes' machines; members left out are the default's.",
    .fields = DISK_OF_FIELDS,
    .field_count = COUNT(DISK_OF_FIELDS),
    .bytes = sizeof(struct disk_of)};

#define DISKS_OFFSET(member) \
    (offsetof(struct scenario_spec, disks.member) - offsetof(struct scenario_spec, disks))
static const struct field DISKS_FIELDS[] = {
    {.key = "default",
     .type = FIELD_RECORD,
     .offset = DISKS_OFFSET(standard),
     .record = &DISK_TYPE,
     .about = "every disk that \"nodes\" does not name"},
    {.key = "nodes",
     .type = FIELD_LIST,
     .offset = DISKS_OFFSET(nodes),
     .record = &DISK_OF_TYPE,
     .about = "disks that differ; the last that fits counts"},
};
const struct record_type DISKS_TYPE = {.name = "disk",
                                       .about = "The disks, one of each machine.",
                                       .fields = DISKS_FIELDS,
                                       .field_count = COUNT(DISKS_FIELDS),
                                       .bytes = sizeof(((struct scenario_spec *)NULL)->disks)};

static void apply_chances(const struct disk_spec *spec, struct disk_profile *profile) {
    const struct {
        const char *key;
        uint32_t from;
        uint32_t *to;
    } chances[] = {
        {"keep", spec->keep, &profile->keep_ppm},
        {"keep_names", spec->keep_names, &profile->keep_name_ppm},
        {"torn", spec->torn, &profile->torn_ppm},
        {"write_errors", spec->write_errors, &profile->write_fail_ppm},
        {"read_errors", spec->read_errors, &profile->read_fail_ppm},
        {"sync_errors", spec->sync_errors, &profile->sync_fail_ppm},
        {"lying_syncs", spec->lying_syncs, &profile->lying_sync_ppm},
    };
    for (size_t i = 0; i < COUNT(chances); i++)
        if (record_has(spec->at, chances[i].key))
            *chances[i].to = chances[i].from;
}

void disk_spec_apply(const struct disk_spec *spec, struct disk_profile *profile) {
    if (spec->write.at != NULL)
        profile->write_latency = spec->write.dist;
    if (spec->read.at != NULL)
        profile->read_latency = spec->read.dist;
    if (spec->sync.at != NULL)
        profile->sync_latency = spec->sync.dist;
    if (spec->bandwidth != 0)
        profile->bytes_per_second = spec->bandwidth;
    if (spec->capacity_bytes != 0)
        profile->capacity_bytes = spec->capacity_bytes;
    if (spec->cache_bytes != 0)
        profile->cache_bytes = spec->cache_bytes;
    if (spec->write_back_ns != 0)
        profile->write_back_ns = spec->write_back_ns;
    apply_chances(spec, profile);
}

void scenario_disk_profile(const struct scenario *scenario, size_t host, struct disk_profile *out) {
    const struct disk_of *disks = scenario->spec.disks.nodes.items;
    disk_profile_default(out);
    disk_spec_apply(&scenario->spec.disks.standard, out);
    for (size_t i = 0; i < scenario->spec.disks.nodes.count; i++)
        if (targets_hold_host(scenario, &disks[i].node, host))
            disk_spec_apply(&disks[i].disk, out);
}
