/* broker/clients_requests.c - requests 34, 35, 38 and 46 (broker.md 19, 16.2).
 *
 * Source: ClientManageProcessor.java, ConsumerManageProcessor.java of 4.9.8 and 5.3.3; answers as
 * observed in the captures (tests/test_broker_clients.c). Differs: remarks of bodies that do not
 * decode are our own words; a heartbeat that is the connection's last one again, while no table
 * changed, refreshes its members and does nothing else. */
#include <xxhash.h>

#include "model/base/check.h"
#include "model/broker/answer.h"
#include "model/broker/broker_internal.h"
#include "model/events.h"

/* ---- 34 -------------------------------------------------------------------------------------- */

struct heartbeat {
    struct broker *broker;
    struct channel *channel;
    const struct wire_command *request;
    struct client_channel *client;
    int32_t fingerprint;
    bool without_sub;
    bool sub_changed; /* 5.3: what the answer's IS_SUB_CHANGE says */
    /* The consumer group that is being read. */
    struct client_group *group; /* NULL: it is passed over */
    const struct group *config; /* NULL: there is none */
    bool unit_mode;
    bool has_order_topic;
    bool changed;
};

static int check_client_only(void *ctx, const struct heartbeat_client *client) {
    RMQ_ASSERT(ctx == NULL && client != NULL);
    return RMQ_OK;
}

static int check_consumer_only(void *ctx, const struct heartbeat_consumer *consumer) {
    RMQ_ASSERT(ctx == NULL && consumer != NULL);
    return RMQ_OK;
}

static int check_subscription_only(void *ctx, const struct heartbeat_subscription *subscription) {
    RMQ_ASSERT(ctx == NULL && subscription != NULL);
    return RMQ_OK;
}

static int check_end_only(void *ctx) {
    RMQ_ASSERT(ctx == NULL);
    return RMQ_OK;
}

static int check_producer_only(void *ctx, struct span group) {
    RMQ_ASSERT(ctx == NULL && group.len > 0);
    return RMQ_OK;
}

/* Takes nothing: a body that does not decode must change nothing. */
static const struct heartbeat_visitor CHECK_ONLY = {check_client_only,       check_consumer_only,
                                                    check_subscription_only, check_end_only,
                                                    check_producer_only,     NULL};

static int on_client(void *ctx, const struct heartbeat_client *client) {
    struct heartbeat *heartbeat = ctx;
    heartbeat->fingerprint = client->fingerprint;
    heartbeat->without_sub = client->without_sub;
    int err = clients_channel(&heartbeat->broker->clients, heartbeat->channel, client->client_id,
                              &heartbeat->client);
    if (err != RMQ_OK)
        return err;
    heartbeat->client->language = (uint8_t)heartbeat->request->language;
    heartbeat->client->version = heartbeat->request->version;
    return RMQ_OK;
}

static void note_fingerprint(struct heartbeat *heartbeat, struct client_group *group) {
    if (heartbeat->fingerprint != 0 && group->has_fingerprint &&
        group->fingerprint != heartbeat->fingerprint)
        heartbeat->sub_changed = true;
    group->has_fingerprint = true;
    group->fingerprint = heartbeat->fingerprint;
}

static int on_consumer(void *ctx, const struct heartbeat_consumer *consumer) {
    struct heartbeat *heartbeat = ctx;
    struct broker *broker = heartbeat->broker;
    heartbeat->group = NULL;
    heartbeat->config = NULL;
    heartbeat->unit_mode = consumer->unit_mode;
    heartbeat->has_order_topic = false;
    int err = groups_find_or_create(&broker->groups, consumer->group, &heartbeat->config);
    if (err != RMQ_OK && err != RMQ_E_NOT_FOUND)
        return err;
    if (err == RMQ_E_NOT_FOUND && broker->config.profile_5_3)
        return RMQ_OK;
    err = clients_join(&broker->clients, heartbeat->client, consumer->group, false,
                       &heartbeat->group, &heartbeat->changed);
    if (err != RMQ_OK)
        return err;
    heartbeat->group->consume_type = consumer->consume_type;
    heartbeat->group->model = consumer->model;
    heartbeat->group->from_where = consumer->from_where;
    note_fingerprint(heartbeat, heartbeat->group);
    clients_list_begin(heartbeat->group);
    return RMQ_OK;
}

