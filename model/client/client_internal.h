/* client/client_internal.h - the parts of one client instance, shared by its producers and
 * consumers.
 *
 * One node is one process with one instance: its topics and routes, the brokers it knows, and one
 * serial worker (Java's single-threaded executor) that polls routes, sends heartbeats and persists
 * offsets, each task waiting for the one before.
 *
 * Spans that a look-up gives end with the handler, or with a call that can change a route. */
#ifndef MODEL_CLIENT_CLIENT_INTERNAL_H
#define MODEL_CLIENT_CLIENT_INTERNAL_H

#include "model/base/fixed_rate.h"
#include "model/base/map.h"
#include "model/base/props.h"
#include "model/client/name_servers.h"
#include "model/client/rounds.h"
#include "model/client/route_cache.h"
#include "model/client/unique_id.h"

#define CLIENT_DEFAULT_TOPIC "TBW102"
#define CLIENT_INSTANCE_NAME_MAX 128
#define CLIENT_NS_PER_MS UINT64_C(1000000)

struct client;
struct client_topic;
struct heartbeat_writer;
struct load_set;

/* ---- routes (topics.c) ----------------------------------------------------------------------- */

/* Waits for a route that is being asked for. */
struct client_route_wait {
    struct list link;
    /* RMQ_OK: the name server has answered, and topic->route is the best there is (NULL: none);
     * else what kept it from answering. Not called after client_route_cancel. */
    void (*done)(void *ctx, int status);
    void *ctx;
    struct span default_topic;  /* absent: only the topic itself; else whose route is taken for a
                                   topic that is new, static text or the waiter's */
    int32_t default_queue_nums; /* and cut to at most this many queues per broker */
};

struct client_topic {
    UT_hash_handle hh;
    bool map_failed;
    bool configured; /* polled whoever uses it */
    bool polled;     /* in the round under way */
    bool asks_default;
    struct client *client;
    struct span name;
    struct route *route; /* NULL: none yet. Replaced, never removed (client.md 4.3, rule 2) */
    uint32_t version;    /* counts replacements */
    uint64_t asked;      /* number of its own query under way */
    uint64_t known;      /* of the query that `route` answers, or was found equal to */
    struct route_choice publish, subscribe; /* of `route`, made when first looked at */
    struct list waits;                      /* struct client_route_wait: a query is under way */
    struct name_server_call query;
    char text[]; /* the name */
};

/* NULL: nobody has asked for it yet. */
struct client_topic *client_topic_find(const struct client *client, struct span name);
/* Finds or adds. RMQ_E_NOMEM. Topics live as long as the client. */
int client_topic_get(struct client *client, struct span name,
                     struct client_topic **out) RMQ_CHECK_RESULT;
/* Queues a producer may write to, in Java's order (4.4); empty without a route. RMQ_E_NOMEM. The
 * array ends when topic->version changes. */
int client_publish_queues(struct client_topic *topic,
                          const struct route_choice **out) RMQ_CHECK_RESULT;
/* Queues a consumer may read, by broker name and id. */
int client_subscribe_queues(struct client_topic *topic,
                            const struct route_choice **out) RMQ_CHECK_RESULT;
/* Asks the name server, or joins the query under way. `wait` (done, ctx, default_* set) stays put
 * until done, which comes once, perhaps before return. */
void client_route_ask(struct client_topic *topic, struct client_route_wait *wait);
void client_route_cancel(struct client_route_wait *wait);
/* Takes an answer to 105 for the topic: RMQ_OK (an error code keeps the cached route), or why it
 * cannot be read. `asked` is client->route_queries as it was counted up for the query: an answer
 * to an older one than the cached route's changes nothing. `queues_max` cuts the counts of a
 * default topic's route (0: not). */
int client_route_answered(struct client_topic *topic, uint64_t asked,
                          const struct wire_command *response, int32_t queues_max) RMQ_CHECK_RESULT;
/* Request 105 for `name`, which outlives the encoding. */
void client_route_request(struct span name, struct wire_command *request);
void client_topics_free(struct client *client);

/* ---- brokers (brokers.c) --------------------------------------------------------------------- */

struct client_broker_addr {
    int64_t id; /* 0: the master */
    struct span addr;
};
struct client_broker {
    UT_hash_handle hh;
    bool map_failed;
    struct span name;
    struct client_broker_addr *addrs; /* by id; one block with their text */
    size_t addr_count;
    char text[];
};

/* The addresses that a route tells replace those known under the same names. */
int client_brokers_learn(struct client *client, const struct route *route) RMQ_CHECK_RESULT;
/* Forgets addresses that no cached route has (4.5). */
void client_brokers_remove_offline(struct client *client);
/* The master's address; absent: not known. */
struct span client_master_address(const struct client *client, struct span broker_name);
/* Where to pull from (4.6): the suggested id, else the next, else any, unless `only_this`. *found
 * (may be NULL) is its id. Absent: none. */
struct span client_pull_address(const struct client *client, struct span broker_name, int64_t id,
                                bool only_this, int64_t *found);
/* A random broker of the topic's route, its master or else a random slave; absent: none. */
struct span client_any_address(const struct client *client, struct span topic);
void client_brokers_free(struct client *client);

/* ---- heartbeats, unregistering (heartbeat.c, unregister.c) ----------------------------------- */

