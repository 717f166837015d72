/* sim/oracle/base.c - parameters, verdict, witness. */
#include "sim/oracle/base.h"

#include <inttypes.h>
#include <stdarg.h>

#include "model/base/check.h"
#include "model/base/utf8.h"

/* ---- parameters ---- */

static const struct oracle_parameter *parameter_of(const struct oracle_type *type,
                                                   struct span key) {
    for (size_t i = 0; i < type->parameter_count; i++)
        if (span_equal(key, span_of_text(type->parameters[i].key)))
            return &type->parameters[i];
    return NULL;
}

/* The message is in memory of the host, for as long as that lives. */
static void refuse(struct oracle_base *base, struct span key, const char *what) {
    if (base->bad != NULL)
        return;
    char *text = base->host.alloc(base->host.ctx, ORACLE_TEXT_MAX);
    if (text != NULL)
        snprintf(text, ORACLE_TEXT_MAX, "oracle %s: %.*s: %s", base->type->name, TEXT(key), what);
    base->bad = text != NULL ? text : "out of memory";
}

void oracle_refuse(struct oracle_base *base, const char *key, const char *expected) {
    refuse(base, span_of_text(key), expected);
}

void *oracle_begin(const struct oracle_host *host, const struct oracle_type *type,
                   const struct props *parameters, size_t size, const char **error) {
    struct oracle_base *base = host->alloc(host->ctx, size);
    if (base == NULL) {
        *error = "out of memory";
        return NULL;
    }
    base->host = *host;
    base->type = type;
    base->parameters = parameters;
    for (size_t i = 0; parameters != NULL && i < parameters->count; i++)
        if (parameter_of(type, parameters->entries[i].key) == NULL)
            refuse(base, parameters->entries[i].key, "no such parameter");
    if (parameter_of(type, SPAN_LITERAL("excused")) != NULL)
        base->excused = oracle_read_text(base, "excused");
    return base;
}

void *oracle_ready(void *oracle, const char **error) {
    struct oracle_base *base = oracle;
    base->parameters = NULL;
    if (base->bad == NULL)
        return oracle;
    *error = base->bad;
    base->host.free(base->host.ctx, oracle);
    return NULL;
}

bool oracle_has(const struct oracle_base *base, const char *key) {
    return base->parameters != NULL && !span_is_absent(props_get(base->parameters, key));
}

static struct span value_of(struct oracle_base *base, const char *key, const char *unit) {
    const struct oracle_parameter *parameter = parameter_of(base->type, span_of_text(key));
    RMQ_ASSERT(parameter != NULL);
    RMQ_ASSERT(strcmp(parameter->unit, unit) == 0);
    if (oracle_has(base, key))
        return props_get(base->parameters, key);
    if (parameter->fallback == NULL) {
        oracle_refuse(base, key, "is required");
        return SPAN_LITERAL("0");
    }
    return span_of_text(parameter->fallback);
}

static uint64_t unit_ns(struct span unit) {
    static const struct {
        const char *name;
        uint64_t ns;
    } units[] = {{"", 1},           {"ns", 1},          {"us", 1000},        {"ms", 1000000},
                 {"s", 1000000000}, {"m", 60000000000}, {"h", 3600000000000}};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (span_equal(unit, span_of_text(units[i].name)))
            return units[i].ns;
    return 0;
}

/* Digits, up to nine more behind a point, a unit. */
bool duration_parse(struct span text, uint64_t *ns) {
    size_t at = 0, point = 0;
    uint64_t number = 0, scale = 1;
    for (; at < text.len; at++) {
        uint8_t byte = text.data[at];
        if (byte == '.' && point == 0 && at > 0) {
            point = at;
            continue;
        }
        if (byte < '0' || byte > '9')
            break;
        uint64_t digit = byte - (uint64_t)'0';
        if (number > (UINT64_MAX - digit) / 10 || scale > 100000000)
            return false;
        number = number * 10 + digit;
        scale *= point != 0 ? 10 : 1;
    }
    if (at == 0 || (point != 0 && at == point + 1))
        return false;
    uint64_t unit = unit_ns(span_from(text, at));
    if (unit == 0 || number > UINT64_MAX / unit || number * unit % scale != 0)
        return false;
    *ns = number * unit / scale;
    return true;
}

