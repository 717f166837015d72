/* consumer_fixture.h - a client node with one consumer, its name server and two brokers played by
 * the test.
 *
 * serve() answers what the node asked as a healthy cluster would: routes, heartbeats, the member
 * list, stored offsets. Pulls are held until the test answers them; commits are noted. */
#ifndef MODEL_TESTS_CONSUMER_FIXTURE_H
#define MODEL_TESTS_CONSUMER_FIXTURE_H

#include <stdio.h>

#include "model/client/client.h"
#include "model/client/client_internal.h"
#include "model/client/consumer.h"
#include "model/client/consumer_internal.h"
#include "model/tests/peer.h"
#include "model/tests/suite.h"

#define NAME_SERVER "10.0.0.1:9876"
#define BROKERS 2
#define QUEUES_MAX 8
#define HELD_MAX 64
#define NOTHING INT64_C(-1000)

static const char *const BROKER_ADDRESSES[BROKERS] = {"10.0.0.2:10911", "10.0.0.3:10911"};
static const char *const BROKER_NAMES[BROKERS] = {"a", "b"};

struct held_pull {
    size_t broker;
    int32_t opaque;
    enum wire_serialization serialization;
    int32_t code, queue, sys_flag, max_nums;
    int64_t offset, commit, version;
    bool retry_topic;
    char subscription[32];
};

enum listener_mode { LISTENER_OK, LISTENER_FAILS, LISTENER_HOLDS };

static struct {
    struct env *env;
    struct env *memory; /* the test's, which nothing fails and no crash takes */
    struct peer name_server, brokers[BROKERS];
    bool has_name_server, has_broker[BROKERS];
    /* what the cluster is */
    size_t broker_count;
    int queues; /* of topic T per broker */
    const char *members;
    int32_t members_code;
    int64_t stored[QUEUES_MAX]; /* by queue, of each broker; -1: code 22 */
    int32_t stored_code;        /* instead, when not 0 */
    int64_t max, by_time;
    bool deaf[BROKERS]; /* takes requests, answers nothing */
    bool no_route;
    bool locks_refused; /* 41 grants nothing */
    /* what was asked */
    int asked[512]; /* by code */
    struct held_pull held[HELD_MAX];
    size_t held_count;
    int64_t commits[BROKERS][QUEUES_MAX];
    int commit_count;
    char heartbeat[4096];
    char fields[512][512]; /* of the last request, by code */
    /* the application */
    enum listener_mode mode;
    struct consume_batch *batches[4096];
    size_t batch_count, dropped;
    char bodies[65536]; /* all delivered, "body;" each */
    const char *config; /* of the consumer */
    struct props props; /* the same, parsed */
    struct consumer *consumer;
    bool stopped;
    int start_status;
    bool lite;
} t;

static inline void set_defaults(void) {
    memset(&t, 0, sizeof t);
    t.env = fake_create();
    t.memory = fake_create();
    props_init(&t.props, t.memory);
    t.broker_count = 1;
    t.queues = 1;
    t.members = "{\"consumerIdList\":[\"10.0.0.9@c1\"]}";
    t.config = "consumerGroup=g\nsubscription=T\n";
    for (size_t b = 0; b < BROKERS; b++) {
        for (size_t q = 0; q < QUEUES_MAX; q++)
            t.commits[b][q] = NOTHING;
    }
}

/* ---- the node -------------------------------------------------------------------------------- */

static inline void on_messages(void *ctx, struct consume_batch *batch) {
    ck_assert_ptr_eq(ctx, &t);
    for (size_t i = 0; i < batch->count; i++) {
        struct span body = batch->items[i].message.body;
        size_t len = strlen(t.bodies);
        if (body.len < 100 && len + body.len + 2 < sizeof t.bodies)
            snprintf(t.bodies + len, sizeof t.bodies - len, "%.*s;", (int)body.len,
                     (const char *)body.data);
    }
    if (t.mode == LISTENER_HOLDS) {
        ck_assert_uint_lt(t.batch_count, 4096);
        t.batches[t.batch_count++] = batch;
        return;
    }
    consumer_batch_done(batch, t.mode == LISTENER_OK);
}

