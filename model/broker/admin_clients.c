/* broker/admin_clients.c - who is connected: 203, 204, 328, 343, 345 (broker.md 22.3).
 *
 * Source: AdminBrokerProcessor.java of 4.9.8 and 5.3.3. Connections come in order of joining (in
 * Java, of a hash); groups and topics in the order of Java's tables. */
#include "model/base/check.h"
#include "model/broker/broker_internal.h"
#include "model/wire/body_admin.h"
#include "model/wire/java_order.h"

#define SET_BUCKETS 16
#define TABLE_BUCKETS 1024 /* of the producers' table */
#define NS_PER_MS UINT64_C(1000000)

static void write_connections(struct json_writer *json, const struct client_group *group) {
    json_key_text(json, "connectionSet");
    json_array_begin(json);
    LIST_EACH(&group->members, link, next) {
        const struct client_channel *client =
            LIST_ENTRY(link, struct client_member, in_group)->client;
        const struct connection_info connection = {
            .address = span_of_text(channel_peer(client->channel)),
            .client_id = client->client_id,
            .language = span_of_text(wire_language_name((enum wire_language)client->language)),
            .version = client->version};
        connection_write(json, &connection);
    }
    json_array_end(json);
}

/* ---- 203 ------------------------------------------------------------------------------------- */

static int write_subscription(struct json_writer *json, struct env *env,
                              const struct client_subscription *subscription) {
    const struct heartbeat_subscription value = {.topic = subscription->topic,
                                                 .expression = subscription->expression,
                                                 .type = subscription->type,
                                                 .version = subscription->version,
                                                 .class_filter = subscription->class_filter};
    return subscription_write(json, env, &value);
}

static int write_subscriptions(struct json_writer *json, struct env *env,
                               const struct client_group *group) {
    size_t count = 0, i = 0;
    LIST_EACH(&group->subscriptions, counted, next_counted)
    count++;
    struct java_key *keys = env_alloc(env, (count + 1) * sizeof *keys);
    const struct client_subscription **rows = env_alloc(env, (count + 1) * sizeof(void *));
    int err = keys == NULL || rows == NULL ? RMQ_E_NOMEM : RMQ_OK;
    LIST_EACH(&group->subscriptions, link, next) {
        if (err != RMQ_OK)
            break;
        rows[i] = LIST_ENTRY(link, struct client_subscription, link);
        keys[i] = (struct java_key){java_string_hash(rows[i]->topic), (uint32_t)i};
        i++;
    }
    if (err == RMQ_OK)
        err = java_order(env, keys, count, SET_BUCKETS);
    json_key_text(json, "subscriptionTable");
    json_object_begin(json);
    for (i = 0; err == RMQ_OK && i < count; i++) {
        json_key(json, rows[keys[i].index]->topic);
        err = write_subscription(json, env, rows[keys[i].index]);
    }
    env_free(env, keys);
    env_free(env, (void *)rows);
    if (err == RMQ_OK)
        json_object_end(json);
    return err;
}

static int write_consumers(struct json_writer *json, struct env *env,
                           const struct client_group *group) {
    json_object_begin(json);
    write_connections(json, group);
    json_key_text(json, "consumeFromWhere");
    json_string_text(json, heartbeat_from_text(group->from_where));
    json_key_text(json, "consumeType");
    json_string_text(json, heartbeat_consume_type_text(group->consume_type));
    json_key_text(json, "messageModel");
    json_string_text(json, heartbeat_model_text(group->model));
    int err = write_subscriptions(json, env, group);
    if (err == RMQ_OK)
        json_object_end(json);
    return err;
}

void broker_on_consumer_connections(struct broker *broker, struct channel *channel,
                                    const struct wire_command *request) {
    struct asker asker = asker_of(channel, request);
    struct header_consumer_group header;
    struct admin_body body;
    if (!admin_header(broker, &asker, request, &HEADER_consumer_group, &header))
        return;
    const struct client_group *group = clients_find(&broker->clients, header.consumer_group);
    if (group == NULL) {
        admin_refuse(broker, &asker, RESPONSE_CONSUMER_NOT_ONLINE, "the consumer group[",
                     header.consumer_group, "] not online");
        return;
    }
    admin_body_begin(broker, &body);
    admin_body_answer(broker, &asker, &body, write_consumers(&body.json, broker->env, group));
}

/* ---- 204 ------------------------------------------------------------------------------------- */

void broker_on_producer_connections(struct broker *broker, struct channel *channel,
                                    const struct wire_command *request) {
    struct asker asker = asker_of(channel, request);
    struct header_producer_group header;
    struct admin_body body;
    if (!admin_header(broker, &asker, request, &HEADER_producer_group, &header))
        return;
    const struct client_group *group =
        clients_find_producers(&broker->clients, header.producer_group);
    if (group == NULL) {
        admin_refuse(broker, &asker, RESPONSE_SYSTEM_ERROR, "the producer group[",
                     header.producer_group, "] not exist");
        return;
    }
    admin_body_begin(broker, &body);
    json_object_begin(&body.json);
    write_connections(&body.json, group);
    json_object_end(&body.json);
    admin_body_answer(broker, &asker, &body, RMQ_OK);
}

