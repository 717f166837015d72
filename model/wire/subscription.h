/* wire/subscription.h - which messages of a topic a consumer wants: tag expressions.
 *
 * "A || B" names tags; "*", an empty and an absent expression want everything. A broker compares
 * hashes (tags codes of consume queue units, broker.md 16.1), a client the tags themselves. Source:
 * FilterAPI.java, ExpressionMessageFilter.java; the results of both releases are in
 * tests/vectors/expr. */
#ifndef MODEL_WIRE_SUBSCRIPTION_H
#define MODEL_WIRE_SUBSCRIPTION_H

#include "model/base/err.h"
#include "model/base/span.h"

struct env;

enum subscription_kind {
    SUBSCRIPTION_ALL,
    SUBSCRIPTION_TAGS, /* perhaps none: "|| ||" wants nothing (a client lets all through) */
    SUBSCRIPTION_OTHER /* another expression type, such as SQL92: nothing here looks inside */
};
struct subscription_tag {
    struct span text; /* trimmed; into the expression */
    int32_t code;     /* its hash */
};
/* A parsed expression. One tag lives inside, more are allocated. */
struct subscription {
    struct env *env;
    enum subscription_kind kind;
    uint32_t tag_count;            /* no text twice, in order of appearance */
    struct subscription_tag *more; /* NULL: `one` */
    struct subscription_tag one;
};

/* Whether `type` means tag expressions: TAG, or absent. */
bool subscription_is_tag_type(struct span type);
/* Parses `expression`, which must outlive the tags' texts (not the codes). RMQ_E_INVALID: nothing
 * but separators, or nothing where the type is not TAG; RMQ_E_NOMEM. */
int subscription_parse(struct env *env, struct span expression, struct span type,
                       struct subscription *out) RMQ_CHECK_RESULT;
/* The texts stay borrowed from where they were. RMQ_E_NOMEM. */
int subscription_copy(struct env *env, const struct subscription *from,
                      struct subscription *out) RMQ_CHECK_RESULT;
/* Does nothing for one that is all zero. */
void subscription_deinit(struct subscription *subscription);

static inline const struct subscription_tag *
subscription_tags(const struct subscription *subscription) {
    return subscription->more == NULL ? &subscription->one : subscription->more;
}
/* Broker: whether a unit with `tags_code` may be wanted; its low 32 bits count. */
bool subscription_matches_code(const struct subscription *subscription, int64_t tags_code);
/* Client: whether a message with `tag` (may be absent) is wanted. No tags: all are. */
bool subscription_accepts_tag(const struct subscription *subscription, struct span tag);

#endif
