/* broker/config.h - what a broker is configured with: RocketMQ's keys, read and checked once.
 *
 * The names of the broker and of the topics made from them live in one block of memory. Source:
 * broker.md 1, 2; keys and defaults in broker.h. */
#ifndef MODEL_BROKER_CONFIG_H
#define MODEL_BROKER_CONFIG_H

#include "model/base/props.h"
#include "model/wire/frame.h"

struct broker_config {
    char *text; /* the one allocation behind all spans below, and the rest of `topics` */
    struct span cluster;
    struct span name;
    struct span addr;    /* brokerIP1:listenPort */
    struct span ha_addr; /* brokerIP2:haListenPort */
    struct span trace_topic;
    struct span reply_topic;  /* <cluster>_REPLY_TOPIC */
    struct span revive_topic; /* rmq_sys_REVIVE_LOG_<cluster> */
    struct span member_topic; /* rmq_sys_SYNC_BROKER_MEMBER_<broker> */
    struct span config_dir;   /* <storePathRootDir>/config */
    int64_t broker_id;        /* 0: master */
    bool sync_master;         /* brokerRole SYNC_MASTER */
    bool sync_flush;          /* flushDiskType SYNC_FLUSH */
    bool ha_from_first_file;  /* haNewSlaveFromFirstFile (own) */
    uint16_t ha_port;         /* haListenPort */
    uint32_t ha_batch_bytes;  /* haTransferBatchSize */
    uint32_t ha_heartbeat_ms; /* haSendHeartbeatInterval */
    uint32_t ha_silence_ms;   /* haHousekeepingInterval */
    uint64_t log_file_bytes;  /* mappedFileSizeCommitLog */
    struct span ha_master;    /* haMasterAddress; empty: what name servers say */
    uint32_t quirks;          /* bits of enum quirk_id */
    uint32_t period_ms;       /* between registrations, clamped to 10 to 60 s */
    uint32_t timeout_ms;      /* of one registration */
    uint32_t heartbeat_ms;    /* between 904 or 322 with the acting master */
    uint32_t member_ms;       /* between 901 or 105 with the acting master */
    uint32_t not_active_ms;   /* expiry announced with the acting master */
    uint32_t offsets_save_ms; /* flushConsumerOffsetInterval */
    uint16_t listen_port;
    uint16_t topic_queues;  /* defaultTopicQueueNums */
    uint8_t permission;     /* brokerPermission: PERM_READ, PERM_WRITE */
    struct span region;     /* regionId */
    uint32_t send_wait_ms;  /* waitTimeMillsInSendQueue */
    uint32_t pull_wait_ms;  /* waitTimeMillsInPullQueue */
    uint32_t send_capacity; /* sendThreadPoolQueueCapacity */
    uint32_t pull_capacity; /* pullThreadPoolQueueCapacity */
    uint32_t pull_threads;  /* pullMessageThreadPoolNums: reads under way at most */
    uint32_t short_polling_ms;
    uint32_t query_max;      /* defaultQueryMaxNum */
    int64_t accept_sends_ms; /* startAcceptSendRequestTimeStamp, wall ms */
    bool fast_failure;       /* brokerFastFailureEnable */
    bool long_polling;       /* longPollingEnable */
    bool slave_read;         /* slaveReadEnable */
    bool trace_on;           /* traceOn */
    bool store_replies;      /* storeReplyMessageEnable */
    bool reject_transactions;
    enum wire_serialization serialization;
    bool profile_5_3;
    bool force_register;
    bool compressed_register;
    bool oneway_register;
    bool acting_master;
    bool compatible_with_old_namesrv;
    bool auto_create_topic;
    bool auto_create_group;  /* autoCreateSubscriptionGroup */
    bool notify_ids_changed; /* notifyConsumerIdsChangedEnable */
    bool cluster_topic;
    bool broker_topic;
    bool trace_topic_enabled;
    bool timer_wheel;
    bool property_filter;        /* enablePropertyFilter */
    bool filter_retry;           /* filterSupportRetry */
    uint8_t bloom_error_percent; /* maxErrorRateOfBloomFilter */
    uint32_t bloom_names;        /* expectConsumerNumUseFilter */
    int64_t filter_clean_ms;     /* filterDataCleanTimeSpan */
};

/* Reads and checks all of `props` except `namesrvAddr` and `topics`, whose owners do. RMQ_E_INVALID
 * for a wrong value, with its key logged; RMQ_E_NOMEM. Unknown keys are logged and ignored, as
 * RocketMQ does. */
int broker_config_read(struct env *env, const struct props *props,
                       struct broker_config *config) RMQ_CHECK_RESULT;
void broker_config_free(struct env *env, struct broker_config *config);

/* May topics be both read and written? Otherwise registrations carry a narrower permission. */
static inline bool broker_config_full_permission(const struct broker_config *config) {
    return (config->permission & 6U) == 6U;
}

#endif
