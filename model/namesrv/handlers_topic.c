/* namesrv/handlers_topic.c - changes of queue data by administrators: 205, 327, 216, 217. */
#include "model/namesrv/namesrv_internal.h"

int namesrv_on_wipe_write_perm(struct exchange *x) {
    struct header_broker_name header;
    if (!exchange_decode(x, &HEADER_broker_name, &header))
        return RMQ_OK;
    size_t topics = route_table_set_writable(&x->ns->table, header.broker_name, false);
    struct header_wipe_write_perm_response answer = {.wipe_topic_count = (int32_t)topics,
                                                     .has_wipe_topic_count = true};
    return exchange_encode(x, &HEADER_wipe_write_perm_response, &answer);
}

int namesrv_on_add_write_perm(struct exchange *x) {
    struct header_broker_name header;
    if (!exchange_decode(x, &HEADER_broker_name, &header))
        return RMQ_OK;
    size_t topics = route_table_set_writable(&x->ns->table, header.broker_name, true);
    struct header_add_write_perm_response answer = {.add_topic_count = (int32_t)topics,
                                                    .has_add_topic_count = true};
    return exchange_encode(x, &HEADER_add_write_perm_response, &answer);
}

int namesrv_on_delete_topic(struct exchange *x) {
    struct header_delete_topic_in_namesrv header;
    if (exchange_decode(x, &HEADER_delete_topic_in_namesrv, &header))
        route_table_delete_topic(&x->ns->table, header.topic, header.cluster_name);
    return RMQ_OK;
}

/* ---- 217 (5.3): a route body, of which only the queue data count ----------------------------- */

struct topic_registration {
    struct namesrv *ns;
    struct span topic;
};

static int check_queue(void *ctx, const struct route_queue *queue) {
    struct topic_registration *registration = ctx;
    if (route_find_broker(&registration->ns->table, queue->broker_name) != NULL)
        return RMQ_OK;
    env_log(registration->ns->env, ENV_LOG_WARN,
            "request 217 for topic %.*s names the unknown broker %.*s: ignored",
            (int)registration->topic.len, (const char *)registration->topic.data,
            (int)queue->broker_name.len, (const char *)queue->broker_name.data);
    return RMQ_E_NOT_FOUND;
}

static int set_queue(void *ctx, const struct route_queue *queue) {
    struct topic_registration *registration = ctx;
    struct topic_config config = {
        .name = registration->topic,
        .read_queue_nums = queue->read_queue_nums,
        .write_queue_nums = queue->write_queue_nums,
        .perm = queue->perm,
        .sys_flag = queue->topic_sys_flag,
    };
    return route_table_set_queue(&registration->ns->table, queue->broker_name, &config);
}

static int visit_queues(struct exchange *x, struct topic_registration *registration,
                        int (*on_queue)(void *ctx, const struct route_queue *queue)) {
    struct route_visitor visitor = {.on_queue = on_queue, .ctx = registration};
    struct wire_error error;
    return route_decode(x->request->body, &x->ns->fields, &visitor, &error);
}

int namesrv_on_register_topic(struct exchange *x) {
    struct span topic = wire_field(x->request, "topic");
    if (topic.len == 0)
        return exchange_fail(x, RESPONSE_SYSTEM_ERROR, "header field topic is missing");
    if (span_is_absent(x->request->body))
        return RMQ_OK;
    struct topic_registration registration = {x->ns, topic};
    int err = visit_queues(x, &registration, check_queue);
    if (err == RMQ_E_NOT_FOUND || err == RMQ_E_NOMEM)
        return err == RMQ_E_NOT_FOUND ? RMQ_OK : err;
    if (err != RMQ_OK)
        return exchange_fail(x, RESPONSE_SYSTEM_ERROR, "the body is not a topic route");
    return visit_queues(x, &registration, set_queue);
}
