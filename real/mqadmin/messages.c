/* mqadmin/messages.c - see messages.h: reading records, and lines of printMsg. */
#include "real/mqadmin/messages.h"

#include "model/base/utf8.h"
#include "model/wire/body_internal.h"
#include "model/wire/java_order.h"
#include "real/mqadmin/print.h"

/* ---- reading --------------------------------------------------------------------------------- */

const char *shown_property(const struct shown *shown, const char *name) {
    for (size_t i = 0; i < shown->property_count; i++) {
        if (strcmp(shown->properties[i].name, name) == 0)
            return shown->properties[i].value;
    }
    return NULL;
}

/* Where Java's HashMap (16 buckets at first) has them; with room for one more. */
static void order_properties(struct admin *admin, struct shown *shown) {
    size_t count = shown->property_count;
    struct java_key *keys = arena_alloc(&admin->arena, count * sizeof(*keys));
    struct property *ordered = arena_alloc(&admin->arena, (count + 1) * sizeof(*ordered));
    for (size_t i = 0; i < count; i++) {
        keys[i].hash = java_string_hash(span_of_text(shown->properties[i].name));
        keys[i].index = (uint32_t)i;
    }
    RMQ_IGNORE(java_order(admin->env, keys, count, 16), "no memory: in order of appearance");
    for (size_t i = 0; i < count; i++) {
        ordered[i] = shown->properties[keys[i].index];
    }
    shown->properties = ordered;
}

static void put_pair(struct shown *shown, const char *name, const char *value) {
    for (size_t i = 0; i < shown->property_count; i++) {
        if (strcmp(shown->properties[i].name, name) == 0) {
            shown->properties[i].value = value;
            return;
        }
    }
    shown->properties[shown->property_count++] = (struct property){name, value};
}

void shown_set_property(struct admin *admin, struct shown *shown, const char *name,
                        const char *value) {
    put_pair(shown, name, value);
    order_properties(admin, shown);
}

static void read_properties(struct admin *admin, struct shown *shown) {
    struct span rest = shown->message.properties, name, value;
    size_t most = 1;
    while (message_property_next(&rest, &name, &value)) {
        most++;
    }
    shown->properties = arena_alloc(&admin->arena, most * sizeof(struct property));
    rest = shown->message.properties;
    while (message_property_next(&rest, &name, &value)) {
        put_pair(shown, arena_text(&admin->arena, name), arena_text(&admin->arena, value));
    }
    order_properties(admin, shown);
}

static void read_body(struct admin *admin, struct shown *shown) {
    int32_t flag = shown->message.sys_flag, kind = flag & MESSAGE_SYS_COMPRESSION;
    struct wire_error error;
    struct buf inflated;
    shown->body = shown->message.body;
    if ((flag & MESSAGE_SYS_COMPRESSED) == 0 || (kind != 0 && kind != 0x300))
        return;
    buf_init(&inflated, admin->env);
    if (body_inflate(admin->env, shown->body, &inflated, &error) == RMQ_OK)
        shown->body = span_of(arena_text(&admin->arena, buf_span(&inflated)), inflated.len);
    buf_deinit(&inflated);
}

bool shown_next(struct admin *admin, struct span *rest, struct shown *out) {
    char id[MESSAGE_ID_MAX];
    if (rest->len == 0)
        return false;
    *out = (struct shown){0};
    enum message_check check = message_decode(*rest, false, &out->message);
    if (check != MESSAGE_OK) {
        admin_fail(admin, "the answer holds a message that does not decode: %s",
                   message_check_text(check));
        return false;
    }
    *rest = span_from(*rest, out->message.size);
    out->topic = arena_text(&admin->arena, out->message.topic);
    size_t len = message_id_format(&out->message.store_host, out->message.physical_offset, id);
    out->offset_id = arena_text(&admin->arena, span_of(id, len));
    read_properties(admin, out);
    const char *unique = shown_property(out, "UNIQ_KEY");
    out->msg_id = unique == NULL ? out->offset_id : unique;
    read_body(admin, out);
    return true;
}

/* ---- texts ----------------------------------------------------------------------------------- */

const char *properties_text(struct admin *admin, const struct shown *shown) {
    const char *text = "{";
    for (size_t i = 0; i < shown->property_count; i++) {
        text = arena_format(&admin->arena, "%s%s%s=%s", text, i == 0 ? "" : ", ",
                            shown->properties[i].name, shown->properties[i].value);
    }
    return arena_format(&admin->arena, "%s}", text);
}

const char *host_text(struct admin *admin, const struct message_host *host) {
    char text[MESSAGE_HOST_TEXT_MAX];
    size_t len = message_host_format(host, text);
    return arena_text(&admin->arena, span_of(text, len));
}

