/* Tests of sim/report*.c: small directories are drawn, and the tables behind the pictures, the
 * pictures and the page are looked into. gnuplot is needed, as by everybody who wants pictures. */
#define _GNU_SOURCE /* nftw */
#include <check.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/report/report_internal.h"
#include "sim/report/run_dir.h"

/* ---- fixture: a directory whose name needs quoting everywhere ---- */

static char folder[64];
static char *old_path;

static void put(const char *name, const char *text) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    ck_assert(file_write_whole(path, text, strlen(text)));
}

static char *get(const char *name) {
    char path[256];
    size_t len;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return file_read_whole(path, &len);
}

static void setup(void) {
    char series[128];
    snprintf(folder, sizeof folder, "/tmp/it's a \"run\" $HOME XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(series, sizeof series, "%s/series", folder);
    ck_assert(directory_make(series));
    const char *path = getenv("PATH");
    old_path = strdup(path == NULL ? "" : path);
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *walk) {
    (void)info, (void)type, (void)walk;
    return remove(path);
}

static void teardown(void) {
    nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    setenv("PATH", old_path, 1);
    free(old_path);
}

static const char SCENARIO[] =
    "{\"name\": \"paused <broker>\", \"about\": \"a & b </style><script>alert(1)</script>\","
    " \"cluster\": {\"profile\": \"5.3\"}, \"plots\": []}";
static const char SUMMARY[] =
    "{\"scenario\": \"paused\", \"seed\": \"7\", \"commit\": \"abc123\", \"verdict\": \"fail\","
    " \"trace_hash\": \"00112233445566778899aabbccddeeff\", \"simulated_s\": 300.0,"
    " \"wall_s\": 0.1, \"oracles\": ["
    "{\"name\": \"route-bounds\", \"verdict\": \"pass\", \"checked\": 4800, \"reason\": \"\", "
    "\"witness\": []},"
    "{\"name\": \"convergence\", \"verdict\": \"fail\", \"checked\": 2,"
    " \"reason\": \"ns-1 <lists> \\\"a\\\"\", \"witness\": [{\"at_s\": 12.5, \"node\": \"ns-1\","
    " \"event\": \"route.broker_evicted\", \"what\": \"removed & gone\"}]},"
    "{\"name\": \"progress\", \"verdict\": \"unknown\", \"checked\": 0, \"reason\": \"idle\", "
    "\"witness\": []}],"
    " \"metrics\": {\"eviction_after_last_registration_ms\":"
    " {\"count\": 2, \"min\": 120012, \"p50\": 120012, \"p99\": 123700, \"max\": 123700}},"
    " \"metrics_by_tag\": {\"eviction_after_last_registration_ms\": {\"idle\":"
    " {\"count\": 1, \"min\": 120012, \"p50\": 120012, \"p99\": 120012, \"max\": 120012}}},"
    " \"faults\": {\"configured\": 3, \"fired\": 2, \"noticed\": 1, \"list\": ["
    "{\"index\": 0, \"kind\": \"pause\", \"target\": \"broker-a\", \"fired_s\": 60.0,"
    " \"ended_s\": 240.0, \"noticed_s\": 180.5, \"noticed_by\": \"ns-1\"},"
    "{\"index\": 1, \"kind\": \"kill\", \"target\": \"broker-b\", \"fired_s\": 100.0,"
    " \"ended_s\": null, \"noticed_s\": null, \"noticed_by\": \"\"},"
    "{\"index\": 2, \"kind\": \"pause\", \"target\": \"broker-c\", \"fired_s\": null,"
    " \"ended_s\": null, \"noticed_s\": null, \"noticed_by\": \"\"}]},"
    " \"warnings\": [\"fault 2 never fired\"],"
    " \"replay\": \"mqsim run 'it''s.json' --seed 7\"}";
static const char LISTINGS[] = "observer,role,broker,from_s,to_s,reason\n"
                               "ns-1,namesrv,broker-a,10,180.5,idle\n"
                               "ns-1,namesrv,broker-b,10,100.002,close\n"
                               "ns-1,namesrv,broker-a,240.1,,\n"
                               "client-1,client,broker-a,30,200,poll\n"
                               "client-1,client,broker-b,30,,\n";
static const char FAULTS[] = "index,kind,target,from_s,to_s,lasting\n"
                             "0,pause,broker-a,60,240,1\n1,kill,broker-b,100,100,0\n";
static const char SINCE_REGISTRATION[] = "node,value_ns,tag\nns-1,120012000000,idle\n"
                                         "ns-2,123700000000,scan\n";
static const char SINCE_FAULT[] = "value_ms,tag\n112310,idle\n116440,scan\n";

static void run_put(void) {
    put("scenario.json", SCENARIO);
    put("summary.json", SUMMARY);
    put("series/listings.csv", LISTINGS);
    put("series/faults.csv", FAULTS);
    put("series/eviction_after_last_registration_ms.csv", SINCE_REGISTRATION);
    put("series/eviction_after_fault_ms.csv", SINCE_FAULT);
}

/* A study of two combinations; in the second nothing was removed. */
static void sweep_put(void) {
    put("scenario.json", "{\"name\": \"study\", \"about\": \"\"}");
    put("summary.json",
        "{\"scenario\": \"study\", \"runs\": 4, \"pass\": 3, \"fail\": 1, \"unknown\": 0,"
        " \"crashed\": 0, \"wall_s\": 1, \"failures\": [{\"seed\": \"3\", \"oracle\": \"o<1>\","
        " \"signature\": \"late\", \"replay\": \"mqsim run x --seed 3\"}],"
        " \"groups\": ["
        "{\"parameters\": {\"fault\": \"pause\", \"profile\": \"4.9\"}, \"runs\": 2,"
        " \"metrics_by_tag\": {\"eviction_after_last_registration_ms\": {"
        "\"idle\": {\"count\": 1, \"min\": 120001, \"p50\": 120001, \"max\": 120001},"
        "\"scan\": {\"count\": 3, \"min\": 121000, \"p50\": 125000, \"max\": 129000}}}},"
        "{\"parameters\": {\"fault\": \"none\", \"profile\": \"4.9\"}, \"runs\": 2,"
        " \"metrics_by_tag\": {}}]}");
    put("series/eviction_after_last_registration_ms.csv",
        "fault,profile,value_ms,tag\npause,4.9,120001,idle\npause,4.9,121000,scan\n"
        "pause,4.9,125000,scan\npause,4.9,129000,scan\nother,4.9,1,scan\n");
}

/* Draws the directory; the page, for free(). */
static char *page_of_directory(const char **note) {
    struct report_options options;
    const char *error = NULL;
    report_options_default(&options);
    if (!report_directory(folder, &options, note, &error))
        ck_abort_msg("%s", error);
    char *page = get("index.html");
    ck_assert_ptr_nonnull(page);
    return page;
}

/* ---- the page as a whole ---- */

static void assert_self_contained(const char *page) {
    static const char *const outside[] = {"http:", "https:", "src=", "url(", "@import", "<link"};
    for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++)
        ck_assert_msg(strstr(page, outside[i]) == NULL, "page holds %s", outside[i]);
    for (const char *at = page; (at = strstr(at, "href=")) != NULL; at += 5)
        ck_assert_msg(at[6] == '#', "refers to %.40s", at);
}

