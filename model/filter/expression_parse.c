/* filter/expression_parse.c - text to nodes: recursive descent, as Apache's generated parser does.
 *
 * It stops behind the first whole expression; what follows is ignored unless it begins no token.
 * Source: SelectorParser.java, ComparisonExpression.java, UnaryExpression.java,
 * ConstantExpression.java of 4.9.8 and 5.3.3. */
#include "model/base/check.h"
#include "model/env.h"
#include "model/filter/expression_internal.h"

#define SET(kind) (UINT32_C(1) << TOKEN_##kind)
#define LITERALS (SET(TRUE) | SET(FALSE) | SET(NULL) | SET(DECIMAL) | SET(FLOAT) | SET(STRING))
#define ORDERS (SET(GREATER) | SET(GREATER_EQUAL) | SET(LESS) | SET(LESS_EQUAL))
#define WORDS_5_3 (SET(CONTAINS) | SET(STARTSWITH) | SET(ENDSWITH))
#define RUNTIME "java.lang.RuntimeException: "

struct parser {
    struct expression *made;
    struct buf nodes; /* struct node */
    struct buf properties;
    struct buf *why; /* NULL: nobody asks */
    struct span text;
    size_t at;
    struct token token; /* the next one, when `peeked` */
    bool peeked;
    bool profile_5_3;
    uint32_t expected; /* tokens that could stand here, of choices that fell through */
    uint32_t calls;    /* depth of the recursion */
    int err;
};

static uint32_t parse_or(struct parser *parser);
static uint32_t parse_unary(struct parser *parser);

static struct node *node_of(const struct parser *parser, uint32_t index) {
    return (struct node *)(void *)parser->nodes.data + index;
}

/* ---- errors ---------------------------------------------------------------------------------- */

/* Whether the caller may say why; the first error counts. */
static bool fail(struct parser *parser, int err) {
    if (parser->err != RMQ_OK)
        return false;
    parser->err = err;
    return parser->why != NULL;
}

static void put(struct parser *parser, struct span text) {
    buf_put_span(parser->why, text);
}

static void put_text(struct parser *parser, const char *text) {
    buf_put_text(parser->why, text);
}

static void put_node(struct parser *parser, uint32_t index);

static void put_quoted(struct parser *parser, struct span text) {
    put_text(parser, "'");
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '\'')
            put_text(parser, "'");
        buf_put_u8(parser->why, text.data[i]);
    }
    put_text(parser, "'");
}

static void put_pair(struct parser *parser, uint32_t a, const char *sign, uint32_t b) {
    put_text(parser, "(");
    put_node(parser, a);
    put_text(parser, sign);
    put_node(parser, b);
    put_text(parser, ")");
}

/* ((a && b) && c) */
static void put_terms(struct parser *parser, const struct node *node, const char *sign) {
    const struct node *first = node_of(parser, node->a);
    for (uint32_t term = first->next; term != NODE_NONE; term = node_of(parser, term)->next)
        put_text(parser, "(");
    put_node(parser, node->a);
    for (uint32_t term = first->next; term != NODE_NONE; term = node_of(parser, term)->next) {
        put_text(parser, sign);
        put_node(parser, term);
        put_text(parser, ")");
    }
}

static void put_list(struct parser *parser, const struct node *node) {
    put_node(parser, node->a);
    put_text(parser, node->negated ? " NOT IN ( " : " IN ( ");
    for (uint32_t item = node->b; item != NODE_NONE; item = node_of(parser, item)->next) {
        put(parser, node_of(parser, item)->text);
        put_text(parser, node_of(parser, item)->next == NODE_NONE ? "" : ", ");
    }
    put_text(parser, " )");
}

static void put_prefixed(struct parser *parser, const char *sign, uint32_t operand) {
    put_text(parser, sign);
    put_node(parser, operand);
    put_text(parser, ")");
}

