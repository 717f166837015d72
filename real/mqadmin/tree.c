/* mqadmin/tree.c - see tree.h. The reader bounds depth (64) and so the recursion here. */
#include "real/mqadmin/tree.h"

#include <stdlib.h>

struct parse {
    struct arena *arena;
    struct json_reader reader;
    struct buf scratch;
    int err; /* of a text that does not decode */
};

static const char *token_text(struct parse *parse) {
    struct span text;
    int err = json_text(&parse->reader, &parse->scratch, &text);
    if (err != RMQ_OK) {
        parse->err = err;
        return "";
    }
    return arena_text(parse->arena, text);
}

static struct tree *parse_value(struct parse *parse);

static bool parse_member(struct parse *parse, struct tree ***tail) {
    struct tree *key_object = NULL, *member;
    const char *key = NULL;
    if (parse->reader.token == JSON_KEY_OBJECT) {
        key_object = parse_value(parse);
        if (key_object == NULL)
            return false;
    } else {
        key = token_text(parse);
    }
    json_next(&parse->reader);
    member = parse_value(parse);
    if (member == NULL)
        return false;
    member->key = key;
    member->key_object = key_object;
    **tail = member;
    *tail = &member->next;
    return true;
}

static bool parse_children(struct parse *parse, struct tree *node) {
    struct tree **tail = &node->first;
    bool object = node->kind == JSON_OBJECT_BEGIN;
    for (;;) {
        enum json_token token = json_next(&parse->reader);
        if (token == (object ? JSON_OBJECT_END : JSON_ARRAY_END))
            return true;
        if (token == JSON_ERROR)
            return false;
        if (object) {
            if (!parse_member(parse, &tail))
                return false;
            continue;
        }
        struct tree *child = parse_value(parse);
        if (child == NULL)
            return false;
        *tail = child;
        tail = &child->next;
    }
}

/* The value that the current token begins; NULL after an error. */
static struct tree *parse_value(struct parse *parse) {
    struct tree *node = arena_alloc(parse->arena, sizeof(*node));
    node->kind = parse->reader.token;
    switch (node->kind) {
    case JSON_KEY_OBJECT:
        node->kind = JSON_OBJECT_BEGIN;
        return parse_children(parse, node) ? node : NULL;
    case JSON_OBJECT_BEGIN:
    case JSON_ARRAY_BEGIN:
        return parse_children(parse, node) ? node : NULL;
    case JSON_STRING:
        node->text = token_text(parse);
        return node;
    case JSON_NUMBER:
        node->text = arena_text(parse->arena, parse->reader.raw);
        return node;
    case JSON_TRUE:
    case JSON_FALSE:
    case JSON_NULL:
        return node;
    default:
        return NULL;
    }
}

int tree_parse(struct arena *arena, struct env *env, struct span text, struct tree **out,
               size_t *offset, const char **expected) {
    struct parse parse = {.arena = arena};
    int err = RMQ_OK;
    json_reader_init(&parse.reader, text);
    buf_init(&parse.scratch, env);
    json_next(&parse.reader);
    struct tree *root = parse_value(&parse);
    if (root != NULL && json_next(&parse.reader) != JSON_END)
        root = NULL;
    if (root == NULL || parse.err != RMQ_OK) {
        bool syntax = parse.reader.token == JSON_ERROR;
        err = syntax ? parse.reader.error : parse.err != RMQ_OK ? parse.err : RMQ_E_INVALID;
        *offset = parse.reader.token_offset;
        *expected = syntax ? parse.reader.expected : "a value";
    } else {
        *out = root;
    }
    buf_deinit(&parse.scratch);
    return err;
}

struct tree *tree_get(const struct tree *object, const char *key) {
    struct tree *found = NULL;
    for (struct tree *at = object == NULL ? NULL : object->first; at != NULL; at = at->next) {
        if (at->key != NULL && strcmp(at->key, key) == 0)
            found = at;
    }
    return found == NULL || found->kind == JSON_NULL ? NULL : found;
}

size_t tree_count(const struct tree *node) {
    size_t count = 0;
    for (const struct tree *at = node == NULL ? NULL : node->first; at != NULL; at = at->next) {
        count++;
    }
    return count;
}

const char *tree_text(const struct tree *object, const char *key, const char *fallback) {
    const struct tree *node = tree_get(object, key);
    if (node == NULL)
        return fallback;
    if (node->kind == JSON_TRUE || node->kind == JSON_FALSE)
        return node->kind == JSON_TRUE ? "true" : "false";
    return node->text == NULL ? fallback : node->text;
}

int64_t tree_number(const struct tree *object, const char *key, int64_t fallback) {
    const char *text = tree_text(object, key, NULL);
    int64_t value;
    return span_to_i64(span_of_text(text), &value) == RMQ_OK ? value : fallback;
}

double tree_double(const struct tree *object, const char *key) {
    return strtod(tree_text(object, key, "0"), NULL);
}

bool tree_bool(const struct tree *object, const char *key) {
    return strcmp(tree_text(object, key, "false"), "true") == 0;
}

static void write_key(const struct tree *member, struct json_writer *writer) {
    if (member->key_object == NULL) {
        json_key_text(writer, member->key);
        return;
    }
    struct buf key;
    struct json_writer inner;
    buf_init(&key, writer->out->env);
    json_writer_init(&inner, &key, JSON_STYLE_STANDARD);
    tree_write(member->key_object, &inner);
    json_key(writer, buf_span(&key));
    buf_deinit(&key);
}

void tree_write(const struct tree *node, struct json_writer *writer) {
    switch (node == NULL ? JSON_NULL : node->kind) {
    case JSON_OBJECT_BEGIN:
        json_object_begin(writer);
        for (const struct tree *at = node->first; at != NULL; at = at->next) {
            write_key(at, writer);
            tree_write(at, writer);
        }
        json_object_end(writer);
        break;
    case JSON_ARRAY_BEGIN:
        json_array_begin(writer);
        for (const struct tree *at = node->first; at != NULL; at = at->next) {
            tree_write(at, writer);
        }
        json_array_end(writer);
        break;
    case JSON_STRING:
        json_string_text(writer, node->text);
        break;
    case JSON_NUMBER:
        json_raw(writer, span_of_text(node->text));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        json_bool(writer, node->kind == JSON_TRUE);
        break;
    default:
        json_null(writer);
    }
}
