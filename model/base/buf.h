/* base/buf.h - a growing byte buffer of one node.
 *
 * Memory comes from env_alloc. After a failed growth the buffer is "failed": further appends do
 * nothing and buf_failed() says so, so that a writer checks once at its end. Big-endian, as
 * RocketMQ writes integers. Source: wire.md section 1. */
#ifndef MODEL_BASE_BUF_H
#define MODEL_BASE_BUF_H

#include "model/base/err.h"
#include "model/base/span.h"

struct env;

struct buf {
    struct env *env; /* where memory comes from */
    uint8_t *data;
    size_t len;
    size_t capacity;
    bool failed;
};

/* An empty buffer; allocates nothing. */
void buf_init(struct buf *buf, struct env *env);
/* Frees; the buffer is empty and usable afterwards. */
void buf_deinit(struct buf *buf);
/* Forgets content and failure, keeps memory. */
void buf_clear(struct buf *buf);
static inline bool buf_failed(const struct buf *buf) {
    return buf->failed;
}
static inline struct span buf_span(const struct buf *buf) {
    return span_of(buf->data, buf->len);
}

int buf_grow(struct buf *buf, size_t len); /* of buf_reserve */
/* Makes room for `len` more bytes. RMQ_E_NOMEM marks the buffer failed. */
static inline int buf_reserve(struct buf *buf, size_t len) {
    bool fits = !buf->failed && len <= buf->capacity - buf->len;
    return fits ? RMQ_OK : buf_grow(buf, len);
}
/* Room for `len` bytes at the end, counted as content at once; NULL when failed. */
static inline uint8_t *buf_extend(struct buf *buf, size_t len) {
    /* At least one byte, so that NULL means failure even for len 0. */
    if (buf_reserve(buf, len > 0 ? len : 1) != RMQ_OK) {
        return NULL;
    }
    uint8_t *at = buf->data + buf->len;
    buf->len += len;
    return at;
}

static inline void buf_put_span(struct buf *buf, struct span span) {
    uint8_t *at = span.len == 0 ? NULL : buf_extend(buf, span.len);
    if (at != NULL) {
        span_copy(at, span);
    }
}
void buf_put(struct buf *buf, const void *data, size_t len);
void buf_put_text(struct buf *buf, const char *text);
static inline void buf_put_u8(struct buf *buf, uint8_t value) {
    if (buf->len < buf->capacity && !buf->failed) {
        buf->data[buf->len++] = value;
    } else {
        buf_put(buf, &value, 1);
    }
}
void buf_put_i16(struct buf *buf, int16_t value);
void buf_put_i32(struct buf *buf, int32_t value);
void buf_put_i64(struct buf *buf, int64_t value);
/* Decimal text. */
void buf_put_decimal(struct buf *buf, int64_t value);
/* Overwrites four bytes at `offset` (offset + 4 <= len). */
void buf_set_i32(struct buf *buf, size_t offset, int32_t value);
/* Drops `len` bytes from the front. */
void buf_consume(struct buf *buf, size_t len);

/* Reader over a span: a failed read leaves `failed` set and gives zeros / absent spans. */
struct span_reader {
    struct span rest;
    bool failed;
};

uint8_t read_u8(struct span_reader *reader);
int16_t read_i16(struct span_reader *reader);
int32_t read_i32(struct span_reader *reader);
int64_t read_i64(struct span_reader *reader);
struct span read_span(struct span_reader *reader, size_t len);

#define DECIMAL_BYTES_MAX 20 /* "-9223372036854775808", "18446744073709551615" */
/* Writes `value` in decimal to `out` (no NUL); returns the length. */
size_t format_i64(char *out, int64_t value);
size_t format_u64(char *out, uint64_t value);

#endif
