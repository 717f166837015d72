/* broker/admin_groups.c - subscription groups by administrators: 200, 207, 225 (broker.md 22.2).
 *
 * 200 replaces the whole configuration: what the body leaves out is the default (admin.md 12.2).
 * Source: AdminBrokerProcessor.java, SubscriptionGroupManager.java of 4.9.8 and 5.3.3. Differs:
 * names and counts are checked, Apache takes anything; 225 changes nothing when one of its groups
 * is refused; both names of 207's flag are known. 5.3 has no group attribute that could be changed,
 * so those of a group stay as they were loaded. */
#include "model/base/check.h"
#include "model/broker/broker_internal.h"

/* Whether a group may become so. */
static bool check_group(const struct broker *broker, const struct group *group,
                        struct outcome *outcome) {
    if (!topic_name_bytes(group->name))
        return outcome_refuse(outcome, RESPONSE_SYSTEM_ERROR, "groupName [", group->name,
                              "] contains illegal characters, allowing only ^[%|a-zA-Z0-9_-]+$");
    if (group->name.len > GROUP_NAME_MAX)
        return outcome_refuse(outcome, RESPONSE_SYSTEM_ERROR, "groupName [",
                              span_of(group->name.data, 32), "...] is longer than 255");
    if (group->retry_queues < 0 || group->retry_max < -1)
        return outcome_refuse(outcome, RESPONSE_SYSTEM_ERROR, "group ", group->name,
                              ": expected retryQueueNums >= 0 and retryMaxTimes >= -1");
    if (broker->config.profile_5_3 && !span_is_absent(group->attributes))
        return outcome_refuse(outcome, RESPONSE_SYSTEM_ERROR, "group ", group->name,
                              ": unsupported key in attributes, none is known");
    return true;
}

/* Its attributes stay: a request cannot change them. */
static int put_group(struct broker *broker, const struct group *asked) {
    struct group group = *asked;
    const struct group *old = groups_find(&broker->groups, group.name);
    group.attributes = old == NULL ? SPAN_NONE : old->attributes;
    return groups_put(&broker->groups, &group);
}

void broker_on_update_group(struct broker *broker, struct channel *channel,
                            const struct wire_command *request) {
    struct asker asker = asker_of(channel, request);
    struct wire_error error = {0};
    struct outcome outcome;
    struct group group;
    struct buf scratch;
    if (!admin_master(broker, &asker))
        return;
    buf_init(&scratch, broker->env);
    int err = group_decode(request->body, &scratch, &group, &error);
    if (err != RMQ_OK) {
        admin_refuse_body(broker, &asker, err, &error);
    } else if (!check_group(broker, &group, &outcome)) {
        answer_code(&broker->remoting, &asker, outcome.code, outcome.remark);
    } else {
        err = put_group(broker, &group);
        if (err == RMQ_OK)
            admin_answer(broker, &asker, SPAN_NONE, NULL);
        else
            admin_refuse(broker, &asker, RESPONSE_SYSTEM_ERROR, rmq_err_text(err), SPAN_NONE, "");
    }
    buf_deinit(&scratch);
}

/* ---- 225 ------------------------------------------------------------------------------------- */

struct group_list {
    struct broker *broker;
    struct outcome outcome;
};

static int check_listed(void *ctx, const struct group *group) {
    struct group_list *list = ctx;
    return check_group(list->broker, group, &list->outcome) ? RMQ_OK : RMQ_E_STATE;
}

static int put_listed(void *ctx, const struct group *group) {
    struct group_list *list = ctx;
    return put_group(list->broker, group);
}

void broker_on_update_group_list(struct broker *broker, struct channel *channel,
                                 const struct wire_command *request) {
    struct asker asker = asker_of(channel, request);
    struct group_list list = {.broker = broker};
    struct wire_error error = {0};
    struct buf scratch;
    if (!admin_master(broker, &asker))
        return;
    buf_init(&scratch, broker->env);
    int err = group_configs_decode(request->body, &scratch, check_listed, &list, &error);
    if (err == RMQ_OK)
        err = group_configs_decode(request->body, &scratch, put_listed, &list, &error);
    if (err == RMQ_OK)
        admin_answer(broker, &asker, SPAN_NONE, NULL);
    else if (err == RMQ_E_STATE)
        answer_code(&broker->remoting, &asker, list.outcome.code, list.outcome.remark);
    else
        admin_refuse_body(broker, &asker, err, &error);
    buf_deinit(&scratch);
}

/* ---- 207 ------------------------------------------------------------------------------------- */

void broker_on_delete_group(struct broker *broker, struct channel *channel,
                            const struct wire_command *request) {
    struct asker asker = asker_of(channel, request);
    struct header_delete_group header;
    if (!admin_master(broker, &asker) ||
        !admin_header(broker, &asker, request, &HEADER_delete_group, &header))
        return;
    RMQ_IGNORE(groups_remove(&broker->groups, header.group_name), "it is gone already");
    stats_forget_group(&broker->stats, header.group_name);
    if ((header.has_remove_offset && header.remove_offset) ||
        (header.has_clean_offset && header.clean_offset))
        offsets_remove_group(&broker->offsets, header.group_name);
    admin_answer(broker, &asker, SPAN_NONE, NULL);
}
