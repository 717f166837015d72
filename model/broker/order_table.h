/* broker/order_table.h - the order table in a registration's answer (broker.md 6.1). */
#ifndef MODEL_BROKER_ORDER_TABLE_H
#define MODEL_BROKER_ORDER_TABLE_H

#include "model/broker/topics.h"

/* Makes exactly the topics that `body` ({"table":{topic:conf}}) names ordered. RMQ_E_INVALID,
 * RMQ_E_LIMIT, RMQ_E_NOMEM: no topic was changed. */
int order_table_apply(struct env *env, struct span body, struct topics *topics) RMQ_CHECK_RESULT;

#endif
