/* fuzz_frame.c - any bytes as a frame: refused with a place, or decoded to what encodes again.
 *
 * Also sends them, cut in two, to a listening endpoint. Run: build/fuzz/bin/fuzz_frame
 * model/tests/corpus/frame -max_total_time=600 */
#include <stdlib.h>

#include "model/base/check.h"
#include "model/tests/env_fake.h"
#include "model/wire/remoting.h"

#define PORT 9876

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Fields that every serialization carries: with a key and a value that are not empty. */
static size_t next_field(const struct wire_command *command, size_t i) {
    while (i < command->field_count &&
           (command->fields[i].key.len == 0 || command->fields[i].value.len == 0))
        i++;
    return i;
}

static void check_same(const struct wire_command *a, const struct wire_command *b) {
    RMQ_ASSERT(a->code == b->code && a->flag == b->flag);
    RMQ_ASSERT(a->opaque == b->opaque && a->version == b->version);
    RMQ_ASSERT(a->language == b->language || a->language == WIRE_LANGUAGE_UNKNOWN);
    RMQ_ASSERT(span_equal(a->remark, b->remark) && span_equal(a->body, b->body));
    size_t i = next_field(a, 0);
    size_t k = next_field(b, 0);
    while (i < a->field_count && k < b->field_count) {
        RMQ_ASSERT(span_equal(a->fields[i].key, b->fields[k].key));
        RMQ_ASSERT(span_equal(a->fields[i].value, b->fields[k].value));
        i = next_field(a, i + 1);
        k = next_field(b, k + 1);
    }
    RMQ_ASSERT(i == a->field_count && k == b->field_count);
}

/* Escapes make JSON longer than the binary form, so that a limit can be hit on the way. */
static void check_reencoded(struct env *env, struct wire_command *command,
                            enum wire_serialization serialization) {
    struct buf encoded;
    struct buf scratch;
    struct wire_command again;
    struct wire_error error;
    buf_init(&encoded, env);
    buf_init(&scratch, env);
    command->serialization = serialization;
    int err = wire_encode(command, &encoded);
    if (err == RMQ_OK) {
        RMQ_ASSERT(wire_decode(buf_span(&encoded), &scratch, &again, &error) == RMQ_OK);
        check_same(command, &again);
    } else {
        RMQ_ASSERT(err == RMQ_E_LIMIT || (err == RMQ_E_RANGE && serialization == WIRE_BINARY));
    }
    buf_deinit(&encoded);
    buf_deinit(&scratch);
}

/* A blank in front of a JSON header sends it past the quick reader to the general one: the same
 * comes out. */
static void check_general_reader(struct env *env, struct span frame,
                                 const struct wire_command *command, int err) {
    struct buf spaced;
    struct buf scratch;
    struct wire_command again;
    struct wire_error error;
    size_t header_len = (size_t)frame.data[6] << 8 | frame.data[7];
    if (frame.data[4] != WIRE_JSON || frame.data[5] != 0 || header_len == 0xFFFF)
        return;
    buf_init(&spaced, env);
    buf_init(&scratch, env);
    buf_put_i32(&spaced, (int32_t)(frame.len - 4 + 1));
    buf_put_i32(&spaced, (int32_t)(header_len + 1));
    buf_put_u8(&spaced, ' ');
    buf_put_span(&spaced, span_from(frame, 8));
    RMQ_ASSERT(wire_decode(buf_span(&spaced), &scratch, &again, &error) == err);
    if (err == RMQ_OK) {
        check_same(command, &again);
        RMQ_ASSERT(again.language == command->language);
        RMQ_ASSERT(again.field_count == command->field_count);
        RMQ_ASSERT(again.has_fields == command->has_fields);
        RMQ_ASSERT(again.opaque_missing == command->opaque_missing);
    }
    buf_deinit(&spaced);
    buf_deinit(&scratch);
}

static void decode(struct env *env, struct span frame) {
    struct buf scratch;
    struct wire_command command;
    struct wire_error error = {.expected = NULL};
    buf_init(&scratch, env);
    int err = wire_decode(frame, &scratch, &command, &error);
    size_t frame_len = 0;
    if (wire_frame_length(frame, &frame_len) == RMQ_OK && frame_len == frame.len)
        check_general_reader(env, frame, &command, err);
    if (err == RMQ_OK) {
        check_reencoded(env, &command, WIRE_JSON);
        check_reencoded(env, &command, WIRE_BINARY);
    } else {
        RMQ_ASSERT(error.expected != NULL && error.offset <= frame.len);
    }
    buf_deinit(&scratch);
}

static void on_request(void *ctx, struct channel *channel, const struct wire_command *request) {
    RMQ_IGNORE(remoting_answer_code(ctx, channel, request, 0, request->remark),
               "some requests can't be answered");
}

static void deliver(struct env *env, struct span bytes) {
    static const struct remoting_handler handler = {.on_request = on_request};
    struct remoting remoting;
    struct remoting_config config;
    remoting_config_default(&config);
    remoting_init(&remoting, env, &config, &handler, &remoting);
    RMQ_ASSERT(remoting_listen(&remoting, PORT) == RMQ_OK);
    struct env_conn *conn = fake_accept(env, PORT, "10.0.0.1:1");
    size_t half = bytes.len / 2;
    if (half > 0)
        fake_deliver(conn, span_of(bytes.data, half));
    if (fake_is_open(conn) && bytes.len > half)
        fake_deliver(conn, span_from(bytes, half));
    remoting_deinit(&remoting);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct env *env = fake_create();
    size_t frame_len = 0;
    int err = wire_frame_length(span_of(data, size), &frame_len);
    RMQ_ASSERT((err == RMQ_E_AGAIN) == (size < 4));
    RMQ_ASSERT(err != RMQ_OK || (frame_len >= 8 && frame_len <= WIRE_FRAME_BYTES_MAX));
    decode(env, span_of(data, size));
    deliver(env, span_of(data, size));
    fake_destroy(env);
    return 0;
}
