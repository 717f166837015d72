/* sim/oracle/convergence.c - O-CONV: when nothing has disturbed the cluster for `within`, all name
 * servers' tables agree with each other and with the brokers.
 *
 * A disturbance is a fault's begin or end, a process that came or went, a command, a topic created,
 * a permission changed; while a lasting fault holds, nothing is judged. Judged is the moment a
 * quiet time reaches `within`, and again its end, so that tables which part later are caught too:
 *   - every healthy name server lists the same broker addresses and the same queue data;
 *   - every healthy broker is listed, at its own address;
 *   - a master's topics there are as many as its last full registration carried (INC-06);
 *   - no topic belongs to a broker of which no address is listed.
 * Excused: brokers and name servers in `excused`. */
#include "sim/oracle/base.h"

static const struct oracle_parameter PARAMETERS[] = {
    {"within", "duration", "60s", "tables must agree after this long without a disturbance"},
    {"excused", "text", "", "nodes that need not agree"},
};

struct broker_row {
    uint16_t server;
    bool listed;
    uint32_t broker, address;
    int64_t broker_id;
};
struct topic_row {
    uint16_t server;
    bool present;
    uint32_t topic, broker, perm;
    uint64_t queues; /* read and write */
};
/* One broker name at one name server. */
struct broker_count {
    uint16_t server;
    uint32_t broker;
    uint32_t addresses, topics;
};
struct server_hash {
    uint64_t brokers, topics; /* sums over what is listed: equal tables, equal sums */
};

struct convergence {
    struct oracle_base base;
    uint64_t within_ns;
    struct intern names;
    struct table broker_table, topic_table, count_table, full_table;
    struct broker_row *brokers;
    struct topic_row *topics;
    struct broker_count *counts;
    size_t broker_count, broker_capacity, topic_count, topic_capacity, count_count, count_capacity;
    struct server_hash *hashes; /* by node number */
    size_t hash_limit;
    uint64_t disturbed_ns; /* as of the record before */
    uint32_t open_faults;  /* likewise */
    bool judged;           /* this quiet time, once */
};

extern const struct oracle_type ORACLE_CONVERGENCE;

static void *create(const struct oracle_host *host, const struct props *parameters,
                    const char **error) {
    struct convergence *oracle =
        oracle_begin(host, &ORACLE_CONVERGENCE, parameters, sizeof *oracle, error);
    if (oracle == NULL)
        return NULL;
    oracle->within_ns = oracle_read_duration(&oracle->base, "within");
    intern_init(&oracle->names, &oracle->base.host);
    table_init(&oracle->broker_table, &oracle->base.host);
    table_init(&oracle->topic_table, &oracle->base.host);
    table_init(&oracle->count_table, &oracle->base.host);
    table_init(&oracle->full_table, &oracle->base.host);
    return oracle_ready(oracle, error);
}

/* ---- tables of the name servers, as their events tell ---- */

static struct server_hash *hash_of(struct convergence *oracle, uint16_t server) {
    while (server >= oracle->hash_limit) {
        size_t capacity = oracle->hash_limit;
        struct server_hash *grown = array_room(&oracle->base.host, oracle->hashes,
                                               oracle->hash_limit, &capacity, sizeof *grown);
        if (grown == NULL)
            return NULL;
        oracle->hashes = grown;
        oracle->hash_limit = capacity;
    }
    return &oracle->hashes[server];
}

static uint64_t broker_hash(const struct broker_row *row) {
    return table_key(row->broker, (uint64_t)row->broker_id, row->address, 1);
}

static uint64_t topic_hash(const struct topic_row *row) {
    return table_key(row->topic, row->broker, row->queues, row->perm);
}

static struct broker_row *broker_row(struct convergence *oracle, uint16_t server,
                                     struct span broker, int64_t broker_id) {
    uint32_t name = intern_add(&oracle->names, broker);
    uint64_t *at =
        table_put(&oracle->broker_table, table_key(server, name, (uint64_t)broker_id, 0));
    struct broker_row *rows = array_room(&oracle->base.host, oracle->brokers, oracle->broker_count,
                                         &oracle->broker_capacity, sizeof *rows);
    if (name == 0 || at == NULL || rows == NULL)
        return NULL;
    oracle->brokers = rows;
    if (*at == 0) {
        rows[oracle->broker_count++] =
            (struct broker_row){.server = server, .broker = name, .broker_id = broker_id};
        *at = oracle->broker_count;
    }
    return &rows[*at - 1];
}

