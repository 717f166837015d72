/* client/producer.c - a producer group: configuration, start and stop, its topics and pooled
 * states. Source: client.md 6; DefaultMQProducerImpl.java. */
#include "model/base/check.h"
#include "model/base/settings.h"
#include "model/client/namespace.h"
#include "model/client/producer_internal.h"

#define GROUP_MAX 255
#define TOPIC_MAX 127
#define RETRIES_MAX 100 /* one that fails at once is tried again in the same call */

static const uint64_t hash_key = 0; /* topics are named by the application itself */

/* ---- configuration --------------------------------------------------------------------------- */

static int read_settings(struct env *env, const struct props *config, struct producer_settings *out,
                         bool *latency_fault) {
    struct settings settings = settings_of(config);
    out->create_topic_key =
        settings_text(&settings, "createTopicKey", SPAN_LITERAL(CLIENT_DEFAULT_TOPIC), TOPIC_MAX);
    out->default_queue_nums =
        (int32_t)settings_number(&settings, "defaultTopicQueueNums", 4, 1, 65536);
    out->timeout_ns = (uint64_t)settings_number(&settings, "sendMsgTimeout", 3000, 1, INT32_MAX) *
                      CLIENT_NS_PER_MS;
    out->compress_over =
        (size_t)settings_number(&settings, "compressMsgBodyOverHowmuch", 4096, 0, INT32_MAX);
    out->retries =
        (uint32_t)settings_number(&settings, "retryTimesWhenSendFailed", 2, 0, RETRIES_MAX);
    out->async_retries =
        (uint32_t)settings_number(&settings, "retryTimesWhenSendAsyncFailed", 2, 0, RETRIES_MAX);
    out->retry_not_stored = settings_bool(&settings, "retryAnotherBrokerWhenNotStoreOK", false);
    out->message_max = (size_t)settings_number(&settings, "maxMessageSize", 4 * 1024 * 1024, 1,
                                               WIRE_FRAME_BYTES_MAX);
    out->smart = settings_bool(&settings, "sendSmartMsg", true);
    *latency_fault = settings_bool(&settings, "sendLatencyFaultEnable", false);
    struct span group = settings_text(&settings, "producerGroup", SPAN_NONE, GROUP_MAX);
    if (settings.err == RMQ_OK && (span_is_absent(group) || !name_is_legal(group) ||
                                   span_equal(group, SPAN_LITERAL("DEFAULT_PRODUCER"))))
        settings_refuse(&settings, SPAN_LITERAL("producerGroup"), RMQ_E_INVALID);
    if (settings.err != RMQ_OK)
        env_log(env, ENV_LOG_ERROR, "producer: value of %.*s: %s", (int)settings.bad_key.len,
                (const char *)settings.bad_key.data, rmq_err_text(settings.err));
    return settings.err;
}

static struct span configured_namespace(const struct client *client, const struct props *config) {
    struct span name_space = props_get(config, "namespace");
    if (span_is_absent(name_space) && client->servers.count > 0)
        name_space = namespace_of_address(client->servers.servers[0].address);
    return name_space;
}

/* Puts group, namespace and default topic into the producer's own text. */
static int keep_names(struct producer *producer, const struct props *config) {
    struct buf *text = &producer->text;
    struct span name_space = configured_namespace(producer->client, config);
    struct span key = producer->settings.create_topic_key;
    namespace_wrap(text, name_space, props_get(config, "producerGroup"));
    size_t group_len = text->len;
    buf_put_span(text, name_space);
    buf_put_span(text, key);
    if (buf_failed(text))
        return RMQ_E_NOMEM;
    producer->member.group = span_of(text->data, group_len);
    producer->name_space = span_of(text->data + group_len, name_space.len);
    producer->settings.create_topic_key = span_of(text->data + group_len + name_space.len, key.len);
    return RMQ_OK;
}

/* ---- topics ---------------------------------------------------------------------------------- */

static void each_topic(void *ctx, void (*each)(void *ctx, struct span topic), void *each_ctx) {
    const struct producer *producer = ctx;
    const struct producer_topic *topic;
    each(each_ctx, producer->settings.create_topic_key);
    for (topic = producer->topics; topic != NULL; topic = topic->hh.next)
        each(each_ctx, topic->topic->name);
}

static int add_topic(struct producer *producer, struct span name, struct producer_topic **out) {
    struct env *env = producer->env;
    struct producer_topic *topic = env_alloc(env, sizeof *topic + name.len);
    if (topic == NULL)
        return RMQ_E_NOMEM;
    memset(topic, 0, sizeof *topic);
    memcpy(topic->text, name.data, name.len);
    topic->name = span_of(topic->text, name.len);
    buf_clear(&producer->scratch);
    namespace_wrap(&producer->scratch, producer->name_space, name);
    int err = buf_failed(&producer->scratch)
                  ? RMQ_E_NOMEM
                  : client_topic_get(producer->client, buf_span(&producer->scratch), &topic->topic);
    if (err == RMQ_OK) {
        HASH_ADD_KEYPTR(hh, producer->topics, topic->name.data, topic->name.len, topic);
        err = MAP_ADD_FAILED(topic) ? RMQ_E_NOMEM : RMQ_OK;
    }
    if (err != RMQ_OK)
        env_free(env, topic);
    else
        *out = topic;
    return err;
}

