#include "model/acl/check.h"

#include "model/base/check.h"
#include "model/wire/body_admin.h"
#include "model/wire/body_heartbeat.h"
#include "model/wire/codes.h"

#define RETRY_PREFIX SPAN_LITERAL("%RETRY%")
#define TRACE_TOPIC SPAN_LITERAL("RMQ_SYS_TRACE_TOPIC")

/* What a request uses: names of the ext fields that hold a topic and a group. */
struct use {
    int32_t code;
    const char *topic; /* NULL: none */
    uint8_t needed;    /* of the topic; a group always needs ACL_SUB */
    const char *group; /* NULL: none */
};
static const struct use USES[] = {
    {REQUEST_SEND_MESSAGE, "topic", ACL_PUB, NULL},
    {REQUEST_SEND_MESSAGE_V2, "b", ACL_PUB, NULL},
    {REQUEST_SEND_BATCH_MESSAGE, "b", ACL_PUB, NULL},
    {REQUEST_SEND_REPLY_MESSAGE, "topic", ACL_PUB, NULL},
    {REQUEST_SEND_REPLY_MESSAGE_V2, "b", ACL_PUB, NULL},
    {REQUEST_END_TRANSACTION, "topic", ACL_PUB, NULL},
    {REQUEST_CONSUMER_SEND_MSG_BACK, NULL, 0, "group"},
    {REQUEST_PULL_MESSAGE, "topic", ACL_SUB, "consumerGroup"},
    {REQUEST_LITE_PULL_MESSAGE, "topic", ACL_SUB, "consumerGroup"},
    {REQUEST_QUERY_MESSAGE, "topic", ACL_SUB, NULL},
    {REQUEST_QUERY_CONSUMER_OFFSET, "topic", ACL_SUB, "consumerGroup"},
    {REQUEST_UPDATE_CONSUMER_OFFSET, "topic", ACL_SUB, "consumerGroup"},
    {REQUEST_UNREGISTER_CLIENT, NULL, 0, "consumerGroup"},
    {REQUEST_GET_CONSUMER_LIST_BY_GROUP, NULL, 0, "consumerGroup"}};

static bool needs_admin(int32_t code) {
    switch (code) {
    case REQUEST_UPDATE_AND_CREATE_TOPIC:
    case REQUEST_UPDATE_AND_CREATE_TOPIC_LIST:
    case REQUEST_UPDATE_BROKER_CONFIG:
    case REQUEST_DELETE_TOPIC_IN_BROKER:
    case REQUEST_UPDATE_AND_CREATE_SUBSCRIPTIONGROUP:
    case REQUEST_UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST:
    case REQUEST_DELETE_SUBSCRIPTIONGROUP:
    case REQUEST_UPDATE_AND_CREATE_ACL_CONFIG:
    case REQUEST_DELETE_ACL_CONFIG:
    case REQUEST_UPDATE_GLOBAL_WHITE_ADDRS_CONFIG:
        return true;
    default:
        return false;
    }
}

/* ---- what is used ---------------------------------------------------------------------------- */

static bool refuse(struct acl_verdict *verdict, enum acl_reason reason, struct span subject) {
    verdict->reason = reason;
    verdict->subject = subject;
    return false;
}

static bool group_granted(struct acl_verdict *verdict, struct span group) {
    return span_is_absent(group) || acl_account_may_group(verdict->account, group, ACL_SUB) ||
           refuse(verdict, ACL_GROUP_REFUSED, group);
}

static bool topic_granted(struct acl_verdict *verdict, struct span topic, uint8_t needed) {
    if (span_is_absent(topic) || (needed == ACL_PUB && span_equal(topic, TRACE_TOPIC)))
        return true; /* traces are everybody's */
    if (span_starts_with(topic, RETRY_PREFIX))
        return group_granted(verdict, span_from(topic, RETRY_PREFIX.len));
    return acl_account_may_topic(verdict->account, topic, needed) ||
           refuse(verdict, ACL_TOPIC_REFUSED, topic);
}

