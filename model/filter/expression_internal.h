/* filter/expression_internal.h - tokens and nodes, between lexer, parser and evaluation. */
#ifndef MODEL_FILTER_EXPRESSION_INTERNAL_H
#define MODEL_FILTER_EXPRESSION_INTERNAL_H

#include "model/filter/expression.h"
#include "model/filter/java_number.h"

/* In the order of Apache's token kinds, which its messages list expected tokens in. */
enum token_kind {
    TOKEN_EOF,
    TOKEN_NOT,
    TOKEN_AND,
    TOKEN_OR,
    TOKEN_BETWEEN,
    TOKEN_IN,
    TOKEN_TRUE,
    TOKEN_FALSE,
    TOKEN_NULL,
    TOKEN_IS,
    TOKEN_CONTAINS, /* 5.3, as the next two */
    TOKEN_STARTSWITH,
    TOKEN_ENDSWITH,
    TOKEN_DECIMAL,
    TOKEN_FLOAT,
    TOKEN_STRING,
    TOKEN_ID,
    TOKEN_EQUAL,
    TOKEN_NOT_EQUAL,
    TOKEN_GREATER,
    TOKEN_GREATER_EQUAL,
    TOKEN_LESS,
    TOKEN_LESS_EQUAL,
    TOKEN_OPEN,
    TOKEN_COMMA,
    TOKEN_CLOSE,
    TOKEN_PLUS,
    TOKEN_MINUS,
    TOKEN_BAD, /* what begins there is none */
    TOKEN_KINDS
};
struct token {
    enum token_kind kind;
    struct span image; /* BAD: what was read before it went wrong */
    size_t at;         /* of its first byte; BAD: of the byte that went wrong */
};
/* The next token of `text` from *at on, which moves behind it. */
struct token token_next(struct span text, size_t *at, bool profile_5_3);
/* As in messages: "\"NOT\"", "<ID>". */
const char *token_image(enum token_kind kind);
/* Appends the message of the exception for a BAD token. */
void token_put_lexical_error(struct buf *out, struct span text, const struct token *token);
/* Appends " at line 1, column 4" of a byte. */
void token_put_place(struct buf *out, struct span text, size_t at);
/* Appends text as Java's generated parser escapes it. */
void token_put_escaped(struct buf *out, struct span text);

enum node_kind {
    NODE_PROPERTY,
    NODE_STRING, /* from here on constants */
    NODE_INT,
    NODE_LONG,
    NODE_DOUBLE,
    NODE_BOOL, /* from here on: what results in a boolean; NULL too */
    NODE_NULL,
    NODE_CAST, /* a property as condition */
    NODE_NOT,
    NODE_AND,
    NODE_OR,
    NODE_EQUAL,
    NODE_GREATER,
    NODE_GREATER_EQUAL,
    NODE_LESS,
    NODE_LESS_EQUAL,
    NODE_IN,
    NODE_CONTAINS,
    NODE_STARTSWITH,
    NODE_ENDSWITH,
    NODE_NEGATE /* a number */
};
static inline bool node_is_boolean(enum node_kind kind) {
    return kind >= NODE_BOOL && kind < NODE_NEGATE;
}
static inline bool node_is_constant(enum node_kind kind) {
    return kind >= NODE_STRING && kind <= NODE_NULL;
}
static inline bool node_is_number(enum node_kind kind) {
    return kind >= NODE_INT && kind <= NODE_DOUBLE;
}

#define NODE_NONE UINT32_MAX
struct node {
    uint8_t kind;
    uint8_t depth;
    bool negated;     /* NOT IN, NOT CONTAINS, ... */
    uint32_t a, b;    /* operands; AND, OR: first and last term; IN: property, first string */
    uint32_t next;    /* term or string of the same list */
    int64_t number;   /* INT, LONG; DOUBLE: as java_double; BOOL */
    struct span text; /* STRING: decoded; PROPERTY: name; numbers: as written; CONTAINS, ...: what
                         is looked for */
};
/* A property that the expression names, and its value in the message at hand. */
struct property {
    struct span name, value;
};
struct expression {
    struct env *env;
    uint32_t refs;
    uint32_t root;
    uint32_t property_count;
    struct node *nodes;
    struct property *properties;
    struct span text;  /* the copy behind all spans */
    uint8_t *strings;  /* decoded ones that are not the text's own */
    size_t string_len; /* used of them */
};

#endif
