/* wire/codes_request.h - every request code of both releases.
 *
 * X(number, name, releases, direction). Source: wire.md 11, RequestCode.java. */
#ifndef MODEL_WIRE_CODES_REQUEST_H
#define MODEL_WIRE_CODES_REQUEST_H

#define WIRE_REQUEST_CODES(X)                                                   \
    X(10, SEND_MESSAGE, "both", "client -> broker")                             \
    X(11, PULL_MESSAGE, "both", "client -> broker")                             \
    X(12, QUERY_MESSAGE, "both", "client, admin -> broker")                     \
    X(13, QUERY_BROKER_OFFSET, "both", "unused")                                \
    X(14, QUERY_CONSUMER_OFFSET, "both", "client -> broker")                    \
    X(15, UPDATE_CONSUMER_OFFSET, "both", "client, admin -> broker")            \
    X(17, UPDATE_AND_CREATE_TOPIC, "both", "admin -> broker")                   \
    X(18, UPDATE_AND_CREATE_TOPIC_LIST, "5.3", "admin -> broker")               \
    X(21, GET_ALL_TOPIC_CONFIG, "both", "slave, admin -> broker")               \
    X(22, GET_TOPIC_CONFIG_LIST, "both", "unused")                              \
    X(23, GET_TOPIC_NAME_LIST, "both", "unused")                                \
    X(25, UPDATE_BROKER_CONFIG, "both", "admin -> broker")                      \
    X(26, GET_BROKER_CONFIG, "both", "admin -> broker")                         \
    X(27, TRIGGER_DELETE_FILES, "both", "unused")                               \
    X(28, GET_BROKER_RUNTIME_INFO, "both", "admin -> broker")                   \
    X(29, SEARCH_OFFSET_BY_TIMESTAMP, "both", "client, admin -> broker")        \
    X(30, GET_MAX_OFFSET, "both", "client, admin -> broker")                    \
    X(31, GET_MIN_OFFSET, "both", "client, admin -> broker")                    \
    X(32, GET_EARLIEST_MSG_STORETIME, "both", "client -> broker")               \
    X(33, VIEW_MESSAGE_BY_ID, "both", "client, admin -> broker")                \
    X(34, HEART_BEAT, "both", "client -> broker")                               \
    X(35, UNREGISTER_CLIENT, "both", "client -> broker")                        \
    X(36, CONSUMER_SEND_MSG_BACK, "both", "client -> broker")                   \
    X(37, END_TRANSACTION, "both", "client -> broker")                          \
    X(38, GET_CONSUMER_LIST_BY_GROUP, "both", "client -> broker")               \
    X(39, CHECK_TRANSACTION_STATE, "both", "broker -> client")                  \
    X(40, NOTIFY_CONSUMER_IDS_CHANGED, "both", "broker -> client")              \
    X(41, LOCK_BATCH_MQ, "both", "client -> broker")                            \
    X(42, UNLOCK_BATCH_MQ, "both", "client -> broker")                          \
    X(43, GET_ALL_CONSUMER_OFFSET, "both", "slave -> broker")                   \
    X(45, GET_ALL_DELAY_OFFSET, "both", "slave -> broker")                      \
    X(46, CHECK_CLIENT_CONFIG, "both", "client -> broker")                      \
    X(47, GET_CLIENT_CONFIG, "5.3", "unused")                                   \
    X(50, UPDATE_AND_CREATE_ACL_CONFIG, "4.9", "admin -> broker")               \
    X(51, DELETE_ACL_CONFIG, "4.9", "admin -> broker")                          \
    X(52, GET_BROKER_CLUSTER_ACL_INFO, "4.9", "admin -> broker")                \
    X(53, UPDATE_GLOBAL_WHITE_ADDRS_CONFIG, "4.9", "admin -> broker")           \
    X(60, GET_TIMER_CHECK_POINT, "5.3", "slave -> broker")                      \
    X(61, GET_TIMER_METRICS, "5.3", "slave, admin -> broker")                   \
    X(100, PUT_KV_CONFIG, "both", "admin -> namesrv")                           \
    X(101, GET_KV_CONFIG, "both", "admin -> namesrv")                           \
    X(102, DELETE_KV_CONFIG, "both", "admin -> namesrv")                        \
    X(103, REGISTER_BROKER, "both", "broker -> namesrv")                        \
    X(104, UNREGISTER_BROKER, "both", "broker -> namesrv")                      \
    X(105, GET_ROUTEINFO_BY_TOPIC, "both", "any -> namesrv")                    \
    X(106, GET_BROKER_CLUSTER_INFO, "both", "admin")                            \
    X(200, UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, "both", "admin -> broker")      \
    X(201, GET_ALL_SUBSCRIPTIONGROUP_CONFIG, "both", "slave, admin -> broker")  \
    X(202, GET_TOPIC_STATS_INFO, "both", "admin -> broker")                     \
    X(203, GET_CONSUMER_CONNECTION_LIST, "both", "admin -> broker")             \
    X(204, GET_PRODUCER_CONNECTION_LIST, "both", "admin -> broker")             \
    X(205, WIPE_WRITE_PERM_OF_BROKER, "both", "admin -> namesrv")               \
    X(206, GET_ALL_TOPIC_LIST_FROM_NAMESERVER, "both", "admin -> namesrv")      \
    X(207, DELETE_SUBSCRIPTIONGROUP, "both", "admin -> broker")                 \
    X(208, GET_CONSUME_STATS, "both", "admin -> broker")                        \
    X(209, SUSPEND_CONSUMER, "both", "unused")                                  \
    X(210, RESUME_CONSUMER, "both", "unused")                                   \
    X(211, RESET_CONSUMER_OFFSET_IN_CONSUMER, "both", "unused")                 \
    X(212, RESET_CONSUMER_OFFSET_IN_BROKER, "both", "unused")                   \
    X(213, ADJUST_CONSUMER_THREAD_POOL, "both", "unused")                       \
    X(214, WHO_CONSUME_THE_MESSAGE, "both", "unused")                           \
    X(215, DELETE_TOPIC_IN_BROKER, "both", "admin -> broker")                   \
    X(216, DELETE_TOPIC_IN_NAMESRV, "both", "admin -> namesrv")                 \
    X(217, REGISTER_TOPIC_IN_NAMESRV, "5.3", "broker -> namesrv")               \
    X(219, GET_KVLIST_BY_NAMESPACE, "both", "admin -> namesrv")                 \
    X(220, RESET_CONSUMER_CLIENT_OFFSET, "both", "broker -> client")            \
    X(221, GET_CONSUMER_STATUS_FROM_CLIENT, "both", "broker -> client")         \
    X(222, INVOKE_BROKER_TO_RESET_OFFSET, "both", "admin -> broker")            \
    X(223, INVOKE_BROKER_TO_GET_CONSUMER_STATUS, "both", "admin -> broker")     \
    X(224, GET_TOPICS_BY_CLUSTER, "both", "admin -> namesrv")                   \
    X(225, UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST, "5.3", "admin -> broker")  \
    X(300, QUERY_TOPIC_CONSUME_BY_WHO, "both", "admin -> broker")               \
    X(301, REGISTER_FILTER_SERVER, "both", "filter server -> broker")           \
    X(302, REGISTER_MESSAGE_FILTER_CLASS, "both", "client -> filter server")    \
    X(303, QUERY_CONSUME_TIME_SPAN, "both", "admin -> broker")                  \
    X(304, GET_SYSTEM_TOPIC_LIST_FROM_NS, "both", "client API -> namesrv")      \
    X(305, GET_SYSTEM_TOPIC_LIST_FROM_BROKER, "both", "admin -> broker")        \
    X(306, CLEAN_EXPIRED_CONSUMEQUEUE, "both", "admin -> broker")               \
    X(307, GET_CONSUMER_RUNNING_INFO, "both", "admin -> broker -> client")      \
    X(308, QUERY_CORRECTION_OFFSET, "both", "client API -> broker")             \
    X(309, CONSUME_MESSAGE_DIRECTLY, "both", "admin -> broker -> client")       \
    X(310, SEND_MESSAGE_V2, "both", "client -> broker")                         \
    X(311, GET_UNIT_TOPIC_LIST, "both", "client API -> namesrv")                \
    X(312, GET_HAS_UNIT_SUB_TOPIC_LIST, "both", "client API -> namesrv")        \
    X(313, GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST, "both", "client API -> namesrv") \
    X(314, CLONE_GROUP_OFFSET, "both", "admin -> broker")                       \
    X(315, VIEW_BROKER_STATS_DATA, "both", "admin -> broker")                   \
    X(316, CLEAN_UNUSED_TOPIC, "both", "admin -> broker")                       \
    X(317, GET_BROKER_CONSUME_STATS, "both", "admin -> broker")                 \
    X(318, UPDATE_NAMESRV_CONFIG, "both", "admin -> namesrv")                   \
    X(319, GET_NAMESRV_CONFIG, "both", "admin -> namesrv")                      \
    X(320, SEND_BATCH_MESSAGE, "both", "client -> broker")                      \
    X(321, QUERY_CONSUME_QUEUE, "both", "admin -> broker")                      \
    X(322, QUERY_DATA_VERSION, "both", "broker -> namesrv")                     \
    X(323, RESUME_CHECK_HALF_MESSAGE, "both", "admin -> broker")                \
    X(324, SEND_REPLY_MESSAGE, "both", "client -> broker")                      \
    X(325, SEND_REPLY_MESSAGE_V2, "both", "client -> broker")                   \
    X(326, PUSH_REPLY_MESSAGE_TO_CLIENT, "both", "broker -> client")            \
    X(327, ADD_WRITE_PERM_OF_BROKER, "both", "admin -> namesrv")                \
    X(328, GET_ALL_PRODUCER_INFO, "both", "admin -> broker")                    \
    X(329, DELETE_EXPIRED_COMMITLOG, "both", "admin -> broker")                 \
    X(343, QUERY_TOPICS_BY_CONSUMER, "5.3", "admin -> broker")                  \
    X(345, QUERY_SUBSCRIPTION_BY_CONSUMER, "5.3", "admin -> broker")            \
    X(351, GET_TOPIC_CONFIG, "5.3", "admin -> broker")                          \
    X(352, GET_SUBSCRIPTIONGROUP_CONFIG, "5.3", "admin -> broker")              \
    X(353, UPDATE_AND_GET_GROUP_FORBIDDEN, "5.3", "admin -> broker")            \
    X(354, CHECK_ROCKSDB_CQ_WRITE_PROGRESS, "5.3", "admin -> broker")           \
    X(355, EXPORT_ROCKSDB_CONFIG_TO_JSON, "5.3", "admin -> broker")             \
    X(361, LITE_PULL_MESSAGE, "5.3", "client -> broker")                        \
    X(370, RECALL_MESSAGE, "5.3", "client -> broker")                           \
    X(400, QUERY_ASSIGNMENT, "5.3", "client -> broker")                         \
    X(401, SET_MESSAGE_REQUEST_MODE, "5.3", "admin -> broker")                  \
    X(402, GET_ALL_MESSAGE_REQUEST_MODE, "5.3", "slave -> broker")              \
    X(513, UPDATE_AND_CREATE_STATIC_TOPIC, "5.3", "admin -> broker")            \
    X(901, GET_BROKER_MEMBER_GROUP, "5.3", "broker -> namesrv")                 \
    X(902, ADD_BROKER, "5.3", "admin -> broker container")                      \
    X(903, REMOVE_BROKER, "5.3", "admin -> broker container")                   \
    X(904, BROKER_HEARTBEAT, "5.3", "broker -> namesrv, controller")            \
    X(905, NOTIFY_MIN_BROKER_ID_CHANGE, "5.3", "namesrv -> broker")             \
    X(906, EXCHANGE_BROKER_HA_INFO, "5.3", "broker -> broker")                  \
    X(907, GET_BROKER_HA_STATUS, "5.3", "admin -> broker")                      \
    X(908, RESET_MASTER_FLUSH_OFFSET, "5.3", "admin -> broker")                 \
    X(1001, CONTROLLER_ALTER_SYNC_STATE_SET, "5.3", "controller mode")          \
    X(1002, CONTROLLER_ELECT_MASTER, "5.3", "controller mode")                  \
    X(1003, CONTROLLER_REGISTER_BROKER, "5.3", "controller mode")               \
    X(1004, CONTROLLER_GET_REPLICA_INFO, "5.3", "controller mode")              \
    X(1005, CONTROLLER_GET_METADATA_INFO, "5.3", "controller mode")             \
    X(1006, CONTROLLER_GET_SYNC_STATE_DATA, "5.3", "controller mode")           \
    X(1007, GET_BROKER_EPOCH_CACHE, "5.3", "controller mode")                   \
    X(1008, NOTIFY_BROKER_ROLE_CHANGED, "5.3", "controller mode")               \
    X(1009, UPDATE_CONTROLLER_CONFIG, "5.3", "controller mode")                 \
    X(1010, GET_CONTROLLER_CONFIG, "5.3", "controller mode")                    \
    X(1011, CLEAN_BROKER_DATA, "5.3", "controller mode")                        \
    X(1012, CONTROLLER_GET_NEXT_BROKER_ID, "5.3", "controller mode")            \
    X(1013, CONTROLLER_APPLY_BROKER_ID, "5.3", "controller mode")               \
    X(2001, UPDATE_COLD_DATA_FLOW_CTR_CONFIG, "5.3", "admin -> broker")         \
    X(2002, REMOVE_COLD_DATA_FLOW_CTR_CONFIG, "5.3", "admin -> broker")         \
    X(2003, GET_COLD_DATA_FLOW_CTR_INFO, "5.3", "admin -> broker")              \
    X(2004, SET_COMMITLOG_READ_MODE, "5.3", "admin -> broker")                  \
    X(3001, AUTH_CREATE_USER, "5.3", "admin -> broker")                         \
    X(3002, AUTH_UPDATE_USER, "5.3", "admin -> broker")                         \
    X(3003, AUTH_DELETE_USER, "5.3", "admin -> broker")                         \
    X(3004, AUTH_GET_USER, "5.3", "admin -> broker")                            \
    X(3005, AUTH_LIST_USER, "5.3", "admin -> broker")                           \
    X(3006, AUTH_CREATE_ACL, "5.3", "admin -> broker")                          \
    X(3007, AUTH_UPDATE_ACL, "5.3", "admin -> broker")                          \
    X(3008, AUTH_DELETE_ACL, "5.3", "admin -> broker")                          \
    X(3009, AUTH_GET_ACL, "5.3", "admin -> broker")                             \
    X(3010, AUTH_LIST_ACL, "5.3", "admin -> broker")                            \
    X(200050, POP_MESSAGE, "5.3", "client -> broker")                           \
    X(200051, ACK_MESSAGE, "5.3", "client -> broker")                           \
    X(200052, PEEK_MESSAGE, "5.3", "client -> broker")                          \
    X(200053, CHANGE_MESSAGE_INVISIBLETIME, "5.3", "client -> broker")          \
    X(200054, NOTIFICATION, "5.3", "client -> broker")                          \
    X(200055, POLLING_INFO, "5.3", "client -> broker")                          \
    X(200056, POP_ROLLBACK, "5.3", "client -> broker")                          \
    X(200151, BATCH_ACK_MESSAGE, "5.3", "client -> broker")

#endif
