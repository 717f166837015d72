/* namesrv/route_table.h - the route tables of one name server: who is registered, alive, and
 * serves which topic. Pure data: no connection, no timer of its own, events out by env_event.
 *
 * Apache keeps six maps. Here they are objects that know each other, so that removing a broker
 * costs its own entries and not a walk over all topics:
 *
 *   topicQueueTable      route_topic -> list of queue_data           (topics, in order of creation)
 *   brokerAddrTable      route_broker -> list of route_addr by id    (brokers, in order of
 * creation) clusterAddrTable     route_cluster -> list of route_member       (clusters, in order of
 * creation) brokerLiveTable      route_live, key addr (5.3: addr and cluster) filterServerTable
 * route_live.filter_servers: same key and lifetime as the live entry
 *
 * topicQueueMappingInfoTable (5.3's static topics) is not kept: see namesrv.h, "Not here".
 *
 * Invariants, verified by route_table_check:
 *   R1  every route_addr has a live entry, and is listed as a holder of it;
 *   R2  a broker's addresses are sorted by id, ids are unique, and no address appears twice;
 *   R3  a broker is a member of at least one cluster, a cluster has at least one member;
 *   R4  a topic has at least one queue entry, each (topic, broker) pair at most one, and the pair
 *       index finds exactly these;
 *   R5  a broker without address exists only under quirk.singleTopicGuard or the plant keep_topics;
 *   R6  the age list is ordered by refreshed_ns, and holds each live entry without own timeout;
 *   R7  each live entry is in the list of its source, if it has one;
 *   R8  a live entry whose accepted.broker is set holds an address of that broker.
 *
 * Single-threaded, so what namesrv.md 17 calls atomic is. Source: namesrv.md 4 to 12, 15. */
#ifndef MODEL_NAMESRV_ROUTE_TABLE_H
#define MODEL_NAMESRV_ROUTE_TABLE_H

#include "model/base/list.h"
#include "model/base/map.h"
#include "model/namesrv/route_pairs.h"
#include "model/quirks.h"
#include "model/wire/body.h"

#define ROUTE_EXPIRY_NS UINT64_C(120000000000) /* BROKER_CHANNEL_EXPIRED_TIME */
#define ROUTE_MASTER_ID 0
#define ROUTE_KEY_MAX 512 /* bytes of an address and a cluster name together; more is refused */

/* What registered brokers: one connection. Owned by the caller; must outlive its live entries
 * (route_table_lose_source empties it). */
struct route_source {
    struct list lives; /* route_live.in_source, in order of first registration */
};

struct route_cluster {
    UT_hash_handle hh;
    bool map_failed;
    struct list members; /* route_member.in_cluster */
    size_t name_len;
    char name[];
};

/* Broker name b is listed in cluster c. */
struct route_member {
    struct list in_cluster;
    struct list in_broker;
    struct route_cluster *cluster;
    struct route_broker *broker;
};

struct route_broker {
    UT_hash_handle hh;
    bool map_failed;
    bool enable_acting_master; /* 5.3; of the last registration under this name */
    bool slave_seen;           /* an id other than the master's has registered */
    uint32_t number;           /* for the pair index */
    /* Rises with each change of the addresses or queue data below. A live entry that remembers the
     * value knows that nothing has happened since its last registration. */
    uint64_t generation;
    struct list memberships; /* in order; the first is "the" cluster, of the first registration */
    struct list addrs;       /* route_addr.in_broker, by id */
    struct list queues;      /* queue_data.in_broker, in order of creation */
    struct span zone;        /* owned; absent when none */
    size_t name_len;
    char name[];
};

/* brokerAddrs[id] = address of a live entry. */
struct route_addr {
    struct list in_broker;
    struct list in_live;
    struct route_broker *broker;
    struct route_live *live;
    int64_t id;
};

/* Keyed 128-bit hashes of a registration's header and body. */
struct route_digest {
    uint64_t header[2];
    uint64_t body[2];
    size_t body_len;
};

struct route_live {
    UT_hash_handle hh;
    bool map_failed;
    bool version_known; /* false: the next registration counts as changed */
    uint64_t refreshed_ns;
    uint64_t registered_ns; /* last request 103 */
    uint64_t timeout_ns;
    struct data_version version;
    struct list in_age;    /* route_table.by_age or .own_timeout */
    struct list in_source; /* alone when the source is gone */
    struct route_source *source;
    struct list holders; /* route_addr.in_live; empty after a takeover of its id (masterFlip) */
    struct span ha_addr; /* owned */
    struct span *filter_servers; /* owned, as are the texts */
    size_t filter_server_count;
    /* The last accepted registration, for the path that decodes nothing. */
    struct {
        struct route_broker *broker; /* NULL: take the long way */
        int64_t id;
        uint64_t generation;
        struct route_digest digest;
        uint32_t topics;
    } accepted;
    uint32_t addr_len;
    uint32_t cluster_len;
    char text[]; /* addr, NUL, cluster */
};

