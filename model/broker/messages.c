/* broker/messages.c - see messages.h. */
#include "model/broker/messages.h"

#include "model/base/check.h"
#include "model/env.h"
#include "model/wire/codes.h"

static void init(struct broker_message *message, struct env *env, int32_t code) {
    wire_command_init(&message->command, code);
    message->numbers =
        (struct buf){.env = env, .data = message->memory, .capacity = sizeof message->memory};
    message->version = (struct buf){
        .env = env, .data = message->version_memory, .capacity = sizeof message->version_memory};
}

static void add_header(struct broker_message *message, const struct header_info *info,
                       const void *header) {
    int err = header_encode(info, header, &message->command, &message->numbers);
    RMQ_ASSERT(err == RMQ_OK); /* few fields, and memory is there */
    RMQ_ASSERT(message->numbers.data == message->memory);
}

void broker_message_register(struct broker_message *message, struct env *env,
                             const struct broker_config *config, struct span body,
                             int32_t body_crc) {
    init(message, env, REQUEST_REGISTER_BROKER);
    struct header_register_broker header = {
        .broker_id = config->broker_id,
        .has_broker_id = true,
        .body_crc32 = body_crc,
        .has_body_crc32 = true,
        .cluster_name = config->cluster,
        .broker_addr = config->addr,
        .enable_acting_master = config->acting_master,
        .has_enable_acting_master = config->profile_5_3,
        .ha_server_addr = config->ha_addr,
        .compressed = config->compressed_register && !config->profile_5_3,
        .has_compressed = true,
        .broker_name = config->name,
        .heartbeat_timeout_millis = config->not_active_ms,
        .has_heartbeat_timeout_millis = config->acting_master,
    };
    add_header(message, &HEADER_register_broker, &header);
    message->command.body = body;
}

void broker_message_identity(struct broker_message *message, struct env *env,
                             const struct broker_config *config, int32_t code) {
    init(message, env, code);
    struct header_broker_identity header = {.broker_id = config->broker_id,
                                            .has_broker_id = true,
                                            .cluster_name = config->cluster,
                                            .broker_addr = config->addr,
                                            .broker_name = config->name};
    add_header(message, &HEADER_broker_identity, &header);
}

void broker_message_version_query(struct broker_message *message, struct env *env,
                                  const struct broker_config *config, const struct topics *topics) {
    broker_message_identity(message, env, config, REQUEST_QUERY_DATA_VERSION);
    struct data_version version = topics_version(topics);
    struct json_writer json;
    json_writer_init(&json, &message->version, JSON_STYLE_FASTJSON);
    data_version_write(&json, &version, config->profile_5_3);
    RMQ_ASSERT(message->version.data == message->version_memory);
    message->command.body = buf_span(&message->version);
}

void broker_message_member(struct broker_message *message, struct env *env,
                           const struct broker_config *config, int32_t code) {
    init(message, env, code);
    struct header_broker_member header = {
        .cluster_name = config->cluster,
        .broker_addr = code == REQUEST_BROKER_HEARTBEAT ? config->addr : SPAN_NONE,
        .broker_name = config->name};
    add_header(message, &HEADER_broker_member, &header);
}

void broker_message_member_route(struct broker_message *message, struct env *env,
                                 const struct broker_config *config) {
    init(message, env, REQUEST_GET_ROUTEINFO_BY_TOPIC);
    struct header_get_route header = {.topic = config->member_topic};
    add_header(message, &HEADER_get_route, &header);
}

/* ---- bodies ---------------------------------------------------------------------------------- */

/* registerBrokerAll: a broker that is not both readable and writable registers copies. 4.9 gives
 * them its own permission, 5.3 what both allow; system flag and order are lost. (5.3 keeps the flag
 * in an increment.) */
static struct topic_config narrowed(const struct broker_config *config, struct topic_config topic,
                                    bool increment) {
    if (broker_config_full_permission(config))
        return topic;
    topic.perm = config->profile_5_3 ? topic.perm & config->permission : config->permission;
    topic.order = false;
    topic.multi_tag = false;
    if (!config->profile_5_3 || !increment)
        topic.sys_flag = 0;
    return topic;
}

static int encode(struct env *env, const struct broker_config *config, const struct topics *topics,
                  const struct topic_config *list, size_t count, struct buf *body) {
    struct data_version version = topics_version(topics);
    struct data_version mapping = {.timestamp = env_wall_ms(env)};
    buf_clear(body);
    if (config->compressed_register)
        return register_body_compress(env, body, config->profile_5_3, &version, list, count);
    struct register_body_writer writer;
    register_body_begin(&writer, body, config->profile_5_3, &version, &mapping);
    for (size_t i = 0; i < count; i++)
        register_body_topic(&writer, &list[i]);
    register_body_end(&writer);
    return buf_failed(body) ? RMQ_E_NOMEM : RMQ_OK;
}

int broker_message_body(struct env *env, const struct broker_config *config,
                        const struct topics *topics, struct buf *body) {
    size_t count = topics_count(topics);
    struct topic_config *list = env_alloc(env, count * sizeof *list);
    if (list == NULL)
        return RMQ_E_NOMEM;
    for (size_t i = 0; i < count; i++)
        list[i] = narrowed(config, topics_at(topics, i), false);
    int err = encode(env, config, topics, list, count, body);
    env_free(env, list);
    return err;
}

int broker_message_topic_body(struct env *env, const struct broker_config *config,
                              const struct topics *topics, const struct topic_config *topic,
                              struct buf *body) {
    struct topic_config alone = narrowed(config, *topic, true);
    return encode(env, config, topics, &alone, 1, body);
}
