/* filter/expression_eval.c - whether a message is wanted. Three-valued, with errors as a fourth
 * value that ends it; evaluated in Apache's order, so that the same operands decide.
 * Source: evaluate() of the classes in filter/expression, ComparisonExpression.__compare. */
#include "model/base/check.h"
#include "model/filter/expression_internal.h"
#include "model/wire/message.h"

enum value_type { VALUE_NULL, VALUE_BOOL, VALUE_STRING, VALUE_INT, VALUE_LONG, VALUE_DOUBLE };
struct value {
    enum value_type type;
    int64_t number; /* BOOL: 0, 1; DOUBLE: java_double */
    struct span text;
};

static const struct node *node_of(const struct expression *expression, uint32_t index) {
    return expression->nodes + index;
}

/* ---- comparing ------------------------------------------------------------------------------- */

static bool ignoring_case(struct span text, const char *word) {
    size_t i = 0;
    for (; i < text.len && word[i] != 0; i++) {
        if ((text.data[i] | 0x20) != (uint8_t)word[i])
            return false;
    }
    return i == text.len && word[i] == 0;
}

/* A property's text as what it is compared with. False: it is none. */
static bool convert(struct span text, enum value_type type, int64_t *out) {
    switch (type) {
    case VALUE_BOOL:
        *out = ignoring_case(text, "true");
        return true;
    case VALUE_INT:
        return java_int_parse(text, out) == RMQ_OK;
    case VALUE_LONG:
        return java_long_parse(text, out) == RMQ_OK;
    default:
        return java_double_parse(text, out) == RMQ_OK;
    }
}

static int order(int64_t a, int64_t b) {
    return a < b ? -1 : a > b;
}

/* Two values that are not null: *out < 0, 0, > 0. False: error. */
static bool compare(const struct value *left, const struct value *right, int *out) {
    int64_t a = left->number, b = right->number;
    enum value_type type = left->type, other = right->type;
    *out = -1;
    if (type == VALUE_STRING && other == VALUE_STRING) {
        *out = span_compare(left->text, right->text);
        return true;
    }
    if (type == VALUE_BOOL && other == VALUE_STRING)
        return false; /* Java casts it, and cannot */
    if (type == VALUE_STRING) {
        if (!convert(left->text, other, &a))
            return false;
    } else if (other == VALUE_STRING) {
        if (!convert(right->text, type, &b))
            return false;
    } else if ((type == VALUE_BOOL) != (other == VALUE_BOOL)) {
        return true; /* never equal, and less */
    } else if (type == VALUE_DOUBLE || other == VALUE_DOUBLE) {
        a = type == VALUE_DOUBLE ? a : java_double_of(a);
        b = other == VALUE_DOUBLE ? b : java_double_of(b);
    }
    *out = order(a, b);
    return true;
}

static struct value value_of_bool(bool value) {
    return (struct value){.type = VALUE_BOOL, .number = value};
}

static bool evaluate(const struct expression *expression, const struct node *node,
                     struct value *out);

static bool evaluate_equal(const struct expression *expression, const struct node *node,
                           struct value *out) {
    struct value left, right;
    int result;
    if (!evaluate(expression, node_of(expression, node->a), &left) ||
        !evaluate(expression, node_of(expression, node->b), &right))
        return false;
    if (left.type == VALUE_NULL || right.type == VALUE_NULL) {
        bool both = left.type == right.type;
        *out = left.type == VALUE_NULL && !both ? (struct value){.type = VALUE_NULL}
                                                : value_of_bool(both);
        return true;
    }
    if (!compare(&left, &right, &result))
        return false;
    *out = value_of_bool(result == 0);
    return true;
}

static bool evaluate_order(const struct expression *expression, const struct node *node,
                           struct value *out) {
    struct value left, right;
    int result;
    if (!evaluate(expression, node_of(expression, node->a), &left))
        return false;
    *out = (struct value){.type = VALUE_NULL};
    if (left.type == VALUE_NULL)
        return true;
    if (!evaluate(expression, node_of(expression, node->b), &right))
        return false;
    if (right.type == VALUE_NULL)
        return true;
    if (left.type == VALUE_STRING && right.type == VALUE_STRING) { /* as doubles */
        if (!convert(left.text, VALUE_DOUBLE, &left.number) ||
            !convert(right.text, VALUE_DOUBLE, &right.number))
            return false;
        left.type = right.type = VALUE_DOUBLE;
    }
    if (!compare(&left, &right, &result))
        return false;
    switch ((enum node_kind)node->kind) {
    case NODE_GREATER:
        *out = value_of_bool(result > 0);
        break;
    case NODE_GREATER_EQUAL:
        *out = value_of_bool(result >= 0);
        break;
    case NODE_LESS:
        *out = value_of_bool(result < 0);
        break;
    default:
        *out = value_of_bool(result <= 0);
        break;
    }
    return true;
}

/* ---- the rest -------------------------------------------------------------------------------- */

/* AND: the first false decides; OR: the first true. */
static bool evaluate_terms(const struct expression *expression, const struct node *node,
                           struct value *out) {
    int64_t decides = node->kind == NODE_OR;
    bool unknown = false;
    for (uint32_t at = node->a; at != NODE_NONE; at = node_of(expression, at)->next) {
        struct value value;
        if (!evaluate(expression, node_of(expression, at), &value))
            return false;
        if (value.type == VALUE_NULL) {
            unknown = true;
        } else if (value.number == decides) {
            *out = value;
            return true;
        }
    }
    *out = unknown ? (struct value){.type = VALUE_NULL} : value_of_bool(decides == 0);
    return true;
}