static bool is_void(const char *name) {
    return strcmp(name, "meta") == 0 || strcmp(name, "br") == 0 || strcmp(name, "!DOCTYPE") == 0;
}

/* Each tag that opens closes, in order. */
static void assert_tags_balance(const char *page) {
    char open[64][24];
    size_t depth = 0;
    for (const char *at = page; (at = strchr(at, '<')) != NULL; at++) {
        const char *end = strchr(at, '>');
        ck_assert_msg(end != NULL, "open tag at %.40s", at);
        bool closes = at[1] == '/';
        char name[24];
        size_t len = strcspn(at + 1 + closes, " \t\n/>");
        ck_assert_msg(len > 0 && len < sizeof name, "no tag: %.40s", at);
        memcpy(name, at + 1 + closes, len);
        name[len] = '\0';
        if (closes) {
            ck_assert_msg(depth > 0, "nothing to close at %.40s", at);
            ck_assert_str_eq(open[--depth], name);
        } else if (end[-1] != '/' && !is_void(name)) {
            ck_assert_uint_lt(depth, 64);
            memcpy(open[depth++], name, sizeof name);
        }
    }
    ck_assert_uint_eq(depth, 0);
}

static void assert_ids_unique(const char *page) {
    for (const char *at = page; (at = strstr(at, " id=\"")) != NULL; at++) {
        char id[128];
        size_t len = strcspn(at + 5, "\"") + 6;
        ck_assert_uint_lt(len, sizeof id);
        memcpy(id, at, len);
        id[len] = '\0';
        ck_assert_msg(strstr(at + 1, id) == NULL, "twice: %s", id);
    }
}