struct route_topic {
    UT_hash_handle hh;
    bool map_failed;
    uint32_t number;
    struct list queues; /* queue_data.in_topic, in order of creation */
    size_t name_len;
    char name[];
};

/* Queue data of one topic on one broker. */
struct queue_data {
    struct list in_topic;
    struct list in_broker;
    struct route_topic *topic;
    struct route_broker *broker;
    int32_t read_queue_nums;
    int32_t write_queue_nums;
    int32_t perm;
    int32_t sys_flag;
};

/* Why an address goes: silent for too long, the end of its connection (idle: nothing came over it
 * for 120 s), a farewell, another address of the same name and id. */
#define ROUTE_REASONS 5
extern const char *const ROUTE_REASON_TEXTS[ROUTE_REASONS];

struct route_options {
    bool profile_5_3;
    bool reject_live_conflict;
    bool delete_topic_with_registration;
    unsigned quirks;
};

struct route_table {
    struct env *env;
    uint64_t hash_key;
    struct route_options options;
    struct route_topic *topics;
    struct route_broker *brokers;
    struct route_cluster *clusters;
    struct route_live *lives;
    struct list by_age;      /* lives of the default timeout, longest unrefreshed first */
    struct list own_timeout; /* the others, in order of registration */
    struct route_pairs queues;
    uint32_t next_number;
    uint64_t evicted[ROUTE_REASONS]; /* addresses that went, by reason */
    /* 5.3's NOTIFY_MIN_BROKER_ID_CHANGE (namesrv.md 15.4): called after the smallest id of a broker
     * name changed and addresses remain. Exactly one of offline_addr and ha_addr is present. NULL:
     * nobody wants to know. */
    void (*on_min_id_changed)(void *ctx, const struct route_broker *broker,
                              struct span offline_addr, struct span ha_addr);
    void *on_min_id_changed_ctx;
};

/* hash_key: from env_random at start. */
void route_table_init(struct route_table *table, struct env *env, uint64_t hash_key,
                      const struct route_options *options);
/* Frees everything, without events. Sources must still exist; they are empty afterwards. */
void route_table_deinit(struct route_table *table);
/* True when all invariants hold; walks everything. */
bool route_table_check(const struct route_table *table);

/* ---- names --------------------------------------------------------------------------------- */

#define ROUTE_NAME(object) span_of((object)->name, (object)->name_len)
static inline struct span route_live_addr(const struct route_live *live) {
    return span_of(live->text, live->addr_len);
}
static inline struct span route_live_cluster(const struct route_live *live) {
    return span_of(live->text + live->addr_len + 1, live->cluster_len);
}
/* Cluster of the broker name's first registration. */
struct span route_broker_cluster(const struct route_broker *broker);

struct route_topic *route_find_topic(const struct route_table *table, struct span name);
struct route_broker *route_find_broker(const struct route_table *table, struct span name);
struct route_cluster *route_find_cluster(const struct route_table *table, struct span name);
/* 4.9: the cluster is not part of the key and may be absent. */
struct route_live *route_find_live(const struct route_table *table, struct span cluster,
                                   struct span addr);
/* NULL when the broker name has no such id. */
struct route_addr *route_find_addr(const struct route_broker *broker, int64_t id);
struct queue_data *route_find_queue(const struct route_table *table,
                                    const struct route_topic *topic,
                                    const struct route_broker *broker);

/* ---- registration (103): route_register.c ---------------------------------------------------- */

enum route_acting { ROUTE_ACTING_ABSENT, ROUTE_ACTING_FALSE, ROUTE_ACTING_TRUE };

struct route_registration {
    struct span cluster;
    struct span broker;
    struct span addr;
    struct span ha_addr;
    int64_t id;
    struct span body; /* absent: data version 0/0 and no topic */
    enum register_body_form form;
    int32_t request_version;
    int32_t body_crc32;               /* 0: not to be checked */
    int64_t heartbeat_timeout_millis; /* 5.3; 0: the default expiry */
    enum route_acting acting;         /* 5.3's enableActingMaster */
    struct span zone;                 /* 5.3; absent: none */
    struct route_source *source;
};

