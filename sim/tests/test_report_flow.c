/* Tests of the pictures of messages: series of a small run, the tables behind the pictures, and the
 * page they end up in. */
#include <cjson/cJSON.h>

#include "sim/record/record.h"
#include "sim/report/report_internal.h"
#include "sim/report/run_dir.h"
#include "sim/tests/flow.h"
#include "sim/tests/folder.h"

static void put(const char *name, const char *text) {
    ck_assert(run_directories_make(folder));
    ck_assert(file_write_in(folder, name, text));
}

static void assert_file(const char *name, const char *expected) {
    char *text = folder_read(name);
    ck_assert_str_eq(text, expected);
    free(text);
}

static void assert_holds(const char *text, const char *part) {
    ck_assert_msg(strstr(text, part) != NULL, "no %s", part);
}

static void assert_file_holds(const char *name, const char *part) {
    char *text = folder_read(name);
    ck_assert_msg(strstr(text, part) != NULL, "no \"%s\" in %s:\n%s", part, name, text);
    free(text);
}

/* ---- a run ---- */

static const struct run_info INFO = {.scenario_json = "{\"name\":\"small\",\"about\":\"\"}",
                                     .seed = 1,
                                     .nodes = STREAM_NODES,
                                     .node_count = 5,
                                     .replay = "mqsim run small.json"};

/* 20 messages went through from 100 s on; then the broker loses power, of which one send fails, and
 * comes back without the last 8, of which 3 had been flushed. */
static void small_run(void) {
    const char *error = "";
    struct run_dir *dir = run_dir_open(folder, &INFO, false, &error);
    ck_assert_msg(dir != NULL, "%s", error);
    struct stream stream = stream_of("no-phantom", "");
    stream.sink = run_dir_sink(dir);
    stream_start(&stream);
    stream.now_ns = 100 * SECOND;
    flow_acquire(&stream, CLIENT, BROKER_A, 0, 0);
    flow_through(&stream, 0, 20);
    s_store_writable(&stream, BROKER_A, 0, "disk_full", 900000);
    s_store_flushed(&stream, BROKER_A, 1500, 1);
    s_store_file_deleted(&stream, BROKER_A, "x", 0, 100, "expired");
    stream.now_ns = 101 * SECOND;
    s_world_fault(&stream, BROKER_A, 0, "power-off", "broker-a", "once");
    flow_send(&stream, NUMBER(21));
    stream.now_ns += SECOND / 2;
    s_send_failed(&stream, CLIENT, "T", NUMBER(21), "broker-a", 10002, "timeout", 3, 1, SECOND / 2);
    flow_restart(&stream, BROKER_A, "power_off", 12);
    flow_release(&stream, CLIENT, BROKER_A, 0, 12, "rebalance");
    static struct run_result result;
    judge_finish_at(stream.judge, stream.now_ns, &result);
    const struct run_facts facts = {.wall_ns = 1};
    struct report_options options;
    report_options_default(&options);
    ck_assert_msg(run_dir_finish(dir, stream.judge, &result, &facts, &options, NULL, &error), "%s",
                  error);
    stream_end();
}

START_TEST(test_series_flow__of_a_run) {
    small_run();
    assert_file_holds("series/flow.csv",
                      "from_s,to_s,sends_started,sends_acked,sends_failed,delivered,duplicates,"
                      "backlog,send_p50_us,send_p99_us,send_p99.9_us,consume_p50_us,"
                      "consume_p99_us,consume_p99.9_us\n0.000,1.000,0,0,0,0,0,0,,,,,,\n");
    assert_file_holds("series/flow.csv",
                      "\n100.000,101.000,20,20,0,20,0,0,2000,2000,2000,5000,5000,5000\n"
                      "101.000,102.000,1,0,1,0,0,0,,,,,,\n");
    assert_file_holds("series/latencies.csv", "kind,at_s,latency_us\nsend,100.002000,2000.000\n");
    assert_file_holds("series/latencies.csv", "\nsend_failed,101.500000,500000.000\nconsume,");
    assert_file_holds("series/phases.csv", "lost_in_window,lost\n");
    assert_file_holds("series/phases.csv", ",101.000000,20,0,20,0,5,3\n101.000000,");
    assert_file("series/ownership.csv", "group,topic,broker,queue,owner,from_s,to_s\n"
                                        "G,T,broker-a,0,client-1,100.000000,107.500000\n");
    assert_file_holds("series/store.csv", "broker,what,from_s,to_s,count,detail\n"
                                          "broker-a,refusing,100.100000,101.500000,1,disk_full\n"
                                          "broker-a,deleted,100.100000,100.100000,1,expired\n"
                                          "broker-a,down,101.500000,106.500000,1,power_off\n");
}
END_TEST

