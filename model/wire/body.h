/* wire/body.h - JSON (and compressed) bodies that name server, broker and client exchange.
 *
 * Decoders are pull style: they call the caller's function per element and build no tree. Bad input
 * is RMQ_E_INVALID / RMQ_E_LIMIT with the offset of the offending byte in *error (never NULL).
 * Source: namesrv.md 5, 7, 10, 11; wire.md 25. */
#ifndef MODEL_WIRE_BODY_H
#define MODEL_WIRE_BODY_H

#include "model/base/json.h"
#include "model/wire/frame.h"

struct data_version {
    int64_t timestamp; /* wall ms */
    int64_t counter;
    int64_t state_version;  /* 5.3; 0 elsewhere */
    bool timestamp_missing; /* then it equals nothing */
    bool counter_null;      /* explicit null equals only null */
};
bool data_version_equal(const struct data_version *a, const struct data_version *b);
/* Decodes one data version object body (322, and inside registrations). */
int data_version_decode(struct span body, struct data_version *out, struct wire_error *error);
void data_version_write(struct json_writer *writer, const struct data_version *version,
                        bool with_state_version);

#define PERM_INHERIT 1
#define PERM_WRITE 2
#define PERM_READ 4
#define PERM_PRIORITY 8
#define TOPIC_SYS_FLAG_UNIT 1
#define TOPIC_SYS_FLAG_UNIT_SUB 2

struct topic_config {
    struct span name;         /* borrowed */
    int32_t read_queue_nums;  /* default 16 */
    int32_t write_queue_nums; /* default 16 */
    int32_t perm;             /* default 6 */
    int32_t sys_flag;
    bool order;
    bool multi_tag; /* topicFilterType MULTI_TAG */
    /* 5.3: the object as JSON, borrowed; absent: empty, or unknown (a $ref, wire.md 10.1) */
    struct span attributes;
};
/* {"attributes":{..},...}: the next value. 5.3's members also where there is something in them. */
void topic_config_write_value(struct json_writer *json, const struct topic_config *topic,
                              bool profile_5_3);
/* One topic (351; an element of 18's list). Errors as of other decoders; RMQ_E_MISSING without a
 * topicName. */
int topic_config_decode(struct span body, struct buf *scratch, struct topic_config *out,
                        struct wire_error *error) RMQ_CHECK_RESULT;

/* ---- registration body (103) ---- */

struct register_body_info {
    struct data_version version;
    bool has_filter_servers; /* false: leave the filter table alone (an explicit null, or < 37) */
    bool has_mappings;       /* 5.3 mapping info non-empty */
};
struct register_body_visitor {
    /* Each topic, in order; return non-zero to stop with that error. May be NULL. */
    int (*on_topic)(void *ctx, const struct topic_config *topic);
    int (*on_filter_server)(void *ctx, struct span address);
    void *ctx;
};
enum register_body_form {
    REGISTER_BODY_JSON,
    REGISTER_BODY_ZLIB,
    REGISTER_BODY_TABLE_ONLY /* < 37 */
};
/* Decodes a whole registration body (two passes where the version comes after the topics are the
 * caller's business: *info is complete only at return). `request_version` rules the compressed
 * form's mapping section. An absent body is an empty table of version 0, 0. A body that starts with
 * 0x78 is inflated although `form` says JSON (5.3.3's compressedRegister defect, namesrv.md 5.4).
 * Inflated size is bounded by WIRE_FRAME_BYTES_MAX. */
int register_body_decode(struct env *env, struct span body, enum register_body_form form,
                         int32_t request_version, const struct register_body_visitor *visitor,
                         struct register_body_info *info, struct wire_error *error);

/* Writer: begin, one call per topic, end. profile_5_3 adds stateVersion, attributes and the mapping
 * members that 5.3.3 sends (mapping data version: `mapping_version`). */
struct register_body_writer {
    struct json_writer json;
    bool profile_5_3;
};
void register_body_begin(struct register_body_writer *writer, struct buf *out, bool profile_5_3,
                         const struct data_version *version,
                         const struct data_version *mapping_version);
void register_body_topic(struct register_body_writer *writer, const struct topic_config *topic);
void register_body_end(struct register_body_writer *writer);
/* Compressed form of the same (4.9: five text fields; 5.3: a sixth and the mapping count). */
int register_body_compress(struct env *env, struct buf *out, bool profile_5_3,
                           const struct data_version *version, const struct topic_config *topics,
                           size_t topic_count);

/* CRC-32 of `bytes` with the top bit cleared: registration bodies and messages. */
int32_t wire_crc32(struct span bytes);

/* ---- KV table: {"table":{"k":"v"}} (answers to 103 and 219) ---- */
int kv_table_decode(struct span body, struct buf *scratch,
                    int (*on_pair)(void *ctx, struct span key, struct span value), void *ctx,
                    struct wire_error *error);

/* ---- route (105) ---- */
struct route_queue {
    struct span broker_name;
    int32_t read_queue_nums;
    int32_t write_queue_nums;
    int32_t perm;
    int32_t topic_sys_flag;
};
struct route_broker_addr {
    struct span broker_name;
    struct span cluster;
    int64_t broker_id;
    struct span addr;
};
struct route_visitor {
    int (*on_queue)(void *ctx, const struct route_queue *queue);
    /* Once per address; a broker without addresses gives broker_id -1 and an absent addr. */
    int (*on_broker_addr)(void *ctx, const struct route_broker_addr *addr);
    int (*on_order_conf)(void *ctx, struct span conf);
    void *ctx;
};
/* Spans given to the visitor are valid during the call only. */
int route_decode(struct span body, struct buf *scratch, const struct route_visitor *visitor,
                 struct wire_error *error);

/* ---- cluster info (106): the visitor's on_broker_addr per address ---- */
int cluster_info_decode(struct span body, struct buf *scratch, const struct route_visitor *visitor,
                        struct wire_error *error);

/* ---- topic list: {"topicList":[..]} ---- */
int topic_list_decode(struct span body, struct buf *scratch,
                      int (*on_topic)(void *ctx, struct span topic), void *ctx,
                      struct wire_error *error);

#endif
