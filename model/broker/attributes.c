/* broker/attributes.c - see attributes.h. */
#include "model/broker/attributes.h"

#include "model/base/check.h"
#include "model/base/json.h"

/* ---- what is known --------------------------------------------------------------------------- */

static const struct known {
    const char *key;
    bool changeable;
    const char *values[7]; /* none: an integer of at least -1 */
    const char *not_here;  /* one of them that this broker does not have */
    const char *refusal;   /* the remark's text behind it */
} KNOWN[] = {
    {"queue.type", false, {"SimpleCQ", "BatchCQ"}, "BatchCQ", " queues are not supported."},
    {"cleanup.policy",
     false,
     {"DELETE", "COMPACTION"},
     "COMPACTION",
     " of a topic is not supported."},
    {"message.type",
     true,
     {"UNSPECIFIED", "NORMAL", "FIFO", "DELAY", "TRANSACTION", "MIXED"},
     "MIXED",
     " message type is not supported."},
    {"reserve.time", true, {NULL}, NULL, NULL},
};

static const struct known *find_known(struct span key) {
    for (size_t i = 0; i < sizeof KNOWN / sizeof KNOWN[0]; i++) {
        if (span_equal(key, span_of_text(KNOWN[i].key)))
            return &KNOWN[i];
    }
    return NULL;
}

static bool check_value(const struct known *known, struct span value, struct outcome *outcome) {
    int64_t number;
    if (known->values[0] == NULL)
        return (span_to_i64(value, &number) == RMQ_OK && number >= -1) ||
               outcome_refuse(outcome, RESPONSE_SYSTEM_ERROR, "value [", value,
                              "] is not in range(-1, 9223372036854775807)");
    if (known->not_here != NULL && span_equal(value, span_of_text(known->not_here)))
        return outcome_refuse(outcome, RESPONSE_INVALID_PARAMETER, "", value, known->refusal);
    for (size_t i = 0; known->values[i] != NULL; i++) {
        if (span_equal(value, span_of_text(known->values[i])))
            return true;
    }
    return outcome_refuse(outcome, RESPONSE_SYSTEM_ERROR, "value [", value,
                          "] is not one that the attribute knows");
}

/* ---- reading --------------------------------------------------------------------------------- */

static bool add(struct attribute_changes *out, struct span key, struct span value,
                struct outcome *outcome) {
    if (key.len < 2 || (key.data[0] != '+' && key.data[0] != '-'))
        return outcome_refuse(outcome, RESPONSE_SYSTEM_ERROR, "attribute [", key,
                              "]: expected +key=value or -key");
    for (size_t i = 0; i < out->count; i++) {
        if (span_equal(span_from(out->changes[i].key, 1), span_from(key, 1)))
            return outcome_refuse(outcome, RESPONSE_SYSTEM_ERROR,
                                  "alter duplication key. key: ", span_from(key, 1), "");
    }
    if (out->count == ATTRIBUTE_CHANGES_MAX)
        return outcome_refuse(outcome, RESPONSE_SYSTEM_ERROR, "attribute [", key,
                              "]: more than 16 changes at once");
    out->changes[out->count++] = (struct attribute_change){key, value};
    return true;
}

bool attributes_parse(struct span text, struct attribute_changes *out, struct outcome *outcome) {
    struct span part;
    out->count = 0;
    while (span_next_part(&text, ',', &part)) {
        const uint8_t *equals = part.len == 0 ? NULL : memchr(part.data, '=', part.len);
        size_t len = equals == NULL ? part.len : (size_t)(equals - part.data);
        struct span key = span_of(part.data, len);
        struct span value = equals == NULL ? SPAN_NONE : span_from(part, len + 1);
        bool adds = key.len > 0 && key.data[0] == '+';
        if (adds != (value.len > 0))
            return outcome_refuse(outcome, RESPONSE_SYSTEM_ERROR, "attribute [", part,
                                  "]: expected +key=value or -key");
        if (!add(out, key, value, outcome))
            return false;
    }
    return true;
}

