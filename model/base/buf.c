/* base/buf.c - the growing byte buffer, the reader over a span, decimal formatting. */
#include "model/base/buf.h"

#include "model/base/check.h"
#include "model/env.h"

#define BUF_CAPACITY_MIN 64

void buf_init(struct buf *buf, struct env *env) {
    *buf = (struct buf){.env = env};
}

void buf_deinit(struct buf *buf) {
    env_free(buf->env, buf->data);
    buf_init(buf, buf->env);
}

void buf_clear(struct buf *buf) {
    buf->len = 0;
    buf->failed = false;
}

int buf_grow(struct buf *buf, size_t len) {
    RMQ_ASSERT(buf->len <= buf->capacity);
    if (buf->failed) {
        return RMQ_E_NOMEM;
    }
    if (len > SIZE_MAX / 2 - buf->len) {
        buf->failed = true;
        return RMQ_E_NOMEM;
    }
    size_t capacity = buf->capacity < BUF_CAPACITY_MIN ? BUF_CAPACITY_MIN : buf->capacity;
    while (capacity < buf->len + len) {
        capacity *= 2;
    }
    uint8_t *data = env_realloc(buf->env, buf->data, capacity);
    if (data == NULL) {
        buf->failed = true;
        return RMQ_E_NOMEM;
    }
    buf->data = data;
    buf->capacity = capacity;
    return RMQ_OK;
}

void buf_put(struct buf *buf, const void *data, size_t len) {
    buf_put_span(buf, span_of(data, len));
}

void buf_put_text(struct buf *buf, const char *text) {
    buf_put(buf, text, strlen(text));
}

static inline void store_big_endian(uint8_t *at, uint64_t value, size_t size) {
    for (size_t i = size; i > 0; i--) {
        at[i - 1] = (uint8_t)value;
        value >>= 8;
    }
}

static inline void put_big_endian(struct buf *buf, uint64_t value, size_t size) {
    uint8_t *at = buf_extend(buf, size);
    if (at != NULL) {
        store_big_endian(at, value, size);
    }
}

void buf_put_i16(struct buf *buf, int16_t value) {
    put_big_endian(buf, (uint16_t)value, 2);
}

void buf_put_i32(struct buf *buf, int32_t value) {
    put_big_endian(buf, (uint32_t)value, 4);
}

void buf_put_i64(struct buf *buf, int64_t value) {
    put_big_endian(buf, (uint64_t)value, 8);
}

void buf_put_decimal(struct buf *buf, int64_t value) {
    char text[DECIMAL_BYTES_MAX];
    if (!buf->failed && buf->capacity - buf->len >= sizeof text) { /* straight to its place */
        buf->len += format_i64((char *)buf->data + buf->len, value);
    } else {
        buf_put(buf, text, format_i64(text, value));
    }
}

void buf_set_i32(struct buf *buf, size_t offset, int32_t value) {
    if (buf->failed) {
        return; /* the bytes may not be there */
    }
    RMQ_ASSERT(buf->len >= 4);
    RMQ_ASSERT(offset <= buf->len - 4);
    store_big_endian(buf->data + offset, (uint32_t)value, 4);
}

void buf_consume(struct buf *buf, size_t len) {
    RMQ_ASSERT(len <= buf->len);
    if (len > 0) {
        memmove(buf->data, buf->data + len, buf->len - len);
        buf->len -= len;
    }
}

struct span read_span(struct span_reader *reader, size_t len) {
    if (reader->failed || reader->rest.len < len) {
        reader->failed = true;
        return SPAN_NONE;
    }
    struct span taken = span_of(reader->rest.data, len);
    if (len > 0) {
        reader->rest = span_from(reader->rest, len);
    }
    return taken;
}

static uint64_t read_big_endian(struct span_reader *reader, size_t size) {
    struct span bytes = read_span(reader, size);
    uint64_t value = 0;
    for (size_t i = 0; i < bytes.len; i++) {
        value = value << 8 | bytes.data[i];
    }
    return value;
}

uint8_t read_u8(struct span_reader *reader) {
    return (uint8_t)read_big_endian(reader, 1);
}

int16_t read_i16(struct span_reader *reader) {
    return (int16_t)read_big_endian(reader, 2);
}

int32_t read_i32(struct span_reader *reader) {
    return (int32_t)read_big_endian(reader, 4);
}

int64_t read_i64(struct span_reader *reader) {
    return (int64_t)read_big_endian(reader, 8);
}

static const char TWO_DIGITS[] = "00010203040506070809101112131415161718192021222324"
                                 "25262728293031323334353637383940414243444546474849"
                                 "50515253545556575859606162636465666768697071727374"
                                 "75767778798081828384858687888990919293949596979899";

static size_t count_digits(uint64_t value) {
    size_t digits = 1;
    for (; value >= 10000; value /= 10000) {
        digits += 4;
    }
    return digits + (value >= 10) + (value >= 100) + (value >= 1000);
}

size_t format_u64(char *out, uint64_t value) {
    if (value < 10) {
        out[0] = (char)('0' + value);
        return 1;
    }
    size_t len = count_digits(value), at = len;
    for (; at >= 2; value /= 100) { /* two at a time, from the last */
        at -= 2;
        memcpy(out + at, TWO_DIGITS + value % 100 * 2, 2);
    }
    if (at == 1) {
        out[0] = (char)('0' + value);
    }
    return len;
}

size_t format_i64(char *out, int64_t value) {
    if (value >= 0) {
        return format_u64(out, (uint64_t)value);
    }
    out[0] = '-';
    return 1 + format_u64(out + 1, 0 - (uint64_t)value);
}
