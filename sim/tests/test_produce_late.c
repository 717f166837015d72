/* An open loop's send says how far it is behind its schedule: what waits for a free place of
 * in_flight counts from when it was due, not from when it could begin. */
#include <inttypes.h>

#include "model/tests/suite.h"
#include "sim/tests/folder.h"

#define MS INT64_C(1000000)

/* Ten messages, one each 10 ms, one at a time over a link of 25 ms. `arrivals` may be closed. */
static void write_scenario(const char *arrivals) {
    char text[2048];
    snprintf(
        text, sizeof text,
        "{\"name\":\"late\",\"about\":\"x\",\"duration\":\"30s\",\"cluster\":{\"name_servers\":"
        "[{\"name\":\"ns\"}],\"brokers\":[{\"name\":\"b\",\"topics\":[{\"name\":\"T\"}]}],"
        "\"clients\":[{\"name\":\"c\",\"start\":\"5s\",\"loads\":[{\"do\":\"produce\","
        "\"topic\":\"T\",\"producerGroup\":\"g\",\"arrivals\":\"%s\",%s\"in_flight\":1,"
        "\"count\":10}]}]},\"network\":{\"default\":{\"latency\":{\"constant\":\"25ms\"}}},"
        "\"expect\":[{\"oracle\":\"event-count\",\"event\":\"send.acked\",\"min\":10}]}",
        arrivals, strcmp(arrivals, "closed") == 0 ? "" : "\"rate\":\"100/s\",");
    ck_assert(file_write_in(folder, "late.json", text));
}

/* late_ns of each send in order; how many there are. */
static size_t run_and_read(int64_t *late_ns, size_t max) {
    char command[1024], line[1024];
    size_t count = 0;
    snprintf(
        command, sizeof command,
        "cd %s && '%s/bin/mqsim' run late.json --out out >out.txt 2>&1 && '%s/bin/mqsim' trace "
        "out/events.bin --kind send.started",
        folder, RMQ_BINARY_DIR, RMQ_BINARY_DIR);
    FILE *pipe = popen(command, "r");
    ck_assert_ptr_nonnull(pipe);
    while (fgets(line, sizeof line, pipe) != NULL) {
        const char *field = strstr(line, "late_ns=");
        if (field != NULL && count < max)
            ck_assert_int_eq(sscanf(field, "late_ns=%" SCNd64, &late_ns[count++]), 1);
    }
    ck_assert_int_eq(pclose(pipe), 0);
    return count;
}

START_TEST(an_open_loop_counts_what_waits) {
    int64_t late_ns[16];
    write_scenario("constant");
    ck_assert_uint_eq(run_and_read(late_ns, 16), 10);
    ck_assert_int_eq(late_ns[0], 0);
    for (size_t i = 2; i < 10; i++) { /* each answer takes 50 ms and little more, a message is due
                                         each 10 ms */
        ck_assert_int_ge(late_ns[i] - late_ns[i - 1], 40 * MS);
        ck_assert_int_le(late_ns[i] - late_ns[i - 1], 45 * MS);
    }
}
END_TEST

START_TEST(a_closed_loop_is_never_late) {
    int64_t late_ns[16];
    write_scenario("closed");
    ck_assert_uint_eq(run_and_read(late_ns, 16), 10);
    for (size_t i = 0; i < 10; i++)
        ck_assert_int_eq(late_ns[i], 0);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("produce_late");
    TCase *tests = suite_case(suite, "late_ns");
    tcase_add_checked_fixture(tests, folder_make, folder_remove);
    tcase_add_test(tests, an_open_loop_counts_what_waits);
    tcase_add_test(tests, a_closed_loop_is_never_late);
    return suite_run(suite);
}
