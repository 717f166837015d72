/* client/producer_message.c - what is checked before a send, what is kept of its message, and the
 * request made of it. Source: client.md 7, 10; Validators.java, MQClientAPIImpl.sendMessage.
 *
 * Properties stand in the order of Java's hash map, so that requests are the same to the byte. */
#include "model/base/check.h"
#include "model/client/namespace.h"
#include "model/client/producer_internal.h"
#include "model/wire/body_internal.h"

#define TOPIC_MAX 127
#define SYS_ZLIB 0x300

/* ---- checks ---------------------------------------------------------------------------------- */

bool name_is_legal(struct span name) {
    for (size_t i = 0; i < name.len; i++) {
        uint8_t byte = name.data[i];
        bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
        bool digit = byte >= '0' && byte <= '9';
        if (!letter && !digit && byte != '%' && byte != '|' && byte != '_' && byte != '-')
            return false;
    }
    return true;
}

static bool is_blank(struct span text) {
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] > ' ')
            return false;
    }
    return true;
}

/* TBW102 and the like may be sent to. */
static bool is_forbidden(struct span topic) {
    static const struct span FORBIDDEN[] = {
        SPAN_LITERAL("SCHEDULE_TOPIC_XXXX"),
        SPAN_LITERAL("RMQ_SYS_TRANS_HALF_TOPIC"),
        SPAN_LITERAL("RMQ_SYS_TRANS_OP_HALF_TOPIC"),
        SPAN_LITERAL("TRANS_CHECK_MAX_TIME_TOPIC"),
        SPAN_LITERAL("SELF_TEST_TOPIC"),
        SPAN_LITERAL("OFFSET_MOVED_EVENT"),
    };
    for (size_t i = 0; i < sizeof FORBIDDEN / sizeof FORBIDDEN[0]; i++) {
        if (span_equal(topic, FORBIDDEN[i]))
            return true;
    }
    return false;
}

static int refuse(struct buf *why, const char *before, struct span topic, const char *after) {
    buf_put_text(why, before);
    buf_put_span(why, topic);
    buf_put_text(why, after);
    return RMQ_E_INVALID;
}

static int validate_topic(struct span name_space, struct span topic, struct buf *why) {
    size_t extra = name_space.len > 0 && !topic_is_system(topic) ? name_space.len + 1 : 0;
    if (is_blank(topic))
        return refuse(why, "The specified topic is blank", SPAN_NONE, "");
    if (topic.len + extra > TOPIC_MAX)
        return refuse(why, "The specified topic is longer than topic max length 127.", SPAN_NONE,
                      "");
    if (!name_is_legal(topic))
        return refuse(why, "The specified topic[", topic,
                      "] contains illegal characters, allowing only ^[%|a-zA-Z0-9_-]+$");
    if (is_forbidden(topic))
        return refuse(why, "Sending message to topic[", topic, "] is forbidden.");
    return RMQ_OK;
}

static int validate_body(const struct producer *producer, struct span body, struct buf *why) {
    if (span_is_absent(body))
        return refuse(why, "the message body is null", SPAN_NONE, "");
    if (body.len == 0)
        return refuse(why, "the message body length is zero", SPAN_NONE, "");
    if (body.len <= producer->settings.message_max)
        return RMQ_OK;
    buf_put_text(why, "the message body size over max value, MAX: ");
    buf_put_decimal(why, (int64_t)producer->settings.message_max);
    return RMQ_E_INVALID;
}

int message_validate(const struct producer *producer, const struct outgoing *message,
                     struct buf *why, int32_t *code) {
    *code = CLIENT_CODE_NONE;
    int err = validate_topic(producer->name_space, message->topic, why);
    if (err != RMQ_OK)
        return err;
    *code = RESPONSE_MESSAGE_ILLEGAL;
    return validate_body(producer, message->body, why);
}

/* ---- what is kept ---------------------------------------------------------------------------- */

static int put(struct buf *out, size_t start, const char *name, struct span value) {
    if (span_is_absent(value))
        return RMQ_OK;
    return message_property_put(out, start, span_of_text(name), value);
}

/* 5.3 ends the last pair, too. */
static void end_properties(const struct producer *producer, struct buf *out) {
    if (producer->client->profile_5_3)
        buf_put_u8(out, 0x02);
}

