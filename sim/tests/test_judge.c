/* The judge: exit codes, worst verdict, faults seen, and the view of the cluster. */
#include "sim/judge/fault_watch.h"
#include "sim/oracle/base.h"
#include "sim/tests/stream.h"

START_TEST(test_exit_code__worse_is_the_first_of_the_documented_order) {
    static const int order[] = {10, 14, 11, 12, 13, 15, 0};
    for (size_t i = 0; i < 7; i++)
        for (size_t j = 0; j < 7; j++)
            ck_assert_int_eq(exit_code_worse(order[i], order[j]), order[i < j ? i : j]);
    ck_assert_int_eq(exit_code_of(VERDICT_PASS, ORACLE_SAFETY), 0);
    ck_assert_int_eq(exit_code_of(VERDICT_FAIL, ORACLE_SAFETY), 11);
    ck_assert_int_eq(exit_code_of(VERDICT_FAIL, ORACLE_LIVENESS), 12);
    ck_assert_int_eq(exit_code_of(VERDICT_FAIL, ORACLE_OBJECTIVE), 13);
    ck_assert_int_eq(exit_code_of(VERDICT_UNKNOWN, ORACLE_SAFETY), 15);
}
END_TEST

static struct judge *judge_of(const char *const *oracles, size_t count) {
    struct judge_expectation expectations[4];
    struct props_entry max = {SPAN_LITERAL("max"), SPAN_LITERAL("1s"), 0};
    static const struct props none;
    const struct props with_max = {.entries = &max, .count = 1};
    for (size_t i = 0; i < count; i++)
        expectations[i] = (struct judge_expectation){
            oracle_find(span_of_text(oracles[i])),
            strcmp(oracles[i], "eviction-window") == 0 ? &with_max : &none};
    const struct oracle_host host = stream_host();
    const char *error = NULL;
    struct judge *judge = judge_create_on(&host, expectations, count, &error);
    ck_assert_msg(judge != NULL, "%s", error);
    return judge;
}

START_TEST(test_judge__sums_up_the_worst) {
    static const char *const oracles[] = {"route-bounds", "eviction-window", "convergence"};
    struct stream stream = {.judge = judge_of(oracles, 3)};
    struct run_result result;
    stream_start(&stream);
    stream_run(&stream, 60 * SECOND, 3);
    stream.now_ns = 80 * SECOND;
    stream_evict(&stream, NS1, BROKER_A, "scan", 50 * SECOND);
    judge_finish_at(stream.judge, stream.now_ns, &result);
    ck_assert_int_eq(result.verdict, VERDICT_FAIL);
    ck_assert_int_eq(result.exit_code, 11); /* safety before liveness before objective */
    ck_assert_uint_eq(result.oracle_count, 3);
    ck_assert_str_eq(result.oracles[1].name, "eviction-window");
    ck_assert_int_eq(result.oracles[1].verdict.verdict, VERDICT_FAIL);
    ck_assert_uint_eq(result.simulated_ns, 80 * SECOND);
    stream_end();
}
END_TEST

START_TEST(test_judge__knows_nothing_without_oracles) {
    struct stream stream = {.judge = judge_of(NULL, 0)};
    struct run_result result;
    stream_start(&stream);
    judge_finish_at(stream.judge, stream.now_ns, &result);
    ck_assert_int_eq(result.verdict, VERDICT_UNKNOWN);
    ck_assert_int_eq(result.exit_code, 15);
    stream_end();
}
END_TEST

START_TEST(test_judge__a_failed_assertion_is_first) {
    struct stream stream = {.judge = judge_of(NULL, 0)};
    struct run_result result;
    stream_start(&stream);
    s_world_assert(&stream, NS1, "a > b", "model/x.c", 12);
    s_world_assert(&stream, NS1, "other", "model/y.c", 13);
    judge_finish_at(stream.judge, stream.now_ns, &result);
    ck_assert_int_eq(result.exit_code, 10);
    ck_assert_str_eq(result.assertion, "model/x.c:12: a > b");
    stream_end();
}
END_TEST

