/* Run and sweep directories: files, members of the summaries, what is said when writing fails. */
#include <cjson/cJSON.h>
#include <errno.h>

#include "sim/report/run_dir.h"
#include "sim/tests/folder.h"
#include "sim/tests/stream.h"

#define SCENARIO                                                                       \
    "{\"name\":\"silent\",\"about\":\"a broker goes silent\",\"plots\":[],\"expect\":" \
    "[{\"oracle\":\"route-bounds\",\"expiry\":\"120s\"},"                              \
    "{\"oracle\":\"eviction-window\",\"reason\":[\"idle\",\"scan\"],\"max\":\"121s\"}]}"

static const struct run_fault_config FAULTS[] = {
    {0, "black-hole", "broker-a"}, {1, "rejoin", "broker-a"}, {2, "kill", "broker-b"}};
static const struct run_info INFO = {
    .scenario_json = SCENARIO,
    .seed = UINT64_C(18446744073709551615),
    .nodes = STREAM_NODES,
    .node_count = 5,
    .faults = FAULTS,
    .fault_count = 3,
    .replay = "mqsim run silent.json --seed 18446744073709551615",
};

/* broker-a is black-holed at 60 s and removed by ns-1; the kill never fires. */
static void play(struct stream *stream) {
    stream_start(stream);
    s_client_broker_believed(stream, CLIENT, "T", "broker-a", A_ADDRESS);
    stream_run(stream, 60 * SECOND, 3);
    s_world_fault(stream, BROKER_A, 0, "black-hole", "broker-a", "begin");
    stream_run(stream, 150 * SECOND, 2);
    stream_evict(stream, NS1, BROKER_A, "idle", 120 * SECOND);
    s_client_broker_dropped(stream, CLIENT, "T", "broker-a", A_ADDRESS);
    stream_run(stream, 160 * SECOND, 2);
}

static struct judge *judge_two(void) {
    static struct props_entry entry = {SPAN_LITERAL("max"), SPAN_LITERAL("121s"), 0};
    const struct props max = {.entries = &entry, .count = 1};
    const struct judge_expectation expectations[] = {
        {oracle_find(SPAN_LITERAL("route-bounds")), NULL},
        {oracle_find(SPAN_LITERAL("eviction-window")), &max}};
    const struct oracle_host host = stream_host();
    const char *error;
    return judge_create_on(&host, expectations, 2, &error);
}

/* Makes a run directory in folder/run; the text of its summary, for free(). */
static char *make_run(const char *path) {
    const char *error = "";
    struct run_dir *dir = run_dir_open(path, &INFO, false, &error);
    ck_assert_msg(dir != NULL, "%s", error);
    struct stream stream = {.judge = judge_two(), .sink = run_dir_sink(dir)};
    play(&stream);
    struct run_result *result = malloc(sizeof *result);
    judge_finish_at(stream.judge, stream.now_ns, result);
    snprintf(result->trace_hash, sizeof result->trace_hash, "%032d", 7);
    const struct fired_count fired = {"black-hole", 1};
    const struct run_facts facts = {.wall_ns = 250000000, .fired = &fired, .fired_count = 1};
    struct report_options options;
    report_options_default(&options);
    options.pictures = false;
    options.page = false;
    char *summary = NULL;
    bool written = run_dir_finish(dir, stream.judge, result, &facts, &options, &summary, &error);
    ck_assert_msg(written, "%s", error);
    free(result);
    stream_end();
    return summary;
}

static const cJSON *member(const cJSON *json, const char *name) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);
    ck_assert_msg(item != NULL, "no member %s", name);
    return item;
}

static void member_is(const cJSON *json, const char *name, const char *text) {
    ck_assert_str_eq(cJSON_GetStringValue(member(json, name)), text);
}