/* Appends the message's properties, unique key included. */
static int put_properties(struct producer *producer, const struct outgoing *message,
                          struct buf *out) {
    size_t start = out->len;
    char id[UNIQUE_ID_MAX], level[24];
    struct span unique = span_of(id, unique_id_next(&producer->client->ids, producer->env, id));
    struct span delay = SPAN_NONE;
    if (message->delay_level > 0 && !message->prepared)
        delay = span_of(level, format_i64(level, message->delay_level));
    buf_put_span(out, message->properties);
    int err = put(out, start, "KEYS", message->keys);
    if (err == RMQ_OK && message->prepared)
        err = put(out, start, "TRAN_MSG", SPAN_LITERAL("true"));
    if (err == RMQ_OK)
        err = put(out, start, "UNIQ_KEY", unique);
    if (err == RMQ_OK)
        err = put(out, start, "WAIT",
                  message->no_wait ? SPAN_LITERAL("false") : SPAN_LITERAL("true"));
    if (err == RMQ_OK)
        err = put(out, start, "DELAY", delay);
    if (err == RMQ_OK && message->prepared)
        err = put(out, start, "PGROUP", producer->member.group);
    if (err == RMQ_OK)
        err = put(out, start, "TAGS", message->tags);
    if (err == RMQ_OK && producer->name_space.len > 0)
        err = put(out, start, "INSTANCE_ID", producer->name_space);
    end_properties(producer, out);
    return err == RMQ_OK && buf_failed(out) ? RMQ_E_NOMEM : err;
}

/* The planted bug: each 100th body has a wrong byte. */
static void maybe_flip(struct producer *producer, uint8_t *body, size_t len) {
    if (++producer->messages % 100 == 0 && env_plant(producer->env, PLANT_PRODUCER_FLIP_BYTE))
        body[len - 1] ^= 1;
}

/* Replaces the body by its zlib stream; without memory it goes as it is, as in Java. */
static void compress(struct send_state *state) {
    struct producer *producer = state->producer;
    struct buf stream;
    buf_init(&stream, producer->env);
    if (body_deflate(producer->env, send_body(state), BODY_DEFLATE_MESSAGE, &stream) == RMQ_OK) {
        size_t len = state->bytes.len;
        state->bytes.len = state->properties_len;
        if (buf_reserve(&state->bytes, stream.len) == RMQ_OK) {
            buf_put_span(&state->bytes, buf_span(&stream));
            state->sys_flag |= MESSAGE_SYS_COMPRESSED | SYS_ZLIB;
        } else {
            state->bytes.len = len;
            state->bytes.failed = false;
        }
    }
    buf_deinit(&stream);
}

int send_state_keep(struct send_state *state, const struct outgoing *message) {
    struct producer *producer = state->producer;
    int err = put_properties(producer, message, &state->bytes);
    if (err != RMQ_OK)
        return err;
    state->properties_len = state->bytes.len;
    buf_put_span(&state->bytes, message->body);
    if (buf_failed(&state->bytes))
        return RMQ_E_NOMEM;
    maybe_flip(producer, state->bytes.data + state->properties_len, message->body.len);
    state->flag = message->flag;
    state->prepared = message->prepared;
    if (state->prepared)
        state->sys_flag |= MESSAGE_SYS_PREPARED;
    if (message->body.len >= producer->settings.compress_over)
        compress(state);
    return RMQ_OK;
}

/* ---- batches --------------------------------------------------------------------------------- */

static int check_member(const struct producer *producer, const struct outgoing *first,
                        const struct outgoing *message, struct buf *why) {
    static const char FAILED[] = "Failed to initiate the MessageBatch: ";
    if (message->delay_level > 0)
        return refuse(why, FAILED, SPAN_NONE, "TimeDelayLevel is not supported for batching");
    if (message->prepared)
        return refuse(why, FAILED, SPAN_NONE, "half messages are not sent in batches");
    if (span_starts_with(message->topic, SPAN_LITERAL("%RETRY%")))
        return refuse(why, FAILED, SPAN_NONE, "Retry Group is not supported for batching");
    if (!span_equal(message->topic, first->topic))
        return refuse(why, FAILED, SPAN_NONE,
                      "The topic of the messages in one batch should be the same");
    if (message->no_wait != first->no_wait)
        return refuse(why, FAILED, SPAN_NONE,
                      "The waitStoreMsgOK of the messages in one batch should the same");
    int32_t code;
    return message_validate(producer, message, why, &code);
}

/* Appends one sub message; its properties are put together in the producer's scratch memory. */
static int put_member(struct send_state *state, const struct outgoing *message) {
    struct producer *producer = state->producer;
    struct buf *properties = &producer->scratch;
    struct batch_item item = {.flag = message->flag, .body = message->body};
    buf_clear(properties);
    int err = put_properties(producer, message, properties);
    if (err != RMQ_OK)
        return err;
    item.properties = buf_span(properties);
    if (item.properties.len > INT16_MAX)
        return RMQ_E_LIMIT;
    batch_put(&state->bytes, &item);
    if (buf_failed(&state->bytes))
        return RMQ_E_NOMEM;
    size_t tail = item.properties.len + 2;
    maybe_flip(producer, state->bytes.data + state->bytes.len - tail - item.body.len,
               item.body.len);
    return RMQ_OK;
}

