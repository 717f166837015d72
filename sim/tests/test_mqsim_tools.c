/* mqsim check, trace and diff, run as programs on small logs. */
#include <sys/wait.h>

#include "sim/tests/folder.h"
#include "sim/tests/stream.h"

#define HEADER "{\"nodes\":[\"ns-1\",\"ns-2\",\"broker-a\",\"broker-b\",\"client-1\"]}"

/* Runs "mqsim ARGUMENTS" in the folder; its exit code, and what it said (both streams). */
static int mqsim(char *said, size_t size, const char *arguments) {
    char command[1024];
    snprintf(command, sizeof command, "cd %s && '%s/bin/mqsim' %s 2>&1", folder, RMQ_BINARY_DIR,
             arguments);
    FILE *pipe = popen(command, "r");
    ck_assert_ptr_nonnull(pipe);
    size_t len = fread(said, 1, size - 1, pipe);
    said[len] = '\0';
    while (getc(pipe) != EOF)
        ;
    int status = pclose(pipe);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static char said[16384];
#define EXPECT_RUN(code, arguments) \
    ck_assert_msg(mqsim(said, sizeof said, arguments) == (code), "%s: %s", arguments, said)
#define EXPECT_SAID(part) ck_assert_msg(strstr(said, part) != NULL, "%s", said)

/* folder/name: 300 s with both brokers; `topics` is what the first registration of broker-a says.
 */
static void write_log(const char *name, uint64_t topics) {
    char *path = path_join(folder, name);
    struct stream stream = {.sink = record_sink_open(path, HEADER, false)};
    ck_assert_ptr_nonnull(stream.sink);
    stream_start(&stream);
    stream_run(&stream, 90 * SECOND, 3);
    s_registration_sent(&stream, BROKER_A, NS1_ADDRESS, topics, 0, 0, 1, 0);
    stream_run(&stream, 300 * SECOND, 3);
    ck_assert(record_sink_close(stream.sink));
    free(path);
}

static void write_text(const char *name, const char *text) {
    ck_assert(file_write_in(folder, name, text));
}

START_TEST(test_mqsim_check__judges_by_given_oracles) {
    write_log("events.bin", 1);
    EXPECT_RUN(0, "check events.bin --oracle route-bounds --oracle progress,of=rounds,within=40s");
    EXPECT_SAID("pass     route-bounds");
    EXPECT_RUN(12, "check events.bin --oracle route-bounds --oracle progress,of=rounds,within=20s");
    EXPECT_SAID("no rounds at broker-");
    EXPECT_RUN(15, "check events.bin --oracle eviction-window,reason=idle,scan,max=1s");
    EXPECT_SAID("no removal of this kind was seen");
    EXPECT_RUN(15, "check . --oracle route-bounds,excused=broker-a,broker-b,slack=1s");
}
END_TEST

START_TEST(test_mqsim_check__judges_by_the_scenario_beside_it) {
    write_log("events.bin", 1);
    write_text("scenario.json",
               "{\"expect\":[{\"oracle\":\"route-bounds\",\"slack\":\"1s\",\"excused\":[\"x\"]},"
               "{\"oracle\":\"event-count\",\"event\":\"registration.sent\",\"min\":1}]}");
    EXPECT_RUN(0, "check events.bin");
    EXPECT_SAID("event-count");
    EXPECT_RUN(0, "check --json .");
    EXPECT_SAID("\"verdict\":\t\"pass\"");
    /* the run went on for 200 s after the last event: too long without a registration */
    write_text("summary.json", "{\"simulated_s\": 500.0}");
    EXPECT_RUN(11, "check events.bin");
    EXPECT_SAID("500.000 s");
}
END_TEST

START_TEST(test_mqsim_check__says_what_is_wrong) {
    write_log("events.bin", 1);
    EXPECT_RUN(1, "check");
    EXPECT_SAID("no event log is given");
    EXPECT_RUN(1, "check events.bin");
    EXPECT_SAID("no scenario.json beside it");
    EXPECT_RUN(1, "check nothing.bin --oracle route-bounds");
    EXPECT_SAID("nothing.bin: No such file or directory");
    EXPECT_RUN(1, "check events.bin --oracle route-bound");
    EXPECT_SAID("no oracle is called \"route-bound\"");
    EXPECT_SAID("did you mean \"route-bounds\"?");
    EXPECT_RUN(1, "check no-such-folder/events.bin");
    EXPECT_SAID("No such file or directory");
    EXPECT_RUN(1, "check events.bin --oracle route-bounds,slack=x");
    EXPECT_SAID("oracle route-bounds: slack: is not a duration");
    EXPECT_RUN(1, "check events.bin --oracle route-bounds,");
    EXPECT_SAID("expected NAME,key=value");
    write_text("bad.bin", "hello");
    EXPECT_RUN(1, "check bad.bin --oracle route-bounds");
    EXPECT_SAID("not an event log");
    EXPECT_RUN(0, "check --help");
    EXPECT_SAID("usage: mqsim check");
}
END_TEST

/* A line of a daemon's --events file, at `ms`; its monotonic clock began at `boot` (ms). */
#define LINE(node, incarnation, sequence, boot, ms, kind, fields)                     \
    "{\"node\":\"" node "\",\"incarnation\":" #incarnation ",\"sequence\":" #sequence \
    ",\"mono_ns\":" boot #ms "000000,\"wall_ms\":17000000" #ms ",\"kind\":\"" kind    \
    "\",\"fields\":{" fields "}}\n"
#define STARTED(incarnation, ms)                             \
    LINE("broker-a", incarnation, 1, "", ms, "node.started", \
         "\"role\":\"broker\",\"profile\":\"4.9\"")
#define SERVES(incarnation, ms)                             \
    LINE("broker-a", incarnation, 2, "", ms, "node.serves", \
         "\"address\":\"127.0.0.1:1\",\"broker\":\"broker-a\",\"broker_id\":0")

START_TEST(test_mqsim_check__reads_lines_of_daemons) {
    write_text(
        "ns.jsonl",
        LINE("namesrv", 1, 1, "", 10000, "node.started", "\"role\":\"namesrv\",\"profile\":\"4.9\"")
            LINE("namesrv", 1, 2, "", 10900, "route.scanned", "\"brokers\":1,\"expired\":0"));
    /* killed at 10500, back at 10600; the last line is cut off */
    write_text("broker.jsonl", STARTED(1, 10100) SERVES(1, 10200) STARTED(2, 10600)
                                   SERVES(2, 10700) "{\"node\":\"bro");
    EXPECT_RUN(0, "check ns.jsonl broker.jsonl --oracle starts --oracle "
                  "event-count,event=world.node_down,field=how,value=kill,min=1,max=1 --oracle "
                  "event-count,event=world.node_up,min=3,max=3 --oracle "
                  "event-count,event=node.serves,from=650ms,until=750ms,min=1,max=1");
    EXPECT_SAID("ns.jsonl: pass (10 records, 0.900 s)");
    EXPECT_RUN(13, "check ns.jsonl broker.jsonl --oracle event-count,event=node.serves,max=1");
    EXPECT_RUN(1, "check broker.jsonl");
    EXPECT_SAID("no scenario.json beside it");
    write_text("bad.jsonl", STARTED(1, 10100) "{\"node\":\"x\"}\n");
    EXPECT_RUN(1, "check bad.jsonl --oracle starts");
    EXPECT_SAID("bad.jsonl:2: expected an event: node, incarnation");
    write_text("bad.jsonl", LINE("x", 1, 1, "", 10, "node.startled", ""));
    EXPECT_RUN(1, "check bad.jsonl --oracle starts");
    EXPECT_SAID("bad.jsonl:1: this program does not know");
    write_text("bad.jsonl", LINE("x", 1, 1, "", 10, "node.started", "\"role\":7"));
    EXPECT_RUN(1, "check bad.jsonl --oracle starts");
    EXPECT_SAID("bad.jsonl:1: its fields are not those of its kind");
}
END_TEST

START_TEST(test_mqsim_trace__filters) {
    write_log("events.bin", 1);
    EXPECT_RUN(0, "trace events.bin --node client-1 --kind client. --from 60s --to 90s");
    ck_assert_str_eq(said, "    60.000000000  client-1       client.poll_done           topics=1 "
                           "answered=1 failed=0 duration_ns=2000000\n"
                           "    90.000000000  client-1       client.poll_done           topics=1 "
                           "answered=1 failed=0 duration_ns=2000000\n");
    EXPECT_RUN(0, "trace --json --kind world.node_up --node ns-2 events.bin");
    EXPECT_SAID("{\"world_ns\":0,");
    EXPECT_SAID("\"node\":\"ns-2\"");
    EXPECT_RUN(1, "trace events.bin --kind routes");
    EXPECT_SAID("no event is called \"routes\"");
    EXPECT_RUN(1, "trace events.bin --kind route.broker_evictd");
    EXPECT_SAID("did you mean \"route.broker_evicted\"?");
    EXPECT_RUN(1, "trace events.bin --node client-1 --node broker-");
    EXPECT_SAID("the log has no node \"broker-\"; did you mean \"broker-");
    EXPECT_RUN(0, "trace events.bin --node world --kind world.node_up");
    EXPECT_RUN(1, "trace events.bin --from 60s --to 59s");
    EXPECT_SAID("--from is after --to");
    EXPECT_RUN(1, "trace events.bin --from soon");
    EXPECT_RUN(1, "trace events.bin events.bin");
    EXPECT_RUN(1, "trace");
    EXPECT_RUN(0, "trace --help");
}
END_TEST

START_TEST(test_mqsim_trace__reports_damage) {
    write_log("events.bin", 1);
    size_t len;
    char *path = path_join(folder, "events.bin");
    char *bytes = file_read_whole(path, &len);
    ck_assert(file_write_whole(path, bytes, len - 3));
    EXPECT_RUN(1, "trace events.bin --kind node.stopping");
    EXPECT_SAID("cut off inside a record");
    EXPECT_RUN(1, "check events.bin --oracle route-bounds");
    EXPECT_SAID("damaged at byte");
    EXPECT_RUN(1, "diff events.bin events.bin");
    free(bytes);
    free(path);
}
END_TEST

START_TEST(test_mqsim_diff__names_the_field) {
    write_log("a.bin", 1);
    write_log("b.bin", 1);
    write_log("c.bin", 2);
    EXPECT_RUN(0, "diff a.bin b.bin");
    EXPECT_SAID("the same: ");
    EXPECT_RUN(14, "diff a.bin c.bin");
    EXPECT_SAID(": topics\n");
    EXPECT_SAID("- a.bin\n+ c.bin\n");
    EXPECT_SAID(
        "\n-     90.000000000  broker-a       registration.sent          name_server=" NS1_ADDRESS
        " topics=1 ");
    EXPECT_SAID(
        "\n+     90.000000000  broker-a       registration.sent          name_server=" NS1_ADDRESS
        " topics=2 ");
    size_t lines = 0;
    for (const char *at = said; *at != '\0'; at++)
        lines += *at == '\n';
    ck_assert_uint_eq(lines, 3 + 1 + 3 + 2 * 4);
}
END_TEST

/* One log is the beginning of the other. */
START_TEST(test_mqsim_diff__finds_a_missing_end) {
    write_log("a.bin", 1);
    size_t len;
    char *path = path_join(folder, "a.bin"), *cut = path_join(folder, "cut.bin");
    char *bytes = file_read_whole(path, &len);
    struct stream stream = {.sink = record_sink_open(cut, HEADER, false)};
    stream_start(&stream);
    ck_assert(record_sink_close(stream.sink));
    EXPECT_RUN(14, "diff a.bin cut.bin");
    EXPECT_SAID("cut.bin ends here");
    EXPECT_SAID("+ (end)");
    EXPECT_RUN(14, "diff cut.bin a.bin");
    EXPECT_RUN(1, "diff a.bin");
    EXPECT_RUN(1, "diff a.bin none.bin");
    EXPECT_RUN(0, "diff --help");
    free(bytes);
    free(path);
    free(cut);
}
END_TEST

STREAM_MAIN_FIXTURE("mqsim_tools", folder_make, folder_remove,
                    test_mqsim_check__judges_by_given_oracles,
                    test_mqsim_check__judges_by_the_scenario_beside_it,
                    test_mqsim_check__says_what_is_wrong, test_mqsim_check__reads_lines_of_daemons,
                    test_mqsim_trace__filters, test_mqsim_trace__reports_damage,
                    test_mqsim_diff__names_the_field, test_mqsim_diff__finds_a_missing_end)
