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
    uint16_t key_len;
    enum header_field_type type;
    bool required;
    uint16_t offset;         /* of the value in the struct */
    uint16_t present_offset; /* of its bool has_<member>; strings use absent spans instead */
};
struct header_info {
    const char *name;
    const struct header_field_info *fields;
    size_t field_count;
    size_t size;
};

/* Field macros take (H, member, key), H being handed through to name the struct: S string, I i32,
 * L i64, B bool; required (R) or optional (O) in front: RS(H, topic, "topic"). */
#define HEADER_FIELDS_MAX 16
#define HEADER_MEMBER_STRING(H, member, key) struct span member;
#define HEADER_MEMBER_I32(H, member, key) \
    int32_t member;                       \
    bool has_##member;
#define HEADER_MEMBER_I64(H, member, key) \
    int64_t member;                       \
    bool has_##member;
#define HEADER_MEMBER_BOOL(H, member, key) \
    bool member;                           \
    bool has_##member;

/* DECLARE_HEADER(name): struct header_<name> and `extern const struct header_info HEADER_<name>`.
 */
#define DECLARE_HEADER(name)                                                                      \
    struct header_##name {                                                                        \
        HEADER_FIELDS_##name(name, HEADER_MEMBER_STRING, HEADER_MEMBER_STRING, HEADER_MEMBER_I32, \
                             HEADER_MEMBER_I32, HEADER_MEMBER_I64, HEADER_MEMBER_I64,             \
                             HEADER_MEMBER_BOOL, HEADER_MEMBER_BOOL)                              \
    };                                                                                            \
    extern const struct header_info HEADER_##name

/* Fills *header (of info->size bytes) from the command's fields. Integers: decimal; booleans:
 * `true` in any case is true, all else false; unknown keys are left alone. RMQ_E_MISSING /
 * RMQ_E_INVALID / RMQ_E_RANGE with *bad the field. Strings point into the command. */
int header_decode(const struct header_info *info, const struct wire_command *command, void *header,
                  const struct header_field_info **bad) RMQ_CHECK_RESULT;
/* Adds the present fields to the command, in declaration order; required numbers and booleans count
 * as present whatever their has_<member> says. An absent required string is left out, as Java does
 * it. Number texts are appended to
 * `scratch`, which must outlive the encoding and have room reserved by the caller's buf_reserve of
 * HEADER_SCRATCH_BYTES (so that it does not move). RMQ_E_LIMIT, RMQ_E_NOMEM. */
#define HEADER_SCRATCH_BYTES 1024
int header_encode(const struct header_info *info, const void *header, struct wire_command *command,
                  struct buf *scratch) RMQ_CHECK_RESULT;

/* Column order of a header's fields: H, then RS OS RI OI RL OL RB OB. Fields stand in the order in
 * which 4.9.7 and 5.3.3 send them (a hash order), so that what we send is theirs to the byte. */
#define HEADER_FIELDS_register_broker(H, RS, OS, RI, OI, RL, OL, RB, OB) \
    OL(H, heartbeat_timeout_millis, "heartbeatTimeoutMillis")            \
    RL(H, broker_id, "brokerId")                                         \
    OI(H, body_crc32, "bodyCrc32")                                       \
    RS(H, cluster_name, "clusterName")                                   \
    RS(H, broker_addr, "brokerAddr")                                     \
    OB(H, enable_acting_master, "enableActingMaster")                    \
    RS(H, ha_server_addr, "haServerAddr")                                \
    OB(H, compressed, "compressed")                                      \
    RS(H, broker_name, "brokerName")
DECLARE_HEADER(register_broker);

#define HEADER_FIELDS_register_broker_response(H, RS, OS, RI, OI, RL, OL, RB, OB) \
    OS(H, ha_server_addr, "haServerAddr") OS(H, master_addr, "masterAddr")
DECLARE_HEADER(register_broker_response);

/* 104 and 322 requests. */
#define HEADER_FIELDS_broker_identity(H, RS, OS, RI, OI, RL, OL, RB, OB) \
    RL(H, broker_id, "brokerId")                                         \
    RS(H, cluster_name, "clusterName")                                   \
    RS(H, broker_addr, "brokerAddr")                                     \
    RS(H, broker_name, "brokerName")
DECLARE_HEADER(broker_identity);

#define HEADER_FIELDS_query_data_version_response(H, RS, OS, RI, OI, RL, OL, RB, OB) \
    RB(H, changed, "changed")
DECLARE_HEADER(query_data_version_response);

