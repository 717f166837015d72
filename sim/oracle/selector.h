/* sim/oracle/selector.h - what a group's SQL92 expression wants, read without the code that is
 * under test: terms "TAGS = 'x'", "TAGS <> 'x'", "number > 5" (>=, <, <=, =, <>), joined by AND
 * alone. Any other expression is not judged. */
#ifndef SIM_ORACLE_SELECTOR_H
#define SIM_ORACLE_SELECTOR_H

#include "model/base/span.h"

/* Whether the subscription is an SQL92 expression: it begins with "sql92:". */
bool selector_is(struct span subscription);
/* Whether it consists of such terms. */
bool selector_reads(struct span subscription);
/* Of one that does: is a message with this tag (empty: none) and sequence wanted? */
bool selector_wants(struct span subscription, struct span tag, uint32_t number);

#endif
