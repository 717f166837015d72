/* sim/scenario/scenario_doc.c - builds the tree from the pull reader's tokens. */
#include "sim/scenario/scenario_doc.h"

#include <stdlib.h>
#include <string.h>

#include "model/base/check.h"
#include "model/base/json.h"

struct builder {
    struct pool *pool;
    const struct doc_source *source;
    struct scenario_errors *errors;
    struct json_reader reader;
    struct doc_value *root, *container;
    const char *key; /* of the member to come */
    size_t key_offset;
    bool failed;
};

/* Decoded text is never longer than its escaped form, so the buffer never grows and needs no env.
 */
static const char *decode(struct builder *builder, bool *ok) {
    const struct json_reader *reader = &builder->reader;
    if (!reader->escaped)
        return pool_text(builder->pool, reader->raw.data, reader->raw.len);
    struct buf scratch = {NULL, pool_alloc(builder->pool, reader->raw.len + 1), 0, reader->raw.len,
                          false};
    struct span text;
    *ok = json_text(reader, &scratch, &text) == RMQ_OK &&
          (text.len == 0 || memchr(text.data, 0, text.len) == NULL);
    return *ok ? pool_text(builder->pool, text.data, text.len) : "";
}

static size_t token_offset(const struct builder *builder) {
    return builder->source->start + builder->reader.token_offset;
}

static void fail(struct builder *builder, size_t offset, const char *message) {
    scenario_error(builder->errors, builder->source, offset, "%s", message);
    builder->failed = true;
}

static void append(struct doc_value *container, struct doc_value *value) {
    value->parent = container;
    if (container->last == NULL)
        container->first = value;
    else
        container->last->next = value;
    container->last = value;
    container->count++;
}

static void check_duplicate(struct builder *builder) {
    const struct doc_value *other = doc_member(builder->container, builder->key);
    if (other == NULL)
        return;
    size_t line, column;
    doc_position(builder->source, other->key_offset, &line, &column);
    scenario_error(builder->errors, builder->source, builder->key_offset,
                   "duplicate key \"%s\"; expected it once, it is at %zu:%zu already", builder->key,
                   line, column);
}

static void check_room(struct builder *builder, size_t offset) {
    if (builder->container->kind == DOC_OBJECT && builder->container->count == DOC_MEMBERS_MAX)
        fail(builder, offset, "too many members; expected at most 4096");
    if (builder->container->kind == DOC_ARRAY && builder->container->count == DOC_ITEMS_MAX)
        fail(builder, offset, "too many items; expected at most 65536");
}

static struct doc_value *add(struct builder *builder, enum doc_kind kind) {
    struct doc_value *value = pool_alloc(builder->pool, sizeof *value);
    value->kind = kind;
    value->source = value->key_source = builder->source;
    value->offset = token_offset(builder);
    value->text = "";
    if (builder->container == NULL) {
        builder->root = value;
    } else {
        check_room(builder, value->offset);
        if (builder->container->kind == DOC_OBJECT) {
            value->key = builder->key;
            value->key_offset = builder->key_offset;
        }
        append(builder->container, value);
    }
    if (kind == DOC_OBJECT || kind == DOC_ARRAY)
        builder->container = value;
    return value;
}

static void add_number(struct builder *builder) {
    struct doc_value *value = add(builder, DOC_NUMBER);
    struct span raw = builder->reader.raw;
    value->text = pool_text(builder->pool, raw.data, raw.len);
    int64_t number = 0;
    if (strpbrk(value->text, ".eE") != NULL) {
        scenario_error(builder->errors, builder->source, value->offset,
                       "the number %s is not whole; expected a whole number, or a text with a unit",
                       value->text);
    } else if (span_to_i64(raw, &number) != RMQ_OK || number > DOC_NUMBER_MAX ||
               number < -DOC_NUMBER_MAX) {
        scenario_error(builder->errors, builder->source, value->offset,
                       "the number %s is beyond 2^53 and would lose digits in other programs; "
                       "expected it as a text: \"%s\"",
                       value->text, value->text);
    } else {
        value->number = number;
    }
}

static void take_key(struct builder *builder) {
    bool ok = true;
    builder->key = decode(builder, &ok);
    builder->key_offset = token_offset(builder);
    if (!ok)
        fail(builder, builder->key_offset, "broken text; expected UTF-8 without NUL");
    else
        check_duplicate(builder);
}

