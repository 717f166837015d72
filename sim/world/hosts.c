/* sim/world/hosts.c - builds the world: machines, and nodes on them. */
#include "sim/world/world_internal.h"

#define FIRST_EPHEMERAL_PORT 32768
#define UPTIME_MAX_NS (30 * 86400 * WORLD_SECOND_NS)

struct host *world_add_host(struct world *world, const char *name, const char *ip) {
    size_t name_bytes = strlen(name) + 1, ip_bytes = strlen(ip) + 1;
    RMQ_ASSERT(ip_bytes <= ENV_ADDRESS_MAX - 6); /* room for ":65535" */
    struct host *host = world_alloc(world, sizeof *host + name_bytes + ip_bytes);
    if (host == NULL) {
        return NULL;
    }
    char *text = (char *)(host + 1);
    memcpy(text, name, name_bytes);
    memcpy(text + name_bytes, ip, ip_bytes);
    host->ip = text + name_bytes;
    host->draw_owner = draw_owner(name);
    host->next_port = FIRST_EPHEMERAL_PORT;
    name_add(world, &world->hosts_by_name, &host->by_name, text);
    name_add(world, &world->hosts_by_ip, &host->by_ip, host->ip);
    return host;
}

struct host *world_find_host(struct world *world, struct span name) {
    struct name_link *link = name_find(&world->hosts_by_name, name);
    return link == NULL ? NULL : RMQ_CONTAINER_OF(link, struct host, by_name);
}

struct host *host_find_ip(struct world *world, struct span ip) {
    struct name_link *link = name_find(&world->hosts_by_ip, ip);
    return link == NULL ? NULL : RMQ_CONTAINER_OF(link, struct host, by_ip);
}

uint16_t host_take_port(struct host *host) {
    uint16_t port = host->next_port;
    host->next_port = (uint16_t)(port == 60999 ? FIRST_EPHEMERAL_PORT : port + 1);
    return port;
}

void node_config_default(struct node_config *config) {
    memset(config, 0, sizeof *config);
    config->cpu.kind = DIST_CONSTANT;
}

static void clock_init(struct clock *clock, const struct world *world,
                       const struct node_config *config) {
    /* Machines have been up for different times: nobody can compare their monotonic clocks. */
    clock->mono_base_ns = BOOT_NS + config->host->draw_owner % UPTIME_MAX_NS;
    clock->wall_base_ns = (world->config.epoch_ms + config->wall_offset_ms) * 1000000;
    clock->mono_ppm = config->mono_rate_ppm;
    clock->wall_ppm = config->wall_drift_ppm;
    clock->utc_offset_min = config->utc_offset_min;
    clock->mono_since_ns = clock->wall_since_ns = world_now(world);
}

static bool make_room(struct world *world) {
    if (world->node_count + 1 < world->node_capacity) {
        return true;
    }
    size_t capacity = world->node_capacity * 2;
    void *moved = arena_realloc(&world->owner, world->nodes, capacity * sizeof(struct env *));
    if (moved == NULL) {
        return false;
    }
    world->nodes = moved;
    world->node_capacity = capacity;
    return true;
}

node_id world_add_node(struct world *world, const struct node_config *config) {
    size_t name_bytes = strlen(config->name) + 1;
    if (world->node_count == UINT16_MAX || !make_room(world)) {
        return 0;
    }
    struct env *node = world_alloc(world, sizeof *node + name_bytes);
    if (node == NULL) {
        return 0;
    }
    memcpy(node + 1, config->name, name_bytes);
    node->world = world;
    node->role = config->role;
    node->host = config->host;
    node->id = (node_id)(world->node_count + 1);
    node->cpu = world_intern_dist(world, &config->cpu);
    node->draw_owner = draw_owner(config->name);
    node->owner.bytes_limit = (size_t)config->memory_limit;
    node->wake.kind = ITEM_WAKE;
    node->process_number = 1000 + 1000u * config->host->node_count++;
    item_list_init(&node->inbox);
    list_init(&node->timers);
    list_init(&node->conns);
    list_init(&node->files);
    list_init(&node->file_ops);
    clock_init(&node->clock, world, config);
    if (config->config != NULL && config->config->count > 0) {
        node->config = props_pack(world, config->config);
        node->config_count = (uint16_t)config->config->count;
    }
    struct env **last = &config->host->nodes;
    while (*last != NULL) {
        last = &(*last)->next_on_host;
    }
    *last = node;
    name_add(world, &world->nodes_by_name, &node->by_name, (const char *)(node + 1));
    world->nodes[node->id] = node;
    world->node_count++;
    if (config->start_ns != UINT64_MAX) {
        order_start_at(node, config->start_ns);
    }
    return node->id;
}

node_id world_find_node(const struct world *world, struct span name) {
    struct name_link *link = name_find(&world->nodes_by_name, name);
    return link == NULL ? 0 : RMQ_CONTAINER_OF(link, struct env, by_name)->id;
}

size_t world_node_count(const struct world *world) {
    return world->node_count;
}

const char *world_node_name(const struct world *world, node_id node) {
    RMQ_ASSERT(node <= world->node_count);
    return node == 0 ? "world" : world->nodes[node]->by_name.name;
}