/* As toString. Differs: numbers as they were written. */
static void put_node(struct parser *parser, uint32_t index) {
    const struct node *node = node_of(parser, index);
    static const char *const SIGNS[] = {[NODE_EQUAL] = " == ",
                                        [NODE_GREATER] = " > ",
                                        [NODE_GREATER_EQUAL] = " >= ",
                                        [NODE_LESS] = " < ",
                                        [NODE_LESS_EQUAL] = " <= "};
    static const char *const WORDS[][2] = {{"(CONTAINS ", "(NOT CONTAINS "},
                                           {"(STARTSWITH ", "(NOT STARTSWITH "},
                                           {"(ENDSWITH ", "(NOT ENDSWITH "}};
    switch ((enum node_kind)node->kind) {
    case NODE_PROPERTY:
    case NODE_INT:
    case NODE_LONG:
    case NODE_DOUBLE:
        put(parser, node->text);
        break;
    case NODE_STRING:
        put_quoted(parser, node->text);
        break;
    case NODE_BOOL:
        put_text(parser, node->number != 0 ? "TRUE" : "FALSE");
        break;
    case NODE_NULL:
        put_text(parser, "NULL");
        break;
    case NODE_CAST:
        put_node(parser, node->a);
        break;
    case NODE_NOT:
        put_prefixed(parser, "(NOT ", node->a);
        break;
    case NODE_NEGATE:
        put_prefixed(parser, "(- ", node->a);
        break;
    case NODE_AND:
        put_terms(parser, node, " && ");
        break;
    case NODE_OR:
        put_terms(parser, node, " || ");
        break;
    case NODE_IN:
        put_list(parser, node);
        break;
    case NODE_CONTAINS:
    case NODE_STARTSWITH:
    case NODE_ENDSWITH:
        put_prefixed(parser, WORDS[node->kind - NODE_CONTAINS][node->negated], node->a);
        break;
    case NODE_EQUAL:
    case NODE_GREATER:
    case NODE_GREATER_EQUAL:
    case NODE_LESS:
    case NODE_LESS_EQUAL:
        put_pair(parser, node->a, SIGNS[node->kind], node->b);
        break;
    }
}

static void put_encountered(struct parser *parser) {
    const struct token *token = &parser->token;
    put_text(parser, "org.apache.rocketmq.filter.parser.ParseException: Encountered \"");
    if (token->kind != TOKEN_EOF)
        put_text(parser, " ");
    put_text(parser, token_image(token->kind));
    if (token->kind != TOKEN_EOF) {
        put_text(parser, " \"");
        token_put_escaped(parser->why, token->image);
        put_text(parser, " \"");
    }
    put_text(parser, "\"");
    token_put_place(parser->why, parser->text, token->at);
    put_text(parser, ".\n");
}

/* The next token cannot stand here; one of parser->expected could. */
static void fail_syntax(struct parser *parser) {
    if (!fail(parser, RMQ_E_INVALID))
        return;
    put_encountered(parser);
    bool one = (parser->expected & (parser->expected - 1)) == 0;
    put_text(parser, one ? "Was expecting:\n    " : "Was expecting one of:\n    ");
    for (unsigned kind = 1; kind < TOKEN_BAD; kind++) {
        if ((parser->expected >> kind & 1) == 0)
            continue;
        put_text(parser, token_image((enum token_kind)kind));
        put_text(parser, " ...\n    ");
    }
}

static void fail_limit(struct parser *parser, const char *what) {
    if (fail(parser, RMQ_E_LIMIT))
        put_text(parser, what);
}

/* ---- tokens ---------------------------------------------------------------------------------- */

static enum token_kind peek(struct parser *parser) {
    if (!parser->peeked) {
        parser->token = token_next(parser->text, &parser->at, parser->profile_5_3);
        parser->peeked = true;
        if (parser->token.kind == TOKEN_BAD && fail(parser, RMQ_E_INVALID))
            token_put_lexical_error(parser->why, parser->text, &parser->token);
    }
    return parser->err != RMQ_OK ? TOKEN_BAD : parser->token.kind;
}

static void consume(struct parser *parser) {
    RMQ_ASSERT(parser->peeked);
    parser->peeked = false;
    parser->expected = 0;
}