START_TEST(test_report_directory__page_of_a_run_is_whole) {
    const char *note;
    run_put();
    char *page = page_of_directory(&note);
    ck_assert_ptr_null(note);
    assert_self_contained(page);
    assert_tags_balance(page);
    assert_ids_unique(page);
    ck_assert_ptr_nonnull(strstr(page, "<span class=\"badge fail\">fail</span>"));
    ck_assert_ptr_nonnull(strstr(page, "convergence failed; progress could not decide."));
    ck_assert_ptr_nonnull(strstr(page, "3 configured, 2 fired, 1 noticed."));
    ck_assert_ptr_nonnull(strstr(page, "<strong>never</strong>"));
    ck_assert_ptr_nonnull(strstr(page, "<p class=\"warning\">fault 2 never fired"));
    ck_assert_ptr_nonnull(strstr(page, "4,800"));
    ck_assert_ptr_nonnull(strstr(page, "120.01 s"));
    ck_assert_ptr_nonnull(strstr(page, "scan 4, idle close 2"));
    free(page);
}
END_TEST

START_TEST(test_report_directory__escapes_what_runs_say) {
    const char *note;
    run_put();
    char *page = page_of_directory(&note);
    ck_assert_ptr_null(strstr(page, "<script"));
    ck_assert_ptr_nonnull(strstr(page, "a &amp; b &lt;/style&gt;&lt;script&gt;alert(1)"));
    ck_assert_ptr_nonnull(strstr(page, "<h1>paused &lt;broker&gt; "));
    ck_assert_ptr_nonnull(strstr(page, "ns-1 &lt;lists&gt; &quot;a&quot;"));
    ck_assert_ptr_nonnull(
        strstr(page, "\n12.500000 s ns-1 route.broker_evicted: removed &amp; gone</td>"));
    ck_assert_ptr_nonnull(strstr(page, "mqsim run &#39;it&#39;&#39;s.json&#39; --seed 7"));
    free(page);
}
END_TEST

START_TEST(test_report_directory__draws_wide_and_narrow) {
    static const char *const files[] = {"plots/route-timeline.svg",
                                        "plots/route-timeline-narrow.svg", "plots/eviction.svg",
                                        "plots/eviction-narrow.svg"};
    const char *note;
    run_put();
    char *page = page_of_directory(&note);
    for (size_t i = 0; i < 4; i++) {
        char *svg = get(files[i]);
        ck_assert_msg(svg != NULL, "no %s", files[i]);
        ck_assert_ptr_nonnull(
            strstr(svg, i % 2 == 0 ? "viewBox=\"0 0 1000 " : "viewBox=\"0 0 380 "));
        ck_assert_ptr_nonnull(strstr(svg, "xmlns=\"http://www.w3.org/2000/svg\""));
        ck_assert_ptr_null(strstr(svg, "\"black\""));
        free(svg);
    }
    ck_assert_ptr_nonnull(strstr(page, ">broker-a</text>"));
    ck_assert_ptr_null(get("plots/client-view.svg"));     /* no client dropped anybody */
    ck_assert_ptr_null(strstr(page, "What clients see")); /* nor was it asked for by name */
    free(page);
}
END_TEST

START_TEST(test_report_directory__draws_what_is_asked_for) {
    const char *note;
    run_put();
    put("scenario.json", "{\"name\": \"x\", \"plots\": [\"eviction\", \"client-view\"]}");
    char *page = page_of_directory(&note);
    ck_assert_ptr_nonnull(strstr(page, "When brokers are removed"));
    ck_assert_ptr_nonnull(strstr(page, "Nothing to draw: no client dropped a broker."));
    ck_assert_ptr_null(strstr(page, "Who lists whom"));
    free(page);
}
END_TEST

