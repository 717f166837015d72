/* broker/pull_checks.c - whether a pull may be, and what it filters by.
 *
 * Order and remarks: PullMessageProcessor.java processRequest of 4.9.8 and 5.3.3. */
#include "model/base/check.h"
#include "model/broker/broker_internal.h"
#include "model/broker/pull.h"

static bool check_group(struct broker *broker, const struct header_pull *header,
                        const struct group **group, struct outcome *outcome) {
    struct span name = header->consumer_group;
    int err = groups_find_or_create(&broker->groups, name, group);
    if (err == RMQ_E_NOMEM)
        return outcome_refuse(outcome, RESPONSE_SYSTEM_ERROR, "out of memory", SPAN_NONE, "");
    if (err != RMQ_OK) {
        outcome_refuse(outcome, RESPONSE_SUBSCRIPTION_GROUP_NOT_EXIST, "subscription group [", name,
                       "] does not exist, ");
        outcome_text(outcome, answer_help(broker->config.profile_5_3));
        return false;
    }
    if (!(*group)->consume_enable)
        return outcome_refuse(outcome, RESPONSE_NO_PERMISSION, "subscription group no permission, ",
                              name, "");
    return true;
}

static bool check_topic(struct broker *broker, const struct header_pull *header, struct span peer,
                        struct outcome *outcome) {
    struct topic_config topic;
    if (topics_find(&broker->topics, header->topic, &topic) != RMQ_OK) {
        outcome_refuse(outcome, RESPONSE_TOPIC_NOT_EXIST, "topic[", header->topic,
                       "] not exist, apply first please! ");
        outcome_text(outcome, answer_help(broker->config.profile_5_3));
        return false;
    }
    if ((topic.perm & PERM_READ) == 0)
        return outcome_refuse(outcome, RESPONSE_NO_PERMISSION, "the topic[", header->topic,
                              "] pulling message is forbidden");
    if (header->queue_id >= 0 && header->queue_id < topic.read_queue_nums)
        return true;
    outcome_init(outcome,
                 broker->config.profile_5_3 ? RESPONSE_INVALID_PARAMETER : RESPONSE_SYSTEM_ERROR);
    outcome_text(outcome, "queueId[");
    outcome_number(outcome, header->queue_id);
    outcome_text(outcome, "] is illegal, topic:[");
    outcome_span(outcome, header->topic);
    outcome_text(outcome, "] topicConfig.readQueueNums:[");
    outcome_number(outcome, topic.read_queue_nums);
    outcome_text(outcome, "] consumer:[/");
    outcome_span(outcome, peer);
    outcome_text(outcome, "]");
    return false;
}

static bool refuse_type(struct span type, struct outcome *outcome) {
    return outcome_refuse(outcome, RESPONSE_SYSTEM_ERROR,
                          "The broker does not support consumer to filter message by ", type, "");
}

/* The expression of a pull that brings its subscription: that of the group's heartbeats, if it is
 * the same, so that it is compiled once. */
static bool own_expression(struct broker *broker, const struct header_pull *header,
                           struct expression **expression, struct outcome *outcome) {
    const struct consumer_filter *known =
        consumer_filters_find(&broker->filters, header->topic, header->consumer_group);
    struct buf why;
    if (!broker->config.property_filter)
        return refuse_type(header->expression_type, outcome);
    if (known != NULL && span_equal(known->data.type, header->expression_type) &&
        span_equal(known->data.expression, header->subscription)) {
        *expression = expression_ref(known->expression);
        return true;
    }
    buf_init(&why, broker->env);
    int err = consumer_filters_compile(&broker->filters, header->expression_type,
                                       header->subscription, expression, &why);
    if (err == RMQ_E_NOMEM)
        outcome_refuse(outcome, RESPONSE_SYSTEM_ERROR, "out of memory", SPAN_NONE, "");
    else if (err != RMQ_OK)
        outcome_refuse(outcome, RESPONSE_SUBSCRIPTION_PARSE_FAILED, "", buf_span(&why), "");
    buf_deinit(&why);
    return err == RMQ_OK;
}

