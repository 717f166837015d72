/* client/transaction.c - see transaction.h. */
#include "model/client/transaction.h"

#include "model/base/check.h"
#include "model/client/producer_internal.h"
#include "model/events.h"
#include "model/wire/body_internal.h"

void producer_set_checker(struct producer *producer, transaction_check_fn *check, void *ctx) {
    producer->check = check;
    producer->check_ctx = ctx;
}

/* ---- the end --------------------------------------------------------------------------------- */

static int build(struct producer *producer, struct header_end_transaction *header,
                 struct wire_command *request) {
    struct buf *numbers = &producer->scratch;
    header->producer_group = producer->member.group;
    wire_command_init(request, REQUEST_END_TRANSACTION);
    buf_clear(numbers);
    int err = buf_reserve(numbers, HEADER_SCRATCH_BYTES);
    return err == RMQ_OK ? header_encode(&HEADER_end_transaction, header, request, numbers) : err;
}

int transaction_end(struct producer *producer, const struct send *send, uint64_t number,
                    enum transaction_decision decision, bool tell) {
    struct client *client = producer->client;
    struct span broker = span_of_text(send->broker), key = span_of_text(send->unique_key);
    struct header_end_transaction header = {
        .broker_name = broker,
        .commit_log_offset = send->physical_offset,
        .topic = client->profile_5_3 ? send->topic : SPAN_NONE,
        .msg_id = key,
        .state_table_offset = send->queue_offset,
        .commit_or_rollback = (int32_t)decision,
        .transaction_id = client->profile_5_3 ? key : SPAN_NONE,
        .has_from_check = true,
    };
    struct span address = client_master_address(client, broker);
    struct wire_command request;
    int err = RMQ_OK;
    if (tell) {
        err = span_is_absent(address) ? RMQ_E_NOT_FOUND : build(producer, &header, &request);
        if (err == RMQ_OK)
            err = remoting_oneway(&client->remoting, address, &request);
    }
    event_transaction_decided(client->env, broker, send->queue_offset, number, (uint64_t)decision,
                              0, tell && err == RMQ_OK);
    return err;
}

/* ---- checks ---------------------------------------------------------------------------------- */

static struct producer *find_producer(const struct client *client, struct span group) {
    LIST_EACH(&client->producers, link, next) {
        const struct client_producer *member = LIST_ENTRY(link, struct client_producer, link);
        if (span_equal(member->group, group))
            return member->producer;
    }
    return NULL;
}

static void answer(struct producer *producer, struct channel *channel,
                   const struct header_check_transaction *asked, const struct message *message) {
    struct client *client = producer->client;
    uint64_t number = 0;
    enum transaction_decision decision = producer->check(producer->check_ctx, message, &number);
    struct header_end_transaction header = {
        .broker_name = asked->broker_name,
        .commit_log_offset = asked->commit_log_offset,
        .topic = client->profile_5_3 ? message->topic : SPAN_NONE,
        .msg_id = span_is_absent(asked->msg_id) ? asked->offset_msg_id : asked->msg_id,
        .state_table_offset = asked->state_table_offset,
        .commit_or_rollback = (int32_t)decision,
        .transaction_id = asked->transaction_id,
        .from_check = true,
        .has_from_check = true,
    };
    struct wire_command request;
    int err = build(producer, &header, &request);
    if (err == RMQ_OK)
        err = remoting_oneway_channel(&client->remoting, channel, &request);
    event_transaction_decided(client->env, asked->broker_name, asked->state_table_offset, number,
                              (uint64_t)decision, 1, err == RMQ_OK);
}

static void check(struct producer *producer, struct channel *channel,
                  const struct header_check_transaction *asked, struct message *message) {
    struct wire_error error;
    struct buf plain;
    int err = RMQ_OK;
    buf_init(&plain, producer->env);
    if ((message->sys_flag & MESSAGE_SYS_COMPRESSED) != 0) {
        err = body_inflate(producer->env, message->body, &plain, &error);
        message->body = buf_span(&plain);
    }
    if (err == RMQ_OK)
        answer(producer, channel, asked, message);
    buf_deinit(&plain);
}

void client_on_check_transaction(struct client *client, struct channel *channel,
                                 const struct wire_command *request) {
    struct header_check_transaction header;
    const struct header_field_info *bad;
    struct message message;
    if (header_decode(&HEADER_check_transaction, request, &header, &bad) != RMQ_OK ||
        message_decode(request->body, true, &message) != MESSAGE_OK) {
        env_log(client->env, ENV_LOG_WARN, "client: a broker's request 39 cannot be read");
        return;
    }
    struct producer *producer =
        find_producer(client, message_property(message.properties, SPAN_LITERAL("PGROUP")));
    if (producer != NULL && producer->check != NULL)
        check(producer, channel, &header, &message);
}
