/* mqadmin/tree.h - a JSON body as a tree in an arena.
 *
 * The model's decoders call a function per element, which suits a node; the tool shows most of what
 * came, in whatever shape either release sends it, and wants it at hand. fastjson's dialect is read
 * (model/base/json.h): bare numeric keys, and objects as keys. */
#ifndef REAL_MQADMIN_TREE_H
#define REAL_MQADMIN_TREE_H

#include "model/base/json.h"
#include "real/mqadmin/arena.h"

struct tree {
    enum json_token kind; /* JSON_OBJECT_BEGIN, JSON_ARRAY_BEGIN, _STRING, _NUMBER, _TRUE, _FALSE,
                             _NULL */
    const char *text;     /* of a string or number, else NULL */
    const char *key;      /* of an object's member; NULL with an object as key */
    struct tree *key_object;
    struct tree *first; /* children, in order */
    struct tree *next;  /* sibling */
};

/* RMQ_E_INVALID, RMQ_E_LIMIT with *offset and *expected (static text). */
int tree_parse(struct arena *arena, struct env *env, struct span text, struct tree **out,
               size_t *offset, const char **expected) RMQ_CHECK_RESULT;

/* Each takes NULL for a missing node. A member of an object (the last one of that name), or NULL:
 * also where it is null. */
struct tree *tree_get(const struct tree *object, const char *key);
size_t tree_count(const struct tree *node);
/* Text of a member, a number's digits, "true" or "false"; `fallback` when missing or null. */
const char *tree_text(const struct tree *object, const char *key, const char *fallback);
/* A number, or a string that holds one. */
int64_t tree_number(const struct tree *object, const char *key, int64_t fallback);
double tree_double(const struct tree *object, const char *key);
bool tree_bool(const struct tree *object, const char *key);
/* Writes the node as it was read; objects as keys become their text (standard JSON has none). */
void tree_write(const struct tree *node, struct json_writer *writer);

#endif
