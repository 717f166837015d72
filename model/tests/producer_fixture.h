/* producer_fixture.h - a client node with one producer, a name server and two masters "a" and "b",
 * for tests of sending. The test plays the three peers. */
#ifndef MODEL_TESTS_PRODUCER_FIXTURE_H
#define MODEL_TESTS_PRODUCER_FIXTURE_H

#include <stdio.h>

#include "model/client/client.h"
#include "model/client/client_internal.h"
#include "model/client/producer.h"
#include "model/tests/peer.h"
#include "model/tests/suite.h"
#include "model/wire/header.h"

#define NS "10.0.0.1:9876"
#define A "10.0.1.1:10911"
#define B "10.0.2.1:10911"

#define QUEUES(broker, count)                                            \
    "{\"brokerName\":\"" broker "\",\"perm\":6,\"readQueueNums\":" count \
    ",\"topicSysFlag\":0,\"writeQueueNums\":" count "}"
#define MASTER(name, addr) \
    "{\"brokerAddrs\":{\"0\":\"" addr "\"},\"brokerName\":\"" name "\",\"cluster\":\"C\"}"
#define ROUTE(brokers, queues) \
    "{\"brokerDatas\":[" brokers "],\"filterServerTable\":{},\"queueDatas\":[" queues "]}"
#define ROUTE_A ROUTE(MASTER("a", A), QUEUES("a", "4"))
#define ROUTE_AB ROUTE(MASTER("a", A) "," MASTER("b", B), QUEUES("a", "4") "," QUEUES("b", "4"))

struct outcome {
    unsigned calls;
    int status;
    char remark[200];
};

static struct env *env;
static struct client *client;
static struct producer *producer;
static struct peer ns, a, b;
static const char *route_t, *route_default; /* what the name server says; NULL: code 17 */
static struct outcome outcome;
static struct send one;

static inline void setup(void) {
    env = fake_create();
    client = NULL;
    producer = NULL;
    memset(&ns, 0, sizeof ns);
    memset(&a, 0, sizeof a);
    memset(&b, 0, sizeof b);
    memset(&outcome, 0, sizeof outcome);
    memset(&one, 0, sizeof one);
    route_t = ROUTE_AB;
    route_default = NULL;
}

static inline void hang_up(struct peer *peer) {
    if (peer->conn != NULL)
        peer_deinit(peer);
    peer->conn = NULL;
}

static inline void teardown(void) {
    hang_up(&ns);
    hang_up(&a);
    hang_up(&b);
    fake_destroy(env);
}

/* Accepts a dial to `address` if there is one. */
static inline void greet(struct peer *peer, const char *address) {
    if (fake_dialled(env, address) == NULL)
        return;
    hang_up(peer);
    peer_accept(peer, env, address);
}

/* The name server answers all that it was asked. */
static inline void serve_ns(void) {
    struct wire_command request;
    greet(&ns, NS);
    while (ns.conn != NULL && fake_is_open(ns.conn) && peer_take(&ns, &request)) {
        struct span topic = wire_field(&request, "topic");
        const char *body = span_equal(topic, SPAN_LITERAL("T")) ? route_t : NULL;
        if (span_equal(topic, SPAN_LITERAL("TBW102")))
            body = route_default;
        peer_answer_body(&ns, &request, body != NULL ? 0 : 17, body);
    }
}

/* Answers requests that are no sends with code 0. */
static inline bool take_send(struct peer *peer, struct wire_command *request) {
    while (peer->conn != NULL && fake_is_open(peer->conn) && peer_take(peer, request)) {
        if (request->code == REQUEST_SEND_MESSAGE_V2 || request->code == REQUEST_SEND_MESSAGE ||
            request->code == REQUEST_SEND_BATCH_MESSAGE)
            return true;
        if ((request->flag & WIRE_FLAG_ONEWAY) == 0)
            peer_answer_body(peer, request, 0, NULL);
    }
    return false;
}

