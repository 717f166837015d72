/* broker/requests.c - every request that reaches a broker, and who handles it. */
#include "model/base/check.h"
#include "model/broker/broker_internal.h"

static void on_unknown(struct broker *broker, struct channel *channel,
                       const struct wire_command *request) {
    struct asker asker = asker_of(channel, request);
    struct outcome outcome;
    outcome_init(&outcome, RESPONSE_REQUEST_CODE_NOT_SUPPORTED);
    outcome_text(&outcome, " request type ");
    outcome_number(&outcome, request->code);
    outcome_text(&outcome, " not supported");
    answer_code(&broker->remoting, &asker, outcome.code, outcome.remark);
}

void broker_on_request(void *ctx, struct channel *channel, const struct wire_command *request) {
    struct broker *broker = ctx;
    if (broker->stopping)
        return; /* the connection ends within seconds, and tells the asker */
    RMQ_ASSERT(broker->serves);
    if (broker->access != NULL && !access_admits(broker->access, channel, request))
        return;
    switch (request->code) {
    case REQUEST_SEND_MESSAGE:
    case REQUEST_SEND_MESSAGE_V2:
    case REQUEST_SEND_BATCH_MESSAGE:
        if (flow_admit(&broker->flow, FLOW_SENDS, channel, request))
            send_process(broker, channel, request);
        break;
    case REQUEST_SEND_REPLY_MESSAGE:
    case REQUEST_SEND_REPLY_MESSAGE_V2:
        broker_on_send_reply(broker, channel, request);
        break;
    case REQUEST_PULL_MESSAGE:
    case REQUEST_LITE_PULL_MESSAGE:
        if (channel_is_second(channel)) /* no processor there (BrokerController.java) */
            on_unknown(broker, channel, request);
        else if (flow_admit(&broker->flow, FLOW_PULLS, channel, request))
            pull_process(broker, channel, request);
        break;
    case REQUEST_CONSUMER_SEND_MSG_BACK:
        broker_on_send_back(broker, channel, request);
        break;
    case REQUEST_QUERY_MESSAGE:
        query_by_key(broker, channel, request);
        break;
    case REQUEST_QUERY_CONSUMER_OFFSET:
        broker_on_query_consumer_offset(broker, channel, request);
        break;
    case REQUEST_UPDATE_CONSUMER_OFFSET:
        broker_on_update_consumer_offset(broker, channel, request);
        break;
    case REQUEST_UPDATE_AND_CREATE_TOPIC:
        broker_on_update_and_create_topic(broker, channel, request);
        break;
    case REQUEST_UPDATE_AND_CREATE_TOPIC_LIST:
        broker_on_update_and_create_topic_list(broker, channel, request);
        break;
    case REQUEST_DELETE_TOPIC_IN_BROKER:
        broker_on_delete_topic(broker, channel, request);
        break;
    case REQUEST_CLEAN_EXPIRED_CONSUMEQUEUE:
        broker_on_clean_expired_queue(broker, channel, request);
        break;
    case REQUEST_CLEAN_UNUSED_TOPIC:
        broker_on_clean_unused_topic(broker, channel, request);
        break;
    case REQUEST_DELETE_EXPIRED_COMMITLOG:
        broker_on_delete_expired_log(broker, channel, request);
        break;
    case REQUEST_GET_ALL_TOPIC_CONFIG:
        broker_on_all_topic_config(broker, channel, request);
        break;
    case REQUEST_GET_ALL_DELAY_OFFSET:
        broker_on_all_delay_offset(broker, channel, request);
        break;
    case REQUEST_GET_ALL_SUBSCRIPTIONGROUP_CONFIG:
        broker_on_all_groups(broker, channel, request);
        break;
    case REQUEST_GET_SYSTEM_TOPIC_LIST_FROM_BROKER:
        broker_on_system_topics(broker, channel, request);
        break;
    case REQUEST_GET_TOPIC_CONFIG:
        broker_on_topic_config(broker, channel, request);
        break;
    case REQUEST_GET_SUBSCRIPTIONGROUP_CONFIG:
        broker_on_group_config(broker, channel, request);
        break;
    case REQUEST_UPDATE_AND_CREATE_SUBSCRIPTIONGROUP:
        broker_on_update_group(broker, channel, request);
        break;
    case REQUEST_UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST:
        broker_on_update_group_list(broker, channel, request);
        break;
    case REQUEST_DELETE_SUBSCRIPTIONGROUP:
        broker_on_delete_group(broker, channel, request);
        break;
    case REQUEST_GET_CONSUMER_CONNECTION_LIST:
        broker_on_consumer_connections(broker, channel, request);
        break;
    case REQUEST_GET_PRODUCER_CONNECTION_LIST:
        broker_on_producer_connections(broker, channel, request);
        break;
    case REQUEST_GET_ALL_PRODUCER_INFO:
        broker_on_all_producers(broker, channel, request);
        break;
    case REQUEST_QUERY_TOPICS_BY_CONSUMER:
        broker_on_topics_by_consumer(broker, channel, request);
        break;
    case REQUEST_QUERY_SUBSCRIPTION_BY_CONSUMER:
        broker_on_subscription_by_consumer(broker, channel, request);
        break;
    case REQUEST_INVOKE_BROKER_TO_RESET_OFFSET:
        broker_on_reset_offset(broker, channel, request);
        break;
    case REQUEST_QUERY_CORRECTION_OFFSET:
        broker_on_correction_offset(broker, channel, request);
        break;
    case REQUEST_CLONE_GROUP_OFFSET:
        broker_on_clone_offset(broker, channel, request);
        break;
    case REQUEST_GET_CONSUMER_RUNNING_INFO:
        broker_on_running_info(broker, channel, request);
        break;
    case REQUEST_CONSUME_MESSAGE_DIRECTLY:
        broker_on_consume_directly(broker, channel, request);
        break;
    case REQUEST_INVOKE_BROKER_TO_GET_CONSUMER_STATUS:
        broker_on_consumer_status(broker, channel, request);
        break;
    case REQUEST_UPDATE_AND_CREATE_ACL_CONFIG:
        broker_on_update_acl(broker, channel, request);
        break;
    case REQUEST_DELETE_ACL_CONFIG:
        broker_on_delete_acl(broker, channel, request);
        break;
    case REQUEST_GET_BROKER_CLUSTER_ACL_INFO:
        broker_on_acl_version(broker, channel, request);
        break;
    case REQUEST_UPDATE_GLOBAL_WHITE_ADDRS_CONFIG:
        broker_on_update_white_addresses(broker, channel, request);
        break;
    case REQUEST_LOCK_BATCH_MQ:
        broker_on_lock_batch(broker, channel, request);
        break;
    case REQUEST_UNLOCK_BATCH_MQ:
        broker_on_unlock_batch(broker, channel, request);
        break;
    case REQUEST_RESUME_CHECK_HALF_MESSAGE:
        broker_on_resume_check_half(broker, channel, request);
        break;
    case REQUEST_SEARCH_OFFSET_BY_TIMESTAMP:
    case REQUEST_GET_EARLIEST_MSG_STORETIME:
        query_by_time(broker, channel, request);
        break;
    case REQUEST_GET_MAX_OFFSET:
    case REQUEST_GET_MIN_OFFSET:
        query_offset_bound(broker, channel, request);
        break;
    case REQUEST_VIEW_MESSAGE_BY_ID:
        query_by_offset(broker, channel, request);
        break;
    case REQUEST_GET_BROKER_RUNTIME_INFO:
        broker_on_runtime_info(broker, channel, request);
        break;
    case REQUEST_VIEW_BROKER_STATS_DATA:
        broker_on_stats_data(broker, channel, request);
        break;
    case REQUEST_GET_TOPIC_STATS_INFO:
        broker_on_topic_stats(broker, channel, request);
        break;
    case REQUEST_GET_CONSUME_STATS:
        broker_on_consume_stats(broker, channel, request);
        break;
    case REQUEST_GET_BROKER_CONSUME_STATS:
        broker_on_all_consume_stats(broker, channel, request);
        break;
    case REQUEST_QUERY_TOPIC_CONSUME_BY_WHO:
        broker_on_topic_consumers(broker, channel, request);
        break;
    case REQUEST_QUERY_CONSUME_TIME_SPAN:
        broker_on_consume_time_span(broker, channel, request);
        break;
    case REQUEST_QUERY_CONSUME_QUEUE:
        broker_on_queue_units(broker, channel, request);
        break;
    case REQUEST_HEART_BEAT:
        broker_on_heartbeat(broker, channel, request);
        break;
    case REQUEST_UNREGISTER_CLIENT:
        broker_on_unregister_client(broker, channel, request);
        break;
    case REQUEST_GET_CONSUMER_LIST_BY_GROUP:
        broker_on_consumer_list(broker, channel, request);
        break;
    case REQUEST_GET_ALL_CONSUMER_OFFSET:
        broker_on_all_consumer_offsets(broker, channel, request);
        break;
    case REQUEST_CHECK_CLIENT_CONFIG:
        broker_on_check_client_config(broker, channel, request);
        break;
    case REQUEST_UPDATE_BROKER_CONFIG:
        broker_on_update_config(broker, channel, request);
        break;
    case REQUEST_GET_BROKER_CONFIG:
        broker_on_get_config(broker, channel, request);
        break;
    default:
        on_unknown(broker, channel, request);
    }
}
