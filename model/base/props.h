/* base/props.h - Java properties text: read, look up, change, write.
 *
 * Configuration of every node is one of these, under the keys that RocketMQ's operators know.
 * Grammar: '#'/'!' comments, '=', ':' or blank as separator, '\' escapes incl. \uXXXX and line
 * continuation. Iteration is in order of first appearance. Source: wire.md section 25.10. */
#ifndef MODEL_BASE_PROPS_H
#define MODEL_BASE_PROPS_H

#include "model/base/buf.h"

struct props_entry {
    struct span key;   /* owned by the props */
    struct span value; /* owned */
    uint32_t line;     /* of the text it was parsed from, 1-based; 0: set by a program */
};

struct props {
    struct env *env;
    struct props_entry *entries;
    size_t count;
    size_t capacity;
};

void props_init(struct props *props, struct env *env);
void props_deinit(struct props *props);
/* Adds or replaces. RMQ_E_NOMEM. */
int props_set(struct props *props, struct span key, struct span value);
/* The same with a line. */
int props_set_line(struct props *props, struct span key, struct span value, uint32_t line);
int props_set_text(struct props *props, const char *key, const char *value);
void props_remove(struct props *props, struct span key);
/* Absent span when missing. */
struct span props_get(const struct props *props, const char *key);
struct span props_get_span(const struct props *props, struct span key);
/* Typed look-ups: `fallback` when missing. A value that does not parse is RMQ_E_INVALID and leaves
 * *out at the fallback. Booleans: true/false. */
int props_get_i64(const struct props *props, const char *key, int64_t fallback, int64_t *out);
int props_get_bool(const struct props *props, const char *key, bool fallback, bool *out);
/* With their lines. */
int props_copy(struct props *to, const struct props *from);

/* Adds all entries of `text`, with their lines. RMQ_E_INVALID with *error_line (1-based) on a
 * broken escape. */
int props_parse(struct props *props, struct span text, size_t *error_line);
/* Appends "key=value\n" lines, escaped as Java's Properties reader needs. */
void props_write(const struct props *props, struct buf *out);

#endif
