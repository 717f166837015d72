/* sim/oracle/client_follows.c - a client stops using a broker at most one poll after its name
 * server removed it.
 *
 * The clock of a belief (client, topic, broker, address) starts when the client's name server no
 * longer lists that address: at the removal, when the client comes to another name server that does
 * not list it, or when it enters the cache late. It stops when the client drops the belief or the
 * name server lists the address again. Time in which the client or its name server is not healthy,
 * or the client has no name server, does not count: the clock starts anew afterwards.
 * Excused: clients in `excused`, and a topic of which the name server answered "no route" (17)
 * since: clients keep what they had then, on purpose. Source: client.md, route poll. */
#include "sim/oracle/base.h"

static const struct oracle_parameter PARAMETERS[] = {
    {"within", "duration", "35s", "one poll (30 s) and what an answer takes"},
    {"excused", "text", "", "clients that need not follow"},
};

#define CODE_NO_ROUTE 17 /* TOPIC_NOT_EXIST */

struct belief {
    uint16_t client;
    bool held;
    uint32_t topic, broker, address;
    uint64_t since_ns; /* the name server does not list it; NEVER: it does, or is unknown */
};
struct listing { /* an address at a name server */
    uint16_t server;
    bool listed;
    uint32_t broker, address;
};

struct client_follows {
    struct oracle_base base;
    uint64_t within_ns;
    struct intern names;
    struct table belief_table, listing_table;
    struct belief *beliefs;
    struct listing *listings;
    size_t belief_count, belief_capacity, listing_count, listing_capacity;
    struct table server_of; /* client -> its name server's node, 0 none */
    bool unknown_server;    /* a client chose one that is none of the nodes */
};

extern const struct oracle_type ORACLE_CLIENT_FOLLOWS;

static void *create(const struct oracle_host *host, const struct props *parameters,
                    const char **error) {
    struct client_follows *oracle =
        oracle_begin(host, &ORACLE_CLIENT_FOLLOWS, parameters, sizeof *oracle, error);
    if (oracle == NULL)
        return NULL;
    oracle->within_ns = oracle_read_duration(&oracle->base, "within");
    intern_init(&oracle->names, &oracle->base.host);
    table_init(&oracle->belief_table, &oracle->base.host);
    table_init(&oracle->listing_table, &oracle->base.host);
    table_init(&oracle->server_of, &oracle->base.host);
    return oracle_ready(oracle, error);
}

static struct belief *belief_of(struct client_follows *oracle, const struct record *record) {
    uint32_t topic = intern_add(&oracle->names, record_text(record, 0));
    uint32_t broker = intern_add(&oracle->names, record_text(record, 1));
    uint32_t address = intern_add(&oracle->names, record_text(record, 2));
    uint64_t *at =
        table_put(&oracle->belief_table, table_key(record->node, topic, broker, address));
    struct belief *beliefs = array_room(&oracle->base.host, oracle->beliefs, oracle->belief_count,
                                        &oracle->belief_capacity, sizeof *beliefs);
    if (topic == 0 || broker == 0 || address == 0 || at == NULL || beliefs == NULL) {
        oracle->base.no_memory = true;
        return NULL;
    }
    oracle->beliefs = beliefs;
    if (*at == 0) {
        beliefs[oracle->belief_count++] = (struct belief){
            .client = record->node,
            .topic = topic,
            .broker = broker,
            .address = address,
            .since_ns = CLUSTER_NEVER,
        };
        *at = oracle->belief_count;
    }
    return &beliefs[*at - 1];
}

static struct listing *listing_of(struct client_follows *oracle, uint16_t server, uint32_t broker,
                                  uint32_t address) {
    uint64_t *at = table_put(&oracle->listing_table, table_key(server, broker, address, 0));
    struct listing *listings =
        array_room(&oracle->base.host, oracle->listings, oracle->listing_count,
                   &oracle->listing_capacity, sizeof *listings);
    if (at == NULL || listings == NULL) {
        oracle->base.no_memory = true;
        return NULL;
    }
    oracle->listings = listings;
    if (*at == 0) {
        listings[oracle->listing_count++] =
            (struct listing){.server = server, .broker = broker, .address = address};
        *at = oracle->listing_count;
    }
    return &listings[*at - 1];
}