static struct topic_row *topic_row(struct convergence *oracle, uint16_t server, struct span topic,
                                   struct span broker) {
    uint32_t name = intern_add(&oracle->names, broker);
    uint32_t topic_name = intern_add(&oracle->names, topic);
    uint64_t *at = table_put(&oracle->topic_table, table_key(server, topic_name, name, 0));
    struct topic_row *rows = array_room(&oracle->base.host, oracle->topics, oracle->topic_count,
                                        &oracle->topic_capacity, sizeof *rows);
    if (name == 0 || topic_name == 0 || at == NULL || rows == NULL)
        return NULL;
    oracle->topics = rows;
    if (*at == 0) {
        rows[oracle->topic_count++] =
            (struct topic_row){.server = server, .topic = topic_name, .broker = name};
        *at = oracle->topic_count;
    }
    return &rows[*at - 1];
}

static struct broker_count *count_of(struct convergence *oracle, uint16_t server, uint32_t broker) {
    uint64_t *at = table_put(&oracle->count_table, table_key(server, broker, 0, 0));
    struct broker_count *counts =
        array_room(&oracle->base.host, oracle->counts, oracle->count_count, &oracle->count_capacity,
                   sizeof *counts);
    if (at == NULL || counts == NULL)
        return NULL;
    oracle->counts = counts;
    if (*at == 0) {
        counts[oracle->count_count++] = (struct broker_count){.server = server, .broker = broker};
        *at = oracle->count_count;
    }
    return &counts[*at - 1];
}

/* Replaces a row by `after`, keeping sums and counts. */
static void set_broker(struct convergence *oracle, struct broker_row *row, bool listed,
                       uint32_t address) {
    struct server_hash *hash = hash_of(oracle, row->server);
    struct broker_count *count = count_of(oracle, row->server, row->broker);
    if (hash == NULL || count == NULL) {
        oracle->base.no_memory = true;
        return;
    }
    if (row->listed) {
        hash->brokers -= broker_hash(row);
        count->addresses--;
    }
    row->listed = listed;
    row->address = address;
    if (row->listed) {
        hash->brokers += broker_hash(row);
        count->addresses++;
    }
}

static void set_topic(struct convergence *oracle, struct topic_row *row, bool present,
                      uint64_t queues, uint32_t perm) {
    struct server_hash *hash = hash_of(oracle, row->server);
    struct broker_count *count = count_of(oracle, row->server, row->broker);
    if (hash == NULL || count == NULL) {
        oracle->base.no_memory = true;
        return;
    }
    if (row->present) {
        hash->topics -= topic_hash(row);
        count->topics--;
    }
    row->present = present;
    row->queues = queues;
    row->perm = perm;
    if (row->present) {
        hash->topics += topic_hash(row);
        count->topics++;
    }
}

/* A name server's process came or went: its tables are gone. */
static void forget_server(struct convergence *oracle, uint16_t server) {
    const struct cluster_node *node = cluster_node(oracle->base.host.cluster, server);
    if (node == NULL || node->role != CLUSTER_NAMESRV)
        return;
    for (size_t i = 0; i < oracle->broker_count; i++)
        if (oracle->brokers[i].server == server)
            set_broker(oracle, &oracle->brokers[i], false, 0);
    for (size_t i = 0; i < oracle->topic_count; i++)
        if (oracle->topics[i].server == server)
            set_topic(oracle, &oracle->topics[i], false, 0, 0);
}

/* ---- judging ---- */

/* The record that ends a quiet time has changed the cluster already: a node that comes up with it
 * was not there in that time. */
static bool is_judged(const struct convergence *oracle, const struct cluster_node *node,
                      enum cluster_role role) {
    return node != NULL && node->role == role && cluster_is_healthy(node) &&
           cluster_healthy_since(node) <= oracle->disturbed_ns &&
           !oracle_excuses(&oracle->base, node);
}

static void fail_at(struct convergence *oracle, const struct cluster_node *server, uint64_t now_ns,
                    const char *what, struct span broker, struct span topic) {
    bool first =
        oracle_fail(&oracle->base, "after " SECONDS_FORMAT " of quiet %.*s %s%s%.*s%s%.*s",
                    SECONDS(now_ns - oracle->disturbed_ns), TEXT(server->name), what,
                    topic.len > 0 ? " topic " : "", TEXT(topic), " of broker ", TEXT(broker));
    if (!first)
        return;
    oracle_witness(&oracle->base, (struct oracle_mark){oracle->disturbed_ns, 0, 0},
                   "last disturbance");
    oracle_witness(&oracle->base, (struct oracle_mark){now_ns, server->node, 0}, "%.*s still %s it",
                   TEXT(server->name), what);
}

