/* sim/oracle/selector.c - see selector.h. */
#include "sim/oracle/selector.h"

#define PREFIX SPAN_LITERAL("sql92:")

/* One term; its operator as the two comparisons that make it true. */
struct term {
    bool of_tag;
    bool less, equal, more;
    struct span text;
    uint64_t number;
};

static struct span next_word(struct span *rest) {
    while (rest->len > 0 && rest->data[0] == ' ')
        *rest = span_from(*rest, 1);
    struct span word = *rest;
    for (word.len = 0; word.len < rest->len && rest->data[word.len] != ' ';)
        word.len++;
    *rest = span_from(*rest, word.len);
    return word;
}

static bool read_operator(struct span word, struct term *out) {
    for (size_t i = 0; i < word.len; i++) {
        out->less |= word.data[i] == '<';
        out->equal |= word.data[i] == '=';
        out->more |= word.data[i] == '>';
        if (word.data[i] != '<' && word.data[i] != '=' && word.data[i] != '>')
            return false;
    }
    return word.len == 1 || word.len == 2;
}

static bool read_term(struct span *rest, struct term *out) {
    *out = (struct term){.of_tag = false};
    struct span name = next_word(rest);
    out->of_tag = span_equal(name, SPAN_LITERAL("TAGS"));
    if (!out->of_tag && !span_equal(name, SPAN_LITERAL("number")))
        return false;
    if (!read_operator(next_word(rest), out))
        return false;
    struct span value = next_word(rest);
    bool quoted = value.len > 2 && value.data[0] == '\'' && value.data[value.len - 1] == '\'';
    if (out->of_tag) {
        out->text = quoted ? span_of(value.data + 1, value.len - 2) : SPAN_NONE;
        return quoted && out->less == out->more; /* = or <> */
    }
    for (size_t i = 0; i < value.len; i++) {
        if (value.data[i] < '0' || value.data[i] > '9' || i == 9)
            return false;
        out->number = out->number * 10 + (value.data[i] - '0');
    }
    return value.len > 0;
}

static bool holds(const struct term *term, struct span tag, uint32_t number) {
    if (term->of_tag) /* without a tag neither = nor <> is true */
        return tag.len > 0 && span_equal(tag, term->text) == term->equal;
    return number < term->number ? term->less : number > term->number ? term->more : term->equal;
}

/* False: something else than terms and AND. */
static bool read_all(struct span rest, struct span tag, uint32_t number, bool *wants) {
    struct term term;
    *wants = true;
    for (rest = span_from(rest, PREFIX.len);;) {
        if (!read_term(&rest, &term))
            return false;
        *wants = *wants && holds(&term, tag, number);
        struct span word = next_word(&rest);
        if (word.len == 0)
            return true;
        if (!span_equal(word, SPAN_LITERAL("AND")))
            return false;
    }
}

bool selector_is(struct span subscription) {
    return span_starts_with(subscription, PREFIX);
}

bool selector_reads(struct span subscription) {
    bool wants;
    return read_all(subscription, SPAN_NONE, 0, &wants);
}

bool selector_wants(struct span subscription, struct span tag, uint32_t number) {
    bool wants;
    return !read_all(subscription, tag, number, &wants) || wants;
}