#define HEADER_FIELDS_get_route(H, RS, OS, RI, OI, RL, OL, RB, OB) \
    RS(H, topic, "topic") OB(H, accept_standard_json_only, "acceptStandardJsonOnly")
DECLARE_HEADER(get_route);

/* 205, 327 */
#define HEADER_FIELDS_broker_name(H, RS, OS, RI, OI, RL, OL, RB, OB) \
    RS(H, broker_name, "brokerName")
DECLARE_HEADER(broker_name);
#define HEADER_FIELDS_wipe_write_perm_response(H, RS, OS, RI, OI, RL, OL, RB, OB) \
    RI(H, wipe_topic_count, "wipeTopicCount")
DECLARE_HEADER(wipe_write_perm_response);
#define HEADER_FIELDS_add_write_perm_response(H, RS, OS, RI, OI, RL, OL, RB, OB) \
    RI(H, add_topic_count, "addTopicCount")
DECLARE_HEADER(add_write_perm_response);

/* 216 */
#define HEADER_FIELDS_delete_topic_in_namesrv(H, RS, OS, RI, OI, RL, OL, RB, OB) \
    OS(H, cluster_name, "clusterName") RS(H, topic, "topic")
DECLARE_HEADER(delete_topic_in_namesrv);

/* 100; value may be missing */
#define HEADER_FIELDS_put_kv_config(H, RS, OS, RI, OI, RL, OL, RB, OB) \
    OS(H, namespace_, "namespace") OS(H, value, "value") OS(H, key, "key")
DECLARE_HEADER(put_kv_config);
/* 101, 102 */
#define HEADER_FIELDS_kv_key(H, RS, OS, RI, OI, RL, OL, RB, OB) \
    RS(H, namespace_, "namespace") RS(H, key, "key")
DECLARE_HEADER(kv_key);
#define HEADER_FIELDS_get_kv_config_response(H, RS, OS, RI, OI, RL, OL, RB, OB) \
    OS(H, value, "value")
DECLARE_HEADER(get_kv_config_response);
/* 219 */
#define HEADER_FIELDS_kv_namespace(H, RS, OS, RI, OI, RL, OL, RB, OB) RS(H, namespace_, "namespace")
DECLARE_HEADER(kv_namespace);
/* 224 */
#define HEADER_FIELDS_topics_by_cluster(H, RS, OS, RI, OI, RL, OL, RB, OB) RS(H, cluster, "cluster")
DECLARE_HEADER(topics_by_cluster);

/* 17 */
#define HEADER_FIELDS_create_topic(H, RS, OS, RI, OI, RL, OL, RB, OB) \
    RI(H, read_queue_nums, "readQueueNums")                           \
    RI(H, perm, "perm")                                               \
    RI(H, write_queue_nums, "writeQueueNums")                         \
    RS(H, topic_filter_type, "topicFilterType")                       \
    RS(H, topic, "topic")                                             \
    OS(H, attributes, "attributes")      /* 5.3 */                    \
    OB(H, force, "force")                /* 5.3 */                    \
    OS(H, default_topic, "defaultTopic") /* a broker does not look */ \
    OI(H, topic_sys_flag, "topicSysFlag")                             \
    OB(H, order, "order")
DECLARE_HEADER(create_topic);

/* 901, and 904's members that a name server reads */
#define HEADER_FIELDS_broker_member(H, RS, OS, RI, OI, RL, OL, RB, OB) \
    RS(H, cluster_name, "clusterName")                                 \
    OS(H, broker_addr, "brokerAddr") RS(H, broker_name, "brokerName")
DECLARE_HEADER(broker_member);

/* 905 */
#define HEADER_FIELDS_min_broker_id_change(H, RS, OS, RI, OI, RL, OL, RB, OB) \
    OS(H, offline_broker_addr, "offlineBrokerAddr")                           \
    OS(H, ha_broker_addr, "haBrokerAddr")                                     \
    OS(H, min_broker_addr, "minBrokerAddr")                                   \
    OL(H, min_broker_id, "minBrokerId")                                       \
    OS(H, broker_name, "brokerName")
DECLARE_HEADER(min_broker_id_change);

/* clang-format 14 does not come to rest on these. */
/* clang-format off */

/* ---- messages (broker.md 11, 14, 18, 19; client.md 10.1) ---- */

