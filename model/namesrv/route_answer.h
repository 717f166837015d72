/* namesrv/route_answer.h - bodies that answer questions about the route tables.
 *
 * Order: Apache writes arrays and maps in hash order, which no client relies on. Here every array
 * and map is sorted by the bytes of its names (broker, cluster, topic), addresses by id, so that an
 * answer depends on the table's content only. Source: namesrv.md 10, 11, 15; wire.md 25.
 *
 * All functions append to `out`; RMQ_E_NOMEM leaves it in an undefined state. */
#ifndef MODEL_NAMESRV_ROUTE_ANSWER_H
#define MODEL_NAMESRV_ROUTE_ANSWER_H

#include "model/namesrv/route_table.h"

struct route_query {
    struct span topic;
    enum json_style style;
    bool acting_master;     /* supportActingMaster: substitute a read-only slave for no master */
    struct span order_conf; /* absent: no member orderTopicConf */
    struct span zone;       /* 5.3's zone filter; absent: none */
};

/* 105. RMQ_E_NOT_FOUND: no such topic, or none of its brokers is known. *brokers: how many broker
 * datas the answer lists. */
int route_answer_route(const struct route_table *table, const struct route_query *query,
                       struct buf *out, size_t *brokers) RMQ_CHECK_RESULT;

/* 106: always with bare numeric keys. */
int route_answer_cluster_info(const struct route_table *table, struct buf *out) RMQ_CHECK_RESULT;

/* 206 and 311 to 313: topics that `wanted` accepts by the flags of their first queue data. */
typedef bool route_topic_filter(int32_t sys_flag);
bool route_topic_any(int32_t sys_flag);
bool route_topic_unit(int32_t sys_flag);
bool route_topic_unit_sub(int32_t sys_flag);
bool route_topic_unit_sub_not_unit(int32_t sys_flag);
int route_answer_topics(const struct route_table *table, route_topic_filter *wanted,
                        struct buf *out) RMQ_CHECK_RESULT;

/* 224: topics of the cluster's brokers; an unknown cluster has none. */
int route_answer_cluster_topics(const struct route_table *table, struct span cluster,
                                struct buf *out) RMQ_CHECK_RESULT;

/* 304: names of clusters and brokers, and some broker's address. */
int route_answer_system_topics(const struct route_table *table, struct buf *out) RMQ_CHECK_RESULT;

/* 901 (5.3): addresses of one broker name, empty when unknown. */
int route_answer_member_group(const struct route_table *table, struct span cluster,
                              struct span broker, struct buf *out) RMQ_CHECK_RESULT;

#endif
