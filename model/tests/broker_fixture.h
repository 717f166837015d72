/* broker_fixture.h - a broker in a fake env and the name servers it talks to, played by the test.
 */
#ifndef MODEL_TESTS_BROKER_FIXTURE_H
#define MODEL_TESTS_BROKER_FIXTURE_H

#include "model/broker/broker.h"
#include "model/broker/broker_internal.h"
#include "model/tests/peer.h"
#include "model/tests/registrations.h"

#define ONE "namesrvAddr=10.0.0.1:9876\n"
#define TWO "namesrvAddr=10.0.0.1:9876;10.0.0.2:9876\n"
#define SECOND_MS UINT64_C(1000)

static const char *const ADDRESSES[] = {"10.0.0.1:9876", "10.0.0.2:9876"};
static struct env *env;
static struct peer peers[2];

static inline void setup(void) {
    env = fake_create();
    memset(peers, 0, sizeof peers);
}

static inline void hang_up(size_t p) {
    if (peers[p].conn != NULL)
        peer_deinit(&peers[p]);
    peers[p].conn = NULL;
}

static inline void teardown(void) {
    hang_up(0);
    hang_up(1);
    fake_destroy(env);
}

/* Until its store is open and it serves, or it has ended; no time passes. */
static inline void settle_until_it_serves(void) {
    for (int i = 0; i < 1000; i++) {
        const struct broker *started = fake_node(env);
        if (started == NULL || started->serves)
            return;
        fake_settle(env);
    }
}

/* After fake_stop: goodbyes that nobody answers take 3 s, then the store closes. */
static inline void wait_for_the_end(void) {
    for (int i = 0; i < 100 && fake_node(env) != NULL; i++)
        fake_advance_ms(env, 100);
}

static inline void start(const char *config) {
    ck_assert_int_eq(fake_start_text(env, &broker_role, config), RMQ_OK);
    settle_until_it_serves();
}

static inline void connect_peer(size_t p) {
    hang_up(p);
    peer_accept(&peers[p], env, ADDRESSES[p]);
}

/* Starts, with its first `count` name servers connected. */
static inline void start_connected(const char *config, size_t count) {
    start(config);
    for (size_t p = 0; p < count; p++)
        connect_peer(p);
}

static inline void answer_ok(size_t p, const struct wire_command *request) {
    struct wire_command response;
    wire_command_init(&response, RESPONSE_SUCCESS);
    peer_answer(&peers[p], request, &response);
}

/* The next frame to name server `p` is a registration; `table` (may be NULL) gets its topics. */
static inline void take_registration(size_t p, struct wire_command *request,
                                     struct registered *table) {
    peer_expect(&peers[p], REQUEST_REGISTER_BROKER, request);
    if (table != NULL)
        registered_read(table, request->body,
                        span_equal(wire_field(request, "compressed"), SPAN_LITERAL("true")),
                        request->version);
}

static inline void answer_registration(size_t p) {
    struct wire_command request;
    take_registration(p, &request, NULL);
    answer_ok(p, &request);
}

static inline void expect_nothing(size_t p) {
    struct wire_command request;
    if (peer_take(&peers[p], &request))
        ck_abort_msg("request %d came", (int)request.code);
}

static inline void expect_exit(void) {
    int status = -1;
    ck_assert(fake_exited(env, &status));
    ck_assert_int_eq(status, 0);
}

/* A clean stop whose goodbyes nobody answers. */
static inline void stop(void) {
    fake_stop(env);
    wait_for_the_end();
    expect_exit();
}

static inline size_t rounds_done(void) {
    return fake_event_count(env, EVENT_registration_round_done);
}

static inline uint64_t last_round(const char *field) {
    return fake_event_uint(env, EVENT_registration_round_done, field);
}

#endif