static int on_subscription(void *ctx, const struct heartbeat_subscription *subscription) {
    struct heartbeat *heartbeat = ctx;
    struct topic_config topic;
    bool changed;
    if (heartbeat->group == NULL || heartbeat->without_sub)
        return RMQ_OK;
    if (topics_find(&heartbeat->broker->topics, subscription->topic, &topic) == RMQ_OK)
        heartbeat->has_order_topic |= topic.order;
    int err =
        clients_subscribe(&heartbeat->broker->clients, heartbeat->group, subscription, &changed);
    heartbeat->changed |= changed;
    return err;
}

/* %RETRY%group, which tools and the group's members find it by. 5.3 makes it ordered when a topic
 * of the group is. */
static int ensure_retry_topic(struct heartbeat *heartbeat) {
    const struct span prefix = SPAN_LITERAL("%RETRY%");
    struct broker *broker = heartbeat->broker;
    const struct group *group = heartbeat->config;
    bool order = broker->config.profile_5_3 && heartbeat->has_order_topic;
    char text[TOPIC_NAME_MAX];
    if (prefix.len + group->name.len > sizeof text)
        return RMQ_OK; /* Differs: Apache makes a topic that no client can name */
    memcpy(text, prefix.data, prefix.len);
    memcpy(text + prefix.len, group->name.data, group->name.len);
    struct topic_config topic = {.name = span_of(text, prefix.len + group->name.len)};
    if (!span_is_absent(topic_name_check(topic.name)))
        return RMQ_OK;
    if (topics_find(&broker->topics, topic.name, &topic) == RMQ_OK) {
        if (!broker->config.profile_5_3 || topic.order == order)
            return RMQ_OK;
        topic.name = span_of(text, prefix.len + group->name.len);
    } else {
        topic.read_queue_nums = topic.write_queue_nums = group->retry_queues;
        topic.perm = PERM_READ | PERM_WRITE;
        topic.sys_flag = heartbeat->unit_mode ? TOPIC_SYS_FLAG_UNIT_SUB : 0;
    }
    topic.order = order;
    return broker_add_topic(broker, &topic);
}

static int on_consumer_end(void *ctx) {
    struct heartbeat *heartbeat = ctx;
    struct clients *clients = &heartbeat->broker->clients;
    if (heartbeat->group == NULL)
        return RMQ_OK;
    if (heartbeat->config != NULL) {
        int err = ensure_retry_topic(heartbeat);
        if (err != RMQ_OK)
            return err;
    }
    if (!heartbeat->without_sub) {
        heartbeat->changed |= clients_list_end(clients, heartbeat->group);
        int err = consumer_filters_register(&heartbeat->broker->filters, heartbeat->group);
        if (err != RMQ_OK)
            return err;
    }
    if (heartbeat->changed && (heartbeat->config == NULL || heartbeat->config->notify_ids_changed))
        clients_notify(clients, heartbeat->group);
    return RMQ_OK;
}

static int on_producer(void *ctx, struct span group) {
    struct heartbeat *heartbeat = ctx;
    struct client_group *joined_group;
    bool joined;
    return clients_join(&heartbeat->broker->clients, heartbeat->client, group, true, &joined_group,
                        &joined);
}

/* What a heartbeat's effect depends on besides its body: it only grows. */
static uint64_t state_seen(const struct broker *broker) {
    return broker->clients.changes + (uint64_t)broker->groups.version_counter +
           (uint64_t)broker->topics.version_counter;
}

/* Decodes and applies; the body has been checked. */
static int apply(struct heartbeat *heartbeat, struct buf *scratch, struct wire_error *error) {
    const struct heartbeat_visitor visitor = {on_client,       on_consumer, on_subscription,
                                              on_consumer_end, on_producer, heartbeat};
    struct span body = heartbeat->request->body;
    int err = heartbeat_decode(body, scratch, &visitor, error);
    struct client_channel *client = heartbeat->client;
    if (client == NULL)
        return err;
    bool plain = err == RMQ_OK && heartbeat->fingerprint == 0;
    client->body_hash = plain ? XXH3_64bits(body.data, body.len) : 0;
    client->seen = state_seen(heartbeat->broker);
    clients_drop_idle(&heartbeat->broker->clients, client);
    return err;
}

