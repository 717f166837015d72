/* client/client.h - the client node: one instance, its name servers, cached routes, groups,
 * mqadmin's orders.
 *
 * It polls the routes of its topics as RocketMQ's clients do, tells by events which brokers it
 * believes in, and sends heartbeats for its producers and consumers, which workloads (model/load)
 * start on it. Source: client.md 1 to 5.
 *
 * Configuration (RocketMQ's client settings, except those marked (own)):
 *   profile (own)            4.9 (default) or 5.3: version number 409 or 479, choice of a name
 *                            server, fault tables, codes that are retried
 *   namesrvAddr              "host:port" separated by ';'
 *   topics (own)             topics whose routes are polled, separated by ';', in this order
 *   producer (own)           false; true: TBW102 is polled too, after the others (client.md 4.2)
 *   pollNameServerInterval   30000 ms; the first poll comes 10 ms after the start
 *   heartbeatBrokerInterval  30000 ms; the first one comes 1 s after the start
 *   persistConsumerOffsetInterval  5000 ms; first after 10 s
 *   mqClientApiTimeout       3000 ms, of one route query, heartbeat or unregistering
 *   instanceName             the client id is ip@instanceName; default: the process number
 *   accessKey, secretKey     sign each request (access control); with them securityToken, if any
 *   rocketmq.serialize.type  JSON (default) or ROCKETMQ
 *   load.<n> (own)           workloads, model/load/load.h
 * A malformed value is RMQ_E_INVALID and logged with its key; unknown keys are logged and ignored.
 *
 * Commands, each followed by one command.done per target (code 0; a response code and its remark; a
 * negative RMQ_E_ value and its text). Arguments without [] are required:
 *   do=create-topic         topic, brokerAddr or clusterName (its masters, by 106),
 *                           [readQueueNums=8] [writeQueueNums=8] [perm=6] [order=false]    17
 *   do=wipe-write-perm      brokerName                               to each name server  205
 *   do=add-write-perm       brokerName                               to each name server  327
 *   do=delete-topic         topic [clusterName]                      to each name server  216
 *   do=delete-topic-in-broker  topic [brokerAddr | clusterName]      to brokers              215
 *   do=put-kv               namespace, key, value                    to each name server  100
 *   do=delete-kv            namespace, key                           to each name server  102
 *   do=update-namesrv-config  key, value                             to each name server  318
 *   do=update-broker-config   key, value [brokerAddr | clusterName]  to brokers           25
 *   do=get-route            topic                                    to the chosen one    105
 *   do=produce, consume, stop-load, suspend-load, resume-load: workloads, model/load/load.h
 * The detail of a success: number of topics (wipe, add), "<brokers> brokers, <queues> write queues"
 * (get-route), else nothing. */
#ifndef MODEL_CLIENT_CLIENT_H
#define MODEL_CLIENT_CLIENT_H

#include "model/role.h"

extern const struct role client_role;

#endif