static struct value evaluate_in(const struct expression *expression, const struct node *node) {
    struct span value = expression->properties[node_of(expression, node->a)->a].value;
    bool found = false;
    if (span_is_absent(value))
        return (struct value){.type = VALUE_NULL};
    for (uint32_t at = node->b; at != NODE_NONE && !found; at = node_of(expression, at)->next)
        found = span_equal(value, node_of(expression, at)->text);
    return value_of_bool(found != node->negated);
}

static bool has(enum node_kind kind, struct span text, struct span part) {
    size_t last = text.len - part.len;
    if (part.len > text.len)
        return false;
    for (size_t i = kind == NODE_ENDSWITH ? last : 0; i <= (kind == NODE_STARTSWITH ? 0 : last);
         i++) {
        if (memcmp(text.data + i, part.data, part.len) == 0)
            return true;
    }
    return false;
}

/* 5.3: a missing property, and an empty text, give false whether negated or not. */
static bool evaluate_contains(const struct expression *expression, const struct node *node,
                              struct value *out) {
    struct value value;
    *out = value_of_bool(false);
    if (node->text.len == 0)
        return true;
    if (!evaluate(expression, node_of(expression, node->a), &value))
        return false;
    if (value.type == VALUE_STRING)
        *out =
            value_of_bool(has((enum node_kind)node->kind, value.text, node->text) != node->negated);
    return true;
}

static struct value negate(struct value value) {
    switch (value.type) {
    case VALUE_INT:
        value.number = (int32_t)(0 - (uint32_t)value.number);
        return value;
    case VALUE_LONG:
        value.number = (int64_t)(0 - (uint64_t)value.number);
        return value;
    case VALUE_DOUBLE:
        value.number = java_double_negate(value.number);
        return value;
    default:
        return (struct value){.type = VALUE_NULL};
    }
}

/* False: error. */
static bool evaluate(const struct expression *expression, const struct node *node,
                     struct value *out) {
    static const uint8_t CONSTANTS[] = {
        [NODE_STRING] = VALUE_STRING, [NODE_INT] = VALUE_INT,   [NODE_LONG] = VALUE_LONG,
        [NODE_DOUBLE] = VALUE_DOUBLE, [NODE_BOOL] = VALUE_BOOL, [NODE_NULL] = VALUE_NULL};
    switch ((enum node_kind)node->kind) {
    case NODE_PROPERTY:
        out->text = expression->properties[node->a].value;
        out->type = span_is_absent(out->text) ? VALUE_NULL : VALUE_STRING;
        return true;
    case NODE_STRING:
    case NODE_INT:
    case NODE_LONG:
    case NODE_DOUBLE:
    case NODE_BOOL:
    case NODE_NULL:
        *out = (struct value){(enum value_type)CONSTANTS[node->kind], node->number, node->text};
        return true;
    case NODE_EQUAL:
        return evaluate_equal(expression, node, out);
    case NODE_GREATER:
    case NODE_GREATER_EQUAL:
    case NODE_LESS:
    case NODE_LESS_EQUAL:
        return evaluate_order(expression, node, out);
    case NODE_AND:
    case NODE_OR:
        return evaluate_terms(expression, node, out);
    case NODE_IN:
        *out = evaluate_in(expression, node);
        return true;
    case NODE_CONTAINS:
    case NODE_STARTSWITH:
    case NODE_ENDSWITH:
        return evaluate_contains(expression, node, out);
    case NODE_CAST:
    case NODE_NOT:
    case NODE_NEGATE:
        break;
    }
    if (!evaluate(expression, node_of(expression, node->a), out))
        return false;
    if (node->kind == NODE_NEGATE)
        *out = negate(*out);
    else if (node->kind == NODE_NOT && out->type == VALUE_BOOL)
        out->number = out->number == 0;
    else if (node->kind == NODE_CAST && out->type != VALUE_NULL)
        *out = value_of_bool(false); /* a text is not Boolean.TRUE */
    return true;
}

/* Values of the properties that the expression names; the last one of a name wins. */
static void bind(struct expression *expression, struct span properties) {
    struct span name, value;
    for (uint32_t i = 0; i < expression->property_count; i++)
        expression->properties[i].value = SPAN_NONE;
    while (message_property_next(&properties, &name, &value)) {
        for (uint32_t i = 0; i < expression->property_count; i++) {
            struct property *property = &expression->properties[i];
            if (property->name.len == name.len &&
                bytes_equal(property->name.data, name.data, name.len)) {
                property->value = value;
                break;
            }
        }
    }
}

enum expression_result expression_evaluate(struct expression *expression, struct span properties) {
    struct value value;
    bind(expression, properties);
    if (!evaluate(expression, node_of(expression, expression->root), &value))
        return EXPRESSION_ERROR;
    RMQ_ASSERT(value.type <= VALUE_BOOL); /* the root is boolean */
    return value.type == VALUE_NULL ? EXPRESSION_NULL
           : value.number != 0      ? EXPRESSION_TRUE
                                    : EXPRESSION_FALSE;
}
