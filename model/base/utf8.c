/* base/utf8.c - UTF-8 and UTF-16 code points, as RFC 3629 restricts them. */
#include "model/base/utf8.h"

#include "model/base/check.h"

size_t utf8_encode(uint32_t code, uint8_t out[UTF8_LEN_MAX]) {
    RMQ_ASSERT(code <= 0x10FFFF);
    RMQ_ASSERT(!utf16_is_high(code) && !utf16_is_low(code));
    if (code < 0x80) {
        out[0] = (uint8_t)code;
        return 1;
    }
    size_t len = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = len - 1; i > 0; i--) {
        out[i] = (uint8_t)(0x80 | (code & 0x3F));
        code >>= 6;
    }
    static const uint8_t LEAD[] = {0, 0, 0xC0, 0xE0, 0xF0};
    out[0] = (uint8_t)(LEAD[len] | code);
    return len;
}

size_t utf8_decode(struct span text, uint32_t *code) {
    static const uint32_t SMALLEST[] = {0, 0, 0x80, 0x800, 0x10000};
    uint8_t lead = text.data[0];
    if (lead < 0x80) {
        *code = lead;
        return 1;
    }
    size_t len = lead < 0xC0 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF8 ? 4 : 0;
    if (len == 0 || len > text.len) {
        return 0;
    }
    uint32_t value = lead & (0x7FU >> len);
    for (size_t i = 1; i < len; i++) {
        if ((text.data[i] & 0xC0) != 0x80) {
            return 0;
        }
        value = value << 6 | (text.data[i] & 0x3F);
    }
    if (value < SMALLEST[len] || value > 0x10FFFF || utf16_is_high(value) || utf16_is_low(value)) {
        return 0;
    }
    *code = value;
    return len;
}

int32_t hex4_read(struct span text) {
    int32_t value = 0;
    if (text.len < 4) {
        return -1;
    }
    for (size_t i = 0; i < 4; i++) {
        int c = text.data[i];
        int lower = c | 0x20;
        if (c >= '0' && c <= '9') {
            value = value * 16 + (c - '0');
        } else if (lower >= 'a' && lower <= 'f') {
            value = value * 16 + (lower - 'a' + 10);
        } else {
            return -1;
        }
    }
    return value;
}