static bool own_filter(struct broker *broker, const struct header_pull *header,
                       struct subscription *filter, struct expression **expression,
                       struct outcome *outcome) {
    int err =
        subscription_parse(broker->env, header->subscription, header->expression_type, filter);
    if (err == RMQ_E_NOMEM)
        return outcome_refuse(outcome, RESPONSE_SYSTEM_ERROR, "out of memory", SPAN_NONE, "");
    if (err != RMQ_OK)
        return outcome_refuse(outcome, RESPONSE_SUBSCRIPTION_PARSE_FAILED,
                              "parse the consumer's subscription failed", SPAN_NONE, "");
    return filter->kind != SUBSCRIPTION_OTHER ||
           own_expression(broker, header, expression, outcome);
}

static bool refuse_unknown(const struct broker *broker, const char *what, struct outcome *outcome) {
    return outcome_refuse(outcome, RESPONSE_SUBSCRIPTION_NOT_EXIST, what, SPAN_NONE,
                          answer_help(broker->config.profile_5_3));
}

/* The expression that the group's heartbeats registered. */
static bool group_expression(struct broker *broker, const struct header_pull *header,
                             struct span type, struct expression **expression,
                             struct outcome *outcome) {
    const struct consumer_filter *filter =
        consumer_filters_find(&broker->filters, header->topic, header->consumer_group);
    if (filter == NULL)
        return outcome_refuse(
            outcome, RESPONSE_FILTER_DATA_NOT_EXIST,
            "The broker's consumer filter data is not exist!Your expression may be wrong!",
            SPAN_NONE, "");
    if (filter->data.version < header->sub_version)
        return outcome_refuse(outcome, RESPONSE_FILTER_DATA_NOT_LATEST,
                              "the consumer's consumer filter data not latest", SPAN_NONE, "");
    if (!broker->config.property_filter)
        return refuse_type(type, outcome);
    *expression = expression_ref(filter->expression);
    return true;
}

/* What the group's heartbeats subscribed. */
static bool group_filter(struct broker *broker, const struct header_pull *header,
                         const struct group *group, struct subscription *filter,
                         struct expression **expression, struct outcome *outcome) {
    const struct client_group *members = clients_find(&broker->clients, header->consumer_group);
    if (members == NULL)
        return refuse_unknown(broker, "the consumer's group info not exist", outcome);
    if (!group->consume_broadcast_enable && members->model == MODEL_BROADCASTING)
        return outcome_refuse(outcome, RESPONSE_NO_PERMISSION, "the consumer group[",
                              header->consumer_group, "] can not consume by broadcast way");
    const struct client_subscription *subscription =
        client_group_subscription(members, header->topic);
    if (subscription == NULL)
        return refuse_unknown(broker, "the consumer's subscription not exist", outcome);
    if (subscription->version < header->sub_version)
        return outcome_refuse(outcome, RESPONSE_SUBSCRIPTION_NOT_LATEST,
                              "the consumer's subscription not latest", SPAN_NONE, "");
    if (!subscription_is_tag_type(subscription->type) &&
        !group_expression(broker, header, subscription->type, expression, outcome))
        return false;
    if (subscription_copy(broker->env, &subscription->compiled, filter) == RMQ_OK)
        return true;
    expression_unref(*expression);
    *expression = NULL;
    return outcome_refuse(outcome, RESPONSE_SYSTEM_ERROR, "out of memory", SPAN_NONE, "");
}

bool pull_check(struct broker *broker, const struct header_pull *header, struct span peer,
                struct outcome *outcome) {
    const struct group *group;
    if ((broker->config.permission & PERM_READ) == 0)
        return outcome_refuse(outcome, RESPONSE_NO_PERMISSION, "the broker[", broker_ip(broker),
                              "] pulling message is forbidden");
    return check_group(broker, header, &group, outcome) &&
           check_topic(broker, header, peer, outcome);
}

bool pull_filter(struct broker *broker, const struct header_pull *header,
                 struct subscription *filter, struct expression **expression,
                 struct outcome *outcome) {
    const struct group *group = groups_find(&broker->groups, header->consumer_group);
    RMQ_ASSERT(group != NULL); /* pull_check has found it */
    return (header->sys_flag & PULL_FLAG_SUBSCRIPTION) != 0
               ? own_filter(broker, header, filter, expression, outcome)
               : group_filter(broker, header, group, filter, expression, outcome);
}
