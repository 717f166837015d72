/* sim/oracle/cluster.c - the state of the cluster as its own events tell it. */
#include "sim/oracle/cluster.h"

#include "model/base/check.h"

const char *cluster_role_name(enum cluster_role role) {
    static const char *const names[] = {"other", "namesrv", "broker", "client"};
    return names[role];
}

static enum cluster_role role_of(struct span name) {
    for (int role = CLUSTER_NAMESRV; role <= CLUSTER_CLIENT; role++)
        if (span_equal(name, span_of_text(cluster_role_name((enum cluster_role)role))))
            return (enum cluster_role)role;
    return CLUSTER_OTHER;
}

bool name_listed(struct span list, struct span name) {
    for (size_t at = 0; at < list.len;) {
        size_t end = at;
        while (end < list.len && list.data[end] != ',')
            end++;
        struct span word = span_of(list.data + at, end - at);
        while (word.len > 0 && word.data[0] == ' ')
            word = span_from(word, 1);
        while (word.len > 0 && word.data[word.len - 1] == ' ')
            word.len--;
        if (word.len > 0 && span_equal(word, name))
            return true;
        at = end + 1;
    }
    return false;
}

struct span host_of_address(struct span address) {
    while (address.len > 0 && address.data[address.len - 1] != ':')
        address.len--;
    return span_of(address.data, address.len == 0 ? 0 : address.len - 1);
}

static bool is_name_byte(uint8_t byte) {
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
           (byte >= 'A' && byte <= 'Z') || byte == '-' || byte == '_' || byte == '.';
}

/* Words are runs of letters, digits, '-', '_', '.', without '-' at an end ("a->b" is a and b). */
bool fault_concerns(struct span target, struct span name) {
    for (size_t at = 0; at < target.len;) {
        if (!is_name_byte(target.data[at]) || target.data[at] == '-') {
            at++;
            continue;
        }
        size_t end = at;
        while (end < target.len && is_name_byte(target.data[end]))
            end++;
        struct span word = span_of(target.data + at, end - at);
        at = end;
        while (word.len > 0 && word.data[word.len - 1] == '-')
            word.len--;
        if (span_equal(word, name))
            return true;
    }
    return false;
}

struct cluster *cluster_create(const struct oracle_host *host) {
    struct cluster *cluster = host->alloc(host->ctx, sizeof *cluster);
    if (cluster == NULL)
        return NULL;
    cluster->host = *host;
    intern_init(&cluster->names, &cluster->host);
    table_init(&cluster->by_name, &cluster->host);
    table_init(&cluster->by_address, &cluster->host);
    table_init(&cluster->by_host, &cluster->host);
    table_init(&cluster->by_broker, &cluster->host);
    table_init(&cluster->listings, &cluster->host);
    return cluster;
}

/* ---- learning ---- */

static void learn(struct cluster *cluster, struct table *table, uint64_t key, uint16_t node) {
    uint64_t *value = table_put(table, key);
    if (value == NULL)
        cluster->no_memory = true;
    else
        *value = node;
}

/* Interned, so that it lives as long as the cluster. */
static struct span keep(struct cluster *cluster, struct span text) {
    uint32_t number = intern_add(&cluster->names, text);
    cluster->no_memory |= number == 0;
    return number == 0 ? SPAN_NONE : intern_text(&cluster->names, number);
}

static void learn_broker(struct cluster *cluster, struct cluster_node *node) {
    uint32_t broker = intern_find(&cluster->names, node->broker);
    uint32_t address = node->address.len == 0 ? 0 : intern_find(&cluster->names, node->address);
    if (table_get(&cluster->by_broker, table_key(broker, 0, 0, 0)) == NULL)
        learn(cluster, &cluster->by_broker, table_key(broker, 0, 0, 0), node->node);
    if (address != 0)
        learn(cluster, &cluster->by_broker, table_key(broker, address, 0, 0), node->node);
}

