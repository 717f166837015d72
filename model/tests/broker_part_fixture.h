/* broker_part_fixture.h - the part of a broker that knows groups, clients and offsets, behind a
 * real listening socket, over a store that is three numbers. */
#ifndef MODEL_TESTS_BROKER_PART_FIXTURE_H
#define MODEL_TESTS_BROKER_PART_FIXTURE_H

#include <stdio.h>

#include "model/broker/broker_internal.h"
#include "model/tests/peer.h"
#include "model/tests/registrations.h"
#include "model/tests/suite.h"

#define PORT 10911
#define NAMES "brokerClusterName=GoldCluster\nbrokerName=broker-a\n"
#define V5 "profile=5.3\n"
#define CLIENTS 4

static struct env *env;
static struct broker broker;
static struct peer clients[CLIENTS];

/* ---- the store ---- */

static struct {
    int64_t max, min, recovered;
    bool on_disk_only;
} queue = {1000, 0, INT64_MAX, false};

int64_t store_max_offset(const struct store *store, struct span topic, int32_t queue_id) {
    ck_assert_ptr_nonnull(store);
    return topic.len > 0 && queue_id >= 0 ? queue.max : 0;
}

int64_t store_min_offset(const struct store *store, struct span topic, int32_t queue_id) {
    ck_assert_ptr_nonnull(store);
    return topic.len > 0 && queue_id >= 0 ? queue.min : 0;
}

int64_t store_recovered_offset(const struct store *store, struct span topic, int32_t queue_id) {
    ck_assert_ptr_nonnull(store);
    return topic.len > 0 && queue_id >= 0 ? queue.recovered : 0;
}

bool store_is_on_disk_only(const struct store *store, struct span topic, int32_t queue_id,
                           int64_t offset) {
    ck_assert_ptr_nonnull(store);
    ck_assert(topic.len > 0 && queue_id >= 0 && offset == 0);
    return queue.on_disk_only;
}

int64_t store_replicated(const struct store *store) {
    ck_assert_ptr_nonnull(store);
    return 0;
}

/* ---- the broker ---- */

static void on_request(void *ctx, struct channel *channel, const struct wire_command *request) {
    ck_assert_ptr_eq(ctx, &broker);
    switch (request->code) {
    case REQUEST_HEART_BEAT:
        broker_on_heartbeat(&broker, channel, request);
        break;
    case REQUEST_UNREGISTER_CLIENT:
        broker_on_unregister_client(&broker, channel, request);
        break;
    case REQUEST_GET_CONSUMER_LIST_BY_GROUP:
        broker_on_consumer_list(&broker, channel, request);
        break;
    case REQUEST_CHECK_CLIENT_CONFIG:
        broker_on_check_client_config(&broker, channel, request);
        break;
    case REQUEST_QUERY_CONSUMER_OFFSET:
        broker_on_query_consumer_offset(&broker, channel, request);
        break;
    case REQUEST_UPDATE_CONSUMER_OFFSET:
        broker_on_update_consumer_offset(&broker, channel, request);
        break;
    case REQUEST_GET_ALL_CONSUMER_OFFSET:
        broker_on_all_consumer_offsets(&broker, channel, request);
        break;
    default:
        ck_abort_msg("request %d", (int)request->code);
    }
}

static void on_closed(void *ctx, struct channel *channel, const char *reason) {
    ck_assert_ptr_eq(ctx, &broker);
    ck_assert_ptr_nonnull(reason);
    clients_channel_closed(&broker.clients, channel);
}

static const struct remoting_handler HANDLER = {on_request, on_closed};

