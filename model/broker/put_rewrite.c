/* broker/put_rewrite.c - see put_rewrite.h. */
#include "model/broker/put_rewrite.h"

#include "model/broker/broker_internal.h"

#define REAL_TOPIC SPAN_LITERAL("REAL_TOPIC")
#define REAL_QUEUE SPAN_LITERAL("REAL_QID")
#define PAIR_END 2

int32_t put_delay_level(struct span properties) {
    int32_t level = 0;
    struct span text = message_property(properties, SPAN_LITERAL("DELAY"));
    if (span_is_absent(text) || span_to_i32(text, &level) != RMQ_OK || level < 0)
        return 0;
    return level;
}

/* All of `properties` but an older real place, then this one. */
static int add_real_place(struct buf *out, struct span properties, struct span topic,
                          int32_t queue_id) {
    char number[24];
    struct span rest = properties, name, value;
    buf_clear(out);
    if (buf_reserve(out, properties.len + topic.len + 64) != RMQ_OK)
        return RMQ_E_NOMEM;
    while (message_property_next(&rest, &name, &value)) {
        if (!span_equal(name, REAL_TOPIC) && !span_equal(name, REAL_QUEUE))
            RMQ_IGNORE(message_property_put(out, 0, name, value), "a pair that was read is a pair");
    }
    struct span digits = span_of(number, format_i64(number, queue_id));
    int err = message_property_put(out, 0, REAL_TOPIC, topic);
    if (err == RMQ_OK)
        err = message_property_put(out, 0, REAL_QUEUE, digits);
    if (properties.len > 0 && properties.data[properties.len - 1] == PAIR_END) /* 5.3's way */
        buf_put_u8(out, PAIR_END);
    return err == RMQ_OK && buf_failed(out) ? RMQ_E_NOMEM : err;
}

int put_rewrite(struct broker *broker, const struct put_wish *wish, struct message *message) {
    struct span topic = message->topic;
    int32_t queue_id = message->queue_id;
    bool moved = false;
    if (wish->delay_level > 0) {
        int32_t highest = (int32_t)store_delay_levels(broker->store);
        int32_t level = wish->delay_level < highest ? wish->delay_level : highest;
        int err = schedule_stamp(&broker->schedule, level);
        if (err != RMQ_OK)
            return err;
        message->topic = SCHEDULE_TOPIC;
        message->queue_id = level - 1;
        moved = true;
    }
    if (!moved)
        return RMQ_OK;
    struct buf *out = &broker->sends.rewritten;
    int err = add_real_place(out, message->properties, topic, queue_id);
    if (err != RMQ_OK) {
        message->topic = topic;
        message->queue_id = queue_id;
        return err;
    }
    message->properties = buf_span(out);
    return RMQ_OK;
}
