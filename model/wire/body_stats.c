/* wire/body_stats.c - writes what a broker measures; see body_stats.h. */
#include "model/wire/body_stats.h"
#include "model/wire/body_internal.h"

#include "model/base/check.h"
#include "model/base/date.h"

static void put_text(struct json_writer *json, const char *key, struct span value) {
    json_key_text(json, key);
    json_string(json, value);
}

static void put_decimal(struct json_writer *json, const char *key, int64_t value) {
    uint8_t memory[DECIMAL_BYTES_MAX + 2];
    struct buf text = {.data = memory, .capacity = sizeof memory};
    decimal_put(&text, value);
    RMQ_ASSERT(!buf_failed(&text) && text.data == memory);
    json_key_text(json, key);
    json_raw(json, buf_span(&text));
}

static void begin(struct json_writer *json, struct buf *out) {
    json_writer_init(json, out, JSON_STYLE_FASTJSON);
    json_object_begin(json);
}

/* ---- 315 ------------------------------------------------------------------------------------- */

static void put_window(struct json_writer *json, const char *key,
                       const struct broker_stats_window *window) {
    json_key_text(json, key);
    json_object_begin(json);
    put_decimal(json, "avgpt", window->avgpt);
    body_write_number(json, "sum", window->sum);
    put_decimal(json, "tps", window->tps);
    json_object_end(json);
}

void broker_stats_data_write(struct buf *out, const struct broker_stats_data *data) {
    struct json_writer json;
    begin(&json, out);
    put_window(&json, "statsDay", &data->day);
    put_window(&json, "statsHour", &data->hour);
    put_window(&json, "statsMinute", &data->minute);
    json_object_end(&json);
}

/* ---- 202 ------------------------------------------------------------------------------------- */

void topic_stats_begin(struct json_writer *json, struct buf *out) {
    begin(json, out);
    json_key_text(json, "offsetTable");
    json_object_begin(json);
}

void topic_stats_queue(struct json_writer *json, const struct body_queue *queue,
                       const struct topic_offset *offset) {
    body_queue_key(json, queue);
    json_object_begin(json);
    body_write_number(json, "lastUpdateTimestamp", offset->last_update_ms);
    body_write_number(json, "maxOffset", offset->max_offset);
    body_write_number(json, "minOffset", offset->min_offset);
    json_object_end(json);
}

void topic_stats_end(struct json_writer *json, int64_t tps) {
    json_object_end(json);
    if (tps >= 0)
        put_decimal(json, "topicPutTps", tps);
    json_object_end(json);
}

/* ---- 208, 317 -------------------------------------------------------------------------------- */

void consume_stats_begin(struct json_writer *json, int64_t tps) {
    json_object_begin(json);
    put_decimal(json, "consumeTps", tps);
    json_key_text(json, "offsetTable");
    json_object_begin(json);
}

void consume_stats_queue(struct json_writer *json, const struct body_queue *queue,
                         const struct consume_offset *offset) {
    body_queue_key(json, queue);
    json_object_begin(json);
    body_write_number(json, "brokerOffset", offset->broker_offset);
    body_write_number(json, "consumerOffset", offset->consumer_offset);
    body_write_number(json, "lastTimestamp", offset->last_ms);
    if (offset->pull_offset >= 0)
        body_write_number(json, "pullOffset", offset->pull_offset);
    json_object_end(json);
}

void consume_stats_end(struct json_writer *json) {
    json_object_end(json);
    json_object_end(json);
}

void broker_consume_stats_begin(struct json_writer *json, struct buf *out,
                                struct span broker_addr) {
    begin(json, out);
    put_text(json, "brokerAddr", broker_addr);
    json_key_text(json, "consumeStatsList");
    json_array_begin(json);
}

void broker_consume_stats_group(struct json_writer *json, struct span group) {
    json_object_begin(json);
    json_key(json, group);
    json_array_begin(json);
}

void broker_consume_stats_group_end(struct json_writer *json) {
    json_array_end(json);
    json_object_end(json);
}

