/* namesrv/metrics.h - a name server's figures for Prometheus. */
#ifndef MODEL_NAMESRV_METRICS_H
#define MODEL_NAMESRV_METRICS_H

#include "model/base/buf.h"

/* Appends the text (Content-Type text/plain; version=0.0.4); names begin with windtunnel_namesrv_.
 * `node`: what role->start gave. RMQ_E_NOMEM. */
int namesrv_metrics_write(void *node, struct buf *out) RMQ_CHECK_RESULT;

#endif