static bool make_room(struct cluster *cluster, uint16_t number) {
    if (number < cluster->node_limit)
        return true;
    size_t limit = cluster->node_limit < 16 ? 16 : cluster->node_limit * 2;
    limit = limit > number ? limit : (size_t)number + 1;
    struct cluster_node **nodes =
        cluster->host.alloc(cluster->host.ctx, limit * sizeof(struct cluster_node *));
    if (nodes == NULL)
        return false;
    if (cluster->node_limit > 0)
        memcpy(nodes, cluster->nodes, cluster->node_limit * sizeof(struct cluster_node *));
    cluster->host.free(cluster->host.ctx, cluster->nodes);
    cluster->nodes = nodes;
    cluster->node_limit = limit;
    return true;
}

static struct cluster_node *see(struct cluster *cluster, uint16_t number) {
    if (number < cluster->node_limit && cluster->nodes[number] != NULL)
        return cluster->nodes[number];
    struct cluster_node *node = cluster->host.alloc(cluster->host.ctx, sizeof *node);
    if (node == NULL || !make_room(cluster, number)) {
        cluster->no_memory = true;
        return NULL;
    }
    struct span name = span_of_text(cluster->host.node_name(cluster->host.ctx, number));
    *node = (struct cluster_node){
        .node = number,
        .up_since_ns = CLUSTER_NEVER,
        .down_since_ns = CLUSTER_NEVER,
        .fault_begin_ns = CLUSTER_NEVER,
        .fault_end_ns = CLUSTER_NEVER,
        .network_fault_ns = CLUSTER_NEVER,
        .stopped_ns = CLUSTER_NEVER,
        .paused_since_ns = CLUSTER_NEVER,
        .resumed_ns = CLUSTER_NEVER,
        .name = keep(cluster, name),
    };
    node->broker = node->name;
    learn(cluster, &cluster->by_name, intern_find(&cluster->names, name), number);
    cluster->nodes[number] = node;
    return node;
}

/* ---- life ---- */

static void on_up(struct cluster *cluster, struct cluster_node *node) {
    node->up = true;
    node->stopping = false;
    node->incarnation++;
    node->up_since_ns = cluster->now_ns;
    node->paused_since_ns = CLUSTER_NEVER;
    cluster->disturbed_ns = cluster->now_ns;
}

static void add_server(struct cluster *cluster, const struct cluster_node *node) {
    uint16_t *servers = array_room(&cluster->host, cluster->servers, cluster->server_count,
                                   &cluster->server_capacity, sizeof *servers);
    if (servers == NULL) {
        cluster->no_memory = true;
        return;
    }
    cluster->servers = servers;
    servers[cluster->server_count++] = node->node;
}

static void on_started(struct cluster *cluster, struct cluster_node *node,
                       const struct record *record) {
    enum cluster_role role = role_of(record_text(record, 0));
    if (role == CLUSTER_NAMESRV && node->role != CLUSTER_NAMESRV)
        add_server(cluster, node);
    node->role = role;
    /* logs of real runs have no world.node_up */
    if (!node->up || node->seen_incarnation != record->incarnation)
        on_up(cluster, node);
    node->seen_incarnation = record->incarnation;
    if (node->role == CLUSTER_BROKER)
        learn_broker(cluster, node);
}

static void on_serves(struct cluster *cluster, struct cluster_node *node,
                      const struct record *record) {
    node->address = keep(cluster, record_text(record, 0));
    learn(cluster, &cluster->by_address, intern_find(&cluster->names, node->address), node->node);
    struct span host = keep(cluster, host_of_address(node->address));
    if (cluster_find_host(cluster, node->address) == NULL)
        learn(cluster, &cluster->by_host, intern_find(&cluster->names, host), node->node);
    if (record_text(record, 1).len == 0)
        return;
    node->broker = keep(cluster, record_text(record, 1));
    node->broker_id = record_int(record, 2);
    learn_broker(cluster, node);
}

/* A pause ends with its process. */
static void on_down(struct cluster *cluster, struct cluster_node *node) {
    node->up = false;
    node->down_since_ns = cluster->now_ns;
    if (node->paused_since_ns != CLUSTER_NEVER) {
        node->faults--;
        cluster->open_faults--;
    }
    node->paused_since_ns = CLUSTER_NEVER;
    cluster->disturbed_ns = cluster->now_ns;
}

/* ---- faults ---- */