static inline void start(const char *text) {
    struct props props;
    size_t line;
    struct remoting_config remoting;
    env = fake_create();
    memset(&broker, 0, sizeof broker);
    memset(clients, 0, sizeof clients);
    broker.env = env;
    list_init(&broker.creations);
    props_init(&props, env);
    ck_assert_int_eq(props_parse(&props, span_of_text(text), &line), RMQ_OK);
    ck_assert_int_eq(broker_config_read(env, &props, &broker.config), RMQ_OK);
    remoting_config_default(&remoting);
    remoting.version = broker.config.profile_5_3 ? WIRE_VERSION_5_3_3 : WIRE_VERSION_4_9_8;
    remoting_init(&broker.remoting, env, &remoting, &HANDLER, &broker);
    ck_assert_int_eq(remoting_listen(&broker.remoting, PORT), RMQ_OK);
    topics_init(&broker.topics, env, &broker.config);
    groups_init(&broker.groups, env, &broker.config);
    offsets_init(&broker.offsets, env, &broker.config);
    clients_init(&broker.clients, env, &broker.config, &broker.remoting);
    consumer_filters_init(&broker.filters, env, broker.groups.hash_key, &broker.config);
    broker.clients.filters = &broker.filters;
    config_files_init(&broker.files, &broker.topics, &broker.groups, &broker.offsets,
                      &broker.filters, NULL);
    ck_assert_int_eq(name_servers_init(&broker.servers, env, &broker.remoting,
                                       props_get(&props, "namesrvAddr"), broker.config.profile_5_3,
                                       false),
                     RMQ_OK);
    registrar_init(&broker.registrar, env, &broker.config, &broker.topics, &broker.remoting,
                   &broker.servers);
    broker.store = broker.offsets.store = (struct store *)(void *)&queue; /* never looked into */
    queue.max = 1000;
    queue.min = 0;
    queue.recovered = INT64_MAX;
    queue.on_disk_only = false;
    props_deinit(&props);
}

static inline void hang_up(size_t c) {
    if (clients[c].conn == NULL)
        return;
    if (fake_is_open(clients[c].conn))
        fake_peer_close(clients[c].conn);
    peer_deinit(&clients[c]);
    clients[c].conn = NULL;
}

static inline void stop(void) {
    for (size_t c = 0; c < CLIENTS; c++)
        hang_up(c);
    ck_assert_ptr_null(broker.clients.channels);
    ck_assert_ptr_null(broker.clients.consumers);
    ck_assert_ptr_null(broker.clients.producers);
    ck_assert(!env_timer_armed(&broker.clients.scan));
    registrar_deinit(&broker.registrar);
    name_servers_deinit(&broker.servers);
    clients_deinit(&broker.clients);
    consumer_filters_deinit(&broker.filters);
    remoting_deinit(&broker.remoting);
    offsets_deinit(&broker.offsets);
    groups_deinit(&broker.groups);
    topics_deinit(&broker.topics);
    broker_config_free(env, &broker.config);
    fake_settle(env);
    fake_destroy(env);
}

/* ---- clients ---- */

static inline void connect_client(size_t c) {
    char peer[ENV_ADDRESS_MAX];
    snprintf(peer, sizeof peer, "10.0.1.%zu:4000", c);
    peer_init(&clients[c], fake_accept(env, PORT, peer));
}

/* Sends request `code` with `fields` ("key=value" separated by blanks) and `body`. */
static inline void ask(size_t c, int32_t code, const char *fields, const char *body) {
    struct wire_command request;
    struct span rest = span_of_text(fields), field;
    wire_command_init(&request, code);
    request.opaque = 7;
    while (span_next_part(&rest, ' ', &field)) {
        const uint8_t *equals = memchr(field.data, '=', field.len);
        size_t len = (size_t)(equals - field.data);
        ck_assert_int_eq(
            wire_field_add(&request, span_of(field.data, len), span_from(field, len + 1)), RMQ_OK);
    }
    request.body = span_of_text(body);
    peer_send(&clients[c], &request);
}

/* The next frame to client `c` is the answer. */
static inline void expect_answer(size_t c, int32_t code, struct wire_command *out) {
    ck_assert(peer_take(&clients[c], out));
    ck_assert_int_eq(out->flag & WIRE_FLAG_RESPONSE, WIRE_FLAG_RESPONSE);
    ck_assert_int_eq(out->opaque, 7);
    ck_assert_int_eq(out->code, code);
}

static inline void expect_code(size_t c, int32_t code, const char *remark) {
    struct wire_command response;
    expect_answer(c, code, &response);
    ck_assert(span_is_absent(response.remark) == (remark == NULL));
    if (remark != NULL)
        ck_assert_span_eq(response.remark, remark);
}

#endif