uint64_t oracle_read_duration(struct oracle_base *base, const char *key) {
    uint64_t ns = 0;
    if (!duration_parse(value_of(base, key, "duration"), &ns))
        oracle_refuse(base, key, "is not a duration");
    return ns;
}

uint64_t oracle_read_count(struct oracle_base *base, const char *key) {
    uint64_t count = 0;
    if (span_to_u64(value_of(base, key, "count"), &count) != RMQ_OK)
        oracle_refuse(base, key, "is not a count");
    return count;
}

bool oracle_read_bool(struct oracle_base *base, const char *key) {
    struct span value = value_of(base, key, "bool");
    if (!span_equal(value, SPAN_LITERAL("true")) && !span_equal(value, SPAN_LITERAL("false")))
        oracle_refuse(base, key, "is neither true nor false");
    return span_equal(value, SPAN_LITERAL("true"));
}

struct span oracle_read_text(struct oracle_base *base, const char *key) {
    struct span value = value_of(base, key, "text");
    uint8_t *copy = base->host.alloc(base->host.ctx, value.len + 1);
    if (copy == NULL) {
        oracle_refuse(base, key, "out of memory");
        return SPAN_NONE;
    }
    if (value.len > 0)
        memcpy(copy, value.data, value.len);
    return span_of(copy, value.len);
}

/* ---- verdict ---- */

/* Names come from the wire, where chance may have changed them, and a text may be cut in the middle
 * of a character: what is not UTF-8, and control characters, become '?'. */
static void make_readable(char *text) {
    uint32_t code;
    for (size_t len = strlen(text); len > 0;) {
        size_t step = utf8_decode(span_of((const uint8_t *)text, len), &code);
        if (step == 0 || code < ' ' || code == 0x7F) {
            *text = '?';
            step = 1;
        }
        text += step;
        len -= step;
    }
}

bool oracle_fail(struct oracle_base *base, const char *format, ...) {
    if (base->failures++ > 0)
        return false;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(base->verdict.reason, sizeof base->verdict.reason, format, arguments);
    va_end(arguments);
    make_readable(base->verdict.reason);
    return true;
}

void oracle_witness(struct oracle_base *base, struct oracle_mark mark, const char *format, ...) {
    struct oracle_verdict *verdict = &base->verdict;
    if (verdict->witness_count == ORACLE_WITNESS_MAX)
        return;
    size_t i = verdict->witness_count++;
    verdict->witness[i].world_ns = mark.world_ns;
    verdict->witness[i].node = mark.node;
    verdict->witness[i].kind = mark.kind;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(verdict->witness[i].text, sizeof verdict->witness[i].text, format, arguments);
    va_end(arguments);
    make_readable(verdict->witness[i].text);
}

bool oracle_excuses(const struct oracle_base *base, const struct cluster_node *node) {
    return node != NULL && base->excused.len > 0 && name_listed(base->excused, node->name);
}

/* Says so behind the first reason when there was more than one violation. */
static void add_failures(struct oracle_base *base) {
    size_t len = strlen(base->verdict.reason);
    if (base->failures > 1)
        snprintf(base->verdict.reason + len, sizeof base->verdict.reason - len,
                 " (and %" PRIu64 " more)", base->failures - 1);
}

void oracle_end(struct oracle_base *base, const char *nothing, struct oracle_verdict *out) {
    const char *why = NULL;
    if (base->failures > 0) {
        base->verdict.verdict = VERDICT_FAIL;
        add_failures(base);
    } else {
        if (base->no_memory || base->host.cluster->no_memory || base->host.messages->no_memory)
            why = "out of memory";
        else if (base->unknown != NULL)
            why = base->unknown;
        else if (base->verdict.checked == 0)
            why = nothing;
        base->verdict.verdict = why == NULL ? VERDICT_PASS : VERDICT_UNKNOWN;
        snprintf(base->verdict.reason, sizeof base->verdict.reason, "%s", why == NULL ? "" : why);
    }
    *out = base->verdict;
}