/* 310, 320: one-letter keys, broker.md 11.1; 10 has the same members under long names */
#define HEADER_FIELDS_send_v2(H, RS, OS, RI, OI, RL, OL, RB, OB)                                \
    RS(H, producer_group, "a")                                                                  \
    RS(H, topic, "b")                                                                           \
    RS(H, default_topic, "c") RI(H, default_topic_queue_nums, "d") RI(H, queue_id, "e")         \
        RI(H, sys_flag, "f") RL(H, born_timestamp, "g") RI(H, flag, "h") OS(H, properties, "i") \
            OI(H, reconsume_times, "j") OB(H, unit_mode, "k") OI(H, max_reconsume_times, "l")   \
                OB(H, batch, "m") OS(H, broker_name, "n")
DECLARE_HEADER(send_v2);
#define HEADER_FIELDS_send(H, RS, OS, RI, OI, RL, OL, RB, OB)                                   \
    RI(H, queue_id, "queueId")                                                                  \
    RI(H, flag, "flag")                                                                         \
    RI(H, sys_flag, "sysFlag") OI(H, reconsume_times, "reconsumeTimes") OB(H, batch, "batch")   \
        OB(H, unit_mode, "unitMode") RS(H, default_topic, "defaultTopic")                       \
            RI(H, default_topic_queue_nums, "defaultTopicQueueNums")                            \
                RS(H, producer_group, "producerGroup")                                          \
                    OI(H, max_reconsume_times, "maxReconsumeTimes") OS(H, broker_name, "bname") \
                        RS(H, topic, "topic") RL(H, born_timestamp, "bornTimestamp")            \
                            OS(H, properties, "properties")
DECLARE_HEADER(send);
#define HEADER_FIELDS_send_response(H, RS, OS, RI, OI, RL, OL, RB, OB)                 \
    RI(H, queue_id, "queueId")                                                         \
    OS(H, transaction_id, "transactionId")                                             \
    RS(H, msg_id, "msgId") OS(H, trace_on, "TRACE_ON") OS(H, msg_region, "MSG_REGION") \
        RL(H, queue_offset, "queueOffset")
DECLARE_HEADER(send_response);

/* 11, 361 */
#define HEADER_FIELDS_pull(H, RS, OS, RI, OI, RL, OL, RB, OB)                                      \
    RI(H, queue_id, "queueId")                                                                     \
    OI(H, max_msg_bytes, "maxMsgBytes")                                                            \
    RI(H, max_msg_nums, "maxMsgNums") RI(H, sys_flag, "sysFlag")                                   \
        OS(H, subscription, "subscription") RL(H, suspend_timeout_millis, "suspendTimeoutMillis")  \
            RL(H, commit_offset, "commitOffset") OS(H, broker_name, "bname") RS(H, topic, "topic") \
                RL(H, queue_offset, "queueOffset") OS(H, expression_type, "expressionType")        \
                    RL(H, sub_version, "subVersion") RS(H, consumer_group, "consumerGroup")
DECLARE_HEADER(pull);
#define PULL_FLAG_COMMIT 1
#define PULL_FLAG_SUSPEND 2
#define PULL_FLAG_SUBSCRIPTION 4
#define PULL_FLAG_CLASS_FILTER 8
#define PULL_FLAG_LITE 16
#define HEADER_FIELDS_pull_response(H, RS, OS, RI, OI, RL, OL, RB, OB)         \
    RL(H, suggest_which_broker_id, "suggestWhichBrokerId")                     \
    OI(H, group_sys_flag, "groupSysFlag")                                      \
    RL(H, next_begin_offset, "nextBeginOffset") RL(H, max_offset, "maxOffset") \
        RL(H, min_offset, "minOffset") OI(H, topic_sys_flag, "topicSysFlag")
DECLARE_HEADER(pull_response);

/* 14 (without commit_offset), 15 */
#define HEADER_FIELDS_consumer_offset(H, RS, OS, RI, OI, RL, OL, RB, OB) \
    RI(H, queue_id, "queueId")                                           \
    OS(H, broker_name, "bname")                                          \
    OL(H, commit_offset, "commitOffset") RS(H, topic, "topic")           \
        RS(H, consumer_group, "consumerGroup") OB(H, set_zero_if_not_found, "setZeroIfNotFound")
DECLARE_HEADER(consumer_offset);
/* 29 (timestamp), 30, 31, 32 */
#define HEADER_FIELDS_queue_query(H, RS, OS, RI, OI, RL, OL, RB, OB)                       \
    RI(H, queue_id, "queueId")                                                             \
    OB(H, committed, "committed")                                                          \
    OS(H, broker_name, "bname") RS(H, topic, "topic") OS(H, boundary_type, "boundaryType") \
        OL(H, timestamp, "timestamp")
