/* namesrv/namesrv_internal.h - what the files of the name server share. */
#ifndef MODEL_NAMESRV_INTERNAL_H
#define MODEL_NAMESRV_INTERNAL_H

#include "model/events.h"
#include "model/namesrv/config.h"
#include "model/namesrv/files.h"
#include "model/namesrv/kv.h"
#include "model/namesrv/namesrv.h"
#include "model/namesrv/route_answer.h"
#include "model/namesrv/route_table.h"
#include "model/wire/remoting.h"

struct namesrv {
    struct env *env;
    struct namesrv_config config;
    struct remoting remoting;
    struct route_table table;
    struct kv kv;
    struct namesrv_files *files; /* NULL: nothing is kept */
    bool stopping;
    struct env_timer scan;
    uint64_t start_ns;
    unsigned unchecked;   /* handlers since the last check of a large table */
    struct list sessions; /* session.link */
    struct list late;     /* late_answer.link; see late.c */
    /* Parts of the answer being made, reused. */
    struct buf body;
    struct buf remark;
    struct buf fields;
};

/* One request and its answer in the making. Code 0, no remark, no fields, no body at first. */
struct exchange {
    struct namesrv *ns;
    struct channel *channel;
    const struct wire_command *request;
    struct wire_command response;
};

/* A broker's connection: user of its channel from the first registration on. */
struct session {
    struct route_source source;
    struct channel *channel;
    struct list link;
};

/* A handler fills x->response (code, fields) and ns->body / ns->remark; the caller sends them.
 * RMQ_E_NOMEM becomes an answer of code 1. Other results are bugs. */
typedef int namesrv_handler(struct exchange *x);

namesrv_handler namesrv_on_register_broker, namesrv_on_unregister_broker,
    namesrv_on_query_data_version, namesrv_on_broker_heartbeat; /* handlers_broker.c */
namesrv_handler namesrv_on_route, namesrv_on_cluster_info, namesrv_on_all_topics,
    namesrv_on_cluster_topics, namesrv_on_system_topics, namesrv_on_unit_topics,
    namesrv_on_unit_sub_topics, namesrv_on_unit_sub_not_unit_topics,
    namesrv_on_member_group; /* handlers_route.c */
namesrv_handler namesrv_on_wipe_write_perm, namesrv_on_add_write_perm, namesrv_on_delete_topic,
    namesrv_on_register_topic; /* handlers_topic.c */
namesrv_handler namesrv_on_put_kv, namesrv_on_get_kv, namesrv_on_delete_kv, namesrv_on_list_kv,
    namesrv_on_update_config, namesrv_on_get_config; /* handlers_config.c */

/* Code and remark of a failure; the remark starts over. RMQ_OK. */
int exchange_fail(struct exchange *x, int32_t code, const char *remark);
/* Decodes the request's header. False: the answer is made (code 1, naming the field). */
bool exchange_decode(struct exchange *x, const struct header_info *info, void *header);
/* Adds the response header's fields. */
int exchange_encode(struct exchange *x, const struct header_info *info, const void *header);

/* The scan is needed from the first live entry on. */
void namesrv_arm_scan(struct namesrv *ns);

/* Sends request 905 to the brokers of a name; `ctx` is the name server. */
void namesrv_notify_min_id(void *ctx, const struct route_broker *broker, struct span offline_addr,
                           struct span ha_addr);

/* Sends x's answer 200 ms from now (buggify). RMQ_E_NOMEM: it was not taken. */
int late_answer_add(struct exchange *x);
/* The channel is gone: its late answers are not sent. NULL: all. */
void late_answers_drop(struct namesrv *ns, const struct channel *channel);

#endif