static uint16_t server_of(const struct client_follows *oracle, uint16_t client) {
    const uint64_t *server = table_get(&oracle->server_of, client);
    return server == NULL ? 0 : (uint16_t)*server;
}

static bool is_listed(const struct client_follows *oracle, uint16_t server,
                      const struct belief *belief) {
    const uint64_t *at =
        table_get(&oracle->listing_table, table_key(server, belief->broker, belief->address, 0));
    return at != NULL && oracle->listings[*at - 1].listed;
}

/* ---- judging ---- */

/* When the clock of `belief` began, faults of both ends considered; NEVER while one holds. */
static uint64_t clock_of(const struct client_follows *oracle, const struct belief *belief) {
    const struct cluster *cluster = oracle->base.host.cluster;
    const struct cluster_node *client = cluster_node(cluster, belief->client);
    const struct cluster_node *server = cluster_node(cluster, server_of(oracle, belief->client));
    if (server == NULL || belief->since_ns == CLUSTER_NEVER || !cluster_is_healthy(client) ||
        !cluster_is_healthy(server) || oracle_excuses(&oracle->base, client))
        return CLUSTER_NEVER;
    uint64_t since_ns = belief->since_ns;
    if (cluster_healthy_since(client) > since_ns)
        since_ns = cluster_healthy_since(client);
    if (cluster_healthy_since(server) > since_ns)
        since_ns = cluster_healthy_since(server);
    return since_ns;
}

static void check(struct client_follows *oracle, const struct belief *belief, uint64_t now_ns) {
    uint64_t since_ns = clock_of(oracle, belief);
    if (since_ns == CLUSTER_NEVER)
        return;
    oracle->base.verdict.checked++;
    if (now_ns - since_ns <= oracle->within_ns)
        return;
    const struct cluster *cluster = oracle->base.host.cluster;
    struct span client = cluster_node(cluster, belief->client)->name;
    struct span broker = intern_text(&oracle->names, belief->broker);
    if (!oracle_fail(&oracle->base,
                     "%.*s uses broker %.*s for topic %.*s " SECONDS_FORMAT
                     " after its name server dropped it",
                     TEXT(client), TEXT(broker), TEXT(intern_text(&oracle->names, belief->topic)),
                     SECONDS(now_ns - since_ns)))
        return;
    oracle_witness(&oracle->base,
                   (struct oracle_mark){since_ns, server_of(oracle, belief->client), 0},
                   "not listed at the client's name server since then");
    oracle_witness(&oracle->base, (struct oracle_mark){now_ns, belief->client, 0},
                   "still in the client's cache");
}

/* ---- name servers ---- */

static void on_listing(struct client_follows *oracle, const struct record *record, bool listed) {
    uint32_t broker = intern_add(&oracle->names, record_text(record, 1));
    uint32_t address = intern_add(&oracle->names, record_text(record, 3));
    struct listing *listing =
        broker == 0 || address == 0 ? NULL : listing_of(oracle, record->node, broker, address);
    if (listing == NULL || listing->listed == listed)
        return;
    listing->listed = listed;
    for (size_t i = 0; i < oracle->belief_count; i++) {
        struct belief *belief = &oracle->beliefs[i];
        if (!belief->held || belief->broker != broker || belief->address != address ||
            server_of(oracle, belief->client) != record->node)
            continue;
        if (listed)
            check(oracle, belief, record->world_ns);
        belief->since_ns = listed ? CLUSTER_NEVER : record->world_ns;
    }
}

static void on_server_gone(struct client_follows *oracle, uint16_t server) {
    for (size_t i = 0; i < oracle->listing_count; i++)
        if (oracle->listings[i].server == server)
            oracle->listings[i].listed = false;
}

/* ---- clients ---- */