START_TEST(test_report_directory__leaves_a_field_without_values_empty) {
    const char *note;
    run_put();
    put("series/eviction_after_fault_ms.csv", "value_ms,tag\n");
    char *page = page_of_directory(&note);
    ck_assert_ptr_null(note);
    ck_assert_ptr_nonnull(strstr(page, ">no values</text>"));
    free(page);
}
END_TEST

START_TEST(test_report_directory__draws_png_when_asked) {
    struct report_options options;
    const char *note, *error;
    run_put();
    report_options_default(&options);
    options.png = true;
    options.page = false;
    ck_assert(report_directory(folder, &options, &note, &error));
    char *png = get("plots/eviction.png");
    ck_assert_ptr_nonnull(png);
    ck_assert_int_eq(memcmp(png, "\x89PNG", 4), 0);
    ck_assert_ptr_null(get("index.html"));
    free(png);
}
END_TEST

START_TEST(test_report_directory__page_of_a_sweep) {
    const char *note;
    sweep_put();
    char *page = page_of_directory(&note);
    ck_assert_ptr_null(note);
    assert_self_contained(page);
    assert_tags_balance(page);
    assert_ids_unique(page);
    ck_assert_ptr_nonnull(strstr(page, "study of 4 runs"));
    ck_assert_ptr_nonnull(strstr(page, "<span class=\"badge fail\">"));
    ck_assert_ptr_nonnull(strstr(page, "3 pass, 1 fail, 0 unknown, 0 crashed"));
    ck_assert_ptr_nonnull(strstr(page, "<th scope=\"col\">fault, profile</th>"));
    ck_assert_ptr_nonnull(strstr(page, ">pause, 4.9</td>"));
    ck_assert_ptr_nonnull(strstr(page, "3 (75 %)"));
    ck_assert_ptr_nonnull(strstr(page, "121.00 s / 125.00 s / 129.00 s"));
    ck_assert_ptr_nonnull(strstr(page, "<td data-label=\"removed by\">nothing</td>"));
    ck_assert_ptr_nonnull(strstr(page, "<td data-label=\"oracle\">o&lt;1&gt;</td>"));
    ck_assert_ptr_nonnull(strstr(page, "1 of 2 combinations are not drawn"));
    ck_assert_ptr_nonnull(strstr(page, ">fault pause, profile 4.9, 4 values</text>"));
    ck_assert_ptr_null(strstr(page, "Who lists whom")); /* that is for single runs */
    free(page);
}
END_TEST

START_TEST(test_report_directory__without_gnuplot_a_page_without_pictures) {
    const char *note;
    run_put();
    setenv("PATH", "/nonexistent", 1);
    char *page = page_of_directory(&note);
    ck_assert_ptr_nonnull(note);
    ck_assert_ptr_nonnull(strstr(note, "gnuplot cannot be run"));
    ck_assert_ptr_nonnull(strstr(page, "gnuplot cannot be run"));
    ck_assert_ptr_null(strstr(page, "<svg"));
    ck_assert_ptr_nonnull(strstr(page, "convergence failed"));
    assert_tags_balance(page);
    free(page);
}
END_TEST

/* ---- what goes wrong ---- */

START_TEST(test_report_directory__names_what_cannot_be_read) {
    struct report_options options;
    const char *note, *error = NULL;
    report_options_default(&options);
    ck_assert(!report_directory(folder, &options, &note, &error));
    ck_assert_ptr_nonnull(strstr(error, "scenario.json: No such file"));
    run_put();
    put("summary.json", "{\"verdict\":");
    ck_assert(!report_directory(folder, &options, &note, &error));
    ck_assert_ptr_nonnull(strstr(error, "summary.json: not a JSON object"));
    options.source = "/nonexistent";
    ck_assert(!report_directory(folder, &options, &note, &error));
    ck_assert_ptr_nonnull(strstr(error, "/nonexistent: No such file"));
}
END_TEST

