/* base/exposition.c - see exposition.h. */
#include "model/base/exposition.h"

void exposition_metric(struct exposition *x, struct buf *out, const char *name, const char *type,
                       const char *help) {
    *x = (struct exposition){.out = out, .name = name};
    buf_put_text(out, "# HELP ");
    buf_put_text(out, name);
    buf_put_u8(out, ' ');
    buf_put_text(out, help);
    buf_put_text(out, "\n# TYPE ");
    buf_put_text(out, name);
    buf_put_u8(out, ' ');
    buf_put_text(out, type);
    buf_put_u8(out, '\n');
}

void exposition_sample(struct exposition *x, const char *suffix) {
    buf_put_text(x->out, x->name);
    buf_put_text(x->out, suffix);
    x->labelled = false;
}

static void begin_label(struct exposition *x, const char *key) {
    buf_put_u8(x->out, x->labelled ? ',' : '{');
    buf_put_text(x->out, key);
    buf_put_text(x->out, "=\"");
    x->labelled = true;
}

void exposition_label(struct exposition *x, const char *key, struct span value) {
    begin_label(x, key);
    for (size_t i = 0; i < value.len; i++) {
        uint8_t byte = value.data[i];
        if (byte == '\n') {
            buf_put_text(x->out, "\\n");
            continue;
        }
        if (byte == '"' || byte == '\\')
            buf_put_u8(x->out, '\\');
        buf_put_u8(x->out, byte);
    }
    buf_put_u8(x->out, '"');
}

void exposition_label_number(struct exposition *x, const char *key, int64_t value) {
    begin_label(x, key);
    buf_put_decimal(x->out, value);
    buf_put_u8(x->out, '"');
}

static void begin_value(const struct exposition *x) {
    buf_put_text(x->out, x->labelled ? "} " : " ");
}

void exposition_number(struct exposition *x, int64_t value) {
    begin_value(x);
    buf_put_decimal(x->out, value);
    buf_put_u8(x->out, '\n');
}

void exposition_count(struct exposition *x, uint64_t value) {
    exposition_number(x, value > INT64_MAX ? INT64_MAX : (int64_t)value);
}

void exposition_decimal(struct exposition *x, int64_t millionths) {
    begin_value(x);
    decimal_put(x->out, millionths);
    buf_put_u8(x->out, '\n');
}

void exposition_latency(struct exposition *x, const char *key, struct span value,
                        const struct latency *latency) {
    for (uint64_t bound = 8; bound <= UINT64_C(1) << 27; bound *= 2) {
        exposition_sample(x, "_bucket");
        exposition_label(x, key, value);
        exposition_label_number(x, "le", (int64_t)bound - 1);
        exposition_count(x, latency_count_until(latency, bound - 1));
    }
    exposition_sample(x, "_bucket");
    exposition_label(x, key, value);
    exposition_label(x, "le", SPAN_LITERAL("+Inf"));
    exposition_count(x, latency->count);
    exposition_sample(x, "_sum");
    exposition_label(x, key, value);
    exposition_count(x, latency->sum_us);
    exposition_sample(x, "_count");
    exposition_label(x, key, value);
    exposition_count(x, latency->count);
}
