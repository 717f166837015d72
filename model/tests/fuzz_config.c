/* fuzz_config.c - any bytes as a heartbeat, a check request or a table of a broker; the first one
 * chooses the decoder. What decodes as a heartbeat is written anew and decodes to as much again.
 *
 * Run: build/fuzz/bin/fuzz_config model/tests/corpus/config -max_total_time=600 */
#include "model/base/check.h"
#include "model/tests/env_fake.h"
#include "model/wire/body_config.h"
#include "model/wire/body_heartbeat.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct run {
    struct env *env;
    struct heartbeat_writer writer;
    struct heartbeat_consumer consumer;
    struct buf written;
    bool in_producers;
    size_t calls;
};

/* Looks at each byte, for the sanitizers. */
static void touch(struct run *run, struct span span) {
    volatile uint8_t sum = 0;
    for (size_t i = 0; i < span.len; i++)
        sum = (uint8_t)(sum + span.data[i]);
    run->calls++;
}

static int on_client(void *ctx, const struct heartbeat_client *client) {
    struct run *run = ctx;
    touch(run, client->client_id);
    run->in_producers = false;
    heartbeat_begin(&run->writer, run->env, &run->written, client->fingerprint != 0,
                    client->client_id);
    return RMQ_OK;
}

static int on_consumer(void *ctx, const struct heartbeat_consumer *consumer) {
    struct run *run = ctx;
    RMQ_ASSERT(consumer->group.len > 0);
    touch(run, consumer->group);
    run->consumer = *consumer;
    heartbeat_consumer_begin(&run->writer, consumer);
    return RMQ_OK;
}

static int on_subscription(void *ctx, const struct heartbeat_subscription *subscription) {
    struct run *run = ctx;
    RMQ_ASSERT(subscription->topic.len > 0);
    touch(run, subscription->topic);
    touch(run, subscription->expression);
    touch(run, subscription->type);
    heartbeat_subscription(&run->writer, subscription);
    return RMQ_OK;
}

static int on_consumer_end(void *ctx) {
    struct run *run = ctx;
    heartbeat_consumer_end(&run->writer, &run->consumer);
    return RMQ_OK;
}

static int on_producer(void *ctx, struct span group) {
    struct run *run = ctx;
    RMQ_ASSERT(group.len > 0);
    touch(run, group);
    if (!run->in_producers)
        heartbeat_producers(&run->writer);
    run->in_producers = true;
    heartbeat_producer(&run->writer, group);
    return RMQ_OK;
}

/* Decodes and writes; RMQ_OK also when an expression does not parse (*whole false). */
static int rewrite(struct run *run, struct span body, struct buf *scratch, bool *whole) {
    const struct heartbeat_visitor visitor = {on_client,       on_consumer, on_subscription,
                                              on_consumer_end, on_producer, run};
    struct wire_error error = {0};
    int err = heartbeat_decode(body, scratch, &visitor, &error);
    *whole = false;
    if (err != RMQ_OK) {
        RMQ_ASSERT(error.offset <= body.len);
        return err;
    }
    if (!run->in_producers)
        heartbeat_producers(&run->writer);
    *whole = heartbeat_end(&run->writer) == RMQ_OK;
    return RMQ_OK;
}

static void fuzz_heartbeat(struct run *run, struct span body, struct buf *scratch) {
    struct run again = {.env = run->env};
    bool whole;
    buf_init(&again.written, run->env);
    if (rewrite(run, body, scratch, &whole) == RMQ_OK && whole) {
        int err = rewrite(&again, buf_span(&run->written), scratch, &whole);
        RMQ_ASSERT(err == RMQ_OK && whole && again.calls == run->calls);
    }
    buf_deinit(&again.written);
}

static void fuzz_check(struct run *run, struct span body, struct buf *scratch) {
    struct check_client check;
    struct wire_error error = {0};
    if (check_client_decode(body, scratch, &check, &error) != RMQ_OK)
        return;
    touch(run, check.client_id);
    touch(run, check.subscription.expression);
}

static int on_topic(void *ctx, const struct topic_config *topic) {
    touch(ctx, topic->name);
    return RMQ_OK;
}

static int on_group(void *ctx, const struct group *group) {
    touch(ctx, group->name);
    return RMQ_OK;
}

static int on_offset(void *ctx, struct span key, int32_t queue_id, int64_t offset) {
    struct run *run = ctx;
    touch(run, key);
    run->calls += (size_t)((uint32_t)queue_id ^ (uint64_t)offset);
    return RMQ_OK;
}

static int on_level(void *ctx, int32_t level, int64_t offset) {
    return on_offset(ctx, SPAN_NONE, level, offset);
}

static void fuzz(struct run *run, uint8_t choice, struct span body, struct buf *scratch) {
    struct data_version version;
    struct wire_error error = {0};
    int err = RMQ_OK;
    if (choice == '0')
        fuzz_heartbeat(run, body, scratch);
    else if (choice == '1')
        fuzz_check(run, body, scratch);
    else if (choice == '2')
        err = topic_table_decode(body, scratch, on_topic, run, &version, &error);
    else if (choice == '3')
        err = group_table_decode(body, scratch, on_group, run, &version, &error);
    else if (choice == '4')
        err = offset_table_decode(body, scratch, on_offset, run, &version, &error);
    else if (choice == '5')
        err = delay_table_decode(body, scratch, on_level, run, &version, &error);
    RMQ_ASSERT(err == RMQ_OK || error.offset <= body.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    struct run run = {.env = fake_create()};
    struct buf scratch;
    buf_init(&scratch, run.env);
    buf_init(&run.written, run.env);
    fuzz(&run, data[0], span_of(data + 1, size - 1), &scratch);
    buf_deinit(&run.written);
    buf_deinit(&scratch);
    fake_destroy(run.env);
    return 0;
}