START_TEST(test_report_directory__says_what_gnuplot_says) {
    struct report_options options;
    const char *note, *error;
    char reports[128];
    run_put();
    report_options_default(&options);
    options.source = folder; /* a source tree of our own */
    snprintf(reports, sizeof reports, "%s/reports", folder);
    ck_assert(directory_make(reports));
    put("reports/eviction.gp", "set nonsense\n");
    put("reports/route-timeline.gp", "set output 'out'\nset terminal svg\nplot x\n");
    put("reports/page.html", "<p>{{title}} {{nothing}}</p>");
    options.page = false;
    ck_assert(report_directory(folder, &options, &note, &error));
    ck_assert_ptr_nonnull(strstr(note, "gnuplot failed to draw eviction"));
    ck_assert_ptr_nonnull(strstr(note, "eviction.gp\" line 1:"));
    ck_assert_ptr_null(strstr(note, "route-timeline"));
    options.page = true;
    ck_assert(!report_directory(folder, &options, &note, &error));
    ck_assert_str_eq(error, "reports/page.html: no part \"nothing\"");
}
END_TEST

/* ---- tables behind the pictures ---- */

/* Has `data` write its tables for the fixture's directory into that directory. */
static int tables_make(figure_data_fn *data, bool narrow, struct figure *figure) {
    struct report report = {.path = folder};
    struct canvas canvas = {.narrow = narrow, .width = 1000, .font_px = 13};
    char path[128], *scenario = get("scenario.json"), *summary = get("summary.json");
    report.scenario = cJSON_Parse(scenario);
    report.summary = cJSON_Parse(summary);
    snprintf(path, sizeof path, "%s/figure.gp", folder);
    FILE *out = fopen(path, "w");
    ck_assert_ptr_nonnull(out);
    int result = data(&report, folder, out, &canvas, figure);
    ck_assert_int_eq(fclose(out), 0);
    cJSON_Delete(report.scenario);
    cJSON_Delete(report.summary);
    free(scenario);
    free(summary);
    return result;
}

static void assert_file(const char *name, const char *expected) {
    char *text = get(name);
    ck_assert_ptr_nonnull(text);
    ck_assert_str_eq(text, expected);
    free(text);
}

START_TEST(test_figure_data_eviction__counts_by_what_removed) {
    struct figure figure = {0};
    sweep_put();
    ck_assert_int_eq(tables_make(figure_data_eviction, false, &figure), 1);
    /* bins of 0.25 s; a polygon around each run of them, "x percent" */
    assert_file("panel-1-1.bars", "120 25\n120.25 25\n120.25 0\n120 0\n\n"); /* idle */
    assert_file("panel-1-2.bars", "121 25\n121.25 25\n121.25 0\n121 0\n\n"   /* scan */
                                  "125 25\n125.25 25\n125.25 0\n125 0\n\n"
                                  "129 25\n129.25 25\n129.25 0\n129 0\n\n");
    char *gp = get("figure.gp");
    ck_assert_ptr_nonnull(strstr(gp, "tags_1 = ' 1 2'\ntop_1 = 25\n"));
    free(gp);
    assert_file("panel-1-0.ecdf", "117.75 0\n120.001 0\n120.001 25\n121 50\n125 75\n129 100\n"
                                  "132.25 100\n");
    assert_file("panel-1-0.bounds", "1 120 120\n2 120 130\n");
    ck_assert_ptr_nonnull(strstr(figure.remark, "1 of 2 combinations"));
}
END_TEST

START_TEST(test_figure_data_eviction__stacks_tags_in_a_bin) {
    struct figure figure = {0};
    run_put();
    put("series/eviction_after_fault_ms.csv", "value_ms,tag\n100100,scan\n100200,idle\n"
                                              "100300,scan\n101100,idle\n101200,close\n");
    ck_assert_int_eq(tables_make(figure_data_eviction, false, &figure), 1);
    assert_file("panel-2-1.bars", "100 20\n101 20\n101 20\n102 20\n" /* idle: along the top, */
                                  "102 0\n101 0\n101 0\n100 0\n\n"); /* and back */
    assert_file("panel-2-2.bars", "100 60\n101 60\n101 20\n100 20\n\n");
    assert_file("panel-2-3.bars", "101 40\n102 40\n102 20\n101 20\n\n");
}
END_TEST

