/* delay_fixture.h - a broker over the real store, a client that sends, sends back and pulls: for
 * tests of what waits in SCHEDULE_TOPIC_XXXX. */
#ifndef MODEL_TESTS_DELAY_FIXTURE_H
#define MODEL_TESTS_DELAY_FIXTURE_H

#include <stdio.h>

#include "model/tests/broker_fixture.h"
#include "model/tests/suite.h"
#include "model/wire/message.h"

#define CONFIG                                                                         \
    "topics=T:2:2\nmappedFileSizeCommitLog=1048576\nmappedFileSizeConsumeQueue=4000\n" \
    "maxHashSlotNum=100\nmaxIndexNum=400\n"
#define PORT 10911

static struct peer client;
static struct wire_command answered;
static struct message pulled; /* the last of a pull */

static inline void connect_client(void) {
    if (client.conn != NULL)
        peer_deinit(&client);
    client.conn = NULL;
    struct env_conn *conn = fake_accept(env, PORT, "10.0.0.50:4000");
    if (conn != NULL)
        peer_init(&client, conn);
}

static inline void begin(const char *config) {
    start(config);
    connect_client();
}

static inline void hang_up_client(void) {
    if (client.conn != NULL)
        peer_deinit(&client);
    client.conn = NULL;
}

static inline void end_broker(void) {
    hang_up_client();
    fake_stop(env);
    wait_for_the_end();
}

static inline void delay_teardown(void) {
    hang_up_client();
    teardown();
}

static inline void add(struct wire_command *request, const char *key, const char *value) {
    ck_assert_int_eq(wire_field_add(request, span_of_text(key), span_of_text(value)), RMQ_OK);
}

/* The answer's code, -1 when none came within 10 s; no more than 1 ms passes for a quick one. */
static inline int32_t ask(struct wire_command *request) {
    request->opaque++;
    request->version = WIRE_VERSION_4_9_8;
    if (client.conn == NULL || !fake_is_open(client.conn))
        return -1;
    peer_send(&client, request);
    for (int i = 0; i < 110 && fake_node(env) != NULL; i++) {
        if (peer_take(&client, &answered))
            return answered.code;
        fake_advance_ms(env, i < 10 ? 0 : 100);
        fake_settle(env);
    }
    return -1;
}

static inline int32_t send_to(const char *topic, const char *properties, const char *body) {
    const char *const fields[][2] = {
        {"a", "p"}, {"b", topic}, {"c", "TBW102"},        {"d", "4"},       {"e", "0"},
        {"f", "0"}, {"h", "0"},   {"g", "1700000000000"}, {"i", properties}};
    struct wire_command request;
    wire_command_init(&request, REQUEST_SEND_MESSAGE_V2);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        add(&request, fields[i][0], fields[i][1]);
    request.body = span_of_text(body);
    return ask(&request);
}

static inline int32_t send_delayed(int level, const char *body) {
    char properties[64];
    snprintf(properties, sizeof properties, "KEYS\001k1\002DELAY\001%d\002TAGS\001A", level);
    return send_to("T", properties, body);
}

/* How many messages a pull finds there; the last one is in `pulled`. */
static inline size_t pull_from(const char *topic, int queue_id, int64_t offset) {
    struct wire_command request;
    char number[2][24];
    snprintf(number[0], sizeof number[0], "%d", queue_id);
    snprintf(number[1], sizeof number[1], "%lld", (long long)offset);
    const char *const fields[][2] = {
        {"consumerGroup", "g"},    {"topic", topic},    {"queueId", number[0]},
        {"maxMsgNums", "32"},      {"sysFlag", "4"},    {"commitOffset", "0"},
        {"subscription", "*"},     {"subVersion", "0"}, {"suspendTimeoutMillis", "0"},
        {"queueOffset", number[1]}};
    wire_command_init(&request, REQUEST_PULL_MESSAGE);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        add(&request, fields[i][0], fields[i][1]);
    size_t count = 0;
    if (ask(&request) != RESPONSE_SUCCESS)
        return 0;
    for (struct span rest = answered.body; rest.len > 0; count++) {
        ck_assert_int_eq(message_decode(rest, true, &pulled), MESSAGE_OK);
        rest = span_from(rest, pulled.size);
    }
    return count;
}

static inline void expect_property(const char *name, const char *value) {
    struct span found = message_property(pulled.properties, span_of_text(name));
    if (value == NULL)
        ck_assert(span_is_absent(found));
    else
        ck_assert_span_eq(found, value);
}

static inline bool delay_file_has(const char *text) {
    struct span file;
    if (!fake_get_file(env, "/store/config/delayOffset.json", &file))
        return false;
    while (file.len > 0 && !span_starts_with(file, span_of_text(text)))
        file = span_from(file, 1);
    return file.len > 0;
}

#endif