/* Visitors of bodies: an error ends the reading; the verdict says why. */
static int on_consumer(void *ctx, const struct heartbeat_consumer *consumer) {
    return group_granted(ctx, consumer->group) ? RMQ_OK : RMQ_E_STATE;
}
static int on_subscription(void *ctx, const struct heartbeat_subscription *subscription) {
    return topic_granted(ctx, subscription->topic, ACL_SUB) ? RMQ_OK : RMQ_E_STATE;
}
static int on_client(void *ctx, const struct heartbeat_client *client) {
    return ctx != NULL && client != NULL ? RMQ_OK : RMQ_E_STATE;
}
static int on_consumer_end(void *ctx) {
    return ctx != NULL ? RMQ_OK : RMQ_E_STATE;
}
static int on_producer(void *ctx, struct span group) {
    return ctx != NULL && !span_is_absent(group) ? RMQ_OK : RMQ_E_STATE;
}
static int on_lock(void *ctx, const struct lock_request *request, const struct body_queue *queue) {
    return queue != NULL && group_granted(ctx, request->group) ? RMQ_OK : RMQ_E_STATE;
}

static bool body_granted(struct acl_verdict *verdict, const struct wire_command *request,
                         struct buf *scratch) {
    struct wire_error error;
    int err = RMQ_OK;
    if (request->code == REQUEST_HEART_BEAT) {
        const struct heartbeat_visitor visitor = {.on_client = on_client,
                                                  .on_consumer = on_consumer,
                                                  .on_subscription = on_subscription,
                                                  .on_consumer_end = on_consumer_end,
                                                  .on_producer = on_producer,
                                                  .ctx = verdict};
        err = heartbeat_decode(request->body, scratch, &visitor, &error);
    } else if (request->code == REQUEST_LOCK_BATCH_MQ || request->code == REQUEST_UNLOCK_BATCH_MQ) {
        struct lock_request header;
        err = lock_request_decode(request->body, scratch, &header, on_lock, verdict, &error);
    }
    if (err != RMQ_OK && verdict->reason == ACL_ALLOWED)
        return refuse(verdict, ACL_BAD_BODY, SPAN_NONE);
    return err == RMQ_OK;
}

static bool uses_granted(struct acl_verdict *verdict, const struct wire_command *request,
                         struct buf *scratch) {
    for (size_t i = 0; i < sizeof USES / sizeof USES[0]; i++) {
        const struct use *use = &USES[i];
        if (use->code != request->code)
            continue;
        return (use->topic == NULL ||
                topic_granted(verdict, wire_field(request, use->topic), use->needed)) &&
               (use->group == NULL || group_granted(verdict, wire_field(request, use->group)));
    }
    return body_granted(verdict, request, scratch);
}

/* ---- the verdict ----------------------------------------------------------------------------- */

static const struct acl_account *account_of(const struct acl_rules *rules, struct span key) {
    for (size_t i = 0; i < rules->count; i++) {
        const struct acl_account *account = acl_file_account(rules->files[i], key);
        if (account != NULL)
            return account;
    }
    return NULL;
}

struct acl_verdict acl_check(const struct acl_rules *rules, const struct acl_address *from,
                             const struct wire_command *request, struct buf *scratch) {
    struct acl_verdict verdict = {.reason = ACL_TRUSTED};
    for (size_t i = 0; i < rules->count; i++) {
        if (acl_addresses_match(&rules->files[i]->white, from))
            return verdict;
    }
    struct span key = wire_field(request, "AccessKey");
    if (span_is_absent(key)) {
        verdict.reason = ACL_NO_KEY;
        return verdict;
    }
    verdict.subject = key;
    verdict.account = account_of(rules, key);
    if (verdict.account == NULL) {
        verdict.reason = ACL_UNKNOWN_KEY;
    } else if (acl_addresses_match(&verdict.account->white, from)) {
        verdict.reason = ACL_TRUSTED;
    } else if (!wire_signature_holds(request, verdict.account->secret_key,
                                     wire_field(request, "Signature"))) {
        verdict.reason = ACL_BAD_SIGNATURE;
    } else if (needs_admin(request->code) && !verdict.account->admin) {
        verdict.reason = ACL_NOT_ADMIN;
    } else {
        verdict.reason = ACL_ALLOWED;
        buf_clear(scratch);
        RMQ_IGNORE(uses_granted(&verdict, request, scratch), "the verdict says it");
    }
    return verdict;
}
