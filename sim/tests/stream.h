/* sim/tests/stream.h - hand-made event streams for tests of oracles, metrics and logs.
 *
 * A stream is a little cluster that exists in its events only: ns-1 (1), ns-2 (2), broker-a (3),
 * broker-b (4), client-1 (5). stream_start brings them up; s_<event>(stream, node, fields...) adds
 * one event at stream.now_ns. What listens is a judge, a sink, or both. */
#ifndef SIM_TESTS_STREAM_H
#define SIM_TESTS_STREAM_H

#include <check.h>
#include <stdlib.h>

#include "sim/judge/judge.h"
#include "sim/oracle/cluster.h"

#define SECOND UINT64_C(1000000000)
enum { WORLD, NS1, NS2, BROKER_A, BROKER_B, CLIENT, NODE_LIMIT };
static const char *const STREAM_NODES[] = {"ns-1", "ns-2", "broker-a", "broker-b", "client-1"};
#define A_ADDRESS "10.0.0.3:10911"
#define B_ADDRESS "10.0.0.4:10911"
#define NS1_ADDRESS "10.0.0.1:9876"
#define NS2_ADDRESS "10.0.0.2:9876"

struct stream {
    uint64_t now_ns;
    uint32_t incarnation[NODE_LIMIT];
    uint32_t sequence[NODE_LIMIT];
    struct judge *judge;
    struct record_sink *sink;
};

/* Blocks are kept in a list, so that a test frees all of them at its end. */
struct stream_block {
    struct stream_block *next;
    uint64_t pad;
};
static struct stream_block *stream_blocks;
static size_t stream_blocks_left = SIZE_MAX; /* then memory is out, */
static bool stream_denied;                   /* and this says that it was asked for */
static void *stream_alloc(void *ctx, size_t size) {
    (void)ctx;
    stream_denied |= stream_blocks_left == 0;
    if (stream_blocks_left == 0)
        return NULL;
    stream_blocks_left--;
    struct stream_block *block = calloc(1, sizeof *block + size);
    ck_assert_ptr_nonnull(block);
    block->next = stream_blocks;
    stream_blocks = block;
    return block + 1;
}
static void stream_free(void *ctx, void *block) {
    (void)ctx, (void)block;
}
static const char *stream_node_name(void *ctx, uint16_t node) {
    (void)ctx;
    return node > 0 && node < NODE_LIMIT ? STREAM_NODES[node - 1] : "?";
}
static inline struct oracle_host stream_host(void) {
    return (struct oracle_host){stream_alloc, stream_free, stream_node_name, NULL, NULL, NULL};
}
static inline void stream_end(void) {
    while (stream_blocks != NULL) {
        struct stream_block *next = stream_blocks->next;
        free(stream_blocks);
        stream_blocks = next;
    }
}

static inline void stream_put(struct stream *stream, uint16_t node, int kind,
                              const struct event_value *values, size_t count) {
    struct record record = {
        .kind = (uint16_t)kind,
        .node = node,
        .incarnation = stream->incarnation[node],
        .node_sequence = ++stream->sequence[node],
        .world_ns = stream->now_ns,
        .mono_ns = stream->now_ns + 1000 * SECOND,
        .wall_ms = 1767225600000 + (int64_t)(stream->now_ns / 1000000),
        .field_count = count,
    };
    ck_assert_uint_le(count, RECORD_FIELDS_MAX);
    if (count > 0)
        memcpy(record.fields, values, count * sizeof *values);
    if (stream->judge != NULL)
        judge_on_record(stream->judge, &record);
    if (stream->sink != NULL)
        record_sink_put(stream->sink, &record);
}

