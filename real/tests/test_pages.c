/* Tests of /metrics and /health of the daemons, fetched over the socket. */
#include "real/tests/programs.h"

#include "model/tests/suite.h"

#define PAGE_MAX (1 << 20)

static char page[PAGE_MAX];

static void fetch(int port, const char *path) {
    char request[200];
    (void)snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path);
    ask(port, request, page, sizeof page);
}

/* The value of the first sample whose name and labels begin with `name`. */
static double metric(const char *name) {
    size_t len = strlen(name);
    for (const char *line = strstr(page, "\r\n\r\n"); line != NULL; line = strchr(line + 1, '\n')) {
        if (strncmp(line + 1, name, len) != 0 || (line[1 + len] != '{' && line[1 + len] != ' '))
            continue;
        const char *end = strchr(line + 1, '\n');
        ck_assert_ptr_nonnull(end);
        while (end[-1] != ' ')
            end--;
        return strtod(end, NULL);
    }
    ck_abort_msg("%s is not in:\n%s", name, page);
}

/* The line "key   : value" of mqadmin brokerStatus, which is the answer to request 28. */
static double status(const struct program *program, const char *key) {
    size_t len = strlen(key);
    for (const char *line = program->text; line != NULL; line = strchr(line, '\n')) {
        line += line[0] == '\n';
        if (strncmp(line, key, len) == 0 && line[len] == ' ')
            return strtod(strchr(line, ':') + 1, NULL);
    }
    ck_abort_msg("%s is not in:\n%s", key, program->text);
}

static void run(struct program *program, const char *line) {
    start(program, BIN, "%s", line);
    ck_assert_msg(finish(program) == 0, "%s:\n%s", line, program->text);
}

/* ---- /metrics -------------------------------------------------------------------------------- */

static const struct {
    const char *metric, *status;
} SAME[] = {
    {"rocketmq_brokeruntime_msg_put_total_today_now", "msgPutTotalTodayNow"},
    {"rocketmq_brokeruntime_put_message_size_total", "putMessageSizeTotal"},
    {"rocketmq_brokeruntime_commitlog_maxoffset", "commitLogMaxOffset"},
    {"rocketmq_brokeruntime_commitlog_minoffset", "commitLogMinOffset"},
    {"rocketmq_brokeruntime_earliest_message_timestamp", "earliestMessageTimeStamp"},
    {"rocketmq_brokeruntime_send_threadpoolqueue_capacity", "sendThreadPoolQueueCapacity"},
};

START_TEST(test_metrics__are_what_request_28_answers) {
    static struct program servers, broker, tool;
    char line[200];
    int ns = free_port(), ns_pages = free_port(), pages = free_port();
    write_file("ns.conf", "listenPort=%d\nmetricsPort=%d\n", ns, ns_pages);
    start(&servers, BIN, "mqnamesrv -c ns.conf");
    ck_assert_msg(await(&servers, "boot success"), "%s", servers.text);
    fetch(ns_pages, "/metrics");
    ck_assert(metric("windtunnel_namesrv_brokers") == 0);
    int port = broker_file("");
    (void)snprintf(line, sizeof line, "--metrics-port %d -n 127.0.0.1:%d", pages, ns);
    start_broker(&broker, line);
    do /* registered: bounded by the suite's timeout */
        fetch(pages, "/health");
    while (strstr(page, "200 OK") == NULL);
    (void)snprintf(line, sizeof line, "mqadmin updateTopic -b 127.0.0.1:%d -t T", port);
    run(&tool, line);
    for (int sent = 0; sent < 3;) {
        start(&tool, BIN, "mqadmin sendMessage -n 127.0.0.1:%d -t T -p body", ns);
        sent += finish(&tool) == 0 && strstr(tool.text, "SEND_OK") != NULL;
    }
    (void)snprintf(line, sizeof line, "mqadmin brokerStatus -b 127.0.0.1:%d", port);
    run(&tool, line);
    fetch(pages, "/metrics");
    ck_assert_ptr_nonnull(strstr(page, "HTTP/1.1 200 OK\r\n"));
    ck_assert_ptr_nonnull(strstr(page, "\r\nContent-Type: text/plain; version=0.0.4"));
    for (size_t i = 0; i < sizeof SAME / sizeof SAME[0]; i++)
        ck_assert_msg(metric(SAME[i].metric) == status(&tool, SAME[i].status), "%s: %f, %f",
                      SAME[i].metric, metric(SAME[i].metric), status(&tool, SAME[i].status));
    ck_assert(metric("rocketmq_brokeruntime_msg_put_total_today_now") == 3);
    ck_assert(metric("windtunnel_store_writable") == 1);
    fetch(ns_pages, "/metrics");
    ck_assert(metric("windtunnel_namesrv_brokers") == 1);
    ck_assert(metric("windtunnel_namesrv_topics") >= 1);
    ck_assert_int_eq(stop(&broker, SIGTERM), 0);
    fetch(ns_pages, "/metrics"); /* it said goodbye */
    ck_assert(metric("windtunnel_namesrv_brokers") == 0);
    ck_assert_int_eq(stop(&servers, SIGTERM), 0);
}
END_TEST

