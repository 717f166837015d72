/* sim/run/build.c - properties of each node, then hosts, nodes and links in the order of the file.
 */
#include "sim/run/build.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "model/base/check.h"
#include "model/broker/broker.h"
#include "model/client/client.h"
#include "model/namesrv/namesrv.h"
#include "sim/run/build_loads.h"
#include "sim/scenario/scenario_commands.h"
#include "sim/world/disk.h"

#define OWN_PROPERTIES 9
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_MINUTE INT64_C(60000000000)

static const struct role *role_of(enum scenario_role role) {
    return role == ROLE_NAME_SERVER ? &namesrv_role
           : role == ROLE_BROKER    ? &broker_role
                                    : &client_role;
}

/* ---- properties ------------------------------------------------------------------------------ */

static void set(struct props *props, struct span key, struct span value) {
    for (size_t i = 0; i < props->count; i++) {
        if (span_equal(props->entries[i].key, key)) {
            props->entries[i].value = value;
            return;
        }
    }
    RMQ_ASSERT(props->count < props->capacity);
    props->entries[props->count++] = (struct props_entry){key, value, 0};
}
static void set_text(struct props *props, const char *key, const char *value) {
    set(props, span_of_text(key), span_of_text(value));
}
static void set_all(struct props *props, const struct props *from) {
    for (size_t i = 0; i < from->count; i++)
        set(props, from->entries[i].key, from->entries[i].value);
}

/* "a;b;c" in the pool; `item` gives the i-th. */
struct joiner {
    struct scenario *scenario;
    const struct group_spec *group;
};
typedef const char *join_fn(const struct joiner *joiner, size_t index);
static const char *join(const struct joiner *joiner, size_t count, join_fn *item) {
    size_t len = 1;
    for (size_t i = 0; i < count; i++)
        len += strlen(item(joiner, i)) + 1;
    char *out = pool_alloc(&joiner->scenario->pool, len);
    for (size_t i = 0, at = 0; i < count; i++)
        at += (size_t)snprintf(out + at, len - at, "%s%s", i == 0 ? "" : ";", item(joiner, i));
    return out;
}

static const char *known_name_server(const struct joiner *joiner, size_t index) {
    return scenario_address(joiner->scenario, joiner->group->name_servers.chosen[index]);
}
static const char *any_name_server(const struct joiner *joiner, size_t index) {
    return scenario_address(joiner->scenario, index);
}
static const char *topic_item(const struct joiner *joiner, size_t index) {
    const struct topic_spec *topic = (const struct topic_spec *)joiner->group->topics.items + index;
    return pool_format(&joiner->scenario->pool, "%s:%" PRId64 ":%" PRId64 ":%" PRId64, topic->name,
                       topic->read_queues, topic->write_queues, topic->perm);
}
static const char *topic_name(const struct joiner *joiner, size_t index) {
    return joiner->group->topic_names.items[index];
}

static size_t name_server_count(const struct scenario *scenario) {
    size_t count = 0;
    while (count < scenario->node_count && scenario->nodes[count].role == ROLE_NAME_SERVER)
        count++;
    return count;
}

/* What all nodes of a group have in common; made once for the group. */
struct group_texts {
    const struct group_spec *group;
    const char *name_servers, *topics, *broker_id;
};
static void make_texts(struct scenario *scenario, const struct group_spec *group,
                       struct group_texts *texts) {
    if (texts->group == group)
        return;
    struct joiner joiner = {scenario, group};
    texts->group = group;
    texts->name_servers = group->name_servers.at == NULL
                              ? join(&joiner, name_server_count(scenario), any_name_server)
                              : join(&joiner, group->name_servers.chosen_count, known_name_server);
    texts->topics = group->topics.count > 0 ? join(&joiner, group->topics.count, topic_item)
                                            : join(&joiner, group->topic_names.count, topic_name);
    texts->broker_id = pool_format(&scenario->pool, "%" PRId64, group->broker_id);
}

