/* sim/oracle/route_bounds.c - O-ROUTE: a name server lists a broker if and only if it is inside its
 * expiry bound.
 *
 * Listed too short: an eviction by scan or idle close comes less than `expiry` after the last
 * accepted registration (by the name server's own clock), one by close without a connection of that
 * host having closed, one by unregistration although the broker did not stop.
 * Listed too long: an entry is found (at its refresh, its eviction, the name server's or the run's
 * end) that has not been refreshed for expiry + scan + slack, time in which the name server was
 * paused not counted.
 * Not listed: a healthy broker is missing at a healthy name server for longer than one registration
 * period + rpc + slack; two periods after a fault of the network, whose first registration may go
 * down with the old connection.
 * Excused: brokers and name servers in `excused`; early and late evictions at a name server whose
 * clock a fault has touched. Source: namesrv.md sections on scan and idle close; incidents.md 2. */
#include "sim/oracle/base.h"

static const struct oracle_parameter PARAMETERS[] = {
    {"expiry", "duration", "120s", "a registration is good for this long"},
    {"scan", "duration", "10s", "period of the expiry scan: 10s in 4.9, 5s in 5.3"},
    {"period", "duration", "30s", "registration period of the brokers"},
    {"rpc", "duration", "6s", "budget of a registration round"},
    {"slack", "duration", "2s", "for latencies and CPU"},
    {"excused", "text", "", "nodes whose entries are not judged"},
};

/* One broker address slot (name, id) at one name server. */
struct route_entry {
    uint16_t name_server;
    struct span broker; /* name */
    int64_t broker_id;
    struct span address; /* absent: not seen yet */
    bool listed;
    uint64_t changed_ns; /* of the last listing or removal; 0 when it was never listed */
    uint64_t last_ns;    /* of the last registration or refresh */
    uint64_t last_mono_ns;
    uint64_t
        unproven_close_ns; /* removed by close, the connection's end not seen yet; else NEVER */
    struct oracle_mark last;
};

/* What was known of a node before the record at hand. */
struct node_before {
    bool healthy;
    uint64_t since_ns;
};

struct route_bounds {
    struct oracle_base base;
    uint64_t expiry_ns, scan_ns, period_ns, rpc_ns, slack_ns;
    struct intern names;         /* brokers and addresses */
    struct route_entry *entries; /* by the cluster's number of the listing, from 1 on */
    size_t count, capacity;
    size_t unproven_closes;
    struct node_before *before; /* by node number */
    size_t before_limit;
    struct table closed; /* (name server, IP) -> when a connection of it ended there */
};

extern const struct oracle_type ORACLE_ROUTE_BOUNDS;

static void *create(const struct oracle_host *host, const struct props *parameters,
                    const char **error) {
    struct route_bounds *oracle =
        oracle_begin(host, &ORACLE_ROUTE_BOUNDS, parameters, sizeof *oracle, error);
    if (oracle == NULL)
        return NULL;
    oracle->expiry_ns = oracle_read_duration(&oracle->base, "expiry");
    oracle->scan_ns = oracle_read_duration(&oracle->base, "scan");
    oracle->period_ns = oracle_read_duration(&oracle->base, "period");
    oracle->rpc_ns = oracle_read_duration(&oracle->base, "rpc");
    oracle->slack_ns = oracle_read_duration(&oracle->base, "slack");
    intern_init(&oracle->names, &oracle->base.host);
    table_init(&oracle->closed, &oracle->base.host);
    return oracle_ready(oracle, error);
}

/* Interned; absent when there is no memory. */
static struct span keep(struct route_bounds *oracle, struct span text) {
    uint32_t number = intern_add(&oracle->names, text);
    oracle->base.no_memory |= number == 0;
    return number == 0 ? SPAN_NONE : intern_text(&oracle->names, number);
}

static struct route_entry *entry_numbered(struct route_bounds *oracle, uint32_t number) {
    return number == 0 || number > oracle->count ? NULL : &oracle->entries[number - 1];
}

/* The one that a registration or an eviction is about. NULL: no memory. */
static struct route_entry *entry_of(struct route_bounds *oracle, const struct record *record) {
    uint32_t number = oracle->base.host.cluster->listing;
    if (number <= oracle->count)
        return entry_numbered(oracle, number);
    struct route_entry *entries = array_room(&oracle->base.host, oracle->entries, oracle->count,
                                             &oracle->capacity, sizeof *entries);
    if (entries == NULL || number != oracle->count + 1) {
        oracle->base.no_memory = true;
        return NULL;
    }
    oracle->entries = entries;
    entries[oracle->count++] = (struct route_entry){
        .name_server = record->node,
        .broker = keep(oracle, record_text(record, 1)),
        .broker_id = record_int(record, 2),
        .unproven_close_ns = CLUSTER_NEVER,
    };
    return &entries[number - 1];
}