/* ---- /health --------------------------------------------------------------------------------- */

START_TEST(test_health__down_without_registration) {
    static struct program program;
    char options[100], out[2048];
    int pages = free_port(), nobody = free_port();
    (void)broker_file("");
    (void)snprintf(options, sizeof options, "--metrics-port %d -n 127.0.0.1:%d", pages, nobody);
    start_broker(&program, options);
    ask(pages, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n", out, sizeof out);
    ck_assert_ptr_nonnull(strstr(out, "HTTP/1.1 503 "));
    ck_assert_ptr_nonnull(strstr(out, "{\"causes\":[\"no name server has accepted"));
    ask(pages, "GET /nothing HTTP/1.1\r\n\r\n", out, sizeof out);
    ck_assert_ptr_nonnull(strstr(out, "HTTP/1.1 404 "));
    ask(pages, "DELETE /health HTTP/1.1\r\n\r\n", out, sizeof out);
    ck_assert_ptr_nonnull(strstr(out, "HTTP/1.1 405 "));
    ask(pages, "nonsense\r\n\r\n", out, sizeof out);
    ck_assert_ptr_nonnull(strstr(out, "HTTP/1.1 400 "));
    ck_assert_int_eq(stop(&program, SIGTERM), 0);
}
END_TEST

START_TEST(test_health__up_without_name_servers) {
    static struct program program;
    char options[100], out[2048];
    int pages = free_port();
    (void)broker_file("");
    (void)snprintf(options, sizeof options, "--metrics-port %d", pages);
    start_broker(&program, options);
    ask(pages, "GET /health?x=1 HTTP/1.0\r\n\r\n", out, sizeof out);
    ck_assert_ptr_nonnull(strstr(out, "HTTP/1.1 200 OK\r\n"));
    ck_assert_ptr_nonnull(strstr(out, "{\"status\":\"UP\"}"));
    ck_assert_int_eq(stop(&program, SIGTERM), 0);
}
END_TEST

START_TEST(test_health__of_a_name_server) {
    static struct program program;
    int pages = free_port();
    write_file("ns.conf", "listenPort=%d\n", free_port());
    start(&program, BIN, "mqnamesrv -c ns.conf --metrics-port %d", pages);
    ck_assert_msg(await(&program, "boot success"), "%s", program.text);
    fetch(pages, "/health");
    ck_assert_ptr_nonnull(strstr(page, "HTTP/1.1 200 OK\r\n"));
    ck_assert_ptr_nonnull(strstr(page, "{\"status\":\"UP\"}\n"));
    ck_assert_int_eq(stop(&program, SIGTERM), 0);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("pages");
    TCase *tests = tcase_create("pages");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 300);
    tcase_add_test(tests, test_metrics__are_what_request_28_answers);
    tcase_add_test(tests, test_health__down_without_registration);
    tcase_add_test(tests, test_health__up_without_name_servers);
    tcase_add_test(tests, test_health__of_a_name_server);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