struct client_heartbeat {
    bool running;
    bool worker_waits; /* the round is the worker's */
    bool again;        /* client_heartbeat_now came meanwhile */
    struct client_round round;
    struct buf body;
    struct list greetings; /* 5.3: to brokers whose connection has just opened */
};
/* Begins a round now: after a group started, after a rebalance that changed something; or when the
 * one that runs has ended. Differs: Java leaves it out then, which is rare where threads wait for
 * their rounds, and would leave brokers with an old subVersion for 30 s here. */
void client_heartbeat_now(struct client *client);
/* Tells every known broker, one after the other, that the group has left (35). Runs by itself. */
void client_unregister(struct client *client, struct span group, bool consumer);
void client_unregister_cancel(struct client *client);
/* Its last broker has answered (instance.c). */
void client_group_gone(struct client *client);

/* ---- groups ---------------------------------------------------------------------------------- */

/* What a consumer gives its instance. */
struct client_consumer_hooks {
    /* Writes the group and its subscriptions into a heartbeat. */
    void (*heartbeat)(void *consumer, struct heartbeat_writer *writer);
    /* Each topic whose route must be polled. */
    void (*topics)(void *consumer, void (*each)(void *ctx, struct span topic), void *ctx);
    /* The cached route of a topic, which may be none of the consumer's, was replaced. */
    void (*route_changed)(void *consumer, struct span topic);
    /* Request 40 arrived, or (5.3) a connection to a broker opened: rebalance soon. */
    void (*members_changed)(void *consumer);
    /* Time to send offsets that changed (each persistConsumerOffsetInterval). */
    void (*persist)(void *consumer);
    /* Frees it without a word, timers and requests included: the client's start has failed. */
    void (*discard)(void *consumer);
};
/* Embedded in a consumer. */
struct client_consumer {
    struct list link;
    struct span group; /* wrapped by the namespace; the consumer's */
    const struct client_consumer_hooks *hooks;
    void *consumer;
};
/* From now on it takes part in heartbeats, polls and persisting. RMQ_E_EXISTS: the instance has a
 * consumer of this group. */
int client_consumer_add(struct client *client, struct client_consumer *member) RMQ_CHECK_RESULT;
/* The opposite; sends nothing (client_unregister does). */
void client_consumer_remove(struct client *client, struct client_consumer *member);
/* All consumers rebalance soon. */
void client_members_changed(struct client *client);
/* The same for producers. */
struct client_producer {
    struct list link;
    struct span group;
    /* Each topic that was sent to, and the default topic. */
    void (*topics)(void *producer, void (*each)(void *ctx, struct span topic), void *ctx);
    void (*discard)(void *producer); /* as a consumer's */
    void *producer;
};
int client_producer_add(struct client *client, struct client_producer *member) RMQ_CHECK_RESULT;
void client_producer_remove(struct client *client, struct client_producer *member);

/* ---- the instance ---------------------------------------------------------------------------- */

/* Polls all topics, one after the other, on the client's serial worker. */
struct client_poll {
    struct name_server_call call;
    struct client_topic *at; /* the topic that is asked for */
    size_t topics;           /* of this round */
    size_t answered;
    uint32_t rounds; /* begun */
    uint64_t asked;  /* number of the query under way */
    uint64_t begin_ns;
};

enum client_task { CLIENT_TASK_POLL, CLIENT_TASK_HEARTBEAT, CLIENT_TASK_PERSIST, CLIENT_TASKS };

struct client {
    struct env *env;
    struct remoting remoting; /* for requests to brokers; anybody's to use */
    bool remoting_up;
    bool profile_5_3;
    bool stopping;
    bool loads_stopped;
    unsigned quirks; /* bit set, quirks.h */
    struct name_servers servers;
    struct client_topic *topics;   /* by name, in order of appearance */
    struct client_broker *brokers; /* the same */
    struct list producers;         /* struct client_producer, in order of start */
    struct list consumers;         /* struct client_consumer */
    struct fixed_rate worker;
    struct fixed_rate_task tasks[CLIENT_TASKS];
    struct client_poll poll;
    uint64_t route_queries; /* begun, of all topics */
    struct client_heartbeat heartbeat;
    struct list unregisters; /* under way */
    struct list orders;      /* administrators' orders under way (admin.c) */
    struct unique_ids ids;
    struct load_set *loads; /* what the application does with it */
    void *credentials; /* texts of remoting.credentials, or NULL */
    uint32_t api_timeout_ms;
    uint64_t start_ns;
    struct env_timer end_timer;                              /* the stop's last step */
    char id[ENV_ADDRESS_MAX + 1 + CLIENT_INSTANCE_NAME_MAX]; /* "ip@pid" or "ip@instanceName" */
};

/* The instance of a client node, for what runs on it (model/load). */
static inline struct client *client_of_node(void *node) {
    return node;
}
static inline struct span client_id(const struct client *client) {
    return span_of_text(client->id);
}

/* ---- poll.c ---- */
void client_poll_run(void *ctx);
void client_poll_init(struct client *client);

/* ---- heartbeat.c ---- */
void client_heartbeat_run(void *ctx);
/* 5.3: a connection to `address` has opened. */
void client_heartbeat_greet(struct client *client, struct span address);
void client_heartbeat_free(struct client *client);

/* ---- admin.c --------------------------------------------------------------------------------- */
/* Begins the order of a role command. RMQ_E_INVALID: unknown, or an argument is missing or wrong;
 * RMQ_E_NOMEM. */
int client_order(struct client *client, const struct props *command) RMQ_CHECK_RESULT;
/* Ends all orders without a word. */
void client_orders_cancel(struct client *client);

#endif