static void answer_undecodable(struct broker *broker, const struct asker *asker, int err,
                               const struct wire_error *error) {
    struct outcome outcome;
    outcome_init(&outcome, RESPONSE_SYSTEM_ERROR);
    outcome_text(&outcome, rmq_err_text(err));
    if (err != RMQ_E_NOMEM && error->expected != NULL) {
        outcome_text(&outcome, ": expected ");
        outcome_text(&outcome, error->expected);
        outcome_text(&outcome, " at byte ");
        outcome_number(&outcome, (int64_t)error->offset);
    }
    answer_code(&broker->remoting, asker, outcome.code, outcome.remark);
}

static void answer_heartbeat(const struct heartbeat *heartbeat, const struct asker *asker) {
    struct wire_command response;
    wire_command_init(&response, RESPONSE_SUCCESS);
    if (heartbeat->broker->config.profile_5_3) {
        bool changed = heartbeat->fingerprint == 0 || heartbeat->sub_changed;
        int err = wire_field_add(&response, SPAN_LITERAL("IS_SUPPORT_HEART_BEAT_V2"),
                                 SPAN_LITERAL("true"));
        if (err == RMQ_OK)
            err = wire_field_add(&response, SPAN_LITERAL("IS_SUB_CHANGE"),
                                 changed ? SPAN_LITERAL("true") : SPAN_LITERAL("false"));
        RMQ_ASSERT(err == RMQ_OK); /* two fields */
    }
    answer(&heartbeat->broker->remoting, asker, &response);
}

void broker_on_heartbeat(struct broker *broker, struct channel *channel,
                         const struct wire_command *request) {
    struct heartbeat heartbeat = {.broker = broker, .channel = channel, .request = request};
    struct asker asker = asker_of(channel, request);
    struct wire_error error = {0};
    struct buf scratch;
    uint64_t hash = XXH3_64bits(request->body.data, request->body.len);
    if (clients_refresh(&broker->clients, channel, hash, state_seen(broker))) {
        answer_heartbeat(&heartbeat, &asker);
        return;
    }
    buf_init(&scratch, broker->env);
    int err = heartbeat_decode(request->body, &scratch, &CHECK_ONLY, &error);
    if (err == RMQ_OK)
        err = apply(&heartbeat, &scratch, &error);
    buf_deinit(&scratch);
    if (err == RMQ_OK)
        answer_heartbeat(&heartbeat, &asker);
    else
        answer_undecodable(broker, &asker, err, &error);
}

/* ---- 35 -------------------------------------------------------------------------------------- */

void broker_on_unregister_client(struct broker *broker, struct channel *channel,
                                 const struct wire_command *request) {
    struct asker asker = asker_of(channel, request);
    struct header_unregister_client header;
    const struct header_field_info *bad;
    struct wire_command response;
    const struct group *config = NULL;
    int err = header_decode(&HEADER_unregister_client, request, &header, &bad);
    if (err != RMQ_OK) {
        struct outcome outcome;
        outcome_bad_header(&outcome, err, bad);
        answer_code(&broker->remoting, &asker, outcome.code, outcome.remark);
        return;
    }
    if (!span_is_absent(header.producer_group))
        clients_leave(&broker->clients, channel, header.producer_group, true, false, "unregister");
    if (!span_is_absent(header.consumer_group)) {
        err = groups_find_or_create(&broker->groups, header.consumer_group, &config);
        bool notify = err != RMQ_OK || config->notify_ids_changed;
        clients_leave(&broker->clients, channel, header.consumer_group, false, notify,
                      "unregister");
    }
    wire_command_init(&response, RESPONSE_SUCCESS);
    response.has_fields = true;
    answer(&broker->remoting, &asker, &response);
}

