/* namesrv/handlers_route.c - questions about the tables: 105, 106, 206, 224, 304, 311-313, 901. */
#include "model/namesrv/namesrv_internal.h"

#define NO_ROUTE "No topic route info in name server for the topic: "
#define SEE_4_9 "\nSee http://rocketmq.apache.org/docs/faq/ for further details."
#define SEE_5_3 "\nSee https://rocketmq.apache.org/docs/bestPractice/06FAQ for further details."

/* ---- route (105) ----------------------------------------------------------------------------- */

static bool is_not_ready(const struct namesrv *ns) {
    uint64_t wait_ns = (uint64_t)ns->config.wait_seconds_for_service * UINT64_C(1000000000);
    return ns->config.profile_5_3 && ns->config.need_wait_for_service &&
           env_mono_ns(ns->env) - ns->start_ns < wait_ns;
}

static bool is_blank(struct span text) {
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] > ' ')
            return false;
    return true;
}

/* The zone filter rewrites the body in the default form (namesrv.md 15.5). */
static void apply_zone(const struct exchange *x, struct route_query *query) {
    struct span mode = wire_field(x->request, "__ZONE_MODE");
    struct span zone = wire_field(x->request, "__ZONE_NAME");
    if (!x->ns->config.profile_5_3 || !span_equal(mode, SPAN_LITERAL("true")) || is_blank(zone))
        return;
    query->zone = zone;
    query->style = JSON_STYLE_FASTJSON;
}

static struct route_query query_of(const struct exchange *x,
                                   const struct header_get_route *header) {
    const struct namesrv *ns = x->ns;
    bool standard = x->request->version >= WIRE_VERSION_4_9_4 || header->accept_standard_json_only;
    struct route_query query = {
        .topic = header->topic,
        .style = standard ? JSON_STYLE_STANDARD : JSON_STYLE_FASTJSON,
        .acting_master = ns->config.profile_5_3 && ns->config.support_acting_master,
    };
    if (ns->config.order_message_enable)
        query.order_conf = kv_get(&ns->kv, KV_ORDER_TOPIC_CONFIG, header->topic);
    apply_zone(x, &query);
    return query;
}

static int no_route(struct exchange *x, struct span topic) {
    struct buf *remark = &x->ns->remark;
    exchange_fail(x, RESPONSE_TOPIC_NOT_EXIST, NO_ROUTE);
    buf_put_span(remark, topic.len == 0 ? SPAN_LITERAL("null") : topic);
    buf_put_text(remark, x->ns->config.profile_5_3 ? SEE_5_3 : SEE_4_9);
    return RMQ_OK;
}

/* A missing topic is the topic "null" of Apache's, which nobody has. */
int namesrv_on_route(struct exchange *x) {
    struct namesrv *ns = x->ns;
    struct header_get_route header;
    memset(&header, 0, sizeof header);
    const struct header_field_info *bad;
    RMQ_IGNORE(header_decode(&HEADER_get_route, x->request, &header, &bad), "see above");
    struct route_query query = query_of(x, &header);
    size_t brokers = 0;
    int err = is_not_ready(ns) ? exchange_fail(x, RESPONSE_SYSTEM_ERROR, "name server not ready")
                               : route_answer_route(&ns->table, &query, &ns->body, &brokers);
    if (err == RMQ_E_NOT_FOUND)
        err = no_route(x, header.topic);
    if (err == RMQ_OK)
        event_route_answered(ns->env, header.topic, x->response.code, brokers);
    return err;
}

/* ---- lists ----------------------------------------------------------------------------------- */

int namesrv_on_cluster_info(struct exchange *x) {
    return route_answer_cluster_info(&x->ns->table, &x->ns->body);
}

static int disabled(struct exchange *x) {
    return exchange_fail(x, RESPONSE_SYSTEM_ERROR, "disable");
}

int namesrv_on_all_topics(struct exchange *x) {
    return x->ns->config.enable_all_topic_list
               ? route_answer_topics(&x->ns->table, route_topic_any, &x->ns->body)
               : disabled(x);
}

static int filtered_topics(struct exchange *x, route_topic_filter *wanted) {
    return x->ns->config.enable_topic_list
               ? route_answer_topics(&x->ns->table, wanted, &x->ns->body)
               : disabled(x);
}

int namesrv_on_unit_topics(struct exchange *x) {
    return filtered_topics(x, route_topic_unit);
}

int namesrv_on_unit_sub_topics(struct exchange *x) {
    return filtered_topics(x, route_topic_unit_sub);
}

int namesrv_on_unit_sub_not_unit_topics(struct exchange *x) {
    return filtered_topics(x, route_topic_unit_sub_not_unit);
}

int namesrv_on_cluster_topics(struct exchange *x) {
    if (!x->ns->config.enable_topic_list)
        return disabled(x);
    struct header_topics_by_cluster header;
    if (!exchange_decode(x, &HEADER_topics_by_cluster, &header))
        return RMQ_OK;
    return route_answer_cluster_topics(&x->ns->table, header.cluster, &x->ns->body);
}

int namesrv_on_system_topics(struct exchange *x) {
    return route_answer_system_topics(&x->ns->table, &x->ns->body);
}

/* ---- member group (901, 5.3) ----------------------------------------------------------------- */

int namesrv_on_member_group(struct exchange *x) {
    struct header_broker_member header;
    if (!exchange_decode(x, &HEADER_broker_member, &header))
        return RMQ_OK;
    exchange_fail(x, RESPONSE_SUCCESS, "not set any response code"); /* as 5.3.3 leaves it */
    return route_answer_member_group(&x->ns->table, header.cluster_name, header.broker_name,
                                     &x->ns->body);
}
