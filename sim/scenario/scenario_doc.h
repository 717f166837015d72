/* sim/scenario/scenario_doc.h - a JSON document as a tree in which each value knows its place in
 * the file.
 *
 * cJSON keeps no positions, no exact large integers, and the last of two equal keys silently; a
 * scenario must report all three, so the tree is our own, over model/base/json in strict mode.
 * Values live in a pool and point into the source's text, which outlives them. */
#ifndef SIM_SCENARIO_DOC_H
#define SIM_SCENARIO_DOC_H

#include <stdint.h>
#include <stdio.h>

#include "sim/scenario/pool.h"
#include "sim/scenario/scenario_error.h"

enum doc_kind { DOC_NULL, DOC_BOOL, DOC_NUMBER, DOC_STRING, DOC_ARRAY, DOC_OBJECT };

struct doc_value {
    enum doc_kind kind;
    bool boolean;
    int64_t number;   /* of a whole number within +-2^53 */
    const char *text; /* STRING: decoded; NUMBER: as written; NUL-terminated */
    const char *key;  /* in an object; NULL otherwise */
    const struct doc_source *source;
    size_t offset;                       /* of the value's first byte */
    const struct doc_source *key_source; /* differs from `source` after a substitution */
    size_t key_offset;
    struct doc_value *parent, *first, *last, *next;
    size_t count; /* members of an object or array */
};

#define DOC_NUMBER_MAX ((int64_t)1 << 53)
#define DOC_MEMBERS_MAX 4096
#define DOC_ITEMS_MAX 65536 /* one for each node of the largest cluster */
#define DOC_DEPTH_MAX 24

/* Parses all of `source`. Reports syntax errors, duplicate keys, fractions, numbers beyond 2^53.
 * NULL when there is no usable tree. */
struct doc_value *doc_parse(struct pool *pool, const struct doc_source *source,
                            struct scenario_errors *errors);
/* Member of an object, or NULL. */
struct doc_value *doc_member(const struct doc_value *object, const char *key);
struct doc_value *doc_item(const struct doc_value *array, size_t index);
/* "an object", "the text \"x\"", for messages; static or in the pool. */
const char *doc_describe(struct pool *pool, const struct doc_value *value);
const char *doc_kind_name(enum doc_kind kind); /* with its article */
/* An error at the value, or at its key. */
#define doc_error(errors, value, ...) \
    scenario_error((errors), (value)->source, (value)->offset, __VA_ARGS__)
#define doc_key_error(errors, value, ...) \
    scenario_error((errors), (value)->key_source, (value)->key_offset, __VA_ARGS__)

/* Makes `value` a copy of `from`, keeping its own key and place among its siblings. */
void doc_substitute(struct pool *pool, struct doc_value *value, const struct doc_value *from);
/* Appends a new null member to an object; its key is placed at `offset` of `source`. */
struct doc_value *doc_add_member(struct pool *pool, struct doc_value *object, const char *key,
                                 const struct doc_source *source, size_t offset);
void doc_remove_member(struct doc_value *object, const char *key);

/* Replacement of a value on the way out: raw JSON text. */
struct doc_replacement {
    const struct doc_value *value;
    const char *json;
};
/* Writes the document, two blanks deep per level, a short array or object on one line. */
void doc_write(FILE *out, const struct doc_value *value, const struct doc_replacement *replacements,
               size_t count);
/* The value on one line, in the pool. */
const char *doc_flat(struct pool *pool, const struct doc_value *value);
/* A JSON string with its quotes. */
void doc_write_text(FILE *out, const char *text);

#endif