/* Arrays.toString of bytes */
static void say_bytes(struct admin *admin, struct span bytes) {
    say(admin, "[");
    for (size_t i = 0; i < bytes.len; i++) {
        say(admin, "%s%d", i == 0 ? "" : ", ", (int8_t)bytes.data[i]);
    }
    say(admin, "]");
}

/* MessageExt.toString */
static void say_message(struct admin *admin, const struct shown *shown) {
    const struct message *m = &shown->message;
    const char *prepared = shown_property(shown, "TRAN_MSG");
    const char *transaction = prepared != NULL && strcmp(prepared, "true") == 0
                                  ? shown_property(shown, "UNIQ_KEY")
                                  : NULL;
    say(admin,
        "MessageExt [brokerName=%s, queueId=%d, storeSize=%zu, queueOffset=%lld, sysFlag=%d, "
        "bornTimestamp=%lld, bornHost=/%s, storeTimestamp=%lld, storeHost=/%s, msgId=%s, "
        "commitLogOffset=%lld, bodyCRC=%d, reconsumeTimes=%d, preparedTransactionOffset=%lld, "
        "toString()=Message{topic='%s', flag=%d, properties=%s, body=",
        shown->broker == NULL ? "null" : shown->broker, (int)m->queue_id, m->size,
        (long long)m->queue_offset, (int)m->sys_flag, (long long)m->born_ms,
        host_text(admin, &m->born_host), (long long)m->store_ms, host_text(admin, &m->store_host),
        shown->offset_id, (long long)m->physical_offset, (int)m->body_crc, (int)m->reconsume_times,
        (long long)m->prepared_transaction_offset, shown->topic, (int)m->flag,
        properties_text(admin, shown));
    say_bytes(admin, shown->body);
    say(admin, ", transactionId='%s'}]", transaction == NULL ? "null" : transaction);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static bool is_utf8(struct span text) {
    uint32_t code;
    while (text.len > 0) {
        size_t len = utf8_decode(text, &code);
        if (len == 0)
            return false;
        text = span_from(text, len);
    }
    return true;
}

/* "body" where it is text, else "bodyHex". */
static void put_body(struct admin *admin, struct span body) {
    static const char DIGITS[] = "0123456789abcdef";
    if (is_utf8(body)) {
        json_key_text(&admin->json, "body");
        json_string(&admin->json, body);
        return;
    }
    char *hex = arena_alloc(&admin->arena, 2 * body.len + 1);
    for (size_t i = 0; i < body.len; i++) {
        hex[2 * i] = DIGITS[body.data[i] >> 4];
        hex[2 * i + 1] = DIGITS[body.data[i] & 15];
    }
    put_text(admin, "bodyHex", hex);
}

void put_message(struct admin *admin, const char *key, const struct shown *shown, bool with_body) {
    const struct message *m = &shown->message;
    if (!admin->options.json)
        return;
    put_object_begin(admin, key);
    put_text(admin, "msgId", shown->msg_id);
    put_text(admin, "offsetMsgId", shown->offset_id);
    put_text(admin, "topic", shown->topic);
    put_text(admin, "tags", shown_property(shown, "TAGS"));
    put_text(admin, "keys", shown_property(shown, "KEYS"));
    put_text(admin, "brokerName", shown->broker);
    put_number(admin, "queueId", m->queue_id);
    put_number(admin, "queueOffset", m->queue_offset);
    put_number(admin, "commitLogOffset", m->physical_offset);
    put_number(admin, "storeSize", (int64_t)m->size);
    put_number(admin, "reconsumeTimes", m->reconsume_times);
    put_number(admin, "bornTimestamp", m->born_ms);
    put_number(admin, "storeTimestamp", m->store_ms);
    put_text(admin, "bornHost", host_text(admin, &m->born_host));
    put_text(admin, "storeHost", host_text(admin, &m->store_host));
    put_number(admin, "sysFlag", m->sys_flag);
    put_number(admin, "flag", m->flag);
    put_number(admin, "bodyCRC", m->body_crc);
    put_number(admin, "preparedTransactionOffset", m->prepared_transaction_offset);
    put_object_begin(admin, "properties");
    for (size_t i = 0; i < shown->property_count; i++) {
        put_text(admin, shown->properties[i].name, shown->properties[i].value);
    }
    put_object_end(admin);
    if (with_body)
        put_body(admin, shown->body);
    put_object_end(admin);
}

void print_message_line(struct admin *admin, const struct shown *shown, bool with_body) {
    if (admin->options.json) {
        put_message(admin, NULL, shown, with_body);
        return;
    }
    say(admin, "MSGID: %s ", shown->msg_id);
    say_message(admin, shown);
    say(admin, " BODY: ");
    if (with_body)
        fwrite(shown->body.data, 1, shown->body.len, admin->out);
    else
        say(admin, "NOT PRINT BODY");
    say(admin, "\n");
}
