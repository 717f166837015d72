/* wire/text_append.h - several escaped strings of one document in one scratch buffer. */
#ifndef MODEL_WIRE_TEXT_APPEND_H
#define MODEL_WIRE_TEXT_APPEND_H

#include "model/base/check.h"
#include "model/base/json.h"

/* As json_text, but escaped text is added behind what `scratch` holds and nothing moves: the caller
 * has reserved room for the document's length there (decoded text is never longer than its source).
 */
static inline int text_append(const struct json_reader *reader, struct buf *scratch,
                              struct span *out) {
    if (!reader->escaped) {
        *out = reader->raw;
        return RMQ_OK;
    }
    struct buf rest = {.env = scratch->env,
                       .data = scratch->data + scratch->len,
                       .capacity = scratch->capacity - scratch->len};
    const uint8_t *place = rest.data;
    RMQ_ASSERT(rest.capacity >= reader->raw.len);
    int err = json_text(reader, &rest, out);
    if (err != RMQ_OK)
        return err;
    RMQ_ASSERT(rest.data == place);
    scratch->len += rest.len;
    return RMQ_OK;
}

#endif
