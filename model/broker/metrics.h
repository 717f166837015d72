/* broker/metrics.h - a broker's figures for Prometheus.
 *
 * Names and labels are those of the RocketMQ exporter (admin.md 9.1), as it would make them of this
 * broker's answers to 28, 315, 202, 208, 328 at this moment; beside them our own, which begin with
 * windtunnel_. Differs: rocketmq_group_get_latency_by_storetime and rocketmq_client_... are not
 * here, since they need reads or answers of clients; brokerHost is the broker's name. */
#ifndef MODEL_BROKER_METRICS_H
#define MODEL_BROKER_METRICS_H

#include "model/base/buf.h"

/* Appends the text (Content-Type text/plain; version=0.0.4). `node`: what role->start gave.
 * RMQ_E_STATE: the broker does not serve yet, or stops; RMQ_E_NOMEM. */
int broker_metrics_write(void *node, struct buf *out) RMQ_CHECK_RESULT;

#endif
