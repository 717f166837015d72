/* namesrv/route_register.c - the update rules of a registration, namesrv.md 6.
 *
 * A body is decoded twice: first whole, for its data version, its size and to refuse what is
 * malformed before anything changes; then to apply its topics. Almost every registration of a
 * running cluster is the same bytes again, and is not decoded at all. */
#include <xxhash.h>

#include "model/events.h"
#include "model/namesrv/route_table.h"

struct body_facts {
    struct register_body_info info;
    size_t topics;
    size_t filter_servers;
};

/* ---- the short way --------------------------------------------------------------------------- */

static uint64_t timeout_ns_of(const struct route_table *table,
                              const struct route_registration *registration) {
    int64_t millis = registration->heartbeat_timeout_millis;
    if (!table->options.profile_5_3 || millis <= 0 || millis > INT64_MAX / 1000000)
        return ROUTE_EXPIRY_NS;
    return (uint64_t)millis * 1000000;
}

#define HEADER_BYTES_MAX 1024 /* of all texts; longer ones take the long way each time */

static void put_number(uint8_t *out, size_t *len, int64_t number) {
    memcpy(out + *len, &number, sizeof number);
    *len += sizeof number;
}

static bool put_text(uint8_t *out, size_t *len, struct span text) {
    if (text.len > HEADER_BYTES_MAX)
        return false;
    put_number(out, len, span_is_absent(text) ? -1 : (int64_t)text.len);
    if (text.len > 0)
        memcpy(out + *len, text.data, text.len);
    *len += text.len;
    return *len <= HEADER_BYTES_MAX;
}

static void hash_bytes(const struct route_table *table, struct span bytes, uint64_t out[2]) {
    XXH128_hash_t hash = XXH3_128bits_withSeed(bytes.data, bytes.len, table->hash_key);
    out[0] = hash.low64;
    out[1] = hash.high64;
}

/* What was registered, header and body, as keyed hashes: so that a repetition is recognised without
 * looking at the texts of the last one. False: not eligible. */
static bool digest_of(const struct route_table *table,
                      const struct route_registration *registration, struct route_digest *digest) {
    uint8_t header[2 * HEADER_BYTES_MAX + 128];
    const struct span texts[] = {registration->broker, registration->cluster, registration->addr,
                                 registration->ha_addr, registration->zone};
    size_t len = 0;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (!put_text(header, &len, texts[i]))
            return false;
    put_number(header, &len, registration->id);
    put_number(header, &len, registration->heartbeat_timeout_millis);
    put_number(header, &len, registration->acting);
    put_number(header, &len, registration->form);
    put_number(header, &len, registration->request_version >= WIRE_VERSION_5_0_0);
    put_number(header, &len, registration->body_crc32);
    hash_bytes(table, span_of(header, len), digest->header);
    hash_bytes(table, registration->body, digest->body);
    digest->body_len = registration->body.len;
    return true;
}

static bool digest_equal(const struct route_digest *a, const struct route_digest *b) {
    return a->header[0] == b->header[0] && a->header[1] == b->header[1] &&
           a->body[0] == b->body[0] && a->body[1] == b->body[1] && a->body_len == b->body_len;
}

/* Mostly the connection's first entry is the one, and the map need not be asked. */
static struct route_live *find_live(const struct route_table *table,
                                    const struct route_registration *registration) {
    const struct route_source *source = registration->source;
    if (source != NULL && !list_is_empty(&source->lives)) {
        struct route_live *live = LIST_ENTRY(source->lives.next, struct route_live, in_source);
        if (span_equal(route_live_addr(live), registration->addr) &&
            span_equal(route_live_cluster(live), registration->cluster))
            return live;
    }
    return route_find_live(table, registration->cluster, registration->addr);
}

static void remember_accepted(struct route_live *live, struct route_broker *broker,
                              const struct route_registration *registration, size_t topics,
                              const struct route_digest *digest) {
    live->accepted.broker = digest == NULL || live->version.timestamp_missing ? NULL : broker;
    live->accepted.id = registration->id;
    live->accepted.generation = broker->generation;
    live->accepted.topics = (uint32_t)topics;
    if (digest != NULL)
        live->accepted.digest = *digest;
}

/* ---- what the body says ---------------------------------------------------------------------- */

static int count_topic(void *ctx, const struct topic_config *topic) {
    struct body_facts *facts = ctx;
    facts->topics++;
    return topic->name.len > 0 ? RMQ_OK : RMQ_E_INVALID;
}

