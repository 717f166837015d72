/* fuzz_admin.c - any bytes as a body of an administrator's request or answer: body_admin.h,
 * body_stats.h, body_running.h. The first byte chooses the decoder.
 *
 * Run: build/fuzz/bin/fuzz_admin model/tests/corpus/admin -max_total_time=600 */
#include "model/base/check.h"
#include "model/tests/env_fake.h"
#include "model/wire/body_admin.h"
#include "model/wire/body_running.h"
#include "model/wire/body_stats.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct run {
    struct span body;
    struct buf scratch;
    struct wire_error error;
    size_t calls;
};

/* Looks at each byte, for the sanitizers. */
static void touch(struct run *run, struct span span) {
    volatile uint8_t sum = 0;
    for (size_t i = 0; i < span.len; i++)
        sum = (uint8_t)(sum + span.data[i]);
    run->calls++;
}

static int on_name(void *ctx, struct span name) {
    touch(ctx, name);
    return RMQ_OK;
}

static int on_pair(void *ctx, struct span key, struct span value) {
    touch(ctx, key);
    return on_name(ctx, value);
}

static int on_queue(void *ctx, const struct body_queue *queue) {
    touch(ctx, queue->broker_name);
    return on_name(ctx, queue->topic);
}

static int on_queue_offset(void *ctx, const struct body_queue *queue, int64_t offset) {
    RMQ_IGNORE(offset < 0, "any is possible");
    return on_queue(ctx, queue);
}

static int on_client_offset(void *ctx, struct span client_id, const struct body_queue *queue,
                            int64_t offset) {
    touch(ctx, client_id);
    return on_queue_offset(ctx, queue, offset);
}

static int on_connection(void *ctx, const struct connection_info *connection) {
    touch(ctx, connection->address);
    touch(ctx, connection->language);
    return on_name(ctx, connection->client_id);
}

static int on_subscription(void *ctx, const struct heartbeat_subscription *subscription) {
    touch(ctx, subscription->topic);
    return on_name(ctx, subscription->expression);
}

static int on_producer(void *ctx, struct span group, const struct producer_info *producer) {
    touch(ctx, group);
    touch(ctx, producer->client_id);
    touch(ctx, producer->language);
    return on_name(ctx, producer->remote);
}

static int on_lock(void *ctx, const struct lock_request *request, const struct body_queue *queue) {
    RMQ_ASSERT(!span_is_absent(request->client_id) && !span_is_absent(request->group));
    touch(ctx, request->client_id);
    touch(ctx, request->group);
    return on_queue(ctx, queue);
}

static int on_correction(void *ctx, int32_t queue_id, int64_t offset) {
    RMQ_IGNORE(queue_id < 0 || offset < 0, "any is possible");
    return on_name(ctx, SPAN_NONE);
}

static int on_topic_offset(void *ctx, const struct body_queue *queue,
                           const struct topic_offset *offset) {
    return on_queue_offset(ctx, queue, offset->max_offset);
}

static int on_consume_offset(void *ctx, const struct body_queue *queue,
                             const struct consume_offset *offset) {
    return on_queue_offset(ctx, queue, offset->broker_offset);
}

static int on_topic_rate(void *ctx, int64_t tps) {
    RMQ_IGNORE(tps < 0, "any is possible");
    return on_name(ctx, SPAN_NONE);
}

static int on_time_span(void *ctx, const struct consume_time_span *span) {
    return on_queue(ctx, &span->queue);
}

static int on_unit(void *ctx, const struct queue_unit_data *unit) {
    return on_name(ctx, unit->msg);
}

static int on_running_queue(void *ctx, const struct body_queue *queue,
                            const struct running_queue *info) {
    return on_queue_offset(ctx, queue, info->commit_offset);
}

static int on_status(void *ctx, struct span topic, const struct running_status *status) {
    touch(ctx, topic);
    touch(ctx, status->failed_tps);
    touch(ctx, status->consume_rt);
    touch(ctx, status->pull_rt);
    touch(ctx, status->pull_tps);
    return on_name(ctx, status->ok_tps);
}

/* ---- decoders ---- */

