/* client/namespace.c - see namespace.h. */
#include "model/client/namespace.h"

static const char *const SYSTEM_TOPICS[] = {
    "TBW102",
    "SCHEDULE_TOPIC_XXXX",
    "BenchmarkTest",
    "RMQ_SYS_TRANS_HALF_TOPIC",
    "RMQ_SYS_TRACE_TOPIC",
    "RMQ_SYS_TRANS_OP_HALF_TOPIC",
    "TRANS_CHECK_MAX_TIME_TOPIC",
    "SELF_TEST_TOPIC",
    "OFFSET_MOVED_EVENT",
};

bool topic_is_system(struct span topic) {
    for (size_t i = 0; i < sizeof SYSTEM_TOPICS / sizeof SYSTEM_TOPICS[0]; i++) {
        if (span_equal(topic, span_of_text(SYSTEM_TOPICS[i])))
            return true;
    }
    return span_starts_with(topic, SPAN_LITERAL("rmq_sys_"));
}

/* Takes "%RETRY%" or "%DLQ%" off the front of *name. */
static struct span take_prefix(struct span *name) {
    static const char *const PREFIXES[] = {"%RETRY%", "%DLQ%"};
    for (size_t i = 0; i < sizeof PREFIXES / sizeof PREFIXES[0]; i++) {
        struct span prefix = span_of_text(PREFIXES[i]);
        if (!span_starts_with(*name, prefix))
            continue;
        prefix = span_of(name->data, prefix.len);
        *name = span_from(*name, prefix.len);
        return prefix;
    }
    return span_of("", 0);
}

/* Does `name` begin with "N%"? */
static bool has_namespace(struct span name, struct span name_space) {
    return name.len > name_space.len && span_starts_with(name, name_space) &&
           name.data[name_space.len] == '%';
}

void namespace_wrap(struct buf *out, struct span name_space, struct span name) {
    struct span rest = name;
    struct span prefix = take_prefix(&rest);
    buf_put_span(out, prefix);
    if (name_space.len > 0 && !topic_is_system(name) && !has_namespace(rest, name_space) &&
        !span_starts_with(rest, SPAN_LITERAL("CID_RMQ_SYS_"))) {
        buf_put_span(out, name_space);
        buf_put_u8(out, '%');
    }
    buf_put_span(out, rest);
}

void namespace_unwrap(struct buf *out, struct span name_space, struct span name) {
    buf_put_span(out, take_prefix(&name));
    if (name_space.len > 0 && has_namespace(name, name_space))
        name = span_from(name, name_space.len + 1);
    buf_put_span(out, name);
}

/* \w of Java */
static bool is_word(uint8_t byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '_';
}

struct span namespace_of_address(struct span address) {
    size_t begin = 0, end;
    while (begin < address.len && is_word(address.data[begin]))
        begin++;
    struct span scheme_end = SPAN_LITERAL("://");
    if (begin > 0 && begin < address.len && span_starts_with(span_from(address, begin), scheme_end))
        address = span_from(address, begin + scheme_end.len);
    struct span start = SPAN_LITERAL("MQ_INST_");
    if (!span_starts_with(address, start))
        return SPAN_NONE;
    for (end = start.len; end < address.len && is_word(address.data[end]); end++) {
    }
    bool dot = end < address.len && address.data[end] == '.';
    struct span middle = span_of(address.data + start.len, end - start.len);
    if (!dot || middle.len < 3) /* at least "x_y" */
        return SPAN_NONE;
    return memchr(middle.data + 1, '_', middle.len - 2) != NULL ? span_of(address.data, end)
                                                                : SPAN_NONE;
}
