/* wire/message.c - the record of a message: bytes to fields and back. Source: store.md 3.
 *
 * Places are fixed up to the hosts, whose length depends on two bits of SYSFLAG. Decoding trusts
 * nothing: bytes come from disks and peers. */
#include "model/wire/message.h"

#include "model/base/check.h"
#include "model/wire/body.h"
#include "model/wire/message_bytes.h"

#define TOPIC_BYTES_MAX 127
#define PROPERTIES_BYTES_MAX 32767
#define HOST_V4_BYTES 8 /* address and port */
#define HOST_V6_BYTES 20

/* Places of the fields before the first host, the same in every record. */
enum {
    AT_SIZE = 0,
    AT_MAGIC = 4,
    AT_BODY_CRC = 8,
    AT_QUEUE_ID = 12,
    AT_FLAG = 16,
    AT_QUEUE_OFFSET = 20,
    AT_PHYSICAL_OFFSET = 28,
    AT_SYS_FLAG = 36,
    AT_BORN_MS = 40,
    AT_BORN_HOST = 48
};
/* All lengths that do not depend on hosts and content, with a topic length of one byte. */
#define FIXED_BYTES (AT_BORN_HOST + 8 + 4 + 8 + 4 + 1 + 2)
_Static_assert(FIXED_BYTES + 2 * HOST_V4_BYTES == 91, "store.md 3.2");

static size_t host_bytes(const struct message_host *host) {
    RMQ_ASSERT(host->ip_len == 4 || host->ip_len == 16);
    return host->ip_len + 4U;
}

size_t message_size(const struct message *message) {
    return FIXED_BYTES + host_bytes(&message->born_host) + host_bytes(&message->store_host) +
           message->body.len + message->topic.len + message->properties.len;
}

static uint8_t *put_host(uint8_t *at, const struct message_host *host) {
    memcpy(at, host->ip, host->ip_len);
    bytes_put_i32(at + host->ip_len, host->port);
    return at + host->ip_len + 4;
}

static uint8_t *put_bytes(uint8_t *at, struct span bytes) {
    if (bytes.len > 0)
        memcpy(at, bytes.data, bytes.len);
    return at + bytes.len;
}

static int32_t flags_of(const struct message *message) {
    int32_t flags = message->sys_flag & ~(MESSAGE_SYS_BORN_V6 | MESSAGE_SYS_STORE_V6);
    if (message->born_host.ip_len == 16)
        flags |= MESSAGE_SYS_BORN_V6;
    if (message->store_host.ip_len == 16)
        flags |= MESSAGE_SYS_STORE_V6;
    return flags;
}

int32_t message_body_crc(struct span body) {
    return body.len == 0 ? 0 : (int32_t)(wire_crc32(body) & 0x7FFFFFFF);
}

int message_encode(struct buf *out, const struct message *message) {
    size_t size = message_size(message);
    if (message->topic.len > TOPIC_BYTES_MAX || message->properties.len > PROPERTIES_BYTES_MAX ||
        size > INT32_MAX)
        return RMQ_E_LIMIT;
    uint8_t *record = buf_extend(out, size);
    if (record == NULL)
        return RMQ_E_NOMEM;
    bytes_put_i32(record + AT_SIZE, (int32_t)size);
    bytes_put_i32(record + AT_MAGIC, MESSAGE_MAGIC_V1);
    bytes_put_i32(record + AT_BODY_CRC, message_body_crc(message->body));
    bytes_put_i32(record + AT_QUEUE_ID, message->queue_id);
    bytes_put_i32(record + AT_FLAG, message->flag);
    bytes_put_i64(record + AT_QUEUE_OFFSET, message->queue_offset);
    bytes_put_i64(record + AT_PHYSICAL_OFFSET, message->physical_offset);
    bytes_put_i32(record + AT_SYS_FLAG, flags_of(message));
    bytes_put_i64(record + AT_BORN_MS, message->born_ms);
    uint8_t *at = put_host(record + AT_BORN_HOST, &message->born_host);
    bytes_put_i64(at, message->store_ms);
    at = put_host(at + 8, &message->store_host);
    bytes_put_i32(at, message->reconsume_times);
    bytes_put_i64(at + 4, message->prepared_transaction_offset);
    bytes_put_i32(at + 12, (int32_t)message->body.len);
    at = put_bytes(at + 16, message->body);
    *at = (uint8_t)message->topic.len;
    at = put_bytes(at + 1, message->topic);
    bytes_put_i16(at, (int16_t)message->properties.len);
    at = put_bytes(at + 2, message->properties);
    RMQ_ASSERT(at == record + size);
    return RMQ_OK;
}

void message_place(uint8_t *record, int64_t queue_offset, int64_t physical_offset,
                   int64_t store_ms) {
    bool v6 = (bytes_i32(record + AT_SYS_FLAG) & MESSAGE_SYS_BORN_V6) != 0;
    bytes_put_i64(record + AT_QUEUE_OFFSET, queue_offset);
    bytes_put_i64(record + AT_PHYSICAL_OFFSET, physical_offset);
    bytes_put_i64(record + AT_BORN_HOST + (v6 ? HOST_V6_BYTES : HOST_V4_BYTES), store_ms);
}

const char *message_check_text(enum message_check check) {
    static const char *const TEXTS[] = {
        [MESSAGE_OK] = "ok",           [MESSAGE_BLANK] = "blank",   [MESSAGE_SHORT] = "short",
        [MESSAGE_BAD_MAGIC] = "magic", [MESSAGE_BAD_SIZE] = "size", [MESSAGE_BAD_PLACE] = "place",
        [MESSAGE_BAD_CRC] = "crc",
    };
    return TEXTS[check];
}