/* The next token, if it is one of `set`; else it is noted what could stand here. */
static bool choose(struct parser *parser, uint32_t set, enum token_kind *kind) {
    *kind = peek(parser);
    if (*kind != TOKEN_BAD && (set >> *kind & 1) != 0)
        return true;
    parser->expected |= set;
    return false;
}

static bool take(struct parser *parser, enum token_kind kind) {
    enum token_kind found;
    if (choose(parser, UINT32_C(1) << kind, &found)) {
        consume(parser);
        return true;
    }
    fail_syntax(parser);
    return false;
}

/* ---- nodes ----------------------------------------------------------------------------------- */

static uint32_t add(struct parser *parser, struct node node) {
    if (parser->err != RMQ_OK)
        return 0;
    uint32_t index = (uint32_t)(parser->nodes.len / sizeof node);
    buf_put(&parser->nodes, &node, sizeof node);
    if (buf_failed(&parser->nodes)) {
        fail(parser, RMQ_E_NOMEM);
        return 0;
    }
    return index;
}

/* With operands, which count for its depth. */
static uint32_t add_over(struct parser *parser, enum node_kind kind, uint32_t a, uint32_t b) {
    if (parser->err != RMQ_OK)
        return 0;
    unsigned depth = node_of(parser, a)->depth, other = node_of(parser, b)->depth;
    depth = 1 + (other > depth ? other : depth);
    if (depth > EXPRESSION_DEPTH_MAX)
        fail_limit(parser, "the expression is nested too deep");
    return add(
        parser,
        (struct node){
            .kind = (uint8_t)kind, .depth = (uint8_t)depth, .a = a, .b = b, .next = NODE_NONE});
}

static uint32_t add_property(struct parser *parser, struct span name) {
    struct property *known = (struct property *)(void *)parser->properties.data;
    uint32_t count = (uint32_t)(parser->properties.len / sizeof *known), slot = 0;
    while (slot < count && !span_equal(known[slot].name, name))
        slot++;
    if (slot == count) {
        const struct property property = {.name = name};
        buf_put(&parser->properties, &property, sizeof property);
        if (buf_failed(&parser->properties))
            fail(parser, RMQ_E_NOMEM);
    }
    return add(parser,
               (struct node){.kind = NODE_PROPERTY, .a = slot, .next = NODE_NONE, .text = name});
}

/* A property counts as a condition, what is not boolean does not. */
static uint32_t as_boolean(struct parser *parser, uint32_t index) {
    if (parser->err != RMQ_OK)
        return 0;
    enum node_kind kind = (enum node_kind)node_of(parser, index)->kind;
    if (kind == NODE_PROPERTY)
        return add_over(parser, NODE_CAST, index, index);
    if (!node_is_boolean(kind) && fail(parser, RMQ_E_INVALID)) {
        put_text(parser, "org.apache.rocketmq.filter.parser.ParseException: Expression will not "
                         "result in a boolean value: ");
        put_node(parser, index);
    }
    return index;
}

/* left AND right, left OR right: another term when left is one already. */
static uint32_t add_logic(struct parser *parser, enum node_kind kind, uint32_t left,
                          uint32_t right) {
    left = as_boolean(parser, left);
    right = as_boolean(parser, right);
    if (parser->err != RMQ_OK)
        return 0;
    uint32_t index = left;
    if (node_of(parser, left)->kind != kind)
        index = add_over(parser, kind, left, left);
    else if (node_of(parser, right)->depth >= node_of(parser, left)->depth)
        node_of(parser, left)->depth = (uint8_t)(node_of(parser, right)->depth + 1);
    if (parser->err == RMQ_OK && node_of(parser, index)->depth <= node_of(parser, right)->depth)
        node_of(parser, index)->depth = (uint8_t)(node_of(parser, right)->depth + 1);
    if (parser->err == RMQ_OK && node_of(parser, index)->depth > EXPRESSION_DEPTH_MAX)
        fail_limit(parser, "the expression is nested too deep");
    if (parser->err != RMQ_OK)
        return 0;
    struct node *node = node_of(parser, index);
    node_of(parser, node->b)->next = right;
    node->b = right;
    return index;
}