/* ---- 38 -------------------------------------------------------------------------------------- */

static int write_consumer_list(const struct client_group *group, struct buf *out) {
    struct json_writer json;
    json_writer_init(&json, out, JSON_STYLE_FASTJSON);
    json_object_begin(&json);
    json_key_text(&json, "consumerIdList");
    json_array_begin(&json);
    LIST_EACH(&group->members, link, next)
    json_string(&json, LIST_ENTRY(link, struct client_member, in_group)->client->client_id);
    json_array_end(&json);
    json_object_end(&json);
    return buf_failed(out) ? RMQ_E_NOMEM : RMQ_OK;
}

void broker_on_consumer_list(struct broker *broker, struct channel *channel,
                             const struct wire_command *request) {
    struct asker asker = asker_of(channel, request);
    struct header_consumer_group header;
    const struct header_field_info *bad;
    struct outcome outcome;
    struct wire_command response;
    struct buf body;
    const struct client_group *group = NULL;
    buf_init(&body, broker->env);
    int err = header_decode(&HEADER_consumer_group, request, &header, &bad);
    if (err == RMQ_OK)
        group = clients_find(&broker->clients, header.consumer_group);
    outcome_init(&outcome, RESPONSE_SUCCESS);
    if (err != RMQ_OK)
        outcome_bad_header(&outcome, err, bad);
    else if (group == NULL)
        outcome_refuse(&outcome, RESPONSE_SYSTEM_ERROR, "no consumer for this group, ",
                       header.consumer_group, "");
    else if (write_consumer_list(group, &body) != RMQ_OK)
        outcome_refuse(&outcome, RESPONSE_SYSTEM_ERROR, "out of memory", SPAN_NONE, "");
    wire_command_init(&response, outcome.code);
    response.has_fields = true;
    response.remark = outcome.remark;
    if (outcome.code == RESPONSE_SUCCESS)
        response.body = buf_span(&body);
    answer(&broker->remoting, &asker, &response);
    buf_deinit(&body);
}

/* ---- 46 -------------------------------------------------------------------------------------- */

/* Whether pulls with this subscription could be served; else *outcome says why not, `why` backs its
 * remark. */
static void check_subscription(const struct broker *broker,
                               const struct heartbeat_subscription *subscription, struct buf *why,
                               struct outcome *outcome) {
    struct expression *expression;
    if (subscription_is_tag_type(subscription->type))
        return;
    if (!broker->config.property_filter) {
        outcome_refuse(outcome, RESPONSE_SYSTEM_ERROR,
                       "The broker does not support consumer to filter message by ",
                       subscription->type, "");
        return;
    }
    int err = consumer_filters_compile(&broker->filters, subscription->type,
                                       subscription->expression, &expression, why);
    if (err == RMQ_OK) {
        expression_unref(expression);
        return;
    }
    outcome_init(outcome,
                 err == RMQ_E_NOMEM ? RESPONSE_SYSTEM_ERROR : RESPONSE_SUBSCRIPTION_PARSE_FAILED);
    outcome->remark = err == RMQ_E_NOMEM ? SPAN_LITERAL("out of memory") : buf_span(why);
}

void broker_on_check_client_config(struct broker *broker, struct channel *channel,
                                   const struct wire_command *request) {
    struct asker asker = asker_of(channel, request);
    struct check_client check = {.has_subscription = false};
    struct wire_error error = {0};
    struct outcome outcome;
    struct buf scratch, why;
    int err = RMQ_OK;
    buf_init(&scratch, broker->env);
    buf_init(&why, broker->env);
    if (request->body.len > 0)
        err = check_client_decode(request->body, &scratch, &check, &error);
    outcome_init(&outcome, RESPONSE_SUCCESS);
    if (err == RMQ_OK && check.has_subscription)
        check_subscription(broker, &check.subscription, &why, &outcome);
    if (err == RMQ_OK)
        answer_code(&broker->remoting, &asker, outcome.code, outcome.remark);
    else
        answer_undecodable(broker, &asker, err, &error);
    buf_deinit(&why);
    buf_deinit(&scratch);
}
