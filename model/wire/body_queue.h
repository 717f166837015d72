/* wire/body_queue.h - message queues in JSON bodies: as values, and as keys of maps.
 *
 * fastjson writes a map that is keyed by queues with the whole object as key,
 * {{"brokerName":"b","queueId":0,"topic":"t"}:5}, and takes that or a string that holds the
 * object's text (wire.md 10.1, 10.2); so do we. */
#ifndef MODEL_WIRE_BODY_QUEUE_H
#define MODEL_WIRE_BODY_QUEUE_H

#include "model/base/json.h"
#include "model/wire/frame.h"

/* MessageQueue.java. Texts are absent where a body does not name them. */
struct body_queue {
    struct span broker_name;
    int32_t queue_id;
    struct span topic;
};
/* The next value (array element or member value): one object. */
void body_queue_write(struct json_writer *json, const struct body_queue *queue);
/* The next key; its value follows. fastjson style only. */
void body_queue_key(struct json_writer *json, const struct body_queue *queue);

/* ---- for decoders (body_internal.h) ---- */

struct body_reader;
/* Makes room in scratch for all texts of a document of `body`, so that what the functions below
 * give stays valid until scratch is cut back. RMQ_E_NOMEM with *error. */
int body_texts_reserve(struct body_reader *reader, struct span body) RMQ_CHECK_RESULT;
/* Text of the next value; null leaves *out alone. */
int body_text_kept(struct body_reader *reader, struct span *out) RMQ_CHECK_RESULT;
/* The members of a queue; the reader's last token began the object. Unknown members are skipped. */
int body_queue_members(struct body_reader *reader, struct body_queue *out) RMQ_CHECK_RESULT;
/* Called once per entry with its key; consumes the value. */
typedef int body_queue_fn(struct body_reader *reader, void *ctx, const struct body_queue *queue);
/* Next value: a map keyed by queues, or null (nothing). Texts of an entry end with its call. */
int body_queue_table(struct body_reader *reader, body_queue_fn *entry, void *ctx) RMQ_CHECK_RESULT;

#endif