static void check_ordered(struct parser *parser, uint32_t index) {
    if (parser->err != RMQ_OK)
        return;
    enum node_kind kind = (enum node_kind)node_of(parser, index)->kind;
    bool bad = (node_is_constant(kind) && !node_is_number(kind)) || node_is_boolean(kind);
    if (!bad || !fail(parser, RMQ_E_INVALID))
        return;
    put_text(parser, RUNTIME "Value '");
    put_node(parser, index);
    put_text(parser, "' cannot be compared.");
}

static uint32_t add_ordered(struct parser *parser, enum node_kind kind, uint32_t left,
                            uint32_t right) {
    check_ordered(parser, left);
    check_ordered(parser, right);
    return add_over(parser, kind, left, right);
}

static void check_equal(struct parser *parser, uint32_t index) {
    if (parser->err != RMQ_OK || node_of(parser, index)->kind != NODE_NULL ||
        !fail(parser, RMQ_E_INVALID))
        return;
    put_text(parser, RUNTIME "'NULL' cannot be compared.");
}

static uint32_t add_equal(struct parser *parser, uint32_t left, uint32_t right) {
    check_equal(parser, left);
    check_equal(parser, right);
    if (parser->err != RMQ_OK)
        return 0;
    enum node_kind a = (enum node_kind)node_of(parser, left)->kind;
    enum node_kind b = (enum node_kind)node_of(parser, right)->kind;
    if (a == NODE_BOOL && node_is_constant(b) && b != NODE_BOOL && fail(parser, RMQ_E_INVALID)) {
        put_text(parser, RUNTIME "'");
        put_node(parser, left);
        put_text(parser, "' cannot be compared with '");
        put_node(parser, right);
        put_text(parser, "'");
    }
    return add_over(parser, NODE_EQUAL, left, right);
}

/* Two numbers: -1, 0, 1. */
static int compare_numbers(const struct node *a, const struct node *b) {
    int64_t x = a->number, y = b->number;
    if (a->kind == NODE_DOUBLE || b->kind == NODE_DOUBLE) {
        x = a->kind == NODE_DOUBLE ? x : java_double_of(x);
        y = b->kind == NODE_DOUBLE ? y : java_double_of(y);
    }
    return x < y ? -1 : x > y;
}

static void check_bounds(struct parser *parser, uint32_t low, uint32_t high) {
    if (parser->err != RMQ_OK)
        return;
    const struct node *a = node_of(parser, low), *b = node_of(parser, high);
    if (!node_is_constant((enum node_kind)a->kind) || !node_is_constant((enum node_kind)b->kind))
        return;
    if (a->kind == NODE_NULL || b->kind == NODE_NULL) {
        if (fail(parser, RMQ_E_INVALID))
            put_text(parser, RUNTIME "Illegal values of between, values can not be null!");
    } else if (node_is_number((enum node_kind)a->kind) && node_is_number((enum node_kind)b->kind) &&
               compare_numbers(b, a) < 0 && fail(parser, RMQ_E_INVALID)) {
        put_text(parser, RUNTIME "Illegal values of between, left value(");
        put_node(parser, low);
        put_text(parser, ") must less than or equal to right value(");
        put_node(parser, high);
        put_text(parser, ")");
    }
}

/* ---- literals -------------------------------------------------------------------------------- */

static uint32_t parse_decimal(struct parser *parser, struct span image) {
    struct node node = {.kind = NODE_LONG, .next = NODE_NONE, .text = image};
    if ((image.data[image.len - 1] | 0x20) == 'l')
        node.text.len--;
    if (java_long_parse(node.text, &node.number) != RMQ_OK) {
        if (fail(parser, RMQ_E_INVALID)) {
            put_text(parser, "java.lang.NumberFormatException: For input string: \"");
            put(parser, node.text);
            put_text(parser, "\"");
        }
        return 0;
    }
    if (node.number <= INT32_MAX)
        node.kind = NODE_INT;
    return add(parser, node);
}

