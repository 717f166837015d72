/* wire/body_internal.h - how the body decoders walk a JSON document.
 *
 * A decoder gives one function per object; body_object calls it for each member, its key being the
 * reader's last token, and it consumes the member's value. */
#ifndef MODEL_WIRE_BODY_INTERNAL_H
#define MODEL_WIRE_BODY_INTERNAL_H

#include "model/base/check.h"
#include "model/wire/body.h"

struct body_reader {
    struct json_reader json;
    struct buf *scratch; /* for strings with escapes */
    struct wire_error *error;
};

void body_reader_init(struct body_reader *reader, struct span body, struct buf *scratch,
                      struct wire_error *error);
/* Error at the last token; RMQ_E_INVALID with the reader's own words when that is an error. */
int body_refuse(struct body_reader *reader, int err, const char *expected);

typedef int body_step_fn(struct body_reader *reader, void *ctx);
/* Next value: an object (`member` once per key) or null (nothing). *present (may be NULL) says
 * which. The first non-zero result of `member` ends it. */
int body_object(struct body_reader *reader, body_step_fn *member, void *ctx, bool *present);
/* The members of an object that has just begun. */
int body_members(struct body_reader *reader, body_step_fn *member, void *ctx);
/* Next value: an array (`element` once per value, which is the reader's last token) or null. */
int body_array(struct body_reader *reader, body_step_fn *element, void *ctx, bool *present);
/* A whole document that is an object, with nothing behind it. */
int body_document(struct body_reader *reader, body_step_fn *member, void *ctx);

bool body_key_is(const struct body_reader *reader, const char *name);
/* Skips the value of the key just read. */
int body_skip(struct body_reader *reader);

/* The next value as ... ; null leaves *out alone. Text with escapes replaces what scratch held. */
int body_text(struct body_reader *reader, struct span *out);
int body_i32(struct body_reader *reader, int32_t *out);
int body_i64(struct body_reader *reader, int64_t *out);
int body_bool(struct body_reader *reader, bool *out);
/* Text of the last token, a key or a string. */
int body_token_text(struct body_reader *reader, struct span *out);
/* Same, but appended to scratch, which must have room: it does not move. */
int body_token_text_append(struct body_reader *reader, struct span *out);

/* Next value as it stands in the body, an object or array of at most JSON_COPY_DEPTH_MAX levels;
 * null, and one that is empty or begins with a "$ref", gives the absent span. */
int body_raw(struct body_reader *reader, struct span *out);
/* Next member: `value`, as body_raw gives it, or the JSON text `otherwise` where it is absent. */
void body_raw_write(struct json_writer *json, const char *key, struct span value,
                    const char *otherwise);

/* Next value: a data version object. */
int body_data_version(struct body_reader *reader, struct data_version *out);
/* What Java has before a member is read: counter 0 and the time of now. */
void data_version_init(struct data_version *version);

/* Next value: a topic; its name has scratch for itself. */
int body_topic_config(struct body_reader *reader, struct topic_config *out);
/* The same, where the reader's last token began it. */
int body_topic_members(struct body_reader *reader, struct topic_config *out);

/* The next value: the index of one of `words`; null leaves *out alone. */
int body_word(struct body_reader *reader, const char *const *words, unsigned count, unsigned *out);
struct heartbeat_consumer;
struct heartbeat_subscription;
/* The value of a member consumeType, messageModel or consumeFromWhere; *known: it was one. */
int body_group_words(struct body_reader *reader, struct heartbeat_consumer *consumer, bool *known);
/* Next value: a subscription, or null; scratch has room for its texts. */
int body_subscription(struct body_reader *reader, struct heartbeat_subscription *out,
                      bool *present);
/* The same, where the reader's last token should have begun it. */
int body_subscription_members(struct body_reader *reader, struct heartbeat_subscription *out);

/* Inflates a zlib stream into `out`, WIRE_FRAME_BYTES_MAX at most. */
int body_inflate(struct env *env, struct span stream, struct buf *out, struct wire_error *error);
/* Appends `bytes` as one zlib stream. RMQ_E_NOMEM. */
#define BODY_DEFLATE_REGISTER 9 /* namesrv.md 5.4 */
#define BODY_DEFLATE_MESSAGE 5  /* client.md 10.2 */
int body_deflate(struct env *env, struct span bytes, int level, struct buf *out);

/* ---- writing ---- */

static inline void body_write_number(struct json_writer *json, const char *key, int64_t value) {
    json_key_text(json, key);
    json_number(json, value);
}
static inline void body_write_bool(struct json_writer *json, const char *key, bool value) {
    json_key_text(json, key);
    json_bool(json, value);
}

#endif