START_TEST(test_run_dir__summary_has_the_documented_members) {
    char *path = path_join(folder, "run");
    char *text = make_run(path);
    char *file = folder_read("run/summary.json");
    ck_assert_str_eq(file, text);
    cJSON *summary = cJSON_Parse(text);
    member_is(summary, "scenario", "silent");
    member_is(summary, "seed", "18446744073709551615");
    member_is(summary, "commit", build_commit());
    member_is(summary, "verdict", "pass");
    member_is(summary, "trace_hash", "00000000000000000000000000000007");
    member_is(summary, "replay", INFO.replay);
    ck_assert_double_eq(member(summary, "simulated_s")->valuedouble, 160);
    ck_assert_double_eq(member(summary, "wall_s")->valuedouble, 0.25);
    ck_assert_double_gt(member(summary, "events")->valuedouble, 50);
    ck_assert(cJSON_IsFalse(member(summary, "interrupted")));
    const cJSON *oracles = member(summary, "oracles");
    ck_assert_int_eq(cJSON_GetArraySize(oracles), 2);
    member_is(oracles->child, "name", "route-bounds");
    member_is(oracles->child, "verdict", "pass");
    ck_assert(cJSON_IsArray(member(oracles->child, "witness")));
    ck_assert_double_gt(member(oracles->child, "checked")->valuedouble, 0);
    const cJSON *metric = member(member(summary, "metrics"), "eviction_after_fault_ms");
    static const char *const parts[] = {"min", "p50", "p99", "max"};
    ck_assert_double_eq(member(metric, "count")->valuedouble, 1);
    for (size_t i = 0; i < 4; i++)
        ck_assert_double_eq(member(metric, parts[i])->valuedouble, 90000);
    member(member(member(summary, "metrics_by_tag"), "eviction_after_fault_ms"), "idle");
    member_is(member(summary, "versions"), "zlib", build_zlib());
    cJSON_Delete(summary);
    free(text);
    free(file);
    free(path);
}
END_TEST

START_TEST(test_run_dir__summary_counts_faults) {
    char *text = make_run(NULL);
    cJSON *summary = cJSON_Parse(text);
    const cJSON *faults = member(summary, "faults");
    ck_assert_double_eq(member(faults, "configured")->valuedouble, 2); /* a repair is no fault */
    ck_assert_double_eq(member(faults, "fired")->valuedouble, 1);
    ck_assert_double_eq(member(faults, "noticed")->valuedouble, 1);
    ck_assert_double_eq(member(member(faults, "fired_by_kind"), "black-hole")->valuedouble, 1);
    const cJSON *never = member(faults, "list")->child;
    member_is(never, "kind", "kill");
    ck_assert(cJSON_IsNull(member(never, "fired_s")));
    const cJSON *fired = never->next;
    member_is(fired, "kind", "black-hole");
    ck_assert_double_eq(member(fired, "fired_s")->valuedouble, 60);
    ck_assert_double_eq(member(fired, "noticed_s")->valuedouble, 150);
    member_is(fired, "noticed_by", "ns-1");
    ck_assert_str_eq(member(summary, "warnings")->child->valuestring,
                     "fault 2 (kill broker-b) never fired");
    cJSON_Delete(summary);
    free(text);
}
END_TEST

START_TEST(test_run_dir__holds_what_is_documented) {
    char *path = path_join(folder, "deep/er/run");
    free(make_run(path));
    char *text = folder_read("deep/er/run/scenario.json");
    ck_assert_str_eq(text, SCENARIO);
    free(text);
    text = folder_read("deep/er/run/series/listings.csv");
    ck_assert_ptr_nonnull(strstr(text, "observer,role,broker,from_s,to_s,reason\n"));
    ck_assert_ptr_nonnull(strstr(text, "\nns-1,namesrv,broker-a,0.000000,150.000000,idle\n"));
    ck_assert_ptr_nonnull(strstr(text, "\nclient-1,client,broker-a,0.000000,150.000000,\n"));
    ck_assert_ptr_nonnull(strstr(text, "\nns-2,namesrv,broker-b,0.000000,,\n"));
    free(text);
    text = folder_read("deep/er/run/series/faults.csv");
    ck_assert_str_eq(text, "index,kind,target,from_s,to_s,lasting\n"
                           "0,black-hole,broker-a,60.000000,,1\n");
    free(text);
    text = folder_read("deep/er/run/series/evictions.csv");
    ck_assert_str_eq(text, "at_s,name_server,broker,reason,since_registration_s,since_fault_s\n"
                           "150.000000,ns-1,broker-a,idle,120.000000,90.000000\n");
    free(text);
    text = folder_read("deep/er/run/series/registrations.csv");
    ck_assert_ptr_nonnull(strstr(text, "\n30.000000,ns-2,broker-b,1\n"));
    free(text);
    text = folder_read("deep/er/run/series/eviction_after_fault_ms.csv");
    ck_assert_str_eq(text, "value_ns,tag,scenario\n90000000000,idle,silent\n");
    free(text);
    ck_assert(folder_has("deep/er/run/events.bin"));
    ck_assert(folder_has("deep/er/run/plots"));
    free(path);
}
END_TEST

START_TEST(test_run_dir_open__says_why_it_cannot) {
    const char *error = NULL;
    char *path = path_join(folder, "file");
    ck_assert(file_write_whole(path, "", 0));
    char *below = path_join(path, "run");
    ck_assert_ptr_null(run_dir_open(below, &INFO, false, &error));
    ck_assert_str_eq(error, strerror(ENOTDIR));
    ck_assert_ptr_null(run_dir_open("", &INFO, false, &error));
    free(below);
    free(path);
}
END_TEST

