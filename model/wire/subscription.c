/* wire/subscription.c - see subscription.h. */
#include "model/wire/subscription.h"

#include "model/base/check.h"
#include "model/env.h"
#include "model/wire/message.h"

/* String.trim: whatever is not above a blank goes. */
static struct span trim(struct span text) {
    while (text.len > 0 && text.data[0] <= ' ')
        text = span_from(text, 1);
    while (text.len > 0 && text.data[text.len - 1] <= ' ')
        text.len--;
    return text;
}

/* Takes what is before the next "||" off *rest, and the separator. */
static struct span next_piece(struct span *rest) {
    struct span piece = *rest;
    for (size_t i = 0; i + 1 < rest->len; i++) {
        if (rest->data[i] == '|' && rest->data[i + 1] == '|') {
            piece.len = i;
            *rest = span_from(*rest, i + 2);
            return piece;
        }
    }
    *rest = span_from(*rest, rest->len);
    return piece;
}

/* Java's split gives no piece at all for a text that is nothing but separators. */
static bool only_separators(struct span text) {
    while (text.len > 0) {
        if (next_piece(&text).len > 0)
            return false;
    }
    return true;
}

static bool has_tag(const struct subscription *subscription, struct span tag) {
    const struct subscription_tag *tags = subscription_tags(subscription);
    for (size_t i = 0; i < subscription->tag_count; i++) {
        if (span_equal(tags[i].text, tag))
            return true;
    }
    return false;
}

static size_t count_pieces(struct span text) {
    size_t count = 0;
    while (text.len > 0)
        count += trim(next_piece(&text)).len > 0;
    return count;
}

static int read_tags(struct env *env, struct span text, struct subscription *out) {
    size_t count = count_pieces(text);
    if (count > 1) {
        out->more = env_alloc(env, count * sizeof *out->more);
        if (out->more == NULL)
            return RMQ_E_NOMEM;
    }
    struct subscription_tag *tags = out->more == NULL ? &out->one : out->more;
    while (text.len > 0) {
        struct span tag = trim(next_piece(&text));
        if (tag.len == 0 || has_tag(out, tag))
            continue;
        RMQ_ASSERT(out->tag_count < count);
        tags[out->tag_count++] =
            (struct subscription_tag){.text = tag, .code = java_string_hash(tag)};
    }
    return RMQ_OK;
}

bool subscription_is_tag_type(struct span type) {
    return type.len == 0 || span_equal(type, SPAN_LITERAL("TAG"));
}

int subscription_parse(struct env *env, struct span expression, struct span type,
                       struct subscription *out) {
    struct subscription parsed = {.env = env};
    if (!subscription_is_tag_type(type)) {
        if (expression.len == 0)
            return RMQ_E_INVALID;
        parsed.kind = SUBSCRIPTION_OTHER;
    } else if (expression.len == 0 || span_equal(expression, SPAN_LITERAL("*"))) {
        parsed.kind = SUBSCRIPTION_ALL;
    } else {
        if (only_separators(expression))
            return RMQ_E_INVALID;
        parsed.kind = SUBSCRIPTION_TAGS;
        int err = read_tags(env, expression, &parsed);
        if (err != RMQ_OK)
            return err;
    }
    *out = parsed;
    return RMQ_OK;
}

int subscription_copy(struct env *env, const struct subscription *from, struct subscription *out) {
    struct subscription copy = *from;
    copy.env = env;
    if (from->more != NULL) {
        size_t bytes = from->tag_count * sizeof *from->more;
        copy.more = env_alloc(env, bytes);
        if (copy.more == NULL)
            return RMQ_E_NOMEM;
        memcpy(copy.more, from->more, bytes);
    }
    *out = copy;
    return RMQ_OK;
}

void subscription_deinit(struct subscription *subscription) {
    if (subscription->more != NULL)
        env_free(subscription->env, subscription->more);
    *subscription = (struct subscription){0};
}

bool subscription_matches_code(const struct subscription *subscription, int64_t tags_code) {
    if (subscription->kind != SUBSCRIPTION_TAGS)
        return true;
    const struct subscription_tag *tags = subscription_tags(subscription);
    for (size_t i = 0; i < subscription->tag_count; i++) {
        if (tags[i].code == (int32_t)(uint32_t)(uint64_t)tags_code)
            return true;
    }
    return false;
}

bool subscription_accepts_tag(const struct subscription *subscription, struct span tag) {
    return subscription->kind != SUBSCRIPTION_TAGS || subscription->tag_count == 0 ||
           (!span_is_absent(tag) && has_tag(subscription, tag));
}