START_TEST(test_judge__ignores_steps) {
    struct stream stream = {.judge = judge_of(NULL, 0)};
    struct run_result result;
    stream_put(&stream, NS1, STEP_TIMER, NULL, 0);
    judge_finish_at(stream.judge, 0, &result);
    ck_assert_uint_eq(result.events, 0);
    stream_end();
}
END_TEST

/* ---- faults ---- */

START_TEST(test_faults__are_noticed_by_those_who_react) {
    struct stream stream = {.judge = judge_of(NULL, 0)};
    const struct fault_seen *faults;
    stream_start(&stream);
    stream_run(&stream, 60 * SECOND, 3);
    s_world_fault(&stream, BROKER_A, 4, "black-hole", "broker-a", "begin");
    s_registration_failed(&stream, BROKER_A, NS1_ADDRESS, "timeout", SECOND); /* its own: no */
    stream.now_ns = 150 * SECOND;
    stream_evict(&stream, NS2, BROKER_A, "idle", 120 * SECOND);
    stream.now_ns = 200 * SECOND;
    s_world_fault(&stream, BROKER_A, 5, "rejoin", "broker-a", "once");
    s_world_fault(&stream, BROKER_A, 4, "black-hole", "broker-a", "end");
    s_world_fault(&stream, NS1, 6, "pause", "ns-1", "begin");
    stream.now_ns = 210 * SECOND;
    s_world_fault(&stream, NS1, 6, "pause", "ns-1", "end");
    ck_assert_uint_eq(judge_faults(stream.judge, &faults), 2);
    ck_assert_uint_eq(faults[0].index, 4);
    ck_assert_str_eq(faults[0].kind, "black-hole");
    ck_assert_uint_eq(faults[0].begin_ns, 60 * SECOND);
    ck_assert_uint_eq(faults[0].end_ns, 200 * SECOND);
    ck_assert_uint_eq(faults[0].noticed_ns, 150 * SECOND);
    ck_assert_uint_eq(faults[0].noticed_by, NS2);
    ck_assert_uint_eq(faults[1].end_ns, 210 * SECOND);
    ck_assert_uint_eq(faults[1].noticed_ns, CLUSTER_NEVER);
    stream_end();
}
END_TEST

START_TEST(test_faults__of_links_concern_both_ends) {
    struct stream stream = {.judge = judge_of(NULL, 0)};
    const struct fault_seen *faults;
    stream_start(&stream);
    stream.now_ns = 10 * SECOND;
    s_world_fault(&stream, WORLD, 0, "block", "broker-a,broker-b->ns-1", "begin");
    s_registration_failed(&stream, BROKER_B, NS1_ADDRESS, "timeout", SECOND);
    ck_assert_uint_eq(judge_faults(stream.judge, &faults), 1);
    ck_assert_uint_eq(faults[0].noticed_by, BROKER_B);
    stream_end();
}
END_TEST

/* ---- the view of the cluster ---- */

START_TEST(test_name_listed__takes_whole_words) {
    struct span list = SPAN_LITERAL("ns-1, ns-22,broker-a");
    ck_assert(name_listed(list, SPAN_LITERAL("ns-1")));
    ck_assert(name_listed(list, SPAN_LITERAL("ns-22")));
    ck_assert(name_listed(list, SPAN_LITERAL("broker-a")));
    ck_assert(!name_listed(list, SPAN_LITERAL("ns-2")));
    ck_assert(!name_listed(list, SPAN_LITERAL("")));
    ck_assert(!name_listed(SPAN_NONE, SPAN_LITERAL("a")));
}
END_TEST

START_TEST(test_fault_concerns__finds_words) {
    struct span target = SPAN_LITERAL("broker-a,x->ns-1|y");
    static const char *const in[] = {"broker-a", "x", "ns-1", "y"};
    static const char *const out[] = {"broker", "a", "ns", "1", "x-", ""};
    for (size_t i = 0; i < 4; i++)
        ck_assert(fault_concerns(target, span_of_text(in[i])));
    for (size_t i = 0; i < 6; i++)
        ck_assert(!fault_concerns(target, span_of_text(out[i])));
}
END_TEST

