/* wire/codes_response.h - every response code of both releases.
 *
 * X(number, name, releases, meaning). Source: wire.md 12, ResponseCode.java. */
#ifndef MODEL_WIRE_CODES_RESPONSE_H
#define MODEL_WIRE_CODES_RESPONSE_H

#define WIRE_RESPONSE_CODES(X)                                                                   \
    X(0, SUCCESS, "both", "")                                                                    \
    X(1, SYSTEM_ERROR, "both", "generic")                                                        \
    X(2, SYSTEM_BUSY, "both", "flow control")                                                    \
    X(3, REQUEST_CODE_NOT_SUPPORTED, "both", "")                                                 \
    X(4, TRANSACTION_FAILED, "both", "unused")                                                   \
    X(10, FLUSH_DISK_TIMEOUT, "both", "stored")                                                  \
    X(11, SLAVE_NOT_AVAILABLE, "both", "stored")                                                 \
    X(12, FLUSH_SLAVE_TIMEOUT, "both", "stored")                                                 \
    X(13, MESSAGE_ILLEGAL, "both", "topic/properties/body too long")                             \
    X(14, SERVICE_NOT_AVAILABLE, "both", "store not writable")                                   \
    X(15, VERSION_NOT_SUPPORTED, "both", "unused")                                               \
    X(16, NO_PERMISSION, "both", "broker/topic/group permission")                                \
    X(17, TOPIC_NOT_EXIST, "both", "name server")                                                \
    X(18, TOPIC_EXIST_ALREADY, "both", "unused")                                                 \
    X(19, PULL_NOT_FOUND, "both", "nothing new")                                                 \
    X(20, PULL_RETRY_IMMEDIATELY, "both",                                                        \
      "nothing matched, pull again from nextBeginOffset at once")                                \
    X(21, PULL_OFFSET_MOVED, "both", "offset illegal, use nextBeginOffset")                      \
    X(22, QUERY_NOT_FOUND, "both", "KV item, message query, consumer offset absent")             \
    X(23, SUBSCRIPTION_PARSE_FAILED, "both", "")                                                 \
    X(24, SUBSCRIPTION_NOT_EXIST, "both", "pull before the heartbeat arrived")                   \
    X(25, SUBSCRIPTION_NOT_LATEST, "both", "pull with a newer subVersion than the broker knows") \
    X(26, SUBSCRIPTION_GROUP_NOT_EXIST, "both", "")                                              \
    X(27, FILTER_DATA_NOT_EXIST, "both", "SQL filter")                                           \
    X(28, FILTER_DATA_NOT_LATEST, "both", "SQL filter")                                          \
    X(29, INVALID_PARAMETER, "5.3", "where 4.9 answers 1")                                       \
    X(200, TRANSACTION_SHOULD_COMMIT, "both", "unused")                                          \
    X(201, TRANSACTION_SHOULD_ROLLBACK, "both", "unused")                                        \
    X(202, TRANSACTION_STATE_UNKNOW, "both", "unused")                                           \
    X(203, TRANSACTION_STATE_GROUP_WRONG, "both", "unused")                                      \
    X(204, NO_BUYER_ID, "both", "retryable for send")                                            \
    X(205, NOT_IN_CURRENT_UNIT, "both", "retryable for send")                                    \
    X(206, CONSUMER_NOT_ONLINE, "both", "reset offset / consumer connection with no consumer")   \
    X(207, CONSUME_MSG_TIMEOUT, "both", "broker -> consumer relay timed out")                    \
    X(208, NO_MESSAGE, "both", "unused in 4.9")                                                  \
    X(209, UPDATE_AND_CREATE_ACL_CONFIG_FAILED, "4.9", "5.3 reuses 209 as POLLING_FULL")         \
    X(210, DELETE_ACL_CONFIG_FAILED, "4.9", "5.3 reuses 210 as POLLING_TIMEOUT")                 \
    X(211, UPDATE_GLOBAL_WHITE_ADDRS_CONFIG_FAILED, "4.9", "5.3 reuses 211 as BROKER_NOT_EXIST") \
    X(212, BROKER_DISPATCH_NOT_COMPLETE, "5.3", "")                                              \
    X(213, BROADCAST_CONSUMPTION, "5.3", "")                                                     \
    X(215, FLOW_CONTROL, "both", "pull")                                                         \
    X(501, NOT_LEADER_FOR_QUEUE, "5.3", "static topics")                                         \
    X(604, ILLEGAL_OPERATION, "5.3", "")                                                         \
    X(1500, GO_AWAY, "5.3", "server is leaving")

#endif