static uint32_t parse_float(struct parser *parser, struct span image) {
    struct node node = {.kind = NODE_DOUBLE, .next = NODE_NONE, .text = image};
    int err = java_double_parse(image, &node.number);
    RMQ_ASSERT(err == RMQ_OK); /* a token */
    bool small = node.number == JAVA_DOUBLE_ZERO;
    if (small || node.number == JAVA_DOUBLE_INFINITY) {
        if (fail(parser, RMQ_E_INVALID)) {
            put_text(parser, RUNTIME);
            put(parser, image);
            put_text(parser,
                     small ? " is less than 4.9E-324" : " is greater than 1.7976931348623157E308");
        }
        return 0;
    }
    return add(parser, node);
}

/* What stands between the quotes, with '' as '. */
static struct span decode_string(struct parser *parser, struct span image) {
    struct expression *made = parser->made;
    struct span inner = span_of(image.data + 1, image.len - 2);
    if (memchr(inner.data, '\'', inner.len) == NULL)
        return inner;
    uint8_t *out = made->strings + made->string_len;
    size_t len = 0;
    for (size_t i = 0; i < inner.len; i++) {
        out[len++] = inner.data[i];
        i += inner.data[i] == '\'';
    }
    made->string_len += len;
    return span_of(out, len);
}

/* Takes a string; absent after an error. */
static struct span parse_string(struct parser *parser) {
    if (!take(parser, TOKEN_STRING))
        return SPAN_NONE;
    return decode_string(parser, parser->token.image);
}

static uint32_t parse_literal(struct parser *parser, enum token_kind kind) {
    struct node node = {.next = NODE_NONE};
    consume(parser);
    switch (kind) {
    case TOKEN_DECIMAL:
        return parse_decimal(parser, parser->token.image);
    case TOKEN_FLOAT:
        return parse_float(parser, parser->token.image);
    case TOKEN_STRING:
        node.kind = NODE_STRING;
        node.text = decode_string(parser, parser->token.image);
        break;
    case TOKEN_NULL:
        node.kind = NODE_NULL;
        break;
    default:
        node.kind = NODE_BOOL;
        node.number = kind == TOKEN_TRUE;
        break;
    }
    return add(parser, node);
}

/* ---- grammar --------------------------------------------------------------------------------- */

static uint32_t parse_operand(struct parser *parser) {
    const uint32_t begins = SET(NOT) | LITERALS | SET(ID) | SET(OPEN) | SET(MINUS);
    enum token_kind kind = peek(parser);
    uint32_t operand;
    if (kind == TOKEN_PLUS) {
        consume(parser);
        return parse_unary(parser);
    }
    if (!choose(parser, begins, &kind)) {
        fail_syntax(parser);
        return 0;
    }
    switch (kind) {
    case TOKEN_MINUS:
        consume(parser);
        operand = parse_unary(parser);
        return add_over(parser, NODE_NEGATE, operand, operand);
    case TOKEN_NOT:
        consume(parser);
        operand = as_boolean(parser, parse_unary(parser));
        return add_over(parser, NODE_NOT, operand, operand);
    case TOKEN_OPEN:
        consume(parser);
        operand = parse_or(parser);
        RMQ_IGNORE(take(parser, TOKEN_CLOSE), "the error is kept");
        return operand;
    case TOKEN_ID:
        consume(parser);
        return add_property(parser, parser->token.image);
    default:
        return parse_literal(parser, kind);
    }
}

static uint32_t parse_unary(struct parser *parser) {
    if (parser->calls == EXPRESSION_DEPTH_MAX) {
        fail_limit(parser, "the expression is nested too deep");
        return 0;
    }
    parser->calls++;
    uint32_t operand = parse_operand(parser);
    parser->calls--;
    return parser->err == RMQ_OK ? operand : 0;
}

