/* fuzz_body.c - any bytes as a body; the first one chooses the decoder.
 *
 * Run: build/fuzz/bin/fuzz_body model/tests/corpus/body -max_total_time=600 */
#include <stdlib.h>

#include "model/base/check.h"
#include "model/tests/env_fake.h"
#include "model/wire/body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct run {
    struct env *env;
    struct span body;
    struct buf scratch;
    struct wire_error error;
    size_t calls;
    struct register_body_writer *writer; /* NULL: topics are only counted */
};

/* Looks at each byte, for the sanitizers. */
static void touch(struct span span) {
    volatile uint8_t sum = 0;
    for (size_t i = 0; i < span.len; i++)
        sum = (uint8_t)(sum + span.data[i]);
}

static int on_text(void *ctx, struct span text) {
    struct run *run = ctx;
    touch(text);
    run->calls++;
    return RMQ_OK;
}

static int on_pair(void *ctx, struct span key, struct span value) {
    touch(key);
    return on_text(ctx, value);
}

static int on_topic(void *ctx, const struct topic_config *topic) {
    struct run *run = ctx;
    RMQ_ASSERT(topic->name.len > 0);
    if (run->writer != NULL)
        register_body_topic(run->writer, topic);
    return on_text(ctx, topic->name);
}

static int on_queue(void *ctx, const struct route_queue *queue) {
    RMQ_ASSERT(queue->broker_name.len > 0);
    return on_text(ctx, queue->broker_name);
}

static int on_broker_addr(void *ctx, const struct route_broker_addr *addr) {
    RMQ_ASSERT(addr->broker_name.len > 0);
    RMQ_ASSERT(addr->broker_id == -1 || !span_is_absent(addr->addr));
    touch(addr->cluster);
    touch(addr->addr);
    return on_text(ctx, addr->broker_name);
}

/* What was decoded, written anew, decodes to as many topics and the same version. */
static int decode_registration(struct run *run, enum register_body_form form, int32_t version) {
    static const struct data_version none = {.timestamp = 0};
    struct register_body_writer writer;
    struct register_body_info info;
    struct register_body_visitor visitor = {on_topic, NULL, run};
    struct buf written;
    buf_init(&written, run->env);
    run->writer = &writer;
    register_body_begin(&writer, &written, version >= WIRE_VERSION_5_0_0, &none, &none);
    int err =
        register_body_decode(run->env, run->body, form, version, &visitor, &info, &run->error);
    register_body_end(&writer);
    run->writer = NULL;
    if (err == RMQ_OK) {
        struct wire_error error;
        size_t topics = run->calls;
        RMQ_ASSERT(!data_version_equal(&info.version, &info.version) ==
                   info.version.timestamp_missing);
        run->calls = 0;
        RMQ_ASSERT(register_body_decode(run->env, buf_span(&written), REGISTER_BODY_JSON, version,
                                        &visitor, &info, &error) == RMQ_OK);
        RMQ_ASSERT(run->calls == topics);
        RMQ_ASSERT(data_version_equal(&info.version, &none));
    }
    buf_deinit(&written);
    return err;
}

static int decode_data_version(struct run *run) {
    struct data_version version;
    return data_version_decode(run->body, &version, &run->error);
}

static int decode(struct run *run, uint8_t choice) {
    const struct route_visitor visitor = {on_queue, on_broker_addr, on_text, run};
    switch (choice) {
    case '0':
        return decode_registration(run, REGISTER_BODY_JSON, WIRE_VERSION_4_9_8);
    case '1':
        return decode_registration(run, REGISTER_BODY_ZLIB, WIRE_VERSION_5_3_3);
    case '2':
        return decode_registration(run, REGISTER_BODY_TABLE_ONLY, 36);
    case '3':
        return decode_data_version(run);
    case '4':
        return route_decode(run->body, &run->scratch, &visitor, &run->error);
    case '5':
        return cluster_info_decode(run->body, &run->scratch, &visitor, &run->error);
    case '6':
        return kv_table_decode(run->body, &run->scratch, on_pair, run, &run->error);
    case '7':
        return topic_list_decode(run->body, &run->scratch, on_text, run, &run->error);
    case '8':
        return decode_registration(run, REGISTER_BODY_ZLIB, WIRE_VERSION_4_9_8);
    default:
        return RMQ_OK;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    struct run run = {.env = fake_create(), .body = span_of(data + 1, size - 1)};
    buf_init(&run.scratch, run.env);
    int err = decode(&run, data[0]);
    RMQ_ASSERT(err == RMQ_OK || run.error.expected != NULL);
    RMQ_ASSERT(err == RMQ_OK || err == RMQ_E_INVALID || err == RMQ_E_LIMIT || err == RMQ_E_RANGE ||
               err == RMQ_E_MISSING);
    buf_deinit(&run.scratch);
    fake_destroy(run.env);
    return 0;
}