static inline bool inspect(void *ctx, const struct incoming *message, uint64_t *number) {
    (void)ctx;
    *number = message->message.body.len;
    return true;
}

static inline void on_dropped(void *ctx, struct consume_batch *batch) {
    (void)ctx;
    for (size_t i = 0; i < t.batch_count; i++) {
        if (t.batches[i] == batch)
            t.batches[i] = NULL;
    }
    t.dropped++;
}

static const struct consumer_listener LISTENER = {on_messages, inspect, on_dropped};
static const struct consumer_listener LITE_LISTENER = {NULL, inspect, on_dropped};

static inline void on_stopped(void *ctx) {
    ck_assert_ptr_eq(ctx, &t);
    t.stopped = true;
    t.consumer = NULL;
}

/* The client role with a consumer in it. */
static inline int node_start(struct env *env, const struct props *props, void **node) {
    t.consumer = NULL;
    int err = client_role.start(env, props, node);
    if (err == RMQ_OK)
        t.start_status = consumer_start(client_of_node(*node), &t.props,
                                        t.lite ? &LITE_LISTENER : &LISTENER, &t, &t.consumer);
    return err; /* the client is up whatever became of the consumer */
}

static inline void node_stop(void *node) {
    if (t.consumer != NULL)
        consumer_stop(t.consumer, on_stopped, &t);
    client_role.stop(node);
}

static const struct role NODE = {"client", node_start, node_stop, NULL};

static inline int try_start(const char *client_config) {
    char text[512];
    size_t line;
    ck_assert_int_eq(props_parse(&t.props, span_of_text(t.config), &line), RMQ_OK);
    snprintf(text, sizeof text, "namesrvAddr=%s\ninstanceName=c1\n%s", NAME_SERVER, client_config);
    return fake_start_text(t.env, &NODE, text);
}

static inline void start(const char *client_config) {
    ck_assert_int_eq(try_start(client_config), RMQ_OK);
}

static inline void hang_up_all(void) {
    if (t.has_name_server)
        peer_deinit(&t.name_server);
    t.has_name_server = false;
    for (size_t b = 0; b < BROKERS; b++) {
        if (t.has_broker[b])
            peer_deinit(&t.brokers[b]);
        t.has_broker[b] = false;
    }
}

static inline void setup(void) {
    set_defaults();
}

/* ---- answers of the cluster ------------------------------------------------------------------ */

static inline int64_t field_number(const struct wire_command *request, const char *key) {
    int64_t number = NOTHING;
    struct span value = wire_field(request, key);
    if (!span_is_absent(value))
        ck_assert_int_eq(span_to_i64(value, &number), RMQ_OK);
    return number;
}

static inline bool is_retry(const struct wire_command *request) {
    return span_starts_with(wire_field(request, "topic"), SPAN_LITERAL("%RETRY%"));
}

static inline void answer_route(const struct wire_command *request) {
    char body[2048] = "{\"brokerDatas\":[";
    if (is_retry(request) || t.no_route) { /* nobody knows it yet */
        peer_answer_body(&t.name_server, request, RESPONSE_TOPIC_NOT_EXIST, "");
        return;
    }
    for (size_t b = 0; b < t.broker_count; b++)
        snprintf(body + strlen(body), sizeof body - strlen(body),
                 "%s{\"brokerAddrs\":{0:\"%s\"},\"brokerName\":\"%s\",\"cluster\":\"C\"}",
                 b == 0 ? "" : ",", BROKER_ADDRESSES[b], BROKER_NAMES[b]);
    strcat(body, "],\"filterServerTable\":{},\"queueDatas\":[");
    for (size_t b = 0; b < t.broker_count; b++)
        snprintf(body + strlen(body), sizeof body - strlen(body),
                 "%s{\"brokerName\":\"%s\",\"perm\":6,\"readQueueNums\":%d,"
                 "\"topicSysFlag\":0,\"writeQueueNums\":%d}",
                 b == 0 ? "" : ",", BROKER_NAMES[b], t.queues, t.queues);
    strcat(body, "]}");
    peer_answer_body(&t.name_server, request, RESPONSE_SUCCESS, body);
}