static uint32_t parse_between(struct parser *parser, uint32_t value, bool negated) {
    uint32_t low = parse_unary(parser);
    if (!take(parser, TOKEN_AND))
        return 0;
    uint32_t high = parse_unary(parser);
    if (!negated)
        check_bounds(parser, low, high);
    uint32_t first = add_ordered(parser, negated ? NODE_LESS : NODE_GREATER_EQUAL, value, low);
    uint32_t second = add_ordered(parser, negated ? NODE_GREATER : NODE_LESS_EQUAL, value, high);
    return add_logic(parser, negated ? NODE_OR : NODE_AND, first, second);
}

static uint32_t parse_in(struct parser *parser, uint32_t left, bool negated) {
    uint32_t first = NODE_NONE, last = NODE_NONE;
    enum token_kind kind;
    if (!take(parser, TOKEN_OPEN))
        return 0;
    do {
        struct span text = parse_string(parser);
        uint32_t item =
            add(parser, (struct node){.kind = NODE_STRING, .next = NODE_NONE, .text = text});
        if (parser->err != RMQ_OK)
            return 0;
        if (last != NODE_NONE)
            node_of(parser, last)->next = item;
        first = first == NODE_NONE ? item : first;
        last = item;
    } while (choose(parser, SET(COMMA), &kind) && (consume(parser), true));
    if (!take(parser, TOKEN_CLOSE))
        return 0;
    if (node_of(parser, left)->kind != NODE_PROPERTY) {
        if (fail(parser, RMQ_E_INVALID)) {
            put_text(parser, RUNTIME "Expected a property for In expression, got: ");
            put_node(parser, left);
        }
        return 0;
    }
    return add(parser, (struct node){.kind = NODE_IN,
                                     .depth = 1,
                                     .negated = negated,
                                     .a = left,
                                     .b = first,
                                     .next = NODE_NONE});
}

static uint32_t parse_contains(struct parser *parser, uint32_t left, enum token_kind word,
                               bool negated) {
    struct span text = parse_string(parser);
    uint32_t index = add_over(
        parser, (enum node_kind)(NODE_CONTAINS + (int)word - (int)TOKEN_CONTAINS), left, left);
    if (parser->err == RMQ_OK) {
        node_of(parser, index)->negated = negated;
        node_of(parser, index)->text = text;
    }
    return index;
}

static enum node_kind order_of(enum token_kind kind) {
    switch (kind) {
    case TOKEN_GREATER:
        return NODE_GREATER;
    case TOKEN_GREATER_EQUAL:
        return NODE_GREATER_EQUAL;
    case TOKEN_LESS:
        return NODE_LESS;
    default:
        return NODE_LESS_EQUAL;
    }
}

/* What follows `left`, whose word `kind` was taken. */
static uint32_t parse_predicate(struct parser *parser, uint32_t left, enum token_kind kind,
                                bool negated) {
    switch (kind) {
    case TOKEN_BETWEEN:
        return parse_between(parser, left, negated);
    case TOKEN_IN:
        return parse_in(parser, left, negated);
    case TOKEN_CONTAINS:
    case TOKEN_STARTSWITH:
    case TOKEN_ENDSWITH:
        return parse_contains(parser, left, kind, negated);
    default:
        return add_ordered(parser, order_of(kind), left, parse_unary(parser));
    }
}

static uint32_t parse_comparison(struct parser *parser) {
    const uint32_t words = SET(BETWEEN) | SET(IN) | (parser->profile_5_3 ? WORDS_5_3 : 0);
    uint32_t left = parse_unary(parser);
    enum token_kind kind;
    while (parser->err == RMQ_OK && choose(parser, ORDERS | words | SET(NOT), &kind)) {
        consume(parser);
        bool negated = kind == TOKEN_NOT;
        if (negated && !choose(parser, words, &kind)) {
            fail_syntax(parser);
            return 0;
        }
        if (negated)
            consume(parser);
        left = parse_predicate(parser, left, kind, negated);
    }
    return left;
}