static const uint8_t *read_host(const uint8_t *at, bool v6, struct message_host *host) {
    host->ip_len = v6 ? 16 : 4;
    memcpy(host->ip, at, host->ip_len);
    host->port = bytes_i32(at + host->ip_len);
    return at + host->ip_len + 4;
}

/* The fields before the body, which every whole record of this size holds. */
static const uint8_t *decode_front(const uint8_t *record, struct message *out) {
    out->body_crc = bytes_i32(record + AT_BODY_CRC);
    out->queue_id = bytes_i32(record + AT_QUEUE_ID);
    out->flag = bytes_i32(record + AT_FLAG);
    out->queue_offset = bytes_i64(record + AT_QUEUE_OFFSET);
    out->physical_offset = bytes_i64(record + AT_PHYSICAL_OFFSET);
    out->sys_flag = bytes_i32(record + AT_SYS_FLAG);
    out->born_ms = bytes_i64(record + AT_BORN_MS);
    const uint8_t *at = read_host(record + AT_BORN_HOST, (out->sys_flag & MESSAGE_SYS_BORN_V6) != 0,
                                  &out->born_host);
    out->store_ms = bytes_i64(at);
    at = read_host(at + 8, (out->sys_flag & MESSAGE_SYS_STORE_V6) != 0, &out->store_host);
    out->reconsume_times = bytes_i32(at);
    out->prepared_transaction_offset = bytes_i64(at + 4);
    return at + 12;
}

/* Takes `len` bytes off *at; false when they do not fit before `end`. */
static bool take(const uint8_t **at, const uint8_t *end, int32_t len, struct span *out) {
    if (len < 0 || len > end - *at)
        return false;
    *out = span_of(*at, (size_t)len);
    *at += len;
    return true;
}

static bool decode_content(const uint8_t *at, const uint8_t *end, struct message *out) {
    int topic_length_bytes = out->magic == MESSAGE_MAGIC_V2 ? 2 : 1;
    int32_t body_len = bytes_i32(at);
    at += 4;
    if (!take(&at, end, body_len, &out->body) || end - at < topic_length_bytes)
        return false;
    int32_t topic_len = topic_length_bytes == 2 ? bytes_i16(at) : (int8_t)*at;
    at += topic_length_bytes;
    if (!take(&at, end, topic_len, &out->topic) || end - at < 2)
        return false;
    int32_t properties_len = bytes_i16(at);
    at += 2;
    return take(&at, end, properties_len, &out->properties) && at == end;
}

/* Above it, the unit of a consume queue has no position. */
#define QUEUE_OFFSET_MAX (INT64_MAX / 32)

/* A topic names a directory of consume queues. */
static bool topic_is_name(struct span topic) {
    for (size_t i = 0; i < topic.len; i++)
        if (topic.data[i] <= ' ' || topic.data[i] == '/' || topic.data[i] == 0x7f)
            return false;
    return topic.len > 0 && !span_equal(topic, SPAN_LITERAL(".")) &&
           !span_equal(topic, SPAN_LITERAL(".."));
}

static bool has_place(const struct message *message) {
    return message->queue_id >= 0 && message->queue_offset >= 0 &&
           message->queue_offset <= QUEUE_OFFSET_MAX && message->physical_offset >= 0 &&
           topic_is_name(message->topic);
}

enum message_check message_decode(struct span bytes, bool crc, struct message *out) {
    out->size = 0;
    if (bytes.len < MESSAGE_BLANK_BYTES)
        return MESSAGE_SHORT;
    int32_t size = bytes_i32(bytes.data + AT_SIZE);
    out->magic = bytes_i32(bytes.data + AT_MAGIC);
    out->size = size < 0 ? 0 : (size_t)size;
    if (out->magic == MESSAGE_MAGIC_BLANK)
        return MESSAGE_BLANK;
    if (out->magic != MESSAGE_MAGIC_V1 && out->magic != MESSAGE_MAGIC_V2)
        return MESSAGE_BAD_MAGIC;
    if (size < (int32_t)FIXED_BYTES + 2 * HOST_V4_BYTES)
        return MESSAGE_BAD_SIZE;
    if (bytes.len < out->size)
        return MESSAGE_SHORT;
    const uint8_t *end = bytes.data + size;
    int32_t flags = bytes_i32(bytes.data + AT_SYS_FLAG);
    size_t front = (size_t)FIXED_BYTES +
                   ((flags & MESSAGE_SYS_BORN_V6) != 0 ? HOST_V6_BYTES : HOST_V4_BYTES) +
                   ((flags & MESSAGE_SYS_STORE_V6) != 0 ? HOST_V6_BYTES : HOST_V4_BYTES);
    if (out->size < front || !decode_content(decode_front(bytes.data, out), end, out))
        return MESSAGE_BAD_SIZE;
    if (!has_place(out))
        return MESSAGE_BAD_PLACE;
    if (crc && out->body.len > 0 && message_body_crc(out->body) != out->body_crc)
        return MESSAGE_BAD_CRC;
    return MESSAGE_OK;
}

bool message_is_at(struct span bytes, int64_t physical) {
    if (bytes.len < FIXED_BYTES || bytes.len > INT32_MAX)
        return false;
    int32_t magic = bytes_i32(bytes.data + AT_MAGIC);
    return bytes_i32(bytes.data + AT_SIZE) == (int32_t)bytes.len &&
           (magic == MESSAGE_MAGIC_V1 || magic == MESSAGE_MAGIC_V2) &&
           bytes_i64(bytes.data + AT_PHYSICAL_OFFSET) == physical;
}