/* What `a` has and `b` has not, or has otherwise. */
static bool find_broker_difference(struct convergence *oracle, const struct cluster_node *a,
                                   const struct cluster_node *b, uint64_t now_ns) {
    for (size_t i = 0; i < oracle->broker_count; i++) {
        const struct broker_row *row = &oracle->brokers[i];
        if (row->server != a->node || !row->listed)
            continue;
        const uint64_t *at = table_get(
            &oracle->broker_table, table_key(b->node, row->broker, (uint64_t)row->broker_id, 0));
        const struct broker_row *other = at == NULL ? NULL : &oracle->brokers[*at - 1];
        bool listed = other != NULL && other->listed;
        if (listed && other->address == row->address)
            continue;
        fail_at(oracle, b, now_ns, listed ? "has another address" : "does not list an address",
                intern_text(&oracle->names, row->broker), SPAN_NONE);
        return true;
    }
    return false;
}

static bool find_topic_difference(struct convergence *oracle, const struct cluster_node *a,
                                  const struct cluster_node *b, uint64_t now_ns) {
    for (size_t i = 0; i < oracle->topic_count; i++) {
        const struct topic_row *row = &oracle->topics[i];
        if (row->server != a->node || !row->present)
            continue;
        const uint64_t *at =
            table_get(&oracle->topic_table, table_key(b->node, row->topic, row->broker, 0));
        const struct topic_row *other = at == NULL ? NULL : &oracle->topics[*at - 1];
        bool present = other != NULL && other->present;
        if (present && topic_hash(other) == topic_hash(row))
            continue;
        fail_at(oracle, b, now_ns, present ? "has other queues for" : "does not know",
                intern_text(&oracle->names, row->broker), intern_text(&oracle->names, row->topic));
        return true;
    }
    return false;
}

static void find_difference(struct convergence *oracle, const struct cluster_node *a,
                            const struct cluster_node *b, uint64_t now_ns) {
    if (!find_broker_difference(oracle, a, b, now_ns) &&
        !find_broker_difference(oracle, b, a, now_ns) &&
        !find_topic_difference(oracle, a, b, now_ns))
        find_topic_difference(oracle, b, a, now_ns);
}

static void compare_servers(struct convergence *oracle, uint64_t now_ns) {
    const struct cluster *cluster = oracle->base.host.cluster;
    const struct cluster_node *first = NULL;
    for (size_t i = 1; i < cluster->node_limit; i++) {
        const struct cluster_node *server = cluster_node(cluster, (uint16_t)i);
        struct server_hash *hash;
        if (!is_judged(oracle, server, CLUSTER_NAMESRV) ||
            (hash = hash_of(oracle, server->node)) == NULL)
            continue;
        oracle->base.verdict.checked++;
        if (first == NULL) {
            first = server;
            continue;
        }
        const struct server_hash *expected = hash_of(oracle, first->node);
        if (hash->brokers == expected->brokers && hash->topics == expected->topics)
            continue;
        find_difference(oracle, first, server, now_ns);
    }
}

static void compare_broker(struct convergence *oracle, const struct cluster_node *server,
                           const struct cluster_node *broker, uint64_t now_ns) {
    const struct broker_row *row =
        broker_row(oracle, server->node, broker->broker, broker->broker_id);
    if (row == NULL)
        return;
    oracle->base.verdict.checked++;
    if (!row->listed) {
        fail_at(oracle, server, now_ns, "does not list an address", broker->broker, SPAN_NONE);
        return;
    }
    if (broker->address.len > 0 &&
        !span_equal(broker->address, intern_text(&oracle->names, row->address)))
        fail_at(oracle, server, now_ns, "has another address", broker->broker, SPAN_NONE);
    const uint64_t *full = table_get(&oracle->full_table, broker->node);
    const struct broker_count *count = count_of(oracle, server->node, row->broker);
    if (full == NULL || count == NULL || broker->broker_id != 0 || *full == count->topics)
        return;
    if (oracle_fail(&oracle->base,
                    "after " SECONDS_FORMAT " of quiet %.*s knows %u topics of broker %.*s, which "
                    "registers %llu",
                    SECONDS(now_ns - oracle->disturbed_ns), TEXT(server->name), count->topics,
                    TEXT(broker->broker), (unsigned long long)*full)) {
        oracle_witness(&oracle->base, (struct oracle_mark){oracle->disturbed_ns, 0, 0},
                       "last disturbance");
        oracle_witness(&oracle->base, (struct oracle_mark){now_ns, server->node, 0},
                       "still %u topics instead of %llu", count->topics, (unsigned long long)*full);
    }
}

static void compare_brokers(struct convergence *oracle, uint64_t now_ns) {
    const struct cluster *cluster = oracle->base.host.cluster;
    for (size_t i = 1; i < cluster->node_limit; i++) {
        const struct cluster_node *server = cluster_node(cluster, (uint16_t)i);
        if (!is_judged(oracle, server, CLUSTER_NAMESRV))
            continue;
        for (size_t j = 1; j < cluster->node_limit; j++) {
            const struct cluster_node *broker = cluster_node(cluster, (uint16_t)j);
            if (is_judged(oracle, broker, CLUSTER_BROKER))
                compare_broker(oracle, server, broker, now_ns);
        }
    }
}