struct route_registered {
    bool first;     /* the name's id was not in the table */
    bool unchanged; /* same bytes as last time and nothing has happened since: nothing decoded */
    bool ignored;   /* 5.3 without rejectLiveConflict: a live address has a larger stateVersion */
    size_t topics;  /* in the body */
    size_t applied; /* topics whose queue data was added or changed */
    /* For a non-master whose name has a live master, else absent. Valid until the table changes. */
    struct span master_addr;
    struct span master_ha_addr;
    /* After a failure: */
    const char *refusal;     /* static text for the answer's remark */
    struct wire_error error; /* where the body is wrong; expected NULL otherwise */
};

/* Applies a registration by the rules of namesrv.md 6; emits route.* events.
 *
 * Out:  RMQ_OK; RMQ_E_INVALID (crc, undecodable body), RMQ_E_EXISTS (another live address holds
 *       this name and id), RMQ_E_STATE (quirk singleTopicGuard), each with result->refusal and
 *       nothing changed but what the guard leaves behind; RMQ_E_NOMEM: perhaps applied in part, and
 *       the next registration of this address counts as changed. */
int route_table_register(struct route_table *table, const struct route_registration *registration,
                         struct route_registered *result) RMQ_CHECK_RESULT;

/* ---- refresh, removal ------------------------------------------------------------------------ */

/* The entry counts as heard of now (322, 904). */
void route_table_refresh(struct route_table *table, struct route_live *live);

/* Unregistration (104), namesrv.md 8. Nothing to remove is no error. */
void route_table_unregister(struct route_table *table, struct span cluster, struct span broker,
                            struct span addr, int64_t id);

/* The connection is gone: removes what was last registered over it. Differs: Apache removes only
 * the first of several brokers that share a connection and leaves the rest to the scan. `reason` as
 * in event route.broker_evicted. */
void route_table_lose_source(struct route_table *table, struct route_source *source,
                             const char *reason);

/* Removes each entry that was not refreshed for *longer* than its timeout, longest silent first
 * (those with a timeout of their own after the others, in order of registration). For each, its
 * source (if it has one) is given to on_expired after the removal, to be closed. Returns how many
 * were removed. */
size_t route_table_scan(struct route_table *table,
                        void (*on_expired)(void *ctx, struct route_source *source), void *ctx);
static inline bool route_table_has_lives(const struct route_table *table) {
    return table->lives != NULL;
}

/* ---- administration -------------------------------------------------------------------------- */

/* 216; an absent or empty cluster: on all brokers. */
void route_table_delete_topic(struct route_table *table, struct span topic, struct span cluster);
/* 205 (writable false: clears the write bit) and 327 (true: sets permissions to exactly 6). Returns
 * the number of topics on that broker. */
size_t route_table_set_writable(struct route_table *table, struct span broker, bool writable);
/* 217, one queue data of it. RMQ_E_NOT_FOUND: unknown broker name. */
int route_table_set_queue(struct route_table *table, struct span broker,
                          const struct topic_config *config) RMQ_CHECK_RESULT;

/* ---- shared by the files of this module ------------------------------------------------------ */

/* Get or create; NULL when out of memory. */
struct route_broker *route_broker_get(struct route_table *table, struct span name);
struct route_live *route_live_get(struct route_table *table, struct span cluster, struct span addr);
/* Lists the broker name in the cluster. */
int route_broker_join(struct route_table *table, struct route_broker *broker, struct span cluster);
/* Removes a name that has no address, with its memberships and queue data. */
void route_broker_drop(struct route_table *table, struct route_broker *broker);
/* brokerAddrs[id] := live; the id must be free. */
int route_addr_add(struct route_table *table, struct route_broker *broker, int64_t id,
                   struct route_live *live);
/* Unlinks and frees, with event route.broker_evicted; the broker stays even if it is empty now. */
void route_addr_remove(struct route_table *table, struct route_addr *addr, const char *reason);
/* What follows the removal of an address: an empty broker goes with its topics; one with acting
 * master that lost its master becomes read-only, and a new smallest id is reported. */
void route_broker_after_removal(struct route_table *table, struct route_broker *broker,
                                int64_t smallest_before, struct span removed_addr);
/* Adds or changes one queue data; *changed says whether anything differs now. */
int route_queue_set(struct route_table *table, struct route_broker *broker,
                    const struct topic_config *config, bool *changed);
/* Event route.topic_set. */
void route_queue_report(const struct route_table *table, const struct queue_data *queue);
void route_queue_remove(struct route_table *table, struct queue_data *queue, const char *reason);
/* Removes an entry that nobody holds. */
void route_live_drop(struct route_table *table, struct route_live *live);
/* Removes the entry and everything it holds. */
void route_live_evict(struct route_table *table, struct route_live *live, const char *reason);
/* Replaces an owned text; an equal one is kept. */
int route_text_set(struct env *env, struct span *owned, struct span value);

#endif
