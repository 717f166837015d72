/* broker/health.h - whether a broker can do its work now, for a probe (/health). */
#ifndef MODEL_BROKER_HEALTH_H
#define MODEL_BROKER_HEALTH_H

#include "model/base/buf.h"

/* `node` is broker_role's. Appends {"status":"UP"} or {"causes":["..."],"status":"DOWN"}; true: UP.
 * It is UP when it serves, its store takes writes, and some name server has accepted a registration
 * within two periods (registerNameServerPeriod); one without name servers needs none. */
bool broker_health_write(void *node, struct buf *out);

#endif