static struct record record_of(uint16_t node, int kind, const struct event_value *values,
                               size_t count) {
    struct record record = {
        .kind = (uint16_t)kind, .node = node, .incarnation = 1, .world_ns = SECOND};
    record.field_count = count;
    memcpy(record.fields, values, count * sizeof *values);
    return record;
}

START_TEST(test_cluster__knows_servers_by_address) {
    struct oracle_host host = stream_host();
    struct cluster *cluster = cluster_create(&host);
    const struct event_value started[] = {{EVENT_TEXT, SPAN_LITERAL("broker"), 0},
                                          {EVENT_TEXT, SPAN_LITERAL("4.9"), 0}};
    const struct event_value serves[] = {{EVENT_TEXT, SPAN_LITERAL("10.1.1.1:10911"), 0},
                                         {EVENT_TEXT, SPAN_LITERAL("pair"), 0},
                                         {EVENT_INT, SPAN_NONE, 1}};
    struct record record = record_of(BROKER_A, EVENT_node_started, started, 2);
    cluster_on_record(cluster, &record);
    struct span name = SPAN_LITERAL("broker-a"), absent = SPAN_NONE;
    ck_assert_ptr_nonnull(cluster_find_broker(cluster, name, absent)); /* by node name, until ... */
    record = record_of(BROKER_A, EVENT_node_serves, serves, 3);
    cluster_on_record(cluster, &record);
    const struct cluster_node *node = cluster_find(cluster, name);
    ck_assert_int_eq(node->role, CLUSTER_BROKER);
    ck_assert_int_eq((int)node->broker_id, 1);
    ck_assert_ptr_eq(cluster_find_address(cluster, SPAN_LITERAL("10.1.1.1:10911")), node);
    ck_assert_ptr_eq(cluster_find_address(cluster, SPAN_LITERAL("broker-a:1")), node);
    ck_assert_ptr_null(cluster_find_address(cluster, SPAN_LITERAL("10.1.1.1:9")));
    ck_assert_ptr_eq(
        cluster_find_broker(cluster, SPAN_LITERAL("pair"), SPAN_LITERAL("10.1.1.1:10911")), node);
    ck_assert_ptr_eq(cluster_find_broker(cluster, SPAN_LITERAL("pair"), absent), node);
    ck_assert_ptr_null(
        cluster_find_broker(cluster, SPAN_LITERAL("pair"), SPAN_LITERAL("10.1.1.2:10911")));
    stream_end();
}
END_TEST

/* A pause that ends with its process leaves no fault behind. */
START_TEST(test_cluster__a_killed_process_is_not_paused) {
    struct stream stream = stream_of("convergence", "");
    stream_start(&stream);
    s_world_fault(&stream, BROKER_A, 0, "pause", "broker-a", "begin");
    s_world_node_down(&stream, BROKER_A, "kill");
    s_world_fault(&stream, BROKER_A, 0, "pause", "broker-a", "end");
    stream_up(&stream, BROKER_A);
    stream_run(&stream, 120 * SECOND, 3);
    EXPECT(stream, PASS);
}
END_TEST

/* All that the vocabulary has for oracles: removals, returns, clients, faults, restarts. */
static void play_all(struct stream *stream) {
    stream_start(stream);
    s_client_broker_believed(stream, CLIENT, "T", "broker-a", A_ADDRESS);
    stream_run(stream, 90 * SECOND, 3);
    s_world_fault(stream, WORLD, 0, "block", "broker-a->ns-1", "begin");
    stream_run(stream, 210 * SECOND, 2);
    s_channel_closed(stream, NS1, "10.0.0.3:4000", 1, "idle");
    stream_evict(stream, NS1, BROKER_A, "idle", 120 * SECOND);
    stream_evict(stream, NS2, BROKER_A, "close", 120 * SECOND);
    s_client_broker_dropped(stream, CLIENT, "T", "broker-a", A_ADDRESS);
    s_world_fault(stream, WORLD, 0, "block", "broker-a->ns-1", "end");
    stream_run(stream, 300 * SECOND, 3);
    s_world_node_down(stream, NS1, "kill");
    stream_up(stream, NS1);
    stream_run(stream, 420 * SECOND, 3);
}