static inline void start_client(const char *config) {
    ck_assert_int_eq(fake_start_text(env, &client_role, config), RMQ_OK);
    client = client_of_node(fake_node(env));
}

static inline int start_group(const char *config, struct producer **out) {
    size_t error_line;
    struct props props;
    struct env *memory = fake_create();
    props_init(&props, memory);
    ck_assert_int_eq(props_parse(&props, span_of_text(config), &error_line), RMQ_OK);
    int err = producer_start(client, &props, out);
    props_deinit(&props);
    fake_destroy(memory);
    return err;
}

static inline void start(const char *client_config, const char *producer_config) {
    char text[512];
    snprintf(text, sizeof text, "namesrvAddr=" NS "\n%s", client_config);
    start_client(text);
    snprintf(text, sizeof text, "producerGroup=g\n%s", producer_config);
    ck_assert_int_eq(start_group(text, &producer), RMQ_OK);
}

static inline void stop(void) {
    struct wire_command request;
    if (producer != NULL)
        producer_stop(producer);
    producer = NULL;
    fake_stop(env);
    for (int i = 0; i < 20 && !fake_exited(env, NULL); i++) {
        greet(&a, A);
        greet(&b, B);
        if (a.conn != NULL && fake_is_open(a.conn))
            take_send(&a, &request);
        if (b.conn != NULL && fake_is_open(b.conn))
            take_send(&b, &request);
        if (!fake_advance_to_timer(env))
            break;
    }
    ck_assert(fake_exited(env, NULL));
}

static inline void on_sent(struct send *send, int status, struct span remark) {
    ck_assert_ptr_eq(send, &one);
    outcome.calls++;
    outcome.status = status;
    snprintf(outcome.remark, sizeof outcome.remark, "%.*s", (int)remark.len,
             remark.data == NULL ? "" : (const char *)remark.data);
}

static inline struct outgoing hello(void) {
    return (struct outgoing){
        .topic = SPAN_LITERAL("T"), .body = SPAN_LITERAL("hello"), .number = 7};
}

static inline void send_hello(enum send_mode mode) {
    struct outgoing message = hello();
    memset(&outcome, 0, sizeof outcome);
    producer_send(producer, &message, NULL, mode, &one, on_sent);
}

static inline void answer_stored(struct peer *peer, const struct wire_command *request,
                                 int32_t code) {
    struct wire_command response;
    wire_command_init(&response, code);
    struct span queue =
        wire_field(request, request->code == REQUEST_SEND_MESSAGE ? "queueId" : "e");
    ck_assert_int_eq(wire_field_add(&response, SPAN_LITERAL("queueId"), queue), RMQ_OK);
    ck_assert_int_eq(wire_field_add(&response, SPAN_LITERAL("queueOffset"), SPAN_LITERAL("5")),
                     RMQ_OK);
    ck_assert_int_eq(wire_field_add(&response, SPAN_LITERAL("msgId"),
                                    SPAN_LITERAL("0A00010100002A9F0000000000000123")),
                     RMQ_OK);
    peer_answer(peer, request, &response);
}

static inline void answer_code(struct peer *peer, const struct wire_command *request, int32_t code,
                               const char *remark) {
    struct wire_command response;
    wire_command_init(&response, code);
    response.remark = span_of_text(remark);
    peer_answer(peer, request, &response);
}

/* The broker that got the send, 'a' or 'b'; 0: none. Dials are accepted. */
static inline char find_send(struct wire_command *request) {
    greet(&a, A);
    greet(&b, B);
    if (a.conn != NULL && fake_is_open(a.conn) && take_send(&a, request))
        return 'a';
    if (b.conn != NULL && fake_is_open(b.conn) && take_send(&b, request))
        return 'b';
    return 0;
}
static inline struct peer *peer_of(char name) {
    return name == 'a' ? &a : &b;
}

static inline size_t count(int kind) {
    return fake_event_count(env, kind);
}

#endif
