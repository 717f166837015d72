/* broker/broker.h - the broker: identity, topics, registration with name servers.
 *
 * What is here: the topic table and its data version (topics.h), registration, unregistration
 * (registration.h), what 5.3 brokers send to name servers in between (side_traffic.h), and request
 * 17. Every other request is answered with code 3 (broker.md 9).
 *
 * Configuration: RocketMQ's keys (broker.md 2) unless marked (own). A malformed value is
 * RMQ_E_INVALID and logged with its key; unknown keys are logged and ignored.
 *
 *   profile (own)             4.9 (default) or 5.3: version number 409 or 479, and all below marked
 *                             with a release
 *   brokerClusterName         DefaultCluster
 *   brokerName                DEFAULT_BROKER
 *   brokerId                  0; > 0 is a slave
 *   brokerRole                ASYNC_MASTER and SYNC_MASTER force brokerId 0, SLAVE needs one > 0;
 *                             absent (own): brokerId decides
 *   brokerIP1, brokerIP2      the node's own address (env_identity); brokerIP1
 *   listenPort                10911
 *   haListenPort              listenPort + 1; a configured one counts in 5.3 only
 *   namesrvAddr               none; "host:port" separated by ';'
 *   defaultTopicQueueNums     8: queues of TBW102
 *   autoCreateTopicEnable, clusterTopicEnable, brokerTopicEnable  true
 *   traceTopicEnable          false; msgTraceTopicName RMQ_SYS_TRACE_TOPIC
 *   timerWheelEnable          true: topic rmq_sys_wheel_timer (5.3)
 *   brokerPermission          6 (read 4 + write 2)
 *   registerNameServerPeriod  30000 ms, clamped to 10000 to 60000
 *   registerBrokerTimeoutMills  6000 ms (5.3: 24000)
 *   forceRegister             true; false: asks with 322 first
 *   compressedRegister        false; 5.3 marks a compressed body as plain (namesrv.md 5.4)
 *   onewayRegister (own)      false; true: the scheduled registrations expect no answer
 *   enableSlaveActingMaster   false (5.3): 904 and 901, or with compatibleWithOldNameSrv=true
 *                             (default) 322 and 105, each second (brokerHeartbeatInterval,
 *                             syncBrokerMemberGroupPeriod 1000 ms); registrations then announce
 *                             brokerNotActiveTimeoutMillis, 10000
 *   topics (own)              topics that exist at start: name:read:write[:perm] separated by ';'
 *   rocketmq.serialize.type   JSON (default) or ROCKETMQ: headers of what the broker sends
 *   quirk.serialRegistration  see model/quirks.h
 *
 * Not here yet: the second port (listenPort - 2, wire.md 8.2), re-reading namesrvAddr each 120 s, a
 * slave's copy of its master's tables (only the master's addresses are kept), acting master beyond
 * its traffic, files (topics.json comes with the store, so `topics` starts at version 0).
 *
 * Command: do=create-topic topic=T [readQueueNums=8] [writeQueueNums=8] [perm=6] creates or updates
 * a topic as request 17 does; command.done follows, with request 17's code and remark. */
#ifndef MODEL_BROKER_BROKER_H
#define MODEL_BROKER_BROKER_H

#include "model/role.h"

extern const struct role broker_role;

#endif
