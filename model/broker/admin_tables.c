/* broker/admin_tables.c - requests that show a broker's tables: 21, 45, 201, 305, 351, 352.
 *
 * Source: AdminBrokerProcessor.java of 4.9.8 and 5.3.3; answers as in the captures (probe-all,
 * broker-boot, mqadmin). Differs: 352 of a group that does not exist creates none and is answered
 * with 26 and an own remark in both profiles, as 5.3.3 does; 351 and 352 are known to both. */
#include "model/broker/broker_internal.h"
#include "model/wire/java_order.h"

#define SET_BUCKETS 16

void broker_on_all_topic_config(struct broker *broker, struct channel *channel,
                                const struct wire_command *request) {
    struct asker asker = asker_of(channel, request);
    struct wire_command response;
    struct buf body;
    buf_init(&body, broker->env);
    if (topics_write_compact(&broker->topics, &body) != RMQ_OK) {
        answer_code(&broker->remoting, &asker, RESPONSE_SYSTEM_ERROR,
                    SPAN_LITERAL("out of memory"));
    } else {
        wire_command_init(&response, RESPONSE_SUCCESS);
        response.has_fields = true;
        response.body = buf_span(&body);
        answer(&broker->remoting, &asker, &response);
    }
    buf_deinit(&body);
}

void broker_on_all_delay_offset(struct broker *broker, struct channel *channel,
                                const struct wire_command *request) {
    struct asker asker = asker_of(channel, request);
    struct buf body;
    buf_init(&body, broker->env);
    if (schedule_write_compact(&broker->schedule, &body) == RMQ_OK)
        admin_answer(broker, &asker, SPAN_NONE, &body);
    else
        answer_code(&broker->remoting, &asker, RESPONSE_SYSTEM_ERROR,
                    SPAN_LITERAL("out of memory"));
    buf_deinit(&body);
}

void broker_on_all_groups(struct broker *broker, struct channel *channel,
                          const struct wire_command *request) {
    struct asker asker = asker_of(channel, request);
    struct buf body;
    buf_init(&body, broker->env);
    if (groups_write_compact(&broker->groups, &body) == RMQ_OK)
        admin_answer(broker, &asker, SPAN_NONE, &body);
    else
        answer_code(&broker->remoting, &asker, RESPONSE_SYSTEM_ERROR,
                    SPAN_LITERAL("out of memory"));
    buf_deinit(&body);
}

/* ---- 305 ------------------------------------------------------------------------------------- */

void broker_on_system_topics(struct broker *broker, struct channel *channel,
                             const struct wire_command *request) {
    struct asker asker = asker_of(channel, request);
    struct json_writer json;
    struct buf body;
    struct java_key keys[TOPICS_SYSTEM_MAX];
    struct span names[TOPICS_SYSTEM_MAX];
    size_t count = topics_system(&broker->topics, names);
    for (size_t i = 0; i < count; i++)
        keys[i] = (struct java_key){java_string_hash(names[i]), (uint32_t)i};
    buf_init(&body, broker->env);
    int err = java_order(broker->env, keys, count, SET_BUCKETS);
    json_writer_init(&json, &body, JSON_STYLE_FASTJSON);
    json_object_begin(&json);
    json_key_text(&json, "topicList");
    json_array_begin(&json);
    for (size_t i = 0; i < count; i++)
        json_string(&json, names[keys[i].index]);
    json_array_end(&json);
    json_object_end(&json);
    body.failed |= err != RMQ_OK;
    admin_answer(broker, &asker, SPAN_NONE, &body);
    buf_deinit(&body);
}

/* ---- 351, 352 -------------------------------------------------------------------------------- */

void broker_on_topic_config(struct broker *broker, struct channel *channel,
                            const struct wire_command *request) {
    struct asker asker = asker_of(channel, request);
    struct header_topic_name header;
    struct topic_config topic;
    struct json_writer json;
    struct buf body;
    if (!admin_header(broker, &asker, request, &HEADER_topic_name, &header))
        return;
    if (topics_find(&broker->topics, header.topic, &topic) != RMQ_OK) {
        admin_refuse(broker, &asker, RESPONSE_TOPIC_NOT_EXIST,
                     "No topic in this broker. topic: ", header.topic, "");
        return;
    }
    buf_init(&body, broker->env);
    json_writer_init(&json, &body, JSON_STYLE_FASTJSON);
    topic_config_write_value(&json, &topic, true); /* who asks is 5.3 */
    admin_answer(broker, &asker, SPAN_NONE, &body);
    buf_deinit(&body);
}

void broker_on_group_config(struct broker *broker, struct channel *channel,
                            const struct wire_command *request) {
    struct asker asker = asker_of(channel, request);
    struct header_group_topic header;
    struct json_writer json;
    struct buf body;
    if (!admin_header(broker, &asker, request, &HEADER_group_topic, &header))
        return;
    const struct group *group = groups_find(&broker->groups, header.group);
    if (group == NULL) {
        admin_refuse(broker, &asker, RESPONSE_SUBSCRIPTION_GROUP_NOT_EXIST,
                     "No group in this broker, group: ", header.group, "");
        return;
    }
    buf_init(&body, broker->env);
    json_writer_init(&json, &body, JSON_STYLE_FASTJSON);
    group_write_value(&json, group, true);
    admin_answer(broker, &asker, SPAN_NONE, &body);
    buf_deinit(&body);
}