static int count_filter_server(void *ctx, struct span address) {
    struct body_facts *facts = ctx;
    facts->filter_servers++;
    return address.len > 0 ? RMQ_OK : RMQ_E_INVALID;
}

static int examine_body(const struct route_table *table,
                        const struct route_registration *registration, struct body_facts *facts,
                        struct route_registered *result) {
    memset(facts, 0, sizeof *facts);
    struct register_body_visitor visitor = {count_topic, count_filter_server, facts};
    int err =
        register_body_decode(table->env, registration->body, registration->form,
                             registration->request_version, &visitor, &facts->info, &result->error);
    if (err == RMQ_OK || err == RMQ_E_NOMEM)
        return err;
    result->refusal = "Failed to decode RegisterBrokerBody";
    return RMQ_E_INVALID;
}

/* ---- who may register ------------------------------------------------------------------------ */

/* The live address that holds the same name and id, if it is another one. */
static struct route_addr *find_rival(const struct route_table *table,
                                     const struct route_registration *registration) {
    const struct route_broker *broker = route_find_broker(table, registration->broker);
    struct route_addr *holder = broker == NULL ? NULL : route_find_addr(broker, registration->id);
    if (holder == NULL || span_equal(route_live_addr(holder->live), registration->addr))
        return NULL;
    return holder;
}

/* namesrv.md 6.2 step 4 (5.3.3) and INC-10; see namesrv.h, rejectLiveConflict. */
static int check_rival(const struct route_table *table, int64_t state_version,
                       const struct route_addr *rival, struct route_registered *result) {
    if (rival == NULL || quirk_on(table->options.quirks, QUIRK_MASTER_FLIP) ||
        state_version > rival->live->version.state_version)
        return RMQ_OK;
    if (table->options.reject_live_conflict) {
        result->refusal = "another live address holds this broker name and id";
        return RMQ_E_EXISTS;
    }
    result->ignored =
        table->options.profile_5_3 && state_version < rival->live->version.state_version;
    return RMQ_OK;
}

/* 5.3.3 forgets the newcomer's liveness and answers success. */
static void ignore_registration(struct route_table *table,
                                const struct route_registration *registration) {
    event_route_registration_refused(table->env, registration->broker, registration->addr, 0,
                                     SPAN_LITERAL("a live address has a larger stateVersion"));
    struct route_live *live = route_find_live(table, registration->cluster, registration->addr);
    if (live != NULL)
        route_live_evict(table, live, "superseded");
}

/* ---- addresses ------------------------------------------------------------------------------- */

/* One address, one id: a slave that became master leaves its old id. */
static void leave_other_ids(struct route_table *table, struct route_broker *broker,
                            const struct route_live *live, int64_t id) {
    LIST_EACH(&broker->addrs, link, next) {
        struct route_addr *addr = LIST_ENTRY(link, struct route_addr, in_broker);
        if (addr->id != id && span_equal(route_live_addr(addr->live), route_live_addr(live)))
            route_addr_remove(table, addr, "superseded");
    }
}

static void take_over(struct route_table *table, struct route_addr *rival,
                      const struct route_live *live) {
    event_route_address_changed(table->env, ROUTE_NAME(rival->broker), rival->id,
                                route_live_addr(rival->live), route_live_addr(live), 1);
    route_addr_remove(table, rival, "superseded");
}

static int set_identity(struct route_table *table, struct route_broker *broker,
                        const struct route_registration *registration) {
    int err = route_broker_join(table, broker, registration->cluster);
    if (err != RMQ_OK || !table->options.profile_5_3)
        return err;
    bool acting = registration->acting == ROUTE_ACTING_TRUE;
    if (broker->enable_acting_master != acting || !span_equal(broker->zone, registration->zone))
        broker->generation++;
    broker->enable_acting_master = acting;
    return route_text_set(table->env, &broker->zone, registration->zone);
}

/* ---- topics ---------------------------------------------------------------------------------- */

struct applying {
    struct route_table *table;
    struct route_broker *broker;
    bool changed; /* apply every topic; else only those that this broker does not have */
    bool read_only;
    size_t applied;
    struct span *filter_servers;
    size_t filter_server_count;
    bool has_topics;   /* this id's topics count */
    struct list named; /* queue_data.in_broker, while deleteTopicWithBrokerRegistration works */
};