static void find_orphans(struct convergence *oracle, uint64_t now_ns) {
    for (size_t i = 0; i < oracle->count_count; i++) {
        const struct broker_count *count = &oracle->counts[i];
        const struct cluster_node *server = cluster_node(oracle->base.host.cluster, count->server);
        if (count->topics == 0 || count->addresses != 0 ||
            !is_judged(oracle, server, CLUSTER_NAMESRV))
            continue;
        fail_at(oracle, server, now_ns, "keeps topics without any address",
                intern_text(&oracle->names, count->broker), SPAN_NONE);
    }
}

static void judge(struct convergence *oracle, uint64_t now_ns) {
    oracle->judged = true;
    compare_servers(oracle, now_ns);
    compare_brokers(oracle, now_ns);
    find_orphans(oracle, now_ns);
}

static bool is_quiet(const struct convergence *oracle, uint64_t now_ns) {
    return oracle->open_faults == 0 && now_ns - oracle->disturbed_ns >= oracle->within_ns;
}

/* ---- the stream ---- */

/* Before the record counts: is this the end of a quiet time, or the moment it is long enough? */
static void watch_quiet(struct convergence *oracle, const struct record *record) {
    const struct cluster *cluster = oracle->base.host.cluster;
    uint64_t now_ns = record->world_ns;
    bool disturbed = cluster->disturbed_ns != oracle->disturbed_ns;
    if ((disturbed || !oracle->judged) && is_quiet(oracle, now_ns))
        judge(oracle, now_ns);
    if (disturbed)
        oracle->judged = false;
    oracle->disturbed_ns = cluster->disturbed_ns;
    oracle->open_faults = cluster->open_faults;
}

static void on_broker(struct convergence *oracle, const struct record *record, bool listed) {
    struct broker_row *row =
        broker_row(oracle, record->node, record_text(record, 1), record_int(record, 2));
    uint32_t address = intern_add(&oracle->names, record_text(record, 3));
    if (row == NULL || address == 0)
        oracle->base.no_memory = true;
    else if (listed || row->listed)
        set_broker(oracle, row, listed, listed ? address : 0);
}

static void on_topic(struct convergence *oracle, const struct record *record, bool present) {
    struct topic_row *row =
        topic_row(oracle, record->node, record_text(record, 0), record_text(record, 1));
    if (row == NULL)
        oracle->base.no_memory = true;
    else if (present)
        set_topic(oracle, row, true, record_uint(record, 2) << 32 | record_uint(record, 3),
                  (uint32_t)record_uint(record, 4));
    else
        set_topic(oracle, row, false, 0, 0);
}

static void on_registration(struct convergence *oracle, const struct record *record) {
    if (record_uint(record, 2) != 0)
        return; /* an increment carries the changed topics only */
    uint64_t *topics = table_put(&oracle->full_table, record->node);
    if (topics == NULL)
        oracle->base.no_memory = true;
    else
        *topics = record_uint(record, 1);
}

static void on_record(void *self, const struct record *record) {
    struct convergence *oracle = self;
    watch_quiet(oracle, record);
    switch (record->kind) {
    case EVENT_route_broker_registered:
        on_broker(oracle, record, true);
        break;
    case EVENT_route_broker_evicted:
        on_broker(oracle, record, false);
        break;
    case EVENT_route_topic_set:
        on_topic(oracle, record, true);
        break;
    case EVENT_route_topic_removed:
        on_topic(oracle, record, false);
        break;
    case EVENT_registration_sent:
        on_registration(oracle, record);
        break;
    case EVENT_world_node_up:
    case EVENT_world_node_down:
        forget_server(oracle, record->node);
        break;
    default:
        break;
    }
}

static void finish(void *self, uint64_t end_ns, struct oracle_verdict *out) {
    struct convergence *oracle = self;
    if (is_quiet(oracle, end_ns))
        judge(oracle, end_ns);
    else if (oracle->open_faults > 0)
        oracle->base.unknown = "a fault still holds at the end of the run";
    else
        oracle->base.unknown = "the run ends too soon after the last disturbance";
    oracle_end(&oracle->base, "no healthy name server at the end", out);
}

const struct oracle_type ORACLE_CONVERGENCE = {
    .name = "convergence",
    .class_ = ORACLE_LIVENESS,
    .about = "after faults end, all name servers' tables agree with each other and with the "
             "brokers' registrations",
    .parameters = PARAMETERS,
    .parameter_count = sizeof PARAMETERS / sizeof PARAMETERS[0],
    .create = create,
    .on_record = on_record,
    .finish = finish,
};
