/* wire/header.h - typed headers, encoded and decoded through one description of their fields.
 *
 * A header is declared once, as an X-macro of its fields; that gives its struct, its description
 * and both directions. Keys are spelled as on the wire (wire.md 5). */
#ifndef MODEL_WIRE_HEADER_H
#define MODEL_WIRE_HEADER_H

#include "model/wire/frame.h"

enum header_field_type { HEADER_STRING, HEADER_I32, HEADER_I64, HEADER_BOOL };

struct header_field_info {
    const char *key;
    enum header_field_type type;
    bool required;
    uint16_t offset;         /* of the value in the struct */
    uint16_t present_offset; /* of its bool `has_<name>`; strings use absent spans instead */
};
struct header_info {
    const char *name;
    const struct header_field_info *fields;
    size_t field_count;
    size_t size;
};

/* Field macros take (member, key): S string, I i32, L i64, B bool; upper case required (R) or
 * optional (O) in front: RS(topic, "topic") OB(standard_json, "acceptStandardJsonOnly"). */
#define HEADER_MEMBER_STRING(member, key) struct span member;
#define HEADER_MEMBER_I32(member, key) \
    int32_t member;                    \
    bool has_##member;
#define HEADER_MEMBER_I64(member, key) \
    int64_t member;                    \
    bool has_##member;
#define HEADER_MEMBER_BOOL(member, key) \
    bool member;                        \
    bool has_##member;

/* DECLARE_HEADER(name): struct header_<name> and `extern const struct header_info HEADER_<name>`.
 */
#define DECLARE_HEADER(name)                                                                \
    struct header_##name {                                                                  \
        HEADER_FIELDS_##name(HEADER_MEMBER_STRING, HEADER_MEMBER_STRING, HEADER_MEMBER_I32, \
                             HEADER_MEMBER_I32, HEADER_MEMBER_I64, HEADER_MEMBER_I64,       \
                             HEADER_MEMBER_BOOL, HEADER_MEMBER_BOOL)                        \
    };                                                                                      \
    extern const struct header_info HEADER_##name

/* Fills *header (of info->size bytes) from the command's fields. Integers: decimal; booleans:
 * `true` in any case is true, all else false; unknown keys are left alone. RMQ_E_MISSING /
 * RMQ_E_INVALID / RMQ_E_RANGE with *bad the field. Strings point into the command. */
int header_decode(const struct header_info *info, const struct wire_command *command, void *header,
                  const struct header_field_info **bad) RMQ_CHECK_RESULT;
/* Adds the present fields to the command, in declaration order. Number texts are appended to
 * `scratch`, which must outlive the encoding and have room reserved by the caller's buf_reserve of
 * HEADER_SCRATCH_BYTES (so that it does not move). RMQ_E_LIMIT, RMQ_E_NOMEM. */
#define HEADER_SCRATCH_BYTES 1024
int header_encode(const struct header_info *info, const void *header, struct wire_command *command,
                  struct buf *scratch) RMQ_CHECK_RESULT;

/* Column order of a header's fields: RS OS RI OI RL OL RB OB. */
#define HEADER_FIELDS_register_broker(RS, OS, RI, OI, RL, OL, RB, OB) \
    RL(broker_id, "brokerId")                                         \
    OI(body_crc32, "bodyCrc32")                                       \
    RS(cluster_name, "clusterName")                                   \
    RS(broker_addr, "brokerAddr")                                     \
    OB(enable_acting_master, "enableActingMaster")                    \
    RS(ha_server_addr, "haServerAddr")                                \
    OB(compressed, "compressed")                                      \
    RS(broker_name, "brokerName")                                     \
    OL(heartbeat_timeout_millis, "heartbeatTimeoutMillis")
DECLARE_HEADER(register_broker);

#define HEADER_FIELDS_register_broker_response(RS, OS, RI, OI, RL, OL, RB, OB) \
    OS(ha_server_addr, "haServerAddr") OS(master_addr, "masterAddr")
DECLARE_HEADER(register_broker_response);

/* 104 and 322 requests. */
#define HEADER_FIELDS_broker_identity(RS, OS, RI, OI, RL, OL, RB, OB) \
    RL(broker_id, "brokerId")                                         \
    RS(cluster_name, "clusterName")                                   \
    RS(broker_addr, "brokerAddr")                                     \
    RS(broker_name, "brokerName")