DECLARE_HEADER(queue_query);
/* answers to 14, 29, 30, 31 */
#define HEADER_FIELDS_offset_response(H, RS, OS, RI, OI, RL, OL, RB, OB) RL(H, offset, "offset")
DECLARE_HEADER(offset_response);
/* answer to 32 */
#define HEADER_FIELDS_timestamp_response(H, RS, OS, RI, OI, RL, OL, RB, OB) \
    RL(H, timestamp, "timestamp")
DECLARE_HEADER(timestamp_response);
/* 33 */
#define HEADER_FIELDS_view_message(H, RS, OS, RI, OI, RL, OL, RB, OB) \
    RL(H, offset, "offset") OS(H, topic, "topic")
DECLARE_HEADER(view_message);
/* 12 and its answer */
#define HEADER_FIELDS_query_message(H, RS, OS, RI, OI, RL, OL, RB, OB)                  \
    OS(H, unique_key_query, "_UNIQUE_KEY_QUERY")                                        \
    RL(H, begin_timestamp, "beginTimestamp")                                            \
    RS(H, topic, "topic") RI(H, max_num, "maxNum") RL(H, end_timestamp, "endTimestamp") \
        RS(H, key, "key")
DECLARE_HEADER(query_message);
#define HEADER_FIELDS_query_message_response(H, RS, OS, RI, OI, RL, OL, RB, OB) \
    RL(H, index_last_update_phyoffset, "indexLastUpdatePhyoffset")              \
    RL(H, index_last_update_timestamp, "indexLastUpdateTimestamp")
DECLARE_HEADER(query_message_response);
/* 35 */
#define HEADER_FIELDS_unregister_client(H, RS, OS, RI, OI, RL, OL, RB, OB) \
    OS(H, producer_group, "producerGroup")                                 \
    RS(H, client_id, "clientID") OS(H, consumer_group, "consumerGroup")
DECLARE_HEADER(unregister_client);
/* 36 */
#define HEADER_FIELDS_send_back(H, RS, OS, RI, OI, RL, OL, RB, OB)             \
    OI(H, max_reconsume_times, "maxReconsumeTimes")                            \
    RL(H, offset, "offset")                                                    \
    OS(H, broker_name, "bname") RI(H, delay_level, "delayLevel")               \
        OS(H, origin_topic, "originTopic") OS(H, origin_msg_id, "originMsgId") \
            OB(H, unit_mode, "unitMode") RS(H, group, "group")
DECLARE_HEADER(send_back);
/* 38, 40 */
#define HEADER_FIELDS_consumer_group(H, RS, OS, RI, OI, RL, OL, RB, OB) \
    RS(H, consumer_group, "consumerGroup")
DECLARE_HEADER(consumer_group);

/* ---- administrators' requests to a broker (wire.md 22) ---- */

/* 215, 351 (lo) */
#define HEADER_FIELDS_topic_name(H, RS, OS, RI, OI, RL, OL, RB, OB) \
    RS(H, topic, "topic") OB(H, lo, "lo")
DECLARE_HEADER(topic_name);
/* 207: 4.9's and 5.3's name of the same */
#define HEADER_FIELDS_delete_group(H, RS, OS, RI, OI, RL, OL, RB, OB) \
    RS(H, group_name, "groupName") OB(H, remove_offset, "removeOffset") OB(H, clean_offset, "cleanOffset")
DECLARE_HEADER(delete_group);
/* 204 */
#define HEADER_FIELDS_producer_group(H, RS, OS, RI, OI, RL, OL, RB, OB) \
    RS(H, producer_group, "producerGroup")
DECLARE_HEADER(producer_group);
/* 343, 345 (topic), 352 */
#define HEADER_FIELDS_group_topic(H, RS, OS, RI, OI, RL, OL, RB, OB) \
    OS(H, topic, "topic") RS(H, group, "group")
DECLARE_HEADER(group_topic);
/* 220, 222; queueId and offset are 5.3's */
#define HEADER_FIELDS_reset_offset(H, RS, OS, RI, OI, RL, OL, RB, OB) \
    OI(H, queue_id, "queueId") OL(H, offset, "offset") RS(H, topic, "topic") \
        RB(H, is_force, "isForce") RS(H, group, "group") RL(H, timestamp, "timestamp")
DECLARE_HEADER(reset_offset);
/* 221, 223 */
#define HEADER_FIELDS_consumer_status(H, RS, OS, RI, OI, RL, OL, RB, OB) \
    OS(H, client_addr, "clientAddr") RS(H, topic, "topic") RS(H, group, "group")
