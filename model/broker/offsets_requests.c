/* broker/offsets_requests.c - requests 14, 15 and 43 (broker.md 18.1).
 *
 * Source: ConsumerManageProcessor.java of 4.9.8 and 5.3.3; answers as observed in the captures. */
#include "model/base/check.h"
#include "model/broker/answer.h"
#include "model/broker/broker_internal.h"

#define REMARK_NOT_FOUND "Not found, V3_0_6_SNAPSHOT maybe this group consumer boot first"
#define REMARK_NOT_ZERO "Not found, do not set to zero, maybe this group boot first"

static int read_header(const struct wire_command *request, struct header_consumer_offset *header,
                       struct outcome *outcome) {
    const struct header_field_info *bad;
    int err = header_decode(&HEADER_consumer_offset, request, header, &bad);
    outcome_init(outcome, RESPONSE_SUCCESS);
    if (err != RMQ_OK)
        outcome_bad_header(outcome, err, bad);
    return err;
}

/* An answer made for a header without fields that are set. */
static void answer_outcome(struct broker *broker, const struct asker *asker,
                           const struct outcome *outcome) {
    struct wire_command response;
    wire_command_init(&response, outcome->code);
    response.remark = outcome->remark;
    response.has_fields = true;
    answer(&broker->remoting, asker, &response);
}

/* ---- 14 -------------------------------------------------------------------------------------- */

/* Whether a group without an offset begins at 0. 4.9: unless message 0 is thought to be on disk
 * only; 5.3: if message 0 is there and thought to be in memory. */
static bool begins_at_zero(const struct broker *broker,
                           const struct header_consumer_offset *header) {
    const struct store *store = broker->store;
    bool v5 = broker->config.profile_5_3;
    if (store_min_offset(store, header->topic, header->queue_id) > 0 ||
        store_is_on_disk_only(store, header->topic, header->queue_id, 0))
        return false;
    return !v5 || store_max_offset(store, header->topic, header->queue_id) > 0;
}

void broker_on_query_consumer_offset(struct broker *broker, struct channel *channel,
                                     const struct wire_command *request) {
    struct asker asker = asker_of(channel, request);
    struct header_consumer_offset header;
    struct header_offset_response answered = {0};
    struct outcome outcome;
    struct wire_command response;
    uint8_t memory[HEADER_SCRATCH_BYTES];
    struct buf numbers = {.data = memory, .capacity = sizeof memory};
    if (read_header(request, &header, &outcome) != RMQ_OK) {
        answer_outcome(broker, &asker, &outcome);
        return;
    }
    answered.offset =
        offsets_find(&broker->offsets, header.consumer_group, header.topic, header.queue_id);
    bool never_zero = broker->config.profile_5_3 && header.has_set_zero_if_not_found &&
                      !header.set_zero_if_not_found;
    if (answered.offset < 0 && !never_zero && begins_at_zero(broker, &header))
        answered.offset = 0;
    if (answered.offset < 0) {
        outcome_init(&outcome, RESPONSE_QUERY_NOT_FOUND);
        outcome_text(&outcome, never_zero ? REMARK_NOT_ZERO : REMARK_NOT_FOUND);
        answer_outcome(broker, &asker, &outcome);
        return;
    }
    wire_command_init(&response, RESPONSE_SUCCESS);
    int err = header_encode(&HEADER_offset_response, &answered, &response, &numbers);
    RMQ_ASSERT(err == RMQ_OK); /* one number */
    answer(&broker->remoting, &asker, &response);
}

/* ---- 15 -------------------------------------------------------------------------------------- */

/* 5.3 refuses names that it does not know. */
static bool names_exist(const struct broker *broker, const struct header_consumer_offset *header,
                        struct outcome *outcome) {
    struct topic_config topic;
    if (!broker->config.profile_5_3)
        return true;
    if (groups_find(&broker->groups, header->consumer_group) == NULL)
        return outcome_refuse(outcome, RESPONSE_SUBSCRIPTION_GROUP_NOT_EXIST, "Group ",
                              header->consumer_group, " not exist!");
    if (topics_find(&broker->topics, header->topic, &topic) != RMQ_OK)
        return outcome_refuse(outcome, RESPONSE_TOPIC_NOT_EXIST, "Topic ", header->topic,
                              " not exist!");
    return true;
}

void broker_on_update_consumer_offset(struct broker *broker, struct channel *channel,
                                      const struct wire_command *request) {
    struct asker asker = asker_of(channel, request);
    struct header_consumer_offset header;
    struct outcome outcome;
    int err = read_header(request, &header, &outcome);
    if (err == RMQ_OK && !header.has_commit_offset)
        outcome_refuse(&outcome, RESPONSE_SYSTEM_ERROR, "header field ",
                       SPAN_LITERAL("commitOffset"), " is missing");
    else if (err == RMQ_OK && offsets_is_reset(&broker->offsets, header.consumer_group,
                                               header.topic, header.queue_id)) {
        outcome_text(&outcome, "Offset has been previously reset");
    } else if (err == RMQ_OK && names_exist(broker, &header, &outcome)) {
        if (!span_is_absent(wire_field(request, SLAVE_SYNC_KEY)) &&
            store_replicated(broker->store) > 0)
            offsets_give(&broker->offsets, header.consumer_group, header.topic, header.queue_id,
                         header.commit_offset);
        err = offsets_commit(&broker->offsets, header.consumer_group, header.topic, header.queue_id,
                             header.commit_offset, span_of_text(channel_peer(channel)));
        if (err != RMQ_OK)
            outcome_refuse(&outcome, RESPONSE_SYSTEM_ERROR, rmq_err_text(err), SPAN_NONE, "");
        else if (broker->slave != NULL)
            slave_sync_committed(&broker->slave->sync, header.topic, header.consumer_group,
                                 header.queue_id, header.commit_offset);
    }
    answer_outcome(broker, &asker, &outcome);
}

/* ---- 43 -------------------------------------------------------------------------------------- */

void broker_on_all_consumer_offsets(struct broker *broker, struct channel *channel,
                                    const struct wire_command *request) {
    struct asker asker = asker_of(channel, request);
    struct wire_command response;
    struct buf body;
    buf_init(&body, broker->env);
    if (offsets_write_compact(&broker->offsets, &body) != RMQ_OK) {
        answer_code(&broker->remoting, &asker, RESPONSE_SYSTEM_ERROR,
                    SPAN_LITERAL("out of memory"));
    } else {
        wire_command_init(&response, RESPONSE_SUCCESS);
        response.body = buf_span(&body);
        answer(&broker->remoting, &asker, &response);
    }
    buf_deinit(&body);
}
