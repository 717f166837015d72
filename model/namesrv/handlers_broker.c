/* namesrv/handlers_broker.c - what brokers say of themselves: 103, 104, 322, 904. */
#include "model/namesrv/namesrv_internal.h"

/* ---- registration (103), namesrv.md 5 -------------------------------------------------------- */

/* The channel's session, created by its first registration. */
static struct session *get_session(struct namesrv *ns, struct channel *channel) {
    struct session *session = channel_user(channel);
    if (session != NULL)
        return session;
    session = env_alloc(ns->env, sizeof *session);
    if (session == NULL)
        return NULL;
    list_init(&session->source.lives);
    session->channel = channel;
    list_append(&ns->sessions, &session->link);
    channel_set_user(channel, session);
    return session;
}

static enum register_body_form body_form(const struct wire_command *request, bool compressed) {
    if (request->version < WIRE_VERSION_3_0_11)
        return REGISTER_BODY_TABLE_ONLY;
    return compressed ? REGISTER_BODY_ZLIB : REGISTER_BODY_JSON;
}

static struct route_registration registration_of(const struct exchange *x,
                                                 const struct header_register_broker *header,
                                                 struct route_source *source) {
    struct route_registration registration = {
        .cluster = header->cluster_name,
        .broker = header->broker_name,
        .addr = header->broker_addr,
        .ha_addr = header->ha_server_addr,
        .id = header->broker_id,
        .body = x->request->body,
        .form = body_form(x->request, header->compressed),
        .request_version = x->request->version,
        .body_crc32 = header->body_crc32,
        .source = source,
    };
    if (!x->ns->config.profile_5_3)
        return registration;
    registration.heartbeat_timeout_millis = header->heartbeat_timeout_millis;
    registration.zone = wire_field(x->request, "__ZONE_NAME");
    if (header->has_enable_acting_master)
        registration.acting = header->enable_acting_master ? ROUTE_ACTING_TRUE : ROUTE_ACTING_FALSE;
    return registration;
}

static int fail_registration(struct exchange *x, const struct route_registered *result) {
    x->response.has_fields = true; /* the response header, without values */
    exchange_fail(x, RESPONSE_SYSTEM_ERROR, result->refusal);
    if (result->error.expected != NULL) {
        buf_put_text(&x->ns->remark, ": offset ");
        buf_put_decimal(&x->ns->remark, (int64_t)result->error.offset);
        buf_put_text(&x->ns->remark, ": expected ");
        buf_put_text(&x->ns->remark, result->error.expected);
    }
    return RMQ_OK;
}

static int answer_registration(struct exchange *x, const struct route_registered *result) {
    struct namesrv *ns = x->ns;
    struct header_register_broker_response header = {result->master_ha_addr, result->master_addr};
    int err = exchange_encode(x, &HEADER_register_broker_response, &header);
    if (err != RMQ_OK || (ns->config.profile_5_3 && !ns->config.return_order_topic_config))
        return err;
    err = kv_write_table(&ns->kv, KV_ORDER_TOPIC_CONFIG, &ns->body);
    return err == RMQ_E_NOT_FOUND ? RMQ_OK : err;
}

int namesrv_on_register_broker(struct exchange *x) {
    struct header_register_broker header;
    if (!exchange_decode(x, &HEADER_register_broker, &header))
        return RMQ_OK;
    struct session *session = get_session(x->ns, x->channel);
    if (session == NULL)
        return RMQ_E_NOMEM;
    struct route_registration registration = registration_of(x, &header, &session->source);
    struct route_registered result;
    int err = route_table_register(&x->ns->table, &registration, &result);
    namesrv_arm_scan(x->ns);
    if (err == RMQ_OK && result.ignored) {
        x->response.has_fields = true;
        return RMQ_OK;
    }
    if (err == RMQ_OK)
        return answer_registration(x, &result);
    return err == RMQ_E_NOMEM ? err : fail_registration(x, &result);
}

/* ---- 104 ------------------------------------------------------------------------------------- */

int namesrv_on_unregister_broker(struct exchange *x) {
    struct header_broker_identity header;
    if (exchange_decode(x, &HEADER_broker_identity, &header))
        route_table_unregister(&x->ns->table, header.cluster_name, header.broker_name,
                               header.broker_addr, header.broker_id);
    return RMQ_OK;
}

/* ---- 322, namesrv.md 7 ----------------------------------------------------------------------- */

static int write_version(struct exchange *x, const struct route_live *live) {
    struct json_writer json;
    json_writer_init(&json, &x->ns->body, JSON_STYLE_FASTJSON);
    data_version_write(&json, &live->version,
                       x->ns->config.profile_5_3 || live->version.state_version != 0);
    return RMQ_OK;
}

int namesrv_on_query_data_version(struct exchange *x) {
    struct namesrv *ns = x->ns;
    struct header_broker_identity header;
    if (!exchange_decode(x, &HEADER_broker_identity, &header))
        return RMQ_OK;
    struct data_version asked;
    struct wire_error error;
    bool has_body = !span_is_absent(x->request->body);
    if (has_body && data_version_decode(x->request->body, &asked, &error) != RMQ_OK)
        return exchange_fail(x, RESPONSE_SYSTEM_ERROR, "the body is not a data version");
    struct route_live *live = route_find_live(&ns->table, header.cluster_name, header.broker_addr);
    bool known = live != NULL && live->version_known;
    bool changed = !known || !has_body || !data_version_equal(&live->version, &asked);
    if (live != NULL && (ns->config.profile_5_3 || !changed)) {
        route_table_refresh(&ns->table, live);
        event_route_broker_refreshed(ns->env, header.broker_name, header.broker_addr,
                                     REQUEST_QUERY_DATA_VERSION);
    }
    struct header_query_data_version_response answer = {.changed = changed, .has_changed = true};
    int err = exchange_encode(x, &HEADER_query_data_version_response, &answer);
    return err == RMQ_OK && known ? write_version(x, live) : err;
}

/* ---- 904 (5.3) ------------------------------------------------------------------------------- */

int namesrv_on_broker_heartbeat(struct exchange *x) {
    struct namesrv *ns = x->ns;
    struct header_broker_member header;
    if (!exchange_decode(x, &HEADER_broker_member, &header))
        return RMQ_OK;
    if (span_is_absent(header.broker_addr))
        return exchange_fail(x, RESPONSE_SYSTEM_ERROR, "header field brokerAddr is missing");
    struct route_live *live = route_find_live(&ns->table, header.cluster_name, header.broker_addr);
    if (live == NULL)
        return RMQ_OK;
    route_table_refresh(&ns->table, live);
    event_route_broker_refreshed(ns->env, header.broker_name, header.broker_addr,
                                 REQUEST_BROKER_HEARTBEAT);
    return RMQ_OK;
}
