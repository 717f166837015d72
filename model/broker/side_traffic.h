/* broker/side_traffic.h - what a 5.3 broker sends to name servers between registrations.
 *
 * Observed in the 5.3.3 captures, and read in BrokerController.java of 5.3.3; masters and slaves do
 * the same:
 *
 *   what            to         first, period   when
 *   106             one        10 s, 5 s       always; on the worker of the registrations and after
 *                                              them (5.3.3-brokeradmin-boot, rows 3 to 14)
 *   904 oneway      all        1 s, 1 s        enableSlaveActingMaster and not
 *                                              compatibleWithOldNameSrv (5.3.3-brokeracting-boot)
 *   322 oneway      all        1 s, 1 s        enableSlaveActingMaster and compatibleWithOldNameSrv
 *                                              (5.3.3-brokeractingcompat-boot)
 *   901, 105        one        1 s, 1 s        beside 904, 322: the members of the broker's group
 *
 * "one": the chosen name server, 3 s timeout (client/name_servers.h). "all": as registrations.
 * Answers are not used here: what a broker does with them (acting as master, cluster metadata for
 * static topics) is not part of this model yet, only that the bytes are on the channel, which is
 * what decides between idle close and expiry scan (measured.md). A 4.9 broker has none of this. */
#ifndef MODEL_BROKER_SIDE_TRAFFIC_H
#define MODEL_BROKER_SIDE_TRAFFIC_H

#include "model/base/fixed_rate.h"
#include "model/broker/topics.h"
#include "model/client/name_servers.h"

#define METADATA_FIRST_NS UINT64_C(10000000000)
#define METADATA_PERIOD_NS UINT64_C(5000000000)

/* Traffic of a broker with enableSlaveActingMaster: two workers of their own. */
struct acting_traffic {
    struct env *env;
    const struct broker_config *config;
    const struct topics *topics;
    struct remoting *remoting;
    struct name_servers *servers;
    struct fixed_rate heartbeat;
    struct fixed_rate_task heartbeat_task;
    struct fixed_rate members;
    struct fixed_rate_task members_task;
    struct name_server_call members_call;
};
void acting_traffic_start(struct acting_traffic *traffic, struct env *env,
                          const struct broker_config *config, const struct topics *topics,
                          struct remoting *remoting, struct name_servers *servers);
/* Before name_servers_deinit. Does nothing when never started or twice. */
void acting_traffic_stop(struct acting_traffic *traffic);

/* Fills request 106, for a name_server_call's build. */
void side_traffic_metadata(void *ctx, struct wire_command *request);

#endif