static void set_load(void *ctx, const char *key, const char *value) {
    set_text(ctx, key, value);
}

static void node_properties(struct scenario *scenario, size_t index,
                            const struct group_texts *texts, struct props *props) {
    const struct scenario_node *node = &scenario->nodes[index];
    const struct group_spec *group = node->group;
    const struct cluster_spec *cluster = &scenario->spec.cluster;
    int profile = group->profile < 0 ? cluster->profile : group->profile;
    set_text(props, "profile", PROFILE_WORDS[profile]);
    set_text(props, "rocketmq.serialize.type",
             scenario->serialization == SERIALIZATION_JSON ? "JSON" : "ROCKETMQ");
    if (node->role != ROLE_NAME_SERVER)
        set_text(props, "namesrvAddr", texts->name_servers);
    if (node->role != ROLE_NAME_SERVER && texts->topics[0] != 0)
        set_text(props, "topics", texts->topics);
    if (node->role == ROLE_BROKER) {
        set_text(props, "brokerName", node->name);
        set_text(props, "brokerClusterName", group->cluster);
        set_text(props, "brokerId", texts->broker_id);
        set_text(props, "storePathRootDir", pool_format(&scenario->pool, "/%s/store", node->name));
    }
    if (node->role == ROLE_CLIENT) {
        set_text(props, "instanceName", node->name);
        build_loads(scenario, index, set_load, props);
    }
    set_all(props, &scenario->spec.defaults.role[node->role].properties);
    set_all(props, &group->properties);
}

/* ---- the world ------------------------------------------------------------------------------- */

static bool add_hosts(struct world *world, const struct scenario *scenario) {
    for (size_t i = 0; i < scenario->host_count; i++)
        if (world_add_host(world, scenario->hosts[i].name, scenario->hosts[i].ip) == NULL)
            return false;
    return true;
}

static struct host *host_of(struct world *world, const struct scenario *scenario, size_t index) {
    return world_find_host(world, span_of_text(scenario->hosts[index].name));
}

static bool put_files(struct world *world, const struct scenario *scenario,
                      const struct scenario_node *node, struct host *host) {
    const struct file_spec *files = node->group->files.items;
    for (size_t i = 0; i < node->group->files.count; i++)
        if (!world_disk_put(world, host, files[i].path, files[i].text, strlen(files[i].text),
                            scenario->spec.epoch_ms))
            return false;
    return true;
}

static bool add_node(struct world *world, const struct scenario *scenario, size_t index,
                     const struct props *props) {
    const struct scenario_node *node = &scenario->nodes[index];
    const struct clock_spec *clock = &node->group->clock;
    struct node_config config;
    node_config_default(&config);
    config.name = node->name;
    config.host = host_of(world, scenario, node->host);
    config.role = role_of(node->role);
    config.config = props;
    config.cpu = *scenario_cpu_of(scenario, index);
    config.start_ns = UINT64_MAX;
    config.wall_offset_ms = clock->offset_ns / NS_PER_MS;
    config.wall_drift_ppm = clock->drift_ppm;
    config.mono_rate_ppm = clock->rate_ppm;
    config.utc_offset_min = (int32_t)(clock->utc_offset_ns / NS_PER_MINUTE);
    node_id id = world_add_node(world, &config);
    RMQ_ASSERT(id == 0 || id == index + 1);
    return id != 0 && put_files(world, scenario, node, config.host);
}

static bool add_nodes(struct world *world, struct scenario *scenario) {
    struct group_texts texts = {.group = NULL};
    struct props props = {.entries = NULL};
    for (size_t i = 0; i < scenario->node_count; i++) {
        const struct scenario_node *node = &scenario->nodes[i];
        size_t room = OWN_PROPERTIES + node->group->properties.count + node->group->loads.count +
                      scenario->spec.defaults.role[node->role].properties.count;
        make_texts(scenario, node->group, &texts);
        if (room > props.capacity) {
            props.entries = pool_alloc(&scenario->pool, room * sizeof *props.entries);
            props.capacity = room;
        }
        props.count = 0;
        node_properties(scenario, i, &texts, &props);
        if (!add_node(world, scenario, i, &props))
            return false;
    }
    return true;
}