START_TEST(test_figure_data_eviction__bounds_follow_the_profile) {
    struct figure figure = {0};
    run_put(); /* 5.3: a scan each 5 s */
    ck_assert_int_eq(tables_make(figure_data_eviction, false, &figure), 1);
    assert_file("panel-1-0.bounds", "1 120 120\n2 120 125\n");
    assert_file("panel-2-0.bounds", "1 90 120\n2 90 125\n");
    ck_assert_str_eq(figure.remark, "");
}
END_TEST

START_TEST(test_figure_data_eviction__kills_are_shown_in_milliseconds) {
    struct figure figure = {0};
    run_put();
    put("series/eviction_after_fault_ms.csv", "value_us,tag\n400,close\n800,close\n");
    ck_assert_int_eq(tables_make(figure_data_eviction, false, &figure), 1);
    char *gp = get("figure.gp");
    ck_assert_ptr_nonnull(strstr(gp, "axis_2 = 'milliseconds since the fault'"));
    ck_assert_ptr_nonnull(strstr(gp, "axis_1 = 'seconds since the last registration'"));
    free(gp);
    assert_file("panel-2-0.bounds", ""); /* theory has none for a closed connection */
}
END_TEST

START_TEST(test_figure_data_eviction__nothing_to_draw) {
    struct figure figure = {0};
    put("scenario.json", SCENARIO);
    put("summary.json", SUMMARY);
    ck_assert_int_eq(tables_make(figure_data_eviction, false, &figure), 0);
    ck_assert_str_eq(figure.remark, "Nothing to draw: no broker was removed.");
}
END_TEST

START_TEST(test_figure_data_timeline__bars_and_what_faults_hold) {
    struct figure figure = {0};
    run_put();
    ck_assert_int_eq(tables_make(figure_data_timeline, false, &figure), 1);
    /* rows: 0 "faults", 1 pause, 2 kill, 3 "ns-1 lists", 4 a, 5 b, 6 "client-1 ..", 7 a, 8 b */
    assert_file("bars", "1 3 60.000000 240.000000\n"
                        "4 1 10.000000 180.500000\n4 2 60.000000 180.500000\n"
                        "4 1 240.100000 300.000000\n"
                        "5 1 10.000000 100.002000\n5 2 100.000000 100.002000\n"
                        "7 1 30.000000 200.000000\n7 2 60.000000 200.000000\n"
                        "8 1 30.000000 300.000000\n8 2 100.000000 300.000000\n");
    assert_file("bands", "1 60.000000 240.000000\n2 100.000000 100.000000\n");
    char *gp = get("figure.gp");
    ck_assert_ptr_nonnull(strstr(gp, "set ytics add ('kill' 2.5)\n"));
    ck_assert_ptr_nonnull(
        strstr(gp, "set label 'client-1 believes in' at screen 8.0/width,first 6.5 "));
    ck_assert_ptr_nonnull(strstr(gp, "set label '120 s' at first 120.250000,first 4.5 center "));
    ck_assert_ptr_nonnull(strstr(gp, "set label 'idle' at first 181.952785,first 4.5 left "));
    free(gp);
    ck_assert_str_eq(figure.remark, "");
}
END_TEST

START_TEST(test_figure_data_timeline__a_restarted_broker_is_held_until_it_is_listed) {
    struct figure figure = {0};
    run_put();
    put("series/faults.csv", "index,kind,target,from_s,to_s,lasting\n0,restart,a,100,100,0\n");
    put("series/listings.csv", "observer,role,broker,from_s,to_s,reason\n"
                               "ns-1,namesrv,a,10,100.1,close\nns-1,namesrv,a,110,,\n"
                               "client-1,client,a,20,,\n");
    ck_assert_int_eq(tables_make(figure_data_timeline, false, &figure), 1);
    assert_file("bars", "3 1 10.000000 100.100000\n3 2 100.000000 100.100000\n"
                        "3 1 110.000000 300.000000\n"
                        "5 1 20.000000 300.000000\n5 2 100.000000 110.000000\n");
}
END_TEST

