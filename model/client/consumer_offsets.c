/* client/consumer_offsets.c - a group's progress at the brokers: sent, asked for.
 *
 * Sent oneway every 5 s for every queue, changed or not, at release and at stop; the broker
 * overwrites what it has. Source: client.md 23.2; RemoteBrokerOffsetStore.java. */
#include "model/base/check.h"
#include "model/client/consumer_internal.h"

/* The master of the queue's broker, or any broker of that name. */
static struct span address_of(const struct consumer_queue *queue) {
    return client_pull_address(queue->consumer->client, queue->broker_name, 0, false, NULL);
}

static struct header_consumer_offset header_of(const struct consumer_queue *queue) {
    return (struct header_consumer_offset){.queue_id = queue->id,
                                           .has_queue_id = true,
                                           .broker_name = queue->broker_name,
                                           .topic = queue->topic->name,
                                           .consumer_group = queue->consumer->group};
}

static int64_t offset_to_send(const struct consumer_queue *queue) {
    if (env_plant(queue->consumer->env, PLANT_CONSUMER_COMMIT_AHEAD) &&
        queue->next_offset > queue->offset)
        return queue->next_offset;
    return queue->offset;
}

void consumer_offset_send(struct consumer_queue *queue) {
    struct consumer *consumer = queue->consumer;
    struct span address = address_of(queue);
    uint8_t bytes[HEADER_SCRATCH_BYTES];
    struct buf numbers = {.env = consumer->env, .data = bytes, .capacity = sizeof bytes};
    struct wire_command request;
    if (!queue->has_offset || consumer->config.broadcasting)
        return;
    struct header_consumer_offset header = header_of(queue);
    header.commit_offset = offset_to_send(queue);
    header.has_commit_offset = true;
    int err = RMQ_E_NOT_FOUND;
    if (address.len > 0) {
        wire_command_init(&request, REQUEST_UPDATE_CONSUMER_OFFSET);
        err = header_encode(&HEADER_consumer_offset, &header, &request, &numbers);
        if (err == RMQ_OK)
            err = remoting_oneway(&consumer->client->remoting, address, &request);
    }
    if (err != RMQ_OK) /* sent again with the next ones; at a release what is lost comes again */
        env_log(consumer->env, ENV_LOG_WARN, "consumer: offset of %.*s %d: %s",
                (int)queue->topic->name.len, (const char *)queue->topic->name.data, (int)queue->id,
                rmq_err_text(err));
}

void consumer_persist(void *ctx) {
    struct consumer *consumer = ctx;
    if (consumer->config.broadcasting) {
        local_offsets_save(consumer);
        return;
    }
    for (size_t i = 0; i < consumer->topic_count; i++) {
        LIST_EACH(&consumer->topics[i]->queues, link, following) {
            struct consumer_queue *queue = LIST_ENTRY(link, struct consumer_queue, link);
            if (queue->state == QUEUE_ACTIVE)
                consumer_offset_send(queue);
        }
    }
}

/* ---- questions ------------------------------------------------------------------------------- */

static int call(struct consumer_queue *queue, int32_t code, const struct header_info *info,
                const void *header, uint64_t timeout_ns, remoting_done_fn *done,
                struct span address) {
    uint8_t bytes[HEADER_SCRATCH_BYTES];
    struct buf numbers = {.env = queue->consumer->env, .data = bytes, .capacity = sizeof bytes};
    struct wire_command request;
    if (address.len == 0)
        return RMQ_E_NOT_FOUND;
    wire_command_init(&request, code);
    int err = header_encode(info, header, &request, &numbers);
    if (err == RMQ_OK)
        remoting_call(&queue->consumer->client->remoting, address, &request, REMOTING_SYNC,
                      timeout_ns, done, queue);
    return err;
}

int consumer_offset_query(struct consumer_queue *queue, remoting_done_fn *done) {
    struct header_consumer_offset header = header_of(queue);
    return call(queue, REQUEST_QUERY_CONSUMER_OFFSET, &HEADER_consumer_offset, &header,
                CONSUMER_OFFSET_RPC_NS, done, address_of(queue));
}

int consumer_bound_query(struct consumer_queue *queue, bool by_time, remoting_done_fn *done) {
    const struct consumer *consumer = queue->consumer;
    bool profile_5_3 = consumer->client->profile_5_3;
    struct header_queue_query header = {.queue_id = queue->id,
                                        .has_queue_id = true,
                                        .broker_name = queue->broker_name,
                                        .topic = queue->topic->name};
    if (by_time) {
        header.timestamp = consumer->config.timestamp_ms;
        header.has_timestamp = true;
        header.boundary_type = profile_5_3 ? SPAN_LITERAL("LOWER") : SPAN_NONE;
    } else {
        header.committed = true;
        header.has_committed = profile_5_3;
    }
    return call(queue, by_time ? REQUEST_SEARCH_OFFSET_BY_TIMESTAMP : REQUEST_GET_MAX_OFFSET,
                &HEADER_queue_query, &header, CONSUMER_ADMIN_RPC_NS, done,
                client_master_address(consumer->client, queue->broker_name));
}