static bool kind_starts(struct span kind, const char *prefix) {
    return span_starts_with(kind, span_of_text(prefix));
}

static bool kind_listed(struct span kind, const char *const *kinds) {
    for (; *kinds != NULL; kinds++)
        if (span_equal(kind, span_of_text(*kinds)))
            return true;
    return false;
}

static bool kind_is_process(struct span kind) {
    static const char *const kinds[] = {"kill",    "kill-inside", "crash",     "stop",
                                        "restart", "pause",       "power-off", NULL};
    return kind_listed(kind, kinds);
}

bool fault_is_repair(struct span kind) {
    static const char *const kinds[] = {"start",   "resume", "power-on", "rejoin",
                                        "unblock", "unclog", "command",  NULL};
    return kind_listed(kind, kinds);
}

/* Peers may have an old connection, and find out by their next request. */
static bool leaves_connections(const struct cluster_node *node, struct span kind) {
    bool silent = node->role == CLUSTER_NAMESRV && kind_starts(kind, "power-off"); /* no FIN */
    return silent || !kind_is_process(kind);
}

static void fault_begins(struct cluster *cluster, struct cluster_node *node, struct span kind,
                         bool lasts) {
    if (fault_is_repair(kind))
        return;
    node->fault_begin_ns = cluster->now_ns;
    node->fault_kind = keep(cluster, kind);
    if (leaves_connections(node, kind))
        node->network_fault_ns = cluster->now_ns;
    node->clock_fault |= kind_starts(kind, "clock") || kind_starts(kind, "mono");
    if (!lasts)
        return;
    node->faults++;
    if (kind_starts(kind, "pause"))
        node->paused_since_ns = cluster->now_ns;
}

/* Another fault may end while a pause goes on. */
static void fault_ends(struct cluster *cluster, struct cluster_node *node, struct span kind) {
    node->fault_end_ns = cluster->now_ns;
    if (leaves_connections(node, kind))
        node->network_fault_ns = cluster->now_ns;
    if (node->faults > 0)
        node->faults--;
    if (!kind_starts(kind, "pause"))
        return;
    if (node->paused_since_ns != CLUSTER_NEVER)
        node->resumed_ns = cluster->now_ns;
    node->paused_since_ns = CLUSTER_NEVER;
}

/* The end of a pause whose process has died is nothing any more. */
static bool ended_already(const struct cluster *cluster, const struct record *record) {
    const struct cluster_node *node = record->node == 0 ? NULL : cluster->nodes[record->node];
    return node != NULL && kind_starts(record_text(record, 1), "pause") &&
           node->paused_since_ns == CLUSTER_NEVER;
}

static void on_fault(struct cluster *cluster, const struct record *record) {
    struct span kind = record_text(record, 1);
    struct span target = record_text(record, 2);
    struct span phase = record_text(record, 3);
    bool ends = span_equal(phase, SPAN_LITERAL("end"));
    bool lasts = span_equal(phase, SPAN_LITERAL("begin"));
    cluster->disturbed_ns = cluster->now_ns;
    if (ends && ended_already(cluster, record))
        return;
    if (lasts)
        cluster->open_faults++;
    if (ends && cluster->open_faults > 0)
        cluster->open_faults--;
    for (size_t i = 1; i < cluster->node_limit; i++) {
        struct cluster_node *node = cluster->nodes[i];
        if (node == NULL || (record->node != 0 && record->node != i) ||
            (record->node == 0 && !fault_concerns(target, node->name)))
            continue;
        if (ends)
            fault_ends(cluster, node, kind);
        else
            fault_begins(cluster, node, kind, lasts);
    }
}

/* Once for all who follow registrations: look-ups cost. */
static void number_listing(struct cluster *cluster, const struct record *record) {
    uint32_t broker = intern_add(&cluster->names, record_text(record, 1));
    uint64_t key = table_key(record->node, broker, (uint64_t)record_int(record, 2), 0);
    uint64_t *number = broker == 0 ? NULL : table_put(&cluster->listings, key);
    if (number == NULL) {
        cluster->no_memory = true;
        return;
    }
    if (*number == 0)
        *number = cluster->listings.count;
    cluster->listing = (uint32_t)*number;
}

