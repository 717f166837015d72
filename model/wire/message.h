/* wire/message.h - a message: the record that a broker stores and a pull answers, its properties,
 * the sub messages of a batch, tag and key hashes, message ids.
 *
 * The same bytes are in the commit log (store.md 3), in pull answers and in QUERY_MESSAGE bodies.
 * Integers are big endian. */
#ifndef MODEL_WIRE_MESSAGE_H
#define MODEL_WIRE_MESSAGE_H

#include "model/base/buf.h"

#define MESSAGE_MAGIC_V1 (-626843481) /* 0xDAA320A7 */
#define MESSAGE_MAGIC_V2 (-626843477) /* 0xDAA320AB: topic length is an i16 */
#define MESSAGE_MAGIC_BLANK (-875286124)
#define MESSAGE_BLANK_BYTES 8 /* of a blank record; as many always remain at a file's end */

#define MESSAGE_SYS_COMPRESSED 0x1
#define MESSAGE_SYS_MULTI_TAGS 0x2
#define MESSAGE_SYS_TRANSACTION 0xC /* 0 none, 4 PREPARED, 8 COMMIT, 12 ROLLBACK */
#define MESSAGE_SYS_PREPARED 0x4
#define MESSAGE_SYS_COMMIT 0x8
#define MESSAGE_SYS_ROLLBACK 0xC
#define MESSAGE_SYS_BORN_V6 0x10
#define MESSAGE_SYS_STORE_V6 0x20
#define MESSAGE_SYS_COMPRESSION 0x700 /* 0 and 0x300 zlib */

/* An address as records hold it: 4 or 16 bytes and a port. */
struct message_host {
    uint8_t ip[16];
    uint8_t ip_len; /* 4 or 16 */
    int32_t port;
};
/* Parses "ip:port" (v6 in brackets or not). RMQ_E_INVALID. */
int message_host_parse(struct span text, struct message_host *out);
/* "ip:port" into `out`; returns the length. */
#define MESSAGE_HOST_TEXT_MAX 64
size_t message_host_format(const struct message_host *host, char out[MESSAGE_HOST_TEXT_MAX]);

/* All fields of a record. Spans are borrowed. */
struct message {
    int32_t magic; /* 0 when encoding: V1 */
    int32_t body_crc;
    int32_t queue_id;
    int32_t flag;
    int64_t queue_offset;
    int64_t physical_offset;
    int32_t sys_flag; /* the v6 bits are set from the hosts when encoding */
    int64_t born_ms;
    struct message_host born_host;
    int64_t store_ms;
    struct message_host store_host;
    int32_t reconsume_times;
    int64_t prepared_transaction_offset;
    struct span body, topic, properties;
    size_t size; /* TOTALSIZE */
};

/* Whether it is one of its queue's messages, and takes a queue offset: not a half message, and not
 * one that was rolled back (store.md 11.2, step 9). */
static inline bool message_takes_offset(const struct message *message) {
    int32_t type = message->sys_flag & MESSAGE_SYS_TRANSACTION;
    return type == 0 || type == MESSAGE_SYS_COMMIT;
}

/* Bytes of the record that message_encode makes. */
size_t message_size(const struct message *message);
/* Appends the record (version 1; body_crc is computed). RMQ_E_LIMIT: topic above 127 bytes,
 * properties above 32,767. */
int message_encode(struct buf *out, const struct message *message) RMQ_CHECK_RESULT;
/* Patches what is known only when the record gets its place. `record` is a whole record. */
void message_place(uint8_t *record, int64_t queue_offset, int64_t physical_offset,
                   int64_t store_ms);

/* BODYCRC of a body: CRC-32 without its top bit; 0 for no body. */
int32_t message_body_crc(struct span body);

enum message_check {
    MESSAGE_OK,
    MESSAGE_BLANK,     /* end of a segment; out->size: what it says */
    MESSAGE_SHORT,     /* `bytes` ends before the record does: out->size bytes are needed (0: not
                          even the first 8) */
    MESSAGE_BAD_MAGIC, /* neither magic */
    MESSAGE_BAD_SIZE,  /* lengths do not add up */
    MESSAGE_BAD_PLACE, /* a topic, queue, queue offset or physical offset that cannot be */
    MESSAGE_BAD_CRC
};
const char *message_check_text(enum message_check check);
/* Decodes the record at the front of `bytes` (both versions). With `crc` the body's checksum is
 * compared, which covers nothing else: a torn topic or torn properties pass (store/recovery.c looks
 * for them). Everything inside is bounds-checked; out is complete for MESSAGE_OK and BAD_CRC. */
enum message_check message_decode(struct span bytes, bool crc, struct message *out);

/* Whether `bytes` is, by its size, magic and physical offset, the one record at `physical`. */
bool message_is_at(struct span bytes, int64_t physical);

/* ---- properties: name 0x01 value 0x02 ... (store.md 4) ---- */
/* Value of `name` (the last one wins), absent when there is none. Segments that Java drops (shorter
 * than 3, empty name or value) do not count. */
struct span message_property(struct span properties, struct span name);
/* Takes the next pair off *rest; false at the end. */
bool message_property_next(struct span *rest, struct span *name, struct span *value);
/* Appends one pair; a 0x02 goes in between where needed (`out` from `start` on is the properties).
 * Neither name nor value may hold 0x01 or 0x02: RMQ_E_INVALID. */
int message_property_put(struct buf *out, size_t start, struct span name, struct span value);
/* Appends all pairs of `properties` but those named `name`. */
void message_properties_without(struct buf *out, struct span properties, struct span name);

/* ---- hashes and ids ---- */
/* java.lang.String.hashCode of UTF-8 text (bad UTF-8 counts as U+FFFD). */
int32_t java_string_hash(struct span text);
/* 0 without a tag, else the sign-extended hash (store.md 6.2). */
int64_t message_tags_code(struct span tag);
/* Hash of "topic#key" as index files hold it: not negative (store.md 8.3). */
int32_t message_key_hash(struct span topic, struct span key);
/* Offset message id: 32 or 56 upper-case hex digits (store.md 3.6); returns the length. */
#define MESSAGE_ID_MAX 56
size_t message_id_format(const struct message_host *store_host, int64_t physical_offset,
                         char out[MESSAGE_ID_MAX]);
int message_id_parse(struct span id, struct message_host *host, int64_t *physical_offset);

/* ---- batches (store.md 5) ---- */
struct batch_item {
    int32_t flag;
    struct span body, properties;
};
void batch_put(struct buf *out, const struct batch_item *item);
/* Takes the next sub message off *rest. RMQ_E_NOT_FOUND at the end, RMQ_E_INVALID. */
int batch_next(struct span *rest, struct batch_item *out);

#endif