START_TEST(test_figure_data_timeline__a_fault_between_two_holds_only_there) {
    struct figure figure = {0};
    run_put();
    put("series/faults.csv", "index,kind,target,from_s,to_s,lasting\n"
                             "0,block,\"x,broker-a<->ns-1\",60,,1\n"
                             "1,clock-drift,broker-a,20,250,1\n");
    put("series/listings.csv", "observer,role,broker,from_s,to_s,reason\n"
                               "ns-1,namesrv,broker-a,10,,\nns-10,namesrv,broker-a,10,,\n"
                               "ns-2,namesrv,broker-a,10,,\nns-1,namesrv,x,70,,\n");
    ck_assert_int_eq(tables_make(figure_data_timeline, false, &figure), 1);
    /* rows: 0 "faults", 1, 2, 3 "ns-1 lists", 4 x, 5 broker-a, 6 "ns-2", 7, 8, 9 "ns-10", 10, 11;
     * a drifting clock holds nobody */
    assert_file("bars", "1 3 60.000000 300.000000\n2 3 20.000000 250.000000\n"
                        "4 1 70.000000 300.000000\n4 2 70.000000 300.000000\n"
                        "5 1 10.000000 300.000000\n5 2 60.000000 300.000000\n"
                        "8 1 10.000000 300.000000\n11 1 10.000000 300.000000\n");
}
END_TEST

START_TEST(test_report_directory__draws_a_run_without_faults) {
    const char *note;
    run_put();
    put("series/faults.csv", "index,kind,target,from_s,to_s,lasting\n");
    put("series/listings.csv", "observer,role,broker,from_s,to_s,reason\n"
                               "ns-1,namesrv,broker-a,10,,\n");
    char *page = page_of_directory(&note);
    ck_assert_ptr_null(note);
    ck_assert_ptr_nonnull(strstr(page, ">ns-1 lists</text>"));
    free(page);
}
END_TEST

START_TEST(test_figure_data_timeline__of_many_brokers_those_hit) {
    struct figure figure = {0};
    run_put();
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    fputs(LISTINGS, out);
    for (int i = 0; i < 1000; i++)
        fprintf(out, "ns-1,namesrv,broker-%d,10,,\n", i);
    ck_assert_int_eq(fclose(out), 0);
    put("series/listings.csv", text);
    free(text);
    ck_assert_int_eq(tables_make(figure_data_timeline, true, &figure), 1);
    ck_assert_str_eq(figure.remark, "Shown are 2 of 1002 brokers (faults hit 2) and 2 of 2 name "
                                    "servers and clients.");
    char *gp = get("figure.gp");
    ck_assert_ptr_nonnull(strstr(gp, "rows = 9\n"));
    free(gp);
}
END_TEST

/* ---- parts ---- */

START_TEST(test_csv_read__quoted_and_missing_cells) {
    struct csv csv;
    char path[128];
    put("x.csv", "a,b_ms,c\n\"x, \"\"y\"\"\nz\",12.5,\n1\n,,3\n");
    snprintf(path, sizeof path, "%s/x.csv", folder);
    ck_assert(csv_read(path, &csv));
    ck_assert_uint_eq(csv.columns, 3);
    ck_assert_uint_eq(csv.rows, 3);
    ck_assert_str_eq(csv_cell(&csv, 0, 0), "x, \"y\"\nz");
    ck_assert_double_eq(csv_number(&csv, 0, csv_column(&csv, "b_ms"), -1), 12.5);
    ck_assert_str_eq(csv_cell(&csv, 1, 0), "1");
    ck_assert_double_eq(csv_number(&csv, 1, 1, -1), -1);
    ck_assert_str_eq(csv_cell(&csv, 2, 2), "3");
    ck_assert_int_eq(csv_column(&csv, "b"), -1);
    ck_assert_str_eq(csv_cell(&csv, 0, -1), "");
    csv_free(&csv);
}
END_TEST