/* ---- 328 ------------------------------------------------------------------------------------- */

static void write_producers(struct json_writer *json, struct env *env,
                            const struct client_group *group) {
    json_key(json, group->name);
    json_array_begin(json);
    LIST_EACH(&group->members, link, next) {
        const struct client_member *member = LIST_ENTRY(link, struct client_member, in_group);
        const struct client_channel *client = member->client;
        char remote[ENV_ADDRESS_MAX + 1] = "/";
        const char *peer = channel_peer(client->channel);
        size_t len = strlen(peer);
        RMQ_ASSERT(len < ENV_ADDRESS_MAX);
        memcpy(remote + 1, peer, len + 1);
        uint64_t age_ms = (env_mono_ns(env) - member->updated_ns) / NS_PER_MS;
        const struct producer_info producer = {
            .client_id = client->client_id,
            .language = span_of_text(wire_language_name((enum wire_language)client->language)),
            .last_update = env_wall_ms(env) - (int64_t)age_ms,
            .remote = span_of(remote, len + 1),
            .version = client->version};
        producer_info_write(json, &producer);
    }
    json_array_end(json);
}

void broker_on_all_producers(struct broker *broker, struct channel *channel,
                             const struct wire_command *request) {
    struct asker asker = asker_of(channel, request);
    struct env *env = broker->env;
    size_t count = HASH_COUNT(broker->clients.producers), i = 0;
    struct java_key *keys = env_alloc(env, (count + 1) * sizeof *keys);
    struct client_group **rows = env_alloc(env, (count + 1) * sizeof(void *));
    struct admin_body body;
    int err = keys == NULL || rows == NULL ? RMQ_E_NOMEM : RMQ_OK;
    for (struct client_group *group = broker->clients.producers; err == RMQ_OK && group != NULL;
         group = group->hh.next, i++) {
        rows[i] = group;
        keys[i] = (struct java_key){java_string_hash(group->name), (uint32_t)i};
    }
    if (err == RMQ_OK)
        err = java_order(env, keys, count, SET_BUCKETS);
    admin_body_begin(broker, &body);
    json_object_begin(&body.json);
    json_key_text(&body.json, "data");
    json_object_begin(&body.json);
    for (i = 0; err == RMQ_OK && i < count; i++)
        write_producers(&body.json, env, rows[keys[i].index]);
    json_object_end(&body.json);
    json_object_end(&body.json);
    admin_body_answer(broker, &asker, &body, err);
    env_free(env, keys);
    env_free(env, rows);
}

/* ---- 343, 345 -------------------------------------------------------------------------------- */

struct topic_names {
    struct json_writer *json;
    struct span group;
    struct span last;
};

/* The entries of one topic and group come together. */
static void on_group_topic(void *ctx, struct span topic, struct span group, int32_t queue_id,
                           int64_t offset) {
    struct topic_names *names = ctx;
    RMQ_IGNORE(queue_id < 0 || offset < 0, "only names are asked for");
    if (!span_equal(group, names->group) || span_equal(topic, names->last))
        return;
    json_string(names->json, topic);
    names->last = topic;
}

void broker_on_topics_by_consumer(struct broker *broker, struct channel *channel,
                                  const struct wire_command *request) {
    struct asker asker = asker_of(channel, request);
    struct header_group_topic header;
    struct admin_body body;
    if (!admin_header(broker, &asker, request, &HEADER_group_topic, &header))
        return;
    struct topic_names names = {.json = &body.json, .group = header.group};
    admin_body_begin(broker, &body);
    json_object_begin(&body.json);
    json_key_text(&body.json, "brokerAddr");
    json_string(&body.json, broker->config.addr);
    json_key_text(&body.json, "topicList");
    json_array_begin(&body.json);
    offsets_each(&broker->offsets, on_group_topic, &names);
    json_array_end(&body.json);
    json_object_end(&body.json);
    admin_body_answer(broker, &asker, &body, RMQ_OK);
}

void broker_on_subscription_by_consumer(struct broker *broker, struct channel *channel,
                                        const struct wire_command *request) {
    struct asker asker = asker_of(channel, request);
    struct header_group_topic header;
    struct admin_body body;
    int err = RMQ_OK;
    if (!admin_header(broker, &asker, request, &HEADER_group_topic, &header))
        return;
    const struct client_group *group = clients_find(&broker->clients, header.group);
    const struct client_subscription *subscription =
        group == NULL ? NULL : client_group_subscription(group, header.topic);
    admin_body_begin(broker, &body);
    json_object_begin(&body.json);
    json_key_text(&body.json, "group");
    json_string(&body.json, header.group);
    if (subscription != NULL) {
        json_key_text(&body.json, "subscriptionData");
        err = write_subscription(&body.json, broker->env, subscription);
    }
    if (err == RMQ_OK && !span_is_absent(header.topic)) {
        json_key_text(&body.json, "topic");
        json_string(&body.json, header.topic);
    }
    if (err == RMQ_OK)
        json_object_end(&body.json);
    admin_body_answer(broker, &asker, &body, err);
}