#define STREAM_PARAM_T(name) , const char *name
#define STREAM_PARAM_U(name) , uint64_t name
#define STREAM_PARAM_I(name) , int64_t name
#define STREAM_VALUE_T(name) {EVENT_TEXT, span_of_text(name), 0},
#define STREAM_FUNCTION(id, name, who, about)                                              \
    static inline void s_##id(                                                             \
        struct stream *stream,                                                             \
        uint16_t node EVENT_FIELDS_##id(STREAM_PARAM_T, STREAM_PARAM_U, STREAM_PARAM_I)) { \
        const struct event_value values[] = {                                              \
            EVENT_FIELDS_##id(STREAM_VALUE_T, EVENT_VALUE_U, EVENT_VALUE_I)};              \
        stream_put(stream, node, EVENT_##id, values, sizeof values / sizeof values[0]);    \
    }
EVENTS(STREAM_FUNCTION)
#undef STREAM_FUNCTION

/* ---- the cluster ---- */

static inline void stream_up(struct stream *stream, uint16_t node) {
    static const char *const roles[] = {"", "namesrv", "namesrv", "broker", "broker", "client"};
    static const char *const addresses[] = {"", NS1_ADDRESS, NS2_ADDRESS, A_ADDRESS, B_ADDRESS, ""};
    stream->incarnation[node]++;
    s_world_node_up(stream, node, roles[node]);
    s_node_started(stream, node, roles[node], "4.9");
    if (node < CLIENT)
        s_node_serves(stream, node, addresses[node], node < BROKER_A ? "" : STREAM_NODES[node - 1],
                      0);
}

static inline const char *broker_address(uint16_t broker) {
    return broker == BROKER_A ? A_ADDRESS : B_ADDRESS;
}

/* `server` accepts a registration of `broker`. */
static inline void stream_register(struct stream *stream, uint16_t server, uint16_t broker) {
    s_route_broker_registered(stream, server, "c", STREAM_NODES[broker - 1], 0,
                              broker_address(broker), 0, 1, 1, 1);
}

static inline void stream_evict(struct stream *stream, uint16_t server, uint16_t broker,
                                const char *reason, uint64_t since_ns) {
    s_route_broker_evicted(stream, server, "c", STREAM_NODES[broker - 1], 0, broker_address(broker),
                           reason, since_ns);
}

/* The broker sends a full registration to both name servers, which accept it. */
static inline void stream_register_all(struct stream *stream, uint16_t broker) {
    for (uint16_t server = NS1; server <= NS2; server++) {
        const char *address = server == NS1 ? NS1_ADDRESS : NS2_ADDRESS;
        s_registration_sent(stream, broker, address, 1, 0, 0, 1, 0);
        stream_register(stream, server, broker);
        s_route_topic_set(stream, server, "T", STREAM_NODES[broker - 1], 4, 4, 6);
        s_registration_answered(stream, broker, address, 0, 1000000);
    }
    s_registration_round_done(stream, broker, 2, 2, 1000000, 0);
}

static inline void stream_start(struct stream *stream) {
    for (uint16_t node = NS1; node < NODE_LIMIT; node++)
        stream_up(stream, node);
    s_client_name_server_chosen(stream, CLIENT, NS1_ADDRESS);
    s_channel_opened(stream, CLIENT, NS1_ADDRESS, 0);
}

/* Both brokers (bit 0 a, bit 1 b) register, and the client polls, each 30 s from now until
 * `end_ns`; the clock is left there. */
static inline void stream_run(struct stream *stream, uint64_t end_ns, unsigned brokers) {
    while (stream->now_ns < end_ns) {
        if ((brokers & 1) != 0)
            stream_register_all(stream, BROKER_A);
        if ((brokers & 2) != 0)
            stream_register_all(stream, BROKER_B);
        s_client_poll_done(stream, CLIENT, 1, 1, 0, 2000000);
        stream->now_ns =
            end_ns - stream->now_ns < 30 * SECOND ? end_ns : stream->now_ns + 30 * SECOND;
    }
}

/* ---- judged ---- */

#define STREAM_PARAMETERS_MAX 8
/* A judge with one oracle; `parameters` is "key=value key=value". */
static inline struct judge *stream_judge(const char *oracle, const char *parameters,
                                         const char **error) {
    struct props_entry entries[STREAM_PARAMETERS_MAX];
    struct props props = {.entries = entries};
    for (const char *at = parameters; *at != '\0';) {
        size_t word = strcspn(at, " "), key = strcspn(at, "=");
        ck_assert_uint_lt(key, word);
        ck_assert_uint_lt(props.count, STREAM_PARAMETERS_MAX);
        entries[props.count++] =
            (struct props_entry){span_of(at, key), span_of(at + key + 1, word - key - 1), 0};
        at += word + (at[word] == ' ');
    }
    const struct judge_expectation expectation = {oracle_find(span_of_text(oracle)), &props};
    const struct oracle_host host = stream_host();
    ck_assert_ptr_nonnull(expectation.type);
    return judge_create_on(&host, &expectation, 1, error);
}

static inline struct stream stream_of(const char *oracle, const char *parameters) {
    const char *error = "";
    struct stream stream = {.judge = stream_judge(oracle, parameters, &error)};
    ck_assert_msg(stream.judge != NULL, "%s", error);
    return stream;
}

/* Ends the run now and compares the verdict. */
static inline struct run_result stream_verdict(struct stream *stream, enum verdict expected) {
    struct run_result result;
    judge_finish_at(stream->judge, stream->now_ns, &result);
    const struct oracle_verdict *verdict = &result.oracles[0].verdict;
    ck_assert_msg(verdict->verdict == expected, "%s instead of %s: %s",
                  verdict_name(verdict->verdict), verdict_name(expected), verdict->reason);
    if (expected == VERDICT_FAIL) {
        ck_assert_uint_gt(verdict->witness_count, 0);
        ck_assert_int_ne(verdict->reason[0], '\0');
    }
    if (expected == VERDICT_PASS)
        ck_assert_uint_gt(verdict->checked, 0);
    if (expected == VERDICT_UNKNOWN)
        ck_assert_int_ne(verdict->reason[0], '\0');
    stream_end();
    return result;
}

#define EXPECT(stream, expected) (void)stream_verdict(&(stream), VERDICT_##expected)
#define EXPECT_REASON(stream, expected, part)                                        \
    do {                                                                             \
        struct run_result result_ = stream_verdict(&(stream), VERDICT_##expected);   \
        ck_assert_msg(strstr(result_.oracles[0].verdict.reason, part) != NULL, "%s", \
                      result_.oracles[0].verdict.reason);                            \
    } while (0)

/* main() of a suite with these tests. */
#define STREAM_MAIN(suite_name, ...) STREAM_MAIN_FIXTURE(suite_name, NULL, NULL, __VA_ARGS__)
#define STREAM_MAIN_FIXTURE(suite_name, set_up, tear_down, ...)     \
    int main(void) {                                                \
        const TTest *const tests[] = {__VA_ARGS__};                 \
        Suite *suite = suite_create(suite_name);                    \
        TCase *tcase = tcase_create("all");                         \
        tcase_set_timeout(tcase, 60);                               \
        tcase_add_checked_fixture(tcase, set_up, tear_down);        \
        for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) \
            tcase_add_test(tcase, tests[i]);                        \
        suite_add_tcase(suite, tcase);                              \
        SRunner *runner = srunner_create(suite);                    \
        srunner_run_all(runner, CK_NORMAL);                         \
        int failed = srunner_ntests_failed(runner);                 \
        srunner_free(runner);                                       \
        return failed == 0 ? 0 : 1;                                 \
    }

#endif