bool attributes_parse_json(struct span object, struct attribute_changes *out,
                           struct outcome *outcome) {
    struct json_reader json;
    out->count = 0;
    if (span_is_absent(object))
        return true;
    json_reader_init(&json, object);
    json_next(&json);
    while (json_next(&json) == JSON_KEY) {
        struct span key = json.raw;
        bool escaped = json.escaped;
        if (json_next(&json) != JSON_STRING || escaped || json.escaped)
            break;
        if (!add(out, key, json.raw, outcome))
            return false;
    }
    return json.token == JSON_OBJECT_END ||
           outcome_refuse(outcome, RESPONSE_SYSTEM_ERROR, "attributes: expected plain texts",
                          SPAN_NONE, "");
}

/* ---- changing -------------------------------------------------------------------------------- */

/* The value of `key` in an object of strings; absent: none. */
static bool has_key(struct span object, struct span key) {
    struct json_reader json;
    if (span_is_absent(object))
        return false;
    json_reader_init(&json, object);
    json_next(&json);
    while (json_next(&json) == JSON_KEY) {
        if (json_text_equals(&json, key))
            return true;
        if (json_skip(&json) != RMQ_OK)
            return false;
    }
    return false;
}

static bool check(struct span current, bool create, const struct attribute_change *change,
                  struct outcome *outcome) {
    struct span key = span_from(change->key, 1);
    bool adds = change->key.data[0] == '+';
    const struct known *known = find_known(key);
    if (create && !adds)
        return outcome_refuse(outcome, RESPONSE_SYSTEM_ERROR,
                              "only add attribute is supported while creating topic. key: ", key,
                              "");
    if (!adds && !has_key(current, key))
        return outcome_refuse(outcome, RESPONSE_SYSTEM_ERROR,
                              "attempt to delete a nonexistent key: ", key, "");
    if (known == NULL)
        return outcome_refuse(outcome, RESPONSE_SYSTEM_ERROR, "unsupported key: ", key, "");
    if (!create && !known->changeable)
        return outcome_refuse(outcome, RESPONSE_SYSTEM_ERROR,
                              "attempt to update an unchangeable attribute. key: ", key, "");
    return !adds || check_value(known, change->value, outcome);
}

static const struct attribute_change *find_change(const struct attribute_changes *changes,
                                                  struct span key) {
    for (size_t i = 0; i < changes->count; i++) {
        if (span_equal(span_from(changes->changes[i].key, 1), key))
            return &changes->changes[i];
    }
    return NULL;
}

/* What stays of `current`, then what is set. */
static int write_object(struct env *env, struct span current,
                        const struct attribute_changes *changes, struct json_writer *writer,
                        size_t *count) {
    struct json_reader json;
    struct buf scratch;
    int err = RMQ_OK;
    buf_init(&scratch, env);
    json_object_begin(writer);
    json_reader_init(&json, current);
    bool more = !span_is_absent(current) && json_next(&json) == JSON_OBJECT_BEGIN;
    while (more && err == RMQ_OK && json_next(&json) == JSON_KEY) {
        struct span key;
        err = json_text(&json, &scratch, &key);
        if (err == RMQ_OK && find_change(changes, key) != NULL) {
            err = json_skip(&json);
        } else if (err == RMQ_OK) {
            (*count)++;
            json_key(writer, key);
            err = json_copy(&json, writer);
        }
    }
    for (size_t i = 0; err == RMQ_OK && i < changes->count; i++) {
        const struct attribute_change *change = &changes->changes[i];
        if (change->key.data[0] != '+')
            continue;
        (*count)++;
        json_key(writer, span_from(change->key, 1));
        json_string(writer, change->value);
    }
    if (err == RMQ_OK)
        json_object_end(writer);
    buf_deinit(&scratch);
    return err;
}

bool attributes_alter(struct env *env, struct span current, bool create,
                      const struct attribute_changes *changes, struct buf *out,
                      struct outcome *outcome) {
    struct json_writer writer;
    size_t count = 0;
    for (size_t i = 0; i < changes->count; i++) {
        if (!check(current, create, &changes->changes[i], outcome))
            return false;
    }
    json_writer_init(&writer, out, JSON_STYLE_FASTJSON);
    int err = write_object(env, current, changes, &writer, &count);
    if (err != RMQ_OK || buf_failed(out))
        return outcome_refuse(outcome, RESPONSE_SYSTEM_ERROR, "attributes: ",
                              span_of_text(rmq_err_text(err == RMQ_OK ? RMQ_E_NOMEM : err)), "");
    if (count == 0)
        buf_clear(out);
    return true;
}
