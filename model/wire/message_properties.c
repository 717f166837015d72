/* wire/message_properties.c - the properties text of a message. Source: store.md 4.
 *
 * A segment ends at 0x02 or at the text's end, its name at the first 0x01. Java drops segments
 * without one, and those whose name or value is empty. */
#include "model/base/check.h"
#include "model/wire/message.h"

#define NAME_END 0x01
#define PAIR_END 0x02

static struct span until(struct span text, uint8_t byte) {
    const uint8_t *end = text.len == 0 ? NULL : memchr(text.data, byte, text.len);
    return end == NULL ? text : span_of(text.data, (size_t)(end - text.data));
}

bool message_property_next(struct span *rest, struct span *name, struct span *value) {
    while (rest->len > 0) {
        struct span segment = until(*rest, PAIR_END);
        *rest = span_from(*rest, segment.len < rest->len ? segment.len + 1 : rest->len);
        *name = until(segment, NAME_END);
        if (name->len == 0 || name->len + 1 >= segment.len)
            continue;
        *value = span_from(segment, name->len + 1);
        return true;
    }
    return false;
}

struct span message_property(struct span properties, struct span name) {
    struct span found = SPAN_NONE, each, value;
    while (message_property_next(&properties, &each, &value))
        if (span_equal(each, name))
            found = value;
    return found;
}

static bool has_separator(struct span text) {
    return text.len > 0 && (memchr(text.data, NAME_END, text.len) != NULL ||
                            memchr(text.data, PAIR_END, text.len) != NULL);
}

int message_property_put(struct buf *out, size_t start, struct span name, struct span value) {
    RMQ_ASSERT(start <= out->len || out->failed);
    if (has_separator(name) || has_separator(value))
        return RMQ_E_INVALID;
    int err = buf_reserve(out, name.len + value.len + 2);
    if (err != RMQ_OK)
        return err;
    if (out->len > start && out->data[out->len - 1] != PAIR_END)
        buf_put_u8(out, PAIR_END);
    buf_put_span(out, name);
    buf_put_u8(out, NAME_END);
    buf_put_span(out, value);
    return RMQ_OK;
}

void message_properties_without(struct buf *out, struct span properties, struct span name) {
    size_t start = out->len;
    struct span each, value;
    while (message_property_next(&properties, &each, &value)) {
        if (span_equal(each, name))
            continue;
        if (out->len > start)
            buf_put_u8(out, PAIR_END);
        buf_put_span(out, each);
        buf_put_u8(out, NAME_END);
        buf_put_span(out, value);
    }
}
