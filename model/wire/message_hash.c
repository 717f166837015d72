/* wire/message_hash.c - Java's string hash, and what tags and keys make of it. Source:
 * store.md 6.2, 8.3. */
#include "model/base/utf8.h"
#include "model/wire/message.h"

#define REPLACEMENT 0xFFFD

/* h = h * 31 + unit for each UTF-16 unit; starting at the hash of a text in front of this one. */
static uint32_t hash_on(uint32_t hash, struct span text) {
    for (size_t i = 0; i < text.len;) {
        uint32_t code = text.data[i];
        size_t len = 1;
        if (code >= 0x80) {
            len = utf8_decode(span_from(text, i), &code);
            if (len == 0) {
                code = REPLACEMENT;
                len = 1;
            }
        }
        if (code >= 0x10000) {
            hash = hash * 31 + (0xD800 + ((code - 0x10000) >> 10));
            code = 0xDC00 + ((code - 0x10000) & 0x3FF);
        }
        hash = hash * 31 + code;
        i += len;
    }
    return hash;
}

int32_t java_string_hash(struct span text) {
    return (int32_t)hash_on(0, text);
}

int64_t message_tags_code(struct span tag) {
    return java_string_hash(tag);
}

int32_t message_key_hash(struct span topic, struct span key) {
    int32_t hash = (int32_t)hash_on(hash_on(hash_on(0, topic), SPAN_LITERAL("#")), key);
    if (hash == INT32_MIN) /* it has no absolute value */
        return 0;
    return hash < 0 ? -hash : hash;
}