START_TEST(test_report_flow__page_of_a_run) {
    static const char *const pictures[] = {"send-latency", "produce-to-consume", "throughput",
                                           "backlog",      "ownership",          "message-counts",
                                           "store"};
    small_run();
    for (size_t i = 0; i < sizeof pictures / sizeof pictures[0]; i++) {
        char name[64];
        snprintf(name, sizeof name, "plots/%s.svg", pictures[i]);
        ck_assert_msg(folder_has(name), "no %s", name);
        snprintf(name, sizeof name, "plots/%s-narrow.svg", pictures[i]);
        ck_assert_msg(folder_has(name), "no %s", name);
    }
    ck_assert(!folder_has("plots/runs.svg"));
    char *page = folder_read("index.html");
    assert_holds(page, "How long sends took");
    assert_holds(page, ">power-off broker-a</text>");
    assert_holds(page, "21 sends: 20 acknowledged, 1 failed (1 timed out, 1 may be stored)");
    assert_holds(page, "power-off broker-a at 101.000 s: no send begun after it succeeded");
    assert_holds(page, "2 ms / 2 ms / 2 ms");
    assert_holds(page, "Rare things that were seen");
    assert_holds(page, "<td data-label=\"what\">acked-lost-in-window</td>");
    ck_assert_ptr_null(strstr(page, "Nothing to draw")); /* nobody asked for the others */
    free(page);
}
END_TEST

START_TEST(test_report_flow__without_gnuplot) {
    char *path = strdup(getenv("PATH"));
    const char *note, *error;
    struct report_options options;
    small_run();
    setenv("PATH", "/nonexistent", 1);
    report_options_default(&options);
    ck_assert(report_directory(folder, &options, &note, &error));
    setenv("PATH", path, 1);
    free(path);
    assert_holds(note, "gnuplot cannot be run");
    assert_file_holds("index.html", "21 sends: 20 acknowledged");
}
END_TEST

/* ---- tables behind the pictures ---- */

/* Has `data` write its tables for the folder's files into it. */
static int tables_make(figure_data_fn *data, const char *summary, bool narrow,
                       struct figure *figure) {
    struct report report = {.path = folder, .summary = cJSON_Parse(summary)};
    struct canvas canvas = {.narrow = narrow, .width = narrow ? 380 : 1000, .font_px = 13};
    char *path = path_join(folder, "figure.gp");
    FILE *out = fopen(path, "w");
    ck_assert_ptr_nonnull(out);
    *figure = (struct figure){.plot = NULL};
    int result = data(&report, folder, out, &canvas, figure);
    ck_assert_int_eq(fclose(out), 0);
    ck_assert(result != 1 || (canvas.height > 50 && canvas.height < 3000));
    cJSON_Delete(report.summary);
    free(path);
    return result;
}

START_TEST(test_figure_data_latency__has_no_zero_and_no_line_over_nothing) {
    struct figure figure;
    put("series/flow.csv", "from_s,to_s,send_p50_us,send_p99_us,send_p99.9_us\n0,1,400,900,1000\n"
                           "1,2,,,\n2,3,500,2000000,2500000\n");
    put("series/latencies.csv", "kind,at_s,latency_us\nsend,0.5,0\nsend,2.5,500\n"
                                "consume,2.6,7\nsend_failed,2.7,3000000\n");
    ck_assert_int_eq(tables_make(figure_data_send_latency, "{\"simulated_s\":3}", false, &figure),
                     1);
    assert_file("points", "0.500000 0.4 0.9 1\n1.500000 NaN NaN NaN\n2.500000 0.5 2000 2500\n");
    assert_file("dots", "0.500000 0.001\n2.500000 0.5\n");
    assert_file("failed", "2.700000 3000\n");
    assert_file_holds("figure.gp", "low = 0.001\nhigh = 5000\nset ytics ('1 us' 0.001, '10 us'");
}
END_TEST

