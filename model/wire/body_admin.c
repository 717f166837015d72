/* wire/body_admin.c - writes the bodies of administrators' requests, as fastjson does: members in
 * order of their names, absent ones left out. Captures: mqadmin497-admin, mqadmin533-admin,
 * java497-order. */
#include "model/wire/body_admin.h"
#include "model/wire/body_internal.h"

static void write_text(struct json_writer *json, const char *key, struct span value) {
    if (span_is_absent(value))
        return;
    json_key_text(json, key);
    json_string(json, value);
}

void reset_offsets_begin(struct json_writer *json, bool as_list) {
    json_object_begin(json);
    json_key_text(json, "offsetTable");
    if (as_list)
        json_array_begin(json);
    else
        json_object_begin(json);
}

void reset_offset_write(struct json_writer *json, bool as_list, const struct body_queue *queue,
                        int64_t offset) {
    if (!as_list) {
        body_queue_key(json, queue);
        json_number(json, offset);
        return;
    }
    json_object_begin(json); /* MessageQueueForC.java */
    write_text(json, "brokerName", queue->broker_name);
    body_write_number(json, "offset", offset);
    body_write_number(json, "queueId", queue->queue_id);
    write_text(json, "topic", queue->topic);
    json_object_end(json);
}

void reset_offsets_end(struct json_writer *json, bool as_list) {
    if (as_list)
        json_array_end(json);
    else
        json_object_end(json);
    json_object_end(json);
}

void client_status_begin(struct json_writer *json) {
    json_object_begin(json);
    json_key_text(json, "consumerTable");
    json_object_begin(json);
    json_object_end(json);
    json_key_text(json, "messageQueueTable");
    json_object_begin(json);
}

void client_status_end(struct json_writer *json) {
    json_object_end(json);
    json_object_end(json);
}

void connection_write(struct json_writer *json, const struct connection_info *connection) {
    json_object_begin(json);
    write_text(json, "clientAddr", connection->address);
    write_text(json, "clientId", connection->client_id);
    write_text(json, "language", connection->language);
    body_write_number(json, "version", connection->version);
    json_object_end(json);
}

void producer_info_write(struct json_writer *json, const struct producer_info *producer) {
    json_object_begin(json);
    write_text(json, "clientId", producer->client_id);
    write_text(json, "language", producer->language);
    body_write_number(json, "lastUpdateTimestamp", producer->last_update);
    write_text(json, "remoteIP", producer->remote);
    body_write_number(json, "version", producer->version);
    json_object_end(json);
}

void lock_request_begin(struct json_writer *json, const struct lock_request *request) {
    json_object_begin(json);
    write_text(json, "clientId", request->client_id);
    write_text(json, "consumerGroup", request->group);
    json_key_text(json, "mqSet");
    json_array_begin(json);
}

void lock_request_end(struct json_writer *json, const struct lock_request *request,
                      bool profile_5_3) {
    json_array_end(json);
    if (profile_5_3)
        body_write_bool(json, "onlyThisBroker", request->only_this_broker);
    json_object_end(json);
}

void locked_queues_begin(struct json_writer *json) {
    json_object_begin(json);
    json_key_text(json, "lockOKMQSet");
    json_array_begin(json);
}

void locked_queues_end(struct json_writer *json) {
    json_array_end(json);
    json_object_end(json);
}

void consume_directly_write(struct json_writer *json, const struct consume_directly *result) {
    json_object_begin(json);
    body_write_bool(json, "autoCommit", result->auto_commit);
    if (result->has_result) {
        json_key_text(json, "consumeResult");
        json_string_text(json, consume_result_text(result->result));
    }
    body_write_bool(json, "order", result->order);
    write_text(json, "remark", result->remark);
    body_write_number(json, "spentTimeMills", result->spent_ms);
    json_object_end(json);
}