static uint32_t parse_is(struct parser *parser, uint32_t left) {
    enum token_kind kind;
    if (!choose(parser, SET(NOT) | SET(NULL), &kind)) {
        fail_syntax(parser);
        return 0;
    }
    bool negated = kind == TOKEN_NOT;
    if (negated)
        consume(parser);
    if (!take(parser, TOKEN_NULL))
        return 0;
    uint32_t null = add(parser, (struct node){.kind = NODE_NULL, .next = NODE_NONE});
    uint32_t equal = add_over(parser, NODE_EQUAL, left, null);
    return negated ? add_over(parser, NODE_NOT, equal, equal) : equal;
}

static uint32_t parse_equality(struct parser *parser) {
    uint32_t left = parse_comparison(parser);
    enum token_kind kind;
    while (parser->err == RMQ_OK && choose(parser, SET(IS) | SET(EQUAL) | SET(NOT_EQUAL), &kind)) {
        consume(parser);
        if (kind == TOKEN_IS) {
            left = parse_is(parser, left);
            continue;
        }
        left = add_equal(parser, left, parse_comparison(parser));
        if (kind == TOKEN_NOT_EQUAL)
            left = add_over(parser, NODE_NOT, left, left);
    }
    return left;
}

static uint32_t parse_and(struct parser *parser) {
    uint32_t left = parse_equality(parser);
    enum token_kind kind;
    while (parser->err == RMQ_OK && choose(parser, SET(AND), &kind)) {
        consume(parser);
        left = add_logic(parser, NODE_AND, left, parse_equality(parser));
    }
    return left;
}

static uint32_t parse_or(struct parser *parser) {
    uint32_t left = parse_and(parser);
    enum token_kind kind;
    while (parser->err == RMQ_OK && choose(parser, SET(OR), &kind)) {
        consume(parser);
        left = add_logic(parser, NODE_OR, left, parse_and(parser));
    }
    return left;
}

/* ---- life ------------------------------------------------------------------------------------ */

/* Takes over what was made; the rest of its block is text, and as much again for strings. */
static int create(struct env *env, struct span text, struct expression **out) {
    struct expression *made = env_alloc(env, sizeof *made + 2 * text.len);
    if (made == NULL)
        return RMQ_E_NOMEM;
    *made = (struct expression){.env = env, .refs = 1};
    uint8_t *copy = (uint8_t *)(made + 1);
    if (text.len > 0)
        memcpy(copy, text.data, text.len);
    made->text = span_of(copy, text.len);
    made->strings = copy + text.len;
    *out = made;
    return RMQ_OK;
}

int expression_compile(struct env *env, struct span text, bool profile_5_3, struct expression **out,
                       struct buf *why) {
    struct parser parser = {.profile_5_3 = profile_5_3, .why = why};
    if (text.len > EXPRESSION_BYTES_MAX) {
        fail_limit(&parser, "the expression is longer than 32768 bytes");
        return parser.err;
    }
    int err = create(env, text, &parser.made);
    if (err != RMQ_OK)
        return err;
    parser.text = parser.made->text;
    buf_init(&parser.nodes, env);
    buf_init(&parser.properties, env);
    uint32_t root = as_boolean(&parser, parse_or(&parser));
    struct expression *made = parser.made;
    made->root = root;
    made->nodes = (struct node *)(void *)parser.nodes.data;
    made->properties = (struct property *)(void *)parser.properties.data;
    made->property_count = (uint32_t)(parser.properties.len / sizeof(struct property));
    if (parser.err != RMQ_OK) {
        expression_unref(made);
        return why != NULL && buf_failed(why) ? RMQ_E_NOMEM : parser.err;
    }
    *out = made;
    return RMQ_OK;
}

struct expression *expression_ref(struct expression *expression) {
    expression->refs++;
    return expression;
}

void expression_unref(struct expression *expression) {
    if (expression == NULL || --expression->refs > 0)
        return;
    struct env *env = expression->env;
    env_free(env, expression->nodes);
    env_free(env, expression->properties);
    env_free(env, expression);
}

struct span expression_text(const struct expression *expression) {
    return expression->text;
}