static int put_members(struct send_state *state, const struct outgoing *messages, size_t count,
                       struct buf *why) {
    struct producer *producer = state->producer;
    int err = RMQ_OK;
    for (size_t i = 0; err == RMQ_OK && i < count; i++) {
        err = check_member(producer, &messages[0], &messages[i], why);
        if (err == RMQ_OK)
            err = put_member(state, &messages[i]);
    }
    return err;
}

/* Those of the whole; in 5.3 with a unique key, which is made after the members'. */
static int put_batch_properties(struct send_state *state, bool no_wait) {
    const struct producer *producer = state->producer;
    struct buf *out = &state->bytes;
    char id[UNIQUE_ID_MAX];
    int err = RMQ_OK;
    memset(id, '0', sizeof id);
    if (producer->client->profile_5_3)
        err = put(out, 0, "UNIQ_KEY", span_of(id, unique_id_len(&producer->client->ids)));
    if (err == RMQ_OK)
        err = put(out, 0, "WAIT", no_wait ? SPAN_LITERAL("false") : SPAN_LITERAL("true"));
    end_properties(producer, out);
    state->properties_len = out->len;
    return err == RMQ_OK && buf_failed(out) ? RMQ_E_NOMEM : err;
}

static void set_batch_key(struct send_state *state) {
    struct producer *producer = state->producer;
    char *place = (char *)state->bytes.data + sizeof "UNIQ_KEY";
    if (producer->client->profile_5_3)
        unique_id_next(&producer->client->ids, producer->env, place);
}

int send_state_keep_batch(struct send_state *state, const struct outgoing *messages, size_t count,
                          struct buf *why) {
    state->batch = true;
    int err = put_batch_properties(state, messages[0].no_wait);
    if (err == RMQ_OK)
        err = put_members(state, messages, count, why);
    if (err != RMQ_OK)
        return err;
    set_batch_key(state);
    return validate_body(state->producer, send_body(state), why);
}

/* ---- the request ----------------------------------------------------------------------------- */

static int encode_v1(const struct header_send_v2 *from, struct wire_command *request,
                     struct buf *numbers) {
    struct header_send header = {.queue_id = from->queue_id,
                                 .flag = from->flag,
                                 .sys_flag = from->sys_flag,
                                 .reconsume_times = 0,
                                 .has_reconsume_times = true,
                                 .batch = false,
                                 .has_batch = true,
                                 .unit_mode = false,
                                 .has_unit_mode = true,
                                 .default_topic = from->default_topic,
                                 .default_topic_queue_nums = from->default_topic_queue_nums,
                                 .producer_group = from->producer_group,
                                 .broker_name = from->broker_name,
                                 .topic = from->topic,
                                 .born_timestamp = from->born_timestamp,
                                 .properties = from->properties};
    wire_command_init(request, REQUEST_SEND_MESSAGE);
    return header_encode(&HEADER_send, &header, request, numbers);
}

int send_request(struct send_state *state, struct wire_command *request) {
    struct producer *producer = state->producer;
    struct header_send_v2 header = {
        .producer_group = producer->member.group,
        .topic = state->topic->topic->name,
        .default_topic = producer->settings.create_topic_key,
        .default_topic_queue_nums = producer->settings.default_queue_nums,
        .queue_id = state->header_queue_id,
        .sys_flag = state->sys_flag,
        .born_timestamp = env_wall_ms(producer->env),
        .flag = state->flag,
        .properties = span_of(state->bytes.data, state->properties_len),
        .has_reconsume_times = true,
        .has_unit_mode = true,
        .batch = state->batch,
        .has_batch = true,
        .broker_name = span_of(state->header_broker, state->header_broker_len)};
    struct buf *numbers = &producer->scratch;
    buf_clear(numbers);
    int err = buf_reserve(numbers, HEADER_SCRATCH_BYTES);
    if (err != RMQ_OK)
        return err;
    if (!producer->settings.smart && !state->batch) {
        err = encode_v1(&header, request, numbers);
    } else {
        wire_command_init(request,
                          state->batch ? REQUEST_SEND_BATCH_MESSAGE : REQUEST_SEND_MESSAGE_V2);
        err = header_encode(&HEADER_send_v2, &header, request, numbers);
    }
    request->body = send_body(state);
    return err;
}