static const struct cluster_node *server_of(const struct route_bounds *oracle,
                                            const struct route_entry *entry) {
    return cluster_node(oracle->base.host.cluster, entry->name_server);
}

static bool is_excused(const struct route_bounds *oracle, const struct route_entry *entry) {
    const struct oracle_base *base = &oracle->base;
    return base->excused.len > 0 &&
           (oracle_excuses(base, server_of(oracle, entry)) ||
            oracle_excuses(base,
                           cluster_find_broker(base->host.cluster, entry->broker, entry->address)));
}

/* ---- listed too long, too short ---- */

static void check_late(struct route_bounds *oracle, const struct route_entry *entry,
                       uint64_t now_ns) {
    const struct cluster_node *server = server_of(oracle, entry);
    if (server->clock_fault || server->paused_since_ns != CLUSTER_NEVER ||
        is_excused(oracle, entry))
        return;
    oracle->base.verdict.checked++;
    uint64_t due_ns = entry->last_ns + oracle->expiry_ns;
    if (server->resumed_ns != CLUSTER_NEVER && server->resumed_ns > due_ns)
        due_ns = server->resumed_ns;
    due_ns += oracle->scan_ns + oracle->slack_ns;
    if (now_ns <= due_ns)
        return;
    struct span broker = entry->broker;
    if (!oracle_fail(&oracle->base,
                     "%.*s lists broker %.*s " SECONDS_FORMAT " after its last registration",
                     TEXT(server->name), TEXT(broker), SECONDS(now_ns - entry->last_ns)))
        return;
    oracle_witness(&oracle->base, entry->last, "last accepted registration");
    oracle_witness(&oracle->base, (struct oracle_mark){due_ns, entry->name_server, 0},
                   "should be gone by now");
}

static void check_early(struct route_bounds *oracle, const struct route_entry *entry,
                        const struct record *record, struct span reason) {
    const struct cluster_node *server = server_of(oracle, entry);
    uint64_t since_ns = record->mono_ns - entry->last_mono_ns;
    const uint64_t tolerance_ns = 2000000; /* name servers keep milliseconds */
    if (server->clock_fault || since_ns + tolerance_ns >= oracle->expiry_ns)
        return;
    if (!oracle_fail(
            &oracle->base,
            "%.*s removed broker %.*s (%.*s) only " SECONDS_FORMAT " after its last registration",
            TEXT(server->name), TEXT(record_text(record, 1)), TEXT(reason), SECONDS(since_ns)))
        return;
    oracle_witness(&oracle->base, entry->last, "last accepted registration");
    oracle_witness(&oracle->base, oracle_mark(record), "removed by %.*s", TEXT(reason));
}

/* ---- removed by close or unregistration ---- */

static uint64_t closed_key(struct route_bounds *oracle, uint16_t node, struct span address) {
    return table_key(node, intern_add(&oracle->names, host_of_address(address)), 0, 0);
}

static void on_channel_closed(struct route_bounds *oracle, const struct record *record) {
    const struct cluster_node *node = cluster_node(oracle->base.host.cluster, record->node);
    if (node == NULL || node->role != CLUSTER_NAMESRV)
        return;
    uint64_t key = closed_key(oracle, record->node, record_text(record, 0));
    uint64_t *closed_ns = table_put(&oracle->closed, key);
    if (closed_ns == NULL)
        oracle->base.no_memory = true;
    else
        *closed_ns = record->world_ns;
    for (size_t i = 0; oracle->unproven_closes > 0 && i < oracle->count; i++) {
        struct route_entry *entry = &oracle->entries[i];
        if (entry->unproven_close_ns == CLUSTER_NEVER || entry->name_server != record->node ||
            record->world_ns - entry->unproven_close_ns > oracle->slack_ns ||
            closed_key(oracle, record->node, entry->address) != key)
            continue;
        entry->unproven_close_ns = CLUSTER_NEVER;
        oracle->unproven_closes--;
    }
}