static inline void answer_offset(struct peer *peer, const struct wire_command *request,
                                 int32_t code, int64_t offset) {
    struct wire_command response;
    char text[24];
    size_t len = format_i64(text, offset);
    wire_command_init(&response, code);
    if (code == RESPONSE_SUCCESS)
        ck_assert_int_eq(wire_field_add(&response, SPAN_LITERAL("offset"), span_of(text, len)),
                         RMQ_OK);
    peer_answer(peer, request, &response);
}

static inline void hold(size_t broker, const struct wire_command *request) {
    ck_assert_uint_lt(t.held_count, HELD_MAX);
    struct span subscription = wire_field(request, "subscription");
    t.held[t.held_count] = (struct held_pull){
        .broker = broker,
        .opaque = request->opaque,
        .serialization = request->serialization,
        .code = request->code,
        .queue = (int32_t)field_number(request, "queueId"),
        .sys_flag = (int32_t)field_number(request, "sysFlag"),
        .max_nums = (int32_t)field_number(request, "maxMsgNums"),
        .offset = field_number(request, "queueOffset"),
        .commit = field_number(request, "commitOffset"),
        .version = field_number(request, "subVersion"),
        .retry_topic = is_retry(request),
    };
    snprintf(t.held[t.held_count++].subscription, 32, "%.*s", (int)subscription.len,
             subscription.len > 0 ? (const char *)subscription.data : "");
}

static inline void note_fields(const struct wire_command *request) {
    char *out = t.fields[request->code];
    size_t len = 0;
    for (size_t i = 0; i < request->field_count; i++)
        len += (size_t)snprintf(out + len, 512 - len, "%.*s=%.*s ", (int)request->fields[i].key.len,
                                (const char *)request->fields[i].key.data,
                                (int)request->fields[i].value.len,
                                (const char *)request->fields[i].value.data);
}

/* Grants what is asked for, or nothing. */
static inline void answer_lock(struct peer *peer, const struct wire_command *request) {
    char text[1024], body[1100];
    snprintf(text, sizeof text, "%.*s", (int)request->body.len, (const char *)request->body.data);
    const char *queues = strstr(text, "\"mqSet\":[");
    ck_assert_ptr_nonnull(queues);
    const char *end = strchr(queues, ']');
    ck_assert_ptr_nonnull(end);
    queues += strlen("\"mqSet\":[");
    snprintf(body, sizeof body, "{\"lockOKMQSet\":[%.*s]}",
             t.locks_refused ? 0 : (int)(end - queues), queues);
    peer_answer_body(peer, request, RESPONSE_SUCCESS, body);
}

static inline void serve_request(size_t b, const struct wire_command *request) {
    struct peer *peer = &t.brokers[b];
    int64_t queue = field_number(request, "queueId");
    ck_assert_int_lt(request->code, 512);
    t.asked[request->code]++;
    note_fields(request);
    if (t.deaf[b])
        return;
    switch (request->code) {
    case REQUEST_HEART_BEAT:
        snprintf(t.heartbeat, sizeof t.heartbeat, "%.*s", (int)request->body.len,
                 (const char *)request->body.data);
        peer_answer_body(peer, request, RESPONSE_SUCCESS, "");
        break;
    case REQUEST_GET_CONSUMER_LIST_BY_GROUP:
        peer_answer_body(peer, request, t.members_code, t.members);
        break;
    case REQUEST_QUERY_CONSUMER_OFFSET:
        if (t.stored_code != 0 || t.stored[queue] < 0)
            answer_offset(peer, request,
                          t.stored_code != 0 ? t.stored_code : RESPONSE_QUERY_NOT_FOUND, 0);
        else
            answer_offset(peer, request, RESPONSE_SUCCESS, t.stored[queue]);
        break;
    case REQUEST_GET_MAX_OFFSET:
        answer_offset(peer, request, RESPONSE_SUCCESS, t.max);
        break;
    case REQUEST_SEARCH_OFFSET_BY_TIMESTAMP:
        answer_offset(peer, request, RESPONSE_SUCCESS, t.by_time);
        break;
    case REQUEST_PULL_MESSAGE:
    case REQUEST_LITE_PULL_MESSAGE:
        hold(b, request);
        break;
    case REQUEST_UPDATE_CONSUMER_OFFSET:
        ck_assert_int_ne(request->flag & WIRE_FLAG_ONEWAY, 0);
        t.commits[b][queue] = field_number(request, "commitOffset");
        t.commit_count++;
        break;
    case REQUEST_UNREGISTER_CLIENT:
        peer_answer_body(peer, request, RESPONSE_SUCCESS, "");
        break;
    case REQUEST_LOCK_BATCH_MQ:
        answer_lock(peer, request);
        break;
    case REQUEST_UNLOCK_BATCH_MQ:
        ck_assert_int_ne(request->flag & WIRE_FLAG_ONEWAY, 0);
        break;
    default:
        ck_abort_msg("request %d", (int)request->code);
    }
}

