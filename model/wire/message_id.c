/* wire/message_id.c - hosts as text, and the message ids made of a host and an offset.
 * Source: store.md 3.6. */
#include "model/base/check.h"
#include "model/wire/message.h"
#include "model/wire/message_bytes.h"

#define GROUPS 8 /* of a v6 address */

static int parse_v4(struct span text, uint8_t ip[4]) {
    size_t at = 0;
    for (int i = 0; i < 4; i++) {
        unsigned value = 0;
        size_t start = at;
        for (; at < text.len && at < start + 4 && (unsigned)text.data[at] - '0' <= 9; at++)
            value = value * 10 + ((unsigned)text.data[at] - '0');
        bool ends = i < 3 ? at < text.len && text.data[at] == '.' : at == text.len;
        if (!ends || at == start || at > start + 3 || value > 255)
            return RMQ_E_INVALID;
        ip[i] = (uint8_t)value;
        at++;
    }
    return RMQ_OK;
}

static int hex_value(uint8_t digit) {
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    uint8_t lower = digit | 0x20;
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* One to four hex digits off *text. */
static bool take_group(struct span *text, uint8_t out[2]) {
    unsigned value = 0;
    size_t len = 0;
    for (; len < text->len && hex_value(text->data[len]) >= 0; len++)
        value = value << 4 | (unsigned)hex_value(text->data[len]);
    if (len == 0 || len > 4)
        return false;
    bytes_put_i16(out, (int16_t)value);
    *text = span_from(*text, len);
    return true;
}

static bool take_text(struct span *text, struct span what) {
    if (!span_starts_with(*text, what))
        return false;
    *text = span_from(*text, what.len);
    return true;
}

/* Groups of hex digits; "::" once stands for those that are zero. */
static int parse_v6(struct span text, uint8_t ip[16]) {
    uint8_t groups[16] = {0};
    int count = 0, gap = -1;
    if (take_text(&text, SPAN_LITERAL("::")))
        gap = 0;
    while (text.len > 0) {
        if (count == GROUPS || !take_group(&text, groups + 2 * count))
            return RMQ_E_INVALID;
        count++;
        if (gap < 0 && take_text(&text, SPAN_LITERAL("::")))
            gap = count;
        else if (text.len > 0 && (!take_text(&text, SPAN_LITERAL(":")) || text.len == 0))
            return RMQ_E_INVALID;
    }
    if (gap < 0 ? count != GROUPS : count == GROUPS)
        return RMQ_E_INVALID;
    size_t front = gap < 0 ? 16 : 2 * (size_t)gap, back = 2 * (size_t)count - front;
    if (gap < 0)
        back = 0;
    memset(ip, 0, 16);
    memcpy(ip, groups, front);
    memcpy(ip + 16 - back, groups + front, back);
    return RMQ_OK;
}

int message_host_parse(struct span text, struct message_host *out) {
    size_t colon = text.len;
    while (colon > 0 && text.data[colon - 1] != ':')
        colon--;
    struct message_host host = {0};
    if (colon == 0 || span_to_i32(span_from(text, colon), &host.port) != RMQ_OK || host.port < 0 ||
        host.port > UINT16_MAX)
        return RMQ_E_INVALID;
    struct span ip = span_of(text.data, colon - 1);
    if (ip.len >= 2 && ip.data[0] == '[' && ip.data[ip.len - 1] == ']')
        ip = span_of(ip.data + 1, ip.len - 2);
    bool v6 = ip.len > 0 && memchr(ip.data, ':', ip.len) != NULL;
    host.ip_len = v6 ? 16 : 4;
    int err = v6 ? parse_v6(ip, host.ip) : parse_v4(ip, host.ip);
    if (err == RMQ_OK)
        *out = host;
    return err;
}

static size_t format_v6(const uint8_t ip[16], char *out) {
    static const char DIGITS[] = "0123456789abcdef";
    size_t len = 0;
    out[len++] = '[';
    for (int i = 0; i < GROUPS; i++) {
        unsigned value = (unsigned)ip[2 * i] << 8 | ip[2 * i + 1];
        int shift = 12;
        while (shift > 0 && value >> shift == 0)
            shift -= 4;
        for (; shift >= 0; shift -= 4)
            out[len++] = DIGITS[value >> shift & 15];
        out[len++] = i + 1 < GROUPS ? ':' : ']';
    }
    return len;
}

size_t message_host_format(const struct message_host *host, char out[MESSAGE_HOST_TEXT_MAX]) {
    size_t len = 0;
    if (host->ip_len == 16) {
        len = format_v6(host->ip, out);
    } else {
        for (int i = 0; i < 4; i++) {
            len += format_u64(out + len, host->ip[i]);
            if (i < 3)
                out[len++] = '.';
        }
    }
    out[len++] = ':';
    len += format_i64(out + len, host->port);
    RMQ_ASSERT(len <= MESSAGE_HOST_TEXT_MAX);
    return len;
}

size_t message_id_format(const struct message_host *store_host, int64_t physical_offset,
                         char out[MESSAGE_ID_MAX]) {
    static const char DIGITS[] = "0123456789ABCDEF";
    uint8_t bytes[MESSAGE_ID_MAX / 2];
    size_t len = store_host->ip_len;
    memcpy(bytes, store_host->ip, len);
    bytes_put_i32(bytes + len, store_host->port);
    bytes_put_i64(bytes + len + 4, physical_offset);
    len += 12;
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = DIGITS[bytes[i] >> 4];
        out[2 * i + 1] = DIGITS[bytes[i] & 15];
    }
    return 2 * len;
}

int message_id_parse(struct span id, struct message_host *host, int64_t *physical_offset) {
    uint8_t bytes[MESSAGE_ID_MAX / 2];
    if (id.len != 32 && id.len != MESSAGE_ID_MAX)
        return RMQ_E_INVALID;
    for (size_t i = 0; i < id.len / 2; i++) {
        int high = hex_value(id.data[2 * i]), low = hex_value(id.data[2 * i + 1]);
        if (high < 0 || low < 0)
            return RMQ_E_INVALID;
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    struct message_host parsed = {.ip_len = (uint8_t)(id.len / 2 - 12)};
    memcpy(parsed.ip, bytes, parsed.ip_len);
    parsed.port = bytes_i32(bytes + parsed.ip_len);
    *host = parsed;
    *physical_offset = bytes_i64(bytes + parsed.ip_len + 4);
    return RMQ_OK;
}
