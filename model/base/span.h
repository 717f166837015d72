/* base/span.h - a borrowed run of bytes.
 *
 * A span never owns. Spans into received bytes end with the handler that got them. A span whose
 * data is NULL means "absent" (and has len 0); an empty present span has data and len 0. */
#ifndef MODEL_BASE_SPAN_H
#define MODEL_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
    const uint8_t *data;
    size_t len;
};

#define SPAN_NONE ((struct span){NULL, 0})
/* Span of a string literal (without its NUL). */
#define SPAN_LITERAL(text) ((struct span){(const uint8_t *)("" text), sizeof(text) - 1})

static inline struct span span_of(const void *data, size_t len) {
    return (struct span){(const uint8_t *)data, len};
}

/* Span of a NUL-terminated string; NULL gives SPAN_NONE. */
static inline struct span span_of_text(const char *text) {
    return text == NULL ? SPAN_NONE : span_of(text, strlen(text));
}

static inline bool span_is_absent(struct span span) {
    return span.data == NULL;
}

/* As memcmp() == 0, for keys: short ones are compared by two words that may overlap. */
static inline bool bytes_equal(const void *a, const void *b, size_t len) {
    const uint8_t *x = a, *y = b;
    if (len >= 8 && len <= 16) {
        uint64_t first[2], last[2];
        memcpy(&first[0], x, 8);
        memcpy(&first[1], y, 8);
        memcpy(&last[0], x + len - 8, 8);
        memcpy(&last[1], y + len - 8, 8);
        return ((first[0] ^ first[1]) | (last[0] ^ last[1])) == 0;
    }
    if (len == 1)
        return *x == *y;
    return memcmp(a, b, len) == 0;
}

/* Equal bytes; absent equals empty. */
static inline bool span_equal(struct span a, struct span b) {
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* Copies the bytes to `out`; returns their end there. Most are short, keys and numbers: two moves
 * that may overlap do for them what a call of memcpy would take longer for. */
static inline uint8_t *span_copy(uint8_t *out, struct span span) {
    if (span.len > 16) {
        memcpy(out, span.data, span.len);
    } else if (span.len >= 8) {
        uint64_t first, last;
        memcpy(&first, span.data, 8);
        memcpy(&last, span.data + span.len - 8, 8);
        memcpy(out, &first, 8);
        memcpy(out + span.len - 8, &last, 8);
    } else if (span.len >= 4) {
        uint32_t first, last;
        memcpy(&first, span.data, 4);
        memcpy(&last, span.data + span.len - 4, 4);
        memcpy(out, &first, 4);
        memcpy(out + span.len - 4, &last, 4);
    } else {
        for (size_t i = 0; i < span.len; i++) {
            out[i] = span.data[i];
        }
    }
    return out + span.len;
}

/* Order by bytes, then by length: <0, 0, >0. */
int span_compare(struct span a, struct span b);

bool span_starts_with(struct span span, struct span prefix);

/* The rest of `span` from `offset` (<= len). */
static inline struct span span_from(struct span span, size_t offset) {
    return (struct span){span.data + offset, span.len - offset};
}

/* Takes the next non-empty part of a list such as "a;b" off the front of *rest; false at its end.
 */
bool span_next_part(struct span *rest, uint8_t separator, struct span *out);

/* Decimal i64/i32/u64 of the whole span (optional '-' except for u64, no blanks, no '+').
 * RMQ_E_INVALID, RMQ_E_RANGE. */
int span_to_i64(struct span span, int64_t *out);
int span_to_i32(struct span span, int32_t *out);
int span_to_u64(struct span span, uint64_t *out);

#endif