static void fail_close(struct route_bounds *oracle, struct route_entry *entry) {
    struct oracle_mark mark = {entry->unproven_close_ns, entry->name_server,
                               EVENT_route_broker_evicted};
    entry->unproven_close_ns = CLUSTER_NEVER;
    oracle->unproven_closes--;
    struct span broker = entry->broker;
    if (!oracle_fail(
            &oracle->base,
            "%.*s removed broker %.*s for a closed connection, but none of its host closed",
            TEXT(server_of(oracle, entry)->name), TEXT(broker)))
        return;
    oracle_witness(&oracle->base, entry->last, "last accepted registration");
    oracle_witness(&oracle->base, mark, "removed by close");
}

/* The end of the connection is reported in the same handler or shortly before or after. */
static void check_close(struct route_bounds *oracle, struct route_entry *entry,
                        const struct record *record) {
    uint64_t now_ns = record->world_ns;
    const uint64_t *closed_ns =
        table_get(&oracle->closed, closed_key(oracle, record->node, record_text(record, 3)));
    if (closed_ns != NULL && now_ns - *closed_ns <= oracle->slack_ns)
        return;
    entry->unproven_close_ns = now_ns;
    oracle->unproven_closes++;
}

/* A broker's clean stop after its last registration, though it may be up again: a name server that
 * stood still reads both late. */
static bool has_stopped(const struct route_bounds *oracle, const struct route_entry *entry,
                        const struct cluster_node *broker, uint64_t now_ns) {
    const struct cluster_node *server = server_of(oracle, entry);
    if (broker->stopping || !broker->up)
        return true;
    if (broker->stopped_ns == CLUSTER_NEVER)
        return false;
    bool resumed = server->resumed_ns != CLUSTER_NEVER &&
                   server->resumed_ns >= broker->stopped_ns &&
                   now_ns - server->resumed_ns <= oracle->slack_ns;
    return resumed || broker->stopped_ns >= entry->last_ns;
}

static void check_unregister(struct route_bounds *oracle, const struct route_entry *entry,
                             const struct record *record) {
    const struct cluster_node *broker = cluster_find_broker(
        oracle->base.host.cluster, record_text(record, 1), record_text(record, 3));
    if (broker == NULL || has_stopped(oracle, entry, broker, record->world_ns))
        return;
    if (oracle_fail(&oracle->base, "broker %.*s was unregistered at %.*s although it does not stop",
                    TEXT(broker->name),
                    TEXT(cluster_node(oracle->base.host.cluster, record->node)->name)))
        oracle_witness(&oracle->base, oracle_mark(record), "removed by unregister");
}

static void check_removal(struct route_bounds *oracle, struct route_entry *entry,
                          const struct record *record) {
    struct span reason = record_text(record, 4);
    oracle->base.verdict.checked++;
    if (is_excused(oracle, entry))
        return;
    if (span_equal(reason, SPAN_LITERAL("scan")) || span_equal(reason, SPAN_LITERAL("idle")))
        check_early(oracle, entry, record, reason);
    else if (span_equal(reason, SPAN_LITERAL("close")))
        check_close(oracle, entry, record);
    else if (span_equal(reason, SPAN_LITERAL("unregister")))
        check_unregister(oracle, entry, record);
    else if (!span_equal(reason, SPAN_LITERAL("superseded")))
        oracle_fail(&oracle->base, "broker %.*s was removed for an unknown reason, %.*s",
                    TEXT(record_text(record, 1)), TEXT(reason));
}

/* ---- not listed ---- */

