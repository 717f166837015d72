/* wire/message_batch.c - the sub messages that a client packs into one body. Source: store.md 5. */
#include "model/base/check.h"
#include "model/wire/message.h"

#define ITEM_FIXED_BYTES (4 * 5 + 2)

void batch_put(struct buf *out, const struct batch_item *item) {
    size_t size = ITEM_FIXED_BYTES + item->body.len + item->properties.len;
    RMQ_ASSERT(size <= INT32_MAX && item->properties.len <= INT16_MAX);
    buf_put_i32(out, (int32_t)size);
    buf_put_i32(out, 0); /* magic and checksum: nobody reads them */
    buf_put_i32(out, 0);
    buf_put_i32(out, item->flag);
    buf_put_i32(out, (int32_t)item->body.len);
    buf_put_span(out, item->body);
    buf_put_i16(out, (int16_t)item->properties.len);
    buf_put_span(out, item->properties);
}

int batch_next(struct span *rest, struct batch_item *out) {
    if (rest->len == 0)
        return RMQ_E_NOT_FOUND;
    struct span_reader head = {.rest = *rest};
    int32_t size = read_i32(&head);
    if (head.failed || size < ITEM_FIXED_BYTES || (size_t)size > rest->len)
        return RMQ_E_INVALID;
    struct span_reader reader = {.rest = span_of(rest->data, (size_t)size)};
    read_span(&reader, 12);
    struct batch_item item;
    item.flag = read_i32(&reader);
    int32_t body_len = read_i32(&reader);
    item.body = body_len < 0 ? SPAN_NONE : read_span(&reader, (size_t)body_len);
    int16_t properties_len = read_i16(&reader);
    item.properties = properties_len < 0 ? SPAN_NONE : read_span(&reader, (size_t)properties_len);
    if (reader.failed || body_len < 0 || properties_len < 0 || reader.rest.len > 0)
        return RMQ_E_INVALID;
    *rest = span_from(*rest, (size_t)size);
    *out = item;
    return RMQ_OK;
}