int producer_topic_get(struct producer *producer, struct span name, struct producer_topic **out) {
    struct producer_topic *found = producer->last;
    if (found == NULL || !span_equal(found->name, name))
        HASH_FIND(hh, producer->topics, name.data, name.len, found);
    int err = found != NULL ? RMQ_OK : add_topic(producer, name, &found);
    if (err == RMQ_OK)
        *out = producer->last = found;
    return err;
}

/* ---- states ---------------------------------------------------------------------------------- */

struct send_state *send_state_take(struct producer *producer) {
    struct send_state *state;
    if (list_is_empty(&producer->spare)) {
        state = env_alloc(producer->env, sizeof *state);
        if (state == NULL)
            return NULL;
        buf_init(&state->bytes, producer->env);
        buf_init(&state->members, producer->env);
        buf_init(&state->ids, producer->env);
    } else {
        state = LIST_ENTRY(producer->spare.next, struct send_state, link);
        list_remove(&state->link);
    }
    struct buf bytes = state->bytes, members = state->members, ids = state->ids;
    memset(state, 0, sizeof *state);
    state->bytes = bytes;
    state->members = members;
    state->ids = ids;
    buf_clear(&state->bytes);
    buf_clear(&state->members);
    buf_clear(&state->ids);
    state->producer = producer;
    list_init(&state->wait.link);
    list_append(&producer->states, &state->link);
    return state;
}

void send_state_release(struct send_state *state) {
    struct producer *producer = state->producer;
    client_route_cancel(&state->wait);
    if (state->bytes.capacity > SEND_KEEP_BYTES)
        buf_deinit(&state->bytes);
    list_remove(&state->link);
    list_insert_before(producer->spare.next, &state->link); /* the warmest is used next */
}

static void free_states(struct producer *producer, struct list *states) {
    LIST_EACH(states, link, next) {
        struct send_state *state = LIST_ENTRY(link, struct send_state, link);
        buf_deinit(&state->bytes);
        buf_deinit(&state->members);
        buf_deinit(&state->ids);
        env_free(producer->env, state);
    }
}

/* ---- start and stop -------------------------------------------------------------------------- */

static void producer_free(struct producer *producer) {
    struct env *env = producer->env;
    struct producer_topic *topic, *following;
    RMQ_ASSERT(list_is_empty(&producer->states));
    HASH_ITER(hh, producer->topics, topic, following) {
        HASH_DEL(producer->topics, topic);
        env_free(env, topic);
    }
    free_states(producer, &producer->spare);
    fault_strategy_deinit(&producer->faults);
    buf_deinit(&producer->scratch);
    buf_deinit(&producer->text);
    env_free(env, producer);
}

static void discard(void *ctx) {
    struct producer *producer = ctx;
    while (!list_is_empty(&producer->states))
        send_state_drop(LIST_ENTRY(producer->states.next, struct send_state, link));
    list_remove(&producer->member.link);
    producer_free(producer);
}

static int prepare(struct producer *producer, const struct props *config) {
    struct client *client = producer->client;
    bool latency_fault = false;
    int err = client->stopping ? RMQ_E_STATE : RMQ_OK;
    if (err == RMQ_OK)
        err = read_settings(producer->env, config, &producer->settings, &latency_fault);
    if (err == RMQ_OK)
        err = keep_names(producer, config);
    if (err == RMQ_OK)
        err = buf_reserve(&producer->scratch, HEADER_SCRATCH_BYTES);
    if (err != RMQ_OK)
        return err;
    fault_strategy_init(&producer->faults, producer->env, latency_fault, client->profile_5_3);
    producer->member.topics = each_topic;
    producer->member.discard = discard;
    producer->member.producer = producer;
    return client_producer_add(client, &producer->member);
}

int producer_start(struct client *client, const struct props *config, struct producer **out) {
    struct producer *producer = env_alloc(client->env, sizeof *producer);
    if (producer == NULL)
        return RMQ_E_NOMEM;
    memset(producer, 0, sizeof *producer);
    producer->env = client->env;
    producer->client = client;
    list_init(&producer->states);
    list_init(&producer->spare);
    buf_init(&producer->scratch, client->env);
    buf_init(&producer->text, client->env);
    int err = prepare(producer, config);
    if (err != RMQ_OK) {
        producer_free(producer);
        return err;
    }
    if (client->ids.fixed_len == 0)
        unique_ids_init(&client->ids, client->env);
    client_heartbeat_now(client);
    *out = producer;
    return RMQ_OK;
}

void producer_stop(struct producer *producer) {
    struct client *client = producer->client;
    producer->stopping = true;
    while (!list_is_empty(&producer->states))
        send_state_close(LIST_ENTRY(producer->states.next, struct send_state, link));
    client_producer_remove(client, &producer->member);
    client_unregister(client, producer->member.group, false);
    producer_free(producer);
}