/* A peer whose connection has ended makes room for the next one. */
static inline void renew(struct peer *peer, bool *has, const char *address) {
    if (*has && !fake_is_open(peer->conn)) {
        peer_deinit(peer);
        *has = false;
    }
    if (!*has && fake_dialled(t.env, address) != NULL) {
        peer_accept(peer, t.env, address);
        *has = true;
    }
}

/* Answers until nothing is asked any more. */
static inline void serve(void) {
    struct wire_command request;
    bool busy = true;
    while (busy) {
        busy = false;
        fake_settle(t.env);
        renew(&t.name_server, &t.has_name_server, NAME_SERVER);
        while (t.has_name_server && fake_is_open(t.name_server.conn) &&
               peer_take(&t.name_server, &request)) {
            if (request.code == REQUEST_GET_ROUTEINFO_BY_TOPIC)
                answer_route(&request);
            busy = true;
        }
        for (size_t b = 0; b < BROKERS; b++) {
            renew(&t.brokers[b], &t.has_broker[b], BROKER_ADDRESSES[b]);
            while (t.has_broker[b] && fake_is_open(t.brokers[b].conn) &&
                   peer_take(&t.brokers[b], &request)) {
                serve_request(b, &request);
                busy = true;
            }
        }
    }
}

/* Lets time pass, answering on the way. */
static inline void pass_ms(uint64_t ms) {
    for (uint64_t at = 0; at < ms; at += 10) {
        fake_advance_ms(t.env, ms - at < 10 ? ms - at : 10);
        serve();
    }
}

/* Up to the first pulls. */
static inline void run(const char *client_config) {
    start(client_config);
    ck_assert_int_eq(t.start_status, RMQ_OK);
    serve();
    pass_ms(1000);
}

static inline void stop(void) {
    int status = -1;
    fake_stop(t.env);
    serve();
    pass_ms(100);
    ck_assert(fake_exited(t.env, &status));
    ck_assert_int_eq(status, 0);
}

static inline void teardown(void) {
    int status;
    if (fake_node(t.env) != NULL && !fake_exited(t.env, &status))
        stop();
    hang_up_all();
    props_deinit(&t.props);
    fake_destroy(t.env);
    fake_destroy(t.memory);
}

/* ---- pulls ----------------------------------------------------------------------------------- */

static inline size_t pulls_of(int32_t queue) {
    size_t count = 0;
    for (size_t i = 0; i < t.held_count; i++)
        count += t.held[i].queue == queue && !t.held[i].retry_topic;
    return count;
}

/* Takes the held pull of `queue` of any broker. */
static inline struct held_pull take_pull(int32_t queue) {
    for (size_t i = 0; i < t.held_count; i++) {
        if (t.held[i].queue != queue || t.held[i].retry_topic)
            continue;
        struct held_pull pull = t.held[i];
        memmove(&t.held[i], &t.held[i + 1], (--t.held_count - i) * sizeof pull);
        return pull;
    }
    ck_abort_msg("no pull of queue %d", (int)queue);
    return (struct held_pull){0};
}

