/* broker/clients.h - who is connected: consumer and producer groups, their members, what they
 * subscribe (broker.md 19).
 *
 * Members are connections. A heartbeat (34) joins the groups it names; an unregistration (35), the
 * end of the connection, or 120 s without heartbeat leaves them. The other members of a consumer
 * group are told (40). Subscriptions are the group's: the last heartbeat wins (INC-41).
 *
 * Invariants: C1: a group exists while it has members. C2: the scan's timer is armed exactly while
 * there is a connection. */
#ifndef MODEL_BROKER_CLIENTS_H
#define MODEL_BROKER_CLIENTS_H

#include "model/base/list.h"
#include "model/base/map.h"
#include "model/broker/config.h"
#include "model/wire/body_heartbeat.h"
#include "model/wire/remoting.h"
#include "model/wire/subscription.h"

struct consumer_filters;

/* What a group wants of one topic. */
struct client_subscription {
    struct list link; /* in its group */
    struct span topic;
    struct span expression;
    struct span type; /* absent: TAG */
    int64_t version;
    bool class_filter;
    bool listed;                  /* in the heartbeat that is being applied */
    struct subscription compiled; /* SUBSCRIPTION_OTHER when it does not parse */
};

/* A connection that sent a heartbeat. */
struct client_channel {
    UT_hash_handle hh;
    bool map_failed;
    uint64_t channel_id; /* the key */
    struct channel *channel;
    struct list members; /* client_member.in_channel */
    uint64_t body_hash;  /* of the last heartbeat, and what was seen then: the same again changes */
    uint64_t seen;       /* nothing while `seen` holds */
    int32_t version;     /* of the client, as in its frames */
    uint8_t language;
    struct span client_id;
};

/* A connection in a group. */
struct client_member {
    struct list in_group;
    struct list in_channel;
    struct client_group *group;
    struct client_channel *client;
    uint64_t updated_ns; /* last heartbeat */
};

struct client_group {
    UT_hash_handle hh;
    bool map_failed;
    bool is_producer;
    bool has_fingerprint; /* 5.3's second form of heartbeats */
    int32_t fingerprint;
    enum heartbeat_consume_type consume_type; /* last heartbeat wins, as for the next two */
    enum heartbeat_model model;
    enum heartbeat_from from_where;
    uint32_t member_count;
    struct list members;       /* in order of joining */
    struct list subscriptions; /* of a consumer group */
    struct span name;
};

struct clients {
    struct env *env;
    uint64_t hash_key;
    const struct broker_config *config;
    struct remoting *remoting;
    struct client_group *consumers;
    struct client_group *producers;
    struct client_channel *channels;
    uint64_t start_ns; /* the scan's schedule begins there */
    struct env_timer scan;
    uint64_t changes;                 /* joins, leaves, subscriptions */
    struct consumer_filters *filters; /* told of groups that end; NULL: nobody is */
};

/* All pointers outlive it. */
void clients_init(struct clients *clients, struct env *env, const struct broker_config *config,
                  struct remoting *remoting);
void clients_deinit(struct clients *clients);
/* A connection ended: it leaves all groups. Call it from on_channel_closed. */
void clients_channel_closed(struct clients *clients, const struct channel *channel);

/* A consumer group with members, or NULL. Valid until the next request or end of a connection. */
const struct client_group *clients_find(const struct clients *clients, struct span group);
/* A producer group with members, or NULL. Valid as above. */
const struct client_group *clients_find_producers(const struct clients *clients, struct span group);
/* A connection of any producer group with that client id, or NULL. Valid as above. */
const struct client_channel *clients_find_producer(const struct clients *clients,
                                                   struct span client_id);
/* What `group` wants of `topic`, or NULL. */
const struct client_subscription *client_group_subscription(const struct client_group *group,
                                                            struct span topic);
/* The first member with that client id, or NULL. Valid as above. */
const struct client_channel *client_group_client(const struct client_group *group,
                                                 struct span client_id);

/* ---- for the requests (clients_requests.c) ---- */

/* The record of a connection that sends a heartbeat, made where needed. RMQ_E_NOMEM. */
int clients_channel(struct clients *clients, struct channel *channel, struct span client_id,
                    struct client_channel **out) RMQ_CHECK_RESULT;
/* Forgets it when it is in no group. */
void clients_drop_idle(struct clients *clients, struct client_channel *client);
/* Joins (or refreshes); *joined: it was not a member. RMQ_E_NOMEM. */
int clients_join(struct clients *clients, struct client_channel *client, struct span group,
                 bool is_producer, struct client_group **out, bool *joined) RMQ_CHECK_RESULT;
/* The connection leaves the group, which ends with its last member; the rest of a consumer group is
 * told if `notify`. Nothing when there is no such group. */
void clients_leave(struct clients *clients, const struct channel *channel, struct span group,
                   bool is_producer, bool notify, const char *reason);
/* A heartbeat's subscription; *changed: the topic is new. RMQ_E_NOMEM. */
int clients_subscribe(struct clients *clients, struct client_group *group,
                      const struct heartbeat_subscription *subscription,
                      bool *changed) RMQ_CHECK_RESULT;
/* Refreshes all memberships of a connection whose last heartbeat had this body and saw this state;
 * false: it was another one. */
bool clients_refresh(struct clients *clients, const struct channel *channel, uint64_t body_hash,
                     uint64_t seen);
/* Begins and ends a heartbeat's list: what is not in it goes. Whether something went. */
void clients_list_begin(struct client_group *group);
bool clients_list_end(struct clients *clients, struct client_group *group);
/* Request 40 to every member, unless switched off (5.3: for broadcasting groups too). */
void clients_notify(struct clients *clients, const struct client_group *group);

/* Requests 34, 35, 38 and 46. */
struct broker;
void broker_on_heartbeat(struct broker *broker, struct channel *channel,
                         const struct wire_command *request);
void broker_on_unregister_client(struct broker *broker, struct channel *channel,
                                 const struct wire_command *request);
void broker_on_consumer_list(struct broker *broker, struct channel *channel,
                             const struct wire_command *request);
void broker_on_check_client_config(struct broker *broker, struct channel *channel,
                                   const struct wire_command *request);

#endif