START_TEST(test_figure_data_latency__small_ranges_have_marks_between) {
    struct figure figure;
    put("series/flow.csv",
        "from_s,to_s,consume_p50_us,consume_p99_us,consume_p99.9_us\n0,1,300,900,1100\n");
    put("series/latencies.csv", "kind,at_s,latency_us\nconsume,0.5,300\n");
    ck_assert_int_eq(
        tables_make(figure_data_produce_to_consume, "{\"simulated_s\":1}", true, &figure), 1);
    assert_file_holds("figure.gp", "set ytics ('200 us' 0.2, '500 us' 0.5, '1 ms' 1, '2 ms' 2)");
}
END_TEST

START_TEST(test_figure_data_flow__joins_points_of_a_long_run) {
    struct figure figure;
    char *text;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    fputs("from_s,to_s,backlog\n", out);
    for (int i = 0; i < 1200; i++)
        fprintf(out, "%d,%d,%d\n", i, i + 1, i);
    fclose(out);
    put("series/flow.csv", text);
    free(text);
    ck_assert_int_eq(tables_make(figure_data_backlog, "{\"simulated_s\":1200}", true, &figure), 1);
    assert_file_holds("points", "10.000000 9\n20.000000 19\n");
    put("series/flow.csv",
        "from_s,to_s,sends_started,sends_acked,sends_failed,delivered\n0,0.5,10,8,2,3\n");
    ck_assert_int_eq(tables_make(figure_data_throughput, "{\"simulated_s\":1}", false, &figure), 1);
    assert_file("points", "0.250000 20 16 4 6\n");
}
END_TEST

START_TEST(test_figure_data_flow__nothing_to_draw) {
    static figure_data_fn *const all[] = {figure_data_send_latency, figure_data_produce_to_consume,
                                          figure_data_throughput,   figure_data_backlog,
                                          figure_data_ownership,    figure_data_message_counts,
                                          figure_data_store,        figure_data_runs};
    struct figure figure;
    ck_assert_int_eq(tables_make(all[_i], "{\"simulated_s\":1}", false, &figure), 0);
    assert_holds(figure.remark, "Nothing to draw: ");
}
END_TEST

START_TEST(test_figure_data_ownership__gaps_and_overlaps) {
    struct figure figure;
    put("series/ownership.csv", "group,topic,broker,queue,owner,from_s,to_s\n"
                                "G,T,b,1,c2,60,\nG,T,b,0,c1,0,40\nG,T,b,0,c2,39,70\n"
                                "G,T,b,0,c1,72.5,\nG,T,b,1,c1,0,60\n");
    ck_assert_int_eq(tables_make(figure_data_ownership, "{\"simulated_s\":100}", false, &figure),
                     1);
    assert_file("bars", "1 0.000000 40.000000 0xe0861a\n1 39.000000 70.000000 0x2f86d0\n"
                        "1 72.500000 100.000000 0xe0861a\n2 0.000000 60.000000 0xe0861a\n"
                        "2 60.000000 100.000000 0x2f86d0\n");
    assert_file("overlaps", "1 39.000000 40.000000\n");
    ck_assert_str_eq(figure.remark,
                     "Without an owner: 1 times, at most 2.50 s. With two: 1 times, at most "
                     "1.00 s.");
    assert_file_holds("figure.gp", "set label 'G: T' at");
    assert_file_holds("figure.gp", "set ytics add ('b 1' 2.5)");
}
END_TEST