DECLARE_HEADER(broker_identity);

#define HEADER_FIELDS_query_data_version_response(RS, OS, RI, OI, RL, OL, RB, OB) \
    RB(changed, "changed")
DECLARE_HEADER(query_data_version_response);

#define HEADER_FIELDS_get_route(RS, OS, RI, OI, RL, OL, RB, OB) \
    RS(topic, "topic") OB(accept_standard_json_only, "acceptStandardJsonOnly")
DECLARE_HEADER(get_route);

/* 205, 327 */
#define HEADER_FIELDS_broker_name(RS, OS, RI, OI, RL, OL, RB, OB) RS(broker_name, "brokerName")
DECLARE_HEADER(broker_name);
#define HEADER_FIELDS_wipe_write_perm_response(RS, OS, RI, OI, RL, OL, RB, OB) \
    RI(wipe_topic_count, "wipeTopicCount")
DECLARE_HEADER(wipe_write_perm_response);
#define HEADER_FIELDS_add_write_perm_response(RS, OS, RI, OI, RL, OL, RB, OB) \
    RI(add_topic_count, "addTopicCount")
DECLARE_HEADER(add_write_perm_response);

/* 216 */
#define HEADER_FIELDS_delete_topic_in_namesrv(RS, OS, RI, OI, RL, OL, RB, OB) \
    RS(topic, "topic") OS(cluster_name, "clusterName")
DECLARE_HEADER(delete_topic_in_namesrv);

/* 100; value may be missing */
#define HEADER_FIELDS_put_kv_config(RS, OS, RI, OI, RL, OL, RB, OB) \
    OS(namespace_, "namespace") OS(key, "key") OS(value, "value")
DECLARE_HEADER(put_kv_config);
/* 101, 102 */
#define HEADER_FIELDS_kv_key(RS, OS, RI, OI, RL, OL, RB, OB) \
    RS(namespace_, "namespace") RS(key, "key")
DECLARE_HEADER(kv_key);
#define HEADER_FIELDS_get_kv_config_response(RS, OS, RI, OI, RL, OL, RB, OB) OS(value, "value")
DECLARE_HEADER(get_kv_config_response);
/* 219 */
#define HEADER_FIELDS_kv_namespace(RS, OS, RI, OI, RL, OL, RB, OB) RS(namespace_, "namespace")
DECLARE_HEADER(kv_namespace);
/* 224 */
#define HEADER_FIELDS_topics_by_cluster(RS, OS, RI, OI, RL, OL, RB, OB) RS(cluster, "cluster")
DECLARE_HEADER(topics_by_cluster);

/* 17 */
#define HEADER_FIELDS_create_topic(RS, OS, RI, OI, RL, OL, RB, OB) \
    RS(topic, "topic")                                             \
    RS(default_topic, "defaultTopic")                              \
    RI(read_queue_nums, "readQueueNums")                           \
    RI(write_queue_nums, "writeQueueNums")                         \
    RI(perm, "perm")                                               \
    RS(topic_filter_type, "topicFilterType")                       \
    OI(topic_sys_flag, "topicSysFlag")                             \
    OB(order, "order")                                             \
    OS(attributes, "attributes")                                   \
    OB(force, "force")
DECLARE_HEADER(create_topic);

/* 901, and 904's members that a name server reads */
#define HEADER_FIELDS_broker_member(RS, OS, RI, OI, RL, OL, RB, OB) \
    RS(cluster_name, "clusterName") RS(broker_name, "brokerName") OS(broker_addr, "brokerAddr")
DECLARE_HEADER(broker_member);

#define HEADER_FIELDS_min_broker_id_change(RS, OS, RI, OI, RL, OL, RB, OB) \
    OL(min_broker_id, "minBrokerId")                                       \
    OS(broker_name, "brokerName")                                          \
    OS(min_broker_addr, "minBrokerAddr")                                   \
    OS(offline_broker_addr, "offlineBrokerAddr")                           \
    OS(ha_broker_addr, "haBrokerAddr")
DECLARE_HEADER(min_broker_id_change);

#endif