/* ---- sweeps ---- */

static struct run_result *result_of(enum verdict verdict, int code, unsigned hash) {
    struct run_result *result = calloc(1, sizeof *result);
    result->verdict = verdict;
    result->exit_code = code;
    result->events = 10;
    result->simulated_ns = 2 * SECOND;
    snprintf(result->trace_hash, sizeof result->trace_hash, "%032x", hash);
    result->oracle_count = 1;
    result->oracles[0].name = "eviction-window";
    result->oracles[0].class_ = ORACLE_OBJECTIVE;
    result->oracles[0].verdict.verdict = verdict;
    snprintf(result->oracles[0].verdict.reason, ORACLE_TEXT_MAX, "ns-1 removed it after 12%u.5 s",
             hash);
    return result;
}

static void add(struct sweep_dir *dir, uint64_t index, const char *const *values,
                struct run_result *result) {
    const struct metric_sample samples[] = {{(100 + index) * SECOND, NS1, BROKER_A, "idle"},
                                            {(101 + index) * SECOND, NS2, BROKER_A, "scan"}};
    const struct sweep_samples metric = {"eviction_after_fault_ms", samples, 2};
    const struct fired_count fired = {"kill", 2};
    const struct sweep_run run = {.index = index,
                                  .scenario = "silent",
                                  .values = values,
                                  .seed = index + 1,
                                  .result = result,
                                  .crash = result == NULL ? "signal 11" : NULL,
                                  .metrics = &metric,
                                  .metric_count = result == NULL ? 0 : 1,
                                  .replay = "mqsim run it",
                                  .fired = &fired,
                                  .fired_count = 1};
    ck_assert(sweep_dir_add(dir, &run));
    free(result);
}

/* Four runs of two groups, given in an order that `backwards` turns round. */
static char *make_sweep(const char *path, bool backwards, int *code) {
    static const char *const parameters[] = {"fault", "profile"};
    static const char *const kill_49[] = {"kill", "4.9"}, *const pause_53[] = {"pause", "5.3"};
    const struct sweep_info info = {SCENARIO, parameters, 2, "mqsim run silent.json --seeds 1..4"};
    const char *error = NULL;
    struct sweep_dir *dir = sweep_dir_open(path, &info, &error);
    ck_assert_msg(dir != NULL, "%s", error);
    for (int i = 0; i < 4; i++)
        switch (backwards ? 3 - i : i) {
        case 0:
            add(dir, 0, kill_49, result_of(VERDICT_PASS, 0, 1));
            break;
        case 1:
            add(dir, 1, kill_49, result_of(VERDICT_FAIL, 13, 2));
            break;
        case 2:
            add(dir, 2, pause_53, NULL);
            break;
        default:
            add(dir, 3, pause_53, result_of(VERDICT_UNKNOWN, 15, 3));
        }
    struct report_options options;
    report_options_default(&options);
    options.pictures = options.page = false;
    const struct run_facts facts = {.wall_ns = SECOND};
    char *summary = NULL;
    bool written = sweep_dir_finish(dir, &facts, &options, code, &summary, &error);
    ck_assert_msg(written, "%s", error);
    return summary;
}

START_TEST(test_sweep_dir__sums_up) {
    int code;
    char *text = make_sweep(NULL, false, &code);
    cJSON *summary = cJSON_Parse(text);
    ck_assert_int_eq(code, 10);
    member_is(summary, "verdict", "fail");
    static const char *const counts[] = {"pass", "fail", "unknown", "crashed"};
    for (size_t i = 0; i < 4; i++)
        ck_assert_double_eq(member(summary, counts[i])->valuedouble, 1);
    ck_assert_double_eq(member(summary, "runs")->valuedouble, 4);
    const cJSON *failures = member(summary, "failures");
    ck_assert_int_eq(cJSON_GetArraySize(failures), 2);
    member_is(failures->child, "seed", "2");
    member_is(failures->child, "oracle", "eviction-window");
    member_is(failures->child, "signature", "eviction-window: ns-# removed it after #.# s");
    member_is(failures->child, "replay", "mqsim run it");
    member_is(failures->child->next, "oracle", "crash");
    member_is(failures->child->next, "reason", "signal 11");
    const cJSON *metric = member(member(summary, "metrics"), "eviction_after_fault_ms");
    ck_assert_double_eq(member(metric, "count")->valuedouble, 6);
    ck_assert_double_eq(member(metric, "min")->valuedouble, 100000);
    ck_assert_double_eq(member(metric, "max")->valuedouble, 104000);
    const cJSON *groups = member(summary, "groups");
    ck_assert_int_eq(cJSON_GetArraySize(groups), 2);
    member_is(member(groups->child, "parameters"), "fault", "kill");
    member_is(member(groups->child->next, "parameters"), "profile", "5.3");
    ck_assert_double_eq(member(groups->child, "runs")->valuedouble, 2);
    ck_assert_double_eq(
        member(member(member(summary, "faults"), "fired_by_kind"), "kill")->valuedouble, 8);
    const cJSON *tally = member(summary, "oracles")->child;
    ck_assert_double_eq(member(tally, "unknown")->valuedouble, 1);
    cJSON_Delete(summary);
    free(text);
}
END_TEST

