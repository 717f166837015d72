/* broker/broker_internal.h - the parts of one broker, shared by broker.c and its handlers. */
#ifndef MODEL_BROKER_BROKER_INTERNAL_H
#define MODEL_BROKER_BROKER_INTERNAL_H

#include "model/broker/access.h"
#include "model/broker/admin.h"
#include "model/broker/clients.h"
#include "model/broker/config_files.h"
#include "model/broker/consumer_filters.h"
#include "model/broker/flow.h"
#include "model/broker/ha_master.h"
#include "model/broker/ha_slave.h"
#include "model/broker/hold.h"
#include "model/broker/live_config.h"
#include "model/broker/locks.h"
#include "model/broker/pending.h"
#include "model/broker/pull.h"
#include "model/broker/queue_query.h"
#include "model/broker/registration.h"
#include "model/broker/runtime_info.h"
#include "model/broker/schedule.h"
#include "model/broker/send.h"
#include "model/broker/send_back.h"
#include "model/broker/side_traffic.h"
#include "model/broker/slave_sync.h"
#include "model/broker/stats.h"
#include "model/broker/stats_scan.h"
#include "model/store/store.h"

/* Invariants: B1: while `stopping`, no worker runs and no round is under way. B2: parts are torn
 * down in the reverse order of their start; broker_free copes with every prefix of it. B3: while
 * `serves`, the store is open, and only then does the broker listen. */
struct broker {
    struct env *env;
    struct broker_config config;
    struct live_config live;
    struct topics topics;
    struct groups groups;
    struct offsets offsets;
    struct consumer_filters filters;
    struct clients clients;
    struct config_files files;
    struct remoting remoting;
    bool remoting_up;
    bool tables_up; /* all from groups to queries, and the registrar */
    bool serves;
    bool stopping;
    struct store *store;
    struct store_config *store_config; /* until the store opens */
    struct message_host host;          /* brokerIP1:listenPort, as in records and message ids */
    uint32_t page_cache_busy_ms;
    uint32_t max_message_bytes;
    struct stats stats;
    struct earliest earliest;
    struct scans scans;
    struct flow flow;
    struct sends sends;
    struct send_backs send_backs;
    struct schedule schedule;
    struct pulls pulls;
    struct holds holds;
    struct queries queries;
    struct name_servers servers;
    struct registrar registrar;
    struct fixed_rate worker; /* registrations, and 5.3's 106 */
    struct fixed_rate_task tasks[2];
    struct name_server_call metadata;
    struct acting_traffic *acting; /* 5.3 with enableSlaveActingMaster */
    struct locks locks;
    struct ha_master ha_master; /* a master's */
    struct slave_parts *slave;  /* a slave's */
    struct access *access;      /* NULL: everybody may do everything */
    struct list admin_tasks;    /* admin.h */
    struct list creations;      /* quirk serialRegistration: answers that wait (admin.c) */
    struct unregistration goodbye;
    struct env_timer save_again; /* lowered offsets, before `serves` */
};

/* What only a slave has. */
struct slave_parts {
    struct ha_slave ha;
    struct slave_sync sync;
};

/* Handles every request that arrives (remoting_handler). */
void broker_on_request(void *ctx, struct channel *channel, const struct wire_command *request);
/* Drops all answers that wait for a registration. */
void broker_forget_creations(struct broker *broker);
/* The same of one connection. */
void broker_forget_channel_creations(struct broker *broker, const struct channel *channel);

/* Adds (or replaces) a topic that a message or a heartbeat needs, saves topics.json and registers
 * the topic at once. RMQ_E_NOMEM: nothing changed. */
int broker_add_topic(struct broker *broker, const struct topic_config *topic) RMQ_CHECK_RESULT;

/* Role command create-topic; command.done follows. RMQ_E_INVALID: arguments not understood. */
int broker_command_create_topic(struct broker *broker, const struct props *command);

/* brokerIP1. */
static inline struct span broker_ip(const struct broker *broker) {
    struct span ip = broker->config.addr;
    while (ip.len > 0 && ip.data[--ip.len] != ':') {
    }
    return ip;
}

#endif
