/* broker/slave_sync.c - see slave_sync.h. */
#include "model/broker/slave_sync.h"

#include "model/base/check.h"
#include "model/broker/broker_internal.h"
#include "model/quirks.h"

#define NS_PER_MS UINT64_C(1000000)
#define FIRST_NS (3000 * NS_PER_MS)
#define PERIOD_NS (10000 * NS_PER_MS)
#define TIMEOUT_NS (3000 * NS_PER_MS)

/* In 4.9.8's order; delay offsets (45) are the delay service's. */
static const int32_t STEPS[] = {0, REQUEST_GET_ALL_TOPIC_CONFIG, REQUEST_GET_ALL_CONSUMER_OFFSET,
                                REQUEST_GET_ALL_SUBSCRIPTIONGROUP_CONFIG};
#define STEP_COUNT (sizeof STEPS / sizeof STEPS[0])

static void ask(struct slave_sync *sync);

/* The master has not seen what was committed here. */
static void on_newer(void *ctx, struct span topic, struct span group, int32_t queue_id,
                     int64_t offset) {
    struct slave_sync *sync = ctx;
    uint8_t bytes[HEADER_SCRATCH_BYTES];
    struct buf numbers = {.env = sync->broker->env, .data = bytes, .capacity = sizeof bytes};
    const struct header_consumer_offset header = {.topic = topic,
                                                  .consumer_group = group,
                                                  .queue_id = queue_id,
                                                  .has_queue_id = true,
                                                  .commit_offset = offset,
                                                  .has_commit_offset = true};
    struct wire_command request;
    wire_command_init(&request, REQUEST_UPDATE_CONSUMER_OFFSET);
    if (header_encode(&HEADER_consumer_offset, &header, &request, &numbers) == RMQ_OK &&
        wire_field_add(&request, SPAN_LITERAL(SLAVE_SYNC_KEY), SPAN_LITERAL("true")) == RMQ_OK)
        RMQ_IGNORE(remoting_oneway(&sync->broker->remoting, span_of_text(sync->master), &request),
                   "the next copy finds it again");
}

void slave_sync_committed(struct slave_sync *sync, struct span topic, struct span group,
                          int32_t queue_id, int64_t offset) {
    const struct broker *broker = sync->broker;
    if (broker->slave->ha.state == HA_OPEN && sync->master[0] != '\0' &&
        !quirk_on(broker->config.quirks, QUIRK_SLAVE_OFFSETS_OVERWRITTEN))
        on_newer(sync, topic, group, queue_id, offset);
}

static int apply(struct slave_sync *sync, int32_t code, struct span body) {
    struct broker *broker = sync->broker;
    switch (code) {
    case REQUEST_GET_ALL_TOPIC_CONFIG:
        return topics_replace(&broker->topics, body);
    case REQUEST_GET_ALL_CONSUMER_OFFSET:
        return offsets_copy(&broker->offsets, body, on_newer, sync);
    default:
        return groups_replace(&broker->groups, body);
    }
}

static void on_answer(void *ctx, int status, const struct wire_command *response) {
    struct slave_sync *sync = ctx;
    int32_t code = STEPS[sync->step];
    if (status == RMQ_OK && response->code == RESPONSE_SUCCESS)
        status = apply(sync, code, response->body);
    else if (status == RMQ_OK)
        status = RMQ_E_INVALID;
    if (status != RMQ_OK)
        env_log(sync->broker->env, ENV_LOG_WARN, "broker: copy %d of the master %s: %s", (int)code,
                sync->master, rmq_err_text(status));
    bool reached = response != NULL;
    sync->step = reached ? sync->step + 1 : STEP_COUNT;
    ask(sync);
}

/* Asks for the step at hand, or ends the round. */
static void ask(struct slave_sync *sync) {
    if (sync->step < STEP_COUNT) {
        struct wire_command request;
        wire_command_init(&request, STEPS[sync->step]);
        remoting_call(&sync->broker->remoting, span_of_text(sync->master), &request, REMOTING_ASYNC,
                      TIMEOUT_NS, on_answer, sync);
        return;
    }
    sync->step = 0;
    if (sync->again) {
        sync->again = false;
        slave_sync_now(sync);
    }
}

static void on_timer(struct env *env, struct env_timer *timer) {
    struct slave_sync *sync = RMQ_CONTAINER_OF(timer, struct slave_sync, timer);
    env_timer_start(env, timer, PERIOD_NS, on_timer);
    if (sync->step == 0)
        slave_sync_now(sync);
}

/* A master that is away is not in the answers to registrations, but may come back. */
static void learn_master(struct slave_sync *sync) {
    struct span address = sync->broker->registrar.master_addr;
    if (address.len == 0 || address.len >= sizeof sync->master)
        return;
    memcpy(sync->master, address.data, address.len);
    sync->master[address.len] = '\0';
}

void slave_sync_now(struct slave_sync *sync) {
    if (sync->broker == NULL)
        return;
    if (sync->step != 0) {
        sync->again = true;
        return;
    }
    learn_master(sync);
    if (sync->master[0] == '\0' ||
        span_equal(span_of_text(sync->master), sync->broker->config.addr))
        return;
    sync->step = 1;
    ask(sync);
}

void slave_sync_start(struct slave_sync *sync, struct broker *broker) {
    *sync = (struct slave_sync){.broker = broker};
    env_timer_start(broker->env, &sync->timer, FIRST_NS, on_timer);
}

void slave_sync_stop(struct slave_sync *sync) {
    if (sync->broker == NULL)
        return;
    env_timer_stop(sync->broker->env, &sync->timer);
    remoting_cancel(&sync->broker->remoting, sync);
    *sync = (struct slave_sync){0};
}