static inline void answer_pull(const struct held_pull *pull, int32_t code, int64_t next,
                               int64_t min, int64_t max, struct span body) {
    char numbers[3][24];
    struct span values[3];
    struct wire_command response,
        request = {.opaque = pull->opaque, .serialization = pull->serialization};
    static const char *const KEYS[] = {"nextBeginOffset", "minOffset", "maxOffset"};
    const int64_t given[] = {next, min, max};
    wire_command_init(&response, code);
    ck_assert_int_eq(
        wire_field_add(&response, SPAN_LITERAL("suggestWhichBrokerId"), SPAN_LITERAL("0")), RMQ_OK);
    for (int i = 0; i < 3; i++) {
        values[i] = span_of(numbers[i], format_i64(numbers[i], given[i]));
        ck_assert_int_eq(wire_field_add(&response, span_of_text(KEYS[i]), values[i]), RMQ_OK);
    }
    response.body = body;
    if (fake_is_open(t.brokers[pull->broker].conn))
        peer_answer(&t.brokers[pull->broker], &request, &response);
    serve();
}

static inline struct message make_message(int32_t queue, int64_t offset, const char *tag,
                                          struct buf *properties, const char *body) {
    struct message message = {.queue_id = queue,
                              .queue_offset = offset,
                              .physical_offset = offset * 1000,
                              .born_ms = 1,
                              .store_ms = 2,
                              .born_host = {.ip = {10, 0, 0, 9}, .ip_len = 4, .port = 1},
                              .store_host = {.ip = {10, 0, 0, 2}, .ip_len = 4, .port = 10911},
                              .topic = SPAN_LITERAL("T"),
                              .body = span_of_text(body)};
    if (tag != NULL) {
        ck_assert_int_eq(
            message_property_put(properties, 0, SPAN_LITERAL("TAGS"), span_of_text(tag)), RMQ_OK);
        message.properties = buf_span(properties);
    }
    return message;
}

static inline void put_record(struct buf *out, int32_t queue, int64_t offset, const char *tag) {
    struct buf properties;
    char body[32];
    buf_init(&properties, t.memory);
    snprintf(body, sizeof body, "m%lld", (long long)offset);
    struct message message = make_message(queue, offset, tag, &properties, body);
    ck_assert_int_eq(message_encode(out, &message), RMQ_OK);
    buf_deinit(&properties);
}

/* The held pull of `queue` finds `count` messages, from where it asked. */
static inline void find_messages(int32_t queue, int count) {
    struct held_pull pull = take_pull(queue);
    struct buf body;
    buf_init(&body, t.memory);
    for (int i = 0; i < count; i++)
        put_record(&body, queue, pull.offset + i, "A");
    answer_pull(&pull, RESPONSE_SUCCESS, pull.offset + count, 0, pull.offset + count,
                buf_span(&body));
    buf_deinit(&body);
}

static inline void end_batch(size_t index, bool result) {
    struct consume_batch *batch = t.batches[index];
    ck_assert_ptr_nonnull(batch);
    t.batches[index] = NULL;
    consumer_batch_done(batch, result);
    serve();
}

/* What the next commit of queue 0 of broker a says. */
static inline int64_t next_commit(void) {
    t.commits[0][0] = NOTHING;
    for (int i = 0; i < 200 && t.commits[0][0] == NOTHING; i++)
        pass_ms(50);
    return t.commits[0][0];
}

static inline void notify_members_changed(void) {
    struct wire_command request;
    wire_command_init(&request, REQUEST_NOTIFY_CONSUMER_IDS_CHANGED);
    request.flag = WIRE_FLAG_ONEWAY;
    request.opaque = 77;
    ck_assert_int_eq(wire_field_add(&request, SPAN_LITERAL("consumerGroup"), SPAN_LITERAL("g")),
                     RMQ_OK);
    peer_send(&t.brokers[0], &request);
    serve();
}

static inline size_t events(int kind) {
    return fake_event_count(t.env, kind);
}

#endif
