/* filter/expression.h - SQL92 filter expressions: which messages of a topic, by their properties.
 *
 *     expression_compile(env, text, false, &expression, &why);    once per subscription
 *     expression_evaluate(expression, message.properties)         per message
 *
 * Grammar, types, three-valued logic, what is an error and the texts of errors are those of
 * Apache's filter module (broker.md 16.2; SelectorParser.jj and expression/ of 4.9.8 and 5.3.3);
 * tests/vectors/expr has its results. Differs: depth and size are bounded; digits of other scripts
 * than ASCII are none. */
#ifndef MODEL_FILTER_EXPRESSION_H
#define MODEL_FILTER_EXPRESSION_H

#include "model/base/buf.h"

#define EXPRESSION_BYTES_MAX 32768
/* Parentheses and operators inside each other; AND and OR of any number of terms count once. */
#define EXPRESSION_DEPTH_MAX 100

struct expression;

/* Compiles `text` (UTF-8), which need not outlive the call. With profile_5_3 there are CONTAINS,
 * STARTSWITH and ENDSWITH. RMQ_E_INVALID: *why (may be NULL) has Java's exception, class and
 * message, appended; RMQ_E_LIMIT (the same in our words); RMQ_E_NOMEM. The caller owns one
 * reference. */
int expression_compile(struct env *env, struct span text, bool profile_5_3, struct expression **out,
                       struct buf *why) RMQ_CHECK_RESULT;
struct expression *expression_ref(struct expression *expression);
/* Frees with the last reference. NULL is allowed. */
void expression_unref(struct expression *expression);
/* Its text, as it was given. */
struct span expression_text(const struct expression *expression);

enum expression_result { EXPRESSION_FALSE, EXPRESSION_TRUE, EXPRESSION_NULL, EXPRESSION_ERROR };
/* Over the properties of a message as stored (name 0x01 value 0x02 ...). Only EXPRESSION_TRUE means
 * wanted. Not to be called while it runs. */
enum expression_result expression_evaluate(struct expression *expression, struct span properties);

#endif
