/* broker/metrics_items.h - metrics of topics, groups and clients; a part of metrics.h. */
#ifndef MODEL_BROKER_METRICS_ITEMS_H
#define MODEL_BROKER_METRICS_ITEMS_H

#include "model/base/buf.h"

struct broker;
void metrics_items_write(struct broker *broker, struct buf *out);

#endif