static bool has_queue(const struct route_table *table, const struct route_broker *broker,
                      struct span name) {
    const struct route_topic *topic = route_find_topic(table, name);
    return topic != NULL && route_find_queue(table, topic, broker) != NULL;
}

/* Takes queue data that the body names out of its broker's list, in which those to remove stay. */
static void set_aside(struct applying *applying, struct span name) {
    const struct route_topic *topic = route_find_topic(applying->table, name);
    struct queue_data *queue =
        topic == NULL ? NULL : route_find_queue(applying->table, topic, applying->broker);
    if (queue == NULL)
        return;
    list_remove(&queue->in_broker);
    list_append(&applying->named, &queue->in_broker);
}

static int apply_topic(void *ctx, const struct topic_config *topic) {
    struct applying *applying = ctx;
    struct route_table *table = applying->table;
    if (!applying->has_topics)
        return RMQ_OK;
    bool cured = !quirk_on(table->options.quirks, QUIRK_INCREMENT_HIDES_TOPICS);
    if (applying->changed || (cured && !has_queue(table, applying->broker, topic->name))) {
        struct topic_config config = *topic;
        if (applying->read_only)
            config.perm &= ~PERM_WRITE;
        bool changed;
        int err = route_queue_set(table, applying->broker, &config, &changed);
        if (err != RMQ_OK)
            return err;
        applying->applied += changed ? 1 : 0;
    }
    if (table->options.delete_topic_with_registration)
        set_aside(applying, topic->name);
    return RMQ_OK;
}

static int apply_filter_server(void *ctx, struct span address) {
    struct applying *applying = ctx;
    int err = route_text_set(applying->table->env,
                             &applying->filter_servers[applying->filter_server_count], address);
    if (err == RMQ_OK)
        applying->filter_server_count++;
    return err;
}

static void remove_unnamed(struct route_table *table, struct route_broker *broker) {
    LIST_EACH(&broker->queues, link, next) {
        route_queue_remove(table, LIST_ENTRY(link, struct queue_data, in_broker), "absent");
    }
}

static void put_back(struct applying *applying) {
    LIST_EACH(&applying->named, link, next) {
        list_remove(link);
        list_append(&applying->broker->queues, link);
    }
}

static void free_filter_servers(struct env *env, struct span *servers, size_t count) {
    for (size_t i = 0; i < count; i++)
        env_free(env, (void *)servers[i].data);
    env_free(env, servers);
}

static int apply_body(struct applying *applying, const struct route_registration *registration,
                      const struct body_facts *facts, struct route_live *live) {
    struct env *env = applying->table->env;
    if (facts->filter_servers > 0) {
        applying->filter_servers = env_alloc(env, facts->filter_servers * sizeof(struct span));
        if (applying->filter_servers == NULL)
            return RMQ_E_NOMEM;
        memset(applying->filter_servers, 0, facts->filter_servers * sizeof(struct span));
    }
    struct register_body_visitor visitor = {apply_topic, apply_filter_server, applying};
    struct register_body_info info;
    struct wire_error error;
    int err = register_body_decode(env, registration->body, registration->form,
                                   registration->request_version, &visitor, &info, &error);
    if (err != RMQ_OK || !facts->info.has_filter_servers) {
        free_filter_servers(env, applying->filter_servers, applying->filter_server_count);
        return err;
    }
    free_filter_servers(env, live->filter_servers, live->filter_server_count);
    live->filter_servers = applying->filter_servers;
    live->filter_server_count = applying->filter_server_count;
    return RMQ_OK;
}

/* Slaves contribute no topics, but for 5.3's prime slave: the smallest id without a master. */
static bool topics_count(const struct route_table *table, const struct route_broker *broker,
                         const struct route_registration *registration, bool *read_only) {
    *read_only = false;
    if (registration->id == ROUTE_MASTER_ID)
        return true;
    if (!table->options.profile_5_3 || registration->acting == ROUTE_ACTING_ABSENT)
        return false;
    const struct route_addr *first = LIST_ENTRY(broker->addrs.next, struct route_addr, in_broker);
    *read_only = broker->enable_acting_master;
    return first->id == registration->id;
}

/* ---- live entry and answer ------------------------------------------------------------------- */

static void touch(struct route_table *table, struct route_live *live,
                  const struct route_registration *registration) {
    uint64_t now_ns = env_mono_ns(table->env);
    live->registered_ns = live->refreshed_ns = now_ns;
    live->timeout_ns = timeout_ns_of(table, registration);
    list_remove(&live->in_age);
    list_append(live->timeout_ns == ROUTE_EXPIRY_NS ? &table->by_age : &table->own_timeout,
                &live->in_age);
    if (live->source != registration->source || list_is_empty(&live->in_source)) {
        list_remove(&live->in_source);
        live->source = registration->source;
        if (live->source != NULL)
            list_append(&live->source->lives, &live->in_source);
    }
}