START_TEST(test_figure_data_ownership__of_many_queues_those_that_change_most) {
    struct figure figure;
    char *text;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    fputs("group,topic,broker,queue,owner,from_s,to_s\n", out);
    for (int i = 0; i < 300; i++)
        fprintf(out, "G,T,b,%d,c%d,0,10\n", i, i);
    fputs("G,T,b,250,c1,10,20\n", out);
    fclose(out);
    put("series/ownership.csv", text);
    free(text);
    ck_assert_int_eq(tables_make(figure_data_ownership, "{\"simulated_s\":20}", true, &figure), 1);
    assert_holds(figure.remark, "Shown are 64 of 300 queues.");
    assert_file_holds("figure.gp", "set ytics add ('b 62' 63.5)\nset ytics add ('b 250' 64.5)\n");
    assert_file_holds("figure.gp", "292 more in the same colours");
}
END_TEST

START_TEST(test_figure_data_message_counts__numbers_beside_bars) {
    struct figure figure;
    const char *summary =
        "{\"messages\":{\"all\":{\"from_s\":0,\"to_s\":60,\"ok\":12345678,\"failed\":3},"
        "\"faults\":[{\"kind\":\"kill\",\"target\":\"b\",\"before\":{\"from_s\":0,\"to_s\":20,"
        "\"ok\":6172839,\"failed\":0},\"during\":{\"from_s\":20,\"to_s\":60,\"failed\":3}}]}}";
    ck_assert_int_eq(tables_make(figure_data_message_counts, summary, false, &figure), 1);
    assert_file("bars", "0 0.0000 0.5000 0x2f86d0\n0 1.0000 1.5000 0xd6336c\n"
                        "2 0.0000 0.2500 0x2f86d0\n3 1.0000 1.5000 0xd6336c\n");
    assert_file_holds("figure.gp", "set label '12.3M' at first 0.5300,first 0.5 left");
    assert_file_holds("figure.gp", "set label '6,172,839' at");
    assert_file_holds("figure.gp", "set ytics add ('during 20 - 60 s' 3.5)");
}
END_TEST

START_TEST(test_figure_data_runs__shares_of_runs) {
    struct figure figure;
    put("series/send_latency_us.csv", "value_ns,tag,scenario\n400000,p50,s\n2000000,p99,s\n"
                                      "9000000,max,s\n500000,p50,s\n");
    put("runs.csv", "scenario,seed,duplicates,lost_in_window\ns,1,0,0\ns,2,40,0\ns,3,,\n");
    ck_assert_int_eq(tables_make(figure_data_runs, "{\"runs\":2,\"groups\":[{\"parameters\":{}}]}",
                                 false, &figure),
                     1);
    assert_file("panel-1-1", "0.4 0\n0.4 50\n0.5 100\n10 100\n");
    assert_file("panel-1-3", "9 0\n9 100\n10 100\n");
    assert_file("panel-2-1", "0.5 0\n0.5 50\n40 100\n100 100\n");
    assert_file_holds("figure.gp", "panels = 2\n");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("report_flow");
    TCase *run = tcase_create("run"), *tables = tcase_create("tables");
    tcase_set_timeout(run, 60);
    tcase_add_checked_fixture(run, folder_make, folder_remove);
    tcase_add_test(run, test_series_flow__of_a_run);
    tcase_add_test(run, test_report_flow__page_of_a_run);
    tcase_add_test(run, test_report_flow__without_gnuplot);
    suite_add_tcase(suite, run);
    tcase_add_checked_fixture(tables, folder_make, folder_remove);
    tcase_add_test(tables, test_figure_data_latency__has_no_zero_and_no_line_over_nothing);
    tcase_add_test(tables, test_figure_data_latency__small_ranges_have_marks_between);
    tcase_add_test(tables, test_figure_data_flow__joins_points_of_a_long_run);
    tcase_add_loop_test(tables, test_figure_data_flow__nothing_to_draw, 0, 8);
    tcase_add_test(tables, test_figure_data_ownership__gaps_and_overlaps);
    tcase_add_test(tables, test_figure_data_ownership__of_many_queues_those_that_change_most);
    tcase_add_test(tables, test_figure_data_message_counts__numbers_beside_bars);
    tcase_add_test(tables, test_figure_data_runs__shares_of_runs);
    suite_add_tcase(suite, tables);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