void broker_consume_stats_end(struct json_writer *json, int64_t total_diff,
                              const int64_t *total_inflight) {
    json_array_end(json);
    body_write_number(json, "totalDiff", total_diff);
    if (total_inflight != NULL)
        body_write_number(json, "totalInflightDiff", *total_inflight);
    json_object_end(json);
}

/* ---- 300 ------------------------------------------------------------------------------------- */

void group_list_begin(struct json_writer *json, struct buf *out) {
    begin(json, out);
    json_key_text(json, "groupList");
    json_array_begin(json);
}

void group_list_end(struct json_writer *json) {
    json_array_end(json);
    json_object_end(json);
}

/* ---- 303 ------------------------------------------------------------------------------------- */

#define TIME_TEXT sizeof "yyyy-MM-dd#HH:mm:ss:SSS" - 1

/* `digits` of them, and what follows. */
static char *put_part(char *out, uint32_t value, unsigned digits, char after) {
    for (unsigned i = digits; i-- > 0; value /= 10)
        out[i] = (char)('0' + value % 10);
    out[digits] = after;
    return out + digits + 1;
}

static void put_time(struct json_writer *json, const char *key, int64_t ms, int utc_offset_min) {
    char text[TIME_TEXT + 1];
    struct date date = date_of_ms(ms + (int64_t)utc_offset_min * 60000);
    char *at = put_part(text, (uint32_t)date.year, 4, '-');
    at = put_part(at, date.month, 2, '-');
    at = put_part(at, date.day, 2, '#');
    at = put_part(at, date.hour, 2, ':');
    at = put_part(at, date.minute, 2, ':');
    at = put_part(at, date.second, 2, ':');
    at = put_part(at, date.millisecond, 3, '\0');
    RMQ_ASSERT(at == text + sizeof text);
    put_text(json, key, span_of(text, TIME_TEXT));
}

void time_span_begin(struct json_writer *json, struct buf *out) {
    begin(json, out);
    json_key_text(json, "consumeTimeSpanSet");
    json_array_begin(json);
}

void time_span_queue(struct json_writer *json, const struct consume_time_span *span,
                     int utc_offset_min) {
    json_object_begin(json);
    body_write_number(json, "consumeTimeStamp", span->consume_ms);
    put_time(json, "consumeTimeStampStr", span->consume_ms, utc_offset_min);
    body_write_number(json, "delayTime", span->delay_ms);
    body_write_number(json, "maxTimeStamp", span->max_ms);
    put_time(json, "maxTimeStampStr", span->max_ms, utc_offset_min);
    json_key_text(json, "messageQueue");
    body_queue_write(json, &span->queue);
    body_write_number(json, "minTimeStamp", span->min_ms);
    put_time(json, "minTimeStampStr", span->min_ms, utc_offset_min);
    json_object_end(json);
}

void time_span_end(struct json_writer *json) {
    json_array_end(json);
    json_object_end(json);
}

/* ---- 321 ------------------------------------------------------------------------------------- */

void queue_units_begin(struct json_writer *json, struct buf *out,
                       const struct queue_units_info *info) {
    begin(json, out);
    if (!span_is_absent(info->filter_data))
        put_text(json, "filterData", info->filter_data);
    body_write_number(json, "maxQueueIndex", info->max_index);
    body_write_number(json, "minQueueIndex", info->min_index);
    json_key_text(json, "queueData");
    json_array_begin(json);
}

void queue_units_unit(struct json_writer *json, const struct queue_unit_data *unit) {
    json_object_begin(json);
    json_key_text(json, "eval");
    json_bool(json, unit->eval);
    if (!span_is_absent(unit->msg))
        put_text(json, "msg", unit->msg);
    body_write_number(json, "physicOffset", unit->physic_offset);
    body_write_number(json, "physicSize", unit->physic_size);
    body_write_number(json, "tagsCode", unit->tags_code);
    json_object_end(json);
}

void queue_units_end(struct json_writer *json, struct span subscription) {
    json_array_end(json);
    if (!span_is_absent(subscription)) {
        json_key_text(json, "subscriptionData");
        json_raw(json, subscription);
    }
    json_object_end(json);
}