static const char *const MANDATORY[][2] = {{"progress", "of=rounds"},
                                           {"eviction-window", "max=1s"},
                                           {"detection", "broker=broker-a"},
                                           {"event-count", "event=registration.sent min=1"},
                                           {"queue-order", "groups=orders-in"}};

static const char *parameters_of(const char *oracle) {
    for (size_t i = 0; i < sizeof MANDATORY / sizeof MANDATORY[0]; i++)
        if (strcmp(MANDATORY[i][0], oracle) == 0)
            return MANDATORY[i][1];
    return "";
}

/* Memory ends after the n-th block, for each n until all is well: nothing crashes, and no oracle
 * passes on half of what it should have seen. */
START_TEST(test_judge__out_of_memory_is_never_a_pass) {
    const char *name = ORACLES[_i]->name;
    size_t needed = 0;
    for (size_t n = 0; needed == 0; n++) {
        const char *error = NULL;
        stream_blocks_left = n;
        stream_denied = false;
        struct stream stream = {.judge = stream_judge(name, parameters_of(name), &error)};
        if (stream.judge == NULL) {
            ck_assert_ptr_nonnull(error);
            stream_end();
            continue;
        }
        play_all(&stream);
        struct run_result result;
        judge_finish_at(stream.judge, stream.now_ns, &result);
        if (!stream_denied)
            needed = n;
        else if (judge_is_complete(stream.judge))
            ck_assert_msg(result.verdict != VERDICT_PASS, "%s passes with %zu blocks", name, n);
        stream_end();
    }
    stream_blocks_left = SIZE_MAX;
    ck_assert_uint_gt(needed, 10);
}
END_TEST

START_TEST(test_duration_parse__takes_units) {
    static const struct {
        const char *text;
        uint64_t ns;
    } good[] = {{"0", 0},
                {"17", 17},
                {"5ns", 5},
                {"2us", 2000},
                {"1.5ms", 1500000},
                {"30s", 30 * SECOND},
                {"0.25m", 15 * SECOND},
                {"1h", 3600 * SECOND}};
    static const char *const bad[] = {"",
                                      "s",
                                      "1 s",
                                      "-1s",
                                      "1.s",
                                      ".5s",
                                      "1.5ns",
                                      "1x",
                                      "99999999999999999999",
                                      "20000000000s",
                                      "1.2.3s"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        uint64_t ns = 1;
        ck_assert_msg(duration_parse(span_of_text(good[i].text), &ns), "%s", good[i].text);
        ck_assert_uint_eq(ns, good[i].ns);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint64_t ns;
        ck_assert_msg(!duration_parse(span_of_text(bad[i]), &ns), "%s", bad[i]);
    }
}
END_TEST

int main(void) {
    const TTest *const tests[] = {test_exit_code__worse_is_the_first_of_the_documented_order,
                                  test_judge__sums_up_the_worst,
                                  test_judge__knows_nothing_without_oracles,
                                  test_judge__a_failed_assertion_is_first,
                                  test_judge__ignores_steps,
                                  test_faults__are_noticed_by_those_who_react,
                                  test_faults__of_links_concern_both_ends,
                                  test_name_listed__takes_whole_words,
                                  test_fault_concerns__finds_words,
                                  test_cluster__knows_servers_by_address,
                                  test_cluster__a_killed_process_is_not_paused,
                                  test_duration_parse__takes_units};
    Suite *suite = suite_create("judge");
    TCase *tcase = tcase_create("all");
    tcase_set_timeout(tcase, 60);
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        tcase_add_test(tcase, tests[i]);
    tcase_add_loop_test(tcase, test_judge__out_of_memory_is_never_a_pass, 0, (int)ORACLE_COUNT);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