START_TEST(test_svg_adapt__fits_light_and_dark) {
    const char *svg =
        "<?xml version=\"1.0\"?>\n<svg \n width=\"10\" height=\"5\"\n viewBox=\"0 0 10 5\""
        " xmlns=\"http://n\">\n<title>Gnuplot</title><desc>d</desc>"
        "<g id='p' color=\"black\" fill = 'rgb(  0,   0,   0)'><use xlink:href='#q'/>"
        "<text>black &lt;</text></g></svg>\n";
    char *page = svg_adapt(svg, "x-", "A <title>", false);
    ck_assert_str_eq(page, "<svg viewBox=\"0 0 10 5\" role=\"img\"><title>A &lt;title&gt;</title>\n"
                           "<g id=\"x-p\" color=\"currentColor\" fill=\"currentColor\">"
                           "<use href=\"#x-q\"/><text>black &lt;</text></g></svg>\n");
    free(page);
    char *file = svg_adapt(svg, "x-", "t", true);
    ck_assert_ptr_nonnull(strstr(file, "width=\"10\""));
    ck_assert_ptr_nonnull(strstr(file, "xmlns=\"http://n\""));
    ck_assert_ptr_nonnull(strstr(file, "color-scheme"));
    free(file);
}
END_TEST

START_TEST(test_html_quantity__picks_the_unit) {
    static const struct {
        const char *metric;
        double value;
        const char *text;
    } rows[] = {{"a_ms", 120034, "120.03 s"},   {"a_ms", 12, "12 ms"},    {"a_ms", 0, "&lt; 1 ms"},
                {"a_us", 850, "850 us"},        {"a_us", 1500, "1.5 ms"}, {"a_us", 2e6, "2.00 s"},
                {"count", 1234567, "1,234,567"}};
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    html_quantity(out, rows[_i].metric, rows[_i].value);
    ck_assert_int_eq(fclose(out), 0);
    ck_assert_str_eq(text, rows[_i].text);
    free(text);
}
END_TEST

static Suite *report_suite(void) {
    Suite *suite = suite_create("report");
    TCase *page = tcase_create("page");
    tcase_set_timeout(page, 60);
    tcase_add_checked_fixture(page, setup, teardown);
    tcase_add_test(page, test_report_directory__page_of_a_run_is_whole);
    tcase_add_test(page, test_report_directory__escapes_what_runs_say);
    tcase_add_test(page, test_report_directory__draws_wide_and_narrow);
    tcase_add_test(page, test_report_directory__draws_what_is_asked_for);
    tcase_add_test(page, test_report_directory__draws_a_run_without_faults);
    tcase_add_test(page, test_report_directory__leaves_a_field_without_values_empty);
    tcase_add_test(page, test_report_directory__draws_png_when_asked);
    tcase_add_test(page, test_report_directory__page_of_a_sweep);
    tcase_add_test(page, test_report_directory__without_gnuplot_a_page_without_pictures);
    tcase_add_test(page, test_report_directory__names_what_cannot_be_read);
    tcase_add_test(page, test_report_directory__says_what_gnuplot_says);
    suite_add_tcase(suite, page);
    TCase *tables = tcase_create("tables");
    tcase_add_checked_fixture(tables, setup, teardown);
    tcase_add_test(tables, test_figure_data_eviction__counts_by_what_removed);
    tcase_add_test(tables, test_figure_data_eviction__stacks_tags_in_a_bin);
    tcase_add_test(tables, test_figure_data_eviction__bounds_follow_the_profile);
    tcase_add_test(tables, test_figure_data_eviction__kills_are_shown_in_milliseconds);
    tcase_add_test(tables, test_figure_data_eviction__nothing_to_draw);
    tcase_add_test(tables, test_figure_data_timeline__bars_and_what_faults_hold);
    tcase_add_test(tables,
                   test_figure_data_timeline__a_restarted_broker_is_held_until_it_is_listed);
    tcase_add_test(tables, test_figure_data_timeline__a_fault_between_two_holds_only_there);
    tcase_add_test(tables, test_figure_data_timeline__of_many_brokers_those_hit);
    tcase_add_test(tables, test_csv_read__quoted_and_missing_cells);
    suite_add_tcase(suite, tables);
    TCase *parts = tcase_create("parts");
    tcase_add_test(parts, test_svg_adapt__fits_light_and_dark);
    tcase_add_loop_test(parts, test_html_quantity__picks_the_unit, 0, 7);
    suite_add_tcase(suite, parts);
    return suite;
}

int main(void) {
    SRunner *runner = srunner_create(report_suite());
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