DECLARE_HEADER(consumer_status);
/* 307 */
#define HEADER_FIELDS_running_info(H, RS, OS, RI, OI, RL, OL, RB, OB) \
    RS(H, client_id, "clientId") OB(H, jstack_enable, "jstackEnable") \
        RS(H, consumer_group, "consumerGroup")
DECLARE_HEADER(running_info);
/* 309; the broker adds the flags (5.3) and brokerName */
#define HEADER_FIELDS_consume_directly(H, RS, OS, RI, OI, RL, OL, RB, OB) \
    OS(H, client_id, "clientId") OI(H, group_sys_flag, "groupSysFlag") OS(H, msg_id, "msgId") \
        OS(H, topic, "topic") OS(H, broker_name, "brokerName") \
            RS(H, consumer_group, "consumerGroup") OI(H, topic_sys_flag, "topicSysFlag")
DECLARE_HEADER(consume_directly);
/* 308 */
#define HEADER_FIELDS_correction_offset(H, RS, OS, RI, OI, RL, OL, RB, OB) \
    OS(H, filter_groups, "filterGroups") RS(H, compare_group, "compareGroup") RS(H, topic, "topic")
DECLARE_HEADER(correction_offset);
/* 314 */
#define HEADER_FIELDS_clone_offset(H, RS, OS, RI, OI, RL, OL, RB, OB) \
    RS(H, src_group, "srcGroup") RS(H, dest_group, "destGroup") OS(H, topic, "topic") \
        OB(H, offline, "offline")
DECLARE_HEADER(clone_offset);
/* 202, and others with a topic */
#define HEADER_FIELDS_topic_stats(H, RS, OS, RI, OI, RL, OL, RB, OB) RS(H, topic, "topic")
DECLARE_HEADER(topic_stats);
/* 208 */
#define HEADER_FIELDS_consume_stats(H, RS, OS, RI, OI, RL, OL, RB, OB) \
    RS(H, consumer_group, "consumerGroup") OS(H, topic, "topic")
DECLARE_HEADER(consume_stats);
/* 303 */
#define HEADER_FIELDS_consume_time_span(H, RS, OS, RI, OI, RL, OL, RB, OB) \
    RS(H, topic, "topic") RS(H, group, "group")
DECLARE_HEADER(consume_time_span);
/* 315 */
#define HEADER_FIELDS_stats_data(H, RS, OS, RI, OI, RL, OL, RB, OB) \
    RS(H, stats_name, "statsName") RS(H, stats_key, "statsKey")
DECLARE_HEADER(stats_data);
/* 317 */
#define HEADER_FIELDS_broker_consume_stats(H, RS, OS, RI, OI, RL, OL, RB, OB) \
    RB(H, is_order, "isOrder")
DECLARE_HEADER(broker_consume_stats);
/* 321 */
#define HEADER_FIELDS_queue_units(H, RS, OS, RI, OI, RL, OL, RB, OB)        \
    RS(H, topic, "topic") RI(H, queue_id, "queueId") RL(H, index, "index") \
        RI(H, count, "count") OS(H, consumer_group, "consumerGroup")
DECLARE_HEADER(queue_units);
/* 326 */
#define HEADER_FIELDS_push_reply(H, RS, OS, RI, OI, RL, OL, RB, OB)                             \
    RI(H, queue_id, "queueId")                                                                  \
    RI(H, flag, "flag")                                                                         \
    RI(H, sys_flag, "sysFlag") OI(H, reconsume_times, "reconsumeTimes")                         \
        RL(H, store_timestamp, "storeTimestamp") OB(H, unit_mode, "unitMode")                   \
            RS(H, default_topic, "defaultTopic") RS(H, born_host, "bornHost")                   \
                RI(H, default_topic_queue_nums, "defaultTopicQueueNums")                        \
                    RS(H, producer_group, "producerGroup") RS(H, topic, "topic")                \
                        RL(H, born_timestamp, "bornTimestamp") RS(H, store_host, "storeHost")   \
                            OS(H, properties, "properties")
DECLARE_HEADER(push_reply);
/* 52, the answer */
#define HEADER_FIELDS_acl_version_response(H, RS, OS, RI, OI, RL, OL, RB, OB) \
    RS(H, version, "version") OS(H, all_acl_file_version, "allAclFileVersion") \
        RS(H, broker_name, "brokerName") RS(H, broker_addr, "brokerAddr")      \
            RS(H, cluster_name, "clusterName")
DECLARE_HEADER(acl_version_response);

/* clang-format on */

#endif