void cluster_on_record(struct cluster *cluster, const struct record *record) {
    cluster->now_ns = record->world_ns;
    cluster->listing = 0;
    struct cluster_node *node = record->node == 0 ? NULL : see(cluster, record->node);
    if (record->kind == EVENT_world_fault) {
        on_fault(cluster, record);
        return;
    }
    if (node == NULL)
        return;
    switch (record->kind) {
    case EVENT_world_node_up:
        on_up(cluster, node);
        node->seen_incarnation = record->incarnation;
        break;
    case EVENT_world_node_down:
        on_down(cluster, node);
        break;
    case EVENT_node_started:
        on_started(cluster, node, record);
        break;
    case EVENT_node_serves:
        on_serves(cluster, node, record);
        break;
    case EVENT_node_stopping:
        node->stopping = true;
        node->stopped_ns = cluster->now_ns;
        break;
    case EVENT_route_broker_registered:
    case EVENT_route_broker_evicted:
        number_listing(cluster, record);
        break;
    case EVENT_broker_topic_created:
    case EVENT_route_perm_changed:
    case EVENT_command_done:
        cluster->disturbed_ns = cluster->now_ns;
        break;
    default:
        break;
    }
}

/* ---- asking ---- */

const struct cluster_node *cluster_node(const struct cluster *cluster, uint16_t node) {
    return node < cluster->node_limit ? cluster->nodes[node] : NULL;
}

static const struct cluster_node *look_up(const struct cluster *cluster, const struct table *table,
                                          uint64_t key) {
    const uint64_t *number = table_get(table, key);
    return number == NULL ? NULL : cluster->nodes[*number];
}

const struct cluster_node *cluster_find(const struct cluster *cluster, struct span name) {
    uint32_t number = intern_find(&cluster->names, name);
    return number == 0 ? NULL : look_up(cluster, &cluster->by_name, number);
}

const struct cluster_node *cluster_find_address(const struct cluster *cluster,
                                                struct span address) {
    uint32_t number = intern_find(&cluster->names, address);
    const struct cluster_node *node =
        number == 0 ? NULL : look_up(cluster, &cluster->by_address, number);
    if (node != NULL)
        return node;
    struct span host = host_of_address(address);
    return host.len == 0 ? NULL : cluster_find(cluster, host);
}

const struct cluster_node *cluster_find_host(const struct cluster *cluster, struct span peer) {
    uint32_t host = intern_find(&cluster->names, host_of_address(peer));
    return host == 0 ? NULL : look_up(cluster, &cluster->by_host, host);
}

const struct cluster_node *cluster_find_broker(const struct cluster *cluster, struct span broker,
                                               struct span address) {
    uint32_t name = intern_find(&cluster->names, broker);
    if (name == 0)
        return NULL;
    uint32_t at = address.len == 0 ? 0 : intern_find(&cluster->names, address);
    const struct cluster_node *exact =
        at == 0 ? NULL : look_up(cluster, &cluster->by_broker, table_key(name, at, 0, 0));
    if (exact != NULL)
        return exact;
    const struct cluster_node *first =
        look_up(cluster, &cluster->by_broker, table_key(name, 0, 0, 0));
    bool fits = first != NULL && (address.len == 0 || span_is_absent(first->address));
    return fits ? first : NULL;
}

uint32_t cluster_find_listing(const struct cluster *cluster, uint16_t server, struct span broker,
                              int64_t id) {
    uint32_t name = intern_find(&cluster->names, broker);
    const uint64_t *number =
        name == 0 ? NULL : table_get(&cluster->listings, table_key(server, name, (uint64_t)id, 0));
    return number == NULL ? 0 : (uint32_t)*number;
}

bool cluster_is_healthy(const struct cluster_node *node) {
    return node->up && !node->stopping && node->faults == 0;
}

uint64_t cluster_healthy_since(const struct cluster_node *node) {
    RMQ_ASSERT(cluster_is_healthy(node));
    uint64_t since = node->up_since_ns;
    if (node->fault_end_ns != CLUSTER_NEVER && node->fault_end_ns > since)
        since = node->fault_end_ns;
    return since;
}