static void find_master(const struct route_broker *broker,
                        const struct route_registration *registration,
                        struct route_registered *result) {
    result->master_addr = result->master_ha_addr = SPAN_NONE;
    if (registration->id == ROUTE_MASTER_ID)
        return;
    const struct route_addr *master = route_find_addr(broker, ROUTE_MASTER_ID);
    if (master == NULL)
        return;
    result->master_addr = route_live_addr(master->live);
    result->master_ha_addr = master->live->ha_addr;
}

static void report_registered(const struct route_table *table,
                              const struct route_registration *registration,
                              const struct route_live *live,
                              const struct route_registered *result) {
    event_route_broker_registered(table->env, registration->cluster, registration->broker,
                                  registration->id, registration->addr, result->first,
                                  result->topics, live->version.counter, result->applied);
}

/* Once per broker name: no broker of ours has an HA port yet, so that a slave of one copies nothing
 * (its master may be Apache's, then all is well). */
static void report_slave(const struct route_table *table, struct route_broker *broker,
                         const struct route_registration *registration) {
    if (registration->id == ROUTE_MASTER_ID || broker->slave_seen)
        return;
    broker->slave_seen = true;
    event_route_slave_seen(table->env, registration->cluster, registration->broker,
                           registration->id, registration->addr);
    char id[DECIMAL_BYTES_MAX + 1];
    id[format_i64(id, registration->id)] = 0;
    env_log(table->env, ENV_LOG_WARN,
            "broker %.*s has a slave: id %s, %.*s; Windtunnel's masters do not replicate yet",
            (int)registration->broker.len, (const char *)registration->broker.data, id,
            (int)registration->addr.len, (const char *)registration->addr.data);
}

/* ---- the long way ---------------------------------------------------------------------------- */

/* Steps 1 to 4 of namesrv.md 6: names, addresses. RMQ_E_STATE is the single topic guard. */
static int set_address(struct route_table *table, struct route_broker *broker,
                       struct route_live *live, const struct route_registration *registration,
                       const struct body_facts *facts, struct route_registered *result) {
    int err = set_identity(table, broker, registration);
    if (err != RMQ_OK)
        return err;
    leave_other_ids(table, broker, live, registration->id);
    struct route_addr *rival = find_rival(table, registration);
    if (rival != NULL)
        take_over(table, rival, live);
    struct route_addr *own = route_find_addr(broker, registration->id);
    result->first = own == NULL && rival == NULL;
    if (result->first && facts->topics == 1 &&
        quirk_on(table->options.quirks, QUIRK_SINGLE_TOPIC_GUARD)) {
        result->refusal = "register broker failed";
        return RMQ_E_STATE;
    }
    if (own != NULL && own->live != live) { /* 5.3: same address under another cluster */
        route_addr_remove(table, own, "superseded");
        own = NULL;
    }
    return own != NULL ? RMQ_OK : route_addr_add(table, broker, registration->id, live);
}

static int apply(struct route_table *table, struct route_broker *broker, struct route_live *live,
                 const struct route_registration *registration, const struct body_facts *facts,
                 struct route_registered *result) {
    struct applying applying = {.table = table, .broker = broker};
    applying.changed = result->first || !live->version_known ||
                       !data_version_equal(&live->version, &facts->info.version) ||
                       env_plant(table->env, PLANT_NAMESRV_PERM_RETURNS);
    applying.has_topics = topics_count(table, broker, registration, &applying.read_only);
    list_init(&applying.named);
    int err = apply_body(&applying, registration, facts, live);
    result->applied = applying.applied;
    if (err == RMQ_OK && applying.has_topics && table->options.delete_topic_with_registration &&
        !facts->info.has_mappings)
        remove_unnamed(table, broker);
    put_back(&applying);
    if (err != RMQ_OK)
        return err;
    return route_text_set(table->env, &live->ha_addr, registration->ha_addr);
}

