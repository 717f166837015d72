/* A disk that fails under a real broker (broken_disk.c is preloaded): what was not safe is never
 * acknowledged, the store turns read-only and says so, and the next process finds what was. */
#include "real/tests/programs.h"

#include <errno.h>

#include "model/tests/suite.h"

static int name_server_port, metrics_port;
static struct program name_server, broker;

static void set_fault(const char *call, int error) {
    write_file("fault", "%s %d", call, error);
}

static void preload(bool on) {
    char path[300];
    (void)snprintf(path, sizeof path, "%s/fault", home);
    (void)setenv("BROKEN_DISK", path, 1);
    if (on)
        (void)setenv("LD_PRELOAD", RMQ_BINARY_DIR "/bin/libbroken_disk.so", 1);
    else
        (void)unsetenv("LD_PRELOAD");
    /* libasan is not the first library then, and need not be */
    (void)setenv("ASAN_OPTIONS", "verify_asan_link_order=0", 1);
}

static void start_preloaded(bool on) {
    char options[200];
    (void)snprintf(options, sizeof options,
                   "-n 127.0.0.1:%d --metrics-port %d --events events.jsonl --log stderr",
                   name_server_port, metrics_port);
    preload(on);
    start_broker(&broker, options);
    preload(false);
}

static void begin(const char *flush) {
    char more[512];
    setup();
    name_server_port = free_port();
    metrics_port = free_port();
    write_file("namesrv.conf", "listenPort=%d\n", name_server_port);
    set_fault("none", 0);
    start(&name_server, BIN, "mqnamesrv -c namesrv.conf");
    ck_assert(await(&name_server, "boot success"));
    (void)snprintf(more, sizeof more,
                   "storePathRootDir=%s/store\nflushDiskType=%s\nflushCommitLogLeastPages=0\n",
                   home, flush);
    (void)broker_file(more);
    start_preloaded(true);
}

static void end(void) {
    ck_assert_int_eq(stop(&name_server, SIGTERM), 0);
    teardown();
}

/* One message from the command line: whether it was acknowledged as safe. */
static bool send_one(const char *body) {
    static struct program admin;
    start(&admin, BIN, "mqadmin sendMessage -n 127.0.0.1:%d -t T -p %s", name_server_port, body);
    int code = finish(&admin);
    bool sent = strstr(admin.text, "SEND_OK") != NULL;
    ck_assert_msg(!sent || code == 0, "exit code %d:\n%s", code, admin.text);
    return sent;
}

static bool topic_has(const char *body) {
    static struct program admin;
    start(&admin, BIN, "mqadmin printMsg -n 127.0.0.1:%d -t T -d true", name_server_port);
    ck_assert_int_eq(finish(&admin), 0);
    return strstr(admin.text, body) != NULL;
}

/* Written behind the loop's back, so it may come a little later. */
static void await_event(const char *kind) {
    char text[64];
    (void)snprintf(text, sizeof text, "\"kind\":\"%s\"", kind);
    while (!file_has("events.jsonl", text))
        (void)usleep(10000);
}

static bool is_healthy(char page[4096]) {
    ask(metrics_port, "GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", page, 4096);
    bool good = strncmp(page, "HTTP/1.1 200", 12) == 0;
    ck_assert_msg(good || strncmp(page, "HTTP/1.1 503", 12) == 0, "%s", page);
    return good;
}

static void await_health(bool good) {
    char page[4096];
    while (is_healthy(page) != good) /* the suite's time limit ends this */
        (void)usleep(10000);
    if (!good)
        ck_assert_msg(strstr(page, "its store takes no writes") != NULL, "%s", page);
}

/* The next process, on a disk that works. */
static void check_next_process(bool late_may_be_there) {
    ck_assert_int_eq(stop(&broker, SIGTERM), 0);
    start_preloaded(false);
    await_health(true);
    ck_assert(topic_has("early"));
    ck_assert(late_may_be_there || !topic_has("late"));
    ck_assert(send_one("again"));
    ck_assert(topic_has("again"));
    ck_assert_int_eq(stop(&broker, SIGTERM), 0);
}

/* ---- cases ---- */

static const char *const FLUSH[] = {"SYNC_FLUSH", "ASYNC_FLUSH"};

START_TEST(test_sync__failed_makes_the_store_read_only) {
    begin(FLUSH[_i]);
    await_health(true);
    ck_assert(send_one("early"));
    set_fault("fdatasync", EIO);
    bool sent = send_one("late");
    ck_assert(_i == 1 || !sent); /* an asynchronous flush comes later */
    await_health(false);
    set_fault("none", 0); /* a sync that succeeds now proves nothing */
    ck_assert(!send_one("later"));
    await_health(false);
    await_event("store.sync_failed");
    await_event("store.writable");
    ck_assert(await(&broker, strerror(EIO)));
    ck_assert_has(&broker, "/commitlog/");
    check_next_process(true); /* written, and maybe durable: only not acknowledged */
}
END_TEST

static const int ERRORS[] = {EIO, ENOSPC, EROFS};

START_TEST(test_write__failed_is_not_acknowledged_and_leaves_no_trace) {
    begin("ASYNC_FLUSH");
    await_health(true);
    ck_assert(send_one("early"));
    set_fault("write", ERRORS[_i]);
    ck_assert(!send_one("late"));
    await_event("store.write_failed");
    set_fault("none", 0);
    while (!send_one("after")) { /* while its place is made clean */
    }
    ck_assert(topic_has("early") && topic_has("after") && !topic_has("late"));
    check_next_process(false);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("broken disk");
    TCase *tests = suite_case(suite, "broken disk");
    tcase_add_checked_fixture(tests, NULL, end);
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, test_sync__failed_makes_the_store_read_only, 0, 2);
    tcase_add_loop_test(tests, test_write__failed_is_not_acknowledged_and_leaves_no_trace, 0, 3);
    return suite_run(suite);
}
