/* wire/header.c - descriptions of the typed headers and the two functions that use them.
 *
 * Source: wire.md section 5.3. Differs: Apache's decoder swallows a missing or unparsable field and
 * fails later with a null pointer; here it is an error that names the field. */
#include "model/wire/header.h"

#include "model/base/check.h"
#include "model/wire/frame_internal.h"

/* ---- descriptions, from the same macros as the structs -------------------------------------- */

#define INFO(H, type_, required_, member, key_, present_)                                    \
    {(key_),    sizeof(key_) - 1, (type_), (required_), offsetof(struct header_##H, member), \
     (present_)},
#define NUMBER(H, type, required, member, key) \
    INFO(H, type, required, member, key, offsetof(struct header_##H, has_##member))
#define RS(H, member, key) INFO(H, HEADER_STRING, true, member, key, 0)
#define OS(H, member, key) INFO(H, HEADER_STRING, false, member, key, 0)
#define RI(H, member, key) NUMBER(H, HEADER_I32, true, member, key)
#define OI(H, member, key) NUMBER(H, HEADER_I32, false, member, key)
#define RL(H, member, key) NUMBER(H, HEADER_I64, true, member, key)
#define OL(H, member, key) NUMBER(H, HEADER_I64, false, member, key)
#define RB(H, member, key) NUMBER(H, HEADER_BOOL, true, member, key)
#define OB(H, member, key) NUMBER(H, HEADER_BOOL, false, member, key)

#define DEFINE_HEADER(name)                                                                   \
    static const struct header_field_info name##_fields[] = {                                 \
        HEADER_FIELDS_##name(name, RS, OS, RI, OI, RL, OL, RB, OB)};                          \
    const struct header_info HEADER_##name = {#name, name##_fields,                           \
                                              sizeof name##_fields / sizeof name##_fields[0], \
                                              sizeof(struct header_##name)};                  \
    _Static_assert(sizeof name##_fields / sizeof name##_fields[0] <= HEADER_FIELDS_MAX, #name)

DEFINE_HEADER(register_broker);
DEFINE_HEADER(register_broker_response);
DEFINE_HEADER(broker_identity);
DEFINE_HEADER(query_data_version_response);
DEFINE_HEADER(get_route);
DEFINE_HEADER(broker_name);
DEFINE_HEADER(wipe_write_perm_response);
DEFINE_HEADER(add_write_perm_response);
DEFINE_HEADER(delete_topic_in_namesrv);
DEFINE_HEADER(put_kv_config);
DEFINE_HEADER(kv_key);
DEFINE_HEADER(get_kv_config_response);
DEFINE_HEADER(kv_namespace);
DEFINE_HEADER(topics_by_cluster);
DEFINE_HEADER(create_topic);
DEFINE_HEADER(broker_member);
DEFINE_HEADER(min_broker_id_change);
DEFINE_HEADER(send_v2);
DEFINE_HEADER(send);
DEFINE_HEADER(send_response);
DEFINE_HEADER(pull);
DEFINE_HEADER(pull_response);
DEFINE_HEADER(consumer_offset);
DEFINE_HEADER(queue_query);
DEFINE_HEADER(offset_response);
DEFINE_HEADER(timestamp_response);
DEFINE_HEADER(view_message);
DEFINE_HEADER(query_message);
DEFINE_HEADER(query_message_response);
DEFINE_HEADER(unregister_client);
DEFINE_HEADER(send_back);
DEFINE_HEADER(consumer_group);
DEFINE_HEADER(topic_name);
DEFINE_HEADER(delete_group);
DEFINE_HEADER(producer_group);
DEFINE_HEADER(group_topic);
DEFINE_HEADER(reset_offset);
DEFINE_HEADER(consumer_status);
DEFINE_HEADER(running_info);
DEFINE_HEADER(consume_directly);
DEFINE_HEADER(correction_offset);
DEFINE_HEADER(clone_offset);
DEFINE_HEADER(queue_units);
DEFINE_HEADER(acl_version_response);
DEFINE_HEADER(push_reply);
DEFINE_HEADER(broker_consume_stats);
DEFINE_HEADER(stats_data);
DEFINE_HEADER(consume_time_span);
DEFINE_HEADER(consume_stats);
DEFINE_HEADER(topic_stats);

/* ---- decoding ------------------------------------------------------------------------------- */

static inline bool key_is(const struct header_field_info *field, struct span key) {
    return key.len == field->key_len && bytes_equal(key.data, field->key, key.len);
}

/* Index of the description of `key`, tried from `hint` on, or field_count. */
static size_t find_field(const struct header_info *info, struct span key, size_t hint) {
    size_t i = hint;
    for (size_t tried = 0; tried < info->field_count; tried++, i++) {
        if (i >= info->field_count)
            i = 0;
        if (key_is(&info->fields[i], key))
            return i;
    }
    return info->field_count;
}

/* Java's Boolean.parseBoolean. */
static bool text_is_true(struct span text) {
    static const char word[] = "true";
    if (text.len != sizeof word - 1)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if ((text.data[i] | 0x20) != word[i])
            return false;
    return true;
}

/* Writes one value (absent: as missing) where its description says. */
static inline int decode_value(const struct header_field_info *field, struct span text,
                               char *header) {
    bool present = !span_is_absent(text);
    int err = RMQ_OK;
    union {
        int32_t i32;
        int64_t i64;
        bool boolean;
    } value = {.i64 = 0};
    switch (field->type) {
    case HEADER_STRING:
        memcpy(header + field->offset, &text, sizeof text);
        return RMQ_OK;
    case HEADER_I32:
        err = present ? span_to_i32(text, &value.i32) : RMQ_OK;
        memcpy(header + field->offset, &value.i32, sizeof value.i32);
        break;
    case HEADER_I64:
        err = present ? span_to_i64(text, &value.i64) : RMQ_OK;
        memcpy(header + field->offset, &value.i64, sizeof value.i64);
        break;
    case HEADER_BOOL:
        value.boolean = text_is_true(text);
        memcpy(header + field->offset, &value.boolean, sizeof value.boolean);
        break;
    }
    memcpy(header + field->present_offset, &present, sizeof present);
    return err;
}

/* Does it for fields that come in our order, none twice and none unknown, as they mostly do; false:
 * they do not, or one is bad. */
static bool decode_in_order(const struct header_info *info, const struct wire_command *command,
                            void *header) {
    size_t at = 0;
    for (size_t i = 0; i < info->field_count; i++) {
        const struct header_field_info *field = &info->fields[i];
        bool here = at < command->field_count && key_is(field, command->fields[at].key);
        struct span value = here ? command->fields[at].value : SPAN_NONE;
        bool missing = field->required && span_is_absent(value);
        if (missing || decode_value(field, value, header) != RMQ_OK)
            return false;
        at += here;
    }
    return at == command->field_count;
}

int header_decode(const struct header_info *info, const struct wire_command *command, void *header,
                  const struct header_field_info **bad) {
    if (decode_in_order(info, command, header))
        return RMQ_OK;
    struct span values[HEADER_FIELDS_MAX] = {SPAN_NONE};
    size_t hint = 0;
    for (size_t i = 0; i < command->field_count; i++) { /* of one key, the last wins */
        size_t at = find_field(info, command->fields[i].key, hint);
        if (at == info->field_count)
            continue;
        values[at] = command->fields[i].value;
        hint = at + 1;
    }
    for (size_t i = 0; i < info->field_count; i++) {
        const struct header_field_info *field = &info->fields[i];
        bool missing = field->required && span_is_absent(values[i]);
        int err = missing ? RMQ_E_MISSING : decode_value(field, values[i], header);
        if (err != RMQ_OK) {
            *bad = field;
            return err;
        }
    }
    return RMQ_OK;
}

/* ---- encoding ------------------------------------------------------------------------------- */

static struct span put_decimal(struct buf *scratch, int64_t value) {
    RMQ_ASSERT(scratch->capacity - scratch->len >= DECIMAL_BYTES_MAX); /* it must not move */
    size_t start = scratch->len;
    buf_put_decimal(scratch, value);
    return span_of(scratch->data + start, scratch->len - start);
}

/* Text of a field's value; absent when the field is. Required numbers are always present. */
static struct span encode_value(const struct header_field_info *field, const char *header,
                                struct buf *scratch) {
    struct span text;
    int32_t i32;
    int64_t i64;
    bool flag;
    if (field->type == HEADER_STRING) {
        memcpy(&text, header + field->offset, sizeof text);
        return text;
    }
    memcpy(&flag, header + field->present_offset, sizeof flag);
    if (!flag && !field->required)
        return SPAN_NONE;
    switch (field->type) {
    case HEADER_I32:
        memcpy(&i32, header + field->offset, sizeof i32);
        return put_decimal(scratch, i32);
    case HEADER_I64:
        memcpy(&i64, header + field->offset, sizeof i64);
        return put_decimal(scratch, i64);
    default:
        memcpy(&flag, header + field->offset, sizeof flag);
        return flag ? SPAN_LITERAL("true") : SPAN_LITERAL("false");
    }
}

int header_encode(const struct header_info *info, const void *header, struct wire_command *command,
                  struct buf *scratch) {
    if (buf_failed(scratch))
        return RMQ_E_NOMEM;
    for (size_t i = 0; i < info->field_count; i++) {
        const struct header_field_info *field = &info->fields[i];
        struct span value = encode_value(field, header, scratch);
        if (span_is_absent(value))
            continue;
        int err = frame_add_field(command, span_of(field->key, field->key_len), value);
        if (err != RMQ_OK)
            return err;
    }
    command->has_fields = true; /* Java sends {} for a header without a value */
    return RMQ_OK;
}