static void on_client_moved(struct client_follows *oracle, const struct record *record) {
    const struct cluster_node *server = NULL;
    if (record->kind == EVENT_client_name_server_chosen) {
        server = cluster_find_address(oracle->base.host.cluster, record_text(record, 0));
        oracle->unknown_server |= server == NULL;
    }
    for (size_t i = 0; i < oracle->belief_count; i++) {
        struct belief *belief = &oracle->beliefs[i];
        if (belief->client != record->node || !belief->held)
            continue;
        check(oracle, belief, record->world_ns);
        bool gone = server != NULL && !is_listed(oracle, server->node, belief);
        belief->since_ns = gone ? record->world_ns : CLUSTER_NEVER;
    }
    uint64_t *node = table_put(&oracle->server_of, record->node);
    if (node == NULL)
        oracle->base.no_memory = true;
    else
        *node = server == NULL ? 0 : server->node;
}

static void on_believed(struct client_follows *oracle, const struct record *record) {
    struct belief *belief = belief_of(oracle, record);
    uint16_t server = server_of(oracle, record->node);
    if (belief == NULL || belief->held)
        return;
    belief->held = true;
    belief->since_ns =
        server != 0 && !is_listed(oracle, server, belief) ? record->world_ns : CLUSTER_NEVER;
}

static void on_dropped(struct client_follows *oracle, const struct record *record) {
    struct belief *belief = belief_of(oracle, record);
    if (belief == NULL || !belief->held)
        return;
    check(oracle, belief, record->world_ns);
    belief->held = false;
    belief->since_ns = CLUSTER_NEVER;
}

static void on_kept(struct client_follows *oracle, const struct record *record) {
    uint32_t topic = intern_find(&oracle->names, record_text(record, 0));
    for (size_t i = 0; record_int(record, 1) == CODE_NO_ROUTE && i < oracle->belief_count; i++)
        if (oracle->beliefs[i].client == record->node && oracle->beliefs[i].topic == topic)
            oracle->beliefs[i].since_ns = CLUSTER_NEVER;
}

/* A process came or went: its cache, or its table, is empty. */
static void on_process(struct client_follows *oracle, const struct record *record) {
    const struct cluster_node *node = cluster_node(oracle->base.host.cluster, record->node);
    if (node == NULL)
        return;
    if (node->role == CLUSTER_NAMESRV)
        on_server_gone(oracle, record->node);
    for (size_t i = 0; node->role == CLUSTER_CLIENT && i < oracle->belief_count; i++)
        if (oracle->beliefs[i].client == record->node)
            oracle->beliefs[i].held = false;
}

static void on_record(void *self, const struct record *record) {
    struct client_follows *oracle = self;
    switch (record->kind) {
    case EVENT_route_broker_registered:
        on_listing(oracle, record, true);
        break;
    case EVENT_route_broker_evicted:
        on_listing(oracle, record, false);
        break;
    case EVENT_client_name_server_chosen:
    case EVENT_client_name_server_lost:
        on_client_moved(oracle, record);
        break;
    case EVENT_client_broker_believed:
        on_believed(oracle, record);
        break;
    case EVENT_client_broker_dropped:
        on_dropped(oracle, record);
        break;
    case EVENT_client_route_kept:
        on_kept(oracle, record);
        break;
    case EVENT_world_node_up:
    case EVENT_world_node_down:
        on_process(oracle, record);
        break;
    default:
        break;
    }
}

static void finish(void *self, uint64_t end_ns, struct oracle_verdict *out) {
    struct client_follows *oracle = self;
    for (size_t i = 0; i < oracle->belief_count; i++) {
        const struct belief *belief = &oracle->beliefs[i];
        uint64_t since_ns = belief->held ? clock_of(oracle, belief) : CLUSTER_NEVER;
        if (since_ns != CLUSTER_NEVER && end_ns - since_ns > oracle->within_ns)
            check(oracle, belief, end_ns);
    }
    if (oracle->unknown_server)
        oracle->base.unknown = "a client's name server is none of the known nodes";
    oracle_end(&oracle->base, "no client had a broker that its name server removed", out);
}

const struct oracle_type ORACLE_CLIENT_FOLLOWS = {
    .name = "client-follows",
    .class_ = ORACLE_LIVENESS,
    .about = "a client drops a broker at most one poll after its name server did",
    .parameters = PARAMETERS,
    .parameter_count = sizeof PARAMETERS / sizeof PARAMETERS[0],
    .create = create,
    .on_record = on_record,
    .finish = finish,
};