static bool set_direction(struct world *world, const struct scenario *scenario,
                          const struct targets *from, const struct targets *to) {
    for (size_t i = 0; i < from->chosen_count; i++) {
        size_t a = scenario->nodes[from->chosen[i]].host;
        for (size_t j = 0; j < to->chosen_count; j++) {
            size_t b = scenario->nodes[to->chosen[j]].host;
            struct link_profile profile;
            if (a == b)
                continue;
            scenario_link_profile(scenario, a, b, &profile);
            if (!world_set_link(world, host_of(world, scenario, a), host_of(world, scenario, b),
                                &profile))
                return false;
        }
    }
    return true;
}

static bool set_links(struct world *world, const struct scenario *scenario) {
    struct link_profile profile;
    link_profile_default(&profile);
    link_spec_apply(&scenario->spec.network.standard, &profile);
    world_set_default_link(world, &profile);
    const struct link_pair *pairs = scenario->spec.network.links.items;
    for (size_t i = 0; i < scenario->spec.network.links.count; i++)
        if (!set_direction(world, scenario, &pairs[i].from, &pairs[i].to) ||
            (!pairs[i].one_way && !set_direction(world, scenario, &pairs[i].to, &pairs[i].from)))
            return false;
    return true;
}

static void set_disks(struct world *world, const struct scenario *scenario) {
    struct disk_profile profile;
    disk_profile_default(&profile);
    disk_spec_apply(&scenario->spec.disks.standard, &profile);
    world_set_default_disk(world, &profile);
    const struct disk_of *disks = scenario->spec.disks.nodes.items;
    for (size_t i = 0; i < scenario->spec.disks.nodes.count; i++) {
        for (size_t k = 0; k < disks[i].node.chosen_count; k++) {
            size_t host = scenario->nodes[disks[i].node.chosen[k]].host;
            scenario_disk_profile(scenario, host, &profile);
            world_set_disk(world, host_of(world, scenario, host), &profile);
        }
    }
}

/* Bits of the planted bugs that are switched on. */
static uint64_t plants(const struct scenario *scenario) {
#define PLANT_NAME(id, name, about) name,
    static const char *const NAMES[] = {ENV_PLANT_POINTS(PLANT_NAME)};
    uint64_t bits = 0;
    for (size_t i = 0; i < scenario->spec.plants.count; i++)
        for (uint32_t k = 0; k < PLANT_COUNT; k++)
            if (strcmp(NAMES[k], scenario->spec.plants.items[i]) == 0)
                bits |= UINT64_C(1) << k;
    return bits;
}

struct world *build_world(struct scenario *scenario, const char **error) {
    struct world_config config = {.seed = scenario->seed,
                                  .epoch_ms = scenario->spec.epoch_ms,
                                  .buggify = scenario->spec.buggify_ppm > 0,
                                  .buggify_ppm = scenario->spec.buggify_ppm,
                                  .plants = plants(scenario)};
    struct world *world = world_create(&config);
    *error = NULL;
    if (world == NULL)
        *error = "the world's memory cannot be mapped";
    else if (!add_hosts(world, scenario) || !add_nodes(world, scenario) ||
             !set_links(world, scenario))
        *error = "the world's memory cannot hold this cluster";
    else
        set_disks(world, scenario);
    return *error == NULL ? world : NULL;
}

void build_settled(struct world *world, const struct scenario *scenario) {
    RMQ_ASSERT(set_links(world, scenario)); /* the links exist */
    set_disks(world, scenario);
    for (size_t i = 0; i < scenario->node_count; i++)
        RMQ_IGNORE(!world_set_cpu(world, (node_id)(i + 1), scenario_cpu_of(scenario, i)),
                   "a node that is down has a cost too");
}
