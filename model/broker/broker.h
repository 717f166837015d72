/* broker/broker.h - the broker: takes messages, stores them, hands them out.
 *
 *   requests.c       every request and its handler; others are answered with code 3
 *   send, pull       10, 310, 320; 11 and 361 (send.h, pull.h); held pulls (hold.h)
 *   queue_query.h    12, 29 to 33
 *   flow.h           what waits in front of the store, and busy answers
 *   clients.h        34, 35, 38, 46: who is connected and subscribed what
 *   offsets.h        14, 15, 43: progress of groups; groups.h
 *   topics.h         topics and their data version
 *   admin.h          administrators' requests: 17, 18, 21, 41, 42, 45, 200, 201, 203, 204, 207,
 *                    215, 222, 223, 225, 305 to 309, 314, 316, 328, 329, 343, 345, 351, 352
 *   config_files.h   topics.json, subscriptionGroup.json, consumerOffset.json
 *   ha_master.h      the log to slaves; ha_slave.h, slave_sync.h: log and tables from the master
 *   live_config.h    25, 26: the configuration while it runs; config_keys.h: every key
 *   registration.h   name servers; side_traffic.h: what 5.3 brokers send them in between
 *   stats.h          what it counts; runtime_info.h (28), stats_scan.h (202, 208, 300, 303, 315,
 *                    317, 321), metrics.h (Prometheus, health)
 *   ../store/        commit log, consume queues, index
 *
 * It serves (listens, registers, emits node.serves) when its store is open. A config file or a
 * store that does not open ends it with status 1.
 *
 * Configuration: RocketMQ's keys (broker.md 2) unless marked (own). A malformed value is
 * RMQ_E_INVALID and logged with its key; unknown keys and those without effect are logged.
 *
 *   profile (own)             4.9 (default) or 5.3: version number 409 or 479, and all below marked
 *                             with a release
 *   brokerClusterName         DefaultCluster
 *   brokerName                DEFAULT_BROKER
 *   brokerId                  0; > 0 is a slave
 *   brokerRole                ASYNC_MASTER and SYNC_MASTER force brokerId 0, SLAVE needs one > 0;
 *                             absent (own): brokerId decides
 *   brokerIP1, brokerIP2      the node's own address (env_identity); brokerIP1
 *   listenPort                10911; listenPort - 2 serves the same requests but pulls (code 3)
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
 *   topics (own)              topics that exist at start: name:read:write[:perm] separated by ';';
 *                             what topics.json says of them wins
 *   autoCreateSubscriptionGroup, notifyConsumerIdsChangedEnable  true
 *   flushConsumerOffsetInterval  5000 ms
 *   regionId, traceOn         DefaultRegion, true: in each answer to a send
 *   startAcceptSendRequestTimeStamp  0: wall ms before which sends are refused
 *   rejectTransactionMessage  false; true: code 16
 *   transactionCheckInterval, transactionTimeOut, transactionCheckMax  60000 (5.3: 30000), 6000, 15
 *   waitTimeMillsInSendQueue, waitTimeMillsInPullQueue          200, 5000 ms (flow.h)
 *   sendThreadPoolQueueCapacity, pullThreadPoolQueueCapacity    10000, 100000
 *   pullMessageThreadPoolNums 24, as with 4 processors: reads under way
 *   brokerFastFailureEnable   true
 *   longPollingEnable         true; false: pulls are held for shortPollingTimeMills, 1000 ms
 *   slaveReadEnable           false: pulls are never sent to another broker
 *   haListenPort              where slaves connect (ha_master.h); haTransferBatchSize 32768,
 *                             haSendHeartbeatInterval 5000, haHousekeepingInterval 20000 ms
 *   haNewSlaveFromFirstFile (own)  false: a new slave gets the last file of the log, as Apache's
 *   haMasterAddress           a slave's; none: what name servers answer
 *   slaveTimeout              3000 ms a SYNC_MASTER waits; haSlaveFallbehindMax (5.3:
 *                             haMaxGapNotInSync) 256 MiB behind: it does not wait
 *   defaultQueryMaxNum        32: messages of a query by unique key
 *   orderlyCommitNeedsLock    false; ours: commits of a queue that is locked for its group are
 *                             taken from the client that holds the live lock only (INC-68)
 *   enablePropertyFilter      false: subscriptions by SQL92 expression are refused
 *   filterSupportRetry        false: what came back is filtered by its origin's expression
 *   aclEnable                 false; with rocketmqHome: access control, see access.h
 *   limit<What>Per<Whom>      0: no limit, see limits.h
 *   storeReplyMessageEnable   true: replies (324, 325) are stored, too
 *   storePathRootDir, ...     the store's (store.h, broker.md 2.3)
 *   rocketmq.serialize.type   JSON (default) or ROCKETMQ: headers of what the broker sends
 *   quirk.<name>              see model/quirks.h
 *
 * Not here yet: timed messages, bit maps of filters (enableCalcFilterBitMap), re-reading
 * namesrvAddr each 120 s, acting master beyond its traffic.
 *
 * Command: do=create-topic topic=T [readQueueNums=8] [writeQueueNums=8] [perm=6] creates or updates
 * a topic as request 17 does; command.done follows, with request 17's code and remark. */
#ifndef MODEL_BROKER_BROKER_H
#define MODEL_BROKER_BROKER_H

#include "model/role.h"

extern const struct role broker_role;

#endif