static void take(struct builder *builder, enum json_token token) {
    switch (token) {
    case JSON_OBJECT_BEGIN:
        add(builder, DOC_OBJECT);
        break;
    case JSON_ARRAY_BEGIN:
        add(builder, DOC_ARRAY);
        break;
    case JSON_OBJECT_END:
    case JSON_ARRAY_END:
        builder->container = builder->container->parent;
        break;
    case JSON_KEY:
        take_key(builder);
        break;
    case JSON_STRING: {
        bool ok = true;
        const char *text = decode(builder, &ok);
        add(builder, DOC_STRING)->text = text;
        if (!ok)
            fail(builder, token_offset(builder), "broken text; expected UTF-8 without NUL");
        break;
    }
    case JSON_NUMBER:
        add_number(builder);
        break;
    case JSON_TRUE:
        add(builder, DOC_BOOL)->boolean = true;
        break;
    case JSON_FALSE:
        add(builder, DOC_BOOL);
        break;
    case JSON_NULL:
        add(builder, DOC_NULL);
        break;
    case JSON_END:
    case JSON_ERROR:
    case JSON_KEY_OBJECT:
        RMQ_UNREACHABLE();
    }
}

static void syntax_error(struct builder *builder) {
    size_t offset = token_offset(builder);
    bool comment = offset < builder->source->len &&
                   (builder->source->text[offset] == '/' || builder->source->text[offset] == '#');
    if (comment)
        scenario_error(builder->errors, builder->source, offset,
                       "JSON has no comments; expected %s, and notes in \"about\"",
                       builder->reader.expected);
    else
        scenario_error(builder->errors, builder->source, offset, "this is not JSON; expected %s",
                       builder->reader.expected);
}

struct doc_value *doc_parse(struct pool *pool, const struct doc_source *source,
                            struct scenario_errors *errors) {
    struct builder builder = {.pool = pool, .source = source, .errors = errors};
    json_reader_init(&builder.reader,
                     span_of(source->text + source->start, source->len - source->start));
    json_strict(&builder.reader);
    builder.reader.limits = (struct json_limits){DOC_DEPTH_MAX, 1000000};
    for (;;) {
        enum json_token token = json_next(&builder.reader);
        if (token == JSON_END)
            return builder.root;
        if (token == JSON_ERROR) {
            syntax_error(&builder);
            return NULL;
        }
        take(&builder, token);
        if (builder.failed)
            return NULL;
    }
}

struct doc_value *doc_member(const struct doc_value *object, const char *key) {
    for (struct doc_value *value = object->first; value != NULL; value = value->next)
        if (value->key != NULL && strcmp(value->key, key) == 0)
            return value;
    return NULL;
}

struct doc_value *doc_item(const struct doc_value *array, size_t index) {
    struct doc_value *value = array->first;
    while (value != NULL && index-- > 0)
        value = value->next;
    return value;
}

const char *doc_kind_name(enum doc_kind kind) {
    static const char *const NAMES[] = {"null",   "a truth value", "a number",
                                        "a text", "an array",      "an object"};
    return NAMES[kind];
}

const char *doc_describe(struct pool *pool, const struct doc_value *value) {
    switch (value->kind) {
    case DOC_STRING:
        return pool_format(pool, "the text \"%.60s\"", value->text);
    case DOC_NUMBER:
        return pool_format(pool, "the number %.40s", value->text);
    case DOC_BOOL:
        return value->boolean ? "true" : "false";
    case DOC_NULL:
    case DOC_ARRAY:
    case DOC_OBJECT:
        break;
    }
    return doc_kind_name(value->kind);
}

/* ---- changing the tree --------------------------------------------------------------------- */

void doc_substitute(struct pool *pool, struct doc_value *value, const struct doc_value *from) {
    value->kind = from->kind;
    value->boolean = from->boolean;
    value->number = from->number;
    value->text = from->text;
    value->source = from->source;
    value->offset = from->offset;
    value->first = value->last = NULL;
    value->count = 0;
    for (const struct doc_value *child = from->first; child != NULL; child = child->next) {
        struct doc_value *copy = pool_alloc(pool, sizeof *copy);
        copy->key = child->key;
        copy->key_source = child->key_source;
        copy->key_offset = child->key_offset;
        doc_substitute(pool, copy, child);
        append(value, copy);
    }
}

struct doc_value *doc_add_member(struct pool *pool, struct doc_value *object, const char *key,
                                 const struct doc_source *source, size_t offset) {
    struct doc_value *value = pool_alloc(pool, sizeof *value);
    value->text = "";
    value->key = key;
    value->source = value->key_source = source;
    value->offset = value->key_offset = offset;
    append(object, value);
    return value;
}

void doc_remove_member(struct doc_value *object, const char *key) {
    struct doc_value *before = NULL;
    for (struct doc_value *value = object->first; value != NULL;
         before = value, value = value->next) {
        if (strcmp(value->key, key) != 0)
            continue;
        if (before == NULL)
            object->first = value->next;
        else
            before->next = value->next;
        if (object->last == value)
            object->last = before;
        object->count--;
        return;
    }
}