static int run_reset(struct run *r) {
    return reset_offsets_decode(r->body, &r->scratch, on_queue_offset, r, &r->error);
}
static int run_status(struct run *r) {
    const struct consumer_status_visitor visitor = {on_name, on_client_offset, r};
    return consumer_status_decode(r->body, &r->scratch, &visitor, &r->error);
}
static int run_connections(struct run *r) {
    const struct connections_visitor visitor = {on_connection, on_subscription, r};
    struct connections_group group;
    return connections_decode(r->body, &r->scratch, &visitor, &group, &r->error);
}
static int run_producers(struct run *r) {
    return producer_table_decode(r->body, &r->scratch, on_producer, r, &r->error);
}
static int run_lock(struct run *r) {
    struct lock_request request;
    return lock_request_decode(r->body, &r->scratch, &request, on_lock, r, &r->error);
}
static int run_locked(struct run *r) {
    return locked_queues_decode(r->body, &r->scratch, on_queue, r, &r->error);
}
static int run_correction(struct run *r) {
    return correction_offsets_decode(r->body, &r->scratch, on_correction, r, &r->error);
}
static int run_directly(struct run *r) {
    struct consume_directly result;
    int err = consume_directly_decode(r->body, &r->scratch, &result, &r->error);
    if (err == RMQ_OK)
        touch(r, result.remark);
    return err;
}
static int run_names(struct run *r) {
    return name_list_decode(r->body, &r->scratch, "topicList", on_name, r, &r->error);
}
static int run_subscription(struct run *r) {
    struct group_subscription result;
    int err = group_subscription_decode(r->body, &r->scratch, &result, &r->error);
    if (err == RMQ_OK)
        touch(r, result.topic);
    if (err == RMQ_OK && result.has_subscription)
        err = on_subscription(r, &result.subscription);
    return err;
}
static int run_item(struct run *r) {
    struct broker_stats_data data;
    return broker_stats_data_decode(r->body, &data, &r->error);
}
static int run_topic_stats(struct run *r) {
    int64_t tps;
    return topic_stats_decode(r->body, &r->scratch, on_topic_offset, r, &tps, &r->error);
}
static int run_consume_stats(struct run *r) {
    const struct consume_stats_visitor visitor = {on_consume_offset, NULL, NULL, r};
    int64_t tps;
    return consume_stats_decode(r->body, &r->scratch, &visitor, &tps, &r->error);
}
static int run_broker_stats(struct run *r) {
    const struct consume_stats_visitor visitor = {on_consume_offset, on_name, on_topic_rate, r};
    struct broker_consume_stats totals;
    int err = broker_consume_stats_decode(r->body, &r->scratch, &visitor, &totals, &r->error);
    if (err == RMQ_OK)
        touch(r, totals.broker_addr);
    return err;
}
static int run_groups(struct run *r) {
    return group_list_decode(r->body, &r->scratch, on_name, r, &r->error);
}
static int run_time_span(struct run *r) {
    return time_span_decode(r->body, &r->scratch, on_time_span, r, &r->error);
}
static int run_units(struct run *r) {
    struct queue_units_info info;
    return queue_units_decode(r->body, &r->scratch, on_unit, r, &info, &r->error);
}
static int run_running(struct run *r) {
    const struct running_visitor visitor = {on_pair,         on_running_queue, on_status,
                                            on_subscription, on_name,          r};
    return running_info_decode(r->body, &r->scratch, &visitor, &r->error);
}
static int run_triple(struct run *r) {
    int64_t triple[3];
    return runtime_triple_parse(r->body, triple);
}

static int (*const DECODERS[])(struct run *run) = {
    run_reset,     run_status,      run_connections,   run_producers,    run_lock,
    run_locked,    run_correction,  run_directly,      run_names,        run_subscription,
    run_item,      run_topic_stats, run_consume_stats, run_broker_stats, run_groups,
    run_time_span, run_units,       run_running,       run_triple,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct run run = {.error = {0}};
    if (size == 0)
        return 0;
    struct env *env = fake_create();
    run.body = span_of(data + 1, size - 1);
    buf_init(&run.scratch, env);
    size_t chosen = data[0] % (sizeof DECODERS / sizeof DECODERS[0]);
    int err = DECODERS[chosen](&run);
    RMQ_ASSERT(err == RMQ_OK || err == RMQ_E_INVALID || err == RMQ_E_LIMIT || err == RMQ_E_RANGE ||
               err == RMQ_E_MISSING || err == RMQ_E_NOMEM);
    RMQ_ASSERT(run.error.offset <= run.body.len);
    buf_deinit(&run.scratch);
    fake_destroy(env);
    return 0;
}