static uint64_t later(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

static bool is_recent(uint64_t fault_ns, uint64_t now_ns, uint64_t within_ns) {
    return fault_ns != CLUSTER_NEVER && now_ns <= fault_ns + within_ns;
}

/* `broker` is missing at `server`, or returns just now, both healthy since the times given: is it
 * for too long? */
static void check_missing(struct route_bounds *oracle, const struct cluster_node *server,
                          uint64_t server_since_ns, const struct cluster_node *broker,
                          uint64_t broker_since_ns, uint64_t now_ns, bool returns) {
    if (oracle_excuses(&oracle->base, server) || oracle_excuses(&oracle->base, broker))
        return;
    const struct route_entry *entry =
        entry_numbered(oracle, cluster_find_listing(oracle->base.host.cluster, server->node,
                                                    broker->broker, broker->broker_id));
    if (entry != NULL && entry->listed)
        return;
    uint64_t since_ns =
        later(later(server_since_ns, broker_since_ns), entry == NULL ? 0 : entry->changed_ns);
    uint64_t allowed_ns = oracle->period_ns + oracle->rpc_ns + oracle->slack_ns;
    if (is_recent(server->network_fault_ns, since_ns, allowed_ns) ||
        is_recent(broker->network_fault_ns, since_ns, allowed_ns))
        allowed_ns += oracle->period_ns;
    bool late = now_ns - since_ns > allowed_ns;
    oracle->base.verdict.checked += returns || late;
    if (!late)
        return;
    if (!oracle_fail(&oracle->base,
                     "%.*s does not list the healthy broker %.*s for " SECONDS_FORMAT,
                     TEXT(server->name), TEXT(broker->name), SECONDS(now_ns - since_ns)))
        return;
    oracle_witness(&oracle->base, (struct oracle_mark){since_ns, broker->node, 0},
                   "healthy at both ends, and not listed, since then");
    oracle_witness(&oracle->base, (struct oracle_mark){since_ns + allowed_ns, server->node, 0},
                   "should be listed by now");
}

/* The pairs that a node is part of, as they were before it lost its health at `now_ns`. */
static void check_pairs_of_broker(struct route_bounds *oracle, const struct cluster_node *broker,
                                  uint64_t since_ns, uint64_t now_ns) {
    const struct cluster *cluster = oracle->base.host.cluster;
    for (size_t i = 0; i < cluster->server_count; i++) {
        uint16_t server = cluster->servers[i];
        if (server < oracle->before_limit && oracle->before[server].healthy)
            check_missing(oracle, cluster_node(cluster, server), oracle->before[server].since_ns,
                          broker, since_ns, now_ns, false);
    }
}

static void check_pairs_of_server(struct route_bounds *oracle, const struct cluster_node *server,
                                  uint64_t since_ns, uint64_t now_ns) {
    const struct cluster *cluster = oracle->base.host.cluster;
    for (size_t i = 1; i < oracle->before_limit; i++) {
        const struct cluster_node *broker = cluster_node(cluster, (uint16_t)i);
        if (broker != NULL && broker->role == CLUSTER_BROKER && oracle->before[i].healthy)
            check_missing(oracle, server, since_ns, broker, oracle->before[i].since_ns, now_ns,
                          false);
    }
}

static void check_pairs_of(struct route_bounds *oracle, const struct cluster_node *node,
                           uint64_t since_ns, uint64_t now_ns) {
    if (node->role == CLUSTER_BROKER)
        check_pairs_of_broker(oracle, node, since_ns, now_ns);
    else if (node->role == CLUSTER_NAMESRV)
        check_pairs_of_server(oracle, node, since_ns, now_ns);
}

static bool before_room(struct route_bounds *oracle, size_t number) {
    struct node_before *before = array_reach(&oracle->base.host, oracle->before, number + 1,
                                             &oracle->before_limit, sizeof *before);
    if (before == NULL)
        return false;
    oracle->before = before;
    return true;
}

static void follow_health_of(struct route_bounds *oracle, uint16_t number, uint64_t now_ns) {
    const struct cluster_node *node = cluster_node(oracle->base.host.cluster, number);
    if (node == NULL)
        return;
    if (!before_room(oracle, number)) {
        oracle->base.no_memory = true;
        return;
    }
    struct node_before before = oracle->before[number];
    bool healthy = cluster_is_healthy(node);
    if (before.healthy && (!healthy || cluster_healthy_since(node) != before.since_ns))
        check_pairs_of(oracle, node, before.since_ns, now_ns);
    oracle->before[number] =
        (struct node_before){healthy, healthy ? cluster_healthy_since(node) : 0};
}

static void follow_health(struct route_bounds *oracle, const struct record *record) {
    uint64_t now_ns = record->world_ns;
    if (record->node != 0) {
        follow_health_of(oracle, record->node, now_ns);
        return;
    }
    for (size_t i = 1; i < oracle->base.host.cluster->node_limit; i++)
        follow_health_of(oracle, (uint16_t)i, now_ns);
}

/* ---- the stream ---- */

/* A name server's process came or went: its table is gone. */
static void forget_server(struct route_bounds *oracle, const struct record *record) {
    const struct cluster_node *node = cluster_node(oracle->base.host.cluster, record->node);
    if (node == NULL || node->role != CLUSTER_NAMESRV)
        return;
    for (size_t i = 0; i < oracle->count; i++) {
        struct route_entry *entry = &oracle->entries[i];
        if (entry->name_server != record->node || !entry->listed)
            continue;
        check_late(oracle, entry, record->world_ns);
        entry->listed = false;
        entry->changed_ns = record->world_ns;
    }
}

/* A broker that was not listed comes back: in time? */
static void check_return(struct route_bounds *oracle, const struct route_entry *entry,
                         struct span broker, struct span address, uint64_t now_ns) {
    const struct cluster_node *server = server_of(oracle, entry);
    const struct cluster_node *node =
        cluster_find_broker(oracle->base.host.cluster, broker, address);
    if (node != NULL && cluster_is_healthy(server) && cluster_is_healthy(node))
        check_missing(oracle, server, cluster_healthy_since(server), node,
                      cluster_healthy_since(node), now_ns, true);
}

static void refresh(struct route_bounds *oracle, struct route_entry *entry,
                    const struct record *record) {
    check_late(oracle, entry, record->world_ns);
    entry->last_ns = record->world_ns;
    entry->last_mono_ns = record->mono_ns;
    entry->last = oracle_mark(record);
}

static void list(struct route_bounds *oracle, struct route_entry *entry, struct span broker,
                 struct span address, const struct record *record) {
    if (!entry->listed) {
        check_return(oracle, entry, broker, address, record->world_ns);
        entry->listed = true;
        entry->changed_ns = entry->last_ns = record->world_ns;
    }
    if (!span_equal(entry->address, address))
        entry->address = keep(oracle, address);
    refresh(oracle, entry, record);
}

/* Every registration of every broker comes through here: look-ups cost. */
static void on_registered(struct route_bounds *oracle, const struct record *record) {
    struct route_entry *entry = entry_of(oracle, record);
    if (entry != NULL)
        list(oracle, entry, record_text(record, 1), record_text(record, 3), record);
}

/* Requests 322 and 904 name no id: it is that of the broker at this address. */
static void on_refreshed(struct route_bounds *oracle, const struct record *record) {
    struct span broker = record_text(record, 0), address = record_text(record, 1);
    const struct cluster_node *node =
        cluster_find_broker(oracle->base.host.cluster, broker, address);
    struct route_entry *entry =
        node == NULL
            ? NULL
            : entry_numbered(oracle, cluster_find_listing(oracle->base.host.cluster, record->node,
                                                          broker, node->broker_id));
    if (entry != NULL && entry->listed && span_equal(entry->address, address))
        refresh(oracle, entry, record);
}

static void on_evicted(struct route_bounds *oracle, const struct record *record) {
    struct route_entry *entry = entry_of(oracle, record);
    if (entry == NULL || !entry->listed)
        return; /* the log begins later than the registration */
    check_late(oracle, entry, record->world_ns);
    check_removal(oracle, entry, record);
    entry->listed = false;
    entry->changed_ns = record->world_ns;
}

static void on_record(void *self, const struct record *record) {
    struct route_bounds *oracle = self;
    switch (record->kind) {
    case EVENT_route_broker_registered:
        on_registered(oracle, record);
        break;
    case EVENT_route_broker_refreshed:
        on_refreshed(oracle, record);
        break;
    case EVENT_route_broker_evicted:
        on_evicted(oracle, record);
        break;
    case EVENT_channel_closed:
        on_channel_closed(oracle, record);
        break;
    case EVENT_world_node_up:
    case EVENT_world_node_down:
    case EVENT_node_started:
        forget_server(oracle, record);
        follow_health(oracle, record);
        break;
    case EVENT_world_fault:
    case EVENT_node_stopping:
        follow_health(oracle, record);
        break;
    default:
        break;
    }
}

static void finish(void *self, uint64_t end_ns, struct oracle_verdict *out) {
    struct route_bounds *oracle = self;
    const struct cluster *cluster = oracle->base.host.cluster;
    for (size_t i = 0; i < oracle->count; i++) {
        struct route_entry *entry = &oracle->entries[i];
        if (entry->listed)
            check_late(oracle, entry, end_ns);
        if (entry->unproven_close_ns != CLUSTER_NEVER)
            fail_close(oracle, entry);
    }
    for (size_t i = 1; i < oracle->before_limit; i++) {
        const struct cluster_node *node = cluster_node(cluster, (uint16_t)i);
        if (oracle->before[i].healthy && node->role == CLUSTER_BROKER)
            check_pairs_of_broker(oracle, node, oracle->before[i].since_ns, end_ns);
    }
    oracle_end(&oracle->base, "no registration at a name server was seen", out);
}

const struct oracle_type ORACLE_ROUTE_BOUNDS = {
    .name = "route-bounds",
    .class_ = ORACLE_SAFETY,
    .about = "a name server lists a broker if and only if it is inside its expiry bound; a healthy "
             "broker is listed again within one registration period",
    .parameters = PARAMETERS,
    .parameter_count = sizeof PARAMETERS / sizeof PARAMETERS[0],
    .create = create,
    .on_record = on_record,
    .finish = finish,
};