START_TEST(test_sweep_dir__writes_rows_in_order_whatever_order_runs_come_in) {
    int code;
    for (int backwards = 0; backwards < 2; backwards++) {
        char *path = path_join(folder, backwards ? "b" : "a");
        free(make_sweep(path, backwards != 0, &code));
        free(path);
    }
    static const char *const files[][2] = {
        {"a/runs.csv", "b/runs.csv"},
        {"a/series/eviction_after_fault_ms.csv", "b/series/eviction_after_fault_ms.csv"}};
    char *rows = folder_read(files[0][0]), *again = folder_read(files[0][1]);
    ck_assert_str_eq(rows, again);
    ck_assert_ptr_nonnull(
        strstr(rows, "scenario,fault,profile,seed,trace_hash,verdict,exit_code,"));
    ck_assert_ptr_nonnull(strstr(rows,
                                 "\nsilent,kill,4.9,2,00000000000000000000000000000002,fail,13,10,,"
                                 "101000:idle;102000:scan,"));
    ck_assert_ptr_nonnull(strstr(rows, "\nsilent,pause,5.3,3,,crashed,10,"));
    free(rows);
    free(again);
    char *summary = folder_read("a/summary.json"), *other = folder_read("b/summary.json");
    cJSON *a = cJSON_Parse(summary), *b = cJSON_Parse(other);
    member_is(a, "trace_hash", cJSON_GetStringValue(member(b, "trace_hash")));
    cJSON_Delete(a);
    cJSON_Delete(b);
    free(summary);
    free(other);
    rows = folder_read(files[1][0]);
    ck_assert_ptr_nonnull(strstr(rows, "value_ns,tag,scenario,fault,profile\n"));
    ck_assert_ptr_nonnull(strstr(rows, "\n103000000000,idle,silent,pause,5.3\n"));
    free(rows);
}
END_TEST

/* Nothing ran (Ctrl-C at once): that is valid, and nothing is claimed. */
START_TEST(test_sweep_dir__of_nothing_is_unknown) {
    const struct sweep_info info = {SCENARIO, NULL, 0, "mqsim"};
    const char *error;
    int code;
    struct report_options options;
    report_options_default(&options);
    const struct run_facts facts = {.interrupted = true};
    char *text = NULL;
    struct sweep_dir *dir = sweep_dir_open(NULL, &info, &error);
    ck_assert(sweep_dir_finish(dir, &facts, &options, &code, &text, &error));
    cJSON *summary = cJSON_Parse(text);
    ck_assert_int_eq(code, 15);
    member_is(summary, "verdict", "unknown");
    ck_assert(cJSON_IsTrue(member(summary, "interrupted")));
    cJSON_Delete(summary);
    free(text);
}
END_TEST

/* ---- files ---- */

START_TEST(test_file_write_whole__leaves_nothing_half_written) {
    char *path = path_join(folder, "x");
    ck_assert(file_write_whole(path, "old", 3));
    ck_assert(file_write_whole(path, "new text", 8));
    char *text = folder_read("x");
    ck_assert_str_eq(text, "new text");
    free(text);
    char *missing = path_join(folder, "none/x");
    ck_assert(!file_write_whole(missing, "", 0));
    ck_assert_int_eq(errno, ENOENT);
    size_t len;
    ck_assert_ptr_null(file_read_whole(missing, &len));
    free(missing);
    free(path);
}
END_TEST

STREAM_MAIN_FIXTURE("run_dir", folder_make, folder_remove,
                    test_run_dir__summary_has_the_documented_members,
                    test_run_dir__summary_counts_faults, test_run_dir__holds_what_is_documented,
                    test_run_dir_open__says_why_it_cannot, test_sweep_dir__sums_up,
                    test_sweep_dir__writes_rows_in_order_whatever_order_runs_come_in,
                    test_sweep_dir__of_nothing_is_unknown,
                    test_file_write_whole__leaves_nothing_half_written)