static int register_changed(struct route_table *table, struct route_live *live,
                            struct route_broker *broker,
                            const struct route_registration *registration,
                            const struct body_facts *facts, struct route_registered *result) {
    int64_t smallest_before =
        list_is_empty(&broker->addrs)
            ? 0
            : LIST_ENTRY(broker->addrs.next, struct route_addr, in_broker)->id;
    int err = set_address(table, broker, live, registration, facts, result);
    if (err != RMQ_OK)
        return err;
    touch(table, live, registration);
    err = apply(table, broker, live, registration, facts, result);
    if (err != RMQ_OK) {
        live->version_known = false;
        live->accepted.broker = NULL;
        return err;
    }
    live->version = facts->info.version;
    live->version_known = true;
    if (table->options.profile_5_3 && registration->id < smallest_before &&
        table->on_min_id_changed != NULL)
        table->on_min_id_changed(table->on_min_id_changed_ctx, broker, SPAN_NONE, live->ha_addr);
    return RMQ_OK;
}

/* Takes back what a refused or failed registration has created. */
static void undo_created(struct route_table *table, struct route_live *live,
                         struct route_broker *broker, bool keep_broker) {
    if (broker != NULL && list_is_empty(&broker->addrs) && !keep_broker)
        route_broker_drop(table, broker);
    if (live != NULL && list_is_empty(&live->holders))
        route_live_drop(table, live);
}

static int register_decoded(struct route_table *table,
                            const struct route_registration *registration,
                            const struct body_facts *facts, const struct route_digest *digest,
                            struct route_registered *result) {
    struct route_live *live = route_live_get(table, registration->cluster, registration->addr);
    if (live == NULL)
        return RMQ_E_NOMEM;
    struct route_broker *broker = route_broker_get(table, registration->broker);
    int err = broker == NULL ? RMQ_E_NOMEM
                             : register_changed(table, live, broker, registration, facts, result);
    if (err != RMQ_OK) {
        undo_created(table, live, broker, err == RMQ_E_STATE);
        return err;
    }
    remember_accepted(live, broker, registration, facts->topics, digest);
    find_master(broker, registration, result);
    report_registered(table, registration, live, result);
    report_slave(table, broker, registration);
    return RMQ_OK;
}

/* The short way: true when it was taken. */
static bool register_unchanged(struct route_table *table,
                               const struct route_registration *registration,
                               const struct route_digest *digest, struct route_registered *result) {
    struct route_live *live = find_live(table, registration);
    if (live == NULL || live->accepted.broker == NULL ||
        live->accepted.broker->generation != live->accepted.generation ||
        !digest_equal(&live->accepted.digest, digest))
        return false;
    result->unchanged = true;
    result->topics = live->accepted.topics;
    touch(table, live, registration);
    find_master(live->accepted.broker, registration, result);
    report_registered(table, registration, live, result);
    return true;
}

static int admit(const struct route_table *table, const struct route_registration *registration,
                 struct body_facts *facts, struct route_registered *result) {
    if (registration->cluster.len + registration->addr.len >= ROUTE_KEY_MAX) {
        result->refusal = "cluster name and broker address are too long";
        return RMQ_E_INVALID;
    }
    if (registration->cluster.len == 0 || registration->broker.len == 0 ||
        registration->addr.len == 0) {
        result->refusal = "cluster name, broker name or broker address is empty";
        return RMQ_E_INVALID;
    }
    struct span body = registration->body;
    if (registration->body_crc32 != 0 &&
        registration->body_crc32 != (body.len == 0 ? 0 : wire_crc32(body))) {
        result->refusal = "crc32 not match";
        return RMQ_E_INVALID;
    }
    int err = examine_body(table, registration, facts, result);
    if (err != RMQ_OK)
        return err;
    result->topics = facts->topics;
    return check_rival(table, facts->info.version.state_version, find_rival(table, registration),
                       result);
}

int route_table_register(struct route_table *table, const struct route_registration *registration,
                         struct route_registered *result) {
    memset(result, 0, sizeof *result);
    struct route_digest digest;
    bool eligible = digest_of(table, registration, &digest);
    if (eligible && register_unchanged(table, registration, &digest, result))
        return RMQ_OK;
    struct body_facts facts;
    int err = admit(table, registration, &facts, result);
    if (err == RMQ_OK && result->ignored)
        ignore_registration(table, registration);
    else if (err == RMQ_OK)
        err = register_decoded(table, registration, &facts, eligible ? &digest : NULL, result);
    if (err != RMQ_OK && result->refusal != NULL)
        event_route_registration_refused(table->env, registration->broker, registration->addr, 1,
                                         span_of_text(result->refusal));
    return err;
}
